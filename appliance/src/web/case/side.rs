//! What stands beside the steps of a case: who is here, the citizen's screen, what would come of it.

use super::list;
use super::page::{Scene, age_s, grade_words, left_ms, shown_number};
use super::submit;
use crate::reception::RESULT_MS;
use crate::reception::decide::{self, Signed};
use crate::store::devices::Presence;
use crate::web::pages::case::{CitizenScreen, Office, OrganisationCard, Policy, Prospect, SidePanel, Who};
use hall_domain::case::{Acknowledgement, Case, Consent, ConsentEnd, RatingState};
use hall_domain::identifier::ForeignResidentNumber;
use hall_domain::{ActsFor, Capacity, DocumentKind, IdentityDocument, Timestamp, mask_name};

/// 侧栏.
pub fn side(scene: &Scene<'_>) -> SidePanel {
    let case = scene.case;
    let who = case.identity.as_ref().map(|who| Who {
        name: if scene.open { who.name.clone() } else { mask_name(&who.name) },
        document: who.document.kind().zh().to_owned(),
        number: shown_number(scene, who.document.number()),
        open: scene.open,
        grade: grade_words(case),
        grade_code: format!("{:?}", case.identity_grade()),
        source: match &who.phone {
            Some(phone) => format!("{} {}", scene.lang.t(phone.proof.carrier.zh()), who.at.hm()),
            None => scene.lang.fill("{} 读卡器 {}", &[&case.window, &who.at.hm()]),
        },
        on_behalf_of: case.mandator().map(|(principal, _)| case.shown_name(principal).unwrap_or_default()),
        caution: match who.expired {
            true => Some(scene.lang.t("身份证已过有效期").to_owned()),
            false if doubtful(&who.document) => {
                Some(scene.lang.t("号码与校验位不符，请对照证件再核对一次。").to_owned())
            }
            false => None,
        },
    });
    let organisation = case.organisation.as_ref().map(|known| {
        let register = known.register.as_ref();
        OrganisationCard {
            name: register
                .map_or_else(|| scene.lang.t("未查到登记信息").to_owned(), |entry| entry.name.clone()),
            uscc: known.uscc.to_string(),
            representative: register
                .map(|entry| mask_name(&entry.legal_representative.name))
                .unwrap_or_default(),
            office: office(case, scene.now),
            relation_age_s: known.checked_at.map(|at| age_s(scene.now, at)),
        }
    });
    let confirmed = case.identity.as_ref().is_some_and(|who| who.confirmed());
    let policy = match (case.closed(), confirmed) {
        (true, _) => Prospect::Over,
        (false, false) => Prospect::Unknown,
        (false, true) => {
            let judgement = decide::judge(case, scene.item, &scene.conditions, Signed::default(), scene.now);
            Prospect::Known(Policy {
                outcome: list::outcome(judgement.outcome),
                sentence: judgement.sentence,
                raise: judgement.raise,
                lacking: case.filled.then(|| submit::blockers(scene, false).len()),
            })
        }
    };
    SidePanel { who, organisation, screen: screen(scene), policy }
}

/// In which office the person at the window acts for the organisation, as far as a phone or the register says.
fn office(case: &Case, now: Timestamp) -> Option<Office> {
    let who = case.identity.as_ref()?;
    if case.mandator().is_some() {
        return Some(Office::Delegate);
    }
    match case.capacity() {
        Some(Capacity::LegalRepresentative { .. }) => return Some(Office::Representative),
        Some(Capacity::Agent { .. }) => return Some(Office::Agent),
        _ => {}
    }
    let register = case.organisation.as_ref()?.register.as_ref()?;
    Some(match register.acts_for(&who.document, &who.name, now) {
        Some(ActsFor::LegalRepresentative) => Office::Representative,
        Some(ActsFor::Agent(_)) => Office::Agent,
        None => Office::Nobody,
    })
}

/// Whether a number came from a card though its check digit does not fit: cards were issued so.
fn doubtful(document: &IdentityDocument) -> bool {
    let number = document.number().parse::<ForeignResidentNumber>();
    document.kind() == DocumentKind::ForeignPermanentResident
        && number.is_ok_and(|number| !number.check_digit_ok())
}

fn screen(scene: &Scene<'_>) -> CitizenScreen {
    let case = scene.case;
    let Some(device) = &scene.evaluator else { return CitizenScreen::None };
    if scene.returning(device) {
        return CitizenScreen::Returning;
    }
    if device.state == Presence::Quarantined {
        return CitizenScreen::Isolated;
    }
    if device.state == Presence::Lost {
        return CitizenScreen::Offline { since: device.seen_at.hm() };
    }
    if let Some(wait) = &case.phone {
        return CitizenScreen::Code {
            ask: wait.challenge.ask.zh(),
            left_ms: left_ms(wait.deadline, scene.now),
        };
    }
    if matches!(case.acknowledgement, Some(Acknowledgement::Waiting { .. })) {
        return CitizenScreen::Notice { title: "代办人确认" };
    }
    match (&case.consent, &case.rating) {
        (Consent::Waiting { asked }, _) if asked.phone.is_some() => CitizenScreen::Code {
            ask: asked.phone.as_ref().map_or("", |phone| phone.ask.zh()),
            left_ms: left_ms(asked.deadline, scene.now),
        },
        (Consent::Waiting { asked }, _) if asked.office.is_some() && scene.shown => {
            CitizenScreen::Notice { title: "依职能查验告知" }
        }
        (Consent::Waiting { asked }, _) if scene.shown => CitizenScreen::Authorise {
            item: case.item_name.clone(),
            licences: asked.request.rows.iter().map(|row| row.name.clone()).collect(),
            left_ms: left_ms(asked.deadline, scene.now),
        },
        (Consent::Waiting { .. }, _) => CitizenScreen::Sending,
        (_, RatingState::Waiting { .. }) => CitizenScreen::Rating,
        (Consent::Given { at, .. }, _) if scene.now.ms_since(*at) < RESULT_MS.into() => {
            CitizenScreen::Result { text: "授权成功".to_owned(), agreed: true }
        }
        (Consent::Refused { at }, _) if scene.now.ms_since(*at) < RESULT_MS.into() => {
            CitizenScreen::Result { text: "已拒绝授权".to_owned(), agreed: false }
        }
        (Consent::Ended { reason: ConsentEnd::TimedOut, at }, _)
            if scene.now.ms_since(*at) < RESULT_MS.into() =>
        {
            CitizenScreen::Result { text: "时间到了，页面已关闭".to_owned(), agreed: false }
        }
        _ => CitizenScreen::Idle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_whose_number_does_not_fit_its_check_digit_is_pointed_out() {
        let card =
            |number: &str| IdentityDocument::new(DocumentKind::ForeignPermanentResident, number).unwrap();
        let fitting: Vec<bool> =
            (0..10).map(|digit| doubtful(&card(&format!("CAN11000480012{digit}")))).collect();
        assert_eq!(fitting.iter().filter(|doubtful| !**doubtful).count(), 1, "{fitting:?}");
    }
}

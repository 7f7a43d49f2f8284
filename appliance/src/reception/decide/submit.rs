//! 提交: what comes of a case as it stands, submitting it, and what is brought afterwards.

use super::{Events, at_least, file_fits, room_for_more};
use crate::reception::refusal::Refusal;
use hall_domain::case::{
    AccountName, Attachment, Case, CaseEvent, Consent, Follow, ListRow, MaterialState, Mode, Secondary, Step,
};
use hall_domain::evidence::CodeForm;
use hall_domain::organisation::ActsFor;
use hall_domain::policy::{
    self, ClockState, Counts, GrantState, LineState, Policy, Relation, Situation, TrustState, limits,
};
use hall_domain::{
    Capacity, IdentityGrade, Judgement, LicenceGrade, LicenceStatus, MandateGrade, MaterialId, Outcome,
    ServiceItem, Timestamp, Way, form,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How long the centre's answer to a look-up counts as its word.
const ONLINE_MS: i64 = 3_600_000;
/// 补交期限: days within which what follows has to be brought.
const FOLLOW_DAYS: i64 = 7;

/// What the policy is asked with, beside the case itself.
#[derive(Debug, Clone)]
pub struct Conditions {
    /// 离线策略 in force.
    pub policy: Arc<Policy>,
    /// Whether the line is up, and how long it has been down.
    pub line: LineState,
    /// Whether the holder's licences are in the cache or came from the centre.
    pub holder_cached: bool,
    /// How grant or mandate stand by the newest list, and how many hours old that is.
    pub standing: (LicenceStatus, u32),
    /// What was taken today, without this case.
    pub counts: Counts,
    /// 时钟状态.
    pub clock: ClockState,
    /// 信任包状态.
    pub trust: TrustState,
}

/// Who signs a submission beside its clerk.
#[derive(Debug, Clone, Default)]
pub struct Signatures {
    /// 第二名窗口人员.
    pub second: Option<Secondary>,
    /// 值班主管.
    pub supervisor: Option<Secondary>,
}

/// Which signatures a judgement counts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signed {
    /// 第二名窗口人员.
    pub second: bool,
    /// 值班主管.
    pub supervisor: bool,
}

/// What would come of submitting the case as it stands.
pub fn judge(
    case: &Case,
    item: &ServiceItem,
    conditions: &Conditions,
    signed: Signed,
    now: Timestamp,
) -> Judgement {
    let policy = &*conditions.policy;
    let relation = relation(case, conditions, now);
    let fresh = case.listed_at.is_some_and(|at| now.ms_since(at) < ONLINE_MS);
    let line = match case.mode {
        // What the centre said counts as its word for an hour, then as what the hall remembers.
        Some(Mode::Online) if fresh => LineState::Up,
        _ => conditions.line,
    };
    let situation = |licence| Situation {
        identity: case.identity_grade(),
        consent: case.consent_grade(),
        licence,
        holder_cached: conditions.holder_cached,
        relation,
        second_clerk: signed.second,
        supervisor: signed.supervisor,
        t2_offline: item.offline_t2,
        pre_approved: policy.approves(&item.code),
        code: code_form(case),
        mandate: mandate(case, conditions, now),
        legal_basis: !item.office_bases.is_empty(),
        notice_given: matches!(case.consent, Consent::Office { .. }),
        limit: limits::check(policy, &conditions.counts).first().copied(),
        clock: conditions.clock,
        trust: conditions.trust,
        ..Situation::new(item.tier, way(case, relation), case.applicant, line)
    };
    // Licences and paper originals are different grounds, neither the weaker in all things: the case stands on both.
    let relied = case.uses.iter().filter(|used| !case.paper_brought(&used.material));
    let weakest = relied.map(|used| used.grade).min();
    let on_licences = policy::judge(policy, &situation(weakest));
    // What no licence could stand for is no evidence of the one kind or the other.
    let replaceable =
        |row: &&ListRow| item.material(&row.material).is_some_and(|material| material.replaced_by.is_some());
    let paper = case.list.iter().filter(replaceable).any(|row| case.paper_brought(&row.material));
    let on_paper = paper.then(|| policy::judge(policy, &situation(Some(LicenceGrade::L1))));
    let judgement = match on_paper {
        Some(on_paper) if weakest.is_none() || on_paper.outcome < on_licences.outcome => on_paper,
        _ => on_licences,
    };
    let accepted = matches!(judgement.outcome, Outcome::Accept | Outcome::AcceptForReview);
    if accepted && follow(case, now).is_some() {
        return Judgement {
            outcome: Outcome::MaterialsToFollow,
            sentence: "有材料容缺后补：将按容缺受理登记，补齐材料并复核后生效。".to_owned(),
            raise: Some("现场补齐容缺材料后可正常受理".to_owned()),
        };
    }
    judgement
}

/// An agent is one whichever way they were verified.
fn way(case: &Case, relation: Relation) -> Way {
    match (case.way(), relation) {
        (Way::IdentityCard | Way::ServiceCode | Way::Face, Relation::Agent { .. }) => Way::Agent,
        (way, _) => way,
    }
}

/// 办事码形式: how the code was shown; what the centre resolved counts as its word.
fn code_form(case: &Case) -> CodeForm {
    match case.identity_grade() {
        IdentityGrade::I3 => CodeForm::Challenge,
        IdentityGrade::I3w => CodeForm::Weak,
        _ => CodeForm::Plain,
    }
}

/// A mandate that ended or was revoked is none.
fn mandate(case: &Case, conditions: &Conditions, now: Timestamp) -> MandateGrade {
    let ended = case.capacity().and_then(Capacity::revocable).is_some_and(|(until, _)| until < now);
    if ended || conditions.standing.0 != LicenceStatus::Valid {
        return MandateGrade::M0;
    }
    case.mandate_grade()
}

/// What is known of the right to act for the organisation: the register's word, or what the phone carried.
fn relation(case: &Case, conditions: &Conditions, now: Timestamp) -> Relation {
    let (Some(known), Some(who)) = (&case.organisation, &case.identity) else { return Relation::None };
    let hours = |at: Timestamp| now.hours_since(at);
    let registered = known.register.as_ref().and_then(|entry| entry.acts_for(&who.document, &who.name, now));
    let (status, list_hours) = conditions.standing;
    let grant = |until: Timestamp| match status {
        LicenceStatus::Valid if until >= now => GrantState::Valid,
        LicenceStatus::Valid => GrantState::Ended,
        _ => GrantState::Revoked,
    };
    match (registered, case.capacity()) {
        (_, Some(Capacity::Agent { until, .. })) => {
            Relation::Agent { hours: list_hours, grant: grant(*until) }
        }
        (Some(ActsFor::Agent(known)), _) => Relation::Agent { hours: list_hours, grant: grant(known.until) },
        (Some(ActsFor::LegalRepresentative), _) => match known.checked_at {
            Some(at) => Relation::LegalRepresentative { hours: hours(at) },
            None => Relation::None,
        },
        // Without a register entry the centre's attestation on the phone is the newest word.
        (None, Some(Capacity::LegalRepresentative { .. })) if known.register.is_none() => {
            let attested = who.phone.as_ref().map_or(Timestamp(0), |phone| phone.attested_at);
            Relation::LegalRepresentative { hours: hours(attested) }
        }
        (None, _) => Relation::None,
    }
}

/// 容缺: what would follow if the case were submitted now.
fn follow(case: &Case, now: Timestamp) -> Option<Follow> {
    let follows = |row: &&ListRow| case.material_state(row) == MaterialState::ToFollow;
    let materials: BTreeSet<MaterialId> =
        case.list.iter().filter(follows).map(|row| row.material.clone()).collect();
    let identity = case.identity.as_ref().is_some_and(|identity| identity.expired);
    let by = now.local_date().plus_days(FOLLOW_DAYS);
    (identity || !materials.is_empty()).then_some(Follow { materials, identity, by })
}

/// Submits. The form and the materials must be in order, and the policy must not say no.
pub fn submit(
    case: &Case,
    item: &ServiceItem,
    conditions: &Conditions,
    signatures: Signatures,
    now: Timestamp,
) -> Events {
    complete(case, item)?;
    let Signatures { second, supervisor } = signatures;
    if second.as_ref().is_some_and(|second| second.account == case.clerk) {
        return Err(Refusal::SecondClerk);
    }
    let signed_already = |account: &AccountName| {
        *account == case.clerk || second.as_ref().is_some_and(|second| second.account == *account)
    };
    if supervisor.as_ref().is_some_and(|supervisor| signed_already(&supervisor.account)) {
        return Err(Refusal::Supervisor);
    }
    let signed = Signed { second: second.is_some(), supervisor: supervisor.is_some() };
    let judgement = judge(case, item, conditions, signed, now);
    if judgement.outcome == Outcome::No {
        return Err(Refusal::Policy(judgement.sentence));
    }
    let hours_offline = match conditions.line {
        LineState::Up => 0,
        LineState::Down { hours } => hours,
    };
    let mode = case.mode.unwrap_or(Mode::Offline);
    let follow = follow(case, now);
    Ok(vec![CaseEvent::Submitted { judgement, mode, second, hours_offline, supervisor, follow }])
}

/// Whether something that was to follow may be added with a file of this size. Any clerk takes it in, and late is
/// better than never.
pub fn may_supply(case: &Case, material: Option<&MaterialId>, size: u64) -> Result<(), Refusal> {
    let follow = case.submission.as_ref().and_then(|done| done.follow.as_ref());
    let follows = follow.is_some_and(|follow| match material {
        Some(material) => follow.materials.contains(material),
        None => follow.identity,
    });
    if !follows {
        return Err(Refusal::NothingFollows);
    }
    file_fits(size)?;
    room_for_more(case.supplied.len())
}

/// 补交材料: adds what was to follow. The number is given here.
pub fn supply(case: &Case, attachment: Attachment) -> Events {
    may_supply(case, attachment.material.as_ref(), attachment.size)?;
    let attachment = Attachment { id: case.next_attachment, ..attachment };
    Ok(vec![CaseEvent::MaterialSupplied { attachment }])
}

/// Whether form, commitment and materials are in order.
pub fn complete(case: &Case, item: &ServiceItem) -> Result<(), Refusal> {
    at_least(case, Step::Form, Step::Form)?;
    let problems = form::problems(item, &case.form);
    if !problems.is_empty() {
        return Err(Refusal::Form(problems));
    }
    if item.commitment.is_some() && !case.committed {
        return Err(Refusal::Commitment);
    }
    let missing: Vec<String> = case
        .list
        .iter()
        .filter(|row| row.required && case.material_state(row) == MaterialState::Missing)
        .map(|row| row.name.clone())
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(Refusal::Materials(missing)) }
}

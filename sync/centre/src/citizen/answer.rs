//! 应答: the citizen's yes or no to a window's request, as the centre's signed assertion.

use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::capacity::{self, For};
use crate::citizen::challenge::{self, Asked, ChallengeState, Row};
use crate::citizen::codes;
use crate::citizen::consent::{Consent, ConsentRow, Via};
use crate::citizen::face;
use crate::citizen::id::Id;
use crate::citizen::mandate::{self, Mandate};
use crate::citizen::news::Event;
use crate::citizen::notice::{Notice, NoticeKind};
use crate::citizen::session;
use crate::store::citizens::{KeptChallenge, NewAnswer, Person, Session};
use hall_domain::consent::TEXT_VERSION;
use hall_domain::{Capacity, IdentityDocument, MaterialId, PhoneAsk, Timestamp};
use hall_ledger::envelope::NUMBER_FIELD;
use hall_ledger::phone::assertion::LIFE_S;
use hall_ledger::phone::{
    AgreedRow, Agreement, Assertion, ChallengeNonce, LicenceStatement, MAX_BYTES, Said, SealNonce,
    StatedLicence, UseCode,
};
use std::collections::BTreeMap;

/// What the citizen says.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Yes at all.
    pub agree: bool,
    /// Materials refused singly.
    pub refused: Vec<MaterialId>,
    /// What to show, for licences; none for all.
    pub materials: Option<Vec<MaterialId>>,
    /// 人脸核验.
    pub face_ticket: Option<String>,
    /// For whom.
    pub capacity: For,
}

/// Answers a challenge that the person has read. Again gives what the first answer gave.
pub async fn answer(
    app: &App,
    session: &Session,
    nonce: ChallengeNonce,
    answer: Answer,
) -> Result<KeptChallenge, Refusal> {
    let person = &session.person;
    let kept = read_before(app, person, nonce).await?;
    if kept.asked.kind == PhoneAsk::Principal {
        return Err(Refusal::Because("principal-answers"));
    }
    if !kept.state.is_open() {
        return mine(kept, &person.document);
    }
    let now = app.now();
    if now >= kept.asked.expires_at {
        return Err(Refusal::Because("challenge-expired"));
    }
    let capacity = capacity::resolve(app, person, &answer.capacity).await?;
    let by_mandate = matches!(capacity, Capacity::Delegate { .. });
    if by_mandate && kept.asked.kind != PhoneAsk::Face {
        return Err(Refusal::Because("principal-answers"));
    }
    let rows = challenge::rows(app, &kept.asked, person, &capacity).await?;
    let given = Given { person, capacity, rows, via: Via::Phone };
    let new = said(app, &kept.asked, given, &answer, now).await?;
    app.store.answer_challenge(new).await?;
    app.news.tell(Event::Challenge(nonce));
    let kept = app.store.challenge(nonce).await?.ok_or(Refusal::Because("unknown-challenge"))?;
    mine(kept, &person.document)
}

/// A principal's answer to what an agent asks at a window.
pub async fn confirm(
    app: &App,
    session: &Session,
    nonce: ChallengeNonce,
    answer: Answer,
) -> Result<KeptChallenge, Refusal> {
    let person = &session.person;
    let unknown = || Refusal::Because("unknown-challenge");
    let kept = app.store.challenge(nonce).await?.ok_or_else(unknown)?;
    let mandate = match kept.mandate {
        Some(id) => app.store.mandate(id).await?.ok_or_else(unknown)?,
        None => return Err(unknown()),
    };
    if !mandate::answers_for(app, person, &mandate.principal).await? {
        return Err(unknown());
    }
    if !kept.state.is_open() {
        return Ok(kept);
    }
    let now = app.now();
    if now >= kept.asked.expires_at {
        too_late(app, person, &kept, &mandate).await?;
        return Err(Refusal::Because("challenge-expired"));
    }
    capacity::in_force(app, mandate.id).await.map_err(|error| match error {
        Refusal::Because(_) => Refusal::Because("delegation-over"),
        error => error,
    })?;
    let capacity = challenge::principal_capacity(app, person, &mandate.principal).await?;
    let rows = challenge::rows(app, &kept.asked, person, &capacity).await?;
    let rows = challenge::within(&mandate, rows);
    let given = Given { person, capacity, rows, via: Via::Principal };
    let mut new = said(app, &kept.asked, given, &answer, now).await?;
    let text = match answer.agree {
        true => "委托人已确认，请出示二维码或等待窗口显示结果。",
        false => "委托人没有同意。",
    };
    let notice = Notice::new(now, NoticeKind::ConfirmationOver, "委托人已答复", text);
    new.notices.push((mandate.agent.clone(), notice.asked(nonce).about(mandate.id)));
    app.store.answer_challenge(new).await?;
    app.news.tell(Event::Challenge(nonce));
    session::woken(app, &mandate.agent);
    app.store.challenge(nonce).await?.ok_or_else(unknown)
}

/// The window has given up: nothing is signed, and both are told.
async fn too_late(
    app: &App,
    person: &Person,
    kept: &KeptChallenge,
    mandate: &Mandate,
) -> Result<(), Refusal> {
    let (nonce, now) = (kept.asked.nonce, app.now());
    let notice = |text: &str| {
        Notice::new(now, NoticeKind::ConfirmationOver, "确认已超时", text).asked(nonce).about(mandate.id)
    };
    let to_agent = notice("委托人答复时窗口已不再等待，没有生效。请让窗口重新显示二维码。");
    app.store.notify(&mandate.agent, to_agent).await?;
    app.store.notify(&person.document, notice("窗口已不再等待，您的答复没有生效。请与代办人联系。")).await?;
    session::woken(app, &mandate.agent);
    Ok(())
}

/// A challenge that the person has read.
pub async fn read_before(
    app: &App,
    person: &Person,
    nonce: ChallengeNonce,
) -> Result<KeptChallenge, Refusal> {
    let kept = app.store.challenge(nonce).await?;
    match kept {
        Some(kept) if app.store.has_read(nonce, &person.document).await? => Ok(kept),
        _ => Err(Refusal::Because("unknown-challenge")),
    }
}

fn mine(kept: KeptChallenge, person: &IdentityDocument) -> Result<KeptChallenge, Refusal> {
    if kept.by.as_ref() == Some(person) { Ok(kept) } else { Err(Refusal::Because("answered-by-another")) }
}

/// Who answers, and about what.
struct Given<'a> {
    person: &'a Person,
    capacity: Capacity,
    rows: Vec<Row<'a>>,
    via: Via,
}

/// What the answer says and what is recorded of it.
async fn said(
    app: &App,
    asked: &Asked,
    given: Given<'_>,
    answer: &Answer,
    now: Timestamp,
) -> Result<NewAnswer, Refusal> {
    challenge::still_enrolled(app, asked).await?;
    let was_asked = |id: &MaterialId| asked.materials.contains(id);
    if !answer.refused.iter().chain(answer.materials.iter().flatten()).all(was_asked) {
        return Err(Refusal::Because("not-asked"));
    }
    if asked.needs_face() && answer.agree {
        let ticket = answer.face_ticket.as_deref().unwrap_or_default();
        face::use_ticket(app, &given.person.document, ticket).await?;
    }
    let issued = capacity::whole(now);
    let mut new = NewAnswer {
        nonce: asked.nonce,
        by: given.person.document.clone(),
        capacity: answer.capacity.clone(),
        state: ChallengeState::Answered,
        assertion: None,
        expires_at: issued.plus_seconds(LIFE_S),
        consent: None,
        notices: Vec::new(),
        at: now,
    };
    let said = match asked.kind {
        PhoneAsk::Consent | PhoneAsk::Principal => {
            let digest = asked.digest.ok_or(Refusal::Because("not-a-challenge"))?;
            let (agreement, rows) = agreement(&given.rows, asked, answer, digest)?;
            if !agreement.agreed.is_empty() {
                new.consent = record(app, asked, &given, rows, digest, now)?;
            }
            match asked.kind {
                PhoneAsk::Principal => Said::Principal(agreement),
                _ => Said::Consent(agreement),
            }
        }
        _ if !answer.agree => {
            new.state = ChallengeState::Refused;
            return Ok(new);
        }
        PhoneAsk::Licences => Said::Licences(statements(app, &given.rows, answer, now)?),
        PhoneAsk::Face | PhoneAsk::Code => Said::Face,
    };
    let subject = codes::seal(app, &capacity::subject(given.person, given.capacity), issued)?;
    let assertion = Assertion { issued, expires: new.expires_at, nonce: asked.nonce, subject, said };
    let bytes = app.sign(&assertion).into_bytes();
    if bytes.len() > MAX_BYTES {
        return Err(Refusal::Because("too-much"));
    }
    new.assertion = Some(bytes);
    Ok(new)
}

/// What was agreed to, and the rows of the record. What the centre does not hold is neither agreed to nor, unless
/// that leaves nothing to say, refused.
fn agreement(
    rows: &[Row<'_>],
    asked: &Asked,
    answer: &Answer,
    digest: hall_ledger::Hash,
) -> Result<(Agreement, Vec<ConsentRow>), Refusal> {
    let (mut agreed, mut refused, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let id = &row.material.id;
        let yes = answer.agree && !answer.refused.contains(id);
        let mut use_code = None;
        match &row.found {
            Some(found) if yes => {
                let code = UseCode::random()?;
                use_code = Some(code.to_string());
                agreed.push(AgreedRow { material: id.clone(), status: found.status, use_code: code });
            }
            None if yes => continue,
            _ => refused.push(id.clone()),
        }
        kept.push(ConsentRow {
            material: id.clone(),
            kind: row.kind.code.clone(),
            name: row.kind.name.clone(),
            licence: row.found.as_ref().map(|found| found.licence.id.clone()),
            fields: row.labels(),
            agreed: use_code.is_some(),
            use_code,
        });
    }
    if agreed.is_empty() && refused.is_empty() {
        refused.clone_from(&asked.materials);
    }
    Ok((Agreement { digest, agreed, refused }, kept))
}

fn record(
    app: &App,
    asked: &Asked,
    given: &Given<'_>,
    rows: Vec<ConsentRow>,
    digest: hall_ledger::Hash,
    now: Timestamp,
) -> Result<Option<Consent>, Refusal> {
    let Some(item) = asked.item.as_ref().and_then(|code| app.catalogue.item(code)) else { return Ok(None) };
    let subject = capacity::subject(given.person, given.capacity.clone());
    let holder_name = match &given.capacity {
        Capacity::Own => given.person.name.clone(),
        Capacity::LegalRepresentative { name, .. } | Capacity::Agent { name, .. } => name.clone(),
        Capacity::Delegate { principal_name, .. } => principal_name.clone(),
    };
    Ok(Some(Consent {
        id: Id::random()?,
        by: given.person.document.clone(),
        by_name: given.person.name.clone(),
        holder: subject.principal(),
        holder_name,
        via: given.via,
        log: asked.log,
        hall: asked.hall.clone(),
        hall_name: asked.hall_name.clone(),
        window: asked.window.clone(),
        case_no: None,
        item: item.code.clone(),
        item_name: item.name.clone(),
        department: item.department.clone(),
        notice: TEXT_VERSION.to_owned(),
        digest,
        rows,
        agreed_at: now,
        mode: None,
        nonce: Some(asked.nonce),
        withdrawn_at: None,
        withdrawn_place: None,
        ended_at: None,
        basis: None,
    }))
}

/// The licences to be shown, with only the fields that the item may ask for.
fn statements(
    app: &App,
    rows: &[Row<'_>],
    answer: &Answer,
    now: Timestamp,
) -> Result<Vec<LicenceStatement>, Refusal> {
    let keys = app.code_keys.keys();
    let key = keys.current(now).ok_or_else(|| Refusal::Failed("no code key is in use today".to_owned()))?;
    let wanted = |id: &MaterialId| {
        !answer.refused.contains(id) && answer.materials.as_ref().is_none_or(|chosen| chosen.contains(id))
    };
    let mut statements = Vec::new();
    for row in rows.iter().filter(|row| wanted(&row.material.id)) {
        let Some(found) = &row.found else { continue };
        // 证照编号 is a field like any other, whether or not the licence lists it among them.
        let number =
            |key: &hall_domain::FieldKey| (key.as_str() == NUMBER_FIELD).then_some(&found.licence.number);
        let field = |key: &hall_domain::FieldKey| {
            let value = found.licence.fields.get(key).or_else(|| number(key))?;
            Some((key.clone(), value.clone()))
        };
        let fields: BTreeMap<_, _> = row.material.fields.iter().filter_map(field).collect();
        let stated = StatedLicence {
            material: row.material.id.clone(),
            licence: found.licence.id.clone(),
            status: found.status,
            valid_until: found.licence.valid_until,
            fields,
        };
        statements.push(stated.seal(key, SealNonce::random()?));
    }
    Ok(statements)
}

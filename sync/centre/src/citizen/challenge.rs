//! 窗口请求: what a box's challenge asks, checked and put into words for the citizen.

use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::capacity::{self, For};
use crate::citizen::grant;
use crate::citizen::mandate::{self, Mandate};
use crate::citizen::notice::{Notice, NoticeKind};
use crate::citizen::session;
use crate::store::citizens::{KeptChallenge, Person, Session};
use crate::store::{Log, Registered};
use hall_domain::masking::mask_name;
use hall_domain::{
    Capacity, HolderId, IdentityDocument, ItemCode, LicenceKind, LicenceStatus, Material, MaterialHolder,
    MaterialId, PhoneAsk, ServiceItem, Timestamp,
};
use hall_ledger::phone::{Challenge, ChallengeNonce, CodeError, from_qr};
use hall_ledger::{Hash, LogId};
use serde::{Deserialize, Serialize};

/// A challenge as the centre keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its name.
    pub nonce: ChallengeNonce,
    /// The box.
    pub log: LogId,
    /// The hall's code.
    pub hall: String,
    /// The hall's name.
    pub hall_name: String,
    /// The window, as the hall calls it.
    pub window: String,
    /// What is asked for.
    pub kind: PhoneAsk,
    /// For which item.
    pub item: Option<ItemCode>,
    /// Which of its materials.
    pub materials: Vec<MaterialId>,
    /// Digest of the request.
    pub digest: Option<Hash>,
    /// When the window stops waiting.
    pub expires_at: Timestamp,
}

/// Where a challenge stands, but for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeState {
    /// 待应答.
    Open,
    /// 待委托人确认.
    Waiting,
    /// 已应答.
    Answered,
    /// 已拒绝, and nothing to tell the hall.
    Refused,
}

impl ChallengeState {
    /// As stored, and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Answered => "answered",
            Self::Refused => "refused",
        }
    }

    /// Back from [`ChallengeState::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Waiting, Self::Answered, Self::Refused].into_iter().find(|s| s.word() == word)
    }

    /// Whether an answer can still come.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Waiting)
    }
}

impl KeptChallenge {
    /// The state in one word, with the time looked at.
    pub fn word(&self, now: Timestamp) -> &'static str {
        if self.state.is_open() && now >= self.asked.expires_at { "expired" } else { self.state.word() }
    }
}

impl Asked {
    /// Whether the answer takes a face: it stands for the person, or shows what is theirs.
    pub fn needs_face(&self) -> bool {
        matches!(self.kind, PhoneAsk::Face | PhoneAsk::Principal | PhoneAsk::Licences)
    }

    fn of(challenge: Challenge, log: &Log) -> Self {
        Self {
            nonce: challenge.nonce,
            log: challenge.log,
            hall: log.hall.code.clone(),
            hall_name: log.hall.name.clone(),
            kind: challenge.kind(),
            item: challenge.item().cloned(),
            materials: challenge.materials().to_vec(),
            digest: challenge.digest(),
            window: challenge.window,
            expires_at: challenge.expires,
        }
    }
}

/// One licence that is asked for, with what the centre holds.
#[derive(Debug, Clone)]
pub struct Row<'c> {
    /// The material.
    pub material: &'c Material,
    /// The kind that stands for it.
    pub kind: &'c LicenceKind,
    /// Whose licence it is, for a screen.
    pub whose: String,
    /// The licence; none if there is none, or the capacity does not reach it.
    pub found: Option<Registered>,
}

impl Row<'_> {
    /// Labels of the fields that are opened.
    pub fn labels(&self) -> Vec<String> {
        let labels = self.material.fields.iter().filter_map(|key| self.kind.field(key));
        labels.map(|field| field.label.clone()).collect()
    }
}

/// A challenge in words.
pub struct View<'c> {
    /// As kept.
    pub kept: KeptChallenge,
    /// The item.
    pub item: Option<&'c ServiceItem>,
    /// For whom the person answers.
    pub capacity: Capacity,
    /// The licences.
    pub rows: Vec<Row<'c>>,
}

/// The box of a challenge, if it may still ask.
async fn box_of(app: &App, log: LogId) -> Result<Log, Refusal> {
    let log = app.store.log(log).await?.ok_or(Refusal::Because("unknown-box"))?;
    if log.superseded || log.certificate.0 == [0; 32] {
        return Err(Refusal::Because("box-revoked"));
    }
    Ok(log)
}

/// Whether the box that asked may still be answered.
pub async fn still_enrolled(app: &App, asked: &Asked) -> Result<(), Refusal> {
    box_of(app, asked.log).await.map(drop)
}

/// Reads and checks a challenge, keeps it, and passes one for a principal on.
pub async fn read<'c>(
    app: &'c App,
    session: &Session,
    text: &str,
    wanted: &For,
) -> Result<View<'c>, Refusal> {
    let no_challenge = || Refusal::Because("not-a-challenge");
    let bytes = from_qr(text).map_err(|_| no_challenge())?;
    let unverified = Challenge::parse(&bytes).map_err(|_| no_challenge())?;
    let log = box_of(app, unverified.log()).await?;
    let now = app.now();
    let challenge = unverified.verify(&log.ledger_key, now).map_err(|error| match error {
        CodeError::Expired => Refusal::Because("challenge-expired"),
        CodeError::Signature | CodeError::UnknownKey(_) => Refusal::Because("wrong-signature"),
        _ => no_challenge(),
    })?;
    let asked = Asked::of(challenge, &log);
    if asked.kind == PhoneAsk::Code {
        return Err(Refusal::Because("code-needs-no-centre"));
    }
    let person = &session.person;
    let capacity = capacity::resolve(app, person, wanted).await?;
    let item = registered(app, &asked, &capacity)?;
    match (asked.kind, wanted) {
        (PhoneAsk::Principal, For::Own | For::Organisation(_)) => {
            return Err(Refusal::Because("mandate-needed"));
        }
        (PhoneAsk::Consent | PhoneAsk::Licences, For::Mandate(_)) => {
            return Err(Refusal::Because("principal-answers"));
        }
        _ => {}
    }
    let (nonce, kind) = (asked.nonce, asked.kind);
    app.store.keep_challenge(asked, &person.document).await?;
    if kind == PhoneAsk::Principal
        && let For::Mandate(id) = wanted
    {
        let mandate = capacity::in_force(app, *id).await?;
        pass_on(app, person, nonce, &mandate, item).await?;
    }
    let kept = app.store.challenge(nonce).await?.ok_or(Refusal::Because("unknown-challenge"))?;
    if !kept.state.is_open() && kind != PhoneAsk::Principal && kept.by.as_ref() != Some(&person.document) {
        return Err(Refusal::Because("answered-by-another"));
    }
    view(app, kept, person, capacity).await
}

/// The item, if it may ask for what is asked: no over-asking.
fn registered<'c>(
    app: &'c App,
    asked: &Asked,
    capacity: &Capacity,
) -> Result<Option<&'c ServiceItem>, Refusal> {
    let Some(code) = &asked.item else { return Ok(None) };
    let item = app.catalogue.item(code).ok_or(Refusal::Because("unknown-item"))?;
    let may_ask = |id: &MaterialId| item.material(id).is_some_and(|material| material.replaced_by.is_some());
    if !asked.materials.iter().all(may_ask) {
        tracing::warn!(hall.code = %asked.hall, item.code = %code, "A box asked for more than its item may.");
        return Err(Refusal::Because("over-asking"));
    }
    if let Capacity::Delegate { item: Some(limited), .. } = capacity
        && limited != code
    {
        return Err(Refusal::Because("mandate-other-item"));
    }
    Ok(Some(item))
}

async fn pass_on(
    app: &App,
    agent: &Person,
    nonce: ChallengeNonce,
    mandate: &Mandate,
    item: Option<&ServiceItem>,
) -> Result<(), Refusal> {
    let to = principal_person(app, &mandate.principal).await?;
    let what = item.map_or("政务事项", |item| &item.name);
    let text = format!("{}正在窗口为您办理“{what}”，请在五分钟内核对并确认。", mask_name(&agent.name));
    let notice = Notice::new(app.now(), NoticeKind::ConfirmationAsked, "待您确认", text)
        .asked(nonce)
        .about(mandate.id);
    if !app.store.pass_on(nonce, &agent.document, mandate.id, (to.clone(), notice)).await? {
        return Err(Refusal::Because("answered-by-another"));
    }
    session::woken(app, &to);
    Ok(())
}

/// Who confirms for a principal: the person, or the organisation's legal representative.
pub async fn principal_person(app: &App, principal: &HolderId) -> Result<IdentityDocument, Refusal> {
    match principal {
        HolderId::Person(document) => Ok(document.clone()),
        HolderId::Organisation(uscc) => {
            let organisation = app.store.organisation(uscc).await?;
            let organisation = organisation.ok_or(Refusal::Because("delegation-over"))?;
            Ok(organisation.legal_representative.document)
        }
    }
}

/// A kept challenge in words, for somebody in a capacity.
pub async fn view<'c>(
    app: &'c App,
    kept: KeptChallenge,
    person: &Person,
    capacity: Capacity,
) -> Result<View<'c>, Refusal> {
    let item = kept.asked.item.as_ref().and_then(|code| app.catalogue.item(code));
    let rows = rows(app, &kept.asked, person, &capacity).await?;
    Ok(View { kept, item, capacity, rows })
}

/// The licences that a challenge asks for, as the centre holds them now. A mandate reaches only its own kinds; nobody
/// but the legal representative reaches a representative's personal licences.
pub async fn rows<'c>(
    app: &'c App,
    asked: &Asked,
    person: &Person,
    capacity: &Capacity,
) -> Result<Vec<Row<'c>>, Refusal> {
    let Some(item) = asked.item.as_ref().and_then(|code| app.catalogue.item(code)) else {
        return Ok(Vec::new());
    };
    let shown = capacity::shown_principal(person, capacity);
    let principal = capacity::subject(person, capacity.clone()).principal();
    let of_principal = app.store.licences_of(&principal).await?;
    let represented = matches!(capacity, Capacity::LegalRepresentative { .. });
    let of_representative = match represented {
        true => app.store.licences_of(&HolderId::Person(person.document.clone())).await?,
        false => Vec::new(),
    };
    let mut rows = Vec::new();
    for id in &asked.materials {
        let Some(material) = item.material(id) else { continue };
        let Some(kind) = material.replaced_by.as_ref().and_then(|code| app.catalogue.kind(code)) else {
            continue;
        };
        let (held, whose) = match material.holder {
            MaterialHolder::Applicant => (&of_principal, shown.clone()),
            MaterialHolder::LegalRepresentative if represented => {
                (&of_representative, mask_name(&person.name))
            }
            MaterialHolder::LegalRepresentative => (&of_representative, "法定代表人".to_owned()),
        };
        rows.push(Row { material, kind, whose, found: best(held, kind, app.now()) });
    }
    Ok(rows)
}

/// The licence of a kind that serves best: valid before not, then the newest.
fn best(held: &[Registered], kind: &LicenceKind, now: Timestamp) -> Option<Registered> {
    let today = now.local_date();
    let of_kind = held.iter().filter(|held| held.licence.kind == kind.code);
    let usable = |held: &Registered| held.status == LicenceStatus::Valid && !held.licence.expired(today);
    of_kind.max_by_key(|held| (usable(held), held.licence.issued)).cloned()
}

/// Only the kinds that a mandate names.
pub fn within<'c>(mandate: &Mandate, mut rows: Vec<Row<'c>>) -> Vec<Row<'c>> {
    for row in &mut rows {
        if !mandate.kinds.contains(&row.kind.code) {
            row.found = None;
        }
    }
    rows
}

/// The capacity in which a principal confirms.
pub async fn principal_capacity(
    app: &App,
    person: &Person,
    principal: &HolderId,
) -> Result<Capacity, Refusal> {
    match principal {
        HolderId::Person(_) => Ok(Capacity::Own),
        HolderId::Organisation(uscc) => {
            let organisation = grant::represented(app, person, uscc).await?;
            Ok(Capacity::LegalRepresentative { uscc: organisation.uscc, name: organisation.name })
        }
    }
}

/// 待我确认: what a principal's agents ask at windows, of the last day; open ones first.
pub async fn confirmations<'c>(app: &'c App, person: &Person) -> Result<Vec<(Mandate, View<'c>)>, Refusal> {
    let mut mandates = Vec::new();
    for principal in mandate::principals(app, person).await? {
        mandates.extend(app.store.mandates_by(&principal).await?);
    }
    let (ids, now) = (mandates.iter().map(|mandate| mandate.id).collect(), app.now());
    let mut confirmations = Vec::new();
    for kept in app.store.passed_on(ids, now.plus_hours(-24)).await? {
        let Some(mandate) = mandates.iter().find(|mandate| kept.mandate == Some(mandate.id)) else {
            continue;
        };
        let capacity = principal_capacity(app, person, &mandate.principal).await?;
        let mut view = view(app, kept, person, capacity).await?;
        view.rows = within(mandate, view.rows);
        confirmations.push((mandate.clone(), view));
    }
    confirmations.sort_by_key(|(_, view)| {
        (view.kept.word(now) != "waiting", std::cmp::Reverse(view.kept.asked.expires_at))
    });
    Ok(confirmations)
}

//! 委托代办: one citizen or organisation lets another citizen act, for an item and some licences, for a time.

use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::capacity::For;
use crate::citizen::face;
use crate::citizen::grant;
use crate::citizen::id::Id;
use crate::citizen::notice::{Notice, NoticeKind};
use crate::citizen::session;
use crate::store::citizens::{Person, Session};
use hall_domain::masking::mask_name;
use hall_domain::{HolderId, IdentityDocument, ItemCode, LicenceKindCode, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest that a delegation may last.
const LONGEST_DAYS: i64 = 366;
/// What the code for accepting begins with.
const CODE: &str = "HBWT:";

/// One delegation. Personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    /// Its name.
    pub id: Id,
    /// 委托人.
    pub principal: HolderId,
    /// The principal's name.
    pub principal_name: String,
    /// Who gave it: the principal, or its legal representative then.
    pub given_by: IdentityDocument,
    /// 代办人.
    pub agent: IdentityDocument,
    /// The agent's name.
    pub agent_name: String,
    /// The item that it is limited to.
    pub item: Option<ItemCode>,
    /// Kinds of licence that may be used.
    pub kinds: Vec<LicenceKindCode>,
    /// When it was given.
    pub created_at: Timestamp,
    /// 委托有效期.
    pub until: Timestamp,
    /// Where it stands.
    pub state: MandateState,
    /// Its place in the status list.
    pub place: u32,
    /// By which the agent accepts it from a QR code.
    pub accept: Id,
    /// When it was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

impl std::fmt::Debug for Mandate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mandate").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

/// Where a delegation stands, but for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MandateState {
    /// 待接受.
    Pending,
    /// 生效中.
    InForce,
    /// 已撤销, by the principal.
    Revoked,
    /// 已谢绝, by the agent.
    Declined,
    /// 已辞去, by the agent.
    Resigned,
}

impl MandateState {
    /// The word in JSON, with the time looked at.
    pub fn word(self, over: bool) -> &'static str {
        match self {
            Self::Pending | Self::InForce if over => "expired",
            Self::Pending => "pending",
            Self::InForce => "in_force",
            Self::Revoked => "revoked",
            Self::Declined => "declined",
            Self::Resigned => "resigned",
        }
    }

    /// The Chinese name, with the time looked at.
    pub fn zh(self, over: bool) -> &'static str {
        match self {
            Self::Pending | Self::InForce if over => "已到期",
            Self::Pending => "待接受",
            Self::InForce => "生效中",
            Self::Revoked => "已撤销",
            Self::Declined => "已谢绝",
            Self::Resigned => "已辞去",
        }
    }
}

/// What a principal gives.
#[derive(Clone)]
pub struct NewMandate {
    /// In one's own name, or an organisation's.
    pub capacity: For,
    /// The agent's name.
    pub name: String,
    /// The agent's document.
    pub document: IdentityDocument,
    /// The one item.
    pub item: Option<ItemCode>,
    /// Kinds of licence.
    pub kinds: Vec<LicenceKindCode>,
    /// Until when.
    pub until: Timestamp,
    /// 人脸核验.
    pub face_ticket: String,
}

impl Mandate {
    /// Whether its time is over.
    pub fn over(&self, now: Timestamp) -> bool {
        now >= self.until
    }

    /// What the principal's phone shows for the agent's to scan.
    pub fn accept_code(&self) -> String {
        format!("{CODE}{}", self.accept)
    }
}

/// 新建委托.
pub async fn give(app: &App, session: &Session, new: NewMandate) -> Result<Mandate, Refusal> {
    let person = &session.person;
    let (principal, principal_name) = match &new.capacity {
        For::Own => (HolderId::Person(person.document.clone()), person.name.clone()),
        For::Organisation(uscc) => {
            let organisation = grant::represented(app, person, uscc).await?;
            (HolderId::Organisation(organisation.uscc), organisation.name)
        }
        For::Mandate(_) => return Err(Refusal::Because("not-entitled")),
    };
    let now = app.now();
    if new.until <= now || new.until > now.plus_hours(24 * LONGEST_DAYS) {
        return Err(Refusal::Because("validity"));
    }
    if new.document == person.document {
        return Err(Refusal::Because("agent-is-self"));
    }
    if new.kinds.is_empty() {
        return Err(Refusal::Because("malformed"));
    }
    let agent = grant::known(app, &new.document, &new.name).await?;
    check_kinds(app, &principal, &new).await?;
    face::use_ticket(app, &person.document, &new.face_ticket).await?;
    let id = Id::random()?;
    let mandate = Mandate {
        id,
        principal,
        given_by: person.document.clone(),
        agent: agent.document.clone(),
        agent_name: agent.name,
        item: new.item,
        kinds: new.kinds,
        created_at: now,
        until: new.until,
        state: MandateState::Pending,
        place: 0,
        accept: Id::random()?,
        ended_at: None,
        principal_name,
    };
    let text = format!("{}委托您代为办事，请核对后接受或谢绝。", shown(&mandate));
    let notice = Notice::new(now, NoticeKind::Delegation, "新的委托", text).about(id);
    let mandate = app.store.add_mandate(mandate, notice).await?;
    app.status.changed();
    session::woken(app, &mandate.agent);
    Ok(mandate)
}

async fn check_kinds(app: &App, principal: &HolderId, new: &NewMandate) -> Result<(), Refusal> {
    let item = match &new.item {
        None => None,
        Some(code) => Some(app.catalogue.item(code).ok_or(Refusal::Because("unknown-item"))?),
    };
    let held = app.store.licences_of(principal).await?;
    for kind in &new.kinds {
        app.catalogue.kind(kind).ok_or(Refusal::Because("unknown-kind"))?;
        if let Some(item) = item
            && !item.licence_materials().any(|(_, registered)| registered == kind)
        {
            return Err(Refusal::Because("kind-not-registered"));
        }
        if !held.iter().any(|held| held.licence.kind == *kind) {
            return Err(Refusal::Because("no-such-licence"));
        }
    }
    Ok(())
}

/// 扫码接受.
pub async fn accept_by_code(app: &App, person: &Person, code: &str) -> Result<Mandate, Refusal> {
    let unknown = || Refusal::Because("unknown");
    let code: Id = code.trim().strip_prefix(CODE).and_then(|id| id.parse().ok()).ok_or_else(unknown)?;
    let mandate = app.store.mandate_by_code(code).await?.ok_or_else(unknown)?;
    if mandate.agent != person.document {
        return Err(Refusal::Because("not-the-agent"));
    }
    accept(app, person, mandate.id).await
}

/// 接受. Again is harmless.
pub async fn accept(app: &App, person: &Person, id: Id) -> Result<Mandate, Refusal> {
    let mandate = concerned(app, person, id).await?;
    if mandate.agent != person.document {
        return Err(Refusal::Because("unknown"));
    }
    let now = app.now();
    if mandate.over(now) {
        return Err(Refusal::Because("delegation-over"));
    }
    let text = format!("{}已接受您的委托，委托即时生效。", mask_name(&mandate.agent_name));
    let notice = Notice::new(now, NoticeKind::Delegation, "委托已接受", text).about(id);
    let told = (mandate.given_by.clone(), notice);
    let moved =
        app.store.move_mandate(id, &[MandateState::Pending], MandateState::InForce, told, now).await?;
    if moved {
        session::woken(app, &mandate.given_by);
    }
    let mandate = app.store.mandate(id).await?.ok_or(Refusal::Because("unknown"))?;
    match mandate.state {
        MandateState::InForce => Ok(mandate),
        _ => Err(Refusal::Because("delegation-over")),
    }
}

/// 撤销、谢绝、辞去. Again is harmless.
pub async fn end(app: &App, person: &Person, id: Id) -> Result<Mandate, Refusal> {
    const OPEN: &[MandateState] = &[MandateState::Pending, MandateState::InForce];
    let mandate = concerned(app, person, id).await?;
    let now = app.now();
    let (to, other, text) = if mandate.agent != person.document {
        let text = format!("{}已撤销对您的委托，即时生效。", shown(&mandate));
        (MandateState::Revoked, &mandate.agent, text)
    } else if mandate.state == MandateState::Pending {
        let text = format!("{}谢绝了您的委托。", mask_name(&mandate.agent_name));
        (MandateState::Declined, &mandate.given_by, text)
    } else {
        let text = format!("{}辞去了您的委托，即时生效。", mask_name(&mandate.agent_name));
        (MandateState::Resigned, &mandate.given_by, text)
    };
    let notice = Notice::new(now, NoticeKind::Delegation, "委托已结束", text).about(id);
    if app.store.move_mandate(id, OPEN, to, (other.clone(), notice), now).await? {
        app.status.changed();
        app.waiters.wake_all();
        session::woken(app, other);
        tracing::info!("A delegation ended.");
    }
    app.store.mandate(id).await?.ok_or(Refusal::Because("unknown"))
}

/// A mandate that the person gave, received, or may end for the organisation.
async fn concerned(app: &App, person: &Person, id: Id) -> Result<Mandate, Refusal> {
    let mandate = app.store.mandate(id).await?.ok_or(Refusal::Because("unknown"))?;
    if mandate.agent == person.document || answers_for(app, person, &mandate.principal).await? {
        return Ok(mandate);
    }
    Err(Refusal::Because("unknown"))
}

/// Whether the person is this principal, or its legal representative now.
pub async fn answers_for(app: &App, person: &Person, principal: &HolderId) -> Result<bool, Refusal> {
    match principal {
        HolderId::Person(document) => Ok(*document == person.document),
        HolderId::Organisation(uscc) => match grant::represented(app, person, uscc).await {
            Ok(_) => Ok(true),
            Err(Refusal::Because(_)) => Ok(false),
            Err(error) => Err(error),
        },
    }
}

/// Everything that a person may answer for: themselves, and the organisations that they represent.
pub async fn principals(app: &App, person: &Person) -> Result<Vec<HolderId>, Refusal> {
    let mut principals = vec![HolderId::Person(person.document.clone())];
    let represented = app.store.organisations_represented(&person.document).await?;
    let own = represented.into_iter().filter(|o| o.is_represented_by(&person.document, &person.name));
    principals.extend(own.map(|organisation| HolderId::Organisation(organisation.uscc)));
    Ok(principals)
}

/// The principal's name for the agent: masked for a person.
fn shown(mandate: &Mandate) -> String {
    match mandate.principal {
        HolderId::Person(_) => mask_name(&mandate.principal_name),
        HolderId::Organisation(_) => format!("“{}”", mandate.principal_name),
    }
}

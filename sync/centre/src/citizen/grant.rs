//! 经办授权: who may act for an organisation besides its legal representative.

use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::capacity::{self, Role};
use crate::citizen::id::Id;
use crate::citizen::notice::{Notice, NoticeKind};
use crate::citizen::session;
use crate::register;
use crate::store::citizens::{AccountState, OtpPurpose, OtpTried, Person, Session};
use hall_domain::{
    AgentGrant, IdentityDocument, MobileNumber, Organisation, OrganisationKind, Timestamp, Uscc,
};
use serde::{Deserialize, Serialize};

/// The longest that a grant may last: five years and a day for leap years.
const LONGEST_DAYS: i64 = 5 * 365 + 2;

/// One grant. Personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its name.
    pub id: Id,
    /// The organisation.
    pub uscc: Uscc,
    /// The agent.
    pub document: IdentityDocument,
    /// The agent's name.
    pub name: String,
    /// 账号.
    pub phone: MobileNumber,
    /// 授权有效期 begins.
    pub from: Timestamp,
    /// 授权有效期 ends.
    pub until: Timestamp,
    /// Its place in the status list.
    pub place: u32,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant").field("id", &self.id).field("uscc", &self.uscc).finish_non_exhaustive()
    }
}

/// Where a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// 生效中.
    InForce,
    /// 未开始.
    NotYet,
    /// 已到期.
    Expired,
    /// 已解除.
    Revoked,
}

impl GrantState {
    /// The Chinese name.
    pub fn zh(self) -> &'static str {
        match self {
            Self::InForce => "生效中",
            Self::NotYet => "未开始",
            Self::Expired => "已到期",
            Self::Revoked => "已解除",
        }
    }
}

impl Grant {
    /// Where it stands at `now`.
    pub fn state(&self, now: Timestamp) -> GrantState {
        match self {
            Self { revoked_at: Some(_), .. } => GrantState::Revoked,
            grant if now >= grant.until => GrantState::Expired,
            grant if now < grant.from => GrantState::NotYet,
            _ => GrantState::InForce,
        }
    }

    /// As halls get it in the organisation's register entry.
    pub fn published(&self) -> AgentGrant {
        AgentGrant {
            name: self.name.clone(),
            document: self.document.clone(),
            from: self.from,
            until: self.until,
            place: self.place,
        }
    }
}

/// What a legal representative grants.
#[derive(Clone)]
pub struct NewGrant {
    /// 验证码 of the bound number.
    pub otp: String,
    /// The agent's name.
    pub name: String,
    /// The agent's document.
    pub document: IdentityDocument,
    /// The agent's account.
    pub phone: MobileNumber,
    /// From when; now if not said.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Timestamp,
}

/// The organisation, if the person is its legal representative.
pub async fn represented(app: &App, person: &Person, uscc: &Uscc) -> Result<Organisation, Refusal> {
    match capacity::role_in(app, person, uscc).await? {
        (organisation, Role::LegalRepresentative) => Ok(organisation),
        _ => Err(Refusal::Because("not-entitled")),
    }
}

/// 去验证: sends a code to the organisation's number. Returns the number that it goes to.
pub async fn send_otp(
    app: &App,
    session: &Session,
    uscc: &Uscc,
) -> Result<(MobileNumber, Timestamp), Refusal> {
    let organisation = represented(app, &session.person, uscc).await?;
    let phone = match organisation.phone.parse::<MobileNumber>() {
        Ok(phone) => phone,
        // 社团法人、机关事业单位不校验手机号码.
        Err(_) if unchecked(organisation.kind) => {
            session.person.phone.clone().ok_or(Refusal::Because("phone-not-mobile"))?
        }
        Err(_) => return Err(Refusal::Because("phone-not-mobile")),
    };
    let purpose = OtpPurpose::Grant(uscc.clone());
    let document = session.person.document.clone();
    let sent = session::send_otp(app, purpose, document, phone.clone(), "新增经办授权").await?;
    Ok((phone, sent.expires_at))
}

fn unchecked(kind: OrganisationKind) -> bool {
    matches!(
        kind,
        OrganisationKind::GovernmentOrgan
            | OrganisationKind::PublicInstitution
            | OrganisationKind::MassOrganisation
            | OrganisationKind::SocialOrganisation
            | OrganisationKind::PrivateNonEnterprise
            | OrganisationKind::Foundation
    )
}

/// 新增授权.
pub async fn add(app: &App, session: &Session, uscc: &Uscc, new: NewGrant) -> Result<Grant, Refusal> {
    let person = &session.person;
    let organisation = represented(app, person, uscc).await?;
    let now = app.now();
    let from = new.from.unwrap_or(now).max(now);
    if new.until <= from || new.until > from.plus_hours(24 * LONGEST_DAYS) {
        return Err(Refusal::Because("validity"));
    }
    if new.document == person.document {
        return Err(Refusal::Because("agent-is-self"));
    }
    let agent = known(app, &new.document, &new.name).await?;
    if agent.state != AccountState::Open || agent.phone.as_ref() != Some(&new.phone) {
        return Err(Refusal::Because("agent-no-account"));
    }
    let purpose = OtpPurpose::Grant(uscc.clone());
    let digest = session::otp_digest(app, &new.otp);
    match app.store.use_otp(&person.document, purpose, digest, now).await? {
        OtpTried::Right(_) => {}
        OtpTried::Wrong { left } => return Err(Refusal::WrongOtp(left)),
        OtpTried::Over => return Err(Refusal::Because("session-over")),
    }
    let grant = Grant {
        id: Id::random()?,
        uscc: uscc.clone(),
        document: agent.document.clone(),
        name: agent.name.clone(),
        phone: new.phone,
        from,
        until: new.until,
        place: 0,
        revoked_at: None,
    };
    let text = format!("您已成为“{}”的经办授权人，有效期至{}。", organisation.name, new.until.to_display());
    let notice = Notice::new(now, NoticeKind::Grant, "新的经办授权", text);
    let kept = app.store.add_grant(grant, notice, now).await?;
    let grant = kept.ok_or(Refusal::Because("already-granted"))?;
    app.status.changed();
    register::publish_organisations(app).await?;
    session::woken(app, &grant.document);
    tracing::info!(grant.id = %grant.id, "A grant was made.");
    Ok(grant)
}

/// 解除授权. Again is harmless.
pub async fn revoke(app: &App, person: &Person, uscc: &Uscc, id: Id) -> Result<Grant, Refusal> {
    let organisation = represented(app, person, uscc).await?;
    let now = app.now();
    let text = format!("“{}”已解除您的经办授权，即时生效。", organisation.name);
    let notice = Notice::new(now, NoticeKind::Grant, "经办授权已解除", text);
    let revoked = app.store.revoke_grant(uscc, id, notice, now).await?;
    let grant = revoked.ok_or(Refusal::Because("unknown"))?;
    app.status.changed();
    app.waiters.wake_all();
    register::publish_organisations(app).await?;
    session::woken(app, &grant.document);
    tracing::info!(grant.id = %grant.id, "A grant was revoked.");
    Ok(grant)
}

/// Somebody in the register, by document and name.
pub async fn known(app: &App, document: &IdentityDocument, name: &str) -> Result<Person, Refusal> {
    let person = app.store.person(document).await?;
    person
        .filter(|person| hall_domain::name::same_person(&person.name, name))
        .ok_or(Refusal::Because("not-matched"))
}

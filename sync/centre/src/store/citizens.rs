//! What the centre remembers about citizens: accounts, sessions, grants, mandates, challenges, consents.

use super::{Answer, StoreError};
use crate::citizen::capacity::For;
use crate::citizen::challenge::{Asked, ChallengeState};
use crate::citizen::consent::Consent;
use crate::citizen::grant::Grant;
use crate::citizen::id::Id;
use crate::citizen::mandate::{Mandate, MandateState};
use crate::citizen::notice::Notice;
use hall_domain::case::WithdrawnAt;
use hall_domain::{
    HolderId, IdentityDocument, LicenceKindCode, LicenceStatus, MobileNumber, Organisation, Timestamp, Uscc,
};
use hall_ledger::phone::ChallengeNonce;
use hall_ledger::{Hash, LogId, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::fmt;

/// 自然人 and, once somebody has signed in, their account. `Debug` is masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// 证件.
    pub document: IdentityDocument,
    /// 姓名.
    pub name: String,
    /// The number bound to the account; none before the first sign-in.
    pub phone: Option<MobileNumber>,
    /// Whether the account may be used.
    pub state: AccountState,
    /// The person's own place in the status list, once one was needed.
    pub place: Option<u32>,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("document", &self.document).field("state", &self.state).finish()
    }
}

/// 账号状态.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// 正常.
    Open,
    /// 已注销.
    Closed,
    /// 已故.
    Deceased,
}

impl AccountState {
    /// As stored: 0 is an account like any other.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Back from [`AccountState::code`].
    pub fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Open,
            1 => Self::Closed,
            _ => Self::Deceased,
        }
    }

    /// What the person's own place in the status list says.
    pub fn status(self) -> LicenceStatus {
        match self {
            Self::Open => LicenceStatus::Valid,
            Self::Closed => LicenceStatus::Suspended,
            Self::Deceased => LicenceStatus::Revoked,
        }
    }
}

/// What a one-time code of a text message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OtpPurpose {
    /// 登录.
    SignIn,
    /// 新增授权 for an organisation.
    Grant(Uscc),
}

impl OtpPurpose {
    /// As stored.
    pub fn word(&self) -> String {
        match self {
            Self::SignIn => "sign-in".to_owned(),
            Self::Grant(uscc) => format!("grant:{uscc}"),
        }
    }
}

/// A one-time code to be sent.
#[derive(Clone)]
pub struct NewOtp {
    /// Its name; for signing in that of the session to be.
    pub id: Id,
    /// What it is for.
    pub purpose: OtpPurpose,
    /// Who asked for it.
    pub document: IdentityDocument,
    /// Where it goes.
    pub phone: MobileNumber,
    /// Salted digest of the code.
    pub digest: Hash,
    /// Now.
    pub at: Timestamp,
    /// After that it is void.
    pub expires_at: Timestamp,
    /// The message with the code in it.
    pub text: String,
}

/// What became of a one-time code that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtpSent {
    /// It is in the outbox.
    Done,
    /// Too many were asked for; again after so many seconds.
    TooOften(u32),
}

/// A one-time code that was sent. `Debug` is masked.
#[derive(Clone)]
pub struct Otp {
    /// Its name.
    pub id: Id,
    /// Who asked for it.
    pub document: IdentityDocument,
    /// Where it went.
    pub phone: MobileNumber,
}

/// What a code that somebody typed is.
#[derive(Clone)]
pub enum OtpTried {
    /// The one that was sent. It stays good until it is used.
    Right(Box<Otp>),
    /// Another one; so many tries are left.
    Wrong {
        /// Tries left.
        left: u8,
    },
    /// Unknown, used, expired, or out of tries.
    Over,
}

/// A session to be opened with a one-time code, which is used up.
#[derive(Clone)]
pub struct NewSession {
    /// The code.
    pub otp: Id,
    /// SHA-256 of the token.
    pub token: Hash,
    /// 本机公钥.
    pub device_key: VerifyingKey,
    /// What the phone calls itself.
    pub device_name: String,
    /// Whether a face was compared.
    pub face_checked: bool,
    /// Now.
    pub at: Timestamp,
    /// Until when the token is good.
    pub expires_at: Timestamp,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who.
    pub person: Person,
    /// 本机公钥.
    pub device_key: VerifyingKey,
    /// Digest of the token.
    pub token: Hash,
    /// Whether this account has ever compared a face.
    pub face_checked: bool,
}

/// A text message. `Debug` shows neither number nor text.
#[derive(Clone)]
pub struct Text {
    /// Its number.
    pub no: u64,
    /// To whom.
    pub phone: MobileNumber,
    /// What.
    pub text: String,
    /// When it was written.
    pub at: Timestamp,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").field("no", &self.no).finish_non_exhaustive()
    }
}

/// A plain code as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainCode {
    /// Its text.
    pub code: String,
    /// Who shows it.
    pub document: IdentityDocument,
    /// In which capacity.
    pub capacity: For,
    /// After that it is void.
    pub expires_at: Timestamp,
}

/// An answer to a challenge, with what follows from it.
#[derive(Debug, Clone)]
pub struct NewAnswer {
    /// The challenge.
    pub nonce: ChallengeNonce,
    /// Who answers.
    pub by: IdentityDocument,
    /// For whom.
    pub capacity: For,
    /// What the challenge becomes.
    pub state: ChallengeState,
    /// The signed assertion; none where nothing is to be said to the hall.
    pub assertion: Option<Vec<u8>>,
    /// End of the assertion.
    pub expires_at: Timestamp,
    /// The record of what was agreed to.
    pub consent: Option<Consent>,
    /// Whom to tell.
    pub notices: Vec<(IdentityDocument, Notice)>,
    /// Now.
    pub at: Timestamp,
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerKept {
    /// It is the first.
    First,
    /// There was one already; the challenge as it stands.
    Already,
}

/// A kept challenge.
#[derive(Debug, Clone)]
pub struct KeptChallenge {
    /// What it asks.
    pub asked: Asked,
    /// Where it stands.
    pub state: ChallengeState,
    /// Who answered, or passed it on to the principal.
    pub by: Option<IdentityDocument>,
    /// For whom that person acts.
    pub capacity: For,
    /// The mandate that it was passed on by.
    pub mandate: Option<Id>,
    /// The assertion.
    pub assertion: Option<Vec<u8>>,
    /// End of the assertion.
    pub expires_at: Option<Timestamp>,
    /// The record.
    pub consent: Option<Id>,
    /// When the box first fetched the assertion over its own line.
    pub delivered_at: Option<Timestamp>,
}

/// What the centre knows about a case beyond its entries.
#[derive(Debug, Clone, Default)]
pub struct CaseKnowledge {
    /// When consent, delegation or representation ended.
    pub mandate_ended: Option<Timestamp>,
    /// The case that handled the same matter before.
    pub duplicate_of: Option<String>,
    /// What the case was changed to at the centre.
    pub changed_as: Option<String>,
    /// Who agreed.
    pub by: Option<IdentityDocument>,
}

/// What the centre remembers about citizens.
pub trait Citizens: Send + Sync + 'static {
    /// Adds a person to the register, or changes the name.
    fn put_person(&self, document: &IdentityDocument, name: &str) -> Answer<'_, ()>;
    /// One person.
    fn person(&self, document: &IdentityDocument) -> Answer<'_, Option<Person>>;
    /// The person's place in the status list: the one there is, or a new one.
    fn person_place(&self, document: &IdentityDocument) -> Answer<'_, u32>;
    /// Closes or opens an account, with its place in the status list and the hot item; a closed one's tokens end.
    /// None if there is no such person; `Some(false)` if nothing changed.
    fn set_account(
        &self,
        document: &IdentityDocument,
        state: AccountState,
        at: Timestamp,
    ) -> Answer<'_, Option<bool>>;

    /// Organisations whose register entry names this document as the legal representative's.
    fn organisations_represented(&self, document: &IdentityDocument) -> Answer<'_, Vec<Organisation>>;
    /// Whether this person was the legal representative of an organisation and is not any more.
    fn represented_before(&self, document: &IdentityDocument, uscc: &Uscc) -> Answer<'_, bool>;

    /// Keeps a one-time code and its message, unless there were too many.
    fn send_otp(&self, otp: NewOtp) -> Answer<'_, OtpSent>;
    /// Tries a code.
    fn try_otp(&self, id: Id, purpose: OtpPurpose, digest: Hash, now: Timestamp) -> Answer<'_, OtpTried>;
    /// Tries the newest code of a purpose that a person asked for, and uses it up if it is right.
    fn use_otp(
        &self,
        document: &IdentityDocument,
        purpose: OtpPurpose,
        digest: Hash,
        now: Timestamp,
    ) -> Answer<'_, OtpTried>;
    /// Uses a code up, opens the session, binds the number to the account. `false` if the code was used meanwhile.
    fn open_session(&self, new: NewSession) -> Answer<'_, bool>;
    /// Who shows this token.
    fn session(&self, token: Hash, now: Timestamp) -> Answer<'_, Option<Session>>;
    /// Ends a session.
    fn end_session(&self, token: Hash) -> Answer<'_, ()>;

    /// Messages that the gateway has not taken yet, oldest first.
    fn texts_waiting(&self, limit: u32) -> Answer<'_, Vec<Text>>;
    /// The gateway took a message.
    fn text_sent(&self, no: u64, at: Timestamp) -> Answer<'_, ()>;

    /// Notes a try at a face check, with the ticket that it gave. `false`, and nothing noted, if there were `most`
    /// since `since`.
    fn note_face(
        &self,
        document: &IdentityDocument,
        ticket: Option<Hash>,
        at: Timestamp,
        since: Timestamp,
        most: u32,
    ) -> Answer<'_, bool>;
    /// Uses a ticket up. `false` if it is not this person's, was used, or is from before `since`.
    fn use_ticket(&self, document: &IdentityDocument, ticket: Hash, since: Timestamp) -> Answer<'_, bool>;

    /// 认领.
    fn claim(&self, document: &IdentityDocument, holder: &HolderId, kind: &LicenceKindCode)
    -> Answer<'_, ()>;
    /// Takes a claim back.
    fn unclaim(
        &self,
        document: &IdentityDocument,
        holder: &HolderId,
        kind: &LicenceKindCode,
    ) -> Answer<'_, ()>;
    /// Kinds claimed.
    fn claims(&self, document: &IdentityDocument, holder: &HolderId) -> Answer<'_, Vec<LicenceKindCode>>;

    /// The code for this person and capacity: the one that is good after `fresh`, or else `new`, which is kept.
    fn plain_code(&self, new: PlainCode, fresh: Timestamp) -> Answer<'_, PlainCode>;
    /// What a code stands for.
    fn resolve_plain(&self, code: &str, now: Timestamp) -> Answer<'_, Option<PlainCode>>;

    /// Keeps a grant; its place in the status list is drawn. None if the agent has one that is not over.
    fn add_grant(&self, grant: Grant, notice: Notice, now: Timestamp) -> Answer<'_, Option<Grant>>;
    /// Grants of an organisation, newest first.
    fn grants_of(&self, uscc: &Uscc) -> Answer<'_, Vec<Grant>>;
    /// Grants to a person, newest first.
    fn grants_to(&self, document: &IdentityDocument) -> Answer<'_, Vec<Grant>>;
    /// All grants that are not revoked.
    fn grants(&self) -> Answer<'_, Vec<Grant>>;
    /// Ends a grant with its place in the status list and the hot item. None if the organisation has no such grant.
    fn revoke_grant(&self, uscc: &Uscc, id: Id, notice: Notice, at: Timestamp) -> Answer<'_, Option<Grant>>;

    /// Keeps a mandate; its place in the status list is drawn.
    fn add_mandate(&self, mandate: Mandate, notice: Notice) -> Answer<'_, Mandate>;
    /// One mandate.
    fn mandate(&self, id: Id) -> Answer<'_, Option<Mandate>>;
    /// The mandate that this code accepts.
    fn mandate_by_code(&self, accept: Id) -> Answer<'_, Option<Mandate>>;
    /// Mandates that a holder gave, newest first.
    fn mandates_by(&self, principal: &HolderId) -> Answer<'_, Vec<Mandate>>;
    /// Mandates to a person, newest first.
    fn mandates_to(&self, agent: &IdentityDocument) -> Answer<'_, Vec<Mandate>>;
    /// Moves a mandate on from one of these states, flips its place in the status list if that ends it, and tells the
    /// other side. `false` if it is in none of them.
    fn move_mandate(
        &self,
        id: Id,
        from: &'static [MandateState],
        to: MandateState,
        told: (IdentityDocument, Notice),
        at: Timestamp,
    ) -> Answer<'_, bool>;

    /// Keeps what a challenge asks; again is harmless.
    fn keep_challenge(&self, asked: Asked, reader: &IdentityDocument) -> Answer<'_, ()>;
    /// Notes that the box fetched the assertion; the first time counts.
    fn assertion_delivered(&self, nonce: ChallengeNonce, at: Timestamp) -> Answer<'_, ()>;
    /// One challenge.
    fn challenge(&self, nonce: ChallengeNonce) -> Answer<'_, Option<KeptChallenge>>;
    /// Whether this person has read it.
    fn has_read(&self, nonce: ChallengeNonce, reader: &IdentityDocument) -> Answer<'_, bool>;
    /// Passes a challenge on to the principal and tells them. `false` if another mandate's agent did that already, or
    /// it was answered.
    fn pass_on(
        &self,
        nonce: ChallengeNonce,
        agent: &IdentityDocument,
        mandate: Id,
        told: (IdentityDocument, Notice),
    ) -> Answer<'_, bool>;
    /// Challenges passed on by any of these mandates, newest first, opened after `since`.
    fn passed_on(&self, mandates: Vec<Id>, since: Timestamp) -> Answer<'_, Vec<KeptChallenge>>;
    /// Records an answer with the consent and its notices, once.
    fn answer_challenge(&self, answer: NewAnswer) -> Answer<'_, AnswerKept>;

    /// Consents that concern a holder, newest first: given by this person, or by and for this holder.
    fn consents_of(&self, holder: &HolderId) -> Answer<'_, Vec<Consent>>;
    /// One consent.
    fn consent(&self, id: Id) -> Answer<'_, Option<Consent>>;
    /// Consents of a case, by its log and number.
    fn consents_for(&self, log: LogId, case_no: &str) -> Answer<'_, Vec<Consent>>;
    /// The consent that was answered to this challenge.
    fn consent_to(&self, nonce: ChallengeNonce) -> Answer<'_, Option<Consent>>;
    /// Withdraws one, tells the hall and whoever gave it. `false` if it was withdrawn already.
    fn withdraw(&self, id: Id, place: WithdrawnAt, notice: Notice, at: Timestamp) -> Answer<'_, bool>;
    /// What is known about a case beyond its entries.
    fn case_knowledge(&self, log: LogId, case_no: &str) -> Answer<'_, CaseKnowledge>;
    /// Notes that an operator changed a case. `false` if there is none of this number.
    fn change_case(&self, case_no: &str, changed_as: &str) -> Answer<'_, bool>;

    /// A citizen's notices with numbers above `after`, newest first.
    fn notices(
        &self,
        document: &IdentityDocument,
        after: u64,
        limit: u32,
    ) -> Answer<'_, Vec<(u64, bool, Notice)>>;
    /// How many are not read.
    fn notices_unread(&self, document: &IdentityDocument) -> Answer<'_, u64>;
    /// Marks all up to one as read.
    fn notices_read(&self, document: &IdentityDocument, up_to: u64) -> Answer<'_, ()>;
    /// Tells a citizen something.
    fn notify(&self, document: &IdentityDocument, notice: Notice) -> Answer<'_, ()>;
}

/// Anything of a citizen that cannot be read back says only what it was.
impl From<crate::citizen::id::IdError> for StoreError {
    fn from(_: crate::citizen::id::IdError) -> Self {
        Self::Damaged { what: "identifier", reason: "not an identifier".to_owned() }
    }
}

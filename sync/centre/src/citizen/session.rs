//! 登录: name and document, a code by text message, a face where the number is new, and the phone's own key.

use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::face::{self, FaceSample};
use crate::citizen::grant;
use crate::citizen::id::Id;
use crate::citizen::news::Event;
use crate::store::citizens::{
    AccountState, NewOtp, NewSession, OtpPurpose, OtpSent, OtpTried, Person, Session,
};
use hall_domain::{HolderId, IdentityDocument, MobileNumber, Timestamp};
use hall_ledger::{Hash, VerifyingKey};

/// A code is good for so long.
const OTP_SECONDS: i64 = 300;
/// A token is good for so long.
const TOKEN_DAYS: i64 = 30;

/// A sign-in that waits for its code.
#[derive(Debug, Clone)]
pub struct Started {
    /// Its name.
    pub session: Id,
    /// Until when.
    pub expires_at: Timestamp,
    /// Whether the second step takes a face.
    pub face_required: bool,
}

/// The second step.
pub struct Finish {
    /// The code.
    pub otp: String,
    /// 本机公钥.
    pub device_key: [u8; 32],
    /// What the phone calls itself.
    pub device_name: String,
    /// A face, where one is required.
    pub face: Option<FaceSample>,
}

/// Somebody is signed in.
pub struct SignedIn {
    /// To be shown with every call.
    pub token: String,
    /// Until when.
    pub expires_at: Timestamp,
    /// Who.
    pub session: Session,
}

/// First step: checks who it is, and sends a code.
pub async fn start(
    app: &App,
    name: &str,
    document: &IdentityDocument,
    phone: MobileNumber,
) -> Result<Started, Refusal> {
    let person = grant::known(app, document, name).await?;
    usable(&person)?;
    let face_required = person.phone.as_ref() != Some(&phone);
    let sent = send_otp(app, OtpPurpose::SignIn, document.clone(), phone, "登录").await?;
    Ok(Started { session: sent.id, expires_at: sent.expires_at, face_required })
}

/// A code that is on its way.
pub struct Sent {
    /// Its name.
    pub id: Id,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// Puts a code into the outbox.
pub async fn send_otp(
    app: &App,
    purpose: OtpPurpose,
    document: IdentityDocument,
    phone: MobileNumber,
    what_for: &str,
) -> Result<Sent, Refusal> {
    let otp = draw()?;
    let (id, at) = (Id::random()?, app.now());
    let expires_at = at.plus_seconds(OTP_SECONDS);
    let text = format!("【政务服务】验证码 {otp}，用于{what_for}，5分钟内有效。任何人索要都不要告诉。");
    let digest = otp_digest(app, &otp);
    let new = NewOtp { id, purpose, document, phone, digest, at, expires_at, text };
    match app.store.send_otp(new).await? {
        OtpSent::Done => {}
        OtpSent::TooOften(seconds) => return Err(Refusal::TooOften(seconds)),
    }
    app.texts.notify_one();
    Ok(Sent { id, expires_at })
}

/// Six digits, each number equally likely.
fn draw() -> Result<String, Refusal> {
    loop {
        let number = getrandom::u32()?;
        // The largest multiple of a million below 2^32.
        if number < 4_294_000_000 {
            return Ok(format!("{:06}", number % 1_000_000));
        }
    }
}

/// What the store keeps of a code. Six digits would be found from a bare digest, so a secret of the centre's is in it.
pub fn otp_digest(app: &App, otp: &str) -> Hash {
    Hash::of_parts(&[b"hallbox/otp/1", &app.keys.lasting_secret(), otp.as_bytes()])
}

/// Second step: the code, and a face where the number is not the one that is bound.
pub async fn finish(app: &App, id: Id, finish: Finish) -> Result<SignedIn, Refusal> {
    let device_key = VerifyingKey::from_bytes(&finish.device_key).ok().filter(|key| !key.is_weak());
    let device_key = device_key.ok_or(Refusal::Because("device-key"))?;
    let now = app.now();
    let digest = otp_digest(app, &finish.otp);
    let otp = match app.store.try_otp(id, OtpPurpose::SignIn, digest, now).await? {
        OtpTried::Right(otp) => otp,
        OtpTried::Wrong { left } => return Err(Refusal::WrongOtp(left)),
        OtpTried::Over => return Err(Refusal::Because("session-over")),
    };
    let over = || Refusal::Because("session-over");
    let person = app.store.person(&otp.document).await?.ok_or_else(over)?;
    usable(&person)?;
    let face_checked = person.phone.as_ref() != Some(&otp.phone);
    if face_checked {
        let sample = finish.face.ok_or(Refusal::Because("face-required"))?;
        face::compare(app, &person.document, &sample).await?;
    }
    let token = Token::draw()?;
    let expires_at = now.plus_hours(24 * TOKEN_DAYS);
    let new = NewSession {
        otp: id,
        token: token.digest(),
        device_key,
        device_name: finish.device_name,
        face_checked,
        at: now,
        expires_at,
    };
    if !app.store.open_session(new).await? {
        return Err(over());
    }
    let session = app.store.session(token.digest(), now).await?.ok_or_else(over)?;
    tracing::info!("A citizen signed in.");
    Ok(SignedIn { token: token.0, expires_at, session })
}

/// Whether the account may be used.
fn usable(person: &Person) -> Result<(), Refusal> {
    match person.state {
        AccountState::Open => Ok(()),
        AccountState::Closed => Err(Refusal::Because("account-closed")),
        AccountState::Deceased => Err(Refusal::Because("deceased")),
    }
}

/// Who shows this token.
pub async fn of_token(app: &App, token: &str) -> Result<Session, Refusal> {
    let session = app.store.session(Token(token.to_owned()).digest(), app.now()).await?;
    session.filter(|session| session.person.state == AccountState::Open).ok_or(Refusal::Because("no-token"))
}

/// 令牌: 32 random bytes in hexadecimal.
pub struct Token(String);

impl Token {
    /// A new one.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex::encode(bytes)))
    }

    /// One that somebody shows.
    pub fn shown(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Its text.
    pub fn into_text(self) -> String {
        self.0
    }

    /// What the store keeps of it.
    pub fn digest(&self) -> Hash {
        Hash::of_parts(&[b"hallbox/citizen-token/1", self.0.as_bytes()])
    }
}

/// The name of a citizen's long polls.
pub fn event(document: &IdentityDocument) -> Event {
    Event::Person(Hash::of(HolderId::Person(document.clone()).key().as_bytes()))
}

/// Wakes a citizen's long polls.
pub fn woken(app: &App, document: &IdentityDocument) {
    app.news.tell(event(document));
}

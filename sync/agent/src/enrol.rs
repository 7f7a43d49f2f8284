//! 入网: the one call without a client certificate, with a one-time code from the centre's operator.

use crate::http::{Ask, Credentials, SetupError, Transport};
use crate::status::Trouble;
use hall_domain::Timestamp;
use hall_ledger::link::{EnrolAnswer, EnrolRequest};
use hall_ledger::trust::verifying_key;
use hall_ledger::{CentreKeys, VerifyingKey};
use reqwest::Method;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);
const LONGEST: usize = 64 << 10;

/// Why a box could not be enrolled. Asking again with the same code and keys is safe.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Address or authority file.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The centre cannot be reached or answers nonsense.
    #[error(transparent)]
    Line(#[from] Trouble),
    /// Unknown, used or expired code, or one that another code for the same box has overtaken.
    #[error("the centre did not accept the enrolment code")]
    Code,
}

impl EnrolError {
    /// One Chinese sentence: what is wrong and what to do.
    pub fn zh(&self) -> String {
        match self {
            Self::Setup(_) => "中心地址或 CA 证书文件不正确，请核对后重试。".to_owned(),
            Self::Line(trouble) => trouble.zh(),
            Self::Code => {
                "入网码无效、已使用、已过期，或本机已用另一个入网码入网，请向省级中心重新申请。".to_owned()
            }
        }
    }
}

/// What the technician has in hand.
pub struct Enrolment<'a> {
    /// `https://host:port`.
    pub centre: &'a str,
    /// The centre's authority, PEM, brought by other means than this line.
    pub ca_pem: &'a str,
    /// The one-time code.
    pub code: &'a str,
    /// Certificate request for the link, PEM.
    pub csr_pem: &'a str,
    /// Public part of the ledger key.
    pub ledger_key: &'a VerifyingKey,
    /// The box's clock.
    pub now: Timestamp,
}

/// Introduces the box. The answer has been checked: readable keys to pin, the same authority.
///
/// # Errors
/// See [`EnrolError`].
pub async fn enrol(enrolment: Enrolment<'_>) -> Result<EnrolAnswer, EnrolError> {
    let credentials =
        Credentials { ca_pem: enrolment.ca_pem.to_owned(), client: None, not_before: enrolment.now };
    let transport = Transport::new(enrolment.centre, &credentials)?;
    let request = EnrolRequest {
        code: enrolment.code.trim().to_owned(),
        csr_pem: enrolment.csr_pem.to_owned(),
        ledger_key_hex: enrolment.ledger_key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let garbage = |reason: String| Trouble::Garbage { request: "enrol", reason };
    let body = serde_json::to_vec(&request).map_err(|e| garbage(e.to_string()))?;
    let answer = transport
        .ask(Ask {
            name: "enrol",
            method: Method::POST,
            path: "/v1/enrol".to_owned(),
            body: Some(("application/json", body)),
            expect: "application/json",
            limit: LIMIT,
            longest: LONGEST,
            also: &[],
        })
        .await;
    let answer = match answer {
        Err(Trouble::Refused { status: 403, .. }) => return Err(EnrolError::Code),
        answer => answer?,
    };
    let answer: EnrolAnswer = serde_json::from_slice(&answer.body).map_err(|e| garbage(e.to_string()))?;
    CentreKeys::from_hex(&answer.centre_keys).map_err(|e| garbage(e.to_string()))?;
    if let Some(root) = &answer.root_key {
        CentreKeys::new([verifying_key(root).map_err(|e| garbage(e.to_string()))?])
            .map_err(|e| garbage(e.to_string()))?;
    }
    if answer.ca_pem.trim() != enrolment.ca_pem.trim() {
        return Err(garbage("names another authority than the technician brought".to_owned()).into());
    }
    Ok(answer)
}

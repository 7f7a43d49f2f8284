//! Flattened JWS (RFC 7515 §7.2.2): the signed bytes travel with the signature, so nothing has to be written the same way twice.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};

use crate::key::DeviceKey;
use crate::payload::MAX_PAYLOAD;

/// `typ` of an answer.
pub const ANSWER_TYPE: &str = "hw-answer+1";
/// `typ` of a scan.
pub const SCAN_TYPE: &str = "hw-scan+1";
/// `typ` of the message that begins a pairing.
pub const PAIRING_TYPE: &str = "hw-pair+1";

/// A parsed but not yet verified JWS. Only [`Jws::verify`] gives out what is inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jws {
    header: Header,
    signing_input: String,
    payload: Vec<u8>,
    signature: Vec<u8>,
    text: Flattened,
}

/// Why a JWS is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// More than 64 KiB.
    #[error("signed message is larger than 64 KiB")]
    TooLarge,
    /// Not a flattened JWS with base64url parts.
    #[error("signed message is not a flattened JWS")]
    Form,
    /// The protected header is not understood, or demands something critical.
    #[error("protected header is not understood")]
    Header,
    /// `typ` is of another message: a signature for one purpose is not taken for another.
    #[error("signed message is of another type")]
    Type,
    /// `kid` names another key.
    #[error("signed message names another key")]
    Kid,
    /// `alg` is not that of the key.
    #[error("signed message names another algorithm than its key has")]
    Algorithm,
    /// The signature is not this key's.
    #[error("signature does not verify")]
    Signature,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Flattened {
    protected: String,
    payload: String,
    signature: String,
}

impl Jws {
    /// Reads the outer form; nothing inside is trusted yet.
    ///
    /// # Errors
    /// When it is too large, not of the form, or its header is not understood.
    pub fn parse(bytes: &[u8]) -> Result<Self, JwsError> {
        if bytes.len() > MAX_PAYLOAD {
            return Err(JwsError::TooLarge);
        }
        let text: Flattened = serde_json::from_slice(bytes).map_err(|_| JwsError::Form)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Form);
        let header: Header =
            serde_json::from_slice(&decode(&text.protected)?).map_err(|_| JwsError::Header)?;
        if header.crit.is_some() {
            return Err(JwsError::Header);
        }
        Ok(Self {
            payload: decode(&text.payload)?,
            signature: decode(&text.signature)?,
            signing_input: format!("{}.{}", text.protected, text.payload),
            header,
            text,
        })
    }

    /// Signs a payload with an Ed25519 key.
    pub fn sign(key: &SigningKey, kid: &str, typ: &str, payload: &[u8]) -> Self {
        let header = Header { alg: "EdDSA".to_owned(), kid: kid.to_owned(), typ: typ.to_owned(), crit: None };
        let protected =
            serde_json::json!({"alg": header.alg, "kid": header.kid, "typ": header.typ}).to_string();
        let protected = URL_SAFE_NO_PAD.encode(protected);
        let body = URL_SAFE_NO_PAD.encode(payload);
        let signing_input = format!("{protected}.{body}");
        let signature = key.sign(signing_input.as_bytes()).to_bytes().to_vec();
        let text = Flattened { protected, payload: body, signature: URL_SAFE_NO_PAD.encode(&signature) };
        Self { header, signing_input, payload: payload.to_vec(), signature, text }
    }

    /// The bytes to publish.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::json!({
            "protected": self.text.protected, "payload": self.text.payload, "signature": self.text.signature,
        })
        .to_string()
        .into_bytes()
    }

    /// The key that the message claims to be signed with, `{device}#{key generation}`; a claim until verified.
    pub fn kid(&self) -> &str {
        &self.header.kid
    }

    /// The signed payload, if type, key name, algorithm and signature all hold.
    ///
    /// # Errors
    /// Naming the first of them that does not.
    pub fn verify(&self, key: &DeviceKey, typ: &str, kid: &str) -> Result<&[u8], JwsError> {
        if self.header.typ != typ {
            return Err(JwsError::Type);
        }
        if self.header.kid != kid {
            return Err(JwsError::Kid);
        }
        if self.header.alg != key.algorithm() {
            return Err(JwsError::Algorithm);
        }
        if !key.verify(self.signing_input.as_bytes(), &self.signature) {
            return Err(JwsError::Signature);
        }
        Ok(&self.payload)
    }

    /// The payload before verification: for pairing, where the key to verify with lies inside it, and for telling a device
    /// which of its answers was rejected. Nothing in it may be believed.
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    fn signer() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn key() -> DeviceKey {
        signer().verifying_key().into()
    }

    #[test]
    fn what_was_signed_verifies_after_the_journey() {
        let sent = Jws::sign(&signer(), "ev-1#1", ANSWER_TYPE, b"payload");
        let got = Jws::parse(&sent.to_bytes()).unwrap();
        assert_eq!(got, sent);
        assert_eq!(got.verify(&key(), ANSWER_TYPE, "ev-1#1"), Ok(&b"payload"[..]));
    }

    #[test]
    fn a_signature_for_one_purpose_key_or_device_is_not_taken_for_another() {
        let jws = Jws::sign(&signer(), "ev-1#1", ANSWER_TYPE, b"payload");
        assert_eq!(jws.verify(&key(), PAIRING_TYPE, "ev-1#1"), Err(JwsError::Type));
        assert_eq!(jws.verify(&key(), ANSWER_TYPE, "ev-1#2"), Err(JwsError::Kid));
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key().into();
        assert_eq!(jws.verify(&other, ANSWER_TYPE, "ev-1#1"), Err(JwsError::Signature));
        let p256 = DeviceKey::P256 { x: [1; 32], y: [2; 32] };
        assert_eq!(jws.verify(&p256, ANSWER_TYPE, "ev-1#1"), Err(JwsError::Algorithm));
    }

    #[test]
    fn es256_of_a_browser_verifies() {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let key = DeviceKey::P256 { x: point[1..33].try_into().unwrap(), y: point[33..].try_into().unwrap() };
        let protected =
            URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"ES256","kid":"k","typ":"{ANSWER_TYPE}"}}"#));
        let payload = URL_SAFE_NO_PAD.encode("{}");
        let signature = pair.sign(&random, format!("{protected}.{payload}").as_bytes()).unwrap();
        let text = format!(
            r#"{{"protected":"{protected}","payload":"{payload}","signature":"{}"}}"#,
            URL_SAFE_NO_PAD.encode(signature.as_ref())
        );
        assert_eq!(Jws::parse(text.as_bytes()).unwrap().verify(&key, ANSWER_TYPE, "k"), Ok(&b"{}"[..]));
    }

    #[test]
    fn the_example_of_rfc_8037_verifies_as_a_signature() {
        let key: DeviceKey =
            serde_json::from_str(r#"{"alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#)
                .unwrap();
        let signature = URL_SAFE_NO_PAD
            .decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
            .unwrap();
        assert!(key.verify(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", &signature));
    }

    #[test]
    fn malformed_messages_are_refused_with_their_reason() {
        assert_eq!(Jws::parse(b"{}"), Err(JwsError::Form));
        assert_eq!(Jws::parse(&vec![b' '; MAX_PAYLOAD + 1]), Err(JwsError::TooLarge));
        let with = |header: &str| {
            let protected = URL_SAFE_NO_PAD.encode(header);
            Jws::parse(format!(r#"{{"protected":"{protected}","payload":"","signature":""}}"#).as_bytes())
        };
        assert_eq!(with("[]"), Err(JwsError::Header));
        assert_eq!(with(r#"{"alg":"EdDSA","kid":"k","typ":"t","crit":["b64"]}"#), Err(JwsError::Header));
        assert!(
            with(r#"{"alg":"none","kid":"k","typ":"t"}"#)
                .is_ok_and(|jws| { jws.verify(&key(), "t", "k") == Err(JwsError::Algorithm) })
        );
    }

    proptest! {
        #[test]
        fn one_changed_bit_breaks_the_signature(payload in proptest::collection::vec(any::<u8>(), 1..64), at: prop::sample::Index, bit in 0u8..8) {
            let mut jws = Jws::sign(&signer(), "k", ANSWER_TYPE, &payload);
            let mut bent = payload;
            let place = at.index(bent.len());
            bent[place] ^= 1 << bit;
            jws.text.payload = URL_SAFE_NO_PAD.encode(&bent);
            let jws = Jws::parse(&jws.to_bytes()).unwrap();
            prop_assert_eq!(jws.verify(&key(), ANSWER_TYPE, "k"), Err(JwsError::Signature));
        }

        #[test]
        fn no_bytes_make_parsing_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = Jws::parse(&bytes);
        }
    }
}

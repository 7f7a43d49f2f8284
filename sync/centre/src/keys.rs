//! The key with which the centre signs receipts, feed pages, envelopes, lists and tokens, and
//! the token that lets operators in.

use crate::files;
use anyhow::{Context, bail};
use hall_ledger::SigningKey;
use std::path::Path;

const SIGNING_KEY: &str = "keys/signing.key";
const OPERATOR_TOKEN: &str = "operator.token";

/// Makes a new signing key in `folder`. Refuses to overwrite one.
pub fn create_signing_key(folder: &Path) -> anyhow::Result<SigningKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("draw a signing key")?;
    let key = SigningKey::from_bytes(&seed);
    files::create_secret(&folder.join(SIGNING_KEY), hex::encode(seed).as_bytes())
        .context("keep the signing key")?;
    Ok(key)
}

/// Reads the signing key in `folder`.
pub fn open_signing_key(folder: &Path) -> anyhow::Result<SigningKey> {
    let text = std::fs::read_to_string(folder.join(SIGNING_KEY)).context("read the signing key")?;
    let mut seed = [0; 32];
    hex::decode_to_slice(text.trim(), &mut seed).context("read the signing key")?;
    Ok(SigningKey::from_bytes(&seed))
}

/// What an operator's program shows as `Authorization: Bearer …`.
#[derive(Clone)]
pub struct OperatorToken(String);

impl OperatorToken {
    /// Makes a new token in `folder`. Refuses to overwrite one.
    pub fn create(folder: &Path) -> anyhow::Result<()> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).context("draw an operator token")?;
        let text = hex::encode(bytes);
        files::create_secret(&folder.join(OPERATOR_TOKEN), text.as_bytes()).context("keep the operator token")
    }

    /// Reads the token in `folder`.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(folder.join(OPERATOR_TOKEN)).context("read the operator token")?;
        let text = text.trim().to_owned();
        if text.len() < 32 {
            bail!("the operator token is shorter than 32 characters");
        }
        Ok(Self(text))
    }

    /// Whether `shown` is the token. Takes the same time for every wrong token of the same length.
    pub fn matches(&self, shown: &str) -> bool {
        let (expected, shown) = (self.0.as_bytes(), shown.as_bytes());
        let difference = expected.iter().zip(shown).fold(0, |difference, (a, b)| difference | (a ^ b));
        expected.len() == shown.len() && std::hint::black_box(difference) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_lets_in() {
        let folder = tempfile::tempdir().unwrap();
        OperatorToken::create(folder.path()).unwrap();
        let token = OperatorToken::open(folder.path()).unwrap();
        let text = std::fs::read_to_string(folder.path().join(OPERATOR_TOKEN)).unwrap();
        assert!(token.matches(&text));
        assert!(!token.matches(&text[1..]));
        assert!(!token.matches(&format!("{text}0")));
        assert!(!token.matches(&text.replace(|c: char| c.is_ascii_digit(), "x")));
        assert!(!token.matches(""));
    }

    #[test]
    fn a_signing_key_survives_a_restart_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let made = create_signing_key(folder.path()).unwrap();
        assert_eq!(open_signing_key(folder.path()).unwrap().to_bytes(), made.to_bytes());
        assert!(create_signing_key(folder.path()).is_err());
    }
}

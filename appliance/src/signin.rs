//! Signing in: Argon2id, lock-out after five wrong passwords, the same answer for a wrong name
//! and a wrong password.

use crate::book::{Book, Fault};
use crate::keys::random_hex;
use crate::store::accounts::{self, Account};
use anyhow::{Result, anyhow};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use hall_domain::Timestamp;
use hall_domain::case::AccountName;
use hall_ledger::entry::EntryKind;
use zeroize::Zeroizing;

/// 19 MiB, two passes: the smaller of OWASP's equivalents, so that a clerk waits under 0.1 s.
const MEMORY_KIB: u32 = 19 * 1024;

/// What came of signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// Signed in: the session's cookie.
    Welcome(String),
    /// Name or password is wrong.
    Wrong,
    /// Too many wrong passwords.
    Locked {
        /// Until then.
        until: Timestamp,
    },
}

/// A password as it is kept.
pub fn hash_password(password: &str) -> Result<String> {
    let hash =
        argon2()?.hash_password(password.as_bytes()).map_err(|error| anyhow!("hash a password: {error}"))?;
    Ok(hash.to_string())
}

/// Signs in.
pub async fn sign_in(book: &Book, name: &str, password: Zeroizing<String>) -> Result<SignIn, Fault> {
    let now = book.clock.now();
    let Ok(name) = name.trim().parse::<AccountName>() else { return Ok(SignIn::Wrong) };
    let wanted = name.clone();
    let account = book.db.read(move |db| accounts::find(db, &wanted)).await?;
    if let Some(account) = account.as_ref().filter(|account| account.locked_until > now) {
        return Ok(SignIn::Locked { until: account.locked_until });
    }
    let matches = verify(account, password).await?;
    let token = random_hex(32);
    let (cookie, recorder) = (token.clone(), book.clone());
    book.db
        .write(move |tx| {
            if !matches {
                accounts::note_failure(tx, &name, now)?;
                let locked = accounts::find(tx, &name)?.filter(|account| account.locked_until > now);
                return Ok(
                    locked.map_or(SignIn::Wrong, |account| SignIn::Locked { until: account.locked_until })
                );
            }
            accounts::note_success(tx, &name)?;
            accounts::start_session(tx, &cookie, &name, &random_hex(16), now)?;
            let body = serde_json::json!({ "action": "signed-in", "clerk": name, "at": now });
            recorder.append(tx, EntryKind::ClerkAction, &body, now)?;
            Ok::<_, Fault>(SignIn::Welcome(token))
        })
        .await
        .map_err(Fault::from)
}

/// Whether a colleague's name and password are right, for a second signature. Counts towards the lock-out.
pub async fn second_signature(
    book: &Book,
    name: &str,
    password: Zeroizing<String>,
) -> Result<Option<AccountName>, Fault> {
    let now = book.clock.now();
    let Ok(name) = name.trim().parse::<AccountName>() else { return Ok(None) };
    let wanted = name.clone();
    let account = book.db.read(move |db| accounts::find(db, &wanted)).await?;
    let account = account.filter(|account| account.role.serves() && account.locked_until <= now);
    if verify(account, password).await? {
        return Ok(Some(name));
    }
    book.db.write(move |tx| accounts::note_failure(tx, &name, now).map_err(Fault::from)).await?;
    Ok(None)
}

/// Takes as long for an account that does not exist as for one that does.
async fn verify(account: Option<Account>, password: Zeroizing<String>) -> Result<bool, Fault> {
    tokio::task::spawn_blocking(move || {
        let known = account.is_some();
        let hash = account.map_or_else(|| DECOY.to_owned(), |account| account.password);
        let argon2 = argon2().map_err(|error| Fault::Storage(error.to_string()))?;
        let parsed = PasswordHash::new(&hash).map_err(|error| Fault::Storage(error.to_string()))?;
        Ok(argon2.verify_password(password.as_bytes(), &parsed).is_ok() && known)
    })
    .await
    .map_err(|error| Fault::Storage(error.to_string()))?
}

/// The hash of a password that nobody knows any more.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$7Qs4cm1Dd9lE0vX1nqYp3sRr0bX8Z5m2xk1c9vJm0nA";

fn argon2() -> Result<Argon2<'static>> {
    let params =
        Params::new(MEMORY_KIB, 2, 1, None).map_err(|error| anyhow!("argon2 parameters: {error}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

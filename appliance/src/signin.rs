//! Signing in: Argon2id, the same answer for a wrong name and a wrong password. How often somebody may try is the
//! web's to say, which knows where they sit.

use crate::book::{Book, Fault};
use crate::keys::random_hex;
use crate::store::accounts::{self, Account};
use anyhow::{Result, anyhow};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use hall_domain::case::AccountName;
use hall_ledger::entry::EntryKind;
use zeroize::Zeroizing;

/// 19 MiB, two passes: the smaller of OWASP's equivalents, so that a clerk waits under 0.1 s.
const MEMORY_KIB: u32 = 19 * 1024;

/// A password as it is kept.
pub fn hash_password(password: &str) -> Result<String> {
    let hash =
        argon2()?.hash_password(password.as_bytes()).map_err(|error| anyhow!("hash a password: {error}"))?;
    Ok(hash.to_string())
}

/// The account, if its name and password are right.
pub async fn check(book: &Book, name: &str, password: Zeroizing<String>) -> Result<Option<Account>, Fault> {
    let account = match name.trim().parse::<AccountName>() {
        Ok(name) => book.db.read(move |db| accounts::find(db, &name)).await?,
        Err(_) => None,
    };
    let right = verify(account.clone(), password).await?;
    Ok(account.filter(|_| right))
}

/// Starts a session; gives its cookie.
pub async fn start(book: &Book, name: &AccountName) -> Result<String, Fault> {
    let (token, now) = (random_hex(32), book.clock.now());
    let (cookie, recorder, name) = (token.clone(), book.clone(), name.clone());
    book.db
        .write(move |tx| {
            accounts::start_session(tx, &cookie, &name, &random_hex(16), now)?;
            let body = serde_json::json!({ "action": "signed-in", "clerk": name, "at": now });
            recorder.append(tx, EntryKind::ClerkAction, &body, now)
        })
        .await
        .map_err(Fault::from)?;
    Ok(token)
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

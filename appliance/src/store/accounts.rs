//! Accounts and sessions. Passwords as Argon2id, cookies as digests.

use hall_domain::Timestamp;
use hall_domain::case::{AccountName, WindowId};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// How long a session lives, used or not: a working day.
pub const SESSION_MS: i64 = 10 * 3_600_000;
/// Who signs in again so soon after a session has ended goes on at the same window, in the same language.
const BACK_MS: i64 = 3_600_000;

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// 窗口人员.
    Clerk,
    /// 部门审批人员.
    Reviewer,
    /// 大厅管理员.
    HallAdmin,
    /// 运维人员.
    Technician,
    /// 审计员.
    Auditor,
}

impl Role {
    /// As stored and configured.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Reviewer => "reviewer",
            Self::HallAdmin => "hall-admin",
            Self::Technician => "technician",
            Self::Auditor => "auditor",
        }
    }

    /// Whether this role works on cases.
    pub fn serves(self) -> bool {
        matches!(self, Self::Clerk | Self::HallAdmin)
    }

    /// Whether this role may look at cases and findings, numbers masked, without working on them.
    pub fn reads(self) -> bool {
        self.serves() || matches!(self, Self::Reviewer | Self::Auditor)
    }

    /// Whether this role takes on what waits on the exception desk, and says what was done.
    pub fn settles(self) -> bool {
        self.serves() || self == Self::Reviewer
    }

    /// Whether this role may look at scans and at what licences said: who works on a case or decides on it.
    pub fn sees_scans(self) -> bool {
        self.serves() || self == Self::Reviewer
    }

    /// 值班主管: whether this role may allow what a clerk alone may not.
    pub fn supervises(self) -> bool {
        self == Self::HallAdmin
    }

    /// Whether this role may look at security events.
    pub fn watches(self) -> bool {
        matches!(self, Self::HallAdmin | Self::Technician | Self::Auditor)
    }

    /// Whether this role binds devices.
    pub fn installs(self) -> bool {
        matches!(self, Self::Technician | Self::HallAdmin)
    }
}

/// A role name that does not exist.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no role is called {0:?}; roles are clerk, reviewer, hall-admin, technician, auditor")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        [Self::Clerk, Self::Reviewer, Self::HallAdmin, Self::Technician, Self::Auditor]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An account as it is stored.
#[derive(Debug, Clone)]
pub struct Account {
    /// Sign-in name.
    pub name: AccountName,
    /// 姓名, shown on screens.
    pub display: String,
    /// What it may do.
    pub role: Role,
    /// Argon2id, PHC string.
    pub password: String,
}

/// Somebody signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who.
    pub account: AccountName,
    /// 姓名.
    pub display: String,
    /// What they may do.
    pub role: Role,
    /// Must come back with each form.
    pub csrf: String,
    /// The window they sit at, once chosen.
    pub window: Option<WindowId>,
    /// `zh` or `en`.
    pub lang: String,
    /// When it ends by itself.
    pub expires: Timestamp,
}

/// The digest under which a session's cookie is stored.
pub fn token_digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Adds an account or replaces its name, role and password. Who was signed in with what it was before is so no more.
pub fn put(tx: &Connection, account: &Account) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM session WHERE account = ?1", [account.name.as_str()])?;
    tx.execute(
        "INSERT INTO account (name, display, role, password) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (name) DO UPDATE SET display = ?2, role = ?3, password = ?4",
        params![account.name.as_str(), account.display, account.role.as_str(), account.password],
    )?;
    Ok(())
}

/// The account of that name.
pub fn find(db: &Connection, name: &AccountName) -> rusqlite::Result<Option<Account>> {
    db.query_row("SELECT display, role, password FROM account WHERE name = ?1", [name.as_str()], |row| {
        Ok(Account { name: name.clone(), display: row.get(0)?, role: parsed(row, 1)?, password: row.get(2)? })
    })
    .optional()
}

/// Starts a session and forgets those that have ended. Whose session ended a moment ago sits where they sat.
pub fn start_session(
    tx: &Connection,
    token: &str,
    account: &AccountName,
    csrf: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM session WHERE expires < ?1", [now.plus_ms(-BACK_MS).0])?;
    let (window, lang): (String, String) = tx
        .query_row(
            "SELECT window, lang FROM session WHERE account = ?1 AND expires < ?2 ORDER BY expires DESC LIMIT 1",
            params![account.as_str(), now.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?
        .unwrap_or_else(|| (String::new(), "zh".to_owned()));
    tx.execute(
        "INSERT INTO session (token, account, csrf, window, lang, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![token_digest(token), account.as_str(), csrf, window, lang, now.plus_ms(SESSION_MS).0],
    )?;
    Ok(())
}

/// The session of a cookie, if it has not ended.
pub fn session(db: &Connection, token: &str, now: Timestamp) -> rusqlite::Result<Option<Session>> {
    db.query_row(
        "SELECT s.account, a.display, a.role, s.csrf, s.window, s.lang, s.expires
         FROM session s JOIN account a ON a.name = s.account WHERE s.token = ?1 AND s.expires >= ?2",
        params![token_digest(token), now.0],
        |row| {
            let window: String = row.get(4)?;
            Ok(Session {
                account: parsed(row, 0)?,
                display: row.get(1)?,
                role: parsed(row, 2)?,
                csrf: row.get(3)?,
                window: window.parse().ok(),
                lang: row.get(5)?,
                expires: Timestamp(row.get(6)?),
            })
        },
    )
    .optional()
}

/// Remembers the window that a session sits at.
pub fn set_window(tx: &Connection, token: &str, window: &WindowId) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE session SET window = ?2 WHERE token = ?1",
        params![token_digest(token), window.as_str()],
    )?;
    Ok(())
}

/// Remembers the language of a session.
pub fn set_lang(tx: &Connection, token: &str, lang: &str) -> rusqlite::Result<()> {
    tx.execute("UPDATE session SET lang = ?2 WHERE token = ?1", params![token_digest(token), lang])?;
    Ok(())
}

/// Ends a session.
pub fn end_session(tx: &Connection, token: &str) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM session WHERE token = ?1", params![token_digest(token)])?;
    Ok(())
}

/// Somebody who sits at a window now.
#[derive(Debug, Clone)]
pub struct Sitting {
    /// The window.
    pub window: WindowId,
    /// Who.
    pub account: AccountName,
    /// 姓名.
    pub display: String,
}

/// Who sits where: sessions with a window that have not ended, the newest first.
pub fn sitting(db: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Sitting>> {
    db.prepare_cached(
        "SELECT s.window, s.account, a.display FROM session s JOIN account a ON a.name = s.account
         WHERE s.window <> '' AND s.expires >= ?1 ORDER BY s.expires DESC",
    )?
    .query_map([now.0], |row| {
        Ok(Sitting { window: parsed(row, 0)?, account: parsed(row, 1)?, display: row.get(2)? })
    })?
    .collect()
}

/// Names of all accounts, for showing who did something.
pub fn displays(db: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    db.prepare_cached("SELECT name, display FROM account")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Windows of the hall, in their order.
pub fn windows(db: &Connection) -> rusqlite::Result<Vec<(WindowId, String)>> {
    db.prepare_cached("SELECT id, name FROM window ORDER BY id")?
        .query_map([], |row| Ok((parsed(row, 0)?, row.get(1)?)))?
        .collect()
}

/// Adds or renames a window.
pub fn put_window(tx: &Connection, id: &WindowId, name: &str) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO window (id, name) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET name = ?2",
        params![id.as_str(), name],
    )?;
    Ok(())
}

/// A text column read back through the parse that let it in.
pub(super) fn parsed<T>(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: String = row.get(index)?;
    text.parse().map_err(|error: T::Err| {
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error))
    })
}

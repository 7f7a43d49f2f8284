//! The store on one SQLite file. The only place of the centre with SQL.

mod aliases;
mod cases;
mod challenges;
mod citizens;
mod consents;
mod feeds;
mod licences;
mod logs;
mod parties;
mod people;
mod scopes;
mod standing;

use super::{
    Answer, Appended, Awaiting, Batch, Branch, BranchRow, Change, Counts, Due, Enrolment, FeedHead, Hall,
    Log, NewEnrolment, NewLicence, NewLog, Registered, Registration, Renewed, Store, StoreError, StoredEntry,
};
use crate::casefile::CaseFile;
use crate::scope::{Grant, HallScope, Telling};
use hall_domain::case::CaseNo;
use hall_domain::{
    AliasId, HolderAlias, HolderId, Licence, LicenceId, LicenceStatus, Organisation, Timestamp, Uscc,
};
use hall_ledger::disposition::Disposition;
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::feed::{DocumentVersion, FeedItem, Lane};
use hall_ledger::ratify::LicenceHistory;
use hall_ledger::{Hash, LogId, Signed};
use hall_sqlite::{Database, Migration, OpenError, Options, WriteError};
use rusqlite::{Connection, Transaction};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use std::collections::BTreeSet;
use std::path::Path;

const MIGRATIONS: &[Migration] = &[Migration { version: 1, name: "centre", sql: include_str!("schema.sql") }];

/// The store on one SQLite file. Clones share it.
#[derive(Clone)]
pub struct SqliteStore {
    database: Database,
}

/// What a query can fail with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fail {
    #[error("SQLite: {0}")]
    Sql(#[from] rusqlite::Error),
    #[error("stored {what} cannot be read: {reason}")]
    Damaged { what: &'static str, reason: String },
}

impl Fail {
    /// A value that does not come back through its own parse.
    pub(crate) fn damaged(what: &'static str) -> impl FnOnce(&dyn std::fmt::Display) -> Self {
        move |reason| Self::Damaged { what, reason: reason.to_string() }
    }
}

/// Writes a record as it is stored.
pub(crate) fn to_json<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String, Fail> {
    serde_json::to_string(value).map_err(|error| unreadable(what, &error))
}

/// Reads a stored record.
pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Fail> {
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

/// Only where a record is wrong: what stands there may be about a person, and reasons are logged.
fn unreadable(what: &'static str, error: &serde_json::Error) -> Fail {
    let kind = match error.classify() {
        Category::Io => "unreadable",
        Category::Syntax => "not JSON",
        Category::Data => "another value than expected",
        Category::Eof => "cut off",
    };
    Fail::Damaged { what, reason: format!("{kind} at line {} column {}", error.line(), error.column()) }
}

/// Reads a stored value that says nothing about a person through its parse.
pub(crate) fn parsed<T, E: std::fmt::Display>(what: &'static str, value: Result<T, E>) -> Result<T, Fail> {
    value.map_err(|error| Fail::damaged(what)(&error))
}

/// Reads a stored value that is either there or damaged.
pub(crate) fn present<T>(what: &'static str, value: Option<T>) -> Result<T, Fail> {
    value.ok_or(Fail::Damaged { what, reason: "wrong length".to_owned() })
}

/// SQLite's integers are signed; sizes and positions never reach the sign.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Back from [`int`].
pub(crate) fn uint(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

impl From<Fail> for StoreError {
    fn from(fail: Fail) -> Self {
        match fail {
            Fail::Sql(error) => Self::Engine(error.to_string()),
            Fail::Damaged { what, reason } => Self::Damaged { what, reason },
        }
    }
}

impl From<WriteError<Fail>> for StoreError {
    fn from(error: WriteError<Fail>) -> Self {
        match error {
            WriteError::Refused(fail) => fail.into(),
            WriteError::Busy => Self::Busy,
            other => Self::Engine(other.to_string()),
        }
    }
}

impl SqliteStore {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// When it cannot be opened or belongs to a newer version.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { database: Database::open(path, MIGRATIONS, Options::default())? })
    }

    /// Ends the writer once everything queued is on disk.
    pub async fn close(&self) {
        self.database.clone().close().await;
    }

    fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fail> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(async move { Ok(self.database.read_with(query).await?) })
    }

    fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Fail> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(async move { Ok(self.database.write(change).await?) })
    }
}

impl Store for SqliteStore {
    fn epoch(&self) -> Answer<'_, u64> {
        self.read(logs::epoch)
    }

    fn raise_epoch(&self) -> Answer<'_, u64> {
        self.write(|tx| logs::raise_epoch(tx))
    }

    fn add_enrolment(&self, new: NewEnrolment) -> Answer<'_, ()> {
        self.write(move |tx| logs::add_enrolment(tx, &new))
    }

    fn enrolment(&self, code: Hash, now: Timestamp) -> Answer<'_, Option<Enrolment>> {
        self.read(move |db| logs::enrolment(db, code, now))
    }

    fn register_log(&self, new: NewLog) -> Answer<'_, Registration> {
        self.write(move |tx| logs::register(tx, new))
    }

    fn log(&self, id: LogId) -> Answer<'_, Option<Log>> {
        self.read(move |db| logs::log(db, id))
    }

    fn logs(&self) -> Answer<'_, Vec<Log>> {
        self.read(logs::logs)
    }

    fn revoke(&self, id: LogId) -> Answer<'_, bool> {
        self.write(move |tx| logs::revoke(tx, id))
    }

    fn touch(&self, id: LogId, at: Timestamp) -> Answer<'_, ()> {
        self.write(move |tx| logs::touch(tx, id, at))
    }

    fn leaves(&self, id: LogId, from: u64, to: u64) -> Answer<'_, Vec<Hash>> {
        self.read(move |db| logs::leaves(db, id, from, to))
    }

    fn append(&self, id: LogId, batch: Batch) -> Answer<'_, Appended> {
        self.write(move |tx| logs::append(tx, id, batch))
    }

    fn receipt_index(&self) -> Answer<'_, u64> {
        self.write(|tx| logs::next_receipt(tx))
    }

    fn add_branch(&self, branch: Branch) -> Answer<'_, ()> {
        self.write(move |tx| logs::add_branch(tx, &branch))
    }

    fn branch(&self, id: LogId, size: u64, root: Hash) -> Answer<'_, Option<Branch>> {
        self.read(move |db| logs::branch(db, id, size, root))
    }

    fn branches(&self, id: LogId) -> Answer<'_, Vec<BranchRow>> {
        self.read(move |db| logs::branches(db, id))
    }

    fn entries(&self, id: LogId, from: u64, limit: u32) -> Answer<'_, Vec<StoredEntry>> {
        self.read(move |db| logs::entries(db, id, from, limit))
    }

    fn halls(&self) -> Answer<'_, Vec<Hall>> {
        self.read(feeds::halls)
    }

    fn feed_head(&self, hall: &str) -> Answer<'_, FeedHead> {
        let hall = hall.to_owned();
        self.read(move |db| feeds::head(db, &hall))
    }

    fn feed(&self, hall: &str, lane: Lane, after: u64, limit: u32) -> Answer<'_, Vec<FeedItem>> {
        let hall = hall.to_owned();
        self.read(move |db| feeds::items(db, &hall, lane, after, limit))
    }

    fn publish(&self, document: Document, signed: Signed<Document>) -> Answer<'_, ()> {
        self.write(move |tx| feeds::publish(tx, &document, &signed))
    }

    fn announce(&self, version: DocumentVersion, at: Timestamp) -> Answer<'_, ()> {
        self.write(move |tx| feeds::announce(tx, version, at))
    }

    fn document(&self, kind: DocumentKind) -> Answer<'_, Option<(u32, Signed<Document>)>> {
        self.read(move |db| feeds::document(db, kind))
    }

    fn put_organisation(&self, organisation: Organisation, at: Timestamp) -> Answer<'_, Change> {
        self.write(move |tx| licences::put_organisation(tx, &organisation, at))
    }

    fn organisation(&self, uscc: &Uscc) -> Answer<'_, Option<Organisation>> {
        let uscc = uscc.clone();
        self.read(move |db| licences::organisation(db, &uscc))
    }

    fn organisations(&self) -> Answer<'_, Vec<Organisation>> {
        self.read(licences::organisations)
    }

    fn status_place(&self, id: &LicenceId) -> Answer<'_, u32> {
        let id = id.clone();
        self.write(move |tx| licences::place(tx, &id))
    }

    fn put_licence(&self, new: NewLicence) -> Answer<'_, Change> {
        self.write(move |tx| licences::put(tx, new))
    }

    fn licences_due(&self, due: Due) -> Answer<'_, Vec<Registered>> {
        self.read(move |db| licences::due(db, due))
    }

    fn renew_licence(&self, renewed: Renewed) -> Answer<'_, ()> {
        self.write(move |tx| licences::renew(tx, renewed))
    }

    fn licence(&self, id: &LicenceId) -> Answer<'_, Option<Registered>> {
        let id = id.clone();
        self.read(move |db| licences::licence(db, &id))
    }

    fn licences_of(&self, holder: &HolderId) -> Answer<'_, Vec<Registered>> {
        let holder = holder.clone();
        self.read(move |db| licences::of_holder(db, &holder))
    }

    fn licences(&self) -> Answer<'_, Vec<Registered>> {
        self.read(licences::all)
    }

    fn statuses(&self) -> Answer<'_, Vec<LicenceStatus>> {
        self.read(licences::statuses)
    }

    fn set_status(&self, id: &LicenceId, status: LicenceStatus, at: Timestamp) -> Answer<'_, Option<bool>> {
        let id = id.clone();
        self.write(move |tx| licences::set_status(tx, &id, status, at))
    }

    fn hall_scope(&self, hall: &str) -> Answer<'_, HallScope> {
        let hall = hall.to_owned();
        self.read(move |db| scopes::scope(db, &hall))
    }

    fn set_hall_scope(&self, hall: &str, scope: HallScope, told: Vec<LicenceId>) -> Answer<'_, ()> {
        let hall = hall.to_owned();
        self.write(move |tx| scopes::set(tx, &hall, scope, &told))
    }

    fn add_scope_grant(&self, grant: Grant) -> Answer<'_, ()> {
        self.write(move |tx| scopes::add_scope_grant(tx, &grant))
    }

    fn end_standing(&self, hall: &str, holder: &HolderId) -> Answer<'_, ()> {
        let (hall, holder) = (hall.to_owned(), holder.clone());
        self.write(move |tx| scopes::end_standing(tx, &hall, &holder))
    }

    fn scope_grants(&self, hall: &str, now: Timestamp) -> Answer<'_, Vec<Grant>> {
        let hall = hall.to_owned();
        self.read(move |db| scopes::scope_grants(db, &hall, now))
    }

    fn told(&self, hall: &str) -> Answer<'_, BTreeSet<LicenceId>> {
        let hall = hall.to_owned();
        self.read(move |db| scopes::told(db, &hall))
    }

    fn tell(&self, telling: Telling) -> Answer<'_, ()> {
        self.write(move |tx| scopes::tell(tx, telling))
    }

    fn halls_of(&self, licence: &Licence, now: Timestamp) -> Answer<'_, Vec<Hall>> {
        let licence = licence.clone();
        self.read(move |db| scopes::halls_of(db, &licence, now))
    }

    fn put_alias(&self, alias: HolderAlias, at: Timestamp) -> Answer<'_, (AliasId, Change)> {
        self.write(move |tx| aliases::put(tx, &alias, at))
    }

    fn withdraw_alias(&self, id: AliasId, at: Timestamp) -> Answer<'_, bool> {
        self.write(move |tx| aliases::withdraw(tx, id, at))
    }

    fn alias(&self, id: AliasId) -> Answer<'_, Option<HolderAlias>> {
        self.read(move |db| aliases::find(db, id))
    }

    fn aliases_of(&self, holder: &HolderId) -> Answer<'_, Vec<HolderAlias>> {
        let holder = holder.clone();
        self.read(move |db| aliases::of_holder(db, &holder))
    }

    fn aliases(&self) -> Answer<'_, Vec<AliasId>> {
        self.read(aliases::all)
    }

    fn standing_aliases(
        &self,
        log: LogId,
        case_no: &str,
        claims: BTreeSet<(AliasId, LicenceId)>,
    ) -> Answer<'_, BTreeSet<(AliasId, LicenceId)>> {
        let case_no = case_no.to_owned();
        self.read(move |db| aliases::standing(db, log, &case_no, claims))
    }

    fn history(&self, id: &LicenceId, hall: &str) -> Answer<'_, Option<(String, LicenceHistory)>> {
        let (id, hall) = (id.clone(), hall.to_owned());
        self.read(move |db| licences::history(db, &id, &hall))
    }

    fn awaiting(&self, after: u64, limit: u32) -> Answer<'_, Vec<Awaiting>> {
        self.read(move |db| cases::awaiting(db, after, limit))
    }

    fn judge(&self, disposition: Disposition, signed: Signed<Disposition>) -> Answer<'_, bool> {
        self.write(move |tx| cases::judge(tx, disposition, signed))
    }

    fn cases(&self, limit: u32) -> Answer<'_, Vec<CaseFile>> {
        self.read(move |db| cases::newest(db, limit))
    }

    fn case(&self, no: &CaseNo) -> Answer<'_, Option<CaseFile>> {
        let no = no.clone();
        self.read(move |db| cases::by_number(db, &no))
    }

    fn counts(&self) -> Answer<'_, Counts> {
        self.read(cases::counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, organisation};

    #[tokio::test]
    async fn a_damaged_record_is_told_without_what_stands_in_it() {
        let bench = Bench::new().await;
        bench.app.store.put_organisation(organisation("王芳"), bench.app.now()).await.unwrap();
        let mut record = serde_json::to_value(organisation("王芳")).unwrap();
        record["legal_representative"]["document"] = "519900199003070011 王芳".into();
        let damaged = bench.database().execute("UPDATE organisation SET body = ?1", [record.to_string()]);
        assert_eq!(damaged.unwrap(), 1);
        let error = bench.app.store.organisations().await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { what: "organisation", .. }), "{error}");
        let told = format!("{error} {error:?}");
        assert!(!told.contains("519900199003070011") && !told.contains("王芳"), "{told}");
    }
}

//! The desk: a clerk's cases, opened, given up and taken over. The steps of a case are in the files beside this one.

use super::{Refusal, decide};
use crate::book::{Book, Fault};
use crate::devices::hub::{Hub, ReadStage};
use crate::line::Line;
use crate::live::{Change, Live};
use crate::store::blobs::BlobFolder;
use crate::store::{cases, devices, items};
use hall_bus::DeviceKind;
use hall_domain::case::{
    AccountName, Case, CaseEvent, CaseId, CaseNo, CaseRecord, CommandId, Consent, LicenceUse, WindowId,
};
use hall_domain::{ApplicantKind, ItemCode, MaterialId, ServiceItem, Timestamp};
use hall_ledger::entry::EntryKind;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long numbers stay open on a screen after somebody asked for them.
const NUMBERS_OPEN_MS: i64 = 600_000;

/// Who acts: the signed-in clerk at a window.
#[derive(Debug, Clone)]
pub struct Clerk {
    /// The account.
    pub account: AccountName,
    /// The window they sit at.
    pub window: WindowId,
}

/// How reading a card stands, for the screen. Forgotten at a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The reader was asked, and is at it when it has said so.
    Asked {
        /// Until when.
        deadline: Timestamp,
        /// How far it is.
        stage: ReadStage,
    },
    /// The reader has not said that it is at it.
    Unheard,
    /// What came from a phone by itself was not taken.
    NotTaken(Refusal),
    /// Nothing was read.
    Failed(hall_bus::ReadFailure),
    /// A card was read and not taken over.
    Refused {
        /// Why.
        why: Refusal,
        /// Whose card it was, masked.
        got: String,
    },
}

/// The desk. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    pub(super) book: Book,
    pub(super) hub: Arc<Hub>,
    pub(super) live: Live,
    pub(super) line: Line,
    pub(super) blobs: BlobFolder,
    pub(super) readings: Arc<Mutex<BTreeMap<CaseId, Reading>>>,
    opened: Arc<Mutex<BTreeMap<(CaseId, String), Timestamp>>>,
}

impl Desk {
    /// A desk.
    pub fn new(book: Book, hub: Arc<Hub>, live: Live, line: Line, blobs: BlobFolder) -> Self {
        Self { book, hub, live, line, blobs, readings: Arc::default(), opened: Arc::default() }
    }

    /// The case of that id.
    pub async fn case(&self, id: &CaseId) -> Result<Case, Fault> {
        let (vault, id) = (self.book.vault.clone(), id.clone());
        let stored = self.book.db.read_with(move |db| Ok::<_, Fault>(cases::find(db, &vault, &id)?)).await?;
        stored.map(|stored| Arc::unwrap_or_clone(stored.case)).ok_or(Fault::NotFound)
    }

    /// The item of a case, as it was when the case was opened.
    pub async fn item_of(&self, case: &Case) -> Result<ServiceItem, Fault> {
        if let Some(item) = self.item(&case.item).ok().filter(|item| item.version == case.item_version) {
            return Ok(item);
        }
        let (code, version) = (case.item.clone(), case.item_version);
        let kept = self.book.db.read_with(move |db| Ok::<_, Fault>(items::find(db, &code, version)?)).await?;
        kept.ok_or(Fault::NotFound)
    }

    /// An item by its code.
    pub fn item(&self, code: &ItemCode) -> Result<ServiceItem, Fault> {
        self.book
            .knowledge
            .catalogue()
            .and_then(|catalogue| catalogue.item(code).cloned())
            .ok_or(Fault::NotFound)
    }

    /// Whether a device can be given something to do, or will be in a moment.
    pub fn can_ask(&self, device: &devices::Device, now: Timestamp) -> bool {
        self.hub.can_ask(device, now)
    }

    /// How reading a card stands for a case.
    pub fn reading(&self, id: &CaseId) -> Option<Reading> {
        self.readings().get(id).cloned()
    }

    /// Forgets how reading a card stood for cases that are closed.
    pub async fn forget_readings(&self) -> Result<(), Fault> {
        let known: Vec<CaseId> = self.readings().keys().cloned().collect();
        let open = self.book.db.read(move |db| cases::open_of(db, known)).await?;
        self.readings().retain(|id, _| open.contains(id));
        Ok(())
    }

    /// Whether a session has the case's numbers open.
    pub fn numbers_open(&self, id: &CaseId, session: &str) -> bool {
        let now = self.book.clock.now();
        let mut opened = self.opened.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        opened.retain(|_, since| now.ms_since(*since) < NUMBERS_OPEN_MS);
        opened.contains_key(&(id.clone(), session.to_owned()))
    }

    /// Opens a case.
    pub async fn open(
        &self,
        clerk: &Clerk,
        item: &ItemCode,
        applicant: ApplicantKind,
    ) -> Result<CaseId, Fault> {
        let item = self.item(item)?;
        let event = decide::open(&item, applicant, clerk.window.clone(), &self.book.knowledge.hall)?;
        let (book, clerk) = (self.book.clone(), clerk.clone());
        let now = book.clock.now();
        let id = self
            .book
            .db
            .write(move |tx| {
                let day = now.local_date().to_compact();
                let no = cases::next_no(tx, &book.knowledge.hall_code, &day)?;
                let no: CaseNo = no.parse().map_err(|_| Fault::Storage("case number".to_owned()))?;
                let id: CaseId = new_id(now).parse().map_err(|_| Fault::Storage("case id".to_owned()))?;
                let record = CaseRecord { case: id.clone(), no, at: now, clerk: clerk.account, event };
                items::keep(tx, &item)?;
                book.open_case(tx, &record)?;
                Ok::<_, Fault>(id)
            })
            .await?;
        self.changed(&id);
        Ok(id)
    }

    /// Gives a case up.
    pub async fn abandon(&self, clerk: &Clerk, id: &CaseId, reason: &str) -> Result<Case, Fault> {
        let reason = reason.to_owned();
        let case = self.change(clerk, id, move |case| Ok(decide::abandon(case, &reason)?)).await?;
        self.set_reading(id, None);
        self.hub.clear_case(id).await?;
        Ok(case)
    }

    /// Takes giving up back.
    pub async fn reopen(&self, clerk: &Clerk, id: &CaseId) -> Result<Case, Fault> {
        let now = self.book.clock.now();
        self.change(clerk, id, move |case| Ok(decide::reopen(case, now)?)).await
    }

    /// Goes on with a colleague's case at the own window.
    pub async fn take_over(&self, clerk: &Clerk, id: &CaseId) -> Result<Case, Fault> {
        let (account, window) = (clerk.account.clone(), clerk.window.clone());
        let now = self.book.clock.now();
        self.record(&clerk.account, id, move |case| Ok(decide::take_over(case, &account, window, now)?)).await
    }

    /// Shows a number in full, in one session. Looking is an entry.
    pub async fn unmask(&self, by: &AccountName, session: &str, id: &CaseId) -> Result<(), Fault> {
        let case = self.case(id).await?;
        let (book, account) = (self.book.clone(), by.clone());
        let now = book.clock.now();
        self.book
            .db
            .write(move |tx| {
                let body = serde_json::json!({
                    "action": "unmasked", "case": case.no, "clerk": account, "at": now
                });
                book.append(tx, EntryKind::ClerkAction, &body, now)
            })
            .await?;
        let mut opened = self.opened.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        opened.insert((id.clone(), session.to_owned()), now);
        Ok(())
    }

    /// Hides the numbers of a case again, in one session.
    pub fn mask(&self, session: &str, id: &CaseId) {
        let mut opened = self.opened.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        opened.remove(&(id.clone(), session.to_owned()));
    }

    /// 证照查看: what was opened of a licence for a case. Looking is an entry, written before anything is shown.
    pub async fn look_at_licence(
        &self,
        by: &AccountName,
        id: &CaseId,
        material: &MaterialId,
    ) -> Result<(Case, LicenceUse), Fault> {
        let case = self.case(id).await?;
        if matches!(case.consent, Consent::Withdrawn { .. }) {
            return Err(Refusal::ConsentWithdrawn.into());
        }
        let used =
            case.uses.iter().find(|used| used.material == *material).cloned().ok_or(Fault::NotFound)?;
        let (book, now) = (self.book.clone(), self.book.clock.now());
        let body = serde_json::json!({
            "action": "licence viewed", "case": case.no, "use_code": used.use_code, "account": by, "at": now
        });
        self.book.db.write(move |tx| book.append(tx, EntryKind::ClerkAction, &body, now)).await?;
        Ok((case, used))
    }

    /// Changes a case that belongs to this clerk.
    pub(super) async fn change(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        decide: impl FnOnce(&Case) -> Result<Vec<CaseEvent>, Fault> + Send + 'static,
    ) -> Result<Case, Fault> {
        let account = clerk.account.clone();
        self.record(&clerk.account, id, move |case| {
            if decide::belongs_to(case, &account) { decide(case) } else { Err(Fault::NotYours) }
        })
        .await
    }

    pub(super) async fn record(
        &self,
        by: &AccountName,
        id: &CaseId,
        decide: impl FnOnce(&Case) -> Result<Vec<CaseEvent>, Fault> + Send + 'static,
    ) -> Result<Case, Fault> {
        let (book, by, case_id) = (self.book.clone(), by.clone(), id.clone());
        let now = book.clock.now();
        let case = self.book.db.write(move |tx| book.change_case(tx, &case_id, &by, now, decide)).await?;
        let case = Arc::unwrap_or_clone(case);
        self.changed(id);
        Ok(case)
    }

    pub(super) async fn mine(&self, clerk: &Clerk, id: &CaseId) -> Result<Case, Fault> {
        let case = self.case(id).await?;
        if decide::belongs_to(&case, &clerk.account) { Ok(case) } else { Err(Fault::NotYours) }
    }

    /// The case, moved to the window at which its clerk sits now.
    pub(super) async fn at_own_window(&self, clerk: &Clerk, id: &CaseId) -> Result<Case, Fault> {
        let case = self.mine(clerk, id).await?;
        if case.window == clerk.window { Ok(case) } else { self.take_over(clerk, id).await }
    }

    pub(super) fn changed(&self, id: &CaseId) {
        self.live.tell(Change::Case(id.clone()));
    }

    fn readings(&self) -> MutexGuard<'_, BTreeMap<CaseId, Reading>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_reading(&self, id: &CaseId, reading: Option<Reading>) {
        let mut readings = self.readings();
        match reading {
            Some(reading) => readings.insert(id.clone(), reading),
            None => readings.remove(id),
        };
        drop(readings);
        self.changed(id);
    }

    pub(super) async fn device_at(
        &self,
        window: &WindowId,
        kind: DeviceKind,
    ) -> Result<Option<devices::Device>, Fault> {
        let window = window.clone();
        Ok(self.book.db.read(move |db| devices::at_window(db, &window, kind)).await?)
    }
}

/// A fresh ULID in lower case.
pub(super) fn new_id(now: Timestamp) -> String {
    let mut random = [0u8; 16];
    crate::keys::fill_random(&mut random);
    ulid::Ulid::from_parts(u64::try_from(now.0).unwrap_or_default(), u128::from_le_bytes(random))
        .to_string()
        .to_ascii_lowercase()
}

/// The id of a new command.
pub(crate) fn new_command(now: Timestamp) -> Result<(CommandId, hall_bus::MessageId), Fault> {
    let message = hall_bus::MessageId::generate(now).map_err(|error| Fault::Storage(error.to_string()))?;
    let command = message.to_string().parse().map_err(|_| Fault::Storage("command id".to_owned()))?;
    Ok((command, message))
}

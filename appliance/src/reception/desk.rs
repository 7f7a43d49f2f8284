//! What a clerk does to a case, from opening it to submitting it.

use super::{Refusal, decide};
use crate::book::{Book, Fault};
use crate::cache::{self, Candidate, Freshness};
use crate::devices::hub::Hub;
use crate::line::Line;
use crate::live::{Change, Live};
use crate::store::blobs::BlobFolder;
use crate::store::{cases, devices, licences, meta};
use hall_bus::DeviceKind;
use hall_domain::case::{
    AccountName, Case, CaseEvent, CaseId, CaseNo, CaseRecord, CommandId, Consent, ListRow, Mode, Organised,
    PaperChoice, Secondary, WindowId,
};
use hall_domain::form::{self, OpenedFields, Sources};
use hall_domain::{
    ApplicantKind, FieldKey, HolderId, ItemCode, Judgement, LicenceId, LicenceKindCode, MaterialId,
    ServiceItem, Timestamp, Uscc,
};
use hall_ledger::entry::EntryKind;
use hall_ledger::link::Lookup;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

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
    /// The reader waits for a card or reads.
    Waiting {
        /// Until when.
        deadline: Timestamp,
    },
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
    opened: Arc<Mutex<BTreeMap<(CaseId, AccountName), Timestamp>>>,
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
        stored.map(|stored| stored.case).ok_or(Fault::NotFound)
    }

    /// The item of a case, as the newest catalogue has it.
    pub fn item_of(&self, case: &Case) -> Result<ServiceItem, Fault> {
        self.item(&case.item)
    }

    /// An item by its code.
    pub fn item(&self, code: &ItemCode) -> Result<ServiceItem, Fault> {
        self.book
            .knowledge
            .catalogue()
            .and_then(|catalogue| catalogue.item(code).cloned())
            .ok_or(Fault::NotFound)
    }

    /// How reading a card stands for a case.
    pub fn reading(&self, id: &CaseId) -> Option<Reading> {
        self.readings.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get(id).cloned()
    }

    /// Whether this account has the case's numbers open.
    pub fn numbers_open(&self, id: &CaseId, by: &AccountName) -> bool {
        let now = self.book.clock.now();
        let mut opened = self.opened.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        opened.retain(|_, since| now.ms_since(*since) < NUMBERS_OPEN_MS);
        opened.contains_key(&(id.clone(), by.clone()))
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
                book.open_case(tx, &record)?;
                Ok::<_, Fault>(id)
            })
            .await?;
        self.changed(&id);
        Ok(id)
    }

    /// Names the organisation of a case: the code is checked, the register asked.
    pub async fn name_organisation(&self, clerk: &Clerk, id: &CaseId, code: &str) -> Result<Case, Fault> {
        let uscc: Uscc = code.parse().map_err(|error: hall_domain::IdentifierError| {
            Fault::Refused(Refusal::OrganisationCode(error.zh()))
        })?;
        let case = self.case(id).await?;
        let item = self.item_of(&case)?;
        let holder = HolderId::Organisation(uscc.clone());
        self.ask_centre(&holder, &item, &case).await;
        let (vault, code) = (self.book.vault.clone(), uscc.clone());
        let known = self
            .book
            .db
            .read_with(move |db| Ok::<_, Fault>(licences::organisation(db, &vault, &code)?))
            .await?;
        let (register, checked_at) = known.map_or((None, None), |(entry, at)| (Some(entry), Some(at)));
        let organisation = Organised { uscc, register, checked_at };
        self.change(clerk, id, move |case| Ok(decide::name_organisation(case, organisation)?)).await
    }

    /// 读卡: asks the window's reader to read a card for this case.
    pub async fn read_card(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        let case = self.at_own_window(clerk, id).await?;
        decide::may_read(&case)?;
        let device = self.device_at(&clerk.window, DeviceKind::CardReader).await?;
        let device = device.filter(|device| device.state == "ready").ok_or(Refusal::NoReader)?;
        let deadline = self.hub.read_card(&device, &clerk.window, id).await?;
        self.set_reading(id, Some(Reading::Waiting { deadline }));
        Ok(())
    }

    /// Stops reading.
    pub async fn stop_reading(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        self.mine(clerk, id).await?;
        self.hub.stop_reading(id).await?;
        self.set_reading(id, None);
        Ok(())
    }

    /// 人证一致, and with it the 免证清单.
    pub async fn confirm_person(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        note: Option<String>,
    ) -> Result<Case, Fault> {
        self.change(clerk, id, move |case| Ok(decide::confirm_person(case, note)?)).await?;
        self.make_list(clerk, id).await
    }

    /// 重新核验.
    pub async fn clear_identity(&self, clerk: &Clerk, id: &CaseId, reason: &str) -> Result<Case, Fault> {
        let reason = reason.to_owned();
        self.set_reading(id, None);
        self.change(clerk, id, move |case| Ok(decide::clear_identity(case, &reason)?)).await
    }

    /// Makes the 免证清单, from the centre when the line is up, from the cache otherwise.
    pub async fn make_list(&self, clerk: &Clerk, id: &CaseId) -> Result<Case, Fault> {
        let case = self.mine(clerk, id).await?;
        let (rows, mode) = self.rows_of(&case).await?;
        self.change(clerk, id, move |case| Ok(decide::list(case, rows, mode)?)).await
    }

    /// Makes the list of a case that was stopped between 人证一致 and its list.
    pub async fn list_if_missing(&self, clerk: &Clerk, case: &Case) -> Result<(), Fault> {
        let confirmed = case.identity.as_ref().is_some_and(|who| who.confirmed);
        if confirmed && case.mode.is_none() && !case.closed() {
            self.make_list(clerk, &case.id).await?;
        }
        Ok(())
    }

    /// The rows of a case's list as they are known now, and from whom.
    async fn rows_of(&self, case: &Case) -> Result<(Vec<ListRow>, Mode), Fault> {
        let item = self.item_of(case)?;
        let (principal, person) = parties(case).ok_or(Refusal::NotConfirmed)?;
        let mut confirmed = self.ask_centre(&principal, &item, case).await;
        if person != principal {
            let more = self.ask_centre(&person, &item, case).await;
            confirmed = confirmed.zip(more).map(|(all, more)| all.into_iter().chain(more).collect());
        }
        let mode = if confirmed.is_some() { Mode::Online } else { Mode::Offline };
        let mut candidates = self.candidates(&[principal.clone(), person.clone()], mode).await?;
        // What the centre was asked for and did not give is not there, whatever the cache holds.
        if let Some(confirmed) = &confirmed {
            candidates.retain(|candidate| confirmed.contains(&candidate.envelope.facts().licence));
        }
        let kinds = self.book.knowledge.kinds();
        let rows = cache::list(&item, &kinds, &principal, &person, &candidates, self.book.clock.now());
        Ok((rows, mode))
    }

    /// Asks the centre once more for a case that was worked on without it. A licence that was revoked
    /// meanwhile then no longer stands for its paper, before anything is submitted on it.
    async fn recheck(&self, clerk: &Clerk, case: Case) -> Result<Case, Fault> {
        let now = self.book.clock.now();
        let old = case.listed_at.is_none_or(|at| now.ms_since(at) > decide::RECHECK_MS);
        let wanted = case.filled && case.mode.is_some() && (old || case.mode == Some(Mode::Offline));
        if !wanted || !self.book.knowledge.line().up {
            return Ok(case);
        }
        match self.rows_of(&case).await? {
            (rows, Mode::Online) => {
                self.change(clerk, &case.id, move |case| Ok(decide::recheck(case, rows)?)).await
            }
            (_, Mode::Offline) => Ok(case),
        }
    }

    /// Goes on without licences: the form is filled from the card and the register alone.
    pub async fn go_on_with_paper(&self, clerk: &Clerk, id: &CaseId) -> Result<Case, Fault> {
        let case = self.mine(clerk, id).await?;
        let fields = form::autofill(&self.item_of(&case)?, &sources(&case, BTreeMap::new()));
        self.change(clerk, id, move |case| Ok(decide::fill(case, Vec::new(), fields)?)).await
    }

    /// Opens the licences that the citizen agreed to, and fills the form. Safe to call again.
    pub async fn fill(&self, id: &CaseId) -> Result<(), Fault> {
        let case = self.case(id).await?;
        let (Some((principal, person)), Consent::Given { .. }, false) =
            (parties(&case), &case.consent, case.closed())
        else {
            return Ok(());
        };
        let item = self.item_of(&case)?;
        let candidates = self.candidates(&[principal, person], case.mode.unwrap_or(Mode::Offline)).await?;
        let (book, by, id) = (self.book.clone(), case.clerk.clone(), id.clone());
        let now = book.clock.now();
        let case_id = id.clone();
        self.book
            .db
            .write(move |tx| {
                book.change_case(tx, &case_id, &by, now, |case| {
                    let mut uses = Vec::new();
                    let mut opened: BTreeMap<LicenceKindCode, OpenedFields> = BTreeMap::new();
                    for row in decide::agreed_rows(case) {
                        let listed = case.list.iter().find(|listed| listed.material == row.material);
                        let Some(licence) = listed.and_then(|listed| listed.licence.as_ref()) else {
                            continue;
                        };
                        let use_code = next_use_code(tx, &book)?;
                        // A licence that does not open as signed stays closed; its row then asks for paper.
                        match cache::open(&row, licence, &candidates, use_code) {
                            Ok((used, fields)) => {
                                uses.push(used);
                                opened.insert(row.kind.clone(), fields);
                            }
                            Err(error) => {
                                tracing::error!(%error, case.no = %case.no, "a licence does not open")
                            }
                        }
                    }
                    let fields = form::autofill(&item, &sources(case, opened));
                    Ok(decide::fill(case, uses, fields)?)
                })
            })
            .await?;
        self.changed(&id);
        Ok(())
    }

    /// Saves what stands in the form. `seen` is the `form_rev` of the page.
    pub async fn save_form(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        values: BTreeMap<FieldKey, String>,
        seen: u32,
    ) -> Result<Case, Fault> {
        let item = self.item_of(&self.case(id).await?)?;
        self.change(clerk, id, move |case| Ok(decide::save_form(case, &item, &values, seen)?)).await
    }

    /// 修改 of an attested field, or taking that back.
    pub async fn mark_field(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        field: FieldKey,
        restore: bool,
    ) -> Result<Case, Fault> {
        self.change(clerk, id, move |case| {
            Ok(if restore {
                decide::restore_field(case, &field)?
            } else {
                decide::release_field(case, &field)?
            })
        })
        .await
    }

    /// 告知承诺.
    pub async fn commit(&self, clerk: &Clerk, id: &CaseId, taken: bool, seen: u32) -> Result<Case, Fault> {
        self.change(clerk, id, move |case| Ok(decide::commit(case, taken, seen)?)).await
    }

    /// Says how a material without a licence is brought.
    pub async fn choose_paper(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        material: MaterialId,
        choice: PaperChoice,
    ) -> Result<Case, Fault> {
        self.change(clerk, id, move |case| Ok(decide::choose_paper(case, &material, choice)?)).await
    }

    /// What would come of submitting the case now.
    pub fn judge(&self, case: &Case, second_clerk: bool) -> Result<Judgement, Fault> {
        let item = self.item_of(case)?;
        Ok(decide::judge(case, &item, &self.conditions(case), second_clerk, self.book.clock.now()))
    }

    /// Submits. Returns after the record is on disk; the package follows by itself.
    pub async fn submit(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        second: Option<AccountName>,
    ) -> Result<Case, Fault> {
        let case = self.recheck(clerk, self.mine(clerk, id).await?).await?;
        let item = self.item_of(&case)?;
        let conditions = self.conditions(&case);
        let now = self.book.clock.now();
        let second = second.map(|account| Secondary { account, at: now });
        let case = self
            .change(clerk, id, move |case| Ok(decide::submit(case, &item, &conditions, second, now)?))
            .await?;
        if let Err(error) = self.seal(id).await {
            // The submission stands; the package is sealed by the next round.
            tracing::warn!(%error, case.no = %case.no, "the package could not be sealed yet");
        }
        self.line.nudge();
        self.case(id).await
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
        self.change(clerk, id, |case| Ok(decide::reopen(case)?)).await
    }

    /// Goes on with a colleague's case at the own window.
    pub async fn take_over(&self, clerk: &Clerk, id: &CaseId) -> Result<Case, Fault> {
        let (account, window) = (clerk.account.clone(), clerk.window.clone());
        let now = self.book.clock.now();
        self.record(&clerk.account, id, move |case| Ok(decide::take_over(case, &account, window, now)?)).await
    }

    /// Shows a number in full. Looking is an entry.
    pub async fn unmask(&self, by: &AccountName, id: &CaseId) -> Result<(), Fault> {
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
        opened.insert((id.clone(), by.clone()), now);
        Ok(())
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

    pub(super) fn set_reading(&self, id: &CaseId, reading: Option<Reading>) {
        let mut readings = self.readings.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
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

    fn conditions(&self, case: &Case) -> decide::Conditions {
        let holder_cached = case.list.iter().any(|row| row.licence.is_some())
            || case.organisation.as_ref().is_some_and(|known| known.register.is_some());
        decide::Conditions { line: self.book.knowledge.line_state(self.book.clock.now()), holder_cached }
    }

    /// Asks the centre for a holder's licences and keeps the answer in the cache. Gives the licences that the
    /// centre named; none when it did not answer.
    async fn ask_centre(
        &self,
        holder: &HolderId,
        item: &ServiceItem,
        case: &Case,
    ) -> Option<BTreeSet<LicenceId>> {
        let lookup = Lookup {
            holder: holder.clone(),
            kinds: item.licence_materials().map(|(_, kind)| kind.clone()).collect(),
            use_cause: item.name.chars().take(200).collect(),
            item: item.code.clone(),
            case_no: case.no.to_string(),
        };
        let answer = self.line.lookup(lookup).await?;
        let named = answer.licences.iter().map(|fresh| fresh.facts.facts().licence.clone()).collect();
        let book = self.book.clone();
        let stored = self
            .book
            .db
            .write(move |tx| {
                for fresh in &answer.licences {
                    let status = Some((fresh.status.status, fresh.status.at));
                    licences::put(tx, &book.vault, &fresh.issued, fresh.facts.facts(), status)?;
                }
                if let Some(organisation) = &answer.organisation {
                    licences::put_organisation(tx, &book.vault, organisation, answer.token.issued_at)?;
                }
                Ok::<_, Fault>(())
            })
            .await;
        if let Err(error) = &stored {
            tracing::warn!(%error, "a fresh answer of the centre could not be kept");
        }
        stored.is_ok().then_some(named)
    }

    async fn candidates(&self, holders: &[HolderId], mode: Mode) -> Result<Vec<Candidate>, Fault> {
        let mut candidates = Vec::new();
        let lists = self.book.knowledge.lists();
        let now = self.book.clock.now();
        let mut seen: Vec<&HolderId> = Vec::new();
        for holder in holders {
            if seen.contains(&holder) {
                continue;
            }
            seen.push(holder);
            let (vault, wanted) = (self.book.vault.clone(), holder.clone());
            let cached = self
                .book
                .db
                .read_with(move |db| Ok::<_, Fault>(licences::of_holder(db, &vault, &wanted)?))
                .await?;
            let freshness = Freshness {
                token_at: self.book.knowledge.fresh_at(),
                lists: lists.iter().map(|(number, list)| (*number, list.as_ref())).collect(),
            };
            let knowledge = &self.book.knowledge;
            candidates.extend(cached.into_iter().filter_map(|cached| {
                cache::candidate(cached, holder, &knowledge.trust, &knowledge.hall_code, &freshness, now)
            }));
        }
        for candidate in &mut candidates {
            candidate.mode = mode;
        }
        Ok(candidates)
    }
}

/// For whom the case is and who stands at the window, once that is confirmed.
fn parties(case: &Case) -> Option<(HolderId, HolderId)> {
    let identity = case.identity.as_ref().filter(|identity| identity.confirmed)?;
    Some((case.principal()?, HolderId::Person(identity.card.document.clone())))
}

fn sources(case: &Case, licences: BTreeMap<LicenceKindCode, OpenedFields>) -> Sources<'_> {
    Sources {
        card: case.identity.as_ref().map(|identity| &identity.card),
        licences,
        organisation: case.organisation.as_ref().and_then(|known| known.register.as_ref()),
    }
}

/// 用证码 of the box, `LX-<hall>-<counter>`; the centre exchanges it at ratification.
fn next_use_code(tx: &rusqlite::Connection, book: &Book) -> Result<String, Fault> {
    let next = meta::number(tx, meta::key::USE_CODE)? + 1;
    meta::put_number(tx, meta::key::USE_CODE, next)?;
    Ok(format!("LX-{}-{next:08}", book.knowledge.hall_code))
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

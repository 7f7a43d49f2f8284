//! 办件 as the centre knows it: a fold over the entries that boxes sent, holding what
//! ratification and the operators' list need and nothing about the person.

use hall_domain::case::{
    AliasedRow, Attachment, CaseEvent, CaseId, CaseNo, CaseRecord, Follow, Mode, WindowId,
};
use hall_domain::{AliasId, ItemCode, LicenceId, LicenceKindCode, Timestamp};
use hall_ledger::disposition::{Disposition, Outcome};
use hall_ledger::entry::{ClockReading, EntryError, Known};
use hall_ledger::{BlobId, EntryKind, LogId, VerifiedEntry};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One event of a case together with the entry that carried it.
#[derive(Debug, Clone)]
pub struct CaseEntry {
    /// Position in its log.
    pub seq: u64,
    /// The box's clock when the entry was signed.
    pub wall: Timestamp,
    /// How good that clock was.
    pub clock: ClockReading,
    /// What the box knew.
    pub known: Known,
    /// When the centre took custody.
    pub received_at: Timestamp,
    /// What happened.
    pub record: CaseRecord,
}

impl CaseEntry {
    /// Reads an entry as a case event.
    pub fn read(entry: &VerifiedEntry, received_at: Timestamp) -> Reading {
        let Some(header) = entry.header() else { return Reading::Unread };
        match entry.body() {
            Ok(record) => Reading::Case(Box::new(Self {
                seq: header.seq,
                wall: header.wall,
                clock: header.clock,
                known: header.known.clone(),
                received_at,
                record,
            })),
            Err(EntryError::Erased) => Reading::Other,
            Err(_) if is_about_a_case(entry) => Reading::Unread,
            Err(_) => Reading::Other,
        }
    }
}

/// What the centre makes of an entry. It takes custody of it in any case.
#[derive(Debug)]
pub enum Reading {
    /// An event of a case.
    Case(Box<CaseEntry>),
    /// Nothing that the centre acts upon, or a body that was erased.
    Other,
    /// Of a newer version, or odd: it may change a case, and waits for people.
    Unread,
}

/// Whether an entry whose body is no event that this version knows should have been one.
fn is_about_a_case(entry: &VerifiedEntry) -> bool {
    /// What every version's event has.
    #[derive(Deserialize)]
    struct Event {
        #[serde(rename = "case")]
        _case: IgnoredAny,
        #[serde(rename = "event")]
        _event: IgnoredAny,
    }
    match entry.kind() {
        EntryKind::CaseOpened
        | EntryKind::IdentityVerified
        | EntryKind::ConsentAsked
        | EntryKind::ConsentGiven
        | EntryKind::ConsentRefused
        | EntryKind::ConsentLapsed
        | EntryKind::ConsentWithdrawn
        | EntryKind::LicenceUsed
        | EntryKind::FormFilled
        | EntryKind::MaterialAttached
        | EntryKind::CaseSubmitted
        | EntryKind::PackageSealed
        | EntryKind::CaseRated
        | EntryKind::CaseClosed
        | EntryKind::Other(_) => true,
        EntryKind::ClerkAction => entry.body::<Event>().is_ok(),
        EntryKind::ClockEvent
        | EntryKind::KeyRotate
        | EntryKind::PolicySeen
        | EntryKind::ExportUsb
        | EntryKind::ForkNotice
        | EntryKind::DispositionSeen
        | EntryKind::DevicePaired
        | EntryKind::CachePurged => false,
    }
}

/// 用证: one opening of a licence, as the box reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// Which licence.
    pub licence: LicenceId,
    /// Its kind.
    pub kind: LicenceKindCode,
    /// The version opened.
    pub version: u16,
    /// 用证码, as the box gave it.
    #[serde(default)]
    pub use_code: String,
    /// When, by the box's clock.
    pub at: Timestamp,
    /// How good that clock was.
    pub clock: ClockReading,
    /// What the box knew.
    pub known: Known,
    /// The entry that says so.
    pub seq: u64,
    /// When the centre took custody of it: the use is no younger.
    pub received_at: Timestamp,
    /// 在线 or 离线.
    pub mode: Mode,
    /// 曾用证件号: by which fact it was the person's, when it was issued under an earlier identifier.
    #[serde(default)]
    pub alias: Option<AliasId>,
}

/// 提交.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The entry that says so; a disposition refers to it.
    pub seq: u64,
    /// By the box's clock.
    pub at: Timestamp,
    /// When the centre took custody.
    pub received_at: Timestamp,
    /// 在线 or 离线.
    pub mode: Mode,
    /// What the box's policy said.
    pub judgement: hall_domain::Judgement,
    /// 待补: what was promised for later and has not come.
    #[serde(default)]
    pub follow: Option<Follow>,
}

/// 预归档包: what must arrive before the case can be final.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The entry that sealed it.
    pub seq: u64,
    /// The archive manifest, as the box named it.
    pub manifest: String,
    /// Everything in the package.
    pub blobs: Vec<BlobId>,
    /// Names among them that cannot be read: with any of these the package is never complete.
    pub unreadable: usize,
}

/// 办件 at the centre.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseFile {
    /// The box's name for it.
    pub case: CaseId,
    /// 办件编号.
    pub no: CaseNo,
    /// The log that it came in.
    pub log: LogId,
    /// The hall.
    pub hall: String,
    /// The item; none when the opening entry could not be read.
    pub item: Option<ItemCode>,
    /// Its name.
    pub item_name: String,
    /// The window.
    pub window: Option<WindowId>,
    /// When it was opened, by the box's clock.
    pub opened_at: Option<Timestamp>,
    /// Licences opened for it.
    pub uses: Vec<Use>,
    /// 核对为同一人: the facts about earlier identifiers that the clerk confirmed.
    #[serde(default)]
    pub confirmed: BTreeSet<AliasId>,
    /// Once submitted.
    pub submission: Option<Submission>,
    /// Once sealed.
    pub package: Option<Package>,
    /// 补交: scans that came after submission.
    #[serde(default)]
    pub supplied: Vec<BlobId>,
    /// 好差评, 1 to 5.
    pub rating: Option<u8>,
    /// Given up before submission.
    pub abandoned: bool,
    /// 纸质委托书: whether the case rests on a mandate on paper.
    #[serde(default)]
    pub on_paper_mandate: bool,
    /// What the centre decided, once it has.
    pub disposition: Option<Disposition>,
    /// Last entry folded in.
    pub last_seq: u64,
}

impl CaseFile {
    /// A case of which nothing is known yet.
    pub fn new(log: LogId, hall: &str, case: CaseId, no: CaseNo) -> Self {
        Self {
            case,
            no,
            log,
            hall: hall.to_owned(),
            item: None,
            item_name: String::new(),
            window: None,
            opened_at: None,
            uses: Vec::new(),
            confirmed: BTreeSet::new(),
            submission: None,
            package: None,
            supplied: Vec::new(),
            rating: None,
            abandoned: false,
            on_paper_mandate: false,
            disposition: None,
            last_seq: 0,
        }
    }

    /// Folds in the next entry of the log that belongs to this case.
    pub fn apply(&mut self, entry: CaseEntry) {
        let CaseEntry { seq, wall, clock, known, received_at, record } = entry;
        self.last_seq = seq;
        match record.event {
            CaseEvent::Opened { item, item_name, window, .. } => {
                self.item = Some(item);
                self.item_name = item_name;
                self.window = Some(window);
                self.opened_at = Some(record.at);
            }
            CaseEvent::LicencesUsed { uses } => self.uses.extend(uses.into_iter().map(|used| Use {
                licence: used.licence,
                kind: used.kind,
                version: used.version,
                use_code: used.use_code,
                at: wall,
                clock,
                known: known.clone(),
                seq,
                received_at,
                mode: used.mode,
                alias: used.alias,
            })),
            CaseEvent::AliasConfirmed { alias } => _ = self.confirmed.insert(alias),
            CaseEvent::AliasReverted { alias } => _ = self.confirmed.remove(&alias),
            CaseEvent::IdentityCleared { .. } => self.confirmed.clear(),
            CaseEvent::Listed { aliased, .. } => self.keep_confirmed(&aliased),
            // What the hall asked the centre again about counts from then on as asked; what the centre did not
            // confirm no longer stands for anything in this case.
            CaseEvent::Rechecked { rows, aliased, .. } => {
                self.keep_confirmed(&aliased);
                let today = wall.local_date();
                let confirmed = |used: &Use| {
                    let own = rows.iter().filter_map(|row| row.licence.as_ref());
                    let mut licences = own.chain(aliased.iter().map(|row| &row.licence));
                    licences.any(|licence| licence.id == used.licence && licence.usable(today))
                };
                self.uses.retain(confirmed);
                for used in &mut self.uses {
                    (used.at, used.clock, used.known) = (wall, clock, known.clone());
                    used.mode = Mode::Online;
                }
            }
            CaseEvent::PaperMandateStated { .. } => self.on_paper_mandate = true,
            CaseEvent::PaperMandateDropped => self.on_paper_mandate = false,
            CaseEvent::Reopened => self.abandoned = false,
            CaseEvent::Submitted { judgement, mode, follow, .. } => {
                self.submission = Some(Submission { seq, at: wall, received_at, mode, judgement, follow });
            }
            CaseEvent::MaterialSupplied { attachment } => self.supply(attachment),
            CaseEvent::PackageSealed { manifest, blobs } => {
                let readable: Vec<BlobId> = blobs.iter().filter_map(|id| id.parse().ok()).collect();
                let unreadable = blobs.len() - readable.len();
                self.package = Some(Package { seq, manifest, blobs: readable, unreadable });
            }
            CaseEvent::Rated { level, .. } => self.rating = Some(level),
            CaseEvent::Abandoned { .. } => self.abandoned = true,
            _ => {}
        }
    }

    /// What the clerk confirmed holds for as long as the authority's word is in the list, as on the box.
    fn keep_confirmed(&mut self, aliased: &[AliasedRow]) {
        self.confirmed.retain(|id| aliased.iter().any(|row| row.alias.id() == *id));
    }

    /// 补交: with the last thing that was missing, a case that passed on condition is judged once more.
    fn supply(&mut self, attachment: Attachment) {
        self.supplied.extend(attachment.blob.parse::<BlobId>());
        let Some(submission) = &mut self.submission else { return };
        let Some(follow) = &mut submission.follow else { return };
        match &attachment.material {
            Some(material) => _ = follow.materials.remove(material),
            None => follow.identity = false,
        }
        if !follow.materials.is_empty() || follow.identity {
            return;
        }
        submission.follow = None;
        self.disposition = self.disposition.take().filter(|judged| judged.outcome != Outcome::Conditional);
    }

    /// Everything that must be here before the case can be final.
    pub fn blobs(&self) -> Vec<BlobId> {
        let package = self.package.iter().flat_map(|package| &package.blobs);
        package.chain(&self.supplied).copied().collect()
    }

    /// Whether the centre still owes a disposition.
    pub fn awaits_disposition(&self) -> bool {
        self.submission.is_some() && self.disposition.is_none()
    }

    /// One word for lists.
    pub fn state(&self) -> &'static str {
        match (&self.disposition, &self.package, &self.submission) {
            (Some(_), _, _) => "judged",
            (None, Some(_), _) => "sealed",
            (None, None, Some(_)) => "submitted",
            (None, None, None) if self.abandoned => "abandoned",
            (None, None, None) => "open",
        }
    }
}

//! The product's side: a box's real database with a case open at each window, and the consent of its citizen.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow, ensure};
use ed25519_dalek::SigningKey;
use hall_bus::evaluator::{Answer, Outcome, PageKind};
use hall_bus::jws::ANSWER_TYPE;
use hall_bus::pairing::answer_kid;
use hall_bus::{DeviceId, DeviceKind, Digest, Jws, MessageId};
use hall_domain::case::{
    AccountName, CaseEvent, CaseId, CaseRecord, CommandId, ListRow, ListedLicence, Mode,
};
use hall_domain::register::RegisterPerson;
use hall_domain::{ApplicantKind, Catalogue, LicenceGrade, LicenceStatus, Register, ServiceItem, Timestamp};
use hall_ledger::hash::Hash;
use hall_ledger::log::{BoxId, LogId};
use hall_ledger::trust::CentreKeys;
use hall_sqlite::WriteError;
use hallbox::book::{Book, Fault};
use hallbox::clock::Clock;
use hallbox::keys::Keys;
use hallbox::knowledge::Knowledge;
use hallbox::reception::decide;
use hallbox::setup::DataDir;
use hallbox::store::ledger;

const CATALOGUE: &str = include_str!("../../../../sync/centre/data/catalogue.toml");
const PEOPLE: &str = include_str!("../../../cast/people.toml");
const HALL: &str = "安澜市政务服务大厅";
const HOLDER: &str = "wang-fang";
const ITEM: &str = "居住证签注";

/// A box with one open case for each window.
pub struct OpenCases {
    book: Book,
    clerk: AccountName,
    windows: Vec<Window>,
}

struct Window {
    case: CaseId,
    /// The page on the evaluator.
    asked: CaseEvent,
    /// 同意授权.
    given: CaseEvent,
    /// Whether the page is on the evaluator now.
    waiting: AtomicBool,
}

impl OpenCases {
    /// A new box in a folder, with the evaluator's page asked for in every case.
    pub async fn set_up(folder: &Path, windows: usize) -> Result<Self> {
        let data = DataDir::open(folder)?;
        let keys = Keys::load_or_make(&data.join("keys"), &["127.0.0.1".to_owned()])?;
        let clock = Clock::start();
        let centre = SigningKey::from_bytes(&[7; 32]).verifying_key();
        let trust = CentreKeys::new([centre])?;
        let scope = "hall:SC5199000001".to_owned();
        let knowledge = Knowledge::new(HALL.to_owned(), "SC5199000001".to_owned(), scope, trust, clock.now());
        let catalogue: Catalogue = toml::from_str(CATALOGUE).context("the catalogue")?;
        let item = catalogue.search(ITEM).first().copied().context("the item")?.clone();
        knowledge.set_catalogue(catalogue);
        let people: Register = toml::from_str(PEOPLE).context("the cast")?;
        let person = people.person(HOLDER).context("the holder")?;
        let book = Book::new(data.database()?, &keys, clock, Arc::new(knowledge));
        book.db.write(|tx| ledger::start(tx, LogId::new(BoxId([9; 16]), 1))).await?;
        let mut cases = Vec::new();
        for window in 1..=windows {
            cases.push(open(&book, &item, person, window).await?);
        }
        Ok(Self { book, clerk: clerk()?, windows: cases })
    }

    /// The next step of the consent at one window: 同意授权, or the page that asks for the next. What the box does once
    /// the evaluator's answer is found good; on the disk when done.
    pub fn consent(&self, window: usize) -> impl Future<Output = Result<()>> + Send + use<> {
        let (book, clerk) = (self.book.clone(), self.clerk.clone());
        let Window { case, asked, given, waiting } = &self.windows[window];
        let event = if waiting.fetch_xor(true, Ordering::Relaxed) { given } else { asked };
        let (case, event) = (case.clone(), event.clone());
        let now = book.clock.now();
        async move {
            let db = book.db.clone();
            db.write(move |tx| book.change_case(tx, &case, &clerk, now, |_| Ok(vec![event])).map(drop))
                .await
                .map_err(|error| anyhow!("consent commit: {error}"))
        }
    }

    /// Bytes that one consent adds to the ledger's table: the whole row, and its body alone.
    pub async fn bytes_of_entry(&self) -> Result<(usize, usize)> {
        self.consent(0).await?;
        let bytes: (i64, i64) = self
            .book
            .db
            .read(|db| {
                db.query_row(
                    "SELECT length(kind) + length(case_id) + length(leaf) + length(cose) + length(salt) + length(body),
                            length(body)
                     FROM entry ORDER BY seq DESC LIMIT 1",
                    [],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
            })
            .await?;
        Ok((usize::try_from(bytes.0)?, usize::try_from(bytes.1)?))
    }

    /// That what was measured is a ledger: its head is the one that its leaves give, and entries verify.
    pub async fn check(&self) -> Result<()> {
        let vault = self.book.vault.clone();
        let (head, leaves, last) = self
            .book
            .db
            .read_with(move |db| {
                let head = ledger::head(db)?.ok_or(ledger::LedgerError::Head)?;
                let from = head.size().saturating_sub(100);
                Ok::<_, Fault>((
                    head.clone(),
                    ledger::leaves(db, head.size())?,
                    ledger::entries(db, &vault, from, 100)?,
                ))
            })
            .await?;
        let again = hall_ledger::LedgerHead::from_leaves(head.log(), leaves.iter().copied());
        ensure!(again == head, "the ledger's head is not that of its entries");
        for entry in last {
            entry.verify(&self.book.key().verifying_key()).context("an entry of the benchmark")?;
        }
        Ok(())
    }
}

fn clerk() -> Result<AccountName> {
    Ok("liqiang".parse()?)
}

/// A case up to the page on the evaluator, and the consent that comes back.
async fn open(book: &Book, item: &ServiceItem, person: &RegisterPerson, window: usize) -> Result<Window> {
    let now = book.clock.now();
    let case: CaseId = format!("{window:026}").parse()?;
    let opening = CaseRecord {
        case: case.clone(),
        no: format!("SC5199000001-20261121-{window:05}").parse()?,
        at: now,
        clerk: clerk()?,
        event: decide::open(item, ApplicantKind::Person, format!("W{window:02}").parse()?, HALL)?,
    };
    let device = DeviceId::generate(DeviceKind::Evaluator, now)?;
    let show = MessageId::generate(now)?;
    let command: CommandId = show.to_string().parse()?;
    let proof = decide::ReadProof {
        command: MessageId::generate(now)?.to_string().parse()?,
        reader: DeviceId::generate(DeviceKind::CardReader, now)?.to_string(),
        sam: Some("05.99-99999999-0000000000-0000000000".to_owned()),
        answer: Digest([3; 32]).to_string(),
    };
    let given = CaseEvent::ConsentGiven {
        command: command.clone(),
        refused: BTreeSet::new(),
        answer: signed_answer(device.clone(), show, now)?,
    };
    let (item, rows, card) = (item.clone(), list(item, person, now), person.card.clone());
    let (book, id, clerk) = (book.clone(), case.clone(), clerk()?);
    let db = book.db.clone();
    let asked = db
        .write(move |tx| {
            let kinds = book.knowledge.kinds();
            book.open_case(tx, &opening)?;
            book.change_case(tx, &id, &clerk, now, |case| Ok(decide::identify(case, card, proof, now)?))?;
            book.change_case(tx, &id, &clerk, now, |case| Ok(decide::confirm_person(case, now, None)?))?;
            let case =
                book.change_case(tx, &id, &clerk, now, |case| Ok(decide::list(case, rows, Mode::Online)?))?;
            let request = decide::consent_request(&case, &item, &kinds, now)?;
            let asked = decide::ask(request, Digest([4; 32]).to_string(), command, device.to_string());
            book.change_case(tx, &id, &clerk, now, |_| Ok(vec![asked.clone()]))?;
            Ok(asked)
        })
        .await
        .map_err(|error: WriteError<Fault>| anyhow!("open a case: {error}"))?;
    Ok(Window { case, asked, given, waiting: AtomicBool::new(true) })
}

/// 免证清单 as the centre's answer gives it: each material that one of the holder's licences replaces.
fn list(item: &ServiceItem, person: &RegisterPerson, now: Timestamp) -> Vec<ListRow> {
    let listed = |material: &hall_domain::Material| {
        let kind = material.replaced_by.as_ref()?;
        let licence = person.licences.iter().find(|licence| &licence.kind == kind)?;
        Some(ListedLicence {
            alias: None,
            id: licence.id.clone(),
            kind: licence.kind.clone(),
            name: licence.name.clone(),
            holder: person.holder(),
            issuer: licence.issuer.name.clone(),
            valid_until: licence.valid_until,
            version: licence.version,
            status: LicenceStatus::Valid,
            checked_at: now,
            status_at: now,
            mode: Mode::Online,
            grade: LicenceGrade::L4,
            envelope: Hash([5; 32]).to_string(),
            fields: material.fields.clone(),
            statement: None,
        })
    };
    let row = |material: &hall_domain::Material| ListRow {
        material: material.id.clone(),
        name: material.name.clone(),
        required: material.required,
        licence: listed(material),
    };
    item.materials.iter().map(row).collect()
}

/// The evaluator's signed answer, as the box keeps it.
fn signed_answer(device: DeviceId, show: MessageId, now: Timestamp) -> Result<String> {
    let kid = answer_kid(&device, 1);
    let answer = Answer {
        id: MessageId::generate(now)?,
        dev: device,
        cmd: show,
        generation: 12,
        bind_epoch: 1,
        page: PageKind::Authorize,
        digest: Digest([4; 32]),
        outcome: Outcome::Confirmed { refused_rows: BTreeSet::new() },
        counter: 34,
        boot: MessageId::generate(now)?,
        dev_time: now,
        shown_ms: 5_200,
        touches: 2,
        sw: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let jws = Jws::sign(&SigningKey::from_bytes(&[8; 32]), &kid, ANSWER_TYPE, &hall_bus::encode(&answer)?);
    Ok(String::from_utf8(jws.to_bytes())?)
}

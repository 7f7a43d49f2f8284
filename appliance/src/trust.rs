//! 信任与时钟的看守: keeps the trust bundle sealed, and tells people in time when trust or clock go wrong.

use crate::book::{Book, Fault};
use crate::clock::{ClockState, Doubt};
use crate::live::{Change, Live};
use crate::store::findings::{self, NewFinding, Severity};
use crate::store::meta::{self, key};
use crate::vault::Vault;
use hall_domain::Timestamp;
use hall_ledger::cbor;
use hall_ledger::entry::EntryKind;
use hall_ledger::trust::{SignedBundle, Trust, TrustAge};
use rusqlite::Connection;
use serde::Serialize;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks at the clocks.
const LOOK: Duration = Duration::from_secs(1);
/// So many looks apart, what is known of the clocks is written down for the next start.
const KEEP: u32 = 30;
const SEALED: &str = "trust";
/// Kind of a finding: trust ends soon.
pub const TRUST_ENDING: &str = "trust-ending";
/// Kind of a finding: trust has ended.
pub const TRUST_EXPIRED: &str = "trust-expired";

/// Keeps a bundle that was believed. It holds the keys of service codes, so it lies sealed.
pub fn keep(tx: &Connection, vault: &Vault, signed: &SignedBundle, now: Timestamp) -> rusqlite::Result<()> {
    meta::put(tx, key::TRUST, &vault.seal(SEALED, &cbor::pack(signed)))?;
    settle(tx, vault, now)
}

/// The trust of the bundle kept last; what enrolment pinned before the first.
pub fn recall(db: &Connection, vault: &Vault, pinned: Trust) -> rusqlite::Result<Trust> {
    let Some(sealed) = meta::get(db, key::TRUST)? else { return Ok(pinned) };
    let bundle = vault.open(SEALED, &sealed).ok().and_then(|bytes| cbor::unpack::<SignedBundle>(&bytes).ok());
    Ok(match bundle.map(|bundle| pinned.recall(&bundle)) {
        Some(Ok(trust)) => trust,
        // The next round brings the bundle again.
        _ => {
            tracing::error!("the trust bundle cannot be opened; the box goes on with what enrolment pinned");
            pinned
        }
    })
}

/// What the ledger says when the clock becomes doubtful, and when it is good again.
#[derive(Debug, Serialize)]
struct ClockEvent {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Doubt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_ms: Option<u64>,
    wall: Timestamp,
    /// The newest time that the centre has signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<Timestamp>,
}

/// Watches until `stop`.
pub async fn run(book: Book, live: Live, stop: CancellationToken) {
    let mut looks: u32 = 0;
    loop {
        if let Err(error) = look(&book, &live, looks.is_multiple_of(KEEP)).await {
            tracing::error!(%error, "clock and trust could not be looked at");
        }
        looks = looks.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Brings back what was known of the clocks before the start.
pub fn recall_clock(db: &Connection) -> rusqlite::Result<Option<crate::clock::Watch>> {
    Ok(meta::get(db, key::CLOCK)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// One look at the clocks and at the age of trust. What changed is on the disk when it answers.
pub async fn look(book: &Book, live: &Live, keep: bool) -> Result<(), Fault> {
    let turned = book.knowledge.look_at_clock(book.clock.sample());
    if turned.is_none() && !keep {
        return Ok(());
    }
    let told = turned.is_some();
    let writer = book.clone();
    let noted = book.db.write(move |tx| note(tx, &writer, turned)).await.map_err(Fault::from);
    if noted.is_err() && told {
        book.knowledge.clock_untold();
    }
    noted?;
    if told {
        live.tell(Change::Line);
        live.tell(Change::Findings);
    }
    Ok(())
}

fn note(tx: &Connection, book: &Book, turned: Option<ClockState>) -> Result<(), Fault> {
    let now = book.clock.now();
    if let Some(state) = turned {
        let (event, reason, bound_ms) = match state {
            ClockState::Good => ("good", None, None),
            ClockState::Doubtful { reason, bound_ms } => ("doubtful", Some(reason), Some(bound_ms)),
        };
        let signed = book.knowledge.token().map(|token| token.issued_at);
        book.append(
            tx,
            EntryKind::ClockEvent,
            &ClockEvent { event, reason, bound_ms, wall: now, signed },
            now,
        )?;
        tracing::warn!(clock.state = event, clock.reason = ?reason, "The clock's state changed.");
    }
    if let Ok(bytes) = serde_json::to_vec(&book.knowledge.clock_watch()) {
        meta::put(tx, key::CLOCK, &bytes)?;
    }
    note_age(tx, &book.vault, book.knowledge.trust_age(now), now)?;
    Ok(())
}

fn note_age(tx: &Connection, vault: &Vault, age: TrustAge, now: Timestamp) -> rusqlite::Result<()> {
    let (kind, what, severity) = match age {
        TrustAge::Good => return settle(tx, vault, now),
        TrustAge::Ending { days } => {
            (TRUST_ENDING, format!("信任包还有 {days} 天到期，到期后本厅只能收件。"), Severity::Attention)
        }
        TrustAge::Expired => {
            (TRUST_EXPIRED, "信任包已过期，本厅只能收件，不能使用证照。".to_owned(), Severity::Harm)
        }
    };
    // One row at a time: the days run down in the banner, the row changes only with the kind.
    if age == TrustAge::Expired {
        findings::resolve(tx, vault, TRUST_ENDING, "信任包已过期，见另一条", now)?;
    }
    findings::add(
        tx,
        &NewFinding {
            key: kind,
            at: now,
            kind,
            case_no: "",
            case_id: "",
            what: &what,
            todo: "请恢复与省级中心的线路，接通后自动更新；无法接通时请联系省级中心。",
            severity,
        },
    )
}

fn settle(tx: &Connection, vault: &Vault, now: Timestamp) -> rusqlite::Result<()> {
    for key in [TRUST_ENDING, TRUST_EXPIRED] {
        findings::resolve(tx, vault, key, "已收到新的信任包", now)?;
    }
    Ok(())
}

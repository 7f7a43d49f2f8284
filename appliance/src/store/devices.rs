//! Devices, the commands they were given, and what was wrong with what they said.

mod state;

pub use state::{CommandKind, CommandState, Presence};

use super::accounts::parsed;
use crate::devices::broker::Credential;
use hall_bus::{DeviceId, DeviceKind};
use hall_domain::Timestamp;
use hall_domain::case::{AccountName, CaseId, CommandId, WindowId};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A paired device.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its id, also client id and user name at the broker.
    pub id: DeviceId,
    /// Its public key, JSON.
    pub key: String,
    /// Which generation of its key is in force.
    pub key_gen: u32,
    /// Its window; none when it is not bound.
    pub window: Option<WindowId>,
    /// Raised at each binding.
    pub bind_epoch: u32,
    /// The last page generation given to it.
    pub gen_: u64,
    /// The last counter accepted from it.
    pub counter: Option<u64>,
    /// The last birth or death number seen.
    pub bseq: Option<u64>,
    /// How it is.
    pub state: Presence,
    /// Model as it named itself.
    pub model: String,
    /// Software version as it named itself.
    pub software: String,
    /// What its birth says beyond that (a reader's port and state), JSON.
    pub detail: String,
    /// When it was paired.
    pub paired_at: Timestamp,
    /// Last sign of life.
    pub seen_at: Timestamp,
}

/// A command that was given to a device.
#[derive(Debug, Clone)]
pub struct Command {
    /// Its id.
    pub id: CommandId,
    /// For which device.
    pub device: DeviceId,
    /// At which window.
    pub window: WindowId,
    /// Binding under which it was issued.
    pub bind_epoch: u32,
    /// What it has the device do.
    pub kind: CommandKind,
    /// The case it serves.
    pub case: Option<CaseId>,
    /// Page generation.
    pub gen_: u64,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it ends.
    pub deadline: Timestamp,
    /// How far it is.
    pub state: CommandState,
    /// When the device said that it shows it; zero before.
    pub shown_at: Timestamp,
    /// What was sent, as JSON, sealed by the caller.
    pub request: Vec<u8>,
}

/// A command that was closed because its device lost its window. A case may wait for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Its id.
    pub id: CommandId,
    /// What it has the device do.
    pub kind: CommandKind,
    /// The case it served.
    pub case: Option<CaseId>,
}

const DEVICE: &str = "id, key, key_gen, window, bind_epoch, gen, counter, bseq,
     CASE quarantined WHEN 1 THEN 'quarantined' ELSE state END, model, software,
     detail, paired_at, seen_at";

/// Adds a paired device.
pub fn add(tx: &Connection, device: &Device, password: &str, by: &AccountName) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO device (id, kind, key, key_gen, password, model, software, paired_at, paired_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            device.id.as_str(),
            device.id.kind().prefix(),
            device.key,
            device.key_gen,
            password,
            device.model,
            device.software,
            device.paired_at.0,
            by.as_str()
        ],
    )?;
    Ok(())
}

/// A device that was not revoked.
pub fn find(db: &Connection, id: &DeviceId) -> rusqlite::Result<Option<Device>> {
    db.prepare_cached(&format!("SELECT {DEVICE} FROM device WHERE id = ?1 AND revoked = 0"))?
        .query_row([id.as_str()], device)
        .optional()
}

/// The device of a kind that is bound to a window.
pub fn at_window(db: &Connection, window: &WindowId, kind: DeviceKind) -> rusqlite::Result<Option<Device>> {
    db.prepare_cached(&format!(
        "SELECT {DEVICE} FROM device WHERE window = ?1 AND kind = ?2 AND revoked = 0"
    ))?
    .query_row([window.as_str(), kind.prefix()], device)
    .optional()
}

/// All devices that were not revoked.
pub fn all(db: &Connection) -> rusqlite::Result<Vec<Device>> {
    db.prepare_cached(&format!("SELECT {DEVICE} FROM device WHERE revoked = 0 ORDER BY window, kind"))?
        .query_map([], device)?
        .collect()
}

/// Whom the broker lets in.
pub fn credentials(db: &Connection) -> rusqlite::Result<Vec<Credential>> {
    db.prepare_cached("SELECT id, password FROM device WHERE revoked = 0")?
        .query_map([], |row| Ok(Credential { device: row.get(0)?, hash: row.get(1)? }))?
        .collect()
}

/// Binds a device to a window. Whatever of its kind stood there is unbound; both get a new epoch.
/// Returns the device that lost the window, and what was closed because of it.
pub fn bind(
    tx: &Connection,
    id: &DeviceId,
    window: &WindowId,
) -> rusqlite::Result<(Option<DeviceId>, Vec<Closed>)> {
    let kind: String =
        tx.query_row("SELECT kind FROM device WHERE id = ?1", [id.as_str()], |row| row.get(0))?;
    let loser: Option<DeviceId> = tx
        .query_row(
            "SELECT id FROM device WHERE window = ?1 AND kind = ?2 AND revoked = 0 AND id <> ?3",
            params![window.as_str(), kind, id.as_str()],
            |row| parsed(row, 0),
        )
        .optional()?;
    let mut closed = close_commands(tx, id)?;
    if let Some(loser) = &loser {
        closed.extend(unbind(tx, loser)?);
    }
    tx.execute(
        "UPDATE device SET window = ?2, bind_epoch = bind_epoch + 1 WHERE id = ?1",
        params![id.as_str(), window.as_str()],
    )?;
    Ok((loser, closed))
}

/// Takes a device from its window. Returns what was closed because of it: a case may wait for it.
pub fn unbind(tx: &Connection, id: &DeviceId) -> rusqlite::Result<Vec<Closed>> {
    tx.execute("UPDATE device SET window = '', bind_epoch = bind_epoch + 1 WHERE id = ?1", [id.as_str()])?;
    close_commands(tx, id)
}

/// Revokes a device for good. Returns what was closed because of it.
pub fn revoke(tx: &Connection, id: &DeviceId) -> rusqlite::Result<Vec<Closed>> {
    let closed = unbind(tx, id)?;
    tx.execute("UPDATE device SET revoked = 1 WHERE id = ?1", [id.as_str()])?;
    Ok(closed)
}

fn close_commands(tx: &Connection, id: &DeviceId) -> rusqlite::Result<Vec<Closed>> {
    tx.prepare_cached(
        "UPDATE command SET state = 'closed' WHERE device = ?1 AND state = 'open'
         RETURNING id, kind, case_id",
    )?
    .query_map([id.as_str()], |row| {
        let case: String = row.get(2)?;
        Ok(Closed { id: parsed(row, 0)?, kind: row.get(1)?, case: case.parse().ok() })
    })?
    .collect()
}

/// Notes a birth or death with its number; an older number than the last one changes nothing.
pub fn note_state(
    tx: &Connection,
    id: &DeviceId,
    bseq: u64,
    state: Presence,
    software: Option<&str>,
    detail: Option<&str>,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let changed = tx.execute(
        "UPDATE device SET state = ?3, bseq = ?2, seen_at = ?4,
             software = coalesce(?5, software), detail = coalesce(?6, detail)
         WHERE id = ?1 AND bseq <= ?2",
        params![id.as_str(), stored(bseq), state, now.0, software, detail],
    )?;
    Ok(changed > 0)
}

/// Calls all devices lost, until each says that it is there. True if any was not.
pub fn lose_all(tx: &Connection) -> rusqlite::Result<bool> {
    Ok(tx.execute("UPDATE device SET state = 'lost' WHERE state <> 'lost' AND revoked = 0", [])? > 0)
}

/// Devices that are not lost but gave no sign of life since `before`.
pub fn silent(db: &Connection, before: Timestamp) -> rusqlite::Result<Vec<DeviceId>> {
    db.prepare_cached("SELECT id FROM device WHERE state <> 'lost' AND revoked = 0 AND seen_at < ?1")?
        .query_map([before.0], |row| parsed(row, 0))?
        .collect()
}

/// Calls one device lost if it still gave no sign of life since `before`. Returns what it was until now.
pub fn lose_silent(tx: &Connection, id: &DeviceId, before: Timestamp) -> rusqlite::Result<Option<Presence>> {
    let state: Option<Presence> = tx
        .query_row(
            "SELECT state FROM device WHERE id = ?1 AND state <> 'lost' AND revoked = 0 AND seen_at < ?2",
            params![id.as_str(), before.0],
            |row| row.get(0),
        )
        .optional()?;
    if state.is_some() {
        tx.execute("UPDATE device SET state = 'lost' WHERE id = ?1", [id.as_str()])?;
    }
    Ok(state)
}

/// A device that was called lost for its silence is what it was before, unless it was born or died since.
pub fn find_again(tx: &Connection, id: &DeviceId, state: Presence) -> rusqlite::Result<()> {
    tx.execute("UPDATE device SET state = ?2 WHERE id = ?1 AND state = 'lost'", params![id.as_str(), state])?;
    Ok(())
}

/// Notes a sign of life.
pub fn note_seen(tx: &Connection, id: &DeviceId, now: Timestamp) -> rusqlite::Result<()> {
    tx.execute("UPDATE device SET seen_at = ?2 WHERE id = ?1", params![id.as_str(), now.0])?;
    Ok(())
}

/// Remembers the counter of an accepted answer.
pub fn note_counter(tx: &Connection, id: &DeviceId, counter: u64) -> rusqlite::Result<()> {
    tx.execute("UPDATE device SET counter = ?2 WHERE id = ?1", params![id.as_str(), stored(counter)])?;
    Ok(())
}

/// The next page generation of a device.
pub fn next_gen(tx: &Connection, id: &DeviceId) -> rusqlite::Result<u64> {
    tx.query_row("UPDATE device SET gen = gen + 1 WHERE id = ?1 RETURNING gen", [id.as_str()], |row| {
        row.get::<_, i64>(0).map(loaded)
    })
}

/// Takes notice of a generation that a device has shown already.
pub fn raise_gen(tx: &Connection, id: &DeviceId, shown: u64) -> rusqlite::Result<()> {
    tx.execute("UPDATE device SET gen = max(gen, ?2) WHERE id = ?1", params![id.as_str(), stored(shown)])?;
    Ok(())
}

/// What the kind of a rejected answer begins with; its reason follows.
pub const REJECTED: &str = "rejected: ";
/// The kind of an answer from a device that the box does not know.
pub const UNKNOWN_DEVICE: &str = "answer of an unknown device";
const REJECTIONS: u32 = 3;
const REJECTIONS_MS: i64 = 600_000;

/// Notes a rejected answer; the third in ten minutes puts the device aside until it is paired anew.
pub fn note_rejected(tx: &Connection, id: &DeviceId, why: &str, at: Timestamp) -> rusqlite::Result<()> {
    note_security(tx, at, id.as_str(), &format!("{REJECTED}{why}"))?;
    let since = at.plus_ms(-REJECTIONS_MS);
    let rejected: u32 = tx.query_row(
        "SELECT count(*) FROM security_event WHERE device = ?1 AND at >= ?2 AND kind LIKE ?3",
        params![id.as_str(), since.0, format!("{REJECTED}%")],
        |row| row.get(0),
    )?;
    if rejected >= REJECTIONS {
        tx.execute("UPDATE device SET quarantined = 1 WHERE id = ?1", [id.as_str()])?;
    }
    Ok(())
}

/// Something that a device did which is not in order.
pub fn note_security(tx: &Connection, at: Timestamp, device: &str, kind: &str) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO security_event (at, device, kind) VALUES (?1, ?2, ?3)",
        params![at.0, device, kind],
    )?;
    Ok(())
}

/// 安全事件: something that was not in order at one of the box's doors.
#[derive(Debug, Clone)]
pub struct SecurityEvent {
    /// When.
    pub at: Timestamp,
    /// Which device, or from which address.
    pub source: String,
    /// What, in the words of whoever noted it.
    pub kind: String,
    /// The window where that device stands.
    pub window: Option<WindowId>,
}

/// Such things, the newest first.
pub fn security_events(db: &Connection, skip: u32, most: u32) -> rusqlite::Result<Vec<SecurityEvent>> {
    db.prepare_cached(
        "SELECT e.at, e.device, e.kind, coalesce(d.window, '')
         FROM security_event e LEFT JOIN device d ON d.id = e.device ORDER BY e.id DESC LIMIT ?1 OFFSET ?2",
    )?
    .query_map([most, skip], |row| {
        let window: String = row.get(3)?;
        Ok(SecurityEvent {
            at: Timestamp(row.get(0)?),
            source: row.get(1)?,
            kind: row.get(2)?,
            window: window.parse().ok(),
        })
    })?
    .collect()
}

/// How many there are.
pub fn count_security(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("SELECT count(*) FROM security_event", [], |row| row.get(0))
}

const COMMAND: &str =
    "id, device, window, bind_epoch, kind, case_id, gen, issued, deadline, state, shown_at, request";

/// Stores a command before it is sent.
pub fn add_command(tx: &Connection, command: &Command) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO command (id, device, window, bind_epoch, kind, case_id, gen, issued, deadline, state, request)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'open', ?10)",
        params![
            command.id.as_str(),
            command.device.as_str(),
            command.window.as_str(),
            command.bind_epoch,
            command.kind,
            command.case.as_ref().map(CaseId::as_str).unwrap_or_default(),
            stored(command.gen_),
            command.issued.0,
            command.deadline.0,
            command.request
        ],
    )?;
    Ok(())
}

/// A command by its id.
pub fn command(db: &Connection, id: &CommandId) -> rusqlite::Result<Option<Command>> {
    db.prepare_cached(&format!("SELECT {COMMAND} FROM command WHERE id = ?1"))?
        .query_row([id.as_str()], read_command)
        .optional()
}

/// Open commands of one device, or of all.
pub fn open_commands(db: &Connection, device: Option<&DeviceId>) -> rusqlite::Result<Vec<Command>> {
    let id = device.map(DeviceId::as_str).unwrap_or_default();
    db.prepare_cached(&format!(
        "SELECT {COMMAND} FROM command WHERE state = 'open' AND (?1 = '' OR device = ?1) ORDER BY issued"
    ))?
    .query_map([id], read_command)?
    .collect()
}

/// Open commands of one case.
pub fn open_commands_of_case(db: &Connection, case: &CaseId) -> rusqlite::Result<Vec<Command>> {
    db.prepare_cached(&format!("SELECT {COMMAND} FROM command WHERE state = 'open' AND case_id = ?1"))?
        .query_map([case.as_str()], read_command)?
        .collect()
}

/// The device says that it shows a command's page. What another device shows is none of its affairs.
pub fn note_shown(
    tx: &Connection,
    device: &DeviceId,
    id: &CommandId,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE command SET shown_at = ?3 WHERE id = ?1 AND device = ?2 AND shown_at = 0",
        params![id.as_str(), device.as_str(), now.0],
    )?;
    Ok(())
}

/// Gives an open command another page generation, and with it another request.
pub fn renew_command(
    tx: &Connection,
    id: &CommandId,
    generation: u64,
    request: &[u8],
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE command SET gen = ?2, request = ?3 WHERE id = ?1 AND state = 'open'",
        params![id.as_str(), stored(generation), request],
    )?;
    Ok(())
}

/// Moves the end of a command.
pub fn set_deadline(tx: &Connection, id: &CommandId, deadline: Timestamp) -> rusqlite::Result<()> {
    tx.execute("UPDATE command SET deadline = ?2 WHERE id = ?1", params![id.as_str(), deadline.0])?;
    Ok(())
}

/// Closes a command, answered or not.
pub fn close_command(tx: &Connection, id: &CommandId, state: CommandState) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE command SET state = ?2 WHERE id = ?1 AND state = 'open'",
        params![id.as_str(), state],
    )?;
    Ok(())
}

/// Remembers how an answer was judged, so that the same bytes get the same receipt.
pub fn note_answer(
    tx: &Connection,
    id: &str,
    digest: &[u8],
    result: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO answer (id, at, digest, result) VALUES (?1, ?2, ?3, ?4)",
        params![id, now.0, digest, result],
    )?;
    Ok(())
}

/// Digest and result of an answer that was judged before.
pub fn earlier_answer(db: &Connection, id: &str) -> rusqlite::Result<Option<(Vec<u8>, String)>> {
    db.query_row("SELECT digest, result FROM answer WHERE id = ?1", [id], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .optional()
}

/// Forgets what was sent to devices and what they answered before `before`. The ledger keeps what counts.
pub fn purge(tx: &Connection, before: Timestamp) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM command WHERE state <> 'open' AND issued < ?1", [before.0])?;
    tx.execute("DELETE FROM answer WHERE at < ?1", [before.0])?;
    Ok(())
}

fn device(row: &Row<'_>) -> rusqlite::Result<Device> {
    let window: String = row.get(3)?;
    let optional = |index| row.get::<_, i64>(index).map(|value| (value >= 0).then(|| loaded(value)));
    Ok(Device {
        id: parsed(row, 0)?,
        key: row.get(1)?,
        key_gen: row.get(2)?,
        window: window.parse().ok(),
        bind_epoch: row.get(4)?,
        gen_: row.get::<_, i64>(5).map(loaded)?,
        counter: optional(6)?,
        bseq: optional(7)?,
        state: row.get(8)?,
        model: row.get(9)?,
        software: row.get(10)?,
        detail: row.get(11)?,
        paired_at: Timestamp(row.get(12)?),
        seen_at: Timestamp(row.get(13)?),
    })
}

fn read_command(row: &Row<'_>) -> rusqlite::Result<Command> {
    let case: String = row.get(5)?;
    Ok(Command {
        id: parsed(row, 0)?,
        device: parsed(row, 1)?,
        window: parsed(row, 2)?,
        bind_epoch: row.get(3)?,
        kind: row.get(4)?,
        case: case.parse().ok(),
        gen_: row.get::<_, i64>(6).map(loaded)?,
        issued: Timestamp(row.get(7)?),
        deadline: Timestamp(row.get(8)?),
        state: row.get(9)?,
        shown_at: Timestamp(row.get(10)?),
        request: row.get(11)?,
    })
}

/// SQLite stores signed 64-bit numbers; ours stay far below their end.
fn stored(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn loaded(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

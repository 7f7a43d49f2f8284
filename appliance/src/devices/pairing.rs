//! 配对: a device without a name asks, shows a short code, and a technician who is signed in types
//! it and picks a window. What waits for a technician is in memory; ten minutes and it is gone.

#[cfg(test)]
mod tests;

use super::broker::{Broker, hash_password};
use super::hub::Hub;
use crate::book::{Book, Fault};
use crate::keys::fill_random;
use crate::live::{Change, Live};
use crate::reception::{decide, new_command};
use crate::store::cases;
use crate::store::devices::{self as rows, Closed, Device};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hall_bus::pairing::{
    Begin, BeginError, Begun, CODE_LIFE_S, CODE_TRIES, Grant, MqttGrant, PairingCode, Progress,
};
use hall_bus::{DeviceId, DeviceKind, MessageId};
use hall_domain::Timestamp;
use hall_domain::case::{AccountName, CaseId, ConsentEnd, WindowId};
use hall_ledger::entry::EntryKind;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use subtle::ConstantTimeEq;

/// Pairings that may wait at a time.
const WAITING: usize = 64;
const POLL_S: u32 = 2;
/// After too many wrong codes a technician may not try for this long.
const PAUSE_MS: i64 = 60_000;

/// Why a code is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeRefused {
    /// No device shows it, or not any more.
    Unknown,
    /// Too many wrong codes.
    Paused,
}

/// A device that shows a code and waits. The code itself is for its own screen alone.
#[derive(Debug, Clone)]
pub struct Asking {
    /// What it is.
    pub kind: DeviceKind,
    /// Model as it named itself.
    pub model: String,
    /// 指纹 of its key, which it shows beside the code.
    pub fingerprint: String,
    /// Seconds until its code dies.
    pub left_s: u64,
}

/// Devices that wait for a technician.
pub struct Pairing {
    book: Book,
    hub: Arc<Hub>,
    broker: Arc<Broker>,
    live: Live,
    mqtts_url: String,
    ca_pem: String,
    waiting: Mutex<Waiting>,
    /// One change of devices at a time: the list for the broker is written after the change, and must not be an
    /// older one than the list before it.
    changing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Waiting {
    pairs: BTreeMap<MessageId, Pair>,
    /// Wrong codes by who typed them: one technician's slips stop no other.
    tries: BTreeMap<AccountName, Tries>,
}

struct Tries {
    wrong: u32,
    paused_until: Timestamp,
}

impl Default for Tries {
    fn default() -> Self {
        Self { wrong: 0, paused_until: Timestamp(0) }
    }
}

struct Pair {
    begin: Begin,
    code: PairingCode,
    poll: String,
    until: Timestamp,
    grant: Option<Grant>,
}

impl Pairing {
    /// Nobody waits yet.
    pub fn new(
        book: Book,
        hub: Arc<Hub>,
        broker: Arc<Broker>,
        live: Live,
        mqtts_url: String,
        ca_pem: String,
    ) -> Arc<Self> {
        Arc::new(Self {
            book,
            hub,
            broker,
            live,
            mqtts_url,
            ca_pem,
            waiting: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// A device asks for a name. Its request is signed with the key that it shows.
    pub fn begin(&self, body: &[u8]) -> Result<Option<Begun>, BeginError> {
        let begin = Begin::verify(body)?;
        let now = self.book.clock.now();
        let (Ok((_, pair)), Ok(code)) = (new_command(now), PairingCode::generate()) else { return Ok(None) };
        let mut waiting = self.lock(now);
        // A device that asks again gives its old place up, and whoever has waited longest makes room: no flood of
        // requests keeps an honest device out.
        waiting.pairs.retain(|_, pair| pair.grant.is_some() || pair.begin.key != begin.key);
        while waiting.pairs.len() >= WAITING {
            let oldest =
                waiting.pairs.iter().filter(|(_, pair)| pair.grant.is_none()).min_by_key(|(_, p)| p.until);
            let Some(oldest) = oldest.map(|(id, _)| *id) else { return Ok(None) };
            waiting.pairs.remove(&oldest);
        }
        let poll = secret();
        let until = now.plus_seconds(i64::from(CODE_LIFE_S));
        waiting.pairs.insert(pair, Pair { begin, code, poll: poll.clone(), until, grant: None });
        drop(waiting);
        self.live.tell(Change::Devices);
        Ok(Some(Begun { pair, code, expires_in: CODE_LIFE_S, poll, interval: POLL_S }))
    }

    /// How a pairing stands; none for a dead or unknown one, or a wrong secret.
    pub fn progress(&self, pair: MessageId, poll: &str) -> Option<Progress> {
        let now = self.book.clock.now();
        let waiting = self.lock(now);
        let pair = waiting.pairs.get(&pair)?;
        if !bool::from(pair.poll.as_bytes().ct_eq(poll.as_bytes())) {
            return None;
        }
        Some(match &pair.grant {
            Some(grant) => Progress::Bound(Box::new(grant.clone())),
            None => {
                let left = pair.until.ms_since(now).max(0) / 1000;
                Progress::Waiting { expires_in: u32::try_from(left).unwrap_or_default() }
            }
        })
    }

    /// How many devices wait for a technician.
    pub fn waiting(&self) -> usize {
        let now = self.book.clock.now();
        self.lock(now).pairs.values().filter(|pair| pair.grant.is_none()).count()
    }

    /// The devices that wait for a technician, the one with the least time left first.
    pub fn asking(&self) -> Vec<Asking> {
        let now = self.book.clock.now();
        let waiting = self.lock(now);
        let mut asking: Vec<Asking> = waiting
            .pairs
            .values()
            .filter(|pair| pair.grant.is_none())
            .map(|pair| Asking {
                kind: pair.begin.kind,
                model: pair.begin.model.clone(),
                fingerprint: pair.begin.key.fingerprint(),
                left_s: u64::try_from(pair.until.ms_since(now) / 1000).unwrap_or_default(),
            })
            .collect();
        asking.sort_by_key(|device| device.left_s);
        asking
    }

    /// A technician typed a code: the device gets a name, credentials and the window.
    pub async fn bind(
        &self,
        code: PairingCode,
        window: &WindowId,
        by: &AccountName,
    ) -> Result<Result<DeviceId, CodeRefused>, Fault> {
        let _changing = self.changing.lock().await;
        let now = self.book.clock.now();
        let begin = match self.take_code(code, by, now) {
            Ok((pair, begin)) => (pair, begin),
            Err(refused) => return Ok(Err(refused)),
        };
        let (pair, begin) = begin;
        let id = DeviceId::generate(begin.kind, now).map_err(|error| Fault::Storage(error.to_string()))?;
        let secret = secret();
        let device = Device {
            id: id.clone(),
            key: serde_json::to_string(&begin.key).map_err(|error| Fault::Storage(error.to_string()))?,
            key_gen: 1,
            window: None,
            bind_epoch: 0,
            gen_: 0,
            counter: None,
            bseq: None,
            state: rows::Presence::Lost,
            model: begin.model,
            software: begin.sw,
            detail: String::new(),
            paired_at: now,
            seen_at: now,
        };
        let (book, window, by, hash) =
            (self.book.clone(), window.clone(), by.clone(), hash_password(&secret));
        let (loser, cases, credentials) = self
            .book
            .db
            .write(move |tx| {
                rows::add(tx, &device, &hash, &by)?;
                let (loser, closed) = rows::bind(tx, &device.id, &window)?;
                let cases = end_waiting(&book, tx, closed, now)?;
                let body = serde_json::json!({
                    "action": "paired", "device": device.id, "window": window, "by": by,
                    "replaces": loser, "at": now
                });
                book.append(tx, EntryKind::DevicePaired, &body, now)?;
                Ok::<_, Fault>((loser, cases, rows::credentials(tx)?))
            })
            .await?;
        self.tell_cases(cases);
        self.broker.allow(&credentials).map_err(|error| Fault::Storage(format!("{error:#}")))?;
        let grant = Grant {
            device: id.clone(),
            key_gen: 1,
            mqtt: MqttGrant { url: self.mqtts_url.clone(), secret },
            ca: Some(self.ca_pem.clone()),
        };
        if let Some(pair) = self.lock(now).pairs.get_mut(&pair) {
            pair.grant = Some(grant);
        }
        self.hub.configure(&id).await?;
        if let Some(loser) = loser {
            self.hub.configure(&loser).await?;
        }
        self.live.tell(Change::Devices);
        Ok(Ok(id))
    }

    /// Takes a device from its window for good: it forgets its name and pairs anew.
    pub async fn revoke(&self, id: &DeviceId, by: &AccountName) -> Result<(), Fault> {
        let _changing = self.changing.lock().await;
        self.hub.unpair(id).await?;
        let (book, device, by) = (self.book.clone(), id.clone(), by.clone());
        let now = book.clock.now();
        let (cases, credentials) = self
            .book
            .db
            .write(move |tx| {
                let cases = end_waiting(&book, tx, rows::revoke(tx, &device)?, now)?;
                let body = serde_json::json!({ "action": "revoked", "device": device, "by": by, "at": now });
                book.append(tx, EntryKind::DevicePaired, &body, now)?;
                Ok::<_, Fault>((cases, rows::credentials(tx)?))
            })
            .await?;
        self.tell_cases(cases);
        self.broker.allow(&credentials).map_err(|error| Fault::Storage(format!("{error:#}")))?;
        self.live.tell(Change::Devices);
        Ok(())
    }

    fn tell_cases(&self, cases: Vec<CaseId>) {
        for case in cases {
            self.live.tell(Change::Case(case));
        }
    }

    fn take_code(
        &self,
        code: PairingCode,
        by: &AccountName,
        now: Timestamp,
    ) -> Result<(MessageId, Begin), CodeRefused> {
        let mut waiting = self.lock(now);
        waiting.tries.retain(|_, tries| tries.wrong < CODE_TRIES || now < tries.paused_until);
        if waiting.tries.get(by).is_some_and(|tries| now < tries.paused_until) {
            return Err(CodeRefused::Paused);
        }
        let found = waiting.pairs.iter().find(|(_, pair)| pair.code == code && pair.grant.is_none());
        if let Some((id, pair)) = found {
            let found = (*id, pair.begin.clone());
            waiting.tries.remove(by);
            return Ok(found);
        }
        let tries = waiting.tries.entry(by.clone()).or_default();
        tries.wrong += 1;
        if tries.wrong >= CODE_TRIES {
            tries.paused_until = now.plus_ms(PAUSE_MS);
        }
        Err(CodeRefused::Unknown)
    }

    fn lock(&self, now: Timestamp) -> std::sync::MutexGuard<'_, Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        waiting.pairs.retain(|_, pair| pair.until > now);
        waiting
    }
}

/// Ends what cases wait for on a device that lost its window: nobody will answer there. Returns the cases.
fn end_waiting(
    book: &Book,
    tx: &Connection,
    closed: Vec<Closed>,
    now: Timestamp,
) -> Result<Vec<CaseId>, Fault> {
    let mut touched = Vec::new();
    for Closed { id, kind, case } in closed {
        let Some(case) = case else { continue };
        let Some(clerk) = cases::clerk(tx, &case)? else { continue };
        let ended = book.change_case(tx, &case, &clerk, now, |case| {
            Ok(match kind {
                rows::CommandKind::Read => Vec::new(),
                _ => decide::end_asked(case, &id, ConsentEnd::Unreachable)?,
            })
        });
        match ended {
            // A step that somebody else took first is no error here.
            Ok(_) | Err(Fault::Refused(_)) => touched.push(case),
            Err(fault) => return Err(fault),
        }
    }
    Ok(touched)
}

/// 256 random bits as text.
fn secret() -> String {
    let mut bytes = [0u8; 32];
    fill_random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

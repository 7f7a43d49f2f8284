//! 门口: what stands before the door. Passwords are checked a few at a time; who tries too often from one place waits,
//! longer each time. Nobody is locked out for what somebody else tries elsewhere.

use super::failure::Failure;
use super::session::Peer;
use crate::book::{Book, Fault};
use crate::signin;
use crate::store::accounts::Account;
use crate::store::devices;
use hall_domain::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Passwords checked at a time; each takes 19 MiB.
const CHECKS: usize = 4;
/// The longest wait for such a check.
const PATIENCE: Duration = Duration::from_secs(10);
/// Wrong passwords for one name from one place that are answered without a wait.
const TRIES: u32 = 5;
/// The same for all names together: a window's computer, where several people sign in.
const TRIES_OF_A_PLACE: u32 = 20;
/// The first wait; each further wrong password doubles it.
const FIRST_WAIT_MS: i64 = 30_000;
/// The longest wait.
const LONGEST_WAIT_MS: i64 = 15 * 60_000;
/// After so long without a wrong password the count begins anew.
const FORGOTTEN_MS: i64 = 60 * 60_000;
/// Names and places that are counted at a time.
const COUNTED: usize = 8_192;
/// What the security events call a sign-in that waits.
pub const TRIED_TOO_OFTEN: &str = "sign-in: tried too often";

/// What stands before the door. Cheap to clone.
#[derive(Clone)]
pub struct Entrance {
    checks: Arc<Semaphore>,
    tried: Arc<Mutex<BTreeMap<Trier, Tried>>>,
}

/// What came of a name and a password.
pub enum Checked {
    /// They are right.
    Right(Box<Account>),
    /// One of the two is wrong; never says which.
    Wrong {
        /// Wrong tries that are left before there is a wait.
        left: u32,
    },
    /// Tried too often from here.
    Wait {
        /// Until then.
        until: Timestamp,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trier {
    /// A name, as a digest: a password is easily typed into the wrong field.
    Name([u8; 32], IpAddr),
    Place(IpAddr),
}

#[derive(Clone, Copy)]
struct Tried {
    wrong: u32,
    last: Timestamp,
    until: Timestamp,
}

impl Default for Entrance {
    fn default() -> Self {
        Self { checks: Arc::new(Semaphore::new(CHECKS)), tried: Arc::default() }
    }
}

impl Entrance {
    /// Checks a name and a password that come from `peer`. The answer for a name without an account is the same, and
    /// takes as long.
    pub async fn check(
        &self,
        book: &Book,
        peer: Peer,
        name: &str,
        password: Zeroizing<String>,
    ) -> Result<Checked, Failure> {
        let now = book.clock.now();
        if let Some(until) = self.waits(name, peer.0, now) {
            return Ok(Checked::Wait { until });
        }
        let turn = tokio::time::timeout(PATIENCE, self.checks.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Failure::unavailable()) };
        if let Some(account) = signin::check(book, name, password).await? {
            self.tried().remove(&Trier::Name(digest(name), peer.0));
            return Ok(Checked::Right(Box::new(account)));
        }
        match self.wrong(name, peer.0, now) {
            Ok(left) => Ok(Checked::Wrong { left }),
            Err(until) => {
                let device = peer.0.to_string();
                book.db
                    .write(move |tx| {
                        devices::note_security(tx, now, &device, TRIED_TOO_OFTEN).map_err(Fault::from)
                    })
                    .await
                    .map_err(Fault::from)?;
                Ok(Checked::Wait { until })
            }
        }
    }

    /// Until when nobody may try this name from there.
    fn waits(&self, name: &str, from: IpAddr, now: Timestamp) -> Option<Timestamp> {
        let tried = self.tried();
        let until =
            triers(name, from).into_iter().filter_map(|trier| tried.get(&trier)).map(|tried| tried.until);
        until.max().filter(|until| *until > now)
    }

    /// Counts a wrong password: how many are left, or until when there is a wait.
    fn wrong(&self, name: &str, from: IpAddr, now: Timestamp) -> Result<u32, Timestamp> {
        let mut all = self.tried();
        all.retain(|_, tried| now.ms_since(tried.last) < FORGOTTEN_MS);
        let [name, place] = triers(name, from);
        let mut left = u32::MAX;
        let mut until = None;
        for (trier, free) in [(name, TRIES), (place, TRIES_OF_A_PLACE)] {
            if all.len() >= COUNTED && !all.contains_key(&trier) {
                continue;
            }
            let tried = all.entry(trier).or_insert(Tried { wrong: 0, last: now, until: Timestamp(0) });
            tried.wrong = tried.wrong.saturating_add(1);
            tried.last = now;
            match tried.wrong.checked_sub(free) {
                Some(more) => {
                    tried.until = now.plus_ms(wait_ms(more));
                    until = until.max(Some(tried.until));
                }
                None => left = left.min(free - tried.wrong),
            }
        }
        until.map_or(Ok(left), Err)
    }

    fn tried(&self) -> MutexGuard<'_, BTreeMap<Trier, Tried>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn triers(name: &str, from: IpAddr) -> [Trier; 2] {
    [Trier::Name(digest(name), from), Trier::Place(from)]
}

fn digest(name: &str) -> [u8; 32] {
    Sha256::digest(name.trim().as_bytes()).into()
}

/// How long one waits after `more` wrong passwords beyond those that are free.
fn wait_ms(more: u32) -> i64 {
    FIRST_WAIT_MS.saturating_mul(1 << more.min(16)).min(LONGEST_WAIT_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 8));

    #[test]
    fn waits_grow_and_stay_where_they_were_earned() {
        let (entrance, mut now) = (Entrance::default(), Timestamp(1_000_000));
        for left in (1..TRIES).rev() {
            assert_eq!(entrance.wrong("li.qiang", HERE, now), Ok(left));
        }
        assert_eq!(entrance.waits("li.qiang", HERE, now), None);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let until = entrance.wrong(" li.qiang ", HERE, now).unwrap_err();
            assert_eq!(entrance.waits("li.qiang", HERE, now), Some(until));
            waits.push(until.ms_since(now) / 1000);
            now = until;
            assert_eq!(entrance.waits("li.qiang", HERE, now), None, "the wait is over");
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(entrance.wrong("li.qiang", THERE, now), Ok(TRIES - 1), "elsewhere nobody waits for that");
        let later = now.plus_ms(FORGOTTEN_MS);
        assert_eq!(entrance.wrong("li.qiang", HERE, later), Ok(TRIES - 1), "an hour later it is forgotten");
    }

    #[test]
    fn a_place_that_tries_many_names_waits_for_all_of_them() {
        let (entrance, now) = (Entrance::default(), Timestamp(1_000_000));
        for n in 1..TRIES_OF_A_PLACE {
            assert!(entrance.wrong(&format!("name.{n}"), HERE, now).is_ok());
        }
        entrance.wrong("one.more", HERE, now).unwrap_err();
        assert!(entrance.waits("never.tried", HERE, now).is_some());
        assert!(entrance.waits("one.more", THERE, now).is_none());
    }
}

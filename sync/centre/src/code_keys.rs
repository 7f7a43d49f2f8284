//! 码密钥: the keys that seal who somebody is, so that only boxes and the centre can read it in a photographed code.
//!
//! They lie in the keys folder, one file each, and never in the database. There is always one for today and the next.
//! Boxes get them in the trust bundle.

use crate::files;
use anyhow::Context;
use hall_domain::{Date, Timestamp};
use hall_ledger::phone::{CodeKey, CodeKeys};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

const FOLDER: &str = "keys/codes";
/// How long a key is in use.
const DAYS: i64 = 180;
/// Two keys are in use together for so long.
const OVERLAP_DAYS: i64 = 7;

/// A key as its file holds it.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    key: CodeKey,
    made_at: Timestamp,
}

/// The keys of this centre.
pub struct CodeKeyring {
    folder: PathBuf,
    keys: RwLock<Vec<Kept>>,
}

impl CodeKeyring {
    /// Reads the keys, and makes those that are lacking.
    pub fn open(data: &Path, now: Timestamp) -> anyhow::Result<Self> {
        let folder = data.join(FOLDER);
        std::fs::create_dir_all(&folder).context("make the folder of code keys")?;
        let mut keys = Vec::new();
        for file in std::fs::read_dir(&folder).context("read the folder of code keys")? {
            let text = std::fs::read_to_string(file?.path()).context("read a code key")?;
            // What is wrong with it would show it.
            let kept =
                serde_json::from_str::<Kept>(&text).map_err(|_| anyhow::anyhow!("a code key is damaged"))?;
            keys.push(kept);
        }
        keys.sort_by_key(|kept| kept.key.number);
        let ring = Self { folder, keys: RwLock::new(keys) };
        ring.renew(now)?;
        Ok(ring)
    }

    /// Makes the keys that are due. Says whether there is a new one.
    pub fn renew(&self, now: Timestamp) -> anyhow::Result<bool> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let today = now.local_date();
        let mut made = false;
        loop {
            let newest = keys.last().map(|kept| &kept.key);
            let first = match newest {
                None => today,
                Some(newest) if newest.last < today => today,
                // A key begins: the one after it is made, half a year ahead of its own first day.
                Some(newest) if newest.first <= today => newest.last.plus_days(1 - OVERLAP_DAYS),
                Some(_) => return Ok(made),
            };
            let number = newest.map_or(1, |newest| newest.number + 1);
            let kept = Kept { key: draw(number, first)?, made_at: now };
            let text = serde_json::to_string(&kept).context("write a code key")?;
            files::create_secret(&self.folder.join(format!("{number:06}.json")), text.as_bytes())
                .context("keep a code key")?;
            keys.push(kept);
            made = true;
        }
    }

    /// All keys, also those that are over: what was sealed on their last day is still read.
    pub fn keys(&self) -> CodeKeys {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        CodeKeys::new(keys.iter().map(|kept| kept.key.clone())).unwrap_or_default()
    }

    /// What the trust bundle carries: the keys that are not over for long.
    pub fn given(&self, now: Timestamp) -> CodeKeys {
        let oldest = now.local_date().plus_days(-OVERLAP_DAYS);
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let given = keys.iter().map(|kept| &kept.key).filter(|key| key.last >= oldest);
        CodeKeys::new(given.cloned()).unwrap_or_default()
    }
}

fn draw(number: u32, first: Date) -> anyhow::Result<CodeKey> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).context("draw a code key")?;
    Ok(CodeKey { number, key, first, last: first.plus_days(DAYS - 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn there_is_a_key_for_every_day_and_the_next_is_known_long_before() {
        let folder = tempfile::tempdir().unwrap();
        let ring = CodeKeyring::open(folder.path(), NOON).unwrap();
        for day in 0..800 {
            let now = NOON.plus_hours(24 * day);
            ring.renew(now).unwrap();
            let keys = ring.keys();
            let current = keys.current(now).unwrap().number;
            let next = keys.keys().iter().find(|key| key.number == current + 1);
            assert!(next.is_some_and(|next| next.last > now.plus_hours(24 * 170).local_date()), "day {day}");
        }
        assert_eq!(ring.keys().keys().len(), 6);
        // A restart finds them again and makes no others.
        let again = CodeKeyring::open(folder.path(), NOON.plus_hours(24 * 799)).unwrap();
        assert_eq!(again.keys(), ring.keys());
    }

    #[test]
    fn boxes_get_the_current_key_and_the_next_and_lose_those_that_are_over() {
        let folder = tempfile::tempdir().unwrap();
        let ring = CodeKeyring::open(folder.path(), NOON).unwrap();
        let given = |day: i64| {
            let now = NOON.plus_hours(24 * day);
            ring.renew(now).unwrap();
            ring.given(now).keys().iter().map(|key| key.number).collect::<Vec<_>>()
        };
        assert_eq!(given(0), [1, 2]);
        assert_eq!(given(DAYS - OVERLAP_DAYS), [1, 2, 3], "the second begins");
        assert_eq!(given(DAYS - 1 + OVERLAP_DAYS), [1, 2, 3], "the first ended a week ago");
        assert_eq!(given(DAYS + OVERLAP_DAYS), [2, 3]);
    }
}

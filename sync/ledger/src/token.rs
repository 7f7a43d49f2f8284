//! How the cache is dated: not by the last contact, but by what the centre said about itself.

use hall_domain::Timestamp;
use minicbor::{Decode, Encode};

use crate::cose::Statement;

/// The centre's statement "at this time, the feed of this scope ended here". Issued about each minute; it
/// is also the time token from which a box without a good clock learns the time.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FreshnessToken {
    /// The feed, for example `hall:990001`.
    #[n(0)]
    pub scope: String,
    /// Last item of the feed.
    #[n(1)]
    pub feed: u64,
    /// Last item of the hot list.
    #[n(2)]
    pub hot: u64,
    /// The centre's clock.
    #[n(3)]
    #[cbor(with = "crate::cbor::millis")]
    pub issued_at: Timestamp,
    /// When the next one is due.
    #[n(4)]
    #[cbor(with = "crate::cbor::millis")]
    pub next_update: Timestamp,
    /// The centre's epoch.
    #[n(5)]
    pub epoch: u64,
}

impl Statement for FreshnessToken {
    const DOMAIN: &'static str = "hallbox/token/1";

    fn stated_at(&self) -> Option<Timestamp> {
        Some(self.issued_at)
    }
}

impl FreshnessToken {
    /// Whether a box that has applied the feed up to `feed` and the hot list up to `hot` is as new as
    /// this token.
    pub fn covers(&self, feed: u64, hot: u64) -> bool {
        feed >= self.feed && hot >= self.hot
    }

    /// Whether this token may replace `older`: tokens never go back within an epoch.
    pub fn supersedes(&self, older: &Self) -> bool {
        self.scope == older.scope
            && (self.epoch, self.issued_at) >= (older.epoch, older.issued_at)
            && (self.epoch > older.epoch || (self.feed >= older.feed && self.hot >= older.hot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(epoch: u64, at: i64, feed: u64, hot: u64) -> FreshnessToken {
        let (issued_at, next_update) = (Timestamp(at), Timestamp(at + 60_000));
        FreshnessToken { scope: "hall:990001".into(), feed, hot, issued_at, next_update, epoch }
    }

    #[test]
    fn a_token_covers_a_box_that_has_applied_both_lists() {
        assert!(token(1, 0, 5, 2).covers(5, 2));
        assert!(!token(1, 0, 5, 2).covers(5, 1));
        assert!(!token(1, 0, 5, 2).covers(4, 2));
    }

    #[test]
    fn tokens_never_go_back_within_an_epoch() {
        assert!(token(1, 10, 5, 2).supersedes(&token(1, 9, 5, 2)));
        assert!(!token(1, 8, 9, 9).supersedes(&token(1, 9, 5, 2)));
        assert!(!token(1, 10, 4, 2).supersedes(&token(1, 9, 5, 2)));
        assert!(token(2, 10, 4, 0).supersedes(&token(1, 9, 5, 2)));
        assert!(!token(1, 10, 9, 9).supersedes(&token(2, 9, 0, 0)));
    }
}

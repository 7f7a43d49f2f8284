//! What a box believes now, and how it goes on to the next bundle.

use ed25519_dalek::VerifyingKey;
use hall_domain::Timestamp;

use super::{CentreKeys, SignedBundle, TrustBundle};
use crate::document::DocumentKind;
use crate::phone::CodeKeys;

/// The longest life of a bundle.
pub const LIFE_DAYS: i64 = 90;
/// From so many days before its end on, the end is announced.
pub const ALARM_DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 3_600_000;

/// 信任状态: whose signatures a box believes. Begins with what was pinned at enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    keys: CentreKeys,
    roots: Vec<VerifyingKey>,
    bundle: Option<TrustBundle>,
    /// When it began, if there is a root that could have said more since.
    pinned_at: Option<Timestamp>,
}

/// How long trust still lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustAge {
    /// Long enough.
    Good,
    /// It ends in so many whole days: the line has brought no bundle for a long time.
    Ending {
        /// Whole days left.
        days: i64,
    },
    /// 信任已过期: only what needs no trust may be done.
    Expired,
}

/// Why a bundle is not taken. What was believed before stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrustRefusal {
    /// This box pinned no root at enrolment.
    #[error("no root is pinned")]
    NoRoot,
    /// Not signed by each root that it names.
    #[error("trust bundle is not signed by its roots")]
    Signature,
    /// None of the roots that it names is pinned or was announced.
    #[error("trust bundle drops the pinned root")]
    RootDropped,
    /// Not newer than the one held.
    #[error("trust bundle {found} is not newer than {held}")]
    NotNewer {
        /// Version held.
        held: u32,
        /// Version offered.
        found: u32,
    },
    /// No current key of a suite that this build believes.
    #[error("trust bundle names no key of an accepted suite")]
    Suite,
    /// Not what a bundle may be.
    #[error("trust bundle is not well formed")]
    Content,
}

impl Trust {
    /// What enrolment pinned: the centre's keys, and the root that speaks for all later ones.
    pub fn pinned(keys: CentreKeys, root: Option<VerifyingKey>, at: Timestamp) -> Self {
        let pinned_at = root.is_some().then_some(at);
        Self { keys, roots: root.into_iter().collect(), bundle: None, pinned_at }
    }

    /// The trust after a newer bundle.
    ///
    /// # Errors
    /// See [`TrustRefusal`].
    pub fn accept(&self, offered: &SignedBundle) -> Result<Self, TrustRefusal> {
        if self.roots.is_empty() {
            return Err(TrustRefusal::NoRoot);
        }
        let bundle = offered.verify()?;
        let roots = bundle.root_keys()?;
        if !roots.iter().any(|root| self.roots.contains(root)) {
            return Err(TrustRefusal::RootDropped);
        }
        let held = self.version();
        if bundle.version <= held {
            return Err(TrustRefusal::NotNewer { held, found: bundle.version });
        }
        let keys = bundle.centre_keys()?;
        Ok(Self { keys, roots, bundle: Some(bundle), pinned_at: self.pinned_at })
    }

    /// The trust of a bundle that this box accepted earlier and kept sealed: its roots have taken the place of the
    /// pinned one.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn recall(&self, kept: &SignedBundle) -> Result<Self, TrustRefusal> {
        let bundle = kept.verify()?;
        let (keys, roots) = (bundle.centre_keys()?, bundle.root_keys()?);
        Ok(Self { keys, roots, bundle: Some(bundle), pinned_at: self.pinned_at })
    }

    /// The centre's keys.
    pub fn keys(&self) -> &CentreKeys {
        &self.keys
    }

    /// Whether a root was pinned, without which there is never a bundle.
    pub fn rooted(&self) -> bool {
        !self.roots.is_empty()
    }

    /// Version of the bundle; 0 before the first.
    pub fn version(&self) -> u32 {
        self.bundle.as_ref().map_or(0, |bundle| bundle.version)
    }

    /// When the bundle was made; none before the first.
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.bundle.as_ref().map(|bundle| bundle.issued_at)
    }

    /// When trust ends. What was pinned at enrolment lasts as long as a bundle.
    pub fn expires_at(&self) -> Option<Timestamp> {
        let pinned = self.pinned_at.map(|at| Timestamp(at.0.saturating_add(LIFE_DAYS * DAY_MS)));
        self.bundle.as_ref().map(|bundle| bundle.expires_at).or(pinned)
    }

    /// How long trust still lasts at `now`.
    pub fn age(&self, now: Timestamp) -> TrustAge {
        match self.expires_at().map(|end| end.ms_since(now)) {
            Some(left) if left <= 0 => TrustAge::Expired,
            Some(left) if left <= ALARM_DAYS * DAY_MS => TrustAge::Ending { days: left / DAY_MS },
            _ => TrustAge::Good,
        }
    }

    /// 码密钥; none before the first bundle.
    pub fn code_keys(&self) -> Option<&CodeKeys> {
        self.bundle.as_ref().map(|bundle| &bundle.code_keys)
    }

    /// The version of a document that was in force when the bundle was made.
    pub fn document(&self, kind: DocumentKind) -> Option<u32> {
        let bundle = self.bundle.as_ref()?;
        bundle.documents.iter().find(|document| document.kind == kind).map(|document| document.version)
    }
}

impl From<CentreKeys> for Trust {
    /// Keys without a root: nothing ever follows them.
    fn from(keys: CentreKeys) -> Self {
        Self::pinned(keys, None, Timestamp(0))
    }
}

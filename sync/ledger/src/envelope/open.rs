//! Reading envelopes: the box's side.

use std::collections::BTreeMap;

use hall_domain::{Date, FieldKey, HolderId, Timestamp};

use super::{Disclosures, Envelope, field_digest, holder_digest, relation_digest};

/// An envelope that one of the centre's keys signed. The only type that opens fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEnvelope {
    envelope: Envelope,
}

/// Whether the licence itself is within its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// Within 有效期.
    Current,
    /// Valid from a later day.
    NotYet(Date),
    /// The last valid day is past.
    Past(Date),
}

/// Whether the envelope is still good as a cache of what the centre knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheState {
    /// Usable; the centre looked at the source this many milliseconds ago (0 when the box's clock is
    /// behind).
    Usable {
        /// Milliseconds since `checked_at`.
        age_ms: u64,
    },
    /// Past `expires_at`: nothing may rest on it without asking the centre.
    Expired {
        /// Milliseconds since `expires_at`.
        since_ms: u64,
    },
}

/// Why a field stays closed. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The licence has no such field.
    #[error("licence has no field {0}")]
    NoSuchField(FieldKey),
    /// The field is in the envelope but its value is not at hand.
    #[error("value of field {0} is not at hand")]
    NotDisclosed(FieldKey),
    /// The value is not the one that the centre signed.
    #[error("value of field {0} is not the one that the centre signed")]
    Digest(FieldKey),
}

impl OpenError {
    /// What the clerk reads.
    pub fn zh(&self) -> String {
        match self {
            Self::NoSuchField(_) | Self::NotDisclosed(_) => {
                "证照中没有所需的信息项, 请由办事人提供该材料。".into()
            }
            Self::Digest(_) => {
                "证照缓存内容与省级中心签名不符, 已停止使用; 请联网后重新获取, 并告知运维人员。".into()
            }
        }
    }
}

impl VerifiedEnvelope {
    pub(super) fn new(envelope: Envelope) -> Self {
        Self { envelope }
    }

    /// What the centre signed.
    pub fn facts(&self) -> &Envelope {
        &self.envelope
    }

    /// Whether `holder` is the holder (持证主体).
    pub fn held_by(&self, holder: &HolderId, beside: &Disclosures) -> bool {
        holder_digest(&beside.holder_salt, holder) == self.envelope.holder
    }

    /// Whether the centre signed that `person` is the legal representative (法定代表人) of the holder.
    pub fn represented_by(&self, person: &HolderId, beside: &Disclosures) -> bool {
        match (self.envelope.relation, &beside.relation_salt) {
            (Some(relation), Some(salt)) => relation_digest(salt, person) == relation,
            _ => false,
        }
    }

    /// Whether this hall may cache it.
    pub fn allows_hall(&self, hall: &str) -> bool {
        self.envelope.halls.contains(hall)
    }

    /// Whether the licence is within its dates on the day (+08:00) of `now`.
    pub fn validity(&self, now: Timestamp) -> Validity {
        let today = now.local_date();
        match self.envelope.valid_until {
            _ if today < self.envelope.valid_from => Validity::NotYet(self.envelope.valid_from),
            Some(last) if today > last => Validity::Past(last),
            _ => Validity::Current,
        }
    }

    /// Whether the envelope is still good as a cache at `now`.
    pub fn cache(&self, now: Timestamp) -> CacheState {
        let since = now.0.saturating_sub(self.envelope.expires_at.0);
        match u64::try_from(since) {
            Ok(since_ms) => CacheState::Expired { since_ms },
            Err(_) => {
                let age = now.0.saturating_sub(self.envelope.checked_at.0);
                CacheState::Usable { age_ms: u64::try_from(age).unwrap_or(0) }
            }
        }
    }

    /// Opens exactly the `wanted` fields, comparing each value with its signed digest. All or nothing.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        &self,
        wanted: &[FieldKey],
        beside: &Disclosures,
    ) -> Result<BTreeMap<FieldKey, String>, OpenError> {
        let mut opened = BTreeMap::new();
        for field in wanted {
            let signed =
                self.envelope.fields.get(field).ok_or_else(|| OpenError::NoSuchField(field.clone()))?;
            let disclosure = beside.fields.iter().find(|disclosure| disclosure.field == *field);
            let disclosure = disclosure.ok_or_else(|| OpenError::NotDisclosed(field.clone()))?;
            if field_digest(&disclosure.salt, field, &disclosure.value) != *signed {
                return Err(OpenError::Digest(field.clone()));
            }
            opened.insert(field.clone(), disclosure.value.clone());
        }
        Ok(opened)
    }
}

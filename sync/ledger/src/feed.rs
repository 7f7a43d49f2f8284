//! What comes down: an append-only numbered feed per hall, in pages that the centre signs.
//!
//! Items that take rights away (revocation, suspension, and their end) also carry a number of the *hot
//! list* of the same scope, and can be fetched alone and first.

use hall_domain::{LicenceId, LicenceStatus, Timestamp};
use minicbor::decode::{self, Decode as DecodeTrait, Decoder};
use minicbor::encode::{self, Encode as EncodeTrait, Encoder, Write};
use minicbor::{Decode, Encode};

use crate::alias::StatedAlias;
use crate::cose::{Signed, Statement};
use crate::disposition::Disposition;
use crate::document::DocumentKind;
use crate::envelope::IssuedEnvelope;
use crate::hash::Hash;

/// Most items of one page.
pub const MAX_PAGE: usize = 256;

/// Which numbering a page follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Lane {
    /// All items, by [`FeedItem::seq`].
    #[n(0)]
    Main,
    /// Only hot items, by [`FeedItem::hot`].
    #[n(1)]
    Hot,
}

/// A change of a licence's status.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StatusChange {
    /// Which licence.
    #[n(0)]
    #[cbor(with = "crate::cbor::text")]
    pub licence: LicenceId,
    /// Its status from `at` on.
    #[n(1)]
    #[cbor(with = "crate::cbor::licence_status")]
    pub status: LicenceStatus,
    /// Since when.
    #[n(2)]
    #[cbor(with = "crate::cbor::millis")]
    pub at: Timestamp,
}

/// A new version of a document is out.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DocumentVersion {
    /// Which document.
    #[n(0)]
    pub kind: DocumentKind,
    /// Its newest version.
    #[n(1)]
    pub version: u32,
    /// SHA-256 of its exact signed bytes.
    #[n(2)]
    pub sha256: Hash,
}

/// 撤回授权: what was agreed to for a case of this hall was withdrawn on a phone or at the centre.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ConsentWithdrawn {
    /// 办件编号.
    #[n(0)]
    pub case_no: String,
    /// Since when it does not hold any more.
    #[n(1)]
    #[cbor(with = "crate::cbor::millis")]
    pub at: Timestamp,
    /// Who withdrew it.
    #[n(2)]
    pub by: WithdrawnBy,
}

/// Who withdrew a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum WithdrawnBy {
    /// 办事人.
    #[n(1)]
    Citizen,
    /// 委托人, of what was used by a mandate.
    #[n(2)]
    Principal,
    /// 省级中心, for a citizen who asked it to by telephone or letter.
    #[n(3)]
    Centre,
}

/// The status of something in the status list that is not a licence: 经办授权, 委托, a person's own entry.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PlaceStatus {
    /// Number of the list.
    #[n(0)]
    pub list: u32,
    /// Place in it.
    #[n(1)]
    pub place: u32,
    /// Its status from `at` on.
    #[n(2)]
    #[cbor(with = "crate::cbor::licence_status")]
    pub status: LicenceStatus,
    /// Since when.
    #[n(3)]
    #[cbor(with = "crate::cbor::millis")]
    pub at: Timestamp,
}

/// What happened at the centre. In bytes: an array of the number of the variant and its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// 1: a licence was issued or has a new version.
    LicenceUpsert(IssuedEnvelope),
    /// 2: a licence was revoked, suspended, restored, or is being changed. Hot.
    LicenceStatus(StatusChange),
    /// 3: a judgement on an entry.
    Disposition(Signed<Disposition>),
    /// 4: a new version of a document (事项目录 and others).
    Document(DocumentVersion),
    /// 5: a licence leaves the scope of this hall and its cache.
    LicenceForget(LicenceId),
    /// 6: a citizen withdrew a consent. Hot.
    ConsentWithdrawn(ConsentWithdrawn),
    /// 7: a grant, a mandate or a person has another status in the status list. Hot.
    PlaceStatus(PlaceStatus),
    /// 8: an earlier identifier of a person is known, or is not any longer. Whose it is stands sealed in it.
    HolderAlias(StatedAlias),
    /// A kind of a newer centre: skipped, with its place in the numbering kept. Holds the exact bytes.
    Other {
        /// Its number.
        code: u16,
        /// The content as it came.
        content: Vec<u8>,
    },
}

/// One item of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FeedItem {
    /// Position in the feed, from 1, without gaps.
    #[n(0)]
    pub seq: u64,
    /// When the centre decided it.
    #[n(1)]
    #[cbor(with = "crate::cbor::millis")]
    pub at: Timestamp,
    /// Position in the hot list, from 1, without gaps; only for hot items.
    #[n(2)]
    pub hot: Option<u64>,
    /// What happened.
    #[n(3)]
    pub change: Change,
}

/// A run of items after a position, signed as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FeedPage {
    /// The feed, for example `hall:990001`.
    #[n(0)]
    pub scope: String,
    /// Which numbering.
    #[n(1)]
    pub lane: Lane,
    /// The items come directly after this position.
    #[n(2)]
    pub after: u64,
    /// The items, in order, at most [`MAX_PAGE`].
    #[n(3)]
    pub items: Vec<FeedItem>,
    /// Last position of the lane at the centre; more pages follow when it is beyond the last item.
    #[n(4)]
    pub head: u64,
    /// The centre's clock.
    #[n(5)]
    #[cbor(with = "crate::cbor::millis")]
    pub issued_at: Timestamp,
}

impl Statement for FeedPage {
    const DOMAIN: &'static str = "hallbox/feed/1";

    fn stated_at(&self) -> Option<Timestamp> {
        Some(self.issued_at)
    }
}

/// Why a page cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// A page of another feed or lane.
    #[error("feed page is of another feed")]
    OtherFeed,
    /// Does not follow what was applied before.
    #[error("feed page follows position {found}, applied is {applied}")]
    Gap {
        /// Last position applied.
        applied: u64,
        /// Position that the page follows.
        found: u64,
    },
    /// Items not numbered one after another, too many, or beyond the head.
    #[error("feed page is not numbered without gaps")]
    Numbering,
}

impl FeedPage {
    /// Checks that this verified page can be applied after position `applied`.
    ///
    /// # Errors
    /// See [`FeedError`].
    pub fn check(&self, scope: &str, lane: Lane, applied: u64) -> Result<(), FeedError> {
        if self.scope != scope || self.lane != lane {
            return Err(FeedError::OtherFeed);
        }
        if self.after != applied {
            return Err(FeedError::Gap { applied, found: self.after });
        }
        let mut next = self.after;
        for item in &self.items {
            next = next.checked_add(1).ok_or(FeedError::Numbering)?;
            let position = match lane {
                Lane::Main => Some(item.seq),
                Lane::Hot => item.hot,
            };
            if position != Some(next) {
                return Err(FeedError::Numbering);
            }
        }
        if self.items.len() > MAX_PAGE || next > self.head { Err(FeedError::Numbering) } else { Ok(()) }
    }

    /// Position after applying the page.
    pub fn last(&self) -> u64 {
        self.after + self.items.len() as u64
    }
}

impl<C> EncodeTrait<C> for Change {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.array(2)?;
        match self {
            Self::LicenceUpsert(issued) => issued.encode(e.u16(1)?, ctx),
            Self::LicenceStatus(change) => change.encode(e.u16(2)?, ctx),
            Self::Disposition(signed) => signed.encode(e.u16(3)?, ctx),
            Self::Document(version) => version.encode(e.u16(4)?, ctx),
            Self::LicenceForget(licence) => e.u16(5)?.str(licence.as_str())?.ok(),
            Self::ConsentWithdrawn(withdrawn) => withdrawn.encode(e.u16(6)?, ctx),
            Self::PlaceStatus(change) => change.encode(e.u16(7)?, ctx),
            Self::HolderAlias(stated) => stated.encode(e.u16(8)?, ctx),
            Self::Other { code, content } => {
                e.u16(*code)?.writer_mut().write_all(content).map_err(encode::Error::write)
            }
        }
    }
}

impl<'b, C> DecodeTrait<'b, C> for Change {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, decode::Error> {
        if d.array()? != Some(2) {
            return Err(decode::Error::message("a change is an array of two"));
        }
        Ok(match d.u16()? {
            1 => Self::LicenceUpsert(IssuedEnvelope::decode(d, ctx)?),
            2 => Self::LicenceStatus(StatusChange::decode(d, ctx)?),
            3 => Self::Disposition(Signed::decode(d, ctx)?),
            4 => Self::Document(DocumentVersion::decode(d, ctx)?),
            5 => Self::LicenceForget(crate::cbor::text::decode(d, ctx)?),
            6 => Self::ConsentWithdrawn(ConsentWithdrawn::decode(d, ctx)?),
            7 => Self::PlaceStatus(PlaceStatus::decode(d, ctx)?),
            8 => Self::HolderAlias(StatedAlias::decode(d, ctx)?),
            code => {
                let start = d.position();
                d.skip()?;
                let content = d.input()[start..d.position()].to_vec();
                let strict = crate::cbor::check_deterministic(&content);
                strict.map_err(|_| decode::Error::message("unknown change is not deterministic"))?;
                Self::Other { code, content }
            }
        })
    }
}

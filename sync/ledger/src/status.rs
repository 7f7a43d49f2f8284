//! Licence status for a whole province: a token status list of two bits a licence.
//!
//! It is a Status List Token of the IETF Token Status List in its CWT form, so that other people's libraries
//! read it: `sub` 2, `exp` 4, `iat` 6, `status_list` 65533, `ttl` 65534; times in seconds; `typ`
//! `application/statuslist+cwt`. Values: 0 valid, 1 revoked, 2 suspended, 3 changing ([`LicenceStatus`]).

use std::io::{Read, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use hall_domain::{LicenceStatus, Timestamp};
use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};

use crate::cose::{CoseError, Form, Signed, Statement};
use crate::trust::{CentreKeys, Roles};

/// Most entries of one list; 25 MB in memory.
pub const MAX_ENTRIES: usize = 100_000_000;

/// A status list being kept at the centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusList {
    bytes: Vec<u8>,
}

/// The signed claims about one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusClaims {
    /// Number of the list; `sub` is `urn:hallbox:status:<list>`.
    pub list: u32,
    /// When the list was made; whole seconds.
    pub issued_at: Timestamp,
    /// After this the list says nothing any more; whole seconds.
    pub expires_at: Timestamp,
    /// Seconds after which a newer one should be fetched.
    pub ttl_s: u32,
    /// The two-bit statuses, ZLIB-compressed.
    pub compressed: Vec<u8>,
}

/// A list that the centre signed, ready for look-ups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedStatusList {
    list: u32,
    issued_at: Timestamp,
    expires_at: Timestamp,
    ttl_s: u32,
    statuses: StatusList,
}

/// What a list says about one licence, with its age: never a bare yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusAnswer {
    /// As of `issued_at`.
    pub status: LicenceStatus,
    /// When the list was made.
    pub issued_at: Timestamp,
    /// Milliseconds since then (0 when the box's clock is behind).
    pub age_ms: u64,
    /// A newer list is due.
    pub due: bool,
    /// Past the signed expiry: an expired list beats any "valid" in it.
    pub expired: bool,
}

/// Why a status list cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// Signature or shape.
    #[error("status list signature")]
    Cose(#[from] CoseError),
    /// Not ZLIB, or not all of it.
    #[error("status list cannot be decompressed")]
    Compression,
    /// More than [`MAX_ENTRIES`].
    #[error("status list is larger than lists may be")]
    TooLarge,
    /// The index is beyond the list.
    #[error("index {0} is beyond the status list")]
    Index(u32),
}

impl StatusList {
    /// A list of `entries` valid licences, rounded up to a multiple of four.
    ///
    /// # Errors
    /// [`StatusError::TooLarge`] beyond [`MAX_ENTRIES`].
    pub fn new(entries: usize) -> Result<Self, StatusError> {
        if entries > MAX_ENTRIES {
            return Err(StatusError::TooLarge);
        }
        Ok(Self { bytes: vec![0; entries.div_ceil(4)] })
    }

    /// Number of entries.
    pub fn entries(&self) -> usize {
        self.bytes.len() * 4
    }

    /// The status at `index`; `None` beyond the end.
    pub fn get(&self, index: u32) -> Option<LicenceStatus> {
        let byte = self.bytes.get(index as usize / 4)?;
        Some(LicenceStatus::from_bits(byte >> (index % 4 * 2)))
    }

    /// Changes the status at `index`.
    ///
    /// # Errors
    /// [`StatusError::Index`] beyond the end.
    pub fn set(&mut self, index: u32, status: LicenceStatus) -> Result<(), StatusError> {
        let byte = self.bytes.get_mut(index as usize / 4).ok_or(StatusError::Index(index))?;
        let shift = index % 4 * 2;
        *byte = *byte & !(3 << shift) | status.bits() << shift;
        Ok(())
    }

    /// Makes the list longer by `entries` valid licences.
    ///
    /// # Errors
    /// [`StatusError::TooLarge`] beyond [`MAX_ENTRIES`].
    pub fn grow(&mut self, entries: usize) -> Result<(), StatusError> {
        let wanted = self.entries().saturating_add(entries);
        if wanted > MAX_ENTRIES {
            return Err(StatusError::TooLarge);
        }
        self.bytes.resize(wanted.div_ceil(4), 0);
        Ok(())
    }

    /// ZLIB form.
    pub fn compress(&self) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder
            .write_all(&self.bytes)
            .and_then(|()| encoder.finish())
            .expect("compression into memory does not fail")
    }

    /// Reads the ZLIB form, stopping at [`MAX_ENTRIES`] however much it would unpack to.
    ///
    /// # Errors
    /// [`StatusError::Compression`] or [`StatusError::TooLarge`].
    pub fn decompress(compressed: &[u8]) -> Result<Self, StatusError> {
        let limit = MAX_ENTRIES / 4;
        let mut bytes = Vec::new();
        let mut decoder = ZlibDecoder::new(compressed).take(limit as u64 + 1);
        decoder.read_to_end(&mut bytes).map_err(|_| StatusError::Compression)?;
        if bytes.len() > limit {
            return Err(StatusError::TooLarge);
        }
        if decoder.into_inner().total_in() != compressed.len() as u64 {
            return Err(StatusError::Compression);
        }
        Ok(Self { bytes })
    }

    /// The claims to be signed with [`Signed::sign`]. Times are rounded down to seconds.
    pub fn claims(&self, list: u32, issued_at: Timestamp, ttl_s: u32, expires_at: Timestamp) -> StatusClaims {
        let whole = |at: Timestamp| Timestamp(at.0.div_euclid(1000) * 1000);
        StatusClaims {
            list,
            issued_at: whole(issued_at),
            expires_at: whole(expires_at),
            ttl_s,
            compressed: self.compress(),
        }
    }
}

impl StatusClaims {
    /// Verifies and unpacks a received list.
    ///
    /// # Errors
    /// See [`StatusError`].
    pub fn verify(bytes: &[u8], keys: &CentreKeys) -> Result<VerifiedStatusList, StatusError> {
        Self::unpack(Signed::<Self>::from_bytes(bytes.to_vec()).verify_by(keys)?)
    }

    /// Verifies and unpacks a list that was believed when it came; its key may be retired since.
    ///
    /// # Errors
    /// See [`StatusError`].
    pub fn verify_kept(bytes: &[u8], keys: &CentreKeys) -> Result<VerifiedStatusList, StatusError> {
        Self::unpack(Signed::<Self>::from_bytes(bytes.to_vec()).verify_kept(keys)?)
    }

    fn unpack(claims: Self) -> Result<VerifiedStatusList, StatusError> {
        Ok(VerifiedStatusList {
            list: claims.list,
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
            ttl_s: claims.ttl_s,
            statuses: StatusList::decompress(&claims.compressed)?,
        })
    }
}

impl VerifiedStatusList {
    /// Number of the list.
    pub fn list(&self) -> u32 {
        self.list
    }

    /// When the list was made.
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// After this the list says nothing any more.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Seconds after which a newer one should be fetched.
    pub fn ttl_s(&self) -> u32 {
        self.ttl_s
    }

    /// Whether this list may take the place of `held`: the same list, and not made before it. A list that was
    /// carried in, or kept back by somebody, never undoes a revocation.
    pub fn supersedes(&self, held: &Self) -> bool {
        self.list == held.list && self.issued_at >= held.issued_at
    }

    /// What the list says about the licence at `index`, seen from `now`.
    ///
    /// # Errors
    /// [`StatusError::Index`] when the list does not reach that far.
    pub fn look_up(&self, index: u32, now: Timestamp) -> Result<StatusAnswer, StatusError> {
        let status = self.statuses.get(index).ok_or(StatusError::Index(index))?;
        let age_ms = u64::try_from(now.0.saturating_sub(self.issued_at.0)).unwrap_or(0);
        Ok(StatusAnswer {
            status,
            issued_at: self.issued_at,
            age_ms,
            due: age_ms >= u64::from(self.ttl_s) * 1000,
            expired: now >= self.expires_at,
        })
    }
}

impl Statement for StatusClaims {
    const DOMAIN: &'static str = "application/statuslist+cwt";
    const FORM: Form = Form::Typed;
    const ROLE: Roles = Roles::STATUS_LISTS;

    fn stated_at(&self) -> Option<Timestamp> {
        Some(self.issued_at)
    }
}

const SUBJECT: &str = "urn:hallbox:status:";

impl<C> Encode<C> for StatusClaims {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.map(5)?;
        e.u8(2)?.str(&format!("{SUBJECT}{}", self.list))?;
        e.u8(4)?.i64(self.expires_at.0.div_euclid(1000))?;
        e.u8(6)?.i64(self.issued_at.0.div_euclid(1000))?;
        e.u32(65533)?.map(2)?.str("lst")?.bytes(&self.compressed)?.str("bits")?.u8(2)?;
        e.u32(65534)?.u32(self.ttl_s)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for StatusClaims {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        // Keys come in this order in the one deterministic encoding; anything else fails here or when
        // the result is compared with the bytes.
        let shape = || decode::Error::message("not the claims of a two-bit status list");
        let expect = |found: bool| if found { Ok(()) } else { Err(shape()) };
        expect(d.map()? == Some(5))?;
        expect(d.u32()? == 2)?;
        let list = d.str()?.strip_prefix(SUBJECT).and_then(|n| n.parse().ok()).ok_or_else(shape)?;
        expect(d.u32()? == 4)?;
        let expires_at = seconds(d.i64()?)?;
        expect(d.u32()? == 6)?;
        let issued_at = seconds(d.i64()?)?;
        expect(d.u32()? == 65533 && d.map()? == Some(2) && d.str()? == "lst")?;
        let compressed = d.bytes()?.to_vec();
        expect(d.str()? == "bits" && d.u8()? == 2 && d.u32()? == 65534)?;
        Ok(Self { list, issued_at, expires_at, ttl_s: d.u32()?, compressed })
    }
}

fn seconds(value: i64) -> Result<Timestamp, decode::Error> {
    value.checked_mul(1000).map(Timestamp).ok_or_else(|| decode::Error::message("time out of range"))
}

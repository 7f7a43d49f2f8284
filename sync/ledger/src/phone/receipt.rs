//! 回执: what a citizen carries home, with which anybody can ask the centre what stands behind it.

use ed25519_dalek::{SigningKey, VerifyingKey};
use hall_domain::Timestamp;
use hall_domain::case::CaseNo;
use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};

use super::claims::{Claims, absent, needed};
use super::{CodeError, MessageKind, expect};
use crate::cose::{Form, Signed, Statement};
use crate::hash::Hash;
use crate::log::LogId;

/// 回执 of a box: where in its ledger stands what the paper tells of, which is a consent (授权回执), the notice in its
/// place (依职能查验告知回执), or a submission (受理回执 and its kin). Says nothing about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperReceipt {
    /// When it was printed; whole seconds.
    pub issued: Timestamp,
    /// The ledger of the box, by whose key it is signed.
    pub log: LogId,
    /// The entry that records it. Its kind says what the paper is about.
    pub seq: u64,
    /// The leaf of that entry.
    pub leaf: Hash,
    /// 办件编号.
    pub case_no: CaseNo,
}

/// A receipt as somebody handed it in: of the right form, and nothing else is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedReceipt {
    signed: Signed<PaperReceipt>,
    log: LogId,
}

impl UnverifiedReceipt {
    /// The ledger that it names: good for finding the key.
    pub fn log(&self) -> LogId {
        self.log
    }

    /// The receipt, if the box of `key` signed it. It does not expire: what it tells of is asked for elsewhere.
    ///
    /// # Errors
    /// See [`CodeError`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<PaperReceipt, CodeError> {
        Ok(self.signed.verify(key)?)
    }
}

impl PaperReceipt {
    /// Reads a receipt as somebody handed it in.
    ///
    /// # Errors
    /// When it is not a receipt by its form.
    pub fn parse(bytes: &[u8]) -> Result<UnverifiedReceipt, CodeError> {
        expect(MessageKind::Receipt, bytes)?;
        let signed = Signed::<Self>::from_bytes(bytes.to_vec());
        let log = signed.peek()?.log;
        Ok(UnverifiedReceipt { signed, log })
    }

    /// The bytes for the paper.
    pub fn sign(&self, ledger_key: &SigningKey) -> Vec<u8> {
        Signed::sign(self, ledger_key).into_bytes()
    }
}

impl Statement for PaperReceipt {
    const DOMAIN: &'static str = MessageKind::Receipt.typ();
    const FORM: Form = Form::Typed;
}

#[derive(minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
struct Own {
    #[n(1)]
    log: LogId,
    #[n(2)]
    seq: u64,
    #[n(3)]
    leaf: Hash,
    #[n(4)]
    #[cbor(with = "crate::cbor::text")]
    case_no: CaseNo,
}

impl Encode<()> for PaperReceipt {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut ()) -> Result<(), encode::Error<W::Error>> {
        let own = Own { log: self.log, seq: self.seq, leaf: self.leaf, case_no: self.case_no.clone() };
        Claims { expires: None, issued: Some(self.issued), key: None, nonce: None, own }.encode(e, ctx)
    }
}

impl<'b> Decode<'b, ()> for PaperReceipt {
    fn decode(d: &mut Decoder<'b>, ctx: &mut ()) -> Result<Self, decode::Error> {
        let claims = Claims::<Own>::decode(d, ctx)?;
        absent(claims.expires)?;
        absent(claims.key)?;
        absent(claims.nonce)?;
        let Own { log, seq, leaf, case_no } = claims.own;
        Ok(Self { issued: needed(claims.issued)?, log, seq, leaf, case_no })
    }
}

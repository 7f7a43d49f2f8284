//! What lies at rest on the box lies sealed: personal columns under the box's data key, cached
//! licences under a key that also needs the holder's number, so that no table can be read as a
//! list of people.

use chacha20poly1305::aead::{Aead, AeadInOut, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hall_domain::HolderId;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use zeroize::Zeroizing;

const NONCE: usize = 24;
const TAG: usize = 16;

/// A sealed value that does not open: damaged, or sealed elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed value does not open")]
pub struct Unsealable;

/// The box's data key and what is done with it. Clones share the keys of columns.
#[derive(Clone)]
pub struct Vault {
    key: Zeroizing<[u8; 32]>,
    /// Deriving a column's keys takes as long as sealing a record, and there are only as many columns as the program
    /// names. Keys of holders are never kept.
    columns: Arc<RwLock<BTreeMap<String, Arc<Column>>>>,
}

/// The keys of one column.
struct Column {
    cipher: XChaCha20Poly1305,
    index: Hmac<Sha256>,
}

impl Vault {
    /// A vault on a 32-byte data key.
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self { key, columns: Arc::default() }
    }

    /// Seals a column's value. `context` names the column; a value moved to another does not open.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        seal_with(&self.column(context).cipher, context, plain)
    }

    /// Opens a sealed column.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        open_with(&self.column(context).cipher, context, sealed)
    }

    /// A blind index: equal for equal text, telling nothing else.
    pub fn index(&self, context: &str, text: &str) -> Vec<u8> {
        let mut mac = self.column(context).index.clone();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// Seals what belongs to a holder: opening needs the box's key and the holder's number.
    pub fn seal_to(&self, holder: &HolderId, plain: &[u8]) -> Vec<u8> {
        seal_with(&cipher(&self.derive("holder", holder.key().as_bytes())), "holder", plain)
    }

    /// Opens what belongs to a holder.
    pub fn open_of(&self, holder: &HolderId, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        self.of_holder(holder).open(sealed)
    }

    /// The key of a holder, derived once for several values. To be dropped with them.
    pub fn of_holder(&self, holder: &HolderId) -> OfHolder {
        OfHolder(cipher(&self.derive("holder", holder.key().as_bytes())))
    }

    fn column(&self, context: &str) -> Arc<Column> {
        let known = self.columns.read().unwrap_or_else(PoisonError::into_inner).get(context).cloned();
        known.unwrap_or_else(|| {
            #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
            let index = Hmac::<Sha256>::new_from_slice(self.derive(context, b"index").as_slice())
                .expect("HMAC takes a key of any length");
            let column = Arc::new(Column { cipher: cipher(&self.derive(context, b"")), index });
            let mut columns = self.columns.write().unwrap_or_else(PoisonError::into_inner);
            columns.insert(context.to_owned(), column.clone());
            column
        })
    }

    fn derive(&self, context: &str, salt: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0u8; 32]);
        #[expect(clippy::expect_used, reason = "32 bytes are within what HKDF-SHA-256 gives")]
        Hkdf::<Sha256>::new(Some(salt), self.key.as_slice())
            .expand(context.as_bytes(), out.as_mut_slice())
            .expect("HKDF gives 32 bytes");
        out
    }
}

/// Opens what is sealed to one holder.
pub struct OfHolder(XChaCha20Poly1305);

impl OfHolder {
    /// Opens one value.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        open_with(&self.0, "holder", sealed)
    }
}

fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key))
}

fn seal_with(cipher: &XChaCha20Poly1305, context: &str, plain: &[u8]) -> Vec<u8> {
    let mut nonce = [0u8; NONCE];
    crate::keys::fill_random(&mut nonce);
    let mut out = Vec::with_capacity(NONCE + plain.len() + TAG);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plain);
    let (_, text) = out.split_at_mut(NONCE);
    #[expect(clippy::expect_used, reason = "only inputs of 256 GB fail")]
    let tag = cipher
        .encrypt_inout_detached(&XNonce::from(nonce), context.as_bytes(), text.into())
        .expect("sealing a value in memory");
    out.extend_from_slice(&tag);
    out
}

fn open_with(cipher: &XChaCha20Poly1305, context: &str, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or(Unsealable)?;
    let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| Unsealable)?;
    cipher
        .decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: context.as_bytes() })
        .map_err(|_| Unsealable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(seed: u8) -> Vault {
        Vault::new(Zeroizing::new([seed; 32]))
    }

    fn holder(number: &str) -> HolderId {
        format!("111:{number}").parse().unwrap()
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_own_column_and_box() {
        let sealed = vault(1).seal("case", b"text");
        assert_eq!(vault(1).open("case", &sealed).unwrap(), b"text");
        assert_eq!(vault(1).open("command", &sealed), Err(Unsealable));
        assert_eq!(vault(2).open("case", &sealed), Err(Unsealable));
    }

    #[test]
    fn a_damaged_or_short_value_is_refused() {
        let mut sealed = vault(1).seal("case", b"text");
        *sealed.last_mut().unwrap() ^= 1;
        assert_eq!(vault(1).open("case", &sealed), Err(Unsealable));
        assert_eq!(vault(1).open("case", b"short"), Err(Unsealable));
    }

    #[test]
    fn what_is_sealed_to_a_holder_needs_that_holders_number() {
        let wang = holder("519900199003070011");
        let other = holder("519900200002291029");
        let sealed = vault(1).seal_to(&wang, b"licence");
        assert_eq!(vault(1).open_of(&wang, &sealed).unwrap(), b"licence");
        assert_eq!(vault(1).open_of(&other, &sealed), Err(Unsealable));
    }

    #[test]
    fn an_index_is_stable_and_differs_between_boxes() {
        assert_eq!(vault(1).index("name", "王芳"), vault(1).index("name", "王芳"));
        assert_ne!(vault(1).index("name", "王芳"), vault(2).index("name", "王芳"));
        assert_ne!(vault(1).index("name", "王芳"), vault(1).index("number", "王芳"));
    }
}

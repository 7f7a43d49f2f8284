//! The keys with which the centre signs, and those of the province's root that vouch for them; and the token that lets
//! operators in.
//!
//! All signing keys lie in one file, so that what is announced, what signs and what is retired never disagree. Another
//! process may change it (`hall-centre rotate`): a lock is held from reading it to writing it.

use crate::files;
use anyhow::{Context, bail, ensure};
use hall_domain::Timestamp;
use hall_ledger::SigningKey;
use hall_ledger::trust::SignedBundle;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

const RING: &str = "keys/trust.json";
const RING_BESIDE: &str = "keys/trust.json.new";
const RING_LOCK: &str = "keys/trust.lock";
/// The one signing key of a centre that was made before there were bundles.
const FIRST_KEY: &str = "keys/signing.key";
const OPERATOR_TOKEN: &str = "operator.token";
/// A centre restored from a backup may have published more bundles than it knows.
const RESTORED_VERSIONS: u32 = 1_000;

/// 32 bytes that nobody else may know, as hexadecimal text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Secret(String);

impl Secret {
    fn draw() -> anyhow::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).context("draw a key")?;
        Ok(Self(hex::encode(seed)))
    }

    fn bytes(&self) -> anyhow::Result<[u8; 32]> {
        let mut seed = [0; 32];
        hex::decode_to_slice(self.0.trim(), &mut seed).context("read a key")?;
        Ok(seed)
    }
}

/// The file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RingFile {
    /// Of the newest bundle, published or about to be.
    version: u32,
    /// The current root and, while it is announced, the next.
    roots: Vec<Secret>,
    /// Oldest first.
    signing: Vec<SigningRow>,
    /// The newest published bundle, hexadecimal; none when what it says has changed since.
    bundle: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SigningRow {
    seed: Secret,
    not_before: Timestamp,
    not_after: Option<Timestamp>,
    retired: bool,
}

/// One signing key as operators and bundles see it.
pub struct Standing {
    /// The key.
    pub key: SigningKey,
    /// First moment of what it signs.
    pub not_before: Timestamp,
    /// Last moment, once a next one is announced.
    pub not_after: Option<Timestamp>,
    /// Whether it only verifies.
    pub retired: bool,
}

/// What the ring holds, ready for use.
pub struct Ring {
    /// Version of the newest bundle.
    pub version: u32,
    /// The current root and the next.
    pub roots: Vec<SigningKey>,
    /// Oldest first.
    pub signing: Vec<Standing>,
    /// The newest bundle, if it says what is true.
    pub bundle: Option<SignedBundle>,
    file: RingFile,
}

impl Ring {
    fn of(file: RingFile) -> anyhow::Result<Self> {
        let key = |seed: &Secret| Ok::<_, anyhow::Error>(SigningKey::from_bytes(&seed.bytes()?));
        let standing = |row: &SigningRow| {
            let SigningRow { ref seed, not_before, not_after, retired } = *row;
            Ok(Standing { key: key(seed)?, not_before, not_after, retired })
        };
        let bundle = file.bundle.as_ref().map(|text| {
            let bytes = hex::decode(text).context("read the trust bundle")?;
            hall_ledger::cbor::unpack(&bytes).context("read the trust bundle")
        });
        let ring = Self {
            version: file.version,
            roots: file.roots.iter().map(key).collect::<anyhow::Result<_>>()?,
            signing: file.signing.iter().map(standing).collect::<anyhow::Result<_>>()?,
            bundle: bundle.transpose()?,
            file,
        };
        ensure!(!ring.signing.is_empty() && !ring.roots.is_empty(), "the ring of keys is empty");
        Ok(ring)
    }

    /// The key that signs what is stated at `at`.
    fn signer(&self, at: Timestamp) -> &SigningKey {
        let open = self.signing.iter().rev().find(|key| !key.retired && key.not_before <= at);
        // A clock before the first key's time: the oldest one that still signs.
        let first = open.or_else(|| self.signing.iter().find(|key| !key.retired));
        &first.unwrap_or(&self.signing[0]).key
    }
}

/// 密钥环: everything that the centre signs with.
pub struct KeyRing {
    folder: PathBuf,
    ring: RwLock<Ring>,
}

impl KeyRing {
    /// Makes root and first signing key in `folder`. Refuses to overwrite them.
    pub fn create(folder: &Path) -> anyhow::Result<Self> {
        let file = first_ring(Secret::draw()?)?;
        files::create_secret(&folder.join(RING), &serde_json::to_vec_pretty(&file)?)
            .context("keep the ring of keys")?;
        Ok(Self { folder: folder.to_owned(), ring: RwLock::new(Ring::of(file)?) })
    }

    /// Reads the ring in `folder`. A centre from before there were bundles gets a root for its one key.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let first = folder.join(FIRST_KEY);
        if !folder.join(RING).exists() && first.exists() {
            let seed = Secret(std::fs::read_to_string(first).context("read the signing key")?);
            let file = first_ring(seed)?;
            files::create_secret(&folder.join(RING), &serde_json::to_vec_pretty(&file)?)
                .context("keep the ring of keys")?;
        }
        let ring = Ring::of(read(folder)?)?;
        Ok(Self { folder: folder.to_owned(), ring: RwLock::new(ring) })
    }

    /// The key that signs what is stated at `at`.
    pub fn signer(&self, at: Timestamp) -> SigningKey {
        self.look(|ring| ring.signer(at).clone())
    }

    /// A secret of this centre that stays the same over rotations, for what has to come out the same again.
    pub fn lasting_secret(&self) -> [u8; 32] {
        self.look(|ring| ring.signing[0].key.to_bytes())
    }

    /// The keys that a new box pins until its first bundle.
    pub fn pins(&self) -> Vec<String> {
        let hex = |key: &Standing| hex::encode(key.key.verifying_key().as_bytes());
        self.look(|ring| ring.signing.iter().filter(|key| !key.retired).map(hex).collect())
    }

    /// The root that a new box pins: the one that stays.
    pub fn root(&self) -> Option<String> {
        self.look(|ring| ring.roots.last().map(|root| hex::encode(root.verifying_key().as_bytes())))
    }

    /// All public keys that a kept statement of this centre may be of.
    pub fn verifying(&self) -> Vec<hall_ledger::VerifyingKey> {
        self.look(|ring| ring.signing.iter().map(|key| key.key.verifying_key()).collect())
    }

    /// Looks at the ring as it is now.
    pub fn look<T>(&self, look: impl FnOnce(&Ring) -> T) -> T {
        look(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over what another process has written.
    pub fn reload(&self) -> anyhow::Result<()> {
        let file = read(&self.folder)?;
        if self.look(|ring| ring.file != file) {
            self.put(Ring::of(file)?);
        }
        Ok(())
    }

    /// Makes the next signing key, which signs from `from` on. One that is announced already is moved to an earlier
    /// `from`, never doubled.
    pub fn rotate(&self, now: Timestamp, from: Timestamp) -> anyhow::Result<()> {
        self.change(|file| {
            ensure!(from > now, "a key cannot sign in the past");
            let next = file.signing.iter().position(|key| now < key.not_before);
            let at = match next {
                Some(at) if file.signing[at].not_before <= from => {
                    bail!(
                        "the next key is announced already; it signs from {}",
                        file.signing[at].not_before.to_display()
                    )
                }
                Some(at) => at,
                None => {
                    let seed = Secret::draw()?;
                    file.signing.push(SigningRow { seed, not_before: from, not_after: None, retired: false });
                    file.signing.len() - 1
                }
            };
            file.signing[at].not_before = from;
            if let Some(before) = at.checked_sub(1) {
                file.signing[before].not_after = Some(from.plus_ms(-1));
            }
            file.bundle = None;
            Ok(())
        })
    }

    /// Announces the next root; with `now`, the announced one takes the old one's place.
    pub fn rotate_root(&self, now: bool) -> anyhow::Result<()> {
        self.change(|file| {
            match (file.roots.len(), now) {
                (1, false) => file.roots.push(Secret::draw()?),
                (1, true) => bail!("announce the next root first, and wait until every hall has heard of it"),
                (_, false) => bail!("the next root is announced already"),
                (_, true) => drop(file.roots.remove(0)),
            }
            file.bundle = None;
            Ok(())
        })
    }

    /// Says that the centre was restored from a backup: bundles go on beyond all that it may have published.
    pub fn restored(&self) -> anyhow::Result<()> {
        self.change(|file| {
            file.version = file.version.saturating_add(RESTORED_VERSIONS);
            file.bundle = None;
            Ok(())
        })
    }

    /// Whether time has made the bundle untrue: a key has had its time.
    pub fn overtaken(&self, now: Timestamp) -> bool {
        self.look(|ring| ring.file.clone().catch_up(now))
    }

    /// Publishes: brings the ring up to date, and keeps the bundle that `sign` makes of it.
    pub fn publish(&self, now: Timestamp, sign: impl FnOnce(&Ring) -> SignedBundle) -> anyhow::Result<()> {
        self.change(|file| {
            file.catch_up(now);
            file.version = file.version.saturating_add(1);
            let bundle = sign(&Ring::of(file.clone())?);
            file.bundle = Some(hex::encode(hall_ledger::cbor::pack(&bundle)));
            Ok(())
        })
    }

    fn change(&self, change: impl FnOnce(&mut RingFile) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let lock = File::create(self.folder.join(RING_LOCK)).context("lock the ring of keys")?;
        lock.lock().context("lock the ring of keys")?;
        let mut file = read(&self.folder)?;
        change(&mut file)?;
        let ring = Ring::of(file)?;
        let bytes = serde_json::to_vec_pretty(&ring.file)?;
        files::put_secret(&self.folder.join(RING), &self.folder.join(RING_BESIDE), &bytes)
            .context("keep the ring of keys")?;
        self.put(ring);
        Ok(())
    }

    fn put(&self, ring: Ring) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }
}

impl RingFile {
    /// Retires keys that have had their time; says whether there was one.
    fn catch_up(&mut self, now: Timestamp) -> bool {
        let mut changed = false;
        for key in &mut self.signing {
            let over = key.not_after.is_some_and(|end| end < now);
            if over && !key.retired {
                key.retired = true;
                changed = true;
            }
        }
        changed
    }
}

fn first_ring(seed: Secret) -> anyhow::Result<RingFile> {
    let first = SigningRow { seed, not_before: Timestamp(0), not_after: None, retired: false };
    Ok(RingFile { version: 0, roots: vec![Secret::draw()?], signing: vec![first], bundle: None })
}

fn read(folder: &Path) -> anyhow::Result<RingFile> {
    let bytes = std::fs::read(folder.join(RING)).context("read the ring of keys")?;
    // The parser's own words could quote a secret.
    serde_json::from_slice(&bytes).map_err(|_| anyhow::anyhow!("the ring of keys is damaged"))
}

/// What an operator's program shows as `Authorization: Bearer …`.
#[derive(Clone)]
pub struct OperatorToken(String);

impl OperatorToken {
    /// Makes a new token in `folder`. Refuses to overwrite one.
    pub fn create(folder: &Path) -> anyhow::Result<()> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).context("draw an operator token")?;
        let text = hex::encode(bytes);
        files::create_secret(&folder.join(OPERATOR_TOKEN), text.as_bytes()).context("keep the operator token")
    }

    /// Reads the token in `folder`.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(folder.join(OPERATOR_TOKEN)).context("read the operator token")?;
        let text = text.trim().to_owned();
        if text.len() < 32 {
            bail!("the operator token is shorter than 32 characters");
        }
        Ok(Self(text))
    }

    /// Whether `shown` is the token. Takes the same time for every wrong token of the same length.
    pub fn matches(&self, shown: &str) -> bool {
        let (expected, shown) = (self.0.as_bytes(), shown.as_bytes());
        let difference = expected.iter().zip(shown).fold(0, |difference, (a, b)| difference | (a ^ b));
        expected.len() == shown.len() && std::hint::black_box(difference) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_lets_in() {
        let folder = tempfile::tempdir().unwrap();
        OperatorToken::create(folder.path()).unwrap();
        let token = OperatorToken::open(folder.path()).unwrap();
        let text = std::fs::read_to_string(folder.path().join(OPERATOR_TOKEN)).unwrap();
        assert!(token.matches(&text));
        assert!(!token.matches(&text[1..]));
        assert!(!token.matches(&format!("{text}0")));
        assert!(!token.matches(&text.replace(|c: char| c.is_ascii_digit(), "x")));
        assert!(!token.matches(""));
    }

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn keys_survive_a_restart_and_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let made = KeyRing::create(folder.path()).unwrap();
        let opened = KeyRing::open(folder.path()).unwrap();
        assert_eq!(opened.signer(NOW).to_bytes(), made.signer(NOW).to_bytes());
        assert_eq!((opened.root(), opened.pins()), (made.root(), made.pins()));
        assert!(KeyRing::create(folder.path()).is_err());
    }

    #[test]
    fn a_centre_from_before_bundles_keeps_its_key() {
        let folder = tempfile::tempdir().unwrap();
        files::create_secret(&folder.path().join(FIRST_KEY), hex::encode([5; 32]).as_bytes()).unwrap();
        let ring = KeyRing::open(folder.path()).unwrap();
        assert_eq!(ring.signer(NOW).to_bytes(), [5; 32]);
        assert_eq!(KeyRing::open(folder.path()).unwrap().root(), ring.root(), "the root is made once");
    }

    #[test]
    fn the_next_key_signs_from_its_day_on_and_can_only_come_earlier() {
        let folder = tempfile::tempdir().unwrap();
        let ring = KeyRing::create(folder.path()).unwrap();
        let first = ring.signer(NOW);
        let from = NOW.plus_hours(24 * 30);
        ring.rotate(NOW, from).unwrap();
        assert_eq!(ring.signer(from.plus_ms(-1)), first);
        assert_ne!(ring.signer(from), first);
        assert_eq!(ring.pins().len(), 2, "a box that enrols now pins both");
        assert!(ring.rotate(NOW, from.plus_hours(1)).is_err(), "one announcement at a time");
        // Another process moves it forward; this one learns of it.
        let other = KeyRing::open(folder.path()).unwrap();
        other.rotate(NOW, NOW.plus_seconds(10)).unwrap();
        ring.reload().unwrap();
        assert_ne!(ring.signer(NOW.plus_seconds(10)), first);
        assert_eq!(ring.look(|ring| ring.signing.len()), 2);
        assert!(ring.overtaken(NOW.plus_seconds(10)), "the first key has had its time");
    }
}

//! The box's secrets on disk: ledger key, data key, and the hall's own certificate authority.
//! Files are made once, readable by their owner alone.

use crate::vault::Vault;
use anyhow::{Context, Result};
use ed25519_dalek::SigningKey;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;
use zeroize::Zeroizing;

/// Fills a buffer with the system's random bytes.
pub fn fill_random(buffer: &mut [u8]) {
    #[expect(clippy::expect_used, reason = "without randomness nothing may go on")]
    getrandom::fill(buffer).expect("the system gives random bytes");
}

/// Random bytes as lower-case hexadecimal.
pub fn random_hex(bytes: usize) -> String {
    let mut buffer = vec![0u8; bytes];
    fill_random(&mut buffer);
    hex::encode(buffer)
}

/// Everything secret that the box owns.
pub struct Keys {
    /// Signs ledger entries and checkpoints, and documents for devices.
    pub ledger: SigningKey,
    /// Seals what is at rest.
    pub vault: Vault,
    /// The hall's certificate authority, PEM.
    pub ca_pem: String,
    /// The web certificate chain, PEM.
    pub certificate_pem: String,
    /// The web certificate's key, PEM.
    pub key_pem: Zeroizing<String>,
}

impl Keys {
    /// Loads the keys of a data folder, making those that are missing.
    pub fn load_or_make(dir: &Path, names: &[String]) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("make the key folder {}", dir.display()))?;
        let ledger = SigningKey::from_bytes(&*secret(&dir.join("ledger.key"))?);
        let vault = Vault::new(secret(&dir.join("data.key"))?);
        let (ca_pem, certificate_pem, key_pem) = web_certificate(dir, names)?;
        Ok(Self { ledger, vault, ca_pem, certificate_pem, key_pem })
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .with_context(|| format!("write {}", temporary.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path).with_context(|| format!("put {} in place", path.display()))?;
    // The name is on disk once its folder is.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sync_dir(folder).with_context(|| format!("keep {}", folder.display()))
}

/// Returns once the names in a folder are on disk.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn secret(path: &Path) -> Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0u8; 32]);
    if path.exists() {
        let bytes = Zeroizing::new(fs::read(path).with_context(|| format!("read {}", path.display()))?);
        anyhow::ensure!(bytes.len() == 32, "{} is not a key of 32 bytes", path.display());
        key.copy_from_slice(&bytes);
    } else {
        fill_random(key.as_mut_slice());
        write_private(path, key.as_slice())?;
    }
    Ok(key)
}

fn web_certificate(dir: &Path, names: &[String]) -> Result<(String, String, Zeroizing<String>)> {
    let (ca, ca_key) = (dir.join("hall-ca.pem"), dir.join("hall-ca.key"));
    let (leaf, leaf_key) = (dir.join("web.pem"), dir.join("web.key"));
    if !ca.exists() {
        let key = KeyPair::generate()?;
        let certificate = authority_params().self_signed(&key)?;
        write_private(&ca_key, key.serialize_pem().as_bytes())?;
        write_private(&ca, certificate.pem().as_bytes())?;
    }
    let ca_pem = fs::read_to_string(&ca)?;
    if !leaf.exists() || !is_for(&fs::read(&leaf)?, names) {
        let issuer_key = KeyPair::from_pem(&Zeroizing::new(fs::read_to_string(&ca_key)?))?;
        let issuer = Issuer::from_ca_cert_pem(&ca_pem, issuer_key)?;
        // The key stays: a crash between two files would otherwise leave a pair that does not fit.
        let key = if leaf_key.exists() {
            KeyPair::from_pem(&Zeroizing::new(fs::read_to_string(&leaf_key)?))?
        } else {
            let key = KeyPair::generate()?;
            write_private(&leaf_key, key.serialize_pem().as_bytes())?;
            key
        };
        let certificate = leaf_params(names)?.signed_by(&key, &issuer)?;
        write_private(&leaf, format!("{}{ca_pem}", certificate.pem()).as_bytes())?;
    }
    Ok((ca_pem, fs::read_to_string(&leaf)?, Zeroizing::new(fs::read_to_string(&leaf_key)?)))
}

/// Whether the first certificate of a chain is for exactly these names and addresses.
fn is_for(pem: &[u8], names: &[String]) -> bool {
    let Ok((_, pem)) = parse_x509_pem(pem) else { return false };
    let Ok(certificate) = pem.parse_x509() else { return false };
    let Ok(Some(held)) = certificate.subject_alternative_name() else { return names.is_empty() };
    let held: Option<BTreeSet<String>> = held.value.general_names.iter().map(named).collect();
    held == Some(names.iter().map(|name| canonical(name)).collect())
}

fn named(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    }
}

/// An address in its one form; a name as it is.
fn canonical(name: &str) -> String {
    name.parse::<IpAddr>().map_or_else(|_| name.to_owned(), |address| address.to_string())
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "hall box CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf_params(names: &[String]) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "hall box");
    for name in names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => {
                SanType::DnsName(name.as_str().try_into().with_context(|| format!("host name {name:?}"))?)
            }
        });
    }
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keys_are_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let first = Keys::load_or_make(dir.path(), &names).unwrap();
        let second = Keys::load_or_make(dir.path(), &names).unwrap();
        assert_eq!(first.ledger.to_bytes(), second.ledger.to_bytes());
        assert_eq!(first.certificate_pem, second.certificate_pem);
        for name in ["ledger.key", "data.key", "web.key", "hall-ca.key"] {
            let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn another_name_gets_another_certificate_of_the_same_authority_and_key() {
        let dir = tempfile::tempdir().unwrap();
        let load = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Keys::load_or_make(dir.path(), &names).unwrap()
        };
        let first = load(&["hallbox.local", "192.0.2.10", "2001:db8::1"]);
        let same = load(&["192.0.2.10", "hallbox.local", "2001:DB8:0::1"]);
        assert_eq!(first.certificate_pem, same.certificate_pem, "the order says nothing");
        let moved = load(&["hallbox.local", "192.0.2.11", "2001:db8::1"]);
        assert_ne!(first.certificate_pem, moved.certificate_pem);
        assert_eq!((&first.ca_pem, &first.key_pem), (&moved.ca_pem, &moved.key_pem));
        assert!(is_for(
            moved.certificate_pem.as_bytes(),
            &["hallbox.local", "192.0.2.11", "2001:db8::1"].map(str::to_owned)
        ));
        crate::tls::acceptor(&moved).unwrap();
        let fewer = load(&["hallbox.local"]);
        assert!(!is_for(fewer.certificate_pem.as_bytes(), &["192.0.2.11".to_owned()]));
    }

    #[test]
    fn a_damaged_key_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ledger.key"), b"short").unwrap();
        let error = Keys::load_or_make(dir.path(), &[]).err().unwrap().to_string();
        assert!(error.contains("ledger.key"), "{error}");
    }
}

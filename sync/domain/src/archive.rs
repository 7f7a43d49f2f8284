//! What the archive package of one case holds.

use serde::{Deserialize, Serialize};

use crate::identifier::ItemCode;
use crate::time::Timestamp;

/// 预归档清单: the list of all files of one case's archive package, in the order in which they are packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// 办件编号.
    pub case_no: String,
    /// 事项实施编码.
    pub item: ItemCode,
    /// 事项名称, as it was called then.
    pub item_name: String,
    /// Version of the item that the form and the materials follow.
    pub item_version: u32,
    /// When the package was sealed.
    pub created: Timestamp,
    /// Whether any evidence in it was taken with the line down, so that it awaits review (待复核).
    pub offline: bool,
    /// The files, sorted by path.
    pub entries: Vec<ManifestItem>,
}

/// 清单项: one file of the package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ManifestItem {
    /// Path in the package, relative, with forward slashes.
    pub path: String,
    /// Such as `application/pdf`.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Where it came from.
    pub source: ManifestSource,
}

/// 材料来源: where a file of the package came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManifestSource {
    /// 电子证照.
    Licence,
    /// 申请表.
    Form,
    /// 用证授权 and its evidence.
    Consent,
    /// 扫描件 attached by the clerk.
    Scan,
    /// 核验证据: identity, policy and signatures.
    Evidence,
    /// 受理回执.
    Receipt,
}

/// Why a manifest is not one that a package can be built by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("archive manifest: {place}: {rule}")]
pub struct ManifestError {
    /// The path in question, or the case number.
    pub place: String,
    /// The rule in words.
    pub rule: &'static str,
}

impl Manifest {
    /// Checks that paths stay inside the package, are sorted and stand once, and that each digest is one.
    ///
    /// # Errors
    /// The first broken rule.
    pub fn check(&self) -> Result<(), ManifestError> {
        let broken = |place: &str, rule| Err(ManifestError { place: place.to_owned(), rule });
        for pair in self.entries.windows(2) {
            if pair[0].path >= pair[1].path {
                return broken(&pair[1].path, "paths are not sorted, or one stands twice");
            }
        }
        for entry in &self.entries {
            let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\\');
            if !entry.path.split('/').all(plain) || entry.path.chars().any(char::is_control) {
                return broken(&entry.path, "the path leaves the package");
            }
            let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if entry.sha256.len() != 64 || !entry.sha256.bytes().all(hex) {
                return broken(&entry.path, "the digest is not 64 lower-case hexadecimal digits");
            }
        }
        Ok(())
    }

    /// The size of all files together, in bytes.
    #[must_use]
    pub fn total_size(&self) -> u64 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(paths: &[&str]) -> Manifest {
        let entry = |path: &&str| ManifestItem {
            path: (*path).to_owned(),
            media_type: "application/pdf".into(),
            size: 3,
            sha256: "ab".repeat(32),
            source: ManifestSource::Scan,
        };
        Manifest {
            case_no: "x".into(),
            item: "11519900MBTE5T09680000000000001".parse().unwrap(),
            item_name: "x".into(),
            item_version: 1,
            created: Timestamp(0),
            offline: false,
            entries: paths.iter().map(entry).collect(),
        }
    }

    #[test]
    fn a_manifest_names_files_inside_the_package_once_and_in_order() {
        assert_eq!(manifest(&["form.json", "scans/m1-1.pdf"]).check(), Ok(()));
        assert_eq!(manifest(&["form.json", "scans/m1-1.pdf"]).total_size(), 6);
        for wrong in [
            &["b", "a"][..],
            &["a", "a"],
            &["../a"],
            &["/a"],
            &["a//b"],
            &["a/./b"],
            &["a\\b"],
            &[""],
            &["a\n"],
        ] {
            assert!(manifest(wrong).check().is_err(), "{wrong:?}");
        }
        let mut short = manifest(&["a"]);
        short.entries[0].sha256.pop();
        assert!(short.check().is_err());
    }
}

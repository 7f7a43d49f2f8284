//! Reading the catalogue and the register from TOML.

use anyhow::{Context, ensure};
use hall_domain::{Catalogue, Register};
use std::path::{Path, PathBuf};

const BUILT_IN: &str = include_str!("../data/catalogue.toml");

/// Reads the catalogue: a file, a folder of files that add up to one, or the one that is built in.
///
/// # Errors
/// When a file cannot be read, or something in the catalogue points nowhere.
pub fn catalogue(path: Option<&Path>) -> anyhow::Result<Catalogue> {
    let table = match path {
        None => BUILT_IN.parse().context("read the built-in catalogue")?,
        Some(path) => merged(path)?,
    };
    table.try_into().context("read the catalogue")
}

/// Reads the register from a folder (or one file) and checks it against the catalogue.
///
/// # Errors
/// When a file cannot be read, or the register is not consistent.
pub fn register(path: &Path, catalogue: &Catalogue) -> anyhow::Result<Register> {
    let register: Register = merged(path)?.try_into().context("read the register")?;
    register.checked(catalogue).context("check the register")
}

/// One table from all TOML files: lists are joined, other values may be given once.
fn merged(path: &Path) -> anyhow::Result<toml::Table> {
    let mut table = toml::Table::new();
    for file in toml_files(path)? {
        let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let part: toml::Table = text.parse().with_context(|| format!("read {}", file.display()))?;
        for (key, value) in part {
            match (table.get_mut(&key), value) {
                (Some(toml::Value::Array(known)), toml::Value::Array(more)) => known.extend(more),
                (None, value) => {
                    table.insert(key, value);
                }
                (Some(_), _) => anyhow::bail!("{}: {key} was given before", file.display()),
            }
        }
    }
    Ok(table)
}

fn toml_files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for file in std::fs::read_dir(path).with_context(|| format!("read {}", path.display()))? {
        let file = file?.path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            files.push(file);
        }
    }
    ensure!(!files.is_empty(), "{} holds no TOML file", path.display());
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalogue_points_nowhere_wrong() {
        let catalogue = catalogue(None).unwrap();
        assert!(catalogue.kinds().len() >= 40, "{} kinds", catalogue.kinds().len());
        assert!(catalogue.items().len() >= 15, "{} items", catalogue.items().len());
    }

    #[test]
    fn a_folder_of_files_adds_up_and_nothing_is_given_twice() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("a.toml", "version = 7\nkinds = []\n");
        write("b.toml", "items = []\nkinds = []\n");
        assert_eq!(catalogue(Some(folder.path())).unwrap().version(), 7);
        write("c.toml", "version = 8\n");
        assert!(catalogue(Some(folder.path())).is_err());
    }
}

//! The licence cache: opening one licence among ten thousand, a million and ten million, beside the bare read of the same
//! row; taking a whole
//! district in; the list that says which licences are still valid; and the code by which a person is known.

mod code;
mod install;
mod open;
mod status;
mod synthetic;

use std::path::Path;

use anyhow::{Context, Result};

use super::Row;

/// Measures.
///
/// # Errors
/// If a cache cannot be made, or a licence does not open.
pub fn run(folder: &Path, largest: usize, short: bool) -> Result<Vec<Row>> {
    std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let mut rows = Vec::new();
    let list = status::run(short, &mut rows)?;
    rows.extend(code::run(short).context("service code")?);
    let district = tempfile::tempdir_in(folder).context("make a folder for a district")?;
    rows.extend(
        install::run(district.path(), if short { 2_000 } else { largest.min(1_000_000) })
            .context("install")?,
    );
    drop(district);
    let sizes: &[usize] = if short { &[2_000] } else { &[10_000, 1_000_000, 10_000_000] };
    for size in sizes.iter().filter(|size| **size <= largest) {
        let folder = tempfile::tempdir_in(folder).context("make a folder for a cache")?;
        rows.extend(
            open::run(folder.path(), *size, &list, short).with_context(|| format!("{size} licences"))?,
        );
    }
    Ok(rows)
}

/// "10 k", "1 M".
fn words(count: usize) -> String {
    match count {
        1_000_000.. => format!("{} M", count / 1_000_000),
        1_000.. => format!("{} k", count / 1_000),
        _ => count.to_string(),
    }
}

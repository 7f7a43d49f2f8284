//! Files that must be whole and durable when their name exists.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a new file that everybody may read. Fails if the name is taken.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create_with(path, bytes, 0o644)
}

/// Writes a new file that only this user may read. Fails if the name is taken.
pub fn create_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create_with(path, bytes, 0o600)
}

fn create_with(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = folder_of(path)?;
    fs::create_dir_all(folder)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_folder(folder)
}

/// Puts `bytes` under `path` in one step: the file `beside` on the same disk, fsync, rename, fsync of the folder.
/// After a crash the name is either absent or whole. Doing it again is harmless; failing leaves nothing `beside`.
pub fn put(path: &Path, beside: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path)?;
    if let Err(error) = put_beside(path, beside, bytes) {
        let _ = fs::remove_file(beside);
        return Err(error);
    }
    sync_folder(folder)
}

/// As [`put`], for what only this user may read.
pub fn put_secret(path: &Path, beside: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    create_secret(beside, bytes)?;
    fs::rename(beside, path)?;
    sync_folder(folder_of(path)?)
}

fn put_beside(path: &Path, beside: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(beside, path)
}

/// Makes a folder that holds nothing, whatever a crash left in it.
pub fn emptied(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(folder)
}

/// Makes a change of names in `folder` durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn folder_of(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "path has no folder"))
}

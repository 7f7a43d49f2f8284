//! 附件: what packages are made of, in a folder, by content.
//!
//! `<folder>/<first two digits>/<id>/` holds `manifest`, one file for each chunk and, once all
//! are there, `sealed`. A file gets its name only when it is verified, whole and fsynced, so
//! the names are the bitmap: there is no second record that could disagree with them.

use crate::files;
use hall_ledger::BlobId;
use hall_ledger::blob::{Bitmap, BlobError, MAX_CHUNKS, Manifest};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const MANIFEST: &str = "manifest";
const SEALED: &str = "sealed";
/// Where files are written before they get their names; nothing in it outlives the process.
const UNDER_WAY: &str = "tmp";

/// Why a blob could not be taken or given.
#[derive(Debug, thiserror::Error)]
pub enum BlobStoreError {
    /// Manifest or chunk are not what they should be.
    #[error(transparent)]
    Content(#[from] BlobError),
    /// Nothing of this blob is here.
    #[error("blob {0} was never offered")]
    Unknown(BlobId),
    /// Sealing before all chunks are here.
    #[error("blob {0} is not complete")]
    Incomplete(BlobId),
    /// Disk full, folder gone.
    #[error("blob folder")]
    Disk(#[from] io::Error),
    /// The process is shutting down.
    #[error("the blob store is closing")]
    Closing,
}

/// What is here of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobState {
    /// Number of chunks that it has.
    pub chunks: usize,
    /// Those that are here.
    pub have: Bitmap,
    /// Whether it may be read as whole.
    pub sealed: bool,
}

/// The folder of blobs. All work on files happens on blocking threads.
#[derive(Clone)]
pub struct BlobStore {
    root: Arc<PathBuf>,
    /// Makes the names of beside-files distinct, so that two uploads of one chunk do not meet.
    beside: Arc<AtomicU64>,
}

impl BlobStore {
    /// Opens the folder, making it if need be, and sweeps away what a crash left half written.
    pub fn open(root: PathBuf) -> io::Result<Self> {
        files::emptied(&root.join(UNDER_WAY))?;
        Ok(Self { root: Arc::new(root), beside: Arc::new(AtomicU64::new(0)) })
    }

    /// Takes a manifest and says what is here. Offering a blob again is harmless.
    pub async fn offer(&self, id: BlobId, manifest: Vec<u8>) -> Result<BlobState, BlobStoreError> {
        self.blocking(move |store| {
            Manifest::read(&manifest, id)?;
            let folder = store.folder(id);
            if !folder.join(MANIFEST).exists() {
                let parent = folder.parent().ok_or(io::ErrorKind::InvalidInput).map_err(io::Error::from)?;
                std::fs::create_dir_all(&folder)?;
                files::put(&folder.join(MANIFEST), &store.beside(), &manifest)?;
                files::sync_folder(parent)?;
                files::sync_folder(&store.root)?;
            }
            store.state_of(id)
        })
        .await
    }

    /// What is here of a blob.
    pub async fn state(&self, id: BlobId) -> Result<BlobState, BlobStoreError> {
        self.blocking(move |store| store.state_of(id)).await
    }

    /// Takes chunk `n`. A chunk that is here already is left as it is.
    pub async fn put_chunk(
        &self,
        id: BlobId,
        n: usize,
        bytes: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<(), BlobStoreError> {
        self.blocking(move |store| {
            store.manifest(id)?.check_chunk(n, bytes.as_ref())?;
            let path = store.folder(id).join(n.to_string());
            if !path.exists() {
                files::put(&path, &store.beside(), bytes.as_ref())?;
            }
            Ok(())
        })
        .await
    }

    /// Declares the blob whole, if it is. Doing it again is harmless.
    pub async fn seal(&self, id: BlobId) -> Result<(), BlobStoreError> {
        self.blocking(move |store| {
            let state = store.state_of(id)?;
            if state.sealed {
                return Ok(());
            }
            if !state.have.is_full() {
                return Err(BlobStoreError::Incomplete(id));
            }
            Ok(files::put(&store.folder(id).join(SEALED), &store.beside(), b"")?)
        })
        .await
    }

    /// How many of `ids` are not here whole.
    pub async fn lacking(&self, ids: Vec<BlobId>) -> Result<usize, BlobStoreError> {
        self.blocking(move |store| {
            Ok(ids.iter().filter(|id| !store.folder(**id).join(SEALED).exists()).count())
        })
        .await
    }

    /// The content of a sealed blob, in pieces of one chunk.
    pub async fn read_chunk(&self, id: BlobId, n: usize) -> Result<Vec<u8>, BlobStoreError> {
        self.blocking(move |store| {
            if !store.folder(id).join(SEALED).exists() {
                return Err(BlobStoreError::Incomplete(id));
            }
            let bytes = std::fs::read(store.folder(id).join(n.to_string()))?;
            store.manifest(id)?.check_chunk(n, &bytes)?;
            Ok(bytes)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, BlobStoreError> + Send + 'static,
    ) -> Result<T, BlobStoreError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(&store)).await.map_err(|_| BlobStoreError::Closing)?
    }

    fn state_of(&self, id: BlobId) -> Result<BlobState, BlobStoreError> {
        let chunks = self.manifest(id)?.chunk_count();
        let mut have = Bitmap::empty(chunks);
        let mut sealed = false;
        for file in std::fs::read_dir(self.folder(id))? {
            let name = file?.file_name();
            match name.to_str() {
                Some(SEALED) => sealed = true,
                Some(name) => name.parse().into_iter().for_each(|n| have.set(n)),
                None => {}
            }
        }
        Ok(BlobState { chunks, have, sealed })
    }

    fn manifest(&self, id: BlobId) -> Result<Manifest, BlobStoreError> {
        let bytes = std::fs::read(self.folder(id).join(MANIFEST)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobStoreError::Unknown(id),
            _ => error.into(),
        })?;
        Ok(Manifest::read(&bytes, id)?)
    }

    fn folder(&self, id: BlobId) -> PathBuf {
        let name = id.to_string();
        Path::new(self.root.as_path()).join(&name[..2]).join(&name)
    }

    fn beside(&self) -> PathBuf {
        self.root.join(UNDER_WAY).join(self.beside.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

/// The largest chunk number in a URL that is worth looking at.
pub fn chunk_number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|n| *n < MAX_CHUNKS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hall_ledger::blob::CHUNK;

    fn scan() -> (Vec<u8>, Manifest) {
        let bytes: Vec<u8> = (0..2 * CHUNK + 77).map(|n| (n % 251) as u8).collect();
        let manifest = Manifest::of(&bytes).unwrap();
        (bytes, manifest)
    }

    #[tokio::test]
    async fn chunks_come_in_any_order_and_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let (bytes, manifest) = scan();
        let (id, chunks): (_, Vec<&[u8]>) = (manifest.id(), bytes.chunks(CHUNK).collect());
        let store = BlobStore::open(folder.path().to_owned()).unwrap();
        assert!(!store.offer(id, manifest.to_bytes()).await.unwrap().have.has(0));
        store.put_chunk(id, 2, chunks[2].to_vec()).await.unwrap();
        assert!(matches!(store.seal(id).await, Err(BlobStoreError::Incomplete(_))));
        assert_eq!(store.lacking(vec![id]).await.unwrap(), 1);

        let store = BlobStore::open(folder.path().to_owned()).unwrap();
        let state = store.state(id).await.unwrap();
        assert_eq!(state.have.missing().collect::<Vec<_>>(), [0, 1]);
        for n in [1, 0, 1] {
            store.put_chunk(id, n, chunks[n].to_vec()).await.unwrap();
        }
        store.seal(id).await.unwrap();
        store.seal(id).await.unwrap();
        assert!(store.offer(id, manifest.to_bytes()).await.unwrap().sealed);
        assert_eq!(store.lacking(vec![id]).await.unwrap(), 0);
        let mut read = Vec::new();
        for n in 0..3 {
            read.extend(store.read_chunk(id, n).await.unwrap());
        }
        assert_eq!(read, bytes);
    }

    #[tokio::test]
    async fn a_wrong_manifest_or_chunk_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (bytes, manifest) = scan();
        let store = BlobStore::open(folder.path().to_owned()).unwrap();
        let other = Manifest::of(b"other").unwrap();
        assert!(matches!(
            store.offer(manifest.id(), other.to_bytes()).await,
            Err(BlobStoreError::Content(_))
        ));
        assert!(matches!(store.state(manifest.id()).await, Err(BlobStoreError::Unknown(_))));
        store.offer(manifest.id(), manifest.to_bytes()).await.unwrap();
        let wrong = store.put_chunk(manifest.id(), 0, bytes[1..=CHUNK].to_vec()).await;
        assert!(matches!(wrong, Err(BlobStoreError::Content(BlobError::Chunk(0)))));
        assert_eq!(store.state(manifest.id()).await.unwrap().have, Bitmap::empty(3));
    }

    #[tokio::test]
    async fn what_fails_or_was_cut_off_leaves_nothing_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let under_way = || std::fs::read_dir(folder.path().join(UNDER_WAY)).unwrap().count();
        let (bytes, manifest) = scan();
        let store = BlobStore::open(folder.path().to_owned()).unwrap();
        store.offer(manifest.id(), manifest.to_bytes()).await.unwrap();
        store.put_chunk(manifest.id(), 0, bytes[..CHUNK].to_vec()).await.unwrap();
        assert_eq!(under_way(), 0);
        // No file can take the place of a folder with something in it.
        let place = store.folder(manifest.id()).join("taken");
        std::fs::create_dir_all(place.join("inside")).unwrap();
        assert!(files::put(&place, &store.beside(), b"whole").is_err());
        assert_eq!(under_way(), 0);

        std::fs::write(store.beside(), b"half").unwrap();
        let store = BlobStore::open(folder.path().to_owned()).unwrap();
        assert_eq!(under_way(), 0);
        assert_eq!(store.state(manifest.id()).await.unwrap().have.missing().collect::<Vec<_>>(), [1, 2]);
    }

    #[tokio::test]
    async fn an_empty_blob_is_whole_from_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path().to_owned()).unwrap();
        let manifest = Manifest::of(b"").unwrap();
        assert!(store.offer(manifest.id(), manifest.to_bytes()).await.unwrap().have.is_full());
        store.seal(manifest.id()).await.unwrap();
        assert_eq!(store.lacking(vec![manifest.id()]).await.unwrap(), 0);
    }
}

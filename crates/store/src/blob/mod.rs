//! Sealed files: audio and original messages rest only as chunked ciphertext under a key of their own, in the data directory
//! or in a bucket (`shelf`).

mod address;
#[cfg(feature = "s3")]
mod bucket;
#[cfg(not(feature = "s3"))]
#[path = "no_bucket.rs"]
mod bucket;
mod keeps;
mod ranges;
mod shelf;

pub use address::FileServer;
pub(crate) use address::{GOING, LEFT, NAMED};
#[cfg(all(test, feature = "s3"))]
pub(crate) use bucket::faults;
pub(crate) use bucket::{Bucket, UPLOADING};
pub use keeps::{Keeps, Told};
pub use shelf::SealedBytes;
pub(crate) use shelf::Shelf;

use crate::{Error, Vault};
use callvault_model::{
    Entropy, Id, SystemClock,
    id::{ObjectId, TenantId},
};
use callvault_seal::{Aad, Hashed, Key256, chunked, files};
use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Ending of a sealed file.
const SEALED: &str = "sealed";

/// A file that only its key can read.
pub struct SealedBlob {
    id: ObjectId,
    tenant: TenantId,
    path: PathBuf,
    key: Key256,
    plain_bytes: u64,
    sealed_sha256: String,
    ephemeral: bool,
    /// The bucket it was sent to, and whether it arrived.
    sent: Mutex<Option<(Shelf, bool)>>,
    /// A row that names it may be durable.
    named: Arc<AtomicBool>,
    /// A row knows it.
    recorded: AtomicBool,
}

/// Reads a sealed blob: `Read + Seek`, each chunk authenticated before a byte of it is handed out.
pub type BlobReader = chunked::Reader<SealedBytes>;

impl SealedBlob {
    /// Seals what `fill` writes into a new file below `dir`. The key exists only in this value until the
    /// caller records it; a kill before that leaves bytes that nobody can read.
    pub fn write<E: From<Error>>(
        dir: &Path,
        tenant: TenantId,
        entropy: &dyn Entropy,
        fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<Self, E> {
        let id = ObjectId::new(&SystemClock, entropy).map_err(Error::from)?;
        let path = dir.join(format!("{id}.sealed"));
        let key = Key256::random(entropy).map_err(Error::from)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|e| E::from(Error::file(&path)(e)))?;
        // From here on a failure takes the file away again: its key dies with this function.
        let mut unfinished = Unfinished(Some(path.clone()));
        let out = Hashed::new(BufWriter::with_capacity(1 << 16, file));
        let mut writer = chunked::Writer::new(out, &key, &aad(tenant, &id), entropy)
            .map_err(|e| E::from(Error::from(e)))?;
        fill(&mut writer)?;
        let (out, summary) = writer.finish().map_err(|e| E::from(Error::file(&path)(e)))?;
        let (out, sha256) = out.finish();
        let file = out.into_inner().map_err(|e| E::from(Error::file(&path)(e.into_error())))?;
        file.sync_all().map_err(|e| E::from(Error::file(&path)(e)))?;
        unfinished.0 = None;
        Ok(Self {
            id,
            tenant,
            path,
            key,
            plain_bytes: summary.plain_len,
            sealed_sha256: crate::hex(&sha256),
            ephemeral: false,
            sent: Mutex::default(),
            named: Arc::default(),
            recorded: AtomicBool::new(false),
        })
    }

    /// The same, and the file is taken away when this value is dropped.
    pub fn scratch<E: From<Error>>(
        dir: &Path,
        tenant: TenantId,
        entropy: &dyn Entropy,
        fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut blob = Self::write(dir, tenant, entropy, fill)?;
        blob.ephemeral = true;
        Ok(blob)
    }

    /// Keeps a scratch file: from now on the caller is responsible for it.
    pub fn keep(&mut self) {
        self.ephemeral = false;
    }

    /// A reader from the first byte.
    pub fn reader(&self) -> Result<BlobReader, Error> {
        match self.sent().as_ref().filter(|_| self.recorded.load(Ordering::Acquire)) {
            Some((shelf, _)) => shelf.open(&self.key, self.tenant, self.id),
            None => open(&self.path, &self.key, self.tenant, self.id),
        }
    }

    /// Its name.
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its key; recorded wrapped, never written otherwise.
    pub(crate) fn key(&self) -> &Key256 {
        &self.key
    }

    /// Length of what is inside.
    pub fn plain_bytes(&self) -> u64 {
        self.plain_bytes
    }

    /// SHA-256 of the sealed file, hex: a commitment that tells nothing of the content.
    pub fn sealed_sha256(&self) -> &str {
        &self.sealed_sha256
    }

    fn sent(&self) -> std::sync::MutexGuard<'_, Option<(Shelf, bool)>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Set while a row that names it may be durable.
    pub(crate) fn named(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.named)
    }

    /// A row that names it is durable: where it stands in a bucket, the copy that was sent from is taken away.
    pub(crate) fn recorded(&self) {
        if self.sent().is_some() && !self.recorded.swap(true, Ordering::AcqRel) {
            drop(Unfinished(Some(self.path.clone())));
        }
    }
}

impl Vault {
    /// Puts a sealed file where this vault keeps them, before the command that records it. Killed after that, the copy it was
    /// sent from stays until the next opening, which knows by it what to look for in the bucket.
    pub(crate) fn lay(&self, blob: &SealedBlob) -> Result<(), Error> {
        let Shelf::Bucket(bucket) = &self.shelf else { return Ok(()) };
        let mut sent = blob.sent();
        if !matches!(*sent, Some((_, true))) {
            // Noted before: of a try that failed, something may be there.
            *sent = Some((self.shelf.clone(), false));
            bucket.put(blob.id, &blob.path)?;
            *sent = Some((self.shelf.clone(), true));
        }
        Ok(())
    }

    /// Whether it was: no row may name a file that is not where it says.
    pub(crate) fn is_laid(&self, blob: &SealedBlob) -> bool {
        matches!(self.shelf, Shelf::Directory(_)) || matches!(*blob.sent(), Some((_, true)))
    }

    /// Takes back what no row will name.
    pub(crate) fn withdraw(&self, blob: &SealedBlob) -> Result<(), Error> {
        let mut sent = blob.sent();
        if let Some((shelf, _)) = sent.as_ref() {
            shelf.remove(&[blob.id], "its key dies in this process")?;
            *sent = None;
        }
        Ok(())
    }
}

impl Drop for SealedBlob {
    fn drop(&mut self) {
        // Where a row may name it, the next opening knows whether one does. What of it stands in a bucket and no row names is
        // taken away there after a day.
        if self.ephemeral && !self.named.load(Ordering::Acquire) {
            drop(Unfinished(Some(self.path.clone())));
        }
    }
}

/// Takes a file away that never became part of the vault.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(e) = files::unlink(path, "sealed under a key that dies in this process")
        {
            tracing::warn!(error = %e, "a sealed scratch file stays behind; nobody can read it");
        }
    }
}

/// What ties the sealed bytes to their name and tenant.
fn aad(tenant: TenantId, id: &ObjectId) -> Aad<'_> {
    Aad { tenant, subject: None, object: "blob", id: id.as_bytes(), field: "content", version: 1 }
}

/// Opens the blob `id` at `path`.
pub(crate) fn open(path: &Path, key: &Key256, tenant: TenantId, id: ObjectId) -> Result<BlobReader, Error> {
    let file = File::open(path).map_err(Error::file(path))?;
    Ok(chunked::Reader::new(SealedBytes::File(chunked::buffered(file)), key, &aad(tenant, &id))?)
}

/// Where a blob of the vault lies.
pub(crate) fn place(dir: &Path, id: ObjectId) -> PathBuf {
    dir.join(format!("{id}.sealed"))
}

/// The blobs that lie in `dir`.
pub(crate) fn list(dir: &Path) -> Result<Vec<(ObjectId, PathBuf)>, Error> {
    list_ending(dir, SEALED)
}

/// What lies in `dir` under the id of a blob and this ending.
pub(crate) fn list_ending(dir: &Path, ending: &str) -> Result<Vec<(ObjectId, PathBuf)>, Error> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::file(dir))? {
        let path = entry.map_err(Error::file(dir))?.path();
        let id = path.file_stem().and_then(|n| n.to_str()).and_then(|n| n.parse::<Id<_>>().ok());
        if let Some(id) = id.filter(|_| path.extension().is_some_and(|e| e == ending)) {
            out.push((id, path));
        }
    }
    Ok(out)
}

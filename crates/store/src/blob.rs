//! Sealed files: audio and original messages rest only as chunked ciphertext under a key of their own.

use crate::Error;
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
};

/// A file that only its key can read.
pub struct SealedBlob {
    id: ObjectId,
    tenant: TenantId,
    path: PathBuf,
    key: Key256,
    plain_bytes: u64,
    sealed_sha256: String,
    ephemeral: bool,
}

/// Reads a sealed blob: `Read + Seek`, each chunk authenticated before a byte of it is handed out.
pub type BlobReader = chunked::Reader<File>;

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
        open(&self.path, &self.key, self.tenant, self.id)
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
}

impl Drop for SealedBlob {
    fn drop(&mut self) {
        if self.ephemeral {
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
    Ok(chunked::Reader::new(file, key, &aad(tenant, &id))?)
}

/// Where a blob of the vault lies.
pub(crate) fn place(dir: &Path, id: ObjectId) -> PathBuf {
    dir.join(format!("{id}.sealed"))
}

/// The blobs that lie in `dir`.
pub(crate) fn list(dir: &Path) -> Result<Vec<(ObjectId, PathBuf)>, Error> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::file(dir))? {
        let path = entry.map_err(Error::file(dir))?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if let Some(id) = name.strip_suffix(".sealed").and_then(|n| n.parse::<Id<_>>().ok()) {
            out.push((id, path));
        }
    }
    Ok(out)
}

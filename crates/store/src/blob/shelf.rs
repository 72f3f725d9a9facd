//! Where the sealed files of a vault stand: in its data directory, or in a bucket that a file there names.

use super::{
    BlobReader, aad,
    address::{FileServer, NAMED},
    bucket::Bucket,
    ranges::Ranges,
};
use crate::Error;
use callvault_model::id::{ObjectId, TenantId, VaultId};
use callvault_seal::{Key256, chunked, files};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The place of the sealed files of a vault.
#[derive(Clone)]
pub(crate) enum Shelf {
    Directory(PathBuf),
    Bucket(Arc<Bucket>),
}

/// The sealed bytes of one file.
pub enum SealedBytes {
    /// In the data directory.
    File(BufReader<File>),
    /// In a bucket.
    Bucket(Ranges),
}

impl Shelf {
    /// As the data directory says it; `owner` is the vault whose files they are, and whoever only looks names none.
    pub(crate) fn of(dir: &Path, owner: Option<VaultId>) -> Result<Self, Error> {
        Ok(match FileServer::named(dir, NAMED)? {
            None => Self::Directory(dir.join(crate::vault::BLOBS)),
            Some(server) => Self::Bucket(Arc::new(Bucket::open(server, owner)?)),
        })
    }

    /// Its bucket, where it is one.
    pub(crate) fn bucket(&self) -> Option<&Arc<Bucket>> {
        match self {
            Self::Directory(_) => None,
            Self::Bucket(bucket) => Some(bucket),
        }
    }

    /// Length of a sealed file; `None` when it is not there.
    pub(crate) fn len(&self, id: ObjectId) -> Result<Option<u64>, Error> {
        let path = match self {
            Self::Bucket(bucket) => return bucket.len(id),
            Self::Directory(dir) => super::place(dir, id),
        };
        match path.metadata() {
            Ok(meta) => Ok(Some(meta.len())),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::file(path)(e)),
        }
    }

    /// The sealed bytes of a file, and how many.
    pub(crate) fn sealed(&self, id: ObjectId) -> Result<(u64, SealedBytes), Error> {
        match self {
            Self::Directory(dir) => {
                let path = super::place(dir, id);
                let file = File::open(&path).map_err(Error::file(&path))?;
                let len = file.metadata().map_err(Error::file(&path))?.len();
                Ok((len, SealedBytes::File(chunked::buffered(file))))
            }
            Self::Bucket(bucket) => {
                let ranges = Ranges::open(bucket, id)?;
                Ok((ranges.len(), SealedBytes::Bucket(ranges)))
            }
        }
    }

    /// Opens a sealed file.
    pub(crate) fn open(&self, key: &Key256, tenant: TenantId, id: ObjectId) -> Result<BlobReader, Error> {
        let (_, bytes) = self.sealed(id)?;
        Ok(chunked::Reader::new(bytes, key, &aad(tenant, &id))?)
    }

    /// Takes sealed files away, as far as they are there, and looks whether they are gone; `why` says why nobody misses them.
    pub(crate) fn remove(&self, dead: &[ObjectId], why: &'static str) -> Result<(), Error> {
        match self {
            Self::Directory(dir) => {
                let mut places: Vec<_> = dead.iter().map(|id| super::place(dir, *id)).collect();
                places.retain(|place| place.exists());
                Ok(files::unlink_all(&places, why)?)
            }
            Self::Bucket(bucket) => bucket.remove(dead),
        }
    }

    /// Every sealed file that stands there.
    pub(crate) fn all(&self) -> Result<BTreeSet<ObjectId>, Error> {
        match self {
            Self::Directory(dir) => Ok(super::list(dir)?.into_iter().map(|(id, _)| id).collect()),
            Self::Bucket(bucket) => Ok(bucket.list()?.into_iter().map(|(id, _)| id).collect()),
        }
    }
}

impl Read for SealedBytes {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(out),
            Self::Bucket(ranges) => ranges.read(out),
        }
    }
}

impl BufRead for SealedBytes {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::File(file) => file.fill_buf(),
            Self::Bucket(ranges) => ranges.fill_buf(),
        }
    }

    fn consume(&mut self, n: usize) {
        match self {
            Self::File(file) => file.consume(n),
            Self::Bucket(ranges) => ranges.consume(n),
        }
    }
}

impl Seek for SealedBytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Bucket(ranges) => ranges.seek(to),
        }
    }
}

//! One reader behind a lock, so that a decoder which wants to own its reader can be started again.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard};

use super::ReadSeek;

/// A handle with its own position; several handles share one reader.
#[derive(Clone)]
pub(crate) struct Shared {
    inner: Arc<Mutex<Box<dyn ReadSeek + Send + Sync>>>,
    len: u64,
    at: u64,
}

impl Shared {
    /// Takes the reader and measures it.
    pub(crate) fn new(mut reader: Box<dyn ReadSeek + Send + Sync>) -> io::Result<Self> {
        let len = reader.seek(SeekFrom::End(0))?;
        Ok(Self { inner: Arc::new(Mutex::new(reader)), len, at: 0 })
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// A second handle at the start.
    pub(crate) fn restarted(&self) -> Self {
        Self { at: 0, ..self.clone() }
    }

    /// Up to `n` bytes from the start.
    pub(crate) fn head(&self, n: u64) -> io::Result<Vec<u8>> {
        self.range(0, n)
    }

    /// Up to `n` bytes from `offset`; callers keep `n` small.
    pub(crate) fn range(&self, offset: u64, n: u64) -> io::Result<Vec<u8>> {
        let mut handle = self.clone();
        handle.at = offset.min(self.len);
        let mut out = Vec::new();
        handle.take(n).read_to_end(&mut out)?;
        Ok(out)
    }

    fn lock(&self) -> io::Result<MutexGuard<'_, Box<dyn ReadSeek + Send + Sync>>> {
        self.inner.lock().map_err(|_| io::Error::other("a reader failed earlier"))
    }
}

impl Read for Shared {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut reader = self.lock()?;
        reader.seek(SeekFrom::Start(self.at))?;
        let n = reader.read(buf)?;
        drop(reader);
        self.at = self.at.saturating_add(n as u64);
        Ok(n)
    }
}

impl Seek for Shared {
    fn seek(&mut self, pos: SeekFrom) -> io::Result<u64> {
        let to = match pos {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(n) => self.len.checked_add_signed(n),
            SeekFrom::Current(n) => self.at.checked_add_signed(n),
        };
        self.at = to.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.at)
    }
}

impl symphonia::core::io::MediaSource for Shared {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}

//! Random access: a seek decrypts at most the chunk it lands in.

use super::{CHUNK, COMMITMENT, HEADER, Message, SALT, SEALED_CHUNK, io_error, plain_len};
use crate::{Aad, Key256, SealError};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use std::{
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};
use zeroize::Zeroizing;

/// Decrypts a message; only authenticated bytes come out. The length is authenticated when it is opened.
pub struct Reader<R: Read + Seek> {
    from: R,
    message: Message,
    plain_len: u64,
    position: u64,
    /// The chunk in `buffer`.
    current: Option<u64>,
    buffer: Zeroizing<Vec<u8>>,
    opened: u64,
}

impl<R: Read + Seek> Reader<R> {
    /// Opens a message that was sealed for the place `aad` names.
    pub fn new(from: R, key: &Key256, aad: &Aad<'_>) -> Result<Self, SealError> {
        Self::with_context(from, key, &aad.to_bytes())
    }

    pub(crate) fn with_context(mut from: R, key: &Key256, context: &[u8]) -> Result<Self, SealError> {
        let mut header = [0u8; HEADER];
        let read = from.seek(SeekFrom::End(0)).and_then(|len| {
            from.seek(SeekFrom::Start(0))?;
            Ok(if len >= HEADER as u64 { from.read_exact(&mut header).map(|()| len)? } else { len })
        });
        let sealed_len = read.map_err(SealError::io("cannot read", Path::new("sealed data")))?;
        let plain_len = plain_len(sealed_len).ok_or(SealError::Open)?;
        let salt = header.first_chunk::<SALT>().ok_or(SealError::Open)?;
        let commitment = header.last_chunk::<COMMITMENT>().ok_or(SealError::Open)?;
        let message = Message::new(key, salt, context)?;
        verify_slices_are_equal(&message.commitment, commitment).map_err(|_| SealError::Open)?;
        let buffer = Zeroizing::new(Vec::with_capacity(SEALED_CHUNK));
        let mut reader = Self { from, message, plain_len, position: 0, current: None, buffer, opened: 0 };
        // The last chunk proves the length: only the true last chunk is short.
        reader.load(plain_len / CHUNK as u64).map_err(|e| match e.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => SealError::Open,
            _ => SealError::io("cannot read", Path::new("sealed data"))(e),
        })?;
        Ok(reader)
    }

    /// Length of the plaintext, authenticated.
    pub fn plain_len(&self) -> u64 {
        self.plain_len
    }

    /// How many chunks were decrypted so far.
    pub fn chunks_opened(&self) -> u64 {
        self.opened
    }

    fn load(&mut self, chunk: u64) -> io::Result<()> {
        self.current = None;
        let size = self.plain_len.saturating_sub(chunk.saturating_mul(CHUNK as u64)).min(CHUNK as u64);
        let size = usize::try_from(size).unwrap_or(CHUNK).saturating_add(super::TAG);
        let at = chunk.saturating_mul(SEALED_CHUNK as u64).saturating_add(HEADER as u64);
        self.from.seek(SeekFrom::Start(at))?;
        // What is left of the chunk before is overwritten; zeroing it first would cost a pass.
        self.buffer.resize(size, 0);
        self.from.read_exact(&mut self.buffer)?;
        self.opened = self.opened.saturating_add(1);
        if let Err(e) = self.message.open(chunk, &mut self.buffer) {
            self.buffer.clear();
            return Err(io_error(e));
        }
        self.current = Some(chunk);
        Ok(())
    }
}

impl<R: Read + Seek> Read for Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || self.position >= self.plain_len {
            return Ok(0);
        }
        let chunk = self.position / CHUNK as u64;
        if self.current != Some(chunk) {
            self.load(chunk)?;
        }
        let offset = usize::try_from(self.position % CHUNK as u64).unwrap_or(CHUNK);
        let ready = self.buffer.get(offset..).unwrap_or_default();
        let n = ready.len().min(out.len());
        if let (Some(out), Some(ready)) = (out.get_mut(..n), ready.get(..n)) {
            out.copy_from_slice(ready);
        }
        self.position = self.position.saturating_add(n as u64);
        Ok(n)
    }
}

impl<R: Read + Seek> Seek for Reader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(d) => self.plain_len.checked_add_signed(d),
            SeekFrom::Current(d) => self.position.checked_add_signed(d),
        };
        self.position =
            target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a seek before the start"))?;
        Ok(self.position)
    }
}

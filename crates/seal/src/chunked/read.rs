//! Random access: a seek decrypts at most the chunk it lands in. A chunk is decrypted from where its source holds it, and one
//! that is read whole is decrypted to where the caller wants it.

use super::{AHEAD, CHUNK, COMMITMENT, HEADER, Message, SALT, SEALED_CHUNK, TAG, io_error, plain_len};
use crate::{Aad, Key256, SealError};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom},
    path::Path,
};
use zeroize::Zeroizing;

/// A file that gives [`Reader`] whole chunks.
pub fn buffered(file: File) -> BufReader<File> {
    BufReader::with_capacity(AHEAD, file)
}

/// Decrypts a message; only authenticated bytes come out. The length is authenticated when it is opened.
pub struct Reader<R: BufRead + Seek> {
    pub(super) from: R,
    /// Where `from` stands, unless a read failed.
    at: Option<u64>,
    message: Message,
    plain_len: u64,
    position: u64,
    /// The chunk in `buffer`.
    current: Option<u64>,
    buffer: Zeroizing<Vec<u8>>,
    /// A sealed chunk of which the source does not hold all at once.
    pieces: Vec<u8>,
    opened: u64,
}

impl<R: BufRead + Seek> Reader<R> {
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
        let mut reader = Self {
            from,
            at: Some(HEADER as u64),
            message,
            plain_len,
            position: 0,
            current: None,
            buffer: Zeroizing::default(),
            pieces: Vec::new(),
            opened: 0,
        };
        // The last chunk proves the length: only the true last chunk is short.
        reader.load(plain_len / CHUNK as u64).map_err(|e| match e.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => SealError::Open,
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

    /// Plaintext bytes of a chunk.
    fn size(&self, chunk: u64) -> usize {
        let rest = self.plain_len.saturating_sub(chunk.saturating_mul(CHUNK as u64));
        usize::try_from(rest).unwrap_or(CHUNK).min(CHUNK)
    }

    /// Decrypts a chunk in `into`, which is as long as its plaintext; one that does not open leaves zeros.
    fn fetch(&mut self, chunk: u64, into: &mut [u8]) -> io::Result<()> {
        let start = chunk.saturating_mul(SEALED_CHUNK as u64).saturating_add(HEADER as u64);
        if self.at.take() != Some(start) {
            self.from.seek(SeekFrom::Start(start))?;
        }
        let len = into.len().saturating_add(TAG);
        let held = match self.from.fill_buf() {
            Err(e) if e.kind() != ErrorKind::Interrupted => return Err(e),
            held => held.unwrap_or_default(),
        };
        let opened = if let Some(sealed) = held.get(..len) {
            let opened = self.message.open(chunk, sealed, into);
            self.from.consume(len);
            opened
        } else {
            self.pieces.resize(len, 0);
            self.from.read_exact(&mut self.pieces)?;
            self.message.open(chunk, &self.pieces, into)
        };
        self.at = Some(start.saturating_add(len as u64));
        self.opened = self.opened.saturating_add(1);
        opened.map_err(io_error)
    }

    fn load(&mut self, chunk: u64) -> io::Result<()> {
        self.current = None;
        let mut buffer = std::mem::take(&mut self.buffer);
        let size = self.size(chunk);
        if size > buffer.capacity() {
            // As large as it ever gets: a buffer that grows leaves its old bytes in freed memory.
            buffer = Zeroizing::new(Vec::with_capacity(self.size(0)));
        }
        // What is left of the chunk before is overwritten; zeroing it first would cost a pass.
        buffer.resize(size, 0);
        let fetched = self.fetch(chunk, &mut buffer);
        self.buffer = buffer;
        fetched?;
        self.current = Some(chunk);
        Ok(())
    }
}

impl<R: BufRead + Seek> Read for Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || self.position >= self.plain_len {
            return Ok(0);
        }
        let chunk = self.position / CHUNK as u64;
        let offset = usize::try_from(self.position % CHUNK as u64).unwrap_or(CHUNK);
        if self.current != Some(chunk) {
            let size = self.size(chunk);
            if offset == 0
                && let Some(whole) = out.get_mut(..size)
            {
                self.fetch(chunk, whole)?;
                self.position = self.position.saturating_add(size as u64);
                return Ok(size);
            }
            self.load(chunk)?;
        }
        let ready = self.buffer.get(offset..).unwrap_or_default();
        let n = ready.len().min(out.len());
        if let (Some(out), Some(ready)) = (out.get_mut(..n), ready.get(..n)) {
            out.copy_from_slice(ready);
        }
        self.position = self.position.saturating_add(n as u64);
        Ok(n)
    }
}

impl<R: BufRead + Seek> Seek for Reader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(d) => self.plain_len.checked_add_signed(d),
            SeekFrom::Current(d) => self.position.checked_add_signed(d),
        };
        self.position =
            target.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "a seek before the start"))?;
        Ok(self.position)
    }
}

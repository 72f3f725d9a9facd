//! Streaming encryption: one chunk of memory for what waits and one for what is sealed, whatever the length.

use super::{CHUNK, Message, SALT, SEALED_CHUNK, io_error};
use crate::{Aad, Key256, SealError};
use callvault_model::Entropy;
use std::io::{self, Write};
use zeroize::Zeroizing;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Bytes given in.
    pub plain_len: u64,
    /// Bytes written out.
    pub sealed_len: u64,
}

/// Encrypts what is written to it. Without [`Writer::finish`] the message has no end and cannot be opened.
pub struct Writer<W: Write> {
    out: W,
    message: Message,
    /// The beginning of a chunk. One that is given whole is sealed from where it stands.
    buffer: Zeroizing<Vec<u8>>,
    sealed: Vec<u8>,
    chunk: u64,
    plain_len: u64,
    sealed_len: u64,
    broken: bool,
}

impl<W: Write> Writer<W> {
    /// Starts a message for the place `aad` names, under a key used for such messages only.
    pub fn new(out: W, key: &Key256, aad: &Aad<'_>, entropy: &dyn Entropy) -> Result<Self, SealError> {
        Self::with_context(out, key, &aad.to_bytes(), entropy)
    }

    pub(crate) fn with_context(
        out: W,
        key: &Key256,
        context: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Self, SealError> {
        let mut salt = [0u8; SALT];
        entropy.fill(&mut salt)?;
        let message = Message::new(key, &salt, context)?;
        let mut writer = Self {
            out,
            message,
            // As large as it ever gets: a buffer that grows leaves its old bytes in freed memory.
            buffer: Zeroizing::new(Vec::with_capacity(CHUNK)),
            sealed: Vec::with_capacity(SEALED_CHUNK),
            chunk: 0,
            plain_len: 0,
            sealed_len: 0,
            broken: false,
        };
        let header = [&salt[..], &writer.message.commitment].concat();
        writer.emit(&header).map_err(SealError::io("cannot write", std::path::Path::new("sealed data")))?;
        Ok(writer)
    }

    /// Seals the last chunk and gives the inner writer back, flushed.
    pub fn finish(mut self) -> io::Result<(W, Summary)> {
        if self.broken {
            return Err(io::Error::other("an earlier write failed; the message was not finished"));
        }
        self.seal_waiting()?;
        self.out.flush()?;
        let summary = Summary { plain_len: self.plain_len, sealed_len: self.sealed_len };
        Ok((self.out, summary))
    }

    fn seal_waiting(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.seal_chunk(&buffer);
        buffer.clear();
        self.buffer = buffer;
        result
    }

    fn seal_chunk(&mut self, plain: &[u8]) -> io::Result<()> {
        let mut sealed = std::mem::take(&mut self.sealed);
        let result = self
            .message
            .seal(self.chunk, plain, &mut sealed)
            .map_err(io_error)
            .and_then(|()| self.emit(&sealed));
        self.sealed = sealed;
        self.broken |= result.is_err();
        self.chunk = self.chunk.saturating_add(1);
        self.plain_len = self.plain_len.saturating_add(plain.len() as u64);
        result
    }

    fn emit(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sealed_len = self.sealed_len.saturating_add(bytes.len() as u64);
        self.out.write_all(bytes)
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.broken {
            return Err(io::Error::other("an earlier write failed; the message cannot go on"));
        }
        if self.buffer.is_empty()
            && let Some(whole) = bytes.get(..CHUNK)
        {
            return self.seal_chunk(whole).map(|()| CHUNK);
        }
        let room = CHUNK.saturating_sub(self.buffer.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken);
        if self.buffer.len() == CHUNK {
            self.seal_waiting()?;
        }
        Ok(taken.len())
    }

    /// Flushes whole chunks only; a started chunk waits for its end.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

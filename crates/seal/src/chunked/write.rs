//! Streaming encryption: one chunk of memory, whatever the length.

use super::{CHUNK, HEADER, Message, SALT, TAG, io_error};
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
    buffer: Zeroizing<Vec<u8>>,
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
        let mut buffer = Vec::with_capacity(CHUNK + TAG + HEADER);
        // The header waits in the buffer so that creating a writer does no I/O that could fail half way.
        buffer.extend_from_slice(&salt);
        buffer.extend_from_slice(&message.commitment);
        let mut writer = Self {
            out,
            message,
            buffer: Zeroizing::new(Vec::new()),
            chunk: 0,
            plain_len: 0,
            sealed_len: 0,
            broken: false,
        };
        writer.emit(&buffer).map_err(SealError::io("cannot write", std::path::Path::new("sealed data")))?;
        buffer.clear();
        writer.buffer = Zeroizing::new(buffer);
        Ok(writer)
    }

    /// Seals the last chunk and gives the inner writer back, flushed.
    pub fn finish(mut self) -> io::Result<(W, Summary)> {
        if self.broken {
            return Err(io::Error::other("an earlier write failed; the message was not finished"));
        }
        self.flush_chunk()?;
        self.out.flush()?;
        let summary = Summary { plain_len: self.plain_len, sealed_len: self.sealed_len };
        Ok((self.out, summary))
    }

    fn flush_chunk(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::replace(&mut self.buffer, Zeroizing::new(Vec::new()));
        let result =
            self.message.seal(self.chunk, &mut buffer).map_err(io_error).and_then(|()| self.emit(&buffer));
        buffer.clear();
        self.buffer = buffer;
        self.broken |= result.is_err();
        self.chunk = self.chunk.saturating_add(1);
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
        let room = CHUNK.saturating_sub(self.buffer.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken);
        self.plain_len = self.plain_len.saturating_add(taken.len() as u64);
        if self.buffer.len() == CHUNK {
            self.flush_chunk()?;
        }
        Ok(taken.len())
    }

    /// Flushes whole chunks only; a started chunk waits for its end.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

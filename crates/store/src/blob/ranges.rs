//! A sealed file in a bucket, read like a file: a request brings a mebibyte, and two of them are kept.

use super::bucket::Bucket;
use crate::Error;
use bytes::Bytes;
use callvault_model::id::ObjectId;
use std::{
    io::{self, BufRead, ErrorKind, Read, Seek, SeekFrom},
    sync::Arc,
};

/// Bytes that one request brings.
pub(super) const WINDOW: u64 = 1 << 20;

/// Bytes of a sealed file, from the place they stand at.
type Window = (u64, Bytes);

/// One sealed file. A reader jumps between its head and its end when it is opened, so that two windows are kept.
pub struct Ranges {
    bucket: Arc<Bucket>,
    id: ObjectId,
    len: u64,
    position: u64,
    kept: [Option<Window>; 2],
}

impl Ranges {
    pub(super) fn open(bucket: &Arc<Bucket>, id: ObjectId) -> Result<Self, Error> {
        let (len, first) = bucket.first(id, WINDOW)?;
        Ok(Self { bucket: Arc::clone(bucket), id, len, position: 0, kept: [Some((0, first)), None] })
    }

    /// Its length when it was opened.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// What is kept of the bytes from `position` on.
    fn ready(&self) -> Option<&[u8]> {
        self.kept.iter().flatten().find_map(|(start, bytes)| {
            let from = usize::try_from(self.position.checked_sub(*start)?).ok()?;
            bytes.get(from..).filter(|rest| !rest.is_empty())
        })
    }

    fn fetch(&mut self) -> io::Result<()> {
        let end = self.position.saturating_add(WINDOW).min(self.len);
        let bytes = self.bucket.range(self.id, self.position..end).map_err(io::Error::other)?;
        // Less would be taken for the end of the file, more for what comes after.
        if bytes.len() as u64 != end.saturating_sub(self.position) {
            return Err(io::Error::other("the server sent another length than it was asked for"));
        }
        self.kept.swap(0, 1);
        if let Some(oldest) = self.kept.first_mut() {
            *oldest = Some((self.position, bytes));
        }
        Ok(())
    }
}

impl Read for Ranges {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Ranges {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position >= self.len {
            return Ok(&[]);
        }
        if self.ready().is_none() {
            self.fetch()?;
        }
        self.ready().ok_or(ErrorKind::UnexpectedEof.into())
    }

    fn consume(&mut self, n: usize) {
        self.position = self.position.saturating_add(n as u64);
    }
}

impl Seek for Ranges {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(d) => self.len.checked_add_signed(d),
            SeekFrom::Current(d) => self.position.checked_add_signed(d),
        };
        self.position =
            target.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "a seek before the start"))?;
        Ok(self.position)
    }
}

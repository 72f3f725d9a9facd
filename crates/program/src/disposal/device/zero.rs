//! Writing zeros over everything, and reading everything back.

use super::place::Place;
use crate::Error;
use rustix::fs::{Advice, OFlags, fadvise};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    num::NonZeroU64,
    os::unix::fs::OpenOptionsExt,
};

const BLOCK: usize = 1 << 20;
/// Bytes between two flushes; only what was flushed counts as overwritten after a crash.
const FLUSH: u64 = 64 << 20;
/// What direct reading wants buffers aligned to: a page, and any drive's block.
const ALIGN: usize = 4096;

/// Why overwriting stopped.
pub(super) enum Stopped {
    Io(io::Error),
    Other(Error),
}

impl Stopped {
    pub(super) fn or_file(self, at: impl FnOnce(io::Error) -> Error) -> Error {
        match self {
            Self::Io(e) => at(e),
            Self::Other(e) => e,
        }
    }
}

/// Overwrites from `from` to the end. `flushed` is told, and awaited, after each flush.
pub(super) fn overwrite(
    file: &mut File,
    from: u64,
    bytes: u64,
    mut flushed: impl FnMut(u64) -> Result<(), Error>,
    step: &mut dyn FnMut(u64),
) -> Result<(), Stopped> {
    let zeros = vec![0u8; BLOCK];
    file.seek(SeekFrom::Start(from)).map_err(Stopped::Io)?;
    let (mut done, mut safe) = (from.min(bytes), from.min(bytes));
    while done < bytes {
        let n = usize::try_from(bytes.saturating_sub(done)).unwrap_or(BLOCK).min(BLOCK);
        file.write_all(zeros.get(..n).unwrap_or(&zeros)).map_err(Stopped::Io)?;
        done = done.saturating_add(n as u64);
        if done.saturating_sub(safe) >= FLUSH || done == bytes {
            file.sync_data().map_err(Stopped::Io)?;
            flushed(done).map_err(Stopped::Other)?;
            safe = done;
        }
        step(done);
    }
    file.sync_all().map_err(Stopped::Io)
}

/// What reading back saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReadBack {
    pub(super) bytes: u64,
    /// Past the system's cache.
    pub(super) direct: bool,
}

impl ReadBack {
    pub(super) fn words(self) -> &'static str {
        if self.direct {
            "every byte read back from the device as zero, past the system's cache"
        } else {
            "every byte read back as zero, after the system was told to drop its cache"
        }
    }
}

/// Reads everything; fails at the first byte that is not zero.
pub(super) fn read_back(place: &Place, written: &File, step: &mut dyn FnMut(u64)) -> io::Result<ReadBack> {
    // Advice only; where it is not followed, the certificate says how the reading went.
    let _ = fadvise(written, 0, None::<NonZeroU64>, Advice::DontNeed);
    let flags = i32::try_from(OFlags::DIRECT.bits()).unwrap_or(0);
    if let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(&place.real) {
        match read_all(file, place.bytes, step) {
            // A file system without direct reading says so at the first read.
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => {}
            read => return Ok(ReadBack { bytes: read?, direct: true }),
        }
    }
    let file = File::open(&place.real)?;
    Ok(ReadBack { bytes: read_all(file, place.bytes, step)?, direct: false })
}

fn read_all(mut file: File, bytes: u64, step: &mut dyn FnMut(u64)) -> io::Result<u64> {
    let mut buffer = vec![0u8; BLOCK.saturating_add(ALIGN)];
    let start = buffer.as_ptr().align_offset(ALIGN);
    let block = buffer.get_mut(start..).and_then(|b| b.get_mut(..BLOCK));
    let block = block.ok_or_else(|| io::Error::other("no aligned memory"))?;
    let mut seen = 0u64;
    loop {
        let n = file.read(block)?;
        if n == 0 {
            break;
        }
        if let Some(at) = block.get(..n).unwrap_or_default().iter().position(|b| *b != 0) {
            let at = seen.saturating_add(at as u64);
            return Err(io::Error::other(format!(
                "byte {at} is not zero after overwriting: the drive is failing, or something writes to it. No certificate; run the command again"
            )));
        }
        seen = seen.saturating_add(n as u64);
        step(seen);
    }
    if seen == bytes {
        Ok(seen)
    } else {
        Err(io::Error::other(format!("{seen} bytes could be read back of {bytes}; no certificate")))
    }
}

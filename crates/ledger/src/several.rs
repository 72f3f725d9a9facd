//! Many entries in one file that verifies offline, and as a stream: the entries themselves, and for everything between
//! them the hashes of the complete subtrees of RFC 6962 that hold no wanted entry. A hash that two entries' paths share
//! stands there once, and what is between the entries stays untold.
//!
//! | line | what |
//! |---|---|
//! | `callvault/ledger-entries@v1` | the first |
//! | `checkpoint BASE64` | the second: a signed C2SP checkpoint |
//! | `entry JSON` | the next leaf, byte for byte |
//! | `hash LEVEL BASE64` | the next `2^LEVEL` leaves, by the hash of their subtree |

use crate::{
    Checkpoint, Entry, Hash, LedgerError, Nodes, VerifierKey,
    entry::MAX_ENTRY,
    tree::{Frontier, stored},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::io::{self, BufRead, Read, Write};

/// The first line of such a file.
pub const MAGIC: &str = "callvault/ledger-entries@v1";
const MAX_LINE: usize = MAX_ENTRY + 64;

/// Writes the file, entry by entry.
pub struct EntriesWriter<'a, N, W> {
    nodes: &'a N,
    out: W,
    size: u64,
    /// Leaves told so far.
    at: u64,
}

impl<'a, N: Nodes, W: Write> EntriesWriter<'a, N, W> {
    /// Starts a file under a signed checkpoint of `size` entries.
    pub fn new(nodes: &'a N, size: u64, checkpoint: &str, mut out: W) -> Result<Self, LedgerError> {
        let written = writeln!(out, "{MAGIC}\ncheckpoint {}", STANDARD.encode(checkpoint));
        written.map_err(LedgerError::Write)?;
        Ok(Self { nodes, out, size, at: 0 })
    }

    /// Adds an entry; they come in the order of their numbers.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        if entry.seq < self.at || entry.seq >= self.size {
            return Err(LedgerError::OutOfRange { index: entry.seq, size: self.size });
        }
        self.skip_to(entry.seq)?;
        let out = &mut self.out;
        let written = out
            .write_all(b"entry ")
            .and_then(|()| out.write_all(entry.bytes()))
            .and_then(|()| out.write_all(b"\n"));
        written.map_err(LedgerError::Write)?;
        self.at = self.at.saturating_add(1);
        Ok(())
    }

    /// Ends the file and gives back what it was written to.
    pub fn finish(mut self) -> Result<W, LedgerError> {
        self.skip_to(self.size)?;
        self.out.flush().map_err(LedgerError::Write)?;
        Ok(self.out)
    }

    /// The largest complete subtrees from here up to entry `to`.
    fn skip_to(&mut self, to: u64) -> Result<(), LedgerError> {
        while let Some(level) = (to - self.at).checked_ilog2() {
            let level = level.min(self.at.trailing_zeros()) as u8;
            let hash = stored(self.nodes, level, self.at >> level)?;
            writeln!(self.out, "hash {level} {}", STANDARD.encode(hash.0)).map_err(LedgerError::Write)?;
            self.at += 1 << level;
        }
        Ok(())
    }
}

/// Verifies a file; `take` gets each entry, which is only a claim until this returned without an error.
pub fn verify_entries(
    mut from: impl BufRead,
    key: &VerifierKey,
    mut take: impl FnMut(&Entry),
) -> Result<Checkpoint, LedgerError> {
    let bad = LedgerError::ProofFormat;
    let mut line = Vec::new();
    if !next(&mut from, &mut line)? || line != MAGIC.as_bytes() {
        return Err(bad("the first line is not that of a file of entries"));
    }
    let note = if next(&mut from, &mut line)? { line.strip_prefix(b"checkpoint ") } else { None };
    let note = note.and_then(|n| STANDARD.decode(n).ok()).and_then(|n| String::from_utf8(n).ok());
    let checkpoint = Checkpoint::open(&note.ok_or(bad("the checkpoint is missing"))?, key)?;
    let mut tree = Frontier::new();
    while next(&mut from, &mut line)? {
        if let Some(body) = line.strip_prefix(b"entry ") {
            let entry = Entry::parse(body)?;
            if entry.seq != tree.size() {
                return Err(LedgerError::Proof);
            }
            tree.push(entry.leaf());
            take(&entry);
        } else {
            let (level, hash) = subtree(&line).ok_or(bad("a line is neither an entry nor a hash"))?;
            if !tree.push_subtree(level, hash) {
                return Err(LedgerError::Proof);
            }
        }
        if tree.size() > checkpoint.size {
            return Err(LedgerError::Proof);
        }
    }
    if tree.size() == checkpoint.size && tree.root() == checkpoint.root {
        Ok(checkpoint)
    } else {
        Err(LedgerError::Proof)
    }
}

fn subtree(line: &[u8]) -> Option<(u8, Hash)> {
    let (level, hash) = std::str::from_utf8(line).ok()?.strip_prefix("hash ")?.split_once(' ')?;
    Some((level.parse().ok()?, Hash(STANDARD.decode(hash).ok()?.try_into().ok()?)))
}

/// The next line without its end; false at the end of the file.
fn next(from: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, LedgerError> {
    line.clear();
    let read = from.take(MAX_LINE as u64).read_until(b'\n', line).map_err(LedgerError::Read)?;
    if read > 0 && line.pop() != Some(b'\n') {
        return Err(LedgerError::ProofFormat("a line is cut off or too long"));
    }
    Ok(read > 0)
}

/// Whether a file begins as one of these; leaves the reader where it was as far as it buffers.
pub fn is_entries(from: &mut impl BufRead) -> io::Result<bool> {
    Ok(from.fill_buf()?.starts_with(MAGIC.as_bytes()))
}

#[cfg(test)]
mod tests;

//! C2SP tlog-proof (<https://c2sp.org/tlog-proof>): one text that proves, offline, that an entry is in the
//! ledger. The entry's own bytes travel in the `extra` line.

use crate::{Checkpoint, Entry, Hash, LedgerError, Nodes, VerifierKey, tree};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{fmt::Write, str::FromStr};

const MAGIC: &str = "c2sp.org/tlog-proof@v1";
const MAX_PROOF: usize = 128 << 10;

/// An entry, its path to the root, and a signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    entry: Entry,
    index: u64,
    path: Vec<Hash>,
    checkpoint: String,
}

impl Proof {
    /// Proves entry `bytes` under a signed checkpoint of `size` entries.
    pub fn new(bytes: &[u8], nodes: &impl Nodes, size: u64, checkpoint: &str) -> Result<Self, LedgerError> {
        let entry = Entry::parse(bytes)?;
        let path = tree::inclusion_proof(nodes, entry.seq, size)?;
        Ok(Self { index: entry.seq, entry, path, checkpoint: checkpoint.to_owned() })
    }

    /// The entry, before verification only a claim.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Checks signature and path; gives the entry and the checkpoint it is proven under.
    pub fn verify(&self, key: &VerifierKey) -> Result<(&Entry, Checkpoint), LedgerError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        let proven = self.entry.seq == self.index
            && tree::verify_inclusion(
                &self.entry.leaf(),
                self.index,
                checkpoint.size,
                &self.path,
                &checkpoint.root,
            );
        if proven { Ok((&self.entry, checkpoint)) } else { Err(LedgerError::Proof) }
    }

    /// The text to keep.
    pub fn to_text(&self) -> String {
        let mut out =
            format!("{MAGIC}\nextra {}\nindex {}\n", STANDARD.encode(self.entry.bytes()), self.index);
        for hash in &self.path {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{}", STANDARD.encode(hash.0));
        }
        out.push('\n');
        out.push_str(&self.checkpoint);
        out
    }
}

impl FromStr for Proof {
    type Err = LedgerError;
    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let bad = LedgerError::ProofFormat;
        if text.len() > MAX_PROOF {
            return Err(bad("it is longer than 128 KiB"));
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or(bad("the checkpoint is missing"))?;
        let mut lines = head.split('\n');
        if lines.next() != Some(MAGIC) {
            return Err(bad("the first line is not that of a proof"));
        }
        let extra = lines.next().and_then(|l| l.strip_prefix("extra ")).and_then(|e| STANDARD.decode(e).ok());
        let entry = Entry::parse(&extra.ok_or(bad("the entry is missing"))?)?;
        let number =
            lines.next().and_then(|l| l.strip_prefix("index ")).ok_or(bad("the index is missing"))?;
        let index: u64 = number.parse().map_err(|_| bad("the index is not a number"))?;
        let path: Option<Vec<Hash>> = lines
            .map(|l| STANDARD.decode(l).ok().and_then(|h| <[u8; 32]>::try_from(h).ok()).map(Hash))
            .collect();
        let path = path.filter(|p| p.len() <= 64).ok_or(bad("the path is malformed"))?;
        if index.to_string() != number {
            return Err(bad("the index is not a number"));
        }
        Ok(Self { entry, index, path, checkpoint: checkpoint.to_owned() })
    }
}

#[cfg(test)]
mod tests;

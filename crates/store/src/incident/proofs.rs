//! The readings of a scope with what proves them, for somebody who has the public key and not this vault.

use super::scope::{Scope, find};
use crate::{Error, Vault, ledger};
use callvault_ledger::EntriesWriter;
use std::io::Write;

/// Readings that get a file of their own each; more of them are proven together in one.
pub const MAX_PROOFS: usize = 2_000;

impl Vault {
    /// Writes the readings of a scope as one file that `callvault-verify` checks. In order, so that each hash of the tree is
    /// read once and nothing is kept: a ledger of a million entries needs no more memory than one of a thousand.
    pub fn prove_scope(&self, scope: &Scope, out: impl Write) -> Result<(), Error> {
        let reader = self.reads();
        let db = reader.moment()?;
        let numbers: Vec<u64> = scope.entries.iter().map(|e| e.seq).collect();
        let (size, note) = ledger::newest(&db)?;
        let nodes = ledger::Stored(&db);
        let mut file = EntriesWriter::new(&nodes, size, &note, out)?;
        find::each(&db, &numbers, |entry| Ok(file.entry(&entry)?))?;
        file.finish()?;
        Ok(())
    }
}

//! What can go wrong, in words that say what happened, why, and what to do.

use std::{io, path::PathBuf};

/// The errors of this crate. A ledger that fails verification is [`crate::Broken`], not an error.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A draft that cannot become an entry.
    #[error("this cannot be written to the ledger: {0}")]
    Draft(&'static str),
    /// Bytes that are no entry.
    #[error("these bytes are not a ledger entry: {0}")]
    Entry(&'static str),
    /// Text that is no signed note or checkpoint.
    #[error("this is not a signed checkpoint: {0}")]
    Note(&'static str),
    /// No good signature.
    #[error("the checkpoint is not signed by {0}; it is forged, damaged, or signed by another key")]
    Signature(String),
    /// Text that is no verifier key.
    #[error("this is not a verifier key; expected name+8 hex digits+base64 as printed by `callvault keys`")]
    VerifierKey,
    /// The signer refused.
    #[error("the checkpoint could not be signed; the entries are kept but nothing proves them yet")]
    Sign,
    /// A stored tree hash is missing.
    #[error(
        "the ledger's tree lacks the hash at level {level}, index {index}; restore the database or verify an export"
    )]
    MissingNode {
        /// Height above the leaves.
        level: u8,
        /// Position in the level.
        index: u64,
    },
    /// An index outside the tree.
    #[error("the ledger has no entry {index} at size {size}")]
    OutOfRange {
        /// What was asked for.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// A proof that does not lead to the checkpoint.
    #[error(
        "the proof does not lead from this entry to the signed root; the entry was changed or is from another ledger"
    )]
    Proof,
    /// Text that is no proof.
    #[error("this is not a proof file: {0}")]
    ProofFormat(&'static str),
    /// What is read from ended in an error.
    #[error("reading stopped: {0}")]
    Read(io::Error),
    /// What is written to ended in an error.
    #[error("writing stopped: {0}; make room, and write it again")]
    Write(io::Error),
    /// The file system said no.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl LedgerError {
    pub(crate) fn io<'a>(
        what: &'static str,
        path: &'a std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}

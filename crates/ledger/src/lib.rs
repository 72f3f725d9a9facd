//! Append-only tamper-evident log: RFC 6962 tree, C2SP signed checkpoints, offline verification.
//!
//! The core (entries, tree, notes, proofs) reads no file and no clock; [`export`] alone touches the disk.

pub mod checkpoint;
pub mod entry;
mod error;
pub mod export;
pub mod kind;
pub mod note;
pub mod proof;
pub mod several;
pub mod tail;
pub mod tree;
pub mod verify;

pub use checkpoint::Checkpoint;
pub use entry::{Draft, Entry, Prepared, Value};
pub use error::LedgerError;
pub use export::{ExportWriter, verify_export};
pub use kind::Kind;
pub use note::{FnSigner, Signer, VerifierKey};
pub use proof::Proof;
pub use several::{EntriesWriter, is_entries, verify_entries};
pub use tail::{Appended, Tail, Written};
pub use tree::{Frontier, Hash, MemoryNodes, Node, Nodes};
pub use verify::{Broken, Options, Verified, Why};

//! One vault: a SQLite database of sealed rows, sealed blobs beside it, keys outside it, and the ledger.
//!
//! A *command* is one named transaction: its rows and its ledger entry become durable together or not at all
//! (`command.rs`). No open transaction leaves this crate.

pub mod blob;
mod command;
mod contacts;
mod conversation;
mod error;
mod keys;
pub mod ledger;
mod read;
mod schema;
pub mod settings;
mod shred;
mod vault;

pub use blob::SealedBlob;
pub use callvault_ledger as ledger_format;
pub use command::Command;
pub use conversation::{
    NewConversation, NewCopy, NewParty, ProvenText, Recorded, RecordedAudio, RecordedFinding, RecordedTurn,
    State,
};
pub use error::Error;
pub use read::{ConversationRow, FindingRow, MaskedConversation, MaskedTurn, SubjectRow};
pub use settings::Disposal;
pub use shred::{CopyRow, CopyState, Shredded};
pub use vault::{InitOutcome, NewVault, Vault};

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

//! One vault: a SQLite database of sealed rows, sealed blobs beside it, keys outside it, and the ledger.
//!
//! A *command* is one named transaction: its rows and its ledger entry become durable together or not at all
//! (`command.rs`). No open transaction leaves this crate.

mod access_index;
pub mod accounts;
mod actor;
pub mod api_keys;
pub mod attachments;
pub mod backup;
pub mod blob;
pub mod certificates;
pub mod collection;
mod command;
pub mod consent;
mod contacts;
mod conversation;
mod copy;
pub mod corrections;
mod db;
mod denied;
pub mod device;
pub mod epoch;
pub mod erase;
mod erasure;
mod error;
pub mod export;
pub mod factors;
pub mod gate;
pub mod grants;
pub mod group;
pub mod holds;
pub mod incident;
mod journal;
mod keys;
pub mod law;
pub mod ledger;
pub mod links;
mod making;
mod measured;
mod media;
pub mod medium;
pub mod minimum;
pub mod moving;
pub mod opening;
pub mod opt_out;
mod orphans;
pub mod posture;
pub mod processing;
pub mod protect;
mod quarantine;
mod read;
mod readers;
pub mod reading;
pub mod recover;
mod rectify;
mod refused;
pub mod regression;
mod remote;
pub mod remute;
pub mod requests;
pub mod restriction;
pub mod retention;
pub mod reveal;
pub mod rotation;
mod schema;
mod sealed;
mod seen;
pub mod sessions;
pub mod settings;
mod shred;
pub mod sign_in;
pub mod suppression;
pub mod sweep;
pub mod tenants;
mod times;
pub mod training;
pub mod two_person;
pub mod uploads;
mod vault;
mod view;
mod waiting;

pub use actor::Actor;
pub use attachments::{AttachmentRow, RecordedAttachment};
pub use blob::{FileServer, Keeps, SealedBlob, Told};
pub use callvault_ledger as ledger_format;
pub use callvault_seal::{Protection, hsm, service};
pub use command::Command;
pub use conversation::{
    NewConversation, NewCopy, NewParty, ProvenText, Recorded, RecordedAudio, RecordedFinding, RecordedTurn,
    State,
};
pub use db::DatabaseServer;
pub use denied::Denied;
pub use error::Error;
pub use gate::{Permit, Target};
pub use holds::{HoldRow, HoldTarget};
pub use journal::{EntryRow, Overview};
pub use quarantine::Discard;
pub use read::{ConversationRow, FindingRow, MaskedConversation, MaskedTurn, SubjectRow};
pub use refused::Refused;
pub use retention::{Class, RetentionPreview, RetentionRule};
pub use sessions::Session;
pub use settings::Disposal;
pub use shred::{CopyRow, CopyState, Searched, Shredded};
pub use sweep::Swept;
pub use vault::{InitOutcome, NewVault, Unlock, Vault};
pub use view::{ConversationFilter, FindingDetail, MAX_PAGE, Page, PartyRow};

pub use callvault_seal::hex;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

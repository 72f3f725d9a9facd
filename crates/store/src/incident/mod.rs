//! What is watched and what was done about it: the ledger as a stream, alerts, incidents with their scope, notices,
//! frozen people and canaries. Deciding what is worth an alert is `program`'s.

pub mod alerts;
pub mod canary;
pub mod cases;
pub mod drill;
mod feed;
pub mod freeze;
pub mod notices;
mod parts;
mod proofs;
pub mod scope;

pub use alerts::{AlertRow, AlertState, NewAlert};
pub use cases::{Change, IncidentRow, NewTask, Phase};
pub use feed::{Broken, Fed, Observed};
pub use notices::NoticeRow;
pub use parts::{EvidenceRow, NoteRow, TaskRow};
pub use proofs::MAX_PROOFS;
pub use scope::{PersonTouched, Scope, ScopeQuery, ScopeSummary, Touched, Word, Words};

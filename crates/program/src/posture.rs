//! The posture audit: facts are gathered (I/O), judged (pure), and told.
//!
//! Nothing here changes the vault, and nothing needs a key: it runs beside a server, and on a vault whose ledger is
//! broken. Evidence holds ids, counts, paths and codes, never a value or a name.

pub mod catalogue;
pub mod desk;
pub mod facts;
pub mod finding;
pub mod gather;
pub mod judge;
pub mod oscal;
pub mod report;
pub mod sarif;
pub mod settings;
pub mod text;

pub use catalogue::{Check, Severity, catalogue};
pub use facts::{Facts, Seen};
pub use finding::{Finding, Status, Verdict};
pub use gather::{Input, Server, Settled, gather};
pub use judge::judge;
pub use report::Report;
pub use settings::Settings;

//! Rules as data: dated, cited, replaceable packs, and one pure function over them.
//!
//! [`evaluate`] answers a question of an engine (`tcpa`, `gdpr`, `hipaa`, `pci`, `breach`, `training`) from the facts
//! of a case and a day. The answer lists every reason with its rule and citation, what must be done, what is due, what
//! is not known, and what does not bind yet. Nothing is read but the arguments: no clock, no file, no time zone of the
//! machine. The same packs, facts and day give the same answer, and both hashes say which they were.
//!
//! [`predial`], [`request_clock`] and [`breach_clocks`] are the same with types, for a server. All of it is an
//! engineering default and no legal advice.
//!
//! ```
//! use callvault_law::{Facts, Overlay, Packs, evaluate};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let packs = Packs::embedded(Overlay::default())?;
//! let facts = Facts::new(serde_json::json!({"party_states": ["TX", "CA"], "announcement_played": false}))?;
//! let answer = evaluate(&packs, "tcpa", "start_recording", &facts, "2026-11-23T12:00:00Z".parse()?)?;
//! assert_eq!(answer.decision, "deny");
//! assert!(answer.citations.iter().any(|c| c.contains("Penal Code 632")));
//! # Ok(())
//! # }
//! ```

mod api;
mod book;
mod case;
mod clock;
mod consent;
mod dates;
mod decide;
mod engines;
mod error;
mod facts;
mod next;
mod pack;
mod preview;
mod refusal;
mod test_fact;
mod tri;
mod zone;

pub use api::{
    Consent, CountedClock, Dnc, Law, Outbound, Places, RequestDue, StartEvents, breach_clocks,
    breach_jurisdictions, places_of, predial, request_clock,
};
pub use book::{Change, Row, diff, rows, stale};
pub use decide::{Decision, Due, Obligation, Reason, Shadow, Source, evaluate};
pub use error::Error;
pub use facts::Facts;
pub use next::next_allowed;
pub use pack::{
    Action, Cite, Clock, Condition, Confidence, Force, Head, Outcome, Overlay, Pack, PackFile, Packs,
    Provenance, Relationship, Retention, Rule, Scalar, Share, Signed, Status, Table, Threshold, Within, Word,
    sign,
};
pub use preview::{Counts, Preview, ReasonCount};
pub use refusal::{Medium, Refusal, refusal};

/// What every page and answer of the law engine says.
pub const DISCLAIMER: &str = "engineering default, not legal advice";

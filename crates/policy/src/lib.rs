//! Who may do what, for which purpose, and how somebody proves who they are. Deciding is pure: facts in, decision out;
//! `store::gate` loads the facts, writes the ledger entry and makes the permit.
//!
//! The rules are the Cedar policies in `policies/`; [`facts`] is what they are asked with, [`decision`] what they answer.

pub mod act;
pub mod decision;
mod engine;
pub mod error;
pub mod factor;
pub mod facts;
pub mod matrix;
pub mod purpose;
pub mod role;
pub mod training;

pub use act::Act;
pub use decision::{Decision, Denial, Obligation, Reason};
pub use engine::{decide, fingerprint};
pub use error::PolicyError;
pub use facts::{ActorFacts, Facts, ResourceFacts, ResourceKind};
pub use matrix::{matrix, purposes, rights};
pub use purpose::Purpose;
pub use role::{Conflict, Role};

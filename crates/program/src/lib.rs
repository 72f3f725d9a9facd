//! The privacy programme: what is practised around the conversations, read from facts and kept as evidence.
//!
//! The modules do not import each other; what they share is in `model`, `policy`, `ledger` and `store`, and the form of
//! their certificates in `signed`. `promises` joins some of them, and so does `disposal::tenant`, which ends a whole vault.

pub mod dial;
pub mod disposal;
mod error;
pub mod incident;
pub mod posture;
mod private;
pub mod promises;
pub mod record;
pub mod register;
pub mod request;
pub mod signed;
pub mod training;

pub use error::Error;

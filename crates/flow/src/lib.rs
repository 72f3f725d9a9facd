//! The straight way of a conversation through the vault. Start reading at [`walk`].

pub mod answers;
pub mod certificate;
pub mod correct;
pub mod cover;
pub mod dialogue;
pub mod dispose;
pub mod edges;
mod error;
pub mod hear;
pub mod intake;
pub mod measure;
pub mod plan;
pub mod planting;
pub mod prove;
pub mod receive;
mod record;
mod references;
mod refusals;
pub mod regress;
pub mod scratch;
pub mod source;
pub mod text;
pub mod tools;
pub mod voice;
pub mod walk;

pub use error::{Error, Quarantine, QuarantineCode};

#[cfg(test)]
mod testing;

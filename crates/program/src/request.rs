//! Requests of the people concerned: the clock, the copy of everything held, the erasure and its honest receipt.
//!
//! What the law says comes from dated, cited rows; it is an engineering default and no legal advice.

mod archive;
mod audio;
pub mod clock;
pub mod copy;
pub mod erase;
pub mod holidays;
mod html;
pub mod plan;
pub mod portable;
pub mod receipt;
mod whose;

pub use archive::{Folder, Sink, TarSink};
pub use copy::{Copy, Decisions};

use callvault_law::Source;
use serde::Serialize;

/// The row of law that an answer rests on, as pages show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Id of the row.
    pub rule: String,
    /// What it is.
    pub title: String,
    /// Where that is written.
    pub cite: Vec<String>,
    /// `low`, `medium` or `high`.
    pub confidence: String,
    /// When the source was read.
    pub read: String,
    /// Nobody signed it off, and it is of low confidence or from memory.
    pub unreviewed: bool,
    /// What a reader should know.
    pub note: String,
}

impl From<&Source> for Row {
    fn from(s: &Source) -> Self {
        Self {
            rule: s.rule.clone(),
            title: s.title.clone(),
            cite: s.cite.iter().map(|c| c.reference.clone()).collect(),
            confidence: s.confidence.to_owned(),
            read: s.read.to_string(),
            unreviewed: s.unreviewed,
            note: s.note.clone(),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Conversations in the copy.
    pub conversations: usize,
    /// Recordings in it.
    pub recordings: usize,
    /// Values that are left out.
    pub left_out: usize,
}

/// Writes the copy of one person's data.
pub fn write_copy(
    vault: &callvault_store::Vault,
    export: &callvault_store::export::SubjectExport,
    decisions: &Decisions,
    limits: &callvault_speech::decode::Limits,
    sink: &mut dyn Sink,
) -> Result<Written, crate::Error> {
    let mut copy = copy::build(vault, export, decisions)?;
    let recordings = archive::write(vault, &mut copy, limits, sink)?;
    Ok(Written { conversations: copy.conversations.len(), recordings, left_out: copy.left_out })
}

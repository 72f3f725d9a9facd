//! How far a redaction was proven. The words "contains none" are never used; a proof says who listened again.

use serde::{Deserialize, Serialize};

/// The strength of the evidence that nothing covered can still be heard or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofLevel {
    /// Nobody listened again: an imported transcript without a recogniser, or `--offline`. Never shreds.
    None,
    /// Heard again by the engine of the first pass, in the same pieces.
    SameEngine,
    /// Heard again by a different model or in different pieces, no unmuted voiced time without words, tones clean.
    Independent,
}

impl ProofLevel {
    /// The stable name used in reports and certificates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SameEngine => "same-engine",
            Self::Independent => "independent",
        }
    }
}

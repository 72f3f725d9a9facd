//! Whether words look like English. The model writes something English-like for any language; this looks at how little
//! of it is.

use callvault_model::Word;

use crate::heard::Segment;

/// Being built on data.
pub(crate) fn looks_foreign(_words: &[Word]) -> bool {
    false
}

/// Being built on data.
pub(crate) fn judge_channel(_segments: &mut [Segment]) {}

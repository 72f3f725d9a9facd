//! The recognisers: one family a file, one line in [`ALL`], one fixture in `fixtures/detect`.

use crate::context::{Candidate, Context};

pub(crate) mod number;

/// One recogniser.
pub(crate) struct Recognizer {
    /// Its name in findings and the name of its fixture.
    pub name: &'static str,
    /// Finds what it knows.
    pub find: fn(&Context<'_>, &mut Vec<Candidate>),
}

/// Every recogniser. A new one is one line here and one fixture.
pub(crate) const ALL: &[Recognizer] = &[
    Recognizer { name: number::NAME, find: number::find },
    Recognizer { name: crate::tagger::NAME, find: crate::tagger::find },
];

//! The recognisers: one family a file, one line in [`ALL`], one fixture in `fixtures/detect`.

use crate::{
    Error,
    context::{Candidate, Context},
};
use std::sync::OnceLock;

pub(crate) mod address;
pub(crate) mod belief;
pub(crate) mod code;
pub(crate) mod credential;
pub(crate) mod date;
pub(crate) mod email;
pub(crate) mod health;
pub(crate) mod name;
pub(crate) mod number;
mod pattern;
mod phrase;
pub(crate) mod spelled;
pub(crate) mod written;

/// One recogniser.
pub(crate) struct Recognizer {
    /// Its name in findings and the name of its fixture.
    #[cfg_attr(not(test), expect(dead_code, reason = "the registry test finds fixtures by it"))]
    pub name: &'static str,
    /// Whether it works by form and announcement alone, without the lists of names and the tagger.
    pub by_form: bool,
    /// Finds what it knows.
    pub find: fn(&Context<'_>, &mut Vec<Candidate>),
}

/// Every recogniser. A new one is one line here and one fixture.
pub(crate) const ALL: &[Recognizer] = &[
    Recognizer { name: number::NAME, by_form: true, find: number::find },
    Recognizer { name: code::NAME, by_form: true, find: code::find },
    Recognizer { name: written::NAME, by_form: true, find: written::find },
    Recognizer { name: email::NAME, by_form: true, find: email::find },
    Recognizer { name: spelled::NAME, by_form: false, find: spelled::find },
    Recognizer { name: name::NAME, by_form: false, find: name::find },
    Recognizer { name: address::NAME, by_form: false, find: address::find },
    Recognizer { name: date::NAME, by_form: true, find: date::find },
    Recognizer { name: health::NAME, by_form: false, find: health::find },
    Recognizer { name: belief::NAME, by_form: false, find: belief::find },
    Recognizer { name: credential::NAME, by_form: false, find: credential::find },
    Recognizer { name: crate::tagger::NAME, by_form: false, find: crate::tagger::find },
];

/// The words that the recognisers' lists of phrases begin with.
pub(crate) fn first_words() -> impl Iterator<Item = &'static str> {
    health::first_words().chain(belief::first_words())
}

/// Refuses a build whose patterns do not compile.
pub(crate) fn check() -> Result<(), Error> {
    static DONE: OnceLock<Result<(), Error>> = OnceLock::new();
    let run = || {
        written::check()
            .and_then(|()| email::check())
            .and_then(|()| date::check())
            .and_then(|()| health::check())
    };
    DONE.get_or_init(run).clone()
}

#[cfg(test)]
mod tests;

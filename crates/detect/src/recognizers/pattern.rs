//! A regular expression over the raw text of turns. The engine is linear in the text, so no text can make it slow.

use crate::{
    Error,
    context::{Candidate, Context},
    signs::Signs,
};
use callvault_model::EntityType;
use regex::Regex;
use std::sync::OnceLock;

/// The most memory one compiled pattern may take.
const SIZE_LIMIT: usize = 4 << 20;

/// A pattern that is compiled when it is first used.
pub(crate) struct Pattern {
    source: &'static str,
    /// Whether a text with these signs can match at all.
    gate: fn(&Signs) -> bool,
    compiled: OnceLock<Result<Regex, regex::Error>>,
    /// The same without word boundaries, which the quick engine only knows in ASCII: no other text that this does not
    /// match need be asked the slow one.
    relaxed: OnceLock<Option<Regex>>,
}

fn build(source: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(source).size_limit(SIZE_LIMIT).build()
}

impl Pattern {
    /// A pattern, and a test that every text it matches passes.
    pub const fn new(source: &'static str, gate: fn(&Signs) -> bool) -> Self {
        Self { source, gate, compiled: OnceLock::new(), relaxed: OnceLock::new() }
    }

    /// Refuses a pattern that does not compile.
    pub fn check(&self, recognizer: &'static str) -> Result<(), Error> {
        let why = |e: &regex::Error| Error::Pattern { recognizer, why: e.to_string() };
        self.compiled().as_ref().map(drop).map_err(why)
    }

    /// Whether the gate keeps a text from the pattern that it matches.
    #[cfg(test)]
    pub fn passes_over(&self, text: &str) -> bool {
        let signs = Signs::of(text);
        !(signs.loud() && (self.gate)(&signs)) && self.regex().is_some_and(|r| r.is_match(text))
            || !self.may_match(text) && self.regex().is_some_and(|r| r.is_match(text))
    }

    /// The compiled pattern; none when [`Self::check`] would refuse it.
    pub fn regex(&self) -> Option<&Regex> {
        self.compiled().as_ref().ok()
    }

    fn compiled(&self) -> &Result<Regex, regex::Error> {
        self.compiled.get_or_init(|| build(self.source))
    }

    fn may_match(&self, text: &str) -> bool {
        let relaxed = || self.relaxed.get_or_init(|| build(&self.source.replace(r"\b", "")).ok());
        text.is_ascii() || relaxed().as_ref().is_none_or(|r| r.is_match(text))
    }

    /// Every match, turn by turn; group 1 is the value where the pattern has one.
    pub fn candidates(
        &self,
        ctx: &Context<'_>,
        entity: EntityType,
        score: f32,
        recognizer: &'static str,
        reason: &'static str,
        out: &mut Vec<Candidate>,
    ) {
        self.each(ctx, |turn, start, end, _| {
            out.push(Candidate {
                turn,
                start,
                end,
                entity,
                score,
                recognizer: recognizer.into(),
                reason,
                value: 0,
            })
        });
    }

    /// Calls `f` with turn, bytes and text of every match.
    pub fn each(&self, ctx: &Context<'_>, mut f: impl FnMut(usize, usize, usize, &str)) {
        let Some(regex) = self.regex() else { return };
        let groups = regex.captures_len() > 1;
        let turns = ctx.loud.iter().filter_map(|k| Some((*k, ctx.doc.turns.get(*k)?)));
        let open = turns.filter(|(_, t)| (self.gate)(&t.signs));
        for (index, turn) in open {
            let text = turn.normal.text.as_str();
            if !self.may_match(text) {
                continue;
            }
            if groups {
                for m in regex.captures_iter(text).filter_map(|c| c.get(1)) {
                    f(index, m.start(), m.end(), m.as_str());
                }
            } else {
                for m in regex.find_iter(text) {
                    f(index, m.start(), m.end(), m.as_str());
                }
            }
        }
    }
}

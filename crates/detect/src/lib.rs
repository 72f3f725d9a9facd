//! Finds personal, payment and health data in what people say and type. Pure, no I/O.
//!
//! One pass: normalise with an exact way back (`normal`), tokens, numbers as people say them (`spoken`), cues and
//! the last question (`context`), recognisers (`recognizers`), a small sequence tagger, entity memory, union.

pub mod asked;
mod closed;
mod context;
pub mod cues;
mod custom;
mod error;
mod fillers;
#[cfg(test)]
mod fuzz;
mod gazetteer;
mod language;
mod lexicon;
pub mod live;
mod memory;
mod normal;
pub mod plant;
mod profile;
mod recognizers;
pub mod redact;
mod resolve;
pub mod search;
mod signs;
mod spoken;
mod tagger;
mod token;
pub mod train;
mod validate;

pub use custom::Custom;
pub use error::Error;
pub use profile::Profile;
pub use validate::Validator;

use callvault_model::{EntityType, Finding, Role};
use context::Context;
use std::sync::Arc;
use token::Doc;

/// One turn of a conversation.
#[derive(Debug, Clone, Copy)]
pub struct Utterance<'a> {
    /// Who speaks.
    pub role: Role,
    /// What was said or typed.
    pub text: &'a str,
}

/// A stretch of one document.
#[derive(Debug, Clone, PartialEq)]
pub struct TextSpan {
    /// First byte, on a character boundary.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub entity: EntityType,
    /// 0 to 1.
    pub score: f32,
    /// Name of the recogniser that found it.
    pub recognizer: String,
    /// Why, in words that contain nothing of the value.
    pub reason: String,
}

/// How thoroughly a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// With everything there is.
    #[default]
    Full,
    /// Only for values with a form or an announcement of their own, numbers above all: faster, and blind to names,
    /// places, streets and health.
    Forms,
}

/// Finds what a profile reports.
#[derive(Debug, Clone)]
pub struct Detector {
    profile: Profile,
    reading: Reading,
    custom: Option<Arc<Custom>>,
}

impl Detector {
    /// A detector for one profile. The lists and models are read once per process.
    pub fn new(profile: Profile) -> Result<Self, Error> {
        gazetteer::Gazetteer::get();
        tagger::check()?;
        recognizers::check()?;
        Ok(Self { profile, reading: Reading::Full, custom: None })
    }

    /// The same detector with a site's own recognisers and lists beside the built-in ones.
    #[must_use]
    pub fn with_custom(self, custom: impl Into<Arc<Custom>>) -> Self {
        Self { custom: Some(custom.into()), ..self }
    }

    /// The same detector with another reading.
    #[must_use]
    pub fn with_reading(self, reading: Reading) -> Self {
        Self { reading, ..self }
    }

    /// The profile.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Findings of a conversation: byte offsets in each turn's text, sorted by turn and start, without overlaps.
    pub fn detect(&self, turns: &[Utterance<'_>]) -> Vec<Finding> {
        let doc = Doc::read(turns, self.reading);
        self.find(&Context::new(&doc))
    }

    fn find(&self, ctx: &Context<'_>) -> Vec<Finding> {
        let mut candidates = Vec::new();
        for recognizer in recognizers::ALL.iter().filter(|r| r.by_form || self.reading == Reading::Full) {
            (recognizer.find)(ctx, &mut candidates);
        }
        let custom = self.custom.as_deref();
        if let Some(custom) = custom {
            custom.find(ctx, &mut candidates);
            custom.keep(ctx, &mut candidates);
        }
        if self.reading == Reading::Full {
            memory::recall(ctx, &mut candidates);
            // What a list keeps is not taken up again from another mention.
            custom.into_iter().for_each(|c| c.keep(ctx, &mut candidates));
        }
        resolve::resolve(ctx.doc, candidates, self.profile)
    }

    /// Findings of one document whose lines are turns, with an optional speaker ("agent: ") before each.
    pub fn detect_text(&self, text: &str) -> Vec<TextSpan> {
        let (turns, starts) = lines(text);
        self.detect(&turns)
            .into_iter()
            .filter_map(|f| {
                let base = starts.get(f.turn)?;
                Some(TextSpan {
                    start: base.saturating_add(f.start),
                    end: base.saturating_add(f.end),
                    entity: f.entity,
                    score: f.score,
                    recognizer: f.recognizer,
                    reason: f.reason,
                })
            })
            .collect()
    }
}

/// The lines of a document as turns, with the byte where each turn's text begins.
fn lines(text: &str) -> (Vec<Utterance<'_>>, Vec<usize>) {
    let (mut turns, mut starts, mut at) = (Vec::new(), Vec::new(), 0usize);
    for line in text.split('\n') {
        let (role, skip) = speaker(line);
        turns.push(Utterance { role, text: line.get(skip..).unwrap_or("") });
        starts.push(at.saturating_add(skip));
        at = at.saturating_add(line.len()).saturating_add(1);
    }
    (turns, starts)
}

/// The speaker that a line names ("agent: "), and the byte where its words begin.
pub fn speaker(line: &str) -> (Role, usize) {
    let Some(colon) = line.bytes().take(12).position(|b| b == b':') else { return (Role::Unknown, 0) };
    let name = line.get(..colon).unwrap_or("").trim();
    let one_of = |names: &[&str]| names.iter().any(|n| n.eq_ignore_ascii_case(name));
    let role = if one_of(&["agent", "representative", "rep", "operator"]) {
        Role::Agent
    } else if one_of(&["customer", "caller", "client", "user"]) {
        Role::Customer
    } else if one_of(&["action", "system", "bot", "ivr"]) {
        Role::System
    } else {
        return (Role::Unknown, 0);
    };
    (role, colon.saturating_add(1))
}

/// The spans' offsets in Unicode code points, as most JSON clients count. Spans must be sorted by start.
pub fn code_points(text: &str, spans: &[TextSpan]) -> Vec<(usize, usize)> {
    let (mut byte, mut point) = (0usize, 0usize);
    let mut to_point = |target: usize| {
        if target < byte {
            (byte, point) = (0, 0);
        }
        point = point.saturating_add(text.get(byte..target).map_or(0, |t| t.chars().count()));
        byte = target;
        point
    };
    spans.iter().map(|s| (to_point(s.start), to_point(s.end))).collect()
}

//! A site's own recognisers and lists, from TOML. A recogniser brings examples of what it must find and must not find;
//! one whose examples fail is refused with the whole file, so that no half-right pattern ever runs over a call.

use crate::{
    Error,
    context::{Candidate, Context},
    lines,
    token::{Doc, Kind},
    validate::Validator,
};
use callvault_model::EntityType;
use regex::Regex;
use serde::Deserialize;
use std::{borrow::Cow, collections::HashMap};

/// The longest file.
const MAX_FILE: usize = 4 << 20;
/// The most recognisers.
const MAX_RECOGNISERS: usize = 200;
/// The longest pattern.
const MAX_PATTERN: usize = 1_000;
/// The most memory one compiled pattern may take.
const MAX_COMPILED: usize = 1 << 20;
/// The deepest nesting of groups in a pattern.
const MAX_NESTING: u32 = 40;
/// The most examples and context words of one recogniser, each.
const MAX_EXAMPLES: usize = 100;
/// The most entries of all lists together.
const MAX_WORDS: usize = 200_000;
/// The longest example or entry.
const MAX_TEXT: usize = 2_000;
/// How many words before and after a value its context words are looked for.
const BEFORE: usize = 10;
const AFTER: usize = 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    recognizer: Vec<RecognizerSource>,
    #[serde(default)]
    list: Vec<ListSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecognizerSource {
    name: String,
    #[serde(rename = "type")]
    entity: String,
    pattern: String,
    #[serde(default)]
    context: Vec<String>,
    validator: Option<String>,
    score: Option<f32>,
    #[serde(rename = "match")]
    finds: Vec<String>,
    no_match: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListSource {
    name: String,
    #[serde(rename = "type")]
    entity: String,
    #[serde(rename = "use")]
    purpose: String,
    entries: Vec<String>,
}

/// Recognisers and lists of one site.
#[derive(Debug, Default)]
pub struct Custom {
    recognizers: Vec<Own>,
    keep: Phrases,
    find: Phrases,
}

#[derive(Debug)]
struct Own {
    name: String,
    entity: EntityType,
    regex: Regex,
    context: Vec<Vec<String>>,
    validator: Option<Validator>,
    score: f32,
}

/// Entries by their first folded word.
#[derive(Debug, Default)]
struct Phrases(HashMap<String, Vec<(Vec<String>, EntityType)>>);

impl Custom {
    /// Reads and tries a file of recognisers and lists.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_FILE {
            return Err(refused("the file", format!("it is larger than {} MiB", MAX_FILE >> 20)));
        }
        // The parser's own message quotes the file, and lists hold names: only the place is told.
        let file: File = toml::from_str(text).map_err(|e| {
            let at = e
                .span()
                .map_or(0, |s| text.get(..s.start).unwrap_or("").matches('\n').count().saturating_add(1));
            refused(
                "the file",
                format!("line {at} is not as the guide describes ({})", first_words(e.message())),
            )
        })?;
        if file.recognizer.len() > MAX_RECOGNISERS {
            return Err(refused("the file", format!("it holds more than {MAX_RECOGNISERS} recognisers")));
        }
        let mut out = Self::default();
        for source in file.recognizer {
            let own = Own::new(source)?;
            if out.recognizers.iter().any(|r| r.name == own.name) {
                return Err(refused(&own.name, "the name is used twice".into()));
            }
            out.recognizers.push(own);
        }
        let entries = file.list.iter().map(|l| l.entries.len()).fold(0, usize::saturating_add);
        if entries > MAX_WORDS {
            return Err(refused("the file", format!("its lists hold more than {MAX_WORDS} entries")));
        }
        for list in file.list {
            out.add_list(list)?;
        }
        Ok(out)
    }

    /// How many recognisers, and how many entries its lists have.
    pub fn size(&self) -> (usize, usize) {
        let entries = |p: &Phrases| p.0.values().map(Vec::len).sum::<usize>();
        (self.recognizers.len(), entries(&self.keep).saturating_add(entries(&self.find)))
    }

    fn add_list(&mut self, list: ListSource) -> Result<(), Error> {
        let entity = entity(&list.name, &list.entity)?;
        let into = match list.purpose.as_str() {
            "keep" if entity.is_payment() => {
                return Err(refused(&list.name, "payment data cannot be kept readable by a list".into()));
            }
            "keep" => &mut self.keep,
            "find" => &mut self.find,
            _ => return Err(refused(&list.name, "\"use\" is neither \"keep\" nor \"find\"".into())),
        };
        for (k, entry) in (1usize..).zip(&list.entries) {
            let words = if entry.len() <= MAX_TEXT { words(entry) } else { Vec::new() };
            let Some((first, rest)) = words.split_first() else {
                return Err(refused(&list.name, format!("entry {k} is empty or too long")));
            };
            into.0.entry(first.clone()).or_default().push((rest.to_vec(), entity));
        }
        into.0.values_mut().for_each(|v| v.sort_by_key(|(w, _)| std::cmp::Reverse(w.len())));
        Ok(())
    }

    /// Everything the site's own recognisers and lists find.
    pub(crate) fn find(&self, ctx: &Context<'_>, out: &mut Vec<Candidate>) {
        self.recognizers.iter().for_each(|r| r.find(ctx, out));
        if self.find.0.is_empty() {
            return;
        }
        for i in 0..ctx.doc.tokens.len() {
            if let Some((end, entity)) = self.find.at(ctx.doc, i) {
                out.extend(ctx.over(i, end, entity, 0.9, "site-list", "stands in a list of this site"));
            }
        }
    }

    /// Takes away what lists of this site keep readable: candidates of the type all of whose words are in kept entries.
    pub(crate) fn keep(&self, ctx: &Context<'_>, candidates: &mut Vec<Candidate>) {
        if self.keep.0.is_empty() {
            return;
        }
        let mut kept: HashMap<usize, EntityType> = HashMap::new();
        for i in 0..ctx.doc.tokens.len() {
            if let Some((end, entity)) = self.keep.at(ctx.doc, i) {
                kept.extend((i..end).map(|k| (k, entity)));
            }
        }
        candidates.retain(|c| {
            let mut all = crate::memory::tokens_of(ctx, c).peekable();
            all.peek().is_none() || !all.all(|i| kept.get(&i) == Some(&c.entity))
        });
    }
}

impl Own {
    fn new(source: RecognizerSource) -> Result<Self, Error> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if source.name.is_empty() || source.name.len() > 60 || !source.name.chars().all(plain) {
            return Err(refused("a recogniser", "its name is not 1 to 60 of a-z, 0-9, _ and -".into()));
        }
        let name = source.name;
        let bad = |why: String| Err(refused(&name, why));
        if source.pattern.len() > MAX_PATTERN {
            return bad(format!("its pattern is longer than {MAX_PATTERN} characters"));
        }
        let regex = regex::RegexBuilder::new(&source.pattern)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .nest_limit(MAX_NESTING)
            .build();
        let regex = match regex {
            Ok(regex) => regex,
            Err(regex::Error::CompiledTooBig(_)) => {
                return bad("its pattern compiles to more than 1 MiB".into());
            }
            Err(e) => {
                return bad(format!("its pattern is no regular expression: {}", last_line(&e.to_string())));
            }
        };
        if regex.is_match("") {
            return bad("its pattern matches the empty text".into());
        }
        let examples = source.finds.iter().chain(&source.no_match).chain(&source.context);
        if [&source.finds, &source.no_match, &source.context].iter().any(|l| l.len() > MAX_EXAMPLES)
            || examples.map(String::len).any(|n| n > MAX_TEXT)
        {
            return bad(format!(
                "more than {MAX_EXAMPLES} examples or context words, or one over {MAX_TEXT} bytes"
            ));
        }
        if source.finds.is_empty() || source.no_match.is_empty() {
            return bad("it needs at least one text under \"match\" and one under \"no_match\"".into());
        }
        let validator = match source.validator.as_deref() {
            None => None,
            Some(v) => match Validator::named(v) {
                Some(v) => Some(v),
                None => {
                    let names: Vec<_> = Validator::ALL.iter().map(|(n, _)| *n).collect();
                    return bad(format!("its validator is none of {}", names.join(", ")));
                }
            },
        };
        let own = Self {
            entity: entity(&name, &source.entity)?,
            regex,
            context: source.context.iter().map(|c| words(c)).filter(|w| !w.is_empty()).collect(),
            validator,
            score: source.score.unwrap_or(0.85).clamp(0.0, 1.0),
            name,
        };
        own.prove(&source.finds, &source.no_match)?;
        Ok(own)
    }

    /// Tries the examples.
    fn prove(&self, finds: &[String], no_match: &[String]) -> Result<(), Error> {
        for (texts, want, list) in [(finds, true, "match"), (no_match, false, "no_match")] {
            for (k, text) in (1usize..).zip(texts) {
                let (turns, _) = lines(text);
                let doc = Doc::new(&turns);
                let mut out = Vec::new();
                self.find(&Context::new(&doc), &mut out);
                if out.is_empty() == want {
                    let what = if want { "finds nothing" } else { "finds something" };
                    return Err(refused(&self.name, format!("it {what} in example {k} of \"{list}\"")));
                }
            }
        }
        Ok(())
    }

    fn find(&self, ctx: &Context<'_>, out: &mut Vec<Candidate>) {
        let mut add = |turn: usize, start: usize, end: usize, reason: &'static str| {
            let entity = self.entity;
            let recognizer = Cow::Owned(self.name.clone());
            out.push(Candidate { turn, start, end, entity, score: self.score, recognizer, reason, value: 0 });
        };
        for (index, turn) in ctx.doc.turns.iter().enumerate() {
            let text = turn.normal.text.as_str();
            let fits = |m: &str| self.validator.is_none_or(|v| v.passes(m));
            for found in self.regex.captures_iter(text).filter_map(|c| c.get(1).or_else(|| c.get(0))) {
                if !found.is_empty()
                    && fits(found.as_str())
                    && self.in_context(ctx, index, found.start(), found.end())
                {
                    add(index, found.start(), found.end(), "matches a pattern of this site");
                }
            }
        }
        // The same digits as people say them, also over several turns.
        for chain in ctx.chains.iter() {
            let pieces = || chain.iter().filter_map(|k| ctx.segments.get(*k));
            if pieces().all(|s| s.written && chain.len() == 1) {
                continue;
            }
            let digits: String = pieces().map(|s| &*s.digits).collect();
            let whole = self.regex.find(&digits).is_some_and(|m| m.len() == digits.len());
            if !whole || self.validator.is_some_and(|v| !v.passes(&digits)) {
                continue;
            }
            for s in pieces() {
                let span =
                    ctx.over(s.first, s.end, self.entity, self.score, "", "").map(|c| (c.start, c.end));
                if let Some((start, end)) = span
                    && self.in_context(ctx, s.turn, start, end)
                {
                    add(s.turn, start, end, "spoken digits match a pattern of this site");
                }
            }
        }
    }

    /// Whether a context word stands near the value or in the question before; true without context words.
    fn in_context(&self, ctx: &Context<'_>, turn: usize, start: usize, end: usize) -> bool {
        if self.context.is_empty() {
            return true;
        }
        let Some(t) = ctx.doc.turns.get(turn) else { return false };
        let tokens = ctx.doc.tokens.get(t.first..t.end).unwrap_or(&[]);
        let from = t.first.saturating_add(tokens.partition_point(|k| (k.end as usize) <= start));
        let to = t.first.saturating_add(tokens.partition_point(|k| (k.start as usize) < end));
        let near = from.saturating_sub(BEFORE).max(t.first)..to.saturating_add(AFTER).min(t.end);
        if near.clone().any(|i| self.context.iter().any(|c| stands_at(ctx.doc, i, c))) {
            return true;
        }
        // The last words of the turns before are the question that this answers.
        ctx.doc.turns.get(turn.saturating_sub(3)..turn).unwrap_or(&[]).iter().any(|q| {
            (q.end.saturating_sub(30).max(q.first)..q.end)
                .any(|i| self.context.iter().any(|c| stands_at(ctx.doc, i, c)))
        })
    }
}

impl Phrases {
    /// The end and type of the entry that begins at token `i`, the longest first.
    fn at(&self, doc: &Doc, i: usize) -> Option<(usize, EntityType)> {
        let entries = self.0.get(doc.word(i))?;
        let next = i.saturating_add(1);
        entries
            .iter()
            .find(|(rest, _)| rest.is_empty() || doc.same_turn(i, next) && stands_at(doc, next, rest))
            .map(|(rest, entity)| (next.saturating_add(rest.len()), *entity))
    }
}

fn stands_at(doc: &Doc, i: usize, words: &[String]) -> bool {
    (0isize..).zip(words).all(|(by, w)| doc.near(i, by) == w)
}

/// The folded words of a text.
fn words(text: &str) -> Vec<String> {
    let (turns, _) = lines(text);
    let doc = Doc::new(&turns);
    (0..doc.tokens.len())
        .filter(|i| doc.token(*i).is_some_and(|t| t.kind != Kind::Word || !doc.word(*i).is_empty()))
        .map(|i| doc.word(i).to_owned())
        .collect()
}

fn entity(name: &str, entity: &str) -> Result<EntityType, Error> {
    entity.parse().map_err(|_| {
        refused(name, "its type is none of the closed list; see `callvault detect --types`".to_owned())
    })
}

fn refused(name: &str, why: String) -> Error {
    Error::Custom { name: name.chars().take(60).collect(), why }
}

fn first_words(message: &str) -> String {
    message.lines().next().unwrap_or("").chars().take(120).collect()
}

fn last_line(message: &str) -> String {
    message.lines().last().unwrap_or("").chars().take(160).collect()
}

#[cfg(test)]
mod tests;

//! Whether a text still holds a value in any spoken or written form. Proofs use it; it errs towards "yes".

use crate::{Utterance, lexicon, spoken, token::Doc};
use callvault_model::Role;
use std::ops::Range;

/// A number found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigitRun {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// How many digits are said.
    pub digits: usize,
}

/// Every run of written or spoken digits of the text, with fillers inside.
pub fn digit_runs(text: &str) -> Vec<DigitRun> {
    let doc = one(text);
    spoken::segments(&doc)
        .iter()
        .filter_map(|s| {
            let (a, b) = (doc.token(s.first)?, doc.token(s.end.checked_sub(1)?)?);
            let (start, end) = doc.turns.first()?.normal.source(a.start as usize, b.end as usize);
            Some(DigitRun { range: start..end, digits: s.digits.len() })
        })
        .collect()
}

/// The digits of a text that says nothing but digits.
pub(crate) fn only_digits(text: &str) -> Option<String> {
    Some(Stream::new(&one(text), false).text).filter(|t| numeric(t))
}

/// The digits that the text says, a string for each number.
pub(crate) fn digit_groups(text: &str) -> Vec<String> {
    let doc = one(text);
    let segments = spoken::segments(&doc);
    let written = |s: &spoken::Segment| s.written;
    // "05/06/1984" is one run of three groups.
    segments
        .iter()
        .flat_map(|s| {
            if written(s) {
                segments.atoms(s).iter().map(|a| a.digits.to_string()).collect()
            } else {
                vec![s.digits.to_string()]
            }
        })
        .collect()
}

/// The canonical forms under which a value is looked for: its digits, and its letters and digits without separators.
pub fn forms(value: &str) -> Vec<String> {
    let doc = one(value);
    let mut out = Vec::new();
    let digits: String = spoken::segments(&doc).iter().map(|s| &*s.digits).collect();
    let (plain, mail) = (Stream::new(&doc, false).text, Stream::new(&doc, true).text);
    if digits.len() >= 3 && (numeric(&plain) || digits.len() >= 6) {
        out.push(digits);
    }
    for form in [plain, mail] {
        if form.chars().count() >= 2 && !out.contains(&form) {
            out.push(form);
        }
    }
    out
}

/// Whether `text` still contains `value` as digits with any separators, number words, spelled letters, or words.
pub fn value_recoverable(text: &str, value: &str) -> bool {
    let wanted = one(value);
    let doc = one(text);
    let digits: String = spoken::segments(&wanted).iter().map(|s| &*s.digits).collect();
    let plain = Stream::new(&wanted, false);
    if digits.len() >= 3 && (numeric(&plain.text) || digits.len() >= 6) && holds_digits(&doc, &digits) {
        return true;
    }
    if numeric(&plain.text) {
        return false;
    }
    if plain.text.chars().count() >= 2 && Stream::new(&doc, false).holds(&plain.text) {
        return true;
    }
    let mail = Stream::new(&wanted, true);
    let address = value.contains('@') || mail.text != plain.text;
    address && mail.text.chars().count() >= 4 && Stream::new(&doc, true).holds(&mail.text)
}

fn one(text: &str) -> Doc {
    Doc::new(&[Utterance { role: Role::Unknown, text }])
}

fn numeric(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether numbers of the text say these digits. Short values must stand as whole groups, long ones anywhere.
fn holds_digits(doc: &Doc, digits: &str) -> bool {
    let segments = spoken::segments(doc);
    let mut joined = String::new();
    let mut starts = Vec::new();
    let mut end_of_last = usize::MAX;
    let check = |joined: &str, starts: &[usize]| {
        joined.match_indices(digits).any(|(at, _)| {
            let stop = at.saturating_add(digits.len());
            digits.len() >= 5 || (starts.contains(&at) && (stop == joined.len() || starts.contains(&stop)))
        })
    };
    for s in segments.iter() {
        let near = s.first.saturating_sub(end_of_last) <= 4 && s.first >= end_of_last;
        let linked = near
            && (end_of_last..s.first)
                .all(|i| lexicon::acknowledgement(doc.word(i)) || lexicon::filler(doc.word(i)));
        if !linked {
            if check(&joined, &starts) {
                return true;
            }
            joined.clear();
            starts.clear();
        }
        for atom in segments.atoms(s) {
            starts.push(joined.len());
            joined.push_str(&atom.digits);
        }
        end_of_last = s.end;
    }
    check(&joined, &starts)
}

/// A text as letters and digits without separators, number words as digits, spelled letters as letters.
struct Stream {
    text: String,
    /// Byte offsets in `text` where a token begins, sorted; the end of the text is one too.
    edges: Vec<usize>,
}

impl Stream {
    fn new(doc: &Doc, mail: bool) -> Self {
        let (mut text, mut edges) = (String::new(), Vec::new());
        let segments = spoken::segments(doc);
        let mut next = segments.iter().flat_map(|s| segments.atoms(s)).peekable();
        let mut i = 0usize;
        while i < doc.tokens.len() {
            while next.peek().is_some_and(|a| a.end <= i) {
                next.next();
            }
            edges.push(text.len());
            if let Some(atom) = next.peek().filter(|a| a.first == i) {
                text.push_str(&atom.digits);
                i = atom.end;
                continue;
            }
            let word = doc.word(i);
            let separator =
                matches!(word, "dot" | "at" | "underscore" | "dash" | "hyphen" | "point" | "period");
            let spelled = word.len() == 1 && doc.near(i, 1) == "as" && doc.near(i, 2) == "in";
            match lexicon::nato(word).filter(|_| in_nato(doc, i)) {
                Some(letter) => text.push(letter),
                None if mail && separator => {}
                None => text.push_str(word),
            }
            i = i.saturating_add(if spelled { 4 } else { 1 });
        }
        edges.push(text.len());
        edges.dedup();
        Self { text, edges }
    }

    fn holds(&self, value: &str) -> bool {
        !value.is_empty()
            && self.text.match_indices(value).any(|(at, _)| {
                let end = at.saturating_add(value.len());
                self.edges.binary_search(&at).is_ok() && self.edges.binary_search(&end).is_ok()
            })
    }
}

/// Whether the word stands among words of a spelling alphabet.
fn in_nato(doc: &Doc, i: usize) -> bool {
    [-1isize, 1].iter().any(|by| lexicon::nato(doc.near(i, *by)).is_some())
}

#[cfg(test)]
mod tests;

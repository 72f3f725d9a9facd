//! Counts of a measurement.

use super::Planted;
use crate::TextSpan;
use callvault_model::EntityType as E;
use std::collections::BTreeMap;

/// A value counts as covered when this share of its letters and digits is.
const COVERED: (usize, usize) = (9, 10);

/// A value that stayed readable; which one, and not what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// The document.
    pub document: String,
    /// Byte where the value begins.
    pub start: usize,
    /// Its type.
    pub entity: E,
    /// How it was written; empty for labels of the user's own.
    pub form: &'static str,
}

/// What was counted.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Documents read.
    pub documents: u64,
    /// Values planted or labelled.
    pub values: u64,
    /// Of these, covered.
    pub covered: u64,
    /// Per type: values, and covered ones.
    pub by_type: BTreeMap<String, (u64, u64)>,
    /// Per form: values, and covered ones.
    pub by_form: BTreeMap<String, (u64, u64)>,
    /// Words of the user's own text.
    pub words: u64,
    /// Findings in the user's own text: false ones where labels tell, else all.
    pub redactions: u64,
    /// What stayed readable.
    pub misses: Vec<Miss>,
}

impl Tally {
    /// Counts the user's own text, in which nothing is labelled: what is found there may be right.
    pub fn own(&mut self, text: &str, found: &[TextSpan]) {
        self.documents = self.documents.saturating_add(1);
        self.words = self.words.saturating_add(count(text.split_whitespace().count()));
        self.redactions = self.redactions.saturating_add(count(found.len()));
    }

    /// Counts what was planted.
    pub fn planted(&mut self, name: &str, planted: &Planted, found: &[TextSpan]) {
        for v in &planted.values {
            self.value(name, &planted.text, (v.start, v.end), v.entity, v.form, found);
        }
    }

    /// Counts a document with labels: byte ranges with their types. Findings that touch no label are false.
    pub fn labelled(&mut self, name: &str, text: &str, labels: &[(usize, usize, E)], found: &[TextSpan]) {
        self.documents = self.documents.saturating_add(1);
        self.words = self.words.saturating_add(count(text.split_whitespace().count()));
        let touches = |f: &&TextSpan| labels.iter().any(|(a, b, _)| f.start < *b && *a < f.end);
        self.redactions = self.redactions.saturating_add(count(found.iter().filter(|f| !touches(f)).count()));
        for (start, end, entity) in labels {
            self.value(name, text, (*start, *end), *entity, "", found);
        }
    }

    fn value(
        &mut self,
        name: &str,
        text: &str,
        (start, end): (usize, usize),
        entity: E,
        form: &'static str,
        found: &[TextSpan],
    ) {
        let found: Vec<_> = found.iter().map(|f| (f.start, f.end)).collect();
        let hit = covers(text, (start, end), entity, &found);
        self.values = self.values.saturating_add(1);
        self.covered = self.covered.saturating_add(u64::from(hit));
        for (map, key) in [(&mut self.by_type, entity.as_str()), (&mut self.by_form, form)] {
            if !key.is_empty() {
                let slot = map.entry(key.to_owned()).or_default();
                *slot = (slot.0.saturating_add(1), slot.1.saturating_add(u64::from(hit)));
            }
        }
        if !hit {
            self.misses.push(Miss { document: name.to_owned(), start, entity, form });
        }
    }

    /// Findings in a thousand words of the user's own text.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub fn per_thousand_words(&self) -> f64 {
        if self.words == 0 { 0.0 } else { self.redactions as f64 * 1000.0 / self.words as f64 }
    }
}

/// Whether byte ranges cover a value of the text: nine tenths of its letters and digits, of a security code, PIN or stripe all.
pub fn covers(text: &str, (start, end): (usize, usize), entity: E, found: &[(usize, usize)]) -> bool {
    let value = text.get(start..end).unwrap_or("");
    let letters =
        value.char_indices().filter(|(_, c)| c.is_alphanumeric()).map(|(k, _)| start.saturating_add(k));
    let (mut all, mut inside) = (0usize, 0usize);
    for at in letters {
        all = all.saturating_add(1);
        inside = inside.saturating_add(usize::from(found.iter().any(|(from, to)| *from <= at && at < *to)));
    }
    // Of a security code or PIN no digit may stay.
    if entity.is_sensitive_authentication_data() {
        return inside == all;
    }
    inside.saturating_mul(COVERED.1) >= all.saturating_mul(COVERED.0)
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// The 95 % Wilson score interval (Wilson 1927) of `hits` in `of`, 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
pub fn interval(hits: u64, of: u64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (n, p, z) = (of as f64, hits as f64 / of as f64, 1.959_963_985_f64);
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

//! The leak meter for texts: plants synthetic secrets, in the ways people write and say them, into somebody's own texts,
//! and counts which of them a detector covers. What is planted is made here and belongs to nobody.

use crate::{Detector, validate::luhn_text};
use callvault_model::EntityType as E;

mod form;
mod tally;
pub use form::{Spoken, spoken};
pub use tally::{Miss, Tally, covers, interval};

/// One planted value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// First byte in the text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub entity: E,
    /// How it is written: "spoken, split over turns".
    pub form: &'static str,
}

/// A text with what was planted in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// The text.
    pub text: String,
    /// In order.
    pub values: Vec<Value>,
}

/// A sequence of choices: the same seed plants the same values.
#[derive(Debug, Clone)]
pub struct Choices(u64);

impl Choices {
    /// A sequence.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x1234_5678_9ABC_DEF1))
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n.max(1)).unwrap_or(1);
        usize::try_from(self.next() % n).unwrap_or(0)
    }

    fn of<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> Option<&'a T> {
        list.get(self.below(list.len())).copied()
    }

    fn digits(&mut self, n: usize) -> String {
        (0..n).filter_map(|_| char::from_digit(u32::try_from(self.below(10)).unwrap_or(0), 10)).collect()
    }
}

/// A card number with a right check digit.
fn card(choices: &mut Choices) -> String {
    let prefix = choices.of(&["4", "4", "51", "55", "2221", "37", "6011"]).unwrap_or("4");
    let length = if prefix == "37" { 15usize } else { 16 };
    let body = format!("{prefix}{}", choices.digits(length.saturating_sub(prefix.len()).saturating_sub(1)));
    ('0'..='9').map(|check| format!("{body}{check}")).find(|c| luhn_text(c)).unwrap_or(body)
}

/// Plants up to `most` exchanges between the lines of the text.
pub fn plant(text: &str, most: usize, choices: &mut Choices) -> Planted {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at.saturating_add(1)).collect();
    let places = ends.len().saturating_add(1);
    let mut chosen: Vec<usize> = (0..most.min(places)).map(|_| choices.below(places)).collect();
    chosen.sort_unstable();
    let roles = text.lines().any(|l| crate::speaker(l).1 > 0);
    let (mut out, mut values, mut at) = (String::with_capacity(text.len()), Vec::new(), 0usize);
    for place in chosen {
        let stop = place.checked_sub(1).and_then(|k| ends.get(k).copied()).unwrap_or(0);
        out.push_str(text.get(at..stop).unwrap_or(""));
        at = at.max(stop);
        form::exchange(&mut out, &mut values, roles, choices);
    }
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str(text.get(at..).unwrap_or(""));
    Planted { text: out, values }
}

/// Plants into the text, reads it, and counts.
pub fn measure(
    detector: &Detector,
    name: &str,
    text: &str,
    most: usize,
    choices: &mut Choices,
    tally: &mut Tally,
) {
    let planted = plant(text, most, choices);
    tally.own(text, &detector.detect_text(text));
    tally.planted(name, &planted, &detector.detect_text(&planted.text));
}

#[cfg(test)]
mod tests;

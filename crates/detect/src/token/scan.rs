//! Words of turns that are ASCII, as most are, byte by byte; signs are counted on the way.

use super::{Case, Doc, Kind, Token, contraction, gap, gap_flag, letter_after, short};
use crate::signs::Signs;

const LOWER: u8 = 1;
const UPPER: u8 = 2;
const DIGIT: u8 = 4;
const EX: u8 = 8;
const APOSTROPHE: u8 = 16;

/// What a token made of the byte would be made of; 0 for bytes between tokens.
const CLASS: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut b = 0u8;
    let mut slots: &mut [u8] = &mut table;
    while let Some((first, rest)) = slots.split_first_mut() {
        *first = match b {
            b'x' => LOWER | EX,
            b'X' => UPPER | EX,
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            _ => 0,
        };
        b = b.wrapping_add(1);
        slots = rest;
    }
    table
};

fn class(b: u8) -> u8 {
    CLASS.get(usize::from(b)).copied().unwrap_or(0)
}

/// How many bytes of a token stand at the beginning, and what they are made of.
#[inline]
fn run(bytes: &[u8]) -> (usize, u8) {
    let (mut length, mut seen) = (0usize, 0u8);
    for b in bytes {
        let next = class(*b);
        if next == 0 {
            break;
        }
        (length, seen) = (length.wrapping_add(1), seen | next);
    }
    (length, seen)
}

impl Doc {
    /// The same tokens as [`Doc::tokenise_any`], for a text of ASCII.
    pub(super) fn tokenise_ascii(&mut self, turn: u32, text: &str) -> Signs {
        let (bytes, mut signs) = (text.as_bytes(), Signs::default());
        let (mut i, mut gap) = (0usize, gap::START);
        // Words are the text in small letters; those with an apostrophe inside are spelled again behind it.
        let base = self.words.len();
        self.words.push_str(text);
        if let Some(new) = self.words.get_mut(base..) {
            new.make_ascii_lowercase();
        }
        while let Some(b) = bytes.get(i).copied() {
            let (start, mut seen) = (i, class(b));
            if seen == 0 {
                if b == b'\'' && gap == 0 && contraction(text, i) {
                    seen = APOSTROPHE;
                } else {
                    (i, gap) = self.between(text, i, gap, &mut signs);
                    continue;
                }
            }
            i = i.wrapping_add(1);
            loop {
                let (length, more) = run(bytes.get(i..).unwrap_or(&[]));
                (i, seen) = (i.wrapping_add(length), seen | more);
                if bytes.get(i) != Some(&b'\'') || contraction(text, i) || !letter_after(text, i) {
                    break;
                }
                (i, seen) = (i.wrapping_add(1), seen | APOSTROPHE);
            }
            if seen & (UPPER | DIGIT | EX) != 0 {
                (start..i).for_each(|k| signs.add(bytes, k));
            }
            let word = self.word_at(text, (start, i), base, seen);
            let kind = match seen {
                DIGIT => Kind::Digits,
                s if s & DIGIT != 0 => Kind::Mixed,
                _ => Kind::Word,
            };
            let case = if seen & UPPER == 0 { Case::Lower } else { case(bytes.get(start..i).unwrap_or(&[])) };
            self.tokens.push(Token {
                turn,
                start: short(start),
                end: short(i),
                word,
                gap,
                case,
                kind,
                number: 0,
            });
            gap = 0;
        }
        signs
    }

    /// Passes over what is no token: where to go on, and the flags of what stood there.
    #[inline]
    fn between(&self, text: &str, i: usize, gap: u8, signs: &mut Signs) -> (usize, u8) {
        let bytes = text.as_bytes();
        match bytes.get(i).copied().unwrap_or(b' ') {
            b' ' => (i.wrapping_add(1), gap | gap::SPACE),
            b'[' if let Some(end) = crate::redact::label_end(text, i) => {
                (i..end).for_each(|k| signs.add(bytes, k));
                (end, gap | gap::OTHER)
            }
            b => {
                signs.add(bytes, i);
                (i.wrapping_add(1), gap | gap_flag(char::from(b)))
            }
        }
    }

    /// Where the folded word stands.
    #[inline]
    fn word_at(&mut self, text: &str, (start, end): (usize, usize), base: usize, seen: u8) -> (u32, u32) {
        if seen & APOSTROPHE == 0 {
            return (short(base.saturating_add(start)), short(base.saturating_add(end)));
        }
        let (raw, from) = (text.get(start..end).unwrap_or(""), self.words.len());
        if raw.starts_with('\'') {
            self.words.push('\'');
        }
        crate::normal::fold_into(raw, &mut self.words);
        (short(from), short(self.words.len()))
    }
}

/// How a word of ASCII with a capital is written.
fn case(raw: &[u8]) -> Case {
    let mut letters = raw.iter().filter(|b| b.is_ascii_alphabetic());
    let Some(first) = letters.next() else { return Case::Lower };
    let (mut upper, mut lower) = (false, false);
    letters.for_each(|b| if b.is_ascii_uppercase() { upper = true } else { lower = true });
    match (first.is_ascii_uppercase(), upper, lower) {
        (false, false, _) => Case::Lower,
        (true, false, _) => Case::Title,
        (true, true, false) => Case::Upper,
        _ => Case::Odd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Read = Vec<(u32, u32, String, u8, Case, Kind)>;

    fn read(doc: &Doc) -> Read {
        let one = |(i, t): (usize, &Token)| (t.start, t.end, doc.word(i).to_owned(), t.gap, t.case, t.kind);
        doc.tokens.iter().enumerate().map(one).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        /// Both ways of reading are one.
        #[test]
        fn ascii_is_read_as_any_other_text(text in "([a-zA-Z0-9 '\\[\\].:,x-]|\\[PERSON\\]|'s |n't|[ -~\\t\\n]){0,24}") {
            let (mut fast, mut slow) = (Doc::default(), Doc::default());
            let signs = fast.tokenise_ascii(0, &text);
            slow.tokenise_any(0, &text);
            prop_assert_eq!(read(&fast), read(&slow));
            prop_assert_eq!(signs, Signs::of(&text));
        }
    }
}

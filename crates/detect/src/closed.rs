//! The words of all closed lists (small words of the language, those that begin numbers, cues, pauses and dates) in one
//! small table that stays in the nearest cache: most words of talk are in it, and reading by form needs no other.

use crate::{
    cues, fillers,
    gazetteer::{Gazetteer, flag},
    language::Language,
    lexicon,
};
use std::sync::OnceLock;

/// Places of the table: a power of two, well above the entries.
const SLOTS: usize = 1 << 12;

/// One word by its first eight bytes and its length; longer ones are compared as a whole.
#[derive(Clone, Copy)]
struct Slot {
    key: u64,
    flags: u16,
    length: u8,
    /// What it says of a number.
    number: u8,
    /// Place among the long words, from 1.
    long: u16,
    /// Place among the first words of cues, from 1.
    cue: u16,
}

const FREE: Slot = Slot { key: 0, flags: 0, length: 0, number: 0, long: 0, cue: 0 };

/// The table.
pub(crate) struct Closed {
    slots: Vec<Slot>,
    long: Vec<&'static str>,
}

impl Closed {
    /// The built-in lists, read once.
    pub fn get() -> &'static Self {
        static CELL: OnceLock<Closed> = OnceLock::new();
        CELL.get_or_init(Self::read)
    }

    fn read() -> Self {
        let mut all = Self { slots: vec![FREE; SLOTS], long: Vec::new() };
        let lists = Gazetteer::get();
        for word in words() {
            let (place, _) = all.probe(word.as_bytes());
            let long = if word.len() > 8 {
                all.long.push(word);
                u16::try_from(all.long.len()).unwrap_or(u16::MAX)
            } else {
                0
            };
            let length = u8::try_from(word.len()).unwrap_or(u8::MAX);
            if let Some(slot) = all.slots.get_mut(place) {
                let (flags, number) = (lists.flags(word), lexicon::number_code(word));
                *slot = Slot { key: key(word.as_bytes()), flags, length, number, long, cue: 0 };
            }
        }
        fillers::second_words().for_each(|w| all.mark(w, flag::PAUSES));
        fillers::single_words().for_each(|w| all.mark(w, flag::FILLER));
        lexicon::ACKNOWLEDGEMENTS.split_whitespace().for_each(|w| all.mark(w, flag::ACK));
        for (place, word) in (1u16..).zip(cues::first_words()) {
            let (at, _) = all.probe(word.as_bytes());
            if let Some(slot) = all.slots.get_mut(at) {
                slot.cue = place;
            }
        }
        all
    }

    /// The place of a word among the first words of cues.
    pub fn cue(&self, word: &str) -> Option<usize> {
        let (place, found) = self.probe(word.as_bytes());
        let cue = self.slots.get(place).filter(|_| found)?.cue;
        usize::from(cue).checked_sub(1)
    }

    fn mark(&mut self, word: &str, flag: u16) {
        let (place, _) = self.probe(word.as_bytes());
        if let Some(slot) = self.slots.get_mut(place) {
            slot.flags |= flag;
        }
    }

    /// What the lists say of a folded word, and what it says of a number; none when no closed list holds it.
    #[inline]
    pub fn find(&self, word: &[u8]) -> Option<(u16, u8)> {
        let (place, found) = self.probe(word);
        if found { self.slots.get(place).map(|s| (s.flags, s.number)) } else { None }
    }

    /// The flags of [`Self::find`].
    #[inline]
    pub fn flags(&self, word: &str) -> Option<u16> {
        self.find(word.as_bytes()).map(|f| f.0)
    }

    /// Where the word stands, or the free place where it would; which of the two.
    #[inline]
    fn probe(&self, word: &[u8]) -> (usize, bool) {
        let key = key(word);
        let mut place = place(key, word.len());
        while let Some(slot) = self.slots.get(place) {
            if slot.length == 0 {
                return (place, false);
            }
            if slot.key == key && usize::from(slot.length) == word.len() && self.same(slot, word) {
                return (place, true);
            }
            place = place.wrapping_add(1) & SLOTS.wrapping_sub(1);
        }
        (place, false)
    }

    #[inline]
    fn same(&self, slot: &Slot, word: &[u8]) -> bool {
        slot.long == 0
            || self.long.get(usize::from(slot.long).wrapping_sub(1)).is_some_and(|w| w.as_bytes() == word)
    }
}

/// Every word of the closed lists; some more than once.
fn words() -> impl Iterator<Item = &'static str> {
    lexicon::function_words()
        .chain(lexicon::number_words())
        .chain(lexicon::date_words())
        .chain(fillers::first_words())
        .chain(fillers::second_words())
        .chain(fillers::single_words())
        .chain(lexicon::ACKNOWLEDGEMENTS.split_whitespace())
        .chain(cues::first_words())
        .chain(Language::spanish().telling())
}

/// Up to eight bytes as a number.
#[inline]
fn key(word: &[u8]) -> u64 {
    if let Some(head) = word.first_chunk::<8>() {
        return u64::from_le_bytes(*head);
    }
    match (word.first_chunk::<4>(), word.last_chunk::<4>()) {
        (Some(head), Some(tail)) => {
            let shift = word.len().wrapping_sub(4).wrapping_mul(8) & 63;
            u64::from(u32::from_le_bytes(*head)) | u64::from(u32::from_le_bytes(*tail)) << shift
        }
        _ => word.iter().rev().fold(0, |k, b| k << 8 | u64::from(*b)),
    }
}

#[inline]
fn place(key: u64, length: usize) -> usize {
    let mixed = (key ^ (length as u64) << 59).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(mixed >> 52).unwrap_or(0) & SLOTS.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gazetteer;

    /// What the table answers is what the lists say, and no word that the closed lists need is missing from it.
    #[test]
    fn the_table_says_what_the_lists_say() {
        let (closed, lists) = (Closed::get(), Gazetteer::get());
        let used = closed.slots.iter().filter(|s| s.length > 0).count();
        assert!((500..SLOTS / 2).contains(&used), "{used} of {SLOTS} places are taken");
        for word in words() {
            let own = flag::FILLER | flag::ACK | flag::PAUSES;
            assert_eq!(closed.flags(word).map(|f| f & !own), Some(lists.flags(word)), "{word}");
        }
        let wanted = flag::FUNCTION | flag::SPANISH | flag::NUMBER | flag::PAUSE | flag::DATE;
        for (_, word) in gazetteer::lines() {
            let known = closed.flags(word);
            assert_eq!(known.is_some(), words().any(|w| w == word), "{word}");
            assert!(known.is_some() || lists.flags(word) & wanted == 0, "{word}");
        }
    }

    #[test]
    fn words_that_begin_alike_are_told_apart() {
        let closed = Closed::get();
        let known: std::collections::HashSet<_> = words().collect();
        for word in words() {
            for other in [format!("{word}q"), word.get(1..).unwrap_or("").to_owned(), format!("{word}{word}")]
            {
                assert_eq!(closed.flags(&other).is_some(), known.contains(other.as_str()), "{other}");
            }
        }
        assert_eq!((closed.flags(""), closed.flags("é")), (None, None));
    }
}

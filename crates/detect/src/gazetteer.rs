//! Given names, family names, towns, regions and common words, from the lists named in `assets/README.md`.

use crate::{fillers, language::Language, lexicon};
use std::sync::OnceLock;

const TEXT: &str = include_str!("../assets/gazetteer.txt");

/// Flags of an entry.
pub(crate) mod flag {
    pub const GIVEN: u16 = 1;
    pub const FAMILY: u16 = 2;
    pub const TOWN: u16 = 4;
    pub const REGION: u16 = 8;
    pub const COMMON: u16 = 16;
    /// A small word of the language.
    pub const FUNCTION: u16 = 32;
    /// A phrase of the lists of cues, health or belief begins with it.
    pub const PHRASE: u16 = 64;
    /// A town or region of several words begins with it.
    pub const PLACE: u16 = 128;
    /// A word that tells Spanish.
    pub const SPANISH: u16 = 256;
    /// A word that can begin a number.
    pub const NUMBER: u16 = 512;
    /// A pause or a correction of several words begins with it.
    pub const PAUSE: u16 = 1024;
    /// A date can begin with it, or it names a day of the week.
    pub const DATE: u16 = 2048;
    /// People put it between the digits of one number, or correct one with it.
    pub const FILLER: u16 = 4096;
    /// A turn of such words only says "go on".
    pub const ACK: u16 = 8192;
    /// The second word of a pause or a correction of several.
    pub const PAUSES: u16 = 16384;
    /// Only kept for [`PAUSE`] and [`DATE`]: as a phrase or a stem it is not listed.
    pub const APART: u16 = 1 << 15;
    /// What the lists of names, places and common words say.
    pub const LISTED: u16 = 31;
}

/// FNV-1a: the keys are a fixed list of short words, so no stranger chooses them.
#[derive(Default)]
pub(crate) struct Fnv(u64);

impl std::hash::Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        let mut h = if self.0 == 0 { 0xcbf2_9ce4_8422_2325 } else { self.0 };
        for b in bytes {
            h = (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
        }
        self.0 = h;
    }
}

/// Places of the table: a power of two, well above the entries, so that a search ends after a step or two.
const SLOTS: usize = 1 << 18;

/// One place of the table: where the entry begins in the lists, a piece of its hash, its flags.
#[derive(Clone, Copy)]
struct Slot {
    at: u32,
    tag: u16,
    flags: u16,
}

const FREE: Slot = Slot { at: u32::MAX, tag: 0, flags: 0 };

/// The lists, as a table over their text that costs little to fill and to ask.
pub(crate) struct Gazetteer {
    slots: Vec<Slot>,
    /// Words of other lists, a line each: their places count on from the end of [`TEXT`].
    more: String,
}

impl Gazetteer {
    /// The built-in lists, read once.
    pub fn get() -> &'static Self {
        static CELL: OnceLock<Gazetteer> = OnceLock::new();
        CELL.get_or_init(Self::read)
    }

    fn read() -> Self {
        let mut all = Self { slots: vec![FREE; SLOTS], more: String::new() };
        let mut places = Vec::new();
        for_each_line(|flags, entry, begin| {
            all.insert(entry, flags, Some(begin));
            if flags & (flag::TOWN | flag::REGION) != 0
                && let Some((first, _)) = entry.split_once(' ')
            {
                places.push(first);
            }
        });
        places.into_iter().for_each(|w| all.mark(w, flag::PLACE));
        lexicon::number_words().for_each(|w| all.mark(w, flag::NUMBER));
        lexicon::function_words().for_each(|w| all.mark(w, flag::FUNCTION));
        crate::cues::first_words().for_each(|w| all.mark(w, flag::PHRASE));
        crate::recognizers::first_words().for_each(|w| all.mark(w, flag::PHRASE));
        Language::spanish().telling().for_each(|w| all.mark(w, flag::SPANISH));
        // Last: these may not change what is made of a word's ending.
        fillers::first_words().for_each(|w| all.note(w, flag::PAUSE));
        lexicon::date_words().for_each(|w| all.note(w, flag::DATE));
        all
    }

    /// Adds a flag to a word; a word that no list holds keeps what its stem says of it.
    fn mark(&mut self, word: &str, flag: u16) {
        let flags = self.flags(word);
        self.insert(word, flags | flag, None);
    }

    /// Adds a flag to a word without listing it.
    fn note(&mut self, word: &str, flag: u16) {
        let apart = self.find(word).map_or(flag::APART, |f| f & flag::APART);
        self.mark(word, flag | apart);
    }

    /// Sets the flags of an entry; one of the lists begins `at` a byte of them.
    fn insert(&mut self, entry: &str, flags: u16, at: Option<usize>) {
        let (first, tag) = place(entry);
        let Some((k, free)) = self.probe(entry, first, tag) else { return };
        let begin = || {
            let begin = TEXT.len().saturating_add(self.more.len());
            self.more.push_str(entry);
            self.more.push('\n');
            begin
        };
        let at = free.then(|| u32::try_from(at.unwrap_or_else(begin)).unwrap_or(u32::MAX));
        if let Some(slot) = self.slots.get_mut(k) {
            *slot = Slot { at: at.unwrap_or(slot.at), tag, flags };
        }
    }

    fn find(&self, entry: &str) -> Option<u16> {
        let (first, tag) = place(entry);
        let (k, free) = self.probe(entry, first, tag)?;
        if free { None } else { self.slots.get(k).map(|s| s.flags) }
    }

    /// Where the entry stands, or the free place where it would; which of the two. None when the table is full.
    fn probe(&self, entry: &str, first: usize, tag: u16) -> Option<(usize, bool)> {
        let mut k = first;
        for _ in 0..SLOTS {
            let slot = self.slots.get(k)?;
            if slot.at == u32::MAX {
                return Some((k, true));
            }
            if self.holds(slot, tag, entry) {
                return Some((k, false));
            }
            k = k.wrapping_add(1) & SLOTS.wrapping_sub(1);
        }
        None
    }

    /// Whether the place holds this entry, which is a whole line of the lists.
    fn holds(&self, slot: &Slot, tag: u16, entry: &str) -> bool {
        let at = slot.at as usize;
        slot.tag == tag && {
            let line = match at.checked_sub(TEXT.len()) {
                Some(more) => self.more.as_bytes().get(more..),
                None => TEXT.as_bytes().get(at..),
            };
            line.and_then(|l| l.strip_prefix(entry.as_bytes())).is_some_and(|l| matches!(l, [] | [b'\n', ..]))
        }
    }

    /// Flags of a listed phrase of several words; nothing is made of its endings.
    pub fn phrase(&self, entry: &str) -> u16 {
        self.find(entry).filter(|f| f & flag::APART == 0).unwrap_or(0)
    }

    /// Flags of a folded word or phrase; 0 when it is not listed.
    pub fn flags(&self, entry: &str) -> u16 {
        self.find(entry).map_or_else(|| self.inflected(entry), |f| f & !flag::APART)
    }

    /// The lists hold base forms of common words only.
    fn inflected(&self, word: &str) -> u16 {
        let common = |stem: &str| stem.len() > 2 && self.phrase(stem) & flag::COMMON != 0;
        // Stem and one letter, put together without asking for memory.
        let with = |stem: &str, last: u8| {
            let mut space = [0u8; 32];
            let Some(room) = space.get_mut(..stem.len().saturating_add(1)) else { return false };
            let Some((end, head)) = room.split_last_mut() else { return false };
            head.copy_from_slice(stem.as_bytes());
            *end = last;
            str::from_utf8(room).is_ok_and(common)
        };
        if !matches!(word.as_bytes(), [.., b's' | b'd' | b'g' | b'y' | b'r']) {
            return 0;
        }
        for ending in ["s", "es", "d", "ed", "ing", "ly", "er", "ness"] {
            if let Some(stem) = word.strip_suffix(ending)
                && (common(stem) || stem.len() > 3 && ending == "ing" && with(stem, b'e'))
            {
                return flag::COMMON;
            }
        }
        for ending in ["ies", "ied", "ily"] {
            if let Some(stem) = word.strip_suffix(ending)
                && with(stem, b'y')
            {
                return flag::COMMON;
            }
        }
        0
    }
}

/// Where the table is first asked for an entry, and what its place keeps to tell it from others.
fn place(entry: &str) -> (usize, u16) {
    let mut fnv = Fnv::default();
    std::hash::Hasher::write(&mut fnv, entry.as_bytes());
    let h = fnv.0 ^ fnv.0 >> 29;
    let first = usize::try_from(h & (SLOTS as u64).saturating_sub(1)).unwrap_or(0);
    (first, u16::try_from(h >> 48).unwrap_or(0))
}

/// Calls `f` with the flags of every entry, the entry, and the byte where it begins, in file order.
fn for_each_line(mut f: impl FnMut(u16, &'static str, usize)) {
    let (mut flags, mut at) = (0u16, 0usize);
    for line in TEXT.split('\n') {
        let begin = at;
        at = at.saturating_add(line.len()).saturating_add(1);
        match line.strip_prefix('=') {
            Some(letters) => flags = letters.bytes().fold(0, |f, b| f | letter(b)),
            None if line.is_empty() => {}
            None => f(flags, line, begin),
        }
    }
}

fn letter(b: u8) -> u16 {
    match b {
        b'F' => flag::GIVEN,
        b'L' => flag::FAMILY,
        b'C' => flag::TOWN,
        b'R' => flag::REGION,
        b'W' => flag::COMMON,
        _ => 0,
    }
}

/// Every entry with its flags, in file order.
pub(crate) fn lines() -> impl Iterator<Item = (u16, &'static str)> {
    let mut all = Vec::new();
    for_each_line(|flags, entry, _| all.push((flags, entry)));
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the table answers is what a map of the same lines holds.
    #[test]
    fn the_table_holds_every_line_and_no_other() {
        let lists = Gazetteer::get();
        let used = lists.slots.iter().filter(|s| s.at != u32::MAX).count();
        assert!(used < SLOTS / 5 * 3, "{used} of {SLOTS} places are taken");
        let listed: std::collections::HashMap<&str, u16> = lines().map(|(f, e)| (e, f)).collect();
        assert!(listed.len() > 100_000);
        for (entry, flags) in &listed {
            assert_eq!(lists.find(entry).unwrap() & flag::LISTED, *flags, "{entry}");
        }
        for (_, entry) in lines().step_by(7) {
            let cut = entry.get(..entry.len() - 1).unwrap_or("");
            for other in [format!("{entry}q"), format!("{entry}\n"), cut.to_owned()] {
                let known = listed.contains_key(other.as_str())
                    || lists.more.lines().any(|l| l == other)
                    || entry.is_empty();
                assert_eq!(lists.find(&other).is_some(), known, "{other:?}");
            }
        }
    }

    #[test]
    fn a_word_that_only_begins_a_pause_or_a_date_is_not_listed() {
        let lists = Gazetteer::get();
        let apart = fillers::first_words().chain(lexicon::date_words());
        let apart: Vec<_> = apart.filter(|w| lists.find(w).unwrap() & flag::APART != 0).collect();
        assert!(!apart.is_empty());
        for word in apart {
            assert_eq!((lists.phrase(word), lists.flags(word) & flag::APART), (0, 0), "{word}");
            assert_ne!(lists.flags(word) & (flag::PAUSE | flag::DATE), 0, "{word}");
        }
    }
}

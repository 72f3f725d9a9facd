//! Given names, family names, towns, regions and common words, from the lists named in `assets/README.md`.

use crate::{language::Language, lexicon};
use std::{collections::HashMap, hash::BuildHasherDefault, sync::OnceLock};

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

/// The lists.
pub(crate) struct Gazetteer {
    entries: HashMap<&'static str, u16, BuildHasherDefault<Fnv>>,
}

impl Gazetteer {
    /// The built-in lists, read once.
    pub fn get() -> &'static Self {
        static CELL: OnceLock<Gazetteer> = OnceLock::new();
        CELL.get_or_init(|| {
            let mut entries = HashMap::with_capacity_and_hasher(140_000, BuildHasherDefault::default());
            for (flags, entry) in lines() {
                entries.insert(entry, flags);
            }
            let mut all = Self { entries };
            for (flags, entry) in lines() {
                if flags & (flag::TOWN | flag::REGION) != 0
                    && let Some((first, _)) = entry.split_once(' ')
                {
                    all.mark(first, flag::PLACE);
                }
            }
            lexicon::number_words().for_each(|w| all.mark(w, flag::NUMBER));
            lexicon::function_words().for_each(|w| all.mark(w, flag::FUNCTION));
            crate::cues::first_words().for_each(|w| all.mark(w, flag::PHRASE));
            crate::recognizers::first_words().for_each(|w| all.mark(w, flag::PHRASE));
            Language::spanish().telling().for_each(|w| all.mark(w, flag::SPANISH));
            all
        })
    }

    /// Adds a flag to a word; a word that no list holds keeps what its stem says of it.
    fn mark(&mut self, word: &'static str, flag: u16) {
        let flags = self.flags(word);
        self.entries.insert(word, flags | flag);
    }

    /// Flags of a listed phrase of several words; nothing is made of its endings.
    pub fn phrase(&self, entry: &str) -> u16 {
        self.entries.get(entry).copied().unwrap_or(0)
    }

    /// Flags of a folded word or phrase; 0 when it is not listed.
    pub fn flags(&self, entry: &str) -> u16 {
        self.entries.get(entry).copied().unwrap_or_else(|| self.inflected(entry))
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

/// Every entry with its flags, in file order.
pub(crate) fn lines() -> impl Iterator<Item = (u16, &'static str)> {
    let mut flags = 0u16;
    TEXT.lines().filter_map(move |line| match line.strip_prefix('=') {
        Some(letters) => {
            flags = letters.bytes().fold(0, |f, b| {
                f | match b {
                    b'F' => flag::GIVEN,
                    b'L' => flag::FAMILY,
                    b'C' => flag::TOWN,
                    b'R' => flag::REGION,
                    b'W' => flag::COMMON,
                    _ => 0,
                }
            });
            None
        }
        None => Some((flags, line)),
    })
}

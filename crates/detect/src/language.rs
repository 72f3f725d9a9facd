//! A second language as data: `assets/spanish.txt` says as which English words its words are read. A turn is read so
//! when words that only that language has outweigh English ones, so both may be spoken in one call.

use crate::gazetteer::{Fnv, flag};
use std::{collections::HashMap, hash::BuildHasherDefault, sync::OnceLock};

const TEXT: &str = include_str!("../assets/spanish.txt");

type Words = HashMap<&'static str, &'static str, BuildHasherDefault<Fnv>>;

/// The words and cues of one language.
pub(crate) struct Language {
    words: Words,
    telling: Vec<&'static str>,
    cues: Vec<(&'static str, Vec<&'static str>)>,
}

impl Language {
    /// Spanish, read once.
    pub fn spanish() -> &'static Self {
        static CELL: OnceLock<Language> = OnceLock::new();
        CELL.get_or_init(|| Self::read(TEXT))
    }

    fn read(text: &'static str) -> Self {
        let mut out = Self { words: Words::default(), telling: Vec::new(), cues: Vec::new() };
        let mut cues = false;
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            match (line.strip_prefix("= "), line.split_once(' ')) {
                (Some(section), _) => cues = section == "cues",
                (None, Some((kind, phrases))) if cues => {
                    let read = |p: &'static str| p.split(' ').map(|w| out.words.get(w).copied().unwrap_or(w));
                    out.cues.extend(phrases.split('|').map(|p| (kind, read(p).collect())));
                }
                (None, Some((word, english))) => {
                    let plain = word.trim_start_matches('*');
                    if plain.len() < word.len() {
                        out.telling.push(plain);
                    }
                    out.words.insert(plain, english);
                }
                (None, None) => {}
            }
        }
        out.telling.extend(COMPOUND.iter().map(|c| c.0).chain(HUNDREDS.iter().map(|c| c.0)));
        out
    }

    /// Words that tell the language.
    pub fn telling(&self) -> impl Iterator<Item = &'static str> {
        self.telling.iter().copied()
    }

    /// The cues: name of the kind and the words, as they are read.
    pub fn cues(&self) -> impl Iterator<Item = (&'static str, &[&'static str])> {
        self.cues.iter().map(|(k, w)| (*k, w.as_slice()))
    }

    /// As which English word this one is read after that one (already read).
    pub fn english(&self, word: &str, before: &str) -> Option<&'static str> {
        // "treinta y cinco" is one number, "uno y dos" are two.
        if word == "y" && crate::lexicon::tens(before).is_some() {
            return None;
        }
        self.words.get(word).copied()
    }

    /// Whether a turn whose words have these flags is of this language.
    pub fn tells<'w>(&self, words: impl Iterator<Item = (&'w str, u16)>) -> bool {
        let (mut own, mut other) = (0usize, 0usize);
        for (word, flags) in words {
            if flags & flag::SPANISH != 0 {
                own = own.saturating_add(1);
            } else if flags & flag::FUNCTION != 0 && !self.words.contains_key(word) {
                other = other.saturating_add(1);
            }
        }
        own > other
    }
}

/// Twenty-one to twenty-nine, in one word.
const COMPOUND: [(&str, &str); 10] = [
    ("veintiuno", "21"),
    ("veintiun", "21"),
    ("veintidos", "22"),
    ("veintitres", "23"),
    ("veinticuatro", "24"),
    ("veinticinco", "25"),
    ("veintiseis", "26"),
    ("veintisiete", "27"),
    ("veintiocho", "28"),
    ("veintinueve", "29"),
];

const HUNDREDS: [(&str, u32); 10] = [
    ("ciento", 1),
    ("cien", 1),
    ("doscientos", 2),
    ("trescientos", 3),
    ("cuatrocientos", 4),
    ("quinientos", 5),
    ("seiscientos", 6),
    ("setecientos", 7),
    ("ochocientos", 8),
    ("novecientos", 9),
];

/// Words that begin a number and have no English one.
pub(crate) fn number_words() -> impl Iterator<Item = &'static str> {
    COMPOUND.iter().map(|c| c.0).chain(HUNDREDS.iter().map(|c| c.0)).chain(["mil"])
}

/// The place of "veintidos" among the compounds.
pub(crate) fn compound(word: &str) -> Option<u8> {
    let place = || COMPOUND.iter().position(|c| c.0 == word);
    word.starts_with("veinti").then(place).flatten().and_then(|k| u8::try_from(k).ok())
}

/// The two digits of a compound.
pub(crate) fn compound_of(place: u8) -> Option<&'static str> {
    COMPOUND.get(usize::from(place)).map(|c| c.1)
}

/// "novecientos" as how many hundreds.
pub(crate) fn hundreds(word: &str) -> Option<u32> {
    (word.starts_with("cien") || word.ends_with("ientos"))
        .then(|| HUNDREDS.iter().find(|c| c.0 == word).map(|c| c.1))
        .flatten()
}

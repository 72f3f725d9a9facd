//! Given names, family names, towns, regions and common words, from the lists named in `assets/README.md`.

use std::{collections::HashMap, hash::BuildHasherDefault, sync::OnceLock};

const TEXT: &str = include_str!("../assets/gazetteer.txt");

/// Flags of an entry.
pub(crate) mod flag {
    pub const GIVEN: u8 = 1;
    pub const FAMILY: u8 = 2;
    pub const TOWN: u8 = 4;
    pub const REGION: u8 = 8;
    pub const COMMON: u8 = 16;
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
    entries: HashMap<&'static str, u8, BuildHasherDefault<Fnv>>,
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
            Self { entries }
        })
    }

    /// Flags of a folded word or phrase; 0 when it is not listed.
    pub fn flags(&self, entry: &str) -> u8 {
        self.entries.get(entry).copied().unwrap_or_else(|| self.inflected(entry))
    }

    /// The lists hold base forms of common words only.
    fn inflected(&self, word: &str) -> u8 {
        let common =
            |stem: &str| stem.len() > 2 && self.entries.get(stem).is_some_and(|f| f & flag::COMMON != 0);
        for ending in ["s", "es", "d", "ed", "ing", "ly", "er", "ness"] {
            if let Some(stem) = word.strip_suffix(ending)
                && (common(stem) || stem.len() > 3 && ending == "ing" && common(&format!("{stem}e")))
            {
                return flag::COMMON;
            }
        }
        for ending in ["ies", "ied", "ily"] {
            if let Some(stem) = word.strip_suffix(ending)
                && common(&format!("{stem}y"))
            {
                return flag::COMMON;
            }
        }
        0
    }
}

/// Every entry with its flags, in file order.
pub(crate) fn lines() -> impl Iterator<Item = (u8, &'static str)> {
    let mut flags = 0u8;
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

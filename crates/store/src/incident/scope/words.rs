//! Short texts and lists of them that many readings share: a million readings of three hundred people name the same few.

use serde::{Serialize, Serializer};
use std::{collections::HashMap, fmt, ops::Deref, sync::Arc};

/// A short text, kept once for all readings that say it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(Arc<str>);

impl Deref for Word {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}
impl Serialize for Word {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

/// A list of words, kept once.
#[derive(Clone)]
pub struct Words {
    id: u32,
    all: Arc<[Word]>,
}

impl Words {
    /// Two lists of one scope are the same list when their numbers are.
    pub(super) fn id(&self) -> u32 {
        self.id
    }
}
impl Deref for Words {
    type Target = [Word];
    fn deref(&self) -> &[Word] {
        &self.all
    }
}
impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}
impl Eq for Words {}
impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.all, f)
    }
}
impl Serialize for Words {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.all.iter())
    }
}

/// The words and lists of one scope.
#[derive(Default)]
pub(super) struct Known {
    words: HashMap<Arc<str>, Word>,
    lists: HashMap<Box<str>, Words>,
}

impl Known {
    /// The word of this text.
    pub fn word(&mut self, text: &str) -> Word {
        if let Some(word) = self.words.get(text) {
            return word.clone();
        }
        let word = Word(Arc::from(text));
        self.words.insert(word.0.clone(), word.clone());
        word
    }

    /// The words of a text, parted by white space.
    pub fn list(&mut self, text: &str) -> Words {
        if let Some(list) = self.lists.get(text) {
            return list.clone();
        }
        let all = text.split_whitespace().map(|w| self.word(w)).collect();
        let list = Words { id: u32::try_from(self.lists.len()).unwrap_or(u32::MAX), all };
        self.lists.insert(text.into(), list.clone());
        list
    }
}

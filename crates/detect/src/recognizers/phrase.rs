//! A list of phrases found in the token stream, longest first.

use crate::{
    context::Context,
    gazetteer::{Fnv, flag},
    token::gap,
};
use std::{collections::HashMap, hash::BuildHasherDefault, sync::OnceLock};

type Table = HashMap<&'static str, Vec<Vec<&'static str>>, BuildHasherDefault<Fnv>>;

/// Phrases separated by `|`, in folded words.
pub(crate) struct Phrases {
    source: &'static str,
    table: OnceLock<Table>,
}

impl Phrases {
    /// A list.
    pub const fn new(source: &'static str) -> Self {
        Self { source, table: OnceLock::new() }
    }

    fn table(&self) -> &Table {
        self.table.get_or_init(|| {
            let mut out = Table::default();
            for phrase in self.source.split(['|', '\n']).map(str::trim).filter(|p| !p.is_empty()) {
                let mut words = phrase.split(' ');
                if let Some(first) = words.next() {
                    out.entry(first).or_default().push(words.collect());
                }
            }
            out.values_mut().for_each(|v| v.sort_by_key(|w| std::cmp::Reverse(w.len())));
            out
        })
    }

    /// The words that the phrases begin with.
    pub fn first_words(&'static self) -> impl Iterator<Item = &'static str> {
        self.table().keys().copied()
    }

    /// The end of the phrase that begins at token `i`, if one does.
    pub fn at(&self, ctx: &Context<'_>, i: usize) -> Option<usize> {
        if !ctx.begins(i, flag::PHRASE) {
            return None;
        }
        let rests = self.table().get(ctx.doc.word(i))?;
        let fits =
            |rest: &&Vec<&str>| (1isize..).zip(rest.iter()).all(|(by, want)| ctx.doc.near(i, by) == *want);
        let rest = rests.iter().find(fits)?;
        let end = i.saturating_add(rest.len()).saturating_add(1);
        let broken = (i.saturating_add(1)..end).any(|k| ctx.doc.gap(k) & (gap::STOP | gap::COMMA) != 0);
        (!broken).then_some(end)
    }
}

//! Passwords, user names and answers to security questions said again: the other side reads them back.

use super::{NAME, tokens_of};
use crate::{
    context::{Candidate, Context},
    gazetteer::flag,
};
use callvault_model::EntityType as E;
use std::collections::HashMap;

/// The most that are remembered.
const MOST: usize = 200;
/// How many turns after it was said a common word is taken for the same again.
const READ_BACK: usize = 3;

struct Secret<'c> {
    rest: Vec<&'c str>,
    entity: E,
    turn: usize,
    /// It is a common word: only its read-back is meant.
    common: bool,
}

/// Adds every further mention.
pub(super) fn find(ctx: &Context<'_>, candidates: &[Candidate], out: &mut Vec<Candidate>) {
    let mut known: HashMap<&str, Vec<Secret<'_>>> = HashMap::new();
    let mut count = 0usize;
    for c in candidates {
        let entity = c.entity;
        if !matches!(entity, E::Password | E::Username | E::SecurityAnswer) || count >= MOST {
            continue;
        }
        let tokens = tokens_of(ctx, c);
        let words: Vec<&str> = tokens.clone().map(|i| ctx.doc.word(i)).collect();
        let everyday = |i: usize| ctx.listed(i) & flag::COMMON != 0 || ctx.function_word(i);
        let Some((first, rest)) = words.split_first() else { continue };
        let letters: usize = words.iter().map(|w| w.len()).sum();
        if letters < 4 || tokens.clone().all(|i| ctx.function_word(i)) {
            continue;
        }
        count = count.saturating_add(1);
        let common = words.len() == 1 && tokens.clone().all(everyday);
        known.entry(first).or_default().push(Secret { rest: rest.to_vec(), entity, turn: c.turn, common });
    }
    if known.is_empty() {
        return;
    }
    for (i, token) in ctx.doc.tokens.iter().enumerate() {
        let Some(secrets) = known.get(ctx.doc.word(i)) else { continue };
        let turn = token.turn as usize;
        let said = |s: &&Secret<'_>| {
            let near = turn >= s.turn && turn.saturating_sub(s.turn) <= READ_BACK;
            (near || !s.common) && (1isize..).zip(&s.rest).all(|(by, want)| ctx.doc.near(i, by) == *want)
        };
        if let Some(s) = secrets.iter().find(said) {
            let end = i.saturating_add(s.rest.len()).saturating_add(1);
            out.extend(ctx.over(i, end, s.entity, 0.7, NAME, "says again what opens a door"));
        }
    }
}

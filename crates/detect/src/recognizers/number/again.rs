//! Numbers that say again what was said: read-backs, the last digits, what remains of a corrected one.

use super::is_amount;
use crate::{
    context::Context,
    lexicon,
    spoken::{self, Segment},
};
use callvault_model::EntityType as E;
use std::collections::HashMap;

/// How many turns after a number its end is known again.
const TAIL_REACH: usize = 8;

/// A number that has its type.
pub(super) struct Value {
    pub digits: String,
    pub entity: E,
    /// The turn of its last part.
    pub turn: usize,
    /// Its speaker corrected some of it.
    pub wrong: bool,
}

/// The type of a number before that a short one says again: its last two digits in a turn of their own, or, where its
/// speaker corrected it, what remains of it in the order it was said.
pub(super) fn tail(ctx: &Context<'_>, s: &Segment, typed: &[Value]) -> Option<E> {
    if s.digits.len() < 2 || is_amount(ctx, s) {
        return None;
    }
    let near = |turn: usize| turn < s.turn && s.turn.saturating_sub(turn) <= TAIL_REACH;
    let at = typed.partition_point(|t| t.turn < s.turn);
    let before = typed.get(at.saturating_sub(TAIL_REACH)..at)?;
    let end = s.digits.len() == 2 && spoken::alone(ctx.doc, s);
    let again = |v: &&Value| {
        let left = v.wrong && s.digits.len() > 2 && v.digits.len() <= s.digits.len().saturating_add(4);
        near(v.turn)
            && (end && v.digits.len() > 3 && v.digits.ends_with(&*s.digits)
                || left && remains(&s.digits, &v.digits))
    };
    before.iter().rev().find(again).map(|v| v.entity)
}

/// Whether the digits stand in the others in their order.
fn remains(part: &str, whole: &str) -> bool {
    let mut rest = whole.bytes();
    part.bytes().all(|d| rest.any(|w| w == d))
}

/// How many numbers back an echo is looked for.
const ECHO_REACH: usize = 6;
/// The longest turn that only reads back.
const ECHO_TURN: usize = 10;

/// What a number says again that another speaker said at most two turns before, however few its digits.
pub(super) fn echo(ctx: &Context<'_>, k: usize, said: &HashMap<usize, E>) -> Option<E> {
    let segment = ctx.segments.get(k)?;
    let turn = ctx.doc.turns.get(segment.turn)?;
    if turn.end.saturating_sub(turn.first) > ECHO_TURN || is_amount(ctx, segment) {
        return None;
    }
    (k.saturating_sub(ECHO_REACH)..k).rev().find_map(|j| {
        let before = ctx.segments.get(j)?;
        let near = segment.turn.saturating_sub(before.turn) <= 2
            && ctx.doc.turns.get(before.turn).is_some_and(|t| t.role != turn.role);
        let after = ctx.doc.word(segment.end);
        let bare = segment.digits.len() > 2
            || !ctx.doc.same_turn(segment.first, segment.end)
            || ctx.function_word(segment.end)
            || lexicon::acknowledgement(after)
            || lexicon::filler(after);
        (near && bare && before.digits == segment.digits).then(|| said.get(&j).copied()).flatten()
    })
}

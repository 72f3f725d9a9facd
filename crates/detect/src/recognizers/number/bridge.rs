//! Numbers that answer a question for a secret and hold words nobody can list: "four one, where is it, seven nine".

use super::{Typed, is_amount, secret};
use crate::{
    context::{Candidate, Context},
    lexicon,
    spoken::{Chains, Segment},
    token::{Kind, gap},
};

/// The most words between two parts of one number.
const WORDS: usize = 4;
/// How many turns after the question its answer may be.
const REACH: usize = 7;

/// The chains of the conversation; those that only a few words of an answer part are one.
pub(super) fn chains(ctx: &Context<'_>) -> Chains {
    let mut out = Chains::with_room(ctx.segments.len());
    for chain in ctx.chains.iter() {
        let joins = out.last().zip(chain.first()).is_some_and(|(a, b)| {
            let pair = ctx.segments.get(a).zip(ctx.segments.get(*b));
            a.saturating_add(1) == *b && pair.is_some_and(|(a, b)| spans(ctx, a, b))
        });
        out.push(chain, joins);
    }
    out
}

/// Covers the words between parts of one turn.
pub(super) fn emit(ctx: &Context<'_>, chain: &[usize], typed: &Typed, value: u32, out: &mut Vec<Candidate>) {
    for (a, b) in chain.iter().zip(chain.iter().skip(1)) {
        let Some((a, b)) = ctx.segments.get(*a).zip(ctx.segments.get(*b)) else { continue };
        if a.turn == b.turn
            && let Some(mut c) =
                ctx.over(a.first, b.end, typed.entity, typed.score, super::NAME, typed.reason)
        {
            c.value = value;
            out.push(c);
        }
    }
}

/// Whether two numbers of one turn are parts of the answer to a question for a secret.
fn spans(ctx: &Context<'_>, a: &Segment, b: &Segment) -> bool {
    if a.turn != b.turn || b.first.saturating_sub(a.end) > WORDS || a.large || b.large {
        return false;
    }
    let between = |i: usize| {
        ctx.doc.token(i).is_some_and(|t| t.kind == Kind::Word)
            && !ctx.in_cue(i)
            && !lexicon::counted(ctx.doc.word(i))
            && ctx.doc.gap(i) & gap::STOP == 0
    };
    let asked = || {
        let (asked, cues) = ctx.question(a.turn)?;
        let role = |t: usize| ctx.doc.turns.get(t).map(|t| t.role);
        let wants = cues.last().is_some_and(|c| secret(c.kind).is_some());
        // An agent's numbers are told in whole sentences.
        let agent = role(a.turn) == Some(callvault_model::Role::Agent);
        Some(wants && !agent && a.turn.saturating_sub(asked) <= REACH && role(asked) != role(a.turn))
    };
    (a.end..b.first).all(between)
        && ctx.doc.gap(b.first) & gap::STOP == 0
        && !is_amount(ctx, a)
        && !is_amount(ctx, b)
        && asked().unwrap_or(false)
}

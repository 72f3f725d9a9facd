//! Words that open doors: passwords, user names, answers to security questions, said as words rather than digits.

use crate::{
    context::{Candidate, Context},
    cues::Kind as Cue,
    fillers, lexicon,
    token::{Kind, gap},
};
use callvault_model::{EntityType as E, Role};
use std::collections::HashSet;

/// Name in findings.
pub(crate) const NAME: &str = "credential";

/// Finds credentials by what announces or asks for them.
pub(crate) fn find(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    for cue in &ctx.cues {
        let Some(entity) = secret(cue.kind) else { continue };
        let mut i = cue.end;
        let Some(turn) = ctx.doc.turns.get(ctx.doc.turn_of(cue.first)) else { continue };
        let colon = i < turn.end && ctx.doc.raw_gap(i).contains(':');
        let linked = i < turn.end && matches!(ctx.doc.word(i), "is" | "'s" | "was");
        if linked {
            i = i.saturating_add(1);
        }
        if !(colon || linked) || (linked && cannot_follow(ctx, i)) {
            continue;
        }
        emit(ctx, i, turn.end, entity, out);
    }
    // What is said after the answer is about something else.
    let mut answered: HashSet<usize> = HashSet::new();
    for (t, turn) in ctx.doc.turns.iter().enumerate() {
        let Some((asked, cues)) = ctx.question(t) else { continue };
        let agent = ctx.doc.turns.get(asked).is_some_and(|a| a.role == Role::Agent);
        // "the password on the account" asks for the password.
        let Some(entity) = cues.iter().rev().find_map(|c| secret(c.kind)) else { continue };
        let first = lead_in(ctx, turn.first, turn.end);
        let length = turn.end.saturating_sub(first);
        if !agent
            || turn.role != Role::Customer
            || t.saturating_sub(asked) > 2
            || length > 9
            || ctx.cues_of(t).iter().any(|c| c.end > first)
        {
            continue;
        }
        if first < turn.end && answered.insert(asked) {
            emit(ctx, first, turn.end, entity, out);
        }
    }
}

/// Where an answer begins after "yeah hold on let me grab it, okay it is".
fn lead_in(ctx: &Context<'_>, first: usize, end: usize) -> usize {
    let mut i = first;
    while i < end {
        let word = ctx.doc.word(i);
        let looks =
            matches!(word, "grab" | "check" | "find" | "look" | "hold" | "remember" | "written" | "should");
        if let Some(after) = fillers::several(ctx.doc, i) {
            i = after;
        } else if looks || lexicon::function_word(word) && no_digit(word) || lexicon::acknowledgement(word) {
            i = i.saturating_add(1);
        } else {
            break;
        }
    }
    i
}

/// A function word that is no digit.
fn no_digit(word: &str) -> bool {
    lexicon::unit(word).is_none() && lexicon::teen(word).is_none() && lexicon::tens(word).is_none()
}

fn secret(kind: Cue) -> Option<E> {
    match kind {
        Cue::Password => Some(E::Password),
        Cue::Username => Some(E::Username),
        Cue::SecurityAnswer => Some(E::SecurityAnswer),
        _ => None,
    }
}

/// "my password is not working", "the password is wrong".
fn cannot_follow(ctx: &Context<'_>, i: usize) -> bool {
    lexicon::function_word(ctx.doc.word(i))
        || matches!(
            ctx.doc.word(i),
            "wrong"
                | "incorrect"
                | "expired"
                | "locked"
                | "blocked"
                | "invalid"
                | "forgotten"
                | "working"
                | "required"
                | "missing"
                | "case"
                | "different"
                | "long"
                | "short"
        )
}

fn emit(ctx: &Context<'_>, first: usize, limit: usize, entity: E, out: &mut Vec<Candidate>) {
    let mut end = first;
    while end < limit && end.saturating_sub(first) < 5 {
        let stop = end > first
            && (ctx.doc.gap(end) & gap::STOP != 0 && ctx.doc.gap(end) & gap::SPACE != 0
                || ctx.doc.gap(end) & gap::COMMA != 0);
        let joins = matches!(
            ctx.doc.word(end),
            "dot"
                | "underscore"
                | "dash"
                | "at"
                | "hash"
                | "star"
                | "capital"
                | "number"
                | "one"
                | "two"
                | "three"
                | "four"
                | "five"
                | "six"
                | "seven"
                | "eight"
                | "nine"
                | "zero"
        );
        let word = ctx.doc.token(end).is_some_and(|t| t.kind == Kind::Word);
        if stop || (word && lexicon::function_word(ctx.doc.word(end)) && !joins) {
            break;
        }
        end = end.saturating_add(1);
    }
    if end > first {
        let mut found = ctx.over(first, end, entity, 0.8, NAME, "announced as a credential");
        // Signs typed right after the last word belong to the secret.
        if let Some(c) = found.as_mut() {
            let tail = ctx.doc.slice(
                c.turn,
                c.end,
                ctx.doc.turns.get(c.turn).map_or(c.end, |t| t.normal.text.len()),
            );
            let signs = tail
                .chars()
                .take_while(|s| matches!(s, '!' | '#' | '$' | '%' | '*' | '@' | '&' | '^'))
                .map(char::len_utf8)
                .sum::<usize>();
            c.end = c.end.saturating_add(signs);
        }
        out.extend(found);
    }
}

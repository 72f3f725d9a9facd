//! Names spelled aloud: "s m i t h", "S as in Sam", "b like boy", the NATO alphabet.

use crate::{
    context::{Candidate, Context},
    cues::Kind as Cue,
    lexicon,
    token::Kind,
};
use callvault_model::EntityType as E;

/// Name in findings.
pub(crate) const NAME: &str = "spelled";

/// Finds spelled words.
pub(crate) fn find(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    for turn in &ctx.doc.turns {
        let mut i = turn.first;
        while i < turn.end {
            match letters(ctx, i, turn.end) {
                Some((end, count, sure)) if count >= 3 || (sure && count >= 1) => {
                    if believed(ctx, i, end, count, sure) {
                        let (entity, score) = (label(ctx, i), if sure { 0.95 } else { 0.85 });
                        out.extend(ctx.over(i, end, entity, score, NAME, "letters spelled one by one"));
                    }
                    i = end;
                }
                _ => i = i.saturating_add(1),
            }
        }
    }
}

/// The run of spelled letters at `from`: its end, how many letters, and whether a spelling word ("as in") was used.
fn letters(ctx: &Context<'_>, from: usize, limit: usize) -> Option<(usize, usize, bool)> {
    let (mut i, mut count, mut sure) = (from, 0usize, false);
    while i < limit {
        if let Some(after) = with_example(ctx, i, limit) {
            (i, sure) = (after, true);
        } else if single(ctx, i) || (lexicon::nato(ctx.doc.word(i)).is_some() && nato_run(ctx, i)) {
            i = i.saturating_add(1);
        } else if count > 0
            && matches!(ctx.doc.word(i), "double")
            && i.saturating_add(1) < limit
            && single(ctx, i.saturating_add(1))
        {
            i = i.saturating_add(2);
        } else if count > 0
            && matches!(ctx.doc.word(i), "uh" | "um" | "then" | "dash" | "hyphen" | "and")
            && i.saturating_add(1) < limit
            && (single(ctx, i.saturating_add(1)) || with_example(ctx, i.saturating_add(1), limit).is_some())
        {
            i = i.saturating_add(1);
            continue;
        } else {
            break;
        }
        count = count.saturating_add(1);
    }
    (count > 0).then_some((i, count, sure))
}

fn single(ctx: &Context<'_>, i: usize) -> bool {
    ctx.doc.token(i).is_some_and(|t| t.kind == Kind::Word) && ctx.doc.word(i).chars().count() == 1
}

/// "S as in Sam", "b like boy", "m for mary": the end of the phrase.
fn with_example(ctx: &Context<'_>, i: usize, limit: usize) -> Option<usize> {
    if !single(ctx, i) {
        return None;
    }
    let letter = ctx.doc.word(i);
    let at = |by: usize| if i.saturating_add(by) < limit { ctx.doc.word(i.saturating_add(by)) } else { "" };
    let skip = match (at(1), at(2)) {
        ("as", "in") => 3,
        ("like" | "for" | "is", _) => 2,
        _ => return None,
    };
    let (skip, example) = if matches!(at(skip), "in" | "the" | "a" | "an") {
        (skip.saturating_add(1), at(skip.saturating_add(1)))
    } else {
        (skip, at(skip))
    };
    let fits = example.len() >= 2 && (example.starts_with(letter) || skip >= 3);
    fits.then(|| i.saturating_add(skip).saturating_add(1))
}

fn nato_run(ctx: &Context<'_>, i: usize) -> bool {
    let is = |by: isize| lexicon::nato(ctx.doc.near(i, by)).is_some();
    (is(1) && is(2)) || (is(-1) && is(1)) || (is(-1) && is(-2))
}

/// Single letters also occur in "a m", "u s a" and product codes: without a question for a name there must be more of them.
fn believed(ctx: &Context<'_>, first: usize, end: usize, count: usize, sure: bool) -> bool {
    if sure {
        return true;
    }
    // "what is the c v v".
    if ctx.cue_at(first).is_some_and(|k| !matches!(k, Cue::Name | Cue::Spell)) {
        return false;
    }
    let turn = ctx.doc.turn_of(first);
    let wanted = [
        Cue::Spell,
        Cue::Name,
        Cue::Email,
        Cue::Username,
        Cue::Password,
        Cue::Account,
        Cue::Reference,
        Cue::SecurityAnswer,
    ];
    let asked = ctx.asked_for(turn, &wanted)
        || ctx.cues_of(turn).iter().any(|c| wanted.contains(&c.kind) && c.end <= first);
    let follows_name = (1..=2).any(|by| ctx.listed_near(first, -by) & 3 != 0 && first >= 2);
    let short =
        (first..end).all(|i| matches!(ctx.doc.word(i), "a" | "i" | "m" | "p" | "o" | "k" | "u" | "s"));
    (asked && count >= 3) || (follows_name && count >= 3 && !short) || (count >= 5 && !short)
}

fn label(ctx: &Context<'_>, i: usize) -> E {
    let turn = ctx.doc.turn_of(i);
    let kind =
        ctx.cue_before(i, 12).or_else(|| ctx.question(turn).and_then(|(_, c)| c.last())).map(|c| c.kind);
    match kind {
        Some(Cue::Email) => E::EmailAddress,
        Some(Cue::Account) => E::AccountId,
        Some(Cue::Reference) => E::ReferenceId,
        Some(Cue::Username) => E::Username,
        Some(Cue::Password) => E::Password,
        Some(Cue::SecurityAnswer) => E::SecurityAnswer,
        _ => E::Person,
    }
}

//! Dates as people write and say them; a birth or expiry cue near one makes it more than a date.

use super::pattern::Pattern;
use crate::{
    Error,
    context::{Candidate, Context},
    cues::Kind as Cue,
    gazetteer::flag,
    lexicon,
    token::{Kind, Turn, gap},
};
use callvault_model::EntityType as E;

/// Name in findings.
pub(crate) const NAME: &str = "date";

static NUMERIC: Pattern = Pattern::new(
    r"\b(?:\d{1,2}[/\-.]\d{1,2}[/\-.](?:\d{4}|\d{2})|\d{4}-\d{2}-\d{2}|\d{1,2}\s?/\s?\d{2,4})\b",
    |s| s.digits > 2 && (s.slashes > 0 || s.dashes.saturating_add(s.inner) > 1),
);
static CLOCK: Pattern =
    Pattern::new(r"(?i)\b\d{1,2}:\d{2}(?:\s?[ap]\.?m\b\.?)?|\b\d{1,2}\s?[ap]\.?m\b", |s| s.clocks > 0);

/// Reason of an age that Safe Harbor lets stand.
pub(crate) const UP_TO_89: &str = "number of years of a person";

/// Every pattern of this file.
#[cfg(test)]
pub(super) fn patterns() -> impl Iterator<Item = &'static Pattern> {
    [&NUMERIC, &CLOCK].into_iter()
}

/// Refuses a build whose patterns do not compile.
pub(crate) fn check() -> Result<(), Error> {
    NUMERIC.check(NAME)?;
    CLOCK.check(NAME)
}

/// Finds dates, times, birth dates and card expiry dates.
pub(crate) fn find(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    NUMERIC.each(ctx, |turn, start, end, text| {
        let first = token_at(ctx, turn, start);
        let kind = kind_near(ctx, first);
        let full = text.matches(['/', '-', '.']).count() == 2;
        if let Some((entity, score, reason)) = meaning(kind, full) {
            out.push(Candidate {
                turn,
                start,
                end,
                entity,
                score,
                recognizer: NAME.into(),
                reason,
                value: 0,
            });
        }
    });
    CLOCK.candidates(ctx, E::DateTime, 0.7, NAME, "time of day", out);
    let dated = |t: &&Turn| t.numbers || t.any & flag::DATE != 0 || ctx.doc.spanish;
    for turn in ctx.doc.turns.iter().filter(dated) {
        let mut i = turn.first;
        while i < turn.end {
            // Most words begin no date; in Spanish any number may.
            let begins = match ctx.doc.token(i).map(|t| (t.kind, t.end.saturating_sub(t.start))) {
                Some((Kind::Word, _)) => ctx.begins(i, flag::DATE),
                Some((Kind::Digits, length)) => length <= 2,
                _ => true,
            };
            if !begins && !ctx.doc.spanish {
                i = i.saturating_add(1);
                continue;
            }
            match spoken(ctx, i, turn.end) {
                Some((first, end)) => {
                    if let Some((entity, score, reason)) = meaning(kind_near(ctx, first), true) {
                        out.extend(ctx.over(first, end, entity, score, NAME, reason));
                    }
                    i = end;
                }
                None => {
                    if lexicon::weekday(ctx.doc.word(i)) {
                        out.extend(ctx.over(
                            i,
                            i.saturating_add(1),
                            E::DateTime,
                            0.6,
                            NAME,
                            "day of the week",
                        ));
                    }
                    i = i.saturating_add(1);
                }
            }
        }
        age(ctx, turn.first, turn.end, out);
    }
}

fn token_at(ctx: &Context<'_>, turn: usize, start: usize) -> usize {
    let Some(t) = ctx.doc.turns.get(turn) else { return 0 };
    let tokens = ctx.doc.tokens.get(t.first..t.end).unwrap_or(&[]);
    t.first.saturating_add(tokens.partition_point(|k| (k.start as usize) < start))
}

/// The cue for the date at token `first`: in its turn, or in the question it answers.
fn kind_near(ctx: &Context<'_>, first: usize) -> Option<Cue> {
    let wanted = |k: Cue| matches!(k, Cue::Dob | Cue::Expiry);
    let own = ctx.cue_before(first, 10).map(|c| c.kind);
    if let Some(kind) = own.filter(|k| wanted(*k)) {
        return Some(kind);
    }
    let turn = ctx.doc.turn_of(first);
    let (asked, cues) = ctx.question(turn)?;
    let recent = turn.saturating_sub(asked) <= 3;
    cues.iter()
        .rev()
        .map(|c| c.kind)
        .find(|k| wanted(*k))
        .filter(|_| recent && own.is_none_or(|k| k == Cue::Card))
}

fn meaning(kind: Option<Cue>, full: bool) -> Option<(E, f32, &'static str)> {
    match kind {
        Some(Cue::Dob) => Some((E::Dob, 0.95, "date beside talk of a birth")),
        Some(Cue::Expiry) => Some((E::Expiry, 0.95, "date beside talk of an expiry")),
        _ if full => Some((E::DateTime, 0.7, "a date")),
        _ => None,
    }
}

/// "january ninth nineteen forty nine", "9th of january", "march twenty twenty seven", "jan 9, 1949".
fn spoken(ctx: &Context<'_>, i: usize, limit: usize) -> Option<(usize, usize)> {
    let word = ctx.doc.word(i);
    if lexicon::month(word) {
        let mut end = i.saturating_add(1);
        if matches!(ctx.doc.word(end), "the" | "of") && end < limit {
            end = end.saturating_add(1);
        }
        let day = day_or_number(ctx, end, limit);
        // "may" and "march" are verbs unless a number follows.
        let after = day?;
        return Some((i, year(ctx, after, limit)));
    }
    let after = ordinal_day(ctx, i, limit).or_else(|| counted_day(ctx, i, limit))?;
    let of = if after < limit && ctx.doc.word(after) == "of" { after.saturating_add(1) } else { after };
    (of < limit && lexicon::month(ctx.doc.word(of))).then(|| (i, year(ctx, of.saturating_add(1), limit)))
}

fn day_or_number(ctx: &Context<'_>, i: usize, limit: usize) -> Option<usize> {
    ordinal_day(ctx, i, limit).or_else(|| number(ctx, i, limit, 8))
}

/// "nueve de octubre": a day counted like a number, before "of" and a month.
fn counted_day(ctx: &Context<'_>, i: usize, limit: usize) -> Option<usize> {
    if !ctx.doc.spanish {
        return None;
    }
    let at = ctx.segments.partition_point(|s| s.first < i);
    let s = ctx.segments.get(at).filter(|s| s.first == i && s.digits.len() <= 2 && s.end < limit)?;
    (ctx.doc.word(s.end) == "of" && lexicon::month(ctx.doc.near(s.end, 1))).then_some(s.end)
}

/// "ninth", "twenty first", "9th", "9".
fn ordinal_day(ctx: &Context<'_>, i: usize, limit: usize) -> Option<usize> {
    if i >= limit {
        return None;
    }
    let (word, next) = (ctx.doc.word(i), i.saturating_add(1));
    let mixed = ctx.doc.token(i).is_some_and(|t| t.kind == Kind::Mixed);
    if lexicon::ordinal(word).is_some()
        || (mixed && word.len() <= 4 && ["st", "nd", "rd", "th"].iter().any(|e| word.ends_with(e)))
    {
        return Some(next);
    }
    if lexicon::tens(word).is_some()
        && next < limit
        && lexicon::ordinal(ctx.doc.word(next)).is_some_and(|d| d < 10)
    {
        return Some(next.saturating_add(1));
    }
    (ctx.doc.token(i).is_some_and(|t| t.kind == Kind::Digits) && word.len() <= 2).then_some(next)
}

fn year(ctx: &Context<'_>, i: usize, limit: usize) -> usize {
    let skip = if i < limit && matches!(ctx.doc.word(i), "of" | "in" | "the" | "year") {
        i.saturating_add(1)
    } else {
        i
    };
    let sentence = i < limit && ctx.doc.gap(i) & gap::STOP != 0 && ctx.doc.gap(i) & gap::SPACE != 0;
    if sentence { i } else { number(ctx, skip, limit, 4).unwrap_or(i) }
}

/// The end of the number at `i`, if it has two to `most` digits.
fn number(ctx: &Context<'_>, i: usize, limit: usize, most: usize) -> Option<usize> {
    let at = ctx.segments.partition_point(|s| s.end <= i);
    let s = ctx.segments.get(at).filter(|s| s.first <= i && s.end <= limit)?;
    let digits: usize = ctx.segments.atoms(s).iter().filter(|a| a.first >= i).map(|a| a.digits.len()).sum();
    (digits >= 2 && digits <= most).then_some(s.end)
}

/// "I am 34 years old", "thirty four years old", "aged 91".
fn age(ctx: &Context<'_>, first: usize, end: usize, out: &mut Vec<Candidate>) {
    let from = ctx.segments.partition_point(|s| s.first < first);
    for s in ctx.segments.get(from..).unwrap_or(&[]).iter().take_while(|s| s.first < end) {
        if s.digits.len() > 3 || s.digits.is_empty() {
            continue;
        }
        let after = |by: usize| {
            if s.end.saturating_add(by) < end { ctx.doc.word(s.end.saturating_add(by)) } else { "" }
        };
        let old = matches!(after(0), "years" | "year" | "yrs" | "yr" | "months")
            && matches!(after(1), "old" | "of")
            || matches!((after(0), after(1)), ("y", "o"));
        let before = ctx.doc.near(s.first, -1);
        let answer = ctx.question(s.turn).is_some_and(|(_, c)| c.last().is_some_and(|c| c.kind == Cue::Age));
        if old
            || before == "aged"
            || (answer && s.digits.len() == 2)
            || (before == "age" && s.digits.len() <= 2)
        {
            let old = s.digits.parse::<u32>().is_ok_and(|n| n > 89);
            let reason = if old { "number of years of a person over 89" } else { UP_TO_89 };
            out.extend(ctx.over(s.first, s.end, E::Age, 0.85, NAME, reason));
        }
    }
}

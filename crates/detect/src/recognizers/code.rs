//! Identifiers of letters and digits ("AB42790", "w9909 7281") beside what announces them or in answer to a question,
//! and where one is read back.

use super::number::date_like;
use crate::{
    context::{Candidate, Context},
    cues::Kind as Cue,
    lexicon,
    token::{Kind, gap},
};
use callvault_model::EntityType as E;
use std::collections::HashMap;

/// Name in findings.
pub(crate) const NAME: &str = "code";

/// How many tokens before a code its announcement may stand.
const REACH: usize = 5;

/// Finds codes.
pub(crate) fn find(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    let mut known: HashMap<&str, E> = HashMap::new();
    let mut unnamed: Vec<usize> = Vec::new();
    for (i, token) in ctx.doc.tokens.iter().enumerate() {
        if token.kind != Kind::Mixed || !coded(ctx, i) {
            continue;
        }
        match announced(ctx, i) {
            Some((entity, reason)) => {
                known.entry(ctx.doc.word(i)).or_insert(entity);
                out.extend(ctx.over(i, rest(ctx, i), entity, 0.85, NAME, reason));
            }
            None if long(ctx.doc.word(i)) => {
                known.entry(ctx.doc.word(i)).or_insert(E::AccountId);
                out.extend(ctx.over(i, rest(ctx, i), E::AccountId, 0.6, NAME, "few letters and many digits"));
            }
            None if login(ctx, i) => {
                known.entry(ctx.doc.word(i)).or_insert(E::Username);
                out.extend(ctx.over(
                    i,
                    i.saturating_add(1),
                    E::Username,
                    0.6,
                    NAME,
                    "letters and digits by themselves",
                ));
            }
            None => unnamed.push(i),
        }
    }
    letter_by_letter(ctx, out);
    for i in unnamed {
        if let Some(entity) = known.get(ctx.doc.word(i)) {
            let reason = "repeats a code found elsewhere in the conversation";
            out.extend(ctx.over(i, rest(ctx, i), *entity, 0.7, NAME, reason));
        }
    }
}

/// "BQK347380173": few letters, then so many digits that it is no model.
fn long(word: &str) -> bool {
    let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
    (1..=4).contains(&letters)
        && word.len().saturating_sub(letters) >= 7
        && word.bytes().skip(letters).all(|b| b.is_ascii_digit())
}

/// "nkowalczyk38" in a turn of its own, or after "user": a name and two to four digits.
fn login(ctx: &Context<'_>, i: usize) -> bool {
    let word = ctx.doc.word(i);
    let letters = word.len().saturating_sub(word.bytes().rev().take_while(u8::is_ascii_digit).count());
    let shape = letters >= 4
        && !word.bytes().take(letters).any(|b| b.is_ascii_digit())
        && (2..=4).contains(&word.len().saturating_sub(letters))
        && word.bytes().skip(letters).all(|b| b.is_ascii_digit());
    let alone = ctx.doc.turns.get(ctx.doc.turn_of(i)).is_some_and(|t| t.end.saturating_sub(t.first) == 1);
    let told = ctx.doc.near(i, -1) == "is" && ctx.doc.near(i, -3) == "my";
    shape && (alone || told || [-1, -2].iter().any(|by| ctx.doc.near(i, *by) == "user"))
}

/// The fewest letters and digits, typed one by one, that are believed to be a code.
const FEWEST: usize = 5;

/// "a n c 6 g q": letters and digits one by one, at least two letters that are no words and one digit.
fn letter_by_letter(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    for turn in ctx.doc.turns.iter().filter(|t| t.numbers) {
        let one = |i: usize| ctx.doc.single(i) && (i == turn.first || ctx.doc.gap(i) == gap::SPACE);
        let named = |i: usize| ctx.cue_before(i, REACH).is_some_and(|c| c.kind == Cue::Reference);
        let mut i = turn.first;
        while i < turn.end {
            if !ctx.doc.single(i) {
                i = i.saturating_add(1);
                continue;
            }
            let end = (i.saturating_add(1)..turn.end).find(|k| !one(*k)).unwrap_or(turn.end);
            let run = || (i..end).map(|k| ctx.doc.word(k));
            let letters =
                || run().filter(|w| w.bytes().all(|b| b.is_ascii_alphabetic() && !b"aio".contains(&b)));
            let digits = || run().filter(|w| w.bytes().all(|b| b.is_ascii_digit()));
            if end.saturating_sub(i) >= FEWEST
                && (letters().count() > 1 || letters().count() > 0 && named(i))
                && digits().count() > 0
            {
                let reason = "letters and digits one by one";
                out.extend(ctx.over(i, end, E::ReferenceId, 0.7, NAME, reason));
            }
            i = end;
        }
    }
}

/// Whether the token can be an identifier: not "2nd", "5pm", "x5".
fn coded(ctx: &Context<'_>, i: usize) -> bool {
    let word = ctx.doc.word(i);
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    word.len() >= 4 && digits >= 1 && word.chars().all(char::is_alphanumeric) && !date_like(word)
}

fn announced(ctx: &Context<'_>, i: usize) -> Option<(E, &'static str)> {
    if let Some(cue) = ctx.cue_before(i, REACH) {
        let apart = (cue.end..i).any(|k| {
            let stop = ctx.doc.gap(k) & gap::STOP != 0 && ctx.doc.gap(k) & gap::SPACE != 0;
            stop && !ctx.doc.raw_gap(k).contains(':')
        });
        if !apart {
            return entity(cue.kind).map(|e| (e, "code beside what announces it"));
        }
    }
    // "waziz84 is my username".
    let next = i.saturating_add(1);
    if ctx.doc.same_turn(i, next)
        && ctx.doc.word(next) == "is"
        && let Some(entity) = ctx.cue_after(next, 3).and_then(|c| entity(c.kind))
    {
        return Some((entity, "code before what announces it"));
    }
    // "my pass was maple646".
    let told = matches!(ctx.doc.near(i, -1), "is" | "was")
        && matches!(ctx.doc.near(i, -2), "pass" | "pw" | "pwd" | "passwd");
    if told {
        return Some((E::Password, "code beside what announces it"));
    }
    let (word, near) = (ctx.doc.near(i, -1), "code beside what announces it");
    if matches!(word, "pass" | "pwd" | "passwd") {
        return Some((E::Password, near));
    }
    let turn = ctx.doc.turn_of(i);
    let (asked, cues) = ctx.question(turn)?;
    let turns = (ctx.doc.turns.get(turn)?, ctx.doc.turns.get(asked)?);
    let short = turns.0.end.saturating_sub(turns.0.first) <= 14 && turn.saturating_sub(asked) <= 3;
    if !short || turns.0.role == turns.1.role {
        return None;
    }
    cues.iter().rev().find_map(|c| entity(c.kind)).map(|e| (e, "code in answer to a question"))
}

/// Digits said right after the code belong to it.
fn rest(ctx: &Context<'_>, i: usize) -> usize {
    let next = i.saturating_add(1);
    let at = ctx.segments.partition_point(|s| s.first < next);
    let joined = ctx.segments.get(at).filter(|s| {
        s.first == next
            && ctx.doc.same_turn(i, next)
            && ctx.doc.gap(next) & (gap::STOP | gap::COMMA) == 0
            && !lexicon::counted(ctx.doc.word(s.end))
    });
    joined.map_or(next, |s| s.end)
}

fn entity(kind: Cue) -> Option<E> {
    Some(match kind {
        Cue::Account => E::AccountId,
        Cue::Member => E::MemberId,
        Cue::Medical => E::MedicalId,
        Cue::Reference => E::ReferenceId,
        Cue::License => E::DriverLicense,
        Cue::Passport => E::Passport,
        Cue::Vehicle => E::VehicleId,
        Cue::NationalId => E::NationalId,
        Cue::Device => E::DeviceId,
        Cue::Password => E::Password,
        Cue::Otp => E::Otp,
        Cue::Pin => E::Pin,
        Cue::Username => E::Username,
        Cue::SecurityAnswer => E::SecurityAnswer,
        Cue::Iban => E::IbanCode,
        _ => return None,
    })
}

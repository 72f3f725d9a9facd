//! Known names said letter by letter, cut in two, or run together.

use super::{NAME, tokens_of};
use crate::{
    context::{Candidate, Context},
    gazetteer::flag,
    lexicon,
    token::{Kind, gap},
};
use callvault_model::EntityType as E;
use std::collections::{HashMap, HashSet};

/// Lengths in bytes of names that are looked for, as bits.
const LENGTHS: std::ops::Range<usize> = 3..32;
/// The shortest name believed when it is cut in two: shorter ones are two words too often.
const SHORTEST_CUT: usize = 5;
/// The most full names that are remembered as one word.
const MOST_JOINED: usize = 500;

/// Adds what says one of the names in pieces.
pub(super) fn find(
    ctx: &Context<'_>,
    names: &HashMap<&str, bool>,
    candidates: &[Candidate],
    out: &mut Vec<Candidate>,
) {
    if names.is_empty() {
        return;
    }
    let lengths = names.keys().filter(|n| LENGTHS.contains(&n.len())).fold(0u32, |m, n| m | 1 << n.len());
    spelled(ctx, names, lengths, out);
    cut_in_two(ctx, names, lengths, out);
    run_together(ctx, candidates, out);
}

/// One spelled letter: the tokens that say it.
struct Letter {
    first: usize,
    end: usize,
    letter: char,
}

/// The letter that token `i` says: "r", "r as in romeo", "romeo" among others of the alphabet.
fn letter(ctx: &Context<'_>, i: usize) -> Option<Letter> {
    let word = ctx.doc.word(i);
    let mut chars = word.chars();
    let end = i.saturating_add(1);
    if let (Some(letter), None) = (chars.next(), chars.next()) {
        let example =
            ctx.doc.near(i, 1) == "as" && ctx.doc.near(i, 2) == "in" && !ctx.doc.near(i, 3).is_empty();
        let end = if example { i.saturating_add(4) } else { end };
        return letter.is_alphabetic().then_some(Letter { first: i, end, letter });
    }
    let beside = || [-1isize, 1].iter().any(|by| lexicon::nato(ctx.doc.near(i, *by)).is_some());
    lexicon::nato(word).filter(|_| beside()).map(|letter| Letter { first: i, end, letter })
}

fn spelled(ctx: &Context<'_>, names: &HashMap<&str, bool>, lengths: u32, out: &mut Vec<Candidate>) {
    for turn in &ctx.doc.turns {
        let (mut i, mut run) = (turn.first, Vec::<Letter>::new());
        while i < turn.end {
            match letter(ctx, i).filter(|l| l.end <= turn.end) {
                Some(l) => {
                    i = l.end;
                    run.push(l);
                }
                None => {
                    in_run(ctx, names, lengths, &run, out);
                    run.clear();
                    i = i.saturating_add(1);
                }
            }
        }
        in_run(ctx, names, lengths, &run, out);
    }
}

fn in_run(
    ctx: &Context<'_>,
    names: &HashMap<&str, bool>,
    lengths: u32,
    run: &[Letter],
    out: &mut Vec<Candidate>,
) {
    if run.len() < LENGTHS.start {
        return;
    }
    let text: String = run.iter().map(|l| l.letter).collect();
    // Names are folded; one with letters that are not ASCII has more bytes than letters and is found as a whole elsewhere.
    if !text.is_ascii() {
        return;
    }
    for from in 0..run.len() {
        for length in LENGTHS.filter(|n| lengths >> n & 1 != 0) {
            let Some(said) = text.get(from..from.saturating_add(length)) else { break };
            let (Some(a), Some(b)) = (run.get(from), run.get(from.saturating_add(length).saturating_sub(1)))
            else {
                break;
            };
            if names.contains_key(said) {
                out.extend(ctx.over(
                    a.first,
                    b.end,
                    E::Person,
                    0.7,
                    NAME,
                    "a name of the conversation, spelled",
                ));
            }
        }
    }
}

/// "kowal ski".
fn cut_in_two(ctx: &Context<'_>, names: &HashMap<&str, bool>, lengths: u32, out: &mut Vec<Candidate>) {
    let mut both = String::new();
    let tokens = &ctx.doc.tokens;
    for (i, pair) in tokens.windows(2).enumerate() {
        let [a, b] = pair else { continue };
        let length = (a.folded() as usize).saturating_add(b.folded() as usize);
        let near = a.turn == b.turn && b.gap & !(gap::SPACE | gap::DASH) == 0;
        if !near
            || length < SHORTEST_CUT
            || !LENGTHS.contains(&length)
            || lengths >> length & 1 == 0
            || a.kind != Kind::Word
            || b.kind != Kind::Word
        {
            continue;
        }
        let next = i.saturating_add(1);
        // "may or" is no Mayor.
        let known = |k: usize| ctx.listed(k) & flag::COMMON != 0 || ctx.function_word(k);
        if known(i) && known(next) {
            continue;
        }
        both.clear();
        both.push_str(ctx.doc.word(i));
        both.push_str(ctx.doc.word(next));
        if names.contains_key(both.as_str()) {
            let reason = "a name of the conversation, cut in two";
            out.extend(ctx.over(i, next.saturating_add(1), E::Person, 0.7, NAME, reason));
        }
    }
}

/// "ravikumar", once "ravi kumar" is known.
fn run_together(ctx: &Context<'_>, candidates: &[Candidate], out: &mut Vec<Candidate>) {
    let mut joined: HashSet<String> = HashSet::new();
    for c in candidates.iter().filter(|c| c.entity == E::Person && c.score >= 0.6) {
        let tokens = tokens_of(ctx, c);
        if (2..=4).contains(&tokens.len()) && joined.len() < MOST_JOINED {
            joined.insert(tokens.map(|i| ctx.doc.word(i)).collect());
        }
    }
    if joined.is_empty() {
        return;
    }
    for (i, token) in ctx.doc.tokens.iter().enumerate() {
        if token.kind == Kind::Word && token.folded() >= 6 && joined.contains(ctx.doc.word(i)) {
            let reason = "a name of the conversation in one word";
            out.extend(ctx.over(i, i.saturating_add(1), E::Person, 0.7, NAME, reason));
        }
    }
}

//! Entity memory of one conversation: a name known once is known everywhere, also as recognisers garble it.

use crate::{
    Utterance,
    context::{Candidate, Context},
    gazetteer::flag,
    lexicon,
    token::{Case, Doc, Kind},
};
use callvault_model::{EntityType as E, Role};
use std::collections::HashMap;

/// Name in findings.
const NAME: &str = "memory";
/// The most names looked for in garbled form: keeps the work linear.
const MOST_FUZZY: usize = 48;
/// The shortest name believed with one letter wrong.
const SHORTEST_FUZZY: usize = 5;

/// Adds every further mention of the names that the candidates hold.
pub(crate) fn recall(ctx: &Context<'_>, candidates: &mut Vec<Candidate>) {
    let mut names: HashMap<&str, bool> = HashMap::new();
    if let Some(seed) = ctx.seed {
        names.extend(seed.names.iter().map(|(n, capital)| (n.as_str(), *capital)));
    }
    let mut covered = vec![false; ctx.doc.tokens.len()];
    for c in candidates.iter() {
        for i in tokens_of(ctx, c) {
            if let Some(flag) = covered.get_mut(i) {
                *flag = true;
            }
            if c.entity == E::Person
                && c.score >= 0.6
                && ctx.doc.token(i).is_some_and(|t| t.kind == Kind::Word)
                && learnable(ctx, i)
            {
                names
                    .entry(ctx.doc.word(i))
                    .or_insert(ctx.doc.token(i).is_some_and(|t| t.case != Case::Lower));
            }
        }
    }
    let mut fuzzy: Vec<&str> = names.keys().copied().filter(|n| n.len() >= SHORTEST_FUZZY).collect();
    // The same names every time, whatever the order of the map.
    fuzzy.sort_unstable();
    fuzzy.truncate(MOST_FUZZY);
    let mut found = Vec::new();
    for (i, _) in covered.iter().enumerate().filter(|(_, c)| !**c) {
        let (word, Some(token)) = (ctx.doc.word(i), ctx.doc.token(i)) else { continue };
        if token.kind != Kind::Word || word.len() < 3 {
            continue;
        }
        let flags = ctx.listed(i);
        let common = flags & flag::COMMON != 0 || ctx.function_word(i);
        // A name that is a common word is only taken up again where it has a capital too.
        let again = names.get(word).is_some_and(|capital| {
            !common
                || (*capital && token.case != Case::Lower)
                || (flags & flag::GIVEN != 0 && addressed(ctx, i))
        });
        let garbled = !again
            && !common
            && word.len() >= SHORTEST_FUZZY
            && fuzzy.iter().any(|n| one_letter_apart(n, word));
        if again || garbled {
            let reason = if again {
                "known as a name from elsewhere in the conversation"
            } else {
                "one letter from a name of the conversation"
            };
            found.extend(ctx.over(
                i,
                i.saturating_add(1),
                E::Person,
                if again { 0.7 } else { 0.5 },
                NAME,
                reason,
            ));
        }
    }
    candidates.extend(found);
}

/// Whether the word at `i` stands where people are called by their name: "hi …", "… have a great day …" and the end.
fn addressed(ctx: &Context<'_>, i: usize) -> bool {
    let before = ctx.doc.near(i, -1);
    let ends = ctx.doc.near(i, 1).is_empty();
    matches!(before, "hi" | "hello" | "hey" | "thanks" | "bye" | "goodbye")
        || (matches!(before, "morning" | "afternoon" | "evening") && ctx.doc.near(i, -2) == "good")
        || (ends
            && matches!(
                before,
                "you" | "day" | "night" | "weekend" | "okay" | "ok" | "welcome" | "care" | "evening"
            ))
}

/// The tokens a candidate covers.
pub(crate) fn tokens_of(ctx: &Context<'_>, c: &Candidate) -> std::ops::Range<usize> {
    let Some(turn) = ctx.doc.turns.get(c.turn) else { return 0..0 };
    let tokens = ctx.doc.tokens.get(turn.first..turn.end).unwrap_or(&[]);
    let from = tokens.partition_point(|t| (t.end as usize) <= c.start);
    let to = tokens.partition_point(|t| (t.start as usize) < c.end);
    turn.first.saturating_add(from)..turn.first.saturating_add(to.max(from))
}

/// The folded words of a name by which its person is known again.
pub(crate) fn names_in(value: &str) -> Vec<String> {
    let doc = Doc::new(&[Utterance { role: Role::Unknown, text: value }]);
    let ctx = Context::new(&doc);
    let word = |i: &usize| doc.token(*i).is_some_and(|t| t.kind == Kind::Word) && learnable(&ctx, *i);
    (0..doc.tokens.len()).filter(word).map(|i| doc.word(i).to_owned()).collect()
}

fn learnable(ctx: &Context<'_>, i: usize) -> bool {
    let word = ctx.doc.word(i);
    let flags = ctx.listed(i);
    word.len() >= 3
        && !ctx.function_word(i)
        && !lexicon::street(word)
        && !crate::tagger::sensible::profession(word)
        && (flags & flag::COMMON == 0 || flags & (flag::GIVEN | flag::FAMILY) != 0)
        && flags & (flag::TOWN | flag::REGION) == 0
}

/// Whether the words, at least five letters each, differ by one letter and begin alike.
fn one_letter_apart(a: &str, b: &str) -> bool {
    if a.len().abs_diff(b.len()) > 1 || a.as_bytes().first() != b.as_bytes().first() {
        return false;
    }
    let head = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let tail = a.bytes().rev().zip(b.bytes().rev()).take_while(|(x, y)| x == y).count();
    let long = a.len().max(b.len());
    head.saturating_add(tail) >= long.saturating_sub(1) && a != b
}

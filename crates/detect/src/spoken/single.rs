//! Single words that are digits in one place and none in another: "one", "four", "oh", "double".

use super::{Atom, Said, atom, only_acks};
use crate::{
    gazetteer::flag,
    lexicon,
    token::{Doc, Kind, gap},
};

/// "the one ending in", "that is the one": a "one" that counts nothing.
pub(super) fn no_digit(doc: &Doc, i: usize, begins: bool) -> bool {
    if doc.word(i) != "one" {
        return false;
    }
    let next = doc.near(i, 1);
    let ends = |word: &str| matches!(word, "ending" | "ends" | "end");
    let tells = ends(next) || (next == "that" && ends(doc.near(i, 2)));
    // "capital one", "the old one, 303 555 0184".
    let after_comma = doc.gap(i.saturating_add(1)) & gap::COMMA != 0
        && doc
            .token(i.saturating_add(1))
            .is_some_and(|t| t.kind == Kind::Digits && t.end.saturating_sub(t.start) > 2);
    if begins && (doc.near(i, -1) == "capital" || after_comma) {
        return true;
    }
    let article = matches!(doc.near(i, -1), "the" | "which" | "another" | "any");
    let after = i.saturating_add(1);
    let digits =
        doc.flags(after) & flag::NUMBER != 0 || doc.token(after).is_some_and(|t| t.kind != Kind::Word);
    tells && (article || begins) || article && !(digits && doc.same_turn(i, after))
}

/// "last four is 1026", "ssn last four 1026": a "four" that counts the digits which follow.
pub(super) fn last_four(doc: &Doc, i: usize) -> bool {
    let next = i.saturating_add(1);
    let group = doc.same_turn(i, next)
        && doc.token(next).is_some_and(|t| t.kind == Kind::Digits && t.end.saturating_sub(t.start) == 4);
    doc.near(i, -1) == "last"
        && matches!(doc.word(i), "four" | "4")
        && (group || matches!(doc.near(i, 1), "is" | "are" | "digits" | "of" | "numbers"))
}

/// "oh" or "double" by itself in a turn, inside a number that its speaker says over several turns.
pub(super) fn held(doc: &Doc, i: usize, run: &[Atom]) -> Option<Atom> {
    let (zero, times) = (doc.number(i) == lexicon::code::HOMOPHONE, lexicon::repeat_of(doc.number(i)));
    if !zero && times.is_none() {
        return None;
    }
    let index = doc.turn_of(i);
    let turn = doc.turns.get(index).filter(|t| only_acks(doc, i.saturating_add(1), t.end))?;
    let near = |t: &&crate::token::Turn| t.role == turn.role;
    let next = doc.turns.get(index.saturating_add(1)..)?.iter().take(2).find(near)?;
    let begin = (next.first..next.end).find(|k| !only_acks(doc, *k, k.saturating_add(1)))?;
    let goes_on = atom(doc, begin)?;
    let from = index.saturating_sub(2);
    let said_before = || {
        let before = doc.turns.get(from..index).and_then(|b| b.iter().rev().find(near));
        before.is_some_and(|b| {
            let last = (b.first..b.end).rev().find(|k| !only_acks(doc, *k, k.saturating_add(1)));
            last.is_some_and(|k| atom(doc, k).is_some() || doc.number(k) == lexicon::code::HOMOPHONE)
        })
    };
    if run.is_empty() && !(only_acks(doc, turn.first, i) && said_before()) {
        return None;
    }
    let digits = match times {
        // The next turn says the last of them.
        Some(n) => Said::repeated(goes_on.digits.chars().next()?, n.saturating_sub(1)),
        None => Said::repeated('0', 1),
    };
    Some(Atom { first: i, end: i.saturating_add(1), digits, large: false })
}

//! What people say between the digits of one number, and what the other side says to make them go on.

use crate::{
    gazetteer::flag,
    lexicon,
    token::{Doc, Kind},
};

/// Hesitations of several words.
const PAUSES: &[&[&str]] = &[
    &["hold", "on"],
    &["hang", "on"],
    &["hold", "up"],
    &["one", "second"],
    &["one", "sec"],
    &["one", "moment"],
    &["one", "minute"],
    &["just", "a", "second"],
    &["just", "a", "sec"],
    &["just", "a", "moment"],
    &["a", "second"],
    &["give", "me", "a", "second"],
    &["give", "me", "a", "sec"],
    &["bear", "with", "me"],
    &["let", "me", "check"],
    &["let", "me", "look"],
    &["let", "me", "think"],
    &["let", "me", "find", "it"],
    &["where", "was", "i"],
    &["where", "am", "i"],
    &["excuse", "me"],
    &["i", "think"],
    &["i", "believe"],
    &["you", "know"],
    &["followed", "by"],
    &["after", "that"],
    &["in", "a", "row"],
    &["oh", "wait"],
    &["oh", "sorry"],
    &["oh", "no"],
    &["ends", "in"],
    &["ending", "in"],
    &["ends", "with"],
    &["the", "first", "four", "are"],
    &["the", "last", "four", "are"],
    &["the", "last", "four", "is"],
    &["and", "the", "last", "four"],
    &["the", "rest", "is"],
    &["got", "it"],
    &["you", "got", "that"],
    &["are", "you", "ready"],
    &["it", "goes"],
    &["what", "is", "this"],
    &["the", "next", "ones", "are"],
    &["next", "ones", "are"],
    &["and", "the", "last", "bit"],
    &["the", "last", "bit"],
    &["got", "a", "pen"],
    &["here", "we", "go"],
    &["here", "goes"],
    &["it", "says"],
    &["looks", "like", "a"],
    &["looks", "like"],
    &["is", "that", "a"],
    &["what", "is", "that"],
    &["starts", "with"],
    &["starting", "with"],
    &["begins", "with"],
    &["the", "next", "one", "is"],
    &["the", "next", "four", "are"],
    &["the", "last", "one", "is"],
    &["the", "last", "bit", "is"],
    &["is", "what", "i", "have", "here"],
    &["is", "what", "i", "have"],
    &["is", "what", "it", "says"],
    &["if", "i", "remember"],
    &["one", "more", "time"],
    &["give", "me", "one", "second"],
];

/// Corrections of several words.
const CORRECTIONS: &[&[&str]] = &[
    &["scratch", "that"],
    &["strike", "that"],
    &["make", "that"],
    &["make", "it"],
    &["my", "bad"],
    &["my", "mistake"],
    &["pardon", "me"],
    &["change", "that", "to"],
    &["that", "was", "wrong"],
    &["thats", "wrong"],
    &["let", "me", "start", "over"],
    &["let", "me", "start", "that", "over"],
    &["start", "over"],
    &["start", "again"],
    &["should", "be"],
    &["i", "meant"],
    &["instead", "of"],
];

/// Single words of a correction.
const CORRECTS: [&str; 11] =
    ["nope", "no", "sorry", "wait", "actually", "not", "correction", "mean", "oops", "whoops", "apologies"];

fn corrects(word: &str) -> bool {
    CORRECTS.contains(&word)
}

/// Every word that fills a pause by itself.
pub(crate) fn single_words() -> impl Iterator<Item = &'static str> {
    lexicon::FILLERS.split_whitespace().chain(CORRECTS).chain(["dot", "followed"])
}

fn phrase(doc: &Doc, i: usize, phrases: &[&[&str]]) -> Option<usize> {
    let (first, second) = (doc.word(i), doc.near(i, 1));
    let fits = |p: &&&[&str]| {
        matches!(p, [a, b, rest @ ..] if *a == first && *b == second
            && (2isize..).zip(rest).all(|(by, want)| doc.near(i, by) == *want))
    };
    phrases.iter().find(fits).map(|p| i.saturating_add(p.len()))
}

/// The words that pauses and corrections of several words begin with.
pub(crate) fn first_words() -> impl Iterator<Item = &'static str> {
    PAUSES.iter().chain(CORRECTIONS).filter_map(|p| p.first().copied())
}

/// The second words of those.
pub(crate) fn second_words() -> impl Iterator<Item = &'static str> {
    PAUSES.iter().chain(CORRECTIONS).filter_map(|p| p.get(1).copied())
}

/// The end of a pause or correction of several words at `i`, also where its first word could be a digit.
pub(crate) fn several(doc: &Doc, i: usize) -> Option<usize> {
    // Asked for every token between digits: most of them begin none of the phrases.
    if doc.flags(i) & flag::PAUSE == 0 || doc.flags(i.saturating_add(1)) & flag::PAUSES == 0 {
        return None;
    }
    let end = phrase(doc, i, PAUSES).or_else(|| phrase(doc, i, CORRECTIONS))?;
    // "one second avenue" is an address.
    (!lexicon::street(doc.near(i, 2)) || doc.word(i) != "one").then_some(end)
}

/// The end of what fills a pause at `i`, and whether it corrects what was said before.
pub(crate) fn at(doc: &Doc, i: usize) -> Option<(usize, bool)> {
    if let Some(end) = several(doc, i) {
        return Some((end, phrase(doc, i, CORRECTIONS).is_some()));
    }
    (doc.flags(i) & flag::FILLER != 0).then(|| (i.saturating_add(1), corrects(doc.word(i))))
}

/// The longest turn that only says "go on".
const LONGEST_ACK: usize = 8;

/// "sorry you cut out there", "say that part again": the speaker says some of the number once more and goes on.
fn asks_again(doc: &Doc, from: usize, to: usize) -> bool {
    let part = |i: usize| {
        matches!(
            (doc.word(i), doc.near(i, 1)),
            ("again" | "repeat" | "pardon" | "slower", _)
                | ("say" | "hear" | "catch" | "get" | "missed", "that")
                | ("once" | "time", "more")
                | ("cut" | "broke" | "breaking", "out" | "up")
                | ("what", "was")
                | ("screen" | "system" | "computer", "froze")
        )
    };
    let asks = (from..to).any(part);
    // A question that names what it asks for, or holds a number, begins something else.
    asks && !(from..to).any(|i| {
        doc.flags(i) & flag::NUMBER != 0 && !matches!(doc.word(i), "to" | "for" | "one" | "oh")
            || !plain(doc, i)
    })
}

/// A word that names nothing that could be asked for.
fn plain(doc: &Doc, i: usize) -> bool {
    doc.token(i).is_some_and(|t| t.kind == Kind::Word)
        && !matches!(
            doc.word(i),
            "name"
                | "address"
                | "email"
                | "pin"
                | "zip"
                | "birth"
                | "expiration"
                | "expiry"
                | "amount"
                | "total"
        )
}

/// Whether the tokens say nothing but "go on", "next four", "I'm listening", "say that again".
pub(crate) fn goes_on(doc: &Doc, from: usize, to: usize) -> bool {
    if to.saturating_sub(from) > LONGEST_ACK {
        return false;
    }
    if asks_again(doc, from, to) {
        return true;
    }
    let mut i = from;
    while i < to {
        if let Some(end) = several(doc, i) {
            i = end;
            continue;
        }
        let word = doc.word(i);
        let how_many = matches!(
            word,
            "four"
                | "4"
                | "three"
                | "3"
                | "two"
                | "2"
                | "six"
                | "6"
                | "set"
                | "group"
                | "digits"
                | "numbers"
                | "number"
                | "part"
                | "ones"
                | "few"
        ) && matches!(
            doc.near(i, -1),
            "next" | "last" | "first" | "other" | "remaining" | "four" | "4" | "three" | "3"
        );
        let other = matches!(
            word,
            "im" | "next"
                | "last"
                | "the"
                | "rest"
                | "remaining"
                | "ready"
                | "whenever"
                | "when"
                | "youre"
                | "copy"
                | "copied"
                | "noted"
                | "carry"
                | "whats"
                | "what"
                | "is"
                | "are"
                | "have"
                | "writing"
                | "down"
                | "typing"
                | "with"
                | "a"
                | "m"
                | "cool"
                | "excellent"
                | "wonderful"
                | "absolutely"
                | "certainly"
                | "understood"
                | "fantastic"
                | "lovely"
                | "awesome"
        );
        if !(how_many || other || doc.flags(i) & flag::ACK != 0) {
            return false;
        }
        i = i.saturating_add(1);
    }
    true
}

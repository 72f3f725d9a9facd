//! E-mail addresses, written and spoken: "jo.doe@mail.com", "jo dot doe nine at mail dot com", "jo at gmail com".

use super::pattern::Pattern;
use crate::{
    Error,
    context::{Candidate, Context},
    cues::Kind as Cue,
    lexicon,
    token::{Kind, Token, gap},
};
use callvault_model::EntityType as E;

/// Name in findings.
pub(crate) const NAME: &str = "email";

static WRITTEN: Pattern = Pattern::new(
    r#"[^\s@<>()\[\]{},;:"]+\s?@\s?(?:[\w\-]+(?:\.[\w\-]+)+|(?i:gmail|yahoo|hotmail|outlook|icloud|aol|msn)\b(?i:\s(?:com|con|net|org)\b)?)"#,
    |s| s.ats > 0,
);

/// Every pattern of this file.
#[cfg(test)]
pub(super) fn patterns() -> impl Iterator<Item = &'static Pattern> {
    [&WRITTEN].into_iter()
}

/// Refuses a build whose pattern does not compile.
pub(crate) fn check() -> Result<(), Error> {
    WRITTEN.check(NAME)
}

/// Finds e-mail addresses.
pub(crate) fn find(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    WRITTEN.candidates(ctx, E::EmailAddress, 0.99, NAME, "has the form of an e-mail address", out);
    for turn in &ctx.doc.turns {
        let tokens = ctx.doc.tokens.get(turn.first..turn.end).unwrap_or(&[]);
        // "at", "arroba", and what can end in a provider and "com".
        let long = |t: &(usize, &Token)| matches!(t.1.folded(), 2 | 6 | 8..);
        for (i, _) in (turn.first..).zip(tokens).filter(long) {
            let word = ctx.doc.word(i);
            if matches!(word, "at" | "arroba")
                && let Some(end) = domain(ctx, i.saturating_add(1), turn.end)
            {
                let first = local_part(ctx, i, turn.first);
                if first < i {
                    let reason = "spoken address with a domain";
                    out.extend(ctx.over(first, end, E::EmailAddress, 0.95, NAME, reason));
                }
            }
            if matches!(word.as_bytes(), [.., b'c', b'o', b'm' | b'n']) {
                glued(ctx, i, turn.first, out);
            }
        }
        // Most words stand alone.
        if tokens.iter().skip(1).any(|t| t.gap & APART == 0) {
            without_sign(ctx, turn.first, turn.end, out);
        }
    }
}

/// What parts a word from the one before it.
const APART: u8 = gap::SPACE | gap::COMMA | gap::OTHER;

/// "my email is karol1955proton.me": the word that an announcement or a question makes an address, its sign lost.
fn without_sign(ctx: &Context<'_>, first: usize, limit: usize, out: &mut Vec<Candidate>) {
    let mut i = first;
    while i < limit {
        let mut end = i.saturating_add(1);
        while end < limit && ctx.doc.gap(end) & APART == 0 {
            end = end.saturating_add(1);
        }
        if end == i.saturating_add(1) {
            i = end;
            continue;
        }
        let last = ctx.doc.word(end.saturating_sub(1));
        let dotted = end > i.saturating_add(1) && ctx.doc.raw_gap(end.saturating_sub(1)) == ".";
        let length: usize = (i..end).map(|k| ctx.doc.word(k).len()).sum();
        let like = (dotted && (top_level(last) || last.ends_with("com")))
            || (end > i.saturating_add(1)
                && last.len() > 4
                && (last.ends_with("com") || last.ends_with("net")));
        let mailed = dotted
            && end >= i.saturating_add(2)
            && top_level(last)
            && PROVIDERS.iter().any(|p| {
                let host = ctx.doc.word(end.saturating_sub(if last == "uk" { 3 } else { 2 }));
                host.len() > p.len() && host.ends_with(p)
            });
        if mailed || (like && length >= 8 && announced(ctx, i)) {
            out.extend(ctx.over(i, end, E::EmailAddress, 0.85, NAME, "announced as an e-mail address"));
        }
        i = end;
    }
}

fn announced(ctx: &Context<'_>, i: usize) -> bool {
    let turn = ctx.doc.turn_of(i);
    let own = ctx.cue_before(i, 5).map(|c| c.kind);
    own == Some(Cue::Email)
        || (matches!(ctx.doc.near(i, -1), "to") && matches!(ctx.doc.near(i, -2), "it" | "that" | "send"))
        || (own.is_none() && ctx.asked_for(turn, &[Cue::Email]))
}

fn top_level(word: &str) -> bool {
    matches!(
        word,
        "com"
            | "net"
            | "org"
            | "edu"
            | "gov"
            | "uk"
            | "co"
            | "de"
            | "fr"
            | "es"
            | "it"
            | "io"
            | "us"
            | "ca"
            | "au"
            | "in"
            | "info"
            | "biz"
            | "me"
            | "eu"
            | "ie"
            | "nl"
    )
}

fn provider(word: &str) -> bool {
    matches!(
        word,
        "gmail"
            | "yahoo"
            | "hotmail"
            | "outlook"
            | "icloud"
            | "aol"
            | "live"
            | "msn"
            | "comcast"
            | "verizon"
            | "protonmail"
            | "proton"
            | "ymail"
            | "mail"
            | "googlemail"
            | "rediffmail"
    )
}

/// The end of "gmail dot com", "company dot co dot uk", "gmail com" after the "at".
fn domain(ctx: &Context<'_>, from: usize, limit: usize) -> Option<usize> {
    let mut i = from;
    // The name of the domain: up to four words or letters before its first dot.
    let dot = (from..limit.min(from.saturating_add(9)))
        .find(|k| matches!(ctx.doc.word(*k), "dot" | "period" | "point"));
    match dot {
        Some(d)
            if d > from && top_level(ctx.doc.word(d.saturating_add(1))) && d.saturating_add(1) < limit =>
        {
            i = d.saturating_add(2)
        }
        _ => {
            let word = ctx.doc.word(i);
            let next = i.saturating_add(1);
            return if next < limit
                && (provider(word) || word.len() >= 4)
                && matches!(ctx.doc.word(next), "com" | "net" | "org" | "edu")
            {
                Some(next.saturating_add(1))
            } else {
                provider(word).then_some(next)
            };
        }
    }
    while i.saturating_add(1) < limit
        && matches!(ctx.doc.word(i), "dot" | "period")
        && top_level(ctx.doc.word(i.saturating_add(1)))
    {
        i = i.saturating_add(2);
    }
    Some(i)
}

/// Providers whose name ends no other word.
const PROVIDERS: [&str; 8] =
    ["gmail", "yahoo", "hotmail", "outlook", "icloud", "rediffmail", "protonmail", "proton"];

/// Where the part before "at" begins.
fn local_part(ctx: &Context<'_>, at: usize, limit: usize) -> usize {
    let mut i = at;
    while i > limit && at.saturating_sub(i) < 24 {
        let previous = i.saturating_sub(1);
        let word = ctx.doc.word(previous);
        let joiner = matches!(
            word,
            "dot"
                | "underscore"
                | "dash"
                | "hyphen"
                | "period"
                | "point"
                | "as"
                | "in"
                | "like"
                | "double"
                | "plus"
                | "score"
                | "under"
        );
        let digit = lexicon::unit(word).is_some()
            || lexicon::teen(word).is_some()
            || lexicon::tens(word).is_some()
            || matches!(word, "oh" | "hundred");
        let letter = word.chars().count() == 1 && !(word == "i" && previous == limit);
        let spelled_by = ctx.doc.near(previous, -2) == "as" || ctx.doc.near(previous, -1) == "like";
        let stop = lexicon::function_word(word) && !joiner && !digit && !letter && !spelled_by;
        let sentence_end = i < at && ctx.doc.gap(i) & gap::STOP != 0 && ctx.doc.gap(i) & gap::SPACE != 0;
        if stop || sentence_end || matches!(word, "email" | "mail" | "address") {
            break;
        }
        // "in" joins only after "as".
        if word == "in" && ctx.doc.near(previous, -1) != "as"
            || (word == "like" && ctx.doc.near(previous, -1).chars().count() != 1)
        {
            break;
        }
        i = previous;
    }
    i
}

/// "kavigmailcom", "kavi gmailcom": typed without the signs.
fn glued(ctx: &Context<'_>, i: usize, limit: usize, out: &mut Vec<Candidate>) {
    let word = ctx.doc.word(i);
    let Some(stem) = word.strip_suffix("com").or_else(|| word.strip_suffix("con")) else { return };
    let Some(name) = ["gmail", "yahoo", "hotmail", "outlook", "rediffmail", "ymail", "icloud"]
        .iter()
        .find_map(|p| stem.strip_suffix(p))
    else {
        return;
    };
    let asked = ctx.asked_for(ctx.doc.turn_of(i), &[Cue::Email]);
    let mut first = i;
    while name.is_empty() && first > limit && i.saturating_sub(first) < 4 {
        let previous = first.saturating_sub(1);
        let part = ctx.doc.token(previous).is_some_and(|t| t.kind != Kind::Word)
            || (!lexicon::function_word(ctx.doc.word(previous))
                && (first == i || asked || ctx.doc.token(first).is_some_and(|t| t.kind == Kind::Digits)));
        if !part {
            break;
        }
        first = previous;
    }
    out.extend(ctx.over(first, i.saturating_add(1), E::EmailAddress, 0.9, NAME, "ends in a mail provider"));
}

//! Corrections: a person marks words that should have been hidden, or a hidden value that is none; another person decides.

use super::{
    conversation, done,
    frame::{Done, Frame},
    purpose, render,
    requests::Answer,
};
use crate::{
    app::App,
    chips::{self, Piece},
    correcting,
    extract::{Path, Query},
    problem::{Outcome, Problem},
    reading,
    right::Right,
    session::Form,
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    http::HeaderMap,
    response::Response,
    routing::{get, post},
};
use callvault_model::{
    EntityType,
    id::{ConversationId, CorrectionId},
};
use callvault_policy::Act;
use callvault_store::{
    corrections::{CorrectionRow, NewCorrection},
    gate::Target,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/conversations/{id}/turns/{n}", Some(Act::RequestCorrection)),
    ("POST", "/conversations/{id}/turns/{n}", Some(Act::RequestCorrection)),
    ("POST", "/conversations/{id}/findings/{n}/wrong", Some(Act::RequestCorrection)),
    ("GET", "/corrections/{id}", Some(Act::RequestCorrection)),
    ("POST", "/corrections/{id}", Some(Act::ApproveCorrection)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/conversations/{id}/turns/{n}", get(mark).post(missed))
        .route("/conversations/{id}/findings/{n}/wrong", post(wrong))
        .route("/corrections/{id}", get(review).post(decide))
}

/// A word of a masked text, or the label of a hidden value, with its place in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub start: u64,
    pub end: u64,
    pub piece: Piece,
    /// No white space stands before it.
    pub glued: bool,
    /// Inside what is asked for.
    pub marked: bool,
}

/// A masked text in words and labels. Their places count characters, as a correction does.
pub(crate) fn parts(text: &str) -> Vec<Part> {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (Vec::new(), 0usize);
    while let Some(c) = chars.get(at) {
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        let rest: String = chars.iter().skip(at).take(80).collect();
        let label = if *c == '[' { rest.find(']').and_then(|end| rest.get(..=end)) } else { None };
        let chip = label.and_then(|l| Some((one_chip(l)?, l.chars().count())));
        let (piece, length) = chip.unwrap_or_else(|| {
            let word: String = chars
                .iter()
                .skip(at)
                .enumerate()
                .take_while(|(i, c)| !c.is_whitespace() && (*i == 0 || **c != '['))
                .map(|(_, c)| *c)
                .collect();
            let length = word.chars().count();
            (plain(word), length)
        });
        let glued = out.last().is_some_and(|p: &Part| p.end == at as u64);
        out.push(Part { start: at as u64, end: (at + length) as u64, piece, glued, marked: false });
        at += length;
    }
    out
}

fn plain(text: String) -> Piece {
    Piece { text, label: String::new(), class: "", kind: String::new() }
}

fn one_chip(label: &str) -> Option<Piece> {
    let mut pieces = chips::pieces(label);
    pieces.pop().filter(|p| p.is_chip() && pieces.is_empty())
}

/// The characters from the first to the last ticked word, without the punctuation around them.
fn range(parts: &[Part], ticked: &[usize]) -> Outcome<(u64, u64)> {
    let (first, last) = match (ticked.iter().min(), ticked.iter().max()) {
        (Some(first), Some(last)) => (*first, *last),
        _ => return Err(Problem::bad("Tick the words that should be hidden.")),
    };
    let inside = parts.get(first..=last).ok_or_else(|| Problem::bad("These words are not in this turn."))?;
    let gap = (first..=last).any(|i| !ticked.contains(&i));
    if gap || inside.iter().any(|p| p.piece.is_chip()) {
        return Err(Problem::bad(
            "Tick words that follow one another, without a hidden value between them; report others one by one.",
        ));
    }
    let edge = |p: &Part, back: bool| {
        let count = |n: usize| n as u64;
        let outside = |c: &char| !c.is_alphanumeric();
        if back {
            count(p.piece.text.chars().rev().take_while(outside).count())
        } else {
            count(p.piece.text.chars().take_while(outside).count())
        }
    };
    let start = inside.first().map_or(0, |p| p.start + edge(p, false));
    let end = inside.last().map_or(0, |p| p.end.saturating_sub(edge(p, true)));
    if start >= end {
        return Err(Problem::bad("Only punctuation is ticked; tick the words themselves."));
    }
    Ok((start, end))
}

/// Tells whether the text is still the one that was looked at.
fn fingerprint(text: &str) -> String {
    callvault_store::hex(Sha256::digest(text.as_bytes()).get(..8).unwrap_or_default())
}

#[derive(Template)]
#[template(path = "correct.html")]
struct Mark {
    frame: Frame,
    id: ConversationId,
    n: usize,
    title: String,
    role: String,
    at: String,
    seen: String,
    parts: Vec<Part>,
    types: Vec<(&'static str, &'static str)>,
    timed: bool,
    from: String,
    to: String,
}

/// Every type under its name, in alphabetical order.
fn types() -> Vec<(&'static str, &'static str)> {
    let mut all: Vec<_> =
        EntityType::ALL.iter().map(|t| (t.as_str(), callvault_model::words::of(*t, 1))).collect();
    all.sort_by_key(|(_, name)| *name);
    all
}

/// Seconds with one decimal, as the form takes them.
fn seconds(ms: u64) -> String {
    format!("{}.{}", ms / 1_000, ms % 1_000 / 100)
}

async fn mark(
    who: Right<{ Act::RequestCorrection as u8 }>,
    State(app): State<App>,
    Path((id, n)): Path<(ConversationId, usize)>,
    headers: HeaderMap,
) -> Outcome<Response> {
    let frame = Frame::of(&app, &who, "/conversations", None);
    let purpose = match purpose::ask(&app, &who, &headers, Act::ReadMasked, Target::Conversation(id)).await? {
        purpose::Asked::Go(purpose) => purpose,
        purpose::Asked::Choose(offered) => {
            let (to, then) = (format!("/conversations/{id}"), format!("/conversations/{id}/turns/{n}"));
            return Ok(purpose::page_then(frame, "Report what was missed".into(), to, then, offered, None));
        }
    };
    let opened = reading::open(&app, &who, id, Some(purpose)).await?;
    let turn = opened.turns.get(n).ok_or_else(Problem::absent)?;
    let timed = opened.row().channel == "voice";
    let page = Mark {
        frame,
        id,
        n,
        title: conversation::title(opened.row()),
        role: turn.role.clone(),
        at: if timed { words::clock(turn.start_ms) } else { format!("message {}", n.saturating_add(1)) },
        seen: fingerprint(&turn.text),
        parts: parts(&turn.text),
        types: types(),
        timed,
        from: seconds(turn.start_ms),
        to: seconds(turn.end_ms),
    };
    Ok(render(&page))
}

#[derive(Deserialize)]
struct Missed {
    #[serde(default)]
    word: Vec<usize>,
    entity: String,
    note: String,
    seen: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// Seconds of the form as milliseconds; empty for the whole turn.
fn heard(from: &str, to: &str) -> Outcome<Option<(u64, u64)>> {
    let (from, to) = (from.trim(), to.trim());
    if from.is_empty() && to.is_empty() {
        return Ok(None);
    }
    let ms = |text: &str| {
        let seconds: f64 = text.replace(',', ".").parse().ok()?;
        (0.0..=1_000_000.0).contains(&seconds).then(|| (seconds * 1_000.0).round() as u64)
    };
    ms(from)
        .zip(ms(to))
        .map(Some)
        .ok_or_else(|| Problem::bad("Give both times in seconds, or leave both empty for the whole turn."))
}

async fn missed(
    who: Right<{ Act::RequestCorrection as u8 }>,
    State(app): State<App>,
    Path((id, n)): Path<(ConversationId, usize)>,
    headers: HeaderMap,
    Form(f): Form<Missed>,
) -> Outcome<Response> {
    let entity = correcting::entity(&f.entity)?;
    let heard_ms = heard(&f.from, &f.to)?;
    let opened = reading::open(&app, &who, id, reading::remembered(&headers)).await?;
    let turn = opened.turns.get(n).ok_or_else(Problem::absent)?;
    if fingerprint(&turn.text) != f.seen {
        return Err(Problem::conflict(
            "text_changed",
            "The text changed since you looked at it; open the turn again.",
        ));
    }
    let (start_char, end_char) = range(&parts(&turn.text), &f.word)?;
    let heard_ms = heard_ms.map(|(a, b)| (a.max(turn.start_ms), b.min(turn.end_ms)));
    let what = NewCorrection::Missed { turn: n as u64, start_char, end_char, entity, heard_ms };
    let made = correcting::ask(&app, &who, id, what, f.note).await?;
    Ok(done(&format!("/corrections/{made}"), "requested"))
}

#[derive(Deserialize)]
struct Wrong {
    note: String,
}

async fn wrong(
    who: Right<{ Act::RequestCorrection as u8 }>,
    State(app): State<App>,
    Path((id, n)): Path<(ConversationId, u64)>,
    Form(f): Form<Wrong>,
) -> Outcome<Response> {
    let made = correcting::ask(&app, &who, id, NewCorrection::Wrong { finding: n }, f.note).await?;
    Ok(done(&format!("/corrections/{made}"), "requested"))
}

#[derive(Template)]
#[template(path = "correction.html")]
struct Review {
    frame: Frame,
    r: CorrectionRow,
    title: String,
    what: &'static str,
    by: String,
    at: String,
    decided_by: String,
    decided_at: String,
    parts: Vec<Part>,
    own: bool,
    may: bool,
    timed: bool,
    audio: &'static str,
}

/// The turn with what is asked for marked in it.
fn in_place(r: &CorrectionRow, text: &str, entity_rank: usize) -> Vec<Part> {
    let mut all = parts(text);
    match r.chars {
        Some((start, end)) => {
            for p in all.iter_mut().filter(|p| p.start < end && p.end > start) {
                p.marked = true;
            }
        }
        None => {
            if let Some(p) = all.iter_mut().filter(|p| p.piece.kind == r.entity).nth(entity_rank) {
                p.marked = true;
            }
        }
    }
    all
}

async fn review(
    who: Right<{ Act::RequestCorrection as u8 }>,
    State(app): State<App>,
    Path(id): Path<CorrectionId>,
    Query(q): Query<Done>,
    headers: HeaderMap,
) -> Outcome<Response> {
    let r = correcting::one(&app, &who, id).await?;
    let frame = Frame::of(&app, &who, "/requests", q.done.as_deref());
    let of = Target::Conversation(r.conversation);
    let purpose = match purpose::ask(&app, &who, &headers, Act::ReadMasked, of).await? {
        purpose::Asked::Go(purpose) => purpose,
        purpose::Asked::Choose(offered) => {
            let (to, then) = (format!("/conversations/{}", r.conversation), format!("/corrections/{id}"));
            return Ok(purpose::page_then(frame, "A correction".into(), to, then, offered, None));
        }
    };
    let opened = reading::open(&app, &who, r.conversation, Some(purpose)).await?;
    let turn = usize::try_from(r.turn).ok().and_then(|n| opened.turns.get(n));
    let rank = opened
        .findings()
        .iter()
        .filter(|f| f.turn == r.turn && f.entity == r.entity && Some(f.position) < r.finding)
        .count();
    let waiting = r.state == "requested";
    let conversation = r.conversation;
    let withheld = app.run(move |vault| vault.withheld(conversation)).await?;
    let me = who.session.actor().to_string();
    let named = |actor: &str| words::actor(&app, actor);
    let page = Review {
        frame,
        title: conversation::title(opened.row()),
        what: words::of_name(&r.entity, 1),
        by: named(&r.requested_by),
        at: words::when(&r.requested_at),
        decided_by: r.decided_by.as_deref().map(named).unwrap_or_default(),
        decided_at: r.decided_at.as_deref().map(words::when).unwrap_or_default(),
        // Once it is decided the place in the text is another.
        parts: turn.filter(|_| waiting).map(|t| in_place(&r, &t.text, rank)).unwrap_or_default(),
        own: r.requested_by == me,
        may: crate::right::of(who.roles()).contains(&Act::ApproveCorrection),
        timed: opened.row().channel == "voice",
        audio: words::withheld(withheld.as_ref()),
        r,
    };
    Ok(render(&page))
}

async fn decide(
    who: Right<{ Act::ApproveCorrection as u8 }>,
    State(app): State<App>,
    Path(id): Path<CorrectionId>,
    Form(f): Form<Answer>,
) -> Outcome<Response> {
    let yes = f.yes();
    correcting::decide(&app, &who, id, yes).await?;
    Ok(done(&format!("/corrections/{id}"), if yes { "corrected" } else { "refused" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_labels_have_their_places_in_characters() {
        let text = "É [PERSON], card [CREDIT_CARD ****1111] [sic] ok.";
        let all = parts(text);
        let of = |p: &Part| -> String {
            text.chars().skip(p.start as usize).take((p.end - p.start) as usize).collect()
        };
        let said: Vec<String> = all.iter().map(of).collect();
        assert_eq!(said, ["É", "[PERSON]", ",", "card", "[CREDIT_CARD ****1111]", "[sic]", "ok."]);
        let chips: Vec<bool> = all.iter().map(|p| p.piece.is_chip()).collect();
        assert_eq!(chips, [false, true, false, false, true, false, false]);
    }

    #[test]
    fn ticked_words_become_one_range_without_the_punctuation_around() {
        let text = "it is “KXR 4471”, thanks [PERSON] bye";
        let all = parts(text);
        let cut = |ticked: &[usize]| {
            range(&all, ticked)
                .map(|(a, b)| text.chars().skip(a as usize).take((b - a) as usize).collect::<String>())
        };
        assert_eq!(cut(&[2, 3]).unwrap(), "KXR 4471");
        assert_eq!(cut(&[3, 2]).unwrap(), "KXR 4471");
        for bad in [&[][..], &[0, 2], &[4, 5], &[4, 5, 6], &[5], &[99]] {
            assert!(cut(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_are_seconds_or_nothing() {
        assert_eq!(heard("", " ").unwrap(), None);
        assert_eq!(heard("1.5", "2,25").unwrap(), Some((1_500, 2_250)));
        for (a, b) in [("1", ""), ("x", "2"), ("-1", "2"), ("1", "1e99"), ("nan", "1")] {
            assert!(heard(a, b).is_err(), "{a} {b}");
        }
    }
}

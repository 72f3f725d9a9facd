//! From candidates to findings: overlaps become one stretch (the union), with the label that matters most.

use crate::{Profile, context::Candidate, recognizers::date::UP_TO_89, token::Doc};
use callvault_model::{EntityType as E, Finding};

/// How bad a leak under this label would be; the label of a union is the worst of its parts.
fn weight(c: &Candidate) -> (u8, bool, f32) {
    let rank = match c.entity {
        E::Cvv | E::Pin | E::TrackData => 5,
        E::CreditCard => 4,
        E::UsSsn | E::EmailAddress => 3,
        // A guess must not keep readable what a question or cue has named.
        E::ReferenceId if c.recognizer == crate::tagger::NAME => 0,
        E::DateTime | E::Organization | E::Title | E::Url => 0,
        _ => 1,
    };
    // What was asked for or named is a better label than a guess from the sentence.
    let named = c.recognizer != crate::tagger::NAME && c.score >= 0.7;
    (rank, named, c.score)
}

/// Joins overlapping candidates turn by turn.
fn union(mut all: Vec<Candidate>) -> Vec<Candidate> {
    all.sort_by_key(|c| (c.turn, c.start, std::cmp::Reverse(c.end)));
    let mut out: Vec<Candidate> = Vec::with_capacity(all.len());
    for c in all {
        match out.last_mut() {
            Some(last) if last.turn == c.turn && c.start < last.end => {
                let (end, value) = (last.end.max(c.end), if last.value == 0 { c.value } else { last.value });
                let start = last.start;
                if weight(&c) > weight(last) {
                    *last = c;
                }
                (last.start, last.end, last.value) = (start, end, value);
            }
            _ => out.push(c),
        }
    }
    out
}

/// The findings of a conversation, in source bytes, sorted, without overlaps, of the profile's types.
pub(crate) fn resolve(doc: &Doc, candidates: Vec<Candidate>, profile: Profile) -> Vec<Finding> {
    let mut fresh = candidates.iter().map(|c| c.value).max().unwrap_or(0);
    let found: Vec<Finding> = union(candidates)
        .into_iter()
        .filter(|c| profile.reports(c.entity))
        // Safe Harbor counts ages only over 89.
        .filter(|c| profile != Profile::Hipaa || c.reason != UP_TO_89)
        .filter_map(|c| {
            let (start, end) = doc.turns.get(c.turn)?.normal.source(c.start, c.end);
            let value = if c.value > 0 {
                c.value
            } else {
                fresh = fresh.saturating_add(1);
                fresh
            };
            Some(Finding {
                turn: c.turn,
                start,
                end,
                entity: c.entity,
                score: c.score,
                recognizer: c.recognizer.into_owned(),
                reason: c.reason.to_owned(),
                value,
            })
        })
        .collect();
    once_more(found)
}

/// One source character may stand for several normalised ones: findings that meet inside it become one.
fn once_more(found: Vec<Finding>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::with_capacity(found.len());
    for f in found {
        match out.last_mut() {
            Some(last) if last.turn == f.turn && f.start < last.end => last.end = last.end.max(f.end),
            _ => out.push(f),
        }
    }
    out
}

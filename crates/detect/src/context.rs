//! Everything the recognisers read: tokens, numbers, cues and what was asked last.

use crate::{
    cues::{self, Cue, Kind},
    gazetteer::Gazetteer,
    lexicon, spoken,
    token::Doc,
};
use callvault_model::EntityType;

/// A stretch of the normalised turn that a recogniser believes in.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub turn: usize,
    pub start: usize,
    pub end: usize,
    pub entity: EntityType,
    pub score: f32,
    pub recognizer: &'static str,
    pub reason: &'static str,
    /// Pieces of one value share a number above 0.
    pub value: u32,
}

/// How many turns a question is remembered.
const MEMORY: usize = 7;

/// The conversation with all that is worked out before recognition.
pub(crate) struct Context<'a> {
    pub doc: &'a Doc,
    pub segments: Vec<spoken::Segment>,
    pub chains: Vec<Vec<usize>>,
    pub cues: Vec<Cue>,
    pub gazetteer: &'static Gazetteer,
    /// For each turn the last earlier turn that holds cues, if it is recent.
    asked: Vec<Option<usize>>,
    /// For each turn the range of its cues.
    cue_range: Vec<(usize, usize)>,
}

impl<'a> Context<'a> {
    /// Works everything out, once.
    pub fn new(doc: &'a Doc) -> Self {
        let segments = spoken::segments(doc);
        let chains = spoken::chains(doc, &segments);
        let cues = cues::find(doc);
        let mut cue_range = Vec::with_capacity(doc.turns.len());
        let mut at = 0usize;
        for turn in &doc.turns {
            let from = at;
            while cues.get(at).is_some_and(|c| c.first < turn.end) {
                at = at.saturating_add(1);
            }
            cue_range.push((from, at));
        }
        let mut asked = Vec::with_capacity(doc.turns.len());
        let mut last: Option<usize> = None;
        for (t, range) in cue_range.iter().enumerate() {
            asked.push(last.filter(|l| t.saturating_sub(*l) <= MEMORY));
            if range.1 > range.0 {
                last = Some(t);
            }
        }
        Self { doc, segments, chains, cues, gazetteer: Gazetteer::get(), asked, cue_range }
    }

    /// The cues of one turn.
    pub fn cues_of(&self, turn: usize) -> &[Cue] {
        self.cue_range.get(turn).and_then(|r| self.cues.get(r.0..r.1)).unwrap_or(&[])
    }

    /// The turn whose question `turn` answers, with its cues, last first; and how long ago it was.
    pub fn question(&self, turn: usize) -> Option<(usize, &[Cue])> {
        let asked = self.asked.get(turn).copied().flatten()?;
        Some((asked, self.cues_of(asked)))
    }

    /// Whether the last question asks for this.
    pub fn asked_for(&self, turn: usize, wanted: &[Kind]) -> bool {
        self.question(turn).is_some_and(|(_, cues)| cues.iter().any(|c| wanted.contains(&c.kind)))
    }

    /// The last cue before token `i` in its turn, within `reach` tokens.
    pub fn cue_before(&self, i: usize, reach: usize) -> Option<&Cue> {
        let cues = self.cues_of(self.doc.turn_of(i));
        cues.iter().rev().find(|c| c.end <= i).filter(|c| i.saturating_sub(c.end) <= reach)
    }

    /// The first cue after token `i - 1` in its turn, within `reach` tokens.
    pub fn cue_after(&self, i: usize, reach: usize) -> Option<&Cue> {
        let turn = self.doc.turn_of(i.checked_sub(1)?);
        self.cues_of(turn).iter().find(|c| c.first >= i).filter(|c| c.first.saturating_sub(i) <= reach)
    }

    /// A candidate over tokens `first..end` (of one turn).
    pub fn over(
        &self,
        first: usize,
        end: usize,
        entity: EntityType,
        score: f32,
        recognizer: &'static str,
        reason: &'static str,
    ) -> Option<Candidate> {
        let a = self.doc.token(first)?;
        let b = self.doc.token(end.checked_sub(1)?)?;
        if a.turn != b.turn || b.end <= a.start {
            return None;
        }
        Some(Candidate {
            turn: a.turn as usize,
            start: a.start as usize,
            end: b.end as usize,
            entity,
            score,
            recognizer,
            reason,
            value: 0,
        })
    }

    /// Whether a number stands between two tokens.
    pub fn segments_between(&self, from: usize, to: usize) -> bool {
        let k = self.segments.partition_point(|s| s.first < from);
        self.segments.get(k).is_some_and(|s| s.first < to)
    }

    /// Whether the word can be part of a name: a word, no function word, no number.
    pub fn name_like(&self, i: usize) -> bool {
        let word = self.doc.word(i);
        self.doc.token(i).is_some_and(|t| t.kind == crate::token::Kind::Word)
            && !lexicon::function_word(word)
            && lexicon::unit(word).is_none()
            && lexicon::teen(word).is_none()
            && lexicon::tens(word).is_none()
    }
}

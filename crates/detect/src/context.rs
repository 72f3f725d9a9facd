//! Everything the recognisers read: tokens, numbers, cues and what was asked last.

use crate::{
    Utterance,
    cues::{self, Cue, Kind},
    gazetteer::flag,
    lexicon, memory,
    recognizers::number,
    spoken,
    token::{self, Doc},
};
use callvault_model::{EntityType, Finding, Role};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

/// A stretch of the normalised turn that a recogniser believes in.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub turn: usize,
    pub start: usize,
    pub end: usize,
    pub entity: EntityType,
    pub score: f32,
    pub recognizer: Cow<'static, str>,
    pub reason: &'static str,
    /// Pieces of one value share a number above 0.
    pub value: u32,
}

/// The most cues of one question that are looked at: keeps the work linear.
const MOST_CUES: usize = 40;
/// How many turns a question is remembered.
const MEMORY: usize = 7;

/// The most names, and the most runs of digits, that are kept of a conversation.
const MOST_NAMES: usize = 500;
const MOST_DIGITS: usize = 50_000;

/// What a conversation has told so far: names, and the digits of values.
#[derive(Debug, Default)]
pub(crate) struct Seed {
    /// Words of names, and whether they had a capital.
    pub names: BTreeMap<String, bool>,
    /// Digits, as the recogniser of numbers keys them.
    pub digits: HashMap<u128, EntityType>,
}

impl Seed {
    /// Keeps what a finding tells about later mentions.
    pub fn learn(&mut self, value: &str, finding: &Finding) {
        if finding.entity == EntityType::Person {
            let capital = value.chars().any(char::is_uppercase);
            for name in memory::names_in(value) {
                if self.names.len() < MOST_NAMES {
                    self.names.entry(name).or_insert(capital);
                }
            }
        } else if self.digits.len() < MOST_DIGITS {
            let doc = Doc::new(&[Utterance { role: Role::Unknown, text: value }]);
            let digits: String = spoken::segments(&doc).iter().map(|s| &*s.digits).collect();
            number::remember(&mut self.digits, &digits, finding.entity, u32::MAX);
        }
    }
}

/// The conversation with all that is worked out before recognition.
pub(crate) struct Context<'a> {
    pub doc: &'a Doc,
    pub segments: spoken::Numbers,
    pub chains: spoken::Chains,
    pub cues: Vec<Cue>,
    /// What earlier parts of the conversation told, when only its end is read.
    pub seed: Option<&'a Seed>,
    /// Turns with signs of values that have a written form.
    pub loud: Vec<usize>,
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
        let loud = doc.turns.iter().enumerate().filter(|(_, t)| t.signs.loud()).map(|(k, _)| k).collect();
        Self { doc, segments, chains, cues, seed: None, loud, asked, cue_range }
    }

    /// The same, for the end of a conversation whose beginning is known by what it told.
    pub fn with(doc: &'a Doc, seed: &'a Seed) -> Self {
        Self { seed: Some(seed), ..Self::new(doc) }
    }

    /// The cues of one turn.
    pub fn cues_of(&self, turn: usize) -> &[Cue] {
        self.cue_range.get(turn).and_then(|r| self.cues.get(r.0..r.1)).unwrap_or(&[])
    }

    /// The turn whose question `turn` answers, with its cues, last first; and how long ago it was.
    pub fn question(&self, turn: usize) -> Option<(usize, &[Cue])> {
        let asked = self.asked.get(turn).copied().flatten()?;
        let cues = self.cues_of(asked);
        Some((asked, cues.get(cues.len().saturating_sub(MOST_CUES)..).unwrap_or(cues)))
    }

    /// Whether the last question asks for this.
    pub fn asked_for(&self, turn: usize, wanted: &[Kind]) -> bool {
        self.question(turn).is_some_and(|(_, cues)| cues.iter().any(|c| wanted.contains(&c.kind)))
    }

    /// The last cue before token `i` in its turn, within `reach` tokens.
    pub fn cue_before(&self, i: usize, reach: usize) -> Option<&Cue> {
        let cues = self.cues_of(self.doc.turn_of(i));
        let at = cues.partition_point(|c| c.end <= i).checked_sub(1)?;
        cues.get(at).filter(|c| i.saturating_sub(c.end) <= reach)
    }

    /// The first cue after token `i - 1` in its turn, within `reach` tokens.
    pub fn cue_after(&self, i: usize, reach: usize) -> Option<&Cue> {
        let turn = self.doc.turn_of(i.checked_sub(1)?);
        let cues = self.cues_of(turn);
        let at = cues.partition_point(|c| c.first < i);
        cues.get(at).filter(|c| c.first.saturating_sub(i) <= reach)
    }

    /// Whether token `i` is part of a cue.
    pub fn in_cue(&self, i: usize) -> bool {
        self.cue_at(i).is_some()
    }

    /// The kind of the cue that token `i` is part of.
    pub fn cue_at(&self, i: usize) -> Option<Kind> {
        let cues = self.cues_of(self.doc.turn_of(i));
        cues.get(cues.partition_point(|c| c.end <= i)).filter(|c| c.first <= i).map(|c| c.kind)
    }

    /// What the lists of names, places and common words say of token `i`.
    pub fn listed(&self, i: usize) -> u16 {
        self.doc.flags(i) & flag::LISTED
    }

    /// [`Self::listed`] of the token `by` away, if it stands in the same turn.
    pub fn listed_near(&self, i: usize, by: isize) -> u16 {
        i.checked_add_signed(by).filter(|j| self.doc.same_turn(i, *j)).map_or(0, |j| self.listed(j))
    }

    /// Whether token `i` is a small word of the language.
    pub fn function_word(&self, i: usize) -> bool {
        self.doc.flags(i) & flag::FUNCTION != 0
    }

    /// Whether a listed phrase can begin at token `i`: of several places, or of cues, health and belief.
    pub fn begins(&self, i: usize, which: u16) -> bool {
        self.doc.flags(i) & which != 0
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
            recognizer: Cow::Borrowed(recognizer),
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
        self.doc.token(i).is_some_and(|t| t.kind == token::Kind::Word)
            && !self.function_word(i)
            && lexicon::unit(word).is_none()
            && lexicon::teen(word).is_none()
            && lexicon::tens(word).is_none()
    }
}

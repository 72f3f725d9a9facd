//! Redaction of a conversation while it is spoken. A turn is let out when nothing that may still be said can belong to
//! a number in it: the digits of one value are held back until the value has ended, then redacted as one.

use crate::{
    Detector, Utterance,
    context::{Context, Seed},
    redact::{self, Mode},
    spoken,
    token::Doc,
};
use callvault_model::{Finding, Role};
use std::collections::VecDeque;

/// How many turns that are out already are read again with the new ones: what is learnt late is redacted in these.
const CONTEXT: usize = 12;
/// The longest turn; a longer one is cut between two words and its digits are joined over the cut.
const MAX_TURN: usize = 16 << 10;

/// One redacted turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Released {
    /// Index of the turn in the conversation.
    pub turn: usize,
    /// Who spoke.
    pub role: Role,
    /// The redacted text.
    pub text: String,
    /// What was found; offsets are bytes of the text as it was spoken.
    pub findings: Vec<Finding>,
    /// The turn was let out before and something in it, a name above all, became known since: this text replaces what
    /// was shown of it.
    pub again: bool,
}

/// A conversation that is still going on.
#[derive(Debug)]
pub struct Live {
    detector: Detector,
    window: VecDeque<(Role, String)>,
    /// What was covered in the turns of the window that are out.
    covered: VecDeque<Vec<Finding>>,
    /// How many turns of the window are out.
    out: usize,
    /// How many turns have left the window.
    gone: usize,
    open: Option<(Role, String)>,
    /// How many turns had ended when they were last looked at.
    looked: usize,
    seed: Seed,
}

impl Live {
    /// A conversation of which nothing was said yet.
    pub fn new(detector: Detector) -> Self {
        Self {
            detector,
            window: VecDeque::new(),
            covered: VecDeque::new(),
            out: 0,
            gone: 0,
            open: None,
            looked: 0,
            seed: Seed::default(),
        }
    }

    /// Takes what was said next, cut anywhere: a line break or another speaker ends the turn before.
    pub fn push(&mut self, role: Role, chunk: &str, mode: &Mode<'_>) -> Vec<Released> {
        let mut released = Vec::new();
        if self.open.as_ref().is_some_and(|(r, _)| *r != role) {
            self.end_turn();
        }
        for (k, part) in chunk.split('\n').enumerate() {
            if k > 0 {
                self.end_turn();
            }
            let (_, text) = self.open.get_or_insert_with(|| (role, String::new()));
            text.push_str(part);
            self.cut();
            let ended = self.gone.saturating_add(self.window.len());
            if ended > self.looked {
                self.looked = ended;
                released.extend(self.settle(mode, false));
            }
        }
        released
    }

    /// Ends the conversation and lets out what was held back.
    pub fn finish(mut self, mode: &Mode<'_>) -> Vec<Released> {
        self.end_turn();
        self.settle(mode, true)
    }

    fn end_turn(&mut self) {
        if let Some((role, text)) = self.open.take().filter(|(_, t)| !t.is_empty()) {
            self.window.push_back((role, text));
        }
    }

    /// Cuts a turn that is too long at its last space, so that a speaker who never stops cannot fill the memory.
    fn cut(&mut self) {
        while let Some((role, text)) = self.open.as_mut().filter(|(_, t)| t.len() > MAX_TURN) {
            let mut at = MAX_TURN;
            while !text.is_char_boundary(at) {
                at = at.saturating_sub(1);
            }
            let at = text.get(..at).and_then(|t| t.rfind(' ')).filter(|a| *a > 0).unwrap_or(at);
            let rest = text.split_off(at);
            let done = (*role, std::mem::replace(text, rest));
            self.window.push_back(done);
        }
    }

    fn settle(&mut self, mode: &Mode<'_>, all: bool) -> Vec<Released> {
        let turns: Vec<Utterance<'_>> =
            self.window.iter().map(|(role, text)| Utterance { role: *role, text }).collect();
        let doc = Doc::new(&turns);
        let ctx = Context::with(&doc, &self.seed);
        let held = if all { None } else { spoken::first_open(&doc, &ctx.segments, &ctx.chains) };
        let upto = held.unwrap_or(turns.len());
        let findings = self.detector.find(&ctx);
        let mut released = Vec::new();
        for index in 0..upto {
            let Some(turn) = turns.get(index) else { break };
            let mut mine: Vec<Finding> = findings.iter().filter(|f| f.turn == index).cloned().collect();
            let again = index < self.out;
            if again {
                let Some(before) = self.covered.get(index) else { continue };
                let within =
                    |f: &Finding, of: &[Finding]| of.iter().any(|o| o.start <= f.start && f.end <= o.end);
                if mine.iter().all(|f| within(f, before)) {
                    continue;
                }
                // Nothing that was covered is laid bare, though it would be read otherwise now.
                let kept: Vec<Finding> = before.iter().filter(|f| !within(f, &mine)).cloned().collect();
                mine.extend(kept);
                mine.sort_by_key(|f| f.start);
            }
            match self.covered.get_mut(index) {
                Some(slot) => slot.clone_from(&mine),
                None => self.covered.push_back(mine.clone()),
            }
            let text = redact::redact_turn(turn.text, &mine, mode);
            let number = self.gone.saturating_add(index);
            let findings = mine.into_iter().map(|f| Finding { turn: number, ..f }).collect();
            released.push(Released { turn: number, role: turn.role, text, findings, again });
        }
        let learned: Vec<(String, Finding)> = findings
            .into_iter()
            .filter(|f| f.turn < upto)
            .filter_map(|f| Some((turns.get(f.turn)?.text.get(f.start..f.end)?.to_owned(), f)))
            .collect();
        for (value, finding) in learned {
            self.seed.learn(&value, &finding);
        }
        self.out = upto.max(self.out);
        while self.out > CONTEXT {
            self.window.pop_front();
            self.covered.pop_front();
            self.out = self.out.saturating_sub(1);
            self.gone = self.gone.saturating_add(1);
        }
        released
    }
}

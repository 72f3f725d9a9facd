//! What the tagger looks at, as rows of its weight table.

use super::{LABELS, ROWS};
use crate::{
    context::Context,
    gazetteer::{Gazetteer, flag},
    lexicon,
    token::{Case, Kind, gap},
};
use callvault_model::Role;
use std::collections::HashMap;

/// The rows that one token switches on.
#[derive(Debug, Default)]
pub(crate) struct Features(Vec<u32>);

impl Features {
    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().copied()
    }

    fn add(&mut self, template: u64, a: u64, b: u64, c: u64) {
        let mut h = template.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ a;
        h = (h ^ (h >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ b.rotate_left(17);
        h = (h ^ (h >> 29)).wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ c.rotate_left(31);
        h = (h ^ (h >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let row = ((h >> 32).wrapping_mul(ROWS as u64)) >> 32;
        self.0.push(u32::try_from(row).unwrap_or(0));
    }
}

/// What is read off one token once.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    word: u64,
    shape: u64,
    lists: u64,
    prefix: u64,
    suffix: u64,
    case: u64,
}

/// Reads features of a conversation, token by token.
pub(crate) struct Reader<'c, 'a> {
    ctx: &'c Context<'a>,
    seen: Vec<Seen>,
    /// Whether capitals tell anything in this conversation.
    cased: bool,
    labels: Vec<usize>,
    memory: HashMap<u64, usize>,
    /// The label that the turn before ended with.
    before: usize,
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

impl<'c, 'a> Reader<'c, 'a> {
    /// Looks at every token once.
    pub fn new(ctx: &'c Context<'a>) -> Self {
        let tokens = &ctx.doc.tokens;
        let words = tokens.iter().filter(|t| t.kind == Kind::Word).count();
        let capital = tokens
            .iter()
            .filter(|t| t.kind == Kind::Word && t.case == Case::Title && t.gap & gap::START == 0)
            .count();
        let starts = tokens.iter().filter(|t| t.case == Case::Title && t.gap & gap::START != 0).count();
        let lower = tokens.iter().filter(|t| t.kind == Kind::Word && t.case == Case::Lower).count();
        let cased = lower > 0
            && words > 0
            && (capital > 0 || starts.saturating_mul(2) >= ctx.doc.turns.len().max(1))
            && starts.saturating_add(capital) > 0;
        let mut seen: Vec<Seen> = (0..tokens.len()).map(|i| look(ctx, i)).collect();
        mark_phrases(ctx, &mut seen);
        Self { ctx, seen, cased, labels: Vec::with_capacity(tokens.len()), memory: HashMap::new(), before: 0 }
    }

    /// Whether capitals tell anything in this conversation.
    pub fn cased(&self) -> bool {
        self.cased
    }

    /// Notes the label that token `i` got.
    pub fn tagged(&mut self, i: usize, label: usize) {
        self.labels.truncate(i);
        self.labels.push(label);
        let s = self.at(i);
        if label != 0 && matches!(label, 1 | 2 | 9) {
            self.memory.insert(s.word, label);
        }
        if !self.ctx.doc.same_turn(i, i.saturating_add(1)) {
            self.before = label;
        }
    }

    fn at(&self, i: usize) -> Seen {
        self.seen.get(i).copied().unwrap_or_default()
    }

    fn rel(&self, i: usize, by: isize) -> Seen {
        match i.checked_add_signed(by) {
            Some(j) if self.ctx.doc.same_turn(i, j) => self.at(j),
            _ => Seen { word: 1, shape: 1, lists: 1, ..Seen::default() },
        }
    }

    fn label(&self, i: usize, back: usize) -> u64 {
        let j = i.checked_sub(back).filter(|j| self.ctx.doc.same_turn(i, *j));
        j.and_then(|j| self.labels.get(j)).map_or(99, |l| *l as u64)
    }

    /// Writes the features of token `i`.
    pub fn read(&self, i: usize, out: &mut Features) {
        out.0.clear();
        let (s, p, n) = (self.at(i), self.rel(i, -1), self.rel(i, 1));
        let (pp, nn) = (self.rel(i, -2), self.rel(i, 2));
        self.words(out, s, [pp, p, n, nn]);
        let case = |x: Seen| if self.cased { x.case } else { 9 };
        let stop = u64::from(self.ctx.doc.gap(i) & (gap::START | gap::STOP) != 0);
        out.add(40, s.shape, case(s), stop);
        out.add(41, s.lists, case(s), stop);
        out.add(42, case(p), case(s), case(n));
        out.add(43, p.word, case(s), s.lists);
        out.add(44, n.word, case(s), s.lists);
        out.add(45, s.word, case(s), stop);
        out.add(46, pp.word ^ p.word.rotate_left(7), case(s), 0);
        let (t1, t2) = (self.label(i, 1), self.label(i, 2));
        out.add(50, t1, t2, 0);
        out.add(51, t1, s.word, 0);
        out.add(52, t1, s.shape, case(s));
        out.add(53, t1, s.lists, case(s));
        out.add(54, t1, p.word, s.shape);
        out.add(55, t1, s.lists, n.lists);
        out.add(56, t1, u64::from(self.ctx.doc.gap(i)), s.shape);
        out.add(57, t1, t2, s.shape ^ s.lists.rotate_left(9));
        self.place(i, s, out);
    }

    fn words(&self, out: &mut Features, s: Seen, [pp, p, n, nn]: [Seen; 4]) {
        out.add(0, 0, 0, 0);
        out.add(1, s.word, 0, 0);
        out.add(2, p.word, 0, 0);
        out.add(3, n.word, 0, 0);
        out.add(4, pp.word, 0, 0);
        out.add(5, nn.word, 0, 0);
        out.add(6, p.word, s.word, 0);
        out.add(7, s.word, n.word, 0);
        out.add(8, p.word, n.word, s.shape);
        out.add(9, s.suffix, 0, 0);
        out.add(10, s.prefix, 0, 0);
        out.add(11, s.shape, 0, 0);
        out.add(12, p.shape, s.shape, 0);
        out.add(13, s.shape, n.shape, 0);
        out.add(14, p.shape, s.shape, n.shape);
        out.add(15, s.lists, 0, 0);
        out.add(16, p.lists, s.lists, 0);
        out.add(17, s.lists, n.lists, 0);
        out.add(18, p.lists, s.lists, n.lists);
        out.add(19, pp.word, p.word, s.shape);
        out.add(20, p.word, s.shape, s.lists);
        out.add(21, n.word, s.shape, s.lists);
        out.add(22, s.shape, n.shape, nn.shape);
        out.add(23, n.word, nn.word, s.lists);
        out.add(24, pp.shape, p.shape, s.shape);
    }

    /// Where in the turn and the talk the token stands, and what was asked.
    fn place(&self, i: usize, s: Seen, out: &mut Features) {
        let doc = self.ctx.doc;
        let Some(t) = doc.token(i) else { return };
        let Some(turn) = doc.turns.get(t.turn as usize) else { return };
        let length = bucket(turn.end.saturating_sub(turn.first));
        let (from_start, from_end) =
            (i.saturating_sub(turn.first).min(3) as u64, turn.end.saturating_sub(i).min(3) as u64);
        let order = bucket(t.turn as usize);
        let role = match turn.role {
            Role::Agent => 1,
            Role::Customer => 2,
            Role::System => 3,
            Role::Unknown => 4,
        };
        let looks = s.shape ^ s.lists.rotate_left(13);
        out.add(60, from_start, from_end, s.shape);
        out.add(61, from_start ^ from_end << 4, length, s.lists);
        out.add(62, order, length, s.lists);
        out.add(63, role, from_start, s.lists);
        out.add(64, self.before as u64, from_start, s.shape);
        out.add(65, self.before as u64, length, looks);
        let cue = self.ctx.cue_before(i, 8);
        let distance = cue.map_or(9, |c| bucket(i.saturating_sub(c.end)));
        let kind = cue.map_or(99, |c| c.kind as u64);
        out.add(66, kind, distance, s.shape);
        out.add(67, kind, looks, 0);
        let asked = self.ctx.question(t.turn as usize);
        let asked_kind = asked.and_then(|(_, c)| c.last()).map_or(99, |c| c.kind as u64);
        let ago = asked.map_or(9, |(a, _)| (t.turn as usize).saturating_sub(a).min(4) as u64);
        out.add(68, asked_kind, ago, looks);
        out.add(69, asked_kind ^ kind << 8, length, s.shape);
        out.add(70, self.memory.get(&s.word).map_or(99, |l| *l as u64), s.shape, 0);
        let first_of_next = if doc.same_turn(i, turn.end) { Seen::default() } else { self.at(turn.end) };
        out.add(71, first_of_next.shape, length, looks);
        let own = self.ctx.cue_after(i.saturating_add(1), 4).map_or(99, |c| c.kind as u64);
        out.add(72, own, s.shape, 0);
    }
}

fn bucket(n: usize) -> u64 {
    match n {
        0..=4 => n as u64,
        5..=6 => 5,
        7..=9 => 6,
        10..=15 => 7,
        _ => 8,
    }
}

fn look(ctx: &Context<'_>, i: usize) -> Seen {
    let word = ctx.doc.word(i);
    let Some(t) = ctx.doc.token(i) else { return Seen::default() };
    let case = match t.case {
        Case::Lower => 0,
        Case::Title => 1,
        Case::Upper => 2,
        Case::Odd => 3,
    };
    let edge = |n: usize, from_end: bool| {
        let mut it = word.char_indices();
        let cut = if from_end {
            it.rev().nth(n.saturating_sub(1)).map_or(0, |c| c.0)
        } else {
            it.nth(n).map_or(word.len(), |c| c.0)
        };
        hash(if from_end { word.get(cut..) } else { word.get(..cut) }.unwrap_or("").as_bytes())
    };
    let word_hash = if t.kind == Kind::Digits && word.len() > 1 { 7 } else { hash(word.as_bytes()) };
    Seen {
        word: word_hash,
        shape: shape(word, t.kind),
        lists: lists(ctx, i, t.kind),
        prefix: edge(3, false),
        suffix: edge(3, true),
        case,
    }
}

fn shape(word: &str, kind: Kind) -> u64 {
    match kind {
        Kind::Digits => 100u64.saturating_add(word.len().min(20) as u64),
        Kind::Word => {
            if lexicon::unit(word).is_some() {
                30
            } else if lexicon::teen(word).is_some() || lexicon::tens(word).is_some() {
                31
            } else if lexicon::repeat(word).is_some() {
                32
            } else if lexicon::month(word) {
                33
            } else if lexicon::weekday(word) {
                34
            } else if lexicon::ordinal(word).is_some() {
                35
            } else if lexicon::street(word) {
                36
            } else if word.ends_with("com") && word.len() > 7 {
                37
            } else {
                10u64.saturating_add(word.len().min(6) as u64)
            }
        }
        Kind::Mixed => {
            let mut h = 5u64;
            let (mut last, mut run) = (0u64, 0u64);
            for b in word.bytes() {
                let class = if b.is_ascii_digit() { 2 } else { 1 };
                run = if class == last { run.saturating_add(1) } else { 1 };
                last = class;
                if run <= 3 {
                    h = h.wrapping_mul(3).wrapping_add(class);
                }
            }
            1000u64.saturating_add(h % 5000)
        }
    }
}

fn lists(ctx: &Context<'_>, i: usize, kind: Kind) -> u64 {
    if kind != Kind::Word {
        return 200;
    }
    let listed = u64::from(ctx.listed(i));
    let function = if ctx.function_word(i) { 32 } else { 0 };
    listed | function
}

/// Marks the words of listed phrases: "san francisco".
fn mark_phrases(ctx: &Context<'_>, seen: &mut [Seen]) {
    let (mut phrase, lists) = (String::new(), Gazetteer::get());
    for i in 0..seen.len() {
        if !ctx.begins(i, flag::PLACE) || ctx.doc.token(i).is_none_or(|t| t.kind != Kind::Word) {
            continue;
        }
        phrase.clear();
        phrase.push_str(ctx.doc.word(i));
        for more in 1..4usize {
            let j = i.saturating_add(more);
            if !ctx.doc.same_turn(i, j) || ctx.doc.gap(j) & (gap::STOP | gap::COMMA) != 0 {
                break;
            }
            phrase.push(' ');
            phrase.push_str(ctx.doc.word(j));
            let flags = lists.phrase(&phrase);
            let bit = if flags & flag::TOWN != 0 { 64 } else { 0 }
                | if flags & flag::REGION != 0 { 128 } else { 0 };
            if bit != 0 {
                seen.iter_mut().take(j.saturating_add(1)).skip(i).for_each(|s| s.lists |= bit);
            }
        }
    }
}

/// The column of a label, "nothing" for types the tagger does not know.
pub(crate) fn column(entity: callvault_model::EntityType) -> usize {
    LABELS.iter().position(|l| *l == Some(entity)).unwrap_or(0)
}

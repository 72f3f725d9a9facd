//! Numbers as people say and type them: digit groups, number words, "double five", pairs, with the words between,
//! as virtual digit strings that keep where every digit came from. Runs may cross turns that only say "go on".

use crate::{
    fillers,
    gazetteer::flag,
    language, lexicon,
    token::{Doc, Kind, gap},
};

mod said;
mod single;
use said::Said;
use single::{held, last_four, no_digit};

/// One step of a number: the tokens and the digits they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Atom {
    pub first: usize,
    pub end: usize,
    pub digits: Said,
    /// Said as hundreds or thousands: more an amount than an identifier.
    pub large: bool,
}

/// An unbroken number inside one turn.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub turn: usize,
    pub first: usize,
    /// One past the last token.
    pub end: usize,
    pub digits: Said,
    /// Its steps, as a range of [`Numbers::atoms`].
    steps: (usize, usize),
    /// Written in digits throughout.
    pub written: bool,
    /// Contains "hundred" or "thousand".
    pub large: bool,
    /// Its speaker corrected a digit, so it holds more of them than the value.
    pub corrected: bool,
}

/// All numbers of a conversation, in order.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    segments: Vec<Segment>,
    atoms: Vec<Atom>,
}

impl std::ops::Deref for Numbers {
    type Target = [Segment];

    fn deref(&self) -> &[Segment] {
        &self.segments
    }
}

impl Numbers {
    /// The steps of a number.
    pub fn atoms(&self, of: &Segment) -> &[Atom] {
        self.atoms.get(of.steps.0..of.steps.1).unwrap_or(&[])
    }
}

/// Groups of numbers, each of them one value said in pieces.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    all: Vec<usize>,
    ends: Vec<usize>,
}

impl Chains {
    /// None yet, and room for so many numbers.
    pub fn with_room(numbers: usize) -> Self {
        Self { all: Vec::with_capacity(numbers), ends: Vec::with_capacity(numbers) }
    }

    /// The number that came last.
    pub fn last(&self) -> Option<usize> {
        self.all.last().copied()
    }

    /// One more group, or more of the last one where it `joins` it.
    pub fn push(&mut self, group: &[usize], joins: bool) {
        if joins {
            self.ends.pop();
        }
        self.all.extend(group);
        self.ends.push(self.all.len());
    }

    /// The groups, as places among the numbers.
    pub fn iter(&self) -> impl Iterator<Item = &[usize]> {
        let mut from = 0usize;
        self.ends.iter().map(move |end| {
            let group = self.all.get(from..*end).unwrap_or(&[]);
            from = *end;
            group
        })
    }
}

/// The most filler words believed inside one number.
const MAX_FILLERS: usize = 8;
/// How many turns after a number its speaker may go on with it.
const MOST_TURNS: usize = 4;
/// The most digits one run may hold; longer ones are cut, so that no string grows without bound.
const MAX_DIGITS: usize = 64;

/// The digits that token `i` begins to say, if it says any.
fn atom(doc: &Doc, i: usize) -> Option<Atom> {
    let token = doc.token(i)?;
    let word = doc.word(i);
    let one = |digits: Said| Some(Atom { first: i, end: i.saturating_add(1), digits, large: false });
    if token.kind == Kind::Digits {
        return one(word.get(..word.len().min(MAX_DIGITS)).unwrap_or(word).into());
    }
    if token.kind == Kind::Mixed {
        return one(looks_like_digits(word)?.as_str().into());
    }
    let number = token.number;
    if doc.flags(i) & flag::NUMBER == 0 {
        return None;
    }
    if doc.spanish
        && let Some(large) = large_spanish(doc, i)
    {
        return Some(large);
    }
    if let Some(d) = lexicon::unit_of(number) {
        return scaled(doc, i, d).or_else(|| one(Said::repeated(d, 1)));
    }
    if let Some(t) = lexicon::teen_of(number) {
        return scaled_teen(doc, i, t).or_else(|| one(t.into()));
    }
    if let Some(t) = lexicon::tens_of(number) {
        let next = i.saturating_add(if doc.spanish && doc.near(i, 1) == "y" { 2 } else { 1 });
        let joined = doc.same_turn(i, next) && doc.gap(next) & (gap::COMMA | gap::STOP) == 0;
        return match lexicon::unit_of(doc.number(next)).filter(|d| joined && *d != '0') {
            // "forty three hundred (and) (twelve)".
            Some(d) if doc.same_turn(i, next) && doc.near(next, 1) == "hundred" => {
                Some(rest_of_scale(doc, i, next.saturating_add(2), format!("{t}{d}"), 2))
            }
            Some(d) => {
                Some(Atom { first: i, end: next.saturating_add(1), digits: Said::pair(t, d), large: false })
            }
            None => one(Said::pair(t, '0')),
        };
    }
    repeated(doc, i)
}

/// "4O12", "41ll": a group of digits in which some are letters of their shape.
fn looks_like_digits(word: &str) -> Option<String> {
    let shape = |b: u8| match b {
        b'0'..=b'9' => Some(char::from(b)),
        b'o' => Some('0'),
        b'l' | b'i' => Some('1'),
        _ => None,
    };
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if word.len() < 4 || word.len() > MAX_DIGITS || digits.saturating_mul(2) < word.len() {
        return None;
    }
    word.bytes().map(shape).collect()
}

/// "treinta y cinco", "veintidos", "siete": a number below a hundred and the token after it.
fn below_hundred(doc: &Doc, i: usize) -> Option<(u32, usize)> {
    let (number, next) = (doc.number(i), i.saturating_add(1));
    let value = |c: char| c.to_digit(10).unwrap_or(0);
    if let Some(d) = lexicon::unit_of(number) {
        return Some((value(d), next));
    }
    if let Some(t) = lexicon::teen_of(number) {
        return t.parse().ok().map(|n| (n, next));
    }
    let tens = value(lexicon::tens_of(number)?).saturating_mul(10);
    match (doc.near(i, 1), lexicon::unit(doc.near(i, 2))) {
        ("y", Some(d)) => Some((tens.saturating_add(value(d)), i.saturating_add(3))),
        _ => Some((tens, next)),
    }
}

/// "mil novecientos ochenta y uno", "dos mil veinte", "ciento cinco".
fn large_spanish(doc: &Doc, i: usize) -> Option<Atom> {
    let (mut sum, mut at) = (0u32, i);
    if doc.word(i) == "mil" {
        (sum, at) = (1000, i.saturating_add(1));
    } else if let Some((n, end)) = below_hundred(doc, i)
        && doc.same_turn(i, end)
        && doc.word(end) == "mil"
    {
        (sum, at) = (n.saturating_mul(1000), end.saturating_add(1));
    }
    if doc.same_turn(i, at)
        && let Some(h) = language::hundreds(doc.word(at))
    {
        (sum, at) = (sum.saturating_add(h.saturating_mul(100)), at.saturating_add(1));
    }
    if at == i {
        return None;
    }
    if doc.same_turn(i, at)
        && let Some((n, end)) = below_hundred(doc, at)
    {
        (sum, at) = (sum.saturating_add(n), end);
    }
    Some(Atom { first: i, end: at, digits: sum.to_string().as_str().into(), large: true })
}

/// "double five", "triple oh".
fn repeated(doc: &Doc, i: usize) -> Option<Atom> {
    let times = lexicon::repeat_of(doc.number(i))?;
    let next = i.saturating_add(1);
    if !doc.same_turn(i, next) {
        return None;
    }
    let word = doc.word(next);
    let digit = lexicon::unit_of(doc.number(next))
        .or_else(|| {
            let far = i.saturating_add(2);
            let more = doc.same_turn(i, far)
                && (atom(doc, far).is_some() || lexicon::homophone_of(doc.number(far)).is_some());
            lexicon::homophone_of(doc.number(next)).filter(|d| *d == '0' || more)
        })
        .or_else(|| word.chars().next().filter(|c| word.len() == 1 && c.is_ascii_digit()))?;
    let digits = Said::repeated(digit, times);
    Some(Atom { first: i, end: next.saturating_add(1), digits, large: false })
}

/// "four hundred (and) (six)", "two thousand (and) (twelve)".
fn scaled(doc: &Doc, i: usize, unit: char) -> Option<Atom> {
    let next = i.saturating_add(1);
    let zeros = match doc.near(i, 1) {
        "hundred" => 2usize,
        "thousand" => 3,
        _ => return None,
    };
    Some(rest_of_scale(doc, i, next.saturating_add(1), unit.to_string(), zeros))
}

/// "nineteen hundred (and) (six)".
fn scaled_teen(doc: &Doc, i: usize, teen: &str) -> Option<Atom> {
    (doc.near(i, 1) == "hundred").then(|| rest_of_scale(doc, i, i.saturating_add(2), teen.to_owned(), 2))
}

fn rest_of_scale(doc: &Doc, first: usize, mut at: usize, head: String, zeros: usize) -> Atom {
    let mut rest = String::new();
    let tail = if doc.same_turn(first, at) && doc.word(at) == "and" { at.saturating_add(1) } else { at };
    let number = doc.number(tail);
    if doc.same_turn(first, tail) {
        if let Some(t) = lexicon::teen_of(number) {
            (rest, at) = (t.to_owned(), tail.saturating_add(1));
        } else if let Some(t) = lexicon::tens_of(number) {
            at = tail.saturating_add(1);
            rest.push(t);
            match lexicon::unit_of(doc.number(at)).filter(|_| doc.same_turn(first, at)) {
                Some(d) => {
                    rest.push(d);
                    at = at.saturating_add(1);
                }
                None => rest.push('0'),
            }
        } else if let Some(d) = lexicon::unit_of(number)
            && (tail > at || (zeros == 3 && year_ends(doc, first, at)))
        {
            rest.push(d);
            at = tail.saturating_add(1);
        }
    }
    let digits = format!("{head}{rest:0>zeros$}").as_str().into();
    Atom { first, end: at, digits, large: true }
}

/// "two thousand five", and no more digits: a year.
fn year_ends(doc: &Doc, first: usize, unit: usize) -> bool {
    let next = unit.saturating_add(1);
    !(doc.same_turn(first, next) && atom(doc, next).is_some())
}

/// "oh", "for", "to" and the like, between two digits.
fn weak_atom(doc: &Doc, i: usize, run: &[Atom]) -> Option<Atom> {
    let digit = lexicon::homophone_of(doc.number(i))?;
    let owe = doc.number(i) == lexicon::code::OWE;
    // No number begins with another sound than "oh".
    if digit != '0' && run.is_empty() {
        return None;
    }
    let next = beyond(doc, i.saturating_add(1), i);
    let after = doc.same_turn(i, next)
        && (atom(doc, next).is_some() || lexicon::homophone_of(doc.number(next)).is_some());
    let zero = digit == '0';
    // "one to 27": nobody prints one sound as a word and the next ten digits as a group.
    if !zero && doc.token(next).is_some_and(|t| t.kind == Kind::Digits && t.end.saturating_sub(t.start) > 1) {
        return None;
    }
    // "nine to five" is a time, "four one for one" is not: other sounds than "oh" need more digits around them.
    let far = beyond(doc, next.saturating_add(1), i);
    let said = |k: usize| lexicon::homophone_of(doc.number(k)).is_some();
    let sure = |k: usize| atom(doc, k).is_some_and(|a| !a.large);
    // "won oh" is no phrase of the language.
    let strong = run.len() >= 2
        || (lexicon::homophone_of(doc.number(next)) == Some('0')
            && doc.gap(next) & (gap::STOP | gap::COMMA) == 0)
        || (doc.same_turn(i, far) && (sure(next) && (sure(far) || said(far)) || sure(far) && said(next)));
    let last_oh = zero && !run.is_empty() && !owe;
    let believed = if zero {
        (after && !owe && !run.is_empty()) || last_oh || (run.is_empty() && leading_oh(doc, i))
    } else {
        after && strong && !run.is_empty()
    };
    believed.then(|| Atom {
        first: i,
        end: i.saturating_add(1),
        digits: Said::repeated(digit, 1),
        large: false,
    })
}

/// The next token that is no filler: recognisers garble digits beside hesitations too.
fn beyond(doc: &Doc, from: usize, turn_of: usize) -> usize {
    let mut i = from;
    while i.saturating_sub(from) < 5 && doc.same_turn(turn_of, i) {
        match fillers::at(doc, i) {
            Some((end, _)) => i = end,
            None => break,
        }
    }
    i
}

/// "oh four one ...", "oh oh nine", "oh three slash two nine" at the start of a number.
fn leading_oh(doc: &Doc, i: usize) -> bool {
    let zero = |k: usize| doc.number(k) == lexicon::code::HOMOPHONE;
    let mut next = i.saturating_add(1);
    while next.saturating_sub(i) < 4 && doc.same_turn(i, next) && zero(next) {
        next = next.saturating_add(1);
    }
    let ends = |t: &crate::token::Turn| only_acks(doc, next, t.end) && only_acks(doc, t.first, i);
    if next.saturating_sub(i) > 1 && doc.turns.get(doc.turn_of(i)).is_some_and(ends) {
        return true;
    }
    let joined = doc.same_turn(i, next) && doc.gap(next) & (gap::STOP | gap::COMMA) == 0;
    // "o let me see one one one".
    let far = beyond(doc, next, i);
    if far > next && joined && doc.same_turn(i, far) {
        let digit = |k: usize| doc.same_turn(i, k) && (atom(doc, k).is_some() || zero(k));
        let end = atom(doc, far).map_or(far.saturating_add(1), |a| a.end);
        return digit(far) && digit(beyond(doc, end, i));
    }
    let Some(first) = atom(doc, next).filter(|_| joined) else { return false };
    let after = if matches!(doc.word(first.end), "slash" | "dash" | "hyphen") {
        first.end.saturating_add(1)
    } else {
        first.end
    };
    let alone = || {
        let turn = doc.turns.get(doc.turn_of(i));
        turn.is_some_and(|t| only_acks(doc, t.first, i) && only_acks(doc, first.end, t.end))
    };
    next.saturating_sub(i) > 1
        || (doc.same_turn(i, after) && (atom(doc, after).is_some() || zero(after)))
        || (doc.same_turn(i, beyond(doc, after, i))
            && (atom(doc, beyond(doc, after, i)).is_some() || zero(beyond(doc, after, i))))
        || (first.digits.len() > 1
            && !first.large
            && doc.turns.get(doc.turn_of(i)).is_some_and(|t| only_acks(doc, first.end, t.end)))
        || alone()
}

/// All numbers of the conversation, turn by turn, in order.
pub(crate) fn segments(doc: &Doc) -> Numbers {
    let mut out = Numbers::default();
    for (index, turn) in doc.turns.iter().enumerate().filter(|(_, t)| t.numbers) {
        let mut i = turn.first;
        while i < turn.end {
            let digits = doc.token(i).is_some_and(|t| t.kind != Kind::Word);
            if !digits && doc.flags(i) & flag::NUMBER == 0 {
                i = i.saturating_add(1);
                continue;
            }
            match run_at(doc, i, turn.end, index, &mut out.atoms) {
                Some(segment) => {
                    i = segment.end;
                    out.segments.push(segment);
                }
                None => i = i.saturating_add(1),
            }
        }
    }
    out
}

fn run_at(doc: &Doc, start: usize, limit: usize, turn: usize, atoms: &mut Vec<Atom>) -> Option<Segment> {
    let from = atoms.len();
    let (mut i, mut count, mut corrected) = (start, 0usize, false);
    while i < limit && count < MAX_DIGITS {
        let run = atoms.get(from..).unwrap_or(&[]);
        // "19:30, $1069.50, 1 stop": a sum of money begins anew.
        if !run.is_empty() && doc.gap(i) & gap::MONEY != 0 {
            break;
        }
        if let Some(a) = digits_at(doc, i, run) {
            i = a.end;
            count = count.saturating_add(a.digits.len());
            atoms.push(a);
            continue;
        }
        match (!run.is_empty()).then(|| after_fillers(doc, i, limit, run)).flatten() {
            Some((next, corrects)) => {
                i = next;
                corrected |= corrects;
            }
            None => break,
        }
    }
    let run = atoms.get(from..).unwrap_or(&[]);
    let (first, last) = (run.first()?.first, run.last()?.end);
    let written = run.iter().all(|a| doc.token(a.first).is_some_and(|t| t.kind == Kind::Digits));
    let large = run.iter().any(|a| a.large);
    let mut digits = Said::repeated('0', 0);
    run.iter().for_each(|a| digits.append(&a.digits));
    Some(Segment { turn, first, end: last, digits, steps: (from, atoms.len()), written, large, corrected })
}

/// The digits at `i` inside the run; "one second" says none.
fn digits_at(doc: &Doc, i: usize, run: &[Atom]) -> Option<Atom> {
    let pause = matches!(doc.word(i), "one" | "oh") && fillers::several(doc, i).is_some();
    if pause || no_digit(doc, i, run.is_empty()) || run.is_empty() && last_four(doc, i) {
        return None;
    }
    atom(doc, i).or_else(|| weak_atom(doc, i, run)).or_else(|| held(doc, i, run))
}

/// The token after at most [`MAX_FILLERS`] fillers, if a digit follows them, and whether they correct one before.
fn after_fillers(doc: &Doc, from: usize, limit: usize, run: &[Atom]) -> Option<(usize, bool)> {
    let (mut i, mut corrected) = (from, false);
    while i < limit && i.saturating_sub(from) < MAX_FILLERS {
        let (end, corrects) = fillers::at(doc, i)?;
        corrected |= corrects;
        i = end;
        // A filler between numbers that are counted ("two and three items") is judged later, by what follows the run.
        if i < limit && digits_at(doc, i, run).is_some() {
            return Some((i, corrected));
        }
    }
    None
}

/// Groups the segments of one number that its speaker said over several turns. Each group holds indices of `segments`.
pub(crate) fn chains(doc: &Doc, segments: &[Segment]) -> Chains {
    let mut next_of: Vec<Option<usize>> = vec![None; segments.len()];
    let mut has_previous = vec![false; segments.len()];
    for (k, segment) in segments.iter().enumerate() {
        let ends_turn = doc.turns.get(segment.turn).is_some_and(|t| only_acks(doc, segment.end, t.end));
        if !ends_turn {
            continue;
        }
        if let Some(n) = continuation(doc, segments, k)
            && let (Some(slot), Some(flag)) = (next_of.get_mut(k), has_previous.get_mut(n))
        {
            *slot = Some(n);
            *flag = true;
        }
    }
    let mut out = Chains::with_room(segments.len());
    for (start, _) in has_previous.iter().enumerate().filter(|(_, p)| !**p) {
        out.all.extend(std::iter::successors(Some(start), |k| next_of.get(*k).copied().flatten()));
        out.ends.push(out.all.len());
    }
    out
}

/// Whether a turn says nothing but this number.
pub(crate) fn alone(doc: &Doc, s: &Segment) -> bool {
    doc.turns.get(s.turn).is_some_and(|t| only_acks(doc, t.first, s.first) && only_acks(doc, s.end, t.end))
}

/// Whether the tokens say nothing but "yes", "okay", "uh".
pub(crate) fn only_acks(doc: &Doc, from: usize, to: usize) -> bool {
    let one = |i: usize| {
        fillers::at(doc, i)
            .map(|f| f.0)
            .or_else(|| (doc.flags(i) & flag::ACK != 0).then(|| i.saturating_add(1)))
    };
    let mut i = from;
    while i < to && to.saturating_sub(from) <= 5 {
        let Some(end) = one(i) else { return false };
        i = end;
    }
    i >= to
}

/// What comes after a segment that ends its turn.
enum After {
    /// Its speaker goes on with this segment.
    Goes(usize),
    /// Nothing yet, but its speaker may still go on.
    Open,
    /// The number is over.
    Over,
}

/// The segment with which the speaker of segment `k` goes on, across turns that carry nothing else.
fn continuation(doc: &Doc, segments: &[Segment], k: usize) -> Option<usize> {
    match after(doc, segments, k) {
        After::Goes(n) => Some(n),
        After::Open | After::Over => None,
    }
}

fn after(doc: &Doc, segments: &[Segment], k: usize) -> After {
    let Some(segment) = segments.get(k) else { return After::Over };
    let Some(role) = doc.turns.get(segment.turn).map(|t| t.role) else { return After::Over };
    let (mut skipped, mut looked) = (0usize, 0usize);
    let mut n = k.saturating_add(1);
    for (t, turn) in doc.turns.iter().enumerate().skip(segment.turn.saturating_add(1)).take(MOST_TURNS) {
        looked = looked.saturating_add(1);
        while segments.get(n).is_some_and(|s| s.turn < t) {
            n = n.saturating_add(1);
        }
        let here = segments.get(n).filter(|s| s.turn == t);
        // "okay so i see two charges" goes on with no number.
        let ends =
            |s: &Segment| s.digits.len() > 2 || only_acks(doc, s.end, s.end.saturating_add(1).min(turn.end));
        let opens = here.is_some_and(|s| only_acks(doc, turn.first, s.first) && ends(s));
        if turn.role == role {
            return if opens { After::Goes(n) } else { After::Over };
        }
        let ack = fillers::goes_on(doc, turn.first, turn.end);
        let read_back =
            opens && here.is_some_and(|s| only_acks(doc, s.end, turn.end) && says_back(segment, s));
        skipped = skipped.saturating_add(1);
        if !(ack || read_back) || skipped > 2 {
            return After::Over;
        }
    }
    if looked < MOST_TURNS { After::Open } else { After::Over }
}

/// Whether a number reads back another one's end; a corrected one only has to end alike.
fn says_back(segment: &Segment, read: &Segment) -> bool {
    let two = read.digits.get(read.digits.len().saturating_sub(2)..).unwrap_or("");
    segment.digits.ends_with(&*read.digits)
        || segment.corrected && two.len() == 2 && segment.digits.ends_with(two)
}

/// The first turn that holds a part of a number which may still go on.
pub(crate) fn first_open(doc: &Doc, segments: &[Segment], chains: &Chains) -> Option<usize> {
    let recent = doc.turns.len().saturating_sub(MOST_TURNS.saturating_add(1));
    let mut first: Option<usize> = None;
    for chain in chains.iter() {
        let Some((last, s)) = chain.last().and_then(|k| Some((*k, segments.get(*k)?))) else { continue };
        let ends = || doc.turns.get(s.turn).is_some_and(|t| only_acks(doc, s.end, t.end));
        if s.turn < recent || !ends() || !matches!(after(doc, segments, last), After::Open) {
            continue;
        }
        let begins = chain.first().and_then(|k| segments.get(*k)).map(|s| s.turn);
        first = first.into_iter().chain(begins).min();
    }
    first
}

//! Numbers of people: what was asked for or named near them types them; without that, their shape.
//! Card numbers are never refused for a wrong check digit: recognisers of speech drop and swap digits.

use crate::{
    context::{Candidate, Context},
    cues::Kind,
    lexicon,
    spoken::{self, Segment},
    token::{self, gap},
    validate::luhn_text,
};
use callvault_model::EntityType as E;
use std::collections::{HashMap, HashSet};

mod again;
mod bridge;
use again::{Value, echo, tail};

/// Name in findings.
pub(crate) const NAME: &str = "number";

/// Types every number of the conversation.
pub(crate) fn find(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    let mut answered: HashSet<usize> = HashSet::new();
    let mut typed_values: Vec<Value> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut said: HashMap<usize, E> = HashMap::new();
    let bridged = bridge::chains(ctx);
    for (value, chain) in (1u32..).zip(bridged.iter()) {
        // "four one one one" | "four dollars": an amount said next is not the end of the number before it.
        let amounts = chain
            .iter()
            .skip(1)
            .rev()
            .take_while(|k| ctx.segments.get(**k).is_some_and(|s| is_amount(ctx, s)));
        let (chain, amounts) = chain.split_at(chain.len().saturating_sub(amounts.count()));
        open.extend(amounts);
        match type_of(ctx, chain, &mut answered) {
            Some(typed) => {
                let all: String = pieces(ctx, chain).map(|s| &*s.digits).collect();
                let turn = chain.last().and_then(|k| ctx.segments.get(*k)).map_or(0, |s| s.turn);
                let wrong = pieces(ctx, chain).any(|s| s.corrected);
                typed_values.push(Value { digits: all, entity: typed.entity, turn, wrong });
                for k in chain {
                    said.insert(*k, typed.entity);
                }
                for segment in pieces(ctx, chain) {
                    emit(ctx, segment, &typed, value, out);
                }
                bridge::emit(ctx, chain, &typed, value, out);
            }
            None => open.extend(chain),
        }
    }
    // Only runs as long as a number that is still open are worth keeping.
    let length = |k: &usize| ctx.segments.get(*k).map_or(0, |s| s.digits.len());
    let wanted = open.iter().map(length).filter(|n| *n < 32).fold(0u32, |w, n| w | 1 << n);
    let mut known: HashMap<u128, E> = HashMap::new();
    for value in &typed_values {
        remember(&mut known, &value.digits, value.entity, wanted);
    }
    for k in open {
        let Some(segment) = ctx.segments.get(k) else { continue };
        let repeated = key(&segment.digits)
            .and_then(|k| known.get(&k).or_else(|| ctx.seed.and_then(|s| s.digits.get(&k))))
            .filter(|_| segment.digits.len() >= 7 || (!is_amount(ctx, segment) && !harmless(ctx, segment)));
        let found = repeated
            .map(|e| (*e, "repeats digits found elsewhere in the conversation"))
            .or_else(|| echo(ctx, k, &said).map(|e| (e, "says again what was just said")))
            .or_else(|| tail(ctx, segment, &typed_values).map(|e| (e, "says the end of a number again")));
        if let Some((entity, reason)) = found {
            emit(ctx, segment, &Typed { entity, score: 0.7, reason, extend: false }, 0, out);
        }
    }
}

struct Typed {
    entity: E,
    score: f32,
    reason: &'static str,
    /// Letters beside the digits belong to the value.
    extend: bool,
}

fn pieces<'c>(ctx: &'c Context<'_>, chain: &'c [usize]) -> impl Iterator<Item = &'c Segment> {
    chain.iter().filter_map(|k| ctx.segments.get(*k))
}

/// The most digits of a value that are known again.
const LONGEST_KNOWN: usize = 20;

/// Digits as one number that keeps leading zeros; none for more digits than are remembered.
fn key(digits: &str) -> Option<u128> {
    let fits = digits.len() <= LONGEST_KNOWN && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| {
        digits
            .bytes()
            .fold(1u128, |n, b| n.saturating_mul(10).saturating_add(u128::from(b.wrapping_sub(b'0'))))
    })
}

/// Keeps every run of three digits and more of a value whose length is in the set of bits `lengths`, so that a read-back in groups is known again.
pub(crate) fn remember(known: &mut HashMap<u128, E>, digits: &str, entity: E, lengths: u32) {
    let digits = digits.get(..digits.len().min(LONGEST_KNOWN)).unwrap_or(digits);
    for from in 0..digits.len() {
        for to in
            (from.saturating_add(3)..=digits.len()).filter(|to| lengths >> to.saturating_sub(from) & 1 != 0)
        {
            if let Some(key) = digits.get(from..to).and_then(key) {
                known.entry(key).or_insert(entity);
            }
        }
    }
}

fn emit(ctx: &Context<'_>, segment: &Segment, typed: &Typed, value: u32, out: &mut Vec<Candidate>) {
    let (mut first, mut end) = (segment.first, segment.end);
    if typed.extend {
        while first > 0
            && ctx.doc.same_turn(first, first.saturating_sub(1))
            && code_part(ctx, first.saturating_sub(1))
        {
            first = first.saturating_sub(1);
        }
        while ctx.doc.same_turn(first, end) && code_tail(ctx, end) {
            end = end.saturating_add(1);
        }
    }
    // "clm-4891982": short letters with a dash and no space.
    let before = first.saturating_sub(1);
    let glued = segment.digits.len() >= 5 && first == segment.first && ctx.doc.raw_gap(first) == "-";
    if glued
        && ctx.doc.same_turn(before, first)
        && ctx.doc.token(before).is_some_and(|t| t.kind == token::Kind::Word)
        && ctx.doc.word(before).len() <= 4
    {
        first = before;
    }
    if let Some(mut c) = ctx.over(first, end, typed.entity, typed.score, NAME, typed.reason) {
        c.value = value;
        out.push(c);
    }
}

/// Letters that stand before the digits of an identifier: single letters, letter-digit codes, short codes in capitals.
fn code_part(ctx: &Context<'_>, i: usize) -> bool {
    let Some(t) = ctx.doc.token(i) else { return false };
    let word = ctx.doc.word(i);
    match t.kind {
        token::Kind::Mixed => !date_like(word),
        token::Kind::Digits => false,
        token::Kind::Word => {
            (word.len() == 1 && word != "i" && word != "a")
                || (word.len() <= 4
                    && !lexicon::function_word(word)
                    && !lexicon::filler(word)
                    && !lexicon::acknowledgement(word)
                    && !lexicon::counted(word)
                    && !matches!(word, "goes" | "find" | "says" | "pen" | "one")
                    && !cue_word(ctx, i))
                || lexicon::nato(word).is_some()
        }
    }
}

fn code_tail(ctx: &Context<'_>, i: usize) -> bool {
    let word = ctx.doc.word(i);
    ctx.doc.gap(i) & (gap::STOP | gap::COMMA) == 0
        && (word.len() == 1 && !matches!(word, "a" | "i" | "p")
            || ctx.doc.token(i).is_some_and(|t| t.kind == token::Kind::Mixed && !date_like(word)))
}

fn cue_word(ctx: &Context<'_>, i: usize) -> bool {
    ctx.in_cue(i) || matches!(word_at(ctx, i), "no" | "num" | "ref" | "id" | "name")
}

fn word_at<'c>(ctx: &'c Context<'_>, i: usize) -> &'c str {
    ctx.doc.word(i)
}

/// "1st", "5pm", "10k".
pub(crate) fn date_like(word: &str) -> bool {
    let letters = word.trim_start_matches(|c: char| c.is_ascii_digit());
    letters.len() < word.len()
        && matches!(
            letters,
            "st" | "nd" | "rd" | "th" | "am" | "pm" | "k" | "gb" | "mb" | "x" | "hrs" | "min" | "mins"
        )
}

/// Whether the number is announced as a model, a price, opening hours.
pub(crate) fn harmless(ctx: &Context<'_>, s: &Segment) -> bool {
    ctx.cue_before(s.first, 5).is_some_and(|c| c.kind == Kind::Harmless) || fault(ctx, s)
}

/// "it keeps blinking error eight oh one".
fn fault(ctx: &Context<'_>, s: &Segment) -> bool {
    ctx.doc.near(s.first, -1) == "error"
}

/// A number this long is no quantity, whatever stands beside it.
const MAX_AMOUNT_DIGITS: usize = 13;

/// Whether the number is a quantity: money, a counted thing, a time, a decimal.
pub(crate) fn is_amount(ctx: &Context<'_>, s: &Segment) -> bool {
    // Nobody owes a call centre a trillion; a card number beside a currency sign is still a card number.
    if s.digits.len() >= MAX_AMOUNT_DIGITS {
        return false;
    }
    if ctx.doc.gap(s.first) & gap::MONEY != 0 || ctx.doc.near(s.first, -1) == "between" {
        return true;
    }
    if s.digits.len() > 7 {
        return false;
    }
    let after = ctx.doc.word(s.end);
    let same = ctx.doc.same_turn(s.first, s.end);
    let percent = same && ctx.doc.raw_gap_starts_with(s.end, '%');
    let oclock = matches!((after, ctx.doc.near(s.end, 1)), ("a" | "p", "m") | ("o", "clock"));
    let time_of_day = after == "in"
        && ctx.doc.near(s.end, 1) == "the"
        && matches!(ctx.doc.near(s.end, 2), "morning" | "afternoon" | "evening");
    if time_of_day && same && s.digits.len() <= 4 {
        return true;
    }
    // "at six thirty on tuesday".
    let at_time = ctx.doc.near(s.first, -1) == "at"
        && s.digits.len() <= 4
        && (after == "on" && lexicon::weekday(ctx.doc.near(s.end, 1))
            || matches!(after, "today" | "tomorrow" | "tonight")
            || lexicon::weekday(after));
    if at_time && same {
        return true;
    }
    // "1609 mg road", "two second avenue".
    let road = matches!(after, "mg" | "second" | "mile") && lexicon::street(ctx.doc.near(s.end, 1));
    let counted = lexicon::counted(after) && after.len() > 1 && !road;
    if percent || (same && (counted || oclock)) {
        return true;
    }
    // "2015 honda civic".
    let year = s.written && s.digits.len() == 4 && matches!(s.digits.get(..2), Some("19" | "20"));
    if year && same && lexicon::brand(after) {
        return true;
    }
    let dotted = ctx.segments.atoms(s).iter().skip(1).any(|a| ctx.doc.gap(a.first) == gap::STOP)
        && s.digits.len() <= 6;
    let thousands = s.written
        && ctx.segments.atoms(s).len() >= 2
        && ctx
            .segments
            .atoms(s)
            .iter()
            .skip(1)
            .all(|a| a.digits.len() == 3 && ctx.doc.gap(a.first) == gap::COMMA);
    dotted || thousands
}

fn type_of(ctx: &Context<'_>, chain: &[usize], answered: &mut HashSet<usize>) -> Option<Typed> {
    let first = ctx.segments.get(*chain.first()?)?;
    let last = ctx.segments.get(*chain.last()?)?;
    let n: usize = pieces(ctx, chain).map(|s| s.digits.len()).sum();
    if is_amount(ctx, last) || (chain.len() == 1 && is_amount(ctx, first)) {
        return None;
    }
    if n < 13 && fault(ctx, first) {
        return None;
    }
    let digits: String = pieces(ctx, chain).map(|s| &*s.digits).collect();
    let large = pieces(ctx, chain).any(|s| s.large);
    let cue = cue_in_turn(ctx, first, last);
    // "the account was opened in 2022".
    let year = first.written && n == 4 && matches!(digits.get(..2), Some("19" | "20"));
    let ends = matches!(ctx.doc.near(first.first, -2), "ends" | "ending" | "end" | "finishes");
    let secret = matches!(
        cue,
        Some(Kind::Card | Kind::Cvv | Kind::Pin | Kind::Otp | Kind::Ssn | Kind::Expiry | Kind::Dob)
    );
    if year && matches!(ctx.doc.near(first.first, -1), "in" | "since") && !ends && !secret {
        return None;
    }
    if let Some(kind) = cue {
        // "our office is closed, call 07700 900036".
        let far =
            n > 8 && ctx.cue_before(first.first, 10).is_some_and(|c| first.first.saturating_sub(c.end) > 3);
        if kind == Kind::Harmless && n < 13 && !far {
            return None;
        }
        let short_large = large && n < 7 && !said_as_hundreds(kind);
        if let Some(entity) = accepts(kind, n, corrected(ctx, chain)).filter(|_| !short_large) {
            if whole(ctx, kind, n, chain) {
                answered.insert(ctx.question(first.turn).map_or(first.turn, |q| q.0));
            }
            return Some(Typed {
                entity,
                score: 0.95,
                reason: "named beside the digits",
                extend: extends(kind),
            });
        }
    }
    if let Some(t) = by_question(ctx, chain, n, large, answered) {
        return Some(t);
    }
    by_shape(ctx, chain, &digits, large)
}

fn cue_in_turn(ctx: &Context<'_>, first: &Segment, last: &Segment) -> Option<Kind> {
    let before = ctx.cue_before(first.first, 10).filter(|c| !matches!(c.kind, Kind::Name | Kind::Spell));
    let opens =
        ctx.doc.turns.get(first.turn).is_some_and(|t| spoken::only_acks(ctx.doc, t.first, first.first));
    let after = ctx.cue_after(last.end, 4).filter(|c| {
        let link = (last.end..c.first).any(|i| {
            matches!(ctx.doc.word(i), "is" | "'s" | "was" | "for")
                || opens && matches!(ctx.doc.word(i), "thats" | "of" | "my" | "the")
        }) || opens && ctx.doc.word(c.first) == "on";
        // "2481 last four of my ssn".
        let from = if ctx.doc.word(last.end) == "last" { last.end.saturating_add(2) } else { last.end };
        link && !ctx.segments_between(from, c.first)
    });
    match (before, after) {
        (Some(b), Some(a)) if first.first.saturating_sub(b.end) > 5 => Some(a.kind),
        (Some(b), _) => Some(b.kind),
        (None, Some(a)) => Some(a.kind),
        (None, None) => None,
    }
}

fn by_question(
    ctx: &Context<'_>,
    chain: &[usize],
    n: usize,
    large: bool,
    answered: &mut HashSet<usize>,
) -> Option<Typed> {
    let first = ctx.segments.get(*chain.first()?)?;
    let (asked, cues) = ctx.question(first.turn)?;
    let kinds: Vec<Kind> = cues.iter().rev().map(|c| c.kind).collect();
    if kinds.first() == Some(&Kind::Harmless) && n < 13 {
        return None;
    }
    let again = answered.contains(&asked);
    if again && n < 6 {
        return None;
    }
    // "fifteen" for a code of two pairs that was cut, "eighty two" for 802.
    if n == 2
        && first.turn.saturating_sub(asked) <= SOON
        && ctx.doc.turns.get(asked).map(|t| t.role) != ctx.doc.turns.get(first.turn).map(|t| t.role)
        && pieces(ctx, chain)
            .all(|s| spoken::alone(ctx.doc, s) || kinds.first() == Some(&Kind::Card) && closes(ctx, s))
        && let Some((kind, entity)) = kinds.first().and_then(|k| Some((*k, secret(*k)?)))
    {
        return Some(Typed {
            entity,
            score: 0.7,
            reason: "part of what a question asks for",
            extend: extends(kind),
        });
    }
    // Pieces after a question for a secret are never too many.
    let pieces_of_secret = chain.len() > 1 && kinds.iter().any(|k| secret(*k).is_some());
    let slack = corrected(ctx, chain).max(if pieces_of_secret { MAX_PIECES } else { 0 });
    // "four hundred" is an amount unless codes are said so or nothing else is.
    let short_large = large && n < 7 && !spoken::alone(ctx.doc, first);
    let mut hits = kinds
        .iter()
        .filter(|k| **k != Kind::Harmless && (!short_large || said_as_hundreds(**k)))
        .filter_map(|k| accepts(*k, n, slack).map(|e| (*k, e)));
    let hit = hits.next()?;
    // "the zip code for the card" asks for the zip code.
    let (kind, entity) = if hit.0 == Kind::Card && n < 12 { hits.next().unwrap_or(hit) } else { hit };
    if whole(ctx, kind, n, chain) {
        answered.insert(asked);
    }
    Some(Typed { entity, score: 0.85, reason: "answers a question for it", extend: extends(kind) })
}

/// How many digits more than a value has its pieces may have together.
const MAX_PIECES: usize = 24;

/// How many turns after a question two digits are still taken for a part of the answer.
const SOON: usize = 7;

/// "finally nine three": whether a number ends a turn of a few words.
fn closes(ctx: &Context<'_>, s: &Segment) -> bool {
    let turn = ctx.doc.turns.get(s.turn);
    turn.is_some_and(|t| t.end == s.end && t.end.saturating_sub(t.first) <= 5)
}

/// What may not be left over in pieces of two digits.
fn secret(kind: Kind) -> Option<E> {
    Some(match kind {
        Kind::Card => E::CreditCard,
        Kind::Cvv => E::Cvv,
        Kind::Pin => E::Pin,
        Kind::Otp => E::Otp,
        Kind::Ssn => E::UsSsn,
        Kind::Routing => E::RoutingNumber,
        Kind::Account => E::AccountId,
        Kind::Member => E::MemberId,
        Kind::Medical => E::MedicalId,
        Kind::Phone => E::PhoneNumber,
        Kind::Reference => E::ReferenceId,
        _ => return None,
    })
}

fn extends(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Account
            | Kind::Member
            | Kind::Medical
            | Kind::Reference
            | Kind::License
            | Kind::Passport
            | Kind::Vehicle
            | Kind::NationalId
            | Kind::Device
    )
}

/// Whether a number of so many digits answers the question in full, so that the next one belongs to something else.
fn whole(ctx: &Context<'_>, kind: Kind, n: usize, chain: &[usize]) -> bool {
    // What was corrected or said twice is no part of the value.
    let n = n.saturating_sub(corrected(ctx, chain).min(SAID_TWICE));
    match kind {
        Kind::Card => n >= 13,
        // "two one two" | "five two six, no, five" | "six eight nine nine".
        Kind::Phone => n >= 10 || n >= 7 && chain.len() == 1,
        Kind::Ssn => n == 4 || n >= 9,
        Kind::Routing => n >= 9,
        _ => true,
    }
}

/// How many digits of a corrected number are taken for superfluous when it is asked whether the value is complete.
const SAID_TWICE: usize = 3;

/// Codes that people also say as "four hundred seven"; other numbers said so are amounts.
fn said_as_hundreds(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Card
            | Kind::Cvv
            | Kind::Pin
            | Kind::Otp
            | Kind::Ssn
            | Kind::Expiry
            | Kind::Phone
            | Kind::Zip
            | Kind::Dob
    )
}

/// How many digits more than its value a number may have, because its speaker corrected some.
const CORRECTED: usize = 6;

fn corrected(ctx: &Context<'_>, chain: &[usize]) -> usize {
    // A part that the other side did not catch is said twice, or the whole is.
    let (mut sofar, mut twice) = (String::new(), 0usize);
    for piece in pieces(ctx, chain) {
        let again = piece.digits.len() > 1 && sofar.contains(&*piece.digits);
        if again || !sofar.is_empty() && piece.digits.contains(&*sofar) {
            twice = twice.saturating_add(piece.digits.len());
        }
        sofar.push_str(&piece.digits);
    }
    let wrong = if pieces(ctx, chain).any(|s| s.corrected) { CORRECTED } else { 0 };
    twice.saturating_add(wrong)
}

/// The type that a cue gives a number of `n` digits, if such a number can be one; `slack` more may be said.
fn accepts(kind: Kind, n: usize, slack: usize) -> Option<E> {
    let (range, entity): (std::ops::RangeInclusive<usize>, E) = match kind {
        Kind::Card => (3..=24, E::CreditCard),
        Kind::Cvv => (3..=4, E::Cvv),
        Kind::Expiry => (3..=8, E::Expiry),
        Kind::Pin => (3..=10, E::Pin),
        Kind::Otp => (3..=10, E::Otp),
        Kind::Ssn => (3..=11, E::UsSsn),
        Kind::Phone => (3..=16, E::PhoneNumber),
        Kind::Dob => (4..=8, E::Dob),
        Kind::Zip => (3..=10, E::ZipCode),
        Kind::Account => (3..=24, E::AccountId),
        Kind::Member => (3..=24, E::MemberId),
        Kind::Medical => (3..=24, E::MedicalId),
        Kind::Routing => (3..=12, E::RoutingNumber),
        Kind::Iban => (4..=34, E::IbanCode),
        Kind::Reference => (3..=34, E::ReferenceId),
        Kind::Password => (3..=20, E::Password),
        Kind::SecurityAnswer => (4..=12, E::SecurityAnswer),
        Kind::License => (4..=20, E::DriverLicense),
        Kind::Passport => (5..=20, E::Passport),
        Kind::Vehicle => (3..=20, E::VehicleId),
        Kind::NationalId => (4..=20, E::NationalId),
        Kind::Device => (5..=20, E::DeviceId),
        Kind::Age => (1..=3, E::Age),
        Kind::Username => (3..=12, E::Username),
        Kind::Email | Kind::Name | Kind::Spell | Kind::Address | Kind::City | Kind::Harmless => return None,
    };
    (*range.start()..=range.end().saturating_add(slack)).contains(&n).then_some(entity)
}

/// Whether at least three numbers rise and the last of them follows "and" or "or".
fn counts_up(ctx: &Context<'_>, chain: &[usize]) -> bool {
    let atoms: Vec<_> = pieces(ctx, chain).flat_map(|s| ctx.segments.atoms(s)).collect();
    let value = |digits: &str| digits.parse::<u32>().unwrap_or(u32::MAX);
    let rises = atoms.iter().zip(atoms.iter().skip(1)).all(|(a, b)| value(&a.digits) < value(&b.digits));
    let last = atoms.last().and_then(|a| a.first.checked_sub(1)).map_or("", |i| ctx.doc.word(i));
    atoms.len() >= 3 && rises && matches!(last, "and" | "or")
}

/// The major industry identifiers that payment cards start with.
fn card_prefix(digits: &str) -> bool {
    let four: u32 = digits.get(..4).and_then(|d| d.parse().ok()).unwrap_or(0);
    matches!(four / 1000, 4)
        || (5000..=5999).contains(&four)
        || (2221..=2720).contains(&four)
        || matches!(four / 100, 34 | 37)
        || (6000..=6999).contains(&four)
        || (3000..=3999).contains(&four)
        || matches!(four / 100, 18 | 21)
}

fn by_shape(ctx: &Context<'_>, chain: &[usize], digits: &str, large: bool) -> Option<Typed> {
    let first = ctx.segments.get(*chain.first()?)?;
    let n = digits.len();
    let groups: Vec<usize> =
        pieces(ctx, chain).flat_map(|s| ctx.segments.atoms(s).iter().map(|a| a.digits.len())).collect();
    let written = pieces(ctx, chain).all(|s| s.written);
    let typed = |entity, score, reason| Some(Typed { entity, score, reason, extend: false });
    if (13..=19).contains(&n) && (luhn_text(digits) || card_prefix(digits)) {
        return typed(
            E::CreditCard,
            if luhn_text(digits) { 0.95 } else { 0.75 },
            "length and first digits of a payment card",
        );
    }
    if (large && n < 9) || ctx.doc.gap(first.first) & gap::MONEY != 0 {
        return None;
    }
    let dashed = ctx.segments.atoms(first).iter().skip(1).all(|a| ctx.doc.gap(a.first) & gap::DASH != 0);
    match (n, groups.as_slice()) {
        (9, [3, 2, 4]) => {
            return typed(E::UsSsn, if dashed { 0.95 } else { 0.7 }, "shape of a social security number");
        }
        (10, _) | (11 | 12, [1..=3, 3, ..] | [2, 5, 5] | [2, 10]) if !written || groups.len() <= 6 => {
            return typed(E::PhoneNumber, 0.75, "shape of a telephone number");
        }
        (7, [3, 4]) => return typed(E::PhoneNumber, 0.6, "shape of a telephone number"),
        _ => {}
    }
    let plus = written && ctx.doc.raw_gap_ends_with(first.first, '+');
    if plus && n >= 8 {
        return typed(E::PhoneNumber, 0.85, "international telephone number");
    }
    // "sizes eight ten twelve and fourteen".
    let counting = !written && counts_up(ctx, chain);
    if counting {
        return None;
    }
    let spoken_string = !written && groups.iter().filter(|g| **g <= 2).count() == groups.len();
    match n {
        20.. => typed(E::AccountId, 0.5, "long number"),
        7..=19 if spoken_string || written => typed(E::AccountId, 0.5, "long number without an announcement"),
        _ => None,
    }
}

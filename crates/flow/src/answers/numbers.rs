//! Numbers that belong to a value although its finding does not reach them.

use super::{
    CODE_DIGITS, MAX_WORDS, Token, is_number, leads_in, tokens,
    words::{COUNTING, TALK},
};
use callvault_detect::search;
use callvault_model::{EntityType, Finding, Role, Turn};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a recogniser writes for a digit at the beginning of a number.
const MISHEARD: &[&str] = &["a", "to", "too", "for", "oh", "o", "or", "ate", "won"];
/// Words between two numbers of one value ("3656 or seven-37").
const BETWEEN: usize = 1;
/// The same where the number is too short to be whole ("five five five, there are one for three").
const BETWEEN_PARTS: usize = 2;
/// After a payment value numbers said alone are still about the payment.
const PAYMENT_MS: u64 = 60_000;
/// Words of a turn that is nothing but a number and what people say around it.
const SHORT_TURN: usize = 7;
/// Digits of such a turn, after a payment value and anywhere.
const FEW_DIGITS: [usize; 2] = [3, 4];

/// Whether a word of a turn counts: "seven", "37", "seven-37", "Id3656".
pub(super) fn counts(turn: &Turn, token: &Token) -> bool {
    turn.text.get(token.start..token.end).is_some_and(|raw| {
        raw.split(|c: char| !c.is_alphanumeric()).any(|part| {
            part.chars().any(|c| c.is_ascii_digit())
                || COUNTING.contains(&part.to_lowercase().as_str()) && part != "o"
                || is_ordinal(&part.to_lowercase())
        })
    })
}

/// Days of a month that are no everyday words: "second" and "third" are.
fn is_ordinal(word: &str) -> bool {
    word.ends_with("eenth")
        || word.ends_with("tieth")
        || ["fifth", "sixth", "seventh", "eighth", "ninth"].contains(&word)
}

/// The numbers around a finding of digits: recognisers break a number where one digit of it was misheard.
pub(super) fn beside(turns: &[Turn], finding: &Finding) -> Vec<(usize, (usize, usize), EntityType)> {
    let Some(turn) = turns.get(finding.turn) else { return Vec::new() };
    let words = tokens(&turn.text);
    let inside = |t: &&Token| t.start < finding.end && finding.start < t.end;
    // A house number stands before its street.
    let of_digits = matches!(finding.entity, EntityType::Address | EntityType::Dob)
        || is_number(finding.entity)
            && !matches!(finding.entity, EntityType::Age | EntityType::DateTime)
            && words.iter().filter(inside).any(|t| counts(turn, t));
    let (first, last) = (words.iter().position(|t| inside(&t)), words.iter().rposition(|t| inside(&t)));
    let (Some(first), Some(last), true) = (first, last, of_digits) else { return Vec::new() };
    let mut out = Vec::new();
    let said: usize = turn
        .text
        .get(finding.start..finding.end)
        .map_or(0, |text| search::digit_runs(text).iter().map(|r| r.digits).sum());
    let between = if said < least_digits(finding.entity) { BETWEEN_PARTS } else { BETWEEN };
    let before: Vec<&Token> = words.iter().take(first).rev().collect();
    let mut from = reach(turn, &before, between);
    // "A. two, two, three" begins a turn with a misheard eight; elsewhere a full stop ends what was said before.
    let opens = from + 1 == before.len();
    if before.get(from).is_some_and(|t| (opens || !t.stop) && MISHEARD.contains(&t.word.as_str())) {
        from += 1;
    }
    if let Some(start) = from.checked_sub(1).and_then(|at| before.get(at)) {
        out.push((finding.turn, (start.start, finding.start), finding.entity));
    }
    let after: Vec<&Token> = words.iter().skip(last + 1).collect();
    if let Some(end) = reach(turn, &after, between).checked_sub(1).and_then(|at| after.get(at)) {
        out.push((finding.turn, (finding.end, end.end), finding.entity));
    }
    out
}

/// The one place of an answer where a whole security code is said, as numbers of words: at least three digits in a row, a
/// misheard one among them at most in the place of one, with a word before it that may have been the first digit and two
/// after it that may have been the last. `None` when it is not that clear. What is `known` to be another value is no code.
pub(super) fn whole_code(
    turn: &Turn,
    words: &[Token],
    known: impl Fn(&std::ops::Range<usize>) -> bool,
) -> Option<(usize, usize)> {
    let digits = |t: &Token| match turn.text.get(t.start..t.end).unwrap_or_default() {
        raw if raw.contains(|c: char| c.is_ascii_digit()) => raw.chars().filter(char::is_ascii_digit).count(),
        raw => raw.split('-').filter(|p| counts_word(p)).count().max(usize::from(counts(turn, t))),
    };
    let goes_on = |t: &Token| counts(turn, t) || MISHEARD.contains(&t.word.as_str());
    let mut found = None;
    let mut at = 0;
    while at < words.len() {
        let run = words.iter().skip(at).take_while(|t| goes_on(t)).count();
        let said = words.iter().skip(at).take(run);
        let sure: usize = said.clone().map(digits).sum();
        let misheard = said.filter(|t| !counts(turn, t)).count();
        let range = words.get(at).zip(words.get((at + run).saturating_sub(1))).map(|(a, b)| a.start..b.end);
        if sure > 0 && sure + misheard.min(1) >= CODE_DIGITS && !range.is_some_and(|r| known(&r)) {
            if found.is_some() {
                return None;
            }
            found = Some((at, at + run - 1));
        }
        at += run.max(1);
    }
    let (first, last) = found?;
    let before =
        first.checked_sub(1).filter(|b| words.get(*b).is_some_and(|t| !t.stop && !leads_in(t, true)));
    let rest = words.len() - last - 1;
    let talk = words.iter().skip(last + 1).any(|t| TALK.contains(&t.word.as_str()));
    let ends = words.get(last).is_some_and(|t| t.stop);
    let last = if !ends && !talk && rest <= AFTER { last + rest } else { last };
    Some((before.unwrap_or(first), last))
}

/// Digits of most card numbers (ISO/IEC 7812-1 allows 8 to 19, cards in use have 13 at least).
const CARD_DIGITS: usize = 16;
const SHORT_CARD: usize = 13;
/// Findings looked at for the parts of one number: it goes on over a few turns, and may be repeated in any number of them.
const PARTS: usize = 64;
/// Words that announce a number: no digit stands before them.
const ANNOUNCING: &[&str] = &["number", "reads", "is", "its", "card", "says"];

/// What stands before a card number of which too few digits were heard: "the card number reads: For the arrow, the arrow, the
/// arrow, the zero, zero, …". Back to the words that announce it, at most two words for each digit that is missing.
pub(super) fn lost_beginnings(turns: &[Turn], findings: &[Finding]) -> Vec<(usize, (usize, usize))> {
    let (mut by_turn, mut turns_of) =
        (BTreeMap::<usize, Vec<&Finding>>::new(), HashMap::<u32, Vec<usize>>::new());
    for card in findings.iter().filter(|f| f.entity == EntityType::CreditCard) {
        by_turn.entry(card.turn).or_default().push(card);
        turns_of.entry(card.value).or_default().push(card.turn);
    }
    // What a turn says of these numbers.
    let digits = |index: usize, values: &BTreeSet<u32>| -> usize {
        let (Some(turn), Some(cards)) = (turns.get(index), by_turn.get(&index)) else { return 0 };
        let inside = |t: &&Token| {
            cards.iter().any(|f| values.contains(&f.value) && t.start < f.end && f.start < t.end)
        };
        let said = tokens(&turn.text);
        let said: Vec<&str> =
            said.iter().filter(inside).filter_map(|t| turn.text.get(t.start..t.end)).collect();
        search::digit_runs(&said.join(" ")).iter().map(|r| r.digits).sum()
    };
    let mut out = Vec::new();
    for (index, here) in &by_turn {
        let (Some(turn), Some(begins)) = (turns.get(*index), here.iter().map(|f| f.start).min()) else {
            continue;
        };
        let values: BTreeSet<u32> = here.iter().map(|f| f.value).collect();
        let parts = values.iter().filter_map(|v| turns_of.get(v)).flatten().take(PARTS);
        let parts: BTreeSet<usize> = parts.copied().chain([*index]).collect();
        let heard: usize = parts.iter().map(|i| digits(*i, &values)).sum();
        if heard >= SHORT_CARD {
            continue;
        }
        let most = ((CARD_DIGITS - heard) * 2).min(MAX_WORDS);
        let words = tokens(&turn.text);
        let before = words.iter().filter(|t| t.start < begins).rev();
        let lost = before.take(most).take_while(|t| !ANNOUNCING.contains(&t.word.as_str())).last();
        out.extend(lost.map(|from| (*index, (from.start, begins))));
    }
    out
}

/// The day of a birth date, where it was misheard: "this is served of [September, nineteen sixty seven]".
pub(super) fn lost_day(turns: &[Turn], finding: &Finding) -> Option<(usize, (usize, usize), EntityType)> {
    let turn = turns.get(finding.turn).filter(|_| finding.entity == EntityType::Dob)?;
    let words = tokens(&turn.text);
    let mut before = words.iter().filter(|t| t.end <= finding.start).rev();
    before.next().filter(|t| t.word == "of")?;
    Some((finding.turn, (before.next()?.start, finding.start), finding.entity))
}

/// Words after a code that may have been its last digit.
const AFTER: usize = 2;

fn counts_word(word: &str) -> bool {
    let word: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    word != "o" && COUNTING.contains(&word.as_str())
}

/// Digits without which a number is only a part of one.
fn least_digits(entity: EntityType) -> usize {
    match entity {
        EntityType::CreditCard => 12,
        EntityType::RoutingNumber => 9,
        EntityType::PhoneNumber => 7,
        EntityType::UsSsn => 4,
        _ => 0,
    }
}

/// How many of these words go on with a number, over at most so many others; what a misheard digit is written as ("for",
/// "to") is none of them.
fn reach(turn: &Turn, words: &[&Token], between: usize) -> usize {
    let (mut end, mut other) = (0, 0);
    for (at, token) in words.iter().enumerate() {
        if counts(turn, token) {
            (end, other) = (at + 1, 0);
        } else if !MISHEARD.contains(&token.word.as_str()) {
            other += 1;
        }
        if other > between {
            break;
        }
    }
    end
}

/// Short turns of customers that say a number and little else, found by nobody: the question for it was misheard.
pub(super) fn alone(
    turns: &[Turn],
    roles: &[Role],
    findings: &[Finding],
) -> Vec<(usize, (usize, usize), EntityType)> {
    let paid = |turn: &Turn| {
        findings.iter().filter(|f| f.entity.is_payment()).filter_map(|f| turns.get(f.turn)).any(|t| {
            t.party == turn.party
                && t.start_ms <= turn.start_ms
                && turn.start_ms <= t.end_ms.saturating_add(PAYMENT_MS)
        })
    };
    let mut out = Vec::new();
    for (index, turn) in turns.iter().enumerate().filter(|(_, t)| roles.get(t.party) == Some(&Role::Customer))
    {
        let words = tokens(&turn.text);
        let digits: usize = search::digit_runs(&turn.text).iter().map(|r| r.digits).sum();
        if words.len() > SHORT_TURN || findings.iter().any(|f| f.turn == index) {
            continue;
        }
        let entity = match digits {
            d if d >= FEW_DIGITS[0] && paid(turn) => EntityType::Expiry,
            d if d >= FEW_DIGITS[1] => EntityType::AccountId,
            _ => continue,
        };
        let number = |t: &&Token| counts(turn, t);
        if let (Some(first), Some(last)) = (words.iter().position(|t| number(&t)), words.iter().rfind(number))
            && let Some(start) = words.get(first.saturating_sub(1))
        {
            out.push((index, (start.start, last.end), entity));
        }
    }
    out
}

/// The rest of a street whose last word was misheard: "One eight, Mito wrote,".
pub(super) fn end_of_street(
    turns: &[Turn],
    finding: &Finding,
) -> Option<(usize, (usize, usize), EntityType)> {
    let turn = turns.get(finding.turn).filter(|_| finding.entity == EntityType::Address)?;
    let goes_on = turn.text.get(finding.end..)?.strip_prefix(' ')?;
    let word = goes_on.split(' ').next()?;
    word.ends_with([',', '.', '?'])
        .then(|| (finding.turn, (finding.end + 1, finding.end + 1 + word.len()), finding.entity))
}

/// The longest sequence of words that both say in this order.
pub(super) fn in_common(a: &[String], b: &[&str], same: impl Fn(&str, &str) -> bool) -> usize {
    let mut row = vec![0usize; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (at, y) in b.iter().enumerate() {
            let above = row.get(at + 1).copied().unwrap_or(0);
            let left = row.get(at).copied().unwrap_or(0);
            if let Some(slot) = row.get_mut(at + 1) {
                *slot = if same(x, y) { diagonal + 1 } else { above.max(left) };
            }
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or(0)
}

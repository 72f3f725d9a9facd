//! Answers to sensitive questions, in speech. A recogniser that mishears a value leaves nothing a pattern can find,
//! but the question is still there: what answers it is covered, unless a finding already covers it.

use callvault_detect::{asked::asked, search};
use callvault_model::{EntityType, Finding, Role, Turn};

/// Name of these findings.
pub const RECOGNIZER: &str = "answer";
/// An answer comes within this time after the question's end.
const ANSWER_WITHIN_MS: u64 = 12_000;
/// Words of an answer that are covered at most; a value is rarely longer, talk often is.
const MAX_WORDS: usize = 14;
/// Words before a recognised payment value that are covered with it.
const BEFORE: usize = 2;
/// An answer this short says something else first ("one moment").
const FILLER_TURNS: usize = 2;

/// How people begin before they come to the value.
const LEAD_IN: &[&str] = &[
    "sure",
    "yes",
    "yeah",
    "yep",
    "ok",
    "okay",
    "um",
    "uh",
    "so",
    "well",
    "it",
    "its",
    "is",
    "that",
    "thats",
    "this",
    "would",
    "will",
    "be",
    "should",
    "i",
    "im",
    "am",
    "think",
    "the",
    "my",
    "a",
    "of",
    "on",
    "and",
    "number",
    "code",
    "card",
    "reads",
    "read",
    "says",
    "security",
    "email",
    "e",
    "mail",
    "address",
    "send",
    "to",
    "me",
    "at",
    "hold",
    "one",
    "moment",
    "second",
    "let",
    "see",
    "here",
    "we",
    "go",
    "account",
    "name",
    "under",
    "expires",
    "expiration",
    "date",
    "good",
    "through",
    "valid",
    "until",
    "born",
    "was",
    "zip",
    "routing",
    "phone",
    "cell",
    "live",
    "use",
    "same",
    "as",
    "before",
    "have",
    "take",
    "taking",
    "scheduled",
    "for",
    "doctor",
    "ordered",
    "need",
    "refill",
    "in",
    "hospital",
    "with",
    "diagnosed",
    "been",
    "had",
    "please",
    "thank",
    "you",
    "thanks",
    "got",
    "no",
    "problem",
    "correct",
    "right",
    "there",
    "visa",
    "mastercard",
    "social",
    "member",
    "id",
    "last",
    "four",
    "digits",
    "three",
];
/// Numbers among the lead-in words end it when a value of digits was asked for.
const NUMBERS: &[&str] = &["one", "three", "four", "to", "for"];
/// Own statements after which a health value follows.
const STATEMENTS: &[(&str, EntityType)] = &[
    ("refill of", EntityType::Medication),
    ("refill for", EntityType::Medication),
    ("prescribed", EntityType::Medication),
    ("i take", EntityType::Medication),
    ("i am taking", EntityType::Medication),
    ("diagnosed with", EntityType::Condition),
    ("suffer from", EntityType::Condition),
    ("hospital with", EntityType::Condition),
    ("hospital for", EntityType::Condition),
    ("treated for", EntityType::Condition),
    ("allergic to", EntityType::Condition),
    ("scheduled for", EntityType::Procedure),
    ("live at", EntityType::Address),
    ("ship it to", EntityType::Address),
    ("send it to", EntityType::EmailAddress),
];
/// Words that no name, place or organisation is made of, however a recogniser writes them.
const ORDINARY: &[&str] = &[
    "how",
    "what",
    "when",
    "where",
    "who",
    "why",
    "which",
    "hmm",
    "mm",
    "mhm",
    "uh",
    "huh",
    "d",
    "expiry",
    "all",
    "set",
    "perfect",
    "great",
    "goodbye",
    "bye",
    "hello",
    "hi",
    "support",
    "desk",
    "are",
    "do",
    "does",
    "can",
    "could",
    "may",
    "your",
    "receipt",
    "anything",
    "else",
    "not",
    "yet",
    "very",
    "much",
    "morning",
    "afternoon",
    "evening",
    "like",
];

/// Whether a guess of the tagger is only talk: speech recognisers write every sentence with a capital.
pub fn is_talk(text: &str) -> bool {
    let words = tokens(text);
    !words.is_empty()
        && words.iter().all(|t| LEAD_IN.contains(&t.word.as_str()) || ORDINARY.contains(&t.word.as_str()))
}

/// Words after a statement that are covered at most.
const STATEMENT_WORDS: usize = 5;

/// A word of a turn with its bytes.
struct Token {
    start: usize,
    end: usize,
    word: String,
    /// A sentence ends after it.
    stop: bool,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut at = 0;
    for raw in text.split(' ') {
        let word: String = raw.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        out.push(Token { start: at, end: at + raw.len(), word, stop: raw.ends_with(['.', '?', '!']) });
        at += raw.len() + 1;
    }
    out.retain(|t| t.end > t.start);
    out
}

/// Adds findings for answers nobody recognised, and widens those that cover an answer in part.
pub fn cover_answers(turns: &[Turn], roles: &[Role], mut findings: Vec<Finding>) -> Vec<Finding> {
    let mut next = findings.iter().map(|f| f.value).max().unwrap_or(0);
    let mut add = |findings: &mut Vec<Finding>, turn, range: (usize, usize), entity, reason: &str| {
        next += 1;
        findings.push(Finding {
            turn,
            start: range.0,
            end: range.1,
            entity,
            score: 0.5,
            recognizer: RECOGNIZER.into(),
            reason: reason.into(),
            value: next,
        });
    };
    for (index, turn) in turns.iter().enumerate() {
        // A customer who says what the number is does not ask for it, and a turn that holds the value neither.
        let asks = roles.get(turn.party) != Some(&Role::Customer);
        let wanted = strongest(&asked(&turn.text)).filter(|w| asks && !holds(index, *w, &findings));
        if let Some(wanted) = wanted
            && let Some(answer) = answer_to(turns, index)
            && let Some(range) = turns.get(answer).and_then(|t| unanswered(t, answer, &findings, wanted))
        {
            add(&mut findings, answer, range, wanted, "answers a question for it, and was not recognised");
        }
        let own = roles.get(turn.party) != Some(&Role::Agent);
        for (range, entity) in statements(turn, index, &findings).into_iter().filter(|_| own) {
            add(&mut findings, index, range, entity, "follows words that announce it");
        }
        if let Some(range) = spoken_address(turn, index, &findings) {
            add(&mut findings, index, range, EntityType::EmailAddress, "stands before a spoken domain");
        }
    }
    for (index, turn) in turns.iter().enumerate() {
        for range in long_runs(turn, index, &findings) {
            add(&mut findings, index, range, EntityType::AccountId, "a long number that nobody explained");
        }
    }
    let counted: Vec<_> =
        findings.iter().filter(|f| f.entity.is_payment()).filter_map(|f| rest_of(turns, f)).collect();
    for (turn, range, entity) in counted {
        add(&mut findings, turn, range, entity, "goes on counting after a payment value");
    }
    let echoes: Vec<_> = findings.iter().flat_map(|f| echo_of(turns, f, &findings)).collect();
    for (turn, range, entity) in echoes {
        add(
            &mut findings,
            turn,
            range,
            entity,
            "repeats, as far as it was recognised, what the other party said",
        );
    }
    findings.sort_by_key(|f| (f.turn, f.start));
    findings
}

/// Digits from which on a spoken number is somebody's: prices, times and order numbers are shorter.
const LONG_RUN: usize = 9;

/// Long runs of digits that no finding touches.
fn long_runs(turn: &Turn, index: usize, findings: &[Finding]) -> Vec<(usize, usize)> {
    let known = |r: &std::ops::Range<usize>| {
        findings.iter().any(|f| f.turn == index && f.start < r.end && r.start < f.end)
    };
    let runs =
        search::digit_runs(&turn.text).into_iter().filter(|r| r.digits >= LONG_RUN && !known(&r.range));
    runs.map(|r| (r.range.start, r.range.end)).collect()
}

/// Words with which people count; a payment value does not end between two of them.
const COUNTING: &[&str] = &[
    "zero",
    "oh",
    "o",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
    "double",
    "triple",
];

/// The number words right after a payment value.
fn rest_of(turns: &[Turn], finding: &Finding) -> Option<(usize, (usize, usize), EntityType)> {
    let words = tokens(&turns.get(finding.turn)?.text);
    let counts =
        |t: &&Token| COUNTING.contains(&t.word.as_str()) || t.word.chars().all(|c| c.is_ascii_digit());
    let rest: Vec<&Token> = words
        .iter()
        .skip_while(|t| t.start < finding.end)
        .take_while(|t| !t.word.is_empty() && counts(t))
        .collect();
    Some((finding.turn, (rest.first()?.start, rest.last()?.end), finding.entity))
}

/// Read-backs come within this many turns of the other party.
const ECHO_TURNS: usize = 2;

/// Where the other party reads a value back and the recogniser got only a part of it right.
fn echo_of(
    turns: &[Turn],
    finding: &Finding,
    findings: &[Finding],
) -> Option<(usize, (usize, usize), EntityType)> {
    let said = turns.get(finding.turn)?;
    let value: Vec<String> = tokens(said.text.get(finding.start..finding.end)?)
        .into_iter()
        .map(|t| t.word)
        .filter(|w| w.len() >= 3 && !LEAD_IN.contains(&w.as_str()))
        .collect();
    if value.len() < 2 {
        return None;
    }
    let later = turns.iter().enumerate().skip(finding.turn + 1).filter(|(_, t)| t.party != said.party);
    later.take(ECHO_TURNS).find_map(|(index, turn)| {
        let words = tokens(&turn.text);
        let hits: Vec<usize> = (0..words.len())
            .filter(|i| words.get(*i).is_some_and(|t| value.iter().any(|v| alike(v, &t.word))))
            .collect();
        let (first, last) = (*hits.first()?, *hits.last()?);
        if hits.len() * 2 < value.len() || last - first > value.len() + 3 {
            return None;
        }
        // The words beside the recognised part are the rest of the value, unless they only lead in.
        let missing = value.len() - hits.len().min(value.len());
        let open = |i: &usize| words.get(*i).is_some_and(|t| !leads_in(t, false));
        let from = (first.saturating_sub(missing)..first).find(open).unwrap_or(first);
        let to = (last + 1..=last + missing).rev().find(open).unwrap_or(last).min(words.len() - 1);
        let range = (words.get(from)?.start, words.get(to)?.end);
        let known = findings.iter().any(|f| f.turn == index && f.start <= range.0 && f.end >= range.1);
        (!known).then_some((index, range, finding.entity))
    })
}

/// The same word, or the same word misheard: one letter off, or the same beginning.
fn alike(a: &str, b: &str) -> bool {
    a == b || (a.len() >= 5 && b.len() >= 5 && a.chars().take(4).eq(b.chars().take(4)))
}

fn holds(turn: usize, wanted: EntityType, findings: &[Finding]) -> bool {
    findings.iter().any(|f| f.turn == turn && f.entity == wanted)
}

/// One question may hold several cues; the most dangerous one decides how strict the answer is read.
fn strongest(asked: &[EntityType]) -> Option<EntityType> {
    asked.iter().copied().max_by_key(|e| match e {
        e if e.is_sensitive_authentication_data() => 4,
        EntityType::CreditCard | EntityType::Expiry => 3,
        EntityType::UsSsn => 2,
        _ => 1,
    })
}

/// The turn that answers `question`: the next one of another party, past a few fillers.
fn answer_to(turns: &[Turn], question: usize) -> Option<usize> {
    let asker = turns.get(question)?;
    let later = turns.iter().enumerate().skip(question + 1);
    later
        .filter(|(_, t)| t.party != asker.party)
        .take_while(|(_, t)| t.start_ms <= asker.end_ms + ANSWER_WITHIN_MS)
        .take(FILLER_TURNS)
        .find(|(_, t)| !is_filler(&t.text))
        .map(|(i, _)| i)
}

fn is_filler(text: &str) -> bool {
    let words = tokens(text);
    let leads = words.iter().all(|t| LEAD_IN.contains(&t.word.as_str()));
    let asks_for_time =
        words.iter().any(|t| ["moment", "second", "sec", "minute"].contains(&t.word.as_str()));
    words.len() <= 4 && leads && (asks_for_time || !words.iter().any(|t| NUMBERS.contains(&t.word.as_str())))
}

/// The bytes of an answer that no finding covers and that can be the value.
fn unanswered(turn: &Turn, index: usize, findings: &[Finding], wanted: EntityType) -> Option<(usize, usize)> {
    let words = tokens(&turn.text);
    let of_turn: Vec<&Finding> = findings.iter().filter(|f| f.turn == index).collect();
    let covered = |t: &Token| of_turn.iter().any(|f| f.start < t.end && t.start < f.end);
    let digits = is_number(wanted);
    // "A. three, five" was "eight three five": where it must never be kept, nothing of the answer is taken for talk.
    let strict = wanted.is_sensitive_authentication_data();
    let first = words.iter().position(|t| covered(t) || strict || !leads_in(t, digits))?;
    let answered = words.iter().skip(first).position(covered);
    let first = match answered {
        // Some recogniser knows it, by whatever name; of a payment value a misheard beginning may be missing.
        Some(gap) if !strict && (gap == 0 || !wanted.is_payment()) => {
            return digits.then(|| tail(&words, &covered)).flatten();
        }
        Some(gap) if !strict => first + gap.saturating_sub(BEFORE),
        _ => first,
    };
    // Where a finding follows, only what stands before it is missing; else the answer runs to its sentence's end.
    let after = words.iter().skip(first);
    let open: Vec<&Token> = after.take_while(|t| strict || !covered(t)).take(MAX_WORDS).collect();
    let until =
        open.iter().position(|t| t.stop && !short_sentence(&open, t)).unwrap_or(open.len().saturating_sub(1));
    let (from, to) = (open.first()?, open.get(until)?);
    Some((from.start, to.end))
}

/// What follows the recognised part of an answer in digits: "seven-day-[…], they are all on to do" ends in digits that
/// were misheard. Longer talk is left alone.
fn tail(words: &[Token], covered: &dyn Fn(&Token) -> bool) -> Option<(usize, usize)> {
    let last = words.iter().rposition(covered)?;
    let rest: Vec<&Token> = words.iter().skip(last + 1).collect();
    let until = rest.iter().position(|t| t.stop).unwrap_or(rest.len().saturating_sub(1));
    let talk = rest.iter().take(2).any(|t| TALK.contains(&t.word.as_str()));
    let ends = words.get(last).is_some_and(|t| t.stop);
    if ends || talk || until >= TAIL {
        return None;
    }
    Some((rest.first()?.start, rest.get(until)?.end))
}

/// The longest tail of an answer that is taken for misheard digits.
const TAIL: usize = 7;
/// Words with which people go on after a number.
const TALK: &[&str] = &[
    "please", "and", "thank", "thanks", "is", "i", "but", "if", "that", "the", "my", "can", "it", "so",
    "okay", "you", "or",
];

/// A full stop after one or two words is the recogniser's idea of a pause between digits.
fn short_sentence(open: &[&Token], stop: &Token) -> bool {
    open.first().is_some_and(|f| f.start == stop.start) && open.len() > 1
}

fn leads_in(token: &Token, digits: bool) -> bool {
    LEAD_IN.contains(&token.word.as_str()) && !(digits && NUMBERS.contains(&token.word.as_str()))
}

fn is_number(entity: EntityType) -> bool {
    !matches!(
        entity,
        EntityType::Person
            | EntityType::EmailAddress
            | EntityType::Address
            | EntityType::Location
            | EntityType::Medication
            | EntityType::Condition
            | EntityType::Procedure
            | EntityType::SecurityAnswer
            | EntityType::Username
            | EntityType::Password
    )
}

/// "I need a refill of …", "diagnosed with …": what follows, if no finding touches it.
fn statements(turn: &Turn, index: usize, findings: &[Finding]) -> Vec<((usize, usize), EntityType)> {
    let words = tokens(&turn.text);
    let covered = |t: &Token| findings.iter().any(|f| f.turn == index && f.start < t.end && t.start < f.end);
    let mut out = Vec::new();
    for (phrase, entity) in STATEMENTS {
        let parts: Vec<&str> = phrase.split(' ').collect();
        for at in 0..words.len() {
            let here = words
                .get(at..at + parts.len())
                .is_some_and(|w| w.iter().zip(&parts).all(|(t, p)| t.word == *p));
            if !here {
                continue;
            }
            let after = words.iter().skip(at + parts.len()).take(STATEMENT_WORDS);
            // Up to what a recogniser knows: "ship it to sixty-five, [Garden Road]" lost its house number.
            let value: Vec<&Token> = after
                .skip_while(|t| ["a", "an", "the", "my", "some"].contains(&t.word.as_str()))
                .take_while(|t| !covered(t))
                .collect();
            let until = value.iter().position(|t| t.stop).unwrap_or(value.len().saturating_sub(1));
            if let (Some(from), Some(to)) = (value.first(), value.get(until)) {
                out.push(((from.start, to.end), *entity));
            }
        }
    }
    out
}

/// "… dot net" that no address recogniser completed: everything before it up to the lead-in.
fn spoken_address(turn: &Turn, index: usize, findings: &[Finding]) -> Option<(usize, usize)> {
    let words = tokens(&turn.text);
    let top = |w: &str| ["com", "net", "org", "edu", "gov"].contains(&w);
    let end = (0..words.len()).rev().find(|i| {
        let word = words.get(*i).map_or("", |t| t.word.as_str());
        let before = i.checked_sub(1).and_then(|b| words.get(b)).map_or("", |t| t.word.as_str());
        let written = words.get(*i).and_then(|t| turn.text.get(t.start..t.end)).unwrap_or_default();
        let written = written.trim_end_matches(|c: char| !c.is_alphanumeric());
        let dotted =
            written.rsplit_once('.').is_some_and(|(name, end)| name.len() > 2 && top(&end.to_lowercase()));
        (top(word) && before == "dot") || word.strip_prefix("dot").is_some_and(top) || dotted
    })?;
    let begin = end.saturating_sub(MAX_WORDS);
    let sentence = (begin..end)
        .rev()
        .find(|i| words.get(*i).is_some_and(|t| t.stop && t.word.len() > 3))
        .map_or(begin, |i| i + 1);
    let first = (sentence..end).find(|i| words.get(*i).is_some_and(|t| !leads_in(t, false)))?;
    let (from, to) = (words.get(first)?.start, words.get(end)?.end);
    let whole = findings
        .iter()
        .any(|f| f.turn == index && f.entity == EntityType::EmailAddress && f.start <= from && f.end >= to);
    (!whole).then_some((from, to))
}

#[cfg(test)]
mod tests;

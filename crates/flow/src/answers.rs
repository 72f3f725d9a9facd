//! Answers to sensitive questions, in speech. A recogniser that mishears a value leaves nothing a pattern can find,
//! but the question is still there: what answers it is covered, unless a finding already covers it.

mod numbers;
mod words;

use callvault_detect::{asked::asked, search};
use callvault_model::{EntityType, Finding, Role, Turn};
use words::{COUNTING, LEAD_IN, NUMBERS, ORDINARY, STATEMENTS, TALK};

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

/// Whether a guess of the tagger is only talk: speech recognisers write every sentence with a capital.
pub fn is_talk(text: &str) -> bool {
    let words = tokens(text);
    let together: String = words.iter().map(|t| t.word.as_str()).collect();
    if sounds_like_thanks(&together) {
        return true;
    }
    !words.is_empty()
        && words.iter().all(|t| LEAD_IN.contains(&t.word.as_str()) || ORDINARY.contains(&t.word.as_str()))
}

/// "Sam Pugh", "San Kyu", "Sancue": the commonest words of any call, as recognisers write them when said fast.
fn sounds_like_thanks(letters: &str) -> bool {
    const BEGIN: [&str; 7] = ["thank", "sank", "tank", "than", "sanc", "sam", "san"];
    const END: [&str; 10] = ["q", "kyu", "kew", "pugh", "cue", "que", "you", "ue", "yu", "u"];
    BEGIN.iter().filter_map(|b| letters.strip_prefix(b)).any(|rest| END.contains(&rest))
}

/// "M-hmm", "uh huh", written letter by letter.
pub fn is_humming(text: &str) -> bool {
    let letters: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    ["mm", "mmm", "hm", "hmm", "mhm", "mhmm", "mmhm", "mmhmm", "uhhuh", "uhuh"].contains(&letters.as_str())
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
    for (turn, range, entity) in numbers::alone(turns, roles, &findings) {
        add(&mut findings, turn, range, entity, "a number and little else, which nobody explained");
    }
    let beside = |f: &Finding| {
        let rest = numbers::end_of_street(turns, f).into_iter().chain(numbers::lost_day(turns, f));
        numbers::beside(turns, f).into_iter().chain(rest)
    };
    let counted: Vec<_> = findings.iter().flat_map(beside).collect();
    for (turn, range, entity) in counted {
        add(&mut findings, turn, range, entity, "goes on beside a value that was recognised in part");
    }
    for (turn, range) in numbers::lost_beginnings(turns, &findings) {
        let why = "stands before a card number of which too few digits were heard";
        add(&mut findings, turn, range, EntityType::CreditCard, why);
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

/// Read-backs come within this many turns of the other party.
const ECHO_TURNS: usize = 2;

/// Where the other party reads a value back and the recogniser got only a part of it right.
fn echo_of(
    turns: &[Turn],
    finding: &Finding,
    findings: &[Finding],
) -> Option<(usize, (usize, usize), EntityType)> {
    let said = turns.get(finding.turn)?;
    let counts = |w: &str| is_number(finding.entity) && COUNTING.contains(&w);
    let value: Vec<String> = tokens(said.text.get(finding.start..finding.end)?)
        .into_iter()
        .map(|t| t.word)
        .filter(|w| counts(w) || w.len() >= 3 && !LEAD_IN.contains(&w.as_str()))
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
        let said: Vec<&str> = words.iter().map(|t| t.word.as_str()).collect();
        let in_order = numbers::in_common(&value, &said, alike);
        // Any two numbers share some digits.
        let enough = if is_number(finding.entity) { value.len() * 2 } else { value.len() * 3 / 2 };
        if in_order * 3 < enough || last - first > value.len() + 3 {
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

/// The same word, or the same word misheard: the same beginning, or run together with another ("did thunderwood").
fn alike(a: &str, b: &str) -> bool {
    let long = a.len() >= 5 && b.len() >= 5;
    a == b || long && (a.chars().take(4).eq(b.chars().take(4)) || b.contains(a))
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
    let digits = is_number(wanted);
    // A name is no answer to a question for a number.
    let answers = |f: &&Finding| !digits || is_number(f.entity);
    let covered =
        |t: &Token| of_turn.iter().filter(|f| answers(f)).any(|f| f.start < t.end && t.start < f.end);
    // "A. three, five" was "eight three five": where it must never be kept, nothing of the answer is taken for talk,
    // unless the whole code can be read in it.
    // "It is fated to the Roo. The expiration date is eleven thirty two": the date is not the code that was asked for.
    let known = |r: &std::ops::Range<usize>| {
        let other = |f: &&&Finding| f.entity.is_payment() && f.entity != wanted && f.score >= SURE;
        of_turn.iter().filter(other).any(|f| f.start < r.end && r.start < f.end)
    };
    let runs = search::digit_runs(&turn.text);
    let said = runs.iter().filter(|r| !known(&r.range)).map(|r| r.digits).max().unwrap_or(0);
    let secret = wanted.is_sensitive_authentication_data();
    if let Some((from, to)) = numbers::whole_code(turn, &words, known).filter(|_| secret) {
        return Some((words.get(from)?.start, words.get(to)?.end));
    }
    let strict = secret && said < CODE_DIGITS;
    let first = words.iter().position(|t| covered(t) || strict || !leads_in(t, digits))?;
    let answered = words.iter().skip(first).position(covered);
    let first = match answered {
        // Some recogniser knows it, by whatever name; of a payment value a misheard beginning may be missing.
        Some(gap) if !secret && (gap == 0 || !digits) => {
            return tail(&words, &covered, if digits { TAIL } else { NAME_TAIL });
        }
        Some(gap) if !secret => {
            let value = first + gap;
            let near = (value.saturating_sub(BEFORE)..value).rev();
            value - near.take_while(|i| words.get(*i).is_some_and(|t| !leads_in(t, digits))).count()
        }
        _ => first,
    };
    // Where a finding follows, only what stands before it is missing; else the answer runs to its sentence's end.
    let after = words.iter().skip(first);
    let open: Vec<&Token> = after.take_while(|t| secret || !covered(t)).take(MAX_WORDS).collect();
    let end = |t: &&Token| t.stop && !short_sentence(&open, t) && (!secret || goes_as_code(turn, &open, t));
    let until = open.iter().position(end).unwrap_or(open.len().saturating_sub(1));
    let (from, to) = (open.first()?, open.get(until)?);
    Some((from.start, to.end))
}

/// From this score on a finding is what its type says.
const SURE: f32 = 0.8;
/// A security code has at least so many digits.
const CODE_DIGITS: usize = 3;

/// Whether an answer that ends here has something of a code in it: "Hold on, it is faded." has not.
fn goes_as_code(turn: &Turn, open: &[&Token], stop: &Token) -> bool {
    open.iter().take_while(|t| t.start <= stop.start).any(|t| numbers::counts(turn, t))
}

/// What follows the recognised part of an answer in digits: "seven-day-[…], they are all on to do" ends in digits that
/// were misheard, "Brenda [Hall] away." in a name. Longer talk is left alone.
fn tail(words: &[Token], covered: &dyn Fn(&Token) -> bool, longest: usize) -> Option<(usize, usize)> {
    let last = words.iter().rposition(covered)?;
    let rest: Vec<&Token> = words.iter().skip(last + 1).collect();
    let until = rest.iter().position(|t| t.stop).unwrap_or(rest.len().saturating_sub(1));
    let talk = rest.iter().take(2).any(|t| TALK.contains(&t.word.as_str()));
    let ends = words.get(last).is_some_and(|t| t.stop);
    if ends || talk || until >= longest {
        return None;
    }
    Some((rest.first()?.start, rest.get(until)?.end))
}

/// The longest tail of an answer that is taken for misheard digits.
const TAIL: usize = 7;
/// The same of an answer in words.
const NAME_TAIL: usize = 3;

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
    let mut out = Vec::new();
    for (phrase, entity) in STATEMENTS {
        // "It expires [Ozix] thirty-three": a name is not the number that was announced.
        let of_kind = |f: &&Finding| f.turn == index && (!is_number(*entity) || is_number(f.entity));
        let covered = |t: &Token| findings.iter().filter(of_kind).any(|f| f.start < t.end && t.start < f.end);
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

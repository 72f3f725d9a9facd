//! Questions, announcements and the ways in which values are said and typed.

use super::{Choices, Value, card};
use callvault_model::EntityType as E;

const UNITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const TENS: [&str; 10] =
    ["", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const TEENS: [&str; 10] = [
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
];
const GIVEN: &[&str] =
    &["Marisol", "Devon", "Anneke", "Tobias", "Priya", "Rafael", "Ingrid", "Kwame", "Yusuf", "Beatrix"];
const FAMILY: &[&str] =
    &["Halloran", "Okafor", "Lindqvist", "Baptiste", "Nakamura", "Petrov", "Ashworth", "Delgado", "Fenwick"];
const STREETS: &[&str] =
    &["Juniper Lane", "Old Mill Road", "Harbor View Drive", "Kessler Avenue", "Fifth Street", "Quarry Court"];
const MONTHS: &[&str] = &["january", "march", "may", "june", "august", "october", "december"];
const DAYS: &[&str] = &["first", "third", "ninth", "twelfth", "fifteenth", "twenty first", "twenty eighth"];

/// What is asked for: the type, the agent's question, the customer's own announcement.
const KINDS: &[(E, &[&str], &str)] = &[
    (
        E::CreditCard,
        &["what is the card number", "can i have the long number on the front of the card"],
        "my card number is ",
    ),
    (
        E::CreditCard,
        &["go ahead with the card you want to use", "and the card number please"],
        "charge it to ",
    ),
    (E::Cvv, &["and the security code on the back", "what are the three digits on the back"], "the cvv is "),
    (E::UsSsn, &["can you verify your social security number", "your social please"], "my social is "),
    (
        E::PhoneNumber,
        &["what is the best number to reach you", "a call back number please"],
        "you can call me at ",
    ),
    (
        E::AccountId,
        &["what is your account number", "do you have the account number"],
        "my account number is ",
    ),
    (E::Pin, &["what is your phone pin", "and your four digit pin"], "my pin is "),
    (E::EmailAddress, &["what email should i send it to", "and your email address"], "my email is "),
    (E::Dob, &["what is your date of birth", "when were you born"], "i was born on "),
    (E::Person, &["may i have your full name", "who am i speaking with"], "my name is "),
    (E::Address, &["what is your billing address", "where should we send it"], "i live at "),
];

fn words(digits: &str) -> String {
    let word = |c: char| c.to_digit(10).and_then(|d| UNITS.get(d as usize)).copied().unwrap_or("");
    digits.chars().map(word).collect::<Vec<_>>().join(" ")
}

fn pair(digits: &str) -> String {
    let mut d = digits.chars().filter_map(|c| c.to_digit(10)).map(|d| d as usize);
    let (Some(a), Some(b)) = (d.next(), d.next()) else { return words(digits) };
    let get = |list: &[&'static str; 10], k: usize| list.get(k).copied().unwrap_or("");
    match (a, b) {
        (0, _) => format!("oh {}", get(&UNITS, b)),
        (1, _) => get(&TEENS, b).to_owned(),
        (_, 0) => get(&TENS, a).to_owned(),
        _ => format!("{} {}", get(&TENS, a), get(&UNITS, b)),
    }
}

fn cut(digits: &str, size: usize) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = digits;
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(size.min(rest.len()));
        out.push(head);
        rest = tail;
    }
    out
}

/// The pieces in which digits are said, each a turn of its own, and the name of the form.
fn said(digits: &str, size: usize, choices: &mut Choices) -> (Vec<String>, &'static str) {
    let groups = cut(digits, size);
    match choices.below(8) {
        0 => (vec![digits.to_owned()], "written"),
        1 => (vec![groups.join(" ")], "written in groups"),
        2 => (vec![groups.join("-")], "written with dashes"),
        3 => (vec![words(digits)], "spoken digit by digit"),
        4 => (vec![cut(digits, 2).into_iter().map(pair).collect::<Vec<_>>().join(" ")], "spoken in pairs"),
        5 => {
            (vec![groups.iter().map(|g| words(g)).collect::<Vec<_>>().join(" uh ")], "spoken with hesitation")
        }
        6 if digits.len() > 4 => (groups.iter().map(|g| words(g)).collect(), "spoken, split over turns"),
        _ if digits.len() > 4 => {
            (groups.iter().map(|g| (*g).to_owned()).collect(), "written, split over turns")
        }
        _ => (vec![words(digits)], "spoken digit by digit"),
    }
}

/// A number of its type, and in groups of how many digits people say it.
fn number(entity: E, choices: &mut Choices) -> Option<(String, usize)> {
    Some(match entity {
        E::CreditCard => (card(choices), 4),
        E::Cvv => (choices.digits(3), 3),
        E::UsSsn => {
            let ssn = format!(
                "{}{}{}",
                100 + choices.below(500),
                10 + choices.below(89),
                1000 + choices.below(8999)
            );
            (ssn, 3)
        }
        // 555-01xx is nobody's.
        E::PhoneNumber => (format!("{}55501{}", 201 + choices.below(700), choices.digits(2)), 3),
        E::AccountId => (choices.digits(9), 3),
        E::Pin => (choices.digits(4), 4),
        _ => return None,
    })
}

fn value(entity: E, choices: &mut Choices) -> (Vec<String>, &'static str) {
    if let Some((digits, size)) = number(entity, choices) {
        return said(&digits, size, choices);
    }
    match entity {
        E::Dob => {
            let (month, year) = (choices.of(MONTHS).unwrap_or("may"), 40 + choices.below(50));
            match choices.below(3) {
                0 => {
                    (vec![format!("{}/{}/19{year}", 1 + choices.below(12), 1 + choices.below(28))], "written")
                }
                1 => (vec![format!("{month} {} 19{year}", 1 + choices.below(28))], "month by name"),
                _ => {
                    let day = choices.of(DAYS).unwrap_or("first");
                    (vec![format!("{month} {day} nineteen {}", pair(&year.to_string()))], "spoken")
                }
            }
        }
        _ => worded(entity, choices),
    }
}

/// Values of words.
fn worded(entity: E, choices: &mut Choices) -> (Vec<String>, &'static str) {
    let (given, family) = (choices.of(GIVEN).unwrap_or("Devon"), choices.of(FAMILY).unwrap_or("Okafor"));
    let low = |s: &str| s.to_lowercase();
    match (entity, choices.below(2)) {
        (E::EmailAddress, 0) => (vec![format!("{}.{}@example.com", low(given), low(family))], "written"),
        (E::EmailAddress, _) => {
            (vec![format!("{} dot {} at example dot com", low(given), low(family))], "spoken")
        }
        (E::Person, 0) => (vec![format!("{given} {family}")], "with capitals"),
        (E::Person, _) => (vec![format!("{} {}", low(given), low(family))], "without capitals"),
        (_, 0) => {
            let street = choices.of(STREETS).unwrap_or("Fifth Street");
            (vec![format!("{} {street}", 10 + choices.below(9900))], "written")
        }
        _ => {
            let street = low(choices.of(STREETS).unwrap_or("Fifth Street"));
            (vec![format!("{} {street}", words(&choices.digits(3)))], "spoken")
        }
    }
}

/// Adds a question and its answer, or an announcement where nobody's turns are named.
pub(super) fn exchange(out: &mut String, values: &mut Vec<Value>, roles: bool, choices: &mut Choices) {
    let Some((entity, questions, announces)) = KINDS.get(choices.below(KINDS.len())) else { return };
    let (pieces, form) = value(*entity, choices);
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    let (agent, caller) = if roles { ("agent: ", "caller: ") } else { ("", "") };
    if roles {
        out.push_str(agent);
        out.push_str(choices.of(questions).unwrap_or(""));
        out.push('\n');
    }
    for (k, piece) in pieces.iter().enumerate() {
        out.push_str(caller);
        if k == 0 {
            out.push_str(if roles {
                choices.of(&["", "sure it is ", "yes ", "um "]).unwrap_or("")
            } else {
                announces
            });
        }
        let start = out.len();
        out.push_str(piece);
        values.push(Value { start, end: out.len(), entity: *entity, form });
        out.push('\n');
        if roles && k.saturating_add(1) < pieces.len() {
            out.push_str(agent);
            out.push_str(choices.of(&["mm-hm", "okay", "go ahead"]).unwrap_or(""));
            out.push('\n');
        }
    }
}

/// A value as one person says it in one breath.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// What it is.
    pub entity: E,
    /// The words before it, which are nobody's secret.
    pub lead: &'static str,
    /// The value in words.
    pub said: String,
    /// The value as it is usually written.
    pub value: String,
    /// How it is said.
    pub form: &'static str,
}

/// Draws a value to be spoken.
pub fn spoken(choices: &mut Choices) -> Spoken {
    let kind = KINDS.get(choices.below(KINDS.len())).or(KINDS.first());
    let (entity, lead) = kind.map_or((E::Cvv, ""), |(entity, _, lead)| (*entity, *lead));
    let (said, value, form) = match number(entity, choices) {
        Some((digits, size)) => {
            let groups: Vec<String> = cut(&digits, size).into_iter().map(words).collect();
            let (said, form) = match choices.below(3) {
                0 => (groups.join(", "), "digit by digit"),
                1 => (groups.join(", uh, "), "with hesitation"),
                _ => (cut(&digits, 2).into_iter().map(pair).collect::<Vec<_>>().join(", "), "in pairs"),
            };
            (said, digits, form)
        }
        None => spoken_words(entity, choices),
    };
    Spoken { entity, lead, said, value, form }
}

/// Values of words: as said, as written, and how.
fn spoken_words(entity: E, choices: &mut Choices) -> (String, String, &'static str) {
    let (given, family) = (choices.of(GIVEN).unwrap_or("Devon"), choices.of(FAMILY).unwrap_or("Okafor"));
    let low = |s: &str| s.to_lowercase();
    match entity {
        E::EmailAddress => (
            format!("{given} dot {family}, at example dot com"),
            format!("{}.{}@example.com", low(given), low(family)),
            "said with dot and at",
        ),
        E::Person => (format!("{given} {family}"), format!("{given} {family}"), "a name"),
        E::Dob => {
            let (month, day) = (choices.of(MONTHS).unwrap_or("may"), choices.of(DAYS).unwrap_or("first"));
            let said = format!("{month} {day}, nineteen {}", pair(&(40 + choices.below(50)).to_string()));
            (said.clone(), said, "month, day and year")
        }
        _ => {
            let street = choices.of(STREETS).unwrap_or("Fifth Street");
            let said = format!("{} {street}", words(&choices.digits(3)));
            (said.clone(), said, "number and street")
        }
    }
}

//! Card numbers: what may be shown, and whether a text holds one.

use crate::{
    case::Case,
    decide::{Draft, Source},
};

/// Shortest and longest card number.
const LENGTHS: std::ops::RangeInclusive<usize> = 13..=19;

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// First six and last four; what is no card number is hidden whole.
fn masked(pan: &str) -> String {
    let n = pan.chars().count();
    let keep = |i: usize| LENGTHS.contains(&n) && (i < 6 || i + 4 >= n);
    pan.chars().enumerate().map(|(i, c)| if keep(i) { c } else { '*' }).collect()
}

/// How a card number may be shown.
pub(super) fn display(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let text = match case.facts.get("pan") {
        Some(serde_json::Value::String(s)) => s.clone(),
        Some(serde_json::Value::Number(n)) => n.to_string(),
        _ => {
            case.miss("pan");
            String::new()
        }
    };
    let pan = digits(&text);
    if case.facts.truth("need_full") == Some(true) {
        draft.because("display.documented_need", "full", false, own.clone());
        return draft.set("output", pan);
    }
    draft.set("output", masked(&pan));
}

/// Luhn's check.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(10))
        .enumerate()
        .map(|(i, d)| match (i % 2, d * 2) {
            (0, _) => d,
            (_, twice) => twice - if twice > 9 { 9 } else { 0 },
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A full-width digit as the plain one.
fn plain(c: char) -> char {
    u32::from(c).checked_sub(0xff10).and_then(|d| char::from_digit(d, 10)).unwrap_or(c)
}

/// Digit groups of a text, joined over single separators, spoken digits included.
fn runs(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut run = String::new();
    let mut double = 1;
    let lower: String = text.to_lowercase().chars().map(plain).collect();
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        let spoken = match word {
            "zero" | "oh" | "o" => Some('0'),
            "one" => Some('1'),
            "two" => Some('2'),
            "three" => Some('3'),
            "four" => Some('4'),
            "five" => Some('5'),
            "six" => Some('6'),
            "seven" => Some('7'),
            "eight" => Some('8'),
            "nine" => Some('9'),
            _ => None,
        };
        if word == "double" || word == "triple" {
            double = if word == "double" { 2 } else { 3 };
            continue;
        }
        if let Some(digit) = spoken {
            run.extend(std::iter::repeat_n(digit, double));
        } else if word.chars().all(|c| c.is_ascii_digit()) {
            run.push_str(word);
        } else {
            // Letters that touch a number do not hide it: digits before them end a run, digits after them begin one.
            for (n, digits) in word.split(|c: char| !c.is_ascii_digit()).enumerate() {
                if n > 0 {
                    out.push(std::mem::take(&mut run));
                }
                run.push_str(digits);
            }
        }
        double = 1;
    }
    out.push(run);
    out.retain(|r| r.len() >= *LENGTHS.start());
    out
}

/// The card number in a run of digits: the run itself, or a window of it that passes Luhn and begins as cards do.
fn pan_in(run: &str) -> Option<&str> {
    if LENGTHS.contains(&run.len()) && luhn(run) {
        return Some(run);
    }
    // A run of a brand's own length and first digits is one number; failing Luhn, it hides no shorter card.
    if run.len() <= *LENGTHS.start() || issuer(run) {
        return None;
    }
    [16usize, 15, 19, 14, 13, 18, 17].into_iter().find_map(|n| {
        let windows = (0..=run.len().checked_sub(n)?).filter_map(move |at| run.get(at..at + n));
        // A window of a longer run is only believed with an issuer's first digits, or every long number has one.
        let mut cards = windows.filter(|w| n < run.len() && luhn(w) && issuer(w));
        cards.next()
    })
}

/// The usual lengths and first digits of the brands.
fn issuer(pan: &str) -> bool {
    let starts = |from: u32, to: u32, digits: usize| {
        pan.get(..digits).and_then(|p| p.parse().ok()).is_some_and(|p: u32| (from..=to).contains(&p))
    };
    match pan.len() {
        16 => {
            starts(4, 4, 1)
                || starts(51, 55, 2)
                || starts(2221, 2720, 4)
                || starts(6011, 6011, 4)
                || starts(65, 65, 2)
                || starts(3528, 3589, 4)
        }
        15 => starts(34, 34, 2) || starts(37, 37, 2),
        14 => starts(36, 36, 2) || starts(38, 39, 2) || starts(300, 305, 3),
        _ => false,
    }
}

/// Whether a text holds a card number.
pub(super) fn detect(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let Some(text) = case.facts.text("text") else {
        case.miss("text");
        return draft.because("text.unknown", "pan", true, own.clone());
    };
    let runs = runs(text);
    if let Some(pan) = runs.iter().find_map(|r| pan_in(r)) {
        draft.set("masked", masked(pan));
        return draft.because("luhn", "pan", false, own.clone());
    }
    let why = if runs.is_empty() { "no_digits" } else { "luhn" };
    draft.because(why, "not_pan", false, own.clone());
}

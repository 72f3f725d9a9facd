//! Redacted text from findings.

use crate::{Detector, Utterance, search};
use callvault_model::{EntityType, Finding};

mod pseudonym;
pub use pseudonym::Pseudonyms;

/// What stands in the place of a value.
#[derive(Clone, Copy)]
pub enum Mode<'a> {
    /// `[CREDIT_CARD]`.
    Category,
    /// `[CREDIT_CARD ****1111]` where card rules allow the last four; the category elsewhere.
    MaskLastFour,
    /// Text that the caller knows the value by; the category where the caller gives none, and always for security
    /// codes, PINs and track data.
    Token(&'a dyn Fn(&Finding) -> Option<String>),
    /// Nothing.
    Remove,
    /// `[PERSON 2]`: the same number for the same value, however it is said; the category for security codes, PINs
    /// and track data.
    Pseudonym(&'a Pseudonyms),
    /// What HIPAA Safe Harbor lets stand: the first three digits of a ZIP code unless fewer than 20,000 people live
    /// there, the year of a date; the category elsewhere.
    SafeHarbor,
    /// Another mode for some types.
    ByType(&'a ByType<'a>),
}

/// A mode for each of some types and one for the rest.
#[derive(Clone)]
pub struct ByType<'a> {
    /// Types with a mode of their own.
    pub types: Vec<(EntityType, Mode<'a>)>,
    /// The mode of all others.
    pub rest: Mode<'a>,
}

/// First three digits of ZIP codes whose area has fewer than 20,000 people, in the census of 2000 or of 2010
/// (45 CFR 164.514(b)(2)(i)(B)).
const SMALL_AREAS: [&str; 19] = [
    "036", "059", "063", "102", "203", "205", "369", "556", "692", "790", "821", "823", "830", "831", "878",
    "879", "884", "890", "893",
];

/// The text with every finding replaced. Findings may overlap; each covered stretch is replaced once, from the first
/// finding that starts it. Offsets outside the text or inside a character are moved outwards to the next boundary.
pub fn redact_turn(text: &str, findings: &[Finding], mode: &Mode<'_>) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().filter(|f| f.start < f.end).collect();
    sorted.sort_by_key(|f| (f.start, std::cmp::Reverse(f.end)));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0usize);
    for f in sorted {
        let (start, end) = (floor(text, f.start), ceil(text, f.end));
        if end <= at {
            continue;
        }
        let fresh = start >= at;
        if fresh {
            out.push_str(text.get(at..start).unwrap_or(""));
            out.push_str(&replacement(text.get(start..end).unwrap_or(""), f, mode));
        }
        at = end;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

/// How often a redacted conversation is read again for what the redaction itself brought to light.
const ROUNDS: usize = 4;

/// Redacts whole conversations: the turns' texts and the findings of the first reading. The result is read again until
/// nothing more is found, so that redacting it once more changes nothing.
pub fn redact_all(
    detector: &Detector,
    turns: &[Utterance<'_>],
    mode: &Mode<'_>,
) -> (Vec<String>, Vec<Finding>) {
    let mut texts: Vec<String> = turns.iter().map(|t| t.text.to_owned()).collect();
    let mut first = None;
    for _ in 0..ROUNDS {
        let read: Vec<Utterance<'_>> =
            turns.iter().zip(&texts).map(|(t, text)| Utterance { role: t.role, text }).collect();
        let findings = detector.detect(&read);
        let done = findings.is_empty();
        let next = read
            .iter()
            .enumerate()
            .map(|(index, t)| {
                let of = findings.partition_point(|f| f.turn < index)
                    ..findings.partition_point(|f| f.turn <= index);
                redact_turn(t.text, findings.get(of).unwrap_or(&[]), mode)
            })
            .collect();
        first.get_or_insert(findings);
        if done {
            break;
        }
        texts = next;
    }
    (texts, first.unwrap_or_default())
}

fn replacement(value: &str, f: &Finding, mode: &Mode<'_>) -> String {
    let category = || format!("[{}]", f.entity);
    match mode {
        Mode::Remove => String::new(),
        Mode::ByType(by) => {
            let own = by.types.iter().find(|(e, _)| *e == f.entity).map_or(&by.rest, |(_, m)| m);
            // One level only: a mode by type inside another would be a mistake of the caller.
            if matches!(own, Mode::ByType(_)) { category() } else { replacement(value, f, own) }
        }
        Mode::Pseudonym(given) => {
            given.number(value, f).map_or_else(category, |n| format!("[{} {n}]", f.entity))
        }
        Mode::SafeHarbor => {
            safe_harbor(value, f.entity).map_or_else(category, |rest| format!("[{} {rest}]", f.entity))
        }
        Mode::Token(name) if !f.entity.is_sensitive_authentication_data() => name(f).unwrap_or_else(category),
        Mode::MaskLastFour if may_show_last_four(f.entity) => {
            let digits: String = value.chars().filter(char::is_ascii_digit).collect();
            match digits
                .len()
                .checked_sub(4)
                .filter(|hidden| *hidden >= 4)
                .and_then(|from| digits.get(from..))
            {
                Some(last) => format!("[{} ****{last}]", f.entity),
                None => category(),
            }
        }
        _ => category(),
    }
}

/// What Safe Harbor lets stand of a value.
fn safe_harbor(value: &str, entity: EntityType) -> Option<String> {
    match entity {
        EntityType::ZipCode => {
            let digits = search::only_digits(value).filter(|d| matches!(d.len(), 5 | 9))?;
            let area = digits.get(..3)?;
            (area != "000" && !SMALL_AREAS.contains(&area)).then(|| area.to_owned())
        }
        // A year of birth can tell an age over 89; only other dates keep theirs.
        EntityType::DateTime => {
            let runs = search::digit_groups(value);
            runs.into_iter().find(|r| r.len() == 4 && (r.starts_with("19") || r.starts_with("20")))
        }
        _ => None,
    }
}

/// Types of which the last four digits may stay readable.
fn may_show_last_four(entity: EntityType) -> bool {
    matches!(
        entity,
        EntityType::CreditCard
            | EntityType::PhoneNumber
            | EntityType::AccountId
            | EntityType::IbanCode
            | EntityType::UsSsn
    )
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at = at.saturating_sub(1);
    }
    at
}

fn ceil(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at = at.saturating_add(1);
    }
    at
}

/// The end of a redaction label that begins at `at`, if one does: the detector reads over labels.
pub(crate) fn label_end(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?.strip_prefix('[')?;
    let close = rest.bytes().take(80).position(|b| b == b']')?;
    let inside = rest.get(..close)?;
    let name = inside.split([' ', ':', '#']).next()?;
    // Anyone can type a label: one that carries more digits than a mask shows is read like other text.
    let digits = inside.bytes().filter(u8::is_ascii_digit).count();
    (name.parse::<EntityType>().is_ok() && (digits <= 4 || inside.contains(':')))
        .then(|| at.saturating_add(close).saturating_add(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(start: usize, end: usize, entity: EntityType) -> Finding {
        Finding {
            turn: 0,
            start,
            end,
            entity,
            score: 1.0,
            recognizer: "t".into(),
            reason: "t".into(),
            value: 1,
        }
    }

    #[test]
    fn overlapping_findings_leave_nothing_of_either() {
        let f = [finding(3, 8, EntityType::Person), finding(6, 12, EntityType::Location)];
        assert_eq!(redact_turn("am alice of york, hi", &f, &Mode::Category), "am [PERSON]york, hi");
    }

    #[test]
    fn last_four_stay_for_cards_and_never_for_codes() {
        let text = "4111111111111111 123456789";
        let f = [finding(0, 16, EntityType::CreditCard), finding(17, 26, EntityType::Pin)];
        assert_eq!(redact_turn(text, &f, &Mode::MaskLastFour), "[CREDIT_CARD ****1111] [PIN]");
        let token = |_: &Finding| Some("[CREDIT_CARD:x7]".to_owned());
        assert_eq!(redact_turn(text, &f, &Mode::Token(&token)), "[CREDIT_CARD:x7] [PIN]");
    }

    #[test]
    fn offsets_inside_a_character_move_outwards() {
        assert_eq!(redact_turn("aéz", &[finding(2, 99, EntityType::Person)], &Mode::Category), "a[PERSON]");
    }

    #[test]
    fn a_typed_label_hides_no_number() {
        assert_eq!(label_end("[PERSON] hi", 0), Some(8));
        assert_eq!(label_end("[CREDIT_CARD ****1111]", 0), Some(22));
        assert_eq!(label_end("[PERSON 4111111111111111]", 0), None);
        assert_eq!(label_end("[hello]", 0), None);
    }
}

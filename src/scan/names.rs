//! File names hold telephone numbers and names of people: they are searched, and shown only masked.

use callvault_detect::{Detector, Utterance};
use callvault_model::{EntityType, Role};
use std::ops::Range;

use super::calendar::Calendar;

/// Longest name that is searched; file systems end at 255 bytes.
const MAX_NAME: usize = 1_024;

/// Words of telephone systems that point at nobody. Every other word of a name is hidden.
const PLAIN: &[&str] = &[
    "after",
    "agent",
    "archive",
    "asterisk",
    "audio",
    "auto",
    "backup",
    "billing",
    "call",
    "calls",
    "campaign",
    "care",
    "center",
    "centre",
    "chat",
    "chats",
    "claim",
    "claims",
    "clinic",
    "collections",
    "copy",
    "customer",
    "data",
    "day",
    "desk",
    "email",
    "emails",
    "export",
    "external",
    "help",
    "helpdesk",
    "health",
    "healthplan",
    "hold",
    "inbound",
    "incoming",
    "internal",
    "ivr",
    "left",
    "line",
    "linea",
    "loans",
    "mail",
    "member",
    "monitor",
    "mono",
    "new",
    "night",
    "office",
    "old",
    "order",
    "out",
    "outbound",
    "outgoing",
    "pay",
    "payment",
    "payments",
    "photo",
    "plan",
    "queue",
    "rec",
    "record",
    "recording",
    "recordings",
    "recs",
    "refund",
    "retention",
    "right",
    "sales",
    "service",
    "shop",
    "sms",
    "spool",
    "stereo",
    "store",
    "support",
    "survey",
    "tech",
    "test",
    "text",
    "ticket",
    "transcript",
    "var",
    "voice",
    "voicemail",
    "web",
];

/// Months and days as names of folders.
const CALENDAR: &[&str] = &[
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
];

/// Types that are believed without a sentence around them. Places, codes and ages need one; they are hidden anyway.
const POINTS_AT_SOMEBODY: &[EntityType] = &[
    EntityType::Person,
    EntityType::PhoneNumber,
    EntityType::EmailAddress,
    EntityType::CreditCard,
    EntityType::UsSsn,
    EntityType::UsItin,
    EntityType::NationalId,
    EntityType::Passport,
    EntityType::DriverLicense,
    EntityType::AccountId,
    EntityType::IbanCode,
    EntityType::MemberId,
    EntityType::MedicalId,
    EntityType::Condition,
];

/// Where a name holds a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InName {
    /// Bytes of the name.
    pub range: Range<usize>,
    /// What it is.
    pub entity: EntityType,
}

/// The values in one name, without overlaps.
pub fn find(detector: &Detector, name: &str) -> Vec<InName> {
    if name.len() > MAX_NAME {
        return Vec::new();
    }
    let stem = without_times(name);
    let spaced: String = stem.chars().map(|c| if c == '_' { ' ' } else { c }).collect();
    let mut found: Vec<InName> = Vec::new();
    for text in [spaced, titled(&stem)] {
        for f in detector.detect(&[Utterance { role: Role::Unknown, text: &text }]) {
            // One word alone is more often a place or a project than a person.
            let lone = f.entity == EntityType::Person
                && text.get(f.start..f.end).is_none_or(|v| v.split_whitespace().count() < 2);
            if POINTS_AT_SOMEBODY.contains(&f.entity) && !lone {
                found.push(InName { range: f.start..f.end, entity: f.entity });
            }
        }
    }
    found.sort_by_key(|f| (std::cmp::Reverse(f.range.len()), f.range.start));
    let mut kept: Vec<InName> = Vec::new();
    for f in found {
        if kept.iter().all(|k| f.range.end <= k.range.start || k.range.end <= f.range.start) {
            kept.push(f);
        }
    }
    kept.sort_by_key(|f| f.range.start);
    kept
}

/// The name as it may be shown: values become labels, dates and words of telephone systems stay, the rest is hidden.
pub fn masked(detector: &Detector, name: &str) -> String {
    let found = find(detector, name);
    let mut out = String::new();
    let mut labelled: Option<usize> = None;
    let mut hidden = false;
    for token in tokens(name) {
        let text = name.get(token.range.clone()).unwrap_or("");
        if let Some((at, f)) = found
            .iter()
            .enumerate()
            .find(|(_, f)| f.range.start < token.range.end && token.range.start < f.range.end)
        {
            if labelled != Some(at) {
                // A value may begin inside a run of separators, as in "_+1303…".
                if token.kind == Kind::Separator {
                    out.push_str(name.get(token.range.start..f.range.start).unwrap_or(""));
                }
                out.push_str(&format!("[{}]", f.entity));
            }
            if token.kind == Kind::Separator {
                out.push_str(name.get(f.range.end..token.range.end).unwrap_or(""));
            }
            (labelled, hidden) = (Some(at), false);
            continue;
        }
        match token.kind {
            Kind::Separator => {
                out.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
                continue;
            }
            Kind::Shown => out.push_str(text),
            Kind::Hidden if hidden && out.ends_with('…') => {}
            Kind::Hidden => out.push('…'),
        }
        (labelled, hidden) = (None, token.kind == Kind::Hidden);
    }
    out
}

/// A folder below the scanned one. Masked as a whole, because folders are often dates: `2026/03/12`.
pub fn masked_folder(detector: &Detector, folder: &str) -> String {
    masked(detector, folder)
}

/// Only what the detector finds is masked: for the folder that the operator typed.
pub fn lightly_masked(detector: &Detector, path: &str) -> String {
    let (mut out, mut at) = (String::new(), 0usize);
    for f in find(detector, path) {
        out.push_str(path.get(at..f.range.start).unwrap_or(""));
        out.push_str(&format!("[{}]", f.entity));
        at = f.range.end;
    }
    out.push_str(path.get(at..).unwrap_or(""));
    out.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Separator,
    Shown,
    Hidden,
}

struct NameToken {
    range: Range<usize>,
    kind: Kind,
}

/// Runs of letters, runs of digits, and what stands between; the ending of the file is always shown.
fn tokens(name: &str) -> Vec<NameToken> {
    let ending = ending_at(name);
    let mut out: Vec<(Range<usize>, Class)> = Vec::new();
    for (at, c) in name.char_indices() {
        let end = at.saturating_add(c.len_utf8());
        let class = if c.is_ascii_digit() {
            Class::Digits
        } else if c.is_alphabetic() {
            Class::Letters
        } else if c.is_alphanumeric() {
            Class::Digits
        } else {
            Class::Other
        };
        match out.last_mut() {
            Some((range, last)) if *last == class => range.end = end,
            _ => out.push((at..end, class)),
        }
    }
    let mut calendar = Calendar::default();
    let mut before = Class::Other;
    out.into_iter()
        .map(|(range, class)| {
            let text = name.get(range.clone()).unwrap_or("");
            let kind = match class {
                Class::Other => Kind::Separator,
                _ if range.start > ending => Kind::Shown,
                Class::Letters if plain(text) => Kind::Shown,
                Class::Digits if calendar.takes(text, name.get(range.end..).unwrap_or("")) => Kind::Shown,
                // An extension or a line: "ext204", "q2".
                Class::Digits if before == Class::Letters && text.len() <= 3 => Kind::Shown,
                _ => Kind::Hidden,
            };
            if class == Class::Letters && text != "T" || kind == Kind::Separator && text.chars().count() > 1 {
                calendar = Calendar::default();
            }
            before = class;
            NameToken { range, kind }
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Letters,
    Digits,
    Other,
}

fn plain(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    word.chars().count() <= 2 && word.is_ascii()
        || lower == "ext"
        || [PLAIN, CALENDAR].iter().any(|l| l.contains(&lower.as_str()))
}

/// The byte at which a short ending begins, or the end.
fn ending_at(name: &str) -> usize {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len().saturating_sub(dot) <= 6 => {
            let ending = name.get(dot.saturating_add(1)..).unwrap_or("");
            if ending.bytes().all(|b| b.is_ascii_alphanumeric())
                && ending.bytes().any(|b| b.is_ascii_alphabetic())
            {
                dot
            } else {
                name.len()
            }
        }
        _ => name.len(),
    }
}

/// The name without its ending and with dates and times blanked, so that they are not taken for numbers of people.
/// Offsets stay.
fn without_times(name: &str) -> String {
    let ending = ending_at(name);
    let mut out: Vec<u8> = name.bytes().collect();
    for token in tokens(name) {
        let text = name.get(token.range.clone()).unwrap_or("");
        let time = token.kind == Kind::Shown && text.bytes().all(|b| b.is_ascii_digit());
        if (time || token.range.start >= ending)
            && let Some(bytes) = out.get_mut(token.range)
        {
            bytes.fill(b' ');
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| name.to_owned())
}

/// Words apart and with capitals, as the detector expects names of people. Offsets stay.
fn titled(stem: &str) -> String {
    let mut begin = true;
    stem.chars()
        .map(|c| {
            let c = if matches!(c, '_' | '-' | '.') { ' ' } else { c };
            let out = if begin { c.to_ascii_uppercase() } else { c };
            begin = !c.is_alphanumeric();
            out
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use callvault_detect::Profile;

    fn detector() -> Detector {
        Detector::new(Profile::Default).unwrap()
    }

    #[test]
    fn numbers_and_people_in_names_are_found_and_times_are_not() {
        let d = detector();
        let types = |name: &str| find(&d, name).into_iter().map(|f| f.entity).collect::<Vec<_>>();
        assert_eq!(types("q-sales-2026-03-03-101544-in-4155550119.wav"), [EntityType::PhoneNumber]);
        assert_eq!(types("2026-03-04_ivr-pay_+13035550178_c4471.wav"), [EntityType::PhoneNumber]);
        assert!(types("clinic-2026-03-05-0912-rosa-bellamy.wav").contains(&EntityType::Person));
        assert!(types("rec-1772790311.4402.wav").is_empty());
        assert!(types("20260304-083012-ext204.wav").is_empty());
    }

    #[test]
    fn what_is_not_known_to_be_harmless_is_hidden() {
        let d = detector();
        let shown = masked(&d, "2026-03-02_555-0142-887_dana-whitfield.wav");
        assert!(shown.starts_with("2026-03-02_") && shown.ends_with(".wav"), "{shown}");
        for value in ["555", "0142", "887", "dana", "whitfield"] {
            assert!(!shown.contains(value), "{shown}");
        }
        assert_eq!(masked(&d, "queue-zyxxyq-998877.mp3"), "queue-…-….mp3");
        assert_eq!(masked(&d, "20260304-083012-ext204-2127.wav"), "20260304-083012-ext204-….wav");
        assert_eq!(
            masked(&d, "store-2026-03-12-1108-+16025550193.wav"),
            "store-2026-03-12-1108-[PHONE_NUMBER].wav"
        );
        assert_eq!(
            masked(&d, "2026-03-02T10-15-44_41-55-55-01-19.wav")
                .matches(|c: char| c.is_ascii_digit())
                .count(),
            14
        );
        assert_eq!(masked(&d, "1234567890-0142.wav").matches(|c: char| c.is_ascii_digit()).count(), 0);
        assert_eq!(masked_folder(&d, "2026/03/12/zyxxyq"), "2026/03/12/…");
        assert!(masked(&d, "rec-1772790311.4402.wav").contains("1772790311"));
        assert!(!masked(&d, "\u{1b}[31m.wav").contains('\u{1b}'));
    }

    #[test]
    fn any_name_is_masked_without_losing_characters_in_between() {
        let d = detector();
        for name in ["", ".", "é", "日本語.wav", "a\u{301}-4155550119", "٤١٥٥٥٥٠١١٩.wav", "....", "x.wav.wav"]
        {
            let shown = masked(&d, name);
            assert!(!shown.contains("415555") && !shown.contains("٤١٥"), "{shown}");
        }
    }
}

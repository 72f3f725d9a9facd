//! File names hold telephone numbers and names of people: they are searched, and shown only masked.

use callvault_detect::{Detector, Utterance};
use callvault_model::{EntityType, Role};
use std::ops::Range;

/// Longest name that is searched; file systems end at 255 bytes.
const MAX_NAME: usize = 1_024;

/// Words of telephone systems that point at nobody. Every other word of a name is hidden.
const PLAIN: &[&str] = &[
    "after", "agent", "archive", "asterisk", "audio", "auto", "backup", "billing", "call", "calls", "campaign", "care",
    "center", "centre", "chat", "chats", "claim", "claims", "clinic", "collections", "copy", "customer", "data", "day",
    "desk", "email", "emails", "export", "external", "help", "helpdesk", "health", "healthplan", "hold", "inbound",
    "incoming", "internal", "ivr", "left", "line", "linea", "loans", "mail", "member", "monitor", "mono", "new", "night",
    "office", "old", "order", "out", "outbound", "outgoing", "pay", "payment", "payments", "photo", "plan", "queue",
    "rec", "record", "recording", "recordings", "recs", "refund", "retention", "right", "sales", "service", "shop", "sms",
    "spool", "stereo", "store", "support", "survey", "tech", "test", "text", "ticket", "transcript", "var", "voice",
    "voicemail", "web",
];

/// Months and days as names of folders.
const CALENDAR: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "january", "february", "march",
    "april", "june", "july", "august", "september", "october", "november", "december", "mon", "tue", "wed", "thu", "fri",
    "sat", "sun",
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
            if POINTS_AT_SOMEBODY.contains(&f.entity) {
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
        if let Some(at) = found.iter().position(|f| f.range.start < token.range.end && token.range.start < f.range.end) {
            if labelled != Some(at) {
                out.push_str(&found.get(at).map_or_else(String::new, |f| format!("[{}]", f.entity)));
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

/// A folder below the scanned one, each part masked.
pub fn masked_folder(detector: &Detector, folder: &str) -> String {
    folder.split('/').map(|part| masked(detector, part)).collect::<Vec<_>>().join("/")
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
    let mut shown_date = false;
    out.into_iter()
        .map(|(range, class)| {
            let text = name.get(range.clone()).unwrap_or("");
            let kind = match class {
                Class::Other => Kind::Separator,
                _ if range.start > ending => Kind::Shown,
                Class::Letters if plain(text) => Kind::Shown,
                Class::Digits if is_time(text, shown_date) => {
                    shown_date = true;
                    Kind::Shown
                }
                _ => Kind::Hidden,
            };
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
    word.chars().count() <= 2 && word.is_ascii() || lower == "ext" || [PLAIN, CALENDAR].iter().any(|l| l.contains(&lower.as_str()))
}

/// Digits that are a date, a time, a year, a Unix time, or too short to be anything else.
fn is_time(digits: &str, after_date: bool) -> bool {
    let part = |from: usize, to: usize| digits.get(from..to).and_then(|d| d.parse::<u32>().ok()).unwrap_or(u32::MAX);
    let year = || (1990..=2099).contains(&part(0, 4));
    let clock = |at: usize| part(at, at.saturating_add(2)) < 24 && part(at.saturating_add(2), at.saturating_add(4)) < 60;
    match digits.len() {
        0..=3 => true,
        4 => year() || (after_date && clock(0)),
        6 => after_date && clock(0) && part(4, 6) < 60,
        8 => year() && (1..=12).contains(&part(4, 6)) && (1..=31).contains(&part(6, 8)),
        // 2001 to 2033, as Asterisk numbers its calls; no North American number begins with 1.
        10 => digits.starts_with('1'),
        14 => year() && (1..=12).contains(&part(4, 6)) && (1..=31).contains(&part(6, 8)) && clock(8),
        _ => false,
    }
}

/// The byte at which a short ending begins, or the end.
fn ending_at(name: &str) -> usize {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len().saturating_sub(dot) <= 6 => {
            let ending = name.get(dot.saturating_add(1)..).unwrap_or("");
            if ending.bytes().all(|b| b.is_ascii_alphanumeric()) && ending.bytes().any(|b| b.is_ascii_alphabetic()) {
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
    let mut after_date = false;
    let all = tokens(name);
    for (i, token) in all.iter().enumerate() {
        let text = name.get(token.range.clone()).unwrap_or("");
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let long = text.len() >= 4 && digits && token.kind == Kind::Shown;
        // In 2026-03-02 and 10-15-44 the short parts belong to the date before them.
        let linked = digits && text.len() <= 2 && after_date && i > 0;
        if long || linked || token.range.start >= ending {
            if let Some(bytes) = out.get_mut(token.range.clone()) {
                bytes.fill(b' ');
            }
        }
        after_date = long || linked || (after_date && token.kind == Kind::Separator && text.len() == 1);
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
        for value in ["555-0142", "0142", "dana", "whitfield"] {
            assert!(!shown.contains(value), "{shown}");
        }
        assert_eq!(masked(&d, "queue-zyxxyq-998877.mp3"), "queue-…-….mp3");
        assert!(masked(&d, "rec-1772790311.4402.wav").contains("1772790311"));
        assert!(!masked(&d, "\u{1b}[31m.wav").contains('\u{1b}'));
    }

    #[test]
    fn any_name_is_masked_without_losing_characters_in_between() {
        let d = detector();
        for name in ["", ".", "é", "日本語.wav", "a\u{301}-4155550119", "٤١٥٥٥٥٠١١٩.wav", "....", "x.wav.wav"] {
            let shown = masked(&d, name);
            assert!(!shown.contains("415555") && !shown.contains("٤١٥"), "{shown}");
        }
    }
}

//! Values with a written form of their own: addresses of the net, bank codes, telephone numbers with signs, keys.

use super::pattern::Pattern;
use crate::{
    Error,
    context::{Candidate, Context},
    validate,
};
use callvault_model::EntityType as E;

/// Name in findings.
pub(crate) const NAME: &str = "written";

static PATTERNS: [(E, f32, &str, Pattern); 14] = [
    (
        E::Url,
        0.9,
        "has the form of a web address",
        Pattern::new(r"(?i)\b(?:https?://|www\.)[^\s<>()\[\]]{2,200}", |s| s.slashes > 1 || s.inner > 0),
    ),
    (
        E::Url,
        0.6,
        "has the form of a web address",
        Pattern::new(
            r"(?i)\b[a-z0-9][a-z0-9\-]{1,40}\.(?:com|net|org|io|gov|edu|info)\b(?:/[^\s]{0,200})?",
            |s| s.inner > 0,
        ),
    ),
    (
        E::IpAddress,
        0.9,
        "has the form of an IP address",
        Pattern::new(r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b", |s| {
            s.inner > 2 && s.digits > 3
        }),
    ),
    (
        E::IpAddress,
        0.9,
        "has the form of an IP address",
        Pattern::new(
            r"(?i)\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b|(?i)\b(?:[0-9a-f]{1,4}:){1,6}:(?:[0-9a-f]{1,4}:?){1,6}\b",
            |s| s.colons > 1,
        ),
    ),
    (
        E::MacAddress,
        0.95,
        "has the form of a hardware address",
        Pattern::new(r"(?i)\b[0-9a-f]{2}(?:[:\-][0-9a-f]{2}){5}\b", |s| {
            s.colons.max(s.dashes) > 1 && s.colons.saturating_add(s.dashes) > 4
        }),
    ),
    (
        E::PhoneNumber,
        0.9,
        "has the form of a telephone number",
        Pattern::new(
            r"(?i)(?:\+\d{1,3}[\s.\-]?)?\(\d{2,5}\)[\s.\-]?\d{2,5}(?:[\s.\-]?\d{2,5}){0,3}(?:\s?(?:x|ext\.?)\s?\d{1,6})?\b",
            |s| s.brackets > 0 && s.digits > 3,
        ),
    ),
    (
        E::PhoneNumber,
        0.9,
        "has the form of a telephone number",
        Pattern::new(
            r"(?i)\b(?:\d{1,3}[\-.\s])?\d{3}[\-.]\d{3}[\-.]\d{4}(?:\s?(?:x|ext\.?)\s?\d{1,6})?\b",
            |s| s.digits > 9 && s.dashes.saturating_add(s.inner) > 1,
        ),
    ),
    (
        E::PhoneNumber,
        0.9,
        "has the form of a telephone number",
        Pattern::new(r"(?i)\b(?:\d{3}[\-.\s]?){2}\d{4}\s?(?:x|ext\.?)\s?\d{1,6}\b", |s| {
            s.digits > 10 && s.exes > 0
        }),
    ),
    (
        E::PhoneNumber,
        0.9,
        "international telephone number",
        Pattern::new(r"\+\d{1,3}(?:[\s.\-]?\(?\d{1,5}\)?){2,6}", |s| s.pluses > 0 && s.digits > 2),
    ),
    (
        E::TrackData,
        0.99,
        "has the form of magnetic stripe data",
        Pattern::new(
            r"%?[Bb]\d{12,19}\^[^\^\n]{2,26}\^\d{4}[^\s?]{0,60}\??|;\d{12,19}=\d{4}\d{0,40}\??",
            |s| s.stripes > 0 && s.digits > 15,
        ),
    ),
    (
        E::ApiSecret,
        0.9,
        "begins like a key of a service",
        Pattern::new(
            r"\b(?:sk|pk|rk)_(?:live|test)_[0-9A-Za-z]{10,100}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[0-9A-Za-z]{30,60}\b|\bxox[abprs]-[0-9A-Za-z\-]{10,100}|\beyJ[0-9A-Za-z_\-]{10,600}\.[0-9A-Za-z_\-]{10,600}\.[0-9A-Za-z_\-]{5,600}",
            |s| s.lines.saturating_add(s.dashes) > 0 || s.inner > 1 || s.pairs > 2,
        ),
    ),
    (
        E::UsSsn,
        0.95,
        "has the form of a social security number",
        Pattern::new(r"\b\d{3}-\d{2}-\d{4}\b", |s| s.dashes > 1 && s.digits > 8),
    ),
    (
        E::NationalId,
        0.6,
        "has the form of a national insurance number",
        Pattern::new(r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b", |s| {
            s.capitals > 2 && s.pairs > 0 && s.digits > 5
        }),
    ),
    (
        E::ZipCode,
        0.75,
        "has the form of a postcode",
        Pattern::new(r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b|\b[A-CEGHJ-NPR-TVXY]\d[A-Z] ?\d[A-Z]\d\b", |s| {
            s.capitals > 2 && s.joints > 0 && s.digits > 1
        }),
    ),
];

static IBAN: Pattern =
    Pattern::new(r"(?i)\b[a-z]{2}\d{2}(?:[ \-]?[a-z0-9]{4}){2,7}(?:[ \-]?[a-z0-9]{1,4})?\b", |s| {
        s.digits > 7 && s.joints > 0
    });

/// Every pattern of this file but that of IBANs, which matches shorter codes too.
#[cfg(test)]
pub(super) fn patterns() -> impl Iterator<Item = &'static Pattern> {
    PATTERNS.iter().map(|p| &p.3)
}

/// Whether the gate keeps a text from the pattern although a stretch of it can be an IBAN.
#[cfg(test)]
pub(super) fn iban_passed_over(text: &str) -> bool {
    let iban = IBAN.regex().is_some_and(|r| r.find_iter(text).any(|m| iban_length(m.as_str()).is_some()));
    iban && IBAN.passes_over(text)
}

/// Refuses a build whose patterns do not compile.
pub(crate) fn check() -> Result<(), Error> {
    IBAN.check(NAME)?;
    PATTERNS.iter().try_for_each(|(_, _, _, p)| p.check(NAME))
}

/// Finds values by their form.
pub(crate) fn find(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    for (entity, score, reason, pattern) in &PATTERNS {
        pattern.candidates(ctx, *entity, *score, NAME, reason, out);
    }
    IBAN.each(ctx, |turn, start, end, text| {
        if let Some(length) = iban_length(text) {
            let score = if length { 0.97 } else { 0.6 };
            out.push(Candidate {
                turn,
                start,
                end,
                entity: E::IbanCode,
                score,
                recognizer: NAME.into(),
                reason: "has the form of an IBAN",
                value: 0,
            });
        }
    });
}

/// Whether the check number (ISO 7064, mod 97) is right; none when the text cannot be an IBAN at all.
fn iban_length(text: &str) -> Option<bool> {
    let plain: Vec<u8> =
        text.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase()).collect();
    if !(15..=34).contains(&plain.len()) {
        return None;
    }
    let (_, tail) = plain.split_at(4);
    let digits = tail.iter().filter(|b| b.is_ascii_digit()).count();
    if digits.saturating_mul(2) < tail.len() {
        return None;
    }
    Some(validate::mod97(text))
}

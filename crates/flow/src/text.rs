//! A chat, e-mail or text message, from its text to masked turns that were searched again.

use crate::{
    Error,
    cover::{self, Cover},
    error::{Quarantine, QuarantineCode},
    prove::{self, Proof},
    receive::Received,
    source::{
        chat::Chat,
        email::{Attachment, Email},
    },
    tools::Tools,
    voice,
};
use callvault_detect::Detector;
use callvault_model::{Channel, Finding, ProofLevel, Turn};
use callvault_store::{Vault, collection::Field};
use std::io::Read;

/// Text that was redacted and read again.
pub struct ProvenMessage {
    /// As it was written.
    pub turns: Vec<Turn>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What is covered.
    pub covers: Vec<Cover>,
    /// What was proven.
    pub proof: Proof,
    /// Parts without text.
    pub attachments: Vec<Attachment>,
}

/// What a person typed as a reason, note or matter, with everything the detector finds replaced by its label.
pub fn mask_note(detector: &Detector, note: &str) -> String {
    let spans = detector.detect_text(note);
    let (mut out, mut at) = (String::with_capacity(note.len()), 0);
    for span in spans {
        out.push_str(note.get(at..span.start).unwrap_or(""));
        if span.end > at {
            out.push_str(&format!("[{}]", span.entity));
        }
        at = at.max(span.end);
    }
    out.push_str(note.get(at..).unwrap_or(""));
    out
}

/// The name of a file as it may be kept: what the detector finds when punctuation is read as spaces is covered, and every
/// run of digits that is long enough for a number of a person and is no date.
pub fn mask_name(detector: &Detector, name: &str) -> String {
    // The ending says what it is, not who.
    let (name, ending) = match name.rsplit_once('.') {
        Some((stem, end))
            if (1..=5).contains(&end.len()) && end.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            (stem, name.get(stem.len()..).unwrap_or(""))
        }
        _ => (name, ""),
    };
    let spoken: String =
        name.chars().map(|c| if matches!(c, '_' | '-' | '.' | '+' | '(' | ')') { ' ' } else { c }).collect();
    // All of these are one byte long, so the places are the same.
    let mut cover: Vec<(usize, usize)> =
        detector.detect_text(&spoken).into_iter().map(|s| (s.start, s.end)).collect();
    cover.retain(|(a, b)| !spoken.get(*a..*b).is_some_and(|t| is_date(t) || is_counter(t)));
    let mut start = None;
    for (i, c) in name.char_indices().chain([(name.len(), '/')]) {
        match (c.is_ascii_digit(), start) {
            (true, None) => start = Some(i),
            (false, Some(from)) => {
                let run = name.get(from..i).unwrap_or("");
                if run.len() >= 7 && !is_date(run) {
                    cover.push((from, i));
                }
                start = None;
            }
            _ => {}
        }
    }
    cover.sort_unstable();
    let (mut out, mut at) = (String::new(), 0);
    for (from, to) in cover {
        out.push_str(name.get(at..from).unwrap_or(""));
        if to > at {
            out.push_str("[…]");
        }
        at = at.max(to);
    }
    out.push_str(name.get(at..).unwrap_or(""));
    out.push_str(ending);
    out
}

/// A short number, as recorders count calls.
fn is_counter(text: &str) -> bool {
    text.trim().len() <= 4 && text.trim().bytes().all(|b| b.is_ascii_digit())
}

/// A date or time as recorders write it: 2026-03-14, 20260314, 20260314120500.
fn is_date(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let other = text.chars().any(|c| !c.is_ascii_digit() && !matches!(c, ' ' | '-' | '_' | 'T' | ':'));
    let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|d| d.parse::<u32>().ok());
    let day = matches!(number(0..4), Some(1990..=2099))
        && matches!(number(4..6), Some(1..=12))
        && matches!(number(6..8), Some(1..=31));
    let time = match digits.len() {
        8 => true,
        12 | 14 => matches!(number(8..10), Some(0..=23)) && matches!(number(10..12), Some(0..=59)),
        _ => false,
    };
    !other && day && time
}

/// What a message says, and what came with it that is no text.
pub fn turns(vault: &Vault, received: &Received) -> Result<(Vec<Turn>, Vec<Attachment>), Error> {
    let mut bytes = Vec::new();
    vault
        .original(received.conversation)?
        .take(crate::source::MAX_TEXT_BYTES)
        .read_to_end(&mut bytes)
        .map_err(Error::file("the sealed original"))?;
    Ok(match received.channel {
        Channel::Email => {
            let mut mail = Email::parse(&bytes, "this e-mail")?;
            if mail.has_subject && !vault.collects(Channel::Email, Field::SubjectLine)? {
                mail.turns.remove(0);
                vault.count_dropped(Channel::Email, Field::SubjectLine, 1)?;
            }
            (mail.turns, mail.attachments)
        }
        Channel::Voice | Channel::Chat | Channel::Sms => {
            (Chat::parse(&bytes, "this chat")?.turns(), Vec::new())
        }
    })
}

/// Detects, covers, and reads the result again; text is proven by searching, so its level is `same-engine`.
pub fn prove_text(
    turns: Vec<Turn>,
    roles: &[callvault_model::Role],
    tools: &Tools<'_>,
) -> Result<ProvenMessage, Quarantine> {
    let findings = voice::run_detector(&turns, roles, tools);
    let findings = cover::close_over_repeats(&turns, findings);
    let covers = cover::of_findings(&findings);
    let masked = cover::masked(&turns, &covers);
    if let Some(entity) = prove::text_is_clean(&turns, &masked, &findings) {
        return Err(Quarantine::new(
            QuarantineCode::ProofFailed,
            format!("a value of type {entity} can still be read in the masked text"),
        ));
    }
    let proof = Proof {
        level: ProofLevel::SameEngine,
        heard_by: "the detector".into(),
        not_heard_again_by: Some("a search for every covered value in digits, words and spelling".into()),
        rounds: 1,
        caught: 0,
        muted_ms: 0,
        unverified_ms: 0,
        remuted: None,
    };
    Ok(ProvenMessage { turns, findings, covers, proof, attachments: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use callvault_detect::Profile;

    #[test]
    fn names_of_files_and_notes_lose_numbers_and_names_and_keep_dates() {
        let detector = Detector::new(Profile::Default).unwrap();
        let of = |n: &str| mask_name(&detector, n);
        assert_eq!(of("call-0007.wav"), "call-0007.wav");
        assert_eq!(of("20260314-120500_in.wav"), "20260314-120500_in.wav");
        for name in ["20260314_+12025550142_in.wav", "q-2025550142-2.wav", "4111111111111111.wav"] {
            let masked = of(name);
            assert!(!masked.contains("2025550142") && !masked.contains("4111111111111111"), "{masked}");
            assert!(masked.contains("[…]") && masked.ends_with(".wav"), "{masked}");
        }
        let detector = Detector::new(Profile::All).unwrap();
        let note = mask_note(&detector, "My name is Agnes Tully, call me at 202-555-0142.");
        assert!(!note.contains("Tully") && !note.contains("555") && note.contains("call me"), "{note}");
    }
}

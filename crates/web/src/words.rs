//! What people read instead of codes.

use crate::app::App;
use callvault_model::{EntityType, words};
use callvault_policy::{Act, Purpose};
use callvault_store::{Actor, Class, State};

/// The name of a type from its code, for one or several.
pub fn of_name(code: &str, n: u64) -> &'static str {
    code.parse::<EntityType>().map_or("something else", |e| words::of(e, n))
}

/// A role, as people say it.
pub fn role(role: &callvault_policy::Role) -> &'static str {
    use callvault_policy::Role as R;
    match role {
        R::Agent => "agent",
        R::Supervisor => "supervisor",
        R::Qa => "quality assurance",
        R::Compliance => "compliance",
        R::PrivacyOfficer => "privacy officer",
        R::IncidentLead => "incident lead",
        R::DisposalOfficer => "disposal officer",
        R::Auditor => "auditor",
        R::Admin => "administrator",
        R::Service => "service",
    }
}

/// A channel.
pub fn channel(code: &str) -> &'static str {
    match code {
        "voice" => "calls",
        "chat" => "chats",
        "email" => "e-mails",
        "sms" => "text messages",
        _ => "others",
    }
}

/// One conversation of a channel.
pub fn one(channel: &str) -> &'static str {
    match channel {
        "voice" => "Call",
        "chat" => "Chat",
        "email" => "E-mail",
        "sms" => "Text messages",
        _ => "Conversation",
    }
}

/// A state of a conversation, and the class of its badge.
pub fn state(state: State) -> (&'static str, &'static str) {
    match state {
        State::Received => ("being worked on", ""),
        State::AwaitingTranscript => ("awaits a transcript", "warn"),
        State::Quarantined => ("in quarantine", "bad"),
        State::Recorded => ("redacted", "good"),
        State::Shredding => ("being destroyed", "warn"),
        State::Disposed => ("original destroyed", "good"),
        State::Discarded => ("discarded", ""),
    }
}

/// Why a recording cannot be played although it is kept.
pub fn withheld(how: Option<&callvault_store::remute::Withheld>) -> &'static str {
    use callvault_store::remute::Withheld as W;
    match how {
        Some(W::Waiting) => {
            "Withheld after a correction: it is muted further and heard again before anybody plays it."
        }
        Some(W::Failed) => {
            "Withheld: after a correction the value could still be heard, so nobody plays it any more. Its words can be read."
        }
        None => "",
    }
}

/// How far a redaction is proven, and the class of its badge. Text is searched again, not heard.
pub fn proof(channel: &str, level: Option<&str>) -> (&'static str, &'static str) {
    match level {
        Some("same-engine") if !matches!(channel, "voice" | "") => ("text searched again", "good"),
        Some("independent") => ("heard again independently", "good"),
        Some("same-engine") => ("heard again by the same ear", "good"),
        Some("none") => ("not heard again", "warn"),
        _ => ("not proven yet", ""),
    }
}

/// A class of data that is kept for a while.
pub fn class(class: Class) -> &'static str {
    match class {
        Class::Audio => "Original recordings and messages",
        Class::RedactedAudio => "Muted recordings",
        Class::Transcript => "Masked words",
        Class::Tokens => "Hidden values",
        Class::Metadata => "Names, file names and times",
        Class::Evidence => "Certificates and proofs",
    }
}

/// What a right for a while allows.
pub fn right(act: &str) -> &'static str {
    match Act::parse(act) {
        Some(Act::ReadMasked) => "Read masked words",
        Some(Act::PlayMuted) => "Hear muted recordings",
        Some(Act::ReadSubject) => "See a person's page",
        Some(Act::RequestReveal) => "Ask to see hidden values",
        Some(Act::Reveal) => "See hidden values",
        Some(Act::ApproveReveal) => "Be second person for a reveal",
        Some(Act::ReleaseQuarantine) => "Decide about quarantine",
        Some(Act::ExportEvidence) => "Export evidence",
        _ => "Something of another version",
    }
}

/// So many minutes in the largest unit that fits.
pub fn span(minutes: u32) -> String {
    let (n, unit) = match minutes {
        m if m >= 1_440 && m.is_multiple_of(1_440) => (m / 1_440, "day"),
        m if m >= 60 && m.is_multiple_of(60) => (m / 60, "hour"),
        m => (m, "minute"),
    };
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}

/// `a, b or c`.
pub fn or(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// 4312 as `4,312`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A purpose, as a person would give it.
pub fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Service => "Serving this customer",
        Purpose::Quality => "Quality of our conversations",
        Purpose::Dispute => "A complaint or dispute",
        Purpose::SubjectRequest => "The person asserts a right",
        Purpose::Legal => "An order or a legal claim",
        Purpose::Security => "Fraud or a security incident",
        Purpose::Audit => "Audit of this program",
    }
}

/// Why a finding was made, from the name of its recogniser.
pub fn recognizer(name: &str) -> &'static str {
    match name {
        "number" => "a number whose form and surroundings fit",
        "written" => "a written pattern that fits exactly",
        "email" => "written or spoken as an e-mail address",
        "spelled" => "spelled letter by letter",
        "name" => "a name where names are said",
        "address" => "the form of an address",
        "date" => "a date where such a date is said",
        "health" => "a word of health care",
        "belief" => "a word of belief, origin or private life",
        "credential" => "said as a secret",
        "tagger" => "the language model recognised it",
        "memory" => "said before in this conversation",
        "answer" => "the answer to a question for it",
        "repeat" => "repeats what was covered elsewhere",
        "correction" => "somebody reported it",
        _ => "heard when the muted copy was heard again",
    }
}

/// What a reading was, from its entry in the ledger.
pub fn reading(kind: &str, act: Option<&str>) -> &'static str {
    match (kind, act) {
        ("access.revealed", _) => "a hidden value, shown once",
        (_, Some("play_muted")) => "heard the muted recording",
        (_, Some("read_subject")) => "this page",
        (_, Some("list_conversations")) => "searched by number or address",
        (_, Some("request_reveal" | "reveal")) => "a hidden value",
        (_, Some("request_correction")) => "a correction",
        _ => "the masked words",
    }
}

/// Milliseconds as `m:ss`, hours in front where there are any.
pub fn clock(ms: u64) -> String {
    let s = ms / 1_000;
    if s >= 3_600 {
        format!("{}:{:02}:{:02}", s / 3_600, s % 3_600 / 60, s % 60)
    } else {
        format!("{}:{:02}", s / 60, s % 60)
    }
}

/// `2026-11-24 02:11` from RFC 3339; what cannot be read is shown as it is.
pub fn when(rfc3339: &str) -> String {
    match rfc3339.parse::<jiff::Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}

/// Who acted, by name where the account is known.
pub fn actor(app: &App, pseudonym: &str) -> String {
    match Actor::parse(pseudonym) {
        Some(Actor::Account(id) | Actor::Service(id)) => {
            app.vault.account(id).map_or_else(|_| format!("account {id}"), |a| a.name)
        }
        Some(Actor::LocalOperator) => "command line".into(),
        Some(Actor::Worker) => "callvault".into(),
        None => pseudonym.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_what_is_no_time_is_not_hidden() {
        assert_eq!(when("2026-11-24T02:11:09.123Z"), "2026-11-24 02:11");
        assert_eq!(when("soon"), "soon");
    }

    #[test]
    fn counts_and_spans_read_as_people_write_them() {
        assert_eq!((number(0), number(999), number(4_312)), ("0".into(), "999".into(), "4,312".into()));
        assert_eq!(number(1_000_000), "1,000,000");
        assert_eq!((or(&["a"]), or(&["a", "b", "c"])), ("a".into(), "a, b or c".into()));
        assert_eq!((span(1), span(60), span(90)), ("1 minute".into(), "1 hour".into(), "90 minutes".into()));
        assert_eq!((span(1_440), span(10_080)), ("1 day".into(), "7 days".into()));
    }
}

//! What an incident's entries and forms are called.

use crate::words;
use callvault_store::EntryRow;

/// A line of the timeline, from the kind and facts of its entry.
pub(super) fn happened(e: &EntryRow) -> String {
    let fact = |name: &str| match e.facts.get(name) {
        Some(serde_json::Value::String(s)) => s.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    match e.kind.as_str() {
        "incident.opened" => format!("opened the incident (playbook {})", fact("playbook")),
        "incident.noted" => "wrote a note".into(),
        "incident.evidence_kept" => format!("kept evidence {}", fact("sha256")),
        "incident.scope_computed" => {
            format!("computed the scope: {} people, {} readings", fact("people"), fact("readings"))
        }
        "incident.notice_drafted" => format!("drafted the notice of {}", fact("clock")),
        "incident.notice_sent" => format!("sent the notice of {}", fact("clock")),
        "account.frozen" => format!("froze an account; {} sessions ended", fact("sessions")),
        "account.thawed" => "let an account in again".into(),
        "alert.decided" => "made an alert part of the incident".into(),
        "incident.changed" => match fact("change").as_str() {
            "phase" => format!("phase: {}", fact("phase")),
            "severity" => format!("severity: {}", fact("severity")),
            "event" => format!("{}: {}", fact("event").replace('_', " "), words::when(&fact("at"))),
            "laws" => format!("laws: {}", fact("laws")),
            "count" => format!("people of {}: {}", fact("place"), fact("people")),
            "role" => format!("{}: another person", fact("role")),
            "task" => format!(
                "task {}: {}",
                fact("task"),
                if fact("done") == "true" { "done" } else { "open again" }
            ),
            other => other.to_owned(),
        },
        other => other.to_owned(),
    }
}

/// A form in which something was seen.
pub(super) fn rendering(code: &str) -> &'static str {
    match code {
        "masked" => "masked words",
        "muted" => "muted recording",
        "value" => "hidden value",
        "subject" => "the person's page",
        "search" => "found by number or address",
        "regression" => "read by the program alone, to try corrections",
        _ => "another form",
    }
}

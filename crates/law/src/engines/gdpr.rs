//! Requests of the people concerned, records of processing, and notices under GDPR, UK GDPR and Californian law.

use crate::{
    case::Case,
    clock::{self, Last},
    dates,
    decide::{Draft, Source},
    pack::Force,
};

/// Clocks of the jurisdictions that answer requests: the answer, and the confirmation of receipt.
fn request_clock(jurisdiction: &str) -> Option<(&'static str, Option<&'static str>)> {
    match jurisdiction.to_ascii_uppercase().as_str() {
        "EU" => Some(("eu.request", None)),
        "UK" | "GB" => Some(("uk.request", None)),
        "US-CA" => Some(("us-ca.request", Some("us-ca.request.ack"))),
        _ => None,
    }
}

fn unknown(case: &Case<'_>, fact: &str, draft: &mut Draft<'_>, own: &Source) {
    case.miss(fact);
    let word = draft.action.unknown.clone();
    draft.because(&format!("{fact}.unknown"), &word, true, own.clone());
}

/// When a request is due, and whether an extension holds.
pub(super) fn dsr_deadline(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let Some((id, ack)) = case.facts.text("jurisdiction").and_then(request_clock) else {
        return unknown(case, "jurisdiction", draft, own);
    };
    // The UK's clock waits for identity and clarification; the later of the dates starts it.
    let start = ["identity_confirmed", "clarified"].iter().filter(|_| id == "uk.request");
    let start = start.filter_map(|f| Some((case.facts.date(f)?, *f))).max();
    let start = start.filter(|(d, _)| Some(*d) > case.facts.date("received")).map_or("received", |(_, f)| f);
    let Some(first) = clock::from_fact(case, id, start, &mut draft.clocks) else {
        return unknown(case, "received", draft, own);
    };
    draft.set("extension_notice_by", first.due.text());
    if let Some(ack) = ack.and_then(|a| clock::from_fact(case, a, "received", &mut draft.clocks)) {
        draft.set("ack_by", ack.due.text());
    }
    let mut answer = first;
    if case.facts.truth("extended") == Some(true) {
        let sent = case.facts.date("extension_notice_sent").map(Last::Day);
        // Nothing sent, and the day on which it had to be sent is over: that is late as well.
        let late = match sent {
            Some(sent) => sent.instant() > first.due.instant(),
            None => {
                case.facts.raw("extension_notice_sent").is_none_or(serde_json::Value::is_null)
                    && Last::Day(case.day).instant() > first.due.instant()
            }
        };
        if late {
            draft.because("extension_notice_late", "reject_extension", false, own.clone());
        } else if let Some(longest) = clock::extended(case, id, start) {
            answer = longest;
        }
    }
    draft.set("nominal", answer.nominal.text());
    draft.set("due", answer.due.text());
}

/// When a refusal of sale, sharing or use of sensitive data must be obeyed.
pub(super) fn optout_deadline(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    if case.facts.text("jurisdiction").is_none_or(|j| !j.eq_ignore_ascii_case("US-CA")) {
        return unknown(case, "jurisdiction", draft, own);
    }
    match clock::from_fact(case, "us-ca.optout", "received", &mut draft.clocks) {
        Some(p) => draft.set("due", p.due.text()),
        None => unknown(case, "received", draft, own),
    }
}

/// What a portable copy holds: what the person provided or what was observed, never what was concluded.
pub(super) fn portability(case: &Case<'_>, draft: &mut Draft<'_>) {
    if draft.word() != "export" {
        return;
    }
    let concluded = case.packs.table("gdpr.concluded");
    let given: Vec<serde_json::Value> = case.facts.list("include").map_or_else(
        || vec!["provided".into(), "observed".into()],
        |list| {
            let kept =
                |v: &&serde_json::Value| v.as_str().is_some_and(|w| !concluded.is_some_and(|t| t.row.has(w)));
            list.iter().filter(kept).cloned().collect()
        },
    );
    draft.set("include", given);
}

/// Whether a record of processing has its fields.
pub(super) fn validate_ropa(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let role = case.facts.text("role").unwrap_or("controller");
    let Some(table) = case.packs.table(&format!("gdpr.ropa.{role}")) else {
        return unknown(case, "role", draft, own);
    };
    let Some(fields) = case.facts.list("fields") else {
        return unknown(case, "fields", draft, own);
    };
    let has = |name: &String| fields.iter().any(|f| f.as_str().is_some_and(|f| f.eq_ignore_ascii_case(name)));
    let missing: Vec<&str> = table.row.words.iter().filter(|w| !has(w)).map(String::as_str).collect();
    if !missing.is_empty() {
        let source = Source::new(&table.row.id, "Record of processing", &table.row.provenance, &table.pack);
        draft.because("art30.fields_missing", "incomplete", false, source);
    }
    draft.set("missing", serde_json::json!(missing));
}

/// Notice to the supervisory authority.
pub(super) fn breach_clock(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let Some(of) = case.facts.text("law").and_then(|law| case.packs.clock(&law.to_ascii_lowercase())) else {
        return unknown(case, "law", draft, own);
    };
    if case.packs.clock(&of.row.id).is_some() && of.row.provenance.force(case.day) != Force::Binding {
        let title = format!("{} {}", of.row.jurisdiction, of.row.duty);
        let source = Source::new(&of.row.id, &title, &of.row.provenance, &of.pack);
        let status = of.row.provenance.status.as_str();
        draft.reasons.clear();
        return draft.because(&format!("status={status}"), "not_in_force", false, source);
    }
    let Some(alarm) = clock::from_fact(case, &of.row.id.clone(), "aware", &mut draft.clocks) else {
        return unknown(case, "aware", draft, own);
    };
    draft.set("alarm", alarm.due.text());
    let hours = of.row.amount.unwrap_or(0);
    let latest =
        case.facts.instant("aware").and_then(|at| dates::regulation_1182(at, hours, &case.public_holidays()));
    // The regulation binds Union law; for other laws the flat hours are the latest too.
    let latest = latest.filter(|_| of.row.jurisdiction == "EU").map(dates::stamp);
    draft.set("latest_1182", latest.unwrap_or_else(|| alarm.due.text()));
}

/// Whether a late notice says why.
pub(super) fn breach_late(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let Some(alarm) = clock::from_fact(case, "gdpr-33", "aware", &mut draft.clocks) else {
        return unknown(case, "aware", draft, own);
    };
    let Some(notified) = case.facts.instant("notified") else {
        return unknown(case, "notified", draft, own);
    };
    draft.set("alarm", alarm.due.text());
    if alarm.due.instant().is_some_and(|end| notified <= end) {
        return draft.because("art33.1.in_time", "on_time", false, own.clone());
    }
    let why = case.facts.get("reasons");
    let said = why.is_some_and(|w| match w {
        serde_json::Value::String(text) => !text.trim().is_empty(),
        serde_json::Value::Array(list) => !list.is_empty(),
        _ => false,
    });
    if !said {
        draft.because("art33.1.reasons_for_delay", "incomplete", false, own.clone());
    }
}

//! Telephone: deadlines and records beside the calls themselves, which are all rules.

use crate::{
    case::Case,
    clock,
    decide::{Draft, Source},
};

/// Deadlines by kind; the id of the clock is `tcpa.` and the kind.
pub(super) fn deadline(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let id = format!("tcpa.{}", case.facts.text("kind").unwrap_or(""));
    let due = clock::from_fact(case, &id, "requested", &mut draft.clocks);
    if due.is_none() {
        case.miss(if case.packs.clock(&id).is_some() { "requested" } else { "kind" });
        draft.because("deadline.unknown", "review", true, own.clone());
    }
    draft.set("due", due.map(|p| p.due.text()));
}

/// Whether a consent record has what 16 CFR 310.5(a)(8) wants.
pub(super) fn consent_record(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let fields = case.facts.list("fields").unwrap_or_default();
    if fields.is_empty() {
        case.miss("fields");
    }
    let Some(table) = case.packs.table("tsr.consent_record") else {
        return draft.because("consent_record.table", "incomplete", true, own.clone());
    };
    let has = |name: &String| fields.iter().any(|f| f.as_str().is_some_and(|f| f.eq_ignore_ascii_case(name)));
    let missing: Vec<&str> = table.row.words.iter().filter(|w| !has(w)).map(String::as_str).collect();
    if !missing.is_empty() {
        let source = Source::new(&table.row.id, "Consent record", &table.row.provenance, &table.pack);
        draft.because("consent_record.incomplete", "incomplete", false, source);
    }
    draft.set("missing", serde_json::json!(missing));
}

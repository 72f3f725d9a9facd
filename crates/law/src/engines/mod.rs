//! What the rules of the packs leave to code: counting, masking, and the fields of each action's answer.

mod breach;
mod card;
mod gdpr;
mod hipaa;
mod inbound;
mod safe_harbor;
mod tcpa;
mod training;

pub(crate) use breach::{Incident, count, due_for, start};
pub(crate) use inbound::{plain, says};

use crate::{
    case::Case,
    dates,
    decide::{Draft, Source},
};
use jiff::civil::Date;

/// Fills in the fields of an action, after its rules were asked.
pub(crate) fn finish(engine: &str, case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    match (engine, draft.action.name.as_str()) {
        ("breach", "state_clock") => breach::state_clock(case, draft),
        ("breach", "earliest") => breach::earliest(case, draft),
        ("gdpr", "dsr_deadline") => gdpr::dsr_deadline(case, draft, own),
        ("gdpr", "optout_deadline") => gdpr::optout_deadline(case, draft, own),
        ("gdpr", "portability") => gdpr::portability(case, draft),
        ("gdpr", "validate_ropa") => gdpr::validate_ropa(case, draft, own),
        ("gdpr", "breach_clock") => gdpr::breach_clock(case, draft, own),
        ("gdpr", "breach_late") => gdpr::breach_late(case, draft, own),
        ("hipaa", "breach_clock") => hipaa::breach_clock(case, draft),
        ("hipaa", "access_deadline") => hipaa::access_deadline(case, draft, own),
        ("hipaa", "accounting_deadline") => hipaa::accounting_deadline(case, draft, own),
        ("hipaa", "safe_harbor") => safe_harbor::field(case, draft, own),
        ("hipaa" | "tcpa", "retention_check") => retention(engine, case, draft, own),
        ("hipaa", "rule_status") => hipaa::rule_status(case, draft, own),
        ("pci", "display") => card::display(case, draft, own),
        ("pci", "detect_pan") => card::detect(case, draft, own),
        ("tcpa", "deadline") => tcpa::deadline(case, draft, own),
        ("tcpa", "classify_inbound_text") => inbound::classify(case, draft, own),
        ("tcpa", "validate_consent_record") => tcpa::consent_record(case, draft, own),
        ("training", "gate") => training::gate(case, draft, own),
        ("training", "cmi5") => training::cmi5(case, draft, own),
        ("training", "recert") => training::recert(case, draft, own),
        ("training", "reassign") => training::reassign(case, draft),
        _ => {}
    }
}

/// May a record be deleted on that day? What no retention covers, and what cannot be dated, is kept.
fn retention(engine: &str, case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let refuse = |code: &str, draft: &mut Draft<'_>| draft.because(code, "deny", true, own.clone());
    let Some(record) = case.facts.text("record") else {
        case.miss("record");
        return refuse("retain.unknown_record", draft);
    };
    let on = case.facts.date("delete_on").unwrap_or(case.day);
    let rows = case.packs.retentions().iter().filter(|r| r.row.covers(engine, record));
    let binding: Vec<_> =
        rows.filter(|r| r.row.provenance.force(case.day) == crate::pack::Force::Binding).collect();
    if binding.is_empty() {
        return refuse("retain.unknown_record", draft);
    }
    let mut longest: Option<Date> = None;
    for of in binding {
        let source = Source::new(&of.row.id, &of.row.reason, &of.row.provenance, &of.pack);
        // A row that nobody trusts would have said how long: then nobody knows.
        if !case.packs.allows(&of.row.id, &of.row.provenance) {
            draft.because(&format!("{}.switched_off", of.row.reason), "deny", true, source);
            continue;
        }
        let first = of.row.start.first().and_then(|f| case.need_date(f));
        let latest = of.row.start.iter().filter_map(|f| case.facts.date(f)).max();
        let until = first.and(latest).and_then(|d: Date| dates::shift(d, of.row.min, of.row.unit, &[]));
        longest = longest.max(until);
        match until {
            Some(until) if on >= until => {}
            Some(_) => draft.because(&of.row.reason, "deny", false, source),
            None => draft.because(&format!("{}.unknown", of.row.reason), "deny", true, source),
        }
    }
    if let Some(until) = longest {
        draft.set("keep_until", until.to_string());
    }
}

//! Facts → findings, purely. One function a check.

mod access;
mod data;
mod keys;
mod ledger;
mod platform;
mod readiness;
mod telephone;
mod transport;

use super::{
    Check, Facts, Finding, Settings, Status, Verdict, catalogue, facts::Node, finding::Waived,
    settings::today,
};
use crate::Error;
use callvault_store::posture::Ids;

/// How one check is judged. `Err` carries the verdict that a missing fact leads to.
pub type Judge = fn(&Facts) -> Result<Verdict, Verdict>;

/// Every check that is read from the machine.
pub fn judges() -> impl Iterator<Item = &'static (&'static str, Judge)> {
    [
        transport::CHECKS,
        keys::CHECKS,
        data::CHECKS,
        access::CHECKS,
        ledger::CHECKS,
        platform::CHECKS,
        readiness::CHECKS,
        telephone::CHECKS,
    ]
    .into_iter()
    .flatten()
}

/// Judges all facts, in the order of the catalogue.
pub fn judge(facts: &Facts, settings: &Settings) -> Result<Vec<Finding>, Error> {
    Ok(catalogue()?.into_iter().map(|check| finding(facts, settings, check)).collect())
}

fn finding(facts: &Facts, settings: &Settings, check: Check) -> Finding {
    let verdict = verdict(facts, &check);
    let waived = (verdict.status == Status::Fail)
        .then(|| settings.waiver(&check.id, facts.at))
        .flatten()
        .map(|w| Waived { until: w.until, by: w.by.clone(), reason: w.reason.clone() });
    Finding { check, status: verdict.status, evidence: verdict.evidence, waived }
}

/// How one check ends on these facts.
pub fn verdict(facts: &Facts, check: &Check) -> Verdict {
    if let Some(days) = check.evidence_days {
        return document(facts, &check.id, days);
    }
    match judges().find(|(id, _)| *id == check.id) {
        Some((_, judge)) => judge(facts).unwrap_or_else(|missing| missing),
        None => Verdict::unknown("this version has no eyes for it"),
    }
}

/// A check that no machine can judge: a document vouches for it, and ages.
fn document(facts: &Facts, id: &str, days: u32) -> Verdict {
    let Some((evidence, there)) = facts.evidence.get(id) else {
        return Verdict::unknown(format!("no document is registered under [evidence.{id}]"));
    };
    let age = (today(facts.at) - evidence.date).get_days();
    let file = evidence.file.as_ref().map(|f| f.display().to_string());
    let mut problems = Vec::new();
    if age < 0 {
        problems.push(format!("its date, {}, lies in the future", evidence.date));
    } else if i64::from(age) > i64::from(days) {
        problems.push(format!("the document of {} is {age} days old; {days} is the most", evidence.date));
    }
    if let (Some(file), false) = (&file, there) {
        problems.push(format!("the document {file} is not there"));
    }
    Verdict::of(problems, format!("a document of {} is registered by {}", evidence.date, evidence.by))
}

/// "3 accounts: a, b, c".
fn named(ids: &Ids, what: &str) -> String {
    let more = ids.count.saturating_sub(ids.first.len() as u64);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} {what}: {}{tail}", ids.count, ids.first.join(", "))
}

/// A problem line if there are any.
fn some(ids: &Ids, what: &str) -> Option<String> {
    (ids.count > 0).then(|| named(ids, what))
}

/// The ids for which `wrong` holds, as a problem line.
fn all<'a, T>(
    of: impl IntoIterator<Item = &'a T>,
    what: &str,
    id: impl Fn(&T) -> String,
    wrong: impl Fn(&T) -> bool,
) -> Option<String>
where
    T: 'a,
{
    let mut ids = Ids::default();
    of.into_iter().filter(|t| wrong(t)).for_each(|t| ids.push(id(t)));
    some(&ids, what)
}

fn bits(node: &Node) -> String {
    format!("{} has mode {:03o}", node.path, node.mode & 0o777)
}

#[cfg(test)]
mod tests;

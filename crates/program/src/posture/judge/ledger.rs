//! Ledger and clock.

use super::{Judge, some};
use crate::posture::{Facts, Verdict};

pub const CHECKS: &[(&str, Judge)] =
    &[("L01", verifies), ("L02", anchors), ("L04", clock), ("L05", kept), ("L06", kinds), ("L09", personal)];

const ANCHOR_DAYS: i64 = 7;
const KEPT_DAYS: i64 = 365;
const SEEN_DAYS: i64 = 30;
/// What a vault with accounts must show within a month.
const EXPECTED: &[&str] = &["session.started", "signin.failed", "access.permitted", "access.denied"];

fn verifies(f: &Facts) -> Result<Verdict, Verdict> {
    let l = f.ledger.get()?;
    Ok(Verdict::of(
        l.broken.iter().cloned().collect(),
        format!("{} entries and every signed checkpoint verified just now", l.size),
    ))
}

fn anchors(f: &Facts) -> Result<Verdict, Verdict> {
    let anchors = f.anchors.get()?;
    if anchors.is_empty() {
        return Ok(Verdict::of(
            vec!["no checkpoint is kept elsewhere: whoever holds the key could write another history".into()],
            "",
        ));
    }
    let mut problems: Vec<String> =
        anchors.iter().filter_map(|a| a.problem.as_ref().map(|p| format!("{}: {p}", a.path))).collect();
    problems.extend(
        anchors
            .iter()
            .filter(|a| a.same_file_system)
            .map(|a| format!("{} lies on the file system of the data", a.path)),
    );
    let newest = anchors.iter().map(|a| a.age_days).min().unwrap_or(i64::MAX);
    if newest > ANCHOR_DAYS {
        problems
            .push(format!("the newest checkpoint elsewhere is {newest} days old; {ANCHOR_DAYS} is the most"));
    }
    Ok(Verdict::of(
        problems,
        format!("{} checkpoint(s) elsewhere agree, the newest {newest} day(s) old", anchors.len()),
    ))
}

fn clock(f: &Facts) -> Result<Verdict, Verdict> {
    let h = f.host.get()?;
    let mut problems: Vec<String> =
        some(&f.census.get()?.clock_steps, "times the clock was set back, before entries")
            .into_iter()
            .collect();
    let back = f.ledger.get()?.went_back;
    if back > 0 {
        problems.push(format!("the time in the ledger runs backwards {back} time(s)"));
    }
    match &h.time_service {
        None => problems.push("no time service is at work".into()),
        Some(_) if problems.is_empty() => {}
        Some(_) => {}
    }
    Ok(Verdict::of(
        problems,
        format!("kept by {}, never set back", h.time_service.as_deref().unwrap_or("nobody")),
    ))
}

fn kept(f: &Facts) -> Result<Verdict, Verdict> {
    let rules = f.rules.get()?;
    let short = rules
        .iter()
        .filter(|r| r.class == "evidence")
        .filter_map(|r| {
            r.days
                .filter(|d| *d < KEPT_DAYS)
                .map(|d| format!("evidence of channel {} is kept for {d} days", r.channel))
        })
        .collect();
    Ok(Verdict::of(short, "nothing shortens the life of the ledger below 365 days"))
}

fn kinds(f: &Facts) -> Result<Verdict, Verdict> {
    let c = f.census.get()?;
    if f.accounts.get()?.is_empty() {
        return Ok(Verdict::not_applicable("there is no account whose acts could be recorded"));
    }
    let missing: Vec<&str> = EXPECTED
        .iter()
        .copied()
        .filter(|kind| c.kinds.get(*kind).is_none_or(|(_, at)| f.days_since(at) > SEEN_DAYS))
        .collect();
    let problems = if missing.is_empty() {
        vec![]
    } else {
        vec![format!("not seen for 30 days: {}", missing.join(", "))]
    };
    Ok(Verdict::of(problems, format!("{} kinds of entries, all expected ones within 30 days", c.kinds.len())))
}

fn personal(f: &Facts) -> Result<Verdict, Verdict> {
    let c = f.census.get()?;
    let problems = [
        some(&c.personal.cards, "entries hold a card number"),
        some(&c.personal.mails, "entries hold an e-mail address"),
        some(&c.personal.numbers, "entries hold a telephone or social-security number"),
        some(&c.unreadable, "entries cannot be read"),
    ];
    Ok(Verdict::of(
        problems.into_iter().flatten().collect(),
        format!("{} entries searched, nothing personal found", c.entries),
    ))
}

//! Ready for the day it happens: dates by law, invented customers, the rehearsal of a restore.

use super::{Judge, named, some};
use crate::posture::{Facts, Verdict};

pub const CHECKS: &[(&str, Judge)] =
    &[("D12", requests), ("R03", clocks), ("R04", canaries), ("R09", rehearsed)];

/// A rehearsal of a restore is repeated within so many days.
const REHEARSED_DAYS: i64 = 90;

fn requests(f: &Facts) -> Result<Verdict, Verdict> {
    let r = &f.promises.get()?.requests;
    Ok(Verdict::of(
        some(&r.overdue, "requests of people are past their last day").into_iter().collect(),
        format!("{} open request(s), none past its last day", r.open),
    ))
}

fn clocks(f: &Facts) -> Result<Verdict, Verdict> {
    let c = &f.promises.get()?.clocks;
    let problems = [
        some(&c.over, "legal clocks ran out without a notice"),
        some(&c.undrafted, "legal clocks have less than 12 hours left and no draft"),
    ];
    Ok(Verdict::of(
        problems.into_iter().flatten().collect(),
        format!("{} open incident(s) with {} clock(s), none over or about to be", c.incidents, c.counted),
    ))
}

fn canaries(f: &Facts) -> Result<Verdict, Verdict> {
    let c = f.canaries.get()?;
    let mut problems = Vec::new();
    if c.planted == 0 {
        problems.push("no invented customer is planted: whoever looks through records is not told of".into());
    }
    if c.untold.count > 0 {
        problems.push(named(&c.untold, "alerts of a touched canary, decided by nobody"));
    }
    Ok(Verdict::of(
        problems,
        format!("{} conversation(s) of invented customers, each touch decided", c.planted),
    ))
}

fn rehearsed(f: &Facts) -> Result<Verdict, Verdict> {
    let kinds = &f.census.get()?.kinds;
    Ok(match kinds.get("vault.restore_rehearsed") {
        None => Verdict::of(vec!["the ledger knows no rehearsal of a restore".into()], ""),
        Some((n, newest)) => {
            let days = f.days_since(newest);
            let late = (days > REHEARSED_DAYS)
                .then(|| format!("the newest rehearsal is {days} days old; {REHEARSED_DAYS} is the most"));
            Verdict::of(
                late.into_iter().collect(),
                format!(
                    "{n} rehearsal(s) of a restore, the newest {days} day(s) old: every key and file opened"
                ),
            )
        }
    })
}

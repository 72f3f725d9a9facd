//! What has a date by law, held against the clock for the audit: the one place that joins requests, incidents and
//! posture, which do not import each other. Needs no key and runs beside a server.

use crate::{
    Error,
    incident::clocks::{self, Standing},
    posture::{
        Seen,
        facts::{LegalClocks, Promises, Requests},
    },
    request::{clock, holidays::Holidays},
};
use callvault_law::Packs;
use callvault_store::{
    incident::{IncidentRow, NoticeRow},
    posture::promised,
    requests::{RequestRow, RequestState},
};
use jiff::{SignedDuration, Timestamp};
use std::path::Path;

/// So long before its end a clock has a draft.
const DRAFTED_HOURS: i64 = 12;

/// Reads a data directory and counts. Without the site's public holidays, which are sealed, a last day is never too late.
pub fn of(data: &Path, packs: &Packs, holidays: &Holidays, now: Timestamp) -> Seen<Promises> {
    let counted = promised(data).map_err(Error::from).and_then(|open| {
        Ok(Promises {
            requests: requests(packs, holidays, &open.requests, now)?,
            clocks: incidents(packs, &open.incidents, now),
        })
    });
    counted.map_err(|e| e.to_string()).into()
}

/// Requests that nobody answered by their last day. One that waits for the person's identity is not late.
pub fn requests(
    packs: &Packs,
    holidays: &Holidays,
    open: &[RequestRow],
    now: Timestamp,
) -> Result<Requests, Error> {
    let mut out = Requests { open: open.len() as u64, ..Requests::default() };
    for row in open.iter().filter(|r| r.state == RequestState::Open) {
        let clock = clock::of(packs, holidays, row, now)?;
        if let (Some(due), Some(..0)) = (&clock.due, clock.days_left) {
            out.overdue.push(format!("{} (due {due})", row.id));
        }
    }
    Ok(out)
}

/// Clocks of open incidents. A target of the house is no law, and a notice that was sent ends its clock.
pub fn incidents(packs: &Packs, open: &[(IncidentRow, Vec<NoticeRow>)], now: Timestamp) -> LegalClocks {
    let mut out = LegalClocks { incidents: open.len() as u64, ..LegalClocks::default() };
    for (incident, notices) in open {
        for c in clocks::countdowns(packs, incident, notices, now) {
            let Some(ends) = c.ends.filter(|_| c.standing != Standing::Target) else { continue };
            out.counted = out.counted.saturating_add(1);
            let line = format!("{} of {}", c.clock, incident.id);
            let drafted = notices.iter().any(|n| n.clock == c.clock);
            let near = ends.duration_since(now) < SignedDuration::from_hours(DRAFTED_HOURS);
            match c.standing {
                Standing::Overdue => out.over.push(line),
                Standing::Soon if near && !drafted => out.undrafted.push(line),
                _ => {}
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;

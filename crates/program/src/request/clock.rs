//! When a request must be answered: from the event that starts the clock, with the extension that was told in time.

use super::{Row, holidays::Holidays};
use crate::Error;
use callvault_law::{DISCLAIMER, Facts, Law, Packs, evaluate, request_clock};
use callvault_store::requests::{Identity, RequestKind, RequestLaw, RequestRow, RequestState};
use jiff::{Timestamp, civil::Date};
use serde::Serialize;

/// A countdown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestClock {
    /// The event that starts it: `receipt`, `identity_confirmed`.
    pub start_event: &'static str,
    /// The day of that event; absent while the clock has not started.
    pub start: Option<String>,
    /// The last day; with the extension if one was told in time.
    pub due: Option<String>,
    /// The same before it moved to a working day.
    pub nominal: Option<String>,
    /// The last day to tell the person of an extension.
    pub extension_notice_by: Option<String>,
    /// The last day an extension can reach.
    pub longest: Option<String>,
    /// The last day to confirm receipt.
    pub acknowledge_by: Option<String>,
    /// Days from today to the last day; negative when it is over.
    pub days_left: Option<i32>,
    /// It waits for the person's identity.
    pub paused: bool,
    /// It was extended in time.
    pub extended: bool,
    /// The notice of the extension was too late, so there is none.
    pub notice_late: bool,
    /// The day of the answer was later than the last day.
    pub answered_late: bool,
    /// What is to be known of it.
    pub says: String,
    /// The rows it rests on.
    pub rows: Vec<Row>,
    /// That none of it is legal advice.
    pub disclaimer: &'static str,
}

fn day(text: &str) -> Result<Date, Error> {
    text.parse().map_err(|_| Error::Shipped("date of a request"))
}

/// The clock of a request as it stands `now`, with the public holidays of the office that answers.
pub fn of(
    packs: &Packs,
    holidays: &Holidays,
    row: &RequestRow,
    now: Timestamp,
) -> Result<RequestClock, Error> {
    let today = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let received = day(&row.received_on)?;
    let mut clock = RequestClock {
        start_event: "receipt",
        start: Some(received.to_string()),
        due: None,
        nominal: None,
        extension_notice_by: None,
        longest: None,
        acknowledge_by: None,
        days_left: None,
        paused: false,
        extended: false,
        notice_late: false,
        answered_late: false,
        says: String::new(),
        rows: Vec::new(),
        disclaimer: DISCLAIMER,
    };
    if matches!(row.kind, RequestKind::OptOut | RequestKind::Limit) {
        opt_out(packs, holidays, received, now, &mut clock)?;
    } else {
        let law = match row.law {
            RequestLaw::Eu => Law::Eu,
            RequestLaw::Uk => Law::Uk,
            RequestLaw::California => Law::California,
            RequestLaw::Hipaa => Law::HipaaAccess,
            RequestLaw::Other => {
                clock.says =
                    "No row of the packs sets a period for this law; decide one with counsel.".into();
                return Ok(clock);
            }
        };
        let start = start(row, received, &mut clock)?;
        answer(packs, law, row, start, holidays, &mut clock)?;
    }
    let until = clock.due.as_deref().map(day).transpose()?;
    if let Some(until) = until.filter(|_| row.state == RequestState::Open && !clock.paused) {
        clock.days_left = today.until(until).ok().map(|s| s.get_days());
    }
    if let (Some(until), Some(answered)) = (until, &row.answered_on) {
        clock.answered_late = day(answered)? > until;
    }
    Ok(clock)
}

/// The UK's clock waits for identity; the others run from receipt whatever is asked.
fn start(row: &RequestRow, received: Date, clock: &mut RequestClock) -> Result<Date, Error> {
    if row.law != RequestLaw::Uk || row.identity_asked_on.is_none() {
        if row.identity == Identity::Asked {
            clock.says =
                "Identity was asked for; under this law the clock is counted from receipt all the same."
                    .into();
        }
        return Ok(received);
    }
    match &row.identity_on {
        Some(on) => {
            clock.start_event = "identity_confirmed";
            clock.start = Some(on.clone());
            Ok(day(on)?.max(received))
        }
        None => {
            clock.start_event = "identity_confirmed";
            clock.start = None;
            clock.paused = true;
            clock.says = "The clock waits until identity is confirmed.".into();
            Ok(received)
        }
    }
}

fn answer(
    packs: &Packs,
    law: Law,
    row: &RequestRow,
    start: Date,
    holidays: &Holidays,
    clock: &mut RequestClock,
) -> Result<(), Error> {
    let closed = holidays.days(row.law);
    let told = row.extended_on.as_deref().map(day).transpose()?;
    let plain = request_clock(packs, law, start, false, &closed)?;
    let in_time = told.is_some_and(|t| t <= plain.extension_notice_by);
    let due = if in_time { request_clock(packs, law, start, true, &closed)? } else { plain };
    clock.extended = in_time;
    clock.notice_late = told.is_some() && !in_time;
    clock.rows.push(Row::from(&due.clock.source));
    if clock.paused {
        return Ok(());
    }
    clock.due = Some(due.due.to_string());
    clock.nominal = Some(due.nominal.to_string());
    clock.extension_notice_by = Some(due.extension_notice_by.to_string());
    clock.longest = Some(due.longest.to_string());
    clock.acknowledge_by = due.acknowledge_by.map(|d| d.to_string());
    if clock.says.is_empty() {
        let known = holidays.knows(row.law, due.nominal.year());
        clock.says = if known { WITH_HOLIDAYS } else { WITHOUT_HOLIDAYS }.into();
    }
    Ok(())
}

const WITH_HOLIDAYS: &str = "Weekends and the public holidays of your office are counted as the law wants.";
const WITHOUT_HOLIDAYS: &str = "Weekends are counted as the law wants; public holidays of your office are not set for that year (page Law), so the day shown is never too late.";

fn opt_out(
    packs: &Packs,
    holidays: &Holidays,
    received: Date,
    now: Timestamp,
    clock: &mut RequestClock,
) -> Result<(), Error> {
    let closed: Vec<String> = holidays.days(RequestLaw::California).iter().map(Date::to_string).collect();
    let facts = Facts::new(serde_json::json!({
        "action": "optout_deadline", "jurisdiction": "US-CA", "received": received.to_string(),
        "public_holidays": closed,
    }))?;
    let answer = evaluate(packs, "gdpr", "optout_deadline", &facts, now)?;
    clock.due = answer.fields.get("due").and_then(|d| d.as_str()).map(str::to_owned);
    clock.nominal.clone_from(&clock.due);
    clock.rows = answer.clocks.iter().map(|c| Row::from(&c.source)).collect();
    clock.says = "Identity need not be shown to be left alone.".into();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use callvault_law::Overlay;
    use callvault_model::id::SubjectRequestId;
    use callvault_store::requests::Arrived;

    fn row(law: RequestLaw, kind: RequestKind, received: &str) -> RequestRow {
        RequestRow {
            id: SubjectRequestId::from_bytes([1; 16]),
            kind,
            law,
            arrived: Arrived::Email,
            received_on: received.into(),
            recorded_at: String::new(),
            recorded_by: String::new(),
            subject: None,
            identity: Identity::Open,
            identity_asked_on: None,
            identity_on: None,
            extended_on: None,
            extension_reason: String::new(),
            purposes: Vec::new(),
            state: RequestState::Open,
            outcome: None,
            answered_on: None,
            closed_at: None,
            note: String::new(),
        }
    }

    fn clock(row: &RequestRow) -> RequestClock {
        let packs = Packs::embedded(Overlay::default()).unwrap();
        of(&packs, &Holidays::default(), row, "2026-09-10T12:00:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn public_holidays_of_the_office_move_the_last_day_and_are_said_to_be_missing_otherwise() {
        let packs = Packs::embedded(Overlay::default()).unwrap();
        let now = "2026-11-26T12:00:00Z".parse().unwrap();
        let set: Holidays = Holidays::for_tests(&[
            ("uk", "2026-12-25"),
            ("uk", "2026-12-28"),
            ("us_ca", "2026-11-26"),
            ("us_ca", "2026-11-27"),
        ]);
        let r = row(RequestLaw::Uk, RequestKind::Access, "2026-11-25");
        let c = of(&packs, &set, &r, now).unwrap();
        assert_eq!((c.due.as_deref(), c.nominal.as_deref()), (Some("2026-12-29"), Some("2026-12-25")));
        assert_eq!(c.says, WITH_HOLIDAYS);
        let without = of(&packs, &Holidays::default(), &r, now).unwrap();
        assert_eq!((without.due.as_deref(), without.says.as_str()), (Some("2026-12-25"), WITHOUT_HOLIDAYS));
        // Another law's holidays move nothing.
        let eu = row(RequestLaw::Eu, RequestKind::Access, "2026-11-25");
        assert_eq!(of(&packs, &set, &eu, now).unwrap().due.as_deref(), Some("2026-12-25"));
        let ca = row(RequestLaw::California, RequestKind::OptOut, "2026-11-20");
        assert_eq!(of(&packs, &Holidays::default(), &ca, now).unwrap().due.as_deref(), Some("2026-12-11"));
        assert_eq!(of(&packs, &set, &ca, now).unwrap().due.as_deref(), Some("2026-12-15"));
    }

    #[test]
    fn a_month_runs_from_receipt_and_moves_to_a_working_day() {
        let c = clock(&row(RequestLaw::Eu, RequestKind::Access, "2026-09-03"));
        assert_eq!((c.due.as_deref(), c.nominal.as_deref()), (Some("2026-10-05"), Some("2026-10-03")));
        assert_eq!((c.start_event, c.days_left, c.paused), ("receipt", Some(25), false));
        assert!(!c.rows[0].cite.is_empty() && !c.rows[0].read.is_empty() && !c.disclaimer.is_empty());
    }

    #[test]
    fn an_extension_counts_when_it_was_told_in_time_and_not_when_late() {
        let mut r = row(RequestLaw::Eu, RequestKind::Erasure, "2026-03-10");
        r.extended_on = Some("2026-04-10".into());
        let c = clock(&r);
        assert_eq!((c.due.as_deref(), c.extended), (Some("2026-06-10"), true));
        r.extended_on = Some("2026-04-13".into());
        let c = clock(&r);
        assert_eq!((c.due.as_deref(), c.extended, c.notice_late), (Some("2026-04-10"), false, true));
    }

    #[test]
    fn the_british_clock_waits_for_identity_and_no_other_does() {
        let mut r = row(RequestLaw::Uk, RequestKind::Access, "2026-09-01");
        assert_eq!(clock(&r).due.as_deref(), Some("2026-10-01"));
        (r.identity, r.identity_asked_on) = (Identity::Asked, Some("2026-09-02".into()));
        let c = clock(&r);
        assert_eq!((c.paused, c.due, c.days_left), (true, None, None));
        (r.identity, r.identity_on) = (Identity::Confirmed, Some("2026-09-08".into()));
        let c = clock(&r);
        assert_eq!((c.start_event, c.due.as_deref()), ("identity_confirmed", Some("2026-10-08")));
        r.law = RequestLaw::Eu;
        assert_eq!(clock(&r).due.as_deref(), Some("2026-10-01"));
    }

    #[test]
    fn california_and_hipaa_have_their_own_and_an_unknown_law_has_none() {
        let c = clock(&row(RequestLaw::California, RequestKind::Access, "2026-03-02"));
        assert_eq!((c.due.as_deref(), c.longest.as_deref()), (Some("2026-04-15"), Some("2026-05-30")));
        assert!(c.acknowledge_by.is_some());
        let c = clock(&row(RequestLaw::California, RequestKind::OptOut, "2026-03-02"));
        assert_eq!(c.due.as_deref(), Some("2026-03-23"));
        assert!(!c.rows.is_empty());
        assert!(clock(&row(RequestLaw::Hipaa, RequestKind::Access, "2026-03-02")).due.is_some());
        let c = clock(&row(RequestLaw::Other, RequestKind::Access, "2026-03-02"));
        assert!(c.due.is_none() && c.says.contains("counsel"));
    }

    #[test]
    fn a_late_answer_is_said_to_be_late() {
        let mut r = row(RequestLaw::Eu, RequestKind::Access, "2026-03-10");
        (r.state, r.answered_on) = (RequestState::Answered, Some("2026-04-11".into()));
        assert!(clock(&r).answered_late);
        r.answered_on = Some("2026-04-10".into());
        assert!(!clock(&r).answered_late);
    }
}

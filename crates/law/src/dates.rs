//! Counting days as statutes do.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Weekday},
};
use serde::{Deserialize, Serialize};

/// How far a count of business days may run; a pack with more is refused, so a loop always ends.
pub(crate) const MAX_AMOUNT: i32 = 100_000;

/// The unit of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Hours, round the clock.
    Hours,
    /// Days of the calendar.
    CalendarDays,
    /// Monday to Friday, without the public holidays that are given.
    BusinessDays,
    /// The same day of a later month; its last day when there is none.
    Months,
    /// The same day of a later year.
    Years,
}

/// A date, or the date in UTC of an instant.
pub(crate) fn date(text: &str) -> Option<Date> {
    if text.len() > 40 {
        return None;
    }
    if text.len() == 10 {
        return text.parse().ok();
    }
    text.parse::<Timestamp>().ok().map(utc_date)
}

/// An instant; a date alone means its first moment in UTC.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    if text.len() == 10 {
        return midnight(text.parse().ok()?);
    }
    (text.len() <= 40).then(|| text.parse().ok())?
}

pub(crate) fn midnight(date: Date) -> Option<Timestamp> {
    jiff::tz::TimeZone::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).ok()
}

pub(crate) fn utc_date(at: Timestamp) -> Date {
    jiff::tz::Offset::UTC.to_datetime(at).date()
}

/// The instant as it is written in answers.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.to_string()
}

pub(crate) fn weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

pub(crate) fn working(date: Date, holidays: &[Date]) -> bool {
    !weekend(date) && !holidays.contains(&date)
}

/// `date` moved by whole days, months or years. Hours are no matter of dates.
pub(crate) fn shift(date: Date, amount: i32, unit: Unit, holidays: &[Date]) -> Option<Date> {
    let n = i64::from(amount);
    match unit {
        Unit::Hours => None,
        Unit::CalendarDays => date.checked_add(n.days()).ok(),
        Unit::Months => date.checked_add(n.months()).ok(),
        Unit::Years => date.checked_add(n.years()).ok(),
        Unit::BusinessDays => {
            let mut at = date;
            let mut left = amount;
            while left > 0 {
                at = at.tomorrow().ok()?;
                if working(at, holidays) {
                    left -= 1;
                }
            }
            Some(at)
        }
    }
}

/// The first working day that is not before `date`.
pub(crate) fn next_working(date: Date, holidays: &[Date]) -> Option<Date> {
    let mut at = date;
    while !working(at, holidays) {
        at = at.tomorrow().ok()?;
    }
    Some(at)
}

/// The latest moment of a period of hours under Regulation (EEC, Euratom) 1182/71: the hour of the event does not
/// count, and a period of two days or more holds at least two working days, each at least in part.
pub(crate) fn regulation_1182(start: Timestamp, hours: i32, holidays: &[Date]) -> Option<Timestamp> {
    const HOUR: i64 = 3_600;
    let second = start.as_second();
    let begins = second - second.rem_euclid(HOUR) + HOUR;
    let end = Timestamp::from_second(begins.checked_add(i64::from(hours) * HOUR)?).ok()?;
    if hours < 48 {
        return Some(end);
    }
    let mut at = utc_date(Timestamp::from_second(begins).ok()?);
    // The end is exclusive: a period that ends at midnight does not touch the day that begins then.
    let last = utc_date(Timestamp::from_second(end.as_second() - 1).ok()?);
    let mut working_days = 0;
    while at <= last {
        working_days += i32::from(working(at, holidays));
        at = at.tomorrow().ok()?;
    }
    if working_days >= 2 {
        return Some(end);
    }
    let mut day = last;
    while working_days < 2 {
        day = day.tomorrow().ok()?;
        working_days += i32::from(working(day, holidays));
    }
    midnight(day.tomorrow().ok()?)
}

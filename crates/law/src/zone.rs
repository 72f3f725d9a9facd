//! Local time in every place where the called party may be, and the holidays there.

use jiff::{
    ToSpan,
    civil::{Date, DateTime, Weekday},
};

/// When calls may be placed on one day: half-open, so a call at the last minute is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    Closed,
    Open(i32, i32),
}

impl Window {
    /// `08:00-21:00`, or `-` for a day without calls.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no window; write 08:00-21:00, or - for no calls");
        if text == "-" {
            return Ok(Self::Closed);
        }
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let minutes = |t: &str| -> Option<i32> {
            let (h, m) = t.split_once(':')?;
            let (h, m): (i32, i32) = (h.parse().ok()?, m.parse().ok()?);
            ((0..=24).contains(&h) && (0..60).contains(&m) && h * 60 + m <= 1440).then_some(h * 60 + m)
        };
        let (from, to) = (minutes(from).ok_or_else(wrong)?, minutes(to).ok_or_else(wrong)?);
        if from < to { Ok(Self::Open(from, to)) } else { Err(wrong()) }
    }

    pub fn holds(self, at: DateTime) -> bool {
        match self {
            Self::Closed => false,
            Self::Open(from, to) => {
                let minute = i32::from(at.hour()) * 60 + i32::from(at.minute());
                (from..to).contains(&minute)
            }
        }
    }
}

/// Whether `date` is the holiday that an entry describes: `12-25`, `nov:thu:4`, `may:mon:last`, `easter-2`,
/// `election`. A fixed one that falls on a Sunday is also kept on Monday; with `shift` one on Saturday also on Friday.
pub(crate) fn is_holiday(date: Date, entry: &str, shift: bool) -> Option<bool> {
    if let Some(days) = entry.strip_prefix("easter-") {
        let days: i64 = days.parse().ok()?;
        return Some(easter(date.year())?.checked_sub(days.days()).ok()? == date);
    }
    if entry == "election" {
        // The Tuesday after the first Monday of November, in even years.
        let monday = Date::new(date.year(), 11, 1).ok()?.nth_weekday_of_month(1, Weekday::Monday).ok()?;
        return Some(date.year() % 2 == 0 && monday.tomorrow().ok()? == date);
    }
    let parts: Vec<&str> = entry.split(':').collect();
    if let [month, day, nth] = parts.as_slice() {
        let first = Date::new(date.year(), month_of(month)?, 1).ok()?;
        let nth = if *nth == "last" { -1 } else { nth.parse().ok()? };
        return Some(first.nth_weekday_of_month(nth, weekday_of(day)?).ok()? == date);
    }
    let (month, day) = entry.split_once('-')?;
    let fixed = |date: Date| Some((date.month(), date.day()) == (month.parse().ok()?, day.parse().ok()?));
    let sunday = date.weekday() == Weekday::Monday && fixed(date.yesterday().ok()?)?;
    let saturday = shift && date.weekday() == Weekday::Friday && fixed(date.tomorrow().ok()?)?;
    Some(fixed(date)? || sunday || saturday)
}

fn month_of(name: &str) -> Option<i8> {
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let at = months.iter().position(|m| *m == name)?;
    i8::try_from(at + 1).ok()
}

fn weekday_of(name: &str) -> Option<Weekday> {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let at = days.iter().position(|d| *d == name)?;
    Weekday::from_monday_zero_offset(i8::try_from(at).ok()?).ok()
}

/// Easter Sunday of the Gregorian calendar (the anonymous computus).
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holidays_are_where_the_calendar_has_them() {
        let is = |d: &str, e: &str| is_holiday(d.parse().unwrap(), e, false).unwrap();
        assert!(
            is("2026-04-03", "easter-2") && is("2026-02-17", "easter-47") && is("2025-04-18", "easter-2")
        );
        assert!(is("2026-11-26", "nov:thu:4") && is("2026-05-25", "may:mon:last"));
        assert!(is("2026-11-03", "election") && !is("2025-11-04", "election"));
        assert!(is("2027-07-05", "07-04") && is("2027-07-04", "07-04") && !is("2026-07-03", "07-04"));
        assert!(is_holiday("2026-07-03".parse().unwrap(), "07-04", true).unwrap());
    }

    #[test]
    fn windows_are_half_open() {
        let window = Window::parse("08:00-20:00").unwrap();
        let at = |t: &str| window.holds(format!("2026-06-10T{t}").parse().unwrap());
        assert!(!at("07:59:59") && at("08:00:00") && at("19:59:59") && !at("20:00:00"));
        assert_eq!(Window::parse("-"), Ok(Window::Closed));
        for bad in ["", "8-20", "20:00-08:00", "08:00-25:00", "08:00"] {
            assert!(Window::parse(bad).is_err(), "{bad}");
        }
    }
}

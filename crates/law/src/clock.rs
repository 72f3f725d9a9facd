//! Periods: when what is due.

use crate::pack::Of;
use crate::{
    case::Case,
    dates::{self, Unit},
    decide::{Due, Source},
    pack::{Clock, Threshold},
};
use jiff::{Timestamp, civil::Date};

/// The last moment of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    Day(Date),
    Moment(Timestamp),
}

impl Last {
    pub fn text(self) -> String {
        match self {
            Self::Day(day) => day.to_string(),
            Self::Moment(at) => dates::stamp(at),
        }
    }

    /// For comparison: a day lasts until its end.
    pub fn instant(self) -> Option<Timestamp> {
        match self {
            Self::Day(day) => dates::midnight(day.tomorrow().ok()?),
            Self::Moment(at) => Some(at),
        }
    }
}

/// A period's end before and after it moved to a working day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub nominal: Last,
    pub due: Last,
}

/// Counts a clock from the text of its start; `amount` is the clock's own, or the extended one.
pub(crate) fn period(clock: &Clock, start: &str, amount: i32, holidays: &[Date]) -> Option<Period> {
    if clock.unit == Unit::Hours {
        let at = dates::instant(start)?;
        let end = at.as_second().checked_add(i64::from(amount) * 3_600)?;
        let end = Timestamp::new(end, at.subsec_nanosecond()).ok()?;
        return Some(Period { nominal: Last::Moment(end), due: Last::Moment(end) });
    }
    let day = dates::date(start)?;
    let amount = if clock.first_day_included { amount.saturating_sub(1) } else { amount };
    let nominal = dates::shift(day, amount, clock.unit, holidays)?;
    let due = if clock.next_working_day { dates::next_working(nominal, holidays)? } else { nominal };
    Some(Period { nominal: Last::Day(nominal), due: Last::Day(due) })
}

/// Whether so many reach the threshold; unknown when nobody counted.
pub(crate) fn reaches(threshold: &Threshold, count: Option<u64>) -> Option<bool> {
    let count = count?;
    Some(match threshold.op.as_str() {
        ">=" => count >= threshold.n,
        ">" => count > threshold.n,
        _ => count < threshold.n,
    })
}

/// The answer's row for a clock.
pub(crate) fn due(of: &Of<Clock>, period: Option<Period>) -> Due {
    let clock = &of.row;
    let title = format!("{} {}", clock.jurisdiction, clock.duty);
    Due {
        clock: clock.id.clone(),
        duty: clock.duty.clone(),
        jurisdiction: clock.jurisdiction.clone(),
        recipients: clock.recipients.clone(),
        due: period.map(|p| p.due.text()),
        nominal: period.map(|p| p.nominal.text()),
        text: clock.text.clone(),
        start: clock.start.clone(),
        source: Source::new(&clock.id, &title, &clock.provenance, &of.pack),
    }
}

/// The clock of this id counted from a fact, and its end. The answer's row is noted even when the start is unknown.
pub(crate) fn from_fact(case: &Case<'_>, id: &str, fact: &str, clocks: &mut Vec<Due>) -> Option<Period> {
    let of = case.packs.clock(id)?;
    let start = case.facts.text(fact);
    let counted = start.and_then(|s| period(&of.row, s, of.row.amount.unwrap_or(0), &case.public_holidays()));
    if counted.is_none() {
        case.miss(fact);
    }
    clocks.push(due(of, counted));
    counted
}

/// The clock's longest period, after an extension.
pub(crate) fn extended(case: &Case<'_>, id: &str, fact: &str) -> Option<Period> {
    let of = case.packs.clock(id)?;
    period(&of.row, case.facts.text(fact)?, of.row.extended?, &case.public_holidays())
}

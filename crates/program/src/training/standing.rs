//! Who stands where: from roles, hire date, attempts, waivers and attestations to a state per course, and the gate.

use callvault_policy::Role;
use jiff::{Span, civil::Date};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long a pass holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// So many days from the pass.
    Days(u32),
    /// Until this day of the next year (month, day): "everybody each January".
    Yearly(i8, i8),
}

/// Who needs which course or which policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The course.
    pub course: String,
    /// Its version that counts; passes of older versions do not.
    pub version: u32,
    /// Whom it concerns.
    pub roles: BTreeSet<Role>,
    /// Days after the hire date.
    pub due_days: u32,
    /// Further days in which the gate stays open.
    pub grace_days: u32,
    /// How long a pass holds.
    pub renewal: Renewal,
    /// Attempts in one day.
    pub attempts_a_day: u32,
    /// The policy that has to be attested, as (id, version).
    pub policy: Option<(String, u32)>,
}

/// One finished attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which course.
    pub course: String,
    /// Which version.
    pub version: u32,
    /// When.
    pub on: Date,
    /// Whether it was enough.
    pub passed: bool,
}

/// Somebody read a policy and says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Which policy.
    pub policy: String,
    /// Which version.
    pub version: u32,
    /// When.
    pub on: Date,
}

/// Somebody is excused from a course for a while, by another person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Which course.
    pub course: String,
    /// The last day.
    pub until: Date,
    /// Id of the account that approved.
    pub by: String,
}

/// What is known of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learner {
    /// Id of the account.
    pub id: String,
    /// What the account may do.
    pub roles: BTreeSet<Role>,
    /// First day.
    pub hired_on: Option<Date>,
    /// Attempts, in any order.
    pub attempts: Vec<Attempt>,
    /// Attestations, in any order.
    pub attestations: Vec<Attestation>,
    /// Waivers, in any order.
    pub waivers: Vec<Waiver>,
}

/// Where somebody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// Passed, and until when that holds.
    Valid {
        /// The last day.
        until: Date,
    },
    /// Excused, and until when.
    Waived {
        /// The last day.
        until: Date,
    },
    /// Not passed yet, and until when there is time.
    Due {
        /// The last day.
        by: Date,
    },
    /// The time is over, the grace is not.
    Grace {
        /// The last day of the grace.
        until: Date,
    },
    /// Never passed, and the grace is over.
    Overdue {
        /// Since this day.
        since: Date,
    },
    /// Was passed, and that ran out; the grace is over.
    Expired {
        /// Since this day.
        since: Date,
    },
    /// Passed, and the policy of this version is not attested.
    Unattested,
}

/// Where somebody stands with one course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Which course.
    pub course: String,
    /// Where.
    pub state: State,
    /// Attempts left today.
    pub attempts_left: u32,
}

impl Standing {
    /// Whether the gate is open as far as this course goes.
    pub fn open(&self) -> bool {
        matches!(
            self.state,
            State::Valid { .. } | State::Waived { .. } | State::Due { .. } | State::Grace { .. }
        )
    }
}

/// Why the gate is closed: a stable code, the course to link to, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Gate {
    /// `training.expired`, `training.overdue` or `training.unattested`.
    pub code: &'static str,
    /// Which course opens it.
    pub course: String,
    /// What, why, cure.
    pub why: String,
}

fn after(day: Date, days: u32) -> Date {
    day.checked_add(Span::new().days(i64::from(days))).unwrap_or(Date::MAX)
}

/// The last day on which a pass of `on` holds.
fn holds_until(on: Date, renewal: Renewal) -> Date {
    match renewal {
        Renewal::Days(days) => after(on, days),
        Renewal::Yearly(month, day) => {
            // The next such day at least half a year away: who passes in December need not sit again in January.
            let earliest = after(on, 183);
            (0..=2i16)
                .filter_map(|n| on.year().checked_add(n).and_then(|year| yearly(year, month, day)))
                .find(|d| *d >= earliest)
                .unwrap_or(Date::MAX)
        }
    }
}

/// The day in a year; the 29th of February is the 28th where there is none.
fn yearly(year: i16, month: i8, day: i8) -> Option<Date> {
    Date::new(year, month, day).or_else(|_| Date::new(year, month, day.min(28))).ok()
}

/// Where somebody stands with every course that concerns him.
pub fn standings(rules: &[Rule], learner: &Learner, today: Date) -> Vec<Standing> {
    rules
        .iter()
        .filter(|r| !r.roles.is_disjoint(&learner.roles))
        .map(|r| standing(r, learner, today))
        .collect()
}

fn standing(rule: &Rule, learner: &Learner, today: Date) -> Standing {
    let tried = learner.attempts.iter().filter(|a| a.course == rule.course && a.on == today).count();
    let left = rule.attempts_a_day.saturating_sub(u32::try_from(tried).unwrap_or(u32::MAX));
    Standing { course: rule.course.clone(), state: state(rule, learner, today), attempts_left: left }
}

fn state(rule: &Rule, learner: &Learner, today: Date) -> State {
    let waived =
        learner.waivers.iter().filter(|w| w.course == rule.course && w.until >= today && w.by != learner.id);
    if let Some(until) = waived.map(|w| w.until).max() {
        return State::Waived { until };
    }
    let passes = learner
        .attempts
        .iter()
        .filter(|a| a.course == rule.course && a.version >= rule.version && a.passed && a.on <= today);
    let Some(last) = passes.map(|a| a.on).max() else { return never(rule, learner, today) };
    let until = holds_until(last, rule.renewal);
    if until < today {
        let grace = after(until, rule.grace_days);
        return if grace >= today {
            State::Grace { until: grace }
        } else {
            State::Expired { since: after(until, 1) }
        };
    }
    let attested = rule.policy.as_ref().is_none_or(|(id, version)| {
        learner.attestations.iter().any(|a| a.policy == *id && a.version >= *version && a.on <= today)
    });
    if attested { State::Valid { until } } else { State::Unattested }
}

fn never(rule: &Rule, learner: &Learner, today: Date) -> State {
    // Without a hire date nobody knows how long there was time: there is none.
    let Some(hired) = learner.hired_on else { return State::Overdue { since: today } };
    let by = after(hired, rule.due_days);
    let grace = after(by, rule.grace_days);
    if by >= today {
        State::Due { by }
    } else if grace >= today {
        State::Grace { until: grace }
    } else {
        State::Overdue { since: after(grace, 1) }
    }
}

/// Whether somebody may play and reveal; the first closed course is named.
pub fn gate(standings: &[Standing]) -> Result<(), Gate> {
    let Some(closed) = standings.iter().find(|s| !s.open()) else { return Ok(()) };
    let course = &closed.course;
    let (code, what) = match closed.state {
        State::Expired { since } => {
            ("training.expired", format!("your pass of the course {course} ran out on {since}"))
        }
        State::Unattested => {
            ("training.unattested", format!("you have not confirmed the policy of the course {course}"))
        }
        _ => ("training.overdue", format!("you have not passed the course {course}, and its time is over")),
    };
    let why = format!("{what}; until then nothing is played or revealed. Take the course, it opens at once");
    Err(Gate { code, course: course.clone(), why })
}

#[cfg(test)]
mod tests;

//! Who stands where with the courses: from roles, the first day, attempts, waivers, recalls and attestations to a state
//! per course, and what that closes. Pure; `store::gate` loads the facts, `limits.cedar` decides.

use crate::{Act, Role};
use callvault_model::id::AccountId;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Acts that a rule can bind to a course.
pub const GATED: &[Act] = &[
    Act::ReadMasked,
    Act::PlayMuted,
    Act::ReadSubject,
    Act::RequestReveal,
    Act::Reveal,
    Act::ApproveReveal,
    Act::ReleaseQuarantine,
    Act::ExportEvidence,
];

/// How long a pass holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// So many days from the pass.
    Days(u32),
    /// Until the end of this day of the next year (month, day): "everybody each January".
    Yearly(i8, i8),
}

/// A policy that has to be confirmed, in the version in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Which policy.
    pub policy: String,
    /// Its version in force.
    pub version: u32,
    /// When that version was published; there is time from then on as for a course.
    pub since: Timestamp,
}

/// Who needs which course for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The course.
    pub course: String,
    /// Its version that counts; passes of older versions do not.
    pub version: u32,
    /// Whom it concerns.
    pub roles: BTreeSet<Role>,
    /// What they may not do without it.
    pub acts: BTreeSet<Act>,
    /// Days in which a new person passes.
    pub due_days: u32,
    /// Further days, after these and after a pass ran out, in which the gate stays open.
    pub grace_days: u32,
    /// How long a pass holds.
    pub renewal: Renewal,
    /// Attempts within 24 hours.
    pub attempts_a_day: u32,
    /// The policy that has to be confirmed besides.
    pub policy: Option<Wanted>,
    /// Since when it is a rule: nobody is late with what was not asked for.
    pub since: Timestamp,
}

/// One attempt that was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which course.
    pub course: String,
    /// Which version.
    pub version: u32,
    /// When.
    pub at: Timestamp,
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
    pub at: Timestamp,
}

/// Somebody is excused from a course for a while, by another person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Which course.
    pub course: String,
    /// From when.
    pub at: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Who excused; `None` is the local operator.
    pub by: Option<AccountId>,
}

/// Somebody has to take a course again, such as after an incident: earlier passes count no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    /// Which course.
    pub course: String,
    /// When it was asked for.
    pub at: Timestamp,
    /// Days in which the gate stays open; none closes it at once.
    pub days: u32,
}

/// What is known of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learner {
    /// The account.
    pub account: Option<AccountId>,
    /// What the account may do, and since when.
    pub roles: BTreeMap<Role, Timestamp>,
    /// First day at work, or when the account was made.
    pub started: Timestamp,
    /// Attempts, in any order.
    pub attempts: Vec<Attempt>,
    /// Attestations, in any order.
    pub attestations: Vec<Attestation>,
    /// Waivers that were not taken back, in any order.
    pub waivers: Vec<Waiver>,
    /// Recalls, in any order.
    pub recalls: Vec<Recall>,
}

/// Where somebody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// Passed, and until when that holds.
    Valid {
        /// The end.
        until: Timestamp,
    },
    /// Excused, and until when.
    Waived {
        /// The end.
        until: Timestamp,
    },
    /// Not passed yet, and until when there is time.
    Due {
        /// The end.
        by: Timestamp,
    },
    /// The time is over, the grace is not.
    Grace {
        /// The end of the grace.
        until: Timestamp,
    },
    /// Never passed, and the grace is over.
    Overdue {
        /// Since when.
        since: Timestamp,
    },
    /// Was passed, and that ran out; the grace is over.
    Expired {
        /// Since when.
        since: Timestamp,
    },
    /// Passed, and the policy of this version is not confirmed.
    Unattested,
}

impl State {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Valid { .. } => "valid",
            Self::Waived { .. } => "waived",
            Self::Due { .. } => "due",
            Self::Grace { .. } => "grace",
            Self::Overdue { .. } => "overdue",
            Self::Expired { .. } => "expired",
            Self::Unattested => "unattested",
        }
    }

    /// When this state begins to be another one by itself, or began.
    pub fn moment(self) -> Option<Timestamp> {
        match self {
            Self::Valid { until } | Self::Waived { until } | Self::Grace { until } => Some(until),
            Self::Due { by } => Some(by),
            Self::Overdue { since } | Self::Expired { since } => Some(since),
            Self::Unattested => None,
        }
    }
}

/// Where somebody stands with one course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Which course.
    pub course: String,
    /// Where.
    #[serde(flatten)]
    pub state: State,
    /// What it is needed for.
    pub acts: BTreeSet<Act>,
    /// Attempts left now.
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

/// Why the gate is closed: the course to link to, and a sentence with what, why and cure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Closed {
    /// Which course opens it.
    pub course: String,
    /// What, why, cure.
    pub why: String,
}

const DAY: i64 = 24;

fn after(at: Timestamp, days: u32) -> Timestamp {
    let hours = SignedDuration::from_hours(i64::from(days).saturating_mul(DAY));
    at.checked_add(hours).unwrap_or(Timestamp::MAX)
}

/// Until when a pass of this moment holds.
fn holds_until(at: Timestamp, renewal: Renewal) -> Timestamp {
    match renewal {
        Renewal::Days(days) => after(at, days),
        Renewal::Yearly(month, day) => {
            // The next such day at least half a year away: who passes in December need not sit again in January.
            let earliest = after(at, 183);
            let year = TimeZone::UTC.to_datetime(at).year();
            (0..=2i16)
                .filter_map(|n| year.checked_add(n).and_then(|year| end_of(year, month, day)))
                .find(|end| *end >= earliest)
                .unwrap_or(Timestamp::MAX)
        }
    }
}

/// The end of the day in a year; the 29th of February is the 28th where there is none.
fn end_of(year: i16, month: i8, day: i8) -> Option<Timestamp> {
    let date = Date::new(year, month, day).or_else(|_| Date::new(year, month, day.min(28))).ok()?;
    TimeZone::UTC.to_timestamp(date.at(23, 59, 59, 0)).ok()
}

/// Where somebody stands with every course that concerns him.
pub fn standings(rules: &[Rule], learner: &Learner, now: Timestamp) -> Vec<Standing> {
    let mine = |rule: &&Rule| rule.roles.iter().any(|r| learner.roles.contains_key(r));
    rules.iter().filter(mine).map(|rule| standing(rule, learner, now)).collect()
}

fn standing(rule: &Rule, learner: &Learner, now: Timestamp) -> Standing {
    let a_day_ago = now.checked_sub(SignedDuration::from_hours(DAY)).unwrap_or(Timestamp::MIN);
    let tried = learner.attempts.iter().filter(|a| a.course == rule.course && a.at > a_day_ago).count();
    Standing {
        course: rule.course.clone(),
        state: state(rule, learner, now),
        acts: rule.acts.clone(),
        attempts_left: rule.attempts_a_day.saturating_sub(u32::try_from(tried).unwrap_or(u32::MAX)),
    }
}

/// Until when every one of these standings stays as it is if nothing new happens: the next moment that any rule of this
/// person's compares with the time. `None`: for ever.
pub fn stands_until(rules: &[Rule], learner: &Learner, now: Timestamp) -> Option<Timestamp> {
    let mine = rules.iter().filter(|rule| rule.roles.iter().any(|r| learner.roles.contains_key(r)));
    mine.flat_map(|rule| moments(rule, learner)).filter(|at| *at > now).min()
}

/// Every time with which [`state`] compares.
fn moments(rule: &Rule, learner: &Learner) -> Vec<Timestamp> {
    let mut out = Vec::new();
    for w in learner.waivers.iter().filter(|w| w.course == rule.course) {
        out.extend([w.at, w.until]);
    }
    for r in learner.recalls.iter().filter(|r| r.course == rule.course) {
        out.extend([r.at, after(r.at, r.days)]);
    }
    for a in learner.attempts.iter().filter(|a| a.course == rule.course && a.passed) {
        let until = holds_until(a.at, rule.renewal);
        out.extend([a.at, until, after(until, rule.grace_days)]);
    }
    if let Some(wanted) = &rule.policy {
        out.push(after(wanted.since, rule.due_days));
        out.extend(learner.attestations.iter().filter(|a| a.policy == wanted.policy).map(|a| a.at));
    }
    let by = due(rule, learner);
    out.extend([by, after(by, rule.grace_days)]);
    out
}

/// Until when somebody who never passed has time.
fn due(rule: &Rule, learner: &Learner) -> Timestamp {
    // The role that was held first counts, so that another one gives no new time.
    let role =
        rule.roles.iter().filter_map(|r| learner.roles.get(r)).min().copied().unwrap_or(Timestamp::MIN);
    after(learner.started.max(role).max(rule.since), rule.due_days)
}

fn state(rule: &Rule, learner: &Learner, now: Timestamp) -> State {
    let waived = learner.waivers.iter().filter(|w| {
        w.course == rule.course && w.at <= now && w.until > now && (w.by.is_none() || w.by != learner.account)
    });
    if let Some(until) = waived.map(|w| w.until).max() {
        return State::Waived { until };
    }
    let recall =
        learner.recalls.iter().filter(|r| r.course == rule.course && r.at <= now).max_by_key(|r| r.at);
    let passes = learner.attempts.iter().filter(|a| {
        a.course == rule.course
            && a.version >= rule.version
            && a.passed
            && a.at <= now
            && recall.is_none_or(|r| a.at > r.at)
    });
    let Some(last) = passes.map(|a| a.at).max() else { return never(rule, learner, recall, now) };
    let until = holds_until(last, rule.renewal);
    if until <= now {
        let grace = after(until, rule.grace_days);
        return if grace > now { State::Grace { until: grace } } else { State::Expired { since: grace } };
    }
    let attested = rule.policy.as_ref().is_none_or(|w| {
        after(w.since, rule.due_days) > now
            || learner
                .attestations
                .iter()
                .any(|a| a.policy == w.policy && a.version >= w.version && a.at <= now)
    });
    if attested { State::Valid { until } } else { State::Unattested }
}

fn never(rule: &Rule, learner: &Learner, recall: Option<&Recall>, now: Timestamp) -> State {
    if let Some(recall) = recall {
        let by = after(recall.at, recall.days);
        return if by > now { State::Due { by } } else { State::Overdue { since: by } };
    }
    let by = due(rule, learner);
    let grace = after(by, rule.grace_days);
    if by > now {
        State::Due { by }
    } else if grace > now {
        State::Grace { until: grace }
    } else {
        State::Overdue { since: grace }
    }
}

/// Whether this act is open as far as courses go; the first closed course is named.
pub fn gate(standings: &[Standing], act: Act) -> Result<(), Closed> {
    let Some(closed) = standings.iter().find(|s| s.acts.contains(&act) && !s.open()) else { return Ok(()) };
    let course = &closed.course;
    let day = |at: Timestamp| TimeZone::UTC.to_datetime(at).date();
    let what = match closed.state {
        State::Expired { since } => format!("Your pass of the course {course} ran out on {}", day(since)),
        State::Unattested => {
            format!("You have not confirmed the policy in force that belongs to the course {course}")
        }
        _ => format!("You have not passed the course {course} yet, and the time for it is over"),
    };
    let why =
        format!("{what}, so this stays closed. Open /courses/{course}; it opens again the moment you pass.");
    Err(Closed { course: course.clone(), why })
}

#[cfg(test)]
mod tests;

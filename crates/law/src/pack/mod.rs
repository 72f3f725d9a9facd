//! Packs: what a rule, a clock, a retention, a table and an action are. Their meaning is in `docs/guide/law.md`.

mod check;
mod load;
mod order;

pub(crate) use load::Of;
pub use load::{PackFile, Packs, Signed, sign};
pub use order::Overlay;

use crate::dates::Unit;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A scalar of a pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A truth.
    Truth(bool),
    /// A number.
    Number(f64),
    /// A text; in a comparison of numbers, the name of a fact.
    Text(String),
}

/// Whether a rule binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It binds between its dates.
    #[default]
    InForce,
    /// Enacted; it binds from its date.
    Scheduled,
    /// Enacted and held back; it binds from its date, when it has one.
    Stayed,
    /// A draft. It never binds and is only shown.
    Proposed,
    /// It bound until its last date.
    Repealed,
}

impl Status {
    /// The word used in packs and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InForce => "in_force",
            Self::Scheduled => "scheduled",
            Self::Stayed => "stayed",
            Self::Proposed => "proposed",
            Self::Repealed => "repealed",
        }
    }
}

/// How well a row is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// One vendor's table, or memory.
    Low,
    /// One secondary source.
    Medium,
    /// The text itself, or two independent sources.
    High,
}

impl Confidence {
    /// The word used in packs and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Where a row comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cite {
    /// The statute, regulation or standard.
    #[serde(rename = "ref")]
    pub reference: String,
    /// What was read: a page, a text, or `from memory`.
    #[serde(default)]
    pub source: String,
}

/// What every row carries.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Provenance {
    /// Whether it binds.
    #[serde(default)]
    pub status: Status,
    /// First day.
    #[serde(default)]
    pub from: Option<Date>,
    /// Last day.
    #[serde(default)]
    pub to: Option<Date>,
    /// Citations, at least one.
    #[serde(default)]
    pub cite: Vec<Cite>,
    /// How well it is known.
    pub confidence: Confidence,
    /// The day on which the source was read.
    pub read: Date,
    /// True when nothing was read: the row is from memory.
    #[serde(default)]
    pub memory: bool,
    /// Counsel who signed the row off.
    #[serde(default)]
    pub reviewed_by: String,
    /// What a reader should know of it.
    #[serde(default)]
    pub note: String,
}

/// When a row binds, seen from one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// It binds.
    Binding,
    /// It does not bind yet, and is shown as a shadow; from this day, when one is set.
    Shadow(Option<Date>),
    /// It does not bind any more.
    Over,
}

impl Provenance {
    /// Whether the row binds on `day`.
    #[must_use]
    pub fn force(&self, day: Date) -> Force {
        if self.to.is_some_and(|to| day > to) {
            return Force::Over;
        }
        match (self.status, self.from) {
            (Status::Proposed, from) => Force::Shadow(from),
            (Status::Stayed | Status::Scheduled, None) => Force::Shadow(None),
            (_, Some(from)) if day < from => Force::Shadow(Some(from)),
            (Status::Repealed, _) if self.to.is_none() => Force::Over,
            _ => Force::Binding,
        }
    }

    /// Nobody signed it off, and it is of low confidence or from memory.
    #[must_use]
    pub fn unreviewed(&self) -> bool {
        self.reviewed_by.is_empty() && (self.memory || self.confidence == Confidence::Low)
    }
}

/// One test of one fact. Exactly one predicate is set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Dotted path of the fact.
    #[serde(default)]
    pub fact: Option<String>,
    /// Predicate 1: equals.
    #[serde(default)]
    pub is: Option<Scalar>,
    /// Predicate 2: equals one of these.
    #[serde(default)]
    pub one_of: Option<Vec<Scalar>>,
    /// Predicate 3: is in the table of this id, as the whole fact, or every item of a list.
    #[serde(default)]
    pub listed: Option<String>,
    /// Predicate 4: is there, and neither null, false nor empty. Never unknown.
    #[serde(default)]
    pub present: Option<bool>,
    /// Predicate 5: is null, false or empty. Unknown when it is missing.
    #[serde(default)]
    pub none: Option<bool>,
    /// Predicate 6: number comparisons, with a number or with another fact.
    #[serde(default)]
    pub at_least: Option<Scalar>,
    /// See `at_least`.
    #[serde(default)]
    pub at_most: Option<Scalar>,
    /// See `at_least`.
    #[serde(default)]
    pub above: Option<Scalar>,
    /// See `at_least`.
    #[serde(default)]
    pub below: Option<Scalar>,
    /// Predicate 7: a share of another fact, in percent.
    #[serde(default)]
    pub share_at_most: Option<Share>,
    /// Predicate 8: a date that is not in the future and not older than this.
    #[serde(default)]
    pub within: Option<Within>,
    /// Predicate 9: a date that is not after another one.
    #[serde(default)]
    pub not_after: Option<String>,
    /// Predicate 10: local time is inside the window of the day, Monday first, in every candidate zone.
    #[serde(default)]
    pub local_time: Option<Vec<String>>,
    /// The only zone of `local_time`, where the law fixes one.
    #[serde(default)]
    pub zone: Option<String>,
    /// Predicate 11: it is a holiday of this state in some candidate zone.
    #[serde(default)]
    pub holiday: Option<String>,
    /// Predicate 12: the called party's consent is good: `express`, `signed` or `written`.
    #[serde(default)]
    pub consent: Option<String>,
    /// Predicate 13: a business relationship of these months.
    #[serde(default)]
    pub relationship: Option<Relationship>,
    /// Predicate 14: a declared emergency covers the called party in this state.
    #[serde(default)]
    pub emergency: Option<String>,
    /// Predicate 15: a revocation is on file: `topic` for this topic, `any` for any topic, `consent` for the consent.
    #[serde(default)]
    pub revoked: Option<String>,
    /// Predicate 16: a list has an item that is not over (`until` is today, later or not given).
    #[serde(default)]
    pub current: Option<bool>,
    /// Predicate 17: is the same text as another fact.
    #[serde(default)]
    pub same_as: Option<String>,
    /// All of these, one level deep.
    #[serde(default)]
    pub all: Option<Vec<Condition>>,
    /// The opposite.
    #[serde(default)]
    pub negate: bool,
    /// What a missing or null fact means, where it is not unknown.
    #[serde(default)]
    pub absent: Option<bool>,
    /// In `unless`: the reason noted when it excuses.
    #[serde(default)]
    pub reason: Option<String>,
    /// In `unless`: the answer when it excuses.
    #[serde(default)]
    pub decision: Option<String>,
}

/// See [`Condition::share_at_most`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The fact that is the whole.
    pub of: String,
    /// Percent.
    pub percent: f64,
}

/// See [`Condition::within`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// How many.
    pub amount: i32,
    /// Of what.
    pub unit: Unit,
    /// The fact that is the later date.
    pub to: String,
}

/// See [`Condition::relationship`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relationship {
    /// Since the last transaction.
    pub transaction_months: i32,
    /// Since the last inquiry.
    pub inquiry_months: i32,
}

/// If `when`, then `require` unless `unless`; otherwise `decision`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rule {
    /// Stable for ever.
    pub id: String,
    /// For people.
    pub title: String,
    /// The engine that asks it.
    pub engine: String,
    /// The actions that ask it.
    pub actions: Vec<String>,
    /// The state in which it applies; none: everywhere.
    #[serde(default)]
    pub state: Option<String>,
    /// All must hold for the rule to apply.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// One that holds excuses.
    #[serde(default)]
    pub unless: Vec<Condition>,
    /// All must hold; empty: the rule answers whenever it applies.
    #[serde(default)]
    pub require: Vec<Condition>,
    /// The answer when what is required does not hold; empty for a mere duty.
    #[serde(default)]
    pub decision: String,
    /// The answer when a fact is unknown; the action's when empty.
    #[serde(default)]
    pub unknown: String,
    /// Short code of the reason.
    #[serde(default)]
    pub reason: String,
    /// The reason where the window of the day is closed all day.
    #[serde(default)]
    pub closed_reason: String,
    /// What must be done when the rule applies and the answer is no refusal.
    #[serde(default)]
    pub obligation: String,
    /// Fields of the answer when it fires.
    #[serde(default)]
    pub set: BTreeMap<String, serde_json::Value>,
    /// Cases that test it.
    #[serde(default)]
    pub tests: Vec<String>,
    /// Where it comes from.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// A period with a named start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Clock {
    /// Stable for ever.
    pub id: String,
    /// Whose law, as in questions: `US-CA`, `EU`, `UK`, `HIPAA`.
    pub jurisdiction: String,
    /// What is due: `individuals`, `regulator`, `media`, `request`, …
    pub duty: String,
    /// The event from which it runs.
    pub start: String,
    /// How many; none where the law names no number.
    #[serde(default)]
    pub amount: Option<i32>,
    /// Of what.
    #[serde(default = "days")]
    pub unit: Unit,
    /// What the law says where it names no number.
    #[serde(default)]
    pub text: String,
    /// The first day is the day of the event.
    #[serde(default)]
    pub first_day_included: bool,
    /// A last day that is no working day moves to the next one.
    #[serde(default)]
    pub next_working_day: bool,
    /// The longest period in all, after an extension, in the same unit.
    #[serde(default)]
    pub extended: Option<i32>,
    /// Not later than this other duty of the same jurisdiction.
    #[serde(default)]
    pub not_later_than: Option<String>,
    /// It runs only for so many.
    #[serde(default)]
    pub threshold: Option<Threshold>,
    /// Codes of those who are told.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// Encrypted data whose keys are safe need no notice.
    #[serde(default)]
    pub encryption_safe_harbor: bool,
    /// What the notice says.
    #[serde(default)]
    pub content: Vec<String>,
    /// Where it comes from.
    #[serde(flatten)]
    pub provenance: Provenance,
}

fn days() -> Unit {
    Unit::CalendarDays
}

/// See [`Clock::threshold`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// `>=`, `>` or `<`.
    pub op: String,
    /// The number.
    pub n: u64,
    /// What is counted: `residents`, `individuals`, `max_in_one_state`.
    pub of: String,
}

/// How long a record is kept at least.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Retention {
    /// Stable for ever.
    pub id: String,
    /// The engine that asks it.
    pub engine: String,
    /// Kinds of records.
    pub records: Vec<String>,
    /// How many.
    pub min: i32,
    /// Of what.
    pub unit: Unit,
    /// The facts with the dates from which it may run; the latest counts, and the first must be known.
    pub start: Vec<String>,
    /// Short code of the reason.
    pub reason: String,
    /// Where it comes from.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// Words, or words with what belongs to each.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Table {
    /// Stable for ever.
    pub id: String,
    /// Members.
    #[serde(default)]
    pub words: Vec<String>,
    /// What belongs to a member.
    #[serde(default)]
    pub rows: BTreeMap<String, Vec<String>>,
    /// Where it comes from.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// What an answer means, whatever the engine calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The law says nothing about it.
    NotApplicable,
    /// It may be done, or nothing is due.
    Allow,
    /// It may be done, and somebody should know.
    AllowWithWarning,
    /// A person decides.
    Review,
    /// It may not be done, or something must be done first.
    Deny,
}

impl Outcome {
    /// The word used in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            Self::Allow => "allow",
            Self::AllowWithWarning => "allow_with_warning",
            Self::Review => "review",
            Self::Deny => "deny",
        }
    }
}

/// A word of an action.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// As it is answered.
    pub word: String,
    /// What it means.
    pub outcome: Outcome,
}

/// A question that an engine answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Action {
    /// The engine.
    pub engine: String,
    /// The action.
    pub name: String,
    /// Its words, strictest first.
    pub words: Vec<Word>,
    /// The answer when no rule speaks.
    pub default: String,
    /// The answer of a rule whose facts are unknown.
    pub unknown: String,
    /// The fact with the states whose rules are asked.
    #[serde(default)]
    pub states: Option<String>,
    /// Where it comes from; cited when no rule speaks.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// One file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// Id and version.
    pub pack: Head,
    /// Actions.
    #[serde(default)]
    pub action: Vec<Action>,
    /// Rules.
    #[serde(default)]
    pub rule: Vec<Rule>,
    /// Clocks.
    #[serde(default)]
    pub clock: Vec<Clock>,
    /// Retentions.
    #[serde(default)]
    pub retention: Vec<Retention>,
    /// Tables.
    #[serde(default)]
    pub table: Vec<Table>,
}

/// Head of a pack.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Id, as the file's name.
    pub id: String,
    /// Version.
    pub version: String,
    /// For people.
    pub title: String,
}

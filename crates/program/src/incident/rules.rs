//! The rules as data: those that ship, and what a site changes of them. Whatever makes no sense is refused whole.

use crate::Error;
use callvault_ledger::{Entry, Value, kind::is_code};
use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

const SHIPPED: &str = include_str!("../../data/detections.toml");
/// Rules at most.
const MAX_RULES: usize = 100;
/// A window is at most so long: a month.
const MAX_WINDOW: i64 = 31 * 1_440;
/// A file of a site is no longer.
const MAX_FILE: u64 = 256 << 10;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Entries.
    Entries,
    /// Different conversations.
    Conversations,
    /// Different people.
    People,
    /// Different values of one fact.
    Facts,
    /// Days of the week on which so many people were read.
    Drip,
    /// Times the median of the peers' busiest days.
    Peers,
    /// People read of whom no conversation came in around that time.
    Unrelated,
    /// People read at an hour at which this account never works.
    Unusual,
    /// A canary.
    Canary,
    /// Without the entry that has to come first and names the same thing.
    Orphan,
    /// The chain of the ledger itself.
    Chain,
}

/// Facts and the values that count; a fact that is absent does not count.
pub type Filter = BTreeMap<String, Vec<String>>;

/// Something that has to come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// Which kinds.
    pub kinds: Vec<String>,
    /// How many.
    pub count: usize,
    /// Only what was done to the account, not by it.
    #[serde(default)]
    pub about: bool,
    /// Which of them.
    #[serde(default)]
    pub filter: Filter,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable id.
    pub id: String,
    /// For people.
    pub title: String,
    /// `critical`, `high` or `medium`.
    pub grade: String,
    /// Where to look first.
    pub look: String,
    /// The kinds that count.
    pub kinds: Vec<String>,
    /// What is counted.
    pub measure: Measure,
    /// The window.
    pub window_minutes: i64,
    /// From so many on.
    pub threshold: usize,
    /// Which fact, for `facts` and `orphan`.
    #[serde(default)]
    pub fact: String,
    /// Which of them count.
    #[serde(default)]
    pub filter: Filter,
    /// Which of them do not.
    #[serde(default)]
    pub filter_not: Filter,
    /// Facts that must be absent.
    #[serde(default)]
    pub missing: Vec<String>,
    /// What has to come first, within the window.
    #[serde(default)]
    pub before: Option<Before>,
    /// Whoever did it: all actors together.
    #[serde(default)]
    pub anyone: bool,
    /// Days of seven, for `drip`.
    #[serde(default)]
    pub days: usize,
    /// Times the median, for `peers`.
    #[serde(default)]
    pub times: usize,
    /// How far around a reading a conversation may be, for `unrelated`.
    #[serde(default)]
    pub around_minutes: i64,
}

impl Rule {
    /// Whether an entry counts for this rule.
    pub fn counts(&self, entry: &Entry) -> bool {
        self.kinds.contains(&entry.kind)
            && passes(&self.filter, entry)
            && (self.filter_not.is_empty() || !passes(&self.filter_not, entry))
            && self.missing.iter().all(|name| !entry.body.contains_key(name.as_str()))
    }

    fn check(&self) -> Result<(), String> {
        let id = &self.id;
        let sound = |t: &str| {
            (1..=40).contains(&t.len())
                && t.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit())
        };
        let kinds = self.kinds.iter().chain(self.before.iter().flat_map(|b| &b.kinds));
        let wrong = [
            (!sound(id), "its id is not made of small letters, digits and hyphens"),
            (
                !["critical", "high", "medium"].contains(&self.grade.as_str()),
                "its grade is not critical, high or medium",
            ),
            (!(1..=MAX_WINDOW).contains(&self.window_minutes), "its window is not 1 minute to 31 days"),
            (!(1..=100_000).contains(&self.threshold), "its threshold is not 1 to 100,000"),
            (!kinds.clone().all(|k| is_code(k)), "one of its kinds is no code of the ledger"),
            (self.kinds.is_empty() && self.measure != Measure::Chain, "it counts no kind"),
            (
                matches!(self.measure, Measure::Facts | Measure::Orphan) && self.fact.is_empty(),
                "it names no fact",
            ),
            (self.measure == Measure::Orphan && self.before.is_none(), "it says not what has to come first"),
            (self.measure == Measure::Drip && !(1..=7).contains(&self.days), "its days are not 1 to 7"),
            (self.measure == Measure::Peers && self.times < 2, "its times are fewer than 2"),
            (
                self.measure == Measure::Unrelated && !(1..=1_440).contains(&self.around_minutes),
                "around_minutes is not 1 to 1440",
            ),
            (
                self.title.is_empty() || self.title.len() > 200 || self.look.len() > 400,
                "its title or its advice is too long or missing",
            ),
            (
                self.before.as_ref().is_some_and(|b| !(1..=1_000).contains(&b.count)),
                "what comes first is not counted from 1 to 1,000",
            ),
        ];
        match wrong.iter().find(|(bad, _)| *bad) {
            Some((_, why)) => Err(format!("rule {id}: {why}")),
            None => Ok(()),
        }
    }
}

/// Whether the facts of an entry pass a filter.
pub fn passes(filter: &Filter, entry: &Entry) -> bool {
    filter.iter().all(|(name, values)| {
        let value = match entry.body.get(name.as_str()) {
            Some(Value::Text(t)) => t.clone(),
            Some(Value::Flag(f)) => f.to_string(),
            Some(Value::Number(n)) => n.to_string(),
            None => return false,
        };
        values.contains(&value)
    })
}

/// What a site changes of one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Another threshold.
    pub threshold: Option<usize>,
    /// Another window.
    pub window_minutes: Option<i64>,
    /// Another grade.
    pub grade: Option<String>,
    /// Off.
    #[serde(default)]
    pub off: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SiteFile {
    time_zone: Option<String>,
    night: Option<(i8, i8)>,
    closed_days: BTreeSet<Date>,
    change: BTreeMap<String, Override>,
    rule: Vec<Rule>,
}

/// The rules in force at a site, and its hours.
#[derive(Debug, Clone)]
pub struct Rules {
    /// In order.
    pub rules: Vec<Rule>,
    /// The site's time.
    pub zone: TimeZone,
    /// Night begins and ends at these hours.
    pub night: (i8, i8),
    /// Days on which nobody works.
    pub closed_days: BTreeSet<Date>,
    /// Rules that ship and are off here.
    pub off: usize,
    /// Rules that take more here than they ship with.
    pub loosened: usize,
}

impl Rules {
    /// The rules that ship, in UTC.
    ///
    /// # Errors
    /// The shipped file is broken.
    pub fn shipped() -> Result<Self, Error> {
        Self::of("").map_err(|_| Error::Shipped("list of detections"))
    }

    /// With the file of a site.
    ///
    /// # Errors
    /// It cannot be read, or says something that makes no sense.
    pub fn with_site(path: &Path) -> Result<Self, Error> {
        let wrong = |what: String| Error::Content { path: path.to_owned(), what };
        let length =
            std::fs::metadata(path).map_err(|source| Error::File { path: path.to_owned(), source })?.len();
        if length > MAX_FILE {
            return Err(wrong("it is longer than 256 KiB".into()));
        }
        let text =
            std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        Self::of(&text).map_err(wrong)
    }

    /// With the text of a site's file.
    ///
    /// # Errors
    /// What makes no sense in it.
    pub fn of(site: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Shipped {
            rule: Vec<Rule>,
        }
        let shipped: Shipped = toml::from_str(SHIPPED).map_err(|e| e.message().to_owned())?;
        let site: SiteFile = toml::from_str(site).map_err(|e| e.message().to_owned())?;
        let mut rules = shipped.rule;
        let (mut off, mut loosened) = (0, 0);
        for (id, change) in &site.change {
            let rule = rules
                .iter_mut()
                .find(|r| r.id == *id)
                .ok_or_else(|| format!("change of {id}: there is no such rule"))?;
            let before = (rule.threshold, rule.window_minutes);
            rule.threshold = change.threshold.unwrap_or(rule.threshold);
            rule.window_minutes = change.window_minutes.unwrap_or(rule.window_minutes);
            if let Some(grade) = &change.grade {
                rule.grade.clone_from(grade);
            }
            off += usize::from(change.off);
            loosened += usize::from(rule.threshold > before.0 || rule.window_minutes < before.1);
        }
        rules.retain(|r| !site.change.get(&r.id).is_some_and(|c| c.off));
        rules.extend(site.rule);
        if rules.len() > MAX_RULES {
            return Err(format!("{} rules; at most {MAX_RULES} are watched", rules.len()));
        }
        let mut ids = BTreeSet::new();
        for rule in &rules {
            rule.check()?;
            if !ids.insert(&rule.id) {
                return Err(format!("rule {}: it is there twice", rule.id));
            }
        }
        let night = site.night.unwrap_or((22, 6));
        if !(0..24).contains(&night.0) || !(0..24).contains(&night.1) {
            return Err("night: hours are 0 to 23".into());
        }
        let zone = match &site.time_zone {
            Some(name) => TimeZone::get(name).map_err(|_| format!("time_zone: {name} is not known here"))?,
            None => TimeZone::UTC,
        };
        Ok(Self { rules, zone, night, closed_days: site.closed_days, off, loosened })
    }

    /// A hash of what is in force, for the ledger.
    pub fn hash(&self) -> String {
        let text =
            format!("{:?}|{:?}|{:?}|{:?}", self.rules, self.zone.iana_name(), self.night, self.closed_days);
        callvault_store::hex(&callvault_seal::sha256(text.as_bytes()))
    }

    /// How far back entries matter.
    pub fn memory_minutes(&self) -> i64 {
        let longest = self.rules.iter().map(|r| r.window_minutes).max().unwrap_or(0);
        // Hours of work are remembered for four weeks.
        longest.max(29 * 1_440)
    }
}

//! Detections over the ledger: rules are data, windows slide, memory is bounded. Pure: entries in, alerts out; after a
//! restart the same entries give the same alerts.

use crate::Error;
use callvault_ledger::{Entry, Value};
use callvault_model::id::SubjectId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const RULES: &str = include_str!("../../data/detections.toml");
/// Entries remembered of one actor; more within a window is an alert long before.
const MOST_REMEMBERED: usize = 5_000;
/// Days of the slow drip: on so many of seven.
const DRIP_DAYS: usize = 5;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Entries.
    Entries,
    /// Different conversations.
    Conversations,
    /// Different people; where an entry names none, different conversations.
    People,
}

/// Something that has to come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// Which kinds.
    pub kinds: Vec<String>,
    /// How many.
    pub count: usize,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable id.
    pub id: String,
    /// For people.
    pub title: String,
    /// `high` or `medium`.
    pub grade: String,
    /// The kinds that count.
    pub kinds: Vec<String>,
    /// What is counted.
    pub measure: Measure,
    /// The window.
    pub window_minutes: i64,
    /// From so many on.
    pub threshold: usize,
    /// What has to come first, within the window.
    #[serde(default)]
    pub before: Option<Before>,
    /// Only at night.
    #[serde(default)]
    pub night: bool,
    /// Whoever did it: all actors together.
    #[serde(default)]
    pub anyone: bool,
}

impl Rule {
    fn mentions(&self, kind: &str) -> bool {
        let named = |kinds: &[String]| kinds.iter().any(|k| k == kind);
        named(&self.kinds) || self.before.as_ref().is_some_and(|b| named(&b.kinds))
    }
}

/// What the site adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// Invented people that nobody has a reason to read.
    pub canaries: BTreeSet<SubjectId>,
    /// Night begins and ends at these hours of the site's time.
    pub night: (i8, i8),
    /// The site's time, in minutes ahead of UTC.
    pub utc_offset_minutes: i64,
    /// Different people a day from which a slow drip counts.
    pub drip_a_day: usize,
    /// How much more than the median of the others counts, and from how many on.
    pub peers: (usize, usize),
}

impl Default for Site {
    fn default() -> Self {
        Self {
            canaries: BTreeSet::new(),
            night: (22, 6),
            utc_offset_minutes: 0,
            drip_a_day: 90,
            peers: (4, 60),
        }
    }
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Which rule.
    pub rule: String,
    /// For people.
    pub title: String,
    /// `critical`, `high` or `medium`.
    pub grade: String,
    /// Who.
    pub actor: String,
    /// When the threshold was reached.
    pub at: Timestamp,
    /// The entry that reached it.
    pub seq: u64,
    /// How much was counted.
    pub count: usize,
}

/// The rules that ship with the program.
pub fn rules() -> Result<Vec<Rule>, Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct All {
        rule: Vec<Rule>,
    }
    let all: All = toml::from_str(RULES).map_err(|_| Error::Shipped("list of detections"))?;
    Ok(all.rule)
}

#[derive(Debug, Clone)]
struct Seen {
    at: Timestamp,
    kind: String,
    conversation: String,
    person: String,
}

#[derive(Debug, Default)]
struct Actor {
    seen: VecDeque<Seen>,
    /// Day → different people read.
    days: BTreeMap<i64, BTreeSet<String>>,
    /// Rule → when it was told last; told again once a window.
    told: BTreeMap<String, Timestamp>,
}

/// Watches entries in order.
#[derive(Debug)]
pub struct Watch {
    rules: Vec<Rule>,
    site: Site,
    longest: SignedDuration,
    actors: BTreeMap<String, Actor>,
}

/// All actors together.
const ANYONE: &str = "anyone";

impl Watch {
    /// With these rules.
    pub fn new(rules: Vec<Rule>, site: Site) -> Self {
        let longest = rules.iter().map(|r| r.window_minutes).max().unwrap_or(0);
        Self { rules, site, longest: SignedDuration::from_mins(longest), actors: BTreeMap::new() }
    }

    /// The next entry; the alerts that it completes.
    pub fn see(&mut self, entry: &Entry) -> Vec<Alert> {
        let mut out = Vec::new();
        let person = entry.subject.map(|s| s.to_string());
        let conversation = entry.conversation.map(|c| c.to_string()).unwrap_or_default();
        let seen = Seen {
            at: entry.at,
            kind: entry.kind.clone(),
            person: person.unwrap_or_else(|| conversation.clone()),
            conversation,
        };
        // What is done to an account counts for that account, too.
        let about = entry.body.get("account").filter(|_| !is_read(&entry.kind)).and_then(|v| match v {
            Value::Text(id) => Some(format!("account:{id}")),
            _ => None,
        });
        self.one(&entry.actor, &seen, entry, &mut out);
        if let Some(about) = about.filter(|a| *a != entry.actor) {
            self.one(&about, &seen, entry, &mut out);
        }
        // Of everybody together only what a rule asks for is remembered.
        if self.rules.iter().any(|r| r.anyone && r.mentions(&seen.kind)) {
            self.one(ANYONE, &seen, entry, &mut out);
        }
        out
    }

    fn one(&mut self, name: &str, seen: &Seen, entry: &Entry, out: &mut Vec<Alert>) {
        let actor = self.actors.entry(name.to_owned()).or_default();
        actor.seen.push_back(seen.clone());
        while actor.seen.len() > MOST_REMEMBERED
            || actor.seen.front().is_some_and(|s| seen.at.duration_since(s.at) > self.longest)
        {
            actor.seen.pop_front();
        }
        let anyone = name == ANYONE;
        for rule in self.rules.iter().filter(|r| r.anyone == anyone && r.kinds.contains(&seen.kind)) {
            if rule.night && !at_night(&self.site, seen.at) {
                continue;
            }
            if let Some(count) = reached(rule, actor, &self.site, seen.at) {
                tell(
                    actor,
                    rule.id.as_str(),
                    &rule.title,
                    &rule.grade,
                    rule.window_minutes,
                    name,
                    entry,
                    count,
                    out,
                );
            }
        }
        if anyone || !is_read(&seen.kind) || seen.person.is_empty() {
            return;
        }
        if entry.subject.is_some_and(|s| self.site.canaries.contains(&s)) {
            tell(
                actor,
                "canary",
                "An invented customer was read, whom nobody has a reason to read",
                "critical",
                1,
                name,
                entry,
                1,
                out,
            );
        }
        let day = seen.at.as_second().div_euclid(86_400);
        actor.days.entry(day).or_default().insert(seen.person.clone());
        actor.days.retain(|d, _| *d > day.saturating_sub(7));
        let busy = actor.days.values().filter(|p| p.len() >= self.site.drip_a_day).count();
        if busy >= DRIP_DAYS {
            tell(
                actor,
                "slow-drip",
                "One account read many different people on most days of a week",
                "high",
                10_080,
                name,
                entry,
                busy,
                out,
            );
        }
        self.peers(name, day, entry, out);
    }

    /// Much more than the others read on the same day.
    fn peers(&mut self, name: &str, day: i64, entry: &Entry, out: &mut Vec<Alert>) {
        let (times, least) = self.site.peers;
        let mine = self.actors.get(name).and_then(|a| a.days.get(&day)).map_or(0, BTreeSet::len);
        if mine < least {
            return;
        }
        let mut others: Vec<usize> = self
            .actors
            .iter()
            .filter(|(n, _)| *n != name && *n != ANYONE)
            .filter_map(|(_, a)| a.days.values().map(BTreeSet::len).max())
            .collect();
        others.sort_unstable();
        let Some(median) = others.get(others.len() / 2).filter(|_| others.len() >= 5).copied() else {
            return;
        };
        if mine > median.saturating_mul(times)
            && let Some(actor) = self.actors.get_mut(name)
        {
            tell(
                actor,
                "unlike-peers",
                "One account read several times as many people as its peers on their busiest day",
                "high",
                1440,
                name,
                entry,
                mine,
                out,
            );
        }
    }
}

fn is_read(kind: &str) -> bool {
    matches!(kind, "access.permitted" | "access.revealed")
}

fn at_night(site: &Site, at: Timestamp) -> bool {
    let minutes = at.as_second().div_euclid(60).saturating_add(site.utc_offset_minutes);
    let hour = i8::try_from(minutes.div_euclid(60).rem_euclid(24)).unwrap_or(0);
    let (from, to) = site.night;
    if from <= to { (from..to).contains(&hour) } else { hour >= from || hour < to }
}

/// The count, if the threshold is reached.
fn reached(rule: &Rule, actor: &Actor, site: &Site, now: Timestamp) -> Option<usize> {
    let window = SignedDuration::from_mins(rule.window_minutes);
    let inside = || actor.seen.iter().filter(|s| now.duration_since(s.at) <= window);
    if let Some(before) = &rule.before {
        let first = inside().filter(|s| before.kinds.contains(&s.kind)).count();
        if first < before.count {
            return None;
        }
    }
    let counted = inside().filter(|s| rule.kinds.contains(&s.kind) && (!rule.night || at_night(site, s.at)));
    let count = match rule.measure {
        Measure::Entries => counted.count(),
        Measure::Conversations => counted.map(|s| &s.conversation).collect::<BTreeSet<_>>().len(),
        Measure::People => counted.map(|s| &s.person).collect::<BTreeSet<_>>().len(),
    };
    (count >= rule.threshold).then_some(count)
}

#[expect(clippy::too_many_arguments, reason = "one line of an alert each")]
fn tell(
    actor: &mut Actor,
    rule: &str,
    title: &str,
    grade: &str,
    window_minutes: i64,
    name: &str,
    entry: &Entry,
    count: usize,
    out: &mut Vec<Alert>,
) {
    let again = actor
        .told
        .get(rule)
        .is_none_or(|t| entry.at.duration_since(*t) > SignedDuration::from_mins(window_minutes));
    if !again {
        return;
    }
    actor.told.insert(rule.to_owned(), entry.at);
    out.push(Alert {
        rule: rule.to_owned(),
        title: title.to_owned(),
        grade: grade.to_owned(),
        actor: name.to_owned(),
        at: entry.at,
        seq: entry.seq,
        count,
    });
}

#[cfg(test)]
mod tests;

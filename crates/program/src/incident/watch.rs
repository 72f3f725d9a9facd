//! Detections over the ledger: windows slide, memory is bounded. Pure: entries in, alerts out; after a restart the same
//! entries give the same alerts.

use super::rules::{Measure, Rule, Rules, passes};
use callvault_ledger::{Entry, Value};
use callvault_store::incident::{NewAlert, Observed, canary::Canaries};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

mod actor;
mod window;

use actor::Actor;
use window::Item;

/// Readings that wait to be explained; the oldest give way.
const MOST_WAITING: usize = 500_000;
/// Actors remembered; more are forgotten longest idle first.
const MAX_ACTORS: usize = 20_000;
/// All actors together.
const ANYONE: &str = "anyone";
const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// A watch that has seen fewer days knows nobody's habits.
const YOUNG_DAYS: i64 = 7;

/// Watches entries in order.
#[derive(Debug)]
pub struct Watch {
    rules: Vec<Arc<Rule>>,
    site: Rules,
    canaries: Canaries,
    actors: HashMap<String, Actor>,
    /// Person → when a conversation of theirs came in last.
    came: HashMap<u128, i64>,
    /// Peer group → readings decided as related, and all decided, in all.
    related: HashMap<String, (u64, u64)>,
    /// Night → accounts of a group that read in it.
    awake: BTreeMap<(i64, String), HashSet<String>>,
    /// Readings that wait to be explained, oldest first.
    waiting: VecDeque<(String, Waiting)>,
    began: Option<i64>,
    swept: i64,
}

/// A reading of which it is not known yet whether a conversation explains it.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    person: u128,
    at: i64,
    seq: u64,
}

/// One actor's part in one entry.
struct Part<'a> {
    name: &'a str,
    entry: &'a Entry,
    people: &'a [u128],
    at: i64,
    /// What was done to the account, not by it.
    about: bool,
    canary: bool,
}

impl Watch {
    /// With these rules and canaries.
    pub fn new(site: Rules, canaries: Canaries) -> Self {
        Self {
            rules: site.rules.iter().cloned().map(Arc::new).collect(),
            site,
            canaries,
            actors: HashMap::new(),
            came: HashMap::new(),
            related: HashMap::new(),
            awake: BTreeMap::new(),
            waiting: VecDeque::new(),
            began: None,
            swept: i64::MIN,
        }
    }

    /// Other canaries from now on.
    pub fn set_canaries(&mut self, canaries: Canaries) {
        self.canaries = canaries;
    }

    /// A rule was told of an actor at that time, before this watch began.
    pub fn was_told(&mut self, rule: &str, actor: &str, at: Timestamp) {
        if let Some(n) = self.rules.iter().position(|r| r.id == rule) {
            let told = self.actors.entry(actor.to_owned()).or_default();
            told.told.insert(n, at.as_millisecond());
        }
    }

    /// What a look back told does not count: the vault knows what was really told.
    pub fn forget_told(&mut self) {
        self.actors.values_mut().for_each(|a| a.told.clear());
    }

    /// The ledger is broken at an entry.
    pub fn broken(&mut self, seq: u64, why: &str, at: Timestamp) -> Vec<NewAlert> {
        let found = self.rules.iter().find(|r| r.measure == Measure::Chain);
        found
            .map(|rule| NewAlert {
                rule: rule.id.clone(),
                title: rule.title.clone(),
                grade: rule.grade.clone(),
                actor: "vault".into(),
                at,
                seq,
                count: 1,
                why: format!("Entry {seq}: {why}."),
                entries: vec![seq],
            })
            .into_iter()
            .collect()
    }

    /// The next entry; the alerts that it completes.
    pub fn see(&mut self, seen: &Observed) -> Vec<NewAlert> {
        let entry = &seen.entry;
        let at = entry.at.as_millisecond();
        self.began.get_or_insert(at);
        let mut out = Vec::new();
        let people: Vec<u128> = seen.people.iter().map(|s| u128::from_be_bytes(*s.as_bytes())).collect();
        if entry.kind == "conversation.received" {
            for person in &people {
                self.came.insert(*person, at);
            }
        }
        self.decide_waiting(at, &mut out);
        let canary = entry.subject.is_some_and(|s| self.canaries.people.contains(&s))
            || entry.conversation.is_some_and(|c| self.canaries.conversations.contains(&c))
            || seen.people.iter().any(|s| self.canaries.people.contains(s));
        // What is done to an account counts for that account; what the program does for nobody.
        let about = match entry.body.get("account") {
            Some(Value::Text(id)) if !is_read(&entry.kind) => Some(format!("account:{id}")),
            _ => None,
        };
        let part = |name, about| Part { name, entry, people: &people, at, about, canary };
        if entry.actor != "worker" {
            let actor = self.actor(&entry.actor);
            if actor.group != seen.group {
                actor.group.clone_from(&seen.group);
            }
            self.one(&part(&entry.actor, false), &mut out);
        }
        if let Some(name) = about.as_deref().filter(|a| *a != entry.actor) {
            self.one(&part(name, true), &mut out);
        }
        self.one(&part(ANYONE, false), &mut out);
        self.sweep(at);
        out
    }

    fn one(&mut self, part: &Part<'_>, out: &mut Vec<NewAlert>) {
        let anyone = part.name == ANYONE;
        for n in 0..self.rules.len() {
            let Some(rule) = self.rules.get(n).map(Arc::clone) else { continue };
            if rule.anyone != anyone {
                continue;
            }
            let before = rule.before.as_ref().is_some_and(|b| {
                b.kinds.contains(&part.entry.kind)
                    && (!b.about || part.about)
                    && passes(&b.filter, part.entry)
            });
            let counts = rule.counts(part.entry);
            if !before && !counts {
                continue;
            }
            if before {
                let key = if rule.measure == Measure::Orphan { fact(part.entry, &rule.fact) } else { 0 };
                let span = rule.window_minutes.saturating_mul(MINUTE_MS);
                let window = self.actor(part.name).before(n);
                window.push(Item { at: part.at, key, seq: part.entry.seq }, span);
            }
            // What is done to an account is no reading of the account, unless it is the thing that is counted.
            if counts && (!is_read(&part.entry.kind) || !part.about) {
                self.count(n, part, out);
            }
        }
        if is_read(&part.entry.kind) && !anyone {
            self.remember_hours(part);
        }
        if let Some(actor) = self.actors.get_mut(part.name) {
            actor.last = part.at;
        }
    }

    fn count(&mut self, n: usize, part: &Part<'_>, out: &mut Vec<NewAlert>) {
        let Some(rule) = self.rules.get(n).map(Arc::clone) else { return };
        let span = rule.window_minutes.saturating_mul(MINUTE_MS);
        let keys: Vec<u128> = match rule.measure {
            Measure::Entries => vec![u128::from(part.entry.seq)],
            Measure::Canary if part.canary => vec![u128::from(part.entry.seq)],
            Measure::Conversations => {
                part.entry.conversation.iter().map(|c| u128::from_be_bytes(*c.as_bytes())).collect()
            }
            Measure::Facts => part
                .entry
                .body
                .contains_key(rule.fact.as_str())
                .then(|| fact(part.entry, &rule.fact))
                .into_iter()
                .collect(),
            Measure::People => part.people.to_vec(),
            Measure::Unusual if self.unusual(part) => part.people.to_vec(),
            Measure::Orphan => {
                let key = fact(part.entry, &rule.fact);
                let known = self.actor(part.name).before(n).has(key, part.at, span);
                if known { Vec::new() } else { vec![u128::from(part.entry.seq)] }
            }
            Measure::Drip | Measure::Peers => return self.by_day(n, &rule, part, out),
            Measure::Unrelated => return self.wait(part),
            Measure::Canary | Measure::Unusual | Measure::Chain => return,
        };
        let actor = self.actor(part.name);
        if let Some(before) = rule.before.as_ref().filter(|_| rule.measure != Measure::Orphan)
            && actor.before(n).within(part.at, span) < before.count
        {
            return;
        }
        let window = actor.window(n);
        for key in keys {
            window.push(Item { at: part.at, key, seq: part.entry.seq }, span);
        }
        window.expire(part.at, span);
        let count = window.different();
        if count < rule.threshold || window.newest() != Some(part.entry.seq) {
            return;
        }
        let entries = window.entries();
        let why = format!(
            "{count} {} within {}; the rule begins at {}.",
            what(&rule, count),
            span_words(rule.window_minutes),
            rule.threshold
        );
        self.tell(n, part.name, (part.at, part.entry), count, why, entries, out);
    }

    /// Different people by day: on most days of a week, or several times as many as the peers.
    fn by_day(&mut self, n: usize, rule: &Rule, part: &Part<'_>, out: &mut Vec<NewAlert>) {
        let day = part.at.div_euclid(DAY_MS);
        let actor = self.actor(part.name);
        actor.read_on(n, day, part.people);
        let today = actor.people_on(n, day);
        if today < rule.threshold {
            return;
        }
        if rule.measure == Measure::Drip {
            let busy = actor.busy_days(n, day, rule.threshold);
            if busy >= rule.days {
                let why =
                    format!("At least {} different people on {busy} of the last 7 days.", rule.threshold);
                self.tell(n, part.name, (part.at, part.entry), busy, why, vec![part.entry.seq], out);
            }
            return;
        }
        if self.told_lately(n, part.name, part.at) {
            return;
        }
        let group = self.actor(part.name).group.clone();
        let mut others: Vec<usize> = self
            .actors
            .iter()
            .filter(|(name, a)| *name != part.name && a.group == group)
            .filter_map(|(_, a)| a.busiest(n, day))
            .collect();
        others.sort_unstable();
        let Some(median) = others.get(others.len() / 2).filter(|_| others.len() >= 5).copied() else {
            return;
        };
        if today > median.saturating_mul(rule.times) {
            let why = format!(
                "{today} different people today; the median of {} peers on their busiest day of the week is {median}.",
                others.len()
            );
            self.tell(n, part.name, (part.at, part.entry), today, why, vec![part.entry.seq], out);
        }
    }

    /// A reading waits until it is known whether a conversation of the person came in around it.
    fn wait(&mut self, part: &Part<'_>) {
        for person in part.people {
            let w = Waiting { person: *person, at: part.at, seq: part.entry.seq };
            self.waiting.push_back((part.name.to_owned(), w));
        }
        while self.waiting.len() > MOST_WAITING {
            self.waiting.pop_front();
        }
    }

    /// Time went on, whether or not something happened: readings whose time to be explained is over.
    pub fn tick(&mut self, now: Timestamp) -> Vec<NewAlert> {
        let mut out = Vec::new();
        self.decide_waiting(now.as_millisecond(), &mut out);
        out
    }

    fn decide_waiting(&mut self, now: i64, out: &mut Vec<NewAlert>) {
        let found = self.rules.iter().enumerate().find(|(_, r)| r.measure == Measure::Unrelated);
        let Some((n, rule)) = found.map(|(n, r)| (n, Arc::clone(r))) else { return };
        let around = rule.around_minutes.saturating_mul(MINUTE_MS);
        while self.waiting.front().is_some_and(|(_, w)| now.saturating_sub(w.at) > around) {
            let Some((name, w)) = self.waiting.pop_front() else { return };
            let near = self.came.get(&w.person).is_some_and(|c| c.abs_diff(w.at) <= around.unsigned_abs());
            let group = self.actors.get(&name).map(|a| a.group.clone()).unwrap_or_default();
            let share = self.related.entry(group).or_default();
            share.0 += u64::from(near);
            share.1 += 1;
            // Where calls of a whole group come in much later, this rule is blind, and says nothing.
            let blind = share.1 >= 50 && share.0.saturating_mul(2) < share.1;
            if !near && !blind {
                self.unrelated(n, &rule, &name, w, now, out);
            }
        }
    }

    fn unrelated(
        &mut self,
        n: usize,
        rule: &Rule,
        name: &str,
        w: Waiting,
        now: i64,
        out: &mut Vec<NewAlert>,
    ) {
        let span = rule.window_minutes.saturating_mul(MINUTE_MS);
        let window = self.actor(name).window(n);
        // Within a day of each other, however late it is known that nothing explains them.
        window.push(Item { at: w.at, key: w.person, seq: w.seq }, span);
        let count = window.different();
        if count < rule.threshold || self.told_lately(n, name, now) {
            return;
        }
        let entries = self.actor(name).window(n).entries();
        self.actor(name).told.insert(n, now);
        out.push(NewAlert {
            rule: rule.id.clone(),
            title: rule.title.clone(),
            grade: rule.grade.clone(),
            actor: name.to_owned(),
            at: Timestamp::from_millisecond(w.at).unwrap_or_default(),
            seq: w.seq,
            count,
            why: format!(
                "{count} people read to serve them within {}, and no conversation of theirs came in within {} of the reading.",
                span_words(rule.window_minutes),
                span_words(rule.around_minutes)
            ),
            entries,
        });
    }

    /// Whether an account never worked at this hour before, and nobody should be working now.
    fn unusual(&mut self, part: &Part<'_>) -> bool {
        let (day, hour, night) = self.local(part.at);
        let young = self.began.is_none_or(|b| part.at.saturating_sub(b) < YOUNG_DAYS * DAY_MS);
        let group = self.actor(part.name).group.clone();
        if night {
            let all = self.awake.entry((day, group)).or_default();
            all.insert(part.name.to_owned());
            if young && all.len() >= 3 {
                return false;
            }
        }
        night && !self.actor(part.name).worked_at(day, hour)
    }

    fn remember_hours(&mut self, part: &Part<'_>) {
        let (day, hour, _) = self.local(part.at);
        self.actor(part.name).work(day, hour);
    }

    /// The working day (a night belongs to the day on which it began), the hour, and whether nobody should work.
    fn local(&self, at: i64) -> (i64, u32, bool) {
        let at = Timestamp::from_millisecond(at).unwrap_or_default();
        let local = self.site.zone.to_datetime(at);
        let hour = local.hour();
        let (from, to) = self.site.night;
        let night = if from <= to { (from..to).contains(&hour) } else { hour >= from || hour < to };
        let closed = self.site.closed_days.contains(&local.date());
        let minutes = self.site.zone.to_offset(at).seconds().div_euclid(60);
        let days = at.as_second().saturating_add(i64::from(minutes).saturating_mul(60)).div_euclid(86_400);
        let belongs = if from > to && hour < to { days.saturating_sub(1) } else { days };
        (belongs, u32::try_from(hour).unwrap_or(0), night || closed)
    }

    fn actor(&mut self, name: &str) -> &mut Actor {
        if !self.actors.contains_key(name) {
            self.actors.insert(name.to_owned(), Actor::default());
        }
        // Just inserted where it was absent.
        self.actors.entry(name.to_owned()).or_default()
    }

    fn told_lately(&self, n: usize, name: &str, at: i64) -> bool {
        let Some(rule) = self.rules.get(n) else { return true };
        let span = rule.window_minutes.saturating_mul(MINUTE_MS);
        let told = self.actors.get(name).and_then(|a| a.told.get(&n));
        told.is_some_and(|t| at.saturating_sub(*t) <= span)
    }

    #[expect(clippy::too_many_arguments, reason = "one line of an alert each")]
    fn tell(
        &mut self,
        n: usize,
        name: &str,
        (at, entry): (i64, &Entry),
        count: usize,
        why: String,
        entries: Vec<u64>,
        out: &mut Vec<NewAlert>,
    ) {
        if self.told_lately(n, name, at) {
            return;
        }
        self.actor(name).told.insert(n, at);
        let Some(rule) = self.rules.get(n) else { return };
        out.push(NewAlert {
            rule: rule.id.clone(),
            title: rule.title.clone(),
            grade: rule.grade.clone(),
            actor: if name == ANYONE { entry.actor.clone() } else { name.to_owned() },
            at: entry.at,
            seq: entry.seq,
            count,
            why,
            entries,
        });
    }

    /// Once an hour what is too old is let go.
    fn sweep(&mut self, now: i64) {
        if now.saturating_sub(self.swept) < 3_600_000 && self.actors.len() <= MAX_ACTORS {
            return;
        }
        self.swept = now;
        let memory = self.site.memory_minutes().saturating_mul(MINUTE_MS);
        self.came.retain(|_, at| now.saturating_sub(*at) <= 2 * DAY_MS);
        let today = now.div_euclid(DAY_MS);
        self.awake.retain(|(day, _), _| today.saturating_sub(*day) <= 2);
        self.actors.retain(|_, a| now.saturating_sub(a.last) <= memory);
        if self.actors.len() > MAX_ACTORS {
            let mut ages: Vec<i64> = self.actors.values().map(|a| a.last).collect();
            ages.sort_unstable();
            // A tenth at once, so that the next newcomer does not sort them all again; ties go together.
            let cut = ages.get(ages.len() / 10).copied().unwrap_or(i64::MIN);
            let mut spare = self.actors.len() / 10;
            self.actors.retain(|_, a| {
                let old = a.last <= cut && spare > 0;
                spare -= usize::from(old);
                !old
            });
        }
    }

    /// Actors remembered, for the tests of the bound.
    pub fn remembered(&self) -> usize {
        self.actors.len()
    }
}

fn is_read(kind: &str) -> bool {
    matches!(kind, "access.permitted" | "access.revealed" | "access.denied")
}

/// A number that stands for the value of a fact; absent is a value of its own.
fn fact(entry: &Entry, name: &str) -> u128 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    match entry.body.get(name) {
        Some(Value::Text(t)) => t.hash(&mut hasher),
        Some(Value::Number(n)) => n.hash(&mut hasher),
        Some(Value::Flag(f)) => f.hash(&mut hasher),
        None => return 0,
    }
    u128::from(hasher.finish())
}

fn what(rule: &Rule, n: usize) -> String {
    let (one, many) = match rule.measure {
        Measure::Conversations => ("conversation", "conversations"),
        Measure::Facts => match rule.fact.as_str() {
            "session" => ("session", "sessions"),
            _ => ("different value", "different values"),
        },
        Measure::People => ("person", "different people"),
        Measure::Unusual => ("person at an unusual hour", "different people at an unusual hour"),
        Measure::Canary => ("touch of an invented customer", "touches of invented customers"),
        Measure::Orphan => ("value without a request", "values without a request"),
        _ => ("entry", "entries"),
    };
    if n == 1 { one.to_owned() } else { many.to_owned() }
}

/// `90 minutes`, `one hour`, `2 days`.
fn span_words(minutes: i64) -> String {
    match minutes {
        1 => "a minute".into(),
        60 => "an hour".into(),
        1_440 => "a day".into(),
        10_080 => "a week".into(),
        m if m % 1_440 == 0 => format!("{} days", m / 1_440),
        m if m % 60 == 0 => format!("{} hours", m / 60),
        m => format!("{m} minutes"),
    }
}

#[cfg(test)]
mod tests;

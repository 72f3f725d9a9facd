//! What a pack must look like before anything is decided by it.

use super::{Action, Clock, Condition, Pack, Provenance, Rule, load::embedded_zone};
use crate::{Error, dates, zone::Window};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const ROW: &[&str] = &["status", "from", "to", "cite", "confidence", "read", "memory", "reviewed_by", "note"];
const ACTION: &[&str] = &["engine", "name", "words", "default", "unknown", "states"];
const RULE: &[&str] = &[
    "id",
    "title",
    "engine",
    "actions",
    "state",
    "when",
    "unless",
    "require",
    "decision",
    "unknown",
    "reason",
    "closed_reason",
    "obligation",
    "set",
    "tests",
];
const CLOCK: &[&str] = &[
    "id",
    "jurisdiction",
    "duty",
    "start",
    "amount",
    "unit",
    "text",
    "first_day_included",
    "next_working_day",
    "extended",
    "not_later_than",
    "threshold",
    "recipients",
    "encryption_safe_harbor",
    "content",
];
const RETENTION: &[&str] = &["id", "engine", "records", "min", "unit", "start", "reason"];
const TABLE: &[&str] = &["id", "words", "rows"];
/// Fields that the answer itself has.
const RESERVED: &[&str] = &["id", "decision", "reasons", "citations", "error"];

/// What was learnt while checking.
pub(super) struct Checked {
    pub zones: HashMap<String, TimeZone>,
    pub unreviewed: BTreeMap<String, bool>,
}

/// Parses one file and refuses fields that nobody reads.
pub(super) fn read(name: &str, text: &str) -> Result<Pack, Error> {
    let wrong = |why: String| Error::Syntax { pack: name.to_owned(), why };
    let raw: toml::Table = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
    for (kind, own) in
        [("action", ACTION), ("rule", RULE), ("clock", CLOCK), ("retention", RETENTION), ("table", TABLE)]
    {
        let rows = raw.get(kind).and_then(toml::Value::as_array).into_iter().flatten();
        for row in rows.filter_map(toml::Value::as_table) {
            let id = row.get("id").or_else(|| row.get("name")).and_then(toml::Value::as_str).unwrap_or("?");
            if let Some(field) = row.keys().find(|k| !own.contains(&k.as_str()) && !ROW.contains(&k.as_str()))
            {
                return Err(wrong(format!("{kind} {id:?} has the unknown field {field:?}")));
            }
        }
    }
    toml::from_str(text).map_err(|e| wrong(e.to_string()))
}

struct Book<'a> {
    actions: BTreeMap<(&'a str, &'a str), &'a Action>,
    tables: BTreeSet<&'a str>,
    seen: BTreeSet<&'a str>,
}

/// Checks all packs together, for they name each other's tables and actions.
pub(super) fn packs(all: &[(String, Pack)]) -> Result<Checked, Error> {
    let mut book = Book { actions: BTreeMap::new(), tables: BTreeSet::new(), seen: BTreeSet::new() };
    let mut unreviewed = BTreeMap::new();
    for (file, pack) in all {
        for table in &pack.table {
            book.tables.insert(&table.id);
        }
        for action in &pack.action {
            let id = format!("{}.{}", action.engine, action.name);
            let entry = |why: String| Error::Entry { pack: file.clone(), entry: id.clone(), why };
            row(&action.provenance).and_then(|()| words(action)).map_err(entry)?;
            if book.actions.insert((&action.engine, &action.name), action).is_some() {
                return Err(entry("another pack has this action already".to_owned()));
            }
        }
    }
    let mut zones = HashMap::new();
    for (file, pack) in all {
        let entry = |id: &str, why: String| Error::Entry { pack: file.clone(), entry: id.to_owned(), why };
        if pack.pack.id.as_str() != file.strip_suffix(".toml").unwrap_or(file) {
            return Err(entry(&pack.pack.id, "the pack's id is not the name of its file".to_owned()));
        }
        let ids = pack.rule.iter().map(|r| (r.id.as_str(), &r.provenance));
        let ids = ids.chain(pack.clock.iter().map(|r| (r.id.as_str(), &r.provenance)));
        let ids = ids.chain(pack.retention.iter().map(|r| (r.id.as_str(), &r.provenance)));
        let ids = ids.chain(pack.table.iter().map(|r| (r.id.as_str(), &r.provenance)));
        for (id, provenance) in ids {
            row(provenance).map_err(|why| entry(id, why))?;
            if !book.seen.insert(id) {
                return Err(entry(id, "another entry has this id already".to_owned()));
            }
            unreviewed.insert(id.to_owned(), provenance.unreviewed());
        }
        for r in &pack.rule {
            rule(r, &book).map_err(|why| entry(&r.id, why))?;
        }
        for c in &pack.clock {
            clock(c).map_err(|why| entry(&c.id, why))?;
        }
        for r in &pack.retention {
            let sane = (1..=100).contains(&r.min) && !r.start.is_empty() && !r.records.is_empty();
            if !sane {
                return Err(entry(&r.id, "min must be 1 to 100, with records and a start".to_owned()));
            }
        }
        for t in pack.table.iter().filter(|t| t.id == "npa") {
            for name in t.rows.values().flatten().filter(|v| v.contains('/')) {
                let zone = embedded_zone(name);
                let zone = zone.ok_or_else(|| entry(&t.id, format!("{name} is no IANA time zone")))?;
                zones.insert(name.clone(), zone);
            }
        }
    }
    Ok(Checked { zones, unreviewed })
}

fn row(p: &Provenance) -> Result<(), String> {
    if p.cite.is_empty() || p.cite.iter().any(|c| c.reference.trim().is_empty()) {
        return Err("it has no citation".to_owned());
    }
    if let (Some(from), Some(to)) = (p.from, p.to)
        && to < from
    {
        return Err(format!("it ends on {to}, before it begins on {from}"));
    }
    Ok(())
}

fn words(action: &Action) -> Result<(), String> {
    for word in [&action.default, &action.unknown] {
        if !action.words.iter().any(|w| &w.word == word) {
            return Err(format!("{word:?} is none of its words"));
        }
    }
    Ok(())
}

fn rule(rule: &Rule, book: &Book<'_>) -> Result<(), String> {
    if rule.actions.is_empty() {
        return Err("it names no action".to_owned());
    }
    if rule.decision.is_empty() == rule.obligation.is_empty() {
        return Err("it needs either a decision or an obligation".to_owned());
    }
    if !rule.decision.is_empty() && rule.reason.is_empty() {
        return Err("it needs a reason".to_owned());
    }
    if let Some(field) = rule.set.keys().find(|k| RESERVED.contains(&k.as_str())) {
        return Err(format!("it may not set {field:?}"));
    }
    for name in &rule.actions {
        let action = book
            .actions
            .get(&(rule.engine.as_str(), name.as_str()))
            .ok_or_else(|| format!("no pack has the action {} {name}", rule.engine))?;
        if rule.state.is_some() && action.states.is_none() {
            return Err(format!("the action {name} knows no states"));
        }
        let excuses = rule.unless.iter().filter_map(|c| c.decision.as_ref());
        for word in [&rule.decision, &rule.unknown].into_iter().chain(excuses).filter(|w| !w.is_empty()) {
            if !action.words.iter().any(|w| &w.word == word) {
                return Err(format!("{word:?} is no word of {} {name}", rule.engine));
            }
        }
    }
    let all = rule.when.iter().chain(&rule.unless).chain(&rule.require);
    all.into_iter().try_for_each(|c| condition(c, book, 0))
}

/// How many predicates a condition sets.
fn predicates(c: &Condition) -> usize {
    let set = [
        c.is.is_some(),
        c.one_of.is_some(),
        c.listed.is_some(),
        c.present.is_some(),
        c.none.is_some(),
        c.at_least.is_some(),
        c.at_most.is_some(),
        c.above.is_some(),
        c.below.is_some(),
        c.share_at_most.is_some(),
        c.within.is_some(),
        c.not_after.is_some(),
        c.local_time.is_some(),
        c.holiday.is_some(),
        c.consent.is_some(),
        c.relationship.is_some(),
        c.emergency.is_some(),
        c.revoked.is_some(),
        c.current.is_some(),
        c.same_as.is_some(),
        c.all.is_some(),
    ];
    set.iter().filter(|s| **s).count()
}

fn condition(c: &Condition, book: &Book<'_>, depth: u8) -> Result<(), String> {
    let count = predicates(c);
    if count != 1 {
        return Err(format!("a condition needs exactly one predicate, and one has {count}"));
    }
    let implied = [c.local_time.is_some(), c.holiday.is_some(), c.emergency.is_some(), c.all.is_some()];
    let implied = implied.contains(&true) || c.consent.is_some() || c.revoked.is_some();
    if c.fact.is_none() && !implied && c.relationship.is_none() {
        return Err("a condition names no fact".to_owned());
    }
    if let Some(id) = c.listed.as_deref().filter(|id| !book.tables.contains(id)) {
        return Err(format!("no pack has the table {id:?}"));
    }
    if let Some(state) = &c.holiday
        && !book.tables.contains(format!("holidays.{state}").as_str())
    {
        return Err(format!("no pack has the table \"holidays.{state}\""));
    }
    let one_of = |value: &Option<String>, words: &[&str]| match value {
        Some(v) if !words.contains(&v.as_str()) => Err(format!("{v:?} is none of {words:?}")),
        _ => Ok(()),
    };
    one_of(&c.consent, &["express", "signed", "written"])?;
    one_of(&c.revoked, &["topic", "any", "consent"])?;
    if let Some(within) = &c.within
        && !(0..=dates::MAX_AMOUNT).contains(&within.amount)
    {
        return Err("a period is negative or absurdly long".to_owned());
    }
    if let Some(days) = &c.local_time {
        if days.len() != 7 {
            return Err("local_time wants seven windows, Monday first".to_owned());
        }
        days.iter().try_for_each(|d| Window::parse(d).map(drop))?;
    }
    if let Some(zone) = &c.zone {
        embedded_zone(zone).ok_or_else(|| format!("{zone} is no IANA time zone"))?;
    }
    match &c.all {
        Some(_) if depth > 0 => Err("all stands inside all; one level is enough".to_owned()),
        Some(list) => list.iter().try_for_each(|c| condition(c, book, depth + 1)),
        None => Ok(()),
    }
}

fn clock(c: &Clock) -> Result<(), String> {
    let amounts = [c.amount, c.extended];
    if amounts.iter().flatten().any(|n| !(0..=dates::MAX_AMOUNT).contains(n)) {
        return Err("a period is negative or absurdly long".to_owned());
    }
    if c.amount.is_none() && c.text.is_empty() && c.not_later_than.is_none() {
        return Err("it has neither a number nor a text".to_owned());
    }
    match &c.threshold {
        Some(t) if ![">=", ">", "<"].contains(&t.op.as_str()) => {
            Err(format!("{:?} is no comparison; one of >=, > and <", t.op))
        }
        _ => Ok(()),
    }
}

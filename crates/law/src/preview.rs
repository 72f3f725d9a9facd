//! A campaign before it starts: rows in, counts out. No row and no number is kept.

use crate::{Decision, Error, Facts, Packs, evaluate, places_of};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Longest row, in bytes.
const MAX_LINE: usize = 16 << 10;
/// Most columns.
const MAX_COLUMNS: usize = 100;
/// Most different words, reasons or facts that are counted one by one.
const MAX_KINDS: usize = 1_000;

/// How often one reason was given.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct ReasonCount {
    /// Short code.
    pub reason: String,
    /// How many rows.
    pub count: u64,
    /// The word that it gives.
    pub decision: String,
    /// For people.
    pub title: String,
    /// Its first citation.
    pub citation: String,
    /// `low`, `medium` or `high`.
    pub confidence: &'static str,
    /// When its source was read.
    pub read: String,
    /// Of low confidence or from memory.
    pub unreviewed: bool,
}

/// What a preview counted.
#[derive(Debug, Clone, Default, Serialize, PartialEq, Eq)]
pub struct Counts {
    /// Rows that were judged.
    pub rows: u64,
    /// Rows by answer.
    pub decisions: BTreeMap<String, u64>,
    /// Reasons, the most frequent first; a row may have several.
    pub reasons: Vec<ReasonCount>,
    /// Rules that do not bind yet and would answer.
    pub shadow: BTreeMap<String, u64>,
    /// Facts that were needed and unknown.
    pub missing_facts: BTreeMap<String, u64>,
}

/// A preview under way.
pub struct Preview<'p> {
    packs: &'p Packs,
    common: Map<String, Value>,
    names: Option<Vec<String>>,
    at: Option<Timestamp>,
    now: Timestamp,
    action: &'static str,
    counts: Counts,
    reasons: BTreeMap<String, ReasonCount>,
}

impl<'p> Preview<'p> {
    /// For calls, or texts. `common` are facts of all rows; `at` is the time of the calls where a row names none, or of
    /// all of them.
    #[must_use]
    pub fn new(
        packs: &'p Packs,
        common: Map<String, Value>,
        at: Option<Timestamp>,
        now: Timestamp,
        text: bool,
    ) -> Self {
        let action = if text { "outbound_text" } else { "outbound_call" };
        let (counts, reasons) = (Counts::default(), BTreeMap::new());
        Self { packs, common, names: None, at, now, action, counts, reasons }
    }

    /// Takes the header of a CSV file: names of facts; dots make objects.
    ///
    /// # Errors
    /// It has no or too many columns.
    pub fn header(&mut self, line: &str) -> Result<(), Error> {
        let names = fields(line);
        if names.len() > MAX_COLUMNS || names.iter().all(String::is_empty) {
            return Err(Error::Case("the header must name 1 to 100 facts".to_owned()));
        }
        self.names = Some(names);
        Ok(())
    }

    /// Judges a row of the CSV file, or, without a header, a line of JSON. `known` adds what the site knows of it.
    ///
    /// # Errors
    /// The row does not fit. The error quotes nothing of it.
    pub fn row(&mut self, line: &str, known: &dyn Fn(&mut Map<String, Value>)) -> Result<Decision, Error> {
        let wrong = |why: &str| Error::Case(why.to_owned());
        if line.len() > MAX_LINE {
            return Err(wrong("the row is longer than 16 KiB"));
        }
        let row = match &self.names {
            Some(names) => from_csv(names, line)?,
            None => serde_json::from_str(line).map_err(|_| wrong("no JSON object"))?,
        };
        let row = match row.get("input") {
            Some(Value::Object(input)) => input.clone(),
            _ => row,
        };
        let mut all = self.common.clone();
        all.extend(row);
        let as_of = self.facts(&mut all);
        known(&mut all);
        let decision = evaluate(self.packs, "tcpa", self.action, &Facts::new(Value::Object(all))?, as_of)?;
        self.count(&decision);
        Ok(decision)
    }

    /// The time of the call, and the states and zones of its number.
    fn facts(&self, all: &mut Map<String, Value>) -> Timestamp {
        if let Some(at) = self.at {
            all.insert("at".to_owned(), at.to_string().into());
        }
        let at = all.entry("at").or_insert_with(|| self.now.to_string().into());
        let as_of = at.as_str().and_then(|t| t.parse().ok()).unwrap_or(self.now);
        let places = all.get("called").and_then(Value::as_str).map(|n| places_of(self.packs, n));
        if let Some(places) = places.filter(|p| !p.zones.is_empty()) {
            for (name, found) in [("candidate_states", places.states), ("candidate_zones", places.zones)] {
                if let Value::Array(list) = all.entry(name).or_insert_with(|| json!([])) {
                    list.extend(found.into_iter().map(Value::String));
                }
            }
        }
        as_of
    }

    fn count(&mut self, d: &Decision) {
        let add = |map: &mut BTreeMap<String, u64>, name: String| {
            if map.len() < MAX_KINDS || map.contains_key(&name) {
                *map.entry(name).or_default() += 1;
            }
        };
        self.counts.rows += 1;
        add(&mut self.counts.decisions, d.decision.clone());
        for r in &d.reasons {
            if self.reasons.len() >= MAX_KINDS && !self.reasons.contains_key(&r.code) {
                continue;
            }
            let first = || ReasonCount {
                reason: r.code.clone(),
                count: 0,
                decision: r.decision.clone(),
                title: r.source.title.clone(),
                citation: r.source.cite.first().map(|c| c.reference.clone()).unwrap_or_default(),
                confidence: r.source.confidence,
                read: r.source.read.to_string(),
                unreviewed: r.source.unreviewed,
            };
            self.reasons.entry(r.code.clone()).or_insert_with(first).count += 1;
        }
        for s in &d.shadow {
            let from = s.from.map_or_else(|| "undated".to_owned(), |f| f.to_string());
            add(&mut self.counts.shadow, format!("would {} from {from}: {}", s.would, s.code));
        }
        for fact in &d.missing_facts {
            add(&mut self.counts.missing_facts, fact.clone());
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counts(self) -> Counts {
        let mut counts = self.counts;
        counts.reasons = self.reasons.into_values().collect();
        counts.reasons.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
        counts
    }
}

/// Fields of a CSV line; quotes may hold commas and doubled quotes, not line breaks.
fn fields(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                out.last_mut().into_iter().for_each(|f| f.push('"'));
            }
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            '\u{feff}' => {}
            c => out.last_mut().into_iter().for_each(|f| f.push(c)),
        }
    }
    out.iter().map(|f| f.trim().to_owned()).collect()
}

/// A row by the names of the header; dots make objects, semicolons lists, an empty cell says nothing.
fn from_csv(names: &[String], line: &str) -> Result<Map<String, Value>, Error> {
    let cells = fields(line);
    if cells.len() != names.len() {
        return Err(Error::Case(format!("{} cells, and the header has {}", cells.len(), names.len())));
    }
    let mut out = Map::new();
    for (name, cell) in names.iter().zip(cells).filter(|(_, c)| !c.is_empty()) {
        let value = typed(name, &cell);
        match name.split_once('.') {
            Some((object, field)) => {
                if let Value::Object(map) = out.entry(object).or_insert_with(|| json!({})) {
                    map.insert(field.to_owned(), value);
                }
            }
            None => drop(out.insert(name.clone(), value)),
        }
    }
    Ok(out)
}

/// Telephone numbers and area codes stay text, whatever they look like.
fn typed(name: &str, cell: &str) -> Value {
    const LISTS: &[&str] =
        &["candidate_states", "candidate_zones", "holidays_local", "emergencies", "sellers_listed"];
    let last = name.rsplit('.').next().unwrap_or(name);
    if LISTS.contains(&last) {
        return cell.split(';').map(str::trim).filter(|c| !c.is_empty()).map(Value::from).collect();
    }
    match cell {
        "true" => true.into(),
        "false" => false.into(),
        "null" => Value::Null,
        _ if ["called", "phone", "called_npa"].contains(&last) => cell.into(),
        _ => cell.parse::<u64>().map_or_else(|_| cell.into(), Value::from),
    }
}

//! The packs as a book: every row, what is stale, and what changed between two editions.

use crate::pack::{Packs, Provenance};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// A row of any kind.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Id.
    pub id: String,
    /// `rule`, `clock`, `retention`, `table` or `action`.
    pub kind: &'static str,
    /// Pack and version.
    pub pack: String,
    /// `in_force`, `scheduled`, `stayed`, `proposed` or `repealed`.
    pub status: &'static str,
    /// First day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// Citations.
    pub citations: Vec<String>,
    /// What was read.
    pub sources: Vec<String>,
    /// When it was read.
    pub read: Date,
    /// `low`, `medium` or `high`.
    pub confidence: &'static str,
    /// Of low confidence or from memory, and signed off by nobody.
    pub unreviewed: bool,
    /// Counsel.
    pub reviewed_by: String,
    /// Everything else, for comparison.
    #[serde(skip)]
    text: String,
}

fn row(
    kind: &'static str,
    id: String,
    head: &crate::pack::Head,
    p: &Provenance,
    value: &impl Serialize,
) -> Row {
    Row {
        id,
        kind,
        pack: format!("{}@{}", head.id, head.version),
        status: p.status.as_str(),
        from: p.from,
        to: p.to,
        citations: p.cite.iter().map(|c| c.reference.clone()).collect(),
        sources: p.cite.iter().filter(|c| !c.source.is_empty()).map(|c| c.source.clone()).collect(),
        read: p.read,
        confidence: p.confidence.as_str(),
        unreviewed: p.unreviewed(),
        reviewed_by: p.reviewed_by.clone(),
        // A pack's row always has a JSON form: it came from TOML.
        text: serde_json::to_string(value).unwrap_or_default(),
    }
}

/// Every row, sorted by kind and id.
#[must_use]
pub fn rows(packs: &Packs) -> Vec<Row> {
    let mut out: Vec<Row> = packs
        .rules()
        .map(|of| row("rule", of.row.id.clone(), &of.pack, &of.row.provenance, &of.row))
        .chain(
            packs
                .all_clocks()
                .map(|of| row("clock", of.row.id.clone(), &of.pack, &of.row.provenance, &of.row)),
        )
        .chain(
            packs
                .retentions()
                .iter()
                .map(|of| row("retention", of.row.id.clone(), &of.pack, &of.row.provenance, &of.row)),
        )
        .chain(
            packs.tables().map(|of| row("table", of.row.id.clone(), &of.pack, &of.row.provenance, &of.row)),
        )
        .chain(packs.every_action().map(|of| {
            let id = format!("{}.{}", of.row.engine, of.row.name);
            row("action", id, &of.pack, &of.row.provenance, &of.row)
        }))
        .collect();
    out.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
    out
}

/// Rows whose source was last read more than `days` before `today`, oldest first.
#[must_use]
pub fn stale(packs: &Packs, today: Date, days: i32) -> Vec<Row> {
    let mut old: Vec<Row> = rows(packs)
        .into_iter()
        .filter(|r| {
            let until = crate::dates::shift(r.read, days, crate::dates::Unit::CalendarDays, &[]);
            until.is_none_or(|until| until < today)
        })
        .collect();
    old.sort_by(|a, b| (a.read, &a.id).cmp(&(b.read, &b.id)));
    old
}

/// What became of a row from one edition to the next.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// `added`, `removed` or `changed`.
    pub change: &'static str,
    /// `rule`, `clock`, `retention`, `table` or `action`.
    pub kind: &'static str,
    /// Id.
    pub id: String,
    /// Fields that differ, as field, before, after.
    pub fields: Vec<(String, String, String)>,
}

/// What changed between two editions.
#[must_use]
pub fn diff(before: &Packs, after: &Packs) -> Vec<Change> {
    let index = |packs: &Packs| -> BTreeMap<(&'static str, String), Row> {
        rows(packs).into_iter().map(|r| ((r.kind, r.id.clone()), r)).collect()
    };
    let (old, new) = (index(before), index(after));
    let mut out = Vec::new();
    for ((kind, id), a) in &old {
        let change = |change, fields| Change { change, kind, id: id.clone(), fields };
        match new.get(&(*kind, id.clone())) {
            None => out.push(change("removed", Vec::new())),
            Some(b) if a.text != b.text => out.push(change("changed", fields(&a.text, &b.text))),
            Some(_) => {}
        }
    }
    for (kind, id) in new.keys().filter(|k| !old.contains_key(*k)) {
        out.push(Change { change: "added", kind, id: id.clone(), fields: Vec::new() });
    }
    out.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
    out
}

fn fields(before: &str, after: &str) -> Vec<(String, String, String)> {
    let parse = |text: &str| -> BTreeMap<String, serde_json::Value> {
        serde_json::from_str(text).unwrap_or_default()
    };
    let (a, b) = (parse(before), parse(after));
    let show = |v: Option<&serde_json::Value>| v.map_or_else(|| "-".to_owned(), ToString::to_string);
    let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|n| a.get(*n) != b.get(*n))
        .map(|n| (n.clone(), show(a.get(n)), show(b.get(n))))
        .collect()
}

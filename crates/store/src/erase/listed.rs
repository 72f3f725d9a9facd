//! One statement for the rows of several people: most of a short statement's time is its beginning and its end.

use crate::db::{Row, Value};
use crate::{Command, Error, db::Connection};

/// How many people are read and written together.
pub(super) const GROUP: usize = 64;

/// An id as it stands in a row.
pub(super) type Raw = [u8; 16];

/// A statement and its parameters: `first` is `?1`, and each `IN ()` takes the next of the lists of at most [`GROUP`] ids. A
/// list is of one or, its last id standing again, of a full group: so each statement has two forms, which stay compiled.
fn listed(sql: &str, first: Option<&str>, lists: &[&[Raw]]) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = first.map(|v| Value::Text(v.to_owned())).into_iter().collect();
    let mut parts = sql.split("IN ()");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (part, list) in parts.zip(lists) {
        let many = if list.len() == 1 { 1 } else { GROUP };
        let ids = list.iter().chain(list.last().into_iter().cycle()).take(many);
        for (n, id) in ids.enumerate() {
            values.push(Value::Blob(id.to_vec()));
            out.push_str(if n == 0 { "IN (" } else { ", " });
            out.push_str(&format!("?{}", values.len()));
        }
        out.push(')');
        out.push_str(part);
    }
    (out, values)
}

/// Reads the rows that a statement finds for these ids.
pub(super) fn read<T>(
    db: &Connection,
    sql: &str,
    ids: &[Raw],
    mut row: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut out = Vec::with_capacity(ids.len());
    for ids in ids.chunks(GROUP) {
        let (sql, values) = listed(sql, None, &[ids]);
        let mut statement = db.prepare_cached(&sql)?;
        let mut rows = statement.query(values)?;
        while let Some(r) = rows.next()? {
            out.push(row(&r)?);
        }
    }
    Ok(out)
}

/// Writes the rows of these ids; how many.
pub(super) fn run(c: &Command<'_>, sql: &str, first: Option<&str>, ids: &[Raw]) -> Result<usize, Error> {
    let mut changed = 0;
    for ids in ids.chunks(GROUP) {
        let (sql, values) = listed(sql, first, &[ids]);
        changed += c.run(&sql, values)?;
    }
    Ok(changed)
}

/// The same for parties in their conversations: what a party said stands in one conversation, and asked by that nothing
/// else of the vault is read.
pub(super) fn run_in(c: &Command<'_>, sql: &str, of: &[(Raw, Raw)]) -> Result<usize, Error> {
    let mut changed = 0;
    for of in of.chunks(GROUP) {
        let (talks, parties): (Vec<Raw>, Vec<Raw>) = of.iter().copied().unzip();
        let (sql, values) = listed(sql, None, &[&talks, &parties]);
        changed += c.run(&sql, values)?;
    }
    Ok(changed)
}

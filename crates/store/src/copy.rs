//! All rows of a vault from one database into another: for backups, which are files whatever the vault lives on, and for
//! moving a vault.

use crate::{
    Error,
    db::{Connection, Transaction, Value},
    schema,
};
use std::path::Path;

/// Writes the database into a file; `into` is empty. Its rows are of one moment.
pub(crate) fn into_file(db: &Connection, into: &Path) -> Result<(), Error> {
    if db.is_file() {
        return Ok(db.copy_file(into)?);
    }
    let mut file = Connection::at(into)?;
    schema::create(&mut file)?;
    all(&*db.moment()?, &mut file).map(drop)
}

/// Copies every row into tables that are there and empty, in one transaction.
pub(crate) fn all(from: &Connection, to: &mut Connection) -> Result<u64, Error> {
    schema::check(from)?;
    let order = tables()?;
    let tx = Transaction::new(to)?;
    let mut copied = 0u64;
    for table in order {
        let columns = from.columns(&table)?;
        if columns.is_empty() || columns != tx.columns(&table)? {
            return Err(Error::Corrupt("a table with other columns than it should have"));
        }
        let (names, marks) = (columns.join(", "), marks(columns.len()));
        let mut read = from.prepare(&format!("SELECT {names} FROM {table}"))?;
        let mut write = tx.prepare(&format!("INSERT INTO {table} ({names}) VALUES ({marks})"))?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..columns.len()).map(|n| row.get::<_, Value>(n)).collect::<Result<Vec<_>, _>>()?;
            write.execute(values)?;
            copied = copied.saturating_add(1);
        }
    }
    tx.commit()?;
    Ok(copied)
}

/// The tables of this version, each after those it refers to.
pub(crate) fn tables() -> Result<Vec<String>, Error> {
    let mut empty = Connection::scratch()?;
    schema::create(&mut empty)?;
    Ok(empty.tables()?)
}

/// `?1, ?2, …`
pub(crate) fn marks(n: usize) -> String {
    (1..=n).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ")
}

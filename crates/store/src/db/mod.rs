//! The database behind the vault: one SQL text, two thin drivers.
//!
//! Everything above this module writes the common subset of SQLite and PostgreSQL with parameters `?1`, `?2`, … and
//! values that both know: 64-bit integers, 64-bit floats, text, bytes, null; a truth is an integer. What only one of the
//! two can say stands in `sqlite.rs` or in `server.rs`, behind a method that names what is wanted of it.

mod error;
mod place;
mod server;
mod sqlite;
mod translate;

pub use error::Error;
pub use place::DatabaseServer;
pub(crate) use place::Place;
use rusqlite::types::{FromSql, ValueRef};
pub(crate) use rusqlite::{ToSql, params, types::Value};
use std::{borrow::Cow, ops::Deref};

/// What a closure over a row returns.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// One connection, for one thread at a time.
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    Server(server::Link),
}

/// A list of parameters.
pub(crate) trait Params {
    fn list(&self) -> Cow<'_, [&dyn ToSql]>;
}

impl Params for &[&dyn ToSql] {
    fn list(&self) -> Cow<'_, [&dyn ToSql]> {
        Cow::Borrowed(self)
    }
}

/// No parameters.
impl Params for [&dyn ToSql; 0] {
    fn list(&self) -> Cow<'_, [&dyn ToSql]> {
        Cow::Borrowed(&[])
    }
}

impl<T: ToSql> Params for [T; 1] {
    fn list(&self) -> Cow<'_, [&dyn ToSql]> {
        self.iter().map(|v| v as &dyn ToSql).collect()
    }
}

impl<T: ToSql> Params for [T; 2] {
    fn list(&self) -> Cow<'_, [&dyn ToSql]> {
        self.iter().map(|v| v as &dyn ToSql).collect()
    }
}

/// Two of different types.
impl<A: ToSql, B: ToSql> Params for (A, B) {
    fn list(&self) -> Cow<'_, [&dyn ToSql]> {
        Cow::Owned(vec![&self.0 as &dyn ToSql, &self.1])
    }
}

/// As many as there are.
impl<T: ToSql> Params for Vec<T> {
    fn list(&self) -> Cow<'_, [&dyn ToSql]> {
        self.iter().map(|v| v as &dyn ToSql).collect()
    }
}

/// A query that may find nothing.
pub(crate) trait OptionalExtension<T> {
    fn optional(self) -> Result<Option<T>>;
}

impl<T> OptionalExtension<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(Error::NoRow) => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl Connection {
    /// Runs one statement; how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, with: impl Params) -> Result<usize> {
        self.prepare(sql)?.execute(with)
    }

    /// Reads the first row.
    pub(crate) fn query_row<T>(
        &self,
        sql: &str,
        with: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.prepare(sql)?.query_row(with, read)
    }

    /// Compiles a statement.
    pub(crate) fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        Ok(match self {
            Self::Sqlite(db) => Statement::Sqlite(db.prepare(sql)?),
            Self::Server(link) => Statement::Server(link, link.prepare(sql)?),
        })
    }

    /// The same, and keeps it: most of a short statement's time is its compilation.
    pub(crate) fn prepare_cached(&self, sql: &str) -> Result<Statement<'_>> {
        Ok(match self {
            Self::Sqlite(db) => Statement::Cached(db.prepare_cached(sql)?),
            Self::Server(link) => Statement::Server(link, link.prepare(sql)?),
        })
    }

    /// Runs statements without parameters.
    pub(crate) fn execute_batch(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(db) => Ok(db.execute_batch(sql)?),
            Self::Server(link) => link.batch(&translate::statement(sql)),
        }
    }

    /// Runs statements that make tables, indices and triggers.
    pub(crate) fn define(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(db) => Ok(db.execute_batch(sql)?),
            Self::Server(link) => link.batch(&translate::definition(sql)),
        }
    }

    /// A transaction that only reads: all of it is of one moment.
    pub(crate) fn moment(&self) -> Result<Transaction<'_>> {
        self.execute_batch(match self {
            Self::Sqlite(_) => "BEGIN DEFERRED",
            Self::Server(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        })?;
        Ok(Transaction { db: self, open: true })
    }

    /// Whether there is a table of this name.
    pub(crate) fn has_table(&self, name: &str) -> Result<bool> {
        let sql = match self {
            Self::Sqlite(_) => {
                "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)"
            }
            Self::Server(_) => {
                "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = ?1)"
            }
        };
        self.query_row(sql, params![name], |r| r.get(0))
    }

    /// The version of the schema; 0 where there is none.
    pub(crate) fn version(&self) -> Result<i64> {
        match self {
            Self::Sqlite(db) => Ok(db.pragma_query_value(None, "user_version", |r| r.get(0))?),
            Self::Server(_) if !self.has_table(translate::VERSION)? => Ok(0),
            Self::Server(_) => self.query_row("SELECT version FROM schema_version", [], |r| r.get(0)),
        }
    }

    /// Notes it.
    pub(crate) fn set_version(&self, version: i64) -> Result<()> {
        match self {
            Self::Sqlite(db) => Ok(db.pragma_update(None, "user_version", version)?),
            Self::Server(link) => {
                link.batch("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL); DELETE FROM schema_version")?;
                self.execute("INSERT INTO schema_version (version) VALUES (?1)", params![version]).map(drop)
            }
        }
    }

    /// The tables of the vault, in an order in which each comes after those it refers to.
    pub(crate) fn tables(&self) -> Result<Vec<String>> {
        match self {
            // They stand in the order of their making.
            Self::Sqlite(_) => {
                let mut statement = self.prepare(
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
                )?;
                statement.query_map([], |r| r.get(0))?.collect()
            }
            Self::Server(_) => {
                let mut statement = self.prepare(
                    "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema() ORDER BY tablename",
                )?;
                statement.query_map([], |r| r.get(0))?.collect()
            }
        }
    }

    /// The columns of a table, in their order.
    pub(crate) fn columns(&self, table: &str) -> Result<Vec<String>> {
        let sql = match self {
            Self::Sqlite(_) => "SELECT name FROM pragma_table_info(?1) ORDER BY cid",
            Self::Server(_) => {
                "SELECT CAST(column_name AS TEXT) FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name = ?1 AND column_name <> 'rowid'
                 ORDER BY ordinal_position"
            }
        };
        self.prepare(sql)?.query_map(params![table], |r| r.get(0))?.collect()
    }

    /// Whether rows that were deleted stand in files of this machine, which can be searched for them.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Has a server write these tables anew without the rows that were deleted; the old files are removed. A file
    /// overwrites what it deletes. Waits for whoever reads them, and fails rather than wait for ever.
    pub(crate) fn write_anew(&self, tables: &[&str]) -> Result<()> {
        let Self::Server(link) = self else { return Ok(()) };
        // One statement at a time: none of these may stand in a transaction.
        tables.iter().try_for_each(|table| link.batch(&format!("VACUUM FULL {table}")))
    }

    /// The table of a server in which a living row has a value that begins with one of these, and the bytes of tables that
    /// were searched. Where the database is a file, the file is searched instead.
    pub(crate) fn begins(&self, with: &[&[u8]]) -> Result<(Option<String>, u64)> {
        let Self::Server(link) = self else { return Ok((None, 0)) };
        let mut columns = self.prepare(
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns
             WHERE table_schema = current_schema() AND data_type = 'bytea' ORDER BY 1, 2",
        )?;
        let columns: Vec<(String, String)> =
            columns.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_>>()?;
        let bytes: i64 = self.query_row(
            "SELECT CAST(COALESCE(SUM(pg_table_size(c.oid)), 0) AS BIGINT) FROM pg_class c
             WHERE c.relkind = 'r' AND c.relnamespace = CAST(current_schema() AS regnamespace)",
            [],
            |r| r.get(0),
        )?;
        Ok((link.begins(&columns, with)?, bytes.unsigned_abs()))
    }
}

/// What was begun and is undone unless it is committed.
pub(crate) struct Transaction<'a> {
    db: &'a Connection,
    open: bool,
}

impl<'a> Transaction<'a> {
    /// Begins to write; waits for whoever writes now. One at a time: the connection is borrowed for it alone.
    pub(crate) fn new(db: &'a mut Connection) -> Result<Self> {
        db.execute_batch(match db {
            Connection::Sqlite(_) => "BEGIN IMMEDIATE",
            Connection::Server(_) => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        })?;
        Ok(Self { db, open: true })
    }

    /// Makes it durable. A server answers COMMIT with success where a statement before it failed, and keeps nothing: so
    /// something is asked first that fails then.
    pub(crate) fn commit(mut self) -> Result<()> {
        self.db.execute_batch(match self.db {
            Connection::Sqlite(_) => "COMMIT",
            Connection::Server(_) => "SELECT 1; COMMIT",
        })?;
        self.open = false;
        Ok(())
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.db
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open
            && let Err(e) = self.db.execute_batch("ROLLBACK")
        {
            // A server that went away undid it by itself; SQLite undoes it when the file is opened again.
            tracing::debug!(error = %e, "nothing of it was kept");
        }
    }
}

/// A compiled statement.
pub(crate) enum Statement<'c> {
    Sqlite(rusqlite::Statement<'c>),
    Cached(rusqlite::CachedStatement<'c>),
    Server(&'c server::Link, tokio_postgres::Statement),
}

impl Statement<'_> {
    /// Runs it; how many rows it changed.
    pub(crate) fn execute(&mut self, with: impl Params) -> Result<usize> {
        Ok(match self {
            Self::Sqlite(statement) => statement.execute(&*with.list())?,
            Self::Cached(statement) => statement.execute(&*with.list())?,
            Self::Server(link, statement) => link.execute(statement, &with.list())?,
        })
    }

    /// Its rows, one at a time.
    pub(crate) fn query(&mut self, with: impl Params) -> Result<Rows<'_>> {
        Ok(match self {
            Self::Sqlite(statement) => Rows::Sqlite(statement.query(&*with.list())?),
            Self::Cached(statement) => Rows::Sqlite(statement.query(&*with.list())?),
            Self::Server(link, statement) => Rows::Server(link.query(statement, &with.list())?.into_iter()),
        })
    }

    /// Its rows, each through `read`.
    pub(crate) fn query_map<T, F: FnMut(&Row<'_>) -> Result<T>>(
        &mut self,
        with: impl Params,
        read: F,
    ) -> Result<Mapped<'_, F>> {
        Ok(Mapped { rows: self.query(with)?, read })
    }

    /// Its first row.
    pub(crate) fn query_row<T>(
        &mut self,
        with: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        match self.query(with)?.next()? {
            Some(row) => read(&row),
            None => Err(Error::NoRow),
        }
    }

    /// How many columns a row of it has.
    pub(crate) fn column_count(&self) -> usize {
        match self {
            Self::Sqlite(statement) => statement.column_count(),
            Self::Cached(statement) => statement.column_count(),
            Self::Server(_, statement) => statement.columns().len(),
        }
    }
}

/// Rows of an answer. A server's have all arrived, so that other statements can run while they are read.
pub(crate) enum Rows<'s> {
    Sqlite(rusqlite::Rows<'s>),
    Server(std::vec::IntoIter<tokio_postgres::Row>),
}

impl Rows<'_> {
    /// The next one.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>> {
        Ok(match self {
            Self::Sqlite(rows) => rows.next()?.map(Row::Sqlite),
            Self::Server(rows) => rows.next().map(Row::Server),
        })
    }
}

/// Rows through a closure.
pub(crate) struct Mapped<'s, F> {
    rows: Rows<'s>,
    read: F,
}

impl<T, F: FnMut(&Row<'_>) -> Result<T>> Iterator for Mapped<'_, F> {
    type Item = Result<T>;
    fn next(&mut self) -> Option<Self::Item> {
        match self.rows.next() {
            Ok(Some(row)) => Some((self.read)(&row)),
            Ok(None) => None,
            Err(e) => Some(Err(e)),
        }
    }
}

/// One row.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Server(tokio_postgres::Row),
}

/// A place in a row. Implemented for `usize` alone, so that a bare number is one.
pub(crate) trait Column {
    fn number(self) -> usize;
}

impl Column for usize {
    fn number(self) -> usize {
        self
    }
}

impl Row<'_> {
    /// The value in a column.
    pub(crate) fn get<C: Column, T: FromSql>(&self, column: C) -> Result<T> {
        let column = column.number();
        T::column_result(self.get_ref(column)?).map_err(|e| Error::Column { column, why: e.to_string() })
    }

    /// The value as it stands, not copied.
    pub(crate) fn get_ref(&self, column: usize) -> Result<ValueRef<'_>> {
        match self {
            Self::Sqlite(row) => Ok(row.get_ref(column)?),
            Self::Server(row) => server::value(row, column),
        }
    }
}

#[cfg(test)]
mod tests;

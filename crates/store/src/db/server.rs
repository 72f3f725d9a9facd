//! The driver for PostgreSQL: one connection, asked from any thread. Its socket is served by a small runtime of its own, so
//! that whoever asks may, but need not, be inside another one.

use super::{DatabaseServer, Error, Result, ToSql, translate};
use crate::remote::Threads;
use bytes::BytesMut;
use futures_executor::block_on;
use rusqlite::types::{ToSqlOutput, ValueRef};
use std::{cell::RefCell, collections::HashMap, error::Error as StdError, future::Future, time::Duration};
use tokio_postgres::{
    Client, NoTls, Row, Statement,
    types::{IsNull, ToSql as Argument, Type, to_sql_checked},
};

/// Statements one connection keeps prepared; when there are more, it begins anew.
const STATEMENTS: usize = 512;
/// How often the vault's lock is asked for, and how long it waits between two tries: two seconds in all.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The one that writes: it holds the vault's lock.
    Write,
    /// One of those that read.
    Read,
}

/// One connection.
pub(crate) struct Link {
    client: Client,
    known: RefCell<HashMap<String, Statement>>,
}

impl Link {
    /// Connects, and refuses a server that would lose what it acknowledges.
    pub(super) fn open(server: &DatabaseServer, what: Use) -> Result<Self> {
        let link = Self { client: connect(server)?, known: RefCell::default() };
        link.batch(&format!(
            "SET search_path TO \"{}\"; SET lock_timeout = '30s'; SET client_min_messages = warning;
             SET synchronous_commit = on; SET TimeZone = 'UTC'",
            server.schema()
        ))?;
        match what {
            Use::Read => link.batch("SET default_transaction_read_only = on")?,
            Use::Write => {
                for name in ["fsync", "full_page_writes"] {
                    let on: String = link.one(&format!("SELECT current_setting('{name}')"))?;
                    if on != "on" {
                        return Err(Error::NotDurable(name));
                    }
                }
                let lock = format!(
                    "SELECT pg_try_advisory_lock(hashtextextended('callvault {}', 0))",
                    server.schema()
                );
                // The server notices in its own time that a process before this one is gone.
                let mut tries = 0;
                while !link.one::<bool>(&lock)? {
                    if tries == LOCK_TRIES {
                        return Err(Error::Locked);
                    }
                    tries += 1;
                    std::thread::sleep(LOCK_PAUSE);
                }
            }
        }
        Ok(link)
    }

    fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(&self, sql: &str) -> Result<T> {
        let row = block_on(self.client.query_one(sql, &[]))?;
        Ok(row.try_get(0)?)
    }

    /// Compiles a statement, or finds it compiled.
    pub(super) fn prepare(&self, sql: &str) -> Result<Statement> {
        if let Some(known) = self.known.borrow().get(sql) {
            return Ok(known.clone());
        }
        let made = block_on(self.client.prepare(&translate::statement(sql)))?;
        let mut known = self.known.borrow_mut();
        if known.len() >= STATEMENTS {
            known.clear();
        }
        known.insert(sql.to_owned(), made.clone());
        Ok(made)
    }

    pub(super) fn execute(&self, statement: &Statement, with: &[&dyn ToSql]) -> Result<usize> {
        let changed = block_on(self.client.execute_raw(statement, &bind(with)?))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(super) fn query(&self, statement: &Statement, with: &[&dyn ToSql]) -> Result<Vec<Row>> {
        let bound = bind(with)?;
        let list: Vec<&(dyn Argument + Sync)> = bound.iter().map(|b| b as &(dyn Argument + Sync)).collect();
        Ok(block_on(self.client.query(statement, &list))?)
    }

    /// The table in which some value begins with one of these bytes, all of one length; `None` when there is none. Reads
    /// each table once, however many are looked for.
    pub(super) fn begins(&self, tables: &[(String, String)], with: &[&[u8]]) -> Result<Option<String>> {
        let Some(length) = with.first().map(|w| w.len()) else { return Ok(None) };
        for (table, column) in tables {
            let sql = format!(
                "SELECT EXISTS (SELECT 1 FROM {table} WHERE substr({column}, 1, {length}) = ANY($1))"
            );
            let row = block_on(self.client.query_one(&sql, &[&with]))?;
            if row.try_get(0)? {
                return Ok(Some(table.clone()));
            }
        }
        Ok(None)
    }

    pub(super) fn batch(&self, sql: &str) -> Result<()> {
        Ok(block_on(self.client.batch_execute(sql))?)
    }
}

/// They serve the sockets of all connections.
static SOCKETS: Threads = Threads::new("database", 1);

fn connect(server: &DatabaseServer) -> Result<Client> {
    let config = server.config()?;
    match server.tls()? {
        None => on_runtime(async move {
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(async move { note_end(connection.await) });
            Ok(client)
        }),
        Some(tls) => on_runtime(async move {
            let (client, connection) = config.connect(tls).await?;
            tokio::spawn(async move { note_end(connection.await) });
            Ok(client)
        }),
    }
}

fn note_end(end: std::result::Result<(), tokio_postgres::Error>) {
    if let Err(e) = end {
        tracing::error!(error = %Error::from(e), "a connection to the database server ended");
    }
}

fn on_runtime<T: Send + 'static>(
    work: impl Future<Output = std::result::Result<T, tokio_postgres::Error>> + Send + 'static,
) -> Result<T> {
    Ok(SOCKETS.wait(work).ok_or_else(|| Error::Lost("it has no thread".into()))??)
}

/// A value in a column, as SQLite would give it.
pub(super) fn value(row: &Row, column: usize) -> Result<ValueRef<'_>> {
    let bad = |why: String| Error::Column { column, why };
    let of = row.columns().get(column).ok_or_else(|| bad("there is no such column".into()))?.type_();
    Ok(match *of {
        Type::INT8 => integer(row.try_get(column)?),
        Type::INT4 => integer(row.try_get::<_, Option<i32>>(column)?.map(i64::from)),
        Type::BOOL => integer(row.try_get::<_, Option<bool>>(column)?.map(i64::from)),
        Type::FLOAT8 => row.try_get::<_, Option<f64>>(column)?.map_or(ValueRef::Null, ValueRef::Real),
        Type::TEXT | Type::VARCHAR | Type::NAME => {
            row.try_get::<_, Option<&str>>(column)?.map_or(ValueRef::Null, |s| ValueRef::Text(s.as_bytes()))
        }
        Type::BYTEA => row.try_get::<_, Option<&[u8]>>(column)?.map_or(ValueRef::Null, ValueRef::Blob),
        _ => return Err(bad(format!("a value of type {of}, which no statement of callvault reads"))),
    })
}

fn integer(value: Option<i64>) -> ValueRef<'static> {
    value.map_or(ValueRef::Null, ValueRef::Integer)
}

/// A parameter, in the form in which the server wants it.
struct Bound<'a>(ToSqlOutput<'a>);

fn bind<'a>(with: &'a [&dyn ToSql]) -> Result<Vec<Bound<'a>>> {
    with.iter().map(|v| Ok(Bound(v.to_sql()?))).collect()
}

impl std::fmt::Debug for Bound<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[parameter]")
    }
}

impl Argument for Bound<'_> {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        let value = match &self.0 {
            ToSqlOutput::Borrowed(value) => *value,
            ToSqlOutput::Owned(value) => ValueRef::from(value),
            _ => return Err("a parameter of a kind that only SQLite knows".into()),
        };
        match (value, of) {
            (ValueRef::Null, _) => Ok(IsNull::Yes),
            (ValueRef::Integer(n), &Type::INT8) => Argument::to_sql(&n, of, out),
            (ValueRef::Integer(n), &Type::INT4) => Argument::to_sql(&i32::try_from(n)?, of, out),
            (ValueRef::Integer(n), &Type::BOOL) => Argument::to_sql(&(n != 0), of, out),
            (ValueRef::Real(x), &Type::FLOAT8) => Argument::to_sql(&x, of, out),
            (ValueRef::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::NAME) => {
                Argument::to_sql(&std::str::from_utf8(text)?, of, out)
            }
            (ValueRef::Blob(bytes), &Type::BYTEA) => Argument::to_sql(&bytes, of, out),
            (value, of) => {
                Err(format!("a parameter of type {} where {of} is wanted", value.data_type()).into())
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

//! What a database can answer instead of rows.

use std::path::PathBuf;

/// Errors of the two drivers. None carries a value that was bound or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite refused.
    #[error("{0}")]
    Sqlite(rusqlite::Error),
    /// The server refused, or did not answer.
    #[error("the database server: {0}")]
    Server(String),
    /// The connection to the server is gone, and with it the vault's lock there.
    #[error("the connection to the database server was lost: {0}. Start callvault again")]
    Lost(String),
    /// Another process holds the vault's lock on the server.
    #[error("another callvault process works on this vault's schema of the database server; stop it first")]
    Locked,
    /// The server would not keep what it acknowledges.
    #[error("the database server runs with `{0} = off`, so it may lose what it acknowledged; switch it on")]
    NotDurable(&'static str),
    /// The setting of the database cannot be used.
    #[error("{path}: {why}")]
    Place {
        /// The file it stands in.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// A query that should have found a row found none.
    #[error("a row is missing")]
    NoRow,
    /// A column does not hold what it should.
    #[error("column {column} of a row: {why}")]
    Column {
        /// Which, from 0.
        column: usize,
        /// What it is instead.
        why: String,
    },
}

impl From<rusqlite::Error> for Error {
    fn from(e: rusqlite::Error) -> Self {
        match e {
            rusqlite::Error::QueryReturnedNoRows => Self::NoRow,
            e => Self::Sqlite(e),
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(e: tokio_postgres::Error) -> Self {
        if e.is_closed() {
            return Self::Lost("it was closed".into());
        }
        match e.as_db_error() {
            // The detail of a refusal quotes the row; the message and its code do not.
            Some(db) => {
                let what = db.constraint().or(db.column()).map(|c| format!(" ({c})")).unwrap_or_default();
                Self::Server(format!("{} {}{what}", db.code().code(), db.message()))
            }
            None => Self::Server(causes(&e)),
        }
    }
}

/// An error of the driver and what it came from.
fn causes(e: &dyn std::error::Error) -> String {
    let mut out = e.to_string();
    let mut next = e.source();
    while let Some(cause) = next {
        out.push_str(": ");
        out.push_str(&cause.to_string());
        next = cause.source();
    }
    out
}

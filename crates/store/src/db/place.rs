//! Where the database of a vault is: a file in the data directory, or a schema of a PostgreSQL server that a file there
//! names.

use super::{
    Connection, Error, Result,
    server::{Link, Use},
    sqlite::{self, Open},
};
use crate::remote;
use callvault_model::Secret;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The file of the embedded database.
pub(crate) const FILE: &str = "vault.db";
/// The file that names a server instead.
const SERVER: &str = "database.json";
/// The file that names a server whose tables are to be taken away: the vault moved back into a file.
const LEFT: &str = "database-left.json";

/// A schema of a PostgreSQL server. It holds no secret: a password stands in a private file of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseServer {
    url: String,
    schema: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    password_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ca_file: Option<PathBuf>,
}

impl DatabaseServer {
    /// A server by its address, `postgres://user@host:port/database`, and the schema that holds the vault. Over a network
    /// the connection is TLS and the server's certificate must come from an authority in `ca_file` (PEM); without one only
    /// a UNIX socket or this machine itself will do.
    pub fn new(
        url: &str,
        schema: &str,
        password_file: Option<PathBuf>,
        ca_file: Option<PathBuf>,
    ) -> std::result::Result<Self, crate::Error> {
        let server = Self { url: url.to_owned(), schema: schema.to_owned(), password_file, ca_file };
        server.check().map_err(|why| crate::Refused::invalid("this database", why))?;
        Ok(server)
    }

    fn check(&self) -> std::result::Result<Config, &'static str> {
        let config: Config = self.url.parse().map_err(|_| {
            "write postgres://user@host:port/database; a UNIX socket is postgres://user@%2Frun%2Fpostgresql/database"
        })?;
        if config.get_password().is_some() {
            return Err("a password does not belong into an address; put it into a private file of its own");
        }
        let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.schema.is_empty()
            || self.schema.len() > 60
            || !self.schema.chars().all(sound)
            || self.schema.starts_with("pg_")
            || self.schema.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(
                "the name of a schema has lower-case letters, digits and `_`, 60 at most, and begins with no digit",
            );
        }
        if config.get_hosts().is_empty() {
            return Err("name the host");
        }
        // It would be connected to in place of the host that is looked at here.
        if !config.get_hostaddrs().is_empty() {
            return Err("name the host in the address itself, not beside it as `hostaddr`");
        }
        if self.ca_file.is_none() && !config.get_hosts().iter().all(here) {
            return Err(
                "over a network the server must prove who it is: name the file with the certificate of its authority",
            );
        }
        Ok(config)
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    fn bad(&self, path: &Path, why: impl Into<String>) -> Error {
        Error::Place { path: path.to_owned(), why: why.into() }
    }

    pub(super) fn config(&self) -> Result<Config> {
        let mut config = self.check().map_err(|why| self.bad(Path::new(SERVER), why))?;
        if let Some(path) = &self.password_file {
            let password: Secret<String> =
                callvault_seal::read_passphrase(path).map_err(|e| self.bad(path, e.to_string()))?;
            config.password(password.expose());
        }
        config.ssl_mode(if self.ca_file.is_some() { SslMode::Require } else { SslMode::Disable });
        config.application_name("callvault");
        config.connect_timeout(std::time::Duration::from_secs(10));
        config.keepalives_idle(std::time::Duration::from_secs(30));
        Ok(config)
    }

    pub(super) fn tls(&self) -> Result<Option<MakeRustlsConnect>> {
        let Some(path) = &self.ca_file else { return Ok(None) };
        let config = remote::tls(path).map_err(|why| self.bad(path, why))?;
        Ok(Some(MakeRustlsConnect::new(config)))
    }

    /// Writes the file that names it: from then on the vault's rows are there.
    pub(crate) fn write(&self, dir: &Path) -> std::result::Result<(), crate::Error> {
        remote::write(dir, SERVER, self)
    }

    /// Takes the file away: from then on the vault's rows are in a file.
    pub(crate) fn forget(dir: &Path) -> std::result::Result<(), crate::Error> {
        remote::forget(dir, SERVER)
    }
}

impl std::fmt::Display for DatabaseServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, schema {}", self.url, self.schema)
    }
}

/// Whether a host is this machine.
fn here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => remote::here(name),
    }
}

/// Where the database of a vault is.
pub(crate) enum Place {
    File(PathBuf),
    Server(DatabaseServer),
}

/// The server that a file names; `None` when there is no such file.
fn named(path: &Path) -> Result<Option<DatabaseServer>> {
    remote::read(path).map_err(|why| Error::Place { path: path.to_owned(), why })
}

impl Place {
    /// As the data directory says it.
    pub(crate) fn of(dir: &Path) -> Result<Self> {
        Ok(named(&dir.join(SERVER))?.map_or_else(|| Self::File(dir.join(FILE)), Self::Server))
    }

    /// Whether it is this server, or the file where none is named.
    pub(crate) fn is(&self, server: Option<&DatabaseServer>) -> bool {
        match (self, server) {
            (Self::File(_), None) => true,
            (Self::Server(a), Some(b)) => a == b,
            _ => false,
        }
    }

    /// Notes that a server's tables are to be taken away once the vault's rows are elsewhere.
    pub(crate) fn note_left(&self, dir: &Path) -> std::result::Result<(), crate::Error> {
        match self {
            Self::File(_) => Ok(()),
            Self::Server(server) => remote::write(dir, LEFT, server),
        }
    }

    /// Takes the tables away that a move left on a server.
    pub(crate) fn drop_left(dir: &Path) -> std::result::Result<(), crate::Error> {
        let path = dir.join(LEFT);
        let Some(server) = named(&path)? else { return Ok(()) };
        let link = Connection::Server(Link::open(&server, Use::Write)?);
        link.execute_batch(&format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", server.schema()))?;
        remote::forget(dir, LEFT)
    }

    /// Whether a database is there; what is in it is another question.
    pub(crate) fn exists(&self) -> bool {
        match self {
            Self::File(path) => path.is_file(),
            Self::Server(_) => true,
        }
    }

    /// The connection that writes; whether it overwrites what it deletes, where that is a question.
    pub(crate) fn writer(&self) -> Result<(Connection, bool)> {
        match self {
            Self::File(path) => {
                let db = sqlite::open(path, Open::Write)?;
                let secure = sqlite::prepare(&db)?;
                Ok((Connection::Sqlite(db), secure))
            }
            Self::Server(server) => Ok((Connection::Server(Link::open(server, Use::Write)?), true)),
        }
    }

    /// A connection that reads beside the one that writes.
    pub(crate) fn reader(&self) -> Result<Connection> {
        match self {
            Self::File(path) => Ok(Connection::Sqlite(sqlite::open(path, Open::Read)?)),
            Self::Server(server) => Ok(Connection::Server(Link::open(server, Use::Read)?)),
        }
    }

    /// A connection to look what a killed making left: what a kill left of the first change of a file is rolled back.
    pub(crate) fn mend(&self) -> Result<Connection> {
        match self {
            Self::File(path) => Ok(Connection::Sqlite(sqlite::open(path, Open::Mend)?)),
            Self::Server(_) => self.look(),
        }
    }

    /// An empty schema on a server. Tables of a vault that was begun and not finished are taken away; anybody else's are
    /// left alone, and the schema is refused.
    pub(crate) fn clear(&self) -> Result<()> {
        let Self::Server(server) = self else { return Ok(()) };
        let link = Connection::Server(Link::open(server, Use::Write)?);
        let schema = server.schema();
        if !link.tables()?.is_empty() && !link.has_table(super::translate::VERSION)? {
            return Err(server.bad(
                Path::new(SERVER),
                format!("the schema {schema} holds tables that are not callvault's; name another one"),
            ));
        }
        link.execute_batch(&format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE; CREATE SCHEMA \"{schema}\""))
    }

    /// A connection for a look from outside: nothing is changed, nothing locked.
    pub(crate) fn look(&self) -> Result<Connection> {
        match self {
            Self::File(path) => Ok(Connection::Sqlite(sqlite::open(path, Open::Look)?)),
            Self::Server(server) => Ok(Connection::Server(Link::open(server, Use::Read)?)),
        }
    }
}

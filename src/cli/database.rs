//! `callvault database`: where the vault's rows are, and moving them to a server or back.

use super::{Done, Shared, Usage};
use crate::{out, wire};
use callvault_store::{DatabaseServer, Vault};
use serde_json::json;
use std::path::PathBuf;

/// Shows where the vault's rows are: in a file of the data directory, or on a PostgreSQL server
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Moves every row to a server, or back into a file; the vault must not be served meanwhile.
    /// docs/guide/database.md describes it
    Move {
        #[command(flatten)]
        server: Server,
        /// Back into a file of the data directory
        #[arg(long, conflicts_with = "database", required_unless_present = "database")]
        to_file: bool,
    },
}

/// A schema of a PostgreSQL server.
#[derive(clap::Args, Default)]
pub struct Server {
    /// Keep the rows on a PostgreSQL server: postgres://user@host:port/database, without a password.
    /// docs/guide/database.md describes it
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The schema there that the vault has for itself
    #[arg(long, value_name = "NAME", default_value = "callvault", requires = "database")]
    database_schema: String,
    /// A private file with the password
    #[arg(long, value_name = "FILE", requires = "database")]
    database_password_file: Option<PathBuf>,
    /// The certificate of the authority that vouches for the server (PEM); over a network it is needed, and the
    /// connection is TLS
    #[arg(long, value_name = "FILE.pem", requires = "database")]
    database_ca: Option<PathBuf>,
}

impl Server {
    /// The server, where one is named.
    pub fn named(&self) -> anyhow::Result<Option<DatabaseServer>> {
        let Some(url) = &self.database else { return Ok(None) };
        let absolute = |file: &Option<PathBuf>| file.as_ref().map(std::path::absolute).transpose();
        let (password, ca) = (absolute(&self.database_password_file)?, absolute(&self.database_ca)?);
        let server = DatabaseServer::new(url, &self.database_schema, password, ca);
        Ok(Some(server.map_err(|e| Usage(e.to_string()))?))
    }
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let Some(What::Move { server, .. }) = &args.what else { return show(shared) };
    shared.on_host("`database move` (a tenant's rows are in a file of its own)")?;
    let server = server.named()?;
    let done = wire::move_database(shared, server.as_ref())?;
    if shared.json {
        out::json(&done)?;
        return Ok(Done::Ok);
    }
    out::line(&format!(
        "moved          {} rows to the {}; what was left at the old place is destroyed",
        done.rows, done.to
    ));
    out::line(&format!("ledger         {} entries verify there", done.entries));
    Ok(Done::Ok)
}

fn show(shared: &Shared) -> anyhow::Result<Done> {
    anyhow::ensure!(
        Vault::stands(&shared.data)?,
        "{} holds no vault; create one with `callvault init`",
        shared.data.display()
    );
    let server = Vault::server(&shared.data)?;
    if shared.json {
        out::json(&json!({ "kind": if server.is_some() { "server" } else { "file" }, "server": server }))?;
    } else {
        let place = server.unwrap_or_else(|| format!("a file in {}", shared.data.display()));
        out::line(&format!("the vault's rows are in {place}"));
    }
    Ok(Done::Ok)
}

//! `callvault files`: where the vault's sealed files are, and moving them to a bucket or back.

use super::{Done, Shared, Usage};
use crate::{out, wire};
use callvault_store::{FileServer, Vault};
use serde_json::json;
use std::path::PathBuf;

/// Shows where the vault's sealed files are: in the data directory, or in a bucket of an S3 server
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Moves every sealed file to a bucket, or back into the data directory; the vault must not be served meanwhile.
    /// docs/guide/files.md describes it
    Move {
        #[command(flatten)]
        server: Server,
        /// Back into the data directory
        #[arg(long, conflicts_with = "files", required_unless_present = "files")]
        to_directory: bool,
    },
}

/// A place in a bucket of an S3 server.
#[derive(clap::Args, Default)]
pub struct Server {
    /// Keep the sealed files in a bucket: s3://bucket/prefix, with a prefix that the vault has for itself.
    /// docs/guide/files.md describes it
    #[arg(long, value_name = "S3-URL", requires = "files_credentials")]
    files: Option<String>,
    /// The server's address, https://host:port; without it, Amazon's of that region
    #[arg(long, value_name = "URL", requires = "files")]
    files_endpoint: Option<String>,
    /// The region that requests are signed for
    #[arg(long, value_name = "NAME", default_value = "us-east-1", requires = "files")]
    files_region: String,
    /// A private file with aws_access_key_id and aws_secret_access_key
    #[arg(long, value_name = "FILE", requires = "files")]
    files_credentials: Option<PathBuf>,
    /// The certificate of the authority that vouches for the server (PEM); without it, those that this machine trusts
    #[arg(long, value_name = "FILE.pem", requires = "files")]
    files_ca: Option<PathBuf>,
}

impl Server {
    /// The place, where one is named.
    pub fn named(&self) -> anyhow::Result<Option<FileServer>> {
        let (Some(place), Some(credentials)) = (&self.files, &self.files_credentials) else {
            return Ok(None);
        };
        let server = FileServer::new(
            place,
            self.files_endpoint.as_deref(),
            &self.files_region,
            std::path::absolute(credentials)?,
            self.files_ca.as_ref().map(std::path::absolute).transpose()?,
        );
        Ok(Some(server.map_err(|e| Usage(e.to_string()))?))
    }
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let Some(What::Move { server, .. }) = &args.what else { return show(shared) };
    shared.on_host("`files move` (a tenant's sealed files are in a directory of its own)")?;
    let server = server.named()?;
    let done = wire::move_files(shared, server.as_ref())?;
    if shared.json {
        out::json(&done)?;
        return Ok(Done::Ok);
    }
    out::line(&format!(
        "moved          {} files, {} bytes, to the {}; each was read back there, and none is left at the old place",
        done.files, done.bytes, done.to
    ));
    Ok(Done::Ok)
}

fn show(shared: &Shared) -> anyhow::Result<Done> {
    anyhow::ensure!(
        Vault::stands(&shared.data)?,
        "{} holds no vault; create one with `callvault init`",
        shared.data.display()
    );
    let (keeps, going) = (Vault::files_kept(&shared.data)?, Vault::files_going(&shared.data)?);
    if shared.json {
        let kind = if keeps.is_some() { "bucket" } else { "directory" };
        out::json(&json!({ "kind": kind, "bucket": keeps, "broken_off_move_to": going }))?;
        return Ok(Done::Ok);
    }
    let Some(keeps) = keeps else {
        out::line(&format!("the vault's sealed files are in {}", shared.data.display()));
        if let Some(going) = going {
            out::line(&format!(
                "a move to {going} was broken off, and copies may be there; go on with it, or take it back with `callvault files move --to-directory`"
            ));
        }
        return Ok(Done::Ok);
    };
    out::line(&format!("the vault's sealed files are in {}", keeps.place));
    out::line(&match keeps.in_words() {
        None => "what is deleted there is gone, as far as the server says".to_owned(),
        Some(why) => format!("what is deleted there may remain, for {why}; its keys are destroyed"),
    });
    Ok(Done::Ok)
}

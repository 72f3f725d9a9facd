//! `callvault init`: a new vault and its key.

use super::{Done, Shared, database, files, keys::Holders};
use crate::{out, wire};
use callvault_store::{hsm::Place, service};
use serde_json::json;
use std::path::PathBuf;

/// Makes a new vault: a data directory, a key file outside it, recovery shares
#[derive(clap::Args)]
pub struct Args {
    /// The key in a security module (PKCS #11, RFC 7512) that seals the key file; made there if it is missing.
    /// docs/guide/keys.md describes it
    #[arg(long, value_name = "PKCS11-URI")]
    hsm: Option<Place>,
    /// The key in OpenBao, HashiCorp Vault (transit:…) or AWS KMS (awskms:…) that seals the key file; it must be there.
    /// docs/guide/keys.md describes it
    #[arg(long, value_name = "URI", conflicts_with = "hsm")]
    key_service: Option<service::Place>,
    /// Recovery shares: K rebuild the key, N are made
    #[arg(long, value_name = "K/N", default_value = "2/3", value_parser = counts)]
    shares: (u8, u8),
    /// Writes each share to a private file of its own in this folder, for its holder, instead of printing it
    #[arg(long, value_name = "DIR")]
    shares_to: Option<PathBuf>,
    #[command(flatten)]
    server: database::Server,
    #[command(flatten)]
    files: files::Server,
}

/// Two numbers of which the first is at least 2 and no larger than the second.
fn counts(text: &str) -> Result<(u8, u8), String> {
    let counts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    counts
        .filter(|(k, n)| *k >= 2 && k <= n)
        .ok_or_else(|| "write K/N with 2 <= K <= N <= 255, such as 3/5".into())
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    shared.on_host("`init` (a tenant is made by `callvault tenant add`)")?;
    let (server, sealed) = (args.server.named()?, args.files.named()?);
    let holders = Holders::ready(shared, args.shares_to.as_deref(), args.shares.1)?;
    let (made, key_file) = wire::init(
        shared,
        (args.hsm.as_ref(), args.key_service.as_ref()),
        args.shares,
        server.as_ref(),
        sealed.as_ref(),
    )?;
    let shares = holders.hand_over(&made.shares)?;
    let vault = &made.vault;
    if shared.json {
        let mut said = json!({
            "vault": vault.id().to_string(), "data": shared.data, "key_file": key_file,
            "vkey": vault.vkey(), "mode": "observe",
        });
        shares.into_json(&mut said);
        out::json(&said)?;
        return Ok(Done::Ok);
    }
    out::line(&format!("vault          {}", vault.id()));
    out::line(&format!("data           {}", shared.data.display()));
    out::line(&format!("key file       {}", key_file.display()));
    out::line(&format!("verifier key   {}", vault.vkey()));
    out::line("mode           observe: it redacts, seals and reports, and destroys nothing");
    out::line("");
    shares.print(args.shares.0);
    out::line(&format!(
        "\nA lost key is a lost archive: nobody, we included, can open it without the key file or {} shares.",
        args.shares.0
    ));
    out::line("Back the key file up apart from the data, and next: callvault ingest FOLDER");
    Ok(Done::Ok)
}

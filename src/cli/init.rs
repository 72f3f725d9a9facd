//! `callvault init`: a new vault and its key.

use super::{Done, Shared};
use crate::{out, wire};
use callvault_store::hsm::Place;
use serde_json::json;

/// Makes a new vault: a data directory, a key file outside it, recovery shares
#[derive(clap::Args)]
pub struct Args {
    /// The key in a security module (PKCS #11, RFC 7512) that seals the key file; made there if it is missing.
    /// docs/guide/keys.md describes it
    #[arg(long, value_name = "PKCS11-URI")]
    hsm: Option<Place>,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    shared.on_host("`init` (a tenant is made by `callvault tenant add`)")?;
    let (made, key_file) = wire::init(shared, args.hsm.as_ref())?;
    let vault = &made.vault;
    if shared.json {
        let shares: Vec<&str> = made.shares.iter().map(|s| s.expose().as_str()).collect();
        out::json(&json!({
            "vault": vault.id().to_string(), "data": shared.data, "key_file": key_file,
            "vkey": vault.vkey(), "recovery_shares": shares, "mode": "observe",
        }))?;
        return Ok(Done::Ok);
    }
    out::line(&format!("vault          {}", vault.id()));
    out::line(&format!("data           {}", shared.data.display()));
    out::line(&format!("key file       {}", key_file.display()));
    out::line(&format!("verifier key   {}", vault.vkey()));
    out::line("mode           observe: it redacts, seals and reports, and destroys nothing");
    out::line("\nRecovery shares. Any two rebuild the key. They are shown once and kept nowhere:");
    for share in &made.shares {
        out::line(&format!("  {}", share.expose()));
    }
    out::line(
        "\nA lost key is a lost archive: nobody, we included, can open it without the key file or two shares.",
    );
    out::line("Back the key file up apart from the data, and next: callvault ingest FOLDER");
    Ok(Done::Ok)
}

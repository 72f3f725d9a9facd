//! `callvault grant …`: rights for a while. They are given in the console by another person; here they are seen and taken.

use super::{Done, Shared};
use crate::{out, wire};
use anyhow::Context;
use serde_json::json;

/// Lists rights for a while, and takes them away at once
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Every right and request, newest first
    List,
    /// Takes a right away at once
    Revoke {
        /// Its id
        id: String,
    },
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    if let What::Revoke { id } = &args.what {
        vault.revoke_grant_locally(id.parse().context("see `callvault grant list`")?)?;
        if shared.json {
            out::json(&json!({"revoked": id}))?;
        } else {
            out::line(&format!("revoked {id}"));
        }
        return Ok(Done::Ok);
    }
    let grants = vault.grants(None)?;
    if shared.json {
        out::json(&grants)?;
        return Ok(Done::Ok);
    }
    for g in &grants {
        let state = format!("{:?}", g.state).to_lowercase();
        let target = g.target.as_deref().unwrap_or("all");
        let until = g.ends_at.as_deref().map_or(String::new(), |at| format!(" until {at}"));
        out::line(&format!(
            "{} {state}{until}: {} on {} {target} for {}, account {}",
            g.id, g.act, g.target_kind, g.purpose, g.account
        ));
    }
    if grants.is_empty() {
        out::line("nobody holds or asks for a right for a while");
    }
    Ok(Done::Ok)
}

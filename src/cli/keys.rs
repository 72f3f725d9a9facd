//! `callvault keys …`: which keys there are, without any of them, and a new tenant key.

use super::{Done, Shared};
use crate::{out, wire};
use callvault_store::Actor;

/// Shows the state of the keys; rotates the tenant key
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Versions, epochs, counts
    Status,
    /// Makes a new tenant key, wraps everything again under it, destroys the old one
    Rotate,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    if matches!(args.what, What::Rotate) {
        let done = vault.rotate_tenant_key(&Actor::LocalOperator)?;
        if shared.json {
            out::json(&done)?;
        } else {
            let how = if done.resumed { "finished an interrupted rotation" } else { "rotated" };
            out::line(&format!("{how}: version {}, {} keys wrapped again", done.version, done.rewrapped));
        }
        return Ok(Done::Ok);
    }
    let s = vault.keys_status()?;
    if shared.json {
        out::json(&s)?;
        return Ok(Done::Ok);
    }
    out::line(&format!(
        "tenant key     version {}, {}, since {}",
        s.tenant_key_version, s.fingerprint, s.created_at
    ));
    if let Some(old) = s.retiring {
        out::line(&format!(
            "rotation       version {old} still wraps {} keys; `callvault keys rotate` goes on",
            s.remaining
        ));
    }
    out::line(&format!("destroyed      {} version(s)", s.destroyed));
    out::line(&format!("shred epochs   {}, current {}", s.epochs, s.epoch));
    out::line(&format!("subject keys   {}", s.subject_keys));
    out::line(&format!("object keys    {}", s.object_keys));
    Ok(Done::Ok)
}

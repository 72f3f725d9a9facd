//! `callvault keys …`: which keys there are, without any of them, a new tenant key, a new shred epoch.

use super::{Done, Shared};
use crate::{out, wire};
use callvault_store::{Actor, Vault, epoch::HORIZON};
use jiff::SignedDuration;
use serde::Serialize;

/// Shows the state of the keys; rotates the tenant key, rolls the shred epoch
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
    /// Begins a new shred epoch and wraps everything that lives again in it. A retired epoch's key is destroyed 30 days
    /// later: from then on no backup of its time can bring an erased person back, and none of them can be restored
    Roll {
        /// Destroys the keys of all retired epochs now: every backup made before this moment becomes unreadable
        #[arg(long)]
        destroy_retired: bool,
    },
}

/// What rolling did.
#[derive(Serialize)]
struct RollReport {
    #[serde(flatten)]
    rolled: callvault_store::epoch::Rolled,
    /// Epochs whose keys were destroyed.
    destroyed: Vec<String>,
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
    if let What::Roll { destroy_retired } = args.what {
        return roll(shared, &vault, destroy_retired);
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
    for epoch in vault.epochs()? {
        let until = match (&epoch.retired_at, &epoch.destroyed_at) {
            (_, Some(at)) => format!("key destroyed {at}"),
            (Some(at), None) => format!("retired {at}; its key is kept 30 days for backups"),
            (None, None) => format!("since {}", epoch.created_at),
        };
        out::line(&format!("shred epoch    {}, {until}", epoch.id));
    }
    out::line(&format!("subject keys   {}", s.subject_keys));
    out::line(&format!("object keys    {}", s.object_keys));
    Ok(Done::Ok)
}

fn roll(shared: &Shared, vault: &Vault, destroy_retired: bool) -> anyhow::Result<Done> {
    let rolled = vault.roll_epoch(&Actor::LocalOperator)?;
    // One process works on a vault, and this one does nothing else: no text is on its way between seal and row.
    let horizon = if destroy_retired { SignedDuration::ZERO } else { HORIZON };
    let destroyed = vault.destroy_retired_epochs(&Actor::LocalOperator, horizon)?;
    let report = RollReport { rolled, destroyed: destroyed.iter().map(ToString::to_string).collect() };
    if shared.json {
        out::json(&report)?;
        return Ok(Done::Ok);
    }
    let r = &report.rolled;
    let how = if r.resumed { "finished an interrupted roll" } else { "rolled" };
    out::line(&format!(
        "{how}: epoch {}, {} keys wrapped and {} texts sealed again",
        r.epoch, r.rewrapped, r.resealed
    ));
    for epoch in &report.destroyed {
        out::line(&format!("destroyed the key of epoch {epoch}; backups made in it cannot be read any more"));
    }
    Ok(Done::Ok)
}

//! `callvault collection list|set`: which fields beside the conversation are kept at all.

use super::{Done, Shared, retention::channel_named};
use crate::{out, wire};
use anyhow::Context;
use callvault_store::{Actor, collection::Field};

/// Which fields that a source tells are kept, and how often the others were dropped
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The policy, with counts
    List,
    /// Keeps or drops one field on one channel from now on
    Set {
        /// voice, chat, email or sms
        channel: String,
        /// caller_id, name, agent_name, file_name, subject_line or started_at
        field: String,
        /// keep or drop
        #[arg(value_parser = ["keep", "drop"])]
        act: String,
    },
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    match &args.what {
        What::List => {
            let policy = vault.collection_policy()?;
            if shared.json {
                out::json(&policy)?;
            } else {
                for r in policy {
                    let act = if r.keep { "keep" } else { "drop" };
                    let (channel, field) = (r.channel.as_str(), r.field.as_str());
                    out::line(&format!("{channel:<6} {field:<13} {act}  dropped {}", r.dropped));
                }
            }
        }
        What::Set { channel, field, act } => {
            let field = Field::parse(field).context(super::Usage("no such field".into()))?;
            vault.set_collection(&Actor::LocalOperator, channel_named(channel)?, field, act == "keep")?;
        }
    }
    Ok(Done::Ok)
}

//! `callvault hold place|release|list|keep|unkeep`: what nothing may be destroyed of.

use super::{Done, Shared, dispose::masked};
use crate::{out, wire};
use anyhow::Context;
use callvault_store::{Actor, HoldTarget};
use jiff::SignedDuration;

/// Legal holds and conversations that must be kept
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Places a hold: nothing under it is destroyed, whatever a rule says
    Place {
        /// conversation:ID, subject:ID or everything
        target: String,
        /// Why; masked by the detector before it is kept
        #[arg(long)]
        matter: String,
        /// Days until somebody looks at it again
        #[arg(long, default_value_t = 180)]
        review_days: u16,
    },
    /// Releases a hold
    Release {
        /// Its id
        id: String,
    },
    /// The holds that block now
    List,
    /// Marks a conversation as one that must be kept
    Keep {
        /// Its id
        id: String,
        /// Why; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
    },
    /// Takes that mark off
    Unkeep {
        /// Its id
        id: String,
    },
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    let me = Actor::LocalOperator;
    match &args.what {
        What::Place { target, matter, review_days } => {
            let review = vault.clock().now() + SignedDuration::from_hours(24 * i64::from(*review_days));
            let id = vault.place_hold(&me, target_named(target)?, &masked(matter)?, review)?;
            if shared.json {
                out::json(&serde_json::json!({"id": id}))?;
            } else {
                out::line(&id.to_string());
            }
        }
        What::Release { id } => vault.release_hold(&me, id.parse().context("see `callvault hold list`")?)?,
        What::List => {
            let (holds, kept) = (vault.holds(false)?, vault.must_keep()?);
            if shared.json {
                out::json(&serde_json::json!({"holds": holds, "must_keep": kept}))?;
            } else {
                for h in holds {
                    let target = match h.target {
                        HoldTarget::Conversation(id) => format!("conversation:{id}"),
                        HoldTarget::Subject(id) => format!("subject:{id}"),
                        HoldTarget::Vault => "everything".into(),
                    };
                    let late = if h.overdue { " (overdue)" } else { "" };
                    out::line(&format!("{}  {target}  review {}{late}  {}", h.id, h.review_at, h.matter));
                }
                for k in kept {
                    out::line(&format!("must keep  conversation:{}  {}", k.conversation, k.reason));
                }
            }
        }
        What::Keep { id, reason } => {
            vault.mark_must_keep(&me, id.parse().context("see `callvault show`")?, &masked(reason)?)?;
        }
        What::Unkeep { id } => vault.unmark_must_keep(&me, id.parse().context("see `callvault show`")?)?,
    }
    Ok(Done::Ok)
}

fn target_named(name: &str) -> anyhow::Result<HoldTarget> {
    let usage = || super::Usage("the target is conversation:ID, subject:ID or everything".into());
    Ok(match name.split_once(':') {
        None if name == "everything" => HoldTarget::Vault,
        Some(("conversation", id)) => HoldTarget::Conversation(id.parse().context(usage())?),
        Some(("subject", id)) => HoldTarget::Subject(id.parse().context(usage())?),
        _ => anyhow::bail!(usage()),
    })
}

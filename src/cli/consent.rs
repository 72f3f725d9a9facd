//! `callvault consent list|record|withdraw|wishes|refuse|decide`: who agreed to what, and who wishes to hear no more.

use super::{Done, Shared, Usage, dispose::masked};
use crate::{out, wire};
use anyhow::Context;
use callvault_store::{
    Actor,
    consent::{Detail, MAX_PROOF, NewConsent, Proof},
    opt_out::Verdict,
};
use serde_json::json;
use std::{io::Read, path::PathBuf};

const ME: Actor = Actor::LocalOperator;

/// Consents with their proof, and wishes to hear no more. Numbers are read from files, for arguments stay in histories
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The consents on file, newest first
    List,
    /// Records a consent
    Record(Box<New>),
    /// Ends a consent
    Withdraw {
        /// Its id
        id: String,
    },
    /// Wishes to hear no more; those that wait for a person first
    Wishes,
    /// Enters a wish to hear no more that reached the site otherwise
    Refuse {
        /// A file with the number or address, or - for standard input
        contact: PathBuf,
        /// How it came; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
    },
    /// Decides about a wish: confirm or dismiss one in doubt, lift one that stands
    Decide {
        /// Its id
        id: String,
        /// What it is
        #[arg(value_parser = ["confirm", "dismiss", "lift"])]
        verdict: String,
        /// Why; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
    },
}

#[derive(clap::Args)]
struct New {
    /// A file with the number or address, or - for standard input
    contact: PathBuf,
    /// any, voice, sms, email or chat
    #[arg(long, default_value = "any")]
    channel: String,
    /// marketing, service, recording, health or research
    #[arg(long)]
    purpose: String,
    /// It is written and signed
    #[arg(long)]
    written: bool,
    /// The seller it names
    #[arg(long, default_value = "")]
    seller: String,
    /// Where it was given
    #[arg(long, default_value = "")]
    source: String,
    /// What it was signed with
    #[arg(long, default_value = "")]
    signature: String,
    /// It said that calls may be autodialled or prerecorded
    #[arg(long)]
    autodialer: bool,
    /// It said that it is no condition of a purchase
    #[arg(long)]
    not_condition: bool,
    /// The day it was given
    #[arg(long, value_name = "DATE")]
    given: jiff::civil::Date,
    /// The last day it holds
    #[arg(long, value_name = "DATE")]
    expires: Option<jiff::civil::Date>,
    /// A record that proves it, at most 1 MiB
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "conversation",
        required_unless_present = "conversation"
    )]
    proof: Option<PathBuf>,
    /// The conversation that proves it
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// From this second of it
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// To this second of it
    #[arg(long, default_value_t = 0)]
    to: u64,
}

/// A file of at most so many bytes.
fn bytes(path: &std::path::Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    let limit = most as u64 + 1;
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(limit).read_to_end(&mut out)?;
    } else {
        let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
        file.take(limit).read_to_end(&mut out).with_context(|| path.display().to_string())?;
    }
    anyhow::ensure!(out.len() <= most, "{} is larger than {most} bytes", path.display());
    Ok(out)
}

fn contact(path: &std::path::Path) -> anyhow::Result<String> {
    let text = String::from_utf8(bytes(path, 400)?).ok().context("the file with the number is no text")?;
    Ok(text.trim().to_owned())
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    match &args.what {
        What::List => list(shared)?,
        What::Record(new) => record(shared, new)?,
        What::Withdraw { id } => {
            let id = id.parse().context("see `callvault consent list`")?;
            wire::open(shared)?.withdraw_consent(&ME, id)?;
        }
        What::Wishes => wishes(shared)?,
        What::Refuse { contact: file, reason } => {
            let number = contact(file)?;
            let id = wire::open(shared)?.enter_opt_out(&ME, &number, &masked(reason)?)?;
            say(shared, &id.to_string())?;
        }
        What::Decide { id, verdict, reason } => {
            let id = id.parse().context("see `callvault consent wishes`")?;
            let verdict = match verdict.as_str() {
                "confirm" => Verdict::Confirm,
                "dismiss" => Verdict::Dismiss,
                _ => Verdict::Lift,
            };
            wire::open(shared)?.decide_opt_out(&ME, id, verdict, &masked(reason)?)?;
        }
    }
    Ok(Done::Ok)
}

fn say(shared: &Shared, id: &str) -> anyhow::Result<()> {
    if shared.json {
        return out::json(&json!({ "id": id }));
    }
    out::line(id);
    Ok(())
}

fn list(shared: &Shared) -> anyhow::Result<()> {
    let rows = wire::open(shared)?.consents(None)?;
    if shared.json {
        return out::json(&json!({ "consents": rows }));
    }
    for c in rows {
        let state = if c.withdrawn_at.is_some() { "withdrawn" } else { "stands" };
        let until = c.expires.map_or_else(String::new, |e| format!(" until {e}"));
        out::line(&format!(
            "{}  {} {} by {}  given {}{until}  {state}",
            c.id, c.purpose, c.kind, c.channel, c.given
        ));
    }
    Ok(())
}

fn wishes(shared: &Shared) -> anyhow::Result<()> {
    let rows = wire::open(shared)?.opt_outs()?;
    if shared.json {
        return out::json(&json!({ "opt_outs": rows }));
    }
    for o in rows {
        let place = o.conversation.map_or_else(String::new, |c| format!("  conversation:{c}"));
        let number = if o.field.is_empty() { "  no number known" } else { "" };
        out::line(&format!(
            "{}  {}  {} by {}  {}{place}{number}",
            o.id, o.state, o.how, o.channel, o.raised_at
        ));
    }
    Ok(())
}

fn record(shared: &Shared, new: &New) -> anyhow::Result<()> {
    let proof = match (&new.proof, &new.conversation) {
        (Some(file), _) => Proof::Record(bytes(file, MAX_PROOF)?),
        (None, Some(id)) => Proof::Conversation {
            id: id.parse().context("see `callvault show`")?,
            from_ms: new.from.saturating_mul(1_000),
            to_ms: new.to.saturating_mul(1_000),
        },
        (None, None) => return Err(Usage("give --proof FILE or --conversation ID".to_owned()).into()),
    };
    let kind = if new.written { "prior_express_written" } else { "prior_express" };
    let consent = NewConsent {
        contact: contact(&new.contact)?,
        channel: new.channel.clone(),
        purpose: new.purpose.clone(),
        kind: kind.to_owned(),
        detail: Detail {
            seller: new.seller.clone(),
            source: new.source.clone(),
            signature: new.signature.clone(),
            disclosure_autodialer: Some(new.autodialer),
            disclosure_not_condition: Some(new.not_condition),
        },
        proof,
        given: new.given,
        expires: new.expires,
    };
    let id = wire::open(shared)?.record_consent(&ME, &consent)?;
    say(shared, &id.to_string())
}

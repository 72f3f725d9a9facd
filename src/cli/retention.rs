//! `callvault retention list|set|preview|run`: how long what is kept, what would go, and the run that destroys it.

use super::{Done, Shared};
use crate::{out, wire};
use anyhow::Context;
use callvault_flow::dispose;
use callvault_model::Channel;
use callvault_store::{Actor, Class, RetentionPreview};

/// How long each class of data is kept, and the run that destroys what is over its time
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The rules
    List,
    /// Sets one rule
    Set {
        /// audio (originals), redacted_audio, transcript, tokens, metadata or evidence
        class: String,
        /// voice, chat, email or sms
        channel: String,
        /// Days after it was recorded, or keep
        days: String,
    },
    /// What a run would destroy now
    Preview,
    /// Destroys it
    Run,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    match &args.what {
        What::List => {
            let rules = vault.retention_rules()?;
            if shared.json {
                out::json(&rules)?;
            } else {
                for r in rules {
                    out::line(&format!(
                        "{:<15} {:<6} {}",
                        r.class.as_str(),
                        r.channel.as_str(),
                        days(r.days)
                    ));
                }
            }
        }
        What::Set { class, channel, days } => {
            let class = Class::parse(class).context(super::Usage("no such class of data".into()))?;
            let days = match days.as_str() {
                "keep" => None,
                n => Some(n.parse().context(super::Usage("days is a number, or keep".into()))?),
            };
            vault.set_retention(&Actor::LocalOperator, class, channel_named(channel)?, days)?;
        }
        What::Preview => {
            let preview = vault.retention_preview(None)?;
            if shared.json {
                out::json(&preview)?;
            } else {
                say_preview(&preview);
            }
        }
        What::Run => {
            let done = dispose::retain(&vault, &Actor::LocalOperator)?;
            if shared.json {
                out::json(&done)?;
            } else if done.swept.observing {
                out::line("this vault observes: nothing was destroyed");
            } else {
                out::line(&format!("originals destroyed and certified: {}", done.originals));
                for l in &done.swept.lines {
                    out::line(&format!(
                        "{} {}: {} destroyed",
                        l.class.as_str(),
                        l.channel.as_str(),
                        l.destroyed
                    ));
                }
            }
            return Ok(if done.swept.observing { Done::Finding } else { Done::Ok });
        }
    }
    Ok(Done::Ok)
}

fn say_preview(preview: &RetentionPreview) {
    for l in preview.lines.iter().filter(|l| l.due + l.held + l.must_keep > 0) {
        out::line(&format!(
            "{:<15} {:<6} {:>8} due, oldest {}; {} held, {} must be kept",
            l.rule.class.as_str(),
            l.rule.channel.as_str(),
            l.due,
            l.oldest.as_deref().unwrap_or("-"),
            l.held,
            l.must_keep
        ));
    }
    let would = if preview.observing {
        "would be destroyed if this vault did not observe"
    } else {
        "will be destroyed"
    };
    out::line(&format!("{} {would}", preview.total));
}

fn days(days: Option<u32>) -> String {
    days.map_or_else(|| "keep".into(), |d| format!("{d} days"))
}

/// The channel of a name on the command line.
pub fn channel_named(name: &str) -> anyhow::Result<Channel> {
    [Channel::Voice, Channel::Chat, Channel::Email, Channel::Sms]
        .into_iter()
        .find(|c| c.as_str() == name)
        .context(super::Usage("channels are voice, chat, email and sms".into()))
}

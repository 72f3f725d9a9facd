//! `callvault dispose conversation|subject|tenant|file|device` and the vault's terms for it: `callvault disposal status|enable|disable`.

use super::{Done, Shared, detect, measure};
use crate::{out, wire};
use anyhow::Context;
use callvault_flow::{
    dispose::{self, Kept, SourceFile},
    source,
};
use callvault_program::disposal::{self, device};
use callvault_store::Actor;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Destroys the original of a conversation, verifies that, and issues a certificate
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// One conversation's original recording or message
    Conversation {
        /// Its id
        id: String,
        /// Why; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
        /// The source file is overwritten and removed, too
        #[arg(long)]
        source: bool,
    },
    /// One person: keys, words, values, names and numbers; what a hold or a law keeps stays, and the receipt says why
    Subject {
        /// The record's id, as `callvault subjects` lists it
        id: String,
        /// Why; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
        /// Their numbers and addresses go on the do-not-contact list
        #[arg(long)]
        suppress: bool,
    },
    /// One tenant with its whole vault, as `callvault tenant end` does it
    Tenant {
        /// Its name
        id: String,
        /// Why; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
    },
    /// One file outside the vault: overwritten, read back, unlinked, certified at the level its file system allows
    File {
        /// The file
        path: PathBuf,
        /// Why; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
    },
    /// One whole drive or disk image: every block overwritten and read back, certified as Clear; goes on after a crash
    Device {
        /// The block device, as /dev/sdb or a link below /dev/disk/by-id, or the image file
        path: PathBuf,
        /// Its serial number, as on its label; for what has none, NAME:BYTES
        #[arg(long)]
        serial: String,
        /// Why; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
        /// Writes the certificate into this file, too
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
    },
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let (id, reason, source) = match &args.what {
        What::Conversation { id, reason, source } => (id, reason, source),
        What::Tenant { id, reason } => return super::tenant::end(shared, id, reason),
        What::File { path, reason } => return file(shared, path, reason),
        What::Device { path, serial, reason, certificate } => {
            return whole_device(shared, path, serial, reason, certificate.as_deref());
        }
        What::Subject { id, reason, suppress } => {
            let reason = Some(masked(reason)?);
            return super::request::erase_person(shared, id.parse()?, None, *suppress, reason);
        }
    };
    let vault = wire::open(shared)?;
    let file = if *source { SourceFile::Dispose } else { SourceFile::Keep };
    let reason = masked(reason)?;
    match dispose::dispose(&vault, id.parse().context("see `callvault show` for the list")?, &reason, file)? {
        Ok(certificate) => {
            if shared.json {
                out::json(&certificate)?;
            } else {
                out::line(&format!(
                    "{}; certificate {}",
                    certificate.statement.title, certificate.statement.id
                ));
            }
            Ok(Done::Ok)
        }
        Err(kept) => {
            out::say(&match kept {
                Kept::ObserveMode => "kept: this vault observes and destroys nothing; `callvault measure` on labelled calls of your own, then `callvault disposal enable --measured REPORT`".to_owned(),
                Kept::Cooling(until) => format!("kept: the cooling delay ends on {until}"),
                Kept::Blocked(refused) => format!("kept: {refused}"),
                Kept::Retained => "kept: its retention rule is not due".to_owned(),
                Kept::NotProven(why) => format!("kept: only a recorded conversation with proof loses its original; this one is {why}"),
            });
            Ok(Done::Finding)
        }
    }
}

fn file(shared: &Shared, path: &Path, reason: &str) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let (shown, reason) = (masked(&name)?, masked(reason)?);
    let order = disposal::Order { path, shown: &shown, reason: &reason, by: wire::LOCAL_OPERATOR };
    let certificate = disposal::file(&vault, &order)?;
    if shared.json {
        out::json(&certificate)?;
        return Ok(Done::Ok);
    }
    let s = &certificate.statement;
    out::line(&format!(
        "{} is gone: {} bytes overwritten and read back on {}",
        s.file, s.bytes, s.ground.file_system
    ));
    claims(s.level, &s.id, &s.limits);
    Ok(Done::Ok)
}

fn claims(level: disposal::Level, certificate: &str, limits: &[String]) {
    let level = match level {
        disposal::Level::Clear => "Clear (NIST SP 800-88 Rev. 2), for every addressable block",
        disposal::Level::ClearFile => "Clear (NIST SP 800-88 Rev. 2), for the blocks of this file",
        disposal::Level::None => "none can be claimed here",
    };
    out::line(&format!("level: {level}; certificate {certificate}"));
    for limit in limits {
        out::line(&format!("  {limit}"));
    }
}

fn whole_device(
    shared: &Shared,
    path: &Path,
    serial: &str,
    reason: &str,
    to: Option<&Path>,
) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let (shown, reason) = (masked(&name)?, masked(reason)?);
    let order = device::Order { path, shown: &shown, serial, reason: &reason, by: wire::LOCAL_OPERATOR };
    let (writing, reading) = (out::bar(0, "overwriting"), out::bar(0, "reading back"));
    let mut step = |phase, done, total| {
        let bar = if phase == device::Phase::Overwriting { &writing } else { &reading };
        bar.set_length(total >> 20);
        bar.set_position(done >> 20);
    };
    let made = device::dispose(&vault, &Actor::LocalOperator, &order, &mut step);
    writing.finish_and_clear();
    reading.finish_and_clear();
    let made = made?;
    if let Some(to) = to {
        std::fs::write(to, serde_json::to_string_pretty(&made)?).with_context(|| to.display().to_string())?;
    }
    if shared.json {
        out::json(&made)?;
        return Ok(Done::Ok);
    }
    let s = &made.statement;
    out::line(&format!("{}: {} bytes overwritten; {}", s.name, s.bytes, s.verification));
    claims(s.level, &s.id, &s.limits);
    if s.medium.is_some() {
        out::line(
            "recorded in the register; another person has to witness it in the console before it counts there",
        );
    }
    Ok(Done::Ok)
}

/// What people type as a reason can name people.
pub fn masked(reason: &str) -> anyhow::Result<String> {
    Ok(callvault_flow::text::mask_note(&wire::detector(detect::profile("all")?, None)?, reason))
}

/// The terms on which originals are destroyed
#[derive(clap::Args)]
pub struct SettingArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Whether this vault observes or disposes
    Status,
    /// Releases observe mode on the strength of a measurement
    Enable {
        /// The report that `callvault measure --json` printed for your own labelled calls
        #[arg(long, value_name = "FILE")]
        measured: PathBuf,
        /// Days between proof and destruction
        #[arg(long, default_value_t = 7)]
        cooling_days: u32,
    },
    /// Back to observing
    Disable,
}

pub fn setting(shared: &Shared, args: &SettingArgs) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    match &args.act {
        Act::Status => {}
        Act::Enable { measured, cooling_days } => {
            let text = source::read_text(measured)?;
            let report = measure::accepted(&vault, &String::from_utf8_lossy(&text))
                .with_context(|| measured.display().to_string())?;
            vault.enable_disposal(&Actor::LocalOperator, None, report, *cooling_days)?;
        }
        Act::Disable => vault.disable_disposal(&Actor::LocalOperator)?,
    }
    let now = vault.disposal()?;
    if shared.json {
        out::json(&json!({"mode": if now.is_some() { "dispose" } else { "observe" }, "disposal": now}))?;
    } else {
        out::line(&match now {
            None => "observe: originals are kept, nothing is destroyed".to_owned(),
            Some(d) => format!(
                "dispose: originals are destroyed {} day(s) after proof; released on {} by {}, recall at least {:.1} %",
                d.cooling_days,
                d.enabled_at,
                d.enabled_by.join(" and "),
                d.measured.recall_at_least * 100.0
            ),
        });
    }
    Ok(Done::Ok)
}

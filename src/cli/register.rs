//! `callvault register …`: drives and paper, from their entry to their certificate. Another person witnesses in the console.

use super::{Done, Shared, Usage};
use crate::{out, wire};
use anyhow::Context;
use callvault_model::id::MediumId;
use callvault_program::disposal::medium as certificate;
use callvault_store::{
    Actor, Vault,
    medium::{Code, MediumRow, NewEnd, NewMedium},
};
use serde_json::json;
use std::path::PathBuf;

/// The register of drives and paper: custody, planned end, record of destruction, certificate
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Everything in the register; exit 1 when something is late, lost or waits for a witness
    List,
    /// One medium with its chain of custody
    Show {
        /// Its id
        id: MediumId,
    },
    /// Enters a drive or paper
    Enter {
        /// hdd, ssd, usb, tape, optical, phone or paper
        kind: String,
        /// Serial number or label; kept sealed
        label: String,
        /// What it may hold: originals, redacted, vault, keys, backup, notes or unknown
        #[arg(long, default_value = "unknown")]
        holds: String,
        /// Encrypted before it was first written: yes, no or unknown
        #[arg(long, default_value = "unknown")]
        encrypted: String,
        /// Where it is, and who has it; kept sealed
        #[arg(long)]
        place: String,
    },
    /// Hands it on
    Move {
        /// Its id
        id: MediumId,
        /// in_use, stored, sent or lost
        #[arg(long, default_value = "stored")]
        state: String,
        /// Where it is now, and who has it; kept sealed
        #[arg(long)]
        place: String,
    },
    /// Plans its end
    Plan {
        /// Its id
        id: MediumId,
        /// By which day, written 2027-03-01
        on: String,
        /// clear, purge or destroy (NIST SP 800-88 Rev. 2)
        level: String,
        /// overwrite, factory_reset, sanitize_command, crypto_erase, degauss, shred, cross_cut, disintegrate, incinerate, pulp
        technique: String,
    },
    /// Records how it ended; it counts when another person has witnessed it in the console
    End {
        /// Its id
        id: MediumId,
        /// On which day, written 2026-11-27
        on: String,
        /// clear, purge or destroy
        level: String,
        /// By which means, as for plan
        technique: String,
        /// full_read, sample_read, device_report, inspected or firm_report
        verification: String,
        /// Tool and version, or the firm; kept sealed
        #[arg(long)]
        tool: String,
    },
    /// Writes the certificate of a medium whose end was witnessed
    Certificate {
        /// Its id
        id: MediumId,
        /// Where to; standard output without it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Checks certificate files offline; exit 1 when one does not hold
    Check {
        /// The certificates
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The vault's verifier key; without it the key inside the certificate is believed
        #[arg(long, value_name = "KEY")]
        vkey: Option<String>,
    },
}

fn code<C: Code>(text: &str) -> anyhow::Result<C> {
    let known: Vec<&str> = C::TABLE.iter().map(|(_, code, _)| *code).collect();
    Ok(C::parse(text).ok_or_else(|| Usage(format!("{text} is none of {}", known.join(", "))))?)
}

fn day(text: &str) -> anyhow::Result<jiff::civil::Date> {
    Ok(text.parse().map_err(|_| Usage("a day is written 2027-03-01".into()))?)
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    if let What::Check { files, vkey } = &args.what {
        return check(shared, files, vkey.as_deref());
    }
    let (vault, by) = (wire::open(shared)?, Actor::LocalOperator);
    match &args.what {
        What::Check { .. } => {}
        What::List => return list(shared, &vault),
        What::Show { id } => show(shared, &vault, *id)?,
        What::Enter { kind, label, holds, encrypted, place } => {
            let new = NewMedium {
                kind: code(kind)?,
                label: label.clone(),
                holds: code(holds)?,
                encrypted: code(encrypted)?,
                place: place.clone(),
            };
            let id = vault.enter_medium(&by, &new)?;
            if shared.json {
                out::json(&json!({ "id": id }))?;
            } else {
                out::line(&id.to_string());
            }
        }
        What::Move { id, state, place } => vault.move_medium(&by, *id, code(state)?, place)?,
        What::Plan { id, on, level, technique } => {
            vault.plan_medium(&by, *id, day(on)?, code(level)?, code(technique)?)?;
        }
        What::End { id, on, level, technique, verification, tool } => {
            let end = NewEnd {
                done_on: day(on)?,
                level: code(level)?,
                technique: code(technique)?,
                verification: code(verification)?,
                tool: tool.clone(),
            };
            vault.end_medium(&by, *id, &end)?;
            out::say("recorded; another person has to witness it in the console before it counts");
        }
        What::Certificate { id, out: to } => {
            let text = serde_json::to_string_pretty(&certificate::certify(&vault, *id)?)?;
            match to {
                Some(path) => std::fs::write(path, text).with_context(|| path.display().to_string())?,
                None => out::line(&text),
            }
        }
    }
    Ok(Done::Ok)
}

/// Waits for somebody, or is where it should not be.
fn alarming(m: &MediumRow, today: &str) -> bool {
    let state = m.state.as_str();
    let late =
        !matches!(state, "ended" | "unwitnessed") && m.planned_on.as_deref().is_some_and(|d| d < today);
    late || matches!(state, "lost" | "unwitnessed")
}

fn list(shared: &Shared, vault: &Vault) -> anyhow::Result<Done> {
    let media = vault.media()?;
    let today = vault.clock().now().strftime("%Y-%m-%d").to_string();
    if shared.json {
        out::json(&media)?;
    } else {
        for m in &media {
            let planned = m.planned_on.as_deref().unwrap_or("");
            let mark = if alarming(m, &today) { "! " } else { "" };
            out::line(&format!(
                "{}  {mark}{}  {}  {}  {planned}",
                m.id,
                m.kind.as_str(),
                m.state.as_str(),
                m.label
            ));
        }
    }
    Ok(if media.iter().any(|m| alarming(m, &today)) { Done::Finding } else { Done::Ok })
}

fn show(shared: &Shared, vault: &Vault, id: MediumId) -> anyhow::Result<()> {
    let (medium, steps, end) = (vault.medium(id)?, vault.medium_steps(id)?, vault.medium_end(id)?);
    if shared.json {
        return out::json(&json!({ "medium": medium, "custody": steps, "end": end }));
    }
    out::line(&format!(
        "{}: {}, may hold {}, {}",
        medium.label,
        medium.kind.words(),
        medium.holds.words(),
        medium.state.words()
    ));
    for s in steps {
        out::line(&format!("{}  {}  {}  {}", s.at, s.what, s.by, s.text));
    }
    Ok(())
}

fn check(shared: &Shared, files: &[PathBuf], vkey: Option<&str>) -> anyhow::Result<Done> {
    let mut done = Done::Ok;
    for file in files {
        let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
        let verdict = certificate::Certificate::parse(&bytes).and_then(|c| c.verify(vkey).map(|()| c));
        if verdict.is_err() {
            done = Done::Finding;
        }
        match (&verdict, shared.json) {
            (Ok(c), true) => out::json(&json!({"file": file, "ok": true, "title": c.statement.title}))?,
            (Err(why), true) => out::json(&json!({"file": file, "ok": false, "why": why.to_string()}))?,
            (Ok(c), false) => out::line(&format!("{}: ok, {}", file.display(), c.statement.title)),
            (Err(why), false) => out::line(&format!("{}: does not hold: {why}", file.display())),
        }
    }
    Ok(done)
}

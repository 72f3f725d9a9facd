//! `callvault incident canary`: invented customers, taken in like any other.

use crate::{
    cli::{Shared, detect, ingest},
    out, wire,
};
use anyhow::Context;
use callvault_flow::{dispose::SourceFile, source};
use callvault_model::Entropy;
use callvault_seal::OsEntropy;
use callvault_store::{Actor, Vault};
use serde_json::json;
use std::path::PathBuf;

/// Plants canaries, or counts them
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Invents customers and chats, or marks conversations of people you invented yourself
    Plant {
        /// How many to invent
        #[arg(long, default_value_t = 0)]
        count: u16,
        /// Conversations to mark
        #[arg(long = "mark", value_name = "ID")]
        mark: Vec<String>,
    },
    /// How many there are; which ones is told to nobody
    Count,
}

pub fn run(shared: &Shared, vault: &Vault, args: &Args) -> anyhow::Result<()> {
    match &args.what {
        What::Count => {}
        What::Plant { count, mark } => {
            anyhow::ensure!(
                *count <= 200 && (*count > 0 || !mark.is_empty()),
                crate::cli::Usage("give --count up to 200, or --mark".into())
            );
            let mut ids = mark
                .iter()
                .map(|id| id.parse().context("see `callvault show`"))
                .collect::<anyhow::Result<Vec<_>>>()?;
            ids.extend(invent(vault, *count)?);
            vault.mark_canaries(&Actor::LocalOperator, &ids)?;
        }
    }
    let all = vault.canaries()?;
    let (people, conversations) = (all.people.len(), all.conversations.len());
    if shared.json {
        return out::json(&json!({ "people": people, "conversations": conversations }));
    }
    out::line(&format!("{people} invented customers with {conversations} conversations"));
    Ok(())
}

const FIRST: [&str; 24] = [
    "Alma", "Bruno", "Carla", "Dario", "Elena", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Katja", "Leon",
    "Mara", "Nils", "Olga", "Paul", "Rosa", "Simon", "Tessa", "Umberto", "Vera", "Walter", "Xenia",
    "Yannick",
];
const LAST: [&str; 24] = [
    "Abernathy",
    "Brockhurst",
    "Castellan",
    "Drummond",
    "Ellsworth",
    "Fairbank",
    "Goddard",
    "Hathaway",
    "Ingersoll",
    "Jardine",
    "Kendrick",
    "Lockhart",
    "Merriman",
    "Norwood",
    "Oakhurst",
    "Pemberton",
    "Quigley",
    "Ravenscroft",
    "Standish",
    "Thornbury",
    "Underhill",
    "Vandermeer",
    "Whitlock",
    "Yarborough",
];
const MATTERS: [&str; 6] = [
    "my invoice of last month shows a fee that I never agreed to",
    "the parcel was left at the wrong door again",
    "I would like to move the appointment to next week",
    "the app does not accept my new address",
    "somebody called me and said that my contract ends",
    "the refund for the cancelled booking has not arrived",
];

fn pick<'a>(from: &[&'a str], byte: u8) -> &'a str {
    from.get(usize::from(byte) % from.len()).copied().unwrap_or("")
}

/// Chats of people who are not, through the ordinary way in.
fn invent(vault: &Vault, count: u16) -> anyhow::Result<Vec<callvault_model::id::ConversationId>> {
    let detector = wire::detector(detect::profile("all")?, None)?;
    let engines = wire::Engines::none();
    let cancel = wire::cancel_on_ctrl_c()?;
    let tools = wire::tools(&detector, &engines, &cancel);
    let dir = tempfile::tempdir().context("a private temporary folder cannot be made")?;
    let mut ids = Vec::new();
    for n in 0..count {
        let mut r = [0u8; 8];
        OsEntropy.fill(&mut r)?;
        let path: PathBuf = dir.path().join(format!("chat-{n}.json"));
        std::fs::write(&path, chat(r).to_string()).with_context(|| path.display().to_string())?;
        for mut found in source::find(&path)? {
            found.dispose = false;
            let row = ingest::one(vault, &tools, &found, SourceFile::Keep)?;
            anyhow::ensure!(row.state == "recorded", "an invented chat was not taken in: {}", row.state);
            ids.push(row.id);
        }
    }
    Ok(ids)
}

/// One chat. Numbers are 555-01xx, which nobody has; the address is of a domain for examples.
fn chat([a, b, c, d, e, f, g, h]: [u8; 8]) -> serde_json::Value {
    let (first, last) = (pick(&FIRST, a), pick(&LAST, b));
    let area = [202u16, 312, 404, 503, 617, 702, 813, 919];
    let area = area.get(usize::from(c) % area.len()).copied().unwrap_or(202);
    let line = 100 + u16::from(d) % 100;
    let mail = format!("{}.{}{}@example.com", first.to_lowercase(), last.to_lowercase(), u16::from(e) + 10);
    let turn = |party: u8, text: String| json!({ "party": party, "text": text });
    json!({
        "channel": "chat",
        "parties": [
            { "role": "customer", "address": mail, "name": format!("{first} {last}") },
            { "role": "agent" },
        ],
        "turns": [
            turn(0, format!("Hello, my name is {first} {last} and {}.", pick(&MATTERS, f))),
            turn(1, "Good morning, I am sorry to hear that. May I have your telephone number?".into()),
            turn(0, format!("It is {area}-555-0{line}, and my e-mail address is {mail}.")),
            turn(1, format!("Thank you. I opened case {}{} and somebody writes to you within {} days.", 70 + u16::from(g) % 20, 1_000 + u16::from(h), 2 + g % 4)),
            turn(0, "Thank you, that helps.".into()),
        ],
    })
}

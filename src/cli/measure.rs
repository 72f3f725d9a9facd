//! `callvault measure TRUTH`: how well redaction works on labelled conversations of your own.

use super::{Done, Shared, detect, ingest};
use crate::{out, wire};
use anyhow::Context;
use callvault_flow::{
    dispose::SourceFile,
    measure::{self, Score, Truth, TruthConversation},
    source::{self, Source},
    tools::Tools,
};
use callvault_model::Channel;
use callvault_speech::decode::{Limits, Recording};
use callvault_store::{Actor, Vault, settings::Measured};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

mod corrections;
mod recordings;
mod texts;

/// Scores redaction on your own conversations: labelled ones, or your own texts with synthetic secrets planted in them
#[derive(clap::Args)]
pub struct Args {
    /// A truth file (.json) of labelled conversations, a .jsonl of texts, with or without labels, a folder of .txt and .jsonl,
    /// or a recording or a folder of recordings
    #[arg(
        value_name = "TRUTH|DIR|JSONL",
        required_unless_present = "corrections",
        conflicts_with = "corrections"
    )]
    truth: Option<PathBuf>,
    /// Tries the corrections that were accepted in the vault instead: what does the detector get right by itself by now?
    #[arg(long)]
    corrections: bool,
    /// With --corrections: takes what was lost as it is, so that it no longer ends in exit code 1
    #[arg(long, requires = "corrections", conflicts_with = "truth")]
    settle: bool,
    /// Values planted in a text without labels or in a recording, at most
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    plant: u16,
    /// Plants other values and places; the same number plants the same
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What is redacted: default, pci, hipaa, gdpr or all
    #[arg(long, default_value = "default")]
    profile: String,
}

/// What `measure --json` prints and `disposal enable --measured` reads.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Conversations scored.
    pub conversations: u64,
    /// Ordinary ones, and how many of them are in quarantine.
    pub ordinary: u64,
    pub quarantined: u64,
    /// Planted values, in all and in conversations that were released.
    pub planted: u64,
    pub planted_released: u64,
    /// Released values that can no longer be heard or read.
    pub covered: u64,
    /// Lower end of the 95 % Wilson interval of recall.
    pub recall_at_least: f64,
    /// Share of other speech that was muted.
    pub false_mute_share: f64,
    /// Muted stretches that touch no planted value.
    pub false_mutes: u64,
    /// Per type: planted in released conversations, and of these recovered.
    pub by_type: BTreeMap<String, (u64, u64)>,
    /// What is still there: file, type, how.
    pub recovered: Vec<(String, String, String)>,
}

impl Report {
    pub fn new(score: &Score) -> Self {
        let measured = Measured::new(score.planted_released, score.covered());
        Self {
            conversations: score.conversations,
            ordinary: score.ordinary,
            quarantined: score.ordinary_quarantined,
            planted: score.planted,
            planted_released: score.planted_released,
            covered: score.covered(),
            recall_at_least: measured.recall_at_least,
            false_mute_share: score.false_mute_share(),
            false_mutes: score.false_mutes,
            by_type: score.by_type.clone(),
            recovered: score
                .recovered
                .iter()
                .map(|r| (r.file.clone(), r.entity.to_string(), r.how.clone()))
                .collect(),
        }
    }
}

/// The measurement of a report that this vault signed, if it is one that can release observe mode.
pub fn accepted(vault: &Vault, report: &str) -> anyhow::Result<Measured> {
    enough(vault.accept_measurement(report)?)
}

/// Fewer values say nothing about how much is found.
pub fn enough(measured: Measured) -> anyhow::Result<Measured> {
    anyhow::ensure!(
        measured.planted >= 20,
        "only {} planted values were measured; label conversations with at least 20 before anything is destroyed",
        measured.planted
    );
    Ok(measured)
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let Some(truth) = args.truth.as_deref() else { return corrections::run(shared, args) };
    if recordings::are_at(truth)? {
        return recordings::run(shared, args, truth);
    }
    if truth.is_dir() || truth.extension().is_some_and(|e| e == "jsonl" || e == "txt") {
        return texts::run(shared, args, truth);
    }
    let (truth, dir) = read(truth)?;
    let detector = wire::detector(detect::profile(&args.profile)?, shared.recognisers.as_deref())?;
    let engines = wire::engines(shared)?;
    let cancel = wire::cancel_on_ctrl_c()?;
    let place = tempfile::tempdir()?;
    let vault = own_vault(place.path())?;
    let tools = wire::tools(&detector, &engines, &cancel);
    let score = score(&vault, &tools, &truth, &dir, &mut |_| {})?;
    let report = Report::new(&score);
    if shared.json {
        out::json(&signed(shared, &report)?)?;
    } else {
        print(&report);
    }
    Ok(if report.recovered.is_empty() { Done::Ok } else { Done::Finding })
}

/// Measured in a vault of its own that is thrown away: labelled conversations are no customers.
fn own_vault(place: &Path) -> anyhow::Result<Vault> {
    let own = Shared {
        data: place.join("data"),
        key_file: Some(place.join("measure.key")),
        passphrase_file: None,
        engine: None,
        recognisers: None,
        packs: None,
        packs_key: None,
        tenant: None,
        host: None,
        json: false,
    };
    Ok(wire::init(&own, (None, None), wire::SHARES, None, None)?.0.vault)
}

/// The report under the signature of the vault it is for; without a vault it is a number and releases nothing.
fn signed(shared: &Shared, report: &Report) -> anyhow::Result<serde_json::Value> {
    let plain = serde_json::to_value(report)?;
    if Vault::peek(&shared.data)?.is_none() {
        out::say(&format!(
            "not signed: {} holds no vault, so `disposal enable` will not take this report; name the vault with --data",
            shared.data.display()
        ));
        return Ok(plain);
    }
    match wire::open(shared)
        .and_then(|vault| Ok(vault.sign_measurement(&Actor::LocalOperator, plain.clone())?))
    {
        Ok(signed) => Ok(signed),
        Err(e) => {
            out::say(&format!("not signed, so `disposal enable` will not take this report: {e:#}"));
            Ok(plain)
        }
    }
}

/// Reads a truth file and says where its conversations lie.
pub fn read(path: &Path) -> anyhow::Result<(Truth, PathBuf)> {
    let bytes = source::read_text(path)?;
    let dir = path.parent().unwrap_or(Path::new("")).to_owned();
    Ok((measure::parse(&bytes)?, dir))
}

/// Takes every labelled conversation in and scores what the vault would give out.
pub fn score(
    vault: &Vault,
    tools: &Tools<'_>,
    truth: &Truth,
    dir: &Path,
    seen: &mut dyn FnMut(ingest::Row),
) -> anyhow::Result<Score> {
    score_with(vault, tools, truth, dir, &|_| None, seen)
}

/// The same with a transcript for each recording that has one.
pub fn score_with(
    vault: &Vault,
    tools: &Tools<'_>,
    truth: &Truth,
    dir: &Path,
    transcript: &dyn Fn(&Path) -> Option<PathBuf>,
    seen: &mut dyn FnMut(ingest::Row),
) -> anyhow::Result<Score> {
    let mut score = Score::default();
    let bar = out::bar(truth.conversations.len() as u64, "conversations");
    for labelled in &truth.conversations {
        let path = dir.join(&labelled.file);
        let found: Vec<Source> = source::find(&path).with_context(|| labelled.file.clone())?;
        let mut source =
            found.into_iter().next().with_context(|| format!("{}: not a conversation", labelled.file))?;
        source.transcript = transcript(&path);
        let row = score_one(vault, tools, labelled, &source, &mut score)?;
        seen(row);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(score)
}

/// Takes one conversation in and scores what the vault would give out of it.
fn score_one(
    vault: &Vault,
    tools: &Tools<'_>,
    labelled: &TruthConversation,
    source: &Source,
    score: &mut Score,
) -> anyhow::Result<ingest::Row> {
    let row = ingest::one(vault, tools, source, SourceFile::Keep)?;
    if row.state != "recorded" {
        score.quarantined(labelled);
        return Ok(row);
    }
    let text: Vec<String> = vault.masked(row.id)?.turns.into_iter().map(|t| t.text).collect();
    if labelled.channel == Channel::Voice {
        let audio = Box::new(vault.redacted_audio(row.id)?);
        score.voice(labelled, &mut Recording::open(audio, Some("muted.wav"), &Limits::default())?, &text)?;
    } else {
        score.text(labelled, &text);
    }
    Ok(row)
}

fn print(r: &Report) {
    let percent = |n: u64, of: u64| if of == 0 { 100.0 } else { n as f64 * 100.0 / of as f64 };
    out::line(&format!(
        "{} conversations, {} ordinary, {} of these in quarantine",
        r.conversations, r.ordinary, r.quarantined
    ));
    out::line(&format!(
        "covered {} of {} planted values: {:.1} % (at least {:.1} %, 95 % Wilson interval)",
        r.covered,
        r.planted_released,
        percent(r.covered, r.planted_released),
        r.recall_at_least * 100.0
    ));
    out::line(&format!(
        "muted by mistake: {:.1} % of other speech, {} places",
        r.false_mute_share * 100.0,
        r.false_mutes
    ));
    for (entity, (planted, recovered)) in &r.by_type {
        out::line(&format!("  {entity:<16} {:>4} of {planted:<4}", planted - recovered));
    }
    for (file, entity, how) in &r.recovered {
        out::line(&format!("  still there: {entity} {how} in {file}"));
    }
}

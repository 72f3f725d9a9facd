//! `callvault redact FILE…`: redacted copies without a vault.

use super::{Done, Shared, detect};
use crate::{out, wire};
use anyhow::Context;
use callvault_flow::{
    Error, Quarantine, cover,
    prove::{self, Proof},
    scratch::Scratch,
    source::{self, chat::Chat, email::Email},
    text,
    tools::Tools,
    voice::{self, Proven},
};
use callvault_model::{Channel, EntityType, Finding, Turn, id::TenantId};
use callvault_speech::decode::{Limits, Recording};
use serde::Serialize;
use std::{
    fs::{self, File},
    io::{self, BufReader, Write},
    path::{Path, PathBuf},
};

/// Writes redacted copies: for a.wav a.redacted.wav, a.redacted.txt and a.findings.json
#[derive(clap::Args)]
pub struct Args {
    /// Recordings, chats or e-mails
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A transcript of the one recording that is named: WebVTT, Whisper JSON or callvault JSON
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// Where the copies go (default: beside each file)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What is redacted: default, pci, hipaa, gdpr or all
    #[arg(long, default_value = "default")]
    profile: String,
}

#[derive(Serialize)]
struct FindingsFile<'a> {
    proof: &'static str,
    proof_facts: &'a Proof,
    findings: Vec<FindingLine<'a>>,
}

#[derive(Serialize)]
struct FindingLine<'a> {
    #[serde(rename = "type")]
    entity: EntityType,
    channel: usize,
    start_ms: u64,
    end_ms: u64,
    score: f32,
    recognizer: &'a str,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    anyhow::ensure!(
        args.transcript.is_none() || args.files.len() == 1,
        super::Usage("--transcript belongs to exactly one recording".into())
    );
    let detector = wire::detector(detect::profile(&args.profile)?, shared.recognisers.as_deref())?;
    let engines = wire::engines(shared)?;
    let cancel = wire::cancel_on_ctrl_c()?;
    let tools = wire::tools(&detector, &engines, &cancel);
    if let Some(dir) = &args.out {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    }
    let bar = out::bar(args.files.len() as u64, "redacting");
    let (mut quarantined, mut failed) = (0, 0);
    for file in &args.files {
        match one(file, args, &tools) {
            Ok(Ok(proof)) => {
                if shared.json {
                    out::json(&serde_json::json!({"file": file, "proof": proof}))?;
                }
            }
            Ok(Err(why)) => {
                quarantined += 1;
                out::say(&format!("{}: quarantined ({}): {}", file.display(), why.code.as_str(), why.reason));
            }
            Err(e) => {
                failed += 1;
                out::say(&format!("{}: {e:#}", file.display()));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    anyhow::ensure!(
        failed == 0,
        "{failed} of {} file(s) failed; nothing was written for them",
        args.files.len()
    );
    Ok(if quarantined > 0 { Done::Finding } else { Done::Ok })
}

type Redacted = anyhow::Result<Result<&'static str, Quarantine>>;

fn one(file: &Path, args: &Args, tools: &Tools<'_>) -> Redacted {
    let kind = fs::symlink_metadata(file).with_context(|| "cannot be read".to_owned())?;
    anyhow::ensure!(!kind.is_symlink(), "this is a symbolic link; name the file it points to");
    anyhow::ensure!(
        kind.is_file(),
        "this is no file; name recordings, or use `callvault ingest` for folders"
    );
    let names = Names::new(file, args.out.as_deref())?;
    names.clear()?;
    match channel(file)? {
        Channel::Voice => recording(file, args.transcript.as_deref(), tools, &names),
        channel => message(file, channel, tools, &names),
    }
}

fn channel(file: &Path) -> anyhow::Result<Channel> {
    if let Some(channel) = source::channel_of(file) {
        return Ok(channel);
    }
    if file.extension().is_some_and(|e| e == "json")
        && let Some(channel) = source::chat::peek(file)?
    {
        return Ok(channel);
    }
    // A recording without a known ending still says in its first bytes what it is.
    Ok(Channel::Voice)
}

/// The three files that belong to one source.
struct Names {
    wav: PathBuf,
    text: PathBuf,
    findings: PathBuf,
}

impl Names {
    /// An earlier answer must not be taken for this one's, which may be quarantine.
    fn clear(&self) -> anyhow::Result<()> {
        for path in [&self.wav, &self.text, &self.findings] {
            if path.symlink_metadata().is_ok() {
                callvault_seal::files::unlink(path, "an earlier redacted copy, made anew from its source")?;
            }
        }
        Ok(())
    }

    fn new(file: &Path, out: Option<&Path>) -> anyhow::Result<Self> {
        let stem = file.file_stem().context("this path has no file name")?.to_string_lossy().into_owned();
        let dir = out.unwrap_or_else(|| file.parent().unwrap_or(Path::new("")));
        let of = |end: &str| dir.join(format!("{stem}.{end}"));
        Ok(Self { wav: of("redacted.wav"), text: of("redacted.txt"), findings: of("findings.json") })
    }
}

fn recording(file: &Path, transcript: Option<&Path>, tools: &Tools<'_>, names: &Names) -> Redacted {
    let limits = Limits::default();
    let scratch = Scratch::new(std::env::temp_dir(), TenantId::from_bytes([0; 16]), &limits);
    let name = file.to_string_lossy();
    let open = || -> Result<Recording, Error> {
        let bytes = BufReader::new(File::open(file).map_err(Error::file(file))?);
        Ok(Recording::open(Box::new(bytes), Some(&name), &limits)?)
    };
    let proven = match walk(&open, transcript, tools, &scratch) {
        Ok(Ok(proven)) => proven,
        Ok(Err(why)) => return Ok(Err(why)),
        Err(e) => return Err(e.into()),
    };
    let Proven { redacted, covers, proof } = &proven;
    let hearing = &redacted.detected.transcribed.hearing;
    let roles: Vec<&str> = redacted.detected.transcribed.roles.iter().map(|r| r.as_str()).collect();
    let masked = cover::masked(&hearing.turns, covers);
    let mut page = String::new();
    for (turn, text) in hearing.turns.iter().zip(&masked) {
        let role = roles.get(turn.party).copied().unwrap_or("unknown");
        page.push_str(&format!("[{}] {role}: {text}\n", out::clock(turn.start_ms)));
    }
    if proof.level == callvault_model::ProofLevel::None {
        out::say(&format!(
            "{}: proof none: nobody listened again, because no speech model is installed",
            file.display()
        ));
    }
    write(&names.wav, |to| io::copy(&mut redacted.muted.reader().map_err(io::Error::other)?, to).map(drop))?;
    write_texts(names, &page, proof, &hearing.turns, &redacted.detected.findings)?;
    Ok(Ok(proof.level.as_str()))
}

fn walk(
    open: &voice::Open<'_>,
    transcript: Option<&Path>,
    tools: &Tools<'_>,
    scratch: &Scratch<'_>,
) -> voice::Halted<Proven> {
    let imported = match transcript {
        Some(path) => Some(voice::import(&source::read_text(path)?, open)?),
        None => None,
    };
    let transcribed = match voice::transcribe(open, voice::hear(open, imported, tools)?, &[], false)? {
        Ok(done) => done,
        Err(why) => return Ok(Err(why)),
    };
    let detected = match voice::detect(transcribed, tools)? {
        Ok(done) => done,
        Err(why) => return Ok(Err(why)),
    };
    prove::prove(open, voice::redact(open, detected, scratch)?, tools, scratch)
}

fn message(file: &Path, channel: Channel, tools: &Tools<'_>, names: &Names) -> Redacted {
    let bytes = source::read_text(file)?;
    let name = file.display().to_string();
    let (parties, turns, unsearchable) = if channel == Channel::Email {
        let mail = Email::parse(&bytes, &name)?;
        {
            let why = mail.unsearchable();
            (mail.parties, mail.turns, why)
        }
    } else {
        let chat = Chat::parse(&bytes, &name)?;
        let turns = chat.turns();
        (chat.parties, turns, None)
    };
    if let Some(why) = unsearchable {
        return Ok(Err(why));
    }
    let roles: Vec<_> = parties.iter().map(|p| p.role).collect();
    let proven = match text::prove_text(turns, &roles, tools) {
        Ok(proven) => proven,
        Err(why) => return Ok(Err(why)),
    };
    let mut page = String::new();
    for (turn, text) in proven.turns.iter().zip(cover::masked(&proven.turns, &proven.covers)) {
        let role = roles.get(turn.party).map_or("unknown", |r| r.as_str());
        page.push_str(&format!("{role}: {text}\n"));
    }
    write_texts(names, &page, &proven.proof, &proven.turns, &proven.findings)?;
    Ok(Ok(proven.proof.level.as_str()))
}

fn write_texts(
    names: &Names,
    page: &str,
    proof: &Proof,
    turns: &[Turn],
    findings: &[Finding],
) -> anyhow::Result<()> {
    write(&names.text, |to| to.write_all(page.as_bytes()))?;
    let lines = findings.iter().filter_map(|f| {
        let turn = turns.get(f.turn)?;
        let whole = cover::of_findings(std::slice::from_ref(f));
        let span = cover::span(turn, whole.first()?);
        Some(FindingLine {
            entity: f.entity,
            channel: turn.party,
            start_ms: span.start_ms,
            end_ms: span.end_ms,
            score: f.score,
            recognizer: &f.recognizer,
        })
    });
    let file = FindingsFile { proof: proof.level.as_str(), proof_facts: proof, findings: lines.collect() };
    let json = serde_json::to_string_pretty(&file)?;
    write(&names.findings, |to| to.write_all(json.as_bytes()))
}

/// Writes beside its final name and renames, so that nobody takes half a file for a whole one.
fn write(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let part = path.with_extension("part");
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)
        .with_context(|| part.display().to_string())?;
    fill(&mut file).and_then(|()| file.sync_all()).with_context(|| part.display().to_string())?;
    fs::rename(&part, path).with_context(|| path.display().to_string())
}

//! Tells where muted time comes from: `where_muted [--no-proof] [--cache DIR] FILE…`
//!
//! Prints one JSON line per recording: the findings with their words and times, and what is muted per channel after each
//! step (findings, padding and pauses, doubts, other channels, proof). `tools/make_calls/explain_muted.py` compares that
//! with a truth file. It prints what was heard, so it is for synthetic calls only. With `--cache` the first hearing is kept, so that only what
//! follows it is measured again.
#![expect(clippy::print_stdout, reason = "a measuring tool for developers")]

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use callvault_detect::{Detector, Profile};
use callvault_flow::{Error, hear::Hearing, prove, scratch::Scratch, tools::Tools, voice};
use callvault_model::{IntervalSet, TimeQuality, Turn, id::TenantId};
use callvault_speech::{
    Heard,
    decode::{Limits, Recording},
    dtmf,
    engine::Engine,
    models::{Model, ModelStore},
    moonshine::Moonshine,
};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let (mut proof, mut cache, mut files) = (true, None, Vec::new());
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        match arg.as_str() {
            "--no-proof" => proof = false,
            "--cache" => cache = Some(PathBuf::from(given.next().ok_or("--cache wants a folder")?)),
            _ => files.push(PathBuf::from(arg)),
        }
    }
    let store = ModelStore::locate()?;
    let first = Moonshine::load(store.open(Model::Base)?, 1)?;
    let again = Moonshine::load(store.open(Model::Tiny)?, 1)?;
    let detector = Detector::new(Profile::Default)?;
    let cancel = AtomicBool::new(false);
    let tools = Tools {
        detector: &detector,
        first: Some(&first),
        again: proof.then_some(&again as &dyn Engine),
        cancel: &cancel,
    };
    for file in &files {
        println!("{}", one(file, cache.as_deref(), &tools)?);
    }
    Ok(())
}

fn one(file: &Path, cache: Option<&Path>, tools: &Tools<'_>) -> Result<Value, Failure> {
    let limits = Limits::default();
    let name = file.to_string_lossy();
    let open = || -> Result<Recording, Error> {
        let bytes = BufReader::new(File::open(file).map_err(Error::file(file))?);
        Ok(Recording::open(Box::new(bytes), Some(&name), &limits)?)
    };
    let stem = file.file_stem().ok_or("no file name")?.to_string_lossy().into_owned();
    let hearing = hearing(&open, cache.map(|dir| dir.join(format!("{stem}.heard.json"))), tools)?;
    let transcribed = match voice::transcribe(&open, voice::hear(&open, Some(hearing), tools)?, &[], false)? {
        Ok(done) => done,
        Err(why) => return Ok(json!({"id": stem, "quarantined": why.reason})),
    };
    let detected = match voice::detect(transcribed, tools)? {
        Ok(done) => done,
        Err(why) => return Ok(json!({"id": stem, "quarantined": why.reason})),
    };
    let turns = detected.transcribed.hearing.turns.clone();
    let findings: Vec<Value> = detected
        .findings
        .iter()
        .filter_map(|f| {
            let turn = turns.get(f.turn)?;
            let words: Vec<_> =
                turn.words_in(f.start..f.end).map(|w| json!([w.text, w.start_ms, w.end_ms])).collect();
            Some(json!({"channel": turn.party, "type": f.entity, "by": f.recognizer, "why": f.reason, "words": words}))
        })
        .collect();
    let heard = said(&detected.transcribed.hearing);
    let (planned, unverified) = (detected.mute.clone(), detected.unverified.clone());
    let scratch = Scratch::new(std::env::temp_dir(), TenantId::from_bytes([0; 16]), &limits);
    let redacted = voice::redact(&open, detected, &scratch)?;
    let spread = redacted.detected.mute.clone();
    let second = match tools.again {
        Some(engine) => {
            said(&Hearing::listen(&mut scratch.recording(&redacted.muted)?, engine, true, tools)?)
        }
        None => Vec::new(),
    };
    let proven = match prove::prove(&open, redacted, tools, &scratch)? {
        Ok(proven) => proven,
        Err(why) => return Ok(json!({"id": stem, "quarantined": why.reason})),
    };
    Ok(json!({
        "id": stem, "findings": findings, "turns": heard, "second": second,
        "planned": sets(&planned), "unverified": sets(&unverified), "spread": sets(&spread),
        "proven": sets(&proven.redacted.detected.mute), "rounds": proven.proof.rounds, "caught": proven.proof.caught,
    }))
}

fn said(hearing: &Hearing) -> Vec<Value> {
    let turn =
        |t: &Turn| json!({"channel": t.party, "start_ms": t.start_ms, "end_ms": t.end_ms, "text": t.text});
    hearing.turns.iter().map(turn).collect()
}

fn sets(of: &[IntervalSet]) -> Vec<Vec<[u64; 2]>> {
    of.iter().map(|s| s.as_slice().iter().map(|i| [i.start_ms, i.end_ms]).collect()).collect()
}

fn hearing(open: &voice::Open<'_>, kept: Option<PathBuf>, tools: &Tools<'_>) -> Result<Hearing, Failure> {
    let mut recording = open()?;
    let Some(engine) = tools.first else { return Err("no model".into()) };
    if let Some(bytes) = kept.as_ref().and_then(|path| fs::read(path).ok()) {
        let heard: Vec<Heard> = serde_json::from_slice(&bytes)?;
        let tones = dtmf::tones(&mut recording)?;
        return Ok(Hearing::assemble("moonshine-base-en".into(), TimeQuality::Attention, heard, tones));
    }
    let hearing = Hearing::listen(&mut recording, engine, false, tools)?;
    if let Some(path) = kept {
        fs::write(path, serde_json::to_vec(&hearing.heard)?)?;
    }
    Ok(hearing)
}

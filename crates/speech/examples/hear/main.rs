//! Hears recordings and measures it: `hear --model base --workers 2 [--again] [--references R.json | --manifest M.json] FILE…`
//!
//! Prints one JSON line per channel and, at the end on stderr, word error rate, coverage of spoken numbers and speed.
//! `--pull` and `--pull-from FILE.tgz` install the models first. References map file stems to texts; a manifest lists `{"wav", "ref", "spans": [[start_s, end_s, "CARD:…"]]}`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a measuring tool for developers"
)]

mod score;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use callvault_model::Interval;
use callvault_speech::Heard;
use callvault_speech::decode::{Limits, Recording};
use callvault_speech::engine::{Engine, HearOptions};
use callvault_speech::models::{Model, ModelStore};
use callvault_speech::moonshine::Moonshine;

type Failure = Box<dyn std::error::Error>;

#[derive(Default)]
struct Args {
    model: Option<Model>,
    workers: usize,
    again: bool,
    quiet: bool,
    references: Option<PathBuf>,
    manifest: Option<PathBuf>,
    files: Vec<PathBuf>,
}

#[derive(serde::Deserialize)]
struct Entry {
    wav: String,
    #[serde(rename = "ref")]
    reference: String,
    spans: Vec<(f64, f64, String)>,
}

#[derive(Default)]
struct Totals {
    seconds: f64,
    wall: f64,
    reference_words: usize,
    errors: usize,
    spans: usize,
    spans_covered: usize,
    segments: usize,
    doubtful: usize,
}

fn args() -> Result<Args, Failure> {
    let mut out = Args { workers: 1, ..Args::default() };
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        let mut value = || given.next().ok_or("a value is missing");
        match arg.as_str() {
            "--model" => out.model = Some(value()?.parse()?),
            "--workers" => out.workers = value()?.parse()?,
            "--again" => out.again = true,
            "--quiet" => out.quiet = true,
            "--pull" => ModelStore::locate()?.pull(&|p| eprintln!("{p:?}"))?,
            "--pull-from" => ModelStore::locate()?.pull_from_file(value()?.as_ref(), &|_| {})?,
            "--references" => out.references = Some(value()?.into()),
            "--manifest" => out.manifest = Some(value()?.into()),
            _ => out.files.push(arg.into()),
        }
    }
    Ok(out)
}

fn main() -> Result<(), Failure> {
    let args = args()?;
    let references: BTreeMap<String, String> = match &args.references {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => BTreeMap::new(),
    };
    let manifest: Vec<Entry> = match &args.manifest {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => Vec::new(),
    };
    let started = Instant::now();
    let files = ModelStore::locate()?.open(args.model.unwrap_or(Model::Base))?;
    let engine = Moonshine::load(files, args.workers)?;
    eprintln!("loaded in {:.2} s", started.elapsed().as_secs_f64());
    let mut totals = Totals::default();
    for file in &args.files {
        hear(&engine, file, &args, &references, &manifest, &mut totals)?;
    }
    report(&totals);
    Ok(())
}

fn hear(
    engine: &Moonshine,
    file: &Path,
    args: &Args,
    references: &BTreeMap<String, String>,
    manifest: &[Entry],
    totals: &mut Totals,
) -> Result<(), Failure> {
    let cancel = AtomicBool::new(false);
    let mut recording =
        Recording::open(Box::new(std::fs::File::open(file)?), file.to_str(), &Limits::default())?;
    for channel in 0..recording.info().channels {
        let seconds = recording.info().duration_ms() as f64 / 1000.0;
        let started = Instant::now();
        let options = HearOptions { again: args.again, cancel: &cancel, progress: &|_| {}, channel };
        let heard = engine.hear(&mut recording.channel_16k(channel)?, &options)?;
        let wall = started.elapsed().as_secs_f64();
        totals.seconds += seconds;
        totals.wall += wall;
        totals.segments += heard.segments.len();
        totals.doubtful += heard.segments.iter().filter(|s| !s.doubts.is_empty()).count();
        let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        let entry =
            manifest.iter().find(|e| Some(e.wav.as_str()) == file.file_name().and_then(|n| n.to_str()));
        let reference = references.get(stem).or(entry.map(|e| &e.reference));
        let errors = reference.map(|r| count(r, &heard, totals));
        let covered = entry.map(|e| coverage(e, &heard, totals));
        let doubts: Vec<_> =
            heard.segments.iter().map(|s| (s.span.start_ms, &s.doubts, s.mean_log_prob)).collect();
        let mut line = serde_json::json!({"file": stem, "channel": channel, "seconds": seconds, "wall": wall,
            "errors": errors, "covered": covered, "text": score::text(&heard), "doubts": doubts});
        if !args.quiet {
            line["heard"] = serde_json::to_value(&heard)?;
        }
        println!("{line}");
    }
    Ok(())
}

fn count(reference: &str, heard: &Heard, totals: &mut Totals) -> usize {
    let reference = score::normal(reference);
    let errors = score::errors(&reference, &score::normal(&score::text(heard)));
    totals.reference_words += reference.len();
    totals.errors += errors;
    errors
}

fn coverage(entry: &Entry, heard: &Heard, totals: &mut Totals) -> Vec<(String, f64)> {
    let plan = score::mute_plan(heard, 300);
    let numeric = ["CARD", "SSN", "PHONE", "MRN", "CVV"];
    let spans = entry.spans.iter().filter(|s| numeric.iter().any(|n| s.2.starts_with(n)));
    spans
        .map(|(start, end, what)| {
            let span = Interval::new((start * 1000.0) as u64, (end * 1000.0) as u64);
            let share = plan.covered_ms(span) as f64 / span.len_ms().max(1) as f64;
            totals.spans += 1;
            totals.spans_covered += usize::from(share >= 0.95);
            (what.clone(), share)
        })
        .collect()
}

fn report(t: &Totals) {
    eprintln!(
        "audio {:.1} s, wall {:.1} s, real-time factor {:.3}",
        t.seconds,
        t.wall,
        t.wall / t.seconds.max(0.001)
    );
    eprintln!("segments {}, doubtful {}", t.segments, t.doubtful);
    if t.reference_words > 0 {
        let rate = 100.0 * t.errors as f64 / t.reference_words as f64;
        eprintln!("word errors {} of {} = {rate:.1} %", t.errors, t.reference_words);
    }
    if t.spans > 0 {
        eprintln!("number spans covered >= 95 %: {} of {}", t.spans_covered, t.spans);
    }
}

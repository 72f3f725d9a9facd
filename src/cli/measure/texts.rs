//! `callvault measure DIR|JSONL`: plants synthetic secrets into the user's own texts, or scores labels of the user's own.

use super::super::{
    Done, Shared,
    detect::{self, lines},
};
use super::Args;
use crate::{out, wire};
use anyhow::Context;
use callvault_detect::{
    Detector,
    plant::{self, Choices, Tally, interval},
};
use callvault_model::EntityType;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

/// Largest text file; a document this long is not one conversation.
const MAX_TEXT: u64 = 16 << 20;
/// The most misses that a report lists.
const MOST_MISSES: usize = 200;

/// A label of the user's own, offsets in Unicode code points.
#[derive(Deserialize)]
struct Label {
    start: usize,
    end: usize,
    #[serde(rename = "type")]
    entity: EntityType,
}

/// What is printed. Measured on texts alone, it releases no recording: `disposal enable` wants a truth file's report.
#[derive(Serialize)]
struct Report<'a> {
    kind: &'static str,
    documents: u64,
    words: u64,
    values: u64,
    covered: u64,
    recall: f64,
    recall_at_least: f64,
    recall_at_most: f64,
    /// Findings in the user's own text: false ones where it is labelled, else all of them, right or wrong.
    redactions_per_1000_words: f64,
    labelled: bool,
    by_type: &'a BTreeMap<String, (u64, u64)>,
    by_form: &'a BTreeMap<String, (u64, u64)>,
    misses: Vec<Missed<'a>>,
    unread: u64,
}

#[derive(Serialize)]
struct Missed<'a> {
    document: &'a str,
    byte: usize,
    #[serde(rename = "type")]
    entity: EntityType,
    form: &'a str,
}

impl<'a> Missed<'a> {
    fn of(miss: &'a plant::Miss) -> Self {
        Self { document: &miss.document, byte: miss.start, entity: miss.entity, form: miss.form }
    }
}

struct Meter<'a> {
    detector: Detector,
    args: &'a Args,
    choices: Choices,
    tally: Tally,
    labelled: u64,
    unlabelled: u64,
    unread: u64,
}

pub fn run(shared: &Shared, args: &Args, place: &Path) -> anyhow::Result<Done> {
    let detector = wire::detector(detect::profile(&args.profile)?, shared.recognisers.as_deref())?;
    let (choices, tally) = (Choices::new(args.seed), Tally::default());
    let mut meter = Meter { detector, args, choices, tally, labelled: 0, unlabelled: 0, unread: 0 };
    for path in files(place)? {
        meter.file(&path).with_context(|| path.display().to_string())?;
    }
    anyhow::ensure!(
        meter.tally.documents > 0,
        "{}: no text to measure; give a .jsonl of {{\"id\",\"text\"}}, or a folder of .txt and .jsonl files",
        place.display()
    );
    anyhow::ensure!(
        meter.labelled == 0 || meter.unlabelled == 0,
        "some texts have \"spans\" and some have not; measure them apart, for their scores mean different things"
    );
    meter.report(shared)
}

/// The file itself, or the texts of a folder, in order of their names.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut out = Vec::new();
    for entry in std::fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "txt" || e == "jsonl") && path.is_file() {
            out.push(path);
        }
    }
    out.sort();
    Ok(out)
}

impl Meter<'_> {
    fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let file = File::open(path).context("cannot be opened")?;
        let name = path.file_name().map_or(String::new(), |n| n.to_string_lossy().into_owned());
        if path.extension().is_some_and(|e| e == "jsonl") {
            return self.rows(&name, &mut BufReader::new(file));
        }
        let mut text = String::new();
        file.take(MAX_TEXT + 1).read_to_string(&mut text).context("is no text in UTF-8")?;
        anyhow::ensure!(text.len() as u64 <= MAX_TEXT, "is longer than {} MiB; split it", MAX_TEXT >> 20);
        self.plant(&name, &text);
        Ok(())
    }

    fn rows(&mut self, name: &str, input: &mut impl std::io::BufRead) -> anyhow::Result<()> {
        let mut buffer = Vec::new();
        for number in 1u64.. {
            let Some(read) = lines::next(input, &mut buffer)? else { break };
            if read == lines::Read::Whole && buffer.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let place = format!("{name}:{number}");
            match lines::parse(&buffer, read) {
                Ok(line) => self.row(&place, line)?,
                Err(bad) => {
                    self.unread += 1;
                    out::say(&format!("{place}: {}", bad.why));
                }
            }
        }
        Ok(())
    }

    fn row(&mut self, place: &str, mut line: lines::Line) -> anyhow::Result<()> {
        let Some(spans) = line.fields.remove("spans") else {
            self.plant(place, &line.text);
            return Ok(());
        };
        let labels: Vec<Label> = serde_json::from_value(spans)
            .ok()
            .with_context(|| format!("{place}: \"spans\" is no list of {{\"start\",\"end\",\"type\"}}"))?;
        let bytes: Vec<usize> =
            line.text.char_indices().map(|(k, _)| k).chain(std::iter::once(line.text.len())).collect();
        let labels: Vec<(usize, usize, EntityType)> = labels
            .iter()
            .map(|l| Some((*bytes.get(l.start)?, *bytes.get(l.end)?, l.entity)).filter(|(a, b, _)| a < b))
            .collect::<Option<_>>()
            .with_context(|| {
                format!("{place}: a label lies outside its text; offsets are Unicode code points")
            })?;
        self.labelled += 1;
        self.tally.labelled(place, &line.text, &labels, &self.detector.detect_text(&line.text));
        Ok(())
    }

    fn plant(&mut self, name: &str, text: &str) {
        self.unlabelled += 1;
        let most = usize::from(self.args.plant);
        plant::measure(&self.detector, name, text, most, &mut self.choices, &mut self.tally);
    }

    fn report(&self, shared: &Shared) -> anyhow::Result<Done> {
        let t = &self.tally;
        let (low, high) = interval(t.covered, t.values);
        let recall = if t.values == 0 { 1.0 } else { t.covered as f64 / t.values as f64 };
        let labelled = self.labelled > 0;
        let report = Report {
            kind: if labelled { "labelled texts" } else { "planted texts" },
            documents: t.documents,
            words: t.words,
            values: t.values,
            covered: t.covered,
            recall,
            recall_at_least: low,
            recall_at_most: high,
            redactions_per_1000_words: t.per_thousand_words(),
            labelled,
            by_type: &t.by_type,
            by_form: &t.by_form,
            misses: t.misses.iter().take(MOST_MISSES).map(Missed::of).collect(),
            unread: self.unread,
        };
        if shared.json {
            out::json(&report)?;
        } else {
            print(&report, t.misses.len());
        }
        Ok(if t.misses.is_empty() && self.unread == 0 { Done::Ok } else { Done::Finding })
    }
}

fn print(r: &Report<'_>, misses: usize) {
    out::line(&format!("{}: {} documents, {} words", r.kind, r.documents, r.words));
    out::line(&format!(
        "covered {} of {} values: {:.1} % (95 % Wilson interval {:.1} to {:.1} %)",
        r.covered,
        r.values,
        r.recall * 100.0,
        r.recall_at_least * 100.0,
        r.recall_at_most * 100.0
    ));
    let what =
        if r.labelled { "false redactions" } else { "redactions in your own text, right and wrong ones" };
    out::line(&format!("{what}: {:.2} per 1,000 words", r.redactions_per_1000_words));
    for (entity, (values, covered)) in r.by_type {
        out::line(&format!("  {entity:<16} {covered:>5} of {values:<5}"));
    }
    for (form, (values, covered)) in r.by_form {
        out::line(&format!("  {form:<26} {covered:>5} of {values:<5}"));
    }
    for m in &r.misses {
        out::line(&format!("  missed: {} at byte {} of {} {}", m.entity, m.byte, m.document, m.form));
    }
    if misses > r.misses.len() {
        out::line(&format!("  and {} more", misses - r.misses.len()));
    }
}

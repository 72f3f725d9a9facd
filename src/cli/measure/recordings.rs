//! `callvault measure CALLS`: plants synthetic spoken secrets into copies of the user's own recordings.

use super::{
    super::{Done, Shared, Usage, detect},
    Args, own_vault, score_one,
};
use crate::{out, wire};
use anyhow::Context;
use callvault_detect::plant::{Choices, interval};
use callvault_flow::{
    measure::{Recovered, Score},
    planting::{self, Copied},
    source::{self, Source},
    tools::Tools,
};
use callvault_model::Channel;
use callvault_speech::{
    decode::{Limits, Recording},
    say,
};
use callvault_store::Vault;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs::File,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// The most misses that a report lists.
const MOST_MISSES: usize = 200;

/// What is printed. Synthetic voices say what we thought of, and nobody talks over them: an upper bound, which releases nothing.
#[derive(Serialize)]
struct Report<'a> {
    kind: &'static str,
    voices: &'static str,
    recordings: u64,
    quarantined: u64,
    /// Recordings in which no pause was long enough for a value.
    without_pause: u64,
    unread: u64,
    /// Planted values of recordings that were released.
    values: u64,
    covered: u64,
    recall: f64,
    recall_at_least: f64,
    recall_at_most: f64,
    /// Share of the recordings' own speech that was muted, rightly or wrongly: it is not labelled.
    own_speech_muted: f64,
    by_type: &'a BTreeMap<String, (u64, u64)>,
    by_form: &'a BTreeMap<String, (u64, u64)>,
    misses: &'a [Missed],
}

#[derive(Serialize)]
struct Missed {
    recording: String,
    channel: usize,
    start_ms: u64,
    #[serde(rename = "type")]
    entity: String,
    form: &'static str,
    how: String,
}

/// Whether the path is a recording, or a folder of recordings; a folder with texts beside them is measured in two runs.
pub fn are_at(path: &Path) -> anyhow::Result<bool> {
    if !path.is_dir() {
        return Ok(source::channel_of(path) == Some(Channel::Voice));
    }
    let (mut recordings, mut texts) = (false, false);
    for entry in std::fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
        let path = entry?.path();
        recordings |= source::channel_of(&path) == Some(Channel::Voice);
        texts |= path.extension().is_some_and(|e| e == "txt" || e == "jsonl");
    }
    if recordings && texts {
        let what = format!(
            "{} holds recordings and texts; measure them apart, each in a folder of its own",
            path.display()
        );
        return Err(Usage(what).into());
    }
    Ok(recordings)
}

/// What has been counted so far.
#[derive(Default)]
struct Meter {
    score: Score,
    /// Per type and per form: values, and covered ones.
    by_type: BTreeMap<String, (u64, u64)>,
    by_form: BTreeMap<String, (u64, u64)>,
    misses: Vec<Missed>,
    without_pause: u64,
    unread: u64,
}

/// What a run works with.
struct Bench<'a> {
    vault: &'a Vault,
    place: &'a Path,
    tools: Tools<'a>,
    cancel: &'a AtomicBool,
    most: usize,
}

pub fn run(shared: &Shared, args: &Args, path: &Path) -> anyhow::Result<Done> {
    let detector = wire::detector(detect::profile(&args.profile)?, shared.recognisers.as_deref())?;
    let engines = wire::engines(shared)?;
    if !engines.can_hear() {
        return Err(callvault_speech::Error::no_model().into());
    }
    say::installed()?;
    let cancel = wire::cancel_on_ctrl_c()?;
    // Copies lie in a temporary folder that goes away with this process, one at a time.
    let place = tempfile::tempdir()?;
    let vault = own_vault(place.path())?;
    let tools = wire::tools(&detector, &engines, &cancel);
    let bench =
        Bench { vault: &vault, place: place.path(), tools, cancel: &cancel, most: usize::from(args.plant) };
    let sources: Vec<Source> =
        source::find(path)?.into_iter().filter(|s| s.channel == Channel::Voice).collect();
    let (mut meter, mut choices) = (Meter::default(), Choices::new(args.seed));
    let bar = out::bar(sources.len() as u64, "recordings");
    for source in &sources {
        let name = source.path.strip_prefix(path).ok().filter(|p| !p.as_os_str().is_empty());
        let name =
            name.or(source.path.file_name().map(Path::new)).unwrap_or(&source.path).display().to_string();
        bench.one(source, &name, &mut choices, &mut meter).with_context(|| name.clone())?;
        anyhow::ensure!(!cancel.load(Ordering::SeqCst), "stopped; the copies are removed");
        bar.inc(1);
    }
    bar.finish_and_clear();
    anyhow::ensure!(
        meter.score.planted > 0,
        "{}: nothing could be planted; a value needs a pause of two seconds and more on a channel",
        path.display()
    );
    meter.report(shared)
}

impl Bench<'_> {
    fn one(
        &self,
        source: &Source,
        name: &str,
        choices: &mut Choices,
        meter: &mut Meter,
    ) -> anyhow::Result<()> {
        let mut copy = tempfile::Builder::new().prefix("copy-").suffix(".wav").tempfile_in(self.place)?;
        let opened = File::open(&source.path).context("cannot be opened")?;
        let hint = source.path.extension().and_then(|e| e.to_str());
        let mut recording = match Recording::open(Box::new(opened), hint, &Limits::default()) {
            Ok(recording) => recording,
            Err(e) => {
                meter.unread += 1;
                out::say(&format!("{name}: {e}"));
                return Ok(());
            }
        };
        let rate = recording.info().rate;
        let mut speak = |text: &str, voice| Ok(say::say(text, voice, rate, self.cancel)?);
        let file = std::io::BufWriter::new(copy.as_file_mut());
        let mut file = file;
        let copied = planting::copy(&mut recording, name, self.most, choices, &mut speak, &mut file)?;
        std::io::Write::flush(&mut file)?;
        drop(file);
        if copied.truth.planted.is_empty() {
            meter.without_pause += 1;
            return Ok(());
        }
        let planted = Source { path: copy.path().to_owned(), ..source.clone() };
        let before = meter.score.recovered.len();
        let row = score_one(self.vault, &self.tools, &copied.truth, &planted, &mut meter.score)?;
        if row.state == "recorded" {
            meter.count(copied, before);
        }
        Ok(())
    }
}

impl Meter {
    /// Counts the values of a recording that was released; what came up in it stands in the score from `before` on.
    fn count(&mut self, copied: Copied, before: usize) {
        let recovered = self.score.recovered.get(before..).unwrap_or_default().to_vec();
        for (planted, form) in copied.truth.planted.iter().zip(copied.forms) {
            let same = |r: &&Recovered| r.channel == planted.channel && r.start_ms == planted.start_ms;
            let miss = recovered.iter().find(same);
            for (map, key) in [(&mut self.by_type, planted.entity.as_str()), (&mut self.by_form, form)] {
                let slot = map.entry(key.to_owned()).or_default();
                *slot = (slot.0 + 1, slot.1 + u64::from(miss.is_none()));
            }
            self.misses.extend(miss.map(|r| Missed {
                recording: r.file.clone(),
                channel: r.channel,
                start_ms: r.start_ms,
                entity: r.entity.to_string(),
                form,
                how: r.how.clone(),
            }));
        }
    }

    fn report(&self, shared: &Shared) -> anyhow::Result<Done> {
        let s = &self.score;
        let (low, high) = interval(s.covered(), s.planted_released);
        let report = Report {
            kind: "planted recordings",
            voices: "synthetic (espeak-ng)",
            recordings: s.conversations,
            quarantined: s.ordinary_quarantined,
            without_pause: self.without_pause,
            unread: self.unread,
            values: s.planted_released,
            covered: s.covered(),
            recall: if s.planted_released == 0 {
                1.0
            } else {
                s.covered() as f64 / s.planted_released as f64
            },
            recall_at_least: low,
            recall_at_most: high,
            own_speech_muted: s.false_mute_share(),
            by_type: &self.by_type,
            by_form: &self.by_form,
            misses: self.misses.get(..MOST_MISSES).unwrap_or(&self.misses),
        };
        if shared.json {
            out::json(&report)?;
        } else {
            print(&report, self.misses.len());
        }
        Ok(if self.misses.is_empty() && self.unread == 0 { Done::Ok } else { Done::Finding })
    }
}

fn print(r: &Report<'_>, misses: usize) {
    out::line(&format!(
        "{}: {} recordings, {} of these in quarantine; {} without a pause for a value",
        r.kind, r.recordings, r.quarantined, r.without_pause
    ));
    out::line(&format!(
        "covered {} of {} values: {:.1} % (95 % Wilson interval {:.1} to {:.1} %)",
        r.covered,
        r.values,
        r.recall * 100.0,
        r.recall_at_least * 100.0,
        r.recall_at_most * 100.0
    ));
    out::line(&format!(
        "muted of the recordings' own speech, rightly or wrongly: {:.1} %",
        r.own_speech_muted * 100.0
    ));
    for (entity, (values, covered)) in r.by_type {
        out::line(&format!("  {entity:<16} {covered:>5} of {values:<5}"));
    }
    for (form, (values, covered)) in r.by_form {
        out::line(&format!("  {form:<26} {covered:>5} of {values:<5}"));
    }
    for m in r.misses {
        let at = out::clock(m.start_ms);
        out::line(&format!(
            "  missed: {} {}, {} at {at} on channel {} of {}",
            m.entity, m.form, m.how, m.channel, m.recording
        ));
    }
    if misses > r.misses.len() {
        out::line(&format!("  and {} more", misses - r.misses.len()));
    }
    out::line(
        "synthetic voices that nobody talks over: an upper bound, which `disposal enable` does not take",
    );
}

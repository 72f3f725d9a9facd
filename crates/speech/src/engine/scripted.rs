//! An engine whose words are given: for tests and for trying the whole way without a model. It is honest about audio:
//! a word is heard only where its samples are not all silence, so what was muted is not heard.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use callvault_model::{Interval, IntervalSet, TimeQuality, Word};
use serde::Deserialize;

use super::{Engine, HearOptions};
use crate::audio::Samples;
use crate::error::Error;
use crate::heard::{Capabilities, Doubt, Heard, Segment};

/// Words closer than this belong to one segment.
const JOIN_MS: u64 = 1000;

/// One thing the engine can hear.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Where.
    pub start_ms: u64,
    /// Where.
    pub end_ms: u64,
    /// What: words with spaces between, spread over the time by their length.
    pub text: String,
    /// Overheard the first time, heard only in the second hearing.
    #[serde(default)]
    pub missed_first: bool,
    /// What the engine holds against it.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
}

impl Line {
    /// A line without doubts that is heard every time.
    pub fn new(at: Interval, text: impl Into<String>) -> Self {
        Self {
            start_ms: at.start_ms,
            end_ms: at.end_ms,
            text: text.into(),
            missed_first: false,
            doubts: Vec::new(),
        }
    }

    /// The same, overheard by the first hearing.
    pub fn missed_first(mut self) -> Self {
        self.missed_first = true;
        self
    }

    /// The same, doubted.
    pub fn doubted(mut self, doubt: Doubt) -> Self {
        self.doubts.push(doubt);
        self
    }
}

/// The engine; lines per channel.
#[derive(Debug, Clone)]
pub struct Scripted {
    lines: BTreeMap<u16, Vec<Line>>,
    capabilities: Capabilities,
}

impl Scripted {
    /// An engine of this name that hears nothing yet.
    pub fn new(name: impl Into<String>) -> Self {
        let capabilities = Capabilities {
            name: name.into(),
            time_quality: TimeQuality::Aligned,
            model_sha256: String::new(),
            recuts: true,
        };
        Self { lines: BTreeMap::new(), capabilities }
    }

    /// Adds a line on a channel (from 0).
    pub fn line(mut self, channel: u16, line: Line) -> Self {
        self.lines.entry(channel).or_default().push(line);
        self
    }

    /// The same with another quality of times.
    pub fn with_time_quality(mut self, quality: TimeQuality) -> Self {
        self.capabilities.time_quality = quality;
        self
    }

    /// From JSON: `{"channels": [[{"start_ms", "end_ms", "text", "missed_first"?, "doubts"?}]]}`, or from a transcript in
    /// our own format, whose words become the lines.
    pub fn from_json(name: impl Into<String>, json: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Script {
            channels: Vec<Vec<Line>>,
        }
        let mut out = Self::new(name);
        if let Ok(script) = serde_json::from_slice::<Script>(json) {
            for (channel, lines) in (0u16..).zip(script.channels) {
                out.lines.insert(channel, lines);
            }
            return Ok(out);
        }
        let imported = crate::import::parse(json, None)?;
        for (channel, heard) in (0u16..).zip(&imported.channels) {
            let words = heard.segments.iter().flat_map(|s| &s.words);
            let lines =
                words.map(|w| Line::new(Interval::new(w.start_ms, w.end_ms), w.text.clone())).collect();
            out.lines.insert(channel, lines);
        }
        Ok(out)
    }
}

/// Lines with their spoken words.
type Open<'a> = (&'a Line, Vec<Word>);

impl Engine for Scripted {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn hear(&self, samples: &mut dyn Samples, options: &HearOptions<'_>) -> Result<Heard, Error> {
        let sounding = sounding(samples, options)?;
        let lines = self.lines.get(&options.channel).map(Vec::as_slice).unwrap_or_default();
        let mut open: Vec<Open<'_>> = Vec::new();
        let mut voiced = IntervalSet::new();
        for line in lines.iter().filter(|l| options.again || !l.missed_first) {
            let words: Vec<Word> = spread(Interval::new(line.start_ms, line.end_ms), &line.text)
                .into_iter()
                .filter(|w| sounding.covered_ms(Interval::new(w.start_ms, w.end_ms)) > 0)
                .collect();
            for word in &words {
                voiced.insert(Interval::new(word.start_ms, word.end_ms));
            }
            let sounds = sounding.covered_ms(Interval::new(line.start_ms, line.end_ms)) > 0;
            if !words.is_empty() || (sounds && !line.doubts.is_empty()) {
                open.push((line, words));
            }
        }
        open.sort_by_key(|(line, _)| (line.start_ms, line.end_ms));
        Ok(Heard { segments: segments(open), voiced, loud_not_voiced: IntervalSet::new() })
    }
}

/// One segment per run of lines; a doubted line stands alone.
fn segments(lines: Vec<Open<'_>>) -> Vec<Segment> {
    let mut out: Vec<Segment> = Vec::new();
    for (line, words) in lines {
        let start = words.first().map_or(line.start_ms, |w| w.start_ms);
        let end = words.last().map_or(line.end_ms, |w| w.end_ms);
        match out.last_mut() {
            Some(last)
                if last.doubts.is_empty()
                    && line.doubts.is_empty()
                    && start <= last.span.end_ms.saturating_add(JOIN_MS) =>
            {
                last.span = Interval::new(last.span.start_ms, last.span.end_ms.max(end));
                last.words.extend(words);
            }
            _ => out.push(Segment {
                span: Interval::new(start, end),
                words,
                doubts: line.doubts.clone(),
                mean_log_prob: None,
            }),
        }
    }
    out
}

/// Where the samples are not zero, by milliseconds of 16 samples.
fn sounding(samples: &mut dyn Samples, options: &HearOptions<'_>) -> Result<IntervalSet, Error> {
    let (mut out, mut at, mut since) = (IntervalSet::new(), 0u64, None::<u64>);
    while let Some(block) = samples.next_block()? {
        if options.cancel.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        for sample in block {
            match since {
                // Resampling leaves a trace of neighbours at the edge of silence.
                None if sample.abs() > 1e-4 => since = Some(at),
                Some(from) if sample.abs() <= 1e-4 => {
                    out.insert(Interval::new(from / 16, (at / 16).max(from / 16 + 1)));
                    since = None;
                }
                _ => {}
            }
            at = at.saturating_add(1);
        }
        (options.progress)(at / 16);
    }
    if let Some(from) = since {
        out.insert(Interval::new(from / 16, at.div_ceil(16)));
    }
    Ok(out)
}

/// Gives each word of a text its share of the time, by its length.
pub(crate) fn spread(span: Interval, text: &str) -> Vec<Word> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let weight = |w: &str| w.chars().count() as u64 + 1;
    let total: u64 = words.iter().map(|w| weight(w)).sum::<u64>().max(1);
    let mut before = 0u64;
    let place = |n: u64| span.start_ms.saturating_add(span.len_ms().saturating_mul(n) / total);
    words
        .into_iter()
        .map(|word| {
            let start_ms = place(before);
            before = before.saturating_add(weight(word));
            Word { text: word.to_owned(), start_ms, end_ms: place(before), confidence: 1.0 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::InMemory;
    use std::sync::atomic::AtomicBool;

    fn hear(engine: &Scripted, samples: Vec<f32>, again: bool) -> Heard {
        let cancel = AtomicBool::new(false);
        let options = HearOptions { again, cancel: &cancel, progress: &|_| {}, channel: 1 };
        engine.hear(&mut InMemory::new(samples), &options).unwrap()
    }

    fn words(heard: &Heard) -> Vec<&str> {
        heard.segments.iter().flat_map(|s| &s.words).map(|w| w.text.as_str()).collect()
    }

    fn engine() -> Scripted {
        Scripted::new("scripted")
            .line(1, Line::new(Interval::new(0, 1000), "my card is"))
            .line(1, Line::new(Interval::new(1200, 2000), "four two"))
            .line(1, Line::new(Interval::new(2500, 2900), "nine").missed_first())
            .line(0, Line::new(Interval::new(0, 500), "hello"))
    }

    #[test]
    fn words_are_heard_where_there_is_sound_and_nowhere_else() {
        let loud = vec![0.1; 48_000];
        assert_eq!(words(&hear(&engine(), loud.clone(), false)), ["my", "card", "is", "four", "two"]);
        let mut muted = loud;
        muted[1200 * 16..2000 * 16].fill(0.0);
        let heard = hear(&engine(), muted, false);
        assert_eq!(words(&heard), ["my", "card", "is"]);
        assert_eq!(heard.voiced.total_ms(), 1000);
        assert_eq!(words(&hear(&engine(), vec![0.0; 48_000], true)), [] as [&str; 0]);
    }

    #[test]
    fn the_second_hearing_catches_what_the_first_missed() {
        assert_eq!(words(&hear(&engine(), vec![0.1; 48_000], true)).last(), Some(&"nine"));
    }

    #[test]
    fn a_doubted_line_is_a_segment_of_its_own() {
        let e =
            engine().line(1, Line::new(Interval::new(2000, 2400), "mumble").doubted(Doubt::LowConfidence));
        let heard = hear(&e, vec![0.1; 48_000], false);
        assert_eq!(heard.segments.len(), 2);
        assert_eq!(heard.segments[1].doubts, [Doubt::LowConfidence]);
    }

    #[test]
    fn scripts_and_transcripts_are_read() {
        let script =
            br#"{"channels": [[], [{"start_ms": 0, "end_ms": 900, "text": "a b", "doubts": ["no-words"]}]]}"#;
        assert_eq!(
            words(&hear(&Scripted::from_json("s", script).unwrap(), vec![0.1; 16_000], false)),
            ["a", "b"]
        );
        let ours = br#"{"engine": "x", "channels": [{"words": []}, {"words": [{"text": "hi", "start_ms": 5, "end_ms": 90}]}]}"#;
        assert_eq!(words(&hear(&Scripted::from_json("s", ours).unwrap(), vec![0.1; 16_000], false)), ["hi"]);
        assert!(Scripted::from_json("s", b"[]").is_err());
    }
}

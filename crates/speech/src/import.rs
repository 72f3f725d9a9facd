//! Transcripts that somebody else made: WebVTT, Whisper's JSON and our own. A stranger's file: everything in it is
//! checked against limits, against itself and against the recording's length before a single time is used for muting.
//!
//! Our own format is one of
//! ```json
//! {"engine": "name", "channels": [{"words": [{"text": "four", "start_ms": 120, "end_ms": 340, "confidence": 0.9}]}]}
//! {"engine": "name", "turns": [{"channel": 0, "start_ms": 120, "end_ms": 2340, "text": "four two"}]}
//! ```
//! where `confidence` may be missing and channels are counted from 0 as in the recording.

mod json;
#[cfg(test)]
mod tests;
mod vtt;

use callvault_model::{Interval, TimeQuality, Word};

use crate::engine::scripted::spread;
use crate::error::Error;
use crate::heard::{Heard, Segment};

/// Largest file.
const MAX_BYTES: usize = 64 << 20;
/// Most words in all: some 100 hours of speech.
const MAX_WORDS: usize = 1_000_000;
/// Most channels or speakers.
const MAX_CHANNELS: usize = 32;
/// Longest single word in bytes.
const MAX_WORD_BYTES: usize = 400;
/// Latest time: one week.
const MAX_MS: u64 = 7 * 24 * 3_600_000;
/// Tools round; an end this far beyond the recording's is drawn back to it.
const ROUNDING_MS: u64 = 250;
/// Words of one channel closer than this belong to one segment.
const JOIN_MS: u64 = 1000;

/// A transcript that was read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// What made it: `imported:webvtt`, `imported:whisper`, or `imported:` and the name it gives itself.
    pub engine: String,
    /// `Aligned` when every word had its own time.
    pub time_quality: TimeQuality,
    /// One per channel, or per speaker where the file knows speakers only.
    pub channels: Vec<Heard>,
    /// The speakers' names when `channels` are speakers; empty when they are channels of the recording.
    pub speakers: Vec<String>,
}

impl Imported {
    /// Brings the words onto the channels of a recording.
    ///
    /// Speakers called like a channel (`Channel 1`, `left`, `agent`, `customer`) go there: customer left, agent right, as
    /// everywhere here. When a speaker cannot be placed, every speaker's words count for every channel, so that too much
    /// is muted rather than the wrong channel.
    pub fn onto(self, channels: u16) -> Result<Vec<Heard>, Error> {
        let wanted = usize::from(channels);
        if self.speakers.is_empty() {
            if self.channels.len() > wanted {
                let has = self.channels.len();
                return Err(bad(&format!(
                    "it has {has} channels and the recording {wanted}; it belongs to another one"
                )));
            }
            let mut out = self.channels;
            out.resize_with(wanted, Heard::default);
            return Ok(out);
        }
        let places: Vec<Option<usize>> = self.speakers.iter().map(|s| place(s, wanted)).collect();
        let mut words = vec![Vec::new(); wanted];
        for (heard, place) in self.channels.into_iter().zip(&places) {
            let said: Vec<Word> = heard.segments.into_iter().flat_map(|s| s.words).collect();
            let everywhere = places.iter().any(Option::is_none);
            for (channel, words) in words.iter_mut().enumerate() {
                if everywhere || *place == Some(channel) {
                    words.extend(said.iter().cloned());
                }
            }
        }
        Ok(words.into_iter().map(heard).collect())
    }
}

/// The channel that a speaker's name stands for.
fn place(speaker: &str, channels: usize) -> Option<usize> {
    if channels == 1 {
        return Some(0);
    }
    let name = speaker.trim().to_lowercase();
    let number = name
        .strip_prefix("channel")
        .or(name.strip_prefix("ch"))
        .map(|n| n.trim_matches([' ', '_', '-', '#']));
    let index = match (name.as_str(), number.and_then(|n| n.parse::<usize>().ok())) {
        (_, Some(n)) => n,
        ("left" | "customer" | "caller", _) => 0,
        ("right" | "agent", _) => 1,
        _ => return None,
    };
    (index < channels).then_some(index)
}

/// Reads a transcript of any known format. With the recording's length, times beyond it are an error.
pub fn parse(bytes: &[u8], duration_ms: Option<u64>) -> Result<Imported, Error> {
    if bytes.len() > MAX_BYTES {
        return Err(bad(&format!("it is larger than {} MB", MAX_BYTES >> 20)));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8 text; save it as UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let raw = if text.starts_with("WEBVTT") {
        vtt::parse(text)?
    } else if text.trim_start().starts_with('{') {
        json::parse(text)?
    } else {
        return Err(bad("it is neither WebVTT nor JSON of Whisper or callvault; convert it to one of these"));
    };
    check(raw, duration_ms)
}

/// A transcript as the file has it.
pub(crate) struct Raw {
    engine: String,
    /// Names where the file knows speakers; empty where it knows channels.
    speakers: Vec<String>,
    /// Per channel or speaker.
    channels: Vec<Vec<Said>>,
}

/// A stretch of text with its time in milliseconds.
pub(crate) struct Said {
    start_ms: f64,
    end_ms: f64,
    text: String,
    confidence: f64,
    /// The time is that of this one word, not of a whole sentence.
    is_word: bool,
}

fn check(raw: Raw, duration_ms: Option<u64>) -> Result<Imported, Error> {
    if raw.channels.len() > MAX_CHANNELS {
        return Err(bad(&format!("it has more than {MAX_CHANNELS} channels or speakers")));
    }
    let mut all_words = 0usize;
    let mut aligned = true;
    let mut channels = Vec::new();
    for (number, said) in raw.channels.iter().enumerate() {
        let mut words = Vec::new();
        for (at, said) in said.iter().enumerate() {
            let span = interval(said, duration_ms)
                .map_err(|why| bad(&format!("entry {} of channel {number} {why}", at.saturating_add(1))))?;
            let confidence = if said.confidence.is_finite() { said.confidence.clamp(0.0, 1.0) } else { 0.0 };
            let mut spoken = spread(span, &said.text);
            aligned &= said.is_word || spoken.is_empty();
            spoken.iter_mut().for_each(|w| w.confidence = confidence as f32);
            if spoken.iter().any(|w| w.text.len() > MAX_WORD_BYTES) {
                return Err(bad(&format!(
                    "it has a word of more than {MAX_WORD_BYTES} bytes on channel {number}"
                )));
            }
            all_words = all_words.saturating_add(spoken.len());
            if all_words > MAX_WORDS {
                return Err(bad(&format!("it has more than {MAX_WORDS} words")));
            }
            words.extend(spoken);
        }
        check_pace(&mut words, number)?;
        channels.push(heard(words));
    }
    if all_words == 0 {
        return Err(bad("it has no words, so it says nothing about this recording"));
    }
    let time_quality = if aligned { TimeQuality::Aligned } else { TimeQuality::Proportional };
    Ok(Imported { engine: raw.engine, time_quality, channels, speakers: raw.speakers })
}

fn interval(said: &Said, duration_ms: Option<u64>) -> Result<Interval, &'static str> {
    let time = |ms: f64| {
        if !ms.is_finite() {
            Err("has a time that is no number")
        } else if ms < 0.0 {
            Err("has a time before the start")
        } else if ms > MAX_MS as f64 {
            Err("has a time beyond any recording")
        } else {
            Ok(ms.round() as u64)
        }
    };
    let (start, mut end) = (time(said.start_ms)?, time(said.end_ms)?);
    if end < start {
        return Err("ends before it starts");
    }
    // A word without length could not be muted.
    end = end.max(start.saturating_add(10));
    if let Some(duration) = duration_ms {
        if end > duration.saturating_add(ROUNDING_MS) {
            return Err(
                "lies beyond the recording's end; it belongs to another recording or its times are wrong",
            );
        }
        end = end.min(duration);
        return Ok(Interval::new(start.min(end.saturating_sub(10)), end));
    }
    Ok(Interval::new(start, end))
}

/// Puts words in order and refuses times that no speech has: muting by them would miss.
fn check_pace(words: &mut [Word], channel: usize) -> Result<(), Error> {
    words.sort_by_key(|w| (w.start_ms, w.end_ms));
    let crowd = 12usize;
    let crowded = words.windows(crowd).any(|w| match (w.first(), w.last()) {
        (Some(a), Some(b)) => b.start_ms.saturating_sub(a.start_ms) < 60 * crowd as u64,
        _ => false,
    });
    if crowded {
        return Err(bad(&format!(
            "channel {channel} has {crowd} words within {} s, which nobody says; its times are wrong",
            60 * crowd as u64 / 1000
        )));
    }
    Ok(())
}

/// Words in order of time, in segments.
fn heard(mut words: Vec<Word>) -> Heard {
    words.sort_by_key(|w| (w.start_ms, w.end_ms));
    let mut segments: Vec<Segment> = Vec::new();
    for word in words {
        match segments.last_mut() {
            Some(last) if word.start_ms <= last.span.end_ms.saturating_add(JOIN_MS) => {
                last.span = Interval::new(last.span.start_ms, last.span.end_ms.max(word.end_ms));
                last.words.push(word);
            }
            _ => segments.push(Segment {
                span: Interval::new(word.start_ms, word.end_ms),
                words: vec![word],
                doubts: Vec::new(),
                mean_log_prob: None,
            }),
        }
    }
    Heard { segments, ..Heard::default() }
}

fn bad(why: &str) -> Error {
    Error::Transcript(why.to_owned())
}

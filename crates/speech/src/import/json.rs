//! Whisper's JSON and our own.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{MAX_CHANNELS, MAX_WORDS, Raw, Said, bad};
use crate::error::Error;

#[derive(Deserialize)]
struct File {
    engine: Option<String>,
    channels: Option<Vec<Channel>>,
    turns: Option<Vec<Turn>>,
    segments: Option<Vec<WhisperSegment>>,
}

#[derive(Deserialize)]
struct Channel {
    words: Vec<OwnWord>,
}

#[derive(Deserialize)]
struct OwnWord {
    text: String,
    start_ms: f64,
    end_ms: f64,
    confidence: Option<f64>,
}

#[derive(Deserialize)]
struct Turn {
    channel: usize,
    start_ms: f64,
    end_ms: f64,
    text: String,
    confidence: Option<f64>,
}

#[derive(Deserialize)]
struct WhisperSegment {
    start: f64,
    end: f64,
    #[serde(default)]
    text: String,
    words: Option<Vec<WhisperWord>>,
    speaker: Option<String>,
    avg_logprob: Option<f64>,
}

#[derive(Deserialize)]
struct WhisperWord {
    #[serde(alias = "text")]
    word: String,
    start: f64,
    end: f64,
    #[serde(alias = "score", alias = "confidence")]
    probability: Option<f64>,
}

pub(super) fn parse(text: &str) -> Result<Raw, Error> {
    // The parser's own message may quote the text; its place does not. It refuses nesting deeper than 128.
    let file: File = serde_json::from_str(text).map_err(|e| {
        let what = match e.classify() {
            serde_json::error::Category::Data => "a field is missing or is not what it should be",
            serde_json::error::Category::Eof => "it ends too early",
            _ => "it is no valid JSON",
        };
        bad(&format!("{what} (line {}, column {})", e.line(), e.column()))
    })?;
    let name = file.engine.unwrap_or_else(|| "unnamed".to_owned());
    let engine = format!("imported:{}", tidy(&name));
    match (file.channels, file.turns, file.segments) {
        (Some(channels), None, None) => Ok(Raw { engine, speakers: Vec::new(), channels: own(channels) }),
        (None, Some(turns), None) => Ok(Raw { engine, speakers: Vec::new(), channels: turned(turns)? }),
        (None, None, Some(segments)) => whisper(segments),
        _ => Err(bad("it must have exactly one of `channels`, `turns` (callvault) and `segments` (Whisper)")),
    }
}

/// A name that may stand in reports.
fn tidy(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).take(60).collect()
}

fn own(channels: Vec<Channel>) -> Vec<Vec<Said>> {
    let said = |w: OwnWord| Said {
        start_ms: w.start_ms,
        end_ms: w.end_ms,
        text: w.text,
        confidence: w.confidence.unwrap_or(1.0),
        is_word: true,
    };
    channels.into_iter().map(|c| c.words.into_iter().map(said).collect()).collect()
}

fn turned(turns: Vec<Turn>) -> Result<Vec<Vec<Said>>, Error> {
    let mut out: Vec<Vec<Said>> = Vec::new();
    for turn in turns {
        if turn.channel >= MAX_CHANNELS {
            return Err(bad(&format!("it names a channel above {MAX_CHANNELS}")));
        }
        if out.len() <= turn.channel {
            out.resize_with(turn.channel.saturating_add(1), Vec::new);
        }
        if let Some(channel) = out.get_mut(turn.channel) {
            channel.push(Said {
                start_ms: turn.start_ms,
                end_ms: turn.end_ms,
                text: turn.text,
                confidence: turn.confidence.unwrap_or(1.0),
                is_word: false,
            });
        }
    }
    Ok(out)
}

fn whisper(segments: Vec<WhisperSegment>) -> Result<Raw, Error> {
    let mut speakers: BTreeMap<String, usize> = BTreeMap::new();
    let mut channels: Vec<Vec<Said>> = Vec::new();
    let mut count = 0usize;
    for segment in segments {
        let next = speakers.len();
        let at = *speakers.entry(segment.speaker.unwrap_or_default()).or_insert(next);
        if at == channels.len() {
            channels.push(Vec::new());
        }
        let Some(channel) = channels.get_mut(at) else { continue };
        match segment.words.filter(|w| !w.is_empty()) {
            Some(words) => {
                count = count.saturating_add(words.len());
                channel.extend(words.into_iter().map(|w| Said {
                    start_ms: w.start * 1000.0,
                    end_ms: w.end * 1000.0,
                    text: w.word,
                    confidence: w.probability.unwrap_or(1.0),
                    is_word: true,
                }));
            }
            None => channel.push(Said {
                start_ms: segment.start * 1000.0,
                end_ms: segment.end * 1000.0,
                text: segment.text,
                confidence: segment.avg_logprob.map_or(1.0, f64::exp),
                is_word: false,
            }),
        }
        if count > MAX_WORDS || channels.len() > MAX_CHANNELS {
            return Err(bad("it has too many words or speakers"));
        }
    }
    let mut names = vec![String::new(); channels.len()];
    for (name, at) in speakers {
        if let Some(slot) = names.get_mut(at) {
            *slot = name;
        }
    }
    Ok(Raw { engine: "imported:whisper".to_owned(), speakers: names, channels })
}

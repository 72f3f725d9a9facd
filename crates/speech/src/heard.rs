//! What an engine heard on one channel, and how much of it may be believed.

use callvault_model::{Interval, IntervalSet, TimeQuality, Word};
use serde::{Deserialize, Serialize};

/// Why the words of a segment are not to be trusted. A doubtful segment is muted whole or sent to quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// The decoder repeated itself and was stopped.
    Repetition,
    /// The decoder ran into the limit of tokens per second.
    TokenCap,
    /// The model's own mean log-probability is too low.
    LowConfidence,
    /// Voice, but no words came out.
    NoWords,
    /// Word times collapsed onto one place.
    TimesCollapsed,
    /// Marks of music or noise in the text.
    NotSpeech,
    /// The words do not look like the engine's language.
    OtherLanguage,
}

/// A stretch that was given to the engine in one piece.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Where it lies in the recording.
    pub span: Interval,
    /// The words, in order of time, inside the span.
    pub words: Vec<Word>,
    /// Empty when nothing speaks against the words.
    pub doubts: Vec<Doubt>,
    /// Mean log-probability per token; `None` where the engine has no such number.
    pub mean_log_prob: Option<f32>,
}

/// Everything heard on one channel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// In order of time, not overlapping.
    pub segments: Vec<Segment>,
    /// Where the voice activity detector found a voice, whether or not words came out.
    pub voiced: IntervalSet,
    /// Loud for more than half a second, and the detector did not call it a voice: ringing, noise, or a missed voice.
    #[serde(default)]
    pub loud_not_voiced: IntervalSet,
}

/// What an engine can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Engine and model: `moonshine-base-en`.
    pub name: String,
    /// How its word times are found.
    pub time_quality: TimeQuality,
    /// SHA-256 of the model files, hex, or empty for an external engine.
    pub model_sha256: String,
    /// Whether a second hearing (`HearOptions::again`) gets the audio in other pieces than the first.
    pub recuts: bool,
}

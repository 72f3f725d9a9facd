//! A conversation as it was held: who, when, on which channel, in which words. Names follow vCon.

use serde::{Deserialize, Serialize};

/// How the conversation was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A telephone call or other recording.
    Voice,
    /// A web or messenger chat.
    Chat,
    /// Electronic mail.
    Email,
    /// Text messages.
    Sms,
}

impl Channel {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Chat => "chat",
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// The part a party plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Works for the call centre.
    Agent,
    /// The person the centre serves.
    Customer,
    /// A machine: menu, announcement, bot.
    System,
    /// Not known, as in a mono recording.
    Unknown,
}

impl Role {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Customer => "customer",
            Self::System => "system",
            Self::Unknown => "unknown",
        }
    }
}

/// One participant. In stereo recordings the index of the party is the index of its channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The part played.
    pub role: Role,
    /// Address on the wire (telephone number, e-mail address), if metadata told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Name, if metadata told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// How the times of words were found; muting pads by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeQuality {
    /// From the recogniser's attention.
    Attention,
    /// From forced alignment, or word times the source gave.
    Aligned,
    /// Spread evenly over a longer stretch.
    Proportional,
    /// No times: text channels.
    None,
}

impl TimeQuality {
    /// Padding before a muted word, in milliseconds: how late it may begin by these times.
    pub fn pad_before_ms(self) -> u64 {
        match self {
            Self::Attention => 220,
            Self::Aligned => 250,
            Self::Proportional => 600,
            Self::None => 0,
        }
    }

    /// Padding after it. Ends that come from attention run late themselves: 19 of 20 lie behind the true end (measured).
    pub fn pad_after_ms(self) -> u64 {
        match self {
            Self::Attention => 120,
            other => other.pad_before_ms(),
        }
    }
}

/// One spoken word with its place on the recording's time line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// As recognised, with its punctuation.
    pub text: String,
    /// Milliseconds from the start of the recording.
    pub start_ms: u64,
    /// Milliseconds from the start of the recording.
    pub end_ms: u64,
    /// 0 to 1, as the engine judges itself.
    pub confidence: f32,
}

/// What one party said or typed without another taking over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Index into the conversation's parties.
    pub party: usize,
    /// Milliseconds from the start (0 in text channels).
    pub start_ms: u64,
    /// Milliseconds from the start (0 in text channels).
    pub end_ms: u64,
    /// The text. For spoken turns exactly the words joined by single spaces.
    pub text: String,
    /// The words with times; empty in text channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
}

impl Turn {
    /// A spoken turn; its text is the words joined by single spaces.
    pub fn spoken(party: usize, words: Vec<Word>) -> Self {
        let text = words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
        let start_ms = words.iter().map(|w| w.start_ms).min().unwrap_or(0);
        let end_ms = words.iter().map(|w| w.end_ms).max().unwrap_or(start_ms);
        Self { party, start_ms, end_ms, text, words }
    }

    /// A typed turn.
    pub fn typed(party: usize, text: impl Into<String>) -> Self {
        Self { party, start_ms: 0, end_ms: 0, text: text.into(), words: Vec::new() }
    }

    /// The words that a byte range of the text touches.
    pub fn words_in(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = &Word> {
        let mut at = 0usize;
        self.words.iter().filter(move |w| {
            let start = at;
            at = at.saturating_add(w.text.len()).saturating_add(1);
            start < range.end && range.start < start.saturating_add(w.text.len())
        })
    }
}

/// Everything that was said, in order of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// What produced it: an engine's name and model, or `imported:webvtt`.
    pub engine: String,
    /// How word times were found.
    pub time_quality: TimeQuality,
    /// The turns.
    pub turns: Vec<Turn>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_finds_the_words_a_byte_range_touches() {
        let w = |t: &str, s| Word { text: t.into(), start_ms: s, end_ms: s + 100, confidence: 1.0 };
        let t = Turn::spoken(0, vec![w("my", 0), w("card", 100), w("is", 200), w("4111", 300)]);
        assert_eq!(t.text, "my card is 4111");
        let hit: Vec<_> = t.words_in(3..9).map(|w| w.text.as_str()).collect();
        assert_eq!(hit, ["card", "is"]);
        assert_eq!(t.words_in(11..15).count(), 1);
        assert_eq!(t.words_in(2..3).count(), 0);
    }
}

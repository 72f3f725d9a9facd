//! How well redaction works on labelled conversations: scored against what was planted, never against our own
//! recogniser. The truth file format is described in `docs/guide/measure.md`.

use crate::Error;
use callvault_detect::search;
use callvault_model::{Channel, EntityType, Interval, IntervalSet};
use callvault_speech::decode::Recording;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A value counts as muted when this share of its time is exact silence.
const COVERED_SHARE: f64 = 0.95;

/// Labelled conversations.
#[derive(Debug, Deserialize)]
pub struct Truth {
    /// The conversations.
    pub conversations: Vec<TruthConversation>,
}

/// One labelled conversation.
#[derive(Debug, Clone, Deserialize)]
pub struct TruthConversation {
    /// Path of the file below the truth file's folder.
    pub file: String,
    /// How it was held.
    pub channel: Channel,
    /// Whether redaction is expected to succeed; a foreign language is not ordinary.
    pub ordinary: bool,
    /// What must not be readable or audible afterwards.
    pub planted: Vec<Planted>,
    /// Values in file names and metadata.
    #[serde(default)]
    pub planted_elsewhere: Vec<PlantedElsewhere>,
    /// Voiced stretches.
    #[serde(default)]
    pub speech: Vec<Stretch>,
}

/// One planted value.
#[derive(Debug, Clone, Deserialize)]
pub struct Planted {
    /// Its type.
    #[serde(rename = "type")]
    pub entity: EntityType,
    /// In canonical form.
    pub value: String,
    /// Channel of a recording.
    #[serde(default)]
    pub channel: usize,
    /// Place in a recording.
    #[serde(default)]
    pub start_ms: u64,
    /// Place in a recording.
    #[serde(default)]
    pub end_ms: u64,
}

/// A value outside the conversation itself.
#[derive(Debug, Clone, Deserialize)]
pub struct PlantedElsewhere {
    /// Its type.
    #[serde(rename = "type")]
    pub entity: EntityType,
    /// As it stands there.
    pub value: String,
}

/// A voiced stretch of one channel.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Stretch {
    /// Channel.
    pub channel: usize,
    /// Start.
    pub start_ms: u64,
    /// End.
    pub end_ms: u64,
}

/// The truth cannot be read.
pub fn parse(bytes: &[u8]) -> Result<Truth, Error> {
    serde_json::from_slice(bytes).map_err(|e| Error::Source {
        what: format!("the truth file is not valid at line {} column {}", e.line(), e.column()),
        cure: "see docs/guide/measure.md for its form",
    })
}

/// A planted value that is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// The conversation's file.
    pub file: String,
    /// Type of the value.
    pub entity: EntityType,
    /// Channel of a recording.
    pub channel: usize,
    /// Place in a recording.
    pub start_ms: u64,
    /// Where: "audible 62 %" or "readable".
    pub how: String,
}

/// The score of a set.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Score {
    /// Conversations scored.
    pub conversations: u64,
    /// Of these, ordinary ones.
    pub ordinary: u64,
    /// Ordinary ones in quarantine.
    pub ordinary_quarantined: u64,
    /// Others in quarantine.
    pub other_quarantined: u64,
    /// Planted values, those in quarantined conversations included.
    pub planted: u64,
    /// Planted values in conversations that were released.
    pub planted_released: u64,
    /// Values that can still be heard or read.
    pub recovered: Vec<Recovered>,
    /// Per type: planted in released conversations, and of these recovered.
    pub by_type: BTreeMap<String, (u64, u64)>,
    /// Muted stretches that touch no planted value.
    pub false_mutes: u64,
    /// Speech outside planted values, in milliseconds.
    pub other_speech_ms: u64,
    /// Of this, muted.
    pub other_muted_ms: u64,
}

impl Score {
    /// Share of speech outside planted values that was muted, 0 to 1.
    pub fn false_mute_share(&self) -> f64 {
        if self.other_speech_ms == 0 { 0.0 } else { self.other_muted_ms as f64 / self.other_speech_ms as f64 }
    }

    /// Values no longer recoverable, of those released.
    pub fn covered(&self) -> u64 {
        self.planted_released.saturating_sub(self.recovered.len() as u64)
    }

    /// A conversation nobody can play.
    pub fn quarantined(&mut self, truth: &TruthConversation) {
        self.count(truth);
        if truth.ordinary {
            self.ordinary_quarantined += 1;
        } else {
            self.other_quarantined += 1;
        }
    }

    /// A released recording: time of each value, masked text, other speech.
    pub fn voice(
        &mut self,
        truth: &TruthConversation,
        muted: &mut Recording,
        text: &[String],
    ) -> Result<(), Error> {
        self.count(truth);
        let silent = silence(muted)?;
        let empty = IntervalSet::new();
        for planted in &truth.planted {
            let span = Interval::new(planted.start_ms, planted.end_ms);
            let covered = silent.get(planted.channel).unwrap_or(&empty).covered_ms(span);
            let share = covered as f64 / span.len_ms().max(1) as f64;
            let how = (share < COVERED_SHARE).then(|| format!("audible {:.0} %", (1.0 - share) * 100.0));
            self.judge(truth, planted, how.or_else(|| readable(planted, text)));
        }
        self.count_false_mutes(truth, &silent);
        Ok(())
    }

    /// A released message.
    pub fn text(&mut self, truth: &TruthConversation, text: &[String]) {
        self.count(truth);
        for planted in &truth.planted {
            self.judge(truth, planted, readable(planted, text));
        }
    }

    fn count(&mut self, truth: &TruthConversation) {
        self.conversations += 1;
        self.ordinary += u64::from(truth.ordinary);
        self.planted += truth.planted.len() as u64;
    }

    fn judge(&mut self, truth: &TruthConversation, planted: &Planted, how: Option<String>) {
        self.planted_released += 1;
        let of_type = self.by_type.entry(planted.entity.as_str().to_owned()).or_default();
        of_type.0 += 1;
        if let Some(how) = how {
            of_type.1 += 1;
            self.recovered.push(Recovered {
                file: truth.file.clone(),
                entity: planted.entity,
                channel: planted.channel,
                start_ms: planted.start_ms,
                how,
            });
        }
    }

    fn count_false_mutes(&mut self, truth: &TruthConversation, silent: &[IntervalSet]) {
        for (channel, silent) in silent.iter().enumerate() {
            let of = |spans: &mut dyn Iterator<Item = (usize, u64, u64)>| -> IntervalSet {
                spans.filter(|(c, ..)| *c == channel).map(|(_, s, e)| Interval::new(s, e)).collect()
            };
            let speech = of(&mut truth.speech.iter().map(|s| (s.channel, s.start_ms, s.end_ms)));
            let planted = of(&mut truth.planted.iter().map(|p| (p.channel, p.start_ms, p.end_ms)));
            let other = speech.difference(&planted);
            let muted = other.intersection(silent);
            self.other_speech_ms += other.total_ms();
            self.other_muted_ms += muted.total_ms();
            // One cut is counted once, also where it spans several words.
            self.false_mutes += silent
                .as_slice()
                .iter()
                .filter(|i| {
                    i.len_ms() >= 200 && speech.covered_ms(**i) >= 100 && planted.covered_ms(**i) == 0
                })
                .count() as u64;
        }
    }
}

fn readable(planted: &Planted, text: &[String]) -> Option<String> {
    let alnum = planted.value.chars().filter(|c| c.is_alphanumeric()).count();
    let there = alnum >= 3 && text.iter().any(|t| search::value_recoverable(t, &planted.value));
    there.then(|| "readable".to_owned())
}

/// Shortest run of exact zeros that counts as muted; speech at telephone quality crosses zero for far less.
const SILENCE_MS: u64 = 40;

/// Where each channel is exactly zero: what was muted, and digital silence of the source.
pub fn silence(recording: &mut Recording) -> Result<Vec<IntervalSet>, Error> {
    let (rate, channels) = (u64::from(recording.info().rate), usize::from(recording.info().channels));
    let mut sets = vec![IntervalSet::new(); channels];
    let mut runs = vec![None::<u64>; channels];
    let mut at = 0u64;
    recording.rewind()?;
    let ms = |frame: u64| frame.saturating_mul(1000) / rate.max(1);
    while let Some(block) = recording.next_block()? {
        for ((samples, run), set) in block.channels.iter().zip(&mut runs).zip(&mut sets) {
            for (i, s) in samples.iter().enumerate() {
                let frame = at + i as u64;
                match (*s == 0.0, *run) {
                    (true, None) => *run = Some(frame),
                    (false, Some(from)) => {
                        close(set, ms(from), ms(frame));
                        *run = None;
                    }
                    _ => {}
                }
            }
        }
        at += block.frames() as u64;
    }
    for (run, set) in runs.iter().zip(&mut sets) {
        if let Some(from) = run {
            close(set, ms(*from), ms(at));
        }
    }
    Ok(sets)
}

fn close(set: &mut IntervalSet, from: u64, to: u64) {
    if to.saturating_sub(from) >= SILENCE_MS {
        set.insert(Interval::new(from, to));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth() -> TruthConversation {
        TruthConversation {
            file: "x".into(),
            channel: Channel::Chat,
            ordinary: true,
            planted: vec![Planted {
                entity: EntityType::CreditCard,
                value: "4111111111111111".into(),
                channel: 0,
                start_ms: 0,
                end_ms: 0,
            }],
            planted_elsewhere: vec![],
            speech: vec![],
        }
    }

    #[test]
    fn a_value_left_in_the_text_is_recovered_and_a_masked_one_is_not() {
        let mut score = Score::default();
        score.text(&truth(), &["card [CREDIT_CARD]".into()]);
        assert_eq!((score.planted, score.recovered.len()), (1, 0));
        score.text(&truth(), &["four one one one, one one one one, one one one one, one one one one".into()]);
        assert_eq!((score.planted, score.recovered.len()), (2, 1));
        assert_eq!(score.covered(), 1);
    }

    #[test]
    fn a_quarantined_conversation_is_counted_and_gives_nothing_away() {
        let mut score = Score::default();
        score.quarantined(&truth());
        assert_eq!((score.planted, score.planted_released, score.ordinary_quarantined), (1, 0, 1));
    }
}

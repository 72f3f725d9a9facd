//! Hears every channel of a recording and brings the result into the form that detection reads.

use crate::{Error, dialogue, tools::Tools};
use callvault_model::{Interval, IntervalSet, Role, TimeQuality, Turn, Word};
use callvault_speech::{Heard, dtmf::Tone, engine::Engine, engine::HearOptions};

/// What a recording says, per channel and in order.
#[derive(Debug, Clone)]
pub struct Hearing {
    /// Engine and model, or `imported:…`.
    pub engine: String,
    /// How word times were found.
    pub quality: TimeQuality,
    /// One per channel.
    pub heard: Vec<Heard>,
    /// Keypad tones, one list per channel.
    pub tones: Vec<Vec<Tone>>,
    /// Turns of speech and of keyed digits, in order of time.
    pub turns: Vec<Turn>,
}

/// Keyed digits closer together than this belong to one entry.
const KEYING_GAP_MS: u64 = 4_000;

impl Hearing {
    /// Listens to every channel with `engine`.
    pub fn listen(
        recording: &mut callvault_speech::decode::Recording,
        engine: &dyn Engine,
        again: bool,
        tools: &Tools<'_>,
    ) -> Result<Self, Error> {
        let channels = recording.info().channels;
        let mut heard = Vec::new();
        for channel in 0..channels {
            let mut samples = recording.channel_16k(channel)?;
            let progress = |_: u64| {};
            let options = HearOptions { again, cancel: tools.cancel, progress: &progress, channel };
            heard.push(engine.hear(&mut samples, &options)?);
        }
        let tones = callvault_speech::dtmf::tones(recording)?;
        let capabilities = engine.capabilities();
        Ok(Self::assemble(capabilities.name.clone(), capabilities.time_quality, heard, tones))
    }

    /// From imported words; the tones still come from the recording itself.
    pub fn assemble(engine: String, quality: TimeQuality, heard: Vec<Heard>, tones: Vec<Vec<Tone>>) -> Self {
        let mut turns = dialogue::turns(&heard);
        for (party, keyed) in tones.iter().enumerate() {
            turns.extend(keyed_turns(party, keyed));
        }
        turns.sort_by_key(|t| (t.start_ms, t.party));
        Self { engine, quality, heard, tones, turns }
    }

    /// Where a voice was found, per channel.
    pub fn voiced(&self) -> impl Iterator<Item = &IntervalSet> {
        self.heard.iter().map(|h| &h.voiced)
    }
}

/// Keyed digits as turns of their party: one word a key, so that they mute and detect like speech.
fn keyed_turns(party: usize, tones: &[Tone]) -> Vec<Turn> {
    let mut out: Vec<Vec<Word>> = Vec::new();
    for tone in tones {
        let word = Word {
            text: tone.key.to_string(),
            start_ms: tone.span.start_ms,
            end_ms: tone.span.end_ms,
            confidence: 1.0,
        };
        match out.last_mut() {
            Some(run) if run.last().is_some_and(|l| word.start_ms <= l.end_ms + KEYING_GAP_MS) => {
                run.push(word)
            }
            _ => out.push(vec![word]),
        }
    }
    out.into_iter().map(|words| Turn::spoken(party, words)).collect()
}

/// All keypad tones of a channel as stretches to mute, a little wider than they were decoded.
pub fn tone_intervals(tones: &[Tone]) -> impl Iterator<Item = Interval> {
    tones.iter().map(|t| t.span.padded(60))
}

/// The roles that channels play when metadata does not tell: two channels are customer left and agent right.
pub fn default_roles(channels: usize) -> Vec<Role> {
    match channels {
        2 => vec![Role::Customer, Role::Agent],
        n => vec![Role::Unknown; n],
    }
}

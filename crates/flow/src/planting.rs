//! The leak meter for recordings: synthetic spoken secrets in copies of somebody's own recordings, in pauses of the channel,
//! as loud as the voice on it. What is planted is known to the sample, so it is scored like a truth file.

use crate::{
    Error,
    measure::{Planted, Stretch, TruthConversation},
};
use callvault_detect::plant::{Choices, Spoken, spoken};
use callvault_model::{Channel, Interval, IntervalSet};
use callvault_speech::{
    decode::{Block, Recording},
    encode::{Coding, WavWriter},
    say::{VOICES, Voice},
    vad,
};
use std::io::Write;

/// Quiet that stays before and after what is planted.
const MARGIN_MS: u64 = 300;
/// Between the words that announce a value and the value.
const BREATH_MS: u64 = 150;
/// A pause shorter than this holds no value and its margins.
const MIN_PAUSE_MS: u64 = 1_500;
/// Values drawn for one place until one fits.
const DRAWS: usize = 8;
/// Loudness of a channel on which nobody speaks: -26 dBFS, as telephone speech is.
const USUAL_RMS: f32 = 0.05;
/// A planted sample stays below this.
const PEAK: f32 = 0.9;

/// A recording's copy, once it is written.
pub struct Copied {
    /// What was planted where, and where the recording's own voices are.
    pub truth: TruthConversation,
    /// How each planted value is said, in the order of the truth.
    pub forms: Vec<&'static str>,
}

/// What speaks: text and voice in, samples at the recording's rate out, from the first to the last sound.
pub type Say<'a> = dyn FnMut(&str, Voice) -> Result<Vec<f32>, Error> + 'a;

/// Samples that are added to one channel from one frame on.
struct Clip {
    channel: usize,
    first: u64,
    samples: Vec<f32>,
}

impl Clip {
    fn end(&self) -> u64 {
        self.first.saturating_add(self.samples.len() as u64)
    }
}

/// One channel as far as planting is concerned.
struct Room {
    pauses: IntervalSet,
    rms: f32,
}

/// Writes a copy of the recording with up to `most` values in it. Where no pause is long enough for one, fewer are planted.
pub fn copy(
    recording: &mut Recording,
    name: &str,
    most: usize,
    choices: &mut Choices,
    say: &mut Say<'_>,
    out: &mut dyn Write,
) -> Result<Copied, Error> {
    let mut truth = TruthConversation {
        file: name.to_owned(),
        channel: Channel::Voice,
        ordinary: true,
        planted: Vec::new(),
        planted_elsewhere: Vec::new(),
        speech: Vec::new(),
    };
    let mut rooms = rooms(recording, &mut truth.speech)?;
    let rate = recording.info().rate;
    let (mut clips, mut forms) = (Vec::new(), Vec::new());
    for _ in 0..most {
        for _ in 0..DRAWS {
            let drawn = spoken(choices);
            let voice = voice(choices);
            if let Some((clip, planted)) = place(&mut rooms, rate, &drawn, voice, choices, say)? {
                clips.push(clip);
                truth.planted.push(planted);
                forms.push(drawn.form);
                break;
            }
        }
    }
    write(recording, &clips, out)?;
    Ok(Copied { truth, forms })
}

fn voice(choices: &mut Choices) -> Voice {
    let name = VOICES.get(choices.below(VOICES.len())).copied().unwrap_or("en-us");
    Voice { name, pace: 140 + u32::try_from(choices.below(40)).unwrap_or(0) }
}

/// Pauses and loudness of each channel; notes where its voices are.
fn rooms(recording: &mut Recording, speech: &mut Vec<Stretch>) -> Result<Vec<Room>, Error> {
    let (channels, whole) = (recording.info().channels, Interval::new(0, recording.info().duration_ms()));
    let mut voiced = Vec::new();
    let mut pauses = Vec::new();
    for channel in 0..channels {
        let (voices, loud) = vad::voices(&mut recording.channel_16k(channel)?)?;
        let busy: IntervalSet = voices.union(&loud).as_slice().iter().map(|v| v.padded(MARGIN_MS)).collect();
        let whole: IntervalSet = [whole].into_iter().collect();
        pauses.push(whole.difference(&busy));
        speech.extend(voices.as_slice().iter().map(|v| Stretch {
            channel: usize::from(channel),
            start_ms: v.start_ms,
            end_ms: v.end_ms,
        }));
        voiced.push(voices);
    }
    let rms = loudness(recording, &voiced)?;
    let spoken: Vec<f32> = rms.iter().copied().flatten().collect();
    // Nobody on this channel: as loud as the others are.
    let usual = if spoken.is_empty() { USUAL_RMS } else { spoken.iter().sum::<f32>() / spoken.len() as f32 };
    Ok(pauses.into_iter().zip(rms).map(|(pauses, rms)| Room { pauses, rms: rms.unwrap_or(usual) }).collect())
}

/// Root mean square of each channel while somebody speaks on it.
fn loudness(recording: &mut Recording, voiced: &[IntervalSet]) -> Result<Vec<Option<f32>>, Error> {
    let rate = u64::from(recording.info().rate.max(1));
    let mut sums = vec![(0.0f64, 0u64); voiced.len()];
    let mut next = vec![0usize; voiced.len()];
    let mut at = 0u64;
    recording.rewind()?;
    while let Some(block) = recording.next_block()? {
        for (((samples, set), sum), next) in block.channels.iter().zip(voiced).zip(&mut sums).zip(&mut next) {
            for (frame, s) in (at..).zip(samples) {
                let ms = frame.saturating_mul(1000) / rate;
                while set.as_slice().get(*next).is_some_and(|v| v.end_ms <= ms) {
                    *next = next.saturating_add(1);
                }
                if set.as_slice().get(*next).is_some_and(|v| v.start_ms <= ms) {
                    *sum = (sum.0 + f64::from(*s) * f64::from(*s), sum.1.saturating_add(1));
                }
            }
        }
        at = at.saturating_add(block.frames() as u64);
    }
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a mean of samples")]
    let mean = |(sum, n): (f64, u64)| (n > 0 && sum > 0.0).then(|| (sum / n as f64).sqrt() as f32);
    Ok(sums.into_iter().map(mean).collect())
}

/// Lays a value into a pause that holds it, if there is one, and takes the place out of the pauses.
fn place(
    rooms: &mut [Room],
    rate: u32,
    drawn: &Spoken,
    voice: Voice,
    choices: &mut Choices,
    say: &mut Say<'_>,
) -> Result<Option<(Clip, Planted)>, Error> {
    let longest = rooms.iter().flat_map(|r| r.pauses.as_slice()).map(Interval::len_ms).max().unwrap_or(0);
    if longest < MIN_PAUSE_MS {
        return Ok(None);
    }
    let frames = |ms: u64| ms.saturating_mul(u64::from(rate)) / 1000;
    let mut samples = say(drawn.lead, voice)?;
    samples.resize(samples.len().saturating_add(usize::try_from(frames(BREATH_MS)).unwrap_or(0)), 0.0);
    let lead = samples.len() as u64;
    samples.extend(say(&drawn.said, voice)?);
    let needs =
        (samples.len() as u64).saturating_mul(1000).div_ceil(u64::from(rate.max(1))).saturating_add(1);
    let fits: Vec<(usize, Interval)> = rooms
        .iter()
        .enumerate()
        .flat_map(|(c, r)| r.pauses.as_slice().iter().map(move |p| (c, *p)))
        .filter(|(_, p)| p.len_ms() >= needs)
        .collect();
    let Some((channel, pause)) = fits.get(choices.below(fits.len())).copied() else { return Ok(None) };
    let play = usize::try_from(pause.len_ms().saturating_sub(needs)).unwrap_or(0);
    let from_ms = pause.start_ms.saturating_add(choices.below(play.saturating_add(1)) as u64);
    let Some(room) = rooms.get_mut(channel) else { return Ok(None) };
    level(&mut samples, room.rms);
    let clip = Clip { channel, first: frames(from_ms), samples };
    let taken: IntervalSet =
        [Interval::new(from_ms, from_ms.saturating_add(needs)).padded(MARGIN_MS)].into_iter().collect();
    room.pauses = room.pauses.difference(&taken);
    let ms = |frame: u64| frame.saturating_mul(1000) / u64::from(rate.max(1));
    let planted = Planted {
        entity: drawn.entity,
        value: drawn.value.clone(),
        channel,
        start_ms: ms(clip.first.saturating_add(lead)),
        end_ms: ms(clip.end()),
    };
    Ok(Some((clip, planted)))
}

/// As loud as the channel's voice, below the peak, and with a faint hiss: a pause inside a value must not look like muting.
fn level(samples: &mut [f32], rms: f32) {
    let loud = samples.iter().filter(|s| s.abs() > 0.01);
    let (sum, n) =
        loud.fold((0.0f64, 0u32), |(sum, n), s| (sum + f64::from(*s) * f64::from(*s), n.saturating_add(1)));
    let peak = samples.iter().fold(0f32, |m, s| m.max(s.abs()));
    #[expect(clippy::cast_possible_truncation, reason = "a mean of samples")]
    let own = (sum / f64::from(n.max(1))).sqrt() as f32;
    let gain = if own > 0.0 { (rms / own).min(PEAK / peak.max(f32::EPSILON)) } else { 0.0 };
    for (i, s) in (0u32..).zip(samples) {
        let noise = i.wrapping_mul(2_654_435_761) >> 24;
        // 12 to 19 steps of 16 bits, which is no zero in µ-law either.
        let hiss = f32::from(u16::try_from(12 + noise % 8).unwrap_or(12)) / 32_768.0;
        *s = *s * gain + if noise & 128 == 0 { hiss } else { -hiss };
    }
}

/// The recording with the clips added, at its own rate.
fn write(recording: &mut Recording, clips: &[Clip], out: &mut dyn Write) -> Result<(), Error> {
    let info = recording.info().clone();
    let mut wav = WavWriter::new(out, info.rate, info.channels, Coding::of(recording), info.frames)?;
    recording.rewind()?;
    let mut at = 0u64;
    while let Some(mut block) = recording.next_block()? {
        for clip in clips {
            add(&mut block, at, clip);
        }
        at = at.saturating_add(block.frames() as u64);
        wav.write(&block)?;
    }
    Ok(wav.finish()?)
}

fn add(block: &mut Block, at: u64, clip: &Clip) {
    let end = at.saturating_add(block.frames() as u64);
    let (from, to) = (clip.first.max(at), clip.end().min(end));
    let Some(samples) = block.channels.get_mut(clip.channel) else { return };
    let index = |frame: u64, base: u64| usize::try_from(frame.saturating_sub(base)).unwrap_or(usize::MAX);
    if from < to {
        let ours = clip.samples.get(index(from, clip.first)..index(to, clip.first)).unwrap_or_default();
        let theirs = samples.get_mut(index(from, at)..index(to, at)).unwrap_or_default();
        for (s, more) in theirs.iter_mut().zip(ours) {
            *s = (*s + more).clamp(-1.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests;

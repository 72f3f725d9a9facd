//! Silences stretches of a recording: exact zeros inside, short fades outside, nothing else touched; and proves it.

mod leak;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::ops::Range;

use callvault_model::IntervalSet;

use crate::decode::{Block, Recording};
use crate::encode::{Coding, WavWriter, quantise};
use crate::error::Error;

pub use leak::{Leak, voice_leak, voice_leaks};

/// Length of the fade before and after a muted stretch. It lies outside, so the stretch itself is all zeros.
pub const FADE_MS: u64 = 5;

/// What to silence, per channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MutePlan {
    /// One set per channel of the recording, in order.
    pub per_channel: Vec<IntervalSet>,
}

/// What was silenced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuteReport {
    /// Frames of the whole recording.
    pub frames: u64,
    /// Zeroed frames per channel.
    pub muted_frames: Vec<u64>,
}

/// Writes a WAV with the rate, channels and number of frames of `rec` (µ-law for µ-law, else 16-bit PCM, 24-bit for
/// deeper sources) in which every sample of the plan is zero. Works block by block.
pub fn write_muted(
    rec: &mut Recording,
    plan: &MutePlan,
    out: &mut (impl Write + ?Sized),
) -> Result<MuteReport, Error> {
    let mut masks = masks(rec, plan)?;
    let info = rec.info().clone();
    let muted_frames = masks.iter().map(Mask::total).collect();
    rec.rewind()?;
    let mut wav = WavWriter::new(out, info.rate, info.channels, Coding::of(rec), info.frames)?;
    let mut at = 0u64;
    while let Some(mut block) = rec.next_block()? {
        for (samples, mask) in block.channels.iter_mut().zip(&mut masks) {
            mask.apply(at, samples);
        }
        at = at.saturating_add(block.frames() as u64);
        wav.write(&block)?;
    }
    wav.finish()?;
    Ok(MuteReport { frames: info.frames, muted_frames })
}

/// Proves that `muted` is `original` with the plan carried out: same shape and length, zeros everywhere inside, and
/// outside the fades the original's samples to within one step of quantisation.
pub fn verify_muted(original: &mut Recording, muted: &mut Recording, plan: &MutePlan) -> Result<(), Error> {
    let (a, b) = (original.info(), muted.info());
    if (a.rate, a.channels, a.frames) != (b.rate, b.channels, b.frames) {
        return Err(Error::Mute(format!(
            "the muted copy has {} frames, {} channels, {} Hz and the original {}, {}, {}; the copy is not used",
            b.frames, b.channels, b.rate, a.frames, a.channels, a.rate
        )));
    }
    let (mut masks, depth) = (masks(original, plan)?, original.depth());
    original.rewind()?;
    muted.rewind()?;
    let (mut pairs, mut at) =
        (Pairs { a: original, b: muted, held: [Block::default(), Block::default()] }, 0u64);
    while let Some((before, after)) = pairs.next()? {
        for (channel, mask) in masks.iter_mut().enumerate() {
            let (Some(x), Some(y)) = (before.channels.get(channel), after.channels.get(channel)) else {
                return Err(Error::Mute(
                    "a channel is missing in the muted copy; the copy is not used".into(),
                ));
            };
            for (n, (x, y)) in (at..).zip(x.iter().zip(y)) {
                check_sample(mask.gain(n), *x, *y, depth).map_err(|what| {
                    let ms = n.saturating_mul(1000) / u64::from(pairs.a.info().rate.max(1));
                    Error::Mute(format!("channel {channel} at {ms} ms: {what}; the copy is not used"))
                })?;
            }
        }
        at = at.saturating_add(before.frames() as u64);
    }
    Ok(())
}

fn check_sample(gain: f32, before: f32, after: f32, depth: u16) -> Result<(), &'static str> {
    let same = || (quantise(before, depth) - quantise(after, depth)).abs() <= 1;
    if gain == 0.0 && after != 0.0 {
        Err("sound is left where silence must be")
    } else if gain >= 1.0 && !same() {
        Err("sound outside the muted stretches was altered")
    } else {
        Ok(())
    }
}

/// Two recordings in step, although their blocks differ in length.
struct Pairs<'a> {
    a: &'a mut Recording,
    b: &'a mut Recording,
    held: [Block; 2],
}

impl Pairs<'_> {
    fn next(&mut self) -> Result<Option<(Block, Block)>, Error> {
        let [a, b] = &mut self.held;
        for (held, rec) in [(&mut *a, &mut *self.a), (&mut *b, &mut *self.b)] {
            while held.frames() == 0 {
                match rec.next_block()? {
                    Some(block) => *held = block,
                    None => break,
                }
            }
        }
        let frames = a.frames().min(b.frames());
        if frames == 0 {
            return if a.frames() == b.frames() {
                Ok(None)
            } else {
                Err(Error::Mute(
                    "the muted copy has another length than it says; the copy is not used".into(),
                ))
            };
        }
        Ok(Some((split(a, frames), split(b, frames))))
    }
}

/// Cuts the first `frames` off a block.
fn split(block: &mut Block, frames: usize) -> Block {
    let channels = block.channels.iter_mut().map(|c| {
        let rest = c.split_off(frames.min(c.len()));
        std::mem::replace(c, rest)
    });
    Block { channels: channels.collect() }
}

/// The muted frames of one channel, asked in rising order.
struct Mask {
    ranges: Vec<Range<u64>>,
    /// First range whose end lies after the last frame asked for.
    next: usize,
    fade: u64,
}

fn masks(rec: &Recording, plan: &MutePlan) -> Result<Vec<Mask>, Error> {
    let info = rec.info();
    if plan.per_channel.len() != usize::from(info.channels) {
        return Err(Error::Mute(format!(
            "the plan is for {} channels and the recording has {}; nothing was released",
            plan.per_channel.len(),
            info.channels
        )));
    }
    Ok(plan.per_channel.iter().map(|set| Mask::new(set, info.rate, info.frames)).collect())
}

impl Mask {
    /// Milliseconds to frames, rounded outwards: a frame that an interval touches is inside.
    fn new(set: &IntervalSet, rate: u32, frames: u64) -> Self {
        let rate = u128::from(rate);
        let first = |ms: u64| u64::try_from(u128::from(ms) * rate / 1000).unwrap_or(u64::MAX);
        let after = |ms: u64| u64::try_from((u128::from(ms) * rate).div_ceil(1000)).unwrap_or(u64::MAX);
        // The length in whole milliseconds hides the last fraction: an interval that reaches it reaches the end.
        let last_ms = u64::try_from(u128::from(frames) * 1000 / rate.max(1)).unwrap_or(u64::MAX);
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for i in set.as_slice().iter().filter(|i| i.len_ms() > 0) {
            let start = first(i.start_ms).min(frames);
            let end = if i.end_ms >= last_ms { frames } else { after(i.end_ms).min(frames) };
            match ranges.last_mut() {
                Some(last) if last.end >= start => last.end = last.end.max(end),
                _ if start < end => ranges.push(start..end),
                _ => {}
            }
        }
        let fade = u64::try_from(rate * u128::from(FADE_MS) / 1000).unwrap_or(1).max(1);
        Self { ranges, next: 0, fade }
    }

    fn total(&self) -> u64 {
        self.ranges.iter().map(|r| r.end - r.start).sum()
    }

    /// 0 inside, 1 farther than a fade away, a straight line between.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a distance below the fade's length, about a thousand frames"
    )]
    fn gain(&mut self, frame: u64) -> f32 {
        while self.ranges.get(self.next).is_some_and(|r| r.end <= frame) {
            self.next = self.next.saturating_add(1);
        }
        let to_next = match self.ranges.get(self.next) {
            Some(r) if r.start <= frame => return 0.0,
            Some(r) => r.start - frame,
            None => u64::MAX,
        };
        let previous = self.next.checked_sub(1).and_then(|p| self.ranges.get(p));
        let from_previous = previous.map_or(u64::MAX, |r| (frame - r.end).saturating_add(1));
        let distance = to_next.min(from_previous);
        if distance > self.fade { 1.0 } else { distance as f32 / (self.fade + 1) as f32 }
    }

    fn apply(&mut self, from: u64, samples: &mut [f32]) {
        for (n, s) in (from..).zip(samples) {
            let gain = self.gain(n);
            if gain == 0.0 {
                *s = 0.0;
            } else if gain < 1.0 {
                *s *= gain;
            }
        }
    }
}

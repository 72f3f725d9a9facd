//! In-band keypad tones (ITU-T Q.23), found with the tolerances of Q.24 and with care not to take speech for keys.
//! A card number that was typed is in the audio as surely as one that was spoken.

mod spectrum;
#[cfg(test)]
mod tests;

use callvault_model::Interval;

use crate::decode::Recording;
use crate::error::Error;
use crate::resample::Resampler;
use spectrum::{Certainty, HOP, Hit, RATE, Sensitivity, WINDOW, analyse};

/// One pressed key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tone {
    /// `0`–`9`, `A`–`D`, `*` or `#`.
    pub key: char,
    /// Where it sounds, a little wider than the tone itself.
    pub span: Interval,
}

impl std::fmt::Debug for Tone {
    /// A key may be part of a card number: its time is told, the key is not.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tone").field("span", &self.span).finish_non_exhaustive()
    }
}

/// Missing windows inside one tone (Q.24: interruptions up to 10 ms do not end it).
const MAX_MISSES: u64 = 2;
/// Added on both sides, so that muting the span leaves no audible rest.
const PAD_MS: u64 = 10;
/// A doubtful key counts when a sure one lies this near.
const SERIES_MS: u64 = 2000;
/// Around known tones, this far is searched for what muting left.
const RESIDUE_MS: u64 = 200;

/// All keys on every channel, in order of time. One pass; rewinds first.
pub fn tones(rec: &mut Recording) -> Result<Vec<Vec<Tone>>, Error> {
    scan(rec, Sensitivity::Normal)
}

/// What is left of the tones after muting: keys that can still be found anywhere, and, near the places where `known`
/// lay, even weak or short rests. Must be empty on every channel.
pub fn residual_tones(muted: &mut Recording, known: &[Vec<Tone>]) -> Result<Vec<Vec<Tone>>, Error> {
    let mut left = tones(muted)?;
    let weak = scan(muted, Sensitivity::Residue)?;
    // A tone on one channel may have leaked to another, so the places of all channels count for each.
    let places: Vec<Interval> = known.iter().flatten().map(|t| t.span.padded(RESIDUE_MS)).collect();
    for (found, weak) in left.iter_mut().zip(weak) {
        let near = |t: &Tone| places.iter().any(|p| p.overlaps(&t.span));
        let new: Vec<Tone> = weak.into_iter().filter(|t| near(t) && !found.contains(t)).collect();
        found.extend(new);
        found.sort_by_key(|t| t.span);
    }
    Ok(left)
}

fn scan(rec: &mut Recording, sensitivity: Sensitivity) -> Result<Vec<Vec<Tone>>, Error> {
    rec.rewind()?;
    let rate = rec.info().rate;
    let mut channels: Vec<Detector> =
        (0..rec.info().channels).map(|_| Detector::new(rate, sensitivity)).collect();
    while let Some(block) = rec.next_block()? {
        for (detector, samples) in channels.iter_mut().zip(&block.channels) {
            detector.push(samples);
        }
    }
    let end = rec.info().duration_ms();
    Ok(channels.into_iter().map(|d| d.finish(end)).collect())
}

/// Finds the keys of one channel, sample by sample.
pub struct Detector {
    resampler: Resampler,
    sensitivity: Sensitivity,
    held: Vec<f32>,
    /// Number of the window that begins at `held[0]`.
    window: u64,
    run: Option<Run>,
    tones: Vec<(Tone, Certainty)>,
}

/// Consecutive windows with the same key.
struct Run {
    key: char,
    first: u64,
    last: u64,
    hits: Vec<Hit>,
}

impl Detector {
    fn new(rate: u32, sensitivity: Sensitivity) -> Self {
        let resampler = Resampler::new(rate, RATE);
        Self { resampler, sensitivity, held: Vec::new(), window: 0, run: None, tones: Vec::new() }
    }

    fn push(&mut self, samples: &[f32]) {
        let mut held = std::mem::take(&mut self.held);
        self.resampler.push(samples, &mut held);
        self.windows(&mut held);
        self.held = held;
    }

    fn windows(&mut self, held: &mut Vec<f32>) {
        let mut at = 0;
        while let Some(window) = held.get(at..at + WINDOW) {
            if let Some(hit) = analyse(window, self.sensitivity) {
                self.hit(hit);
            } else if self.run.as_ref().is_some_and(|r| self.window > r.last + MAX_MISSES) {
                self.close();
            }
            at += HOP;
            self.window += 1;
        }
        held.drain(..at);
    }

    fn hit(&mut self, hit: Hit) {
        match &mut self.run {
            Some(run) if run.key == hit.key => {
                run.last = self.window;
                run.hits.push(hit);
            }
            _ => {
                self.close();
                self.run = Some(Run { key: hit.key, first: self.window, last: self.window, hits: vec![hit] });
            }
        }
    }

    fn close(&mut self) {
        let Some(run) = self.run.take() else { return };
        let certainty = self.sensitivity.judge(&run.hits);
        if certainty == Certainty::No {
            return;
        }
        let ms = |window: u64| window * HOP as u64 * 1000 / u64::from(RATE);
        let length = WINDOW as u64 * 1000 / u64::from(RATE);
        let span = Interval::new(ms(run.first), ms(run.last) + length).padded(PAD_MS);
        self.tones.push((Tone { key: run.key, span }, certainty));
    }

    fn finish(mut self, end_ms: u64) -> Vec<Tone> {
        let mut held = std::mem::take(&mut self.held);
        self.resampler.finish(&mut held);
        // The last tone may be cut off by the end: let the windows run out into silence.
        held.extend([0.0; WINDOW]);
        self.windows(&mut held);
        self.close();
        let sure: Vec<Interval> = self
            .tones
            .iter()
            .filter(|t| t.1 == Certainty::Sure)
            .map(|t| t.0.span.padded(SERIES_MS))
            .collect();
        let mut tones: Vec<Tone> = self.tones.into_iter().map(|t| t.0).collect();
        tones.retain(|t| sure.iter().any(|s| s.overlaps(&t.span)));
        for tone in &mut tones {
            tone.span.end_ms = tone.span.end_ms.min(end_ms.max(tone.span.start_ms + 1));
        }
        tones
    }
}

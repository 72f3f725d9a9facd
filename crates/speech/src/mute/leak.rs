//! Crosstalk: does another channel carry the voice of this one, so that muting must cover both?
//!
//! The test is the normalised cross-correlation of the two (differenced, so that speech is nearly white) over the lags
//! of a telephone line. It is asked piece by piece, and the strongest answer counts: one clear word is a leak.

use callvault_model::Interval;

use crate::decode::Recording;
use crate::error::Error;
use crate::resample::Resampler;

/// Rate of the comparison.
const RATE: u32 = 8000;
/// Two voices may be alike for a syllable: shorter stretches are judged with what surrounds them.
const MIN_CONTEXT_MS: u64 = 800;
/// Longest piece compared at once, in samples (1 s).
const PIECE: usize = 8000;
/// The other channel may be this much earlier (20 ms) …
const EARLIER: usize = 160;
/// … or later (600 ms: a satellite's echo).
const LATER: usize = 4800;
/// Least likeness of a leak, and how far it must stand out of the likeness at other lags.
const MIN_LIKENESS: f32 = 0.18;
const MIN_PROMINENCE: f32 = 5.5;
/// Pieces below this power (about −66 dB of full scale, after differencing) carry no voice that could leak.
const MIN_POWER: f32 = 2.5e-7;

/// The same voice on another channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leak {
    /// The channel that carries it too.
    pub channel: u16,
    /// How much later it comes there (echo of a line), negative when earlier. Mute the stretch there shifted by this.
    pub lag_ms: i64,
    /// Likeness, 0 to 1.
    pub likeness: f32,
}

/// Which other channels carry what `channel` carries during `span`. Empty for mono. One pass; rewinds first.
pub fn voice_leak(rec: &mut Recording, channel: u16, span: Interval) -> Result<Vec<Leak>, Error> {
    Ok(voice_leaks(rec, channel, &[span])?.pop().unwrap_or_default())
}

/// [`voice_leak`] for many stretches in one pass over the recording; the answers are in the order of `spans`.
pub fn voice_leaks(rec: &mut Recording, channel: u16, spans: &[Interval]) -> Result<Vec<Vec<Leak>>, Error> {
    let channels = rec.info().channels;
    if channel >= channels {
        return Err(Error::Mute(format!(
            "the recording has {channels} channels, number {channel} was asked for"
        )));
    }
    let mut found: Vec<Vec<Leak>> = vec![Vec::new(); spans.len()];
    if channels == 1 {
        return Ok(found);
    }
    let mut pieces = pieces(spans);
    let mut tracks: Vec<Track> = (0..channels).map(|_| Track::new(rec.info().rate)).collect();
    rec.rewind()?;
    let mut open = true;
    while open && !pieces.is_empty() {
        match rec.next_block()? {
            Some(block) => tracks.iter_mut().zip(&block.channels).for_each(|(t, s)| t.push(s)),
            None => {
                tracks.iter_mut().for_each(Track::finish);
                open = false;
            }
        }
        while let Some(piece) = pieces.last() {
            if open && tracks.iter().any(|t| t.end() < piece.end + LATER) {
                break;
            }
            let Some(slot) = found.get_mut(piece.span) else { break };
            compare(&tracks, usize::from(channel), piece, slot);
            pieces.pop();
        }
        let keep = pieces.last().map_or(usize::MAX, |p| p.start.saturating_sub(EARLIER));
        tracks.iter_mut().for_each(|t| t.forget(keep));
    }
    Ok(found)
}

/// A part of a span, in samples.
struct Piece {
    span: usize,
    start: usize,
    end: usize,
}

/// The pieces of all spans, the first to be looked at last in the list.
fn pieces(spans: &[Interval]) -> Vec<Piece> {
    let sample =
        |ms: u64| usize::try_from(ms.saturating_mul(u64::from(RATE)) / 1000).unwrap_or(usize::MAX / 2);
    let mut out = Vec::new();
    for (span, i) in spans.iter().enumerate() {
        let context = MIN_CONTEXT_MS.saturating_sub(i.len_ms()).div_ceil(2);
        let i = if i.len_ms() == 0 { *i } else { i.padded(context) };
        let (mut start, end) = (sample(i.start_ms), sample(i.end_ms));
        while start < end {
            let stop = if end - start < PIECE * 3 / 2 { end } else { start + PIECE };
            out.push(Piece { span, start, end: stop });
            start = stop;
            if out.len() > MAX_PIECES {
                break;
            }
        }
    }
    out.sort_by_key(|p| std::cmp::Reverse(p.end));
    out
}

/// A day of audio in pieces; an absurd interval makes no more.
const MAX_PIECES: usize = 100_000;

/// One channel at 8 kHz, differenced; only the part still needed is held.
struct Track {
    resampler: Resampler,
    held: Vec<f32>,
    base: usize,
    previous: f32,
    fresh: Vec<f32>,
}

impl Track {
    fn new(rate: u32) -> Self {
        Self {
            resampler: Resampler::new(rate, RATE),
            held: Vec::new(),
            base: 0,
            previous: 0.0,
            fresh: Vec::new(),
        }
    }

    fn push(&mut self, samples: &[f32]) {
        let mut fresh = std::mem::take(&mut self.fresh);
        self.resampler.push(samples, &mut fresh);
        self.take(fresh);
    }

    fn finish(&mut self) {
        let mut fresh = std::mem::take(&mut self.fresh);
        self.resampler.finish(&mut fresh);
        self.take(fresh);
    }

    fn take(&mut self, mut fresh: Vec<f32>) {
        for s in fresh.drain(..) {
            self.held.push(s - self.previous);
            self.previous = s;
        }
        self.fresh = fresh;
    }

    fn end(&self) -> usize {
        self.base.saturating_add(self.held.len())
    }

    fn forget(&mut self, before: usize) {
        let n = before.saturating_sub(self.base).min(self.held.len());
        self.held.drain(..n);
        self.base = self.base.saturating_add(n);
    }

    /// Samples from `start` (which may lie before the beginning) to `end`, zeros where there are none.
    fn window(&self, start: i64, len: usize) -> Vec<f32> {
        let at = |n: usize| {
            let absolute = start.saturating_add(i64::try_from(n).unwrap_or(i64::MAX));
            let index = usize::try_from(absolute).ok().and_then(|a| a.checked_sub(self.base));
            index.and_then(|i| self.held.get(i)).copied().unwrap_or(0.0)
        };
        (0..len).map(at).collect()
    }
}

fn compare(tracks: &[Track], channel: usize, piece: &Piece, found: &mut Vec<Leak>) {
    let Some(voice) = tracks.get(channel) else { return };
    let end = piece.end.min(voice.end());
    let len = end.saturating_sub(piece.start);
    let start = i64::try_from(piece.start).unwrap_or(i64::MAX);
    let x = voice.window(start, len);
    if len < EARLIER || power(&x) < MIN_POWER {
        return;
    }
    for (other, track) in tracks.iter().enumerate().filter(|(n, _)| *n != channel) {
        let y = track.window(start - EARLIER as i64, len + EARLIER + LATER);
        let Some((lag, likeness)) = likeness(&x, &y) else { continue };
        let lag_ms = (i64::try_from(lag).unwrap_or(0) - EARLIER as i64) * 1000 / i64::from(RATE);
        let leak = Leak { channel: u16::try_from(other).unwrap_or(u16::MAX), lag_ms, likeness };
        match found.iter_mut().find(|l| l.channel == leak.channel) {
            Some(known) if known.likeness >= likeness => {}
            Some(known) => *known = leak,
            None => found.push(leak),
        }
    }
}

/// The lag (as an offset into `y`) at which `y` is most like `x`, if it is like it at all.
#[expect(clippy::cast_precision_loss, reason = "a count of lags")]
fn likeness(x: &[f32], y: &[f32]) -> Option<(usize, f32)> {
    let own: f32 = x.iter().map(|v| v * v).sum();
    let mut energy: f64 = y.iter().take(x.len()).map(|v| f64::from(v * v)).sum();
    let (mut best, mut sum) = ((0, 0f32), 0f64);
    let lags = y.len().saturating_sub(x.len());
    for (lag, window) in y.windows(x.len()).take(lags).enumerate() {
        let dot: f32 = dot(x, window);
        // Silence on the other channel correlates with nothing.
        let norm = (f64::from(own) * energy.max(1e-9)).sqrt();
        let value = (f64::from(dot.abs()) / norm).min(1.0);
        sum += value * value;
        if value > f64::from(best.1) {
            #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
            let value = value as f32;
            best = (lag, value);
        }
        let (gone, come) = (y.get(lag).copied().unwrap_or(0.0), y.get(lag + x.len()).copied().unwrap_or(0.0));
        energy += f64::from(come * come) - f64::from(gone * gone);
    }
    let usual = (sum / lags.max(1) as f64).sqrt();
    (best.1 >= MIN_LIKENESS && f64::from(best.1) >= usual * f64::from(MIN_PROMINENCE)).then_some(best)
}

/// Eight sums side by side, so that the compiler can use vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (p, q) in a8.zip(b8) {
        for ((s, x), y) in sums.iter_mut().zip(p).zip(q) {
            *s += x * y;
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[expect(clippy::cast_precision_loss, reason = "a number of samples")]
fn power(x: &[f32]) -> f32 {
    x.iter().map(|v| v * v).sum::<f32>() / x.len().max(1) as f32
}

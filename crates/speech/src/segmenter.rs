//! Cuts one channel into the pieces an engine hears: where a voice is, at most 20 s each, cut at the quietest point.
//!
//! Holds the samples of the piece that is being collected and nothing more, however long the recording is.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use callvault_model::{Interval, IntervalSet};

use crate::audio::Samples;
use crate::error::Error;
use crate::vad::{self, FRAME, FRAME_MS, Frame, Settings, Vad, Voice};

/// Which hearing the pieces are for. The second cuts elsewhere, except at a clear pause that suits both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The first hearing.
    First,
    /// The proof: shorter pieces, wider padding, other joins.
    Again,
}

/// In frames of 16 ms.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// Kept before and after a voice; with less than 0.3 s of lead-in the recogniser makes more mistakes.
    pad: u64,
    /// Voices closer than this are heard in one piece.
    join: u64,
    /// Longest piece.
    max: u64,
    /// The cut of a longer piece is looked for from here on.
    cut_from: u64,
}

impl Cut {
    fn plan(self) -> Plan {
        match self {
            Self::First => Plan { pad: 28, join: 62, max: 1250, cut_from: 750 },
            Self::Again => Plan { pad: 20, join: 44, max: 875, cut_from: 480 },
        }
    }
}

/// Frames over which loudness is averaged when a quiet point is looked for.
const QUIET_SPAN: usize = 7;

/// One stretch for the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Where it lies in the recording.
    pub span: Interval,
    /// Its samples at 16 kHz.
    pub samples: Vec<f32>,
    /// Milliseconds of it that are voice.
    pub voiced_ms: u64,
    /// Loudness of each 16 ms.
    pub rms: Vec<f32>,
}

/// Yields pieces; ask [`Segmenter::voiced`] and [`Segmenter::loud_not_voiced`] after the last.
pub struct Segmenter<'a> {
    samples: &'a mut dyn Samples,
    vad: Vad,
    plan: Plan,
    /// Samples from frame `base` on.
    held: VecDeque<f32>,
    frames: VecDeque<Frame>,
    base: u64,
    /// Frames seen.
    at: u64,
    /// Voices of the piece being collected.
    voices: Vec<Voice>,
    /// Where the piece being collected begins, if a long one was cut before.
    cut_at: Option<u64>,
    ready: VecDeque<Piece>,
    pending: Vec<f32>,
    voiced: IntervalSet,
    total_samples: u64,
    ended: bool,
}

impl<'a> Segmenter<'a> {
    /// Over one channel from its first sample.
    pub fn new(samples: &'a mut dyn Samples, cut: Cut) -> Self {
        Self {
            samples,
            vad: Vad::new(Settings::default()),
            plan: cut.plan(),
            held: VecDeque::new(),
            frames: VecDeque::new(),
            base: 0,
            at: 0,
            voices: Vec::new(),
            cut_at: None,
            ready: VecDeque::new(),
            pending: Vec::new(),
            voiced: IntervalSet::new(),
            total_samples: 0,
            ended: false,
        }
    }

    /// The next piece, or `None` at the end. `on_block` is called after each block read, with the milliseconds so far.
    pub fn next_piece(
        &mut self,
        on_block: &mut dyn FnMut(u64) -> Result<(), Error>,
    ) -> Result<Option<Piece>, Error> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            if self.ended {
                return Ok(None);
            }
            match self.samples.next_block()? {
                Some(block) => {
                    self.total_samples = self.total_samples.saturating_add(block.len() as u64);
                    self.take(&block);
                    on_block(self.duration_ms())?;
                }
                None => self.end(),
            }
        }
    }

    /// Length of what was read.
    pub fn duration_ms(&self) -> u64 {
        self.total_samples / 16
    }

    /// Where a voice was found.
    pub fn voiced(&self) -> &IntervalSet {
        &self.voiced
    }

    /// What was loud and not called a voice.
    pub fn loud_not_voiced(&mut self) -> IntervalSet {
        self.vad.loud_outside(&self.voiced)
    }

    fn take(&mut self, block: &[f32]) {
        self.pending.extend_from_slice(block);
        let pending = std::mem::take(&mut self.pending);
        let mut chunks = pending.chunks_exact(FRAME);
        for frame in &mut chunks {
            self.frame(frame);
        }
        self.pending = chunks.remainder().to_vec();
    }

    fn frame(&mut self, samples: &[f32]) {
        let (frame, ended) = self.vad.push(samples);
        self.held.extend(samples.iter().map(|s| if s.is_finite() { s.clamp(-1.0, 1.0) } else { 0.0 }));
        self.held.resize(self.held.len().next_multiple_of(FRAME), 0.0);
        self.frames.push_back(frame);
        self.at = self.at.saturating_add(1);
        if let Some(voice) = ended {
            self.add(voice);
        }
        self.emit_what_is_complete();
        self.cut_what_is_too_long();
        self.forget();
    }

    fn add(&mut self, voice: Voice) {
        let far = self.voices.last().is_some_and(|l| voice.first.saturating_sub(l.end) > self.plan.join);
        if far {
            self.emit(None);
        }
        self.voiced.insert(vad::interval(voice));
        self.voices.push(voice);
    }

    /// Ends the piece when the silence after its last voice is too long to be joined over.
    fn emit_what_is_complete(&mut self) {
        let Some(last) = self.voices.last() else { return };
        let next = self.vad.open_since().unwrap_or(self.at);
        let wait = self.plan.join.max(self.plan.pad.saturating_mul(2));
        if next.saturating_sub(last.end) > wait {
            self.emit(None);
        }
    }

    fn start(&self) -> Option<u64> {
        let first = self.voices.first().map(|v| v.first).or(self.vad.open_since())?;
        let padded = first.saturating_sub(self.plan.pad);
        Some(padded.max(self.cut_at.unwrap_or(0)).max(self.base))
    }

    fn cut_what_is_too_long(&mut self) {
        let Some(start) = self.start() else { return };
        if self.at.saturating_sub(start) < self.plan.max {
            return;
        }
        let cut = self.quietest(start.saturating_add(self.plan.cut_from), self.at.saturating_sub(8));
        if let Some(first) = self.vad.open_since() {
            // The voice that is going on is split at the cut; its rest belongs to the next piece.
            if first < cut {
                let voice = Voice { first: first.max(start), end: cut };
                self.voiced.insert(vad::interval(voice));
                self.voices.push(voice);
            }
        }
        let rest: Vec<Voice> = self.voices.iter().filter(|v| v.end > cut).copied().collect();
        self.voices.retain(|v| v.first < cut);
        self.emit(Some(cut));
        self.voices = rest.into_iter().map(|v| Voice { first: v.first.max(cut), end: v.end }).collect();
        self.cut_at = Some(cut);
    }

    /// The middle of the quietest 0.1 s between two frames.
    fn quietest(&self, from: u64, to: u64) -> u64 {
        let skip = usize::try_from(from.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let count = usize::try_from(to.saturating_sub(from)).unwrap_or(0);
        let power: Vec<f32> = self.frames.iter().skip(skip).take(count).map(|f| f.rms * f.rms).collect();
        let best = power
            .windows(QUIET_SPAN)
            .enumerate()
            .min_by(|(_, a), (_, b)| a.iter().sum::<f32>().total_cmp(&b.iter().sum::<f32>()))
            .map_or(count / 2, |(i, _)| i.saturating_add(QUIET_SPAN / 2));
        from.saturating_add(best as u64)
    }

    /// Makes a piece of the collected voices, up to `cut` if it is cut there.
    fn emit(&mut self, cut: Option<u64>) {
        let Some(start) = self.start() else { return };
        let Some(last) = self.voices.last().map(|v| v.end) else { return };
        let end = cut.unwrap_or_else(|| last.saturating_add(self.plan.pad).min(self.at));
        let from = usize::try_from(start.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let count = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
        let voiced: u64 = self.voices.iter().map(|v| v.end.min(end).saturating_sub(v.first.max(start))).sum();
        let samples: Vec<f32> = self
            .held
            .iter()
            .skip(from.saturating_mul(FRAME))
            .take(count.saturating_mul(FRAME))
            .copied()
            .collect();
        let rms = self.frames.iter().skip(from).take(count).map(|f| f.rms).collect();
        let span = Interval::new(start.saturating_mul(FRAME_MS), end.saturating_mul(FRAME_MS));
        if !samples.is_empty() {
            self.ready.push_back(Piece { span, samples, voiced_ms: voiced.saturating_mul(FRAME_MS), rms });
        }
        self.voices.clear();
        // The next piece may not reach back into this one, so that no word is heard twice.
        self.cut_at = Some(end);
    }

    /// Drops samples that no piece can need any more.
    fn forget(&mut self) {
        let keep = match self.start() {
            Some(start) => start,
            None => self.at.saturating_sub(self.plan.pad.saturating_add(2)),
        };
        let drop = usize::try_from(keep.saturating_sub(self.base)).unwrap_or(0).min(self.frames.len());
        self.frames.drain(..drop);
        self.held.drain(..drop.saturating_mul(FRAME).min(self.held.len()));
        self.base = self.base.saturating_add(drop as u64);
    }

    fn end(&mut self) {
        let rest = std::mem::take(&mut self.pending);
        if !rest.is_empty() {
            self.frame(&rest);
        }
        if let Some(voice) = self.vad.finish() {
            self.add(voice);
        }
        self.emit(None);
        self.ended = true;
        let duration = self.duration_ms();
        if let Some(last) = self.ready.back_mut() {
            // The last frame may be padded beyond the recording's end.
            last.span =
                Interval::new(last.span.start_ms, last.span.end_ms.min(duration.max(last.span.start_ms)));
        }
        let whole: IntervalSet = [Interval::new(0, duration)].into_iter().collect();
        self.voiced = self.voiced.intersection(&whole);
    }
}

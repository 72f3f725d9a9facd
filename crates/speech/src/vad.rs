//! Where a voice is: one score per 16 ms from a small network, turned into stretches by a threshold with hysteresis.
//!
//! Beside it stands a backstop without any model: what is loud for half a second and was not called a voice is listed,
//! so that a voice the network does not know cannot pass unseen.

use callvault_model::{Interval, IntervalSet};

/// Samples per frame at 16 kHz (16 ms), as the network wants them.
pub const FRAME: usize = 256;
/// Milliseconds per frame.
pub const FRAME_MS: u64 = 16;

/// Thresholds; the defaults were measured on telephone speech, silence and noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// A score from here on begins a voice.
    pub on: f32,
    /// A score from here on keeps a voice going; the network's floor on silence is 0.2 to 0.3.
    pub off: f32,
    /// A voice ends after this many frames below `off`.
    pub hang: u32,
    /// A voice of fewer frames is a click.
    pub min: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { on: 0.5, off: 0.42, hang: 19, min: 6 }
    }
}

/// RMS from which a frame counts as loud: -40 dBFS; line noise lies at -60 to -50, speech at -30 to -15.
const LOUD_RMS: f32 = 0.01;
/// A loud stretch may dip for this many frames.
const LOUD_DIP: u64 = 8;
/// Shorter loud stretches are clicks and syllables.
const LOUD_MIN_MS: u64 = 500;

/// Frames until the network has settled.
const COLD: u64 = 40;
/// Below -55 dBFS there is no telephone voice.
const FAINT_RMS: f32 = 0.0018;

/// One frame as the detector saw it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// 0 to 1; from about 0.5 on a voice.
    pub score: f32,
    /// Root mean square of its samples.
    pub rms: f32,
}

/// A voice from `first` to before `end`, in frames; without the hang time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice {
    /// First frame.
    pub first: u64,
    /// One past the last frame at or above `off`.
    pub end: u64,
}

/// Finds voices in one channel. Streaming: a voice is reported when it ends.
pub struct Vad {
    network: Box<earshot::Detector>,
    tracker: Tracker,
    loud: Loud,
}

impl Vad {
    /// For one channel, from its first sample.
    pub fn new(settings: Settings) -> Self {
        Self {
            network: earshot::Detector::default_boxed(),
            tracker: Tracker::new(settings),
            loud: Loud::default(),
        }
    }

    /// Takes one frame; shorter frames (the last) are filled with silence.
    pub fn push(&mut self, samples: &[f32]) -> (Frame, Option<Voice>) {
        let mut frame = [0f32; FRAME];
        for (slot, sample) in frame.iter_mut().zip(samples) {
            *slot = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
        }
        let rms = (frame.iter().map(|s| s * s).sum::<f32>() / 256.0).sqrt();
        // Digital silence is no voice, whatever the network makes of it; muted stretches are made of it.
        let score = self.network.predict_f32(&frame);
        // From a cold start it also takes faint line noise for a voice.
        let cold = self.tracker.at < COLD && rms < FAINT_RMS;
        let score = if rms == 0.0 || cold { 0.0 } else { score };
        self.loud.push(rms);
        (Frame { score, rms }, self.tracker.push(score))
    }

    /// Whether a voice is going on, and since which frame.
    pub fn open_since(&self) -> Option<u64> {
        self.tracker.open.map(|v| v.first)
    }

    /// The voice that was still going on at the end.
    pub fn finish(&mut self) -> Option<Voice> {
        self.tracker.finish()
    }

    /// Loud stretches outside `voiced`; to be asked at the end.
    pub fn loud_outside(&mut self, voiced: &IntervalSet) -> IntervalSet {
        self.loud.close();
        let around: IntervalSet = voiced.as_slice().iter().map(|v| v.padded(300)).collect();
        let left = self.loud.found.difference(&around);
        left.as_slice().iter().copied().filter(|i| i.len_ms() > LOUD_MIN_MS).collect()
    }
}

/// Hysteresis over scores.
#[derive(Debug)]
struct Tracker {
    settings: Settings,
    at: u64,
    open: Option<Voice>,
}

impl Tracker {
    fn new(settings: Settings) -> Self {
        Self { settings, at: 0, open: None }
    }

    fn push(&mut self, score: f32) -> Option<Voice> {
        let now = self.at;
        self.at = self.at.saturating_add(1);
        match &mut self.open {
            None if score >= self.settings.on => {
                self.open = Some(Voice { first: now, end: now.saturating_add(1) });
                None
            }
            Some(voice) if score >= self.settings.off => {
                voice.end = now.saturating_add(1);
                None
            }
            Some(voice) if now.saturating_sub(voice.end) >= u64::from(self.settings.hang) => self.finish(),
            _ => None,
        }
    }

    fn finish(&mut self) -> Option<Voice> {
        let voice = self.open.take()?;
        (voice.end.saturating_sub(voice.first) >= u64::from(self.settings.min)).then_some(voice)
    }
}

/// Loud stretches, found without any model.
#[derive(Debug, Default)]
struct Loud {
    at: u64,
    open: Option<Voice>,
    found: IntervalSet,
}

impl Loud {
    fn push(&mut self, rms: f32) {
        let now = self.at;
        self.at = self.at.saturating_add(1);
        match &mut self.open {
            None if rms >= LOUD_RMS => self.open = Some(Voice { first: now, end: now.saturating_add(1) }),
            Some(open) if rms >= LOUD_RMS => open.end = now.saturating_add(1),
            Some(open) if now.saturating_sub(open.end) >= LOUD_DIP => self.close(),
            _ => {}
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.found.insert(interval(open));
        }
    }
}

/// A voice's place on the time line.
pub fn interval(voice: Voice) -> Interval {
    Interval::new(voice.first.saturating_mul(FRAME_MS), voice.end.saturating_mul(FRAME_MS))
}

/// Where a voice is on one channel, and what is loud without being one; for transcripts that come without audio work.
pub fn voices(samples: &mut dyn crate::Samples) -> Result<(IntervalSet, IntervalSet), crate::Error> {
    let mut segmenter = crate::segmenter::Segmenter::new(samples, crate::segmenter::Cut::First);
    while segmenter.next_piece(&mut |_| Ok(()))?.is_some() {}
    Ok((segmenter.voiced().clone(), segmenter.loud_not_voiced()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voices(scores: &[(f32, usize)]) -> Vec<Voice> {
        let mut t = Tracker::new(Settings::default());
        let mut out: Vec<Voice> =
            scores.iter().flat_map(|(s, n)| std::iter::repeat_n(*s, *n)).filter_map(|s| t.push(s)).collect();
        out.extend(t.finish());
        out
    }

    #[test]
    fn a_voice_begins_high_goes_on_lower_and_ends_after_the_hang() {
        assert_eq!(voices(&[(0.2, 10), (0.6, 5), (0.45, 20), (0.3, 40)]), [Voice { first: 10, end: 35 }]);
        // A dip shorter than the hang does not split it, a longer one does.
        assert_eq!(voices(&[(0.6, 10), (0.1, 18), (0.6, 10)]).len(), 1);
        assert_eq!(voices(&[(0.6, 10), (0.1, 25), (0.6, 10)]).len(), 2);
        // A click is none, and scores between the thresholds begin none.
        assert_eq!(voices(&[(0.9, 4), (0.1, 30), (0.45, 100)]), []);
    }

    #[test]
    fn silence_has_no_voice_and_a_tone_is_loud() {
        let mut vad = Vad::new(Settings::default());
        let tone: Vec<f32> = (0..48_000).map(|i| (i as f32 * 0.17).sin() * 0.2).collect();
        let mut found = Vec::new();
        for frame in
            [0.0f32; 32_000].chunks(FRAME).chain(tone.chunks(FRAME)).chain([0.0f32; 32_000].chunks(FRAME))
        {
            found.extend(vad.push(frame).1);
        }
        let voiced: IntervalSet = found.into_iter().map(interval).collect();
        let all = voiced.union(&vad.loud_outside(&voiced));
        assert!(all.covered_ms(Interval::new(2_000, 5_000)) > 2_300, "{all:?}");
        assert_eq!(all.covered_ms(Interval::new(0, 1_900)), 0);
        assert_eq!(all.covered_ms(Interval::new(5_600, 7_000)), 0);
    }

    #[test]
    fn samples_out_of_range_and_not_a_number_do_no_harm() {
        let mut vad = Vad::new(Settings::default());
        let (frame, _) = vad.push(&[f32::NAN, 7.0, f32::INFINITY, -9.0]);
        assert!(frame.rms.is_finite() && (0.0..=1.0).contains(&frame.score));
    }
}

//! Moves the edges of muted stretches to the nearest quiet place: word times of a recogniser are a fifth of a second
//! off on average (measured), the pauses between words are not.

use crate::Error;
use callvault_model::{Interval, IntervalSet};
use callvault_speech::decode::Recording;

/// Length of one frame of the envelope.
const FRAME_MS: u64 = 20;
/// How far an edge moves outwards at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Before the stretch.
    pub before_ms: u64,
    /// After it.
    pub after_ms: u64,
}

/// Of a card's number or code, and of what only the proof found.
pub const FAR: Reach = Reach { before_ms: 400, after_ms: 400 };
/// Any other edge: the padding already holds what word times miss in nineteen of twenty cases (measured), and speech before
/// a value runs into it without a pause.
pub const NEAR: Reach = Reach { before_ms: 60, after_ms: 160 };
/// A frame this far above the channel's noise floor carries speech (power ratio, 9 dB).
const ABOVE_FLOOR: f32 = 8.0;
/// Below this power nothing is heard on a telephone (−60 dB of full scale).
const INAUDIBLE: f32 = 1e-6;

/// Loudness of one channel over time.
#[derive(Debug, Clone, Default)]
pub struct Envelope {
    power: Vec<f32>,
    threshold: f32,
}

impl Envelope {
    /// One pass over a recording; one envelope a channel.
    pub fn of(recording: &mut Recording) -> Result<Vec<Self>, Error> {
        let (rate, channels) = (u64::from(recording.info().rate), usize::from(recording.info().channels));
        let frame = usize::try_from(rate * FRAME_MS / 1000).unwrap_or(1).max(1);
        let mut sums = vec![(0.0f32, 0usize); channels];
        let mut out = vec![Self::default(); channels];
        recording.rewind()?;
        while let Some(block) = recording.next_block()? {
            for ((samples, (sum, n)), envelope) in block.channels.iter().zip(&mut sums).zip(&mut out) {
                for s in samples {
                    *sum += s * s;
                    *n += 1;
                    if *n == frame {
                        envelope.power.push(*sum / frame as f32);
                        (*sum, *n) = (0.0, 0);
                    }
                }
            }
        }
        out.iter_mut().for_each(Self::find_threshold);
        Ok(out)
    }

    fn find_threshold(&mut self) {
        let mut sorted: Vec<f32> = self.power.iter().copied().filter(|p| *p > 0.0).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let floor = sorted.get(sorted.len() / 10).copied().unwrap_or(0.0);
        self.threshold = (floor * ABOVE_FLOOR).max(INAUDIBLE);
    }

    fn loud(&self, frame: u64) -> bool {
        usize::try_from(frame).ok().and_then(|f| self.power.get(f)).is_some_and(|p| *p > self.threshold)
    }

    /// The stretch with both edges moved outwards to quiet.
    fn snap_one(&self, span: Interval, reach: Reach) -> Interval {
        let (mut start, mut end) = (span.start_ms, span.end_ms);
        while start >= FRAME_MS && span.start_ms - start < reach.before_ms && self.loud(start / FRAME_MS) {
            start -= FRAME_MS;
        }
        while end - span.end_ms < reach.after_ms && self.loud(end / FRAME_MS) {
            end += FRAME_MS;
        }
        Interval::new(start, end)
    }

    /// Every stretch with its edges moved outwards to quiet, within reach.
    pub fn snap(&self, set: &IntervalSet, reach: Reach) -> IntervalSet {
        set.as_slice().iter().map(|i| self.snap_one(*i, reach)).collect()
    }
}

/// Snaps the sets of all channels.
pub fn snap(envelopes: &[Envelope], sets: &mut [IntervalSet], reach: Reach) {
    for (envelope, set) in envelopes.iter().zip(sets) {
        *set = envelope.snap(set, reach);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_inside_a_word_moves_to_the_pause_and_one_in_a_pause_stays() {
        // 1 s quiet, 1 s loud, 1 s quiet.
        let power: Vec<f32> = (0..150).map(|i| if (50..100).contains(&i) { 0.01 } else { 1e-7 }).collect();
        let mut envelope = Envelope { power, threshold: 0.0 };
        envelope.find_threshold();
        assert_eq!(envelope.snap_one(Interval::new(1_100, 1_900), FAR), Interval::new(980, 2_000));
        assert_eq!(envelope.snap_one(Interval::new(500, 2_500), FAR), Interval::new(500, 2_500));
        // In the middle of long speech it does not run away.
        assert_eq!(envelope.snap_one(Interval::new(1_450, 1_500), FAR).start_ms, 1_050);
    }
}

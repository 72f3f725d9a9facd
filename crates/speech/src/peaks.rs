//! The outline of a recording for a drawn waveform.

use crate::decode::Recording;
use crate::error::Error;

/// Most buckets; wider than any screen.
pub const MAX_BUCKETS: usize = 20_000;

/// Lowest and highest sample of each stretch, per channel, −127 to 127.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peaks {
    /// `per_channel[c][b] = (min, max)`; every channel has the same number of buckets.
    pub per_channel: Vec<Vec<(i8, i8)>>,
}

/// Divides the recording into `buckets` equal stretches (fewer when it has fewer frames). One pass; rewinds first.
pub fn peaks(rec: &mut Recording, buckets: usize) -> Result<Peaks, Error> {
    rec.rewind()?;
    let info = rec.info().clone();
    let most = u64::try_from(MAX_BUCKETS).unwrap_or(u64::MAX).min(info.frames);
    let buckets = u64::try_from(buckets).unwrap_or(u64::MAX).clamp(1, most.max(1));
    let mut out: Vec<Vec<(f32, f32)>> = vec![Vec::new(); usize::from(info.channels)];
    let mut at = 0u64;
    while let Some(block) = rec.next_block()? {
        for (outline, samples) in out.iter_mut().zip(&block.channels) {
            for (n, s) in (at..).zip(samples) {
                let bucket = u128::from(n) * u128::from(buckets) / u128::from(info.frames.max(1));
                let begun = outline.len() as u128 > bucket;
                match outline.last_mut() {
                    Some(last) if begun => *last = (last.0.min(*s), last.1.max(*s)),
                    _ => outline.push((*s, *s)),
                }
            }
        }
        at = at.saturating_add(block.frames() as u64);
    }
    let per_channel =
        out.into_iter().map(|c| c.into_iter().map(|(lo, hi)| (code(lo), code(hi))).collect()).collect();
    Ok(Peaks { per_channel })
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to the range first")]
fn code(s: f32) -> i8 {
    (s * 127.0).round().clamp(-127.0, 127.0) as i8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::fixture::*;

    #[test]
    fn every_bucket_has_its_own_extremes() {
        let wave: Vec<f32> = noise(3, 10_007);
        let mut rec = open(wav_f32(&[wave.clone(), vec![0.0; 10_007]], 8000)).unwrap();
        for buckets in [1, 7, 100, 999] {
            let got = peaks(&mut rec, buckets).unwrap().per_channel;
            assert_eq!((got[0].len(), got[1].len()), (buckets, buckets));
            assert!(got[1].iter().all(|p| *p == (0, 0)));
            for (b, (lo, hi)) in got[0].iter().enumerate() {
                let inside = |n: &usize| n * buckets / 10_007 == b;
                let of =
                    |f: fn(f32, f32) -> f32, s: f32| (0..10_007).filter(inside).map(|n| wave[n]).fold(s, f);
                assert!((f32::from(*lo) - of(f32::min, 1.0) * 127.0).abs() <= 0.51);
                assert!((f32::from(*hi) - of(f32::max, -1.0) * 127.0).abs() <= 0.51);
            }
        }
    }

    #[test]
    fn more_buckets_than_frames_are_not_made() {
        let mut rec = open(wav16(1, 8000, &[1000; 5])).unwrap();
        assert_eq!(peaks(&mut rec, usize::MAX).unwrap().per_channel[0].len(), 5);
        assert_eq!(peaks(&mut rec, 0).unwrap().per_channel[0].len(), 1);
    }
}

use std::io::Cursor;

use callvault_model::Interval;
use proptest::prelude::*;

use super::*;
use crate::decode::fixture::*;

fn set(of: &[(u64, u64)]) -> IntervalSet {
    of.iter().map(|&(a, b)| Interval::new(a, b)).collect()
}

fn muted(rec: &mut Recording, plan: &MutePlan) -> (Vec<u8>, MuteReport) {
    let mut out = Cursor::new(Vec::new());
    let report = write_muted(rec, plan, &mut out).unwrap();
    (out.into_inner(), report)
}

/// Milliseconds touched by the plan, asked frame by frame from first principles.
fn inside(plan: &IntervalSet, n: u64, rate: u64, frames: u64) -> bool {
    let last_ms = frames * 1000 / rate;
    plan.as_slice().iter().any(|i| {
        // The frame lasts from n/rate to (n+1)/rate seconds.
        let (from, to) = (n * 1000, (n + 1) * 1000);
        i.len_ms() > 0 && to > i.start_ms * rate && (i.end_ms >= last_ms || from < i.end_ms * rate)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn every_sample_is_as_a_slow_and_simple_reference_says(
        rate in prop::sample::select(vec![8000u32, 11025, 16000, 44100]),
        frames in 1usize..6000,
        spans in prop::collection::vec((0u64..700, 0u64..90), 0..6),
        deep in any::<bool>(),
    ) {
        let wave: Vec<Vec<f32>> = (1..=2).map(|c| noise(c, frames).iter().map(|s| s * 0.5 + 0.4999).collect()).collect();
        let mut rec = if deep {
            let data: Vec<u8> = (0..frames).flat_map(|n| [wave[0][n], wave[1][n]]).flat_map(f32::to_le_bytes).collect();
            open(riff(&[chunk(b"fmt ", &fmt(3, 2, rate, 32)), chunk(b"data", &data)])).unwrap()
        } else {
            open(wav_f32(&wave, rate)).unwrap()
        };
        let plan = MutePlan { per_channel: vec![spans.iter().map(|&(s, l)| Interval::new(s, s + l)).collect(), IntervalSet::new()] };
        let before = samples(&mut rec);
        let (bytes, report) = muted(&mut rec, &plan);
        let mut copy = open(bytes).unwrap();
        prop_assert_eq!((copy.info().frames, copy.info().rate, copy.depth()), (frames as u64, rate, rec.depth()));
        let after = samples(&mut copy);
        let zero: Vec<bool> =
            (0..frames).map(|n| inside(&plan.per_channel[0], n as u64, u64::from(rate), frames as u64)).collect();
        let fade = rate as usize * 5 / 1000;
        for n in 0..frames {
            let near = zero[n.saturating_sub(fade)..(n + fade + 1).min(frames)].iter().any(|z| *z);
            let (x, y) = (before[0][n], after[0][n]);
            if zero[n] {
                prop_assert_eq!(y, 0.0, "frame {} sounds", n);
            } else if near {
                // A fade makes quieter; what is nearly nothing may round to itself.
                prop_assert!(y.abs() < x.abs() || (x.abs() < 1e-3 && (x - y).abs() < 1e-3), "frame {} is not faded", n);
            } else {
                prop_assert!((x - y).abs() <= 1e-6, "frame {} was altered: {} {}", n, x, y);
            }
        }
        prop_assert!(before[1].iter().zip(&after[1]).all(|(x, y)| (x - y).abs() <= 1e-6));
        prop_assert_eq!(report.muted_frames, vec![zero.iter().filter(|z| **z).count() as u64, 0]);
        verify_muted(&mut rec, &mut copy, &plan).unwrap();
    }
}

#[test]
fn length_rate_and_channels_stay_for_all_formats() {
    for name in [
        "voice.wav",
        "voice.ulaw.wav",
        "voice.alaw.wav",
        "voice.gsm.wav",
        "two.flac",
        "two24.flac",
        "two.mp3",
        "two.ogg",
        "two.opus",
        "voice.silk.opus",
        "two.rf64.wav",
    ] {
        let mut rec = fixture(name);
        let plan =
            MutePlan { per_channel: vec![set(&[(20, 60), (80, 5000)]); usize::from(rec.info().channels)] };
        let (bytes, report) = muted(&mut rec, &plan);
        let mut copy = open(bytes).unwrap();
        let (a, b) = (rec.info().clone(), copy.info().clone());
        assert_eq!((a.rate, a.channels, a.frames), (b.rate, b.channels, b.frames), "{name}");
        assert!(report.muted_frames.iter().all(|m| *m > a.frames / 3), "{name}");
        verify_muted(&mut rec, &mut copy, &plan).unwrap();
        assert_eq!(samples(&mut copy)[0].last(), Some(&0.0), "{name}: the plan reaches past the end");
    }
}

#[test]
fn verification_sees_what_is_wrong() {
    let mut rec = fixture("two.flac");
    let plan = MutePlan { per_channel: vec![set(&[(300, 500)]), IntervalSet::new()] };
    let (good, _) = muted(&mut rec, &plan);
    let fails = |rec: &mut Recording, copy: Vec<u8>, plan: &MutePlan| {
        verify_muted(rec, &mut open(copy).unwrap(), plan).unwrap_err().to_string()
    };
    let at = |frame: usize, channel: usize| 44 + (frame * 2 + channel) * 2;
    let mut one_sample = good.clone();
    one_sample[at(3000, 0)] = 1;
    assert!(fails(&mut rec, one_sample, &plan).contains("channel 0 at 375 ms: sound is left"));
    let mut other = good.clone();
    other[at(3000, 1) + 1] ^= 0x20;
    assert!(fails(&mut rec, other, &plan).contains("channel 1 at 375 ms: sound outside"));
    let wider = MutePlan { per_channel: vec![set(&[(300, 501)]), IntervalSet::new()] };
    assert!(fails(&mut rec, good.clone(), &wider).contains("at 500 ms"));
    let shorter =
        samples(&mut open(good).unwrap()).into_iter().map(|c| c[..7000].to_vec()).collect::<Vec<_>>();
    assert!(fails(&mut rec, wav_f32(&shorter, 8000), &plan).contains("7000 frames"));
}

#[test]
fn a_plan_for_other_channels_is_refused() {
    let mut rec = fixture("voice.wav");
    let plan = MutePlan { per_channel: vec![set(&[(0, 10)]); 2] };
    let e = write_muted(&mut rec, &plan, &mut Cursor::new(Vec::new())).unwrap_err();
    assert!(e.to_string().contains("plan is for 2 channels"));
}

#[test]
fn absurd_intervals_mute_to_the_end_and_no_farther() {
    let mut rec = fixture("voice.wav");
    let plan = MutePlan { per_channel: vec![set(&[(100, u64::MAX), (u64::MAX - 5, u64::MAX)])] };
    let (bytes, report) = muted(&mut rec, &plan);
    assert_eq!(report.muted_frames, [7200 - 800]);
    assert_eq!(samples(&mut open(bytes).unwrap())[0].len(), 7200);
}

/// The fixture's voice three times over, as the longer thing that crosstalk is judged on.
fn voice() -> Vec<f32> {
    samples(&mut fixture("voice.wav")).remove(0).repeat(3)
}

fn leaks(left: &[f32], right: &[f32]) -> Vec<Leak> {
    let mut rec = open(wav_f32(&[left.to_vec(), right.to_vec()], 8000)).unwrap();
    voice_leak(&mut rec, 0, Interval::new(950, 1750)).unwrap()
}

#[test]
fn a_voice_on_the_other_channel_is_noticed_with_its_delay() {
    let voice = voice();
    let hiss = noise(9, voice.len());
    for (gain, delay) in [(1.0, 0usize), (0.1, 0), (0.03, 960), (0.01, 2400)] {
        let echo: Vec<f32> = (0..voice.len())
            .map(|n| hiss[n] * 0.001 + n.checked_sub(delay).map_or(0.0, |m| voice[m] * gain))
            .collect();
        let found = leaks(&voice, &echo);
        let lag = found.first().map(|l| (l.channel, l.lag_ms));
        assert_eq!(lag, Some((1, delay as i64 / 8)), "gain {gain}: {found:?}");
    }
}

#[test]
fn hiss_silence_and_another_voice_are_no_leak() {
    let voice = voice();
    let hiss: Vec<f32> = noise(5, voice.len()).iter().map(|s| s * 0.01).collect();
    assert_eq!(leaks(&voice, &hiss), []);
    assert_eq!(leaks(&voice, &vec![0.0; voice.len()]), []);
    assert_eq!(leaks(&vec![0.0; voice.len()], &voice), []);
    let other = samples(&mut fixture("speech.ulaw.wav")).remove(0);
    let n = other.len();
    assert_eq!(leaks(&voice[..n], &other), []);
    let mut mono = fixture("voice.wav");
    assert_eq!(voice_leak(&mut mono, 0, Interval::new(0, 900)).unwrap(), []);
    assert!(voice_leak(&mut mono, 1, Interval::new(0, 900)).is_err());
}

#[test]
fn many_stretches_in_one_pass_answer_as_one_by_one() {
    let voice = voice();
    let half: Vec<f32> =
        voice.iter().enumerate().map(|(n, s)| if n < 9000 { s * 0.2 } else { 0.0 }).collect();
    let mut rec = open(wav_f32(&[voice, half], 8000)).unwrap();
    let spans = [
        Interval::new(1900, 2600),
        Interval::new(100, 900),
        Interval::new(300, 300),
        Interval::new(9000, 9900),
    ];
    let together = voice_leaks(&mut rec, 0, &spans).unwrap();
    let single: Vec<_> = spans.iter().map(|s| voice_leak(&mut rec, 0, *s).unwrap()).collect();
    assert_eq!(together, single);
    assert_eq!(together.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1, 0, 0]);
}

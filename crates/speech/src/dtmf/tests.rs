use std::io::Cursor;

use callvault_model::IntervalSet;

use super::*;
use crate::decode::fixture::*;
use crate::mute::{MutePlan, write_muted};

const KEYS: &str = "147*2580369#ABCD";
const PAIRS: [(char, f32, f32); 16] = [
    ('1', 697.0, 1209.0),
    ('2', 697.0, 1336.0),
    ('3', 697.0, 1477.0),
    ('A', 697.0, 1633.0),
    ('4', 770.0, 1209.0),
    ('5', 770.0, 1336.0),
    ('6', 770.0, 1477.0),
    ('B', 770.0, 1633.0),
    ('7', 852.0, 1209.0),
    ('8', 852.0, 1336.0),
    ('9', 852.0, 1477.0),
    ('C', 852.0, 1633.0),
    ('*', 941.0, 1209.0),
    ('0', 941.0, 1336.0),
    ('#', 941.0, 1477.0),
    ('D', 941.0, 1633.0),
];

/// How keys are pressed.
#[derive(Clone, Copy)]
struct Press {
    rate: u32,
    on_ms: usize,
    off_ms: usize,
    low: f32,
    high: f32,
    /// Relative error of both frequencies.
    off_by: f32,
}

const USUAL: Press = Press { rate: 8000, on_ms: 40, off_ms: 40, low: 0.2, high: 0.2, off_by: 0.0 };

/// Half a second of silence, the keys, half a second of silence; and where each key sounds, in milliseconds.
fn press(keys: &str, p: Press) -> (Vec<f32>, Vec<(f64, f64)>) {
    let ms = |n: usize| n * p.rate as usize / 1000;
    let (mut out, mut spans) = (vec![0.0; ms(500)], Vec::new());
    for key in keys.chars() {
        let (_, low, high) = PAIRS.iter().find(|k| k.0 == key).unwrap();
        let wave = |hz: f32, n: usize| {
            (std::f32::consts::TAU * hz * (1.0 + p.off_by) * n as f32 / p.rate as f32).sin()
        };
        let at = out.len();
        out.extend((0..ms(p.on_ms)).map(|n| p.low * wave(*low, n) + p.high * wave(*high, n)));
        let time = |n: usize| n as f64 * 1000.0 / f64::from(p.rate);
        spans.push((time(at), time(out.len())));
        out.extend(vec![0.0; ms(p.off_ms)]);
    }
    out.extend(vec![0.0; ms(500)]);
    (out, spans)
}

fn heard(wave: &[f32], rate: u32) -> (String, Vec<Tone>) {
    let found = tones(&mut open(wav_f32(&[wave.to_vec()], rate)).unwrap()).unwrap().remove(0);
    (found.iter().map(|t| t.key).collect(), found)
}

#[test]
fn all_keys_at_the_shortest_length_at_every_rate() {
    for rate in [8000, 11025, 16000, 44100, 48000] {
        let (wave, spans) = press(KEYS, Press { rate, ..USUAL });
        let (keys, found) = heard(&wave, rate);
        assert_eq!(keys, KEYS, "{rate} Hz");
        for (tone, (from, to)) in found.iter().zip(spans) {
            assert!(
                tone.span.start_ms as f64 <= from && tone.span.end_ms as f64 >= to,
                "{rate} Hz: {tone:?} {from} {to}"
            );
            assert!(tone.span.start_ms as f64 > from - 30.0 && (tone.span.end_ms as f64) < to + 30.0);
        }
    }
}

#[test]
fn weak_twisted_and_detuned_keys_are_keys() {
    let cases = [
        Press { low: 0.006, high: 0.006, ..USUAL },
        Press { low: 0.08, high: 0.2, ..USUAL },
        Press { low: 0.2, high: 0.13, ..USUAL },
        Press { off_by: 0.015, ..USUAL },
        Press { off_by: -0.015, ..USUAL },
        Press { on_ms: 300, off_ms: 100, ..USUAL },
        Press { low: 0.49, high: 0.49, ..USUAL },
    ];
    for (n, p) in cases.into_iter().enumerate() {
        assert_eq!(heard(&press(KEYS, p).0, 8000).0, KEYS, "case {n}");
    }
}

#[test]
fn what_lies_outside_the_standard_is_no_key() {
    for off_by in [0.05, -0.05] {
        assert_eq!(heard(&press(KEYS, Press { off_by, on_ms: 80, ..USUAL }).0, 8000).0, "");
    }
    assert_eq!(heard(&press(KEYS, Press { high: 0.0, ..USUAL }).0, 8000).0, "", "one tone alone");
    assert_eq!(heard(&press(KEYS, Press { on_ms: 15, ..USUAL }).0, 8000).0, "");
    assert_eq!(heard(&noise(4, 80_000), 8000).0, "");
}

#[test]
fn a_short_break_does_not_make_two_keys_of_one() {
    let (mut wave, _) = press("5", Press { on_ms: 120, ..USUAL });
    wave[4000 + 480..4000 + 540].fill(0.0);
    assert_eq!(heard(&wave, 8000).0, "5");
    assert_eq!(heard(&press("5555", USUAL).0, 8000).0, "5555");
}

#[test]
fn keys_over_speech_ten_decibels_below() {
    let speech = samples(&mut fixture("speech.ulaw.wav")).remove(0);
    let (wave, _) = press(KEYS, USUAL);
    let power = |x: &[f32]| (x.iter().map(|s| s * s).sum::<f32>() / x.len() as f32).sqrt();
    let spoken: Vec<f32> = speech.iter().copied().filter(|s| s.abs() > 0.01).collect();
    let gain = 0.2 / power(&spoken) * 0.316;
    let mixed: Vec<f32> = wave.iter().zip(speech.iter().cycle()).map(|(t, s)| t + s * gain).collect();
    assert_eq!(heard(&mixed, 8000).0, KEYS);
}

#[test]
fn speech_is_not_taken_for_keys() {
    for name in ["speech.ulaw.wav", "voice.wav", "voice.gsm.wav", "two.flac"] {
        assert!(tones(&mut fixture(name)).unwrap().iter().all(Vec::is_empty), "{name}");
    }
}

fn mute_all(rec: &mut Recording, spans: impl Fn(&Tone) -> Interval, found: &[Vec<Tone>]) -> Recording {
    let per_channel = found.iter().map(|c| c.iter().map(&spans).collect::<IntervalSet>()).collect();
    let mut out = Cursor::new(Vec::new());
    write_muted(rec, &MutePlan { per_channel }, &mut out).unwrap();
    open(out.into_inner()).unwrap()
}

#[test]
fn nothing_is_left_after_muting_and_too_little_muting_is_seen() {
    let speech = samples(&mut fixture("speech.ulaw.wav")).remove(0);
    let (wave, _) = press(KEYS, Press { on_ms: 70, ..USUAL });
    let quiet: Vec<f32> = speech.iter().cycle().take(wave.len()).map(|s| s * 0.1).collect();
    let mixed: Vec<f32> = wave.iter().zip(&quiet).map(|(a, b)| a + b).collect();
    let mut rec = open(wav_f32(&[quiet, mixed], 8000)).unwrap();
    let found = tones(&mut rec).unwrap();
    assert_eq!((found[0].len(), found[1].len()), (0, 16));
    let mut clean = mute_all(&mut rec, |t| t.span, &found);
    assert_eq!(residual_tones(&mut clean, &found).unwrap(), [vec![], vec![]]);
    // Half of each tone muted: too short for a key by the standard, yet still a key to who listens.
    let mut half = mute_all(&mut rec, |t| Interval::new(t.span.start_ms + 45, t.span.end_ms), &found);
    let left = residual_tones(&mut half, &found).unwrap();
    assert!(left[0].is_empty() && left[1].len() >= 12, "{}", left[1].len());
}

#[test]
fn the_key_is_not_in_debug_output() {
    let tone = Tone { key: '7', span: Interval::new(0, 50) };
    assert!(!format!("{tone:?}").contains('7'));
}

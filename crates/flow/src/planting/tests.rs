use super::*;
use callvault_speech::decode::Limits;
use std::io::Cursor;

/// A voice as far as loudness goes: a tone of one second, and of two for a value.
fn tone(text: &str, _: Voice) -> Result<Vec<f32>, Error> {
    let n = if text.ends_with(' ') { 8_000 } else { 16_000 };
    Ok((0..n).map(|i| (i as f32 * 0.35).sin() * 0.5).collect())
}

/// Silence of 20 s on two channels, with a tone on the left in the middle of it.
fn recording(sounds: std::ops::Range<usize>) -> Vec<u8> {
    let block = Block {
        channels: vec![
            (0..160_000)
                .map(|i| if sounds.contains(&i) { (i as f32 * 0.3).sin() * 0.1 } else { 0.0 })
                .collect(),
            vec![0.0; 160_000],
        ],
    };
    let mut out = Vec::new();
    let mut wav = WavWriter::new(&mut out, 8_000, 2, Coding::Pcm16, 160_000).unwrap();
    wav.write(&block).unwrap();
    wav.finish().unwrap();
    out
}

fn open(bytes: &[u8]) -> Recording {
    Recording::open(Box::new(Cursor::new(bytes.to_vec())), Some("a.wav"), &Limits::default()).unwrap()
}

fn samples(bytes: &[u8]) -> Vec<Vec<f32>> {
    let mut recording = open(bytes);
    let mut out = vec![Vec::new(); 2];
    while let Some(block) = recording.next_block().unwrap() {
        out.iter_mut().zip(block.channels).for_each(|(all, more)| all.extend(more));
    }
    out
}

#[test]
fn values_lie_in_pauses_where_they_are_said_to_and_the_rest_is_as_it_was() {
    let own = recording(80_000..96_000);
    let before = samples(&own);
    for seed in 1..20 {
        let mut copied = Vec::new();
        let done =
            copy(&mut open(&own), "a.wav", 3, &mut Choices::new(seed), &mut tone, &mut copied).unwrap();
        let after = samples(&copied);
        assert_eq!(after[0].len(), before[0].len());
        assert!(!done.truth.planted.is_empty() && done.truth.planted.len() == done.forms.len());
        let mut changed = [IntervalSet::new(), IntervalSet::new()];
        for p in &done.truth.planted {
            let at = |ms: u64| usize::try_from(ms * 8).unwrap();
            let (from, to) = (at(p.start_ms), at(p.end_ms));
            assert_eq!(p.end_ms - p.start_ms, 2_000);
            // It sounds through, and never is a stretch of it exact silence.
            let said = &after[p.channel][from + 8..to - 8];
            let rms = (said.iter().map(|s| s * s).sum::<f32>() / said.len() as f32).sqrt();
            assert!((0.02..0.3).contains(&rms), "{rms}");
            assert!(said.windows(320).all(|w| w.iter().any(|s| *s != 0.0)));
            // With its second of announcement and a breath before it.
            changed[p.channel].insert(Interval::new(p.start_ms - 1_151, p.end_ms + 1));
            // Never while the channel has its own voice.
            assert!(p.channel == 1 || p.end_ms <= 10_000 || p.start_ms >= 12_000, "{p:?}");
        }
        for (channel, changed) in changed.iter().enumerate() {
            for (i, (a, b)) in before[channel].iter().zip(&after[channel]).enumerate() {
                let ms = i as u64 / 8;
                let inside = changed.covered_ms(Interval::new(ms, ms + 1)) > 0;
                assert!(inside || a == b, "seed {seed}: {ms} ms of channel {channel} was altered");
            }
        }
    }
}

#[test]
fn a_recording_without_a_pause_gets_nothing_planted() {
    let own = recording(0..160_000);
    // The right channel is silent; as one that talks all the time it has no pause either.
    let mut mono = Vec::new();
    let mut wav = WavWriter::new(&mut mono, 8_000, 1, Coding::Pcm16, 160_000).unwrap();
    wav.write(&Block { channels: vec![samples(&own).remove(0)] }).unwrap();
    wav.finish().unwrap();
    let mut copied = Vec::new();
    let done = copy(&mut open(&mono), "a.wav", 3, &mut Choices::new(1), &mut tone, &mut copied).unwrap();
    assert!(done.truth.planted.is_empty());
}

#[test]
fn a_pause_inside_a_value_is_no_silence() {
    let mut said = vec![0.0; 4_000];
    level(&mut said, 0.1);
    assert!(said.iter().all(|s| *s != 0.0 && s.abs() < 0.001));
    let mut loud = vec![1.0, -1.0, 1.0];
    level(&mut loud, 4.0);
    assert!(loud.iter().all(|s| s.abs() <= 0.91), "{loud:?}");
}

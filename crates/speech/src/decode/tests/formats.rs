//! Each format against a reference: the PCM it was made from, or another decoder's output.

use super::super::fixture::*;
use super::super::*;

fn likeness(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(p, q)| f64::from(*p) * f64::from(*q)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-12)
}

fn shape(rec: &Recording) -> (u32, u16, u64, &str) {
    let i = rec.info();
    (i.rate, i.channels, i.frames, i.format.as_str())
}

#[test]
fn linear_pcm_is_exact() {
    let mut rec = open(wav16(2, 8000, &[0, 1, -1, 32767, -32768, 100])).unwrap();
    assert_eq!(shape(&rec), (8000, 2, 3, "WAV, 16-bit PCM"));
    let s = samples(&mut rec);
    assert_eq!(s, [[0.0, -1.0 / 32768.0, -1.0], [1.0 / 32768.0, 32767.0 / 32768.0, 100.0 / 32768.0]]);
}

#[test]
fn every_width_says_the_same() {
    let values = [0.0f64, 0.5, -0.5, 0.25, -1.0, 0.75];
    let int = |bits: u32, v: f64| ((v * (1i64 << (bits - 1)) as f64) as i64).to_le_bytes();
    let make = |tag: u16, bits: u16, enc: &dyn Fn(f64) -> Vec<u8>| {
        let data: Vec<u8> = values.iter().flat_map(|v| enc(*v)).collect();
        riff(&[chunk(b"fmt ", &fmt(tag, 1, 16000, bits)), chunk(b"data", &data)])
    };
    let files = [
        make(1, 8, &|v| vec![(v * 128.0 + 128.0) as u8]),
        make(1, 16, &|v| int(16, v)[..2].to_vec()),
        make(1, 24, &|v| int(24, v)[..3].to_vec()),
        make(1, 32, &|v| int(32, v)[..4].to_vec()),
        make(3, 32, &|v| (v as f32).to_le_bytes().to_vec()),
        make(3, 64, &|v| v.to_le_bytes().to_vec()),
    ];
    for (file, depth) in files.into_iter().zip([16, 16, 24, 24, 24, 24]) {
        let mut rec = open(file).unwrap();
        assert_eq!(rec.depth(), depth);
        assert_eq!(samples(&mut rec)[0], values.map(|v| v as f32), "{}", rec.info().format);
    }
}

#[test]
fn floats_that_are_no_numbers_are_silence() {
    let data: Vec<u8> = [f32::NAN, f32::INFINITY, 7.0, -7.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut rec = open(riff(&[chunk(b"fmt ", &fmt(3, 1, 8000, 32)), chunk(b"data", &data)])).unwrap();
    assert_eq!(samples(&mut rec)[0], [0.0, 0.0, 1.0, -1.0]);
}

#[test]
fn g711_is_close_to_what_was_coded() {
    let voice = samples(&mut fixture("voice.wav"));
    for (name, label) in [("voice.ulaw.wav", "WAV, G.711 µ-law"), ("voice.alaw.wav", "WAV, G.711 A-law")] {
        let mut rec = fixture(name);
        assert_eq!(shape(&rec), (8000, 1, 7200, label));
        let s = samples(&mut rec);
        // G.711 codes with steps of about 1/16 to 1/32 of the value.
        assert!(s[0].iter().zip(&voice[0]).all(|(a, b)| (a - b).abs() <= b.abs() / 16.0 + 0.001), "{name}");
    }
}

#[test]
fn gsm_is_bit_exact_with_another_decoder() {
    let mut rec = fixture("voice.gsm.wav");
    assert_eq!(shape(&rec), (8000, 1, 7200, "WAV, GSM 06.10"));
    let (ours, theirs) = (samples(&mut rec), samples(&mut fixture("voice.gsm.ref.wav")));
    assert_eq!(ours[0], theirs[0][..7200]);
    assert!(ours[0].iter().any(|s| s.abs() > 0.1));
}

#[test]
fn flac_is_lossless() {
    let voice = samples(&mut fixture("voice.wav"));
    let mut rec = fixture("two.flac");
    assert_eq!((shape(&rec), rec.depth()), ((8000, 2, 7200, "FLAC"), 16));
    assert_eq!(samples(&mut rec)[0], voice[0]);
    let deep = fixture("two24.flac");
    assert_eq!((shape(&deep), deep.depth()), ((8000, 2, 4800, "FLAC"), 24));
}

#[test]
fn lossy_formats_keep_length_place_and_channels() {
    let voice = samples(&mut fixture("voice.wav"));
    for (name, label) in [("two.mp3", "MP3"), ("two.ogg", "Ogg Vorbis")] {
        let mut rec = fixture(name);
        assert_eq!(shape(&rec), (8000, 2, 7200, label));
        let s = samples(&mut rec);
        assert!(likeness(&s[0], &voice[0]) > 0.9, "{name}: {}", likeness(&s[0], &voice[0]));
        let tone: Vec<f32> =
            (0..7200).map(|n| (n as f32 * 440.0 / 8000.0 * std::f32::consts::TAU).sin()).collect();
        assert!(likeness(&s[1][800..6400], &tone[800..6400]) > 0.98, "{name}: right channel");
    }
}

#[test]
fn opus_agrees_with_another_decoder() {
    for (name, reference, channels) in
        [("two.opus", "two.opus.ref.wav", 2), ("voice.silk.opus", "voice.silk.ref.wav", 1)]
    {
        let mut rec = fixture(name);
        assert_eq!(shape(&rec), (48000, channels, 43200, "Ogg Opus"));
        let (ours, theirs) = (samples(&mut rec), samples(&mut fixture(reference)));
        for (a, b) in ours.iter().zip(&theirs) {
            let like = likeness(&a[14400..14400 + b.len()], b);
            assert!(like > 0.999, "{name}: {like}");
        }
    }
}

#[test]
fn rf64_and_24_bit_read_like_riff() {
    let rec = fixture("two.rf64.wav");
    assert_eq!((shape(&rec), rec.depth()), ((16000, 2, 1600, "WAV, 24-bit PCM"), 24));
}

#[test]
fn six_channels_at_96_khz_in_the_extensible_format() {
    let mut f = fmt(0xFFFE, 6, 96_000, 24);
    f.extend(22u16.to_le_bytes());
    f.extend(24u16.to_le_bytes());
    f.extend(0x3Fu32.to_le_bytes());
    f.extend([1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
    let data: Vec<u8> = (0..960u32 * 6).flat_map(|n| (n * 100).to_le_bytes()[..3].to_vec()).collect();
    let file = riff(&[chunk(b"fmt ", &f), chunk(b"data", &data)]);
    let mut rec = open(file.clone()).unwrap();
    assert_eq!(shape(&rec), (96_000, 6, 960, "WAV, 24-bit PCM"));
    assert!((samples(&mut rec)[5][1] - 1100.0 / 8_388_608.0).abs() < 1e-7);
    assert_eq!(
        crate::audio::Samples::next_block(&mut rec.channel_16k(3).unwrap()).unwrap().map(|b| b.len() > 50),
        Some(true)
    );
    let mut private = file;
    private[48] ^= 1;
    assert!(open(private).unwrap_err().to_string().contains("GUID"));
}

#[test]
fn extra_and_unpadded_chunks_are_walked_over() {
    let data: Vec<u8> = (0..200u8).collect();
    let (f, d) = (chunk(b"fmt ", &fmt(1, 1, 8000, 16)), chunk(b"data", &data));
    let (odd, list) = (chunk(b"bext", &[7; 31]), chunk(b"LIST", b"INFOISFT\x04\0\0\0sox "));
    let mut unpadded = odd.clone();
    unpadded.pop();
    for chunks in [
        vec![odd.clone(), f.clone(), list.clone(), d.clone()],
        vec![f.clone(), unpadded, d.clone(), list.clone()],
        vec![f.clone(), d.clone(), list, odd],
        vec![f, chunk(b"junk", &[]), d],
    ] {
        assert_eq!(open(riff(&chunks)).unwrap().info().frames, 100);
    }
}

#[test]
fn rewinding_gives_the_same_again_for_every_format() {
    for name in
        ["voice.wav", "voice.gsm.wav", "two.flac", "two.mp3", "two.ogg", "two.opus", "voice.silk.opus"]
    {
        let mut rec = fixture(name);
        rec.next_block().unwrap();
        let (first, second) = (samples(&mut rec), samples(&mut rec));
        assert_eq!(first, second, "{name}");
        assert_eq!(first[0].len() as u64, rec.info().frames, "{name}");
        assert!(rec.next_block().unwrap().is_none());
    }
}

#[test]
fn sixteen_kilohertz_keeps_the_time() {
    let mut rec = fixture("two.opus");
    let mut stream = rec.channel_16k(1).unwrap();
    let mut out = Vec::new();
    while let Some(block) = crate::audio::Samples::next_block(&mut stream).unwrap() {
        out.extend(block);
    }
    assert_eq!(out.len(), 14400);
    drop(stream);
    assert!(rec.channel_16k(2).is_err());
}

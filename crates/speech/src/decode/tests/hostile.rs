//! Files that lie, stop short or are something else: each a clear error, never a panic, never memory for a claim.

use proptest::prelude::*;

use super::super::fixture::*;
use super::super::*;

fn message(file: Vec<u8>) -> String {
    open(file).map(|r| format!("opened: {r:?}")).unwrap_or_else(|e| e.to_string())
}

/// Overwrites the length of the data chunk of a canonical 44-byte header.
fn claim(mut file: Vec<u8>, len: u32) -> Vec<u8> {
    file[40..44].copy_from_slice(&len.to_le_bytes());
    file
}

fn second() -> Vec<u8> {
    wav16(1, 8000, &(0..8000).map(|n| (n % 100 + 5000) as i16).collect::<Vec<_>>())
}

#[test]
fn what_is_no_recording_is_named() {
    assert!(message(vec![]).contains("empty (0 bytes)"));
    assert!(message(b"Dear Sir, this is a letter.".to_vec()).contains("looks like text"));
    let named = Recording::open(
        Box::new(std::io::Cursor::new(b"a,b,c\n1,2,3\n".to_vec())),
        Some("call.wav"),
        &Limits::default(),
    );
    assert!(named.unwrap_err().to_string().contains("text, whatever its name says"));
    assert!(message(vec![0; 100]).contains("zeros"));
    assert!(message(b"\0\0\0\x18ftypM4A ".to_vec()).contains("MP4"));
    assert!(message(b"RIFF".to_vec()).contains("nothing more than"));
    assert!(message(vec![1, 2, 3, 200, 5]).contains("no format known"));
    assert!(message(riff(&[])).contains("format chunk"));
    assert!(message(riff(&[chunk(b"fmt ", &fmt(1, 1, 8000, 16))])).contains("no samples"));
    assert!(message(wav16(1, 8000, &[])).contains("no samples"));
    assert!(
        message(riff(&[chunk(b"fmt ", &fmt(0x11, 1, 8000, 8)), chunk(b"data", &[1; 50])])).contains("ADPCM")
    );
    assert!(message(b"ID3\x04\0\0\0\0\0\0 nothing more".to_vec()).contains("recording"));
}

#[test]
fn a_truncated_wav_says_how_much_is_there() {
    let cut = second()[..44 + 4000].to_vec();
    let e = open(cut.clone()).unwrap_err();
    assert!(matches!(e, Error::Truncated { found_ms: 250, claimed_ms: Some(1000) }), "{e}");
    assert!(e.to_string().contains("0.2 s are there of the 1.0 s"), "{e}");
    assert_eq!(open_any(cut).unwrap().info().frames, 2000);
    assert_eq!(open(second()[..second().len() - 1].to_vec()).map(|r| r.info().frames).ok(), None);
}

#[test]
fn a_header_that_claims_4_gb_costs_nothing_and_is_refused() {
    let e = open(claim(second(), 0xFFFF_FFF0)).unwrap_err();
    assert!(matches!(e, Error::Truncated { found_ms: 1000, .. }), "{e}");
    let mut fmt_claim = second();
    fmt_claim[16..20].copy_from_slice(&0xFFFF_FFF0u32.to_le_bytes());
    assert!(open(fmt_claim).is_err());
}

#[test]
fn a_length_not_filled_in_means_what_is_there() {
    for unknown in [0, u32::MAX, 0x7FFF_F000] {
        assert_eq!(open(claim(second(), unknown)).unwrap().info().frames, 8000);
    }
    // A true zero: only another chunk follows.
    let empty = riff(&[chunk(b"fmt ", &fmt(1, 1, 8000, 16)), chunk(b"data", &[]), chunk(b"LIST", b"INFO")]);
    assert!(message(empty).contains("no samples"));
}

#[test]
fn a_length_too_short_hides_nothing() {
    let e = message(claim(second(), 8000));
    assert!(e.contains("says 0.5 s") && e.contains("1.0 s are there"), "{e}");
    assert_eq!(open_any(claim(second(), 8000)).unwrap().info().frames, 8000);
}

#[test]
fn shapes_outside_the_limits_are_refused() {
    assert!(message(wav16(1, 1000, &[0; 100])).contains("1000 samples per second"));
    assert!(message(wav16(9, 8000, &[0; 90])).contains("9 channels"));
    let mut none = second();
    none[22] = 0;
    assert!(message(none).contains("0 channels"));
    let mut align = second();
    align[32] = 3;
    assert!(open(align).is_err());
    let limits = Limits { max_duration_ms: 999, ..Limits::default() };
    let open = |limits: &Limits| Recording::open(Box::new(std::io::Cursor::new(second())), None, limits);
    assert!(matches!(open(&limits), Err(Error::TooLarge(_))));
    assert!(matches!(open(&Limits { max_bytes: 1000, ..Limits::default() }), Err(Error::TooLarge(_))));
}

#[test]
fn compressed_files_cut_in_the_middle_are_refused() {
    for name in ["two.flac", "two.ogg", "two.opus", "voice.silk.opus", "two.mp3"] {
        let whole = bytes(name);
        let cut = whole[..whole.len() * 6 / 10].to_vec();
        assert!(open(cut.clone()).is_err(), "{name}: {:?}", open(cut));
    }
}

#[test]
fn a_damaged_flac_fails_its_checksum() {
    let mut file = bytes("two.flac");
    let middle = file.len() / 2;
    file[middle] ^= 0x10;
    assert!(open(file).is_err());
}

#[test]
fn clipped_and_silent_recordings_are_recordings() {
    let loud: Vec<i16> = (0..8000).map(|n| if n / 9 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
    assert_eq!(open(wav16(1, 8000, &loud)).unwrap().info().frames, 8000);
    assert!(samples(&mut open(wav16(2, 8000, &[0; 16000])).unwrap()).iter().flatten().all(|s| *s == 0.0));
}

/// Reads all there is, whatever it is; the length must be the one announced.
fn drain(bytes: Vec<u8>) {
    for accept in [false, true] {
        let limits = Limits {
            truncation: if accept { Truncation::Accept } else { Truncation::Refuse },
            max_duration_ms: 60_000,
            ..Limits::default()
        };
        let Ok(mut rec) = Recording::open(Box::new(std::io::Cursor::new(bytes.clone())), None, &limits)
        else {
            continue;
        };
        let mut frames = 0;
        while let Ok(Some(block)) = rec.next_block() {
            assert!(block.frames() <= 100_000);
            assert!(block.channels.iter().flatten().all(|s| s.abs() <= 1.0));
            frames += block.frames() as u64;
        }
        assert!(frames <= rec.info().frames);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(magic in 0usize..7, body in prop::collection::vec(any::<u8>(), 0..600)) {
        let heads: [&[u8]; 7] = [b"RIFF\0\0\0\0WAVEfmt ", b"RIFF\0\0\0\0WAVE", b"fLaC", b"OggS", b"ID3\x04", &[0xFF, 0xFB, 0x50], b""];
        drain([heads[magic], &body].concat());
    }

    #[test]
    fn mutated_files_never_panic(
        which in 0usize..9,
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        near_start in any::<bool>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let name = ["voice.ulaw.wav", "voice.gsm.wav", "two.flac", "two.mp3", "two.ogg", "two.opus", "voice.silk.opus",
            "two24.flac", "two.rf64.wav"][which];
        let mut file = bytes(name);
        let reach = if near_start { file.len().min(128) } else { file.len() };
        for (at, value) in hits {
            file[at.index(reach)] = value;
        }
        if cut.index(3) == 0 {
            file.truncate(cut.index(file.len()));
        }
        drain(file);
    }
}

//! Recordings for the tests of this crate.

use std::io::Cursor;

use super::{Limits, Recording, Truncation};
use crate::error::Error;

/// Bytes of a committed file.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/audio").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub(crate) fn open(bytes: Vec<u8>) -> Result<Recording, Error> {
    Recording::open(Box::new(Cursor::new(bytes)), None, &Limits::default())
}

pub(crate) fn open_any(bytes: Vec<u8>) -> Result<Recording, Error> {
    let limits = Limits { truncation: Truncation::Accept, ..Limits::default() };
    Recording::open(Box::new(Cursor::new(bytes)), None, &limits)
}

pub(crate) fn fixture(name: &str) -> Recording {
    open(bytes(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A chunk with its name and length, padded.
pub(crate) fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = id.to_vec();
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

/// The body of a format chunk.
pub(crate) fn fmt(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let align = channels * (bits / 8);
    let mut out = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    out.extend(rate.to_le_bytes());
    out.extend((rate * u32::from(align)).to_le_bytes());
    out.extend([align.to_le_bytes(), bits.to_le_bytes()].concat());
    out
}

/// A RIFF file of these chunks.
pub(crate) fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    let mut out = b"RIFF".to_vec();
    out.extend((body.len() as u32 + 4).to_le_bytes());
    out.extend(b"WAVE");
    out.extend(body);
    out
}

/// 16-bit PCM of interleaved samples.
pub(crate) fn wav16(channels: u16, rate: u32, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    riff(&[chunk(b"fmt ", &fmt(1, channels, rate, 16)), chunk(b"data", &data)])
}

/// The samples as they will come out of 16-bit PCM, per channel.
pub(crate) fn wav_f32(channels: &[Vec<f32>], rate: u32) -> Vec<u8> {
    let frames = channels.iter().map(Vec::len).max().unwrap_or(0);
    let code = |s: f32| crate::encode::quantise(s, 16) as i16;
    let samples: Vec<i16> = (0..frames).flat_map(|n| channels.iter().map(move |c| code(c[n]))).collect();
    wav16(channels.len() as u16, rate, &samples)
}

/// All samples from the start.
pub(crate) fn samples(rec: &mut Recording) -> Vec<Vec<f32>> {
    rec.rewind().unwrap();
    let mut out = vec![Vec::new(); usize::from(rec.info().channels)];
    while let Some(block) = rec.next_block().unwrap() {
        for (all, some) in out.iter_mut().zip(&block.channels) {
            all.extend(some);
        }
    }
    out
}

/// Noise that is the same on every run.
pub(crate) fn noise(seed: u32, n: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    (0..n).map(|_| step()).collect()
}

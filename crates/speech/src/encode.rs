//! Writes WAV: 16- or 24-bit PCM, in blocks, with a header that is true from the first byte on.

use std::io::Write;

use crate::decode::Block;
use crate::error::Error;

/// A WAV file in the making. The number of frames is known beforehand; `finish` insists on it.
pub struct WavWriter<'a, W: Write + ?Sized> {
    out: &'a mut W,
    channels: usize,
    depth: u16,
    left: u64,
    data: u64,
    raw: Vec<u8>,
}

impl<'a, W: Write + ?Sized> WavWriter<'a, W> {
    /// Writes the header for exactly `frames` frames of `depth` (16 or 24) bits.
    pub fn new(out: &'a mut W, rate: u32, channels: u16, depth: u16, frames: u64) -> Result<Self, Error> {
        let depth = if depth > 16 { 24 } else { 16 };
        let align = u64::from(channels).saturating_mul(u64::from(depth / 8));
        let data = frames.saturating_mul(align);
        out.write_all(&header(rate, channels, depth, data))?;
        Ok(Self { out, channels: usize::from(channels), depth, left: frames, data, raw: Vec::new() })
    }

    /// Appends samples of all channels.
    pub fn write(&mut self, block: &Block) -> Result<(), Error> {
        let frames = block.frames() as u64;
        if block.channels.len() != self.channels || frames > self.left {
            return Err(Error::Mute(
                "the samples do not fit the announced length; nothing was released".into(),
            ));
        }
        self.left = self.left.saturating_sub(frames);
        self.raw.clear();
        for frame in 0..block.frames() {
            for channel in &block.channels {
                let sample = channel.get(frame).copied().unwrap_or(0.0);
                let code = quantise(sample, self.depth).to_le_bytes();
                let width = if self.depth == 24 { 3 } else { 2 };
                self.raw.extend(code.iter().take(width));
            }
        }
        Ok(self.out.write_all(&self.raw)?)
    }

    /// Ends the file. An error if fewer frames came than were announced.
    pub fn finish(self) -> Result<(), Error> {
        if self.left != 0 {
            return Err(Error::Mute(format!(
                "{} frames are missing at the end; nothing was released",
                self.left
            )));
        }
        if self.data % 2 == 1 {
            self.out.write_all(&[0])?;
        }
        Ok(self.out.flush()?)
    }
}

/// The integer code of a sample; the inverse of decoding for integer sources.
#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped to the code's range first; f64 holds 24 bits exactly"
)]
pub(crate) fn quantise(sample: f32, depth: u16) -> i32 {
    let full = if depth == 24 { 8_388_608.0 } else { 32_768.0 };
    (f64::from(sample) * full).round().clamp(-full, full - 1.0) as i32
}

fn header(rate: u32, channels: u16, depth: u16, data: u64) -> Vec<u8> {
    let align = channels.saturating_mul(depth / 8);
    let padded = data.saturating_add(data % 2);
    let mut h = Vec::with_capacity(80);
    let mut put = |bytes: &[u8]| h.extend_from_slice(bytes);
    match u32::try_from(padded.saturating_add(36)).ok().filter(|s| *s < u32::MAX) {
        Some(size) => {
            put(b"RIFF");
            put(&size.to_le_bytes());
            put(b"WAVE");
        }
        None => {
            put(b"RF64\xFF\xFF\xFF\xFFWAVEds64");
            put(&28u32.to_le_bytes());
            put(&padded.saturating_add(72).to_le_bytes());
            put(&data.to_le_bytes());
            put(&(data / u64::from(align.max(1))).to_le_bytes());
            put(&0u32.to_le_bytes());
        }
    }
    put(b"fmt ");
    put(&16u32.to_le_bytes());
    put(&1u16.to_le_bytes());
    put(&channels.to_le_bytes());
    put(&rate.to_le_bytes());
    put(&rate.saturating_mul(u32::from(align)).to_le_bytes());
    put(&align.to_le_bytes());
    put(&depth.to_le_bytes());
    put(b"data");
    put(&u32::try_from(data).unwrap_or(u32::MAX).to_le_bytes());
    h
}

//! Writes WAV: 16- or 24-bit PCM or 8-bit µ-law, in blocks, with a header that is true from the first byte on.

use std::io::Write;

use crate::decode::{Block, Recording, g711};
use crate::error::Error;

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Integers of 16 bits.
    Pcm16,
    /// Integers of 24 bits.
    Pcm24,
    /// G.711 µ-law, half the size; it has a code for exact silence, which A-law has not.
    Ulaw,
}

impl Coding {
    /// The smallest that keeps every sample of a recording as it is, and its silence silent.
    pub fn of(recording: &Recording) -> Self {
        let bytes = recording.info().frames.saturating_mul(u64::from(recording.info().channels));
        match recording.depth() {
            // Beyond four gigabytes the header has another form, which players of µ-law do not know.
            _ if recording.is_ulaw() && bytes < u64::from(u32::MAX) - 1_000 => Self::Ulaw,
            depth if depth > 16 => Self::Pcm24,
            _ => Self::Pcm16,
        }
    }

    fn bytes(self) -> u16 {
        match self {
            Self::Ulaw => 1,
            Self::Pcm16 => 2,
            Self::Pcm24 => 3,
        }
    }
}

/// A WAV file in the making. The number of frames is known beforehand; `finish` insists on it.
pub struct WavWriter<'a, W: Write + ?Sized> {
    out: &'a mut W,
    channels: usize,
    coding: Coding,
    left: u64,
    data: u64,
    raw: Vec<u8>,
}

impl<'a, W: Write + ?Sized> WavWriter<'a, W> {
    /// Writes the header for exactly `frames` frames.
    pub fn new(out: &'a mut W, rate: u32, channels: u16, coding: Coding, frames: u64) -> Result<Self, Error> {
        let data = frames.saturating_mul(u64::from(channels).saturating_mul(u64::from(coding.bytes())));
        out.write_all(&header(rate, channels, coding, data))?;
        Ok(Self { out, channels: usize::from(channels), coding, left: frames, data, raw: Vec::new() })
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
                match self.coding {
                    Coding::Pcm24 => self.raw.extend(quantise(sample, 24).to_le_bytes().iter().take(3)),
                    Coding::Pcm16 => self.raw.extend(quantise(sample, 16).to_le_bytes().iter().take(2)),
                    Coding::Ulaw => {
                        let code = i16::try_from(quantise(sample, 16)).unwrap_or(0);
                        self.raw.push(g711::to_ulaw(code));
                    }
                }
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

/// Bytes before the samples of a µ-law file that we wrote: its format chunk is longer, and a count of frames is there.
pub(crate) const ULAW_HEAD: usize = 58;

pub(crate) fn header(rate: u32, channels: u16, coding: Coding, data: u64) -> Vec<u8> {
    let align = channels.saturating_mul(coding.bytes());
    let ulaw = coding == Coding::Ulaw;
    let around = if ulaw { ULAW_HEAD as u64 - 8 } else { 36 };
    let padded = data.saturating_add(data % 2);
    let mut h = Vec::with_capacity(80);
    let mut put = |bytes: &[u8]| h.extend_from_slice(bytes);
    match u32::try_from(padded.saturating_add(around)).ok().filter(|s| *s < u32::MAX) {
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
    put(&(if ulaw { 18u32 } else { 16 }).to_le_bytes());
    put(&(if ulaw { 7u16 } else { 1 }).to_le_bytes());
    put(&channels.to_le_bytes());
    put(&rate.to_le_bytes());
    put(&rate.saturating_mul(u32::from(align)).to_le_bytes());
    put(&align.to_le_bytes());
    put(&(coding.bytes() * 8).to_le_bytes());
    if ulaw {
        put(&0u16.to_le_bytes());
        put(b"fact\x04\x00\x00\x00");
        put(&u32::try_from(data / u64::from(align.max(1))).unwrap_or(u32::MAX).to_le_bytes());
    }
    put(b"data");
    put(&u32::try_from(data).unwrap_or(u32::MAX).to_le_bytes());
    h
}

//! What the rest of the crate means by audio: a recording that streams, and one channel of it at 16 kHz.

use crate::Error;

/// What a recording says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Samples per second and channel.
    pub rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// Samples per channel, counted by decoding, not believed from the header.
    pub frames: u64,
    /// Container and codec for people: "WAV, G.711 µ-law".
    pub format: String,
}

impl Info {
    /// Length in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.frames.saturating_mul(1000) / u64::from(self.rate.max(1))
    }
}

/// Samples of one channel at 16 kHz mono, −1 to 1, in order. A stream, so that an hour needs bounded memory.
pub trait Samples {
    /// The next block (any length), or `None` at the end.
    fn next_block(&mut self) -> Result<Option<Vec<f32>>, Error>;
}

/// Samples that are already in memory; used for short stretches and in tests.
pub struct InMemory(Option<Vec<f32>>);

impl InMemory {
    /// One block, then the end.
    pub fn new(samples: Vec<f32>) -> Self {
        Self(Some(samples))
    }
}

impl Samples for InMemory {
    fn next_block(&mut self) -> Result<Option<Vec<f32>>, Error> {
        Ok(self.0.take())
    }
}

/// Rate that every engine hears.
pub const ENGINE_RATE: u32 = 16_000;

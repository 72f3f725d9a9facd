//! Samples out of a checked WAV layout.

use std::io::{Read, Seek, SeekFrom};

use super::gsm;
use super::pcm::Codec;
use super::shared::Shared;
use super::wav_header::Layout;
use super::{Block, Source};
use crate::error::Error;

/// Frames per block: half a second to two of telephone speech.
const BLOCK_FRAMES: u64 = 8192;

/// A WAV file in mid-stream.
pub(crate) struct Wav {
    bytes: Shared,
    layout: Layout,
    left: u64,
    gsm: gsm::Decoder,
    raw: Vec<u8>,
}

impl Wav {
    /// Stands before the first sample.
    pub(crate) fn start(mut bytes: Shared, layout: Layout) -> Result<Self, Error> {
        bytes.seek(SeekFrom::Start(layout.data_offset))?;
        Ok(Self { bytes, left: layout.frames, layout, gsm: gsm::Decoder::default(), raw: Vec::new() })
    }

    fn fill(&mut self, units: u64) -> Result<(), Error> {
        let want = units.saturating_mul(self.layout.align);
        self.raw.clear();
        let got = (&mut self.bytes).take(want).read_to_end(&mut self.raw)?;
        if (got as u64) < want {
            return Err(super::changed());
        }
        Ok(())
    }

    fn gsm_block(&mut self) -> Result<Block, Error> {
        let blocks = self.left.div_ceil(gsm::BLOCK_FRAMES).min(BLOCK_FRAMES / gsm::BLOCK_FRAMES);
        self.fill(blocks)?;
        let mut out = Vec::new();
        for block in self.raw.chunks_exact(gsm::BLOCK_BYTES) {
            out.extend(self.gsm.block(block).map(|s| f32::from(s) / 32768.0));
        }
        out.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        Ok(Block { channels: vec![out] })
    }

    fn plain_block(&mut self) -> Result<Block, Error> {
        let frames = self.left.min(BLOCK_FRAMES);
        self.fill(frames)?;
        let (codec, width, channels) =
            (self.layout.codec, self.layout.codec.bytes(), usize::from(self.layout.channels));
        let column = |c: usize| {
            self.raw.chunks_exact(width).skip(c).step_by(channels).map(|b| codec.sample(b)).collect()
        };
        Ok(Block { channels: (0..channels).map(column).collect() })
    }
}

impl Source for Wav {
    fn next(&mut self) -> Result<Option<Block>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        let block = if self.layout.codec == Codec::Gsm { self.gsm_block()? } else { self.plain_block()? };
        self.left = self.left.saturating_sub(block.frames() as u64);
        Ok(Some(block))
    }
}

//! The Opus decoder behind an Ogg container (RFC 7845): channel mapping, pre-skip and output gain.

use opus_decoder::OpusMultistreamDecoder;

use crate::error::Error;

/// Opus always decodes at this rate here.
const RATE: u32 = 48_000;
/// 120 ms, the longest packet.
const MAX_FRAMES: usize = 5760;
/// Limits::max_channels is checked later; this bounds what the header can make us allocate.
const MAX_CHANNELS: usize = 8;

/// An Opus stream in mid-decode.
pub(crate) struct Opus {
    decoder: OpusMultistreamDecoder,
    channels: usize,
    skip: usize,
    gain: f32,
    pcm: Vec<f32>,
}

impl Opus {
    /// From the identification header (`OpusHead`).
    pub(crate) fn new(head: &[u8]) -> Result<Self, Error> {
        let bad = || Error::Decode("its Opus header is malformed; convert it again".into());
        let byte = |at: usize| head.get(at).copied().ok_or_else(bad);
        let channels = usize::from(byte(9)?);
        let skip = usize::from(u16::from_le_bytes([byte(10)?, byte(11)?]));
        let gain = i16::from_le_bytes([byte(16)?, byte(17)?]);
        if channels == 0 || channels > MAX_CHANNELS {
            return Err(Error::Decode(format!(
                "its Opus header says {channels} channels; 1 to {MAX_CHANNELS} are supported"
            )));
        }
        let (streams, coupled, mapping) = match byte(18)? {
            0 if channels <= 2 => (1, channels - 1, vec![0, 1]),
            1 | 255 => {
                let table = head.get(21..21 + channels).ok_or_else(bad)?;
                (usize::from(byte(19)?), usize::from(byte(20)?), table.to_vec())
            }
            _ => return Err(bad()),
        };
        let mapping = mapping.get(..channels).ok_or_else(bad)?;
        let decoder =
            OpusMultistreamDecoder::new(RATE, channels, streams, coupled, mapping).map_err(|_| bad())?;
        let gain = 10f32.powf(f32::from(gain) / 256.0 / 20.0);
        Ok(Self { decoder, channels, skip, gain, pcm: vec![0.0; MAX_FRAMES.saturating_mul(channels)] })
    }

    /// The samples of one packet, per channel, without those that only warm up the decoder.
    pub(crate) fn packet(&mut self, data: &[u8]) -> Result<Vec<Vec<f32>>, Error> {
        if data.is_empty() {
            return Ok(vec![Vec::new(); self.channels]);
        }
        let frames = self.decoder.decode_float(data, &mut self.pcm, false).map_err(|e| {
            Error::Decode(format!("an Opus packet is damaged ({e}); copy the recording again"))
        })?;
        let skip = self.skip.min(frames);
        self.skip -= skip;
        let column = |c: usize| {
            let samples = self.pcm.chunks_exact(self.channels).take(frames).skip(skip);
            samples.map(|f| f.get(c).copied().unwrap_or(0.0) * self.gain).collect()
        };
        Ok((0..self.channels).map(column).collect())
    }
}

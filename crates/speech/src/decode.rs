//! From the bytes of a recording to blocks of samples. The source is any `Read + Seek`, because plaintext audio comes
//! out of a decrypting reader and never lies on disk. Headers are claims: lengths are counted, never believed.

mod compressed;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod g711;
mod gsm;
mod opus;
mod pcm;
mod shared;
#[cfg(test)]
mod tests;
mod wav;
mod wav_header;

use std::io::{Read, Seek};

use crate::audio::{ENGINE_RATE, Info, Samples};
use crate::error::Error;
use crate::resample::Resampler;
use shared::Shared;

/// What a recording is read from.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// What to do with a recording whose end is missing or whose middle is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Truncation {
    /// An error that says how much is there and how much was promised.
    #[default]
    Refuse,
    /// Take what is there; damaged packets become silence of their length.
    Accept,
}

/// What a stranger's recording may cost us.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest recording, in milliseconds.
    pub max_duration_ms: u64,
    /// Most channels.
    pub max_channels: u16,
    /// Largest encoded size in bytes.
    pub max_bytes: u64,
    /// What to do when the end is missing.
    pub truncation: Truncation,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_duration_ms: 12 * 3_600_000,
            max_channels: 8,
            max_bytes: 16 << 30,
            truncation: Truncation::Refuse,
        }
    }
}

/// Sample rates we take: below is no speech, above is no telephone.
pub(crate) const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

/// Some consecutive samples of every channel; all channels have the same number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Block {
    /// One vector per channel, −1 to 1.
    pub channels: Vec<Vec<f32>>,
}

impl Block {
    /// Samples per channel.
    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    fn truncate(&mut self, frames: usize) {
        self.channels.iter_mut().for_each(|c| c.truncate(frames));
    }
}

/// A decoder in mid-stream.
trait Source: Send + Sync {
    fn next(&mut self) -> Result<Option<Block>, Error>;
}

/// How to start the decoder again from the first sample.
enum Format {
    Wav(wav_header::Layout),
    Compressed(compressed::Kind),
}

impl Format {
    fn start(&self, bytes: &Shared, truncation: Truncation) -> Result<Box<dyn Source>, Error> {
        Ok(match self {
            Self::Wav(layout) => Box::new(wav::Wav::start(bytes.clone(), layout.clone())?),
            Self::Compressed(kind) => Box::new(compressed::Stream::start(bytes, *kind, truncation)?),
        })
    }
}

/// A recording that has been checked and can be read again and again from its start.
pub struct Recording {
    bytes: Shared,
    format: Format,
    info: Info,
    depth: u16,
    truncation: Truncation,
    source: Option<Box<dyn Source>>,
    given: u64,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Recording {
    /// Recognises the format, checks it against the limits and counts the samples that are really there. Compressed
    /// formats are decoded once for that, because only decoding tells.
    ///
    /// `name_hint` is the file's name or extension; it only helps to word errors and to accept MP3 with rubbish in front.
    pub fn open(
        reader: Box<dyn ReadSeek + Send + Sync>,
        name_hint: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let bytes = Shared::new(reader)?;
        if bytes.len() == 0 {
            return Err(Error::Decode("it is empty (0 bytes); record or copy it again".into()));
        }
        if bytes.len() > limits.max_bytes {
            return Err(Error::TooLarge(format!(
                "it has {} bytes and the limit is {}; split it or raise the limit",
                bytes.len(),
                limits.max_bytes
            )));
        }
        let head = bytes.head(16)?;
        if wav_header::is_wav(&head) {
            Self::open_wav(bytes, limits)
        } else if let Some(kind) = compressed::recognise(&head, name_hint) {
            Self::open_compressed(bytes, kind, limits)
        } else {
            Err(Error::Decode(not_audio(&head, name_hint)))
        }
    }

    fn open_wav(bytes: Shared, limits: &Limits) -> Result<Self, Error> {
        let layout = wav_header::parse(&bytes, limits.truncation)?;
        check_shape(layout.rate, layout.channels, limits)?;
        let info = Info {
            rate: layout.rate,
            channels: layout.channels,
            frames: layout.frames,
            format: format!("WAV, {}", layout.codec.label()),
        };
        check_length(&info, limits)?;
        let depth = layout.codec.depth();
        Self::ready(bytes, Format::Wav(layout), info, depth, limits.truncation)
    }

    fn open_compressed(bytes: Shared, kind: compressed::Kind, limits: &Limits) -> Result<Self, Error> {
        let mut stream = compressed::Stream::start(&bytes, kind, limits.truncation)?;
        let mut info = stream.info();
        check_shape(info.rate, info.channels, limits)?;
        while let Some(block) = stream.next()? {
            info.frames = info.frames.saturating_add(block.frames() as u64);
            check_length(&info, limits)?;
        }
        stream.check_complete(&bytes, info.frames)?;
        check_length(&info, limits)?;
        Self::ready(bytes, Format::Compressed(kind), info, stream.depth(), limits.truncation)
    }

    fn ready(
        bytes: Shared,
        format: Format,
        info: Info,
        depth: u16,
        truncation: Truncation,
    ) -> Result<Self, Error> {
        if info.frames == 0 {
            return Err(Error::Decode("it has a header but no samples; nothing was recorded".into()));
        }
        let source = Some(format.start(&bytes, truncation)?);
        Ok(Self { bytes, format, info, depth, truncation, source, given: 0 })
    }

    /// What the recording is; `frames` was counted.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Bits per sample that a faithful copy needs: 16, or 24 for deeper sources.
    pub fn depth(&self) -> u16 {
        self.depth
    }

    /// Whether its samples are G.711 µ-law.
    pub fn is_ulaw(&self) -> bool {
        matches!(&self.format, Format::Wav(layout) if layout.codec == pcm::Codec::Ulaw)
    }

    /// Back to the first sample.
    pub fn rewind(&mut self) -> Result<(), Error> {
        self.source = Some(self.format.start(&self.bytes, self.truncation)?);
        self.given = 0;
        Ok(())
    }

    /// The next samples of all channels at the recording's own rate, or `None` at the end. Exactly `info().frames` come
    /// in all; anything else means that the bytes changed under us and is an error.
    pub fn next_block(&mut self) -> Result<Option<Block>, Error> {
        let Some(source) = self.source.as_mut() else {
            return Ok(None);
        };
        let left = self.info.frames.saturating_sub(self.given);
        let next = if left == 0 { None } else { source.next()? };
        let Some(mut block) = next else {
            self.source = None;
            return if left == 0 { Ok(None) } else { Err(changed()) };
        };
        if block.channels.len() != usize::from(self.info.channels) {
            return Err(changed());
        }
        block.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        self.given = self.given.saturating_add(block.frames() as u64);
        Ok(Some(block))
    }

    /// Rewinds and streams one channel (counted from 0) at 16 kHz.
    pub fn channel_16k(&mut self, channel: u16) -> Result<impl Samples + '_, Error> {
        self.channel_at(channel, ENGINE_RATE)
    }

    /// Rewinds and streams one channel (counted from 0) at any rate.
    pub fn channel_at(&mut self, channel: u16, rate: u32) -> Result<ChannelSamples<'_>, Error> {
        if channel >= self.info.channels {
            return Err(Error::Decode(format!(
                "it has {} channels, number {channel} was asked for",
                self.info.channels
            )));
        }
        self.rewind()?;
        let resampler = Resampler::new(self.info.rate, rate);
        Ok(ChannelSamples { recording: self, channel: usize::from(channel), resampler, done: false })
    }
}

/// One channel of a recording at another rate; made by [`Recording::channel_at`].
pub struct ChannelSamples<'a> {
    recording: &'a mut Recording,
    channel: usize,
    resampler: Resampler,
    done: bool,
}

impl Samples for ChannelSamples<'_> {
    fn next_block(&mut self) -> Result<Option<Vec<f32>>, Error> {
        while !self.done {
            let mut out = Vec::new();
            match self.recording.next_block()? {
                Some(block) => {
                    let samples = block.channels.get(self.channel).ok_or_else(changed)?;
                    self.resampler.push(samples, &mut out);
                }
                None => {
                    self.done = true;
                    self.resampler.finish(&mut out);
                }
            }
            if !out.is_empty() {
                return Ok(Some(out));
            }
        }
        Ok(None)
    }
}

fn changed() -> Error {
    Error::Decode("its bytes changed while it was being read; read it again when nobody writes to it".into())
}

fn check_shape(rate: u32, channels: u16, limits: &Limits) -> Result<(), Error> {
    if !RATES.contains(&rate) {
        return Err(Error::Decode(format!(
            "its header says {rate} samples per second; {} to {} are supported",
            RATES.start(),
            RATES.end()
        )));
    }
    if channels == 0 || channels > limits.max_channels {
        return Err(Error::Decode(format!(
            "its header says {channels} channels; 1 to {} are supported",
            limits.max_channels
        )));
    }
    Ok(())
}

fn check_length(info: &Info, limits: &Limits) -> Result<(), Error> {
    if info.duration_ms() > limits.max_duration_ms {
        return Err(Error::TooLarge(format!(
            "it lasts longer than {} s, the limit; split it or raise the limit",
            limits.max_duration_ms / 1000
        )));
    }
    Ok(())
}

/// Names what the bytes look like, so that a wrong file is found without a hex dump. Quotes none of them.
fn not_audio(head: &[u8], name_hint: Option<&str>) -> String {
    let looks = if head.iter().all(|b| *b == 0) {
        "it begins with zeros, as a file does that was never written"
    } else if head.len() < 12 && head.starts_with(b"RIFF") {
        "it is nothing more than the first bytes of a WAV header"
    } else if head.starts_with(b"RIFX") {
        "it is a big-endian RIFX file"
    } else if head.get(4..8) == Some(b"ftyp") {
        "it is an MP4/M4A file"
    } else if head.starts_with(b"#!AMR") {
        "it is an AMR file"
    } else if head.iter().all(|b| matches!(b, 9 | 10 | 13 | 32..=126) || *b >= 0xC2) {
        "it looks like text"
    } else {
        "its first bytes belong to no format known here"
    };
    let named = match name_hint {
        Some(n) if n.rsplit('.').next().is_some_and(|e| e.eq_ignore_ascii_case("wav")) => {
            ", whatever its name says"
        }
        _ => "",
    };
    format!(
        "{looks}{named}; supported are WAV (PCM, float, A-law, µ-law, GSM 06.10), FLAC, MP3, Ogg Vorbis and Ogg Opus"
    )
}

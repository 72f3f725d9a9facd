//! FLAC, MP3, Ogg Vorbis and Ogg Opus: symphonia takes the containers apart and decodes all but Opus.

use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Inner;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::packet::Packet;

use super::opus::Opus;
use super::shared::Shared;
use super::{Block, Source, Truncation};
use crate::audio::Info;
use crate::error::Error;

/// Container, told from the first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Flac,
    Mp3,
    Ogg,
}

/// Which of ours the bytes are.
pub(crate) fn recognise(head: &[u8], name_hint: Option<&str>) -> Option<Kind> {
    let named_mp3 = || {
        name_hint
            .and_then(|n| n.rsplit('.').next())
            .is_some_and(|extension| extension.eq_ignore_ascii_case("mp3"))
    };
    match head {
        [b'f', b'L', b'a', b'C', ..] => Some(Kind::Flac),
        [b'O', b'g', b'g', b'S', ..] => Some(Kind::Ogg),
        [b'I', b'D', b'3', ..] => Some(Kind::Mp3),
        // MPEG sync, a version that exists, layer III.
        [0xFF, second, ..] if second & 0xE6 == 0xE2 && second & 0x18 != 0x08 => Some(Kind::Mp3),
        _ if named_mp3() => Some(Kind::Mp3),
        _ => None,
    }
}

enum Codec {
    Opus(Opus),
    Other(Box<dyn AudioDecoder>),
}

/// A compressed recording in mid-stream.
pub(crate) struct Stream {
    kind: Kind,
    reader: Box<dyn FormatReader>,
    codec: Codec,
    track: u32,
    rate: u32,
    channels: usize,
    depth: u16,
    /// Frames that the container promises, where such a promise can be relied on.
    promised: Option<u64>,
    truncation: Truncation,
    done: bool,
    frames: u64,
}

impl Stream {
    /// Reads the headers and stands before the first sample.
    pub(crate) fn start(bytes: &Shared, kind: Kind, truncation: Truncation) -> Result<Self, Error> {
        guarded(|| Self::start_unguarded(bytes, kind, truncation))?
    }

    fn start_unguarded(bytes: &Shared, kind: Kind, truncation: Truncation) -> Result<Self, Error> {
        let stream = MediaSourceStream::new(Box::new(bytes.restarted()), Default::default());
        let mut hint = Hint::new();
        hint.with_extension(match kind {
            Kind::Flac => "flac",
            Kind::Mp3 => "mp3",
            Kind::Ogg => "ogg",
        });
        let reader = symphonia::default::get_probe()
            .probe(&hint, stream, Default::default(), Default::default())
            .map_err(|e| failed(kind, &e))?;
        let mut audio = reader.tracks().iter().filter(|t| t.track_type() == Some(TrackType::Audio));
        let (Some(track), None) = (audio.next(), audio.next()) else {
            return Err(bad("it holds no audio stream, or several; export the one to be kept"));
        };
        let Some(params) = track.codec_params.as_ref().and_then(|p| p.audio()) else {
            return Err(bad("its audio stream does not say how it is coded; convert it to WAV"));
        };
        let promised = match kind {
            Kind::Mp3 if track.delay.is_none() => None,
            _ => track.num_frames,
        };
        let channels = params.channels.as_ref().map(|c| c.count());
        let (Some(rate), Some(channels)) = (params.sample_rate, channels) else {
            return Err(bad("its header tells no sample rate or channels; convert it to WAV"));
        };
        let codec = codec(params).map_err(|e| failed(kind, &e))?;
        let codec = match codec {
            Some(c) => Codec::Other(c),
            None => Codec::Opus(Opus::new(params.extra_data.as_deref().unwrap_or_default())?),
        };
        let depth = if params.bits_per_sample.unwrap_or(16) > 16 && kind == Kind::Flac { 24 } else { 16 };
        let track = track.id;
        Ok(Self {
            kind,
            reader,
            codec,
            track,
            rate,
            channels,
            depth,
            promised,
            truncation,
            done: false,
            frames: 0,
        })
    }

    /// What the headers say; `frames` is 0 until somebody has counted.
    pub(crate) fn info(&self) -> Info {
        let format = match (self.kind, &self.codec) {
            (Kind::Flac, _) => "FLAC",
            (Kind::Mp3, _) => "MP3",
            (Kind::Ogg, Codec::Opus(_)) => "Ogg Opus",
            (Kind::Ogg, Codec::Other(c)) if c.codec_info().short_name == "flac" => "Ogg FLAC",
            (Kind::Ogg, Codec::Other(_)) => "Ogg Vorbis",
        };
        let channels = u16::try_from(self.channels).unwrap_or(u16::MAX);
        Info { rate: self.rate, channels, frames: 0, format: format.into() }
    }

    /// Bits that a faithful copy needs.
    pub(crate) fn depth(&self) -> u16 {
        self.depth
    }

    /// After the last block: whether all that was promised came, and FLAC's own checksum of the samples.
    pub(crate) fn check_complete(&mut self, bytes: &Shared, counted: u64) -> Result<(), Error> {
        if self.truncation == Truncation::Accept {
            return Ok(());
        }
        let ms = |frames: u64| frames.saturating_mul(1000) / u64::from(self.rate.max(1));
        // An MP3 encoder may miscount by a frame or two; that is below what anybody hears.
        let slack = if self.kind == Kind::Flac { 0 } else { 2304 };
        match self.promised {
            Some(n) if counted.saturating_add(slack) < n => {
                return Err(Error::Truncated { found_ms: ms(counted), claimed_ms: Some(ms(n)) });
            }
            _ => {}
        }
        if let Codec::Other(decoder) = &mut self.codec
            && decoder.finalize().verify_ok == Some(false)
        {
            return Err(bad(
                "its samples do not match the checksum in its header; it is damaged, copy it again",
            ));
        }
        tracing::debug!(bytes = bytes.len(), frames = counted, "decoded once to count");
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Block>, Error> {
        while !self.done {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => packet,
                Ok(Some(_)) => continue,
                Ok(None) => {
                    self.done = true;
                    break;
                }
                Err(e) => {
                    self.done = true;
                    if self.truncation == Truncation::Accept
                        && !matches!(e, Inner::ResetRequired)
                        && !is_io(&e)
                    {
                        break;
                    }
                    return Err(self.stopped(&e));
                }
            };
            let block = match self.decode(&packet) {
                Ok(block) => block,
                Err(_) if self.truncation == Truncation::Accept => {
                    let frames = usize::try_from(packet.dur.get()).unwrap_or(0).min(MAX_PACKET_FRAMES);
                    Block { channels: vec![vec![0.0; frames]; self.channels] }
                }
                Err(e) => return Err(e),
            };
            self.frames = self.frames.saturating_add(block.frames() as u64);
            if block.frames() > 0 {
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    fn decode(&mut self, packet: &Packet) -> Result<Block, Error> {
        let (kind, at) = (self.kind, self.seconds());
        let mut channels = Vec::new();
        match &mut self.codec {
            Codec::Opus(opus) => {
                channels = opus.packet(&packet.data)?;
                let end = usize::try_from(packet.trim_end.get()).unwrap_or(usize::MAX);
                channels.iter_mut().for_each(|c| c.truncate(c.len().saturating_sub(end)));
            }
            Codec::Other(decoder) => {
                let buffer = decoder.decode(packet).map_err(|e| {
                    Error::Decode(format!("{} is damaged at {at:.1} s ({e}); copy it again", name(kind)))
                })?;
                if buffer.spec().rate() != self.rate {
                    return Err(changes());
                }
                buffer.copy_to_vecs_planar::<f32>(&mut channels);
            }
        }
        if channels.len() != self.channels {
            return Err(changes());
        }
        for s in channels.iter_mut().flatten() {
            *s = if s.is_finite() { s.clamp(-1.0, 1.0) } else { 0.0 };
        }
        Ok(Block { channels })
    }

    fn stopped(&self, e: &Inner) -> Error {
        match e {
            Inner::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
                let found_ms = self.frames.saturating_mul(1000) / u64::from(self.rate.max(1));
                Error::Truncated { found_ms, claimed_ms: None }
            }
            Inner::ResetRequired => {
                bad("it holds several recordings one after another; split it into single ones")
            }
            other => failed(self.kind, other),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a number for people, to a tenth of a second")]
    fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.rate.max(1))
    }
}

/// No packet of these formats is longer (FLAC's largest block).
const MAX_PACKET_FRAMES: usize = 65_535;

impl Source for Stream {
    fn next(&mut self) -> Result<Option<Block>, Error> {
        match guarded(|| self.step()) {
            Ok(result) => result,
            Err(e) => {
                self.done = true;
                Err(e)
            }
        }
    }
}

fn codec(params: &AudioCodecParameters) -> Result<Option<Box<dyn AudioDecoder>>, Inner> {
    if params.codec == CODEC_ID_OPUS {
        return Ok(None);
    }
    let options = AudioDecoderOptions::default().verify(true);
    symphonia::default::get_codecs().make_audio_decoder(params, &options).map(Some)
}

/// A stranger's bytes may meet a panic in code that is not ours; it ends here, as an error.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| bad("the decoder stumbled over it; it is damaged or made to harm"))
}

fn is_io(e: &Inner) -> bool {
    matches!(e, Inner::IoError(io) if io.kind() != std::io::ErrorKind::UnexpectedEof)
}

fn bad(what: &str) -> Error {
    Error::Decode(what.into())
}

fn changes() -> Error {
    bad("it changes its sample rate or channels midway; convert it to WAV")
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Flac => "this FLAC file",
        Kind::Mp3 => "this MP3 file",
        Kind::Ogg => "this Ogg file",
    }
}

fn failed(kind: Kind, e: &Inner) -> Error {
    match e {
        Inner::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::Truncated { found_ms: 0, claimed_ms: None }
        }
        Inner::IoError(io) => Error::Io(std::io::Error::new(io.kind(), io.to_string())),
        other => Error::Decode(format!(
            "{} cannot be read ({other}); copy it again or convert it to WAV",
            name(kind)
        )),
    }
}

//! The RIFF/WAVE (and RF64) header, read as a set of claims to be checked against the bytes that are there.

use super::Truncation;
use super::gsm;
use super::pcm::Codec;
use super::shared::Shared;
use crate::error::Error;

/// Where the samples lie and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) codec: Codec,
    pub(crate) channels: u16,
    pub(crate) rate: u32,
    /// Bytes of one frame (all channels), or of one GSM block.
    pub(crate) align: u64,
    pub(crate) data_offset: u64,
    pub(crate) frames: u64,
}

/// A file with more chunks than this is an attack, not a recording.
const MAX_CHUNKS: usize = 4096;
/// The tail of the standard GUID by which WAVE_FORMAT_EXTENSIBLE carries an old format tag.
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
/// Lengths that recorders write while they do not know yet (sox, ffmpeg, Asterisk after a crash).
const UNKNOWN_LENGTHS: [u64; 4] = [0, 0xFFFF_FFFF, 0x7FFF_F000, 0x7FFF_FFFF];

/// Whether the first bytes say WAV.
pub(crate) fn is_wav(head: &[u8]) -> bool {
    matches!(head.get(..4), Some(b"RIFF" | b"RF64")) && head.get(8..12) == Some(b"WAVE")
}

#[derive(Default)]
struct Chunks {
    fmt: Option<Vec<u8>>,
    fact: Option<u64>,
    /// Offset and claimed length of the samples.
    data: Option<(u64, u64)>,
    /// 64-bit length of the samples from an RF64 `ds64` chunk.
    data64: Option<u64>,
}

/// Reads the header and decides how many frames are really there.
pub(crate) fn parse(bytes: &Shared, truncation: Truncation) -> Result<Layout, Error> {
    let chunks = walk(bytes)?;
    let fmt = chunks
        .fmt
        .ok_or_else(|| bad("its header has no format chunk before the samples; convert it again"))?;
    let (offset, claimed) =
        chunks.data.ok_or_else(|| bad("it has a header but no samples; nothing was recorded"))?;
    let mut layout = format(&fmt)?;
    layout.data_offset = offset;
    let there = bytes.len().saturating_sub(offset);
    let claimed = match chunks.data64 {
        Some(long) if claimed == 0xFFFF_FFFF => long,
        _ => claimed,
    };
    let used = usable(bytes, &layout, claimed, there, truncation)?;
    layout.frames = frames(&layout, used, chunks.fact);
    Ok(layout)
}

fn bad(what: &str) -> Error {
    Error::Decode(what.into())
}

fn walk(bytes: &Shared) -> Result<Chunks, Error> {
    let mut found = Chunks::default();
    let mut at = 12u64;
    for _ in 0..MAX_CHUNKS {
        let head = bytes.range(at, 8)?;
        let (Some(id), Some(len)) = (head.get(..4), u32_at(&head, 4)) else {
            return Ok(found);
        };
        let (body, len) = (at.saturating_add(8), u64::from(len));
        match id {
            b"fmt " => found.fmt = Some(bytes.range(body, len.min(64))?),
            b"fact" => found.fact = u32_at(&bytes.range(body, 4)?, 0).map(u64::from),
            b"ds64" => found.data64 = u64_at(&bytes.range(body, 16)?, 8),
            b"data" => {
                found.data = Some((body, len));
                return Ok(found);
            }
            _ => {}
        }
        at = next_chunk(bytes, body, len)?;
    }
    Err(bad("its header has thousands of chunks; it was not made by a recorder"))
}

/// Chunks are padded to even length; some writers forget, so the place where a chunk name stands wins.
fn next_chunk(bytes: &Shared, body: u64, len: u64) -> Result<u64, Error> {
    let end = body.saturating_add(len);
    if len.is_multiple_of(2) {
        return Ok(end);
    }
    let around = bytes.range(end, 5)?;
    let unpadded =
        around.first().is_some_and(|b| *b != 0) && named(around.get(..4)) && !named(around.get(1..5));
    Ok(if unpadded { end } else { end.saturating_add(1) })
}

fn named(id: Option<&[u8]>) -> bool {
    id.is_some_and(|id| id.iter().all(|b| (0x20..0x7F).contains(b)))
}

/// How many bytes of samples to use: what the header claims, checked against what is there.
fn usable(
    bytes: &Shared,
    layout: &Layout,
    claimed: u64,
    there: u64,
    truncation: Truncation,
) -> Result<u64, Error> {
    let accept = truncation == Truncation::Accept;
    let after = |len: u64| only_chunks(bytes, layout.data_offset.saturating_add(len), len % 2 == 1);
    if UNKNOWN_LENGTHS.contains(&claimed) {
        // A zero that is true: nothing, or only further chunks, follows.
        return Ok(if claimed == 0 && after(0)? { 0 } else { there });
    }
    if claimed > there {
        // Less than one frame missing loses nothing that could be heard.
        return if accept || claimed / layout.align == there / layout.align {
            Ok(there)
        } else {
            Err(Error::Truncated { found_ms: ms(layout, there), claimed_ms: Some(ms(layout, claimed)) })
        };
    }
    if there - claimed < layout.align.max(8) || after(claimed)? {
        Ok(claimed)
    } else if accept {
        Ok(there)
    } else {
        Err(Error::Decode(format!(
            "its header says {:.1} s of samples, but {:.1} s are there; the header is wrong, so what was recorded is unsure: \
             repair it (sox --ignore-length in.wav out.wav) or accept it as it is",
            seconds(layout, claimed),
            seconds(layout, there)
        )))
    }
}

/// Whether everything from `at` to the end is well-formed chunks.
fn only_chunks(bytes: &Shared, at: u64, odd: bool) -> Result<bool, Error> {
    Ok(chain(bytes, at)? || (odd && chain(bytes, at.saturating_add(1))?))
}

fn chain(bytes: &Shared, mut at: u64) -> Result<bool, Error> {
    for _ in 0..MAX_CHUNKS {
        if at.saturating_add(8) > bytes.len() {
            return Ok(true);
        }
        let head = bytes.range(at, 8)?;
        let Some(len) = u32_at(&head, 4) else { return Ok(true) };
        if !named(head.get(..4)) || at.saturating_add(8).saturating_add(u64::from(len)) > bytes.len() {
            return Ok(false);
        }
        at = next_chunk(bytes, at.saturating_add(8), u64::from(len))?;
    }
    Ok(false)
}

fn frames(layout: &Layout, used: u64, fact: Option<u64>) -> u64 {
    let whole = used / layout.align;
    if layout.codec != Codec::Gsm {
        return whole;
    }
    let most = whole.saturating_mul(gsm::BLOCK_FRAMES);
    match fact {
        // The encoder fills its last block; the fact chunk says how much of it is sound.
        Some(n) if n <= most && n.saturating_add(gsm::BLOCK_FRAMES) > most => n,
        _ => most,
    }
}

fn ms(layout: &Layout, data: u64) -> u64 {
    frames(layout, data, None).saturating_mul(1000) / u64::from(layout.rate.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "a number for people, to a tenth of a second")]
fn seconds(layout: &Layout, data: u64) -> f64 {
    ms(layout, data) as f64 / 1000.0
}

fn format(fmt: &[u8]) -> Result<Layout, Error> {
    let short = || bad("its format chunk is cut short");
    let mut tag = u16_at(fmt, 0).ok_or_else(short)?;
    let channels = u16_at(fmt, 2).ok_or_else(short)?;
    let rate = u32_at(fmt, 4).ok_or_else(short)?;
    let align = u16_at(fmt, 12).ok_or_else(short)?;
    let bits = u16_at(fmt, 14).unwrap_or(0);
    if tag == 0xFFFE {
        tag = u16_at(fmt, 24).ok_or_else(short)?;
        if fmt.get(26..40) != Some(&GUID_TAIL[..]) {
            return Err(bad(
                "its samples are in a private format (an unknown GUID); convert it to 16-bit PCM",
            ));
        }
    }
    if channels == 0 {
        return Err(bad("its header says 0 channels; convert it again"));
    }
    let codec = codec(tag, channels, align, bits)?;
    let expected = codec.bytes().saturating_mul(if codec == Codec::Gsm { 1 } else { usize::from(channels) });
    if usize::from(align) != expected {
        return Err(Error::Decode(format!(
            "its header contradicts itself ({channels} channels of {} in frames of {align} bytes); convert it again",
            codec.label()
        )));
    }
    Ok(Layout { codec, channels, rate, align: u64::from(align), data_offset: 0, frames: 0 })
}

fn codec(tag: u16, channels: u16, align: u16, bits: u16) -> Result<Codec, Error> {
    // 20 bits come left-justified in 24; a container wider than that contradicts the bits.
    let container = align.checked_div(channels).unwrap_or(0);
    let contradiction = tag != 0x0031 && bits.div_ceil(8) != container;
    let unsupported = |what: &str| {
        Err(Error::Decode(format!(
            "its samples are {what} (WAV format 0x{tag:04X}, {bits} bits), which is not supported; convert it (sox in.wav -e signed -b 16 out.wav)"
        )))
    };
    match (tag, container) {
        (0x0001 | 0x0003 | 0x0006 | 0x0007, _) if contradiction => Err(Error::Decode(format!(
            "its header contradicts itself ({bits} bits in {container} bytes per sample); convert it again"
        ))),
        (0x0001, 1) => Ok(Codec::U8),
        (0x0001, 2) => Ok(Codec::S16),
        (0x0001, 3) => Ok(Codec::S24),
        (0x0001, 4) => Ok(Codec::S32),
        (0x0003, 4) => Ok(Codec::F32),
        (0x0003, 8) => Ok(Codec::F64),
        (0x0006, 1) => Ok(Codec::Alaw),
        (0x0007, 1) => Ok(Codec::Ulaw),
        (0x0031, _) if channels == 1 && usize::from(align) == gsm::BLOCK_BYTES => Ok(Codec::Gsm),
        (0x0031, _) => unsupported("GSM with several channels"),
        (0x0002 | 0x0011, _) => unsupported("ADPCM"),
        (0x0055, _) => unsupported("MP3 inside WAV"),
        (0x0001 | 0x0003 | 0x0006 | 0x0007, _) => unsupported("of an odd width"),
        _ => unsupported("in an unknown code"),
    }
}

fn u16_at(b: &[u8], at: usize) -> Option<u16> {
    b.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(b: &[u8], at: usize) -> Option<u32> {
    b.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(b: &[u8], at: usize) -> Option<u64> {
    b.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}

//! Sample encodings that need no state: linear PCM, floating point, G.711.

use super::g711;

/// Encoding of the samples in a WAV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    U8,
    S16,
    S24,
    S32,
    F32,
    F64,
    Alaw,
    Ulaw,
    Gsm,
}

impl Codec {
    /// Bytes of one sample of one channel; a GSM block is counted whole.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::Alaw | Self::Ulaw => 1,
            Self::S16 => 2,
            Self::S24 => 3,
            Self::S32 | Self::F32 => 4,
            Self::F64 => 8,
            Self::Gsm => super::gsm::BLOCK_BYTES,
        }
    }

    /// Name for people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::U8 => "8-bit PCM",
            Self::S16 => "16-bit PCM",
            Self::S24 => "24-bit PCM",
            Self::S32 => "32-bit PCM",
            Self::F32 => "32-bit float",
            Self::F64 => "64-bit float",
            Self::Alaw => "G.711 A-law",
            Self::Ulaw => "G.711 µ-law",
            Self::Gsm => "GSM 06.10",
        }
    }

    /// Bits that a faithful copy needs.
    pub(crate) fn depth(self) -> u16 {
        match self {
            Self::S24 | Self::S32 | Self::F32 | Self::F64 => 24,
            _ => 16,
        }
    }

    /// One sample from exactly `self.bytes()` bytes; anything else is silence (callers cut exact pieces).
    pub(crate) fn sample(self, b: &[u8]) -> f32 {
        match (self, b) {
            (Self::U8, [a]) => (f32::from(*a) - 128.0) / 128.0,
            (Self::S16, [a, b]) => f32::from(i16::from_le_bytes([*a, *b])) / 32768.0,
            (Self::S24, [a, b, c]) => scale_32(i32::from_le_bytes([0, *a, *b, *c])),
            (Self::S32, [a, b, c, d]) => scale_32(i32::from_le_bytes([*a, *b, *c, *d])),
            (Self::F32, [a, b, c, d]) => finite(f32::from_le_bytes([*a, *b, *c, *d])),
            (Self::F64, [a, b, c, d, e, f, g, h]) => {
                #[expect(clippy::cast_possible_truncation, reason = "24 bits are all that leaves this crate")]
                let narrow = f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]).clamp(-2.0, 2.0) as f32;
                finite(narrow)
            }
            (Self::Alaw, [a]) => f32::from(g711::alaw(*a)) / 32768.0,
            (Self::Ulaw, [a]) => f32::from(g711::ulaw(*a)) / 32768.0,
            _ => 0.0,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a 32-bit source keeps its upper 24 bits, as f32 has no more")]
fn scale_32(v: i32) -> f32 {
    v as f32 / 2_147_483_648.0
}

/// Float files may hold anything; what is no number is no sound, and louder than full scale is clipped as any player would.
fn finite(v: f32) -> f32 {
    if v.is_finite() { v.clamp(-1.0, 1.0) } else { 0.0 }
}

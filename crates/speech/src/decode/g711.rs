//! ITU-T G.711: the two logarithmic 8-bit codes of the telephone network.

/// One µ-law byte as linear 16-bit PCM.
pub(crate) fn ulaw(byte: u8) -> i16 {
    let b = !byte;
    let magnitude = ((i16::from(b & 0x0F) << 3) + 0x84) << ((b & 0x70) >> 4);
    if b & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude }
}

/// A linear sample as the nearest µ-law byte; silence is the one code that decodes to exactly zero.
pub(crate) fn to_ulaw(sample: i16) -> u8 {
    let magnitude = u32::from(sample.unsigned_abs()).min(32_635) + 0x84;
    // The segment is where the highest bit stands, counted from the eighth.
    let segment = (24 - magnitude.leading_zeros()).min(7);
    let mantissa = (magnitude >> (segment + 3)) & 0x0F;
    let code = ((segment << 4) | mantissa) as u8;
    !(if sample < 0 { code | 0x80 } else { code })
}

/// One A-law byte as linear 16-bit PCM.
pub(crate) fn alaw(byte: u8) -> i16 {
    let b = byte ^ 0x55;
    let mantissa = i16::from(b & 0x0F) << 4;
    let magnitude = match (b & 0x70) >> 4 {
        0 => mantissa + 0x08,
        segment => (mantissa + 0x108) << (segment - 1),
    };
    if b & 0x80 == 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corner_values_are_those_of_the_recommendation() {
        assert_eq!((ulaw(0x00), ulaw(0x80), ulaw(0xFF), ulaw(0x7F)), (-32124, 32124, 0, 0));
        assert_eq!((alaw(0xD5), alaw(0x55), alaw(0xAA), alaw(0x2A)), (8, -8, 32256, -32256));
    }

    #[test]
    fn what_was_coded_once_is_coded_the_same_again() {
        for byte in 0..=u8::MAX {
            assert_eq!(ulaw(to_ulaw(ulaw(byte))), ulaw(byte), "{byte:#x}");
        }
        assert_eq!((to_ulaw(0), ulaw(to_ulaw(0))), (0xFF, 0));
        for sample in i16::MIN..=i16::MAX {
            let off = (i32::from(ulaw(to_ulaw(sample))) - i32::from(sample)).unsigned_abs();
            // Half a step of the segment it lies in, and what lies beyond the last code.
            let step =
                8u32 << (24 - (u32::from(sample.unsigned_abs()).min(32_635) + 0x84).leading_zeros()).min(7);
            assert!(off <= step / 2 || sample.unsigned_abs() > 32_635, "{sample}: {off}");
        }
    }

    #[test]
    fn codes_are_monotonic_on_each_side() {
        let side = |f: fn(u8) -> i16, bytes: &mut dyn Iterator<Item = u8>| bytes.map(f).collect::<Vec<_>>();
        let up = side(ulaw, &mut (0x80..=0xFF).rev());
        assert!(up.windows(2).all(|w| w[0] < w[1]));
        let a = side(alaw, &mut (0x00..=0x7F).map(|b: u8| (b ^ 0x55) | 0x80));
        assert!(a.windows(2).all(|w| w[0] < w[1]));
    }
}

//! Base32 (RFC 4648, lower case, no padding) and the line format of key files.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Five bits a letter; the last letter is padded with zero bits.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().saturating_mul(8).div_ceil(5));
    let (mut acc, mut bits) = (0u32, 0u32);
    for b in bytes {
        acc = (acc << 8) | u32::from(*b);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(letter(acc >> bits));
        }
        acc &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(letter(acc << (5 - bits)));
    }
    out
}

fn letter(five: u32) -> char {
    ALPHABET.get((five & 31) as usize).map_or('a', |b| char::from(*b))
}

/// The bytes, or nothing when a letter is foreign or the padding bits are not zero.
pub(crate) fn unbase32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len().saturating_mul(5) / 8));
    let (mut acc, mut bits) = (0u32, 0u32);
    for c in text.bytes() {
        let five = ALPHABET.iter().position(|a| *a == c)?;
        acc = (acc << 5) | u32::try_from(five).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from((acc >> bits) & 0xff).ok()?);
        }
        acc &= (1 << bits) - 1;
    }
    (acc == 0 && bits < 5).then_some(out)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from_digit(u32::from(four), 16).unwrap_or('0');
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    for b in bytes {
        out.push(digit(b >> 4));
        out.push(digit(b & 15));
    }
    out
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn unbase64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(text).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hexadecimal_has_two_lower_case_digits_a_byte() {
        assert_eq!(hex(&[0, 9, 0x5f, 0xa0, 255]), "00095fa0ff");
    }

    #[test]
    fn base32_gives_the_rfc_4648_answers() {
        assert_eq!(base32(b""), "");
        assert_eq!(base32(b"f"), "my");
        assert_eq!(base32(b"foobar"), "mzxw6ytboi");
        assert!(unbase32("m1").is_none());
        assert!(unbase32("mz").is_none(), "padding bits must be zero");
    }

    proptest! {
        #[test]
        fn base32_round_trips(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(&*unbase32(&base32(&bytes)).unwrap(), &bytes);
        }
    }
}

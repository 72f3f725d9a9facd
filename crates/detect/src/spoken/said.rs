//! The digits that a number or one step of it says; as many as most have need no memory of their own.

use std::ops::Deref;

/// How many digits fit without memory of their own.
const INLINE: usize = 22;

/// A short string of ASCII digits.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Few(u8, [u8; INLINE]),
    Many(Box<str>),
}

impl Said {
    /// One digit, `times` over.
    pub fn repeated(digit: char, times: usize) -> Self {
        let mut out = Self::Few(0, [0; INLINE]);
        (0..times).for_each(|_| out.push(digit));
        out
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Few(length, _) => usize::from(*length),
            Self::Many(text) => text.len(),
        }
    }

    /// Adds the digits of another.
    pub fn append(&mut self, more: &Self) {
        let both = (&mut *self, more);
        if let (Self::Few(length, bytes), Self::Few(n, new)) = both {
            let (from, to) = (usize::from(*length), usize::from(*length).saturating_add(usize::from(*n)));
            if let (Some(room), Some(new)) = (bytes.get_mut(from..to), new.get(..usize::from(*n))) {
                room.copy_from_slice(new);
                *length = length.saturating_add(*n);
                return;
            }
        }
        *self = Self::Many(format!("{}{}", &**self, &**more).into());
    }

    /// These two digits.
    pub fn pair(a: char, b: char) -> Self {
        let mut out = Self::repeated(a, 1);
        out.push(b);
        out
    }

    fn push(&mut self, digit: char) {
        match self {
            Self::Few(length, bytes) => {
                let at = usize::from(*length);
                match (bytes.get_mut(at), u8::try_from(digit)) {
                    (Some(slot), Ok(byte)) => {
                        *slot = byte;
                        *length = length.saturating_add(1);
                    }
                    _ => *self = Self::Many(format!("{}{digit}", &**self).into()),
                }
            }
            Self::Many(text) => *text = format!("{text}{digit}").into(),
        }
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        let mut bytes = [0u8; INLINE];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(text.as_bytes());
                Self::Few(length, bytes)
            }
            _ => Self::Many(text.into()),
        }
    }
}

impl Deref for Said {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Few(length, bytes) => {
                bytes.get(..usize::from(*length)).and_then(|b| str::from_utf8(b).ok()).unwrap_or("")
            }
            Self::Many(text) => text,
        }
    }
}

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} digits", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_strings_are_what_was_put_in() {
        let text = "1234567890".repeat(4);
        for n in 0..40 {
            assert_eq!(&*Said::from(&text[..n]), &text[..n]);
            assert_eq!(&*Said::repeated('7', n), "7".repeat(n));
        }
        for (a, b) in (0..40).flat_map(|a| [(a, 0), (a, 1), (a, 16), (40 - a, a)]) {
            let mut both = Said::from(&text[..a]);
            both.append(&Said::from(&text[..b]));
            assert_eq!(&*both, format!("{}{}", &text[..a], &text[..b]));
        }
        assert_eq!(&*Said::pair('2', '0'), "20");
        assert!(!format!("{:?}", Said::from("4111")).contains("4111"));
    }
}

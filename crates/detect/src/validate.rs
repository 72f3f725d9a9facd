//! Check digits and structure of numbers: what tells a value from any other digits.

/// A test that a site's own recogniser may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validator {
    /// Payment cards (ISO/IEC 7812).
    Luhn,
    /// IBAN and others (ISO 7064, mod 97-10), letters and digits.
    Mod97,
    /// United States bank routing numbers.
    Aba,
    /// United Kingdom NHS numbers (mod 11).
    Nhs,
    /// United States provider numbers: Luhn after 80840.
    Npi,
    /// United States social security numbers that can have been issued.
    Ssn,
}

impl Validator {
    /// All, with their names.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("luhn", Self::Luhn),
        ("mod97", Self::Mod97),
        ("aba", Self::Aba),
        ("nhs", Self::Nhs),
        ("npi", Self::Npi),
        ("ssn", Self::Ssn),
    ];

    /// The validator of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
    }

    /// Whether the value passes; separators are passed over.
    pub fn passes(self, value: &str) -> bool {
        let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
        match self {
            Self::Luhn => digits.len() > 1 && luhn(&digits),
            Self::Mod97 => mod97(value),
            Self::Aba => digits.len() == 9 && weighted(&digits, &[3, 7, 1]).is_multiple_of(10),
            Self::Nhs => nhs(&digits),
            Self::Npi => {
                let all: Vec<u32> = [8, 0, 8, 4, 0].into_iter().chain(digits.iter().copied()).collect();
                digits.len() == 10 && luhn(&all)
            }
            Self::Ssn => ssn(&digits),
        }
    }
}

fn luhn(digits: &[u32]) -> bool {
    let twice = |d: u32| if d > 4 { d.saturating_mul(2).saturating_sub(9) } else { d.saturating_mul(2) };
    let sum = digits.iter().rev().enumerate().map(|(k, d)| if k % 2 == 0 { *d } else { twice(*d) });
    sum.fold(0u32, u32::saturating_add).is_multiple_of(10)
}

/// The Luhn check of card numbers (ISO/IEC 7812) over ASCII digits.
pub(crate) fn luhn_text(digits: &str) -> bool {
    let digits: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
    luhn(&digits)
}

/// ISO 7064 mod 97-10 with the first four characters moved to the end.
pub(crate) fn mod97(value: &str) -> bool {
    let plain: Vec<u8> =
        value.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase()).collect();
    if !(5..=64).contains(&plain.len()) {
        return false;
    }
    let (head, tail) = plain.split_at(4);
    let rest = tail.iter().chain(head).fold(0u32, |r, b| match b {
        b'0'..=b'9' => (r * 10 + u32::from(b - b'0')) % 97,
        _ => (r * 100 + u32::from(b - b'A') + 10) % 97,
    });
    rest == 1
}

fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights.iter().cycle()).map(|(d, w)| d.saturating_mul(*w)).fold(0, u32::saturating_add)
}

fn nhs(digits: &[u32]) -> bool {
    let (Some(body), Some(check)) = (digits.get(..9), digits.get(9)) else { return false };
    let sum = weighted(body, &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    digits.len() == 10 && (11u32.saturating_sub(sum % 11)) % 11 == *check
}

fn ssn(digits: &[u32]) -> bool {
    let number = |r: std::ops::Range<usize>| {
        digits.get(r).unwrap_or(&[]).iter().fold(0u32, |n, d| n.saturating_mul(10).saturating_add(*d))
    };
    let (area, group, serial) = (number(0..3), number(3..5), number(5..9));
    // 078-05-1120 stood in millions of wallets as a sample; areas 000, 666 and 900 on are never issued.
    digits.len() == 9
        && !matches!(area, 0 | 666 | 900..)
        && group != 0
        && serial != 0
        && (area, group, serial) != (78, 5, 1120)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_validator_passes_a_true_number_and_refuses_a_near_one() {
        for (name, good, bad) in [
            ("luhn", "4111 1111 1111 1111", "4111 1111 1111 1112"),
            ("mod97", "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),
            ("aba", "021000021", "021000022"),
            ("nhs", "943 476 5919", "943 476 5918"),
            ("npi", "1234567893", "1234567894"),
            ("ssn", "219-09-9998", "000-09-9998"),
            ("ssn", "219-09-9998", "666-09-9998"),
            ("ssn", "219-09-9998", "078-05-1120"),
        ] {
            let v = Validator::named(name).unwrap();
            assert!(v.passes(good), "{name} refuses {good}");
            assert!(!v.passes(bad), "{name} passes {bad}");
            assert!(!v.passes(""), "{name} passes nothing");
        }
        assert_eq!(Validator::named("md5"), None);
    }
}

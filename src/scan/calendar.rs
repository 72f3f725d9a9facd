//! Dates and times in file names, so that they are neither hidden nor taken for numbers of people.

/// Reads digits as a date, then a time of day, from left to right. Whatever else is between them ends it.
#[derive(Default)]
pub struct Calendar {
    /// Parts of two digits (month, day, hour, minute, second) that may still come.
    pairs: usize,
    /// A whole date was read, so that a time of day may follow in one piece.
    dated: bool,
    /// A call number of Asterisk was read (`1772790311.4402`), so that its counter may follow.
    numbered: bool,
}

impl Calendar {
    /// Whether these digits, before `rest`, are a part of a date or time.
    pub fn takes(&mut self, digits: &str, rest: &str) -> bool {
        let part = |from: usize, to: usize| {
            digits.get(from..to).and_then(|d| d.parse::<u32>().ok()).unwrap_or(u32::MAX)
        };
        let year = (1990..=2099).contains(&part(0, 4));
        let day = year && (1..=12).contains(&part(4, 6)) && (1..=31).contains(&part(6, 8));
        let clock = |at: usize| {
            part(at, at.saturating_add(2)) < 24 && part(at.saturating_add(2), at.saturating_add(4)) < 60
        };
        let before = std::mem::take(self);
        match digits.len() {
            1 | 2 if before.pairs > 0 => {
                let pairs = before.pairs.saturating_sub(1);
                *self = Self { pairs, dated: pairs == 3, numbered: false };
                true
            }
            1..=6 if before.numbered => true,
            4 if before.dated && clock(0) => true,
            4 if year => {
                self.pairs = 5;
                true
            }
            6 => before.dated && clock(0) && part(4, 6) < 60,
            8 if day => {
                *self = Self { pairs: 3, dated: true, numbered: false };
                true
            }
            // Seconds since 1970, from 2001 to 2033.
            10 if digits.starts_with('1')
                && rest.starts_with('.')
                && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) =>
            {
                self.numbered = true;
                true
            }
            14 => day && clock(8),
            _ => false,
        }
    }
}

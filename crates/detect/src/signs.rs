//! Counts of the signs that written values are made of: a pattern whose signs are not there is not run.

/// How often a text holds each sign. Characters that are not ASCII count as any of them, so that no pattern is passed
/// over for a digit or letter of another script.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Signs {
    pub digits: u32,
    pub capitals: u32,
    pub dots: u32,
    pub colons: u32,
    pub dashes: u32,
    pub slashes: u32,
    pub ats: u32,
    pub pluses: u32,
    pub brackets: u32,
    pub lines: u32,
    pub stripes: u32,
    /// Dots right before what is no space.
    pub inner: u32,
    /// Letters right before a digit.
    pub joints: u32,
    /// Capitals right before a capital.
    pub pairs: u32,
    /// The letter x, as before an extension.
    pub exes: u32,
    /// Digits right before a colon, or before "a" or "p" with a space between at most.
    pub clocks: u32,
}

fn up(n: &mut u32) {
    *n = n.saturating_add(1);
}

impl Signs {
    /// Counts them.
    pub fn of(text: &str) -> Self {
        let (mut s, bytes) = (Self::default(), text.as_bytes());
        (0..bytes.len()).for_each(|i| s.add(bytes, i));
        s
    }

    /// Whether any written value can stand there.
    pub fn loud(&self) -> bool {
        let rest = [self.inner, self.dashes, self.lines, self.slashes, self.pairs, self.ats, self.pluses];
        self.digits > 0 || self.colons > 1 || rest.iter().any(|n| *n > 0)
    }

    /// Counts the byte at `i`.
    #[inline]
    pub fn add(&mut self, bytes: &[u8], i: usize) {
        let Some(b) = bytes.get(i) else { return };
        let next = || bytes.get(i.wrapping_add(1)).copied().unwrap_or(b' ');
        let digit_follows = || next().is_ascii_digit() || !next().is_ascii();
        match b {
            b'a'..=b'z' => {
                if digit_follows() {
                    up(&mut self.joints);
                }
                if *b == b'x' {
                    up(&mut self.exes);
                }
            }
            b' ' => {}
            b'0'..=b'9' => {
                up(&mut self.digits);
                let far = bytes.get(i.wrapping_add(2)).copied().unwrap_or(b' ');
                let then = if matches!(next(), b' ' | 9..=13) { far } else { next() };
                if matches!(then, b'a' | b'p' | b'A' | b'P' | 0x80..) || next() == b':' {
                    up(&mut self.clocks);
                }
            }
            b'A'..=b'Z' => {
                up(&mut self.capitals);
                if next().is_ascii_uppercase() {
                    up(&mut self.pairs);
                }
                if digit_follows() {
                    up(&mut self.joints);
                }
                if *b == b'X' {
                    up(&mut self.exes);
                }
            }
            b'.' => {
                up(&mut self.dots);
                if !matches!(next(), b' ' | 9..=13) {
                    up(&mut self.inner);
                }
            }
            b':' => up(&mut self.colons),
            b'-' => up(&mut self.dashes),
            b'/' => up(&mut self.slashes),
            b'@' => up(&mut self.ats),
            b'+' => up(&mut self.pluses),
            b'(' => up(&mut self.brackets),
            b'_' => up(&mut self.lines),
            b'^' | b'=' => up(&mut self.stripes),
            0x80.. => {
                let any =
                    [&mut self.digits, &mut self.inner, &mut self.joints, &mut self.exes, &mut self.clocks];
                any.into_iter().for_each(up);
            }
            _ => {}
        }
    }
}

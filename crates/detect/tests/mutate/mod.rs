//! The saved corpus of hostile texts and a fixed sequence of mutations, for the fuzz tests inside and outside the crate.

/// Every text of the saved corpus.
pub fn corpus() -> Vec<String> {
    let text = include_str!("../../../../fixtures/detect/texts.txt");
    text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).map(unescape).collect()
}

fn unescape(line: &str) -> String {
    let mut out = line.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t");
    while let Some(at) = out.find("\\u{") {
        let end = at + out[at..].find('}').unwrap();
        let c = u32::from_str_radix(&out[at + 3..end], 16).ok().and_then(char::from_u32).unwrap();
        out.replace_range(at..=end, &c.to_string());
    }
    out
}

/// xorshift: a sequence, no randomness.
pub struct Sequence(pub u64);

impl Sequence {
    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n.max(1) as u64).unwrap()
    }
}

/// One to five changes of a text: pieces cut out, doubled, put in from other texts.
pub fn mutate(text: &str, others: &[String], s: &mut Sequence) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=s.below(4) {
        let at = s.below(chars.len() + 1);
        match s.below(4) {
            0 => drop(chars.drain(at.min(chars.len())..(at + s.below(4)).min(chars.len()))),
            1 => chars.insert(at, ['1', ' ', '\n', '\u{200B}', 'é', '@', '.'][s.below(7)]),
            2 => {
                let other: Vec<char> = others[s.below(others.len())].chars().collect();
                drop(chars.splice(at..at, other));
            }
            _ => chars.extend_from_within(at.min(chars.len())..),
        }
        chars.truncate(4_000);
    }
    chars.into_iter().collect()
}

//! One pass of normalisation with an exact way back: compatibility forms folded, invisible characters dropped.

use unicode_normalization::UnicodeNormalization;

/// A turn's text in the form the recognisers read, with the way back to the source's bytes.
#[derive(Debug)]
pub(crate) struct Normal {
    /// The normalised text.
    pub text: String,
    /// For each byte of `text` the source byte range; empty when the text is its own source.
    map: Vec<(u32, u32)>,
}

/// How often a text holds the signs that written values are made of: a pattern whose signs are not there is not run.
#[derive(Debug, Clone, Copy, Default)]
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
}

impl Signs {
    /// Counts them.
    pub fn of(text: &str) -> Self {
        let mut s = Self::default();
        for b in text.bytes() {
            let n = match b {
                b'a'..=b'z' | b' ' => continue,
                // Digits of other scripts are not ASCII.
                b'0'..=b'9' | 0x80.. => &mut s.digits,
                b'A'..=b'Z' => &mut s.capitals,
                b'.' => &mut s.dots,
                b':' => &mut s.colons,
                b'-' => &mut s.dashes,
                b'/' => &mut s.slashes,
                b'@' => &mut s.ats,
                b'+' => &mut s.pluses,
                b'(' => &mut s.brackets,
                b'_' => &mut s.lines,
                b'^' | b'=' => &mut s.stripes,
                _ => continue,
            };
            *n = n.saturating_add(1);
        }
        s
    }
}

/// Characters that carry no glyph and are used to hide values from patterns.
fn invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{00AD}' | '\u{202A}'..='\u{202E}')
}

impl Normal {
    /// Normalises `source`.
    pub fn new(source: &str) -> Self {
        if source.is_ascii() {
            return Self { text: source.to_owned(), map: Vec::new() };
        }
        let plain = |c: char| c.is_ascii() || (c.is_alphanumeric() && !special(c));
        if source.chars().all(plain) {
            return Self { text: source.to_owned(), map: Vec::new() };
        }
        let (mut text, mut map) = (String::with_capacity(source.len()), Vec::with_capacity(source.len()));
        for (at, c) in source.char_indices() {
            if invisible(c) {
                continue;
            }
            let before = text.len();
            match c {
                '\u{2010}'..='\u{2015}' | '\u{2212}' => text.push('-'),
                '\u{2018}' | '\u{2019}' | '\u{02BC}' => text.push('\''),
                _ if special(c) => text.extend(std::iter::once(c).nfkc()),
                _ => text.push(c),
            }
            let from = (clamp(at), clamp(at.saturating_add(c.len_utf8())));
            map.extend(std::iter::repeat_n(from, text.len().saturating_sub(before)));
        }
        Self { text, map }
    }

    /// The source range of a range of the normalised text.
    pub fn source(&self, start: usize, end: usize) -> (usize, usize) {
        if self.map.is_empty() || end <= start {
            return (start, end);
        }
        let first = self.map.get(start).map_or(start, |r| r.0 as usize);
        let last = self.map.get(end.saturating_sub(1)).map_or(end, |r| r.1 as usize);
        (first, last)
    }
}

/// Whether NFKC may change the character in a way that matters to a reader of digits and letters.
fn special(c: char) -> bool {
    matches!(c, '\u{00A0}' | '\u{00B2}'..='\u{00BE}' | '\u{2000}'..='\u{2BFF}' | '\u{3000}' | '\u{FB00}'..='\u{FB06}'
        | '\u{FF00}'..='\u{FFEF}' | '\u{1D400}'..='\u{1D7FF}' | '\u{1F100}'..='\u{1F1FF}')
}

fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Lower case without diacritics, as the gazetteer and the tagger spell words.
pub(crate) fn fold_into(word: &str, out: &mut String) {
    if word.is_ascii() {
        out.extend(word.bytes().filter(|b| *b != b'\'').map(|b| char::from(b.to_ascii_lowercase())));
        return;
    }
    for c in word.nfkd().flat_map(char::to_lowercase) {
        match c {
            '\'' => {}
            'ß' => out.push_str("ss"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' | 'ð' => out.push('d'),
            'æ' => out.push_str("ae"),
            'þ' => out.push_str("th"),
            'ı' => out.push('i'),
            '\u{0300}'..='\u{036F}' => {}
            _ => out.push(c),
        }
    }
}

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

/// Characters that carry no glyph and are used to hide values from patterns.
fn invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{00AD}' | '\u{202A}'..='\u{202E}'
        | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{180B}'..='\u{180E}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{E0001}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}')
}

/// First digits of the decimal digits of scripts that people write numbers in (Unicode category Nd) and that
/// compatibility normalisation keeps as they are.
const ZEROS: [u32; 22] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0,
];

/// The ASCII digit of a digit of another script.
fn digit(c: char) -> Option<char> {
    let code = u32::from(c);
    if !(0x0660..=0x19DF).contains(&code) {
        return None;
    }
    let zero = ZEROS.iter().find(|z| (**z..z.saturating_add(10)).contains(&code))?;
    char::from_digit(code.saturating_sub(*zero), 10)
}

/// Marks that are set over or around the character before them.
fn combining(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

impl Normal {
    /// Normalises `source`.
    pub fn new(source: &str) -> Self {
        if source.is_ascii() {
            return Self { text: source.to_owned(), map: Vec::new() };
        }
        let plain = |c: char| {
            c.is_ascii() || (c.is_alphanumeric() && !special(c) && !invisible(c) && digit(c).is_none())
        };
        if source.chars().all(plain) {
            return Self { text: source.to_owned(), map: Vec::new() };
        }
        let (mut text, mut map) = (String::with_capacity(source.len()), Vec::with_capacity(source.len()));
        for (at, c) in source.char_indices() {
            // "4\u{20E3}", a digit in a box or with an accent, is a digit.
            if invisible(c) || (combining(c) && text.ends_with(|d: char| d.is_ascii_digit())) {
                continue;
            }
            let before = text.len();
            match c {
                '\u{2010}'..='\u{2015}' | '\u{2212}' => text.push('-'),
                '\u{2018}' | '\u{2019}' | '\u{02BC}' => text.push('\''),
                _ if special(c) => text.extend(std::iter::once(c).nfkc()),
                _ => text.push(digit(c).unwrap_or(c)),
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
        let from = out.len();
        for piece in word.split('\'') {
            out.push_str(piece);
        }
        if let Some(new) = out.get_mut(from..) {
            new.make_ascii_lowercase();
        }
        return;
    }
    // A word of Latin letters with some of another alphabet that look like them is a disguised Latin word.
    let latin = word.bytes().any(|b| b.is_ascii_alphanumeric());
    for c in word.nfkd().flat_map(char::to_lowercase) {
        match c {
            _ if latin && lookalike(c).is_some() => out.extend(lookalike(c)),
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

/// The Latin letter that a small letter of the Cyrillic or Greek alphabet looks like.
fn lookalike(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'һ' => 'h',
        'і' | 'ι' | 'ӏ' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'н' => 'h',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'у' | 'υ' => 'y',
        'х' | 'χ' => 'x',
        'ν' => 'v',
        _ => return None,
    })
}

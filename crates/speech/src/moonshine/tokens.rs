//! The model's token table: what each token spells.

use crate::error::Error;

/// Begins a text.
pub(crate) const BOS: usize = 1;
/// Ends a text.
pub(crate) const EOS: usize = 2;

/// Stands for a space in the table.
const SPACE: &[u8] = "\u{2581}".as_bytes();

static TABLE: &[u8] = include_bytes!("../../assets/moonshine-tokenizer.bin");

/// What the tokens spell.
pub(crate) struct Tokens {
    pieces: Vec<&'static [u8]>,
}

/// A word and which tokens spell it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spelled {
    pub text: String,
    /// First and one past the last token.
    pub tokens: (usize, usize),
}

impl Tokens {
    /// Reads the table that is part of this program.
    pub(crate) fn load() -> Result<Self, Error> {
        Self::parse(TABLE)
    }

    /// Entries of a length (one byte, or two from 128 on) and so many bytes.
    fn parse(mut table: &'static [u8]) -> Result<Self, Error> {
        let broken = || Error::Model("the built-in token table is damaged; install callvault again".into());
        let mut pieces = Vec::new();
        while let Some((&first, rest)) = table.split_first() {
            let (length, rest) = if first < 128 {
                (usize::from(first), rest)
            } else {
                let (&second, rest) = rest.split_first().ok_or_else(broken)?;
                (usize::from(first - 128) * 128 + usize::from(second), rest)
            };
            let (piece, rest) = rest.split_at_checked(length).ok_or_else(broken)?;
            pieces.push(piece);
            table = rest;
        }
        Ok(Self { pieces })
    }

    /// Whether a token is no text: `<unk>`, `<s>`, `<<ST_0>>` and their like.
    pub(crate) fn is_special(&self, token: usize) -> bool {
        token <= EOS || self.pieces.get(token).is_none_or(|p| p.starts_with(b"<<ST_"))
    }

    /// Words and the tokens that spell each.
    pub(crate) fn words(&self, tokens: &[usize]) -> Vec<Spelled> {
        let mut out: Vec<Spelled> = Vec::new();
        let mut bytes: Vec<u8> = Vec::new();
        let mut first = 0usize;
        for (i, &token) in tokens.iter().enumerate() {
            if self.is_special(token) {
                continue;
            }
            let mut piece = self.pieces.get(token).copied().unwrap_or_default();
            let mut opens = piece == b" ";
            while let Some(rest) = piece.strip_prefix(SPACE) {
                opens = true;
                piece = rest;
            }
            if opens {
                finish(&mut out, &mut bytes, first, i);
            }
            if bytes.is_empty() {
                first = i;
            }
            if piece != b" " {
                bytes.extend_from_slice(piece);
            }
        }
        finish(&mut out, &mut bytes, first, tokens.len());
        out
    }
}

fn finish(out: &mut Vec<Spelled>, bytes: &mut Vec<u8>, first: usize, end: usize) {
    let bytes = std::mem::take(bytes);
    let text = String::from_utf8_lossy(&bytes).replace('\u{2581}', " ");
    let text = text.trim();
    if !text.is_empty() {
        out.push(Spelled { text: text.to_owned(), tokens: (first, end) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(tokens: &Tokens, piece: &str) -> usize {
        tokens.pieces.iter().position(|p| *p == piece.as_bytes()).unwrap()
    }

    #[test]
    fn the_table_is_whole_and_spells_words() {
        let t = Tokens::load().unwrap();
        assert_eq!(t.pieces.len(), 32_768);
        let (the, inter, es) = (id(&t, "\u{2581}the"), id(&t, "\u{2581}inter"), id(&t, "es"));
        let words = t.words(&[the, inter, es, EOS]);
        assert_eq!(words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>(), ["the", "interes"]);
        assert_eq!(words[1].tokens, (1, 4));
        assert!(t.is_special(0) && t.is_special(BOS) && t.is_special(32_767) && t.is_special(99_999));
        assert!(!t.is_special(the));
    }

    #[test]
    fn bytes_join_to_characters() {
        let t = Tokens::load().unwrap();
        // U+266A as three byte tokens, which begin at 3.
        let note: Vec<usize> = "\u{266A}".bytes().map(|b| usize::from(b) + 3).collect();
        assert_eq!(t.words(&note)[0].text, "\u{266A}");
    }

    #[test]
    fn a_cut_table_is_refused() {
        assert!(Tokens::parse(&[3, b'a', b'b']).is_err());
        assert!(Tokens::parse(&[200]).is_err());
    }
}

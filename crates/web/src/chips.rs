//! Masked text as pieces: words as they were said, and a chip in the place of each hidden value.

use callvault_model::{EntityType, words};

/// A piece of a masked text: words, or a chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What was said; empty for a chip.
    pub text: String,
    /// What the chip says; empty for words.
    pub label: String,
    /// How grave the type is, as a class of the sheet.
    pub class: &'static str,
    /// The stable name of the type.
    pub kind: String,
}

impl Piece {
    /// A chip, not words.
    pub fn is_chip(&self) -> bool {
        !self.label.is_empty()
    }
}

/// The text with its labels as chips. A bracket that is no label stays text.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        plain(&mut out, before);
        match chip(from) {
            Some((piece, len)) => {
                out.push(piece);
                rest = from.get(len..).unwrap_or("");
            }
            None => {
                plain(&mut out, "[");
                rest = from.get(1..).unwrap_or("");
            }
        }
    }
    plain(&mut out, rest);
    out
}

fn plain(out: &mut Vec<Piece>, text: &str) {
    match out.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if !last.is_chip() => last.text.push_str(text),
        _ => out.push(Piece { text: text.to_owned(), label: String::new(), class: "", kind: String::new() }),
    }
}

/// A label such as `[CREDIT_CARD]`, `[CREDIT_CARD ****1111]` or `[UNVERIFIED]` at the beginning, and its length.
fn chip(from: &str) -> Option<(Piece, usize)> {
    let close = from.bytes().take(80).position(|b| b == b']')?;
    let inside = from.get(1..close)?;
    let name = inside.split([' ', ':', '#']).next()?;
    let (label, class) = if name == "UNVERIFIED" {
        ("not verified".to_owned(), "unverified")
    } else {
        let entity: EntityType = name.parse().ok()?;
        let last: String = inside
            .rsplit_once("****")
            .map_or(String::new(), |(_, l)| format!(" ••••{}", l.chars().take(4).collect::<String>()));
        (format!("{}{last}", words::of(entity, 1)), words::grade(entity))
    };
    Some((Piece { text: String::new(), label, class, kind: name.to_owned() }, close.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_chips_and_everything_else_stays_words() {
        let got = pieces("my card is [CREDIT_CARD ****1111], see [note] [UNVERIFIED]");
        let chips: Vec<_> = got.iter().filter(|p| p.is_chip()).map(|p| p.label.as_str()).collect();
        assert_eq!(chips, ["card number ••••1111", "not verified"]);
        let words: String = got.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(words, "my card is , see [note] ");
        assert!(pieces("[").iter().all(|p| !p.is_chip()));
        assert!(pieces("[CREDIT_CARD").iter().all(|p| !p.is_chip()));
    }
}

//! JSON lines from strangers: one line that cannot be read costs no other.

use serde_json::Value;
use std::io::{self, BufRead};

/// Longest line; a document this long is not one conversation.
pub const MAX_LINE: u64 = 64 << 20;

/// One document.
#[derive(Debug)]
pub struct Line {
    /// Handed back as it came.
    pub id: Value,
    /// What is read.
    pub text: String,
    /// Whatever else the object holds.
    pub fields: serde_json::Map<String, Value>,
}

/// What came of reading a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// It is in the buffer.
    Whole,
    /// It was longer than [`MAX_LINE`] and was passed over.
    TooLong,
}

/// A line that is no document.
#[derive(Debug)]
pub struct Bad {
    /// Its id, where that much could be read.
    pub id: Value,
    /// Why, without a word of its content.
    pub why: &'static str,
}

/// The next line without its end; none when there are no more.
pub fn next(input: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<Option<Read>> {
    next_within(input, buffer, MAX_LINE)
}

fn next_within(input: &mut impl BufRead, buffer: &mut Vec<u8>, most: u64) -> io::Result<Option<Read>> {
    buffer.clear();
    let read = io::Read::take(&mut *input, most).read_until(b'\n', buffer)? as u64;
    if read == 0 {
        return Ok(None);
    }
    if buffer.pop_if(|b| *b == b'\n').is_some() || read < most {
        return Ok(Some(Read::Whole));
    }
    buffer.clear();
    input.skip_until(b'\n')?;
    Ok(Some(Read::TooLong))
}

/// Reads `{"id","text"}`. A half of a surrogate pair, which JSON can write and text cannot hold, counts as one character
/// that nobody knows, so that offsets stay those of the client.
pub fn parse(bytes: &[u8], read: Read) -> Result<Line, Bad> {
    let bad = |why| Bad { id: Value::Null, why };
    if read == Read::TooLong {
        return Err(bad("longer than 64 MiB; split the document"));
    }
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes))
        .map_err(|_| bad("not UTF-8; convert the file"))?;
    // serde_json's own message can quote the text.
    let value: Value = serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&without_halves(text)))
        .map_err(|_| bad("not valid JSON; one object a line is expected"))?;
    let Value::Object(mut fields) = value else {
        return Err(bad("not an object with \"id\" and \"text\""));
    };
    let id = fields.remove("id");
    match (id, fields.remove("text")) {
        (Some(id), Some(Value::String(text))) => Ok(Line { id, text, fields }),
        (None, _) => Err(bad("\"id\" is missing")),
        (Some(id), _) => Err(Bad { id, why: "\"text\" is missing or no string" }),
    }
}

/// The JSON with every `\uD800`–`\uDFFF` that has no other half written as `\uFFFD`.
fn without_halves(json: &str) -> String {
    let unit = |at: usize| -> Option<u32> {
        let hex = json.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u32::from_str_radix(hex, 16).ok()
    };
    let (mut out, mut at) = (String::with_capacity(json.len()), 0usize);
    while let Some(c) = json.get(at..).and_then(|r| r.chars().next()) {
        let (high, low) = (unit(at), unit(at.saturating_add(6)));
        let step = match (high, low) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                out.push_str("\\uFFFD");
                at = at.saturating_add(6);
                continue;
            }
            // "\\u" after an escaped backslash is text.
            _ if c == '\\' => 2,
            _ => c.len_utf8(),
        };
        let end = at.saturating_add(step);
        let Some(piece) = json.get(at..end) else {
            out.push_str(json.get(at..).unwrap_or(""));
            break;
        };
        out.push_str(piece);
        at = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Line, Bad> {
        parse(line.as_bytes(), Read::Whole)
    }

    #[test]
    fn halves_of_pairs_count_as_one_character() {
        let text = |l: &str| read(l).unwrap().text;
        assert_eq!(text(r#"{"id":1,"text":"a\ud800b"}"#), "a\u{FFFD}b");
        assert_eq!(text(r#"{"id":1,"text":"\udc00\ud83d\ude42"}"#), "\u{FFFD}\u{1F642}");
        assert_eq!(text(r#"{"id":1,"text":"\\ud800 \ud800"}"#), "\\ud800 \u{FFFD}");
        assert_eq!(text(r#"{"id":1,"text":"\uD800\n"}"#), "\u{FFFD}\n");
        assert_eq!(text("\u{FEFF}{\"id\":1,\"text\":\"x\"}\r"), "x");
    }

    #[test]
    fn what_is_no_document_says_why_and_nothing_of_its_content() {
        for (line, why) in [
            ("{", "not valid JSON"),
            ("[1]", "not an object"),
            (r#"{"text":"a"}"#, "\"id\" is missing"),
            (r#"{"id":7}"#, "\"text\" is missing"),
            (r#"{"id":7,"text":4111111111111111}"#, "\"text\" is missing"),
        ] {
            let bad = read(line).unwrap_err();
            assert!(bad.why.contains(why), "{line}: {}", bad.why);
            assert!(!bad.why.contains("4111"));
        }
        assert_eq!(read(r#"{"id":7}"#).unwrap_err().id, 7);
        assert!(parse(b"{\"id\":1,\"text\":\"\xff\"}", Read::Whole).unwrap_err().why.contains("UTF-8"));
    }

    #[test]
    fn a_line_that_is_too_long_costs_no_other() {
        let mut input = &b"short\nmuch too long a line\nafter\nend"[..];
        let mut buffer = Vec::new();
        let mut seen = Vec::new();
        while let Some(read) = next_within(&mut input, &mut buffer, 8).unwrap() {
            seen.push((read, String::from_utf8(buffer.clone()).unwrap()));
        }
        let whole = |s: &str| (Read::Whole, s.to_owned());
        assert_eq!(seen, [whole("short"), (Read::TooLong, String::new()), whole("after"), whole("end")]);
    }
}

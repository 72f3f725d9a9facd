//! The facts of one case: a small JSON object, looked up by dotted path, with limits.

use crate::{Error, dates};
use jiff::{Timestamp, civil::Date};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Most names in one object, most items in one list.
const MAX_ITEMS: usize = 10_000;
/// Longest text, in bytes.
const MAX_TEXT: usize = 64 << 10;
/// Deepest nesting; the deepest fact of any engine is three.
const MAX_DEPTH: usize = 8;

/// What is known about a case. A missing or null fact is unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts(Map<String, Value>);

impl Facts {
    /// Takes an object whose size and depth are within limits.
    ///
    /// # Errors
    /// It is no object, or it is too large or too deep.
    pub fn new(value: Value) -> Result<Self, Error> {
        limits(&value, 0)?;
        match value {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(Error::Case("\"input\" must be an object of facts".to_owned())),
        }
    }

    /// The value at a dotted path; `None` when it is missing or null.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        self.raw(path).filter(|v| !v.is_null())
    }

    /// The value at a dotted path, null included.
    #[must_use]
    pub fn raw(&self, path: &str) -> Option<&Value> {
        let mut parts = path.split('.');
        let mut at = self.0.get(parts.next()?)?;
        for part in parts {
            at = at.as_object()?.get(part)?;
        }
        Some(at)
    }

    /// A text.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// A truth.
    #[must_use]
    pub fn truth(&self, path: &str) -> Option<bool> {
        self.get(path)?.as_bool()
    }

    /// A number.
    #[must_use]
    pub fn number(&self, path: &str) -> Option<f64> {
        self.get(path)?.as_f64()
    }

    /// A whole number that is not negative.
    #[must_use]
    pub fn count(&self, path: &str) -> Option<u64> {
        self.get(path)?.as_u64()
    }

    /// A list.
    #[must_use]
    pub fn list(&self, path: &str) -> Option<&[Value]> {
        self.get(path)?.as_array().map(Vec::as_slice)
    }

    /// A date; of an instant, its date in UTC.
    #[must_use]
    pub fn date(&self, path: &str) -> Option<Date> {
        dates::date(self.text(path)?)
    }

    /// An instant; a date alone means its first moment in UTC, which is the careful reading for a clock.
    #[must_use]
    pub fn instant(&self, path: &str) -> Option<Timestamp> {
        dates::instant(self.text(path)?)
    }

    /// The dates of a list of dates; `None` when there is no list or an item is no date.
    #[must_use]
    pub fn dates(&self, path: &str) -> Option<Vec<Date>> {
        self.list(path)?.iter().map(|v| v.as_str().and_then(dates::date)).collect()
    }

    /// SHA-256 over the facts in canonical form: names sorted, no white space. For a ledger use
    /// [`Facts::commitment`], since a telephone number can be guessed from a bare hash.
    #[must_use]
    pub fn hash(&self) -> String {
        self.digest(b"")
    }

    /// The same, salted: what a ledger may keep.
    #[must_use]
    pub fn commitment(&self, salt: &[u8; 32]) -> String {
        self.digest(salt)
    }

    fn digest(&self, salt: &[u8]) -> String {
        let mut text = Vec::with_capacity(512);
        canonical_object(&self.0, &mut text);
        let mut sha = Sha256::new();
        sha.update(b"callvault law facts 1\0");
        sha.update(salt);
        sha.update(&text);
        hex(&sha.finalize())
    }

    /// The same facts with one of them replaced or added.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Self {
        let mut map = self.0.clone();
        map.insert(name.to_owned(), value);
        Self(map)
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// The names that are present.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| DIGITS.get(usize::from(n & 15)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(*b)]).collect()
}

/// Sorted names whatever feature of `serde_json` another crate turns on.
fn canonical_object(map: &Map<String, Value>, out: &mut Vec<u8>) {
    let mut names: Vec<&String> = map.keys().collect();
    names.sort_unstable();
    out.push(b'{');
    for name in names {
        scalar(&Value::String(name.clone()), out);
        out.push(b':');
        canonical(map.get(name).unwrap_or(&Value::Null), out);
        out.push(b',');
    }
    out.push(b'}');
}

fn canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => canonical_object(map, out),
        Value::Array(items) => {
            out.push(b'[');
            for item in items {
                canonical(item, out);
                out.push(b',');
            }
            out.push(b']');
        }
        other => scalar(other, out),
    }
}

fn scalar(value: &Value, out: &mut Vec<u8>) {
    // Writing into memory cannot fail, and a scalar always has a JSON form.
    let _ = serde_json::to_writer(out, value);
}

fn limits(value: &Value, depth: usize) -> Result<(), Error> {
    let wrong = |what: &str| Err(Error::Case(what.to_owned()));
    if depth > MAX_DEPTH {
        return wrong("facts are nested deeper than 8 levels; no engine asks for that");
    }
    match value {
        Value::Object(map) if map.len() > MAX_ITEMS => wrong("an object has more than 10,000 names"),
        Value::Array(items) if items.len() > MAX_ITEMS => wrong("a list has more than 10,000 items"),
        Value::String(text) if text.len() > MAX_TEXT => wrong("a text is longer than 64 KiB"),
        Value::Object(map) => map.values().try_for_each(|v| limits(v, depth + 1)),
        Value::Array(items) => items.iter().try_for_each(|v| limits(v, depth + 1)),
        _ => Ok(()),
    }
}

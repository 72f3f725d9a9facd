//! Where a key lies outside this machine, as a URI: `scheme:name=value;…?name=value&…`, percent-encoded as RFC 7512 has it.

/// The parts of such a URI.
#[derive(Debug)]
pub(crate) struct Parts(Vec<(&'static str, String)>);

impl Parts {
    /// Reads what stands behind the scheme: `path` and `query` are the names that may stand there, each once; `unknown`
    /// says why another may not.
    pub(crate) fn read(
        rest: &str,
        path: &[&'static str],
        query: &[&'static str],
        unknown: impl Fn(&str) -> &'static str,
    ) -> Result<Self, &'static str> {
        let (front, back) = rest.split_once('?').unwrap_or((rest, ""));
        let front = front.split(';').map(|part| (path, part));
        let mut read: Vec<(&'static str, String)> = Vec::new();
        let all = front.chain(back.split('&').map(|part| (query, part)));
        for (names, part) in all.filter(|(_, part)| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or("a part of it is no `name=value`")?;
            let known = names.iter().find(|known| **known == name).ok_or_else(|| unknown(name))?;
            let value = decoded(value).ok_or("a value is not percent-encoded text")?;
            if read.iter().any(|(name, _)| name == known) {
                return Err("a part stands in it twice");
            }
            read.push((known, value));
        }
        Ok(Self(read))
    }

    /// One of them.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.swap_remove(at).1)
    }
}

/// What may stand in a part as it is, does; the rest is written `%XX`.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'/'
            | b':'
            | b'['
            | b']' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16).and_then(|d| u8::try_from(d).ok());
                (digit()? << 4) | digit()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok().filter(|t| !t.chars().any(char::is_control))
}

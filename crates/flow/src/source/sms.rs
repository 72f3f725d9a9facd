//! Exports of text messages: JSON (`[{"from","to","body","date"}]`, or the same under `messages`) and CSV with a head line.
//! An export may hold many people's messages; each pair of numbers becomes one conversation in the form of a chat.

use super::{chat::Chat, metadata::MAX_PARTIES};
use crate::Error;
use callvault_model::Role;
use jiff::{Timestamp, civil::DateTime, fmt::rfc2822, tz::TimeZone};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const MAX_MESSAGES: usize = 50_000;
const MAX_THREADS: usize = 2_000;
const MAX_COLUMNS: usize = 200;

#[derive(Debug, Default, Clone)]
struct Message {
    from: String,
    to: String,
    body: String,
    at: Option<Timestamp>,
    /// The centre sent it; `None` where the export does not say.
    outbound: Option<bool>,
}

/// Names of the same column in different exports, letters only.
const COLUMNS: [(&str, &[&str]); 5] = [
    ("from", &["from", "sender", "originator", "fromnumber", "source", "msisdnfrom"]),
    ("to", &["to", "recipient", "destination", "tonumber", "receiver", "msisdnto"]),
    ("body", &["body", "text", "message", "content", "messagebody", "messagetext"]),
    (
        "at",
        &[
            "at",
            "date",
            "datesent",
            "sentat",
            "timestamp",
            "time",
            "datetime",
            "createdat",
            "datecreated",
            "sent",
        ],
    ),
    ("direction", &["direction", "type"]),
];

fn column(name: &str) -> Option<&'static str> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect();
    COLUMNS.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(name, _)| *name)
}

/// Whether bytes look like an export; the head of a CSV file is enough.
pub fn is_export(bytes: &[u8]) -> bool {
    if starts_json(bytes) {
        return list(bytes).is_some_and(|l| {
            !l.is_empty()
                && l.iter().take(3).all(|m| {
                    m.as_object().is_some_and(|o| {
                        let has = |c: &str| o.keys().any(|k| column(k) == Some(c));
                        has("from") && has("body")
                    })
                })
        });
    }
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let line = head.split(|b| *b == b'\n').next().unwrap_or_default();
    let mut rows = Csv::new(String::from_utf8_lossy(line).into_owned());
    let names = rows.next_row().ok().flatten().unwrap_or_default();
    ["from", "to", "body"].iter().all(|c| names.iter().any(|n| column(n) == Some(c)))
}

fn starts_json(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    matches!(bytes.iter().find(|b| !b.is_ascii_whitespace()), Some(b'[' | b'{'))
}

fn list(bytes: &[u8]) -> Option<Vec<Value>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice(bytes).ok()? {
        Value::Array(list) => Some(list),
        Value::Object(mut o) => ["messages", "sms", "data"].iter().find_map(|k| match o.remove(*k) {
            Some(Value::Array(list)) => Some(list),
            _ => None,
        }),
        _ => None,
    }
}

/// The conversations of an export, each as the JSON of a chat. Errors tell the place, never the text.
pub fn threads(bytes: &[u8], name: &str) -> Result<Vec<Vec<u8>>, Error> {
    let wrong = |what: String| Error::Source {
        what: format!("{name}: {what}"),
        cure: "an export of text messages has the columns from, to, body and date; see docs/guide/metadata.md",
    };
    let messages = if starts_json(bytes) { from_json(bytes) } else { from_csv(bytes) }.map_err(wrong)?;
    if messages.is_empty() {
        return Err(wrong("no messages".into()));
    }
    // In the order in which each pair first appears.
    let mut order: Vec<(String, String)> = Vec::new();
    let mut by_pair: BTreeMap<(String, String), Vec<Message>> = BTreeMap::new();
    for message in messages {
        let (a, b) = (plain(&message.from), plain(&message.to));
        let pair = if a <= b { (a, b) } else { (b, a) };
        if !by_pair.contains_key(&pair) {
            order.push(pair.clone());
        }
        by_pair.entry(pair).or_default().push(message);
    }
    if order.len() > MAX_THREADS {
        return Err(wrong(format!("more than {MAX_THREADS} pairs of numbers")));
    }
    order.iter().filter_map(|pair| by_pair.remove(pair)).map(|m| as_chat(m, name)).collect()
}

/// One thread as the JSON of a chat; checked by reading it back.
fn as_chat(mut messages: Vec<Message>, name: &str) -> Result<Vec<u8>, Error> {
    if messages.iter().all(|m| m.at.is_some()) {
        messages.sort_by_key(|m| m.at);
    }
    let mut numbers: Vec<String> = Vec::new();
    let mut turns = Vec::new();
    for m in &messages {
        for address in [&m.from, &m.to] {
            if !numbers.iter().any(|n| plain(n) == plain(address)) && numbers.len() < MAX_PARTIES {
                numbers.push(address.clone());
            }
        }
        let party = numbers.iter().position(|n| plain(n) == plain(&m.from)).unwrap_or(0);
        turns.push(json!({"party": party, "text": m.body, "at": m.at}));
    }
    let role = |number: &str| {
        let said = messages.iter().find_map(|m| {
            let sent = plain(&m.from) == plain(number);
            m.outbound.map(|out| if out == sent { Role::Agent } else { Role::Customer })
        });
        said.unwrap_or(Role::Unknown)
    };
    let parties: Vec<Value> =
        numbers.iter().map(|n| json!({"role": role(n).as_str(), "address": n})).collect();
    let started = messages.iter().filter_map(|m| m.at).min();
    let chat = json!({"channel": "sms", "started_at": started, "parties": parties, "turns": turns});
    let bytes = chat.to_string().into_bytes();
    Chat::parse(&bytes, name)?;
    Ok(bytes)
}

/// A number in the form in which equal means the same.
fn plain(address: &str) -> String {
    let digits: String = address.chars().filter(char::is_ascii_digit).collect();
    if digits.len() >= 5 { digits } else { address.trim().to_lowercase() }
}

fn from_json(bytes: &[u8]) -> Result<Vec<Message>, String> {
    let list = list(bytes).ok_or("no list of messages")?;
    if list.len() > MAX_MESSAGES {
        return Err(format!("more than {MAX_MESSAGES} messages"));
    }
    let text = |o: &Map<String, Value>, want: &str| {
        o.iter().find(|(k, _)| column(k) == Some(want)).and_then(|(_, v)| match v {
            Value::String(s) => Some(s.clone()),
            Value::Number(n) => Some(n.to_string()),
            _ => None,
        })
    };
    list.iter()
        .enumerate()
        .map(|(i, m)| {
            let o = m.as_object().ok_or_else(|| format!("message {i} is no object"))?;
            message(i, &|want| text(o, want))
        })
        .collect()
}

fn from_csv(bytes: &[u8]) -> Result<Vec<Message>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    let mut rows = Csv::new(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned());
    let head = rows.next_row()?.ok_or("no head line")?;
    let index: BTreeMap<&str, usize> =
        head.iter().enumerate().rev().filter_map(|(i, n)| Some((column(n)?, i))).collect();
    for need in ["from", "to", "body"] {
        if !index.contains_key(need) {
            return Err(format!("no column {need}"));
        }
    }
    let mut out = Vec::new();
    while let Some(row) = rows.next_row()? {
        if row.iter().all(|c| c.trim().is_empty()) {
            continue;
        }
        if out.len() >= MAX_MESSAGES {
            return Err(format!("more than {MAX_MESSAGES} messages"));
        }
        let message = message(out.len(), &|want| index.get(want).and_then(|i| row.get(*i)).cloned())?;
        out.push(message);
    }
    Ok(out)
}

fn message(i: usize, cell: &dyn Fn(&str) -> Option<String>) -> Result<Message, String> {
    let direction = cell("direction").unwrap_or_default().to_lowercase();
    let from =
        cell("from").filter(|f| !f.trim().is_empty()).ok_or_else(|| format!("message {i} has no sender"))?;
    Ok(Message {
        from,
        to: cell("to").unwrap_or_default(),
        body: cell("body").ok_or_else(|| format!("message {i} has no text"))?,
        at: cell("at").as_deref().and_then(time),
        outbound: match direction.as_str() {
            d if d.starts_with("out") || d == "sent" => Some(true),
            d if d.starts_with("in") || d == "received" => Some(false),
            _ => None,
        },
    })
}

/// The forms of time that exports use; without a zone it is taken as UTC.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let from_number = |n: i64| {
        if n > 100_000_000_000 { Timestamp::from_millisecond(n).ok() } else { Timestamp::from_second(n).ok() }
    };
    text.parse()
        .ok()
        .or_else(|| text.parse::<i64>().ok().and_then(from_number))
        .or_else(|| rfc2822::parse(text).ok().map(|z| z.timestamp()))
        .or_else(|| {
            let civil: DateTime = text.parse().ok()?;
            TimeZone::UTC.to_timestamp(civil).ok()
        })
}

/// Rows of a CSV text (RFC 4180); the separator is the comma or, where the head line has more of them, the semicolon.
struct Csv {
    text: Vec<char>,
    at: usize,
    separator: char,
}

impl Csv {
    fn new(text: String) -> Self {
        let head = text.lines().next().unwrap_or("");
        let count = |c| head.matches(c).count();
        let separator = if count(';') > count(',') { ';' } else { ',' };
        Self { text: text.chars().collect(), at: 0, separator }
    }

    fn next_row(&mut self) -> Result<Option<Vec<String>>, String> {
        if self.at >= self.text.len() {
            return Ok(None);
        }
        let (mut row, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        while let Some(&c) = self.text.get(self.at) {
            self.at += 1;
            let next = self.text.get(self.at).copied();
            match c {
                '"' if quoted && next == Some('"') => {
                    cell.push('"');
                    self.at += 1;
                }
                '"' if quoted => quoted = false,
                '"' if cell.is_empty() => quoted = true,
                _ if quoted => cell.push(c),
                '\r' if next == Some('\n') => {}
                '\n' => {
                    row.push(cell);
                    return Ok(Some(row));
                }
                c if c == self.separator => {
                    row.push(std::mem::take(&mut cell));
                    if row.len() > MAX_COLUMNS {
                        return Err(format!("more than {MAX_COLUMNS} columns"));
                    }
                }
                c => cell.push(c),
            }
        }
        if quoted {
            return Err("a quotation mark that is never closed".into());
        }
        row.push(cell);
        Ok(Some(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chats(bytes: &[u8]) -> Vec<Chat> {
        threads(bytes, "x").unwrap().iter().map(|t| Chat::parse(t, "x").unwrap()).collect()
    }

    #[test]
    fn csv_becomes_one_chat_a_pair_in_the_order_of_time() {
        let csv = b"Date Sent,From,To,Direction,Body\r\n2026-03-01 10:01:00,+12025550142,+12025550100,inbound,\"yes, \"\"now\"\"\nplease\"\r\n\
            2026-03-01T10:00:00Z,+12025550100,(202) 555-0142,outbound-api,call you?\r\n\
            2026-03-01T10:00:00Z,+12025550199,+12025550100,inbound,other\r\n";
        // The same line with and without the country code is not told apart here; the subject is found by the store.
        assert!(is_export(csv));
        let all = chats(csv);
        assert!((2..=3).contains(&all.len()));
        let csv = String::from_utf8(csv.to_vec()).unwrap().replace("(202) 555-0142", "+1 202 555 0142");
        let all = chats(csv.as_bytes());
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].turns[0].text, "call you?");
        assert_eq!(all[0].turns[1].text, "yes, \"now\"\nplease");
        let agent = &all[0].parties[all[0].turns[0].party];
        assert_eq!((agent.role, agent.address.as_deref()), (Role::Agent, Some("+12025550100")));
        assert!(all[0].started_at.is_some());
    }

    #[test]
    fn json_exports_are_read_under_several_names() {
        let a = br#"{"messages":[{"from":"+12025550142","to":"+12025550100","body":"hi","date_sent":"Sun, 01 Mar 2026 10:00:00 +0000","direction":"inbound"}]}"#;
        let b =
            br#"[{"sender":"12025550142","recipient":"12025550100","text":"hi","timestamp":1772359200000}]"#;
        for bytes in [a.as_slice(), b.as_slice()] {
            assert!(is_export(bytes));
            let all = chats(bytes);
            assert_eq!((all.len(), all[0].turns.len()), (1, 1));
            assert_eq!(all[0].started_at.unwrap().to_string(), "2026-03-01T10:00:00Z");
        }
    }

    #[test]
    fn hostile_exports_are_refused_without_their_text() {
        let many = format!("from,to,body\n{}", "1234567,7654321,x\n".repeat(MAX_MESSAGES + 1));
        let wide = format!("from,to,body\n{}", "a,".repeat(100_000));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let cases: [&[u8]; 7] = [
            b"",
            b"from,to,body\n\"secret 4111",
            b"from,to\n1,2",
            b"\xff\xfe,to,body\n",
            many.as_bytes(),
            wide.as_bytes(),
            deep.as_bytes(),
        ];
        for bytes in cases {
            let refused = threads(bytes, "x").unwrap_err().to_string();
            assert!(!refused.contains("4111") && refused.len() < 300, "{refused}");
        }
        let pairs: String = (0..=MAX_THREADS).map(|i| format!("{},9999999,x\n", 1_000_000 + i)).collect();
        assert!(threads(format!("from,to,body\n{pairs}").as_bytes(), "x").is_err());
        assert!(!is_export(b"{\"turns\":[]}") && !is_export(b"a,b,c\n1,2,3"));
    }
}

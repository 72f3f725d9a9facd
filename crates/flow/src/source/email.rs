//! E-mail (RFC 5322, MIME): headers that people write and every text part become turns.

use super::MetadataParty;
use crate::{Error, error::Quarantine, error::QuarantineCode};
use callvault_model::{Role, Turn};
use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

/// More parts than this are an attack on the reader.
const MAX_PARTS: usize = 500;

/// Headers of real messages have some kilobytes.
const MAX_HEADER: usize = 1 << 20;

/// An e-mail as text.
pub struct Email {
    /// Sender first, then recipients.
    pub parties: Vec<MetadataParty>,
    /// Subject, then each text part, line by line.
    pub turns: Vec<Turn>,
    /// The first turn is the subject line.
    pub has_subject: bool,
    /// Parts nobody can search; they never pass, they lie in quarantine.
    pub attachments: Vec<Attachment>,
}

/// A part of a message that holds no text.
pub struct Attachment {
    /// As the message called it.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Attachment {
    /// Why it is not shown.
    pub const REASON: &'static str =
        "it holds no text that could be searched; look at it where it came from, or discard it";
}

impl Email {
    /// Parses a message; errors tell what is wrong, never the text.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::Source {
            what: format!("{name}: {what}"),
            cure: "export the message in its original form (RFC 5322, .eml)",
        };
        // Everything before the first empty line; the parser itself knows no limit.
        let head = bytes.windows(2).position(|w| w == b"\n\n" || w == b"\n\r").unwrap_or(bytes.len());
        if head > MAX_HEADER {
            return Err(wrong("a header of more than 1 MiB"));
        }
        let message = MessageParser::default().parse(bytes).ok_or_else(|| wrong("not an e-mail message"))?;
        if message.from().is_none() && message.subject().is_none() {
            return Err(wrong("neither sender nor subject"));
        }
        if message.parts.len() > MAX_PARTS {
            return Err(wrong("more than 500 parts"));
        }
        let mut parties = Vec::new();
        addresses(message.from(), Role::Customer, &mut parties);
        addresses(message.to(), Role::Agent, &mut parties);
        addresses(message.cc(), Role::Unknown, &mut parties);
        parties.truncate(super::metadata::MAX_PARTIES);
        if parties.is_empty() {
            parties.push(MetadataParty { role: Role::Unknown, address: None, name: None });
        }
        let mut turns = Vec::new();
        let subject = message.subject().filter(|s| !s.trim().is_empty());
        turns.extend(subject.map(|s| Turn::typed(0, s)));
        let attachments = body(&message, &mut turns);
        Ok(Self { parties, turns, has_subject: subject.is_some(), attachments })
    }

    /// The reason not to let the whole message pass, for those who cannot set parts apart.
    pub fn unsearchable(&self) -> Option<Quarantine> {
        let n = self.attachments.len();
        (n > 0).then(|| {
            Quarantine::new(
                QuarantineCode::Unsearchable,
                format!("{n} attachment(s) cannot be searched; take them out or decide as a person"),
            )
        })
    }
}

fn addresses(from: Option<&Address<'_>>, role: Role, into: &mut Vec<MetadataParty>) {
    for a in from.iter().flat_map(|a| a.iter()) {
        into.push(MetadataParty {
            role,
            address: a.address().map(str::to_owned),
            name: a.name().map(str::to_owned),
        });
    }
}

/// Every text part becomes turns, so that nothing hides in the alternative that is not shown; the rest is set apart.
fn body(message: &Message<'_>, turns: &mut Vec<Turn>) -> Vec<Attachment> {
    let mut attachments = Vec::new();
    for part in &message.parts {
        let text = match &part.body {
            PartType::Text(text) => text.to_string(),
            PartType::Html(html) => mail_parser::decoders::html::html_to_text(html),
            PartType::Multipart(_) => continue,
            PartType::Binary(_) | PartType::InlineBinary(_) | PartType::Message(_) => {
                attachments
                    .push(Attachment { media_type: media_type(part), bytes: part.contents().to_vec() });
                continue;
            }
        };
        turns.extend(text.lines().map(str::trim_end).filter(|l| !l.is_empty()).map(|l| Turn::typed(0, l)));
    }
    attachments
}

/// The media type a part claims, if it has the form of one; it is kept in clear.
fn media_type(part: &mail_parser::MessagePart<'_>) -> String {
    let word = |w: &str| {
        (1..=40).contains(&w.len())
            && w.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-'))
            // A number of a person has no place in it.
            && w.bytes().filter(u8::is_ascii_digit).count() < 4
    };
    part.content_type()
        .and_then(|t| Some((t.ctype(), t.subtype()?)))
        .filter(|(kind, sub)| word(kind) && word(sub))
        .map_or_else(|| "application/octet-stream".into(), |(k, s)| format!("{k}/{s}").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alternatives_and_the_subject_are_read() {
        let eml = b"From: Dana <dana@example.com>\r\nTo: care@example.org\r\nSubject: my card 4111\r\n\
            MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\
            Content-Type: text/plain\r\n\r\nplain words\r\n--b\r\nContent-Type: text/html\r\n\r\n\
            <p>other <b>words</b></p>\r\n--b--\r\n";
        let mail = Email::parse(eml, "x.eml").unwrap();
        let all: Vec<_> = mail.turns.iter().map(|t| t.text.as_str()).collect();
        assert!(
            all.contains(&"my card 4111") && all.contains(&"plain words") && all.contains(&"other words"),
            "{all:?}"
        );
        assert_eq!(mail.parties.len(), 2);
        assert!(mail.unsearchable().is_none() && mail.has_subject);
    }

    #[test]
    fn an_attachment_is_set_apart() {
        let eml = b"From: a@example.com\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
            --b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=card.png\r\n\
            Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n";
        let mail = Email::parse(eml, "x.eml").unwrap();
        assert_eq!(mail.attachments.len(), 1);
        assert_eq!(
            (mail.attachments[0].media_type.as_str(), mail.attachments[0].bytes.len()),
            ("image/png", 8)
        );
        assert!(mail.unsearchable().is_some() && mail.turns.iter().any(|t| t.text == "hi"));
    }

    #[test]
    fn nested_multiparts_and_huge_headers_end_in_an_error_or_in_text() {
        let mut bomb = String::from("From: a@example.com\r\nSubject: s\r\nMIME-Version: 1.0\r\n");
        for i in 0..5_000 {
            bomb.push_str(&format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n"));
        }
        bomb.push_str("Content-Type: text/plain\r\n\r\nhi\r\n");
        assert!(Email::parse(bomb.as_bytes(), "x.eml").is_err_and(|e| e.to_string().contains("500 parts")));
        let mut inside = String::from("From: a@example.com\r\nSubject: s\r\n");
        for _ in 0..2_000 {
            inside.push_str("Content-Type: message/rfc822\r\n\r\nFrom: a@example.com\r\nSubject: s\r\n");
        }
        assert!(Email::parse(inside.as_bytes(), "x.eml").is_ok_and(|m| m.attachments.len() == 1));
        let long = format!("From: a@example.com\r\nSubject: {}\r\n\r\nhi\r\n", "x".repeat(4 << 20));
        assert!(Email::parse(long.as_bytes(), "x.eml").is_err_and(|e| e.to_string().contains("header")));
        let many = format!("From: a@example.com\r\nTo: {}\r\n\r\nhi\r\n", "b@example.com, ".repeat(50_000));
        assert!(Email::parse(many.as_bytes(), "x.eml").map_or(true, |m| m.parties.len() <= 64));
    }

    #[test]
    fn what_is_no_message_is_an_error_that_names_the_file() {
        assert!(Email::parse(b"", "x.eml").is_err_and(|e| e.to_string().contains("x.eml")));
    }
}

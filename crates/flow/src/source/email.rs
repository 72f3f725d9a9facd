//! E-mail (RFC 5322, MIME): headers that people write and every text part become turns.

use super::MetadataParty;
use crate::{Error, error::Quarantine, error::QuarantineCode};
use callvault_model::{Role, Turn};
use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

/// More parts than this are an attack on the reader.
const MAX_PARTS: usize = 500;

/// An e-mail as text.
pub struct Email {
    /// Sender first, then recipients.
    pub parties: Vec<MetadataParty>,
    /// Subject, then each text part, line by line.
    pub turns: Vec<Turn>,
    /// Parts nobody can search are a reason to look, never to pass.
    pub unsearchable: Option<Quarantine>,
}

impl Email {
    /// Parses a message; errors tell what is wrong, never the text.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::Source {
            what: format!("{name}: {what}"),
            cure: "export the message in its original form (RFC 5322, .eml)",
        };
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
        if let Some(subject) = message.subject() {
            turns.push(Turn::typed(0, subject));
        }
        let unsearchable = body(&message, &mut turns);
        Ok(Self { parties, turns, unsearchable })
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

/// Every text part becomes turns, so that nothing hides in the alternative that is not shown.
fn body(message: &Message<'_>, turns: &mut Vec<Turn>) -> Option<Quarantine> {
    let mut unsearchable = 0usize;
    for part in &message.parts {
        let text = match &part.body {
            PartType::Text(text) => text.to_string(),
            PartType::Html(html) => mail_parser::decoders::html::html_to_text(html),
            PartType::Multipart(_) => continue,
            PartType::Binary(_) | PartType::InlineBinary(_) | PartType::Message(_) => {
                unsearchable += 1;
                continue;
            }
        };
        if part.attachment_name().is_some() {
            unsearchable += 1;
        }
        turns.extend(text.lines().map(str::trim_end).filter(|l| !l.is_empty()).map(|l| Turn::typed(0, l)));
    }
    (unsearchable > 0).then(|| {
        Quarantine::new(
            QuarantineCode::Unsearchable,
            format!("{unsearchable} attachment(s) cannot be searched; take them out or decide as a person"),
        )
    })
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
        assert!(mail.unsearchable.is_none());
    }

    #[test]
    fn an_attachment_sends_the_message_to_quarantine() {
        let eml = b"From: a@example.com\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
            --b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=card.png\r\n\
            Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n";
        assert!(Email::parse(eml, "x.eml").unwrap().unsearchable.is_some());
    }

    #[test]
    fn what_is_no_message_is_an_error_that_names_the_file() {
        assert!(Email::parse(b"", "x.eml").is_err_and(|e| e.to_string().contains("x.eml")));
    }
}

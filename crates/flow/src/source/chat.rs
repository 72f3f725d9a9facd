//! Chats and text messages as JSON: `{"channel":"chat","parties":[…],"turns":[{"party":0,"text":"…"}]}`.

use super::{MetadataParty, metadata::MAX_PARTIES, read_text};
use crate::Error;
use callvault_model::{Channel, Turn};
use jiff::Timestamp;
use serde::Deserialize;
use std::path::Path;

/// A chat as it arrives.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// `chat` or `sms`.
    pub channel: Channel,
    /// RFC 3339.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// Who took part.
    pub parties: Vec<MetadataParty>,
    /// What was written.
    pub turns: Vec<ChatTurn>,
}

/// One message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatTurn {
    /// Index into the parties.
    pub party: usize,
    /// The message.
    pub text: String,
    /// RFC 3339; kept for order only.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// More messages than this are not one conversation.
const MAX_TURNS: usize = 50_000;

impl Chat {
    /// Parses a chat; errors tell the place, never the text.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let wrong = |what: String| Error::Source {
            what: format!("{name}: {what}"),
            cure: "see docs/guide/metadata.md for the form of a chat",
        };
        let chat: Self = serde_json::from_slice(bytes)
            .map_err(|e| wrong(format!("not a valid chat at line {} column {}", e.line(), e.column())))?;
        if !matches!(chat.channel, Channel::Chat | Channel::Sms) {
            return Err(wrong("the channel of a chat file is chat or sms".into()));
        }
        if chat.parties.is_empty() || chat.parties.len() > MAX_PARTIES || chat.turns.len() > MAX_TURNS {
            return Err(wrong(format!("between 1 and {MAX_PARTIES} parties and at most {MAX_TURNS} turns")));
        }
        if let Some(i) = chat.turns.iter().position(|t| t.party >= chat.parties.len()) {
            return Err(wrong(format!("turn {i} names a party that is not listed")));
        }
        Ok(chat)
    }

    /// The turns as the detector reads them.
    pub fn turns(&self) -> Vec<Turn> {
        self.turns.iter().map(|t| Turn::typed(t.party, t.text.clone())).collect()
    }
}

/// Whether a JSON file is a chat, and of which kind; other JSON is not ours.
pub fn peek(path: &Path) -> Result<Option<Channel>, Error> {
    #[derive(Deserialize)]
    struct Head {
        channel: Option<Channel>,
        turns: Option<serde::de::IgnoredAny>,
    }
    let bytes = read_text(path)?;
    Ok(serde_json::from_slice::<Head>(&bytes).ok().and_then(|h| h.turns.and(h.channel)))
}

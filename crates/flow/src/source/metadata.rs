//! The sidecar beside a recording: what the telephone system knew about it.

use crate::Error;
use callvault_model::{Channel, Role};
use jiff::Timestamp;
use serde::Deserialize;
use std::path::Path;

/// `NAME.json` beside `NAME.wav`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Overrules what the file's ending says.
    #[serde(default)]
    pub channel: Option<Channel>,
    /// RFC 3339.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// In the order of the recording's channels.
    #[serde(default)]
    pub parties: Vec<MetadataParty>,
    /// Free notes; never stored, counted as dropped.
    #[serde(default)]
    pub notes: Option<serde::de::IgnoredAny>,
    /// Call detail records; never stored, counted as dropped.
    #[serde(default)]
    pub cdr: Option<serde::de::IgnoredAny>,
}

/// One party as the source system knew it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetadataParty {
    /// The part played.
    pub role: Role,
    /// Telephone number or e-mail address.
    #[serde(default)]
    pub address: Option<String>,
    /// Name.
    #[serde(default)]
    pub name: Option<String>,
}

impl std::fmt::Debug for MetadataParty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [sealed]", self.role.as_str())
    }
}

/// More parties than this in one conversation are a mistake of the source.
pub const MAX_PARTIES: usize = 64;

impl Metadata {
    /// Reads a sidecar.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(&super::read_text(path)?, &path.display().to_string())
    }

    /// Parses a sidecar; errors tell the place, never the text.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, Error> {
        // A list would be taken for the fields in their order.
        let object = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
        let bytes = if object { bytes } else { b"" };
        // serde's message could quote the value, so only the place is told.
        let metadata: Self = serde_json::from_slice(bytes).map_err(|e| Error::Source {
            what: format!("{name}: not valid metadata at line {} column {}", e.line(), e.column()),
            cure: "it holds channel, started_at and parties with role, address and name; see docs/guide/metadata.md",
        })?;
        if metadata.parties.len() > MAX_PARTIES {
            return Err(Error::Source {
                what: format!("{name}: more than {MAX_PARTIES} parties"),
                cure: "split the conversation",
            });
        }
        Ok(metadata)
    }
}

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
        let bytes = super::read_text(path)?;
        // serde's message could quote the value, so only the place is told.
        let metadata: Self = serde_json::from_slice(&bytes).map_err(|e| Error::Source {
            what: format!("{}: not valid metadata at line {} column {}", path.display(), e.line(), e.column()),
            cure: "it holds channel, started_at and parties with role, address and name; see docs/guide/metadata.md",
        })?;
        if metadata.parties.len() > MAX_PARTIES {
            return Err(Error::Source {
                what: format!("{}: more than {MAX_PARTIES} parties", path.display()),
                cure: "split the conversation",
            });
        }
        Ok(metadata)
    }
}

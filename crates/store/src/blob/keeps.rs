//! What may keep the bytes of a file that was deleted from a bucket.

use serde::{Deserialize, Serialize};

/// What a server says of a setting of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Told {
    /// It is on.
    Yes,
    /// It is off.
    No,
    /// It does not say, or not to us.
    Unknown,
}

/// What may keep the bytes of a deleted file in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeps {
    /// The place, in words.
    pub place: String,
    /// Old versions are kept, or some were before.
    pub versions: Told,
    /// What is written cannot be deleted for a time.
    pub locks: Told,
    /// Copies are made elsewhere.
    pub copies: Told,
}

impl Keeps {
    /// Of a place nobody tells anything about.
    pub(crate) fn untold(place: &str) -> Self {
        Self { place: place.into(), versions: Told::Unknown, locks: Told::Unknown, copies: Told::Unknown }
    }

    /// What is on, and what nobody tells, in words; `None` where a deleted file is gone as far as the server says.
    pub fn in_words(&self) -> Option<String> {
        let all = [(self.versions, "versioning"), (self.locks, "object lock"), (self.copies, "replication")];
        let those = |told: Told| {
            let names: Vec<&str> = all.iter().filter(|(t, _)| *t == told).map(|(_, name)| *name).collect();
            (!names.is_empty()).then(|| names.join(", "))
        };
        match (those(Told::Yes), those(Told::Unknown)) {
            (None, None) => None,
            (Some(on), None) => Some(format!("it has {on}")),
            (None, Some(unknown)) => Some(format!("the server does not tell whether it has {unknown}")),
            (Some(on), Some(unknown)) => {
                Some(format!("it has {on}, and the server does not tell whether it has {unknown}"))
            }
        }
    }
}

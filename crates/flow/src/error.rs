//! What stops a conversation on its way, and whether that is a fault or a reason for quarantine.

use std::path::PathBuf;

/// Errors of this crate. None carries words, values or names of people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The vault refused.
    #[error(transparent)]
    Store(#[from] callvault_store::Error),
    /// Audio or its recognition failed.
    #[error(transparent)]
    Speech(#[from] callvault_speech::Error),
    /// A key or cipher failed.
    #[error(transparent)]
    Seal(#[from] callvault_seal::SealError),
    /// The detector could not be built.
    #[error(transparent)]
    Detect(#[from] callvault_detect::Error),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A source is not what its name says.
    #[error("{what}; {cure}")]
    Source {
        /// What is wrong with it.
        what: String,
        /// What to do.
        cure: &'static str,
    },
    /// A transcript names a channel the recording does not have.
    #[error(
        "the transcript speaks of channel {channel}, the recording has {channels}; check that the two belong together"
    )]
    NoSuchChannel {
        /// Zero-based.
        channel: usize,
        /// How many there are.
        channels: usize,
    },
    /// The person stopped the run.
    #[error("stopped; what was finished is kept, `callvault resume` goes on")]
    Cancelled,
}

impl Error {
    /// A file error with its path.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

/// Why a conversation waits for a person. Its original stays sealed; nobody can play it, nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Quarantine {
    /// Stable code.
    pub code: QuarantineCode,
    /// For people; contains nothing of the conversation.
    pub reason: String,
}

/// The stable codes of [`Quarantine`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuarantineCode {
    /// The recording cannot be decoded.
    Undecodable,
    /// Nobody speaks in it.
    NoSpeech,
    /// A language the recogniser does not speak.
    OtherLanguage,
    /// Too much of the voiced time has no trustworthy words.
    Unverifiable,
    /// After the last round something could still be heard or read.
    ProofFailed,
    /// The engine or its model failed.
    EngineFailed,
    /// An attachment or part that cannot be searched.
    Unsearchable,
}

impl QuarantineCode {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::NoSpeech => "no-speech",
            Self::OtherLanguage => "other-language",
            Self::Unverifiable => "unverifiable",
            Self::ProofFailed => "proof-failed",
            Self::EngineFailed => "engine-failed",
            Self::Unsearchable => "unsearchable",
        }
    }
}

impl Quarantine {
    /// A reason with its code.
    pub fn new(code: QuarantineCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

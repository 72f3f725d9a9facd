//! What can go wrong between a file and its words. Every message says what, why and the cure.

/// Errors of this crate. None carries sample values or words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no recording we can read.
    #[error("cannot decode this recording: {0}")]
    Decode(String),
    /// The end is missing.
    #[error("this recording is cut off: {} s are there{}; copy it again, or accept it as it is", secs(.found_ms), .claimed_ms.map_or(String::new(), |c| format!(" of the {} s its header promises", secs(&c))))]
    Truncated {
        /// What can be decoded.
        found_ms: u64,
        /// What the header promises, if it does.
        claimed_ms: Option<u64>,
    },
    /// A limit is exceeded.
    #[error("this recording is too large: {0}")]
    TooLarge(String),
    /// A muted copy could not be made or is not what it must be.
    #[error("muting: {0}")]
    Mute(String),
    /// Reading or writing failed below us.
    #[error("reading or writing the recording failed: {0}; nothing was released")]
    Io(#[from] std::io::Error),
    /// The model is absent, altered or failed.
    #[error("speech model: {0}")]
    Model(String),
    /// An engine (built-in or external) did not do its work.
    #[error("speech engine: {0}")]
    Engine(String),
    /// An imported transcript contradicts itself or the recording.
    #[error("transcript: {0}")]
    Transcript(String),
    /// The caller asked to stop.
    #[error("stopped before the recording was heard to its end, as asked; nothing was kept")]
    Cancelled,
}

impl Error {
    /// No recogniser is installed; the words for it in one place.
    pub fn no_model() -> Self {
        Self::Model(
            "no speech model is installed, so nothing can be heard; run `callvault models pull`, \
             or `callvault models pull --from-file FILE.tgz` on a machine without network"
                .into(),
        )
    }
}

fn secs(ms: &u64) -> String {
    format!("{}.{}", ms / 1000, ms % 1000 / 100)
}

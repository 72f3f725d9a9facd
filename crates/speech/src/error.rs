//! What can go wrong between a file and its words. Every message says what, why and the cure.

/// Errors of this crate. None carries sample values or words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no recording we can read.
    #[error("cannot decode this recording: {0}")]
    Decode(String),
    /// Reading or writing failed below us.
    #[error("reading the recording failed: {0}")]
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
}

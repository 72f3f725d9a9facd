//! What can go wrong in the programme.

use std::path::PathBuf;

/// Errors of this crate. None carries a value or a name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{path}: {source}; check that the file is there and that this account may use it")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of settings, evidence or courses does not say what it must.
    #[error("{path}: {what}; correct that place and run the command again")]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong, with its place.
        what: String,
    },
    /// A report of another program is refused.
    #[error("{path} is not taken in: {what}. Nothing of it was kept; export it again as {wanted}")]
    Import {
        /// Which.
        path: PathBuf,
        /// Why.
        what: String,
        /// What would be taken.
        wanted: &'static str,
    },
    /// A file is not one that may be destroyed this way.
    #[error("{path} is not destroyed: {why}")]
    Kept {
        /// Which.
        path: PathBuf,
        /// Why, and what to do instead.
        why: &'static str,
    },
    /// What is asked about is no number.
    #[error("this is no telephone number; write it with 7 to 15 digits, such as +1 202 555 0142")]
    Number,
    /// A list cannot be judged.
    #[error("the list is not taken: {0}. Nothing of it was kept")]
    List(&'static str),
    /// Public holidays are not taken.
    #[error("{0}; nothing was changed")]
    Holidays(&'static str),
    /// The law's rules refused.
    #[error(transparent)]
    Law(#[from] callvault_law::Error),
    /// The vault's store refused.
    #[error(transparent)]
    Store(#[from] callvault_store::Error),
    /// Keys or files refused.
    #[error(transparent)]
    Seal(#[from] callvault_seal::SealError),
    /// The way of a conversation.
    #[error(transparent)]
    Flow(#[from] callvault_flow::Error),
    /// Sound.
    #[error(transparent)]
    Speech(#[from] callvault_speech::Error),
    /// Data that ships with the program is damaged.
    #[error("the {0} that ships with this program is damaged; install it again")]
    Shipped(&'static str),
}

impl Error {
    /// A file error with its path.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

//! What can go wrong in starting the server; what goes wrong in a request is a [`crate::problem::Problem`].

use std::path::PathBuf;

/// The server could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration makes no sense.
    #[error("{path}: {what}. docs/guide/serve.md lists what may stand there")]
    Config {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A certificate or key cannot be used.
    #[error(
        "{path}: {what}. Give a PEM certificate chain and its PEM private key, or neither for a self-signed one"
    )]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The address is taken or not ours.
    #[error(
        "cannot listen on {address}: {source}. Choose another with --listen or stop the program that holds it"
    )]
    Listen {
        /// Wanted.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}; check that it exists and that this user may use it")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another server has this data directory.
    #[error("{0} is served by another process; stop that one first")]
    Served(PathBuf),
    /// The folder of the control socket is not private.
    #[error(
        "{0} is not a folder of the data's owner alone; look who made it, then remove it and start again"
    )]
    Control(PathBuf),
    /// Somebody else answers at the control socket.
    #[error("{0} is served by another user than the owner of the data; nothing was said to it")]
    Stranger(PathBuf),
    /// A UNIX socket has a short address.
    #[error(
        "{0} is too long for the address of a socket; give --data a shorter path, for example through a symbolic link"
    )]
    LongPath(PathBuf),
    /// The TLS library refused.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// The vault refused.
    #[error(transparent)]
    Store(#[from] callvault_store::Error),
}

impl Error {
    /// A file error with its path.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

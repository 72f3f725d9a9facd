//! Why a service did not do what it was asked, and what helps. Nothing that the service said is repeated: it could be
//! anything.

use std::{fmt, path::PathBuf};

/// What went wrong with a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This program was built without it.
    NotBuilt,
    /// No connection, or no answer in time.
    Unreachable(&'static str),
    /// TLS was not agreed upon.
    Tls,
    /// It answers with another address.
    Redirect,
    /// It is sealed itself.
    Sealed,
    /// What we show it does not suffice.
    Denied,
    /// The signature is not accepted.
    Signature,
    /// It has no such key.
    UnknownKey,
    /// It wants less to do.
    Throttled,
    /// It failed, with this HTTP status.
    Failed(u16),
    /// What the key file holds does not open under this key for this vault.
    Refused,
    /// The answer cannot be used.
    Answer(&'static str),
    /// The key is there and must not be used.
    Unfit(&'static str),
    /// A file with what we show to it, or with the certificates it must show.
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::NotBuilt => {
                "this build of callvault cannot ask it; use one with the feature `transit` or `aws-kms`"
            }
            Self::Unreachable(why) => {
                return write!(
                    f,
                    "it cannot be reached ({why}); look whether it runs, at the network and at the address in the key file"
                );
            }
            Self::Tls => {
                "no secure connection: its certificate is of another name, out of date or of an authority that ca-file does \
                 not hold, or it speaks no TLS; nothing was said to it"
            }
            Self::Redirect => {
                "it sends to another address, which is not followed; name the active server's own address"
            }
            Self::Sealed => "it is sealed itself or not ready; unseal it first",
            Self::Denied => {
                "it refuses what we prove ourselves with: expired, withdrawn, of another namespace or account, or without the \
                 right to use this key; renew it in its file, or grant the right"
            }
            Self::Signature => {
                "it does not accept the signature: the secret key in the credentials file is another one, or the clock of this \
                 machine is wrong"
            }
            Self::UnknownKey => {
                "it has no key of this name in this place; it is never made from here, make it in the service"
            }
            Self::Throttled => "it has too much to do, after several tries; try again later",
            Self::Failed(status) => {
                return write!(f, "it failed (HTTP status {status}); look at its own log");
            }
            Self::Refused => {
                "what the key file holds was not sealed by this key for this vault, or a version of the key is gone. Nothing was \
                 opened"
            }
            Self::Answer(why) => {
                return write!(f, "its answer cannot be used: {why}. Nothing was opened or sealed");
            }
            Self::Unfit(why) => return write!(f, "its key must not protect a vault: {why}"),
            Self::File { path, why } => return write!(f, "{}: {why}", path.display()),
        };
        f.write_str(text)
    }
}

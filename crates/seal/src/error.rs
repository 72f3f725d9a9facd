//! What can go wrong, in words that say what happened, why, and what to do. Nothing secret is in them.

use crate::service::{Fault, Place};
use callvault_model::clock::EntropyError;
use std::{io, path::PathBuf};

/// The errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Authentication failed; on purpose nothing says which part was wrong.
    #[error(
        "sealed data could not be opened: it was changed, belongs elsewhere, or its key is another or destroyed. Nothing was read"
    )]
    Open,
    /// The cipher refused to work.
    #[error(
        "the cipher library refused an operation; nothing was sealed. This is a fault of this program, please report it"
    )]
    Cipher,
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A record above the limit.
    #[error("{len} bytes are too many for one record (limit {limit}); use chunked sealing")]
    TooLong {
        /// What was given.
        len: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The key file would lie with the data.
    #[error(
        "the key file {path} lies inside the data directory; a thief of one would have both. Choose a place outside --data"
    )]
    KeyInsideData {
        /// The refused place.
        path: PathBuf,
    },
    /// Others may read the file.
    #[error(
        "{path} can be read by other users (mode {mode:03o}); run `chmod 600 {path}` and consider the key known to them"
    )]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Never overwritten.
    #[error(
        "{path} exists already and a key file is never overwritten; choose another name or keep using it"
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Not our format, or damaged.
    #[error(
        "{path} is not a callvault {what} of a known version, or it is damaged ({why}); restore it from its own backup or from recovery shares"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// Which kind of file.
        what: &'static str,
        /// The first thing that was wrong.
        why: &'static str,
    },
    /// A passphrase is needed.
    #[error("{path} is protected by a passphrase; name a file that holds it in CALLVAULT_PASSPHRASE_FILE")]
    PassphraseNeeded {
        /// The key file.
        path: PathBuf,
    },
    /// The passphrase does not open the key.
    #[error(
        "the passphrase does not open {path}; check the file named by CALLVAULT_PASSPHRASE_FILE, the key itself may be intact"
    )]
    WrongPassphrase {
        /// The key file.
        path: PathBuf,
    },
    /// A place in a security module that cannot be followed.
    #[error(
        "this is not the URI of a key in a security module: {why}. Write pkcs11:token=NAME;object=KEY?module-path=/LIBRARY.so"
    )]
    HsmUri {
        /// The first thing that was wrong.
        why: &'static str,
    },
    /// The library of the module is not there.
    #[error(
        "{path} could not be loaded as a PKCS #11 library; install the module's own, and name it with module-path="
    )]
    HsmModule {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// No token, or several.
    #[error(
        "the URI of the security module {why}; plug the token in, or look at its label and serial number"
    )]
    HsmToken {
        /// What is wrong.
        why: &'static str,
    },
    /// The key in the module is missing or unfit.
    #[error("the key '{name}' of the security module cannot be used: {why}")]
    HsmKey {
        /// Its label.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The PIN is missing.
    #[error(
        "the key file needs the PIN of its security module; name a private file that holds it in CALLVAULT_PASSPHRASE_FILE, or with pin-source= in the URI"
    )]
    PinNeeded,
    /// The PIN is wrong. Never tried again by itself: a module locks itself after a few.
    #[error(
        "the security module refuses this PIN; it locks itself after a few wrong ones, so look before you try again"
    )]
    WrongPin,
    /// The module said no.
    #[error("the security module failed at {what}: {answer}")]
    Hsm {
        /// What was tried.
        what: &'static str,
        /// The module's function and code.
        answer: String,
    },
    /// A place in a service that cannot be followed.
    #[error(
        "this is not the place of a key in a service: {why}. Write transit:address=https://HOST;key=NAME?ca-file=FILE&token-file=FILE or awskms:region=REGION;key=ARN?credentials-file=FILE"
    )]
    ServiceUri {
        /// The first thing that was wrong.
        why: &'static str,
    },
    /// A service that keeps keys did not do what it was asked.
    #[error("{service} at {host}: {fault}")]
    Service {
        /// Its kind.
        service: &'static str,
        /// Who was asked.
        host: String,
        /// What went wrong.
        fault: Fault,
    },
    /// A passphrase that protects nothing.
    #[error(
        "the passphrase is {why}; use at least 12 characters and at most 1024 bytes of UTF-8 in one line"
    )]
    WeakPassphrase {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The epoch key is not in the keyring.
    #[error(
        "shred epoch {epoch} has no key here: it was destroyed on purpose, or the keyring is not the one of this vault. What it sealed cannot be read"
    )]
    EpochGone {
        /// Its id.
        epoch: String,
    },
    /// Wrong count of shares.
    #[error("recovery shares must be split as k of n with 2 <= k <= n <= 255")]
    ShareCount,
    /// A share does not read.
    #[error("recovery share {number} is mistyped or is not a callvault share; compare it with the paper")]
    ShareFormat {
        /// Counting from one, in the order given.
        number: usize,
    },
    /// Not enough, or not of one set.
    #[error("these shares do not rebuild a key: {why}")]
    ShareSet {
        /// What is missing.
        why: &'static str,
    },
    /// The text is no token.
    #[error("this is not a callvault token; expected tok_<type>_<letters and digits> without a typing error")]
    Token,
    /// The type may not be kept in any form.
    #[error(
        "{0} is sensitive authentication data: card rules forbid to keep it, so it has no token; it is destroyed instead"
    )]
    NeverStored(callvault_model::EntityType),
    /// A name that would escape its directory.
    #[error("'{0}' cannot name a vault; use letters, digits, '-', '_' and '.', not starting with a dot")]
    VaultName(String),
    /// Refused to destroy what is not a plain file.
    #[error("{path} is not a plain file; only plain files are shredded or unlinked here")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl SealError {
    pub(crate) fn io<'a>(
        what: &'static str,
        path: &'a std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}

impl SealError {
    /// Names the service of a fault.
    pub fn service(place: &Place) -> impl FnOnce(Fault) -> Self + '_ {
        move |fault| Self::Service { service: place.name(), host: place.host(), fault }
    }
}

impl From<aws_lc_rs::error::Unspecified> for SealError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Cipher
    }
}

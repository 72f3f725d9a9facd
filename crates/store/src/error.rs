//! What can go wrong in the vault's store.

use std::path::PathBuf;

/// Errors of this crate. None carries a value, a name or a file's content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused.
    #[error(
        "the vault's database failed: {0}. Nothing of this command was kept; run it again once the cause is gone"
    )]
    Database(#[from] crate::db::Error),
    /// A file below the data directory could not be read or written.
    #[error(
        "{path}: {source}. Nothing of this command was kept; check space and permissions of the data directory"
    )]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server that keeps the sealed files.
    #[error("the sealed files in {place}: {why}")]
    Bucket {
        /// Where.
        place: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A key or a cipher failed.
    #[error(transparent)]
    Seal(#[from] callvault_seal::SealError),
    /// The ledger refused.
    #[error("ledger: {0}")]
    Ledger(String),
    /// Random bytes were not to be had.
    #[error(transparent)]
    Entropy(#[from] callvault_model::clock::EntropyError),
    /// Another version wrote this.
    #[error(
        "the vault's database has schema {found}, this program knows {known}; use the matching program version"
    )]
    Schema {
        /// Found in the file.
        found: i64,
        /// What we know.
        known: i64,
    },
    /// SQLite was built without overwriting deletion.
    #[error("this SQLite cannot overwrite what it deletes (secure_delete); the vault refuses to work on it")]
    NoSecureDelete,
    /// There is a vault already.
    #[error("{0} already holds a vault; choose another --data directory")]
    Exists(PathBuf),
    /// A vault was begun and not finished; nothing is in it.
    #[error(
        "the making of the vault in {0} was not finished, and nothing is in it; run `callvault init --data {0}` once more"
    )]
    Unfinished(PathBuf),
    /// There is no vault.
    #[error("{0} holds no vault; create one with `callvault init --data {0}`")]
    Absent(PathBuf),
    /// An old copy of a vault.
    #[error(
        "this data directory is older than the erasures noted beside its key file: somebody who was erased since would live again. If it comes from a backup, bring it back with `callvault restore`, which erases them again"
    )]
    OlderThanErasures,
    /// A place that must be new.
    #[error(
        "{0} exists already; a restore never writes over anything. Choose a new directory, or take the unfinished one away"
    )]
    NotEmpty(PathBuf),
    /// Not a backup of ours, or not a whole one.
    #[error("this is no backup that can be restored: {0}. Nothing was kept; take another backup")]
    Backup(&'static str),
    /// Another process works on it.
    #[error("another callvault process works on {0}; wait for it or stop it")]
    Locked(PathBuf),
    /// Key file and vault do not belong together.
    #[error(
        "the key file belongs to another vault; set CALLVAULT_KEY_FILE to the key written when this vault was made"
    )]
    WrongKey,
    /// The ledger no longer says what was signed.
    #[error(
        "the ledger does not match its last signed checkpoint; run `callvault verify` and restore from a backup"
    )]
    LedgerMismatch,
    /// Unknown conversation.
    #[error("no conversation {0} in this vault; `callvault show` lists them")]
    NoConversation(String),
    /// A state that does not allow the act.
    #[error("conversation {id} is {state}; {needed}")]
    State {
        /// Which.
        id: String,
        /// Where it stands.
        state: String,
        /// What the act needs.
        needed: String,
    },
    /// The key was destroyed.
    #[error("the key of this object was destroyed on {0}; nobody can read it any more")]
    KeyDestroyed(String),
    /// A tenant's key was destroyed.
    #[error(
        "the tenant {name} was ended on {at}: its key is destroyed, and nobody can open its vault any more"
    )]
    TenantEnded {
        /// Its name.
        name: String,
        /// When.
        at: String,
    },
    /// A reader kept the write-ahead log from being emptied.
    #[error(
        "the key's row is deleted, but a reader keeps its old bytes in the write-ahead log; close other programs that read the vault's database and run `callvault resume`"
    )]
    WalBusy,
    /// The destroyed key's bytes were still found.
    #[error("the destroyed key's bytes still stand in {0}; no certificate is issued. Run `callvault resume`")]
    Residue(PathBuf),
    /// A person or a key was refused.
    #[error(transparent)]
    Denied(Box<crate::Denied>),
    /// A password, code or passkey does not do.
    #[error(transparent)]
    Factor(#[from] callvault_policy::factor::FactorError),
    /// What is kept does not allow it.
    #[error(transparent)]
    Refused(#[from] crate::Refused),
    /// Stored data makes no sense.
    #[error("the vault's database holds a row that cannot be: {0}")]
    Corrupt(&'static str),
}

impl Error {
    /// The refusal, where somebody was refused.
    pub fn denied(&self) -> Option<&crate::Denied> {
        match self {
            Self::Denied(denied) => Some(denied),
            _ => None,
        }
    }

    /// A file error with its path.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

//! Keys and ciphers. The only crate that names a cipher.
//!
//! Every seal binds who and what it belongs to ([`Aad`]); opening with anything changed gives the one
//! error [`SealError::Open`], which never tells which part was wrong.

pub mod aad;
pub mod backup;
pub mod chunked;
pub mod digest;
mod entropy;
pub mod envelope;
pub mod erasures;
mod error;
pub mod files;
pub mod hsm;
pub mod index;
mod key;
pub mod keyfile;
pub mod keyring;
mod parts;
mod primitive;
pub mod service;
pub mod shares;
pub mod sign;
mod text;
pub mod token;

pub use aad::Aad;
pub use backup::BackupKey;
pub use digest::{Hashed, Sha256, hmac_sha256, sha256, sha256_reader};
pub use entropy::{Drawn, OsEntropy};
pub use envelope::{RecordKey, open, rewrap_key, seal, unwrap_key, wrap_key};
pub use erasures::{Erasure, Erasures};
pub use error::SealError;
pub use index::{blind_index, commitment};
pub use key::{Key256, derive, kek};
pub use keyfile::{Protected, Protection, Root, default_key_path, read_passphrase, read_private_file};
pub use keyring::{Epoch, Keyring};
pub use service::{Fault, KeyService, KeyServices, NoServices};
pub use sign::SigningKey;
pub use text::hex;
pub use token::{Token, TokenType};

#[cfg(test)]
mod known;
#[cfg(test)]
mod vectors;

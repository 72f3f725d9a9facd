//! A root key that opens only through a service: the transit engine of OpenBao or HashiCorp Vault, or AWS KMS.
//!
//! The service never has the root key. It seals a key of 256 bits that was made for this one key file, bound to the id of
//! the vault; under that key the root key is wrapped here, bound to the vault and to the place. So a wrong answer of the
//! service opens nothing, and a copy of the key file is worth nothing without the service.
//!
//! This crate speaks to no network: who opens a vault hands in what does ([`KeyServices`]).

mod fault;
mod place;

pub use fault::Fault;
pub use place::{Address, AwsKms, Login, Place, Transit};

use crate::{
    Key256, SealError,
    envelope::{Format, open_key, seal_as},
};
use callvault_model::{Entropy, id::VaultId};
use std::fmt;

/// What a service is told that it seals: the same words in the associated data of transit and in the context of KMS.
pub const PURPOSE: &str = "callvault.root-key.v1";
/// Longer than what any service makes of 32 bytes.
const MAX_SEALED: usize = 1024;

/// A key in a service.
pub trait KeyService: fmt::Debug {
    /// Where it is.
    fn place(&self) -> &Place;

    /// Seals a key for a vault: the service's own form, ASCII without spaces. Refuses a key of the service that could
    /// leave it or be taken away.
    fn seal(&self, vault: VaultId, key: &Key256) -> Result<String, Fault>;

    /// Opens what [`KeyService::seal`] gave for this vault.
    fn open(&self, vault: VaultId, sealed: &str) -> Result<Key256, Fault>;
}

/// Finds the service of a place.
pub trait KeyServices {
    /// Reads what is needed to speak to it, and says nothing to it yet.
    fn at(&self, place: &Place) -> Result<Box<dyn KeyService>, Fault>;
}

/// There is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoServices;

impl KeyServices for NoServices {
    fn at(&self, _: &Place) -> Result<Box<dyn KeyService>, Fault> {
        Err(Fault::NotBuilt)
    }
}

/// The lines of a key file behind the place: what the service sealed, and the root key under it. Both are opened again.
pub(crate) fn sealed(
    service: &dyn KeyService,
    vault: VaultId,
    root: &Key256,
    entropy: &dyn Entropy,
) -> Result<(String, Vec<u8>), SealError> {
    let place = service.place();
    let under = Key256::random(entropy)?;
    let sealed = service.seal(vault, &under).map_err(SealError::service(place))?;
    let printable = sealed.bytes().all(|b| b.is_ascii_graphic());
    if sealed.is_empty() || sealed.len() > MAX_SEALED || !printable {
        return Err(SealError::service(place)(Fault::Answer(
            "what it sealed is no text that a key file can keep",
        )));
    }
    let wrapped = seal_as(Format::Key, &under, &context(vault, place), root.expose(), entropy)?;
    Ok((sealed, wrapped))
}

/// Opens them.
pub(crate) fn opened(
    service: &dyn KeyService,
    vault: VaultId,
    sealed: &str,
    wrapped: &[u8],
) -> Result<Key256, SealError> {
    let place = service.place();
    let under = service.open(vault, sealed).map_err(SealError::service(place))?;
    open_key(&under, &context(vault, place), wrapped)
}

/// The files and the address of a place may change; the key in the service may not.
fn context(vault: VaultId, place: &Place) -> Vec<u8> {
    let mut out = b"callvault.root.service.v1\0".to_vec();
    out.extend_from_slice(vault.as_bytes());
    out.extend_from_slice(place.key_of_service().as_bytes());
    out
}

#[cfg(test)]
mod tests;

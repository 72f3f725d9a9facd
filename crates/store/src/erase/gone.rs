//! What an erasure destroyed is looked for before anybody is told that it is gone.

use super::Erased;
use crate::{Error, Vault};
use callvault_model::id::ObjectId;

/// What must not be found any more.
#[derive(Default)]
pub(super) struct Gone {
    pub(super) needles: Vec<Vec<u8>>,
    pub(super) originals: Vec<ObjectId>,
}

/// People erased, and nobody has looked yet whether it is gone.
#[must_use = "what was erased is not proven to be gone"]
pub struct Unproven<'a> {
    pub(super) vault: &'a Vault,
    pub(super) erased: Vec<Erased>,
    pub(super) gone: Gone,
}

impl Unproven<'_> {
    /// Looks for what was destroyed in every database file, and takes the sealed files away whose key is gone.
    pub fn prove(self) -> Result<Vec<Erased>, Error> {
        let vault = self.vault;
        vault.prove_gone(&self.gone.needles)?;
        vault.remove_blobs(&self.gone.originals)?;
        vault.remove_dead_blobs()?;
        Ok(self.erased)
    }
}

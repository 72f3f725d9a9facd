//! Where audio rests while it is worked on: sealed under a key that lives in this process alone.

use crate::Error;
use callvault_model::{Entropy, id::TenantId};
use callvault_seal::OsEntropy;
use callvault_speech::decode::{Limits, Recording};
use callvault_store::SealedBlob;
use std::{io::Write, path::PathBuf};

/// A folder for sealed files. Below a vault it is the vault's own, so that a file can stay where it was written.
pub struct Scratch<'a> {
    dir: PathBuf,
    tenant: TenantId,
    entropy: OsEntropy,
    limits: &'a Limits,
}

impl<'a> Scratch<'a> {
    /// Sealed files go below `dir`, bound to `tenant`.
    pub fn new(dir: PathBuf, tenant: TenantId, limits: &'a Limits) -> Self {
        Self { dir, tenant, entropy: OsEntropy, limits }
    }

    /// Seals what `fill` writes; the file goes away with the value.
    pub fn write(&self, fill: impl FnOnce(&mut dyn Write) -> Result<(), Error>) -> Result<SealedBlob, Error> {
        SealedBlob::scratch(&self.dir, self.tenant, &self.entropy as &dyn Entropy, fill)
    }

    /// Opens a sealed recording.
    pub fn recording(&self, blob: &SealedBlob) -> Result<Recording, Error> {
        Ok(Recording::open(Box::new(blob.reader()?), Some("muted.wav"), self.limits)?)
    }

    /// The limits for recordings.
    pub fn limits(&self) -> &Limits {
        self.limits
    }
}

//! What the tests of ways in and of corrections share: a vault, a detector, no engine.

use crate::tools::Tools;
use callvault_detect::{Detector, Profile};
use callvault_model::{Clock, Id, SystemClock};
use callvault_seal::OsEntropy;
use callvault_store::{Actor, NewVault, Vault, settings::Measured};
use std::sync::{Arc, atomic::AtomicBool};

pub const BY: Actor = Actor::LocalOperator;

pub struct Place {
    pub dir: tempfile::TempDir,
    pub vault: Vault,
    pub detector: Detector,
    pub cancel: AtomicBool,
}

pub fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let new = NewVault {
        dir: &dir.path().join("data"),
        key_file: &dir.path().join("keys/v.key"),
        protection: callvault_store::Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let id = Id::new(&SystemClock, &OsEntropy).unwrap();
    let vault = Vault::init(&new, id, clock, "local-operator").unwrap().vault;
    let detector = Detector::new(Profile::Default).unwrap();
    Place { dir, vault, detector, cancel: AtomicBool::new(false) }
}

impl Place {
    pub fn tools(&self) -> Tools<'_> {
        Tools { detector: &self.detector, first: None, again: None, cancel: &self.cancel }
    }

    pub fn disposing(self) -> Self {
        self.vault.enable_disposal(&BY, None, Measured::new(100, 100), 0).unwrap();
        self
    }

    /// The program starts again.
    pub fn reopen(self) -> Self {
        let Self { dir, vault, detector, cancel } = self;
        drop(vault);
        let (data, key) = (dir.path().join("data"), dir.path().join("keys/v.key"));
        let vault = Vault::open(&data, &key, None, Arc::new(SystemClock), "local-operator").unwrap();
        Self { dir, vault, detector, cancel }
    }
}

/// A stereo WAV, 8 kHz, in which every sample sounds.
pub fn wav(ms: u32) -> Vec<u8> {
    let frames = ms * 8;
    let data = frames * 4;
    let mut out = Vec::new();
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + data).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    out.extend_from_slice(&8_000u32.to_le_bytes());
    out.extend_from_slice(&32_000u32.to_le_bytes());
    out.extend_from_slice(b"\x04\0\x10\0data");
    out.extend_from_slice(&data.to_le_bytes());
    for i in 0..frames {
        for channel in 0..2 {
            let level = if (i / 4 + channel) % 2 == 0 { 6_000i16 } else { -6_000 };
            out.extend_from_slice(&level.to_le_bytes());
        }
    }
    out
}

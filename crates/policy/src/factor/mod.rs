//! How somebody proves who they are: password, one-time code, recovery code, passkey, and the tokens that stand for a
//! session, an invitation or a service. Pure: randomness and time are parameters, keeping is the caller's.

mod base32;
pub mod passkey;
pub mod password;
pub mod recovery;
pub mod token;
pub mod totp;

use callvault_model::clock::EntropyError;

/// Why a factor was not made or not accepted. Says nothing of what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FactorError {
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The new password is not acceptable.
    #[error(transparent)]
    Weak(#[from] password::Weak),
    /// A stored hash is not one that this program writes.
    #[error(
        "the stored password hash is damaged or was made with other parameters, so nobody can sign in with it. Send a new invitation"
    )]
    StoredHash,
    /// The machine has no memory left for hashing.
    #[error("there is not enough memory to check a password now; nothing was decided. Try again shortly")]
    Memory,
    /// A stored secret of one-time codes is damaged.
    #[error(
        "the stored secret of the authenticator app is damaged, so its codes cannot be checked. Set the app up again"
    )]
    StoredSecret,
    /// The code is wrong.
    #[error("the code is wrong or too old. Type the code that the app shows now")]
    WrongCode,
    /// The code was used before.
    #[error("this code was used before; each works once. Wait for the next one")]
    UsedCode,
    /// A passkey ceremony failed.
    #[error(transparent)]
    Passkey(#[from] passkey::Refused),
}

impl FactorError {
    /// The stable code, as the ledger and the API name it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Entropy(_) => "no_entropy",
            Self::Weak(weak) => weak.code(),
            Self::StoredHash => "stored_hash",
            Self::Memory => "no_memory",
            Self::StoredSecret => "stored_secret",
            Self::WrongCode => "wrong_code",
            Self::UsedCode => "used_code",
            Self::Passkey(refused) => refused.code(),
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! What the tests of the factors share.
    use callvault_model::{Entropy, clock::EntropyError};
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Different bytes at each call, the same in each run.
    #[derive(Default)]
    pub struct Counting(AtomicU64);

    impl Entropy for Counting {
        fn fill(&self, out: &mut [u8]) -> Result<(), EntropyError> {
            use sha2::{Digest, Sha256};
            for chunk in out.chunks_mut(32) {
                let hash = Sha256::digest(self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
                chunk.copy_from_slice(&hash[..chunk.len()]);
            }
            Ok(())
        }
    }

    /// The operating system refuses.
    pub struct Dry;

    impl Entropy for Dry {
        fn fill(&self, _: &mut [u8]) -> Result<(), EntropyError> {
            Err(EntropyError)
        }
    }
}

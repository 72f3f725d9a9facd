//! C2SP checkpoints (<https://c2sp.org/tlog-checkpoint>): the signed statement of size and root.

use crate::{Hash, LedgerError, Signer, VerifierKey, note};
use base64::{Engine, engine::general_purpose::STANDARD};

/// How long the ledger was, and its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Names the ledger.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
}

impl Checkpoint {
    /// The three lines that are signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.0))
    }

    /// The signed note.
    pub fn sign(&self, signer: &dyn Signer) -> Result<String, LedgerError> {
        if self.origin != signer.name() {
            return Err(LedgerError::Note("the origin and the name of the signing key differ"));
        }
        note::sign(&self.text(), signer)
    }

    /// The checkpoint in a note that the key has signed; its origin must be the key's name.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, LedgerError> {
        let checkpoint = Self::parse(note::open(note, key)?)?;
        if checkpoint.origin == key.name() {
            Ok(checkpoint)
        } else {
            Err(LedgerError::Note("it is of another ledger than the key"))
        }
    }

    fn parse(text: &str) -> Result<Self, LedgerError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(LedgerError::Note("origin, size or root is missing"));
        };
        let number: u64 = size.parse().map_err(|_| LedgerError::Note("the size is not a number"))?;
        let root = STANDARD.decode(root).ok().and_then(|r| <[u8; 32]>::try_from(r).ok());
        let root = Hash(root.ok_or(LedgerError::Note("the root is not a hash"))?);
        // Extension lines are not auditable; this ledger writes none and accepts none.
        if origin.is_empty()
            || number.to_string() != size
            || lines.next() != Some("")
            || lines.next().is_some()
        {
            return Err(LedgerError::Note("it has an empty origin, an odd size or extra lines"));
        }
        Ok(Self { origin: origin.to_owned(), size: number, root })
    }
}

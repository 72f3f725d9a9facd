//! How a medium may end. Levels are those of NIST SP 800-88 Rev. 2; techniques are named as IEEE 2883 and shredding firms
//! name them. A combination that does not reach its level is refused.

use serde::{Deserialize, Serialize};

/// A closed list of codes with words for people.
pub trait Code: Copy + PartialEq + 'static {
    /// Each with its stable code and its words.
    const TABLE: &'static [(Self, &'static str, &'static str)];

    /// The stable code.
    fn as_str(self) -> &'static str {
        Self::TABLE.iter().find(|(v, ..)| *v == self).map_or("", |(_, code, _)| code)
    }

    /// In words.
    fn words(self) -> &'static str {
        Self::TABLE.iter().find(|(v, ..)| *v == self).map_or("", |(.., words)| words)
    }

    /// From its code.
    fn parse(code: &str) -> Option<Self> {
        Self::TABLE.iter().find(|(_, c, _)| *c == code).map(|(v, ..)| *v)
    }
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MediumKind {
    /// Magnetic disk.
    #[serde(rename = "hdd")]
    Hdd,
    /// Solid-state drive.
    #[serde(rename = "ssd")]
    Ssd,
    /// USB stick or memory card.
    #[serde(rename = "usb")]
    Usb,
    /// Magnetic tape.
    #[serde(rename = "tape")]
    Tape,
    /// CD, DVD or Blu-ray.
    #[serde(rename = "optical")]
    Optical,
    /// Telephone or tablet.
    #[serde(rename = "phone")]
    Phone,
    /// Paper.
    #[serde(rename = "paper")]
    Paper,
}

impl Code for MediumKind {
    const TABLE: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Hdd, "hdd", "magnetic disk"),
        (Self::Ssd, "ssd", "solid-state drive"),
        (Self::Usb, "usb", "USB stick or memory card"),
        (Self::Tape, "tape", "magnetic tape"),
        (Self::Optical, "optical", "CD, DVD or Blu-ray"),
        (Self::Phone, "phone", "telephone or tablet"),
        (Self::Paper, "paper", "paper"),
    ];
}

/// What it may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Holds {
    /// Recordings or messages as they were said.
    #[serde(rename = "originals")]
    Originals,
    /// Muted or masked conversations.
    #[serde(rename = "redacted")]
    Redacted,
    /// A vault's data directory.
    #[serde(rename = "vault")]
    Vault,
    /// Keys or recovery shares.
    #[serde(rename = "keys")]
    Keys,
    /// Backups.
    #[serde(rename = "backup")]
    Backup,
    /// Notes, lists, printouts.
    #[serde(rename = "notes")]
    Notes,
    /// Unknown; taken for originals.
    #[serde(rename = "unknown")]
    Unknown,
}

impl Code for Holds {
    const TABLE: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Originals, "originals", "recordings or messages as they were said"),
        (Self::Redacted, "redacted", "muted or masked conversations"),
        (Self::Vault, "vault", "a vault's data directory"),
        (Self::Keys, "keys", "keys or recovery shares"),
        (Self::Backup, "backup", "backups"),
        (Self::Notes, "notes", "notes, lists, printouts"),
        (Self::Unknown, "unknown", "unknown; taken for originals"),
    ];
}

/// Whether everything on it was encrypted before it was first written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Encrypted {
    /// Encrypted before it was first written.
    #[serde(rename = "yes")]
    Yes,
    /// Not encrypted.
    #[serde(rename = "no")]
    No,
    /// Not known.
    #[serde(rename = "unknown")]
    Unknown,
}

impl Code for Encrypted {
    const TABLE: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Yes, "yes", "encrypted before it was first written"),
        (Self::No, "no", "not encrypted"),
        (Self::Unknown, "unknown", "not known"),
    ];
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MediumState {
    /// In use.
    #[serde(rename = "in_use")]
    InUse,
    /// Stored.
    #[serde(rename = "stored")]
    Stored,
    /// With a carrier or firm.
    #[serde(rename = "sent")]
    Sent,
    /// Lost.
    #[serde(rename = "lost")]
    Lost,
    /// Recorded as sanitised, not witnessed yet.
    #[serde(rename = "unwitnessed")]
    Unwitnessed,
    /// Sanitised, witnessed.
    #[serde(rename = "ended")]
    Ended,
}

impl Code for MediumState {
    const TABLE: &'static [(Self, &'static str, &'static str)] = &[
        (Self::InUse, "in_use", "in use"),
        (Self::Stored, "stored", "stored"),
        (Self::Sent, "sent", "with a carrier or firm"),
        (Self::Lost, "lost", "lost"),
        (Self::Unwitnessed, "unwitnessed", "recorded as sanitised, not witnessed yet"),
        (Self::Ended, "ended", "sanitised, witnessed"),
    ];
}

/// How far (NIST SP 800-88 Rev. 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Clear: against simple recovery by ordinary means.
    #[serde(rename = "clear")]
    Clear,
    /// Purge: against recovery in a laboratory, the medium can be used again.
    #[serde(rename = "purge")]
    Purge,
    /// Destroy: the medium cannot be used again.
    #[serde(rename = "destroy")]
    Destroy,
}

impl Code for Level {
    const TABLE: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Clear, "clear", "Clear: against simple recovery by ordinary means"),
        (Self::Purge, "purge", "Purge: against recovery in a laboratory, the medium can be used again"),
        (Self::Destroy, "destroy", "Destroy: the medium cannot be used again"),
    ];
}

/// By which means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Technique {
    /// Overwritten once over every addressable block.
    #[serde(rename = "overwrite")]
    Overwrite,
    /// Reset by its maker's function.
    #[serde(rename = "factory_reset")]
    Reset,
    /// The drive's own sanitize command (block erase or overwrite).
    #[serde(rename = "sanitize_command")]
    Sanitize,
    /// Cryptographic erase: every copy of the key destroyed.
    #[serde(rename = "crypto_erase")]
    CryptoErase,
    /// Degaussed.
    #[serde(rename = "degauss")]
    Degauss,
    /// Shredded.
    #[serde(rename = "shred")]
    Shred,
    /// Cross-cut.
    #[serde(rename = "cross_cut")]
    CrossCut,
    /// Disintegrated.
    #[serde(rename = "disintegrate")]
    Disintegrate,
    /// Incinerated.
    #[serde(rename = "incinerate")]
    Incinerate,
    /// Pulped.
    #[serde(rename = "pulp")]
    Pulp,
}

impl Code for Technique {
    const TABLE: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Overwrite, "overwrite", "overwritten once over every addressable block"),
        (Self::Reset, "factory_reset", "reset by its maker's function"),
        (Self::Sanitize, "sanitize_command", "the drive's own sanitize command (block erase or overwrite)"),
        (Self::CryptoErase, "crypto_erase", "cryptographic erase: every copy of the key destroyed"),
        (Self::Degauss, "degauss", "degaussed"),
        (Self::Shred, "shred", "shredded"),
        (Self::CrossCut, "cross_cut", "cross-cut"),
        (Self::Disintegrate, "disintegrate", "disintegrated"),
        (Self::Incinerate, "incinerate", "incinerated"),
        (Self::Pulp, "pulp", "pulped"),
    ];
}

/// How that was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verification {
    /// Every block read back.
    #[serde(rename = "full_read")]
    FullRead,
    /// A random sample of blocks read back.
    #[serde(rename = "sample_read")]
    Sample,
    /// The drive's own report of completion.
    #[serde(rename = "device_report")]
    Device,
    /// Looked at by the person who recorded it.
    #[serde(rename = "inspected")]
    Inspected,
    /// The firm's certificate.
    #[serde(rename = "firm_report")]
    Firm,
}

impl Code for Verification {
    const TABLE: &'static [(Self, &'static str, &'static str)] = &[
        (Self::FullRead, "full_read", "every block read back"),
        (Self::Sample, "sample_read", "a random sample of blocks read back"),
        (Self::Device, "device_report", "the drive's own report of completion"),
        (Self::Inspected, "inspected", "looked at by the person who recorded it"),
        (Self::Firm, "firm_report", "the firm's certificate"),
    ];
}

/// Whether this kind of medium reaches this level so; the error says why not and what would.
pub fn check(
    kind: MediumKind,
    encrypted: Encrypted,
    level: Level,
    technique: Technique,
    verification: Verification,
) -> Result<(), &'static str> {
    use {Level as L, MediumKind as K, Technique as T, Verification as V};
    let flash = matches!(kind, K::Ssd | K::Usb | K::Phone);
    let reached = match technique {
        T::Overwrite | T::Reset => L::Clear,
        T::Sanitize | T::CryptoErase | T::Degauss => L::Purge,
        T::Shred | T::CrossCut | T::Disintegrate | T::Incinerate | T::Pulp => L::Destroy,
    };
    if level > reached {
        return Err("this technique does not reach this level; record the level it reaches");
    }
    if level < reached {
        return Err("this technique reaches more than this level; record the level it reaches");
    }
    let fits = match technique {
        T::Overwrite => matches!(kind, K::Hdd | K::Tape) || flash,
        T::Reset => kind == K::Phone,
        T::Sanitize => matches!(kind, K::Hdd | K::Ssd),
        T::CryptoErase => !matches!(kind, K::Paper | K::Optical),
        T::Degauss => matches!(kind, K::Hdd | K::Tape),
        T::CrossCut => matches!(kind, K::Paper | K::Optical),
        T::Pulp => kind == K::Paper,
        T::Shred | T::Disintegrate | T::Incinerate => true,
    };
    if !fits {
        return Err(
            "this technique does nothing to this kind of medium; flash is not magnetic, and paper has no blocks",
        );
    }
    if technique == T::CryptoErase && encrypted != Encrypted::Yes {
        return Err(
            "a cryptographic erase counts only where everything was encrypted before it was first written",
        );
    }
    let verified = match technique {
        T::Overwrite => matches!(verification, V::FullRead | V::Sample),
        T::Reset | T::Sanitize | T::CryptoErase => {
            matches!(verification, V::FullRead | V::Sample | V::Device)
        }
        T::Degauss | T::Shred | T::CrossCut | T::Disintegrate | T::Incinerate | T::Pulp => {
            matches!(verification, V::Inspected | V::Firm)
        }
    };
    if verified { Ok(()) } else { Err("this verification cannot show that this technique worked") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_physics_does_not_bear_is_refused() {
        use {Encrypted as E, Level as L, MediumKind as K, Technique as T, Verification as V};
        check(K::Hdd, E::No, L::Clear, T::Overwrite, V::FullRead).unwrap();
        check(K::Hdd, E::No, L::Purge, T::Degauss, V::Inspected).unwrap();
        check(K::Ssd, E::Yes, L::Purge, T::CryptoErase, V::Device).unwrap();
        check(K::Paper, E::No, L::Destroy, T::CrossCut, V::Inspected).unwrap();
        for (kind, enc, level, technique, verification, why) in [
            (K::Ssd, E::No, L::Purge, T::Degauss, V::Inspected, "not magnetic"),
            (K::Hdd, E::No, L::Destroy, T::Degauss, V::Inspected, "does not reach"),
            (K::Ssd, E::No, L::Purge, T::Overwrite, V::FullRead, "does not reach"),
            (K::Ssd, E::Unknown, L::Purge, T::CryptoErase, V::Device, "before it was first written"),
            (K::Paper, E::No, L::Clear, T::Overwrite, V::FullRead, "no blocks"),
            (K::Hdd, E::No, L::Destroy, T::Shred, V::Device, "cannot show"),
            (K::Hdd, E::No, L::Clear, T::Shred, V::Inspected, "more than"),
        ] {
            assert!(check(kind, enc, level, technique, verification).unwrap_err().contains(why), "{why}");
        }
        for (kind, code, _) in K::TABLE {
            assert_eq!((K::parse(code), kind.as_str()), (Some(*kind), *code));
        }
    }
}

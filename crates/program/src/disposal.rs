//! Destroying one file or one drive, and saying honestly what that is worth.
//!
//! Overwriting reaches the blocks that the file system gives today. Journals, snapshots, copies on write and flash
//! translation layers keep others; the certificate names them instead of claiming more (NIST SP 800-88 Rev. 2 calls a
//! medium cleared, not a file).

pub mod device;
pub mod medium;
pub mod tenant;

use crate::{
    Error,
    signed::{self, Signed, Unproven},
};
use callvault_ledger::Kind;
use callvault_model::id::CertificateId;
use callvault_seal::{files, sha256_reader};
use callvault_store::Vault;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::Path,
};

/// Names the form of the certificate.
pub const FORMAT: &str = "callvault-file-disposal-1";

/// What is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Every addressable block of a drive was overwritten and read back: Clear.
    Clear,
    /// The blocks of this file were overwritten in place: Clear, for this file alone.
    ClearFile,
    /// The file is gone; nothing is claimed about its blocks.
    None,
}

impl Level {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::ClearFile => "clear_file",
            Self::None => "none",
        }
    }
}

/// What can be known about where a file lies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// The file system by name, or its number.
    pub file_system: String,
    /// Flash, as far as the kernel tells.
    pub flash: Option<bool>,
    /// Other names of the same file, which now lead to an empty one.
    pub other_links: u64,
}

/// What a certificate says; its hash stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Names the form.
    pub format: String,
    /// Its id.
    pub id: String,
    /// The vault that signed.
    pub vault: String,
    /// When.
    pub issued_at: String,
    /// The file's name, masked by the detector.
    pub file: String,
    /// SHA-256 of what was destroyed.
    pub content_sha256: String,
    /// Bytes overwritten and read back.
    pub bytes: u64,
    /// What was done.
    pub method: String,
    /// How that was verified.
    pub verification: String,
    /// Where it lay.
    pub ground: Ground,
    /// What is claimed.
    pub level: Level,
    /// Why no more is claimed.
    pub limits: Vec<String>,
    /// Who ordered it.
    pub ordered_by: String,
    /// Why, masked by the detector.
    pub reason: String,
}

/// The certificate of a destroyed file.
pub type Certificate = Signed<Statement>;

impl signed::Statement for Statement {
    const FORMAT: &'static str = FORMAT;
    const KIND: Kind = Kind::SourceDisposed;

    fn format(&self) -> &str {
        &self.format
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn about(&self) -> Vec<(&'static str, &str)> {
        vec![("medium", "file"), ("level", self.level.as_str())]
    }
}

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its name as it may be shown.
    pub shown: &'a str,
    /// Why, as it may be kept.
    pub reason: &'a str,
    /// Who.
    pub by: &'a str,
}

/// Destroys a file and certifies it.
pub fn file(vault: &Vault, order: &Order<'_>) -> Result<Certificate, Error> {
    let kept = |why| Error::Kept { path: order.path.to_owned(), why };
    let real = fs::canonicalize(order.path).map_err(Error::file(order.path))?;
    let data = fs::canonicalize(vault.dir()).map_err(Error::file(vault.dir()))?;
    if real.starts_with(&data) {
        return Err(kept(
            "it belongs to the vault; `callvault dispose conversation` destroys what lies there",
        ));
    }
    let meta = fs::symlink_metadata(order.path).map_err(Error::file(order.path))?;
    if !meta.is_file() {
        return Err(kept("it is no plain file; name the file itself, links are not followed"));
    }
    let ground = ground(order.path, &meta);
    let (content, _) = File::open(order.path).and_then(sha256_reader).map_err(Error::file(order.path))?;
    let shredded = files::shred_file_checked(order.path)?;
    let ground = Ground { other_links: shredded.other_links, ..ground };
    let (level, limits) = judge(&ground);
    let id = CertificateId::new(vault.clock(), &callvault_seal::OsEntropy)
        .map_err(callvault_store::Error::from)?;
    let statement = Statement {
        format: FORMAT.into(),
        id: id.to_string(),
        vault: vault.id().to_string(),
        issued_at: vault.clock().now().to_string(),
        file: order.shown.to_owned(),
        content_sha256: callvault_store::hex(&content),
        bytes: shredded.bytes,
        method: "overwritten once with zeros, flushed, emptied, unlinked, the folder flushed".into(),
        verification: "every byte read back as zero through the system's cache before the file was emptied"
            .into(),
        ground,
        level,
        limits,
        ordered_by: order.by.to_owned(),
        reason: order.reason.to_owned(),
    };
    let signed = Unproven::sign(vault, statement)?;
    let proof = vault.announce_media(id, &signed.hash, "file", level.as_str())?;
    Ok(signed.proven(proof))
}

/// File systems by their number (statfs(2)).
const KNOWN: &[(u64, &str)] = &[
    (0xEF53, "ext4"),
    (0x5846_5342, "xfs"),
    (0x9123_683E, "btrfs"),
    (0x2FC1_2FC1, "zfs"),
    (0x0102_1994, "tmpfs"),
    (0x794C_7630, "overlayfs"),
    (0x6969, "nfs"),
    (0xFF53_4D42, "cifs"),
    (0xFE53_4D42, "smb2"),
    (0xF2F5_2010, "f2fs"),
    (0x6573_5546, "fuse"),
    (0x4D44, "vfat"),
    (0x2011_BAB0, "exfat"),
];

fn ground(path: &Path, meta: &fs::Metadata) -> Ground {
    let magic =
        rustix::fs::statfs(path).ok().and_then(|s| u64::try_from(s.f_type).ok()).map(|m| m & 0xFFFF_FFFF);
    let name = magic.and_then(|m| KNOWN.iter().find(|(number, _)| *number == m));
    let file_system = match (name, magic) {
        (Some((_, name)), _) => (*name).to_owned(),
        (None, Some(number)) => format!("0x{number:x}"),
        (None, None) => "unknown".to_owned(),
    };
    let (major, minor) = (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev()));
    let device = Path::new("/sys/dev/block").join(format!("{major}:{minor}"));
    // A partition keeps the queue of its disk one level up.
    let flash = ["queue/rotational", "../queue/rotational"]
        .iter()
        .find_map(|p| fs::read_to_string(device.join(p)).ok())
        .map(|text| text.trim() == "0")
        // Of a virtual disk nobody inside can know what lies below; only a disk that names its maker is believed.
        .filter(|flash| *flash || physical(&device));
    Ground { file_system, flash, other_links: 0 }
}

/// Whether a disk names a maker that builds real ones.
fn physical(device: &Path) -> bool {
    const VIRTUAL: &[&str] =
        &["qemu", "vmware", "vbox", "msft", "virtual", "google", "amazon", "xen", "virtio", "0x1af4"];
    ["device/vendor", "../device/vendor"]
        .iter()
        .find_map(|p| fs::read_to_string(device.join(p)).ok())
        .is_some_and(|vendor| {
            let vendor = vendor.trim().to_lowercase();
            !vendor.is_empty() && !VIRTUAL.iter().any(|v| vendor.contains(v))
        })
}

/// What may be claimed on this ground, and what is beyond it.
pub fn judge(ground: &Ground) -> (Level, Vec<String>) {
    let mut limits = vec![
        "copies under other names, backups, snapshots and what programs cached are beyond this".to_owned(),
    ];
    let in_place = match ground.file_system.as_str() {
        "tmpfs" => {
            limits.push("it lay in memory; pages that were swapped out are beyond this".into());
            return (Level::ClearFile, limits);
        }
        "ext4" | "vfat" | "exfat" => true,
        "xfs" => {
            limits.push("xfs writes beside the old blocks where a file shares them (reflinks)".into());
            true
        }
        other => {
            limits.push(format!("{other} may write beside the old blocks instead of over them"));
            false
        }
    };
    if ground.file_system == "ext4" {
        limits.push("a journal in mode data=journal keeps old blocks for a while".into());
    }
    if ground.other_links > 0 {
        limits.push(format!(
            "{} other name(s) led to the same file and now lead to an empty one",
            ground.other_links
        ));
    }
    match ground.flash {
        Some(false) if in_place => (Level::ClearFile, limits),
        Some(true) => {
            limits.push("flash writes elsewhere and keeps old blocks until it erases them; destroy the drive, or encrypt it before use".into());
            (Level::None, limits)
        }
        None if in_place => {
            limits.push("the kind of drive could not be told".into());
            (Level::None, limits)
        }
        _ => (Level::None, limits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signed::Invalid;
    use callvault_model::{Id, SystemClock};
    use callvault_seal::OsEntropy;
    use callvault_store::NewVault;
    use std::sync::Arc;

    fn ground(file_system: &str, flash: Option<bool>) -> Ground {
        Ground { file_system: file_system.into(), flash, other_links: 0 }
    }

    #[test]
    fn no_more_is_claimed_than_the_ground_allows() {
        for (g, level) in [
            (ground("ext4", Some(false)), Level::ClearFile),
            (ground("xfs", Some(false)), Level::ClearFile),
            (ground("tmpfs", None), Level::ClearFile),
            (ground("ext4", Some(true)), Level::None),
            (ground("ext4", None), Level::None),
            (ground("btrfs", Some(false)), Level::None),
            (ground("overlayfs", None), Level::None),
            (ground("0x1234", Some(false)), Level::None),
        ] {
            let (claimed, limits) = judge(&g);
            assert_eq!(claimed, level, "{g:?}");
            assert!(!limits.is_empty());
        }
    }

    #[test]
    fn a_file_is_destroyed_certified_and_in_the_ledger() {
        let dir = tempfile::tempdir().unwrap();
        let (data, key) = (dir.path().join("data"), dir.path().join("v.key"));
        let id = Id::new(&SystemClock, &OsEntropy).unwrap();
        let new = NewVault {
            dir: &data,
            key_file: &key,
            protection: callvault_store::Protection::None,
            shares: (2, 3),
            server: None,
            files: None,
        };
        let vault = Vault::init(&new, id, Arc::new(SystemClock), "local-operator").unwrap().vault;
        let path = dir.path().join("old.wav");
        fs::write(&path, vec![7u8; 100_000]).unwrap();
        let order = |path| Order { path, shown: "old.wav", reason: "drive retired", by: "local-operator" };
        let made = file(&vault, &order(&path)).unwrap();
        assert!(!path.exists());
        assert_eq!((made.statement.bytes, made.statement.content_sha256.len()), (100_000, 64));
        let text = serde_json::to_string(&made).unwrap();
        let read = Certificate::parse(text.as_bytes()).unwrap();
        assert_eq!((read.verify(Some(vault.vkey())), &read), (Ok(()), &made));
        for (from, to, why) in [
            ("old.wav", "new.wav", Invalid::Signature),
            ("\"bytes\":100000", "\"bytes\":1", Invalid::Signature),
            (made.vkey.as_str(), "another", Invalid::Key),
        ] {
            let altered = Certificate::parse(text.replacen(from, to, 1).as_bytes()).unwrap();
            assert_eq!(altered.verify(Some(vault.vkey())), Err(why), "{from}");
        }
        let second = dir.path().join("second.wav");
        fs::write(&second, b"x").unwrap();
        let other = file(&vault, &order(&second)).unwrap();
        let swapped = Certificate { ledger_proof: other.ledger_proof, ..made };
        assert_eq!(swapped.verify(None), Err(Invalid::Entry), "the entry of another certificate");
        let inside = data.join("vault.db");
        assert!(matches!(file(&vault, &order(&inside)), Err(Error::Kept { .. })) && inside.exists());
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&key, &link).unwrap();
        assert!(matches!(file(&vault, &order(&link)), Err(Error::Kept { .. })) && key.exists());
    }
}

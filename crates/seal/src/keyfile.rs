//! The file that holds a vault's root key: mode 0600, outside the data directory, never overwritten.

use crate::{
    Key256, SealError,
    envelope::{Format, open_key, seal_as},
    files,
    hsm::Place,
    service::{self, Fault, KeyService, KeyServices},
    text,
};
use argon2::{Algorithm, Argon2, Params, Version};
use callvault_model::{Entropy, Secret, id::VaultId};
use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

const MAGIC: &str = "callvault-key-v1";
const MAX_FILE: u64 = 4096;
const MAX_PASSPHRASE: u64 = 1024;
/// argon2id: 64 MiB, 3 passes, 1 lane.
const KDF: [u32; 3] = [64 << 10, 3, 1];
/// The costliest parameters read from a file: 1 GiB, 16 passes, 8 lanes.
const KDF_MAX: [u32; 3] = [1 << 20, 16, 8];

/// What opens a key file besides the right to read it.
#[derive(Debug, Clone, Copy)]
pub enum Protection<'a> {
    /// Nothing: whoever reads the file has the key.
    None,
    /// A passphrase, through argon2id.
    Passphrase(&'a Secret<String>),
    /// A key in a security module, and its PIN where [`Place`] names no file with it.
    Hsm(&'a Place, Option<&'a Secret<String>>),
    /// A key in a service.
    Service(&'a dyn KeyService),
}

impl<'a> Protection<'a> {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Passphrase(_) => "passphrase",
            Self::Hsm(..) => "hsm",
            Self::Service(service) => service.place().name(),
        }
    }

    /// The passphrase or the PIN.
    pub fn secret(self) -> Option<&'a Secret<String>> {
        match self {
            Self::None | Self::Service(_) => None,
            Self::Passphrase(secret) => Some(secret),
            Self::Hsm(_, pin) => pin,
        }
    }
}

impl<'a> From<Option<&'a Secret<String>>> for Protection<'a> {
    fn from(passphrase: Option<&'a Secret<String>>) -> Self {
        passphrase.map_or(Self::None, Self::Passphrase)
    }
}

/// What a key file says of its [`Protection`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protected {
    /// By nothing.
    No,
    /// By a passphrase.
    Passphrase,
    /// By a security module.
    Hsm,
    /// By a key in a service.
    Service(Box<service::Place>),
}

impl Protected {
    /// The stable name of the [`Protection`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::No => "none",
            Self::Passphrase => "passphrase",
            Self::Hsm => "hsm",
            Self::Service(place) => place.name(),
        }
    }
}

/// An opened vault: its identity and the key above all its keys.
#[derive(Debug)]
pub struct Root {
    /// The vault the key belongs to.
    pub vault: VaultId,
    /// The root key.
    pub key: Key256,
}

impl Root {
    /// A new vault: writes its key file and gives the key. Refuses a place inside `data` and an existing file.
    pub fn create(
        path: &Path,
        data: &Path,
        vault: VaultId,
        protection: Protection<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Self, SealError> {
        let root = Self { vault, key: Key256::random(entropy)? };
        root.save(path, data, protection, entropy)?;
        Ok(root)
    }

    /// Writes this key to a new key file, as after rebuilding it from recovery shares.
    pub fn save(
        &self,
        path: &Path,
        data: &Path,
        protection: Protection<'_>,
        entropy: &dyn Entropy,
    ) -> Result<(), SealError> {
        refuse_inside(path, data)?;
        write_new(path, &self.render(protection, entropy)?)
    }

    /// Opens a key file; refuses one that others may read or that lies inside `data`. `secret` is the passphrase of the
    /// file, or the PIN of its security module; a service that seals it is found in `services`.
    pub fn open(
        path: &Path,
        data: &Path,
        secret: Option<&Secret<String>>,
        services: &dyn KeyServices,
    ) -> Result<Self, SealError> {
        refuse_inside(path, data)?;
        let body = read_private(path, MAX_FILE)?;
        parse(path, &body, secret, &|place, vault, sealed, wrapped| {
            let service = services.at(place).map_err(SealError::service(place))?;
            service::opened(&*service, vault, sealed, wrapped)
        })
    }

    /// A key file for this key under another protection, beside the one at `path` and read back; [`Draft::put`] puts it
    /// in its place. The draft of a try that was killed is overwritten and taken away.
    pub fn draft(
        &self,
        path: &Path,
        data: &Path,
        protection: Protection<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Draft, SealError> {
        refuse_inside(path, data)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".next");
        let draft = path.with_file_name(name);
        if draft.symlink_metadata().is_ok() {
            files::shred_file(&draft)?;
        }
        write_file(&draft, &self.render(protection, entropy)?)?;
        let draft = Draft { path: path.to_owned(), draft };
        files::sync_parent(&draft.draft)?;
        let written = read_private(&draft.draft, MAX_FILE)?;
        let again = parse(&draft.draft, &written, protection.secret(), &|place, vault, sealed, wrapped| {
            match protection {
                Protection::Service(service) if service.place() == place => {
                    service::opened(service, vault, sealed, wrapped)
                }
                _ => Err(SealError::service(place)(Fault::Answer("another place was written"))),
            }
        })?;
        if (again.vault, again.key.expose()) != (self.vault, self.key.expose()) {
            let why = "it does not read back";
            return Err(SealError::Format { path: draft.draft.clone(), what: "key file", why });
        }
        Ok(draft)
    }

    fn render(
        &self,
        protection: Protection<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Zeroizing<String>, SealError> {
        let check = text::base32(&self.key.id()?);
        let mut out = Zeroizing::new(format!("{MAGIC}\nvault {}\nid {check}\n", self.vault));
        match protection {
            Protection::None => {
                let key = Zeroizing::new(text::base64(self.key.expose()));
                out.push_str("root ");
                out.push_str(&key);
            }
            Protection::Passphrase(passphrase) => {
                let mut salt = [0u8; 16];
                entropy.fill(&mut salt)?;
                let kek = passphrase_key(strong(passphrase)?, &salt, KDF)?;
                let wrapped = seal_as(Format::Key, &kek, &context(self.vault), self.key.expose(), entropy)?;
                let [m, t, p] = KDF;
                out.push_str(&format!("argon2id {m} {t} {p} {}\n", text::base64(&salt)));
                out.push_str(&format!("sealed {}", text::base64(&wrapped)));
            }
            Protection::Hsm(place, pin) => {
                let sealed = place.seal(pin, &hsm_context(self.vault), &self.key, entropy)?;
                out.push_str(&format!("{place}\nsealed {}", text::base64(&sealed)));
            }
            Protection::Service(service) => {
                let (sealed, wrapped) = service::sealed(service, self.vault, &self.key, entropy)?;
                let place = service.place();
                out.push_str(&format!("{place}\nsealed {sealed}\nwrapped {}", text::base64(&wrapped)));
                let again = service::opened(service, self.vault, &sealed, &wrapped)?;
                if again.expose() != self.key.expose() {
                    return Err(SealError::service(place)(Fault::Answer(
                        "what it sealed does not open again",
                    )));
                }
            }
        }
        out.push('\n');
        if out.len() as u64 > MAX_FILE {
            return Err(SealError::TooLong { len: out.len(), limit: 4096 });
        }
        Ok(out)
    }
}

/// A finished key file that is not in its place yet; dropped before it is, it is overwritten and taken away.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    draft: PathBuf,
}

impl Draft {
    /// Puts it in the place of the old key file, and overwrites that one's bytes once. A file system that writes
    /// elsewhere than it reads (flash, snapshots) and every copy of the old file keep them.
    pub fn put(self) -> Result<(), SealError> {
        let path = self.path.as_path();
        let len = files::plain_file(path)?.len();
        let mut old =
            OpenOptions::new().write(true).open(path).map_err(SealError::io("cannot open", path))?;
        fs::rename(&self.draft, path).map_err(SealError::io("cannot put in place", path))?;
        files::sync_parent(path)?;
        files::overwrite(&mut old, len).map_err(SealError::io("cannot overwrite the old bytes of", path))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.draft.symlink_metadata().is_ok() {
            // Nobody is left to tell; the next try looks for it again.
            let _ = files::shred_file(&self.draft);
        }
    }
}

/// Opens what a service sealed, and the root key under it.
type Ask<'a> = &'a dyn Fn(&service::Place, VaultId, &str, &[u8]) -> Result<Key256, SealError>;

fn parse(path: &Path, body: &str, secret: Option<&Secret<String>>, ask: Ask<'_>) -> Result<Root, SealError> {
    let bad = |why| SealError::Format { path: path.to_owned(), what: "key file", why };
    let mut lines = body.lines();
    if lines.next() != Some(MAGIC) {
        return Err(bad("first line"));
    }
    let mut field = |name: &'static str| {
        lines.next().and_then(|l| l.strip_prefix(name)).and_then(|l| l.strip_prefix(' ')).ok_or(name)
    };
    let vault: VaultId = field("vault").map_err(bad)?.parse().map_err(|_| bad("vault"))?;
    let id = field("id").map_err(bad)?.to_owned();
    let rest: Vec<&str> = lines.collect();
    let key = match rest.as_slice() {
        [plain] if plain.starts_with("root ") => {
            let bytes = plain.strip_prefix("root ").and_then(text::unbase64).ok_or(bad("root"))?;
            let mut raw = Zeroizing::new([0u8; 32]);
            raw.copy_from_slice(
                bytes.as_slice().first_chunk::<32>().filter(|_| bytes.len() == 32).ok_or(bad("root"))?,
            );
            Key256::from_bytes(&mut raw)
        }
        [place, sealed] if place.starts_with("pkcs11:") => {
            let sealed = sealed.strip_prefix("sealed ").and_then(text::unbase64).ok_or(bad("sealed"))?;
            place.parse::<Place>()?.open(secret, &hsm_context(vault), &sealed)?
        }
        [place, sealed, wrapped] if service::Place::begins(place) => {
            let sealed = sealed.strip_prefix("sealed ").ok_or(bad("sealed"))?;
            let wrapped = wrapped.strip_prefix("wrapped ").and_then(text::unbase64).ok_or(bad("wrapped"))?;
            ask(&place.parse()?, vault, sealed, &wrapped)?
        }
        [kdf, sealed] => {
            let (salt, cost) = parse_kdf(kdf).ok_or(bad("argon2id"))?;
            let sealed = sealed.strip_prefix("sealed ").and_then(text::unbase64).ok_or(bad("sealed"))?;
            let passphrase = secret.ok_or(SealError::PassphraseNeeded { path: path.to_owned() })?;
            let kek = passphrase_key(passphrase, &salt, cost)?;
            open_key(&kek, &context(vault), &sealed)
                .map_err(|_| SealError::WrongPassphrase { path: path.to_owned() })?
        }
        _ => return Err(bad("number of lines")),
    };
    if text::base32(&key.id()?) != id {
        return Err(bad("id"));
    }
    Ok(Root { vault, key })
}

fn parse_kdf(line: &str) -> Option<(Vec<u8>, [u32; 3])> {
    let mut words = line.strip_prefix("argon2id ")?.split(' ');
    let mut cost = [0u32; 3];
    for (c, max) in cost.iter_mut().zip(KDF_MAX) {
        *c = words.next()?.parse().ok().filter(|v| *v >= 1 && *v <= max)?;
    }
    let salt = text::unbase64(words.next()?)?;
    (words.next().is_none() && salt.len() == 16).then(|| (salt.to_vec(), cost))
}

fn context(vault: VaultId) -> Vec<u8> {
    [b"callvault.root.v1\0".as_slice(), vault.as_bytes()].concat()
}

fn hsm_context(vault: VaultId) -> Vec<u8> {
    [b"callvault.root.hsm.v1\0".as_slice(), vault.as_bytes()].concat()
}

pub(crate) fn passphrase_key(
    passphrase: &Secret<String>,
    salt: &[u8],
    [m, t, p]: [u32; 3],
) -> Result<Key256, SealError> {
    let params = Params::new(m, t, p, Some(32)).map_err(|_| SealError::Cipher)?;
    let mut out = Zeroizing::new([0u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), salt, &mut *out)
        .map_err(|_| SealError::Cipher)?;
    Ok(Key256::from_bytes(&mut out))
}

fn strong(passphrase: &Secret<String>) -> Result<&Secret<String>, SealError> {
    if passphrase.expose().chars().count() < 12 {
        return Err(SealError::WeakPassphrase { why: "too short" });
    }
    Ok(passphrase)
}

/// What protects a key file; nothing of the key leaves this function.
pub fn protected(path: &Path) -> Result<Protected, SealError> {
    let body = read_private(path, MAX_FILE)?;
    Ok(match body.lines().nth(3) {
        Some(line) if line.starts_with("argon2id ") => Protected::Passphrase,
        Some(line) if line.starts_with("pkcs11:") => Protected::Hsm,
        Some(line) if service::Place::begins(line) => Protected::Service(Box::new(line.parse()?)),
        _ => Protected::No,
    })
}

/// Reads a file of secrets that nobody else may read, at most `limit` bytes of text.
pub fn read_private_file(path: &Path, limit: u64) -> Result<Secret<String>, SealError> {
    read_private(path, limit).map(|body| Secret::new(String::clone(&body)))
}

/// Reads a passphrase from a private file: one line, its line end dropped.
pub fn read_passphrase(path: &Path) -> Result<Secret<String>, SealError> {
    let body = read_private(path, MAX_PASSPHRASE)?;
    let line = body.strip_suffix('\n').unwrap_or(&body);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line {
        "" => Err(SealError::WeakPassphrase { why: "empty" }),
        l if l.contains('\n') => Err(SealError::WeakPassphrase { why: "longer than one line" }),
        l => Ok(Secret::new(l.to_owned())),
    }
}

/// Where the key of a vault lies unless told otherwise: `$XDG_CONFIG_HOME/callvault/keys/<vault>.key`,
/// with `$HOME/.config` when the first is unset, empty or relative (XDG Base Directory). `None`: no home.
pub fn default_key_path(
    xdg_config_home: Option<&OsStr>,
    home: Option<&OsStr>,
    vault: &str,
) -> Result<Option<PathBuf>, SealError> {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if vault.is_empty() || vault.len() > 100 || vault.starts_with('.') || !vault.chars().all(sound) {
        return Err(SealError::VaultName(vault.escape_debug().take(100).collect()));
    }
    let absolute = |v: Option<&OsStr>| v.map(PathBuf::from).filter(|p| p.is_absolute());
    let config = absolute(xdg_config_home).or_else(|| absolute(home).map(|h| h.join(".config")));
    Ok(config.map(|c| c.join("callvault").join("keys").join(format!("{vault}.key"))))
}

/// Refuses a path that lies inside the data directory, symbolic links followed.
pub(crate) fn refuse_inside(path: &Path, data: &Path) -> Result<(), SealError> {
    let (real, data) = (resolve(path)?, resolve(data)?);
    if real.starts_with(&data) { Err(SealError::KeyInsideData { path: path.to_owned() }) } else { Ok(()) }
}

/// The real place of a path whose last parts may not exist yet.
fn resolve(path: &Path) -> Result<PathBuf, SealError> {
    let full = std::path::absolute(path).map_err(SealError::io("cannot resolve", path))?;
    let mut tail = Vec::new();
    let mut at = full.as_path();
    loop {
        match fs::canonicalize(at) {
            Ok(real) => return Ok(tail.iter().rev().fold(real, |p, t| p.join(t))),
            Err(e) if e.kind() == ErrorKind::NotFound && fs::symlink_metadata(at).is_err() => {
                // A name that does not exist cannot be a link; `..` after it would be ours to refuse.
                let (Some(name), Some(up)) = (at.file_name(), at.parent()) else {
                    return Err(SealError::io("cannot resolve", path)(e));
                };
                tail.push(name.to_owned());
                at = up;
            }
            Err(e) => return Err(SealError::io("cannot resolve", path)(e)),
        }
    }
}

/// Reads a small private file as text.
pub(crate) fn read_private(path: &Path, limit: u64) -> Result<Zeroizing<String>, SealError> {
    let file = File::open(path).map_err(SealError::io("cannot open", path))?;
    let meta = file.metadata().map_err(SealError::io("cannot examine", path))?;
    if !meta.is_file() {
        return Err(SealError::NotAFile { path: path.to_owned() });
    }
    if meta.mode() & 0o077 != 0 {
        return Err(SealError::Permissions { path: path.to_owned(), mode: meta.mode() & 0o777 });
    }
    let bad = |why| SealError::Format { path: path.to_owned(), what: "secret file", why };
    let mut body =
        Zeroizing::new(String::with_capacity(usize::try_from(limit).unwrap_or(0).saturating_add(2)));
    match file.take(limit.saturating_add(1)).read_to_string(&mut body) {
        Ok(n) if n as u64 > limit => Err(bad("too long")),
        Ok(_) => Ok(body),
        Err(e) if e.kind() == ErrorKind::InvalidData => Err(bad("not text")),
        Err(e) => Err(SealError::io("cannot read", path)(e)),
    }
}

/// Creates a directory (and its parents) that only the owner may enter.
pub(crate) fn private_dir(dir: &Path) -> Result<(), SealError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(SealError::io("cannot create", dir))
}

/// Writes a private file that is not there yet.
fn write_file(path: &Path, body: &str) -> Result<(), SealError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut f| f.write_all(body.as_bytes()).and_then(|()| f.sync_all()));
    written.map_err(SealError::io("cannot write", path))
}

/// Writes a private file that appears whole or not at all and replaces nothing.
pub(crate) fn write_new(path: &Path, body: &str) -> Result<(), SealError> {
    if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        private_dir(dir)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let draft = path.with_file_name(name);
    write_file(&draft, body)?;
    let named = files::name_new(&draft, path);
    if named.is_err() && draft.symlink_metadata().is_ok() {
        files::shred_file(&draft)?;
    }
    named
}

#[cfg(test)]
mod tests;

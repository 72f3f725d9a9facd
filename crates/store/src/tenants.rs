//! Tenants: each is a vault of its own in `tenants/<name>` below the data directory of its host, with people, rules,
//! ledger and keys of its own, so that no query can mix two of them. Its root key is random and stands in the host's
//! database alone, wrapped like the key of a recording under the host's tenant key and shred epoch; its epochs and
//! erasures lie beside the host's key file. Ending a tenant destroys that one wrap.

mod end;
mod lodging;

pub use end::{EndTenant, Ended, Gone};
pub use lodging::{Lodging, keys_beside, place};

use crate::{
    Actor, Command, Error, Refused, Vault, db,
    db::{Connection, OptionalExtension, Row, params},
    hex,
    keys::id_of,
    ledger::VaultSigner,
    vault::{Making, place_of},
};
use callvault_ledger::Kind;
use callvault_model::id::{CertificateId, EpochId, TenantId, VaultId};
use callvault_seal::{Aad, Key256, Root, SigningKey, unwrap_key, wrap_key};
use serde::Serialize;
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

/// Where tenants lie below the data directory.
pub const DIR: &str = "tenants";
/// The host itself, as a tenant's name.
pub const HOST: &str = "default";
/// The purpose of the wraps.
pub(crate) const ROOT: &str = "tenant_root";
const TABLE: &str = "tenant_vault";
const MAX_NAME: usize = 40;
/// More companies than one house answers for.
const MAX_TENANTS: i64 = 10_000;
/// The schema that first knew tenants.
pub(crate) const SINCE: i64 = 7;

/// The name of a tenant: 1 to 40 of `a-z`, `0-9`, `-`; safe as the name of a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TenantName(String);

impl TenantName {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=MAX_NAME).contains(&text.len()) || !text.bytes().all(sound) || text.starts_with('-') {
            return Err(Refused::invalid(
                "this is no name of a tenant",
                "take 1 to 40 of a-z, 0-9 and -, beginning with a letter or digit",
            )
            .into());
        }
        if text == HOST {
            return Err(Refused::invalid(
                "`default` is the host itself",
                "it is neither added nor ended; name another tenant",
            )
            .into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a tenant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    /// Its key is there, its vault was not finished; `callvault tenant add` goes on.
    Unfinished,
    /// It works.
    Live,
    /// Its key is destroyed, its certificate is not made yet; `callvault tenant end` goes on.
    Ending,
    /// Its key is destroyed and certified.
    Ended,
}

impl TenantState {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Live => "live",
            Self::Ending => "ending",
            Self::Ended => "ended",
        }
    }
}

/// One tenant, without its key.
#[derive(Debug, Clone, Serialize)]
pub struct TenantRow {
    /// The id of its vault.
    pub id: VaultId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: TenantState,
    /// Eight public bytes that name its root key, hexadecimal.
    pub key_fingerprint: String,
    /// The verifier key of its ledger and certificates.
    pub vkey: String,
    /// RFC 3339.
    pub added_at: String,
    /// Who.
    pub added_by: String,
    /// When its key was destroyed, RFC 3339.
    pub ended_at: Option<String>,
    /// Who ordered that.
    pub ended_by: Option<String>,
    /// The certificate of its end.
    pub certificate: Option<CertificateId>,
}

/// A row with what only this crate may see.
pub(crate) struct Stored {
    pub row: TenantRow,
    epoch: EpochId,
    pub wrapped: Option<Vec<u8>>,
}

const COLUMNS: &str = "id, name, key_fingerprint, vkey, added_at, added_by, made_at IS NOT NULL, ended_at, ended_by, \
                       certificate, body IS NOT NULL, epoch, wrapped_key";

type Raw = (
    (Vec<u8>, String, String, String),
    (String, String, bool),
    (Option<String>, Option<String>, Option<Vec<u8>>, bool),
    (Vec<u8>, Option<Vec<u8>>),
);

fn raw(r: &Row<'_>) -> db::Result<Raw> {
    Ok((
        (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?),
        (r.get(4)?, r.get(5)?, r.get(6)?),
        (r.get(7)?, r.get(8)?, r.get(9)?, r.get(10)?),
        (r.get(11)?, r.get(12)?),
    ))
}

fn stored(raw: Raw) -> Result<Stored, Error> {
    let (
        (id, name, key_fingerprint, vkey),
        (added_at, added_by, made),
        (ended_at, ended_by, certificate, certified),
        (epoch, wrapped),
    ) = raw;
    let state = match (&wrapped, made, certified) {
        (Some(_), true, _) => TenantState::Live,
        (Some(_), false, _) => TenantState::Unfinished,
        (None, _, false) => TenantState::Ending,
        (None, _, true) => TenantState::Ended,
    };
    let certificate = certificate.as_deref().map(id_of).transpose()?.filter(|_| certified);
    let row = TenantRow {
        id: id_of(&id)?,
        name,
        state,
        key_fingerprint,
        vkey,
        added_at,
        added_by,
        ended_at,
        ended_by,
        certificate,
    };
    Ok(Stored { row, epoch: id_of(&epoch)?, wrapped })
}

pub(crate) fn find(db: &Connection, name: &TenantName) -> Result<Option<Stored>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM tenant_vault WHERE name = ?1");
    db.query_row(&sql, params![name.as_str()], raw).optional()?.map(stored).transpose()
}

fn known(db: &Connection, name: &TenantName) -> Result<Stored, Error> {
    find(db, name)?.ok_or_else(|| Refused::Unknown("tenant").into())
}

pub(crate) fn all(db: &Connection) -> Result<Vec<Stored>, Error> {
    let mut statement = db.prepare(&format!("SELECT {COLUMNS} FROM tenant_vault ORDER BY name"))?;
    let rows = statement.query_map([], raw)?.collect::<Result<Vec<_>, _>>()?;
    rows.into_iter().map(stored).collect()
}

/// How many have a key.
pub(crate) fn living(db: &Connection) -> Result<u64, Error> {
    let sql = "SELECT COUNT(*) FROM tenant_vault WHERE wrapped_key IS NOT NULL";
    Ok(db.query_row(sql, [], |r| r.get::<_, i64>(0))?.unsigned_abs())
}

fn aad(host: TenantId, id: &VaultId) -> Aad<'_> {
    Aad { tenant: host, subject: None, object: ROOT, id: id.as_bytes(), field: "key", version: 1 }
}

fn ended(row: &TenantRow) -> Error {
    Error::TenantEnded { name: row.name.clone(), at: row.ended_at.clone().unwrap_or_default() }
}

impl Vault {
    /// A tenant's root key stands in its host alone, and it has no tenants of its own.
    pub(crate) fn refuse_guest(&self) -> Result<(), Error> {
        if !self.guest {
            return Ok(());
        }
        Err(Refused::invalid(
            "this is the vault of a tenant, whose root key stands in its host alone",
            "do this on the host, without --tenant",
        )
        .into())
    }

    /// Whether it is the vault of a tenant.
    pub fn is_tenant(&self) -> bool {
        self.guest
    }

    /// Every tenant, by name.
    pub fn tenants(&self) -> Result<Vec<TenantRow>, Error> {
        Ok(all(&self.db())?.into_iter().map(|s| s.row).collect())
    }

    /// One tenant.
    pub fn tenant_named(&self, name: &TenantName) -> Result<TenantRow, Error> {
        Ok(known(&self.db(), name)?.row)
    }

    /// The root key of a tenant that lives.
    fn tenant_root(&self, stored: &Stored) -> Result<Root, Error> {
        let wrapped = stored.wrapped.as_deref().ok_or_else(|| ended(&stored.row))?;
        let under = self.kek_of(stored.epoch, ROOT, wrapped)?;
        let id = stored.row.id;
        Ok(Root { vault: id, key: unwrap_key(&under, &aad(self.tenant, &id), ROOT, wrapped)? })
    }

    fn wrap_tenant_root(&self, c: &Command<'_>, root: &Root) -> Result<Vec<u8>, Error> {
        let kek = self.wrapping_kek(c, ROOT)?;
        Ok(wrap_key(&kek, &aad(self.tenant, &root.vault), ROOT, &root.key, &self.entropy)?)
    }

    /// Opens the root key of every tenant that lives; how many.
    pub(crate) fn try_tenants(&self) -> Result<u64, Error> {
        let mut tried = 0u64;
        let stored = all(&self.db())?;
        for one in stored.iter().filter(|s| s.wrapped.is_some()) {
            self.tenant_root(one)?;
            tried = tried.saturating_add(1);
        }
        Ok(tried)
    }

    /// Names of tenants whose root key does not open, or opens to another key than the one they were made with.
    pub fn tenants_that_do_not_open(&self) -> Result<Vec<String>, Error> {
        let stored = all(&self.db())?;
        let opens = |one: &Stored| -> Result<bool, Error> {
            let root = self.tenant_root(one)?;
            let signer = VaultSigner::new(root.vault, SigningKey::from_root(&root.key, "ledger")?)?;
            Ok(signer.vkey() == one.row.vkey)
        };
        Ok(stored
            .into_iter()
            .filter(|one| one.wrapped.is_some() && !opens(one).unwrap_or(false))
            .map(|one| one.row.name)
            .collect())
    }

    /// Beside which name the epochs and erasures of a tenant of this host lie.
    fn keys_of_tenant(&self, id: VaultId) -> PathBuf {
        keys_beside(self.keyring.dir(), &id.to_string())
    }

    /// Opens the vault of a tenant of this host.
    pub fn open_tenant(&self, name: &TenantName) -> Result<Vault, Error> {
        let stored = known(&self.db(), name)?;
        self.open_stored(&stored, name)
    }

    fn open_stored(&self, stored: &Stored, name: &TenantName) -> Result<Vault, Error> {
        let root = self.tenant_root(stored)?;
        let key_file = self.keys_of_tenant(root.vault);
        let lodging = Lodging { dir: place(self.dir(), name), key_file, vault: root.vault, root };
        lodging.open(Arc::clone(&self.clock), &self.actor)
    }

    /// Command *add tenant*, then a new vault under its key. Killed between, the next call goes on. `reason` has passed the
    /// detector.
    pub fn add_tenant(&self, by: &Actor, name: &TenantName, reason: &str) -> Result<Vault, Error> {
        self.refuse_guest()?;
        let found = find(&self.db(), name)?;
        let stored = match found {
            None => {
                self.note_tenant(by, name, reason)?;
                known(&self.db(), name)?
            }
            Some(one) => match one.row.state {
                TenantState::Unfinished => one,
                TenantState::Live => {
                    return Err(Refused::invalid(
                        "there is a tenant of this name",
                        "choose another name; `callvault tenant list` shows all",
                    )
                    .into());
                }
                TenantState::Ending | TenantState::Ended => return Err(ended(&one.row)),
            },
        };
        let dir = place(self.dir(), name);
        let stands = place_of(&dir)?.exists() && Self::begun(&dir)?.is_none();
        let vault = if stands { self.open_stored(&stored, name)? } else { self.make_tenant(&stored, &dir)? };
        self.command_as(by, "tenant made", |c| {
            c.run(
                "UPDATE tenant_vault SET made_at = ?2 WHERE id = ?1 AND made_at IS NULL",
                params![stored.row.id.as_bytes(), c.now],
            )
        })?;
        Ok(vault)
    }

    fn make_tenant(&self, stored: &Stored, dir: &Path) -> Result<Vault, Error> {
        let root = self.tenant_root(stored)?;
        let making = Making {
            dir,
            key_file: &self.keys_of_tenant(root.vault),
            // Its own file, wherever the rows of its host are.
            server: None,
            files: None,
            id: root.vault,
            clock: Arc::clone(&self.clock),
            actor: &self.actor,
            guest: true,
        };
        Vault::make(making, |_| Ok(root))
    }

    /// The key is durable, wrapped, before anything is made under it.
    pub(crate) fn note_tenant(&self, by: &Actor, name: &TenantName, reason: &str) -> Result<(), Error> {
        if place(self.dir(), name).symlink_metadata().is_ok() {
            return Err(Error::NotEmpty(place(self.dir(), name)));
        }
        if reason.chars().count() > crate::holds::MAX_REASON {
            return Err(Refused::invalid("the reason is too long", "write at most 2000 characters").into());
        }
        let root = Root {
            vault: VaultId::new(self.clock.as_ref(), &self.entropy)?,
            key: Key256::random(&self.entropy)?,
        };
        let signer = VaultSigner::new(root.vault, SigningKey::from_root(&root.key, "ledger")?)?;
        let fingerprint = hex(&root.key.id()?);
        self.command_as(by, "add tenant", |c| {
            let many: i64 = c.one("SELECT COUNT(*) FROM tenant_vault", [], |r| r.get(0))?;
            if many >= MAX_TENANTS {
                return Err(Refused::invalid("ten thousand tenants", "make another host").into());
            }
            let wrapped = self.wrap_tenant_root(c, &root)?;
            let id = root.vault.as_bytes();
            c.run(
                "INSERT INTO tenant_vault (id, name, epoch, wrapped_key, key_fingerprint, vkey, sealed_reason, added_at, added_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    id,
                    name.as_str(),
                    self.epoch().as_bytes(),
                    wrapped,
                    fingerprint,
                    signer.vkey(),
                    self.seal_own(TABLE, id, "reason", reason)?,
                    c.now,
                    c.actor()
                ],
            )?;
            c.log(
                Kind::TenantAdded,
                None,
                None,
                &[
                    ("tenant_vault", root.vault.to_string().into()),
                    ("key", fingerprint.as_str().into()),
                    ("vkey", signer.vkey().into()),
                ],
            );
            Ok(())
        })
    }
}

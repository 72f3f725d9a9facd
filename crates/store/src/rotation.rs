//! The tenant key and its versions: rotation while the vault works, resumable at any point.
//!
//! Versions stand wrapped by the root key. Under the tenant key stand, each wrapped: the key of the blind index, which
//! never changes, for an index under another key finds nothing; and the keys of sealed names, one more at each rotation
//! and in each shred epoch, the newest seals and all can open. A names key is wrapped under tenant *and* epoch, so that it
//! dies with its epoch, in backups too (`epoch.rs`). Keys of people and objects are wrapped again row by row; which
//! version wrapped a row is read from the eight public bytes that name a key in front of every wrap.

use crate::db::{Connection, Transaction, params};
use crate::{Actor, Command, Error, Vault, epoch, hex, keys::id_of};
use callvault_ledger::Kind;
use callvault_model::id::{EpochId, Id, TenantId};
use callvault_seal::{
    Aad, Epoch, Key256, Keyring, Root, envelope::key_id, kek, rewrap_key, unwrap_key, wrap_key,
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

const TENANT: &str = "default";
const INDEX: &str = "index";
pub(crate) const NAMES: &str = "names";
/// Rows wrapped again in one transaction: long enough that flushing it to the disk is the smaller part, short enough that
/// whoever writes meanwhile hardly waits.
pub(crate) const BATCH: usize = 4_000;

/// Where wraps under the tenant key stand: table, column with the id, purpose, whether the id is the subject.
pub(crate) const WRAPS: [(&str, &str, &str, bool); 4] = [
    ("subject", "id", "subject", true),
    ("object", "id", "object", false),
    ("upload_part", "object", "object", false),
    ("tenant_vault", "id", crate::tenants::ROOT, false),
];

/// The keys of the tenant in memory.
pub(crate) struct TenantKeys {
    /// The version new wraps are made with.
    pub(crate) version: u32,
    pub(crate) current: Key256,
    /// A version that still wraps rows, while a rotation is under way.
    pub(crate) retiring: Option<(u32, Key256)>,
    pub(crate) index: Key256,
    /// Oldest first; the last one seals.
    pub(crate) names: Vec<NamesKey>,
}

/// A key that seals texts of the vault itself: file names, names of accounts, reasons.
pub(crate) struct NamesKey {
    number: u32,
    /// The epoch it dies with; `None` in a vault of an older program until its next roll.
    pub(crate) epoch: Option<EpochId>,
    pub(crate) key: Key256,
}

/// What the keys of this vault are, without any of them.
#[derive(Debug, Clone, Serialize)]
pub struct KeysStatus {
    /// Version of the tenant key.
    pub tenant_key_version: u32,
    /// Eight public bytes that name it.
    pub fingerprint: String,
    /// When it was made.
    pub created_at: String,
    /// The version being replaced, while a rotation is not finished.
    pub retiring: Option<u32>,
    /// Wraps still to be made again.
    pub remaining: u64,
    /// Versions destroyed before.
    pub destroyed: u64,
    /// Shred epochs with a key.
    pub epochs: usize,
    /// The epoch new keys are wrapped in.
    pub epoch: EpochId,
    /// Keys of people that live.
    pub subject_keys: u64,
    /// Keys of recordings and messages that live.
    pub object_keys: u64,
}

/// What a rotation did.
#[derive(Debug, Clone, Serialize)]
pub struct Rotation {
    /// The version now in use.
    pub version: u32,
    /// An interrupted rotation was finished; no new version was made.
    pub resumed: bool,
    /// Wraps made again in this run.
    pub rewrapped: u64,
}

fn tenant_aad(tenant: TenantId, version: u32) -> Aad<'static> {
    Aad { tenant, subject: None, object: "tenant", id: b"", field: "key", version }
}

fn secret_aad(tenant: TenantId, kind: &'static str, version: u32) -> Aad<'static> {
    Aad { tenant, subject: None, object: "tenant_secret", id: b"", field: kind, version }
}

impl TenantKeys {
    /// Writes the first version of a new tenant.
    pub(crate) fn create(
        c: &mut Command<'_>,
        root: &Root,
        tenant: TenantId,
        keys: &Self,
        epoch: &Epoch,
    ) -> Result<(), Error> {
        let entropy = callvault_seal::OsEntropy;
        let wrapped =
            wrap_key(&root.key, &tenant_aad(tenant, keys.version), TENANT, &keys.current, &entropy)?;
        c.tx.execute(
            "INSERT INTO tenant (id, name, wrapped_key) VALUES (?1, ?2, ?3)",
            params![tenant.as_bytes(), TENANT, wrapped],
        )?;
        first_version(&c.tx, tenant, keys, epoch, &wrapped, &c.now)
    }

    /// The keys that belong to a first version.
    pub(crate) fn first(key: Key256, epoch: EpochId) -> Result<Self, Error> {
        let index = callvault_seal::derive(&key, "blind-index")?;
        let names = Key256::random(&callvault_seal::OsEntropy)?;
        let names = vec![NamesKey { number: 1, epoch: Some(epoch), key: names }];
        Ok(Self { version: 1, current: key, retiring: None, index, names })
    }

    /// Opens the keys of a stored tenant; a vault of the first schema gets its rows here.
    pub(crate) fn open(
        db: &mut Connection,
        root: &Root,
        keyring: &Keyring,
        now: &str,
    ) -> Result<(TenantId, Self), Error> {
        let tx = Transaction::new(db)?;
        let (tenant, wrapped): (Vec<u8>, Vec<u8>) =
            tx.query_row("SELECT id, wrapped_key FROM tenant WHERE name = ?1", params![TENANT], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })?;
        let tenant: TenantId = id_of(&tenant)?;
        let known: bool = tx.query_row(
            "SELECT EXISTS (SELECT 1 FROM tenant_key WHERE tenant = ?1)",
            params![tenant.as_bytes()],
            |r| r.get(0),
        )?;
        if !known {
            let key = unwrap_key(&root.key, &tenant_aad(tenant, 1), TENANT, &wrapped)?;
            let epoch = keyring.open(epoch::current(&tx)?)?;
            // What a vault of the first schema sealed, it sealed under a key derived from the tenant's.
            let names = callvault_seal::derive(&key, "names")?;
            let names = vec![NamesKey { number: 1, epoch: Some(epoch.id), key: names }];
            let keys = Self { names, ..Self::first(key, epoch.id)? };
            first_version(&tx, tenant, &keys, &epoch, &wrapped, now)?;
        }
        let keys = Self::load(&tx, root, keyring, tenant)?;
        tx.commit()?;
        Ok((tenant, keys))
    }

    pub(crate) fn load(
        db: &Connection,
        root: &Root,
        keyring: &Keyring,
        tenant: TenantId,
    ) -> Result<Self, Error> {
        let mut statement = db.prepare(
            "SELECT version, wrapped_key, state FROM tenant_key WHERE tenant = ?1 AND wrapped_key IS NOT NULL ORDER BY version",
        )?;
        let rows = statement.query_map(params![tenant.as_bytes()], |r| {
            Ok((r.get::<_, u32>(0)?, r.get::<_, Vec<u8>>(1)?, r.get::<_, String>(2)?))
        })?;
        let (mut current, mut retiring) = (None, None);
        for row in rows {
            let (version, wrapped, state) = row?;
            let key = unwrap_key(&root.key, &tenant_aad(tenant, version), TENANT, &wrapped)?;
            match state.as_str() {
                "current" => current = Some((version, key)),
                "retiring" => retiring = Some((version, key)),
                _ => return Err(Error::Corrupt("a tenant key of an unknown state")),
            }
        }
        let (version, current) = current.ok_or(Error::Corrupt("a tenant without a key"))?;
        let (mut index, mut names) = (None, Vec::new());
        let mut statement = db.prepare(
            "SELECT kind, version, wrapped_key, epoch FROM tenant_secret WHERE tenant = ?1 AND tenant_version = ?2 ORDER BY version",
        )?;
        let rows = statement.query_map(params![tenant.as_bytes(), version], |r| {
            let epoch: Option<Vec<u8>> = r.get(3)?;
            Ok((r.get::<_, String>(0)?, r.get::<_, u32>(1)?, r.get::<_, Vec<u8>>(2)?, epoch))
        })?;
        for row in rows {
            let (kind, number, wrapped, epoch) = row?;
            let open =
                |under: &Key256, kind| unwrap_key(under, &secret_aad(tenant, kind, number), kind, &wrapped);
            match (kind.as_str(), epoch) {
                (INDEX, None) => index = Some(open(&current, INDEX)?),
                (NAMES, None) => {
                    names.push(NamesKey { number, epoch: None, key: open(&current, NAMES)? });
                }
                (NAMES, Some(epoch)) => {
                    let epoch = keyring.open(id_of(&epoch)?)?;
                    let key = open(&kek(&current, &epoch.key, NAMES)?, NAMES)?;
                    names.push(NamesKey { number, epoch: Some(epoch.id), key });
                }
                _ => return Err(Error::Corrupt("a tenant secret of an unknown kind")),
            }
        }
        let index = index.ok_or(Error::Corrupt("a tenant without an index key"))?;
        Ok(Self { version, current, retiring, index, names })
    }
}

fn first_version(
    db: &Connection,
    tenant: TenantId,
    keys: &TenantKeys,
    epoch: &Epoch,
    wrapped: &[u8],
    now: &str,
) -> Result<(), Error> {
    insert_version(db, tenant, keys.version, wrapped, &keys.current, now)?;
    let under = (keys.version, &keys.current);
    insert_secret(db, tenant, INDEX, 1, under, None, &keys.index)?;
    for name in &keys.names {
        insert_secret(db, tenant, NAMES, name.number, under, Some(epoch), &name.key)?;
    }
    Ok(())
}

fn insert_version(
    db: &Connection,
    tenant: TenantId,
    version: u32,
    wrapped: &[u8],
    key: &Key256,
    now: &str,
) -> Result<(), Error> {
    db.execute(
        "INSERT INTO tenant_key (tenant, version, wrapped_key, key_fingerprint, state, created_at)
         VALUES (?1, ?2, ?3, ?4, 'current', ?5)",
        params![tenant.as_bytes(), version, wrapped, hex(&key.id()?), now],
    )?;
    Ok(())
}

fn insert_secret(
    db: &Connection,
    tenant: TenantId,
    kind: &'static str,
    number: u32,
    (version, tenant_key): (u32, &Key256),
    epoch: Option<&Epoch>,
    key: &Key256,
) -> Result<(), Error> {
    let both = epoch.map(|e| kek(tenant_key, &e.key, kind)).transpose()?;
    let under = both.as_ref().unwrap_or(tenant_key);
    let wrapped = wrap_key(under, &secret_aad(tenant, kind, number), kind, key, &callvault_seal::OsEntropy)?;
    db.execute(
        "INSERT INTO tenant_secret (tenant, kind, version, tenant_version, wrapped_key, epoch) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (tenant, kind, version) DO UPDATE SET
           tenant_version = excluded.tenant_version, wrapped_key = excluded.wrapped_key, epoch = excluded.epoch",
        params![tenant.as_bytes(), kind, number, version, wrapped, epoch.map(|e| e.id.as_bytes().to_vec())],
    )?;
    Ok(())
}

/// What wrapped a row, by epoch and the name in front of the wrap: (the old key, the new one).
type Pairs = BTreeMap<(Vec<u8>, [u8; 8]), (Key256, Key256)>;
/// A wrap: (row, id, bytes, keys).
type Wrapped<'a> = (i64, Vec<u8>, Vec<u8>, &'a (Key256, Key256));

/// Up to `many` rows behind `after` that one of these keys wrapped. The table is read once, however many batches there are.
fn wrapped_by_any<'a>(
    db: &Connection,
    (table, column): (&str, &str),
    pairs: &'a Pairs,
    (after, many): (i64, usize),
) -> Result<Vec<Wrapped<'a>>, Error> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT rowid, {column}, wrapped_key, epoch FROM {table}
         WHERE wrapped_key IS NOT NULL AND rowid > ?1 ORDER BY rowid"
    ))?;
    let mut rows = statement.query(params![after])?;
    let mut out = Vec::new();
    while out.len() < many
        && let Some(row) = rows.next()?
    {
        let wrapped: Vec<u8> = row.get(2)?;
        let Some(name) = key_id(&wrapped) else { continue };
        if let Some(keys) = pairs.get(&(row.get(3)?, name)) {
            out.push((row.get(0)?, row.get(1)?, wrapped, keys));
        }
    }
    Ok(out)
}

impl Vault {
    /// What the keys are, for people.
    pub fn keys_status(&self) -> Result<KeysStatus, Error> {
        let (keys, epochs) = (self.tenant_keys(), self.keyring.list()?.len());
        let remaining = self.remaining()?;
        let db = self.db();
        let (fingerprint, created_at) = db.query_row(
            "SELECT key_fingerprint, created_at FROM tenant_key WHERE tenant = ?1 AND version = ?2",
            params![self.tenant.as_bytes(), keys.version],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        let count = |sql: &str| -> Result<u64, Error> {
            Ok(db.query_row(sql, [], |r| r.get::<_, i64>(0))?.unsigned_abs())
        };
        Ok(KeysStatus {
            tenant_key_version: keys.version,
            fingerprint,
            created_at,
            retiring: keys.retiring.as_ref().map(|(version, _)| *version),
            remaining,
            destroyed: count("SELECT COUNT(*) FROM tenant_key WHERE state = 'destroyed'")?,
            epochs,
            epoch: self.epoch(),
            subject_keys: count("SELECT COUNT(*) FROM subject WHERE wrapped_key IS NOT NULL")?,
            object_keys: count("SELECT COUNT(*) FROM object WHERE wrapped_key IS NOT NULL")?,
        })
    }

    /// A new tenant key: every wrap is made again under it, then the old one is destroyed. Reading and taking in go on
    /// meanwhile. Killed anywhere, the next call goes on where it stopped.
    pub fn rotate_tenant_key(&self, by: &Actor) -> Result<Rotation, Error> {
        let resumed = self.tenant_keys().retiring.is_some();
        if !resumed {
            self.begin_rotation(by)?;
        }
        let mut rewrapped = 0u64;
        for place in 0..WRAPS.len() {
            let mut after = i64::MIN;
            while let Some((last, done)) = self.rewrap_some(place, after, BATCH)? {
                after = last;
                rewrapped = rewrapped.saturating_add(done);
            }
        }
        self.finish_rotation(by, rewrapped)?;
        Ok(Rotation { version: self.tenant_keys().version, resumed, rewrapped })
    }

    /// The new version becomes the one that wraps, in the database and in memory under one lock: every wrap is made
    /// inside the command that stores it, so no row is wrapped by the old version from here on.
    pub(crate) fn begin_rotation(&self, by: &Actor) -> Result<(), Error> {
        let old = self.tenant_keys();
        let version = old.version.saturating_add(1);
        let key = Key256::random(&self.entropy)?;
        let wrapped =
            wrap_key(&self.root.key, &tenant_aad(self.tenant, version), TENANT, &key, &self.entropy)?;
        let tenant = self.tenant;
        self.command_then(
            by,
            "begin rotation",
            |c| {
                let changed = c.tx.execute(
                    "UPDATE tenant_key SET state = 'retiring' WHERE tenant = ?1 AND version = ?2 AND state = 'current'",
                    params![tenant.as_bytes(), old.version],
                )?;
                if changed != 1 {
                    return Err(crate::denied::not_pending());
                }
                insert_version(&c.tx, tenant, version, &wrapped, &key, &c.now)?;
                c.tx.execute(
                    "UPDATE tenant SET wrapped_key = ?2 WHERE id = ?1",
                    params![tenant.as_bytes(), wrapped],
                )?;
                insert_secret(&c.tx, tenant, INDEX, 1, (version, &key), None, &old.index)?;
                for name in &old.names {
                    let epoch = name.epoch.map(|id| self.keyring.open(id)).transpose()?;
                    insert_secret(&c.tx, tenant, NAMES, name.number, (version, &key), epoch.as_ref(), &name.key)?;
                }
                self.add_names_key(c, &old.names, (version, &key))?;
                c.log(
                    Kind::KeyRotated,
                    None,
                    None,
                    &[
                        ("key", "tenant".into()),
                        ("version", version.into()),
                        ("fingerprint", hex(&key.id()?).into()),
                    ],
                );
                Ok(())
            },
            |db| self.reload_tenant_keys(db),
        )
    }

    /// One command: makes up to `many` wraps of one table again, behind the row `after`. The last row it made and how
    /// many; `None` when there is nothing left.
    pub(crate) fn rewrap_some(
        &self,
        place: usize,
        after: i64,
        many: usize,
    ) -> Result<Option<(i64, u64)>, Error> {
        let Some((table, column, purpose, is_subject)) = WRAPS.get(place).copied() else { return Ok(None) };
        let keys = self.tenant_keys();
        let Some((_, retiring)) = &keys.retiring else { return Ok(None) };
        self.command("rewrap", |c| {
            let mut pairs = BTreeMap::new();
            for epoch in self.keyring.list()? {
                let epoch = self.keyring.open(epoch)?;
                let pair = (kek(retiring, &epoch.key, purpose)?, kek(&keys.current, &epoch.key, purpose)?);
                pairs.insert((epoch.id.as_bytes().to_vec(), pair.0.id()?), pair);
            }
            let rows = wrapped_by_any(&c.tx, (table, column), &pairs, (after, many))?;
            let mut update =
                c.tx.prepare_cached(&format!("UPDATE {table} SET wrapped_key = ?2 WHERE rowid = ?1"))?;
            for (rowid, id, wrapped, (from, to)) in &rows {
                let id: Id<callvault_model::id::SubjectKind> = id_of(id)?;
                let aad = self.aad(is_subject.then_some(id), purpose, id.as_bytes(), "key");
                let again = rewrap_key((from, &aad), (to, &aad), purpose, wrapped, &self.entropy)?;
                update.execute(params![rowid, again])?;
            }
            Ok(rows.last().map(|last| (last.0, rows.len() as u64)))
        })
    }

    /// Wraps that the retiring version made.
    fn remaining(&self) -> Result<u64, Error> {
        let keys = self.tenant_keys();
        let Some((_, retiring)) = &keys.retiring else { return Ok(0) };
        let db = self.db();
        self.wrapped_by(&db, retiring)
    }

    fn wrapped_by(&self, db: &Connection, version: &Key256) -> Result<u64, Error> {
        let mut all = 0u64;
        for epoch in self.keyring.list()? {
            let epoch = self.keyring.open(epoch)?;
            for (table, _, purpose, _) in WRAPS {
                let id = kek(version, &epoch.key, purpose)?.id()?;
                let n: i64 = db.query_row(
                    &format!(
                        "SELECT COUNT(*) FROM {table} WHERE epoch = ?1 AND substr(wrapped_key, 2, 8) = ?2"
                    ),
                    params![epoch.id.as_bytes(), id],
                    |r| r.get(0),
                )?;
                all = all.saturating_add(n.unsigned_abs());
            }
        }
        Ok(all)
    }

    /// Destroys the old version once it wraps nothing, and takes its bytes out of the write-ahead log.
    fn finish_rotation(&self, by: &Actor, rewrapped: u64) -> Result<(), Error> {
        let keys = self.tenant_keys();
        let Some((version, retiring)) = &keys.retiring else { return Ok(()) };
        self.command_then(
            by,
            "finish rotation",
            |c| {
                if self.wrapped_by(&c.tx, retiring)? != 0 {
                    return Err(Error::Corrupt("a key wrapped by the version that is to be destroyed"));
                }
                c.tx.execute(
                    "UPDATE tenant_key SET wrapped_key = NULL, state = 'destroyed', destroyed_at = ?3 WHERE tenant = ?1 AND version = ?2",
                    params![self.tenant.as_bytes(), version, c.now],
                )?;
                c.log(
                    Kind::KeyRewrapped,
                    None,
                    None,
                    &[
                        ("key", "tenant".into()),
                        ("version", keys.version.into()),
                        ("destroyed_version", (*version).into()),
                        ("wraps", rewrapped.into()),
                    ],
                );
                Ok(())
            },
            |db| self.reload_tenant_keys(db),
        )?;
        self.empty_wal()
    }

    /// One more key of names, which seals from here on; wrapped under the epoch of now.
    pub(crate) fn add_names_key(
        &self,
        c: &Command<'_>,
        before: &[NamesKey],
        under: (u32, &Key256),
    ) -> Result<(), Error> {
        let number = before.iter().map(|n| n.number).max().unwrap_or(0).saturating_add(1);
        let epoch = self.keyring.open(epoch::current(&c.tx)?)?;
        insert_secret(&c.tx, self.tenant, NAMES, number, under, Some(&epoch), &Key256::random(&self.entropy)?)
    }

    pub(crate) fn reload_tenant_keys(&self, db: &Connection) -> Result<(), Error> {
        let keys = Arc::new(TenantKeys::load(db, &self.root, &self.keyring, self.tenant)?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        self.forget_keks();
        Ok(())
    }

    /// The keys as they are now.
    pub(crate) fn tenant_keys(&self) -> Arc<TenantKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

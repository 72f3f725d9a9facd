//! Shred epochs: the keys outside the database without which no wrap in it opens.
//!
//! A roll begins a new epoch, wraps everything that lives again under it and retires the old one. The retired key is
//! kept as long as backups made under it may be wanted (the *horizon*) and then destroyed: from then on no backup of
//! that time can bring an erased person back. Killed anywhere, the next call goes on where it stopped.

use crate::db::{Connection, OptionalExtension, Transaction, params};
use crate::{
    Actor, Error, Refused, Vault,
    keys::id_of,
    rotation::{BATCH, WRAPS},
    shred::empty_wal,
    times,
};
use callvault_ledger::Kind;
use callvault_model::id::{EpochId, Id, SubjectKind};
use callvault_seal::{Epoch, Key256, Keyring, SealError, envelope::key_id, kek, rewrap_key};
use jiff::SignedDuration;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

/// A roll that nobody asked for happens when the current epoch is as old as this.
pub const PERIOD: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long a retired key is kept for backups, unless the site says otherwise.
pub const HORIZON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Where an epoch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EpochState {
    /// New wraps are made in it.
    Current,
    /// Wraps are moving out of it.
    Retiring,
    /// Nothing in the vault is wrapped in it; old backups are.
    Retired,
    /// Its key is being destroyed.
    Closing,
    /// Its key is destroyed.
    Destroyed,
}

impl EpochState {
    const ALL: [Self; 5] = [Self::Current, Self::Retiring, Self::Retired, Self::Closing, Self::Destroyed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Closing => "closing",
            Self::Destroyed => "destroyed",
        }
    }

    fn parse(code: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == code)
            .ok_or(Error::Corrupt("an epoch of an unknown state"))
    }
}

/// One epoch.
#[derive(Debug, Clone, Serialize)]
pub struct EpochRow {
    /// Its id.
    pub id: EpochId,
    /// Where it stands.
    pub state: EpochState,
    /// RFC 3339.
    pub created_at: String,
    /// When nothing was wrapped in it any more.
    pub retired_at: Option<String>,
    /// When its key was destroyed.
    pub destroyed_at: Option<String>,
}

/// What a roll did.
#[derive(Debug, Clone, Serialize)]
pub struct Rolled {
    /// The epoch in use now.
    pub epoch: EpochId,
    /// An interrupted roll was finished; no new epoch began.
    pub resumed: bool,
    /// Keys wrapped again.
    pub rewrapped: u64,
    /// Texts of the vault sealed again.
    pub resealed: u64,
}

/// The epoch new wraps are made in.
pub(crate) fn current(db: &Connection) -> Result<EpochId, Error> {
    let id: Option<Vec<u8>> =
        db.query_row("SELECT id FROM epoch WHERE state = 'current'", [], |r| r.get(0)).optional()?;
    id_of(&id.ok_or(Error::Corrupt("a vault without a current epoch"))?)
}

/// Writes that an epoch began.
pub(crate) fn begin(db: &Connection, id: EpochId, now: &str) -> Result<(), Error> {
    db.execute(
        "INSERT INTO epoch (id, state, created_at) VALUES (?1, 'current', ?2)",
        params![id.as_bytes(), now],
    )?;
    Ok(())
}

/// The current epoch of a stored vault. A vault of an older program gets its rows. An epoch key that no row knows stays:
/// it comes from a killed roll and wraps nothing, or this is an old copy of a vault whose newer epochs live beside it.
pub(crate) fn open(db: &mut Connection, keyring: &Keyring, now: &str) -> Result<EpochId, Error> {
    let tx = Transaction::new(db)?;
    if epochs(&tx)?.is_empty() {
        let files = keyring.list()?;
        let newest = *files.last().ok_or(Error::WrongKey)?;
        for id in &files {
            begin(&tx, *id, now)?;
        }
        tx.execute("UPDATE epoch SET state = 'retiring' WHERE id <> ?1", params![newest.as_bytes()])?;
    }
    let epoch = current(&tx)?;
    keyring.open(epoch)?;
    tx.commit()?;
    Ok(epoch)
}

/// Keys of epochs and what follows from them, made once in a batch.
struct Froms<'a> {
    vault: &'a Vault,
    purpose: &'static str,
    known: BTreeMap<(EpochId, [u8; 8]), Arc<Key256>>,
}

impl Froms<'_> {
    /// The key that made this wrap.
    fn of(&mut self, epoch: EpochId, wrapped: &[u8]) -> Result<&Key256, Error> {
        let id = key_id(wrapped).ok_or(Error::Corrupt("a wrap without the name of its key"))?;
        if !self.known.contains_key(&(epoch, id)) {
            let key = self.vault.kek_of(epoch, self.purpose, wrapped)?;
            self.known.insert((epoch, id), key);
        }
        self.known.get(&(epoch, id)).map(Arc::as_ref).ok_or(Error::Corrupt("a wrap without its key"))
    }
}

impl Vault {
    /// The epoch new wraps are made in.
    pub(crate) fn epoch(&self) -> EpochId {
        *self.epoch.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every epoch, oldest first.
    pub fn epochs(&self) -> Result<Vec<EpochRow>, Error> {
        epochs(&self.db())
    }

    /// Rolls to a new epoch: everything that lives is wrapped and sealed again, the old epoch is retired. Reading and
    /// taking in go on meanwhile.
    pub fn roll_epoch(&self, by: &Actor) -> Result<Rolled, Error> {
        let resumed = self.epochs()?.iter().any(|e| e.state == EpochState::Retiring);
        if !resumed {
            self.begin_roll(by)?;
        }
        let mut rewrapped = 0u64;
        for place in 0..WRAPS.len() {
            let mut after = i64::MIN;
            while let Some((last, n)) = self.move_some(place, after, BATCH)? {
                after = last;
                rewrapped = rewrapped.saturating_add(n);
            }
        }
        let resealed = self.seal_names_again()?;
        self.finish_roll(by, rewrapped, resealed)?;
        Ok(Rolled { epoch: self.epoch(), resumed, rewrapped, resealed })
    }

    /// Rolls when the current epoch is older than [`PERIOD`] or a roll was interrupted.
    pub fn roll_if_due(&self, by: &Actor) -> Result<Option<Rolled>, Error> {
        let now = self.clock.now();
        let mut due = false;
        for e in self.epochs()? {
            due |= match e.state {
                EpochState::Retiring => true,
                EpochState::Current => now.duration_since(times::parse(&e.created_at)?) >= PERIOD,
                _ => false,
            };
        }
        due.then(|| self.roll_epoch(by)).transpose()
    }

    /// The key of the new epoch is on the disk before the database speaks of it; both change under one lock.
    pub(crate) fn begin_roll(&self, by: &Actor) -> Result<(), Error> {
        let epoch = self.keyring.create(self.clock.as_ref(), &self.entropy)?;
        self.command_then(
            by,
            "begin epoch",
            |c| {
                c.tx.execute("UPDATE epoch SET state = 'retiring' WHERE state = 'current'", [])?;
                begin(&c.tx, epoch.id, &c.now)?;
                let keys = self.tenant_keys();
                self.add_names_key(c, &keys.names, (keys.version, &keys.current))?;
                c.log(Kind::KeyEpochCreated, None, None, &[("epoch", epoch.id.to_string().into())]);
                Ok(())
            },
            |db| {
                *self.epoch.write().unwrap_or_else(PoisonError::into_inner) = epoch.id;
                self.reload_tenant_keys(db)
            },
        )
    }

    /// One command: up to `many` wraps of one table move into the current epoch. The last row looked at and how many
    /// moved; `None` when there is nothing left behind `after`.
    pub(crate) fn move_some(
        &self,
        place: usize,
        after: i64,
        many: usize,
    ) -> Result<Option<(i64, u64)>, Error> {
        let Some((table, column, purpose, is_subject)) = WRAPS.get(place).copied() else { return Ok(None) };
        self.command("move to epoch", |c| {
            let epoch = self.keyring.open(self.epoch())?;
            let to = kek(&self.tenant_keys().current, &epoch.key, purpose)?;
            let rows = wraps_elsewhere(&c.tx, table, column, &epoch, (after, many))?;
            let mut froms = Froms { vault: self, purpose, known: BTreeMap::new() };
            let mut update = c.tx.prepare_cached(&format!(
                "UPDATE {table} SET wrapped_key = ?2, epoch = ?3 WHERE rowid = ?1"
            ))?;
            for (rowid, id, wrapped, old) in &rows {
                let id: Id<SubjectKind> = id_of(id)?;
                let aad = self.aad(is_subject.then_some(id), purpose, id.as_bytes(), "key");
                let from = froms.of(id_of(old)?, wrapped)?;
                let again = rewrap_key((from, &aad), (&to, &aad), purpose, wrapped, &self.entropy)?;
                update.execute(params![rowid, again, epoch.id.as_bytes()])?;
            }
            Ok(rows.last().map(|last| (last.0, rows.len() as u64)))
        })
    }

    /// Retires the old epoch once nothing is wrapped in it, and takes the old wraps out of the write-ahead log.
    fn finish_roll(&self, by: &Actor, rewrapped: u64, resealed: u64) -> Result<(), Error> {
        self.command_as(by, "retire epoch", |c| {
            if self.under_older_epochs(&c.tx)? != 0 {
                return Err(Error::Corrupt("a key wrapped in an epoch that is to be retired"));
            }
            let retiring: Vec<EpochId> =
                epochs(&c.tx)?.iter().filter(|e| e.state == EpochState::Retiring).map(|e| e.id).collect();
            for id in retiring {
                c.tx.execute(
                    "UPDATE epoch SET state = 'retired', retired_at = ?2 WHERE id = ?1",
                    params![id.as_bytes(), c.now],
                )?;
                let facts = [
                    ("key", "epoch".into()),
                    ("epoch", id.to_string().into()),
                    ("wraps", rewrapped.into()),
                    ("texts", resealed.into()),
                ];
                c.log(Kind::KeyRewrapped, None, None, &facts);
            }
            Ok(())
        })?;
        self.empty_wal()
    }

    /// Wraps in this database that an epoch other than the current one has to open.
    fn under_older_epochs(&self, db: &Connection) -> Result<u64, Error> {
        let (epoch, mut all) = (self.epoch(), 0u64);
        for (table, _, _, _) in WRAPS {
            let n: i64 = db.query_row(
                &format!("SELECT COUNT(*) FROM {table} WHERE wrapped_key IS NOT NULL AND epoch <> ?1"),
                params![epoch.as_bytes()],
                |r| r.get(0),
            )?;
            all = all.saturating_add(n.unsigned_abs());
        }
        Ok(all)
    }

    /// Destroys the keys of epochs that were retired `horizon` ago or earlier; what it destroyed. Zero rows under them
    /// are read back first. With a horizon of zero nobody else may be working on the vault: a text sealed before a roll
    /// and stored after it would be lost.
    pub fn destroy_retired_epochs(&self, by: &Actor, horizon: SignedDuration) -> Result<Vec<EpochId>, Error> {
        let now = self.clock.now();
        let mut due = Vec::new();
        for e in self.epochs()? {
            let over = e.retired_at.as_deref().map(times::parse).transpose()?;
            let over = over.is_some_and(|at| now.duration_since(at) >= horizon);
            match e.state {
                EpochState::Closing => due.push(e.id),
                EpochState::Retired if over => due.push(e.id),
                _ => {}
            }
        }
        if due.is_empty() {
            return Ok(due);
        }
        self.seal_names_again()?;
        for id in &due {
            self.close_epoch(by, *id)?;
            match self.keyring.destroy(*id) {
                // A killed run got this far.
                Ok(_) | Err(SealError::EpochGone { .. }) => {}
                Err(e) => return Err(e.into()),
            }
            self.forget_keks();
            self.note_destroyed(by, *id)?;
        }
        Ok(due)
    }

    /// Nothing needs this epoch any more; its keys of names and what a server keeps of its wraps leave the database first.
    pub(crate) fn close_epoch(&self, by: &Actor, id: EpochId) -> Result<(), Error> {
        self.command_then(
            by,
            "close epoch",
            |c| {
                let retiring = epochs(&c.tx)?.iter().any(|e| e.state == EpochState::Retiring);
                if retiring || self.under_older_epochs(&c.tx)? != 0 || self.sealed_by_older_names(&c.tx)? != 0
                {
                    return Err(Refused::invalid(
                        "destroying an epoch that something still needs",
                        "finish the roll first: `callvault keys roll`",
                    )
                    .into());
                }
                c.tx.execute("UPDATE epoch SET state = 'closing' WHERE id = ?1", params![id.as_bytes()])?;
                c.tx.execute(
                    "DELETE FROM tenant_secret WHERE kind = 'names' AND (epoch = ?1 OR epoch IS NULL)",
                    params![id.as_bytes()],
                )?;
                Ok(())
            },
            |db| self.reload_tenant_keys(db),
        )?;
        let db = self.db();
        let tables: Vec<&str> = WRAPS.iter().map(|wrap| wrap.0).chain(["tenant_secret"]).collect();
        db.write_anew(&tables)?;
        empty_wal(&db)
    }

    fn note_destroyed(&self, by: &Actor, id: EpochId) -> Result<(), Error> {
        if !matches!(self.keyring.open(id), Err(SealError::EpochGone { .. })) {
            return Err(Error::Residue(self.keyring.dir().to_owned()));
        }
        self.command_as(by, "epoch destroyed", |c| {
            c.tx.execute(
                "UPDATE epoch SET state = 'destroyed', destroyed_at = ?2 WHERE id = ?1",
                params![id.as_bytes(), c.now],
            )?;
            c.log(Kind::KeyEpochDestroyed, None, None, &[("epoch", id.to_string().into())]);
            Ok(())
        })
    }
}

/// As (row, id, wrap, epoch).
type Wrap = (i64, Vec<u8>, Vec<u8>, Vec<u8>);

fn wraps_elsewhere(
    db: &Connection,
    table: &str,
    column: &str,
    epoch: &Epoch,
    (after, many): (i64, usize),
) -> Result<Vec<Wrap>, Error> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT rowid, {column}, wrapped_key, epoch FROM {table}
         WHERE wrapped_key IS NOT NULL AND epoch <> ?1 AND rowid > ?2 ORDER BY rowid LIMIT ?3"
    ))?;
    let limit = i64::try_from(many).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![epoch.id.as_bytes(), after, limit], |r| {
        Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn epochs(db: &Connection) -> Result<Vec<EpochRow>, Error> {
    let mut statement = db
        .prepare_cached("SELECT id, state, created_at, retired_at, destroyed_at FROM epoch ORDER BY rowid")?;
    let rows = statement.query_map([], |r| {
        Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, String>(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
    })?;
    rows.map(|row| {
        let (id, state, created_at, retired_at, destroyed_at) = row?;
        Ok(EpochRow {
            id: id_of(&id)?,
            state: EpochState::parse(&state)?,
            created_at,
            retired_at,
            destroyed_at,
        })
    })
    .collect()
}

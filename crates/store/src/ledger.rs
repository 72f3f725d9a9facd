//! The ledger's rows in the database: entries verbatim, tree nodes, signed checkpoints.

use crate::db::{Connection, OptionalExtension, params};
use crate::{
    Error, Vault,
    access_index::{self, Access, Found},
    conversation::as_i64,
    schema,
    vault::read_only,
};
use callvault_ledger::{
    Broken, Draft, ExportWriter, Hash, Kind, LedgerError, Nodes, Options, Prepared, Proof, Signer, Tail,
    Verified, VerifierKey, note,
    tree::node_hash,
    verify::{Known, Stream, verify_stream},
};
use callvault_model::id::VaultId;
use callvault_seal::SigningKey;
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

impl From<LedgerError> for Error {
    fn from(e: LedgerError) -> Self {
        Self::Ledger(e.to_string())
    }
}

/// Signs checkpoints and certificates in the name of one vault.
pub(crate) struct VaultSigner {
    name: String,
    key: SigningKey,
    public: [u8; 32],
    vkey: String,
    /// The end of the ledger after the last append, whether that was committed or not.
    last: Mutex<Option<Tail>>,
}

impl VaultSigner {
    pub(crate) fn new(vault: VaultId, key: SigningKey) -> Result<Self, Error> {
        let (name, public) = (format!("callvault/{vault}"), key.public()?);
        let vkey = VerifierKey::new(&name, public)?.to_string();
        Ok(Self { name, key, public, vkey, last: Mutex::default() })
    }

    pub(crate) fn vkey(&self) -> &str {
        &self.vkey
    }
}

impl Signer for VaultSigner {
    fn name(&self) -> &str {
        &self.name
    }
    fn public(&self) -> [u8; 32] {
        self.public
    }
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], LedgerError> {
        self.key.sign(text).map_err(|_| LedgerError::Sign)
    }
}

/// The lowest level of the tree that is stored: a node below it stands over so few leaves that it is computed from them
/// when a proof asks for it, and an entry costs an eighth of a row instead of two. Older vaults hold the others too; nobody
/// reads them.
const KEPT: u8 = 4;

/// Tree nodes as they stand in the database, and those below from the leaves.
pub(crate) struct Stored<'a>(pub(crate) &'a Connection);

impl Stored<'_> {
    fn over_leaves(&self, level: u8, index: u64) -> Option<Hash> {
        let (first, count) = (index.checked_shl(level.into())?, 1u64 << level);
        let mut statement = self
            .0
            .prepare_cached("SELECT leaf FROM ledger_entry WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")
            .ok()?;
        let last = first.checked_add(count - 1)?;
        let leaves = statement.query_map(params![as_i64(first), as_i64(last)], |r| r.get::<_, [u8; 32]>(0));
        let mut row = leaves.ok()?.map(|leaf| leaf.map(Hash)).collect::<Result<Vec<_>, _>>().ok()?;
        if row.len() as u64 != count {
            return None;
        }
        while row.len() > 1 {
            row = row.chunks_exact(2).filter_map(|two| Some(node_hash(two.first()?, two.last()?))).collect();
        }
        row.pop()
    }
}

impl Nodes for Stored<'_> {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        if level < KEPT {
            return self.over_leaves(level, index);
        }
        self.0
            .prepare_cached("SELECT hash FROM ledger_node WHERE level = ?1 AND position = ?2")
            .and_then(|mut s| s.query_row(params![level, as_i64(index)], |r| r.get::<_, [u8; 32]>(0)))
            .ok()
            .map(Hash)
    }
}

/// Number of entries.
pub(crate) fn size(db: &Connection) -> Result<u64, Error> {
    let n: i64 = db.query_row("SELECT COUNT(*) FROM ledger_entry", [], |r| r.get(0))?;
    Ok(n.unsigned_abs())
}

/// The end of the ledger as its last number says it; the head is checked against the count when a vault is opened.
pub(crate) fn end(db: &Connection) -> Result<u64, Error> {
    let mut statement = db.prepare_cached("SELECT COALESCE(MAX(seq) + 1, 0) FROM ledger_entry")?;
    let n: i64 = statement.query_row([], |r| r.get(0))?;
    Ok(n.unsigned_abs())
}

fn tail(db: &Connection, origin: &str, size: u64) -> Result<Tail, Error> {
    let last: Option<Vec<u8>> = db
        .prepare_cached("SELECT body FROM ledger_entry ORDER BY seq DESC LIMIT 1")?
        .query_row([], |r| r.get(0))
        .optional()?;
    Ok(Tail::load(origin, size, &Stored(db), last.as_deref())?)
}

/// The end of the ledger inside a transaction; remembered from the last append where that is how it ends now.
fn tail_of(tx: &Connection, signer: &VaultSigner) -> Result<Tail, Error> {
    let last: Option<(i64, [u8; 32])> = tx
        .prepare_cached("SELECT seq, leaf FROM ledger_entry ORDER BY seq DESC LIMIT 1")?
        .query_row([], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let known = signer.last.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (known, last) {
        (Some(tail), Some((seq, leaf))) if tail.ends(seq.unsigned_abs() + 1, Hash(leaf)) => Ok(tail),
        (_, last) => tail(tx, &signer.name, last.map_or(0, |(seq, _)| seq.unsigned_abs() + 1)),
    }
}

/// An entry that is written but for its place, and how it will be found.
pub(crate) struct Ready {
    line: Prepared,
    found: Found,
}

impl Ready {
    pub(crate) fn of(draft: &Draft) -> Result<Self, Error> {
        let line = Prepared::of(draft)?;
        let found = Found::of(draft, line.at());
        Ok(Self { line, found })
    }
}

/// Adds entries and a signed checkpoint over them, inside the caller's transaction.
pub(crate) fn append(tx: &Connection, drafts: &[Draft], signer: &VaultSigner) -> Result<(), Error> {
    let entries: Vec<Ready> = drafts.iter().map(Ready::of).collect::<Result<_, _>>()?;
    access_index::put(tx, &append_unindexed(tx, &entries, signer)?)
}

/// The same without their lines in the index of readings, which are returned.
pub(crate) fn append_unindexed<'a>(
    tx: &Connection,
    entries: impl IntoIterator<Item = &'a Ready>,
    signer: &VaultSigner,
) -> Result<Vec<Access>, Error> {
    let (mut lines, mut entries) = (Vec::new(), entries.into_iter().peekable());
    if entries.peek().is_none() {
        return Ok(lines);
    }
    let mut tail = tail_of(tx, signer)?;
    let mut put_entry =
        tx.prepare_cached("INSERT INTO ledger_entry (seq, body, leaf) VALUES (?1, ?2, ?3)")?;
    let mut put_node =
        tx.prepare_cached("INSERT INTO ledger_node (level, position, hash) VALUES (?1, ?2, ?3)")?;
    let mut put = |tail: &mut Tail, entry: &Ready| -> Result<u64, Error> {
        let new = tail.write(&entry.line)?;
        put_entry.execute(params![as_i64(new.seq), new.bytes, new.leaf.0])?;
        lines.extend(entry.found.index(tx, new.seq)?);
        for node in new.nodes.iter().filter(|n| n.level >= KEPT) {
            put_node.execute(params![node.level, as_i64(node.index), node.hash.0])?;
        }
        Ok(new.clock_went_back_ms)
    };
    for entry in entries {
        let back = put(&mut tail, entry)?;
        if back > 2_000 {
            let stepped = Draft::new(entry.line.at(), Kind::ClockStepped, "vault").fact("back_ms", back);
            put(&mut tail, &Ready::of(&stepped)?)?;
        }
    }
    let note = tail.checkpoint().sign(signer)?;
    tx.prepare_cached("INSERT INTO ledger_checkpoint (size, note) VALUES (?1, ?2)")?
        .execute(params![as_i64(tail.size()), note])?;
    *signer.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(tail);
    Ok(lines)
}

/// Refuses a ledger whose end is not what this vault's key signed last.
pub(crate) fn check_head(db: &Connection, signer: &VaultSigner) -> Result<(), Error> {
    let (signed, note): (i64, String) = db
        .query_row("SELECT size, note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .optional()?
        .ok_or(Error::LedgerMismatch)?;
    let tail = tail(db, &signer.name, size(db)?).map_err(|_| Error::LedgerMismatch)?;
    let key = VerifierKey::of(signer)?;
    let checkpoint = callvault_ledger::Checkpoint::open(&note, &key).map_err(|_| Error::LedgerMismatch)?;
    let fits = checkpoint == tail.checkpoint() && signed.unsigned_abs() == tail.size();
    if fits { Ok(()) } else { Err(Error::LedgerMismatch) }
}

impl Vault {
    /// Number of ledger entries.
    pub fn ledger_size(&self) -> Result<u64, Error> {
        size(&self.reads())
    }

    /// A text that proves, offline, that entry `seq` is in the ledger.
    pub fn ledger_proof(&self, seq: u64) -> Result<String, Error> {
        let db = self.reads();
        let body: Vec<u8> = db
            .prepare_cached("SELECT body FROM ledger_entry WHERE seq = ?1")?
            .query_row(params![as_i64(seq)], |r| r.get(0))?;
        let (size, note) = newest(&db)?;
        Ok(Proof::new(&body, &Stored(&db), size, &note)?.to_text())
    }

    /// A signed note over `text` in the vault's name.
    pub fn sign_note(&self, text: &str) -> Result<String, Error> {
        Ok(note::sign(text, &self.signer)?)
    }

    /// Command *note export*: something was taken out; `what` is a code.
    pub fn note_export(&self, by: &crate::Actor, what: &'static str) -> Result<(), Error> {
        self.command_as(by, "note export", |c| {
            c.log(Kind::LedgerExported, None, None, &[("what", what.into())]);
            Ok(())
        })
    }

    /// Writes the ledger as an export that verifies offline. That it left is its last entry.
    pub fn export_ledger(&self, into: &Path) -> Result<(), Error> {
        self.note_export(&crate::Actor::LocalOperator, "ledger")?;
        export(&self.db(), into)
    }
}

/// Writes entries and checkpoints into a directory.
fn export(db: &Connection, into: &Path) -> Result<(), Error> {
    let (vkey, mut notes) = (stored_vkey(db)?, checkpoints(db)?);
    let newest = notes.pop().ok_or(Error::LedgerMismatch)?;
    let mut writer = ExportWriter::create(into)?;
    for row in rows(db, 0) {
        let (body, leaf) = row?;
        writer.entry(&body, &leaf)?;
    }
    Ok(writer.finish(&newest, &notes, &vkey.parse()?)?)
}

/// The newest signed checkpoint and how many entries it covers.
pub(crate) fn newest(db: &Connection) -> Result<(u64, String), Error> {
    let mut statement =
        db.prepare_cached("SELECT size, note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1")?;
    let (size, note): (i64, String) = statement.query_row([], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok((size.unsigned_abs(), note))
}

/// What this vault signed at a size of its ledger.
pub(crate) fn checkpoint_at(db: &Connection, size: u64) -> Result<Option<String>, Error> {
    let size = i64::try_from(size).map_err(|_| Error::LedgerMismatch)?;
    Ok(db.query_row("SELECT note FROM ledger_checkpoint WHERE size = ?1", [size], |r| r.get(0)).optional()?)
}

fn stored_vkey(db: &Connection) -> Result<String, Error> {
    Ok(db.query_row("SELECT value FROM meta WHERE key = 'vkey'", [], |r| r.get(0))?)
}

fn checkpoints(db: &Connection) -> Result<Vec<String>, Error> {
    let mut statement = db.prepare("SELECT note FROM ledger_checkpoint ORDER BY size")?;
    Ok(statement.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?)
}

/// Entries read at a time, so that a long ledger needs bounded memory.
const PAGE: i64 = 1_000;

/// The entries from this number on with their stored leaves, in order.
pub(crate) fn rows(db: &Connection, from: u64) -> impl Iterator<Item = Result<(Vec<u8>, Hash), Error>> + '_ {
    let mut after = as_i64(from) - 1;
    let mut page = Vec::<(i64, Vec<u8>, [u8; 32])>::new().into_iter();
    std::iter::from_fn(move || {
        if page.len() == 0 {
            page = match next_page(db, after) {
                Ok(rows) => rows.into_iter(),
                Err(e) => return Some(Err(e)),
            };
        }
        let (seq, body, leaf) = page.next()?;
        after = seq;
        Some(Ok((body, Hash(leaf))))
    })
}

fn next_page(db: &Connection, after: i64) -> Result<Vec<(i64, Vec<u8>, [u8; 32])>, Error> {
    let mut statement =
        db.prepare_cached("SELECT seq, body, leaf FROM ledger_entry WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    Ok(statement
        .query_map(params![after, PAGE], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
        .collect::<Result<_, _>>()?)
}

/// Verifies the ledger inside a data directory without any secret, reading only.
pub fn verify_data(dir: &Path, options: &Options) -> Result<Result<Verified, Broken>, Error> {
    crate::making::refuse(dir)?;
    let connection = read_only(dir)?;
    // One moment of the ledger: while a server writes, entries would run ahead of the checkpoints read before.
    let db = connection.moment()?;
    schema::check(&db)?;
    let key = match &options.key {
        Some(key) => key.clone(),
        None => stored_vkey(&db)?.parse()?,
    };
    let mut notes = checkpoints(&db)?;
    let Some(newest) = notes.pop() else { return Err(Error::LedgerMismatch) };
    notes.extend(options.anchors.iter().cloned());
    let known = match Known::open(&newest, &notes, &key) {
        Ok(known) => known,
        Err(broken) => return Ok(Err(broken)),
    };
    let bodies = rows(&db, 0).map(|r| r.map(|(body, _)| body).map_err(|e| e.to_string()));
    let leaves = || -> Result<Stream<'_, Hash>, String> {
        Ok(Box::new(rows(&db, 0).map(|r| r.map(|(_, leaf)| leaf).map_err(|e| e.to_string()))))
    };
    Ok(verify_stream(Box::new(bodies), Some(&leaves), &known, options.key.is_some()))
}

//! What an auditor may ask of a data directory: counts, ids, times and codes. Reading only, without any key, beside a
//! running server. Each part is asked for by itself, so that a part that fails is named and the rest still stands.

mod housed;
mod opened;
mod people;
mod practice;
mod promised;
mod sweep;

pub use housed::Tenant;
pub use opened::Audited;
pub use people::{Account, ApiKey, Grant, Hold, SessionRow};
pub use practice::{Media, Training};
pub use promised::{Canaries, Promised, promised};
pub use sweep::{LedgerCensus, Personal, has_card};

use crate::db::{Connection, Row, params};
use crate::{
    CopyState, Disposal, Error,
    blob::{SealedBytes, Shelf},
    keys::id_of,
    schema,
    vault::read_only,
};
use callvault_model::{Id, id::ObjectId};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// Ids that are named; further ones are counted.
const NAMED: usize = 20;

/// One part of the facts, or why it could not be read.
pub type Part<T> = Result<T, String>;

/// How many there are, and the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// All of them.
    pub count: u64,
    /// The first twenty.
    pub first: Vec<String>,
}

impl Ids {
    /// Adds one.
    pub fn push(&mut self, id: impl Into<String>) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < NAMED {
            self.first.push(id.into());
        }
    }
}

/// One retention rule as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What it rules: originals, transcripts, evidence, …
    pub class: String,
    /// On which channel; `*` or a channel's name.
    pub channel: String,
    /// Days; `None` keeps without end.
    pub days: Option<i64>,
}

/// A sealed file that is still readable by its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedFile {
    /// Its id.
    pub id: String,
    /// SHA-256 of the sealed bytes as recorded.
    pub sha256: String,
}

/// The sealed files of a data directory, to be read as they are.
pub struct SealedFiles(Shelf);

impl SealedFiles {
    /// Finds where they stand.
    pub fn of(dir: &Path) -> Result<Self, Error> {
        Ok(Self(Shelf::of(dir, None)?))
    }

    /// The sealed bytes of one; `None` when it is not there.
    pub fn bytes(&self, file: &SealedFile) -> Result<Option<SealedBytes>, Error> {
        let id: ObjectId = file.id.parse().map_err(|_| Error::Corrupt("the id of a sealed file"))?;
        match self.0.len(id)? {
            None => Ok(None),
            Some(_) => Ok(Some(self.0.sealed(id)?.1)),
        }
    }
}

/// What became of originals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Originals {
    /// With a key.
    pub live: u64,
    /// Without.
    pub destroyed: u64,
    /// Called destroyed, and a wrapped key stands in the row.
    pub undead_key: Ids,
    /// Called destroyed, and the sealed file lies there.
    pub undead_file: Ids,
    /// Destroyed without a certificate.
    pub uncertified: Ids,
    /// Begun to be destroyed, and not finished.
    pub unfinished: Ids,
    /// Proven longer ago than the cooling delay and kept all the same; without hold and must-keep.
    pub late: Ids,
    /// Two objects under one key.
    pub shared_keys: Ids,
    /// What may keep the ciphertext of destroyed ones, in words, where sealed files stand in a bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_by: Option<String>,
    /// Copies outside the vault by what is known of them.
    pub copies: BTreeMap<String, u64>,
}

/// Everything that was asked.
#[derive(Debug, Clone)]
pub struct Posture {
    /// The schema found, and the one this program knows.
    pub schema: (i64, i64),
    /// The vault's id.
    pub vault: Part<String>,
    /// The terms of disposal; `None` in observe mode.
    pub disposal: Part<Option<Disposal>>,
    /// Tokens by type.
    pub tokens: Part<BTreeMap<String, u64>>,
    /// Conversations by state: how many, and when the oldest came.
    pub states: Part<BTreeMap<String, (u64, String)>>,
    /// Retention rules as stored.
    pub rules: Part<Vec<Rule>>,
    /// What lies there beyond its rule, by class.
    pub overdue: Part<BTreeMap<String, Ids>>,
    /// Originals and their end.
    pub originals: Part<Originals>,
    /// Sealed files, at most so many as asked for, spread over all.
    pub sealed: Part<Vec<SealedFile>>,
    /// Legal holds that are not released.
    pub holds: Part<Vec<Hold>>,
    /// Accounts.
    pub accounts: Part<Vec<Account>>,
    /// Sessions that are not ended.
    pub sessions: Part<Vec<SessionRow>>,
    /// Keys of services that are not revoked.
    pub api_keys: Part<Vec<ApiKey>>,
    /// Rights for a while that are in force or wait.
    pub grants: Part<Vec<Grant>>,
    /// What stands in the ledger.
    pub ledger: Part<LedgerCensus>,
    /// Who is trained, and what that closes.
    pub training: Part<Training>,
    /// Drives and paper.
    pub media: Part<Media>,
    /// Invented customers.
    pub canaries: Part<Canaries>,
    /// Tenants of this host.
    pub tenants: Part<Vec<Tenant>>,
}

/// Asks a data directory. `now` decides what is overdue; `sample` bounds the sealed files named.
pub fn ask(dir: &Path, now: jiff::Timestamp, sample: u32) -> Result<Posture, Error> {
    let db = read_only(dir)?;
    let found = db.version()?;
    let disposal = part(disposal(&db));
    let days = disposal.as_ref().ok().and_then(|d| d.as_ref()).map(|d| i64::from(d.cooling_days));
    Ok(Posture {
        schema: (found, schema::VERSION),
        vault: part(one(&db, "SELECT value FROM meta WHERE key = 'vault'")),
        tokens: part(counts(&db, "SELECT entity, COUNT(*) FROM token GROUP BY entity")),
        states: part(states(&db)),
        rules: part(rules(&db)),
        overdue: part(overdue(&db, now)),
        originals: part(Shelf::of(dir, None).and_then(|shelf| originals(&db, &shelf, now, days))),
        sealed: part(sealed(&db, sample)),
        holds: part(people::holds(&db)),
        accounts: part(people::accounts(&db)),
        sessions: part(people::sessions(&db)),
        api_keys: part(people::api_keys(&db)),
        grants: part(people::grants(&db)),
        ledger: part(sweep::census(&db)),
        training: part(practice::training(&db, now)),
        media: part(practice::media(&db, now)),
        canaries: part(promised::canaries(&db)),
        tenants: part(housed::tenants(dir, &db)),
        disposal,
    })
}

fn part<T>(asked: Result<T, Error>) -> Part<T> {
    asked.map_err(|e| e.to_string())
}

fn one(db: &Connection, sql: &str) -> Result<String, Error> {
    Ok(db.query_row(sql, [], |r| r.get(0))?)
}

fn counts(db: &Connection, sql: &str) -> Result<BTreeMap<String, u64>, Error> {
    let mut statement = db.prepare(sql)?;
    let rows =
        statement.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?.unsigned_abs())))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn disposal(db: &Connection) -> Result<Option<Disposal>, Error> {
    use crate::db::OptionalExtension;
    let text: Option<String> =
        db.query_row("SELECT value FROM meta WHERE key = 'disposal'", [], |r| r.get(0)).optional()?;
    text.map(|t| serde_json::from_str(&t).map_err(|_| Error::Corrupt("the disposal setting"))).transpose()
}

fn states(db: &Connection) -> Result<BTreeMap<String, (u64, String)>, Error> {
    let mut statement =
        db.prepare("SELECT state, COUNT(*), MIN(received_at) FROM conversation GROUP BY state")?;
    let rows =
        statement.query_map([], |r| Ok((r.get(0)?, (r.get::<_, i64>(1)?.unsigned_abs(), r.get(2)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn rules(db: &Connection) -> Result<Vec<Rule>, Error> {
    let mut statement =
        db.prepare("SELECT class, channel, days FROM retention_rule ORDER BY class, channel")?;
    let rows =
        statement.query_map([], |r| Ok(Rule { class: r.get(0)?, channel: r.get(1)?, days: r.get(2)? }))?;
    let mut out: Vec<Rule> = rows.collect::<Result<_, _>>()?;
    // Until somebody decides otherwise, muted recordings live for thirty days.
    if !out.iter().any(|r| r.class == "redacted_audio") {
        out.push(Rule { class: "redacted_audio".into(), channel: "voice".into(), days: Some(30) });
    }
    Ok(out)
}

/// Objects of a class whose rule says that they should be gone.
fn overdue(db: &Connection, now: jiff::Timestamp) -> Result<BTreeMap<String, Ids>, Error> {
    let mut out = BTreeMap::new();
    for rule in rules(db)? {
        // Originals are judged by proof and cooling delay (see `late`), the rest has no object.
        if rule.class != "redacted_audio" {
            continue;
        }
        let Some(days) = rule.days else { continue };
        let Ok(before) = now.checked_sub(jiff::SignedDuration::from_hours(days.saturating_mul(24))) else {
            continue;
        };
        let found: &mut Ids = out.entry(rule.class.clone()).or_default();
        let any = matches!(rule.channel.as_str(), "*" | "any" | "all" | "");
        let mut statement = db.prepare(
            "SELECT o.id FROM object o JOIN conversation c ON c.id = o.conversation
             WHERE o.kind = 'redacted' AND o.key_destroyed_at IS NULL AND julianday(o.created_at) < julianday(?1)
               AND (?2 OR c.channel = ?3)
               AND NOT EXISTS (SELECT 1 FROM must_keep k WHERE k.conversation = c.id)
               AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.released_at IS NULL AND (h.target = c.id
                    OR h.target IN (SELECT p.subject FROM party p WHERE p.conversation = c.id)))",
        )?;
        let rows = statement.query_map(params![before.to_string(), any, rule.channel], id)?;
        for row in rows {
            found.push(row?);
        }
    }
    Ok(out)
}

fn originals(
    db: &Connection,
    shelf: &Shelf,
    now: jiff::Timestamp,
    cooling_days: Option<i64>,
) -> Result<Originals, Error> {
    let keeps = shelf.bucket().map(|bucket| bucket.keeps());
    let kept_by = keeps.and_then(|k| Some(format!("{}: {}", k.place, k.in_words()?)));
    let mut out = Originals { copies: copies(db)?, kept_by, ..Originals::default() };
    let mut statement = db.prepare(
        "SELECT id, wrapped_key IS NOT NULL, key_destroyed_at IS NOT NULL FROM object WHERE kind = 'original'",
    )?;
    let mut rows = statement.query([])?;
    // One list, and not a question for every original.
    let there = shelf.all()?;
    while let Some(row) = rows.next()? {
        let (raw, key, gone): (Vec<u8>, bool, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let object: ObjectId = id_of(&raw)?;
        if !gone {
            out.live = out.live.saturating_add(1);
            continue;
        }
        out.destroyed = out.destroyed.saturating_add(1);
        if key {
            out.undead_key.push(object.to_string());
        }
        if there.contains(&object) {
            out.undead_file.push(object.to_string());
        }
    }
    fill(db, &mut out.unfinished, "SELECT id FROM conversation WHERE state = 'shredding'", [])?;
    let sql = "SELECT o.conversation FROM object o JOIN conversation c ON c.id = o.conversation
               WHERE o.kind = 'original' AND o.key_destroyed_at IS NOT NULL AND c.state = 'disposed'
                 AND NOT EXISTS (SELECT 1 FROM certificate x WHERE x.conversation = o.conversation)";
    fill(db, &mut out.uncertified, sql, [])?;
    let sql = "SELECT o.id FROM object o WHERE o.wrapped_key IS NOT NULL AND o.key_fingerprint IN
               (SELECT key_fingerprint FROM object GROUP BY key_fingerprint HAVING COUNT(*) > 1)";
    fill(db, &mut out.shared_keys, sql, [])?;
    // A day of grace: the sweep runs from a timer.
    let before = cooling_days
        .and_then(|d| d.checked_add(1)?.checked_mul(24))
        .and_then(|h| now.checked_sub(jiff::SignedDuration::from_hours(h)).ok());
    if let Some(before) = before {
        let sql = "SELECT c.id FROM conversation c WHERE c.state = 'recorded' AND c.proof IS NOT NULL AND c.proof <> 'none'
                     AND julianday(c.recorded_at) + COALESCE((SELECT r.days FROM retention_rule r
                          WHERE r.class = 'audio' AND r.channel = c.channel), 0) < julianday(?1)
                     AND NOT EXISTS (SELECT 1 FROM retention_rule r
                          WHERE r.class = 'audio' AND r.channel = c.channel AND r.days IS NULL)
                     AND NOT EXISTS (SELECT 1 FROM must_keep k WHERE k.conversation = c.id)
                     AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.released_at IS NULL AND (h.target = c.id
                          OR h.target IN (SELECT p.subject FROM party p WHERE p.conversation = c.id)))";
        fill(db, &mut out.late, sql, params![before.to_string()])?;
    }
    Ok(out)
}

fn fill(db: &Connection, into: &mut Ids, sql: &str, with: impl crate::db::Params) -> Result<(), Error> {
    let mut statement = db.prepare(sql)?;
    for row in statement.query_map(with, id)? {
        into.push(row?);
    }
    Ok(())
}

fn copies(db: &Connection) -> Result<BTreeMap<String, u64>, Error> {
    let all = counts(db, "SELECT state, COUNT(*) FROM copy WHERE place = 'source file' GROUP BY state")?;
    let known = [CopyState::Destroyed, CopyState::Remains, CopyState::Unknown].map(CopyState::as_str);
    Ok(all.into_iter().filter(|(state, _)| known.contains(&state.as_str())).collect())
}

/// Sealed files spread over all that have a key.
fn sealed(db: &Connection, sample: u32) -> Result<Vec<SealedFile>, Error> {
    let all: i64 =
        db.query_row("SELECT COUNT(*) FROM object WHERE key_destroyed_at IS NULL", [], |r| r.get(0))?;
    let step = all.checked_div(i64::from(sample.max(1))).unwrap_or(0).max(1);
    let mut statement = db.prepare(
        "SELECT id, sealed_sha256 FROM (SELECT id, sealed_sha256, ROW_NUMBER() OVER (ORDER BY id) AS n FROM object
         WHERE key_destroyed_at IS NULL) WHERE (n - 1) % ?1 = 0 LIMIT ?2",
    )?;
    let rows = statement
        .query_map(params![step, sample], |r| Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, String>(1)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    rows.into_iter()
        .map(|(raw, sha256)| {
            let object: ObjectId = id_of(&raw)?;
            Ok(SealedFile { id: object.to_string(), sha256 })
        })
        .collect()
}

/// The id in the first column, as text.
fn id(row: &Row<'_>) -> crate::db::Result<String> {
    Ok(id_text(&row.get::<_, Vec<u8>>(0)?))
}

/// An id as text; what is no id is shown as what it is not.
fn id_text(raw: &[u8]) -> String {
    let bytes: Option<[u8; 16]> = raw.try_into().ok();
    bytes.map_or_else(
        || "(an id that is not 16 bytes)".into(),
        |b| Id::<callvault_model::id::ObjectKind>::from_bytes(b).to_string(),
    )
}

//! The tables. Text that a person said or typed, names, numbers and file names stand here only sealed.

mod access;
mod desk;
mod dial;
mod epochs;
mod erasures;
mod keeping;
mod medium;
mod requests;
mod tenants;
mod training;
mod watch;

use crate::Error;
use crate::db::{Connection, Transaction};

/// The one schema this program reads and writes.
pub const VERSION: i64 = 9;

/// What each version added, from the second on; a vault of an older version is brought forward when it is opened.
const STEPS: &[(i64, &[&str])] = &[
    (2, &[access::SQL, keeping::SQL]),
    (
        3,
        // one part per room, each on its own line
        &[
            epochs::SQL,
            erasures::SQL,
            training::SQL,
            medium::SQL,
            watch::SQL,
            requests::SQL,
            desk::SQL,
            dial::SQL,
        ],
    ),
    (4, &[dial::OUTLIVING, medium::DEVICES, requests::REST]),
    (5, &[erasures::REACH]),
    (6, &[keeping::REGRESSION]),
    (7, &[tenants::SQL]),
    (8, &[access::NARROWER]),
    (9, &[erasures::EACH]),
];

const V1: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE tenant (id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, wrapped_key BLOB NOT NULL) STRICT;
CREATE TABLE subject (
  id BLOB PRIMARY KEY, tenant BLOB NOT NULL REFERENCES tenant(id), role TEXT NOT NULL,
  provisional INTEGER NOT NULL, epoch BLOB NOT NULL, wrapped_key BLOB, created_at TEXT NOT NULL, erased_at TEXT
) STRICT;
CREATE TABLE contact (
  tenant BLOB NOT NULL, field TEXT NOT NULL, blind_index BLOB NOT NULL,
  subject BLOB NOT NULL REFERENCES subject(id), sealed_value BLOB NOT NULL,
  PRIMARY KEY (tenant, field, blind_index)
) STRICT;
CREATE TABLE conversation (
  id BLOB PRIMARY KEY, tenant BLOB NOT NULL REFERENCES tenant(id), channel TEXT NOT NULL, state TEXT NOT NULL,
  received_at TEXT NOT NULL, started_at TEXT, duration_ms INTEGER NOT NULL,
  content_index BLOB NOT NULL, sealed_source BLOB NOT NULL,
  proof TEXT, proof_facts TEXT, reason TEXT, recorded_at TEXT,
  UNIQUE (tenant, content_index)
) STRICT;
CREATE TABLE party (
  id BLOB PRIMARY KEY, conversation BLOB NOT NULL REFERENCES conversation(id), position INTEGER NOT NULL,
  role TEXT NOT NULL, subject BLOB NOT NULL REFERENCES subject(id), wrapped_key BLOB, sealed_name BLOB,
  UNIQUE (conversation, position)
) STRICT;
CREATE TABLE object (
  id BLOB PRIMARY KEY, conversation BLOB NOT NULL REFERENCES conversation(id), kind TEXT NOT NULL,
  epoch BLOB NOT NULL, wrapped_key BLOB, key_fingerprint TEXT NOT NULL,
  plain_bytes INTEGER NOT NULL, sealed_sha256 TEXT NOT NULL, created_at TEXT NOT NULL,
  key_destroyed_at TEXT, blob_removed_at TEXT
) STRICT;
CREATE INDEX object_of_conversation ON object(conversation);
CREATE TABLE turn (
  conversation BLOB NOT NULL REFERENCES conversation(id), position INTEGER NOT NULL, party BLOB NOT NULL,
  start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, sealed_text BLOB NOT NULL,
  PRIMARY KEY (conversation, position)
) STRICT;
CREATE TABLE finding (
  conversation BLOB NOT NULL REFERENCES conversation(id), position INTEGER NOT NULL, turn INTEGER NOT NULL,
  party BLOB NOT NULL, entity TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
  score REAL NOT NULL, recognizer TEXT NOT NULL, token TEXT,
  PRIMARY KEY (conversation, position)
) STRICT;
CREATE TABLE token (
  id TEXT PRIMARY KEY, conversation BLOB NOT NULL REFERENCES conversation(id), party BLOB NOT NULL,
  entity TEXT NOT NULL, sealed_value BLOB NOT NULL
) STRICT;
CREATE INDEX token_of_conversation ON token(conversation);
CREATE TABLE copy (
  conversation BLOB NOT NULL REFERENCES conversation(id), place TEXT NOT NULL, sealed_detail BLOB NOT NULL,
  state TEXT NOT NULL, at TEXT NOT NULL, dispose INTEGER NOT NULL, PRIMARY KEY (conversation, place)
) STRICT;
CREATE TABLE certificate (
  id BLOB PRIMARY KEY, conversation BLOB NOT NULL UNIQUE REFERENCES conversation(id), issued_at TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE TABLE ledger_entry (seq INTEGER PRIMARY KEY, body BLOB NOT NULL, leaf BLOB NOT NULL) STRICT;
CREATE TABLE ledger_node (
  level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE ledger_checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
";

/// Creates the tables of a new vault.
pub fn create(db: &mut Connection) -> Result<(), Error> {
    let tx = Transaction::new(db)?;
    tx.define(V1)?;
    tx.set_version(1)?;
    tx.commit()?;
    migrate(db)
}

/// Brings an older vault forward, all steps in one transaction; refuses a newer one.
pub fn migrate(db: &mut Connection) -> Result<(), Error> {
    let tx = Transaction::new(db)?;
    let found = known(&tx)?;
    for (version, parts) in STEPS.iter().filter(|(version, _)| *version > found) {
        for sql in *parts {
            tx.define(sql)?;
        }
        tx.set_version(*version)?;
    }
    Ok(tx.commit()?)
}

/// Refuses a database written by a newer version; for readers that change nothing. Gives the version found.
pub fn check(db: &Connection) -> Result<i64, Error> {
    known(db)
}

fn known(db: &Connection) -> Result<i64, Error> {
    let found = db.version()?;
    if (1..=VERSION).contains(&found) { Ok(found) } else { Err(Error::Schema { found, known: VERSION }) }
}

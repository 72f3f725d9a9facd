//! Crypto-shredding an original: its only key dies, and that is verified before anybody may say so.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Error, Keeps, State, Vault, holds::kept_back, keys::id_of, sweep::NEEDLE, vault::key_files};
use callvault_ledger::Kind;
use callvault_model::id::{CertificateId, ConversationId, ObjectId};
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, fs::File, io::Read, path::Path};

/// What is known of one copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyState {
    /// Gone, and that was verified.
    Destroyed,
    /// Still there.
    Remains,
    /// Nobody has told us.
    Unknown,
}

impl CopyState {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Destroyed => "destroyed",
            Self::Remains => "remains",
            Self::Unknown => "unknown",
        }
    }

    fn parse(name: &str) -> Result<Self, Error> {
        [Self::Destroyed, Self::Remains, Self::Unknown]
            .into_iter()
            .find(|s| s.as_str() == name)
            .ok_or(Error::Corrupt("an unknown copy state"))
    }
}

/// One copy outside the vault.
#[derive(Debug, Clone)]
pub struct CopyRow {
    /// `source file`, `source system`, `backups`.
    pub place: String,
    /// Path or note, opened.
    pub detail: String,
    /// What is known.
    pub state: CopyState,
    /// As of when.
    pub at: String,
    /// It is to be destroyed once the original in the vault is.
    pub dispose: bool,
}

/// Where destroyed bytes were looked for and not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Searched {
    /// Bytes of database files, or of tables on a server.
    pub bytes: u64,
    /// Files; 0 on a server, whose living rows were searched.
    pub files: usize,
}

/// What shredding left behind as evidence.
#[derive(Debug, Clone)]
pub struct Shredded {
    /// Which key died.
    pub key_fingerprint: String,
    /// When its row was gone.
    pub live_erased_at: String,
    /// What was searched for the wrapped key; `None` when, after an interruption, the wrapped bytes were already gone and
    /// could not be searched for.
    pub searched: Option<Searched>,
    /// The database is a server's: what it keeps of deleted rows is not in our hands.
    pub server: bool,
    /// The sealed file was taken away, too.
    pub blob_removed: bool,
    /// What may keep its bytes all the same, where it stood in a bucket.
    pub keeps: Option<Keeps>,
}

impl Vault {
    /// Command *shred*: the wrapped key of the original leaves the database. Repeating it is harmless.
    pub fn shred_original(&self, id: ConversationId, trigger: &str) -> Result<Shredded, Error> {
        let row = self.conversation(id)?;
        let proven = row.proof.as_deref().is_some_and(|p| p != "none");
        if !matches!(row.state, State::Recorded | State::Shredding) || !proven {
            return Err(Error::State {
                id: id.to_string(),
                state: format!(
                    "{} with proof {}",
                    row.state.as_str(),
                    row.proof.as_deref().unwrap_or("none")
                ),
                needed: "only a recorded conversation whose redaction was proven may lose its original"
                    .into(),
            });
        }
        let (object, wrapped, fingerprint) = self.original_key(id)?;
        let erased_at = self.command("shred", |c| {
            let already: Option<String> = c.tx.query_row(
                "SELECT key_destroyed_at FROM object WHERE id = ?1",
                params![object.as_bytes()],
                |r| r.get(0),
            )?;
            if let Some(at) = already {
                return Ok(at);
            }
            if let Some(refused) = kept_back(&c.tx, id)? {
                return Err(refused.into());
            }
            c.tx.execute(
                "UPDATE object SET wrapped_key = NULL, key_destroyed_at = ?2 WHERE id = ?1",
                params![object.as_bytes(), c.now],
            )?;
            c.tx.execute(
                "UPDATE conversation SET state = 'shredding' WHERE id = ?1",
                params![id.as_bytes()],
            )?;
            c.log(
                Kind::AudioShredded,
                Some(id),
                None,
                &[
                    ("object", object.to_string().into()),
                    ("key", fingerprint.as_str().into()),
                    ("trigger", trigger.into()),
                ],
            );
            Ok(c.now.clone())
        })?;
        self.empty_wal()?;
        self.verify_shredded(id, object, wrapped.as_deref(), fingerprint, erased_at)
    }

    fn original_key(&self, id: ConversationId) -> Result<(ObjectId, Option<Vec<u8>>, String), Error> {
        let row: Option<(Vec<u8>, Option<Vec<u8>>, String)> = self
            .db()
            .query_row(
                "SELECT id, wrapped_key, key_fingerprint FROM object WHERE conversation = ?1 AND kind = 'original'",
                params![id.as_bytes()],
                |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
            )
            .optional()?;
        let (object, wrapped, fingerprint) =
            row.ok_or(Error::Corrupt("a conversation without its original"))?;
        Ok((id_of(&object)?, wrapped, fingerprint))
    }

    /// Old pages live in the write-ahead log until it is truncated; `secure_delete` alone does not reach them.
    pub(crate) fn empty_wal(&self) -> Result<(), Error> {
        empty_wal(&self.db())
    }

    /// The negative proof: the key cannot be had from the vault, and its wrapped bytes stand in no database file.
    fn verify_shredded(
        &self,
        id: ConversationId,
        object: ObjectId,
        wrapped: Option<&[u8]>,
        key_fingerprint: String,
        live_erased_at: String,
    ) -> Result<Shredded, Error> {
        match self.original(id) {
            Err(Error::KeyDestroyed(_)) => {}
            Err(other) => return Err(other),
            Ok(_) => return Err(Error::Residue(self.dir().to_owned())),
        }
        // Key id and salt in front of a wrap tell it from every other; resuming after a kill only the row is known
        // to be empty, and the log was truncated since.
        let needle = wrapped.and_then(|w| w.get(..NEEDLE));
        let searched = needle.map(|needle| self.search(&[needle.to_vec()])).transpose()?;
        self.remove_blobs(&[object])?;
        let keeps = self.bucket_keeps();
        Ok(Shredded {
            key_fingerprint,
            live_erased_at,
            searched,
            server: !self.reads().is_file(),
            blob_removed: self.shelf.len(object)?.is_none(),
            keeps,
        })
    }

    /// Looks for destroyed bytes in every database file, or in every living row of the server.
    pub(crate) fn search(&self, needles: &[Vec<u8>]) -> Result<Searched, Error> {
        let db = self.reads();
        if !db.is_file() {
            let wanted: Vec<&[u8]> =
                needles.iter().map(Vec::as_slice).filter(|n| n.len() == NEEDLE).collect();
            let (found, bytes) = db.begins(&wanted)?;
            return match found {
                Some(table) => Err(Error::Residue(format!("the table {table}").into())),
                None => Ok(Searched { bytes, files: 0 }),
            };
        }
        let mut out = Searched { bytes: 0, files: 0 };
        for path in &key_files(self.dir()) {
            if contains_any(path, needles)? {
                return Err(Error::Residue(path.clone()));
            }
            out.bytes += std::fs::metadata(path).map_err(Error::file(path))?.len();
            out.files += 1;
        }
        Ok(out)
    }

    /// The copies outside the vault.
    pub fn copies(&self, id: ConversationId) -> Result<Vec<CopyRow>, Error> {
        let rows = {
            let db = self.db();
            let mut statement = db.prepare(
                "SELECT place, sealed_detail, state, at, dispose FROM copy WHERE conversation = ?1 ORDER BY place",
            )?;
            let rows = statement.query_map(params![id.as_bytes()], |r| {
                Ok((
                    r.get::<_, String>(0)?,
                    r.get::<_, Vec<u8>>(1)?,
                    r.get::<_, String>(2)?,
                    r.get::<_, String>(3)?,
                    r.get::<_, bool>(4)?,
                ))
            })?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        rows.into_iter()
            .map(|(place, sealed, state, at, dispose)| {
                // Retention of metadata may have taken the detail away.
                let detail = match sealed.as_slice() {
                    [] => String::new(),
                    _ => self.open_own("copy", id.as_bytes(), &place, &sealed)?,
                };
                Ok(CopyRow { place, detail, state: CopyState::parse(&state)?, at, dispose })
            })
            .collect()
    }

    /// Whether a conversation was taken in from exactly these bytes.
    pub fn holds_content(&self, id: ConversationId, sha256: &[u8; 32]) -> Result<bool, Error> {
        let index = self.index("content", &crate::hex(sha256))?;
        let stored: Vec<u8> = self.db().query_row(
            "SELECT content_index FROM conversation WHERE id = ?1",
            params![id.as_bytes()],
            |r| r.get(0),
        )?;
        Ok(stored == index)
    }

    /// Notes what became of a copy.
    pub fn set_copy(&self, id: ConversationId, place: &str, state: CopyState) -> Result<(), Error> {
        self.command("copy", |c| {
            c.tx.execute(
                "UPDATE copy SET state = ?3, at = ?4 WHERE conversation = ?1 AND place = ?2",
                params![id.as_bytes(), place, state.as_str(), c.now],
            )?;
            c.log(
                Kind::SourceDisposed,
                Some(id),
                None,
                &[("place", place.into()), ("state", state.as_str().into())],
            );
            Ok(())
        })
    }

    /// Command *certify*: the certificate's commitment enters the ledger, the certificate is kept, the conversation is
    /// disposed. `finish` gets the proof file of the entry and returns the whole certificate.
    pub fn certify(
        &self,
        conversation: ConversationId,
        certificate: CertificateId,
        statement_sha256: &str,
        finish: impl FnOnce(&str) -> Result<String, Error>,
    ) -> Result<String, Error> {
        let existing: Option<String> = self
            .db()
            .query_row(
                "SELECT body FROM certificate WHERE conversation = ?1",
                params![conversation.as_bytes()],
                |r| r.get(0),
            )
            .optional()?;
        if let Some(body) = existing {
            self.command("disposed", |c| mark_disposed(&c.tx, conversation))?;
            return Ok(body);
        }
        let seq = self.command("announce certificate", |c| {
            c.log(
                Kind::CertificateIssued,
                Some(conversation),
                None,
                &[
                    ("certificate", certificate.to_string().into()),
                    ("statement_sha256", statement_sha256.into()),
                ],
            );
            crate::ledger::size(&c.tx)
        })?;
        let body = finish(&self.ledger_proof(seq)?)?;
        self.command("certify", |c| {
            c.tx.execute(
                "INSERT INTO certificate (id, conversation, issued_at, body) VALUES (?1, ?2, ?3, ?4)",
                params![certificate.as_bytes(), conversation.as_bytes(), c.now, body],
            )?;
            mark_disposed(&c.tx, conversation)
        })?;
        Ok(body)
    }

    /// Every certificate, oldest first, as (conversation, JSON).
    pub fn certificates(&self) -> Result<Vec<(ConversationId, String)>, Error> {
        let db = self.db();
        let mut statement = db.prepare("SELECT conversation, body FROM certificate ORDER BY id")?;
        let rows = statement
            .query_map([], |r| Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, String>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(|(id, body)| Ok((id_of(&id)?, body))).collect()
    }
}

/// The same on a connection at hand.
pub(crate) fn empty_wal(db: &Connection) -> Result<(), Error> {
    if db.empty_log()? { Ok(()) } else { Err(Error::WalBusy) }
}

fn mark_disposed(db: &Connection, conversation: ConversationId) -> Result<(), Error> {
    db.execute("UPDATE conversation SET state = 'disposed' WHERE id = ?1", params![conversation.as_bytes()])?;
    Ok(())
}

/// Whether a file contains one of these beginnings; each has exactly [`NEEDLE`] bytes, shorter ones say too little.
pub(crate) fn contains_any(path: &Path, needles: &[Vec<u8>]) -> Result<bool, Error> {
    let wanted: HashSet<&[u8]> = needles.iter().map(Vec::as_slice).filter(|n| n.len() == NEEDLE).collect();
    // Most places are told apart by their last two bytes, without hashing.
    let mut ends = vec![false; 1 << 16];
    for needle in &wanted {
        if let [.., a, b] = needle
            && let Some(end) = ends.get_mut(usize::from(u16::from_be_bytes([*a, *b])))
        {
            *end = true;
        }
    }
    let mut file = File::open(path).map_err(Error::file(path))?;
    let mut window: Vec<u8> = Vec::new();
    let mut block = vec![0u8; 1 << 16];
    loop {
        let n = file.read(&mut block).map_err(Error::file(path))?;
        if n == 0 {
            return Ok(false);
        }
        window.extend_from_slice(block.get(..n).unwrap_or_default());
        let hit = window.windows(NEEDLE).any(|w| {
            let [.., a, b] = w else { return false };
            ends.get(usize::from(u16::from_be_bytes([*a, *b]))) == Some(&true) && wanted.contains(w)
        });
        if hit {
            return Ok(true);
        }
        window.drain(..window.len().saturating_sub(NEEDLE - 1));
    }
}

//! Uploads in parts: each part is sealed on arrival under a key of its own and durable before it is acknowledged, so
//! that an upload goes on after a restart where it stopped. And requests that are answered once.

use crate::db::{Connection, OptionalExtension, params};
use crate::{
    Actor, Error, Refused, SealedBlob, Vault,
    blob::{self, BlobReader},
    conversation::as_i64,
    hex,
    keys::id_of,
};
use callvault_ledger::Kind;
use callvault_model::{
    Channel,
    id::{ConversationId, ObjectId, UploadId},
};
use callvault_seal::files;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::io::{self, Read};

/// The largest recording that is taken in parts.
pub const MAX_VOICE: u64 = 4 << 30;
/// The largest message.
pub const MAX_TEXT: u64 = 16 << 20;
/// The largest part.
pub const MAX_PART: u64 = 64 << 20;
/// The largest description.
pub const MAX_META: usize = 64 << 10;
const MAX_OPEN: i64 = 16;
const MAX_PARTS: i64 = 10_000;
/// After so long an unfinished upload and its parts are destroyed.
const EXPIRY: SignedDuration = SignedDuration::from_hours(24);
/// Answers are remembered for so long.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(48);
const MAX_KEY: usize = 200;

/// Where an upload stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Takes parts.
    Open,
    /// Became a conversation.
    Done,
    /// Was given up.
    Cancelled,
    /// Its time was over.
    Expired,
}

impl UploadState {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    fn parse(code: &str) -> Result<Self, Error> {
        [Self::Open, Self::Done, Self::Cancelled, Self::Expired]
            .into_iter()
            .find(|s| s.as_str() == code)
            .ok_or(Error::Corrupt("an unknown upload state"))
    }
}

/// One upload.
#[derive(Debug, Clone, Serialize)]
pub struct UploadRow {
    /// Its id.
    pub id: UploadId,
    /// What it will be.
    pub channel: Channel,
    /// Bytes announced.
    pub length: u64,
    /// Bytes that are durable; the next part begins here.
    pub received: u64,
    /// Where it stands.
    pub state: UploadState,
    /// When it will be destroyed unless it is finished, RFC 3339.
    pub expires_at: String,
    /// What it became.
    pub conversation: Option<ConversationId>,
}

impl Vault {
    /// Command *begin upload*. `meta` is what the caller wants back at the end; it rests sealed.
    pub fn begin_upload(
        &self,
        actor: &Actor,
        channel: Channel,
        length: u64,
        meta: &str,
    ) -> Result<UploadRow, Error> {
        let most = if channel == Channel::Voice { MAX_VOICE } else { MAX_TEXT };
        if length == 0 || length > most {
            return Err(Refused::invalid(
                format!("a {} upload of {length} bytes", channel.as_str()),
                "recordings have 1 byte to 4 GiB, messages up to 16 MiB",
            )
            .into());
        }
        if meta.len() > MAX_META {
            return Err(Refused::invalid("a description of more than 64 KiB", "shorten it").into());
        }
        let id = UploadId::new(self.clock.as_ref(), &self.entropy)?;
        let sealed = self.seal_own("upload", id.as_bytes(), "meta", meta)?;
        let expires = self.clock.now().checked_add(EXPIRY).unwrap_or(Timestamp::MAX).to_string();
        self.command_as(actor, "begin upload", |c| {
            let open: i64 = c.tx.query_row(
                "SELECT COUNT(*) FROM upload WHERE account = ?1 AND state = 'open'",
                params![actor.to_string()],
                |r| r.get(0),
            )?;
            if open >= MAX_OPEN {
                return Err(Refused::TooManyUploads(open.unsigned_abs()).into());
            }
            c.tx.execute(
                "INSERT INTO upload (id, account, channel, sealed_meta, length, received, state, created_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0, 'open', ?6, ?7)",
                params![id.as_bytes(), actor.to_string(), channel.as_str(), sealed, as_i64(length), c.now, expires],
            )?;
            c.log(
                Kind::UploadStarted,
                None,
                None,
                &[
                    ("upload", id.to_string().into()),
                    ("channel", channel.as_str().into()),
                    ("bytes", length.into()),
                ],
            );
            Ok(())
        })?;
        self.upload(actor, id)
    }

    /// Command *part*: seals `length` bytes from `from` that begin at `start`, which must be where the last part ended.
    /// Returns how many bytes are durable now.
    pub fn append_part(
        &self,
        actor: &Actor,
        id: UploadId,
        start: u64,
        length: u64,
        from: &mut dyn Read,
    ) -> Result<u64, Error> {
        let row = self.open_upload(actor, id)?;
        if row.received != start {
            return Err(Refused::Offset { expected: row.received }.into());
        }
        let end = start.saturating_add(length);
        if length == 0 || length > MAX_PART || end > row.length {
            return Err(Refused::invalid(
                format!("a part of {length} bytes from {start} of {}", row.length),
                "parts have 1 byte to 64 MiB and end with the announced length",
            )
            .into());
        }
        let mut part = self.seal_part(length, from)?;
        self.command_as(actor, "part", |c| {
            // Of two parts that arrive at once for the same place, one wins.
            let changed = c.tx.execute(
                "UPDATE upload SET received = ?3 WHERE id = ?1 AND received = ?2 AND state = 'open'
                 AND (SELECT COUNT(*) FROM upload_part WHERE upload = ?1) < ?4",
                params![id.as_bytes(), as_i64(start), as_i64(end), MAX_PARTS],
            )?;
            if changed != 1 {
                let now = row_of(&c.tx, id, actor)?.ok_or(Refused::Unknown("upload"))?;
                return Err(match now.state {
                    UploadState::Open if now.received == start => {
                        Refused::invalid("more than 10000 parts", "begin again with larger parts").into()
                    }
                    UploadState::Open => Refused::Offset { expected: now.received }.into(),
                    ended => Error::from(Refused::UploadEnded(ended.as_str().into())),
                });
            }
            let wrapped = self.wrap_object_key(c, part.id(), part.key())?;
            c.name(&part);
            c.tx.execute(
                "INSERT INTO upload_part (upload, start, length, object, wrapped_key, epoch) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    id.as_bytes(), as_i64(start), as_i64(length), part.id().as_bytes(), wrapped, self.epoch().as_bytes()
                ],
            )?;
            Ok(())
        })?;
        part.keep();
        Ok(end)
    }

    fn seal_part(&self, length: u64, from: &mut dyn Read) -> Result<SealedBlob, Error> {
        let blobs = self.blobs();
        let mut got = 0u64;
        let sealed = SealedBlob::scratch(&blobs, self.tenant, &self.entropy, |out| {
            let mut block = vec![0u8; 1 << 16];
            while got < length {
                let want = usize::try_from(length - got).unwrap_or(usize::MAX).min(block.len());
                let n = match from.read(block.get_mut(..want).unwrap_or_default()) {
                    Ok(n) => n,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    // What the sender breaks off is cut short, whatever the socket calls it.
                    Err(_) => 0,
                };
                if n == 0 {
                    return Err(Refused::Truncated { announced: length, got }.into());
                }
                got += n as u64;
                out.write_all(block.get(..n).unwrap_or_default()).map_err(Error::file(&blobs))?;
            }
            Ok::<(), Error>(())
        })?;
        Ok(sealed)
    }

    /// One upload of this actor; others see none.
    pub fn upload(&self, actor: &Actor, id: UploadId) -> Result<UploadRow, Error> {
        Ok(row_of(&self.db(), id, actor)?.ok_or(Refused::Unknown("upload"))?)
    }

    /// What was given at the beginning.
    pub fn upload_meta(&self, actor: &Actor, id: UploadId) -> Result<String, Error> {
        self.upload(actor, id)?;
        let sealed: Vec<u8> = self.db().query_row(
            "SELECT sealed_meta FROM upload WHERE id = ?1",
            params![id.as_bytes()],
            |r| r.get(0),
        )?;
        self.open_own("upload", id.as_bytes(), "meta", &sealed)
    }

    fn open_upload(&self, actor: &Actor, id: UploadId) -> Result<UploadRow, Error> {
        let row = self.upload(actor, id)?;
        let over = row.expires_at.parse::<Timestamp>().is_ok_and(|t| t <= self.clock.now());
        match row.state {
            UploadState::Open if over => Err(Refused::UploadEnded("expired".into()).into()),
            UploadState::Open => Ok(row),
            ended => Err(Refused::UploadEnded(ended.as_str().into()).into()),
        }
    }

    /// Everything that was uploaded, from the first byte; refused while something is missing.
    pub fn upload_content(&self, actor: &Actor, id: UploadId) -> Result<UploadContent<'_>, Error> {
        let row = self.open_upload(actor, id)?;
        if row.received != row.length {
            return Err(Refused::Incomplete { received: row.received, length: row.length }.into());
        }
        let db = self.db();
        let mut statement =
            db.prepare("SELECT object, length FROM upload_part WHERE upload = ?1 ORDER BY start DESC")?;
        let rows = statement
            .query_map(params![id.as_bytes()], |r| Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, i64>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        let parts = rows
            .into_iter()
            .map(|(object, length)| Ok(Part { object: id_of(&object)?, length: length.unsigned_abs() }))
            .collect::<Result<Vec<_>, Error>>()?;
        if parts.iter().map(|p| p.length).sum::<u64>() != row.length {
            return Err(Error::Corrupt("an upload whose parts do not add up"));
        }
        Ok(UploadContent { vault: self, parts, current: None })
    }

    /// Command *upload done*: it became a conversation; the parts' keys die, for the original has its own.
    pub fn close_upload(
        &self,
        actor: &Actor,
        id: UploadId,
        conversation: ConversationId,
    ) -> Result<(), Error> {
        self.open_upload(actor, id)?;
        self.end_upload(actor, id, UploadState::Done, Some(conversation))
    }

    /// Command *cancel upload*: its parts are destroyed.
    pub fn cancel_upload(&self, actor: &Actor, id: UploadId) -> Result<(), Error> {
        self.open_upload(actor, id)?;
        self.end_upload(actor, id, UploadState::Cancelled, None)
    }

    /// Destroys what was not finished in time, and forgets old answers. Returns how many uploads ended.
    pub fn expire_uploads(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        let over: Vec<(UploadId, String)> = {
            let db = self.db();
            let mut statement = db.prepare("SELECT id, expires_at FROM upload WHERE state = 'open'")?;
            let rows = statement.query_map([], |r| Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, String>(1)?)))?;
            rows.map(|r| r.map_err(Error::from).and_then(|(id, at)| Ok((id_of(&id)?, at))))
                .collect::<Result<_, Error>>()?
        };
        let mut ended = 0;
        for (id, at) in over {
            if at.parse::<Timestamp>().is_ok_and(|t| t <= now) {
                self.end_upload(&Actor::Worker, id, UploadState::Expired, None)?;
                ended += 1;
            }
        }
        let oldest = now.checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN).to_string();
        self.command_as(&Actor::Worker, "forget answers", |c| {
            c.tx.execute("DELETE FROM idempotency WHERE at < ?1", params![oldest])?;
            Ok(())
        })?;
        Ok(ended)
    }

    fn end_upload(
        &self,
        actor: &Actor,
        id: UploadId,
        state: UploadState,
        conversation: Option<ConversationId>,
    ) -> Result<(), Error> {
        let parts: Vec<ObjectId> = self.command_as(actor, "end upload", |c| {
            let changed = c.tx.execute(
                "UPDATE upload SET state = ?2, conversation = ?3, sealed_meta = x'' WHERE id = ?1 AND state = 'open'",
                params![id.as_bytes(), state.as_str(), conversation.map(|c| *c.as_bytes())],
            )?;
            if changed != 1 {
                return Err(Refused::Closed("upload").into());
            }
            let parts = {
                let mut statement = c.tx.prepare("SELECT object FROM upload_part WHERE upload = ?1")?;
                let rows = statement.query_map(params![id.as_bytes()], |r| r.get::<_, Vec<u8>>(0))?;
                rows.map(|r| id_of(&r?)).collect::<Result<_, Error>>()?
            };
            c.tx.execute("DELETE FROM upload_part WHERE upload = ?1", params![id.as_bytes()])?;
            Ok(parts)
        })?;
        // A kill before this leaves files without a row, which the next opening removes.
        for part in parts {
            let place = blob::place(&self.blobs(), part);
            if place.exists() {
                files::unlink(&place, "the key of this part left the database")?;
            }
        }
        Ok(())
    }

    /// The answer to an earlier request with this key; refused if that was another request.
    pub fn remembered(&self, actor: &Actor, key: &str, request: &[u8; 32]) -> Result<Option<String>, Error> {
        let hash = self.key_hash(actor, key)?;
        let request = self.index("idempotent-request", &hex(request))?;
        let row: Option<(Vec<u8>, String)> = self
            .db()
            .query_row(
                "SELECT request_hash, outcome FROM idempotency WHERE account = ?1 AND key_hash = ?2",
                params![actor.to_string(), hash],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )
            .optional()?;
        match row {
            None => Ok(None),
            Some((known, outcome)) if known == request => Ok(Some(outcome)),
            Some(_) => Err(Refused::IdempotencyMismatch.into()),
        }
    }

    /// Remembers an answer (ids and codes only). The first answer to a key stays; it is returned.
    pub fn remember(
        &self,
        actor: &Actor,
        key: &str,
        request: &[u8; 32],
        outcome: &str,
    ) -> Result<String, Error> {
        let hash = self.key_hash(actor, key)?;
        let indexed = self.index("idempotent-request", &hex(request))?;
        self.command_as(actor, "remember", |c| {
            c.tx.execute(
                "INSERT INTO idempotency (account, key_hash, request_hash, outcome, at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (account, key_hash) DO NOTHING",
                params![actor.to_string(), hash, indexed, outcome, c.now],
            )?;
            Ok(())
        })?;
        Ok(self.remembered(actor, key, request)?.unwrap_or_else(|| outcome.to_owned()))
    }

    fn key_hash(&self, actor: &Actor, key: &str) -> Result<[u8; 16], Error> {
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Refused::invalid(
                "this Idempotency-Key",
                "use 1 to 200 visible ASCII characters, best a random UUID",
            )
            .into());
        }
        self.index("idempotency-key", &format!("{actor} {key}"))
    }
}

fn row_of(db: &Connection, id: UploadId, actor: &Actor) -> Result<Option<UploadRow>, Error> {
    let row: Option<(String, i64, i64, String, String, Option<Vec<u8>>)> = db
        .query_row(
            "SELECT channel, length, received, state, expires_at, conversation FROM upload WHERE id = ?1 AND account = ?2",
            params![id.as_bytes(), actor.to_string()],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?)),
        )
        .optional()?;
    row.map(|(channel, length, received, state, expires_at, conversation)| {
        Ok(UploadRow {
            id,
            channel: channel_of(&channel)?,
            length: length.unsigned_abs(),
            received: received.unsigned_abs(),
            state: UploadState::parse(&state)?,
            expires_at,
            conversation: conversation.as_deref().map(id_of).transpose()?,
        })
    })
    .transpose()
}

/// The channel of a stored code.
pub(crate) fn channel_of(code: &str) -> Result<Channel, Error> {
    [Channel::Voice, Channel::Chat, Channel::Email, Channel::Sms]
        .into_iter()
        .find(|c| c.as_str() == code)
        .ok_or(Error::Corrupt("an unknown channel"))
}

struct Part {
    object: ObjectId,
    length: u64,
}

/// Reads the parts of an upload one after the other; one is open at a time.
pub struct UploadContent<'a> {
    vault: &'a Vault,
    /// The next part last.
    parts: Vec<Part>,
    current: Option<BlobReader>,
}

impl UploadContent<'_> {
    fn open(&self, part: &Part) -> Result<BlobReader, Error> {
        // Read now and not with the list: a rotation of the tenant key may have wrapped it again meanwhile.
        let db = self.vault.db();
        let (epoch, wrapped): (Vec<u8>, Vec<u8>) = db.query_row(
            "SELECT epoch, wrapped_key FROM upload_part WHERE object = ?1",
            params![part.object.as_bytes()],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        let key = self.vault.unwrap_object_key(part.object, id_of(&epoch)?, &wrapped)?;
        drop(db);
        let place = blob::place(&self.vault.blobs(), part.object);
        let reader = blob::open(&place, &key, self.vault.tenant, part.object)?;
        if reader.plain_len() != part.length {
            return Err(Error::Corrupt("an upload part of another length"));
        }
        Ok(reader)
    }
}

impl Read for UploadContent<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(reader) = &mut self.current {
                let n = reader.read(out)?;
                if n > 0 {
                    return Ok(n);
                }
            }
            let Some(part) = self.parts.pop() else { return Ok(0) };
            self.current = Some(self.open(&part).map_err(io::Error::other)?);
        }
    }
}

//! The states of a conversation and the commands that move it.

use crate::db::{OptionalExtension, params};
use crate::{
    Error, SealedBlob, Vault, attachments::RecordedAttachment, collection, contacts, hex, keys::id_of,
    orphans::later, quarantine::TRANSCRIPT, shred::CopyState, sweep::kill_keys,
};
use callvault_ledger::Kind;
use callvault_model::{
    Channel, EntityType, Role, Secret,
    id::{ConversationId, ObjectId, PartyId, SubjectId},
};
use callvault_seal::{Aad, Drawn, Key256, Token, TokenType, seal};
use std::collections::{BTreeMap, HashMap};

/// Where a conversation stands. Only `Recorded` and later can be shown to anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its original is sealed; work has to be done or done again.
    Received,
    /// As received, and no engine can hear it yet.
    AwaitingTranscript,
    /// A person has to look; the original stays sealed.
    Quarantined,
    /// Redacted, proven as far as its proof says, sealed.
    Recorded,
    /// The original's key is gone, verification is under way.
    Shredding,
    /// The original is destroyed and a certificate exists.
    Disposed,
    /// A person destroyed it out of quarantine; nothing was proven and there is no certificate.
    Discarded,
}

impl State {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::AwaitingTranscript => "awaiting-transcript",
            Self::Quarantined => "quarantined",
            Self::Recorded => "recorded",
            Self::Shredding => "shredding",
            Self::Disposed => "disposed",
            Self::Discarded => "discarded",
        }
    }

    /// The state of this name.
    pub(crate) fn parse(name: &str) -> Result<Self, Error> {
        [
            Self::Received,
            Self::AwaitingTranscript,
            Self::Quarantined,
            Self::Recorded,
            Self::Shredding,
            Self::Disposed,
            Self::Discarded,
        ]
        .into_iter()
        .find(|s| s.as_str() == name)
        .ok_or(Error::Corrupt("an unknown state"))
    }
}

/// Who takes part, as metadata told it.
pub struct NewParty {
    /// The part played.
    pub role: Role,
    /// Telephone number or e-mail address.
    pub address: Option<String>,
    /// Name.
    pub name: Option<String>,
}

/// A copy of the original that exists outside the vault, or may.
pub struct NewCopy {
    /// `source file`, `source system`, `backups`.
    pub place: &'static str,
    /// Path or note; sealed, for file names name people.
    pub detail: String,
    /// What is known of it.
    pub state: CopyState,
    /// It is to be destroyed once the original in the vault is.
    pub dispose: bool,
}

/// A conversation as it arrives.
pub struct NewConversation<'a> {
    /// How it was held.
    pub channel: Channel,
    /// RFC 3339, if the source told it.
    pub started_at: Option<String>,
    /// Length of a recording.
    pub duration_ms: u64,
    /// In the order of the recording's channels.
    pub parties: Vec<NewParty>,
    /// SHA-256 of the original's bytes: indexed under a key, so that the same file is taken in once.
    pub content_sha256: [u8; 32],
    /// Name of the file; sealed.
    pub source_name: String,
    /// The original, already sealed below the vault's blob directory.
    pub original: &'a SealedBlob,
    /// Copies elsewhere.
    pub copies: Vec<NewCopy>,
}

/// A finding ready to be kept: with its value when the type may be kept at all.
pub struct RecordedFinding {
    /// Index of the turn.
    pub turn: usize,
    /// What it is.
    pub entity: EntityType,
    /// Place in the recording.
    pub start_ms: u64,
    /// Place in the recording.
    pub end_ms: u64,
    /// 0 to 1.
    pub score: f32,
    /// Who found it.
    pub recognizer: String,
    /// Findings that are pieces of one value share a number.
    pub value: u32,
    /// The text that is kept as an encrypted token; `None` where nothing may be kept.
    pub text: Option<String>,
}

/// A turn with its covers applied.
pub struct RecordedTurn {
    /// Index into the parties.
    pub party: usize,
    /// Place in the recording.
    pub start_ms: u64,
    /// Place in the recording.
    pub end_ms: u64,
    /// Masked text.
    pub text: String,
}

/// The muted recording.
pub struct RecordedAudio<'a> {
    /// Sealed below the vault's blob directory.
    pub muted: &'a SealedBlob,
}

/// Text and findings with the proof they rest on.
pub struct ProvenText {
    /// `independent`, `same-engine`, `none`.
    pub level: &'static str,
    /// The proof's facts as JSON; no personal data.
    pub facts: String,
}

/// Everything that is kept of a conversation.
pub struct Recorded<'a> {
    /// Masked turns.
    pub turns: Vec<RecordedTurn>,
    /// Findings with their values.
    pub findings: Vec<RecordedFinding>,
    /// The muted recording, for voice.
    pub audio: Option<RecordedAudio<'a>>,
    /// What came with a message and cannot be searched.
    pub attachments: Vec<RecordedAttachment<'a>>,
    /// What was proven.
    pub proof: ProvenText,
    /// Wishes to hear no more that were said or written in it.
    pub opt_outs: Vec<crate::opt_out::Heard>,
}

/// The keys of a conversation's parties, opened once each while it is recorded.
struct PartyKeys<'a> {
    vault: &'a Vault,
    parties: &'a [PartyId],
    open: BTreeMap<PartyId, (Key256, SubjectId)>,
}

/// A value while it is recorded.
#[derive(Default)]
struct Value<'a> {
    /// Its text, piece by piece where it was said in pieces.
    pieces: Vec<&'a str>,
    /// Its token, once made.
    token: Option<String>,
}

impl Value<'_> {
    fn seal(&self, key: &Key256, aad: &Aad<'_>, salt: &Drawn<'_>) -> Result<Vec<u8>, Error> {
        if let [whole] = self.pieces.as_slice() {
            return Ok(seal(key, aad, whole.as_bytes(), salt)?);
        }
        let whole = Secret::new(self.pieces.join(" "));
        Ok(seal(key, aad, whole.expose().as_bytes(), salt)?)
    }
}

impl PartyKeys<'_> {
    /// The party at this place, or the first one, with its key and whose it is.
    fn of(&mut self, c: &crate::Command<'_>, place: usize) -> Result<(PartyId, &Key256, SubjectId), Error> {
        let party = *self
            .parties
            .get(place)
            .or(self.parties.first())
            .ok_or(Error::Corrupt("a conversation without parties"))?;
        if !self.open.contains_key(&party) {
            self.open.insert(party, self.vault.party_key(&c.tx, party)?);
        }
        let (key, subject) = self.open.get(&party).ok_or(Error::Corrupt("a party without a key"))?;
        Ok((party, key, *subject))
    }
}

impl Vault {
    /// Command *receive*: the conversation, its parties, the sealed original. `Ok(Err(id))` when the same bytes
    /// are already here under that id.
    pub fn receive(
        &self,
        new: &NewConversation<'_>,
    ) -> Result<Result<ConversationId, ConversationId>, Error> {
        let id = ConversationId::new(self.clock.as_ref(), &self.entropy)?;
        let content = self.index("content", &hex(&new.content_sha256))?;
        let fingerprint = hex(&new.original.key().id()?);
        let known = |db: &crate::db::Connection| -> Result<Option<ConversationId>, Error> {
            let found: Option<Vec<u8>> = db
                .prepare_cached("SELECT id FROM conversation WHERE tenant = ?1 AND content_index = ?2")?
                .query_row(params![self.tenant.as_bytes(), content], |r| r.get(0))
                .optional()?;
            found.as_deref().map(id_of).transpose()
        };
        // Before it is sent anywhere, and once more in the command: the same may arrive twice at once.
        if self.shelf.bucket().is_some()
            && let Some(known) = known(&self.reads())?
        {
            return Ok(Err(known));
        }
        self.lay(new.original)?;
        let received = self.command("receive", |c| {
            if let Some(known) = known(&c.tx)? {
                return Ok(Err(known));
            }
            let kept = collection::collect(c, new)?;
            let source = match kept.source_name {
                "" => Vec::new(),
                name => self.seal_own("conversation", id.as_bytes(), "source", name)?,
            };
            c.run(
                "INSERT INTO conversation (id, tenant, channel, state, received_at, started_at, duration_ms, content_index, sealed_source)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    id.as_bytes(), self.tenant.as_bytes(), new.channel.as_str(), State::Received.as_str(), c.now,
                    kept.started_at, as_i64(new.duration_ms), content, source
                ],
            )?;
            self.insert_parties(c, id, &kept.parties)?;
            let wrapped = self.wrap_object_key(c, new.original.id(), new.original.key())?;
            self.insert_object(c, id, "original", new.original, &wrapped, &fingerprint)?;
            self.insert_copies(c, id, &new.copies, kept.keeps_file_name)?;
            c.log(
                Kind::ConversationReceived,
                Some(id),
                None,
                &[
                    ("channel", new.channel.as_str().into()),
                    ("object", new.original.id().to_string().into()),
                    ("sealed_sha256", new.original.sealed_sha256().into()),
                    ("key", fingerprint.as_str().into()),
                ],
            );
            Ok(Ok(id))
        })?;
        match received {
            Ok(_) => new.original.recorded(),
            Err(_) => later(self.withdraw(new.original)),
        }
        Ok(received)
    }

    fn insert_copies(
        &self,
        c: &crate::Command<'_>,
        id: ConversationId,
        copies: &[NewCopy],
        keeps_file_name: bool,
    ) -> Result<(), Error> {
        for copy in copies {
            // A path holds the name; it stays only where the copy is to be found again and destroyed.
            let named = copy.place != "source file" || copy.dispose || keeps_file_name;
            let detail = if named {
                self.seal_own("copy", id.as_bytes(), copy.place, &copy.detail)?
            } else {
                Vec::new()
            };
            c.run(
                "INSERT INTO copy (conversation, place, sealed_detail, state, at, dispose) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![id.as_bytes(), copy.place, detail, copy.state.as_str(), c.now, copy.dispose],
            )?;
        }
        Ok(())
    }

    fn insert_parties(
        &self,
        c: &mut crate::Command<'_>,
        id: ConversationId,
        parties: &[NewParty],
    ) -> Result<(), Error> {
        for (position, party) in parties.iter().enumerate() {
            let subject = self.subject_for(c, party.role, party.address.as_deref())?;
            let party_id = PartyId::new(self.clock.as_ref(), &self.entropy)?;
            let outer = self.subject_key(&c.tx, subject)?;
            let (key, wrapped) = self.new_party_key(party_id, subject, &outer)?;
            let name = party.name.as_ref().map(|n| {
                let aad = self.aad(Some(subject), "party", party_id.as_bytes(), "name");
                seal(&key, &aad, n.as_bytes(), &self.entropy)
            });
            c.run(
                "INSERT INTO party (id, conversation, position, role, subject, wrapped_key, sealed_name)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    party_id.as_bytes(),
                    id.as_bytes(),
                    as_i64(position as u64),
                    party.role.as_str(),
                    subject.as_bytes(),
                    wrapped,
                    name.transpose()?
                ],
            )?;
        }
        Ok(())
    }

    pub(crate) fn insert_object(
        &self,
        c: &mut crate::Command<'_>,
        id: ConversationId,
        kind: &str,
        blob: &SealedBlob,
        wrapped: &[u8],
        fingerprint: &str,
    ) -> Result<(), Error> {
        if !self.is_laid(blob) {
            return Err(Error::Corrupt("a sealed file that was not put where this vault keeps them"));
        }
        c.name(blob);
        c.run(
            "INSERT INTO object (id, conversation, kind, epoch, wrapped_key, key_fingerprint, plain_bytes, sealed_sha256, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                blob.id().as_bytes(), id.as_bytes(), kind, self.epoch().as_bytes(), wrapped, fingerprint,
                as_i64(blob.plain_bytes()), blob.sealed_sha256(), c.now
            ],
        )?;
        Ok(())
    }

    /// Command *quarantine*: the original stays sealed, the reason is visible.
    pub fn quarantine(&self, id: ConversationId, code: &str, reason: &str) -> Result<(), Error> {
        self.quarantine_with(id, code, reason, &[])
    }

    /// The same, with the wishes to hear no more that were read or heard before it stopped: nobody is called because their
    /// conversation could not be proven.
    pub fn quarantine_with(
        &self,
        id: ConversationId,
        code: &str,
        reason: &str,
        opt_outs: &[crate::opt_out::Heard],
    ) -> Result<(), Error> {
        self.halt(id, State::Quarantined, (Kind::ConversationQuarantined, code), reason, opt_outs)
    }

    /// Command *await transcript*: sealed, until an engine or a transcript is there.
    pub fn await_transcript(&self, id: ConversationId, reason: &str) -> Result<(), Error> {
        self.halt(id, State::AwaitingTranscript, (Kind::ConversationAwaiting, "no-engine"), reason, &[])
    }

    fn halt(
        &self,
        id: ConversationId,
        state: State,
        (kind, code): (Kind, &str),
        reason: &str,
        opt_outs: &[crate::opt_out::Heard],
    ) -> Result<(), Error> {
        let mut needles = Vec::new();
        self.command("halt", |c| {
            kill_keys(c, id, TRANSCRIPT, &mut needles)?;
            c.run(
                "UPDATE conversation SET state = ?2, reason = ?3 WHERE id = ?1 AND state IN ('received', 'awaiting-transcript', 'quarantined')",
                params![id.as_bytes(), state.as_str(), reason],
            )?;
            c.log(kind, Some(id), None, &[("code", code.into())]);
            let parties = self.parties(&c.tx, id)?;
            self.raise_heard(c, id, &parties, opt_outs)
        })?;
        self.transcript_gone(&needles)
    }

    /// A transcript made elsewhere holds what was said in clear; once it was worked on, its key is gone for good.
    fn transcript_gone(&self, needles: &[Vec<u8>]) -> Result<(), Error> {
        if needles.is_empty() {
            return Ok(());
        }
        self.prove_gone(needles)?;
        self.remove_dead_blobs()
    }

    /// Command *record*: masked turns, tokens, the muted recording and the proof, all at once.
    pub fn record(&self, id: ConversationId, done: &Recorded<'_>) -> Result<(), Error> {
        let audio =
            done.audio.as_ref().map(|a| Ok::<_, Error>((a.muted, hex(&a.muted.key().id()?)))).transpose()?;
        let sealed = || done.audio.iter().map(|a| a.muted).chain(done.attachments.iter().map(|a| a.blob));
        for blob in sealed() {
            self.lay(blob)?;
        }
        let mut needles = Vec::new();
        self.command("record", |c| {
            kill_keys(c, id, TRANSCRIPT, &mut needles)?;
            let changed = c.run(
                "UPDATE conversation SET state = 'recorded', proof = ?2, proof_facts = ?3, recorded_at = ?4, reason = NULL
                 WHERE id = ?1 AND state IN ('received', 'awaiting-transcript', 'quarantined')",
                params![id.as_bytes(), done.proof.level, done.proof.facts, c.now],
            )?;
            if changed != 1 {
                return Err(Error::State {
                    id: id.to_string(),
                    state: "no longer waiting for its record".into(),
                    needed: "another process has finished it".into(),
                });
            }
            let parties = self.parties(&c.tx, id)?;
            let mut keys = PartyKeys { vault: self, parties: &parties, open: BTreeMap::new() };
            self.insert_turns(c, id, &mut keys, &done.turns)?;
            let tokens = self.insert_findings(c, id, &mut keys, done)?;
            drop(keys);
            if let Some((blob, fingerprint)) = &audio {
                let wrapped = self.wrap_object_key(c, blob.id(), blob.key())?;
                self.insert_object(c, id, "redacted", blob, &wrapped, fingerprint)?;
            }
            self.insert_attachments(c, id, &done.attachments)?;
            self.raise_heard(c, id, &parties, &done.opt_outs)?;
            c.log(
                Kind::ConversationRecorded,
                Some(id),
                None,
                &[
                    ("proof", done.proof.level.into()),
                    ("findings", done.findings.len().into()),
                    ("tokens", tokens.into()),
                    ("redacted_sha256", audio.as_ref().map_or("", |(b, ..)| b.sealed_sha256()).into()),
                ],
            );
            Ok(())
        })?;
        sealed().for_each(SealedBlob::recorded);
        self.transcript_gone(&needles)
    }

    fn insert_turns(
        &self,
        c: &crate::Command<'_>,
        id: ConversationId,
        keys: &mut PartyKeys<'_>,
        turns: &[RecordedTurn],
    ) -> Result<(), Error> {
        let mut insert = c.tx.prepare_cached(
            "INSERT INTO turn (conversation, position, party, start_ms, end_ms, sealed_text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (position, turn) in turns.iter().enumerate() {
            let (party, key, subject) = keys.of(c, turn.party)?;
            let place = turn_place(id, position);
            let aad = self.aad(Some(subject), "turn", &place, "text");
            let sealed = seal(key, &aad, turn.text.as_bytes(), &self.entropy)?;
            insert.execute(params![
                id.as_bytes(),
                as_i64(position as u64),
                party.as_bytes(),
                as_i64(turn.start_ms),
                as_i64(turn.end_ms),
                sealed
            ])?;
        }
        Ok(())
    }

    /// One token per value; the pieces of a split value share it. Returns how many tokens were made.
    fn insert_findings(
        &self,
        c: &crate::Command<'_>,
        id: ConversationId,
        keys: &mut PartyKeys<'_>,
        done: &Recorded<'_>,
    ) -> Result<usize, Error> {
        let mut values: HashMap<u32, Value<'_>> = HashMap::with_capacity(done.findings.len());
        for finding in &done.findings {
            if let Some(text) = &finding.text {
                values.entry(finding.value).or_default().pieces.push(text);
            }
        }
        let drawn = Drawn::new(&self.entropy);
        let mut insert_token = c.tx.prepare_cached(
            "INSERT INTO token (id, conversation, party, entity, sealed_value) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let mut insert_finding = c.tx.prepare_cached(
            "INSERT INTO finding (conversation, position, turn, party, entity, start_ms, end_ms, score, recognizer, token)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        let mut made = 0;
        for (position, finding) in done.findings.iter().enumerate() {
            let of_turn = done.turns.get(finding.turn).map_or(0, |t| t.party);
            let (party, key, subject) = keys.of(c, of_turn)?;
            let mut value = values.get_mut(&finding.value).filter(|_| finding.text.is_some());
            // What may never be kept has no token type: the conversion fails and nothing is written.
            if let Some(value) = value.as_mut().filter(|v| v.token.is_none())
                && let Ok(kind) = TokenType::try_from(finding.entity)
            {
                let fresh = Token::random(kind, &drawn)?.into_text();
                let aad = self.aad(Some(subject), "token", fresh.as_bytes(), finding.entity.as_str());
                let sealed = value.seal(key, &aad, &drawn)?;
                insert_token.execute(params![
                    fresh,
                    id.as_bytes(),
                    party.as_bytes(),
                    finding.entity.as_str(),
                    sealed
                ])?;
                made += 1;
                value.token = Some(fresh);
            }
            let token = value.and_then(|v| v.token.as_deref());
            let token = token.filter(|_| !finding.entity.is_sensitive_authentication_data());
            insert_finding.execute(params![
                id.as_bytes(),
                as_i64(position as u64),
                as_i64(finding.turn as u64),
                party.as_bytes(),
                finding.entity.as_str(),
                as_i64(finding.start_ms),
                as_i64(finding.end_ms),
                f64::from(finding.score),
                finding.recognizer,
                token
            ])?;
        }
        Ok(made)
    }

    /// The parties of a conversation in order.
    pub(crate) fn parties(
        &self,
        db: &crate::db::Connection,
        id: ConversationId,
    ) -> Result<Vec<PartyId>, Error> {
        let mut statement = db.prepare("SELECT id FROM party WHERE conversation = ?1 ORDER BY position")?;
        let rows = statement.query_map(params![id.as_bytes()], |r| r.get::<_, Vec<u8>>(0))?;
        rows.map(|r| id_of(&r?)).collect()
    }

    /// The sealed original of a conversation, for the work of this program.
    pub fn original(&self, id: ConversationId) -> Result<crate::blob::BlobReader, Error> {
        self.object(id, "original")
    }

    /// The muted recording of a conversation.
    pub fn redacted_audio(&self, id: ConversationId) -> Result<crate::blob::BlobReader, Error> {
        self.object(id, "redacted")
    }

    pub(crate) fn object(&self, id: ConversationId, kind: &str) -> Result<crate::blob::BlobReader, Error> {
        // Held until the key is open: a rotation must not destroy the version that wrapped it in between.
        let db = self.db();
        let row: Option<(Vec<u8>, Vec<u8>, Option<Vec<u8>>, Option<String>)> = db
            .query_row(
                "SELECT id, epoch, wrapped_key, key_destroyed_at FROM object WHERE conversation = ?1 AND kind = ?2
                 ORDER BY wrapped_key IS NULL LIMIT 1",
                params![id.as_bytes(), kind],
                |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
            )
            .optional()?;
        let (object, epoch, wrapped, destroyed) = row.ok_or_else(|| Error::NoConversation(id.to_string()))?;
        let object: ObjectId = id_of(&object)?;
        let wrapped = wrapped.ok_or_else(|| Error::KeyDestroyed(destroyed.unwrap_or_default()))?;
        let key = self.unwrap_object_key(object, id_of(&epoch)?, &wrapped)?;
        drop(db);
        self.shelf.open(&key, self.tenant, object)
    }

    /// Normalises an address and says whether it leads to a person.
    pub fn is_contact(address: &str) -> bool {
        contacts::contact(address).is_some()
    }
}

/// Associated bytes of a turn.
pub(crate) fn turn_place(id: ConversationId, position: usize) -> Vec<u8> {
    let mut out = id.as_bytes().to_vec();
    out.extend_from_slice(&(position as u64).to_be_bytes());
    out
}

/// SQLite integers are signed; no length of ours comes near the limit.
pub(crate) fn as_i64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

//! Everything of one person, opened for a permit to answer that person; and the ticket with which it is fetched once.

use crate::db::{Connection, OptionalExtension, params};
use crate::{
    Actor, ConversationRow, CopyRow, Error, Refused, Session, Vault, denied,
    erase::{leads_elsewhere, people, tokens_of},
    gate::{ExportSubject, Permit, Target},
    keys::id_of,
    reading::ReaderRow,
    requests::{self, RequestKind},
    times,
};
use callvault_ledger::Kind;
use callvault_model::{
    Secret,
    id::{ConversationId, PackageId, PartyId, SubjectId, SubjectRequestId},
};
use callvault_policy::Act;
use callvault_seal::open;
use jiff::SignedDuration;

/// A ticket that was not used by then is worth nothing.
const TICKET: SignedDuration = SignedDuration::from_hours(24);
/// Tickets of one request that may wait.
const MAX_TICKETS: i64 = 5;

/// A value that was hidden, with what is known of whose it is.
pub struct ExportValue {
    /// Index of the turn.
    pub turn: u64,
    /// Its place among the findings of the conversation.
    pub position: u64,
    /// Type.
    pub entity: String,
    /// Place in the recording.
    pub start_ms: u64,
    /// Place in the recording.
    pub end_ms: u64,
    /// Who found it.
    pub recognizer: String,
    /// Name of the token; absent for what is never kept.
    pub token: Option<String>,
    /// The value; absent for what is never kept or is no more.
    pub value: Option<Secret<String>>,
    /// It is a number or address that leads to somebody else.
    pub leads_elsewhere: bool,
}

/// One turn.
pub struct ExportTurn {
    /// Its place.
    pub position: u64,
    /// Index of the party.
    pub party: usize,
    /// Place in the recording.
    pub start_ms: u64,
    /// Place in the recording.
    pub end_ms: u64,
    /// Masked text.
    pub text: Secret<String>,
}

/// One party.
pub struct ExportParty {
    /// `agent`, `customer`, …
    pub role: String,
    /// It is the person.
    pub own: bool,
    /// The name; only of the person, and of others for comparing.
    pub name: Option<Secret<String>>,
}

/// One conversation.
pub struct ExportConversation {
    /// Its line.
    pub row: ConversationRow,
    /// In the order of the channels.
    pub parties: Vec<ExportParty>,
    /// In order.
    pub turns: Vec<ExportTurn>,
    /// Hidden values of all parties, in the order of findings.
    pub values: Vec<ExportValue>,
    /// The sealed original can still be opened.
    pub has_original: bool,
    /// There is a muted recording.
    pub has_muted: bool,
    /// Attachments that nobody could search.
    pub attachments: usize,
    /// Copies elsewhere.
    pub copies: Vec<CopyRow>,
}

/// Everything of one person.
pub struct SubjectExport {
    /// Who.
    pub subject: SubjectId,
    /// Also under these records, which were merged.
    pub records: Vec<SubjectId>,
    /// The part they play.
    pub role: String,
    /// Numbers and addresses, by field.
    pub contacts: Vec<(String, Secret<String>)>,
    /// Oldest first.
    pub conversations: Vec<ExportConversation>,
    /// Who read them, newest first.
    pub readers: Vec<ReaderRow>,
    /// Conversations of this person that were split off to another record.
    pub split_off: usize,
}

/// A ticket to fetch a copy once.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PackageRow {
    /// Its id.
    pub id: PackageId,
    /// RFC 3339.
    pub made_at: String,
    /// RFC 3339.
    pub expires_at: String,
    /// RFC 3339, when it was fetched.
    pub used_at: Option<String>,
    /// It can be fetched now.
    pub ready: bool,
}

impl Vault {
    /// Opens everything of one person. The entry is durable before anything returns.
    pub fn export_subject(&self, permit: Permit<ExportSubject>) -> Result<SubjectExport, Error> {
        let (question, answer, _) = self.redeem(permit)?;
        let Target::Subject(id) = question.target else { return Err(denied::unknown()) };
        let id = self.living_record(id)?;
        self.log_together(&self.reading(Kind::SubjectExported, &question, &answer, "full"))?;
        self.open_subject(id)
    }

    /// The same for this machine's operator, in a vault that nobody signs in to, for a request of a person whose identity is
    /// confirmed.
    pub fn export_for_request(
        &self,
        actor: &Actor,
        request: SubjectRequestId,
    ) -> Result<SubjectExport, Error> {
        let subject = self.command_as(actor, "export", |c| {
            if people(&c.tx)? > 0 {
                return Err(Refused::invalid(
                    "people sign in to this vault, so the command line takes nobody's data out",
                    "the privacy officer fetches the copy in the console",
                )
                .into());
            }
            let subject = requests::confirmed(c, request)?;
            let facts = [("request", request.to_string().into()), ("rendering", "full".into())];
            c.log(Kind::SubjectExported, None, Some(subject), &facts);
            requests::step(c, request, "copy_made", "")?;
            Ok(subject)
        })?;
        self.open_subject(subject)
    }

    fn open_subject(&self, id: SubjectId) -> Result<SubjectExport, Error> {
        let readers = self.who_read(id)?;
        let ids = self.conversations_of(id)?;
        let mut rows = Vec::with_capacity(ids.len());
        for conversation in ids {
            rows.push((self.conversation(conversation)?, self.copies(conversation)?));
        }
        let db = self.db();
        let records = Self::records_of(&db, id)?;
        let (role, erased): (String, Option<String>) =
            db.query_row("SELECT role, erased_at FROM subject WHERE id = ?1", params![id.as_bytes()], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })?;
        if let Some(at) = erased {
            return Err(Error::KeyDestroyed(at));
        }
        let split_off: i64 = db.query_row(
            "SELECT COUNT(*) FROM subject_link WHERE kind = 'split' AND from_subject = ?1 AND undone_at IS NULL",
            params![id.as_bytes()],
            |r| r.get(0),
        )?;
        let mut contacts = Vec::new();
        for record in &records {
            contacts.extend(self.contact_values(&db, *record)?);
        }
        let conversations = rows
            .into_iter()
            .map(|(row, copies)| self.open_conversation(&db, id, &records, row, copies))
            .collect::<Result<_, _>>()?;
        let split_off = usize::try_from(split_off).unwrap_or(0);
        Ok(SubjectExport { subject: id, records, role, contacts, conversations, readers, split_off })
    }

    fn open_conversation(
        &self,
        db: &Connection,
        subject: SubjectId,
        records: &[SubjectId],
        row: ConversationRow,
        copies: Vec<CopyRow>,
    ) -> Result<ExportConversation, Error> {
        let id = row.id;
        let mut parties = Vec::new();
        let mut keys = Vec::new();
        let mut values = std::collections::BTreeMap::new();
        for (party, role, of) in party_rows(db, id)? {
            // Of whom nothing is left that opens, nothing is said.
            let key = self.party_key(db, party).ok();
            if let Some((key, holder)) = &key {
                for (token, entity, sealed) in tokens_of(db, id, party)? {
                    let aad = self.aad(Some(*holder), "token", token.as_bytes(), &entity);
                    let value = open(key, &aad, &sealed)?;
                    let text = String::from_utf8_lossy(value.expose()).into_owned();
                    values.insert(token, text);
                }
            }
            let name = if key.is_some() { self.party_name(db, party)? } else { None };
            parties.push(ExportParty { role, own: of == subject, name });
            keys.push((party, key));
        }
        let turns = self.open_turns(db, id, &keys)?;
        let mut out = Vec::new();
        for mut value in finding_rows(db, id)? {
            if let Some(text) = value.token.as_ref().and_then(|t| values.get(t)) {
                value.leads_elsewhere = leads_elsewhere(self, db, text, records)?;
                value.value = Some(Secret::new(text.clone()));
            }
            out.push(value);
        }
        let alive = |kind: &str| -> Result<bool, Error> {
            Ok(db.query_row(
                "SELECT EXISTS (SELECT 1 FROM object WHERE conversation = ?1 AND kind = ?2 AND wrapped_key IS NOT NULL)",
                params![id.as_bytes(), kind],
                |r| r.get(0),
            )?)
        };
        let attachments: i64 = db.query_row(
            "SELECT COUNT(*) FROM attachment WHERE conversation = ?1 AND state = 'quarantined'",
            params![id.as_bytes()],
            |r| r.get(0),
        )?;
        Ok(ExportConversation {
            has_original: alive("original")?,
            has_muted: alive("redacted")?,
            attachments: usize::try_from(attachments).unwrap_or(0),
            parties,
            turns,
            values: out,
            copies,
            row,
        })
    }

    fn open_turns(
        &self,
        db: &Connection,
        id: ConversationId,
        keys: &[(PartyId, Option<(callvault_seal::Key256, SubjectId)>)],
    ) -> Result<Vec<ExportTurn>, Error> {
        let mut statement = db.prepare_cached(
            "SELECT position, party, start_ms, end_ms, sealed_text FROM turn WHERE conversation = ?1 ORDER BY position",
        )?;
        let rows = statement
            .query_map(params![id.as_bytes()], |r| {
                Ok((
                    r.get::<_, i64>(0)?,
                    r.get::<_, Vec<u8>>(1)?,
                    (r.get::<_, i64>(2)?, r.get::<_, i64>(3)?),
                    r.get::<_, Vec<u8>>(4)?,
                ))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let mut out = Vec::with_capacity(rows.len());
        for (position, party, (start, end), sealed) in rows {
            let party: PartyId = id_of(&party)?;
            let at = keys.iter().position(|(p, _)| *p == party).ok_or(Error::Corrupt("a turn of nobody"))?;
            let Some((_, Some((key, holder)))) = keys.get(at) else { continue };
            let place = crate::conversation::turn_place(id, usize::try_from(position).unwrap_or(usize::MAX));
            let text = open(key, &self.aad(Some(*holder), "turn", &place, "text"), &sealed)?;
            let text = String::from_utf8(text.expose().clone())
                .map_err(|_| Error::Corrupt("a turn that is not UTF-8"))?;
            out.push(ExportTurn {
                position: position.unsigned_abs(),
                party: at,
                start_ms: start.unsigned_abs(),
                end_ms: end.unsigned_abs(),
                text: Secret::new(text),
            });
        }
        Ok(out)
    }

    /// Command *make package*: a ticket to fetch a copy once, within a day.
    pub fn make_package(&self, who: &Session, request: SubjectRequestId) -> Result<PackageId, Error> {
        let row = self.subject_request(request)?;
        let subject = row.subject.ok_or(Refused::Unknown("person of this request"))?;
        let actor = self.authorise(who, Act::WorkSubjectRequests, Target::Program, None)?;
        if !matches!(row.kind, RequestKind::Access | RequestKind::Portability) {
            return Err(Refused::invalid("this request asks for no copy", "open a request for access").into());
        }
        let id = PackageId::new(self.clock.as_ref(), &self.entropy)?;
        let now = self.clock.now();
        self.command_as(&actor, "make package", |c| {
            let confirmed = requests::confirmed(c, request)?;
            let waiting: i64 = c.tx.query_row(
                "SELECT COUNT(*) FROM request_package WHERE request = ?1 AND used_at IS NULL AND expires_at > ?2",
                params![request.as_bytes(), c.now],
                |r| r.get(0),
            )?;
            if waiting >= MAX_TICKETS {
                return Err(denied::too_many());
            }
            c.tx.execute(
                "INSERT INTO request_package (id, request, subject, made_by, made_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    id.as_bytes(), request.as_bytes(), confirmed.as_bytes(), c.actor(), c.now,
                    times::after(now, TICKET).to_string()
                ],
            )?;
            requests::changed(c, request, Some(subject), "package_made", "")
        })?;
        Ok(id)
    }

    /// Command *use package*: the ticket is used up, whatever becomes of the copy; returns whom it is about.
    pub fn use_package(
        &self,
        actor: &Actor,
        request: SubjectRequestId,
        id: PackageId,
    ) -> Result<SubjectId, Error> {
        self.command_as(actor, "use package", |c| {
            let row: Option<(Vec<u8>, String, Option<String>)> =
                c.tx.query_row(
                    "SELECT subject, expires_at, used_at FROM request_package WHERE id = ?1 AND request = ?2",
                    params![id.as_bytes(), request.as_bytes()],
                    |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
                )
                .optional()?;
            let (subject, expires, used) = row.ok_or_else(denied::unknown)?;
            if used.is_some() {
                return Err(denied::used());
            }
            if self.clock.now() >= times::parse(&expires)? {
                return Err(denied::request_over());
            }
            let subject: SubjectId = id_of(&subject)?;
            if requests::confirmed(c, request)? != subject {
                return Err(denied::unknown());
            }
            c.tx.execute(
                "UPDATE request_package SET used_at = ?2 WHERE id = ?1",
                params![id.as_bytes(), c.now],
            )?;
            requests::changed(c, request, Some(subject), "package_fetched", "")?;
            Ok(subject)
        })
    }

    /// The tickets of a request, newest first.
    pub fn packages(&self, request: SubjectRequestId) -> Result<Vec<PackageRow>, Error> {
        let now = self.clock.now().to_string();
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT id, made_at, expires_at, used_at FROM request_package WHERE request = ?1 ORDER BY id DESC LIMIT 100",
        )?;
        let rows = statement
            .query_map(params![request.as_bytes()], |r| {
                Ok((
                    r.get::<_, Vec<u8>>(0)?,
                    r.get(1)?,
                    r.get::<_, String>(2)?,
                    r.get::<_, Option<String>>(3)?,
                ))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter()
            .map(|(id, made_at, expires_at, used_at)| {
                let ready = used_at.is_none() && expires_at > now;
                Ok(PackageRow { id: id_of(&id)?, made_at, expires_at, used_at, ready })
            })
            .collect()
    }
}

fn party_rows(db: &Connection, id: ConversationId) -> Result<Vec<(PartyId, String, SubjectId)>, Error> {
    let mut statement =
        db.prepare_cached("SELECT id, role, subject FROM party WHERE conversation = ?1 ORDER BY position")?;
    let rows = statement
        .query_map(params![id.as_bytes()], |r| {
            Ok((r.get::<_, Vec<u8>>(0)?, r.get(1)?, r.get::<_, Vec<u8>>(2)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    rows.into_iter().map(|(id, role, of)| Ok((id_of(&id)?, role, id_of(&of)?))).collect()
}

fn finding_rows(db: &Connection, id: ConversationId) -> Result<Vec<ExportValue>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT turn, position, entity, start_ms, end_ms, recognizer, token FROM finding
         WHERE conversation = ?1 ORDER BY position",
    )?;
    let rows = statement.query_map(params![id.as_bytes()], |r| {
        Ok(ExportValue {
            turn: r.get::<_, i64>(0)?.unsigned_abs(),
            position: r.get::<_, i64>(1)?.unsigned_abs(),
            entity: r.get(2)?,
            start_ms: r.get::<_, i64>(3)?.unsigned_abs(),
            end_ms: r.get::<_, i64>(4)?.unsigned_abs(),
            recognizer: r.get(5)?,
            token: r.get(6)?,
            value: None,
            leads_elsewhere: false,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

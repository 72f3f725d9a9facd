//! What this program reads out for people: masked text and metadata. Each look is a ledger entry.
//! There is no function here that returns an unmasked value.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Error, Vault, conversation::State, keys::id_of};
use callvault_ledger::Kind;
use callvault_model::id::{ConversationId, SubjectId};
use serde::Serialize;

/// One line of the list of conversations.
#[derive(Debug, Clone, Serialize)]
pub struct ConversationRow {
    /// Its id.
    pub id: ConversationId,
    /// `voice`, `chat`, `email`, `sms`.
    pub channel: String,
    /// Where it stands.
    pub state: State,
    /// RFC 3339.
    pub received_at: String,
    /// RFC 3339, if the source told it.
    pub started_at: Option<String>,
    /// Length of a recording.
    pub duration_ms: u64,
    /// `independent`, `same-engine`, `none`; absent before the record.
    pub proof: Option<String>,
    /// Why it waits, if it does.
    pub reason: Option<String>,
    /// When it was recorded, RFC 3339; the cooling delay counts from here.
    pub recorded_at: Option<String>,
    /// Number of findings.
    pub findings: u64,
}

/// One masked turn.
#[derive(Debug, Clone, Serialize)]
pub struct MaskedTurn {
    /// The part of its party.
    pub role: String,
    /// Place in the recording.
    pub start_ms: u64,
    /// Place in the recording.
    pub end_ms: u64,
    /// Text with labels instead of values.
    pub text: String,
}

/// One finding, without its value.
#[derive(Debug, Clone, Serialize)]
pub struct FindingRow {
    /// Type name.
    pub entity: String,
    /// Index of the channel or party.
    pub channel: u64,
    /// Place in the recording.
    pub start_ms: u64,
    /// Place in the recording.
    pub end_ms: u64,
    /// Who found it.
    pub recognizer: String,
    /// Name of the encrypted value; absent for what may never be kept.
    pub token: Option<String>,
}

/// A conversation as everyone with access to it may see it.
#[derive(Debug, Clone, Serialize)]
pub struct MaskedConversation {
    /// Its line in the list.
    #[serde(flatten)]
    pub row: ConversationRow,
    /// Masked turns in order.
    pub turns: Vec<MaskedTurn>,
    /// Findings without values.
    pub findings_list: Vec<FindingRow>,
    /// Facts of the proof.
    pub proof_facts: Option<serde_json::Value>,
}

/// One person.
#[derive(Debug, Clone, Serialize)]
pub struct SubjectRow {
    /// Their id.
    pub id: SubjectId,
    /// The part they play.
    pub role: String,
    /// No address is known that would recognise them again.
    pub provisional: bool,
    /// Conversations they took part in.
    pub conversations: u64,
    /// When the key was destroyed.
    pub erased_at: Option<String>,
}

pub(crate) const ROW: &str =
    "SELECT c.id, c.channel, c.state, c.received_at, c.started_at, c.duration_ms, c.proof, c.reason,
    (SELECT COUNT(*) FROM finding f WHERE f.conversation = c.id), c.recorded_at FROM conversation c";

pub(crate) fn row(r: &crate::db::Row<'_>) -> crate::db::Result<(Vec<u8>, String, ConversationRow)> {
    let id: Vec<u8> = r.get(0)?;
    let state: String = r.get(2)?;
    Ok((
        id,
        state,
        ConversationRow {
            id: ConversationId::from_bytes([0; 16]),
            channel: r.get(1)?,
            state: State::Received,
            received_at: r.get(3)?,
            started_at: r.get(4)?,
            duration_ms: r.get::<_, i64>(5)?.unsigned_abs(),
            proof: r.get(6)?,
            reason: r.get(7)?,
            findings: r.get::<_, i64>(8)?.unsigned_abs(),
            recorded_at: r.get(9)?,
        },
    ))
}

pub(crate) fn finished(
    (id, state, mut row): (Vec<u8>, String, ConversationRow),
) -> Result<ConversationRow, Error> {
    row.id = id_of(&id)?;
    row.state = State::parse(&state)?;
    Ok(row)
}

/// Refuses what is not redacted to the end.
pub(crate) fn readable(row: ConversationRow) -> Result<ConversationRow, Error> {
    if matches!(row.state, State::Recorded | State::Shredding | State::Disposed) {
        return Ok(row);
    }
    Err(Error::State {
        id: row.id.to_string(),
        state: row.state.as_str().into(),
        needed: match &row.reason {
            Some(reason) => format!("nobody can read it yet: {reason}"),
            None => "nobody can read it before it is redacted; run `callvault resume`".into(),
        },
    })
}

pub(crate) fn conversation_in(db: &Connection, id: ConversationId) -> Result<ConversationRow, Error> {
    let mut statement = db.prepare_cached(&format!("{ROW} WHERE c.id = ?1"))?;
    let found = statement.query_row(params![id.as_bytes()], row).optional()?;
    finished(found.ok_or_else(|| Error::NoConversation(id.to_string()))?)
}

pub(crate) fn proof_facts(db: &Connection, id: ConversationId) -> Result<Option<serde_json::Value>, Error> {
    let mut statement = db.prepare_cached("SELECT proof_facts FROM conversation WHERE id = ?1")?;
    let facts: Option<String> = statement.query_row(params![id.as_bytes()], |r| r.get(0))?;
    Ok(facts.and_then(|f| serde_json::from_str(&f).ok()))
}

impl Vault {
    /// All conversations, oldest first.
    pub fn conversations(&self) -> Result<Vec<ConversationRow>, Error> {
        let db = self.reads();
        let mut statement = db.prepare(&format!("{ROW} ORDER BY c.id"))?;
        let rows = statement.query_map([], row)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(finished).collect()
    }

    /// One conversation's line.
    pub fn conversation(&self, id: ConversationId) -> Result<ConversationRow, Error> {
        conversation_in(&self.reads(), id)
    }

    /// Conversations whose work is not done: the way goes on where it stopped.
    pub fn unfinished(&self) -> Result<Vec<ConversationRow>, Error> {
        let all = self.conversations()?;
        Ok(all
            .into_iter()
            .filter(|c| matches!(c.state, State::Received | State::AwaitingTranscript | State::Shredding))
            .collect())
    }

    /// A masked conversation for this process's own operator; the look is written into the ledger before anything is
    /// returned. Everybody else reads through [`Vault::read_masked`].
    pub fn masked(&self, id: ConversationId) -> Result<MaskedConversation, Error> {
        readable(self.conversation(id)?)?;
        self.command("view", |c| {
            crate::restriction::refuse_restricted(&c.tx, id)?;
            c.log(Kind::AccessPermitted, Some(id), None, &[("rendering", "masked".into())]);
            Ok(())
        })?;
        self.masked_unlogged(id)
    }

    /// Masked text; the caller has made the ledger entry.
    pub(crate) fn masked_unlogged(&self, id: ConversationId) -> Result<MaskedConversation, Error> {
        let (_, text) = self.sealed_text(id)?;
        self.open_text(id, &text)
    }

    /// The facts of a conversation's proof; they hold nothing of what was said.
    pub fn proof_facts(&self, id: ConversationId) -> Result<Option<serde_json::Value>, Error> {
        proof_facts(&self.reads(), id)
    }

    /// Everybody this vault knows.
    pub fn subjects(&self) -> Result<Vec<SubjectRow>, Error> {
        let db = self.reads();
        let mut statement = db.prepare(&format!(
            "SELECT s.id, s.role, s.provisional, s.erased_at,
                (SELECT COUNT(DISTINCT p.conversation) FROM party p WHERE p.subject = s.id)
             FROM subject s WHERE {} ORDER BY s.id",
            crate::links::NOT_MERGED
        ))?;
        let rows = statement
            .query_map([], |r| {
                Ok((
                    r.get::<_, Vec<u8>>(0)?,
                    r.get::<_, String>(1)?,
                    r.get::<_, bool>(2)?,
                    r.get::<_, Option<String>>(3)?,
                    r.get::<_, i64>(4)?,
                ))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter()
            .map(|(id, role, provisional, erased_at, n)| {
                Ok(SubjectRow {
                    id: id_of(&id)?,
                    role,
                    provisional,
                    conversations: n.unsigned_abs(),
                    erased_at,
                })
            })
            .collect()
    }

    /// Counts of findings by type, for reports.
    pub fn findings_by_type(&self) -> Result<std::collections::BTreeMap<String, u64>, Error> {
        let db = self.reads();
        let mut statement = db.prepare("SELECT entity, COUNT(*) FROM finding GROUP BY entity")?;
        let rows =
            statement.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?.unsigned_abs())))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The name of the source, for the operator's own lists.
    pub fn source_name(&self, id: ConversationId) -> Result<String, Error> {
        let sealed: Vec<u8> = self.reads().query_row(
            "SELECT sealed_source FROM conversation WHERE id = ?1",
            params![id.as_bytes()],
            |r| r.get(0),
        )?;
        // Retention or the collection policy may have taken it away.
        if sealed.is_empty() {
            return Ok(String::new());
        }
        self.open_own("conversation", id.as_bytes(), "source", &sealed)
    }

    /// The roles of the parties in order.
    pub fn roles(&self, id: ConversationId) -> Result<Vec<String>, Error> {
        let db = self.reads();
        let mut statement = db.prepare("SELECT role FROM party WHERE conversation = ?1 ORDER BY position")?;
        let rows = statement.query_map(params![id.as_bytes()], |r| r.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

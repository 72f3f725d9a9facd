//! Opening a conversation: looked up as it lies in the database, entered in the ledger, and its words opened when the entry
//! is on the disk. For whoever waits without a thread of his own; [`Vault::read_masked`] is the same with one.

use crate::db::{Connection, params};
use crate::{
    ConversationRow, Error, FindingDetail, FindingRow, MaskedConversation, MaskedTurn, Session, Vault,
    conversation::turn_place,
    denied,
    gate::{Permit, ReadMasked, Target},
    group::{Commit, Stood},
    keys::id_of,
    ledger::Ready,
    read,
    seen::{Beside, Mark, Opener, SealedText, SealedTurn},
};
use callvault_ledger::Kind;
use callvault_model::id::{ConversationId, PartyId};
use callvault_policy::Purpose;
use callvault_seal::RecordKey;
use std::{
    collections::{BTreeSet, HashMap, hash_map},
    sync::{Arc, OnceLock},
};

/// A fact of the ledger holds 1,024 bytes.
const MAX_COVERED: usize = 1_000;
/// Turns that are opened in less time than it takes to ask another thread.
const FEW: usize = 64;

/// A conversation that was opened by a permit, with what is shown beside its words.
#[derive(Debug)]
pub struct Opened {
    /// Masked turns in order.
    pub turns: Vec<MaskedTurn>,
    beside: Arc<Beside>,
}

impl Opened {
    /// Its line in the list.
    pub fn row(&self) -> &ConversationRow {
        &self.beside.row
    }
    /// Findings with their reasons.
    pub fn findings(&self) -> &[FindingDetail] {
        &self.beside.details
    }
    /// What its caller makes of all that is beside the words: made once for all readings of what was looked up.
    pub fn beside_as<E>(&self, make: impl FnOnce() -> Result<Vec<u8>, E>) -> Result<&[u8], E> {
        if let Some(known) = self.beside.made.get() {
            return Ok(known);
        }
        let made = make()?;
        Ok(self.beside.made.get_or_init(|| made))
    }
    /// Facts of the proof.
    pub fn proof_facts(&self) -> Option<&serde_json::Value> {
        self.beside.proof_facts.as_ref()
    }
}

/// A permitted reading that is not in the ledger yet. It shows nothing.
pub struct Opening {
    of: Opens,
    entry: Ready,
}

/// What a reading opens.
struct Opens {
    vault: Arc<Vault>,
    id: ConversationId,
    mark: Mark,
    text: Arc<SealedText>,
}

/// A reading whose entry is on the disk. Only the ledger makes one of an [`Opening`].
pub struct Entered {
    of: Opens,
    stood: Arc<Stood>,
}

impl Opening {
    /// Puts its entry among those that wait; it is on its way when this returns. `commit` is called when somebody has to
    /// commit them: it drops what it is given where that may block. Resolves when the entry is on the disk, or could not be
    /// written.
    pub fn enter(self, commit: &Commit) -> impl Future<Output = Result<Entered, Error>> + use<> {
        let Self { of, entry } = self;
        let soon = of.vault.log_soon(entry, commit);
        async move { Ok(Entered { of, stood: soon.await? }) }
    }
}

impl Entered {
    /// Whether [`Entered::words`] returns without touching the disk, and soon.
    pub fn at_hand(&self) -> bool {
        let Opens { vault, mark, text, .. } = &self.of;
        text.turns.len() <= FEW && vault.seen.mark() == *mark
    }

    /// The masked words.
    pub fn words(self) -> Result<Opened, Error> {
        let Self { of: Opens { vault, id, mark, text }, stood } = self;
        let text = vault.latest(id, mark, text)?;
        Ok(Opened { turns: vault.masked_turns(id, &text, &stood)?, beside: Arc::clone(&text.beside) })
    }
}

impl Vault {
    /// Asks the gate for a reading and prepares it.
    pub fn opening(
        self: &Arc<Self>,
        who: &Session,
        id: ConversationId,
        purpose: Option<Purpose>,
    ) -> Result<Opening, Error> {
        let permit = self.permit::<ReadMasked>(who, Target::Conversation(id), purpose, None)?;
        let (mark, text) = self.sealed_text(id)?;
        self.prepared(permit, mark, text)
    }

    /// The same where memory alone can answer, and the answer is yes. `None` says only that [`Vault::opening`] has to be
    /// asked.
    pub fn opening_at_hand(
        self: &Arc<Self>,
        who: &Session,
        id: ConversationId,
        purpose: Option<Purpose>,
    ) -> Option<Opening> {
        let mark = self.seen.mark();
        let text = self.seen.text(id, self.clock.now())?;
        let permit = self.permit_at_hand::<ReadMasked>(who, Target::Conversation(id), purpose)?;
        self.prepared(permit, mark, text).ok()
    }

    fn prepared(
        self: &Arc<Self>,
        permit: Permit<ReadMasked>,
        mark: Mark,
        text: Arc<SealedText>,
    ) -> Result<Opening, Error> {
        let (question, answer, _) = self.redeem(permit)?;
        let Target::Conversation(id) = question.target else { return Err(denied::unknown()) };
        let entry = self.reading(Kind::AccessPermitted, &question, &answer, "masked");
        let entry = Ready::of(&entry.fact("covered", text.covered.as_str()))?;
        Ok(Opening { of: Opens { vault: Arc::clone(self), id, mark, text }, entry })
    }

    /// What was looked up at `mark`; looked up again if anything was written since.
    pub(crate) fn latest(
        &self,
        id: ConversationId,
        mark: Mark,
        text: Arc<SealedText>,
    ) -> Result<Arc<SealedText>, Error> {
        if self.seen.mark() == mark { Ok(text) } else { Ok(self.sealed_text(id)?.1) }
    }

    /// A readable conversation as it lies in the database.
    pub(crate) fn sealed_text(&self, id: ConversationId) -> Result<(Mark, Arc<SealedText>), Error> {
        let (mark, now) = (self.seen.mark(), self.clock.now());
        if let Some(known) = self.seen.text(id, now) {
            return Ok((mark, known));
        }
        let read = self.sealed_in(&self.reads(), id);
        let text = match read {
            // A rotation that ended meanwhile destroyed the key of a wrap that was just read; as it stands now it opens.
            Err(Error::Seal(_)) => self.sealed_in(&self.db(), id),
            read => read,
        }?;
        let text = Arc::new(text);
        self.seen.keep_text(mark, now, id, Arc::clone(&text));
        Ok((mark, text))
    }

    fn sealed_in(&self, db: &Connection, id: ConversationId) -> Result<SealedText, Error> {
        // All of it is of one moment.
        let db = db.moment()?;
        let row = read::readable(read::conversation_in(&db, id)?)?;
        let (turns, parties) = self.sealed_turns(&db, id)?;
        let (findings, details): (Vec<_>, Vec<_>) = findings(&db, id)?.into_iter().unzip();
        let covered = covered(&findings);
        let proof_facts = read::proof_facts(&db, id)?;
        let beside = Arc::new(Beside { row, proof_facts, findings, details, made: OnceLock::new() });
        Ok(SealedText { beside, covered, turns, parties })
    }

    fn sealed_turns(
        &self,
        db: &Connection,
        id: ConversationId,
    ) -> Result<(Vec<SealedTurn>, Vec<Opener>), Error> {
        let mut statement = db.prepare_cached(
            "SELECT t.position, t.party, p.role, t.start_ms, t.end_ms, t.sealed_text
             FROM turn t JOIN party p ON p.id = t.party WHERE t.conversation = ?1 ORDER BY t.position",
        )?;
        let rows = statement
            .query_map(params![id.as_bytes()], |r| {
                let turn = SealedTurn {
                    position: usize::try_from(r.get::<_, i64>(0)?).unwrap_or(usize::MAX),
                    party: 0,
                    role: r.get(2)?,
                    start_ms: r.get::<_, i64>(3)?.unsigned_abs(),
                    end_ms: r.get::<_, i64>(4)?.unsigned_abs(),
                    sealed: r.get(5)?,
                    own: OnceLock::new(),
                };
                Ok((r.get::<_, Vec<u8>>(1)?, turn))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let (mut turns, mut parties) = (Vec::with_capacity(rows.len()), Vec::new());
        // Opening a party's key takes three steps and a file; a conversation has few parties and many turns.
        let mut known = HashMap::new();
        for (party, mut turn) in rows {
            let party: PartyId = id_of(&party)?;
            turn.party = match known.entry(party) {
                hash_map::Entry::Occupied(known) => *known.get(),
                hash_map::Entry::Vacant(new) => {
                    parties.push(self.opener(db, party)?);
                    *new.insert(parties.len() - 1)
                }
            };
            turns.push(turn);
        }
        Ok((turns, parties))
    }

    /// The same with a copy of what is shown beside the words.
    pub(crate) fn open_text(
        &self,
        id: ConversationId,
        text: &SealedText,
    ) -> Result<MaskedConversation, Error> {
        let (turns, beside) = (self.masked_turns(id, text, &Stood::default())?, &text.beside);
        let (row, findings_list) = (beside.row.clone(), beside.findings.clone());
        Ok(MaskedConversation { row, turns, findings_list, proof_facts: beside.proof_facts.clone() })
    }

    /// Opens what was looked up; nothing opens once the key of its epoch is gone.
    fn masked_turns(
        &self,
        id: ConversationId,
        text: &SealedText,
        stood: &Stood,
    ) -> Result<Vec<MaskedTurn>, Error> {
        text.parties.iter().try_for_each(|p| stood.stands(&self.keyring, p.epoch))?;
        let mut turns = Vec::with_capacity(text.turns.len());
        for t in &text.turns {
            let party = text.parties.get(t.party).ok_or(Error::Corrupt("a turn of nobody"))?;
            let own = match t.own.get() {
                Some(own) => own,
                None => {
                    let place = turn_place(id, t.position);
                    let aad = self.aad(Some(party.subject), "turn", &place, "text");
                    let own = RecordKey::of(&party.key, &aad, &t.sealed)?;
                    t.own.get_or_init(|| own)
                }
            };
            let words = String::from_utf8(own.open(&t.sealed)?.into_exposed())
                .map_err(|_| Error::Corrupt("a turn that is not UTF-8"))?;
            turns.push(MaskedTurn {
                role: t.role.clone(),
                start_ms: t.start_ms,
                end_ms: t.end_ms,
                text: words,
            });
        }
        Ok(turns)
    }
}

fn findings(db: &Connection, id: ConversationId) -> Result<Vec<(FindingRow, FindingDetail)>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT f.position, f.turn, f.entity, p.role, f.start_ms, f.end_ms, f.score, f.recognizer, f.token, p.position
         FROM finding f JOIN party p ON p.id = f.party WHERE f.conversation = ?1 ORDER BY f.position",
    )?;
    let rows = statement.query_map(params![id.as_bytes()], |r| {
        let number = |column| Ok::<_, crate::db::Error>(r.get::<_, i64>(column)?.unsigned_abs());
        let detail = FindingDetail {
            position: number(0)?,
            turn: number(1)?,
            entity: r.get(2)?,
            role: r.get(3)?,
            start_ms: number(4)?,
            end_ms: number(5)?,
            score: r.get(6)?,
            recognizer: r.get(7)?,
            token: r.get(8)?,
        };
        let row = FindingRow {
            entity: detail.entity.clone(),
            channel: number(9)?,
            start_ms: detail.start_ms,
            end_ms: detail.end_ms,
            recognizer: detail.recognizer.clone(),
            token: detail.token.clone(),
        };
        Ok((row, detail))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Types that are covered, as the ledger keeps them of a reading: a later scope does not depend on what retention left.
fn covered(findings: &[FindingRow]) -> String {
    let names: BTreeSet<&str> = findings.iter().map(|f| f.entity.as_str()).collect();
    let mut out = String::new();
    for name in names {
        if out.len() + name.len() > MAX_COVERED {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(name);
    }
    out
}

//! Findings that are missing or wrong: one person says so, another decides, and the text changes at once.

use crate::db::{Connection, OptionalExtension, params};
use crate::{
    Actor, Command, Error, MaskedTurn, Refused, Vault,
    conversation::{as_i64, turn_place},
    holds::{check_reason, kept_back},
    keys::id_of,
    regression::{self, Edit},
    sweep::needle,
};
use callvault_ledger::Kind;
use callvault_model::{
    EntityType, Interval,
    id::{ConversationId, CorrectionId, PartyId},
};
use callvault_seal::{Token, TokenType, open, seal};
use serde::{Deserialize, Serialize};

/// Name of findings that a person added.
pub const RECOGNIZER: &str = "correction";
/// Requests that wait in one conversation at most.
const MAX_OPEN: i64 = 50;

/// What somebody says is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewCorrection {
    /// A value stands in the masked text that should not.
    Missed {
        /// Index of the turn.
        turn: u64,
        /// First character in its masked text.
        start_char: u64,
        /// One past the last character.
        end_char: u64,
        /// What it is.
        entity: EntityType,
        /// Where it is heard, if the person marked it; otherwise the whole turn falls silent.
        heard_ms: Option<(u64, u64)>,
    },
    /// A finding covers what is no personal data.
    Wrong {
        /// Its position among the findings of the conversation.
        finding: u64,
    },
}

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct CorrectionRow {
    /// Its id.
    pub id: CorrectionId,
    /// Where.
    pub conversation: ConversationId,
    /// `missed` or `wrong`.
    pub kind: String,
    /// Index of the turn.
    pub turn: u64,
    /// Characters of its masked text, for what was missed.
    pub chars: Option<(u64, u64)>,
    /// Position of the finding, for what is wrong.
    pub finding: Option<u64>,
    /// Type name.
    pub entity: String,
    /// Why, masked.
    pub note: String,
    /// `requested`, `accepted` or `refused`.
    pub state: String,
    /// Who asked.
    pub requested_by: String,
    /// RFC 3339.
    pub requested_at: String,
    /// Who decided.
    pub decided_by: Option<String>,
    /// RFC 3339.
    pub decided_at: Option<String>,
}

/// What carrying out a correction needs to know.
pub struct CorrectionPlan {
    /// The request.
    pub row: CorrectionRow,
    /// The masked turns as they stand.
    pub turns: Vec<MaskedTurn>,
    /// The words that were missed.
    pub value: Option<String>,
    /// Where they are heard.
    pub span: Option<Interval>,
    /// There is muted audio that has to be muted further.
    pub has_audio: bool,
}

/// What a decision changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Corrected {
    /// Turns whose text changed.
    pub turns: usize,
    /// What becomes of the recording: `withheld` until it is muted further, `stays-muted`, `none`.
    pub audio: &'static str,
}

/// What rests sealed with a request.
#[derive(Serialize, Deserialize)]
struct Sealed {
    note: String,
    /// The words at the place, so that nothing else is covered if the text changed meanwhile.
    words: Option<String>,
}

impl Vault {
    /// Command *request correction*. `note` has passed the detector.
    pub fn request_correction(
        &self,
        actor: &Actor,
        conversation: ConversationId,
        what: &NewCorrection,
        note: &str,
    ) -> Result<CorrectionId, Error> {
        check_reason(note, "the note")?;
        let id = CorrectionId::new(self.clock.as_ref(), &self.entropy)?;
        let turns = self.masked_unlogged(conversation)?.turns;
        let mut words = None;
        if let NewCorrection::Missed { turn, start_char, end_char, heard_ms, .. } = what {
            let found = usize::try_from(*turn).ok().and_then(|t| turns.get(t));
            let found = found.ok_or(Refused::Unknown("turn"))?;
            words = Some(words_at(&found.text, *start_char, *end_char)?);
            if heard_ms.is_some_and(|(a, b)| a >= b || a < found.start_ms || b > found.end_ms) {
                return Err(Refused::invalid(
                    "the time lies outside the turn",
                    "mark it inside the turn, or leave it out to mute the whole turn",
                )
                .into());
            }
        }
        let rest = Sealed { note: note.to_owned(), words };
        let rest = serde_json::to_string(&rest).map_err(|_| Error::Corrupt("a correction"))?;
        let sealed = self.seal_own("correction", id.as_bytes(), "note", &rest)?;
        self.command_as(actor, "request correction", |c| {
            let open: i64 = c.tx.query_row(
                "SELECT COUNT(*) FROM correction WHERE conversation = ?1 AND state = 'requested'",
                params![conversation.as_bytes()],
                |r| r.get(0),
            )?;
            if open >= MAX_OPEN {
                return Err(Refused::invalid(
                    "50 corrections of this conversation wait already",
                    "have them decided first",
                )
                .into());
            }
            let (kind, turn, start, end, finding, entity, heard) = match what {
                NewCorrection::Missed { turn, start_char, end_char, entity, heard_ms } => {
                    ("missed", *turn, *start_char, *end_char, None, *entity, *heard_ms)
                }
                NewCorrection::Wrong { finding } => {
                    let f = finding_at(&c.tx, conversation, *finding)?;
                    restorable(&c.tx, conversation, &f)?;
                    ("wrong", f.turn, 0, 0, Some(as_i64(*finding)), f.entity, None)
                }
            };
            c.tx.execute(
                "INSERT INTO correction (id, conversation, kind, turn, start_char, end_char, finding, entity, sealed_note,
                   state, requested_by, requested_at, heard_from_ms, heard_to_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'requested', ?10, ?11, ?12, ?13)",
                params![
                    id.as_bytes(), conversation.as_bytes(), kind, as_i64(turn), as_i64(start), as_i64(end), finding,
                    entity.as_str(), sealed, actor.to_string(), c.now, heard.map(|h| as_i64(h.0)), heard.map(|h| as_i64(h.1))
                ],
            )?;
            let facts = [
                ("correction", id.to_string().into()),
                ("kind", kind.into()),
                ("entity", entity.as_str().into()),
            ];
            c.log(Kind::CorrectionRequested, Some(conversation), None, &facts);
            Ok(id)
        })
    }

    /// Requests, newest first: of one conversation or of all, those that wait or all.
    pub fn corrections(
        &self,
        of: Option<ConversationId>,
        waiting_only: bool,
    ) -> Result<Vec<CorrectionRow>, Error> {
        let rows = {
            let db = self.db();
            let mut statement = db.prepare_cached(&format!(
                "{ROW} WHERE (conversation = ?1 OR ?1 IS NULL) AND (NOT ?2 OR state = 'requested')
                 ORDER BY rowid DESC LIMIT 1000"
            ))?;
            let rows = statement.query_map(params![of.as_ref().map(|c| c.as_bytes()), waiting_only], raw)?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        rows.into_iter().map(|r| Ok(self.finished(r)?.0)).collect()
    }

    fn finished(&self, raw: Raw) -> Result<(CorrectionRow, Sealed, Option<Interval>), Error> {
        let text = self.open_own("correction", &raw.id, "note", &raw.sealed)?;
        let sealed: Sealed = serde_json::from_str(&text).map_err(|_| Error::Corrupt("a correction"))?;
        let row = CorrectionRow {
            id: id_of(&raw.id)?,
            conversation: id_of(&raw.conversation)?,
            chars: (raw.kind == "missed").then_some((raw.start, raw.end)),
            kind: raw.kind,
            turn: raw.turn,
            finding: raw.finding,
            entity: raw.entity,
            note: sealed.note.clone(),
            state: raw.state,
            requested_by: raw.requested_by,
            requested_at: raw.requested_at,
            decided_by: raw.decided_by,
            decided_at: raw.decided_at,
        };
        Ok((row, sealed, raw.heard.map(|(a, b)| Interval::new(a, b))))
    }

    /// What carrying a request out needs; for the work of this program.
    pub fn correction_plan(&self, id: CorrectionId) -> Result<CorrectionPlan, Error> {
        let raw = {
            let db = self.db();
            db.query_row(&format!("{ROW} WHERE id = ?1"), params![id.as_bytes()], raw).optional()?
        };
        let (row, sealed, heard) = self.finished(raw.ok_or(Refused::Unknown("correction"))?)?;
        if row.state != "requested" {
            return Err(Refused::Closed("correction").into());
        }
        let turns = self.masked_unlogged(row.conversation)?.turns;
        let turn = usize::try_from(row.turn).ok().and_then(|t| turns.get(t));
        let span = heard.or(turn.map(|t| Interval::new(t.start_ms, t.end_ms)));
        let has_audio: bool = self.db().query_row(
            "SELECT EXISTS (SELECT 1 FROM object WHERE conversation = ?1 AND kind = 'redacted' AND wrapped_key IS NOT NULL)",
            params![row.conversation.as_bytes()],
            |r| r.get(0),
        )?;
        Ok(CorrectionPlan {
            span: span.filter(|_| row.kind == "missed"),
            value: sealed.words,
            row,
            turns,
            has_audio,
        })
    }

    /// Command *refuse correction*.
    pub fn refuse_correction(&self, actor: &Actor, id: CorrectionId) -> Result<(), Error> {
        let mut needles = Vec::new();
        self.command_as(actor, "refuse correction", |c| {
            let conversation = decide(c, actor, id, "refused")?;
            self.forget_words(c, id, &mut needles)?;
            let facts = [("correction", id.to_string().into()), ("accepted", false.into())];
            c.log(Kind::CorrectionDecided, Some(conversation), None, &facts);
            Ok(())
        })?;
        self.prove_gone(&needles).map(drop)
    }

    /// The words at the place are needed no longer: only the note stays.
    pub(crate) fn forget_words(
        &self,
        c: &mut Command<'_>,
        id: CorrectionId,
        needles: &mut Vec<Vec<u8>>,
    ) -> Result<(), Error> {
        let sealed: Vec<u8> = c.tx.query_row(
            "SELECT sealed_note FROM correction WHERE id = ?1",
            params![id.as_bytes()],
            |r| r.get(0),
        )?;
        let mut rest: Sealed =
            serde_json::from_str(&self.open_own("correction", id.as_bytes(), "note", &sealed)?)
                .map_err(|_| Error::Corrupt("a correction"))?;
        if rest.words.take().is_none() {
            return Ok(());
        }
        needles.push(needle(sealed));
        let rest = serde_json::to_string(&rest).map_err(|_| Error::Corrupt("a correction"))?;
        let sealed = self.seal_own("correction", id.as_bytes(), "note", &rest)?;
        c.tx.execute("UPDATE correction SET sealed_note = ?2 WHERE id = ?1", params![id.as_bytes(), sealed])?;
        Ok(())
    }

    /// The words of a correction, while its recording is not muted yet.
    pub(crate) fn words_of(&self, id: CorrectionId) -> Result<Option<String>, Error> {
        let sealed: Vec<u8> = self.db().query_row(
            "SELECT sealed_note FROM correction WHERE id = ?1",
            params![id.as_bytes()],
            |r| r.get(0),
        )?;
        let rest: Sealed =
            serde_json::from_str(&self.open_own("correction", id.as_bytes(), "note", &sealed)?)
                .map_err(|_| Error::Corrupt("a correction"))?;
        Ok(rest.words)
    }

    /// Command *accept a missed value*: it is covered in the text at once and kept as a token; `repeats` names further turns
    /// that are covered whole because it can be read there. A recording is withheld from now on, until it is muted further
    /// ([`Vault::remuted`]).
    pub fn accept_missed(
        &self,
        actor: &Actor,
        id: CorrectionId,
        repeats: &[usize],
    ) -> Result<Corrected, Error> {
        let plan = self.correction_plan(id)?;
        let (Some((start, end)), Some(value)) = (plan.row.chars, plan.value.as_deref()) else {
            return Err(Error::Corrupt("a correction of another kind"));
        };
        let entity: EntityType = parse_entity(&plan.row.entity)?;
        let (conversation, mut needles) = (plan.row.conversation, Vec::new());
        let at = usize::try_from(plan.row.turn).map_err(|_| Error::Corrupt("a turn's place"))?;
        let out = self.command_as(actor, "accept missed", |c| {
            decide(c, actor, id, "accepted")?;
            if let Some(refused) = kept_back(&c.tx, conversation)? {
                return Err(refused.into());
            }
            let text = self.turn_text(&c.tx, conversation, at, &mut needles)?;
            if words_at(&text.1, start, end)? != value {
                return Err(Refused::invalid(
                    "the text changed since this was asked",
                    "look at the conversation again and ask anew",
                )
                .into());
            }
            let label = format!("[{entity}]");
            let covered = splice(&text.1, start, end, &label);
            let long = label.chars().count() as u64;
            self.set_turn(c, conversation, at, text.0, &covered, Edit::Part { start, end, long })?;
            let token = self.add_finding(c, conversation, (at, text.0), entity, Some(value), plan.span)?;
            regression::stands(c, id, token.as_deref(), (start, start.saturating_add(long)))?;
            let mut spans: Vec<Interval> = plan.span.into_iter().collect();
            for turn in repeats.iter().copied().filter(|t| *t != at) {
                let (party, _) = self.turn_text(&c.tx, conversation, turn, &mut needles)?;
                self.set_turn(c, conversation, turn, party, &label, Edit::Whole)?;
                let span = plan.turns.get(turn).map(|t| Interval::new(t.start_ms, t.end_ms));
                self.add_finding(c, conversation, (turn, party), entity, None, span)?;
                spans.extend(span);
            }
            if plan.has_audio {
                self.withhold(c, id, conversation, &spans)?;
            } else {
                self.forget_words(c, id, &mut needles)?;
            }
            let turns = 1 + repeats.iter().filter(|t| **t != at).count();
            let audio = if plan.has_audio { "withheld" } else { "none" };
            let facts = [
                ("correction", id.to_string().into()),
                ("accepted", true.into()),
                ("turns", turns.into()),
                ("audio", audio.into()),
            ];
            c.log(Kind::CorrectionDecided, Some(conversation), None, &facts);
            Ok(Corrected { turns, audio })
        })?;
        // Whoever listens now is asked about at once.
        self.live.bump();
        self.prove_gone(&needles)?;
        Ok(out)
    }

    /// Command *accept a wrong finding*: its words come back into the text. The recording stays as silent as it was.
    pub fn accept_wrong(&self, actor: &Actor, id: CorrectionId) -> Result<Corrected, Error> {
        let plan = self.correction_plan(id)?;
        let position = plan.row.finding.ok_or(Error::Corrupt("a correction of another kind"))?;
        let conversation = plan.row.conversation;
        self.command_as(actor, "accept wrong", |c| {
            decide(c, actor, id, "accepted")?;
            let finding = finding_at(&c.tx, conversation, position)?;
            let token = restorable(&c.tx, conversation, &finding)?;
            let (party, sealed): (Vec<u8>, Vec<u8>) = c.tx.query_row(
                "SELECT party, sealed_value FROM token WHERE id = ?1 AND conversation = ?2",
                params![token, conversation.as_bytes()],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )?;
            let (key, subject) = self.party_key(&c.tx, id_of(&party)?)?;
            let aad = self.aad(Some(subject), "token", token.as_bytes(), finding.entity.as_str());
            let words = open(&key, &aad, &sealed)?;
            let words = std::str::from_utf8(words.expose())
                .map_err(|_| Error::Corrupt("a value that is not UTF-8"))?;
            let at = usize::try_from(finding.turn).map_err(|_| Error::Corrupt("a turn's place"))?;
            let (speaker, text) = self.turn_text(&c.tx, conversation, at, &mut Vec::new())?;
            let label = format!("[{}]", finding.entity);
            // A finding that lies inside another has no label of its own, and the next one is somebody else's.
            if text.matches(&label).count() != finding.alike {
                return Err(Refused::NotRestorable("it is not certain which label stands for them").into());
            }
            let (from, to) = text
                .match_indices(&label)
                .nth(finding.rank)
                .map(|(i, l)| (i, i + l.len()))
                .ok_or(Refused::NotRestorable("its label is no longer in the text"))?;
            let restored = [text.get(..from).unwrap_or(""), words, text.get(to..).unwrap_or("")].concat();
            let chars = |to: usize| text.get(..to).unwrap_or("").chars().count() as u64;
            let (start, long) = (chars(from), words.chars().count() as u64);
            self.set_turn(
                c,
                conversation,
                at,
                speaker,
                &restored,
                Edit::Part { start, end: chars(to), long },
            )?;
            regression::stands(c, id, None, (start, start.saturating_add(long)))?;
            c.tx.execute(
                "DELETE FROM finding WHERE conversation = ?1 AND position = ?2",
                params![conversation.as_bytes(), as_i64(position)],
            )?;
            c.tx.execute("DELETE FROM token WHERE id = ?1", params![token])?;
            let voice: bool = c.tx.query_row(
                "SELECT channel = 'voice' FROM conversation WHERE id = ?1",
                params![conversation.as_bytes()],
                |r| r.get(0),
            )?;
            let audio = if voice { "stays-muted" } else { "none" };
            let facts = [
                ("correction", id.to_string().into()),
                ("accepted", true.into()),
                ("turns", 1u32.into()),
                ("audio", audio.into()),
            ];
            c.log(Kind::CorrectionDecided, Some(conversation), None, &facts);
            Ok(Corrected { turns: 1, audio })
        })
    }

    /// Speaker and masked text of one turn; its sealed form is about to be replaced.
    pub(crate) fn turn_text(
        &self,
        db: &Connection,
        conversation: ConversationId,
        at: usize,
        needles: &mut Vec<Vec<u8>>,
    ) -> Result<(PartyId, String), Error> {
        let row: Option<(Vec<u8>, Vec<u8>)> = db
            .query_row(
                "SELECT party, sealed_text FROM turn WHERE conversation = ?1 AND position = ?2",
                params![conversation.as_bytes(), as_i64(at as u64)],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )
            .optional()?;
        let (party, sealed) = row.ok_or(Refused::Unknown("turn"))?;
        let party = id_of(&party)?;
        let (key, subject) = self.party_key(db, party)?;
        let text =
            open(&key, &self.aad(Some(subject), "turn", &turn_place(conversation, at), "text"), &sealed)?;
        needles.push(needle(sealed));
        let text = String::from_utf8(text.expose().clone())
            .map_err(|_| Error::Corrupt("a turn that is not UTF-8"))?;
        Ok((party, text))
    }

    /// Seals other text for a turn; `edit` says what of it is other, so that corrections keep their places.
    pub(crate) fn set_turn(
        &self,
        c: &mut Command<'_>,
        conversation: ConversationId,
        at: usize,
        party: PartyId,
        text: &str,
        edit: Edit,
    ) -> Result<(), Error> {
        regression::moved(c, conversation, at as u64, edit)?;
        let (key, subject) = self.party_key(&c.tx, party)?;
        let aad_place = turn_place(conversation, at);
        let sealed =
            seal(&key, &self.aad(Some(subject), "turn", &aad_place, "text"), text.as_bytes(), &self.entropy)?;
        c.tx.execute(
            "UPDATE turn SET sealed_text = ?3 WHERE conversation = ?1 AND position = ?2",
            params![conversation.as_bytes(), as_i64(at as u64), sealed],
        )?;
        Ok(())
    }

    fn add_finding(
        &self,
        c: &mut Command<'_>,
        conversation: ConversationId,
        (turn, party): (usize, PartyId),
        entity: EntityType,
        value: Option<&str>,
        span: Option<Interval>,
    ) -> Result<Option<String>, Error> {
        let mut token = None;
        // What may never be kept has no token type.
        if let (Some(value), Ok(kind)) = (value, TokenType::try_from(entity)) {
            let fresh = Token::random(kind, &self.entropy)?.to_string();
            let (key, subject) = self.party_key(&c.tx, party)?;
            let aad = self.aad(Some(subject), "token", fresh.as_bytes(), entity.as_str());
            let sealed = seal(&key, &aad, value.as_bytes(), &self.entropy)?;
            c.tx.execute(
                "INSERT INTO token (id, conversation, party, entity, sealed_value) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![fresh, conversation.as_bytes(), party.as_bytes(), entity.as_str(), sealed],
            )?;
            token = Some(fresh);
        }
        let span = span.unwrap_or(Interval::new(0, 0));
        c.tx.execute(
            "INSERT INTO finding (conversation, position, turn, party, entity, start_ms, end_ms, score, recognizer, token)
             SELECT ?1, COALESCE(MAX(position), -1) + 1, ?2, ?3, ?4, ?5, ?6, 1.0, ?7, ?8 FROM finding WHERE conversation = ?1",
            params![
                conversation.as_bytes(), as_i64(turn as u64), party.as_bytes(), entity.as_str(),
                as_i64(span.start_ms), as_i64(span.end_ms), RECOGNIZER, token
            ],
        )?;
        Ok(token)
    }
}

const ROW: &str =
    "SELECT id, conversation, kind, turn, start_char, end_char, finding, entity, sealed_note, state,
    requested_by, requested_at, decided_by, decided_at, heard_from_ms, heard_to_ms FROM correction";

struct Raw {
    id: Vec<u8>,
    conversation: Vec<u8>,
    kind: String,
    turn: u64,
    start: u64,
    end: u64,
    finding: Option<u64>,
    entity: String,
    sealed: Vec<u8>,
    state: String,
    requested_by: String,
    requested_at: String,
    decided_by: Option<String>,
    decided_at: Option<String>,
    heard: Option<(u64, u64)>,
}

fn raw(r: &crate::db::Row<'_>) -> crate::db::Result<Raw> {
    let number = |i: usize| r.get::<_, i64>(i).map(i64::unsigned_abs);
    let maybe = |i: usize| r.get::<_, Option<i64>>(i).map(|n| n.map(i64::unsigned_abs));
    Ok(Raw {
        id: r.get(0)?,
        conversation: r.get(1)?,
        kind: r.get(2)?,
        turn: number(3)?,
        start: number(4)?,
        end: number(5)?,
        finding: maybe(6)?,
        entity: r.get(7)?,
        sealed: r.get(8)?,
        state: r.get(9)?,
        requested_by: r.get(10)?,
        requested_at: r.get(11)?,
        decided_by: r.get(12)?,
        decided_at: r.get(13)?,
        heard: maybe(14)?.zip(maybe(15)?),
    })
}

/// Closes a request; nobody closes his own.
fn decide(
    c: &mut Command<'_>,
    actor: &Actor,
    id: CorrectionId,
    state: &str,
) -> Result<ConversationId, Error> {
    let row: Option<(Vec<u8>, String, String)> =
        c.tx.query_row(
            "SELECT conversation, requested_by, state FROM correction WHERE id = ?1",
            params![id.as_bytes()],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
        )
        .optional()?;
    let (conversation, asked, now) = row.ok_or(Refused::Unknown("correction"))?;
    if now != "requested" {
        return Err(Refused::Closed("correction").into());
    }
    if asked == actor.to_string() {
        return Err(Refused::OwnRequest.into());
    }
    c.tx.execute(
        "UPDATE correction SET state = ?2, decided_by = ?3, decided_at = ?4 WHERE id = ?1",
        params![id.as_bytes(), state, actor.to_string(), c.now],
    )?;
    id_of(&conversation)
}

struct FoundAt {
    turn: u64,
    entity: EntityType,
    token: Option<String>,
    recognizer: String,
    /// How many findings of its type stand before it in the turn.
    rank: usize,
    /// How many there are.
    alike: usize,
}

fn finding_at(db: &Connection, conversation: ConversationId, position: u64) -> Result<FoundAt, Error> {
    let row: Option<(i64, String, Option<String>, String)> = db
        .query_row(
            "SELECT turn, entity, token, recognizer FROM finding WHERE conversation = ?1 AND position = ?2",
            params![conversation.as_bytes(), as_i64(position)],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
        )
        .optional()?;
    let (turn, entity, token, recognizer) = row.ok_or(Refused::Unknown("finding"))?;
    let count = |sql: &str| -> Result<usize, Error> {
        let n: i64 =
            db.query_row(sql, params![conversation.as_bytes(), turn, entity, as_i64(position)], |r| {
                r.get(0)
            })?;
        Ok(usize::try_from(n).unwrap_or(usize::MAX))
    };
    let of_turn = "SELECT COUNT(*) FROM finding WHERE conversation = ?1 AND turn = ?2 AND entity = ?3";
    Ok(FoundAt {
        turn: turn.unsigned_abs(),
        rank: count(&format!("{of_turn} AND position < ?4"))?,
        alike: count(&format!("{of_turn} AND ?4 >= 0"))?,
        entity: parse_entity(&entity)?,
        token,
        recognizer,
    })
}

/// The token whose words may come back, and only where it is certain which label they stand behind.
fn restorable(db: &Connection, conversation: ConversationId, f: &FoundAt) -> Result<String, Error> {
    if f.entity.is_payment() || f.entity.is_sensitive_authentication_data() {
        return Err(Refused::NotRestorable("payment data is never put back into the text").into());
    }
    let token = f.token.clone().ok_or(Refused::NotRestorable("nothing was kept of them"))?;
    let uses: i64 = db.query_row(
        "SELECT COUNT(*) FROM finding WHERE conversation = ?1 AND token = ?2",
        params![conversation.as_bytes(), token],
        |r| r.get(0),
    )?;
    if uses != 1 {
        return Err(Refused::NotRestorable("the value stands in several pieces").into());
    }
    // Added and repeated findings are not in the order of the text.
    let ordered: bool = db.query_row(
        "SELECT NOT EXISTS (SELECT 1 FROM finding WHERE conversation = ?1 AND turn = ?2 AND entity = ?3
           AND recognizer IN ('repeat', ?4))",
        params![conversation.as_bytes(), as_i64(f.turn), f.entity.as_str(), RECOGNIZER],
        |r| r.get(0),
    )?;
    if f.alike > 1 && !ordered || f.recognizer == "repeat" {
        return Err(Refused::NotRestorable("it is not certain which label stands for them").into());
    }
    Ok(token)
}

pub(crate) fn parse_entity(name: &str) -> Result<EntityType, Error> {
    name.parse().map_err(|_| Error::Corrupt("an unknown type"))
}

/// The words between two characters; refused when they cut through a label or hold nothing.
pub(crate) fn words_at(text: &str, start: u64, end: u64) -> Result<String, Error> {
    let wrong =
        || Refused::invalid("the marked text", "mark at least one letter or digit, and no part of a label");
    let (from, to) = bytes_at(text, start, end).ok_or_else(wrong)?;
    let words = text.get(from..to).unwrap_or("");
    let opens = |s: &str| s.matches('[').count();
    let closes = |s: &str| s.matches(']').count();
    let before = text.get(..from).unwrap_or("");
    let cut = opens(before) > closes(before) || opens(words) != closes(words);
    if cut || !words.chars().any(char::is_alphanumeric) {
        return Err(wrong().into());
    }
    Ok(words.to_owned())
}

/// Bytes of a range of characters; `None` outside the text.
pub(crate) fn bytes_at(text: &str, start: u64, end: u64) -> Option<(usize, usize)> {
    let places = || text.char_indices().map(|(i, _)| i).chain([text.len()]);
    let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
    (start < end).then(|| Some((places().nth(start)?, places().nth(end)?))).flatten()
}

fn splice(text: &str, start: u64, end: u64, label: &str) -> String {
    let (from, to) = bytes_at(text, start, end).unwrap_or((text.len(), text.len()));
    [text.get(..from).unwrap_or(""), label, text.get(to..).unwrap_or("")].concat()
}

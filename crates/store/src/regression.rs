//! Accepted corrections as the site's own regression set. A conversation is put together again as it was said, as far as its
//! sealed rows still say it, and shown to a judge inside this program; what comes back is a verdict for each correction.

mod retell;

use crate::db::{Connection, params};
use crate::{Actor, Command, Error, Vault, conversation::as_i64, keys::id_of, restriction};
use callvault_ledger::Kind;
use callvault_model::{
    EntityType, Role, Turn,
    id::{ConversationId, CorrectionId},
};
use callvault_policy::Purpose;
use retell::Told;
use serde::Serialize;

/// Checking the checks.
const PURPOSE: Purpose = Purpose::Audit;
/// Largest set that is tried; as many corrections as a site makes in years.
const MAX_SET: i64 = 100_000;

/// A conversation as it was said, for the judge alone.
pub struct Retold {
    /// A recording, not a message.
    pub voice: bool,
    /// The part of each party.
    pub roles: Vec<Role>,
    /// In order; where a value could not be put back, its label stands.
    pub turns: Vec<Turn>,
    /// What corrections are about.
    pub places: Vec<Place>,
}

/// A stretch of one turn that a person decided on.
pub struct Place {
    /// What was missed and has to be covered; otherwise what must not be.
    pub missed: bool,
    /// Index of the turn.
    pub turn: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is, or was taken for.
    pub entity: EntityType,
}

/// How a correction fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The detector gets it right by itself.
    Right,
    /// It does not, and never did.
    Wrong,
    /// It did at an earlier run, and does no longer.
    Lost,
    /// The words cannot be put back: never kept, or destroyed since.
    NotKept,
    /// The text at its place was changed since, or it was decided by a version that kept no place.
    Changed,
    /// Use of the conversation is restricted or objected to.
    Restricted,
}

impl Outcome {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Lost => "lost",
            Self::NotKept => "not-kept",
            Self::Changed => "changed",
            Self::Restricted => "restricted",
        }
    }

    /// Whether the detector was tried on it.
    pub fn tried(self) -> bool {
        matches!(self, Self::Right | Self::Wrong | Self::Lost)
    }

    /// What a verdict means after what was found before.
    fn after(before: Option<&str>, right: bool) -> Self {
        match (right, before) {
            (true, _) => Self::Right,
            // Stays until it is right again or somebody settles it: a second run must not hide it.
            (false, Some("right" | "lost")) => Self::Lost,
            (false, _) => Self::Wrong,
        }
    }
}

/// One correction of the set; ids, types and places, never a word.
#[derive(Debug, Clone, Serialize)]
pub struct Tried {
    /// Which.
    pub correction: CorrectionId,
    /// Where it was made.
    pub conversation: ConversationId,
    /// `missed` or `wrong`.
    pub kind: String,
    /// Index of the turn.
    pub turn: u64,
    /// Characters of the masked text as it stands now.
    pub chars: Option<(u64, u64)>,
    /// Type name.
    #[serde(rename = "type")]
    pub entity: String,
    /// How it fared.
    pub outcome: Outcome,
    /// Labels of the conversation that stood in place of words when it was read.
    pub labels_left: u64,
}

/// What of a turn's text became other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Edit {
    /// These characters, which have now another length.
    Part { start: u64, end: u64, long: u64 },
    /// All of it.
    Whole,
}

/// Notes where an accepted correction stands.
pub(crate) fn stands(
    c: &Command<'_>,
    id: CorrectionId,
    token: Option<&str>,
    (start, end): (u64, u64),
) -> Result<(), Error> {
    c.tx.execute(
        "UPDATE correction SET token = ?2, now_start = ?3, now_end = ?4 WHERE id = ?1",
        params![id.as_bytes(), token, as_i64(start), as_i64(end)],
    )?;
    Ok(())
}

/// Keeps the places of a turn's corrections true when its text changes; those inside the change have none any more.
pub(crate) fn moved(
    c: &Command<'_>,
    conversation: ConversationId,
    turn: u64,
    edit: Edit,
) -> Result<(), Error> {
    let (start, end, long) = match edit {
        Edit::Part { start, end, long } => (as_i64(start), as_i64(end), as_i64(long)),
        Edit::Whole => (0, i64::MAX, i64::MAX),
    };
    let of = "conversation = ?1 AND turn = ?2 AND now_start IS NOT NULL";
    c.tx.execute(
        &format!("UPDATE correction SET now_start = NULL, now_end = NULL WHERE {of} AND now_start < ?4 AND now_end > ?3"),
        params![conversation.as_bytes(), as_i64(turn), start, end],
    )?;
    let by = long.saturating_sub(end.saturating_sub(start));
    c.tx.execute(
        &format!("UPDATE correction SET now_start = now_start + ?4, now_end = now_end + ?4 WHERE {of} AND now_start >= ?3"),
        params![conversation.as_bytes(), as_i64(turn), end, by],
    )?;
    Ok(())
}

/// An accepted correction as it rests.
struct Kept {
    id: CorrectionId,
    conversation: ConversationId,
    missed: bool,
    turn: u64,
    entity: EntityType,
    token: Option<String>,
    chars: Option<(u64, u64)>,
    before: Option<String>,
}

impl Kept {
    fn tried(&self, outcome: Outcome, labels_left: u64) -> Tried {
        Tried {
            correction: self.id,
            conversation: self.conversation,
            kind: if self.missed { "missed" } else { "wrong" }.to_owned(),
            turn: self.turn,
            chars: self.chars,
            entity: self.entity.as_str().to_owned(),
            outcome,
            labels_left,
        }
    }
}

/// Judges a conversation: for each of its places, whether the detector does as the person decided.
pub type Judge<'a> = dyn FnMut(&Retold) -> Vec<bool> + 'a;

impl Vault {
    /// Tries every accepted correction of this vault, by conversation. Each reading is in the ledger before the judge sees a
    /// word; the outcomes are kept for the next run. With `settle`, what is lost now is taken as wrong from now on.
    pub fn try_corrections(
        &self,
        actor: &Actor,
        settle: bool,
        judge: &mut Judge<'_>,
    ) -> Result<Vec<Tried>, Error> {
        let set = kept(&self.db())?;
        let mut out = Vec::with_capacity(set.len());
        for of in set.chunk_by(|a, b| a.conversation == b.conversation) {
            out.extend(self.try_conversation(actor, of, judge)?);
        }
        self.command_as(actor, "try corrections", |c| {
            for t in out.iter().filter(|t| t.outcome.tried()) {
                let rests = if settle && t.outcome == Outcome::Lost { Outcome::Wrong } else { t.outcome };
                c.tx.execute(
                    "UPDATE correction SET outcome = ?2, tried_at = ?3 WHERE id = ?1",
                    params![t.correction.as_bytes(), rests.as_str(), c.now],
                )?;
            }
            let of = |outcome| out.iter().filter(|t| t.outcome == outcome).count();
            let facts = [
                ("set", "corrections".into()),
                ("tried", out.iter().filter(|t| t.outcome.tried()).count().into()),
                ("right", of(Outcome::Right).into()),
                ("lost", of(Outcome::Lost).into()),
                ("settled", settle.into()),
            ];
            c.log(Kind::Measured, None, None, &facts);
            Ok(())
        })?;
        Ok(out)
    }

    fn try_conversation(
        &self,
        actor: &Actor,
        of: &[Kept],
        judge: &mut Judge<'_>,
    ) -> Result<Vec<Tried>, Error> {
        let all = |outcome| Ok(of.iter().map(|k| k.tried(outcome, 0)).collect());
        let Some(id) = of.first().map(|k| k.conversation) else { return Ok(Vec::new()) };
        if of.iter().all(|k| k.chars.is_none()) {
            return all(Outcome::Changed);
        }
        let covered = self.covered_types(id)?;
        let may = self.command_as(actor, "read corrections", |c| {
            let standing = restriction::of_conversation(&c.tx, id, Some(PURPOSE))?;
            if standing.restricted || standing.objected {
                return Ok(false);
            }
            let facts = [
                ("rendering", "regression".into()),
                ("purpose", PURPOSE.as_str().into()),
                ("covered", covered.into()),
            ];
            c.log(Kind::AccessPermitted, Some(id), None, &facts);
            Ok(true)
        })?;
        if !may {
            return all(Outcome::Restricted);
        }
        let told = retell::retell(self, &self.db(), id, of)?;
        let Some(Told { told, fates, labels_left }) = told else { return all(Outcome::NotKept) };
        let verdicts = judge(&told);
        if verdicts.len() != told.places.len() {
            return Err(Error::Corrupt("a judgement of corrections"));
        }
        let mut verdicts = verdicts.into_iter();
        Ok(of
            .iter()
            .zip(fates)
            .map(|(k, fate)| {
                let judged = || verdicts.next().map(|right| Outcome::after(k.before.as_deref(), right));
                k.tried(fate.or_else(judged).unwrap_or(Outcome::Changed), labels_left)
            })
            .collect())
    }
}

/// The set, by conversation.
fn kept(db: &Connection) -> Result<Vec<Kept>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT id, conversation, kind, turn, entity, token, now_start, now_end, outcome FROM correction
         WHERE state = 'accepted' ORDER BY conversation, turn, rowid LIMIT ?1",
    )?;
    let rows = statement
        .query_map([MAX_SET], |r| {
            let maybe = |i: usize| r.get::<_, Option<i64>>(i).map(|n| n.map(i64::unsigned_abs));
            let place = maybe(6)?.zip(maybe(7)?);
            let ids: (Vec<u8>, Vec<u8>) = (r.get(0)?, r.get(1)?);
            let (kind, entity): (String, String) = (r.get(2)?, r.get(4)?);
            Ok((ids, kind, r.get::<_, i64>(3)?.unsigned_abs(), entity, r.get(5)?, place, r.get(8)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    rows.into_iter()
        .map(|((id, conversation), kind, turn, entity, token, chars, before)| {
            Ok(Kept {
                id: id_of(&id)?,
                conversation: id_of(&conversation)?,
                missed: kind == "missed",
                turn,
                entity: entity.parse().map_err(|_| Error::Corrupt("an unknown type"))?,
                token,
                chars,
                before,
            })
        })
        .collect()
}

//! Legal holds and the mark *must keep*: what blocks every destruction, whoever asks for it.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Error, Refused, Vault, keys::id_of, restriction::RESTRICTED};
use callvault_ledger::Kind;
use callvault_model::id::{ConversationId, HoldId, SubjectId};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;

/// A matter or reason longer than this is a document, not a reason.
pub(crate) const MAX_REASON: usize = 2_000;
/// A hold that nobody looks at for longer was forgotten.
const MAX_REVIEW: SignedDuration = SignedDuration::from_hours(24 * 366 * 2);

/// Tables of what is held: `held_subject(id)` follows merges, `held(id)` names conversations.
pub(crate) const HELD: &str = "
held_subject(id) AS (
  SELECT target FROM hold WHERE target_kind = 'subject' AND released_at IS NULL
  UNION SELECT l.into_subject FROM subject_link l JOIN held_subject h ON l.from_subject = h.id
        WHERE l.undone_at IS NULL),
held(id) AS (
  SELECT target FROM hold WHERE target_kind = 'conversation' AND released_at IS NULL
  UNION SELECT p.conversation FROM party p JOIN held_subject h ON h.id = p.subject
  UNION SELECT id FROM conversation
        WHERE EXISTS (SELECT 1 FROM hold WHERE target_kind = 'vault' AND released_at IS NULL))";

/// What is held now, for questions about one conversation after the other: as many entries as there are holds, for the
/// conversations of a held person, or of a held vault, are not listed.
pub(crate) struct Held {
    vault: bool,
    conversations: BTreeSet<Vec<u8>>,
    subjects: BTreeSet<Vec<u8>>,
}

impl Held {
    pub(crate) fn read(db: &Connection) -> Result<Self, Error> {
        let vault: bool = db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM hold WHERE target_kind = 'vault' AND released_at IS NULL)",
            )?
            .query_row([], |r| r.get(0))?;
        let conversations = targets(
            db,
            "SELECT target FROM hold WHERE target_kind = 'conversation' AND released_at IS NULL",
        )?;
        let subjects = targets(db, &format!("WITH RECURSIVE {HELD} SELECT id FROM held_subject"))?;
        Ok(Self { vault, conversations, subjects })
    }

    /// Whether a hold covers a conversation with these parties' people.
    pub(crate) fn covers(&self, id: ConversationId, mut people: impl Iterator<Item = SubjectId>) -> bool {
        self.vault
            || self.conversations.contains(id.as_bytes().as_slice())
            || people.any(|s| self.subjects.contains(s.as_bytes().as_slice()))
    }
}

fn targets(db: &Connection, sql: &str) -> Result<BTreeSet<Vec<u8>>, Error> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([], |r| r.get::<_, Vec<u8>>(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What a hold covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum HoldTarget {
    /// One conversation.
    Conversation(ConversationId),
    /// Every conversation a person takes part in, also later ones and under a merged record.
    Subject(SubjectId),
    /// Everything.
    Vault,
}

/// One hold.
#[derive(Debug, Clone, Serialize)]
pub struct HoldRow {
    /// Its id.
    pub id: HoldId,
    /// What it covers.
    pub target: HoldTarget,
    /// Why, masked.
    pub matter: String,
    /// Who placed it: an actor.
    pub owner: String,
    /// RFC 3339.
    pub placed_at: String,
    /// When somebody has to look at it again, RFC 3339.
    pub review_at: String,
    /// That time is over.
    pub overdue: bool,
    /// RFC 3339; absent while it blocks.
    pub released_at: Option<String>,
    /// Who released it.
    pub released_by: Option<String>,
}

/// A conversation that must be kept.
#[derive(Debug, Clone, Serialize)]
pub struct KeptRow {
    /// Which.
    pub conversation: ConversationId,
    /// Why, masked.
    pub reason: String,
    /// RFC 3339.
    pub since: String,
    /// Who marked it.
    pub set_by: String,
}

pub(crate) fn check_reason(text: &str, what: &str) -> Result<(), Refused> {
    let length = text.trim().chars().count();
    if length == 0 || length > MAX_REASON {
        return Err(Refused::invalid(
            format!("{what} has {length} characters"),
            "write between 1 and 2000 characters",
        ));
    }
    Ok(())
}

impl Vault {
    /// Command *place hold*. `matter` has passed the detector.
    pub fn place_hold(
        &self,
        actor: &Actor,
        target: HoldTarget,
        matter: &str,
        review_at: Timestamp,
    ) -> Result<HoldId, Error> {
        check_reason(matter, "the matter")?;
        let now = self.clock.now();
        if review_at <= now || review_at.duration_since(now) > MAX_REVIEW {
            return Err(Refused::invalid("the review date", "choose a day within the next two years").into());
        }
        let id = HoldId::new(self.clock.as_ref(), &self.entropy)?;
        let sealed = self.seal_own("hold", id.as_bytes(), "matter", matter)?;
        let (kind, bytes) = self.target_columns(target);
        self.command_as(actor, "place hold", |c| {
            self.target_exists(&c.tx, target)?;
            c.tx.execute(
                "INSERT INTO hold (id, target_kind, target, sealed_matter, owner, placed_at, review_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![id.as_bytes(), kind, bytes, sealed, actor.to_string(), c.now, review_at.to_string()],
            )?;
            let (conversation, subject) = ids(target);
            c.log(
                Kind::HoldPlaced,
                conversation,
                subject,
                &[("hold", id.to_string().into()), ("target", kind.into())],
            );
            Ok(id)
        })
    }

    /// Command *release hold*.
    pub fn release_hold(&self, actor: &Actor, id: HoldId) -> Result<(), Error> {
        self.command_as(actor, "release hold", |c| {
            let row: Option<(String, Vec<u8>, Option<String>)> =
                c.tx.query_row(
                    "SELECT target_kind, target, released_at FROM hold WHERE id = ?1",
                    params![id.as_bytes()],
                    |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
                )
                .optional()?;
            let (kind, target, released) = row.ok_or(Refused::Unknown("hold"))?;
            if released.is_some() {
                return Err(Refused::Closed("hold").into());
            }
            c.tx.execute(
                "UPDATE hold SET released_at = ?2, released_by = ?3 WHERE id = ?1",
                params![id.as_bytes(), c.now, actor.to_string()],
            )?;
            let (conversation, subject) = ids(target_of(&kind, &target)?);
            let facts = [("hold", id.to_string().into()), ("target", kind.as_str().into())];
            c.log(Kind::HoldReleased, conversation, subject, &facts);
            Ok(())
        })
    }

    /// The holds, newest first; with the released ones if wanted.
    pub fn holds(&self, with_released: bool) -> Result<Vec<HoldRow>, Error> {
        let now = self.clock.now().to_string();
        let rows = {
            let db = self.db();
            let mut statement = db.prepare(
                "SELECT id, target_kind, target, sealed_matter, owner, placed_at, review_at, released_at, released_by
                 FROM hold WHERE ?1 OR released_at IS NULL ORDER BY rowid DESC LIMIT 5000",
            )?;
            let rows = statement.query_map(params![with_released], |r| {
                Ok((
                    (r.get::<_, Vec<u8>>(0)?, r.get::<_, String>(1)?, r.get::<_, Vec<u8>>(2)?),
                    r.get::<_, Vec<u8>>(3)?,
                    (r.get::<_, String>(4)?, r.get::<_, String>(5)?, r.get::<_, String>(6)?),
                    (r.get::<_, Option<String>>(7)?, r.get::<_, Option<String>>(8)?),
                ))
            })?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        rows.into_iter()
            .map(|((id, kind, target), matter, (owner, placed_at, review_at), (released_at, released_by))| {
                Ok(HoldRow {
                    id: id_of(&id)?,
                    target: target_of(&kind, &target)?,
                    matter: self.open_own("hold", &id, "matter", &matter)?,
                    owner,
                    placed_at,
                    overdue: released_at.is_none() && review_at.as_str() < now.as_str(),
                    review_at,
                    released_at,
                    released_by,
                })
            })
            .collect()
    }

    /// Command *mark*: this conversation must be kept. `reason` has passed the detector.
    pub fn mark_must_keep(&self, actor: &Actor, id: ConversationId, reason: &str) -> Result<(), Error> {
        check_reason(reason, "the reason")?;
        let sealed = self.seal_own("must_keep", id.as_bytes(), "reason", reason)?;
        self.command_as(actor, "must keep", |c| {
            self.target_exists(&c.tx, HoldTarget::Conversation(id))?;
            c.tx.execute(
                "INSERT INTO must_keep (conversation, sealed_reason, since, set_by) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (conversation) DO UPDATE SET sealed_reason = excluded.sealed_reason",
                params![id.as_bytes(), sealed, c.now, actor.to_string()],
            )?;
            c.log(Kind::KeepMarked, Some(id), None, &[("must_keep", true.into())]);
            Ok(())
        })
    }

    /// Command *unmark*: ordinary retention again.
    pub fn unmark_must_keep(&self, actor: &Actor, id: ConversationId) -> Result<(), Error> {
        self.command_as(actor, "may go", |c| {
            let n = c.tx.execute("DELETE FROM must_keep WHERE conversation = ?1", params![id.as_bytes()])?;
            if n == 0 {
                return Err(Refused::Unknown("marked conversation").into());
            }
            c.log(Kind::KeepMarked, Some(id), None, &[("must_keep", false.into())]);
            Ok(())
        })
    }

    /// Whether a conversation is marked.
    pub fn is_marked(&self, id: ConversationId) -> Result<bool, Error> {
        let sql = "SELECT EXISTS (SELECT 1 FROM must_keep WHERE conversation = ?1)";
        Ok(self.db().query_row(sql, params![id.as_bytes()], |r| r.get(0))?)
    }

    /// The conversations that must be kept.
    pub fn must_keep(&self) -> Result<Vec<KeptRow>, Error> {
        let rows = {
            let db = self.db();
            let mut statement = db.prepare(
                "SELECT conversation, sealed_reason, since, set_by FROM must_keep ORDER BY since DESC LIMIT 5000",
            )?;
            let rows = statement.query_map([], |r| {
                Ok((
                    r.get::<_, Vec<u8>>(0)?,
                    r.get::<_, Vec<u8>>(1)?,
                    r.get::<_, String>(2)?,
                    r.get::<_, String>(3)?,
                ))
            })?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        rows.into_iter()
            .map(|(id, reason, since, set_by)| {
                let reason = self.open_own("must_keep", &id, "reason", &reason)?;
                Ok(KeptRow { conversation: id_of(&id)?, reason, since, set_by })
            })
            .collect()
    }

    /// What forbids to destroy anything of a conversation now.
    pub fn kept_back(&self, id: ConversationId) -> Result<Option<Refused>, Error> {
        kept_back(&self.db(), id)
    }

    fn target_columns(&self, target: HoldTarget) -> (&'static str, [u8; 16]) {
        match target {
            HoldTarget::Conversation(id) => ("conversation", *id.as_bytes()),
            HoldTarget::Subject(id) => ("subject", *id.as_bytes()),
            HoldTarget::Vault => ("vault", *self.id.as_bytes()),
        }
    }

    fn target_exists(&self, db: &Connection, target: HoldTarget) -> Result<(), Error> {
        let (table, noun) = match target {
            HoldTarget::Conversation(_) => ("conversation", "conversation"),
            HoldTarget::Subject(_) => ("subject", "subject"),
            HoldTarget::Vault => return Ok(()),
        };
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE id = ?1)");
        let there: bool = db.query_row(&sql, params![self.target_columns(target).1], |r| r.get(0))?;
        if there { Ok(()) } else { Err(Refused::Unknown(noun).into()) }
    }
}

/// The same inside a command, so that no hold can be placed between question and act.
pub(crate) fn kept_back(db: &Connection, id: ConversationId) -> Result<Option<Refused>, Error> {
    let sql = format!(
        "WITH RECURSIVE {HELD} SELECT EXISTS (SELECT 1 FROM held WHERE id = ?1),
                EXISTS (SELECT 1 FROM must_keep WHERE conversation = ?1),
                EXISTS (SELECT 1 FROM party WHERE conversation = ?1 AND conversation IN ({RESTRICTED}))"
    );
    let (held, kept, restricted): (bool, bool, bool) =
        db.query_row(&sql, params![id.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    Ok(match (held, kept, restricted) {
        (true, ..) => Some(Refused::Held(id.to_string())),
        (false, true, _) => Some(Refused::MustKeep(id.to_string())),
        (false, false, true) => Some(Refused::Restricted(id.to_string())),
        (false, false, false) => None,
    })
}

fn target_of(kind: &str, target: &[u8]) -> Result<HoldTarget, Error> {
    Ok(match kind {
        "conversation" => HoldTarget::Conversation(id_of(target)?),
        "subject" => HoldTarget::Subject(id_of(target)?),
        "vault" => HoldTarget::Vault,
        _ => return Err(Error::Corrupt("an unknown kind of hold")),
    })
}

fn ids(target: HoldTarget) -> (Option<ConversationId>, Option<SubjectId>) {
    match target {
        HoldTarget::Conversation(id) => (Some(id), None),
        HoldTarget::Subject(id) => (None, Some(id)),
        HoldTarget::Vault => (None, None),
    }
}

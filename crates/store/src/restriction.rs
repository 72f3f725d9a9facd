//! Whose data are kept and not used (GDPR Art. 18), and which purposes a person objected to (Art. 21). The gate loads
//! both as facts; policy refuses.

use crate::db::{Connection, params};
use crate::{Actor, Command, Denied, Error, Refused, Vault};
use callvault_ledger::Kind;
use callvault_model::id::{ConversationId, SubjectId, SubjectRequestId};
use callvault_policy::{Purpose, Reason};
use serde::Serialize;

/// What stands, also for records into which a person was merged; the empty purpose is every purpose.
const STANDS: &str = "WITH RECURSIVE stands(id, purpose) AS (
  SELECT subject, purpose FROM restriction WHERE lifted_at IS NULL
  UNION SELECT l.into_subject, s.purpose FROM subject_link l JOIN stands s ON l.from_subject = s.id
        WHERE l.undone_at IS NULL)";

/// Conversations with a restricted person in them.
pub(crate) const RESTRICTED: &str =
    "SELECT p.conversation FROM party p JOIN restriction r ON r.subject = p.subject
  WHERE r.lifted_at IS NULL AND r.purpose = ''";

/// One restriction or objection.
#[derive(Debug, Clone, Serialize)]
pub struct RestrictionRow {
    /// The purpose that stopped; absent: every use but storage is restricted.
    pub purpose: Option<String>,
    /// RFC 3339.
    pub since: String,
    /// RFC 3339, when it ended.
    pub lifted_at: Option<String>,
}

/// What the gate has to know of a conversation or person.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Standing {
    pub restricted: bool,
    pub objected: bool,
}

pub(crate) fn of_conversation(
    db: &Connection,
    id: ConversationId,
    purpose: Option<Purpose>,
) -> Result<Standing, Error> {
    let sql = format!(
        "{STANDS} SELECT COALESCE(MAX(CASE WHEN s.purpose = '' THEN 1 ELSE 0 END), 0),
           COALESCE(MAX(CASE WHEN s.purpose = ?2 THEN 1 ELSE 0 END), 0)
         FROM stands s JOIN party p ON p.subject = s.id WHERE p.conversation = ?1"
    );
    standing(db, &sql, id.as_bytes(), purpose)
}

pub(crate) fn of_subject(
    db: &Connection,
    id: SubjectId,
    purpose: Option<Purpose>,
) -> Result<Standing, Error> {
    let sql = format!(
        "{STANDS} SELECT COALESCE(MAX(CASE WHEN s.purpose = '' THEN 1 ELSE 0 END), 0),
           COALESCE(MAX(CASE WHEN s.purpose = ?2 THEN 1 ELSE 0 END), 0)
         FROM stands s WHERE s.id = ?1"
    );
    standing(db, &sql, id.as_bytes(), purpose)
}

fn standing(db: &Connection, sql: &str, id: &[u8; 16], purpose: Option<Purpose>) -> Result<Standing, Error> {
    // No code of a purpose is a dash.
    let purpose = purpose.map_or("-", Purpose::as_str);
    let mut statement = db.prepare_cached(sql)?;
    Ok(statement
        .query_row(params![id, purpose], |r| Ok(Standing { restricted: r.get(0)?, objected: r.get(1)? }))?)
}

/// The machine's own operator states no purpose and reads nothing that is restricted.
pub(crate) fn refuse_restricted(db: &Connection, id: ConversationId) -> Result<(), Error> {
    if of_conversation(db, id, None)?.restricted {
        return Err(Denied::of_reason(Reason::Restricted).into());
    }
    Ok(())
}

impl Vault {
    /// Command *restrict*: from now on a person's data are kept and not used; with a purpose, not for that one.
    pub fn restrict(
        &self,
        actor: &Actor,
        subject: SubjectId,
        purpose: Option<Purpose>,
        request: Option<SubjectRequestId>,
    ) -> Result<(), Error> {
        self.command_as(actor, "restrict", |c| restrict_in(c, subject, purpose, request))?;
        // Open audio of this person asks again.
        self.live.bump();
        Ok(())
    }

    /// Command *free*: the restriction or objection is over.
    pub fn unrestrict(
        &self,
        actor: &Actor,
        subject: SubjectId,
        purpose: Option<Purpose>,
    ) -> Result<(), Error> {
        self.command_as(actor, "free", |c| {
            let code = purpose.map_or("", Purpose::as_str);
            let n = c.tx.execute(
                "UPDATE restriction SET lifted_at = ?3, lifted_by = ?4
                 WHERE subject = ?1 AND purpose = ?2 AND lifted_at IS NULL",
                params![subject.as_bytes(), code, c.now, c.actor()],
            )?;
            if n == 0 {
                return Err(Refused::Unknown("restriction that stands").into());
            }
            log(c, subject, purpose, false);
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// What stands or stood for a person.
    pub fn restrictions(&self, subject: SubjectId) -> Result<Vec<RestrictionRow>, Error> {
        let db = self.reads();
        let mut statement = db.prepare_cached(
            "SELECT purpose, since, lifted_at FROM restriction WHERE subject = ?1 ORDER BY since, purpose",
        )?;
        let rows = statement.query_map(params![subject.as_bytes()], |r| {
            let purpose: String = r.get(0)?;
            Ok(RestrictionRow {
                purpose: Some(purpose).filter(|p| !p.is_empty()),
                since: r.get(1)?,
                lifted_at: r.get(2)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Inside the command of a request.
pub(crate) fn restrict_in(
    c: &mut Command<'_>,
    subject: SubjectId,
    purpose: Option<Purpose>,
    request: Option<SubjectRequestId>,
) -> Result<(), Error> {
    let known: bool = c.tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM subject WHERE id = ?1 AND wrapped_key IS NOT NULL)",
        params![subject.as_bytes()],
        |r| r.get(0),
    )?;
    if !known {
        return Err(Refused::Unknown("subject").into());
    }
    let code = purpose.map_or("", Purpose::as_str);
    c.tx.execute(
        "INSERT INTO restriction (subject, purpose, since, set_by, request) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (subject, purpose) DO UPDATE SET since = excluded.since, set_by = excluded.set_by,
         request = excluded.request, lifted_at = NULL, lifted_by = NULL WHERE restriction.lifted_at IS NOT NULL",
        params![subject.as_bytes(), code, c.now, c.actor(), request.map(|r| *r.as_bytes())],
    )?;
    log(c, subject, purpose, true);
    Ok(())
}

fn log(c: &mut Command<'_>, subject: SubjectId, purpose: Option<Purpose>, stands: bool) {
    let facts = [("purpose", purpose.map_or("every", Purpose::as_str).into()), ("restricted", stands.into())];
    c.log(Kind::SubjectRestricted, None, Some(subject), &facts);
}

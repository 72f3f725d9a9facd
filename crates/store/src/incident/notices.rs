//! Notices: drafted from the scope, corrected by a person, marked as sent. One for each clock and recipient.

use super::cases::{living, log};
use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Error, Refused, Vault, keys::id_of};
use callvault_ledger::{Kind, Value};
use callvault_model::{
    Entropy,
    id::{IncidentId, NoticeId},
};
use callvault_seal::sha256;
use serde::Serialize;

/// A letter longer than this is a book.
const MAX_BODY: usize = 40_000;

/// One notice.
#[derive(Debug, Clone, Serialize)]
pub struct NoticeRow {
    /// Its id.
    pub id: NoticeId,
    /// Of which incident.
    pub incident: IncidentId,
    /// Which clock it answers.
    pub clock: String,
    /// To whom.
    pub recipient: String,
    /// The text.
    pub body: String,
    /// RFC 3339.
    pub drafted_at: String,
    /// Who.
    pub drafted_by: String,
    /// RFC 3339; absent while it is a draft.
    pub sent_at: Option<String>,
    /// Who said so.
    pub sent_by: Option<String>,
}

impl Vault {
    /// Command *draft notice*: writes a draft, or another text of it. A notice that was sent is never changed.
    pub fn draft_notice(
        &self,
        by: &Actor,
        incident: IncidentId,
        clock: &str,
        recipient: &str,
        body: &str,
    ) -> Result<NoticeId, Error> {
        if body.trim().is_empty() || body.len() > MAX_BODY {
            return Err(Refused::invalid("a notice of this length", "write at most 40,000 bytes").into());
        }
        if clock.len() > 80 || recipient.len() > 80 {
            return Err(
                Refused::invalid("the clock of the notice", "choose one of the incident's clocks").into()
            );
        }
        let fresh = NoticeId::new(self.clock.as_ref(), &self.entropy)?;
        self.command_as(by, "draft notice", |c| {
            living(&c.tx, incident)?;
            let there: Option<(Vec<u8>, String)> = c
                .tx
                .query_row(
                    "SELECT id, state FROM incident_notice WHERE incident = ?1 AND clock = ?2 AND recipient = ?3",
                    params![incident.as_bytes(), clock, recipient],
                    |r| Ok((r.get(0)?, r.get(1)?)),
                )
                .optional()?;
            let id = match there {
                Some((_, state)) if state == "sent" => return Err(Refused::Closed("notice").into()),
                Some((id, _)) => id_of(&id)?,
                None => fresh,
            };
            let sealed = self.seal_own("incident_notice", id.as_bytes(), "body", body)?;
            c.tx.execute(
                "INSERT INTO incident_notice (id, incident, clock, recipient, sealed_body, state, drafted_at, drafted_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'draft', ?6, ?7)
                 ON CONFLICT (incident, clock, recipient) DO UPDATE SET sealed_body = excluded.sealed_body,
                   drafted_at = excluded.drafted_at, drafted_by = excluded.drafted_by",
                params![id.as_bytes(), incident.as_bytes(), clock, recipient, sealed, c.now, by.to_string()],
            )?;
            let facts: [(&str, Value); 3] =
                [("notice", id.to_string().into()), ("clock", clock.into()), ("recipient", recipient.into())];
            log(c, Kind::NoticeDrafted, incident, &facts);
            Ok(id)
        })
    }

    /// Command *notice sent*: it left the house as it stands; the ledger keeps a salted commitment to its text. Telling
    /// individuals is itself an event from which other clocks run.
    pub fn notice_sent(&self, by: &Actor, id: NoticeId, to_individuals: bool) -> Result<(), Error> {
        let notice = self.notice(id)?;
        let mut salt = [0u8; 32];
        self.entropy.fill(&mut salt)?;
        let mut salted = salt.to_vec();
        salted.extend_from_slice(notice.body.as_bytes());
        let commitment = crate::hex(&sha256(&salted));
        self.command_as(by, "notice sent", |c| {
            living(&c.tx, notice.incident)?;
            let n = c.tx.execute(
                "UPDATE incident_notice SET state = 'sent', sent_at = ?2, sent_by = ?3, salt = ?4 WHERE id = ?1 AND state = 'draft'",
                params![id.as_bytes(), c.now, by.to_string(), salt],
            )?;
            if n == 0 {
                return Err(Refused::Closed("notice").into());
            }
            let facts: [(&str, Value); 4] = [
                ("notice", id.to_string().into()),
                ("clock", notice.clock.as_str().into()),
                ("recipient", notice.recipient.as_str().into()),
                ("commitment", commitment.into()),
            ];
            log(c, Kind::NoticeSent, notice.incident, &facts);
            if to_individuals {
                super::cases::first_told(c, notice.incident, self.clock.now())?;
            }
            Ok(())
        })
    }

    /// One notice.
    pub fn notice(&self, id: NoticeId) -> Result<NoticeRow, Error> {
        let rows = self.notice_rows("WHERE id = ?1", params![id.as_bytes()])?;
        rows.into_iter().next().ok_or_else(|| Refused::Unknown("notice").into())
    }

    /// The notices of an incident, oldest first.
    pub fn notices(&self, incident: IncidentId) -> Result<Vec<NoticeRow>, Error> {
        self.notice_rows("WHERE incident = ?1 ORDER BY id", params![incident.as_bytes()])
    }

    fn notice_rows(&self, tail: &str, with: impl crate::db::Params) -> Result<Vec<NoticeRow>, Error> {
        let rows = raw_rows(&self.db(), tail, with)?;
        rows.into_iter()
            .map(|raw| notice_of(raw, |id, sealed| self.open_own("incident_notice", id, "body", sealed)))
            .collect()
    }
}

type Raw = ((Vec<u8>, Vec<u8>, String, String, Vec<u8>), (String, String, Option<String>, Option<String>));

fn raw_rows(db: &Connection, tail: &str, with: impl crate::db::Params) -> Result<Vec<Raw>, Error> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT id, incident, clock, recipient, sealed_body, drafted_at, drafted_by, sent_at, sent_by
         FROM incident_notice {tail}"
    ))?;
    let rows = statement.query_map(with, |r| {
        Ok((
            (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?),
            (r.get(5)?, r.get(6)?, r.get(7)?, r.get(8)?),
        ))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn notice_of(raw: Raw, body: impl FnOnce(&[u8], &[u8]) -> Result<String, Error>) -> Result<NoticeRow, Error> {
    let ((id, incident, clock, recipient, sealed), (drafted_at, drafted_by, sent_at, sent_by)) = raw;
    Ok(NoticeRow {
        body: body(&id, &sealed)?,
        id: id_of(&id)?,
        incident: id_of(&incident)?,
        clock,
        recipient,
        drafted_at,
        drafted_by,
        sent_at,
        sent_by,
    })
}

/// The notices of an incident without their text: for whoever has no key.
pub(crate) fn without_words(db: &Connection, incident: IncidentId) -> Result<Vec<NoticeRow>, Error> {
    let rows = raw_rows(db, "WHERE incident = ?1 ORDER BY id", params![incident.as_bytes()])?;
    rows.into_iter().map(|raw| notice_of(raw, |_, _| Ok(String::new()))).collect()
}

//! What hangs on an incident: tasks, people, notes, evidence.

use super::cases::{living, log};
use crate::db::params;
use crate::{Actor, Error, Refused, Vault, conversation::as_i64, holds::check_reason, keys::id_of};
use callvault_ledger::Kind;
use callvault_model::id::{AccountId, IncidentId, NoticeId};
use serde::Serialize;

/// Notes and pieces of evidence one incident holds.
const MAX_PARTS: i64 = 1_000;

/// One task.
#[derive(Debug, Clone, Serialize)]
pub struct TaskRow {
    /// Its place.
    pub position: u64,
    /// Stable id in its playbook.
    pub code: String,
    /// In which phase.
    pub phase: String,
    /// Whose it is.
    pub role: String,
    /// What to do.
    pub title: String,
    /// RFC 3339; absent while it is open.
    pub done_at: Option<String>,
    /// Who did it.
    pub done_by: Option<String>,
}

/// One note.
#[derive(Debug, Clone, Serialize)]
pub struct NoteRow {
    /// RFC 3339.
    pub at: String,
    /// Who.
    pub by: String,
    /// What, masked.
    pub text: String,
}

/// A piece of evidence, known by its hash; the file itself stays where it is.
#[derive(Debug, Clone, Serialize)]
pub struct EvidenceRow {
    /// RFC 3339.
    pub at: String,
    /// Who.
    pub by: String,
    /// What it is, masked.
    pub name: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

impl Vault {
    /// The tasks of an incident.
    pub fn incident_tasks(&self, id: IncidentId) -> Result<Vec<TaskRow>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT position, code, phase, role, title, done_at, done_by FROM incident_task WHERE incident = ?1
             ORDER BY position",
        )?;
        let rows = statement.query_map(params![id.as_bytes()], |r| {
            Ok(TaskRow {
                position: r.get::<_, i64>(0)?.unsigned_abs(),
                code: r.get(1)?,
                phase: r.get(2)?,
                role: r.get(3)?,
                title: r.get(4)?,
                done_at: r.get(5)?,
                done_by: r.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Who has which part in an incident.
    pub fn incident_roles(&self, id: IncidentId) -> Result<Vec<(String, AccountId)>, Error> {
        let db = self.db();
        let mut statement =
            db.prepare_cached("SELECT role, account FROM incident_role WHERE incident = ?1 ORDER BY role")?;
        let rows = statement
            .query_map(params![id.as_bytes()], |r| Ok((r.get(0)?, r.get::<_, Vec<u8>>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(|(role, account)| Ok((role, id_of(&account)?))).collect()
    }

    /// Command *note*. `text` has passed the detector.
    pub fn note_incident(&self, by: &Actor, id: IncidentId, text: &str) -> Result<(), Error> {
        check_reason(text, "the note")?;
        let note = NoticeId::new(self.clock.as_ref(), &self.entropy)?;
        let sealed = self.seal_own("incident_note", note.as_bytes(), "text", text)?;
        self.command_as(by, "note incident", |c| {
            living(&c.tx, id)?;
            few(c, "incident_note", id)?;
            c.tx.execute(
                "INSERT INTO incident_note (id, incident, at, by, sealed_text) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![note.as_bytes(), id.as_bytes(), c.now, by.to_string(), sealed],
            )?;
            log(c, Kind::IncidentNoted, id, &[("note", note.to_string().into())]);
            Ok(())
        })
    }

    /// The notes of an incident, oldest first.
    pub fn incident_notes(&self, id: IncidentId) -> Result<Vec<NoteRow>, Error> {
        let rows: Vec<(Vec<u8>, String, String, Vec<u8>)> = {
            let db = self.db();
            let mut statement = db.prepare_cached(
                "SELECT id, at, by, sealed_text FROM incident_note WHERE incident = ?1 ORDER BY id",
            )?;
            let rows = statement
                .query_map(params![id.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        rows.into_iter()
            .map(|(note, at, by, sealed)| {
                Ok(NoteRow { at, by, text: self.open_own("incident_note", &note, "text", &sealed)? })
            })
            .collect()
    }

    /// Command *keep evidence*: a file is committed to by its hash. `name` has passed the detector.
    pub fn keep_evidence(
        &self,
        by: &Actor,
        id: IncidentId,
        name: &str,
        sha256: [u8; 32],
        bytes: u64,
    ) -> Result<(), Error> {
        check_reason(name, "the description")?;
        let piece = NoticeId::new(self.clock.as_ref(), &self.entropy)?;
        let sealed = self.seal_own("incident_evidence", piece.as_bytes(), "name", name)?;
        let hash = crate::hex(&sha256);
        self.command_as(by, "keep evidence", |c| {
            living(&c.tx, id)?;
            few(c, "incident_evidence", id)?;
            c.tx.execute(
                "INSERT INTO incident_evidence (id, incident, at, by, sealed_name, sha256, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![piece.as_bytes(), id.as_bytes(), c.now, by.to_string(), sealed, hash, as_i64(bytes)],
            )?;
            log(c, Kind::EvidenceKept, id, &[("sha256", hash.as_str().into()), ("bytes", bytes.into())]);
            Ok(())
        })
    }

    /// The evidence of an incident, oldest first.
    pub fn incident_evidence(&self, id: IncidentId) -> Result<Vec<EvidenceRow>, Error> {
        type Raw = (Vec<u8>, String, String, Vec<u8>, String, i64);
        let rows: Vec<Raw> = {
            let db = self.db();
            let mut statement = db.prepare_cached(
                "SELECT id, at, by, sealed_name, sha256, bytes FROM incident_evidence WHERE incident = ?1 ORDER BY id",
            )?;
            let rows = statement.query_map(params![id.as_bytes()], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?))
            })?;
            rows.collect::<Result<_, _>>()?
        };
        rows.into_iter()
            .map(|(piece, at, by, sealed, sha256, bytes)| {
                let name = self.open_own("incident_evidence", &piece, "name", &sealed)?;
                Ok(EvidenceRow { at, by, name, sha256, bytes: bytes.unsigned_abs() })
            })
            .collect()
    }
}

fn few(c: &crate::Command<'_>, table: &str, id: IncidentId) -> Result<(), Error> {
    let sql = format!("SELECT COUNT(*) FROM {table} WHERE incident = ?1");
    let many: i64 = c.tx.query_row(&sql, params![id.as_bytes()], |r| r.get(0))?;
    if many < MAX_PARTS {
        return Ok(());
    }
    Err(Refused::invalid("more than 1,000 notes or pieces of evidence", "open a second incident").into())
}

//! The register of drives and paper: entered, handed on, planned, destroyed, witnessed by another person. Every step is a
//! row that is never changed and an entry in the ledger; labels, places and notes are sealed.

pub mod method;

pub use method::{Code, Encrypted, Holds, Level, MediumKind, MediumState, Technique, Verification};

use crate::db::{OptionalExtension, params};
use crate::{Actor, Command, Error, Refused, Vault, keys::id_of};
use callvault_ledger::{Kind, Value};
use callvault_model::id::{CertificateId, MediumId};
use jiff::civil::Date;
use serde::Serialize;

const MAX_MEDIA: i64 = 100_000;
const MAX_STEPS: i64 = 1_000;
const MAX_TEXT: usize = 500;

/// A medium as it is entered.
#[derive(Debug, Clone)]
pub struct NewMedium {
    /// What it is.
    pub kind: MediumKind,
    /// Serial number or label.
    pub label: String,
    /// What it may hold.
    pub holds: Holds,
    /// Whether it was encrypted from the start.
    pub encrypted: Encrypted,
    /// Where it is and who has it.
    pub place: String,
}

/// How it ended, as recorded.
#[derive(Debug, Clone)]
pub struct NewEnd {
    /// On which day.
    pub done_on: Date,
    /// How far.
    pub level: Level,
    /// By which means.
    pub technique: Technique,
    /// How verified.
    pub verification: Verification,
    /// Tool and version, or the firm.
    pub tool: String,
}

/// A medium in the register.
#[derive(Debug, Clone, Serialize)]
pub struct MediumRow {
    /// Its id.
    pub id: MediumId,
    /// What it is.
    pub kind: MediumKind,
    /// Serial number or label.
    pub label: String,
    /// What it may hold.
    pub holds: Holds,
    /// Whether it was encrypted from the start.
    pub encrypted: Encrypted,
    /// Where it stands.
    pub state: MediumState,
    /// When it is to be destroyed.
    pub planned_on: Option<String>,
    /// How far.
    pub planned_level: Option<Level>,
    /// By which means.
    pub planned_technique: Option<Technique>,
    /// RFC 3339.
    pub entered_at: String,
    /// Who, as the ledger names them.
    pub entered_by: String,
    /// Has a certificate.
    pub certified: bool,
}

/// One link of the chain of custody.
#[derive(Debug, Clone, Serialize)]
pub struct StepRow {
    /// Its place in the chain.
    pub n: u32,
    /// RFC 3339.
    pub at: String,
    /// Who, as the ledger names them.
    pub by: String,
    /// `entered`, `moved`, `planned`, `lost`, `found`, `destroyed`, `witnessed`, `denied`.
    pub what: String,
    /// Place, holder or note.
    pub text: String,
}

/// How it ended.
#[derive(Debug, Clone, Serialize)]
pub struct EndRow {
    /// On which day.
    pub done_on: String,
    /// How far.
    pub level: Level,
    /// By which means.
    pub technique: Technique,
    /// How verified.
    pub verification: Verification,
    /// Tool and version, or the firm.
    pub tool: String,
    /// RFC 3339.
    pub recorded_at: String,
    /// Who, as the ledger names them.
    pub recorded_by: String,
    /// RFC 3339.
    pub witnessed_at: Option<String>,
    /// Who, as the ledger names them.
    pub witnessed_by: Option<String>,
}

fn text(what: &str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    let sound = (2..=MAX_TEXT).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if sound {
        return Ok(text.to_owned());
    }
    Err(Refused::invalid(format!("{what} of no or too many characters"), "give 2 to 500 on one line").into())
}

fn corrupt() -> Error {
    Error::Corrupt("an unknown code of a medium")
}

impl Vault {
    /// Enters a drive or a stack of paper.
    pub fn enter_medium(&self, by: &Actor, new: &NewMedium) -> Result<MediumId, Error> {
        let (label, place) = (text("a label", &new.label)?, text("a place", &new.place)?);
        let id = MediumId::new(self.clock.as_ref(), &self.entropy)?;
        self.command_as(by, "enter medium", |c| {
            let many: i64 = c.tx.query_row("SELECT COUNT(*) FROM medium", [], |r| r.get(0))?;
            if many >= MAX_MEDIA {
                return Err(Refused::invalid("a full register", "talk to whoever runs the program").into());
            }
            c.tx.execute(
                "INSERT INTO medium (id, kind, sealed_label, holds, encrypted, state, entered_at, entered_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    id.as_bytes(),
                    new.kind.as_str(),
                    self.seal_own("medium", id.as_bytes(), "label", &label)?,
                    new.holds.as_str(),
                    new.encrypted.as_str(),
                    MediumState::InUse.as_str(),
                    c.now,
                    by.to_string()
                ],
            )?;
            let facts = [("kind", new.kind.as_str().into()), ("holds", new.holds.as_str().into())];
            self.step(c, id, "entered", &place, Kind::MediumEntered, &facts)
        })?;
        Ok(id)
    }

    /// Hands a medium on: another place, another holder, another state.
    pub fn move_medium(&self, by: &Actor, id: MediumId, to: MediumState, place: &str) -> Result<(), Error> {
        let place = text("a place", place)?;
        if matches!(to, MediumState::Unwitnessed | MediumState::Ended) {
            return Err(Refused::invalid("an end without a record", "record how it was destroyed").into());
        }
        self.command_as(by, "move medium", |c| {
            alive(c, id)?;
            set_state(c, id, to)?;
            let what = if to == MediumState::Lost { "lost" } else { "moved" };
            self.step(c, id, what, &place, Kind::MediumMoved, &[("state", to.as_str().into())])
        })
    }

    /// Plans its end.
    pub fn plan_medium(
        &self,
        by: &Actor,
        id: MediumId,
        on: Date,
        level: Level,
        technique: Technique,
    ) -> Result<(), Error> {
        self.command_as(by, "plan medium", |c| {
            alive(c, id)?;
            c.tx.execute(
                "UPDATE medium SET planned_on = ?2, planned_level = ?3, planned_technique = ?4 WHERE id = ?1",
                params![id.as_bytes(), on.to_string(), level.as_str(), technique.as_str()],
            )?;
            let words = format!("{on}: {}", technique.words());
            let facts = [("planned_on", on.to_string().into()), ("level", level.as_str().into())];
            self.step(c, id, "planned", &words, Kind::MediumMoved, &facts)
        })
    }

    /// Records how it ended. It counts, and is certified, only when another person has witnessed it.
    pub fn end_medium(&self, by: &Actor, id: MediumId, end: &NewEnd) -> Result<(), Error> {
        let tool = text("a tool or firm", &end.tool)?;
        let today = jiff::tz::TimeZone::UTC.to_datetime(self.clock.now()).date();
        if end.done_on > today {
            return Err(Refused::invalid("a day in the future", "record what has been done").into());
        }
        self.command_as(by, "end medium", |c| {
            let (kind, encrypted) = alive(c, id)?;
            method::check(kind, encrypted, end.level, end.technique, end.verification)
                .map_err(|why| Refused::invalid("this is not recorded", why))?;
            c.tx.execute(
                "INSERT INTO medium_end (medium, done_on, level, technique, verification, sealed_tool, recorded_at, recorded_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    id.as_bytes(), end.done_on.to_string(), end.level.as_str(), end.technique.as_str(),
                    end.verification.as_str(), self.seal_own("medium", id.as_bytes(), "tool", &tool)?, c.now,
                    by.to_string()
                ],
            )?;
            set_state(c, id, MediumState::Unwitnessed)?;
            let facts = [
                ("level", end.level.as_str().into()),
                ("technique", end.technique.as_str().into()),
                ("verification", end.verification.as_str().into()),
            ];
            self.step(c, id, "destroyed", &tool, Kind::MediumDestroyed, &facts)
        })
    }

    /// Another person saw it, or did not: then the record falls and the medium is where it was.
    pub fn witness_medium(&self, by: &Actor, id: MediumId, saw: bool, note: &str) -> Result<(), Error> {
        let note = text("a note", note)?;
        self.command_as(by, "witness medium", |c| {
            let recorder: Option<String> =
                c.tx.query_row(
                    "SELECT e.recorded_by FROM medium_end e JOIN medium m ON m.id = e.medium
                     WHERE e.medium = ?1 AND m.state = 'unwitnessed'",
                    params![id.as_bytes()],
                    |r| r.get(0),
                )
                .optional()?;
            let recorder = recorder.ok_or(Refused::Closed("record"))?;
            if by.account().is_none() {
                return Err(Refused::SecondPerson("a witness is a person who signed in").into());
            }
            if recorder == by.to_string() {
                return Err(Refused::OwnRequest.into());
            }
            if saw {
                c.tx.execute(
                    "UPDATE medium_end SET witnessed_at = ?2, witnessed_by = ?3 WHERE medium = ?1",
                    params![id.as_bytes(), c.now, by.to_string()],
                )?;
                set_state(c, id, MediumState::Ended)?;
            } else {
                c.tx.execute("DELETE FROM medium_end WHERE medium = ?1", params![id.as_bytes()])?;
                set_state(c, id, MediumState::Stored)?;
            }
            let what = if saw { "witnessed" } else { "denied" };
            self.step(c, id, what, &note, Kind::MediumWitnessed, &[("saw", saw.into())])
        })
    }

    fn step(
        &self,
        c: &mut Command<'_>,
        id: MediumId,
        what: &str,
        text: &str,
        kind: Kind,
        facts: &[(&'static str, Value)],
    ) -> Result<(), Error> {
        let n: i64 = c.tx.query_row(
            "SELECT COUNT(*) FROM medium_step WHERE medium = ?1",
            params![id.as_bytes()],
            |r| r.get(0),
        )?;
        if n >= MAX_STEPS {
            return Err(Refused::invalid("a chain of a thousand steps", "enter the medium anew").into());
        }
        let field = format!("step {n}");
        c.tx.execute(
            "INSERT INTO medium_step (medium, n, at, by, what, sealed_text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                id.as_bytes(),
                n,
                c.now,
                c.actor(),
                what,
                self.seal_own("medium", id.as_bytes(), &field, text)?
            ],
        )?;
        let mut all = vec![("medium", Value::from(id.to_string())), ("step", what.into())];
        all.extend(facts.iter().map(|(name, value)| (*name, value.clone())));
        c.log(kind, None, None, &all);
        Ok(())
    }

    /// The whole register, newest first.
    pub fn media(&self) -> Result<Vec<MediumRow>, Error> {
        let ids: Vec<Vec<u8>> = {
            let db = self.db();
            let mut statement = db.prepare_cached("SELECT id FROM medium ORDER BY id DESC")?;
            statement.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?
        };
        ids.iter().map(|id| self.medium(id_of(id)?)).collect()
    }

    /// One medium.
    pub fn medium(&self, id: MediumId) -> Result<MediumRow, Error> {
        type Raw = (String, Vec<u8>, String, String, String, [Option<String>; 3], String, String, bool);
        let row: Option<Raw> = self
            .db()
            .query_row(
                "SELECT kind, sealed_label, holds, encrypted, state, planned_on, planned_level, planned_technique, entered_at,
                        entered_by, EXISTS (SELECT 1 FROM medium_certificate x WHERE x.medium = medium.id)
                 FROM medium WHERE id = ?1",
                params![id.as_bytes()],
                |r| {
                    let planned = [r.get(5)?, r.get(6)?, r.get(7)?];
                    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, planned, r.get(8)?, r.get(9)?, r.get(10)?))
                },
            )
            .optional()?;
        let (kind, label, holds, encrypted, state, [on, level, technique], entered_at, entered_by, certified) =
            row.ok_or(Refused::Unknown("medium"))?;
        Ok(MediumRow {
            id,
            kind: MediumKind::parse(&kind).ok_or_else(corrupt)?,
            label: self.open_own("medium", id.as_bytes(), "label", &label)?,
            holds: Holds::parse(&holds).ok_or_else(corrupt)?,
            encrypted: Encrypted::parse(&encrypted).ok_or_else(corrupt)?,
            state: MediumState::parse(&state).ok_or_else(corrupt)?,
            planned_on: on,
            planned_level: level.as_deref().and_then(Level::parse),
            planned_technique: technique.as_deref().and_then(Technique::parse),
            entered_at,
            entered_by,
            certified,
        })
    }

    /// Its chain of custody, oldest first.
    pub fn medium_steps(&self, id: MediumId) -> Result<Vec<StepRow>, Error> {
        let rows: Vec<(u32, String, String, String, Vec<u8>)> = {
            let db = self.db();
            let mut statement = db.prepare_cached(
                "SELECT n, at, by, what, sealed_text FROM medium_step WHERE medium = ?1 ORDER BY n",
            )?;
            let rows = statement.query_map(params![id.as_bytes()], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
            })?;
            rows.collect::<Result<_, _>>()?
        };
        rows.into_iter()
            .map(|(n, at, by, what, sealed)| {
                let text = self.open_own("medium", id.as_bytes(), &format!("step {n}"), &sealed)?;
                Ok(StepRow { n, at, by, what, text })
            })
            .collect()
    }

    /// How it ended, if that was recorded.
    pub fn medium_end(&self, id: MediumId) -> Result<Option<EndRow>, Error> {
        type Raw = ([String; 4], Vec<u8>, String, String, Option<String>, Option<String>);
        let row: Option<Raw> = self
            .db()
            .query_row(
                "SELECT done_on, level, technique, verification, sealed_tool, recorded_at, recorded_by, witnessed_at,
                        witnessed_by FROM medium_end WHERE medium = ?1",
                params![id.as_bytes()],
                |r| {
                    let codes = [r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?];
                    Ok((codes, r.get(4)?, r.get(5)?, r.get(6)?, r.get(7)?, r.get(8)?))
                },
            )
            .optional()?;
        let Some((codes, tool, recorded_at, recorded_by, witnessed_at, witnessed_by)) = row else {
            return Ok(None);
        };
        let [done_on, level, technique, verification] = codes;
        Ok(Some(EndRow {
            done_on,
            level: Level::parse(&level).ok_or_else(corrupt)?,
            technique: Technique::parse(&technique).ok_or_else(corrupt)?,
            verification: Verification::parse(&verification).ok_or_else(corrupt)?,
            tool: self.open_own("medium", id.as_bytes(), "tool", &tool)?,
            recorded_at,
            recorded_by,
            witnessed_at,
            witnessed_by,
        }))
    }

    /// Its certificate, if one was issued.
    pub fn medium_certificate(&self, id: MediumId) -> Result<Option<String>, Error> {
        Ok(self
            .db()
            .query_row("SELECT body FROM medium_certificate WHERE medium = ?1", params![id.as_bytes()], |r| {
                r.get(0)
            })
            .optional()?)
    }

    /// Command *certify medium*: only for one whose end another person witnessed. The commitment enters the ledger first;
    /// `finish` gets the proof of that entry.
    pub fn certify_medium(
        &self,
        id: MediumId,
        certificate: CertificateId,
        statement_sha256: &str,
        finish: impl FnOnce(&str) -> Result<String, Error>,
    ) -> Result<String, Error> {
        if let Some(body) = self.medium_certificate(id)? {
            return Ok(body);
        }
        if self.medium(id)?.state != MediumState::Ended {
            return Err(Refused::invalid(
                "no certificate without a witness",
                "let another person confirm it",
            )
            .into());
        }
        let seq = self.command("announce certificate", |c| {
            c.log(
                Kind::CertificateIssued,
                None,
                None,
                &[
                    ("certificate", certificate.to_string().into()),
                    ("medium", id.to_string().into()),
                    ("statement_sha256", statement_sha256.into()),
                ],
            );
            crate::ledger::size(&c.tx)
        })?;
        let body = finish(&self.ledger_proof(seq)?)?;
        self.command("certify medium", |c| {
            c.tx.execute(
                "INSERT INTO medium_certificate (id, medium, issued_at, body) VALUES (?1, ?2, ?3, ?4)",
                params![certificate.as_bytes(), id.as_bytes(), c.now, body],
            )?;
            Ok(())
        })?;
        Ok(body)
    }
}

/// A medium that has not ended.
fn alive(c: &Command<'_>, id: MediumId) -> Result<(MediumKind, Encrypted), Error> {
    let row: Option<(String, String, String)> = c
        .tx
        .query_row("SELECT kind, encrypted, state FROM medium WHERE id = ?1", params![id.as_bytes()], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?))
        })
        .optional()?;
    let (kind, encrypted, state) = row.ok_or(Refused::Unknown("medium"))?;
    if matches!(MediumState::parse(&state), None | Some(MediumState::Unwitnessed | MediumState::Ended)) {
        return Err(Refused::Closed("medium").into());
    }
    let kind = MediumKind::parse(&kind).ok_or_else(corrupt)?;
    Ok((kind, Encrypted::parse(&encrypted).ok_or_else(corrupt)?))
}

fn set_state(c: &Command<'_>, id: MediumId, state: MediumState) -> Result<(), Error> {
    c.tx.execute("UPDATE medium SET state = ?2 WHERE id = ?1", params![id.as_bytes(), state.as_str()])?;
    Ok(())
}

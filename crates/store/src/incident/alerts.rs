//! Alerts: what a rule found, with the entries behind it, and what somebody decided.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Command, Error, Refused, Vault, conversation::as_i64, holds::check_reason, keys::id_of};
use callvault_ledger::Kind;
use callvault_model::id::{AlertId, IncidentId};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// Entries kept with an alert; the scope finds all of them again.
pub const MAX_ENTRIES: usize = 200;
/// Alerts listed at most.
const MAX_LISTED: u64 = 1_000;

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewAlert {
    /// Id of the rule.
    pub rule: String,
    /// For people.
    pub title: String,
    /// `critical`, `high` or `medium`.
    pub grade: String,
    /// Whom it is about, as the ledger names them.
    pub actor: String,
    /// When the act happened that completed it.
    pub at: Timestamp,
    /// The entry that completed it.
    pub seq: u64,
    /// How much was counted.
    pub count: usize,
    /// One sentence: what was counted, within what, against what.
    pub why: String,
    /// The entries that were counted, newest last.
    pub entries: Vec<u64>,
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nobody decided.
    Open,
    /// Somebody said that it is nothing.
    Dismissed,
    /// Part of an incident.
    Incident,
}

impl AlertState {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Dismissed => "dismissed",
            Self::Incident => "incident",
        }
    }

    fn parse(text: &str) -> Result<Self, Error> {
        [Self::Open, Self::Dismissed, Self::Incident]
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or(Error::Corrupt("an unknown state of an alert"))
    }
}

/// One alert.
#[derive(Debug, Clone, Serialize)]
pub struct AlertRow {
    /// Its id.
    pub id: AlertId,
    /// What was found.
    #[serde(flatten)]
    pub found: NewAlert,
    /// When it was written down, RFC 3339.
    pub raised_at: String,
    /// Where it stands.
    pub state: AlertState,
    /// RFC 3339.
    pub decided_at: Option<String>,
    /// Who.
    pub decided_by: Option<String>,
    /// Why it was dismissed, masked.
    pub reason: Option<String>,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
}

/// When a rule was told of an actor last: rule, actor, time.
pub type Told = (String, String, Timestamp);

impl Vault {
    /// Where the watch goes on.
    pub fn watch_next(&self) -> Result<u64, Error> {
        let next: Option<i64> = self
            .db()
            .query_row("SELECT next_seq FROM watch_state WHERE id = 1", [], |r| r.get(0))
            .optional()?;
        Ok(next.unwrap_or(0).unsigned_abs())
    }

    /// Command *raise alerts*: what was found and how far was read, together. Alerts told before are not told again.
    pub fn raise_alerts(&self, next: u64, found: &[NewAlert]) -> Result<Vec<AlertId>, Error> {
        let mut ids = Vec::new();
        for _ in found {
            ids.push(AlertId::new(self.clock.as_ref(), &self.entropy)?);
        }
        self.command_as(&Actor::Worker, "raise alerts", |c| {
            let mut made = Vec::new();
            for (id, alert) in ids.into_iter().zip(found) {
                if put(c, id, alert)? {
                    made.push(id);
                }
            }
            c.tx.execute(
                "INSERT INTO watch_state (id, next_seq, rules) VALUES (1, ?1, '')
                 ON CONFLICT (id) DO UPDATE SET next_seq = excluded.next_seq
                   WHERE excluded.next_seq > watch_state.next_seq",
                params![as_i64(next)],
            )?;
            Ok(made)
        })
    }

    /// Command *watch rules*: writes down that other rules are in force. False when they are the same as before.
    pub fn note_watch_rules(
        &self,
        hash: &str,
        rules: usize,
        off: usize,
        loosened: usize,
    ) -> Result<bool, Error> {
        self.command_as(&Actor::Worker, "watch rules", |c| {
            let before: Option<String> =
                c.tx.query_row("SELECT rules FROM watch_state WHERE id = 1", [], |r| r.get(0)).optional()?;
            if before.as_deref() == Some(hash) {
                return Ok(false);
            }
            c.tx.execute(
                "INSERT INTO watch_state (id, next_seq, rules) VALUES (1, 0, ?1)
                 ON CONFLICT (id) DO UPDATE SET rules = excluded.rules",
                params![hash],
            )?;
            let facts = [
                ("hash", hash.into()),
                ("rules", rules.into()),
                ("off", off.into()),
                ("loosened", loosened.into()),
                ("first", before.is_none_or(|b| b.is_empty()).into()),
            ];
            c.log(Kind::WatchChanged, None, None, &facts);
            Ok(true)
        })
    }

    /// When each rule was told of each actor last, in the last `within`.
    pub fn told(&self, within: SignedDuration) -> Result<Vec<Told>, Error> {
        let since = crate::times::after(self.clock.now(), -within).to_string();
        let db = self.db();
        let mut statement =
            db.prepare_cached("SELECT rule, actor, MAX(at) FROM alert WHERE at >= ?1 GROUP BY rule, actor")?;
        let rows = statement.query_map(params![since], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, String>(2)?))
        })?;
        rows.map(|row| {
            let (rule, actor, at) = row?;
            Ok((rule, actor, crate::times::parse(&at)?))
        })
        .collect()
    }

    /// Alerts, newest first; those in one state where one is named.
    pub fn alerts(&self, state: Option<AlertState>) -> Result<Vec<AlertRow>, Error> {
        self.alert_rows(
            "WHERE state = ?1 OR ?1 IS NULL ORDER BY id DESC LIMIT ?2",
            params![state.map(AlertState::as_str), as_i64(MAX_LISTED)],
        )
    }

    /// How many alerts nobody decided.
    pub fn open_alerts(&self) -> Result<u64, Error> {
        let n: i64 = self
            .db()
            .prepare_cached("SELECT COUNT(*) FROM alert WHERE state = 'open'")?
            .query_row([], |r| r.get(0))?;
        Ok(n.unsigned_abs())
    }

    /// One alert.
    pub fn alert(&self, id: AlertId) -> Result<AlertRow, Error> {
        let rows = self.alert_rows("WHERE id = ?1", params![id.as_bytes()])?;
        rows.into_iter().next().ok_or_else(|| Refused::Unknown("alert").into())
    }

    /// The alerts of an incident, oldest first.
    pub fn alerts_of(&self, id: IncidentId) -> Result<Vec<AlertRow>, Error> {
        self.alert_rows("WHERE incident = ?1 ORDER BY id LIMIT 1000", params![id.as_bytes()])
    }

    /// Command *dismiss alert*. `reason` has passed the detector.
    pub fn dismiss_alert(&self, by: &Actor, id: AlertId, reason: &str) -> Result<(), Error> {
        check_reason(reason, "the reason")?;
        let sealed = self.seal_own("alert", id.as_bytes(), "reason", reason)?;
        self.command_as(by, "dismiss alert", |c| {
            open(&c.tx, id)?;
            c.tx.execute(
                "UPDATE alert SET state = 'dismissed', decided_at = ?2, decided_by = ?3, sealed_reason = ?4 WHERE id = ?1",
                params![id.as_bytes(), c.now, by.to_string(), sealed],
            )?;
            c.log(
                Kind::AlertDecided,
                None,
                None,
                &[("alert", id.to_string().into()), ("decision", "dismissed".into())],
            );
            Ok(())
        })
    }

    fn alert_rows(&self, tail: &str, with: impl crate::db::Params) -> Result<Vec<AlertRow>, Error> {
        type Raw = (
            (Vec<u8>, NewAlert, String, String, String),
            (String, Option<String>, Option<String>, Option<Vec<u8>>, Option<Vec<u8>>),
        );
        let rows: Vec<Raw> = {
            let db = self.db();
            let mut statement = db.prepare_cached(&format!(
                "SELECT id, rule, title, grade, actor, at, seq, count, why, entries, raised_at, state, decided_at, decided_by,
                        sealed_reason, incident FROM alert {tail}"
            ))?;
            let rows = statement.query_map(with, |r| {
                let found = NewAlert {
                    rule: r.get(1)?,
                    title: r.get(2)?,
                    grade: r.get(3)?,
                    actor: r.get(4)?,
                    at: Timestamp::UNIX_EPOCH,
                    seq: r.get::<_, i64>(6)?.unsigned_abs(),
                    count: usize::try_from(r.get::<_, i64>(7)?).unwrap_or(0),
                    why: r.get(8)?,
                    entries: Vec::new(),
                };
                Ok((
                    (r.get(0)?, found, r.get(5)?, r.get(9)?, r.get(10)?),
                    (r.get(11)?, r.get(12)?, r.get(13)?, r.get(14)?, r.get(15)?),
                ))
            })?;
            rows.collect::<Result<_, _>>()?
        };
        rows.into_iter()
            .map(
                |(
                    (id, mut found, at, entries, raised_at),
                    (state, decided_at, decided_by, reason, incident),
                )| {
                    found.at = crate::times::parse(&at)?;
                    found.entries = serde_json::from_str(&entries)
                        .map_err(|_| Error::Corrupt("the entries of an alert"))?;
                    Ok(AlertRow {
                        reason: reason
                            .map(|sealed| self.open_own("alert", &id, "reason", &sealed))
                            .transpose()?,
                        id: id_of(&id)?,
                        found,
                        raised_at,
                        state: AlertState::parse(&state)?,
                        decided_at,
                        decided_by,
                        incident: incident.map(|i| id_of(&i)).transpose()?,
                    })
                },
            )
            .collect()
    }
}

/// Writes an alert and its entry; false when it was told before.
fn put(c: &mut Command<'_>, id: AlertId, alert: &NewAlert) -> Result<bool, Error> {
    let first = alert.entries.len().saturating_sub(MAX_ENTRIES);
    let kept: Vec<u64> = alert.entries.iter().skip(first).copied().collect();
    let entries = serde_json::to_string(&kept).map_err(|_| Error::Corrupt("the entries of an alert"))?;
    let made = c.tx.execute(
        "INSERT INTO alert (id, rule, title, grade, actor, at, seq, count, why, entries, raised_at, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'open') ON CONFLICT (rule, actor, seq) DO NOTHING",
        params![
            id.as_bytes(), alert.rule, alert.title, alert.grade, alert.actor, alert.at.to_string(), as_i64(alert.seq),
            as_i64(alert.count as u64), alert.why, entries, c.now
        ],
    )?;
    if made == 1 {
        let facts = [
            ("alert", id.to_string().into()),
            ("rule", alert.rule.as_str().into()),
            ("grade", alert.grade.as_str().into()),
            ("of", alert.actor.as_str().into()),
            ("entry", alert.seq.into()),
            ("count", alert.count.into()),
        ];
        c.log(Kind::AlertRaised, None, None, &facts);
    }
    Ok(made == 1)
}

fn open(db: &Connection, id: AlertId) -> Result<(), Error> {
    let state: Option<String> = db
        .query_row("SELECT state FROM alert WHERE id = ?1", params![id.as_bytes()], |r| r.get(0))
        .optional()?;
    match state.as_deref() {
        Some("open") => Ok(()),
        Some(_) => Err(Refused::Closed("alert").into()),
        None => Err(Refused::Unknown("alert").into()),
    }
}

/// Makes alerts part of an incident inside its command.
pub(super) fn attach(c: &mut Command<'_>, ids: &[AlertId], incident: IncidentId) -> Result<(), Error> {
    let by = c.actor().to_owned();
    for id in ids {
        open(&c.tx, *id)?;
        c.tx.execute(
            "UPDATE alert SET state = 'incident', decided_at = ?2, decided_by = ?3, incident = ?4 WHERE id = ?1",
            params![id.as_bytes(), c.now, by, incident.as_bytes()],
        )?;
        let facts = [
            ("alert", id.to_string().into()),
            ("decision", "incident".into()),
            ("incident", incident.to_string().into()),
        ];
        c.log(Kind::AlertDecided, None, None, &facts);
    }
    Ok(())
}

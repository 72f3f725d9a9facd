//! Incidents: opened, led through their phases, closed. Every change is a command and a line of the timeline.

use super::{
    alerts,
    scope::{ScopeQuery, ScopeSummary},
};
use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Command, EntryRow, Error, Refused, Vault, holds::check_reason, keys::id_of};
use callvault_ledger::{Kind, Value};
use callvault_model::id::{AccountId, AlertId, IncidentId};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// Named times from which clocks run, and the time it happened.
pub const EVENTS: [&str; 10] = [
    "occurred",
    "suspected",
    "discovered",
    "aware",
    "determined",
    "confirmed",
    "materiality_determined",
    "high_risk_determined",
    "classified",
    "individuals_notified",
];
/// How bad it is.
pub const SEVERITIES: [&str; 3] = ["high", "medium", "low"];
/// Laws one incident may name.
const MAX_LAWS: usize = 80;
/// Entries of a timeline.
const MAX_TIMELINE: usize = 2_000;

/// Where an incident stands (NIST SP 800-61: respond, recover, improve).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// What happened, and to whom.
    Analysis,
    /// It goes no further.
    Containment,
    /// Everybody is told who has to be.
    Notification,
    /// Ordinary work again.
    Recovery,
    /// What is learned.
    Review,
    /// Over.
    Closed,
}

impl Phase {
    /// In order.
    pub const ALL: [Self; 6] =
        [Self::Analysis, Self::Containment, Self::Notification, Self::Recovery, Self::Review, Self::Closed];

    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analysis => "analysis",
            Self::Containment => "containment",
            Self::Notification => "notification",
            Self::Recovery => "recovery",
            Self::Review => "review",
            Self::Closed => "closed",
        }
    }

    /// The phase of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == text)
    }
}

/// A task from a playbook.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// Stable id in its playbook.
    pub code: String,
    /// In which phase.
    pub phase: Phase,
    /// Whose it is.
    pub role: String,
    /// What to do.
    pub title: String,
}

/// One incident.
#[derive(Debug, Clone, Serialize)]
pub struct IncidentRow {
    /// Its id.
    pub id: IncidentId,
    /// What it is called, masked.
    pub title: String,
    /// Where it stands.
    pub phase: Phase,
    /// `high`, `medium` or `low`.
    pub severity: String,
    /// Which playbook its tasks come from.
    pub playbook: String,
    /// RFC 3339.
    pub opened_at: String,
    /// Who.
    pub opened_by: String,
    /// RFC 3339.
    pub closed_at: Option<String>,
    /// Named times, RFC 3339.
    pub events: BTreeMap<String, Timestamp>,
    /// Jurisdictions whose clocks run, as `US-CA`, `EU`, `HIPAA`.
    pub laws: Vec<String>,
    /// People of a jurisdiction as somebody counted them; they go before what the scope counts.
    pub counts: BTreeMap<String, u64>,
    /// What the scope asks.
    pub query: Option<ScopeQuery>,
    /// What it found when it was computed last.
    pub scope: Option<ScopeSummary>,
}

/// One change.
#[derive(Debug, Clone)]
pub enum Change {
    /// Another phase.
    Phase(Phase),
    /// Another severity.
    Severity(String),
    /// When something named was, or that it is not known.
    Event(String, Option<Timestamp>),
    /// Which laws' clocks run.
    Laws(Vec<String>),
    /// How many people of a jurisdiction, as counted by somebody; `None` goes back to the scope's number.
    Count(String, Option<u64>),
    /// Who leads, or keeps the minutes.
    Role(String, AccountId),
    /// A task is done, or is not.
    Task(u64, bool),
}

impl Vault {
    /// Command *open incident*: with its tasks, and with the alerts it comes from. `title` has passed the detector.
    pub fn open_incident(
        &self,
        by: &Actor,
        title: &str,
        severity: &str,
        playbook: &str,
        tasks: &[NewTask],
        alerts: &[AlertId],
    ) -> Result<IncidentId, Error> {
        check_reason(title, "the title")?;
        check_severity(severity)?;
        let id = IncidentId::new(self.clock.as_ref(), &self.entropy)?;
        let sealed = self.seal_own("incident", id.as_bytes(), "title", title)?;
        // Known from the moment somebody opens it; whoever leads it corrects that where it was known before.
        let now = self.clock.now();
        let events = BTreeMap::from([("discovered".to_owned(), now), ("aware".to_owned(), now)]);
        self.command_as(by, "open incident", |c| {
            c.tx.execute(
                "INSERT INTO incident (id, sealed_title, phase, severity, playbook, opened_at, opened_by, events, laws, counts)
                 VALUES (?1, ?2, 'analysis', ?3, ?4, ?5, ?6, ?7, '[]', '{}')",
                params![id.as_bytes(), sealed, severity, playbook, c.now, by.to_string(), json(&events)?],
            )?;
            for (n, t) in tasks.iter().enumerate() {
                c.tx.execute(
                    "INSERT INTO incident_task (incident, position, code, phase, role, title) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![id.as_bytes(), crate::conversation::as_i64(n as u64), t.code, t.phase.as_str(), t.role, t.title],
                )?;
            }
            log(c, Kind::IncidentOpened, id, &[
                ("severity", severity.into()),
                ("playbook", playbook.into()),
                ("alerts", alerts.len().into()),
            ]);
            alerts::attach(c, alerts, id)
        })?;
        Ok(id)
    }

    /// Command *attach alerts*: more alerts of the same incident.
    pub fn attach_alerts(&self, by: &Actor, id: IncidentId, alerts: &[AlertId]) -> Result<(), Error> {
        self.command_as(by, "attach alerts", |c| {
            living(&c.tx, id)?;
            alerts::attach(c, alerts, id)
        })
    }

    /// Command *change incident*.
    pub fn change_incident(&self, by: &Actor, id: IncidentId, change: &Change) -> Result<(), Error> {
        self.command_as(by, "change incident", |c| {
            match change {
                // A closed incident can be opened again, and nothing else.
                Change::Phase(_) => phase(&c.tx, id).map(drop)?,
                _ => living(&c.tx, id)?,
            }
            let facts = self.write_change(c, id, change)?;
            log(c, Kind::IncidentChanged, id, &facts);
            Ok(())
        })
    }

    fn write_change(
        &self,
        c: &mut Command<'_>,
        id: IncidentId,
        change: &Change,
    ) -> Result<Vec<(&'static str, Value)>, Error> {
        let key = id.as_bytes();
        Ok(match change {
            Change::Phase(phase) => {
                let closed = (*phase == Phase::Closed).then(|| c.now.clone());
                c.tx.execute(
                    "UPDATE incident SET phase = ?2, closed_at = ?3 WHERE id = ?1",
                    params![key, phase.as_str(), closed],
                )?;
                vec![("change", "phase".into()), ("phase", phase.as_str().into())]
            }
            Change::Severity(severity) => {
                check_severity(severity)?;
                c.tx.execute("UPDATE incident SET severity = ?2 WHERE id = ?1", params![key, severity])?;
                vec![("change", "severity".into()), ("severity", severity.as_str().into())]
            }
            Change::Event(name, at) => set_event(c, id, name, *at, self.clock.now())?,
            Change::Laws(laws) => {
                let mut laws = laws.clone();
                laws.sort();
                laws.dedup();
                let sound = |l: &String| {
                    (2..=24).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')
                };
                if laws.len() > MAX_LAWS || !laws.iter().all(sound) {
                    return Err(Refused::invalid("the list of laws", "choose from the list").into());
                }
                c.tx.execute("UPDATE incident SET laws = ?2 WHERE id = ?1", params![key, json(&laws)?])?;
                vec![("change", "laws".into()), ("laws", laws.join(" ").into())]
            }
            Change::Count(place, people) => {
                let mut counts: BTreeMap<String, u64> = column(&c.tx, id, "counts")?;
                if place.is_empty() || place.len() > 24 || counts.len() > MAX_LAWS {
                    return Err(
                        Refused::invalid("the jurisdiction", "choose one of the incident's laws").into()
                    );
                }
                match people {
                    Some(n) => counts.insert(place.clone(), *n),
                    None => counts.remove(place),
                };
                c.tx.execute("UPDATE incident SET counts = ?2 WHERE id = ?1", params![key, json(&counts)?])?;
                vec![
                    ("change", "count".into()),
                    ("place", place.as_str().into()),
                    ("people", people.map_or(Value::from("by the scope"), Value::from)),
                ]
            }
            Change::Role(role, account) => {
                if !["lead", "deputy", "scribe", "communications", "counsel"].contains(&role.as_str()) {
                    return Err(Refused::invalid("the role", "choose one of the list").into());
                }
                c.tx.execute(
                    "INSERT INTO incident_role (incident, role, account) VALUES (?1, ?2, ?3)
                     ON CONFLICT (incident, role) DO UPDATE SET account = excluded.account",
                    params![key, role, account.as_bytes()],
                )?;
                vec![
                    ("change", "role".into()),
                    ("role", role.as_str().into()),
                    ("account", account.to_string().into()),
                ]
            }
            Change::Task(position, done) => {
                let (at, by) =
                    if *done { (Some(c.now.clone()), Some(c.actor().to_owned())) } else { (None, None) };
                let n = c.tx.execute(
                    "UPDATE incident_task SET done_at = ?3, done_by = ?4 WHERE incident = ?1 AND position = ?2",
                    params![key, crate::conversation::as_i64(*position), at, by],
                )?;
                if n == 0 {
                    return Err(Refused::Unknown("task").into());
                }
                let code: String = c.tx.query_row(
                    "SELECT code FROM incident_task WHERE incident = ?1 AND position = ?2",
                    params![key, crate::conversation::as_i64(*position)],
                    |r| r.get(0),
                )?;
                vec![("change", "task".into()), ("task", code.into()), ("done", (*done).into())]
            }
        })
    }

    /// Incidents, newest first.
    pub fn incidents(&self) -> Result<Vec<IncidentRow>, Error> {
        self.incident_rows("ORDER BY id DESC LIMIT 1000", [])
    }

    /// One incident.
    pub fn incident(&self, id: IncidentId) -> Result<IncidentRow, Error> {
        let rows = self.incident_rows("WHERE id = ?1", params![id.as_bytes()])?;
        rows.into_iter().next().ok_or_else(|| Refused::Unknown("incident").into())
    }

    /// What was done, from the ledger, oldest first.
    pub fn timeline(&self, id: IncidentId) -> Result<Vec<EntryRow>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT e.body FROM ledger_incident i JOIN ledger_entry e ON e.seq = i.seq WHERE i.incident = ?1
             ORDER BY i.seq LIMIT ?2",
        )?;
        let most = crate::conversation::as_i64(MAX_TIMELINE as u64);
        let rows = statement.query_map(params![id.as_bytes(), most], |r| r.get::<_, Vec<u8>>(0))?;
        rows.map(|r| crate::journal::line(&r?)).collect()
    }

    fn incident_rows(&self, tail: &str, with: impl crate::db::Params) -> Result<Vec<IncidentRow>, Error> {
        let rows = raw_rows(&self.db(), tail, with)?;
        rows.into_iter()
            .map(|raw| incident_of(raw, |id, sealed| self.open_own("incident", id, "title", sealed)))
            .collect()
    }
}

type Raw = (
    (Vec<u8>, Vec<u8>, String, String, String),
    (String, String, Option<String>),
    (String, String, String),
    (Option<String>, Option<String>),
);

fn raw_rows(db: &Connection, tail: &str, with: impl crate::db::Params) -> Result<Vec<Raw>, Error> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT id, sealed_title, phase, severity, playbook, opened_at, opened_by, closed_at, events, laws, counts,
                query, scope FROM incident {tail}"
    ))?;
    let rows = statement.query_map(with, |r| {
        Ok((
            (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?),
            (r.get(5)?, r.get(6)?, r.get(7)?),
            (r.get(8)?, r.get(9)?, r.get(10)?),
            (r.get(11)?, r.get(12)?),
        ))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn incident_of(
    raw: Raw,
    title: impl FnOnce(&[u8], &[u8]) -> Result<String, Error>,
) -> Result<IncidentRow, Error> {
    let ((id, sealed, phase, severity, playbook), (opened_at, opened_by, closed_at), maps, scope) = raw;
    Ok(IncidentRow {
        title: title(&id, &sealed)?,
        id: id_of(&id)?,
        phase: Phase::parse(&phase).ok_or(Error::Corrupt("an unknown phase"))?,
        severity,
        playbook,
        opened_at,
        opened_by,
        closed_at,
        events: read(&maps.0)?,
        laws: read(&maps.1)?,
        counts: read(&maps.2)?,
        query: scope.0.as_deref().map(read).transpose()?,
        scope: scope.1.as_deref().map(read).transpose()?,
    })
}

/// Incidents that are not closed, without their titles: for whoever has no key.
pub(crate) fn open_without_words(db: &Connection) -> Result<Vec<IncidentRow>, Error> {
    let rows = raw_rows(db, "WHERE phase <> 'closed' ORDER BY id", [])?;
    rows.into_iter().map(|raw| incident_of(raw, |_, _| Ok(String::new()))).collect()
}

fn set_event(
    c: &mut Command<'_>,
    id: IncidentId,
    name: &str,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<(&'static str, Value)>, Error> {
    if !EVENTS.contains(&name) {
        return Err(Refused::invalid("the name of the event", "choose one of the list").into());
    }
    if at.is_some_and(|at| at > now) {
        return Err(Refused::invalid("an event in the future", "give the time at which it was").into());
    }
    let mut events: BTreeMap<String, Timestamp> = column(&c.tx, id, "events")?;
    match at {
        Some(at) => events.insert(name.to_owned(), at),
        None => events.remove(name),
    };
    c.tx.execute("UPDATE incident SET events = ?2 WHERE id = ?1", params![id.as_bytes(), json(&events)?])?;
    let at = at.map_or_else(|| "not known".to_owned(), |t| t.to_string());
    Ok(vec![("change", "event".into()), ("event", name.into()), ("at", at.into())])
}

fn check_severity(severity: &str) -> Result<(), Refused> {
    if SEVERITIES.contains(&severity) {
        return Ok(());
    }
    Err(Refused::invalid("the severity", "choose high, medium or low"))
}

fn phase(db: &Connection, id: IncidentId) -> Result<String, Error> {
    let phase: Option<String> = db
        .query_row("SELECT phase FROM incident WHERE id = ?1", params![id.as_bytes()], |r| r.get(0))
        .optional()?;
    phase.ok_or_else(|| Refused::Unknown("incident").into())
}

/// Refuses an incident that is not there or is closed.
pub(super) fn living(db: &Connection, id: IncidentId) -> Result<(), Error> {
    if phase(db, id)? == "closed" { Err(Refused::Closed("incident").into()) } else { Ok(()) }
}

/// A line of the timeline.
pub(super) fn log(c: &mut Command<'_>, kind: Kind, id: IncidentId, facts: &[(&'static str, Value)]) {
    let mut all = vec![("incident", id.to_string().into())];
    all.extend(facts.iter().cloned());
    c.log(kind, None, None, &all);
}

pub(super) fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| Error::Corrupt("an incident"))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| Error::Corrupt("an incident"))
}

fn column<T: DeserializeOwned>(db: &Connection, id: IncidentId, name: &str) -> Result<T, Error> {
    let sql = format!("SELECT {name} FROM incident WHERE id = ?1");
    let text: String = db.query_row(&sql, params![id.as_bytes()], |r| r.get(0))?;
    read(&text)
}

/// Individuals were told for the first time.
pub(super) fn first_told(c: &mut Command<'_>, id: IncidentId, now: Timestamp) -> Result<(), Error> {
    let events: BTreeMap<String, Timestamp> = column(&c.tx, id, "events")?;
    if events.contains_key("individuals_notified") {
        return Ok(());
    }
    let facts = set_event(c, id, "individuals_notified", Some(now), now)?;
    log(c, Kind::IncidentChanged, id, &facts);
    Ok(())
}

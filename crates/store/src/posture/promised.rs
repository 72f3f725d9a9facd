//! What has a date by law: requests of people and incidents with their notices, without what anybody wrote in them.

use super::Ids;
use crate::db::Connection;
use crate::{
    Error,
    incident::{IncidentRow, NoticeRow, cases, notices},
    requests::{self, RequestRow},
    vault::read_only,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What is open. Titles, notes and letters are absent: this needs no key.
#[derive(Debug, Clone)]
pub struct Promised {
    /// Requests of people that are not closed.
    pub requests: Vec<RequestRow>,
    /// Incidents that are not closed, with their notices.
    pub incidents: Vec<(IncidentRow, Vec<NoticeRow>)>,
}

/// Invented customers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canaries {
    /// How many conversations of theirs are planted.
    pub planted: u64,
    /// Alerts of their being touched that nobody decided.
    pub untold: Ids,
}

/// Reads what is open in a data directory.
pub fn promised(dir: &Path) -> Result<Promised, Error> {
    let db = read_only(dir)?;
    let mut incidents = Vec::new();
    for incident in cases::open_without_words(&db)? {
        let sent = notices::without_words(&db, incident.id)?;
        incidents.push((incident, sent));
    }
    Ok(Promised { requests: requests::open_without_words(&db)?, incidents })
}

pub(super) fn canaries(db: &Connection) -> Result<Canaries, Error> {
    let planted: i64 = db.query_row("SELECT COUNT(*) FROM canary", [], |r| r.get(0))?;
    let mut out = Canaries { planted: planted.unsigned_abs(), untold: Ids::default() };
    let sql = "SELECT id FROM alert WHERE rule = 'canary' AND state = 'open'";
    super::fill(db, &mut out.untold, sql, [])?;
    Ok(out)
}

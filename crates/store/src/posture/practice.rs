//! What people practise: training and what it closes, drives and paper, waivers. Ids and counts only.

use super::{Ids, id_text};
use crate::db::Connection;
use crate::{Error, keys::id_of, training};
use callvault_policy::{Act, training as rules};
use serde::{Deserialize, Serialize};

/// Drives that wait so long for a witness are forgotten.
const WITNESS_DAYS: i64 = 7;

/// Who is trained, and whether training closes anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Training {
    /// Active people.
    pub people: u64,
    /// People and courses that are overdue, ran out or are not confirmed, with what that closes.
    pub closed: Ids,
    /// The same, where no rule closes anything: trained on paper only.
    pub toothless: Ids,
    /// People who are excused now.
    pub excused: Ids,
    /// Playing and revealing is bound to a course for whoever can do it by a role.
    pub bound: bool,
}

/// Drives and paper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// In the register.
    pub entered: u64,
    /// Past their planned end and not ended.
    pub late: Ids,
    /// Lost.
    pub lost: Ids,
    /// Recorded as sanitised more than a week ago, and nobody witnessed it.
    pub unwitnessed: Ids,
    /// Ended and without a certificate.
    pub uncertified: Ids,
    /// Witnessed by whoever recorded it.
    pub self_witnessed: Ids,
}

pub(super) fn training(db: &Connection, now: jiff::Timestamp) -> Result<Training, Error> {
    let all = training::rules_in(db)?;
    let mut out = Training { bound: bound(&all), ..Training::default() };
    let mut statement =
        db.prepare("SELECT id FROM account WHERE kind = 'person' AND state = 'active' LIMIT 100000")?;
    let ids: Vec<Vec<u8>> = statement.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
    for raw in ids {
        out.people = out.people.saturating_add(1);
        let learner = training::learner(db, id_of(&raw)?)?;
        for s in rules::standings(&all, &learner, now) {
            let line = format!("{} {}", id_text(&raw), s.course);
            if matches!(s.state, rules::State::Waived { .. }) {
                out.excused.push(line);
            } else if !s.open() {
                if s.acts.is_empty() { &mut out.toothless } else { &mut out.closed }.push(line);
            }
        }
    }
    Ok(out)
}

/// Whether each role that hears or asks for values by itself needs some course for it.
fn bound(all: &[rules::Rule]) -> bool {
    use callvault_policy::{Role, purposes};
    let needs = |role: Role, act: Act| all.iter().any(|r| r.roles.contains(&role) && r.acts.contains(&act));
    Role::ALL.iter().all(|role| {
        [Act::PlayMuted, Act::RequestReveal].into_iter().all(|act| {
            *role == Role::Service || purposes(&[*role].into(), act).is_empty() || needs(*role, act)
        })
    })
}

pub(super) fn media(db: &Connection, now: jiff::Timestamp) -> Result<Media, Error> {
    let today = now.strftime("%Y-%m-%d").to_string();
    let mut out = Media::default();
    let entered: i64 = db.query_row("SELECT COUNT(*) FROM medium", [], |r| r.get(0))?;
    out.entered = entered.unsigned_abs();
    let open = "state NOT IN ('unwitnessed', 'ended')";
    super::fill(
        db,
        &mut out.late,
        &format!("SELECT id FROM medium WHERE planned_on < ?1 AND {open}"),
        [&today],
    )?;
    super::fill(db, &mut out.lost, "SELECT id FROM medium WHERE state = 'lost'", [])?;
    let before =
        now.checked_sub(jiff::SignedDuration::from_hours(24 * WITNESS_DAYS)).unwrap_or(now).to_string();
    let sql =
        "SELECT medium FROM medium_end WHERE witnessed_at IS NULL AND julianday(recorded_at) < julianday(?1)";
    super::fill(db, &mut out.unwitnessed, sql, [&before])?;
    let sql = "SELECT id FROM medium WHERE state = 'ended'
               AND NOT EXISTS (SELECT 1 FROM medium_certificate c WHERE c.medium = medium.id)";
    super::fill(db, &mut out.uncertified, sql, [])?;
    let sql = "SELECT medium FROM medium_end WHERE witnessed_by IS NOT NULL AND witnessed_by = recorded_by";
    super::fill(db, &mut out.self_witnessed, sql, [])?;
    Ok(out)
}

//! Training as the vault knows it: who needs which course, who passed, who is excused. The gate asks `trained`; what the
//! courses say is not known here.

mod acts;
mod rules;

pub use acts::{AttemptRow, OpenAttempt, WaiverRow};
pub use rules::{NewRule, PolicyText, RuleRow};

use crate::db::{Connection, OptionalExtension, params};
use crate::{Error, Session, Vault, keys::id_of, times};
use callvault_model::id::AccountId;
use callvault_policy::{
    Act, Role,
    training::{self, Attempt, Attestation, Closed, GATED, Learner, Recall, Rule, Standing, Waiver},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use std::collections::BTreeMap;

/// Where the vault keeps since when the rules it came with hold.
pub(crate) const SINCE: &str = "training_since";
/// An attempt is handed in within so long.
pub const ATTEMPT: SignedDuration = SignedDuration::from_hours(2);

/// What training says about one question of the gate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trained {
    /// The course that closes it.
    pub closed: Option<Closed>,
    /// While open: when it has to be asked again.
    pub until: Option<Timestamp>,
}

/// From now on the rules a vault comes with hold; a vault of an older version gets the same time as a new one.
pub(crate) fn begin(db: &Connection, now: Timestamp) -> Result<(), Error> {
    db.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![SINCE, now.to_string()],
    )?;
    Ok(())
}

/// Asks for one act. Keys of services learn nothing; acts that no rule can name are not asked for.
pub(crate) fn trained(db: &Connection, who: &Session, act: Act, now: Timestamp) -> Result<Trained, Error> {
    if !GATED.contains(&act) || !who.is_person() {
        return Ok(Trained::default());
    }
    let rules = rules::rules(db)?;
    let learner = learner(db, who.account)?;
    let all = training::standings(&rules, &learner, now);
    Ok(Trained {
        closed: training::gate(&all, act).err(),
        until: training::stands_until(&rules, &learner, now),
    })
}

/// All rules, for whoever only has the database.
pub(crate) fn rules_in(db: &Connection) -> Result<Vec<Rule>, Error> {
    rules::rules(db)
}

/// What is known of one account.
pub(crate) fn learner(db: &Connection, id: AccountId) -> Result<Learner, Error> {
    let key = params![id.as_bytes()];
    let mut out = Learner { account: Some(id), started: started(db, id)?, ..Learner::default() };
    let mut statement = db.prepare_cached("SELECT role, since FROM account_role WHERE account = ?1")?;
    let mut rows = statement.query(key)?;
    while let Some(row) = rows.next()? {
        let role: Role = row.get::<_, String>(0)?.parse().map_err(|_| Error::Corrupt("an unknown role"))?;
        out.roles.insert(role, times::parse(&row.get::<_, String>(1)?)?);
    }
    let mut statement = db.prepare_cached(
        "SELECT course, version, ended_at, passed FROM training_attempt WHERE account = ?1 AND ended_at IS NOT NULL
         ORDER BY id DESC LIMIT 500",
    )?;
    let mut rows = statement.query(key)?;
    while let Some(row) = rows.next()? {
        out.attempts.push(Attempt {
            course: row.get(0)?,
            version: row.get(1)?,
            at: times::parse(&row.get::<_, String>(2)?)?,
            passed: row.get(3)?,
        });
    }
    let mut statement = db.prepare_cached(
        "SELECT course, from_at, until, given_by FROM training_waiver WHERE account = ?1 AND ended_at IS NULL",
    )?;
    let mut rows = statement.query(key)?;
    while let Some(row) = rows.next()? {
        let by = crate::Actor::parse(&row.get::<_, String>(3)?);
        out.waivers.push(Waiver {
            course: row.get(0)?,
            at: times::parse(&row.get::<_, String>(1)?)?,
            until: times::parse(&row.get::<_, String>(2)?)?,
            by: by.and_then(|a| a.account()),
        });
    }
    let mut statement =
        db.prepare_cached("SELECT course, at, days FROM training_recall WHERE account = ?1")?;
    let mut rows = statement.query(key)?;
    while let Some(row) = rows.next()? {
        let at = times::parse(&row.get::<_, String>(1)?)?;
        out.recalls.push(Recall { course: row.get(0)?, at, days: row.get(2)? });
    }
    let mut statement =
        db.prepare_cached("SELECT policy, version, at FROM training_attestation WHERE account = ?1")?;
    let mut rows = statement.query(key)?;
    while let Some(row) = rows.next()? {
        let at = times::parse(&row.get::<_, String>(2)?)?;
        out.attestations.push(Attestation { policy: row.get(0)?, version: row.get(1)?, at });
    }
    Ok(out)
}

/// The first day at work where one was set, else when the account was made.
fn started(db: &Connection, id: AccountId) -> Result<Timestamp, Error> {
    let row: Option<(String, Option<String>)> = db
        .prepare_cached(
            "SELECT a.created_at, p.started_on FROM account a LEFT JOIN training_person p ON p.account = a.id
             WHERE a.id = ?1",
        )?
        .query_row(params![id.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let (created, day) = row.ok_or_else(crate::denied::unknown)?;
    match day {
        None => times::parse(&created),
        Some(day) => start_of(day.parse().map_err(|_| Error::Corrupt("a day that is not a day"))?),
    }
}

pub(crate) fn start_of(day: Date) -> Result<Timestamp, Error> {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_err(|_| Error::Corrupt("a day out of range"))
}

impl Vault {
    /// Where one person stands with every course that concerns him.
    pub fn standings(&self, id: AccountId) -> Result<Vec<Standing>, Error> {
        let db = self.reads();
        Ok(training::standings(&rules::rules(&db)?, &learner(&db, id)?, self.clock.now()))
    }

    /// The same for every account that is a person and not revoked.
    pub fn standings_of_all(&self) -> Result<BTreeMap<AccountId, Vec<Standing>>, Error> {
        let db = self.reads();
        let rules = rules::rules(&db)?;
        let ids: Vec<Vec<u8>> = db
            .prepare_cached("SELECT id FROM account WHERE kind = 'person' AND state <> 'revoked'")?
            .query_map([], |r| r.get(0))?
            .collect::<Result<_, _>>()?;
        ids.iter()
            .map(|raw| {
                let id = id_of(raw)?;
                Ok((id, training::standings(&rules, &learner(&db, id)?, self.clock.now())))
            })
            .collect()
    }

    /// The first day of somebody, if it was set.
    pub fn started_on(&self, id: AccountId) -> Result<Option<String>, Error> {
        Ok(self
            .reads()
            .query_row(
                "SELECT started_on FROM training_person WHERE account = ?1",
                params![id.as_bytes()],
                |r| r.get(0),
            )
            .optional()?)
    }

    /// Whether somebody confirmed at least this version of a policy.
    pub fn attested(&self, id: AccountId, policy: &str, version: u32) -> Result<bool, Error> {
        Ok(self.reads().query_row(
            "SELECT EXISTS (SELECT 1 FROM training_attestation WHERE account = ?1 AND policy = ?2 AND version >= ?3)",
            params![id.as_bytes(), policy, version],
            |r| r.get(0),
        )?)
    }

    /// The course that closes this act to somebody now, if one does.
    pub fn missing_course(&self, who: &Session, act: Act) -> Result<Option<Closed>, Error> {
        Ok(trained(&self.reads(), who, act, self.clock.now())?.closed)
    }

    /// Every rule, in the order of the courses.
    pub fn training_rules(&self) -> Result<Vec<RuleRow>, Error> {
        rules::rows(&self.reads())
    }

    /// The rules as they are judged.
    pub fn rules_of_training(&self) -> Result<Vec<Rule>, Error> {
        rules::rules(&self.reads())
    }
}

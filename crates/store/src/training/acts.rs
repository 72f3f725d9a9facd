//! What people do: begin questions, hand them in, confirm a policy; and what is decided about them.

use super::{ATTEMPT, learner, rules, start_of};
use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Error, Session, Vault, denied, gate::check_reason, keys::id_of, times};
use callvault_ledger::Kind;
use callvault_model::Entropy;
use callvault_model::id::{AccountId, AttemptId, WaiverId};
use callvault_policy::training;
use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::Serialize;

const MAX_WAIVER: SignedDuration = SignedDuration::from_hours(400 * 24);
const MAX_RECALL_DAYS: u32 = 90;

/// Questions under way.
#[derive(Debug, Clone)]
pub struct OpenAttempt {
    /// Its id.
    pub id: AttemptId,
    /// Which course.
    pub course: String,
    /// Which version.
    pub version: u32,
    /// What drew the questions; never leaves the server.
    pub seed: u64,
}

/// An attempt, for evidence.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptRow {
    /// Its id.
    pub id: AttemptId,
    /// Whose.
    pub account: AccountId,
    /// Which course.
    pub course: String,
    /// Which version.
    pub version: u32,
    /// When it was begun.
    pub begun_at: String,
    /// When it was handed in.
    pub ended_at: Option<String>,
    /// Share of right answers.
    pub percent: Option<u32>,
    /// Enough.
    pub passed: Option<bool>,
}

/// A waiver, for pages and evidence.
#[derive(Debug, Clone, Serialize)]
pub struct WaiverRow {
    /// Its id.
    pub id: WaiverId,
    /// Whose.
    pub account: AccountId,
    /// From which course.
    pub course: String,
    /// From when.
    pub from_at: String,
    /// Its end.
    pub until: String,
    /// Why.
    pub reason: String,
    /// Who excused.
    pub by: String,
    /// When it was taken back.
    pub ended_at: Option<String>,
}

impl Vault {
    /// Begins the questions of a course, or goes on with those under way: leaving the page draws no other ones.
    pub fn begin_attempt(&self, who: &Session, course: &str, version: u32) -> Result<OpenAttempt, Error> {
        if !who.is_person() {
            return Err(denied::people_only());
        }
        let who = self.still(who)?;
        let now = self.clock.now();
        let id = AttemptId::new(self.clock.as_ref(), &self.entropy)?;
        let mut seed = [0u8; 8];
        self.entropy.fill(&mut seed)?;
        let seed = i64::from_be_bytes(seed);
        self.command_as(&who.actor(), "begin attempt", |c| {
            let rule = rules::rules(&c.tx)?.into_iter().find(|r| r.course == course);
            let mine = learner(&c.tx, who.account)?;
            let rule = rule.filter(|r| r.roles.iter().any(|role| mine.roles.contains_key(role)));
            let rule = rule.ok_or_else(denied::not_assigned)?;
            if let Some(open) = open_attempt(&c.tx, who.account, course, now)?
                && open.version == version
            {
                return Ok(open);
            }
            let since = now.checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN).to_string();
            // Begun and left counts as well: whoever looks at the questions used an attempt.
            let begun: u32 = c.tx.query_row(
                "SELECT COUNT(*) FROM training_attempt WHERE account = ?1 AND course = ?2 AND julianday(begun_at) > julianday(?3)",
                params![who.account.as_bytes(), course, since],
                |r| r.get(0),
            )?;
            if begun >= rule.attempts_a_day {
                return Err(denied::no_attempts());
            }
            c.tx.execute(
                "INSERT INTO training_attempt (id, account, course, version, seed, begun_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![id.as_bytes(), who.account.as_bytes(), course, version, seed, c.now],
            )?;
            let facts = [
                ("attempt", id.to_string().into()),
                ("course", course.into()),
                ("version", version.into()),
                ("change", "begun".into()),
            ];
            c.log(Kind::TrainingAttempted, None, None, &facts);
            Ok(OpenAttempt { id, course: course.to_owned(), version, seed: seed.cast_unsigned() })
        })
    }

    /// The questions under way of this id.
    pub fn attempt_of(&self, who: &Session, id: AttemptId) -> Result<OpenAttempt, Error> {
        let db = self.db();
        let row: Option<(Vec<u8>, String, u32, i64, String, Option<String>)> = db
            .query_row(
                "SELECT account, course, version, seed, begun_at, ended_at FROM training_attempt WHERE id = ?1",
                params![id.as_bytes()],
                |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?)),
            )
            .optional()?;
        let (account, course, version, seed, begun, ended) = row.ok_or_else(denied::unknown)?;
        if account != who.account.as_bytes() {
            return Err(denied::unknown());
        }
        if ended.is_some() || self.clock.now().duration_since(times::parse(&begun)?) >= ATTEMPT {
            return Err(denied::attempt_over());
        }
        Ok(OpenAttempt { id, course, version, seed: seed.cast_unsigned() })
    }

    /// Records how an attempt ended; the gate knows it at once. Graded by the caller, on the server.
    pub fn end_attempt(&self, who: &Session, id: AttemptId, percent: u32, passed: bool) -> Result<(), Error> {
        let open = self.attempt_of(who, id)?;
        self.command_as(&who.actor(), "end attempt", |c| {
            let changed = c.tx.execute(
                "UPDATE training_attempt SET ended_at = ?2, percent = ?3, passed = ?4 WHERE id = ?1 AND ended_at IS NULL",
                params![id.as_bytes(), c.now, percent, passed],
            )?;
            if changed != 1 {
                return Err(denied::attempt_over());
            }
            let facts = [
                ("attempt", id.to_string().into()),
                ("course", open.course.as_str().into()),
                ("version", open.version.into()),
                ("change", "handed_in".into()),
                ("percent", percent.into()),
                ("passed", passed.into()),
            ];
            c.log(Kind::TrainingAttempted, None, None, &facts);
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Confirms the version in force of a policy.
    pub fn attest(&self, who: &Session, policy: &str, version: u32) -> Result<(), Error> {
        if !who.is_person() {
            return Err(denied::people_only());
        }
        let who = self.still(who)?;
        self.command_as(&who.actor(), "attest", |c| {
            let newest: Option<u32> = c.tx.query_row(
                "SELECT MAX(version) FROM training_policy WHERE policy = ?1",
                params![policy],
                |r| r.get(0),
            )?;
            if newest != Some(version) {
                return Err(denied::not_pending());
            }
            let new = c.tx.execute(
                "INSERT INTO training_attestation (account, policy, version, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                params![who.account.as_bytes(), policy, version, c.now],
            )?;
            if new == 1 {
                let facts = [("policy", policy.into()), ("version", version.into())];
                c.log(Kind::TrainingAttested, None, None, &facts);
            }
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Excuses somebody from a course until a time. Whoever asks was authorised on that account, so nobody excuses himself.
    pub fn waive(
        &self,
        by: &Actor,
        account: AccountId,
        course: &str,
        until: Timestamp,
        reason: &str,
    ) -> Result<WaiverId, Error> {
        check_reason(reason)?;
        let now = self.clock.now();
        if until <= now || until.duration_since(now) > MAX_WAIVER {
            return Err(denied::bad_waiver());
        }
        let id = WaiverId::new(self.clock.as_ref(), &self.entropy)?;
        let sealed = self.seal_own("training_waiver", id.as_bytes(), "reason", reason)?;
        self.command_as(by, "waive", |c| {
            assigned(&c.tx, account, course)?;
            if by.account() == Some(account) {
                return Err(crate::Denied::of_reason(callvault_policy::Reason::OwnAccount).into());
            }
            c.tx.execute(
                "INSERT INTO training_waiver (id, account, course, from_at, until, sealed_reason, given_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    id.as_bytes(),
                    account.as_bytes(),
                    course,
                    c.now,
                    until.to_string(),
                    sealed,
                    by.to_string()
                ],
            )?;
            let facts = [
                ("waiver", id.to_string().into()),
                ("account", account.to_string().into()),
                ("course", course.into()),
                ("until", until.to_string().into()),
            ];
            c.log(Kind::TrainingWaived, None, None, &facts);
            Ok(())
        })?;
        self.live.bump();
        Ok(id)
    }

    /// Takes a waiver back at once.
    pub fn end_waiver(&self, by: &Actor, id: WaiverId) -> Result<(), Error> {
        self.command_as(by, "end waiver", |c| {
            let changed = c.tx.execute(
                "UPDATE training_waiver SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL",
                params![id.as_bytes(), c.now],
            )?;
            if changed != 1 {
                return Err(denied::unknown());
            }
            let facts = [("waiver", id.to_string().into()), ("change", "ended".into())];
            c.log(Kind::TrainingWaived, None, None, &facts);
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Asks somebody to take a course again; earlier passes count no more. Without days the gate closes at once.
    pub fn recall(
        &self,
        by: &Actor,
        account: AccountId,
        course: &str,
        days: u32,
        reason: &str,
    ) -> Result<(), Error> {
        check_reason(reason)?;
        if days > MAX_RECALL_DAYS {
            return Err(denied::bad_rule());
        }
        let id = WaiverId::new(self.clock.as_ref(), &self.entropy)?;
        let sealed = self.seal_own("training_recall", id.as_bytes(), "reason", reason)?;
        self.command_as(by, "recall", |c| {
            assigned(&c.tx, account, course)?;
            c.tx.execute(
                "INSERT INTO training_recall (id, account, course, at, days, sealed_reason, asked_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![id.as_bytes(), account.as_bytes(), course, c.now, days, sealed, by.to_string()],
            )?;
            let facts =
                [("account", account.to_string().into()), ("course", course.into()), ("days", days.into())];
            c.log(Kind::TrainingRecalled, None, None, &facts);
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Sets somebody's first day; due dates count from it.
    pub fn set_started_on(&self, by: &Actor, account: AccountId, day: Date) -> Result<(), Error> {
        let (start, now) = (start_of(day)?, self.clock.now());
        let years = start.duration_since(now).as_hours() / 24;
        if !(-60 * 366..=366).contains(&years) {
            return Err(denied::bad_day());
        }
        self.command_as(by, "first day", |c| {
            c.tx.execute(
                "INSERT INTO training_person (account, started_on, set_at, set_by) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (account) DO UPDATE SET started_on = excluded.started_on, set_at = excluded.set_at,
                   set_by = excluded.set_by",
                params![account.as_bytes(), day.to_string(), c.now, by.to_string()],
            )?;
            let facts = [("account", account.to_string().into()), ("started_on", day.to_string().into())];
            c.log(Kind::TrainingRuled, None, None, &facts);
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Attempts, newest first; those of one account where one is named.
    pub fn attempts(&self, of: Option<AccountId>) -> Result<Vec<AttemptRow>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT id, account, course, version, begun_at, ended_at, percent, passed FROM training_attempt
             WHERE account = ?1 OR ?1 IS NULL ORDER BY id DESC LIMIT 100000",
        )?;
        let mut rows = statement.query(params![of.map(|id| id.as_bytes().to_vec())])?;
        let mut out = Vec::new();
        while let Some(r) = rows.next()? {
            out.push(AttemptRow {
                id: id_of(&r.get::<_, Vec<u8>>(0)?)?,
                account: id_of(&r.get::<_, Vec<u8>>(1)?)?,
                course: r.get(2)?,
                version: r.get(3)?,
                begun_at: r.get(4)?,
                ended_at: r.get(5)?,
                percent: r.get(6)?,
                passed: r.get(7)?,
            });
        }
        Ok(out)
    }

    /// Waivers, newest first.
    pub fn waivers(&self) -> Result<Vec<WaiverRow>, Error> {
        type Raw = (Vec<u8>, Vec<u8>, String, String, String, Vec<u8>, String, Option<String>);
        let rows: Vec<Raw> = {
            let db = self.db();
            let mut statement = db.prepare_cached(
                "SELECT id, account, course, from_at, until, sealed_reason, given_by, ended_at FROM training_waiver
                 ORDER BY id DESC LIMIT 10000",
            )?;
            let rows = statement.query_map([], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?, r.get(6)?, r.get(7)?))
            })?;
            rows.collect::<Result<_, _>>()?
        };
        rows.into_iter()
            .map(|(id, account, course, from_at, until, sealed, by, ended_at)| {
                let reason = self.open_own("training_waiver", &id, "reason", &sealed)?;
                let (id, account) = (id_of(&id)?, id_of(&account)?);
                Ok(WaiverRow { id, account, course, from_at, until, reason, by, ended_at })
            })
            .collect()
    }

    /// Says in the ledger that the evidence of training was taken out.
    pub fn log_training_export(&self, by: &Actor, rows: usize, form: &str) -> Result<(), Error> {
        self.command_as(by, "export training", |c| {
            let facts = [("rows", rows.into()), ("form", form.into())];
            c.log(Kind::TrainingExported, None, None, &facts);
            Ok(())
        })
    }
}

fn open_attempt(
    db: &Connection,
    account: AccountId,
    course: &str,
    now: Timestamp,
) -> Result<Option<OpenAttempt>, Error> {
    let row: Option<(Vec<u8>, u32, i64, String)> = db
        .query_row(
            "SELECT id, version, seed, begun_at FROM training_attempt
             WHERE account = ?1 AND course = ?2 AND ended_at IS NULL ORDER BY id DESC LIMIT 1",
            params![account.as_bytes(), course],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
        )
        .optional()?;
    let Some((id, version, seed, begun)) = row else { return Ok(None) };
    if now.duration_since(times::parse(&begun)?) >= ATTEMPT {
        return Ok(None);
    }
    Ok(Some(OpenAttempt { id: id_of(&id)?, course: course.to_owned(), version, seed: seed.cast_unsigned() }))
}

/// Refuses courses that are not asked of this account.
fn assigned(db: &Connection, account: AccountId, course: &str) -> Result<(), Error> {
    let all = training::standings(&rules::rules(db)?, &learner(db, account)?, Timestamp::MIN);
    if all.iter().any(|s| s.course == course) { Ok(()) } else { Err(denied::not_assigned()) }
}

//! Who needs which course, and the policies that people confirm. A vault comes with rules; each can be changed.

use super::SINCE;
use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Error, Vault, denied, times};
use callvault_ledger::Kind;
use callvault_policy::{
    Act, Role,
    training::{GATED, Renewal, Rule, Wanted},
};
use callvault_seal::Sha256;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;

/// Whoever handles what people said.
const CONTENT: &[Role] = &[Role::Agent, Role::Supervisor, Role::Qa, Role::Compliance, Role::PrivacyOfficer];
/// Everybody who signs in.
const EVERYBODY: &[Role] = &[
    Role::Agent,
    Role::Supervisor,
    Role::Qa,
    Role::Compliance,
    Role::PrivacyOfficer,
    Role::IncidentLead,
    Role::DisposalOfficer,
    Role::Auditor,
    Role::Admin,
];
/// The rules a vault comes with: course and roles. PCI DSS 12.6.3 wants training on hire and every 12 months.
const SHIPPED: &[(&str, &[Role])] = &[
    ("payment-calls", CONTENT),
    ("health-data", CONTENT),
    ("pretenders", &[Role::Agent, Role::Supervisor]),
    ("inside-pressure", EVERYBODY),
    ("clean-desk", EVERYBODY),
    ("report-incident", EVERYBODY),
];
const BOUND: &[Act] = &[Act::PlayMuted, Act::RequestReveal, Act::Reveal];
const DUE_DAYS: u32 = 7;
const GRACE_DAYS: u32 = 3;
const HOLDS_DAYS: u32 = 365;
const ATTEMPTS: u32 = 3;
const MAX_POLICY: usize = 40_000;

/// A rule with who changed it; `None` for one the vault came with.
#[derive(Debug, Clone, Serialize)]
pub struct RuleRow {
    /// The rule as it is judged.
    #[serde(flatten)]
    pub rule: Rule,
    /// When it was changed, RFC 3339.
    pub changed_at: Option<String>,
    /// Who changed it, as the ledger names them.
    pub changed_by: Option<String>,
}

/// A rule as it shall be.
#[derive(Debug, Clone)]
pub struct NewRule {
    /// The course.
    pub course: String,
    /// The version from which on passes count.
    pub version: u32,
    /// Whom it concerns; nobody takes the rule out of force.
    pub roles: BTreeSet<Role>,
    /// What they may not do without it.
    pub acts: BTreeSet<Act>,
    /// Days in which a new person passes.
    pub due_days: u32,
    /// Further days of grace.
    pub grace_days: u32,
    /// How long a pass holds.
    pub renewal: Renewal,
    /// Attempts within 24 hours.
    pub attempts_a_day: u32,
    /// A policy that has to be confirmed besides.
    pub policy: Option<String>,
}

/// A published policy.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyText {
    /// Its name.
    pub policy: String,
    /// Its version in force.
    pub version: u32,
    /// What it says.
    pub text: String,
    /// When it was published.
    pub published_at: String,
}

fn shipped(db: &Connection) -> Result<Vec<RuleRow>, Error> {
    let since: Option<String> =
        db.query_row("SELECT value FROM meta WHERE key = ?1", params![SINCE], |r| r.get(0)).optional()?;
    let since = since.map_or(Ok(Timestamp::MIN), |t| times::parse(&t))?;
    let rule = |(course, roles): &(&str, &[Role])| Rule {
        course: (*course).to_owned(),
        version: 1,
        roles: roles.iter().copied().collect(),
        acts: BOUND.iter().copied().collect(),
        due_days: DUE_DAYS,
        grace_days: GRACE_DAYS,
        renewal: Renewal::Days(HOLDS_DAYS),
        attempts_a_day: ATTEMPTS,
        policy: None,
        since,
    };
    Ok(SHIPPED.iter().map(|s| RuleRow { rule: rule(s), changed_at: None, changed_by: None }).collect())
}

/// All rules, those that somebody changed in the place of those the vault came with.
pub(super) fn rows(db: &Connection) -> Result<Vec<RuleRow>, Error> {
    let mut out = shipped(db)?;
    let mut statement = db.prepare_cached(
        "SELECT course, version, roles, acts, due_days, grace_days, renewal, attempts_a_day, policy, since, changed_at,
                changed_by FROM training_rule ORDER BY course",
    )?;
    let mut rows = statement.query([])?;
    while let Some(r) = rows.next()? {
        let (roles, acts, renewal): (String, String, String) = (r.get(2)?, r.get(3)?, r.get(6)?);
        let rule = Rule {
            course: r.get(0)?,
            version: r.get(1)?,
            roles: roles.split_whitespace().filter_map(|r| r.parse().ok()).collect(),
            acts: acts.split_whitespace().filter_map(Act::parse).collect(),
            due_days: r.get(4)?,
            grace_days: r.get(5)?,
            renewal: parse_renewal(&renewal).ok_or(Error::Corrupt("a renewal that is none"))?,
            attempts_a_day: r.get(7)?,
            policy: wanted(db, r.get(8)?)?,
            since: times::parse(&r.get::<_, String>(9)?)?,
        };
        let row = RuleRow { rule, changed_at: Some(r.get(10)?), changed_by: Some(r.get(11)?) };
        match out.iter_mut().find(|known| known.rule.course == row.rule.course) {
            Some(known) => *known = row,
            None => out.push(row),
        }
    }
    Ok(out)
}

pub(super) fn rules(db: &Connection) -> Result<Vec<Rule>, Error> {
    Ok(rows(db)?.into_iter().map(|r| r.rule).collect())
}

/// The version of a policy that is in force.
fn wanted(db: &Connection, policy: Option<String>) -> Result<Option<Wanted>, Error> {
    let Some(policy) = policy else { return Ok(None) };
    let row: Option<(u32, String)> = db
        .prepare_cached(
            "SELECT version, published_at FROM training_policy WHERE policy = ?1 ORDER BY version DESC LIMIT 1",
        )?
        .query_row(params![policy], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    row.map(|(version, at)| Ok(Wanted { policy, version, since: times::parse(&at)? })).transpose()
}

/// As the column holds it: `days:365` or `yearly:1-31`.
fn renewal_text(renewal: Renewal) -> String {
    match renewal {
        Renewal::Days(days) => format!("days:{days}"),
        Renewal::Yearly(month, day) => format!("yearly:{month}-{day}"),
    }
}

fn parse_renewal(text: &str) -> Option<Renewal> {
    if let Some(days) = text.strip_prefix("days:") {
        return days.parse().ok().map(Renewal::Days);
    }
    let (month, day) = text.strip_prefix("yearly:")?.split_once('-')?;
    Some(Renewal::Yearly(month.parse().ok()?, day.parse().ok()?))
}

fn sound(rule: &NewRule) -> bool {
    let renewal = match rule.renewal {
        Renewal::Days(days) => (1..=1_825).contains(&days),
        Renewal::Yearly(month, day) => jiff::civil::Date::new(2028, month, day).is_ok(),
    };
    renewal
        && rule.version > 0
        && rule.due_days <= 365
        && rule.grace_days <= 365
        && (1..=20).contains(&rule.attempts_a_day)
        && rule.acts.iter().all(|a| GATED.contains(a))
        && !rule.roles.contains(&Role::Service)
}

impl Vault {
    /// Changes who needs a course and for what. Whether the course exists is for the caller to know.
    pub fn set_training_rule(&self, by: &Actor, rule: &NewRule) -> Result<(), Error> {
        if !sound(rule) {
            return Err(denied::bad_rule());
        }
        let roles = rule.roles.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(" ");
        let acts = rule.acts.iter().map(|a| a.as_str()).collect::<Vec<_>>().join(" ");
        self.command_as(by, "training rule", |c| {
            let known: Option<Rule> = rules(&c.tx)?.into_iter().find(|r| r.course == rule.course);
            // Stricter terms do not begin anew: only roles that were not asked before get time from now on.
            let since = match &known {
                Some(old) if rule.roles.is_subset(&old.roles) => old.since.to_string(),
                _ => c.now.clone(),
            };
            if let Some(policy) = &rule.policy
                && wanted(&c.tx, Some(policy.clone()))?.is_none()
            {
                return Err(denied::unknown());
            }
            c.tx.execute(
                "INSERT INTO training_rule (course, version, roles, acts, due_days, grace_days, renewal, attempts_a_day,
                                            policy, since, changed_at, changed_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT (course) DO UPDATE SET version = excluded.version, roles = excluded.roles,
                   acts = excluded.acts, due_days = excluded.due_days, grace_days = excluded.grace_days,
                   renewal = excluded.renewal, attempts_a_day = excluded.attempts_a_day, policy = excluded.policy,
                   since = excluded.since, changed_at = excluded.changed_at, changed_by = excluded.changed_by",
                params![
                    rule.course, rule.version, roles, acts, rule.due_days, rule.grace_days,
                    renewal_text(rule.renewal), rule.attempts_a_day, rule.policy, since, c.now, by.to_string()
                ],
            )?;
            c.log(
                Kind::TrainingRuled,
                None,
                None,
                &[
                    ("course", rule.course.as_str().into()),
                    ("version", rule.version.into()),
                    ("roles", roles.as_str().into()),
                    ("acts", acts.as_str().into()),
                    ("due_days", rule.due_days.into()),
                    ("grace_days", rule.grace_days.into()),
                    ("renewal", renewal_text(rule.renewal).into()),
                    ("policy", rule.policy.as_deref().unwrap_or("").into()),
                ],
            );
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Publishes a policy, or its next version; returns the version. Rules that name it want it confirmed.
    pub fn publish_policy(&self, by: &Actor, policy: &str, text: &str) -> Result<u32, Error> {
        let name = !policy.is_empty()
            && policy.len() <= 40
            && policy.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let body = (20..=MAX_POLICY).contains(&text.len())
            && !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        if !name || !body {
            return Err(denied::bad_rule());
        }
        let mut hash = Sha256::new();
        hash.update(text.as_bytes());
        let hash = crate::hex(&hash.finish());
        let sealed = self.seal_own("training_policy", policy.as_bytes(), "text", text)?;
        let version = self.command_as(by, "publish policy", |c| {
            let last: u32 = c.tx.query_row(
                "SELECT COALESCE(MAX(version), 0) FROM training_policy WHERE policy = ?1",
                params![policy],
                |r| r.get(0),
            )?;
            let version = last.saturating_add(1);
            c.tx.execute(
                "INSERT INTO training_policy (policy, version, sealed_text, sha256, published_at, published_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![policy, version, sealed, hash, c.now, by.to_string()],
            )?;
            let facts =
                [("policy", policy.into()), ("version", version.into()), ("sha256", hash.as_str().into())];
            c.log(Kind::TrainingRuled, None, None, &facts);
            Ok(version)
        })?;
        self.live.bump();
        Ok(version)
    }

    /// The policies in force.
    pub fn policies(&self) -> Result<Vec<PolicyText>, Error> {
        let rows: Vec<(String, u32, Vec<u8>, String)> = {
            let db = self.db();
            let mut statement = db.prepare_cached(
                "SELECT policy, version, sealed_text, published_at FROM training_policy t
                 WHERE version = (SELECT MAX(version) FROM training_policy x WHERE x.policy = t.policy) ORDER BY policy",
            )?;
            let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        rows.into_iter()
            .map(|(policy, version, sealed, published_at)| {
                let text = self.open_own("training_policy", policy.as_bytes(), "text", &sealed)?;
                Ok(PolicyText { policy, version, text, published_at })
            })
            .collect()
    }
}

//! Accounts, sessions, keys of services, rights for a while and holds, without a name and without a secret.

use super::id_text;
use crate::Error;
use crate::db::{Connection, Value};
use serde::{Deserialize, Serialize};

/// Rows read at most; a centre has hundreds.
const MOST: usize = 100_000;

/// One account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// `person` or `service`.
    pub kind: String,
    /// `invited`, `active`, `suspended`, `revoked`.
    pub state: String,
    /// What it may do.
    pub roles: Vec<String>,
    /// The scheme and cost of the password hash (`argon2id$v=19$m=…`), never the hash.
    pub password: Option<String>,
    /// One-time codes are enrolled.
    pub totp: bool,
    /// Passkeys enrolled.
    pub passkeys: u64,
    /// Recovery codes not used up.
    pub recovery_codes: u64,
    /// Failed sign-ins since the last good one.
    pub failures: u64,
    /// Until when it is locked.
    pub locked_until: Option<String>,
    /// Since when.
    pub created_at: String,
    /// Last seen.
    pub last_seen_at: Option<String>,
    /// Last confirmed.
    pub reviewed_at: Option<String>,
    /// Whether the account confirmed itself.
    pub reviewed_self: bool,
}

/// One session that is not ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Whose.
    pub account: String,
    /// Since when.
    pub created_at: String,
    /// Last used.
    pub last_seen_at: String,
}

/// One key of a service that is not revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: String,
    /// Whose.
    pub account: String,
    /// What it may do, as stored.
    pub scopes: String,
    /// Since when.
    pub created_at: String,
    /// Until when.
    pub expires_at: String,
    /// Last used.
    pub last_used_at: Option<String>,
}

/// One right for a while.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: String,
    /// For whom.
    pub account: String,
    /// What.
    pub act: String,
    /// `requested`, `active`, …
    pub state: String,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Until when.
    pub ends_at: Option<String>,
}

/// One legal hold that is not released.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id.
    pub id: String,
    /// Whether somebody answers for it.
    pub owned: bool,
    /// Since when.
    pub placed_at: String,
    /// When somebody looks at it again.
    pub review_at: String,
}

pub(super) fn accounts(db: &Connection) -> Result<Vec<Account>, Error> {
    let (failures, locked) = failures(db)?;
    let mut statement = db.prepare(&format!(
        "SELECT a.id, a.kind, a.state, a.password, a.sealed_totp IS NOT NULL, {failures}, {locked}, a.created_at,
            a.last_seen_at, a.reviewed_at, a.reviewed_by,
            (SELECT COUNT(*) FROM passkey p WHERE p.account = a.id),
            (SELECT COUNT(*) FROM recovery_code r WHERE r.account = a.id AND r.used_at IS NULL),
            (SELECT STRING_AGG(r.role, ' ') FROM account_role r WHERE r.account = a.id)
         FROM account a ORDER BY a.id",
    ))?;
    let rows = statement.query_map([], |r| {
        let id = id_text(&r.get::<_, Vec<u8>>(0)?);
        let reviewer: Option<String> = r.get(10)?;
        let roles: Option<String> = r.get(13)?;
        let mut roles: Vec<String> = roles.iter().flat_map(|s| s.split(' ')).map(str::to_owned).collect();
        roles.sort();
        Ok(Account {
            kind: r.get(1)?,
            state: r.get(2)?,
            password: r.get::<_, Option<String>>(3)?.map(|p| cost(&p)),
            totp: r.get(4)?,
            failures: r.get::<_, i64>(5)?.unsigned_abs(),
            locked_until: moment(r.get(6)?),
            created_at: r.get(7)?,
            last_seen_at: r.get(8)?,
            reviewed_at: r.get(9)?,
            reviewed_self: reviewer.is_some_and(|by| by.contains(&id)),
            passkeys: r.get::<_, i64>(11)?.unsigned_abs(),
            recovery_codes: r.get::<_, i64>(12)?.unsigned_abs(),
            roles,
            id,
        })
    })?;
    Ok(rows.take(MOST).collect::<Result<_, _>>()?)
}

/// A time that stands as seconds since 1970, or, in a vault of an older version, as text.
fn moment(stored: Value) -> Option<String> {
    match stored {
        Value::Integer(seconds) => Some(jiff::Timestamp::from_second(seconds).ok()?.to_string()),
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Where failed sign-ins are counted: by login, so that unknown logins count like known ones, or with the account.
fn failures(db: &Connection) -> Result<(&'static str, &'static str), Error> {
    Ok(if db.has_table("signin_failure")? {
        (
            "COALESCE((SELECT f.failures FROM signin_failure f WHERE f.login_index = a.login_index), 0)",
            "(SELECT f.locked_until FROM signin_failure f WHERE f.login_index = a.login_index)",
        )
    } else {
        ("a.failures", "a.locked_until")
    })
}

/// The parameters of a PHC string, without salt and hash.
fn cost(phc: &str) -> String {
    let kept: Vec<&str> = phc.split('$').skip(1).take(3).collect();
    match kept.as_slice() {
        [scheme, version, cost] if cost.contains('=') => format!("{scheme}${version}${cost}"),
        [scheme, ..] if scheme.len() <= 16 => (*scheme).to_owned(),
        _ => "unknown".to_owned(),
    }
}

pub(super) fn sessions(db: &Connection) -> Result<Vec<SessionRow>, Error> {
    let mut statement = db.prepare(
        "SELECT account, created_at, last_seen_at FROM session WHERE ended_at IS NULL ORDER BY created_at",
    )?;
    let rows = statement.query_map([], |r| {
        Ok(SessionRow {
            account: id_text(&r.get::<_, Vec<u8>>(0)?),
            created_at: r.get(1)?,
            last_seen_at: r.get(2)?,
        })
    })?;
    Ok(rows.take(MOST).collect::<Result<_, _>>()?)
}

pub(super) fn api_keys(db: &Connection) -> Result<Vec<ApiKey>, Error> {
    let mut statement = db.prepare(
        "SELECT id, account, scopes, created_at, expires_at, last_used_at FROM api_key WHERE revoked_at IS NULL ORDER BY id",
    )?;
    let rows = statement.query_map([], |r| {
        Ok(ApiKey {
            id: id_text(&r.get::<_, Vec<u8>>(0)?),
            account: id_text(&r.get::<_, Vec<u8>>(1)?),
            scopes: r.get(2)?,
            created_at: r.get(3)?,
            expires_at: r.get(4)?,
            last_used_at: r.get(5)?,
        })
    })?;
    Ok(rows.take(MOST).collect::<Result<_, _>>()?)
}

pub(super) fn grants(db: &Connection) -> Result<Vec<Grant>, Error> {
    let mut statement = db.prepare(
        "SELECT id, account, act, state, decided_by, ends_at FROM access_grant WHERE revoked_at IS NULL ORDER BY id",
    )?;
    let rows = statement.query_map([], |r| {
        Ok(Grant {
            id: id_text(&r.get::<_, Vec<u8>>(0)?),
            account: id_text(&r.get::<_, Vec<u8>>(1)?),
            act: r.get(2)?,
            state: r.get(3)?,
            decided_by: r.get::<_, Option<Vec<u8>>>(4)?.map(|b| id_text(&b)),
            ends_at: r.get(5)?,
        })
    })?;
    Ok(rows.take(MOST).collect::<Result<_, _>>()?)
}

pub(super) fn holds(db: &Connection) -> Result<Vec<Hold>, Error> {
    let mut statement = db.prepare(
        "SELECT id, owner <> '', placed_at, review_at FROM hold WHERE released_at IS NULL ORDER BY id",
    )?;
    let rows = statement.query_map([], |r| {
        Ok(Hold {
            id: id_text(&r.get::<_, Vec<u8>>(0)?),
            owned: r.get(1)?,
            placed_at: r.get(2)?,
            review_at: r.get(3)?,
        })
    })?;
    Ok(rows.take(MOST).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::cost;

    #[test]
    fn only_the_parameters_of_a_password_hash_are_shown() {
        assert_eq!(cost("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"), "argon2id$v=19$m=19456,t=2,p=1");
        assert_eq!(cost("$2b$12$abcdefghijklmnopqrstuv"), "2b");
        assert_eq!(cost("hunter2"), "unknown");
    }
}

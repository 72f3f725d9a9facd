//! Keys of machines: scoped, expiring, revocable at once; only a hash is kept.

use crate::db::{OptionalExtension, params};
use crate::{
    Actor, Error, Session, Vault,
    accounts::{self, AccountState},
    denied,
    keys::id_of,
    sessions::{self, Credential},
    times,
};
use callvault_ledger::{Kind, Value};
use callvault_model::{
    Secret,
    id::{AccountId, ApiKeyId},
};
use callvault_policy::{Act, Role, factor::token};
use jiff::SignedDuration;
use serde::Serialize;
use std::collections::BTreeSet;

/// The longest life of a key.
pub const MAX_DAYS: u32 = 365;
/// Keys one service may have that still work.
const MAX_KEYS: i64 = 20;

/// One key, without itself.
#[derive(Debug, Clone, Serialize)]
pub struct ApiKeyRow {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose.
    pub account: AccountId,
    /// What it is for.
    pub scopes: BTreeSet<Act>,
    /// When it was made.
    pub created_at: String,
    /// When it ends.
    pub expires_at: String,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<String>,
}

impl Vault {
    /// An account for a machine. It has no way to sign in but keys.
    pub fn make_service(&self, by: &Actor, login: &str, name: &str) -> Result<AccountId, Error> {
        self.command_as(by, "make service", |c| {
            self.insert_account(c, &by.to_string(), "service", login, name, &BTreeSet::from([Role::Service]))
        })
    }

    /// A key, shown once.
    pub fn make_api_key(
        &self,
        by: &Actor,
        account: AccountId,
        scopes: &BTreeSet<Act>,
        days: u32,
    ) -> Result<(ApiKeyId, Secret<String>), Error> {
        if scopes.is_empty() || !(1..=MAX_DAYS).contains(&days) {
            return Err(denied::bad_days());
        }
        let (key, hash) = token::make(token::Kind::ApiKey, &self.entropy)?;
        let id = ApiKeyId::new(self.clock.as_ref(), &self.entropy)?;
        let codes = scopes.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" ");
        let ends =
            times::after(self.clock.now(), SignedDuration::from_hours(i64::from(days) * 24)).to_string();
        self.command_as(by, "make API key", |c| {
            let (service, many): (bool, i64) = c.tx.query_row(
                "SELECT EXISTS (SELECT 1 FROM account WHERE id = ?1 AND kind = 'service'),
                        (SELECT COUNT(*) FROM api_key WHERE account = ?1 AND revoked_at IS NULL)",
                params![account.as_bytes()],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )?;
            if !service || accounts::state(&c.tx, account)? != AccountState::Active {
                return Err(denied::account_state());
            }
            if many >= MAX_KEYS {
                return Err(denied::too_many());
            }
            c.tx.execute(
                "INSERT INTO api_key (id, hash, account, scopes, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![id.as_bytes(), hash, account.as_bytes(), codes, c.now, ends],
            )?;
            let facts: [(&str, Value); 4] = [
                ("account", account.to_string().into()),
                ("change", "key_made".into()),
                ("key", id.to_string().into()),
                ("scopes", codes.as_str().into()),
            ];
            c.log(Kind::FactorChanged, None, None, &facts);
            Ok(())
        })?;
        Ok((id, key))
    }

    /// Revokes a key at once.
    pub fn revoke_api_key(&self, by: &Actor, id: ApiKeyId) -> Result<(), Error> {
        self.command_as(by, "revoke API key", |c| {
            let changed = c.tx.execute(
                "UPDATE api_key SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
                params![id.as_bytes(), c.now],
            )?;
            if changed != 1 {
                return Err(denied::unknown());
            }
            c.log(
                Kind::FactorChanged,
                None,
                None,
                &[("change", "key_revoked".into()), ("key", id.to_string().into())],
            );
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Whoever presents this key; a refusal of an unknown one tells nothing.
    pub fn api_key(&self, presented: &str) -> Result<Session, Error> {
        let hash = token::hash(token::Kind::ApiKey, presented).ok_or_else(denied::key_refused)?;
        let id: Option<Vec<u8>> = self
            .db()
            .query_row("SELECT id FROM api_key WHERE hash = ?1", params![hash], |r| r.get(0))
            .optional()?;
        let id: ApiKeyId = id_of(&id.ok_or_else(denied::key_refused)?)?;
        self.key_session(id)?.ok_or_else(denied::key_refused)
    }

    /// The session of a key that still works; notes its use once a minute.
    pub(crate) fn key_session(&self, id: ApiKeyId) -> Result<Option<Session>, Error> {
        let now = self.clock.now();
        let (session, last_used) = {
            let db = self.reads();
            let row: Option<(Vec<u8>, String, String, String, Option<String>)> = db
                .prepare_cached(
                    "SELECT k.account, k.scopes, k.created_at, k.expires_at, k.last_used_at FROM api_key k
                     JOIN account a ON a.id = k.account WHERE k.id = ?1 AND k.revoked_at IS NULL AND a.state = 'active'",
                )?
                .query_row(params![id.as_bytes()], |r| {
                    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
                })
                .optional()?;
            let Some((account, scopes, created, expires, used)) = row else { return Ok(None) };
            if now >= times::parse(&expires)? {
                return Ok(None);
            }
            let account = id_of(&account)?;
            let credential = Credential::Key(id);
            let session = Session {
                mark: credential.mark(),
                credential,
                account,
                roles: std::sync::Arc::new(sessions::roles_of(&db, account)?),
                aal: 1,
                factor_at: times::parse(&created)?,
                created_at: times::parse(&created)?,
                // A scope of a newer version is no right here.
                scopes: Some(scopes.split(' ').filter_map(Act::parse).collect()),
            };
            (session, used)
        };
        let stale = match last_used {
            Some(at) => now.duration_since(times::parse(&at)?) >= SignedDuration::from_mins(1),
            None => true,
        };
        if stale {
            self.command("use API key", |c| {
                c.tx.execute(
                    "UPDATE api_key SET last_used_at = ?2 WHERE id = ?1",
                    params![id.as_bytes(), c.now],
                )?;
                Ok(())
            })?;
        }
        Ok(Some(session))
    }

    /// All keys, newest first.
    pub fn api_keys(&self) -> Result<Vec<ApiKeyRow>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT id, account, scopes, created_at, expires_at, revoked_at, last_used_at FROM api_key ORDER BY id DESC",
        )?;
        let rows = statement.query_map([], |r| {
            Ok((
                (r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?, r.get::<_, String>(2)?),
                (r.get(3)?, r.get(4)?, r.get(5)?, r.get(6)?),
            ))
        })?;
        rows.map(|row| {
            let ((id, account, scopes), (created_at, expires_at, revoked_at, last_used_at)) = row?;
            Ok(ApiKeyRow {
                id: id_of(&id)?,
                account: id_of(&account)?,
                scopes: scopes.split(' ').filter_map(Act::parse).collect(),
                created_at,
                expires_at,
                revoked_at,
                last_used_at,
            })
        })
        .collect()
    }
}

//! Stopping a person in one act because of an incident, and letting them in again.

use crate::db::{OptionalExtension, params};
use crate::{
    Actor, Error, Refused, Vault,
    accounts::{self, AccountState},
    denied,
    keys::id_of,
    sessions,
};
use callvault_ledger::Kind;
use callvault_model::id::{AccountId, IncidentId};
use serde::Serialize;

/// Somebody who was stopped.
#[derive(Debug, Clone, Serialize)]
pub struct FrozenRow {
    /// Whom.
    pub account: AccountId,
    /// RFC 3339.
    pub at: String,
    /// By whom.
    pub by: String,
    /// RFC 3339; absent while it holds.
    pub thawed_at: Option<String>,
    /// By whom.
    pub thawed_by: Option<String>,
}

impl Vault {
    /// Command *freeze*: the account is suspended, its sessions end, its rights for a while and open reveals are taken
    /// away, all at once.
    pub fn freeze(&self, by: &Actor, incident: IncidentId, account: AccountId) -> Result<(), Error> {
        self.command_as(by, "freeze", |c| {
            super::cases::living(&c.tx, incident)?;
            match accounts::state(&c.tx, account)? {
                AccountState::Active | AccountState::Invited => {}
                _ => return Err(denied::account_state()),
            }
            accounts::keep_an_admin(&c.tx, account)?;
            let ended = sessions::end_all(c, account, "frozen")?;
            c.tx.execute("DELETE FROM invite WHERE account = ?1", params![account.as_bytes()])?;
            let grants = c.tx.execute(
                "UPDATE access_grant SET state = 'revoked', revoked_at = ?2 WHERE account = ?1 AND state IN ('requested', 'active')",
                params![account.as_bytes(), c.now],
            )?;
            c.tx.execute(
                "UPDATE reveal_request SET state = 'refused', decided_at = ?2 WHERE account = ?1 AND state IN ('pending', 'approved')",
                params![account.as_bytes(), c.now],
            )?;
            accounts::set_state(c, account, AccountState::Suspended, "frozen")?;
            c.tx.execute(
                "INSERT INTO frozen (incident, account, at, by) VALUES (?1, ?2, ?3, ?4)",
                params![incident.as_bytes(), account.as_bytes(), c.now, by.to_string()],
            )?;
            let facts = [
                ("incident", incident.to_string().into()),
                ("account", account.to_string().into()),
                ("sessions", ended.into()),
                ("grants", grants.into()),
            ];
            c.log(Kind::AccountFrozen, None, None, &facts);
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Command *thaw*: undoes a freeze of this incident. Rights that were taken away are asked for again.
    pub fn thaw(&self, by: &Actor, incident: IncidentId, account: AccountId) -> Result<(), Error> {
        self.command_as(by, "thaw", |c| {
            let at: Option<String> = c
                .tx
                .query_row(
                    "SELECT at FROM frozen WHERE incident = ?1 AND account = ?2 AND thawed_at IS NULL",
                    params![incident.as_bytes(), account.as_bytes()],
                    |r| r.get(0),
                )
                .optional()?;
            let at = at.ok_or(Refused::Unknown("frozen person"))?;
            if accounts::state(&c.tx, account)? != AccountState::Suspended {
                return Err(denied::account_state());
            }
            let to = if accounts::has_factor(&c.tx, account)? {
                AccountState::Active
            } else {
                AccountState::Invited
            };
            accounts::set_state(c, account, to, "thawed")?;
            c.tx.execute(
                "UPDATE frozen SET thawed_at = ?4, thawed_by = ?5 WHERE incident = ?1 AND account = ?2 AND at = ?3",
                params![incident.as_bytes(), account.as_bytes(), at, c.now, by.to_string()],
            )?;
            let facts =
                [("incident", incident.to_string().into()), ("account", account.to_string().into())];
            c.log(Kind::AccountThawed, None, None, &facts);
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Who was stopped because of an incident, oldest first.
    pub fn frozen(&self, incident: IncidentId) -> Result<Vec<FrozenRow>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT account, at, by, thawed_at, thawed_by FROM frozen WHERE incident = ?1 ORDER BY at",
        )?;
        let rows = statement
            .query_map(params![incident.as_bytes()], |r| {
                Ok((r.get::<_, Vec<u8>>(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter()
            .map(|(account, at, by, thawed_at, thawed_by)| {
                Ok(FrozenRow { account: id_of(&account)?, at, by, thawed_at, thawed_by })
            })
            .collect()
    }
}

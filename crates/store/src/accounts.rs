//! Accounts: invited by a link that works once for 24 hours, given roles, suspended, revoked, reviewed.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Command, Error, Vault, denied, keys::id_of, sessions, sign_in::normal_login, times};
use callvault_ledger::{Kind, Value};
use callvault_model::{Secret, id::AccountId};
use callvault_policy::{Role, factor::token};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;

/// How long an invitation works.
pub const INVITE: SignedDuration = SignedDuration::from_hours(24);
/// Accounts a vault holds at most.
const MAX_ACCOUNTS: i64 = 10_000;

/// Where an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// A link was made and not used yet.
    Invited,
    /// May sign in.
    Active,
    /// May not sign in until restored.
    Suspended,
    /// Over for good.
    Revoked,
}

impl AccountState {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }

    fn parse(name: &str) -> Result<Self, Error> {
        [Self::Invited, Self::Active, Self::Suspended, Self::Revoked]
            .into_iter()
            .find(|s| s.as_str() == name)
            .ok_or(Error::Corrupt("an unknown state of an account"))
    }
}

/// One account, as the people page shows it.
#[derive(Debug, Clone, Serialize)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// A person, or a machine.
    pub service: bool,
    /// Where it stands.
    pub state: AccountState,
    /// What it signs in with.
    pub login: String,
    /// Whose it is.
    pub name: String,
    /// Its roles.
    pub roles: BTreeSet<Role>,
    /// Has a password and an authenticator app.
    pub password: bool,
    /// Number of passkeys.
    pub passkeys: u64,
    /// Recovery codes not used yet.
    pub recovery_codes: u64,
    /// When it was made.
    pub created_at: String,
    /// When it last signed in.
    pub last_seen_at: Option<String>,
    /// When somebody last confirmed its roles.
    pub reviewed_at: Option<String>,
    /// Who did.
    pub reviewed_by: Option<String>,
}

/// Whom an invitation is for.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The account.
    pub account: AccountId,
    /// Its login.
    pub login: String,
    /// Its name.
    pub name: String,
}

impl Vault {
    /// A link for the first administrator; only while no person can sign in. Earlier links for it stop working.
    pub fn first_admin_invite(&self) -> Result<Option<Secret<String>>, Error> {
        let (token, hash) = token::make(token::Kind::Invite, &self.entropy)?;
        let made = self.command("first administrator", |c| {
            let active: bool = c.tx.query_row(
                "SELECT EXISTS (SELECT 1 FROM account WHERE kind = 'person' AND state <> 'invited')",
                [],
                |r| r.get(0),
            )?;
            if active {
                return Ok(false);
            }
            let index = self.index("login", "admin")?;
            let waiting: Option<Vec<u8>> =
                c.tx.query_row("SELECT id FROM account WHERE login_index = ?1", params![index], |r| r.get(0))
                    .optional()?;
            let id = match waiting {
                Some(id) => id_of(&id)?,
                None => {
                    let by = c.actor().to_owned();
                    self.insert_account(
                        c,
                        &by,
                        "person",
                        "admin",
                        "Administrator",
                        &BTreeSet::from([Role::Admin]),
                    )?
                }
            };
            put_invite(c, id, &hash, self.clock.now())?;
            Ok(true)
        })?;
        Ok(made.then_some(token))
    }

    /// A new account and the link that lets its owner in, shown once.
    pub fn invite(
        &self,
        by: &Actor,
        login: &str,
        name: &str,
        roles: &BTreeSet<Role>,
    ) -> Result<(AccountId, Secret<String>), Error> {
        check_roles(roles)?;
        let (token, hash) = token::make(token::Kind::Invite, &self.entropy)?;
        let id = self.command_as(by, "invite", |c| {
            let id = self.insert_account(c, &by.to_string(), "person", login, name, roles)?;
            put_invite(c, id, &hash, self.clock.now())?;
            Ok(id)
        })?;
        Ok((id, token))
    }

    /// A new link for somebody who lost the first one, or every factor. Sessions end; old factors stop working when
    /// the link is used.
    pub fn reinvite(&self, by: &Actor, id: AccountId) -> Result<Secret<String>, Error> {
        let (token, hash) = token::make(token::Kind::Invite, &self.entropy)?;
        self.command_as(by, "invite again", |c| {
            match state(&c.tx, id)? {
                AccountState::Invited | AccountState::Active if !is_service(&c.tx, id)? => {}
                _ => return Err(denied::account_state()),
            }
            // The local operator is the way back in when the last administrator lost everything.
            if *by != Actor::LocalOperator {
                keep_an_admin(&c.tx, id)?;
            }
            set_state(c, id, AccountState::Invited, "invited_again")?;
            sessions::end_all(c, id, "invited_again")?;
            put_invite(c, id, &hash, self.clock.now())
        })?;
        self.live.bump();
        Ok(token)
    }

    pub(crate) fn insert_account(
        &self,
        c: &mut Command<'_>,
        by: &str,
        kind: &str,
        login: &str,
        name: &str,
        roles: &BTreeSet<Role>,
    ) -> Result<AccountId, Error> {
        let login = check_login(login)?;
        let name = check_name(name)?;
        let many: i64 = c.tx.query_row("SELECT COUNT(*) FROM account", [], |r| r.get(0))?;
        if many >= MAX_ACCOUNTS {
            return Err(denied::too_many());
        }
        let index = self.index("login", &login)?;
        let taken: bool = c.tx.query_row(
            "SELECT EXISTS (SELECT 1 FROM account WHERE login_index = ?1)",
            params![index],
            |r| r.get(0),
        )?;
        if taken {
            return Err(denied::login_taken());
        }
        let id = AccountId::new(self.clock.as_ref(), &self.entropy)?;
        let state = if kind == "person" { AccountState::Invited } else { AccountState::Active };
        c.tx.execute(
            "INSERT INTO account (id, tenant, kind, state, login_index, sealed_login, sealed_name, totp_step, created_at, created_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9)",
            params![
                id.as_bytes(),
                self.tenant.as_bytes(),
                kind,
                state.as_str(),
                index,
                self.seal_own("account", id.as_bytes(), "login", &login)?,
                self.seal_own("account", id.as_bytes(), "name", &name)?,
                c.now,
                by
            ],
        )?;
        write_roles(c, id, roles, by)?;
        log_change(c, id, if kind == "person" { "invited" } else { "made" }, roles);
        Ok(id)
    }

    /// Whom a link is for, while it works; looking does not use it up.
    pub fn peek_invite(&self, token: &str) -> Result<Invited, Error> {
        let hash = token::hash(token::Kind::Invite, token).ok_or_else(denied::invite)?;
        let account = {
            let db = self.db();
            invited(&db, &hash, self.clock.now())?
        };
        let row = self.account(account)?;
        Ok(Invited { account, login: row.login, name: row.name })
    }

    /// All accounts, oldest first.
    pub fn accounts(&self) -> Result<Vec<AccountRow>, Error> {
        let ids: Vec<Vec<u8>> = {
            let db = self.db();
            let mut statement = db.prepare_cached("SELECT id FROM account ORDER BY id")?;
            statement.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?
        };
        ids.iter().map(|id| self.account(id_of(id)?)).collect()
    }

    /// One account.
    pub fn account(&self, id: AccountId) -> Result<AccountRow, Error> {
        let (row, login, name) = {
            let db = self.db();
            read_account(&db, id)?.ok_or_else(denied::unknown)?
        };
        Ok(AccountRow {
            login: self.open_own("account", id.as_bytes(), "login", &login)?,
            name: self.open_own("account", id.as_bytes(), "name", &name)?,
            ..row
        })
    }

    /// The account of a login.
    pub fn account_by_login(&self, login: &str) -> Result<AccountRow, Error> {
        let index = self.index("login", &normal_login(login))?;
        let id: Option<Vec<u8>> = self
            .db()
            .query_row("SELECT id FROM account WHERE login_index = ?1", params![index], |r| r.get(0))
            .optional()?;
        self.account(id_of(&id.ok_or_else(denied::unknown)?)?)
    }

    /// Stops somebody at once; their sessions end.
    pub fn suspend(&self, by: &Actor, id: AccountId) -> Result<(), Error> {
        self.change_state(
            by,
            id,
            AccountState::Suspended,
            "suspended",
            &[AccountState::Active, AccountState::Invited],
        )
    }

    /// Lets somebody in again who was suspended.
    pub fn restore(&self, by: &Actor, id: AccountId) -> Result<(), Error> {
        self.change_state(by, id, AccountState::Active, "restored", &[AccountState::Suspended])
    }

    /// Ends an account for good: sessions, factors, keys, rights for a while and roles go with it.
    pub fn revoke(&self, by: &Actor, id: AccountId) -> Result<(), Error> {
        let from = [AccountState::Active, AccountState::Invited, AccountState::Suspended];
        self.change_state(by, id, AccountState::Revoked, "revoked", &from)
    }

    fn change_state(
        &self,
        by: &Actor,
        id: AccountId,
        to: AccountState,
        change: &'static str,
        from: &[AccountState],
    ) -> Result<(), Error> {
        self.command_as(by, change, |c| {
            if !from.contains(&state(&c.tx, id)?) {
                return Err(denied::account_state());
            }
            let mut to = to;
            if to == AccountState::Active {
                // Somebody who never enrolled goes back to the link.
                to = if has_factor(&c.tx, id)? { to } else { AccountState::Invited };
            } else {
                keep_an_admin(&c.tx, id)?;
                sessions::end_all(c, id, change)?;
                c.tx.execute("DELETE FROM invite WHERE account = ?1", params![id.as_bytes()])?;
            }
            if to == AccountState::Revoked {
                forget_rights(c, id)?;
            }
            set_state(c, id, to, change)
        })?;
        self.live.bump();
        Ok(())
    }

    /// Gives an account exactly these roles.
    pub fn set_roles(&self, by: &Actor, id: AccountId, roles: &BTreeSet<Role>) -> Result<(), Error> {
        self.command_as(by, "set roles", |c| {
            if is_service(&c.tx, id)? || state(&c.tx, id)? == AccountState::Revoked {
                return Err(denied::account_state());
            }
            check_roles(roles)?;
            if !roles.contains(&Role::Admin) {
                keep_an_admin(&c.tx, id)?;
            }
            c.tx.execute("DELETE FROM account_role WHERE account = ?1", params![id.as_bytes()])?;
            write_roles(c, id, roles, &by.to_string())?;
            log_change(c, id, "roles", roles);
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Confirms what an account may do.
    pub fn review(&self, by: &Actor, id: AccountId) -> Result<(), Error> {
        self.command_as(by, "review", |c| {
            let changed = c.tx.execute(
                "UPDATE account SET reviewed_at = ?2, reviewed_by = ?3 WHERE id = ?1 AND state <> 'revoked'",
                params![id.as_bytes(), c.now, by.to_string()],
            )?;
            if changed != 1 {
                return Err(denied::account_state());
            }
            let roles = sessions::roles_of(&c.tx, id)?;
            c.log(
                Kind::AccountReviewed,
                None,
                None,
                &[("account", id.to_string().into()), ("roles", codes(&roles).into())],
            );
            Ok(())
        })
    }
}

fn read_account(db: &Connection, id: AccountId) -> Result<Option<(AccountRow, Vec<u8>, Vec<u8>)>, Error> {
    let found = db
        .query_row(
            "SELECT kind, state, sealed_login, sealed_name, password IS NOT NULL, created_at, last_seen_at, reviewed_at, reviewed_by,
               (SELECT COUNT(*) FROM passkey p WHERE p.account = a.id),
               (SELECT COUNT(*) FROM recovery_code c WHERE c.account = a.id AND c.used_at IS NULL)
             FROM account a WHERE id = ?1",
            params![id.as_bytes()],
            |r| {
                let row = AccountRow {
                    id,
                    service: r.get::<_, String>(0)? == "service",
                    state: AccountState::Invited,
                    login: String::new(),
                    name: String::new(),
                    roles: BTreeSet::new(),
                    password: r.get(4)?,
                    passkeys: r.get::<_, i64>(9)?.unsigned_abs(),
                    recovery_codes: r.get::<_, i64>(10)?.unsigned_abs(),
                    created_at: r.get(5)?,
                    last_seen_at: r.get(6)?,
                    reviewed_at: r.get(7)?,
                    reviewed_by: r.get(8)?,
                };
                Ok((row, r.get::<_, String>(1)?, r.get(2)?, r.get(3)?))
            },
        )
        .optional()?;
    let Some((mut row, state, login, name)) = found else { return Ok(None) };
    row.state = AccountState::parse(&state)?;
    row.roles = sessions::roles_of(db, id)?;
    Ok(Some((row, login, name)))
}

/// The account of an invitation that still works.
pub(crate) fn invited(db: &Connection, hash: &[u8; 32], now: Timestamp) -> Result<AccountId, Error> {
    let row: Option<(Vec<u8>, String, Option<String>)> = db
        .query_row("SELECT account, expires_at, used_at FROM invite WHERE hash = ?1", params![hash], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?))
        })
        .optional()?;
    let (account, expires, used) = row.ok_or_else(denied::invite)?;
    let account = id_of(&account)?;
    let open =
        used.is_none() && now < times::parse(&expires)? && state(db, account)? == AccountState::Invited;
    if open { Ok(account) } else { Err(denied::invite()) }
}

fn put_invite(c: &mut Command<'_>, id: AccountId, hash: &[u8; 32], now: Timestamp) -> Result<(), Error> {
    c.tx.execute("DELETE FROM invite WHERE account = ?1", params![id.as_bytes()])?;
    c.tx.execute(
        "INSERT INTO invite (hash, account, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![hash, id.as_bytes(), c.now, times::after(now, INVITE).to_string()],
    )?;
    Ok(())
}

/// Where an account stands.
pub(crate) fn state(db: &Connection, id: AccountId) -> Result<AccountState, Error> {
    let name: Option<String> = db
        .query_row("SELECT state FROM account WHERE id = ?1", params![id.as_bytes()], |r| r.get(0))
        .optional()?;
    AccountState::parse(&name.ok_or_else(denied::unknown)?)
}

fn is_service(db: &Connection, id: AccountId) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM account WHERE id = ?1 AND kind = 'service')";
    Ok(db.query_row(sql, params![id.as_bytes()], |r| r.get(0))?)
}

pub(crate) fn has_factor(db: &Connection, id: AccountId) -> Result<bool, Error> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM account WHERE id = ?1 AND (password IS NOT NULL OR kind = 'service'))
                 OR EXISTS (SELECT 1 FROM passkey WHERE account = ?1)";
    Ok(db.query_row(sql, params![id.as_bytes()], |r| r.get(0))?)
}

/// Sets the state and records it.
pub(crate) fn set_state(
    c: &mut Command<'_>,
    id: AccountId,
    to: AccountState,
    change: &'static str,
) -> Result<(), Error> {
    c.tx.execute("UPDATE account SET state = ?2 WHERE id = ?1", params![id.as_bytes(), to.as_str()])?;
    let roles = sessions::roles_of(&c.tx, id)?;
    log_change(c, id, change, &roles);
    Ok(())
}

/// Refuses when nobody else could administer any more.
pub(crate) fn keep_an_admin(db: &Connection, id: AccountId) -> Result<(), Error> {
    let (is_admin, others): (bool, bool) = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM account a JOIN account_role r ON r.account = a.id
                  WHERE a.id = ?1 AND a.state = 'active' AND r.role = 'admin'),
                EXISTS (SELECT 1 FROM account a JOIN account_role r ON r.account = a.id
                  WHERE a.id <> ?1 AND a.state = 'active' AND r.role = 'admin')",
        params![id.as_bytes()],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    if is_admin && !others { Err(denied::last_admin()) } else { Ok(()) }
}

fn write_roles(c: &mut Command<'_>, id: AccountId, roles: &BTreeSet<Role>, by: &str) -> Result<(), Error> {
    for role in roles {
        c.tx.execute(
            "INSERT INTO account_role (account, role, since, given_by) VALUES (?1, ?2, ?3, ?4)",
            params![id.as_bytes(), role.as_str(), c.now, by],
        )?;
    }
    Ok(())
}

/// What goes with a revoked account.
fn forget_rights(c: &mut Command<'_>, id: AccountId) -> Result<(), Error> {
    let account = params![id.as_bytes()];
    c.tx.execute("UPDATE account SET password = NULL, sealed_totp = NULL WHERE id = ?1", account)?;
    c.tx.execute("DELETE FROM passkey WHERE account = ?1", account)?;
    c.tx.execute("DELETE FROM recovery_code WHERE account = ?1", account)?;
    c.tx.execute("DELETE FROM account_role WHERE account = ?1", account)?;
    c.tx.execute(
        "UPDATE api_key SET revoked_at = ?2 WHERE account = ?1 AND revoked_at IS NULL",
        params![id.as_bytes(), c.now],
    )?;
    c.tx.execute(
        "UPDATE access_grant SET state = 'revoked', revoked_at = ?2 WHERE account = ?1 AND state IN ('requested', 'active')",
        params![id.as_bytes(), c.now],
    )?;
    c.tx.execute(
        "UPDATE reveal_request SET state = 'refused', decided_at = ?2 WHERE account = ?1 AND state IN ('pending', 'approved')",
        params![id.as_bytes(), c.now],
    )?;
    Ok(())
}

fn log_change(c: &mut Command<'_>, id: AccountId, change: &str, roles: &BTreeSet<Role>) {
    let facts: [(&str, Value); 3] =
        [("account", id.to_string().into()), ("change", change.into()), ("roles", codes(roles).into())];
    c.log(Kind::AccountChanged, None, None, &facts);
}

fn codes(roles: &BTreeSet<Role>) -> String {
    roles.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(" ")
}

fn check_roles(roles: &BTreeSet<Role>) -> Result<(), Error> {
    if roles.is_empty() || roles.contains(&Role::Service) { Err(denied::bad_roles()) } else { Ok(()) }
}

fn check_login(login: &str) -> Result<String, Error> {
    let login = normal_login(login);
    let sound = |c: char| c.is_ascii_alphanumeric() || "._-@+".contains(c);
    let good = (2..=64).contains(&login.len())
        && login.chars().all(sound)
        && login.starts_with(|c: char| c.is_ascii_alphanumeric());
    if good { Ok(login) } else { Err(denied::bad_login()) }
}

/// A name or a label: short, printable.
pub(crate) fn check_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    let good = (1..=120).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if good { Ok(name.to_owned()) } else { Err(denied::bad_name()) }
}

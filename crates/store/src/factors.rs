//! Ways to sign in: enrolled with an invitation, changed in a session. What is kept is hashed or sealed.

use crate::db::{OptionalExtension, params};
use crate::{
    Actor, Command, Error, Session, Vault,
    accounts::{self, AccountState, check_name},
    denied,
    sign_in::SignedIn,
};
use callvault_ledger::Kind;
use callvault_model::{Secret, id::AccountId};
use callvault_policy::factor::{
    FactorError,
    passkey::{Answer, Authentication, MAX_KEYS, Passkey, Passkeys, Refused},
    password, recovery, token,
    totp::TotpSecret,
};
use serde::Serialize;

/// The first factors of somebody who came by an invitation.
#[derive(Debug)]
pub enum Enrolment {
    /// Password and authenticator app; the code shows that the app was set up.
    App {
        /// The password.
        password: Secret<String>,
        /// The secret that the app was given.
        totp: TotpSecret,
        /// A code of the app.
        code: String,
    },
    /// A passkey, checked by [`Passkeys::finish_registration`].
    Passkey {
        /// The key.
        key: Box<Passkey>,
        /// What its owner calls it.
        name: String,
    },
}

/// Somebody came in for the first time.
#[derive(Debug)]
pub struct Accepted {
    /// A session can begin with it.
    pub signed_in: SignedIn,
    /// Codes for the day the phone is lost, shown once; only with an app.
    pub recovery_codes: Vec<Secret<String>>,
}

/// One passkey, as its owner sees it.
#[derive(Debug, Clone, Serialize)]
pub struct PasskeyRow {
    /// Its credential id in hexadecimal.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub created_at: String,
    /// When it was last used.
    pub last_used_at: Option<String>,
}

/// A checked password and app, ready to be written.
struct App {
    phc: String,
    sealed_totp: Vec<u8>,
    step: u64,
    codes: Vec<recovery::Code>,
}

impl Vault {
    /// Uses an invitation up: the first factors, the account active, all or nothing. Factors from before are gone.
    pub fn accept_invite(&self, link: &str, enrolment: Enrolment) -> Result<Accepted, Error> {
        let hash = token::hash(token::Kind::Invite, link).ok_or_else(denied::invite)?;
        let invited = self.peek_invite(link)?;
        let id = invited.account;
        let (app, key) = match enrolment {
            Enrolment::App { password, totp, code } => {
                let phc = password::make(&password, &invited.login, &invited.name, &self.entropy)?;
                (Some(self.app(id, phc, &totp, &code)?), None)
            }
            Enrolment::Passkey { key, name } if key.account() == id => {
                (None, Some((key, check_name(&name)?)))
            }
            Enrolment::Passkey { .. } => return Err(FactorError::from(Refused::Unknown).into()),
        };
        let factor = if app.is_some() { "password_totp" } else { "passkey" };
        self.command_as(&Actor::Account(id), "accept invitation", |c| {
            let used = c.tx.execute(
                "UPDATE invite SET used_at = ?2 WHERE hash = ?1 AND used_at IS NULL",
                params![hash, c.now],
            )?;
            if used != 1 || accounts::state(&c.tx, id)? != AccountState::Invited {
                return Err(denied::invite());
            }
            let account = params![id.as_bytes()];
            c.tx.execute("UPDATE account SET password = NULL, sealed_totp = NULL WHERE id = ?1", account)?;
            c.tx.execute("DELETE FROM passkey WHERE account = ?1", account)?;
            c.tx.execute("DELETE FROM recovery_code WHERE account = ?1", account)?;
            if let Some(app) = &app {
                write_app(c, id, app)?;
            }
            if let Some((key, name)) = &key {
                self.write_passkey(c, key, name)?;
            }
            accounts::set_state(c, id, AccountState::Active, "accepted")
        })?;
        self.live.bump();
        let recovery_codes = app.map(|a| a.codes.into_iter().map(|c| c.shown).collect()).unwrap_or_default();
        Ok(Accepted { signed_in: SignedIn { account: id, aal: 2, factor }, recovery_codes })
    }

    fn app(&self, id: AccountId, phc: String, totp: &TotpSecret, code: &str) -> Result<App, Error> {
        let step = totp.check(code, self.clock.now(), 0).map_err(|_| denied::code_wrong())?;
        let sealed_totp = self.seal_bytes("account", id.as_bytes(), "totp", totp.expose())?;
        Ok(App { phc, sealed_totp, step, codes: recovery::make(id, &self.entropy)? })
    }

    /// Password and app of somebody signed in, replacing what was there; needs a fresh factor. New recovery codes.
    pub fn set_password_and_app(
        &self,
        session: &Session,
        password: &Secret<String>,
        totp: &TotpSecret,
        code: &str,
    ) -> Result<Vec<Secret<String>>, Error> {
        let id = self.fresh(session)?;
        let row = self.account(id)?;
        let phc = password::make(password, &row.login, &row.name, &self.entropy)?;
        let app = self.app(id, phc, totp, code)?;
        self.command_as(&session.actor(), "set password and app", |c| write_app(c, id, &app))?;
        Ok(app.codes.into_iter().map(|c| c.shown).collect())
    }

    /// Another password for somebody who has one; needs a fresh factor. Other sessions end.
    pub fn set_password(&self, session: &Session, password: &Secret<String>) -> Result<(), Error> {
        let id = self.fresh(session)?;
        let row = self.account(id)?;
        if !row.password {
            return Err(denied::account_state());
        }
        let phc = password::make(password, &row.login, &row.name, &self.entropy)?;
        self.command_as(&session.actor(), "set password", |c| {
            c.tx.execute("UPDATE account SET password = ?2 WHERE id = ?1", params![id.as_bytes(), phc])?;
            end_others(c, session)?;
            factor(c, id, "password")
        })?;
        self.live.bump();
        Ok(())
    }

    /// Ten new recovery codes; the old ones stop working. Needs a fresh factor.
    pub fn new_recovery_codes(&self, session: &Session) -> Result<Vec<Secret<String>>, Error> {
        let id = self.fresh(session)?;
        if !self.account(id)?.password {
            return Err(denied::account_state());
        }
        let codes = recovery::make(id, &self.entropy)?;
        self.command_as(&session.actor(), "recovery codes", |c| {
            write_codes(c, id, &codes)?;
            factor(c, id, "recovery_codes")
        })?;
        Ok(codes.into_iter().map(|c| c.shown).collect())
    }

    /// Adds a passkey, checked by [`Passkeys::finish_registration`]; needs a fresh factor.
    pub fn add_passkey(&self, session: &Session, key: &Passkey, name: &str) -> Result<(), Error> {
        let id = self.fresh(session)?;
        let name = check_name(name)?;
        if key.account() != id {
            return Err(FactorError::from(Refused::Unknown).into());
        }
        self.command_as(&session.actor(), "add passkey", |c| self.write_passkey(c, key, &name))
    }

    /// Takes a passkey away, unless it is the only way in. Needs a fresh factor; other sessions end.
    pub fn remove_passkey(&self, session: &Session, credential: &str) -> Result<(), Error> {
        let id = self.fresh(session)?;
        self.command_as(&session.actor(), "remove passkey", |c| {
            let (keys, password): (i64, bool) = c.tx.query_row(
                "SELECT (SELECT COUNT(*) FROM passkey WHERE account = ?1), password IS NOT NULL FROM account WHERE id = ?1",
                params![id.as_bytes()],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )?;
            if keys <= 1 && !password {
                return Err(denied::no_factor());
            }
            let gone = c.tx.execute(
                "DELETE FROM passkey WHERE account = ?1 AND lower(hex(id)) = ?2",
                params![id.as_bytes(), credential],
            )?;
            if gone != 1 {
                return Err(denied::unknown());
            }
            end_others(c, session)?;
            factor(c, id, "passkey_removed")
        })?;
        self.live.bump();
        Ok(())
    }

    /// The passkeys of an account, as its owner sees them.
    pub fn passkeys(&self, id: AccountId) -> Result<Vec<PasskeyRow>, Error> {
        let rows = {
            let db = self.db();
            let mut statement = db.prepare_cached(
                "SELECT id, sealed_name, created_at, last_used_at FROM passkey WHERE account = ?1 ORDER BY created_at",
            )?;
            let rows = statement.query_map(params![id.as_bytes()], |r| {
                Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?, r.get(2)?, r.get(3)?))
            })?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        rows.into_iter()
            .map(|(credential, sealed, created_at, last_used_at)| {
                let name = self.open_own("passkey", &credential, "name", &sealed)?;
                Ok(PasskeyRow { id: crate::hex(&credential), name, created_at, last_used_at })
            })
            .collect()
    }

    /// The stored keys of an account, for the questions of [`Passkeys`].
    pub fn stored_passkeys(&self, id: AccountId) -> Result<Vec<Passkey>, Error> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = {
            let db = self.db();
            let mut statement =
                db.prepare_cached("SELECT id, sealed_credential FROM passkey WHERE account = ?1")?;
            statement
                .query_map(params![id.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?)))?
                .collect::<Result<_, _>>()?
        };
        rows.iter().map(|(credential, sealed)| self.open_passkey(credential, sealed)).collect()
    }

    /// Ends a passkey sign-in. Every refusal of a key that is known is in the ledger.
    pub fn sign_in_passkey(
        &self,
        server: &Passkeys,
        state: Authentication,
        answer: &Answer,
    ) -> Result<SignedIn, Error> {
        let credential = answer.credential_id().to_vec();
        let sealed: Option<Vec<u8>> = self
            .db()
            .query_row("SELECT sealed_credential FROM passkey WHERE id = ?1", params![credential], |r| {
                r.get(0)
            })
            .optional()?;
        let Some(sealed) = sealed else { return Err(FactorError::from(Refused::Unknown).into()) };
        let mut key = self.open_passkey(&credential, &sealed)?;
        let id = key.account();
        let finished = server.finish(state, answer, &mut key, self.clock.now());
        let sealed = self.seal_passkey(&key)?;
        self.command_as(&Actor::Worker, "sign in with passkey", |c| {
            let refused = match (&finished, accounts::state(&c.tx, id)?) {
                (Err(e), _) => Some(e.code()),
                (Ok(_), AccountState::Active) => None,
                (Ok(_), _) => Some("not_active"),
            };
            if let Some(why) = refused {
                c.log(
                    Kind::SignInFailed,
                    None,
                    None,
                    &[("why", why.into()), ("account", id.to_string().into())],
                );
                return Ok(());
            }
            c.tx.execute(
                "UPDATE passkey SET sealed_credential = ?2, last_used_at = ?3 WHERE id = ?1",
                params![credential, sealed, c.now],
            )?;
            Ok(())
        })?;
        finished?;
        let active = accounts::state(&self.db(), id)? == AccountState::Active;
        if active { Ok(SignedIn { account: id, aal: 2, factor: "passkey" }) } else { Err(denied::signin()) }
    }

    /// Shows a passkey again in a session.
    pub fn step_up_passkey(
        &self,
        session: &Session,
        server: &Passkeys,
        state: Authentication,
        answer: &Answer,
    ) -> Result<Session, Error> {
        let shown = self.sign_in_passkey(server, state, answer)?;
        self.step_up(session, shown)
    }

    fn open_passkey(&self, credential: &[u8], sealed: &[u8]) -> Result<Passkey, Error> {
        let json = self.open_bytes("passkey", credential, "credential", sealed)?;
        serde_json::from_slice(json.expose()).map_err(|_| Error::Corrupt("a passkey that cannot be read"))
    }

    fn seal_passkey(&self, key: &Passkey) -> Result<Vec<u8>, Error> {
        let json = serde_json::to_vec(key).map_err(|_| Error::Corrupt("a passkey that cannot be written"))?;
        self.seal_bytes("passkey", key.credential_id(), "credential", &json)
    }

    fn write_passkey(&self, c: &mut Command<'_>, key: &Passkey, name: &str) -> Result<(), Error> {
        let id = key.account();
        let (mine, taken): (i64, bool) = c.tx.query_row(
            "SELECT (SELECT COUNT(*) FROM passkey WHERE account = ?1), EXISTS (SELECT 1 FROM passkey WHERE id = ?2)",
            params![id.as_bytes(), key.credential_id()],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        if taken {
            return Err(FactorError::from(Refused::Twice).into());
        }
        if mine >= i64::try_from(MAX_KEYS).unwrap_or(i64::MAX) {
            return Err(FactorError::from(Refused::TooMany).into());
        }
        c.tx.execute(
            "INSERT INTO passkey (id, account, sealed_credential, sealed_name, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                key.credential_id(),
                id.as_bytes(),
                self.seal_passkey(key)?,
                self.seal_own("passkey", key.credential_id(), "name", name)?,
                c.now
            ],
        )?;
        factor(c, id, "passkey_added")
    }

    /// The account of a person whose last factor is not older than 15 minutes: a stolen open session adds no key.
    fn fresh(&self, session: &Session) -> Result<AccountId, Error> {
        let now = self.still(session)?;
        if !now.is_person() {
            return Err(denied::people_only());
        }
        let age = self.clock.now().duration_since(now.factor_at());
        if age > crate::sessions::IDLE || age < jiff::SignedDuration::ZERO {
            return Err(crate::Denied::of_reason(callvault_policy::Reason::NeedsStepUp).into());
        }
        Ok(now.account())
    }
}

fn write_app(c: &mut Command<'_>, id: AccountId, app: &App) -> Result<(), Error> {
    c.tx.execute(
        "UPDATE account SET password = ?2, sealed_totp = ?3, totp_step = ?4 WHERE id = ?1",
        params![id.as_bytes(), app.phc, app.sealed_totp, crate::conversation::as_i64(app.step)],
    )?;
    write_codes(c, id, &app.codes)?;
    factor(c, id, "password_and_app")
}

fn write_codes(c: &mut Command<'_>, id: AccountId, codes: &[recovery::Code]) -> Result<(), Error> {
    c.tx.execute("DELETE FROM recovery_code WHERE account = ?1", params![id.as_bytes()])?;
    for code in codes {
        c.tx.execute(
            "INSERT INTO recovery_code (hash, account, created_at) VALUES (?1, ?2, ?3)",
            params![code.hash, id.as_bytes(), c.now],
        )?;
    }
    Ok(())
}

/// A changed factor ends the account's other sessions: whoever stole one is out.
fn end_others(c: &mut Command<'_>, session: &Session) -> Result<(), Error> {
    if let crate::sessions::Credential::Session(hash) = session.credential {
        let ended = c.tx.execute(
            "UPDATE session SET ended_at = ?3, ended_why = 'factor_changed' WHERE account = ?1 AND hash <> ?2 AND ended_at IS NULL",
            params![session.account().as_bytes(), hash, c.now],
        )?;
        if ended > 0 {
            c.log(
                Kind::SessionEnded,
                None,
                None,
                &[("why", "factor_changed".into()), ("sessions", ended.into())],
            );
        }
    }
    Ok(())
}

fn factor(c: &mut Command<'_>, id: AccountId, change: &'static str) -> Result<(), Error> {
    c.log(Kind::FactorChanged, None, None, &[("account", id.to_string().into()), ("change", change.into())]);
    Ok(())
}

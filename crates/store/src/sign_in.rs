//! Signing in. Every failure looks the same from outside, and ten of them lock a login for 30 minutes, known or not.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Command, Error, Vault, denied, keys::id_of, sessions::is_active};
use callvault_ledger::{Kind, Value};
use callvault_model::{Secret, id::AccountId};
use callvault_policy::factor::{FactorError, password, recovery, totp::TotpSecret};

/// Failed tries that lock a login (PCI DSS 8.3.4).
pub const TRIES: i64 = 10;
/// Seconds a login stays locked.
pub const LOCK_SECONDS: i64 = 30 * 60;
/// Logins whose failures are remembered; a stranger who invents logins must not fill the disk.
const MAX_FAILURES: i64 = 10_000;
const MAX_LOGIN: usize = 64;
/// Tries under logins that nobody has are told together by the end of so many seconds.
const WINDOW: i64 = 10 * 60;
/// So many of them have an entry of their own first, enough to see what is going on while it goes on.
const TOLD: i64 = 20;
/// Where the count of the window stands.
const INVENTED: &str = "signin_invented";

/// Somebody who just showed who they are. Made by the functions of this file alone; a session begins with it.
#[derive(Debug)]
pub struct SignedIn {
    pub(crate) account: AccountId,
    pub(crate) aal: u8,
    pub(crate) factor: &'static str,
}

impl SignedIn {
    /// Whose factors were shown.
    pub fn account(&self) -> AccountId {
        self.account
    }
}

/// What is stored of somebody who tries.
struct Known {
    id: AccountId,
    active: bool,
    password: Option<String>,
    totp: Option<TotpSecret>,
    last_step: u64,
}

/// What a try came to, before it is written down.
enum Try {
    Step(u64),
    Recovery([u8; 32]),
    Failed(&'static str),
}

/// Logins are compared without case and surrounding space.
pub(crate) fn normal_login(login: &str) -> String {
    login.trim().chars().take(MAX_LOGIN + 1).collect::<String>().to_lowercase()
}

impl Vault {
    /// Signs in with login, password and a code of the authenticator app, or a recovery code in its place.
    pub fn sign_in_password(
        &self,
        login: &str,
        typed: &Secret<String>,
        code: &str,
    ) -> Result<SignedIn, Error> {
        let index = self.index("login", &normal_login(login))?;
        let known = self.known(&index)?;
        let (account, outcome) = self.try_password(known, typed, code)?;
        self.finish_try(&index, account, outcome)
    }

    /// Shows password and code again in a session.
    pub fn step_up_password(
        &self,
        session: &crate::Session,
        typed: &Secret<String>,
        code: &str,
    ) -> Result<crate::Session, Error> {
        let index: Vec<u8> = self
            .db()
            .query_row(
                "SELECT login_index FROM account WHERE id = ?1",
                params![session.account().as_bytes()],
                |r| r.get(0),
            )
            .optional()?
            .ok_or_else(denied::session_over)?;
        let index =
            <[u8; 16]>::try_from(index).map_err(|_| Error::Corrupt("a login index of a wrong length"))?;
        let known = self.known(&index)?;
        let (account, outcome) = self.try_password(known, typed, code)?;
        let shown = self.finish_try(&index, account, outcome)?;
        self.step_up(session, shown)
    }

    fn known(&self, index: &[u8; 16]) -> Result<Option<Known>, Error> {
        let row = {
            let db = self.db();
            db.query_row(
                "SELECT id, state, password, sealed_totp, totp_step FROM account WHERE login_index = ?1 AND kind = 'person'",
                params![index],
                |r| {
                    Ok((
                        r.get::<_, Vec<u8>>(0)?,
                        r.get::<_, String>(1)?,
                        r.get::<_, Option<String>>(2)?,
                        r.get::<_, Option<Vec<u8>>>(3)?,
                        r.get::<_, i64>(4)?,
                    ))
                },
            )
            .optional()?
        };
        let Some((id, state, password, sealed, step)) = row else { return Ok(None) };
        let id: AccountId = id_of(&id)?;
        let totp = match sealed {
            Some(sealed) => Some(TotpSecret::from_bytes(
                self.open_bytes("account", id.as_bytes(), "totp", &sealed)?.expose(),
            )?),
            None => None,
        };
        Ok(Some(Known { id, active: state == "active", password, totp, last_step: step.unsigned_abs() }))
    }

    /// The same work whether the login exists or not.
    fn try_password(
        &self,
        known: Option<Known>,
        typed: &Secret<String>,
        code: &str,
    ) -> Result<(Option<AccountId>, Try), Error> {
        let right = password::verify(typed, known.as_ref().and_then(|k| k.password.as_deref()))?;
        let Some(known) = known else { return Ok((None, Try::Failed("unknown"))) };
        if let Some(hash) = recovery::hash(known.id, code) {
            let outcome = if right && known.active { Try::Recovery(hash) } else { Try::Failed("password") };
            return Ok((Some(known.id), outcome));
        }
        let step = match known.totp.as_ref().map(|t| t.check(code, self.clock.now(), known.last_step)) {
            Some(Ok(step)) => Ok(step),
            Some(Err(FactorError::UsedCode)) => Err("replayed"),
            Some(Err(FactorError::WrongCode)) | None => Err("code"),
            Some(Err(other)) => return Err(other.into()),
        };
        let outcome = match (known.active, right, step) {
            (false, ..) => Try::Failed("not_active"),
            (_, false, _) => Try::Failed("password"),
            (_, _, Err(why)) => Try::Failed(why),
            (true, true, Ok(step)) => Try::Step(step),
        };
        Ok((Some(known.id), outcome))
    }

    /// Writes a try down in one transaction: a code is used up, or a failure counted. A locked login stays locked even
    /// for the right password.
    fn finish_try(
        &self,
        index: &[u8; 16],
        account: Option<AccountId>,
        outcome: Try,
    ) -> Result<SignedIn, Error> {
        let now = self.clock.now().as_second();
        self.command_as(&Actor::Worker, "sign in", |c| {
            if is_locked(&c.tx, index, now)? {
                return Ok(None);
            }
            let outcome = match (outcome, account) {
                (Try::Failed(why), _) => Err(why),
                (_, None) => Err("unknown"),
                (used, Some(account)) => use_up(c, account, used)?.map(|factor| (account, factor)),
            };
            match outcome {
                Ok((account, factor)) => {
                    c.tx.execute("DELETE FROM signin_failure WHERE login_index = ?1", params![index])?;
                    Ok(Some(SignedIn { account, aal: 2, factor }))
                }
                Err(why) => {
                    let locked = count_failure(&c.tx, index, now)?;
                    let mut facts: Vec<(&str, Value)> = vec![("why", why.into()), ("locked", locked.into())];
                    match account {
                        Some(account) => facts.push(("account", account.to_string().into())),
                        None if !invented(c, now)? => return Ok(None),
                        None => {}
                    }
                    c.log(Kind::SignInFailed, None, None, &facts);
                    Ok(None)
                }
            }
        })?
        .ok_or_else(denied::signin)
    }

    /// Writes down how many tries under invented logins were counted, once their time is over.
    pub fn tell_invented(&self) -> Result<(), Error> {
        let now = self.clock.now().as_second();
        let due = window(&self.db())?.is_some_and(|w| w.over(now));
        if !due {
            return Ok(());
        }
        self.command_as(&Actor::Worker, "tell invented logins", |c| close_window(c, now))
    }

    /// Takes the lock off a login before its time.
    pub fn unlock(&self, by: &Actor, account: AccountId) -> Result<(), Error> {
        self.command_as(by, "unlock", |c| {
            let changed = c.tx.execute(
                "DELETE FROM signin_failure WHERE login_index = (SELECT login_index FROM account WHERE id = ?1)",
                params![account.as_bytes()],
            )?;
            if changed > 0 {
                c.log(
                    Kind::AccountChanged,
                    None,
                    None,
                    &[("account", account.to_string().into()), ("change", "unlocked".into())],
                );
            }
            Ok(())
        })
    }
}

/// Tries under logins that nobody has, since a second of the clock.
#[derive(Clone, Copy)]
struct Invented {
    since: i64,
    tries: i64,
}

impl Invented {
    /// Its time is over, or it began in what is now the future.
    fn over(self, now: i64) -> bool {
        self.since + WINDOW <= now || self.since > now
    }
}

/// The window that is counted in, if there is one.
fn window(db: &Connection) -> Result<Option<Invented>, Error> {
    let text: Option<String> =
        db.query_row("SELECT value FROM meta WHERE key = ?1", params![INVENTED], |r| r.get(0)).optional()?;
    let parsed = text.map(|t| {
        let (since, tries) = t.split_once(' ')?;
        Some(Invented { since: since.parse().ok()?, tries: tries.parse().ok()? })
    });
    parsed.map(|w| w.ok_or(Error::Corrupt("the count of invented logins"))).transpose()
}

/// Counts a try under a login that nobody has; whether it has an entry of its own. A stranger can invent logins without
/// end, and the ledger must not grow by each.
fn invented(c: &mut Command<'_>, now: i64) -> Result<bool, Error> {
    close_window(c, now)?;
    let counted = window(&c.tx)?.unwrap_or(Invented { since: now, tries: 0 });
    let tries = counted.tries.saturating_add(1);
    c.tx.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        params![INVENTED, format!("{} {tries}", counted.since)],
    )?;
    Ok(tries <= TOLD)
}

/// Ends a window that is over and tells what was counted in it.
fn close_window(c: &mut Command<'_>, now: i64) -> Result<(), Error> {
    let Some(counted) = window(&c.tx)?.filter(|w| w.over(now)) else { return Ok(()) };
    c.tx.execute("DELETE FROM meta WHERE key = ?1", params![INVENTED])?;
    if counted.tries <= TOLD {
        return Ok(());
    }
    let seconds = (now - counted.since).clamp(0, WINDOW).unsigned_abs();
    let more = (counted.tries - TOLD).unsigned_abs();
    let facts: [(&str, Value); 3] =
        [("why", "unknown".into()), ("count", more.into()), ("seconds", seconds.into())];
    c.log(Kind::SignInFailed, None, None, &facts);
    Ok(())
}

/// Uses a code up; a code that somebody else used in the same moment is refused. Which factor it was, or why not.
fn use_up(
    c: &mut Command<'_>,
    account: AccountId,
    used: Try,
) -> Result<Result<&'static str, &'static str>, Error> {
    if !is_active(&c.tx, account)? {
        return Ok(Err("not_active"));
    }
    match used {
        Try::Step(step) => {
            let changed = c.tx.execute(
                "UPDATE account SET totp_step = ?2 WHERE id = ?1 AND totp_step < ?2",
                params![account.as_bytes(), crate::conversation::as_i64(step)],
            )?;
            Ok(if changed == 1 { Ok("password_totp") } else { Err("replayed") })
        }
        Try::Recovery(hash) => {
            let changed = c.tx.execute(
                "UPDATE recovery_code SET used_at = ?3 WHERE hash = ?1 AND account = ?2 AND used_at IS NULL",
                params![hash, account.as_bytes(), c.now],
            )?;
            if changed != 1 {
                return Ok(Err("recovery"));
            }
            c.log(
                Kind::FactorChanged,
                None,
                None,
                &[("account", account.to_string().into()), ("change", "recovery_used".into())],
            );
            Ok(Ok("password_recovery"))
        }
        Try::Failed(why) => Ok(Err(why)),
    }
}

fn is_locked(db: &Connection, index: &[u8; 16], now: i64) -> Result<bool, Error> {
    let until: Option<Option<i64>> = db
        .query_row("SELECT locked_until FROM signin_failure WHERE login_index = ?1", params![index], |r| {
            r.get(0)
        })
        .optional()?;
    Ok(until.flatten().is_some_and(|until| now < until))
}

/// Counts a failure; whether that locked the login.
fn count_failure(db: &Connection, index: &[u8; 16], now: i64) -> Result<bool, Error> {
    // Failures older than the lock would last are forgotten, and so is a lock that is over.
    db.execute("DELETE FROM signin_failure WHERE last_at < ?1", params![now - LOCK_SECONDS])?;
    // Only invented logins are forgotten for want of room: nobody lifts the lock of an account by inventing others.
    db.execute(
        "DELETE FROM signin_failure WHERE login_index IN
           (SELECT login_index FROM signin_failure WHERE login_index NOT IN (SELECT login_index FROM account)
            ORDER BY last_at DESC LIMIT 9223372036854775807 OFFSET ?1)",
        params![MAX_FAILURES],
    )?;
    let failures: i64 = db.query_row(
        "INSERT INTO signin_failure (login_index, failures, last_at) VALUES (?1, 1, ?2)
         ON CONFLICT (login_index) DO UPDATE SET last_at = excluded.last_at, locked_until = NULL,
           failures = CASE WHEN signin_failure.locked_until IS NULL THEN signin_failure.failures + 1 ELSE 1 END RETURNING failures",
        params![index, now],
        |r| r.get(0),
    )?;
    let locked = failures >= TRIES;
    if locked {
        db.execute(
            "UPDATE signin_failure SET locked_until = ?2 WHERE login_index = ?1",
            params![index, now + LOCK_SECONDS],
        )?;
    }
    Ok(locked)
}

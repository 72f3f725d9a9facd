//! Sessions: an opaque token, its hash at rest; 15 minutes idle, 12 hours in all; dead with the account at once.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Error, Vault, denied, keys::id_of, sign_in::SignedIn, times};
use callvault_ledger::Kind;
use callvault_model::{
    Secret,
    id::{AccountId, ApiKeyId},
};
use callvault_policy::{Act, Role, factor::token};
use callvault_seal::Sha256;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Unused for so long, a session is over (PCI DSS 8.2.8).
pub const IDLE: SignedDuration = SignedDuration::from_mins(15);
/// A session never lasts longer.
pub const ABSOLUTE: SignedDuration = SignedDuration::from_hours(12);
/// How often use is written down; a restart forgets at most this much of it.
const TOUCH: SignedDuration = SignedDuration::from_secs(60);
/// Sessions remembered in memory; more are read from the database.
const REMEMBERED: usize = 10_000;
/// Sessions one account may have; the oldest ends when there would be more.
const MAX_SESSIONS: usize = 20;

/// What changes at once when somebody's access changes, without asking the database at every step.
#[derive(Default)]
pub(crate) struct Live {
    generation: AtomicU64,
    sessions: Mutex<HashMap<[u8; 32], Remembered>>,
}

#[derive(Clone)]
struct Remembered {
    session: Session,
    last_seen: Timestamp,
    written: Timestamp,
    generation: u64,
}

impl Remembered {
    fn over(&self, now: Timestamp) -> bool {
        now.duration_since(self.session.created_at) >= ABSOLUTE || now.duration_since(self.last_seen) >= IDLE
    }
}

impl Live {
    /// The number of changes of access so far; whatever was decided under another number is decided again.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Somebody's access changed.
    pub(crate) fn bump(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<[u8; 32], Remembered>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What let somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential {
    Session([u8; 32]),
    Key(ApiKeyId),
}

/// Somebody who came in: a person with a session, or a service with a key. Made only by a token that is good.
#[derive(Clone)]
pub struct Session {
    pub(crate) credential: Credential,
    pub(crate) mark: Arc<str>,
    pub(crate) account: AccountId,
    pub(crate) roles: Arc<BTreeSet<Role>>,
    pub(crate) aal: u8,
    pub(crate) factor_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) scopes: Option<BTreeSet<Act>>,
}

impl Credential {
    /// Computed once for a session; every entry of a reading names it.
    pub(crate) fn mark(&self) -> Arc<str> {
        match self {
            Self::Session(h) => mark(h),
            Self::Key(id) => mark(id.as_bytes()),
        }
        .into()
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "session of {}", self.actor())
    }
}

impl Session {
    /// The account.
    pub fn account(&self) -> AccountId {
        self.account
    }
    /// The name the ledger uses.
    pub fn actor(&self) -> Actor {
        match self.credential {
            Credential::Session(_) => Actor::Account(self.account),
            Credential::Key(_) => Actor::Service(self.account),
        }
    }
    /// The account's roles when the session was last looked at.
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.roles
    }
    /// 1: one factor; 2: two factors or a passkey that verified its user.
    pub fn aal(&self) -> u8 {
        self.aal
    }
    /// When a factor was last shown.
    pub fn factor_at(&self) -> Timestamp {
        self.factor_at
    }
    /// When it began.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }
    /// What a key is for; `None` for a person.
    pub fn scopes(&self) -> Option<&BTreeSet<Act>> {
        self.scopes.as_ref()
    }
    /// A person, not a key.
    pub fn is_person(&self) -> bool {
        matches!(self.credential, Credential::Session(_))
    }
    /// Names this session in the ledger; it cannot be turned back into what signs in.
    pub fn mark(&self) -> &str {
        &self.mark
    }
    /// What a form carries to show that this session made it. It cannot be turned into the session's token.
    pub fn form_token(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"callvault.form.v1\0");
        match &self.credential {
            Credential::Session(h) => hash.update(h),
            Credential::Key(id) => hash.update(id.as_bytes()),
        }
        crate::hex(&hash.finish())
    }
}

/// Sixteen hexadecimal digits that stand for a session in ledger entries.
fn mark(of: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"callvault.session-mark.v1\0");
    hash.update(of);
    crate::hex(&hash.finish()).chars().take(16).collect()
}

struct Stored {
    session: Session,
    last_seen: Timestamp,
    ended: bool,
}

impl Vault {
    /// Begins a session for somebody who just showed who they are. The token is shown once; its hash is kept.
    pub fn start_session(&self, who: SignedIn) -> Result<Secret<String>, Error> {
        let (token, hash) = token::make(token::Kind::Session, &self.entropy)?;
        self.command_as(&Actor::Account(who.account), "start session", |c| {
            if !is_active(&c.tx, who.account)? {
                return Err(denied::signin());
            }
            let mut open = Vec::new();
            {
                let mut statement =
                    c.tx.prepare("SELECT hash FROM session WHERE account = ?1 AND ended_at IS NULL ORDER BY created_at")?;
                for row in statement.query_map(params![who.account.as_bytes()], |r| r.get::<_, Vec<u8>>(0))? {
                    open.push(row?);
                }
            }
            let surplus = (open.len() + 1).saturating_sub(MAX_SESSIONS);
            for old in open.iter().take(surplus) {
                c.tx.execute(
                    "UPDATE session SET ended_at = ?2, ended_why = 'too_many' WHERE hash = ?1",
                    params![old, c.now],
                )?;
                c.log(Kind::SessionEnded, None, None, &[("why", "too_many".into())]);
            }
            c.tx.execute(
                "INSERT INTO session (hash, account, created_at, last_seen_at, aal, factor_at) VALUES (?1, ?2, ?3, ?3, ?4, ?3)",
                params![hash, who.account.as_bytes(), c.now, who.aal],
            )?;
            c.tx.execute(
                "UPDATE account SET last_seen_at = ?2 WHERE id = ?1",
                params![who.account.as_bytes(), c.now],
            )?;
            c.log(
                Kind::SessionStarted,
                None,
                None,
                &[
                    ("aal", u32::from(who.aal).into()),
                    ("factor", who.factor.into()),
                    ("session", mark(&hash).into()),
                ],
            );
            Ok(())
        })?;
        self.live.bump();
        Ok(token)
    }

    /// The session of a token, and notes its use; `None` when it is unknown or over.
    pub fn session(&self, token: &str) -> Result<Option<Session>, Error> {
        token::hash(token::Kind::Session, token).map_or(Ok(None), |hash| self.look_up(hash, true))
    }

    /// The same where memory alone can answer: seen lately, nobody's access changed since, and nothing has to be written.
    /// `None` says only that [`Vault::session`] has to be asked.
    pub fn session_at_hand(&self, token: &str) -> Option<Session> {
        let hash = token::hash(token::Kind::Session, token)?;
        let (now, generation) = (self.clock.now(), self.live.generation());
        let mut all = self.live.sessions();
        let known = all.get_mut(&hash).filter(|r| r.generation == generation)?;
        if known.over(now) || now.duration_since(known.written) >= TOUCH {
            return None;
        }
        known.last_seen = known.last_seen.max(now);
        Some(known.session.clone())
    }

    /// Whether somebody is still in, without counting as use: suspended, signed out, idle and expired ones are not.
    pub(crate) fn still(&self, who: &Session) -> Result<Session, Error> {
        match who.credential {
            Credential::Session(hash) => self.look_up(hash, false)?.ok_or_else(denied::session_over),
            Credential::Key(id) => self.key_session(id)?.ok_or_else(denied::key_refused),
        }
    }

    /// The same where memory alone can answer.
    pub(crate) fn still_at_hand(&self, who: &Session) -> Option<Session> {
        let Credential::Session(hash) = who.credential else { return None };
        let (now, generation) = (self.clock.now(), self.live.generation());
        let all = self.live.sessions();
        let known = all.get(&hash).filter(|r| r.generation == generation && !r.over(now))?;
        Some(known.session.clone())
    }

    fn look_up(&self, hash: [u8; 32], touch: bool) -> Result<Option<Session>, Error> {
        let now = self.clock.now();
        // Read before the database: what changes meanwhile makes what is read here stale, never the other way round.
        let generation = self.live.generation();
        let remembered = self.live.sessions().get(&hash).cloned();
        let mut found = match remembered {
            Some(r) if r.generation == generation => r,
            other => {
                let Some(stored) = load(&self.reads(), &hash)?.filter(|s| !s.ended) else {
                    self.live.sessions().remove(&hash);
                    return Ok(None);
                };
                let last_seen = other.map_or(stored.last_seen, |o| o.last_seen.max(stored.last_seen));
                Remembered { session: stored.session, last_seen, written: stored.last_seen, generation }
            }
        };
        let why = if now.duration_since(found.session.created_at) >= ABSOLUTE {
            Some("absolute")
        } else if now.duration_since(found.last_seen) >= IDLE {
            Some("idle")
        } else {
            None
        };
        if let Some(why) = why {
            self.end(hash, found.session.account, why)?;
            return Ok(None);
        }
        if touch {
            found.last_seen = found.last_seen.max(now);
            if now.duration_since(found.written) >= TOUCH {
                self.command("touch session", |c| {
                    c.tx.execute(
                        "UPDATE session SET last_seen_at = ?2 WHERE hash = ?1 AND ended_at IS NULL",
                        params![hash, c.now],
                    )?;
                    Ok(())
                })?;
                found.written = now;
            }
        }
        let session = found.session.clone();
        let mut all = self.live.sessions();
        if all.len() >= REMEMBERED && !all.contains_key(&hash) {
            // What is forgotten must not lose its use: only entries that were written down may go.
            all.retain(|_, r| r.written != r.last_seen);
        }
        if all.len() < REMEMBERED || all.contains_key(&hash) {
            all.insert(hash, found);
        }
        Ok(Some(session))
    }

    /// Signs out.
    pub fn end_session(&self, who: &Session) -> Result<(), Error> {
        match who.credential {
            Credential::Session(hash) => self.end(hash, who.account, "signed_out"),
            Credential::Key(_) => Err(denied::people_only()),
        }
    }

    fn end(&self, hash: [u8; 32], account: AccountId, why: &'static str) -> Result<(), Error> {
        self.command_as(&Actor::Account(account), "end session", |c| {
            let changed = c.tx.execute(
                "UPDATE session SET ended_at = ?2, ended_why = ?3 WHERE hash = ?1 AND ended_at IS NULL",
                params![hash, c.now, why],
            )?;
            if changed > 0 {
                c.log(Kind::SessionEnded, None, None, &[("why", why.into())]);
            }
            Ok(())
        })?;
        self.live.sessions().remove(&hash);
        self.live.bump();
        Ok(())
    }

    /// Ends every session of an account; how many there were.
    pub fn end_sessions_of(&self, by: &Actor, account: AccountId) -> Result<usize, Error> {
        let ended = self.command_as(by, "end sessions", |c| end_all(c, account, "ended_by_other"))?;
        self.live.bump();
        Ok(ended)
    }

    /// A factor was shown again: what asks for a fresh one is open for 15 minutes. Returns the session as it now is.
    pub fn step_up(&self, session: &Session, shown: SignedIn) -> Result<Session, Error> {
        let Credential::Session(hash) = session.credential else { return Err(denied::people_only()) };
        if shown.account != session.account {
            return Err(denied::signin());
        }
        self.still(session)?;
        self.command_as(&session.actor(), "step up", |c| {
            c.tx.execute(
                "UPDATE session SET factor_at = ?2, aal = CASE WHEN aal < ?3 THEN ?3 ELSE aal END WHERE hash = ?1 AND ended_at IS NULL",
                params![hash, c.now, shown.aal],
            )?;
            c.log(
                Kind::SessionStarted,
                None,
                None,
                &[("step_up", true.into()), ("factor", shown.factor.into())],
            );
            Ok(())
        })?;
        self.live.bump();
        self.look_up(hash, true)?.ok_or_else(denied::session_over)
    }
}

/// Ends every session of an account inside a command.
pub(crate) fn end_all(
    c: &mut crate::Command<'_>,
    account: AccountId,
    why: &'static str,
) -> Result<usize, Error> {
    let ended = c.tx.execute(
        "UPDATE session SET ended_at = ?2, ended_why = ?3 WHERE account = ?1 AND ended_at IS NULL",
        params![account.as_bytes(), c.now, why],
    )?;
    if ended > 0 {
        c.log(
            Kind::SessionEnded,
            None,
            None,
            &[("why", why.into()), ("of", account.to_string().into()), ("sessions", ended.into())],
        );
    }
    Ok(ended)
}

/// Whether an account may come in.
pub(crate) fn is_active(db: &Connection, account: AccountId) -> Result<bool, Error> {
    let state: Option<String> = db
        .query_row("SELECT state FROM account WHERE id = ?1", params![account.as_bytes()], |r| r.get(0))
        .optional()?;
    Ok(state.as_deref() == Some("active"))
}

/// The roles of an account.
pub(crate) fn roles_of(db: &Connection, account: AccountId) -> Result<BTreeSet<Role>, Error> {
    let mut statement = db.prepare_cached("SELECT role FROM account_role WHERE account = ?1")?;
    let rows = statement.query_map(params![account.as_bytes()], |r| r.get::<_, String>(0))?;
    rows.map(|r| r?.parse().map_err(|_| Error::Corrupt("an unknown role"))).collect()
}

fn load(db: &Connection, hash: &[u8; 32]) -> Result<Option<Stored>, Error> {
    let row = db
        .prepare_cached(
            "SELECT s.account, s.created_at, s.last_seen_at, s.aal, s.factor_at, s.ended_at IS NOT NULL OR a.state <> 'active'
             FROM session s JOIN account a ON a.id = s.account WHERE s.hash = ?1",
        )?
        .query_row(params![hash], |r| {
            Ok((
                r.get::<_, Vec<u8>>(0)?,
                r.get::<_, String>(1)?,
                r.get::<_, String>(2)?,
                r.get::<_, u8>(3)?,
                r.get::<_, String>(4)?,
                r.get::<_, bool>(5)?,
            ))
        })
        .optional()?;
    let Some((account, created, seen, aal, factor, ended)) = row else { return Ok(None) };
    let account = id_of(&account)?;
    let credential = Credential::Session(*hash);
    let session = Session {
        mark: credential.mark(),
        credential,
        account,
        roles: Arc::new(roles_of(db, account)?),
        aal,
        factor_at: times::parse(&factor)?,
        created_at: times::parse(&created)?,
        scopes: None,
    };
    Ok(Some(Stored { session, last_seen: times::parse(&seen)?, ended }))
}

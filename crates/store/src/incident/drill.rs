//! A copy to practise on: the ledger's facts and who took part in what, under another identity and without any key.
//! Nothing of what was said can be read in it, its signatures are not the vault's, and the vault itself is only read.

use crate::db::{Connection, Transaction, params};
use crate::{
    Error, NewVault, Refused, Vault, conversation::as_i64, keys::id_of, ledger, schema, vault::read_only,
};
use callvault_ledger::{Draft, Entry, Kind};
use callvault_model::{
    Clock,
    clock::FixedClock,
    id::{AccountId, ConversationId, PartyId, SubjectId, VaultId},
};
use jiff::{SignedDuration, Timestamp};
use std::{path::Path, sync::Arc};

/// Entries copied at most: the newest.
const MAX_ENTRIES: u64 = 1_000_000;
/// Entries signed together.
const BATCH: usize = 10_000;
const MARK: &str = "drill";

/// Tables that are copied: name, columns, and where each comes from. What was sealed stays behind.
const COPIED: [(&str, &str, &str); 5] = [
    (
        "conversation",
        "id, tenant, channel, state, received_at, started_at, duration_ms, content_index, sealed_source, proof, reason, recorded_at",
        "id, CAST(?1 AS BLOB), channel, state, received_at, started_at, duration_ms, id, x'', proof, reason, recorded_at",
    ),
    ("party", "id, conversation, position, role, subject", "id, conversation, position, role, subject"),
    (
        "finding",
        "conversation, position, turn, party, entity, start_ms, end_ms, score, recognizer, token",
        "conversation, position, turn, party, entity, start_ms, end_ms, score, recognizer, token",
    ),
    ("token", "id, conversation, party, entity, sealed_value", "id, conversation, party, entity, x''"),
    ("account_role", "account, role, since, given_by", "account, role, since, given_by"),
];

impl Vault {
    /// Makes a drill vault at `new` from the vault in `live`, with the entries of the last `days`. `live` is opened for
    /// reading only and may be served meanwhile.
    pub fn copy_for_drill(
        live: &Path,
        new: &NewVault<'_>,
        id: VaultId,
        clock: Arc<dyn Clock>,
        days: u16,
    ) -> Result<Self, Error> {
        let from = read_only(live)?;
        schema::check(&from)?;
        let version = from.version()?;
        if version != schema::VERSION {
            return Err(
                Refused::invalid("a vault of an older version", "open it once with this version").into()
            );
        }
        let since = crate::times::after(clock.now(), SignedDuration::from_hours(-24 * i64::from(days)));
        let entries = entries_since(&from, since)?;
        // The copy begins before its first entry, so that no clock seems to go back in it.
        let first = entries.first().map_or_else(|| clock.now(), |e| e.at);
        drop(Self::init(new, id, Arc::new(FixedClock(first)), "drill")?);
        let vault = Self::open(new.dir, new.key_file, new.protection.secret(), clock, "drill")?;
        vault.fill(&from, entries)?;
        Ok(vault)
    }

    fn fill(&self, from: &Connection, entries: Vec<Entry>) -> Result<(), Error> {
        let mut db = self.db();
        let tx = Transaction::new(&mut db)?;
        tx.execute("INSERT INTO meta (key, value) VALUES (?1, 'yes')", params![MARK])?;
        self.people(from, &tx)?;
        for (table, into, columns) in COPIED {
            copy(from, &tx, (table, into, columns), self.tenant.as_bytes())?;
        }
        let mut drafts = Vec::with_capacity(BATCH);
        for entry in entries {
            if let Some(draft) = draft(entry) {
                drafts.push(draft);
            }
            if drafts.len() >= BATCH {
                ledger::append(&tx, &drafts, &self.signer)?;
                drafts.clear();
            }
        }
        drafts.push(
            Draft::new(self.clock.now(), Kind::OperatorActed, "drill")
                .tenant(self.tenant)
                .fact("drill", true),
        );
        ledger::append(&tx, &drafts, &self.signer)?;
        Ok(tx.commit()?)
    }

    /// People and accounts under their ids, without names, numbers or keys.
    fn people(&self, from: &Connection, tx: &Connection) -> Result<(), Error> {
        let mut read = from.prepare("SELECT id, role, provisional, created_at, erased_at FROM subject")?;
        let mut write = tx.prepare(
            "INSERT INTO subject (id, tenant, role, provisional, epoch, wrapped_key, created_at, erased_at)
             VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6, ?7)",
        )?;
        let mut rows = read.query([])?;
        while let Some(r) = rows.next()? {
            write.execute(params![
                r.get::<_, Vec<u8>>(0)?,
                self.tenant.as_bytes(),
                r.get::<_, String>(1)?,
                r.get::<_, bool>(2)?,
                self.epoch().as_bytes(),
                r.get::<_, String>(3)?,
                r.get::<_, Option<String>>(4)?
            ])?;
        }
        let mut read =
            from.prepare("SELECT id, kind, state, created_at, created_by FROM account ORDER BY id")?;
        let mut rows = read.query([])?;
        let mut n = 0u32;
        while let Some(r) = rows.next()? {
            n += 1;
            let id: AccountId = id_of(&r.get::<_, Vec<u8>>(0)?)?;
            let row: [String; 4] = [r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?];
            self.put_account(tx, id, &format!("person-{n}"), &format!("Person {n}"), &row)?;
        }
        Ok(())
    }

    fn put_account(
        &self,
        tx: &Connection,
        id: AccountId,
        login: &str,
        name: &str,
        [kind, state, at, by]: &[String; 4],
    ) -> Result<(), Error> {
        tx.execute(
            "INSERT INTO account (id, tenant, kind, state, login_index, sealed_login, sealed_name, totp_step, created_at, created_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9)",
            params![
                id.as_bytes(),
                self.tenant.as_bytes(),
                kind,
                state,
                self.index("login", login)?,
                self.seal_own("account", id.as_bytes(), "login", login)?,
                self.seal_own("account", id.as_bytes(), "name", name)?,
                at,
                by
            ],
        )?;
        Ok(())
    }

    /// Whether this is a copy to practise on.
    pub fn is_drill(&self) -> Result<bool, Error> {
        let sql = "SELECT EXISTS (SELECT 1 FROM meta WHERE key = ?1)";
        Ok(self.db().query_row(sql, params![MARK], |r| r.get(0))?)
    }

    /// Only in a drill: one invented agent reads `people` customers, one every `every`, until now. Where the copy has
    /// fewer customers, invented ones are added. Returns the agent.
    pub fn drill_mass_read(&self, people: usize, every: SignedDuration) -> Result<AccountId, Error> {
        if !self.is_drill()? {
            return Err(
                Refused::invalid("this is no drill", "make a copy with `callvault incident drill`").into()
            );
        }
        let now = self.clock.now();
        let agent = AccountId::new(self.clock.as_ref(), &self.entropy)?;
        let mut db = self.db();
        let tx = Transaction::new(&mut db)?;
        let row = ["person", "active", &now.to_string(), "drill"].map(str::to_owned);
        self.put_account(&tx, agent, "drill-agent", "Invented agent of this drill", &row)?;
        tx.execute(
            "INSERT INTO account_role (account, role, since, given_by) VALUES (?1, 'agent', ?2, 'drill')",
            params![agent.as_bytes(), now.to_string()],
        )?;
        let mut calls = customers(&tx, people)?;
        while calls.len() < people {
            calls.push(self.invent(&tx, &now.to_string())?);
        }
        let total = every.as_millis().saturating_mul(people as i128);
        let start = now.as_millisecond().saturating_sub(i64::try_from(total).unwrap_or(0));
        let drafts: Vec<Draft> = calls
            .iter()
            .enumerate()
            .map(|(n, call)| {
                let step = i64::try_from(every.as_millis().saturating_mul(n as i128)).unwrap_or(0);
                let at = Timestamp::from_millisecond(start.saturating_add(step)).unwrap_or(now);
                Draft::new(at, Kind::AccessPermitted, format!("account:{agent}"))
                    .tenant(self.tenant)
                    .conversation(*call)
                    .fact("act", "read_masked")
                    .fact("rendering", "masked")
                    .fact("purpose", "service")
                    .fact("policies", "agent.read")
                    .fact("drill", true)
            })
            .collect();
        ledger::append(&tx, &drafts, &self.signer)?;
        tx.commit()?;
        Ok(agent)
    }

    /// A customer and a conversation that never were, without a key.
    fn invent(&self, tx: &Connection, at: &str) -> Result<ConversationId, Error> {
        let subject = SubjectId::new(self.clock.as_ref(), &self.entropy)?;
        let conversation = ConversationId::new(self.clock.as_ref(), &self.entropy)?;
        let party = PartyId::new(self.clock.as_ref(), &self.entropy)?;
        tx.execute(
            "INSERT INTO subject (id, tenant, role, provisional, epoch, created_at) VALUES (?1, ?2, 'customer', 0, ?3, ?4)",
            params![subject.as_bytes(), self.tenant.as_bytes(), self.epoch().as_bytes(), at],
        )?;
        tx.execute(
            "INSERT INTO conversation (id, tenant, channel, state, received_at, duration_ms, content_index, sealed_source)
             VALUES (?1, ?2, 'voice', 'recorded', ?3, 0, ?1, x'')",
            params![conversation.as_bytes(), self.tenant.as_bytes(), at],
        )?;
        tx.execute(
            "INSERT INTO party (id, conversation, position, role, subject) VALUES (?1, ?2, 0, 'customer', ?3)",
            params![party.as_bytes(), conversation.as_bytes(), subject.as_bytes()],
        )?;
        Ok(conversation)
    }
}

/// One conversation each of so many different customers.
fn customers(db: &Connection, most: usize) -> Result<Vec<ConversationId>, Error> {
    let mut statement = db.prepare(
        "SELECT MIN(conversation) FROM party WHERE role = 'customer' GROUP BY subject ORDER BY 1 LIMIT ?1",
    )?;
    let rows = statement.query_map(params![as_i64(most as u64)], |r| r.get::<_, Vec<u8>>(0))?;
    rows.map(|r| id_of(&r?)).collect()
}

fn entries_since(from: &Connection, since: Timestamp) -> Result<Vec<Entry>, Error> {
    let size = ledger::size(from)?;
    let first = size.saturating_sub(MAX_ENTRIES);
    let mut statement = from.prepare("SELECT body FROM ledger_entry WHERE seq >= ?1 ORDER BY seq")?;
    let mut rows = statement.query(params![as_i64(first)])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let entry = Entry::parse(&row.get::<_, Vec<u8>>(0)?)?;
        if entry.at >= since {
            out.push(entry);
        }
    }
    Ok(out)
}

/// The same facts without their place. Kinds of a newer version stay behind.
fn draft(entry: Entry) -> Option<Draft> {
    let kind = Kind::ALL.iter().copied().find(|k| k.as_str() == entry.kind)?;
    // A step of the clock is written again where it belongs.
    if kind == Kind::ClockStepped {
        return None;
    }
    Some(Draft {
        at: entry.at,
        kind,
        actor: entry.actor,
        tenant: entry.tenant,
        conversation: entry.conversation,
        subject: entry.subject,
        body: entry.body,
    })
}

/// Copies rows; `?1` among the columns is the copy's tenant.
fn copy(
    from: &Connection,
    tx: &Connection,
    (table, into, columns): (&str, &str, &str),
    tenant: &[u8; 16],
) -> Result<(), Error> {
    let wants_tenant = columns.contains("?1");
    let mut read = from.prepare(&format!("SELECT {columns} FROM {table}"))?;
    let width = read.column_count();
    let marks = crate::copy::marks(width);
    let mut write = tx.prepare(&format!("INSERT INTO {table} ({into}) VALUES ({marks})"))?;
    let mut rows = if wants_tenant { read.query(params![tenant])? } else { read.query([])? };
    while let Some(row) = rows.next()? {
        let values = (0..width).map(|n| row.get::<_, crate::db::Value>(n)).collect::<Result<Vec<_>, _>>()?;
        write.execute(values)?;
    }
    Ok(())
}

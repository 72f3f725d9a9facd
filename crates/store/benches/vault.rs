//! What the vault's acts cost on SQLite, on one core: `cargo bench -p callvault-store --bench vault`. Wanted: values protected
//! in a batch at 0.70 of the rate at which the same rows are bare inserted; a person erased (transaction and checkpoint, the
//! search of the files apart) in 20 ms whatever the volume, 10,000 people in 2 s; 50,000 keys a second wrapped anew; a tenant
//! ended in the same time whatever the volume (the questions to its vault, the search and the files apart).
//!
//! Numbers after `--` give other volumes and another crowd: `-- 1000 10000 100000 crowd 10000`; `-- tenants 1000 100000`
//! ends tenants alone.
//!
//! Where every core is busy, whoever waits for the disk also waits for a core, a tick of the scheduler (4 ms at 250 Hz) each
//! time, and that is all one sees: the first line says so. `chrt -f 10 cargo bench …` keeps the neighbours out.

#![expect(clippy::expect_used, reason = "a measurement stops at the first surprise")]

use callvault_model::{
    Channel, EntityType, Id, Role, SystemClock,
    id::{ConversationId, ObjectId, PartyId, SubjectId},
};
use callvault_seal::OsEntropy;
use callvault_store::{
    Actor, NewConversation, NewParty, NewVault, ProvenText, Recorded, RecordedFinding, RecordedTurn,
    SealedBlob, Vault,
    erase::{EraseOrder, KeptWhy},
    settings::Measured,
    tenants::{EndTenant, TenantName},
};
use rusqlite::{Connection, params, types::Value};
use std::{
    collections::BTreeMap,
    io::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

const VOLUMES: [u32; 3] = [1_000, 10_000, 100_000];
const CROWD: u32 = 10_000;
const HANDS: u32 = 8;
/// Values of one batch, and how often it is measured.
const VALUES: u32 = 2_000;
const BATCHES: u8 = 31;
/// People erased one by one at each volume.
const ERASED: u32 = 11;
/// Rows of a conversation that somebody else had.
const TURNS: i64 = 6;
const TOKENS: i64 = 4;
/// Tenants ended at each volume.
const ENDED: u32 = 5;
const BY: Actor = Actor::LocalOperator;

struct World {
    _dir: tempfile::TempDir,
    data: std::path::PathBuf,
    vault: Vault,
}

fn say(text: &str) {
    // Nobody to tell when standard output is closed.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn world() -> World {
    let dir = tempfile::tempdir().expect("a folder");
    let (data, key_file) = (dir.path().join("data"), dir.path().join("keys/v.key"));
    let new = NewVault {
        dir: &data,
        key_file: &key_file,
        protection: callvault_store::Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
    let id = Id::new(&SystemClock, &OsEntropy).expect("an id");
    let vault = Vault::init(&new, id, Arc::new(SystemClock), "local-operator").expect("a vault").vault;
    World { _dir: dir, data, vault }
}

/// A chat of one customer with one agent, recorded with these values.
fn chat(vault: &Vault, number: u32, values: u32) -> (ConversationId, Duration) {
    let fill = |w: &mut dyn std::io::Write| -> Result<(), callvault_store::Error> {
        w.write_all(&number.to_be_bytes()).expect("written");
        Ok(())
    };
    let mut original =
        SealedBlob::write(&vault.blobs(), vault.tenant(), &OsEntropy, fill).expect("a sealed original");
    original.keep();
    let mut content_sha256 = [7; 32];
    content_sha256.iter_mut().zip(number.to_be_bytes()).for_each(|(c, n)| *c = n);
    let party = |role, address: String| NewParty { role, address: Some(address), name: None };
    let new = NewConversation {
        channel: Channel::Chat,
        started_at: None,
        duration_ms: 0,
        parties: vec![
            party(Role::Customer, format!("person{number}@example.com")),
            party(Role::Agent, "agent@example.com".to_owned()),
        ],
        content_sha256,
        source_name: "chat.json".into(),
        original: &original,
        copies: Vec::new(),
    };
    let id = vault.receive(&new).expect("received").expect("new");
    let finding = |value: u32| RecordedFinding {
        turn: usize::from(value % 4 == 3),
        entity: EntityType::CreditCard,
        start_ms: 0,
        end_ms: 0,
        score: 1.0,
        recognizer: "bench".into(),
        value,
        text: Some(format!("{value:0256}")),
    };
    let turn = |party: usize| RecordedTurn {
        party,
        start_ms: 0,
        end_ms: 0,
        text: "my card is [CREDIT_CARD], and the number before it was [CREDIT_CARD]".into(),
    };
    let done = Recorded {
        turns: vec![turn(0), turn(1)],
        findings: (0..values).map(finding).collect(),
        audio: None,
        attachments: Vec::new(),
        opt_outs: Vec::new(),
        proof: ProvenText { level: "independent", facts: "{}".into() },
    };
    let since = Instant::now();
    vault.record(id, &done).expect("recorded");
    (id, since.elapsed())
}

/// Seconds this thread had the processor, which neighbours on the machine do not stretch; zero where no system tells.
fn processor() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: u64 = told.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
    Duration::from_nanos(nanoseconds).as_secs_f64()
}

/// Milliseconds that one flush of a small append takes here and now.
fn flush(dir: &Path) -> f64 {
    let mut file = std::fs::File::create(dir.join("flushed")).expect("a file");
    let one = || {
        let since = Instant::now();
        file.write_all(&[7; 4096]).and_then(|()| file.sync_all()).expect("flushed");
        since.elapsed().as_secs_f64() * 1e3
    };
    median(std::iter::repeat_with(one).take(21).collect()).0
}

/// Milliseconds by which somebody who sleeps for a tenth of one wakes too late.
fn late() -> f64 {
    let nap = Duration::from_micros(100);
    let one = || {
        let since = Instant::now();
        std::thread::sleep(nap);
        since.elapsed().saturating_sub(nap).as_secs_f64() * 1e3
    };
    median(std::iter::repeat_with(one).take(51).collect()).0
}

fn least(all: &[f64]) -> f64 {
    all.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(mut all: Vec<f64>) -> (f64, f64) {
    all.sort_unstable_by(f64::total_cmp);
    let at = |i: usize| all.get(i).copied().unwrap_or_default();
    (at(all.len() / 2), at(all.len().saturating_sub(1)))
}

/// Rows of one table that belong to a conversation, with the names of their columns.
fn rows_of(db: &Connection, table: &str, id: ConversationId) -> (usize, Vec<Vec<Value>>) {
    let mut statement = db
        .prepare(&format!("SELECT * FROM {table} WHERE conversation = ?1 ORDER BY rowid"))
        .expect("a table");
    let columns = statement.column_count();
    let rows = statement
        .query_map(params![id.as_bytes()], |r| (0..columns).map(|i| r.get(i)).collect())
        .expect("its rows");
    (columns, rows.collect::<Result<_, _>>().expect("its rows"))
}

/// A database of the same tables, set up as the vault's and with nothing in it.
fn bare(from: &Connection, path: &Path) -> Connection {
    let db = Connection::open(path).expect("a database");
    for (pragma, value) in [("journal_mode", "WAL"), ("synchronous", "FULL"), ("secure_delete", "1")] {
        db.pragma_update(None, pragma, value).expect("a setting");
    }
    let mut statement = from
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'table' DESC")
        .expect("the schema");
    let all = statement.query_map([], |r| r.get::<_, String>(0)).expect("the schema");
    for sql in all {
        db.execute_batch(&sql.expect("the schema")).expect("a table");
    }
    db.pragma_update(None, "foreign_keys", true).expect("a setting");
    db
}

/// The row that the others name.
fn with_conversation(db: &Connection, id: ConversationId) {
    let tenant = [1u8; 16];
    let id = id.as_bytes();
    db.execute(
        "INSERT OR IGNORE INTO tenant (id, name, wrapped_key) VALUES (?1, 'bare', x'')",
        params![tenant],
    )
    .expect("a row");
    db.execute(
        "INSERT INTO conversation (id, tenant, channel, state, received_at, duration_ms, content_index, sealed_source)
         VALUES (?1, ?2, 'chat', 'recorded', '', 0, ?1, x'')",
        params![id, tenant],
    )
    .expect("a row");
}

/// Values protected in one command beside the same rows inserted bare in one transaction.
fn protect() {
    let w = world();
    let from = Connection::open(w.data.join("vault.db")).expect("the database");
    let mut to = bare(&from, &w.data.join("bare"));
    let (mut ratios, mut each, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    for batch in 0..BATCHES {
        let (id, ours) = chat(&w.vault, u32::from(batch), VALUES);
        let tables = ["turn", "token", "finding"].map(|t| (t, rows_of(&from, t, id)));
        with_conversation(&to, id);
        let since = Instant::now();
        let tx = to.transaction().expect("a transaction");
        for (table, (columns, rows)) in &tables {
            let places = vec!["?"; *columns].join(", ");
            let mut insert =
                tx.prepare(&format!("INSERT INTO {table} VALUES ({places})")).expect("a statement");
            for row in rows {
                insert.execute(rusqlite::params_from_iter(row)).expect("a row");
            }
        }
        tx.commit().expect("written");
        let theirs = since.elapsed();
        let per = |d: Duration| d.as_secs_f64() * 1e6 / f64::from(VALUES);
        ratios.push(theirs.as_secs_f64() / ours.as_secs_f64());
        each.push(per(ours));
        plain.push(per(theirs));
    }
    let best = least(&plain) / least(&each);
    let (ratio, each, plain) = (median(ratios).0, median(each).0, median(plain).0);
    say(&format!(
        "values of 256 bytes protected in batches of {VALUES}: {each:.1} us each, their rows bare {plain:.1} us: {ratio:.2} of the bare rate (at least 0.70), the quickest batches {best:.2}"
    ));
}

fn numbered<K: callvault_model::id::Kind>(kind: u8, n: u32) -> Id<K> {
    let [a, b, c, d] = n.to_be_bytes();
    Id::from_bytes([a, b, c, d, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind])
}

/// Conversations that other people had: rows of the usual number and length, sealed by no key.
fn others(db: &Connection, vault: &Vault, from: u32, to: u32) {
    let tenant = vault.tenant();
    let noise = |n: i64, len: usize| -> Vec<u8> {
        let mut bytes = vec![0u8; len];
        callvault_model::Entropy::fill(&OsEntropy, &mut bytes).expect("random bytes");
        bytes.iter_mut().zip(n.to_be_bytes()).for_each(|(b, n)| *b ^= n);
        bytes
    };
    let put = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        db.prepare_cached(sql).and_then(|mut s| s.execute(values)).expect("a row");
    };
    db.execute_batch("BEGIN").expect("a transaction");
    for n in from..to {
        let (who, call): (SubjectId, ConversationId) = (numbered(1, n), numbered(2, n));
        let (who, call) = (who.as_bytes().as_slice(), call.as_bytes().as_slice());
        let tenant = tenant.as_bytes().as_slice();
        put(
            "INSERT INTO subject (id, tenant, role, provisional, epoch, wrapped_key, created_at) VALUES (?1, ?2, 'customer', 0, x'', ?3, '')",
            &[&who, &tenant, &noise(0, 113)],
        );
        put(
            "INSERT INTO contact (tenant, field, blind_index, subject, sealed_value) VALUES (?1, 'email', ?2, ?3, ?4)",
            &[&tenant, &noise(0, 16), &who, &noise(0, 100)],
        );
        put(
            "INSERT INTO conversation (id, tenant, channel, state, received_at, duration_ms, content_index, sealed_source)
             VALUES (?1, ?2, 'voice', 'recorded', '2026-11-01T08:00:00Z', 60000, ?3, ?4)",
            &[&call, &tenant, &noise(0, 16), &noise(0, 90)],
        );
        for (position, kind) in ["original", "redacted"].into_iter().enumerate() {
            let object: ObjectId = numbered(if position == 0 { 5 } else { 6 }, n);
            put(
                "INSERT INTO object (id, conversation, kind, epoch, wrapped_key, key_fingerprint, plain_bytes, sealed_sha256, created_at)
                 VALUES (?1, ?2, ?3, x'', ?4, '0123456789abcdef', 1000000, ?5, '')",
                &[&object.as_bytes().as_slice(), &call, &kind, &noise(0, 113), &"0".repeat(64)],
            );
        }
        let parties: [PartyId; 2] = [numbered(3, n), numbered(4, n)];
        for (position, (party, role)) in parties.iter().zip(["customer", "agent"]).enumerate() {
            put(
                "INSERT INTO party (id, conversation, position, role, subject, wrapped_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                &[&party.as_bytes().as_slice(), &call, &(position as u32), &role, &who, &noise(0, 113)],
            );
        }
        for k in 0..TURNS {
            let party = parties.get(usize::from(k % 2 == 1)).expect("two").as_bytes().as_slice();
            put(
                "INSERT INTO turn (conversation, position, party, start_ms, end_ms, sealed_text) VALUES (?1, ?2, ?3, 0, 0, ?4)",
                &[&call, &k, &party, &noise(k, 160)],
            );
            if k >= TOKENS {
                continue;
            }
            let token = format!("tok_person_{n:08}{k:018}abcd");
            put(
                "INSERT INTO token (id, conversation, party, entity, sealed_value) VALUES (?1, ?2, ?3, 'PERSON', ?4)",
                &[&token, &call, &party, &noise(k, 100)],
            );
            put(
                "INSERT INTO finding (conversation, position, turn, party, entity, start_ms, end_ms, score, recognizer, token)
                 VALUES (?1, ?2, ?2, ?3, 'PERSON', 0, 0, 1.0, 'model', ?4)",
                &[&call, &k, &party, &token],
            );
        }
    }
    db.execute_batch("COMMIT").expect("written");
}

fn orders<'a>(
    people: &[SubjectId],
    says: &'a dyn Fn(&str, &str, &str) -> bool,
    keeps: &'a dyn Fn(&str, &str) -> KeptWhy,
) -> Vec<EraseOrder<'a>> {
    let order = |subject: &SubjectId| EraseOrder {
        subject: *subject,
        request: None,
        continues: None,
        agreed: None,
        keep: BTreeMap::new(),
        muted: BTreeMap::new(),
        says,
        suppress: false,
        consent_kept: keeps,
    };
    people.iter().map(order).collect()
}

fn customer(vault: &Vault, number: u32) -> SubjectId {
    vault.find_by_contact(&BY, &format!("person{number}@example.com")).expect("a search").expect("a person")
}

/// People erased one after the other while the vault holds `volumes` conversations of others.
fn shred(volumes: &[u32]) {
    let w = world();
    let db = Connection::open(w.data.join("vault.db")).expect("the database");
    db.pragma_update(None, "foreign_keys", false).expect("a setting");
    let says = |text: &str, _: &str, value: &str| text.contains(value);
    let keeps = |_: &str, _: &str| unreachable!("nobody consented");
    let (mut before, mut next) = (0, 0);
    for volume in volumes {
        others(&db, &w.vault, before, *volume);
        before = *volume;
        let (mut acts, mut own, mut proofs) = (Vec::new(), Vec::new(), Vec::new());
        for n in next..next + ERASED {
            chat(&w.vault, n, 4);
            let mut one = orders(&[customer(&w.vault, n)], &says, &keeps);
            db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("a checkpoint");
            let (since, before) = (Instant::now(), processor());
            let unproven = w.vault.erase_rows(&BY, &mut one).expect("erased");
            let act = since.elapsed();
            own.push((processor() - before) * 1e3);
            let erased = unproven.prove().expect("proven");
            assert!(erased.iter().all(|e| e.complete && e.keys > 0), "not everything went");
            acts.push(act.as_secs_f64() * 1e3);
            proofs.push((since.elapsed() - act).as_secs_f64() * 1e3);
        }
        next += ERASED;
        let quickest = least(&acts);
        let ((act, most), own, (proof, _)) = (median(acts), median(own).0, median(proofs));
        let flush = flush(&w.data);
        let flushes = (act - own) / flush;
        let size = std::fs::metadata(w.data.join("vault.db")).expect("the database").len() >> 20;
        say(&format!(
            "a person erased beside {volume} conversations ({size} MiB): {act:.1} ms, {quickest:.1} to {most:.1} (bar 20), {own:.1} of the processor, the others as long as {flushes:.1} flushes of 4 KiB at {flush:.2} ms; looking for what is gone: {proof:.0} ms"
        ));
    }
}

/// Everybody of a crowd: first their keys are wrapped anew, then they are erased together.
fn crowd(many: u32) {
    let w = world();
    // Several at a time: most of it is waiting for the disk.
    std::thread::scope(|s| {
        for from in 0..HANDS {
            let vault = &w.vault;
            s.spawn(move || {
                (from..many).step_by(HANDS as usize).for_each(|n| {
                    let _made = chat(vault, n, 4);
                })
            });
        }
    });
    let (since, before) = (Instant::now(), processor());
    let done = w.vault.rotate_tenant_key(&BY).expect("rotated");
    let (rate, own) = (done.rewrapped as f64 / since.elapsed().as_secs_f64(), processor() - before);
    let busy = done.rewrapped as f64 / own;
    say(&format!(
        "{} keys wrapped anew: {rate:.0} keys/s (at least 50,000), {busy:.0} a second of the processor",
        done.rewrapped
    ));
    let since = Instant::now();
    let rolled = w.vault.roll_epoch(&BY).expect("rolled");
    let rate = rolled.rewrapped as f64 / since.elapsed().as_secs_f64();
    say(&format!(
        "{} keys and {} texts moved into a new epoch: {rate:.0} keys/s",
        rolled.rewrapped, rolled.resealed
    ));
    let says = |text: &str, _: &str, value: &str| text.contains(value);
    let keeps = |_: &str, _: &str| unreachable!("nobody consented");
    let people: Vec<SubjectId> = (0..many).map(|n| customer(&w.vault, n)).collect();
    let mut all = orders(&people, &says, &keeps);
    let (since, before) = (Instant::now(), processor());
    let unproven = w.vault.erase_rows(&BY, &mut all).expect("erased");
    let (act, own) = (since.elapsed().as_secs_f64(), processor() - before);
    let erased = unproven.prove().expect("proven");
    let proof = since.elapsed().as_secs_f64() - act;
    assert!(erased.len() == people.len() && erased.iter().all(|e| e.complete && e.keys > 0));
    say(&format!(
        "{many} people erased together: {act:.2} s (bar 2), {own:.2} of the processor; looking for what is gone and taking files away: {proof:.2} s"
    ));
}

/// Tenants ended while they hold these many conversations: the act, and beside it what grows with them.
fn tenants(volumes: &[u32]) {
    let w = world();
    w.vault.enable_disposal(&BY, None, Measured::new(100, 100), 0).expect("released");
    for volume in volumes {
        let (mut asks, mut acts, mut proofs, mut size) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let (mut own, mut flushes) = (Vec::new(), Vec::new());
        for n in 0..ENDED {
            let name: TenantName = format!("t{volume}-{n}").parse().expect("a name");
            let tenant = w.vault.add_tenant(&BY, &name, "").expect("a tenant");
            let file = tenant.dir().join("vault.db");
            let db = Connection::open(&file).expect("the database");
            db.pragma_update(None, "foreign_keys", false).expect("a setting");
            others(&db, &tenant, 0, *volume);
            db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("a checkpoint");
            drop((db, tenant));
            size = std::fs::metadata(&file).expect("the database").len() >> 20;
            let since = Instant::now();
            let vault = Some(w.vault.open_tenant(&name).expect("opened"));
            asks.push(since.elapsed().as_secs_f64() * 1e3);
            let order = EndTenant { name: &name, vault, agreed: None, reason: "bench" };
            flushes.push(flush(&w.data));
            let (since, before) = (Instant::now(), processor());
            let ended = w.vault.end_tenant(&BY, order).expect("ended");
            acts.push(since.elapsed().as_secs_f64() * 1e3);
            own.push((processor() - before) * 1e3);
            let since = Instant::now();
            let gone = w.vault.prove_ended(&name, &ended).expect("proven");
            proofs.push(since.elapsed().as_secs_f64() * 1e3);
            assert!(gone.scanned_bytes.is_some() && w.vault.open_tenant(&name).is_err());
        }
        let (ask, (act, most), proof) = (median(asks).0, median(acts), median(proofs).0);
        let (own, flush) = (median(own).0, median(flushes).0);
        say(&format!(
            "a tenant of {volume} conversations ({size} MiB) ended: {act:.1} ms, at most {most:.1}, {own:.1} of the processor, the others for the disk, where a flush takes {flush:.1}; opening it to ask: {ask:.0} ms; looking for the key and taking its files away: {proof:.0} ms"
        ));
    }
}

fn main() {
    let (mut volumes, mut many, mut is_crowd) = (Vec::new(), CROWD, false);
    let only = std::env::args().any(|argument| argument == "tenants");
    for argument in std::env::args().skip(1) {
        match argument.parse() {
            Ok(n) if is_crowd => many = n,
            Ok(n) => volumes.push(n),
            Err(_) => is_crowd |= argument == "crowd",
        }
    }
    if volumes.is_empty() {
        volumes = VOLUMES.to_vec();
    }
    say(&format!("whoever sleeps wakes {:.2} ms too late here", late()));
    if only {
        return tenants(&volumes);
    }
    protect();
    tenants(&[VOLUMES[0], VOLUMES[1]]);
    shred(&volumes);
    crowd(many);
}

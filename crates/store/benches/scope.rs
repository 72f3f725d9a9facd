//! How long the scope of a breach takes over a ledger of a million entries: `cargo bench -p callvault-store`. A number
//! after `--` gives other sizes: `cargo bench -p callvault-store --bench scope -- 100000`.

#![expect(clippy::expect_used, reason = "a measurement stops at the first surprise")]

use callvault_ledger::{Checkpoint, Draft, Frontier, Hash, Kind, verify_entries};
use callvault_model::{
    Id, SystemClock,
    id::{AccountId, ConversationId, PartyId, SubjectId},
};
use callvault_seal::OsEntropy;
use callvault_store::{
    NewVault, Vault,
    incident::{Scope, ScopeQuery},
};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use std::{io::Write as _, path::Path, sync::Arc, time::Instant};

const PEOPLE: u32 = 50_000;
const ACTORS: u64 = 300;
const DAYS: i64 = 90;
const SEED: u64 = 7;
const START: &str = "2026-09-01T08:00:00Z";

/// Splitmix64: the same centre each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn numbered<K: callvault_model::id::Kind>(kind: u8, n: u32) -> Id<K> {
    let [a, b, c, d] = n.to_be_bytes();
    Id::from_bytes([a, b, c, d, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind])
}

fn actor(n: u64) -> String {
    let id: AccountId = numbered(8, u32::try_from(n).expect("a small number"));
    format!("account:{id}")
}

fn say(text: &str) {
    // Nobody to tell when standard output is closed.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Customers with one call each.
fn people(db: &Connection, vault: &Vault) {
    let tenant = vault.tenant();
    for n in 0..PEOPLE {
        let (subject, call, party): (SubjectId, ConversationId, PartyId) =
            (numbered(1, n), numbered(2, n), numbered(3, n));
        let with = params![subject.as_bytes(), tenant.as_bytes()];
        db.prepare_cached(
            "INSERT INTO subject (id, tenant, role, provisional, epoch, created_at) VALUES (?1, ?2, 'customer', 0, x'', '')",
        )
        .and_then(|mut s| s.execute(with))
        .expect("a person");
        db.prepare_cached(
            "INSERT INTO conversation (id, tenant, channel, state, received_at, duration_ms, content_index, sealed_source)
             VALUES (?1, ?2, 'voice', 'recorded', '', 0, ?1, x'')",
        )
        .and_then(|mut s| s.execute(params![call.as_bytes(), tenant.as_bytes()]))
        .expect("a call");
        db.prepare_cached(
            "INSERT INTO party (id, conversation, position, role, subject) VALUES (?1, ?2, 0, 'customer', ?3)",
        )
        .and_then(|mut s| s.execute(params![party.as_bytes(), call.as_bytes(), subject.as_bytes()]))
        .expect("a party");
    }
}

/// One act of a centre: seven in ten are readings, the others are what the vault does all day.
fn act(chance: &mut Chance, at: Timestamp) -> Draft {
    let who = actor(chance.below(ACTORS));
    let n = u32::try_from(chance.below(u64::from(PEOPLE))).expect("a small number");
    let draft = |kind| {
        Draft::new(at, kind, who.clone())
            .conversation(numbered(2, n))
            .fact("session", "5e55100000000001")
            .fact("purpose", "service")
    };
    match chance.below(10) {
        0..=4 => {
            draft(Kind::AccessPermitted).fact("rendering", "masked").fact("covered", "CREDIT_CARD PERSON DOB")
        }
        5 => draft(Kind::AccessPermitted).fact("rendering", "muted").fact("covered", "CREDIT_CARD"),
        6 => draft(Kind::AccessDenied).fact("why", "role"),
        _ => Draft::new(at, Kind::ConversationRecorded, "worker")
            .conversation(numbered(2, n))
            .fact("proof", "independent"),
    }
}

/// Writes `size` entries behind what the vault wrote, as the vault writes them; gives the text of the checkpoint.
fn ledger(db: &Connection, origin: &str, size: u64) -> String {
    let start: Timestamp = START.parse().expect("an instant");
    let step = SignedDuration::from_hours(24 * DAYS) / i32::try_from(size).expect("a small number");
    let (mut tree, mut prev, mut chance, mut at) = (Frontier::new(), Hash::ZERO, Chance(SEED), start);
    let mut own = db.prepare("SELECT leaf FROM ledger_entry ORDER BY seq").expect("the table");
    let own = own.query_map([], |r| r.get(0)).expect("its rows");
    for leaf in own.collect::<Result<Vec<[u8; 32]>, _>>().expect("its rows") {
        prev = Hash(leaf);
        tree.push(prev);
    }
    for _ in 0..size {
        at += step;
        let entry = act(&mut chance, at).place(tree.size(), prev).expect("an entry");
        prev = entry.leaf();
        let seq = i64::try_from(entry.seq).expect("a small number");
        db.prepare_cached("INSERT INTO ledger_entry (seq, body, leaf) VALUES (?1, ?2, ?3)")
            .and_then(|mut s| s.execute(params![seq, entry.bytes(), entry.leaf().0]))
            .expect("a row");
        for node in tree.push(prev) {
            let index = i64::try_from(node.index).expect("a small number");
            db.prepare_cached("INSERT INTO ledger_node (level, position, hash) VALUES (?1, ?2, ?3)")
                .and_then(|mut s| s.execute(params![node.level, index, node.hash.0]))
                .expect("a row");
        }
        if !entry.kind.starts_with("access.") {
            continue;
        }
        db.prepare_cached(
            "INSERT INTO ledger_access (seq, conversation, subject, actor, at) VALUES (?1, ?2, NULL, ?3, ?4)",
        )
        .and_then(|mut s| {
            let conversation = entry.conversation.map(|id| id.as_bytes().to_vec());
            s.execute(params![seq, conversation, entry.actor, entry.at.as_millisecond()])
        })
        .expect("a row");
    }
    Checkpoint { origin: origin.to_owned(), size: tree.size(), root: tree.root() }.text()
}

/// Seconds this thread had the processor, which neighbours on the machine do not stretch; zero where no system tells.
fn processor() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: u64 = told.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
    std::time::Duration::from_nanos(nanoseconds).as_secs_f64()
}

fn measure(vault: &Vault, name: &str, actors: Vec<String>, days: i64) -> Scope {
    let from: Timestamp = START.parse().expect("an instant");
    let to = from + SignedDuration::from_hours(24 * days);
    let query = ScopeQuery { actors, sessions: Vec::new(), from, to };
    let (start, before) = (Instant::now(), processor());
    let scope = vault.scope(&query).expect("a scope");
    let (seconds, own) = (start.elapsed().as_secs_f64(), processor() - before);
    let (readings, people) = (scope.entries.len(), scope.people.len());
    let of = scope.ledger_size;
    say(&format!(
        "{name}: {seconds:.2} s ({own:.2} s of the processor) for {readings} readings of {people} people, {of} entries (bar 5 s)"
    ));
    scope
}

/// The largest scope with its proof in one file, and that file verified as a stranger does it.
fn prove(vault: &Vault, scope: &Scope) {
    let (start, mut file) = (Instant::now(), Vec::new());
    vault.prove_scope(scope, &mut file).expect("a proof");
    let (written, bytes) = (start.elapsed().as_secs_f64(), file.len() >> 20);
    let key = vault.vkey().parse().expect("a key");
    let (start, mut entries) = (Instant::now(), 0u64);
    verify_entries(file.as_slice(), &key, |_| entries += 1).expect("it holds");
    let verified = start.elapsed().as_secs_f64();
    say(&format!(
        "proof of {entries} entries, {bytes} MiB: written in {written:.2} s, verified in {verified:.2} s"
    ));
}

fn fill(dir: &Path, vault: &Vault, size: u64) {
    let db = Connection::open(dir.join("vault.db")).expect("the database");
    db.execute_batch("BEGIN").expect("a transaction");
    people(&db, vault);
    let origin = format!("callvault/{}", vault.id());
    let text = ledger(&db, &origin, size);
    let note = vault.sign_note(&text).expect("a signature");
    let all = i64::try_from(vault.ledger_size().expect("a size") + size).expect("a small number");
    db.execute("INSERT INTO ledger_checkpoint (size, note) VALUES (?1, ?2)", params![all, note])
        .expect("a row");
    db.execute_batch("COMMIT").expect("written");
}

fn main() {
    let size = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    let key_file = dir.path().join("keys/v.key");
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
    fill(&data, &vault, size);
    measure(&vault, "one account, one day", vec![actor(1)], 1);
    measure(&vault, "one account, 90 days", vec![actor(1)], DAYS);
    measure(&vault, "ten accounts, 90 days", (1..=10).map(actor).collect(), DAYS);
    measure(&vault, "everybody, one day", Vec::new(), 1);
    let scope = measure(&vault, "everybody, 90 days", Vec::new(), DAYS);
    prove(&vault, &scope);
}

//! The same vault on a real PostgreSQL server, started for the test below a temporary directory and reached by its UNIX
//! socket: the whole suite of this crate once more, and what only a server can do to us.

use crate::{
    DatabaseServer, Error, Unlock, Vault,
    backup::{self, RestoreInto},
    db,
    moving::move_database,
    testing::{CARD, NAME, SERVER, World, world, world_on},
};
use callvault_policy::Role;
use callvault_seal::{BackupKey, OsEntropy};
use std::{
    fs,
    io::Write,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use postgres::{NOBODY, Server, root};

const BY: crate::Actor = crate::Actor::LocalOperator;
#[path = "../../../../tests/support/postgres.rs"]
mod postgres;

impl Server {
    /// Whether these bytes stand in any file of the server.
    fn holds(&self, needle: &[u8]) -> bool {
        fn walk(dir: &Path, wanted: &memchr::memmem::Finder<'_>) -> bool {
            fs::read_dir(dir).into_iter().flatten().flatten().any(|entry| {
                let (path, kind) = (entry.path(), entry.file_type().unwrap());
                // Files of the server come and go while they are searched.
                let found = || fs::read(&path).is_ok_and(|bytes| wanted.find(&bytes).is_some());
                if kind.is_dir() { walk(&path, wanted) } else { kind.is_file() && found() }
            })
        }
        self.query("CHECKPOINT").unwrap();
        walk(&self.dir.path().join("data"), &memchr::memmem::Finder::new(needle))
    }
}

/// A schema there that nobody else uses.
fn schema(server: &Server) -> DatabaseServer {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let schema = format!("vault_{}", MADE.fetch_add(1, Ordering::Relaxed));
    DatabaseServer::new(&server.url(), &schema, None, None).unwrap()
}

/// Tests that are about the file of the embedded database itself.
const OF_THE_FILE: &[&str] = &[
    // They run the suite themselves.
    "tests::bucket::",
    "sealed::tests::every_sealed_column_is_either_a_persons_or_sealed_again_at_a_roll",
    "tests::backup::what_a_killed_backup_leaves_is_overwritten_at_the_next_start",
    "tests::epochs::an_old_copy_brings_nobody_back_once_its_epoch_is_destroyed",
    "tests::gate::a_full_disk_lets_nobody_read_beyond_what_the_ledger_could_keep",
    "tests::keeping::a_vault_of_the_previous_schema_is_brought_forward",
    "tests::keeping::a_vault_of_the_third_schema_is_brought_forward",
    "tests::tenants::an_old_copy_of_the_host_does_not_bring_a_tenant_back",
    "tests::tenants::ending_leaves_no_key_no_file_and_nothing_to_find",
    "tests::tenants::the_same_caller_in_two_tenants_is_two_people_and_nothing_of_one_is_in_the_other",
    "tests::server::",
];

#[test]
fn every_test_of_the_store_passes_on_a_server() {
    let Some(server) = Server::start(&[]) else { return };
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.env(SERVER, server.url()).args(["--test-threads", "2"]);
    for skipped in OF_THE_FILE {
        run.args(["--skip", skipped]);
    }
    let out = run.output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let told = text
        .lines()
        .filter(|l| l.starts_with("test result") || l.contains("FAILED") || l.contains("panicked"));
    let told: Vec<&str> = told.collect();
    println!("on PostgreSQL {}: {}", server.query("SHOW server_version").unwrap(), told.join("\n"));
    assert!(
        out.status.success(),
        "{}\n{}",
        told.join("\n"),
        text.split("failures:").nth(1).unwrap_or_default()
    );
    let passed = text.split("test result: ok. ").nth(1).and_then(|t| t.split(' ').next()).unwrap();
    assert!(passed.parse::<u32>().unwrap() > 100, "{passed}");
}

#[test]
fn a_second_process_is_refused_and_a_lost_connection_fails_every_command() {
    let Some(server) = Server::start(&[]) else { return };
    let place = schema(&server);
    let w = world_on(Some(place.clone()));
    let id = w.call(1);
    // Another data directory that names the same schema.
    let other = w.dir.path().join("other");
    fs::create_dir(&other).unwrap();
    place.write(&other).unwrap();
    let again = || Vault::open(&other, &w.dir.path().join("keys/v.key"), None, w.clock.clone(), "x");
    assert!(matches!(again(), Err(Error::Database(db::Error::Locked))), "{:?}", again().err());
    let new = crate::NewVault {
        dir: &w.dir.path().join("third"),
        key_file: &w.dir.path().join("keys/third.key"),
        protection: callvault_seal::Protection::None,
        shares: (2, 3),
        server: Some(&place),
        files: None,
    };
    let fresh = callvault_model::Id::new(&callvault_model::SystemClock, &OsEntropy).unwrap();
    assert!(
        Vault::init(&new, fresh, w.clock.clone(), "x").is_err(),
        "a schema with a vault is no place for another"
    );
    assert_eq!(w.vault.masked(id).unwrap().turns.len(), 1, "and the first is as it was");

    server
        .query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'callvault'");
    let size = w.ledger_rows(&server, &place);
    let refused = w.vault.mark_must_keep(&BY, id, "a reason").unwrap_err();
    assert!(refused.to_string().contains("Start callvault again"), "{refused}");
    assert_eq!(w.ledger_rows(&server, &place), size, "nothing of it was kept");
    let w = w.reopen();
    w.vault.mark_must_keep(&BY, id, "a reason").unwrap();
    w.verify();
}

impl Vault {
    fn backup_file(&self, to: &Path) {
        self.db().copy_file(to).unwrap();
    }
}

impl World {
    fn ledger_rows(&self, server: &Server, place: &DatabaseServer) -> String {
        server.query(&format!("SELECT COUNT(*) FROM {}.ledger_entry", place.schema())).unwrap()
    }
}

#[test]
fn a_commit_after_a_statement_that_failed_is_no_success() {
    let Some(server) = Server::start(&[]) else { return };
    let w = world_on(Some(schema(&server)));
    let mut db = w.vault.db();
    let tx = db::Transaction::new(&mut db).unwrap();
    tx.execute("INSERT INTO meta (key, value) VALUES ('a', 'b')", []).unwrap();
    // Somebody does not look at an error.
    let _ = tx.execute("INSERT INTO meta (key, value) VALUES ('a', 'c')", []);
    assert!(tx.commit().is_err(), "nothing of it was kept");
    let kept: i64 = db.query_row("SELECT COUNT(*) FROM meta WHERE key = 'a'", [], |r| r.get(0)).unwrap();
    assert_eq!(kept, 0);
}

#[test]
fn a_server_that_may_lose_what_it_acknowledged_is_refused() {
    let Some(server) = Server::start(&["fsync=off"]) else { return };
    let temp = tempfile::tempdir().unwrap();
    let place = schema(&server);
    let new = crate::NewVault {
        dir: &temp.path().join("data"),
        key_file: &temp.path().join("keys/v.key"),
        protection: callvault_seal::Protection::None,
        shares: (2, 3),
        server: Some(&place),
        files: None,
    };
    let id = callvault_model::Id::new(&callvault_model::SystemClock, &OsEntropy).unwrap();
    let refused =
        Vault::init(&new, id, std::sync::Arc::new(callvault_model::SystemClock), "x").err().unwrap();
    assert!(matches!(refused, Error::Database(db::Error::NotDurable("fsync"))), "{refused}");
}

#[test]
fn nothing_readable_is_in_the_servers_files_and_an_old_state_of_it_brings_nobody_back() {
    let Some(server) = Server::start(&[]) else { return };
    let place = schema(&server);
    let w = world_on(Some(place.clone()));
    w.person("dana.login", &[Role::Agent]);
    let call = w.call(1);
    for planted in [CARD.as_bytes(), NAME.as_bytes(), b"dana.login", b"2025550142"] {
        assert!(!server.holds(planted), "{}", String::from_utf8_lossy(planted));
    }
    assert!(server.holds(b"conversation.received"), "the search finds what is there");
    let (mut subject, mut wrapped) = (Vec::new(), Vec::new());
    {
        let db = w.vault.db();
        let mut statement =
            db.prepare("SELECT id, wrapped_key FROM subject WHERE wrapped_key IS NOT NULL").unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let id = crate::keys::id_of(&row.get::<_, Vec<u8>>(0).unwrap()).unwrap();
            subject.push(w.vault.subject_key(&db, id).unwrap());
            wrapped.push(row.get::<_, Vec<u8>>(1).unwrap());
        }
    }
    assert_eq!(subject.len(), 2);
    assert!(wrapped.iter().all(|key| server.holds(&key[..48])), "wrapped keys are there");
    assert!(!subject.iter().any(|key| server.holds(key.expose())), "a key in clear");
    // What a base backup of the server and its archive would bring back.
    let schema = place.schema();
    let old = Command::new("pg_dump").args(["-n", schema, &server.url()]).output().unwrap();
    assert!(old.status.success());
    let shredded = w.vault.shred_original(call, "test").unwrap();
    let searched = shredded.searched.unwrap();
    assert!(shredded.server && searched.files == 0 && searched.bytes > 0, "{searched:?}");
    w.verify();
    let World { dir, clock, vault } = w;
    let data = vault.dir().to_owned();
    drop(vault);
    server.query(&format!("DROP SCHEMA {schema} CASCADE")).unwrap();
    let mut back = Command::new("psql")
        .args(["-Xq", "-v", "ON_ERROR_STOP=1", &server.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    back.stdin.take().unwrap().write_all(&old.stdout).unwrap();
    assert!(back.wait().unwrap().success());
    let opened = Vault::open(&data, &dir.path().join("keys/v.key"), None, clock, "x");
    assert!(matches!(opened, Err(Error::OlderThanErasures)), "{:?}", opened.err());
}

#[test]
fn once_its_epoch_is_destroyed_no_wrap_of_an_erased_person_is_left_in_the_servers_files() {
    let Some(server) = Server::start(&[]) else { return };
    let w = world_on(Some(schema(&server)));
    let call = w.call(1);
    let wraps = |of: &str| -> Vec<Vec<u8>> {
        let db = w.vault.db();
        let mut read = db.prepare(of).unwrap();
        read.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let gone = wraps("SELECT wrapped_key FROM object WHERE kind = 'original'");
    let rewrapped = wraps("SELECT wrapped_key FROM subject");
    let stand = |needles: &[Vec<u8>]| needles.iter().filter(|n| server.holds(&n[..48])).count();
    assert_eq!((stand(&gone), stand(&rewrapped)), (1, 2));
    w.vault.shred_original(call, "test").unwrap();
    w.vault.roll_epoch(&BY).unwrap();
    assert_eq!(stand(&gone), 1, "a residual copy: the certificate names it");
    w.vault.destroy_retired_epochs(&BY, jiff::SignedDuration::ZERO).unwrap();
    // The log is a ring of files: what a server writes in its own time goes over what stands there.
    for _ in 0..12 {
        server.query("SELECT pg_switch_wal()").unwrap();
        server.query("CHECKPOINT").unwrap();
    }
    assert_eq!((stand(&gone), stand(&rewrapped)), (0, 0));
    assert_eq!(w.vault.masked(call).unwrap().turns.len(), 1, "who lives is read as before");
    w.verify();
}

#[test]
fn a_backup_of_a_vault_on_a_server_is_a_file_that_restores_and_erases_again() {
    let Some(server) = Server::start(&[]) else { return };
    let w = world_on(Some(schema(&server)));
    let (kept, gone) = (w.call(1), w.call(2));
    let key = BackupKey::create(&w.dir.path().join("keys/backup.key"), w.vault.dir(), &OsEntropy).unwrap();
    let archive = w.dir.path().join("a.backup");
    w.vault.backup(&BY, &archive, &key).unwrap();
    w.vault.shred_original(gone, "test").unwrap();
    let into = w.dir.path().join("restored");
    let place =
        RestoreInto { dir: &into, key_file: &w.dir.path().join("keys/v.key"), unlock: Unlock::File(None) };
    let done = backup::restore(&archive, &key, place, w.clock.clone(), &BY).unwrap();
    assert_eq!((done.erased_again, done.files), (1, 3), "{done:?}");
    let w = w.reopen_at("restored");
    assert!(w.vault.reads().is_file());
    assert!(w.vault.original(kept).is_ok());
    assert!(matches!(w.vault.original(gone), Err(Error::KeyDestroyed(_))));
    w.verify();
}

#[test]
fn a_vault_moves_to_a_server_and_back_and_leaves_nothing_behind() {
    let Some(server) = Server::start(&[]) else { return };
    let place = schema(&server);
    let w = world();
    let before = (w.call(1), w.ledger().len());
    let World { dir, clock, vault } = w;
    let data = vault.dir().to_owned();
    drop(vault);
    let key = dir.path().join("keys/v.key");
    let go = |to| move_database(&data, &key, None, clock.clone(), &BY, to).unwrap();
    let moved = go(Some(&place));
    assert_eq!((moved.to, moved.entries), ("server", before.1 as u64 + 1));
    assert!(!data.join("vault.db").exists() && !data.join("vault.db-wal").exists());
    let w = World { vault: std::sync::Arc::new(open(&data, &key, &clock)), dir, clock };
    assert!(!w.vault.reads().is_file());
    assert_eq!(w.vault.masked(before.0).unwrap().turns.len(), 1);
    let second = w.call(2);
    w.vault.shred_original(before.0, "test").unwrap();
    w.verify();
    let World { dir, clock, vault } = w;
    drop(vault);
    let go = |to| move_database(&data, &key, None, clock.clone(), &BY, to);
    assert!(go(Some(&place)).is_err(), "it is there already");
    go(None).unwrap();
    assert!(!data.join("database.json").exists() && !data.join("database-left.json").exists());
    let schema = format!("SELECT COUNT(*) FROM pg_namespace WHERE nspname = '{}'", place.schema());
    assert_eq!(server.query(&schema).as_deref(), Some("0"), "the tables on the server are gone");
    let w = World { vault: std::sync::Arc::new(open(&data, &key, &clock)), dir, clock };
    assert!(w.vault.reads().is_file());
    assert_eq!(w.vault.masked(second).unwrap().turns.len(), 1);
    assert!(matches!(w.vault.original(before.0), Err(Error::KeyDestroyed(_))));
    w.call(3);
    w.verify();
}

#[test]
fn a_move_that_was_killed_after_its_copy_is_made_again_and_a_vault_that_went_on_is_left_alone() {
    let Some(server) = Server::start(&[]) else { return };
    let place = schema(&server);
    let w = world();
    let call = w.call(1);
    let (data, key) = (w.vault.dir().to_owned(), w.dir.path().join("keys/v.key"));
    let copy = |vault: &Vault| {
        let at = db::Place::Server(place.clone());
        at.clear().unwrap();
        let (mut there, _) = at.writer().unwrap();
        crate::schema::create(&mut there).unwrap();
        crate::copy::all(&vault.reads(), &mut there).unwrap();
    };
    copy(&w.vault);
    // Somebody works on the copy: from here on its ledger is not a beginning of ours, however long ours gets.
    let other = w.dir.path().join("other");
    fs::create_dir_all(other.join("blobs")).unwrap();
    place.write(&other).unwrap();
    let apart = Vault::open(&other, &key, None, w.clock.clone(), "x").unwrap();
    apart.mark_must_keep(&BY, call, "theirs").unwrap();
    let theirs = w.ledger_rows(&server, &place);
    drop(apart);
    w.clock.forward(jiff::SignedDuration::from_secs(1));
    w.vault.mark_must_keep(&BY, call, "ours").unwrap();
    let World { dir, clock, vault } = w;
    drop(vault);
    let go = || move_database(&data, &key, None, clock.clone(), &BY, Some(&place));
    let refused = go().unwrap_err();
    assert!(refused.to_string().contains("holds a vault already"), "{refused}");
    let w = World { vault: std::sync::Arc::new(open(&data, &key, &clock)), dir, clock: clock.clone() };
    assert_eq!(w.ledger_rows(&server, &place), theirs, "nothing of it was touched");
    w.vault.mark_must_keep(&BY, call, "ours, and longer than theirs").unwrap();
    copy(&w.vault);
    let entries = w.ledger().len() as u64;
    let World { dir, vault, .. } = w;
    drop(vault);
    assert_eq!(go().unwrap().entries, entries + 1);
    let w = World { vault: std::sync::Arc::new(open(&data, &key, &clock)), dir, clock };
    assert!(!w.vault.reads().is_file());
    w.verify();
}

fn open(data: &Path, key: &Path, clock: &std::sync::Arc<crate::testing::Moving>) -> Vault {
    Vault::open(data, key, None, clock.clone(), "worker").unwrap()
}

#[test]
fn what_a_killed_move_leaves_is_destroyed_when_the_vault_is_opened() {
    let Some(server) = Server::start(&[]) else { return };
    let place = schema(&server);
    let w = world_on(Some(place.clone()));
    w.call(1);
    let data = w.vault.dir().to_owned();
    for left in ["vault.db", "vault.db-wal", "vault.db.moving"] {
        fs::write(data.join(left), b"wrapped keys of yesterday").unwrap();
    }
    let w = w.reopen();
    for left in ["vault.db", "vault.db-wal", "vault.db.moving"] {
        assert!(!data.join(left).exists(), "{left}");
    }
    assert_eq!(w.vault.overview().unwrap().originals, 1);
    // Another vault's file is not ours to destroy.
    let other = crate::testing::world_on(None);
    other.vault.backup_file(&data.join("vault.db"));
    let _w = w.reopen();
    assert!(data.join("vault.db").exists());
}

#[test]
fn an_address_says_whom_to_trust() {
    let new = |url: &str, schema: &str, ca: Option<&str>| {
        DatabaseServer::new(url, schema, None, ca.map(PathBuf::from)).map(drop).map_err(|e| e.to_string())
    };
    for (url, schema, ca, why) in [
        ("postgres://a:secret@localhost/x", "callvault", None, "private file"),
        ("postgres://a@db.example/x", "callvault", None, "prove who it is"),
        ("postgres://a@10.0.0.5/x", "callvault", None, "prove who it is"),
        ("postgres://a@localhost,db.example/x", "callvault", None, "prove who it is"),
        ("postgres://a@localhost/x?hostaddr=10.0.0.5", "callvault", None, "hostaddr"),
        ("postgres://a@localhost/x", "pg_toast", None, "schema"),
        ("postgres://a@localhost/x", "a\"b", None, "schema"),
        ("postgres://a@localhost/x", "", None, "schema"),
        ("http://localhost/x", "callvault", None, "postgres://"),
        ("postgres://", "callvault", None, "name the host"),
    ] {
        let refused = new(url, schema, ca).unwrap_err();
        assert!(refused.contains(why), "{url}: {refused}");
        assert!(!refused.contains("secret"), "{refused}");
    }
    assert!(new("postgres://a@db.example/x", "callvault", Some("/etc/ca.pem")).is_ok());
    assert!(new("postgres://a@127.0.0.1:5433/x", "calls_2", None).is_ok());
}

/// A certificate for 127.0.0.1 that vouches for itself, as (certificate, key).
pub(super) fn certificate(dir: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key")));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=callvault test", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success(), "openssl");
    (certificate, key)
}

#[test]
fn over_a_network_the_server_proves_who_it_is_and_the_password_comes_from_its_file() {
    let certificates = tempfile::tempdir().unwrap();
    let (ca, key) = certificate(certificates.path(), "server");
    let (stranger, _) = certificate(certificates.path(), "stranger");
    if root() {
        fs::set_permissions(certificates.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        chown(&key, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", ca.display()),
        format!("ssl_key_file={}", key.display()),
    ];
    let Some(server) = Server::start(&settings.each_ref().map(String::as_str)) else { return };
    let rules = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
    fs::write(server.dir.path().join("data/pg_hba.conf"), rules).unwrap();
    server.query("ALTER USER callvault PASSWORD 'copper lantern'; SELECT pg_reload_conf()").unwrap();
    let secret = |name: &str, text: &str| {
        let path = certificates.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        path
    };
    let (right, wrong) = (secret("right", "copper lantern\n"), secret("wrong", "iron lantern\n"));
    let url = format!("postgres://callvault@127.0.0.1:{port}/postgres");
    let new = |password: &Path, ca: &Path| {
        DatabaseServer::new(&url, "callvault", Some(password.into()), Some(ca.into())).unwrap()
    };
    let refused = |place: DatabaseServer| db::Place::Server(place).look().err().unwrap().to_string();
    for (said, place) in
        [("certificate", new(&right, &stranger)), ("password authentication failed", new(&wrong, &ca))]
    {
        let told = refused(place);
        assert!(told.to_lowercase().contains(said), "{told}");
        assert!(!told.contains("lantern"), "{told}");
    }
    let plain = DatabaseServer::new(&url, "callvault", Some(right.clone()), None).unwrap();
    assert!(refused(plain).contains("28000"), "the server wants TLS");
    let w = world_on(Some(new(&right, &ca)));
    w.call(1);
    let tls = "SELECT bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'callvault'";
    assert_eq!(server.query(tls).as_deref(), Some("t"), "every connection of the vault");
    let named = fs::read_to_string(w.vault.dir().join("database.json")).unwrap();
    assert!(!named.contains("lantern"), "{named}");
    w.verify();
}

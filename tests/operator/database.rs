//! A vault whose rows are on a PostgreSQL server, from `init` to a restored backup, by the program itself.

#[path = "../support/postgres.rs"]
mod postgres;

use crate::support::home::Home;
use postgres::Server;
use std::{path::Path, time::Duration};

/// Chats and messages of the demo, which need no recogniser.
const CHATS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/chats");

#[test]
fn a_vault_lives_on_a_server_is_killed_there_moves_back_and_restores() {
    let Some(server) = Server::start(&[]) else { return };
    let home = Home::new();
    let url = server.url();
    home.run(["init", "--database", &url]).expect(0);
    let shown = home.run(["database", "--json"]).json();
    assert_eq!(shown["kind"], "server", "{shown}");
    assert!(!home.data().join("vault.db").exists());
    home.run(["init", "--database", &url]).expect(3);

    // Killed at several moments of its work, it goes on.
    for ms in [60, 150, 300, 500] {
        let mut child = home.command(["ingest", CHATS]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(ms));
        let _ = child.kill();
        let _ = child.wait();
    }
    // The server notices a dead client in its own time, and only then lets the next one in.
    let _ = (0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        server.query("SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'").as_deref() == Some("0")
    });
    home.run(["ingest", CHATS]).expect(0);
    home.run(["resume"]).expect(0);
    let rows = home.rows();
    assert!(rows.len() >= 3 && rows.iter().all(|r| r["state"] == "recorded"), "{rows:?}");
    let verified = home.run(["verify", "--json"]).expect(0).json();
    assert_eq!(verified["ok"], true);
    let id = rows[0]["id"].as_str().unwrap().to_owned();
    assert!(home.run(["show", &id]).expect(0).out.len() > 100);

    let backup = home.path("work/a.backup").display().to_string();
    home.run(["backup", &backup]).expect(0);
    home.run(["backup", "verify", &backup]).expect(0);

    home.run(["database", "move", "--to-file"]).expect(0);
    assert_eq!(home.run(["database", "--json"]).json()["kind"], "file");
    assert_eq!(home.rows().len(), rows.len());
    home.run(["verify"]).expect(0);
    home.run(["database", "move", "--database", &url]).expect(0);
    assert_eq!(home.rows().len(), rows.len());
    home.run(["audit", "--json"]);
    home.run(["verify"]).expect(0);

    // The receipt of an erasure says what can be known of a server, and no more.
    let people = home.run(["subjects", "--json"]).expect(0).json();
    let who = people[0]["id"].as_str().unwrap();
    let receipt = home.run(["dispose", "subject", who, "--reason", "asked for", "--json"]).expect(0).json();
    let said = receipt["statement"]["verification"].to_string();
    assert!(said.contains("living row") && !said.contains("wal_checkpoint"), "{said}");
    let remains = receipt["statement"]["remains"].to_string();
    assert!(remains.contains("write-ahead log, replicas"), "{remains}");
    let file = home.path("receipt.json");
    std::fs::write(&file, receipt.to_string()).unwrap();
    home.run(["certificate", "verify", file.to_str().unwrap()]).expect(0);
    assert!(!Path::new(home.data()).join("vault.db").exists());
}

#[test]
fn what_is_said_of_a_server_must_make_sense() {
    let home = Home::new();
    for (args, why) in [
        (vec!["--database", "postgres://a:secret@localhost/x"], "private file"),
        (vec!["--database", "postgres://a@db.example/x"], "prove who it is"),
        (vec!["--database", "postgres://a@localhost/x", "--database-schema", "a-b"], "schema"),
    ] {
        let args: Vec<&str> = ["init"].into_iter().chain(args).collect();
        let ran = home.run(args).expect(2);
        assert!(ran.all().contains(why) && !ran.all().contains("secret"), "{}", ran.all());
    }
    assert!(!home.data().exists(), "nothing was begun");
}

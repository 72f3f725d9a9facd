//! A vault whose sealed files are in a bucket of an S3 server, from `init` to a restored backup, by the program itself.

#[path = "../support/s3.rs"]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod s3;

use crate::support::{
    calls::{self, Scene},
    home::{Home, files},
};
use s3::Bucket;
use std::{fs, time::Duration};

/// A home whose vault keeps its sealed files in this bucket, and the words that name it.
fn home_in(bucket: &Bucket) -> (Home, Vec<String>) {
    let home = Home::new();
    let credentials = bucket.credentials().display().to_string();
    let place = format!("s3://{}/centre", Bucket::NAME);
    let named: Vec<String> =
        ["--files", &place, "--files-endpoint", &bucket.endpoint(), "--files-credentials", &credentials]
            .map(str::to_owned)
            .into();
    home.run(["init".to_owned()].into_iter().chain(named.clone())).expect(0);
    (home, named)
}

fn go(home: &Home, start: &[&str], named: &[String]) -> serde_json::Value {
    let args = start.iter().map(|s| (*s).to_owned()).chain(named.iter().cloned());
    home.run(args.chain(["--json".to_owned()])).expect(0).json()
}

/// Sealed files there, without the object that says whose they are.
fn there(bucket: &Bucket) -> usize {
    bucket.keys().iter().filter(|k| k.ends_with(".sealed")).count()
}

fn here(home: &Home) -> usize {
    files(&home.data().join("blobs")).len()
}

#[test]
fn calls_go_to_a_bucket_are_destroyed_there_move_back_and_restore() {
    let Some(bucket) = Bucket::start() else { return };
    let (mut home, named) = home_in(&bucket);
    let shown = home.run(["files", "--json"]).expect(0).json();
    assert_eq!((&shown["kind"], &shown["bucket"]["versions"]), (&"bucket".into(), &"no".into()), "{shown}");
    let scene = Scene::build(&home.path("work"), &[calls::CARD, calls::SSN], false);
    home.engine(Some(&scene.script));
    let ingest = |home: &Home, more: &[&str]| {
        let args = ["ingest", "--json"].into_iter().chain(more.iter().copied()).map(str::to_owned);
        home.run(args.chain(scene.folders()))
    };
    // Killed at several moments of its work, it goes on.
    for ms in [100, 250, 450, 700] {
        let args = ["ingest".to_owned()].into_iter().chain(scene.folders());
        let mut child = home.command(args).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(ms));
        let _ = child.kill();
        let _ = child.wait();
    }
    ingest(&home, &[]);
    home.run(["resume"]).expect(0);
    let rows = home.rows();
    assert!(rows.len() == 2 && rows.iter().all(|r| r["state"] == "recorded"), "{rows:?}");
    assert_eq!((there(&bucket), here(&home)), (4, 0), "an original and a muted recording each");
    home.run(["audit", "--json"]);

    let backup = home.path("work/a.backup").display().to_string();
    let backup_key = home.path("away/backup.key").display().to_string();
    home.run(["backup", &backup, "--backup-key", &backup_key]).expect(0);
    let tried =
        home.run(["backup", "verify", &backup, "--json", "--backup-key", &backup_key]).expect(0).json();
    assert_eq!(tried["files"], 4, "{tried}");

    // With its texts the scene says enough to be measured.
    let wide = Scene::build(&home.path("wide"), &[calls::CARD, calls::SSN], true);
    let report = home.run(["measure", "--json", wide.truth_file.to_str().unwrap()]);
    let file = home.path("measured.json");
    fs::write(&file, &report.out).unwrap();
    home.run(["disposal", "enable", "--measured", file.to_str().unwrap(), "--cooling-days", "0"]).ok();
    let id = rows[0]["id"].as_str().unwrap().to_owned();
    home.run(["dispose", "conversation", &id, "--reason", "test"]).expect(0);
    assert_eq!((there(&bucket), here(&home)), (3, 0));
    let exported = home.path("certificates");
    home.run(["certificate", "export", exported.to_str().unwrap()]).ok();
    let certificate = fs::read_to_string(&files(&exported)[0]).unwrap();
    assert!(certificate.contains("deleted from s3://vaults/centre"), "{certificate}");
    home.run(["verify"]).expect(0);

    // The server is not there: what was recorded is still read, and what needs a file says why it cannot.
    let named_there = fs::read_to_string(home.data().join("files.json")).unwrap();
    fs::write(home.data().join("files.json"), named_there.replace(&bucket.port().to_string(), "1")).unwrap();
    assert_eq!(home.rows().len(), 2);
    let second = rows[1]["id"].as_str().unwrap();
    let refused = home.run(["dispose", "conversation", second, "--reason", "test"]);
    assert!(refused.code != Some(0) && refused.all().contains("cannot be reached"), "{}", refused.all());
    fs::write(home.data().join("files.json"), named_there).unwrap();
    home.run(["resume"]).expect(0);
    assert_eq!((there(&bucket), here(&home)), (2, 0), "both originals are gone");
    assert_eq!(home.run(["certificate", "list", "--json"]).ok().out.lines().count(), 2);

    // Killed at several moments of a move, the vault works, and the move goes on.
    for ms in [40, 120, 250] {
        let mut child = home.command(["files", "move", "--to-directory"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(ms));
        let _ = child.kill();
        let _ = child.wait();
        assert_eq!(home.rows().len(), 2);
    }
    if home.run(["files", "--json"]).json()["kind"] == "bucket" {
        assert_eq!(go(&home, &["files", "move", "--to-directory"], &[])["to"], "directory");
    }
    home.run(["show"]).expect(0);
    assert_eq!((there(&bucket), here(&home)), (0, 2));
    assert!(bucket.keys().is_empty(), "{:?}", bucket.keys());
    let moved = go(&home, &["files", "move"], &named);
    assert_eq!((&moved["to"], &moved["files"]), (&"bucket".into(), &2.into()), "{moved}");
    assert_eq!((there(&bucket), here(&home)), (2, 0));
    home.run(["verify"]).expect(0);

    // A person's erasure names the bucket, and what it keeps of deleted files.
    bucket.keep_versions();
    let people = home.run(["subjects", "--json"]).expect(0).json();
    let who = people[0]["id"].as_str().unwrap();
    let receipt = home.run(["dispose", "subject", who, "--reason", "asked for", "--json"]).expect(0).json();
    let (checked, remains) = (&receipt["statement"]["verification"], &receipt["statement"]["remains"]);
    assert!(checked.to_string().contains("deleted from s3://vaults/centre"), "{checked}");
    assert!(remains.to_string().contains("it has versioning"), "{remains}");
    let left = there(&bucket);

    let restored = home.path("restored");
    let key = home.key_file().display().to_string();
    let to = restored.display().to_string();
    home.run(["restore", &backup, "--data", &to, "--key-file", &key, "--backup-key", &backup_key]).expect(0);
    assert_eq!(there(&bucket), left, "the restored vault is another place");
    home.set_data(restored);
    assert_eq!(home.run(["files", "--json"]).json()["kind"], "directory");
    home.run(["verify"]).expect(0);
    home.run(["show"]).expect(0);
    // The muted recording that was made anew without the person is younger than the backup.
    assert_eq!(here(&home), left - 1, "and what was destroyed since was destroyed in it again");
}

#[test]
fn what_is_said_of_a_bucket_must_make_sense() {
    let home = Home::new();
    for (args, why) in [
        (vec!["--files", "s3://vaults/a"], "--files-credentials"),
        (vec!["--files", "s3://vaults", "--files-credentials", "x"], "prefix"),
        (
            vec![
                "--files",
                "s3://vaults/a",
                "--files-endpoint",
                "http://s3.example",
                "--files-credentials",
                "x",
            ],
            "prove who it is",
        ),
    ] {
        let ran = home.run(["init"].into_iter().chain(args)).expect(2);
        assert!(ran.all().contains(why), "{}", ran.all());
    }
    assert!(!home.data().exists(), "nothing was begun");
}

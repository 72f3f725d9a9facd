//! `callvault training` and `callvault register` on a vault of their own.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::home::Home;
    use serde_json::Value;
    use std::fs;

    #[test]
    fn training_is_seen_excused_asked_again_and_taken_out() {
        let home = Home::with_vault();
        let courses = home.run(["training", "courses"]).ok().out;
        assert_eq!(courses.lines().count(), 6);
        assert_eq!(home.run(["training", "rules", "--json"]).ok().json().as_array().unwrap().len(), 6);
        home.run(["user", "invite", "dana", "--name", "Dana", "--role", "agent"]).ok();
        let states = |code: i32| {
            let rows = home.run(["training", "status", "dana", "--json"]).expect(code).json();
            let one = |r: &Value| {
                (r["course"].as_str().unwrap().to_owned(), r["state"].as_str().unwrap().to_owned())
            };
            rows.as_array().unwrap().iter().map(one).collect::<std::collections::BTreeMap<_, _>>()
        };
        assert!(states(0).len() == 6 && states(0).values().all(|s| s == "due"));
        home.run(["training", "recall", "dana", "clean-desk", "--reason", "after the incident"]).ok();
        assert_eq!(states(1)["clean-desk"], "overdue");
        home.run([
            "training",
            "waive",
            "dana",
            "clean-desk",
            "--until",
            "2020-01-01",
            "--reason",
            "on leave",
        ])
        .expect(3);
        let until = states_end();
        home.run(["training", "waive", "dana", "clean-desk", "--until", &until, "--reason", "on leave"]).ok();
        assert_eq!(states(0)["clean-desk"], "waived");
        home.run(["training", "recall", "dana", "no-such", "--reason", "after the incident"]).expect(3);
        let file = home.path("training.csv");
        home.run(["training", "evidence", "--out", file.to_str().unwrap()]).ok();
        let csv = fs::read_to_string(file).unwrap();
        assert!(csv.starts_with("account,name,roles,") && csv.contains("clean-desk,waived"));
    }

    /// A day within the longest waiver.
    fn states_end() -> String {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        db.query_row("SELECT date('now', '+30 days')", [], |r| r.get(0)).unwrap()
    }

    #[test]
    fn a_drive_is_entered_watched_and_not_certified_without_a_witness() {
        let home = Home::with_vault();
        let enter = [
            "register",
            "enter",
            "hdd",
            "WD-0142",
            "--holds",
            "backup",
            "--encrypted",
            "no",
            "--place",
            "rack 2",
        ];
        let id = home.run(enter).ok().out.trim().to_owned();
        home.run(["register", "enter", "punch-card", "x1", "--place", "rack 2"]).expect(2);
        home.run(["register", "list"]).ok();
        home.run(["register", "plan", &id, "2026-01-01", "destroy", "shred"]).ok();
        assert!(home.run(["register", "list"]).expect(1).out.contains("WD-0142"), "late");
        let end = |technique: &str, verification: &str| {
            home.run([
                "register",
                "end",
                &id,
                "2026-11-01",
                "destroy",
                technique,
                verification,
                "--tool",
                "the firm",
            ])
        };
        assert!(end("degauss", "inspected").expect(3).err.contains("does not reach this level"));
        end("shred", "firm_report").ok();
        assert!(home.run(["register", "certificate", &id]).expect(3).err.contains("witness"));
        let shown = home.run(["register", "show", &id, "--json"]).ok().json();
        assert_eq!(
            (shown["medium"]["state"].as_str(), shown["custody"].as_array().map(Vec::len)),
            (Some("unwitnessed"), Some(3))
        );
        let paper = home.path("certificate.json");
        fs::write(&paper, "{}").unwrap();
        assert!(
            home.run(["register", "check", paper.to_str().unwrap()]).expect(1).out.contains("does not hold")
        );
        let report = home.run(["audit", "--json"]).expect(1).json();
        let d16 = report["findings"].as_array().unwrap().iter().find(|f| f["id"] == "D15").unwrap();
        assert_eq!(d16["status"], "pass", "a week is given to the witness");
        assert!(home.run(["verify", home.data().to_str().unwrap()]).ok().all().contains("ok"));
    }
}

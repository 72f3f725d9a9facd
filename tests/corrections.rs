//! Accepted corrections as a regression set, through the real program: what it prints, what it writes down, what falls out.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::home::{Home, files};
    use callvault_flow::correct;
    use callvault_model::{
        EntityType, SystemClock,
        id::{AccountId, ConversationId, SubjectId},
    };
    use callvault_policy::Purpose;
    use callvault_store::{Actor, Vault, corrections::NewCorrection, erase::EraseOrder};
    use serde_json::{Value, json};
    use std::{collections::BTreeMap, fs, sync::Arc};

    const A: Actor = Actor::Account(AccountId::from_bytes([1; 16]));
    const B: Actor = Actor::Account(AccountId::from_bytes([2; 16]));
    const GADGET: &str = "glimmerfrost quibblejar";
    const NAMES: [&str; 2] = ["Priya Nair", "Dana Whitfield"];

    /// Two chats are taken in; in both a gadget was missed, in the first an employee was taken for a customer.
    fn corrected() -> (Home, [ConversationId; 2]) {
        let home = Home::with_vault();
        let dir = home.path("work/chats");
        fs::create_dir_all(&dir).unwrap();
        for n in 0..2 {
            let chat = json!({
                "channel": "chat",
                "parties": [{"role": "agent"}, {"role": "customer", "address": format!("dana{n}@example.com")}],
                "turns": [
                    {"party": 0, "text": format!("Hello, you are talking to {}. This is case {n}.", NAMES[0])},
                    {"party": 1, "text": format!("my {GADGET} does not start, I am {}", NAMES[1])},
                ],
            });
            fs::write(dir.join(format!("{n}.json")), chat.to_string()).unwrap();
        }
        home.run(["ingest", dir.to_str().unwrap()]).ok();
        let ids: Vec<ConversationId> =
            home.rows().iter().map(|r| r["id"].as_str().unwrap().parse().unwrap()).collect();
        let vault = open(&home);
        for (n, id) in ids.iter().enumerate() {
            let masked = vault.masked(*id).unwrap();
            let start = masked.turns[1].text.find(GADGET).unwrap() as u64;
            let missed = NewCorrection::Missed {
                turn: 1,
                start_char: start,
                end_char: start + GADGET.len() as u64,
                entity: EntityType::DeviceId,
                heard_ms: None,
            };
            let mut asked = vec![missed];
            let employee = masked.findings_list.iter().position(|f| f.entity == "PERSON" && f.channel == 0);
            if n == 0 {
                asked.push(NewCorrection::Wrong { finding: employee.unwrap() as u64 });
            }
            for what in asked {
                let request = vault.request_correction(&A, *id, &what, "seen while listening").unwrap();
                correct::accept(&vault, &B, request).unwrap();
            }
        }
        drop(vault);
        (home, [ids[0], ids[1]])
    }

    fn open(home: &Home) -> Vault {
        Vault::open(home.data(), &home.key_file(), None, Arc::new(SystemClock), "local-operator").unwrap()
    }

    fn lists(home: &Home) -> String {
        let file = home.path("work/site.toml");
        let list = |name: &str, kind: &str, purpose: &str, entry: &str| {
            format!(
                "[[list]]\nname = \"{name}\"\ntype = \"{kind}\"\nuse = \"{purpose}\"\nentries = [\"{entry}\"]\n"
            )
        };
        let text = list("gadgets", "DEVICE_ID", "find", GADGET) + &list("staff", "PERSON", "keep", NAMES[0]);
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// Words of people, which stand sealed in the vault and nowhere else.
    fn names_nobody(text: &str) {
        for word in ["glimmerfrost", "quibblejar", "Priya", "Whitfield"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }

    fn counts(report: &Value) -> [u64; 6] {
        ["corrections", "tried", "right", "still_missed", "still_redacted", "lost"]
            .map(|name| report[name].as_u64().unwrap())
    }

    #[test]
    fn what_comes_in_is_searched_with_the_lists_of_the_site() {
        let mut home = Home::with_vault();
        let site = lists(&home);
        let chat = json!({
            "channel": "chat",
            "parties": [{"role": "agent"}, {"role": "customer"}],
            "turns": [
                {"party": 0, "text": format!("Hello, you are talking to {}.", NAMES[0])},
                {"party": 1, "text": format!("my {GADGET} does not start")},
            ],
        });
        let dir = home.path("work/chats");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("chat.json"), chat.to_string()).unwrap();
        home.run([
            "ingest",
            dir.to_str().unwrap(),
            "--recognisers",
            &home.path("absent").display().to_string(),
        ])
        .expect(3);
        home.set("CALLVAULT_RECOGNISERS", &site).run(["ingest", dir.to_str().unwrap()]).ok();
        let id = home.rows()[0]["id"].as_str().unwrap().to_owned();
        let masked = home.run(["show", &id]).ok().out;
        assert!(masked.contains("[DEVICE_ID]") && !masked.contains(GADGET), "{masked}");
        assert!(masked.contains(NAMES[0]), "staff are kept: {masked}");
    }

    #[test]
    fn corrections_are_tried_again_and_what_was_right_once_ends_in_exit_code_1() {
        let (home, ids) = corrected();
        let site = lists(&home);
        let run = |args: &[&str], code: i32| {
            let ran = home.run([&["measure", "--corrections"], args].concat()).expect(code);
            names_nobody(&ran.all());
            ran
        };
        let first = run(&["--json"], 0).json();
        assert_eq!(counts(&first), [3, 3, 0, 2, 1, 0], "{first}");
        let said = run(&[], 0).out;
        assert!(said.contains("3 accepted corrections, 3 tried: 0 right"), "{said}");
        assert!(
            said.contains(&format!("still redacted: PERSON in turn 0, characters 26 to 36 of {}", ids[0])),
            "{said}"
        );
        assert!(
            said.contains(&format!("still missed: DEVICE_ID in turn 1, characters 3 to 14 of {}", ids[1])),
            "{said}"
        );
        let with = run(&["--json", "--recognisers", &site], 0).json();
        assert_eq!(counts(&with), [3, 3, 3, 0, 0, 0], "{with}");
        assert_eq!(with["by_type"], json!({"DEVICE_ID": [2, 2], "PERSON": [1, 1]}));
        assert_eq!(counts(&run(&["--json"], 1).json()), [3, 3, 0, 2, 1, 3]);
        assert!(run(&[], 1).out.contains("3 were right at an earlier run"), "a second run hides nothing");
        run(&["--settle"], 0);
        run(&[], 0);

        // Every reading is in the ledger with its purpose, and no word is in it or in any other file outside the seals.
        let readings = |home: &Home| {
            let db = rusqlite::Connection::open(home.data().join("vault.db")).unwrap();
            let mut all = db.prepare("SELECT body FROM ledger_entry").unwrap();
            let rows = all.query_map([], |r| r.get::<_, Vec<u8>>(0)).unwrap();
            let all: Vec<String> = rows.map(|r| String::from_utf8(r.unwrap()).unwrap()).collect();
            all.iter().for_each(|e| names_nobody(e));
            let of = |e: &&String| e.contains("\"regression\"") && e.contains("\"audit\"");
            (all.iter().filter(of).count(), all.iter().filter(|e| e.contains("vault.measured")).count())
        };
        assert_eq!(readings(&home), (2 * 7, 7));
        for file in files(home.data()) {
            names_nobody(&String::from_utf8_lossy(&fs::read(file).unwrap()));
        }
        // It is no measurement that releases anything.
        let report = home.path("work/report.json");
        fs::write(&report, run(&["--json", "--recognisers", &site], 0).out).unwrap();
        home.run(["disposal", "enable", "--measured", report.to_str().unwrap()]).expect(3);

        // Whoever objects to being read for this is left out, whoever objects to something else is not.
        for (purpose, tried) in [(Purpose::Audit, 1), (Purpose::Service, 3)] {
            let vault = open(&home);
            vault.restrict(&Actor::LocalOperator, customer(&vault, ids[0]), Some(purpose), None).unwrap();
            drop(vault);
            let report = run(&["--json", "--recognisers", &site], 0).json();
            assert_eq!(counts(&report)[..3], [3, tried, tried], "{report}");
            let vault = open(&home);
            vault.unrestrict(&Actor::LocalOperator, customer(&vault, ids[0]), Some(purpose)).unwrap();
        }
        // Whoever is erased takes the corrections of the conversation along.
        erase(&home, ids[0]);
        let left = run(&["--json", "--recognisers", &site], 0).json();
        assert_eq!(counts(&left), [1, 1, 1, 0, 0, 0], "{left}");
        assert_eq!(left["cases"][0]["conversation"], ids[1].to_string());
        home.run(["verify"]).ok();
    }

    fn customer(vault: &Vault, id: ConversationId) -> SubjectId {
        vault
            .subjects()
            .unwrap()
            .into_iter()
            .filter(|s| s.role == "customer")
            .map(|s| s.id)
            .find(|s| vault.erasure_scope(*s).unwrap().iter().any(|r| r.conversation == id))
            .unwrap()
    }

    fn erase(home: &Home, id: ConversationId) {
        let vault = open(home);
        let mut order = EraseOrder {
            subject: customer(&vault, id),
            request: None,
            continues: None,
            agreed: None,
            keep: BTreeMap::new(),
            muted: BTreeMap::new(),
            says: &|_, _, _| false,
            suppress: false,
            consent_kept: &|_, _| unreachable!("no consent is on file"),
        };
        vault.erase_subject(&Actor::LocalOperator, &mut order).unwrap();
    }

    #[test]
    fn the_set_is_named_alone_and_needs_a_vault() {
        let home = Home::new();
        home.run(["measure"]).expect(2);
        home.run(["measure", "--corrections", "texts"]).expect(2);
        home.run(["measure", "--settle", "texts"]).expect(2);
        let none = home.run(["measure", "--corrections"]).expect(3);
        assert!(none.err.contains("callvault init"), "{}", none.err);
        let vault = Home::with_vault();
        let report = vault.run(["measure", "--corrections", "--json"]).ok().json();
        assert_eq!(counts(&report), [0; 6]);
    }
}

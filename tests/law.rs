//! `callvault law` as others rely on it: one answer a line, exit codes, what is said of a bad line, packs of one's own.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::home::{Home, Ran};
    use serde_json::{Value, json};
    use std::fs;

    const CASES: &str = include_str!("../fixtures/law/cases.jsonl");

    fn eval(args: &[&str], input: &str) -> Ran {
        let args = ["law", "eval"].into_iter().chain(args.iter().copied());
        Home::new().feed(args, input.as_bytes())
    }

    fn lines(ran: &Ran) -> Vec<Value> {
        ran.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    #[test]
    fn every_case_is_one_line_in_order_with_its_fields_and_a_citation() {
        // Without expectations, so that nothing can be copied from them.
        let asked: Vec<Value> = CASES.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let strip = |c: &Value| json!({"id": c["id"], "engine": c["engine"], "as_of": c["as_of"], "input": c["input"]});
        let input: String = asked.iter().map(|c| strip(c).to_string() + "\n").collect();
        for args in [&[][..], &["--brief"]] {
            let answers = lines(&eval(args, &input).ok());
            assert_eq!(answers.len(), asked.len());
            for (case, answer) in asked.iter().zip(&answers) {
                assert_eq!(answer["id"], case["id"]);
                assert!(!answer["citations"].as_array().unwrap().is_empty());
                assert!(answer["decision"].is_string() && answer["reasons"].is_array());
                for (field, wanted) in
                    case["expect"].as_object().unwrap().iter().filter(|(f, _)| *f != "reasons")
                {
                    assert_eq!(&answer[field], wanted, "{} {field}", case["id"]);
                }
                assert_eq!(answer["pack_hash"].is_string(), args.is_empty());
            }
        }
    }

    #[test]
    fn a_line_that_is_no_case_is_named_and_answered_in_its_place() {
        let good = CASES.lines().next().unwrap();
        let bad = [
            "{\"id\": \"a\", \"secret\": \"4111111111111111\"",
            "[1]",
            "{\"id\": \"b\", \"engine\": \"tcpa\", \"as_of\": \"soon\", \"input\": {\"action\": \"deadline\"}}",
            "{\"id\": \"c\", \"engine\": \"tcpa\", \"as_of\": \"2026-11-23T12:00:00Z\", \"input\": {\"action\": \"dance\"}}",
            "{\"id\": \"d\", \"engine\": \"tcpa\", \"as_of\": \"2026-11-23T12:00:00Z\"}",
        ];
        let input = format!("{good}\n{}\n\n{good}\n", bad.join("\n"));
        let ran = eval(&["--brief"], &input).expect(3);
        let answers = lines(&ran);
        assert_eq!(answers.len(), 7);
        let ids: Vec<_> = answers.iter().map(|a| a["id"].clone()).collect();
        assert_eq!(
            ids,
            [
                json!("breach-001"),
                json!(null),
                json!(null),
                json!("b"),
                json!("c"),
                json!("d"),
                json!("breach-001")
            ]
        );
        for (i, answer) in answers.iter().enumerate() {
            assert_eq!(answer["error"].is_string(), (1..6).contains(&i), "{answer}");
        }
        assert!(
            answers[4]["error"].as_str().unwrap().contains("line 5: no law engine answers"),
            "{}",
            answers[4]
        );
        assert!(ran.err.contains("5 lines") && ran.err.contains("line 2"), "{}", ran.err);
        assert!(!ran.all().contains("4111111111111111"));
        let long = format!("{{\"id\":\"x\",\"pad\":\"{}\"}}\n{good}\n", "y".repeat(3 << 20));
        let answers = lines(&eval(&["--brief"], &long).expect(3));
        assert_eq!((answers.len(), answers[1]["id"].clone()), (2, json!("breach-001")));
    }

    #[test]
    fn people_are_told_why_from_where_and_that_it_is_no_advice() {
        let home = Home::new();
        let case = CASES.lines().find(|l| l.contains("tcpa-027")).unwrap();
        let file = home.path("case.json");
        fs::write(&file, case).unwrap();
        let out = home.run(["law", "explain", "--case", file.to_str().unwrap()]).ok().out;
        for wanted in [
            "tcpa-027: deny",
            "hours.CT",
            "consent.CT_pewc",
            "42-288a",
            "confidence high",
            "read 2026-",
            "not legal advice",
        ] {
            assert!(out.contains(wanted), "{wanted} is missing:\n{out}");
        }
        assert_eq!(home.run(["law", "test"]).ok().out.trim(), "129 cases, 0 fields differ");
        let wrong = home.path("wrong.jsonl");
        fs::write(&wrong, case.replace("\"decision\": \"deny\"", "\"decision\": \"allow\"")).unwrap();
        assert!(home.run(["law", "test", wrong.to_str().unwrap()]).expect(1).out.contains("tcpa-027"));
        assert!(home.run(["law", "test", "--actions"]).ok().out.contains("pci store"));
    }

    #[test]
    fn a_vault_goes_by_the_sites_own_packs_and_by_none_that_nobody_signed() {
        let mut home = Home::with_vault();
        let dir = home.path("packs");
        fs::create_dir(&dir).unwrap();
        for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/crates/law/packs")).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap().replace("\"09:00-18:00\"", "\"09:00-19:00\"");
            fs::write(dir.join(path.file_name().unwrap()), text).unwrap();
        }
        let (number, facts, seed, key) =
            (home.path("number"), home.path("facts.json"), home.path("seed"), home.path("key"));
        fs::write(&number, "+1 401 555 0123").unwrap();
        // Half past six in the evening of a Friday in Rhode Island.
        let known = json!({"purpose": "telemarketing", "mode": "live", "at": "2026-03-06T23:30:00Z",
            "national_dnc": false, "registry_version_date": "2026-03-01", "ebr": null, "line": "wireless",
            "dialer": "manual", "attempts_last_24h": 0, "holidays_local": [], "emergencies": []});
        fs::write(&facts, known.to_string()).unwrap();
        fs::write(&seed, "07".repeat(32)).unwrap();
        let (number, facts) = (number.to_str().unwrap(), facts.to_str().unwrap());
        let check = ["law", "check", number, "--facts", facts, "--json"];
        let refused = home.run(check).expect(1).json();
        assert!(refused.to_string().contains("hours.RI"), "{refused}");
        let dir = dir.to_str().unwrap().to_owned();
        home.set("CALLVAULT_LAW_PACKS", &dir);
        for args in [&check[..], &["serve", "--listen", "127.0.0.1:0"], &["request", "list"]] {
            let said = home.run(args).expect(2);
            assert!(said.err.contains("--packs-key"), "{}", said.err);
        }
        let signed = home.run(["law", "sign", &dir, "--seed-file", seed.to_str().unwrap()]).ok().out;
        fs::write(&key, signed).unwrap();
        home.set("CALLVAULT_LAW_PACKS_KEY", key.to_str().unwrap());
        let own = home.run(check).ok().json();
        let id = own["id"].as_str().unwrap().to_owned();
        home.run(["law", "replay", &id]).ok();
        home.run(["request", "list"]).ok();
        let file = home.path("packs/us-state-tel.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("\"09:00-19:00\"", "\"09:00-20:00\"")).unwrap();
        for args in [&check[..], &["serve", "--listen", "127.0.0.1:0"]] {
            let said = home.run(args).expect(3);
            assert!(said.err.contains("does not fit") || said.err.contains("not signed"), "{}", said.err);
        }
    }

    #[test]
    fn packs_of_ones_own_are_signed_compared_and_grow_stale() {
        let home = Home::new();
        let dir = home.path("packs");
        let from = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/law/packs");
        fs::create_dir(&dir).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, dir.join(path.file_name().unwrap())).unwrap();
        }
        let dir = dir.to_str().unwrap();
        let seed = home.path("seed");
        fs::write(&seed, "07".repeat(32)).unwrap();
        let key = home.path("key");
        fs::write(&key, home.run(["law", "sign", dir, "--seed-file", seed.to_str().unwrap()]).ok().out)
            .unwrap();
        let key = key.to_str().unwrap();
        home.run(["law", "test", "--packs", dir, "--packs-key", key]).ok();
        assert!(home.run(["law", "test", "--packs", dir]).expect(2).err.contains("--packs-key"));
        assert!(home.run(["law", "diff", "embedded", dir]).ok().out.contains("0 entries differ"));

        let state = home.path("packs/us-state-tel.toml");
        let text = fs::read_to_string(&state).unwrap();
        let window = "\"09:00-18:00\"";
        assert!(text.contains(window));
        fs::write(&state, text.replace(window, "\"09:00-19:00\"")).unwrap();
        let refused = home.run(["law", "test", "--packs", dir, "--packs-key", key]).expect(3);
        assert!(refused.err.contains("not signed"), "{}", refused.err);
        let cases = home.path("cases.jsonl");
        fs::write(&cases, CASES).unwrap();
        let diff = home.run(["law", "diff", "embedded", dir, "--cases", cases.to_str().unwrap()]).ok().out;
        assert!(diff.contains("changed rule us.ri.tel.hours") && diff.contains("tcpa-019"), "{diff}");
        home.run(["law", "test", "--packs", dir, "--allow-unsigned"]).expect(1);

        assert!(home.run(["law", "stale", "--as-of", "2026-11-24"]).ok().out.contains("0 rows"));
        let stale = home.run(["law", "stale", "--as-of", "2027-06-01", "--json"]).expect(1).json();
        assert!(stale["rows"].as_array().unwrap().len() > 300);
        home.run(["law", "stale", "--older-than", "soon"]).expect(2);
    }

    #[test]
    fn a_campaign_is_counted_by_reason_and_names_nobody() {
        let home = Home::new();
        let list = home.path("list.csv");
        fs::write(
            &list,
            "called,national_dnc,internal_dnc,ebr.last_transaction\n\
             +12165550101,false,false,\n+12165550102,true,false,\n+12165550103,true,false,2026-01-05\n\
             \"+18505550104\",false,false,\n+12165550105,false,true,\n+12165550106,,false,\n",
        )
        .unwrap();
        let common = home.path("common.json");
        let facts = json!({
            "purpose": "telemarketing", "mode": "live", "line": "wireless", "dialer": "manual", "consent": null, "ebr": null,
            "registry_version_date": "2026-06-01", "holidays_local": [], "emergencies": [], "attempts_last_24h": 0,
        });
        fs::write(&common, facts.to_string()).unwrap();
        let (list, common) = (list.to_str().unwrap(), common.to_str().unwrap());
        // Half past eight in New York is half past seven in the Florida panhandle.
        let args = ["law", "preview", list, "--common", common, "--at", "2026-06-10T12:30:00Z"];
        let ran = home.run(args.into_iter().chain(["--json"])).ok();
        let report = ran.json();
        assert_eq!(report["rows"], 6);
        assert_eq!(report["decisions"], json!({"allow": 2, "deny": 4}));
        let count = |code: &str| {
            let all = report["reasons"].as_array().unwrap();
            all.iter().find(|r| r["reason"] == code).map_or(0, |r| r["count"].as_u64().unwrap())
        };
        assert_eq!((count("dnc.national"), count("dnc.internal"), count("hours.federal")), (1, 1, 1));
        assert_eq!((count("exempt.ebr_transaction"), count("dnc.national.unknown")), (1, 1));
        assert!(!ran.all().contains("55501"), "a number is named");
        let text = home.run(args).ok().out;
        assert!(
            text.contains("hours.federal")
                && text.contains("47 CFR 64.1200(c)(1)")
                && !text.contains("55501"),
            "{text}"
        );
        fs::write(home.path("bad.csv"), "called,at\n1,2,3\n").unwrap();
        let bad = home.run(["law", "preview", home.path("bad.csv").to_str().unwrap()]).expect(3);
        assert!(bad.err.contains("line 2"), "{}", bad.err);
    }

    /// What is known of a marketing call on a weekday afternoon.
    fn good_facts() -> Value {
        json!({
            "purpose": "telemarketing", "mode": "live", "line": "wireless", "dialer": "manual", "national_dnc": false,
            "registry_version_date": "2026-11-20", "ebr": null, "attempts_last_24h": 0, "same_subject": true,
            "holidays_local": [], "emergencies": [], "b2b": false, "at": "2026-11-24T17:00:00Z",
        })
    }

    #[test]
    fn stop_in_a_message_is_heard_at_intake_and_the_next_check_refuses_with_its_law() {
        let home = Home::with_vault();
        let facts = home.path("facts.json");
        fs::write(&facts, good_facts().to_string()).unwrap();
        let ask = |number: &str| {
            let args = ["law", "check", "-", "--json", "--facts", facts.to_str().unwrap()];
            home.feed(args, number.as_bytes())
        };
        let open = ask("+1 212 555 0150").ok().json();
        assert_eq!(open["decision"], "allow", "{open}");
        assert!(!open["citations"].as_array().unwrap().is_empty());

        let sms = json!([
            {"from": "+12025550199", "to": "+12125550150", "body": "Sale today, reply STOP to end", "direction": "outbound"},
            {"from": "+12125550150", "to": "+12025550199", "body": "STOP", "direction": "inbound"},
            {"from": "+12125550151", "to": "+12025550199", "body": "please stop the payment", "direction": "inbound"},
        ]);
        fs::write(home.path("work/messages.json"), sms.to_string()).unwrap();
        home.run(["ingest", "messages.json"]).ok();
        let wishes = home.run(["consent", "wishes", "--json"]).ok().json();
        let wishes = wishes["opt_outs"].as_array().unwrap().clone();
        assert_eq!(wishes.len(), 1, "{wishes:?}");
        assert_eq!((&wishes[0]["state"], &wishes[0]["channel"]), (&json!("stands"), &json!("sms")));

        let held = ask("(212) 555-0150").expect(1);
        assert_eq!(held.json()["decision"], "deny");
        assert!(held.out.contains("dnc.internal") && held.out.contains("64.1200(d)"), "{}", held.out);
        assert!(!held.all().contains("5550150"));
        ask("+1 212 555 0151").ok();
        let id = held.json()["id"].as_str().unwrap().to_owned();
        let again = home.run(["law", "replay", &id, "--json"]).ok().json();
        assert_eq!((&again["same"], &again["now"]), (&json!(true), &json!("deny")));

        let wish = wishes[0]["id"].as_str().unwrap();
        home.run(["consent", "decide", wish, "lift", "--reason", "she agreed again"]).ok();
        ask("+1 212 555 0150").ok();
        home.run(["verify", home.data().to_str().unwrap()]).ok();
        assert!(ask("nobody").expect(3).err.contains("no telephone number"));
    }

    #[test]
    fn a_consent_is_recorded_from_files_and_the_record_of_processing_names_what_is_missing() {
        let home = Home::with_vault();
        fs::write(home.path("work/number"), "+1 212 555 0160\n").unwrap();
        fs::write(home.path("work/form.txt"), "I agree to be called by Acme.").unwrap();
        let args =
            ["consent", "record", "number", "--purpose", "marketing", "--written", "--signature", "e-sign"];
        let rest = [
            "--seller",
            "Acme",
            "--autodialer",
            "--not-condition",
            "--given",
            "2026-01-05",
            "--proof",
            "form.txt",
        ];
        let id = home.run(args.into_iter().chain(rest)).ok().out.trim().to_owned();
        let listed = home.run(["consent", "list", "--json"]).ok();
        assert_eq!(listed.json()["consents"][0]["id"], json!(id));
        assert!(!listed.out.contains("5550160"));
        home.run(["consent", "withdraw", &id]).ok();
        home.run(["consent", "withdraw", &id]).expect(3);
        home.run(["consent", "record", "number", "--purpose", "marketing", "--given", "2026-01-05"])
            .expect(2);

        home.run(["law", "switch", "us.al.tel.hours", "off"]).ok();
        assert!(
            home.run(["law", "switch", "us.or.tel.hours", "off"])
                .expect(3)
                .err
                .contains("cannot be switched off")
        );
        let page = home.path("record.html");
        let record = home.run(["law", "record", "--json", "--html", page.to_str().unwrap()]).expect(1).json();
        assert_eq!(record["decision"], "incomplete");
        assert!(record["missing"].as_array().unwrap().contains(&json!("controller_contact")));
        let page = fs::read_to_string(page).unwrap();
        assert!(page.contains("Record of processing activities") && page.contains("not legal advice"));
    }
}

//! The posture audit against real installations: what is planted is what it reports.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::home::Home;
    use rusqlite::{Connection, params};
    use serde_json::Value;
    use std::{
        collections::BTreeSet, fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path, thread,
    };

    /// A vault, a made host, and settings that name a source folder and all documents.
    struct Site {
        home: Home,
        more: String,
    }

    impl Site {
        fn new() -> Self {
            let site = Self { home: Home::with_vault(), more: String::new() };
            for dir in ["host/etc", "host/proc/net", "host/run/systemd/timesync", "calls"] {
                fs::create_dir_all(site.home.path(dir)).unwrap();
            }
            fs::write(site.home.path("host/proc/net/tcp"), "head\n").unwrap();
            fs::write(site.home.path("host/run/systemd/timesync/synchronized"), "").unwrap();
            mode(&site.home.path("calls"), 0o700);
            site
        }

        fn audit(&self, more: &[&str]) -> Value {
            let settings = self.home.path("audit.toml");
            let text = format!(
                "host_root = {:?}\nsource_folders = [{:?}]\n{}",
                self.home.path("host"),
                self.home.path("calls"),
                self.more
            );
            fs::write(&settings, text).unwrap();
            let args = ["audit", "--json", "--settings", settings.to_str().unwrap()];
            let ran = self.home.run(args.iter().chain(more));
            assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.all());
            let report = ran.json();
            assert_eq!(
                ran.code == Some(1),
                report["counts"]["fail"] != 0,
                "exit 1 exactly when a check fails"
            );
            report
        }

        fn db(&self) -> Connection {
            let db = Connection::open(self.home.data().join("vault.db")).unwrap();
            db.pragma_update(None, "foreign_keys", false).unwrap();
            db
        }

        /// An account without any fault.
        fn account(&self, n: u8, roles: &[&str]) {
            let db = self.db();
            let tenant: Vec<u8> = db.query_row("SELECT id FROM tenant", [], |r| r.get(0)).unwrap();
            let id = [n; 16];
            let (more, zero) = if self.counts_by_login() { ("", "") } else { ("failures, ", "0, ") };
            let sql = format!(
                "INSERT INTO account (id, tenant, kind, state, login_index, sealed_login, sealed_name, password, sealed_totp,
                    totp_step, {more}created_at, created_by, last_seen_at, reviewed_at, reviewed_by)
                 VALUES (?1, ?2, 'person', 'active', ?1, x'00', x'00', '$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA', x'00',
                    0, {zero}?3, 'local-operator', ?3, ?3, 'local-operator')"
            );
            db.execute(&sql, params![id, tenant, now()]).unwrap();
            for role in roles {
                db.execute(
                    "INSERT INTO account_role VALUES (?1, ?2, ?3, 'local-operator')",
                    params![id, role, now()],
                )
                .unwrap();
            }
            let key = [n, 1].repeat(8);
            db.execute(
                "INSERT INTO passkey VALUES (?1, ?2, x'00', x'00', ?3, NULL)",
                params![key, id, now()],
            )
            .unwrap();
        }

        /// Whether failed sign-ins are counted by login or with the account.
        fn counts_by_login(&self) -> bool {
            let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'signin_failure')";
            self.db().query_row(sql, [], |r| r.get(0)).unwrap()
        }

        fn fail_twelve_times(&self) {
            if self.counts_by_login() {
                self.sql("INSERT INTO signin_failure SELECT login_index, 12, 0, NULL FROM account WHERE id = x'02020202020202020202020202020202'");
            } else {
                self.sql("UPDATE account SET failures = 12 WHERE id = x'02020202020202020202020202020202'");
            }
        }

        fn sql(&self, sql: &str) {
            assert!(self.db().execute(sql, []).unwrap() > 0, "{sql}");
        }
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn now() -> String {
        let db = Connection::open_in_memory().unwrap();
        db.query_row("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now')", [], |r| r.get(0)).unwrap()
    }

    fn failed(report: &Value) -> BTreeSet<String> {
        let all = report["findings"].as_array().unwrap();
        all.iter().filter(|f| f["status"] == "fail").map(|f| f["id"].as_str().unwrap().to_owned()).collect()
    }

    fn evidence(report: &Value, id: &str) -> String {
        let all = report["findings"].as_array().unwrap();
        all.iter().find(|f| f["id"] == id).unwrap()["evidence"].to_string()
    }

    fn only(before: &Value, after: &Value, planted: &[&str]) {
        let (before, after) = (failed(before), failed(after));
        let new: Vec<&String> = after.difference(&before).collect();
        assert_eq!(new, planted.iter().collect::<Vec<_>>());
        assert!(before.is_subset(&after), "nothing mends itself");
    }

    const OLD: &str = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-200 days')";

    /// The document follows the schema of its makers, and the check is one that a broken document fails.
    fn follows(site: &Site, schema: &str, document: &Value) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let check = |document: &Value| {
            let file = site.home.path("document.json");
            fs::write(&file, document.to_string()).unwrap();
            let mut python = std::process::Command::new("python3");
            python
                .arg(root.join("tools/check_schema.py"))
                .arg(root.join("fixtures/schemas").join(schema))
                .arg(file);
            let out = python.output().unwrap();
            (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned())
        };
        let (code, said) = check(document);
        if code == Some(77) {
            eprintln!("skipped: {schema}: {said}");
            return;
        }
        assert_eq!(code, Some(0), "{schema}: {said}");
        let mut broken = document.clone();
        let first = broken.as_object_mut().unwrap();
        first.insert("no-such-member".into(), Value::from(1));
        assert_eq!(check(&broken).0, Some(1), "{schema} takes everything");
    }

    /// One fault after the other, each planted in the running installation and reported as that one fault.
    #[test]
    fn each_planted_fault_is_reported_and_no_other() {
        let site = Site::new();
        site.account(1, &["admin"]);
        site.account(2, &["agent"]);
        let data = site.home.data().to_owned();
        let dormant =
            format!("UPDATE account SET last_seen_at = {OLD} WHERE id = x'02020202020202020202020202020202'");
        let unreviewed =
            format!("UPDATE account SET reviewed_at = {OLD} WHERE id = x'02020202020202020202020202020202'");
        let key = format!(
            "INSERT INTO api_key SELECT x'07070707070707070707070707070707', x'07', id, '[\"upload\"]', {0}, '2199-01-01T00:00:00Z', NULL, {0} FROM account WHERE id = x'02020202020202020202020202020202'",
            "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"
        );
        let key: &str = &key;
        let session = format!(
            "INSERT INTO session SELECT x'09', id, {OLD}, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 2, {OLD}, NULL, NULL FROM account WHERE id = x'02020202020202020202020202020202'"
        );
        let steps: Vec<(&str, Box<dyn Fn() + '_>)> = vec![
            ("E07", Box::new(|| mode(&data, 0o755))),
            ("D14", Box::new(|| mode(&site.home.path("calls"), 0o777))),
            ("D02", Box::new(|| fs::write(data.join("export.csv"), "dana,4242 4242 4242 4242\n").unwrap())),
            (
                "D01",
                Box::new(|| {
                    site.sql("INSERT INTO token SELECT 't', x'00', x'00', 'CVV', x'00' WHERE (SELECT 1)")
                }),
            ),
            (
                "A01",
                Box::new(|| {
                    site.account(3, &["agent"]);
                    site.sql("DELETE FROM passkey WHERE account = x'03030303030303030303030303030303'");
                    site.sql(
                    "UPDATE account SET sealed_totp = NULL WHERE id = x'03030303030303030303030303030303'",
                );
                }),
            ),
            (
                "A02",
                Box::new(|| {
                    site.account(4, &["compliance"]);
                    site.sql("DELETE FROM passkey WHERE account = x'04040404040404040404040404040404'");
                }),
            ),
            ("A04", Box::new(|| site.sql(&dormant))),
            ("A06", Box::new(|| site.sql(&unreviewed))),
            ("A07", Box::new(|| site.sql(key))),
            (
                "A09",
                Box::new(|| {
                    site.sql("INSERT INTO account_role SELECT id, 'auditor', created_at, 'x' FROM account WHERE id = x'01010101010101010101010101010101'")
                }),
            ),
            ("A12", Box::new(|| site.sql(&session))),
            ("A13", Box::new(|| site.fail_twelve_times())),
            (
                "A15",
                Box::new(|| {
                    site.sql("UPDATE account SET password = '$2b$12$aaaaaaaaaaaaaaaaaaaaaa' WHERE id = x'02020202020202020202020202020202'")
                }),
            ),
            (
                "A16",
                Box::new(|| {
                    site.sql("UPDATE meta SET value = '2026-01-01T00:00:00Z' WHERE key = 'training_since'");
                    site.sql(&format!(
                        "UPDATE account SET created_at = {OLD} WHERE id = x'02020202020202020202020202020202'"
                    ));
                    site.sql(&format!("UPDATE account_role SET since = {OLD} WHERE account = x'02020202020202020202020202020202'"));
                }),
            ),
            (
                "A19",
                Box::new(|| {
                    for course in
                        ["payment-calls", "health-data", "inside-pressure", "clean-desk", "report-incident"]
                    {
                        site.sql(&format!("INSERT INTO training_rule SELECT '{course}', 1, 'agent', 'play_muted', 7, 3, 'days:365', 3, NULL, {OLD}, {OLD}, 'x' WHERE (SELECT 1)"));
                    }
                }),
            ),
            (
                "D15",
                Box::new(|| {
                    site.sql("INSERT INTO medium SELECT x'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', 'hdd', x'00', 'backup', 'no', 'stored', '2026-01-01', NULL, NULL, '2026-01-01T00:00:00Z', 'x' WHERE (SELECT 1)")
                }),
            ),
            (
                "D16",
                Box::new(|| {
                    site.sql("INSERT INTO medium SELECT x'0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', 'hdd', x'00', 'backup', 'no', 'ended', NULL, NULL, NULL, '2026-01-01T00:00:00Z', 'x' WHERE (SELECT 1)")
                }),
            ),
            (
                "L01",
                Box::new(|| {
                    site.sql("UPDATE ledger_entry SET body = CAST(replace(CAST(body AS TEXT), 'observe', 'dispose') AS BLOB) WHERE seq = 0")
                }),
            ),
        ];
        assert!(steps.len() >= 10);
        let mut before = site.audit(&[]);
        for (id, plant) in steps {
            plant();
            let after = site.audit(&[]);
            assert!(failed(&after).contains(id), "{id} was planted: {}", evidence(&after, id));
            // Opened as they are, the folders show what the tests' own umask left behind; each fault stands alone.
            only(&before, &after, &[id]);
            before = after;
        }
        assert!(evidence(&before, "A04").contains("02020202-0202-0202-0202-020202020202"));
        assert!(!before.to_string().contains("4242 4242"), "evidence holds no value");
    }

    /// A misconfigured installation at once: exactly what was planted, with the right counts, then mended and passed.
    #[test]
    fn a_misconfigured_installation_is_reported_exactly() {
        let site = Site::new();
        let before = site.audit(&[]);
        let put = |path: &str, text: &str| {
            let path = site.home.path("host").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put(
            "etc/asterisk/manager.conf",
            "[general]\nenabled=yes\nbindaddr=0.0.0.0\n[admin]\nsecret=amp111\n",
        );
        put(
            "etc/asterisk/pjsip.conf",
            "[udp]\ntype=transport\nprotocol=udp\nbind=0.0.0.0\n[100]\ntype=endpoint\n",
        );
        put("var/spool/asterisk/monitor/a.wav", "RIFF");
        mode(&site.home.path("host/var/spool/asterisk/monitor"), 0o777);
        put("proc/net/tcp", "head\n 0: 00000000:13AE 00000000:0000 0A\n");
        put("proc/swaps", "head\n/dev/sda2 partition 1 0 -2\n");
        put("sys/block/sda2/size", "1");
        fs::rename(site.home.path("host/run/systemd"), site.home.path("host/run/gone")).unwrap();
        let after = site.audit(&[]);
        let mut planted = vec!["L04", "P01", "P02", "T04", "V06", "V11"];
        // Where this machine dumps cores, E06 failed before; its evidence has grown then.
        if !failed(&before).contains("E06") {
            planted.insert(0, "E06");
        }
        only(&before, &after, &planted);
        assert!(evidence(&after, "E06").contains("/dev/sda2"));
        assert!(evidence(&after, "V06").contains("0.0.0.0:5038"));
        assert!(evidence(&after, "T04").contains("1 of 1 phones"));
        assert!(!after.to_string().contains("amp111"), "a secret is never evidence");
        let trend = &after["trend"]["new"];
        assert_eq!(trend.as_array().unwrap().len(), planted.len());

        put(
            "etc/asterisk/manager.conf",
            "[general]\nenabled=yes\nbindaddr=127.0.0.1\n[admin]\nsecret=vR8s2Kq0aLx5Nt3Z\n",
        );
        let mended = site.audit(&[]);
        assert_eq!(
            mended["trend"]["mended"]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_str().unwrap())
                .collect::<Vec<_>>(),
            ["P02", "V11"]
        );
    }

    /// Canaries, a rehearsed restore, requests and legal clocks are read where they stand, not from a document.
    #[test]
    fn what_has_a_date_is_held_against_the_clock() {
        let site = Site::new();
        let status = |report: &Value, id: &str| {
            let all = report["findings"].as_array().unwrap().clone();
            all.into_iter().find(|f| f["id"] == id).unwrap()["status"].as_str().unwrap().to_owned()
        };
        let before = site.audit(&[]);
        for (id, stands) in [("D12", "pass"), ("R03", "pass"), ("R04", "fail"), ("R09", "fail")] {
            assert_eq!(status(&before, id), stands, "{id}: {}", evidence(&before, id));
        }
        site.home.run(["incident", "canary", "plant", "--count", "1"]).ok();
        let backup = site.home.path("one.backup");
        site.home.run(["backup", backup.to_str().unwrap()]).ok();
        site.home.run(["backup", "verify", backup.to_str().unwrap()]).ok();
        let mended = site.audit(&[]);
        for id in ["E05", "R04", "R09"] {
            assert_eq!(status(&mended, id), "pass", "{id}: {}", evidence(&mended, id));
        }
        let file =
            ["request", "file", "access", "--law", "eu", "--arrived", "email", "--received", "2026-01-05"];
        site.home.run(file).ok();
        let after = site.audit(&[]);
        only(&mended, &after, &["D12"]);
        assert!(evidence(&after, "D12").contains("due 2026-02-05"), "{}", evidence(&after, "D12"));
        site.home.run(["incident", "open", "--title", "Much was read"]).ok();
        let id =
            site.home.run(["incident", "show", "--json"]).ok().json()[0]["id"].as_str().unwrap().to_owned();
        let late = site.audit(&[]);
        only(&after, &late, &[]);
        site.home.run(["incident", "set", &id, "--laws", "EU", "--event", "aware=2026-01-05T09:00:00Z"]).ok();
        let over = site.audit(&[]);
        only(&late, &over, &["R03"]);
        assert!(evidence(&over, "R03").contains(&id), "{}", evidence(&over, "R03"));
    }

    #[test]
    fn a_listener_in_plain_text_and_an_own_certificate_are_found() {
        let site = Site::new();
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            use std::io::{Read, Write};
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0u8; 4096]);
                let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
            }
        });
        let config = site.home.path("callvault.toml");
        let write = |text: String| fs::write(&config, text).unwrap();
        write(format!(
            "listen = \"0.0.0.0:{port}\"\norigin = \"https://calls.example.org\"\nmax_upload_mib = 5\n"
        ));
        let before = site.audit(&[]);
        let after = site.audit(&["--config", config.to_str().unwrap()]);
        only(&before, &after, &["T01"]);
        assert!(evidence(&after, "T01").contains("plain HTTP"));
        assert!(
            evidence(&after, "T02").contains("certificate.pem"),
            "a certificate that is not there is unknown"
        );
        write("listen = 5".into());
        assert_eq!(site.home.run(["audit", "--config", config.to_str().unwrap()]).code, Some(3));
    }

    #[test]
    fn documents_waivers_and_imports_change_the_result() {
        let mut site = Site::new();
        let before = site.audit(&[]);
        assert_eq!(
            before["findings"].as_array().unwrap().iter().find(|f| f["id"] == "R01").unwrap()["status"],
            "unknown"
        );
        let today = &now()[..10];
        site.more = format!(
            "[evidence.R01]\ndate = \"{today}\"\nby = \"security officer\"\n[[waiver]]\ncheck = \"E05\"\nuntil = \"{today}\"\nby = \"security officer\"\nreason = \"backups begin next week\"\n"
        );
        let report = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/program/tests/reports/nmap.xml");
        let told = site.home.run(["audit", "import", "--json", report]).ok().json();
        assert_eq!(told[0]["new"], 3);
        assert!(site.home.run(["audit", "register"]).ok().out.contains("3 open, 0 overdue"));
        let after = site.audit(&[]);
        let find =
            |id: &str| after["findings"].as_array().unwrap().iter().find(|f| f["id"] == id).unwrap().clone();
        assert_eq!(
            (find("R01")["status"].as_str(), find("V02")["status"].as_str()),
            (Some("pass"), Some("pass"))
        );
        assert_eq!(
            (find("E05")["status"].as_str(), after["counts"]["waived"].as_u64()),
            (Some("fail"), Some(1))
        );
        fs::write(site.home.path("bad.xml"), "<nmaprun><host>").unwrap();
        let refused =
            site.home.run(["audit", "import", site.home.path("bad.xml").to_str().unwrap()]).expect(3);
        assert!(refused.err.contains("cut off") && refused.err.contains("Nothing of it was kept"));
    }

    #[test]
    fn the_forms_for_other_programs_are_whole() {
        let site = Site::new();
        let run = |format: &str| site.home.run(["audit", "--format", format]).expect(1).out;
        let sarif: Value = serde_json::from_str(&run("sarif")).unwrap();
        assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 82);
        follows(&site, "sarif-2.1.0.json", &sarif);
        let oscal: Value = serde_json::from_str(&run("oscal")).unwrap();
        assert_eq!(oscal["assessment-results"]["metadata"]["oscal-version"], "1.1.2");
        follows(&site, "oscal-assessment-results-1.0.6.json", &oscal);
        let html = run("html");
        assert!(
            html.starts_with("<!doctype html>") && html.contains("checks fail") && !html.contains("<script")
        );
        assert!(html.contains("PCI DSS 3.6.1.2"));
        let history: Value =
            serde_json::from_slice(&fs::read(site.home.data().join("audit/history.json")).unwrap()).unwrap();
        assert_eq!(history.as_array().unwrap().len(), 3);
    }
}

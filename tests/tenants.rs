//! Tenants with the real binary: added, worked in, kept apart, backed up, ended, and certified; killed at seeded random
//! moments of their end.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::{
        home::{Home, files},
        seeded::Seeded,
    };
    use serde_json::{Value, json};
    use std::{
        fs,
        path::{Path, PathBuf},
        process::Stdio,
        thread,
        time::{Duration, Instant},
    };

    /// In one of the demo's chats; long enough that chance does not make it.
    const CALLER: &str = "ivy.norwood";

    fn demo(folder: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo").join(folder)
    }

    /// A measurement of the vault itself, on the demo's texts.
    fn released(home: &Home) {
        let place = home.path("measured");
        let mut truth: Value = serde_json::from_slice(&fs::read(demo("truth.json")).unwrap()).unwrap();
        truth["conversations"].as_array_mut().unwrap().retain(|c| c["channel"] != "voice");
        for folder in ["chats", "emails"] {
            fs::create_dir_all(place.join(folder)).unwrap();
            for entry in fs::read_dir(demo(folder)).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), place.join(folder).join(entry.file_name())).unwrap();
            }
        }
        fs::write(place.join("truth.json"), truth.to_string()).unwrap();
        let report = home.run(["measure", "--json", place.join("truth.json").to_str().unwrap()]);
        assert!(matches!(report.code, Some(0 | 1)), "{report:?}");
        let file = home.path("measured.json");
        fs::write(&file, report.out).unwrap();
        fs::remove_dir_all(&place).unwrap();
        home.run(["disposal", "enable", "--measured", file.to_str().unwrap(), "--cooling-days", "0"]).ok();
    }

    fn with<'a>(tenant: &'a str, args: &[&'a str]) -> Vec<&'a str> {
        [&["--tenant", tenant], args].concat()
    }

    fn rows(home: &Home, tenant: &str) -> Vec<Value> {
        home.run(with(tenant, &["show", "--json"])).ok().json().as_array().unwrap().clone()
    }

    fn states(home: &Home) -> Vec<(String, String)> {
        let all = home.run(["tenant", "list", "--json"]).ok().json();
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        all.as_array().unwrap().iter().map(|t| (text(&t["name"]), text(&t["state"]))).collect()
    }

    fn beside(home: &Home, tenant: &str) -> usize {
        let all = files(&home.path("config"));
        all.iter().filter(|p| p.to_string_lossy().contains(tenant)).count()
    }

    #[test]
    fn two_companies_are_kept_apart_and_one_is_ended_with_a_certificate() {
        let home = Home::with_vault();
        let acme = home.run(["tenant", "add", "acme", "--reason", "contract 7", "--json"]).ok().json();
        home.run(["tenant", "add", "borealis"]).ok();
        assert_eq!(acme["mode"], "observe");
        assert_eq!(beside(&home, "acme"), 0, "no name of a tenant beside the keys");
        let chats = demo("chats");
        home.run(with("acme", &["ingest", chats.to_str().unwrap()])).ok();
        home.run(with("borealis", &["ingest", demo("emails").to_str().unwrap()])).ok();
        let (a, b) = (rows(&home, "acme"), rows(&home, "borealis"));
        assert!(!a.is_empty() && !b.is_empty() && home.rows().is_empty());
        let id = a[0]["id"].as_str().unwrap();
        home.run(with("acme", &["show", id])).ok();
        let other = home.run(with("borealis", &["show", id])).expect(3);
        assert!(other.err.contains("no conversation"), "{}", other.err);
        home.run(["show", id]).expect(3);
        // The same file comes in once more in the other, as nothing anybody has seen.
        home.run(with("borealis", &["ingest", chats.to_str().unwrap()])).ok();
        assert_eq!(rows(&home, "borealis").len(), a.len() + b.len());
        for tenant in ["acme", "borealis"] {
            home.run(with(tenant, &["verify"])).ok();
        }
        // The environment names a tenant, too; `default` is the host itself.
        let mut named = Home::with_vault();
        named.run(["tenant", "add", "one"]).ok();
        named.set("CALLVAULT_TENANT", "one");
        named.run(["ingest", chats.to_str().unwrap()]).ok();
        assert_eq!(named.rows().len(), a.len());
        assert!(rows(&named, "default").is_empty());
        for host in [
            &["tenant", "list"][..],
            &["init"],
            &["keys", "shares"],
            &["tenant", "end", "one", "--reason", "x"],
        ] {
            let refused = named.run(host).expect(2);
            assert!(refused.err.contains("on the host"), "{}", refused.err);
        }
        // Nobody is ended while the host observes.
        let kept = home.run(["tenant", "end", "acme", "--reason", "contract over"]).expect(1);
        assert!(kept.err.contains("observes"), "{}", kept.err);
        ended(&home, &acme);
    }

    /// Ends the tenant of the test above, and looks at what is left.
    fn ended(home: &Home, acme: &Value) {
        released(home);
        let backup = home.path("host.backup");
        let said = home.run(["backup", backup.to_str().unwrap()]).ok();
        assert!(said.out.contains("2 tenant(s) are not in it"), "{}", said.out);
        home.run(["backup", "verify", backup.to_str().unwrap()]).ok();
        let hold = home
            .run(with("acme", &["hold", "place", "everything", "--matter", "a claim", "--json"]))
            .ok()
            .json();
        let kept = home.run(["dispose", "tenant", "acme", "--reason", "contract over"]).expect(1);
        assert!(kept.err.contains("1 legal hold"), "{}", kept.err);
        home.run(with("acme", &["hold", "release", hold["id"].as_str().unwrap()])).ok();
        let vault = acme["vault"].as_str().unwrap();
        assert!(beside(home, vault) >= 1);
        let made = home.run(["dispose", "tenant", "acme", "--reason", "contract over", "--json"]).ok().json();
        assert_eq!(
            (&made["statement"]["tenant"], &made["statement"]["tenant_vkey"]),
            (&acme["vault"], &acme["vkey"])
        );
        assert_eq!((beside(home, vault), home.data().join("tenants/acme").exists()), (0, false));
        let gone = home.run(with("acme", &["show"])).expect(3);
        assert!(gone.err.contains("was ended"), "{}", gone.err);
        home.run(["tenant", "add", "acme"]).expect(3);
        let folder = home.path("certificates");
        home.run(["certificate", "export", folder.to_str().unwrap()]).ok();
        let file = files(&folder).remove(0);
        let data = home.data().to_str().unwrap();
        let held = home.run(["certificate", "verify", "--ledger", data, file.to_str().unwrap()]).ok();
        assert!(held.out.contains("Tenant acme ended"), "{}", held.out);
        let other =
            fs::read_to_string(&file).unwrap().replace("\"name\": \"acme\"", "\"name\": \"borealis\"");
        let forged = home.path("forged.json");
        fs::write(&forged, other).unwrap();
        home.run(["certificate", "verify", forged.to_str().unwrap()]).expect(1);
        assert!(home.run(["certificate", "list"]).ok().out.contains("Tenant acme ended"));
        assert!(!rows(home, "borealis").is_empty());
        home.run(["verify"]).ok();
        // The audit names both, with the keys tried.
        let report = home.run(["audit", "--open", "--format", "json", "--no-history"]);
        let report: Value = serde_json::from_str(&report.out).unwrap();
        let check = report["findings"].as_array().unwrap().iter().find(|f| f["id"] == "E08").unwrap().clone();
        assert_eq!(check["status"], "pass", "{check}");
        assert!(
            check["evidence"].to_string().contains("live: borealis; every key opens; ended: acme"),
            "{check}"
        );
        // A restored host ends it again.
        fs::rename(home.data(), home.path("away")).unwrap();
        let key = home.key_file();
        let restore = ["restore", backup.to_str().unwrap(), "--key-file", key.to_str().unwrap()];
        let restored = home.run(restore).ok();
        assert!(restored.out.contains("erased again   1"), "{}", restored.out);
        let still = home.run(with("acme", &["show"])).expect(3);
        assert!(still.err.contains("was ended"), "{}", still.err);
    }

    #[test]
    fn a_tenant_is_backed_up_and_restored_through_its_host() {
        let home = Home::with_vault();
        home.run(["tenant", "add", "acme"]).ok();
        home.run(with("acme", &["ingest", demo("chats").to_str().unwrap()])).ok();
        let before = rows(&home, "acme");
        let backup = home.path("acme.backup");
        home.run(with("acme", &["backup", backup.to_str().unwrap()])).ok();
        home.run(with("acme", &["backup", "verify", backup.to_str().unwrap()])).ok();
        home.run(with("acme", &["keys", "roll"])).ok();
        home.run(["keys", "rotate"]).ok();
        home.run(["keys", "roll"]).ok();
        let place = home.data().join("tenants/acme");
        fs::rename(&place, home.path("lost")).unwrap();
        home.run(with("acme", &["show"])).expect(3);
        home.run(with("acme", &["restore", backup.to_str().unwrap()])).ok();
        assert_eq!(rows(&home, "acme").len(), before.len());
        // Opened as if it were a vault with a key file of its own.
        let bare = home.run(["--data", place.to_str().unwrap(), "show"]).expect(3);
        assert!(bare.err.contains("--tenant"), "{}", bare.err);
    }

    /// Starts a command and kills it after `after`.
    fn kill_after(home: &Home, args: &[&str], after: Duration) -> bool {
        let mut child = home.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        while started.elapsed() < after {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            thread::sleep(Duration::from_micros(200));
        }
        child.kill().unwrap();
        child.wait().unwrap().code().is_none()
    }

    #[test]
    fn killed_anywhere_an_end_goes_on() {
        let many = if std::env::var_os("CALLVAULT_DEEP").is_some() { 40 } else { 6 };
        let home = Home::with_vault();
        released(&home);
        let names: Vec<String> = (0..=many).map(|n| format!("t{n}")).collect();
        for name in &names {
            home.run(["tenant", "add", name]).ok();
        }
        fn args(name: &str) -> [&str; 5] {
            ["tenant", "end", name, "--reason", "contract over"]
        }
        let (whole, started) = (args(&names[0]), Instant::now());
        home.run(whole).ok();
        let whole = started.elapsed();
        let mut random = Seeded(20_261_128);
        let mut met = 0;
        for name in &names[1..] {
            let after = whole.mul_f64(random.share());
            met += usize::from(kill_after(&home, &args(name), after));
            // Whatever the moment: it lives whole, or its key is gone and a second try ends it.
            home.run(["verify"]).ok();
            let now = states(&home).into_iter().find(|(n, _)| n == name).unwrap().1;
            let show = home.run(with(name, &["show"]));
            assert_eq!(show.code, Some(if now == "live" { 0 } else { 3 }), "{now}: {show:?}");
        }
        home.run(["resume"]).ok();
        assert!(!states(&home).iter().any(|(_, state)| state == "ending"));
        for (name, state) in states(&home) {
            if state == "live" {
                home.run(args(&name)).ok();
            }
        }
        assert!(states(&home).iter().all(|(_, state)| state == "ended"));
        let listed = home.run(["certificate", "list"]).ok().out;
        assert_eq!(listed.lines().count(), names.len(), "one certificate each: {listed}");
        assert!(files(&home.data().join("tenants")).is_empty());
        let (dir, entries) = (home.path("ledger"), json!(names.len()));
        home.run(["verify", "--export", dir.to_str().unwrap()]).ok();
        let text: String =
            files(&dir).iter().map(|f| String::from_utf8_lossy(&fs::read(f).unwrap()).into_owned()).collect();
        assert_eq!(json!(text.matches("\"tenant.ended\"").count()), entries, "each act is recorded once");
        assert!(!text.contains(CALLER));
        println!("{met} of {many} kills met the end at work");
    }
}

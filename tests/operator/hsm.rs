//! A key file that only a security module opens: SoftHSM, as Debian has it.

use crate::support::home::{Home, Ran, files};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

const PIN: &str = "orchard-lantern-4417-pin";
const WRONG: &str = "meadow-kettle-9023-pin";
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A home with a module and a token of this name in it.
struct Site {
    home: Home,
}

impl Site {
    fn new() -> Self {
        let mut home = Home::new();
        fs::create_dir(home.path("tokens")).unwrap();
        let settings = home.path("softhsm2.conf");
        fs::write(&settings, format!("directories.tokendir = {}\n", home.path("tokens").display())).unwrap();
        home.set("SOFTHSM2_CONF", &settings);
        private(&home.path("pin"), &format!("{PIN}\n"));
        private(&home.path("wrong"), &format!("{WRONG}\n"));
        let site = Self { home };
        site.token("callvault");
        site
    }

    fn util(&self, args: &[&str]) {
        let done = Command::new("softhsm2-util")
            .env("SOFTHSM2_CONF", self.home.path("softhsm2.conf"))
            .args(args)
            .output()
            .expect("softhsm2-util; `tools/test` installs softhsm2");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn token(&self, label: &str) {
        self.util(&[
            "--init-token",
            "--free",
            "--label",
            label,
            "--pin",
            PIN,
            "--so-pin",
            "so-pin-of-the-tests",
        ]);
    }

    fn uri(&self, rest: &str) -> String {
        format!("pkcs11:token=callvault;object=root?module-path={MODULE}{rest}")
    }

    fn with_pin(&self) -> String {
        self.uri(&format!("&pin-source=file:{}", self.home.path("pin").display()))
    }

    fn key(&self) -> PathBuf {
        self.home.key_file()
    }

    fn key_text(&self) -> String {
        fs::read_to_string(self.key()).unwrap()
    }
}

/// Neither PIN was said, and no file but those that hold them has them.
fn quiet(site: &Site, said: &[Ran]) {
    for pin in [PIN, WRONG] {
        assert!(said.iter().all(|s| !s.all().contains(pin)), "a PIN was printed");
        for file in files(&site.home.path("")) {
            let holds = file.ends_with("pin") || file.ends_with("wrong");
            let text = fs::read(&file).unwrap();
            assert!(holds || !text.windows(pin.len()).any(|w| w == pin.as_bytes()), "{}", file.display());
        }
    }
}

#[test]
fn a_vault_whose_key_a_security_module_seals_opens_with_it_and_not_without() {
    let mut site = Site::new();
    let made = site.home.run(["init", "--hsm", &site.with_pin(), "--json"]).ok();
    let text = site.key_text();
    assert!(text.contains("\npkcs11:token=callvault;object=root?") && !text.contains("\nroot "), "{text}");
    fs::write(site.home.path("work/chat.txt"), "agent: your name please\ncaller: my name is Dana Example\n")
        .unwrap();
    let mut said = vec![
        made,
        site.home.run(["ingest", site.home.path("work").to_str().unwrap()]).ok(),
        site.home.run(["show"]).ok(),
        site.home.run(["verify"]).ok(),
    ];
    // A copy of the disk holds no module: that it lies beside the data is no finding.
    let audit = site.home.run(["audit", "--json"]);
    let row = audit.json()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| {
            f["evidence"]
                .as_array()
                .unwrap()
                .iter()
                .any(|e| e.as_str().unwrap().contains("opened only by a security module"))
        })
        .cloned();
    assert_eq!(row.unwrap()["status"], "pass");

    // Another PIN than the file's; the module is asked once and says no.
    site.home.set("CALLVAULT_PASSPHRASE_FILE", site.home.path("wrong"));
    let refused = site.home.run(["show"]).expect(3);
    assert!(refused.err.contains("refuses this PIN"), "{}", refused.err);
    site.home.set("CALLVAULT_PASSPHRASE_FILE", site.home.path("pin"));
    said.push(site.home.run(["show"]).ok());
    site.home.unset("CALLVAULT_PASSPHRASE_FILE");

    // A PIN file that others may read is no PIN file.
    fs::set_permissions(site.home.path("pin"), fs::Permissions::from_mode(0o644)).unwrap();
    said.push(site.home.run(["show"]).expect(3));
    fs::set_permissions(site.home.path("pin"), fs::Permissions::from_mode(0o600)).unwrap();

    // Changed anywhere, it does not open.
    let at = text.find("sealed ").unwrap() + "sealed ".len();
    for place in [at, at + 20, at + 60] {
        let mut bent = text.clone().into_bytes();
        bent[place] = if bent[place] == b'A' { b'B' } else { b'A' };
        private(&site.key(), &String::from_utf8(bent).unwrap());
        let refused = site.home.run(["show"]).expect(3);
        assert!(refused.err.contains("could not be opened"), "{}", refused.err);
        said.push(refused);
    }
    private(&site.key(), &text);

    // Another site's module holds a key of the same name, and none of ours.
    let other = Site::new();
    other.home.run(["init", "--hsm", &other.with_pin()]).ok();
    site.home.set("SOFTHSM2_CONF", other.home.path("softhsm2.conf"));
    let refused = site.home.run(["show"]).expect(3);
    assert!(refused.err.contains("could not be opened"), "{}", refused.err);
    said.push(refused);
    // No token at all; then no such library.
    let empty = site.home.path("empty.conf");
    fs::create_dir(site.home.path("none")).unwrap();
    fs::write(&empty, format!("directories.tokendir = {}\n", site.home.path("none").display())).unwrap();
    site.home.set("SOFTHSM2_CONF", &empty);
    let refused = site.home.run(["show"]).expect(3);
    assert!(refused.err.contains("fits no token"), "{}", refused.err);
    site.home.set("SOFTHSM2_CONF", site.home.path("softhsm2.conf"));
    private(&site.key(), &text.replace(MODULE, "/usr/lib/softhsm/absent.so"));
    let refused = site.home.run(["show"]).expect(3);
    assert!(refused.err.contains("could not be loaded"), "{}", refused.err);
    private(&site.key(), &text);
    said.push(site.home.run(["show"]).ok());
    quiet(&site, &said);
}

#[test]
fn a_sealed_key_of_another_vault_in_the_same_module_does_not_open_this_one() {
    let mut site = Site::new();
    site.home.run(["init", "--hsm", &site.with_pin()]).ok();
    let (key, first) = (site.key(), site.key_text());
    site.home.set_data(site.home.path("second"));
    site.home.run(["init", "--hsm", &site.with_pin()]).ok();
    let second = files(key.parent().unwrap())
        .into_iter()
        .find(|p| p.extension().is_some_and(|e| e == "key") && *p != key)
        .map(|p| fs::read_to_string(p).unwrap())
        .unwrap();
    let sealed = |text: &str| text.lines().last().unwrap().to_owned();
    assert_ne!(sealed(&first), sealed(&second));
    private(&key, &first.replace(&sealed(&first), &sealed(&second)));
    site.home.set_data(site.home.path("data"));
    let refused = site.home.run(["show"]).expect(3);
    assert!(refused.err.contains("could not be opened"), "{}", refused.err);
}

#[test]
fn the_protection_of_a_key_file_changes_and_the_old_bytes_are_overwritten() {
    let mut site = Site::new();
    site.home.run(["init"]).ok();
    let key = site.key();
    let words = site.home.path("work/words");
    private(&words, "violet harbour sextant\n");
    let secret = site.key_text().lines().find_map(|l| l.strip_prefix("root ")).unwrap().to_owned();
    // Another name of the old file shows what became of its bytes.
    let old = site.home.path("work/old");
    fs::hard_link(&key, &old).unwrap();
    // A draft that a killed try left is in nobody's way.
    private(&key.with_extension("key.next"), "left by a try that was killed");

    let mut said =
        vec![site.home.run(["keys", "protect", "--new-passphrase-file", words.to_str().unwrap()]).ok()];
    assert!(fs::read(&old).unwrap().iter().all(|b| *b == 0), "the old key file was not overwritten");
    assert!(site.key_text().contains("\nargon2id ") && !site.key_text().contains(&secret));
    said.push(site.home.run(["show"]).expect(3));
    site.home.set("CALLVAULT_PASSPHRASE_FILE", &words);
    said.push(site.home.run(["show"]).ok());

    said.push(
        site.home
            .run([
                "keys",
                "protect",
                "--hsm",
                &site.uri(""),
                "--new-passphrase-file",
                site.home.path("pin").to_str().unwrap(),
            ])
            .ok(),
    );
    assert!(site.key_text().contains("\npkcs11:"));
    let refused = site.home.run(["show"]).expect(3);
    assert!(refused.err.contains("refuses this PIN"), "{}", refused.err);
    site.home.unset("CALLVAULT_PASSPHRASE_FILE");
    assert!(site.home.run(["show"]).expect(3).err.contains("needs the PIN"));
    site.home.set("CALLVAULT_PASSPHRASE_FILE", site.home.path("pin"));

    // Fails before anything was replaced: the vault opens as before.
    let before = site.key_text();
    let uri = site.uri("").replace("token=callvault", "token=elsewhere");
    said.push(site.home.run(["keys", "protect", "--hsm", &uri]).expect(3));
    assert_eq!(site.key_text(), before);
    for wrong in [vec!["--plain", "--hsm", &uri], vec![]] {
        let args: Vec<&str> = ["keys", "protect"].into_iter().chain(wrong).collect();
        said.push(site.home.run(args).expect(2));
    }
    said.push(site.home.run(["keys", "protect", "--plain", "--json"]).ok());
    site.home.unset("CALLVAULT_PASSPHRASE_FILE");
    assert!(site.key_text().contains(&secret), "the root key is still the same");
    said.push(site.home.run(["verify"]).ok());
    assert_eq!(
        files(key.parent().unwrap()).iter().filter(|p| p.to_string_lossy().contains("next")).count(),
        0
    );
    assert!(said.iter().all(|s| !s.all().contains("sextant") && !s.all().contains(&secret)));
    quiet(&site, &said);
}

#[test]
fn new_recovery_shares_rebuild_the_key_alone_and_not_mixed_with_old_ones() {
    let home = Home::new();
    let list = |said: &Ran| -> Vec<String> {
        said.json()["recovery_shares"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s.as_str().unwrap().to_owned())
            .collect()
    };
    let old = list(&home.run(["init", "--json"]).ok());
    let new = list(&home.run(["keys", "shares", "--needed", "3", "--made", "5", "--json"]).ok());
    let again = list(&home.run(["keys", "shares", "--json"]).ok());
    assert_eq!((new.len(), again.len()), (5, 3));
    home.run(["keys", "shares", "--needed", "4", "--made", "3"]).expect(3);
    let (key, before) = (home.key_file(), fs::read_to_string(home.key_file()).unwrap());
    fs::rename(&key, home.path("lost")).unwrap();
    for mixed in [[&old[0], &again[1]], [&old[0], &new[1]], [&new[0], &new[1]]] {
        home.feed(["keys", "recover"], format!("{}\n{}\n", mixed[0], mixed[1]).as_bytes()).expect(3);
        assert!(!key.exists());
    }
    home.feed(["keys", "recover"], format!("{}\n{}\n{}\n", new[4], new[0], new[2]).as_bytes()).ok();
    assert_eq!(fs::read_to_string(&key).unwrap(), before);
    home.run(["verify"]).ok();
}

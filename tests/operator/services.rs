//! A key file that only a service opens: AWS KMS as `moto` has it, and a model of the transit engine (`tests/services`).

use crate::support::{
    home::{Home, Ran, files},
    services::Service,
};
use serde_json::json;
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, ChildStdout, Stdio},
};

const SECRET: &str = "orchard/lantern+4417kms7secret7key7of7the7tests";
const TOKEN: &str = "s.orchardLantern4417transitTokenOfTheTests";
const WORDS: &str = "violet harbour sextant";

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// No secret was said, and no file has one but those that are there for it.
fn quiet(home: &Home, said: &[Ran]) {
    for secret in [SECRET, TOKEN, WORDS] {
        assert!(said.iter().all(|s| !s.all().contains(secret)), "a secret was printed");
        let all = files(&home.path(""));
        // A server that was killed leaves its socket.
        let all = all.iter().filter(|f| f.is_file() && !f.ends_with("secret") && !f.ends_with("words"));
        for file in all {
            let text = fs::read(file).unwrap();
            assert!(!text.windows(secret.len()).any(|w| w == secret.as_bytes()), "{}", file.display());
        }
    }
}

fn kms() -> Option<(Service, Home, String)> {
    let mut service = Service::start("kms", &[])?;
    let text = format!("[default]\naws_access_key_id = AKIDOFTHETESTS\naws_secret_access_key = {SECRET}\n");
    service.private("credentials", &text);
    let key = service.tell(&json!({"make": {}}))["arn"].as_str().unwrap().to_owned();
    let home = Home::new();
    private(&home.path("secret"), &text);
    let file = home.path("secret");
    let uri = format!(
        "awskms:region=eu-central-1;key={key};endpoint={}?credentials-file={}",
        service.url,
        file.display()
    );
    Some((service, home, uri))
}

fn transit(more: &[&str]) -> Option<(Service, Home, String)> {
    let mut service = Service::start("transit", more)?;
    service.tell(&json!({"make": ["callvault"], "tokens": [TOKEN]}));
    let home = Home::new();
    private(&home.path("secret"), &format!("{TOKEN}\n"));
    let ca = if more.is_empty() {
        String::new()
    } else {
        format!("&ca-file={}", service.path("ca.pem").display())
    };
    let uri = format!(
        "transit:address={};mount=transit;key=callvault?token-file={}{ca}",
        service.url,
        home.path("secret").display()
    );
    Some((service, home, uri))
}

/// A server, up to its first line.
fn served(home: &Home, more: &[&str]) -> (Served, String) {
    let args = ["serve", "--json", "--listen", "127.0.0.1:0"].iter().chain(more);
    let mut child = home.command(args).stderr(Stdio::inherit()).spawn().unwrap();
    let mut line = String::new();
    // It is read no further, and kept: a server whose output nobody takes ends.
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    (Served(child, out), line)
}

struct Served(Child, #[expect(dead_code, reason = "kept open")] BufReader<ChildStdout>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_vault_whose_key_aws_kms_seals_opens_with_it_and_not_without() {
    let Some((service, mut home, uri)) = kms() else { return };
    // Proxies of the environment are not asked: these lead nowhere.
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        home.set(name, "http://127.0.0.1:9");
    }
    home.set("CALLVAULT_LOG", "trace");
    let mut said = vec![home.run(["init", "--key-service", &uri, "--json"]).ok()];
    said.push(home.run(["show"]).ok());
    home.set("CALLVAULT_LOG", "warn");
    let text = fs::read_to_string(home.key_file()).unwrap();
    assert!(text.contains("\nawskms:region=eu-central-1;key=arn:") && !text.contains("\nroot "), "{text}");
    fs::write(home.path("work/chat.txt"), "agent: your name please\ncaller: my name is Dana Example\n")
        .unwrap();
    said.push(home.run(["ingest", home.path("work").to_str().unwrap()]).ok());
    said.extend([home.run(["show"]).ok(), home.run(["verify"]).ok()]);
    let status = home.run(["keys", "status", "--json"]).ok();
    assert_eq!(
        (&status.json()["protection"], &status.json()["key_service"]),
        (&json!("aws-kms"), &json!(uri))
    );
    assert!(home.run(["keys", "status"]).ok().out.contains(&format!("protection     {uri}")));
    // What lets us in lies beside the data here, and the audit says what that means.
    let row = |home: &Home| -> serde_json::Value {
        let all = home.run(["audit", "--json"]).json();
        all["findings"].as_array().unwrap().iter().find(|f| f["id"] == "E02").cloned().unwrap()
    };
    assert_eq!(row(&home)["status"], "fail");
    assert!(row(&home)["evidence"].to_string().contains("a copy of the disk opens it"), "{}", row(&home));
    let (server, line) = served(&home, &[]);
    assert!(line.contains("127.0.0.1"), "{line}");
    drop(server);

    // The service is gone: nothing opens, and it is said.
    drop(service);
    for command in [vec!["show"], vec!["serve", "--listen", "127.0.0.1:0"]] {
        let refused = home.run(command).expect(3);
        assert!(
            refused.err.contains("aws-kms at 127.0.0.1:") && refused.err.contains("cannot be reached"),
            "{}",
            refused.err
        );
        said.push(refused);
    }
    quiet(&home, &said);
}

#[test]
fn protection_moves_from_a_passphrase_to_kms_and_back() {
    let Some((_service, mut home, uri)) = kms() else { return };
    let words = home.path("words");
    private(&words, &format!("{WORDS}\n"));
    home.set("CALLVAULT_PASSPHRASE_FILE", &words);
    // A passphrase beside a service would protect nothing.
    let refused = home.run(["init", "--key-service", &uri]).expect(2);
    assert!(refused.err.contains("protects nothing"), "{}", refused.err);
    let mut said =
        vec![refused, home.run(["init"]).ok(), home.run(["keys", "protect", "--key-service", &uri]).ok()];
    home.unset("CALLVAULT_PASSPHRASE_FILE");
    assert!(fs::read_to_string(home.key_file()).unwrap().contains("\nawskms:"));
    said.push(home.run(["show"]).ok());
    let first = fs::read_to_string(home.key_file()).unwrap();
    said.push(home.run(["keys", "protect", "--key-service", &uri]).ok());
    assert_ne!(fs::read_to_string(home.key_file()).unwrap(), first, "sealed anew");
    said.push(home.run(["show"]).ok());
    // What cannot be sealed replaces nothing.
    let before = fs::read_to_string(home.key_file()).unwrap();
    let absent = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let (start, rest) = uri.split_once("key=").unwrap();
    let gone = format!("{start}key={absent};{}", rest.split_once(';').unwrap().1);
    let refused = home.run(["keys", "protect", "--key-service", &gone]).expect(3);
    assert!(refused.err.contains("no key of this name"), "{}", refused.err);
    assert_eq!(fs::read_to_string(home.key_file()).unwrap(), before);
    said.push(refused);
    for wrong in [vec!["--plain", "--key-service", &uri], vec!["--key-service", "vault:x"]] {
        let args: Vec<&str> = ["keys", "protect"].into_iter().chain(wrong).collect();
        said.push(home.run(args).expect(2));
    }
    said.push(home.run(["keys", "protect", "--new-passphrase-file", words.to_str().unwrap()]).ok());
    said.push(home.run(["show"]).expect(3));
    home.set("CALLVAULT_PASSPHRASE_FILE", &words);
    said.extend([home.run(["show"]).ok(), home.run(["verify"]).ok()]);
    quiet(&home, &said);
}

#[test]
fn a_vault_whose_key_transit_seals_opens_with_it_and_not_without() {
    let Some((mut service, home, uri)) = transit(&["--tls"]) else { return };
    let mut said = vec![home.run(["init", "--key-service", &uri]).ok(), home.run(["show"]).ok()];
    let text = fs::read_to_string(home.key_file()).unwrap();
    assert!(text.contains("\ntransit:address=https:") && text.contains("\nsealed vault:v1:"), "{text}");
    let refused = |home: &Home, wanted: &str| {
        let refused = home.run(["show"]).expect(3);
        assert!(refused.err.contains(wanted), "{wanted}: {}", refused.err);
        refused
    };
    service.tell(&json!({"sealed": true}));
    said.push(refused(&home, "it is sealed itself"));
    service.tell(&json!({"sealed": false, "withdraw": [TOKEN]}));
    said.push(refused(&home, "it refuses what we prove ourselves with"));
    service.tell(&json!({"tokens": [TOKEN]}));
    fs::set_permissions(home.path("secret"), fs::Permissions::from_mode(0o644)).unwrap();
    said.push(refused(&home, "other users can read it"));
    fs::set_permissions(home.path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    // The key file of another vault under the same key, with this one's id or without.
    let mut other = Home::new();
    other.set("CALLVAULT_LOG", "trace");
    said.push(other.run(["init", "--key-service", &uri]).ok());
    let line = |text: &str, name: &str| text.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
    let theirs = fs::read_to_string(other.key_file()).unwrap();
    for name in ["sealed ", "wrapped ", "vault "] {
        private(&home.key_file(), &text.replace(&line(&text, name), &line(&theirs, name)));
        said.push(home.run(["show"]).expect(3));
    }
    private(&home.key_file(), &theirs);
    said.push(home.run(["show"]).expect(3));
    // Plain HTTP to another machine, in a key file that somebody changed.
    private(&home.key_file(), &text.replace("https://127.0.0.1", "http://192.0.2.1"));
    said.push(refused(&home, "this machine itself"));
    private(&home.key_file(), &text);
    // A key of the same name, made again: it is another key.
    service.tell(&json!({"lose": ["callvault"]}));
    said.push(refused(&home, "no key of this name"));
    service.tell(&json!({"make": ["callvault"]}));
    said.push(refused(&home, "was not sealed by this key"));
    quiet(&home, &said);
}

#[test]
fn a_server_that_starts_closed_is_opened_by_its_service_when_somebody_asks_it_to() {
    let Some((mut service, home, uri)) = transit(&[]) else { return };
    home.run(["init", "--key-service", &uri]).ok();
    let asked = service.requests().len();
    let (server, line) = served(&home, &["--sealed"]);
    assert!(line.contains("\"sealed\":true"), "{line}");
    let status = home.run(["unseal", "--status", "--json"]).ok().json();
    assert_eq!((&status["state"], &status["opens"]), (&json!("sealed"), &json!("service")));
    assert_eq!(service.requests().len(), asked, "it asks the service for nothing before somebody comes");
    service.tell(&json!({"sealed": true}));
    let refused = home.run(["unseal"]).expect(1);
    assert!(refused.err.contains("it is sealed itself"), "{}", refused.err);
    service.tell(&json!({"sealed": false}));
    // After a try that failed it waits a moment.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let opened = home.run(["unseal", "--json"]).ok();
    assert_eq!(opened.json()["state"], "open");
    drop(server);
    let entries = home.run(["verify"]).ok();
    quiet(&home, &[refused, opened, entries]);
}

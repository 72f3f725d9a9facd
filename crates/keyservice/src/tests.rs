//! Against `moto` and a model of transit (`tests/services`), and against peers that answer what no service should.

mod odd;
#[path = "../../../tests/support/services.rs"]
mod services;

use super::*;
use callvault_model::{
    clock::FixedClock,
    id::{Id, VaultId},
};
use callvault_seal::{Key256, OsEntropy};
use serde_json::{Value, json};
use services::Service;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

const KEY_ID: &str = "AKIDOFTHETESTS";
const SECRET: &str = "orchard/lantern+4417kms7secret7key7of7the7tests";
const SESSION: &str = "meadow/kettle==9023session";
const TOKEN: &str = "s.orchardLantern4417transitTokenOfTheTests";

pub fn vault() -> VaultId {
    Id::new(&SystemClock, &OsEntropy).unwrap()
}

fn at(line: &str) -> Result<Box<dyn KeyService>, Fault> {
    Services::default().at(&line.parse::<Place>().unwrap())
}

/// What went wrong, after a look that no secret is in it.
pub fn why<T>(done: Result<T, Fault>) -> Fault {
    let fault = done.err().expect("it should have failed");
    let all = format!("{fault} {fault:?}");
    for secret in [SECRET, SESSION, TOKEN, KEY_ID] {
        assert!(!all.contains(secret), "{all}");
    }
    fault
}

fn credentials(service: &Service, secret: &str, session: Option<&str>) {
    let session = session.map(|s| format!("aws_session_token = {s}\n")).unwrap_or_default();
    let text =
        format!("[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {secret}\n{session}");
    service.private("credentials", &text);
}

fn kms(service: &Service, key: &str, more: &str) -> String {
    let file = service.path("ours");
    let there = service.path("credentials");
    if !file.exists() {
        fs::copy(there, &file).unwrap();
    }
    format!(
        "awskms:region=eu-central-1;key={key};endpoint={}?credentials-file={}{more}",
        service.url,
        file.display()
    )
}

fn made(service: &mut Service, wish: Value) -> (String, String) {
    let made = service.tell(&json!({"make": wish}));
    (made["arn"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
}

/// Seals and opens a key, and opens it no other way.
fn round(ours: &dyn KeyService, other: &dyn KeyService) -> String {
    let (vault, key) = (vault(), Key256::random(&OsEntropy).unwrap());
    let sealed = ours.seal(vault, &key).unwrap();
    assert_eq!(ours.open(vault, &sealed).unwrap().expose(), key.expose());
    assert_eq!(why(ours.open(self::vault(), &sealed)), Fault::Refused, "another vault");
    // AWS answers IncorrectKeyException, moto AccessDeniedException.
    assert!(matches!(why(other.open(vault, &sealed)), Fault::Refused | Fault::Denied), "another key");
    let at = sealed.len() / 2;
    let bent =
        format!("{}{}{}", &sealed[..at], if &sealed[at..=at] == "A" { "B" } else { "A" }, &sealed[at + 1..]);
    assert!(matches!(why(ours.open(vault, &bent)), Fault::Refused | Fault::Denied), "changed");
    assert_eq!(why(ours.open(vault, "not what a service seals")), Fault::Refused);
    sealed
}

#[test]
fn kms_seals_for_one_vault_with_signatures_that_aws_itself_would_make() {
    for session in [None, Some(SESSION)] {
        let Some(mut service) = Service::start("kms", &[]) else { return };
        credentials(&service, SECRET, session);
        let ((arn, id), (other, _)) = (made(&mut service, json!({})), made(&mut service, json!({})));
        let ours = at(&kms(&service, &arn, "")).unwrap();
        round(&*ours, &*at(&kms(&service, &other, "")).unwrap());
        round(&*at(&kms(&service, &id, "")).unwrap(), &*at(&kms(&service, &other, "")).unwrap());
        assert!(service.requests().iter().all(|r| r.starts_with("POST / TrentService.")));
    }
}

#[test]
fn kms_keys_that_would_lose_a_vault_are_refused_before_anything_is_sealed() {
    let Some(mut service) = Service::start("kms", &[]) else { return };
    credentials(&service, SECRET, None);
    for (wish, reason) in [
        (json!({"key_state": "Disabled", "enabled": false}), "enable it"),
        (json!({"key_state": "PendingDeletion"}), "to be deleted"),
        (json!({"spec": "RSA_2048"}), "symmetric"),
        (json!({"spec": "HMAC_256", "usage": "GENERATE_VERIFY_MAC"}), "symmetric"),
    ] {
        let (arn, _) = made(&mut service, wish);
        let fault =
            why(at(&kms(&service, &arn, "")).unwrap().seal(vault(), &Key256::random(&OsEntropy).unwrap()));
        assert!(matches!(fault, Fault::Unfit(_)) && fault.to_string().contains(reason), "{fault}");
    }
    assert!(service.requests().iter().all(|r| r.ends_with("DescribeKey")), "{:?}", service.requests());
    let none = kms(&service, "1234abcd-12ab-34cd-56ef-1234567890ab", "");
    assert_eq!(
        why(at(&none).unwrap().seal(vault(), &Key256::random(&OsEntropy).unwrap())),
        Fault::UnknownKey
    );
}

#[test]
fn kms_says_what_is_wrong_with_whom_it_does_not_know() {
    let Some(mut service) = Service::start("kms", &[]) else { return };
    credentials(&service, SECRET, None);
    let (arn, _) = made(&mut service, json!({}));
    let line = kms(&service, &arn, "");
    let ours = at(&line).unwrap();
    let (vault, key) = (vault(), Key256::random(&OsEntropy).unwrap());
    let sealed = ours.seal(vault, &key).unwrap();
    let file = |text: &str| service.private("ours", text);
    let open = || why(at(&line).unwrap().open(vault, &sealed));

    file(&format!("[default]\naws_access_key_id={KEY_ID}\naws_secret_access_key={SESSION}\n"));
    assert_eq!(open(), Fault::Signature);
    file(&format!("[default]\naws_access_key_id=AKIDOFANOTHER\naws_secret_access_key={SECRET}\n"));
    assert_eq!(open(), Fault::Denied);
    for (text, reason) in [
        (String::new(), "aws_access_key_id"),
        (
            format!("[other]\naws_access_key_id={KEY_ID}\naws_secret_access_key={SECRET}\n"),
            "aws_access_key_id",
        ),
        (format!("[default]\naws_access_key_id={KEY_ID}\n"), "aws_secret_access_key"),
        (format!("[default]\naws_access_key_id={KEY_ID}\naws_access_key_id={KEY_ID}\n"), "twice"),
        (format!("[default]\n{SECRET}\n"), "name = value"),
        (format!("[default]\naws_secret_access_key = {SECRET} {SECRET}\n"), "spaces"),
        ("x".repeat(9000), "at most 8192"),
    ] {
        file(&text);
        let fault = open();
        assert!(matches!(fault, Fault::File { .. }) && fault.to_string().contains(reason), "{fault}");
    }
    let good = format!(
        "# ours\n[default]\naws_access_key_id={KEY_ID}\naws_secret_access_key = {SECRET}\nregion=x\n[b]\nz\n"
    );
    fs::set_permissions(file(&good), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(open().to_string().contains("other users can read it"));
    file(&good);
    assert!(at(&line).unwrap().open(vault, &sealed).is_ok());
    // The clock of this machine is a year off.
    let late = FixedClock("2025-11-28T12:00:00Z".parse().unwrap());
    let late = Services::with_clock(Arc::new(late)).at(&line.parse().unwrap()).unwrap();
    assert_eq!(why(late.open(vault, &sealed)), Fault::Signature);
    // Twice it has too much to do; then for longer than anybody waits.
    let asked = service.requests().len();
    service.tell(&json!({"throttle": 2}));
    assert!(ours.open(vault, &sealed).is_ok());
    assert_eq!(service.requests().len(), asked + 3);
    service.tell(&json!({"throttle": 100}));
    assert_eq!(why(ours.open(vault, &sealed)), Fault::Throttled);
    assert_eq!(service.requests().len(), asked + 6);
}

/// A model with a key, and a token that it accepts.
fn transit(more: &[&str]) -> Option<Service> {
    let mut service = Service::start("transit", more)?;
    service.private("token", &format!("{TOKEN}\n"));
    service.tell(&json!({"make": ["ours", "other"], "tokens": [TOKEN]}));
    Some(service)
}

fn line(service: &Service, key: &str) -> String {
    format!(
        "transit:address={};mount=transit;key={key}?token-file={}",
        service.url,
        service.path("token").display()
    )
}

#[test]
fn transit_seals_for_one_vault_and_makes_no_key_by_itself() {
    let Some(mut service) = transit(&[]) else { return };
    let ours = at(&line(&service, "ours")).unwrap();
    let other = at(&line(&service, "other")).unwrap();
    let sealed = round(&*ours, &*other);
    assert!(sealed.starts_with("vault:v1:"), "{sealed}");
    let (vault, key) = (vault(), Key256::random(&OsEntropy).unwrap());
    // A key that is not there is not made by asking for it, though `encrypt` would.
    assert_eq!(why(at(&line(&service, "absent")).unwrap().seal(vault, &key)), Fault::UnknownKey);
    assert_eq!(service.tell(&json!({}))["keys"], json!(["other", "ours"]));
    // Its versions: older ones open until they are shut out.
    let old = ours.seal(vault, &key).unwrap();
    service.tell(&json!({"rotate": ["ours"]}));
    let new = ours.seal(vault, &key).unwrap();
    assert!(new.starts_with("vault:v2:") && ours.open(vault, &old).is_ok() && ours.open(vault, &new).is_ok());
    assert_eq!(why(ours.open(vault, &old.replace("vault:v1:", "vault:v2:"))), Fault::Refused);
    assert_eq!(why(ours.open(vault, &new.replace("vault:v2:", "vault:v3:"))), Fault::Refused);
    service.tell(&json!({"facts": {"ours": {"min_decryption_version": 2}}}));
    assert!(why(ours.open(vault, &old)).to_string().contains("min_decryption_version"));
    service.tell(&json!({"lose": ["ours"]}));
    assert_eq!(why(ours.open(vault, &new)), Fault::UnknownKey);
}

#[test]
fn transit_keys_that_could_leave_or_be_lost_are_refused() {
    let Some(mut service) = transit(&[]) else { return };
    let key = Key256::random(&OsEntropy).unwrap();
    for (facts, reason) in [
        (json!({"exportable": true}), "exportable"),
        (json!({"allow_plaintext_backup": true}), "allow_plaintext_backup"),
        (json!({"deletion_allowed": true}), "deletion_allowed"),
        (json!({"derived": true}), "derived"),
        (json!({"soft_deleted": true}), "deleted"),
        (json!({"type": "aes128-gcm96"}), "type"),
        (json!({"type": "rsa-4096"}), "type"),
        (json!({"exportable": null}), "JSON"),
    ] {
        service.tell(&json!({"lose": ["ours"]}));
        service.tell(&json!({"facts": {"ours": facts}}));
        let fault = why(at(&line(&service, "ours")).unwrap().seal(vault(), &key));
        assert!(fault.to_string().contains(reason), "{fault}");
    }
    assert!(service.requests().iter().all(|r| !r.contains("/encrypt/")));
    // An old server that takes associated_data and ignores it binds nothing.
    service.tell(&json!({"lose": ["ours"]}));
    service.tell(&json!({"make": ["ours"], "forgetful": true}));
    let fault = why(at(&line(&service, "ours")).unwrap().seal(vault(), &key));
    assert!(fault.to_string().contains("too old"), "{fault}");
}

#[test]
fn transit_says_what_is_wrong_with_whom_it_does_not_know() {
    let Some(mut service) = transit(&["--tls"]) else { return };
    let secured = |ca: &Path| format!("{}&ca-file={}", line(&service, "ours"), ca.display());
    let right = secured(&service.path("ca.pem"));
    let ours = at(&right).unwrap();
    let (vault, key) = (vault(), Key256::random(&OsEntropy).unwrap());
    let sealed = ours.seal(vault, &key).unwrap();
    // Another authority; its own certificate, which vouches for nobody; a file that others may write.
    let Some(stranger) = Service::start("transit", &["--tls"]) else { return };
    let asked = service.requests().len();
    assert_eq!(why(at(&secured(&stranger.path("ca.pem"))).unwrap().open(vault, &sealed)), Fault::Tls);
    assert_eq!(service.requests().len(), asked, "nothing was said to it");
    fs::set_permissions(stranger.path("ca.pem"), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(why(at(&secured(&stranger.path("ca.pem")))).to_string().contains("go-w"));
    assert!(
        why(at(&secured(&service.private("empty", "no certificate")))).to_string().contains("no certificate")
    );
    assert!(matches!(why(at(&secured(&service.path("none")))), Fault::File { .. }));

    fs::set_permissions(service.path("token"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(why(ours.open(vault, &sealed)).to_string().contains("other users can read it"));
    for text in ["", "two\nlines\n", "with \"quotes\"", "spa ces"] {
        service.private("token", text);
        assert!(matches!(why(ours.open(vault, &sealed)), Fault::File { .. }), "{text:?}");
    }
    service.private("token", TOKEN);
    assert!(ours.open(vault, &sealed).is_ok());
    service.tell(&json!({"withdraw": [TOKEN]}));
    assert_eq!(why(ours.open(vault, &sealed)), Fault::Denied);
    service.tell(&json!({"tokens": [TOKEN], "sealed": true}));
    assert_eq!(why(ours.open(vault, &sealed)), Fault::Sealed);
    service.tell(&json!({"sealed": false}));
    assert!(ours.open(vault, &sealed).is_ok());
    // Another namespace, another mount: there is no such key.
    let elsewhere = right.replace("key=ours", "key=ours;namespace=team/a");
    assert_eq!(why(at(&elsewhere).unwrap().open(vault, &sealed)), Fault::UnknownKey);
    assert_eq!(
        why(at(&right.replace("mount=transit", "mount=kv")).unwrap().open(vault, &sealed)),
        Fault::UnknownKey
    );
    service.tell(&json!({"namespace": "team/a"}));
    assert!(at(&elsewhere).unwrap().open(vault, &sealed).is_ok());
}

#[test]
fn a_role_logs_in_for_one_act_and_gives_its_token_back() {
    let Some(mut service) = transit(&[]) else { return };
    service.tell(&json!({"roles": {"role-of-the-tests": SECRET}}));
    let (role, secret) = (service.private("role", "role-of-the-tests\n"), service.private("secret", SECRET));
    let place = format!(
        "transit:address={};mount=transit;key=ours?approle=approle&role-id-file={}&secret-id-file={}",
        service.url,
        role.display(),
        secret.display()
    );
    let ours = at(&place).unwrap();
    let (vault, key) = (vault(), Key256::random(&OsEntropy).unwrap());
    let sealed = ours.seal(vault, &key).unwrap();
    assert_eq!(ours.open(vault, &sealed).unwrap().expose(), key.expose());
    assert_eq!(service.tell(&json!({}))["tokens"], 1, "only the token that was there before is left");
    service.private("secret", TOKEN);
    assert_eq!(why(ours.open(vault, &sealed)), Fault::Denied);
}

/// Against the product: CALLVAULT_TEST_TRANSIT names a place whose key may seal what this test makes.
#[test]
fn a_real_server_answers_as_the_model_does() {
    let Ok(line) = std::env::var("CALLVAULT_TEST_TRANSIT") else {
        use std::io::Write;
        let _ = writeln!(
            std::io::stderr(),
            "skipped: CALLVAULT_TEST_TRANSIT names no OpenBao or Vault (transit:address=…)"
        );
        return;
    };
    let ours = at(&line).unwrap();
    let (vault, key) = (vault(), Key256::random(&OsEntropy).unwrap());
    let sealed = ours.seal(vault, &key).unwrap();
    assert_eq!(ours.open(vault, &sealed).unwrap().expose(), key.expose());
    assert_eq!(why(ours.open(self::vault(), &sealed)), Fault::Refused);
}

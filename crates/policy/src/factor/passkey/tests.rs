mod device;

use super::*;
use device::Device;

const ME: AccountId = AccountId::from_bytes([1; 16]);
const YOU: AccountId = AccountId::from_bytes([2; 16]);
const ORIGIN: &str = "https://vault.example.test:8443";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn server() -> Passkeys {
    Passkeys::new(ORIGIN).unwrap()
}

fn registered(account: AccountId, device: &mut Device) -> Passkey {
    let (options, state) = server().start_registration(account, "eve", "Eve", &[], at(0)).unwrap();
    server().finish_registration(state, &device.register(&options), at(1)).unwrap()
}

fn register_with(change: impl Fn(&mut Device)) -> Result<Passkey, FactorError> {
    let mut device = Device::new(3);
    change(&mut device);
    let (options, state) = server().start_registration(ME, "eve", "Eve", &[], at(0)).unwrap();
    server().finish_registration(state, &device.register(&options), at(1))
}

/// Registers well, then signs in with one thing changed.
fn sign_in_with(change: impl Fn(&mut Device)) -> Result<bool, FactorError> {
    let mut device = Device::new(3);
    let mut key = registered(ME, &mut device);
    change(&mut device);
    let (options, state) = server().start_sign_in(at(10)).unwrap();
    let answer = Answer::read(&device.answer(&options).to_string())?;
    server().finish(state, &answer, &mut key, at(11))
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, FactorError>, code: &str) {
    assert_eq!(outcome.unwrap_err().code(), code);
}

#[test]
fn a_key_is_added_kept_and_used_to_sign_in_and_to_step_up() {
    let mut device = Device::new(3);
    let (options, state) = server().start_registration(ME, "eve", "Eve", &[], at(0)).unwrap();
    let asked = &options["publicKey"];
    assert_eq!(asked["rp"]["id"], "vault.example.test");
    assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(asked["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(asked["authenticatorSelection"]["requireResidentKey"], true);
    assert_eq!(asked["attestation"], "none");
    // What waits is kept as text on the server, and so is the key.
    let state: Registration = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    let key = server().finish_registration(state, &device.register(&options), at(1)).unwrap();
    let mut key: Passkey = serde_json::from_str(&serde_json::to_string(&key).unwrap()).unwrap();
    assert_eq!((key.account(), key.credential_id()), (ME, device.id.as_slice()));

    let (options, state) = server().start_sign_in(at(10)).unwrap();
    assert_eq!(options["publicKey"]["allowCredentials"], json!([]), "signing in names nobody");
    assert_eq!(options["publicKey"]["userVerification"], "required");
    assert_eq!(options.get("mediation"), None);
    let state: Authentication = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    let answer = Answer::read(&device.answer(&options).to_string()).unwrap();
    assert_eq!(answer.credential_id(), key.credential_id());
    assert_eq!(server().finish(state, &answer, &mut key, at(11)), Ok(true), "the counter went on");

    let (options, state) = server().start_step_up(ME, std::slice::from_ref(&key), at(20)).unwrap();
    let allowed = options["publicKey"]["allowCredentials"].as_array().unwrap();
    assert_eq!(allowed.len(), 1);
    let named = URL_SAFE_NO_PAD.encode(key.credential_id());
    assert_eq!(allowed[0]["id"].as_str(), Some(named.as_str()), "a browser reads base64url only");
    device.user = None; // A key that is asked for by its id need not say whose it is.
    let answer = Answer::read(&device.answer(&options).to_string()).unwrap();
    assert_eq!(server().finish(state, &answer, &mut key, at(21)), Ok(true));
}

#[test]
fn a_device_that_did_not_verify_its_user_is_refused_both_times() {
    refused(register_with(|d| d.verifies = false), "passkey_unverified");
    refused(sign_in_with(|d| d.verifies = false), "passkey_unverified");
    refused(sign_in_with(|d| d.present = false), "passkey_unverified");
}

#[test]
fn every_other_origin_is_refused_both_times() {
    for origin in [
        "https://vault.example.test",
        "https://vault.example.test:8444",
        "http://vault.example.test:8443",
        "https://sub.vault.example.test:8443",
        "https://example.test:8443",
        "https://vault.example.test.evil.test:8443",
        "https://evilvault.example.test:8443",
        "https://evil.test",
        "null",
    ] {
        let change = |d: &mut Device| d.origin = origin.to_owned();
        for outcome in [register_with(change).map(drop), sign_in_with(change).map(drop)] {
            let code = outcome.unwrap_err().code();
            assert!(["passkey_origin", "passkey_wrong"].contains(&code), "{origin}: {code}");
        }
    }
    refused(sign_in_with(|d| d.rp_id = "evil.test".to_owned()), "passkey_origin");
    refused(register_with(|d| d.rp_id = "evil.test".to_owned()), "passkey_origin");
}

#[test]
fn an_answer_inside_a_foreign_frame_is_refused() {
    refused(sign_in_with(|d| d.cross_origin = true), "passkey_origin");
    refused(register_with(|d| d.cross_origin = true), "passkey_origin");
}

#[test]
fn another_challenge_is_refused() {
    let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    refused(register_with(|d| d.challenge = Some(other.to_owned())), "passkey_challenge");
    refused(sign_in_with(|d| d.challenge = Some(other.to_owned())), "passkey_challenge");
    refused(sign_in_with(|d| d.challenge = Some(String::new())), "passkey_challenge");
}

#[test]
fn an_answer_to_one_question_answers_no_other() {
    let mut device = Device::new(3);
    let mut key = registered(ME, &mut device);
    let (options, first) = server().start_sign_in(at(10)).unwrap();
    let answer = Answer::read(&device.answer(&options).to_string()).unwrap();
    let (_, second) = server().start_sign_in(at(10)).unwrap();
    refused(server().finish(second, &answer, &mut key, at(11)), "passkey_challenge");
    assert!(server().finish(first, &answer, &mut key, at(11)).is_ok());
    // Recorded and played again: the challenge is new, and were it not, the counter stands.
    let (_, third) = server().start_sign_in(at(12)).unwrap();
    refused(server().finish(third, &answer, &mut key, at(13)), "passkey_challenge");
}

#[test]
fn a_registration_is_no_sign_in_and_the_other_way_round() {
    assert!(sign_in_with(|d| d.kind = Some("webauthn.create")).is_err());
    assert!(register_with(|d| d.kind = Some("webauthn.get")).is_err());
}

#[test]
fn a_counter_that_goes_back_shows_a_copy() {
    let mut device = Device::new(3);
    let mut key = registered(ME, &mut device);
    device.counter = 40;
    let go = |device: &mut Device, key: &mut Passkey| {
        let (options, state) = server().start_sign_in(at(10)).unwrap();
        let answer = Answer::read(&device.answer(&options).to_string()).unwrap();
        server().finish(state, &answer, key, at(11))
    };
    assert_eq!(go(&mut device, &mut key), Ok(true));
    device.counter = 7;
    refused(go(&mut device, &mut key), "passkey_copied");
}

#[test]
fn a_late_answer_and_one_from_before_are_refused() {
    let mut device = Device::new(3);
    let mut key = registered(ME, &mut device);
    for (when, good) in [(10, true), (310, true), (311, false), (9, false)] {
        let (options, state) = server().start_sign_in(at(10)).unwrap();
        let answer = Answer::read(&device.answer(&options).to_string()).unwrap();
        let outcome = server().finish(state, &answer, &mut key, at(when));
        assert_eq!(outcome.is_ok(), good, "{when}: {outcome:?}");
        let (options, state) = server().start_registration(ME, "eve", "Eve", &[], at(10)).unwrap();
        let outcome = server().finish_registration(state, &Device::new(9).register(&options), at(when));
        assert_eq!(outcome.is_ok(), good, "{when}: {outcome:?}");
    }
}

#[test]
fn a_foreign_key_a_forged_signature_and_changed_data_are_refused() {
    // Another device that claims the id of the first.
    let mut device = Device::new(3);
    let mut key = registered(ME, &mut device);
    let mut thief = Device::new(4);
    thief.id = device.id.clone();
    thief.user = device.user.clone();
    thief.counter = 100;
    let go = |answer: Value, key: &mut Passkey, state| {
        let answer = Answer::read(&answer.to_string())?;
        server().finish(state, &answer, key, at(11))
    };
    let (options, state) = server().start_sign_in(at(10)).unwrap();
    refused(go(thief.answer(&options), &mut key, state), "passkey_wrong");
    for (field, value) in [
        ("signature", json!("")),
        ("signature", json!("AAAA")),
        ("authenticatorData", json!("")),
        ("authenticatorData", json!("AAAA")),
        ("clientDataJSON", json!("")),
        ("clientDataJSON", json!("e30")),
    ] {
        let (options, state) = server().start_sign_in(at(10)).unwrap();
        let mut answer = device.answer(&options);
        answer["response"][field] = value;
        assert!(go(answer, &mut key, state).is_err(), "{field}");
    }
    // The device's own signature over other data: the counter is raised afterwards.
    let (options, state) = server().start_sign_in(at(10)).unwrap();
    let mut answer = device.answer(&options);
    answer["response"]["authenticatorData"] =
        device.answer(&options)["response"]["authenticatorData"].clone();
    refused(go(answer, &mut key, state), "passkey_wrong");
}

#[test]
fn a_key_opens_its_own_account_and_no_other() {
    let (mut mine, mut yours) = (Device::new(3), Device::new(4));
    let mut my_key = registered(ME, &mut mine);
    let mut your_key = registered(YOU, &mut yours);
    let ask =
        |device: &mut Device, options: &Value| Answer::read(&device.answer(options).to_string()).unwrap();
    // My answer with your key.
    let (options, state) = server().start_sign_in(at(10)).unwrap();
    let answer = ask(&mut mine, &options);
    refused(server().finish(state, &answer, &mut your_key, at(11)), "passkey_unknown");
    // My device says that it is you.
    let (options, state) = server().start_sign_in(at(10)).unwrap();
    mine.user = Some(YOU.as_bytes().to_vec());
    let answer = ask(&mut mine, &options);
    refused(server().finish(state, &answer, &mut my_key, at(11)), "passkey_unknown");
    // It says nothing at all, when nobody was named.
    let (options, state) = server().start_sign_in(at(10)).unwrap();
    mine.user = None;
    let answer = ask(&mut mine, &options);
    refused(server().finish(state, &answer, &mut my_key, at(11)), "passkey_unknown");
    // A step-up of mine answered with your key.
    let (options, state) = server().start_step_up(ME, std::slice::from_ref(&my_key), at(10)).unwrap();
    let answer = ask(&mut yours, &options);
    refused(server().finish(state, &answer, &mut your_key, at(11)), "passkey_unknown");
    refused(server().start_step_up(ME, &[], at(10)), "passkey_unknown");
}

#[test]
fn the_same_device_is_not_added_twice_and_keys_are_limited() {
    let mut device = Device::new(3);
    let key = registered(ME, &mut device);
    let (options, state) =
        server().start_registration(ME, "eve", "Eve", std::slice::from_ref(&key), at(0)).unwrap();
    assert_eq!(options["publicKey"]["excludeCredentials"].as_array().unwrap().len(), 1);
    let outcome = server().finish_registration(state, &device.register(&options), at(1));
    assert!(outcome.is_err(), "{outcome:?}");
    let many = vec![key; MAX_KEYS];
    refused(server().start_registration(ME, "eve", "Eve", &many, at(0)), "passkey_too_many");
}

#[test]
fn what_cannot_be_read_is_refused_without_a_panic() {
    let deep = "[".repeat(MAX_ANSWER);
    let long = format!("{{\"id\":\"{}\"}}", "A".repeat(MAX_ANSWER));
    for bad in ["", "{}", "null", "[]", "{\"id\":1}", &deep, &long] {
        assert_eq!(Answer::read(bad).unwrap_err(), Refused::Unreadable);
        let (_, state) = server().start_registration(ME, "eve", "Eve", &[], at(0)).unwrap();
        refused(server().finish_registration(state, bad, at(1)), "passkey_unreadable");
    }
}

#[test]
fn only_an_https_address_with_a_name_has_passkeys() {
    for bad in [
        "https://127.0.0.1:8443",
        "https://[::1]:8443",
        "http://vault.example.test",
        "https://vault.example.test/path",
        "https://eve@vault.example.test",
        "https://",
        "vault.example.test",
        "",
    ] {
        assert_eq!(Passkeys::new(bad).unwrap_err(), Refused::Address, "{bad}");
    }
    for good in ["https://localhost:8443", "https://vault.example.test", ORIGIN] {
        assert!(Passkeys::new(good).is_ok(), "{good}");
    }
}

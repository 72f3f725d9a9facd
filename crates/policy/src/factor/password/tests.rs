use super::super::testing::{Counting, Dry};
use super::*;
use proptest::prelude::*;

const GOOD: &str = "harbour lantern seven oboe";

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn weak(text: &str) -> Result<(), Weak> {
    check(&secret(text), "e.vance@example.test", "Eleanor Vance")
}

#[test]
fn a_good_password_is_kept_as_argon2id_and_found_again() {
    let entropy = Counting::default();
    let stored = make(&secret(GOOD), "e.vance", "Eleanor Vance", &entropy).unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert!(!stored.contains("harbour"));
    assert_eq!(verify(&secret(GOOD), Some(&stored)), Ok(true));
    for wrong in
        ["harbour lantern seven obo", "Harbour lantern seven oboe", "harbour lantern seven oboe ", ""]
    {
        assert_eq!(verify(&secret(wrong), Some(&stored)), Ok(false), "{wrong}");
    }
    let again = make(&secret(GOOD), "e.vance", "Eleanor Vance", &entropy).unwrap();
    assert_ne!(again, stored, "the salt is new each time");
}

#[test]
fn the_same_letters_typed_on_another_keyboard_are_the_same_password() {
    let composed = "caf\u{e9} lantern seven oboe";
    let decomposed = "cafe\u{301} lantern seven oboe";
    let stored = make(&secret(composed), "x", "x", &Counting::default()).unwrap();
    assert_eq!(verify(&secret(decomposed), Some(&stored)), Ok(true));
}

#[test]
fn without_an_account_the_answer_is_no_after_the_same_work() {
    assert_eq!(verify(&secret(GOOD), None), Ok(false));
    // The stand-in is a hash that is really computed, not one that is refused at once.
    let nobody = PasswordHash::new(NOBODY).unwrap();
    assert!(is_ours(&nobody));
    assert_eq!(verify(&secret(GOOD), Some(NOBODY)), Ok(false));
}

#[test]
fn short_and_long_passwords_are_refused() {
    for short in ["", "hb7$Kq", "hb7$Kq2mZp!", "äöüßéèêçñøå"] {
        assert_eq!(weak(short), Err(Weak::Short), "{short}");
    }
    assert_eq!(weak("hb7$Kq2mZp!v"), Ok(()));
    let long: String = ('!'..='~').cycle().take(MAX_CHARS + 1).collect();
    assert_eq!(weak(&long), Err(Weak::Long));
    assert_eq!(weak(&"harbour lantern".repeat(1 << 16)), Err(Weak::Long));
    // Twelve that only look like twelve: half of them are combining marks.
    assert_eq!(weak("e\u{301}a\u{301}o\u{301}u\u{301}i\u{301}y\u{301}"), Err(Weak::Short));
}

#[test]
fn common_passwords_are_refused_however_they_are_decorated() {
    for common in [
        "passwordpassword",
        "Password2026!",
        "P@ssw0rd!2026",
        "Pa55w0rd1234",
        "Welcome123456",
        "letmein!letmein!",
        "correcthorsebatterystaple",
        "callcenter2026",
        "C4llC3nter!!!",
        "iloveyou!!!!!",
        "Summer2026!!!",
        "admin@admin.1",
        "qwertyuiop123",
        "123456789012",
        "098765432109",
        "abcdefghijkl",
        "aaaaaaaaaaaa",
        "abababababab",
        "asdfghjkl;'#123",
        "111122223333",
        "............",
        "            ",
        "hunter2hunter2",
    ] {
        assert!(matches!(weak(common), Err(Weak::Common)), "{common}: {:?}", weak(common));
    }
}

#[test]
fn good_phrases_are_not_mistaken_for_common_ones() {
    for good in [
        GOOD,
        "welcome the purple heron",
        "monday tuesday chocolate river",
        "Tr4in-Gl0ve-Pin3-Quartz",
        "my dog ate 3 passwords",
        "kQ2#vR9!mB4x",
        "летние дожди над рекой",
    ] {
        assert_eq!(weak(good), Ok(()), "{good}");
    }
}

#[test]
fn login_and_name_are_refused_inside() {
    for personal in
        ["ELEANOR harbour seven", "harbour-vance-seven", "xx e.vance harbour", "e.vance@example.test"]
    {
        assert_eq!(weak(personal), Err(Weak::Personal), "{personal}");
    }
    // Short words of a name are in many words.
    assert_eq!(check(&secret("planning harbour lantern"), "al", "Ann Li"), Ok(()));
    assert_eq!(check(&secret("harbour LANTERN seven"), "lantern", ""), Err(Weak::Personal));
}

#[test]
fn hashes_with_other_parameters_are_refused_before_they_cost_anything() {
    let stored = make(&secret(GOOD), "x", "x", &Counting::default()).unwrap();
    for (from, to) in [
        ("argon2id", "argon2i"),
        ("argon2id", "argon2d"),
        ("v=19", "v=16"),
        ("m=19456", "m=8"),
        ("m=19456", "m=4194304"),
        ("t=2", "t=1"),
        ("t=2", "t=4294967295"),
        ("p=1", "p=4"),
        ("$argon2id", "argon2id"),
        ("$v=19", ""),
    ] {
        let other = stored.replacen(from, to, 1);
        assert_ne!(other, stored);
        assert_eq!(verify(&secret(GOOD), Some(&other)), Err(FactorError::StoredHash), "{from} to {to}");
    }
    let no_hash = stored.rsplit_once('$').unwrap().0;
    for bad in ["", "$", "plain text", "$2b$12$abcdefghijklmnopqrstuv", no_hash, &"$argon2id".repeat(10_000)]
    {
        assert_eq!(verify(&secret(GOOD), Some(bad)), Err(FactorError::StoredHash));
    }
}

#[test]
fn a_changed_hash_or_salt_lets_nobody_in() {
    let stored = make(&secret(GOOD), "x", "x", &Counting::default()).unwrap();
    let parts: Vec<&str> = stored.split('$').collect();
    for part in [4, 5] {
        let mut changed: Vec<String> = parts.iter().map(ToString::to_string).collect();
        let first = if changed[part].starts_with('A') { "B" } else { "A" };
        changed[part].replace_range(0..1, first);
        assert_eq!(verify(&secret(GOOD), Some(&changed.join("$"))), Ok(false));
    }
}

#[test]
fn errors_hold_nothing_of_the_password() {
    let error = make(&secret("Password2026!"), "x", "x", &Counting::default()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("2026"));
    assert_eq!(error.code(), "password_common");
    assert_eq!(make(&secret(GOOD), "x", "x", &Dry).unwrap_err().code(), "no_entropy");
}

proptest! {
    /// No text, login or name makes the rules fail to answer.
    #[test]
    fn the_rules_answer_to_every_text(password in ".{0,200}", login in ".{0,20}", name in ".{0,20}") {
        let answer = check(&secret(&password), &login, &name);
        let chars = password.nfkc().count();
        prop_assert_eq!(answer == Err(Weak::Short), chars < MIN_CHARS);
        prop_assert_eq!(answer == Err(Weak::Long), chars > MAX_CHARS);
    }
}

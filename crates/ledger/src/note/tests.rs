use super::*;
use crate::{Checkpoint, Hash};
use ed25519_dalek::{Signer as _, SigningKey};

pub(crate) fn signer(name: &str, seed: u8) -> FnSigner<impl Fn(&[u8]) -> Option<[u8; 64]>> {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let public = key.verifying_key().to_bytes();
    FnSigner { name: name.to_owned(), public, sign: move |text: &[u8]| Some(key.sign(text).to_bytes()) }
}

// The example of the C2SP signed-note specification.
const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

#[test]
fn the_example_of_the_specification_verifies() {
    let key: VerifierKey = VKEY.parse().unwrap();
    assert_eq!(key.to_string(), VKEY);
    assert_eq!(open(NOTE, &key).unwrap(), "This is an example message.\n");
}

#[test]
fn every_changed_character_of_a_note_is_refused() {
    let key: VerifierKey = VKEY.parse().unwrap();
    let chars: Vec<char> = NOTE.chars().collect();
    for i in 0..chars.len() {
        for c in ['A', 'b', ' ', '\n', '=', '\t', '\u{2014}'] {
            let mut bad = chars.clone();
            bad[i] = c;
            let bad: String = bad.into_iter().collect();
            assert!(bad == NOTE || open(&bad, &key).is_err(), "{i}: {bad}");
        }
        let mut shorter = chars.clone();
        shorter.remove(i);
        assert!(open(&shorter.into_iter().collect::<String>(), &key).is_err(), "without {i}");
    }
}

#[test]
fn unknown_signatures_are_ignored_and_a_bad_one_of_the_known_key_refuses() {
    let (a, b) = (signer("callvault.test/ledger", 1), signer("witness.test", 2));
    let key = VerifierKey::of(&a).unwrap();
    let both = sign("text\n", &a).unwrap();
    let witness = sign("text\n", &b).unwrap();
    let (_, line) = witness.split_once("\n\n").unwrap();
    assert_eq!(open(&format!("{both}{line}"), &key).unwrap(), "text\n");
    assert!(matches!(open(&witness, &key), Err(LedgerError::Signature(_))));
    let other_text = sign("other\n", &a).unwrap();
    let (_, stale) = other_text.split_once("\n\n").unwrap();
    assert!(matches!(open(&format!("{both}{stale}"), &key), Err(LedgerError::Signature(_))));
    assert!(open(&format!("{both}{}", line.repeat(40)), &key).is_err(), "too many signatures");
    assert!(open(&"x".repeat(70_000), &key).is_err());
}

#[test]
fn verifier_keys_are_checked_as_a_whole() {
    for bad in [
        "",
        "name",
        "name+530d903a",
        "example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U",
        "a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ] {
        assert!(matches!(bad.parse::<VerifierKey>(), Err(LedgerError::VerifierKey)), "{bad}");
    }
    // A small-order point verifies anything loosely; it is no key.
    let mut weak = [0u8; 32];
    weak[0] = 1;
    assert!(VerifierKey::new("n", weak).is_err());
}

#[test]
fn checkpoints_round_trip_and_strange_ones_are_refused() {
    let s = signer("callvault.test/ledger", 3);
    let key = VerifierKey::of(&s).unwrap();
    let c = Checkpoint { origin: s.name.clone(), size: 7, root: Hash([9; 32]) };
    assert_eq!(Checkpoint::open(&c.sign(&s).unwrap(), &key).unwrap(), c);
    assert!(Checkpoint { origin: "else".into(), ..c.clone() }.sign(&s).is_err());
    let root = STANDARD.encode([9u8; 32]);
    for text in [
        format!("callvault.test/ledger\n07\n{root}\n"),
        format!("callvault.test/ledger\n+7\n{root}\n"),
        format!("callvault.test/ledger\n7\n{root}\nextension\n"),
        format!("callvault.test/ledger\n7\n{}\n", &root[4..]),
        format!("other\n7\n{root}\n"),
        format!("callvault.test/ledger\n18446744073709551616\n{root}\n"),
        "callvault.test/ledger\n7\n".to_owned(),
    ] {
        let note = sign(&text, &s).unwrap();
        assert!(Checkpoint::open(&note, &key).is_err(), "{text}");
    }
    let refusing = FnSigner { name: s.name.clone(), public: s.public, sign: |_: &[u8]| None };
    assert!(matches!(c.sign(&refusing), Err(LedgerError::Sign)));
}

use crate::{
    Actor, Error, Refused,
    protect::{Agreement, protection_terms, share_terms},
    testing::{code, world},
    two_person::Shared,
};
use callvault_model::Secret;
use callvault_policy::Role;
use callvault_seal::Protection;
use std::fs;

const BY: Actor = Actor::LocalOperator;

#[test]
fn what_opens_the_root_key_takes_a_second_person_where_there_are_two() {
    let w = world();
    let key_file = w.dir.path().join("keys/v.key");
    let file = || fs::read_to_string(&key_file).unwrap();
    let (words, plain) = (Secret::new("violet harbour sextant".to_owned()), file());
    let passphrase = Protection::Passphrase(&words);
    // One person, no second: the operator alone.
    assert_eq!(w.vault.key_agreement(&share_terms((2, 3))).unwrap(), Agreement::NotNeeded);
    assert_eq!(w.vault.new_shares((2, 3), None, &BY).unwrap().len(), 3);
    let agent = w.signed_in("agent", &[Role::Agent]);
    let person = w.person("officer", &[Role::PrivacyOfficer]);
    let officer = w.sign_in(&person).1;

    let refused = |e: Error| matches!(e, Error::Refused(Refused::KeysTakeTwo));
    assert!(refused(w.vault.new_shares((2, 3), None, &BY).unwrap_err()));
    assert!(refused(w.vault.protect(&key_file, passphrase, None, &BY).unwrap_err()));
    assert_eq!(file(), plain);
    assert!(!key_file.with_extension("key.next").exists());

    let (shares, protection) = (share_terms((3, 5)), protection_terms(passphrase));
    let ask = |terms| w.vault.request_second_locally(Shared::ChangeKeys, terms).unwrap();
    assert_eq!(w.vault.key_agreement(&shares).unwrap(), Agreement::Missing);
    let (first, second) = (ask(&shares), ask(&protection));
    assert_eq!(w.vault.key_agreement(&shares).unwrap(), Agreement::Waits(first));
    assert_eq!(code(w.vault.new_shares((3, 5), Some(first), &BY)), "needs_second_person");
    // Not everybody may agree.
    assert_eq!(code(w.vault.decide_second(&agent, first, true)), "role");
    w.vault.decide_second(&officer, first, true).unwrap();
    assert_eq!(w.vault.key_agreement(&shares).unwrap(), Agreement::Given(first));
    assert_eq!(w.vault.key_agreement(&protection).unwrap(), Agreement::Waits(second));
    // What was agreed to, and nothing else, once.
    let other = |e| matches!(e, Error::Refused(Refused::Invalid { .. }));
    assert!(other(w.vault.new_shares((2, 5), Some(first), &BY).unwrap_err()));
    assert!(other(w.vault.protect(&key_file, passphrase, Some(first), &BY).unwrap_err()));
    assert_eq!(w.vault.new_shares((3, 5), Some(first), &BY).unwrap().len(), 5);
    assert_eq!(code(w.vault.new_shares((3, 5), Some(first), &BY)), "already_used");
    assert_eq!(w.vault.key_agreement(&shares).unwrap(), Agreement::Missing);

    w.vault.decide_second(&officer, second, false).unwrap();
    assert_eq!(code(w.vault.protect(&key_file, passphrase, Some(second), &BY)), "request_refused");
    assert_eq!(w.vault.key_agreement(&protection).unwrap(), Agreement::Missing);
    let again = ask(&protection);
    w.vault.decide_second(&officer, again, true).unwrap();
    w.forward(8 * 24 * 3600);
    assert_eq!(code(w.vault.protect(&key_file, passphrase, Some(again), &BY)), "request_expired");
    assert_eq!(file(), plain);
    let last = ask(&protection);
    let officer = w.sign_in(&person).1;
    w.vault.decide_second(&officer, last, true).unwrap();
    w.vault.protect(&key_file, passphrase, Some(last), &BY).unwrap();
    assert!(file().contains("\nargon2id "));
    let said = w.entries("key.protected");
    assert!(said.len() == 1 && said[0].contains("\"second\":\"account:"), "{said:?}");
    w.verify();
}

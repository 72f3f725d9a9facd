use super::*;
use callvault_model::{Id, clock::FixedClock};
use callvault_seal::OsEntropy;
use callvault_store::{
    NewVault,
    consent::{Detail, NewConsent, Proof},
    opt_out::Verdict,
    suppression::Suppressed,
};

const BY: Actor = Actor::LocalOperator;
const NUMBER: &str = "+1 212 555 0123";

fn vault() -> (tempfile::TempDir, Vault) {
    let dir = tempfile::tempdir().unwrap();
    let new = NewVault {
        dir: &dir.path().join("data"),
        key_file: &dir.path().join("keys/v.key"),
        protection: callvault_store::Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
    let clock = Arc::new(FixedClock(now()));
    let id = Id::new(clock.as_ref(), &OsEntropy).unwrap();
    let vault = Vault::init(&new, id, clock, "local-operator").unwrap().vault;
    (dir, vault)
}

fn now() -> Timestamp {
    "2026-11-24T17:00:00Z".parse().unwrap()
}

/// A live marketing call that nothing stands against.
fn good() -> Question {
    let Value::Object(facts) = json!({
        "purpose": "telemarketing", "mode": "live", "line": "wireless", "dialer": "manual", "national_dnc": false,
        "registry_version_date": "2026-11-20", "ebr": null, "attempts_last_24h": 0, "same_subject": true,
        "holidays_local": [], "emergencies": [], "b2b": false, "seller": "Acme",
    }) else {
        unreachable!()
    };
    Question { text: false, number: NUMBER.into(), facts }
}

fn codes(a: &Answer) -> Vec<&str> {
    a.decision.reasons.iter().map(|r| r.code.as_str()).collect()
}

#[test]
fn what_the_vault_knows_decides_and_the_number_is_nowhere() {
    let (dir, vault) = vault();
    let first = check(&vault, &BY, &good(), now()).unwrap();
    assert_eq!(first.decision.decision, "allow", "{:?}", codes(&first));
    assert!(!first.decision.citations.is_empty());

    // The same at night: refused, and when it opens.
    let night = check(&vault, &BY, &good(), "2026-11-25T03:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(night.decision.decision, "deny");
    assert_eq!(night.next, Some("2026-11-25T13:00:00Z".parse().unwrap()));

    let wish = vault.enter_opt_out(&BY, "(212) 555-0123", "asked by letter").unwrap();
    let held = check(&vault, &BY, &good(), now()).unwrap();
    assert_eq!((held.decision.decision.as_str(), held.opted_out, held.next), ("deny", true, None));
    assert!(codes(&held).contains(&"dnc.internal"), "{:?}", codes(&held));
    vault.decide_opt_out(&BY, wish, Verdict::Lift, "agreed again").unwrap();
    assert_eq!(check(&vault, &BY, &good(), now()).unwrap().decision.decision, "allow");

    let ledger = dir.path().join("data");
    let mut found = 0;
    for entry in vault.entries(None, Some("law"), 100).unwrap() {
        found += 1;
        assert!(!format!("{entry:?}").contains("5550123"));
    }
    assert_eq!(found, 4, "{}", ledger.display());
    assert!(matches!(
        check(&vault, &BY, &Question { number: "anonymous".into(), ..good() }, now()),
        Err(Error::Number)
    ));
}

#[test]
fn a_number_on_the_list_that_outlives_an_erasure_is_denied_by_check_and_by_list() {
    let (_dir, vault) = vault();
    for why in Suppressed::ALL {
        let base = check(&vault, &BY, &good(), now()).unwrap();
        assert_eq!((base.decision.decision.as_str(), base.suppressed), ("allow", None), "{why:?}");
        vault.suppress(&BY, "(212) 555-0123", why).unwrap();
        for purpose in ["telemarketing", "informational"] {
            for text in [false, true] {
                let mut asked = Question { text, ..good() };
                asked.facts.insert("purpose".into(), purpose.into());
                // What the caller says of their own list does not take it off.
                asked.facts.insert("internal_dnc".into(), false.into());
                let held = check(&vault, &BY, &asked, now()).unwrap();
                assert_eq!(held.decision.decision, "deny", "{why:?} {purpose} {text}");
                let reason = held.decision.reasons.iter().find(|r| r.code == "dnc.internal").unwrap();
                assert_eq!(reason.source.rule, "us.tel.dnc.internal");
                assert!(reason.source.cite.iter().any(|c| c.reference.contains("64.1200(d)")));
                assert_eq!(held.suppressed.map(|s| s.why), Some(why.as_str().to_owned()));
                assert!(!held.opted_out);
                assert!(replay(&vault, &BY, held.id, &Packs::embedded).unwrap().same);
            }
        }
        let csv = "called\n+12125550123\n212-555-0123\n+12125550124\n";
        let done =
            Listing::new(&vault, good().facts, false, now()).unwrap().read(&BY, csv.as_bytes()).unwrap();
        assert_eq!(done.counts.decisions.get("deny"), Some(&2), "{why:?} {:?}", done.counts);
        assert_eq!(done.counts.decisions.get("allow"), Some(&1), "{why:?}");
        assert!(done.counts.reasons.iter().any(|r| r.reason == "dnc.internal" && r.count == 2));
        vault.unsuppress(&BY, NUMBER).unwrap();
    }
}

#[test]
fn a_consent_on_file_excuses_and_its_end_does_not() {
    let (_dir, vault) = vault();
    let mut listed = good();
    listed.facts.insert("national_dnc".into(), true.into());
    assert_eq!(check(&vault, &BY, &listed, now()).unwrap().decision.decision, "deny");
    let consent = NewConsent {
        contact: NUMBER.into(),
        channel: "any".into(),
        purpose: "marketing".into(),
        kind: "prior_express_written".into(),
        detail: Detail {
            seller: "Acme".into(),
            source: "web form".into(),
            signature: "e-sign".into(),
            disclosure_autodialer: Some(true),
            disclosure_not_condition: Some(true),
        },
        proof: Proof::Record(b"form".to_vec()),
        given: "2026-10-01".parse().unwrap(),
        expires: None,
    };
    let id = vault.record_consent(&BY, &consent).unwrap();
    let excused = check(&vault, &BY, &listed, now()).unwrap();
    assert_eq!(excused.decision.decision, "allow", "{:?}", codes(&excused));
    assert_eq!(excused.consent.as_ref().map(|c| c.id), Some(id));
    let mut robot = listed.clone();
    robot.facts.insert("mode".into(), "prerecorded".into());
    robot.facts.insert("has_optout_mechanism".into(), true.into());
    assert_eq!(check(&vault, &BY, &robot, now()).unwrap().decision.decision, "allow");
    let mut other = listed.clone();
    other.facts.insert("seller".into(), "Beta".into());
    assert_eq!(check(&vault, &BY, &other, now()).unwrap().decision.decision, "deny");
    vault.withdraw_consent(&BY, id).unwrap();
    let after = check(&vault, &BY, &listed, now()).unwrap();
    assert_eq!(after.decision.decision, "deny", "{:?}", codes(&after));
}

#[test]
fn a_replay_gives_the_same_answer_from_the_filed_facts() {
    let (_dir, vault) = vault();
    let held = {
        vault.enter_opt_out(&BY, NUMBER, "asked").unwrap();
        check(&vault, &BY, &good(), now()).unwrap()
    };
    // What is on file changed since; the filed facts did not.
    let wish = vault.opt_outs().unwrap()[0].id;
    vault.decide_opt_out(&BY, wish, Verdict::Lift, "agreed again").unwrap();
    let again = replay(&vault, &BY, held.id, &Packs::embedded).unwrap();
    assert!(again.same && again.same_packs && again.same_facts);
    assert_eq!(again.decision.decision, "deny");
    let changed = |overlay: Overlay| {
        let mut files = Packs::embedded_files();
        files[0].text.push_str("\n# another edition\n");
        Packs::from_files(&files, None, overlay)
    };
    let other = replay(&vault, &BY, held.id, &changed).unwrap();
    assert!(!other.same && !other.same_packs && other.same_facts);
    let nobody = LawCheckId::from_bytes([1; 16]);
    assert!(replay(&vault, &BY, nobody, &Packs::embedded).is_err());
}

#[test]
fn a_row_that_is_off_fails_closed_and_a_reviewed_one_stays_on() {
    let (_dir, vault) = vault();
    // 20:30 in Alabama: only a row of low confidence refuses.
    let at: Timestamp = "2026-11-25T02:30:00Z".parse().unwrap();
    let alabama = Question { number: "+1 205 555 0123".into(), ..good() };
    let on = check(&vault, &BY, &alabama, at).unwrap();
    assert!(codes(&on).contains(&"hours.AL"), "{:?}", codes(&on));
    assert!(on.decision.reasons.iter().any(|r| r.source.unreviewed));
    switch(&vault, &BY, "us.al.tel.hours", true).unwrap();
    let off = check(&vault, &BY, &alabama, at).unwrap();
    assert_eq!(off.decision.decision, "deny");
    assert!(codes(&off).contains(&"hours.AL.switched_off"), "{:?}", codes(&off));
    let again = replay(&vault, &BY, on.id, &Packs::embedded).unwrap();
    assert!(again.same, "a filed answer keeps the rows of its day");
    assert!(switch(&vault, &BY, "us.or.tel.hours", true).is_err());
    assert!(switch(&vault, &BY, "no.such.row", true).is_err());
    switch(&vault, &BY, "us.al.tel.hours", false).unwrap();
    assert!(codes(&check(&vault, &BY, &alabama, at).unwrap()).contains(&"hours.AL"));
    assert_eq!(vault.entries(None, Some("law.rows_changed"), 10).unwrap().len(), 2);
}

#[test]
fn a_list_is_counted_with_what_the_vault_knows_and_bad_rows_are_named_by_number() {
    let (_dir, vault) = vault();
    vault.enter_opt_out(&BY, "+1 212 555 0101", "asked").unwrap();
    let csv = "called,national_dnc,registry_version_date\n\
               +12125550100,false,2026-11-20\n\
               +12125550101,false,2026-11-20\n\
               +12125550102,true,2026-11-20\n\
               none,false,2026-11-20\n\
               +12125550103,false\n";
    let mut common = good().facts;
    common.remove("national_dnc");
    common.remove("registry_version_date");
    let list = Listing::new(&vault, common.clone(), false, now()).unwrap();
    let done = list.read(&BY, csv.as_bytes()).unwrap();
    assert_eq!(done.counts.rows, 4);
    assert_eq!(done.counts.decisions.get("allow"), Some(&1), "{:?}", done.counts);
    assert_eq!(done.counts.decisions.get("deny"), Some(&3));
    assert_eq!((done.unreadable, done.bad[0].0), (1, 6));
    assert!(done.counts.reasons.iter().any(|r| r.reason == "dnc.internal" && r.count == 1));
    assert!(!format!("{done:?}").contains("55501"));
    let entry = format!("{:?}", vault.entries(None, Some("law.decided"), 1).unwrap());
    assert!(entry.contains(&done.list_hash) && !entry.contains("55501"));
    for (text, why) in [("", "empty"), ("number\n+12125550100\n", "called"), ("called\n\u{0}\u{fffd}", "")] {
        let list = Listing::new(&vault, common.clone(), false, now()).unwrap();
        if let Err(e) = list.read(&BY, text.as_bytes()) {
            assert!(e.to_string().contains(why), "{e}");
        }
    }
    let long = format!("called\n{}\n", "9".repeat(20_000));
    let list = Listing::new(&vault, common, false, now()).unwrap();
    assert!(list.read(&BY, long.as_bytes()).unwrap_err().to_string().contains("16 KiB"));
}

#[test]
fn the_record_of_processing_follows_the_settings_and_names_what_is_missing() {
    use callvault_model::Channel;
    let (_dir, vault) = vault();
    let empty = crate::record::record(&vault, now()).unwrap();
    assert_eq!(empty.decision, "incomplete");
    assert!(empty.missing.contains(&"controller_contact".to_owned()), "{:?}", empty.missing);
    let who = callvault_store::processing::Controller {
        name: "Acme Ltd".into(),
        contact: "privacy@example.org".into(),
        recipients: "Payment processor\n\nCloud telephony".into(),
        ..Default::default()
    };
    vault.set_controller(&BY, &who).unwrap();
    vault.set_processing(&BY, Channel::Voice, &["quality".into()], "legitimate_interests", "").unwrap();
    vault.set_retention(&BY, callvault_store::Class::Transcript, Channel::Voice, Some(90)).unwrap();
    let full = crate::record::record(&vault, now()).unwrap();
    assert_eq!(full.decision, "complete", "{:?}", full.missing);
    assert_eq!(full.recipients_outside.len(), 2);
    assert_eq!(full.activities[0].retention["transcript"], "90 days after it was recorded");
    assert!(full.activities[0].basis.contains("Art. 6(1)(f)"));
    assert!(!full.citations.is_empty() && full.security.len() >= 5);
}

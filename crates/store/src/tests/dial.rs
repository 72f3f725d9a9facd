use crate::{
    Actor, Error, ProvenText, Recorded, RecordedTurn,
    consent::{Detail, NewConsent, Proof},
    law::LawCheck,
    opt_out::{Heard, Verdict},
    testing::{World, world},
};
use callvault_model::{Channel, Role as Part};

const BY: Actor = Actor::LocalOperator;
const NUMBER: &str = "+1 202 555 0142";

fn written(contact: &str) -> NewConsent {
    NewConsent {
        contact: contact.into(),
        channel: "any".into(),
        purpose: "marketing".into(),
        kind: "prior_express_written".into(),
        detail: Detail { seller: "Acme".into(), signature: "e-sign".into(), ..Detail::default() },
        proof: Proof::Record(b"form 7, signed".to_vec()),
        given: "2026-10-01".parse().unwrap(),
        expires: None,
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result.unwrap_err() {
        Error::Refused(r) => r.code(),
        other => panic!("no refusal: {other}"),
    }
}

/// A text conversation of the customer in which these wishes were heard.
fn told(w: &World, number: u8, wishes: Vec<Heard>) -> callvault_model::id::ConversationId {
    let mut original =
        crate::SealedBlob::write(&w.vault.blobs(), w.vault.tenant(), &callvault_seal::OsEntropy, |out| {
            out.write_all(b"STOP").map_err(Error::file("test"))
        })
        .unwrap();
    let party = |role, address: &str| crate::NewParty { role, address: Some(address.into()), name: None };
    let new = crate::NewConversation {
        channel: Channel::Sms,
        started_at: None,
        duration_ms: 0,
        parties: vec![party(Part::Customer, NUMBER), party(Part::Agent, "+1 202 555 0199")],
        content_sha256: [number; 32],
        source_name: "sms.json".into(),
        original: &original,
        copies: Vec::new(),
    };
    let id = w.vault.receive(&new).unwrap().unwrap();
    original.keep();
    let turn = |party, text: &str| RecordedTurn { party, start_ms: 0, end_ms: 0, text: text.into() };
    let done = Recorded {
        turns: vec![turn(0, "STOP"), turn(1, "reply STOP to end")],
        findings: Vec::new(),
        audio: None,
        attachments: Vec::new(),
        opt_outs: wishes,
        proof: ProvenText { level: "same-engine", facts: "{}".into() },
    };
    w.vault.record(id, &done).unwrap();
    id
}

fn wish(party: usize, certain: bool) -> Heard {
    let how = if certain { "keyword" } else { "doubtful" };
    Heard { turn: party, party, how, rule: "revocation.keywords".into(), certain }
}

#[test]
fn a_consent_is_found_by_its_number_and_ends_with_a_wish_to_hear_no_more() {
    let w = world();
    let id = w.vault.record_consent(&BY, &written(NUMBER)).unwrap();
    let of = w.vault.contact_index("(202) 555-0142").unwrap().unwrap();
    let day = "2026-11-24".parse().unwrap();
    let found = w.vault.consent_for(&of, "voice", "marketing", day).unwrap().unwrap();
    assert_eq!((found.id, found.detail.seller.as_str()), (id, "Acme"));
    assert!(w.vault.consent_for(&of, "voice", "service", day).unwrap().is_none());
    assert_eq!(w.vault.consent_proof(id).unwrap().unwrap(), b"form 7, signed");
    assert!(w.vault.opted_out(&of).unwrap().is_none());

    let conversation = told(&w, 1, vec![wish(0, true)]);
    assert!(w.vault.opted_out(&of).unwrap().is_some());
    let rows = w.vault.opt_outs().unwrap();
    assert_eq!((rows.len(), rows[0].state.as_str(), rows[0].conversation), (1, "stands", Some(conversation)));
    let found = w.vault.consent_for(&of, "voice", "marketing", day).unwrap().unwrap();
    assert!(found.withdrawn_at.is_some() && found.withdrawn_by.unwrap().starts_with("opt_out:"));
    assert_eq!(w.entries("opt_out.raised").len(), 1);
    assert_eq!(w.entries("consent.withdrawn").len(), 1);
    assert!(w.vault.all_opted_out().unwrap().contains(&of.index));

    // Lifted with a reason; the consent stays withdrawn until a new one is given.
    w.vault.decide_opt_out(&BY, rows[0].id, Verdict::Lift, "she signed a new form").unwrap();
    assert!(w.vault.opted_out(&of).unwrap().is_none());
    assert_eq!(refused(w.vault.decide_opt_out(&BY, rows[0].id, Verdict::Lift, "again")), "closed");
    assert_eq!(w.vault.opt_outs().unwrap()[0].reason, "she signed a new form");
    let text = w.ledger().concat();
    assert!(!text.contains("5550142") && !text.contains("Acme") && !text.contains("new form"), "{text}");
    w.verify();
}

#[test]
fn what_an_agent_says_is_no_wish_and_a_doubt_holds_until_somebody_reads_it() {
    let w = world();
    told(&w, 1, vec![wish(1, true)]);
    assert!(w.vault.opt_outs().unwrap().is_empty());
    told(&w, 2, vec![wish(0, false)]);
    let of = w.vault.contact_index(NUMBER).unwrap().unwrap();
    assert!(w.vault.opted_out(&of).unwrap().is_some(), "a doubt is a no");
    let id = w.vault.opt_outs().unwrap()[0].id;
    assert_eq!(refused(w.vault.decide_opt_out(&BY, id, Verdict::Lift, "not standing")), "closed");
    w.vault.decide_opt_out(&BY, id, Verdict::Dismiss, "asked who we are").unwrap();
    assert!(w.vault.opted_out(&of).unwrap().is_none());
}

#[test]
fn a_consent_that_proves_nothing_is_refused() {
    let w = world();
    let base = written(NUMBER);
    let bad = [
        NewConsent { contact: "anonymous".into(), ..base.clone() },
        NewConsent { channel: "smoke".into(), ..base.clone() },
        NewConsent { kind: "implied".into(), ..base.clone() },
        NewConsent { given: "2026-12-01".parse().unwrap(), ..base.clone() },
        NewConsent { expires: Some("2026-09-01".parse().unwrap()), ..base.clone() },
        NewConsent { proof: Proof::Record(Vec::new()), ..base.clone() },
        NewConsent { proof: Proof::Record(vec![0; (1 << 20) + 1]), ..base.clone() },
    ];
    for new in bad {
        assert_eq!(refused(w.vault.record_consent(&BY, &new)), "invalid", "{new:?}");
    }
    let id = callvault_model::id::ConversationId::from_bytes([9; 16]);
    let nowhere = NewConsent { proof: Proof::Conversation { id, from_ms: 0, to_ms: 9 }, ..base.clone() };
    assert_eq!(refused(w.vault.record_consent(&BY, &nowhere)), "unknown");
    let call = w.call(1);
    let there = NewConsent { proof: Proof::Conversation { id: call, from_ms: 10, to_ms: 900 }, ..base };
    w.vault.record_consent(&BY, &there).unwrap();
    assert_eq!(w.vault.consents(None).unwrap()[0].conversation, Some(call));
    // Expired is not standing, and not found before one that stands.
    let of = w.vault.contact_index(NUMBER).unwrap().unwrap();
    let later = "2030-01-01".parse().unwrap();
    assert!(w.vault.consent_for(&of, "sms", "marketing", later).unwrap().unwrap().withdrawn_at.is_none());
}

#[test]
fn an_answer_is_kept_with_sealed_facts_and_a_salted_hash() {
    let w = world();
    let check = LawCheck {
        engine: "tcpa".into(),
        action: "outbound_call".into(),
        as_of: "2026-11-24T10:00:00Z".into(),
        decision: "deny".into(),
        reasons: vec!["dnc.internal".into()],
        pack_hash: "ab".into(),
        facts: "{\"facts\":{\"purpose\":\"telemarketing\"}}".into(),
    };
    let mut salts = Vec::new();
    for _ in 0..2 {
        let (id, hash) = w
            .vault
            .record_law_check(&BY, &check, |salt| {
                salts.push(*salt);
                crate::hex(&salt[..4])
            })
            .unwrap();
        let (row, facts, salt) = w.vault.law_check(id).unwrap();
        assert_eq!((row.facts_hash, facts), (hash.clone(), check.facts.clone()));
        assert_eq!(Some(&salt), salts.last());
        assert!(w.entries("law.decided").last().unwrap().contains(&hash));
    }
    assert_ne!(salts[0], salts[1]);
    let bytes = std::fs::read(w.vault.dir().join("vault.db")).unwrap_or_default();
    assert!(!bytes.windows(13).any(|b| b == b"telemarketing"), "facts lie in clear");
    let other = callvault_model::id::LawCheckId::from_bytes([3; 16]);
    assert_eq!(refused(w.vault.law_check(other)), "unknown");
    w.verify();
}

#[test]
fn purpose_and_basis_are_set_per_channel_from_closed_lists() {
    let w = world();
    assert!(w.vault.processing().unwrap().iter().all(|p| p.basis.is_empty()));
    let purposes = vec!["quality".to_owned(), "dispute".to_owned()];
    w.vault.set_processing(&BY, Channel::Voice, &purposes, "legitimate_interests", "").unwrap();
    let voice = &w.vault.processing().unwrap()[0];
    assert_eq!((voice.purposes.len(), voice.basis.as_str()), (2, "legitimate_interests"));
    for (purposes, basis) in
        [(vec![], "contract"), (vec!["fun".to_owned()], "contract"), (purposes, "because")]
    {
        assert_eq!(refused(w.vault.set_processing(&BY, Channel::Voice, &purposes, basis, "")), "invalid");
    }
    let who = crate::processing::Controller { name: "Acme Ltd".into(), ..Default::default() };
    w.vault.set_controller(&BY, &who).unwrap();
    assert_eq!(w.vault.controller().unwrap(), who);
    assert!(!w.ledger().concat().contains("Acme"));
}

use crate::{
    Actor, Session, Target,
    gate::{PlayMuted, ReadMasked},
    grants::{GrantState, GrantWish},
    testing::{World, code, world},
    two_person::Shared,
};
use callvault_model::id::ConversationId;
use callvault_policy::{Act, Purpose, Role};
use std::{collections::BTreeSet, io::Read};

fn wish(call: ConversationId, minutes: u32) -> GrantWish {
    GrantWish {
        act: Act::PlayMuted,
        target: Target::Conversation(call),
        purpose: Purpose::Service,
        reason: "customer rings again".into(),
        minutes,
    }
}

fn play(w: &World, who: &Session, call: ConversationId) -> Result<crate::Permit<PlayMuted>, crate::Error> {
    w.vault.permit::<PlayMuted>(who, Target::Conversation(call), Some(Purpose::Service), None)
}

#[test]
fn a_right_for_a_while_is_given_by_another_person_and_taken_at_once() {
    let w = world();
    let (call, other) = (w.call(1), w.call(2));
    let agent = w.signed_in("agent", &[Role::Agent]);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let id = w.vault.request_grant(&agent, &wish(call, 10)).unwrap();
    assert_eq!(code(play(&w, &agent, call)), "role", "asking gives nothing");
    assert_eq!(code(w.vault.decide_grant(&agent, id, true)), "role");
    w.vault.decide_grant(&officer, id, true).unwrap();
    assert_eq!(code(w.vault.decide_grant(&officer, id, false)), "not_pending");
    let mut audio = w.vault.muted_audio(play(&w, &agent, call).unwrap()).unwrap();
    let entry = w.entries("access.permitted").pop().unwrap();
    assert!(entry.contains(&format!("\"grant\":\"{id}\"")), "{entry}");
    assert_eq!(code(play(&w, &agent, other)), "role", "another conversation");
    let kept = play(&w, &agent, call).unwrap();
    let mut part = [1u8; 100];
    audio.read_exact(&mut part).unwrap();
    w.vault.revoke_grant(&officer, id).unwrap();
    assert_eq!(audio.read(&mut part).unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    assert_eq!(code(w.vault.muted_audio(kept).map(|_| ())), "role");
    assert_eq!(code(play(&w, &agent, call)), "role");
    assert_eq!(w.vault.grants(None).unwrap()[0].state, GrantState::Revoked);
    w.verify();
}

#[test]
fn a_right_ends_by_itself_and_open_audio_with_it() {
    let w = world();
    let call = w.call(1);
    let agent = w.signed_in("agent", &[Role::Agent]);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let id = w.vault.request_grant(&agent, &wish(call, 1)).unwrap();
    w.vault.decide_grant(&officer, id, true).unwrap();
    let mut audio = w.vault.muted_audio(play(&w, &agent, call).unwrap()).unwrap();
    let kept = play(&w, &agent, call).unwrap();
    w.forward(29);
    audio.read_exact(&mut [0u8; 10]).unwrap();
    assert!(w.vault.muted_audio(kept).is_ok());
    w.forward(31);
    assert!(audio.read(&mut [0u8; 10]).is_err());
    assert_eq!(code(play(&w, &agent, call)), "role");
    assert_eq!(w.vault.grants(Some(agent.account())).unwrap()[0].state, GrantState::Ended);
}

#[test]
fn nobody_gives_himself_a_right() {
    let w = world();
    let call = w.call(1);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer, Role::Compliance]);
    let id = w.vault.request_grant(&officer, &wish(call, 10)).unwrap();
    assert_eq!(code(w.vault.decide_grant(&officer, id, true)), "own_request");
}

#[test]
fn only_reading_can_be_given_for_a_bounded_time_with_a_reason() {
    let w = world();
    let call = w.call(1);
    let agent = w.signed_in("agent", &[Role::Agent]);
    for minutes in [0, 7 * 24 * 60 + 1] {
        assert_eq!(code(w.vault.request_grant(&agent, &wish(call, minutes))), "bad_minutes");
    }
    for act in [Act::Reveal, Act::ApproveReveal, Act::ManagePeople, Act::ReadLedger] {
        assert_eq!(code(w.vault.request_grant(&agent, &GrantWish { act, ..wish(call, 5) })), "not_grantable");
    }
    let silent = GrantWish { reason: "  ".into(), ..wish(call, 5) };
    assert_eq!(code(w.vault.request_grant(&agent, &silent)), "bad_reason");
    let admin = w.signed_in("boss", &[Role::Admin]);
    assert!(w.vault.request_grant(&admin, &wish(call, 5)).is_err());
}

#[test]
fn a_right_is_for_its_purpose_and_dies_with_its_holder() {
    let w = world();
    let call = w.call(1);
    let person = w.person("agent", &[Role::Agent]);
    let (_, agent) = w.sign_in(&person);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let id = w.vault.request_grant(&agent, &wish(call, 60)).unwrap();
    w.vault.decide_grant(&officer, id, true).unwrap();
    let other =
        w.vault.permit::<PlayMuted>(&agent, Target::Conversation(call), Some(Purpose::Security), None);
    assert_eq!(code(other), "role");
    w.vault.revoke(&Actor::LocalOperator, agent.account()).unwrap();
    assert_eq!(w.vault.grants(None).unwrap()[0].state, GrantState::Revoked);
    assert_eq!(code(w.vault.revoke_grant_locally(id)), "not_pending");
}

#[test]
fn leaving_observe_mode_takes_two_people_and_an_agreement_is_used_once() {
    let w = world();
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let second = w.signed_in("second", &[Role::Compliance]);
    let facts = serde_json::json!({"cooling_days": 7, "planted": 100, "covered": 99});
    let id = w.vault.request_second(&officer, Shared::EnableDisposal, &facts).unwrap();
    let use_it = || w.vault.enable_disposal_agreed(id);
    assert_eq!(code(use_it()), "needs_second_person");
    assert_eq!(code(w.vault.decide_second(&officer, id, true)), "own_request");
    w.vault.decide_second(&second, id, true).unwrap();
    let disposal = use_it().unwrap();
    assert_eq!(disposal.enabled_by, [officer.actor().to_string(), second.actor().to_string()]);
    assert_eq!((disposal.cooling_days, disposal.measured.covered), (7, 99));
    assert_eq!(code(use_it()), "already_used");
    let agent = w.signed_in("agent", &[Role::Agent]);
    assert_eq!(code(w.vault.request_second(&agent, Shared::EnableDisposal, &facts)), "role");
    w.verify();
}

#[test]
fn a_key_of_a_service_does_what_it_is_for_until_it_ends() {
    let w = world();
    let (call, by) = (w.call(1), Actor::LocalOperator);
    let service = w.vault.make_service(&by, "crm", "CRM").unwrap();
    let scopes = BTreeSet::from([Act::ListConversations, Act::ReadMasked]);
    let (id, key) = w.vault.make_api_key(&by, service, &scopes, 30).unwrap();
    let who = w.vault.api_key(key.expose()).unwrap();
    assert!(!who.is_person());
    let read = |who: &Session| {
        w.vault.permit::<ReadMasked>(who, Target::Conversation(call), Some(Purpose::Service), None)
    };
    w.vault.read_masked(read(&who).unwrap()).unwrap();
    assert!(w.entries("access.permitted").pop().unwrap().contains(&format!("service:{service}")));
    assert_eq!(code(w.vault.authorise(&who, Act::Upload, Target::Program, None)), "scope");
    assert!(
        w.vault.permit::<PlayMuted>(&who, Target::Conversation(call), Some(Purpose::Service), None).is_err()
    );
    for bad in ["", "cvk_x", &key.expose().replace("cvk_", "cvs_")] {
        assert_eq!(code(w.vault.api_key(bad)), "key_refused");
    }
    assert!(w.vault.session(key.expose()).unwrap().is_none(), "a key is no session");
    let kept = read(&who).unwrap();
    w.vault.revoke_api_key(&by, id).unwrap();
    assert_eq!(code(w.vault.read_masked(kept)), "key_refused");
    assert_eq!(code(w.vault.api_key(key.expose())), "key_refused");
    let (_, short) = w.vault.make_api_key(&by, service, &scopes, 1).unwrap();
    w.forward(24 * 3600);
    assert_eq!(code(w.vault.api_key(short.expose())), "key_refused");
    let (_, last) = w.vault.make_api_key(&by, service, &scopes, 1).unwrap();
    w.vault.suspend(&by, service).unwrap();
    assert_eq!(code(w.vault.api_key(last.expose())), "key_refused");
    for (scopes, days) in [(BTreeSet::new(), 1), (scopes.clone(), 0), (scopes, 366)] {
        assert_eq!(code(w.vault.make_api_key(&by, service, &scopes, days)), "bad_days");
    }
}

use crate::{
    Session, Target,
    gate::{RequestReveal, Reveal},
    testing::{CARD, NAME, World, code, world},
};
use callvault_model::{EntityType, id::RevealId};
use callvault_policy::{Purpose, Role};

fn ask(w: &World, who: &Session, token: &str) -> RevealId {
    let permit = w
        .vault
        .permit::<RequestReveal>(
            who,
            Target::Token(token.into()),
            Some(Purpose::Dispute),
            Some("complaint 4711"),
        )
        .unwrap();
    w.vault.request_reveal(permit).unwrap()
}

fn leave(w: &World, who: &Session, id: RevealId) -> Result<crate::Permit<Reveal>, crate::Error> {
    w.vault.permit::<Reveal>(who, Target::Reveal(id), Some(Purpose::Dispute), Some("complaint 4711"))
}

#[test]
fn a_name_is_shown_once_to_the_officer_who_asked_and_the_entry_does_not_hold_it() {
    let w = world();
    let call = w.call(1);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let token = w.token(call, EntityType::Person);
    let id = ask(&w, &officer, &token);
    let shown = w.vault.reveal(leave(&w, &officer, id).unwrap()).unwrap();
    assert_eq!(shown.value.expose(), NAME);
    assert_eq!(shown.hide_at.duration_since(w.vault.clock().now()).as_secs(), 30);
    assert_eq!(code(leave(&w, &officer, id).and_then(|p| w.vault.reveal(p))), "already_used");
    let entry = w.entries("access.revealed").pop().unwrap();
    assert!(
        entry.contains(&token) && entry.contains("\"purpose\":\"dispute\"") && entry.contains("\"PERSON\""),
        "{entry}"
    );
    assert!(!w.ledger().join("").contains(NAME) && !w.ledger().join("").contains("complaint 4711"));
    w.verify();
}

#[test]
fn two_permits_for_one_request_show_one_value() {
    let w = world();
    let call = w.call(1);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let id = ask(&w, &officer, &w.token(call, EntityType::Person));
    let permits = [leave(&w, &officer, id).unwrap(), leave(&w, &officer, id).unwrap()];
    let shown = std::thread::scope(|s| {
        let tries: Vec<_> = permits.into_iter().map(|p| s.spawn(|| w.vault.reveal(p).is_ok())).collect();
        tries.into_iter().map(|t| t.join().unwrap()).filter(|ok| *ok).count()
    });
    assert_eq!((shown, w.entries("access.revealed").len()), (1, 1));
}

#[test]
fn a_permit_to_reveal_is_worth_nothing_after_thirty_seconds() {
    let w = world();
    let call = w.call(1);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let id = ask(&w, &officer, &w.token(call, EntityType::Person));
    let permit = leave(&w, &officer, id).unwrap();
    w.forward(31);
    assert_eq!(code(w.vault.reveal(permit)), "permit_expired");
    assert!(w.entries("access.revealed").is_empty());
}

#[test]
fn a_card_number_needs_a_second_person_who_is_another() {
    let w = world();
    let call = w.call(1);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let second = w.signed_in("second", &[Role::Compliance]);
    let id = ask(&w, &officer, &w.token(call, EntityType::CreditCard));
    assert_eq!(code(leave(&w, &officer, id)), "needs_second_person");
    assert_eq!(code(w.vault.decide_reveal(&officer, id, true)), "own_request");
    let agent = w.signed_in("agent", &[Role::Agent]);
    assert_eq!(code(w.vault.decide_reveal(&agent, id, true)), "role");
    w.vault.decide_reveal(&second, id, true).unwrap();
    assert_eq!(code(w.vault.decide_reveal(&second, id, true)), "not_pending");
    assert_eq!(code(leave(&w, &second, id)), "own_request", "who agreed does not look himself");
    let third = w.signed_in("third", &[Role::PrivacyOfficer]);
    assert!(leave(&w, &third, id).is_err(), "nor does somebody else");
    let shown = w.vault.reveal(leave(&w, &officer, id).unwrap()).unwrap();
    assert_eq!(shown.value.expose(), CARD);
    let entry = w.entries("access.revealed").pop().unwrap();
    assert!(entry.contains(&second.account().to_string()), "names who agreed");
    w.verify();
}

#[test]
fn a_refused_or_old_request_shows_nothing() {
    let w = world();
    let call = w.call(1);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let card = w.token(call, EntityType::CreditCard);
    let (refused, old) = (ask(&w, &officer, &card), ask(&w, &officer, &card));
    let second = w.person("second", &[Role::Compliance]);
    let (_, session) = w.sign_in(&second);
    w.vault.decide_reveal(&session, refused, false).unwrap();
    assert_eq!(code(leave(&w, &officer, refused)), "needs_second_person");
    w.forward(24 * 3600);
    let (_, session) = w.sign_in(&second);
    assert_eq!(code(w.vault.decide_reveal(&session, old, true)), "request_expired");
}

#[test]
fn asking_needs_purpose_reason_and_a_role_and_showing_a_fresh_factor() {
    let w = world();
    let call = w.call(1);
    let token = || Target::Token(w.token(call, EntityType::Person));
    let person = w.person("officer", &[Role::PrivacyOfficer]);
    let (bearer, officer) = w.sign_in(&person);
    let ask_with =
        |who: &Session, purpose, reason| code(w.vault.permit::<RequestReveal>(who, token(), purpose, reason));
    assert_eq!(ask_with(&officer, None, Some("why so")), "needs_purpose");
    assert_eq!(ask_with(&officer, Some(Purpose::Dispute), None), "needs_reason");
    assert_eq!(ask_with(&officer, Some(Purpose::Dispute), Some("  ")), "needs_reason");
    assert_eq!(ask_with(&officer, Some(Purpose::Dispute), Some("x")), "bad_reason");
    let agent = w.signed_in("agent", &[Role::Agent]);
    assert_eq!(ask_with(&agent, Some(Purpose::Dispute), Some("why so")), "role");
    let ghost = Target::Token("tok_person_aaaa".into());
    assert_eq!(
        code(w.vault.permit::<RequestReveal>(&officer, ghost, Some(Purpose::Dispute), Some("why so"))),
        "not_found"
    );
    let id = ask(&w, &officer, &w.token(call, EntityType::Person));
    for _ in 0..2 {
        w.forward(8 * 60);
        w.vault.session(&bearer).unwrap().unwrap();
    }
    assert_eq!(code(leave(&w, &officer, id)), "needs_step_up");
}

#[test]
fn what_was_destroyed_is_not_revealed_and_the_request_stays_unused() {
    let w = world();
    let call = w.call(1);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let id = ask(&w, &officer, &w.token(call, EntityType::Person));
    let permit = leave(&w, &officer, id).unwrap();
    w.vault
        .db()
        .execute("UPDATE subject SET wrapped_key = NULL, erased_at = '2026-11-24T10:00:00Z'", [])
        .unwrap();
    assert!(w.vault.reveal(permit).is_err());
    assert!(w.entries("access.revealed").is_empty());
    assert!(w.vault.reveal_requests(None).unwrap().iter().all(|r| r.used_at.is_none()));
}

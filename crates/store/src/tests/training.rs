use crate::{
    Actor, Session, Target,
    gate::{PlayMuted, RequestReveal},
    testing::{World, code, world},
    training::NewRule,
};
use callvault_model::{Clock, EntityType, id::ConversationId};
use callvault_policy::{Act, Purpose, Role, training::Renewal};
use jiff::SignedDuration;

const DAY: i64 = 86_400;
const COURSES: [&str; 6] =
    ["payment-calls", "health-data", "pretenders", "inside-pressure", "clean-desk", "report-incident"];

fn play(w: &World, who: &Session, id: ConversationId) -> Result<(), crate::Error> {
    w.vault
        .permit::<PlayMuted>(who, Target::Conversation(id), Some(Purpose::Quality), None)
        .and_then(|permit| w.vault.muted_audio(permit))
        .map(drop)
}

fn pass(w: &World, who: &Session, course: &str) {
    let attempt = w.vault.begin_attempt(who, course, 1).unwrap();
    w.vault.end_attempt(who, attempt.id, 100, true).unwrap();
}

#[test]
fn a_fresh_vault_gives_time_then_closes_and_passing_opens_at_once() {
    let w = world();
    let (id, lead) = (w.call(1), w.person("lead", &[Role::Supervisor]));
    let (_, who) = w.sign_in(&lead);
    play(&w, &who, id).unwrap();
    assert!(w.vault.standings(lead.id).unwrap().iter().all(|s| s.state.code() == "due"));
    w.forward(10 * DAY + 1);
    let (_, who) = w.sign_in(&lead);
    let refused = play(&w, &who, id).unwrap_err();
    let crate::Error::Denied(refused) = refused else { panic!("{refused}") };
    assert_eq!((refused.code, refused.course.as_deref()), ("needs_course", Some("payment-calls")));
    assert!(refused.message.contains("/courses/payment-calls"), "{}", refused.message);
    let token = w.token(id, EntityType::CreditCard);
    let ask = |who: &Session| {
        w.vault.permit::<RequestReveal>(
            who,
            Target::Token(token.clone()),
            Some(Purpose::Dispute),
            Some("a complaint"),
        )
    };
    assert_eq!(code(ask(&who)), "needs_course");
    let denied = w.entries("access.denied");
    assert!(denied.iter().all(|e| e.contains("\"course\":\"payment-calls\"")), "{denied:?}");
    // What the rules do not name stays open.
    let read = w.vault.permit::<crate::gate::ReadMasked>(
        &who,
        Target::Conversation(id),
        Some(Purpose::Quality),
        None,
    );
    w.vault.read_masked(read.unwrap()).unwrap();
    for course in COURSES {
        assert!(play(&w, &who, id).is_err(), "before {course}");
        pass(&w, &who, course);
    }
    play(&w, &who, id).unwrap();
    assert!(ask(&who).is_ok());
    assert_eq!(w.entries("training.attempted").len(), 12);
    w.verify();
}

#[test]
fn expiry_and_recall_close_a_recording_that_is_being_heard() {
    let w = world();
    let (id, lead) = (w.call(1), w.person("lead", &[Role::Supervisor]));
    w.forward(11 * DAY);
    let (_, who) = w.sign_in(&lead);
    for course in COURSES.iter().skip(1) {
        pass(&w, &who, course);
    }
    let until = w.clock.now().checked_add(SignedDuration::from_secs(5)).unwrap();
    w.vault.waive(&Actor::LocalOperator, lead.id, "payment-calls", until, "until the morning").unwrap();
    let open = |who: &Session| {
        let permit = w.vault.permit::<PlayMuted>(who, Target::Conversation(id), Some(Purpose::Quality), None);
        w.vault.muted_audio(permit.unwrap()).unwrap()
    };
    let mut heard = open(&who);
    w.forward(4);
    heard.check().unwrap();
    w.forward(1);
    assert_eq!(code(heard.check()), "needs_course");
    pass(&w, &who, "payment-calls");
    let mut heard = open(&who);
    heard.check().unwrap();
    w.vault.recall(&Actor::LocalOperator, lead.id, "payment-calls", 0, "after the incident").unwrap();
    assert_eq!(code(heard.check()), "needs_course");
    w.verify();
}

#[test]
fn a_permit_does_not_outlive_the_training_it_was_given_on() {
    let w = world();
    let (id, lead) = (w.call(1), w.person("lead", &[Role::Supervisor]));
    w.forward(11 * DAY);
    let (_, who) = w.sign_in(&lead);
    COURSES.iter().skip(1).for_each(|course| pass(&w, &who, course));
    let until = w.clock.now().checked_add(SignedDuration::from_secs(5)).unwrap();
    w.vault.waive(&Actor::LocalOperator, lead.id, "payment-calls", until, "until the morning").unwrap();
    let permit =
        w.vault.permit::<PlayMuted>(&who, Target::Conversation(id), Some(Purpose::Quality), None).unwrap();
    w.forward(6);
    assert_eq!(code(w.vault.muted_audio(permit).map(drop)), "needs_course");
}

#[test]
fn attempts_are_ones_own_are_counted_and_are_handed_in_once() {
    let w = world();
    let (lead, other) = (w.signed_in("lead", &[Role::Supervisor]), w.signed_in("other", &[Role::Agent]));
    let first = w.vault.begin_attempt(&lead, "clean-desk", 1).unwrap();
    let same = w.vault.begin_attempt(&lead, "clean-desk", 1).unwrap();
    assert_eq!((first.id, first.seed), (same.id, same.seed), "leaving draws no other questions");
    assert_eq!(code(w.vault.end_attempt(&other, first.id, 100, true)), "not_found");
    w.vault.end_attempt(&lead, first.id, 10, false).unwrap();
    assert_eq!(code(w.vault.end_attempt(&lead, first.id, 100, true)), "attempt_over");
    for _ in 0..2 {
        let next = w.vault.begin_attempt(&lead, "clean-desk", 1).unwrap();
        w.vault.end_attempt(&lead, next.id, 10, false).unwrap();
    }
    assert_eq!(code(w.vault.begin_attempt(&lead, "clean-desk", 1)), "no_attempts");
    assert_eq!(code(w.vault.begin_attempt(&other, "no-such-course", 1)), "not_assigned");
    let admin = w.signed_in("boss", &[Role::Admin]);
    assert_eq!(code(w.vault.begin_attempt(&admin, "payment-calls", 1)), "not_assigned");
}

#[test]
fn nobody_excuses_himself_and_a_waiver_has_an_end() {
    let w = world();
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let own = w.vault.authorise(&officer, Act::ManageTraining, Target::Account(officer.account()), None);
    assert_eq!(code(own), "own_account");
    let soon = w.clock.now().checked_add(SignedDuration::from_hours(1)).unwrap();
    let late = w.clock.now().checked_add(SignedDuration::from_hours(24 * 500)).unwrap();
    let waive = |until, by: &Actor| w.vault.waive(by, officer.account(), "clean-desk", until, "on leave");
    assert_eq!(code(waive(soon, &officer.actor())), "own_account");
    assert_eq!(code(waive(late, &Actor::LocalOperator)), "bad_waiver");
    let id = waive(soon, &Actor::LocalOperator).unwrap();
    let state = || {
        w.vault.standings(officer.account()).unwrap().into_iter().find(|s| s.course == "clean-desk").unwrap()
    };
    assert_eq!(state().state.code(), "waived");
    w.vault.end_waiver(&Actor::LocalOperator, id).unwrap();
    assert_eq!(state().state.code(), "due");
}

#[test]
fn a_rule_binds_other_acts_and_a_policy_version_is_confirmed() {
    let w = world();
    let (id, agent) = (w.call(1), w.person("agent", &[Role::Agent]));
    let by = Actor::LocalOperator;
    assert_eq!(
        w.vault.publish_policy(&by, "recordings", "Nobody copies what he hears or reads here.").unwrap(),
        1
    );
    let rule = NewRule {
        course: "clean-desk".into(),
        version: 1,
        roles: [Role::Agent].into(),
        acts: [Act::ReadMasked].into(),
        due_days: 0,
        grace_days: 0,
        renewal: Renewal::Days(30),
        attempts_a_day: 5,
        policy: Some("recordings".into()),
    };
    let bad = NewRule { acts: [Act::SeeOverview].into(), ..rule.clone() };
    assert_eq!(code(w.vault.set_training_rule(&by, &bad)), "bad_rule");
    w.vault.set_training_rule(&by, &rule).unwrap();
    let (_, who) = w.sign_in(&agent);
    let read = || {
        w.vault.permit::<crate::gate::ReadMasked>(
            &who,
            Target::Conversation(id),
            Some(Purpose::Service),
            None,
        )
    };
    assert_eq!(code(read()), "needs_course");
    pass(&w, &who, "clean-desk");
    assert_eq!(code(read()), "needs_course", "the policy is not confirmed");
    assert_eq!(code(w.vault.attest(&who, "recordings", 2)), "not_pending");
    w.vault.attest(&who, "recordings", 1).unwrap();
    read().unwrap();
    w.vault
        .publish_policy(&by, "recordings", "Nobody copies or retells what he hears or reads here.")
        .unwrap();
    assert_eq!(code(read()), "needs_course", "without days of grace a new version counts at once");
    w.vault.attest(&who, "recordings", 2).unwrap();
    read().unwrap();
    assert_eq!(w.entries("training.attested").len(), 2);
}

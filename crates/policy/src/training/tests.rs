use super::*;

fn at(text: &str) -> Timestamp {
    let text = if text.len() == 10 { format!("{text}T12:00:00Z") } else { text.to_owned() };
    text.parse().unwrap()
}

fn rule() -> Rule {
    Rule {
        course: "payment-calls".into(),
        version: 2,
        roles: [Role::Agent, Role::Supervisor].into(),
        acts: [Act::PlayMuted, Act::Reveal].into(),
        due_days: 14,
        grace_days: 7,
        renewal: Renewal::Days(365),
        attempts_a_day: 3,
        policy: None,
        since: at("2025-01-01"),
    }
}

fn agent() -> Learner {
    Learner {
        account: Some(AccountId::from_bytes([1; 16])),
        roles: [(Role::Agent, at("2026-01-01"))].into(),
        started: at("2026-01-01"),
        ..Learner::default()
    }
}

fn pass(on: &str, version: u32, passed: bool) -> Attempt {
    Attempt { course: "payment-calls".into(), version, at: at(on), passed }
}

fn stands(rule: &Rule, learner: &Learner, on: &str) -> State {
    standings(std::slice::from_ref(rule), learner, at(on))[0].state
}

fn gate_of(rule: &Rule, learner: &Learner, on: &str) -> Result<(), Closed> {
    gate(&standings(std::slice::from_ref(rule), learner, at(on)), Act::PlayMuted)
}

#[test]
fn a_new_agent_has_time_then_grace_then_a_closed_gate() {
    let (r, a) = (rule(), agent());
    assert_eq!(stands(&r, &a, "2026-01-15T11:59:59Z"), State::Due { by: at("2026-01-15") });
    assert_eq!(stands(&r, &a, "2026-01-15"), State::Grace { until: at("2026-01-22") });
    assert!(gate_of(&r, &a, "2026-01-22T11:59:59Z").is_ok());
    assert_eq!(stands(&r, &a, "2026-01-22"), State::Overdue { since: at("2026-01-22") });
    let refused = gate_of(&r, &a, "2026-01-22").unwrap_err();
    assert_eq!(refused.course, "payment-calls");
    assert!(refused.to_string().contains("/courses/payment-calls"));
    let here = standings(&[r], &a, at("2026-01-22"));
    assert!(gate(&here, Act::ReadMasked).is_ok(), "only what the rule names is closed");
}

#[test]
fn nobody_is_late_with_what_was_not_asked_for() {
    let r = Rule { since: at("2026-06-01"), ..rule() };
    assert_eq!(stands(&r, &agent(), "2026-06-02"), State::Due { by: at("2026-06-15") });
    let mut promoted = agent();
    promoted.roles = [(Role::Supervisor, at("2026-03-01"))].into();
    assert_eq!(stands(&rule(), &promoted, "2026-03-02"), State::Due { by: at("2026-03-15") });
    promoted.roles.insert(Role::Agent, at("2026-01-01"));
    assert!(matches!(stands(&rule(), &promoted, "2026-03-02"), State::Overdue { .. }), "one clock, not two");
}

#[test]
fn a_pass_opens_holds_expires_to_the_second_and_a_new_pass_reopens() {
    let (r, mut a) = (rule(), agent());
    a.attempts = vec![pass("2026-01-20", 2, false), pass("2026-01-23", 2, true)];
    assert_eq!(stands(&r, &a, "2026-01-23"), State::Valid { until: at("2027-01-23") });
    assert_eq!(stands(&r, &a, "2027-01-23"), State::Grace { until: at("2027-01-30") });
    assert!(gate_of(&r, &a, "2027-01-30T11:59:59Z").is_ok());
    assert_eq!(stands(&r, &a, "2027-01-30"), State::Expired { since: at("2027-01-30") });
    assert!(gate_of(&r, &a, "2027-01-30").unwrap_err().why.contains("ran out"));
    a.attempts.push(pass("2027-01-31", 2, true));
    assert!(gate_of(&r, &a, "2027-01-31").is_ok());
}

#[test]
fn old_versions_future_passes_and_failures_do_not_count() {
    let (r, mut a) = (rule(), agent());
    a.attempts = vec![pass("2026-01-05", 1, true), pass("2026-06-01", 2, true), pass("2026-01-06", 2, false)];
    assert!(matches!(stands(&r, &a, "2026-02-01"), State::Overdue { .. }));
}

#[test]
fn yearly_renewal_is_bound_to_the_calendar() {
    let r = Rule { renewal: Renewal::Yearly(1, 31), ..rule() };
    let until = |r: &Rule, on: &str| {
        let mut a = agent();
        a.attempts = vec![pass(on, 2, true)];
        stands(r, &a, on)
    };
    assert_eq!(until(&r, "2026-03-01"), State::Valid { until: at("2027-01-31T23:59:59Z") });
    assert_eq!(
        until(&r, "2026-12-20"),
        State::Valid { until: at("2028-01-31T23:59:59Z") },
        "not twice within a few weeks"
    );
    let leap = Rule { renewal: Renewal::Yearly(2, 29), ..rule() };
    assert_eq!(until(&leap, "2026-03-01"), State::Valid { until: at("2027-02-28T23:59:59Z") });
}

#[test]
fn a_waiver_needs_another_person_and_ends() {
    let (r, mut a) = (rule(), agent());
    let waiver = |by: u8| Waiver {
        course: "payment-calls".into(),
        at: at("2026-01-20"),
        until: at("2026-03-01"),
        by: Some(AccountId::from_bytes([by; 16])),
    };
    a.waivers = vec![waiver(1)];
    assert!(matches!(stands(&r, &a, "2026-02-01"), State::Overdue { .. }), "nobody excuses himself");
    a.waivers = vec![waiver(2)];
    assert_eq!(stands(&r, &a, "2026-02-28"), State::Waived { until: at("2026-03-01") });
    assert!(matches!(stands(&r, &a, "2026-03-01"), State::Overdue { .. }));
}

#[test]
fn a_recall_undoes_earlier_passes_at_once_or_in_days() {
    let (r, mut a) = (rule(), agent());
    a.attempts = vec![pass("2026-01-10", 2, true)];
    let recall = |days| Recall { course: "payment-calls".into(), at: at("2026-02-01"), days };
    a.recalls = vec![recall(0)];
    assert!(matches!(stands(&r, &a, "2026-01-31"), State::Valid { .. }));
    assert_eq!(stands(&r, &a, "2026-02-01"), State::Overdue { since: at("2026-02-01") });
    a.recalls = vec![recall(3)];
    assert_eq!(stands(&r, &a, "2026-02-03"), State::Due { by: at("2026-02-04") });
    a.attempts.push(pass("2026-02-05", 2, true));
    assert!(matches!(stands(&r, &a, "2026-02-05"), State::Valid { .. }));
}

#[test]
fn a_new_policy_version_wants_a_new_attestation_in_time() {
    let wanted = Wanted { policy: "recordings".into(), version: 3, since: at("2026-01-15") };
    let r = Rule { policy: Some(wanted), ..rule() };
    let mut a = agent();
    a.attempts = vec![pass("2026-01-10", 2, true)];
    let attest = |version| Attestation { policy: "recordings".into(), version, at: at("2026-01-16") };
    a.attestations = vec![attest(2)];
    assert!(
        matches!(stands(&r, &a, "2026-01-28"), State::Valid { .. }),
        "there is time from its publication on"
    );
    assert_eq!(stands(&r, &a, "2026-01-29"), State::Unattested);
    assert!(gate_of(&r, &a, "2026-01-29").is_err());
    a.attestations.push(attest(3));
    assert!(matches!(stands(&r, &a, "2026-01-29"), State::Valid { .. }));
}

#[test]
fn roles_decide_and_attempts_of_a_day_are_counted() {
    let (r, mut a) = (rule(), agent());
    a.attempts = vec![
        pass("2026-01-10", 2, false),
        pass("2026-01-10T13:00:00Z", 2, false),
        pass("2026-01-08", 2, false),
    ];
    let left = |on: &str| standings(std::slice::from_ref(&r), &a, at(on))[0].attempts_left;
    assert_eq!((left("2026-01-10T14:00:00Z"), left("2026-01-12")), (1, 3));
    a.roles = [(Role::Admin, at("2026-01-01"))].into();
    assert!(standings(&[r], &a, at("2026-01-01")).is_empty());
}

#[test]
fn a_standing_changes_at_no_other_moment_than_the_one_that_was_told() {
    let wanted = Wanted { policy: "recordings".into(), version: 3, since: at("2026-01-15") };
    let waiver = |from, until| Waiver { course: rule().course, at: at(from), until: at(until), by: None };
    let attested = Attestation { policy: "recordings".into(), version: 3, at: at("2026-02-20") };
    let recall = Recall { course: rule().course, at: at("2026-02-01"), days: 3 };
    let rules = [rule(), Rule { policy: Some(wanted), ..rule() }];
    let mut person = agent();
    let mut changes = 0;
    // Each adds something that takes effect at a time of its own, most of them ahead of the first days.
    for step in 0..6 {
        match step {
            1 => person.attempts.push(pass("2026-01-10", 2, true)),
            2 => person.waivers.push(waiver("2026-03-01", "2026-03-05")),
            3 => person.recalls.push(recall.clone()),
            4 => person.attempts.push(pass("2026-02-10", 2, true)),
            5 => person.attestations.push(attested.clone()),
            _ => {}
        }
        let states = |now| standings(&rules, &person, now).into_iter().map(|s| s.state).collect::<Vec<_>>();
        let end = at("2027-06-01");
        let mut now = at("2025-12-01");
        while now < end {
            let next = now.checked_add(SignedDuration::from_hours(12)).unwrap();
            let until = stands_until(&rules, &person, now);
            if states(next) != states(now) {
                changes += 1;
                assert!(until.is_some_and(|until| until > now && until <= next), "{now}: {until:?}");
            }
            now = next;
        }
        assert_eq!(stands_until(&rules, &person, Timestamp::MAX), None);
    }
    assert!(changes > 20, "{changes}");
}

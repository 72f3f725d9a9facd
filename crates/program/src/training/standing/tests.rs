use super::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn rule() -> Rule {
    Rule {
        course: "payment-calls".into(),
        version: 2,
        roles: [Role::Agent, Role::Supervisor].into(),
        due_days: 14,
        grace_days: 7,
        renewal: Renewal::Days(365),
        attempts_a_day: 3,
        policy: None,
    }
}

fn agent() -> Learner {
    Learner {
        id: "a".into(),
        roles: [Role::Agent].into(),
        hired_on: Some(day("2026-01-01")),
        ..Learner::default()
    }
}

fn pass(on: &str, version: u32, passed: bool) -> Attempt {
    Attempt { course: "payment-calls".into(), version, on: day(on), passed }
}

fn at(rule: &Rule, learner: &Learner, on: &str) -> State {
    standings(std::slice::from_ref(rule), learner, day(on))[0].state
}

#[test]
fn a_new_agent_has_time_then_grace_then_a_closed_gate() {
    let (r, a) = (rule(), agent());
    assert_eq!(at(&r, &a, "2026-01-01"), State::Due { by: day("2026-01-15") });
    assert_eq!(at(&r, &a, "2026-01-15"), State::Due { by: day("2026-01-15") });
    assert_eq!(at(&r, &a, "2026-01-16"), State::Grace { until: day("2026-01-22") });
    assert_eq!(at(&r, &a, "2026-01-22"), State::Grace { until: day("2026-01-22") });
    assert_eq!(at(&r, &a, "2026-01-23"), State::Overdue { since: day("2026-01-23") });
    let refused = gate(&standings(&[r], &a, day("2026-01-23"))).unwrap_err();
    assert_eq!((refused.code, refused.course.as_str()), ("training.overdue", "payment-calls"));
    assert!(refused.to_string().contains("it opens at once"));
}

#[test]
fn a_pass_opens_holds_expires_and_a_new_pass_reopens() {
    let (r, mut a) = (rule(), agent());
    a.attempts = vec![pass("2026-01-20", 2, false), pass("2026-01-23", 2, true)];
    assert_eq!(at(&r, &a, "2026-01-23"), State::Valid { until: day("2027-01-23") });
    assert_eq!(at(&r, &a, "2027-01-23"), State::Valid { until: day("2027-01-23") });
    assert_eq!(at(&r, &a, "2027-01-24"), State::Grace { until: day("2027-01-30") });
    assert_eq!(at(&r, &a, "2027-01-31"), State::Expired { since: day("2027-01-24") });
    let closed = standings(std::slice::from_ref(&r), &a, day("2027-01-31"));
    assert_eq!(gate(&closed).unwrap_err().code, "training.expired");
    a.attempts.push(pass("2027-01-31", 2, true));
    assert!(gate(&standings(&[r], &a, day("2027-01-31"))).is_ok());
}

#[test]
fn old_versions_future_passes_and_failures_do_not_count() {
    let (r, mut a) = (rule(), agent());
    a.attempts = vec![pass("2026-01-05", 1, true), pass("2026-06-01", 2, true), pass("2026-01-06", 2, false)];
    assert!(matches!(at(&r, &a, "2026-02-01"), State::Overdue { .. }));
}

#[test]
fn yearly_renewal_is_bound_to_the_calendar() {
    let r = Rule { renewal: Renewal::Yearly(1, 31), ..rule() };
    let until = |on: &str| {
        let mut a = agent();
        a.attempts = vec![pass(on, 2, true)];
        at(&r, &a, on)
    };
    assert_eq!(until("2026-03-01"), State::Valid { until: day("2027-01-31") });
    assert_eq!(
        until("2026-12-20"),
        State::Valid { until: day("2028-01-31") },
        "not twice within a few weeks"
    );
    let leap = Rule { renewal: Renewal::Yearly(2, 29), ..rule() };
    let mut a = agent();
    a.attempts = vec![pass("2026-03-01", 2, true)];
    assert_eq!(at(&leap, &a, "2026-03-01"), State::Valid { until: day("2027-02-28") });
}

#[test]
fn a_waiver_needs_another_person_and_ends() {
    let (r, mut a) = (rule(), agent());
    let waiver =
        |by: &str| Waiver { course: "payment-calls".into(), until: day("2026-03-01"), by: by.into() };
    a.waivers = vec![waiver("a")];
    assert!(matches!(at(&r, &a, "2026-02-01"), State::Overdue { .. }), "nobody excuses himself");
    a.waivers = vec![waiver("b")];
    assert_eq!(at(&r, &a, "2026-03-01"), State::Waived { until: day("2026-03-01") });
    assert!(matches!(at(&r, &a, "2026-03-02"), State::Overdue { .. }));
}

#[test]
fn a_new_policy_version_wants_a_new_attestation() {
    let r = Rule { policy: Some(("recordings".into(), 3)), ..rule() };
    let mut a = agent();
    a.attempts = vec![pass("2026-01-10", 2, true)];
    let attest = |version| Attestation { policy: "recordings".into(), version, on: day("2026-01-10") };
    a.attestations = vec![attest(2)];
    assert_eq!(at(&r, &a, "2026-01-10"), State::Unattested);
    assert_eq!(
        gate(&standings(std::slice::from_ref(&r), &a, day("2026-01-10"))).unwrap_err().code,
        "training.unattested"
    );
    a.attestations.push(attest(3));
    assert!(matches!(at(&r, &a, "2026-01-10"), State::Valid { .. }));
}

#[test]
fn roles_decide_and_a_missing_hire_date_gives_no_time() {
    let (r, mut a) = (rule(), agent());
    a.roles = [Role::Admin].into();
    assert!(standings(std::slice::from_ref(&r), &a, day("2026-01-01")).is_empty());
    a.roles = [Role::Supervisor].into();
    a.hired_on = None;
    assert!(matches!(at(&r, &a, "2026-01-01"), State::Overdue { .. }));
}

#[test]
fn attempts_of_a_day_are_counted() {
    let (r, mut a) = (rule(), agent());
    a.attempts =
        vec![pass("2026-01-10", 2, false), pass("2026-01-10", 2, false), pass("2026-01-09", 2, false)];
    let left = |on: &str| standings(std::slice::from_ref(&r), &a, day(on))[0].attempts_left;
    assert_eq!((left("2026-01-10"), left("2026-01-11")), (1, 3));
}

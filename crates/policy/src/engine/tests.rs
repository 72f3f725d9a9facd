use super::*;
use crate::{ActorFacts, ResourceFacts, matrix::kinds};
use callvault_model::EntityType;
use proptest::prelude::*;
use std::sync::Arc;

const ME: AccountId = AccountId::from_bytes([1; 16]);
const YOU: AccountId = AccountId::from_bytes([2; 16]);
const CONTENT: [Act; 6] =
    [Act::ReadMasked, Act::PlayMuted, Act::ReadSubject, Act::RequestReveal, Act::Reveal, Act::ExportSubject];
const APPROVALS: [Act; 5] = [
    Act::ApproveReveal,
    Act::ApproveCorrection,
    Act::ApproveGrant,
    Act::ApproveDisposalMode,
    Act::ApproveErasure,
];
/// All that a right for a while may widen.
const GRANTABLE: [Act; 4] = [Act::ReadMasked, Act::PlayMuted, Act::ReadSubject, Act::RequestReveal];

static WHOLE: LazyLock<PolicySet> = LazyLock::new(|| named(&POLICIES).unwrap());

fn engine() -> &'static Engine {
    ENGINE.as_ref().unwrap()
}

fn role_sets() -> impl Iterator<Item = BTreeSet<Role>> {
    (0u32..1 << Role::ALL.len()).map(|bits| {
        Role::ALL.iter().enumerate().filter(|(n, _)| bits & (1 << n) != 0).map(|(_, r)| *r).collect()
    })
}

/// Everything in favour: fresh, with purpose and reason, in the right state, agreed by another.
fn good(roles: &[Role], act: Act) -> Facts {
    let resource = match kinds(act)[0] {
        ResourceKind::Program => ResourceFacts::program(),
        ResourceKind::Conversation if act == Act::ReleaseQuarantine => {
            ResourceFacts::conversation("quarantined")
        }
        ResourceKind::Conversation => ResourceFacts::conversation("recorded"),
        ResourceKind::Token => ResourceFacts {
            requested_by: Some(ME),
            approved_by: Some(YOU),
            ..ResourceFacts::token("recorded", EntityType::Person)
        },
        ResourceKind::Subject => ResourceFacts::subject(),
        ResourceKind::Request => ResourceFacts::request(YOU),
        ResourceKind::Account => ResourceFacts::account(YOU),
    };
    Facts {
        actor: ActorFacts {
            id: ME,
            roles: Arc::new(roles.iter().copied().collect()),
            aal: 2,
            factor_age_s: 10,
            scopes: roles.contains(&Role::Service).then(|| Act::ALL.iter().copied().collect()),
        },
        act,
        resource,
        purpose: Some(Purpose::Dispute),
        has_reason: true,
        grant: None,
        needs_course: false,
        now_hour: 12,
    }
}

fn codes(facts: &Facts) -> Vec<&'static str> {
    decide(facts).reasons().iter().map(Denial::code).collect()
}

/// Some favourable circumstances exist, with any purpose.
fn possible(facts: &Facts) -> bool {
    let with = |purpose| Facts { purpose, ..facts.clone() };
    let allowed = |facts: Facts| engine().ask(&facts, |s| &s.all).is_some_and(|a| a.allowed);
    Purpose::ALL.iter().any(|p| allowed(with(Some(*p))))
}

#[test]
fn the_policies_pass_strict_validation_and_are_few() {
    let hash = fingerprint().unwrap();
    assert_eq!(hash.len(), 64);
    let ids: usize = named(&POLICIES).unwrap().policies().count();
    assert!((20..=MAX_POLICIES).contains(&ids), "{ids}");
}

#[test]
fn ids_of_policies_are_stable() {
    // The ledger names them for ever: add to this list, never change it.
    let mut ids: Vec<String> = named(&POLICIES).unwrap().policies().map(|p| p.id().to_string()).collect();
    ids.sort();
    assert_eq!(
        ids.join(" "),
        "admin.run agent.read agent.serve auditor.check compliance.read compliance.rule disposal_officer.destroy \
         grant.give_back grant.use incident_lead.respond limit.aal limit.admin limit.auditor limit.no_request \
         limit.not_quarantined limit.own_account limit.own_approval limit.own_request limit.purpose limit.reason \
         limit.requester limit.restricted limit.scope limit.second_person limit.service limit.service_key limit.step_up limit.training \
         limit.unfinished limit.unfinished_value privacy_officer.protect privacy_officer.read qa.judge qa.read \
         reveal.requested service.read service.work supervisor.lead supervisor.read"
    );
}

#[test]
fn damaged_policies_are_refused_when_loaded() {
    let unknown_role = r#"@id("x") permit (principal in Roll::"agent", action, resource);"#;
    let unknown_field = r#"@id("x") permit (principal, action, resource) when { context.mood == "good" };"#;
    let no_id = "permit (principal, action, resource);";
    let no_code = r#"@id("x") forbid (principal, action, resource);"#;
    let twice =
        r#"@id("x") permit (principal, action, resource); @id("x") permit (principal, action, resource);"#;
    for bad in [unknown_role, unknown_field, no_id, no_code, twice, "permit ("] {
        let error = Engine::load(SCHEMA, &[bad]).err().unwrap().to_string();
        assert!(error.contains("nothing is allowed"), "{error}");
    }
    assert!(Engine::load("entity", &POLICIES).is_err());
    let other = Engine::load(SCHEMA, &POLICIES[..1]).unwrap();
    assert_ne!(other.fingerprint, engine().fingerprint);
}

#[test]
fn every_act_of_the_vocabulary_is_an_action_of_the_schema_and_no_other() {
    let schema: BTreeSet<String> = engine().schema.actions().map(|a| a.id().unescaped().to_owned()).collect();
    let ours: BTreeSet<String> = Act::ALL.iter().map(|a| a.as_str().to_owned()).collect();
    assert_eq!(schema, ours);
}

#[test]
fn an_act_on_the_wrong_kind_of_thing_is_refused() {
    for act in Act::ALL {
        for kind in ResourceKind::ALL.iter().filter(|k| !kinds(*act).contains(k)) {
            let facts = Facts {
                resource: ResourceFacts { kind: *kind, ..ResourceFacts::account(YOU) },
                ..good(&[Role::PrivacyOfficer], *act)
            };
            assert_eq!(codes(&facts), ["wrong_resource"], "{act} on {kind:?}");
        }
    }
    let nobody = ResourceFacts { about: None, ..ResourceFacts::account(YOU) };
    assert_eq!(
        codes(&Facts { resource: nobody, ..good(&[Role::Admin], Act::ManagePeople) }),
        ["wrong_resource"]
    );
}

#[test]
fn admin_and_auditor_never_read_content_with_any_other_role_or_grant() {
    for roles in role_sets().filter(|r| r.contains(&Role::Admin) || r.contains(&Role::Auditor)) {
        let list: Vec<Role> = roles.iter().copied().collect();
        for act in CONTENT {
            let facts = Facts { grant: Some(act), ..good(&list, act) };
            let answer = decide(&facts);
            assert!(!answer.allowed(), "{roles:?} {act}");
            let first = answer.reasons()[0].code();
            assert!(["admin_no_content", "auditor_no_content"].contains(&first), "{first}");
        }
    }
}

#[test]
fn nobody_with_any_roles_approves_his_own_request_or_one_for_himself() {
    for roles in role_sets() {
        let list: Vec<Role> = roles.iter().copied().collect();
        for act in APPROVALS {
            let mine = Facts { resource: ResourceFacts::request(ME), ..good(&list, act) };
            assert!(!possible(&mine), "{roles:?} {act}");
            let for_me = ResourceFacts { about: Some(ME), ..ResourceFacts::request(YOU) };
            assert!(!possible(&Facts { resource: for_me, ..good(&list, act) }), "{roles:?} {act}");
        }
    }
    let mine = Facts { resource: ResourceFacts::grant(ME), ..good(&[Role::Compliance], Act::ApproveGrant) };
    assert_eq!(codes(&mine), ["own_request"]);
    let none = ResourceFacts { requested_by: None, ..ResourceFacts::request(YOU) };
    assert_eq!(
        codes(&Facts { resource: none, ..good(&[Role::Compliance], Act::ApproveGrant) }),
        ["no_request"]
    );
}

#[test]
fn no_role_set_reveals_without_purpose_reason_fresh_factor_and_own_request() {
    for roles in role_sets() {
        let list: Vec<Role> = roles.iter().copied().collect();
        let facts = good(&list, Act::Reveal);
        let refused = |facts: Facts, code: &str| {
            let codes = codes(&facts);
            assert!(codes.contains(&code) || codes.contains(&"scope"), "{roles:?}: {codes:?} without {code}");
        };
        refused(Facts { purpose: None, ..facts.clone() }, "needs_purpose");
        refused(Facts { has_reason: false, ..facts.clone() }, "needs_reason");
        let actor = ActorFacts { factor_age_s: 901, ..facts.actor.clone() };
        refused(Facts { actor, ..facts.clone() }, "needs_step_up");
        let resource = ResourceFacts { requested_by: Some(YOU), ..facts.resource.clone() };
        refused(Facts { resource, ..facts.clone() }, "not_requester");
        let resource = ResourceFacts { requested_by: None, ..facts.resource.clone() };
        refused(Facts { resource, ..facts.clone() }, "not_requester");
    }
}

#[test]
fn card_data_marked_and_unknown_values_need_a_second_person_whoever_asks() {
    let cards =
        [EntityType::CreditCard, EntityType::Expiry, EntityType::Cvv, EntityType::Pin, EntityType::TrackData];
    for roles in role_sets() {
        let list: Vec<Role> = roles.iter().copied().collect();
        let alone = |mut facts: Facts| {
            facts.resource.approved_by = None;
            assert!(!possible(&facts), "{roles:?}");
            facts.resource.approved_by = Some(ME);
            assert!(!possible(&facts), "{roles:?} agreed with himself");
        };
        for entity in cards {
            let mut facts = good(&list, Act::Reveal);
            facts.resource.entity = Some(entity);
            alone(facts);
        }
        let mut facts = good(&list, Act::Reveal);
        facts.resource.needs_second = true;
        alone(facts.clone());
        facts.resource.needs_second = false;
        facts.resource.entity = None;
        alone(facts);
    }
}

#[test]
fn who_answers_for_rules_reveals_other_values_alone_and_a_supervisor_with_another() {
    let mut facts = good(&[Role::PrivacyOfficer], Act::Reveal);
    facts.resource.approved_by = None;
    assert!(decide(&facts).allowed());
    facts.actor.roles = Arc::new([Role::Supervisor].into());
    assert_eq!(codes(&facts), ["needs_second_person"]);
    facts.resource.approved_by = Some(YOU);
    let Decision::Allow { policies, obligations } = decide(&facts) else { panic!("refused") };
    assert_eq!(
        (policies.to_vec(), obligations.to_vec()),
        (vec!["reveal.requested".to_owned()], vec![Obligation::ShowOnce])
    );
}

#[test]
fn a_grant_widens_four_acts_and_no_other() {
    for act in Act::ALL {
        for role in Role::ALL {
            let facts = good(&[*role], *act);
            let granted = Facts { grant: Some(*act), ..facts.clone() };
            let widened = !possible(&facts) && possible(&granted);
            assert!(!widened || GRANTABLE.contains(act), "{role} {act}");
            // A right for one act is none for another.
            for other in Act::ALL.iter().filter(|o| *o != act) {
                let wrong = Facts { grant: Some(*other), ..facts.clone() };
                assert_eq!(possible(&wrong), possible(&facts), "{role} {act} by a grant of {other}");
            }
        }
    }
    for act in GRANTABLE {
        let granted = Facts { grant: Some(act), ..good(&[Role::IncidentLead], act) };
        assert!(!possible(&good(&[Role::IncidentLead], act)) && possible(&granted), "{act}");
    }
}

#[test]
fn an_agent_hears_nothing_without_a_grant_and_the_reason_is_the_role() {
    let facts = good(&[Role::Agent], Act::PlayMuted);
    assert_eq!(codes(&facts), ["role"]);
    let granted = Facts { grant: Some(Act::PlayMuted), ..facts };
    let Decision::Allow { policies, obligations } = decide(&granted) else { panic!("refused") };
    assert_eq!(
        (policies.to_vec(), obligations.to_vec()),
        (vec!["grant.use".to_owned()], vec![Obligation::Muted])
    );
    assert_eq!(codes(&Facts { purpose: None, ..granted }), ["needs_purpose"]);
}

#[test]
fn the_right_role_with_the_wrong_purpose_is_told_so() {
    let facts = Facts { purpose: Some(Purpose::Legal), ..good(&[Role::Agent], Act::ReadMasked) };
    assert_eq!(codes(&facts), ["other_purpose"]);
    assert_eq!(codes(&Facts { purpose: None, ..facts }), ["needs_purpose"]);
}

#[test]
fn no_role_set_does_anything_with_one_factor() {
    for roles in role_sets().filter(|r| !r.contains(&Role::Service)) {
        let list: Vec<Role> = roles.iter().copied().collect();
        for act in Act::ALL {
            let mut facts = good(&list, *act);
            facts.actor.aal = 1;
            assert!(codes(&facts).contains(&"aal"), "{roles:?} {act}");
        }
    }
}

#[test]
fn a_stale_factor_stops_every_act_that_cannot_be_taken_back() {
    let stale = [
        (Role::Compliance, Act::ApproveGrant),
        (Role::Compliance, Act::ApproveReveal),
        (Role::Compliance, Act::ChangeRetention),
        (Role::Compliance, Act::ExportEvidence),
        (Role::Compliance, Act::ManageHolds),
        (Role::PrivacyOfficer, Act::ApproveDisposalMode),
        (Role::PrivacyOfficer, Act::ReleaseQuarantine),
        (Role::PrivacyOfficer, Act::LinkSubjects),
        (Role::PrivacyOfficer, Act::EraseSubject),
        (Role::Compliance, Act::ApproveErasure),
        (Role::DisposalOfficer, Act::RunRetention),
        (Role::Admin, Act::ManagePeople),
        (Role::Admin, Act::RotateKeys),
        (Role::Admin, Act::ManageApiKeys),
    ];
    for (role, act) in stale {
        let mut facts = good(&[role], act);
        facts.actor.factor_age_s = 900;
        assert!(decide(&facts).allowed(), "{role} {act}: {:?}", codes(&facts));
        for age in [901, u64::MAX] {
            facts.actor.factor_age_s = age;
            assert_eq!(codes(&facts), ["needs_step_up"], "{role} {act}");
        }
    }
    // Taking away is never slowed down.
    for act in [Act::FreezePeople, Act::RevokeGrant] {
        let mut facts = good(&[Role::IncidentLead], act);
        facts.actor.factor_age_s = 40_000;
        assert!(decide(&facts).allowed(), "{act}");
    }
}

#[test]
fn a_key_does_what_it_lists_and_nothing_that_only_people_do() {
    let mut facts = good(&[Role::Service], Act::Upload);
    facts.actor.aal = 1;
    assert!(decide(&facts).allowed());
    facts.actor.scopes = Some([Act::SeeOverview].into());
    assert_eq!(codes(&facts), ["scope"]);
    facts.actor.scopes = Some(BTreeSet::new());
    assert_eq!(codes(&facts), ["scope"]);
    facts.actor.scopes = None;
    assert!(codes(&facts).contains(&"scope"), "a service without a list of scopes");
    let allowed: Vec<Act> = Act::ALL
        .iter()
        .copied()
        .filter(|a| possible(&Facts { grant: Some(*a), ..good(&[Role::Service], *a) }))
        .collect();
    assert_eq!(
        allowed,
        [
            Act::SeeOverview,
            Act::ListConversations,
            Act::ReadMasked,
            Act::SeeQuarantine,
            Act::Upload,
            Act::ReadCertificates,
            Act::CheckDial,
            Act::PreviewCampaign
        ]
    );
}

#[test]
fn a_service_gains_nothing_by_other_roles() {
    for roles in role_sets().filter(|r| r.contains(&Role::Service)) {
        let list: Vec<Role> = roles.iter().copied().collect();
        for act in [Act::PlayMuted, Act::Reveal, Act::ManagePeople, Act::ApproveGrant, Act::RunRetention] {
            assert!(codes(&good(&list, act)).contains(&"person_only"), "{roles:?} {act}");
        }
    }
}

#[test]
fn unfinished_conversations_are_read_by_nobody() {
    for state in [Some("received"), Some("awaiting-transcript"), Some("quarantined"), Some("erased"), None] {
        for (role, act) in [
            (Role::Agent, Act::ReadMasked),
            (Role::Qa, Act::PlayMuted),
            (Role::Qa, Act::RequestCorrection),
            (Role::PrivacyOfficer, Act::RequestReveal),
            (Role::PrivacyOfficer, Act::Reveal),
        ] {
            let mut facts = good(&[role], act);
            facts.resource.state = state;
            assert_eq!(codes(&facts), ["not_finished"], "{role} {act} {state:?}");
        }
    }
    let mut facts = good(&[Role::PrivacyOfficer], Act::ReleaseQuarantine);
    facts.resource.state = Some("recorded");
    assert_eq!(codes(&facts), ["not_quarantined"]);
}

#[test]
fn what_is_restricted_is_read_to_answer_the_person_and_for_a_claim_only() {
    let reads = [Act::ReadMasked, Act::PlayMuted, Act::ReadSubject, Act::RequestReveal, Act::Reveal];
    for act in reads {
        for purpose in Purpose::ALL.iter().copied() {
            let ask = |facts: ResourceFacts| {
                let good = good(&[Role::PrivacyOfficer], act);
                decide(&Facts { purpose: Some(purpose), resource: facts, ..good })
            };
            let free = good(&[Role::PrivacyOfficer], act).resource;
            let before = ask(free.clone());
            let restricted = ask(ResourceFacts { restricted: true, ..free.clone() });
            let listed = matches!(purpose, Purpose::SubjectRequest | Purpose::Legal);
            assert_eq!(restricted.allowed(), before.allowed() && listed, "{act} {purpose}");
            let objected = ask(ResourceFacts { objected: true, ..free });
            assert!(!objected.allowed(), "{act} {purpose}");
            if before.allowed() && !listed {
                assert_eq!(restricted.reasons()[0].code(), "restricted");
            }
        }
    }
}

#[test]
fn a_person_is_taken_out_and_erased_by_the_privacy_officer_alone() {
    for role in Role::ALL.iter().copied() {
        let out = Facts { purpose: Some(Purpose::SubjectRequest), ..good(&[role], Act::ExportSubject) };
        assert_eq!(decide(&out).allowed(), role == Role::PrivacyOfficer, "{role}");
        assert_eq!(
            decide(&good(&[role], Act::EraseSubject)).allowed(),
            role == Role::PrivacyOfficer,
            "{role}"
        );
    }
    let other =
        Facts { purpose: Some(Purpose::Dispute), ..good(&[Role::PrivacyOfficer], Act::ExportSubject) };
    assert_eq!(codes(&other), ["other_purpose"]);
}

#[test]
fn nobody_manages_or_reviews_his_own_account_and_everybody_gives_back() {
    for act in [Act::ManagePeople, Act::FreezePeople, Act::ReviewAccess] {
        let facts = Facts { resource: ResourceFacts::account(ME), ..good(&[Role::Admin], act) };
        assert_eq!(codes(&facts), ["own_account"], "{act}");
        assert!(decide(&good(&[Role::Admin], act)).allowed());
    }
    let facts = Facts { resource: ResourceFacts::grant(ME), ..good(&[Role::Agent], Act::RevokeGrant) };
    assert!(decide(&facts).allowed());
    assert_eq!(codes(&Facts { resource: ResourceFacts::grant(YOU), ..facts }), ["role"]);
}

#[test]
fn without_roles_nothing_is_allowed_but_giving_back() {
    for act in Act::ALL.iter().filter(|a| **a != Act::Reveal) {
        assert!(!possible(&good(&[], *act)), "{act}");
    }
    // Who lost his roles cannot use what he asked for before without a second person.
    let mut facts = good(&[], Act::Reveal);
    facts.resource.approved_by = None;
    assert_eq!(codes(&facts), ["needs_second_person"]);
}

#[test]
fn reading_at_night_is_marked_and_allowed() {
    for (hour, marked) in [(0, true), (5, true), (6, false), (21, false), (22, true), (23, true)] {
        let facts = Facts { now_hour: hour, ..good(&[Role::Qa], Act::ReadMasked) };
        let Decision::Allow { obligations, .. } = decide(&facts) else { panic!("refused") };
        assert_eq!(obligations.contains(&Obligation::MarkNight), marked, "{hour}");
    }
}

/// The favourable facts, and each with one thing against or for the actor.
fn variants(facts: &Facts) -> Vec<Facts> {
    let mut out = vec![facts.clone()];
    let mut vary = |change: &dyn Fn(&mut Facts)| {
        let mut other = facts.clone();
        change(&mut other);
        out.push(other);
    };
    vary(&|f| f.purpose = None);
    vary(&|f| f.has_reason = false);
    vary(&|f| f.grant = Some(f.act));
    vary(&|f| f.needs_course = true);
    vary(&|f| f.actor.aal = 1);
    vary(&|f| f.actor.factor_age_s = 901);
    vary(&|f| f.actor.scopes = None);
    vary(&|f| f.actor.scopes = Some(BTreeSet::new()));
    vary(&|f| f.resource.state = Some("received"));
    vary(&|f| f.resource.requested_by = Some(if f.resource.requested_by == Some(ME) { YOU } else { ME }));
    vary(&|f| f.resource.restricted = true);
    vary(&|f| f.resource.objected = true);
    vary(&|f| f.resource.requested_by = None);
    vary(&|f| f.resource.approved_by = None);
    vary(&|f| f.resource.approved_by = Some(ME));
    vary(&|f| f.resource.about = Some(ME));
    out
}

/// Without any one of the policies some answer is another, or a refusal loses its only reason: none is there for show,
/// and none can be lost unseen.
#[test]
fn every_policy_changes_an_answer() {
    let pairs = Role::ALL.iter().flat_map(|a| Role::ALL.iter().map(move |b| [*a, *b]));
    let questions: Vec<Facts> = pairs
        .flat_map(|roles| Act::ALL.iter().map(move |act| good(&roles, *act)))
        .flat_map(|facts| {
            [Purpose::Dispute, Purpose::Service].map(|p| Facts { purpose: Some(p), ..facts.clone() })
        })
        .collect();
    for policy in WHOLE.policies() {
        let mut fewer = WHOLE.clone();
        fewer.remove_static(policy.id().clone()).unwrap();
        let answer =
            |facts: &Facts, set| engine().put(facts, set).map(|a| (a.allowed, a.policies.is_empty()));
        let differs =
            |facts: &Facts| answer(facts, &engine().slices[&facts.act].all) != answer(facts, &fewer);
        let spoken = |facts: &&Facts| engine().slices[&facts.act].all.policy(policy.id()).is_some();
        let found = questions.iter().filter(spoken).flat_map(variants).any(|f| differs(&f));
        assert!(found, "{} changes nothing", policy.id());
    }
}

#[test]
fn an_answer_given_before_is_the_answer_of_now() {
    let ages = [0, 1, 2, 3, 899, 900, 901, 902, i64::MAX as u64, u64::MAX];
    // Once forwards and once backwards, so that each age is asked for after every other one.
    for age in ages.iter().chain(ages.iter().rev()) {
        for (role, act) in [
            (Role::Qa, Act::ReadMasked),
            (Role::Compliance, Act::ApproveGrant),
            (Role::Admin, Act::RotateKeys),
        ] {
            for mut facts in variants(&good(&[role], act)) {
                facts.actor.factor_age_s = *age;
                assert_eq!(decide(&facts), engine().answer(&facts), "{facts:?}");
            }
        }
    }
}

#[test]
fn ages_are_one_only_where_no_policy_can_tell_them_apart() {
    let rule = |when: &str| format!(r#"@id("x") permit (principal, action, resource) when {{ {when} }};"#);
    let load = |when: &str| Engine::load(SCHEMA, &[&rule(when)]).unwrap();
    let asked = |engine: &Engine, age: u64| {
        let mut facts = good(&[Role::Qa], Act::ReadMasked);
        facts.actor.factor_age_s = age;
        engine.decide(&facts).allowed()
    };
    let engine = load("context.factor_age > 10 && context.factor_age != 20 && context.factor_age < 30");
    let allowed: Vec<u64> = (0..40).rev().filter(|age| asked(&engine, *age)).collect();
    let expected: Vec<u64> = (11..30).filter(|age| *age != 20).rev().collect();
    assert_eq!(allowed, expected);
    // The thresholds of these stand nowhere as numbers, so nothing is remembered.
    for when in ["context.factor_age * 3 > 30", "context.factor_age + 5 > 15", "context.factor_age - 5 > 5"] {
        let engine = load(when);
        assert!(!asked(&engine, 1) && asked(&engine, 11) && !asked(&engine, 9), "{when}");
    }
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let person = prop_oneof![Just(None), Just(Some(ME)), Just(Some(YOU))];
    let who =
        (0u32..1 << Role::ALL.len(), 0u8..4, prop_oneof![0u64..2000, any::<u64>()], any::<Option<bool>>());
    let what = (
        0..Act::ALL.len(),
        0..ResourceKind::ALL.len(),
        prop_oneof![Just(None), Just(Some("recorded")), Just(Some("quarantined")), Just(Some("disposed"))],
        0..EntityType::ALL.len() + 1,
        any::<bool>(),
    );
    let people = (person.clone(), person.clone(), person);
    let why = (
        0..Purpose::ALL.len() + 1,
        any::<bool>(),
        prop_oneof![Just(None), (0..Act::ALL.len()).prop_map(Some)],
        0u8..30,
    );
    (who, what, people, why).prop_map(|(who, what, people, why)| Facts {
        actor: ActorFacts {
            id: ME,
            roles: Arc::new(
                Role::ALL
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| who.0 & (1 << n) != 0)
                    .map(|(_, r)| *r)
                    .collect(),
            ),
            aal: who.1,
            factor_age_s: who.2,
            scopes: who
                .3
                .map(|all| Act::ALL.iter().copied().filter(|a| all || a.as_str().len() % 2 == 0).collect()),
        },
        act: Act::ALL[what.0],
        resource: ResourceFacts {
            kind: ResourceKind::ALL[what.1],
            state: what.2,
            entity: EntityType::ALL.get(what.3).copied(),
            restricted: why.1 && what.4,
            objected: what.4,
            needs_second: what.4,
            requested_by: people.0,
            approved_by: people.1,
            about: people.2,
        },
        purpose: Purpose::ALL.get(why.0).copied(),
        has_reason: why.1,
        grant: why.2.map(|n| Act::ALL[n]),
        needs_course: why.3 % 5 == 0,
        now_hour: why.3,
    })
}

/// A course that is not valid closes exactly the acts that a rule of training can name, and says so.
#[test]
fn a_missing_course_closes_what_can_be_bound_to_one() {
    for act in Act::ALL {
        for role in Role::ALL {
            let open = good(&[*role], *act);
            let closed = Facts { needs_course: true, ..open.clone() };
            let allowed = decide(&open).allowed();
            let bound = crate::training::GATED.contains(act);
            assert_eq!(decide(&closed).allowed(), allowed && !bound, "{role} {act}");
            if allowed && bound {
                assert_eq!(codes(&closed), ["needs_course"], "{role} {act}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Cutting the policies by act changes no answer.
    #[test]
    fn the_slices_answer_as_the_whole_set(facts in any_facts()) {
        let slice = engine().ask(&facts, |s| &s.all);
        let full = engine().put(&facts, &WHOLE);
        prop_assert_eq!(slice.map(|a| (a.allowed, a.policies)), full.map(|a| (a.allowed, a.policies)));
    }

    /// Every refusal has a reason, and an allowed reading has a purpose.
    #[test]
    fn answers_are_whole(facts in any_facts()) {
        match decide(&facts) {
            Decision::Allow { policies, .. } => {
                prop_assert!(!policies.is_empty());
                prop_assert!(!CONTENT.contains(&facts.act) || facts.purpose.is_some());
                prop_assert!(facts.actor.aal >= 2 || facts.actor.scopes.is_some());
            }
            Decision::Deny { reasons } => {
                prop_assert!(!reasons.is_empty());
                prop_assert!(reasons.iter().all(|r| r.reason != Reason::Broken));
            }
        }
    }
}

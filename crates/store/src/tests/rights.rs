//! Restriction and objection at the gate, the second person of an erasure, the ticket of a copy.

use crate::{
    Actor, Error, Refused,
    gate::{ExportSubject, ReadMasked, ReadSubject, Target},
    requests::{Answer, Arrived, IdentityCheck, NewRequest, RequestKind, RequestLaw, RequestState},
    suppression::Suppressed,
    testing::{World, code, world},
    two_person::Shared,
};
use callvault_model::{
    Secret,
    id::{ConversationId, SubjectId, SubjectRequestId},
};
use callvault_policy::{Purpose, Role};
use std::collections::BTreeMap;

const PHONE: &str = "+1 202 555 0142";

fn subject(w: &World) -> SubjectId {
    w.vault.find_by_contact(&Actor::LocalOperator, PHONE).unwrap().unwrap()
}

fn new(kind: RequestKind, address: &str) -> NewRequest {
    NewRequest {
        kind,
        law: RequestLaw::Eu,
        arrived: Arrived::Email,
        received_on: "2026-11-20".parse().unwrap(),
        address: Some(Secret::new(address.into())),
        subject: None,
        purposes: if kind == RequestKind::Objection {
            vec!["quality".into(), "marketing".into()]
        } else {
            Vec::new()
        },
        note: String::new(),
    }
}

fn confirmed(w: &World, kind: RequestKind) -> SubjectRequestId {
    let filed = w.vault.file_request(&Actor::LocalOperator, &new(kind, PHONE)).unwrap();
    assert_eq!(filed.subject, Some(subject(w)));
    w.vault.check_identity(&Actor::LocalOperator, filed.id, IdentityCheck::CodeSent, true, true).unwrap();
    filed.id
}

fn read(w: &World, who: &crate::Session, id: ConversationId, purpose: Purpose) -> Result<(), Error> {
    let permit = w.vault.permit::<ReadMasked>(who, Target::Conversation(id), Some(purpose), None)?;
    w.vault.read_masked(permit).map(drop)
}

#[test]
fn what_is_restricted_is_read_for_listed_purposes_only_and_not_at_the_machine() {
    let w = world();
    let id = w.call(1);
    let lead = w.signed_in("lead", &[Role::Supervisor]);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    read(&w, &lead, id, Purpose::Service).unwrap();
    let request = confirmed(&w, RequestKind::Restriction);
    w.vault.carry_out_request(&officer.actor(), request).unwrap();
    assert_eq!(code(read(&w, &lead, id, Purpose::Service)), "restricted");
    assert_eq!(code(read(&w, &officer, id, Purpose::Security)), "restricted");
    assert_eq!(code(w.vault.masked(id)), "restricted");
    let target = Target::Subject(subject(&w));
    let page = w.vault.permit::<ReadSubject>(&officer, target.clone(), Some(Purpose::Dispute), None);
    assert_eq!(code(page), "restricted");
    read(&w, &officer, id, Purpose::SubjectRequest).unwrap();
    read(&w, &officer, id, Purpose::Legal).unwrap();
    // It is no leave to destroy, either.
    assert!(matches!(w.vault.kept_back(id).unwrap(), Some(Refused::Restricted(_))));
    assert!(w.entries("access.denied").iter().any(|e| e.contains("restricted")));
    w.vault.unrestrict(&officer.actor(), subject(&w), None).unwrap();
    read(&w, &lead, id, Purpose::Service).unwrap();
    assert!(w.vault.unrestrict(&officer.actor(), subject(&w), None).is_err());
    w.verify();
}

#[test]
fn an_objection_stops_its_purpose_and_lists_the_number_as_a_hash() {
    let w = world();
    let id = w.call(1);
    let lead = w.signed_in("lead", &[Role::Supervisor]);
    assert!(w.vault.suppression(PHONE).unwrap().is_none());
    let request = confirmed(&w, RequestKind::Objection);
    w.vault.carry_out_request(&Actor::LocalOperator, request).unwrap();
    assert_eq!(code(read(&w, &lead, id, Purpose::Quality)), "restricted");
    read(&w, &lead, id, Purpose::Service).unwrap();
    let row = w.vault.suppression("202.555.0142").unwrap().unwrap();
    assert_eq!(row.why, "objection");
    assert!(w.vault.suppression("+1 202 555 0143").unwrap().is_none());
    let leak = w.ledger().iter().any(|e| e.contains("5550142"));
    assert!(!leak);
    // The hash is another than the one that leads to the person.
    let db = w.vault.db();
    let same: bool = db
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM suppression s JOIN contact c ON c.blind_index = s.hash)",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert!(!same);
    drop(db);
    w.vault.unsuppress(&Actor::LocalOperator, PHONE).unwrap();
    assert!(w.vault.suppress(&Actor::Worker, PHONE, Suppressed::DoNotCall).unwrap());
    assert!(!w.vault.suppress(&Actor::Worker, PHONE, Suppressed::DoNotCall).unwrap());
    assert!(w.vault.suppress(&Actor::Worker, "nobody", Suppressed::DoNotCall).is_err());
}

#[test]
fn erasing_takes_a_second_person_who_saw_whom_it_is_about() {
    let w = world();
    let id = w.call(1);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let second = w.signed_in("second", &[Role::Compliance]);
    let says = |_: &str, _: &str, _: &str| false;
    let keeps = |_: &str, _: &str| unreachable!("no consent is on file");
    let erase = |agreed| {
        let mut order = crate::erase::EraseOrder {
            subject: subject(&w),
            request: None,
            continues: None,
            agreed,
            keep: BTreeMap::new(),
            muted: BTreeMap::new(),
            says: &says,
            suppress: false,
            consent_kept: &keeps,
        };
        w.vault.erase_subject(&officer.actor(), &mut order)
    };
    assert!(matches!(erase(None), Err(Error::Refused(Refused::NeedsAgreement))));
    let terms = serde_json::json!({"subject": subject(&w).to_string()});
    let asked = w.vault.request_second(&officer, Shared::EraseSubject, &terms).unwrap();
    assert_eq!(code(erase(Some(asked))), "needs_second_person");
    assert_eq!(code(w.vault.decide_second(&officer, asked, true)), "own_request");
    w.vault.decide_second(&second, asked, true).unwrap();
    // Somebody else's agreement is no agreement.
    let other =
        w.vault.request_second(&officer, Shared::EraseSubject, &serde_json::json!({"subject": "x"})).unwrap();
    w.vault.decide_second(&second, other, true).unwrap();
    assert!(matches!(erase(Some(other)), Err(Error::Refused(Refused::Invalid { .. }))));
    assert!(w.vault.erasure_receipts(None).unwrap().is_empty());
    let erased = erase(Some(asked)).unwrap();
    assert!(erased.complete && erased.keys > 0 && erased.approved_by.is_some());
    assert!(w.vault.masked(id).unwrap().turns.is_empty());
    assert_eq!(w.vault.erasures_without_receipt().unwrap(), [erased]);
    w.verify();
}

#[test]
fn a_copy_is_opened_by_the_officer_for_this_purpose_and_its_ticket_works_once_for_a_day() {
    let w = world();
    w.call(1);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    let compliance = w.signed_in("second", &[Role::Compliance]);
    let target = Target::Subject(subject(&w));
    let ask = |who, purpose| w.vault.permit::<ExportSubject>(who, target.clone(), Some(purpose), None);
    assert_eq!(code(ask(&compliance, Purpose::SubjectRequest)), "role");
    assert_eq!(code(ask(&officer, Purpose::Dispute)), "other_purpose");
    let permit = ask(&officer, Purpose::SubjectRequest).unwrap();
    let export = w.vault.export_subject(permit).unwrap();
    assert!(
        export.conversations[0]
            .values
            .iter()
            .any(|v| v.value.as_ref().is_some_and(|v| v.expose().contains("4242")))
    );
    assert_eq!(w.entries("subject.exported").len(), 1);
    // Where people sign in, the command line takes nothing out.
    let request = confirmed(&w, RequestKind::Access);
    assert!(w.vault.export_for_request(&Actor::LocalOperator, request).is_err());
    let ticket = w.vault.make_package(&officer, request).unwrap();
    assert_eq!(w.vault.use_package(&officer.actor(), request, ticket).unwrap(), subject(&w));
    assert_eq!(code(w.vault.use_package(&officer.actor(), request, ticket)), "already_used");
    let late = w.vault.make_package(&officer, request).unwrap();
    w.forward(24 * 3_600);
    assert_eq!(code(w.vault.use_package(&officer.actor(), request, late)), "request_expired");
    assert_eq!(w.vault.packages(request).unwrap().iter().filter(|p| p.ready).count(), 0);
}

#[test]
fn a_request_goes_step_by_step_and_what_is_closed_stays_closed() {
    let w = world();
    w.call(1);
    let by = Actor::LocalOperator;
    let filed = w.vault.file_request(&by, &new(RequestKind::Access, PHONE)).unwrap();
    let id = filed.id;
    assert!(w.vault.answer_request(&by, id, Answer::Granted).is_err(), "identity is not confirmed");
    w.vault.ask_identity(&by, id).unwrap();
    w.vault.check_identity(&by, id, IdentityCheck::Knowledge, false, false).unwrap();
    assert!(w.vault.check_identity(&by, id, IdentityCheck::Knowledge, false, true).is_err());
    w.vault.check_identity(&by, id, IdentityCheck::CallBack, true, true).unwrap();
    assert!(w.vault.close_request(&by, id).is_err(), "not answered");
    w.vault.extend_request(&by, id, "2026-11-22".parse().unwrap(), "many conversations").unwrap();
    assert!(w.vault.extend_request(&by, id, "2027-11-22".parse().unwrap(), "a notice of tomorrow").is_err());
    w.vault.answer_request(&by, id, Answer::Granted).unwrap();
    assert!(
        w.vault.ask_identity(&by, id).is_err() && w.vault.answer_request(&by, id, Answer::Refused).is_err()
    );
    w.vault.close_request(&by, id).unwrap();
    assert!(w.vault.close_request(&by, id).is_err());
    let row = w.vault.subject_request(id).unwrap();
    assert_eq!((row.state, row.outcome), (RequestState::Closed, Some(Answer::Granted)));
    let steps: Vec<String> = w.vault.request_steps(id).unwrap().into_iter().map(|s| s.what).collect();
    assert_eq!(
        steps,
        [
            "filed",
            "identity_asked",
            "check_failed",
            "check_passed",
            "identity_confirmed",
            "extended",
            "answered",
            "closed"
        ]
    );
    for kind in ["request.filed", "request.changed", "request.answered", "request.closed"] {
        assert!(!w.entries(kind).is_empty(), "{kind}");
    }
    assert!(!w.ledger().iter().any(|e| e.contains("many conversations")));
    // Nobody known, a day to come, a kind that this law has not.
    assert_eq!(
        w.vault.file_request(&by, &new(RequestKind::Access, "+1 202 555 0100")).unwrap().subject,
        None
    );
    assert!(w.vault.file_request(&by, &new(RequestKind::Access, "12")).is_err());
    let tomorrow =
        NewRequest { received_on: "2026-11-26".parse().unwrap(), ..new(RequestKind::Access, PHONE) };
    assert!(w.vault.file_request(&by, &tomorrow).is_err());
    assert!(w.vault.file_request(&by, &new(RequestKind::OptOut, PHONE)).is_err());
}

#[test]
fn what_is_wrong_is_corrected_for_a_confirmed_request_and_the_old_form_is_gone() {
    let w = world();
    let id = w.call(1);
    let by = Actor::LocalOperator;
    let secret = |s: &str| Secret::new(s.to_owned());
    let request = confirmed(&w, RequestKind::Rectification);
    w.vault.rectify_contact(&by, request, Some(&secret(PHONE)), Some(&secret("dana@example.com"))).unwrap();
    assert_eq!(w.vault.find_by_contact(&by, PHONE).unwrap(), None);
    assert!(w.vault.find_by_contact(&by, "Dana@example.com").unwrap().is_some());
    assert!(w.vault.rectify_contact(&by, request, Some(&secret(PHONE)), None).is_err(), "no longer there");
    assert!(
        w.vault.rectify_contact(&by, request, None, Some(&secret("+1 202 555 0199"))).is_err(),
        "the agent's"
    );
    w.vault.rectify_turn(&by, request, id, 0, "I am not [PERSON]").unwrap();
    assert_eq!(w.vault.masked(id).unwrap().turns[0].text, "I am not [PERSON]");
    assert!(w.vault.rectify_turn(&by, request, id, 9, "x").is_err());
    assert_eq!(w.entries("subject.rectified").len(), 2);
    w.verify();
}

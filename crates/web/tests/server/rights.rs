//! Requests of the people concerned by page and by API: who may what, and that both say the same.

use crate::world::{Browser, World, world};
use axum::http::StatusCode;
use callvault_model::{
    Channel,
    id::{ConversationId, SubjectId},
};
use callvault_policy::Role;
use callvault_program::{
    dial,
    request::erase::{Wish, erase},
};
use callvault_speech::decode::Limits;
use callvault_store::{Actor, HoldTarget, retention::Class};
use callvault_web::{Config, app::App, worker::Worker};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

fn subject(w: &World) -> String {
    let all = w.vault.subjects().unwrap();
    all.iter().find(|s| s.role == "customer").unwrap().id.to_string()
}

async fn filed(w: &World, who: &Browser, kind: &str) -> String {
    let body = json!({"kind": kind, "law": "eu", "arrived": "email", "received_on": "2026-01-05", "subject": subject(w),
        "note": "card 4111 1111 1111 1111"});
    let answer = w.json(who, "/api/v1/subject-requests", body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn step(w: &World, who: &Browser, id: &str, step: Value) -> StatusCode {
    w.json(who, &format!("/api/v1/subject-requests/{id}/steps"), step).await.status
}

async fn confirmed(w: &World, who: &Browser, kind: &str) -> String {
    let id = filed(w, who, kind).await;
    let check = json!({"step": "check", "check": "call_back", "passed": true, "confirms": true});
    assert_eq!(step(w, who, &id, check).await, StatusCode::NO_CONTENT);
    id
}

#[tokio::test]
async fn page_and_api_show_the_clock_with_its_rows_and_no_note_in_the_clear() {
    let w = world();
    w.call(1);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let compliance = w.browser("second", &[Role::Compliance]);
    let id = filed(&w, &officer, "access").await;
    let seen = w.get(&compliance, &format!("/api/v1/subject-requests/{id}")).await.json();
    assert_eq!(seen["clock"]["due"], "2026-02-05");
    assert!(seen["clock"]["rows"][0]["cite"][0].as_str().unwrap().contains("12(3)"));
    assert!(!seen.to_string().contains("4111 1111"));
    let page = w.get(&officer, &format!("/subject-requests/{id}")).await.text();
    for part in ["2026-02-05", "12(3)", "not legal advice", "confidence high"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("4111 1111"));
    let list = w.get(&compliance, "/subject-requests").await.text();
    assert!(list.contains(&id) && !list.contains("Write it down"), "compliance sees and does not work");
    for bad in [
        json!({"step": "check", "check": "guess", "passed": true, "confirms": false}),
        json!({"step": "extend", "told_on": "soon", "reason": "because"}),
        json!({"step": "decide", "conversation": "x", "part": "audio", "decision": "keep"}),
        json!({"step": "nothing"}),
    ] {
        assert_eq!(step(&w, &officer, &id, bad).await, StatusCode::BAD_REQUEST);
    }
    assert_eq!(
        step(&w, &officer, &id, json!({"step": "answer", "outcome": "granted"})).await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(step(&w, &compliance, &id, json!({"step": "close"})).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_copy_is_downloaded_once_by_the_officer() {
    let w = world();
    let call = w.call(1);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let compliance = w.browser("second", &[Role::Compliance]);
    let id = confirmed(&w, &officer, "access").await;
    let look = w.get(&officer, &format!("/subject-requests/{id}/copy")).await;
    assert_eq!(look.status, StatusCode::OK, "{}", look.text());
    assert!(look.text().contains("Dana Whitfield"));
    let ticket = w.json(&officer, &format!("/api/v1/subject-requests/{id}/packages"), json!({})).await.json();
    let path = format!("/api/v1/subject-requests/{id}/packages/{}/content", ticket["id"].as_str().unwrap());
    assert_eq!(w.json(&compliance, &path, json!({})).await.status, StatusCode::FORBIDDEN);
    let tar = w.json(&officer, &path, json!({})).await;
    assert_eq!((tar.status, tar.header("content-type")), (StatusCode::OK, "application/x-tar"));
    assert_eq!(tar.header("content-length"), tar.body.len().to_string());
    let text = String::from_utf8_lossy(&tar.body);
    for part in ["copy.json", "index.html", "Dana Whitfield", &format!("audio/{call}.wav")] {
        assert!(text.contains(part), "{part}");
    }
    assert_eq!(w.json(&officer, &path, json!({})).await.status, StatusCode::CONFLICT);
    assert_eq!(w.kinds("subject.exported"), 2);
    // No sealed file stays behind.
    let there = std::fs::read_dir(w.vault.blobs()).unwrap().count();
    assert_eq!(there, 2, "original and muted recording");
}

#[tokio::test]
async fn an_erasure_waits_for_a_second_person_and_leaves_a_receipt() {
    let w = world();
    let call = w.call(1);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let compliance = w.browser("second", &[Role::Compliance]);
    let id = confirmed(&w, &officer, "erasure").await;
    let erasure = format!("/api/v1/subject-requests/{id}/erasure");
    let refused = w.json(&officer, &erasure, json!({"suppress": true})).await;
    assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::CONFLICT, "needs_second_person"));
    assert_eq!(w.json(&compliance, &erasure, json!({})).await.status, StatusCode::FORBIDDEN);
    let asked =
        w.json(&officer, &format!("/api/v1/subject-requests/{id}/second-person"), json!({})).await.json();
    let decide = format!("/api/v1/decisions/{}/decision", asked["id"].as_str().unwrap());
    assert_eq!(w.json(&officer, &decide, json!({"agree": true})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(w.json(&compliance, &decide, json!({"agree": true})).await.status, StatusCode::NO_CONTENT);
    assert!(w.vault.disposal().unwrap().is_none(), "agreeing to an erasure does not leave observe mode");
    let page = w.get(&officer, &format!("/subject-requests/{id}")).await.text();
    assert!(page.contains("Erase for good"));
    let receipt = w.json(&officer, &erasure, json!({"suppress": true})).await;
    assert_eq!(receipt.status, StatusCode::OK, "{}", receipt.text());
    assert_eq!(receipt.json()["statement"]["title"], "Person erased");
    let kept = w.get(&compliance, &format!("/api/v1/subject-requests/{id}/receipt")).await.json();
    assert_eq!(kept, receipt.json());
    let page = w.get(&officer, &format!("/subject-requests/{id}")).await.text();
    assert!(page.contains("Person erased") && page.contains("do-not-contact list"));
    let words = w.get(&compliance, &format!("/api/v1/conversations/{call}?purpose=dispute")).await.text();
    assert!(!words.contains("card [CREDIT_CARD]") && words.contains("thank you"));
    assert_eq!(w.kinds("subject.erased"), 1);
}

fn customer(w: &World, call: ConversationId) -> SubjectId {
    w.vault.party_rows(call).unwrap()[0].subject
}

/// The worker's thread as the server starts it, until `done` or a minute is over.
fn works(w: &World, done: impl Fn() -> bool) {
    let app = App::new(Arc::clone(&w.vault), Config::default());
    let worker = Worker::start(app, Box::new(|| Err("there is nothing to hear".into()))).unwrap();
    let began = Instant::now();
    while !done() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    worker.stop();
}

#[test]
fn the_workers_round_goes_on_with_an_erasure_when_its_hold_is_lifted() {
    let w = world();
    let (vault, by) = (&w.vault, Actor::LocalOperator);
    let (held, free) = (w.call(1), w.call(2));
    let subject = customer(&w, held);
    assert_eq!(subject, customer(&w, free));
    let review = vault.clock().now() + SignedDuration::from_hours(24 * 30);
    let hold = vault.place_hold(&by, HoldTarget::Conversation(held), "a claim", review).unwrap();
    let packs = dial::packs(vault).unwrap();
    let wish = Wish { subject, request: None, agreed: None, suppress: false, reason: None };
    erase(vault, &packs, &Limits::default(), &by, wish).unwrap();
    let receipts = || vault.erasure_receipts(Some(subject)).unwrap();
    let words = |id| vault.masked(id).unwrap().turns.len();
    assert_eq!((receipts().len(), words(free)), (1, 1), "the agent's turn stays");
    // A round that finds the hold changes nothing.
    let began = Instant::now();
    works(&w, || began.elapsed() > Duration::from_secs(2));
    assert_eq!((receipts().len(), words(held)), (1, 2));
    vault.release_hold(&by, hold).unwrap();
    works(&w, || receipts().len() == 2);
    let found = receipts();
    assert_eq!((found.len(), words(held)), (2, 1));
    let last = found.iter().find(|r| r.complete).unwrap().body.clone().unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert!(last["statement"]["continues"].is_string(), "{last}");
    assert!(vault.unfinished_erasures(None, 9).unwrap().is_empty());
    let entry = &vault.entries(None, Some("subject.erased"), 1).unwrap()[0];
    assert!(format!("{entry:?}").contains("worker"), "{entry:?}");
}

#[tokio::test]
async fn an_erasure_in_the_server_is_planned_and_carried_out_by_the_rows_as_the_site_set_them() {
    let w = world();
    w.call(1);
    let (vault, by) = (&w.vault, Actor::LocalOperator);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let record = Some(("tcpa", "debt_call"));
    vault.set_minimum(&by, Class::Metadata, Channel::Voice, record).unwrap();
    let id = confirmed(&w, &officer, "erasure").await;
    let path = format!("/api/v1/subject-requests/{id}");
    let kept = |items: &Value| {
        let of = items.as_array().unwrap().iter().find(|i| i["class"] == "metadata").unwrap();
        of["kept"].clone()
    };
    let plan = |seen: Value| kept(&seen["plan"]["conversations"][0]["items"]);
    let on = plan(w.get(&officer, &path).await.json());
    assert_eq!(on["rule"], "retain.collections");
    assert!(on["until"].is_string(), "{on}");
    // Nobody trusts the row, so nobody knows how long: it is kept without an end.
    dial::switch(vault, &by, "retain.collections", true).unwrap();
    let off = plan(w.get(&officer, &path).await.json());
    assert_eq!((&off["rule"], &off["until"]), (&json!("retain.collections"), &Value::Null), "{off}");
    let erased = w.json(&officer, &format!("{path}/erasure"), json!({"suppress": false})).await;
    assert!(erased.status.is_success(), "{}", erased.text());
    let receipt = w.get(&officer, &format!("{path}/receipt")).await.json();
    assert_eq!(kept(&receipt["statement"]["items"])["until"], Value::Null, "{receipt}");
}

#[tokio::test]
async fn a_copy_to_be_carried_away_says_on_its_page_what_is_left_out_and_by_which_row() {
    let w = world();
    w.call(1);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]).with("subject_request");
    let id = confirmed(&w, &officer, "portability").await;
    let path = format!("/subject-requests/{id}/copy");
    let page = w.get(&officer, &path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    for part in
        ["nobody set a lawful basis", "20(1)(a)", "confidence high", "not legal advice", "0 conversations"]
    {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    w.vault
        .set_processing(&Actor::LocalOperator, Channel::Voice, &["quality".to_owned()], "contract", "")
        .unwrap();
    let page = w.get(&officer, &path).await.text();
    assert!(page.contains("1 conversations") && !page.contains("Left out:") && !page.contains("thank you"));
}

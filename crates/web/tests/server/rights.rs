//! Requests of the people concerned by page and by API: who may what, and that both say the same.

use crate::world::{Browser, World, world};
use axum::http::StatusCode;
use callvault_policy::Role;
use serde_json::{Value, json};

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

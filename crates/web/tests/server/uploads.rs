//! Putting conversations in by form and in parts, and what must be refused.

use crate::world::{Answer, Browser, World, wav, world};
use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use callvault_detect::{Detector, Profile};
use callvault_model::id::ConversationId;
use callvault_policy::Role;
use callvault_store::State;
use callvault_web::{
    Config,
    app::App,
    worker::{Kit, Worker},
};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const EML: &str = "From: Dana <dana@example.com>\r\nTo: care@example.org\r\nSubject: my bill\r\n\r\nMy card is 4111 1111 1111 1111.\r\n";

async fn part(w: &World, who: &Browser, upload: &str, offset: usize, bytes: impl AsRef<[u8]>) -> Answer {
    let bytes = bytes.as_ref();
    let request = who
        .request(Method::PATCH, &format!("/api/v1/uploads/{upload}"))
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, bytes.len())
        .header("upload-offset", offset)
        .body(Body::from(bytes.to_vec()))
        .unwrap();
    w.send(request).await
}

#[tokio::test]
async fn parts_arrive_in_order_and_become_a_conversation_without_the_card() {
    let w = world();
    let who = w.browser("lead", &[Role::Supervisor]);
    let begun = w
        .json(&who, "/api/v1/uploads", json!({ "channel": "email", "length": EML.len(), "name": "a.eml" }))
        .await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text());
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    let (head, tail) = EML.split_at(30);
    assert_eq!(part(&w, &who, &id, 0, head).await.json()["received"], 30);
    let early = w.json(&who, &format!("/api/v1/uploads/{id}/finish"), json!({})).await;
    assert_eq!(early.problem(), "upload_incomplete");
    assert_eq!(part(&w, &who, &id, 0, head).await.problem(), "upload_offset");
    assert_eq!(part(&w, &who, &id, 30, &"x".repeat(500)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(part(&w, &who, &id, 30, tail).await.status, StatusCode::OK);
    let done = w.json(&who, &format!("/api/v1/uploads/{id}/finish"), json!({})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    let conversation = done.json()["conversation"].as_str().unwrap().to_owned();
    let read = w.get(&who, &format!("/api/v1/conversations/{conversation}?purpose=quality")).await.text();
    assert!(read.contains("[CREDIT_CARD]") && !read.contains("4111 1111"), "{read}");
    // Nobody else sees the upload.
    let other = w.browser("other", &[Role::Supervisor]);
    assert_eq!(w.get(&other, &format!("/api/v1/uploads/{id}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_transcript_is_worked_on_at_once_although_the_worker_looked_in_vain_before() {
    let w = world();
    let (lead, officer) =
        (w.browser("lead", &[Role::Supervisor]), w.browser("officer", &[Role::PrivacyOfficer]));
    let sound = wav();
    let wish = json!({ "channel": "voice", "length": sound.len(), "name": "a.wav" });
    let id = w.json(&lead, "/api/v1/uploads", wish).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(part(&w, &lead, &id, 0, &sound).await.status, StatusCode::OK);
    let done = w.json(&lead, &format!("/api/v1/uploads/{id}/finish"), json!({})).await.json();
    let id: ConversationId = done["conversation"].as_str().unwrap().parse().unwrap();
    let until = |there: &dyn Fn() -> bool| {
        let began = Instant::now();
        // The worker leaves alone for five minutes what could not go on.
        while !there() && began.elapsed() < Duration::from_secs(100) {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(there());
    };
    let kit = || {
        let detector = Detector::new(Profile::default())?;
        Ok(Kit { detector, first: None, again: None })
    };
    let worker = Worker::start(App::new(Arc::clone(&w.vault), Config::default()), Box::new(kit)).unwrap();
    until(&|| w.kinds("conversation.awaiting_transcript") == 2);
    let sent = officer
        .request(Method::POST, &format!("/api/v1/quarantine/{id}/transcript"))
        .header(header::CONTENT_TYPE, "text/vtt")
        .body(Body::from("WEBVTT\n\n00:00.000 --> 00:03.000\nhello there\n"))
        .unwrap();
    assert_eq!(w.send(sent).await.status, StatusCode::NO_CONTENT);
    let stands = || w.vault.conversation(id).unwrap().state;
    until(&|| !matches!(stands(), State::Received | State::AwaitingTranscript));
    worker.stop();
}

#[tokio::test]
async fn the_same_key_gives_the_same_upload_and_another_request_is_refused() {
    let w = world();
    let who = w.browser("lead", &[Role::Supervisor]);
    let begin = async |length: usize| {
        let body = json!({ "channel": "email", "length": length, "name": "a.eml" }).to_string();
        let request = who
            .request(Method::POST, "/api/v1/uploads")
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", "k-1")
            .body(Body::from(body))
            .unwrap();
        w.send(request).await
    };
    let first = begin(10).await.json();
    assert_eq!(begin(10).await.json()["id"], first["id"]);
    assert_eq!(begin(11).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_is_too_large_misnamed_or_not_allowed_is_refused() {
    let w = world();
    let who = w.browser("lead", &[Role::Supervisor]);
    for (length, name, status) in [
        (1u64 << 40, "a.wav", StatusCode::PAYLOAD_TOO_LARGE),
        (0, "a.wav", StatusCode::BAD_REQUEST),
        (10, "../../etc/passwd", StatusCode::BAD_REQUEST),
        (10, "a\r\nSet-Cookie: x.wav", StatusCode::BAD_REQUEST),
    ] {
        let body = json!({ "channel": "voice", "length": length, "name": name });
        assert_eq!(w.json(&who, "/api/v1/uploads", body).await.status, status, "{name}");
    }
    let agent = w.browser("agent", &[Role::Agent]);
    let body = json!({ "channel": "voice", "length": 10, "name": "a.wav" });
    assert_eq!(w.json(&agent, "/api/v1/uploads", body).await.status, StatusCode::FORBIDDEN);
    assert_eq!(w.get(&agent, "/conversations/new").await.status, StatusCode::FORBIDDEN);
}

async fn form(w: &World, who: &Browser, csrf: &str, file: &str) -> Answer {
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"channel\"\r\n\r\nemail\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.eml\"\r\nContent-Type: message/rfc822\r\n\r\n{file}\r\n--b--\r\n"
    );
    let request = who
        .request(Method::POST, "/conversations/new")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
        .body(Body::from(body))
        .unwrap();
    w.send(request).await
}

#[tokio::test]
async fn a_form_takes_one_file_in_and_only_from_our_own_page() {
    let w = world();
    let who = w.browser("lead", &[Role::Supervisor]);
    assert!(w.get(&who, "/conversations/new").await.text().contains("multipart/form-data"));
    let token = who.session.form_token();
    let taken = form(&w, &who, &token, EML).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text());
    assert!(taken.header("location").ends_with("?done=uploaded"));
    assert!(form(&w, &who, &token, EML).await.header("location").ends_with("?done=known"));
    assert_eq!(form(&w, &who, "guessed", EML).await.status, StatusCode::FORBIDDEN);
    assert_eq!(form(&w, &who, &token, "").await.status, StatusCode::BAD_REQUEST);
}

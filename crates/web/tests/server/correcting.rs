//! Findings that are missing or wrong: reported from the conversation, decided by another person, by page and by API.

use crate::world::{CARD, World, world};
use axum::http::StatusCode;
use callvault_detect::{Detector, Profile};
use callvault_flow::{correct, tools::Tools};
use callvault_model::id::ConversationId;
use callvault_policy::Role;
use callvault_speech::decode::Limits;
use serde_json::json;
use std::sync::atomic::AtomicBool;

fn text(w: &World, id: ConversationId, turn: usize) -> String {
    w.vault.masked(id).unwrap().turns[turn].text.clone()
}

/// What the worker does next.
fn work(w: &World) -> Vec<correct::Muted> {
    let detector = Detector::new(Profile::default()).unwrap();
    let cancel = AtomicBool::new(false);
    let tools = Tools { detector: &detector, first: None, again: None, cancel: &cancel };
    let waiting = w.vault.remutes().unwrap();
    waiting
        .into_iter()
        .map(|id| correct::mute_further(&w.vault, &tools, &Limits::default(), id).unwrap())
        .collect()
}

fn seen(page: &str) -> String {
    page.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_missed_word_is_marked_without_a_script_decided_by_another_and_leaves_text_and_sound() {
    let w = world();
    let id = w.call(1);
    let agent = w.browser("agent", &[Role::Agent]).with("service");
    let qa = w.browser("qa", &[Role::Qa]).with("quality");
    let page = w.get(&agent, &format!("/conversations/{id}")).await.text();
    let turn = format!("/conversations/{id}/turns/1");
    assert!(page.contains(&turn));
    let form = w.get(&agent, &turn).await.text();
    assert!(
        form.contains("type=\"checkbox\" name=\"word\" value=\"0\"") && form.contains("<span>thank</span>")
    );
    let fields = |words: &str| {
        format!("seen={}&entity=ORGANIZATION&{words}&note=the+card+{}", seen(&form), CARD.replace(' ', "+"))
    };
    for bad in ["", "word=0&word=2", "word=99"] {
        assert_eq!(w.post(&agent, &turn, &fields(bad)).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let stale = fields("word=0").replace("seen=", "seen=0");
    assert_eq!(w.post(&agent, &turn, &stale).await.status, StatusCode::CONFLICT);
    let asked = w.post(&agent, &turn, &fields("word=0&word=1")).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text());
    let to = asked.header("location").split('?').next().unwrap().to_owned();
    let row = w.vault.corrections(Some(id), true).unwrap().remove(0);
    assert!(!row.note.contains("4242") && row.note.contains("the card"), "{}", row.note);
    // Asking changes nothing, and nobody decides on his own.
    assert!(text(&w, id, 1).starts_with("thank you"));
    assert!(w.get(&agent, &to).await.text().contains("another person has to decide"));
    assert_eq!(w.post(&agent, &to, "answer=yes").await.status, StatusCode::FORBIDDEN);
    // It waits on the desk of those who decide, and shows in its place.
    let desk = w.get(&qa, "/requests").await.text();
    assert!(desk.contains("Hide what was missed") && desk.contains(&to), "{desk}");
    assert!(w.get(&qa, "/").await.text().contains("badge warn\">1<"));
    let review = w.get(&qa, &to).await.text();
    assert!(
        review.contains("<mark class=\"marked\">thank</mark> <mark class=\"marked\">you</mark>"),
        "{review}"
    );
    let done = w.post(&qa, &to, "answer=yes").await;
    assert_eq!(done.header("location"), format!("{to}?done=corrected"), "{}", done.text());
    assert!(text(&w, id, 1).starts_with("[ORGANIZATION] "));
    // Until the recording follows, nobody plays it, whatever his rights.
    let sound = format!("/conversations/{id}/audio");
    let before = w.get(&qa, &sound).await;
    assert_eq!(before.status, StatusCode::CONFLICT, "{}", before.text());
    assert!(w.get(&qa, &format!("/conversations/{id}")).await.text().contains("Withheld after a correction"));
    assert_eq!(work(&w), [correct::Muted::Done(0)]);
    let after = w.get(&qa, &sound).await;
    assert_eq!(after.status, StatusCode::OK);
    // The turn, from 2000 to 2900 ms: silent on both channels.
    let silent = &after.body[44 + 2_000 * 32..44 + 2_900 * 32];
    assert!(silent.iter().all(|b| *b == 0), "the missed words can be heard");
    let sounding = &after.body[44 + 3_300 * 32..44 + 3_900 * 32];
    assert!(sounding.iter().any(|b| *b != 0));
    assert_eq!(w.kinds("audio.remuted"), 1);
    assert!(w.get(&qa, &to).await.text().contains("accepted"));
    assert_eq!(w.post(&qa, &to, "answer=no").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_listen_that_is_open_ends_when_a_correction_is_accepted() {
    let w = world();
    let id = w.call(1);
    let lead = w.browser("lead", &[Role::Supervisor]).with("quality");
    let qa = w.browser("qa", &[Role::Qa]);
    let sound = format!("/conversations/{id}/audio");
    assert_eq!(w.get(&lead, &sound).await.status, StatusCode::OK);
    let what = json!({ "turn": 1, "start_char": 0, "end_char": 5, "entity": "PERSON", "note": "a name" });
    let made = w.json(&lead, &format!("/api/v1/conversations/{id}/corrections"), what).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let path = format!("/api/v1/corrections/{}", made.json()["id"].as_str().unwrap());
    let own = w.json(&lead, &format!("{path}/decision"), json!({ "agree": true })).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);
    let done = w.json(&qa, &format!("{path}/decision"), json!({ "agree": true })).await;
    assert_eq!((done.status, done.json()["audio"].as_str()), (StatusCode::OK, Some("withheld")));
    let still =
        w.send(lead.request(axum::http::Method::HEAD, &sound).body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(still.status, StatusCode::CONFLICT);
    assert_eq!(w.get(&lead, &sound).await.status, StatusCode::CONFLICT);
    assert_eq!(w.get(&lead, &path).await.json()["state"], "accepted");
}

#[tokio::test]
async fn a_wrong_finding_comes_back_payment_data_never_and_nobody_decides_his_own() {
    let w = world();
    let id = w.call(1);
    let qa = w.browser("qa", &[Role::Qa]).with("quality");
    let second = w.browser("second", &[Role::Compliance]).with("audit");
    let name = w.get(&qa, &format!("/conversations/{id}/findings/0")).await.text();
    assert!(name.contains("/findings/0/wrong"));
    assert!(!w.get(&qa, &format!("/conversations/{id}/findings/1")).await.text().contains("/wrong"));
    let card = w.post(&qa, &format!("/conversations/{id}/findings/1/wrong"), "note=a+test+card").await;
    assert_eq!(card.status, StatusCode::CONFLICT);
    let asked = w.post(&qa, &format!("/conversations/{id}/findings/0/wrong"), "note=a+product+name").await;
    let to = asked.header("location").split('?').next().unwrap().to_owned();
    // The same person has the right to decide, and may not here.
    assert_eq!(w.post(&qa, &to, "answer=yes").await.status, StatusCode::FORBIDDEN);
    assert_eq!(w.post(&second, &to, "answer=yes").await.status, StatusCode::SEE_OTHER);
    assert!(text(&w, id, 0).starts_with("I am Dana Whitfield, card"));
    assert!(w.vault.withheld(id).unwrap().is_none(), "the recording stays as it was");

    // Refused: nothing changes, and it is closed.
    let what = json!({ "turn": 1, "start_char": 0, "end_char": 5, "entity": "PERSON", "note": "a name" });
    let made = w.json(&qa, &format!("/api/v1/conversations/{id}/corrections"), what).await.json();
    let path = format!("/api/v1/corrections/{}", made["id"].as_str().unwrap());
    let no = json!({ "agree": false });
    assert_eq!(w.json(&second, &format!("{path}/decision"), no.clone()).await.json()["turns"], 0);
    assert_eq!(w.json(&second, &format!("{path}/decision"), no).await.status, StatusCode::CONFLICT);
    assert!(text(&w, id, 1).starts_with("thank"));
    let list = w.get(&second, "/api/v1/corrections").await.json();
    assert_eq!(list["corrections"].as_array().unwrap().len(), 2);
    // An agent sees his own only; others' are not there for him.
    let agent = w.browser("agent", &[Role::Agent]);
    assert_eq!(w.get(&agent, "/api/v1/corrections").await.json()["corrections"].as_array().unwrap().len(), 0);
    assert_eq!(w.get(&agent, &path).await.status, StatusCode::NOT_FOUND);
    for bad in [
        json!({ "note": "nothing named" }),
        json!({ "finding": 0, "turn": 1, "note": "both" }),
        json!({ "turn": 1, "start_char": 0, "end_char": 5, "entity": "SECRET", "note": "unknown" }),
        json!({ "turn": 1, "start_char": 3, "end_char": 3, "entity": "PERSON", "note": "empty" }),
        json!({ "turn": 1, "start_char": 0, "end_char": 5, "entity": "PERSON", "heard_from_ms": 1, "note": "half" }),
    ] {
        let answer = w.json(&qa, &format!("/api/v1/conversations/{id}/corrections"), bad.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

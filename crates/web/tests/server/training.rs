//! Courses end to end: what a refusal leads to, questions that tell no answer, and who sees and decides what.

use crate::world::{Browser, World, world};
use axum::http::StatusCode;
use callvault_policy::Role;
use callvault_program::training::courses;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ALL: [&str; 6] =
    ["payment-calls", "health-data", "pretenders", "inside-pressure", "clean-desk", "report-incident"];

/// Answers all questions of a sheet of the API right, or all but the wanted ones wrong.
async fn take(w: &World, who: &Browser, course: &str, right: bool) -> Value {
    let sheet = w.json(who, &format!("/api/v1/courses/{course}/attempts"), json!({})).await;
    assert_eq!(sheet.status, StatusCode::CREATED, "{}", sheet.text());
    let sheet = sheet.json();
    let known = courses().unwrap().into_iter().find(|c| c.id == course).unwrap();
    let answers: BTreeMap<String, usize> = sheet["questions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|q| {
            let id = q["id"].as_str().unwrap();
            let answer = &known.questions.iter().find(|k| k.id == id).unwrap().right;
            let place = q["answers"].as_array().unwrap().iter().position(|a| a == answer).unwrap();
            (id.to_owned(), if right { place } else { (place + 1) % 3 })
        })
        .collect();
    let path = format!("/api/v1/attempts/{}", sheet["attempt"].as_str().unwrap());
    let request = who
        .request(axum::http::Method::PUT, &path)
        .header("content-type", "application/json")
        .body(axum::body::Body::from(json!({ "answers": answers }).to_string()))
        .unwrap();
    let graded = w.send(request).await;
    assert_eq!(graded.status, StatusCode::OK, "{}", graded.text());
    graded.json()
}

/// Asks for every course again, which closes at once.
fn close(w: &World, who: &Browser) {
    for course in ALL {
        let by = callvault_store::Actor::LocalOperator;
        w.vault.recall(&by, who.session.account(), course, 0, "after an incident").unwrap();
    }
}

#[tokio::test]
async fn a_closed_course_closes_hearing_and_reveal_and_passing_opens_them() {
    let w = world();
    let lead = w.browser("lead", &[Role::Supervisor]).with("quality");
    let id = w.call(1);
    let sound = format!("/api/v1/conversations/{id}/audio?purpose=quality");
    assert_eq!(w.get(&lead, &sound).await.status, StatusCode::OK);
    close(&w, &lead);
    let refused = w.get(&lead, &sound).await;
    assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::FORBIDDEN, "needs_course"));
    assert_eq!(refused.json()["help"], "/courses/payment-calls");
    let page = w.get(&lead, &format!("/conversations/{id}")).await.text();
    assert!(page.contains("href=\"/courses/payment-calls\"") && !page.contains("<audio"), "{page}");
    let token = w.get(&lead, &format!("/api/v1/conversations/{id}?purpose=quality")).await.json();
    let token =
        token["findings"].as_array().unwrap().iter().find_map(|f| f["token"].as_str()).unwrap().to_owned();
    let wish = json!({"token": token, "purpose": "quality", "reason": "a complaint about this call"});
    assert_eq!(w.json(&lead, "/api/v1/reveals", wish.clone()).await.problem(), "needs_course");
    for course in ALL {
        let failed = take(&w, &lead, course, false).await;
        assert_eq!((failed["passed"].as_bool(), failed["percent"].as_u64()), (Some(false), Some(0)));
        assert_eq!(w.get(&lead, &sound).await.status, StatusCode::FORBIDDEN, "before {course}");
        assert_eq!(take(&w, &lead, course, true).await["passed"], true);
    }
    assert_eq!(w.get(&lead, &sound).await.status, StatusCode::OK);
    assert_eq!(w.json(&lead, "/api/v1/reveals", wish).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn questions_tell_no_answer_and_are_graded_here() {
    let w = world();
    let agent = w.browser("agent", &[Role::Agent]);
    let sheet = w.json(&agent, "/api/v1/courses/clean-desk/attempts", json!({})).await.text();
    let began = w.post(&agent, "/courses/clean-desk/attempts", "").await;
    assert_eq!(began.status, StatusCode::SEE_OTHER);
    let page = w.get(&agent, began.header("location")).await.text();
    let course = courses().unwrap().into_iter().find(|c| c.id == "clean-desk").unwrap();
    let shown = |text: &str| page.contains(&askama_escape(text));
    assert!(course.questions.iter().filter(|q| shown(&q.text)).count() >= course.asked);
    for text in [&sheet, &page] {
        for q in &course.questions {
            assert!(!text.contains(&q.why) && !text.contains(&askama_escape(&q.why)));
        }
        for word in ["seed", "\"right\"", "correct"] {
            assert!(!text.contains(word), "{word}");
        }
    }
    // Another person's attempt is nobody's business.
    let other = w.browser("other", &[Role::Agent]);
    assert_eq!(w.get(&other, began.header("location")).await.status, StatusCode::NOT_FOUND);
    let result = w.post(&agent, began.header("location"), "").await;
    assert!(result.text().contains("Not passed: 0 %"), "{}", result.text());
    assert_eq!(w.post(&agent, began.header("location"), "").await.status, StatusCode::CONFLICT);
}

fn askama_escape(text: &str) -> String {
    text.replace('&', "&#38;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
        .replace('<', "&#60;")
        .replace('>', "&#62;")
}

#[tokio::test]
async fn the_team_is_seen_and_decided_by_those_who_answer_for_it() {
    let w = world();
    let agent = w.browser("agent", &[Role::Agent]);
    let lead = w.browser("lead", &[Role::Supervisor]);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let account = agent.session.account();
    assert_eq!(w.get(&agent, "/training").await.status, StatusCode::FORBIDDEN);
    assert!(w.get(&lead, "/training").await.text().contains("Test Person"));
    let path = format!("/training/people/{account}/waivers");
    let form = "course=clean-desk&until=2099-01-01&reason=on+leave";
    assert_eq!(w.post(&lead, &path, form).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        w.post(&officer, &path, form).await.status,
        StatusCode::BAD_REQUEST,
        "no waiver without a near end"
    );
    let soon = w.vault.clock().now().checked_add(jiff::SignedDuration::from_hours(30 * 24)).unwrap();
    let soon = soon.strftime("%Y-%m-%d");
    let form = format!("course=clean-desk&until={soon}&reason=on+leave");
    assert_eq!(w.post(&officer, &path, &form).await.status, StatusCode::SEE_OTHER);
    let own = format!("/training/people/{}/waivers", officer.session.account());
    assert_eq!(w.post(&officer, &own, &form).await.status, StatusCode::FORBIDDEN, "nobody excuses himself");
    let page = w.get(&officer, &format!("/training/people/{account}")).await.text();
    assert!(page.contains("excused until") && page.contains("on leave"));
    let csv = w.get(&officer, "/training/evidence.csv").await;
    assert!(csv.header("content-disposition").contains("training.csv"));
    assert!(csv.text().lines().any(|l| l.contains(&account.to_string()) && l.contains("clean-desk,waived")));
    assert_eq!(w.kinds("training.exported"), 1);
    assert_eq!(w.get(&agent, "/training/evidence.csv").await.status, StatusCode::FORBIDDEN);
    let rules = w.get(&officer, "/training/rules").await.text();
    assert!(rules.contains("Payment calls"));
    let form = "course=payment-calls&version=1&role=agent&act=play_muted&due_days=1&grace_days=0&renewal=01-31&attempts=3";
    assert_eq!(w.post(&officer, "/training/rules", form).await.status, StatusCode::SEE_OTHER);
    let form = form.replace("version=1", "version=9");
    assert_eq!(w.post(&officer, "/training/rules", &form).await.status, StatusCode::BAD_REQUEST);
}

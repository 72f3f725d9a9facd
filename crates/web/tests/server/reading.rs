//! Finding, reading and hearing conversations through pages and API, and what must be refused on the way.

use crate::world::{CARD, HOSTILE, ORIGIN, PHONE, wav, world};
use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use callvault_policy::Role;
use http_body_util::BodyExt;
use serde_json::json;

#[tokio::test]
async fn a_purpose_is_chosen_before_the_first_reading_and_every_reading_is_an_entry() {
    let w = world();
    let id = w.call(1);
    let page = format!("/conversations/{id}");
    let agent = w.browser("agent", &[Role::Agent]);
    let asked = w.get(&agent, &page).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.text().contains("What do you need this for?") && !asked.text().contains("thank you"));
    assert_eq!(w.kinds("access.permitted"), 0);

    let chosen = w.post(&agent, &format!("{page}/purpose"), "purpose=service").await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER);
    assert!(chosen.header("set-cookie").starts_with("__Host-callvault-purpose=service;"));
    let agent = agent.with("service");
    let read = w.get(&agent, &page).await;
    assert!(read.text().contains("thank you") && read.text().contains("card number"), "{}", read.text());
    assert!(!read.text().contains(CARD) && !read.text().contains(HOSTILE));
    assert!(read.text().contains("&#60;script&#62;alert(1)"));
    assert_eq!(read.header("cache-control"), "no-store");
    assert_eq!(w.kinds("access.permitted"), 1);
    // An agent reads and does not listen: no player, and the outline stays a picture.
    assert!(!read.text().contains("<audio") && read.text().contains("One stretch is muted"));

    // A purpose of another role asks again and reads nothing.
    let other = w.get(&agent.with("legal"), &page).await;
    assert!(other.text().contains("What do you need this for?"));
    assert_eq!(w.kinds("access.permitted"), 1);
}

#[tokio::test]
async fn who_may_not_read_is_refused_in_words_and_in_the_ledger() {
    let w = world();
    let id = w.call(1);
    for (login, role) in [("admin", Role::Admin), ("auditor", Role::Auditor)] {
        let who = w.browser(login, &[role]).with("service");
        let before = w.kinds("access.denied");
        let refused = w.get(&who, &format!("/api/v1/conversations/{id}?purpose=service")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{login}");
        assert_eq!(refused.header("content-type"), "application/problem+json");
        assert_eq!(w.get(&who, &format!("/conversations/{id}")).await.status, StatusCode::FORBIDDEN);
        assert_eq!(w.get(&who, &format!("/conversations/{id}/audio")).await.status, StatusCode::FORBIDDEN);
        assert!(w.kinds("access.denied") >= before + 3, "{login}");
    }
    let nobody = axum::http::Request::get(format!("/api/v1/conversations/{id}")).body(Body::empty()).unwrap();
    assert_eq!(w.send(nobody).await.status, StatusCode::UNAUTHORIZED);
    let agent = w.browser("agent", &[Role::Agent]);
    let without = w.get(&agent, &format!("/api/v1/conversations/{id}")).await;
    assert_eq!(without.problem(), "needs_purpose");
    let unknown =
        w.get(&agent, "/api/v1/conversations/0190a5c2-7e3f-7000-8000-000000000000?purpose=service").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

/// It waits outside of what answers everything else.
#[tokio::test]
async fn an_answer_that_waited_for_the_ledger_is_like_any_other() {
    let w = world();
    let path = format!("/api/v1/conversations/{}", w.call(1));
    let reading = format!("{path}?purpose=quality");
    let (who, admin) = (w.browser("qa", &[Role::Qa]), w.browser("root", &[Role::Admin]));
    let counted = |status: u16, text: &str| {
        let line = format!("{{route=\"/api/v1/conversations/{{id}}\",status=\"{status}\"}} ");
        text.lines().find_map(|l| l.split_once(&line)).map_or(0, |(_, n)| n.parse::<u32>().unwrap())
    };

    let read = w.get(&who, &reading).await;
    assert_eq!((read.status, read.header("content-type")), (StatusCode::OK, "application/json"));
    let members: Vec<String> = read.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["conversation", "findings", "proof_facts", "turns"]);
    // What is kept of the first reading is what the second one shows.
    assert_eq!(w.get(&who, &reading).await.body, read.body);
    let other = w.get(&who, "/api/v1/conversations").await;
    for (name, value) in &other.headers {
        if name != header::CONTENT_LENGTH {
            assert_eq!(read.headers.get(name), Some(value), "{name}");
        }
    }
    let head = w.send(who.request(Method::HEAD, &reading).body(Body::empty()).unwrap()).await;
    assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, &*read.body.len().to_string()));
    assert!(head.body.is_empty());
    assert_eq!(w.kinds("access.permitted"), 3);

    // Without its entry there is a refusal with the same headers, and no word.
    let db = rusqlite::Connection::open(w.vault.dir().join("vault.db")).unwrap();
    let stop =
        "CREATE TRIGGER stop BEFORE INSERT ON ledger_checkpoint BEGIN SELECT RAISE(ABORT, 'disk'); END";
    db.execute_batch(stop).unwrap();
    let refused = w.get(&who, &reading).await;
    db.execute_batch("DROP TRIGGER stop").unwrap();
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        (refused.problem(), refused.header("content-type")),
        ("internal".into(), "application/problem+json")
    );
    assert_eq!(refused.header("cache-control"), "no-store");
    assert!(refused.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(!refused.text().contains("thank you"));
    assert_eq!(w.kinds("access.permitted"), 3);
    // Who asks without leave is refused before anything waits.
    assert_eq!(w.get(&who, &path).await.status, StatusCode::FORBIDDEN);

    let counters = w.get(&admin, "/metrics").await.text();
    assert_eq!([200, 500, 403].map(|status| counted(status, &counters)), [3, 1, 1]);
}

#[tokio::test]
async fn a_recording_is_heard_by_ranges_and_one_listen_is_one_entry() {
    let w = world();
    let id = w.call(1);
    let path = format!("/conversations/{id}/audio");
    let who = w.browser("lead", &[Role::Supervisor]).with("quality");
    let probe = w.send(who.request(Method::HEAD, &path).body(Body::empty()).unwrap()).await;
    assert_eq!(probe.status, StatusCode::CONFLICT);
    assert_eq!(w.kinds("access.permitted"), 0);

    let whole = w.get(&who, &path).await;
    assert_eq!((whole.status, whole.header("content-type")), (StatusCode::OK, "audio/wav"));
    assert_eq!(whole.body, wav());
    let part = |range: &'static str| {
        who.request(Method::GET, &path).header(header::RANGE, range).body(Body::empty()).unwrap()
    };
    let some = w.send(part("bytes=44-1043")).await;
    assert_eq!(some.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(some.header("content-range"), format!("bytes 44-1043/{}", wav().len()));
    assert_eq!(some.body, &wav()[44..1044]);
    let tail = w.send(part("bytes=-10")).await;
    assert_eq!(tail.body, &wav()[wav().len() - 10..]);
    let behind = w.send(part("bytes=9999999-")).await;
    assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(behind.header("content-range"), format!("bytes */{}", wav().len()));
    assert_eq!(w.send(part("bytes=5-2")).await.status, StatusCode::OK);
    assert_eq!(
        w.send(who.request(Method::HEAD, &path).body(Body::empty()).unwrap()).await.status,
        StatusCode::OK
    );
    assert_eq!(w.kinds("access.permitted"), 1);
    // Somebody else's listen is another entry.
    let other = w.browser("qa", &[Role::Qa]).with("quality");
    assert_eq!(w.get(&other, &path).await.status, StatusCode::OK);
    assert_eq!(w.kinds("access.permitted"), 2);
}

#[tokio::test]
async fn an_open_stream_breaks_off_when_the_account_is_suspended() {
    let w = world();
    let id = w.call(1);
    let path = format!("/conversations/{id}/audio");
    let who = w.browser("lead", &[Role::Supervisor]).with("quality");
    let mut body = w.raw(who.request(Method::GET, &path).body(Body::empty()).unwrap()).await.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    w.vault.suspend(&callvault_store::Actor::LocalOperator, who.session.account()).unwrap();
    assert!(body.frame().await.unwrap().is_err());
    let again = w.get(&who, &path).await;
    assert!(again.status == StatusCode::UNAUTHORIZED || again.status == StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_person_is_found_by_the_exact_number_which_stands_in_no_address() {
    let w = world();
    let id = w.call(1);
    let who = w.browser("lead", &[Role::Supervisor]);
    let found = w.post(&who, "/conversations/find", "address=%28202%29+555-0142").await;
    assert_eq!(found.status, StatusCode::SEE_OTHER);
    let to = found.header("location").to_owned();
    assert!(to.starts_with("/conversations?subject=") && !to.contains("555-0142") && !to.contains("5550142"));
    assert!(w.get(&who, &to).await.text().contains(&id.to_string()));
    let nobody = w.post(&who, "/conversations/find", "address=%2B12025550000").await;
    assert!(nobody.text().contains("Nobody is known") && !nobody.text().contains("5550000"));
    let api = w.json(&who, "/api/v1/searches", json!({ "address": PHONE })).await;
    assert!(to.contains(api.json()["subject"].as_str().unwrap()));
    // Nothing of the number is in the ledger.
    assert!(w.vault.entries(None, None, 200).unwrap().iter().all(|e| !format!("{e:?}").contains("5550142")));
}

#[tokio::test]
async fn lists_are_narrowed_and_paged_and_nonsense_is_refused() {
    let w = world();
    let ids: Vec<_> = (1..=5).map(|n| w.call(n).to_string()).collect();
    let who = w.browser("lead", &[Role::Supervisor]);
    let first = w.get(&who, "/api/v1/conversations?limit=2&channel=voice&found=CREDIT_CARD").await.json();
    let next = first["next"].as_str().unwrap().to_owned();
    let mut seen: Vec<String> = Vec::new();
    let mut page = first;
    loop {
        seen.extend(
            page["conversations"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        page = w.get(&who, &format!("/api/v1/conversations?limit=2&after={next}")).await.json();
    }
    seen.reverse();
    assert_eq!(seen, ids);
    assert!(!next.is_empty());
    let none = w.get(&who, "/api/v1/conversations?channel=sms").await.json();
    assert_eq!(none["conversations"].as_array().unwrap().len(), 0);
    let day = w.get(&who, "/conversations?from=2000-01-01&to=2000-01-31").await;
    assert!(day.text().contains("Nothing here answers"));
    for bad in [
        "limit=0",
        "limit=201",
        "channel=fax",
        "found=%3Cscript%3E",
        "from=yesterday",
        "after=x",
        "colour=red",
    ] {
        let refused = w.get(&who, &format!("/api/v1/conversations?{bad}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad}");
        assert!(!refused.text().contains("script"), "{bad}");
    }
}

#[tokio::test]
async fn forms_from_elsewhere_and_too_large_are_refused() {
    let w = world();
    let id = w.call(1);
    let who = w.browser("lead", &[Role::Supervisor]).with("quality");
    let path = format!("/conversations/{id}/purpose");
    let form = |origin: &str, body: String| {
        axum::http::Request::post(&path)
            .header(
                header::COOKIE,
                who.request(Method::POST, "/").body(()).unwrap().headers()[header::COOKIE].clone(),
            )
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap()
    };
    let token = who.session.form_token();
    let elsewhere = w.send(form("https://evil.example", format!("csrf={token}&purpose=quality"))).await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    let unproven = w.send(form(ORIGIN, "csrf=x&purpose=quality".into())).await;
    assert_eq!(unproven.status, StatusCode::FORBIDDEN);
    let large = w.send(form(ORIGIN, format!("csrf={token}&purpose={}", "a".repeat(70_000)))).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let right = w.send(form(ORIGIN, format!("csrf={token}&purpose=quality"))).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_card_number_is_seen_once_after_a_second_person_agreed() {
    let w = world();
    let id = w.call(1);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]).with("legal");
    let second = w.browser("second", &[Role::Compliance]);
    let page = w.get(&officer, &format!("/conversations/{id}/findings/1")).await;
    assert!(
        page.text().contains("Ask to see it") && page.text().contains("second person"),
        "{}",
        page.text()
    );
    let reason = "purpose=legal&reason=The+court+wants+the+number+4111+1111+1111+1111+confirmed";
    let asked = w.post(&officer, &format!("/conversations/{id}/findings/1/reveal"), reason).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    let reveal = asked.header("location").to_owned();
    let waits = w.get(&officer, &reveal).await;
    assert!(
        waits.text().contains("waits for a second person") && !waits.text().contains("4111 1111"),
        "{}",
        waits.text()
    );
    assert_eq!(w.post(&officer, &reveal, "").await.status, StatusCode::FORBIDDEN);
    // Nobody else sees a request that is not theirs.
    assert_eq!(w.get(&second, &reveal).await.status, StatusCode::NOT_FOUND);

    let request = reveal.rsplit('/').next().unwrap().parse().unwrap();
    w.vault.decide_reveal(&second.session, request, true).unwrap();
    assert!(w.get(&officer, &reveal).await.text().contains("Show it for 30 seconds"));
    let shown = w.post(&officer, &reveal, "").await;
    assert!(shown.text().contains(CARD));
    assert_eq!(shown.header("refresh"), format!("30; url={reveal}"));
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(w.kinds("access.revealed"), 1);
    let again = w.post(&officer, &reveal, "").await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(!again.text().contains(CARD));
}

#[tokio::test]
async fn the_api_reveals_as_the_console_does() {
    let w = world();
    let id = w.call(1);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let read = w.get(&officer, &format!("/api/v1/conversations/{id}?purpose=legal")).await.json();
    let token = read["findings"][0]["token"].as_str().unwrap();
    let wish = json!({ "token": token, "purpose": "legal", "reason": "The court asks who called" });
    let made = w.json(&officer, "/api/v1/reveals", wish).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(made.json()["state"], "approved");
    let value = format!("/api/v1/reveals/{}/value", made.json()["id"].as_str().unwrap());
    assert_eq!(w.json(&officer, &value, json!({})).await.json()["value"], "Dana Whitfield");
    assert_eq!(w.json(&officer, &value, json!({})).await.problem(), "already_used");
    let agent = w.browser("agent", &[Role::Agent]);
    let wish = json!({ "token": token, "purpose": "service", "reason": "I am curious" });
    assert_eq!(w.json(&agent, "/api/v1/reveals", wish).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_persons_page_tells_who_read_them() {
    let w = world();
    let id = w.call(1);
    let lead = w.browser("lead", &[Role::Supervisor]).with("quality");
    w.get(&lead, &format!("/conversations/{id}")).await;
    let officer = w.browser("officer", &[Role::PrivacyOfficer]).with("subject_request");
    let list = w.get(&officer, "/subjects").await.text();
    let subject = w.vault.party_rows(id).unwrap()[0].subject;
    assert!(list.contains(&format!("/subjects/{subject}")) && list.contains("a telephone number"));
    let page = w.get(&officer, &format!("/subjects/{subject}")).await.text();
    assert!(page.contains("the masked words") && page.contains("Quality of our conversations"), "{page}");
    assert!(page.contains("Test Person"), "the privacy officer may know people by name");
    let api = w.get(&officer, &format!("/api/v1/subjects/{subject}?purpose=subject_request")).await.json();
    assert_eq!(api["conversations"][0]["id"], id.to_string());
    let refused = w.get(&lead, &format!("/api/v1/subjects/{subject}?purpose=quality")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(w.get(&lead, "/subjects").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_hold_and_every_copy_are_told_beside_the_words() {
    let w = world();
    let id = w.call(1);
    let who = w.browser("lead", &[Role::Supervisor]).with("quality");
    let path = format!("/conversations/{id}");
    assert!(!w.get(&who, &path).await.text().contains("legal hold"));
    let review = w.vault.clock().now() + jiff::SignedDuration::from_hours(24 * 90);
    let target = callvault_store::HoldTarget::Conversation(id);
    w.vault.place_hold(&callvault_store::Actor::LocalOperator, target, "case 12", review).unwrap();
    let page = w.get(&who, &path).await.text();
    assert!(page.contains("A legal hold keeps everything") && !page.contains("case 12"));
    assert_eq!(w.get(&who, &format!("{path}/certificate")).await.status, StatusCode::FORBIDDEN);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    assert_eq!(w.get(&officer, &format!("{path}/certificate")).await.status, StatusCode::NOT_FOUND);
}

/// Every thread for requests waits for an entry in the ledger, and there is still one to write them.
#[test]
fn readings_and_refusals_at_once_are_all_answered_on_two_threads_for_requests() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let w = std::sync::Arc::new(world());
    let id = w.call(1);
    let agent = std::sync::Arc::new(w.browser("agent", &[Role::Agent]));
    let read = format!("/api/v1/conversations/{id}?purpose=service");
    let heard = format!("/api/v1/conversations/{id}/audio?purpose=service");
    let all = async {
        assert_eq!(w.get(&agent, &read).await.status, StatusCode::OK);
        let tasks: Vec<_> = (0..240)
            .map(|n| {
                let (w, agent) = (std::sync::Arc::clone(&w), std::sync::Arc::clone(&agent));
                let (path, wanted) = if n % 2 == 0 {
                    (read.clone(), StatusCode::OK)
                } else {
                    (heard.clone(), StatusCode::FORBIDDEN)
                };
                tokio::spawn(async move { assert_eq!(w.get(&agent, &path).await.status, wanted) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    };
    let limit = std::time::Duration::from_secs(120);
    let answered = runtime.block_on(async { tokio::time::timeout(limit, all).await.is_ok() });
    runtime.shutdown_background();
    assert!(answered, "readers and writers of the ledger wait for each other");
    assert_eq!(w.kinds("access.permitted"), 121);
}

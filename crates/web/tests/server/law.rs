//! The pre-dial check, consent and its end, the record of processing: what the API and the pages give, to whom.

use crate::world::{Answer, Browser, World, world};
use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use callvault_policy::Role;
use serde_json::{Value, json};

const NUMBER: &str = "+1 212 555 0123";

fn facts() -> Value {
    json!({
        "purpose": "telemarketing", "mode": "live", "line": "wireless", "dialer": "manual", "national_dnc": false,
        "registry_version_date": "2026-11-20", "ebr": null, "attempts_last_24h": 0, "same_subject": true,
        "holidays_local": [], "emergencies": [], "b2b": false, "at": "2026-11-24T17:00:00Z",
    })
}

async fn check(w: &World, who: &Browser, facts: Value) -> Answer {
    w.json(who, "/api/v1/dial-checks", json!({"number": NUMBER, "facts": facts})).await
}

async fn list(w: &World, who: &Browser, query: &str, body: Body) -> Answer {
    let request = who
        .request(Method::POST, &format!("/api/v1/dial-previews{query}"))
        .header(header::CONTENT_TYPE, "text/csv");
    w.send(request.body(body).unwrap()).await
}

#[tokio::test]
async fn an_agent_learns_the_answer_and_its_law_and_nothing_else() {
    let w = world();
    let (agent, keeper) = (w.browser("agent", &[Role::Agent]), w.browser("keeper", &[Role::Compliance]));
    let answer = check(&w, &agent, facts()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let open = answer.json();
    assert_eq!(open["decision"], "allow", "{open}");
    assert!(!open["citations"].as_array().unwrap().is_empty());
    assert_eq!(open["disclaimer"], "engineering default, not legal advice");

    let consent = json!({
        "contact": NUMBER, "channel": "any", "purpose": "marketing", "kind": "prior_express", "given": "2026-01-05",
        "record": "the form as it was shown",
    });
    assert_eq!(w.json(&agent, "/api/v1/consents", consent.clone()).await.status, StatusCode::FORBIDDEN);
    let made = w.json(&keeper, "/api/v1/consents", consent).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert!(check(&w, &agent, facts()).await.json()["consent"].is_null());
    assert_eq!(check(&w, &keeper, facts()).await.json()["consent"], made.json()["id"]);

    let wish = json!({"contact": "(212) 555-0123", "reason": "asked by letter"});
    let wish = w.json(&keeper, "/api/v1/opt-outs", wish).await;
    assert_eq!(wish.status, StatusCode::CREATED, "{}", wish.text());
    let held = check(&w, &agent, facts()).await;
    assert_eq!(held.json()["decision"], "deny");
    assert!(held.text().contains("dnc.internal") && held.text().contains("64.1200(d)"), "{}", held.text());
    assert!(!held.text().contains("5550123"));
    let again = format!("/api/v1/dial-checks/{}/replays", held.json()["id"].as_str().unwrap());
    assert_eq!(w.json(&agent, &again, json!({})).await.status, StatusCode::FORBIDDEN);
    let replay = w.json(&keeper, &again, json!({})).await.json();
    assert_eq!((&replay["same"], &replay["now"]), (&json!(true), &json!("deny")));

    let id = wish.json()["id"].as_str().unwrap().to_owned();
    let lift = json!({"verdict": "lift", "reason": "agreed again in writing"});
    let lifted = w.json(&keeper, &format!("/api/v1/opt-outs/{id}/verdict"), lift).await;
    assert_eq!(lifted.status, StatusCode::NO_CONTENT, "{}", lifted.text());
    for bad in [json!({"number": "anonymous"}), json!({"number": NUMBER, "fact": {}}), json!([])] {
        assert_eq!(w.json(&agent, "/api/v1/dial-checks", bad).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(w.kinds("law.decided"), 4);
    assert!(w.get(&agent, "/dial").await.text().contains("Telephone number"));
    assert_eq!(w.get(&agent, "/consents").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_list_is_judged_while_it_arrives_and_one_that_breaks_off_files_nothing() {
    let w = world();
    let (lead, agent) = (w.browser("lead", &[Role::Supervisor]), w.browser("agent", &[Role::Agent]));
    let common =
        "?purpose=telemarketing&mode=live&dialer=manual&line=wireless&quiet=true&at=2026-11-24T17:00:00Z";
    let csv = "called,national_dnc,registry_version_date,attempts_last_24h\n+12125550100,false,2026-11-20,0\n\
               +12125550101,true,2026-11-20,0\n";
    let done = list(&w, &lead, common, Body::from(csv)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    let counts = done.json();
    assert_eq!(
        (&counts["rows"], &counts["decisions"]["allow"], &counts["decisions"]["deny"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert!(!done.text().contains("55501"));
    assert_eq!(list(&w, &agent, common, Body::from(csv)).await.status, StatusCode::FORBIDDEN);

    let before = w.kinds("law.decided");
    let pieces: Vec<Result<&'static str, std::io::Error>> =
        vec![Ok("called\n+12125550100\n"), Err(std::io::ErrorKind::ConnectionReset.into())];
    let broken = list(&w, &lead, common, Body::from_stream(futures_util::stream::iter(pieces))).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST, "{}", broken.text());
    let rows = "+12125550100\n".repeat(100_001);
    let many = list(&w, &lead, common, Body::from(format!("called\n{rows}"))).await;
    assert_eq!(many.status, StatusCode::BAD_REQUEST);
    assert!(many.text().contains("100,000"), "{}", many.text());
    assert_eq!(list(&w, &lead, "?at=soon", Body::from(csv)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        w.json(&lead, "/api/v1/dial-previews", json!({})).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert_eq!(w.kinds("law.decided"), before);
}

#[tokio::test]
async fn rows_purposes_and_the_record_are_for_those_who_answer_for_them() {
    let w = world();
    let (keeper, auditor) =
        (w.browser("keeper", &[Role::Compliance]), w.browser("auditor", &[Role::Auditor]));
    let put = async |who: &Browser, path: &str, body: Value| {
        let request = who.request(Method::PUT, path).header(header::CONTENT_TYPE, "application/json");
        w.send(request.body(Body::from(body.to_string())).unwrap()).await
    };
    let row = "/api/v1/law-rows/us.al.tel.hours";
    assert_eq!(put(&auditor, row, json!({"off": true})).await.status, StatusCode::FORBIDDEN);
    let off = put(&keeper, row, json!({"off": true})).await;
    assert_eq!(off.status, StatusCode::NO_CONTENT, "{}", off.text());
    let rows = w.get(&auditor, "/api/v1/law-rows?unreviewed=true").await.json();
    let alabama =
        rows["rows"].as_array().unwrap().iter().find(|r| r["id"] == "us.al.tel.hours").unwrap().clone();
    assert_eq!((&alabama["off"], &alabama["confidence"]), (&json!(true), &json!("low")));
    assert!(w.get(&keeper, "/law").await.text().contains("Switch on us.al.tel.hours"));
    let bound = put(&keeper, "/api/v1/law-rows/us.or.tel.hours", json!({"off": true})).await;
    assert_eq!(bound.status, StatusCode::BAD_REQUEST, "{}", bound.text());
    assert!(
        w.get(&auditor, "/api/v1/law-rows?older_than_days=0").await.json()["rows"].as_array().unwrap().len()
            > 100
    );

    let record = w.get(&auditor, "/api/v1/record-of-processing").await.json();
    assert_eq!(record["decision"], "incomplete");
    let set = json!({"purposes": ["quality"], "basis": "legitimate_interests"});
    assert_eq!(put(&keeper, "/api/v1/processing/voice", set).await.status, StatusCode::NO_CONTENT);
    let who = json!({"name": "<b>Acme</b>", "contact": "privacy@example.org"});
    assert_eq!(put(&keeper, "/api/v1/controller", who).await.status, StatusCode::NO_CONTENT);
    let record = w.get(&auditor, "/api/v1/record-of-processing").await.json();
    assert_eq!(record["decision"], "complete", "{record}");
    let page = w.get(&auditor, "/processing/record").await.text();
    assert!(page.contains("Legitimate interests") && !page.contains("<b>Acme"), "{page}");
    assert_eq!(
        put(&keeper, "/api/v1/processing/fax", json!({"purposes": ["quality"], "basis": "consent"}))
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
}

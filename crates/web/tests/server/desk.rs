//! What people decide about each other: rights, second persons, retention, quarantine, keys; and who may not.

use crate::world::{Answer, Browser, ORIGIN, World, stuck, world};
use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use callvault_policy::Role;
use callvault_store::{Actor, State, grants::GrantState};
use serde_json::{Value, json};

/// A measurement that the vault signed, as a form sends it.
fn report(w: &World) -> String {
    let plain = json!({"planted_released": 40, "covered": 40});
    let signed = w.vault.sign_measurement(&Actor::LocalOperator, plain).unwrap();
    signed.to_string().bytes().map(|b| format!("%{b:02X}")).collect()
}

async fn method(w: &World, who: &Browser, method: Method, path: &str, body: Value) -> Answer {
    let request = who
        .request(method, path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    w.send(request).await
}

async fn keyed(w: &World, key: &str, path: &str) -> Answer {
    let request = axum::http::Request::get(path).header(header::AUTHORIZATION, format!("Bearer {key}"));
    w.send(request.body(Body::empty()).unwrap()).await
}

/// Two people leave observe mode at once.
async fn leave_observing(w: &World, asks: &Browser, agrees: &Browser) {
    let asked = w.post(asks, "/retention/mode", &format!("report={}&cooling_days=0", report(w))).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text());
    let id = w.vault.decisions().unwrap()[0].id;
    let agreed = w.post(agrees, &format!("/requests/decisions/{id}"), "answer=yes").await;
    assert_eq!(agreed.status, StatusCode::SEE_OTHER, "{}", agreed.text());
}

#[tokio::test]
async fn a_right_is_asked_for_given_by_another_person_and_taken_away() {
    let w = world();
    let call = w.call(1);
    let agent = w.browser("agent", &[Role::Agent]);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let second = w.browser("second", &[Role::Compliance]);
    let empty = w.get(&agent, "/requests").await.text();
    assert!(empty.contains("You asked for nothing yet") && !empty.contains("Waiting for your decision"));

    let form = format!(
        "act=play_muted&on=conversation&target={call}&purpose=dispute&minutes=60&reason=Complaint+about+card+4111+1111+1111+1111"
    );
    assert_eq!(w.post(&agent, "/requests/grants", &form).await.status, StatusCode::SEE_OTHER);
    let row = w.vault.grants(None).unwrap().remove(0);
    assert!(row.reason.contains("Complaint") && !row.reason.contains("4111 1111"), "{}", row.reason);
    let seen = w.get(&second, "/requests").await.text();
    assert!(seen.contains("Hear muted recordings, for 1 hour") && seen.contains("Give the right"), "{seen}");
    assert!(w.get(&agent, "/requests").await.text().contains("waits"));
    // Every page of whoever may decide tells that something waits, and nobody else's does.
    assert!(w.get(&second, "/").await.text().contains("Requests <span class=\"badge warn\">1<"));
    assert!(!w.get(&agent, "/").await.text().contains("badge warn\">1<"));

    let decide = format!("/requests/grants/{}", row.id);
    assert_eq!(w.post(&agent, &decide, "answer=yes").await.status, StatusCode::FORBIDDEN);
    assert_eq!(w.post(&second, &decide, "answer=perhaps").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(w.post(&second, &decide, "answer=yes").await.status, StatusCode::SEE_OTHER);
    assert_eq!(w.vault.grants(None).unwrap()[0].state, GrantState::Active);
    // Decided once is decided.
    assert_eq!(w.post(&second, &decide, "answer=no").await.status, StatusCode::CONFLICT);
    assert!(w.get(&officer, "/requests").await.text().contains("Take away"));
    let lead = w.browser("lead", &[Role::Supervisor]);
    let sees = w.get(&lead, "/requests").await.text();
    assert!(sees.contains("Rights that hold now") && !sees.contains("Take away"));
    assert_eq!(w.post(&lead, &format!("{decide}/revoke"), "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(w.post(&officer, &format!("{decide}/revoke"), "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(w.vault.grants(None).unwrap()[0].state, GrantState::Revoked);
}

#[tokio::test]
async fn nobody_decides_what_he_asked_for_himself() {
    let w = world();
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let wish = json!({ "act": "read_masked", "target_kind": "all", "purpose": "legal", "minutes": 30, "reason": "A court wants it" });
    let made = w.json(&officer, "/api/v1/grants", wish).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let own = w.json(&officer, &format!("/api/v1/grants/{id}/decision"), json!({ "agree": true })).await;
    assert_eq!((own.status, own.problem()), (StatusCode::FORBIDDEN, "own_request".into()));
    assert_eq!(
        w.post(&officer, &format!("/requests/grants/{id}"), "answer=yes").await.status,
        StatusCode::FORBIDDEN
    );

    assert_eq!(
        w.post(&officer, "/retention/mode", &format!("report={}&cooling_days=7", report(&w))).await.status,
        StatusCode::SEE_OTHER
    );
    let decision = w.vault.decisions().unwrap()[0].id;
    let own =
        w.json(&officer, &format!("/api/v1/decisions/{decision}/decision"), json!({ "agree": true })).await;
    assert_eq!(own.problem(), "own_request");
    assert!(w.vault.disposal().unwrap().is_none());
    assert!(!w.get(&officer, "/requests").await.text().contains("Agree"));
    let second = w.browser("second", &[Role::Compliance]);
    assert!(w.get(&second, "/requests").await.text().contains("40 of 40 planted values covered"));
    assert_eq!(
        w.post(&second, &format!("/requests/decisions/{decision}"), "answer=yes").await.status,
        StatusCode::SEE_OTHER
    );
    let terms = w.vault.disposal().unwrap().unwrap();
    assert_eq!((terms.enabled_by.len(), terms.cooling_days), (2, 7));
    assert!(w.get(&second, "/retention").await.text().contains("This vault destroys what is due"));
    assert_eq!(w.post(&second, "/retention/observe", "").await.status, StatusCode::SEE_OTHER);
    assert!(w.vault.disposal().unwrap().is_none());
}

#[tokio::test]
async fn a_hidden_value_waits_for_a_second_person_who_finds_it_here() {
    let w = world();
    let call = w.call(1);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]).with("legal");
    let second = w.browser("second", &[Role::Compliance]);
    let asked = w
        .post(
            &officer,
            &format!("/conversations/{call}/findings/1/reveal"),
            "purpose=legal&reason=The+court+asks",
        )
        .await;
    let reveal = asked.header("location").rsplit('/').next().unwrap().to_owned();
    assert!(w.get(&second, "/requests").await.text().contains("The court asks"));
    assert!(w.get(&officer, "/requests").await.text().contains(&format!("/reveals/{reveal}")));
    let own = w.json(&officer, &format!("/api/v1/reveals/{reveal}/decision"), json!({ "agree": true })).await;
    assert_eq!(own.problem(), "own_request");
    assert_eq!(
        w.post(&second, &format!("/requests/reveals/{reveal}"), "answer=yes").await.status,
        StatusCode::SEE_OTHER
    );
    assert!(w.get(&officer, "/requests").await.text().contains("See it, once"));
    let list = w.get(&officer, "/api/v1/reveals").await.json();
    assert_eq!(list["reveals"][0]["state"], "approved");
    let stranger = w.browser("lead", &[Role::Supervisor]);
    assert_eq!(w.get(&stranger, "/api/v1/reveals").await.json()["reveals"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn forms_from_elsewhere_and_without_proof_change_nothing() {
    let w = world();
    let admin = w.browser("admin", &[Role::Admin]);
    let second = w.browser("second", &[Role::Compliance]);
    let id = stuck(&w, 1);
    let cases = [
        (
            &second,
            "/requests/grants".to_owned(),
            "act=read_masked&on=all&purpose=legal&minutes=30&reason=because",
        ),
        (&second, "/retention/rules".into(), "class=transcript&channel=voice&days=1"),
        (&second, "/retention/holds".into(), "on=vault&matter=a+claim&review=2026-12-31"),
        (&second, "/retention/mode".into(), "report=x&cooling_days=1"),
        (&admin, "/settings/services".into(), "login=pbx&name=PBX"),
        (&second, format!("/quarantine/{id}/again"), ""),
    ];
    for (who, path, form) in cases {
        let token = who.session.form_token();
        for (origin, csrf) in [("https://evil.example", token.as_str()), (ORIGIN, "wrong"), (ORIGIN, "")] {
            let request = who
                .request(Method::POST, &path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(format!("csrf={csrf}&{form}")));
            let mut request = request.unwrap();
            request.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
            assert_eq!(w.send(request).await.status, StatusCode::FORBIDDEN, "{path} from {origin}");
        }
    }
    assert!(w.vault.grants(None).unwrap().is_empty() && w.vault.holds(true).unwrap().is_empty());
    assert!(w.vault.retention_rules().unwrap().iter().all(|r| r.changed_at.is_none()));
    assert!(w.vault.accounts().unwrap().iter().all(|a| !a.service));
    assert_eq!(w.vault.conversation(id).unwrap().state, State::Quarantined);
}

#[tokio::test]
async fn the_wrong_role_is_refused_on_page_and_api_alike() {
    let w = world();
    let id = stuck(&w, 1);
    let agent = w.browser("agent", &[Role::Agent]);
    let before = w.kinds("access.denied");
    for path in [
        "/retention",
        "/retention/preview",
        "/quarantine",
        "/settings",
        "/api/v1/retention-rules",
        "/api/v1/holds",
        "/api/v1/quarantine",
        "/api/v1/accounts",
        "/api/v1/api-keys",
        "/api/v1/ledger-entries",
        "/api/v1/decisions",
    ] {
        assert_eq!(w.get(&agent, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(w.kinds("access.denied") >= before + 11);
    let lead = w.browser("lead", &[Role::Supervisor]);
    assert!(w.get(&lead, "/quarantine").await.text().contains("nobody speaks in it"));
    assert!(!w.get(&lead, "/quarantine").await.text().contains("Try again"));
    assert_eq!(w.post(&lead, &format!("/quarantine/{id}/again"), "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        w.post(&lead, "/retention/rules", "class=transcript&channel=voice&days=1").await.status,
        StatusCode::FORBIDDEN
    );
    let second = w.browser("second", &[Role::Compliance]);
    assert_eq!(w.post(&second, "/retention/run", "expected=0").await.status, StatusCode::FORBIDDEN);
    let key = "login=pbx&name=PBX";
    assert_eq!(w.post(&second, "/settings/services", key).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        w.json(&second, "/api/v1/services", json!({ "login": "pbx", "name": "PBX" })).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_rule_is_looked_at_changed_and_carried_out_as_seen() {
    let w = world();
    let call = w.call(1);
    let second = w.browser("second", &[Role::Compliance]);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let disposer = w.browser("disposer", &[Role::DisposalOfficer]);
    let set = async |class: &str, days: &str| {
        let form = format!("class={class}&channel=voice&days={days}");
        assert_eq!(w.post(&second, "/retention/rules", &form).await.status, StatusCode::SEE_OTHER, "{form}");
    };
    set("audio", "").await;
    set("redacted_audio", "").await;
    let look = w.get(&second, "/retention/preview?class=transcript&channel=voice&days=0").await.text();
    assert!(
        look.contains("Would destroy 1 thing, for good") && look.contains("Make this the rule"),
        "{look}"
    );
    assert!(look.contains("This vault observes"));
    set("transcript", "0").await;
    for bad in [
        "class=soul&channel=voice&days=1",
        "class=transcript&channel=fax&days=1",
        "class=transcript&channel=voice&days=-1",
        "class=transcript&channel=voice&days=99999",
    ] {
        assert_eq!(w.post(&second, "/retention/rules", bad).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    // Observing destroys nothing, whoever presses.
    assert_eq!(w.post(&disposer, "/retention/run", "expected=1").await.status, StatusCode::CONFLICT);
    leave_observing(&w, &second, &officer).await;
    assert!(w.get(&disposer, "/retention/preview").await.text().contains("Destroy 1 now"));
    // What was not seen is not destroyed.
    assert_eq!(w.post(&disposer, "/retention/run", "expected=2").await.status, StatusCode::CONFLICT);

    let review =
        (w.vault.clock().now() + jiff::SignedDuration::from_hours(24 * 90)).strftime("%Y-%m-%d").to_string();
    let hold = format!("on=conversation&target={call}&matter=Claim+of+Dana&review={review}");
    assert_eq!(w.post(&second, "/retention/holds", &hold).await.status, StatusCode::SEE_OTHER);
    let blocked = w.get(&disposer, "/api/v1/retention-preview").await.json();
    let lines = blocked["lines"].as_array().unwrap();
    let held: u64 = lines.iter().map(|l| l["held"].as_u64().unwrap()).sum();
    assert_eq!((blocked["total"].as_u64(), held), (Some(0), 1), "{blocked}");
    let id = w.vault.holds(false).unwrap()[0].id;
    assert!(w.get(&officer, "/retention").await.text().contains("Claim of"));
    let gone =
        w.post(&officer, &format!("/retention/holds/{id}/release"), "reason=The+claim+was+settled").await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER, "{}", gone.text());

    let mark = w
        .post(&second, "/retention/marks", &format!("conversation={call}&reason=A+contract+by+telephone"))
        .await;
    assert_eq!(mark.status, StatusCode::SEE_OTHER, "{}", mark.text());
    assert!(w.get(&officer, "/retention").await.text().contains("A contract by telephone"));
    assert_eq!(w.get(&disposer, "/api/v1/retention-preview").await.json()["total"], 0);
    let off =
        w.json(&second, &format!("/api/v1/keep-marks/{call}/removal"), json!({ "reason": "It ended" })).await;
    assert_eq!(off.status, StatusCode::NO_CONTENT, "{}", off.text());

    let run = w.json(&disposer, "/api/v1/retention-runs", json!({ "expected": 1 })).await;
    assert_eq!(run.status, StatusCode::CREATED, "{}", run.text());
    assert_eq!(run.json()["lines"][0]["class"], "transcript");
    assert_eq!(w.kinds("retention.applied"), 1);
    assert!(w.get(&disposer, "/retention/preview").await.text().contains("Nothing is over its time"));
}

#[tokio::test]
async fn out_of_quarantine_lead_two_ways_and_one_of_them_ends() {
    let w = world();
    let (again, gone) = (stuck(&w, 1), stuck(&w, 2));
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let second = w.browser("second", &[Role::Compliance]);
    let page = w.get(&officer, "/quarantine").await.text();
    assert!(page.contains("nobody speaks in it") && page.contains("less than an hour"));
    let one = w.get(&officer, &format!("/quarantine/{again}")).await.text();
    assert!(one.contains("Try again") && one.contains("Bring a transcript"));
    assert!(!one.contains("Discard for good"), "an observing vault destroys nothing");
    let list = w.get(&officer, "/api/v1/quarantine").await.json();
    assert_eq!(list["conversations"].as_array().unwrap().len(), 2);

    assert_eq!(
        w.post(&officer, &format!("/quarantine/{again}/again"), "").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(w.vault.conversation(again).unwrap().state, State::Received);
    // What is no longer there cannot be released twice.
    assert_eq!(
        w.post(&officer, &format!("/quarantine/{again}/again"), "").await.status,
        StatusCode::FORBIDDEN
    );
    let path = format!("/quarantine/{gone}/discard");
    assert_eq!(w.post(&officer, &path, "why=unreadable").await.status, StatusCode::CONFLICT);
    leave_observing(&w, &second, &officer).await;
    assert!(w.get(&officer, &format!("/quarantine/{gone}")).await.text().contains("Discard for good"));
    assert!(!w.get(&second, &format!("/quarantine/{gone}")).await.text().contains("Discard for good"));
    assert_eq!(w.post(&second, &path, "why=unreadable").await.status, StatusCode::FORBIDDEN);
    assert_eq!(w.post(&officer, &path, "why=because").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(w.post(&officer, &path, "why=unreadable").await.status, StatusCode::SEE_OTHER);
    assert_eq!(w.vault.conversation(gone).unwrap().state, State::Discarded);
    let entry = w.vault.entries(None, Some("conversation.disposed"), 1).unwrap().remove(0);
    assert_eq!(entry.facts["why"], "unreadable");
    assert!(w.get(&officer, "/quarantine").await.text().contains("Nothing is in quarantine"));
    assert_eq!(w.get(&officer, "/quarantine?state=recorded").await.status, StatusCode::BAD_REQUEST);
}

const VTT: &str = "WEBVTT\n\n00:00.100 --> 00:00.900\n<v customer>thank you and good bye\n";

#[tokio::test]
async fn a_transcript_made_elsewhere_lets_a_recording_go_on_and_does_not_outlive_the_work() {
    let w = world();
    let (page, api) = (stuck(&w, 1), stuck(&w, 2));
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let lead = w.browser("lead", &[Role::Supervisor]);
    let form = |csrf: &str, file: &str| {
        format!(
            "--b\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--b\r\ncontent-disposition: form-data; \
             name=\"file\"; filename=\"a.vtt\"\r\ncontent-type: text/vtt\r\n\r\n{file}\r\n--b--\r\n"
        )
    };
    let send = async |who: &Browser, csrf: &str, file: &str| {
        let body = form(csrf, file);
        let request = who
            .request(Method::POST, &format!("/quarantine/{page}/transcript"))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
            .header(header::CONTENT_LENGTH, body.len())
            .body(Body::from(body));
        w.send(request.unwrap()).await.status
    };
    let proof = officer.session.form_token();
    assert_eq!(send(&lead, &lead.session.form_token(), VTT).await, StatusCode::FORBIDDEN);
    assert_eq!(send(&officer, "00", VTT).await, StatusCode::FORBIDDEN);
    for bad in ["", "no transcript", "WEBVTT\n\n00:05.000 --> 99:00.000\nlonger than the recording\n"] {
        assert_eq!(send(&officer, &proof, bad).await, StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(w.vault.conversation(page).unwrap().state, State::Quarantined);
    assert_eq!(send(&officer, &proof, VTT).await, StatusCode::SEE_OTHER);
    assert_eq!(w.vault.conversation(page).unwrap().state, State::Received);
    assert_eq!(w.vault.imported_transcript(page).unwrap().unwrap(), VTT.as_bytes());
    // Whatever becomes of it, the words in clear are gone with the work.
    w.vault.quarantine(page, "no-speech", "still nobody speaks in it").unwrap();
    assert!(w.vault.imported_transcript(page).unwrap().is_none());

    let put = async |kind: &str, body: &str| {
        let request = officer
            .request(Method::POST, &format!("/api/v1/quarantine/{api}/transcript"))
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body.to_owned()));
        w.send(request.unwrap()).await
    };
    assert_eq!(put("text/plain", VTT).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let refused = put("text/vtt", "WEBVTT\n\nsecret words --> 1\n").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(!refused.text().contains("secret words"), "{}", refused.text());
    assert_eq!(put("text/vtt", VTT).await.status, StatusCode::NO_CONTENT);
    assert_eq!(put("text/vtt", VTT).await.status, StatusCode::FORBIDDEN, "it waits no longer");
    let entry = w.vault.entries(None, Some("conversation.released"), 1).unwrap().remove(0);
    assert_eq!(entry.facts["how"], "transcript");
}

#[tokio::test]
async fn the_first_page_tells_who_must_decide_what_until_when() {
    let w = world();
    let call = w.call(1);
    let quiet = w.browser("agent", &[Role::Agent]);
    assert!(w.get(&quiet, "/").await.text().contains("Nobody has to decide anything"));
    stuck(&w, 2);
    let wish = json!({ "act": "play_muted", "target_kind": "conversation", "target": call, "purpose": "dispute",
        "minutes": 30, "reason": "the caller complains" });
    assert_eq!(w.json(&quiet, "/api/v1/grants", wish).await.status, StatusCode::CREATED);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let page = w.get(&officer, "/").await.text();
    assert!(
        page.contains("1 right for a while is asked for") && page.contains("1 conversation in quarantine")
    );
    assert!(page.contains("compliance or privacy officer") && page.contains("not checked yet"));
    assert!(page.contains("<a href=\"/quarantine\">1 conversation"));
    // Who cannot decide is told who does, without a way there.
    let other = w.get(&quiet, "/").await.text();
    assert!(other.contains("1 right for a while") && !other.contains("<a href=\"/quarantine\">1"));
    assert_eq!(w.json(&officer, "/api/v1/ledger-verifications", json!({})).await.json()["whole"], true);
    let api = w.get(&officer, "/api/v1/overview").await.json();
    assert_eq!(api["ledger_whole"], true);
    let kinds: Vec<_> = api["decisions"].as_array().unwrap().iter().map(|d| d["what"].clone()).collect();
    assert_eq!(kinds, ["grants", "quarantine"]);
    assert!(api["decisions"][0]["until"].is_string());
    assert!(w.get(&officer, "/").await.text().contains("stood as they were signed"));
}

#[tokio::test]
async fn a_key_is_shown_once_works_for_its_scopes_and_dies_when_revoked() {
    let w = world();
    let admin = w.browser("admin", &[Role::Admin]);
    assert_eq!(
        w.post(&admin, "/settings/services", "login=pbx&name=PBX+of+the+site").await.status,
        StatusCode::SEE_OTHER
    );
    let service = w.vault.accounts().unwrap().into_iter().find(|a| a.service).unwrap().id;
    let made =
        w.post(&admin, "/settings/keys", &format!("service={service}&scope=see_overview&days=30")).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    assert_eq!(made.header("cache-control"), "no-store");
    let text = made.text();
    let key = text.split("<p class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let later = w.get(&admin, "/settings").await.text();
    assert!(later.contains("PBX of the site") && !later.contains(&key));
    assert_eq!(keyed(&w, &key, "/api/v1/overview").await.json()["observing"], true);
    assert_eq!(keyed(&w, &key, "/api/v1/quarantine").await.problem(), "scope");
    assert_eq!(keyed(&w, &key, "/requests").await.status, StatusCode::FORBIDDEN);
    for bad in ["scope=reveal&days=30", "scope=see_overview&days=0", "days=30", "scope=see_overview&days=366"]
    {
        let refused = w.post(&admin, "/settings/keys", &format!("service={service}&{bad}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let listed = w.get(&admin, "/api/v1/api-keys").await;
    assert!(!listed.text().contains(&key));
    let id = listed.json()["keys"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        w.post(&admin, &format!("/settings/keys/{id}/revoke"), "").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(keyed(&w, &key, "/api/v1/overview").await.status, StatusCode::UNAUTHORIZED);
    assert!(w.get(&admin, "/settings").await.text().contains("revoked"));
}

#[tokio::test]
async fn what_is_collected_is_changed_by_who_answers_for_it() {
    let w = world();
    let admin = w.browser("admin", &[Role::Admin]);
    let second = w.browser("second", &[Role::Compliance]);
    assert!(w.get(&admin, "/settings/collection").await.text().contains("Names of agents"));
    let drop = "channel=voice&field=file_name&keep=false";
    assert_eq!(w.post(&admin, "/settings/collection", drop).await.status, StatusCode::FORBIDDEN);
    assert_eq!(w.post(&second, "/settings/collection", drop).await.status, StatusCode::SEE_OTHER);
    let keep = json!({ "keep": true });
    let notes = method(&w, &second, Method::PUT, "/api/v1/collection-rules/voice/notes", keep).await;
    assert_eq!(notes.status, StatusCode::BAD_REQUEST, "{}", notes.text());
    let rules = w.get(&second, "/api/v1/collection-rules").await.json();
    let rule = |r: &&Value| r["channel"] == "voice" && r["field"] == "file_name";
    assert_eq!(rules["rules"].as_array().unwrap().iter().find(rule).unwrap()["keep"], false);
}

#[tokio::test]
async fn the_tenant_key_is_replaced_by_an_administrator_only() {
    let w = world();
    let call = w.call(1);
    let admin = w.browser("admin", &[Role::Admin]);
    let second = w.browser("second", &[Role::Compliance]);
    assert_eq!(w.post(&second, "/settings/rotate", "").await.status, StatusCode::FORBIDDEN);
    let refused = w.json(&second, "/api/v1/tenant-key/rotations", json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let before = w.get(&second, "/api/v1/tenant-key").await.json();
    assert_eq!(w.post(&admin, "/settings/rotate", "").await.status, StatusCode::SEE_OTHER);
    let after = w.get(&second, "/api/v1/tenant-key").await.json();
    assert_eq!((after["version"].as_u64(), after["destroyed"].as_u64()), (Some(2), Some(1)), "{after}");
    assert_ne!(before["fingerprint"], after["fingerprint"]);
    let agent = w.browser("agent", &[Role::Agent]).with("service");
    assert!(w.get(&agent, &format!("/conversations/{call}")).await.text().contains("thank you"));
}

#[tokio::test]
async fn the_api_invites_suspends_and_never_the_own_account() {
    let w = world();
    let admin = w.browser("admin", &[Role::Admin]);
    let lead = w.browser("incident", &[Role::IncidentLead]);
    let invite = json!({ "name": "New Person", "login": "newperson", "roles": ["agent"] });
    let made = w.json(&admin, "/api/v1/accounts", invite).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert!(made.json()["link"].as_str().unwrap().starts_with(&format!("{ORIGIN}/enrol/")));
    let unknown = json!({ "name": "A", "login": "aaa", "roles": ["owner"] });
    assert_eq!(w.json(&admin, "/api/v1/accounts", unknown).await.status, StatusCode::BAD_REQUEST);
    let of = |who: &Browser| who.session.account().to_string();
    let own = w.json(&admin, &format!("/api/v1/accounts/{}/suspend", of(&admin)), json!({})).await;
    assert_eq!(own.problem(), "own_account");
    let agent = w.browser("agent", &[Role::Agent]);
    let path = format!("/api/v1/accounts/{}", of(&agent));
    assert_eq!(w.json(&lead, &format!("{path}/suspend"), json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(w.get(&agent, "/api/v1/session").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(w.json(&lead, &format!("{path}/restore"), json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(w.json(&admin, &format!("{path}/restore"), json!({})).await.status, StatusCode::NO_CONTENT);
    let roles = method(&w, &admin, Method::PUT, &format!("{path}/roles"), json!({ "roles": ["qa"] })).await;
    assert_eq!(roles.status, StatusCode::NO_CONTENT, "{}", roles.text());
    let page = w.get(&admin, "/api/v1/accounts?limit=2").await.json();
    assert_eq!(page["accounts"].as_array().unwrap().len(), 2);
    assert!(page["next"].is_string());
}

#[tokio::test]
async fn the_ledger_is_paged_and_verified_through_the_api() {
    let w = world();
    let auditor = w.browser("auditor", &[Role::Auditor]);
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let page = w.get(&auditor, &format!("/api/v1/ledger-entries?limit=3{after}")).await.json();
        seen.extend(page["entries"].as_array().unwrap().iter().map(|e| e["seq"].as_u64().unwrap()));
        let Some(next) = page["next"].as_u64() else { break };
        after = format!("&after={next}");
    }
    let size = w.vault.ledger_size().unwrap();
    assert_eq!(seen, (0..size).rev().collect::<Vec<_>>());
    let verdict = w.json(&auditor, "/api/v1/ledger-verifications", json!({})).await.json();
    assert_eq!((verdict["whole"].as_bool(), verdict["size"].as_u64()), (Some(true), Some(size)));
    let kinds = w.get(&auditor, "/api/v1/ledger-entries?kind=account").await.json();
    assert!(
        kinds["entries"]
            .as_array()
            .unwrap()
            .iter()
            .all(|e| e["kind"].as_str().unwrap().starts_with("account."))
    );
}

#[test]
fn every_page_of_the_desk_has_its_twin_in_the_document() {
    let document = serde_json::to_value(callvault_web::api::document()).unwrap();
    for (path, method) in [
        ("grants", "get"),
        ("grants", "post"),
        ("grants/{id}", "delete"),
        ("grants/{id}/decision", "post"),
        ("reveals", "get"),
        ("reveals", "post"),
        ("reveals/{id}/decision", "post"),
        ("decisions", "post"),
        ("decisions/{id}/decision", "post"),
        ("retention-rules", "get"),
        ("retention-rules/{class}/{channel}", "put"),
        ("retention-preview", "get"),
        ("retention-runs", "post"),
        ("holds", "get"),
        ("holds", "post"),
        ("holds/{id}/release", "post"),
        ("keep-marks/{id}", "put"),
        ("quarantine", "get"),
        ("quarantine/{id}/release", "post"),
        ("quarantine/{id}/discard", "post"),
        ("quarantine/{id}/transcript", "post"),
        ("corrections", "get"),
        ("conversations/{id}/corrections", "post"),
        ("corrections/{id}/decision", "post"),
        ("subjects/{id}/links", "get"),
        ("subjects/{id}/merge-preview", "get"),
        ("subjects/{id}/merge", "post"),
        ("subjects/{id}/split", "post"),
        ("links/{id}/undo", "post"),
        ("accounts", "get"),
        ("accounts", "post"),
        ("accounts/{id}/roles", "put"),
        ("api-keys", "get"),
        ("api-keys", "post"),
        ("api-keys/{id}", "delete"),
        ("ledger-entries", "get"),
        ("ledger-verifications", "post"),
        ("overview", "get"),
    ] {
        assert!(document["paths"][format!("/api/v1/{path}")][method].is_object(), "{method} {path}");
    }
}

//! From the first strange reading to the notice: alerts, scope, clocks, freeze, drafts; and who may not.

use crate::world::{Browser, World, world};
use axum::http::StatusCode;
use callvault_policy::Role;
use callvault_program::incident::{live::Live, rules::Rules};
use callvault_store::incident::AlertState;
use serde_json::{Value, json};

/// A watch that begins to look at sixty people an hour at three already: the test world is small.
fn watch(w: &World) -> Live {
    let rules = Rules::of("[change.mass-read]\nthreshold = 3\n[change.after-hours]\noff = true").unwrap();
    let mut live = Live::start(&w.vault, rules).unwrap();
    live.round(&w.vault).unwrap();
    live
}

/// Calls of different customers, read one after the other.
async fn read_many(w: &World, who: &Browser, calls: std::ops::Range<u8>) {
    for n in calls {
        let call = w.call_of(n, &format!("+1 415 555 01{n:02}"));
        let answer = w.get(who, &format!("/api/v1/conversations/{call}?purpose=service")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
}

async fn incident(w: &World, lead: &Browser, id: &str) -> Value {
    w.get(lead, &format!("/api/v1/incidents/{id}")).await.json()
}

#[tokio::test]
async fn a_mass_read_becomes_an_alert_an_incident_a_scope_clocks_a_freeze_and_a_notice() {
    let w = world();
    let agent = w.browser("agent", &[Role::Agent]).with("service");
    let lead = w.browser("lead", &[Role::IncidentLead]);
    let mut live = watch(&w);
    read_many(&w, &agent, 1..5).await;
    assert_eq!(live.round(&w.vault).unwrap(), 1);

    let alerts = w.get(&lead, "/api/v1/alerts").await.json();
    let alert = &alerts["alerts"][0];
    assert_eq!((alert["rule"].as_str(), alert["state"].as_str()), (Some("mass-read"), Some("open")));
    assert_eq!(alert["entries"].as_array().unwrap().len(), 3);
    assert!(w.get(&lead, "/").await.text().contains("Incidents <span class=\"badge warn\">1<"));
    let id = alert["id"].as_str().unwrap();
    let why = w.get(&lead, &format!("/incidents/alerts/{id}")).await.text();
    assert!(why.contains("3 different people within an hour") && why.contains("access.permitted"), "{why}");

    // Nobody else decides, and a reason passes the detector.
    assert_eq!(
        w.post(&agent, &format!("/incidents/alerts/{id}/raise"), "").await.status,
        StatusCode::FORBIDDEN
    );
    let raised = w.post(&lead, &format!("/incidents/alerts/{id}/raise"), "title=Agent+reads+too+much").await;
    assert_eq!(raised.status, StatusCode::SEE_OTHER, "{}", raised.text());
    let at = raised.header("location").split('?').next().unwrap().to_owned();
    let incident_id = at.rsplit('/').next().unwrap().to_owned();
    let row = incident(&w, &lead, &incident_id).await;
    let scope = &row["incident"]["scope"];
    assert_eq!((scope["people"].as_u64(), scope["readings"].as_u64()), (Some(4), Some(4)), "{scope}");
    assert_eq!(scope["places"]["US-CA"], 4);
    assert!(scope["clear"].as_object().unwrap().is_empty());
    assert_eq!(scope["covered"]["CREDIT_CARD"], 4);
    assert_eq!(row["incident"]["laws"], json!(["US-CA"]));
    let clocks = row["clocks"].as_array().unwrap();
    assert!(
        clocks.iter().any(|c| c["clock"] == "us-ca.individuals" && c["standing"] == "running"),
        "{clocks:?}"
    );
    assert_eq!(row["disclaimer"], "engineering default, not legal advice");

    let page = w.get(&lead, &at).await.text();
    for words in [
        "Who must be told by when",
        "US-CA",
        "engineering default, not legal advice",
        "Freeze Test Person",
        "confidence",
    ] {
        assert!(page.to_lowercase().contains(&words.to_lowercase()), "{words}");
    }
    assert!(!page.contains("+1 415") && !page.contains("4155550"));

    // One act stops the person; what is open in the browser ends at once; one act undoes it.
    let account = agent.session.account().to_string();
    assert_eq!(
        w.post(&lead, &format!("{at}/freeze"), &format!("account={account}")).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(w.get(&agent, "/api/v1/session").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(w.kinds("account.frozen"), 1);
    assert_eq!(
        w.post(&lead, &format!("{at}/freeze"), &format!("account={account}")).await.status,
        StatusCode::CONFLICT
    );
    assert_eq!(
        w.post(&lead, &format!("{at}/thaw"), &format!("account={account}")).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        w.post(&lead, &format!("{at}/thaw"), &format!("account={account}")).await.status,
        StatusCode::NOT_FOUND
    );
    let own = lead.session.account().to_string();
    assert_eq!(
        w.post(&lead, &format!("{at}/freeze"), &format!("account={own}")).await.status,
        StatusCode::FORBIDDEN
    );

    let draft = w.post(&lead, &format!("{at}/notices"), "clock=us-ca.individuals").await;
    assert_eq!(draft.status, StatusCode::SEE_OTHER, "{}", draft.text());
    let letter = draft.header("location").split('?').next().unwrap().to_owned();
    let text = w.get(&lead, &letter).await.text();
    assert!(text.contains("What happened with your data") && text.contains("present and covered"), "{text}");
    assert_eq!(
        w.post(&lead, &letter, "text=Call+us+at+%2B1+202+555+0199.+Card+4111+1111+1111+1111").await.status,
        StatusCode::SEE_OTHER
    );
    let kept = w.get(&lead, &letter).await.text();
    assert!(kept.contains("202 555 0199") && !kept.contains("4111 1111"), "{kept}");
    assert_eq!(w.post(&lead, &format!("{letter}/sent"), "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(w.post(&lead, &letter, "text=Another").await.status, StatusCode::CONFLICT);
    let row = incident(&w, &lead, &incident_id).await;
    assert!(row["incident"]["events"]["individuals_notified"].is_string());
    assert!(row["clocks"].as_array().unwrap().iter().any(|c| c["standing"] == "met"));
    let kinds: Vec<&str> =
        row["timeline"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    for kind in [
        "incident.opened",
        "alert.decided",
        "incident.scope_computed",
        "account.frozen",
        "account.thawed",
        "incident.notice_drafted",
        "incident.notice_sent",
    ] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
}

#[tokio::test]
async fn the_pack_proves_each_reading_without_the_server() {
    let w = world();
    let agent = w.browser("agent", &[Role::Agent]).with("service");
    let lead = w.browser("lead", &[Role::IncidentLead]);
    let mut live = watch(&w);
    read_many(&w, &agent, 1..4).await;
    live.round(&w.vault).unwrap();
    let alert = w.vault.alerts(Some(AlertState::Open)).unwrap()[0].id;
    let made = w
        .json(&lead, "/api/v1/incidents", json!({ "title": "Too much", "severity": "high", "playbook": "inside-reading", "alerts": [alert.to_string()] }))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let pack = w.get(&lead, &format!("/api/v1/incidents/{id}/evidence-pack")).await.json();
    let key: callvault_ledger::VerifierKey = pack["vkey"].as_str().unwrap().parse().unwrap();
    let entries = pack["scope"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    for e in entries {
        let text = pack["proofs"][e["seq"].to_string()].as_str().unwrap();
        let proof: callvault_ledger::Proof = text.parse().unwrap();
        let (entry, _) = proof.verify(&key).unwrap();
        assert_eq!(entry.conversation.unwrap().to_string(), e["conversation"].as_str().unwrap());
    }
    let again = w.get(&lead, &format!("/api/v1/incidents/{id}/scope")).await.json();
    let people = |v: &Value| v["people"].clone();
    assert_eq!(people(&again), people(&pack["scope"]));
    // Page by page it is the same scope, and each page says how much there is in all.
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = w.get(&lead, &format!("/api/v1/incidents/{id}/scope?limit=2{after}")).await.json();
        assert_eq!((page["readings"].as_u64(), &page["digest"]), (Some(3), &again["digest"]));
        seen.extend(page["entries"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_u64() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(&seen, entries);
    // Later pages are of the computation that the first was of, whatever happened since.
    let size = async |rest: &str| {
        let path = format!("/api/v1/incidents/{id}/scope?limit=2{rest}");
        w.get(&lead, &path).await.json()["ledger_size"].as_u64().unwrap()
    };
    let first = size("").await;
    let noted = json!({ "text": "Asked the shift." });
    assert_eq!(
        w.json(&lead, &format!("/api/v1/incidents/{id}/notes"), noted).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(size(&after).await, first);
    assert!(size("").await > first);
    let path = format!("/api/v1/incidents/{id}/scope?limit=0");
    assert_eq!(w.get(&lead, &path).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_canary_tells_at_once_and_is_nobody_in_a_scope() {
    let w = world();
    let agent = w.browser("agent", &[Role::Agent]).with("service");
    let call = w.call_of(1, "+1 415 555 0150");
    w.vault.mark_canaries(&callvault_store::Actor::LocalOperator, &[call]).unwrap();
    let mut live = watch(&w);
    // It looks like any other in the list.
    let list = w.get(&agent, "/conversations").await.text();
    assert!(list.contains(&call.to_string()) && !list.to_lowercase().contains("canary"));
    assert_eq!(
        w.get(&agent, &format!("/api/v1/conversations/{call}?purpose=service")).await.status,
        StatusCode::OK
    );
    live.round(&w.vault).unwrap();
    let alert = w.vault.alerts(None).unwrap().remove(0);
    assert_eq!((alert.found.rule.as_str(), alert.found.grade.as_str()), ("canary", "critical"));
    let now = w.vault.clock().now();
    let query = callvault_store::incident::ScopeQuery {
        actors: vec![agent.session.actor().to_string()],
        sessions: vec![agent.session.mark().to_owned()],
        from: now - jiff::SignedDuration::from_hours(1),
        to: now,
    };
    let scope = w.vault.scope(&query).unwrap();
    assert_eq!((scope.people.len(), scope.canaries.len()), (0, 1));
}

#[tokio::test]
async fn an_alert_is_dismissed_with_a_reason_that_is_masked_and_by_those_who_may() {
    let w = world();
    let agent = w.browser("agent", &[Role::Agent]).with("service");
    let lead = w.browser("lead", &[Role::IncidentLead]);
    let auditor = w.browser("auditor", &[Role::Auditor]);
    let mut live = watch(&w);
    read_many(&w, &agent, 1..4).await;
    live.round(&w.vault).unwrap();
    let alert = w.vault.alerts(None).unwrap()[0].id;
    let path = format!("/api/v1/alerts/{alert}/dismissal");
    let why = json!({ "reason": "Training day; test card 4111 1111 1111 1111 was shown" });
    assert_eq!(w.json(&auditor, &path, why.clone()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(w.get(&auditor, &format!("/incidents/alerts/{alert}")).await.status, StatusCode::OK);
    assert_eq!(w.json(&lead, &path, why.clone()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(w.json(&lead, &path, why).await.status, StatusCode::CONFLICT);
    let row = w.vault.alert(alert).unwrap();
    let reason = row.reason.unwrap();
    assert!(reason.contains("Training day") && !reason.contains("4111"), "{reason}");
    // Told once: the same entries after a restart of the watch tell nothing new.
    let mut again = watch(&w);
    assert_eq!((again.round(&w.vault).unwrap(), w.vault.alerts(None).unwrap().len()), (0, 1));
}

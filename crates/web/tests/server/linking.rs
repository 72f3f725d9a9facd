//! One person under two records, or two under one: previewed, merged, split and undone, by page and by API.

use crate::world::{Browser, Moving, World, world, world_at};
use axum::http::StatusCode;
use callvault_model::id::{ConversationId, SubjectId};
use callvault_policy::Role;
use serde_json::json;

fn person(w: &World, id: ConversationId) -> SubjectId {
    w.vault.party_rows(id).unwrap()[0].subject
}

async fn read(w: &World, who: &Browser, id: ConversationId) {
    let page = w.get(who, &format!("/api/v1/conversations/{id}?purpose=dispute")).await;
    assert!(page.text().contains("I am [PERSON]"), "{}", page.text());
}

#[tokio::test]
async fn a_split_and_a_merge_show_first_what_moves_and_are_undone_on_the_page() {
    let w = world();
    let (a, b) = (w.call(1), w.call(2));
    let officer = w.browser("officer", &[Role::PrivacyOfficer]).with("dispute");
    let shared = person(&w, a);
    assert_eq!(person(&w, b), shared);
    let page = format!("/subjects/{shared}");
    assert!(w.get(&officer, &page).await.text().contains("Split off what is ticked"));
    assert_eq!(w.post(&officer, &format!("{page}/split"), "").await.status, StatusCode::BAD_REQUEST);
    let seen = w.post(&officer, &format!("{page}/split"), &format!("conversation={b}")).await;
    assert!(
        seen.text().contains("1 conversation") && seen.text().contains("2 hidden values in them"),
        "{}",
        seen.text()
    );
    assert_eq!(person(&w, b), shared, "a preview changes nothing");
    let form = format!("conversation={b}&reason=A+sister,+card+4111+1111+1111+1111");
    let done = w.post(&officer, &format!("{page}/split"), &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let other = person(&w, b);
    assert_eq!(done.header("location"), format!("/subjects/{other}?done=split"));
    read(&w, &officer, b).await;

    // Merged again by the characters that pages show.
    let short = other.to_string()[28..].to_owned();
    let seen = w.get(&officer, &format!("{page}/merge?with={short}")).await;
    assert!(seen.text().contains("What moves") && seen.text().contains(&short), "{}", seen.text());
    assert_eq!(w.get(&officer, &format!("{page}/merge?with=zz")).await.status, StatusCode::BAD_REQUEST);
    let own = w.get(&officer, &format!("{page}/merge?with={shared}")).await;
    assert_eq!(own.status, StatusCode::BAD_REQUEST);
    let merged =
        w.post(&officer, &format!("{page}/merge"), &format!("from={other}&reason=The+same+after+all")).await;
    assert_eq!(merged.header("location"), format!("{page}?done=merged"), "{}", merged.text());
    assert_eq!(person(&w, b), shared);
    read(&w, &officer, b).await;
    let history = w.get(&officer, &page).await.text();
    assert!(history.contains("The same after all") && history.contains("were merged into this record"));
    assert!(history.contains("A sister") && !history.contains("4111 1111"));
    let link = w.vault.subject_links(Some(shared)).unwrap()[0].id;
    let undone =
        w.post(&officer, &format!("/links/{link}/undo"), &format!("reason=I+was+wrong&back={shared}")).await;
    assert_eq!(undone.header("location"), format!("{page}?done=undone"), "{}", undone.text());
    assert_eq!(person(&w, b), other);
    let history = w.get(&officer, &page).await.text();
    assert!(history.contains("I was wrong") && history.contains("undone"));
    let again =
        w.post(&officer, &format!("/links/{link}/undo"), &format!("reason=once+more&back={shared}")).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_api_does_the_same_and_other_roles_do_not() {
    let clock = Moving::new();
    let w = world_at(clock.clone());
    let (a, b) = (w.call(1), w.call(2));
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let shared = person(&w, a);
    let path = format!("/api/v1/subjects/{shared}");
    for (login, role) in [("second", Role::Compliance), ("lead", Role::Supervisor), ("admin", Role::Admin)] {
        let who = w.browser(login, &[role]);
        let split = json!({ "conversations": [b], "reason": "a sister" });
        assert_eq!(
            w.json(&who, &format!("{path}/split"), split).await.status,
            StatusCode::FORBIDDEN,
            "{login}"
        );
        let page = w
            .post(&who, &format!("/subjects/{shared}/split"), &format!("conversation={b}&reason=a+sister"))
            .await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{login}");
    }
    let split = w
        .json(&officer, &format!("{path}/split"), json!({ "conversations": [b], "reason": "a sister" }))
        .await;
    assert_eq!(split.status, StatusCode::CREATED, "{}", split.text());
    let other = split.json()["subject"].as_str().unwrap().to_owned();
    let preview = w.get(&officer, &format!("{path}/merge-preview?from={other}")).await.json();
    assert_eq!(
        (preview["conversations"].as_u64(), preview["values"].as_u64()),
        (Some(1), Some(2)),
        "{preview}"
    );
    let made =
        w.json(&officer, &format!("{path}/merge"), json!({ "from": other, "reason": "no sister" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let links = w.get(&officer, &format!("{path}/links")).await.json();
    assert_eq!(links["links"].as_array().unwrap().len(), 2);
    let undo = format!("/api/v1/links/{}/undo", made.json()["id"].as_str().unwrap());
    assert_eq!(w.json(&officer, &undo, json!({})).await.status, StatusCode::BAD_REQUEST);
    let undone = w.json(&officer, &undo, json!({ "reason": "a sister indeed" })).await;
    assert!(undone.json()["undone_at"].is_string(), "{}", undone.text());
    assert_eq!(person(&w, b).to_string(), other);
    // A fresh factor is wanted, and the ledger knows no reason in words.
    clock.factors_grow_old(&w, &[&officer]).await;
    let late = w.json(&officer, &undo, json!({ "reason": "once more" })).await;
    assert_eq!(late.problem(), "needs_step_up");
    assert!(w.vault.entries(None, None, 200).unwrap().iter().all(|e| !format!("{e:?}").contains("sister")));
}

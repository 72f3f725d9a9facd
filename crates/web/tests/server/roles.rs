//! Every page and every call of the API with every role, and with nobody: the snapshot in `roles.txt` is the promise.
//! `CALLVAULT_BLESS=1` writes it anew; read the difference as a change of rights.

use crate::world::{Answer, Browser, ORIGIN, World, world};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use callvault_policy::Role;
use callvault_web::{api, page};
use std::fmt::Write;

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Method and pattern of every route that wants somebody signed in.
fn all() -> Vec<(Method, String)> {
    let pages = page::PAGES.iter().copied().flatten().map(|(m, p, _)| ((*m).to_owned(), (*p).to_owned()));
    let document = serde_json::to_value(api::document()).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    let calls = paths.into_iter().flat_map(|(path, methods)| {
        let methods: Vec<String> = methods.as_object().unwrap().keys().cloned().collect();
        methods.into_iter().map(move |m| (m.to_uppercase(), path.clone()))
    });
    let mut all: Vec<_> = pages.chain(calls).map(|(m, p)| (m.parse().unwrap(), p)).collect();
    all.sort_by_key(|(m, p): &(Method, String)| (p.clone(), m.to_string()));
    all.dedup();
    all
}

/// An address that names things which do not exist.
fn concrete(pattern: &str) -> String {
    let mut out = String::new();
    for part in pattern.split('/').skip(1) {
        out.push('/');
        out.push_str(if part.starts_with('{') { NOBODY } else { part });
    }
    out
}

async fn ask(w: &World, who: &Browser, method: &Method, pattern: &str) -> Answer {
    let path = concrete(pattern);
    match (method.as_str(), pattern.starts_with("/api/")) {
        ("GET", _) => w.get(who, &path).await,
        ("POST", false) => w.post(who, &path, "").await,
        (_, api) => {
            let kind = if api { "application/json" } else { "application/x-www-form-urlencoded" };
            let request = who.request(method.clone(), &path).header(header::CONTENT_TYPE, kind);
            w.send(request.body(Body::from(if api { "{}" } else { "" })).unwrap()).await
        }
    }
}

/// Refused for who one is, not for what was sent.
fn closed(answer: &Answer) -> bool {
    answer.status == StatusCode::FORBIDDEN || answer.status == StatusCode::UNAUTHORIZED
}

#[tokio::test]
async fn every_route_is_open_to_the_roles_of_the_snapshot_and_to_no_other() {
    let w = world();
    let people: Vec<(Role, Browser)> = Role::ALL
        .iter()
        .filter(|r| **r != Role::Service)
        .map(|r| (*r, w.browser(r.as_str(), &[*r])))
        .collect();
    let mut text = String::new();
    for (method, pattern) in all() {
        let mut open = Vec::new();
        for (role, who) in &people {
            // What ends the session of this test's person is asked last, by nobody.
            if pattern == "/sign-out" || pattern == "/account/sessions/end" {
                open.push(role.as_str());
                continue;
            }
            let answer = ask(&w, who, &method, &pattern).await;
            assert!(
                answer.status != StatusCode::INTERNAL_SERVER_ERROR,
                "{method} {pattern} fails for {role}"
            );
            if !closed(&answer) {
                open.push(role.as_str());
            }
        }
        let open = if open.len() == people.len() { "everybody".to_owned() } else { open.join(" ") };
        writeln!(text, "{method} {pattern}: {}", if open.is_empty() { "nobody" } else { &open }).unwrap();
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/roles.txt");
    if std::env::var_os("CALLVAULT_BLESS").is_some() {
        std::fs::write(file, &text).unwrap();
    }
    let promised = std::fs::read_to_string(file).unwrap_or_default();
    for (now, was) in text.lines().zip(promised.lines()) {
        assert_eq!(now, was, "a right changed; read docs/guide/access.md, then bless");
    }
    assert_eq!(text.lines().count(), promised.lines().count(), "a route was added or taken away; bless");
}

#[tokio::test]
async fn nobody_gets_anything_but_the_sign_in_page() {
    let w = world();
    let before = ["/sign-in", "/enrol/"];
    for (method, pattern) in all() {
        if before.iter().any(|p| pattern.starts_with(p)) {
            continue;
        }
        let api = pattern.starts_with("/api/");
        let kind = if api { "application/json" } else { "application/x-www-form-urlencoded" };
        let request = Request::builder()
            .method(method.clone())
            .uri(concrete(&pattern))
            .header(header::ORIGIN, ORIGIN)
            .header(header::CONTENT_TYPE, kind);
        let answer = w.send(request.body(Body::from(if api { "{}" } else { "" })).unwrap()).await;
        let sent_to_sign_in =
            answer.status == StatusCode::SEE_OTHER && answer.header("location") == "/sign-in";
        assert!(
            sent_to_sign_in || answer.status == StatusCode::UNAUTHORIZED,
            "{method} {pattern}: {}",
            answer.status
        );
        if api {
            assert_eq!(answer.header("content-type"), "application/problem+json", "{pattern}");
        }
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let w = world();
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    for path in
        ["/", "/sign-in", "/conversations", "/nothing", "/api/v1/session", "/api/v1/nothing", "/health"]
    {
        let answer = w.get(&officer, path).await;
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert!(
            answer.header("content-security-policy").contains("require-trusted-types-for 'script'"),
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(answer.header("strict-transport-security").starts_with("max-age="), "{path}");
    }
}

#[test]
fn the_committed_openapi_document_is_the_one_the_server_gives() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let now = api::document().to_pretty_json().unwrap();
    if std::env::var_os("CALLVAULT_BLESS").is_some() {
        std::fs::write(file, format!("{now}\n")).unwrap();
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(committed.trim_end() == now.trim_end(), "docs/openapi.json is old; bless it");
}

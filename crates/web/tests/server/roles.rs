//! Every page and every call of the API with every role, and with nobody: the snapshot in `roles.txt` is the promise.
//! Each request names something that exists and sends what a permitted caller may send, so that open means *done* and
//! closed means *refused*. `CALLVAULT_BLESS=1` writes it anew; read the difference as a change of rights.

use crate::{
    samples::{Body as Sent, Filled, Sample, filled},
    world::{Answer, Browser, ORIGIN, world},
};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use callvault_policy::{Act, Role, rights};
use callvault_web::{api, page};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// Before signing in, about one's own sign-in, or one's own courses: open to whoever is there.
const OWN: [&str; 9] = [
    "/sign-in",
    "/sign-out",
    "/enrol/",
    "/step-up",
    "/account",
    "/courses",
    "/api/v1/courses",
    "/api/v1/attempts",
    "/api/v1/policies",
];
/// What a key for the overview opens: that, who it is, how to speak to us, and its own requests, of which there are none.
const OF_ITS_OWN: [&str; 6] =
    ["/", "/api/v1/overview", "/api/v1/session", "/api/v1/openapi.json", "/api/v1/reveals", "/requests"];
/// What ends the session that asks; asked last.
const ENDS: [&str; 2] = ["/sign-out", "/account/sessions/end"];

/// Method, pattern and, for pages, the act that opens it.
fn all() -> Vec<(Method, String, Option<Act>)> {
    let pages = page::PAGES.iter().copied().flatten().map(|(m, p, a)| ((*m).to_owned(), (*p).to_owned(), *a));
    let document = serde_json::to_value(api::document()).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    let calls = paths.into_iter().flat_map(|(path, methods)| {
        let methods: Vec<String> = methods.as_object().unwrap().keys().cloned().collect();
        methods.into_iter().map(move |m| (m.to_uppercase(), path.clone(), None))
    });
    let about = ["/api/v1/openapi.json", "/metrics"].map(|p| ("GET".to_owned(), p.to_owned(), None));
    let mut all: Vec<_> =
        pages.chain(calls).chain(about).map(|(m, p, a)| (m.parse().unwrap(), p, a)).collect();
    all.sort_by_key(|(m, p, _): &(Method, String, Option<Act>)| (p.clone(), m.to_string()));
    all.dedup();
    all
}

/// The patterns of the pages that are read.
pub fn pages() -> BTreeSet<String> {
    let read = all().into_iter().filter(|(m, p, _)| m == Method::GET && !p.starts_with("/api/"));
    read.map(|(_, p, _)| p).collect()
}

fn own(pattern: &str) -> bool {
    OWN.iter().any(|p| pattern.starts_with(p))
}

fn request(who: Option<&Browser>, method: &Method, sample: &Sample) -> Request<Body> {
    let builder = match who {
        Some(who) => who.request(method.clone(), &sample.path),
        None => Request::builder().method(method.clone()).uri(&sample.path).header(header::ORIGIN, ORIGIN),
    };
    let (kind, body) = match &sample.body {
        Sent::None => return builder.body(Body::empty()).unwrap(),
        Sent::Form(form) => {
            let proof = who.map_or_else(String::new, |w| w.session.form_token());
            ("application/x-www-form-urlencoded", format!("csrf={proof}&{form}"))
        }
        Sent::Json(json) => ("application/json", json.to_string()),
        Sent::File(bytes) => {
            let proof = who.map_or_else(String::new, |w| w.session.form_token());
            let part = |head: &str, body: &str| {
                format!("--sample\r\ncontent-disposition: form-data; {head}\r\n\r\n{body}\r\n")
            };
            let parts = [
                part("name=\"csrf\"", &proof),
                part("name=\"channel\"", "email"),
                part("name=\"file\"; filename=\"a.eml\"", bytes),
            ];
            ("multipart/form-data; boundary=sample", format!("{}--sample--\r\n", parts.concat()))
        }
        Sent::Part(bytes) => ("application/octet-stream", (*bytes).to_owned()),
    };
    let part = matches!(sample.body, Sent::Part(_));
    let builder = builder.header(header::CONTENT_TYPE, kind).header(header::CONTENT_LENGTH, body.len());
    let builder = if part { builder.header("upload-offset", 0) } else { builder };
    builder.body(Body::from(body)).unwrap()
}

/// What an answer says about the right to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Done, or impossible in this state of things.
    Open,
    /// Refused for who asks, or hidden from them.
    Closed,
    /// Refused for what was sent, which says nothing of rights.
    Unread,
}

fn door(answer: &Answer) -> Door {
    match answer.status {
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => Door::Closed,
        s if s.is_success() || s.is_redirection() || s == StatusCode::CONFLICT => {
            let to_sign_in = s.is_redirection() && answer.header("location").starts_with("/sign-in?");
            let signed_out = answer.header("location") == "/sign-in?done=signed-out";
            if to_sign_in && !signed_out { Door::Closed } else { Door::Open }
        }
        _ => Door::Unread,
    }
}

/// Asks every route as one person in a world of their own.
async fn doors(f: &Filled, role: Role, who: &Browser) -> Result<BTreeMap<(String, String), Door>, String> {
    let mut out = BTreeMap::new();
    let (last, first): (Vec<_>, Vec<_>) = all().into_iter().partition(|(_, p, _)| ENDS.contains(&p.as_str()));
    for (method, pattern, _) in first.into_iter().chain(last) {
        if role == Role::Service && ENDS.contains(&pattern.as_str()) {
            out.insert((pattern, method.to_string()), Door::Closed);
            continue;
        }
        let sample = f.sample(who, role, method.as_str(), &pattern)?;
        let leaver = (pattern == "/sign-out").then(|| f.w.browser("leaver", &[role]));
        let answer = f.w.send(request(Some(leaver.as_ref().unwrap_or(who)), &method, &sample)).await;
        if answer.status.is_server_error() {
            return Err(format!("{method} {pattern} fails for {role}: {}", answer.text()));
        }
        let door = door(&answer);
        if sample.meant && door == Door::Unread && !own(&pattern) {
            let said = answer.text();
            return Err(format!(
                "{method} {pattern} does not take the sample from {role}: {} {said}",
                answer.status
            ));
        }
        // The copy for the person it is about, and what it will hold.
        let copy = ["/copy", "/content", "/packages/{package}"].iter().any(|end| pattern.ends_with(end));
        let shows =
            copy || pattern.ends_with("/value") || (pattern == "/reveals/{id}" && method == Method::POST);
        for hidden in f.hidden() {
            assert!(
                shows || !answer.text().contains(hidden),
                "{method} {pattern} shows {role} a hidden value"
            );
        }
        out.insert((pattern, method.to_string()), door);
    }
    Ok(out)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_open_to_the_roles_of_the_snapshot_and_to_no_other() {
    let mut open: BTreeMap<(String, String), Vec<Role>> = BTreeMap::new();
    let mut unread: BTreeSet<(String, String)> = BTreeSet::new();
    let mut wrong = Vec::new();
    for role in Role::ALL.iter().copied() {
        let f = filled().await;
        let purpose = crate::samples::purpose(role);
        let who = match role {
            Role::Service => f.w.service("tested", &service_acts()),
            _ => f.w.browser("tested", &[role]).with(purpose),
        };
        let found = match doors(&f, role, &who).await {
            Ok(found) => found,
            Err(why) => {
                wrong.push(why);
                continue;
            }
        };
        for (route, door) in found {
            let opened = open.entry(route.clone()).or_default();
            match door {
                Door::Open => opened.push(role),
                Door::Closed => {}
                Door::Unread => {
                    unread.insert(route);
                    opened.push(role);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut text = String::new();
    for (method, pattern, act) in all() {
        let route = (pattern.clone(), method.to_string());
        let roles = open.get(&route).cloned().unwrap_or_default();
        let everybody = roles.len() == Role::ALL.len();
        assert!(
            own(&pattern) || !(everybody && unread.contains(&route)),
            "{method} {pattern} reads the body before it asks who may; say in samples.rs what to send"
        );
        // The act that a page names opens it to nobody whose roles never have the act.
        let never = |a: Act| roles.iter().find(|r| !rights(&BTreeSet::from([**r])).contains(&a));
        if let Some(role) = act.and_then(never) {
            panic!("{method} {pattern} is open to {role}, who never has the act it names");
        }
        let people = roles.iter().filter(|r| **r != Role::Service).count() == Role::ALL.len() - 1;
        let names: Vec<&str> = roles.iter().map(|r| r.as_str()).collect();
        let open = match (everybody, people, names.is_empty()) {
            (true, ..) => "everybody".to_owned(),
            (_, true, _) => "every person".to_owned(),
            // Nothing that exists could be named, or nobody may: whoever blesses this line knows which.
            (.., true) => "nobody".to_owned(),
            _ => names.join(" "),
        };
        writeln!(text, "{method} {pattern}: {open}").unwrap();
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

/// Every act that a key can be given.
fn service_acts() -> Vec<Act> {
    rights(&BTreeSet::from([Role::Service])).into_iter().collect()
}

/// Who must get nothing: nobody, a session that showed one factor only, a key without the act.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_two_factors_or_the_act_on_the_key_real_things_stay_closed() {
    let f = filled().await;
    let every: Vec<Role> = Role::ALL.iter().copied().filter(|r| *r != Role::Service).collect();
    let mut tried = 0;
    for (name, role, strangers) in [
        ("nobody", Role::PrivacyOfficer, None),
        ("one factor", Role::PrivacyOfficer, Some(f.w.one_factor("weak", &[Role::PrivacyOfficer]))),
        ("one factor", Role::Admin, Some(f.w.one_factor("weakadmin", &[Role::Admin]))),
        ("another key", Role::Service, Some(f.w.service("narrow", &[Act::SeeOverview]))),
    ] {
        // Samples are those of somebody who may, so that nothing but who asks can be the reason of a refusal.
        let able = f
            .w
            .browser(&format!("able{tried}"), &[if role == Role::Service { Role::Supervisor } else { role }]);
        for (method, pattern, _) in all() {
            let open_by_design =
                own(&pattern) || (role == Role::Service && OF_ITS_OWN.contains(&pattern.as_str()));
            if open_by_design {
                continue;
            }
            let sample = f.sample(&able, role, method.as_str(), &pattern).unwrap();
            let before = f.w.vault.ledger_size().unwrap();
            let answer = f.w.send(request(strangers.as_ref(), &method, &sample)).await;
            let to_sign_in = answer.status.is_redirection() && answer.header("location") == "/sign-in";
            let own_session = strangers.is_some() && pattern == "/api/v1/session";
            assert!(
                to_sign_in || own_session || door(&answer) == Door::Closed,
                "{name}: {method} {pattern}: {} {}",
                answer.status,
                answer.text()
            );
            for hidden in f.hidden() {
                assert!(!answer.text().contains(hidden), "{name}: {method} {pattern}");
            }
            if strangers.is_none() {
                assert_eq!(
                    before,
                    f.w.vault.ledger_size().unwrap(),
                    "a stranger writes into the ledger by {pattern}"
                );
            }
            tried += 1;
        }
    }
    assert!(tried > 300 && every.len() == 9, "{tried}");
}

#[tokio::test]
async fn who_is_not_signed_in_is_sent_to_do_so() {
    let f = filled().await;
    let able = f.w.browser("able", &[Role::PrivacyOfficer]);
    for (method, pattern, _) in all() {
        if pattern.starts_with("/sign-in") || pattern.starts_with("/enrol/") {
            continue;
        }
        let sample = f.sample(&able, Role::PrivacyOfficer, method.as_str(), &pattern).unwrap();
        let answer = f.w.send(request(None, &method, &sample)).await;
        let sent_to_sign_in =
            answer.status == StatusCode::SEE_OTHER && answer.header("location") == "/sign-in";
        assert!(
            sent_to_sign_in || answer.status == StatusCode::UNAUTHORIZED,
            "{method} {pattern}: {}",
            answer.status
        );
        if pattern.starts_with("/api/") {
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

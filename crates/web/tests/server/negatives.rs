//! Ways to come in that must not work, one line each, over HTTP and against the whole router. Every case says what is
//! tried; the judge is the same for all: no session, nothing shown, and a refusal of the right kind.

mod invitations;
mod origin_and_forms;
mod passkeys;
mod password_and_code;
mod sessions_and_keys;

use crate::{
    device::Device,
    world::{Answer, Browser, Moving, ORIGIN, PASSWORD, Person, World, code, world_at},
};
use axum::{
    body::Body,
    http::{Method, Request, header},
};
use callvault_model::Clock;
use callvault_policy::{Act, Role};
use callvault_store::Actor;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

const FORM: &str = "application/x-www-form-urlencoded";

/// A vault with one person, a clock that can be moved, and a browser that is nobody's.
struct Scene {
    w: World,
    clock: Arc<Moving>,
    dana: Person,
}

impl Scene {
    fn new() -> Self {
        let clock = Moving::new();
        let w = world_at(Arc::<Moving>::clone(&clock));
        let dana = w.person("dana", &[Role::PrivacyOfficer]);
        Self { w, clock, dana }
    }

    /// A moment later, so that the next one-time code is another one.
    fn later(self, seconds: i64) -> Self {
        self.clock.forward(seconds);
        self
    }

    fn now(&self) -> String {
        code(&self.dana.app, self.clock.now())
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)], kind: &str, body: String) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, kind);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.w.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn sign_in(&self, login: &str, password: &str, code: &str) -> Answer {
        self.sign_in_from(login, password, code, &[("origin", ORIGIN)]).await
    }

    async fn sign_in_from(
        &self,
        login: &str,
        password: &str,
        code: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let form = format!("login={login}&password={}&code={code}", password.replace(' ', "+"));
        self.send("/sign-in", headers, FORM, form).await
    }

    /// Signs in well; the new token.
    async fn token(&self) -> String {
        let answer = self.sign_in("dana", PASSWORD, &self.now()).await;
        let set = answer.header("set-cookie").to_owned();
        let token = set.strip_prefix("__Host-callvault=").expect("the right factors sign in");
        token.split(';').next().unwrap().to_owned()
    }

    async fn with_cookie(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
        self.w.send(request).await
    }

    async fn with_session(&self, token: &str) -> Answer {
        self.with_cookie("/api/v1/session", &format!("__Host-callvault={token}")).await
    }

    async fn with_key(&self, key: &str) -> Answer {
        let request = Request::get("/api/v1/overview").header(header::AUTHORIZATION, format!("Bearer {key}"));
        self.w.send(request.body(Body::empty()).unwrap()).await
    }

    async fn json(&self, path: &str, cookie: &str, body: &Value) -> Answer {
        let headers = [("origin", ORIGIN), ("cookie", cookie)];
        self.send(path, &headers, "application/json", body.to_string()).await
    }

    /// A form of somebody signed in, with anything as its proof and from anywhere.
    async fn form(&self, who: &Browser, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let cookie = format!("__Host-callvault={}", who.token);
        let mut all = vec![("cookie", cookie.as_str())];
        all.extend(headers);
        self.send(path, &all, FORM, body).await
    }

    fn invite(&self, login: &str) -> String {
        let roles = BTreeSet::from([Role::Agent]);
        let (_, link) = self.w.vault.invite(&Actor::LocalOperator, login, "New", &roles).unwrap();
        link.expose().clone()
    }

    /// Begins a ceremony: the options for the device, and the cookie that binds the browser.
    async fn begin(&self, path: &str) -> (Value, String) {
        let begun = self.json(path, "", &json!({})).await;
        assert_eq!(begun.status, 200, "{}", begun.text());
        (begun.json(), begun.header("set-cookie").split(';').next().unwrap().to_owned())
    }

    /// Somebody with a passkey.
    async fn device(&self, login: &str, seed: u8) -> Device {
        let mut device = at_home(seed);
        let link = self.invite(login);
        let (options, step) = self.begin(&format!("/enrol/{link}/passkey/begin")).await;
        let made: Value = serde_json::from_str(&device.register(&options)).unwrap();
        let path = format!("/enrol/{link}/passkey/finish");
        let done = self.json(&path, &step, &json!({ "credential": made })).await;
        assert_eq!(done.status, 200, "{}", done.text());
        device
    }

    /// A passkey sign-in in which one thing is wrong.
    async fn passkey(&self, change: impl FnOnce(&mut Device)) -> Answer {
        let mut device = self.device("pia", 7).await;
        change(&mut device);
        let (options, step) = self.begin("/sign-in/passkey/begin").await;
        self.json("/sign-in/passkey/finish", &step, &json!({ "credential": device.answer(&options) })).await
    }
}

fn at_home(seed: u8) -> Device {
    let mut device = Device::new(seed);
    device.origin = ORIGIN.into();
    device.rp_id = "localhost".into();
    device
}

fn service(s: &Scene) -> (callvault_model::id::ApiKeyId, String) {
    let by = Actor::LocalOperator;
    let account = s.w.vault.make_service(&by, "pbx", "A machine").unwrap();
    let (id, key) = s.w.vault.make_api_key(&by, account, &BTreeSet::from([Act::SeeOverview]), 1).unwrap();
    (id, key.expose().clone())
}

type Run = fn(Scene) -> BoxFuture<'static, Answer>;

/// Nobody came in and nothing was shown.
fn refused(name: &str, answer: &Answer) {
    let to_sign_in = answer.status == 303 && answer.header("location").starts_with("/sign-in");
    // 415 is how a body is refused that a plain form of another site could send.
    let kinds = [400, 401, 403, 404, 409, 415];
    assert!(
        to_sign_in || kinds.contains(&answer.status.as_u16()),
        "{name}: {} {}",
        answer.status,
        answer.text()
    );
    for cookie in answer.headers.get_all(header::SET_COOKIE) {
        let cookie = cookie.to_str().unwrap();
        assert!(!cookie.starts_with("__Host-callvault=cvs_"), "{name}: a session was given");
    }
    let text = answer.text();
    assert!(!text.contains("<h1>Overview") && !text.contains("accounts\":"), "{name}: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_comes_in_by_any_of_these_ways() {
    let all: Vec<_> = [
        password_and_code::all(),
        origin_and_forms::all(),
        sessions_and_keys::all(),
        invitations::all(),
        passkeys::all(),
    ]
    .concat();
    let names: BTreeSet<&str> = all.iter().map(|(name, _)| *name).collect();
    assert!(names.len() == all.len() && all.len() >= 60, "{} cases", all.len());
    for (name, run) in all {
        refused(name, &run(Scene::new()).await);
    }
}

/// The judge is no judge unless the right ways work.
#[tokio::test]
async fn the_same_steps_done_right_let_people_in() {
    let s = Scene::new().later(60);
    let token = s.token().await;
    assert_eq!(s.with_session(&token).await.status, 200);
    let signed_in = s.passkey(|_| {}).await;
    assert!(signed_in.status == 200 && signed_in.header("set-cookie").starts_with("__Host-callvault=cvs_"));
    // What a stranger learns about a login is nothing.
    let words = |answer: Answer| answer.text();
    let known = words(s.sign_in("dana", "wrong wrong wrong wrong", "000000").await);
    assert_eq!(known, words(s.sign_in("nobody", "wrong wrong wrong wrong", "000000").await));
}

#[tokio::test]
async fn who_guesses_too_often_waits_and_the_ledger_stays_small() {
    let s = Scene::new();
    let before = s.w.vault.ledger_size().unwrap();
    let mut last = 0;
    for n in 0..80 {
        last = s.sign_in(&format!("invented{n}"), "wrong wrong wrong wrong", "000000").await.status.as_u16();
    }
    assert_eq!(last, 429);
    let grown = s.w.vault.ledger_size().unwrap() - before;
    assert!(grown <= 21, "{grown} entries for invented logins");
    let request = Request::builder().method(Method::GET).uri("/sign-in").body(Body::empty()).unwrap();
    assert_eq!(s.w.send(request).await.status, 200, "the page is still there");
    let by_passkey = s.passkey(|_| {}).await;
    assert_eq!(by_passkey.status, 200, "who has a passkey still comes in: {}", by_passkey.text());
}

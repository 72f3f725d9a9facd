//! Scripted attacks by people who are signed in, through the pages and the API, against the detections as they ship:
//! each is told within seconds by the running watch, and again in the noise of the simulated centre.

use crate::{
    centre::{Centre, DAYS, PEOPLE, morning_after},
    world::{Browser, ORIGIN, World, world_at},
};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use callvault_model::{
    Clock,
    id::{ConversationId, SubjectId},
};
use callvault_policy::{Role, factor::totp::TotpSecret};
use callvault_program::incident::{live::Live, rules::Rules, watch::Watch};
use callvault_store::{Actor, incident::Observed};
use callvault_web::{Config, app::App, watching::Watcher};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// A clock that a test moves.
struct Moving(Mutex<Timestamp>);

impl Clock for Moving {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// The centre's own hours.
const SITE: &str = "time_zone = \"America/New_York\"\nclosed_days = [\"2026-12-25\"]";

struct Stage {
    w: World,
    clock: Arc<Moving>,
    /// A call each of different customers, and the customer.
    calls: Vec<(ConversationId, SubjectId)>,
    people: BTreeMap<&'static str, Browser>,
    apps: BTreeMap<&'static str, TotpSecret>,
    canary: (ConversationId, SubjectId),
    slowest: Duration,
    told: Vec<(String, &'static str, &'static [&'static str])>,
}

impl Stage {
    fn new(begin: Timestamp) -> Self {
        let clock = Arc::new(Moving(Mutex::new(begin)));
        let w = world_at(clock.clone());
        let mut calls: Vec<_> = (0..141u8)
            .map(|n| {
                (
                    w.call_of(
                        n,
                        &format!("+1 {} 555 0{}", 212 + u16::from(n) / 100, 100 + u16::from(n) % 100),
                    ),
                    n,
                )
            })
            .map(|(c, _)| (c, w.vault.party_rows(c).unwrap()[0].subject))
            .collect();
        let canary = calls.pop().unwrap();
        w.vault.mark_canaries(&Actor::LocalOperator, &[canary.0]).unwrap();
        Self {
            w,
            clock,
            calls,
            people: BTreeMap::new(),
            apps: BTreeMap::new(),
            canary,
            slowest: Duration::ZERO,
            told: Vec::new(),
        }
    }

    fn forward(&self, by: SignedDuration) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }

    fn minutes(&self, n: i64) {
        self.forward(SignedDuration::from_mins(n));
    }

    /// To an hour of the site, on this day or the next.
    fn to_hour(&self, hour: i8) {
        let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
        let local = zone.to_datetime(self.clock.now());
        let mut at = local.date().at(hour, 0, 0, 0);
        if at <= local {
            at = local.date().tomorrow().unwrap().at(hour, 0, 0, 0);
        }
        *self.clock.0.lock().unwrap() = zone.to_timestamp(at).unwrap();
    }

    fn hire(&mut self, login: &'static str, role: Role) {
        let who = self.w.person(login, &[role]);
        self.people.insert(login, who.browser.with("service"));
        self.apps.insert(login, who.app);
        self.forward(SignedDuration::from_secs(31));
    }

    /// A fresh session; the code is a new one, and what needs a fresh factor is open.
    fn enter(&mut self, login: &'static str) {
        self.forward(SignedDuration::from_secs(31));
        let again = self.w.again(login, &self.apps[login], Some("service"));
        self.people.insert(login, again);
    }

    async fn get(&self, login: &str, path: &str) -> StatusCode {
        self.w.get(&self.people[login], path).await.status
    }

    async fn json(&self, login: &str, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.people[login]
            .request(method, path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = self.w.send(request).await;
        let value = if answer.body.is_empty() { Value::Null } else { answer.json() };
        (answer.status, value)
    }

    async fn made(&self, login: &str, path: &str, body: Value) -> String {
        let (status, value) = self.json(login, Method::POST, path, body).await;
        assert!(status.is_success(), "{path}: {status} {value}");
        value["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Reads calls by the API, one every so often.
    async fn read(&mut self, login: &'static str, calls: std::ops::Range<usize>, purpose: &str, every: i64) {
        for n in calls {
            let path = format!("/api/v1/conversations/{}?purpose={purpose}", self.calls[n].0);
            assert_eq!(self.get(login, &path).await, StatusCode::OK, "{login} {path}");
            self.forward(SignedDuration::from_secs(every));
        }
    }

    /// Asks for a value of this type and sees it; `second` agrees where somebody has to.
    async fn reveal(&self, login: &str, second: Option<&str>, call: usize, entity: &str) {
        let seen = self
            .w
            .get(
                &self.people[login],
                &format!("/api/v1/conversations/{}?purpose=dispute", self.calls[call].0),
            )
            .await
            .json();
        let token =
            seen["findings"].as_array().unwrap().iter().find(|f| f["entity"] == entity).unwrap()["token"]
                .clone();
        let wish = json!({ "token": token, "purpose": "dispute", "reason": "the customer disputes it" });
        let id = self.made(login, "/api/v1/reveals", wish).await;
        if let Some(second) = second {
            let (status, value) = self
                .json(
                    second,
                    Method::POST,
                    &format!("/api/v1/reveals/{id}/decision"),
                    json!({ "agree": true }),
                )
                .await;
            assert!(status.is_success(), "{value}");
        }
        let (status, value) =
            self.json(login, Method::POST, &format!("/api/v1/reveals/{id}/value"), json!({})).await;
        assert!(status.is_success(), "{status} {value}");
    }

    async fn sign_in_wrongly(&self, login: &str) {
        let form = format!("login={login}&password=something+else+entirely&code=000000");
        let request = Request::post("/sign-in")
            .header(header::ORIGIN, ORIGIN)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .unwrap();
        assert!(!self.w.send(request).await.status.is_success());
    }

    fn actor(&self, login: &str) -> String {
        self.people[login].session.actor().to_string()
    }

    /// Waits until the running watch tells one of these rules of this actor.
    async fn expect(&mut self, attack: &'static str, actor: String, rules: &'static [&'static str]) {
        let began = Instant::now();
        loop {
            let alerts = self.w.vault.alerts(None).unwrap();
            if alerts.iter().any(|a| a.found.actor == actor && rules.contains(&a.found.rule.as_str())) {
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "{attack} was not told: {:?}",
                alerts.iter().map(|a| (&a.found.rule, &a.found.actor)).collect::<Vec<_>>()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.slowest = self.slowest.max(began.elapsed());
        self.told.push((actor, attack, rules));
    }
}

const READ: &[&str] = &["mass-read", "many-in-a-day"];

/// Volume: by API, by page, by sound, by person, by service, under another purpose, slowly.
async fn volume(s: &mut Stage) {
    s.enter("att");
    // AT&T, 2015: 136 unrelated customers a day. Found on the first.
    s.read("att", 0..136, "service", 200).await;
    s.expect("136 unrelated customers in a shift", s.actor("att"), &["many-in-a-day"]).await;
    s.enter("burst");
    s.read("burst", 0..60, "service", 20).await;
    s.expect("sixty customers in twenty minutes by the API", s.actor("burst"), READ).await;
    s.enter("pages");
    for n in 0..60 {
        assert_eq!(s.get("pages", &format!("/conversations/{}", s.calls[n].0)).await, StatusCode::OK);
        s.forward(SignedDuration::from_secs(30));
    }
    s.expect("sixty customers by the pages", s.actor("pages"), READ).await;
    s.enter("ear");
    for n in 0..60 {
        let path = format!("/api/v1/conversations/{}/audio?purpose=quality", s.calls[n].0);
        assert!(s.get("ear", &path).await.is_success());
        s.forward(SignedDuration::from_secs(40));
    }
    s.expect("a supervisor hears sixty recordings in an hour", s.actor("ear"), READ).await;
    s.enter("officer");
    for n in 0..60 {
        let path = format!("/api/v1/subjects/{}?purpose=security", s.calls[n].1);
        assert_eq!(s.get("officer", &path).await, StatusCode::OK);
        s.forward(SignedDuration::from_secs(30));
    }
    s.expect("an officer opens sixty people's pages", s.actor("officer"), READ).await;
    s.enter("plaintiff");
    s.read("plaintiff", 0..30, "dispute", 600).await;
    s.expect("thirty invented complaints", s.actor("plaintiff"), &["many-disputes"]).await;
    for _ in 0..5 {
        s.to_hour(9);
        s.enter("drip");
        s.read("drip", 0..90, "service", 280).await;
    }
    s.expect("ninety customers a day for a week", s.actor("drip"), &["slow-drip"]).await;
    machine(s).await;
    lent(s).await;
}

/// A service's key that somebody copied.
async fn machine(s: &mut Stage) {
    s.enter("admin");
    let id = s.made("admin", "/api/v1/services", json!({ "login": "crm", "name": "CRM" })).await;
    let wish = json!({ "service": id, "scopes": ["read_masked"], "days": 30 });
    let (_, made) = s.json("admin", Method::POST, "/api/v1/api-keys", wish).await;
    let key = made["key"].as_str().unwrap();
    for (call, _) in &s.calls[..60] {
        let request = Request::get(format!("/api/v1/conversations/{call}?purpose=service"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"));
        assert_eq!(s.w.send(request.body(Body::empty()).unwrap()).await.status, StatusCode::OK);
    }
    s.expect("a stolen key of a service reads sixty customers", format!("service:{id}"), READ).await;
}

/// A right for a while, given for one complaint and used for sixty people.
async fn lent(s: &mut Stage) {
    s.enter("lent");
    s.enter("officer");
    let wish = json!({ "act": "play_muted", "target_kind": "all", "purpose": "dispute", "minutes": 300, "reason": "one complaint" });
    let id = s.made("lent", "/api/v1/grants", wish).await;
    let (status, _) = s
        .json("officer", Method::POST, &format!("/api/v1/grants/{id}/decision"), json!({ "agree": true }))
        .await;
    assert!(status.is_success());
    for n in 0..60 {
        let path = format!("/api/v1/conversations/{}/audio?purpose=dispute", s.calls[n].0);
        assert!(s.get("lent", &path).await.is_success());
        s.forward(SignedDuration::from_secs(20));
    }
    s.expect("a right lent for one complaint is used on sixty people", s.actor("lent"), READ).await;
}

/// Not much, and nobody was calling. Told once it is certain that no call explains it.
async fn unrelated(s: &mut Stage) {
    s.enter("curious");
    s.read("curious", 0..16, "service", 60).await;
    s.minutes(130);
    s.expect("sixteen customers who were not calling", s.actor("curious"), &["unrelated"]).await;
}

/// Times at which nobody should be there.
async fn hours(s: &mut Stage) {
    s.to_hour(23);
    s.enter("owl");
    s.read("owl", 0..6, "service", 120).await;
    s.expect("a day agent reads at night", s.actor("owl"), &["after-hours"]).await;
    *s.clock.0.lock().unwrap() = "2026-12-25T16:00:00Z".parse().unwrap();
    s.enter("santa");
    s.read("santa", 0..6, "service", 120).await;
    s.expect("somebody reads on a day on which the centre is closed", s.actor("santa"), &["after-hours"])
        .await;
    s.to_hour(9);
}

/// Invented customers.
async fn canaries(s: &mut Stage) {
    let (call, person) = s.canary;
    s.enter("nosy");
    assert_eq!(s.get("nosy", &format!("/api/v1/conversations/{call}?purpose=service")).await, StatusCode::OK);
    s.expect("an invented customer is read", s.actor("nosy"), &["canary"]).await;
    s.enter("door");
    assert_eq!(
        s.get("door", &format!("/api/v1/conversations/{call}/audio?purpose=service")).await,
        StatusCode::FORBIDDEN
    );
    s.expect("an invented customer's recording is asked for and refused", s.actor("door"), &["canary"]).await;
    s.enter("officer");
    assert_eq!(
        s.get("officer", &format!("/api/v1/subjects/{person}?purpose=security")).await,
        StatusCode::OK
    );
    s.expect("an invented customer's page is opened", s.actor("officer"), &["canary"]).await;
}

/// Hidden values.
async fn values(s: &mut Stage) {
    s.enter("officer");
    for n in 0..20 {
        s.reveal("officer", None, n, "PERSON").await;
    }
    s.expect("twenty hidden names shown in a row", s.actor("officer"), &["reveals"]).await;
    s.enter("ear");
    s.enter("second");
    for n in 0..4 {
        s.reveal("ear", Some("second"), n, "CREDIT_CARD").await;
    }
    s.expect("two people who agree see four card numbers", s.actor("ear"), &["card-reveals"]).await;
    s.enter("admin");
    let id = s.people["riser"].session.account().to_string();
    let (status, value) = s
        .json(
            "admin",
            Method::PUT,
            &format!("/api/v1/accounts/{id}/roles"),
            json!({ "roles": ["privacy_officer"] }),
        )
        .await;
    assert!(status.is_success(), "{value}");
    s.enter("riser");
    s.reveal("riser", None, 30, "PERSON").await;
    s.expect("a role is changed and a value shown within the day", s.actor("riser"), &["role-then-read"])
        .await;
    s.hire("fresh", Role::PrivacyOfficer);
    s.enter("fresh");
    s.reveal("fresh", None, 31, "PERSON").await;
    s.expect(
        "a new account sees a hidden value on its first day",
        s.actor("fresh"),
        &["new-factor-then-read"],
    )
    .await;
}

/// Doors.
async fn doors(s: &mut Stage) {
    s.enter("rattler");
    for n in 0..10 {
        let path = format!("/api/v1/conversations/{}/audio?purpose=service", s.calls[n].0);
        assert_eq!(s.get("rattler", &path).await, StatusCode::FORBIDDEN);
    }
    s.expect("ten doors tried in a row", s.actor("rattler"), &["denied"]).await;
    s.enter("lister");
    for n in 0..30 {
        let body = json!({ "address": format!("+1 202 555 01{n:02}") });
        let (status, value) = s.json("lister", Method::POST, "/api/v1/searches", body).await;
        assert!(status.is_success(), "{value}");
    }
    s.expect("thirty numbers looked up one after the other", s.actor("lister"), &["searches"]).await;
    for _ in 0..5 {
        s.sign_in_wrongly("guessed").await;
    }
    s.expect("one account's password is guessed at", s.actor("guessed"), &["failed-factor"]).await;
    s.minutes(31);
    for _ in 0..4 {
        s.sign_in_wrongly("broken").await;
    }
    s.enter("broken");
    s.read("broken", 0..1, "service", 1).await;
    s.expect("guessed at last, and read", s.actor("broken"), &["failed-then-in"]).await;
    s.minutes(31);
    for n in 0..25 {
        s.sign_in_wrongly(&format!("nobody{n}")).await;
    }
    s.expect("one password tried on many logins", "worker".into(), &["spray"]).await;
    s.enter("shared");
    for n in 0..3 {
        s.enter("shared");
        s.read("shared", n..n + 1, "service", 1).await;
    }
    s.expect("one account in three places", s.actor("shared"), &["two-places"]).await;
}

/// Controls, keys, exports, the clock.
async fn controls(s: &mut Stage) {
    s.enter("second");
    let (status, value) = s
        .json("second", Method::PUT, "/api/v1/retention-rules/transcript/voice", json!({ "days": 3_650 }))
        .await;
    assert!(status.is_success(), "{value}");
    s.expect("retention is drawn out", s.actor("second"), &["control-weakened"]).await;
    s.enter("admin");
    let (status, value) = s.json("admin", Method::POST, "/api/v1/tenant-key/rotations", json!({})).await;
    assert!(status.is_success(), "{value}");
    s.expect("the tenant key is rotated", s.actor("admin"), &["key-work"]).await;
    s.enter("lead");
    let id = s
        .made(
            "lead",
            "/api/v1/incidents",
            json!({ "title": "a pretext", "severity": "low", "playbook": "general" }),
        )
        .await;
    let now = s.clock.now();
    let ask = json!({ "actors": [], "from": (now - SignedDuration::from_mins(3)).to_string() });
    let (status, value) = s.json("lead", Method::PUT, &format!("/api/v1/incidents/{id}/scope"), ask).await;
    assert!(status.is_success(), "{value}");
    assert_eq!(s.get("lead", &format!("/api/v1/incidents/{id}/evidence-pack")).await, StatusCode::OK);
    s.expect("evidence is taken out under a pretext", s.actor("lead"), &["export"]).await;
    s.forward(SignedDuration::from_hours(-1));
    s.enter("nosy");
    s.expect("the clock is set back", "vault".into(), &["clock"]).await;
}

fn staff(s: &mut Stage) {
    use Role as R;
    for (login, role) in [
        ("admin", R::Admin),
        ("officer", R::PrivacyOfficer),
        ("second", R::Compliance),
        ("lead", R::IncidentLead),
        ("ear", R::Supervisor),
        ("att", R::Agent),
        ("burst", R::Agent),
        ("pages", R::Agent),
        ("plaintiff", R::Agent),
        ("drip", R::Agent),
        ("lent", R::Agent),
        ("curious", R::Agent),
        ("owl", R::Agent),
        ("santa", R::Agent),
        ("nosy", R::Agent),
        ("door", R::Agent),
        ("riser", R::Agent),
        ("rattler", R::Agent),
        ("lister", R::Agent),
        ("guessed", R::Agent),
        ("broken", R::Agent),
        ("shared", R::Agent),
    ] {
        s.hire(login, role);
    }
}

#[tokio::test]
async fn every_scripted_attack_is_told_and_the_centre_stays_quiet() {
    let mut centre = Centre::new(300);
    let mut s = Stage::new(morning_after(&centre) - SignedDuration::from_hours(72));
    staff(&mut s);
    s.to_hour(9);
    let app = App::new(Arc::clone(&s.w.vault), Config::default());
    let watcher = Watcher::start(app, Rules::of(SITE).unwrap()).unwrap();
    unrelated(&mut s).await;
    volume(&mut s).await;
    canaries(&mut s).await;
    values(&mut s).await;
    doors(&mut s).await;
    hours(&mut s).await;
    controls(&mut s).await;
    watcher.stop();
    assert!(s.told.len() >= 24, "{}", s.told.len());
    // After a restart nothing is told again.
    let before = s.w.vault.alerts(None).unwrap().len();
    Live::start(&s.w.vault, Rules::of(SITE).unwrap()).unwrap().round(&s.w.vault).unwrap();
    assert_eq!(s.w.vault.alerts(None).unwrap().len(), before);

    // The same acts in the noise of three hundred people and ninety days.
    let mut watch = Watch::new(Rules::of(SITE).unwrap(), s.w.vault.canaries().unwrap());
    let began = Instant::now();
    let quiet = centre.run(&mut watch);
    let rate = centre.entries as f64 / began.elapsed().as_secs_f64();
    let a_day = quiet.len() as f64 / DAYS as f64 / (PEOPLE as f64 / 100.0);
    let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
    quiet.iter().for_each(|a| *by_rule.entry(&a.rule).or_default() += 1);
    let mut found: BTreeSet<(String, String)> = BTreeSet::new();
    for seen in ledger(&s) {
        found.extend(watch.see(&seen).into_iter().map(|a| (a.actor, a.rule)));
    }
    let caught = |(actor, _, rules): &&(String, &str, &[&str])| {
        rules.iter().any(|r| found.contains(&(actor.clone(), (*r).to_owned())))
    };
    let missed: Vec<_> = s.told.iter().filter(|t| !caught(t)).map(|t| t.1).collect();
    say(&format!(
        "{} attacks by HTTP told by the running watch, the slowest after {:?}; {} entries of {PEOPLE} people over {DAYS} days, \
         {:.0} a second; {} false alerts, {a_day:.3} per 100 people and day: {by_rule:?}; missed in the noise: {missed:?}",
        s.told.len(),
        s.slowest,
        centre.entries,
        rate,
        quiet.len()
    ));
    assert!(missed.is_empty(), "{missed:?}");
    assert!(a_day <= 1.0, "{a_day} false alerts per 100 people and day: {by_rule:?}");
}

/// What the world's vault recorded, as the watch sees it.
fn ledger(s: &Stage) -> Vec<Observed> {
    let (mut all, mut next) = (Vec::new(), 0);
    loop {
        let fed = s.w.vault.feed(next, 500).unwrap();
        if fed.next == next {
            return all;
        }
        next = fed.next;
        all.extend(fed.seen);
    }
}

fn say(text: &str) {
    // Nobody to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

//! A vault with recorded conversations, people who signed in, and the whole router in front of it.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::Response,
};
use callvault_model::{
    Channel, Clock, EntityType, Id, Role as Part, Secret, SystemClock, id::ConversationId,
};
use callvault_policy::{Act, Role, factor::totp::TotpSecret};
use callvault_seal::OsEntropy;
use callvault_store::{
    Actor, NewConversation, NewParty, NewVault, ProvenText, Recorded, RecordedAudio, RecordedFinding,
    RecordedTurn, SealedBlob, Session, Vault, factors::Enrolment,
};
use callvault_web::{Config, app::App, routes};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::BTreeSet,
    io::Write,
    sync::{Arc, Mutex},
};

pub const CARD: &str = "4242 4242 4242 4242";
pub const HOSTILE: &str = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>";
pub const ORIGIN: &str = "https://localhost:8443";
pub const PASSWORD: &str = "copper lantern under seven bridges";
pub const PHONE: &str = "+1 202 555 0142";

const PROOF: &str = r#"{"level":"independent","heard_by":"one","not_heard_again_by":"another","rounds":1,"caught":0,"muted_ms":1000,"unverified_ms":0}"#;

pub struct World {
    _dir: tempfile::TempDir,
    pub vault: Arc<Vault>,
    pub router: Router,
}

/// Somebody signed in, with the cookies of a browser, or a service with its key.
pub struct Browser {
    pub session: Session,
    pub token: String,
    key: bool,
    pub purpose: Option<&'static str>,
}

/// A clock that a test moves.
pub struct Moving(Mutex<Timestamp>);

impl Moving {
    /// Sixteen minutes pass in which these people look at pages: they stay signed in, and their factors grow old.
    pub async fn factors_grow_old(&self, w: &World, people: &[&Browser]) {
        for _ in 0..2 {
            self.forward(8 * 60);
            for who in people {
                assert_eq!(w.get(who, "/api/v1/session").await.status, StatusCode::OK);
            }
        }
    }

    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(SystemClock.now())))
    }

    pub fn forward(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }
}

impl Clock for Moving {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Somebody with every way to sign in but a passkey.
pub struct Person {
    pub browser: Browser,
    pub app: TotpSecret,
    pub recovery: Vec<String>,
    /// The invitation, used up.
    pub link: String,
}

pub fn world() -> World {
    world_at(Arc::new(SystemClock))
}

pub fn world_at(clock: Arc<dyn Clock>) -> World {
    let dir = tempfile::tempdir().unwrap();
    let new = NewVault {
        dir: &dir.path().join("data"),
        key_file: &dir.path().join("keys/v.key"),
        protection: callvault_store::Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
    let id = Id::new(&SystemClock, &OsEntropy).unwrap();
    let vault = Arc::new(Vault::init(&new, id, clock, "local-operator").unwrap().vault);
    let router = routes::router(&App::new(Arc::clone(&vault), Config::default()));
    World { _dir: dir, vault, router }
}

/// A call that failed a stage.
pub fn stuck(w: &World, number: u32) -> ConversationId {
    let fill = move |out: &mut dyn Write| {
        out.write_all(&number.to_be_bytes().repeat(100)).unwrap();
        Ok::<_, callvault_store::Error>(())
    };
    let mut original = SealedBlob::write(&w.vault.blobs(), w.vault.tenant(), &OsEntropy, fill).unwrap();
    original.keep();
    let new = NewConversation {
        channel: Channel::Voice,
        started_at: None,
        duration_ms: 1_000,
        parties: vec![NewParty { role: Part::Customer, address: None, name: None }],
        content_sha256: *number.to_be_bytes().repeat(8).first_chunk().unwrap(),
        source_name: "call.wav".into(),
        original: &original,
        copies: Vec::new(),
    };
    let id = w.vault.receive(&new).unwrap().unwrap();
    w.vault.quarantine(id, "no-speech", "nobody speaks in it").unwrap();
    id
}

/// A stereo recording of four seconds with one muted second.
pub fn wav() -> Vec<u8> {
    let (rate, seconds) = (8_000u32, 4u32);
    let data = rate * seconds * 4;
    let mut out = Vec::new();
    out.extend(b"RIFF");
    out.extend((36 + data).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16u32.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend(2u16.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend((rate * 4).to_le_bytes());
    out.extend(4u16.to_le_bytes());
    out.extend(16u16.to_le_bytes());
    out.extend(b"data");
    out.extend(data.to_le_bytes());
    for n in 0..rate * seconds {
        let muted = (rate..2 * rate).contains(&n);
        let sample = if muted { 0i16 } else { ((n % 80) as i16 - 40) * 200 };
        out.extend(sample.to_le_bytes());
        out.extend(((n % 50) as i16 * 100).to_le_bytes());
    }
    out
}

impl World {
    pub fn browser(&self, login: &str, roles: &[Role]) -> Browser {
        self.person(login, roles).browser
    }

    /// Somebody with password, app and recovery codes, signed in once.
    pub fn person(&self, login: &str, roles: &[Role]) -> Person {
        let roles: BTreeSet<Role> = roles.iter().copied().collect();
        let (_, link) = self.vault.invite(&Actor::LocalOperator, login, "Test Person", &roles).unwrap();
        let app = TotpSecret::make(&OsEntropy).unwrap();
        let code = code(&app, self.vault.clock().now());
        let enrolment = Enrolment::App {
            password: Secret::new(PASSWORD.into()),
            totp: TotpSecret::from_bytes(app.expose()).unwrap(),
            code,
        };
        let accepted = self.vault.accept_invite(link.expose(), enrolment).unwrap();
        let recovery = accepted.recovery_codes.iter().map(|c| c.expose().clone()).collect();
        let token = self.vault.start_session(accepted.signed_in).unwrap().expose().clone();
        let session = self.vault.session(&token).unwrap().unwrap();
        let browser = Browser { session, token, key: false, purpose: None };
        Person { browser, app, recovery, link: link.expose().clone() }
    }

    /// The same person in a new session.
    pub fn again(&self, login: &str, app: &TotpSecret, purpose: Option<&'static str>) -> Browser {
        let (password, code) = (Secret::new(PASSWORD.into()), code(app, self.vault.clock().now()));
        let signed = self.vault.sign_in_password(login, &password, &code).unwrap();
        let token = self.vault.start_session(signed).unwrap().expose().clone();
        let session = self.vault.session(&token).unwrap().unwrap();
        Browser { session, token, key: false, purpose }
    }

    /// Who signed in long ago with one factor only: their session, aged in the database.
    pub fn one_factor(&self, login: &str, roles: &[Role]) -> Browser {
        let who = self.browser(login, roles);
        let db = rusqlite::Connection::open(self.vault.dir().join("vault.db")).unwrap();
        let changed = db
            .execute(
                "UPDATE session SET aal = 1 WHERE account = ?1",
                [who.session.account().as_bytes().as_slice()],
            )
            .unwrap();
        assert_eq!(changed, 1);
        // Sessions are remembered until somebody's access changes.
        self.browser(&format!("{login}.too"), roles);
        who
    }

    /// A service with a key for these acts.
    pub fn service(&self, login: &str, scopes: &[Act]) -> Browser {
        let by = Actor::LocalOperator;
        let account = self.vault.make_service(&by, login, "A machine").unwrap();
        let scopes: BTreeSet<Act> = scopes.iter().copied().collect();
        let (_, key) = self.vault.make_api_key(&by, account, &scopes, 30).unwrap();
        let token = key.expose().clone();
        let session = self.vault.api_key(&token).unwrap();
        Browser { session, token, key: true, purpose: None }
    }

    /// A recorded call: a customer whose words contain markup, a hidden name and a hidden card number.
    pub fn call(&self, number: u8) -> ConversationId {
        self.call_of(number, PHONE)
    }

    /// The same of somebody at another number.
    pub fn call_of(&self, number: u8, phone: &str) -> ConversationId {
        let vault = &self.vault;
        let seal = |bytes: Vec<u8>| {
            let fill = move |w: &mut dyn Write| {
                w.write_all(&bytes).unwrap();
                Ok::<_, callvault_store::Error>(())
            };
            let mut blob = SealedBlob::write(&vault.blobs(), vault.tenant(), &OsEntropy, fill).unwrap();
            blob.keep();
            blob
        };
        let original = seal(vec![number; 1_000]);
        let party = |role, address: &str| NewParty { role, address: Some(address.into()), name: None };
        let new = NewConversation {
            channel: Channel::Voice,
            started_at: None,
            duration_ms: 4_000,
            parties: vec![party(Part::Customer, phone), party(Part::Agent, "+1 202 555 0199")],
            content_sha256: [number; 32],
            source_name: "call.wav".into(),
            original: &original,
            copies: Vec::new(),
        };
        let id = vault.receive(&new).unwrap().unwrap();
        let muted = seal(wav());
        let finding = |entity, value, text: &str| RecordedFinding {
            turn: 0,
            entity,
            start_ms: 1_000,
            end_ms: 2_000,
            score: 0.97,
            recognizer: "number".into(),
            value,
            text: Some(text.into()),
        };
        let turn =
            |party, start_ms, text: String| RecordedTurn { party, start_ms, end_ms: start_ms + 900, text };
        let done = Recorded {
            turns: vec![
                turn(0, 0, "I am [PERSON], card [CREDIT_CARD]".into()),
                turn(1, 2_000, format!("thank you {HOSTILE}")),
            ],
            findings: vec![
                finding(EntityType::Person, 1, "Dana Whitfield"),
                finding(EntityType::CreditCard, 2, CARD),
            ],
            audio: Some(RecordedAudio { muted: &muted }),
            attachments: Vec::new(),
            proof: ProvenText { level: "independent", facts: PROOF.into() },
            opt_outs: Vec::new(),
        };
        vault.record(id, &done).unwrap();
        id
    }

    /// Kinds of the newest entries, newest first.
    pub fn kinds(&self, kind: &str) -> usize {
        self.vault.entries(None, Some(kind), 200).unwrap().len()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.raw(request).await).await
    }

    pub async fn get(&self, who: &Browser, path: &str) -> Answer {
        self.send(who.request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, who: &Browser, path: &str, form: &str) -> Answer {
        let body = format!("csrf={}&{form}", who.session.form_token());
        let request = who
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::CONTENT_LENGTH, body.len())
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    pub async fn json(&self, who: &Browser, path: &str, body: serde_json::Value) -> Answer {
        let request = who
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    pub async fn raw(&self, request: Request<Body>) -> Response {
        callvault_web::answer(self.router.clone(), request).await
    }
}

impl Browser {
    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        if self.key {
            let key = format!("Bearer {}", self.token);
            return Request::builder().method(method).uri(path).header(header::AUTHORIZATION, key);
        }
        let mut cookie = format!("__Host-callvault={}", self.token);
        if let Some(purpose) = self.purpose {
            cookie.push_str(&format!("; __Host-callvault-purpose={purpose}"));
        }
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, cookie)
            .header(header::ORIGIN, ORIGIN)
    }

    pub fn with(mut self, purpose: &'static str) -> Self {
        self.purpose = Some(purpose);
        self
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let answer = Self { status: parts.status, headers: parts.headers, body };
        answer.refuses_without_values();
        answer
    }

    /// Every answer of every test passes here: what is refused says nothing that was hidden, sent or known.
    fn refuses_without_values(&self) {
        if !self.status.is_client_error() && !self.status.is_server_error() {
            return;
        }
        let headers =
            self.headers.iter().map(|(n, v)| format!("{n}: {}\n", String::from_utf8_lossy(v.as_bytes())));
        let text = headers.collect::<String>() + &self.text();
        let digits = |t: &str| t.chars().filter(char::is_ascii_digit).collect::<String>();
        // The number that our own advice gives as an example says nothing of anybody.
        let said = digits(&text.replace("such as +1 202 555 0142", ""));
        for number in [CARD, PHONE] {
            assert!(!said.contains(&digits(number)), "a refusal holds {number}: {text}");
        }
        for words in [PASSWORD, "Dana Whitfield", HOSTILE] {
            assert!(!text.to_lowercase().contains(&words.to_lowercase()), "a refusal holds {words}: {text}");
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// The code of the problem.
    pub fn problem(&self) -> String {
        self.json()["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_refusal_that_holds_a_value_fails_whatever_test_asked() {
    let refusal = |body: &str| Response::builder().status(409).body(Body::from(body.to_owned())).unwrap();
    for body in ["4242-4242-4242-4242", "no 12025550142 here", "about dana whitfield", PASSWORD] {
        let judged = tokio::spawn(Answer::of(refusal(body))).await;
        assert!(judged.is_err_and(|e| e.is_panic()), "{body} was not found");
    }
    assert_eq!(Answer::of(refusal("nothing")).await.status, StatusCode::CONFLICT);
}

pub fn code(app: &TotpSecret, at: Timestamp) -> String {
    use totp_rs::{Algorithm, Builder};
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(30)
        .with_secret(app.expose().to_vec())
        .with_issuer(Some("callvault"))
        .with_account_name("account")
        .build()
        .unwrap();
    totp.generate(u64::try_from(at.as_second()).unwrap()).to_string()
}

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
use callvault_policy::{Role, factor::totp::TotpSecret};
use callvault_seal::OsEntropy;
use callvault_store::{
    Actor, NewConversation, NewParty, NewVault, ProvenText, Recorded, RecordedAudio, RecordedFinding,
    RecordedTurn, SealedBlob, Session, Vault, factors::Enrolment,
};
use callvault_web::{Config, app::App, routes};
use http_body_util::BodyExt;
use std::{collections::BTreeSet, io::Write, sync::Arc};
use tower::ServiceExt;

pub const CARD: &str = "4242 4242 4242 4242";
pub const HOSTILE: &str = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>";
pub const ORIGIN: &str = "https://localhost:8443";
pub const PHONE: &str = "+1 202 555 0142";

pub struct World {
    _dir: tempfile::TempDir,
    pub vault: Arc<Vault>,
    pub router: Router,
}

/// Somebody signed in, with the cookies of a browser.
pub struct Browser {
    pub session: Session,
    token: String,
    pub purpose: Option<&'static str>,
}

pub fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let new = NewVault {
        dir: &dir.path().join("data"),
        key_file: &dir.path().join("keys/v.key"),
        passphrase: None,
        shares: (2, 3),
    };
    let id = Id::new(&SystemClock, &OsEntropy).unwrap();
    let vault = Arc::new(Vault::init(&new, id, Arc::new(SystemClock), "local-operator").unwrap().vault);
    let router = routes::router(&App::new(Arc::clone(&vault), Config::default()));
    World { _dir: dir, vault, router }
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
        let roles: BTreeSet<Role> = roles.iter().copied().collect();
        let (_, link) = self.vault.invite(&Actor::LocalOperator, login, "Test Person", &roles).unwrap();
        let app = TotpSecret::make(&OsEntropy).unwrap();
        let code = code(&app);
        let enrolment = Enrolment::App {
            password: Secret::new("copper lantern under seven bridges".into()),
            totp: TotpSecret::from_bytes(app.expose()).unwrap(),
            code,
        };
        let accepted = self.vault.accept_invite(link.expose(), enrolment).unwrap();
        let token = self.vault.start_session(accepted.signed_in).unwrap().expose().clone();
        let session = self.vault.session(&token).unwrap().unwrap();
        Browser { session, token, purpose: None }
    }

    /// A recorded call: a customer whose words contain markup, a hidden name and a hidden card number.
    pub fn call(&self, number: u8) -> ConversationId {
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
            parties: vec![party(Part::Customer, PHONE), party(Part::Agent, "+1 202 555 0199")],
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
            proof: ProvenText { level: "independent", facts: "{}".into() },
        };
        vault.record(id, &done).unwrap();
        id
    }

    /// Kinds of the newest entries, newest first.
    pub fn kinds(&self, kind: &str) -> usize {
        self.vault.entries(None, Some(kind), 200).unwrap().len()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    pub async fn get(&self, who: &Browser, path: &str) -> Answer {
        self.send(who.request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, who: &Browser, path: &str, form: &str) -> Answer {
        let body = format!("csrf={}&{form}", who.session.form_token());
        let request = who
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
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
        self.router.clone().oneshot(request).await.unwrap()
    }
}

impl Browser {
    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
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
        Self { status: parts.status, headers: parts.headers, body }
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

fn code(app: &TotpSecret) -> String {
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
    totp.generate(u64::try_from(SystemClock.now().as_second()).unwrap()).to_string()
}

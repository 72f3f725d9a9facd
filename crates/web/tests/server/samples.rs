//! A filled world for the matrix of roles: for every route an address that names something that exists, made for this
//! one request, and a body that a permitted caller may send. A route without a sample fails the matrix.

use crate::world::{Browser, CARD, World, stuck, world};
use callvault_flow::dispose::{self, SourceFile};
use callvault_model::{
    Channel,
    id::{AccountId, ConversationId, IncidentId, SubjectId, SubjectRequestId},
};
use callvault_policy::{Act, Purpose, Role};
use callvault_program::{
    dial::{self, Question},
    disposal::device,
};
use callvault_store::{
    Actor, HoldTarget,
    consent::{Detail, NewConsent, Proof as ConsentProof},
    corrections::NewCorrection,
    gate::{ReadMasked, RequestReveal, Target},
    grants::GrantWish,
    incident::{Change, NewAlert, NewTask, Phase, ScopeQuery},
    medium::{Encrypted, Holds, MediumKind, NewMedium},
    requests::{Arrived, IdentityCheck, NewRequest, RequestKind, RequestLaw},
    settings::Measured,
    two_person::Shared,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

/// The world, the people in it whom nobody is tested as, and what lies about.
pub struct Filled {
    pub w: World,
    second: Browser,
    officer: Browser,
    victim: Browser,
    asker: Browser,
    call: ConversationId,
    disposed: ConversationId,
    service: AccountId,
    /// Names of the hidden name, for which no second person is wanted of who answers for rules, and of the hidden card.
    tokens: [String; 2],
    counter: Cell<u32>,
    /// Who was frozen for the newest incident.
    frozen: Cell<Option<AccountId>>,
    /// The request of the address that is being written.
    asked: Cell<Option<SubjectRequestId>>,
}

const COURSE: &str = "clean-desk";

/// What one request sends.
pub enum Body {
    None,
    Form(String),
    Json(Value),
    Part(&'static str),
    /// A file in a form of several parts.
    File(&'static str),
}

/// One request that a permitted caller may send.
pub struct Sample {
    pub path: String,
    pub body: Body,
    /// The body was written for this route, so that an answer of 400 is a mistake of this file.
    pub meant: bool,
}

pub async fn filled() -> Filled {
    let w = world();
    let second = w.browser("second", &[Role::Compliance]);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let (victim, asker) = (w.browser("victim", &[Role::Agent]), w.browser("asker", &[Role::Agent]));
    let service = w.vault.make_service(&Actor::LocalOperator, "pbx", "A switchboard").unwrap();
    let (call, disposed) = (w.call(250), w.call(251));
    let (asks, agrees) = (second.session.actor(), officer.session.actor());
    w.vault.enable_disposal(&asks, Some(&agrees), Measured::new(40, 40), 0).unwrap();
    dispose::dispose(&w.vault, disposed, "a test", SourceFile::Keep).unwrap().unwrap();
    w.vault.disable_disposal(&asks).unwrap();
    let audited = w.json(&officer, "/api/v1/audits", json!({})).await;
    assert_eq!(audited.status, 201, "{}", audited.text());
    let target = Target::Conversation(call);
    let permit = w.vault.permit::<ReadMasked>(&officer.session, target, Some(Purpose::Legal), None).unwrap();
    let details = w.vault.finding_details(&w.vault.read_masked(permit).unwrap()).unwrap();
    let token = |n: usize| details[n].token.clone().unwrap();
    let tokens = [token(0), token(1)];
    Filled {
        w,
        second,
        officer,
        victim,
        asker,
        call,
        disposed,
        service,
        tokens,
        counter: Cell::new(0),
        frozen: Cell::new(None),
        asked: Cell::new(None),
    }
}

/// A purpose for which the role reads, or one it will be refused for.
pub fn purpose(role: Role) -> &'static str {
    let roles = BTreeSet::from([role]);
    callvault_policy::purposes(&roles, Act::ReadMasked).first().map_or("legal", |p| p.as_str())
}

impl Filled {
    fn next(&self) -> u32 {
        self.counter.set(self.counter.get() + 1);
        self.counter.get()
    }

    fn subject(&self) -> SubjectId {
        self.w.vault.subjects_page(None, 10).unwrap().rows[0].id
    }

    /// A request of `who` to see a value; where the role cannot ask, somebody else's.
    fn reveal(&self, who: &Browser) -> String {
        let ask = |who: &Browser, purpose: &str| {
            let purpose: Purpose = purpose.parse().unwrap();
            let target = Target::Token(self.tokens[0].clone());
            let permit =
                self.w.vault.permit::<RequestReveal>(&who.session, target, Some(purpose), Some("because"))?;
            self.w.vault.request_reveal(permit)
        };
        let role = *who.session.roles().first().unwrap();
        let id = ask(who, purpose(role)).or_else(|_| ask(&self.officer, "legal")).unwrap();
        // Whoever needs a second person has one; whoever needs none is not asked about.
        let _ = self.w.vault.decide_reveal(&self.second.session, id, true);
        id.to_string()
    }

    /// A request of another person that waits.
    fn waiting_reveal(&self, who: &Browser) -> String {
        let other =
            if who.session.roles().contains(&Role::PrivacyOfficer) { &self.second } else { &self.officer };
        let permit = self
            .w
            .vault
            .permit::<RequestReveal>(
                &other.session,
                Target::Token(self.tokens[1].clone()),
                Some(Purpose::Legal),
                Some("because"),
            )
            .unwrap();
        self.w.vault.request_reveal(permit).unwrap().to_string()
    }

    fn grant(&self, given: bool) -> String {
        let wish = GrantWish {
            act: Act::PlayMuted,
            target: Target::Conversation(self.call),
            purpose: Purpose::Service,
            reason: "a complaint".into(),
            minutes: 30,
        };
        let id = self.w.vault.request_grant(&self.asker.session, &wish).unwrap();
        if given {
            self.w.vault.decide_grant(&self.second.session, id, true).unwrap();
        }
        id.to_string()
    }

    fn decision(&self) -> String {
        let facts = json!({ "planted": 40, "covered": 40, "cooling_days": 7 });
        self.w
            .vault
            .request_second(&self.officer.session, Shared::EnableDisposal, &facts)
            .unwrap()
            .to_string()
    }

    fn hold(&self) -> String {
        let review = self.w.vault.clock().now() + SignedDuration::from_hours(24 * 30);
        let target = HoldTarget::Conversation(self.call);
        self.w.vault.place_hold(&self.second.session.actor(), target, "a claim", review).unwrap().to_string()
    }

    fn mark(&self) -> String {
        let _ = self.w.vault.mark_must_keep(&self.second.session.actor(), self.call, "a contract");
        self.call.to_string()
    }

    fn correction(&self) -> String {
        let what = NewCorrection::Wrong { finding: 0 };
        let by = self.asker.session.actor();
        self.w.vault.request_correction(&by, self.call, &what, "no such name").unwrap().to_string()
    }

    /// The customer of the call.
    fn customer(&self) -> SubjectId {
        self.w.vault.party_rows(self.call).unwrap()[0].subject
    }

    /// A split of the call from its customer, and the record it made.
    fn split(&self) -> (String, SubjectId) {
        let by = self.officer.session.actor();
        let (link, fresh) =
            self.w.vault.split_subject(&by, self.customer(), &[self.call], "another person").unwrap();
        (link.to_string(), fresh)
    }

    fn upload(&self, who: &Browser) -> String {
        self.w.vault.begin_upload(&who.session.actor(), Channel::Email, 40, "{}").unwrap().id.to_string()
    }

    fn attempt(&self, who: &Browser) -> String {
        let asks = if who.session.is_person() { who } else { &self.asker };
        self.w.vault.begin_attempt(&asks.session, COURSE, 1).unwrap().id.to_string()
    }

    fn policy(&self) -> String {
        self.w
            .vault
            .publish_policy(&Actor::LocalOperator, "desk", "Nothing lies on a desk over night.")
            .unwrap();
        "desk".into()
    }

    fn waiver(&self) -> String {
        let until = self.w.vault.clock().now() + SignedDuration::from_hours(24 * 10);
        let by = self.second.session.actor();
        let whose = self.asker.session.account();
        self.w.vault.waive(&by, whose, COURSE, until, "came last week").unwrap().to_string()
    }

    fn medium(&self) -> String {
        let new = NewMedium {
            kind: MediumKind::Hdd,
            label: format!("drive {}", self.next()),
            holds: Holds::Originals,
            encrypted: Encrypted::Yes,
            place: "the safe".into(),
        };
        self.w.vault.enter_medium(&self.second.session.actor(), &new).unwrap().to_string()
    }

    /// The receipt of somebody who is erased for it.
    fn receipt(&self) -> String {
        self.subject_request("/receipt");
        self.w.vault.destroyed(None, 1).unwrap()[0].id.to_string()
    }

    /// The certificate of a disk image that is overwritten for it.
    fn overwritten(&self) -> String {
        let name = format!("image{}", self.next());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(&name);
        std::fs::write(&path, vec![7u8; 8_192]).unwrap();
        let serial = format!("{name}:8192");
        let order =
            device::Order { path: &path, shown: &name, serial: &serial, reason: "sold", by: "a test" };
        device::dispose(&self.w.vault, &Actor::LocalOperator, &order, &mut |_, _, _| ()).unwrap().statement.id
    }

    /// A request of the caller of the recorded call, whose identity is confirmed.
    fn subject_request(&self, pattern: &str) -> String {
        let receipt = pattern.ends_with("/receipt");
        let erasure = receipt || pattern.ends_with("/erasure") || pattern.ends_with("/second-person");
        // Who is erased for a receipt is somebody of whom nothing else here knows.
        let talk = if receipt { stuck(&self.w, self.next()) } else { self.call };
        let new = NewRequest {
            kind: if erasure { RequestKind::Erasure } else { RequestKind::Access },
            law: RequestLaw::Eu,
            arrived: Arrived::Email,
            received_on: "2026-01-05".parse().unwrap(),
            address: None,
            subject: Some(self.w.vault.party_rows(talk).unwrap()[0].subject),
            purposes: Vec::new(),
            note: String::new(),
        };
        let by = self.officer.session.actor();
        let id = self.w.vault.file_request(&by, &new).unwrap().id;
        self.w.vault.check_identity(&by, id, IdentityCheck::CallBack, true, true).unwrap();
        if receipt {
            self.erase(id, new.subject.unwrap());
        }
        self.asked.set(Some(id));
        id.to_string()
    }

    /// Two people erase somebody.
    fn erase(&self, request: SubjectRequestId, subject: SubjectId) {
        use callvault_program::request::erase::{Wish, erase, terms};
        let vault = &self.w.vault;
        let facts = terms(vault, subject).unwrap();
        let asked = vault.request_second(&self.officer.session, Shared::EraseSubject, &facts).unwrap();
        vault.decide_second(&self.second.session, asked, true).unwrap();
        let packs = callvault_law::Packs::embedded(callvault_law::Overlay::default()).unwrap();
        let wish =
            Wish { subject, request: Some(request), agreed: Some(asked), suppress: false, reason: None };
        let limits = callvault_speech::decode::Limits::default();
        erase(vault, &packs, &limits, &self.officer.session.actor(), wish).unwrap();
    }

    fn package(&self) -> Option<String> {
        Some(self.w.vault.make_package(&self.officer.session, self.asked.get()?).unwrap().to_string())
    }

    fn consent(&self) -> String {
        let new = NewConsent {
            contact: "+1 202 555 0142".into(),
            channel: "any".into(),
            purpose: "marketing".into(),
            kind: "prior_express".into(),
            detail: Detail::default(),
            proof: ConsentProof::Record(b"a form".to_vec()),
            given: "2026-01-05".parse().unwrap(),
            expires: None,
        };
        self.w.vault.record_consent(&self.second.session.actor(), &new).unwrap().to_string()
    }

    fn wish(&self) -> String {
        let by = self.second.session.actor();
        self.w.vault.enter_opt_out(&by, "+1 202 555 0142", "asked by letter").unwrap().to_string()
    }

    fn dial_check(&self) -> String {
        let question =
            Question { text: false, number: "+1 202 555 0142".into(), facts: serde_json::Map::new() };
        let now = self.w.vault.clock().now();
        dial::check(&self.w.vault, &self.second.session.actor(), &question, now).unwrap().id.to_string()
    }

    fn key(&self) -> String {
        let scopes = BTreeSet::from([Act::SeeOverview]);
        let by = Actor::LocalOperator;
        self.w.vault.make_api_key(&by, self.service, &scopes, 30).unwrap().0.to_string()
    }

    fn link(&self) -> String {
        let login = format!("newcomer{}", self.next());
        let roles = BTreeSet::from([Role::Agent]);
        let (_, link) = self.w.vault.invite(&Actor::LocalOperator, &login, "Newcomer", &roles).unwrap();
        link.expose().clone()
    }

    fn alert(&self) -> String {
        let n = self.next();
        let alert = NewAlert {
            rule: "mass-read".into(),
            title: "One account read many people".into(),
            grade: "high".into(),
            actor: self.asker.session.actor().to_string(),
            at: self.w.vault.clock().now(),
            seq: u64::from(n),
            count: 60,
            why: "60 different people within an hour; the rule begins at 60.".into(),
            entries: vec![0],
        };
        self.w.vault.raise_alerts(0, &[alert]).unwrap()[0].to_string()
    }

    /// An incident with a scope and a law, and somebody frozen for it.
    fn incident(&self) -> IncidentId {
        let (me, vault) = (Actor::LocalOperator, &self.w.vault);
        let task = NewTask {
            code: "look".into(),
            phase: Phase::Analysis,
            role: "lead".into(),
            title: "Look".into(),
        };
        let id = vault.open_incident(&me, "Too much", "high", "general", &[task], &[]).unwrap();
        let now = vault.clock().now();
        let from = now - SignedDuration::from_hours(1);
        let query = ScopeQuery { actors: Vec::new(), sessions: Vec::new(), from, to: now };
        vault.set_scope(&me, id, &query, &|_| Vec::new()).unwrap();
        vault.change_incident(&me, id, &Change::Laws(vec!["EU".into()])).unwrap();
        let login = format!("frozen{}", self.next());
        let (account, _) =
            vault.invite(&me, &login, "Frozen Person", &BTreeSet::from([Role::Agent])).unwrap();
        vault.freeze(&me, id, account).unwrap();
        self.frozen.set(Some(account));
        id
    }

    fn notice(&self) -> String {
        let id = self.incident();
        let text = "We tell you that something happened.";
        self.w
            .vault
            .draft_notice(&Actor::LocalOperator, id, "gdpr-33", "the authority", text)
            .unwrap()
            .to_string()
    }

    /// Something that exists for a place in a pattern, made for this request.
    fn thing(&self, who: &Browser, pattern: &str, before: &str, name: &str) -> Option<String> {
        let ends = |end: &str| pattern.ends_with(end);
        Some(match (before, name) {
            ("conversations", "id") if ends("/certificate") => self.disposed.to_string(),
            ("conversations", "id") => self.call.to_string(),
            ("findings", "n") => "0".into(),
            ("subjects", "id") if ends("/merge") || ends("/merge-preview") || ends("/split") => {
                self.customer().to_string()
            }
            ("subjects", "id") => self.subject().to_string(),
            ("links", "id") => self.split().0,
            ("turns", "n") => "1".into(),
            ("people" | "accounts", "id") => self.victim.session.account().to_string(),
            ("reveals", "id") if ends("/decision") || pattern.starts_with("/requests/") => {
                self.waiting_reveal(who)
            }
            ("reveals", "id") => self.reveal(who),
            ("grants", "id") => {
                self.grant(ends("/revoke") || ends("/grants/{id}") && !pattern.starts_with("/requests/"))
            }
            ("decisions", "id") => self.decision(),
            ("holds", "id") => self.hold(),
            ("keep-marks" | "marks", "id") => self.mark(),
            ("corrections", "id") => self.correction(),
            ("alerts", "id") => self.alert(),
            ("incidents", "id") => self.incident().to_string(),
            ("notices", "id") => self.notice(),
            ("frozen", "account") => self.frozen.get().unwrap().to_string(),
            ("quarantine", "id") => stuck(&self.w, self.next()).to_string(),
            ("uploads", "id") => self.upload(who),
            ("subject-requests", "id") => self.subject_request(pattern),
            ("packages", "package") => self.package()?,
            ("api-keys" | "keys", "id") => self.key(),
            ("enrol", "link") => self.link(),
            ("courses" | "training-rules", "course") => COURSE.into(),
            ("attempts", "attempt") => self.attempt(who),
            ("policies", "policy") => self.policy(),
            ("people", "account") => self.victim.session.account().to_string(),
            ("waivers" | "training-waivers", "waiver") => self.waiver(),
            ("media", "medium") => self.medium(),
            ("people", "certificate") => self.receipt(),
            ("drives", "certificate") => self.overwritten(),
            ("checks", "check") => "A01".into(),
            // A finding comes out of a scanner's report, which nobody brings here; the answer says so to everybody.
            ("findings", "finding") => "0".into(),
            ("retention-rules", "class") => "transcript".into(),
            ("collection-rules" | "{class}", "channel") => "voice".into(),
            ("{channel}", "field") => "file_name".into(),
            ("consents", "id") => self.consent(),
            ("opt-outs", "id") => self.wish(),
            ("dial-checks", "id") => self.dial_check(),
            ("law-holidays", "law") => "uk".into(),
            ("law-rows", "id") => "us.al.tel.hours".into(),
            ("processing" | "channels", "channel") => "sms".into(),
            // No authenticator stands here: nobody has a passkey to take away, and the answer says so to everybody.
            ("passkeys", "id") => "AAAA".into(),
            _ => return None,
        })
    }

    /// The sample of a route, or what is missing.
    pub fn sample(&self, who: &Browser, role: Role, method: &str, pattern: &str) -> Result<Sample, String> {
        let (mut path, mut before) = (String::new(), "");
        for part in pattern.split('/').skip(1) {
            path.push('/');
            match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
                Some(name) => path.push_str(&self.thing(who, pattern, before, name).ok_or_else(|| {
                    format!("{method} {pattern}: say in samples.rs what exists for {{{name}}} after {before}")
                })?),
                None => path.push_str(part),
            }
            before = part;
        }
        let api = pattern.starts_with("/api/");
        if method == "GET" && (pattern.ends_with("/merge-preview") || pattern.ends_with("/merge")) {
            let name = if api { "from" } else { "with" };
            path.push_str(&format!("?{name}={}", self.split().1));
        } else if api
            && method == "GET"
            && !pattern.ends_with("/links")
            && (pattern.contains("/conversations/{id}") || pattern.contains("/subjects/{id}"))
            && !pattern.ends_with("/certificate")
        {
            path.push_str(&format!("?purpose={}", purpose(role)));
        }
        if method == "GET" {
            return Ok(Sample { path, body: Body::None, meant: true });
        }
        let named = if api { self.call_body(role, method, pattern) } else { self.form_body(role, pattern) };
        let meant = named.is_some();
        let body =
            named.unwrap_or_else(|| if api { Body::Json(json!({})) } else { Body::Form(String::new()) });
        Ok(Sample { path, body, meant })
    }

    /// A measurement that the vault signed.
    fn measured(&self) -> Value {
        let plain = json!({ "planted_released": 40, "covered": 40 });
        self.w.vault.sign_measurement(&Actor::LocalOperator, plain).unwrap()
    }

    fn call_body(&self, role: Role, method: &str, pattern: &str) -> Option<Body> {
        let login = format!("person{}", self.next());
        let review = (self.w.vault.clock().now() + SignedDuration::from_hours(24 * 60))
            .strftime("%Y-%m-%d")
            .to_string();
        let purpose = purpose(role);
        let known: BTreeMap<&str, Value> = BTreeMap::from([
            ("POST accounts", json!({ "name": "New Person", "login": login, "roles": ["agent"] })),
            ("PUT accounts/{id}/roles", json!({ "roles": ["qa"] })),
            (
                "POST api-keys",
                json!({ "service": self.service.to_string(), "scopes": ["see_overview"], "days": 30 }),
            ),
            ("PUT collection-rules/{channel}/{field}", json!({ "keep": true })),
            ("POST decisions", json!({ "report": self.measured(), "cooling_days": 7 })),
            ("POST decisions/{id}/decision", json!({ "agree": false })),
            (
                "POST grants",
                json!({ "act": "play_muted", "target_kind": "conversation", "target": self.call.to_string(),
                "purpose": purpose, "minutes": 30, "reason": "a complaint" }),
            ),
            ("POST conversations/{id}/corrections", json!({ "finding": 0, "note": "no such name" })),
            ("POST corrections/{id}/decision", json!({ "agree": false })),
            ("POST links/{id}/undo", json!({ "reason": "a mistake" })),
            (
                "POST subjects/{id}/split",
                json!({ "conversations": [self.call.to_string()], "reason": "another person" }),
            ),
            ("POST grants/{id}/decision", json!({ "agree": true })),
            (
                "POST holds",
                json!({ "target_kind": "conversation", "target": self.call.to_string(), "matter": "a claim", "review": review }),
            ),
            ("POST alerts/{id}/dismissal", json!({ "reason": "it was an exercise" })),
            ("POST incidents", json!({ "title": "Too much", "severity": "high", "playbook": "general" })),
            ("POST incidents/{id}/changes", json!({ "phase": "containment" })),
            ("POST incidents/{id}/notes", json!({ "text": "called the supervisor" })),
            (
                "POST incidents/{id}/evidence",
                json!({ "name": "the shift plan", "sha256": "ab".repeat(32), "bytes": 10 }),
            ),
            ("PUT incidents/{id}/scope", json!({ "from": "2026-01-01T00:00:00Z" })),
            ("POST incidents/{id}/frozen", json!({ "account": self.victim.session.account().to_string() })),
            ("POST incidents/{id}/notices", json!({ "clock": "gdpr-33" })),
            ("PUT notices/{id}", json!({ "text": "another text" })),
            ("POST holds/{id}/release", json!({ "reason": "it was settled" })),
            ("PUT keep-marks/{id}", json!({ "reason": "a contract" })),
            (
                "POST consents",
                json!({ "contact": "+1 202 555 0142", "channel": "any", "purpose": "marketing", "kind": "prior_express",
                "given": "2026-01-05", "record": "the form as it was shown" }),
            ),
            ("POST opt-outs", json!({ "contact": "+1 202 555 0142", "reason": "asked by letter" })),
            ("POST opt-outs/{id}/verdict", json!({ "verdict": "lift", "reason": "agreed again" })),
            ("POST dial-checks", json!({ "number": "+1 202 555 0142" })),
            ("PUT law-rows/{id}", json!({ "off": true })),
            ("PUT law-holidays/{law}", json!({ "dates": ["2026-12-25"] })),
            ("PUT processing/{channel}", json!({ "purposes": ["quality"], "basis": "contract" })),
            ("PUT controller", json!({ "name": "Acme", "contact": "privacy@example.org" })),
            ("POST keep-marks/{id}/removal", json!({ "reason": "it ended" })),
            ("POST quarantine/{id}/discard", json!({ "why": "unreadable" })),
            ("PUT retention-rules/{class}/{channel}", json!({ "days": 3_000 })),
            ("POST retention-runs", json!({ "expected": 0 })),
            ("POST reveals", json!({ "token": self.tokens[0], "purpose": purpose, "reason": "a complaint" })),
            ("POST reveals/{id}/decision", json!({ "agree": true })),
            (
                "POST subject-requests",
                json!({ "kind": "access", "law": "eu", "arrived": "email", "received_on": "2026-01-05" }),
            ),
            ("POST subject-requests/{id}/steps", json!({ "step": "ask_identity" })),
            ("POST subject-requests/{id}/erasure", json!({ "suppress": false })),
            ("POST searches", json!({ "address": "+1 202 555 0142" })),
            ("POST services", json!({ "login": login, "name": "A machine" })),
            ("POST uploads", json!({ "channel": "email", "length": 40, "name": "a.eml" })),
        ]);
        let route = format!("{method} {}", pattern.trim_start_matches("/api/v1/"));
        if route == "POST subjects/{id}/merge" {
            return Some(Body::Json(
                json!({ "from": self.split().1.to_string(), "reason": "the same person" }),
            ));
        }
        if route == "PATCH uploads/{id}" {
            return Some(Body::Part("From: a@example.com\r\n\r\nhello"));
        }
        known.get(route.as_str()).cloned().map(Body::Json)
    }

    fn form_body(&self, role: Role, pattern: &str) -> Option<Body> {
        let review = (self.w.vault.clock().now() + SignedDuration::from_hours(24 * 60))
            .strftime("%Y-%m-%d")
            .to_string();
        let (login, purpose, call, service) =
            (format!("person{}", self.next()), purpose(role), self.call, self.service);
        let report: String = self.measured().to_string().bytes().map(|b| format!("%{b:02X}")).collect();
        if pattern == "/conversations/new" {
            return Some(Body::File("From: a@example.com\r\nTo: b@example.org\r\n\r\nhello\r\n"));
        }
        if pattern == "/dial/list" {
            return Some(Body::File("called\n+12025550142\n"));
        }
        let answer = if pattern == "/law/replay" { self.dial_check() } else { String::new() };
        Some(Body::Form(match pattern {
            "/dial" => "number=%2B12025550142&purpose=telemarketing".into(),
            "/consents/opt-outs" => "contact=%2B12025550142&reason=asked+by+letter".into(),
            "/consents/opt-outs/{id}" => "verdict=lift&reason=agreed+again".into(),
            "/law/rows" => "row=us.al.tel.hours&off=true".into(),
            "/law/replay" => format!("id={answer}"),
            "/law/holidays" => "law=uk&dates=2026-12-25".into(),
            "/processing/channels/{channel}" => "purpose=quality&basis=contract&condition=".into(),
            "/processing/controller" => {
                "name=Acme&contact=privacy&officer=Dana&recipients=&transfers=".into()
            }
            "/conversations/find" => "address=%2B1+202+555+0142".into(),
            "/conversations/{id}/purpose" | "/subjects/{id}/purpose" => format!("purpose={purpose}"),
            "/conversations/{id}/findings/{n}/reveal" => format!("purpose={purpose}&reason=a+complaint"),
            "/conversations/{id}/turns/{n}" => "word=0&entity=PERSON&note=a+name&seen=0".into(),
            "/conversations/{id}/findings/{n}/wrong" => "note=no+such+name".into(),
            "/corrections/{id}" => "answer=no".into(),
            "/links/{id}/undo" => format!("reason=a+mistake&back={}", self.customer()),
            "/subjects/{id}/merge" => format!("from={}&reason=the+same+person", self.split().1),
            "/subjects/{id}/split" => format!("conversation={call}&reason=another+person"),
            "/people" => format!("name=New+Person&login={login}&role=agent"),
            "/people/{id}/roles" => "role=qa".into(),
            "/incidents" => "title=Too+much&severity=high&playbook=general".into(),
            "/incidents/alerts/{id}/dismiss" => "reason=an+exercise".into(),
            "/incidents/alerts/{id}/raise" => "title=Too+much".into(),
            "/incidents/{id}/scope" => "from=2026-01-01T00%3A00".into(),
            "/incidents/{id}/change" => "what=phase&value=containment".into(),
            "/incidents/{id}/laws" => "law=EU".into(),
            "/incidents/{id}/notes" | "/incidents/notices/{id}" => "text=called+the+supervisor".into(),
            "/incidents/{id}/evidence" => format!("name=the+plan&sha256={}&bytes=10", "ab".repeat(32)),
            "/incidents/{id}/freeze" => format!("account={}", self.victim.session.account()),
            "/incidents/{id}/thaw" => {
                format!("account={}", self.frozen.get().map_or_else(String::new, |a| a.to_string()))
            }
            "/incidents/{id}/notices" => "clock=gdpr-33".into(),
            "/quarantine/{id}/discard" => "why=unreadable".into(),
            "/requests/decisions/{id}" | "/requests/reveals/{id}" => "answer=no".into(),
            "/requests/grants" => {
                format!(
                    "act=play_muted&on=conversation&target={call}&purpose={purpose}&minutes=30&reason=a+complaint"
                )
            }
            "/requests/grants/{id}" => "answer=yes".into(),
            "/retention/holds" => format!("on=conversation&target={call}&matter=a+claim&review={review}"),
            "/retention/holds/{id}/release" => "reason=it+was+settled".into(),
            "/retention/marks" => format!("conversation={call}&reason=a+contract"),
            "/retention/mode" => format!("report={report}&cooling_days=7"),
            "/retention/rules" => "class=transcript&channel=voice&days=3000".into(),
            "/retention/run" => "expected=0".into(),
            "/subject-requests" => "kind=access&law=eu&arrived=email&received_on=2026-01-05".into(),
            "/subject-requests/{id}/steps" => "step=ask_identity".into(),
            "/settings/collection" => "channel=voice&field=file_name&keep=true".into(),
            "/settings/keys" => format!("service={service}&scope=see_overview&days=30"),
            "/settings/services" => format!("login={login}&name=A+machine"),
            _ => return None,
        }))
    }

    /// Hidden values of the world that no answer of the matrix may contain, but for the one route that shows one.
    pub fn hidden(&self) -> [&'static str; 2] {
        [CARD, "Dana Whitfield"]
    }
}

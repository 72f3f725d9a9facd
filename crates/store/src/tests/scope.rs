//! Thirty planted breaches in a busy ledger: the scope finds exactly whom and what each touched.

use crate::db::params;
use crate::{
    Actor,
    incident::{Change, NewAlert, Phase, ScopeQuery},
    ledger,
    testing::{World, world},
};
use callvault_ledger::{Draft, Kind};
use callvault_model::{
    Id,
    id::{AccountId, ConversationId, PartyId, SubjectId},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Splitmix64: the same centre each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn numbered<K: callvault_model::id::Kind>(kind: u8, n: u32) -> Id<K> {
    let mut bytes = [kind; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    Id::from_bytes(bytes)
}

/// What a person's data became known as.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Known {
    clear: BTreeSet<String>,
    covered: BTreeSet<String>,
    renderings: BTreeSet<String>,
    entries: BTreeSet<u64>,
}

struct Centre {
    w: World,
    chance: Chance,
    drafts: Vec<Draft>,
    start: Timestamp,
    /// Sequence number of the first draft.
    first: u64,
}

const PEOPLE: u32 = 400;
const TYPES: [&str; 5] = ["CREDIT_CARD", "PERSON", "DOB", "ADDRESS", "MEDICAL_ID"];

impl Centre {
    /// Customers with one call each; every tenth call has two customers, and customer 399 became customer 398.
    fn new() -> Self {
        let w = world();
        {
            let db = w.vault.db();
            db.execute_batch("BEGIN").unwrap();
            for n in 0..PEOPLE {
                let (subject, call): (SubjectId, ConversationId) = (numbered(1, n), numbered(2, n));
                db.execute(
                    "INSERT INTO subject (id, tenant, role, provisional, epoch, created_at) VALUES (?1, ?2, 'customer', 0, ?3, '')",
                    params![subject.as_bytes(), w.vault.tenant.as_bytes(), w.vault.epoch().as_bytes()],
                )
                .unwrap();
                db.execute(
                    "INSERT INTO conversation (id, tenant, channel, state, received_at, duration_ms, content_index, sealed_source)
                     VALUES (?1, ?2, 'voice', 'recorded', '', 0, ?1, x'')",
                    params![call.as_bytes(), w.vault.tenant.as_bytes()],
                )
                .unwrap();
            }
            for n in 0..PEOPLE {
                let call: ConversationId = numbered(2, n);
                let mut parties = vec![("customer", n), ("agent", PEOPLE)];
                if n.is_multiple_of(10) {
                    parties.push(("customer", (n + 1) % PEOPLE));
                }
                if n == 0 {
                    let agent: SubjectId = numbered(1, PEOPLE);
                    db.execute(
                        "INSERT INTO subject (id, tenant, role, provisional, epoch, created_at) VALUES (?1, ?2, 'agent', 0, ?3, '')",
                        params![agent.as_bytes(), w.vault.tenant.as_bytes(), w.vault.epoch().as_bytes()],
                    )
                    .unwrap();
                }
                for (position, (role, person)) in parties.into_iter().enumerate() {
                    let party: PartyId = numbered(3 + position as u8, n);
                    let subject: SubjectId = numbered(1, person);
                    db.execute(
                        "INSERT INTO party (id, conversation, position, role, subject) VALUES (?1, ?2, ?3, ?4, ?5)",
                        params![party.as_bytes(), call.as_bytes(), position as i64, role, subject.as_bytes()],
                    )
                    .unwrap();
                    if role == "customer" {
                        db.execute(
                            "INSERT INTO token (id, conversation, party, entity, sealed_value) VALUES (?1, ?2, ?3, 'PERSON', x'')",
                            params![format!("tok_{n}_{person}"), call.as_bytes(), party.as_bytes()],
                        )
                        .unwrap();
                    }
                }
            }
            let (from, into): (SubjectId, SubjectId) = (numbered(1, 399), numbered(1, 398));
            db.execute(
                "INSERT INTO subject_link (id, kind, from_subject, into_subject, parties, sealed_reason, done_by, done_at)
                 VALUES (?1, 'merge', ?2, ?3, '{}', x'', 'worker', '')",
                params![[9u8; 16], from.as_bytes(), into.as_bytes()],
            )
            .unwrap();
            db.execute_batch("COMMIT").unwrap();
        }
        let first = w.vault.ledger_size().unwrap();
        let start = "2026-12-01T08:00:00Z".parse().unwrap();
        Self { w, chance: Chance(7), drafts: Vec::new(), start, first }
    }

    fn people_of(n: u32) -> Vec<u32> {
        let mut all = vec![n];
        if n.is_multiple_of(10) {
            all.push((n + 1) % PEOPLE);
        }
        // The record that was merged is the other person now.
        all.into_iter().map(|p| if p == 399 { 398 } else { p }).collect()
    }

    /// One reading of a random form at a time; what it makes known, or nothing.
    fn read(
        &mut self,
        at: Timestamp,
        actor: &str,
        session: &str,
        truth: Option<&mut BTreeMap<SubjectId, Known>>,
    ) {
        let seq = self.first + self.drafts.len() as u64;
        let n = self.chance.below(u64::from(PEOPLE)) as u32;
        let form = self.chance.below(8);
        let covered: BTreeSet<&str> =
            (0..2).map(|_| TYPES[self.chance.below(TYPES.len() as u64) as usize]).collect();
        let words = covered.iter().copied().collect::<Vec<_>>().join(" ");
        let draft = |kind| {
            Draft::new(at, kind, actor)
                .conversation(numbered(2, n))
                .fact("session", session)
                .fact("purpose", "service")
        };
        let (draft, people, known) = match form {
            0 => (draft(Kind::AccessDenied).fact("why", "role"), Vec::new(), None),
            1 => {
                let mut found = Draft::new(at, Kind::AccessPermitted, actor)
                    .fact("session", session)
                    .fact("rendering", "search");
                found.subject = n.is_multiple_of(2).then(|| numbered(1, n));
                let people =
                    if n.is_multiple_of(2) { vec![if n == 399 { 398 } else { n }] } else { Vec::new() };
                (found, people, Some(("search", None, false)))
            }
            2 => {
                let token = format!("tok_{n}_{n}");
                let people = vec![if n == 399 { 398 } else { n }];
                (
                    draft(Kind::AccessRevealed)
                        .fact("rendering", "value")
                        .fact("entity", "PERSON")
                        .fact("token", token),
                    people,
                    Some(("value", Some("PERSON"), false)),
                )
            }
            3 => {
                let page = Draft::new(at, Kind::AccessPermitted, actor)
                    .subject(numbered(1, n))
                    .fact("session", session)
                    .fact("rendering", "subject");
                (page, vec![if n == 399 { 398 } else { n }], Some(("subject", None, false)))
            }
            4 => (
                draft(Kind::AccessPermitted).fact("rendering", "muted").fact("covered", words.as_str()),
                Self::people_of(n),
                Some(("muted", Some("VOICE"), true)),
            ),
            _ => (
                draft(Kind::AccessPermitted).fact("rendering", "masked").fact("covered", words.as_str()),
                Self::people_of(n),
                Some(("masked", None, true)),
            ),
        };
        self.drafts.push(draft);
        let (Some(truth), Some((rendering, clear, covers))) = (truth, known) else { return };
        for person in people {
            let of = truth.entry(numbered(1, person)).or_default();
            of.clear.extend(clear.map(str::to_owned));
            if covers {
                of.covered.extend(covered.iter().map(|c| (*c).to_owned()));
            }
            of.renderings.insert(rendering.to_owned());
            of.entries.insert(seq);
        }
    }

    fn write(&mut self) {
        for piece in self.drafts.chunks(2_000) {
            let db = self.w.vault.db();
            db.execute_batch("BEGIN").unwrap();
            ledger::append(&db, piece, &self.w.vault.signer).unwrap();
            db.execute_batch("COMMIT").unwrap();
        }
    }
}

struct Breach {
    query: ScopeQuery,
    truth: BTreeMap<SubjectId, Known>,
}

/// Thirty breaches of forty actors' twenty days, in the noise of everybody's work, the culprits' own included.
fn planted(centre: &mut Centre) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for n in 0..30u32 {
        let account: AccountId = numbered(8, n);
        let actor = format!("account:{account}");
        let begin = centre.start + SignedDuration::from_mins(i64::from(n) * 60);
        let (from, to) = (begin + SignedDuration::from_mins(10), begin + SignedDuration::from_mins(50));
        // Every third breach names the session, too.
        let by_session = n % 3 == 0;
        let mut truth = BTreeMap::new();
        for minute in 0..60i64 {
            let at = begin + SignedDuration::from_mins(minute) + SignedDuration::from_millis(1);
            let inside = at >= from && at <= to;
            let strange = centre.chance.below(3) > 0;
            let session = if strange { "5e55100000000001" } else { "5e55100000000002" };
            let counts = inside && (strange || !by_session);
            let mut seen = BTreeMap::new();
            centre.read(at, &actor, session, Some(&mut seen));
            if counts {
                for (person, known) in seen {
                    let all: &mut Known = truth.entry(person).or_default();
                    all.clear.extend(known.clear);
                    all.covered.extend(known.covered);
                    all.renderings.extend(known.renderings);
                    all.entries.extend(known.entries);
                }
            }
            // Others work at the same time.
            let other: AccountId = numbered(8, 100 + (n * 7 + minute as u32) % 40);
            centre.read(at, &format!("account:{other}"), "5e55100000000003", None);
        }
        let sessions = if by_session { vec!["5e55100000000001".to_owned()] } else { Vec::new() };
        breaches.push(Breach { query: ScopeQuery { actors: vec![actor], sessions, from, to }, truth });
    }
    breaches
}

#[test]
fn the_scope_of_thirty_planted_breaches_is_exactly_what_was_planted() {
    let mut centre = Centre::new();
    let breaches = planted(&mut centre);
    centre.write();
    let (mut found, mut wanted, mut both) = (0usize, 0usize, 0usize);
    for breach in &breaches {
        let scope = centre.w.vault.scope(&breach.query).unwrap();
        let seen: BTreeMap<SubjectId, Known> = scope
            .people
            .iter()
            .map(|p| {
                let texts =
                    |of: &BTreeSet<crate::incident::Word>| of.iter().map(ToString::to_string).collect();
                let known = Known {
                    clear: texts(&p.clear),
                    covered: texts(&p.covered),
                    renderings: texts(&p.renderings),
                    entries: p.entries.iter().copied().collect(),
                };
                (p.subject, known)
            })
            .collect();
        let truth: BTreeMap<SubjectId, Known> = breach
            .truth
            .iter()
            .map(|(id, k)| {
                let mut k = k.clone();
                k.covered = k.covered.difference(&k.clear).cloned().collect();
                (*id, k)
            })
            .collect();
        assert!(!truth.is_empty());
        found += seen.len();
        wanted += truth.len();
        both += truth.keys().filter(|id| seen.contains_key(id)).count();
        assert_eq!(seen, truth);
        assert!(scope.unresolved.is_empty());
        // The same question gets the same answer, and each reading its proof.
        assert_eq!(centre.w.vault.scope(&breach.query).unwrap().digest, scope.digest);
        let seq = scope.entries[0].seq;
        let proof: callvault_ledger::Proof = centre.w.vault.ledger_proof(seq).unwrap().parse().unwrap();
        let key: callvault_ledger::VerifierKey = centre.w.vault.vkey().parse().unwrap();
        assert_eq!(proof.verify(&key).unwrap().0.actor, breach.query.actors[0]);
    }
    assert!(wanted > 600);
    let (precision, recall) = (both as f64 / found as f64, both as f64 / wanted as f64);
    assert_eq!((precision, recall), (1.0, 1.0), "{both} of {found} found and {wanted} planted");
}

#[test]
fn a_scope_refuses_a_ledger_that_is_not_what_was_written() {
    let mut centre = Centre::new();
    let breaches = planted(&mut centre);
    centre.write();
    let scope = centre.w.vault.scope(&breaches[0].query).unwrap();
    let first = scope.entries.iter().find(|e| e.purpose.is_some()).unwrap().seq;
    {
        let db = centre.w.vault.db();
        let of = params![first as i64];
        let body: Vec<u8> =
            db.query_row("SELECT body FROM ledger_entry WHERE seq = ?1", of, |r| r.get(0)).unwrap();
        let other = String::from_utf8(body).unwrap().replace("service", "quality");
        let put = "UPDATE ledger_entry SET body = ?2 WHERE seq = ?1";
        db.execute(put, params![first as i64, other.as_bytes()]).unwrap();
    }
    let refused = centre.w.vault.scope(&breaches[0].query).unwrap_err().to_string();
    assert!(refused.contains("verify the ledger"), "{refused}");
    // The stream of the watch tells it, too, and goes on behind it.
    let fed = centre.w.vault.feed(first, 10).unwrap();
    assert_eq!(fed.broken.first().map(|b| b.seq), Some(first));
    assert_eq!(fed.next, first + 10);
}

#[test]
fn alerts_are_kept_with_the_mark_and_told_once() {
    let w = world();
    let alert = NewAlert {
        rule: "mass-read".into(),
        title: "t".into(),
        grade: "high".into(),
        actor: "account:a".into(),
        at: w.vault.clock().now(),
        seq: 1,
        count: 60,
        why: "w.".into(),
        entries: (0..500).collect(),
    };
    assert_eq!(w.vault.raise_alerts(2, std::slice::from_ref(&alert)).unwrap().len(), 1);
    assert_eq!(w.vault.raise_alerts(2, std::slice::from_ref(&alert)).unwrap().len(), 0);
    assert_eq!((w.vault.watch_next().unwrap(), w.vault.open_alerts().unwrap()), (2, 1));
    let row = w.vault.alerts(None).unwrap().remove(0);
    assert_eq!((row.found.entries.len(), row.found.entries[199]), (200, 499));
    let w = w.reopen();
    assert_eq!(w.vault.told(SignedDuration::from_hours(1)).unwrap().len(), 1);
    let id = w.vault.open_incident(&Actor::LocalOperator, "one", "high", "general", &[], &[row.id]).unwrap();
    assert!(w.vault.dismiss_alert(&Actor::LocalOperator, row.id, "nothing").is_err());
    let tomorrow = w.vault.clock().now() + SignedDuration::from_hours(24);
    let me = Actor::LocalOperator;
    assert!(w.vault.change_incident(&me, id, &Change::Event("aware".into(), Some(tomorrow))).is_err());
    assert!(w.vault.change_incident(&me, id, &Change::Event("guessed".into(), None)).is_err());
    w.vault.change_incident(&me, id, &Change::Phase(Phase::Closed)).unwrap();
    assert!(w.vault.note_incident(&me, id, "too late").is_err());
    w.vault.change_incident(&me, id, &Change::Phase(Phase::Review)).unwrap();
    w.vault.note_incident(&me, id, "open again").unwrap();
    assert!(w.vault.timeline(id).unwrap().len() >= 5);
    w.verify();
}

#[test]
fn a_drill_is_a_copy_under_another_key_and_the_vault_is_untouched() {
    let w = world();
    let call = w.call(1);
    let before = w.vault.ledger_size().unwrap();
    let dir = w.dir.path().join("drill");
    let new = crate::NewVault {
        dir: &dir.join("data"),
        key_file: &dir.join("drill.key"),
        protection: callvault_seal::Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
    let id = Id::new(w.vault.clock(), &callvault_seal::OsEntropy).unwrap();
    let copy = crate::Vault::copy_for_drill(w.vault.dir(), &new, id, w.clock.clone(), 30).unwrap();
    assert!(copy.is_drill().unwrap() && !w.vault.is_drill().unwrap());
    assert_ne!(copy.vkey(), w.vault.vkey());
    // Who took part in what is there; what was said is not.
    assert_eq!(copy.party_rows(call).unwrap().len(), 2);
    assert!(copy.masked(call).unwrap().turns.is_empty());
    let agent = copy.drill_mass_read(70, SignedDuration::from_secs(10)).unwrap();
    let now = copy.clock().now();
    let query = ScopeQuery {
        actors: vec![format!("account:{agent}")],
        sessions: Vec::new(),
        from: now - SignedDuration::from_hours(2),
        to: now,
    };
    assert_eq!(copy.scope(&query).unwrap().people.len(), 70);
    assert!(w.vault.drill_mass_read(1, SignedDuration::from_secs(1)).is_err());
    assert_eq!(w.vault.ledger_size().unwrap(), before);
    let options = callvault_ledger::Options { key: None, anchors: Vec::new() };
    assert!(ledger::verify_data(&dir.join("data"), &options).unwrap().is_ok());
}

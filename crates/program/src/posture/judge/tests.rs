//! Every check is flipped: a situation in which it passes, and at least one in which it fails.

use super::*;
use crate::posture::{
    Seen,
    facts::{
        Anchor, Control, Folder, Host, KeyPlace, KeyedBy, LedgerState, LegalClocks, Listener, Node, OpenPort,
        Opened, PasswordRule, Pbx, Promises, Requests, RulesOfAccess, Scans, Sealed, ServerCertificate,
        Strays, Transport, Tree,
    },
    settings::Evidence,
};
use callvault_store::{
    Disposal,
    posture::{
        Account, ApiKey, Canaries, Grant, Hold, LedgerCensus, Media, Originals, Rule, SessionRow, Tenant,
        Training,
    },
    settings::Measured,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

const NOW: &str = "2026-11-24T10:00:00Z";

fn at(days: i64) -> String {
    let now: Timestamp = NOW.parse().unwrap();
    (now - jiff::SignedDuration::from_hours(24 * days)).to_string()
}

fn node(mode: u32) -> Node {
    Node { path: "/x".into(), mode, uid: 1000 }
}

fn folder() -> Folder {
    Folder { path: "/calls".into(), mode: Some(0o750), reachable: true, files: 3, ..Folder::default() }
}

fn person(id: &str, roles: &[&str]) -> Account {
    Account {
        id: id.into(),
        kind: "person".into(),
        state: "active".into(),
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
        password: Some("argon2id$v=19$m=65536,t=3,p=1".into()),
        totp: true,
        passkeys: 1,
        created_at: at(20),
        last_seen_at: Some(at(1)),
        reviewed_at: Some(at(10)),
        ..Account::default()
    }
}

/// A sound installation.
fn good() -> Facts {
    let now: Timestamp = NOW.parse().unwrap();
    let kinds: BTreeMap<String, (u64, String)> = [
        "vault.created",
        "vault.backup_written",
        "vault.restore_rehearsed",
        "session.started",
        "signin.failed",
        "access.permitted",
        "access.denied",
        "audio.shredded",
        "certificate.issued",
    ]
    .into_iter()
    .map(|k| (k.to_owned(), (2, at(0))))
    .collect();
    let evidence = catalogue()
        .unwrap()
        .into_iter()
        .filter(|c| c.evidence_days.is_some())
        .map(|c| {
            (
                c.id,
                (
                    Evidence {
                        date: "2026-11-20".parse().unwrap(),
                        by: "security officer".into(),
                        file: None,
                    },
                    true,
                ),
            )
        })
        .collect();
    Facts {
        at: now,
        tree: Seen::Known(Tree { root: node(0o700), looked_at: 9, ..Tree::default() }),
        key: Seen::Known(KeyPlace { file: node(0o600), passphrase: true, ..KeyPlace::default() }),
        sealed: Seen::Known(Sealed { looked_at: 4, ..Sealed::default() }),
        strays: Seen::Known(Strays { files: 2, ..Strays::default() }),
        folders: Seen::Known(vec![folder()]),
        schema: Seen::Known((2, 2)),
        disposal: Seen::Known(Some(Disposal {
            enabled_at: at(30),
            enabled_by: vec!["account:a".into(), "account:b".into()],
            cooling_days: 7,
            measured: Measured { planted: 400, covered: 399, recall_at_least: 0.98 },
        })),
        tokens: Seen::Known([("CREDIT_CARD".to_owned(), 3u64)].into()),
        states: Seen::Known(
            [("recorded".to_owned(), (5, at(3))), ("quarantined".to_owned(), (1, at(1)))].into(),
        ),
        rules: Seen::Known(vec![Rule {
            class: "redacted_audio".into(),
            channel: "*".into(),
            days: Some(30),
        }]),
        overdue: Seen::Known(BTreeMap::new()),
        originals: Seen::Known(Originals { live: 3, destroyed: 2, ..Originals::default() }),
        holds: Seen::Known(vec![Hold { id: "h".into(), owned: true, placed_at: at(5), review_at: at(-60) }]),
        accounts: Seen::Known(vec![person("a", &["admin"]), person("b", &["agent"])]),
        sessions: Seen::Known(vec![SessionRow {
            account: "a".into(),
            created_at: at(0),
            last_seen_at: at(0),
        }]),
        api_keys: Seen::Known(vec![ApiKey {
            id: "k".into(),
            account: "c".into(),
            scopes: "[\"upload\"]".into(),
            created_at: at(30),
            expires_at: at(-60),
            last_used_at: Some(at(1)),
        }]),
        grants: Seen::Known(vec![Grant {
            id: "g".into(),
            account: "b".into(),
            act: "play_muted".into(),
            state: "active".into(),
            decided_by: Some("a".into()),
            ends_at: Some(at(-1)),
        }]),
        census: Seen::Known(LedgerCensus {
            entries: 20,
            kinds,
            first_at: at(30),
            last_at: at(0),
            epochs: [("e".to_owned(), at(10))].into(),
            certificates: 2,
            ..LedgerCensus::default()
        }),
        ledger: Seen::Known(LedgerState { size: 20, broken: None, went_back: 0 }),
        anchors: Seen::Known(vec![Anchor {
            path: "/mnt/usb/checkpoint".into(),
            age_days: 1,
            ..Anchor::default()
        }]),
        listeners: Seen::Known(vec![Listener {
            address: "0.0.0.0:8443".into(),
            versions: vec!["TLS 1.2".into(), "TLS 1.3".into()],
            ..Listener::default()
        }]),
        certificate: Seen::Known(ServerCertificate {
            path: "/c.pem".into(),
            not_after: now.as_second() + 60 * 86_400,
            not_before: now.as_second() - 86_400,
            names: vec!["*.example.org".into()],
            wanted: "calls.example.org".into(),
            key: "EC 256".into(),
            strong: true,
            private: Some(node(0o600)),
            ..ServerCertificate::default()
        }),
        open_ports: Seen::Known(vec![OpenPort {
            port: 8443,
            address: "0.0.0.0".into(),
            allowed: Some("callvault".into()),
        }]),
        pbx: Seen::Known(Pbx {
            kinds: vec!["Asterisk".into()],
            recordings: vec![folder()],
            controls: vec![Control { file: "manager.conf".into(), bind: "127.0.0.1".into(), loopback: true }],
            transports: vec![Transport { file: "pjsip.conf".into(), name: "tls".into(), encrypted: true }],
            plain_media: (0, 4),
            secrets: 3,
            ..Pbx::default()
        }),
        host: Seen::Known(Host {
            swaps: vec![("/dev/dm-1".into(), Some(true))],
            core_limit: Some(0),
            umask: Some(0o077),
            uid: Some(990),
            no_new_privileges: Some(true),
            time_service: Some("chronyd".into()),
            free_percent: Some(60),
            encrypted_volume: Some(true),
        }),
        models: Seen::Known([("moonshine-base-en".to_owned(), "pinned".to_owned())].into()),
        scans: Seen::Known(Scans {
            newest: [("nmap".to_owned(), 3)].into(),
            overdue: Ids::default(),
            open: 1,
        }),
        training: Seen::Known(Training {
            people: 2,
            bound: true,
            excused: one("b clean-desk"),
            ..Training::default()
        }),
        media: Seen::Known(Media { entered: 3, ..Media::default() }),
        rules_of_access: Seen::Known(RulesOfAccess {
            fingerprint: "ab".repeat(32),
            ..RulesOfAccess::default()
        }),
        passwords: Seen::Known(PasswordRule { least: 12, known: 200 }),
        opened: Seen::Known(Opened { tried: 4, ..Opened::default() }),
        promises: Seen::Known(Promises {
            requests: Requests { open: 2, ..Requests::default() },
            clocks: LegalClocks { incidents: 1, counted: 3, ..LegalClocks::default() },
        }),
        canaries: Seen::Known(Canaries { planted: 5, ..Canaries::default() }),
        tenants: Seen::Known(vec![tenant("acme", "live", true), tenant("borealis", "ended", false)]),
        evidence,
    }
}

fn tenant(name: &str, state: &str, there: bool) -> Tenant {
    Tenant { name: name.into(), state: state.into(), there, its_own: there }
}

/// Changes one known fact.
fn keyed_by(mode: u32, same_file_system: bool) -> KeyedBy {
    KeyedBy {
        name: "transit".into(),
        host: "bao.example.org".into(),
        files: vec![node(mode)],
        same_file_system,
    }
}

fn set<T>(seen: &mut Seen<T>, change: impl FnOnce(&mut T)) {
    match seen {
        Seen::Known(fact) => change(fact),
        _ => panic!("the good situation lacks a fact"),
    }
}

fn one(id: &str) -> Ids {
    Ids { count: 1, first: vec![id.into()] }
}

type Spoil = fn(&mut Facts);

/// How each check is made to fail; several ways where it has several reasons.
const BAD: &[(&str, Spoil)] = &[
    ("A10", |f| set(&mut f.rules_of_access, |r| r.broken = Some("a policy has no id".into()))),
    ("A10", |f| set(&mut f.rules_of_access, |r| r.leaks.push("admin may play_muted".into()))),
    ("A14", |f| set(&mut f.passwords, |p| p.least = 8)),
    ("A14", |f| set(&mut f.passwords, |p| p.known = 0)),
    ("A16", |f| set(&mut f.training, |t| t.closed = one("a payment-calls"))),
    ("A16", |f| set(&mut f.training, |t| t.toothless = one("a payment-calls"))),
    ("A19", |f| set(&mut f.training, |t| t.bound = false)),
    ("D15", |f| set(&mut f.media, |m| m.late = one("m"))),
    ("D15", |f| set(&mut f.media, |m| m.lost = one("m"))),
    ("D15", |f| set(&mut f.media, |m| m.unwitnessed = one("m"))),
    ("D16", |f| set(&mut f.media, |m| m.uncertified = one("m"))),
    ("D16", |f| set(&mut f.media, |m| m.self_witnessed = one("m"))),
    ("E01", |f| set(&mut f.opened, |o| o.failed = one("o"))),
    ("T01", |f| set(&mut f.listeners, |l| l[0].versions.insert(0, "TLS 1.0".into()))),
    ("T01", |f| {
        set(&mut f.listeners, |l| {
            l[0].versions.clear();
            l[0].plain = true;
        })
    }),
    ("T02", |f| set(&mut f.certificate, |c| c.self_signed = true)),
    ("T02", |f| set(&mut f.certificate, |c| c.not_after = c.not_before + 86_400)),
    ("T02", |f| set(&mut f.certificate, |c| c.not_after -= 50 * 86_400)),
    ("T02", |f| set(&mut f.certificate, |c| c.wanted = "calls.example.com".into())),
    ("T02", |f| set(&mut f.certificate, |c| c.strong = false)),
    ("T02", |f| set(&mut f.certificate, |c| c.private = Some(node(0o644)))),
    ("T03", |f| set(&mut f.listeners, |l| l[0].weak.push("RC4-SHA".into()))),
    ("T04", |f| set(&mut f.pbx, |p| p.transports[0].encrypted = false)),
    ("T04", |f| set(&mut f.pbx, |p| p.plain_media.0 = 1)),
    ("E01", |f| set(&mut f.sealed, |s| s.changed = one("o"))),
    ("E01", |f| set(&mut f.sealed, |s| s.plain = one("o"))),
    ("E01", |f| set(&mut f.originals, |o| o.shared_keys = one("o"))),
    ("E02", |f| set(&mut f.key, |k| k.file.mode = 0o640)),
    ("E02", |f| set(&mut f.key, |k| k.same_file_system = true)),
    ("E02", |f| set(&mut f.key, |k| k.loose.push(node(0o644)))),
    ("E02", |f| set(&mut f.key, |k| k.service = Some(keyed_by(0o640, false)))),
    ("E02", |f| {
        set(&mut f.key, |k| {
            k.same_file_system = true;
            k.service = Some(keyed_by(0o600, true));
        })
    }),
    ("E03", |f| set(&mut f.census, |c| c.epochs = [("e".to_owned(), at(40))].into())),
    ("E03", |f| {
        set(&mut f.census, |c| {
            c.kinds.insert("vault.created".into(), (1, at(400)));
        })
    }),
    ("E05", |f| {
        set(&mut f.census, |c| {
            c.kinds.remove("vault.backup_written");
        })
    }),
    ("E05", |f| {
        set(&mut f.census, |c| {
            c.kinds.insert("vault.backup_written".into(), (1, at(2)));
        })
    }),
    ("E06", |f| set(&mut f.host, |h| h.swaps[0].1 = Some(false))),
    ("E06", |f| set(&mut f.host, |h| h.swaps[0].1 = None)),
    ("E06", |f| set(&mut f.host, |h| h.core_limit = None)),
    ("E07", |f| set(&mut f.tree, |t| t.root.mode = 0o755)),
    ("E07", |f| set(&mut f.tree, |t| t.foreign = one("/x/y"))),
    ("E08", |f| set(&mut f.tenants, |t| t[0].its_own = false)),
    ("E08", |f| set(&mut f.tenants, |t| t[1].there = true)),
    ("E08", |f| set(&mut f.tenants, |t| t.push(tenant("third", "ending", true)))),
    ("E08", |f| set(&mut f.tenants, |t| t.push(tenant("third", "unfinished", true)))),
    ("E08", |f| set(&mut f.opened, |o| o.tenants.push("acme".into()))),
    ("D01", |f| {
        set(&mut f.tokens, |t| {
            t.insert("CVV".into(), 1);
        })
    }),
    ("D02", |f| set(&mut f.strays, |s| s.cards = one("export.csv"))),
    ("D04", |f| set(&mut f.rules, Vec::clear)),
    ("D04", |f| {
        set(&mut f.overdue, |o| {
            o.insert("redacted_audio".into(), one("o"));
        })
    }),
    ("D05", |f| set(&mut f.originals, |o| o.late = one("c"))),
    ("D05", |f| set(&mut f.originals, |o| o.undead_key = one("o"))),
    ("D05", |f| set(&mut f.originals, |o| o.undead_file = one("o"))),
    ("D06", |f| {
        set(&mut f.states, |s| {
            s.insert("received".into(), (1, at(1)));
        })
    }),
    ("D06", |f| {
        set(&mut f.states, |s| {
            s.insert("quarantined".into(), (2, at(9)));
        })
    }),
    ("D09", |f| set(&mut f.holds, |h| h[0].owned = false)),
    ("D09", |f| set(&mut f.holds, |h| h[0].review_at = at(3))),
    ("D09", |f| set(&mut f.holds, |h| h[0].review_at = at(-300))),
    ("D10", |f| set(&mut f.originals, |o| o.uncertified = one("c"))),
    ("D10", |f| set(&mut f.originals, |o| o.destroyed = 3)),
    ("D12", |f| set(&mut f.promises, |p| p.requests.overdue = one("r"))),
    ("R03", |f| set(&mut f.promises, |p| p.clocks.over = one("gdpr-33"))),
    ("R03", |f| set(&mut f.promises, |p| p.clocks.undrafted = one("gdpr-33"))),
    ("R04", |f| set(&mut f.canaries, |c| c.planted = 0)),
    ("R04", |f| set(&mut f.canaries, |c| c.untold = one("a"))),
    ("R09", |f| {
        set(&mut f.census, |c| {
            c.kinds.remove("vault.restore_rehearsed");
        })
    }),
    ("R09", |f| {
        set(&mut f.census, |c| {
            c.kinds.insert("vault.restore_rehearsed".into(), (1, at(91)));
        })
    }),
    ("D13", |f| f.disposal = Seen::Known(None)),
    ("D13", |f| set(&mut f.disposal, |d| d.as_mut().unwrap().enabled_by.truncate(1))),
    ("D14", |f| set(&mut f.folders, |v| v[0].mode = Some(0o755))),
    ("D14", |f| set(&mut f.folders, |v| v[0].web_root = true)),
    ("A01", |f| {
        set(&mut f.accounts, |a| {
            a[1].totp = false;
            a[1].passkeys = 0;
        })
    }),
    ("A02", |f| set(&mut f.accounts, |a| a[0].passkeys = 0)),
    ("A04", |f| set(&mut f.accounts, |a| a[1].last_seen_at = Some(at(91)))),
    ("A05", |f| {
        set(&mut f.accounts, |a| {
            let mut gone = person("c", &["agent"]);
            gone.state = "revoked".into();
            a.push(gone);
        })
    }),
    ("A06", |f| set(&mut f.accounts, |a| a[0].reviewed_at = Some(at(100)))),
    ("A06", |f| set(&mut f.accounts, |a| a[1].reviewed_self = true)),
    ("A07", |f| set(&mut f.api_keys, |k| k[0].expires_at = at(-400))),
    ("A07", |f| set(&mut f.api_keys, |k| k[0].last_used_at = Some(at(91)))),
    ("A07", |f| set(&mut f.api_keys, |k| k[0].scopes = "[]".into())),
    ("A08", |f| set(&mut f.grants, |g| g[0].decided_by = Some("b".into()))),
    ("A08", |f| set(&mut f.grants, |g| g[0].decided_by = None)),
    ("A09", |f| set(&mut f.accounts, |a| a[0].roles.push("auditor".into()))),
    ("A12", |f| set(&mut f.sessions, |s| s[0].created_at = at(1))),
    ("A13", |f| set(&mut f.accounts, |a| a[1].failures = 10)),
    ("A15", |f| set(&mut f.accounts, |a| a[1].password = Some("argon2id$v=19$m=4096,t=3,p=1".into()))),
    ("A15", |f| set(&mut f.accounts, |a| a[1].password = Some("2b".into()))),
    ("A17", |f| set(&mut f.grants, |g| g[0].ends_at = None)),
    ("A17", |f| set(&mut f.accounts, |a| a.extend((0..5).map(|n| person(&format!("n{n}"), &["admin"]))))),
    ("L01", |f| set(&mut f.ledger, |l| l.broken = Some("first broken entry: 3".into()))),
    ("L02", |f| set(&mut f.anchors, Vec::clear)),
    ("L02", |f| set(&mut f.anchors, |a| a[0].problem = Some("two histories".into()))),
    ("L02", |f| set(&mut f.anchors, |a| a[0].age_days = 8)),
    ("L02", |f| set(&mut f.anchors, |a| a[0].same_file_system = true)),
    ("L04", |f| set(&mut f.census, |c| c.clock_steps = one("4"))),
    ("L04", |f| set(&mut f.host, |h| h.time_service = None)),
    ("L05", |f| {
        set(&mut f.rules, |r| r.push(Rule { class: "evidence".into(), channel: "*".into(), days: Some(90) }))
    }),
    ("L06", |f| {
        set(&mut f.census, |c| {
            c.kinds.remove("access.denied");
        })
    }),
    ("L06", |f| {
        set(&mut f.census, |c| {
            c.kinds.insert("signin.failed".into(), (1, at(40)));
        })
    }),
    ("L09", |f| set(&mut f.census, |c| c.personal.mails = one("4"))),
    ("L09", |f| set(&mut f.census, |c| c.unreadable = one("4"))),
    ("V02", |f| {
        set(&mut f.scans, |s| {
            s.newest.insert("nmap".into(), 91);
        })
    }),
    ("V02", |f| set(&mut f.scans, |s| s.overdue = one("x"))),
    ("V06", |f| set(&mut f.open_ports, |p| p[0].allowed = None)),
    ("V07", |f| {
        set(&mut f.models, |m| {
            m.insert("moonshine-base-en".into(), "changed".into());
        })
    }),
    ("V08", |f| set(&mut f.host, |h| h.uid = Some(0))),
    ("V08", |f| set(&mut f.host, |h| h.no_new_privileges = Some(false))),
    ("V08", |f| set(&mut f.host, |h| h.umask = Some(0o022))),
    ("V09", |f| set(&mut f.host, |h| h.encrypted_volume = Some(false))),
    ("V09", |f| set(&mut f.host, |h| h.free_percent = Some(5))),
    ("V11", |f| set(&mut f.pbx, |p| p.shipped_secrets.push("manager.conf".into()))),
    ("V13", |f| f.schema = Seen::Known((1, 2))),
    ("P01", |f| set(&mut f.pbx, |p| p.recordings[0].mode = Some(0o755))),
    ("P02", |f| {
        set(&mut f.pbx, |p| {
            p.controls[0].loopback = false;
            p.controls[0].bind = "0.0.0.0".into();
        })
    }),
];

fn ended(facts: &Facts) -> BTreeMap<String, Verdict> {
    catalogue().unwrap().into_iter().map(|c| (c.id.clone(), verdict(facts, &c))).collect()
}

#[test]
fn a_sound_installation_passes_every_check() {
    for (id, v) in ended(&good()) {
        assert_eq!(v.status, Status::Pass, "{id}: {:?}", v.evidence);
        assert!(v.evidence.iter().all(|e| !e.is_empty()), "{id} passes without saying why");
    }
}

#[test]
fn a_copy_of_the_disk_opens_nothing_where_only_a_service_lets_in() {
    let mut facts = good();
    set(&mut facts.key, |k| {
        k.same_file_system = true;
        k.service = Some(keyed_by(0o600, false));
    });
    let verdict = format!("{:?}", ended(&facts)["E02"]);
    assert!(
        verdict.contains("Pass") && verdict.contains("opened only by transit at bao.example.org"),
        "{verdict}"
    );
}

#[test]
fn every_check_fails_in_its_bad_situation_and_no_other_does() {
    for (n, (id, spoil)) in BAD.iter().enumerate() {
        let mut facts = good();
        spoil(&mut facts);
        // A leaver is only a fault with something left behind.
        if *id == "A05" {
            set(&mut facts.sessions, |s| s[0].account = "c".into());
        }
        let failed: Vec<String> =
            ended(&facts).into_iter().filter(|(_, v)| v.status != Status::Pass).map(|(i, _)| i).collect();
        assert_eq!(failed, [*id], "situation {n}");
    }
}

#[test]
fn no_check_is_without_a_situation_of_each_kind() {
    let bad: BTreeSet<&str> = BAD.iter().map(|(id, _)| *id).collect();
    let judged: BTreeSet<&str> = judges().map(|(id, _)| *id).collect();
    for check in catalogue().unwrap() {
        let id = check.id.as_str();
        if check.evidence_days.is_some() {
            assert!(!judged.contains(id), "{id} is judged twice");
        } else {
            assert!(judged.contains(id) && bad.contains(id), "{id} has no judge or no bad situation");
        }
    }
    assert_eq!(judged.len(), judges().count(), "a check is judged by two functions");
    assert!(judged.len() >= 56, "{}", judged.len());
}

#[test]
fn documents_age_and_must_be_there() {
    for check in catalogue().unwrap().iter().filter(|c| c.evidence_days.is_some()) {
        let days = check.evidence_days.unwrap();
        let status = |change: &dyn Fn(&mut (Evidence, bool))| {
            let mut facts = good();
            change(facts.evidence.get_mut(&check.id).unwrap());
            verdict(&facts, check).status
        };
        let dated = |age: u32| {
            let day =
                today(NOW.parse().unwrap()).checked_sub(jiff::Span::new().days(i64::from(age))).unwrap();
            status(&move |e| e.0.date = day)
        };
        assert_eq!((dated(days), dated(days + 1)), (Status::Pass, Status::Fail), "{}", check.id);
        assert_eq!(status(&|e| e.0.date = "2027-01-01".parse().unwrap()), Status::Fail);
        assert_eq!(
            status(&|e| {
                e.0.file = Some("/none.pdf".into());
                e.1 = false;
            }),
            Status::Fail
        );
        let mut facts = good();
        facts.evidence.clear();
        assert_eq!(verdict(&facts, check).status, Status::Unknown);
    }
}

#[test]
fn nothing_known_passes_nothing() {
    for (id, v) in ended(&Facts::default()) {
        assert_eq!(v.status, Status::Unknown, "{id}: {:?}", v.evidence);
    }
}

#[test]
fn a_waiver_silences_a_failure_until_its_end_and_nothing_else() {
    let text = "[[waiver]]\ncheck='E07'\nuntil='2026-12-01'\nby='security officer'\nreason='moved to the new host next week'\n";
    let settings = Settings::parse(text, &["E07"], NOW.parse().unwrap()).unwrap();
    let mut facts = good();
    set(&mut facts.tree, |t| t.root.mode = 0o755);
    let find =
        |facts: &Facts| judge(facts, &settings).unwrap().into_iter().find(|f| f.check.id == "E07").unwrap();
    assert!(!find(&facts).fails() && find(&facts).status == Status::Fail);
    assert!(find(&good()).waived.is_none(), "what passes needs no waiver");
    facts.at = "2026-12-02T00:00:00Z".parse().unwrap();
    assert!(find(&facts).fails());
}

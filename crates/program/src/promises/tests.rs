use super::*;
use callvault_law::Overlay;
use callvault_model::Id;
use callvault_store::{
    incident::Phase,
    requests::{Arrived, Identity, RequestKind, RequestLaw},
};
use std::collections::BTreeMap;

fn packs() -> Packs {
    Packs::embedded(Overlay::default()).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn request(received: &str) -> RequestRow {
    RequestRow {
        id: Id::from_bytes([4; 16]),
        kind: RequestKind::Access,
        law: RequestLaw::Eu,
        arrived: Arrived::Email,
        received_on: received.into(),
        recorded_at: format!("{received}T09:00:00Z"),
        recorded_by: "local-operator".into(),
        subject: None,
        identity: Identity::Confirmed,
        identity_asked_on: None,
        identity_on: Some(received.into()),
        extended_on: None,
        extension_reason: String::new(),
        purposes: Vec::new(),
        state: RequestState::Open,
        outcome: None,
        answered_on: None,
        closed_at: None,
        note: String::new(),
    }
}

/// An incident whose seventy-two hours to the supervisory authority begin on Monday, 9:00.
fn incident() -> IncidentRow {
    let aware = time("2026-06-01T09:00:00Z");
    IncidentRow {
        id: Id::from_bytes([5; 16]),
        title: String::new(),
        phase: Phase::Notification,
        severity: "high".into(),
        playbook: "general".into(),
        opened_at: aware.to_string(),
        opened_by: "local-operator".into(),
        closed_at: None,
        events: ["discovered", "aware"].map(|e| (e.to_owned(), aware)).into(),
        laws: vec!["EU".into()],
        counts: BTreeMap::new(),
        query: None,
        scope: None,
    }
}

fn notice(clock: &str, sent: Option<&str>) -> NoticeRow {
    NoticeRow {
        id: Id::from_bytes([6; 16]),
        incident: Id::from_bytes([5; 16]),
        clock: clock.into(),
        recipient: "the authority".into(),
        body: String::new(),
        drafted_at: "2026-06-02T09:00:00Z".into(),
        drafted_by: "local-operator".into(),
        sent_at: sent.map(str::to_owned),
        sent_by: sent.map(|_| "local-operator".to_owned()),
    }
}

#[test]
fn a_request_is_late_on_the_day_after_its_last_one() {
    let (packs, row) = (packs(), request("2026-01-05"));
    let late = |row: &RequestRow, day: &str| {
        requests(&packs, &Holidays::default(), std::slice::from_ref(row), time(&format!("{day}T12:00:00Z")))
            .unwrap()
            .overdue
            .count
    };
    // One month from 5 January (GDPR article 12(3)).
    assert_eq!((late(&row, "2026-02-05"), late(&row, "2026-02-06")), (0, 1));
    let extended = RequestRow { extended_on: Some("2026-02-01".into()), ..row.clone() };
    assert_eq!((late(&extended, "2026-02-06"), late(&extended, "2026-04-07")), (0, 1));
    let answered =
        RequestRow { state: RequestState::Answered, answered_on: Some("2026-02-01".into()), ..row };
    assert_eq!(late(&answered, "2026-04-07"), 0);
}

#[test]
fn a_legal_clock_wants_a_draft_before_its_last_hours_and_a_notice_before_its_end() {
    let packs = packs();
    let at =
        |notices: &[NoticeRow], now: &str| incidents(&packs, &[(incident(), notices.to_vec())], time(now));
    let mine = |ids: &callvault_store::posture::Ids| ids.first.iter().any(|l| l.starts_with("gdpr-33"));
    let clock = clocks::countdowns(&packs, &incident(), &[], time("2026-06-01T10:00:00Z"));
    let authority = clock.iter().find(|c| c.clock.starts_with("gdpr-33")).unwrap();
    let ends = authority.ends.unwrap();
    let before = |hours: i64| (ends - SignedDuration::from_hours(hours)).to_string();
    let early = at(&[], &before(13));
    assert!(early.incidents == 1 && early.counted >= 1 && !mine(&early.undrafted) && !mine(&early.over));
    assert!(mine(&at(&[], &before(11)).undrafted));
    let drafted = [notice(&authority.clock, None)];
    assert!(!mine(&at(&drafted, &before(11)).undrafted));
    let over = at(&drafted, &before(-1));
    assert!(mine(&over.over) && !mine(&over.undrafted), "a draft is no notice");
    let sent = [notice(&authority.clock, Some("2026-06-03T09:00:00Z"))];
    assert!(!mine(&at(&sent, &before(-1)).over));
}

//! Audit, findings register and the register of drives over HTTP: who may, hostile files, and no certificate without a
//! witness.

use crate::world::{Browser, World, world};
use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use callvault_policy::Role;
use serde_json::json;

const NMAP: &str = include_str!("../../../program/tests/reports/nmap.xml");

/// Posts a file by the form of the page.
async fn upload(w: &World, who: &Browser, csrf: &str, bytes: &[u8]) -> crate::world::Answer {
    let mut body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"r.xml\"\r\nContent-Type: text/xml\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let request = who
        .request(Method::POST, "/posture/findings")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .body(Body::from(body))
        .unwrap();
    w.send(request).await
}

#[tokio::test]
async fn the_audit_runs_opens_sealed_files_and_is_kept() {
    let w = world();
    let (officer, auditor) =
        (w.browser("officer", &[Role::PrivacyOfficer]), w.browser("auditor", &[Role::Auditor]));
    w.call(1);
    assert!(w.get(&officer, "/posture").await.text().contains("No run is kept yet"));
    assert_eq!(w.post(&auditor, "/posture/runs", "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(w.post(&officer, "/posture/runs", "").await.status, StatusCode::SEE_OTHER);
    let page = w.get(&auditor, "/posture").await.text();
    assert!(page.contains("2 opened with their own key"), "{page}");
    assert_eq!(w.kinds("audit.run"), 1);
    let last = w.get(&auditor, "/api/v1/audits/last").await.json();
    let check = |id: &str| {
        last["checks"].as_array().unwrap().iter().find(|c| c["id"] == id).unwrap()["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        (check("A10"), check("A16"), check("D15")),
        ("pass".into(), "pass".into(), "not_applicable".into())
    );
    // A sealed file that another one replaced does not open, although its name is right.
    let blobs: Vec<_> = std::fs::read_dir(w.vault.blobs()).unwrap().map(|e| e.unwrap().path()).collect();
    std::fs::copy(&blobs[0], &blobs[1]).unwrap();
    let again = w.json(&officer, "/api/v1/audits", json!({})).await;
    assert_eq!(again.status, StatusCode::CREATED);
    let e01 = again.json()["checks"].as_array().unwrap().iter().find(|c| c["id"] == "E01").unwrap().clone();
    assert_eq!(e01["status"], "fail");
    assert!(e01["evidence"].to_string().contains("do not open with their own key"), "{e01}");
    for (path, form) in [("/posture/report.sarif", "2.1.0"), ("/posture/report.oscal", "assessment-results")]
    {
        assert!(w.get(&auditor, path).await.text().contains(form), "{path}");
    }
}

#[tokio::test]
async fn a_failed_check_is_accepted_with_owner_reason_and_end() {
    let w = world();
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let form = |until: &str| format!("until={until}&owner=security+officer&reason=the+new+host+is+coming");
    let soon = w.vault.clock().now().checked_add(jiff::SignedDuration::from_hours(5 * 24)).unwrap();
    let soon = soon.strftime("%Y-%m-%d").to_string();
    let path = "/posture/checks/E05/waiver";
    assert_eq!(w.post(&officer, path, &form("2020-01-01")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        w.post(&officer, "/posture/checks/X1/waiver", &form(&soon)).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(w.post(&officer, path, &form(&soon)).await.status, StatusCode::SEE_OTHER);
    w.post(&officer, "/posture/runs", "").await;
    let page = w.get(&officer, "/posture").await.text();
    let near = page.split("id=\"E05\"").nth(1).unwrap().chars().take(1_500).collect::<String>();
    assert!(page.contains("the new host is coming"), "{near}");
    assert_eq!(w.kinds("finding.changed"), 1);
    w.post(&officer, "/posture/checks/E05/waiver/end", "").await;
    w.post(&officer, "/posture/runs", "").await;
    assert!(!w.get(&officer, "/posture").await.text().contains("the new host is coming"));
}

#[tokio::test]
async fn reports_of_scanners_come_in_bounded_and_findings_get_an_owner() {
    let w = world();
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let agent = w.browser("agent", &[Role::Agent]);
    let csrf = officer.session.form_token();
    assert_eq!(
        upload(&w, &agent, &agent.session.form_token(), NMAP.as_bytes()).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(upload(&w, &officer, "wrong", NMAP.as_bytes()).await.status, StatusCode::FORBIDDEN);
    let told = upload(&w, &officer, &csrf, NMAP.as_bytes()).await;
    assert!(told.text().contains("3 new"), "{}", told.text());
    for bad in [&b"<nmaprun><host>"[..], b"{\"a\":1}", &[0xff, 0xfe], b""] {
        let refused = upload(&w, &officer, &csrf, bad).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(!refused.text().contains("nmaprun><host"), "what was sent is not said again");
    }
    let huge = vec![b' '; (33 << 20) as usize];
    assert!(matches!(
        upload(&w, &officer, &csrf, &huge).await.status,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE
    ));
    let listed = w.get(&officer, "/api/v1/findings").await.json();
    assert_eq!(listed["total"], 3);
    let id = listed["findings"][0]["id"].as_str().unwrap();
    let form = "owner=network+team&due=2027-02-01";
    assert_eq!(
        w.post(&officer, &format!("/posture/findings/{id}"), form).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(w.post(&officer, "/posture/findings/none", form).await.status, StatusCode::BAD_REQUEST);
    assert!(w.get(&officer, "/posture/findings").await.text().contains("network team"));
    assert_eq!(w.kinds("findings.imported"), 1);
}

#[tokio::test]
async fn a_drive_is_certified_only_when_another_person_saw_its_end() {
    let w = world();
    let keeper = w.browser("keeper", &[Role::DisposalOfficer]);
    let officer = w.browser("officer", &[Role::PrivacyOfficer]);
    let lead = w.browser("lead", &[Role::Supervisor]);
    let new =
        json!({"kind": "ssd", "label": "SSD-0142", "holds": "vault", "encrypted": "no", "place": "rack 2"});
    assert_eq!(w.json(&lead, "/api/v1/media", new.clone()).await.status, StatusCode::FORBIDDEN);
    let made = w.json(&keeper, "/api/v1/media", new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let path = format!("/api/v1/media/{}", made.json()["id"].as_str().unwrap());
    let end = |level: &str, technique: &str, verification: &str| json!({"done_on": "2026-11-20", "level": level, "technique": technique, "verification": verification, "tool": "the firm"});
    let record = format!("{path}/end");
    for bad in [
        end("purge", "crypto_erase", "device_report"),
        end("purge", "degauss", "inspected"),
        end("clear", "x", "y"),
    ] {
        assert_eq!(w.json(&keeper, &record, bad).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(
        w.json(&keeper, &record, end("destroy", "shred", "firm_report")).await.status,
        StatusCode::NO_CONTENT
    );
    let certificate = format!("{path}/certificate");
    assert_eq!(w.get(&keeper, &certificate).await.status, StatusCode::BAD_REQUEST);
    let saw = |yes: bool| json!({"saw": yes, "note": "the pieces"});
    let witness = format!("{path}/witness");
    assert_eq!(w.json(&keeper, &witness, saw(true)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(w.json(&officer, &witness, saw(false)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(w.json(&officer, &witness, saw(true)).await.status, StatusCode::CONFLICT, "the record fell");
    assert_eq!(
        w.json(&keeper, &record, end("destroy", "shred", "firm_report")).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(w.json(&officer, &witness, saw(true)).await.status, StatusCode::NO_CONTENT);
    let paper = w.get(&officer, &certificate).await.text();
    let whole = callvault_program::disposal::medium::Certificate::parse(paper.as_bytes()).unwrap();
    whole.verify(Some(w.vault.vkey())).unwrap();
    assert_eq!(whole.statement.title, "Solid-state drive destroyed");
    let mut forged = whole.clone();
    forged.statement.label = "SSD-0143".into();
    assert!(forged.verify(None).unwrap_err().to_string().contains("signature"));
    let steps: Vec<&str> = whole.statement.custody.iter().map(|l| l.what.as_str()).collect();
    assert_eq!(steps, ["entered", "destroyed", "denied", "destroyed", "witnessed"]);
    assert_eq!(
        w.json(&keeper, &format!("{path}/moves"), json!({"state": "stored", "place": "shelf"})).await.status,
        StatusCode::CONFLICT
    );
    let page =
        w.get(&officer, &format!("/disposal/media/{}/certificate", whole.statement.medium)).await.text();
    assert!(page.contains("SSD-0142") && page.contains("Witnessed by"));
}

#[tokio::test]
async fn certificates_of_people_and_drives_stand_on_the_page_and_in_the_api() {
    use callvault_program::{
        disposal::device,
        request::{
            erase::{Wish, erase, terms},
            receipt::Receipt,
        },
    };
    use callvault_store::{Actor, two_person::Shared};
    let w = world();
    let (officer, keeper) =
        (w.browser("officer", &[Role::PrivacyOfficer]), w.browser("keeper", &[Role::DisposalOfficer]));
    let second = w.browser("second", &[Role::Compliance]);
    assert_eq!(w.get(&officer, "/api/v1/certificates").await.json()["all"].as_u64(), Some(0));
    assert!(w.get(&officer, "/disposal").await.text().contains("No original, person, drive or tenant"));

    let subject = w.vault.party_rows(crate::world::stuck(&w, 1)).unwrap()[0].subject;
    let facts = terms(&w.vault, subject).unwrap();
    let asked = w.vault.request_second(&officer.session, Shared::EraseSubject, &facts).unwrap();
    w.vault.decide_second(&second.session, asked, true).unwrap();
    let packs = callvault_law::Packs::embedded(callvault_law::Overlay::default()).unwrap();
    let wish = Wish { subject, request: None, agreed: Some(asked), suppress: false, reason: None };
    let limits = callvault_speech::decode::Limits::default();
    erase(&w.vault, &packs, &limits, &officer.session.actor(), wish).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("old.img");
    std::fs::write(&image, vec![7u8; 70_000]).unwrap();
    let order = device::Order {
        path: &image,
        shown: "old.img",
        serial: "old.img:70000",
        reason: "sold",
        by: "local-operator",
    };
    device::dispose(&w.vault, &Actor::LocalOperator, &order, &mut |_, _, _| ()).unwrap();

    let first = w.get(&officer, "/api/v1/certificates?limit=1").await.json();
    let after = first["next"].as_str().unwrap();
    let rest = w.get(&officer, &format!("/api/v1/certificates?limit=1&after={after}")).await.json();
    let (drive, person) = (&first["certificates"][0], &rest["certificates"][0]);
    assert_eq!((drive["kind"].as_str(), person["kind"].as_str()), (Some("drive"), Some("person")));
    assert_eq!((rest["all"].as_u64(), rest["next"].as_str()), (Some(2), None));
    assert_eq!(person["about"].as_str(), Some(subject.to_string().as_str()));
    let (drive, person) = (drive["id"].as_str().unwrap(), person["id"].as_str().unwrap());

    let page = w.get(&officer, "/disposal").await.text();
    assert!(page.contains("Disk image old.img overwritten and read back, 70000 bytes"), "{page}");
    for (kind, id) in [("people", person), ("drives", drive)] {
        assert!(page.contains(&format!("/disposal/{kind}/{id}")), "{page}");
        for path in [format!("/disposal/{kind}/{id}"), format!("/api/v1/certificates/{kind}/{id}")] {
            let body = w.get(&officer, &path).await.text();
            let holds = match kind {
                "people" => Receipt::parse(body.as_bytes()).and_then(|r| r.verify(Some(w.vault.vkey()))),
                _ => device::Certificate::parse(body.as_bytes()).and_then(|c| c.verify(Some(w.vault.vkey()))),
            };
            assert_eq!(holds, Ok(()), "{path}: {body}");
        }
    }
    // A receipt is not a drive's certificate; whoever sees drives only does not read receipts.
    assert_eq!(w.get(&officer, &format!("/disposal/drives/{person}")).await.status, StatusCode::NOT_FOUND);
    let shown = w.get(&keeper, "/disposal").await.text();
    assert!(shown.contains(person) && shown.contains(&format!("/disposal/drives/{drive}")), "{shown}");
    let readable = shown.contains(&format!("/disposal/people/{person}"));
    let status = w.get(&keeper, &format!("/disposal/people/{person}")).await.status;
    assert_eq!(status == StatusCode::OK, readable, "{status}");
}

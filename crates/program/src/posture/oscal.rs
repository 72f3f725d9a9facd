//! The report as OSCAL assessment results (NIST), JSON form.

use super::{Finding, Report, Status};
use callvault_seal::sha256;
use serde_json::{Value, json};

/// The model's version that this follows.
const VERSION: &str = "1.1.2";

/// The whole document. Checks with nothing to judge are left out: OSCAL has no such state.
pub fn oscal(report: &Report) -> Value {
    let judged: Vec<&Finding> =
        report.findings.iter().filter(|f| f.status != Status::NotApplicable).collect();
    let mut controls: Vec<String> = judged.iter().flat_map(|f| &f.check.nist).map(|id| control(id)).collect();
    controls.sort();
    controls.dedup();
    let controls: Vec<Value> = controls.into_iter().map(|id| json!({"control-id": id})).collect();
    let mut result = json!({
        "uuid": uuid(report, "result"),
        "title": "Posture audit",
        "description": format!("Facts of callvault vault {} read and judged by callvault {}.", report.vault, report.version),
        "start": report.at.to_string(),
        "end": report.at.to_string(),
        "reviewed-controls": {"control-selections": [{"include-controls": controls}]},
        "observations": judged.iter().map(|f| observation(report, f)).collect::<Vec<_>>(),
        "findings": judged.iter().map(|f| finding(report, f)).collect::<Vec<_>>(),
    });
    let risks: Vec<Value> =
        judged.iter().filter(|f| f.status == Status::Fail).map(|f| risk(report, f)).collect();
    if let (false, Some(object)) = (risks.is_empty(), result.as_object_mut()) {
        object.insert("risks".into(), Value::Array(risks));
    }
    json!({"assessment-results": {
        "uuid": uuid(report, "document"),
        "metadata": {
            "title": "callvault posture audit",
            "last-modified": report.at.to_string(),
            "version": report.version,
            "oscal-version": VERSION,
        },
        "import-ap": {"href": format!("#{}", uuid(report, "plan"))},
        "results": [result],
        "back-matter": {"resources": [{
            "uuid": uuid(report, "plan"),
            "title": "The checks of callvault audit",
            "description": "The list of checks that ships with the program; no separate plan was written.",
        }]},
    }})
}

/// `SC-8(1)` is `sc-8.1` in OSCAL's catalogue.
fn control(id: &str) -> String {
    id.to_lowercase().replace('(', ".").replace(')', "")
}

fn observation(report: &Report, f: &Finding) -> Value {
    let method = if f.check.evidence_days.is_some() { "EXAMINE" } else { "TEST" };
    json!({
        "uuid": uuid(report, &format!("observation/{}", f.check.id)),
        "title": f.check.id,
        "description": f.check.title,
        "methods": [method],
        "collected": report.at.to_string(),
        "relevant-evidence": f.evidence.iter().map(|e| json!({"description": e})).collect::<Vec<_>>(),
    })
}

fn finding(report: &Report, f: &Finding) -> Value {
    let state = if f.status == Status::Pass { "satisfied" } else { "not-satisfied" };
    let reason = match f.status {
        Status::Pass => "pass",
        Status::Fail => "fail",
        _ => "other",
    };
    let target = f.check.nist.first().map(|id| control(id)).unwrap_or_default();
    let mut out = json!({
        "uuid": uuid(report, &format!("finding/{}", f.check.id)),
        "title": f.check.title,
        "description": f.evidence.join("; "),
        "target": {"type": "objective-id", "target-id": target, "status": {"state": state, "reason": reason}},
        "related-observations": [{"observation-uuid": uuid(report, &format!("observation/{}", f.check.id))}],
    });
    if let (Status::Fail, Some(object)) = (f.status, out.as_object_mut()) {
        object.insert(
            "related-risks".into(),
            json!([{"risk-uuid": uuid(report, &format!("risk/{}", f.check.id))}]),
        );
    }
    out
}

fn risk(report: &Report, f: &Finding) -> Value {
    let status = if f.waived.is_some() { "deviation-approved" } else { "open" };
    json!({
        "uuid": uuid(report, &format!("risk/{}", f.check.id)),
        "title": format!("{} ({})", f.check.id, f.check.severity.as_str()),
        "description": f.evidence.join("; "),
        "statement": f.check.remediation,
        "status": status,
    })
}

/// The same name in the same run gives the same id, in the form of a name-based UUID.
fn uuid(report: &Report, name: &str) -> String {
    let hash = sha256(format!("{}/{}/{name}", report.vault, report.at).as_bytes());
    let mut bytes = [0u8; 16];
    for (to, from) in bytes.iter_mut().zip(hash) {
        *to = from;
    }
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x50;
    *variant = (*variant & 0x3f) | 0x80;
    let hex = callvault_store::hex(&bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or_default());
    parts.join("-")
}

//! The report as SARIF 2.1.0 (OASIS), which code hosts and security tools read.

use super::{Finding, Report, Severity, Status};
use serde_json::{Value, json};

/// The whole log.
pub fn sarif(report: &Report) -> Value {
    let rules: Vec<Value> = report.findings.iter().map(rule).collect();
    let results: Vec<Value> =
        report.findings.iter().enumerate().map(|(index, finding)| result(report, index, finding)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "callvault audit",
                "version": report.version,
                "semanticVersion": report.version,
                "rules": rules,
            }},
            "invocations": [{"executionSuccessful": true, "endTimeUtc": report.at.to_string()}],
            "automationDetails": {"id": format!("callvault/{}/{}", report.vault, report.at)},
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    })
}

/// As code hosts grade: 9 and more is critical, 7 high, 4 medium.
fn grade(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Critical => ("error", "9.5"),
        Severity::High => ("error", "8.0"),
        Severity::Medium => ("warning", "5.5"),
    }
}

fn rule(finding: &Finding) -> Value {
    let check = &finding.check;
    let (level, grade) = grade(check.severity);
    let mut tags = vec!["security".to_owned(), check.area.clone()];
    for (name, ids) in
        [("hipaa", &check.hipaa), ("pci", &check.pci), ("gdpr", &check.gdpr), ("nist", &check.nist)]
    {
        tags.extend(ids.iter().map(|id| format!("{name}/{id}")));
    }
    json!({
        "id": check.id,
        "name": format!("{}-{}", check.area, check.id),
        "shortDescription": {"text": check.title},
        "help": {"text": check.remediation},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": tags, "precision": "high", "security-severity": grade},
    })
}

fn result(report: &Report, index: usize, finding: &Finding) -> Value {
    let check = &finding.check;
    let (kind, level) = match finding.status {
        Status::Fail => ("fail", grade(check.severity).0),
        Status::Pass => ("pass", "none"),
        Status::Unknown => ("open", "none"),
        Status::NotApplicable => ("notApplicable", "none"),
    };
    let mut out = json!({
        "ruleId": check.id,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": format!("{}: {}", check.title, finding.evidence.join("; "))},
        "locations": [{"logicalLocations": [{
            "name": check.area,
            "fullyQualifiedName": format!("vault/{}/{}", report.vault, check.area),
            "kind": "module",
        }]}],
        "partialFingerprints": {"callvaultCheck/v1": format!("{}/{}", report.vault, check.id)},
    });
    if let (Some(waived), Some(object)) = (&finding.waived, out.as_object_mut()) {
        let why = format!("accepted until {} by {}: {}", waived.until, waived.by, waived.reason);
        object.insert(
            "suppressions".into(),
            json!([{"kind": "external", "status": "accepted", "justification": why}]),
        );
    }
    out
}

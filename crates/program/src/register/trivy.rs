//! Trivy's JSON: vulnerabilities of packages, wrong settings, secrets in files.

use super::{Grade, Scan, Told, clean};
use serde_json::Value;

pub fn parse(report: &Value) -> Result<Scan, String> {
    let results = match report.get("Results") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(all)) => all.as_slice(),
        Some(_) => return Err("its Results are no list".into()),
    };
    let mut findings = Vec::new();
    for result in results {
        let target = text(result, "Target").unwrap_or_default();
        let list =
            |name: &str| result.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for v in list("Vulnerabilities") {
            let package = format!(
                "{} {}",
                text(v, "PkgName").unwrap_or_default(),
                text(v, "InstalledVersion").unwrap_or_default()
            );
            let asset = format!("{target}: {}", package.trim());
            findings.extend(told(v, "VulnerabilityID", asset));
        }
        for m in list("Misconfigurations") {
            if text(m, "Status").as_deref() != Some("PASS") {
                findings.extend(told(m, "ID", target.clone()));
            }
        }
        for s in list("Secrets") {
            // The line itself may hold the secret; only its place is kept.
            let line = s.get("StartLine").and_then(Value::as_u64).unwrap_or(0);
            findings.extend(told(s, "RuleID", format!("{target}:{line}")));
        }
    }
    Ok(Scan { tool: "trivy".into(), findings })
}

fn told(value: &Value, id: &str, asset: String) -> Option<Told> {
    let rule = text(value, id).filter(|r| !r.is_empty())?;
    let grade = match text(value, "Severity").as_deref() {
        Some("CRITICAL") => Grade::Critical,
        Some("HIGH") => Grade::High,
        Some("MEDIUM") => Grade::Medium,
        _ => Grade::Low,
    };
    let title = text(value, "Title").filter(|t| !t.is_empty()).unwrap_or_else(|| rule.clone());
    Some(Told { rule, asset: clean(&asset), title, grade })
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(clean)
}

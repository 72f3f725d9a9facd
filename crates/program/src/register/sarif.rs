//! SARIF 2.1.0 of any scanner.

use super::{Grade, Scan, Told, clean};
use serde_json::Value;

pub fn parse(log: &Value) -> Result<Scan, String> {
    if log.get("version").and_then(Value::as_str) != Some("2.1.0") {
        return Err("it is SARIF of another version than 2.1.0".into());
    }
    let runs = log.get("runs").and_then(Value::as_array).ok_or("its runs are no list")?;
    let mut out = Scan { tool: String::new(), findings: Vec::new() };
    for run in runs {
        let driver = run.pointer("/tool/driver").ok_or("a run names no tool")?;
        let name = driver.get("name").and_then(Value::as_str).ok_or("a run names no tool")?;
        if out.tool.is_empty() {
            out.tool = clean(name).to_lowercase();
        }
        let rules = driver.get("rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let results = run.get("results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        out.findings.extend(results.iter().filter_map(|result| finding(result, rules)));
    }
    if out.tool.is_empty() { Err("it holds no run".into()) } else { Ok(out) }
}

fn finding(result: &Value, rules: &[Value]) -> Option<Told> {
    let text = |v: &Value, at: &str| v.pointer(at).and_then(Value::as_str).map(clean);
    // What passed, does not apply, or was accepted in the scanner is no finding.
    let kind = result.get("kind").and_then(Value::as_str).unwrap_or("fail");
    let suppressed = result.get("suppressions").and_then(Value::as_array).is_some_and(|s| !s.is_empty());
    if !matches!(kind, "fail" | "review" | "open") || suppressed {
        return None;
    }
    let index = result.get("ruleIndex").and_then(Value::as_u64).and_then(|i| usize::try_from(i).ok());
    let id = text(result, "/ruleId").or_else(|| text(result, "/rule/id"));
    let rule = index
        .and_then(|i| rules.get(i))
        .or_else(|| rules.iter().find(|r| id.is_some() && text(r, "/id") == id));
    let rule_id = id.or_else(|| rule.and_then(|r| text(r, "/id")))?;
    let asset = text(result, "/locations/0/physicalLocation/artifactLocation/uri")
        .or_else(|| text(result, "/locations/0/logicalLocations/0/fullyQualifiedName"))
        .unwrap_or_default();
    let line = result.pointer("/locations/0/physicalLocation/region/startLine").and_then(Value::as_u64);
    let asset = line.map_or(asset.clone(), |n| format!("{asset}:{n}"));
    let title =
        text(result, "/message/text").or_else(|| rule.and_then(|r| text(r, "/shortDescription/text")));
    let score = rule.and_then(|r| r.pointer("/properties/security-severity")).and_then(number);
    let level = text(result, "/level").or_else(|| rule.and_then(|r| text(r, "/defaultConfiguration/level")));
    let grade = score.map_or_else(
        || match level.as_deref() {
            Some("error") => Grade::High,
            Some("note" | "none") => Grade::Low,
            _ => Grade::Medium,
        },
        Grade::of_score,
    );
    Some(Told { title: title.unwrap_or_else(|| rule_id.clone()), rule: rule_id, asset, grade })
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|n: &f64| n.is_finite())
}

//! `/audits` and `/findings`: the posture audit and what scanners found.

use super::Refusals;
use crate::{
    app::App,
    extract::{Json, Path},
    page::posture as page,
    problem::{Outcome, Problem},
    right::Right,
    session::May,
};
use axum::{
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
};
use callvault_policy::Act;
use callvault_program::{posture::Report, register::Entry};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// One check of a run.
#[derive(Serialize, ToSchema)]
struct CheckView {
    /// Its stable id, such as `E07`.
    id: String,
    /// Its group.
    area: String,
    /// `critical`, `high` or `medium`.
    severity: String,
    /// What holds when it passes.
    title: String,
    /// `pass`, `fail`, `unknown` or `not_applicable`.
    status: String,
    /// Ids, counts, paths.
    evidence: Vec<String>,
    /// What helps.
    remediation: String,
    /// Controls of HIPAA, PCI DSS, GDPR and NIST SP 800-53, named.
    controls: Vec<String>,
    /// Until when somebody accepted the failure.
    waived_until: Option<String>,
}

/// One run of the audit.
#[derive(Serialize, ToSchema)]
struct AuditView {
    /// RFC 3339.
    at: String,
    /// The version that judged.
    version: String,
    /// Checks that fail and that nobody accepted.
    fail: usize,
    /// That fail and that somebody accepted for a while.
    waived: usize,
    /// Of which nobody can tell.
    unknown: usize,
    /// That hold.
    pass: usize,
    /// Every check.
    checks: Vec<CheckView>,
}

fn view(report: Report) -> AuditView {
    let c = report.counts;
    let check = |f: callvault_program::posture::Finding| {
        let k = f.check;
        let named = |name: &str, ids: Vec<String>| -> Vec<String> {
            ids.into_iter().map(|id| format!("{name} {id}")).collect()
        };
        let controls =
            [named("hipaa", k.hipaa), named("pci", k.pci), named("gdpr", k.gdpr), named("nist", k.nist)];
        CheckView {
            id: k.id,
            area: k.area,
            severity: k.severity.as_str().to_owned(),
            title: k.title,
            status: f.status.as_str().to_owned(),
            evidence: f.evidence,
            remediation: k.remediation,
            controls: controls.concat(),
            waived_until: f.waived.map(|w| w.until.to_string()),
        }
    };
    AuditView {
        at: report.at.to_string(),
        version: report.version,
        fail: c.fail,
        waived: c.waived,
        unknown: c.unknown,
        pass: c.pass,
        checks: report.findings.into_iter().map(check).collect(),
    }
}

/// The last run of the audit
#[utoipa::path(get, path = "/api/v1/audits/last", tag = "audit", responses((status = 200, body = AuditView), Refusals))]
async fn last(_: May<{ Act::SeePosture as u8 }>, State(app): State<App>) -> Outcome<axum::Json<AuditView>> {
    let report = page::last(&app).await?.ok_or_else(Problem::absent)?;
    Ok(axum::Json(view(report)))
}

/// Run the audit now
#[utoipa::path(post, path = "/api/v1/audits", tag = "audit", responses((status = 201, body = AuditView), Refusals))]
async fn run(
    who: Right<{ Act::ManagePosture as u8 }>,
    State(app): State<App>,
) -> Outcome<(StatusCode, axum::Json<AuditView>)> {
    Ok((StatusCode::CREATED, axum::Json(view(page::audit(&app, &who).await?))))
}

/// A finding of a scanner.
#[derive(Serialize, ToSchema)]
struct AuditFindingView {
    /// Stable: the same rule on the same asset has the same id.
    id: String,
    /// The scanner's rule, a CVE or a port.
    rule: String,
    /// A file, a package, an address.
    asset: String,
    /// In words.
    title: String,
    /// `critical`, `high`, `medium` or `low`.
    grade: String,
    /// Who mends it.
    owner: String,
    /// Until when, RFC 3339.
    due_at: String,
    /// Which scanners tell of it.
    tools: Vec<String>,
}

impl From<&Entry> for AuditFindingView {
    fn from(e: &Entry) -> Self {
        Self {
            id: e.id.clone(),
            rule: e.rule.clone(),
            asset: e.asset.clone(),
            title: e.title.clone(),
            grade: format!("{:?}", e.grade).to_lowercase(),
            owner: e.owner.clone(),
            due_at: e.due_at.to_string(),
            tools: e.tools.clone(),
        }
    }
}

/// Open findings.
#[derive(Serialize, ToSchema)]
struct Findings {
    /// Up to a thousand of them.
    findings: Vec<AuditFindingView>,
    /// How many there are.
    total: usize,
}

const MOST: usize = 1_000;

/// What scanners found and is still open
#[utoipa::path(get, path = "/api/v1/findings", tag = "audit", responses((status = 200, body = Findings), Refusals))]
async fn findings(
    _: May<{ Act::SeePosture as u8 }>,
    State(app): State<App>,
) -> Outcome<axum::Json<Findings>> {
    let register = page::register_of(&app).await?;
    let findings = register.open().take(MOST).map(Into::into).collect();
    Ok(axum::Json(Findings { findings, total: register.open().count() }))
}

/// What an import changed.
#[derive(Serialize, ToSchema)]
struct ImportView {
    /// Which scanner.
    tool: String,
    /// Findings in the report.
    told: usize,
    /// New entries.
    new: usize,
    /// Entries that came back.
    back: usize,
    /// Entries of this scanner that the report does not tell of any more.
    gone: usize,
}

/// Take a scanner's report in: SARIF 2.1.0, nmap XML or Trivy JSON, up to 32 MiB
#[utoipa::path(post, path = "/api/v1/findings", tag = "audit", request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = ImportView), Refusals))]
async fn import(
    who: Right<{ Act::ManagePosture as u8 }>,
    State(app): State<App>,
    request: Request,
) -> Outcome<(StatusCode, axum::Json<ImportView>)> {
    let bytes = axum::body::to_bytes(request.into_body(), page::MOST_BYTES).await.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "Too large",
            "A report has 32 MiB at most and arrives whole.",
        )
    })?;
    let i = page::take(&app, &who, bytes.to_vec()).await?;
    let view = ImportView { tool: i.tool, told: i.told, new: i.new, back: i.back, gone: i.gone };
    Ok((StatusCode::CREATED, axum::Json(view)))
}

/// Who mends it until when.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Assign {
    /// A role, not a name.
    owner: String,
    /// A day.
    due: String,
}

/// Give a finding an owner and a date
#[utoipa::path(put, path = "/api/v1/findings/{finding}", tag = "audit", params(("finding" = String, Path)),
    request_body = Assign, responses((status = 204), Refusals))]
async fn assign(
    who: Right<{ Act::ManagePosture as u8 }>,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(a): Json<Assign>,
) -> Outcome<StatusCode> {
    page::give(&app, &who, id, a.owner, &a.due).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// This file's routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(last))
        .routes(routes!(run))
        .routes(routes!(findings, import))
        .routes(routes!(assign))
        .layer(DefaultBodyLimit::max(page::MOST_BYTES))
}

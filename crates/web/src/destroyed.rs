//! What was destroyed, with its certificates; console and API list the same.

use crate::{
    app::App,
    problem::{Outcome, Problem},
};
use callvault_flow::certificate;
use callvault_model::id::CertificateId;
use callvault_program::{
    disposal::{device, tenant},
    request::receipt::Receipt,
};
use callvault_store::{
    Error,
    certificates::{CertificateRow, Destroyed},
};

/// One certificate in a list.
pub struct Line {
    pub id: CertificateId,
    pub of: Destroyed,
    /// What it says, in a line.
    pub title: String,
    /// RFC 3339.
    pub issued_at: String,
}

impl Line {
    /// `original`, `person`, `drive` or `tenant`.
    pub fn kind(&self) -> &'static str {
        match self.of {
            Destroyed::Original(_) => "original",
            Destroyed::Person(_) => "person",
            Destroyed::Drive(_) => "drive",
            Destroyed::Tenant(_) => "tenant",
        }
    }
}

fn title(row: &CertificateRow) -> Option<String> {
    let body = row.body.as_deref()?.as_bytes();
    match row.of {
        Destroyed::Original(_) => certificate::parse(body).ok().map(|c| c.statement.title),
        Destroyed::Person(_) => Receipt::parse(body).ok().map(|r| r.statement.title),
        Destroyed::Tenant(_) => tenant::Certificate::parse(body).ok().map(|c| c.statement.title),
        Destroyed::Drive(_) => device::Certificate::parse(body).ok().map(|c| {
            let s = c.statement;
            let what = if s.kind == "image" { "Disk image" } else { "Drive" };
            let model = if s.model.is_empty() { String::new() } else { format!(" ({})", s.model) };
            format!("{what} {}{model} overwritten and read back, {} bytes", s.name, s.bytes)
        }),
    }
}

fn line(row: CertificateRow) -> Line {
    let title = match (title(&row), &row.body) {
        (Some(title), _) => title,
        (None, None) => "Erased; the receipt is being made".into(),
        (None, Some(_)) => "This certificate cannot be read; verify the ledger".into(),
    };
    Line { id: row.id, of: row.of, title, issued_at: row.issued_at }
}

/// The newest certificates, or those older than `after`, and how many there are in all.
pub async fn list(app: &App, after: Option<CertificateId>, limit: usize) -> Outcome<(Vec<Line>, u64)> {
    let (rows, all) = app
        .run(move |vault| Ok::<_, Error>((vault.destroyed(after, limit)?, vault.destroyed_count()?)))
        .await?;
    Ok((rows.into_iter().map(line).collect(), all))
}

/// The signed receipt of a person's erasure.
pub async fn person(app: &App, id: CertificateId) -> Outcome<String> {
    body(app, id, |of| matches!(of, Destroyed::Person(_))).await
}

/// The signed certificate of an overwritten drive.
pub async fn drive(app: &App, id: CertificateId) -> Outcome<String> {
    body(app, id, |of| matches!(of, Destroyed::Drive(_))).await
}

async fn body(app: &App, id: CertificateId, fits: impl Fn(&Destroyed) -> bool) -> Outcome<String> {
    let row = app.run(move |vault| vault.destroyed_one(id)).await?;
    row.filter(|r| fits(&r.of)).and_then(|r| r.body).ok_or_else(Problem::absent)
}

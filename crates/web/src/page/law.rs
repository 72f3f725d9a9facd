//! `/law`: the rows of law in use, where they come from and how old they are; which unreviewed ones are off; an answer
//! computed again.

use super::{
    done,
    frame::{Done, Frame},
    render, step_up,
};
use crate::{
    app::App,
    dialing::{self, ReasonView},
    extract::Query,
    problem::{Outcome, Problem},
    right::{self, Right},
    session::{Form, May, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use callvault_law::{DISCLAIMER, Packs, Row, rows, stale};
use callvault_model::id::LawCheckId;
use callvault_policy::Act;
use callvault_program::{
    dial::{self, ALL_UNREVIEWED, Replay},
    request::holidays::{self, HOLIDAY_LAWS, Holidays},
};
use callvault_store::{gate::Target, requests::Coded};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Days after which a source should be read again.
const STALE_DAYS: i32 = 180;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/law", Some(Act::SeeLaw)),
    ("POST", "/law/rows", Some(Act::ChangeLaw)),
    ("POST", "/law/replay", Some(Act::SeeLaw)),
    ("POST", "/law/holidays", Some(Act::ChangeLaw)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/law", get(show))
        .route("/law/rows", post(switch))
        .route("/law/replay", post(again))
        .route("/law/holidays", post(close))
}

struct PackLine {
    name: String,
    rows: usize,
    rules: usize,
    not_binding: usize,
    unreviewed: usize,
    stale: usize,
    oldest: String,
}

/// A row, for people.
pub(crate) struct RowLine {
    pub id: String,
    pub kind: &'static str,
    pub pack: String,
    pub status: String,
    pub citations: String,
    pub sources: String,
    pub read: String,
    pub confidence: &'static str,
    pub off: bool,
}

#[derive(Template)]
#[template(path = "law.html")]
struct Page {
    frame: Frame,
    packs: Vec<PackLine>,
    unreviewed: Vec<RowLine>,
    stale: Vec<RowLine>,
    all_off: bool,
    all: &'static str,
    days: i32,
    hash: String,
    may: bool,
    holidays: Vec<HolidayLine>,
    disclaimer: &'static str,
}

/// The public holidays that move the clocks of one law.
struct HolidayLine {
    law: &'static str,
    name: &'static str,
    days: Vec<String>,
}

#[derive(Template)]
#[template(path = "law_replay.html")]
struct ReplayPage {
    frame: Frame,
    id: String,
    when: String,
    then: String,
    now: String,
    same: bool,
    same_packs: bool,
    same_facts: bool,
    reasons: Vec<ReasonView>,
    facts_hash: String,
    disclaimer: &'static str,
}

pub(crate) fn row_line(packs: &Packs, r: Row) -> RowLine {
    let overlay = packs.overlay();
    RowLine {
        off: r.unreviewed && (overlay.reviewed_only || overlay.off.contains(&r.id)),
        kind: r.kind,
        pack: r.pack,
        status: r.status.replace('_', " "),
        citations: r.citations.join("; "),
        sources: r.sources.join("; "),
        read: r.read.to_string(),
        confidence: r.confidence,
        id: r.id,
    }
}

async fn show(
    who: May<{ Act::SeeLaw as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let packs = app.run(dial::packs).await?;
    let closed = app.run(Holidays::of).await?;
    let today = jiff::tz::Offset::UTC.to_datetime(app.vault.clock().now()).date();
    let old = stale(&packs, today, STALE_DAYS);
    let mut by_pack: BTreeMap<String, PackLine> = BTreeMap::new();
    let all = rows(&packs);
    for r in &all {
        let line = by_pack.entry(r.pack.clone()).or_insert_with(|| PackLine {
            name: r.pack.clone(),
            rows: 0,
            rules: 0,
            not_binding: 0,
            unreviewed: 0,
            stale: 0,
            oldest: r.read.to_string(),
        });
        line.rows += 1;
        line.rules += usize::from(r.kind == "rule");
        line.not_binding += usize::from(r.status != "in_force");
        line.unreviewed += usize::from(r.unreviewed);
        line.stale += usize::from(old.iter().any(|o| o.id == r.id && o.kind == r.kind));
        line.oldest = line.oldest.clone().min(r.read.to_string());
    }
    let may = right::of(who.roles());
    Ok(render(&Page {
        frame: Frame::of(&app, &who, "/law", q.done.as_deref()),
        packs: by_pack.into_values().collect(),
        unreviewed: all.into_iter().filter(|r| r.unreviewed).map(|r| row_line(&packs, r)).collect(),
        stale: old.into_iter().map(|r| row_line(&packs, r)).collect(),
        all_off: packs.overlay().reviewed_only,
        all: ALL_UNREVIEWED,
        days: STALE_DAYS,
        hash: packs.hash().get(..16).unwrap_or_default().to_owned(),
        may: may.contains(&Act::ChangeLaw),
        holidays: HOLIDAY_LAWS
            .into_iter()
            .map(|law| HolidayLine {
                law: law.as_str(),
                name: law.what(),
                days: closed.days(law).iter().map(ToString::to_string).collect(),
            })
            .collect(),
        disclaimer: DISCLAIMER,
    }))
}

#[derive(Deserialize)]
struct Closing {
    law: String,
    dates: String,
}

/// Sets the public holidays of one law; the API does it the same way.
pub(crate) async fn set_holidays(app: &App, who: &Who, law: String, dates: Vec<String>) -> Outcome<()> {
    let by = who.may(app, Act::ChangeLaw, Target::Program, None).await?;
    app.run(move |vault| holidays::set(vault, &by, &law, &dates)).await
}

async fn close(
    who: Right<{ Act::ChangeLaw as u8 }>,
    State(app): State<App>,
    Form(f): Form<Closing>,
) -> Outcome<Response> {
    let dates = f.dates.split_whitespace().map(str::to_owned).collect();
    match set_holidays(&app, &who, f.law, dates).await {
        Ok(()) => Ok(done("/law", "saved")),
        Err(problem) => step_up(problem, "/law"),
    }
}

#[derive(Deserialize)]
struct Switch {
    row: String,
    off: bool,
}

/// Switches a row; the API does it the same way.
pub(crate) async fn set(app: &App, who: &Who, row: String, off: bool) -> Outcome<()> {
    if row.len() > 200 {
        return Err(Problem::bad("No row has such an id."));
    }
    let by = who.may(app, Act::ChangeLaw, Target::Program, None).await?;
    app.run(move |vault| dial::switch(vault, &by, &row, off)).await
}

async fn switch(
    who: Right<{ Act::ChangeLaw as u8 }>,
    State(app): State<App>,
    Form(f): Form<Switch>,
) -> Outcome<Response> {
    match set(&app, &who, f.row, f.off).await {
        Ok(()) => Ok(done("/law", "saved")),
        Err(problem) => step_up(problem, "/law"),
    }
}

/// Computes an answer again; the API does it the same way.
pub(crate) async fn replayed(app: &App, who: &Who, id: LawCheckId) -> Outcome<Replay> {
    let by = who.session.actor();
    app.run(move |vault| dial::replay(vault, &by, id, &dial::edition)).await
}

#[derive(Deserialize)]
struct Again {
    id: String,
}

async fn again(
    who: May<{ Act::SeeLaw as u8 }>,
    State(app): State<App>,
    Form(f): Form<Again>,
) -> Outcome<Response> {
    let id = f.id.trim().parse().map_err(|_| Problem::bad("This is no id of an answer."))?;
    let r = replayed(&app, &who, id).await?;
    Ok(render(&ReplayPage {
        frame: Frame::of(&app, &who, "/law", None),
        id: r.filed.id.to_string(),
        when: words::when(&r.filed.decided_at),
        then: r.filed.decision.replace('_', " "),
        now: r.decision.decision.replace('_', " "),
        same: r.same,
        same_packs: r.same_packs,
        same_facts: r.same_facts,
        reasons: dialing::reasons(&r.decision),
        facts_hash: r.filed.facts_hash,
        disclaimer: DISCLAIMER,
    }))
}

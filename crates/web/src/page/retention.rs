//! `/retention`: how long each class is kept, what that would destroy, what may not be destroyed, and whether this
//! vault destroys at all.

use super::{
    done,
    frame::{Done, Frame},
    holds::{self, HoldLine, MarkLine},
    render, step_up,
};
use crate::{
    app::App,
    extract::Query,
    keeping,
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
use callvault_model::Channel;
use callvault_policy::Act;
use callvault_store::{
    Class, Disposal, Error, RetentionPreview, RetentionRule, gate::Target, retention::RetentionLine,
    two_person::DecisionState,
};
use serde::Deserialize;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/retention", Some(Act::SeeRetention)),
    ("GET", "/retention/preview", Some(Act::SeeRetention)),
    ("POST", "/retention/rules", Some(Act::ChangeRetention)),
    ("POST", "/retention/run", Some(Act::RunRetention)),
    ("POST", "/retention/mode", Some(Act::RequestDisposalMode)),
    ("POST", "/retention/observe", Some(Act::RequestDisposalMode)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/retention", get(show))
        .route("/retention/preview", get(preview))
        .route("/retention/rules", post(change))
        .route("/retention/run", post(run))
        .route("/retention/mode", post(leave))
        .route("/retention/observe", post(observe))
}

/// The channels, in the order of the table.
pub(crate) const CHANNELS: [Channel; 4] = [Channel::Voice, Channel::Chat, Channel::Email, Channel::Sms];

/// One class with its days on each channel.
struct Row {
    name: &'static str,
    cells: Vec<Cell>,
}

struct Cell {
    text: String,
    changed: String,
}

#[derive(Template)]
#[template(path = "retention.html")]
struct Page {
    frame: Frame,
    disposal: Option<Disposal>,
    enabled: String,
    enabled_by: String,
    recall: String,
    asked: bool,
    may_mode: bool,
    channels: Vec<&'static str>,
    rows: Vec<Row>,
    may_change: bool,
    classes: Vec<(&'static str, &'static str)>,
    channel_codes: Vec<(&'static str, &'static str)>,
    holds: Vec<HoldLine>,
    marks: Vec<MarkLine>,
    may_hold: bool,
    today: String,
}

/// How long, in words.
pub(crate) fn days(days: Option<u32>) -> String {
    match days {
        None => "kept".into(),
        Some(0) => "as soon as proven".into(),
        Some(1) => "1 day".into(),
        Some(n) => format!("{} days", words::number(n.into())),
    }
}

fn rule_days(class: Class, n: Option<u32>) -> String {
    if n == Some(0) && class != Class::Audio { "as soon as recorded".into() } else { days(n) }
}

fn rows(app: &App, rules: &[RetentionRule]) -> Vec<Row> {
    let cell = |class: Class, channel: Channel| {
        let rule = rules.iter().find(|r| r.class == class && r.channel == channel);
        let changed = rule.and_then(|r| Some((r.changed_at.as_deref()?, r.changed_by.as_deref()?)));
        Cell {
            text: rule.map_or_else(String::new, |r| rule_days(class, r.days)),
            changed: changed.map_or_else(String::new, |(at, by)| {
                format!("{}, {}", words::when(at), words::actor(app, by))
            }),
        }
    };
    let row = |class: Class| Row {
        name: words::class(class),
        cells: CHANNELS.iter().map(|c| cell(class, *c)).collect(),
    };
    Class::ALL.iter().map(|c| row(*c)).collect()
}

fn classes() -> Vec<(&'static str, &'static str)> {
    Class::ALL.iter().map(|c| (c.as_str(), words::class(*c))).collect()
}

fn channel_codes() -> Vec<(&'static str, &'static str)> {
    CHANNELS.iter().map(|c| (c.as_str(), words::channel(c.as_str()))).collect()
}

async fn show(
    who: May<{ Act::SeeRetention as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let (rules, held, marks, disposal, decisions) = app
        .run(|vault| {
            Ok::<_, Error>((
                vault.retention_rules()?,
                vault.holds(false)?,
                vault.must_keep()?,
                vault.disposal()?,
                vault.decisions()?,
            ))
        })
        .await?;
    let may = right::of(who.roles());
    let page = Page {
        frame: Frame::of(&app, &who, "/retention", q.done.as_deref()),
        enabled: disposal.as_ref().map(|d| words::when(&d.enabled_at)).unwrap_or_default(),
        enabled_by: disposal.as_ref().map(|d| people(&app, &d.enabled_by)).unwrap_or_default(),
        recall: disposal
            .as_ref()
            .map(|d| format!("{:.1} %", d.measured.recall_at_least * 100.0))
            .unwrap_or_default(),
        asked: decisions.iter().any(|d| d.state == DecisionState::Pending),
        may_mode: may.contains(&Act::RequestDisposalMode),
        channels: CHANNELS.iter().map(|c| words::channel(c.as_str())).collect(),
        rows: rows(&app, &rules),
        may_change: may.contains(&Act::ChangeRetention),
        classes: classes(),
        channel_codes: channel_codes(),
        holds: held.into_iter().map(|h| holds::hold_line(&app, h)).collect(),
        marks: marks.into_iter().map(|m| holds::mark_line(&app, m)).collect(),
        may_hold: may.contains(&Act::ManageHolds),
        today: app.vault.clock().now().strftime("%Y-%m-%d").to_string(),
        disposal,
    };
    Ok(render(&page))
}

fn people(app: &App, actors: &[String]) -> String {
    actors.iter().map(|a| words::actor(app, a)).collect::<Vec<_>>().join(" and ")
}

/// A rule as a form or query gives it; `days` empty keeps.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Asked {
    class: String,
    channel: String,
    days: String,
}

/// A rule from its codes.
pub(crate) fn rule(class: &str, channel: &str, days: Option<u32>) -> Outcome<(Class, Channel, Option<u32>)> {
    let class = Class::parse(class).ok_or_else(|| Problem::bad("This class of data is not known."))?;
    let channel = CHANNELS.into_iter().find(|c| c.as_str() == channel);
    let channel = channel.ok_or_else(|| Problem::bad("This channel is not known."))?;
    Ok((class, channel, days))
}

impl Asked {
    fn rule(&self) -> Outcome<(Class, Channel, Option<u32>)> {
        let days = match self.days.trim() {
            "" => None,
            n => Some(
                n.parse()
                    .map_err(|_| Problem::bad("Days are a whole number, or empty to keep without end."))?,
            ),
        };
        rule(&self.class, &self.channel, days)
    }

    fn is_some(&self) -> bool {
        !self.class.is_empty()
    }
}

struct Line {
    name: &'static str,
    channel: &'static str,
    days: String,
    due: String,
    oldest: String,
    held: String,
    kept: String,
}

fn line(l: &RetentionLine) -> Line {
    let some = |n: u64| if n == 0 { String::new() } else { words::number(n) };
    Line {
        name: words::class(l.rule.class),
        channel: words::channel(l.rule.channel.as_str()),
        days: rule_days(l.rule.class, l.rule.days),
        due: words::number(l.due),
        oldest: l.oldest.as_deref().map(words::when).unwrap_or_default(),
        held: some(l.held),
        kept: some(l.must_keep),
    }
}

/// A change that is looked at before it is made.
struct Proposed {
    class: &'static str,
    channel: &'static str,
    days: String,
    days_value: String,
    class_code: &'static str,
    channel_code: &'static str,
}

#[derive(Template)]
#[template(path = "retention_preview.html")]
struct PreviewPage {
    frame: Frame,
    lines: Vec<Line>,
    total: u64,
    total_words: String,
    observing: bool,
    proposed: Option<Proposed>,
    may_change: bool,
    may_run: bool,
}

async fn preview(
    who: May<{ Act::SeeRetention as u8 }>,
    State(app): State<App>,
    Query(q): Query<Asked>,
) -> Outcome<Response> {
    let proposed = if q.is_some() { Some(q.rule()?) } else { None };
    let RetentionPreview { observing, lines, total } =
        app.run(move |vault| vault.retention_preview(proposed)).await?;
    let may = right::of(who.roles());
    let page = PreviewPage {
        frame: Frame::of(&app, &who, "/retention", None),
        lines: lines.iter().filter(|l| l.due + l.held + l.must_keep > 0).map(line).collect(),
        total,
        total_words: words::number(total),
        observing,
        proposed: proposed.map(|(class, channel, n)| Proposed {
            class: words::class(class),
            channel: words::channel(channel.as_str()),
            days: rule_days(class, n),
            days_value: n.map(|n| n.to_string()).unwrap_or_default(),
            class_code: class.as_str(),
            channel_code: channel.as_str(),
        }),
        may_change: may.contains(&Act::ChangeRetention),
        may_run: may.contains(&Act::RunRetention),
    };
    Ok(render(&page))
}

/// Back to the page, or to a fresh factor where one is needed.
pub(super) fn after(outcome: Outcome<()>, code: &str) -> Outcome<Response> {
    match outcome {
        Ok(()) => Ok(done("/retention", code)),
        Err(problem) => step_up(problem, "/retention"),
    }
}

async fn change(
    who: Right<{ Act::ChangeRetention as u8 }>,
    State(app): State<App>,
    Form(f): Form<Asked>,
) -> Outcome<Response> {
    let (class, channel, days) = f.rule()?;
    after(set(&app, &who, class, channel, days).await, "saved")
}

/// Changes a rule; the API changes it the same way.
pub(crate) async fn set(
    app: &App,
    who: &Who,
    class: Class,
    channel: Channel,
    days: Option<u32>,
) -> Outcome<()> {
    let by = who.may(app, Act::ChangeRetention, Target::Program, None).await?;
    app.run(move |vault| vault.set_retention(&by, class, channel, days)).await
}

#[derive(Deserialize)]
struct Seen {
    expected: u64,
}

async fn run(
    who: Right<{ Act::RunRetention as u8 }>,
    State(app): State<App>,
    Form(f): Form<Seen>,
) -> Outcome<Response> {
    let outcome = match who.may(&app, Act::RunRetention, Target::Program, None).await {
        Ok(by) => keeping::run(&app, by, f.expected).await.map(drop),
        Err(problem) => Err(problem),
    };
    after(outcome, "swept")
}

#[derive(Deserialize)]
struct Leave {
    report: String,
    cooling_days: u32,
}

async fn leave(
    who: Right<{ Act::RequestDisposalMode as u8 }>,
    State(app): State<App>,
    Form(f): Form<Leave>,
) -> Outcome<Response> {
    let terms = keeping::Terms::of_report(&app, f.report, f.cooling_days).await?;
    after(keeping::ask(&app, &who, terms).await.map(drop), "requested")
}

#[derive(Deserialize)]
struct Nothing {}

async fn observe(
    who: Right<{ Act::RequestDisposalMode as u8 }>,
    State(app): State<App>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    after(keeping::observe(&app, &who).await, "observing")
}

//! `/disposal`: certificates of destruction, and the register of drives and paper with its chain of custody.

use super::{
    done,
    frame::{Done, Frame},
    render, step_up,
};
use crate::{
    app::App,
    destroyed::{self, Line},
    extract::{Path, Query},
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
use callvault_model::id::MediumId;
use callvault_policy::Act;
use callvault_program::disposal::medium::{self as certificate, Certificate};
use callvault_store::{
    Actor, Error,
    certificates::Destroyed,
    gate::Target,
    medium::{
        Code, Encrypted, EndRow, Holds, Level, MediumKind, MediumRow, MediumState, NewEnd, NewMedium,
        Technique, Verification,
    },
};
use jiff::civil::Date;
use serde::Deserialize;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/disposal", Some(Act::SeeMedia)),
    ("POST", "/disposal/media", Some(Act::ManageMedia)),
    ("GET", "/disposal/media/{medium}", Some(Act::SeeMedia)),
    ("POST", "/disposal/media/{medium}/moves", Some(Act::ManageMedia)),
    ("POST", "/disposal/media/{medium}/plan", Some(Act::ManageMedia)),
    ("POST", "/disposal/media/{medium}/end", Some(Act::ManageMedia)),
    ("POST", "/disposal/media/{medium}/witness", Some(Act::ManageMedia)),
    ("GET", "/disposal/media/{medium}/certificate", Some(Act::SeeMedia)),
    ("GET", "/disposal/media/{medium}/certificate.json", Some(Act::SeeMedia)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/disposal", get(list))
        .route("/disposal/media", post(enter))
        .route("/disposal/media/{medium}", get(show))
        .route("/disposal/media/{medium}/moves", post(hand_on))
        .route("/disposal/media/{medium}/plan", post(plan))
        .route("/disposal/media/{medium}/end", post(end))
        .route("/disposal/media/{medium}/witness", post(witness))
        .route("/disposal/media/{medium}/certificate", get(paper))
        .route("/disposal/media/{medium}/certificate.json", get(json))
}

/// Codes with their words, for a list to choose from.
type Choices = Vec<(&'static str, &'static str)>;

fn choices<C: Code>(but: &[C]) -> Choices {
    C::TABLE.iter().filter(|(v, ..)| !but.contains(v)).map(|(_, code, words)| (*code, *words)).collect()
}

fn grade(state: MediumState, late: bool) -> &'static str {
    match state {
        _ if late => "bad",
        MediumState::Lost => "bad",
        MediumState::Unwitnessed => "warn",
        MediumState::Ended => "good",
        _ => "",
    }
}

struct MediumLine {
    id: MediumId,
    label: String,
    kind: &'static str,
    holds: &'static str,
    state: &'static str,
    grade: &'static str,
    planned: String,
    late: bool,
    certified: bool,
}

fn line(m: MediumRow, today: &str) -> MediumLine {
    let ended = matches!(m.state, MediumState::Ended | MediumState::Unwitnessed);
    let late = !ended && m.planned_on.as_deref().is_some_and(|day| day < today);
    MediumLine {
        id: m.id,
        kind: m.kind.words(),
        holds: m.holds.words(),
        state: m.state.words(),
        grade: grade(m.state, late),
        planned: m.planned_on.unwrap_or_default(),
        late,
        certified: m.certified,
        label: m.label,
    }
}

struct DestroyedLine {
    id: String,
    what: &'static str,
    title: String,
    at: String,
    href: String,
}

#[derive(Template)]
#[template(path = "disposal.html")]
struct ListPage {
    frame: Frame,
    media: Vec<MediumLine>,
    open: usize,
    late: usize,
    destroyed: Vec<DestroyedLine>,
    more: u64,
    may: bool,
    kinds: Choices,
    holds: Choices,
    encrypted: Choices,
}

/// Certificates shown at once.
const SHOWN: usize = 50;

/// A certificate with the address of the whole of it, for whom may read it.
fn destroyed_line(l: Line, may: impl Fn(Act) -> bool) -> DestroyedLine {
    let (what, act, href) = match l.of {
        Destroyed::Original(id) => {
            ("Original", Act::ReadCertificates, format!("/conversations/{id}/certificate"))
        }
        Destroyed::Person(_) => ("Person", Act::SeeSubjectRequests, format!("/disposal/people/{}", l.id)),
        Destroyed::Drive(_) => ("Drive", Act::SeeMedia, format!("/disposal/drives/{}", l.id)),
        // `callvault certificate export` writes it.
        Destroyed::Tenant(_) => ("Tenant", Act::SeeMedia, String::new()),
    };
    DestroyedLine {
        id: l.id.to_string(),
        what,
        title: l.title,
        at: words::when(&l.issued_at),
        href: if may(act) { href } else { String::new() },
    }
}

async fn list(
    who: May<{ Act::SeeMedia as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let today = today(&app);
    let media = app.run(callvault_store::Vault::media).await?;
    let (certificates, all) = destroyed::list(&app, None, SHOWN).await?;
    let may = right::of(who.roles());
    let media: Vec<MediumLine> = media.into_iter().map(|m| line(m, &today)).collect();
    let page = ListPage {
        frame: Frame::of(&app, &who, "/disposal", q.done.as_deref()),
        open: media.iter().filter(|m| m.state == MediumState::Unwitnessed.words()).count(),
        late: media.iter().filter(|m| m.late).count(),
        media,
        more: all.saturating_sub(certificates.len() as u64),
        destroyed: certificates.into_iter().map(|l| destroyed_line(l, |act| may.contains(&act))).collect(),
        may: may.contains(&Act::ManageMedia),
        kinds: choices::<MediumKind>(&[]),
        holds: choices::<Holds>(&[]),
        encrypted: choices::<Encrypted>(&[]),
    };
    Ok(render(&page))
}

fn today(app: &App) -> String {
    app.vault.clock().now().strftime("%Y-%m-%d").to_string()
}

fn code<C: Code>(text: &str) -> Outcome<C> {
    C::parse(text).ok_or_else(|| Problem::bad("This choice is not known; reload the page and choose again."))
}

fn day(text: &str) -> Outcome<Date> {
    text.trim().parse().map_err(|_| Problem::bad("The day is written 2027-03-01."))
}

async fn by(app: &App, who: &Who) -> Outcome<Actor> {
    who.may(app, Act::ManageMedia, Target::Program, None).await
}

/// A medium as a form or the API gives it.
#[derive(Deserialize)]
pub(crate) struct Enter {
    pub kind: String,
    pub label: String,
    pub holds: String,
    pub encrypted: String,
    pub place: String,
}

/// Enters a medium; the API enters it the same way.
pub(crate) async fn entered(app: &App, who: &Who, f: Enter) -> Outcome<MediumId> {
    let new = NewMedium {
        kind: code(&f.kind)?,
        label: f.label,
        holds: code(&f.holds)?,
        encrypted: code(&f.encrypted)?,
        place: f.place,
    };
    let by = by(app, who).await?;
    app.run(move |vault| vault.enter_medium(&by, &new)).await
}

async fn enter(
    who: Right<{ Act::ManageMedia as u8 }>,
    State(app): State<App>,
    Form(f): Form<Enter>,
) -> Outcome<Response> {
    match entered(&app, &who, f).await {
        Ok(id) => Ok(done(&format!("/disposal/media/{id}"), "medium")),
        Err(problem) => step_up(problem, "/disposal"),
    }
}

struct StepLine {
    at: String,
    by: String,
    what: &'static str,
    text: String,
}

struct End {
    level: &'static str,
    technique: &'static str,
    verification: &'static str,
    tool: String,
    done_on: String,
    recorded: String,
    witnessed: String,
}

fn end_words(app: &App, e: EndRow) -> End {
    let who = |by: &str, at: &str| format!("{}, {} UTC", words::actor(app, by), words::when(at));
    End {
        level: e.level.words(),
        technique: e.technique.words(),
        verification: e.verification.words(),
        tool: e.tool,
        done_on: e.done_on,
        recorded: who(&e.recorded_by, &e.recorded_at),
        witnessed: e.witnessed_by.zip(e.witnessed_at).map(|(by, at)| who(&by, &at)).unwrap_or_default(),
    }
}

fn step_words(what: &str) -> &'static str {
    match what {
        "entered" => "entered",
        "moved" => "handed on",
        "planned" => "end planned",
        "lost" => "reported lost",
        "destroyed" => "end recorded",
        "witnessed" => "witnessed",
        "denied" => "not confirmed by the witness",
        _ => "of another version",
    }
}

#[derive(Template)]
#[template(path = "medium.html")]
struct MediumPage {
    frame: Frame,
    id: MediumId,
    label: String,
    kind: &'static str,
    holds: &'static str,
    encrypted: &'static str,
    state: &'static str,
    grade: &'static str,
    planned: String,
    late: bool,
    steps: Vec<StepLine>,
    end: Option<End>,
    open: bool,
    to_witness: bool,
    own: bool,
    ended: bool,
    may: bool,
    today: String,
    states: Choices,
    levels: Choices,
    techniques: Choices,
    verifications: Choices,
}

async fn show(
    who: May<{ Act::SeeMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<MediumId>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let (m, steps, end) = app
        .run(move |vault| Ok::<_, Error>((vault.medium(id)?, vault.medium_steps(id)?, vault.medium_end(id)?)))
        .await?;
    let today = today(&app);
    let own = end.as_ref().is_some_and(|e| e.recorded_by == who.session.actor().to_string());
    let (state, encrypted) = (m.state, m.encrypted);
    let l = line(m, &today);
    let page = MediumPage {
        frame: Frame::of(&app, &who, "/disposal", q.done.as_deref()),
        id,
        label: l.label,
        kind: l.kind,
        holds: l.holds,
        encrypted: encrypted.words(),
        state: l.state,
        grade: l.grade,
        planned: l.planned,
        late: l.late,
        steps: steps
            .into_iter()
            .map(|s| StepLine {
                at: words::when(&s.at),
                by: words::actor(&app, &s.by),
                what: step_words(&s.what),
                text: s.text,
            })
            .collect(),
        end: end.map(|e| end_words(&app, e)),
        open: !matches!(state, MediumState::Ended | MediumState::Unwitnessed),
        to_witness: state == MediumState::Unwitnessed,
        own,
        ended: state == MediumState::Ended,
        may: right::of(who.roles()).contains(&Act::ManageMedia),
        today,
        states: choices(&[MediumState::Unwitnessed, MediumState::Ended]),
        levels: choices::<Level>(&[]),
        techniques: choices::<Technique>(&[]),
        verifications: choices::<Verification>(&[]),
    };
    Ok(render(&page))
}

/// Back to the medium, or to a fresh factor.
fn back<T>(outcome: Outcome<T>, id: MediumId, code: &str) -> Outcome<Response> {
    let path = format!("/disposal/media/{id}");
    match outcome {
        Ok(_) => Ok(done(&path, code)),
        Err(problem) => step_up(problem, &path),
    }
}

/// Where it goes.
#[derive(Deserialize)]
pub(crate) struct Move {
    pub state: String,
    pub place: String,
}

/// Hands a medium on; the API does the same way.
pub(crate) async fn moved(app: &App, who: &Who, id: MediumId, f: Move) -> Outcome<()> {
    let to = code(&f.state)?;
    let by = by(app, who).await?;
    app.run(move |vault| vault.move_medium(&by, id, to, &f.place)).await
}

async fn hand_on(
    who: Right<{ Act::ManageMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<MediumId>,
    Form(f): Form<Move>,
) -> Outcome<Response> {
    back(moved(&app, &who, id, f).await, id, "saved")
}

#[derive(Deserialize)]
struct Plan {
    on: String,
    level: String,
    technique: String,
}

async fn plan(
    who: Right<{ Act::ManageMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<MediumId>,
    Form(f): Form<Plan>,
) -> Outcome<Response> {
    let (on, level, technique) = (day(&f.on)?, code(&f.level)?, code(&f.technique)?);
    let outcome = match by(&app, &who).await {
        Ok(by) => app.run(move |vault| vault.plan_medium(&by, id, on, level, technique)).await,
        Err(problem) => Err(problem),
    };
    back(outcome, id, "saved")
}

/// How it ended.
#[derive(Deserialize)]
pub(crate) struct EndForm {
    pub done_on: String,
    pub level: String,
    pub technique: String,
    pub verification: String,
    pub tool: String,
}

/// Records an end; the API records it the same way.
pub(crate) async fn ended(app: &App, who: &Who, id: MediumId, f: EndForm) -> Outcome<()> {
    let end = NewEnd {
        done_on: day(&f.done_on)?,
        level: code(&f.level)?,
        technique: code(&f.technique)?,
        verification: code(&f.verification)?,
        tool: f.tool,
    };
    let by = by(app, who).await?;
    app.run(move |vault| vault.end_medium(&by, id, &end)).await
}

async fn end(
    who: Right<{ Act::ManageMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<MediumId>,
    Form(f): Form<EndForm>,
) -> Outcome<Response> {
    back(ended(&app, &who, id, f).await, id, "medium-ended")
}

#[derive(Deserialize)]
struct Witness {
    saw: String,
    note: String,
}

/// Another person's word; with it comes the certificate. The API does the same way.
pub(crate) async fn witnessed(app: &App, who: &Who, id: MediumId, saw: bool, note: String) -> Outcome<()> {
    let by = by(app, who).await?;
    app.run(move |vault| {
        vault.witness_medium(&by, id, saw, &note)?;
        if saw { certificate::certify(vault, id).map(drop) } else { Ok(()) }
    })
    .await
}

async fn witness(
    who: Right<{ Act::ManageMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<MediumId>,
    Form(f): Form<Witness>,
) -> Outcome<Response> {
    let saw = f.saw == "yes";
    back(witnessed(&app, &who, id, saw, f.note).await, id, if saw { "certified" } else { "saved" })
}

/// The certificate; one that a killed process did not finish is issued now.
pub(crate) async fn certified(app: &App, id: MediumId) -> Outcome<Certificate> {
    app.run(move |vault| certificate::certify(vault, id)).await
}

#[derive(Template)]
#[template(path = "medium_certificate.html")]
struct CertificatePage {
    frame: Frame,
    id: MediumId,
    c: Certificate,
    issued: String,
    recorded: String,
    witnessed: String,
    custody: Vec<StepLine>,
}

async fn paper(
    who: May<{ Act::SeeMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<MediumId>,
) -> Outcome<Response> {
    let c = certified(&app, id).await?;
    let s = &c.statement;
    let line = |l: &certificate::Link| StepLine {
        at: words::when(&l.at),
        by: words::actor(&app, &l.by),
        what: step_words(&l.what),
        text: l.text.clone(),
    };
    let page = CertificatePage {
        frame: Frame::of(&app, &who, "/disposal", None),
        id,
        issued: words::when(&s.issued_at),
        recorded: words::actor(&app, &s.recorded_by),
        witnessed: format!("{}, {} UTC", words::actor(&app, &s.witnessed_by), words::when(&s.witnessed_at)),
        custody: s.custody.iter().map(line).collect(),
        c,
    };
    Ok(render(&page))
}

async fn json(
    _: May<{ Act::SeeMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<MediumId>,
) -> Outcome<Response> {
    let c = certified(&app, id).await?;
    let text = serde_json::to_string_pretty(&c).map_err(|e| Problem::internal(&e))?;
    Ok(super::training::file(&format!("certificate-{id}.json"), "application/json", text))
}

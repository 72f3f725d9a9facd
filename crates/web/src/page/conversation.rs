//! `/conversations/{id}`: hear it, read it, see why something is hidden, and what became of the original.

use super::{
    frame::{Done, Frame},
    purpose, render,
};
use crate::{
    app::App,
    chips::{self, Piece},
    correcting,
    extract::{Path, Query},
    listen,
    problem::{Outcome, Problem},
    reading::{self, Opened},
    session::{May, Who},
    wave::{Drawing, ROW},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, Method},
    response::Response,
    routing::get,
};
use callvault_flow::certificate::{self, Certificate};
use callvault_model::id::{ConversationId, CorrectionId};
use callvault_policy::{Act, Purpose};
use callvault_store::{ConversationRow, FindingDetail, PartyRow, corrections::CorrectionRow, gate::Target};
use std::sync::Arc;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/conversations/{id}", Some(Act::ReadMasked)),
    ("GET", "/conversations/{id}/audio", Some(Act::PlayMuted)),
    ("GET", "/conversations/{id}/certificate", Some(Act::ReadCertificates)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/conversations/{id}", get(show))
        .route("/conversations/{id}/audio", get(audio))
        .route("/conversations/{id}/certificate", get(certificate_page))
}

/// A piece of a turn; chips lead to the page of their finding.
pub(super) struct Bit {
    pub piece: Piece,
    pub why: String,
    pub finding: Option<u64>,
}

/// One turn as it is shown.
pub(super) struct TurnLine {
    pub start: u64,
    pub at: String,
    pub role: String,
    pub bits: Vec<Bit>,
}

/// One hidden value as it is listed.
pub(super) struct FindingLine {
    pub f: FindingDetail,
    pub name: &'static str,
    pub at: String,
    pub why: &'static str,
    pub sure: String,
}

/// A muted stretch in the picture and in words.
struct Muted {
    x: String,
    width: String,
    y: String,
    words: String,
}

/// The picture of the sound.
struct Picture {
    height: f64,
    rows: Vec<(String, String)>,
    muted: Vec<Muted>,
    summary: String,
}

/// What is said of the proof.
struct Proven {
    badge: (&'static str, &'static str),
    words: String,
}

#[derive(Template)]
#[template(path = "conversation.html")]
struct Page {
    frame: Frame,
    id: ConversationId,
    row: ConversationRow,
    title: String,
    facts: Vec<String>,
    state: (&'static str, &'static str),
    purpose: &'static str,
    picture: Option<Picture>,
    sound: bool,
    may_play: bool,
    course: Option<String>,
    turns: Vec<TurnLine>,
    findings: Vec<FindingLine>,
    proof: Proven,
    certificate: Option<Certificate>,
    may_certificate: bool,
    copies: Vec<(String, &'static str, String)>,
    kept: Option<&'static str>,
    parties: Vec<PartyRow>,
    may_subject: bool,
    timed: bool,
    may_correct: bool,
    corrections: Vec<Correction>,
    withheld: &'static str,
    keeps: Keeps,
}

/// A correction of this conversation, as it is listed.
struct Correction {
    id: CorrectionId,
    words: String,
    state: &'static str,
    grade: &'static str,
}

/// What may be done to keep it.
struct Keeps {
    may: bool,
    marked: bool,
}

/// What nobody can read yet, and why.
#[derive(Template)]
#[template(path = "conversation_closed.html")]
struct Closed {
    frame: Frame,
    row: ConversationRow,
    title: String,
    state: (&'static str, &'static str),
    quarantine: bool,
}

/// What the page shows beside the words.
struct Beside {
    sound: bool,
    copies: Vec<(String, &'static str, String)>,
    kept: Option<&'static str>,
    parties: Vec<PartyRow>,
    certificate: Option<Certificate>,
    proof: String,
    withheld: &'static str,
    marked: bool,
}

async fn show(
    who: May<{ Act::ListConversations as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    Query(q): Query<Done>,
    headers: HeaderMap,
) -> Outcome<Response> {
    let row = app.run(move |vault| vault.conversation(id)).await?;
    let frame = Frame::of(&app, &who, "/conversations", q.done.as_deref());
    if !reading::finished(row.state) {
        let quarantine = who.could(&app, Act::SeeQuarantine);
        let (title, state) = (title(&row), words::state(row.state));
        return Ok(render(&Closed { frame, title, state, quarantine, row }));
    }
    let purpose = match purpose::ask(&app, &who, &headers, Act::ReadMasked, Target::Conversation(id)).await? {
        purpose::Asked::Go(purpose) => purpose,
        purpose::Asked::Choose(offered) => {
            let to = format!("/conversations/{id}");
            return Ok(purpose::page(frame, title(&row), to, offered, remembered_words(&headers)));
        }
    };
    let opened = Arc::new(reading::open(&app, &who, id, Some(purpose)).await?);
    let drawing = reading::drawing(&app, &opened).await?;
    let beside = beside(&app, id, opened.proof_facts().cloned()).await?;
    let may_play = beside.withheld.is_empty() && could(&app, &who, Act::PlayMuted, id, Some(purpose)).await?;
    let course = if may_play || !beside.withheld.is_empty() { None } else { missing(&app, &who).await? };
    let corrections = correcting::seen(&app, &who, Some(id)).await?;
    let timed = row.channel == "voice";
    let view = Page {
        id,
        title: title(&row),
        facts: facts(&row, &beside.parties, opened.findings().len()),
        state: words::state(row.state),
        purpose: words::purpose(purpose),
        picture: drawing.map(|d| picture(&d, &row, &beside.parties)),
        sound: beside.sound,
        may_play,
        course,
        turns: turn_lines(&opened, timed),
        findings: opened.findings().iter().map(|f| finding_line(f, timed)).collect(),
        proof: Proven { badge: words::proof(&row.channel, row.proof.as_deref()), words: beside.proof },
        certificate: beside.certificate,
        may_certificate: who.could(&app, Act::ReadCertificates),
        copies: beside.copies,
        kept: beside.kept,
        parties: beside.parties,
        may_subject: who.could(&app, Act::ListSubjects),
        timed,
        may_correct: could(&app, &who, Act::RequestCorrection, id, None).await?,
        corrections: corrections.into_iter().map(correction).collect(),
        withheld: beside.withheld,
        keeps: Keeps {
            may: crate::right::of(who.roles()).contains(&Act::ManageHolds),
            marked: beside.marked,
        },
        row,
        frame,
    };
    Ok(render(&view))
}

/// The course without which this person hears nothing, where the roles would allow it.
async fn missing(app: &App, who: &Who) -> Outcome<Option<String>> {
    if !crate::right::of(who.roles()).contains(&Act::PlayMuted) {
        return Ok(None);
    }
    let session = who.session.clone();
    let closed = app.run(move |vault| vault.missing_course(&session, Act::PlayMuted)).await?;
    Ok(closed.map(|c| c.course))
}

fn remembered_words(headers: &HeaderMap) -> Option<&'static str> {
    reading::remembered(headers).map(words::purpose)
}

/// Whether a button for an act on this conversation is shown.
pub(super) async fn could(
    app: &App,
    who: &Who,
    act: Act,
    id: ConversationId,
    purpose: Option<Purpose>,
) -> Outcome<bool> {
    let session = who.session.clone();
    app.run(move |vault| vault.could(&session, act, &Target::Conversation(id), purpose)).await
}

async fn beside(app: &App, id: ConversationId, proof: Option<serde_json::Value>) -> Outcome<Beside> {
    app.run(move |vault| {
        let copies = vault.copies(id)?;
        let certificate = vault.certificate_of(id)?.and_then(|body| certificate::parse(body.as_bytes()).ok());
        let proof = proof.and_then(|f| serde_json::from_value(f).ok());
        Ok::<_, callvault_store::Error>(Beside {
            sound: vault.has_muted_audio(id)?,
            // A path may name a person; where a copy lies is for the certificate and those who may read it.
            copies: copies.into_iter().map(|c| (c.place, copy_words(c.state), words::when(&c.at))).collect(),
            kept: vault.kept_back(id)?.map(|why| kept_words(&why)),
            parties: vault.party_rows(id)?,
            certificate,
            proof: proof.as_ref().map(certificate::proof_in_words).unwrap_or_default(),
            withheld: words::withheld(vault.withheld(id)?.as_ref()),
            marked: vault.is_marked(id)?,
        })
    })
    .await
}

fn correction(r: CorrectionRow) -> Correction {
    let what = words::of_name(&r.entity, 1);
    let (state, grade) = match r.state.as_str() {
        "requested" => ("waits", "warn"),
        "accepted" => ("accepted", "good"),
        _ => ("refused", "bad"),
    };
    let words = if r.kind == "missed" { format!("missed: {what}") } else { format!("no {what}") };
    Correction { id: r.id, words, state, grade }
}

fn kept_words(why: &callvault_store::Refused) -> &'static str {
    match why {
        callvault_store::Refused::MustKeep(_) => {
            "Marked as one that must be kept: its original is not destroyed."
        }
        _ => "A legal hold keeps everything of it: nothing is destroyed.",
    }
}

fn copy_words(state: callvault_store::CopyState) -> &'static str {
    match state {
        callvault_store::CopyState::Destroyed => "destroyed",
        callvault_store::CopyState::Remains => "still there",
        callvault_store::CopyState::Unknown => "not known",
    }
}

/// A title that tells conversations apart and names nobody.
pub(super) fn title(row: &ConversationRow) -> String {
    let at = words::when(row.started_at.as_deref().unwrap_or(&row.received_at));
    format!("{} of {at}", words::one(&row.channel))
}

fn facts(row: &ConversationRow, parties: &[PartyRow], hidden: usize) -> Vec<String> {
    let mut out = Vec::new();
    if row.duration_ms > 0 {
        out.push(format!("{} long", words::clock(row.duration_ms)));
    }
    let roles: Vec<&str> = parties.iter().map(|p| p.role.as_str()).collect();
    if !roles.is_empty() {
        out.push(roles.join(" and "));
    }
    out.push(match hidden {
        0 => "nothing had to be hidden".to_owned(),
        1 => "one value hidden".to_owned(),
        n => format!("{n} values hidden"),
    });
    out
}

/// One finding in words.
pub(super) fn finding_line(f: &FindingDetail, timed: bool) -> FindingLine {
    FindingLine {
        name: words::of_name(&f.entity, 1),
        at: if timed { words::clock(f.start_ms) } else { format!("message {}", f.turn.saturating_add(1)) },
        why: words::recognizer(&f.recognizer),
        sure: format!("{:.0} %", f.score.clamp(0.0, 1.0) * 100.0),
        f: f.clone(),
    }
}

/// The turns, each label tied to the finding it stands for: the next one of its type in that turn.
pub(super) fn turn_lines(opened: &Opened, timed: bool) -> Vec<TurnLine> {
    let mut out = Vec::with_capacity(opened.turns.len());
    for (number, turn) in opened.turns.iter().enumerate() {
        let mut open: Vec<&FindingDetail> =
            opened.findings().iter().filter(|f| f.turn == number as u64).collect();
        let bits = chips::pieces(&turn.text).into_iter().map(|piece| bit(piece, &mut open)).collect();
        out.push(TurnLine {
            start: turn.start_ms,
            at: if timed { words::clock(turn.start_ms) } else { format!("{}", number.saturating_add(1)) },
            role: turn.role.clone(),
            bits,
        });
    }
    out
}

fn bit(piece: Piece, open: &mut Vec<&FindingDetail>) -> Bit {
    let at = if piece.is_chip() { open.iter().position(|f| f.entity == piece.kind) } else { None };
    let finding = at.map(|at| open.remove(at));
    let why = finding.map_or_else(String::new, |f| words::recognizer(&f.recognizer).to_owned());
    Bit { why, finding: finding.map(|f| f.position), piece }
}

fn picture(d: &Drawing, row: &ConversationRow, parties: &[PartyRow]) -> Picture {
    let role = |channel: usize| {
        parties.get(channel).map_or_else(|| format!("channel {}", channel + 1), |p| p.role.clone())
    };
    let mut muted = Vec::new();
    for (channel, stretches) in d.muted.iter().enumerate() {
        for stretch in stretches {
            let Some((x, width)) =
                crate::draw::stretch(stretch.start_ms, stretch.end_ms, row.duration_ms, 1_000.0)
            else {
                continue;
            };
            muted.push(Muted {
                x: format!("{x:.1}"),
                width: format!("{width:.1}"),
                y: format!("{:.0}", channel as f64 * ROW),
                words: format!(
                    "{} to {}, {}",
                    words::clock(stretch.start_ms),
                    words::clock(stretch.end_ms),
                    role(channel)
                ),
            });
        }
    }
    let silent: u64 = d.muted.iter().flatten().map(|s| s.end_ms.saturating_sub(s.start_ms)).sum();
    let summary = match muted.len() {
        0 => "Nothing is muted".to_owned(),
        1 => format!("One stretch is muted, {:.1} seconds", silent as f64 / 1_000.0),
        n => format!("{n} stretches are muted, {:.1} seconds in all", silent as f64 / 1_000.0),
    };
    let rows = d
        .paths
        .iter()
        .enumerate()
        .map(|(i, path)| (format!("{:.0}", i as f64 * ROW), path.clone()))
        .collect();
    Picture { height: ROW * d.paths.len().max(1) as f64, rows, muted, summary }
}

async fn audio(
    who: Who,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    method: Method,
    headers: HeaderMap,
) -> Outcome<Response> {
    listen::serve(&app, &who, id, reading::remembered(&headers), &method, &headers).await
}

#[derive(Template)]
#[template(path = "certificate.html")]
struct CertificatePage {
    frame: Frame,
    id: ConversationId,
    title: String,
    issued: String,
    c: Certificate,
}

async fn certificate_page(
    who: May<{ Act::ReadCertificates as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
) -> Outcome<Response> {
    let (row, body) = app
        .run(move |vault| {
            Ok::<_, callvault_store::Error>((vault.conversation(id)?, vault.certificate_of(id)?))
        })
        .await?;
    let c = body.and_then(|b| certificate::parse(b.as_bytes()).ok()).ok_or_else(Problem::absent)?;
    let frame = Frame::of(&app, &who, "/conversations", None);
    let issued = words::when(&c.statement.issued_at);
    Ok(render(&CertificatePage { frame, id, title: title(&row), issued, c }))
}

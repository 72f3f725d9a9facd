//! `/dial`: may this number be called now, and who of a list may be. The number is not kept; the answer is.

use super::{
    frame::{Done, Frame},
    render,
};
use crate::{
    app::App,
    dialing::{self, DialAnswer},
    extract::Query,
    problem::{Outcome, Problem},
    right,
    session::{Form, May, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State},
    response::Response,
    routing::{get, post},
};
use callvault_law::{Counts, DISCLAIMER};
use callvault_policy::Act;
use callvault_program::dial::{Listed, Question};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/dial", Some(Act::CheckDial)),
    ("POST", "/dial", Some(Act::CheckDial)),
    ("POST", "/dial/list", Some(Act::PreviewCampaign)),
];

/// This file's routes. A list is bounded while it is read.
pub fn router() -> Router<App> {
    Router::new()
        .route("/dial", get(show).post(check))
        .route("/dial/list", post(list).layer(DefaultBodyLimit::disable()))
}

#[derive(Template)]
#[template(path = "dial.html")]
struct Page {
    frame: Frame,
    asked: Asked,
    answer: Option<DialAnswer>,
    verdict: (&'static str, &'static str),
    next: String,
    may_list: bool,
    disclaimer: &'static str,
}

#[derive(Template)]
#[template(path = "dial_list.html")]
struct ListPage {
    frame: Frame,
    counts: Counts,
    rows: String,
    words: Vec<(String, &'static str, String)>,
    unreadable: String,
    bad: Vec<(u64, String)>,
    pack: String,
    disclaimer: &'static str,
}

/// The form. Empty means not known.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct Asked {
    number: String,
    kind: String,
    purpose: String,
    mode: String,
    seller: String,
    line: String,
    dialer: String,
    national_dnc: String,
    registry_version_date: String,
    ebr: String,
    attempts_last_24h: String,
    states: String,
    at: String,
    quiet: String,
    b2b: String,
    has_optout_mechanism: String,
}

impl Asked {
    /// The facts that the form names; what is empty stays unknown.
    fn facts(&self) -> Outcome<Map<String, Value>> {
        let mut out = Map::new();
        let texts = [
            ("purpose", &self.purpose),
            ("mode", &self.mode),
            ("seller", &self.seller),
            ("line", &self.line),
            ("dialer", &self.dialer),
            ("registry_version_date", &self.registry_version_date),
        ];
        for (name, text) in texts.into_iter().filter(|(_, t)| !t.trim().is_empty()) {
            out.insert(name.to_owned(), text.trim().into());
        }
        let truths = [
            ("national_dnc", &self.national_dnc),
            ("ebr", &self.ebr),
            ("b2b", &self.b2b),
            ("has_optout_mechanism", &self.has_optout_mechanism),
        ];
        for (name, text) in truths.into_iter().filter(|(_, t)| ["yes", "no"].contains(&t.as_str())) {
            out.insert(name.to_owned(), (text == "yes").into());
        }
        if !self.attempts_last_24h.trim().is_empty() {
            let n: u32 = self
                .attempts_last_24h
                .trim()
                .parse()
                .map_err(|_| Problem::bad("Earlier attempts are a number."))?;
            out.insert("attempts_last_24h".to_owned(), n.into());
        }
        let states: Vec<Value> =
            self.states.split([',', ' ', ';']).filter(|s| !s.is_empty()).take(60).map(Value::from).collect();
        if !states.is_empty() {
            out.insert("candidate_states".to_owned(), states.into());
        }
        if !self.at.trim().is_empty() {
            let at = format!("{}:00Z", self.at.trim());
            let at: jiff::Timestamp =
                at.parse().map_err(|_| Problem::bad("The time of the call is a date and a time in UTC."))?;
            out.insert("at".to_owned(), at.to_string().into());
        }
        if self.quiet == "yes" {
            out.insert("holidays_local".to_owned(), json!([]));
            out.insert("emergencies".to_owned(), json!([]));
        }
        Ok(out)
    }

    fn question(&self) -> Outcome<Question> {
        Ok(Question { text: self.kind == "text", number: self.number.clone(), facts: self.facts()? })
    }

    fn is(&self, field: &str, value: &str) -> bool {
        let of = match field {
            "kind" => &self.kind,
            "purpose" => &self.purpose,
            "mode" => &self.mode,
            "line" => &self.line,
            "dialer" => &self.dialer,
            "national_dnc" => &self.national_dnc,
            "ebr" => &self.ebr,
            _ => return false,
        };
        of == value
    }
}

fn verdict(decision: &str) -> (&'static str, &'static str) {
    match decision {
        "allow" => ("May be made", "good"),
        "allow_with_warning" => ("May be made, with a warning", "warn"),
        _ => ("Must not be made", "bad"),
    }
}

fn page(app: &App, who: &Who, asked: Asked, answer: Option<DialAnswer>, said: Option<&str>) -> Response {
    let next = answer.as_ref().and_then(|a| a.next_allowed.as_deref()).map(words::when).unwrap_or_default();
    render(&Page {
        frame: Frame::of(app, who, "/dial", said),
        verdict: answer.as_ref().map_or(("", ""), |a| verdict(&a.decision)),
        asked,
        answer,
        next,
        may_list: right::of(who.roles()).contains(&Act::PreviewCampaign),
        disclaimer: DISCLAIMER,
    })
}

async fn show(who: May<{ Act::CheckDial as u8 }>, State(app): State<App>, Query(q): Query<Done>) -> Response {
    let asked = Asked {
        purpose: "telemarketing".into(),
        mode: "live".into(),
        dialer: "manual".into(),
        ..Asked::default()
    };
    page(&app, &who, asked, None, q.done.as_deref())
}

async fn check(
    who: May<{ Act::CheckDial as u8 }>,
    State(app): State<App>,
    Form(asked): Form<Asked>,
) -> Outcome<Response> {
    let answer = dialing::ask(&app, &who, asked.question()?).await?;
    Ok(page(&app, &who, asked, Some(answer), None))
}

fn malformed() -> Problem {
    Problem::bad("The form is incomplete or the file did not arrive whole; choose the file again.")
}

async fn list(
    who: May<{ Act::PreviewCampaign as u8 }>,
    State(app): State<App>,
    request: Request,
) -> Outcome<Response> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| malformed())?;
    let (mut proven, mut asked) = (false, Map::new());
    while let Some(mut field) = form.next_field().await.map_err(|_| malformed())? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            if !proven {
                return Err(malformed());
            }
            let asked: Asked = serde_json::from_value(Value::Object(asked)).map_err(|_| malformed())?;
            let pipe = dialing::list_pipe();
            let (into, whole) = (pipe.into, pipe.whole);
            let judging = {
                let (app, actor) = (app.clone(), who.session.actor());
                let (common, text) = (asked.facts()?, asked.kind == "text");
                tokio::spawn(async move { dialing::judge(&app, actor, common, text, pipe.body).await })
            };
            loop {
                match field.chunk().await {
                    Ok(Some(piece)) => {
                        if into.send(piece).await.is_err() {
                            break;
                        }
                    }
                    Ok(None) => {
                        whole.store(true, Ordering::Release);
                        break;
                    }
                    Err(_) => break,
                }
            }
            drop(into);
            let listed = judging.await.map_err(|e| Problem::internal(&e))??;
            return Ok(counted(&app, &who, listed));
        }
        let mut value = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(|_| malformed())? {
            value.extend_from_slice(&piece);
            if value.len() > 500 {
                return Err(malformed());
            }
        }
        let value = String::from_utf8(value).map_err(|_| malformed())?;
        if name == "csrf" {
            who.proves(&value)?;
            proven = true;
        } else if asked.len() < 20 {
            asked.insert(name, value.into());
        }
    }
    Err(malformed())
}

fn counted(app: &App, who: &Who, listed: Listed) -> Response {
    let words = listed.counts.decisions.iter().map(|(w, n)| {
        let (what, grade) = verdict(w);
        (what.to_owned(), grade, words::number(*n))
    });
    render(&ListPage {
        frame: Frame::of(app, who, "/dial", None),
        rows: words::number(listed.counts.rows),
        words: words.collect(),
        unreadable: words::number(listed.unreadable),
        bad: listed.bad,
        pack: listed.pack_hash.get(..16).unwrap_or_default().to_owned(),
        counts: listed.counts,
        disclaimer: DISCLAIMER,
    })
}

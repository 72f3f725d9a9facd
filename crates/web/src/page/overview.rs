//! `/`: what came in, what waits and why, whether the ledger is sound.

use super::{
    frame::{Done, Frame},
    render,
};
use crate::{app::App, extract::Query, problem::Outcome, session::May, words};
use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use callvault_policy::Act;
use callvault_store::Overview;

/// This file's pages.
pub const PAGES: super::Pages = &[("GET", "/", Some(Act::SeeOverview))];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new().route("/", get(show))
}

struct Waiting {
    name: &'static str,
    count: u64,
    why: &'static str,
    href: &'static str,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    o: Overview,
    total: u64,
    week: u64,
    channels: Vec<(&'static str, u64)>,
    waiting: Vec<Waiting>,
    findings: Vec<(&'static str, u64, String)>,
    observing: bool,
    cooling_days: u32,
}

async fn show(
    who: May<{ Act::SeeOverview as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let (o, disposal) =
        app.run(|vault| Ok::<_, callvault_store::Error>((vault.overview()?, vault.disposal()?))).await?;
    let frame = Frame::of(&app, &who, "/", q.done.as_deref());
    let state = |name: &str| o.by_state.get(name).copied().unwrap_or(0);
    let waiting = [
        Waiting {
            name: "In quarantine",
            count: state("quarantined"),
            why: "A stage failed; nobody can play these. Somebody must decide.",
            href: "/quarantine",
        },
        Waiting {
            name: "Awaiting a transcript",
            count: state("awaiting-transcript"),
            why: "No installed engine can hear these; they lie sealed.",
            href: "/conversations?state=awaiting-transcript",
        },
        Waiting {
            name: "Being worked on",
            count: state("received"),
            why: "Received and sealed; they appear as soon as they are redacted and proven.",
            href: "/conversations?state=received",
        },
        Waiting {
            name: "Being destroyed",
            count: state("shredding"),
            why: "The key is gone; the certificate waits for verification.",
            href: "/conversations?state=shredding",
        },
    ];
    let mut findings: Vec<_> =
        o.findings.iter().map(|(t, n)| (words::of_name(t, *n), *n, t.clone())).collect();
    findings.sort_by_key(|(_, n, _)| std::cmp::Reverse(*n));
    findings.truncate(8);
    let page = Page {
        frame,
        total: o.by_state.values().sum(),
        week: o.week_by_channel.values().sum(),
        channels: o.week_by_channel.iter().map(|(c, n)| (words::channel(c), *n)).collect(),
        waiting: waiting.into_iter().filter(|w| w.count > 0).collect(),
        findings,
        observing: disposal.is_none(),
        cooling_days: disposal.map_or(0, |d| d.cooling_days),
        o,
    };
    Ok(render(&page))
}

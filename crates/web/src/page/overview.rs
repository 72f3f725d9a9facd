//! `/`: what came in, who must decide what until when, what waits and why, whether the ledger is sound.

use super::{
    frame::{Done, Frame},
    render,
};
use crate::{
    app::App,
    extract::Query,
    pending::{self, Pending},
    problem::Outcome,
    right,
    session::May,
    soundness::Verdict,
    words,
};
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

/// Decisions of one kind, as people read them.
struct ToDecide {
    what: String,
    /// Where it is decided, for those who may.
    href: Option<&'static str>,
    who: String,
    until: String,
    soon: bool,
}

/// The verdict on the ledger.
struct Ledger {
    badge: (&'static str, &'static str),
    words: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    o: Overview,
    total: u64,
    week: u64,
    channels: Vec<(&'static str, u64)>,
    decide: Vec<ToDecide>,
    waiting: Vec<Waiting>,
    findings: Vec<(&'static str, u64)>,
    ledger: Ledger,
    may_ledger: bool,
    may_retention: bool,
    observing: bool,
    cooling_days: u32,
}

async fn show(
    who: May<{ Act::SeeOverview as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let (o, disposal, pending) = app
        .run(|vault| {
            Ok::<_, callvault_store::Error>((vault.overview()?, vault.disposal()?, pending::all(vault)?))
        })
        .await?;
    let frame = Frame::of(&app, &who, "/", q.done.as_deref());
    let may = right::of(who.roles());
    let mut findings: Vec<_> = o.findings.iter().map(|(t, n)| (words::of_name(t, *n), *n)).collect();
    findings.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    findings.truncate(8);
    let now = app.vault.clock().now();
    let page = Page {
        frame,
        total: o.by_state.values().sum(),
        week: o.week_by_channel.values().sum(),
        channels: o.week_by_channel.iter().map(|(c, n)| (words::channel(c), *n)).collect(),
        decide: pending.into_iter().map(|p| to_decide(p, |act| may.contains(&act), now)).collect(),
        waiting: waiting(&o, may.contains(&Act::ListConversations)),
        findings,
        ledger: ledger(app.soundness.last()),
        may_ledger: may.contains(&Act::ReadLedger),
        may_retention: may.contains(&Act::SeeRetention),
        observing: disposal.is_none(),
        cooling_days: disposal.map_or(0, |d| d.cooling_days),
        o,
    };
    Ok(render(&page))
}

/// What the program is about to go on with, or cannot.
fn waiting(o: &Overview, links: bool) -> Vec<Waiting> {
    let state = |name: &str| o.by_state.get(name).copied().unwrap_or(0);
    let link = |href| if links { href } else { "" };
    let all = [
        Waiting {
            name: "Awaiting a transcript",
            count: state("awaiting-transcript"),
            why: "No installed engine can hear these; they lie sealed.",
            href: link("/conversations?state=awaiting-transcript"),
        },
        Waiting {
            name: "Being worked on",
            count: state("received"),
            why: "Received and sealed; they appear as soon as they are redacted and proven.",
            href: link("/conversations?state=received"),
        },
        Waiting {
            name: "Being destroyed",
            count: state("shredding"),
            why: "The key is gone; the certificate waits for verification.",
            href: link("/conversations?state=shredding"),
        },
    ];
    all.into_iter().filter(|w| w.count > 0).collect()
}

fn to_decide(p: Pending, may: impl Fn(Act) -> bool, now: jiff::Timestamp) -> ToDecide {
    let n = words::number(p.count);
    let (one, many, href) = match p.what {
        "reveals" => ("wish to see a hidden value", "wishes to see hidden values", "/requests"),
        "grants" => ("right for a while is asked for", "rights for a while are asked for", "/requests"),
        "corrections" => ("correction of a finding", "corrections of findings", "/requests"),
        "observe_mode" => ("change of observe mode", "changes of observe mode", "/requests"),
        "quarantine" => ("conversation in quarantine", "conversations in quarantine", "/quarantine"),
        _ => ("hold to look at again", "holds to look at again", "/retention"),
    };
    let soon = p.until.as_deref().and_then(|u| u.parse::<jiff::Timestamp>().ok());
    let roles: Vec<_> = p.who.iter().map(words::role).collect();
    ToDecide {
        what: format!("{n} {}", if p.count == 1 { one } else { many }),
        href: may(p.act).then_some(href),
        who: words::or(&roles),
        until: match (&p.until, &p.since) {
            (Some(until), _) => format!("until {}", words::when(until)),
            (None, Some(since)) => format!("since {}", words::when(since)),
            _ => String::new(),
        },
        soon: soon.is_some_and(|at| at.duration_since(now).as_hours() < 2),
    }
}

fn ledger(verdict: Option<Verdict>) -> Ledger {
    match verdict {
        None => Ledger {
            badge: ("not checked yet", ""),
            words: "All of it is checked shortly after the start, and every hour.".into(),
        },
        Some(Verdict { at, found: Ok(whole) }) => Ledger {
            badge: ("whole", "good"),
            words: format!(
                "All {} entries stood as they were signed on {} UTC.",
                words::number(whole.size),
                at.strftime("%Y-%m-%d %H:%M")
            ),
        },
        Some(Verdict { found: Err(broken), .. }) => Ledger {
            badge: ("not whole", "bad"),
            words: format!("{broken}. Keep this machine as it is and tell the incident lead."),
        },
    }
}

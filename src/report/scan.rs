//! The report of a scan: what an engineer forwards to the person who decides.

use super::{page, prose::*};
use crate::scan::{
    sample::Share,
    summary::{Month, Summary, TypeCount, UnreadableFile, grouped, hours, percent, size},
};
use askama::Template;
use callvault_model::{EntityType, words};
use callvault_web::draw;

/// Months that the chart shows, the newest; older ones are in the JSON.
const MONTHS: usize = 60;
/// Height of the columns.
const COLUMN: f64 = 110.0;

struct Tile {
    what: &'static str,
    value: String,
    note: String,
}

struct TypeRow {
    label: String,
    grade: &'static str,
    bar: String,
    values: String,
    files: String,
}

struct ShareRow {
    what: &'static str,
    counted: String,
    share: String,
    interval: String,
    all: String,
}

struct MonthColumn {
    name: String,
    files: String,
    heard: String,
    cards: String,
    x: String,
    w: String,
    middle: String,
    all_y: String,
    all_h: String,
    some_y: String,
    some_h: String,
    card_y: String,
    card_h: String,
    labelled: bool,
}

#[derive(Template)]
#[template(path = "scan.html")]
struct ScanPage<'a> {
    s: &'a Summary,
    policy: String,
    css: &'static str,
    version: &'static str,
    title: String,
    day: String,
    headline: (String, String, String),
    lead: String,
    alarm: String,
    tiles: Vec<Tile>,
    read_note: String,
    types: Vec<TypeRow>,
    legend: Vec<(&'static str, &'static str)>,
    shares: Vec<ShareRow>,
    sample_note: String,
    recordings: String,
    months: Vec<MonthColumn>,
    month_width: u32,
    names: Vec<TypeRow>,
    names_lead: String,
    sidecars: String,
    exposure: Vec<(&'static str, String)>,
    unknown: Vec<String>,
    unreadable: &'a [UnreadableFile],
    unreadable_lead: String,
    steps: Vec<(String, String)>,
    now: String,
    kept: String,
    now_bar: String,
    kept_bar: String,
    storage_note: String,
    method: String,
}

/// The page for one scan.
pub fn scan_report(s: &Summary) -> anyhow::Result<String> {
    let types = s.types();
    let names: Vec<(EntityType, TypeCount)> = s.names_by_type.iter().map(|(e, c)| (*e, *c)).collect();
    let months = months(s);
    let most = s.storage.bytes.max(s.storage.bytes_kept);
    let page = ScanPage {
        s,
        policy: page::policy(None, false),
        css: page::CSS,
        version: env!("CARGO_PKG_VERSION"),
        title: format!("Scan of {}", s.folder),
        day: s.scanned_at.chars().take(10).collect(),
        headline: headline(s),
        lead: lead(s),
        alarm: format!(
            "{} in {}, which card rules forbid to keep",
            count(s.security_codes, "security code", "security codes"),
            count(s.files_with_security_codes, "conversation", "conversations")
        ),
        tiles: tiles(s),
        read_note: if s.sampled {
            "in the sample that was heard, and in all text".into()
        } else {
            "in what was heard and read".into()
        },
        legend: legend(&types),
        types: rows(&types),
        shares: shares(s),
        sample_note: format!(
            "{} recordings were drawn at random (seed {}) and heard. The interval is Wilson’s: for 19 of 20 such samples it holds the true share. It does not cover what the recogniser misses.",
            grouped(s.recordings_chosen),
            s.seed
        ),
        recordings: grouped(s.recordings),
        month_width: 640,
        months,
        names: rows(&names),
        names_lead: format!(
            "The names of {} show who called, without opening one.",
            count(s.files_with_values_in_names, "file", "files")
        ),
        sidecars: format!(
            "{} beside the recordings hold the caller’s number or name in clear.",
            count(s.sidecars_with_callers, "data file", "data files")
        ),
        exposure: exposure(s),
        unknown: unknown(s),
        unreadable: s.unreadable.get(..s.unreadable.len().min(UNREADABLE)).unwrap_or_default(),
        unreadable_lead: unreadable_lead(s),
        steps: steps(s),
        now: size(s.storage.bytes),
        kept: size(s.storage.bytes_kept),
        now_bar: number(draw::bar(s.storage.bytes, most, 600.0)),
        kept_bar: number(draw::bar(s.storage.bytes_kept, most, 600.0)),
        storage_note: storage_note(s),
        method: method(s),
    };
    Ok(page.render()?)
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

fn tiles(s: &Summary) -> Vec<Tile> {
    let tile = |what, value: String, note: String| Tile { what, value, note };
    let mut out = vec![
        tile("Conversations", grouped(s.files), format!("{} recorded", grouped(s.recordings))),
        tile(
            "Length",
            hours(s.hours),
            if s.hours_estimated { "estimated from sizes".into() } else { size(s.bytes) },
        ),
    ];
    if !s.deaf() {
        out.push(tile(
            "With card data",
            grouped(s.files_with_card_data),
            if s.sampled { "in the sample and in text".into() } else { "card number or code".into() },
        ));
        out.push(tile(
            "Values found",
            grouped(s.values()),
            format!("of {}", count(s.findings_by_type.len() as u64, "kind", "kinds")),
        ));
    }
    out.push(tile(
        "Readable by all",
        grouped(s.world_readable),
        if s.web_exposed { "and signs of a web server".into() } else { "accounts of the machine".into() },
    ));
    out
}

fn rows(types: &[(EntityType, TypeCount)]) -> Vec<TypeRow> {
    let most = types.iter().map(|(_, c)| c.values).max().unwrap_or(0);
    types
        .iter()
        .map(|(entity, c)| TypeRow {
            label: capital(words::of(*entity, 2)),
            grade: words::grade(*entity),
            bar: number(draw::bar(c.values, most, 100.0)),
            values: grouped(c.values),
            files: grouped(c.files),
        })
        .collect()
}

fn legend(types: &[(EntityType, TypeCount)]) -> Vec<(&'static str, &'static str)> {
    let all = [
        ("forbidden", "must not be kept after authorisation"),
        ("grave", "opens accounts or identities"),
        ("special", "health and other special categories"),
        ("personal", "points at a person"),
    ];
    all.into_iter().filter(|(grade, _)| types.iter().any(|(e, _)| words::grade(*e) == *grade)).collect()
}

fn shares(s: &Summary) -> Vec<ShareRow> {
    if !s.sampled || s.recordings_heard == 0 {
        return Vec::new();
    }
    let row = |what, share: Share| {
        let (low, high) = share.of_population(s.recordings);
        ShareRow {
            what,
            counted: format!("{} of {}", grouped(share.with), grouped(share.of)),
            share: percent(share.share()),
            interval: format!("{} – {}", percent(share.low), percent(share.high)),
            all: format!("{} – {}", grouped(low), grouped(high)),
        }
    };
    vec![
        row("card data", s.interval.card_data),
        row("a security code or PIN", s.interval.security_codes),
        row("any personal data", s.interval.values),
    ]
}

fn months(s: &Summary) -> Vec<MonthColumn> {
    let whole = without_gaps(&s.months);
    let shown = whole.get(whole.len().saturating_sub(MONTHS)..).unwrap_or_default();
    let most = shown.iter().map(|m| m.files).max().unwrap_or(0);
    let step = 640.0 / shown.len().max(1) as f64;
    let width = (step * 0.72).min(64.0);
    let every = shown.len().div_ceil(10).max(1);
    shown
        .iter()
        .enumerate()
        .map(|(i, m)| {
            let middle = (i as f64 + 0.5) * step;
            let all = draw::bar(m.files, most, COLUMN);
            // The parts are shares of what was read, drawn on the whole column.
            let part = |n: u64| draw::bar(n, m.heard, 1.0).min(1.0) * all * if n == 0 { 0.0 } else { 1.0 };
            let (some, card) = (part(m.with_values), part(m.with_card_data));
            MonthColumn {
                name: m.month.clone(),
                files: grouped(m.files),
                heard: grouped(m.heard),
                cards: grouped(m.with_card_data),
                x: number(middle - width / 2.0),
                w: number(width),
                middle: number(middle),
                all_y: number(120.0 - all),
                all_h: number(all),
                some_y: number(120.0 - some),
                some_h: number(some),
                card_y: number(120.0 - card),
                card_h: number(card),
                labelled: i % every == 0,
            }
        })
        .collect()
}

/// The months with those between them that hold nothing, so that the axis tells the truth.
fn without_gaps(months: &[Month]) -> Vec<Month> {
    let mut out: Vec<Month> = Vec::new();
    for month in months {
        while let Some(next) = out.last().and_then(|m| following(&m.month)) {
            // A wrong clock may put a file centuries away.
            if next >= month.month || out.len() > 12 * 60 {
                break;
            }
            out.push(Month { month: next, ..Month::default() });
        }
        out.push(month.clone());
    }
    out
}

fn following(month: &str) -> Option<String> {
    let (year, month) = month.split_once('-')?;
    let (year, month): (u32, u32) = (year.parse().ok()?, month.parse().ok()?);
    Some(if month >= 12 {
        format!("{:04}-01", year.checked_add(1)?)
    } else {
        format!("{year:04}-{:02}", month.checked_add(1)?)
    })
}

//! The report of a scan: what an engineer forwards to the person who decides.

use super::{chart, page, words};
use crate::scan::{
    exposure::Certainty,
    sample::Share,
    summary::{self, MUTED_DAYS, Month, Summary, TypeCount, UnreadableFile, grouped, hours, percent, size},
};
use askama::Template;
use callvault_model::EntityType;

/// Unreadable files that the page lists.
const UNREADABLE: usize = 25;
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
        now_bar: number(chart::bar(s.storage.bytes, most, 600.0)),
        kept_bar: number(chart::bar(s.storage.bytes_kept, most, 600.0)),
        storage_note: storage_note(s),
        method: method(s),
    };
    Ok(page.render()?)
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// Before, the part that stands out, after.
fn headline(s: &Summary) -> (String, String, String) {
    let three = |a: &str, b: String, c: &str| (a.to_owned(), b, c.to_owned());
    if s.files == 0 {
        return three("No recordings, chats or e-mails lie in this folder", String::new(), "");
    }
    if s.deaf() && s.findings_by_type.is_empty() {
        return three("The recordings were not heard yet: ", "no speech model is installed".into(), "");
    }
    if s.sampled && s.interval.card_data.with > 0 {
        let (low, high) = s.interval.card_data.of_population(s.recordings);
        let range = format!("{} to {}", grouped(low), grouped(high));
        return (
            String::new(),
            range,
            format!(" of {} recordings hold payment card data", grouped(s.recordings)),
        );
    }
    if s.security_codes > 0 {
        let codes = count(s.security_codes, "card security code", "card security codes");
        return (
            String::new(),
            codes,
            format!(
                " that nobody may keep {} in this folder",
                if s.security_codes == 1 { "lies" } else { "lie" }
            ),
        );
    }
    if s.files_with_card_data > 0 {
        let files = count(s.files_with_card_data, "conversation holds", "conversations hold");
        return (String::new(), files, " payment card data".into());
    }
    if s.files_with_values > 0 {
        let files = count(s.files_with_values, "conversation holds", "conversations hold");
        return (String::new(), files, " personal data in clear".into());
    }
    three("Nothing personal was found in what was heard and read", String::new(), "")
}

fn lead(s: &Summary) -> String {
    if s.files == 0 {
        return "Recordings end in wav, flac, mp3, ogg, opus or gsm, e-mails in eml, chats in json.".into();
    }
    let what = format!(
        "{} lie here in clear, {}.",
        [
            (s.recordings, "recording", "recordings"),
            (s.chats, "chat", "chats"),
            (s.emails, "e-mail", "e-mails")
        ]
        .iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, many)| count(*n, one, many))
        .collect::<Vec<_>>()
        .join(", "),
        s.oldest.as_ref().map_or_else(|| "undated".into(), |d| format!("the oldest from {d}"))
    );
    if s.deaf() {
        return format!(
            "{what} Without a speech model this page tells of names, permissions and sizes only; “callvault models pull” installs one."
        );
    }
    let read = s.recordings_heard.saturating_add(s.chats).saturating_add(s.emails);
    format!(
        "{what} {} of the {} that were read hold personal, payment or health data: {} in all.",
        grouped(s.files_with_values),
        grouped(read),
        count(s.values(), "value", "values")
    )
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
            bar: number(chart::bar(c.values, most, 100.0)),
            values: grouped(c.values),
            files: grouped(c.files),
        })
        .collect()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
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
            let all = chart::bar(m.files, most, COLUMN);
            // The parts are shares of what was read, drawn on the whole column.
            let part = |n: u64| chart::bar(n, m.heard, 1.0).min(1.0) * all * if n == 0 { 0.0 } else { 1.0 };
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

fn exposure(s: &Summary) -> Vec<(&'static str, String)> {
    let e = &s.exposure;
    let mut out = Vec::new();
    for sign in &e.web_signs {
        out.push(match sign.certainty {
            Certainty::Configured => ("bad", format!("A web server hands this folder out: {}.", sign.what)),
            Certainty::Likely => {
                ("bad", format!("A web server probably hands this folder out: {}.", sign.what))
            }
            Certainty::Possible => {
                ("warn", format!("Look whether a web server hands this folder out: {}.", sign.what))
            }
        });
    }
    if e.web_signs.is_empty() {
        out.push(("ok", "No sign that a web server hands this folder out. Only names, marks and the configuration on this machine were looked at.".into()));
    }
    match (e.world_readable, e.reachable_by_all) {
        (0, _) => out.push(("ok", "No conversation is readable by every account of this machine.".into())),
        (n, true) => out.push((
            "bad",
            format!(
                "{} readable by every account of this machine, whoever it belongs to.",
                count(n, "conversation is", "conversations are")
            ),
        )),
        (n, false) => out.push((
            "warn",
            format!(
                "{} marked readable by everyone; only a closed folder above shuts other accounts out.",
                count(n, "conversation is", "conversations are")
            ),
        )),
    }
    if e.world_writable > 0 {
        out.push((
            "bad",
            format!(
                "{} be changed by every account, so nothing here proves what was said.",
                count(e.world_writable, "file or folder can", "files and folders can")
            ),
        ));
    }
    if e.group_readable > 0 {
        out.push((
            "warn",
            format!(
                "{} readable by a whole group of accounts.",
                count(e.group_readable, "conversation is", "conversations are")
            ),
        ));
    }
    out
}

fn unknown(s: &Summary) -> Vec<String> {
    let mut out = Vec::new();
    if s.deaf() {
        out.push(format!(
            "None of the {} was heard: no speech model is installed.",
            count(s.recordings, "recording", "recordings")
        ));
    }
    if s.other_language > 0 {
        out.push(format!(
            "{} a language that the model does not speak; what is said there is not known.",
            count(s.other_language, "recording is in", "recordings are in")
        ));
    }
    if s.cut_off > 0 {
        out.push(format!(
            "{} cut off at the end; what is there was heard.",
            count(s.cut_off, "recording is", "recordings are")
        ));
    }
    if s.doubtful_hours > 1.0 / 60.0 {
        out.push(format!(
            "In {} of speech the model doubts its own words; values may hide there.",
            hours(s.doubtful_hours)
        ));
    }
    if s.links_skipped > 0 {
        out.push(format!(
            "{} not followed; what they lead to was not looked at.",
            count(s.links_skipped, "link was", "links were")
        ));
    }
    out
}

fn unreadable_lead(s: &Summary) -> String {
    let shown = s.unreadable_total.min(UNREADABLE as u64);
    let lead = count(s.unreadable_total, "file could not be read", "files could not be read");
    if shown < s.unreadable_total { format!("{lead}; the first {shown}") } else { lead }
}

/// What to do, most urgent first; only what this folder needs.
fn steps(s: &Summary) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut step = |what: &str, how: &str| out.push((what.to_owned(), how.to_owned()));
    if s.web_exposed {
        step(
            "Take the folder off the web server today.",
            "Move it out of every served folder and check the server’s log for downloads: if strangers fetched recordings, legal deadlines run from the moment you know.",
        );
    }
    if s.world_readable > 0 || s.exposure.world_writable > 0 {
        step(
            "Close the permissions.",
            "Give the folder to the recorder’s account alone (chmod -R o-rwx), and see which accounts are in its group.",
        );
    }
    if s.security_codes > 0 {
        step(
            "Stop keeping security codes.",
            "Pause recording while card data is taken, or take it by keypad outside the recording; then remove the codes that are here. Tell whoever answers your card questionnaire: until then requirement 3.3.1 is not met.",
        );
    }
    if s.names_by_type.values().any(|c| c.values > 0) || s.sidecars_with_callers > 0 {
        step(
            "Name files without numbers and people.",
            "Most telephone systems can name a recording by date and call id; names reach logs and backups that nobody redacts.",
        );
    }
    if s.deaf() {
        step(
            "Install the speech model and scan again.",
            "“callvault models pull” needs one download, or a file from another machine.",
        );
    } else if s.files > 0 {
        step(
            "Redact, prove, then destroy the originals.",
            "“callvault ingest” takes the folder in and destroys nothing at first; disposal is switched on by two people after “callvault measure” has shown the recall on your own calls.",
        );
    }
    if s.files > 0 {
        step(
            "Decide how long.",
            "Write down why each kind of recording is kept and for how long, and let everything older go. Remember the copies: backups, the recorder’s spool, exports, attachments.",
        );
    }
    if out.is_empty() {
        out.push(("Nothing.".into(), "There is nothing here to protect.".into()));
    }
    out
}

fn storage_note(s: &Summary) -> String {
    format!(
        "Assumed: every original is destroyed; of each conversation its sealed text, word times and certificate stay, estimated at {} bytes for each byte of text and {} for each conversation{}; the muted copies ({}, 16-bit sound of the same length) are kept {MUTED_DAYS} days and then destroyed too, so that {} are freed in the end.",
        summary::KEPT_PER_TEXT_BYTE,
        size(summary::KEPT_PER_FILE),
        if s.sampled { ", scaled up from the sample" } else { "" },
        size(s.storage.bytes_muted),
        size(s.storage.bytes_saved)
    )
}

fn method(s: &Summary) -> String {
    let ears = s.engine.as_ref().map_or_else(
        || "No speech model was installed.".into(),
        |e| {
            format!(
                "{} were heard by {e} on this machine; nothing left it.",
                count(s.recordings_heard, "recording", "recordings")
            )
        },
    );
    format!(
        "How it was counted: {ears} The words were searched for personal, payment and health data. A recogniser mishears and a detector misses, so these are counts of what was found, not of what is there: expect more, not less. A value that was said in pieces counts once; one that was said in two conversations counts twice."
    )
}

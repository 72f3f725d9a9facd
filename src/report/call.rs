//! The page of one conversation: player, waveform with its muted stretches, masked transcript, proof, copies.

use super::page;
use askama::Template;
use callvault_model::{EntityType, words};
use callvault_web::{
    chips::{Piece, pieces},
    draw,
};

/// Larger sound is not embedded: a page of tens of megabytes opens nowhere.
pub const MAX_SOUND: usize = 8 << 20;
/// The script of the page; it only adds seeking to what works without it.
const SCRIPT: &str = include_str!("../../templates/call.js");

/// What the page shows. Nothing in it may be unmasked.
#[derive(Debug, Clone, Default)]
pub struct CallReport {
    /// A masked name.
    pub title: String,
    /// `voice`, `chat`, `email` or `sms`.
    pub channel: String,
    /// 0 for text.
    pub duration_ms: u64,
    /// One per party; in recordings the index is the channel.
    pub roles: Vec<String>,
    /// Masked turns in order.
    pub turns: Vec<CallTurn>,
    /// What was covered.
    pub findings: Vec<CallFinding>,
    /// Muted stretches in milliseconds, per channel.
    pub muted: Vec<Vec<(u64, u64)>>,
    /// Outline of the muted recording, per channel (`callvault_speech::peaks`).
    pub peaks: Vec<Vec<(i8, i8)>>,
    /// The muted recording as WAV.
    pub audio_wav: Option<Vec<u8>>,
    /// The proof in a sentence.
    pub proof: String,
    /// From the certificate, once there is one.
    pub certificate: Option<CertificateLines>,
    /// Entries of the ledger.
    pub ledger_size: u64,
}

/// One masked turn.
#[derive(Debug, Clone, Default)]
pub struct CallTurn {
    /// Who speaks.
    pub role: String,
    /// From, in milliseconds.
    pub start_ms: u64,
    /// To, in milliseconds.
    pub end_ms: u64,
    /// With labels such as `[CREDIT_CARD]` in the place of values.
    pub text: String,
}

/// One covered value.
#[derive(Debug, Clone)]
pub struct CallFinding {
    /// What it is.
    pub entity: EntityType,
    /// Index of the party.
    pub channel: usize,
    /// From, in milliseconds.
    pub start_ms: u64,
    /// To, in milliseconds.
    pub end_ms: u64,
    /// Who found it.
    pub recognizer: String,
}

/// What the certificate says, in lines.
#[derive(Debug, Clone, Default)]
pub struct CertificateLines {
    /// "Recording destroyed", or what is true instead.
    pub title: String,
    /// How it was destroyed.
    pub method: String,
    /// Every copy we know of.
    pub copies: Vec<CopyRow>,
}

/// One copy of the original.
#[derive(Debug, Clone, Default)]
pub struct CopyRow {
    /// Where.
    pub place: String,
    /// `destroyed`, `remains` or `unknown`.
    pub state: String,
    /// In words.
    pub note: String,
}

struct TurnRow {
    class: &'static str,
    role: String,
    clock: String,
    start: u64,
    end: u64,
    pieces: Vec<Piece>,
}

struct ChannelRow {
    class: &'static str,
    role: String,
    spoken: String,
    wave: String,
    muted: Vec<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "call.html")]
struct CallPage<'a> {
    c: &'a CallReport,
    policy: String,
    css: &'static str,
    script: Option<&'static str>,
    meta: Vec<String>,
    ledger: String,
    audio: Option<String>,
    silent: &'static str,
    channels: Vec<ChannelRow>,
    muted_note: String,
    timed: bool,
    turns: Vec<TurnRow>,
    findings: Vec<(String, String, String, String)>,
}

/// The page of one conversation as one self-contained HTML file.
pub fn call_report(data: &CallReport) -> anyhow::Result<String> {
    let sound = data.audio_wav.as_ref().filter(|w| w.len() <= MAX_SOUND);
    let voice = data.channel == "voice";
    let script = sound.map(|_| SCRIPT);
    let page = CallPage {
        c: data,
        policy: page::policy(script, sound.is_some()),
        css: page::CSS,
        script,
        meta: meta(data),
        ledger: format!("{} {}", data.ledger_size, if data.ledger_size == 1 { "entry" } else { "entries" }),
        audio: sound.map(|w| page::data_uri("audio/wav", w)),
        silent: if data.audio_wav.is_some() {
            "The muted recording is too large for this page; “callvault show” tells where it is."
        } else {
            "The muted recording is not part of this page."
        },
        channels: channels(data),
        muted_note: muted_note(data),
        timed: voice,
        turns: data.turns.iter().map(|t| turn(t, voice)).collect(),
        findings: findings(data, voice),
    };
    Ok(page.render()?)
}

fn clock(ms: u64) -> String {
    crate::out::clock(ms)
}

fn class_of(role: &str) -> &'static str {
    match role {
        "customer" => "customer",
        "agent" => "agent",
        _ => "other",
    }
}

fn meta(data: &CallReport) -> Vec<String> {
    let mut out = vec![match data.channel.as_str() {
        "voice" => "Telephone call".to_owned(),
        "chat" => "Chat".to_owned(),
        "email" => "E-mail".to_owned(),
        "sms" => "Text messages".to_owned(),
        other => other.to_owned(),
    }];
    if data.duration_ms > 0 {
        out.push(clock(data.duration_ms));
    }
    if !data.roles.is_empty() {
        out.push(data.roles.join(" and "));
    }
    out.push(format!("{} covered", plural(data.findings.len(), "value", "values")));
    out
}

fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn channels(data: &CallReport) -> Vec<ChannelRow> {
    let none = Vec::new();
    data.peaks
        .iter()
        .enumerate()
        .map(|(i, peaks)| {
            let role =
                data.roles.get(i).cloned().unwrap_or_else(|| format!("channel {}", i.saturating_add(1)));
            let muted = data.muted.get(i).unwrap_or(&none);
            let drawn = muted.iter().filter_map(|(from, to)| {
                let (x, width) = draw::stretch(*from, *to, data.duration_ms, 1000.0)?;
                Some((
                    format!("{x:.1}"),
                    format!("{width:.1}"),
                    format!("muted from {} to {}", tenths(*from), tenths(*to)),
                ))
            });
            ChannelRow {
                class: class_of(&role),
                spoken: format!(
                    "{role}: {} muted, {}",
                    plural(muted.len(), "stretch", "stretches"),
                    tenths(length(muted))
                ),
                wave: draw::wave(peaks, 1000.0, 60.0),
                muted: drawn.collect(),
                role,
            }
        })
        .collect()
}

fn length(of: &[(u64, u64)]) -> u64 {
    of.iter().map(|(from, to)| to.saturating_sub(*from)).sum()
}

/// Milliseconds as `m:ss.t`.
fn tenths(ms: u64) -> String {
    format!("{}.{}", clock(ms), ms % 1000 / 100)
}

fn muted_note(data: &CallReport) -> String {
    let stretches: usize = data.muted.iter().map(Vec::len).sum();
    let ms: u64 = data.muted.iter().map(|m| length(m)).sum();
    if stretches == 0 {
        return "Nothing is muted.".into();
    }
    format!(
        "Hatched: muted, every sample exactly zero; {}, {} in all.",
        plural(stretches, "stretch", "stretches"),
        tenths(ms)
    )
}

fn turn(t: &CallTurn, timed: bool) -> TurnRow {
    TurnRow {
        class: class_of(&t.role),
        role: t.role.clone(),
        clock: if timed { clock(t.start_ms) } else { String::new() },
        start: t.start_ms,
        end: t.end_ms,
        pieces: pieces(&t.text),
    }
}

fn findings(data: &CallReport, timed: bool) -> Vec<(String, String, String, String)> {
    data.findings
        .iter()
        .map(|f| {
            let role = data.roles.get(f.channel).cloned().unwrap_or_default();
            let at = if timed {
                format!("{} – {}", tenths(f.start_ms), tenths(f.end_ms))
            } else {
                String::new()
            };
            (words::of(f.entity, 1).to_owned(), role, at, f.recognizer.clone())
        })
        .collect()
}

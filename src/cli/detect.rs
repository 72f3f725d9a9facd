//! `callvault detect`: JSON lines in, spans out; offsets in Unicode code points.

use super::{Done, Shared, Usage};
use crate::{out, wire};
use callvault_detect::{
    Detector, Profile, Reading, TextSpan, code_points,
    live::{Live, Released},
    redact::{self, ByType, Mode, Pseudonyms},
    speaker,
};
use callvault_model::{EntityType, Finding, Role};
use lines::{Line, MAX_LINE, Read};
use serde::Serialize;
use std::io::BufRead;

pub mod lines;

/// Finds personal, payment and health data in texts: JSON lines {"id","text"} in, {"id","spans"} out
#[derive(clap::Args)]
pub struct Args {
    /// What is reported: default, pci, hipaa, gdpr or all
    #[arg(long, default_value = "default")]
    profile: String,
    /// Adds the recogniser and the reason to each span
    #[arg(long)]
    explain: bool,
    /// Lists the entity types and ends
    #[arg(long)]
    types: bool,
    /// Adds "text", redacted: label, mask (last four), pseudonym, remove or safe-harbor; also by type, as in
    /// label,CREDIT_CARD=mask,PERSON=pseudonym
    #[arg(long, value_name = "MODES")]
    redact: Option<String>,
    /// Only numbers and what has a form of its own: faster, finds no names, places, streets or health
    #[arg(long)]
    forms_only: bool,
    /// Reads a conversation as it is spoken, "agent: …" and "caller: …" lines in, redacted lines out; digits are held
    /// back until their number has ended
    #[arg(long, conflicts_with_all = ["explain", "types"])]
    live: bool,
}

#[derive(Serialize)]
struct Span<'a> {
    start: usize,
    end: usize,
    #[serde(rename = "type")]
    entity: EntityType,
    score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    recognizer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// In place of an answer to a line that could not be read.
#[derive(Serialize)]
struct Unread {
    id: serde_json::Value,
    line: u64,
    error: &'static str,
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a serde_json::Value,
    spans: Vec<Span<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// The profile of this name, or a usage error that lists them.
pub fn profile(name: &str) -> anyhow::Result<Profile> {
    name.parse()
        .map_err(|_| Usage(format!("{name:?} is no profile; one of default, pci, hipaa, gdpr, all")).into())
}

/// How values are replaced: one name for the rest, others for some types.
struct Modes {
    rest: Name,
    types: Vec<(EntityType, Name)>,
}

#[derive(Clone, Copy)]
enum Name {
    Label,
    Mask,
    Pseudonym,
    Remove,
    SafeHarbor,
}

impl Name {
    fn mode<'a>(self, given: &'a Pseudonyms) -> Mode<'a> {
        match self {
            Self::Label => Mode::Category,
            Self::Mask => Mode::MaskLastFour,
            Self::Pseudonym => Mode::Pseudonym(given),
            Self::Remove => Mode::Remove,
            Self::SafeHarbor => Mode::SafeHarbor,
        }
    }
}

impl Modes {
    fn by_type<'a>(&self, given: &'a Pseudonyms) -> ByType<'a> {
        let types = self.types.iter().map(|(e, n)| (*e, n.mode(given))).collect();
        ByType { types, rest: self.rest.mode(given) }
    }
}

/// Reads `label,CREDIT_CARD=mask`.
fn modes(text: &str) -> anyhow::Result<Modes> {
    let mut out = Modes { rest: Name::Label, types: Vec::new() };
    for part in text.split(',').map(str::trim) {
        match part.split_once('=') {
            None => out.rest = mode_name(part)?,
            Some((entity, name)) => {
                let entity = entity.parse().map_err(|_| {
                    Usage(format!("{entity:?} is no entity type; `callvault detect --types` lists them"))
                })?;
                out.types.push((entity, mode_name(name)?));
            }
        }
    }
    Ok(out)
}

fn mode_name(name: &str) -> anyhow::Result<Name> {
    Ok(match name {
        "label" => Name::Label,
        "mask" => Name::Mask,
        "pseudonym" => Name::Pseudonym,
        "remove" => Name::Remove,
        "safe-harbor" => Name::SafeHarbor,
        "token" => {
            return Err(Usage(
                "tokens belong to a vault, which alone can give the value back: use `callvault ingest`"
                    .into(),
            )
            .into());
        }
        _ => {
            let all = "label, mask, pseudonym, remove, safe-harbor";
            return Err(Usage(format!("{name:?} is no way to redact; one of {all}")).into());
        }
    })
}

/// The detector that the options describe.
fn detector(shared: &Shared, args: &Args) -> anyhow::Result<Detector> {
    let detector = wire::detector(profile(&args.profile)?, shared.recognisers.as_deref())?;
    Ok(if args.forms_only { detector.with_reading(Reading::Forms) } else { detector })
}

fn redacted(text: &str, spans: &[TextSpan], modes: &Modes) -> String {
    // Equal values get equal numbers inside one document, never across documents.
    let given = Pseudonyms::default();
    let by_type = modes.by_type(&given);
    let findings: Vec<Finding> = spans
        .iter()
        .map(|s| Finding {
            turn: 0,
            start: s.start,
            end: s.end,
            entity: s.entity,
            score: s.score,
            recognizer: s.recognizer.clone(),
            reason: s.reason.clone(),
            value: 0,
        })
        .collect();
    redact::redact_turn(text, &findings, &Mode::ByType(&by_type))
}

/// Reads turns from standard input and prints each as soon as nothing that may follow belongs to a number in it.
fn live(detector: Detector, modes: Option<&Modes>) -> anyhow::Result<Done> {
    let given = Pseudonyms::default();
    let label = Modes { rest: Name::Label, types: Vec::new() };
    let by_type = modes.unwrap_or(&label).by_type(&given);
    let mode = Mode::ByType(&by_type);
    let mut talk = Live::new(detector);
    let print = |released: Vec<Released>| {
        for r in released {
            let who = match r.role {
                Role::Agent => "agent: ",
                Role::Customer => "caller: ",
                Role::System => "system: ",
                Role::Unknown => "",
            };
            // What was shown of this turn is replaced: a name in it became known later.
            let again = if r.again { format!("again {}: ", r.turn.saturating_add(1)) } else { String::new() };
            out::line(&format!("{again}{who}{}", r.text.trim_start()));
        }
    };
    let mut input = std::io::stdin().lock();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        if std::io::Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut buffer)? == 0 {
            break;
        }
        let line = String::from_utf8_lossy(&buffer);
        let (role, skip) = speaker(&line);
        print(talk.push(role, line.get(skip..).unwrap_or(""), &mode));
    }
    print(talk.finish(&mode));
    Ok(Done::Ok)
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    if args.types {
        EntityType::ALL.iter().for_each(|t| out::line(t.as_str()));
        return Ok(Done::Ok);
    }
    let detector = detector(shared, args)?;
    let modes = args.redact.as_deref().map(modes).transpose()?;
    if args.live {
        return live(detector, modes.as_ref());
    }
    let mut input = std::io::stdin().lock();
    let (mut buffer, mut number, mut wrong) = (Vec::new(), 0u64, 0u64);
    while let Some(read) = lines::next(&mut input, &mut buffer)? {
        number = number.saturating_add(1);
        if matches!(read, Read::Whole) && buffer.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match lines::parse(&buffer, read) {
            Ok(line) => answer(&detector, modes.as_ref(), args.explain, &line)?,
            // One answer for each line, in order: nobody takes a line that was not read for one that is clean.
            Err(bad) => {
                wrong = wrong.saturating_add(1);
                out::json(&Unread { id: bad.id, line: number, error: bad.why })?;
            }
        }
    }
    if wrong > 0 {
        anyhow::bail!(
            "{wrong} of {number} lines were not read; their answers carry \"line\" and \"error\" in place of \"spans\""
        );
    }
    Ok(Done::Ok)
}

fn answer(detector: &Detector, modes: Option<&Modes>, explain: bool, line: &Line) -> anyhow::Result<()> {
    let found = detector.detect_text(&line.text);
    let spans = code_points(&line.text, &found)
        .into_iter()
        .zip(&found)
        .map(|((start, end), f)| Span {
            start,
            end,
            entity: f.entity,
            score: f.score,
            recognizer: explain.then_some(f.recognizer.as_str()),
            reason: explain.then_some(f.reason.as_str()),
        })
        .collect();
    let text = modes.map(|m| redacted(&line.text, &found, m));
    out::json(&Answer { id: &line.id, spans, text })
}

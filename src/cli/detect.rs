//! `callvault detect`: JSON lines in, spans out; offsets in Unicode code points.

use super::{Done, Shared, Usage};
use crate::{out, wire};
use anyhow::Context;
use callvault_detect::{Profile, code_points};
use callvault_model::EntityType;
use serde::{Deserialize, Serialize};
use std::io::BufRead;

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
}

#[derive(Deserialize)]
struct Line {
    id: serde_json::Value,
    text: String,
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

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a serde_json::Value,
    spans: Vec<Span<'a>>,
}

/// Longest line; a document this long is not one conversation.
const MAX_LINE: u64 = 64 << 20;

/// The profile of this name, or a usage error that lists them.
pub fn profile(name: &str) -> anyhow::Result<Profile> {
    name.parse()
        .map_err(|_| Usage(format!("{name:?} is no profile; one of default, pci, hipaa, gdpr, all")).into())
}

pub fn run(_: &Shared, args: &Args) -> anyhow::Result<Done> {
    if args.types {
        EntityType::ALL.iter().for_each(|t| out::line(t.as_str()));
        return Ok(Done::Ok);
    }
    let detector = wire::detector(profile(&args.profile)?)?;
    let mut input = std::io::stdin().lock();
    let mut buffer = Vec::new();
    for number in 1u64.. {
        buffer.clear();
        let read = std::io::Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut buffer)?;
        if read == 0 {
            break;
        }
        if buffer.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        anyhow::ensure!(
            read as u64 != MAX_LINE || buffer.ends_with(b"\n"),
            "line {number} is longer than {} MiB; split the document",
            MAX_LINE >> 20
        );
        // serde_json's own message can quote the text.
        let line: Line = serde_json::from_slice(&buffer).ok().with_context(|| {
            format!(
                "line {number} is not an object with \"id\" and \"text\"; one JSON object a line is expected"
            )
        })?;
        let found = detector.detect_text(&line.text);
        let spans = code_points(&line.text, &found)
            .into_iter()
            .zip(&found)
            .map(|((start, end), f)| Span {
                start,
                end,
                entity: f.entity,
                score: f.score,
                recognizer: args.explain.then_some(f.recognizer.as_str()),
                reason: args.explain.then_some(f.reason.as_str()),
            })
            .collect();
        out::json(&Answer { id: &line.id, spans })?;
    }
    Ok(Done::Ok)
}

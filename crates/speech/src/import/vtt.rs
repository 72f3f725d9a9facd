//! WebVTT: cues with times, and voices as `<v Name>`.

use super::{MAX_CHANNELS, Raw, Said, bad};
use crate::error::Error;

/// Reads the cues; comments, styles and regions are passed over.
pub(super) fn parse(text: &str) -> Result<Raw, Error> {
    let mut out = Raw { engine: "imported:webvtt".to_owned(), speakers: Vec::new(), channels: Vec::new() };
    let mut lines = text.lines().map(str::trim_end).enumerate();
    // The header goes to the first empty line.
    lines.by_ref().find(|(_, l)| l.is_empty());
    let mut timing: Option<(f64, f64)> = None;
    let mut speaker = String::new();
    let mut passing_over = false;
    for (number, line) in lines {
        if line.is_empty() {
            (timing, passing_over) = (None, false);
        } else if passing_over {
        } else if let Some((start, rest)) = line.split_once("-->") {
            let end = rest.split_whitespace().next().unwrap_or("");
            let read = |t: &str| {
                time(t.trim())
                    .ok_or_else(|| bad(&format!("line {} has a broken cue time", number.saturating_add(1))))
            };
            timing = Some((read(start)?, read(end)?));
            speaker.clear();
        } else if let Some(times) = timing {
            payload(line, times, &mut speaker, &mut out)?;
        } else if ["NOTE", "STYLE", "REGION"].iter().any(|w| line.starts_with(w)) {
            passing_over = true;
        }
    }
    Ok(out)
}

/// One line of a cue, which may change its speaker.
fn payload(
    line: &str,
    (start_ms, end_ms): (f64, f64),
    speaker: &mut String,
    out: &mut Raw,
) -> Result<(), Error> {
    let mut add = |speaker: &str, text: &str| {
        let text = unescape(text);
        if text.trim().is_empty() {
            return Ok(());
        }
        let at = match out.speakers.iter().position(|s| s == speaker) {
            Some(at) => at,
            None if out.speakers.len() >= MAX_CHANNELS => return Err(bad("it has too many speakers")),
            None => {
                out.speakers.push(speaker.to_owned());
                out.channels.push(Vec::new());
                out.speakers.len() - 1
            }
        };
        let Some(channel) = out.channels.get_mut(at) else { return Ok(()) };
        match channel.last_mut() {
            // The lines of one cue follow each other in time.
            Some(last) if last.start_ms == start_ms && last.end_ms == end_ms => {
                last.text.push(' ');
                last.text.push_str(&text);
            }
            _ => channel.push(Said { start_ms, end_ms, text, confidence: 1.0, is_word: false }),
        }
        Ok(())
    };
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, tagged)) = rest.split_once('<') {
        plain.push_str(before);
        let (tag, after) = tagged.split_once('>').unwrap_or((tagged, ""));
        let (kind, name) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        if kind == "v" || kind.starts_with("v.") {
            add(speaker, &plain)?;
            plain.clear();
            *speaker = unescape(name.trim());
        } else {
            // Tags stand between words as well as inside them; a space too many does no harm to times.
            plain.push(' ');
        }
        rest = after;
    }
    plain.push_str(rest);
    add(speaker, &plain)
}

/// `01:02:03.456` or `02:03.456` in milliseconds.
fn time(text: &str) -> Option<f64> {
    let (clock, fraction) = text.split_once('.')?;
    if fraction.len() != 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut seconds = 0f64;
    let parts: Vec<&str> = clock.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    for part in parts {
        if part.is_empty() || part.len() > 6 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        seconds = seconds * 60.0 + part.parse::<f64>().ok()?;
    }
    Some(seconds * 1000.0 + fraction.parse::<f64>().ok()?)
}

fn unescape(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ");
    plain.replace("&lrm;", "").replace("&rlm;", "").replace("&amp;", "&")
}

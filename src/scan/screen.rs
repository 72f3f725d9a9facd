//! The summary as one readable screen.

use super::summary::{Summary, grouped, hours, percent, size};
use callvault_model::words;

/// The lines, without colours: they are read in terminals, mails and tickets.
pub fn lines(s: &Summary) -> Vec<String> {
    let mut out = Vec::new();
    head(s, &mut out);
    security_codes(s, &mut out);
    types(s, &mut out);
    shares(s, &mut out);
    worst(s, &mut out);
    exposure(s, &mut out);
    unreadable(s, &mut out);
    storage(s, &mut out);
    out
}

fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

fn head(s: &Summary, out: &mut Vec<String>) {
    let about = if s.hours_estimated { "about " } else { "" };
    out.push(format!("Scan of {} (read only; nothing there was changed)", s.folder));
    out.push(format!(
        "  {}: {} ({about}{}), {}, {}; {} in all{}",
        plural(s.files, "conversation", "conversations"),
        plural(s.recordings, "recording", "recordings"),
        hours(s.hours),
        plural(s.chats, "chat", "chats"),
        plural(s.emails, "e-mail", "e-mails"),
        size(s.bytes),
        s.oldest.as_ref().map_or_else(String::new, |d| format!("; oldest from {d}")),
    ));
    if s.deaf() {
        out.push("  No speech model is installed, so no recording was heard: `callvault models pull` installs one.".into());
    } else if let Some(engine) = s.engine.as_ref().filter(|_| s.recordings > 0) {
        let resumed = if s.resumed > 0 {
            format!(", {} remembered from before", grouped(s.resumed))
        } else {
            String::new()
        };
        let sample = if s.sampled { " (a random sample)" } else { "" };
        out.push(format!(
            "  {} of {} recordings{sample} heard by {engine} in {:.0} s{resumed}",
            grouped(s.recordings_heard),
            grouped(s.recordings),
            s.seconds
        ));
    }
    out.push(String::new());
}

fn security_codes(s: &Summary, out: &mut Vec<String>) {
    if s.security_codes == 0 {
        return;
    }
    out.push(format!(
        "  !  {} in {}.",
        plural(s.security_codes, "card security code, PIN or stripe", "card security codes, PINs or stripes"),
        plural(s.files_with_security_codes, "file", "files")
    ));
    out.push(
        "     Card rules forbid to keep these after authorisation, even encrypted (PCI DSS 4.0.1, 3.3.1)."
            .into(),
    );
    out.push(String::new());
}

fn types(s: &Summary, out: &mut Vec<String>) {
    let types = s.types();
    if types.is_empty() {
        if s.recordings_heard > 0 || s.chats.saturating_add(s.emails) > 0 {
            out.push("  No personal, payment or health data was found in what was read.".into());
            out.push(String::new());
        }
    } else {
        out.push(format!("  {:<34}{:>9}{:>9}", "Found in what was heard and read", "values", "files"));
        for (entity, count) in types {
            out.push(format!(
                "    {:<32}{:>9}{:>9}",
                words::of(entity, 2),
                grouped(count.values),
                grouped(count.files)
            ));
        }
        out.push(String::new());
    }
    if !s.names_by_type.is_empty() {
        out.push(format!("  {:<34}{:>9}{:>9}", "Found in names of files and folders", "values", "files"));
        for (entity, count) in &s.names_by_type {
            out.push(format!(
                "    {:<32}{:>9}{:>9}",
                words::of(*entity, 2),
                grouped(count.values),
                grouped(count.files)
            ));
        }
        out.push(String::new());
    }
    if s.sidecars_with_callers > 0 {
        out.push(format!(
            "  {} beside recordings hold the caller's number or name.",
            plural(s.sidecars_with_callers, "file", "files")
        ));
        out.push(String::new());
    }
}

fn shares(s: &Summary, out: &mut Vec<String>) {
    if !s.sampled || s.recordings_heard == 0 {
        return;
    }
    out.push(format!("  What that says of all {} recordings (95 % interval, Wilson)", grouped(s.recordings)));
    for (what, share) in [
        ("hold card data", s.interval.card_data),
        ("hold a security code or PIN", s.interval.security_codes),
        ("hold any personal data", s.interval.values),
    ] {
        let (low, high) = share.of_population(s.recordings);
        out.push(format!(
            "    {what:<28}{:>7}   {} to {}, that is {} to {} recordings",
            percent(share.share()),
            percent(share.low),
            percent(share.high),
            grouped(low),
            grouped(high)
        ));
    }
    out.push(String::new());
}

fn worst(s: &Summary, out: &mut Vec<String>) {
    if s.worst.is_empty() {
        return;
    }
    out.push("  Worst files (names masked; `callvault scan DIR --locate ID` tells one)".into());
    out.push(format!("    {:<10}{:>7}{:>7}{:>8}  {}", "id", "codes", "cards", "values", "file"));
    for w in s.worst.iter().take(8) {
        let path = if w.folder.is_empty() { w.file.clone() } else { format!("{}/{}", w.folder, w.file) };
        out.push(format!("    {:<10}{:>7}{:>7}{:>8}  {path}", w.id, w.security_codes, w.cards, w.values));
    }
    out.push(String::new());
}

fn exposure(s: &Summary, out: &mut Vec<String>) {
    let e = &s.exposure;
    out.push("  Who else can read it".into());
    if e.world_readable == 0 {
        out.push("    no conversation may be read by every account of this machine".into());
    } else {
        let shut =
            if e.reachable_by_all { "" } else { " (a folder above shuts other accounts out, for now)" };
        out.push(format!(
            "    {} may be read by every account of this machine{shut}",
            plural(e.world_readable, "conversation", "conversations")
        ));
    }
    if e.group_readable > 0 {
        out.push(format!(
            "    {} may be read by their group",
            plural(e.group_readable, "conversation", "conversations")
        ));
    }
    if e.world_writable > 0 {
        out.push(format!(
            "    {} may be changed by every account",
            plural(e.world_writable, "file or folder", "files and folders")
        ));
    }
    for sign in &e.web_signs {
        let lead = if sign.certainty == super::exposure::Certainty::Possible {
            "web server, perhaps"
        } else {
            "web server"
        };
        out.push(format!("    {lead}: {}", sign.what));
    }
    if e.web_signs.is_empty() {
        out.push("    no sign that a web server hands the folder out".into());
    }
    out.push(String::new());
}

fn unreadable(s: &Summary, out: &mut Vec<String>) {
    if s.other_language > 0 {
        out.push(format!(
            "  {} in a language that the model does not speak: what is said there is not known.",
            plural(s.other_language, "recording is", "recordings are")
        ));
    }
    if s.cut_off > 0 {
        out.push(format!(
            "  {} cut off at the end; what is there was heard.",
            plural(s.cut_off, "recording is", "recordings are")
        ));
    }
    if s.unreadable_total > 0 {
        out.push(format!("  {} could not be read", plural(s.unreadable_total, "file", "files")));
        for u in s.unreadable.iter().take(5) {
            out.push(format!("    {:<10}{}: {}", u.id, u.file, u.why));
        }
        if s.unreadable_total > 5 {
            out.push(format!(
                "    and {} more; --json lists them",
                grouped(s.unreadable_total.saturating_sub(5))
            ));
        }
    }
    if s.other_language.saturating_add(s.cut_off).saturating_add(s.unreadable_total) > 0 {
        out.push(String::new());
    }
}

fn storage(s: &Summary, out: &mut Vec<String>) {
    if s.deaf() || s.files == 0 {
        return;
    }
    out.push(format!(
        "  With the originals destroyed, {} of {} would be freed; about {} of sealed text remains.",
        size(s.storage.bytes_saved),
        size(s.storage.bytes),
        size(s.storage.bytes_kept)
    ));
    out.push(format!(
        "  (assumed: muted copies, {}, are kept {} days and then destroyed too)",
        size(s.storage.bytes_muted),
        super::summary::MUTED_DAYS
    ));
}

//! The sentences of the scan report: what they say depends on what was found.

use crate::scan::{
    exposure::Certainty,
    summary::{self, MUTED_DAYS, Summary, grouped, hours, size},
};

/// Unreadable files that the page lists.
pub const UNREADABLE: usize = 25;

/// A number and its noun.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// Before, the part that stands out, after.
pub(super) fn headline(s: &Summary) -> (String, String, String) {
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

/// What lies here, in two sentences.
pub(super) fn lead(s: &Summary) -> String {
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

/// Who else can read, each with its mark.
pub(super) fn exposure(s: &Summary) -> Vec<(&'static str, String)> {
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

/// What the scan cannot tell.
pub(super) fn unknown(s: &Summary) -> Vec<String> {
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

/// How many files could not be read.
pub(super) fn unreadable_lead(s: &Summary) -> String {
    let shown = s.unreadable_total.min(UNREADABLE as u64);
    let lead = count(s.unreadable_total, "file could not be read", "files could not be read");
    if shown < s.unreadable_total { format!("{lead}; the first {shown}") } else { lead }
}

/// What to do, most urgent first; only what this folder needs.
pub(super) fn steps(s: &Summary) -> Vec<(String, String)> {
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

/// What the storage figure assumes.
pub(super) fn storage_note(s: &Summary) -> String {
    format!(
        "Assumed: every original is destroyed; of each conversation its sealed text, word times and certificate stay, estimated at {} bytes for each byte of text and {} for each conversation{}; the muted copies ({}, 16-bit sound of the same length) are kept {MUTED_DAYS} days and then destroyed too, so that {} are freed in the end.",
        summary::KEPT_PER_TEXT_BYTE,
        size(summary::KEPT_PER_FILE),
        if s.sampled { ", scaled up from the sample" } else { "" },
        size(s.storage.bytes_muted),
        size(s.storage.bytes_saved)
    )
}

/// How it was counted.
pub(super) fn method(s: &Summary) -> String {
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

/// With a capital.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

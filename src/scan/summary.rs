//! The whole scan in numbers: what `--json` prints, the screen shows and the report draws.

use super::{exposure::Exposure, sample::Share};
use callvault_model::EntityType;
use serde::Serialize;
use std::collections::BTreeMap;

/// Bytes that the vault keeps beside each byte of text: word times, tokens, keys, the certificate.
pub const KEPT_PER_TEXT_BYTE: u64 = 12;
/// What a conversation costs whatever its length.
pub const KEPT_PER_FILE: u64 = 16 << 10;
/// Days for which a muted copy is kept by default.
pub const MUTED_DAYS: u32 = 30;
/// Worst files that are listed.
pub const WORST: usize = 15;
/// Unreadable files that are listed; all are counted.
pub const UNREADABLE: usize = 200;

/// Values of one type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TypeCount {
    /// Values.
    pub values: u64,
    /// Files that hold at least one.
    pub files: u64,
}

/// A month by the files' dates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Month {
    /// `2026-03`.
    pub month: String,
    /// Conversations.
    pub files: u64,
    /// Of them, read or heard in this scan.
    pub heard: u64,
    /// Of those, with card data.
    pub with_card_data: u64,
    /// Of those, with any value.
    pub with_values: u64,
}

/// A file with much in it; its name is masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Worst {
    /// `callvault scan DIR --locate ID` tells the name.
    pub id: String,
    /// The masked name.
    pub file: String,
    /// The masked folder, empty for the scanned one.
    pub folder: String,
    /// The day of the file, UTC.
    pub day: Option<String>,
    /// All values in it.
    pub values: u64,
    /// Security codes, PINs, track data.
    pub security_codes: u64,
    /// Card numbers.
    pub cards: u64,
    /// Values by type.
    pub by_type: BTreeMap<EntityType, u64>,
}

/// A file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnreadableFile {
    /// `callvault scan DIR --locate ID` tells the name.
    pub id: String,
    /// The masked path.
    pub file: String,
    /// Why.
    pub why: String,
}

/// What the recordings weigh now and after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Storage {
    /// All conversations now.
    pub bytes: u64,
    /// What remains when originals and muted copies are destroyed: estimated from the text.
    pub bytes_kept: u64,
    /// The muted copies, while they exist.
    pub bytes_muted: u64,
    /// `bytes` less `bytes_kept`.
    pub bytes_saved: u64,
}

/// Shares of the recordings, with 95 % intervals where a sample was heard.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Intervals {
    /// With a card number or its authentication data.
    pub card_data: Share,
    /// With a security code, PIN or track data.
    pub security_codes: Share,
    /// With any value.
    pub values: Share,
}

/// The scan.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The folder, masked where its name holds a value.
    pub folder: String,
    /// When, RFC 3339.
    pub scanned_at: String,
    /// Conversations in all.
    pub files: u64,
    /// Recordings.
    pub recordings: u64,
    /// Chats and text messages.
    pub chats: u64,
    /// E-mails.
    pub emails: u64,
    /// Files of other kinds, not looked into.
    pub other_files: u64,
    /// Links that were not followed.
    pub links_skipped: u64,
    /// Length of the recordings.
    pub hours: f64,
    /// Whether `hours` is partly estimated from sizes.
    pub hours_estimated: bool,
    /// The engine that heard, or `None` without a model.
    pub engine: Option<String>,
    /// Recordings whose words were read.
    pub recordings_heard: u64,
    /// Recordings that were opened: the sample, or all.
    pub recordings_chosen: u64,
    /// Whether only a sample was heard.
    pub sampled: bool,
    /// The seed of the drawing.
    pub seed: u64,
    /// Values by type, in what was heard and read.
    pub findings_by_type: BTreeMap<EntityType, TypeCount>,
    /// The same, in names of files and folders: always over all.
    pub names_by_type: BTreeMap<EntityType, TypeCount>,
    /// Files whose names hold a value.
    pub files_with_values_in_names: u64,
    /// Sidecar files that hold a caller's number or name.
    pub sidecars_with_callers: u64,
    /// Security codes, PINs and track data.
    pub security_codes: u64,
    /// Files that hold one.
    pub files_with_security_codes: u64,
    /// Files with a card number or its authentication data.
    pub files_with_card_data: u64,
    /// Files with any value.
    pub files_with_values: u64,
    /// Shares of the recordings.
    pub interval: Intervals,
    /// Recordings in a language that the engine does not speak.
    pub other_language: u64,
    /// Recordings whose end is missing.
    pub cut_off: u64,
    /// Hours of speech whose words the engine doubts.
    pub doubtful_hours: f64,
    /// Files that cannot be read, at most [`UNREADABLE`].
    pub unreadable: Vec<UnreadableFile>,
    /// How many there are.
    pub unreadable_total: u64,
    /// Conversations that every account of the machine may read.
    pub world_readable: u64,
    /// Whether a web server seems to hand the folder out.
    pub web_exposed: bool,
    /// Permissions and signs of a web server.
    pub exposure: Exposure,
    /// All conversations now, in bytes.
    pub bytes: u64,
    /// What would be saved, in bytes.
    pub bytes_saved: u64,
    /// The sums behind `bytes_saved`.
    pub storage: Storage,
    /// The day of the oldest recording.
    pub oldest: Option<String>,
    /// The day of the newest.
    pub newest: Option<String>,
    /// By month of the file's date.
    pub months: Vec<Month>,
    /// The worst files.
    pub worst: Vec<Worst>,
    /// Results taken over from an earlier run.
    pub resumed: u64,
    /// How long it took.
    pub seconds: f64,
}

impl Summary {
    /// All values.
    pub fn values(&self) -> u64 {
        self.findings_by_type.values().map(|c| c.values).sum()
    }

    /// Whether anything could be heard at all.
    pub fn deaf(&self) -> bool {
        self.engine.is_none() && self.recordings > 0
    }

    /// Types by number of values, most first; what card rules forbid before everything.
    pub fn types(&self) -> Vec<(EntityType, TypeCount)> {
        let mut out: Vec<_> = self.findings_by_type.iter().map(|(e, c)| (*e, *c)).collect();
        out.sort_by_key(|(e, c)| (!e.is_sensitive_authentication_data(), std::cmp::Reverse(c.values), *e));
        out
    }
}

/// Bytes for people: powers of ten, as disks are sold.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes as f64, 0usize);
    while value >= 999.5 && unit < 4 {
        value /= 1000.0;
        unit = unit.saturating_add(1);
    }
    let name = UNITS.get(unit).unwrap_or(&"TB");
    if unit == 0 || value >= 99.5 { format!("{value:.0} {name}") } else { format!("{value:.1} {name}") }
}

/// Hours for people.
pub fn hours(hours: f64) -> String {
    if hours >= 10.0 {
        format!("{} h", grouped(hours.round() as u64))
    } else if hours >= 1.0 {
        format!("{hours:.1} h")
    } else {
        format!("{:.0} min", (hours * 60.0).ceil())
    }
}

/// A number with thin spaces between thousands.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && digits.len().saturating_sub(i) % 3 == 0 && digits.len() > 4 {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
}

/// A share for people.
pub fn percent(share: f64) -> String {
    let p = share * 100.0;
    if p > 0.0 && p < 0.95 || p > 99.05 && p < 100.0 { format!("{p:.1} %") } else { format!("{p:.0} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(
            (size(0), size(999), size(1_500), size(999_999)),
            ("0 B".into(), "999 B".into(), "1.5 kB".into(), "1.0 MB".into())
        );
        assert_eq!((size(123_456_789), size(u64::MAX)), ("123 MB".into(), "18446744 TB".into()));
        assert_eq!(
            (hours(0.08), hours(2.25), hours(12_345.4)),
            ("5 min".into(), "2.2 h".into(), "12\u{202f}345 h".into())
        );
        assert_eq!((grouped(1234), grouped(1_234_567)), ("1234".into(), "1\u{202f}234\u{202f}567".into()));
        assert_eq!(
            (percent(0.0), percent(0.004), percent(0.12), percent(1.0)),
            ("0 %".into(), "0.4 %".into(), "12 %".into(), "100 %".into())
        );
    }
}

//! Who must be told by when, as countdowns: the rows of the breach table bound to the incident's named events and to how
//! many people its scope found. Engineering defaults, not legal advice.

use callvault_law::{CountedClock, Packs, StartEvents, breach_clocks, breach_jurisdictions, places_of};
use callvault_store::incident::{IncidentRow, NoticeRow, ScopeSummary};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// Where no law names a number, individuals are told within so many days.
pub const INTERNAL_DAYS: i64 = 30;

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A notice was sent.
    Met,
    /// Its time is over.
    Overdue,
    /// Three days or less are left.
    Soon,
    /// More than that.
    Running,
    /// The law names no number; the house's own target runs.
    Target,
    /// The event from which it runs is not known.
    NotStarted,
}

/// One clock as a countdown.
#[derive(Debug, Clone, Serialize)]
pub struct Countdown {
    /// Id of the row.
    pub clock: String,
    /// Whose law.
    pub jurisdiction: String,
    /// What is due: `individuals`, `regulator`, …
    pub duty: String,
    /// Who is told.
    pub recipients: Vec<String>,
    /// When, as the law counts: a day or an instant.
    pub due: Option<String>,
    /// The moment it ends.
    pub ends: Option<Timestamp>,
    /// How it stands.
    pub standing: Standing,
    /// `3 days 4 hours`, or what the law says.
    pub left: String,
    /// The event from which it runs.
    pub start: String,
    /// Another event stands in for that one.
    pub stand_in: bool,
    /// People of that jurisdiction; absent where nobody counted.
    pub people: Option<u64>,
    /// It binds only from so many people on, and nobody has counted.
    pub uncounted: bool,
    /// The statute, regulation or contract.
    pub cite: String,
    /// What was read.
    pub source: String,
    /// When.
    pub read: String,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// Signed off by nobody.
    pub unreviewed: bool,
    /// What a reader should know.
    pub note: String,
    /// What the law says.
    pub text: String,
}

/// The places of a telephone number, as breach laws name them. North American numbers by area code, others by country
/// code; a number that fits nothing is nowhere.
#[must_use]
pub fn places(packs: &Packs, number: &str) -> Vec<String> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.len() == 10 || (digits.len() == 11 && digits.starts_with('1')) {
        return places_of(packs, &digits).states.into_iter().map(|s| format!("US-{s}")).collect();
    }
    const EU: [&str; 27] = [
        "43", "32", "359", "385", "357", "420", "45", "372", "358", "33", "49", "30", "36", "353", "39",
        "371", "370", "352", "356", "31", "48", "351", "40", "421", "386", "34", "46",
    ];
    const OTHERS: [(&str, &str); 7] =
        [("44", "UK"), ("61", "AU"), ("64", "NZ"), ("55", "BR"), ("65", "SG"), ("82", "KR"), ("41", "CH")];
    if EU.iter().any(|c| digits.starts_with(c)) {
        return vec!["EU".into()];
    }
    OTHERS.iter().filter(|(c, _)| digits.starts_with(c)).map(|(_, place)| (*place).to_owned()).collect()
}

/// The laws that a scope suggests: where its people live, and what of them was seen.
#[must_use]
pub fn suggested(packs: &Packs, scope: &ScopeSummary) -> Vec<String> {
    let known = breach_jurisdictions(packs);
    let mut out: Vec<String> = scope.places.keys().filter(|p| known.contains(p)).cloned().collect();
    if scope.clear.keys().any(|t| t == "CREDIT_CARD") {
        out.push("PCI".into());
    }
    out.sort();
    out.dedup();
    out
}

/// How many people of a jurisdiction: as somebody counted, or as the scope did. People of whom no place is known count
/// everywhere, so that no threshold is missed.
#[must_use]
pub fn people_of(incident: &IncidentRow, jurisdiction: &str) -> Option<u64> {
    if let Some(n) = incident.counts.get(jurisdiction) {
        return Some(*n);
    }
    let scope = incident.scope.as_ref()?;
    if jurisdiction.starts_with("US-") && jurisdiction.len() == 5 {
        return Some(scope.places.get(jurisdiction).copied().unwrap_or(0).saturating_add(scope.elsewhere));
    }
    Some(scope.people)
}

/// Every clock of the incident's laws, soonest first.
#[must_use]
pub fn countdowns(
    packs: &Packs,
    incident: &IncidentRow,
    notices: &[NoticeRow],
    now: Timestamp,
) -> Vec<Countdown> {
    let event = |name: &str| incident.events.get(name).copied();
    let all = incident.scope.as_ref().map(|s| s.people);
    let most = incident.scope.as_ref().map(|s| {
        s.places
            .iter()
            .filter(|(p, _)| p.starts_with("US-"))
            .map(|(_, n)| *n)
            .max()
            .unwrap_or(0)
            .saturating_add(s.elsewhere)
    });
    let mut out = Vec::new();
    for law in &incident.laws {
        let people = people_of(incident, law);
        let events = StartEvents {
            discovered: event("discovered"),
            aware: event("aware"),
            determined: event("determined"),
            confirmed: event("confirmed"),
            high_risk_determined: event("high_risk_determined"),
            individuals_notified: event("individuals_notified"),
            suspected: event("suspected"),
            materiality_determined: event("materiality_determined"),
            classified: event("classified"),
            residents: people,
            individuals: incident.counts.get(law).copied().or(all),
            max_in_one_state: incident.counts.get(law).copied().or(most),
        };
        let rows = breach_clocks(packs, &[law.as_str()], &events, now);
        out.extend(rows.into_iter().map(|c| countdown(c, people, notices, &incident.events, now)));
    }
    out.sort_by(|a, b| {
        let met = |c: &Countdown| c.standing == Standing::Met;
        (met(a), a.ends.is_none(), a.ends, &a.clock).cmp(&(met(b), b.ends.is_none(), b.ends, &b.clock))
    });
    out
}

fn countdown(
    c: CountedClock,
    people: Option<u64>,
    notices: &[NoticeRow],
    events: &std::collections::BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> Countdown {
    let sent = notices.iter().any(|n| n.clock == c.due.clock && n.sent_at.is_some());
    let target = events
        .get("discovered")
        .and_then(|d| d.checked_add(SignedDuration::from_hours(24 * INTERNAL_DAYS)).ok());
    let numbered = c.ends.is_some();
    let (ends, standing) = match (sent, c.ends, target) {
        (true, ends, _) => (ends, Standing::Met),
        (_, Some(ends), _) => (Some(ends), standing(ends, now)),
        (_, None, Some(ends)) if !c.due.text.is_empty() && c.due.start != "notice_to_individuals" => {
            (Some(ends), Standing::Target)
        }
        _ => (None, Standing::NotStarted),
    };
    let left = match (standing, ends) {
        (Standing::Met, _) => "notice sent".into(),
        (Standing::Target, Some(ends)) => format!("{}; house target in {}", c.due.text, left(ends, now)),
        (_, Some(ends)) if numbered => left(ends, now),
        _ => "the event from which it runs is not known".into(),
    };
    let source = &c.due.source;
    let join = |f: fn(&callvault_law::Cite) -> String| {
        source.cite.iter().map(f).filter(|t| !t.is_empty()).collect::<Vec<_>>().join("; ")
    };
    Countdown {
        clock: c.due.clock,
        jurisdiction: c.due.jurisdiction,
        duty: c.due.duty,
        recipients: c.due.recipients,
        due: c.due.due,
        ends,
        standing,
        left,
        start: c.due.start,
        stand_in: c.stand_in,
        people,
        uncounted: !c.counted,
        cite: join(|c| c.reference.clone()),
        source: join(|c| c.source.clone()),
        read: source.read.to_string(),
        confidence: source.confidence.to_owned(),
        unreviewed: source.unreviewed,
        note: source.note.clone(),
        text: c.due.text,
    }
}

fn standing(ends: Timestamp, now: Timestamp) -> Standing {
    let left = ends.duration_since(now);
    if left <= SignedDuration::ZERO {
        Standing::Overdue
    } else if left <= SignedDuration::from_hours(72) {
        Standing::Soon
    } else {
        Standing::Running
    }
}

/// `3 days 4 hours`, `5 hours 10 minutes`, or `over for 2 days`.
fn left(ends: Timestamp, now: Timestamp) -> String {
    let seconds = ends.duration_since(now).as_secs();
    let (over, minutes) = (seconds <= 0, seconds.unsigned_abs() / 60);
    let (days, hours, rest) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    let unit = |n: u64, name: &str| format!("{n} {name}{}", if n == 1 { "" } else { "s" });
    let text = match (days, hours) {
        (0, 0) => unit(rest, "minute"),
        (0, h) => format!("{} {}", unit(h, "hour"), unit(rest, "minute")),
        (d, h) if d < 10 => format!("{} {}", unit(d, "day"), unit(h, "hour")),
        (d, _) => unit(d, "day"),
    };
    if over { format!("over for {text}") } else { text }
}

/// Every law whose clocks can be chosen.
#[must_use]
pub fn jurisdictions(packs: &Packs) -> Vec<String> {
    breach_jurisdictions(packs).into_iter().filter(|j| j != "US").collect()
}

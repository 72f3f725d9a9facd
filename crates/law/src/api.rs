//! The questions a server asks, with types. Every answer says source, date and confidence of the rows it used.

use crate::{
    Decision, Due, Error, Facts, Packs,
    clock::{self, Last, Period},
    engines::{self, Incident},
    evaluate,
    pack::Force,
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A consent record. Whatever is `None` is unknown, and what is unknown proves nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Consent {
    /// `prior_express` or `prior_express_written`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The day it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<Date>,
    /// The day it was withdrawn; `None`: it was not.
    pub revoked: Option<Date>,
    /// What was signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The number it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The seller it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller: Option<String>,
    /// All sellers it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sellers_listed: Option<Vec<String>>,
    /// It said that calls may be autodialled or prerecorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disclosure_autodialer: Option<bool>,
    /// It said that it is no condition of purchase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disclosure_not_condition: Option<bool>,
}

/// What the do-not-call lists say of a number.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Dnc {
    /// On the national registry.
    #[serde(rename = "national_dnc", skip_serializing_if = "Option::is_none")]
    pub national: Option<bool>,
    /// On the seller's own list.
    #[serde(rename = "internal_dnc", skip_serializing_if = "Option::is_none")]
    pub internal: Option<bool>,
    /// Date of the copy of the registry that was asked.
    #[serde(rename = "registry_version_date", skip_serializing_if = "Option::is_none")]
    pub registry_version: Option<Date>,
}

/// A call or text that somebody is about to make.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Outbound {
    /// A text message, not a call.
    #[serde(skip)]
    pub text: bool,
    /// `telemarketing`, `informational`, `informational_commercial` or `hipaa_health_care`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// `live`, `prerecorded` or `ai_voice`; `text` for texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The number that is called, with country code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called: Option<String>,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller: Option<String>,
    /// Two-letter codes of every state where the called party may be; the area code adds its own.
    pub candidate_states: Vec<String>,
    /// IANA names of every zone where the called party may be; the area code adds its own.
    pub candidate_zones: Vec<String>,
    /// `wireless` or `residential`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// `manual`, or anything else for a machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialer: Option<String>,
    /// The lists.
    #[serde(flatten)]
    pub dnc: Dnc,
    /// The consent on file; `None`: there is none.
    pub consent: Option<Consent>,
    /// Last purchase and last inquiry: a business relationship is computed from them.
    #[serde(skip)]
    pub last_transaction: Option<Date>,
    /// See `last_transaction`.
    #[serde(skip)]
    pub last_inquiry: Option<Date>,
    /// Attempts in the last 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts_last_24h: Option<u32>,
    /// Those attempts were about the same matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_subject: Option<bool>,
    /// Local holidays that no calendar knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holidays_local: Option<Vec<Date>>,
    /// Everything else, by the names of `us-federal-tel.toml`.
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}

impl Outbound {
    /// The facts that the rules test.
    ///
    /// # Errors
    /// They are beyond the limits of [`Facts`].
    pub fn facts(&self, packs: &Packs) -> Result<Facts, Error> {
        let wrong = |e: serde_json::Error| Error::Case(e.to_string());
        let mut value = serde_json::to_value(self).map_err(wrong)?;
        let places = self.called.as_deref().map(|n| places_of(packs, n)).unwrap_or_default();
        if let Value::Object(map) = &mut value {
            for (name, found) in [("candidate_states", places.states), ("candidate_zones", places.zones)] {
                if let Some(Value::Array(list)) = map.get_mut(name) {
                    list.extend(found.into_iter().map(Value::String));
                    if list.is_empty() {
                        map.remove(name);
                    }
                }
            }
            let dates = [("last_transaction", self.last_transaction), ("last_inquiry", self.last_inquiry)];
            let ebr: serde_json::Map<String, Value> =
                dates.into_iter().filter_map(|(n, d)| Some((n.to_owned(), d?.to_string().into()))).collect();
            if !map.contains_key("ebr") {
                map.insert("ebr".to_owned(), if ebr.is_empty() { Value::Null } else { Value::Object(ebr) });
            }
        }
        Facts::new(value)
    }
}

/// May this call be made, or this text be sent, now?
///
/// # Errors
/// The packs have no such action, or the facts are beyond the limits.
pub fn predial(packs: &Packs, outbound: &Outbound, as_of: Timestamp) -> Result<Decision, Error> {
    let action = if outbound.text { "outbound_text" } else { "outbound_call" };
    evaluate(packs, "tcpa", action, &outbound.facts(packs)?, as_of)
}

/// States and time zones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Places {
    /// Two-letter codes.
    pub states: Vec<String>,
    /// IANA names.
    pub zones: Vec<String>,
}

/// Every state and zone that the area code of a North American number reaches; nothing for other numbers.
#[must_use]
pub fn places_of(packs: &Packs, number: &str) -> Places {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let national = if digits.len() == 11 { digits.strip_prefix('1') } else { Some(digits.as_str()) };
    let npa = national.filter(|n| n.len() == 10).and_then(|n| n.get(..3));
    let row = npa.and_then(|npa| packs.table("npa")?.row.rows.get(npa));
    let (zones, states) = row.into_iter().flatten().cloned().partition(|p| p.contains('/'));
    Places { states, zones }
}

/// Under which law somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// GDPR: one month, three in all.
    Eu,
    /// UK GDPR: the same; it waits for identity and clarification.
    Uk,
    /// CCPA: 45 days from the day of receipt on, 90 in all.
    California,
    /// HIPAA access: 30 days, 60 in all.
    HipaaAccess,
    /// HIPAA accounting of disclosures: 60 days, 90 in all.
    HipaaAccounting,
}

/// When a request is due.
#[derive(Debug, Clone, Serialize)]
pub struct RequestDue {
    /// The last day, or the last day after an extension.
    pub due: Date,
    /// The same before it moved to a working day.
    pub nominal: Date,
    /// The last day to tell the person of an extension, which is the last day without one.
    pub extension_notice_by: Date,
    /// The last day after an extension.
    pub longest: Date,
    /// The last day to confirm receipt, where the law wants that.
    pub acknowledge_by: Option<Date>,
    /// Sources.
    pub clock: Due,
}

/// When a request that was received on a day must be answered. `public_holidays` are those of the office that answers.
///
/// # Errors
/// The packs have no clock for the law, or the date is out of range.
pub fn request_clock(
    packs: &Packs,
    law: Law,
    received: Date,
    extended: bool,
    public_holidays: &[Date],
) -> Result<RequestDue, Error> {
    let (id, ack) = match law {
        Law::Eu => ("eu.request", None),
        Law::Uk => ("uk.request", None),
        Law::California => ("us-ca.request", Some("us-ca.request.ack")),
        Law::HipaaAccess => ("hipaa.access", None),
        Law::HipaaAccounting => ("hipaa.accounting", None),
    };
    let start = received.to_string();
    let none = |what: &str| Error::Case(format!("the packs have no {what} clock that counts from {start}"));
    let of = packs.clock(id).ok_or_else(|| none(id))?;
    let count = |amount: Option<i32>| clock::period(&of.row, &start, amount?, public_holidays);
    let day = |last: Last| match last {
        Last::Day(day) => Some(day),
        Last::Moment(_) => None,
    };
    let first = count(of.row.amount).ok_or_else(|| none(id))?;
    let longest = count(of.row.extended.or(of.row.amount)).ok_or_else(|| none(id))?;
    let answer = if extended { longest } else { first };
    let dates = |p: Period| day(p.due).zip(day(p.nominal)).ok_or_else(|| none(id));
    let ((due, nominal), (notice, _), (last, _)) = (dates(answer)?, dates(first)?, dates(longest)?);
    let acknowledge = ack
        .and_then(|a| packs.clock(a))
        .and_then(|of| day(clock::period(&of.row, &start, of.row.amount?, public_holidays)?.due));
    Ok(RequestDue {
        due,
        nominal,
        extension_notice_by: notice,
        longest: last,
        acknowledge_by: acknowledge,
        clock: clock::due(of, Some(answer)),
    })
}

/// When the events of an incident were, each its own time; and how many people it touches.
#[derive(Debug, Clone, Default)]
pub struct StartEvents {
    /// First known, or knowable with reasonable diligence.
    pub discovered: Option<Timestamp>,
    /// Aware with reasonable certainty.
    pub aware: Option<Timestamp>,
    /// Determined to be a breach.
    pub determined: Option<Timestamp>,
    /// Confirmed.
    pub confirmed: Option<Timestamp>,
    /// Found to be a high risk.
    pub high_risk_determined: Option<Timestamp>,
    /// Individuals were told.
    pub individuals_notified: Option<Timestamp>,
    /// Suspected.
    pub suspected: Option<Timestamp>,
    /// Found to be material to investors.
    pub materiality_determined: Option<Timestamp>,
    /// Classified as major.
    pub classified: Option<Timestamp>,
    /// People concerned in the jurisdiction that is asked, in all, and in the state with most of them.
    pub residents: Option<u64>,
    /// See `residents`.
    pub individuals: Option<u64>,
    /// See `residents`.
    pub max_in_one_state: Option<u64>,
}

struct Dated<'a> {
    counts: &'a StartEvents,
    texts: Vec<(&'static str, String)>,
}

impl Incident for Dated<'_> {
    fn event(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(n, _)| *n == name).map(|(_, t)| t.as_str())
    }

    fn count(&self, of: &str) -> Option<u64> {
        match of {
            "residents" => self.counts.residents,
            "individuals" => self.counts.individuals.or(self.counts.residents),
            "max_in_one_state" => self.counts.max_in_one_state,
            _ => None,
        }
    }
}

/// A clock of an incident.
#[derive(Debug, Clone, Serialize)]
pub struct CountedClock {
    /// What is due, to whom, when, under which law.
    pub due: Due,
    /// The moment for sorting: the end of a day, or the instant.
    pub ends: Option<Timestamp>,
    /// False: nobody has counted yet whether the threshold is reached.
    pub counted: bool,
    /// The event that should start it is unknown, and an earlier one stands in.
    pub stand_in: bool,
}

/// Starts of clocks that are no matter of breaches: requests of people.
const BREACH_NOT: [&str; 2] = ["request", "receipt"];

/// Every jurisdiction and contract whose breach clocks can run (`US-CA`, `EU`, `HIPAA`, `PCI`, …), sorted.
#[must_use]
pub fn breach_jurisdictions(packs: &Packs) -> Vec<String> {
    let mut out: Vec<String> = packs
        .clocks()
        .filter(|of| !BREACH_NOT.contains(&of.row.start.as_str()) && of.row.duty != "regulator_proposed")
        .map(|of| of.row.jurisdiction.clone())
        .collect();
    out.sort();
    out.dedup();
    out
}

/// The end of another duty of the same jurisdiction, or the day on which individuals were told.
fn concurrent(
    packs: &Packs,
    of: &crate::pack::Of<crate::pack::Clock>,
    duty: &str,
    incident: &dyn Incident,
) -> Option<Period> {
    if let Some(day) = incident.event("individuals_notified").and_then(crate::dates::date) {
        return Some(Period { nominal: Last::Day(day), due: Last::Day(day) });
    }
    let same = |c: &&std::sync::Arc<crate::pack::Of<crate::pack::Clock>>| {
        c.row.jurisdiction == of.row.jurisdiction && c.row.duty == duty
    };
    engines::count(&packs.clocks().find(same)?.row, incident)
}

/// The clocks that an incident starts under the named jurisdictions (`US-CA`, `EU`, `UK`, `HIPAA`, `CA`, …), soonest
/// first. A clock whose threshold is known not to be reached is left out; one that nobody counted is not.
#[must_use]
pub fn breach_clocks(
    packs: &Packs,
    jurisdictions: &[&str],
    events: &StartEvents,
    as_of: Timestamp,
) -> Vec<CountedClock> {
    let named = [
        ("discovered", events.discovered),
        ("aware", events.aware),
        ("determined", events.determined),
        ("confirmed", events.confirmed),
        ("high_risk_determined", events.high_risk_determined),
        ("individuals_notified", events.individuals_notified),
        ("suspected", events.suspected),
        ("materiality_determined", events.materiality_determined),
        ("classified", events.classified),
    ];
    let texts = named.into_iter().filter_map(|(n, t)| Some((n, t?.to_string()))).collect();
    let incident = Dated { counts: events, texts };
    let today = crate::dates::utc_date(as_of);
    let wanted = |name: &str| jurisdictions.iter().any(|j| j.eq_ignore_ascii_case(name));
    let mut out: Vec<CountedClock> = packs
        .clocks()
        .filter(|of| wanted(&of.row.jurisdiction) && of.row.provenance.force(today) == Force::Binding)
        .filter(|of| !BREACH_NOT.contains(&of.row.start.as_str()))
        .filter_map(|of| {
            let reached = engines::due_for(&of.row, &incident);
            if reached == Some(false) {
                return None;
            }
            let own = engines::count(&of.row, &incident);
            // Not later than another duty: the day on which that was done, or the last on which it must be.
            let after =
                of.row.not_later_than.as_ref().and_then(|duty| concurrent(packs, of, duty, &incident));
            let counted = [own, after].into_iter().flatten().min_by_key(|p| p.due.instant());
            let stand_in = engines::start(&of.row, &incident).is_some_and(|(_, other)| other);
            let ends = counted.and_then(|p| p.due.instant());
            Some(CountedClock { due: clock::due(of, counted), ends, counted: reached.is_some(), stand_in })
        })
        .collect();
    out.sort_by_key(|c| (c.ends.is_none(), c.ends));
    out
}

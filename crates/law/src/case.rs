//! One case while it is decided: its facts, its day, the places where the called party may be.

use crate::{Facts, Packs, dates, pack::Clock, zone};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use std::{cell::RefCell, collections::BTreeSet};

/// Most states or zones of one case; there are fewer.
const MAX_PLACES: usize = 100;

/// A case and what was derived from it.
pub(crate) struct Case<'a> {
    pub packs: &'a Packs,
    pub facts: &'a Facts,
    /// The day that decides which rows bind: local, where the place is known.
    pub day: Date,
    pub as_of: Timestamp,
    /// Candidate states, upper case.
    pub states: Vec<String>,
    /// Local time of the call in each candidate zone; `None` when a zone is missing or unknown.
    pub local: Option<Vec<DateTime>>,
    /// The instant of the call.
    pub at: Option<Timestamp>,
    /// Facts that were looked for and not found.
    missing: RefCell<BTreeSet<String>>,
}

impl<'a> Case<'a> {
    pub fn new(packs: &'a Packs, facts: &'a Facts, as_of: Timestamp, states: Option<&str>) -> Self {
        let mut case = Self {
            packs,
            facts,
            day: dates::utc_date(as_of),
            as_of,
            states: Vec::new(),
            local: None,
            at: facts.instant("at"),
            missing: RefCell::default(),
        };
        let Some(states) = states else { return case };
        // What is no text is a place nobody knows, and no zone has an empty name.
        let texts = |path: &str| -> Vec<String> {
            let one = facts.text(path).map(str::to_owned);
            let items = facts.list(path).into_iter().flatten();
            items.map(|v| v.as_str().unwrap_or("").to_owned()).chain(one).collect()
        };
        case.states = texts(states);
        case.states.extend(facts.text("known_address_state").map(str::to_owned));
        case.states.iter_mut().for_each(|s| s.make_ascii_uppercase());
        let mut zones = texts("candidate_zones");
        case.area_code(&mut zones);
        case.states.sort_unstable();
        case.states.dedup();
        zones.sort_unstable();
        zones.dedup();
        case.states.truncate(MAX_PLACES);
        zones.truncate(MAX_PLACES);
        case.place(&zones);
        case
    }

    /// An area code adds the states and zones that it serves, its overlays included: a number may be used there,
    /// whatever the customer file says.
    fn area_code(&mut self, zones: &mut Vec<String>) {
        let Some(npa) = self.facts.text("called_npa") else { return };
        let rows = self.packs.table("npa").and_then(|t| t.row.rows.get(npa));
        for place in rows.into_iter().flatten() {
            if place.contains('/') { zones.push(place.clone()) } else { self.states.push(place.clone()) }
        }
    }

    fn place(&mut self, names: &[String]) {
        let known: Option<Vec<TimeZone>> = names.iter().map(|n| self.packs.zone(n)).collect();
        let Some(known) = known.filter(|z| !z.is_empty()) else { return };
        // The day is the latest that it is anywhere: a rule that has begun there binds.
        self.day = known.iter().map(|z| z.to_datetime(self.as_of).date()).max().unwrap_or(self.day);
        if let Some(at) = self.at {
            self.local = Some(known.iter().map(|z| z.to_datetime(at)).collect());
        }
    }

    /// Remembers that a fact was needed and unknown.
    pub fn miss(&self, fact: &str) {
        self.missing.borrow_mut().insert(fact.to_owned());
    }

    pub fn missing(&self) -> Vec<String> {
        self.missing.borrow().iter().cloned().collect()
    }

    /// A date fact, remembered as missing when it is not there.
    pub fn need_date(&self, fact: &str) -> Option<Date> {
        let found = self.facts.date(fact);
        if found.is_none() {
            self.miss(fact);
        }
        found
    }

    /// A date fact as the comparisons of the law want it: of the call's instant, the latest local date.
    pub fn reference(&self, fact: &str) -> Option<Date> {
        self.span(fact).map(|(_, latest)| latest)
    }

    /// The earliest and the latest date that a fact may mean where the called party may be. What must lie in the past
    /// is held against the earliest, what must not be over against the latest.
    pub fn span(&self, fact: &str) -> Option<(Date, Date)> {
        match (fact, &self.local) {
            ("as_of", _) => Some((self.day, self.day)),
            ("at", Some(local)) => {
                let days = || local.iter().map(|l| l.date());
                days().min().zip(days().max())
            }
            // Nobody knows where the called party is: any date that it is somewhere.
            ("at", None) if self.at.is_some() => {
                let day = |hours| {
                    let there = self.at?.checked_add(SignedDuration::from_hours(hours)).ok()?;
                    Some(TimeZone::UTC.to_datetime(there).date())
                };
                day(-12).zip(day(14))
            }
            _ => self.facts.date(fact).map(|d| (d, d)),
        }
    }

    /// The public holidays that the case gives; none given means none.
    pub fn public_holidays(&self) -> Vec<Date> {
        self.facts.dates("public_holidays").unwrap_or_default()
    }

    /// Whether it is a holiday of `state` in some candidate zone: one that the case gives or the calendar knows.
    /// Unknown when the case gives no list, for proclaimed holidays are in no calendar.
    pub fn holiday(&self, state: &str) -> Option<bool> {
        let local = self.local.as_ref()?;
        let calendar = self.packs.table(&format!("holidays.{state}"));
        let given = self.facts.dates("holidays_local");
        for date in local.iter().map(|l| l.date()) {
            let kept = calendar.is_some_and(|t| {
                let shift = t.row.rows.contains_key("saturday_to_friday");
                t.row.words.iter().any(|w| zone::is_holiday(date, w, shift) == Some(true))
            });
            if kept || given.as_ref().is_some_and(|days| days.contains(&date)) {
                return Some(true);
            }
        }
        if given.is_none() {
            self.miss("holidays_local");
        }
        given.map(|_| false)
    }

    /// Whether a clock's row binds on the day of the case.
    pub fn binds(&self, clock: &Clock) -> bool {
        matches!(clock.provenance.force(self.day), crate::pack::Force::Binding)
    }
}

//! Days on which the office that answers is closed by law. A period that ends on one ends on the next working day, and
//! business days skip it. Which days these are depends on where the office stands, so the site says it; what is not
//! said is a working day, and the date shown is then earlier, never too late.

use crate::Error;
use callvault_store::{
    Actor, Vault,
    requests::{Coded, RequestLaw},
};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// The setting that holds them.
const SETTING: &str = "public_holidays";
/// Twenty years of them, for one law.
const MAX: usize = 400;

/// The laws whose clocks they move: a last day that rolls on, or business days.
pub const HOLIDAY_LAWS: [RequestLaw; 3] = [RequestLaw::Eu, RequestLaw::Uk, RequestLaw::California];

/// Public holidays by the law whose clocks they move.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holidays(BTreeMap<String, BTreeSet<Date>>);

impl Holidays {
    /// What the site set.
    ///
    /// # Errors
    /// The setting is damaged.
    pub fn of(vault: &Vault) -> Result<Self, Error> {
        let Some(text) = vault.law_setting(SETTING)? else { return Ok(Self::default()) };
        serde_json::from_str(&text).map(Self).map_err(|_| Error::Shipped("setting of the public holidays"))
    }

    /// Those of one law, in order.
    #[must_use]
    pub fn days(&self, law: RequestLaw) -> Vec<Date> {
        self.0.get(law.as_str()).into_iter().flatten().copied().collect()
    }

    #[cfg(test)]
    pub(super) fn for_tests(days: &[(&str, &str)]) -> Self {
        let mut all = Self::default();
        for (law, day) in days {
            all.0.entry((*law).to_owned()).or_default().insert(day.parse().unwrap());
        }
        all
    }

    /// Whether any day of a year is set: then the year is taken to be complete.
    #[must_use]
    pub fn knows(&self, law: RequestLaw, year: i16) -> bool {
        self.0.get(law.as_str()).is_some_and(|days| days.iter().any(|d| d.year() == year))
    }
}

/// Sets the public holidays of one law, in place of those before.
///
/// # Errors
/// A law that counts none, a text that is no date, or too many of them.
pub fn set(vault: &Vault, actor: &Actor, law: &str, dates: &[String]) -> Result<(), Error> {
    let law = RequestLaw::parse(law)
        .filter(|l| HOLIDAY_LAWS.contains(l))
        .ok_or(Error::Holidays("public holidays move clocks of eu, uk and us_ca only"))?;
    if dates.len() > MAX {
        return Err(Error::Holidays(
            "more than 400 public holidays for one law; leave out years that are over",
        ));
    }
    let days = dates.iter().map(|d| d.trim().parse::<Date>()).collect::<Result<BTreeSet<Date>, _>>();
    let days =
        days.map_err(|_| Error::Holidays("a public holiday is a date such as 2026-12-25, one a line"))?;
    let mut all = Holidays::of(vault)?;
    let n = days.len();
    all.0.insert(law.as_str().to_owned(), days);
    let text = serde_json::to_string(&all.0).map_err(|_| Error::Shipped("setting of the public holidays"))?;
    vault.set_law(actor, SETTING, &text, &format!("{SETTING} {} {n}", law.as_str()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use callvault_model::{Id, SystemClock};
    use callvault_seal::OsEntropy;
    use callvault_store::NewVault;
    use std::sync::Arc;

    #[test]
    fn holidays_are_those_that_were_set_last_and_nothing_else_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let new = NewVault {
            dir: &dir.path().join("data"),
            key_file: &dir.path().join("v.key"),
            protection: callvault_store::Protection::None,
            shares: (2, 3),
            server: None,
            files: None,
        };
        let id = Id::new(&SystemClock, &OsEntropy).unwrap();
        let vault = Vault::init(&new, id, Arc::new(SystemClock), "local-operator").unwrap().vault;
        let by = Actor::LocalOperator;
        let days = |list: &[&str]| list.iter().map(|d| (*d).to_owned()).collect::<Vec<_>>();
        let put = |law: &str, list: &[&str]| set(&vault, &by, law, &days(list));
        put("uk", &["2026-12-28", "2026-12-25", " 2026-12-25 "]).unwrap();
        put("eu", &["2026-05-01"]).unwrap();
        let all = Holidays::of(&vault).unwrap();
        assert_eq!(all.days(RequestLaw::Uk), ["2026-12-25".parse().unwrap(), "2026-12-28".parse().unwrap()]);
        assert!(all.knows(RequestLaw::Uk, 2026) && !all.knows(RequestLaw::Uk, 2027));
        assert!(all.days(RequestLaw::California).is_empty());
        for (law, list) in [("us_hipaa", &["2026-01-01"][..]), ("mars", &[]), ("uk", &["tomorrow"])] {
            assert!(put(law, list).is_err(), "{law}");
        }
        assert!(set(&vault, &by, "uk", &vec!["2026-01-01".to_owned(); 401]).is_err());
        put("uk", &[]).unwrap();
        assert!(Holidays::of(&vault).unwrap().days(RequestLaw::Uk).is_empty());
        let entry = &vault.entries(None, Some("law.rows_changed"), 1).unwrap()[0];
        assert!(format!("{entry:?}").contains("public_holidays uk 0"), "{entry:?}");
    }
}

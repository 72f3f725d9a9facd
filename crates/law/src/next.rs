//! When a refused call may be made, where only the hour, the day or a holiday stands against it.

use crate::{Decision, Error, Facts, Outcome, Packs, evaluate};
use jiff::Timestamp;

/// Calls are tried at every quarter of an hour: every window of the law opens at one.
const STEP: i64 = 15 * 60;
/// The longest closure is a holiday beside a Sunday; ten days are far more.
const STEPS: i64 = 10 * 24 * 4;

/// Reasons that time alone takes away.
fn passes(code: &str) -> bool {
    ["hours.", "day.", "holiday.", "emergency."].iter().any(|p| code.starts_with(p))
        && !code.ends_with("_unknown")
}

/// The first quarter of an hour after the call's own time at which the same call would not be refused; `None` when
/// something other than the time stands against it, or nothing opens within ten days. `refused` is the answer to
/// `action` with `facts`.
///
/// # Errors
/// The packs have no such action.
pub fn next_allowed(
    packs: &Packs,
    action: &str,
    facts: &Facts,
    refused: &Decision,
) -> Result<Option<Timestamp>, Error> {
    let Some(at) = facts.instant("at").filter(|_| refused.outcome == Outcome::Deny) else { return Ok(None) };
    let mut denies = refused.reasons.iter().filter(|r| r.outcome == Outcome::Deny);
    if !denies.all(|r| passes(&r.code) && !r.unknown) {
        return Ok(None);
    }
    let first = at.as_second() - at.as_second().rem_euclid(STEP) + STEP;
    for i in 0..STEPS {
        let Ok(when) = Timestamp::from_second(first + i * STEP) else { return Ok(None) };
        let later = facts.with("at", when.to_string().into());
        if evaluate(packs, "tcpa", action, &later, when)?.outcome < Outcome::Review {
            return Ok(Some(when));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dnc, Outbound, Overlay, predial};

    #[test]
    fn the_next_time_is_the_opening_of_every_window_and_never_hides_another_reason() {
        let packs = Packs::embedded(Overlay::default()).unwrap();
        // Saturday 20:30 in Louisiana; Sunday is closed, Monday opens at 8.
        let at: Timestamp = "2026-06-14T01:30:00Z".parse().unwrap();
        let mut call = Outbound {
            purpose: Some("telemarketing".into()),
            mode: Some("live".into()),
            at: Some(at),
            candidate_states: vec!["LA".into()],
            candidate_zones: vec!["America/Chicago".into()],
            line: Some("wireless".into()),
            dialer: Some("manual".into()),
            dnc: Dnc {
                national: Some(false),
                internal: Some(false),
                registry_version: Some("2026-06-10".parse().unwrap()),
            },
            holidays_local: Some(Vec::new()),
            ..Outbound::default()
        };
        call.more.insert("emergencies".into(), serde_json::json!([]));
        let refused = predial(&packs, &call, at).unwrap();
        assert_eq!(refused.decision, "deny");
        let next = next_allowed(&packs, "outbound_call", &call.facts(&packs).unwrap(), &refused).unwrap();
        assert_eq!(next, Some("2026-06-15T13:00:00Z".parse().unwrap()));
        call.dnc.national = Some(true);
        let refused = predial(&packs, &call, at).unwrap();
        assert_eq!(
            next_allowed(&packs, "outbound_call", &call.facts(&packs).unwrap(), &refused).unwrap(),
            None
        );
    }
}

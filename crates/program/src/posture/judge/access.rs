//! Who comes in.

use super::{Judge, all, some};
use crate::posture::{Facts, Verdict};
use callvault_store::posture::Account;
use std::collections::BTreeSet;

pub const CHECKS: &[(&str, Judge)] = &[
    ("A01", second_factor),
    ("A02", passkeys),
    ("A04", dormant),
    ("A05", leavers),
    ("A06", reviews),
    ("A07", api_keys),
    ("A08", self_approved),
    ("A09", toxic),
    ("A10", rules),
    ("A12", sessions),
    ("A13", lockout),
    ("A14", password_rule),
    ("A15", hashes),
    ("A16", trained),
    ("A17", standing),
    ("A19", bound),
];

const DORMANT_DAYS: i64 = 90;
const REVIEW_DAYS: i64 = 180;
const REVIEW_POWERFUL_DAYS: i64 = 90;
const KEY_LIFE_DAYS: i64 = 365;
const KEY_UNUSED_DAYS: i64 = 90;
const MOST_ADMINS: usize = 5;
const FAILURES: u64 = 10;
const LEAST_PASSWORD: usize = 12;
const SESSION_HOURS: i64 = 12;
/// Roles that touch originals, keys or rules.
const POWERFUL: &[&str] = &["admin", "privacy_officer", "compliance", "incident_lead", "disposal_officer"];
/// Pairs of roles that check each other.
const TOXIC: &[(&str, &str, &str)] = &[
    ("admin", "auditor", "who runs the program must not be who audits it"),
    ("admin", "privacy_officer", "who sets roles must not be the second person for reveals"),
    ("admin", "compliance", "who sets roles must not be the second person for reveals"),
    ("disposal_officer", "compliance", "who destroys must not be who approves it"),
    ("disposal_officer", "privacy_officer", "who destroys must not be who approves it"),
    ("agent", "auditor", "whoever is watched must not watch"),
];

/// The accounts, if there are any.
fn accounts(f: &Facts) -> Result<&Vec<Account>, Verdict> {
    let all = f.accounts.get()?;
    if all.is_empty() {
        return Err(Verdict::not_applicable("there is no account: only the local operator uses this vault"));
    }
    Ok(all)
}

fn active(a: &Account) -> bool {
    a.state == "active"
}

fn person(a: &Account) -> bool {
    a.kind != "service" && !a.roles.iter().any(|r| r == "service")
}

fn powerful(a: &Account) -> bool {
    a.roles.iter().any(|r| POWERFUL.contains(&r.as_str()))
}

fn id(a: &Account) -> String {
    a.id.clone()
}

fn second_factor(f: &Facts) -> Result<Verdict, Verdict> {
    let every = accounts(f)?;
    let bad = |a: &Account| active(a) && person(a) && !a.totp && a.passkeys == 0;
    let people = every.iter().filter(|a| active(a) && person(a)).count();
    Ok(Verdict::of(
        all(every, "active people have no second factor", id, bad).into_iter().collect(),
        format!("all {people} active people have a passkey or a one-time code"),
    ))
}

fn passkeys(f: &Facts) -> Result<Verdict, Verdict> {
    let every = accounts(f)?;
    let bad = |a: &Account| active(a) && person(a) && powerful(a) && a.passkeys == 0;
    Ok(Verdict::of(
        all(every, "people with a powerful role have no passkey", id, bad).into_iter().collect(),
        "everybody with a powerful role has a passkey",
    ))
}

fn dormant(f: &Facts) -> Result<Verdict, Verdict> {
    let every = accounts(f)?;
    let idle = |a: &Account| f.days_since(a.last_seen_at.as_deref().unwrap_or(&a.created_at));
    let bad = |a: &Account| active(a) && person(a) && idle(a) > DORMANT_DAYS;
    Ok(Verdict::of(
        all(every, "active people were not seen for more than 90 days", id, bad).into_iter().collect(),
        "everybody active was seen within 90 days",
    ))
}

fn leavers(f: &Facts) -> Result<Verdict, Verdict> {
    let every = accounts(f)?;
    let gone: BTreeSet<&str> = every
        .iter()
        .filter(|a| matches!(a.state.as_str(), "suspended" | "revoked"))
        .map(|a| a.id.as_str())
        .collect();
    if gone.is_empty() {
        return Ok(Verdict::pass("nobody is suspended or revoked"));
    }
    let problems = [
        all(
            f.sessions.get()?,
            "open sessions of people who are suspended or revoked",
            |s| s.account.clone(),
            |s| gone.contains(s.account.as_str()),
        ),
        all(
            f.api_keys.get()?,
            "keys of accounts that are suspended or revoked",
            |k| k.id.clone(),
            |k| gone.contains(k.account.as_str()),
        ),
    ];
    Ok(Verdict::of(
        problems.into_iter().flatten().collect(),
        format!("{} left, without session or key", gone.len()),
    ))
}

fn reviews(f: &Facts) -> Result<Verdict, Verdict> {
    let every = accounts(f)?;
    let late = |a: &Account| {
        let most = if powerful(a) { REVIEW_POWERFUL_DAYS } else { REVIEW_DAYS };
        active(a) && f.days_since(a.reviewed_at.as_deref().unwrap_or(&a.created_at)) > most
    };
    let problems = [
        all(every, "accounts were not confirmed in time", id, late),
        all(every, "accounts confirmed themselves", id, |a| active(a) && a.reviewed_self),
    ];
    Ok(Verdict::of(problems.into_iter().flatten().collect(), "every active account was confirmed in time"))
}

fn api_keys(f: &Facts) -> Result<Verdict, Verdict> {
    let keys = f.api_keys.get()?;
    if keys.is_empty() {
        return Ok(Verdict::not_applicable("there is no key of a service"));
    }
    let life = |k: &callvault_store::posture::ApiKey| -> i64 {
        let end: Result<jiff::Timestamp, _> = k.expires_at.parse();
        let start: Result<jiff::Timestamp, _> = k.created_at.parse();
        match (end, start) {
            (Ok(end), Ok(start)) => end.duration_since(start).as_hours() / 24,
            _ => i64::MAX,
        }
    };
    let name = |k: &callvault_store::posture::ApiKey| k.id.clone();
    let problems = [
        all(keys, "keys have no end, or one more than a year away", name, |k| life(k) > KEY_LIFE_DAYS),
        all(keys, "keys ran out and were not revoked", name, |k| f.days_since(&k.expires_at) > 0),
        all(keys, "keys were not used for 90 days", name, |k| {
            f.days_since(k.last_used_at.as_deref().unwrap_or(&k.created_at)) > KEY_UNUSED_DAYS
        }),
        all(keys, "keys have no scope", name, |k| matches!(k.scopes.trim(), "" | "[]" | "*")),
    ];
    Ok(Verdict::of(
        problems.into_iter().flatten().collect(),
        format!("{} key(s), each scoped, used and with an end", keys.len()),
    ))
}

fn self_approved(f: &Facts) -> Result<Verdict, Verdict> {
    let grants = f.grants.get()?;
    if grants.is_empty() {
        return Ok(Verdict::not_applicable("there is no right for a while"));
    }
    let name = |g: &callvault_store::posture::Grant| g.id.clone();
    let problems = [
        all(grants, "rights were approved by whom they are for", name, |g| {
            g.decided_by.as_deref() == Some(g.account.as_str())
        }),
        all(grants, "rights are in force and nobody decided them", name, |g| {
            g.state == "active" && g.decided_by.is_none()
        }),
    ];
    Ok(Verdict::of(
        problems.into_iter().flatten().collect(),
        format!("{} right(s), each decided by somebody else", grants.len()),
    ))
}

fn toxic(f: &Facts) -> Result<Verdict, Verdict> {
    let every = accounts(f)?;
    let has = |a: &Account, role: &str| a.roles.iter().any(|r| r == role);
    let mut problems = Vec::new();
    for (one, other, why) in TOXIC {
        let what = format!("accounts are {one} and {other} ({why})");
        problems.extend(all(every, &what, id, |a| active(a) && has(a, one) && has(a, other)));
    }
    Ok(Verdict::of(problems, format!("{} pairs of roles looked for, none held by one account", TOXIC.len())))
}

fn rules(f: &Facts) -> Result<Verdict, Verdict> {
    let r = f.rules_of_access.get()?;
    let mut problems: Vec<String> =
        r.broken.iter().map(|why| format!("the policies cannot be used: {why}")).collect();
    problems.extend(r.leaks.iter().cloned());
    let short: String = r.fingerprint.chars().take(16).collect();
    Ok(Verdict::of(
        problems,
        format!("policies {short}… pass their schema, and nobody may do what he never must"),
    ))
}

fn password_rule(f: &Facts) -> Result<Verdict, Verdict> {
    let p = f.passwords.get()?;
    let mut problems = Vec::new();
    if p.least < LEAST_PASSWORD {
        problems.push(format!(
            "{} letters are enough; {LEAST_PASSWORD} are the least beside a second factor",
            p.least
        ));
    }
    if p.known == 0 {
        problems.push("no known password is refused".into());
    }
    Ok(Verdict::of(
        problems,
        format!(
            "{} letters at least beside a second factor; {} known passwords refused, plain or decorated",
            p.least, p.known
        ),
    ))
}

fn trained(f: &Facts) -> Result<Verdict, Verdict> {
    let t = f.training.get()?;
    if t.people == 0 {
        return Err(Verdict::not_applicable("there is no active account of a person"));
    }
    let problems = [
        some(
            &t.closed,
            "courses are overdue, ran out or are not confirmed (account and course); what they open is closed",
        ),
        some(&t.toothless, "courses are overdue or ran out, and close nothing (account and course)"),
    ];
    Ok(Verdict::of(
        problems.into_iter().flatten().collect(),
        format!(
            "{} active people: each course passed, in time, or excused with an end ({} excused)",
            t.people, t.excused.count
        ),
    ))
}

fn bound(f: &Facts) -> Result<Verdict, Verdict> {
    let t = f.training.get()?;
    let problem =
        (!t.bound).then(|| "a role plays recordings or asks for hidden values without any course".to_owned());
    Ok(Verdict::of(
        problem.into_iter().collect(),
        "each role that plays or asks for hidden values needs a course for it",
    ))
}

fn sessions(f: &Facts) -> Result<Verdict, Verdict> {
    let sessions = f.sessions.get()?;
    if sessions.is_empty() {
        return Ok(Verdict::not_applicable("nobody is signed in"));
    }
    let span = |s: &callvault_store::posture::SessionRow| -> i64 {
        match (s.created_at.parse::<jiff::Timestamp>(), s.last_seen_at.parse::<jiff::Timestamp>()) {
            (Ok(from), Ok(to)) => to.duration_since(from).as_mins(),
            _ => i64::MAX,
        }
    };
    let bad = all(
        sessions,
        "sessions were used for more than 12 hours, of accounts",
        |s| s.account.clone(),
        |s| span(s) > SESSION_HOURS * 60,
    );
    Ok(Verdict::of(
        bad.into_iter().collect(),
        format!("{} open session(s), none used beyond 12 hours", sessions.len()),
    ))
}

fn lockout(f: &Facts) -> Result<Verdict, Verdict> {
    let every = accounts(f)?;
    let bad = |a: &Account| active(a) && a.failures >= FAILURES && a.locked_until.is_none();
    let locked = every
        .iter()
        .filter(|a| {
            a.locked_until.as_deref().is_some_and(|t| f.days_since(t) <= 0 && t > f.at.to_string().as_str())
        })
        .count();
    Ok(Verdict::of(
        all(every, "accounts failed ten times and are not locked", id, bad).into_iter().collect(),
        format!("no account beyond ten failures is open; {locked} locked now"),
    ))
}

fn hashes(f: &Facts) -> Result<Verdict, Verdict> {
    let every = accounts(f)?;
    let with = every.iter().filter(|a| a.password.is_some()).count();
    if with == 0 {
        return Ok(Verdict::not_applicable("nobody has a password"));
    }
    let bad = |a: &Account| a.password.as_deref().is_some_and(|p| !strong(p));
    Ok(Verdict::of(
        all(every, "passwords are kept in another form or cheaper than Argon2id with 19 MiB", id, bad)
            .into_iter()
            .collect(),
        format!("{with} passwords, all Argon2id with 19 MiB or more"),
    ))
}

/// OWASP's lower bound: 19 MiB, two passes.
fn strong(cost: &str) -> bool {
    let number = |name: &str| -> u64 {
        cost.split(['$', ','])
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    };
    cost.starts_with("argon2id$") && number("m") >= 19_456 && number("t") >= 2
}

fn standing(f: &Facts) -> Result<Verdict, Verdict> {
    let every = accounts(f)?;
    let grants = f.grants.get()?;
    let mut problems: Vec<String> = all(
        grants,
        "rights are in force without an end",
        |g| g.id.clone(),
        |g| g.state == "active" && g.ends_at.is_none(),
    )
    .into_iter()
    .collect();
    let admins = every.iter().filter(|a| active(a) && a.roles.iter().any(|r| r == "admin")).count();
    if admins > MOST_ADMINS {
        problems.push(format!("{admins} active administrators; {MOST_ADMINS} is the most"));
    }
    Ok(Verdict::of(problems, format!("{admins} administrator(s), every right for a while ends")))
}

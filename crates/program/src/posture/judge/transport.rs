//! On the wire.

use super::Judge;
use crate::posture::{Facts, Verdict};

pub const CHECKS: &[(&str, Judge)] = &[("T01", listeners), ("T02", certificate), ("T03", suites)];

/// Days that a certificate should still have.
const DAYS_LEFT: i64 = 14;

fn listeners(f: &Facts) -> Result<Verdict, Verdict> {
    let mut problems = Vec::new();
    let all = f.listeners.get()?;
    for l in all {
        if l.plain && !l.loopback {
            problems.push(format!("{} answers plain HTTP to the network", l.address));
        }
        let old: Vec<&str> = l
            .versions
            .iter()
            .map(String::as_str)
            .filter(|v| matches!(*v, "TLS 1.0" | "TLS 1.1" | "SSL 3.0"))
            .collect();
        if !old.is_empty() {
            problems.push(format!("{} agrees to {}", l.address, old.join(" and ")));
        }
        if !l.plain && l.versions.is_empty() {
            problems.push(format!("{} speaks neither TLS nor HTTP that we understand", l.address));
        }
    }
    let spoken: Vec<String> =
        all.iter().map(|l| format!("{}: {}", l.address, l.versions.join(", "))).collect();
    Ok(Verdict::of(problems, format!("asked by handshake: {}", spoken.join("; "))))
}

fn suites(f: &Facts) -> Result<Verdict, Verdict> {
    let all = f.listeners.get()?;
    let problems = all
        .iter()
        .filter(|l| !l.weak.is_empty())
        .map(|l| format!("{} agrees to {}", l.address, l.weak.join(", ")))
        .collect();
    Ok(Verdict::of(problems, format!("{} listener(s) refused every weak suite that was offered", all.len())))
}

fn certificate(f: &Facts) -> Result<Verdict, Verdict> {
    let c = f.certificate.get()?;
    let now = f.at.as_second();
    let left = c.not_after.saturating_sub(now) / 86_400;
    let mut problems = Vec::new();
    if c.not_after < now {
        problems.push(format!("{} ran out {} day(s) ago", c.path, left.saturating_neg()));
    } else if left < DAYS_LEFT {
        problems.push(format!("{} runs out in {left} day(s)", c.path));
    }
    if c.not_before > now {
        problems.push(format!("{} is not valid yet", c.path));
    }
    if c.self_signed {
        problems.push(format!("{} is self-signed: no browser can tell it from a stranger’s", c.path));
    }
    if !c.strong {
        problems.push(format!("{} has a weak key: {}", c.path, c.key));
    }
    if !c.names.iter().any(|n| covers(n, &c.wanted)) {
        problems.push(format!("{} is for {}, and people type {}", c.path, c.names.join(", "), c.wanted));
    }
    if let Some(key) = c.private.as_ref().filter(|k| k.mode & 0o077 != 0) {
        problems.push(format!("the private key: {}", super::bits(key)));
    }
    Ok(Verdict::of(problems, format!("{}: {left} days left, {}, for {}", c.path, c.key, c.names.join(", "))))
}

/// Whether a name of a certificate covers a host (RFC 9525: a star stands for one whole left-most label).
fn covers(name: &str, host: &str) -> bool {
    let (name, host) = (name.to_ascii_lowercase(), host.to_ascii_lowercase());
    match name.strip_prefix("*.") {
        Some(rest) => host.split_once('.').is_some_and(|(label, tail)| !label.is_empty() && tail == rest),
        None => name == host,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_star_covers_one_label() {
        assert!(super::covers("*.example.org", "Calls.example.org"));
        assert!(!super::covers("*.example.org", "a.b.example.org"));
        assert!(!super::covers("*.example.org", "example.org"));
        assert!(super::covers("calls.example.org", "calls.example.org"));
    }
}

//! `callvault training …`: who stands where, who is excused, what an auditor wants to see.

use super::{Done, Shared, Usage, dispose::masked};
use crate::{out, wire};
use callvault_program::training::{courses, desk};
use callvault_store::Actor;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::json;
use std::path::PathBuf;

/// Courses: who stands where, who is excused, and the evidence
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The courses that ship with the program
    Courses,
    /// Where everybody stands; exit 1 when something is closed to somebody
    Status {
        /// Only this person
        login: Option<String>,
    },
    /// Who needs which course, and for what
    Rules,
    /// Excuses somebody from a course for a while
    Waive {
        /// The login
        login: String,
        /// The course
        course: String,
        /// The last day, written 2027-03-01, or an instant (RFC 3339)
        #[arg(long)]
        until: String,
        /// Why; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
    },
    /// Asks somebody to take a course again; earlier passes count no more
    Recall {
        /// The login
        login: String,
        /// The course
        course: String,
        /// Days until it closes; 0 closes it at once
        #[arg(long, default_value_t = 0)]
        days: u32,
        /// Why; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
    },
    /// Sets somebody's first day at work, from which due dates count
    Start {
        /// The login
        login: String,
        /// The day, written 2026-03-01
        day: String,
    },
    /// Writes the evidence: CSV, or JSON with --json; an entry in the ledger says so
    Evidence {
        /// Where to; standard output without it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

fn end(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let day: Date = text.parse().map_err(|_| Usage("the end is a day such as 2027-03-01".into()))?;
    Ok(TimeZone::UTC.to_timestamp(day.at(23, 59, 59, 0))?)
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    if let What::Courses = args.what {
        return list(shared);
    }
    let (vault, by) = (wire::open(shared)?, Actor::LocalOperator);
    let id = |login: &str| -> anyhow::Result<_> { Ok(vault.account_by_login(login)?.id) };
    match &args.what {
        What::Courses => {}
        What::Status { login } => {
            let of = login.as_deref().map(id).transpose()?;
            let rows: Vec<_> =
                desk::evidence(&vault)?.into_iter().filter(|r| of.is_none_or(|id| r.account == id)).collect();
            let closed = rows.iter().any(|r| matches!(r.state, "overdue" | "expired" | "unattested"));
            if shared.json {
                out::json(&rows)?;
            } else {
                for r in &rows {
                    let moment = r.moment.as_deref().unwrap_or("");
                    out::line(&format!("{:<24} {:<16} {:<10} {moment}", r.name, r.course, r.state));
                }
            }
            return Ok(if closed { Done::Finding } else { Done::Ok });
        }
        What::Rules => {
            let rules = vault.training_rules()?;
            if shared.json {
                out::json(&rules)?;
            } else {
                for r in rules {
                    let roles: Vec<&str> = r.rule.roles.iter().map(|r| r.as_str()).collect();
                    let acts: Vec<&str> = r.rule.acts.iter().map(|a| a.as_str()).collect();
                    out::line(&format!(
                        "{}: {} need it to {}; {} days, {} of grace",
                        r.rule.course,
                        roles.join(" "),
                        acts.join(" "),
                        r.rule.due_days,
                        r.rule.grace_days
                    ));
                }
            }
        }
        What::Waive { login, course, until, reason } => {
            let waiver = vault.waive(&by, id(login)?, course, end(until)?, &masked(reason)?)?;
            if shared.json {
                out::json(&json!({ "id": waiver }))?;
            } else {
                out::line(&waiver.to_string());
            }
        }
        What::Recall { login, course, days, reason } => {
            vault.recall(&by, id(login)?, course, *days, &masked(reason)?)?;
        }
        What::Start { login, day } => {
            let day = day.parse().map_err(|_| Usage("the day is written 2026-03-01".into()))?;
            vault.set_started_on(&by, id(login)?, day)?;
        }
        What::Evidence { out: to } => {
            let rows = desk::evidence(&vault)?;
            vault.log_training_export(&by, rows.len(), if shared.json { "json" } else { "csv" })?;
            let text = if shared.json { serde_json::to_string_pretty(&rows)? } else { desk::csv(&rows) };
            match to {
                Some(path) => std::fs::write(path, text)?,
                None => out::line(text.trim_end()),
            }
        }
    }
    Ok(Done::Ok)
}

fn list(shared: &Shared) -> anyhow::Result<Done> {
    for c in courses()? {
        if shared.json {
            out::json(&json!({"id": c.id, "version": c.version, "title": c.title, "minutes": c.minutes,
                "questions": c.questions.len(), "asked": c.asked, "pass_percent": c.pass_percent}))?;
        } else {
            out::line(&format!("{}: {}, {} minutes, version {}", c.id, c.title, c.minutes, c.version));
        }
    }
    Ok(Done::Ok)
}

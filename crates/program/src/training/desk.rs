//! What people do with courses, joined from the courses and the vault: the console, the API and the command line call these.

use super::{Asked, Course, Graded, Standing, courses, grade, quiz};
use crate::Error;
use callvault_model::id::{AccountId, AttemptId};
use callvault_store::{Session, Vault, training::OpenAttempt};
use serde::Serialize;
use std::collections::BTreeMap;

/// One course with where somebody stands with it.
#[derive(Debug, Clone)]
pub struct Mine {
    /// The course.
    pub course: Course,
    /// Where.
    pub standing: Standing,
}

/// The courses that somebody has, in the order of the courses.
pub fn mine(vault: &Vault, account: AccountId) -> Result<Vec<Mine>, Error> {
    let mut standings: BTreeMap<String, Standing> =
        vault.standings(account)?.into_iter().map(|s| (s.course.clone(), s)).collect();
    let all = courses()?.into_iter();
    Ok(all.filter_map(|course| Some(Mine { standing: standings.remove(&course.id)?, course })).collect())
}

/// The course of this id.
pub fn course(id: &str) -> Result<Option<Course>, Error> {
    Ok(courses()?.into_iter().find(|c| c.id == id))
}

/// Questions as they are shown; nothing in it tells an answer.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Which attempt.
    pub attempt: AttemptId,
    /// Of which course.
    pub course: Course,
    /// The questions in the order of this attempt.
    pub questions: Vec<Asked>,
}

fn sheet(open: OpenAttempt) -> Result<Option<Sheet>, Error> {
    let Some(course) = course(&open.course)? else { return Ok(None) };
    let questions = quiz(&course, open.seed);
    Ok(Some(Sheet { attempt: open.id, course, questions }))
}

/// Begins the questions of a course, or goes on with those under way. `None`: there is no such course.
pub fn begin(vault: &Vault, who: &Session, id: &str) -> Result<Option<Sheet>, Error> {
    let Some(course) = course(id)? else { return Ok(None) };
    sheet(vault.begin_attempt(who, id, course.version)?)
}

/// The questions under way.
pub fn under_way(vault: &Vault, who: &Session, attempt: AttemptId) -> Result<Option<Sheet>, Error> {
    sheet(vault.attempt_of(who, attempt)?)
}

/// Grades what was chosen (question → place of the answer in this attempt) and records it.
pub fn hand_in(
    vault: &Vault,
    who: &Session,
    attempt: AttemptId,
    chosen: &BTreeMap<String, usize>,
) -> Result<Option<(Course, Graded)>, Error> {
    let open = vault.attempt_of(who, attempt)?;
    let Some(course) = course(&open.course)? else { return Ok(None) };
    let texts: BTreeMap<String, String> = quiz(&course, open.seed)
        .into_iter()
        .filter_map(|asked| {
            let text = asked.answers.get(*chosen.get(&asked.id)?)?.clone();
            Some((asked.id, text))
        })
        .collect();
    let graded = grade(&course, open.seed, &texts);
    vault.end_attempt(who, attempt, graded.percent, graded.passed)?;
    Ok(Some((course, graded)))
}

/// One row of evidence: a person and a course.
#[derive(Debug, Clone, Serialize)]
pub struct Evidence {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its roles.
    pub roles: String,
    /// First day at work, where it was set.
    pub started_on: Option<String>,
    /// The course.
    pub course: String,
    /// `valid`, `waived`, `due`, `grace`, `overdue`, `expired` or `unattested`.
    pub state: &'static str,
    /// When that ends or began, RFC 3339.
    pub moment: Option<String>,
    /// The last pass, RFC 3339.
    pub passed_at: Option<String>,
    /// Its version.
    pub version: Option<u32>,
    /// Its share of right answers.
    pub percent: Option<u32>,
    /// Attempts handed in.
    pub attempts: usize,
}

/// Everything an auditor asks for, one row a person and course.
pub fn evidence(vault: &Vault) -> Result<Vec<Evidence>, Error> {
    let all = vault.standings_of_all()?;
    let attempts = vault.attempts(None)?;
    let mut out = Vec::new();
    for (id, standings) in all {
        let account = vault.account(id)?;
        let started_on = vault.started_on(id)?;
        let roles: Vec<&str> = account.roles.iter().map(|r| r.as_str()).collect();
        for s in standings {
            let mut ended =
                attempts.iter().filter(|a| a.account == id && a.course == s.course && a.ended_at.is_some());
            let count = ended.clone().count();
            let pass = ended.find(|a| a.passed == Some(true));
            out.push(Evidence {
                account: id,
                name: account.name.clone(),
                roles: roles.join(" "),
                started_on: started_on.clone(),
                course: s.course,
                state: s.state.code(),
                moment: s.state.moment().map(|t| t.to_string()),
                passed_at: pass.and_then(|p| p.ended_at.clone()),
                version: pass.map(|p| p.version),
                percent: pass.and_then(|p| p.percent),
                attempts: count,
            });
        }
    }
    Ok(out)
}

/// The evidence as CSV (RFC 4180). A cell that a spreadsheet would take for a formula is told to be text.
pub fn csv(rows: &[Evidence]) -> String {
    let mut out = String::from(
        "account,name,roles,started_on,course,state,moment,passed_at,version,percent,attempts\r\n",
    );
    for r in rows {
        let cells = [
            r.account.to_string(),
            r.name.clone(),
            r.roles.clone(),
            r.started_on.clone().unwrap_or_default(),
            r.course.clone(),
            r.state.to_owned(),
            r.moment.clone().unwrap_or_default(),
            r.passed_at.clone().unwrap_or_default(),
            r.version.map(|v| v.to_string()).unwrap_or_default(),
            r.percent.map(|v| v.to_string()).unwrap_or_default(),
            r.attempts.to_string(),
        ];
        out.push_str(&cells.map(|c| cell(&c)).join(","));
        out.push_str("\r\n");
    }
    out
}

fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(cell("=cmd()"), "'=cmd()");
        assert_eq!(cell("Smith, \"Jo\""), "\"Smith, \"\"Jo\"\"\"");
        assert_eq!(cell("plain"), "plain");
    }
}

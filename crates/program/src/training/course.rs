//! The courses that ship with the program: a lesson in Markdown, questions and terms in TOML, checked when they are read.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Terms and text of each course, as files.
const FILES: &[(&str, &str, &str)] = &[
    (
        "payment-calls",
        include_str!("../../courses/payment-calls.toml"),
        include_str!("../../courses/payment-calls.md"),
    ),
    (
        "health-data",
        include_str!("../../courses/health-data.toml"),
        include_str!("../../courses/health-data.md"),
    ),
    (
        "pretenders",
        include_str!("../../courses/pretenders.toml"),
        include_str!("../../courses/pretenders.md"),
    ),
    (
        "inside-pressure",
        include_str!("../../courses/inside-pressure.toml"),
        include_str!("../../courses/inside-pressure.md"),
    ),
    (
        "clean-desk",
        include_str!("../../courses/clean-desk.toml"),
        include_str!("../../courses/clean-desk.md"),
    ),
    (
        "report-incident",
        include_str!("../../courses/report-incident.toml"),
        include_str!("../../courses/report-incident.md"),
    ),
];

const LEAST_QUESTIONS: usize = 10;
const LEAST_LESSON: usize = 1_000;
const MOST_TEXT: usize = 600;

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Stable within the course.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// The answer.
    pub right: String,
    /// What somebody might believe instead.
    pub wrong: Vec<String>,
    /// Why the answer is right; shown afterwards.
    pub why: String,
}

/// One course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// Stable id.
    pub id: String,
    /// Raised when its content changes so that a new pass is wanted.
    pub version: u32,
    /// Its name.
    pub title: String,
    /// How long it takes.
    pub minutes: u32,
    /// Share of right answers that passes.
    pub pass_percent: u32,
    /// Questions drawn for one attempt.
    pub asked: usize,
    /// Attempts within a day.
    pub attempts_a_day: u32,
    /// The lesson, Markdown.
    #[serde(skip_deserializing, default)]
    pub lesson: String,
    /// The question bank.
    #[serde(rename = "question")]
    pub questions: Vec<Question>,
}

impl Course {
    /// The lesson as HTML. Only for lessons that ship with the program: their text is trusted.
    pub fn html(&self) -> String {
        let mut out = String::new();
        let parser = pulldown_cmark::Parser::new_ext(&self.lesson, pulldown_cmark::Options::ENABLE_TABLES);
        pulldown_cmark::html::push_html(&mut out, parser);
        // A wide table scrolls by itself, and the page does not.
        out.replace("<table>", "<div class=\"scroll\"><table>").replace("</table>", "</table></div>")
    }
}

/// Every course that ships with the program.
pub fn courses() -> Result<Vec<Course>, Error> {
    FILES
        .iter()
        .map(|(id, terms, lesson)| {
            parse(terms, lesson).ok().filter(|c| c.id == *id).ok_or(Error::Shipped("set of courses"))
        })
        .collect()
}

/// Reads a course and checks it; the error names the place.
pub fn parse(terms: &str, lesson: &str) -> Result<Course, String> {
    let mut course: Course = toml::from_str(terms).map_err(|e| e.to_string())?;
    course.lesson = lesson.to_owned();
    check(&course)?;
    Ok(course)
}

fn check(course: &Course) -> Result<(), String> {
    let id = |t: &str| {
        !t.is_empty()
            && t.len() <= 40
            && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let say = |what: &str| Err(format!("course {}: {what}", course.id));
    if !id(&course.id) || course.title.trim().is_empty() || course.version == 0 {
        return say("id, title or version is not one");
    }
    if !(50..=100).contains(&course.pass_percent)
        || !(1..=20).contains(&course.attempts_a_day)
        || !(1..=240).contains(&course.minutes)
    {
        return say("pass_percent is 50 to 100, attempts_a_day 1 to 20, minutes 1 to 240");
    }
    if course.questions.len() < LEAST_QUESTIONS || !(5..=course.questions.len()).contains(&course.asked) {
        return say("at least ten questions, of which five or more are asked");
    }
    if course.lesson.len() < LEAST_LESSON || !course.lesson.starts_with("# ") {
        return say("the lesson begins with a heading and is no shorter than a page");
    }
    let mut seen = BTreeSet::new();
    for q in &course.questions {
        let texts = [&q.text, &q.right, &q.why].into_iter().chain(&q.wrong);
        if !id(&q.id)
            || !seen.insert(&q.id)
            || texts.clone().any(|t| t.trim().is_empty() || t.len() > MOST_TEXT)
        {
            return say(&format!("question {}: an id or text is missing, double or too long", q.id));
        }
        let answers: BTreeSet<&String> = q.wrong.iter().chain([&q.right]).collect();
        if !(2..=4).contains(&q.wrong.len()) || answers.len() != q.wrong.len().saturating_add(1) {
            return say(&format!("question {}: two to four wrong answers, all different", q.id));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_courses_are_whole() {
        let all = courses().unwrap();
        assert_eq!(all.len(), 6);
        let mut texts = BTreeSet::new();
        for course in &all {
            for q in &course.questions {
                assert!(texts.insert(q.text.clone()), "{}: a question is asked twice", q.text);
                assert!(q.why.len() > 40 && q.text.ends_with(['?', ':']), "{}/{}", course.id, q.id);
            }
        }
    }

    /// Whoever knows nothing and goes by the length of the answers must not pass.
    #[test]
    fn length_does_not_tell_the_right_answer() {
        for course in courses().unwrap() {
            let share = |wins: &dyn Fn(&str, &str) -> bool| {
                let hits =
                    course.questions.iter().filter(|q| q.wrong.iter().all(|w| wins(&q.right, w))).count();
                hits * 100 / course.questions.len()
            };
            let (longest, shortest) = (share(&|r, w| r.len() > w.len()), share(&|r, w| r.len() < w.len()));
            assert!(
                (10..=50).contains(&longest),
                "{}: the right answer is the longest in {longest} %",
                course.id
            );
            assert!(shortest <= 50, "{}: the right answer is the shortest in {shortest} %", course.id);
        }
    }

    #[test]
    fn what_is_no_course_is_refused_with_its_place() {
        let (_, terms, lesson) = FILES[0];
        for (bad, why) in [
            (terms.replace("version = 1", "version = 0"), "version"),
            (terms.replace("pass_percent = 80", "pass_percent = 10"), "pass_percent"),
            (terms.replacen("id = \"", "colour = \"red\"\nid = \"", 1), "colour"),
            (terms.replacen("wrong = [", "wrong = []\nother = [", 1), "other"),
        ] {
            assert!(parse(&bad, lesson).unwrap_err().contains(why), "{why}");
        }
        assert!(parse(terms, "# Short").unwrap_err().contains("lesson"));
        let none = terms.split("[[question]]").take(5).collect::<Vec<_>>().join("[[question]]");
        assert!(parse(&none, lesson).unwrap_err().contains("ten questions"));
    }
}

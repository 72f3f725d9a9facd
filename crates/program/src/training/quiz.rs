//! One attempt: questions drawn and answers shuffled by a seed, graded on the server's side only.

use super::Course;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One question as the learner sees it: nothing in it tells the right answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Which.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// The answers in the order of this attempt.
    pub answers: Vec<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graded {
    /// Share of right answers.
    pub percent: u32,
    /// Enough.
    pub passed: bool,
    /// What was wrong, with the reason that is shown.
    pub missed: Vec<(String, String)>,
}

/// The questions of one attempt. The seed is kept by the server for as long as the attempt is open.
pub fn quiz(course: &Course, seed: u64) -> Vec<Asked> {
    let mut chance = Chance(seed);
    let mut order: Vec<usize> = (0..course.questions.len()).collect();
    chance.shuffle(&mut order);
    order
        .into_iter()
        .take(course.asked)
        .filter_map(|i| course.questions.get(i))
        .map(|q| {
            let mut answers: Vec<String> = q.wrong.iter().chain([&q.right]).cloned().collect();
            chance.shuffle(&mut answers);
            Asked { id: q.id.clone(), text: q.text.clone(), answers }
        })
        .collect()
}

/// Grades the answers (question id → chosen text) of the attempt with this seed; what was not asked does not count.
pub fn grade(course: &Course, seed: u64, chosen: &BTreeMap<String, String>) -> Graded {
    let asked = quiz(course, seed);
    let mut missed = Vec::new();
    for question in &asked {
        let Some(known) = course.questions.iter().find(|q| q.id == question.id) else { continue };
        if chosen.get(&question.id) != Some(&known.right) {
            missed.push((known.text.clone(), known.why.clone()));
        }
    }
    let right = asked.len().saturating_sub(missed.len());
    let percent = u32::try_from(right.saturating_mul(100).checked_div(asked.len()).unwrap_or(0)).unwrap_or(0);
    Graded { percent, passed: percent >= course.pass_percent, missed }
}

/// Splitmix64: spreads a seed; the seed itself comes from the caller's entropy.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn shuffle<T>(&mut self, of: &mut [T]) {
        for i in (1..of.len()).rev() {
            let below = u64::try_from(i).unwrap_or(0).saturating_add(1);
            of.swap(i, usize::try_from(self.next() % below).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::courses;

    fn answers(course: &Course, seed: u64, right: usize) -> BTreeMap<String, String> {
        quiz(course, seed)
            .into_iter()
            .enumerate()
            .map(|(n, asked)| {
                let q = course.questions.iter().find(|q| q.id == asked.id).unwrap();
                (asked.id, if n < right { q.right.clone() } else { q.wrong[0].clone() })
            })
            .collect()
    }

    #[test]
    fn attempts_differ_and_the_pass_mark_is_exact() {
        for course in courses().unwrap() {
            let (a, b) = (quiz(&course, 1), quiz(&course, 2));
            assert_eq!((a.len(), &a), (course.asked, &quiz(&course, 1)));
            assert_ne!(a, b);
            let needed = (course.asked * course.pass_percent as usize).div_ceil(100);
            assert!(grade(&course, 1, &answers(&course, 1, needed)).passed);
            let failed = grade(&course, 1, &answers(&course, 1, needed - 1));
            assert!(!failed.passed && failed.missed.len() == course.asked - needed + 1);
            assert_eq!(grade(&course, 1, &BTreeMap::new()).percent, 0);
        }
    }

    #[test]
    fn the_right_answer_stands_everywhere() {
        let course = &courses().unwrap()[0];
        let mut places = [0usize; 5];
        for seed in 0..200 {
            for asked in quiz(course, seed) {
                let q = course.questions.iter().find(|q| q.id == asked.id).unwrap();
                places[asked.answers.iter().position(|a| *a == q.right).unwrap()] += 1;
            }
        }
        assert!(places[..3].iter().all(|n| *n > 200), "{places:?}");
    }
}

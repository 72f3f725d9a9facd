//! Playbooks as data: what is done in which order, by whom.

use crate::Error;
use callvault_store::incident::{NewTask, Phase};
use serde::Deserialize;

const SHIPPED: &str = include_str!("../../data/playbooks.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    code: String,
    phase: String,
    role: String,
    title: String,
}

/// One playbook.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// Stable id.
    pub id: String,
    /// For people.
    pub title: String,
    /// Detections that lead to it.
    pub rules: Vec<String>,
    tasks: Vec<Task>,
}

impl Playbook {
    /// Its tasks, in order.
    ///
    /// # Errors
    /// The shipped file names a phase that is none.
    pub fn tasks(&self) -> Result<Vec<NewTask>, Error> {
        let one = |t: &Task| {
            let phase = Phase::parse(&t.phase).ok_or(Error::Shipped("list of playbooks"))?;
            Ok(NewTask { code: t.code.clone(), phase, role: t.role.clone(), title: t.title.clone() })
        };
        self.tasks.iter().map(one).collect()
    }
}

/// All of them.
///
/// # Errors
/// The shipped file is broken.
pub fn all() -> Result<Vec<Playbook>, Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct All {
        playbook: Vec<Playbook>,
    }
    let all: All = toml::from_str(SHIPPED).map_err(|_| Error::Shipped("list of playbooks"))?;
    Ok(all.playbook)
}

/// The playbook of this id.
///
/// # Errors
/// There is none, or the shipped file is broken.
pub fn named(id: &str) -> Result<Option<Playbook>, Error> {
    Ok(all()?.into_iter().find(|p| p.id == id))
}

/// The playbook to which a detection leads; the general one where none claims it.
///
/// # Errors
/// The shipped file is broken.
pub fn for_rule(rule: &str) -> Result<Playbook, Error> {
    let mut all = all()?;
    let at = all.iter().position(|p| p.rules.iter().any(|r| r == rule));
    let at = at.or_else(|| all.iter().position(|p| p.id == "general"));
    match at {
        Some(n) => Ok(all.swap_remove(n)),
        None => Err(Error::Shipped("list of playbooks")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_detection_leads_to_a_playbook_and_every_playbook_can_be_followed() {
        let all = all().unwrap();
        for rule in crate::incident::rules::Rules::shipped().unwrap().rules {
            let of: Vec<_> = all.iter().filter(|p| p.rules.contains(&rule.id)).collect();
            assert_eq!(of.len(), 1, "{}", rule.id);
        }
        for p in &all {
            let tasks = p.tasks().unwrap();
            let codes: BTreeSet<_> = tasks.iter().map(|t| &t.code).collect();
            assert_eq!(codes.len(), tasks.len(), "{}", p.id);
            for phase in [Phase::Analysis, Phase::Containment, Phase::Notification, Phase::Review] {
                assert!(tasks.iter().any(|t| t.phase == phase), "{} has nothing for {phase:?}", p.id);
            }
        }
        assert_eq!(for_rule("a rule of the site").unwrap().id, "general");
    }
}

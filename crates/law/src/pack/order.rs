//! The index over rules, and what an operator may change about them.

use super::{Action, Clock, Packs, Provenance, Retention, Rule, Table, check::Checked, load::Of};
use crate::Error;
use serde::Deserialize;
use std::{collections::HashMap, sync::Arc};

/// What the operator switches off. Only unreviewed rows can be: the rest binds everybody. A row that is off gives no
/// answer; where it would have decided, the answer is the action's word for the unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Switches off every row of low confidence or from memory that no counsel signed off.
    #[serde(default)]
    pub reviewed_only: bool,
    /// Switches off these unreviewed rows.
    #[serde(default)]
    pub off: Vec<String>,
}

impl Overlay {
    /// Reads an overlay.
    ///
    /// # Errors
    /// It is not of the expected form.
    pub fn parse(text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|e| Error::Syntax { pack: "overlay".to_owned(), why: e.to_string() })
    }

    pub(super) fn check(&self, checked: &Checked) -> Result<(), Error> {
        for id in &self.off {
            let why = match checked.unreviewed.get(id) {
                Some(true) => continue,
                Some(false) => "it is not of low confidence or from memory, so it cannot be switched off",
                None => "no pack has such an entry",
            };
            return Err(Error::Entry { pack: "overlay".to_owned(), entry: id.clone(), why: why.to_owned() });
        }
        Ok(())
    }

    pub(crate) fn allows(&self, id: &str, row: &Provenance) -> bool {
        !row.unreviewed() || !(self.reviewed_only || self.off.iter().any(|off| off == id))
    }
}

/// An action with the rules that it asks.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub action: Of<Action>,
    pub general: Vec<Arc<Of<Rule>>>,
    pub by_state: HashMap<String, Vec<Arc<Of<Rule>>>>,
}

impl Asked {
    pub(super) fn new(action: Of<Action>) -> Self {
        Self { action, general: Vec::new(), by_state: HashMap::new() }
    }
}

impl Packs {
    /// Files each rule under the actions that ask it.
    pub(super) fn rank(&mut self) {
        for rule in self.rules.values() {
            let Some(engine) = self.asked.get_mut(&rule.row.engine) else { continue };
            for name in &rule.row.actions {
                let Some(asked) = engine.get_mut(name) else { continue };
                let list = match &rule.row.state {
                    None => &mut asked.general,
                    Some(state) => asked.by_state.entry(state.clone()).or_default(),
                };
                list.push(Arc::clone(rule));
            }
        }
    }

    /// What the operator switched off.
    #[must_use]
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// Whether the overlay leaves a row on.
    pub(crate) fn allows(&self, id: &str, row: &Provenance) -> bool {
        self.overlay.allows(id, row)
    }

    pub(crate) fn asked(&self, engine: &str, action: &str) -> Result<&Asked, Error> {
        let missing = || Error::Action { engine: engine.to_owned(), action: action.to_owned() };
        self.asked.get(engine).and_then(|e| e.get(action)).ok_or_else(missing)
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = &Arc<Of<Rule>>> {
        self.rules.values()
    }

    pub(crate) fn all_clocks(&self) -> impl Iterator<Item = &Arc<Of<Clock>>> {
        self.clocks.values()
    }

    /// The clocks that the overlay leaves on.
    pub(crate) fn clocks(&self) -> impl Iterator<Item = &Arc<Of<Clock>>> {
        self.clocks.values().filter(|c| self.overlay.allows(&c.row.id, &c.row.provenance))
    }

    pub(crate) fn clock(&self, id: &str) -> Option<&Arc<Of<Clock>>> {
        self.clocks.get(id).filter(|c| self.overlay.allows(id, &c.row.provenance))
    }

    pub(crate) fn retentions(&self) -> &[Arc<Of<Retention>>] {
        &self.retentions
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Of<Table>> {
        self.tables.values()
    }

    /// The table of this id that the overlay leaves on.
    pub(crate) fn table(&self, id: &str) -> Option<&Of<Table>> {
        self.tables.get(id).filter(|t| self.overlay.allows(id, &t.row.provenance))
    }

    pub(crate) fn every_action(&self) -> impl Iterator<Item = &Of<Action>> {
        self.asked.values().flat_map(|e| e.values().map(|a| &a.action))
    }
}

impl Table {
    /// Whether the table has this member, without regard to case.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|w| w.eq_ignore_ascii_case(word)) || self.rows.contains_key(word)
    }
}

impl Retention {
    pub(crate) fn covers(&self, engine: &str, record: &str) -> bool {
        self.engine == engine && self.records.iter().any(|r| r.eq_ignore_ascii_case(record))
    }
}

//! Putting a case to its rules: every failing rule is listed, and the strictest word wins.

use crate::{
    Error, Facts, Packs,
    case::Case,
    engines,
    pack::{Action, Cite, Force, Head, Outcome, Provenance, Rule},
    test_fact::holds,
    tri::Tri,
};
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Where a reason, a clock or a duty comes from.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Source {
    /// Id of the row.
    pub rule: String,
    /// For people.
    pub title: String,
    /// Citations.
    pub cite: Vec<Cite>,
    /// `low`, `medium` or `high`.
    pub confidence: &'static str,
    /// When the source was read.
    pub read: Date,
    /// Of low confidence or from memory, and signed off by nobody.
    pub unreviewed: bool,
    /// Pack and version.
    pub pack: String,
    /// What a reader should know.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Source {
    pub(crate) fn new(id: &str, title: &str, row: &Provenance, pack: &Head) -> Self {
        Self {
            rule: id.to_owned(),
            title: title.to_owned(),
            cite: row.cite.clone(),
            confidence: row.confidence.as_str(),
            read: row.read,
            unreviewed: row.unreviewed(),
            pack: format!("{}@{}", pack.id, pack.version),
            note: row.note.clone(),
        }
    }
}

/// Why the answer is what it is.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Reason {
    /// Short code, such as `hours.OR`.
    pub code: String,
    /// The word that this reason alone would give.
    pub decision: String,
    /// What that word means.
    pub outcome: Outcome,
    /// A fact that it needs is unknown.
    pub unknown: bool,
    /// Where it comes from.
    pub source: Source,
}

/// Something to do although the answer is no refusal.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Obligation {
    /// What.
    pub duty: String,
    /// Where it comes from.
    pub source: Source,
}

/// A period that the case starts.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Due {
    /// Id of the clock.
    pub clock: String,
    /// What is due.
    pub duty: String,
    /// Whose law.
    pub jurisdiction: String,
    /// Who is told.
    pub recipients: Vec<String>,
    /// Last moment: a date, or an instant for periods in hours; none where the law names no number.
    pub due: Option<String>,
    /// The same before it moved to a working day.
    pub nominal: Option<String>,
    /// What the law says where it names no number.
    pub text: String,
    /// The event from which it runs.
    pub start: String,
    /// Where it comes from.
    pub source: Source,
}

/// A rule that does not bind yet and would have answered.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Shadow {
    /// What it would say.
    pub would: String,
    /// From this day, when one is set.
    pub from: Option<Date>,
    /// `proposed`, `scheduled` or `stayed`.
    pub status: &'static str,
    /// Short code of the reason.
    pub code: String,
    /// Where it comes from.
    pub source: Source,
}

/// The answer to a case.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Decision {
    /// The engine's word.
    pub decision: String,
    /// What it means.
    pub outcome: Outcome,
    /// All of them, strictest first.
    pub reasons: Vec<Reason>,
    /// Every citation of the reasons, or of the rules that were asked when none objected; never empty.
    pub citations: Vec<String>,
    /// The fields of this engine and action.
    pub fields: Map<String, Value>,
    /// What must be done.
    pub obligations: Vec<Obligation>,
    /// What is due.
    pub clocks: Vec<Due>,
    /// What does not bind yet.
    pub shadow: Vec<Shadow>,
    /// Facts that were needed and unknown.
    pub missing_facts: Vec<String>,
    /// How many rules were asked.
    pub evaluated: usize,
    /// Hash of the packs.
    pub pack_hash: String,
    /// Hash of the facts.
    pub facts_hash: String,
}

/// A decision while it is made.
pub(crate) struct Draft<'a> {
    pub action: &'a Action,
    pub reasons: Vec<Reason>,
    pub fields: Map<String, Value>,
    pub obligations: Vec<Obligation>,
    pub clocks: Vec<Due>,
    pub shadow: Vec<Shadow>,
    /// Citations of rules that applied and had nothing to object.
    pub passed: Vec<Vec<Cite>>,
    pub evaluated: usize,
}

impl Draft<'_> {
    fn rank(&self, word: &str) -> usize {
        self.action.words.iter().position(|w| w.word == word).unwrap_or(usize::MAX)
    }

    pub fn outcome(&self, word: &str) -> Outcome {
        self.action.words.iter().find(|w| w.word == word).map_or(Outcome::Review, |w| w.outcome)
    }

    /// The strictest word so far.
    pub fn word(&self) -> &str {
        let strictest = self.reasons.iter().map(|r| r.decision.as_str()).min_by_key(|w| self.rank(w));
        strictest.unwrap_or(&self.action.default)
    }

    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.fields.insert(field.to_owned(), value.into());
    }

    /// A reason that code, not a rule, found.
    pub fn because(&mut self, code: &str, decision: &str, unknown: bool, source: Source) {
        let outcome = self.outcome(decision);
        self.reasons.push(Reason {
            code: code.to_owned(),
            decision: decision.to_owned(),
            outcome,
            unknown,
            source,
        });
    }
}

/// Decides one case. The same packs, facts and day give the same answer, for ever.
///
/// # Errors
/// No pack has the action.
pub fn evaluate(
    packs: &Packs,
    engine: &str,
    action: &str,
    facts: &Facts,
    as_of: Timestamp,
) -> Result<Decision, Error> {
    let asked = packs.asked(engine, action)?;
    let action = &asked.action.row;
    let case = Case::new(packs, facts, as_of, action.states.as_deref());
    let mut draft = Draft {
        action,
        reasons: Vec::new(),
        fields: Map::new(),
        obligations: Vec::new(),
        clocks: Vec::new(),
        shadow: Vec::new(),
        passed: Vec::new(),
        evaluated: 0,
    };
    let local = case.states.iter().filter_map(|s| asked.by_state.get(s)).flatten();
    for of in asked.general.iter().chain(local) {
        ask(&case, &of.row, &of.pack, &mut draft);
    }
    let own = Source::new(
        &format!("{engine}.{}", action.name),
        &action.name,
        &action.provenance,
        &asked.action.pack,
    );
    engines::finish(engine, &case, &mut draft, &own);
    Ok(conclude(&case, draft, own))
}

/// Kleene's logic: the rule fires when it applies, nothing excuses, and what it requires does not hold.
fn ask(case: &Case<'_>, rule: &Rule, pack: &Arc<Head>, draft: &mut Draft<'_>) {
    let force = rule.provenance.force(case.day);
    if force == Force::Over {
        return;
    }
    draft.evaluated += 1;
    let mut applies = Tri::Yes;
    for c in &rule.when {
        applies = applies.and(holds(case, c).0);
        if applies == Tri::No {
            return;
        }
    }
    let source = || Source::new(&rule.id, &rule.title, &rule.provenance, pack);
    let on = case.packs.allows(&rule.id, &rule.provenance);
    if rule.decision.is_empty() {
        if on && force == Force::Binding {
            draft.obligations.push(Obligation { duty: rule.obligation.clone(), source: source() });
        }
        return;
    }
    let mut flaw = "";
    let mut met = if rule.require.is_empty() { Tri::No } else { Tri::Yes };
    for c in &rule.require {
        let (found, why) = holds(case, c);
        if found < met || (found == met && flaw.is_empty()) {
            flaw = why;
        }
        met = met.and(found);
    }
    if met == Tri::Yes {
        if on && applies == Tri::Yes && force == Force::Binding {
            draft.passed.push(rule.provenance.cite.clone());
        }
        return;
    }
    let mut excused = Tri::No;
    for c in &rule.unless {
        let (found, why) = holds(case, c);
        excused = excused.or(found);
        if found == Tri::Yes {
            if on {
                excuse(rule, c, why, applies, force, draft, &source);
            }
            return;
        }
    }
    if !on {
        return switched_off(rule, force, draft, source());
    }
    let fires = applies.and(excused.not()).and(met.not());
    fire(rule, fires == Tri::Unknown, flaw, force, draft, source());
}

/// A row that the operator does not trust would have decided: then nobody knows, and the answer is the careful one.
fn switched_off(rule: &Rule, force: Force, draft: &mut Draft<'_>, source: Source) {
    if force == Force::Binding {
        let word = draft.action.unknown.clone();
        draft.because(&format!("{}.switched_off", rule.reason), &word, true, source);
    }
}

/// Notes the answer of a rule that fires, or may.
fn fire(rule: &Rule, unknown: bool, flaw: &str, force: Force, draft: &mut Draft<'_>, source: Source) {
    let word = match (unknown, rule.unknown.is_empty()) {
        (false, _) => rule.decision.clone(),
        (true, true) => draft.action.unknown.clone(),
        (true, false) => rule.unknown.clone(),
    };
    let mut code = if flaw == "closed" && !rule.closed_reason.is_empty() {
        rule.closed_reason.clone()
    } else {
        format!("{}{}", rule.reason, if flaw == "closed" { "" } else { flaw })
    };
    if unknown {
        code.push_str(".unknown");
    }
    if let Force::Shadow(from) = force {
        let status = rule.provenance.status.as_str();
        draft.shadow.push(Shadow { would: word, from, status, code, source });
        return;
    }
    if !unknown {
        draft.fields.extend(rule.set.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    draft.because(&code, &word, unknown, source);
}

/// Notes what excused a rule that would have answered.
fn excuse(
    rule: &Rule,
    c: &crate::pack::Condition,
    why: &str,
    applies: Tri,
    force: Force,
    draft: &mut Draft<'_>,
    source: &dyn Fn() -> Source,
) {
    if force != Force::Binding || applies == Tri::No {
        return;
    }
    draft.passed.push(rule.provenance.cite.clone());
    let Some(code) = &c.reason else { return };
    let code = format!("{code}{why}");
    let word = c.decision.clone().unwrap_or_else(|| draft.action.default.clone());
    if !draft.reasons.iter().any(|r| r.code == code) {
        draft.because(&code, &word, false, source());
    }
}

fn conclude(case: &Case<'_>, mut draft: Draft<'_>, own: Source) -> Decision {
    let decision = draft.word().to_owned();
    let order: Vec<usize> = draft.reasons.iter().map(|r| draft.rank(&r.decision)).collect();
    let mut ranked: Vec<(usize, Reason)> =
        order.into_iter().zip(std::mem::take(&mut draft.reasons)).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    let reasons: Vec<Reason> = ranked.into_iter().map(|(_, r)| r).collect();
    let mut citations: Vec<String> = Vec::new();
    let mut cite = |list: &[Cite]| {
        for c in list {
            if !citations.contains(&c.reference) {
                citations.push(c.reference.clone());
            }
        }
    };
    reasons.iter().for_each(|r| cite(&r.source.cite));
    draft.clocks.iter().for_each(|c| cite(&c.source.cite));
    if reasons.is_empty() && draft.clocks.is_empty() {
        draft.passed.iter().for_each(|list| cite(list));
    }
    cite(&own.cite);
    Decision {
        outcome: draft.outcome(&decision),
        decision,
        reasons,
        citations,
        fields: draft.fields,
        obligations: draft.obligations,
        clocks: draft.clocks,
        shadow: draft.shadow,
        missing_facts: case.missing(),
        evaluated: draft.evaluated,
        pack_hash: case.packs.hash().to_owned(),
        facts_hash: case.facts.hash(),
    }
}

//! One page of the scope of an incident: half a million readings are no answer that a client could read.

use crate::problem::{Outcome, Problem};
use callvault_model::id::SubjectId;
use callvault_store::incident::{PersonTouched, Scope, ScopeQuery, Touched};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::IntoParams;

/// Where to go on in a long scope.
#[derive(Deserialize, IntoParams, Default)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ScopeGo {
    /// `next` of the page before: readings behind this entry.
    pub after: Option<u64>,
    /// `next_person` of the page before: people behind this one.
    pub after_person: String,
    /// Readings and people, 1 to 10,000; 2,000 if absent.
    #[param(minimum = 1, maximum = 10_000)]
    pub limit: Option<u32>,
}

impl ScopeGo {
    /// Whether this is a page behind another.
    pub fn goes_on(&self) -> bool {
        self.after.is_some() || !self.after_person.is_empty()
    }
}

/// A scope whose two long lists are one page each; the counts and the digest are those of the whole.
#[derive(Serialize)]
struct ScopePart<'a> {
    query: &'a ScopeQuery,
    ledger_size: u64,
    readings: usize,
    touched: usize,
    entries: &'a [Touched],
    people: &'a [PersonTouched],
    next: Option<u64>,
    next_person: Option<SubjectId>,
    refused: &'a [u64],
    exports: &'a [u64],
    unresolved: &'a [u64],
    canaries: &'a [u64],
    digest: &'a str,
}

const SCOPE_PAGE: u32 = 2_000;
const SCOPE_MOST: u32 = 10_000;

/// The page of a scope that was asked for.
pub(super) fn scope_part(scope: &Scope, go: &ScopeGo) -> Outcome<axum::Json<Value>> {
    let limit = go.limit.unwrap_or(SCOPE_PAGE);
    if !(1..=SCOPE_MOST).contains(&limit) {
        return Err(Problem::bad("A page of a scope has 1 to 10,000 rows."));
    }
    let person: Option<SubjectId> = match go.after_person.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| Problem::bad("The place to go on is not known."))?),
    };
    let (entries, more) =
        page_behind(&scope.entries, limit, |e| go.after.is_some_and(|after| e.seq <= after));
    let (people, more_people) =
        page_behind(&scope.people, limit, |p| person.is_some_and(|after| p.subject <= after));
    let part = ScopePart {
        query: &scope.query,
        ledger_size: scope.ledger_size,
        readings: scope.entries.len(),
        touched: scope.people.len(),
        next: entries.last().filter(|_| more).map(|e| e.seq),
        next_person: people.last().filter(|_| more_people).map(|p| p.subject),
        entries,
        people,
        refused: &scope.refused,
        exports: &scope.exports,
        unresolved: &scope.unresolved,
        canaries: &scope.canaries,
        digest: &scope.digest,
    };
    serde_json::to_value(&part).map(axum::Json).map_err(|e| Problem::internal(&e))
}

/// One page of what is in order, and whether more follows.
fn page_behind<T>(all: &[T], limit: u32, before: impl Fn(&T) -> bool) -> (&[T], bool) {
    let rest = all.get(all.partition_point(before)..).unwrap_or_default();
    let page = rest.get(..limit as usize).unwrap_or(rest);
    (page, rest.len() > page.len())
}

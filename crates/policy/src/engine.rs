//! The policies, checked against their schema and cut by act; and the one question they answer.

mod known;

use crate::{Act, Decision, Denial, Facts, Obligation, PolicyError, Purpose, Reason, ResourceKind, Role};
use callvault_model::id::AccountId;
use cedar_policy::{
    ActionConstraint, Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId,
    PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use known::Known;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::LazyLock,
};

/// The schema and the policies, as they stand in the repository.
const SCHEMA: &str = include_str!("../policies/schema.cedarschema");
const POLICIES: [&str; 2] =
    [include_str!("../policies/roles.cedar"), include_str!("../policies/limits.cedar")];
/// More would make each decision slow: the cost is linear in the policies.
const MAX_POLICIES: usize = 40;

static ENGINE: LazyLock<Result<Engine, PolicyError>> = LazyLock::new(|| Engine::load(SCHEMA, &POLICIES));

/// Decides. Whatever goes wrong on the way is a refusal.
pub fn decide(facts: &Facts) -> Decision {
    match ENGINE.as_ref() {
        Ok(engine) => engine.decide(facts),
        Err(_) => refuse(Reason::Broken),
    }
}

/// SHA-256 of the schema and the policies in hex, for the ledger; or why they cannot be used. Ask this when starting.
pub fn fingerprint() -> Result<String, PolicyError> {
    ENGINE.as_ref().map(|e| e.fingerprint.clone()).map_err(Clone::clone)
}

/// Whether some role of this account, or a right for a while, permits this, all limits aside.
pub(crate) fn permitted(facts: &Facts) -> bool {
    ENGINE.as_ref().is_ok_and(|e| e.ask(facts, |slice| &slice.permits).is_some_and(|a| a.allowed))
}

fn refuse(reason: Reason) -> Decision {
    Decision::Deny { reasons: vec![Denial { reason, policy: None }] }
}

fn broken(what: impl ToString) -> PolicyError {
    PolicyError(what.to_string())
}

pub(crate) struct Engine {
    schema: Schema,
    fingerprint: String,
    /// The reason that each forbidding policy gives.
    reasons: BTreeMap<String, Reason>,
    slices: BTreeMap<Act, Slice>,
    known: Known,
}

/// The policies that can speak about one act.
struct Slice {
    all: PolicySet,
    permits: PolicySet,
}

/// What a set of policies said.
struct Answer {
    allowed: bool,
    policies: Vec<String>,
}

impl Engine {
    pub(crate) fn load(schema: &str, policies: &[&str]) -> Result<Self, PolicyError> {
        let mut hash = Sha256::new();
        for text in [schema].iter().chain(policies) {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        let (schema, _) = Schema::from_cedarschema_str(schema).map_err(broken)?;
        let set = named(policies)?;
        let found = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        if let Some(error) = found.validation_errors().next() {
            return Err(broken(error));
        }
        let mut engine = Self {
            schema,
            fingerprint: hex(&hash.finalize()),
            reasons: BTreeMap::new(),
            slices: BTreeMap::new(),
            known: Known::of(&set),
        };
        for policy in set.policies() {
            if policy.effect() == cedar_policy::Effect::Forbid {
                let code = policy.annotation("code").unwrap_or("");
                let reason = Reason::parse(code)
                    .ok_or_else(|| broken(format!("{} has no known code", policy.id())))?;
                engine.reasons.insert(policy.id().to_string(), reason);
            }
        }
        for act in Act::ALL {
            engine.slices.insert(*act, Slice::cut(&set, *act)?);
        }
        Ok(engine)
    }

    pub(crate) fn decide(&self, facts: &Facts) -> Decision {
        self.known.or(facts, || self.answer(facts))
    }

    fn answer(&self, facts: &Facts) -> Decision {
        let Some(answer) = self.ask(facts, |slice| &slice.all) else {
            return refuse(Reason::WrongResource);
        };
        if answer.allowed {
            return Decision::Allow {
                policies: answer.policies.into(),
                obligations: obligations(facts).into(),
            };
        }
        let mut reasons: Vec<Denial> = answer
            .policies
            .into_iter()
            .map(|id| Denial {
                reason: self.reasons.get(&id).copied().unwrap_or(Reason::Broken),
                policy: Some(id),
            })
            .collect();
        if let Some(reason) = self.missing(facts) {
            reasons.retain(|d| !d.reason.is_circumstance());
            reasons.push(Denial { reason, policy: None });
        }
        reasons.sort_by_key(|d| d.reason);
        reasons.dedup_by_key(|d| d.reason);
        if reasons.is_empty() { refuse(Reason::Broken) } else { Decision::Deny { reasons } }
    }

    /// What is missing when no policy permits: a role, or the purpose that a role has.
    fn missing(&self, facts: &Facts) -> Option<Reason> {
        let permits = |facts: &Facts| self.ask(facts, |s| &s.permits).is_some_and(|a| a.allowed);
        // Without its request a value is nobody's; the limit says so better than "role" would.
        if permits(facts) || facts.act == Act::Reveal {
            return None;
        }
        let other = Purpose::ALL.iter().any(|p| permits(&Facts { purpose: Some(*p), ..facts.clone() }));
        match (other, facts.purpose) {
            (true, None) => None,
            (true, Some(_)) => Some(Reason::OtherPurpose),
            (false, _) => Some(Reason::Role),
        }
    }

    /// What these policies say; `None` when the question itself is not one that the schema knows.
    fn ask(&self, facts: &Facts, which: impl Fn(&Slice) -> &PolicySet) -> Option<Answer> {
        let slice = self.slices.get(&facts.act)?;
        self.put(facts, which(slice))
    }

    fn put(&self, facts: &Facts, policies: &PolicySet) -> Option<Answer> {
        let principal = account(facts.actor.id)?;
        let resource = resource(facts)?;
        let request = Request::new(
            principal.clone(),
            action(facts.act)?,
            resource.uid(),
            context(facts)?,
            Some(&self.schema),
        )
        .ok()?;
        let roles = facts.actor.roles.iter().map(|r| role(*r)).collect::<Option<HashSet<_>>>()?;
        let person = Entity::new_no_attrs(principal.clone(), roles);
        let mut entities = vec![person];
        if resource.uid() != principal {
            entities.push(resource);
        }
        let entities = Entities::from_entities(entities, Some(&self.schema)).ok()?;
        let response = Authorizer::new().is_authorized(&request, policies, &entities);
        // A policy that failed to be evaluated would otherwise simply not count, even one that forbids.
        if response.diagnostics().errors().next().is_some() {
            return None;
        }
        let mut ids: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        ids.sort();
        Some(Answer { allowed: response.decision() == cedar_policy::Decision::Allow, policies: ids })
    }
}

impl Slice {
    fn cut(set: &PolicySet, act: Act) -> Result<Self, PolicyError> {
        let wanted = action(act).ok_or_else(|| broken("an act has no name"))?;
        let (mut all, mut permits) = (PolicySet::new(), PolicySet::new());
        for policy in set.policies() {
            let speaks = match policy.action_constraint() {
                ActionConstraint::Any => true,
                ActionConstraint::Eq(one) => one == wanted,
                ActionConstraint::In(many) => many.contains(&wanted),
            };
            if speaks {
                all.add(policy.clone()).map_err(broken)?;
            }
            if speaks && policy.effect() == cedar_policy::Effect::Permit {
                permits.add(policy.clone()).map_err(broken)?;
            }
        }
        Ok(Self { all, permits })
    }
}

/// All policies under the names they give themselves.
fn named(texts: &[&str]) -> Result<PolicySet, PolicyError> {
    let mut set = PolicySet::new();
    for text in texts {
        for policy in text.parse::<PolicySet>().map_err(broken)?.policies() {
            let id = policy.annotation("id").unwrap_or("").to_owned();
            if id.is_empty() {
                return Err(broken("a policy has no id"));
            }
            set.add(policy.new_id(PolicyId::new(id))).map_err(broken)?;
        }
    }
    if set.policies().count() > MAX_POLICIES {
        return Err(broken(format!("more than {MAX_POLICIES} policies")));
    }
    Ok(set)
}

fn obligations(facts: &Facts) -> Vec<Obligation> {
    let mut out = match facts.act {
        Act::ReadMasked => vec![Obligation::Masked],
        Act::PlayMuted => vec![Obligation::Muted],
        Act::Reveal => vec![Obligation::ShowOnce],
        _ => Vec::new(),
    };
    let reads = !out.is_empty() || matches!(facts.act, Act::ReadSubject | Act::ExportSubject);
    if reads && !(6..22).contains(&facts.now_hour) {
        out.push(Obligation::MarkNight);
    }
    out
}

/// The types that a question can name; parsing one costs more than most of a decision.
static TYPES: LazyLock<BTreeMap<&'static str, EntityTypeName>> = LazyLock::new(|| {
    let kinds = ResourceKind::ALL.iter().map(|k| k.as_str());
    kinds.chain(["Role", "Action"]).filter_map(|name| Some((name, name.parse().ok()?))).collect()
});

fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    Some(EntityUid::from_type_name_and_id(TYPES.get(kind)?.clone(), EntityId::new(id)))
}

fn account(id: AccountId) -> Option<EntityUid> {
    uid("Account", &id.to_string())
}

fn role(role: Role) -> Option<EntityUid> {
    uid("Role", role.as_str())
}

fn action(act: Act) -> Option<EntityUid> {
    uid("Action", act.as_str())
}

fn context(facts: &Facts) -> Option<Context> {
    let actor = &facts.actor;
    let in_scope = actor.scopes.as_ref().is_none_or(|s: &BTreeSet<Act>| s.contains(&facts.act));
    let age = i64::try_from(actor.factor_age_s).unwrap_or(i64::MAX);
    let mut pairs = vec![
        ("aal".to_owned(), RestrictedExpression::new_long(i64::from(actor.aal))),
        ("factor_age".to_owned(), RestrictedExpression::new_long(age)),
        ("scoped".to_owned(), RestrictedExpression::new_bool(actor.scopes.is_some())),
        ("in_scope".to_owned(), RestrictedExpression::new_bool(in_scope)),
        ("granted".to_owned(), RestrictedExpression::new_bool(facts.grant == Some(facts.act))),
        ("reason".to_owned(), RestrictedExpression::new_bool(facts.has_reason)),
        ("needs_course".to_owned(), RestrictedExpression::new_bool(facts.needs_course)),
    ];
    if let Some(purpose) = facts.purpose {
        pairs.push(("purpose".to_owned(), RestrictedExpression::new_string(purpose.as_str().to_owned())));
    }
    Context::from_pairs(pairs).ok()
}

fn resource(facts: &Facts) -> Option<Entity> {
    let r = &facts.resource;
    // One question is about one thing, so its own id need not enter; an account's must, to be compared.
    let id = match (r.kind, r.about) {
        (ResourceKind::Account, Some(id)) => id.to_string(),
        (ResourceKind::Account, None) => return None,
        _ => "this".to_owned(),
    };
    let mut attributes = HashMap::new();
    let mut text = |name: &str, value: Option<&str>| {
        let value = value.unwrap_or("unknown").to_owned();
        attributes.insert(name.to_owned(), RestrictedExpression::new_string(value));
    };
    match r.kind {
        ResourceKind::Conversation => text("state", r.state),
        ResourceKind::Token => {
            text("state", r.state);
            text("kind", r.entity.map(callvault_model::EntityType::as_str));
            attributes.insert("needs_second".to_owned(), RestrictedExpression::new_bool(r.needs_second));
        }
        _ => {}
    }
    if matches!(r.kind, ResourceKind::Conversation | ResourceKind::Token | ResourceKind::Subject) {
        for (name, set) in [("restricted", r.restricted), ("objected", r.objected)] {
            attributes.insert(name.to_owned(), RestrictedExpression::new_bool(set));
        }
    }
    let people: &[(&str, Option<AccountId>)] = match r.kind {
        ResourceKind::Token => &[("requested_by", r.requested_by), ("approved_by", r.approved_by)],
        ResourceKind::Request => &[("requested_by", r.requested_by), ("about", r.about)],
        _ => &[],
    };
    for (name, person) in people {
        if let Some(person) = person {
            let person = RestrictedExpression::new_entity_uid(account(*person)?);
            attributes.insert((*name).to_owned(), person);
        }
    }
    Entity::new(uid(r.kind.as_str(), &id)?, attributes, HashSet::new()).ok()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, b| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

#[cfg(test)]
mod tests;

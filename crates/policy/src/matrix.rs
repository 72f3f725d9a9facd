//! What the policies come to: role by act, as pages offer it and as the guide prints it.

use crate::{Act, ActorFacts, Facts, Purpose, ResourceFacts, ResourceKind, Role, engine};
use callvault_model::{EntityType, id::AccountId};
use std::{collections::BTreeSet, sync::Arc};

const ASKER: AccountId = AccountId::from_bytes([1; 16]);
const OTHER: AccountId = AccountId::from_bytes([2; 16]);

/// One cell: a role and an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The role, held alone.
    pub role: Role,
    /// The act.
    pub act: Act,
    /// How far it goes.
    pub verdict: Verdict,
}

/// How far a role goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Never.
    No,
    /// Only by a right for a while.
    ByGrant,
    /// By the role. What has to be given or done for it, in words: `purpose`, `reason`, `step_up`, `second_person`.
    Yes(Vec<&'static str>),
}

/// Every role by every act, from the policies themselves.
pub fn matrix() -> Vec<Cell> {
    let cells = Role::ALL.iter().flat_map(|role| Act::ALL.iter().map(move |act| (*role, *act)));
    cells.map(|(role, act)| Cell { role, act, verdict: verdict(role, act) }).collect()
}

/// The acts that these roles can ever do without a right for a while. Menus and buttons follow this; the gate decides.
pub fn rights(roles: &BTreeSet<Role>) -> BTreeSet<Act> {
    Act::ALL.iter().copied().filter(|act| best(roles, *act).is_some()).collect()
}

/// The purposes for which these roles may do this act; forms offer these. Empty where the act is not theirs.
pub fn purposes(roles: &BTreeSet<Role>, act: Act) -> Vec<Purpose> {
    // A value is shown for the purpose for which it was asked.
    let act = if act == Act::Reveal { Act::RequestReveal } else { act };
    let ask = |purpose: &Purpose| {
        let facts = Facts { purpose: Some(*purpose), ..ideal(roles, act) };
        engine::decide(&facts).allowed()
    };
    Purpose::ALL.iter().copied().filter(ask).collect()
}

/// The most favourable facts with which these roles ask: everything given, everything agreed, nothing granted.
fn ideal(roles: &BTreeSet<Role>, act: Act) -> Facts {
    let kind = kinds(act).first().copied().unwrap_or(ResourceKind::Program);
    let resource = match kind {
        ResourceKind::Program => ResourceFacts::program(),
        ResourceKind::Conversation if act == Act::ReleaseQuarantine => {
            ResourceFacts::conversation("quarantined")
        }
        ResourceKind::Conversation => ResourceFacts::conversation("recorded"),
        ResourceKind::Token => ResourceFacts {
            requested_by: Some(ASKER),
            approved_by: Some(OTHER),
            ..ResourceFacts::token("recorded", EntityType::Person)
        },
        ResourceKind::Subject => ResourceFacts::subject(),
        ResourceKind::Request => ResourceFacts::request(OTHER),
        ResourceKind::Account => ResourceFacts::account(OTHER),
    };
    let service = roles.contains(&Role::Service);
    Facts {
        actor: ActorFacts {
            id: ASKER,
            roles: Arc::new(roles.clone()),
            aal: 2,
            factor_age_s: 0,
            scopes: service.then(|| Act::ALL.iter().copied().collect()),
        },
        act,
        resource,
        purpose: None,
        has_reason: true,
        grant: None,
        needs_course: false,
        now_hour: 12,
    }
}

/// The kinds of things that an act is done to, the usual one first.
pub fn kinds(act: Act) -> &'static [ResourceKind] {
    use ResourceKind as K;
    match act {
        Act::ReadMasked | Act::PlayMuted | Act::RequestCorrection | Act::ReleaseQuarantine => {
            &[K::Conversation]
        }
        Act::RequestReveal | Act::Reveal => &[K::Token],
        Act::ReadSubject | Act::LinkSubjects | Act::ExportSubject | Act::EraseSubject => &[K::Subject],
        Act::ApproveReveal
        | Act::ApproveCorrection
        | Act::ApproveGrant
        | Act::RevokeGrant
        | Act::ApproveDisposalMode
        | Act::ApproveErasure => &[K::Request],
        Act::RequestGrant | Act::ManageHolds => &[K::Program, K::Conversation, K::Subject],
        Act::ManagePeople | Act::FreezePeople | Act::ReviewAccess | Act::ManageTraining => {
            &[K::Account, K::Program]
        }
        _ => &[K::Program],
    }
}

/// The ideal facts with a purpose that serves, if these roles can do it at all.
fn best(roles: &BTreeSet<Role>, act: Act) -> Option<Facts> {
    // Whoever may not even ask for a value has no part in revealing it, though a request would carry it.
    if act == Act::Reveal && best(roles, Act::RequestReveal).is_none() {
        return None;
    }
    let facts = ideal(roles, act);
    let with = |purpose: Option<Purpose>| Facts { purpose, ..facts.clone() };
    let tries = Purpose::ALL.iter().copied().map(Some).chain([None]);
    tries.map(with).find(|f| engine::decide(f).allowed())
}

fn verdict(role: Role, act: Act) -> Verdict {
    let roles = BTreeSet::from([role]);
    let Some(facts) = best(&roles, act) else {
        let granted = Facts { grant: Some(act), purpose: Some(Purpose::Service), ..ideal(&roles, act) };
        let asks = best(&roles, Act::RequestGrant).is_some();
        let by_grant = asks && engine::permitted(&granted) && engine::decide(&granted).allowed();
        return if by_grant { Verdict::ByGrant } else { Verdict::No };
    };
    let stale = ActorFacts { factor_age_s: 3600, ..facts.actor.clone() };
    let alone = ResourceFacts { approved_by: None, ..facts.resource.clone() };
    let without = [
        ("purpose", Facts { purpose: None, ..facts.clone() }),
        ("reason", Facts { has_reason: false, ..facts.clone() }),
        ("step_up", Facts { actor: stale, ..facts.clone() }),
        ("second_person", Facts { resource: alone, ..facts.clone() }),
    ];
    let needed = without.into_iter().filter(|(_, f)| !engine::decide(f).allowed()).map(|(name, _)| name);
    Verdict::Yes(needed.collect())
}

#[cfg(test)]
mod tests;

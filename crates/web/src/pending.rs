//! Who must decide what until when: counts by kind, for the first page and for machines.

use crate::right;
use callvault_policy::{Act, Role};
use callvault_store::{
    ConversationFilter, Error, State, Vault,
    grants::{self, GrantState},
    reveal::RevealState,
    two_person::DecisionState,
};
use std::collections::BTreeSet;

/// Decisions of one kind that wait.
pub(crate) struct Pending {
    /// The stable code.
    pub what: &'static str,
    /// How many.
    pub count: u64,
    /// The act that decides.
    pub act: Act,
    /// Roles that have it.
    pub who: Vec<Role>,
    /// When the first of them lapses, RFC 3339.
    pub until: Option<String>,
    /// How long the oldest waits, RFC 3339.
    pub since: Option<String>,
}

impl Pending {
    fn new(what: &'static str, act: Act, times: Vec<(String, Option<String>)>) -> Self {
        let of = |role: &Role| right::of(&BTreeSet::from([*role])).contains(&act);
        Self {
            what,
            act,
            count: times.len() as u64,
            who: Role::ALL.iter().copied().filter(of).collect(),
            until: times.iter().filter_map(|(_, until)| until.clone()).min(),
            since: times.into_iter().map(|(since, _)| since).min(),
        }
    }
}

/// Quarantined conversations looked at for the oldest; their number is told by the overview.
const LOOKED_AT: usize = 200;

/// Everything that waits for a person.
pub(crate) fn all(vault: &Vault) -> Result<Vec<Pending>, Error> {
    let reveals = vault.reveal_requests(None)?.into_iter().filter(|r| r.state == RevealState::Pending);
    let decisions = vault.decisions()?.into_iter().filter(|d| d.state == DecisionState::Pending);
    let rights = vault.grants(None)?.into_iter().filter(|g| g.state == GrantState::Requested);
    let lapses = |at: &str| {
        let at: jiff::Timestamp = at.parse().ok()?;
        at.checked_add(grants::WAIT).ok().map(|t| t.to_string())
    };
    let filter = ConversationFilter { state: Some(State::Quarantined), ..ConversationFilter::default() };
    let quarantined = vault.conversations_page(&filter, None, LOOKED_AT)?.rows;
    let holds = vault.holds(false)?.into_iter().filter(|h| h.overdue);
    let out = vec![
        Pending::new(
            "reveals",
            Act::ApproveReveal,
            reveals.map(|r| (r.requested_at, Some(r.expires_at))).collect(),
        ),
        Pending::new(
            "grants",
            Act::ApproveGrant,
            rights.map(|g| (g.requested_at.clone(), lapses(&g.requested_at))).collect(),
        ),
        Pending::new(
            "corrections",
            Act::ApproveCorrection,
            vault.corrections(None, true)?.into_iter().map(|c| (c.requested_at, None)).collect(),
        ),
        Pending::new(
            "observe_mode",
            Act::ApproveDisposalMode,
            decisions.map(|d| (d.requested_at, Some(d.expires_at))).collect(),
        ),
        Pending::new(
            "quarantine",
            Act::ReleaseQuarantine,
            quarantined.into_iter().map(|c| (c.received_at, None)).collect(),
        ),
        Pending::new("holds", Act::ManageHolds, holds.map(|h| (h.review_at, None)).collect()),
    ];
    Ok(out.into_iter().filter(|p| p.count > 0).collect())
}

//! Erasing a person: the plan, the recordings without that voice, the command, the receipt.

use super::{
    audio, plan,
    receipt::{self, Look, Receipt},
};
use crate::Error;
use callvault_detect::search::value_recoverable;
use callvault_flow::cover::searchable;
use callvault_law::Packs;
use callvault_model::{
    EntityType,
    id::{CertificateId, DecisionId, SubjectId, SubjectRequestId},
};
use callvault_speech::decode::Limits;
use callvault_store::{
    Actor, Vault,
    erase::{ConsentKept, EraseOrder, Erased, ErasedLine, Unproven},
    retention::Class,
    two_person::{DecisionState, Shared},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Whom.
    pub subject: SubjectId,
    /// For which request; its decisions count.
    pub request: Option<SubjectRequestId>,
    /// A second person's agreement.
    pub agreed: Option<DecisionId>,
    /// Numbers and addresses go on the do-not-contact list.
    pub suppress: bool,
    /// Why, masked by the detector; stands in the receipt.
    pub reason: Option<String>,
}

/// Erases and certifies. What a hold, a mark, a statutory minimum or a decision keeps stays, and the receipt says so.
pub fn erase(
    vault: &Vault,
    packs: &Packs,
    limits: &Limits,
    actor: &Actor,
    wish: Wish,
) -> Result<Receipt, Error> {
    finish(vault, actor)?;
    carry_out(vault, (packs, limits), actor, &wish)
}

/// Goes on with erasures that a hold, a mark, a minimum or a decision kept from being whole, as far as the reason is over,
/// and certifies each step; one that cannot go on does not keep the others waiting. Records of consent whose time is over
/// go with them. Nobody has to ask: the receipt promised it.
pub fn go_on(vault: &Vault, packs: &Packs, limits: &Limits, actor: &Actor) -> Result<Vec<Receipt>, Error> {
    finish(vault, actor)?;
    vault.destroy_old_consents(actor)?;
    let all = vault.unfinished_erasures(None, usize::MAX)?;
    each(vault, (packs, limits), actor, &all)
}

/// Erasures that one round of a worker plans, for each of its two looks.
const ROUND: usize = 50;
/// Once in so long every unfinished erasure is planned, whatever keeps it.
const WHOLE: SignedDuration = SignedDuration::from_hours(1);

/// How far a worker came through the unfinished erasures, between its rounds.
#[derive(Debug, Default)]
pub struct Turn {
    ripe: Option<CertificateId>,
    all: Option<CertificateId>,
    /// When all of them were last looked at.
    whole: Option<Timestamp>,
}

/// The same in small rounds: each plans those whose reason may be over, the longest waiting first, and some of all the
/// others in turn, so that within an hour and a round each is planned once.
pub fn go_on_in_turn(
    vault: &Vault,
    packs: &Packs,
    limits: &Limits,
    actor: &Actor,
    turn: &mut Turn,
) -> Result<Vec<Receipt>, Error> {
    finish(vault, actor)?;
    vault.destroy_old_consents(actor)?;
    let now = vault.clock().now();
    let mut due = vault.ripe_erasures(turn.ripe, ROUND)?;
    turn.ripe = last(&due);
    if turn.whole.is_none_or(|at| now.duration_since(at) >= WHOLE) {
        let page = vault.unfinished_erasures(turn.all, ROUND)?;
        turn.all = last(&page);
        if turn.all.is_none() {
            turn.whole = Some(now);
        }
        due.extend(page);
    }
    due.sort_by_key(|e| e.receipt);
    due.dedup_by_key(|e| e.receipt);
    each(vault, (packs, limits), actor, &due)
}

/// Where the next round begins; after a page that is not full, at the beginning.
fn last(page: &[Erased]) -> Option<CertificateId> {
    page.last().filter(|_| page.len() == ROUND).map(|e| e.receipt)
}

/// Erasures of one command at most: so many share a flush and a search, and nobody waits long for them.
const TOGETHER: usize = 200;

fn each(
    vault: &Vault,
    (packs, limits): (&Packs, &Limits),
    actor: &Actor,
    all: &[Erased],
) -> Result<Vec<Receipt>, Error> {
    let now = vault.clock().now();
    let consent = |given: &str, ended: &str| plan::consent(packs, given, ended, now);
    let (mut done, mut failed) = (Vec::new(), None);
    let mut put_off = |receipt: CertificateId, e: Error| {
        tracing::error!(%receipt, error = %e, "an erasure cannot go on; it is tried again");
        failed = Some(e);
    };
    for some in all.chunks(TOGETHER) {
        let mut orders = Vec::new();
        for before in some {
            match going_on(vault, (packs, limits), before, &consent) {
                Ok(order) => orders.extend(order),
                Err(e) => put_off(before.receipt, e),
            }
        }
        let _alone = vault.erase_alone();
        let erased = match orders.as_mut_slice() {
            [] => continue,
            [one] => vault.erase_subject(actor, one).map(|e| vec![e]),
            many => vault.erase_rows(actor, many).and_then(Unproven::prove),
        };
        let look = Look { bucket: vault.bucket_keeps(), searched: true };
        match erased {
            Ok(erased) => {
                for one in &erased {
                    match receipt::issue(vault, actor, one, &look, Some(GONE_ON)) {
                        Ok(receipt) => done.push(receipt),
                        Err(e) => put_off(one.receipt, e),
                    }
                }
            }
            // One that is refused must not keep the others waiting: each for itself.
            Err(_) => {
                for order in &mut orders {
                    let at = order.continues.unwrap_or_else(|| CertificateId::from_bytes([0; 16]));
                    let erased = vault.erase_subject(actor, order).map_err(Error::from);
                    match erased.and_then(|e| receipt::issue(vault, actor, &e, &look, Some(GONE_ON))) {
                        Ok(receipt) => done.push(receipt),
                        Err(e) => put_off(at, e),
                    }
                }
            }
        }
    }
    failed.map_or(Ok(done), Err)
}

/// The order that goes on with an erasure, if something that kept it is over.
fn going_on<'a>(
    vault: &Vault,
    (packs, limits): (&Packs, &Limits),
    before: &Erased,
    consent: &'a ConsentKept<'a>,
) -> Result<Option<EraseOrder<'a>>, Error> {
    let plan = plan::erasure(vault, packs, before.subject, before.request)?;
    let stays = |l: &ErasedLine| {
        let of = plan.conversations.iter().find(|c| c.scope.conversation == l.conversation);
        of.is_some_and(|c| c.items.iter().any(|i| i.class == l.class && i.kept.is_some()))
    };
    if before.open_lines().all(stays) {
        return Ok(None);
    }
    let wish = Wish {
        subject: before.subject,
        request: before.request,
        agreed: None,
        suppress: before.suppressed > 0,
        reason: Some(GONE_ON.to_owned()),
    };
    order(vault, &plan, limits, &wish, Some(before), consent).map(Some)
}

/// The reason that the receipt of a continued erasure gives.
const GONE_ON: &str = "what kept a part of the erasure is over";

/// What a plan comes to; recordings that are to be silent where the person spoke are made here.
fn order<'a>(
    vault: &Vault,
    plan: &plan::ErasurePlan,
    limits: &Limits,
    wish: &Wish,
    before: Option<&Erased>,
    consent: &'a ConsentKept<'a>,
) -> Result<EraseOrder<'a>, Error> {
    let mut muted = BTreeMap::new();
    for c in &plan.conversations {
        let scope = &c.scope;
        let goes = c.items.iter().any(|i| i.class == Class::RedactedAudio && i.kept.is_none());
        let covered = before.is_none_or(|b| b.covers(scope.conversation));
        if scope.channel != "voice" || !goes || !covered || scope.places.len() >= scope.parties {
            continue;
        }
        match audio::without_voice(vault, scope.conversation, &scope.places, scope.parties, limits) {
            Ok(Some(blob)) => {
                muted.insert(scope.conversation, blob);
            }
            Ok(None) => {}
            // What is no recording any more goes whole; that loses nothing of the person's right.
            Err(e) if audio::is_unreadable(&e) || vault.muted_is_lost(scope.conversation)? => {
                tracing::warn!(error = %e, "a muted recording goes whole");
            }
            // What cannot be had now holds the other parties' voices: nothing is erased before it is there.
            Err(e) => return Err(e),
        }
    }
    Ok(EraseOrder {
        subject: wish.subject,
        request: wish.request,
        continues: before.map(|b| b.receipt),
        agreed: wish.agreed,
        keep: plan.keep(),
        muted,
        says: &says,
        suppress: wish.suppress,
        consent_kept: consent,
    })
}

/// Whether a text still says a value of a type.
fn says(text: &str, entity: &str, value: &str) -> bool {
    let kind: Option<EntityType> = entity.parse().ok();
    kind.is_some_and(|k| searchable(k, value)) && value_recoverable(text, value)
}

fn carry_out(
    vault: &Vault,
    (packs, limits): (&Packs, &Limits),
    actor: &Actor,
    wish: &Wish,
) -> Result<Receipt, Error> {
    let now = vault.clock().now();
    let consent = |given: &str, ended: &str| plan::consent(packs, given, ended, now);
    let plan = plan::erasure(vault, packs, wish.subject, wish.request)?;
    let mut order = order(vault, &plan, limits, wish, None, &consent)?;
    let _alone = vault.erase_alone();
    let erased = vault.erase_subject(actor, &mut order)?;
    let look = Look { bucket: vault.bucket_keeps(), searched: true };
    receipt::issue(vault, actor, &erased, &look, wish.reason.as_deref())
}

/// Whether a second person agreed to erase somebody, where one is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// One person works here.
    NotNeeded,
    /// Somebody agreed; it can be used once.
    Given(DecisionId),
    /// Somebody was asked.
    Waits(DecisionId),
    /// Nobody was asked, or the answer was no.
    Missing,
}

/// The state of the second person's answer for one person's erasure.
pub fn agreement(vault: &Vault, subject: SubjectId) -> Result<Agreement, Error> {
    if !vault.erasing_takes_two()? {
        return Ok(Agreement::NotNeeded);
    }
    let subject = vault.living_record(subject)?.to_string();
    answered(vault, Shared::EraseSubject, ("subject", &subject))
}

/// The newest answer to a request of this kind about the thing that this fact names.
pub(crate) fn answered(vault: &Vault, what: Shared, (fact, value): (&str, &str)) -> Result<Agreement, Error> {
    let mut waits = Agreement::Missing;
    for d in vault.decisions()? {
        if d.what != what || d.facts.get(fact).and_then(|s| s.as_str()) != Some(value) {
            continue;
        }
        match d.state {
            DecisionState::Approved => return Ok(Agreement::Given(d.id)),
            DecisionState::Pending => waits = Agreement::Waits(d.id),
            _ => {}
        }
    }
    Ok(waits)
}

/// The terms on which a second person agrees: ids only.
pub fn terms(vault: &Vault, subject: SubjectId) -> Result<serde_json::Value, Error> {
    Ok(serde_json::json!({"subject": vault.living_record(subject)?.to_string()}))
}

/// Makes the receipts that a kill or a file that could not be taken away prevented, once the files are gone.
pub fn finish(vault: &Vault, actor: &Actor) -> Result<usize, Error> {
    let _alone = vault.erase_alone();
    let waiting = vault.erasures_without_receipt()?;
    if waiting.is_empty() {
        return Ok(0);
    }
    vault.take_erased_files_away(&waiting)?;
    // Whether the search was made before nobody knows, and what was looked for is not known any more.
    let look = Look { bucket: vault.bucket_keeps(), searched: false };
    for erased in &waiting {
        receipt::issue(vault, actor, erased, &look, None)?;
    }
    Ok(waiting.len())
}

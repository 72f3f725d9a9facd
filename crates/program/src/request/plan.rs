//! What would be erased and what stays, item by item with the rule: hold, then statutory minimum, then the person's
//! wish, then the longest time a retention rule would keep it.

use super::Row;
use crate::Error;
use callvault_law::{DISCLAIMER, Facts, Outcome, Packs, evaluate};
use callvault_model::{
    Channel,
    id::{ConversationId, SubjectId, SubjectRequestId},
};
use callvault_store::{
    Vault,
    erase::{KeptWhy, ScopeRow},
    requests::{Coded, Exemption},
    retention::Class,
};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// One item of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// What.
    pub class: Class,
    /// How many.
    pub count: u64,
    /// Why it stays; absent: it is erased.
    pub kept: Option<KeptWhy>,
}

/// One conversation of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedConversation {
    /// What there is.
    #[serde(flatten)]
    pub scope: ScopeRow,
    /// Item by item.
    pub items: Vec<Item>,
}

/// What an erasure would do now.
#[derive(Debug, Clone, Serialize)]
pub struct ErasurePlan {
    /// Whom.
    pub subject: SubjectId,
    /// Conversation by conversation, oldest first.
    pub conversations: Vec<PlannedConversation>,
    /// Items that go.
    pub erased: usize,
    /// Items that stay.
    pub kept: usize,
    /// Rows of law that keep something.
    pub rows: Vec<Row>,
    /// That none of it is legal advice.
    pub disclaimer: &'static str,
}

impl ErasurePlan {
    /// What stays, for the command.
    pub fn keep(&self) -> BTreeMap<(ConversationId, Class), KeptWhy> {
        let items = self.conversations.iter().flat_map(|c| c.items.iter().map(move |i| (c, i)));
        items.filter_map(|(c, i)| Some(((c.scope.conversation, i.class), i.kept.clone()?))).collect()
    }
}

/// Plans the erasure of a person, with what was decided for a request.
pub fn erasure(
    vault: &Vault,
    packs: &Packs,
    subject: SubjectId,
    request: Option<SubjectRequestId>,
) -> Result<ErasurePlan, Error> {
    let now = vault.clock().now();
    let decided: BTreeMap<(ConversationId, String), Exemption> = match request {
        Some(id) => vault
            .request_items(id)?
            .into_iter()
            .filter(|i| i.decision == "keep")
            .filter_map(|i| Some(((i.conversation, i.part), Exemption::parse(&i.exemption)?)))
            .collect(),
        None => BTreeMap::new(),
    };
    let minimums = vault.minimum_rules()?;
    let mut plan = ErasurePlan {
        subject: vault.living_record(subject)?,
        conversations: Vec::new(),
        erased: 0,
        kept: 0,
        rows: Vec::new(),
        disclaimer: DISCLAIMER,
    };
    for scope in vault.erasure_scope(subject)? {
        let mut items: Vec<Item> = Vec::new();
        for (class, count) in &scope.classes {
            let mut kept = scope.blocked();
            if kept.is_none()
                && let Some(rule) = minimums.iter().find(|m| m.class == *class && m.channel == scope.channel)
                && let Some((why, row)) =
                    minimum(packs, &rule.engine, &rule.record, (&scope.received_at, None), now)?
            {
                kept = Some(why);
                if !plan.rows.contains(&row) {
                    plan.rows.push(row);
                }
            }
            let by_hand = decided.get(&(scope.conversation, class.as_str().to_owned()));
            let kept = kept.or_else(|| by_hand.map(|e| exempt(*e)));
            items.push(Item { class: *class, count: *count, kept });
        }
        if !scope.finished()
            && let Some(one) = items.iter().find_map(|i| i.kept.clone())
        {
            items.iter_mut().for_each(|i| i.kept = Some(one.clone()));
        }
        let kept = items.iter().filter(|i| i.kept.is_some()).count();
        plan.kept += kept;
        plan.erased += items.len() - kept;
        plan.conversations.push(PlannedConversation { scope, items });
    }
    Ok(plan)
}

/// What keeps the record of a consent that ended: proof of consent is wanted for years after it was last relied on.
pub(super) fn consent(packs: &Packs, given: &str, ended: &str, now: Timestamp) -> KeptWhy {
    let until = match minimum(packs, "tcpa", "consent", (given, Some(ended)), now) {
        Ok(Some((why, _))) => return why,
        // Over already: the next sweep takes it.
        Ok(None) => Some(ended.to_owned()),
        // What no row of law dates stays.
        Err(_) => None,
    };
    let (rule, cite) = ("retain.tsr.consent".into(), "16 CFR 310.5".into());
    KeptWhy { code: "minimum".into(), rule, cite, until }
}

fn exempt(e: Exemption) -> KeptWhy {
    KeptWhy {
        code: e.as_str().into(),
        rule: format!("exemption.{}", e.as_str()),
        cite: e.what().into(),
        until: None,
    }
}

/// What a law wants of a record made on a day; `None` when its time is over. What cannot be dated is kept.
fn minimum(
    packs: &Packs,
    engine: &str,
    record: &str,
    (created, used_until): (&str, Option<&str>),
    now: Timestamp,
) -> Result<Option<(KeptWhy, Row)>, Error> {
    let today = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let mut facts = serde_json::json!({
        "action": "retention_check", "record": record, "created": created.get(..10).unwrap_or_default(),
        "delete_on": today.to_string(),
    });
    if let (Some(until), Some(facts)) = (used_until, facts.as_object_mut()) {
        facts.insert("in_use_until".to_owned(), until.into());
    }
    let facts = Facts::new(facts)?;
    let answer = evaluate(packs, engine, "retention_check", &facts, now)?;
    if answer.outcome == Outcome::Allow {
        return Ok(None);
    }
    let source = answer.reasons.first().map(|r| &r.source);
    let until = answer.fields.get("keep_until").and_then(|d| d.as_str()).map(str::to_owned);
    let row = source.map_or_else(|| unknown(engine, record), Row::from);
    let why = KeptWhy { code: "minimum".into(), rule: row.rule.clone(), cite: row.cite.join("; "), until };
    Ok(Some((why, row)))
}

/// The statutory minimum that keeps something of a whole vault longest: the newest conversation of each channel is judged.
pub fn whole(vault: &Vault, packs: &Packs) -> Result<Option<KeptWhy>, Error> {
    let now = vault.clock().now();
    let mut longest: Option<KeptWhy> = None;
    for rule in vault.minimum_rules()? {
        let all = [Channel::Voice, Channel::Chat, Channel::Email, Channel::Sms];
        let channel = all.into_iter().find(|c| c.as_str() == rule.channel);
        let Some(newest) = channel.map(|c| vault.newest_received(c)).transpose()?.flatten() else { continue };
        let Some((why, _)) = minimum(packs, &rule.engine, &rule.record, (&newest, None), now)? else {
            continue;
        };
        // What nobody can date outlasts every date.
        let longer = |one: &KeptWhy| match (&one.until, &why.until) {
            (Some(one), Some(why)) => why > one,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if longest.as_ref().is_none_or(longer) {
            longest = Some(why);
        }
    }
    Ok(longest)
}

/// Whether some row of the packs says how long such a record is kept.
pub fn covers(packs: &Packs, engine: &str, record: &str, now: Timestamp) -> bool {
    let today = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date().to_string();
    let facts = serde_json::json!({
        "action": "retention_check", "record": record, "created": today, "delete_on": today,
    });
    let answer = Facts::new(facts).and_then(|f| evaluate(packs, engine, "retention_check", &f, now));
    answer.is_ok_and(|a| a.reasons.iter().all(|r| r.code != "retain.unknown_record"))
}

fn unknown(engine: &str, record: &str) -> Row {
    Row {
        rule: format!("{engine}.{record}"),
        title: "a record class that no row of the packs dates".into(),
        cite: Vec::new(),
        confidence: "low".into(),
        read: String::new(),
        unreviewed: true,
        note: String::new(),
    }
}

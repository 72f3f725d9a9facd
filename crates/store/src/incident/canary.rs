//! Canaries: invented customers and their conversations, taken in like any other and marked only under seal. Nobody
//! has a reason to touch one.

use crate::db::params;
use crate::{Actor, Error, Refused, Vault};
use callvault_ledger::Kind;
use callvault_model::{
    Entropy,
    id::{ConversationId, SubjectId},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Canaries a vault holds at most.
const MAX_CANARIES: usize = 1_000;

/// Everything that is marked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Canaries {
    /// Invented people.
    pub people: BTreeSet<SubjectId>,
    /// Their conversations.
    pub conversations: BTreeSet<ConversationId>,
}

#[derive(Serialize, Deserialize)]
struct Mark {
    conversation: ConversationId,
    people: Vec<SubjectId>,
}

impl Vault {
    /// Command *plant canaries*: marks conversations of invented people. The ledger keeps how many, never which.
    pub fn mark_canaries(&self, by: &Actor, ids: &[ConversationId]) -> Result<(), Error> {
        let there = self.canaries()?;
        if there.conversations.len() + ids.len() > MAX_CANARIES {
            return Err(Refused::invalid("more than 1,000 canaries", "plant fewer").into());
        }
        let mut rows = Vec::new();
        for conversation in ids.iter().filter(|id| !there.conversations.contains(id)) {
            self.conversation(*conversation)?;
            let people = super::feed::people_in(&self.db(), *conversation)?;
            let mark = serde_json::to_string(&Mark { conversation: *conversation, people })
                .map_err(|_| Error::Corrupt("the mark of a canary"))?;
            let mut id = [0u8; 16];
            // Random, so that the row's id tells nothing of when it was made.
            self.entropy.fill(&mut id)?;
            rows.push((id, self.seal_own("canary", &id, "mark", &mark)?));
        }
        self.command_as(by, "plant canaries", |c| {
            for (id, sealed) in &rows {
                c.tx.execute("INSERT INTO canary (id, sealed_mark) VALUES (?1, ?2)", params![id, sealed])?;
            }
            c.log(Kind::CanaryPlanted, None, None, &[("count", rows.len().into())]);
            Ok(())
        })
    }

    /// Everything that is marked; opened only for the watch, the scope and the local operator.
    pub fn canaries(&self) -> Result<Canaries, Error> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = {
            let db = self.db();
            let mut statement = db.prepare_cached("SELECT id, sealed_mark FROM canary")?;
            let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        let mut out = Canaries::default();
        for (id, sealed) in rows {
            let text = self.open_own("canary", &id, "mark", &sealed)?;
            let mark: Mark =
                serde_json::from_str(&text).map_err(|_| Error::Corrupt("the mark of a canary"))?;
            out.conversations.insert(mark.conversation);
            out.people.extend(mark.people);
        }
        Ok(out)
    }
}

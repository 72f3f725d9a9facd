//! A command: one named transaction with its ledger entries.

use crate::{Error, Vault, ledger};
use callvault_ledger::{Draft, Kind, Value};
use callvault_model::id::{ConversationId, SubjectId};
use rusqlite::{Transaction, TransactionBehavior};

/// The inside of a command: rows are written through `tx`, entries through [`Command::log`].
pub struct Command<'a> {
    pub(crate) tx: Transaction<'a>,
    pub(crate) now: String,
    vault: &'a Vault,
    drafts: Vec<Draft>,
}

impl Command<'_> {
    /// Adds a ledger entry that becomes durable with the rows. `facts` hold no personal data.
    pub fn log(
        &mut self,
        kind: Kind,
        conversation: Option<ConversationId>,
        subject: Option<SubjectId>,
        facts: &[(&str, Value)],
    ) {
        let mut draft =
            Draft::new(self.vault.clock.now(), kind, self.vault.actor.as_str()).tenant(self.vault.tenant);
        if let Some(id) = conversation {
            draft = draft.conversation(id);
        }
        if let Some(id) = subject {
            draft = draft.subject(id);
        }
        for (name, value) in facts {
            draft = draft.fact(name, value.clone());
        }
        self.drafts.push(draft);
    }
}

impl Vault {
    /// Runs `act` as the command `name`: all of its rows and entries, or nothing.
    pub(crate) fn command<T>(
        &self,
        name: &'static str,
        act: impl FnOnce(&mut Command<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut db = self.db();
        let tx = Transaction::new(&mut db, TransactionBehavior::Immediate)?;
        let mut command = Command { tx, now: self.clock.now().to_string(), vault: self, drafts: Vec::new() };
        let out = act(&mut command)?;
        let Command { tx, drafts, .. } = command;
        ledger::append(&tx, &drafts, &self.signer)?;
        tx.commit()?;
        tracing::debug!(command = name, entries = drafts.len(), "committed");
        Ok(out)
    }
}

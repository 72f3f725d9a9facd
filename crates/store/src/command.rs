//! A command: one named transaction with its ledger entries.

use crate::db::{Connection, Params, Row, Transaction};
use crate::{Actor, Error, SealedBlob, Vault, ledger};
use callvault_ledger::{Draft, Kind, Value};
use callvault_model::id::{ConversationId, SubjectId};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The inside of a command: rows are written through `tx`, entries through [`Command::log`].
pub struct Command<'a> {
    pub(crate) tx: Transaction<'a>,
    pub(crate) now: String,
    vault: &'a Vault,
    actor: String,
    drafts: Vec<Draft>,
    /// Sealed files that its rows name.
    named: Vec<Arc<AtomicBool>>,
}

impl Command<'_> {
    /// Whom its entries name.
    pub(crate) fn actor(&self) -> &str {
        &self.actor
    }

    /// Runs one statement, compiled once and kept: most of a short statement's time is its compilation.
    pub(crate) fn run(&self, sql: &str, with: impl Params) -> Result<usize, Error> {
        Ok(self.tx.prepare_cached(sql)?.execute(with)?)
    }

    /// Reads one row, in the same way.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        with: impl Params,
        read: impl FnOnce(&Row<'_>) -> crate::db::Result<T>,
    ) -> crate::db::Result<T> {
        self.tx.prepare_cached(sql)?.query_row(with, read)
    }

    /// A row of this command names a sealed file: from now on only whoever knows that the command failed may take it away.
    pub(crate) fn name(&mut self, blob: &SealedBlob) {
        let named = blob.named();
        named.store(true, Ordering::Release);
        self.named.push(named);
    }

    /// Adds an entry made elsewhere.
    pub(crate) fn push(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Adds a ledger entry that becomes durable with the rows. `facts` hold no personal data.
    pub fn log(
        &mut self,
        kind: Kind,
        conversation: Option<ConversationId>,
        subject: Option<SubjectId>,
        facts: &[(&'static str, Value)],
    ) {
        let mut draft =
            Draft::new(self.vault.clock.now(), kind, self.actor.as_str()).tenant(self.vault.tenant);
        if let Some(id) = conversation {
            draft = draft.conversation(id);
        }
        if let Some(id) = subject {
            draft = draft.subject(id);
        }
        for (name, value) in facts {
            draft = draft.fact(*name, value.clone());
        }
        self.drafts.push(draft);
    }
}

impl Vault {
    /// Runs `act` as the command `name`: all of its rows and entries, or nothing. The entries name this process's actor.
    pub(crate) fn command<T>(
        &self,
        name: &'static str,
        act: impl FnOnce(&mut Command<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.run(self.actor.clone(), name, act, |_| Ok(()))
    }

    /// The same in somebody's name: the entries name `actor`.
    pub(crate) fn command_as<T>(
        &self,
        actor: &Actor,
        name: &'static str,
        act: impl FnOnce(&mut Command<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.run(actor.to_string(), name, act, |_| Ok(()))
    }

    /// The same, and `then` sees what was committed before anybody else writes.
    pub(crate) fn command_then<T>(
        &self,
        actor: &Actor,
        name: &'static str,
        act: impl FnOnce(&mut Command<'_>) -> Result<T, Error>,
        then: impl FnOnce(&Connection) -> Result<(), Error>,
    ) -> Result<T, Error> {
        self.run(actor.to_string(), name, act, then)
    }

    fn run<T>(
        &self,
        actor: String,
        name: &'static str,
        act: impl FnOnce(&mut Command<'_>) -> Result<T, Error>,
        then: impl FnOnce(&Connection) -> Result<(), Error>,
    ) -> Result<T, Error> {
        let mut db = self.db();
        let (out, entries) = {
            let tx = Transaction::new(&mut db)?;
            let now = self.clock.now().to_string();
            let mut command = Command { tx, now, vault: self, actor, drafts: Vec::new(), named: Vec::new() };
            let out = act(&mut command);
            let Command { tx, drafts, named, .. } = command;
            let written = out.and_then(|out| {
                ledger::append(&tx, &drafts, &self.signer)?;
                Ok(out)
            });
            let on_file = tx.is_file();
            let done = match written {
                Ok(out) => tx.commit().map(|()| out).map_err(|e| (e.into(), on_file)),
                Err(e) => Err((e, true)),
            };
            let out = done.map_err(|(e, undone): (Error, bool)| {
                // What became of a commit that a server did not answer nobody knows.
                if undone {
                    named.iter().for_each(|n| n.store(false, Ordering::Release));
                }
                e
            })?;
            (out, drafts.len())
        };
        then(&db)?;
        self.note_erasures(&db)?;
        tracing::debug!(command = name, entries, "committed");
        Ok(out)
    }
}

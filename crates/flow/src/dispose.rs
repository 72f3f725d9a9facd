//! Recorded → Disposed(Certificate): only by a vault whose observe mode was released, only after proof.

use crate::{
    Error,
    certificate::{self, Certificate, Check, CopyLine, FORMAT, Statement},
    prove::Proof,
};
use callvault_model::id::{CertificateId, ConversationId};
use callvault_seal::{OsEntropy, files};
use callvault_store::{
    Actor, ConversationRow, CopyState, Disposal, Keeps, Refused, Searched, Shredded, State, Swept, Vault,
};
use jiff::{SignedDuration, Timestamp};

/// Why an original is not destroyed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The vault observes.
    ObserveMode,
    /// Not yet: the cooling delay ends then.
    Cooling(String),
    /// Not recorded, or not proven.
    NotProven(String),
    /// A legal hold, or it must be kept.
    Blocked(Refused),
    /// The retention rule of originals on its channel is not yet due, or keeps them.
    Retained,
}

/// Whether the original of `row` may be destroyed now.
pub fn due(vault: &Vault, row: &ConversationRow) -> Result<Result<Disposal, Kept>, Error> {
    let Some(disposal) = vault.disposal()? else { return Ok(Err(Kept::ObserveMode)) };
    if row.state == State::Shredding {
        return Ok(Ok(disposal));
    }
    if let Some(refused) = vault.kept_back(row.id)? {
        return Ok(Err(Kept::Blocked(refused)));
    }
    let proven = row.proof.as_deref().is_some_and(|p| p != "none");
    if row.state != State::Recorded || !proven {
        let state = row.state.as_str();
        return Ok(Err(Kept::NotProven(format!(
            "{state}, proof {}",
            row.proof.as_deref().unwrap_or("none")
        ))));
    }
    let from: Option<Timestamp> = row.recorded_at.as_deref().and_then(|at| at.parse().ok());
    let until = from
        .and_then(|t| t.checked_add(SignedDuration::from_hours(24 * i64::from(disposal.cooling_days))).ok());
    match until {
        Some(until) if until <= vault.clock().now() => Ok(Ok(disposal)),
        Some(until) => Ok(Err(Kept::Cooling(until.to_string()))),
        // A clock nobody can read is no reason to destroy anything.
        None => Ok(Err(Kept::Cooling("an unknown date".into()))),
    }
}

/// Destroys the original of a conversation and certifies it.
pub fn dispose(
    vault: &Vault,
    id: ConversationId,
    reason: &str,
    source: SourceFile,
) -> Result<Result<Certificate, Kept>, Error> {
    let row = vault.conversation(id)?;
    let disposal = match due(vault, &row)? {
        Ok(d) => d,
        Err(kept) => return Ok(Err(kept)),
    };
    let shredded = vault.shred_original(id, "dispose")?;
    dispose_source(vault, id, source)?;
    certify(vault, &row, &disposal, &shredded, Some(reason)).map(Ok)
}

/// Destroys every original whose time has come by its retention rule; returns how many.
pub fn sweep(vault: &Vault, reason: &str, source: SourceFile) -> Result<usize, Error> {
    let mut done = 0;
    if vault.disposal()?.is_some() {
        for id in vault.originals_due()? {
            done += usize::from(dispose(vault, id, reason, source)?.is_ok());
        }
    }
    Ok(done)
}

/// Destroys one original if its time has come by its retention rule.
pub fn dispose_due(
    vault: &Vault,
    id: ConversationId,
    reason: &str,
    source: SourceFile,
) -> Result<Result<Certificate, Kept>, Error> {
    if !vault.originals_due()?.contains(&id) {
        let row = vault.conversation(id)?;
        return Ok(Err(due(vault, &row)?.err().unwrap_or(Kept::Retained)));
    }
    dispose(vault, id, reason, source)
}

/// What a retention run did.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Retained {
    /// Everything but originals.
    #[serde(flatten)]
    pub swept: Swept,
    /// Originals destroyed and certified.
    pub originals: usize,
}

/// Carries every retention rule out: originals with proof and certificate, the rest with its ledger entries.
pub fn retain(vault: &Vault, actor: &Actor) -> Result<Retained, Error> {
    let originals = sweep(vault, "retention of originals", SourceFile::Keep)?;
    Ok(Retained { swept: vault.retention_sweep(actor)?, originals })
}

/// Goes on with a disposal that a kill interrupted between key and certificate.
pub fn finish(vault: &Vault, id: ConversationId) -> Result<Certificate, Error> {
    let row = vault.conversation(id)?;
    let disposal = vault.disposal()?.ok_or(Error::Source {
        what: "a disposal was begun and observe mode is on again".into(),
        cure: "enable disposal again to finish it, or leave it: the key is destroyed either way",
    })?;
    let shredded = vault.shred_original(id, "resume")?;
    dispose_source(vault, id, SourceFile::Keep)?;
    certify(vault, &row, &disposal, &shredded, None)
}

/// What becomes of the file the conversation was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFile {
    /// It stays, and the certificate says so.
    Keep,
    /// It is overwritten and removed after proof.
    Dispose,
}

/// Destroys the source file if that is wanted now, or was when it was taken in.
fn dispose_source(vault: &Vault, id: ConversationId, source: SourceFile) -> Result<(), Error> {
    for copy in vault
        .copies(id)?
        .into_iter()
        .filter(|c| c.place == "source file" && c.state == CopyState::Remains)
        .filter(|c| c.dispose || source == SourceFile::Dispose)
    {
        let path = std::path::Path::new(&copy.detail);
        // A file that was moved is not destroyed, and another one under its name is not ours to destroy.
        let state = if is_the_source(vault, id, path)? {
            files::shred_file(path)?;
            CopyState::Destroyed
        } else {
            CopyState::Unknown
        };
        vault.set_copy(id, "source file", state)?;
    }
    Ok(())
}

/// Whether the very bytes that were taken in still lie at `path`.
fn is_the_source(vault: &Vault, id: ConversationId, path: &std::path::Path) -> Result<bool, Error> {
    if !path.symlink_metadata().is_ok_and(|m| m.is_file()) {
        return Ok(false);
    }
    let file = std::fs::File::open(path).map_err(Error::file(path))?;
    let (sha256, _) = callvault_seal::sha256_reader(file).map_err(Error::file(path))?;
    Ok(vault.holds_content(id, &sha256)?)
}

fn certify(
    vault: &Vault,
    row: &ConversationRow,
    disposal: &Disposal,
    shredded: &Shredded,
    reason: Option<&str>,
) -> Result<Certificate, Error> {
    let bad =
        |what: &str| Error::Source { what: what.into(), cure: "run `callvault verify` and report this" };
    let proof: Proof = vault
        .proof_facts(row.id)?
        .and_then(|f| serde_json::from_value(f).ok())
        .ok_or_else(|| bad("a recorded conversation without the facts of its proof"))?;
    let id = CertificateId::new(vault.clock(), &OsEntropy).map_err(callvault_store::Error::from)?;
    let copies = copy_lines(vault, row, shredded)?;
    let statement = Statement {
        format: FORMAT.into(),
        id: id.to_string(),
        title: certificate::title(&row.channel, &copies),
        vault: vault.id().to_string(),
        conversation: row.id.to_string(),
        channel: row.channel.clone(),
        issued_at: vault.clock().now().to_string(),
        proof_in_words: certificate::proof_in_words(&proof),
        proof,
        method:
            "cryptographic erase (NIST SP 800-88 Rev. 2): the original was encrypted before it was first \
                 written, and its only key was destroyed."
                .into(),
        key_fingerprint: shredded.key_fingerprint.clone(),
        live_erased_at: shredded.live_erased_at.clone(),
        irrecoverable_at: None,
        verification: checks(shredded),
        copies,
        ordered_by: disposal.enabled_by.join(", "),
        approval: approval(disposal),
        reason: reason.map(str::to_owned),
    };
    let bytes = certificate::canonical(&statement);
    let mut made: Option<Certificate> = None;
    let sha256 = callvault_store::hex(&callvault_seal::sha256(&bytes));
    let body = vault.certify(row.id, id, &sha256, |ledger_proof| {
        let certificate = Certificate {
            signature: vault.sign_note(&certificate::signed_text(&statement))?,
            vkey: vault.vkey().to_owned(),
            ledger_proof: ledger_proof.to_owned(),
            statement,
        };
        let text = serde_json::to_string(&certificate)
            .map_err(|_| callvault_store::Error::Corrupt("a certificate"))?;
        made = Some(certificate);
        Ok(text)
    })?;
    match made {
        Some(certificate) => Ok(certificate),
        None => {
            certificate::parse(body.as_bytes()).map_err(|_| bad("a stored certificate that cannot be read"))
        }
    }
}

fn approval(disposal: &Disposal) -> String {
    let who = match disposal.enabled_by.as_slice() {
        [one] => format!("single-person vault: {one} alone released disposal"),
        many => format!("released by {}", many.join(" and ")),
    };
    format!(
        "{who} on {}, after {} of {} planted values were covered (recall at least {:.1} %, 95 % Wilson interval)",
        disposal.enabled_at,
        disposal.measured.covered,
        disposal.measured.planted,
        disposal.measured.recall_at_least * 100.0
    )
}

fn checks(shredded: &Shredded) -> Vec<Check> {
    let check = |check: &str, result: String| Check { check: check.into(), result };
    vec![
        check("opening the original through the vault", "refused: its key is destroyed".into()),
        check(
            "write-ahead log of the database",
            if shredded.server {
                "a server's, which we cannot empty: it, rows that were deleted, replicas and archives of the server may keep \
                 the wrapped key until the key of its shred epoch is destroyed"
            } else {
                "emptied (wal_checkpoint TRUNCATE, no reader in the way)"
            }
            .into(),
        ),
        check(
            "byte scan for the wrapped key",
            match shredded.searched {
                Some(Searched { bytes, files: 0 }) => {
                    format!("not found in any living row: {bytes} bytes of tables on the database server searched")
                }
                Some(Searched { bytes, files }) => format!("not found in {bytes} bytes of {files} database files"),
                None => "not made: the disposal was interrupted after the wrapped key had left its row, so its bytes were \
                         no longer known; the write-ahead log was emptied afterwards"
                    .into(),
            },
        ),
        check(
            "the sealed file",
            match (&shredded.keeps, shredded.blob_removed) {
                (_, false) => "could not be removed; unreadable".into(),
                (None, true) => "removed".into(),
                (Some(bucket), true) => format!("deleted from {}, and not found there again", bucket.place),
            },
        ),
    ]
}

fn copy_lines(vault: &Vault, row: &ConversationRow, shredded: &Shredded) -> Result<Vec<CopyLine>, Error> {
    let mut out = vec![CopyLine {
        place: "vault".into(),
        state: CopyState::Destroyed,
        at: shredded.live_erased_at.clone(),
        note: match shredded.keeps.as_ref().and_then(Keeps::in_words) {
            None => "the sealed original; its key was destroyed and that was verified".into(),
            Some(why) => format!(
                "the sealed original; its key was destroyed and that was verified. Ciphertext may remain in the bucket, for {why}; its key is destroyed"
            ),
        },
    }];
    let kept = vault.attachments(Some(row.id))?.into_iter().filter(|a| a.state == "quarantined").count();
    if kept > 0 {
        out.push(CopyLine {
            place: "attachments".into(),
            state: CopyState::Remains,
            at: vault.clock().now().to_string(),
            note: format!("{kept} attachment(s) of the message lie sealed in the vault's quarantine"),
        });
    }
    for copy in vault.copies(row.id)? {
        let note = match (copy.place.as_str(), copy.state) {
            ("source file", CopyState::Remains) => "the file it was read from is still there (--source keep)",
            ("source file", CopyState::Destroyed) => {
                "overwritten once and removed: clear at file level; flash storage and copying file systems may keep blocks"
            }
            ("source file", CopyState::Unknown) => {
                "the file was moved or changed before it could be destroyed; look for it where it went"
            }
            ("source system", _) => "the telephone, mail or chat system may keep its own copy",
            _ => "copies made before it was taken in are outside this vault's knowledge",
        };
        out.push(CopyLine { place: copy.place, state: copy.state, at: copy.at, note: note.into() });
    }
    Ok(out)
}

//! The receipt of an erasure says what was erased, what remains and why, and when that dies; signed, and in the ledger.

use crate::{
    Error,
    signed::{self, Signed, Unproven},
};
use callvault_ledger::Kind;
use callvault_store::{
    Actor, Keeps, Vault,
    erase::{Erased, ErasedLine, LATER},
};
use serde::{Deserialize, Serialize};

/// Names the form.
pub const FORMAT: &str = "callvault-erasure-receipt/1";

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Always [`FORMAT`].
    pub format: String,
    /// Its id.
    pub id: String,
    /// What it comes to.
    pub title: String,
    /// The vault that signed.
    pub vault: String,
    /// Whom it is about, by record.
    pub subject: String,
    /// Records that were merged into it.
    pub records: Vec<String>,
    /// The request, if there was one.
    pub request: Option<String>,
    /// RFC 3339.
    pub issued_at: String,
    /// When no live copy was left of what is erased.
    pub live_erased_at: String,
    /// When the last backup loses the key it would need, where that is known.
    pub irrecoverable_at: Option<String>,
    /// What was done.
    pub method: String,
    /// Item by item: erased, or kept with the rule.
    pub items: Vec<ErasedLine>,
    /// Values and turns of other parties that repeated the person's, erased.
    pub read_backs: u64,
    /// Numbers and addresses that led to the person, erased.
    pub contacts: u64,
    /// Keys destroyed.
    pub keys: u64,
    /// How that was verified.
    pub verification: Vec<String>,
    /// What remains, why, and until when.
    pub remains: Vec<Remains>,
    /// Who erased.
    pub ordered_by: String,
    /// Who agreed, or why nobody had to.
    pub approval: String,
    /// Why, masked by the detector.
    pub reason: Option<String>,
    /// The receipt of the erasure that this one goes on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<String>,
}

/// Something that remains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remains {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
    /// Until when.
    pub until: String,
}

/// The receipt of an erasure.
pub type Receipt = Signed<Statement>;

impl signed::Statement for Statement {
    const FORMAT: &'static str = FORMAT;
    const MAX_BYTES: usize = 16 << 20;
    const KIND: Kind = Kind::CertificateIssued;

    fn format(&self) -> &str {
        &self.format
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn about(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    fn subject(&self) -> Option<&str> {
        Some(&self.subject)
    }
}

/// What erasures made together share.
pub(super) struct Look {
    /// What the server says that keeps the sealed files, if one does.
    pub(super) bucket: Option<Keeps>,
    /// What was destroyed was looked for, and not found.
    pub(super) searched: bool,
}

/// Signs, announces and keeps the receipt of an erasure.
pub(super) fn issue(
    vault: &Vault,
    actor: &Actor,
    erased: &Erased,
    look: &Look,
    reason: Option<&str>,
) -> Result<Receipt, Error> {
    let statement = Statement { reason: reason.map(str::to_owned), ..state(vault, erased, look)? };
    let signed = Unproven::sign(vault, statement)?;
    let proof = vault.announce_receipt(actor, erased, &signed.hash)?;
    let receipt = signed.proven(proof);
    let body = serde_json::to_string(&receipt).map_err(|_| Error::Shipped("form of the receipt"))?;
    vault.keep_receipt(actor, erased, &body)?;
    Ok(receipt)
}

fn state(vault: &Vault, e: &Erased, look: &Look) -> Result<Statement, Error> {
    let on_server = Vault::server(vault.dir())?.is_some();
    let kept = e.lines.iter().filter(|l| l.kept.is_some()).count();
    let title = match (e.complete, kept) {
        (true, 0) => "Person erased".to_owned(),
        (true, n) => format!("Person erased; {n} items that open no more remain under a rule"),
        (false, n) => format!("Person erased in part; {n} items remain under a rule"),
    };
    Ok(Statement {
        format: FORMAT.into(),
        id: e.receipt.to_string(),
        title,
        vault: vault.id().to_string(),
        subject: e.subject.to_string(),
        records: e.records.iter().filter(|r| **r != e.subject).map(ToString::to_string).collect(),
        request: e.request.map(|r| r.to_string()),
        issued_at: vault.clock().now().to_string(),
        live_erased_at: e.live_erased_at.clone(),
        irrecoverable_at: None,
        method: "cryptographic erase (NIST SP 800-88 Rev. 2): everything was encrypted before it was first written; its \
                 keys were destroyed, and the rows with the words, values, names, numbers and their index were deleted \
                 in the same transaction."
            .into(),
        items: e.lines.clone(),
        read_backs: e.read_backs,
        contacts: e.contacts,
        keys: e.keys,
        verification: checks(on_server, look),
        remains: remains(e, on_server, look.bucket.as_ref()),
        ordered_by: e.erased_by.clone(),
        approval: e.approved_by.clone().map_or_else(
            || "single-person vault: nobody else could agree".to_owned(),
            |who| format!("agreed to by {who}"),
        ),
        reason: None,
        continues: e.continues.map(|r| r.to_string()),
    })
}

/// Stands in the place of the search where the erasure was interrupted before its receipt.
const INTERRUPTED: &str = "the erasure was interrupted after its rows and keys were gone; the search for their leading bytes is not known to have ended, and cannot be made again";

fn checks(on_server: bool, look: &Look) -> Vec<String> {
    const EMPTIED: &str =
        "write-ahead log of the database emptied (wal_checkpoint TRUNCATE, no reader in the way)";
    let looked: &[&str] = match (on_server, look.searched) {
        (true, true) => &[
            "the leading bytes of every destroyed key and row were looked for in every living row on the database server and not found",
        ],
        (false, true) => &[
            EMPTIED,
            "the leading bytes of every destroyed key and row were looked for in every database file and not found",
        ],
        (true, false) => &[INTERRUPTED],
        (false, false) => &[EMPTIED, INTERRUPTED],
    };
    let removed = match &look.bucket {
        None => "sealed files whose key is destroyed were removed".to_owned(),
        Some(b) => format!("sealed files whose key is destroyed were deleted from {}", b.place),
    };
    looked.iter().map(|&l| l.to_owned()).chain([removed]).collect()
}

fn remains(e: &Erased, on_server: bool, bucket: Option<&Keeps>) -> Vec<Remains> {
    let line = |what: String, why: &str, until: &str| Remains { what, why: why.into(), until: until.into() };
    let mut out = Vec::new();
    for l in &e.lines {
        let Some(kept) = &l.kept else { continue };
        out.push(Remains {
            what: format!("{} of {} conversation {}", l.class.as_str(), l.channel, l.conversation),
            why: format!("{}: {} ({})", kept.code, kept.rule, kept.cite),
            until: kept.until.clone().unwrap_or_else(|| match kept.code.as_str() {
                "hold" => "the hold is released; then the erasure is carried out".into(),
                LATER => "the person asks again; it was taken in after this erasure was ordered".into(),
                _ => "the reason is gone; then the erasure is carried out".into(),
            }),
        });
    }
    if !e.complete {
        out.push(line(
            "the person's key, names and the numbers and addresses that lead to what is kept".into(),
            "what is kept would mean nothing without whom it is about",
            "the last item above goes",
        ));
    }
    if e.suppressed > 0 {
        out.push(line(
            format!("{} keyed hash(es) on the do-not-contact list", e.suppressed),
            "so that the person is not contacted as if new; nobody can read a number from it (47 CFR 64.1200(d); GDPR Art. 21(3))",
            "the person asks for it to be taken off",
        ));
    }
    for c in &e.consents {
        out.push(Remains {
            what: format!(
                "record of consent {} ({}, {}, given {}), proven by a {}",
                c.id, c.purpose, c.channel, c.given, c.proof
            ),
            why: format!(
                "proof that contact was allowed: {} ({}); the consent itself {}",
                c.kept.rule,
                c.kept.cite,
                c.ended.as_ref().map_or_else(|| "stands".to_owned(), |day| format!("ended on {day}"))
            ),
            until: match (&c.kept.until, e.complete) {
                (Some(day), true) => format!("{day}; then it is destroyed"),
                (Some(_), false) => "its time runs from the day on which the last item above goes".to_owned(),
                (None, _) => "not known: no row of law dates it".to_owned(),
            },
        });
    }
    if e.wishes > 0 {
        out.push(line(
            format!("{} wish(es) to hear no more, each with the keyed index of a number or address", e.wishes),
            "so that the wish is honoured after everything else is gone; no number can be read from it (47 CFR 64.1200(d)(6))",
            "somebody lifts the wish",
        ));
    }
    out.push(line(
        "entries of the ledger: ids, codes, times, counts and hashes of ciphertext".into(),
        "proof of what was done; they hold no value, name, number or word",
        "the vault ends",
    ));
    if e.contacts > 0 {
        out.push(line(
            "ids and the keyed index of the numbers and addresses, on the list of erasures".into(),
            "so that a restored backup erases the person again before anybody can read it",
            "the vault ends",
        ));
    }
    out.push(line(
        "id, channel, times and length of each conversation, and keyed index of each file's bytes".into(),
        "so that the same file is not taken in again, and other parties' part stays whole",
        "the vault ends",
    ));
    out.push(line(
        "words and voice of the other parties, with values covered".into(),
        "they are the other parties' data",
        "their retention or their own erasure",
    ));
    if e.request.is_some() {
        out.push(line(
            "the record of the request: kind, days, codes of the steps; no note".into(),
            "accountability (GDPR Art. 5(2)); 24 months under 11 CCR 7101",
            "the vault ends",
        ));
    }
    if e.sources_remain > 0 {
        out.push(line(
            format!("{} source file(s) outside the vault", e.sources_remain),
            "they were kept when the conversations were taken in, and were not ordered to be destroyed",
            "somebody destroys them; the vault no longer knows where they are",
        ));
    }
    if on_server {
        out.push(line(
            "deleted rows, write-ahead log, replicas and archives of the database server".into(),
            "not ours to search; they may keep wrapped keys and ciphertext, and never had a value, name or number in clear",
            "the key of this month's shred epoch is destroyed, which the ledger will say",
        ));
    }
    if let Some((bucket, why)) = bucket.and_then(|b| Some((b, b.in_words()?))) {
        out.push(Remains {
            what: format!("ciphertext of deleted files in {}", bucket.place),
            why: format!("of the bucket: {why}; what it may keep has no key any more and opens nothing"),
            until: "the rules of the bucket end what it keeps".into(),
        });
    }
    out.push(line(
        "backups made before, telephone, mail and chat systems, and other copies outside".into(),
        "beyond this vault's knowledge; a backup holds wrapped keys until its shred epoch's key is destroyed",
        "not known",
    ));
    out
}

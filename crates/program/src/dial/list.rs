//! A campaign's list judged row by row as it arrives: counts come out, no number is kept.

use super::{known, packs, purpose};
use crate::Error;
use callvault_law::{Counts, Packs, Preview};
use callvault_store::{Actor, Vault};
use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{cell::RefCell, collections::HashSet, sync::Arc};

/// Most numbers of one list.
pub const MAX_ROWS: u64 = 100_000;
/// Longest line, in bytes.
const MAX_LINE: usize = 16 << 10;
/// Most lines that are named as unreadable.
const MAX_BAD: usize = 20;

/// What a list came to.
#[derive(Debug)]
pub struct Listed {
    /// Counts of answers and reasons.
    pub counts: Counts,
    /// Hash of the packs.
    pub pack_hash: String,
    /// Keyed hash over all rows, as the ledger has it.
    pub list_hash: String,
    /// Rows that could not be read, and why; the first ones by their number.
    pub unreadable: u64,
    /// See `unreadable`.
    pub bad: Vec<(u64, String)>,
}

/// Who is not to be called, as fingerprints.
struct Refused {
    /// Wishes on file.
    wished: HashSet<[u8; 16]>,
    /// The list that outlives an erasure.
    listed: HashSet<[u8; 16]>,
}

/// A list under way. Bytes go in as they arrive.
pub struct Listing<'v> {
    vault: &'v Vault,
    packs: Arc<Packs>,
    common: Map<String, Value>,
    now: Timestamp,
    text: bool,
}

impl<'v> Listing<'v> {
    /// For calls, or texts; `common` are facts of all rows.
    ///
    /// # Errors
    /// The packs are damaged.
    pub fn new(
        vault: &'v Vault,
        common: Map<String, Value>,
        text: bool,
        now: Timestamp,
    ) -> Result<Self, Error> {
        Ok(Self { vault, packs: packs(vault)?, common, now, text })
    }

    /// Reads a CSV file with a header to its end and files the counts.
    ///
    /// # Errors
    /// It has no column `called`, too many rows, or cannot be read.
    pub fn read(self, actor: &Actor, from: impl std::io::Read) -> Result<Listed, Error> {
        let mut lines = Lines::new(from);
        let at = self.common.get("at").and_then(Value::as_str).and_then(|t| t.parse().ok());
        let mut preview = Preview::new(&self.packs, self.common.clone(), at, self.now, self.text);
        let header = lines.next()?.ok_or(Error::List("it is empty; the first line names the columns"))?;
        if !header.split(',').any(|n| n.trim_matches(|c: char| !c.is_alphanumeric()) == "called") {
            return Err(Error::List("no column is called \"called\"; that is the one with the numbers"));
        }
        preview.header(&header)?;
        let out = Refused { wished: self.vault.all_opted_out()?, listed: self.vault.all_suppressed()? };
        let any_consent = !self.vault.consents(None)?.is_empty();
        let mut hash = Sha256::new();
        hash.update(self.vault.law_list_key()?);
        let (mut rows, mut bad, mut unreadable) = (0, Vec::new(), 0);
        while let Some(line) = lines.next()? {
            if line.trim().is_empty() {
                continue;
            }
            rows += 1;
            if rows > MAX_ROWS {
                return Err(Error::List("more than 100,000 rows; split it"));
            }
            hash.update(line.as_bytes());
            hash.update([0]);
            let failed = RefCell::new(None);
            let know = |facts: &mut Map<String, Value>| {
                if let Err(e) = self.know(facts, &out, any_consent) {
                    *failed.borrow_mut() = Some(e);
                }
            };
            let judged = preview.row(&line, &know);
            if let Some(e) = failed.into_inner() {
                return Err(e);
            }
            if let Err(e) = judged {
                unreadable += 1;
                if bad.len() < MAX_BAD {
                    bad.push((rows + 1, e.to_string()));
                }
            }
        }
        let counts = preview.counts();
        let pack_hash = self.packs.hash().to_owned();
        let list_hash = callvault_store::hex(&hash.finalize());
        let words: Vec<(String, u64)> = counts.decisions.iter().map(|(w, n)| (w.clone(), *n)).collect();
        self.vault.record_law_preview(actor, rows, &words, &pack_hash, &list_hash)?;
        Ok(Listed { counts, pack_hash, list_hash, unreadable, bad })
    }

    /// What the vault knows of a row's number. About what is no number the site's own list cannot be asked: that denies.
    fn know(&self, facts: &mut Map<String, Value>, out: &Refused, consents: bool) -> Result<(), Error> {
        let number = facts.get("called").and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some(of) = self.vault.contact_index(&number)?.filter(|i| i.field == "phone") else {
            facts.insert("called".to_owned(), Value::Null);
            facts.insert("internal_dnc".to_owned(), Value::Null);
            return Ok(());
        };
        let at = facts.get("at").and_then(Value::as_str).and_then(|t| t.parse().ok()).unwrap_or(self.now);
        let consent = if consents && !facts.contains_key("consent") {
            let wanted = facts.get("purpose").and_then(Value::as_str).map_or("marketing", purpose);
            let day = jiff::tz::Offset::UTC.to_datetime(at).date();
            self.vault.consent_for(&of, if self.text { "sms" } else { "voice" }, wanted, day)?
        } else {
            None
        };
        let on_list = |hash: [u8; 16]| out.listed.contains(&hash);
        let listed = !out.listed.is_empty() && self.vault.suppression_of(&number)?.is_some_and(on_list);
        let since = (listed || out.wished.contains(&of.index)).then_some("0001-01-01");
        known(self.vault, &of, since, consent.as_ref(), facts, at)
    }
}

/// Lines of a stream, each bounded.
struct Lines<R> {
    from: std::io::BufReader<R>,
}

impl<R: std::io::Read> Lines<R> {
    fn new(from: R) -> Self {
        Self { from: std::io::BufReader::new(from) }
    }

    fn next(&mut self) -> Result<Option<String>, Error> {
        use std::io::{BufRead, Read};
        let mut line = Vec::new();
        let got = Read::take(&mut self.from, MAX_LINE as u64).read_until(b'\n', &mut line);
        let got = got.map_err(|_| Error::List("it ended before it was whole; send it again"))?;
        if got == 0 {
            return Ok(None);
        }
        if got == MAX_LINE && !line.ends_with(b"\n") {
            return Err(Error::List("a line is longer than 16 KiB; is it a CSV file?"));
        }
        let line =
            String::from_utf8(line).map_err(|_| Error::List("it is not UTF-8 text; export it as that"))?;
        Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

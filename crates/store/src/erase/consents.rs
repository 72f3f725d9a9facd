//! Consents of somebody who is erased: they end, and the record that proves them stays as long as a law wants it.

use super::{KeptWhy, known::Known, words::Contact};
use crate::db::params;
use crate::{Actor, Command, Error, Vault, consent, keys::id_of, sweep::needle};
use callvault_ledger::Kind;
use callvault_model::id::ConsentId;
use serde::{Deserialize, Serialize};

/// A consent that outlives the person's erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentLeft {
    /// Its id.
    pub id: ConsentId,
    /// The channel it is for.
    pub channel: String,
    /// The purpose it is for.
    pub purpose: String,
    /// `conversation` or `record`.
    pub proof: String,
    /// The day it was given.
    pub given: String,
    /// The day it ended: withdrawn, over, or with this erasure; absent while it stands.
    pub ended: Option<String>,
    /// Why its record stays, and until when.
    pub kept: KeptWhy,
}

/// A law's word about the record of a consent: `(given, ended)`, days.
pub type ConsentKept<'a> = dyn Fn(&str, &str) -> KeptWhy + 'a;

/// Consents and wishes to hear no more under the numbers of a record. Where everything goes, standing consents end: nobody
/// is called on the word of somebody who is not known any more.
pub(super) fn left(
    c: &mut Command<'_>,
    known: &Known<'_>,
    contacts: &[Contact],
    complete: bool,
    keeps: &ConsentKept<'_>,
    by: &str,
) -> Result<(Vec<ConsentLeft>, u64), Error> {
    let today = c.now.get(..10).unwrap_or_default().to_owned();
    let (mut out, mut wishes) = (Vec::new(), 0);
    let (consents, opt_outs) = (!known.nothing_in("consent"), !known.nothing_in("opt_out"));
    for Contact { field, index, .. } in contacts {
        if complete && consents {
            consent::end_all(c, field, index, by)?;
        }
        if opt_outs {
            let n: i64 = c.one(
                "SELECT COUNT(*) FROM opt_out
                 WHERE tenant IN (SELECT id FROM tenant) AND field = ?1 AND blind_index = ?2",
                params![field, index],
                |r| r.get(0),
            )?;
            wishes += n.unsigned_abs();
        }
        if consents {
            out.extend(of_contact(c, field, index, &today, keeps)?);
        }
    }
    if complete {
        for one in &out {
            c.run(
                "UPDATE consent SET keep_until = ?2 WHERE id = ?1",
                params![one.id.as_bytes(), one.kept.until],
            )?;
        }
    }
    Ok((out, wishes))
}

fn of_contact(
    c: &Command<'_>,
    field: &str,
    index: &[u8],
    today: &str,
    keeps: &ConsentKept<'_>,
) -> Result<Vec<ConsentLeft>, Error> {
    let mut statement = c.tx.prepare_cached(
        "SELECT id, channel, purpose, CASE WHEN proof_conversation IS NULL THEN 'record' ELSE 'conversation' END,
           given_on, withdrawn_at, expires_on FROM consent
         WHERE tenant IN (SELECT id FROM tenant) AND field = ?1 AND blind_index = ?2 ORDER BY id",
    )?;
    let rows = statement.query_map(params![field, index], |r| {
        let withdrawn: Option<String> = r.get(5)?;
        let expired = r.get::<_, Option<String>>(6)?.filter(|day| day.as_str() < today);
        let ended = withdrawn.and_then(|at| at.get(..10).map(str::to_owned)).or(expired);
        Ok((r.get::<_, Vec<u8>>(0)?, [r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?], ended))
    })?;
    let mut out = Vec::new();
    for row in rows {
        let (id, [channel, purpose, proof, given], ended): (_, [String; 4], Option<String>) = row?;
        let kept = keeps(&given, ended.as_deref().unwrap_or(today));
        out.push(ConsentLeft { id: id_of(&id)?, channel, purpose, proof, given, ended, kept });
    }
    Ok(out)
}

impl Vault {
    /// Destroys the records of consent of erased people that no law wants any more; how many.
    pub fn destroy_old_consents(&self, actor: &Actor) -> Result<usize, Error> {
        let due = "keep_until IS NOT NULL AND keep_until < ?1";
        let today = self.today()?.to_string();
        let any: bool = self.db().query_row(
            &format!("SELECT EXISTS (SELECT 1 FROM consent WHERE {due})"),
            params![today],
            |r| r.get(0),
        )?;
        if !any {
            return Ok(0);
        }
        let (n, needles) = self.command_as(actor, "retention", |c| {
            let rows: Vec<(Vec<u8>, Vec<u8>, Option<Vec<u8>>, String)> = {
                let mut statement = c.tx.prepare(&format!(
                    "SELECT id, sealed_detail, sealed_proof, keep_until FROM consent WHERE {due}"
                ))?;
                let rows = statement
                    .query_map(params![today], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
                rows.collect::<Result<_, _>>()?
            };
            let mut needles = Vec::new();
            for (id, detail, proof, until) in &rows {
                c.run("DELETE FROM consent WHERE id = ?1", params![id])?;
                needles.push(needle(detail.clone()));
                needles.extend(proof.clone().map(needle));
                let id: ConsentId = id_of(id)?;
                let facts = [
                    ("class", "consent".into()),
                    ("consent", id.to_string().into()),
                    ("until", until.as_str().into()),
                ];
                c.log(Kind::RetentionApplied, None, None, &facts);
            }
            Ok((rows.len(), needles))
        })?;
        self.prove_gone(&needles)?;
        Ok(n)
    }
}

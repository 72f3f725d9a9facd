//! The person's values, and where somebody else's words repeat them.

use super::{
    ERASED_LABEL, Talk, Work,
    doomed::Doomed,
    drop_token,
    known::{Known, SealedContact, contact_rows},
};
use crate::db::{Connection, params};
use crate::{
    Command, Error, Vault, conversation::turn_place, erasure::note_overwritten, regression, sweep::needle,
};
use callvault_model::{
    Secret,
    id::{PartyId, SubjectId},
};
use callvault_seal::{Key256, open, seal};

/// A number or address that leads to a record.
pub(super) struct Contact {
    pub(super) field: String,
    pub(super) index: Vec<u8>,
    pub(super) sealed: Vec<u8>,
    pub(super) value: Secret<String>,
}

impl Contact {
    /// As what it is found in words.
    pub(super) fn as_value(&self) -> (String, Secret<String>) {
        let entity = if self.field == "email" { "EMAIL_ADDRESS" } else { "PHONE_NUMBER" };
        (entity.to_owned(), Secret::new(self.value.expose().clone()))
    }
}

impl Known<'_> {
    /// What other parties said of the person: their values where they are the person's, all of an agent's where nobody
    /// else was there to speak about, and turns in which a value can still be read.
    pub(super) fn erase_read_backs(
        &mut self,
        c: &mut Command<'_>,
        work: &mut Work<'_>,
        talk: &Talk,
    ) -> Result<(), Error> {
        let (vault, id) = (self.vault, talk.id);
        let alone = talk.alone();
        if alone {
            erase_all_values(&mut self.doomed, work, talk);
        }
        let says = work.order.says;
        for party in talk.parties.iter().filter(|p| !p.ours) {
            let Ok((key, subject)) = self.party_key(&c.tx, party) else { continue };
            for (token, entity, sealed) in talk.tokens_of(party.id).filter(|_| !alone) {
                let aad = vault.aad(Some(subject), "token", token.as_bytes(), entity);
                let value = open(&key, &aad, sealed)?;
                let text = String::from_utf8_lossy(value.expose());
                if work.values.iter().any(|(e, v)| says(&text, e, v.expose())) {
                    drop_token(c, id, token)?;
                    work.gone.needles.push(needle(sealed.clone()));
                    work.read_backs += 1;
                }
            }
            for turn in talk.turns_of(party.id) {
                let place = turn_place(id, usize::try_from(turn.position).unwrap_or(usize::MAX));
                let aad = vault.aad(Some(subject), "turn", &place, "text");
                let text = open(&key, &aad, &turn.sealed)?;
                let text = String::from_utf8_lossy(text.expose());
                if work.values.iter().any(|(e, v)| says(&text, e, v.expose())) {
                    let again = seal(&key, &aad, ERASED_LABEL.as_bytes(), &vault.entropy)?;
                    regression::moved(c, id, turn.position.unsigned_abs(), regression::Edit::Whole)?;
                    c.run(
                        "UPDATE turn SET sealed_text = ?3 WHERE conversation = ?1 AND position = ?2",
                        params![id.as_bytes(), turn.position, again],
                    )?;
                    note_overwritten(c, id)?;
                    work.gone.needles.push(needle(turn.sealed.clone()));
                    work.read_backs += 1;
                }
            }
        }
        Ok(())
    }
}

/// Every value of a conversation in which nobody but the person and agents took part.
fn erase_all_values(doomed: &mut Doomed, work: &mut Work<'_>, talk: &Talk) {
    if talk.tokens.is_empty() {
        return;
    }
    let theirs = |party: PartyId| talk.parties.iter().any(|p| p.id == party && !p.ours);
    work.read_backs += talk.tokens.iter().filter(|t| theirs(t.party)).count() as u64;
    work.gone.needles.extend(talk.tokens.iter().map(|t| needle(t.token.2.clone())));
    doomed.all_values(talk.id, talk.tokens.len());
}

impl Vault {
    /// Numbers and addresses of a record, by field.
    pub(crate) fn contact_values(
        &self,
        db: &Connection,
        subject: SubjectId,
    ) -> Result<Vec<(String, Secret<String>)>, Error> {
        let rows = contact_rows(db, subject)?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.open_contacts(subject, &self.subject_key(db, subject)?, rows)?;
        Ok(all.into_iter().map(|contact| (contact.field, contact.value)).collect())
    }

    pub(super) fn open_contacts(
        &self,
        of: SubjectId,
        key: &Key256,
        rows: Vec<SealedContact>,
    ) -> Result<Vec<Contact>, Error> {
        rows.into_iter()
            .map(|(field, index, sealed)| {
                let value = open(key, &self.aad(Some(of), "contact", &index, &field), &sealed)?;
                let text = String::from_utf8(value.expose().clone())
                    .map_err(|_| Error::Corrupt("a contact that is not UTF-8"))?;
                Ok(Contact { field, index, sealed, value: Secret::new(text) })
            })
            .collect()
    }

    /// The name under which somebody took part.
    pub(crate) fn party_name(
        &self,
        db: &Connection,
        party: PartyId,
    ) -> Result<Option<Secret<String>>, Error> {
        let sealed: Option<Vec<u8>> = db
            .prepare_cached("SELECT sealed_name FROM party WHERE id = ?1")?
            .query_row(params![party.as_bytes()], |r| r.get(0))?;
        let Some(sealed) = sealed else { return Ok(None) };
        let (key, subject) = self.party_key(db, party)?;
        let name = open(&key, &self.aad(Some(subject), "party", party.as_bytes(), "name"), &sealed)?;
        Ok(Some(Secret::new(String::from_utf8_lossy(name.expose()).into_owned())))
    }
}

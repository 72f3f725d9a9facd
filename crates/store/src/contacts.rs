//! Telephone numbers and e-mail addresses lead to one person: by a keyed index, never by the number itself.

use crate::db::{OptionalExtension, params};
use crate::{Command, Error, Vault, keys::id_of};
use callvault_ledger::Kind;
use callvault_model::{Role, id::SubjectId};
use callvault_seal::{blind_index, seal};

/// One way to reach a person, in the form in which equal means the same.
pub(crate) struct Contact {
    pub field: &'static str,
    pub value: String,
}

/// Normalises an address on the wire; what is neither number nor mail address leads to nobody.
pub(crate) fn contact(address: &str) -> Option<Contact> {
    let address = address.trim();
    if address.contains('@') && !address.starts_with("sip:") && address.len() <= 320 {
        return Some(Contact { field: "email", value: address.to_lowercase() });
    }
    let digits: String = address.chars().filter(char::is_ascii_digit).collect();
    // Ten digits and eleven with the country code 1 are the same North American line.
    let digits = match digits.strip_prefix('1') {
        Some(rest) if rest.len() == 10 => rest.to_owned(),
        _ => digits,
    };
    // No telephone number has more than fifteen digits (E.164); a card number in the wrong field leads to nobody.
    (7..=15).contains(&digits.len()).then_some(Contact { field: "phone", value: digits })
}

impl Vault {
    /// The keyed fingerprint of a value of one field.
    pub(crate) fn index(&self, field: &str, value: &str) -> Result<[u8; 16], Error> {
        Ok(blind_index(&self.tenant_keys().index, field, value))
    }

    /// The person at an address, made provisionally when unknown.
    pub(crate) fn subject_for(
        &self,
        command: &mut Command<'_>,
        role: Role,
        address: Option<&str>,
    ) -> Result<SubjectId, Error> {
        let contact = address.and_then(contact);
        let index = contact.as_ref().map(|c| self.index(c.field, &c.value)).transpose()?;
        if let (Some(c), Some(index)) = (&contact, &index) {
            let known: Option<Vec<u8>> = command
                .tx
                .query_row(
                    "SELECT subject FROM contact WHERE tenant = ?1 AND field = ?2 AND blind_index = ?3",
                    params![self.tenant.as_bytes(), c.field, index],
                    |r| r.get(0),
                )
                .optional()?;
            if let Some(id) = known {
                return id_of(&id);
            }
        }
        let id = SubjectId::new(self.clock.as_ref(), &self.entropy)?;
        let (key, wrapped) = self.new_subject_key(command, id)?;
        command.tx.execute(
            "INSERT INTO subject (id, tenant, role, provisional, epoch, wrapped_key, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                id.as_bytes(),
                self.tenant.as_bytes(),
                role.as_str(),
                contact.is_none(),
                self.epoch().as_bytes(),
                wrapped,
                command.now
            ],
        )?;
        if let (Some(c), Some(index)) = (contact, index) {
            let aad = self.aad(Some(id), "contact", &index, c.field);
            let sealed = seal(&key, &aad, c.value.as_bytes(), &self.entropy)?;
            command.tx.execute(
                "INSERT INTO contact (tenant, field, blind_index, subject, sealed_value) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![self.tenant.as_bytes(), c.field, index, id.as_bytes(), sealed],
            )?;
        }
        command.log(Kind::SubjectAdded, None, Some(id), &[("role", role.as_str().into())]);
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_line_written_differently_is_one_contact() {
        let of = |a: &str| contact(a).map(|c| c.value);
        assert_eq!(of("+1 (202) 555-0142"), of("202.555.0142"));
        assert_eq!(of("Dana@Example.com "), Some("dana@example.com".into()));
        assert_eq!(of("anonymous"), None);
        assert_eq!(of("1234"), None);
        assert_eq!(of("4242 4242 4242 4242"), None);
    }
}

//! Which columns hold texts of the vault itself, sealed by its keys of names. A roll of the shred epoch seals all of
//! them again, so that what was erased cannot be read from an old backup either; a test compares the list with the
//! tables.

use crate::db::{Connection, params};
use crate::{Error, Vault, rotation::BATCH};
use callvault_seal::Key256;

/// How the name of the field in the associated data is found.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field {
    /// It is always this one.
    Is(&'static str),
    /// It stands in this column.
    In(&'static str),
}

/// One column of sealed texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub table: &'static str,
    /// The column whose bytes are the id in the associated data.
    pub id: &'static str,
    pub sealed: &'static str,
    pub object: &'static str,
    pub field: Field,
}

const fn column(table: &'static str, id: &'static str, sealed: &'static str, field: Field) -> Column {
    Column { table, id, sealed, object: table, field }
}

/// What belongs to a drive or paper is sealed under its id.
const fn of_medium(table: &'static str, sealed: &'static str, field: Field) -> Column {
    Column { table, id: "medium", sealed, object: "medium", field }
}

/// Every column that [`Vault::seal_own`] and [`Vault::seal_bytes`] fill.
pub(crate) const COLUMNS: &[Column] = &[
    column("conversation", "id", "sealed_source", Field::Is("source")),
    column("copy", "conversation", "sealed_detail", Field::In("place")),
    column("reveal_request", "id", "sealed_reason", Field::Is("reason")),
    column("access_grant", "id", "sealed_reason", Field::Is("reason")),
    column("upload", "id", "sealed_meta", Field::Is("meta")),
    column("account", "id", "sealed_login", Field::Is("login")),
    column("account", "id", "sealed_name", Field::Is("name")),
    column("account", "id", "sealed_totp", Field::Is("totp")),
    column("passkey", "id", "sealed_credential", Field::Is("credential")),
    column("passkey", "id", "sealed_name", Field::Is("name")),
    column("subject_link", "id", "sealed_reason", Field::Is("reason")),
    column("subject_link", "id", "sealed_undo_reason", Field::Is("undo reason")),
    column("hold", "id", "sealed_matter", Field::Is("matter")),
    column("must_keep", "conversation", "sealed_reason", Field::Is("reason")),
    column("correction", "id", "sealed_note", Field::Is("note")),
    column("alert", "id", "sealed_reason", Field::Is("reason")),
    column("canary", "id", "sealed_mark", Field::Is("mark")),
    column("incident", "id", "sealed_title", Field::Is("title")),
    column("incident_note", "id", "sealed_text", Field::Is("text")),
    column("incident_evidence", "id", "sealed_name", Field::Is("name")),
    column("incident_notice", "id", "sealed_body", Field::Is("body")),
    column("training_waiver", "id", "sealed_reason", Field::Is("reason")),
    column("training_recall", "id", "sealed_reason", Field::Is("reason")),
    column("training_policy", "CAST(policy AS BLOB)", "sealed_text", Field::Is("text")),
    column("medium", "id", "sealed_label", Field::Is("label")),
    of_medium("medium_step", "sealed_text", Field::In("'step ' || n")),
    of_medium("medium_end", "sealed_tool", Field::Is("tool")),
    column("device_disposal", "id", "sealed_device", Field::Is("device")),
    column("subject_request", "id", "sealed_note", Field::Is("note")),
    column("subject_request", "id", "sealed_extension", Field::Is("extension")),
    column("consent", "id", "sealed_detail", Field::Is("detail")),
    column("consent", "id", "sealed_proof", Field::Is("proof")),
    column("opt_out", "id", "sealed_reason", Field::Is("reason")),
    column("law_check", "id", "sealed_facts", Field::Is("facts")),
    column("law_setting", "CAST(key AS BLOB)", "sealed_value", Field::Is("value")),
    column("tenant_vault", "id", "sealed_reason", Field::Is("reason")),
    column("tenant_vault", "id", "sealed_end", Field::Is("end")),
];

/// A sealed value as it stands: row, id, field, bytes.
type Row = (i64, Vec<u8>, String, Vec<u8>);

impl Column {
    /// Values not sealed by the key of this id; an empty one was taken away and holds nothing.
    fn others(&self) -> String {
        format!("{t} WHERE length({s}) > 0 AND substr({s}, 2, 8) <> ?1", t = self.table, s = self.sealed)
    }

    fn batch(&self, db: &Connection, newest: &[u8; 8], after: i64) -> Result<Vec<Row>, Error> {
        let field = match self.field {
            Field::Is(name) => format!("'{name}'"),
            Field::In(column) => column.to_owned(),
        };
        let mut statement = db.prepare_cached(&format!(
            "SELECT rowid, {}, {field}, {} FROM {} AND rowid > ?2 ORDER BY rowid LIMIT ?3",
            self.id,
            self.sealed,
            self.others()
        ))?;
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let rows = statement
            .query_map(params![newest, after, limit], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Vault {
    /// Seals every text again that an older key of names sealed; how many.
    pub(crate) fn seal_names_again(&self) -> Result<u64, Error> {
        let mut done = 0u64;
        for column in COLUMNS {
            let mut after = i64::MIN;
            loop {
                let rows = self.seal_some_again(column, after)?;
                let Some(last) = rows.last() else { break };
                after = *last;
                done = done.saturating_add(rows.len() as u64);
            }
        }
        Ok(done)
    }

    /// One command; the rows it changed.
    fn seal_some_again(&self, column: &Column, after: i64) -> Result<Vec<i64>, Error> {
        self.command("seal again", |c| {
            let mut done = Vec::new();
            for (row, id, field, sealed) in column.batch(&c.tx, &self.newest_names_key()?, after)? {
                let text = self.open_bytes(column.object, &id, &field, &sealed)?;
                let again = self.seal_bytes(column.object, &id, &field, text.expose())?;
                c.tx.prepare_cached(&format!(
                    "UPDATE {} SET {} = ?2 WHERE rowid = ?1",
                    column.table, column.sealed
                ))?
                .execute(params![row, again])?;
                done.push(row);
            }
            Ok(done)
        })
    }

    /// Texts that an older key of names still seals.
    pub(crate) fn sealed_by_older_names(&self, db: &Connection) -> Result<u64, Error> {
        let (newest, mut all) = (self.newest_names_key()?, 0u64);
        for column in COLUMNS {
            let n: i64 =
                db.query_row(&format!("SELECT COUNT(*) FROM {}", column.others()), params![newest], |r| {
                    r.get(0)
                })?;
            all = all.saturating_add(n.unsigned_abs());
        }
        Ok(all)
    }

    fn newest_names_key(&self) -> Result<[u8; 8], Error> {
        let keys = self.tenant_keys();
        let newest = keys.names.last().ok_or(Error::Corrupt("a tenant without a key of names"))?;
        Ok(Key256::id(&newest.key)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::world;
    use std::collections::BTreeSet;

    /// Sealed by the key of a person or of a party, which die by themselves.
    const UNDER_PEOPLE: [(&str, &str); 4] = [
        ("contact", "sealed_value"),
        ("party", "sealed_name"),
        ("turn", "sealed_text"),
        ("token", "sealed_value"),
    ];

    #[test]
    fn every_sealed_column_is_either_a_persons_or_sealed_again_at_a_roll() {
        let w = world();
        let db = w.vault.db();
        let mut statement = db
            .prepare(
                "SELECT m.name, i.name FROM sqlite_master m, pragma_table_info(m.name) i
                 WHERE m.type = 'table' AND i.name LIKE 'sealed!_%' ESCAPE '!' AND i.type = 'BLOB'",
            )
            .unwrap();
        let found: BTreeSet<(String, String)> =
            statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().map(Result::unwrap).collect();
        let known: BTreeSet<(String, String)> = COLUMNS
            .iter()
            .map(|c| (c.table, c.sealed))
            .chain(UNDER_PEOPLE)
            .map(|(t, c)| (t.to_owned(), c.to_owned()))
            .collect();
        assert_eq!(found, known, "a new column of sealed texts belongs into COLUMNS or UNDER_PEOPLE");
    }

    /// Where a column's value belongs: object, id, field. `row` chooses one of two rows.
    fn places(row: u8) -> Vec<(&'static str, Vec<u8>, &'static str)> {
        let field = |c: &Column| match c.field {
            Field::Is(name) => name,
            Field::In("place") => "share",
            Field::In(_) => "step 3",
        };
        COLUMNS.iter().map(|c| (c.object, vec![row; 16], field(c))).collect()
    }

    #[test]
    fn the_ciphertext_of_one_column_row_or_tenant_opens_in_no_other() {
        let (here, there) = (world(), world());
        let mut all = Vec::new();
        for (tenant, w) in [&here, &there].into_iter().enumerate() {
            for (object, id, field) in places(1).into_iter().chain(places(2)) {
                let sealed = w.vault.seal_bytes(object, &id, field, b"what was written").unwrap();
                all.push((tenant, object, id, field, sealed));
            }
        }
        let names: BTreeSet<_> = all.iter().map(|(t, o, id, f, _)| (*t, *o, id.clone(), *f)).collect();
        assert_eq!(
            names.len(),
            all.len(),
            "two columns must not share a place, or their values could be swapped"
        );
        assert_eq!(all.len(), 4 * COLUMNS.len());
        for (i, (.., sealed)) in all.iter().enumerate() {
            for (j, (tenant, object, id, field, _)) in all.iter().enumerate() {
                let vault = if *tenant == 0 { &here.vault } else { &there.vault };
                let opened = vault.open_bytes(object, id, field, sealed);
                assert_eq!(opened.is_ok(), i == j, "{:?} in {:?}", &all[i].1, (object, field));
            }
        }
        // Cut, or marked as another form or of another key: refused in its own place, too.
        for (tenant, object, id, field, sealed) in &all {
            let vault = if *tenant == 0 { &here.vault } else { &there.vault };
            for len in [0, 1, 33, 65, sealed.len() - 1] {
                assert!(vault.open_bytes(object, id, field, &sealed[..len]).is_err());
            }
            for form in (0..=255).filter(|f| *f != sealed[0]) {
                let mut other = sealed.clone();
                other[0] = form;
                assert!(vault.open_bytes(object, id, field, &other).is_err(), "form {form}");
            }
        }
    }

    /// Every ordered pair of rows of a table: the first row gets the second one's bytes, `reads` says whether all still opens.
    fn swapped(w: &crate::testing::World, table: &str, column: &str, reads: &dyn Fn() -> bool) -> usize {
        let rows: Vec<(i64, Vec<u8>)> = {
            let db = w.vault.db();
            let mut statement = db
                .prepare(&format!(
                    "SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY rowid"
                ))
                .unwrap();
            statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().map(Result::unwrap).collect()
        };
        let set = |row: i64, bytes: &[u8]| {
            let sql = format!("UPDATE {table} SET {column} = ?2 WHERE rowid = ?1");
            assert_eq!(w.vault.db().execute(&sql, params![row, bytes]).unwrap(), 1);
        };
        assert!(reads(), "{table}.{column} as it was");
        let mut tried = 0;
        for (into, own) in &rows {
            for (from, foreign) in &rows {
                if into != from {
                    set(*into, foreign);
                    assert!(!reads(), "{table}.{column}: row {from} in row {into}");
                    tried += 1;
                }
            }
            set(*into, &own[..own.len() - 1]);
            assert!(!reads(), "{table}.{column}: row {into} cut");
            set(*into, own);
        }
        assert!(reads(), "{table}.{column} laid back");
        tried
    }

    #[test]
    fn a_value_or_key_of_one_person_call_or_recording_opens_in_no_other_row() {
        let w = world();
        let calls = [w.call(1), w.call(2), w.call(3)];
        let own = |table: &str, column: &str, reads: &dyn Fn() -> bool| swapped(&w, table, column, reads);
        let words = || calls.iter().all(|id| w.vault.masked(*id).is_ok());
        let audio = || {
            let whole = |r: Result<crate::blob::BlobReader, Error>| {
                r.is_ok_and(|mut r| std::io::copy(&mut r, &mut std::io::sink()).is_ok())
            };
            calls.iter().all(|id| whole(w.vault.original(*id)) && whole(w.vault.redacted_audio(*id)))
        };
        let tokens = || {
            let db = w.vault.db();
            let mut statement = db.prepare("SELECT id, party, entity, sealed_value FROM token").unwrap();
            let rows: Vec<(String, Vec<u8>, String, Vec<u8>)> = statement
                .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            rows.iter().all(|(token, party, entity, sealed)| {
                w.vault.party_key(&db, crate::keys::id_of(party).unwrap()).is_ok_and(|(key, subject)| {
                    let aad = w.vault.aad(Some(subject), "token", token.as_bytes(), entity);
                    callvault_seal::open(&key, &aad, sealed).is_ok()
                })
            })
        };
        let parties = || {
            let db = w.vault.db();
            let mut statement = db.prepare("SELECT id FROM party").unwrap();
            let ids: Vec<Vec<u8>> =
                statement.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
            ids.iter().all(|id| w.vault.party_key(&db, crate::keys::id_of(id).unwrap()).is_ok())
        };
        let contacts = || {
            let db = w.vault.db();
            let mut statement =
                db.prepare("SELECT subject, field, blind_index, sealed_value FROM contact").unwrap();
            let rows: Vec<(Vec<u8>, String, Vec<u8>, Vec<u8>)> = statement
                .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            rows.iter().all(|(subject, field, index, sealed)| {
                let id = crate::keys::id_of(subject).unwrap();
                let key = w.vault.subject_key(&db, id);
                key.is_ok_and(|k| {
                    callvault_seal::open(&k, &w.vault.aad(Some(id), "contact", index, field), sealed).is_ok()
                })
            })
        };
        assert_eq!(own("turn", "sealed_text", &words), 3 * 2);
        assert_eq!(own("token", "sealed_value", &tokens), 6 * 5);
        assert_eq!(own("party", "wrapped_key", &parties), 6 * 5);
        assert_eq!(own("subject", "wrapped_key", &contacts), 2);
        assert_eq!(own("contact", "sealed_value", &contacts), 2);
        assert_eq!(own("object", "wrapped_key", &audio), 6 * 5);
        // The files themselves: one recording under the name of another.
        let files: Vec<_> =
            crate::blob::list(&w.vault.blobs()).unwrap().into_iter().map(|(_, p)| p).collect();
        assert_eq!(files.len(), 6);
        for into in &files {
            let whole = std::fs::read(into).unwrap();
            for from in files.iter().filter(|f| *f != into) {
                std::fs::copy(from, into).unwrap();
                assert!(!audio(), "{} in {}", from.display(), into.display());
            }
            std::fs::write(into, whole).unwrap();
        }
        assert!(audio());
    }
}

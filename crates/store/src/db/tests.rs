use super::{translate, *};

#[test]
fn marks_and_literals_are_written_as_the_server_wants_them() {
    for (ours, theirs) in [
        ("SELECT a FROM t WHERE b = ?1 AND c < ?12", "SELECT a FROM t WHERE b = $1 AND c < $12"),
        (
            "UPDATE t SET a = x'', b = '?1 x''' WHERE c = ?1",
            "UPDATE t SET a = '\\x'::bytea, b = '?1 x''' WHERE c = $1",
        ),
        ("SELECT x'0aff', max'x'", "SELECT '\\x0aff'::bytea, max'x'"),
        ("SELECT CAST(?1 AS BLOB)", "SELECT CAST($1 AS BYTEA)"),
    ] {
        assert_eq!(translate::statement(ours), theirs);
    }
}

#[test]
fn tables_are_numbered_typed_and_compared_as_sqlite_does() {
    let sql = translate::definition(
        "CREATE TABLE t (id BLOB PRIMARY KEY, n INTEGER, x REAL, s TEXT NOT NULL) STRICT;
         CREATE TABLE u (a TEXT, PRIMARY KEY (a)) STRICT, WITHOUT ROWID;
         CREATE TRIGGER gone AFTER DELETE ON t BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('t', OLD.id); END;
         DROP TRIGGER gone;
         DROP TABLE u;
         CREATE TRIGGER left AFTER DELETE ON t
           BEGIN INSERT INTO erasure (kind, id) SELECT 't', CAST(OLD.id || OLD.id AS BLOB) WHERE OLD.n IS NULL; END;",
    );
    for part in [
        "t (id BYTEA PRIMARY KEY, n BIGINT, x DOUBLE PRECISION, s TEXT COLLATE \"C\" NOT NULL, rowid BIGINT",
        "u (a TEXT COLLATE \"C\", PRIMARY KEY (a));",
        "CREATE FUNCTION gone() RETURNS trigger",
        "((SELECT COALESCE(MAX(seq), 0) + 1 FROM erasure), 't', OLD.id) ON CONFLICT DO NOTHING; RETURN NULL;",
        "CREATE TRIGGER gone AFTER DELETE ON t FOR EACH ROW WHEN (TRUE) EXECUTE FUNCTION gone();",
        "DROP FUNCTION gone() CASCADE;",
        "DROP TABLE u;",
        "SELECT (SELECT COALESCE(MAX(seq), 0) + 1 FROM erasure), 't', CAST(OLD.id || OLD.id AS BYTEA) WHERE OLD.n IS NULL; RETURN NULL;",
    ] {
        assert!(sql.contains(part), "{part}\n{sql}");
    }
    assert!(!sql.contains("STRICT") && !sql.contains("OR IGNORE"), "{sql}");
}

#[test]
fn a_transaction_that_is_not_committed_never_was() {
    let mut db = Connection::scratch().unwrap();
    db.define("CREATE TABLE t (n INTEGER) STRICT").unwrap();
    {
        let tx = Transaction::new(&mut db).unwrap();
        tx.execute("INSERT INTO t (n) VALUES (?1)", [1i64]).unwrap();
    }
    let tx = Transaction::new(&mut db).unwrap();
    tx.execute("INSERT INTO t (n) VALUES (?1)", [2i64]).unwrap();
    tx.commit().unwrap();
    let all: Vec<i64> = db
        .prepare("SELECT n FROM t")
        .unwrap()
        .query_map([], |r| r.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(all, [2]);
    assert!(
        db.query_row("SELECT n FROM t WHERE n = 3", [], |r| r.get::<_, i64>(0)).optional().unwrap().is_none()
    );
}

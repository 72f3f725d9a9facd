//! From the SQL of this crate to that of PostgreSQL: marks of parameters, names of types, triggers.

/// The table with the version of the schema; SQLite keeps the number in the head of its file.
pub(super) const VERSION: &str = "schema_version";

/// A statement that reads or writes rows.
pub(super) fn statement(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut quoted = false;
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                quoted = !quoted;
                out.push(c);
            }
            '?' if !quoted => out.push('$'),
            // x'' is the one literal of bytes that is written: none.
            'x' if !quoted
                && chars.peek() == Some(&'\'')
                && !out.ends_with(|c: char| c.is_alphanumeric()) =>
            {
                chars.next();
                let mut hex = String::new();
                for digit in chars.by_ref().take_while(|c| *c != '\'') {
                    hex.push(digit);
                }
                out.push_str(&format!("'\\x{hex}'::bytea"));
            }
            c => out.push(c),
        }
    }
    out.replace(" AS BLOB)", " AS BYTEA)")
}

/// What the statements use and PostgreSQL lacks: the days since noon of 24 November 4714 BC at which a time stands.
const JULIANDAY: &str =
    "CREATE OR REPLACE FUNCTION julianday(at text) RETURNS double precision LANGUAGE sql STABLE
  AS $body$ SELECT extract(julian FROM at::timestamptz AT TIME ZONE 'UTC')::double precision $body$;";

/// Statements that make tables, indices and triggers.
pub(super) fn definition(sql: &str) -> String {
    const DROP: &str = "DROP TRIGGER ";
    const BEGIN: &str = "CREATE TRIGGER ";
    const END: &str = "END;";
    let mut out = JULIANDAY.to_owned();
    // Its function takes a trigger with it.
    let dropped = sql.split(DROP).enumerate().map(|(n, part)| match part.split_once(';') {
        Some((name, after)) if n > 0 => format!("DROP FUNCTION {name}() CASCADE;{after}"),
        _ => part.to_owned(),
    });
    let sql = dropped.collect::<String>();
    let mut rest = sql.as_str();
    while let Some((before, from)) = rest.split_once(BEGIN) {
        out.push_str(&types(before));
        let (text, after) = from.split_once(END).unwrap_or((from, ""));
        out.push_str(&trigger(text));
        rest = after;
    }
    out.push_str(&types(rest));
    out
}

/// Names of types, word by word; what only SQLite says of a table is left out. Rows that SQLite numbers are numbered here.
/// Text is compared byte by byte, as SQLite does.
fn types(sql: &str) -> String {
    const NUMBER: &str = ", rowid BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE)";
    let sql = statement(sql).replace(") STRICT, WITHOUT ROWID", ")").replace(") STRICT", NUMBER);
    let mut out = String::with_capacity(sql.len());
    let mut word = String::new();
    for c in sql.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        out.push_str(match word.as_str() {
            "BLOB" => "BYTEA",
            "INTEGER" => "BIGINT",
            "REAL" => "DOUBLE PRECISION",
            "TEXT" => "TEXT COLLATE \"C\"",
            other => other,
        });
        word.clear();
        out.push(c);
    }
    out
}

/// `NAME AFTER … ON table [WHEN condition] BEGIN statement; ` as a function and a trigger that calls it.
fn trigger(text: &str) -> String {
    let (head, body) = text.split_once("BEGIN").unwrap_or((text, ""));
    let (event, condition) = head.split_once("WHEN").unwrap_or((head, "TRUE"));
    let name = event.split_whitespace().next().unwrap_or_default();
    // The numbers of erasures have no gaps, also where a transaction was undone: no sequence gives them.
    const NUMBER: &str = "(SELECT COALESCE(MAX(seq), 0) + 1 FROM erasure)";
    let once = if body.contains(" OR IGNORE ") { " ON CONFLICT DO NOTHING" } else { "" };
    let body = body
        .trim()
        .trim_end_matches(';')
        .replace(" OR IGNORE ", " ")
        .replace(
            "INTO erasure (kind, id) VALUES (",
            &format!("INTO erasure (seq, kind, id) VALUES ({NUMBER}, "),
        )
        .replace(
            "INTO erasure (kind, id) SELECT ",
            &format!("INTO erasure (seq, kind, id) SELECT {NUMBER}, "),
        )
        .replace("CAST(OLD.id AS BLOB)", "convert_to(OLD.id, 'UTF8')")
        .replace(" AS BLOB)", " AS BYTEA)");
    format!(
        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$
         BEGIN {body}{once}; RETURN NULL; END $body$;
         CREATE TRIGGER {} FOR EACH ROW WHEN ({}) EXECUTE FUNCTION {name}();",
        event.trim(),
        condition.trim()
    )
}

//! What was erased, noted by the database itself whichever command did it; `erasure.rs` copies it beside the key file.

pub const SQL: &str = "
CREATE TABLE erasure (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id BLOB NOT NULL, UNIQUE (kind, id)) STRICT;
CREATE TRIGGER erased_object AFTER UPDATE OF wrapped_key ON object
  WHEN NEW.wrapped_key IS NULL AND OLD.wrapped_key IS NOT NULL
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('object', OLD.id); END;
CREATE TRIGGER erased_party AFTER UPDATE OF wrapped_key ON party
  WHEN NEW.wrapped_key IS NULL AND OLD.wrapped_key IS NOT NULL
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('party', OLD.id); END;
CREATE TRIGGER erased_name AFTER UPDATE OF sealed_name ON party
  WHEN NEW.sealed_name IS NULL AND OLD.sealed_name IS NOT NULL
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('name', OLD.id); END;
CREATE TRIGGER erased_subject AFTER UPDATE OF wrapped_key ON subject
  WHEN NEW.wrapped_key IS NULL AND OLD.wrapped_key IS NOT NULL
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('subject', OLD.id); END;
CREATE TRIGGER erased_source AFTER UPDATE OF sealed_source ON conversation
  WHEN length(NEW.sealed_source) = 0 AND length(OLD.sealed_source) > 0
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('source', OLD.id); END;
CREATE TRIGGER erased_copy AFTER UPDATE OF sealed_detail ON copy
  WHEN length(NEW.sealed_detail) = 0 AND length(OLD.sealed_detail) > 0
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('copies', OLD.conversation); END;
CREATE TRIGGER erased_token AFTER DELETE ON token
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('token', CAST(OLD.id AS BLOB)); END;
CREATE TRIGGER erased_turn AFTER DELETE ON turn
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('turns', OLD.conversation); END;
CREATE TRIGGER erased_contact AFTER DELETE ON contact
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('contact', OLD.blind_index); END;
CREATE TRIGGER erased_certificate AFTER DELETE ON certificate
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('certificate', OLD.conversation); END;
CREATE TRIGGER erased_part AFTER DELETE ON upload_part
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('part', OLD.object); END;
";

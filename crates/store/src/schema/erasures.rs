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

/// What an erasure asks for, found without reading what is not the person's: its time does not grow with the vault.
pub const REACH: &str = "
CREATE INDEX contact_of_subject ON contact(subject);
CREATE INDEX object_dead ON object(id)
  WHERE wrapped_key IS NULL AND blob_removed_at IS NULL AND kind <> 'original';
CREATE INDEX subject_link_from ON subject_link(from_subject);
CREATE INDEX subject_link_into ON subject_link(into_subject);
CREATE INDEX grant_of_target ON access_grant(target);
CREATE INDEX reveal_of_conversation ON reveal_request(conversation);
CREATE INDEX attachment_of_conversation ON attachment(conversation);
";

/// Each erasure is noted, also of what was erased before under the same name; what is gone with the key of its party needs
/// no note of its own, and a person costs six rows instead of twenty.
pub const EACH: &str = "
DROP TRIGGER erased_object;
DROP TRIGGER erased_party;
DROP TRIGGER erased_name;
DROP TRIGGER erased_subject;
DROP TRIGGER erased_source;
DROP TRIGGER erased_copy;
DROP TRIGGER erased_token;
DROP TRIGGER erased_turn;
DROP TRIGGER erased_contact;
DROP TRIGGER erased_certificate;
DROP TRIGGER erased_part;
DROP TRIGGER erased_consent;
DROP TRIGGER erased_tenant;
CREATE TABLE erased (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id BLOB NOT NULL) STRICT;
INSERT INTO erased (seq, kind, id) SELECT seq, kind, id FROM erasure;
DROP TABLE erasure;
ALTER TABLE erased RENAME TO erasure;
CREATE TRIGGER erased_object AFTER UPDATE OF wrapped_key ON object
  WHEN NEW.wrapped_key IS NULL AND OLD.wrapped_key IS NOT NULL
  BEGIN INSERT INTO erasure (kind, id) VALUES ('object', OLD.id); END;
CREATE TRIGGER erased_party AFTER UPDATE OF wrapped_key ON party
  WHEN NEW.wrapped_key IS NULL AND OLD.wrapped_key IS NOT NULL
  BEGIN INSERT INTO erasure (kind, id) VALUES ('party', OLD.id); END;
CREATE TRIGGER erased_name AFTER UPDATE OF sealed_name ON party
  WHEN NEW.sealed_name IS NULL AND OLD.sealed_name IS NOT NULL AND NEW.wrapped_key IS NOT NULL
  BEGIN INSERT INTO erasure (kind, id) VALUES ('name', OLD.id); END;
CREATE TRIGGER erased_subject AFTER UPDATE OF wrapped_key ON subject
  WHEN NEW.wrapped_key IS NULL AND OLD.wrapped_key IS NOT NULL
  BEGIN INSERT INTO erasure (kind, id) VALUES ('subject', OLD.id); END;
CREATE TRIGGER erased_source AFTER UPDATE OF sealed_source ON conversation
  WHEN length(NEW.sealed_source) = 0 AND length(OLD.sealed_source) > 0
  BEGIN INSERT INTO erasure (kind, id) VALUES ('source', OLD.id); END;
CREATE TRIGGER erased_copy AFTER UPDATE OF sealed_detail ON copy
  WHEN length(NEW.sealed_detail) = 0 AND length(OLD.sealed_detail) > 0
  BEGIN INSERT INTO erasure (kind, id) VALUES ('copies', OLD.conversation); END;
CREATE TRIGGER erased_token AFTER DELETE ON token
  BEGIN INSERT INTO erasure (kind, id) SELECT 'token', CAST(OLD.id AS BLOB)
    WHERE NOT EXISTS (SELECT 1 FROM party WHERE id = OLD.party AND wrapped_key IS NULL); END;
CREATE TRIGGER erased_turn AFTER DELETE ON turn
  BEGIN INSERT INTO erasure (kind, id) SELECT 'turns', CAST(OLD.conversation || OLD.party AS BLOB)
    WHERE NOT EXISTS (SELECT 1 FROM party WHERE id = OLD.party AND wrapped_key IS NULL)
      AND NOT EXISTS (SELECT 1 FROM erasure WHERE seq = (SELECT MAX(seq) FROM erasure)
        AND kind = 'turns' AND id = CAST(OLD.conversation || OLD.party AS BLOB)); END;
CREATE TRIGGER erased_contact AFTER DELETE ON contact
  BEGIN INSERT INTO erasure (kind, id) VALUES ('contact', OLD.blind_index); END;
CREATE TRIGGER erased_certificate AFTER DELETE ON certificate
  BEGIN INSERT INTO erasure (kind, id) VALUES ('certificate', OLD.conversation); END;
CREATE TRIGGER erased_part AFTER DELETE ON upload_part
  BEGIN INSERT INTO erasure (kind, id) VALUES ('part', OLD.object); END;
CREATE TRIGGER erased_consent AFTER DELETE ON consent
  BEGIN INSERT INTO erasure (kind, id) VALUES ('consent', OLD.id); END;
CREATE TRIGGER erased_tenant AFTER UPDATE OF wrapped_key ON tenant_vault
  WHEN NEW.wrapped_key IS NULL AND OLD.wrapped_key IS NOT NULL
  BEGIN INSERT INTO erasure (kind, id) VALUES ('tenant', OLD.id); END;
";

//! What the tests of access share: a clock that can be moved, a vault with one recorded call, people who signed in.

use crate::{
    Actor, DatabaseServer, FileServer, NewConversation, NewParty, NewVault, ProvenText, Recorded,
    RecordedAudio, RecordedFinding, RecordedTurn, SealedBlob, Session, Vault, factors::Enrolment,
};
use callvault_model::{
    Channel, Clock, EntityType, Id, Role as Part, Secret, SystemClock,
    id::{AccountId, ConversationId},
};
use callvault_policy::{Role, factor::totp::TotpSecret};
use callvault_seal::OsEntropy;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};
use totp_rs::{Algorithm, Builder};

pub const PASSWORD: &str = "copper lantern under seven bridges";
pub const CARD: &str = "4242 4242 4242 4242";
pub const NAME: &str = "Dana Whitfield";

/// A clock that a test moves.
pub struct Moving(Mutex<Timestamp>);

impl Moving {
    pub fn forward(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }
}

impl Clock for Moving {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

pub struct World {
    pub dir: tempfile::TempDir,
    pub clock: Arc<Moving>,
    pub vault: Arc<Vault>,
}

/// Somebody with password and app.
pub struct Person {
    pub id: AccountId,
    pub login: String,
    pub app: TotpSecret,
    pub recovery: Vec<Secret<String>>,
}

/// Names the database server of this run; every vault gets a schema of its own there. Without it, vaults are files.
pub const SERVER: &str = "CALLVAULT_TEST_DATABASE";

/// A schema nobody else uses, where this run has a server.
pub fn server() -> Option<DatabaseServer> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let url = std::env::var(SERVER).ok()?;
    let schema = format!("t{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    Some(DatabaseServer::new(&url, &schema, None, None).unwrap())
}

/// Names the S3 server of this run; every vault gets a prefix of its own there. Without it, sealed files are in directories.
pub const FILES: &str = "CALLVAULT_TEST_FILES";

/// A prefix nobody else uses, where this run has a server; the second part of the variable names the credentials.
pub fn files() -> Option<FileServer> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let named = std::env::var(FILES).ok()?;
    let (endpoint, credentials) = named.split_once(' ').unwrap();
    let place = format!("s3://vaults/t{}/{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    Some(FileServer::new(&place, Some(endpoint), "us-east-1", credentials.into(), None).unwrap())
}

pub fn world() -> World {
    world_with(server(), files())
}

/// A world whose database is named.
pub fn world_on(server: Option<DatabaseServer>) -> World {
    world_with(server, None)
}

/// A world whose database and place of sealed files are named.
pub fn world_with(server: Option<DatabaseServer>, files: Option<FileServer>) -> World {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Moving(Mutex::new("2026-11-24T10:00:00Z".parse().unwrap())));
    let new = NewVault {
        dir: &dir.path().join("data"),
        key_file: &dir.path().join("keys/v.key"),
        protection: callvault_seal::Protection::None,
        shares: (2, 3),
        server: server.as_ref(),
        files: files.as_ref(),
    };
    let id = Id::new(&SystemClock, &OsEntropy).unwrap();
    let vault = Vault::init(&new, id, clock.clone(), "local-operator").unwrap().vault;
    World { dir, clock, vault: Arc::new(vault) }
}

impl World {
    pub fn forward(&self, seconds: i64) {
        self.clock.forward(SignedDuration::from_secs(seconds));
    }

    /// How many sealed files stand where the vault keeps them, or lie in its data directory.
    pub fn sealed_files(&self) -> usize {
        let mut all = self.vault.shelf.all().unwrap();
        all.extend(crate::blob::list(&self.vault.blobs()).unwrap().into_iter().map(|(id, _)| id));
        all.len()
    }

    /// The program starts again.
    pub fn reopen(self) -> World {
        self.reopen_at("data")
    }

    /// The same on another data directory of this world.
    pub fn reopen_at(self, data: &str) -> World {
        let World { dir, clock, vault } = self;
        drop(vault);
        let vault = Vault::open(
            &dir.path().join(data),
            &dir.path().join("keys/v.key"),
            None,
            clock.clone(),
            "worker",
        )
        .unwrap();
        World { dir, clock, vault: Arc::new(vault) }
    }

    /// A person who came by invitation.
    pub fn person(&self, login: &str, roles: &[Role]) -> Person {
        let roles: BTreeSet<Role> = roles.iter().copied().collect();
        let (_, link) = self.vault.invite(&Actor::LocalOperator, login, "Test Person", &roles).unwrap();
        self.accept(login, &link)
    }

    pub fn accept(&self, login: &str, link: &Secret<String>) -> Person {
        let app = TotpSecret::make(&OsEntropy).unwrap();
        let enrolment = Enrolment::App {
            password: Secret::new(PASSWORD.into()),
            totp: TotpSecret::from_bytes(app.expose()).unwrap(),
            code: self.code(&app),
        };
        let accepted = self.vault.accept_invite(link.expose(), enrolment).unwrap();
        let id = accepted.signed_in.account();
        Person { id, login: login.into(), app, recovery: accepted.recovery_codes }
    }

    /// The code the app shows now.
    pub fn code(&self, app: &TotpSecret) -> String {
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(1)
            .with_step_duration(30)
            .with_secret(app.expose().to_vec())
            .with_issuer(Some("callvault"))
            .with_account_name("account")
            .build()
            .unwrap();
        totp.generate(u64::try_from(self.clock.now().as_second()).unwrap()).to_string()
    }

    /// A fresh session; time goes on so that the code is a new one.
    pub fn sign_in(&self, person: &Person) -> (String, Session) {
        self.forward(31);
        let code = self.code(&person.app);
        let signed =
            self.vault.sign_in_password(&person.login, &Secret::new(PASSWORD.into()), &code).unwrap();
        let token = self.vault.start_session(signed).unwrap();
        let session = self.vault.session(token.expose()).unwrap().unwrap();
        (token.expose().clone(), session)
    }

    /// Somebody of these roles, signed in.
    pub fn signed_in(&self, login: &str, roles: &[Role]) -> Session {
        self.sign_in(&self.person(login, roles)).1
    }

    /// A recorded call with a name and a card number; its muted recording is 100 kB.
    pub fn call(&self, number: u8) -> ConversationId {
        let vault = &self.vault;
        let fill = |byte: u8| {
            move |w: &mut dyn std::io::Write| {
                w.write_all(&vec![byte; 100_000]).unwrap();
                Ok::<_, crate::Error>(())
            }
        };
        let mut original =
            SealedBlob::write(&vault.blobs(), vault.tenant(), &OsEntropy, fill(number)).unwrap();
        original.keep();
        let party = |role, address: &str| NewParty { role, address: Some(address.into()), name: None };
        let new = NewConversation {
            channel: Channel::Voice,
            started_at: None,
            duration_ms: 60_000,
            parties: vec![party(Part::Customer, "+1 202 555 0142"), party(Part::Agent, "+1 202 555 0199")],
            content_sha256: [number; 32],
            source_name: "call.wav".into(),
            original: &original,
            copies: Vec::new(),
        };
        let id = vault.receive(&new).unwrap().unwrap();
        let mut muted = SealedBlob::write(&vault.blobs(), vault.tenant(), &OsEntropy, fill(0)).unwrap();
        muted.keep();
        let finding = |entity, value, text: &str| RecordedFinding {
            turn: 0,
            entity,
            start_ms: 1_000,
            end_ms: 2_000,
            score: 1.0,
            recognizer: "test".into(),
            value,
            text: Some(text.into()),
        };
        let turn =
            RecordedTurn { party: 0, start_ms: 0, end_ms: 5_000, text: "I am [PERSON], card [CARD]".into() };
        let done = Recorded {
            turns: vec![turn],
            findings: vec![finding(EntityType::Person, 1, NAME), finding(EntityType::CreditCard, 2, CARD)],
            audio: Some(RecordedAudio { muted: &muted }),
            attachments: Vec::new(),
            opt_outs: Vec::new(),
            proof: ProvenText { level: "independent", facts: "{}".into() },
        };
        vault.record(id, &done).unwrap();
        id
    }

    /// The token of this type.
    pub fn token(&self, id: ConversationId, entity: EntityType) -> String {
        self.vault
            .db()
            .query_row(
                "SELECT id FROM token WHERE conversation = ?1 AND entity = ?2",
                crate::db::params![id.as_bytes(), entity.as_str()],
                |r| r.get(0),
            )
            .unwrap()
    }

    /// From now on the last thing that a transaction of the ledger writes fails, or no longer.
    pub fn break_ledger(&self, broken: bool) {
        // What was read before stays remembered.
        let db = self.vault.db_for_entries();
        let sql = match (db.is_file(), broken) {
            (true, true) => {
                "CREATE TRIGGER stop BEFORE INSERT ON ledger_checkpoint BEGIN SELECT RAISE(ABORT, 'disk'); END"
            }
            (true, false) => "DROP TRIGGER stop",
            (false, true) => {
                "CREATE OR REPLACE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'disk'; END $$;
                 CREATE TRIGGER stop BEFORE INSERT ON ledger_checkpoint FOR EACH ROW EXECUTE FUNCTION stop()"
            }
            (false, false) => "DROP TRIGGER stop ON ledger_checkpoint",
        };
        db.execute_batch(sql).unwrap();
    }

    /// From now on the database takes no entry of this actor.
    pub fn refuse_entries_of(&self, actor: &str) {
        let db = self.vault.db_for_entries();
        let sql = if db.is_file() {
            format!(
                "CREATE TRIGGER refuse BEFORE INSERT ON ledger_entry WHEN instr(CAST(NEW.body AS TEXT), '\"{actor}\"') > 0
                 BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        } else {
            format!(
                "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                   IF position('\"{actor}\"' IN convert_from(NEW.body, 'UTF8')) > 0 THEN RAISE EXCEPTION 'refused'; END IF;
                   RETURN NEW; END $$;
                 CREATE TRIGGER refuse BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
        };
        db.execute_batch(&sql).unwrap();
    }

    /// Whether these bytes stand in a file of the database, or, on a server, in any value of any row.
    pub fn holds(&self, needle: &[u8]) -> bool {
        let found = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        let db = self.vault.db();
        if db.is_file() {
            let files = ["vault.db", "vault.db-wal"].map(|name| std::fs::read(self.vault.dir().join(name)));
            return files.into_iter().flatten().any(|bytes| found(&bytes));
        }
        db.tables().unwrap().iter().any(|table| {
            let columns = db.columns(table).unwrap();
            let mut statement = db.prepare(&format!("SELECT {} FROM {table}", columns.join(", "))).unwrap();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for n in 0..columns.len() {
                    let value = row.get_ref(n).unwrap();
                    if value.as_bytes().is_ok_and(found) {
                        return true;
                    }
                }
            }
            false
        })
    }

    /// Every ledger entry as text.
    pub fn ledger(&self) -> Vec<String> {
        let db = self.vault.db();
        let mut statement = db.prepare("SELECT body FROM ledger_entry ORDER BY seq").unwrap();
        let rows = statement.query_map([], |r| r.get::<_, Vec<u8>>(0)).unwrap();
        rows.map(|r| String::from_utf8(r.unwrap()).unwrap()).collect()
    }

    /// Entries of this kind.
    pub fn entries(&self, kind: &str) -> Vec<String> {
        let wanted = format!("\"kind\":\"{kind}\"");
        self.ledger().into_iter().filter(|e| e.contains(&wanted)).collect()
    }

    /// The ledger verifies offline.
    pub fn verify(&self) {
        let options = callvault_ledger::Options { key: None, anchors: Vec::new() };
        let found = crate::ledger::verify_data(self.vault.dir(), &options).unwrap();
        assert!(found.is_ok(), "{found:?}");
    }
}

/// The stable code of a refusal.
pub fn code<T: std::fmt::Debug>(result: Result<T, crate::Error>) -> String {
    match result.unwrap_err() {
        crate::Error::Denied(denied) => denied.code.to_owned(),
        crate::Error::Factor(factor) => factor.code().to_owned(),
        other => panic!("no refusal: {other}"),
    }
}

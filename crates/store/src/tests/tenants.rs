use crate::{
    Actor, Error, HoldTarget, Refused, Unlock, Vault,
    backup::{self, RestoreInto},
    settings::Measured,
    tenants::{EndTenant, Ended, Gone, Lodging, TenantName, TenantState},
    testing::{World, code, world},
    two_person::Shared,
};
use callvault_model::{EntityType, id::DecisionId};
use callvault_policy::Role;
use callvault_seal::{BackupKey, OsEntropy, Protection, SealError};
use jiff::SignedDuration;
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

const BY: Actor = Actor::LocalOperator;

fn named(name: &str) -> TenantName {
    name.parse().unwrap()
}

/// A tenant's vault as a world of its own, with the clock of its host.
fn guest(host: &World, vault: Vault) -> World {
    World { dir: tempfile::tempdir().unwrap(), clock: host.clock.clone(), vault: Arc::new(vault) }
}

fn added(host: &World, name: &str) -> World {
    guest(host, host.vault.add_tenant(&BY, &named(name), "a new client").unwrap())
}

/// As another process opens it, from the files alone.
fn lodged(host: &World, name: &str) -> Result<Vault, Error> {
    lodged_at(host, "data", name)
}

fn lodged_at(host: &World, data: &str, name: &str) -> Result<Vault, Error> {
    let (data, key) = (host.dir.path().join(data), host.dir.path().join("keys/v.key"));
    Lodging::of(&data, &key, None, &named(name))?.open(host.clock.clone(), "test")
}

fn opened(host: &World, name: &str) -> World {
    guest(host, lodged(host, name).unwrap())
}

fn releases(w: &World) {
    w.vault.enable_disposal(&BY, None, Measured::new(100, 100), 0).unwrap();
}

fn end(host: &World, name: &str, agreed: Option<DecisionId>) -> Result<Ended, Error> {
    let name = named(name);
    let vault = host.vault.open_tenant(&name).ok();
    host.vault.end_tenant(&BY, EndTenant { name: &name, vault, agreed, reason: "the contract ended" })
}

fn proven(host: &World, name: &str, ended: &Ended) -> Gone {
    let gone = host.vault.prove_ended(&named(name), ended).unwrap();
    host.vault
        .certify_tenant(ended, &"ab".repeat(32), |proof| Ok(format!("{{\"proof\":{}}}", proof.len())))
        .unwrap();
    gone
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

fn column(w: &World, sql: &str) -> Vec<Vec<u8>> {
    let db = w.vault.db();
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |r| r.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { out.extend(files_below(&path)) } else { out.push(path) }
    }
    out
}

fn stands_in(dir: &Path, needle: &[u8]) -> bool {
    files_below(dir).iter().any(|p| fs::read(p).unwrap().windows(needle.len()).any(|w| w == needle))
}

/// The wrap of a tenant's root key.
fn wrap(host: &World, name: &str) -> Vec<u8> {
    let sql = format!("SELECT wrapped_key FROM tenant_vault WHERE name = '{name}'");
    column(host, &sql).remove(0)
}

#[test]
fn the_same_caller_in_two_tenants_is_two_people_and_nothing_of_one_is_in_the_other() {
    let host = world();
    let (acme, borealis) = (added(&host, "acme"), added(&host, "borealis"));
    let one = acme.call(1);
    assert!(
        borealis.vault.conversations().unwrap().is_empty() && host.vault.conversations().unwrap().is_empty()
    );
    assert!(borealis.vault.find_by_contact(&BY, "+1 202 555 0142").unwrap().is_none());
    // The same bytes come in again: in this vault nobody has seen them.
    let two = borealis.call(1);
    let known = |w: &World| w.vault.find_by_contact(&BY, "+1 202 555 0142").unwrap().unwrap();
    assert_ne!(known(&acme), known(&borealis));
    for sql in [
        "SELECT blind_index FROM contact",
        "SELECT content_index FROM conversation",
        "SELECT id FROM subject",
        "SELECT CAST(id AS BLOB) FROM token",
        "SELECT wrapped_key FROM object",
    ] {
        let (a, b) = (column(&acme, sql), column(&borealis, sql));
        assert!(!a.is_empty() && a.len() == b.len());
        assert!(!a.iter().any(|v| b.contains(v)), "{sql}");
        // Nor in any file of the other, or of the host.
        for value in &a {
            assert!(!stands_in(borealis.vault.dir(), value), "{sql}");
            assert!(!["vault.db", "vault.db-wal"].iter().any(|f| {
                let bytes = fs::read(host.vault.dir().join(f)).unwrap();
                bytes.windows(value.len()).any(|w| w == value)
            }));
        }
    }
    assert!(matches!(borealis.vault.conversation(one), Err(Error::NoConversation(_))));
    assert!(matches!(acme.vault.masked(two), Err(Error::NoConversation(_))));
    let token = acme.token(one, EntityType::CreditCard);
    assert!(!column(&borealis, "SELECT CAST(id AS BLOB) FROM token").contains(&token.into_bytes()));
    // Certificates are signed by another key and stand in another ledger.
    assert_ne!(acme.vault.vkey(), borealis.vault.vkey());
    assert_ne!(acme.vault.vkey(), host.vault.vkey());
    releases(&acme);
    acme.vault.shred_original(one, "test").unwrap();
    let certificate = callvault_model::Id::new(acme.vault.clock(), &OsEntropy).unwrap();
    acme.vault.certify(one, certificate, &"ab".repeat(32), |_| Ok("{}".into())).unwrap();
    assert_eq!(
        (acme.vault.certificates().unwrap().len(), borealis.vault.certificates().unwrap().len()),
        (1, 0)
    );
    let mut all = Vec::new();
    borealis.vault.original(two).unwrap().read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), 100_000, "what one destroyed the other still has");
    for w in [&acme, &borealis, &host] {
        w.verify();
    }
}

#[test]
fn what_is_carried_from_one_tenant_into_the_other_does_not_open() {
    let host = world();
    let (acme, borealis) = (added(&host, "acme"), added(&host, "borealis"));
    let (one, two) = (acme.call(1), borealis.call(2));
    let place = |name: &str| host.vault.tenant_place(&named(name));
    // A row and its file: the key of an original, and the sealed words.
    let row: (Vec<u8>, Vec<u8>, Vec<u8>) = acme
        .vault
        .db()
        .query_row(
            "SELECT id, wrapped_key, epoch FROM object WHERE conversation = ?1 AND kind = 'original'",
            [one.as_bytes()],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
        )
        .unwrap();
    let text = column(&acme, "SELECT sealed_text FROM turn").remove(0);
    let file =
        format!("blobs/{}.sealed", crate::keys::id_of::<callvault_model::id::ObjectKind>(&row.0).unwrap());
    fs::copy(place("acme").join(&file), place("borealis").join(&file)).unwrap();
    let change =
        |sql: &str, values: &[&dyn crate::db::ToSql]| borealis.vault.db().execute(sql, values).unwrap();
    let of: &[u8] = two.as_bytes();
    change("PRAGMA foreign_keys = OFF", &[]);
    change("UPDATE turn SET sealed_text = ?1 WHERE conversation = ?2", &[&text, &of]);
    change(
        "UPDATE object SET id = ?1, wrapped_key = ?2 WHERE conversation = ?3 AND kind = 'original'",
        &[&row.0, &row.1, &of],
    );
    assert!(borealis.vault.masked(two).is_err());
    assert!(matches!(borealis.vault.original(two), Err(Error::Seal(_))));
    // With the other's epoch, too.
    change("UPDATE object SET epoch = ?1 WHERE conversation = ?2 AND kind = 'original'", &[&row.2, &of]);
    assert!(matches!(borealis.vault.original(two), Err(Error::Seal(SealError::EpochGone { .. }))));
    drop((acme, borealis));
    // A whole vault under another's name.
    let (a, b, aside) = (place("acme"), place("borealis"), host.dir.path().join("aside"));
    fs::rename(&b, &aside).unwrap();
    copy_dir(&a, &b);
    assert!(matches!(lodged(&host, "borealis"), Err(Error::WrongKey)));
    assert!(host.vault.tenants_that_do_not_open().unwrap().is_empty(), "the host's rows are whole");
    // A wrap under another's name.
    let swap =
        "UPDATE tenant_vault SET wrapped_key = (SELECT wrapped_key FROM tenant_vault WHERE name = 'acme')";
    host.vault.db().execute(swap, []).unwrap();
    assert!(matches!(lodged(&host, "borealis"), Err(Error::Seal(_))));
    assert_eq!(host.vault.tenants_that_do_not_open().unwrap(), ["borealis"]);
    lodged(&host, "acme").unwrap();
}

#[test]
fn a_tenant_opens_while_its_host_works_rotates_and_rolls() {
    let host = world();
    let id = added(&host, "acme").call(1);
    let opens = |host: &World| {
        let w = opened(host, "acme");
        assert_eq!(w.vault.source_name(id).unwrap(), "call.wav");
        assert!(w.vault.is_tenant() && !host.vault.is_tenant());
    };
    opens(&host);
    let before = wrap(&host, "acme");
    host.vault.begin_rotation(&BY).unwrap();
    opens(&host);
    assert_eq!(host.vault.rotate_tenant_key(&BY).unwrap().rewrapped, 1);
    opens(&host);
    assert_eq!(host.vault.roll_epoch(&BY).unwrap().rewrapped, 1);
    opens(&host);
    host.vault.destroy_retired_epochs(&BY, SignedDuration::ZERO).unwrap();
    assert_ne!(wrap(&host, "acme"), before);
    assert!(!stands_in(host.vault.dir(), &before[..48]));
    let host = host.reopen();
    opens(&host);
    assert!(host.vault.tenants_that_do_not_open().unwrap().is_empty());
    // It rolls by itself, and one process at a time works in it.
    let w = opened(&host, "acme");
    w.vault.roll_epoch(&BY).unwrap();
    w.vault.destroy_retired_epochs(&BY, SignedDuration::ZERO).unwrap();
    assert!(matches!(lodged(&host, "acme"), Err(Error::Locked(_))));
    drop(w);
    opens(&host);
}

#[test]
fn names_are_checked_and_never_used_twice() {
    let host = world();
    for bad in ["", "default", "Acme", "a/b", "..", ".", "-a", "a b", "a_b", "é", &"a".repeat(41)] {
        assert!(bad.parse::<TenantName>().is_err(), "{bad}");
    }
    drop(added(&host, &"a".repeat(40)));
    let w = added(&host, "acme");
    assert!(matches!(host.vault.add_tenant(&BY, &named("acme"), ""), Err(Error::Refused(_))));
    assert!(matches!(lodged(&host, "other"), Err(Error::Refused(Refused::Unknown(_)))));
    // A tenant has no tenants, and nothing takes its key out of its host.
    assert!(matches!(w.vault.add_tenant(&BY, &named("inner"), ""), Err(Error::Refused(_))));
    assert!(matches!(w.vault.new_shares((2, 3), None, &BY), Err(Error::Refused(_))));
    let file = host.dir.path().join("keys/taken.key");
    assert!(matches!(w.vault.protect(&file, Protection::None, None, &BY), Err(Error::Refused(_))));
    drop(w);
    fs::create_dir_all(host.vault.tenant_place(&named("there"))).unwrap();
    assert!(matches!(host.vault.add_tenant(&BY, &named("there"), ""), Err(Error::NotEmpty(_))));
    releases(&host);
    let ended = end(&host, "acme", None).unwrap();
    proven(&host, "acme", &ended);
    assert!(matches!(host.vault.add_tenant(&BY, &named("acme"), ""), Err(Error::TenantEnded { .. })));
    let rows = host.vault.tenants().unwrap();
    let states: Vec<_> = rows.iter().map(|r| r.state).collect();
    assert_eq!(states, [TenantState::Live, TenantState::Ended]);
    assert_eq!(rows[1].certificate, Some(ended.certificate));
}

#[test]
fn ending_leaves_no_key_no_file_and_nothing_to_find() {
    let host = world();
    let w = added(&host, "acme");
    let id = w.call(1);
    let key = BackupKey::create(
        &host.dir.path().join(format!("keys/{}.backup-key", w.vault.id())),
        w.vault.dir(),
        &OsEntropy,
    );
    w.vault.backup(&BY, &host.dir.path().join("acme.backup"), &key.unwrap()).unwrap();
    w.vault.shred_original(id, "test").unwrap();
    let words = column(&w, "SELECT sealed_text FROM turn").remove(0);
    drop(w);
    drop(added(&host, "borealis"));
    let (wrapped, keys) = (wrap(&host, "acme"), host.dir.path().join("keys"));
    let tenant = host.vault.tenant_named(&named("acme")).unwrap().id.to_string();
    let beside = || files_below(&keys).iter().filter(|p| p.to_string_lossy().contains(&tenant)).count();
    assert!(beside() >= 3, "an epoch, the list of erasures, the key of backups");
    assert!(stands_in(host.vault.dir(), &wrapped[..48]));
    releases(&host);
    let ended = end(&host, "acme", None).unwrap();
    assert_eq!(ended.reason, "the contract ended");
    assert!(ended.last_checkpoint.as_deref().unwrap().contains(&tenant));
    let gone = proven(&host, "acme", &ended);
    assert!(gone.scanned_bytes.unwrap() > 100_000 && gone.keys_overwritten >= 3, "{gone:?}");
    assert!(gone.files_overwritten >= 1 && gone.files_unlinked >= 1, "{gone:?}");
    for needle in [&wrapped[..48], &words[..48]] {
        assert!(!stands_in(host.dir.path(), needle));
    }
    assert_eq!(beside(), 0);
    assert!(!host.vault.tenant_place(&named("acme")).exists());
    assert!(matches!(lodged(&host, "acme"), Err(Error::TenantEnded { .. })));
    assert!(matches!(host.vault.open_tenant(&named("acme")), Err(Error::TenantEnded { .. })));
    assert!(matches!(end(&host, "acme", None), Err(Error::Refused(Refused::Closed(_)))));
    assert_eq!((host.entries("tenant.added").len(), host.entries("tenant.ended").len()), (2, 1));
    assert!(host.entries("tenant.ended")[0].contains(&tenant));
    assert!(!host.ledger().iter().any(|e| e.contains("acme")), "the ledger holds ids only");
    assert_eq!(host.vault.destroyed_count().unwrap(), 1);
    lodged(&host, "borealis").unwrap();
    host.verify();
}

#[test]
fn what_keeps_a_tenant_or_misses_an_agreement_ends_nothing() {
    let host = world();
    let w = added(&host, "acme");
    let id = w.call(1);
    let lives = |host: &World| drop(lodged(host, "acme").unwrap());
    drop(w);
    assert!(matches!(end(&host, "acme", None), Err(Error::Refused(Refused::ObserveMode))));
    releases(&host);
    let w = opened(&host, "acme");
    let review = w.vault.clock().now() + SignedDuration::from_hours(24);
    let hold = w.vault.place_hold(&BY, HoldTarget::Conversation(id), "a claim", review).unwrap();
    w.vault.mark_must_keep(&BY, id, "a contract").unwrap();
    let person = w.vault.find_by_contact(&BY, "+1 202 555 0142").unwrap().unwrap();
    w.vault.restrict(&BY, person, None, None).unwrap();
    // Somebody works in it.
    assert!(matches!(host.vault.open_tenant(&named("acme")), Err(Error::Locked(_))));
    assert!(
        matches!(end(&host, "acme", None), Err(Error::Refused(Refused::Invalid { .. }))),
        "it was not asked"
    );
    drop(w);
    let kept = |host: &World| match end(host, "acme", None) {
        Err(Error::Refused(Refused::TenantKeeps { holds, marked, restricted })) => {
            (holds, marked, restricted)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(kept(&host), (1, 1, 1));
    let w = opened(&host, "acme");
    w.vault.release_hold(&BY, hold).unwrap();
    w.vault.unmark_must_keep(&BY, id).unwrap();
    drop(w);
    assert_eq!(kept(&host), (0, 0, 1));
    let w = opened(&host, "acme");
    w.vault.unrestrict(&BY, person, None).unwrap();
    drop(w);
    // Its vault is gone: nobody can ask it, so nothing is destroyed.
    let (place, aside) = (host.vault.tenant_place(&named("acme")), host.dir.path().join("aside"));
    fs::rename(&place, &aside).unwrap();
    assert!(matches!(end(&host, "acme", None), Err(Error::Refused(Refused::Invalid { .. }))));
    fs::rename(&aside, &place).unwrap();
    // Another tenant's vault does not answer for it.
    drop(added(&host, "borealis"));
    let name = named("acme");
    let other = host.vault.open_tenant(&named("borealis")).ok();
    let order = EndTenant { name: &name, vault: other, agreed: None, reason: "the contract ended" };
    assert!(matches!(host.vault.end_tenant(&BY, order), Err(Error::WrongKey)));
    let (asks, agrees) =
        (host.signed_in("one", &[Role::PrivacyOfficer]), host.signed_in("two", &[Role::Compliance]));
    assert!(host.vault.ending_takes_two().unwrap());
    assert!(matches!(end(&host, "acme", None), Err(Error::Refused(Refused::NeedsAgreement))));
    let ask = |tenant: &str| {
        let terms = serde_json::json!({ "tenant": tenant });
        host.vault.request_second(&asks, Shared::EndTenant, &terms).unwrap()
    };
    let (mine, others) = (ask("acme"), ask("borealis"));
    assert_eq!(code(end(&host, "acme", Some(mine))), "needs_second_person");
    assert_eq!(code(host.vault.decide_second(&asks, mine, true)), "own_request");
    host.vault.decide_second(&agrees, mine, true).unwrap();
    host.vault.decide_second(&agrees, others, true).unwrap();
    assert!(matches!(end(&host, "acme", Some(others)), Err(Error::Refused(Refused::Invalid { .. }))));
    lives(&host);
    let ended = end(&host, "acme", Some(mine)).unwrap();
    assert_eq!(ended.agreed_by.unwrap(), agrees.actor().to_string());
}

#[test]
fn adding_and_ending_go_on_after_a_kill_anywhere() {
    let host = world();
    releases(&host);
    let name = named("acme");
    // Killed after the key was written, then while the vault was being made, then before the host knew that it stood.
    host.vault.note_tenant(&BY, &name, "").unwrap();
    let host = host.reopen();
    assert_eq!(host.vault.tenant_named(&name).unwrap().state, TenantState::Unfinished);
    let place = host.vault.tenant_place(&name);
    fs::create_dir_all(place.join("blobs")).unwrap();
    fs::write(place.join("making"), host.vault.tenant_named(&name).unwrap().id.to_string()).unwrap();
    assert!(matches!(lodged(&host, "acme"), Err(Error::Absent(_))));
    drop(added(&host, "acme"));
    host.vault.db().execute("UPDATE tenant_vault SET made_at = NULL", []).unwrap();
    let id = added(&host, "acme").call(1);
    assert_eq!(host.vault.tenant_named(&name).unwrap().state, TenantState::Live);
    assert_eq!(host.entries("tenant.added").len(), 1);
    assert_eq!(opened(&host, "acme").vault.source_name(id).unwrap(), "call.wav");
    // Killed after the command, after the proof, after the certificate was announced.
    for (n, kill) in ["ended", "proven", "announced"].into_iter().enumerate() {
        let one = format!("t{n}");
        drop(added(&host, &one));
        let ended = end(&host, &one, None).unwrap();
        if kill != "ended" {
            host.vault.prove_ended(&named(&one), &ended).unwrap();
        }
        if kill == "announced" {
            let killed = host.vault.certify_tenant(&ended, "00", |_| Err(Error::Corrupt("killed")));
            assert!(killed.is_err());
        }
    }
    let host = host.reopen();
    for n in 0..3 {
        let one = format!("t{n}");
        assert_eq!(host.vault.tenant_named(&named(&one)).unwrap().state, TenantState::Ending);
        assert!(matches!(lodged(&host, &one), Err(Error::TenantEnded { .. })));
        let ended = end(&host, &one, None).unwrap();
        assert_eq!(ended.reason, "the contract ended");
        assert_eq!(proven(&host, &one, &ended).scanned_bytes, None, "the wrap is no longer known");
        assert_eq!(host.vault.tenant_named(&named(&one)).unwrap().state, TenantState::Ended);
        assert!(!host.vault.tenant_place(&named(&one)).exists());
    }
    assert_eq!(host.entries("tenant.ended").len(), 3, "each act is recorded once");
    // A tenant that was never finished can be ended, too.
    host.vault.note_tenant(&BY, &named("never"), "").unwrap();
    let ended = end(&host, "never", None).unwrap();
    proven(&host, "never", &ended);
    host.verify();
}

#[test]
fn an_old_copy_of_the_host_does_not_bring_a_tenant_back() {
    let host = world();
    releases(&host);
    let id = added(&host, "acme").call(1);
    let key = BackupKey::create(&host.dir.path().join("away/b.key"), host.vault.dir(), &OsEntropy).unwrap();
    let archive = host.dir.path().join("host.backup");
    let done = host.vault.backup(&BY, &archive, &key).unwrap();
    assert_eq!(done.tenants_left_out, 1);
    copy_dir(host.vault.dir(), &host.dir.path().join("copy"));
    lodged_at(&host, "copy", "acme").unwrap().source_name(id).unwrap();
    let ended = end(&host, "acme", None).unwrap();
    proven(&host, "acme", &ended);
    // Before the roll: the copy is refused, and a restore ends the tenant again.
    assert!(matches!(lodged_at(&host, "copy", "acme"), Err(Error::OlderThanErasures)));
    let (new, key_file) = (host.dir.path().join("new"), host.dir.path().join("keys/v.key"));
    let into = |dir| RestoreInto { dir, key_file: &key_file, unlock: Unlock::File(None) };
    let restored = backup::restore(&archive, &key, into(&new), host.clock.clone(), &BY).unwrap();
    assert_eq!((restored.erased_again, restored.keys), (1, 0));
    assert!(matches!(lodged_at(&host, "new", "acme"), Err(Error::TenantEnded { .. })));
    // Whoever takes the list of erasures away too still opens it, until the epoch's key is destroyed.
    let list = host.dir.path().join("keys/v.erased");
    let kept = fs::read(&list).unwrap();
    fs::rename(&list, list.with_extension("aside")).unwrap();
    assert!(Lodging::of(&host.dir.path().join("copy"), &key_file, None, &named("acme")).is_ok());
    fs::write(&list, &kept).unwrap();
    host.vault.roll_epoch(&BY).unwrap();
    host.vault.destroy_retired_epochs(&BY, SignedDuration::ZERO).unwrap();
    assert!(host.vault.epochs().unwrap().iter().any(|e| e.id == ended.epoch && e.destroyed_at.is_some()));
    fs::rename(&list, list.with_extension("aside")).unwrap();
    let thief = Lodging::of(&host.dir.path().join("copy"), &key_file, None, &named("acme"));
    assert!(matches!(thief, Err(Error::Seal(SealError::EpochGone { .. }))));
}

#[test]
fn a_tenants_backup_comes_back_through_its_host_and_through_no_other() {
    let host = world();
    let w = added(&host, "acme");
    let id = w.call(1);
    let key = BackupKey::create(&host.dir.path().join("away/b.key"), w.vault.dir(), &OsEntropy).unwrap();
    let archive = host.dir.path().join("acme.backup");
    w.vault.backup(&BY, &archive, &key).unwrap();
    let place = w.vault.dir().to_owned();
    drop(w);
    drop(added(&host, "borealis"));
    let lodging = |name: &str| {
        let data = host.dir.path().join("data");
        Lodging::of(&data, &host.dir.path().join("keys/v.key"), None, &named(name)).unwrap()
    };
    let restore = |name: &str, dir: &Path| {
        let lodging = lodging(name);
        let key_file = lodging.key_file.clone();
        let into = RestoreInto { dir, key_file: &key_file, unlock: lodging.unlock() };
        backup::restore(&archive, &key, into, host.clock.clone(), &BY)
    };
    assert!(matches!(restore("acme", &place), Err(Error::NotEmpty(_))));
    fs::rename(&place, host.dir.path().join("lost")).unwrap();
    assert!(matches!(restore("borealis", &place), Err(Error::WrongKey)));
    assert!(!place.exists());
    let one = lodging("acme");
    let (key_file, clock) = (one.key_file.clone(), host.clock.clone());
    assert_eq!(backup::verify(&archive, &key, &key_file, one.unlock(), clock).unwrap().files, 2);
    assert_eq!(restore("acme", &place).unwrap().files, 2);
    assert_eq!(opened(&host, "acme").vault.source_name(id).unwrap(), "call.wav");
}

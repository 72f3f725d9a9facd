use super::*;
use callvault_model::{Channel, Id, SystemClock};
use callvault_seal::OsEntropy;
use callvault_store::{Class, NewVault, Protection, SealedBlob, settings::Measured};
use std::sync::Arc;

const BY: Actor = Actor::LocalOperator;

fn host(dir: &std::path::Path) -> Vault {
    let id = Id::new(&SystemClock, &OsEntropy).unwrap();
    let (data, key) = (dir.join("data"), dir.join("keys/v.key"));
    let new = NewVault {
        dir: &data,
        key_file: &key,
        protection: Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
    let vault = Vault::init(&new, id, Arc::new(SystemClock), "local-operator").unwrap().vault;
    vault.enable_disposal(&BY, None, Measured::new(100, 100), 0).unwrap();
    vault
}

fn call(vault: &Vault) {
    let fill = |w: &mut dyn std::io::Write| {
        w.write_all(&[7u8; 2_000]).unwrap();
        Ok::<_, callvault_store::Error>(())
    };
    let original = SealedBlob::write(&vault.blobs(), vault.tenant(), &OsEntropy, fill).unwrap();
    let new = callvault_store::NewConversation {
        channel: Channel::Voice,
        started_at: None,
        duration_ms: 1_000,
        parties: Vec::new(),
        content_sha256: [1; 32],
        source_name: "call.wav".into(),
        original: &original,
        copies: Vec::new(),
    };
    vault.receive(&new).unwrap().unwrap();
}

#[test]
fn a_tenant_is_ended_and_the_certificate_holds_for_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let name: TenantName = "acme".parse().unwrap();
    let tenant = host.add_tenant(&BY, &name, "").unwrap();
    call(&tenant);
    let (vkey, id) = (tenant.vkey().to_owned(), tenant.id().to_string());
    drop(tenant);
    assert_eq!(agreement(&host, &name).unwrap(), Agreement::NotNeeded);
    let made = end(&host, &BY, &name, None, "the contract ended").unwrap();
    let s = &made.statement;
    assert_eq!(
        (s.tenant.as_str(), s.tenant_vkey.as_str(), s.reason.as_str()),
        (&*id, &*vkey, "the contract ended")
    );
    assert!(s.last_checkpoint.as_deref().unwrap().contains(&id));
    assert!(s.remains[0].until.contains(&s.key_epoch));
    made.verify(Some(host.vkey())).unwrap();
    assert!(made.verify(Some(&vkey)).is_err(), "its own key did not sign it");
    let stored = host.tenant_certificates().unwrap();
    assert_eq!(Certificate::parse(stored[0].as_bytes()).unwrap(), made);
    let changed = |change: fn(&mut Statement)| {
        let mut other = made.clone();
        change(&mut other.statement);
        other.verify(None)
    };
    assert!(changed(|s| s.name = "borealis".into()).is_err());
    assert!(changed(|s| s.irrecoverable_at = Some(s.live_erased_at.clone())).is_err());
    assert!(changed(|s| s.remains.clear()).is_err());
    // The proof of another certificate does not do.
    let other: TenantName = "borealis".parse().unwrap();
    drop(host.add_tenant(&BY, &other, "").unwrap());
    let second = end(&host, &BY, &other, None, "closed").unwrap();
    let mixed = Certificate { ledger_proof: second.ledger_proof.clone(), ..made.clone() };
    assert!(mixed.verify(None).is_err());
    assert_eq!(end(&host, &BY, &name, None, "again").unwrap(), made, "it ended once");
    assert_eq!(go_on(&host, &BY).unwrap(), 0);
}

#[test]
fn a_law_that_keeps_records_keeps_the_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let name: TenantName = "acme".parse().unwrap();
    let tenant = host.add_tenant(&BY, &name, "").unwrap();
    // A rule for a channel on which nothing came in keeps nothing.
    tenant.set_minimum(&BY, Class::Metadata, Channel::Chat, Some(("tcpa", "call_record"))).unwrap();
    assert!(plan::whole(&tenant, &dial::packs(&tenant).unwrap()).unwrap().is_none());
    tenant.set_minimum(&BY, Class::Metadata, Channel::Voice, Some(("tcpa", "call_record"))).unwrap();
    call(&tenant);
    drop(tenant);
    match end(&host, &BY, &name, None, "the contract ended") {
        Err(Error::Store(callvault_store::Error::Refused(Refused::TenantMinimum {
            cite, until, ..
        }))) => {
            assert!(cite.contains("310.5"), "{cite}");
            assert!(until.starts_with("20"), "{until}");
        }
        other => panic!("{other:?}"),
    }
    let tenant = host.open_tenant(&name).unwrap();
    tenant.set_minimum(&BY, Class::Metadata, Channel::Voice, None).unwrap();
    drop(tenant);
    end(&host, &BY, &name, None, "the contract ended").unwrap();
}

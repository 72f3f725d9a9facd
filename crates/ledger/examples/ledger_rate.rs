//! Measures append and verify: `cargo run --release -p callvault-ledger --example ledger_rate -- NEW-DIRECTORY ENTRIES`.

use callvault_ledger::{Draft, ExportWriter, FnSigner, Kind, Options, Tail, VerifierKey, verify_export};
use ed25519_dalek::{Signer, SigningKey};
use std::{error::Error, io::Write, path::PathBuf, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let dir = PathBuf::from(args.next().ok_or("which directory?")?);
    let entries: u32 = args.next().and_then(|n| n.to_str()?.parse().ok()).ok_or("how many entries?")?;
    let key = SigningKey::from_bytes(&[1; 32]);
    let public = key.verifying_key().to_bytes();
    let sign = |text: &[u8]| Some(key.sign(text).to_bytes());
    let signer = FnSigner { name: "callvault.test/rate".to_owned(), public, sign };
    let mut export = ExportWriter::create(&dir)?;
    let mut tail = Tail::new(signer.name.clone());
    let since = Instant::now();
    for i in 0..entries {
        let at = jiff::Timestamp::from_millisecond(1_800_000_000_000 + i64::from(i))?;
        let draft = Draft::new(at, Kind::AccessPermitted, "worker")
            .tenant("0190a5c2-7e3f-7000-8000-000000000001".parse()?)
            .subject("0190a5c2-7e3f-7000-8000-000000000002".parse()?)
            .fact("rendering", "masked")
            .fact("n", i);
        let done = tail.append(draft)?;
        export.entry(done.entry.bytes(), &done.entry.leaf())?;
    }
    export.finish(&tail.checkpoint().sign(&signer)?, &[], &VerifierKey::of(&signer)?)?;
    let appended = f64::from(entries) / since.elapsed().as_secs_f64();
    let since = Instant::now();
    let verified = verify_export(&dir, &Options::default())?;
    let checked = f64::from(entries) / since.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{} entries: append {appended:.0}/s, verify {checked:.0}/s", verified.size)?;
    Ok(())
}

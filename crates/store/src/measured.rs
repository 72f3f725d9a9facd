//! A measurement report that this vault signed: whoever edits one, or brings one from elsewhere, releases nothing.

use crate::{Actor, Error, Refused, Vault, settings::Measured};
use callvault_ledger::Kind;
use callvault_seal::{SigningKey, sign};
use serde_json::{Map, Value, json};

/// The field of a report that holds its signature.
const SIGNED: &str = "signed";
const LABEL: &str = "measurement";
const DOMAIN: &[u8] = b"callvault.measurement.v1\0";
/// A report names what is still there; no more than this of it is read.
const MAX_REPORT: usize = 4 << 20;

/// What is signed: the whole report with vault and time, fields in the order of their names.
fn statement(report: &Map<String, Value>) -> Result<Vec<u8>, Error> {
    let json = serde_json::to_vec(report).map_err(|_| Error::Corrupt("a measurement report"))?;
    Ok([DOMAIN, &json].concat())
}

/// Shares are rounded so that every program reads the number that was signed.
fn exact(value: &mut Value) {
    match value {
        Value::Number(n) if n.is_f64() => {
            let rounded = n.as_f64().map(|x| (x * 1e6).round() / 1e6);
            *value = rounded.map_or(Value::Null, Value::from);
        }
        Value::Array(list) => list.iter_mut().for_each(exact),
        Value::Object(map) => map.values_mut().for_each(exact),
        _ => {}
    }
}

fn refused(what: &str) -> Error {
    Refused::invalid(
        what,
        "run `callvault measure --json` on this vault's data directory and use its output as it is",
    )
    .into()
}

impl Vault {
    /// Signs a report of `measure`, a JSON object with `planted_released` and `covered`, for this vault and moment.
    pub fn sign_measurement(&self, actor: &Actor, report: Value) -> Result<Value, Error> {
        let Value::Object(mut report) = report else { return Err(Error::Corrupt("a measurement report")) };
        report.remove(SIGNED);
        report.values_mut().for_each(exact);
        let at = self.clock.now().to_string();
        report.insert(SIGNED.into(), json!({"vault": self.id.to_string(), "at": at}));
        let signature = SigningKey::from_root(&self.root.key, LABEL)?.sign(&statement(&report)?)?;
        let measured = counts(&report).ok_or(Error::Corrupt("a measurement report"))?;
        self.command_as(actor, "sign measurement", |c| {
            let facts = [("planted", measured.planted.into()), ("covered", measured.covered.into())];
            c.log(Kind::Measured, None, None, &facts);
            Ok(())
        })?;
        if let Some(Value::Object(signed)) = report.get_mut(SIGNED) {
            signed.insert("signature".into(), hex(&signature).into());
        }
        Ok(Value::Object(report))
    }

    /// The counts of a report, if this vault signed it and nothing in it was changed since.
    pub fn accept_measurement(&self, report: &str) -> Result<Measured, Error> {
        if report.len() > MAX_REPORT {
            return Err(refused("this is too long for a measurement report"));
        }
        let Ok(Value::Object(mut report)) = serde_json::from_str(report) else {
            return Err(refused("this is not what `callvault measure --json` printed"));
        };
        let signed = report.get_mut(SIGNED).and_then(Value::as_object_mut);
        let signature = signed.and_then(|s| s.remove("signature"));
        let Some(signature) = signature.as_ref().and_then(Value::as_str).and_then(unhex) else {
            return Err(refused("this measurement report is not signed by a vault"));
        };
        let key = SigningKey::from_root(&self.root.key, LABEL)?.public()?;
        if !sign::verify(&key, &statement(&report)?, &signature) {
            return Err(refused("this measurement report was changed, or another vault signed it"));
        }
        counts(&report).ok_or_else(|| refused("this measurement report has no counts"))
    }
}

fn counts(report: &Map<String, Value>) -> Option<Measured> {
    let of = |name: &str| report.get(name).and_then(Value::as_u64);
    let (planted, covered) = (of("planted_released")?, of("covered")?);
    (covered <= planted).then(|| Measured::new(planted, covered))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 64]> {
    let mut out = [0u8; 64];
    if text.len() != 128 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in out.iter_mut().zip((0..128).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(out)
}

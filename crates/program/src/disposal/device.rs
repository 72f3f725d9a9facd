//! Overwriting a whole drive or disk image, reading every block back, and saying honestly what that is worth.
//!
//! NIST SP 800-88 Rev. 2 calls this Clear, never Purge: what a drive keeps beside its addressable blocks (spare blocks of
//! flash, retired blocks, hidden areas) is not reached, and the certificate says so.

pub mod place;
mod zero;

use super::Level;
use crate::{
    Error,
    signed::{self, Signed, Unproven},
};
use callvault_store::{
    Actor, Vault,
    device::DeviceJob,
    medium::{Level as Reached, MediumRow, MediumState, NewEnd, Technique, Verification},
};
use place::{Kind, Place};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Names the form of the certificate.
pub const FORMAT: &str = "callvault-device-disposal/1";
/// What the level means.
pub const STANDARD: &str = "Levels in the words of NIST SP 800-88 Rev. 2. Clear: every addressable block was overwritten and read back. Purge and Destroy are not claimed: neither was done or verified here";

/// What a certificate says; its hash stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Always [`FORMAT`].
    pub format: String,
    /// Its id.
    pub id: String,
    /// The vault that signed.
    pub vault: String,
    /// RFC 3339.
    pub issued_at: String,
    /// `device` or `image`.
    pub kind: String,
    /// The kernel's name of the device, or the image's file name masked by the detector.
    pub name: String,
    /// Maker's model, if the drive tells.
    pub model: String,
    /// What was typed in to name it: the serial number, or name and size.
    pub serial: String,
    /// Size.
    pub bytes: u64,
    /// Flash, as far as the kernel tells.
    pub flash: Option<bool>,
    /// What was done.
    pub method: String,
    /// How that was verified.
    pub verification: String,
    /// Bytes read back, all of them after the last write.
    pub read_back: u64,
    /// When the first block was overwritten.
    pub started_at: String,
    /// How often it was begun or gone on with.
    pub runs: u32,
    /// What is claimed.
    pub level: Level,
    /// What it does not reach.
    pub limits: Vec<String>,
    /// What the level means.
    pub standard: String,
    /// The drive's id in the register, if it is in there.
    pub medium: Option<String>,
    /// Who ordered it.
    pub ordered_by: String,
    /// Why, masked by the detector.
    pub reason: String,
}

/// The certificate of an overwritten drive or image.
pub type Certificate = Signed<Statement>;

impl signed::Statement for Statement {
    const FORMAT: &'static str = FORMAT;
    const KIND: callvault_ledger::Kind = callvault_ledger::Kind::SourceDisposed;

    fn format(&self) -> &str {
        &self.format
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn about(&self) -> Vec<(&'static str, &str)> {
        vec![("medium", &self.kind), ("level", self.level.as_str())]
    }
}

/// What is being done, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Zeros are written.
    Overwriting,
    /// Every block is read back.
    ReadingBack,
}

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The device or image.
    pub path: &'a Path,
    /// An image's file name as it may be shown.
    pub shown: &'a str,
    /// The serial number as typed in; for what has none, `NAME:BYTES`.
    pub serial: &'a str,
    /// Why, as it may be kept.
    pub reason: &'a str,
    /// Who, as the certificate names them.
    pub by: &'a str,
}

/// Overwrites a device or image, reads it back and certifies it. `step` is told how far it came.
pub fn dispose(
    vault: &Vault,
    actor: &Actor,
    order: &Order<'_>,
    step: &mut dyn FnMut(Phase, u64, u64),
) -> Result<Certificate, Error> {
    let place = named(vault, order)?;
    let registered = in_register(vault, place.wanted())?;
    let mut file = place.open()?;
    // A drive may have another name after a restart; its serial number stays.
    let at = if place.serial.is_some() { None } else { Some(&place.real) };
    let which = serde_json::to_string(&(place.kind.as_str(), at, place.wanted()))
        .map_err(|_| Error::Shipped("form of the certificate"))?;
    let job = vault.begin_device(
        actor,
        &which,
        place.kind.as_str(),
        place.bytes,
        registered.as_ref().map(|m| m.id),
    )?;
    let at = |e| Error::file(order.path)(e);
    zero::overwrite(
        &mut file,
        job.written,
        place.bytes,
        |done| vault.device_written(job.id, done).map_err(Error::from),
        &mut |done| step(Phase::Overwriting, done, place.bytes),
    )
    .map_err(|e| e.or_file(at))?;
    let read = zero::read_back(&place, &file, &mut |done| step(Phase::ReadingBack, done, place.bytes));
    let read = match read {
        Ok(read) => read,
        Err(e) => {
            // What lies there now is not what was written: nothing done so far counts.
            vault.device_written(job.id, 0)?;
            return Err(at(e));
        }
    };
    if let Some(medium) = job.medium
        && vault.medium(medium).is_ok_and(|m| alive(&m))
    {
        vault.end_medium(actor, medium, &end(vault, job.id.to_string()))?;
    }
    let statement = statement(vault, order, &place, &job, read);
    let code = statement.level.as_str();
    let signed = Unproven::sign(vault, statement)?;
    let hash = signed.hash.clone();
    let body = vault.certify_device(job.id, &hash, place.kind.as_str(), code, |proof| signed.body(proof))?;
    Certificate::kept(&body)
}

/// The place, if it may be overwritten and was named rightly.
fn named(vault: &Vault, order: &Order<'_>) -> Result<Place, Error> {
    let place = Place::find(order.path)?;
    place.refuse_in_use(&[vault.dir()])?;
    if order.serial.trim() == place.wanted() {
        return Ok(place);
    }
    let why = if place.serial.is_some() {
        "the serial number given is not that of this drive; read it from the drive's label, and check it with `lsblk -o NAME,SERIAL`"
    } else {
        "it has no serial number; give its name and size in bytes as --serial NAME:BYTES"
    };
    Err(Error::Kept { path: order.path.to_owned(), why })
}

fn statement(
    vault: &Vault,
    order: &Order<'_>,
    place: &Place,
    job: &DeviceJob,
    read: zero::ReadBack,
) -> Statement {
    let (level, limits) = judge(place, read.direct);
    Statement {
        format: FORMAT.into(),
        id: job.id.to_string(),
        vault: vault.id().to_string(),
        issued_at: vault.clock().now().to_string(),
        kind: place.kind.as_str().into(),
        name: if place.kind == Kind::Image { order.shown.to_owned() } else { place.name.clone() },
        model: place.model.clone(),
        serial: place.serial.clone().unwrap_or_else(|| format!("none; size {}", place.bytes)),
        bytes: place.bytes,
        flash: place.flash,
        method: "every addressable block overwritten once with zeros, flushed".into(),
        verification: read.words().into(),
        read_back: read.bytes,
        started_at: job.started_at.clone(),
        runs: job.runs,
        level,
        limits,
        standard: STANDARD.into(),
        medium: job.medium.map(|m| m.to_string()),
        ordered_by: order.by.to_owned(),
        reason: order.reason.to_owned(),
    }
}

fn alive(medium: &MediumRow) -> bool {
    !matches!(medium.state, MediumState::Unwitnessed | MediumState::Ended)
}

/// The drive of this serial number in the register, if it has not ended.
fn in_register(vault: &Vault, serial: &str) -> Result<Option<MediumRow>, Error> {
    Ok(vault.media()?.into_iter().find(|m| m.label.trim() == serial && alive(m)))
}

fn end(vault: &Vault, certificate: String) -> NewEnd {
    NewEnd {
        done_on: jiff::tz::TimeZone::UTC.to_datetime(vault.clock().now()).date(),
        level: Reached::Clear,
        technique: Technique::Overwrite,
        verification: Verification::FullRead,
        tool: format!("callvault {}, certificate {certificate}", env!("CARGO_PKG_VERSION")),
    }
}

/// What may be claimed of this place, and what is beyond it.
fn judge(place: &Place, direct: bool) -> (Level, Vec<String>) {
    if let Some(ground) = &place.ground {
        return super::judge(ground);
    }
    let mut limits = vec![
        "blocks that the drive retired, and areas it hides from the system (HPA, DCO), were not reached"
            .to_owned(),
        "copies elsewhere, and disks it was mirrored to, are beyond this".to_owned(),
    ];
    match place.flash {
        Some(true) => limits.push(
            "flash: spare blocks (over-provisioning) keep what was written before until the drive erases them; for Purge use the drive's own sanitize command, or destroy it".into(),
        ),
        Some(false) => {}
        None => limits.push(
            "the kind of drive could not be told: if it is flash, spare blocks keep old data; if it is a virtual disk, the level holds for that disk and not for the drives, snapshots and thin pools under it".into(),
        ),
    }
    if !direct {
        limits.push("the reading back went through the system's cache".into());
    }
    (Level::Clear, limits)
}

#[cfg(test)]
mod tests;

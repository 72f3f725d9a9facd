//! The whole router in front of a real vault: what each page and call gives, to whom, and what it refuses.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod centre;
#[cfg(test)]
mod correcting;
#[cfg(test)]
mod desk;
// The same device in software as in the tests of the passkeys themselves.
#[cfg(test)]
#[path = "../../../policy/src/factor/passkey/tests/device.rs"]
mod device;
#[cfg(test)]
mod incidents;
#[cfg(test)]
mod law;
#[cfg(test)]
mod linking;
#[cfg(test)]
mod markup;
#[cfg(test)]
mod negatives;
#[cfg(test)]
mod practice;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod stepping_up;
#[cfg(test)]
mod training;
#[cfg(test)]
mod uploads;
#[cfg(test)]
mod world;

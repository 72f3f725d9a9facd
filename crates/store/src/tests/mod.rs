//! Tests of access and of keeping: every way in, every way that must stay shut, and what is destroyed when.

mod access_index;
mod backup;
#[cfg(feature = "s3")]
mod bucket;
mod corrections;
mod dial;
mod epochs;
mod erase;
mod gate;
mod grants;
mod keeping;
mod links;
mod measured;
mod medium;
mod opening;
mod protect;
mod recover;
mod reveal;
mod rights;
mod rotation;
mod scope;
mod server;
mod sign_in;
mod tenants;
mod training;
mod uploads;

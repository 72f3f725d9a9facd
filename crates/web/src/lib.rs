//! The server: one TLS socket with console pages and `/api/v1`, and the worker that takes conversations their way.
//! Every page and every call asks the vault for a permit; there is no other way to what was said.

pub mod api;
pub mod app;
mod asset;
mod body;
mod ceremony;
pub mod chips;
mod config;
pub mod control;
mod correcting;
mod destroyed;
mod dialing;
pub mod draw;
mod error;
mod extract;
mod headers;
mod intake;
mod keeping;
mod kept;
mod linking;
mod listen;
mod metrics;
pub mod page;
mod pending;
mod problem;
mod reading;
mod reason;
mod responding;
mod right;
mod rights;
pub mod routes;
mod scopes;
pub mod sealed;
mod server;
mod session;
mod soundness;
mod strangers;
mod tls;
mod unread;
pub mod watching;
mod wave;
mod words;
pub mod worker;

pub use config::Config;
pub use error::Error;
pub use server::Bound;

//! Incidents: what the ledger alone says somebody should look at, and what is done about it.

pub mod clocks;
pub mod live;
pub mod notice;
pub mod playbook;
pub mod rules;
pub mod watch;

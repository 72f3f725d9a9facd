//! Incidents: what the ledger shows that should not be. The clocks of the law are `law`'s.

pub mod watch;

pub use watch::{Alert, Rule, Site, Watch, rules};

//! Who may do what, for which purpose, and how somebody proves who they are. Deciding is pure: facts in, decision out;
//! `store::gate` loads the facts, writes the ledger entry and makes the permit.

pub mod act;
pub mod purpose;
pub mod role;

pub use act::Act;
pub use purpose::Purpose;
pub use role::Role;

//! Reports for people: one self-contained HTML file each, under a policy that lets nothing in from outside.

pub mod audit;
pub mod call;
mod page;
mod prose;
pub mod scan;
#[cfg(test)]
mod tests;
pub mod vault;

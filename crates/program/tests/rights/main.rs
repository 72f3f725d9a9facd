//! Requests of the people concerned, end to end over a vault: the copy of one person and of nobody else, the erasure, and
//! what its receipt says.

#[cfg(test)]
mod copies;
#[cfg(test)]
mod erasures;
#[cfg(test)]
mod world;

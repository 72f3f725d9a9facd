//! The whole router in front of a real vault: what each page and call gives, to whom, and what it refuses.

#[cfg(test)]
mod desk;
#[cfg(test)]
mod practice;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod training;
#[cfg(test)]
mod uploads;
#[cfg(test)]
mod world;

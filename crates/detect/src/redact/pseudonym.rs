//! Consistent pseudonyms: one number for one value, however it is said.

use crate::{memory, search};
use callvault_model::{EntityType, Finding};
use std::{cell::RefCell, collections::HashMap};

/// The most values of one conversation that get a number of their own; a label shows at most four digits.
const MOST: usize = 9_999;

/// Numbers given so far. Keep one for as long as equal values shall get equal numbers, at most a conversation: over
/// many, the numbers would tell who returns.
#[derive(Debug, Default)]
pub struct Pseudonyms(RefCell<Given>);

#[derive(Debug, Default)]
struct Given {
    values: HashMap<(EntityType, String), usize>,
    last: HashMap<EntityType, usize>,
}

impl Pseudonyms {
    /// The number of this value; none for what must have no stand-in, and when there are too many.
    pub(super) fn number(&self, value: &str, finding: &Finding) -> Option<usize> {
        let entity = finding.entity;
        if entity.is_sensitive_authentication_data() {
            return None;
        }
        let mut given = self.0.try_borrow_mut().ok()?;
        let whole = search::forms(value).into_iter().next().unwrap_or_else(|| value.to_lowercase());
        // "Ravi" is the "Ravi Kumar" of before: a person is known by each word of the name.
        let mut keys = vec![whole];
        if entity == EntityType::Person {
            keys.extend(memory::names_in(value));
        }
        let known = keys.iter().find_map(|k| given.values.get(&(entity, k.clone())).copied());
        let number = match known {
            Some(number) => number,
            None => {
                let last = given.last.entry(entity).or_default();
                if *last >= MOST {
                    return None;
                }
                *last = last.saturating_add(1);
                *last
            }
        };
        for key in keys {
            given.values.entry((entity, key)).or_insert(number);
        }
        Some(number)
    }
}

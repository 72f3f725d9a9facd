//! Pages of lists that the store gives whole because they are short.

use super::conversations::limit;
use crate::problem::{Outcome, Problem};
use callvault_model::{Id, id::Kind};
use serde::Deserialize;
use utoipa::IntoParams;

/// Where to go on.
#[derive(Deserialize, IntoParams, Default)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Go {
    /// Where the last page ended.
    pub after: String,
    /// Rows, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// One page.
pub(super) struct Part<R> {
    pub rows: Vec<R>,
    pub next: Option<String>,
}

/// The page after `go.after` of rows whose ids fall.
pub(super) fn part<R, K: Kind>(rows: Vec<R>, go: &Go, id: impl Fn(&R) -> Id<K>) -> Outcome<Part<R>> {
    let most = limit(go.limit)?;
    let after: Option<Id<K>> = match go.after.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| Problem::bad("The place to go on is not known."))?),
    };
    let mut rest = rows.into_iter().skip_while(|r| after.is_some_and(|a| id(r) >= a));
    let rows: Vec<R> = rest.by_ref().take(most).collect();
    let next = if rest.next().is_some() { rows.last().map(|r| id(r).to_string()) } else { None };
    Ok(Part { rows, next })
}

#[cfg(test)]
mod tests {
    use super::*;
    use callvault_model::id::GrantId;

    #[test]
    fn pages_join_to_the_whole_list_and_the_last_one_says_so() {
        let ids: Vec<GrantId> = (0..5u8).rev().map(|n| GrantId::from_bytes([n; 16])).collect();
        let (mut seen, mut after) = (Vec::new(), String::new());
        for _ in 0..3 {
            let page = part(ids.clone(), &Go { after, limit: Some(2) }, |id| *id).unwrap();
            seen.extend(page.rows);
            after = page.next.unwrap_or_default();
        }
        assert_eq!((seen, after), (ids.clone(), String::new()));
        assert!(part(ids.clone(), &Go { after: "x".into(), limit: None }, |id| *id).is_err());
        assert!(part(ids, &Go { after: String::new(), limit: Some(201) }, |id| *id).is_err());
    }
}

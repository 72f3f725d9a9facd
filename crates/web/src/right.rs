//! Who could do an act at all, asked before anything of the request is read.

use crate::{app::App, problem::Problem, session::Who};
use axum::{extract::FromRequestParts, http::request::Parts};
use callvault_policy::{Act, Role, rights};
use callvault_store::gate::Target;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// The policies do not change while the program runs, and there are only so many sets of roles.
static KNOWN: LazyLock<Mutex<HashMap<BTreeSet<Role>, Arc<BTreeSet<Act>>>>> = LazyLock::new(Mutex::default);

/// What these roles can ever do; forms and links follow this, the gate decides.
pub fn of(roles: &BTreeSet<Role>) -> Arc<BTreeSet<Act>> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(roles).cloned();
    known.unwrap_or_else(|| {
        let may = Arc::new(rights(roles));
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(roles.clone(), Arc::clone(&may));
        may
    })
}

/// Somebody whose roles can have the act `A` on some thing; written `Right<{ Act::X as u8 }>`. For acts that are decided
/// on the thing itself, or with a reason, which the gate does when the handler names them.
pub struct Right<const A: u8>(pub Who);

impl<const A: u8> std::ops::Deref for Right<A> {
    type Target = Who;
    fn deref(&self) -> &Who {
        &self.0
    }
}

impl<const A: u8> FromRequestParts<App> for Right<A> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let who = Who::from_request_parts(parts, app).await?;
        let act = Act::ALL.iter().copied().find(|a| *a as u8 == A).ok_or_else(Problem::absent)?;
        if !of(who.roles()).contains(&act) {
            // The gate refuses, in its words and with its entry in the ledger.
            who.may(app, act, Target::Program, None).await?;
        }
        Ok(Self(who))
    }
}

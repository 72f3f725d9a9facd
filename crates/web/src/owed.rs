//! An answer that waits for the ledger. What stands around a handler asks for memory some forty times and is asked anew when the
//! handler goes on, and a crowd waits at a time. So the handler says at once that it owes its answer, everything around it
//! ends, and the answer alone waits. Whoever forgets to settle sends a failure, never half an answer.

use crate::{
    app::App,
    headers,
    problem::{Outcome, Problem},
    routes::PATIENCE,
};
use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{MatchedPath, Request},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tower::ServiceExt;

/// JSON, once it is there.
type Answer = Pin<Box<dyn Future<Output = Outcome<Vec<u8>>> + Send>>;

/// What travels with an answer that is not there yet.
#[derive(Clone)]
pub(crate) struct Owed(Arc<Mutex<Debt>>);

#[derive(Default)]
struct Debt {
    answer: Option<Answer>,
    counted: Option<Counted>,
}

/// Counts a request when its answer is known.
pub(crate) struct Counted {
    pub app: App,
    pub path: Option<MatchedPath>,
    pub begun: Instant,
}

impl Counted {
    pub(crate) fn as_answered(&self, with: StatusCode) {
        let route = self.path.as_ref().map_or("other", MatchedPath::as_str);
        self.app.metrics.request(route, with.as_u16(), self.begun.elapsed().as_secs_f64());
    }
}

impl Owed {
    pub(crate) fn new(answer: impl Future<Output = Outcome<Vec<u8>>> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Debt { answer: Some(Box::pin(answer)), counted: None })))
    }

    fn debt(&self) -> MutexGuard<'_, Debt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its request is counted once it is settled.
    pub(crate) fn count(&self, counted: Counted) {
        self.debt().counted = Some(counted);
    }
}

impl IntoResponse for Owed {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Sends a request through the routes and waits for what its answer owes.
pub async fn answer(routes: Router, request: Request) -> Response {
    let head = request.method() == Method::HEAD;
    let response = routes.oneshot(request).await.unwrap_or_else(|never| match never {});
    let debt = response.extensions().get::<Owed>().map(|owed| std::mem::take(&mut *owed.debt()));
    let Some(Debt { answer: Some(answer), counted }) = debt else { return response };
    // The answer takes its whole place.
    drop(response);
    let spent = counted.as_ref().map_or(Duration::ZERO, |c| c.begun.elapsed());
    let mut settled = match tokio::time::timeout(PATIENCE.saturating_sub(spent), answer).await {
        Ok(Ok(json)) => {
            ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
        }
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => Problem::slow().into_response(),
    };
    headers::to(settled.headers_mut());
    if head {
        let length = settled.body().size_hint().exact();
        *settled.body_mut() = Body::empty();
        if let Some(length) = length {
            settled.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        }
    }
    if let Some(counted) = counted {
        counted.as_answered(settled.status());
    }
    settled
}

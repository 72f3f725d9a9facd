//! An answer that waits for the ledger. What stands around a handler asks for memory some forty times and is asked anew when the
//! handler goes on, and a crowd waits at a time. So the handler says at once that it owes its answer, everything around it
//! ends, and the answer alone waits. Whoever forgets to settle sends a failure, never half an answer.

use crate::{
    app::App,
    problem::{Outcome, Problem},
    routes::PATIENCE,
};
use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
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
    let mut response = routes.oneshot(request).await.unwrap_or_else(|never| match never {});
    let Some(owed) = response.extensions_mut().remove::<Owed>() else { return response };
    let Debt { answer, counted } = std::mem::take(&mut *owed.debt());
    let Some(answer) = answer else { return response };
    let settled = match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(json)) => {
            ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
        }
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => Problem::slow().into_response(),
    };
    let (parts, body) = settled.into_parts();
    *response.status_mut() = parts.status;
    // The length of an answer that was not there.
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(parts.headers);
    *response.body_mut() = if head { Body::empty() } else { body };
    if let Some(counted) = counted {
        counted.as_answered(parts.status);
    }
    response
}

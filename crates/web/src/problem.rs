//! Refusals and failures: RFC 9457 problem details for machines, a page with the same words for people.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use callvault_policy::factor::FactorError;
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong, in the form of RFC 9457.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:callvault:problem:` and a stable code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in a few words.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// Why, and what to do.
    pub detail: String,
    /// The page that helps, as a path of this server: the course that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Answers of handlers.
pub type Outcome<T> = Result<T, Problem>;

impl Problem {
    /// A problem with a stable code.
    pub fn new(status: StatusCode, code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:callvault:problem:{code}"),
            title: title.into(),
            status: status.as_u16(),
            detail: detail.into(),
            help: None,
        }
    }

    /// Nobody is signed in.
    pub fn sign_in() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "sign-in",
            "Sign in first",
            "This needs a session or a service's key.",
        )
    }

    /// There is no such thing, or it is not for this person to know.
    pub fn absent() -> Self {
        Self::new(StatusCode::NOT_FOUND, "absent", "Not here", "Nothing is at this address; check it.")
    }

    /// The request itself is wrong.
    pub fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "This request cannot be read", detail)
    }

    /// The request did not arrive, or was not done, in time.
    pub fn slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "Took too long",
            "The request did not arrive or end in time; send it again.",
        )
    }

    /// A rule or a person says no.
    pub fn refused(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, "Not allowed", detail)
    }

    /// What gate, sign-in or a state of things refused, under the code it was refused with.
    pub fn denied(denied: &callvault_store::Denied) -> Self {
        let (status, title) = match denied.code {
            "not_found" => (StatusCode::NOT_FOUND, "Not here"),
            "session_over" | "key_refused" | "signin_refused" => (StatusCode::UNAUTHORIZED, "Sign in first"),
            "no_attempts" => (StatusCode::TOO_MANY_REQUESTS, "Not now"),
            "destroyed" => (StatusCode::GONE, "Destroyed"),
            "already_used" | "request_expired" | "not_pending" | "request_refused" | "last_admin"
            | "attempt_over" | "login_taken" | "account_state" | "no_factor" | "too_many" => {
                (StatusCode::CONFLICT, "Not in this state")
            }
            code if code.starts_with("bad_") || code == "not_grantable" => {
                (StatusCode::BAD_REQUEST, "This cannot be taken")
            }
            _ => (StatusCode::FORBIDDEN, "Not allowed"),
        };
        let help = denied.course.as_ref().map(|course| format!("/courses/{course}"));
        Self { help, ..Self::new(status, denied.code, title, denied.message.clone()) }
    }

    /// What the keeping of data refused.
    pub fn kept(refused: &callvault_store::Refused) -> Self {
        use callvault_store::Refused as R;
        let (status, title) = match refused {
            R::Unknown(_) => (StatusCode::NOT_FOUND, "Not here"),
            R::Invalid { .. } => (StatusCode::BAD_REQUEST, "This cannot be taken"),
            R::SecondPerson(_) | R::OwnRequest => (StatusCode::FORBIDDEN, "Not allowed"),
            R::TooManyUploads(_) => (StatusCode::TOO_MANY_REQUESTS, "Too many at once"),
            _ => (StatusCode::CONFLICT, "Not in this state"),
        };
        Self::new(status, refused.code(), title, capital(&refused.to_string()))
    }

    /// Something else is true by now.
    pub fn conflict(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "Not in this state", detail)
    }

    /// We failed; the reason stands in the log, not here.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %error, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The server failed",
            "Nothing was changed. Try again; if it stays, the server's log names the cause.",
        )
    }

    /// The status as a type.
    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        self.kind.rsplit(':').next().unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status_code(), Json(&self)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        // Page routes turn it into a page of the same words.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<callvault_store::Error> for Problem {
    fn from(e: callvault_store::Error) -> Self {
        use callvault_store::Error as E;
        match &e {
            E::Factor(FactorError::Entropy(_)) => Self::internal(&e),
            E::Factor(refused) => (*refused).into(),
            E::NoConversation(_) => Self::absent(),
            E::Denied(denied) => Self::denied(denied),
            E::Refused(refused) => Self::kept(refused),
            E::State { .. } => Self::conflict("state", e.to_string()),
            E::KeyDestroyed(_) => Self::new(StatusCode::GONE, "destroyed", "Destroyed", e.to_string()),
            _ => Self::internal(&e),
        }
    }
}

impl From<callvault_flow::Error> for Problem {
    fn from(e: callvault_flow::Error) -> Self {
        use callvault_flow::Error as E;
        match e {
            E::Store(e) => e.into(),
            E::Source { .. } | E::NoSuchChannel { .. } => Self::bad(capital(&e.to_string())),
            _ => Self::internal(&e),
        }
    }
}

impl From<callvault_program::Error> for Problem {
    fn from(e: callvault_program::Error) -> Self {
        use callvault_program::Error as E;
        match e {
            E::Store(e) => e.into(),
            E::Flow(e) => e.into(),
            E::Import { .. } | E::Content { .. } | E::Number | E::List(_) | E::Holidays(_) | E::Law(_) => {
                Self::bad(capital(&e.to_string()))
            }
            _ => Self::internal(&e),
        }
    }
}

impl From<FactorError> for Problem {
    fn from(e: FactorError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, e.code(), "This was not accepted", capital(&e.to_string()))
    }
}

impl From<callvault_policy::factor::passkey::Refused> for Problem {
    fn from(e: callvault_policy::factor::passkey::Refused) -> Self {
        Self::new(StatusCode::BAD_REQUEST, e.code(), "This was not accepted", capital(&e.to_string()))
    }
}

/// A message of a library of ours as a sentence.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).chain(['.']).collect())
}

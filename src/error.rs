//! Errors: one enum, one type per kind, each saying what to do.

mod api;
mod api_body;
mod local;
mod not_repeated;

use std::fmt;

pub use api::ApiError;
pub use local::{DecodeError, InvalidRequest, TimeoutError, TransportError};
pub(crate) use not_repeated::NotRepeated;

use crate::response::Headers;

/// Why a call has no result. Python: `paid.core.api_error.ApiError` and httpx's exceptions.
///
/// ```
/// # async fn example(client: paid::AsyncPaid) {
/// match client.customers().get("cus_1").await {
///     Ok(customer) => println!("{}", customer.name),
///     Err(error) if error.is_not_found() => println!("no such customer"),
///     Err(error) => println!("{:?}: {error}", error.status_code()),
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The API answered with an error status.
    Api(ApiError),
    /// No complete answer came in time.
    Timeout(TimeoutError),
    /// The connection could not be made, or broke.
    Transport(TransportError),
    /// The answer is not what the API describes.
    Decode(DecodeError),
    /// The request is wrong and was not sent.
    InvalidRequest(InvalidRequest),
}

impl Error {
    /// The HTTP status, if there was an answer. Python: `e.status_code`.
    pub fn status_code(&self) -> Option<u16> {
        match self {
            Error::Api(error) => Some(error.status_code()),
            Error::Decode(error) => Some(error.status_code()),
            Error::Timeout(_) | Error::Transport(_) | Error::InvalidRequest(_) => None,
        }
    }

    /// What went wrong, in one sentence; of an API error, the API's own message. Python: `e.message`.
    pub fn message(&self) -> String {
        match self {
            Error::Api(error) => error.message().to_string(),
            other => other.to_string(),
        }
    }

    /// The body of the answer as text, if there was one. Python: `e.body`.
    pub fn body(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Error::Api(error) => Some(error.body()),
            Error::Decode(error) => Some(error.body()),
            Error::Timeout(_) | Error::Transport(_) | Error::InvalidRequest(_) => None,
        }
    }

    /// The headers of the answer, if there was one.
    pub fn headers(&self) -> Option<&Headers> {
        match self {
            Error::Api(error) => Some(error.headers()),
            Error::Decode(error) => Some(error.headers()),
            Error::Timeout(_) | Error::Transport(_) | Error::InvalidRequest(_) => None,
        }
    }

    /// The id that the API gave the request, for its support to find it.
    pub fn request_id(&self) -> Option<&str> {
        request_id(self.headers()?)
    }

    /// How often the request was sent, retries included; 0 if it never was.
    pub fn attempts(&self) -> u32 {
        match self {
            Error::Api(error) => error.attempts(),
            Error::Timeout(error) => error.attempts(),
            Error::Transport(error) => error.attempts(),
            Error::Decode(error) => error.attempts(),
            Error::InvalidRequest(_) => 0,
        }
    }

    /// Whether the same call may succeed later: the connection failed, or the API answered 408, 429 or 5xx.
    ///
    /// It does not say that repeating is safe: a call that creates something may have been processed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::Api(error) => error.is_retryable(),
            Error::Timeout(_) => true,
            Error::Transport(error) => !error.lasting,
            Error::Decode(_) | Error::InvalidRequest(_) => false,
        }
    }

    /// The API's error answer, if that is what this is.
    pub fn as_api(&self) -> Option<&ApiError> {
        match self {
            Error::Api(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the API answered 400: the request is malformed.
    pub fn is_bad_request(&self) -> bool {
        self.has_status(400)
    }

    /// Whether the API answered 401: the token is missing, wrong or revoked.
    pub fn is_unauthorized(&self) -> bool {
        self.has_status(401)
    }

    /// Whether the API answered 403: the token may not do this.
    pub fn is_forbidden(&self) -> bool {
        self.has_status(403)
    }

    /// Whether the API answered 404: there is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.has_status(404)
    }

    /// Whether the API answered 409: it conflicts with what is there.
    pub fn is_conflict(&self) -> bool {
        self.has_status(409)
    }

    /// Whether the API answered 422: well-formed, but not acceptable.
    pub fn is_unprocessable(&self) -> bool {
        self.has_status(422)
    }

    /// Whether the API answered 429: too many requests.
    pub fn is_rate_limited(&self) -> bool {
        self.has_status(429)
    }

    /// Whether the API answered with a 5xx status.
    pub fn is_server_error(&self) -> bool {
        self.as_api().is_some_and(|error| error.status_code() >= 500)
    }

    /// Whether no complete answer came in time.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Error::Timeout(_))
    }

    /// The same error, with the reason why the call was not repeated.
    pub(crate) fn not_repeated(mut self, why: NotRepeated) -> Self {
        match &mut self {
            Error::Api(error) => error.set_not_repeated(why),
            Error::Timeout(error) => error.not_repeated = Some(why),
            Error::Transport(error) => error.not_repeated = Some(why),
            Error::Decode(_) | Error::InvalidRequest(_) => {}
        }
        self
    }

    fn has_status(&self, status: u16) -> bool {
        self.as_api().is_some_and(|error| error.status_code() == status)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Api(error) => error.fmt(f),
            Error::Timeout(error) => error.fmt(f),
            Error::Transport(error) => error.fmt(f),
            Error::Decode(error) => error.fmt(f),
            Error::InvalidRequest(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

macro_rules! from {
    ($($kind:ident($ty:ty)),*) => {
        $(impl From<$ty> for Error {
            fn from(error: $ty) -> Self {
                Error::$kind(error)
            }
        })*
    };
}

from!(
    Api(ApiError),
    Timeout(TimeoutError),
    Transport(TransportError),
    Decode(DecodeError),
    InvalidRequest(InvalidRequest)
);

fn request_id(headers: &Headers) -> Option<&str> {
    ["x-request-id", "request-id", "x-amzn-requestid", "cf-ray"].iter().find_map(|name| headers.get(name))
}

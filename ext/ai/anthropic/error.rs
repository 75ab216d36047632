//! Why a call has no message.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use crate::error::{DecodeError, InvalidRequest, TimeoutError, TransportError};
use crate::ext::ai::engine::UntracedCall;
use crate::response::{Headers, Response};
use crate::transport::reason;

/// What errors call it, and the span's name.
pub(super) const OPERATION: &str = "anthropic.messages.create";

/// Why a call has no message, or a stream breaks off.
///
/// ```no_run
/// use paid::ai::anthropic::{Error, MessageRequest, PaidAnthropic};
///
/// # async fn example(anthropic: PaidAnthropic, request: MessageRequest) {
/// match anthropic.messages().create(&request).await {
///     Ok(message) => println!("{}", message.text()),
///     Err(Error::Api(error)) if error.kind() == "overloaded_error" => println!("{:?}", error.retry_after()),
///     Err(error) => println!("{error}"),
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// Anthropic answered with an error, or sent one within a stream.
    Api(ApiError),
    /// No complete answer came in time.
    Timeout(TimeoutError),
    /// The connection could not be made, or broke.
    Transport(TransportError),
    /// The answer is not what the API describes, or ends too early.
    Decode(DecodeError),
    /// The request or a setting is wrong. Nothing was sent.
    InvalidRequest(InvalidRequest),
    /// The call would not be traced, and that is not optional. Nothing was sent.
    Untraced(UntracedCall),
}

impl Error {
    /// The HTTP status, if there was an answer. Of an error within a stream it is that of success.
    pub fn status_code(&self) -> Option<u16> {
        match self {
            Error::Api(error) => Some(error.status_code()),
            Error::Decode(error) => Some(error.status_code()),
            _ => None,
        }
    }

    /// The id that Anthropic gave the request, for its support to find it.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Error::Api(error) => error.request_id(),
            Error::Decode(error) => error.headers().get("request-id"),
            _ => None,
        }
    }

    /// Anthropic's own error, if that is what this is.
    pub fn as_api(&self) -> Option<&ApiError> {
        match self {
            Error::Api(error) => Some(error),
            _ => None,
        }
    }

    /// What a span calls it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Error::Api(_) => "ApiError",
            Error::Timeout(_) => "TimeoutError",
            Error::Transport(_) => "TransportError",
            Error::Decode(_) => "DecodeError",
            Error::InvalidRequest(_) => "InvalidRequest",
            Error::Untraced(_) => "UntracedCall",
        }
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
            Error::Untraced(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

macro_rules! from {
    ($($kind:ident($type:ty)),*) => {
        $(impl From<$type> for Error {
            fn from(error: $type) -> Self {
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
    InvalidRequest(InvalidRequest),
    Untraced(UntracedCall)
);

/// An error in Anthropic's words.
#[derive(Clone)]
pub struct ApiError {
    answer: crate::ApiError,
    kind: String,
    in_stream: bool,
}

impl ApiError {
    pub(super) fn answered(answer: Response<()>, attempts: u32, retry_after: Option<Duration>) -> Self {
        let kind = kind(&answer.body);
        ApiError {
            answer: crate::ApiError::new(OPERATION, answer, attempts, retry_after),
            kind,
            in_stream: false,
        }
    }

    pub(super) fn in_stream(status: u16, headers: Headers, event: Bytes, attempts: u32) -> Self {
        let answer = Response { status, headers, body: event, data: () };
        ApiError { in_stream: true, ..Self::answered(answer, attempts, None) }
    }

    /// The HTTP status; of an error within a stream that of success.
    pub fn status_code(&self) -> u16 {
        self.answer.status_code()
    }

    /// Anthropic's type of the error, such as `rate_limit_error`; empty if it gave none.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Anthropic's message; without one, what the status means.
    pub fn message(&self) -> &str {
        self.answer.message()
    }

    /// The id that Anthropic gave the request, for its support to find it.
    pub fn request_id(&self) -> Option<&str> {
        self.headers().get("request-id").or_else(|| self.answer.request_id())
    }

    /// How long Anthropic asked to wait before another attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.answer.retry_after()
    }

    /// How often the request was sent, retries included.
    pub fn attempts(&self) -> u32 {
        self.answer.attempts()
    }

    /// The headers of the answer, such as those of the rate limits.
    pub fn headers(&self) -> &Headers {
        self.answer.headers()
    }

    /// The body, or the event of a stream, as it came.
    pub fn body(&self) -> &Bytes {
        self.answer.body_bytes()
    }

    /// Whether it came within a stream.
    pub fn is_in_stream(&self) -> bool {
        self.in_stream
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self.in_stream {
            true => {
                matches!(&*self.kind, "api_error" | "overloaded_error" | "rate_limit_error" | "timeout_error")
            }
            false => self.answer.is_retryable(),
        }
    }
}

/// The type in `{"type": "error", "error": {"type", "message"}}`.
fn kind(body: &[u8]) -> String {
    #[derive(Default, Deserialize)]
    struct Body {
        error: Inner,
    }
    #[derive(Default, Deserialize)]
    struct Inner {
        #[serde(rename = "type")]
        kind: String,
    }
    serde_json::from_slice::<Body>(body).unwrap_or_default().error.kind
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status_code", &self.status_code())
            .field("kind", &self.kind)
            .field("message", &self.message())
            .field("request_id", &self.request_id())
            .field("attempts", &self.attempts())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.in_stream {
            true => write!(f, "{OPERATION} failed within its stream: ")?,
            false => write!(f, "{OPERATION} was answered {}: ", self.status_code())?,
        }
        if !self.kind.is_empty() {
            write!(f, "{}: ", self.kind)?;
        }
        f.write_str(self.message())?;
        if let Some(id) = self.request_id() {
            write!(f, " (request {id})")?;
        }
        match self.attempts() {
            0 | 1 => Ok(()),
            attempts => write!(f, " after {attempts} attempts"),
        }
    }
}

impl std::error::Error for ApiError {}

/// The connection could not be made, or broke.
pub(super) fn lost(error: &(dyn std::error::Error + 'static), attempts: u32) -> Error {
    let connected = error.downcast_ref::<reqwest::Error>().is_none_or(|error| !error.is_connect());
    TransportError::new(OPERATION, reason(error), connected, attempts).into()
}

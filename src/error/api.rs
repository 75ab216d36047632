//! The API's error answer.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::{NotRepeated, api_body};
use crate::response::{Headers, Response};

/// An answer with an error status. Python: `paid.core.api_error.ApiError`.
#[derive(Clone)]
pub struct ApiError(Box<Parts>);

#[derive(Clone)]
struct Parts {
    operation: &'static str,
    answer: Response<()>,
    message: String,
    attempts: u32,
    retry_after: Option<Duration>,
    not_repeated: Option<NotRepeated>,
    key_withheld: bool,
}

impl ApiError {
    pub(crate) fn new(
        operation: &'static str,
        answer: Response<()>,
        attempts: u32,
        retry_after: Option<Duration>,
    ) -> Self {
        let message = message(answer.status, &answer.body);
        ApiError(Box::new(Parts {
            operation,
            answer,
            message,
            attempts,
            retry_after,
            not_repeated: None,
            key_withheld: false,
        }))
    }

    /// What the SDK has to say of the answer, in place of the answer's own message.
    pub(crate) fn with_message(mut self, message: String) -> Self {
        self.0.message = message;
        self
    }

    /// The answer is another server's, which was not given the key.
    pub(crate) fn with_key_withheld(mut self) -> Self {
        self.0.key_withheld = true;
        self
    }

    pub(super) fn set_not_repeated(&mut self, why: NotRepeated) {
        self.0.not_repeated = Some(why);
    }

    /// The HTTP status. Python: `e.status_code`.
    pub fn status_code(&self) -> u16 {
        self.0.answer.status
    }

    /// The API's message; without one, what the status means. Python: `e.message`.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The API's code for the error, if it gave one.
    pub fn code(&self) -> Option<String> {
        api_body::read(&self.0.answer.body).code
    }

    /// The body as text, whatever it is. Python: `e.body`.
    pub fn body(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0.answer.body)
    }

    /// The body as a type of yours, such as [`types::Error`](crate::types); none if it does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.0.answer.body).ok()
    }

    /// The headers of the answer.
    pub fn headers(&self) -> &Headers {
        &self.0.answer.headers
    }

    /// The raw answer: status, headers, body bytes. Python: `e.raw_response`.
    pub fn raw_response(&self) -> &Response<()> {
        &self.0.answer
    }

    /// The body bytes of the answer.
    pub fn body_bytes(&self) -> &Bytes {
        &self.0.answer.body
    }

    /// The id that the API gave the request, for its support to find it.
    pub fn request_id(&self) -> Option<&str> {
        super::request_id(self.headers())
    }

    /// How often the request was sent, retries included.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the API asked to wait before another attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the status is one that may pass: 408, 429 or 5xx.
    pub fn is_retryable(&self) -> bool {
        crate::transport::is_retryable_status(self.status_code())
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("operation", &self.0.operation)
            .field("status_code", &self.status_code())
            .field("message", &self.message())
            .field("request_id", &self.request_id())
            .field("attempts", &self.attempts())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was answered {}: {}", self.0.operation, self.status_code(), self.message())?;
        if let Some(id) = self.request_id() {
            write!(f, " (request {id})")?;
        }
        if self.attempts() > 1 {
            write!(f, " after {} attempts", self.attempts())?;
        }
        if let Some(why) = self.0.not_repeated {
            return why.fmt(f);
        }
        match self.status_code() {
            401 if self.0.key_withheld => f.write_str(
                ". A redirect led to another server, which was not given the key: set base_url (PAID_BASE_URL) to the \
                 address that answers itself.",
            ),
            401 => f.write_str(". Check the API key."),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for ApiError {}

/// The message in `{"error": {"message"}}`, `{"message"}`, or a short text body.
fn message(status: u16, body: &[u8]) -> String {
    let parsed = api_body::read(body);
    if let Some(text) = parsed.message.filter(|text| !text.trim().is_empty()) {
        return text;
    }
    let text = String::from_utf8_lossy(body.get(..MESSAGE_LOOK).unwrap_or(body));
    let text = text.trim();
    if !parsed.is_json && !text.is_empty() && !text.starts_with('<') {
        let mut short: String = text.chars().take(200).collect();
        if short.len() < body.trim_ascii().len() {
            short.push('…');
        }
        return short;
    }
    let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.unwrap_or("an error without a message").to_string()
}

/// Of a body that is no JSON, as many bytes are looked at for a message.
const MESSAGE_LOOK: usize = 4096;

//! The API's error answer.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

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
}

impl ApiError {
    pub(crate) fn new(
        operation: &'static str,
        answer: Response<()>,
        attempts: u32,
        retry_after: Option<Duration>,
    ) -> Self {
        let message = message(answer.status, &answer.body);
        ApiError(Box::new(Parts { operation, answer, message, attempts, retry_after }))
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
        let body: Value = self.json()?;
        let code = body.get("error").and_then(|error| error.get("code")).or_else(|| body.get("code"))?;
        code.as_str().map(str::to_string)
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

    /// Whether the status is one that may pass: 408, 409, 429 or 5xx.
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
        match self.status_code() {
            401 => f.write_str(". Check the API key."),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for ApiError {}

/// The message in `{"error": {"message"}}`, `{"message"}`, or a short text body.
fn message(status: u16, body: &[u8]) -> String {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let found = json.as_ref().and_then(|json| {
        let error = json.get("error");
        let places =
            [error.and_then(|error| error.get("message")), json.get("message"), error, json.get("detail")];
        places.into_iter().flatten().find_map(Value::as_str)
    });
    if let Some(text) = found.filter(|text| !text.trim().is_empty()) {
        return text.to_string();
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if json.is_none() && !text.is_empty() && !text.starts_with('<') {
        let mut short: String = text.chars().take(200).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        return short;
    }
    let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.unwrap_or("an error without a message").to_string()
}

//! Errors that arise on this side: no answer, a wrong answer, a wrong request.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::NotRepeated;
use crate::response::{Headers, Response};

/// No complete answer came in time. If the request was sent, the API may have processed it.
#[derive(Clone, Debug)]
pub struct TimeoutError {
    pub(crate) operation: &'static str,
    pub(crate) limit: Duration,
    pub(crate) attempts: u32,
    pub(crate) not_repeated: Option<NotRepeated>,
}

impl TimeoutError {
    pub(crate) fn new(operation: &'static str, limit: Duration, attempts: u32) -> Self {
        TimeoutError { operation, limit, attempts, not_repeated: None }
    }

    /// Whether the request was sent: then the API may have processed it.
    pub fn may_have_been_processed(&self) -> bool {
        self.attempts > 0
    }

    /// How long was waited.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// How often the request was sent.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TimeoutError { operation, limit, attempts, .. } = self;
        if *attempts == 0 {
            return write!(
                f,
                "{operation} was not sent: its deadline of {limit:?} had passed. Allow more with .deadline(..)"
            );
        }
        write!(
            f,
            "{operation} had no complete answer within {limit:?}. It may have been processed: check before you repeat \
             it, or allow more with .timeout(..)"
        )?;
        if *attempts > 1 {
            write!(f, " (after {attempts} attempts)")?;
        }
        self.not_repeated.map_or(Ok(()), |why| why.fmt(f))
    }
}

/// The connection could not be made, or broke before the answer was complete.
#[derive(Clone, Debug)]
pub struct TransportError {
    pub(crate) operation: &'static str,
    pub(crate) reason: String,
    pub(crate) connected: bool,
    pub(crate) attempts: u32,
    /// Host and port that could not be connected to.
    pub(crate) host: Option<String>,
    /// Whether another attempt would end the same.
    pub(crate) lasting: bool,
    pub(crate) not_repeated: Option<NotRepeated>,
}

impl TransportError {
    pub(crate) fn new(operation: &'static str, reason: String, connected: bool, attempts: u32) -> Self {
        TransportError {
            operation,
            reason,
            connected,
            attempts,
            host: None,
            lasting: false,
            not_repeated: None,
        }
    }

    pub(crate) fn with_host(mut self, host: Option<String>) -> Self {
        self.host = host;
        self
    }

    pub(crate) fn lasting(mut self) -> Self {
        self.lasting = true;
        self
    }

    /// The host and port that could not be connected to: those of the base URL.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Whether the connection was made: then the API may have processed the request.
    pub fn may_have_been_processed(&self) -> bool {
        self.connected
    }

    /// What failed, without the URL.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// How often the request was sent.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, self.connected) {
            (_, true) if self.lasting => write!(f, "{} failed: {}", self.operation, self.reason)?,
            (_, true) => write!(f, "{} lost its connection: {}", self.operation, self.reason)?,
            (Some(host), false) => write!(
                f,
                "{} could not connect to the API at {host} (base_url, PAID_BASE_URL): {}",
                self.operation, self.reason
            )?,
            (None, false) => write!(f, "{} could not connect: {}", self.operation, self.reason)?,
        }
        if self.attempts > 1 {
            write!(f, " (after {} attempts)", self.attempts)?;
        }
        self.not_repeated.map_or(Ok(()), |why| why.fmt(f))
    }
}

/// The answer has a success status, and is not what the API describes.
#[derive(Clone)]
pub struct DecodeError(Box<Decode>);

#[derive(Clone)]
struct Decode {
    operation: &'static str,
    answer: Response<()>,
    path: String,
    reason: String,
    attempts: u32,
}

impl DecodeError {
    pub(crate) fn new(
        operation: &'static str,
        answer: Response<()>,
        path: String,
        reason: String,
        attempts: u32,
    ) -> Self {
        DecodeError(Box::new(Decode { operation, answer, path, reason, attempts }))
    }

    /// The HTTP status of the answer.
    pub fn status_code(&self) -> u16 {
        self.0.answer.status
    }

    /// The path of the field that doesn't fit, such as `orderLines[2].agent.id`; `.` for the whole body.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What is wrong there.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The body as text, whatever it is.
    pub fn body(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0.answer.body)
    }

    /// The headers of the answer.
    pub fn headers(&self) -> &Headers {
        &self.0.answer.headers
    }

    /// The raw answer: status, headers, body bytes.
    pub fn raw_response(&self) -> &Response<()> {
        &self.0.answer
    }

    /// How often the request was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeError")
            .field("operation", &self.0.operation)
            .field("status_code", &self.status_code())
            .field("path", &self.0.path)
            .field("reason", &self.0.reason)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decode { operation, answer, path, reason, .. } = &*self.0;
        let place = if path == "." { "its body".to_string() } else { format!("its field `{path}`") };
        write!(f, "{operation} was answered {}, but {place} is not as described: {reason}", answer.status)
    }
}

/// The request is wrong. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRequest {
    pub(crate) field: String,
    pub(crate) problem: String,
}

impl InvalidRequest {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        InvalidRequest { field: field.into(), problem: problem.into() }
    }

    /// The same problem of a setting that was read from a variable.
    pub(crate) fn of_variable(self, is_from_env: bool, name: &str) -> Self {
        if !is_from_env {
            return self;
        }
        InvalidRequest { problem: format!("{name} {}", self.problem), ..self }
    }

    /// The same problem, seen from the value that this one is part of.
    pub(crate) fn within(self, step: &str) -> Self {
        let joint = if self.field.starts_with('[') { "" } else { "." };
        InvalidRequest { field: format!("{step}{joint}{}", self.field), ..self }
    }

    /// What is wrong: a field of the body, a parameter, a header, a setting.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong with it, and the remedy.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.field, self.problem)
    }
}

impl std::error::Error for TimeoutError {}
impl std::error::Error for TransportError {}
impl std::error::Error for DecodeError {}
impl std::error::Error for InvalidRequest {}

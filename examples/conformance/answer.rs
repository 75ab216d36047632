//! What the driver answers: a value, or what went wrong.

use paid::tracing::{SignalError, TracingError};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The members of a good answer, or the error.
pub type Answer = Result<Map<String, Value>, Refusal>;

/// Why there is no value.
#[derive(Clone, Debug, Serialize)]
pub struct Refusal {
    kind: &'static str,
    status_code: Option<u16>,
    message: String,
    body: Value,
    attempts: u32,
}

impl Refusal {
    /// An error of the driver's own: nothing was sent.
    pub fn local(kind: &'static str, message: impl Into<String>) -> Self {
        Refusal { kind, status_code: None, message: message.into(), body: Value::Null, attempts: 0 }
    }

    /// What is given can't be a request.
    pub fn invalid(field: &str, problem: impl std::fmt::Display) -> Self {
        Refusal::local("invalid_request", format!("`{field}`: {problem}"))
    }
}

impl From<paid::Error> for Refusal {
    fn from(error: paid::Error) -> Self {
        let kind = match &error {
            paid::Error::Api(_) => "api",
            paid::Error::Timeout(_) => "timeout",
            paid::Error::Transport(_) => "transport",
            paid::Error::Decode(_) => "decode",
            paid::Error::InvalidRequest(_) => "invalid_request",
            _ => "other",
        };
        let body = error.body().map(|text| serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text)));
        Refusal {
            kind,
            status_code: error.status_code(),
            message: error.message(),
            body: body.unwrap_or_default(),
            attempts: error.attempts(),
        }
    }
}

impl From<SignalError> for Refusal {
    fn from(error: SignalError) -> Self {
        let kind = match error {
            SignalError::EmptyName => "empty_name",
            SignalError::OutsideScope => "outside_scope",
            SignalError::NoCustomer => "no_customer",
            SignalError::NoAgent => "no_agent",
            SignalError::InvalidData(_) => "invalid_data",
            SignalError::TracingOff(_) => "tracing_off",
            SignalError::CostsAlreadyJoined => "costs_already_joined",
            SignalError::QueueFull => "queue_full",
            SignalError::ShutDown => "shut_down",
            _ => "other",
        };
        Refusal::local(kind, error.to_string())
    }
}

impl From<TracingError> for Refusal {
    fn from(error: TracingError) -> Self {
        let kind = match error {
            TracingError::NoKey => "no_key",
            TracingError::Invalid(_) => "invalid",
            TracingError::AlreadyInitialized => "already_initialized",
            TracingError::NoDefaultAccount => "no_default_account",
            TracingError::Conflict(_) => "conflict",
            TracingError::SpoolUnusable(_) => "spool_unusable",
            TracingError::ShutDown => "shut_down",
            _ => "other",
        };
        Refusal::local(kind, error.to_string())
    }
}

/// A good answer with nothing but its value.
pub fn ok(value: impl Into<Value>) -> Map<String, Value> {
    Map::from_iter([("ok".to_string(), value.into())])
}

/// The answer as it is written.
pub fn to_json(answer: Answer) -> Value {
    match answer {
        Ok(members) => Value::Object(members),
        Err(refusal) => json!({"error": refusal}),
    }
}

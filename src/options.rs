//! What a single call can set beside its arguments.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::InvalidRequest;
use crate::values;

/// What a call uses where it says nothing itself.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub timeout: Duration,
    pub deadline: Option<Duration>,
    pub max_retries: u32,
    pub max_response_bytes: usize,
}

impl Default for Defaults {
    fn default() -> Self {
        Defaults {
            timeout: Duration::from_secs(60),
            deadline: None,
            max_retries: 2,
            max_response_bytes: 64 * 1024 * 1024,
        }
    }
}

/// The options of one call. Python: `request_options`.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub timeout: Option<Duration>,
    pub deadline: Option<Duration>,
    pub max_retries: Option<u32>,
    pub headers: HeaderMap,
    pub query: Vec<(String, Value)>,
    pub body: Map<String, Value>,
    /// The caller says that repeating the call does no harm.
    pub repeatable: bool,
    /// The first option that can't be used. The call reports it instead of being sent.
    pub problem: Option<InvalidRequest>,
}

impl Options {
    pub fn header(&mut self, name: &str, value: &str) {
        let Ok(parsed) = HeaderName::try_from(name) else {
            let problem = "is not a header name: use letters, digits and dashes";
            return self.refuse(format!("header {name:?}"), problem);
        };
        match HeaderValue::try_from(value) {
            Ok(value) => {
                self.headers.insert(parsed, value);
            }
            // The value may be a secret: only its header is named.
            Err(_) => self
                .refuse(format!("header {name}"), "has a line end or another control character: remove it"),
        }
    }

    pub fn query(&mut self, name: String, value: &impl Serialize) {
        match values::to_value(value) {
            Ok(value) => self.query.push((name, value)),
            Err(problem) => self.refuse(format!("query {name}"), &problem.to_string()),
        }
    }

    pub fn body_field(&mut self, name: String, value: &impl Serialize) {
        match values::to_value(value) {
            Ok(value) => {
                self.body.insert(name, value);
            }
            Err(problem) => self.refuse(format!("body {name}"), &problem.to_string()),
        }
    }

    fn refuse(&mut self, field: impl Into<String>, problem: &str) {
        self.problem.get_or_insert_with(|| InvalidRequest::new(field, problem));
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("timeout", &self.timeout)
            .field("deadline", &self.deadline)
            .field("max_retries", &self.max_retries)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The options of a call, the same on both clients. `$options` is the path to them from `self`.
macro_rules! option_setters {
    ($($options:tt)+) => {
        /// How long one attempt may take, from connecting to the last byte. Python: `timeout_in_seconds`.
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.$($options)+.timeout = Some(timeout);
            self
        }

        /// How long the call may take in all, retries and waits included.
        pub fn deadline(mut self, deadline: std::time::Duration) -> Self {
            self.$($options)+.deadline = Some(deadline);
            self
        }

        /// How often a failed attempt is repeated. Python: `max_retries`.
        pub fn max_retries(mut self, retries: u32) -> Self {
            self.$($options)+.max_retries = Some(retries);
            self
        }

        /// Sets a header, in place of one of the SDK's if it has the same name. Python: `additional_headers`.
        ///
        /// A name or value that is not allowed in HTTP is an error of the call; nothing is sent.
        pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
            self.$($options)+.header(name.as_ref(), value.as_ref());
            self
        }

        /// Adds a query parameter. Python: `additional_query_parameters`.
        ///
        /// A list repeats the key, an object becomes `key[part]`, null is left out. NaN is an error of the call.
        pub fn query(mut self, name: impl Into<String>, value: impl serde::Serialize) -> Self {
            self.$($options)+.query(name.into(), &value);
            self
        }

        /// Adds a field to the body, in place of one with the same name. Python: `additional_body_parameters`.
        pub fn body_field(mut self, name: impl Into<String>, value: impl serde::Serialize) -> Self {
            self.$($options)+.body_field(name.into(), &value);
            self
        }

        /// Sends an `Idempotency-Key`: the same for every attempt, so that the call may be repeated.
        pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Self {
            self.$($options)+.header("idempotency-key", key.as_ref());
            self
        }

        /// Allows a POST to be repeated though it may have been processed.
        ///
        /// Without it, a POST whose fate is unknown (a broken connection, a 5xx answer) is reported, not
        /// repeated: doubling a signal bills a customer twice.
        pub fn retry_unsafe(mut self, allow: bool) -> Self {
            self.$($options)+.repeatable = allow;
            self
        }
    };
}

pub(crate) use option_setters;

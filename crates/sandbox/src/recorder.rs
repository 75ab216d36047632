//! What arrived: every request as the server saw it, with its key kept out of sight.

use std::borrow::Cow;
use std::fmt;
use std::time::Instant;

use axum::http::{HeaderMap, header, request::Parts};
use serde_json::Value;

#[cfg(feature = "providers")]
use crate::providers::{self, is_key_header};
use crate::{otlp, pattern};

pub(crate) const REDACTED: &str = "[redacted]";

/// The place of a request among those that were recorded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestIndex(pub(crate) usize);

/// A request as it arrived.
///
/// The value of the `authorization` header is kept apart and is never shown, neither in
/// [`headers`](Self::headers) nor by `Debug`; [`bearer_is`](Self::bearer_is) compares it.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let sandbox = paid_sandbox::Sandbox::start_blocking()?;
/// // … the code under test calls the API …
/// for request in sandbox.requests() {
///     assert!(request.bearer_is(sandbox.api_key()));
///     assert!(request.matches("POST", "/usage/signals/bulk"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ReceivedRequest {
    method: String,
    target: String,
    path: String,
    headers: Vec<(String, String)>,
    authorization: Vec<String>,
    /// Keys that came in other ways, as AI providers take them.
    #[cfg(feature = "providers")]
    keys: Vec<String>,
    body: Vec<u8>,
    received_at: Instant,
}

impl ReceivedRequest {
    pub(crate) fn new(parts: &Parts, body: &[u8]) -> Self {
        let target = parts.uri.to_string();
        #[cfg(feature = "providers")]
        let (target, mut keys) = providers::without_key(&target);
        #[cfg(feature = "providers")]
        keys.extend(providers::keys(&parts.headers));
        Self {
            method: parts.method.to_string(),
            target,
            path: parts.uri.path().to_owned(),
            headers: visible(&parts.headers),
            authorization: parts
                .headers
                .get_all(header::AUTHORIZATION)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect(),
            #[cfg(feature = "providers")]
            keys,
            body: body.to_vec(),
            received_at: Instant::now(),
        }
    }

    /// The method, in capitals.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The request target: path and query, percent-encoded as it was sent.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The path of the target, base path included, still percent-encoded.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query of the target, without its `?`, still percent-encoded.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// Whether this is a request to a route, named as in [`Fault::on`](crate::Fault::on).
    pub fn matches(&self, method: &str, path: &str) -> bool {
        pattern::matches(method, path, &self.method, &self.path)
    }

    /// Every header with its value, names in lower case, repeated ones included.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The first value of a header, in any letter case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(sent, _)| sent.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the request carried this key, once, as `Authorization: Bearer …`.
    pub fn bearer_is(&self, key: &str) -> bool {
        matches!(self.authorization.as_slice(), [value] if bearer(value) == Some(key))
    }

    /// Whether the request carried this key outside its `Authorization`.
    #[cfg(feature = "providers")]
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.keys.iter().any(|sent| sent == key)
    }

    /// The body as it was sent. That of a trace request holds the key of its sender.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body without its gzip, if it has `content-encoding: gzip`; else as it was sent. None if the gzip is broken.
    pub fn content(&self) -> Option<Cow<'_, [u8]>> {
        match self.header("content-encoding") {
            Some(coding) if coding.eq_ignore_ascii_case("gzip") => {
                otlp::decode::inflated(&self.body).map(Cow::Owned)
            }
            _ => Some(Cow::Borrowed(&self.body)),
        }
    }

    /// The body as JSON, if it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body for people. The body of a trace request holds the key, in some encoding.
    fn printable_body(&self) -> Cow<'_, str> {
        if self.path == otlp::PATH {
            format!("[{} bytes of traces]", self.body.len()).into()
        } else {
            String::from_utf8_lossy(&self.body)
        }
    }

    /// When the whole request had arrived.
    pub fn received_at(&self) -> Instant {
        self.received_at
    }
}

impl fmt::Debug for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("headers", &self.headers)
            .field("body", &self.printable_body())
            .finish_non_exhaustive()
    }
}

/// The key of an `Authorization` value, if it is a bearer token with something in it.
pub(crate) fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

fn visible(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = |name: &header::HeaderName, value: &header::HeaderValue| {
        if name == header::AUTHORIZATION || name == header::PROXY_AUTHORIZATION || is_key_header(name) {
            REDACTED.to_owned()
        } else {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        }
    };
    headers.iter().map(|(name, value)| (name.to_string(), shown(name, value))).collect()
}

#[cfg(not(feature = "providers"))]
fn is_key_header(_: &header::HeaderName) -> bool {
    false
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was answered with this status.
    Answered(u16),
    /// Its answer, of this status, was cut in half.
    CutMidway(u16),
    /// The connection was closed without an answer.
    Cut,
    /// It was left without an answer.
    Hung,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status) => write!(f, "{status}"),
            Self::CutMidway(status) => write!(f, "{status}, cut midway"),
            Self::Cut => f.write_str("cut"),
            Self::Hung => f.write_str("left hanging"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    #[test]
    fn the_key_is_compared_but_never_shown() {
        let (parts, ()) = Request::get("/api/v1/agents?a=%20b")
            .header("Authorization", "Bearer hush-hush")
            .header("x-trace", "1")
            .body(())
            .unwrap()
            .into_parts();
        let request = ReceivedRequest::new(&parts, b"{}");
        assert!(request.bearer_is("hush-hush"));
        assert!(!request.bearer_is("hush"));
        assert!(!format!("{request:?}").contains("hush"));
        assert_eq!(request.header("AUTHORIZATION"), Some(REDACTED));
        assert_eq!(request.header("X-Trace"), Some("1"));
        assert_eq!(request.path(), "/api/v1/agents");
        assert_eq!(request.query(), Some("a=%20b"));
    }
}

//! A finished span, as it goes to the collector.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry::{KeyValue, Value};

use super::encode;

/// For whom a span is, shared by all spans of a scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owner {
    pub customer: Option<Arc<str>>,
    pub agent: Option<Arc<str>>,
    pub metadata: Option<Arc<[KeyValue]>>,
    /// All of it as attributes of a span, written once for the whole scope.
    pub(super) encoded: Vec<u8>,
}

impl Owner {
    pub fn new(
        customer: Option<Arc<str>>,
        agent: Option<Arc<str>>,
        metadata: Option<Arc<[KeyValue]>>,
    ) -> Self {
        let mut owner = Owner { customer, agent, metadata, encoded: Vec::new() };
        owner.encoded = encode::owner(&owner);
        owner
    }
}

/// A span that has ended.
#[derive(Debug)]
pub(crate) struct Span<'a> {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub parent: Option<Parent>,
    pub name: &'a str,
    pub start_unix_nano: u64,
    pub end_unix_nano: u64,
    pub owner: &'a Owner,
    /// What it has beside its owner's.
    pub attributes: &'a [Attribute<'a>],
    pub status: Status,
    /// The `exception` event, if there was one.
    pub exception: Option<Exception>,
}

/// An attribute, borrowed from where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute<'a> {
    pub key: &'a str,
    pub value: AttributeValue<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum AttributeValue<'a> {
    Text(&'a str),
    Any(&'a Value),
}

impl<'a> Attribute<'a> {
    pub fn text(key: &'a str, value: &'a str) -> Self {
        Attribute { key, value: AttributeValue::Text(value) }
    }

    pub fn any(key: &'a str, value: &'a Value) -> Self {
        Attribute { key, value: AttributeValue::Any(value) }
    }
}

/// The span above; `remote` if it is in another process or never exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    pub span_id: SpanId,
    pub remote: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Status {
    #[default]
    Unset,
    Ok,
    Error(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    pub kind: Cow<'static, str>,
    pub message: String,
}

/// Nanoseconds since the Unix epoch.
pub(crate) fn now_unix_nano() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

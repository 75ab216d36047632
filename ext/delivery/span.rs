//! A finished span, as it goes to the collector.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry::{KeyValue, Value};

/// For whom a span is, shared by all spans of a scope: cloning it copies no text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owner {
    pub customer: Option<Arc<str>>,
    pub agent: Option<Arc<str>>,
    pub metadata: Option<Arc<[KeyValue]>>,
}

impl Owner {
    fn size(&self) -> usize {
        let ids = [&self.customer, &self.agent].into_iter().flatten().map(|id| id.len()).sum::<usize>();
        ids + self.metadata.as_deref().unwrap_or_default().iter().map(size_of_attribute).sum::<usize>()
    }
}

fn size_of_attribute(attribute: &KeyValue) -> usize {
    let value = match &attribute.value {
        Value::String(text) => text.as_str().len(),
        Value::Array(array) => array.to_string().len(),
        _ => 0,
    };
    attribute.key.as_str().len() + value + size_of::<KeyValue>()
}

/// A span that has ended.
#[derive(Debug)]
pub(crate) struct Span {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub parent: Option<Parent>,
    pub name: Cow<'static, str>,
    pub start_unix_nano: u64,
    pub end_unix_nano: u64,
    pub owner: Owner,
    /// What it has beside its owner's.
    pub attributes: Vec<KeyValue>,
    pub status: Status,
    /// The `exception` event, if there was one.
    pub exception: Option<Exception>,
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

impl Span {
    /// About how much memory it takes, in bytes.
    pub fn size(&self) -> usize {
        let text: usize = self.attributes.iter().map(size_of_attribute).sum();
        let status = match &self.status {
            Status::Error(message) => message.len(),
            Status::Unset | Status::Ok => 0,
        };
        let exception =
            self.exception.as_ref().map_or(0, |exception| exception.message.len() + exception.kind.len());
        size_of::<Span>() + self.owner.size() + text + status + exception
    }
}

/// Nanoseconds since the Unix epoch.
pub(crate) fn now_unix_nano() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

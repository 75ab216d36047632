//! A finished span, as it goes to the collector.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, TraceId};

/// A span that has ended.
#[derive(Debug)]
pub(crate) struct Span {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub parent: Option<Parent>,
    pub name: Cow<'static, str>,
    pub start_unix_nano: u64,
    pub end_unix_nano: u64,
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
        let text: usize = self
            .attributes
            .iter()
            .map(|attribute| attribute.key.as_str().len() + attribute.value.as_str().len() + 48)
            .sum();
        let status = match &self.status {
            Status::Error(message) => message.len(),
            Status::Unset | Status::Ok => 0,
        };
        let exception =
            self.exception.as_ref().map_or(0, |exception| exception.message.len() + exception.kind.len());
        size_of::<Span>() + text + status + exception
    }
}

/// Nanoseconds since the Unix epoch.
pub(crate) fn now_unix_nano() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

//! Spans as the sandbox shows them.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::KEY_ATTRIBUTE;
use super::value::{AttributeValue, as_object, find};
use crate::recorder::REDACTED;
use crate::time::as_text;

/// A span as it arrived.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let sandbox = paid_sandbox::Sandbox::start_blocking()?;
/// // … the code under test sends its traces …
/// for span in sandbox.spans() {
///     assert!(span.key_is(sandbox.api_key()));
///     println!("{} used {:?}", span.name, span.attribute("gen_ai.usage.input_tokens"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ReceivedSpan {
    /// The trace: 32 hex digits in lower case.
    pub trace_id: String,
    /// The span: 16 hex digits in lower case.
    pub span_id: String,
    /// The span above it, whether or not that one was sent; nothing for a root.
    pub parent_span_id: Option<String>,
    /// The flags: those of the trace in the low 8 bits, what is known of the parent above.
    pub flags: u32,
    /// The name.
    pub name: String,
    /// The kind.
    pub kind: SpanKind,
    /// When it began, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    pub start_unix_nano: u64,
    /// When it ended, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    pub end_unix_nano: u64,
    /// The attributes, in the order in which they were sent.
    #[serde(serialize_with = "as_object")]
    pub attributes: Vec<(String, AttributeValue)>,
    /// The events, in the order in which they were sent.
    pub events: Vec<SpanEvent>,
    /// How it ended.
    pub status: SpanStatus,
    /// The name of the instrumentation scope.
    pub scope_name: String,
    /// The version of the instrumentation scope.
    pub scope_version: String,
    /// Which request brought it: its place in [`Sandbox::requests`](crate::Sandbox::requests)
    /// as long as those are not cleared.
    pub request_index: usize,
    #[serde(serialize_with = "shown")]
    pub(super) resource: Arc<Resource>,
}

impl ReceivedSpan {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        find(&self.attributes, name)
    }

    /// The text of an attribute, if it is there and is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attribute(name).and_then(AttributeValue::as_str)
    }

    /// The attributes of the resource that sent the span. The value of `api.key` is not
    /// shown; [`key_is`](Self::key_is) compares it.
    pub fn resource(&self) -> &[(String, AttributeValue)] {
        &self.resource.attributes
    }

    /// Whether the resource carried this key, once, as `api.key`.
    pub fn key_is(&self, key: &str) -> bool {
        self.resource.key() == Some(key)
    }

    /// Whether two are copies of one span: the same ids.
    pub(super) fn identity(&self) -> (&str, &str) {
        (&self.trace_id, &self.span_id)
    }
}

/// Something that happened during a span.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SpanEvent {
    /// The name.
    pub name: String,
    /// When it happened, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    pub time_unix_nano: u64,
    /// The attributes, in the order in which they were sent.
    #[serde(serialize_with = "as_object")]
    pub attributes: Vec<(String, AttributeValue)>,
}

impl SpanEvent {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        find(&self.attributes, name)
    }
}

/// How a span ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SpanStatus {
    /// Well, badly, or nobody said.
    pub code: StatusCode,
    /// What went wrong.
    pub message: String,
}

/// Whether a span ended well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StatusCode {
    /// Nobody said.
    #[default]
    Unset,
    /// Well.
    Ok,
    /// Badly.
    Error,
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unset => "UNSET",
            Self::Ok => "OK",
            Self::Error => "ERROR",
        })
    }
}

/// The role of a span. A kind that OTLP does not know counts as unspecified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum SpanKind {
    /// Nobody said.
    #[default]
    Unspecified,
    /// Work inside a program.
    Internal,
    /// A request that was answered.
    Server,
    /// A request that was made.
    Client,
    /// A message that was sent.
    Producer,
    /// A message that was received.
    Consumer,
}

/// What sent the spans. Its keys are kept apart from what is shown.
#[derive(Clone, PartialEq)]
pub(super) struct Resource {
    attributes: Vec<(String, AttributeValue)>,
    keys: Vec<AttributeValue>,
}

impl Resource {
    pub(super) fn new(mut attributes: Vec<(String, AttributeValue)>) -> Self {
        let mut keys = Vec::new();
        for (_, value) in attributes.iter_mut().filter(|(name, _)| name == KEY_ATTRIBUTE) {
            keys.push(std::mem::replace(value, REDACTED.into()));
        }
        Self { attributes, keys }
    }

    /// The key, if there is exactly one and it is text with something in it.
    pub(super) fn key(&self) -> Option<&str> {
        match self.keys.as_slice() {
            [AttributeValue::String(key)] if !key.is_empty() => Some(key),
            _ => None,
        }
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.attributes).finish()
    }
}

fn shown<S: Serializer>(resource: &Arc<Resource>, serializer: S) -> Result<S::Ok, S::Error> {
    as_object(&resource.attributes, serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_compared_but_never_shown() {
        let attribute = |name: &str, value: &str| (name.to_owned(), AttributeValue::from(value));
        let one = Resource::new(vec![attribute("host", "h"), attribute(KEY_ATTRIBUTE, "hush")]);
        assert_eq!(one.key(), Some("hush"));
        assert!(!format!("{one:?}").contains("hush"));
        assert_eq!(find(&one.attributes, KEY_ATTRIBUTE), Some(&REDACTED.into()));
        let two = Resource::new(vec![attribute(KEY_ATTRIBUTE, "hush"), attribute(KEY_ATTRIBUTE, "hush")]);
        assert_eq!(two.key(), None);
        assert!(!format!("{two:?}").contains("hush"));
        assert_eq!(Resource::new(vec![attribute(KEY_ATTRIBUTE, "")]).key(), None);
        let number = Resource::new(vec![(KEY_ATTRIBUTE.to_owned(), 77.into())]);
        assert_eq!(number.key(), None);
        assert!(!format!("{number:?}").contains("77"));
    }
}

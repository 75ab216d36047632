//! The spans so far: every copy, and which of them are the first of their span.

use std::collections::HashSet;

use super::ReceivedSpan;

/// Every span that was taken, in the order of arrival, copies included.
#[derive(Debug, Default)]
pub(crate) struct SpanMemory {
    spans: Vec<ReceivedSpan>,
    known: HashSet<(String, String)>,
}

impl SpanMemory {
    /// Keeps a span, and says whether it is the first copy of it.
    pub(crate) fn add(&mut self, span: ReceivedSpan) -> bool {
        let (trace_id, span_id) = span.identity();
        let first = self.known.insert((trace_id.to_owned(), span_id.to_owned()));
        self.spans.push(span);
        first
    }

    pub(crate) fn all(&self) -> &[ReceivedSpan] {
        &self.spans
    }
}

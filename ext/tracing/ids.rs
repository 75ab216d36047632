//! Random ids, from the system: a forked process never repeats its parent's.

use opentelemetry::trace::{SpanId, TraceId};

/// A trace id that is not zero.
pub(crate) fn trace_id() -> TraceId {
    TraceId::from_bytes(random())
}

/// A span id that is not zero.
pub(crate) fn span_id() -> SpanId {
    SpanId::from_bytes(random())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() || bytes == [0; N] {
        // Without a system source, ids that are only likely to be unique are better than none.
        bytes.fill_with(|| fastrand::u8(1..));
    }
    bytes
}

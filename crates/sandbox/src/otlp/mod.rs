//! Traces over OTLP/HTTP: how a body becomes spans, and what the spans tell.

pub(crate) mod decode;
mod json;
mod memory;
mod signals;
mod span;
mod tree;
mod value;
mod view;

pub(crate) use memory::SpanMemory;
pub(crate) use signals::{cost_for_customer, traced_signals};
pub(crate) use tree::draw;
pub(crate) use view::spans_of;

pub use signals::{LinkedCost, TracedSignal};
pub use span::{ReceivedSpan, SpanEvent, SpanKind, SpanStatus, StatusCode};
pub use value::AttributeValue;

/// Where the collector lives on the server.
pub(crate) const PATH: &str = "/v1/traces";

/// The resource attribute that carries the key.
pub(crate) const KEY_ATTRIBUTE: &str = "api.key";

/// Bytes as hex digits, as ids are written.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

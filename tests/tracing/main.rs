//! Tracing from outside: what arrives at a collector, decoded from the bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ai;
mod cost;
mod ending;
mod errors;
mod host;
mod scopes;
mod signals;
mod tokens;
mod trouble;

use std::time::Duration;

use paid::AsyncPaid;
use paid::tracing::TracingOptions;
use paid_sandbox::{ReceivedSpan, Sandbox};

/// A collector that takes only its own key, and a client with that key: tests share a process, not an account.
fn start() -> (Sandbox, AsyncPaid) {
    start_with(TracingOptions::new())
}

fn start_with(options: TracingOptions) -> (Sandbox, AsyncPaid) {
    let sandbox = Sandbox::start_blocking().expect("the sandbox starts");
    let client = sandbox.client_builder().build().expect("a client");
    client.initialize_tracing_with(options).expect("tracing starts");
    (sandbox, client)
}

/// The spans, once there are so many.
fn spans(sandbox: &Sandbox, count: usize) -> Vec<ReceivedSpan> {
    let spans = sandbox.wait_for_spans_blocking(count, Duration::from_secs(10));
    assert_eq!(spans.len(), count, "{spans:#?}");
    spans
}

fn parents(spans: &[ReceivedSpan]) -> Vec<&ReceivedSpan> {
    spans.iter().filter(|span| span.name == "paid.trace.parent_span").collect()
}

/// The parent span of a customer.
fn of<'a>(spans: &'a [ReceivedSpan], customer: &str) -> &'a ReceivedSpan {
    parents(spans)
        .into_iter()
        .find(|span| span.text("external_customer_id") == Some(customer))
        .expect(customer)
}

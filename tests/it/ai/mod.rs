//! AI calls from outside: the spans that arrive at a collector.

#[allow(dead_code, reason = "the adapters' tests use all of it")]
#[path = "../../adapters/support/cases.rs"]
mod case_list;
mod cases;
mod engine;

use std::time::Duration;

use paid::AsyncPaid;
use paid::tracing::TracingOptions;
use paid_sandbox::{ReceivedSpan, Sandbox};

/// A collector that takes only its own key, and a client with that key: tests share a process, not an account.
fn start() -> (Sandbox, AsyncPaid) {
    let key = format!("key_{}", paid::tracing::generate_tracing_token());
    let sandbox = Sandbox::builder().api_key(key.as_str()).start_blocking().expect("the sandbox starts");
    let client = AsyncPaid::builder().token(key).base_url(sandbox.base_url()).build().expect("a client");
    let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
    client.initialize_tracing_with(options).expect("tracing starts");
    (sandbox, client)
}

/// The spans of AI calls, once there are so many, in the order of their ends.
fn calls(sandbox: &Sandbox, client: &AsyncPaid, count: usize) -> Vec<ReceivedSpan> {
    // What a scope has recorded goes before its own span.
    client.paid_tracing("the last").run(|| {});
    let is_last = |span: &ReceivedSpan| span.text("external_customer_id") == Some("the last");
    let arrived = (count + 1..)
        .map(|least| sandbox.wait_for_spans_blocking(least, Duration::from_secs(10)))
        .find(|spans| spans.iter().any(is_last))
        .unwrap();
    let calls: Vec<_> = arrived.into_iter().filter(|span| span.name != "paid.trace.parent_span").collect();
    assert_eq!(calls.len(), count, "{calls:#?}");
    calls
}

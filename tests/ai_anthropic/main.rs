//! The typed client of Anthropic's Messages API: what the provider receives, what the caller gets, and the spans that
//! arrive at a collector.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod errors;
mod messages;
mod scopes;
mod settings;
mod streams;

use std::collections::BTreeMap;
use std::time::Duration;

use paid::AsyncPaid;
use paid::ai::anthropic::{Builder, MessageRequest, PaidAnthropic};
use paid::tracing::{TracingOptions, generate_tracing_token};
use paid_sandbox::{AttributeValue, ReceivedRequest, ReceivedSpan, Sandbox, StatusCode};

const KEY: &str = "sk-ant-a-secret-key";
const MODEL: &str = "claude-sonnet-4-5";
const PATH: &str = "/v1/messages";

struct World {
    sandbox: Sandbox,
    client: AsyncPaid,
    anthropic: PaidAnthropic,
}

async fn world() -> World {
    world_with(|builder| builder).await
}

/// A collector that takes only its own key, and clients with theirs: tests share a process, not an account.
async fn world_with(settings: impl FnOnce(Builder) -> Builder) -> World {
    let key = format!("key_{}", generate_tracing_token());
    let sandbox = Sandbox::builder().api_key(key.as_str()).start().await.unwrap();
    let client = AsyncPaid::new(key).unwrap();
    let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
    client.initialize_tracing_with(options).unwrap();
    let builder = PaidAnthropic::builder(KEY).base_url(sandbox.anthropic_base()).max_retries(0);
    let anthropic = settings(builder).build().unwrap();
    World { sandbox, client, anthropic }
}

fn hello() -> MessageRequest {
    MessageRequest::new(MODEL, 100).user("hello there")
}

impl World {
    /// Runs work in a scope; the calls so far, once their spans are there.
    async fn traced<F: Future>(&self, work: F) -> (F::Output, Vec<ReceivedSpan>) {
        let output = self.client.paid_tracing("acme").run_async(work).await;
        (output, self.calls().await)
    }

    /// The same for work that makes the only call.
    async fn traced_call<F: Future>(&self, work: F) -> (F::Output, ReceivedSpan) {
        let (output, mut calls) = self.traced(work).await;
        assert_eq!(calls.len(), 1, "{calls:#?}");
        (output, calls.remove(0))
    }

    /// The spans of AI calls so far, in the order of their ends.
    async fn calls(&self) -> Vec<ReceivedSpan> {
        // What a scope has recorded goes before the next one's own span.
        let last = generate_tracing_token().to_string();
        self.client.paid_tracing(last.as_str()).run(|| {});
        let mut least = 1;
        let arrived = loop {
            let spans = self.sandbox.wait_for_spans(least, Duration::from_secs(20)).await;
            if spans.iter().any(|span| span.text("external_customer_id") == Some(last.as_str())) {
                break spans;
            }
            assert!(spans.len() >= least, "spans are missing: {spans:#?}");
            least = spans.len() + 1;
        };
        arrived.into_iter().filter(|span| span.name != "paid.trace.parent_span").collect()
    }

    /// What the provider received.
    fn received(&self) -> Vec<ReceivedRequest> {
        self.sandbox.requests().into_iter().filter(|request| request.path().ends_with(PATH)).collect()
    }
}

fn count(span: &ReceivedSpan, key: &str) -> Option<i64> {
    span.attribute(&format!("gen_ai.usage.{key}")).and_then(|value| value.as_i64())
}

/// All attributes, as text.
fn attributes(span: &ReceivedSpan) -> BTreeMap<&str, String> {
    let text = |value: &AttributeValue| match value.as_str() {
        Some(text) => text.to_string(),
        None => value.as_i64().unwrap().to_string(),
    };
    span.attributes.iter().map(|(key, value)| (key.as_str(), text(value))).collect()
}

#[track_caller]
fn assert_failed(span: &ReceivedSpan, message: &str) {
    assert_eq!(span.name, "paid.trace.anthropic.messages.create");
    assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Error, message));
    let exceptions = span.events.iter().filter(|event| event.name == "exception").count();
    assert_eq!(exceptions, 1);
    let shown = format!("{span:?}");
    assert!(!shown.contains(KEY) && !shown.contains("http://") && !shown.contains("hello there"), "{shown}");
}

//! `aws-sdk-bedrockruntime` with the interceptor: what the provider receives, what the caller gets, and the spans that
//! arrive at a collector.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod calls;
mod crowd;
mod errors;
mod scopes;
mod streams;
mod trouble;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Builder, Config, Credentials, Region};
use aws_sdk_bedrockruntime::error::DisplayErrorContext;
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseFluentBuilder;
use aws_sdk_bedrockruntime::operation::converse_stream::ConverseStreamOutput;
use aws_sdk_bedrockruntime::operation::converse_stream::builders::ConverseStreamFluentBuilder;
use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, ConverseStreamOutput as Event, Message};
use paid::AsyncPaid;
use paid::ai::bedrock::PaidInterceptor;
use paid::tracing::{TracingOptions, generate_tracing_token};
use paid_sandbox::{AttributeValue, ReceivedRequest, ReceivedSpan, Sandbox, StatusCode};

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "a/secret/access/key";
const MODEL: &str = "us.amazon.nova-lite-v1:0";
const CONVERSE: &str = "/model/{id}/converse";
const CONVERSE_STREAM: &str = "/model/{id}/converse-stream";
const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    sandbox: Sandbox,
    client: AsyncPaid,
    bedrock: Client,
    /// The same client as it is without the interceptor.
    plain: Client,
    /// How many calls there were when it was looked last.
    seen: AtomicUsize,
}

async fn world() -> World {
    world_with(PaidInterceptor::new()).await
}

/// A collector that takes only its own key, and clients with theirs: tests share a process, not an account.
async fn world_with(interceptor: PaidInterceptor) -> World {
    let key = format!("key_{}", generate_tracing_token());
    let sandbox = Sandbox::builder().api_key(key.as_str()).start().await.unwrap();
    let client = AsyncPaid::new(key).unwrap();
    let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
    client.initialize_tracing_with(options).unwrap();
    let bedrock = Client::from_conf(config(&sandbox).interceptor(interceptor).build());
    let plain = Client::from_conf(config(&sandbox).build());
    World { sandbox, client, bedrock, plain, seen: AtomicUsize::new(0) }
}

fn config(sandbox: &Sandbox) -> Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(KEY, SECRET, None, None, "test"))
        .endpoint_url(sandbox.bedrock_base())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
}

fn says(text: &str) -> Message {
    let content = ContentBlock::Text(text.to_string());
    Message::builder().role(ConversationRole::User).content(content).build().unwrap()
}

fn converse(bedrock: &Client) -> ConverseFluentBuilder {
    bedrock.converse().model_id(MODEL).messages(says("hello there"))
}

fn converse_stream(bedrock: &Client) -> ConverseStreamFluentBuilder {
    bedrock.converse_stream().model_id(MODEL).messages(says("hello there"))
}

/// All of a stream, and the error that it ended with.
async fn all(mut answer: ConverseStreamOutput) -> (Vec<Event>, Option<String>) {
    let mut events = Vec::new();
    loop {
        match answer.stream.recv().await {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(DisplayErrorContext(error).to_string())),
        }
    }
}

impl World {
    fn scope(&self) -> paid::tracing::PaidTracing {
        self.client.paid_tracing("acme").external_agent_id("bot")
    }

    /// Runs work in a scope, which makes one more call, that ends on its own time.
    async fn traced<F: Future>(&self, work: F) -> (F::Output, ReceivedSpan) {
        let before = self.seen.load(Ordering::Relaxed);
        let output = self.scope().run_async(work).await;
        let mut calls = self.calls().await;
        while calls.len() <= before {
            self.sandbox.wait_for_spans(self.sandbox.spans().len() + 1, PATIENCE).await;
            calls = self.calls().await;
        }
        assert_eq!(calls.len(), before + 1, "{calls:#?}");
        (output, calls.remove(before))
    }

    /// The spans of AI calls so far, in the order of their ends.
    async fn calls(&self) -> Vec<ReceivedSpan> {
        // What a scope has recorded goes before the next one's own span.
        let last = generate_tracing_token().to_string();
        self.client.paid_tracing(last.as_str()).run(|| {});
        let mut least = 1;
        let arrived = loop {
            let spans = self.sandbox.wait_for_spans(least, PATIENCE).await;
            if spans.iter().any(|span| span.text("external_customer_id") == Some(last.as_str())) {
                break spans;
            }
            assert!(spans.len() >= least, "spans are missing: {spans:#?}");
            least = spans.len() + 1;
        };
        let calls: Vec<_> =
            arrived.into_iter().filter(|span| span.name != "paid.trace.parent_span").collect();
        self.seen.store(calls.len(), Ordering::Relaxed);
        calls
    }

    /// What the provider received.
    fn received(&self) -> Vec<ReceivedRequest> {
        let is_call = |request: &ReceivedRequest| request.path().starts_with("/providers/");
        self.sandbox.requests().into_iter().filter(is_call).collect()
    }
}

fn count(span: &ReceivedSpan, key: &str) -> Option<i64> {
    span.attribute(&format!("gen_ai.usage.{key}")).and_then(|value| value.as_i64())
}

/// All attributes but those of the scope, as text.
fn attributes(span: &ReceivedSpan) -> BTreeMap<&str, String> {
    let text = |value: &AttributeValue| match value.as_str() {
        Some(text) => text.to_string(),
        None => value.as_i64().unwrap().to_string(),
    };
    let own = span.attributes.iter().filter(|(key, _)| !key.starts_with("external_"));
    own.map(|(key, value)| (key.as_str(), text(value))).collect()
}

/// That a span is a success with these attributes and no others.
#[track_caller]
fn assert_told(span: &ReceivedSpan, name: &str, expected: &[(&str, &str)]) {
    assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Ok, ""));
    assert_eq!(span.name, format!("paid.trace.bedrock.{name}"));
    assert_eq!(span.text("external_customer_id"), Some("acme"));
    assert_eq!(span.text("external_agent_id"), Some("bot"));
    let mut all: BTreeMap<_, _> = expected.iter().map(|(key, value)| (*key, (*value).to_string())).collect();
    all.insert("gen_ai.system", "bedrock".to_string());
    all.insert("gen_ai.operation.name", name.to_string());
    assert_eq!(attributes(span), all);
    assert_discreet(span);
}

#[track_caller]
fn assert_failed(span: &ReceivedSpan, message: &str) {
    assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Error, message));
    let exceptions: Vec<_> = span.events.iter().filter(|event| event.name == "exception").collect();
    assert_eq!(exceptions.len(), 1);
    assert_discreet(span);
}

/// No key, URL, prompt or answer.
#[track_caller]
fn assert_discreet(span: &ReceivedSpan) {
    let shown = format!("{span:?}");
    for hidden in [KEY, SECRET, "http://", "127.0.0.1", "hello there", "You said"] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
}

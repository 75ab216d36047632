//! `async-openai` with the layer: what the provider receives, what the caller gets, and the spans that arrive at a
//! collector.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod chats;
mod crowd;
mod errors;
mod hosts;
mod kinds;
mod layers;
mod scopes;
mod streams;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::chat::CreateChatCompletionRequest;
use futures_core::Stream;
use paid::AsyncPaid;
use paid::ai::openai::PaidOpenAILayer;
use paid::tracing::{TracingOptions, generate_tracing_token};
use paid_sandbox::{AttributeValue, ReceivedRequest, ReceivedSpan, Sandbox, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);
const KEY: &str = "sk-a-secret-key";
const MODEL: &str = "gpt-4.1-mini";
const CHAT: &str = "/v1/chat/completions";
const CHAT_SPAN: &str = "paid.trace.openai.chat.completions.create";

struct World {
    sandbox: Sandbox,
    client: AsyncPaid,
    openai: Client<OpenAIConfig>,
    /// The same client as it is without the layer.
    plain: Client<OpenAIConfig>,
    /// How many calls have been seen.
    seen: AtomicUsize,
}

async fn world() -> World {
    world_with(PaidOpenAILayer::new()).await
}

/// A collector that takes only its own key, and clients with theirs: tests share a process, not an account.
async fn world_with(layer: PaidOpenAILayer) -> World {
    let key = format!("key_{}", generate_tracing_token());
    let sandbox = Sandbox::builder().api_key(key.as_str()).start().await.unwrap();
    let client = AsyncPaid::new(key).unwrap();
    let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
    client.initialize_tracing_with(options).unwrap();
    let (openai, plain) = (layer.client(config(&sandbox)), Client::with_config(config(&sandbox)));
    World { sandbox, client, openai, plain, seen: AtomicUsize::new(0) }
}

fn config(sandbox: &Sandbox) -> OpenAIConfig {
    OpenAIConfig::new().with_api_base(sandbox.openai_base()).with_api_key(KEY)
}

fn request<R: DeserializeOwned>(body: Value) -> R {
    serde_json::from_value(body).unwrap()
}

fn chat_of(text: &str) -> CreateChatCompletionRequest {
    request(json!({"model": MODEL, "messages": [{"role": "user", "content": text}]}))
}

fn hello() -> CreateChatCompletionRequest {
    chat_of("hello there")
}

impl World {
    /// Runs work in a scope; the calls so far, once their spans are there.
    async fn traced<F: Future>(&self, work: F) -> (F::Output, Vec<ReceivedSpan>) {
        let output = self.client.paid_tracing("acme").external_agent_id("bot").run_async(work).await;
        (output, self.calls().await)
    }

    /// The same for work that makes one more call, which ends on its own time.
    async fn traced_call<F: Future>(&self, work: F) -> (F::Output, ReceivedSpan) {
        let before = self.seen.load(Ordering::Relaxed);
        let scope = self.client.paid_tracing("acme").external_agent_id("bot");
        let output = scope.run_async(work).await;
        let ended = async {
            loop {
                let calls = self.calls().await;
                if calls.len() > before {
                    return calls;
                }
            }
        };
        let mut calls = tokio::time::timeout(PATIENCE, ended).await.expect("the call ends");
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
        let is_call = |span: &ReceivedSpan| span.name != "paid.trace.parent_span";
        let calls: Vec<_> = arrived.into_iter().filter(is_call).collect();
        self.seen.store(calls.len(), Ordering::Relaxed);
        calls
    }

    /// What the provider received.
    fn received(&self) -> Vec<ReceivedRequest> {
        let is_call = |request: &ReceivedRequest| request.path().starts_with("/providers/");
        self.sandbox.requests().into_iter().filter(is_call).collect()
    }
}

type Streamed<T> = std::pin::Pin<Box<dyn Stream<Item = Result<T, OpenAIError>> + Send>>;

async fn next<T>(stream: &mut Streamed<T>) -> Option<Result<T, OpenAIError>> {
    poll_fn(|context| stream.as_mut().poll_next(context)).await
}

/// All of a stream, and the error that it ended with.
async fn all<T>(mut stream: Streamed<T>) -> (Vec<T>, Option<OpenAIError>) {
    let mut items = Vec::new();
    while let Some(item) = next(&mut stream).await {
        match item {
            Ok(item) => items.push(item),
            Err(error) => return (items, Some(error)),
        }
    }
    (items, None)
}

/// A value as JSON, without the ids that differ from answer to answer.
fn told<T: Serialize>(value: &T) -> Value {
    fn forget(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|key, _| key != "id" && !key.ends_with("_id"));
                members.values_mut().for_each(forget);
            }
            Value::Array(items) => items.iter_mut().for_each(forget),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(value).unwrap();
    forget(&mut value);
    value
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
    assert_eq!(span.name, name);
    assert_eq!(span.text("external_customer_id"), Some("acme"));
    assert_eq!(span.text("external_agent_id"), Some("bot"));
    let expected = expected.iter().map(|(key, value)| (*key, (*value).to_string())).collect();
    assert_eq!(attributes(span), expected);
    assert_discreet(span);
}

#[track_caller]
fn assert_failed(span: &ReceivedSpan, message: &str) {
    assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Error, message));
    let exceptions = span.events.iter().filter(|event| event.name == "exception").count();
    assert_eq!(exceptions, 1);
    assert_discreet(span);
}

/// No key, URL, prompt or answer.
#[track_caller]
fn assert_discreet(span: &ReceivedSpan) {
    let shown = format!("{span:?}");
    for hidden in [KEY, "http://", "hello there", "You said"] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
}

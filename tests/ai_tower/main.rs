//! A client of hyper-util below the layer: what the provider receives, what the caller gets, and the spans that arrive at
//! a collector.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bodies;
mod crowd;
mod errors;
mod kinds;
mod scopes;
mod stacks;
mod streams;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use paid::AsyncPaid;
use paid::ai::tower::{PaidService, PeekedBody};
use paid::ai::{PaidLayer, Provider, Providers};
use paid::tracing::{TracingOptions, generate_tracing_token};
use paid_sandbox::{AttributeValue, ReceivedRequest, ReceivedSpan, Sandbox, StatusCode};
use serde_json::{Value, json};
use tower::{BoxError, Layer, Service, ServiceExt};

const PATIENCE: Duration = Duration::from_secs(20);
const KEY: &str = "sk-a-secret-key";
const MODEL: &str = "gpt-4.1-mini";
const CHAT: &str = "/v1/chat/completions";
const CHAT_SPAN: &str = "paid.trace.openai.chat.completions.create";

type Hyper<B> = Client<HttpConnector, B>;

struct World {
    sandbox: Sandbox,
    client: AsyncPaid,
    http: PaidService<Hyper<PeekedBody<Full<Bytes>>>>,
    /// How many calls have been seen.
    seen: AtomicUsize,
}

/// A collector that takes only its own key, and clients with theirs: tests share a process, not an account.
async fn world() -> World {
    let key = format!("key_{}", generate_tracing_token());
    let sandbox = Sandbox::builder().api_key(key.as_str()).start().await.unwrap();
    let client = AsyncPaid::new(key).unwrap();
    let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
    client.initialize_tracing_with(options).unwrap();
    let http = layer(&sandbox).layer(hyper());
    World { sandbox, client, http, seen: AtomicUsize::new(0) }
}

fn hyper<B: Body<Data: Send> + Send>() -> Hyper<B> {
    Client::builder(TokioExecutor::new()).build_http()
}

/// All providers are on one port of 127.0.0.1, told apart by their paths.
fn layer(sandbox: &Sandbox) -> PaidLayer {
    let providers = Providers::new()
        .host(sandbox.openai_base(), Provider::OpenAi)
        .host(sandbox.anthropic_base(), Provider::Anthropic)
        .host(sandbox.gemini_base(), Provider::Gemini)
        .host(sandbox.mistral_base(), Provider::Mistral)
        .host(sandbox.bedrock_base(), Provider::Bedrock);
    PaidLayer::new().providers(providers)
}

fn post(url: &str, body: &Value) -> Request<Full<Bytes>> {
    Request::post(url)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {KEY}"))
        .header("x-api-key", KEY)
        .header("anthropic-version", "2023-06-01")
        .header("x-goog-api-key", KEY)
        .body(Full::from(body.to_string()))
        .unwrap()
}

fn chat_of(sandbox: &Sandbox, text: &str, stream: bool) -> Request<Full<Bytes>> {
    let messages = json!([{"role": "user", "content": text}]);
    let url = format!("{}/chat/completions", sandbox.openai_base());
    post(&url, &json!({"model": MODEL, "messages": messages, "stream": stream}))
}

/// An answer's head and all of its body.
async fn read<S, B, R>(service: S, request: Request<B>) -> Result<Response<Bytes>, BoxError>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    R: Body<Error: Into<BoxError>>,
{
    let (parts, body) = service.oneshot(request).await.map_err(Into::into)?.into_parts();
    Ok(Response::from_parts(parts, body.collect().await.map_err(Into::into)?.to_bytes()))
}

/// The bytes of an answer up to its end or an error.
async fn bytes<B: Body<Error: Into<BoxError>> + Unpin>(answer: Response<B>) -> (Vec<u8>, Option<BoxError>) {
    let (mut body, mut bytes) = (answer.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                if let Ok(data) = frame.into_data() {
                    bytes.extend_from_slice(&data.into_vec());
                }
            }
            Err(error) => return (bytes, Some(error.into())),
        }
    }
    (bytes, None)
}

/// Any buffer's bytes.
trait IntoVec {
    fn into_vec(self) -> Vec<u8>;
}

impl<D: bytes::Buf> IntoVec for D {
    fn into_vec(mut self) -> Vec<u8> {
        self.copy_to_bytes(self.remaining()).to_vec()
    }
}

impl World {
    fn chat(&self, stream: bool) -> Request<Full<Bytes>> {
        chat_of(&self.sandbox, "hello there", stream)
    }

    /// What a bare client gets for the same request.
    async fn bare(&self, request: Request<Full<Bytes>>) -> (Vec<u8>, Option<BoxError>) {
        bytes(hyper::<Full<Bytes>>().request(request).await.unwrap()).await
    }

    /// Runs work that makes one call; the call's span.
    async fn traced_call<F: Future>(&self, work: F) -> (F::Output, ReceivedSpan) {
        let before = self.seen.load(Ordering::Relaxed);
        let scope = self.client.paid_tracing("acme").external_agent_id("bot");
        let output = scope.run_async(work).await;
        let mut calls = self.calls().await;
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

/// Without the numbers that the sandbox gives to answers.
fn unnumbered(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split("sandbox0");
    let mut out = parts.next().unwrap().to_string();
    for part in parts {
        out.push_str(&part[7..]);
    }
    out
}

fn count(span: &ReceivedSpan, key: &str) -> Option<i64> {
    span.attribute(&format!("gen_ai.usage.{key}")).and_then(AttributeValue::as_i64)
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

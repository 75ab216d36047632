//! Recordings that are sent to be transcribed: how long they are is read on the way, and they arrive as they were.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod counts;
mod formats;
mod trouble;
mod uploads;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use paid::AsyncPaid;
use paid::ai::{PaidMiddleware, Provider, Providers, UntracedCall, audio_seconds};
use paid::tracing::{TracingOptions, generate_tracing_token};
use paid_sandbox::{AttributeValue, Fault, ReceivedRequest, ReceivedSpan, Sandbox, Script, StatusCode};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Request};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PATIENCE: Duration = Duration::from_secs(20);
const PATH: &str = "/v1/audio/transcriptions";
const SECONDS: &str = "gen_ai.audio.input_duration_seconds";
const MISSING: &str = "paid.usage.missing";

struct World {
    sandbox: Sandbox,
    client: AsyncPaid,
    http: ClientWithMiddleware,
}

async fn world() -> World {
    let key = format!("key_{}", generate_tracing_token());
    let sandbox = Sandbox::builder().api_key(key.as_str()).start().await.unwrap();
    let client = AsyncPaid::new(key).unwrap();
    let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
    client.initialize_tracing_with(options).unwrap();
    let http = ClientBuilder::new(reqwest::Client::new()).with(middleware(sandbox.openai_base())).build();
    World { sandbox, client, http }
}

fn middleware(base: impl AsRef<str>) -> PaidMiddleware {
    PaidMiddleware::new().providers(Providers::new().host(base, Provider::OpenAi))
}

impl World {
    fn request(&self, form: Form) -> Request {
        let url = format!("{}/audio/transcriptions", self.sandbox.openai_base());
        reqwest::Client::new().post(url).bearer_auth("provider_key").multipart(form).build().unwrap()
    }

    /// Runs a call in a scope of its own; the call's span, once it is there with the scope's.
    async fn call<F: Future>(&self, call: F) -> (F::Output, ReceivedSpan) {
        let before = self.sandbox.spans().len();
        let result = self.client.paid_tracing("acme").external_agent_id("bot").run_async(call).await;
        let spans = self.sandbox.wait_for_spans(before + 2, PATIENCE).await;
        let calls: Vec<_> =
            spans[before..].iter().filter(|span| span.name != "paid.trace.parent_span").collect();
        assert_eq!(calls.len(), 1, "{calls:#?}");
        (result, calls[0].clone())
    }

    async fn transcribe(&self, form: Form) -> ReceivedSpan {
        let request = self.request(form);
        let call = async { self.http.execute(request).await.unwrap().text().await.unwrap() };
        self.call(call).await.1
    }

    /// What arrived last at the provider.
    fn last(&self) -> ReceivedRequest {
        let requests = self.sandbox.requests();
        requests.iter().rfind(|request| request.path().ends_with("/audio/transcriptions")).unwrap().clone()
    }
}

fn form(file: Part) -> Form {
    Form::new().text("model", "whisper-1").part("file", file).text("response_format", "json")
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/audio").join(name)
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn part(name: &str) -> Part {
    Part::bytes(sample(name)).file_name(name.to_string())
}

fn seconds(span: &ReceivedSpan) -> Option<f64> {
    match span.attribute(SECONDS)? {
        AttributeValue::Double(seconds) => Some(*seconds),
        other => panic!("no float: {other:?}"),
    }
}

fn int(span: &ReceivedSpan, name: &str) -> Option<i64> {
    span.attribute(name)?.as_i64()
}

/// The span of a call that went well, and nothing in it but what it has to have.
fn assert_span(span: &ReceivedSpan, expected: f64) {
    assert_eq!(span.name, "paid.trace.openai.audio.transcriptions.create");
    assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Ok, ""));
    let found = seconds(span).unwrap();
    assert!((found - expected).abs() < 0.001, "{found} is not {expected}");
    let rest = span.attributes.iter().filter(|(key, _)| key != SECONDS);
    let rest: BTreeMap<_, _> = rest.map(|(key, value)| (key.as_str(), value.to_string())).collect();
    let rest: Vec<_> = rest.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(
        rest,
        [
            "external_agent_id=bot",
            "external_customer_id=acme",
            "gen_ai.operation.name=transcription",
            "gen_ai.request.model=whisper-1",
            "gen_ai.system=openai",
        ]
    );
}

/// What a provider saw, but for the line between the parts, which is another one each time.
fn seen(request: &ReceivedRequest) -> (Vec<(String, String)>, Vec<u8>) {
    let content_type = request.header("content-type").unwrap();
    let boundary = content_type.split_once("boundary=").unwrap().1.to_string();
    let headers =
        request.headers().iter().filter(|(name, _)| !["host", "traceparent"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.clone(), value.replace(&boundary, "BOUNDARY"))).collect();
    let (mut body, mut from) = (Vec::new(), 0);
    for at in memchr::memmem::find_iter(request.body(), &boundary) {
        body.extend_from_slice(&request.body()[from..at]);
        from = at + boundary.len();
    }
    body.extend_from_slice(&request.body()[from..]);
    (headers, body)
}

/// A body in pieces, whose length nobody knows.
struct Pieces<I>(I);

impl<I: Iterator<Item = Bytes> + Unpin> Stream for Pieces<I> {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

fn streamed(file: Vec<u8>, size: usize) -> Body {
    let pieces: Vec<_> = file.chunks(size).map(Bytes::copy_from_slice).collect();
    Body::wrap_stream(Pieces(pieces.into_iter()))
}

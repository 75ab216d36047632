//! Mistral's calls, as they arrive at a collector. No crate for its API takes a transport of one's own and has what is
//! paid for, so these are requests through `reqwest-middleware`, and through a blocking client with `watch`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::time::Duration;

use paid::AsyncPaid;
use paid::ai::{PaidMiddleware, Provider, Providers};
use paid::tracing::{TracingOptions, generate_tracing_token};
use paid_sandbox::{Fault, ReceivedSpan, Sandbox, Script, StatusCode};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);
const CHAT: &str = "/providers/mistral/v1/chat/completions";
const OCR: &str = "/providers/mistral/v1/ocr";
const EMBEDDINGS: &str = "/providers/mistral/v1/embeddings";

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
    let middleware = PaidMiddleware::new().providers(providers(&sandbox));
    let http = ClientBuilder::new(reqwest::Client::new()).with(middleware).build();
    World { sandbox, client, http }
}

fn providers(sandbox: &Sandbox) -> Providers {
    Providers::new().host(sandbox.mistral_base(), Provider::Mistral)
}

impl World {
    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        let url = format!("{}{path}", self.sandbox.mistral_base());
        let request = self.http.post(url).bearer_auth("provider_key");
        request.header("content-type", "application/json").body(body.to_string())
    }

    /// Runs a call in a scope of its own; the call's span, once it is there with the scope's.
    async fn call<F: Future>(&self, call: F) -> (F::Output, ReceivedSpan) {
        let before = self.sandbox.spans().len();
        let result = self.client.paid_tracing("acme").run_async(call).await;
        let spans = self.sandbox.wait_for_spans(before + 2, PATIENCE).await;
        let calls: Vec<_> =
            spans[before..].iter().filter(|span| span.name != "paid.trace.parent_span").collect();
        assert_eq!(calls.len(), 1, "{calls:#?}");
        assert_eq!(calls[0].text("external_customer_id"), Some("acme"));
        (result, calls[0].clone())
    }

    /// The answer, and the span's own attributes.
    async fn answer(&self, request: RequestBuilder) -> (String, String, BTreeMap<String, String>) {
        let call = async { request.send().await.unwrap().text().await.unwrap() };
        let (answer, span) = self.call(call).await;
        assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Ok, ""));
        let attributes = attributes(&span);
        (answer, span.name, attributes)
    }
}

fn attributes(span: &ReceivedSpan) -> BTreeMap<String, String> {
    let own =
        span.attributes.iter().filter(|(key, _)| key.starts_with("gen_ai.") || key.starts_with("paid."));
    own.map(|(key, value)| (key.clone(), value.to_string())).collect()
}

fn expected(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
    let system = [("gen_ai.system", "mistral")];
    system.iter().chain(rows).map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// The sandbox numbers its answers.
fn without_id(answer: &str) -> String {
    let id = answer.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next());
    answer.replace(id.expect("an id"), "id")
}

fn chat(stream: bool) -> Value {
    let messages = json!([{"role": "user", "content": "Hello, how are you?"}]);
    json!({"model": "mistral-small-latest", "messages": messages, "stream": stream})
}

fn document() -> Value {
    let document = json!({"type": "document_url", "document_url": "https://example.com/secret.pdf"});
    json!({"model": "mistral-ocr-latest", "document": document})
}

#[tokio::test]
async fn chats_are_counted_whole_and_as_streams() {
    let world = world().await;
    let plain = reqwest::Client::new();
    for stream in [false, true] {
        let script = Script::on(CHAT).input_tokens(100).output_tokens(20).chunks(9).pieces([7, 100, 3]);
        world.sandbox.provider_script(script.times(2));
        let request = world.post("/chat/completions", &chat(stream));
        let bare = request.try_clone().unwrap().build().unwrap();
        let bare = plain.execute(bare).await.unwrap().text().await.unwrap();
        let (answer, name, attributes) = world.answer(request).await;
        assert_eq!(without_id(&answer), without_id(&bare), "nothing is asked for, and nothing is hidden");
        assert_eq!(name, "paid.trace.mistral.chat.complete");
        let rows = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.response.model", "mistral-small-latest"),
            ("gen_ai.usage.input_tokens", "100"),
            ("gen_ai.usage.output_tokens", "20"),
        ];
        assert_eq!(attributes, expected(&rows));
    }
}

#[tokio::test]
async fn embeddings_are_counted() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(EMBEDDINGS).input_tokens(100));
    let body = json!({"model": "mistral-embed", "input": ["Hello?"]});
    let (_, name, attributes) = world.answer(world.post("/embeddings", &body)).await;
    assert_eq!(name, "paid.trace.mistral.embeddings.create");
    let rows = [
        ("gen_ai.operation.name", "embeddings"),
        ("gen_ai.response.model", "mistral-embed"),
        ("gen_ai.usage.input_tokens", "100"),
    ];
    assert_eq!(attributes, expected(&rows));
}

#[tokio::test]
async fn ocr_is_counted_by_its_pages() {
    let world = world().await;
    let rows = [
        ("gen_ai.operation.name", "ocr"),
        ("gen_ai.ocr.pages_processed", "3"),
        ("gen_ai.response.model", "mistral-ocr-latest"),
    ];
    world.sandbox.provider_script(Script::on(OCR).pages(3));
    let (answer, name, attributes) = world.answer(world.post("/ocr", &document())).await;
    assert!(answer.contains("# Page 3"), "{answer}");
    assert_eq!((name.as_str(), attributes), ("paid.trace.mistral.ocr.process_async", expected(&rows)));

    for format in ["document_annotation_format", "bbox_annotation_format"] {
        let mut body = document();
        body[format] = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {}}});
        body["pages"] = json!([0, 4, 5]);
        let (_, name, attributes) = world.answer(world.post("/ocr", &body)).await;
        assert_eq!(name, "paid.trace.mistral.ocr.process_async");
        let annotated = [&rows[..], &[("gen_ai.ocr.annotated", "true")]].concat();
        assert_eq!(attributes, expected(&annotated));
    }

    // As some clients write what is not set.
    let mut body = document();
    body["document_annotation_format"] = Value::Null;
    let (_, _, attributes) = world.answer(world.post("/ocr", &body)).await;
    assert!(!attributes.contains_key("gen_ai.ocr.annotated"), "{attributes:?}");

    world.sandbox.provider_script(Script::on(OCR).without_usage());
    let (_, _, attributes) = world.answer(world.post("/ocr", &document())).await;
    assert!(attributes.contains_key("paid.usage.missing"), "{attributes:?}");
}

#[tokio::test]
async fn ocr_of_a_blocking_client_has_a_name_of_its_own() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(OCR).pages(3));
    let url = format!("{}/ocr", world.sandbox.mistral_base());
    let (client, providers) = (world.client.clone(), providers(&world.sandbox));
    tokio::task::spawn_blocking(move || {
        let http = reqwest::blocking::Client::new();
        client.paid_tracing("acme").run(|| {
            let body = document().to_string();
            let mut call = providers.watch("POST", &url, &body);
            let answer = http.post(&url).bearer_auth("provider_key").body(body).send().unwrap();
            call.answered(answer.status(), answer.headers()).feed(answer.bytes().unwrap());
            call.end();
        });
    })
    .await
    .unwrap();
    let spans = world.sandbox.wait_for_spans(2, PATIENCE).await;
    let span = spans.iter().find(|span| span.name == "paid.trace.mistral.ocr.process").expect("the call");
    assert_eq!(attributes(span)["gen_ai.ocr.pages_processed"], "3");
}

#[tokio::test]
async fn failures_are_recorded_once_and_passed_on() {
    let world = world().await;
    for (route, path, body) in [(OCR, "/ocr", document()), (CHAT, "/chat/completions", chat(true))] {
        for status in [400, 401, 429, 500] {
            world.sandbox.fail(Fault::on("POST", route).status(status));
            let request = world.post(path, &body);
            let (answer, span) = world
                .call(async {
                    let answer = request.send().await.unwrap();
                    (answer.status().as_u16(), answer.text().await.unwrap())
                })
                .await;
            assert_eq!(answer.0, status, "{path}: {}", answer.1);
            assert_eq!(span.status.code, StatusCode::Error);
            let told = format!("ApiError: {status} ");
            assert!(span.status.message.starts_with(&told), "{}", span.status.message);
            assert_eq!(span.events.len(), 1);
            let shown = format!("{span:?}");
            assert!(!shown.contains("provider_key") && !shown.contains("secret.pdf"), "{shown}");
        }
    }

    world.sandbox.fail(Fault::on("POST", OCR).cut_midway());
    let request = world.post("/ocr", &document());
    let (answer, span) = world.call(async { request.send().await.unwrap().text().await }).await;
    assert!(answer.is_err());
    assert_eq!((span.status.code, span.events.len()), (StatusCode::Error, 1));

    world.sandbox.provider_script(Script::on(CHAT).chunks(9).error_after(3, 500));
    let request = world.post("/chat/completions", &chat(true));
    let (answer, span) = world.call(async { request.send().await.unwrap().text().await }).await;
    assert!(answer.unwrap().contains("told to fail"));
    assert_eq!((span.status.code, span.events.len()), (StatusCode::Error, 1));
    assert!(span.status.message.contains("told to fail"), "{}", span.status.message);

    let request = world.post("/ocr", &document()).timeout(Duration::from_millis(50));
    world.sandbox.fail(Fault::on("POST", OCR).hang());
    let (answer, span) = world.call(async { request.send().await }).await;
    assert!(answer.unwrap_err().is_timeout());
    assert_eq!((span.status.code, span.events.len()), (StatusCode::Error, 1));
}

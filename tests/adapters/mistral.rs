//! Mistral's calls, as they arrive at a collector. No crate for its API takes a transport of one's own and has what is
//! paid for, so these are requests through `reqwest-middleware`, and through a blocking client with `watch`.

use std::time::Duration;

use crate::support::spans::{assert_failed, assert_failed_as, assert_ok, assert_told, int};
use crate::support::{KEY, PROMPT};
use paid::ai::{PaidMiddleware, Provider, Providers};
use paid_sandbox::{Fault, ReceivedSpan, Sandbox, Script};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};
use serde_json::{Value, json};

const CHAT: &str = "/providers/mistral/v1/chat/completions";
const OCR: &str = "/providers/mistral/v1/ocr";
const EMBEDDINGS: &str = "/providers/mistral/v1/embeddings";

const SYSTEM: (&str, &str) = ("gen_ai.system", "mistral");

type World = crate::support::world::World<Clients>;

struct Clients {
    http: ClientWithMiddleware,
}

async fn world() -> World {
    World::start(|sandbox| {
        let middleware = PaidMiddleware::new().providers(providers(sandbox));
        Clients { http: ClientBuilder::new(reqwest::Client::new()).with(middleware).build() }
    })
    .await
}

fn providers(sandbox: &Sandbox) -> Providers {
    Providers::new().host(sandbox.mistral_base(), Provider::Mistral)
}

impl World {
    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        let url = format!("{}{path}", self.sandbox.mistral_base());
        let request = self.http.post(url).bearer_auth(KEY);
        request.header("content-type", "application/json").body(body.to_string())
    }

    /// An answer, and the span of its call.
    async fn answer(&self, request: RequestBuilder) -> (String, ReceivedSpan) {
        self.traced_call(async { request.send().await.unwrap().text().await.unwrap() }).await
    }
}

/// The sandbox numbers its answers.
fn without_id(answer: &str) -> String {
    let id = answer.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next());
    answer.replace(id.expect("an id"), "id")
}

fn chat(stream: bool) -> Value {
    let messages = json!([{"role": "user", "content": PROMPT}]);
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
        let (answer, span) = world.answer(request).await;
        assert_eq!(without_id(&answer), without_id(&bare), "nothing is asked for, and nothing is hidden");
        let told = [
            SYSTEM,
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.response.model", "mistral-small-latest"),
            ("gen_ai.usage.input_tokens", "100"),
            ("gen_ai.usage.output_tokens", "20"),
        ];
        assert_told(&span, "paid.trace.mistral.chat.complete", &told);
    }
}

#[tokio::test]
async fn embeddings_are_counted() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(EMBEDDINGS).input_tokens(100));
    let body = json!({"model": "mistral-embed", "input": [PROMPT]});
    let (_, span) = world.answer(world.post("/embeddings", &body)).await;
    let told = [
        SYSTEM,
        ("gen_ai.operation.name", "embeddings"),
        ("gen_ai.response.model", "mistral-embed"),
        ("gen_ai.usage.input_tokens", "100"),
    ];
    assert_told(&span, "paid.trace.mistral.embeddings.create", &told);
}

#[tokio::test]
async fn ocr_is_counted_by_its_pages() {
    let world = world().await;
    let told = [
        SYSTEM,
        ("gen_ai.operation.name", "ocr"),
        ("gen_ai.ocr.pages_processed", "3"),
        ("gen_ai.response.model", "mistral-ocr-latest"),
    ];
    world.sandbox.provider_script(Script::on(OCR).pages(3));
    let (answer, span) = world.answer(world.post("/ocr", &document())).await;
    assert!(answer.contains("# Page 3"), "{answer}");
    assert_told(&span, "paid.trace.mistral.ocr.process_async", &told);

    for format in ["document_annotation_format", "bbox_annotation_format"] {
        let mut body = document();
        body[format] = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {}}});
        body["pages"] = json!([0, 4, 5]);
        let (_, span) = world.answer(world.post("/ocr", &body)).await;
        let annotated = [&told[..], &[("gen_ai.ocr.annotated", "true")]].concat();
        assert_told(&span, "paid.trace.mistral.ocr.process_async", &annotated);
    }

    // As some clients write what is not set.
    let mut body = document();
    body["document_annotation_format"] = Value::Null;
    let (_, span) = world.answer(world.post("/ocr", &body)).await;
    assert_ok(&span);
    assert_eq!(span.attribute("gen_ai.ocr.annotated"), None);

    world.sandbox.provider_script(Script::on(OCR).without_usage());
    let (_, span) = world.answer(world.post("/ocr", &document())).await;
    assert_ok(&span);
    assert_eq!(span.text("paid.usage.missing"), Some("the answer tells none"));
}

#[tokio::test]
async fn ocr_of_a_blocking_client_has_a_name_of_its_own() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(OCR).pages(3));
    let url = format!("{}/ocr", world.sandbox.mistral_base());
    let (scope, providers) = (world.scope(), providers(&world.sandbox));
    tokio::task::spawn_blocking(move || {
        let http = reqwest::blocking::Client::new();
        scope.run(|| {
            let body = document().to_string();
            let mut call = providers.watch("POST", &url, &body);
            let answer = http.post(&url).bearer_auth(KEY).body(body).send().unwrap();
            call.answered(answer.status(), answer.headers()).feed(answer.bytes().unwrap());
            call.end();
        });
    })
    .await
    .unwrap();
    let calls = world.calls().await;
    let [span] = &calls[..] else { panic!("{calls:#?}") };
    assert_eq!(span.name, "paid.trace.mistral.ocr.process");
    assert_ok(span);
    assert_eq!(int(span, "gen_ai.ocr.pages_processed"), Some(3));
}

#[tokio::test]
async fn failures_are_recorded_once_and_passed_on() {
    let world = world().await;
    for (route, path, body) in [(OCR, "/ocr", document()), (CHAT, "/chat/completions", chat(true))] {
        for status in [400, 401, 429, 500] {
            world.sandbox.fail(Fault::on("POST", route).status(status));
            let request = world.post(path, &body);
            let (answer, span) = world
                .traced_call(async {
                    let answer = request.send().await.unwrap();
                    (answer.status().as_u16(), answer.text().await.unwrap())
                })
                .await;
            assert_eq!(answer.0, status, "{path}: {}", answer.1);
            assert_failed_as(&span, &format!("ApiError: {status} "));
        }
    }

    world.sandbox.fail(Fault::on("POST", OCR).cut_midway());
    let request = world.post("/ocr", &document());
    let (answer, span) = world.traced_call(async { request.send().await.unwrap().text().await }).await;
    assert!(answer.is_err());
    assert_failed_as(&span, "Error: ");

    world.sandbox.provider_script(Script::on(CHAT).chunks(9).error_after(3, 500));
    let request = world.post("/chat/completions", &chat(true));
    let (answer, span) = world.traced_call(async { request.send().await.unwrap().text().await }).await;
    assert!(answer.unwrap().contains("told to fail"));
    assert_failed(&span, "1000: the sandbox was told to fail with 500");

    let request = world.post("/ocr", &document()).timeout(Duration::from_millis(50));
    world.sandbox.fail(Fault::on("POST", OCR).hang());
    let (answer, span) = world.traced_call(async { request.send().await }).await;
    assert!(answer.unwrap_err().is_timeout());
    assert_failed_as(&span, "Error: ");
}

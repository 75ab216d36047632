//! The layer in tower stacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_openai::Client;
use async_openai::error::OpenAIError;
use async_openai::middleware::retry::{OpenAIRetryLayer, SimpleRetryPolicy};
use async_openai::middleware::{HttpRequestFactory, ReqwestService};
use paid::ai::openai::{PaidOpenAI, PaidOpenAILayer};
use paid_sandbox::{Fault, StatusCode};
use reqwest::{Response, ResponseBuilderExt};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};

use super::{CHAT, CHAT_SPAN, World, assert_failed, config, count, hello, world};

fn service() -> ReqwestService {
    ReqwestService::new(reqwest::Client::new())
}

/// A factory of chats, and how often it has built one.
fn factory(world: &World, stream: bool) -> (HttpRequestFactory, Arc<AtomicUsize>) {
    let url = format!("{}/chat/completions", world.sandbox.openai_base());
    let mut request = hello();
    request.stream = Some(stream);
    let body = serde_json::to_vec(&request).unwrap();
    let built = Arc::new(AtomicUsize::new(0));
    let counted = built.clone();
    let build = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let request = reqwest::Client::new().post(&url).bearer_auth("k").body(body.clone()).build();
        async { Ok(request?) }
    };
    (HttpRequestFactory::new(build), built)
}

#[tokio::test]
async fn it_goes_around_any_stack() {
    let world = world().await;
    let stack = ServiceBuilder::new()
        .layer(PaidOpenAILayer::new())
        .timeout(Duration::from_secs(10))
        .concurrency_limit(2)
        .retry(SimpleRetryPolicy::default())
        .service(service());
    let openai = Client::with_config(config(&world.sandbox)).with_http_service(stack);
    world.sandbox.fail(Fault::on("POST", CHAT).status(429).header("retry-after", "0"));
    let (answer, call) = world.traced_call(openai.chat().create(hello())).await;
    assert!(answer.is_ok());
    assert_eq!((call.name.as_str(), world.received().len()), (CHAT_SPAN, 2));
}

#[tokio::test]
async fn errors_of_a_stack_stay_what_they_are() {
    let world = world().await;
    world.sandbox.fail(Fault::on("POST", CHAT).hang());
    let stack = ServiceBuilder::new()
        .layer(PaidOpenAILayer::new())
        .timeout(Duration::from_millis(200))
        .layer(OpenAIRetryLayer::default())
        .service(service());
    let openai = Client::with_config(config(&world.sandbox)).with_http_service(stack);
    let (result, call) = world.traced_call(openai.chat().create(hello())).await;
    let Err(OpenAIError::Boxed(error)) = result else { panic!("{result:?}") };
    assert!(error.is::<tower::timeout::error::Elapsed>());
    assert_failed(&call, "OpenAIError: request timed out");
}

#[tokio::test]
async fn two_layers_are_one_span() {
    let world = world().await;
    let layer = PaidOpenAILayer::new().optional_tracing(false);
    let stack = ServiceBuilder::new()
        .layer(layer.clone())
        .layer(OpenAIRetryLayer::default())
        .layer(layer)
        .service(service());
    let openai = Client::with_config(config(&world.sandbox)).with_http_service(stack);
    world.sandbox.fail(Fault::on("POST", CHAT).status(500).header("retry-after", "0"));
    let read = async { super::all(openai.chat().create_stream(hello()).await.unwrap()).await };
    let ((chunks, _), call) = world.traced_call(read).await;
    assert!(chunks.iter().all(|chunk| !chunk.choices.is_empty()));
    assert_eq!((call.status.code, count(&call, "input_tokens")), (StatusCode::Ok, Some(3)));
    assert_eq!(world.received().len(), 2);
}

#[tokio::test]
async fn a_request_is_built_once_for_every_attempt() {
    let world = world().await;
    for stream in [false, true] {
        let before = world.received().len();
        world.sandbox.fail(Fault::on("POST", CHAT).status(500).header("retry-after", "0"));
        let (request, built) = factory(&world, stream);
        let stack = PaidOpenAILayer::default();
        let stack = ServiceBuilder::new().layer(stack).layer(OpenAIRetryLayer::new(1)).service(service());
        let call = async { stack.oneshot(request).await.unwrap().bytes().await.unwrap() };
        let (_, call) = world.traced_call(call).await;
        assert_eq!(count(&call, "input_tokens"), Some(3));
        assert_eq!((built.load(Ordering::Relaxed), world.received().len() - before), (2, 2));
    }
}

#[tokio::test]
async fn a_task_that_a_stack_spawns_is_in_the_scope_of_who_called() {
    let world = world().await;
    let below = PaidOpenAI::clone(&ServiceBuilder::new().layer(PaidOpenAILayer::new()).service(service()));
    let spawning = service_fn(move |request: HttpRequestFactory| {
        let call = below.clone().call(request);
        async move { tokio::spawn(call).await.unwrap() }
    });
    let openai = Client::with_config(config(&world.sandbox)).with_http_service(spawning);
    let (answer, call) = world.traced_call(openai.chat().create(hello())).await;
    assert!(answer.is_ok());
    assert_eq!(call.text("external_customer_id"), Some("acme"));

    // The worker of a buffer calls, and who waits for the answer polls.
    let below = ServiceBuilder::new().layer(PaidOpenAILayer::new()).service(service());
    let buffered = ServiceBuilder::new().map_err(OpenAIError::from).buffer(4).service(below);
    let openai = Client::with_config(config(&world.sandbox)).with_http_service(buffered);
    let (answer, call) = world.traced_call(openai.chat().create(hello())).await;
    assert!(answer.is_ok());
    assert_eq!(call.text("external_customer_id"), Some("acme"));

    // A scope around the answer alone is the one that counts.
    let mut service = ServiceBuilder::new().layer(PaidOpenAILayer::new()).service(service());
    let (request, _) = factory(&world, false);
    let called = world.client.paid_tracing("other").run(|| service.call(request));
    let (answer, call) = world.traced_call(async { called.await.unwrap().bytes().await }).await;
    assert!(answer.is_ok());
    assert_eq!(call.text("external_customer_id"), Some("acme"));
}

#[tokio::test]
async fn an_answer_is_passed_on_byte_for_byte() {
    let world = world().await;
    let json = r#"{ "choices" : [],"usage":{"prompt_tokens":1.0e0, "completion_tokens":2}, "x":"\u00e9" } "#;
    let sse = "data: {\"choices\":[{}]}\r\n\r\n: keep-alive\n\ndata: {\"usage\":null,\"choices\":[{}]}\n\ndata: [DONE]\n\n";
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n";
    let asked = sse.replace("data: [DONE]", &format!("{usage}data: [DONE]"));
    for (stream, content_type, sent, seen) in
        [(false, "application/json", json, json), (true, "text/event-stream", asked.as_str(), sse)]
    {
        let sent = sent.to_string();
        let fixed = service_fn(move |_: HttpRequestFactory| {
            let sent = sent.clone();
            async move {
                let url = reqwest::Url::parse("https://example.com/answered?by=whom").unwrap();
                let answer = http::Response::builder()
                    .url(url)
                    .version(http::Version::HTTP_2)
                    .header("content-type", content_type)
                    .header("x-request-id", "req_1")
                    .body(sent)
                    .unwrap();
                Ok::<Response, BoxError>(answer.into())
            }
        });
        let stack = ServiceBuilder::new().layer(PaidOpenAILayer::new()).service(fixed);
        let (request, _) = factory(&world, stream);
        let call = async {
            let answer = stack.oneshot(request).await.unwrap();
            assert_eq!(answer.url().as_str(), "https://example.com/answered?by=whom");
            assert_eq!((answer.version(), answer.status().as_u16()), (http::Version::HTTP_2, 200));
            assert_eq!(answer.headers()["x-request-id"], "req_1");
            assert_eq!(answer.content_length(), (!stream).then_some(seen.len() as u64));
            answer.bytes().await.unwrap()
        };
        let (bytes, call) = world.traced_call(call).await;
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), seen);
        assert_eq!(count(&call, "output_tokens"), Some(2));
    }
}

#[test]
fn what_is_shown_of_them_is_no_secret() {
    let layer = PaidOpenAILayer::new().optional_tracing(false);
    assert_eq!(
        format!("{layer:?}"),
        "PaidOpenAILayer { providers: Providers { added: [], asks_nothing: false }, optional_tracing: false }"
    );
    let service = ServiceBuilder::new().layer(layer).service("inner");
    assert_eq!(format!("{service:?}"), "PaidOpenAI { inner: \"inner\", .. }");
}

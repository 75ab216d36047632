//! AI calls through `reqwest-middleware`, of every provider, as they arrive at a collector.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::time::Duration;

use paid::AsyncPaid;
use paid::ai::{PaidMiddleware, Provider, Providers, UntracedCall};
use paid::tracing::{TracingOptions, generate_tracing_token};
use paid_sandbox::{Fault, ReceivedSpan, Sandbox, Script, StatusCode};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

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
    let http = client_of(middleware(&sandbox));
    World { sandbox, client, http }
}

fn client_of(middleware: PaidMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new()).with(middleware).build()
}

/// All providers are on one port of 127.0.0.1, told apart by their paths.
fn middleware(sandbox: &Sandbox) -> PaidMiddleware {
    PaidMiddleware::new().providers(providers(sandbox))
}

fn providers(sandbox: &Sandbox) -> Providers {
    Providers::new()
        .host(sandbox.openai_base(), Provider::OpenAi)
        .host(sandbox.anthropic_base(), Provider::Anthropic)
        .host(sandbox.gemini_base(), Provider::Gemini)
        .host(sandbox.mistral_base(), Provider::Mistral)
        .host(sandbox.bedrock_base(), Provider::Bedrock)
}

impl World {
    fn post(&self, url: String, body: &Value) -> RequestBuilder {
        self.http
            .post(url)
            .header("content-type", "application/json")
            .bearer_auth("provider_key")
            .header("x-api-key", "provider_key")
            .header("anthropic-version", "2023-06-01")
            .header("x-goog-api-key", "provider_key")
            .body(body.to_string())
    }

    fn chat(&self, stream: bool) -> RequestBuilder {
        let url = format!("{}/chat/completions", self.sandbox.openai_base());
        let messages = json!([{"role": "user", "content": "Hello, how are you?"}]);
        self.post(url, &json!({"model": "gpt-4.1-mini", "messages": messages, "stream": stream}))
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
}

fn attributes(span: &ReceivedSpan) -> BTreeMap<String, String> {
    let own =
        span.attributes.iter().filter(|(key, _)| key.starts_with("gen_ai.") || key.starts_with("paid."));
    own.map(|(key, value)| (key.clone(), value.to_string())).collect()
}

async fn text(request: RequestBuilder) -> String {
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn calls_of_every_provider_are_recorded_with_what_they_used() {
    let world = world().await;
    let sandbox = &world.sandbox;
    let messages = json!([{"role": "user", "content": "Hello, how are you?"}]);
    let usage = |path: &str| Script::on(path).input_tokens(100).output_tokens(20);
    let contents = json!([{"role": "user", "parts": [{"text": "Hello?"}]}]);
    let converse = json!({"messages": [{"role": "user", "content": [{"text": "Hello?"}]}]});
    let rows = [
        (
            "/v1/chat/completions",
            format!("{}/chat/completions", sandbox.openai_base()),
            json!({"model": "gpt-4.1-mini", "messages": messages}),
            "openai.chat.completions.create",
            "openai",
        ),
        (
            "/v1/responses",
            format!("{}/responses", sandbox.openai_base()),
            json!({"model": "gpt-4.1-mini", "input": "Hello?"}),
            "openai.responses.create",
            "openai",
        ),
        (
            "/v1/responses",
            format!("{}/responses", sandbox.openai_base()),
            json!({"model": "gpt-4.1-mini", "input": "Hello?", "stream": true}),
            "openai.responses.create",
            "openai",
        ),
        (
            "/v1/messages",
            format!("{}/v1/messages", sandbox.anthropic_base()),
            json!({"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": messages}),
            "anthropic.messages.create",
            "anthropic",
        ),
        (
            "/v1/messages",
            format!("{}/v1/messages", sandbox.anthropic_base()),
            json!({"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": messages, "stream": true}),
            "anthropic.messages.create",
            "anthropic",
        ),
        (
            "/v1beta/models/{model}:generateContent",
            format!("{}models/gemini-2.5-flash:generateContent", sandbox.gemini_base()),
            json!({"contents": contents}),
            "gemini.models.generate_content",
            "gemini",
        ),
        (
            "/v1beta/models/{model}:streamGenerateContent",
            format!("{}models/gemini-2.5-flash:streamGenerateContent?alt=sse", sandbox.gemini_base()),
            json!({"contents": contents}),
            "gemini.models.generate_content",
            "gemini",
        ),
        (
            "/v1beta/models/{model}:streamGenerateContent",
            format!("{}models/gemini-2.5-flash:streamGenerateContent", sandbox.gemini_base()),
            json!({"contents": contents}),
            "gemini.models.generate_content",
            "gemini",
        ),
        (
            "/v1beta/interactions",
            format!("{}interactions", sandbox.gemini_base()),
            json!({"model": "gemini-3-flash-preview", "input": "Hello?"}),
            "gemini.interactions.create",
            "gemini",
        ),
        (
            "/v1beta/interactions",
            format!("{}interactions", sandbox.gemini_base()),
            json!({"model": "gemini-3-flash-preview", "input": "Hello?", "stream": true}),
            "gemini.interactions.create",
            "gemini",
        ),
        (
            "/v1/chat/completions",
            format!("{}/chat/completions", sandbox.mistral_base()),
            json!({"model": "mistral-small-latest", "messages": messages}),
            "mistral.chat.complete",
            "mistral",
        ),
        (
            "/v1/chat/completions",
            format!("{}/chat/completions", sandbox.mistral_base()),
            json!({"model": "mistral-small-latest", "messages": messages, "stream": true}),
            "mistral.chat.complete",
            "mistral",
        ),
        (
            "/model/{id}/converse",
            format!("{}/model/amazon.nova-lite-v1%3A0/converse", sandbox.bedrock_base()),
            converse.clone(),
            "bedrock.converse",
            "bedrock",
        ),
        (
            "/model/{id}/converse-stream",
            format!("{}/model/amazon.nova-lite-v1%3A0/converse-stream", sandbox.bedrock_base()),
            converse,
            "bedrock.converse_stream",
            "bedrock",
        ),
    ];
    for (path, url, body, name, system) in rows {
        sandbox.provider_script(usage(path));
        let (answer, span) = world.call(text(world.post(url.clone(), &body))).await;
        assert_eq!(sandbox.pending_provider_scripts(), 0, "{url}: {answer}");
        assert_eq!(span.name, format!("paid.trace.{name}"), "{url}");
        assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Ok, ""), "{url}");
        assert_eq!(span.text("external_customer_id"), Some("acme"));
        assert_eq!(span.text("gen_ai.system"), Some(system), "{url}");
        let attributes = attributes(&span);
        assert_eq!(attributes["gen_ai.usage.input_tokens"], "100", "{url}: {attributes:?}");
        assert_eq!(attributes["gen_ai.usage.output_tokens"], "20", "{url}: {attributes:?}");
        let model = attributes.keys().filter(|key| key.ends_with(".model")).count();
        assert_eq!(model, 1, "{url}: {attributes:?}");
        assert!(!attributes.contains_key("paid.usage.missing"), "{url}: {attributes:?}");
        assert!(!format!("{span:?}").contains("provider_key"));
    }
}

#[tokio::test]
async fn pages_of_ocr_are_counted() {
    let world = world().await;
    world.sandbox.provider_script(Script::on("/v1/ocr").pages(3));
    let document = json!({"type": "document_url", "document_url": "https://example.com/a.pdf"});
    let body = json!({"model": "mistral-ocr-latest", "document": document});
    let (_, span) =
        world.call(text(world.post(format!("{}/ocr", world.sandbox.mistral_base()), &body))).await;
    assert_eq!(span.name, "paid.trace.mistral.ocr.process_async");
    assert_eq!(attributes(&span)["gen_ai.ocr.pages_processed"], "3");
}

#[tokio::test]
async fn an_interaction_that_fails_or_goes_on_is_not_counted_as_one_that_ended() {
    let world = world().await;
    let ask = |body: &Value| text(world.post(format!("{}interactions", world.sandbox.gemini_base()), body));
    let body = json!({"agent": "deep-research-preview", "input": "Hello?", "background": true});
    let (answer, span) = world.call(ask(&body)).await;
    assert!(answer.contains("in_progress"), "{answer}");
    assert_eq!(span.status.code, StatusCode::Ok);
    let told = attributes(&span);
    assert_eq!(span.text("gen_ai.agent.name"), Some("deep-research-preview"));
    assert!(told["paid.usage.missing"].contains("before the work was done"), "{told:?}");
    assert!(told.keys().all(|key| !key.starts_with("gen_ai.usage.")), "{told:?}");
    world.sandbox.provider_script(Script::on("/v1beta/interactions").error_after(3, 504));
    let body = json!({"model": "gemini-3-flash-preview", "input": "Hello?", "stream": true});
    let (answer, span) = world.call(ask(&body)).await;
    assert!(answer.contains("event: error"), "{answer}");
    assert_eq!(span.status.code, StatusCode::Error);
    let message = "deadline_exceeded: the sandbox was told to fail with 504";
    assert_eq!((span.status.message.as_str(), span.events.len()), (message, 1));
}

#[tokio::test]
async fn a_chat_stream_is_asked_for_its_usage_and_the_caller_sees_nothing_of_it() {
    let world = world().await;
    let plain = reqwest::Client::new();
    for pieces in [vec![usize::MAX], vec![1], vec![7, 100, 3]] {
        let script = || Script::on("/v1/chat/completions").chunks(50).pieces(pieces.clone());
        world.sandbox.provider_script(script());
        let (seen, span) = world.call(text(world.chat(true))).await;
        assert!(attributes(&span)["gen_ai.usage.input_tokens"].parse::<u64>().unwrap() > 0);
        assert!(seen.ends_with("data: [DONE]\n\n"), "{seen}");
        // As the provider sends it to who does not ask, but for a null that everyone who asks gets.
        world.sandbox.provider_script(script());
        let request = world.chat(true).build().unwrap();
        let bare = plain.execute(request).await.unwrap().text().await.unwrap();
        let ids = |text: &str| text.matches("chatcmpl-").count();
        assert_eq!(seen.replace(",\"usage\":null", "").len(), bare.len());
        assert_eq!(ids(&seen), ids(&bare));
    }
}

#[tokio::test]
async fn a_chat_stream_that_breaks_amid_an_event_is_passed_on_to_its_last_byte() {
    async fn read(mut answer: reqwest::Response) -> String {
        let mut bytes = Vec::new();
        while let Ok(piece) = answer.chunk().await {
            bytes.extend_from_slice(&piece.expect("it is cut off"));
        }
        String::from_utf8(bytes).unwrap()
    }
    let world = world().await;
    for end in ["{\"choices\":[{\"del", "{\"choices\":[],\"usage\":{\"prompt", "{\"cho", ""] {
        let sent = format!("data: {{\"choices\":[{{}}]}}\n\ndata: {end}");
        let fault = Fault::on("POST", "/v1/chat/completions").body(sent.repeat(2), "text/event-stream");
        world.sandbox.fail(fault.cut_midway().times(2));
        let (seen, span) = world.call(async { read(world.chat(true).send().await.unwrap()).await }).await;
        let bare = reqwest::Client::new().execute(world.chat(true).build().unwrap()).await.unwrap();
        assert_eq!((seen.as_str(), read(bare).await.as_str()), (sent.as_str(), sent.as_str()));
        assert_eq!((span.status.code, span.events.len()), (StatusCode::Error, 1));
    }
}

#[tokio::test]
async fn who_asks_for_the_usage_gets_it_byte_for_byte() {
    let world = world().await;
    let url = format!("{}/chat/completions", world.sandbox.openai_base());
    let body = json!({"model": "gpt-4.1-mini", "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "Hello?"}]});
    let (seen, _) = world.call(text(world.post(url, &body))).await;
    assert!(seen.contains("\"choices\":[]"), "{seen}");
}

#[tokio::test]
async fn failures_are_recorded_once_and_passed_on() {
    let world = world().await;
    for status in [400, 401, 429, 500] {
        world.sandbox.fail(Fault::on("POST", "/v1/chat/completions").status(status));
        let (text, span) = world
            .call(async {
                let answer = world.chat(false).send().await.unwrap();
                assert_eq!(answer.status().as_u16(), status);
                assert!(answer.url().path().ends_with("/chat/completions"));
                answer.text().await.unwrap()
            })
            .await;
        assert!(text.contains("error"), "{text}");
        assert_eq!(span.status.code, StatusCode::Error);
        assert!(span.status.message.contains(&status.to_string()), "{}", span.status.message);
        assert_eq!(span.events.len(), 1);
    }
    world.sandbox.fail(Fault::on("POST", "/v1/chat/completions").cut());
    let (answer, span) = world.call(async { world.chat(false).send().await }).await;
    assert!(answer.is_err());
    assert_eq!(span.status.code, StatusCode::Error);
    assert!(!span.status.message.contains("127.0.0.1"), "no URL: {}", span.status.message);
    world.sandbox.provider_script(Script::on("/v1/chat/completions").chunks(20).cut_after(5));
    let (answer, span) = world.call(async { world.chat(true).send().await.unwrap().text().await }).await;
    assert!(answer.is_err());
    assert_eq!(span.status.code, StatusCode::Error);
}

#[tokio::test]
async fn a_stream_that_is_dropped_early_is_an_error() {
    let world = world().await;
    world.sandbox.provider_script(
        Script::on("/v1/chat/completions").chunks(100).chunk_delay(Duration::from_millis(1)),
    );
    let (_, span) = world
        .call(async {
            let mut answer = world.chat(true).send().await.unwrap();
            assert!(answer.chunk().await.unwrap().is_some());
        })
        .await;
    assert_eq!(span.status.code, StatusCode::Error);
    assert!(span.status.message.contains("dropped"), "{}", span.status.message);
}

#[tokio::test]
async fn outside_of_a_scope_calls_go_through_unless_that_is_forbidden() {
    let world = world().await;
    assert!(text(world.chat(false)).await.contains("chat.completion"));
    let strict = client_of(middleware(&world.sandbox).optional_tracing(false));
    let before = world.sandbox.requests().len();
    let error = strict.execute(world.chat(false).build().unwrap()).await.unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else { panic!("{error}") };
    assert!(error.is::<UntracedCall>(), "{error}");
    assert_eq!(world.sandbox.requests().len(), before, "nothing was sent");
    // What is no AI call is nobody's business.
    let other = strict.get(world.sandbox.base_url()).send().await.unwrap();
    assert_eq!(other.status().as_u16(), 401);
    assert_eq!(world.sandbox.spans().len(), 0);
}

#[tokio::test]
async fn a_call_that_two_hooks_see_is_one_span() {
    let world = world().await;
    let twice = ClientBuilder::new(reqwest::Client::new())
        .with(middleware(&world.sandbox))
        .with(middleware(&world.sandbox))
        .build();
    let request = world.chat(true).build().unwrap();
    let (answer, _) = world.call(async { twice.execute(request).await.unwrap().text().await.unwrap() }).await;
    assert!(!answer.contains("\"choices\":[]"));
}

#[tokio::test]
async fn a_call_that_is_repeated_below_is_one_span() {
    let world = world().await;
    let policy = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_millis(1), Duration::from_millis(1))
        .build_with_max_retries(2);
    let http = ClientBuilder::new(reqwest::Client::new())
        .with(middleware(&world.sandbox))
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .build();
    for stream in [false, true] {
        let before = world.sandbox.requests().len();
        world.sandbox.fail(Fault::on("POST", "/v1/chat/completions").status(429));
        world.sandbox.fail(Fault::on("POST", "/v1/chat/completions").cut());
        world.sandbox.provider_script(Script::on("/v1/chat/completions").input_tokens(100));
        let request = world.chat(stream).build().unwrap();
        let call = async { http.execute(request).await.unwrap().text().await.unwrap() };
        let (answer, span) = world.call(call).await;
        let requests = world.sandbox.requests();
        let attempts = requests[before..].iter().filter(|one| one.path().ends_with("/chat/completions"));
        assert_eq!(attempts.count(), 3);
        assert!(!answer.contains("\"choices\":[]"), "{answer}");
        assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Ok, ""));
        assert_eq!(attributes(&span)["gen_ai.usage.input_tokens"], "100");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_at_once_are_each_counted_for_their_customer() {
    let world = std::sync::Arc::new(world().await);
    let calls = (0..1000_usize).map(|number| {
        let world = world.clone();
        tokio::spawn(async move {
            let url = format!("{}/chat/completions", world.sandbox.openai_base());
            let content = "x".repeat(4 * (number + 1));
            let body = json!({"model": "gpt-4.1-mini", "stream": number % 2 == 0,
                "messages": [{"role": "user", "content": content}]});
            let call = text(world.post(url, &body));
            world.client.paid_tracing(format!("customer_{number}")).run_async(call).await
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let spans = world.sandbox.wait_for_spans(2000, PATIENCE).await;
    let counted = spans.iter().filter(|span| span.name == "paid.trace.openai.chat.completions.create");
    let counted: BTreeMap<_, _> = counted
        .map(|span| {
            (
                span.text("external_customer_id").unwrap().to_string(),
                attributes(span)["gen_ai.usage.input_tokens"].clone(),
            )
        })
        .collect();
    assert_eq!((spans.len(), counted.len()), (2000, 1000));
    for number in 0..1000 {
        assert_eq!(counted[&format!("customer_{number}")], (number + 1).to_string());
    }
}

//! AI calls through `gemini-rust`, as they arrive at a collector.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, deprecated)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use gemini_rust::{
    ClientError, ContentBuilder, Gemini, GeminiBuilder, GenerationResponse, InteractionEvent, Model,
};
use paid::AsyncPaid;
use paid::ai::AiCall;
use paid::ai::gemini::PaidExt;
use paid::tracing::{TracingOptions, generate_tracing_token};
use paid_sandbox::{Fault, ReceivedSpan, Sandbox, Script, StatusCode};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(20);
const WHOLE: &str = "/v1beta/models/{model}:generateContent";
const STREAM: &str = "/v1beta/models/{model}:streamGenerateContent";
const INTERACTIONS: &str = "/v1beta/interactions";
const KEY: &str = "AIza-provider-key";

struct World {
    sandbox: Sandbox,
    client: AsyncPaid,
    gemini: Gemini,
}

async fn world() -> World {
    let key = format!("key_{}", generate_tracing_token());
    let sandbox = Sandbox::builder().api_key(key.as_str()).start().await.unwrap();
    let client = AsyncPaid::new(key).unwrap();
    let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
    client.initialize_tracing_with(options).unwrap();
    let gemini = builder(&sandbox).build().unwrap();
    World { sandbox, client, gemini }
}

fn builder(sandbox: &Sandbox) -> GeminiBuilder {
    GeminiBuilder::new(KEY)
        .with_model(Model::Custom("models/gemini-2.5-flash".into()))
        .with_base_url(sandbox.gemini_base().parse().unwrap())
}

impl World {
    fn ask(&self) -> ContentBuilder {
        self.gemini.generate_content().with_user_message("Hello, how are you?")
    }

    /// Runs a call in a scope of its own; the call's span, once it is there with the scope's.
    async fn call<F: Future>(&self, call: F) -> (F::Output, ReceivedSpan) {
        let before = self.sandbox.spans().len();
        let result = self.client.paid_tracing("acme").external_agent_id("bot").run_async(call).await;
        let spans = self.sandbox.wait_for_spans(before + 2, PATIENCE).await;
        let (scopes, calls): (Vec<_>, Vec<_>) =
            spans[before..].iter().partition(|span| span.name == "paid.trace.parent_span");
        assert_eq!((scopes.len(), calls.len()), (1, 1), "{calls:#?}");
        assert_eq!(calls[0].parent_span_id, Some(scopes[0].span_id.clone()).filter(|id| !id.is_empty()));
        assert_eq!(calls[0].text("external_customer_id"), Some("acme"));
        assert_eq!(calls[0].text("external_agent_id"), Some("bot"));
        let shown = format!("{calls:?}");
        assert!(!shown.contains(KEY) && !shown.contains("127.0.0.1"), "{shown}");
        (result, calls[0].clone())
    }
}

fn attributes(span: &ReceivedSpan) -> BTreeMap<String, String> {
    let own =
        span.attributes.iter().filter(|(key, _)| key.starts_with("gen_ai.") || key.starts_with("paid."));
    own.map(|(key, value)| (key.clone(), value.to_string())).collect()
}

fn expected(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
    let common = [("gen_ai.system", "gemini"), ("gen_ai.operation.name", "generate_content")];
    common.iter().chain(rows).map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

const COUNTS: [(&str, &str); 5] = [
    ("gen_ai.response.model", "gemini-2.5-flash"),
    ("gen_ai.usage.input_tokens", "100"),
    ("gen_ai.usage.output_tokens", "20"),
    ("gen_ai.usage.cached_input_tokens", "60"),
    ("gen_ai.usage.reasoning_output_tokens", "7"),
];

fn counted(path: &str) -> Script {
    let text = "one two three four five";
    Script::on(path).text(text).input_tokens(100).output_tokens(20).cached_tokens(60).reasoning_tokens(7)
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    std::future::poll_fn(|context| std::pin::Pin::new(&mut *stream).poll_next(context)).await
}

/// All that comes, up to the first error.
async fn all<T, S: Stream<Item = Result<T, ClientError>> + Unpin>(
    mut stream: S,
) -> Result<Vec<T>, ClientError> {
    let mut parts = Vec::new();
    while let Some(part) = next(&mut stream).await {
        parts.push(part?);
    }
    Ok(parts)
}

fn texts(parts: &[GenerationResponse]) -> String {
    parts.iter().map(GenerationResponse::text).collect()
}

#[tokio::test]
async fn an_answer_is_counted_and_returned_as_it_is() {
    let world = world().await;
    world.sandbox.provider_script(counted(WHOLE).times(2));
    let bare = world.ask().execute().await.unwrap();
    let (answer, span) = world.call(world.ask().paid().execute()).await;
    let answer = answer.unwrap();
    assert_eq!((answer.text(), answer.usage_metadata), (bare.text(), bare.usage_metadata));
    assert_eq!(span.name, "paid.trace.gemini.models.generate_content");
    assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Ok, ""));
    assert_eq!(attributes(&span), expected(&COUNTS));

    // What the provider leaves out is left out.
    let (_, span) = world.call(world.ask().paid().execute()).await;
    assert!(!attributes(&span).contains_key("gen_ai.usage.cached_input_tokens"), "{span:#?}");

    world.sandbox.provider_script(Script::on(WHOLE).without_usage());
    let (_, span) = world.call(world.ask().paid().execute()).await;
    assert_eq!(span.status.code, StatusCode::Ok);
    assert_eq!(attributes(&span)["paid.usage.missing"], "the answer tells none");
}

#[tokio::test]
async fn a_stream_is_counted_at_its_last_part() {
    let world = world().await;
    world.sandbox.provider_script(counted(STREAM).times(2));
    let bare = all(world.ask().execute_stream().await.unwrap()).await.unwrap();
    let (parts, span) = world.call(async { all(world.ask().paid().execute_stream().await?).await }).await;
    let parts = parts.unwrap();
    assert_eq!((texts(&parts), parts.len()), (texts(&bare), bare.len()));
    assert_eq!(span.name, "paid.trace.gemini.models.generate_content");
    assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Ok, ""));
    assert_eq!(attributes(&span), expected(&COUNTS));
}

#[tokio::test]
async fn a_stream_may_be_read_elsewhere_and_left_after_its_last_part() {
    let world = world().await;
    world.sandbox.provider_script(counted(STREAM));
    let stream =
        world.client.paid_tracing("acme").run_async(world.ask().paid().execute_stream()).await.unwrap();
    tokio::spawn(async move {
        let mut stream = stream;
        while let Some(part) = next(&mut stream).await {
            if part.unwrap().candidates[0].finish_reason.is_some() {
                break;
            }
        }
    })
    .await
    .unwrap();
    let spans = world.sandbox.wait_for_spans(2, PATIENCE).await;
    let span = spans.iter().find(|span| span.name.ends_with("generate_content")).unwrap();
    assert_eq!(span.text("external_customer_id"), Some("acme"));
    assert_eq!(span.status.code, StatusCode::Ok);
    assert_eq!(attributes(span), expected(&COUNTS));
}

#[tokio::test]
async fn a_stream_that_is_dropped_early_is_an_error() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(STREAM).chunks(100).chunk_delay(Duration::from_millis(1)));
    let (_, span) = world
        .call(async {
            let mut stream = world.ask().paid().execute_stream().await.unwrap();
            assert!(next(&mut stream).await.unwrap().is_ok());
        })
        .await;
    assert_eq!(span.status.code, StatusCode::Error);
    assert!(span.status.message.contains("dropped"), "{}", span.status.message);
    assert_eq!(span.events.len(), 1);
}

#[tokio::test]
async fn failures_are_recorded_once_and_passed_on() {
    let world = world().await;
    for status in [400, 401, 429, 500] {
        for path in [WHOLE, STREAM] {
            world.sandbox.fail(Fault::on("POST", path).status(status));
            let (error, span) = world
                .call(async {
                    match path {
                        WHOLE => world.ask().paid().execute().await.map(drop).unwrap_err(),
                        _ => world.ask().paid().execute_stream().await.map(drop).unwrap_err(),
                    }
                })
                .await;
            let ClientError::BadResponse { code, description } = error else { panic!("{error}") };
            assert_eq!(code, status);
            assert!(description.unwrap().contains("error"));
            assert_eq!(span.status.code, StatusCode::Error);
            let told = format!("ApiError: {status} ");
            assert!(span.status.message.starts_with(&told), "{}", span.status.message);
            assert_eq!(span.events.len(), 1);
            assert!(!attributes(&span).contains_key("gen_ai.usage.input_tokens"));
        }
    }
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_is_recorded_once() {
    let world = world().await;
    world.sandbox.fail(Fault::on("POST", WHOLE).cut());
    let (answer, span) = world.call(world.ask().paid().execute()).await;
    assert!(matches!(answer, Err(ClientError::PerformRequestNew { .. })));
    assert_eq!((span.status.code, span.events.len()), (StatusCode::Error, 1));

    world.sandbox.provider_script(Script::on(WHOLE).malformed_at(0));
    let (answer, span) = world.call(world.ask().paid().execute()).await;
    assert!(matches!(answer, Err(ClientError::DecodeResponse { .. })));
    assert_eq!((span.status.code, span.events.len()), (StatusCode::Error, 1));

    world.sandbox.provider_script(Script::on(STREAM).chunks(9).cut_after(3));
    let read = async { all(world.ask().paid().execute_stream().await?).await };
    let (answer, span) = world.call(read).await;
    assert!(matches!(answer, Err(ClientError::BadPart { .. })));
    assert_eq!((span.status.code, span.events.len()), (StatusCode::Error, 1));

    world.sandbox.provider_script(Script::on(STREAM).chunks(9).malformed_at(3));
    let read = async { all(world.ask().paid().execute_stream().await?).await };
    let (answer, span) = world.call(read).await;
    assert!(matches!(answer, Err(ClientError::Deserialize { .. })));
    assert_eq!((span.status.code, span.events.len()), (StatusCode::Error, 1));

    world.sandbox.fail(Fault::on("POST", WHOLE).hang());
    let hurried = builder(&world.sandbox)
        .with_http_client(reqwest_of_gemini::ClientBuilder::new().timeout(Duration::from_millis(50)))
        .build()
        .unwrap();
    let (answer, span) =
        world.call(hurried.generate_content().with_user_message("Hello?").paid().execute()).await;
    assert!(matches!(answer, Err(ClientError::PerformRequestNew { source }) if source.is_timeout()));
    assert!(span.status.message.ends_with("timed out"), "{}", span.status.message);

    world.sandbox.fail(Fault::on("POST", WHOLE).hang());
    let call = tokio::time::timeout(Duration::from_millis(50), world.ask().paid().execute());
    let (answer, span) = world.call(call).await;
    assert!(answer.is_err());
    assert!(span.status.message.starts_with("Cancelled: "), "{}", span.status.message);
}

#[tokio::test]
async fn a_stream_that_ends_before_its_last_part_says_so() {
    let world = world().await;
    world.sandbox.provider_script(counted(STREAM).chunks(9).end_after(3));
    let read = async { all(world.ask().paid().execute_stream().await?).await };
    let (parts, span) = world.call(read).await;
    assert_eq!(parts.unwrap().len(), 3);
    assert_eq!(attributes(&span)["paid.usage.missing"], "the stream ended before all of it was told");
}

#[tokio::test]
async fn outside_of_a_scope_calls_go_through_unless_that_is_forbidden() {
    let world = world().await;
    assert!(world.ask().paid().execute().await.unwrap().text().contains("Hello"));
    assert!(!all(world.ask().paid().execute_stream().await.unwrap()).await.unwrap().is_empty());
    let before = world.sandbox.requests().len();
    let error = world.ask().paid().optional_tracing(false).unwrap_err();
    assert!(error.to_string().contains("would not be traced"));
    assert_eq!(world.sandbox.requests().len(), before, "nothing was sent");
    assert_eq!(world.sandbox.spans().len(), 0);
    let strict = async { world.ask().paid().optional_tracing(false).unwrap().execute().await };
    assert!(world.call(strict).await.0.is_ok());
}

#[tokio::test]
async fn a_call_that_two_hooks_see_is_one_span() {
    let world = world().await;
    let (_, span) = world
        .call(async {
            let call = AiCall::start("by.hand", "gemini", "generate_content");
            call.inside_async(world.ask().paid().execute()).await.unwrap();
            call.inside_async(async {
                all(world.ask().paid().execute_stream().await.unwrap()).await.unwrap();
            })
            .await;
        })
        .await;
    assert_eq!(span.name, "paid.trace.by.hand");
}

#[tokio::test]
async fn interactions_are_counted() {
    let world = world().await;
    let usage = json!({"total_input_tokens": 100, "total_output_tokens": 20, "total_cached_tokens": 60,
        "total_thought_tokens": 7, "total_tokens": 127});
    let whole = json!({"id": "int_1", "status": "completed", "model": "gemini-2.5-flash", "usage": usage});
    world.sandbox.fail(Fault::on("POST", INTERACTIONS).status(200).body_json(whole));
    let ask = || world.gemini.create_interaction().with_text("Hello?");
    let (answer, span) = world.call(ask().paid().execute()).await;
    assert_eq!(answer.unwrap().usage.unwrap().total_tokens, Some(127));
    assert_eq!(span.name, "paid.trace.gemini.interactions.create");
    assert_eq!((span.status.code, attributes(&span)), (StatusCode::Ok, expected(&COUNTS)));

    let failed = json!({"id": "int_1", "status": "failed", "usage": usage,
        "error": {"code": "quota", "message": "Too much"}});
    world.sandbox.fail(Fault::on("POST", INTERACTIONS).status(200).body_json(failed));
    let (answer, span) = world.call(ask().paid().execute()).await;
    assert!(answer.unwrap().error.is_some());
    assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Error, "quota: Too much"));
    assert_eq!(attributes(&span)["gen_ai.usage.input_tokens"], "100");

    let created = json!({"event_type": "interaction.created", "interaction": {"id": "int_1"}});
    let delta = json!({"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "Hello"}});
    let completed = json!({"event_type": "interaction.completed",
        "interaction": {"id": "int_1", "status": "completed", "model": "gemini-2.5-flash", "usage": usage}});
    let events = |events: &[&serde_json::Value]| {
        events.iter().map(|event| format!("data: {event}\n\n")).collect::<String>()
    };
    let answer = |text: String| {
        world.sandbox.fail(Fault::on("POST", INTERACTIONS).status(200).body(text, "text/event-stream"));
    };
    let read = async || all(ask().paid().execute_stream().await?).await;
    answer(events(&[&created, &delta, &completed]));
    let (parts, span) = world.call(read()).await;
    assert!(matches!(parts.unwrap()[2], InteractionEvent::InteractionCompleted { .. }));
    assert_eq!(span.name, "paid.trace.gemini.interactions.create");
    assert_eq!((span.status.code, attributes(&span)), (StatusCode::Ok, expected(&COUNTS)));

    let error = json!({"event_type": "error", "error": {"code": "overloaded", "message": "Later"}});
    answer(events(&[&created, &error]));
    let (parts, span) = world.call(read()).await;
    assert_eq!(parts.unwrap().len(), 2);
    assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Error, "overloaded: Later"));

    world.sandbox.fail(Fault::on("POST", INTERACTIONS).status(429));
    let (answer, span) = world.call(ask().paid().execute()).await;
    assert!(matches!(answer, Err(ClientError::BadResponse { code: 429, .. })));
    assert!(span.status.message.starts_with("ApiError: 429 "), "{}", span.status.message);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_at_once_are_each_counted_for_their_customer() {
    let world = Arc::new(world().await);
    let calls = (0..1000_usize).map(|number| {
        let world = world.clone();
        tokio::spawn(async move {
            let ask = world.gemini.generate_content().with_user_message("x".repeat(4 * (number + 1)));
            let call = async {
                match number % 2 {
                    0 => drop(ask.paid().execute().await.unwrap()),
                    _ => drop(all(ask.paid().execute_stream().await.unwrap()).await.unwrap()),
                }
            };
            world.client.paid_tracing(format!("customer_{number}")).run_async(call).await
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let spans = world.sandbox.wait_for_spans(2000, PATIENCE).await;
    let counted = spans.iter().filter(|span| span.name == "paid.trace.gemini.models.generate_content");
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

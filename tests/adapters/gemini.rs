//! AI calls through `gemini-rust`, as they arrive at a collector.

use std::time::Duration;

use crate::support::crowd::assert_each_of_a_thousand_is_counted;
use crate::support::spans::{assert_failed, assert_failed_as, assert_ok, assert_told, count};
use crate::support::streams::{all, next};
use crate::support::{KEY, PROMPT};
use gemini_rust::{
    ClientError, ContentBuilder, Gemini, GeminiBuilder, GenerationResponse, InteractionEvent, Model,
};
use paid::ai::AiCall;
use paid::ai::gemini::PaidExt;
use paid_sandbox::{Fault, Sandbox, Script};
use serde_json::json;

const WHOLE: &str = "/v1beta/models/{model}:generateContent";
const STREAM: &str = "/v1beta/models/{model}:streamGenerateContent";
const INTERACTIONS: &str = "/v1beta/interactions";
const SPAN: &str = "paid.trace.gemini.models.generate_content";
const INTERACTIONS_SPAN: &str = "paid.trace.gemini.interactions.create";

type World = crate::support::world::World<Clients>;

struct Clients {
    gemini: Gemini,
}

async fn world() -> World {
    World::start(|sandbox| Clients { gemini: builder(sandbox).build().unwrap() }).await
}

fn builder(sandbox: &Sandbox) -> GeminiBuilder {
    GeminiBuilder::new(KEY)
        .with_model(Model::Custom("models/gemini-2.5-flash".into()))
        .with_base_url(sandbox.gemini_base().parse().unwrap())
}

impl World {
    fn ask(&self) -> ContentBuilder {
        self.gemini.generate_content().with_user_message(PROMPT)
    }
}

const COUNTS: [(&str, &str); 7] = [
    ("gen_ai.system", "gemini"),
    ("gen_ai.operation.name", "generate_content"),
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

/// All parts of a stream, and the error that it ended with.
async fn streamed(world: &World) -> (Vec<GenerationResponse>, Option<ClientError>) {
    all(world.ask().paid().execute_stream().await.unwrap()).await
}

fn texts(parts: &[GenerationResponse]) -> String {
    parts.iter().map(GenerationResponse::text).collect()
}

#[tokio::test]
async fn an_answer_is_counted_and_returned_as_it_is() {
    let world = world().await;
    world.sandbox.provider_script(counted(WHOLE).times(2));
    let bare = world.ask().execute().await.unwrap();
    let (answer, span) = world.traced_call(world.ask().paid().execute()).await;
    let answer = answer.unwrap();
    assert_eq!((answer.text(), answer.usage_metadata), (bare.text(), bare.usage_metadata));
    assert_told(&span, SPAN, &COUNTS);

    // What the provider leaves out is left out.
    let (_, span) = world.traced_call(world.ask().paid().execute()).await;
    assert_eq!(count(&span, "cached_input_tokens"), None);

    world.sandbox.provider_script(Script::on(WHOLE).without_usage());
    let (_, span) = world.traced_call(world.ask().paid().execute()).await;
    assert_ok(&span);
    assert_eq!(span.text("paid.usage.missing"), Some("the answer tells none"));
}

#[tokio::test]
async fn a_stream_is_counted_at_its_last_part() {
    let world = world().await;
    world.sandbox.provider_script(counted(STREAM).times(2));
    let (bare, _) = all(world.ask().execute_stream().await.unwrap()).await;
    let ((parts, error), span) = world.traced_call(streamed(&world)).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((texts(&parts), parts.len()), (texts(&bare), bare.len()));
    assert_told(&span, SPAN, &COUNTS);
}

#[tokio::test]
async fn a_stream_may_be_read_elsewhere_and_left_after_its_last_part() {
    let world = world().await;
    world.sandbox.provider_script(counted(STREAM));
    let stream = world.scope().run_async(world.ask().paid().execute_stream()).await.unwrap();
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
    let calls = world.calls().await;
    let [span] = &calls[..] else { panic!("{calls:#?}") };
    assert_eq!(span.text("external_customer_id"), Some("acme"));
    assert_told(span, SPAN, &COUNTS);
}

#[tokio::test]
async fn a_stream_that_is_dropped_early_is_an_error() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(STREAM).chunks(100).chunk_delay(Duration::from_millis(1)));
    let (_, span) = world
        .traced_call(async {
            let mut stream = world.ask().paid().execute_stream().await.unwrap();
            assert!(next(&mut stream).await.unwrap().is_ok());
        })
        .await;
    assert_failed(&span, "StreamDropped: the stream was dropped before its end");
}

#[tokio::test]
async fn failures_are_recorded_once_and_passed_on() {
    let world = world().await;
    for status in [400, 401, 429, 500] {
        for path in [WHOLE, STREAM] {
            world.sandbox.fail(Fault::on("POST", path).status(status));
            let (error, span) = world
                .traced_call(async {
                    match path {
                        WHOLE => world.ask().paid().execute().await.map(drop).unwrap_err(),
                        _ => world.ask().paid().execute_stream().await.map(drop).unwrap_err(),
                    }
                })
                .await;
            let ClientError::BadResponse { code, description } = error else { panic!("{error}") };
            assert_eq!(code, status);
            assert!(description.unwrap().contains("error"));
            assert_failed_as(&span, &format!("ApiError: {status} "));
            assert_eq!(count(&span, "input_tokens"), None);
        }
    }
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_is_recorded_once() {
    let world = world().await;
    world.sandbox.fail(Fault::on("POST", WHOLE).cut());
    let (answer, span) = world.traced_call(world.ask().paid().execute()).await;
    assert!(matches!(answer, Err(ClientError::PerformRequestNew { .. })));
    assert_failed_as(&span, "Error: PerformRequestNew: ");

    world.sandbox.provider_script(Script::on(WHOLE).malformed_at(0));
    let (answer, span) = world.traced_call(world.ask().paid().execute()).await;
    assert!(matches!(answer, Err(ClientError::DecodeResponse { .. })));
    assert_failed_as(&span, "Error: failed to generate content: ");

    world.sandbox.provider_script(Script::on(STREAM).chunks(9).cut_after(3));
    let ((_, error), span) = world.traced_call(streamed(&world)).await;
    assert!(matches!(error, Some(ClientError::BadPart { .. })));
    assert_failed_as(&span, "Error: ");

    world.sandbox.provider_script(Script::on(STREAM).chunks(9).malformed_at(3));
    let ((_, error), span) = world.traced_call(streamed(&world)).await;
    assert!(matches!(error, Some(ClientError::Deserialize { .. })));
    assert_failed_as(&span, "Error: ");

    world.sandbox.fail(Fault::on("POST", WHOLE).hang());
    let hurried = builder(&world.sandbox)
        .with_http_client(reqwest_of_gemini::ClientBuilder::new().timeout(Duration::from_millis(50)))
        .build()
        .unwrap();
    let (answer, span) =
        world.traced_call(hurried.generate_content().with_user_message(PROMPT).paid().execute()).await;
    assert!(matches!(answer, Err(ClientError::PerformRequestNew { source }) if source.is_timeout()));
    assert_failed_as(&span, "Error: PerformRequestNew: ");
    assert!(span.status.message.ends_with("timed out"), "{}", span.status.message);

    world.sandbox.fail(Fault::on("POST", WHOLE).hang());
    let call = tokio::time::timeout(Duration::from_millis(50), world.ask().paid().execute());
    let (answer, span) = world.traced_call(call).await;
    assert!(answer.is_err());
    assert_failed(&span, "Cancelled: the call was dropped before its answer");
}

#[tokio::test]
async fn a_stream_that_ends_before_its_last_part_says_so() {
    let world = world().await;
    world.sandbox.provider_script(counted(STREAM).chunks(9).end_after(3));
    let ((parts, error), span) = world.traced_call(streamed(&world)).await;
    assert_eq!((parts.len(), error.is_none()), (3, true));
    assert_eq!(span.text("paid.usage.missing"), Some("the stream ended before all of it was told"));
}

#[tokio::test]
async fn outside_of_a_scope_calls_go_through_unless_that_is_forbidden() {
    let world = world().await;
    assert!(world.ask().paid().execute().await.unwrap().text().contains(PROMPT));
    assert!(!streamed(&world).await.0.is_empty());
    let before = world.received().len();
    let error = world.ask().paid().optional_tracing(false).unwrap_err();
    assert!(error.to_string().contains("would not be traced"));
    assert_eq!(world.received().len(), before, "nothing was sent");
    assert!(world.calls().await.is_empty());
    let strict = async { world.ask().paid().optional_tracing(false).unwrap().execute().await };
    assert!(world.traced_call(strict).await.0.is_ok());
}

#[tokio::test]
async fn a_call_that_two_hooks_see_is_one_span() {
    let world = world().await;
    let (_, span) = world
        .traced_call(async {
            let call = AiCall::start("by.hand", "gemini", "generate_content");
            call.inside_async(world.ask().paid().execute()).await.unwrap();
            assert!(call.inside_async(streamed(&world)).await.1.is_none());
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
    let ask = || world.gemini.create_interaction().with_text(PROMPT);
    let (answer, span) = world.traced_call(ask().paid().execute()).await;
    assert_eq!(answer.unwrap().usage.unwrap().total_tokens, Some(127));
    assert_told(&span, INTERACTIONS_SPAN, &COUNTS);

    let failed = json!({"id": "int_1", "status": "failed", "usage": usage,
        "error": {"code": "quota", "message": "Too much"}});
    world.sandbox.fail(Fault::on("POST", INTERACTIONS).status(200).body_json(failed));
    let (answer, span) = world.traced_call(ask().paid().execute()).await;
    assert!(answer.unwrap().error.is_some());
    assert_failed(&span, "quota: Too much");
    assert_eq!(count(&span, "input_tokens"), Some(100));

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
    let read = async || all(ask().paid().execute_stream().await.unwrap()).await.0;
    answer(events(&[&created, &delta, &completed]));
    let (parts, span) = world.traced_call(read()).await;
    assert!(matches!(parts[2], InteractionEvent::InteractionCompleted { .. }));
    assert_told(&span, INTERACTIONS_SPAN, &COUNTS);

    let error = json!({"event_type": "error", "error": {"code": "overloaded", "message": "Later"}});
    answer(events(&[&created, &error]));
    let (parts, span) = world.traced_call(read()).await;
    assert_eq!(parts.len(), 2);
    assert_failed(&span, "overloaded: Later");

    world.sandbox.fail(Fault::on("POST", INTERACTIONS).status(429));
    let (answer, span) = world.traced_call(ask().paid().execute()).await;
    assert!(matches!(answer, Err(ClientError::BadResponse { code: 429, .. })));
    assert_failed_as(&span, "ApiError: 429 ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_calls_at_once_are_each_counted_for_their_customer() {
    assert_each_of_a_thousand_is_counted(world().await, |caller| async move {
        let ask = caller.world.gemini.generate_content().with_user_message(caller.prompt()).paid();
        if caller.streams() {
            let read = async { all(ask.execute_stream().await.unwrap()).await };
            assert!(caller.scope.run_async(read).await.1.is_none());
        } else {
            caller.scope.run_async(ask.execute()).await.unwrap();
        }
    })
    .await;
}

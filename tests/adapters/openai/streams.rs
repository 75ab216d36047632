//! Chats that are answered as a stream, which async-openai reads in a task of its own.

use std::time::Duration;

use async_openai::types::chat::{CreateChatCompletionRequest, CreateChatCompletionStreamResponse};
use paid::ai::Providers;
use paid::ai::openai::PaidOpenAILayer;
use paid_sandbox::{Script, StatusCode};
use serde_json::{Value, json};

use super::{
    CHAT, CHAT_SPAN, MODEL, World, all, assert_failed, assert_told, count, hello, next, request, told, world,
    world_with,
};

const LONG: Duration = Duration::from_secs(60);

async fn chunks(
    world: &World,
    request: CreateChatCompletionRequest,
) -> Vec<CreateChatCompletionStreamResponse> {
    let (chunks, error) = all(world.openai.chat().create_stream(request).await.unwrap()).await;
    assert!(error.is_none(), "{error:?}");
    chunks
}

fn asking() -> CreateChatCompletionRequest {
    request(json!({"model": MODEL, "messages": [{"role": "user", "content": "hello there"}],
        "stream": true, "stream_options": {"include_usage": true}}))
}

#[tokio::test]
async fn a_stream_is_asked_for_its_usage_and_the_caller_sees_nothing_of_it() {
    let world = world().await;
    for pieces in [vec![usize::MAX], vec![1], vec![7, 100, 3]] {
        let script = || Script::on(CHAT).chunks(20).pieces(pieces.clone()).input_tokens(70).output_tokens(30);
        world.sandbox.provider_script(script());
        world.sandbox.provider_script(script());
        let (with, call) = world.traced_call(chunks(&world, hello())).await;
        let (without, _) = all(world.plain.chat().create_stream(hello()).await.unwrap()).await;
        assert_eq!(told(&with), told(&without));
        assert!(with.iter().all(|chunk| !chunk.choices.is_empty() && chunk.usage.is_none()));
        assert_told(
            &call,
            CHAT_SPAN,
            &[
                ("gen_ai.operation.name", "chat"),
                ("gen_ai.response.model", MODEL),
                ("gen_ai.system", "openai"),
                ("gen_ai.usage.cached_input_tokens", "0"),
                ("gen_ai.usage.input_tokens", "70"),
                ("gen_ai.usage.output_tokens", "30"),
                ("gen_ai.usage.reasoning_output_tokens", "0"),
            ],
        );
    }
    let received = world.received();
    let (mut asked, plain) = (received[0].json().unwrap(), received[1].json().unwrap());
    assert_eq!(asked["stream_options"].take(), json!({"include_usage": true}));
    asked.as_object_mut().unwrap().remove("stream_options");
    assert_eq!(asked, plain);
}

#[tokio::test]
async fn who_stops_at_the_finish_reason_is_counted() {
    let world = world().await;
    let script = Script::on(CHAT).chunks(3).chunk_delay(Duration::from_millis(30)).output_tokens(30);
    world.sandbox.provider_script(script);
    let (_, call) = world
        .traced_call(async {
            let mut stream = world.openai.chat().create_stream(hello()).await.unwrap();
            while let Some(chunk) = next(&mut stream).await {
                if chunk.unwrap().choices[0].finish_reason.is_some() {
                    break;
                }
            }
        })
        .await;
    assert_eq!((call.status.code, count(&call, "output_tokens")), (StatusCode::Ok, Some(30)));
}

#[tokio::test]
async fn who_asks_for_the_usage_gets_it() {
    let world = world().await;
    let (with, call) = world.traced_call(chunks(&world, asking())).await;
    let (without, _) = all(world.plain.chat().create_stream(asking()).await.unwrap()).await;
    assert_eq!(told(&with), told(&without));
    let usage = with.last().unwrap().usage.clone().unwrap();
    assert!(with.last().unwrap().choices.is_empty());
    assert_eq!(count(&call, "input_tokens"), Some(usage.prompt_tokens.into()));
    let received = world.received();
    assert_eq!(received[0].body(), received[1].body());
}

#[tokio::test]
async fn a_service_that_refuses_the_option_is_not_asked() {
    let providers = Providers::new().ask_for_stream_usage(false);
    let world = world_with(PaidOpenAILayer::new().providers(providers)).await;
    let (_, call) = world.traced_call(chunks(&world, hello())).await;
    assert_eq!(world.received()[0].json().unwrap().get("stream_options"), None::<&Value>);
    assert_eq!(call.text("paid.usage.missing"), Some("the answer tells none"));
    let (_, call) = world.traced_call(chunks(&world, asking())).await;
    assert_eq!(count(&call, "input_tokens"), Some(3));
}

#[tokio::test]
async fn tool_calls_in_a_stream_are_as_without_the_layer() {
    let world = world().await;
    let tool = json!({"type": "function", "function": {"name": "weather", "parameters":
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}});
    let asks = || {
        request(
            json!({"model": MODEL, "messages": [{"role": "user", "content": "hello there"}], "tools": [tool]}),
        )
    };
    let (with, call) = world.traced_call(chunks(&world, asks())).await;
    let (without, _) = all(world.plain.chat().create_stream(asks()).await.unwrap()).await;
    assert_eq!(told(&with), told(&without));
    assert!(with.iter().any(|chunk| chunk.choices[0].delta.tool_calls.is_some()));
    assert!(count(&call, "output_tokens").unwrap() > 0);
}

#[tokio::test]
async fn a_stream_counts_in_the_scope_that_it_was_asked_for_in() {
    let world = world().await;
    let scope = world.scope();
    let stream = scope.run_async(world.openai.chat().create_stream(hello())).await.unwrap();
    // The scope is over, and another one is open, when the stream is read.
    let ((chunks, _), calls) = world
        .client
        .paid_tracing("other")
        .run_async(async {
            let read = all(stream).await;
            (read, world.calls().await)
        })
        .await;
    assert!(!chunks.is_empty());
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].text("external_customer_id"), Some("acme"));
    assert_eq!(count(&calls[0], "input_tokens"), Some(3));
}

#[tokio::test]
async fn a_stream_that_is_dropped_early_is_an_error_span() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(CHAT).chunks(50).chunk_delay(LONG));
    let (_, call) = world
        .traced_call(async {
            let mut stream = world.openai.chat().create_stream(hello()).await.unwrap();
            assert!(next(&mut stream).await.unwrap().is_ok());
        })
        .await;
    assert_failed(&call, "StreamDropped: the stream was dropped before its end");
    assert_eq!(call.name, CHAT_SPAN);
}

#[tokio::test]
async fn streams_that_break_off_are_errors() {
    let world = world().await;
    let script = || Script::on(CHAT).chunks(20);
    world.sandbox.provider_script(script().cut_after(5));
    let (read, call) = world
        .traced_call(async { all(world.openai.chat().create_stream(hello()).await.unwrap()).await })
        .await;
    assert_eq!(read.0.len(), 5);
    assert!(read.1.is_some());
    assert_failed(&call, "Error: request or response body error");
    world.sandbox.provider_script(script().error_after(5, 500));
    let (read, call) = world
        .traced_call(async { all(world.openai.chat().create_stream(hello()).await.unwrap()).await })
        .await;
    // async-openai makes no chunk of it, and goes on.
    assert!(read.1.is_some(), "{read:?}");
    assert_failed(&call, "server_error: the sandbox was told to fail with 500");
}

#[tokio::test]
async fn a_chunk_that_is_no_json_is_passed_on_and_the_usage_still_counts() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(CHAT).chunks(20).malformed_at(5));
    let (failed, call) = world
        .traced_call(async {
            let mut stream = world.openai.chat().create_stream(hello()).await.unwrap();
            let mut failed = 0;
            while let Some(chunk) = next(&mut stream).await {
                failed += usize::from(chunk.is_err());
            }
            failed
        })
        .await;
    assert_eq!(failed, 1);
    assert_eq!((call.status.code, count(&call, "input_tokens")), (StatusCode::Ok, Some(3)));
}

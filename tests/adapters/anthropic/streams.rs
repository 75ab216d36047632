//! Streams.

use std::time::Duration;

use paid::ai::anthropic::{
    ContentBlock, Delta, Error, Message, MessageCollector, MessageRequest, MessageStream, PaidAnthropic,
    StopReason, StreamEvent, Thinking, Tool,
};
use paid_sandbox::{Script, StatusCode};
use serde_json::json;

use super::{KEY, MODEL, PATH, SPAN, World, assert_failed, assert_told, count, hello, world, world_with};
use crate::support::cases::{Case, all as cases};
use crate::support::scripted::Scripted;

const LONG: Duration = Duration::from_secs(60);

async fn events(stream: &mut MessageStream) -> (Vec<StreamEvent>, Option<Error>) {
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => events.push(event),
            Err(error) => {
                assert!(stream.next().await.is_none(), "an error is the end");
                return (events, Some(error));
            }
        }
    }
    (events, None)
}

async fn streamed(world: &World, request: MessageRequest) -> (Vec<StreamEvent>, Option<Error>) {
    events(&mut world.anthropic.messages().stream(request).await.unwrap()).await
}

#[tokio::test]
async fn a_stream_is_a_span_with_what_it_used() {
    let world = world().await;
    let script =
        Script::on(PATH).input_tokens(7).output_tokens(8).cached_tokens(90).cache_creation_tokens(11);
    world.sandbox.provider_script(script.pieces([1, 7]));
    let ((events, error), call) = world.traced_call(streamed(&world, hello())).await;
    assert!(error.is_none());
    assert!(
        matches!(&events[0], StreamEvent::MessageStart { message } if message.usage.input_tokens == Some(7))
    );
    assert!(events.contains(&StreamEvent::Ping));
    let text = events.iter().filter_map(|event| match event {
        StreamEvent::ContentBlockDelta { index: 0, delta: Delta::TextDelta { text } } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(text.collect::<String>(), "You said: hello there");
    assert_eq!(events.last(), Some(&StreamEvent::MessageStop));
    let expected = [
        ("gen_ai.operation.name", "messages"),
        ("gen_ai.response.model", MODEL),
        ("gen_ai.system", "anthropic"),
        ("gen_ai.usage.cache_creation_input_tokens", "11"),
        ("gen_ai.usage.cached_input_tokens", "90"),
        ("gen_ai.usage.input_tokens", "7"),
        ("gen_ai.usage.output_tokens", "8"),
    ];
    assert_told(&call, SPAN, &expected);
    assert_eq!(world.received()[0].json().unwrap()["stream"], true);
}

#[tokio::test]
async fn a_stream_comes_to_the_same_message() {
    let world = world().await;
    let tool =
        Tool::new("weather", "", json!({"type": "object", "properties": {"city": {"type": "string"}}}));
    let request = MessageRequest::new(MODEL, 2000)
        .tool(tool)
        .thinking(Thinking::Enabled { budget_tokens: 1024 })
        .user(vec![ContentBlock::text("How is the weather?")]);
    let script = Script::on(PATH).times(2).thinking("Let me see").text("I ask.");
    world.sandbox.provider_script(script.tool_call("weather", json!({"city": "Ulm"})));
    let whole = world.anthropic.messages().create(&request).await.unwrap();
    let stream = world.anthropic.messages().stream(&request).await.unwrap();
    assert!(stream.request_id().unwrap().starts_with("req_"));
    let collected = stream.final_message().await.unwrap();
    assert!(collected.request_id().is_some());
    // Ids differ from answer to answer.
    let told = |message: &Message| {
        let content = message.content.iter().map(|block| match block {
            ContentBlock::ToolUse(block) => json!([block.name, block.input]),
            block => json!(block),
        });
        (content.collect::<Vec<_>>(), message.usage.output_tokens, message.stop_reason.clone())
    };
    assert_eq!(told(&collected), told(&whole));
    assert_eq!((collected.content.len(), collected.stop_reason), (3, Some(StopReason::ToolUse)));
}

#[tokio::test]
async fn a_stream_that_is_dropped_early_is_an_error_span() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(PATH).chunks(50).chunk_delay(LONG));
    let (message, call) = world
        .traced_call(async {
            let mut stream = world.anthropic.messages().stream(hello()).await.unwrap();
            let mut collector = MessageCollector::new();
            collector.add(&stream.next().await.unwrap().unwrap());
            collector.into_message()
        })
        .await;
    assert_eq!(message.unwrap().usage.input_tokens, Some(3));
    assert_failed(&call, "StreamDropped: the stream was dropped before its end");
    assert_eq!(count(&call, "input_tokens"), Some(3));
}

#[tokio::test]
async fn the_span_ends_with_the_usage_whoever_reads_on() {
    let world = world().await;
    let scope = world.client.paid_tracing("acme");
    // The scope is over when the stream is read; the call is still its own.
    let mut stream = scope.run_async(world.anthropic.messages().stream(hello())).await.unwrap();
    while let Some(event) = stream.next().await {
        if matches!(event.unwrap(), StreamEvent::MessageDelta { .. }) {
            break;
        }
    }
    drop(stream);
    let calls = world.calls().await;
    assert_eq!((calls.len(), calls[0].status.code), (1, StatusCode::Ok));
    assert_eq!(
        (count(&calls[0], "output_tokens"), calls[0].text("external_customer_id")),
        (Some(6), Some("acme"))
    );
}

#[tokio::test]
async fn streams_that_break_off_are_errors() {
    let world = world_with(|builder| builder.timeout(Duration::from_millis(500))).await;
    let script = || Script::on(PATH).chunks(20);
    let cases = [
        (script().cut_after(4), "transport"),
        (script().end_after(4), "the stream ended amid the message"),
        (script().malformed_at(4), "the JSON is cut off"),
        (script().chunk_delay(LONG), "timeout"),
        (script().error_after(4, 529), "overloaded_error"),
    ];
    for (index, (script, expected)) in cases.into_iter().enumerate() {
        world.sandbox.provider_script(script);
        let ((events, error), calls) = world.traced(streamed(&world, hello())).await;
        let error = error.unwrap();
        let (what, status) = match &error {
            Error::Api(api) => {
                assert!(api.is_in_stream() && api.is_retryable() && api.request_id().is_some());
                (api.kind(), "overloaded_error: the sandbox was told to fail with 529".to_string())
            }
            Error::Transport(_) => ("transport", format!("TransportError: {error}")),
            Error::Timeout(_) => ("timeout", format!("TimeoutError: {error}")),
            Error::Decode(decode) => (decode.reason(), format!("DecodeError: {error}")),
            error => panic!("{error:?}"),
        };
        assert_eq!(what, expected);
        assert_eq!(events.len(), if expected == "timeout" { 1 } else { 4 }, "{expected}");
        assert_eq!(calls.len(), index + 1, "one span each");
        assert_failed(&calls[index], &status);
        assert_eq!(count(&calls[index], "input_tokens"), Some(3), "{expected}");
    }
}

#[tokio::test]
async fn a_stream_without_its_last_event_is_whole_once_the_usage_is_told() {
    let world = world().await;
    let (all, _) = streamed(&world, hello()).await;
    world.sandbox.provider_script(Script::on(PATH).end_after(all.len() - 1));
    let ((events, error), call) = world.traced_call(streamed(&world, hello())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(events.len(), all.len() - 1);
    assert_eq!((call.status.code, count(&call, "output_tokens")), (StatusCode::Ok, Some(6)));
}

#[tokio::test]
async fn a_message_whose_start_was_read_is_not_put_together_without_it() {
    let world = world().await;
    let mut stream = world.anthropic.messages().stream(hello()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    let error = stream.final_message().await.unwrap_err();
    assert!(
        matches!(&error, Error::Decode(error) if error.reason() == "the message's start is missing"),
        "{error:?}"
    );
}

#[tokio::test]
async fn streams_from_the_field_are_told_and_passed_on_to_their_end() {
    let world = world().await;
    let is_stream =
        |case: &Case| case.url.ends_with("api.anthropic.com/v1/messages") && case.answer.chunks().len() > 1;
    for case in cases().into_iter().filter(is_stream) {
        let server = Scripted::start(&case);
        let client =
            PaidAnthropic::builder(KEY).base_url(format!("http://{}", server.address)).build().unwrap();
        let read = async { events(&mut client.messages().stream(hello()).await.unwrap()).await };
        let ((events, error), span) = world.traced_call(read).await;
        assert!(error.is_none(), "{}: {error:?}", case.id);
        assert!(events.len() >= 3, "{}: {events:?}", case.id);
        case.assert_told(&span, "through the typed client");
    }
}

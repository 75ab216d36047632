//! ConverseStream and InvokeModelWithResponseStream.

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{ConverseStreamOutput as Event, ResponseStream};
use paid_sandbox::{Fault, Script, StatusCode};
use serde_json::Value;

use super::calls::{makers, told};
use super::{CONVERSE_STREAM, MODEL, all, assert_failed, assert_told, converse_stream, count, world};

const INVOKE_STREAM: &str = "/model/{id}/invoke-with-response-stream";

#[tokio::test]
async fn all_events_arrive_however_they_are_cut() {
    let world = world().await;
    let script = || {
        let counts = Script::on(CONVERSE_STREAM).input_tokens(50).output_tokens(20);
        counts.cached_tokens(30).cache_creation_tokens(7).times(2)
    };
    for script in [script(), script().pieces([1]), script().pieces([7, 100, 3]), script().pieces([1_000_000])]
    {
        world.sandbox.provider_script(script);
        let read = async {
            let answer = converse_stream(&world.bedrock).send().await.unwrap();
            all(answer).await
        };
        let ((events, error), call) = world.traced_call(read).await;
        let (plain, _) = all(converse_stream(&world.plain).send().await.unwrap()).await;
        assert_eq!((&events, error), (&plain, None));
        assert!(events.len() > 5 && matches!(events.last(), Some(Event::Metadata(_))), "{events:?}");
        let expected = [
            ("gen_ai.request.model", MODEL),
            ("gen_ai.usage.input_tokens", "50"),
            ("gen_ai.usage.output_tokens", "20"),
            ("gen_ai.usage.cached_input_tokens", "30"),
            ("gen_ai.usage.cache_creation_input_tokens", "7"),
        ];
        assert_told(&call, "converse_stream", &expected);
    }
}

/// The payloads of a stream of a model's own chunks; Anthropic's first one has an id.
async fn chunks(client: &Client, model: &str, body: &Value) -> Vec<Value> {
    let call = client.invoke_model_with_response_stream().model_id(model).body(Blob::new(body.to_string()));
    let mut answer = call.send().await.unwrap();
    let mut chunks = Vec::new();
    while let Some(ResponseStream::Chunk(chunk)) = answer.body.recv().await.unwrap() {
        let mut chunk: Value = serde_json::from_slice(chunk.bytes.unwrap().as_ref()).unwrap();
        if let Some(message) = chunk.get_mut("message").and_then(Value::as_object_mut) {
            message.remove("id");
        }
        chunks.push(chunk);
    }
    chunks
}

#[tokio::test]
async fn chunks_of_every_maker_are_read() {
    let world = world().await;
    for (model, body) in makers() {
        for script in [Script::on(INVOKE_STREAM), Script::on(INVOKE_STREAM).pieces([5])] {
            world.sandbox.provider_script(script.input_tokens(40).output_tokens(9).times(2));
            let (received, call) = world.traced_call(chunks(&world.bedrock, model, &body)).await;
            assert_eq!(received, chunks(&world.plain, model, &body).await);
            assert!(received.len() > 2, "{received:?}");
            assert_told(&call, "invoke_model_with_response_stream", &told(model, "40", "9"));
        }
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_usage_is_told_and_not_when_it_is_dropped() {
    let world = world().await;
    let (mut answer, _) =
        (world.scope().run_async(converse_stream(&world.bedrock).send()).await.unwrap(), ());
    assert_eq!(world.calls().await.len(), 0);
    while !matches!(answer.stream.recv().await.unwrap(), Some(Event::Metadata(_))) {}
    let calls = world.calls().await;
    assert_eq!((calls.len(), calls[0].status.code), (1, StatusCode::Ok));
    assert_eq!(count(&calls[0], "output_tokens"), Some(6));
    drop(answer);
    assert_eq!(world.calls().await.len(), 1);
}

#[tokio::test]
async fn a_stream_that_is_dropped_early_is_an_error_span() {
    let world = world().await;
    for read in [0, 2] {
        world
            .sandbox
            .provider_script(Script::on(CONVERSE_STREAM).chunks(200).text("word ".repeat(200)).pieces([64]));
        let (_, call) = world
            .traced_call(async {
                let mut answer = converse_stream(&world.bedrock).send().await.unwrap();
                for _ in 0..read {
                    assert!(answer.stream.recv().await.unwrap().is_some());
                }
            })
            .await;
        assert_failed(&call, "StreamDropped: the stream was dropped before its end");
        assert_eq!(call.name, "paid.trace.bedrock.converse_stream");
    }
}

#[tokio::test]
async fn a_stream_that_ends_without_usage_says_so() {
    let world = world().await;
    for script in [Script::on(CONVERSE_STREAM).end_after(3), Script::on(CONVERSE_STREAM).without_usage()] {
        world.sandbox.provider_script(script);
        let read = async { all(converse_stream(&world.bedrock).send().await.unwrap()).await };
        let ((events, error), call) = world.traced_call(read).await;
        assert!(!events.is_empty() && error.is_none(), "{error:?}");
        let missing = ("paid.usage.missing", "the answer tells none");
        assert_told(&call, "converse_stream", &[("gen_ai.request.model", MODEL), missing]);
    }
}

#[tokio::test]
async fn a_stream_of_known_length_has_ended_with_its_last_byte() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(CONVERSE_STREAM).without_usage().times(2));
    let (events, _) = all(converse_stream(&world.plain).send().await.unwrap()).await;
    let url = format!("{}/model/{MODEL}/converse-stream", world.sandbox.bedrock_base());
    let body = world.received()[0].body().to_vec();
    let raw = reqwest::Client::new().post(url).bearer_auth("a key").body(body).send().await.unwrap();
    let (bytes, content_type) = (raw.bytes().await.unwrap(), "application/vnd.amazon.eventstream");
    world.sandbox.fail(Fault::on("POST", CONVERSE_STREAM).status(200).body(bytes, content_type));
    let (_, call) = world
        .traced_call(async {
            let mut answer = converse_stream(&world.bedrock).send().await.unwrap();
            for event in &events {
                assert_eq!(answer.stream.recv().await.unwrap().as_ref(), Some(event));
            }
        })
        .await;
    let missing = ("paid.usage.missing", "the answer tells none");
    assert_told(&call, "converse_stream", &[("gen_ai.request.model", MODEL), missing]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_counts_for_the_scope_that_it_was_asked_in() {
    let world = world().await;
    let answer = world.scope().run_async(converse_stream(&world.bedrock).send()).await.unwrap();
    // Read elsewhere, in the scope of another customer.
    let other = world.client.paid_tracing("other");
    let read = tokio::spawn(async move { other.run_async(all(answer)).await });
    assert_eq!(read.await.unwrap().1, None);
    let calls = world.calls().await;
    assert_eq!((calls.len(), calls[0].text("external_customer_id")), (1, Some("acme")));
    assert_eq!(count(&calls[0], "input_tokens"), Some(3));
}

//! Everything but chats.

use async_openai::types::embeddings::CreateEmbeddingRequest;
use async_openai::types::images::{CreateImageEditRequest, CreateImageRequest, ImageInput, ImageModel};
use async_openai::types::responses::{CreateResponse, ResponseStreamEvent};
use paid_sandbox::{Fault, Script};
use serde_json::json;

use super::{MODEL, all, assert_told, count, request, told, world};
use crate::support::spans::int;

const RESPONSES: &str = "/v1/responses";
const IMAGES_SPAN: &str = "paid.trace.openai.images.generate";
const RESPONSES_SPAN: &str = "paid.trace.openai.responses.create";

fn response() -> CreateResponse {
    request(json!({"model": MODEL, "input": "hello there"}))
}

fn responses_usage() -> [(&'static str, &'static str); 7] {
    [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.response.model", MODEL),
        ("gen_ai.system", "openai"),
        ("gen_ai.usage.cached_input_tokens", "60"),
        ("gen_ai.usage.input_tokens", "70"),
        ("gen_ai.usage.output_tokens", "30"),
        ("gen_ai.usage.reasoning_output_tokens", "20"),
    ]
}

#[tokio::test]
async fn responses_are_counted() {
    let world = world().await;
    let script = Script::on(RESPONSES).input_tokens(70).output_tokens(30).cached_tokens(60);
    world.sandbox.provider_script(script.reasoning_tokens(20).times(2));
    let (with, call) = world.traced_call(world.openai.responses().create(response())).await;
    let without = world.plain.responses().create(response()).await;
    assert_eq!(told(&with.unwrap()), told(&without.unwrap()));
    assert_told(&call, RESPONSES_SPAN, &responses_usage());
    let received = world.received();
    assert_eq!(received[0].body(), received[1].body());
}

#[tokio::test]
async fn streams_of_responses_are_counted() {
    let world = world().await;
    for pieces in [vec![usize::MAX], vec![1]] {
        let script = Script::on(RESPONSES).input_tokens(70).output_tokens(30).cached_tokens(60);
        world.sandbox.provider_script(script.reasoning_tokens(20).pieces(pieces).times(2));
        let read = async { all(world.openai.responses().create_stream(response()).await.unwrap()).await };
        let (with, call) = world.traced_call(read).await;
        let without = all(world.plain.responses().create_stream(response()).await.unwrap()).await;
        assert!(with.1.is_none(), "{:?}", with.1);
        assert!(matches!(with.0.last(), Some(ResponseStreamEvent::ResponseCompleted(_))));
        assert_eq!(told(&with.0), told(&without.0));
        assert_told(&call, RESPONSES_SPAN, &responses_usage());
    }
    assert_eq!(world.received()[0].json().unwrap().get("stream_options"), None);
}

#[tokio::test]
async fn completions_are_counted() {
    let world = world().await;
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12});
    let answer = json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "text": "You said", "finish_reason": "stop"}], "usage": usage});
    world.sandbox.fail(Fault::on("POST", "/v1/completions").status(200).body_json(answer));
    let asks = request(json!({"model": "m", "prompt": "hello there"}));
    let (answer, call) = world.traced_call(world.openai.completions().create(asks)).await;
    assert_eq!(answer.unwrap().choices[0].text, "You said");
    let expected = [
        ("gen_ai.operation.name", "text_completion"),
        ("gen_ai.response.model", "m"),
        ("gen_ai.system", "openai"),
        ("gen_ai.usage.input_tokens", "7"),
        ("gen_ai.usage.output_tokens", "5"),
    ];
    assert_told(&call, "paid.trace.openai.completions.create", &expected);
}

#[tokio::test]
async fn embeddings_are_counted() {
    let world = world().await;
    let model = "text-embedding-3-small";
    let asks =
        || -> CreateEmbeddingRequest { request(json!({"model": model, "input": ["hello there", "abcd"]})) };
    let (with, call) = world.traced_call(world.openai.embeddings().create(asks())).await;
    let without = world.plain.embeddings().create(asks()).await;
    assert_eq!(told(&with.unwrap()), told(&without.unwrap()));
    let expected = [
        ("gen_ai.operation.name", "embeddings"),
        ("gen_ai.response.model", model),
        ("gen_ai.system", "openai"),
        ("gen_ai.usage.input_tokens", "4"),
    ];
    assert_told(&call, "paid.trace.openai.embeddings.create", &expected);
    let asks = request(json!({"model": model, "input": "hello there", "encoding_format": "base64"}));
    let (answer, call) = world.traced_call(world.openai.embeddings().create_base64(asks)).await;
    assert_eq!((answer.unwrap().usage.prompt_tokens, count(&call, "input_tokens")), (3, Some(3)));
}

fn images(
    count: &'static str,
    quality: &'static str,
    size: &'static str,
    model: &'static str,
) -> [(&'static str, &'static str); 6] {
    [
        ("gen_ai.image.count", count),
        ("gen_ai.image.quality", quality),
        ("gen_ai.image.size", size),
        ("gen_ai.operation.name", "image_generation"),
        ("gen_ai.request.model", model),
        ("gen_ai.system", "openai"),
    ]
}

#[tokio::test]
async fn images_are_counted() {
    let world = world().await;
    let asks = |body| -> CreateImageRequest { request(body) };
    let whole = json!({"prompt": "hello there", "model": "gpt-image-1", "n": 3, "size": "1024x1024", "quality": "low"});
    let (with, call) = world.traced_call(world.openai.images().generate(asks(whole.clone()))).await;
    let without = world.plain.images().generate(asks(whole)).await;
    assert_eq!(told(&with.unwrap()), told(&without.unwrap()));
    assert_told(&call, IMAGES_SPAN, &images("3", "low", "1024x1024", "gpt-image-1"));
    let small = asks(json!({"prompt": "hello there", "model": "dall-e-2"}));
    let (answer, call) = world.traced_call(world.openai.images().generate(small)).await;
    assert_eq!(answer.unwrap().data.len(), 1);
    assert_told(&call, IMAGES_SPAN, &images("1", "", "", "dall-e-2"));
}

#[tokio::test]
async fn streams_of_images_are_counted() {
    let world = world().await;
    let image = |kind: &str| {
        json!({"type": kind, "b64_json": "", "created_at": 1, "size": "1024x1024", "quality": "low",
            "background": "opaque", "output_format": "png", "partial_image_index": 0,
            "usage": {"input_tokens": 7, "output_tokens": 100, "total_tokens": 107,
                "input_tokens_details": {"text_tokens": 7, "image_tokens": 0}}})
    };
    let events = ["image_generation.partial_image", "image_generation.completed"];
    let body = events.map(|kind| format!("event: {kind}\ndata: {}\n\n", image(kind))).concat();
    let fault = Fault::on("POST", "/v1/images/generations").status(200);
    world.sandbox.fail(fault.body(body, "text/event-stream"));
    let asks: CreateImageRequest =
        request(json!({"prompt": "hello there", "model": "gpt-image-1", "partial_images": 1}));
    let read = async { all(world.openai.images().generate_stream(asks).await.unwrap()).await };
    let ((events, error), call) = world.traced_call(read).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(events.len(), 2);
    // The answer tells what it was made of, where the request leaves it to the model.
    assert_told(&call, IMAGES_SPAN, &images("1", "low", "1024x1024", "gpt-image-1"));
}

/// The body of a form is not at hand.
#[tokio::test]
async fn a_form_is_a_span_too() {
    let world = world().await;
    let edits = Fault::on("POST", "/v1/images/edits");
    let answer = json!({"created": 1, "data": [{"url": "https://images.invalid/1.png"}]});
    world.sandbox.fail(edits.status(200).body_json(answer));
    let bytes = bytes::Bytes::from_static(b"a picture");
    let asks = CreateImageEditRequest {
        image: ImageInput::from_bytes("a.png".into(), bytes).into(),
        model: ImageModel::Other("gpt-image-1".into()),
        prompt: "hello there".into(),
        ..Default::default()
    };
    let (answer, call) = world.traced_call(world.openai.images().edit(asks)).await;
    assert_eq!(answer.unwrap().data.len(), 1);
    assert_eq!(call.name, "paid.trace.openai.images.edit");
    assert_eq!(int(&call, "gen_ai.image.count"), Some(1));
    let received = world.received();
    let sent = String::from_utf8_lossy(received[0].body());
    assert!(sent.contains("a picture") && sent.contains("gpt-image-1"), "{sent}");
}

#[tokio::test]
async fn what_is_no_call_of_a_model_is_no_span() {
    let world = world().await;
    let (result, calls) = world.traced(world.openai.models().list()).await;
    assert!(result.is_err(), "the sandbox has no models");
    assert_eq!((calls.len(), world.received().len()), (0, 1));
}

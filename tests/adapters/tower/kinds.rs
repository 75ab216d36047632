//! Calls of every provider: their spans, and the bytes that a bare client gets.

use paid_sandbox::Script;
use serde_json::json;

use super::{assert_told, post, read, unnumbered, world};
use crate::support::kinds::kinds;

#[tokio::test]
async fn calls_of_every_provider_are_counted_and_passed_on_as_they_are() {
    let world = world().await;
    for kind in kinds(&world.sandbox) {
        world.sandbox.provider_script(kind.script().pieces([1, 500, 3]).times(2));
        let (answer, call) = world.traced_call(read(world.http.clone(), post(&kind.url, &kind.body))).await;
        assert_told(&call, kind.span, &kind.attributes);
        let (bare, error) = world.bare(post(&kind.url, &kind.body)).await;
        assert!(error.is_none());
        assert_eq!(unnumbered(&answer.unwrap().into_body()), unnumbered(&bare), "{}", kind.url);
        let received = world.received();
        let [.., one, two] = &received[..] else { panic!("{received:?}") };
        assert_eq!(one.body(), two.body(), "{}", kind.url);
        assert_eq!(world.sandbox.pending_provider_scripts(), 0);
    }
}

#[tokio::test]
async fn pages_and_images_are_counted() {
    let world = world().await;
    world.sandbox.provider_script(Script::on("/v1/ocr").pages(3));
    let document = json!({"type": "document_url", "document_url": "https://example.com/a.pdf"});
    let body = json!({"model": "mistral-ocr-latest", "document": document});
    let url = format!("{}/ocr", world.sandbox.mistral_base());
    let (_, call) = world.traced_call(read(world.http.clone(), post(&url, &body))).await;
    assert_eq!(call.name, "paid.trace.mistral.ocr.process_async");
    assert_eq!(call.attribute("gen_ai.ocr.pages_processed").unwrap().as_i64(), Some(3));

    let body =
        json!({"model": "dall-e-3", "prompt": "hello there", "n": 2, "size": "1024x1024", "quality": "hd"});
    let url = format!("{}/images/generations", world.sandbox.openai_base());
    let (_, call) = world.traced_call(read(world.http.clone(), post(&url, &body))).await;
    assert_told(
        &call,
        "paid.trace.openai.images.generate",
        &[
            ("gen_ai.system", "openai"),
            ("gen_ai.operation.name", "image_generation"),
            ("gen_ai.request.model", "dall-e-3"),
            ("gen_ai.image.count", "2"),
            ("gen_ai.image.size", "1024x1024"),
            ("gen_ai.image.quality", "hd"),
        ],
    );
}

#[tokio::test]
async fn what_is_no_ai_call_passes_as_it_is() {
    let world = world().await;
    let url = format!("{}/files", world.sandbox.openai_base());
    let request = || post(&url, &json!({"stream": true}));
    let scope = world.client.paid_tracing("acme");
    let answer = scope.run_async(read(world.http.clone(), request())).await.unwrap();
    assert_eq!(answer.into_body(), world.bare(request()).await.0);
    assert!(world.calls().await.is_empty());
    let received = world.received();
    assert_eq!(received[0].body(), received[1].body());
}

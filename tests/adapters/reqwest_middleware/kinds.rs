//! Calls of every provider, and what they used.

use paid_sandbox::Script;
use serde_json::{Value, json};

use super::{text, world};
use crate::support::PROMPT;
use crate::support::kinds::kinds;
use crate::support::spans::{assert_failed, assert_ok, assert_told, attributes, int};

#[tokio::test]
async fn calls_of_every_provider_are_recorded_with_what_they_used() {
    let world = world().await;
    for kind in kinds(&world.sandbox) {
        world.sandbox.provider_script(kind.script());
        let (answer, span) = world.traced_call(text(world.post(&kind.url, &kind.body))).await;
        assert_eq!(world.sandbox.pending_provider_scripts(), 0, "{}: {answer}", kind.url);
        assert_told(&span, kind.span, &kind.attributes);
    }
}

#[tokio::test]
async fn pages_of_ocr_are_counted() {
    let world = world().await;
    world.sandbox.provider_script(Script::on("/v1/ocr").pages(3));
    let document = json!({"type": "document_url", "document_url": "https://example.com/a.pdf"});
    let body = json!({"model": "mistral-ocr-latest", "document": document});
    let url = format!("{}/ocr", world.sandbox.mistral_base());
    let (_, span) = world.traced_call(text(world.post(&url, &body))).await;
    assert_eq!(span.name, "paid.trace.mistral.ocr.process_async");
    assert_eq!(int(&span, "gen_ai.ocr.pages_processed"), Some(3));
}

#[tokio::test]
async fn an_interaction_that_fails_or_goes_on_is_not_counted_as_one_that_ended() {
    let world = world().await;
    let url = format!("{}interactions", world.sandbox.gemini_base());
    let ask = |body: &Value| text(world.post(&url, body));
    let body = json!({"agent": "deep-research-preview", "input": PROMPT, "background": true});
    let (answer, span) = world.traced_call(ask(&body)).await;
    assert!(answer.contains("in_progress"), "{answer}");
    assert_ok(&span);
    let told = attributes(&span);
    assert_eq!(span.text("gen_ai.agent.name"), Some("deep-research-preview"));
    assert!(told["paid.usage.missing"].contains("before the work was done"), "{told:?}");
    assert!(told.keys().all(|key| !key.starts_with("gen_ai.usage.")), "{told:?}");
    world.sandbox.provider_script(Script::on("/v1beta/interactions").error_after(3, 504));
    let body = json!({"model": "gemini-3-flash-preview", "input": PROMPT, "stream": true});
    let (answer, span) = world.traced_call(ask(&body)).await;
    assert!(answer.contains("event: error"), "{answer}");
    assert_failed(&span, "deadline_exceeded: the sandbox was told to fail with 504");
}

//! Calls of every provider: their spans, and the bytes that a bare client gets.

use paid_sandbox::Script;
use serde_json::{Value, json};

use super::{CHAT, CHAT_SPAN, MODEL, assert_told, post, read, unnumbered, world};

struct Row {
    path: &'static str,
    url: String,
    body: Value,
    span: &'static str,
    attributes: Vec<(&'static str, &'static str)>,
}

/// What every call of a provider tells, and two counts.
fn told(
    system: &'static str,
    operation: &'static str,
    model: (&'static str, &'static str),
) -> Vec<(&'static str, &'static str)> {
    vec![
        ("gen_ai.system", system),
        ("gen_ai.operation.name", operation),
        model,
        ("gen_ai.usage.input_tokens", "100"),
        ("gen_ai.usage.output_tokens", "20"),
    ]
}

#[tokio::test]
async fn calls_of_every_provider_are_counted_and_passed_on_as_they_are() {
    let world = world().await;
    let sandbox = &world.sandbox;
    let messages = json!([{"role": "user", "content": "hello there"}]);
    let contents = json!({"contents": [{"role": "user", "parts": [{"text": "hello there"}]}]});
    let converse = json!({"messages": [{"role": "user", "content": [{"text": "hello there"}]}]});
    let response_model = |model| ("gen_ai.response.model", model);
    let openai = |system, model| {
        let mut told = told(system, "chat", response_model(model));
        told.extend([
            ("gen_ai.usage.cached_input_tokens", "0"),
            ("gen_ai.usage.reasoning_output_tokens", "0"),
        ]);
        told
    };
    let mut rows = vec![Row {
        path: CHAT,
        url: format!("{}/chat/completions", sandbox.openai_base()),
        body: json!({"model": MODEL, "messages": messages}),
        span: CHAT_SPAN,
        attributes: openai("openai", MODEL),
    }];
    for stream in [false, true] {
        rows.push(Row {
            path: "/v1/responses",
            url: format!("{}/responses", sandbox.openai_base()),
            body: json!({"model": MODEL, "input": "hello there", "stream": stream}),
            span: "paid.trace.openai.responses.create",
            attributes: openai("openai", MODEL),
        });
        rows.push(Row {
            path: "/v1/messages",
            url: format!("{}/v1/messages", sandbox.anthropic_base()),
            body: json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": messages, "stream": stream}),
            span: "paid.trace.anthropic.messages.create",
            attributes: told("anthropic", "messages", response_model("claude-sonnet-4-5")),
        });
        rows.push(Row {
            path: CHAT,
            url: format!("{}/chat/completions", sandbox.mistral_base()),
            body: json!({"model": "mistral-small-latest", "messages": messages, "stream": stream}),
            span: "paid.trace.mistral.chat.complete",
            attributes: told("mistral", "chat", response_model("mistral-small-latest")),
        });
    }
    for (path, action) in [
        ("/v1beta/models/{model}:generateContent", "generateContent"),
        ("/v1beta/models/{model}:streamGenerateContent", "streamGenerateContent?alt=sse"),
        ("/v1beta/models/{model}:streamGenerateContent", "streamGenerateContent"),
    ] {
        rows.push(Row {
            path,
            url: format!("{}models/gemini-2.5-flash:{action}", sandbox.gemini_base()),
            body: contents.clone(),
            span: "paid.trace.gemini.models.generate_content",
            attributes: told("gemini", "generate_content", response_model("gemini-2.5-flash")),
        });
    }
    for (path, action, operation, span) in [
        ("/model/{id}/converse", "converse", "converse", "paid.trace.bedrock.converse"),
        (
            "/model/{id}/converse-stream",
            "converse-stream",
            "converse_stream",
            "paid.trace.bedrock.converse_stream",
        ),
    ] {
        let model = ("gen_ai.request.model", "amazon.nova-lite-v1:0");
        rows.push(Row {
            path,
            url: format!("{}/model/amazon.nova-lite-v1%3A0/{action}", sandbox.bedrock_base()),
            body: converse.clone(),
            span,
            attributes: told("bedrock", operation, model),
        });
    }
    for row in rows {
        let script = Script::on(row.path).input_tokens(100).output_tokens(20);
        sandbox.provider_script(script.pieces([1, 500, 3]).times(2));
        let (answer, call) = world.traced_call(read(world.http.clone(), post(&row.url, &row.body))).await;
        assert_told(&call, row.span, &row.attributes);
        let (bare, error) = world.bare(post(&row.url, &row.body)).await;
        assert!(error.is_none());
        assert_eq!(unnumbered(&answer.unwrap().into_body()), unnumbered(&bare), "{}", row.url);
        let received = world.received();
        let [.., one, two] = &received[..] else { panic!("{received:?}") };
        assert_eq!(one.body(), two.body(), "{}", row.url);
        assert_eq!(sandbox.pending_provider_scripts(), 0);
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

//! Whole messages.

use paid::ai::anthropic::{
    CacheControl, Content, ContentBlock, Message, MessageParam, MessageRequest, Metadata, StopReason,
    Thinking, Tool, ToolChoice,
};
use paid_sandbox::{Script, SpanKind};
use serde_json::json;

use super::{KEY, MODEL, PATH, SPAN, assert_told, count, hello, world, world_with};

#[tokio::test]
async fn a_message_is_a_span_with_what_it_used() {
    let world = world().await;
    let script =
        Script::on(PATH).input_tokens(7).output_tokens(8).cached_tokens(90).cache_creation_tokens(11);
    world.sandbox.provider_script(script.model("claude-x"));
    let scope = world.scope().metadata([("team", "blue")]);
    let message = scope.run_async(world.anthropic.messages().create(hello())).await.unwrap();
    assert_eq!(message.text(), "You said: hello there");
    assert_eq!(
        (message.model.as_str(), message.stop_reason.as_ref()),
        ("claude-x", Some(&StopReason::EndTurn))
    );
    let usage = &message.usage;
    assert_eq!((usage.input_tokens, usage.output_tokens), (Some(7), Some(8)));
    assert_eq!((usage.cache_read_input_tokens, usage.cache_creation_input_tokens), (Some(90), Some(11)));
    assert_eq!(usage.extra["service_tier"], "standard");
    assert_eq!(message.extra["type"], "message");
    assert!(message.request_id().unwrap().starts_with("req_"));

    let calls = world.calls().await;
    let [call] = calls.as_slice() else { panic!("{calls:#?}") };
    let expected = [
        ("gen_ai.operation.name", "messages"),
        ("gen_ai.response.model", "claude-x"),
        ("gen_ai.system", "anthropic"),
        ("gen_ai.usage.cache_creation_input_tokens", "11"),
        ("gen_ai.usage.cached_input_tokens", "90"),
        ("gen_ai.usage.input_tokens", "7"),
        ("gen_ai.usage.output_tokens", "8"),
        ("metadata.team", "blue"),
    ];
    assert_told(call, SPAN, &expected);
    assert_eq!(
        (call.text("external_customer_id"), call.text("external_agent_id")),
        (Some("acme"), Some("bot"))
    );
    assert_eq!(call.kind, SpanKind::Internal);
}

#[tokio::test]
async fn a_cache_that_was_not_used_is_not_told() {
    let world = world().await;
    let (message, call) = world.traced_call(world.anthropic.messages().create(hello())).await;
    assert_eq!(message.unwrap().usage.cache_read_input_tokens, Some(0));
    assert_eq!((count(&call, "input_tokens"), count(&call, "output_tokens")), (Some(3), Some(6)));
    assert_eq!(
        (count(&call, "cached_input_tokens"), count(&call, "cache_creation_input_tokens")),
        (None, None)
    );
}

#[tokio::test]
async fn the_provider_gets_what_was_asked() {
    let world = world_with(|builder| {
        builder.version("2023-01-01").beta("one").beta("two").header("x-gateway", "its key")
    })
    .await;
    let request = MessageRequest::new(MODEL, 2000)
        .system(ContentBlock::text("Be brief").cached(CacheControl::ephemeral()))
        .user(vec![
            ContentBlock::text("What is this?"),
            ContentBlock::image_base64("image/png", "aGk="),
            ContentBlock::image_url("https://example.com/i.png").cached(CacheControl::one_hour()),
            ContentBlock::Other(json!({"type": "document", "source": {"type": "file", "file_id": "f"}})),
        ])
        .assistant("A")
        .tool(Tool::new("weather", "Tells it", json!({"type": "object"})).cached(CacheControl::ephemeral()))
        .tool(Tool::builtin("web_search_20250305", "web_search").field("max_uses", 5))
        .tool_choice(ToolChoice::Other(json!({"type": "none", "new": 1})))
        .thinking(Thinking::Enabled { budget_tokens: 1024 })
        .temperature(1.0)
        .top_p(0.5)
        .top_k(3)
        .stop_sequence("END")
        .metadata(Metadata::user("u_1"))
        .field("service_tier", "auto")
        .field("max_tokens", 3000)
        .field("stream", true);
    world.anthropic.messages().create(&request).await.unwrap();
    let received = world.received();
    let [sent] = received.as_slice() else { panic!("{received:#?}") };
    assert_eq!(
        sent.json().unwrap(),
        json!({
            "model": MODEL, "max_tokens": 3000,
            "system": [{"type": "text", "text": "Be brief", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                    {"type": "image", "source": {"type": "url", "url": "https://example.com/i.png"},
                        "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                    {"type": "document", "source": {"type": "file", "file_id": "f"}},
                ]},
                {"role": "assistant", "content": "A"},
            ],
            "tools": [
                {"name": "weather", "description": "Tells it", "input_schema": {"type": "object"},
                    "cache_control": {"type": "ephemeral"}},
                {"type": "web_search_20250305", "name": "web_search", "max_uses": 5},
            ],
            "tool_choice": {"type": "none", "new": 1},
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "temperature": 1.0, "top_p": 0.5, "top_k": 3, "stop_sequences": ["END"],
            "metadata": {"user_id": "u_1"}, "service_tier": "auto",
        })
    );
    assert!(sent.provider_key_is(KEY));
    assert_eq!(sent.header("anthropic-version"), Some("2023-01-01"));
    assert_eq!(sent.header("anthropic-beta"), Some("one,two"));
    assert_eq!(sent.header("x-gateway"), Some("its key"));
    assert_eq!(sent.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn tools_are_called_and_answered() {
    let world = world().await;
    let schema = json!({"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}});
    let request = MessageRequest::new(MODEL, 1000)
        .tool(Tool::new("weather", "Tells the weather", schema))
        .tool_choice(ToolChoice::Tool { name: "weather".into() })
        .thinking(Thinking::Adaptive)
        .user("How is the weather?");
    let ((first, second), calls) = world
        .traced(async {
            let first = world.anthropic.messages().create(&request).await.unwrap();
            assert_eq!(first.stop_reason, Some(StopReason::ToolUse));
            assert!(first.tool_uses().all(|call| call.input["city"].is_string()));
            let results: Vec<_> =
                first.tool_uses().map(|call| ContentBlock::tool_result(&*call.id, "It rains")).collect();
            assert_eq!(results.len(), 1);
            let request = request.clone().message(&first).message(results);
            let second = world.anthropic.messages().create(&request).await.unwrap();
            (first, second)
        })
        .await;
    assert_eq!(second.text(), "The tool said: It rains");
    assert_eq!(calls.len(), 2);
    // What the model said goes back as it came, signature included.
    let sent = world.received()[1].json().unwrap();
    assert_eq!(sent["messages"][1], json!({"role": "assistant", "content": &first.content}));
    assert_eq!(sent["messages"][1]["content"][0]["type"], "thinking");
    assert_eq!(sent["messages"][2]["content"][0]["tool_use_id"], first.tool_uses().next().unwrap().id);
}

#[test]
fn answers_of_tomorrow_are_kept_as_they_came() {
    let answer = json!({
        "id": "m", "type": "message", "role": "assistant", "model": "claude-9", "container": {"id": "c"},
        "content": [
            {"type": "hologram", "depth": 3},
            {"type": "text", "text": "t", "citations": [{"type": "x"}], "glow": true},
            {"type": "text", "text": 5},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "tool_use", "id": "t", "name": "n", "input": {"b": 1, "a": [1.5, u64::MAX]}, "caller": {"k": "d"}},
        ],
        "stop_reason": "exhaustion", "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": null, "cache_creation_input_tokens": null,
            "cache_read_input_tokens": 2, "server_tool_use": {"web_search_requests": 1}},
    });
    let message: Message = serde_json::from_value(answer.clone()).unwrap();
    assert_eq!(message.stop_reason, Some(StopReason::Other("exhaustion".into())));
    let kinds: Vec<_> = message.content.iter().map(ContentBlock::kind).collect();
    assert_eq!(kinds, ["hologram", "text", "text", "redacted_thinking", "tool_use"]);
    assert_eq!(serde_json::to_value(&message).unwrap(), answer);
    let Content::Blocks(sent) = MessageParam::from(message).content else { panic!("no blocks") };
    assert_eq!(serde_json::to_value(sent).unwrap(), answer["content"]);

    let message: Message = serde_json::from_str(r#"{"id": null, "content": null, "usage": null}"#).unwrap();
    assert_eq!((message.text().as_str(), message.usage.input_tokens), ("", None));
}

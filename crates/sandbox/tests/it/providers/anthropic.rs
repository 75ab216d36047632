//! Anthropic.

use serde_json::{Value, json};

use super::{assert_order, lab, parsed, sse};

fn ask(extra: Value) -> Value {
    let mut body = json!({"model": "claude-sonnet-4-5", "max_tokens": 100, "system": "Be brief",
        "messages": [{"role": "user", "content": "hello there"}]});
    body.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
    body
}

fn tools() -> Value {
    json!([{"name": "weather", "input_schema": {"type": "object", "required": ["city"],
        "properties": {"city": {"type": "string"}}}}])
}

#[tokio::test]
async fn a_message_is_answered_with_counts_of_its_text() {
    let lab = lab().await;
    let text = lab.text(lab.sandbox.anthropic_base(), "/v1/messages", &ask(json!({}))).await;
    assert_order(&text, &["\"id\"", "\"role\"", "\"model\"", "\"content\"", "\"stop_reason\"", "\"usage\""]);
    let answer = parsed(&text);
    assert_eq!(answer["content"], json!([{"type": "text", "text": "You said: hello there"}]));
    assert_eq!(answer["stop_reason"], "end_turn");
    let usage = &answer["usage"];
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(5), &json!(6)));
    assert_eq!(
        (&usage["cache_creation_input_tokens"], &usage["cache_read_input_tokens"]),
        (&json!(0), &json!(0))
    );
}

#[tokio::test]
async fn marked_blocks_are_written_to_the_cache() {
    let lab = lab().await;
    let system = json!([{"type": "text", "text": "Be brief", "cache_control": {"type": "ephemeral"}}]);
    let (_, answer) =
        lab.json(lab.sandbox.anthropic_base(), "/v1/messages", &ask(json!({"system": system}))).await;
    let usage = &answer["usage"];
    assert_eq!((&usage["input_tokens"], &usage["cache_creation_input_tokens"]), (&json!(3), &json!(2)));
}

#[tokio::test]
async fn a_stream_has_every_kind_of_block() {
    let lab = lab().await;
    let body = ask(
        json!({"stream": true, "thinking": {"type": "enabled", "budget_tokens": 1024}, "tools": tools()}),
    );
    let events = sse(&lab.text(lab.sandbox.anthropic_base(), "/v1/messages", &body).await);
    let mut names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    assert_eq!(
        names,
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let events: Vec<Value> = events.iter().map(|(_, data)| parsed(data)).collect();
    let joined = |field: &str| -> String {
        events.iter().filter_map(|event| event["delta"][field].as_str()).collect()
    };
    assert_eq!(joined("thinking"), "The question has 11 characters.");
    assert_eq!(joined("partial_json"), r#"{"city":"hello there"}"#);
    assert_eq!(events[0]["message"]["usage"]["output_tokens"], 1);
    let last = &events[events.len() - 2];
    assert_eq!(last["delta"]["stop_reason"], "tool_use");
    // Eight of thinking, and eight of `weather{"city":"hello there"}`.
    assert_eq!(last["usage"]["output_tokens"], 16);
}

#[tokio::test]
async fn a_tool_result_is_answered_with_text() {
    let lab = lab().await;
    let result = json!([{"type": "tool_result", "tool_use_id": "t", "content": "sunny"}]);
    let messages = json!([{"role": "user", "content": result}]);
    let body = ask(json!({"tools": tools(), "messages": messages}));
    let (_, answer) = lab.json(lab.sandbox.anthropic_base(), "/v1/messages", &body).await;
    assert_eq!(answer["content"][0]["text"], "The tool said: sunny");
}

#[tokio::test]
async fn wrong_requests_are_refused_as_anthropic_refuses_them() {
    let lab = lab().await;
    let body = json!({"model": "m", "messages": []});
    let (status, answer) = lab.json(lab.sandbox.anthropic_base(), "/v1/messages", &body).await;
    let error = json!({"type": "invalid_request_error", "message": "max_tokens: Field required"});
    assert_eq!((status, &answer["type"], &answer["error"]), (400, &json!("error"), &error));

    let url = format!("{}/v1/messages", lab.sandbox.anthropic_base());
    let response = lab.http.post(url).header("x-api-key", "k").json(&body).send().await.expect("an answer");
    assert!(response.text().await.expect("a body").contains("anthropic-version: header is required"));
}

//! Bedrock.

use paid_sandbox::Script;
use serde_json::{Value, json};

use super::eventstream::{Message, messages};
use super::{Lab, lab};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0";

fn ask() -> Value {
    json!({"system": [{"text": "Be brief"}], "messages": [{"role": "user", "content": [{"text": "hello there"}]}]})
}

fn claude() -> Value {
    json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10,
        "messages": [{"role": "user", "content": "hello there"}]})
}

fn path(model: &str, call: &str) -> String {
    format!("/model/{model}/{call}")
}

async fn stream(lab: &Lab, path: &str, body: &Value) -> Vec<Message> {
    let response = lab.send(lab.sandbox.bedrock_base(), path, body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/vnd.amazon.eventstream");
    messages(&response.bytes().await.expect("a whole body"))
}

/// What the chunks of a streamed invocation hold.
fn inner(messages: &[Message]) -> Vec<Value> {
    let decode = |message: &Message| {
        assert_eq!(message.name, "chunk");
        serde_json::from_slice(&unbase64(message.payload["bytes"].as_str().expect("bytes"))).expect("JSON")
    };
    messages.iter().map(decode).collect()
}

fn unbase64(text: &str) -> Vec<u8> {
    let digit = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => 0,
    };
    let padding = text.bytes().filter(|letter| *letter == b'=').count();
    let groups = text.as_bytes().chunks(4).flat_map(|group| {
        let bits = group.iter().fold(0_u32, |bits, letter| bits << 6 | u32::from(digit(*letter)));
        bits.to_be_bytes()[1..].to_vec()
    });
    let mut bytes: Vec<u8> = groups.collect();
    bytes.truncate(bytes.len() - padding);
    bytes
}

#[tokio::test]
async fn converse_answers_with_counts_of_the_text() {
    let lab = lab().await;
    let (_, answer) = lab.json(lab.sandbox.bedrock_base(), &path(CLAUDE, "converse"), &ask()).await;
    assert_eq!(answer["output"]["message"]["content"][0]["text"], "You said: hello there");
    assert_eq!(answer["usage"], json!({"inputTokens": 5, "outputTokens": 6, "totalTokens": 11}));
    assert_eq!(answer["stopReason"], "end_turn");

    let script = Script::on("/model/{id}/converse").cached_tokens(7).cache_creation_tokens(8);
    lab.sandbox.provider_script(script);
    let (_, answer) = lab.json(lab.sandbox.bedrock_base(), &path(CLAUDE, "converse"), &ask()).await;
    let usage = &answer["usage"];
    assert_eq!((&usage["cacheReadInputTokens"], &usage["cacheWriteInputTokens"]), (&json!(7), &json!(8)));
    assert_eq!(usage["totalTokens"], 26);
}

#[tokio::test]
async fn converse_streams_messages_with_right_checksums() {
    let lab = lab().await;
    let mut body = ask();
    body["toolConfig"] = json!({"tools": [{"toolSpec": {"name": "now", "inputSchema": {"json": {}}}}]});
    lab.sandbox.provider_script(Script::on("*").text("One moment").tool_call("now", json!({"zone": "CET"})));
    let events = stream(&lab, &path(CLAUDE, "converse-stream"), &body).await;
    let mut names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    names.dedup();
    assert_eq!(
        names,
        [
            "messageStart",
            "contentBlockDelta",
            "contentBlockStop",
            "contentBlockStart",
            "contentBlockDelta",
            "contentBlockStop",
            "messageStop",
            "metadata",
        ]
    );
    let deltas = || events.iter().map(|event| &event.payload["delta"]);
    let text: String = deltas().filter_map(|delta| delta["text"].as_str()).collect();
    let input: String = deltas().filter_map(|delta| delta["toolUse"]["input"].as_str()).collect();
    assert_eq!((text.as_str(), input.as_str()), ("One moment", r#"{"zone":"CET"}"#));
    assert_eq!(events.last().expect("an event").payload["usage"]["inputTokens"], 5);
}

#[tokio::test]
async fn converse_calls_tools_and_hears_their_results() {
    let lab = lab().await;
    let mut body = ask();
    body["toolConfig"] = json!({"tools": [{"toolSpec": {"name": "now", "inputSchema": {"json": {}}}}]});
    let (_, answer) = lab.json(lab.sandbox.bedrock_base(), &path(CLAUDE, "converse"), &body).await;
    assert_eq!(answer["output"]["message"]["content"][0]["toolUse"]["name"], "now");
    assert_eq!(answer["stopReason"], "tool_use");
    let result = json!({"toolResult": {"toolUseId": "t", "content": [{"json": {"hour": 12}}]}});
    body["messages"] = json!([{"role": "user", "content": [result]}]);
    let (_, answer) = lab.json(lab.sandbox.bedrock_base(), &path(CLAUDE, "converse"), &body).await;
    assert_eq!(answer["output"]["message"]["content"][0]["text"], "The tool said: {\"hour\":12}");
}

#[tokio::test]
async fn invoke_speaks_each_makers_language() {
    let lab = lab().await;
    let titan = json!({"inputText": "hello there"});
    let llama = json!({"prompt": "hello there"});
    for (model, body, expected) in [
        (CLAUDE, claude(), json!({"input_tokens": 3, "output_tokens": 6})),
        ("amazon.titan-text-express-v1", titan.clone(), json!({"inputTextTokenCount": 3})),
        (
            "meta.llama3-8b-instruct-v1%3A0",
            llama,
            json!({"prompt_token_count": 3, "generation_token_count": 6}),
        ),
        ("amazon.titan-embed-text-v2%3A0", titan, json!({"inputTextTokenCount": 3})),
    ] {
        let response = lab.send(lab.sandbox.bedrock_base(), &path(model, "invoke"), &body).await;
        assert_eq!(response.headers()["x-amzn-bedrock-input-token-count"], "3");
        let output = response.headers().get("x-amzn-bedrock-output-token-count").cloned();
        assert_eq!(output.is_some_and(|count| count == "6"), !model.contains("embed"));
        let answer: Value = response.json().await.expect("JSON");
        let counts = answer.get("usage").unwrap_or(&answer);
        for (name, count) in expected.as_object().expect("an object") {
            assert_eq!(&counts[name], count, "{model} {name}");
        }
    }
}

#[tokio::test]
async fn invocations_stream_each_makers_chunks() {
    let lab = lab().await;
    let call = "invoke-with-response-stream";
    let chunks = inner(&stream(&lab, &path(CLAUDE, call), &claude()).await);
    assert_eq!(chunks[0]["message"]["model"], "claude-sonnet-4-5-20250929");
    let last = chunks.last().expect("a chunk");
    assert_eq!(last["type"], "message_stop");
    assert_eq!(last["amazon-bedrock-invocationMetrics"]["outputTokenCount"], 6);

    let body = json!({"inputText": "hello there"});
    let chunks = inner(&stream(&lab, &path("amazon.titan-text-express-v1", call), &body).await);
    assert_eq!(chunks[0]["inputTextTokenCount"], 3);
    assert_eq!(chunks.last().expect("a chunk")["totalOutputTextTokenCount"], 6);

    let body = json!({"prompt": "hello there"});
    let chunks = inner(&stream(&lab, &path("meta.llama3-8b-instruct-v1%3A0", call), &body).await);
    let text: String = chunks.iter().filter_map(|chunk| chunk["generation"].as_str()).collect();
    assert_eq!(text, "You said: hello there");
    assert_eq!(chunks.last().expect("a chunk")["stop_reason"], "stop");
}

#[tokio::test]
async fn errors_are_named_in_a_header_or_an_exception() {
    let lab = lab().await;
    for (model, call) in [(CLAUDE, "converse"), (CLAUDE, "converse-stream"), ("unknown.model", "invoke")] {
        let response = lab.send(lab.sandbox.bedrock_base(), &path(model, call), &json!({})).await;
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["x-amzn-errortype"], "ValidationException");
        assert!(response.json::<Value>().await.expect("JSON")["message"].is_string());
    }
    for call in ["converse-stream", "invoke-with-response-stream"] {
        lab.sandbox.provider_script(Script::on("*").error_after(2, 429));
        let body = if call == "converse-stream" { ask() } else { claude() };
        let events = stream(&lab, &path(CLAUDE, call), &body).await;
        assert_eq!((events.len(), events[2].name.as_str()), (3, "throttlingException"));
    }
}

#[tokio::test]
async fn malformed_chunks_have_right_checksums() {
    let lab = lab().await;
    lab.sandbox.provider_script(Script::on("*").malformed_at(1));
    let events = stream(&lab, &path(CLAUDE, "invoke-with-response-stream"), &claude()).await;
    let broken = unbase64(events[1].payload["bytes"].as_str().expect("bytes"));
    serde_json::from_slice::<Value>(&broken).expect_err("half a JSON text");
    serde_json::from_slice::<Value>(&unbase64(events[2].payload["bytes"].as_str().expect("bytes")))
        .expect("JSON");
}

//! Answers in the shapes that the providers give them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Answer;

pub const SSE: &str = "text/event-stream; charset=utf-8";
pub const JSON: &str = "application/json";
pub const AWS: &str = "application/vnd.amazon.eventstream";

const CHAT_URL: &str = "https://api.openai.com/v1/chat/completions";
const CHAT_REQUEST: &str = r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

pub fn chat_stream() -> Answer {
    let chunk = |rest: &str| {
        format!(
            r#"data: {{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06",{rest}}}"#
        ) + "\n\n"
    };
    let body = [
        chunk(
            r#""choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null"#,
        ),
        chunk(
            r#""choices":[{"index":0,"delta":{"content":"\"usage\":{\"prompt_tokens\":9}"},"finish_reason":null}],"usage":null"#,
        ),
        chunk(r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null"#),
        USAGE_CHUNK.to_string(),
        "data: [DONE]\n\n".to_string(),
    ];
    Answer::new(CHAT_URL, CHAT_REQUEST, SSE, body.concat())
}

pub const USAGE_CHUNK: &str = concat!(
    r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","choices":[],"#,
    r#""usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"#,
    r#""prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"#,
    r#""completion_tokens_details":{"reasoning_tokens":4,"audio_tokens":0}}}"#,
    "\n\n"
);

pub fn chat_tools_stream() -> Answer {
    let tools = r#""choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function",
        "function":{"name":"weather","arguments":"{\"model\":\"no\"}"}}]},"finish_reason":null}]"#
        .replace('\n', "");
    let body = format!(
        "data: {{\"model\":\"gpt-4o-mini\",{tools}}}\r\n\r\n: ping\r\n\r\n\
         data: {{\"model\":\"gpt-4o-mini\",\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"tool_calls\"}}]}}\r\n\r\n\
         data: {{\"model\":\"gpt-4o-mini\",\"choices\":[],\"usage\":{{\"prompt_tokens\":5,\"completion_tokens\":6}}}}\r\n\r\n\
         data: [DONE]\r\n\r\n"
    );
    Answer::new(CHAT_URL, CHAT_REQUEST, SSE, body)
}

pub fn responses_stream() -> Answer {
    let body = concat!(
        "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":",
        r#"{"id":"resp_1","object":"response","status":"in_progress","error":null,"model":"gpt-4o","usage":null}}"#,
        "\n\nevent: response.output_text.delta\n",
        r#"data: {"type":"response.output_text.delta","sequence_number":1,"item_id":"msg_1","delta":"Hi"}"#,
        "\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":2,\"response\":",
        r#"{"id":"resp_1","object":"response","status":"completed","error":null,"incomplete_details":null,"#,
        r#""model":"gpt-4o-2024-08-06","output":[{"type":"message","content":[{"type":"output_text","text":"Hi"}]}],"#,
        r#""usage":{"input_tokens":37,"input_tokens_details":{"cached_tokens":0},"output_tokens":11,"#,
        r#""output_tokens_details":{"reasoning_tokens":0},"total_tokens":48},"metadata":{}}}"#,
        "\n\n"
    );
    Answer::new("https://api.openai.com/v1/responses", r#"{"model":"gpt-4o","stream":true}"#, SSE, body)
}

pub fn anthropic_stream() -> Answer {
    let body = concat!(
        "event: message_start\n",
        r#"data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","#,
        r#""model":"claude-sonnet-4-5-20250929","content":[],"stop_reason":null,"stop_sequence":null,"#,
        r#""usage":{"input_tokens":25,"cache_creation_input_tokens":100,"cache_read_input_tokens":7,"#,
        r#""cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":0},"output_tokens":1}}}"#,
        "\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\nevent: content_block_start\n",
        r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
        "\n\nevent: content_block_delta\n",
        r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"So: {"}}"#,
        "\n\nevent: content_block_delta\n",
        r#"data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"usage\":"}}"#,
        "\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\nevent: message_delta\n",
        r#"data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"#,
        r#""usage":{"input_tokens":25,"cache_creation_input_tokens":100,"cache_read_input_tokens":7,"output_tokens":89}}"#,
        "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
    );
    let request = r#"{"model":"claude-sonnet-4-5","stream":true,"max_tokens":100}"#;
    Answer::new("https://api.anthropic.com/v1/messages", request, SSE, body)
}

const GEMINI_PARTS: [&str; 3] = [
    r#"{"candidates": [{"content": {"parts": [{"text": "He"}],"role": "model"},"index": 0}],
    "usageMetadata": {"promptTokenCount": 8,"totalTokenCount": 8},"modelVersion": "gemini-2.5-flash"}"#,
    r#"{"candidates": [{"content": {"parts": [{"text": "]}, {"}],"role": "model"},"index": 0}],
    "usageMetadata": {"promptTokenCount": 8,"candidatesTokenCount": 2,"totalTokenCount": 10},"modelVersion": "gemini-2.5-flash"}"#,
    r#"{"candidates": [{"content": {"parts": [{"text": "."}],"role": "model"},"finishReason": "STOP","index": 0}],
    "usageMetadata": {"promptTokenCount": 8,"candidatesTokenCount": 5,"totalTokenCount": 33,"cachedContentTokenCount": 0,
    "thoughtsTokenCount": 20},"modelVersion": "gemini-2.5-flash","responseId": "r"}"#,
];

pub fn gemini_stream() -> Answer {
    let url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key=k";
    let body = GEMINI_PARTS.map(|part| format!("data: {}\r\n\r\n", part.replace('\n', ""))).concat();
    Answer::new(url, "{}", "text/event-stream", body)
}

pub fn gemini_list() -> Answer {
    let url = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash:streamGenerateContent";
    Answer::new(
        url,
        "{}",
        "application/json; charset=UTF-8",
        format!("[{}\n]\n", GEMINI_PARTS.join("\n,\r\n")),
    )
}

pub const INTERACTIONS_URL: &str = "https://generativelanguage.googleapis.com/v1beta/interactions";
pub const INTERACTIONS_REQUEST: &str = r#"{"model":"gemini-3-flash-preview","input":"hi","stream":true}"#;

pub fn interactions_stream() -> Answer {
    let body = concat!(
        "event: interaction.created\n",
        r#"data: {"interaction":{"id":"v1_a","status":"in_progress","object":"interaction","model":"gemini-3-flash-preview"},"event_type":"interaction.created"}"#,
        "\n\nevent: interaction.status_update\n",
        r#"data: {"interaction_id":"v1_a","status":"in_progress","event_type":"interaction.status_update"}"#,
        "\n\nevent: step.start\n",
        r#"data: {"index":0,"step":{"type":"thought"},"event_type":"step.start"}"#,
        "\n\nevent: step.delta\n",
        r#"data: {"index":0,"delta":{"signature":"EpoG","type":"thought_signature"},"event_type":"step.delta","metadata":{"total_usage":{"total_input_tokens":7,"total_output_tokens":1}}}"#,
        "\n\nevent: step.delta\n",
        r#"data: {"index":1,"delta":{"type":"text","text":"\"usage\":{\"total_input_tokens\":9}"},"event_type":"step.delta"}"#,
        "\n\nevent: step.stop\n",
        r#"data: {"index":1,"event_type":"step.stop","step_usage":{"total_output_tokens":3},"usage":{"total_output_tokens":3}}"#,
        "\n\nevent: interaction.completed\n",
        r#"data: {"interaction":{"id":"v1_a","status":"completed","usage":{"total_tokens":530,"total_input_tokens":62,"#,
        r#""input_tokens_by_modality":[{"modality":"text","tokens":62}],"total_cached_tokens":0,"total_output_tokens":171,"#,
        r#""total_tool_use_tokens":0,"total_thought_tokens":297}},"event_type":"interaction.completed"}"#,
        "\n\nevent: done\ndata: [DONE]\n\n"
    );
    Answer::new(INTERACTIONS_URL, INTERACTIONS_REQUEST, "text/event-stream", body)
}

pub fn converse_stream() -> Answer {
    let event = |name: &str, payload: &str| {
        aws_message(
            &[(":event-type", name), (":content-type", JSON), (":message-type", "event")],
            payload.as_bytes(),
        )
    };
    let body = [
        event("messageStart", r#"{"p":"abc","role":"assistant"}"#),
        event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hi"},"p":"ab"}"#),
        event("contentBlockDelta", &format!(r#"{{"delta":{{"text":"{}"}}}}"#, "x".repeat(70_000))),
        event("messageStop", r#"{"p":"abcd","stopReason":"end_turn"}"#),
        event(
            "metadata",
            r#"{"metrics":{"latencyMs":431},"p":"a","usage":{"inputTokens":12,"outputTokens":34,"totalTokens":46,
            "cacheReadInputTokens":5,"cacheWriteInputTokens":0}}"#,
        ),
    ];
    let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse-stream";
    Answer::new(url, "{}", AWS, body.concat())
}

/// An event of InvokeModelWithResponseStream.
fn chunk(inner: &str) -> Vec<u8> {
    let payload = format!(r#"{{"bytes":"{}","p":"abcdefgh"}}"#, STANDARD.encode(inner));
    aws_message(
        &[(":event-type", "chunk"), (":content-type", JSON), (":message-type", "event")],
        payload.as_bytes(),
    )
}

pub fn invoke(chunks: &[&str]) -> Answer {
    let url = "https://bedrock-runtime.eu-west-1.amazonaws.com/model/any.model/invoke-with-response-stream";
    Answer::new(url, "{}", AWS, chunks.iter().flat_map(|inner| chunk(inner)).collect::<Vec<_>>())
}

pub fn invoke_anthropic_stream() -> Answer {
    invoke(&[
        r#"{"type":"message_start","message":{"model":"claude-3-haiku-20240307","usage":{"input_tokens":10,"cache_read_input_tokens":3,"output_tokens":1}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":12}}"#,
        r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":10,"outputTokenCount":12,"invocationLatency":500,"firstByteLatency":300}}"#,
    ])
}

/// All streams, and what is told of each.
pub fn streams() -> Vec<(Answer, Vec<&'static str>)> {
    vec![
        (
            chat_stream(),
            vec![
                "input_tokens=19",
                "output_tokens=10",
                "cached_input_tokens=0",
                "reasoning_output_tokens=4",
                "response.model=gpt-4o-2024-08-06",
            ],
        ),
        (chat_tools_stream(), vec!["input_tokens=5", "output_tokens=6", "response.model=gpt-4o-mini"]),
        (
            responses_stream(),
            vec![
                "input_tokens=37",
                "output_tokens=11",
                "cached_input_tokens=0",
                "reasoning_output_tokens=0",
                "response.model=gpt-4o-2024-08-06",
            ],
        ),
        (
            anthropic_stream(),
            vec![
                "input_tokens=25",
                "output_tokens=89",
                "cache_creation_input_tokens=100",
                "cached_input_tokens=7",
                "response.model=claude-sonnet-4-5-20250929",
            ],
        ),
        (gemini_stream(), GEMINI_TOLD.to_vec()),
        (gemini_list(), GEMINI_TOLD.to_vec()),
        (
            interactions_stream(),
            vec![
                "input_tokens=62",
                "output_tokens=171",
                "cached_input_tokens=0",
                "reasoning_output_tokens=297",
                "response.model=gemini-3-flash-preview",
            ],
        ),
        (converse_stream(), vec!["input_tokens=12", "output_tokens=34", "cached_input_tokens=5"]),
        (invoke_anthropic_stream(), vec!["input_tokens=10", "output_tokens=12", "cached_input_tokens=3"]),
    ]
}

const GEMINI_TOLD: [&str; 5] = [
    "input_tokens=8",
    "output_tokens=5",
    "cached_input_tokens=0",
    "reasoning_output_tokens=20",
    "response.model=gemini-2.5-flash",
];

/// A message of an AWS event stream.
pub fn aws_message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for (name, value) in headers {
        encoded.push(u8::try_from(name.len()).unwrap());
        encoded.extend_from_slice(name.as_bytes());
        encoded.push(7);
        encoded.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        encoded.extend_from_slice(value.as_bytes());
    }
    let length = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
    let mut message = [length(16 + encoded.len() + payload.len()), length(encoded.len())].concat();
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message.extend_from_slice(&encoded);
    message.extend_from_slice(payload);
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message
}

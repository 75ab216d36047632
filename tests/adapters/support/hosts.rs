//! Paths that calls of models have, and paths that look like them.

use serde_json::{Value, json};

/// Requests to a gateway that nobody named: what is a call by its path, or by its path and body.
pub fn calls() -> Vec<(&'static str, Value)> {
    let model = || json!({"model": "m", "input": "x"});
    vec![
        ("/openai/v1/chat/completions", model()),
        ("/v1/chat/completions?key=AIzaSecretSecret", model()),
        ("/openai/deployments/d/embeddings", json!({"input": "x"})),
        ("/v1/responses", model()),
        ("/v1/embeddings", model()),
        ("/v1/audio/speech", model()),
        ("/anthropic/v1/messages", model()),
        ("/v1beta/models/gemini-2.5-flash:generateContent", json!({})),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", json!({})),
        ("/bedrock/model/amazon.nova-lite-v1%3A0/converse", json!({})),
        ("/model/amazon.nova-lite-v1%3A0/invoke-with-response-stream", json!({})),
        ("/v1/ocr", model()),
    ]
}

/// What is no call of a model, though a part of it could be.
pub fn others() -> Vec<(&'static str, Value)> {
    vec![
        ("/messages", json!({"model": "a car"})),
        ("/v1/messages", json!({"text": "hello"})),
        ("/v1/responses", json!({"answer": 7})),
        ("/survey/responses", json!({"model": "a car"})),
        ("/model/7/invoker", json!({"model": "m"})),
        ("/v1/models/x:predict", json!({"model": "m"})),
        ("/v1/chat/completions/x", json!({"model": "m"})),
    ]
}

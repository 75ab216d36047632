//! Mistral.

use paid_sandbox::Script;
use serde_json::{Value, json};

use super::{chunks, lab};

fn ask(stream: bool) -> Value {
    json!({"model": "mistral-small", "stream": stream, "messages": [{"role": "user", "content": "hello there"}]})
}

#[tokio::test]
async fn a_chat_is_answered_whole_and_streamed_with_usage_last() {
    let lab = lab().await;
    let usage = json!({"prompt_tokens": 3, "total_tokens": 9, "completion_tokens": 6});
    let (_, answer) = lab.json(lab.sandbox.mistral_base(), "/chat/completions", &ask(false)).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "You said: hello there");
    assert_eq!(answer["usage"], usage);

    let stream = lab.text(lab.sandbox.mistral_base(), "/chat/completions", &ask(true)).await;
    let mut chunks = chunks(&stream, true);
    let last = chunks.pop().expect("a chunk");
    assert_eq!((&last["usage"], &last["choices"][0]["finish_reason"]), (&usage, &json!("stop")));
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
}

#[tokio::test]
async fn tools_are_called() {
    let lab = lab().await;
    for stream in [false, true] {
        let mut body = ask(stream);
        body["tools"] = json!([{"type": "function", "function": {"name": "now", "parameters": {}}}]);
        let text = lab.text(lab.sandbox.mistral_base(), "/chat/completions", &body).await;
        assert!(text.contains(r#""function":{"name":"now","arguments":"{}"}"#), "{text}");
    }
}

#[tokio::test]
async fn embeddings_and_documents_are_counted() {
    let lab = lab().await;
    let body = json!({"model": "mistral-embed", "input": ["eight ch", "four"]});
    let (_, answer) = lab.json(lab.sandbox.mistral_base(), "/embeddings", &body).await;
    assert_eq!(answer["usage"]["prompt_tokens"], 3);
    assert_eq!(answer["data"].as_array().expect("embeddings").len(), 2);

    let mut body =
        json!({"model": "mistral-ocr-latest", "document": {"type": "document_url", "document_url": "u"}});
    let (_, answer) = lab.json(lab.sandbox.mistral_base(), "/ocr", &body).await;
    assert_eq!(answer["usage_info"]["pages_processed"], 1);
    body["pages"] = json!([2, 5]);
    body["document_annotation_format"] = json!({"type": "json_schema"});
    let (_, answer) = lab.json(lab.sandbox.mistral_base(), "/ocr", &body).await;
    assert_eq!(answer["usage_info"]["pages_processed"], 2);
    assert_eq!(
        (&answer["pages"][1]["index"], &answer["pages"][1]["markdown"]),
        (&json!(5), &json!("# Page 6"))
    );
    assert_eq!(answer["document_annotation"], "{}");
    lab.sandbox.provider_script(Script::on("/v1/ocr").pages(30));
    let (_, answer) = lab.json(lab.sandbox.mistral_base(), "/ocr", &body).await;
    assert_eq!(answer["usage_info"]["pages_processed"], 30);
}

#[tokio::test]
async fn wrong_requests_are_refused_as_mistral_refuses_them() {
    let lab = lab().await;
    for (path, missing) in [("/chat/completions", "model"), ("/embeddings", "model"), ("/ocr", "model")] {
        let (status, answer) = lab.json(lab.sandbox.mistral_base(), path, &json!({})).await;
        assert_eq!((status, &answer["object"]), (422, &json!("error")));
        assert_eq!(answer["message"]["detail"][0]["loc"], json!(["body", missing]));
    }
}

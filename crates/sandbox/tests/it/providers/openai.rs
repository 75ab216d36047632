//! OpenAI and Azure.

use serde_json::{Value, json};

use super::{assert_order, chunks, lab, parsed, sse};

fn ask(text: &str) -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": text}]})
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

fn weather() -> Value {
    json!([{"type": "function", "function": {"name": "weather", "parameters": {
        "type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}}}])
}

#[tokio::test]
async fn a_chat_is_answered_with_counts_of_its_text() {
    let lab = lab().await;
    let text = lab.text(lab.sandbox.openai_base(), "/chat/completions", &ask("hello there")).await;
    assert_order(&text, &["\"id\"", "\"object\"", "\"created\"", "\"model\"", "\"choices\"", "\"usage\""]);
    let answer = parsed(&text);
    let choice = &answer["choices"][0];
    assert_eq!(choice["message"]["content"], "You said: hello there");
    assert_eq!(choice["finish_reason"], "stop");
    // "Be brief" and "hello there" have 19 characters, the answer 21.
    let usage = &answer["usage"];
    assert_eq!([&usage["prompt_tokens"], &usage["completion_tokens"], &usage["total_tokens"]], [5, 6, 11]);
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 0);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 0);

    let thinking = with(ask("hello there"), "reasoning_effort", json!("low"));
    let (_, answer) = lab.json(lab.sandbox.openai_base(), "/chat/completions", &thinking).await;
    // "The question has 11 characters."
    assert_eq!(answer["usage"]["completion_tokens_details"]["reasoning_tokens"], 8);
    assert_eq!(answer["usage"]["completion_tokens"], 14);
}

#[tokio::test]
async fn a_chat_stream_has_usage_only_on_request() {
    let lab = lab().await;
    let body = with(ask("hello there"), "stream", json!(true));
    let plain = chunks(&lab.text(lab.sandbox.openai_base(), "/chat/completions", &body).await, true);
    assert!(
        plain.iter().all(|chunk| chunk.get("usage").is_none() && chunk["object"] == "chat.completion.chunk")
    );
    let said: String =
        plain.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(said, "You said: hello there");
    assert_eq!(plain.last().expect("a chunk")["choices"][0]["finish_reason"], "stop");

    let body = with(body, "stream_options", json!({"include_usage": true}));
    let mut counted = chunks(&lab.text(lab.sandbox.openai_base(), "/chat/completions", &body).await, true);
    let last = counted.pop().expect("a chunk");
    assert_eq!(counted.len(), plain.len());
    assert!(counted.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)));
    assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(11)));
}

#[tokio::test]
async fn tools_are_called_first_and_answered_with_text_then() {
    let lab = lab().await;
    let base = || lab.sandbox.openai_base();
    let body = with(ask("Graz"), "tools", weather());
    let (_, answer) = lab.json(base(), "/chat/completions", &body).await;
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"], json!({"name": "weather", "arguments": "{\"city\":\"Graz\"}"}));
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(answer["choices"][0]["message"]["content"], Value::Null);

    let streamed = lab.text(base(), "/chat/completions", &with(body.clone(), "stream", json!(true))).await;
    let calls = chunks(&streamed, true);
    let deltas = calls.iter().map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]);
    let arguments: String = deltas.filter_map(|call| call["function"]["arguments"].as_str()).collect();
    assert_eq!(arguments, "{\"city\":\"Graz\"}");

    let mut messages = body["messages"].as_array().expect("messages").clone();
    messages.push(answer["choices"][0]["message"].clone());
    messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "sunny"}));
    let (_, last) =
        lab.json(base(), "/chat/completions", &with(body.clone(), "messages", json!(messages))).await;
    assert_eq!(last["choices"][0]["message"]["content"], "The tool said: sunny");

    let (_, none) = lab.json(base(), "/chat/completions", &with(body, "tool_choice", json!("none"))).await;
    assert_eq!(none["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn responses_are_answered_whole_and_event_by_event() {
    let lab = lab().await;
    let base = || lab.sandbox.openai_base();
    let body = json!({"model": "gpt-5", "input": "hello", "reasoning": {"effort": "low"}});
    let (_, answer) = lab.json(base(), "/responses", &body).await;
    assert_eq!((&answer["object"], &answer["status"]), (&json!("response"), &json!("completed")));
    assert_eq!(answer["output"][1]["content"][0]["text"], "You said: hello");
    let usage = json!({
        "input_tokens": 2, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 12, "output_tokens_details": {"reasoning_tokens": 8}, "total_tokens": 14});
    assert_eq!(answer["usage"], usage);

    let body = json!({"model": "gpt-5", "input": [{"role": "user", "content": [{"type": "input_text", "text": "hello"}]}],
        "stream": true});
    let events = sse(&lab.text(base(), "/responses", &body).await);
    let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    for (number, (name, data)) in events.iter().enumerate() {
        let data = parsed(data);
        assert_eq!((&data["type"], &data["sequence_number"]), (&json!(name), &json!(number)));
    }
    let last = parsed(&events.last().expect("an event").1);
    assert_eq!(last["response"]["usage"]["total_tokens"], 6);
    assert_eq!(parsed(&events[0].1)["response"]["usage"], Value::Null);
}

#[tokio::test]
async fn responses_call_functions() {
    let lab = lab().await;
    let base = || lab.sandbox.openai_base();
    let tools = json!([{"type": "function", "name": "now", "parameters": {}}]);
    let body = json!({"model": "gpt-5", "input": "hello", "tools": tools, "stream": true});
    let stream = lab.text(base(), "/responses", &body).await;
    assert!(stream.contains("event: response.function_call_arguments.done\n"), "{stream}");
    let output = json!([{"type": "function_call_output", "call_id": "c", "output": "noon"}]);
    let body = json!({"model": "gpt-5", "input": output, "tools": tools});
    let (_, answer) = lab.json(base(), "/responses", &body).await;
    assert_eq!(answer["output"][0]["content"][0]["text"], "The tool said: noon");
}

#[tokio::test]
async fn embeddings_count_every_input() {
    let lab = lab().await;
    let base = || lab.sandbox.openai_base();
    let body = json!({"model": "e", "input": ["eight ch", "four"], "dimensions": 3});
    let (_, answer) = lab.json(base(), "/embeddings", &body).await;
    assert_eq!(answer["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}));
    assert_eq!(answer["data"][0]["embedding"], json!([0.0, 0.0, 1.0]));
    assert_eq!(answer["data"][1]["index"], 1);
    let body = json!({"model": "e", "input": [1, 2, 3, 4], "dimensions": 1, "encoding_format": "base64"});
    let (_, answer) = lab.json(base(), "/embeddings", &body).await;
    assert_eq!(answer["usage"]["prompt_tokens"], 4);
    assert_eq!(answer["data"][0]["embedding"], "AACAPw==");
}

#[tokio::test]
async fn images_come_by_url_or_in_the_answer() {
    let lab = lab().await;
    let base = || lab.sandbox.openai_base();
    let body =
        json!({"model": "gpt-image-1", "prompt": "a cat!!!", "n": 2, "size": "auto", "quality": "low"});
    let (_, answer) = lab.json(base(), "/images/generations", &body).await;
    assert_eq!(answer["data"].as_array().expect("images").len(), 2);
    assert!(answer["data"][0]["b64_json"].as_str().expect("bytes").starts_with("iVBORw0KGgo"));
    assert_eq!((&answer["size"], &answer["quality"]), (&json!("1024x1024"), &json!("low")));
    assert_eq!(
        (&answer["usage"]["input_tokens"], &answer["usage"]["output_tokens"]),
        (&json!(2), &json!(200))
    );
    let (_, answer) = lab.json(base(), "/images/generations", &json!({"prompt": "a cat"})).await;
    assert!(answer["data"][0]["url"].is_string() && answer.get("usage").is_none(), "{answer}");
}

/// A form with a recording of three and a quarter seconds.
fn recording(model: &str, format: &str) -> String {
    let part = |name: &str, value: &str| {
        format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let sound = "x".repeat(104_000);
    let [model, format] = [part("model", model), part("response_format", format)];
    format!("{}{model}{format}--b0--\r\n", part("file\"; filename=\"a.wav", &sound))
}

#[tokio::test]
async fn transcriptions_tell_the_length_of_the_recording() {
    let lab = lab().await;
    let transcribe = async |model: &str, format: &str| {
        let url = format!("{}/audio/transcriptions", lab.sandbox.openai_base());
        let request = lab.http.post(url).bearer_auth("k").body(recording(model, format));
        let request = request.header("content-type", "multipart/form-data; boundary=b0");
        request.send().await.expect("an answer").text().await.expect("a body")
    };
    let json = parsed(&transcribe("whisper-1", "json").await);
    assert_eq!(
        json,
        json!({"text": "A recording of 104000 bytes.", "usage": {"type": "duration", "seconds": 4}})
    );
    let verbose = parsed(&transcribe("whisper-1", "verbose_json").await);
    assert_eq!((&verbose["duration"], &verbose["segments"][0]["end"]), (&json!(3.25), &json!(3.25)));
    let tokens = parsed(&transcribe("gpt-4o-transcribe", "json").await);
    assert_eq!(
        (&tokens["usage"]["input_tokens"], &tokens["usage"]["output_tokens"]),
        (&json!(40), &json!(7))
    );
    assert_eq!(transcribe("whisper-1", "text").await, "A recording of 104000 bytes.\n");
    assert!(transcribe("whisper-1", "srt").await.contains("00:00:00,000 --> 00:00:03,250"));
    assert!(transcribe("whisper-1", "vtt").await.contains("00:00:00.000 --> 00:00:03.250"));
}

#[tokio::test]
async fn wrong_requests_are_refused_as_openai_refuses_them() {
    let lab = lab().await;
    let base = || lab.sandbox.openai_base();
    let (status, answer) = lab.json(base(), "/chat/completions", &json!({"model": "gpt-4o"})).await;
    let error = json!({"message": "Missing required parameter: 'messages'.", "type": "invalid_request_error",
        "param": "messages", "code": "missing_required_parameter"});
    assert_eq!((status, &answer["error"]), (400, &error));
    for path in ["/chat/completions", "/responses", "/embeddings", "/images/generations"] {
        assert_eq!(lab.json(base(), path, &json!({})).await.0, 400, "{path}");
    }
    assert_eq!(lab.json(base(), "/audio/transcriptions", &json!({})).await.0, 400);
    let (status, answer) = lab.json(base(), "/nothing", &json!({})).await;
    assert_eq!((status, &answer["error"]["type"]), (404, &json!("invalid_request_error")));
}

#[tokio::test]
async fn azure_names_the_model_by_deployment_and_filters() {
    let lab = lab().await;
    let base = || lab.sandbox.azure_base();
    let path = "/openai/deployments/mine/chat/completions?api-version=2024-10-21";
    let mut body = json!({"messages": [{"role": "user", "content": "hello"}]});
    let (_, answer) = lab.json(base(), path, &body).await;
    assert_eq!(answer["model"], "mine");
    assert_eq!(answer["choices"][0]["content_filter_results"]["hate"]["filtered"], false);

    body["stream"] = json!(true);
    let first = chunks(&lab.text(base(), path, &body).await, true).swap_remove(0);
    assert_eq!(first["choices"], json!([]));
    assert!(first["prompt_filter_results"].is_array());

    let unversioned = "/openai/deployments/mine/chat/completions";
    let (status, answer) = lab.json(base(), unversioned, &body).await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("404")));
    let newer = lab.json(base(), "/openai/v1/responses", &json!({"model": "gpt-5", "input": "a"})).await;
    assert_eq!((newer.0, &newer.1["model"]), (200, &json!("gpt-5")));
}

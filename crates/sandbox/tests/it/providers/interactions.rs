//! Gemini's Interactions API.

use paid_sandbox::Script;
use serde_json::{Value, json};

use super::{Lab, lab, parsed, sse};

const PATH: &str = "interactions";

fn ask() -> Value {
    json!({"model": "gemini-3-flash-preview", "input": "hello there", "system_instruction": "Be brief"})
}

fn streamed() -> Value {
    let mut body = ask();
    body["stream"] = json!(true);
    body
}

async fn answer(lab: &Lab, body: &Value) -> Value {
    let (status, answer) = lab.json(lab.sandbox.gemini_base(), PATH, body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// The events of a stream, whose names are those within; the last one must say that it is done.
async fn events(lab: &Lab, body: &Value) -> Vec<Value> {
    let mut events = sse(&lab.text(lab.sandbox.gemini_base(), PATH, body).await);
    assert_eq!(events.pop(), Some(("done".into(), "[DONE]".into())));
    let events = events.into_iter().map(|(name, data)| (name, parsed(&data)));
    events
        .map(|(name, event)| {
            assert_eq!(event["event_type"], name);
            event
        })
        .collect()
}

#[tokio::test]
async fn an_interaction_is_answered_with_steps_and_counts() {
    let lab = lab().await;
    let whole = answer(&lab, &ask()).await;
    let output =
        json!([{"type": "model_output", "content": [{"type": "text", "text": "You said: hello there"}]}]);
    assert_eq!((&whole["steps"], &whole["status"]), (&output, &json!("completed")));
    assert_eq!(
        (&whole["model"], &whole["object"]),
        (&json!("gemini-3-flash-preview"), &json!("interaction"))
    );
    let usage = json!({"total_tokens": 11, "total_input_tokens": 5, "total_cached_tokens": 0,
        "input_tokens_by_modality": [{"modality": "text", "tokens": 5}], "total_output_tokens": 6,
        "total_tool_use_tokens": 0, "total_thought_tokens": 0});
    assert_eq!(whole["usage"], usage);
    let mut content = ask();
    content["input"] = json!([{"type": "text", "text": "hello there"}]);
    assert_eq!(answer(&lab, &content).await["usage"], usage);
    content["input"] = json!([{"type": "user_input", "content": [{"type": "text", "text": "hello there"}]}]);
    assert_eq!(answer(&lab, &content).await["usage"], usage);
}

#[tokio::test]
async fn a_stream_brings_steps_and_the_counts_at_its_end() {
    let lab = lab().await;
    let mut body = streamed();
    body["generation_config"] = json!({"thinking_level": "low"});
    let events = events(&lab, &body).await;
    let kinds: Vec<_> = events.iter().map(|event| event["event_type"].as_str().expect("a type")).collect();
    assert_eq!(kinds[..3], ["interaction.created", "interaction.status_update", "step.start"]);
    let text: String = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(text, "You said: hello there");
    let (first, last) = (&events[0]["interaction"], &events[events.len() - 1]["interaction"]);
    assert_eq!((&first["status"], first.get("usage")), (&json!("in_progress"), None));
    assert_eq!((&last["status"], &last["usage"]["total_thought_tokens"]), (&json!("completed"), &json!(8)));
    assert_eq!(last["usage"]["total_tokens"], 19);
}

#[tokio::test]
async fn functions_are_called_first_and_answered_with_text_then() {
    let lab = lab().await;
    let mut body = ask();
    body["tools"] = json!([{"type": "google_search"}, {"type": "function", "name": "weather", "parameters": {
        "type": "object", "required": ["days"], "properties": {"days": {"type": "integer"}}}}]);
    let whole = answer(&lab, &body).await;
    assert_eq!(whole["status"], "requires_action");
    let call = &whole["steps"][0];
    assert_eq!((&call["type"], &call["arguments"]), (&json!("function_call"), &json!({"days": 1})));
    body["stream"] = json!(true);
    let events = events(&lab, &body).await;
    let arguments: String = events.iter().filter_map(|event| event["delta"]["arguments"].as_str()).collect();
    assert_eq!(parsed(&arguments), json!({"days": 1}));
    body["stream"] = json!(false);
    body["input"] = json!([{"type": "function_result", "call_id": call["id"], "result": "sunny"}]);
    assert_eq!(answer(&lab, &body).await["steps"][0]["content"][0]["text"], "The tool said: sunny");
}

#[tokio::test]
async fn an_interaction_in_the_background_is_answered_before_it_is_done() {
    let lab = lab().await;
    let body = json!({"agent": "deep-research-preview", "input": "hello", "background": true});
    let whole = answer(&lab, &body).await;
    assert_eq!((&whole["status"], &whole["agent"]), (&json!("in_progress"), &json!("deep-research-preview")));
    assert!(whole.get("usage").is_none() && whole.get("steps").is_none() && whole.get("model").is_none());
}

#[tokio::test]
async fn it_fails_in_geminis_words() {
    let lab = lab().await;
    for body in [json!({"input": "hello"}), json!({"model": "m"})] {
        let (status, answer) = lab.json(lab.sandbox.gemini_base(), PATH, &body).await;
        assert_eq!((status, &answer["error"]["status"]), (400, &json!("INVALID_ARGUMENT")));
    }
    lab.sandbox.provider_script(Script::on("/v1beta/interactions").error_after(2, 504));
    let stream = sse(&lab.text(lab.sandbox.gemini_base(), PATH, &streamed()).await);
    let (name, data) = &stream[2];
    assert_eq!((stream.len(), name.as_str()), (3, "error"));
    assert_eq!(parsed(data)["error"]["code"], "deadline_exceeded");
}

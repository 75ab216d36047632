//! Gemini.

use serde_json::{Value, json};

use super::{chunks, lab, parsed};

const WHOLE: &str = "models/gemini-2.5-flash:generateContent";
const STREAM: &str = "models/gemini-2.5-flash:streamGenerateContent";

fn ask() -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "hello there"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief"}]}})
}

#[tokio::test]
async fn content_is_generated_with_counts_of_its_text() {
    let lab = lab().await;
    let (_, answer) = lab.json(lab.sandbox.gemini_base(), WHOLE, &ask()).await;
    let candidate = &answer["candidates"][0];
    assert_eq!(candidate["content"], json!({"parts": [{"text": "You said: hello there"}], "role": "model"}));
    assert_eq!(
        (&candidate["finishReason"], &answer["modelVersion"]),
        (&json!("STOP"), &json!("gemini-2.5-flash"))
    );
    let usage = json!({"promptTokenCount": 5, "candidatesTokenCount": 6, "totalTokenCount": 11,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}]});
    assert_eq!(answer["usageMetadata"], usage);
}

#[tokio::test]
async fn thoughts_are_counted_apart_and_shown_on_request() {
    let lab = lab().await;
    let mut body = ask();
    body["generationConfig"] = json!({"thinkingConfig": {"thinkingBudget": 100}});
    let (_, answer) = lab.json(lab.sandbox.gemini_base(), WHOLE, &body).await;
    let usage = &answer["usageMetadata"];
    assert_eq!((&usage["candidatesTokenCount"], &usage["thoughtsTokenCount"]), (&json!(6), &json!(8)));
    assert_eq!(usage["totalTokenCount"], 19);
    assert_eq!(answer["candidates"][0]["content"]["parts"].as_array().expect("parts").len(), 1);
    body["generationConfig"]["thinkingConfig"]["includeThoughts"] = json!(true);
    let (_, answer) = lab.json(lab.sandbox.gemini_base(), WHOLE, &body).await;
    assert_eq!(answer["candidates"][0]["content"]["parts"][0]["thought"], true);
}

#[tokio::test]
async fn streams_come_as_events_or_as_a_list() {
    let lab = lab().await;
    let events = lab.text(lab.sandbox.gemini_base(), &format!("{STREAM}?alt=sse"), &ask()).await;
    assert!(events.contains("\r\n\r\n"));
    let events = chunks(&events, false);
    let list = parsed(&lab.text(lab.sandbox.gemini_base(), STREAM, &ask()).await);
    let list = list.as_array().expect("a list");
    assert_eq!((list.len(), events.len()), (4, 4));
    let text = |chunks: &[Value]| -> String {
        chunks
            .iter()
            .filter_map(|chunk| chunk["candidates"][0]["content"]["parts"][0]["text"].as_str())
            .collect()
    };
    assert_eq!(text(&events), "You said: hello there");
    assert_eq!(text(list), text(&events));
    let outputs: Vec<_> =
        events.iter().map(|chunk| chunk["usageMetadata"]["candidatesTokenCount"].clone()).collect();
    assert_eq!(outputs, [1, 2, 3, 6]);
    assert_eq!(events[3]["candidates"][0]["finishReason"], "STOP");
    assert!(events[2]["candidates"][0].get("finishReason").is_none());
}

#[tokio::test]
async fn functions_are_called_first_and_answered_with_text_then() {
    let lab = lab().await;
    let mut body = ask();
    body["tools"] = json!([{"functionDeclarations": [{"name": "weather", "parameters": {
        "type": "OBJECT", "required": ["days"], "properties": {"days": {"type": "INTEGER"}}}}]}]);
    let (_, answer) = lab.json(lab.sandbox.gemini_base(), WHOLE, &body).await;
    let call = json!({"functionCall": {"name": "weather", "args": {"days": 1}}});
    assert_eq!(answer["candidates"][0]["content"]["parts"][0], call);
    let result = json!({"functionResponse": {"name": "weather", "response": {"sky": "blue"}}});
    body["contents"] = json!([{"role": "user", "parts": [result]}]);
    let (_, answer) = lab.json(lab.sandbox.gemini_base(), WHOLE, &body).await;
    assert_eq!(answer["candidates"][0]["content"]["parts"][0]["text"], "The tool said: {\"sky\":\"blue\"}");
}

#[tokio::test]
async fn wrong_requests_are_refused_as_gemini_refuses_them() {
    let lab = lab().await;
    let (status, answer) = lab.json(lab.sandbox.gemini_base(), WHOLE, &json!({})).await;
    assert_eq!((status, &answer["error"]["status"]), (400, &json!("INVALID_ARGUMENT")));
    let (status, answer) = lab.json(lab.sandbox.gemini_base(), "models/m:fly", &json!({})).await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!(404)));
}

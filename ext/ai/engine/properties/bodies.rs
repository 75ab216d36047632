//! Bodies of requests: what they tell, and how they ask for the usage.

use serde_json::Value;

use super::super::ask;
use super::super::providers::Providers;
use super::super::recognize::{Request, recognize};
use super::super::request;
use super::{Input, shown};

const PLACES: [(&str, &str); 8] = [
    ("api.openai.com", "/v1/chat/completions"),
    ("api.openai.com", "/v1/images/generations"),
    ("api.openai.com", "/v1/audio/transcriptions"),
    ("api.anthropic.com", "/v1/messages"),
    ("generativelanguage.googleapis.com", "/v1beta/interactions"),
    ("api.mistral.ai", "/v1/ocr"),
    ("r.openai.azure.com", "/openai/deployments/d/chat/completions?api-version=2024-10-21"),
    ("bedrock-runtime.us-east-1.amazonaws.com", "/model/m/invoke"),
];

/// What a request's body tells.
pub fn request(bytes: &[u8]) {
    let Some(input) = Input::of(bytes) else { return };
    let (host, path) = PLACES[input.choice % PLACES.len()];
    let seen = Request { method: "POST", host, path, body: Some(input.body) };
    let call = recognize(&Providers::new(), &seen).unwrap();
    let bare = recognize(&Providers::new(), &Request { body: None, ..seen }).unwrap();
    assert_eq!((&call.name, call.format), (&bare.name, bare.format), "the body doesn't name the call");
    for one in call.attributes.iter().chain(&call.on_success) {
        assert!(one.value.as_str().len() <= 256, "{one:?}");
    }
    if let Some(asked) = call.ask_for_usage(input.body) {
        assert!(call.stream && asked.len() > input.body.len() - "false".len());
    }
    let read = request::read(input.body);
    // Of a key that is there twice, serde_json takes the last, and so does the reader, but for one of another type.
    if let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(input.body)
        && let Some(Value::String(model)) = body.get("model")
        && model.len() < 40
    {
        assert_eq!(read.model.as_ref(), Some(model), "{}", shown(input.body));
    }
}

/// The wish for a stream's usage.
pub fn ask_for_usage(bytes: &[u8]) {
    let Some(asked) = ask::ask_for_usage(bytes) else { return };
    // All but one place is as it was.
    let same = |(a, b): &(&u8, &u8)| a == b;
    let before = bytes.iter().zip(&asked).take_while(same).count();
    let after = bytes.iter().rev().zip(asked.iter().rev()).take_while(same).count();
    assert!(before + after + "false".len() >= bytes.len(), "{} {}", shown(bytes), shown(&asked));
    assert_eq!(ask::ask_for_usage(&asked), None, "it is asked once: {}", shown(bytes));
    let Ok(mut expected) = serde_json::from_slice::<Value>(bytes) else { return };
    assert_eq!(expected["stream"], true, "{}", shown(bytes));
    expected["stream_options"]["include_usage"] = true.into();
    let told: Value = serde_json::from_slice(&asked).unwrap();
    assert_eq!(told, expected, "{} {}", shown(bytes), shown(&asked));
}

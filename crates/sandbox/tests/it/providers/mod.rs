//! The AI providers: what each route answers, whole and streamed, and what scripts and faults make of it.

mod anthropic;
mod bedrock;
mod eventstream;
mod gemini;
mod interactions;
mod keys;
mod mistral;
mod openai;
mod scripts;

use std::time::Duration;

use paid_sandbox::Sandbox;
use reqwest::{Client, Response};
use serde_json::Value;

/// A sandbox, and a client that sends what every provider wants.
struct Lab {
    sandbox: Sandbox,
    http: Client,
}

async fn lab() -> Lab {
    let sandbox = Sandbox::start().await.expect("the sandbox starts");
    let http = Client::builder().timeout(Duration::from_secs(10)).build().expect("a client");
    Lab { sandbox, http }
}

impl Lab {
    async fn send(&self, base: String, path: &str, body: &Value) -> Response {
        let request = self.http.post(format!("{base}{path}")).bearer_auth("some_key");
        request.header("anthropic-version", "2023-06-01").json(body).send().await.expect("an answer")
    }

    /// The status and the JSON of an answer.
    async fn json(&self, base: String, path: &str, body: &Value) -> (u16, Value) {
        let response = self.send(base, path, body).await;
        (response.status().as_u16(), response.json().await.expect("JSON"))
    }

    /// The answer of a request that must be taken, as text.
    async fn text(&self, base: String, path: &str, body: &Value) -> String {
        let response = self.send(base, path, body).await;
        assert_eq!(response.status(), 200);
        response.text().await.expect("a whole body")
    }
}

/// The events of a server-sent stream: their names, empty without one, and their data.
fn sse(stream: &str) -> Vec<(String, String)> {
    let stream = stream.replace("\r\n", "\n");
    assert!(stream.ends_with("\n\n"), "{stream}");
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    stream.trim_end().split("\n\n").map(|event| (field(event, "event: "), field(event, "data: "))).collect()
}

fn parsed(data: &str) -> Value {
    serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"))
}

/// The data of all events as JSON, without the final `[DONE]`, which must be there if `done`.
fn chunks(stream: &str, done: bool) -> Vec<Value> {
    let mut events = sse(stream);
    if done {
        assert_eq!(events.pop().expect("an event").1, "[DONE]");
    }
    events.iter().map(|(_, data)| parsed(data)).collect()
}

/// Whether these words come in this order.
#[track_caller]
fn assert_order(text: &str, words: &[&str]) {
    let places: Vec<_> =
        words.iter().map(|word| text.find(word).unwrap_or_else(|| panic!("no {word}"))).collect();
    assert!(places.is_sorted(), "{words:?} in {text}");
}

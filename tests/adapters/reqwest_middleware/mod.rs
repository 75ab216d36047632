//! AI calls through `reqwest-middleware`, of every provider, as they arrive at a collector.

mod cases;
mod errors;
mod hosts;
mod kinds;
mod scopes;
mod streams;

use crate::support::kinds::providers;
use crate::support::{KEY, PROMPT};
use paid::ai::PaidMiddleware;
use paid_sandbox::Sandbox;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";
const MODEL: &str = "gpt-4.1-mini";

type World = crate::support::world::World<Clients>;

struct Clients {
    http: ClientWithMiddleware,
}

async fn world() -> World {
    World::start(|sandbox| Clients { http: client_of(middleware(sandbox)) }).await
}

fn client_of(middleware: PaidMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new()).with(middleware).build()
}

fn middleware(sandbox: &Sandbox) -> PaidMiddleware {
    PaidMiddleware::new().providers(providers(sandbox))
}

impl World {
    fn post(&self, url: &str, body: &Value) -> RequestBuilder {
        self.http
            .post(url)
            .header("content-type", "application/json")
            .bearer_auth(KEY)
            .header("x-api-key", KEY)
            .header("anthropic-version", "2023-06-01")
            .header("x-goog-api-key", KEY)
            .body(body.to_string())
    }

    fn chat(&self, stream: bool) -> RequestBuilder {
        self.chat_of(PROMPT, stream)
    }

    fn chat_of(&self, text: &str, stream: bool) -> RequestBuilder {
        let url = format!("{}/chat/completions", self.sandbox.openai_base());
        let messages = json!([{"role": "user", "content": text}]);
        self.post(&url, &json!({"model": MODEL, "messages": messages, "stream": stream}))
    }
}

async fn text(request: RequestBuilder) -> String {
    request.send().await.unwrap().text().await.unwrap()
}

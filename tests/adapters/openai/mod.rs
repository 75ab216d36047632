//! `async-openai` with the layer: what the provider receives, what the caller gets, and the spans that arrive at a
//! collector.

mod chats;
mod crowd;
mod errors;
mod hosts;
mod kinds;
mod layers;
mod refusing;
mod scopes;
mod streams;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::types::chat::CreateChatCompletionRequest;
use paid::ai::openai::PaidOpenAILayer;
use paid_sandbox::Sandbox;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::spans::{assert_failed, assert_told, count};
use crate::support::streams::{all, next};
use crate::support::{KEY, PROMPT};

const MODEL: &str = "gpt-4.1-mini";
const CHAT: &str = "/v1/chat/completions";
const CHAT_SPAN: &str = "paid.trace.openai.chat.completions.create";

type World = crate::support::world::World<Clients>;

struct Clients {
    openai: Client<OpenAIConfig>,
    /// The same client as it is without the layer.
    plain: Client<OpenAIConfig>,
}

async fn world() -> World {
    world_with(PaidOpenAILayer::new()).await
}

async fn world_with(layer: PaidOpenAILayer) -> World {
    World::start(|sandbox| Clients {
        openai: layer.client(config(sandbox)),
        plain: Client::with_config(config(sandbox)),
    })
    .await
}

fn config(sandbox: &Sandbox) -> OpenAIConfig {
    OpenAIConfig::new().with_api_base(sandbox.openai_base()).with_api_key(KEY)
}

fn request<R: DeserializeOwned>(body: Value) -> R {
    serde_json::from_value(body).unwrap()
}

fn chat_of(text: &str) -> CreateChatCompletionRequest {
    request(json!({"model": MODEL, "messages": [{"role": "user", "content": text}]}))
}

fn hello() -> CreateChatCompletionRequest {
    chat_of(PROMPT)
}

/// A value as JSON, without the ids that differ from answer to answer.
fn told<T: Serialize>(value: &T) -> Value {
    fn forget(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|key, _| key != "id" && !key.ends_with("_id"));
                members.values_mut().for_each(forget);
            }
            Value::Array(items) => items.iter_mut().for_each(forget),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(value).unwrap();
    forget(&mut value);
    value
}

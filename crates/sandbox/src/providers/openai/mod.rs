//! OpenAI, and the same API as Azure serves it.

mod chat;
mod media;
mod responses;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, post};
use serde_json::Value;

use super::Provider;
use super::answer::Usage;
use super::ask::{Ask, Speaker, Tool, items, texts};
use super::base64;
use super::call::{Answer, Call};
use super::json::{Json, list, object};
use super::refusal::Refusal;
use super::stream::whole;
use crate::server::Shared;

/// How many numbers an embedding has, unless the request says otherwise.
const DIMENSIONS: u64 = 8;

pub(super) fn routes() -> Router<Arc<Shared>> {
    below("/v1")
}

/// The paths with a deployment, and the newer ones without.
pub(super) fn azure_routes() -> Router<Arc<Shared>> {
    below("/openai/deployments/{deployment}").merge(below("/openai/v1")).merge(below("/openai"))
}

fn below(base: &str) -> Router<Arc<Shared>> {
    let routes: [(&str, MethodRouter<Arc<Shared>>); 5] = [
        ("chat/completions", post(chat::create)),
        ("responses", post(responses::create)),
        ("embeddings", post(embeddings)),
        ("images/generations", post(media::generate)),
        ("audio/transcriptions", post(media::transcribe)),
    ];
    let add = |router: Router<_>, (path, route)| router.route(&format!("{base}/{path}"), route);
    routes.into_iter().fold(Router::new(), add)
}

/// The model of a request, or the deployment that stands for one. On the way, it is checked what Azure asks for.
fn model_of(call: &Call, body: &Value) -> Result<String, Refusal> {
    if call.provider == Provider::Azure && call.segment_after("openai") != Some("v1") {
        if call.parameter("api-version").is_none() {
            return Err(call.refuse(404, "Resource not found"));
        }
        if let Some(deployment) = call.segment_after("deployments") {
            return Ok(deployment.to_owned());
        }
    }
    call.required_text(body, "model")
}

/// Who speaks in a message of OpenAI or Mistral.
pub(super) fn speaker(message: &Value) -> Speaker {
    match message.get("role").and_then(Value::as_str) {
        Some("system" | "developer") => Speaker::System,
        Some("assistant") => Speaker::Assistant,
        Some("tool" | "function") => Speaker::Tool,
        _ => Speaker::User,
    }
}

/// Reads messages and tools of a chat in the shape that OpenAI and Mistral share.
pub(super) fn read_chat(call: &Call, body: &Value, model: String) -> Result<Ask, Refusal> {
    if !body.get("messages").is_some_and(Value::is_array) {
        return Err(call.missing("messages"));
    }
    let mut ask = Ask::new(model);
    for message in items(body, "messages") {
        ask.hear(speaker(message), message.get("content").unwrap_or(&Value::Null));
    }
    let choice = body.get("tool_choice").unwrap_or(&Value::Null);
    if choice.as_str() != Some("none") {
        let wanted = choice.get("function").and_then(|function| function.get("name"));
        let functions = items(body, "tools").filter_map(|tool| tool.get("function"));
        let tools = functions.filter_map(|function| Tool::read(function, "parameters"));
        ask.offer(tools, wanted.and_then(Value::as_str));
    }
    Ok(ask)
}

async fn embeddings(call: Call) -> Answer {
    let body = call.json()?;
    let model = model_of(&call, &body)?;
    let input = body.get("input").ok_or_else(|| call.missing("input"))?;
    let script = call.script();
    let inputs = embedding_inputs(input);
    let tokens = inputs.iter().map(EmbeddingInput::tokens).sum::<u64>();
    let tokens = script.given().input.unwrap_or(tokens);
    let as_text = body.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let dimensions = body.get("dimensions").and_then(Value::as_u64).unwrap_or(DIMENSIONS);
    let data: Vec<Json> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = input.vector(dimensions);
            let embedding = if as_text { base64_floats(&vector).into() } else { numbers(&vector) };
            object! {"object": "embedding", "index": index, "embedding": embedding}
        })
        .collect();
    let usage = object! {"prompt_tokens": tokens, "total_tokens": tokens};
    let usage = (!script.answer().without_usage).then_some(usage);
    let model = script.answer().model.clone().unwrap_or(model);
    let answer = object! {"object": "list", "data": data, "model": model}.and_some("usage", usage);
    Ok(whole(&script, &answer))
}

/// Something to embed: text, or tokens, of which one counts as one.
pub(super) enum EmbeddingInput {
    Text(String),
    Tokens(u64),
}

/// The inputs of an embeddings request: one or many, texts or lists of tokens.
pub(super) fn embedding_inputs(input: &Value) -> Vec<EmbeddingInput> {
    let tokens = |list: &[Value]| EmbeddingInput::Tokens(list.len().try_into().unwrap_or(u64::MAX));
    match input {
        Value::Array(list) if list.first().is_some_and(Value::is_number) => vec![tokens(list)],
        Value::Array(list) => list
            .iter()
            .map(|item| match item {
                Value::Array(list) => tokens(list),
                item => EmbeddingInput::Text(texts(item)),
            })
            .collect(),
        input => vec![EmbeddingInput::Text(texts(input))],
    }
}

impl EmbeddingInput {
    pub(super) fn tokens(&self) -> u64 {
        match self {
            Self::Text(text) => super::ask::tokens(text),
            Self::Tokens(count) => *count,
        }
    }

    /// A unit vector along an axis that the number of tokens picks.
    pub(super) fn vector(&self, dimensions: u64) -> Vec<f64> {
        let axis = self.tokens() % dimensions.max(1);
        (0..dimensions).map(|place| if place == axis { 1.0 } else { 0.0 }).collect()
    }
}

pub(super) fn numbers(vector: &[f64]) -> Json {
    Json::List(vector.iter().copied().map(Json::from).collect())
}

/// What `encoding_format: base64` means: 32-bit floats, the low byte first.
fn base64_floats(vector: &[f64]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| (*number as f32).to_le_bytes()).collect();
    base64::encode(&bytes)
}

/// What of the input the cache gave and took; the latter only where it was scripted, as older models don't tell.
fn cache(usage: &Usage) -> Json {
    let written = (usage.cache_creation > 0).then_some(usage.cache_creation);
    object! {"cached_tokens": usage.cached}.and_some("cache_write_tokens", written)
}

/// The event of an error within a stream.
fn stream_error(status: u16) -> Json {
    let (kind, code) = super::refusal::openai_kind(status);
    let message = format!("the sandbox was told to fail with {status}");
    object! {"error": object! {"message": message, "type": kind, "param": (), "code": code}}
}

/// What Azure found when it looked for harm.
fn unfiltered() -> Json {
    let safe = || object! {"filtered": false, "severity": "safe"};
    object! {"hate": safe(), "self_harm": safe(), "sexual": safe(), "violence": safe()}
}

fn prompt_filter() -> Json {
    list![object! {"prompt_index": 0, "content_filter_results": unfiltered()}]
}

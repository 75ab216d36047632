//! Anthropic: `POST /v1/messages`.

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use axum::routing::post;
use serde_json::Value;

use super::Provider;
use super::answer::{Reply, Thinking, Usage};
use super::ask::{Ask, Speaker, Tool, items, texts};
use super::call::{Answer, Call};
use super::json::{Json, object};
use super::refusal::{Refusal, anthropic_error};
use super::stream::{Event, Framing, streamed, whole};
use crate::server::Shared;

/// What stands for the signature of a thinking block.
const SIGNATURE: &str = "c2FuZGJveA==";

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/v1/messages", post(create))
}

async fn create(call: Call) -> Answer {
    let body = call.json()?;
    if call.header("anthropic-version").is_none() {
        return Err(call.refuse(400, "anthropic-version: header is required"));
    }
    let model = call.required_text(&body, "model")?;
    let ask = read(&call, &body, model)?;
    let script = call.script();
    let reply = Reply::to(&ask, &script, Thinking::InOutput);
    let message = Message::of(&call, None);
    let mut response = if body.get("stream").and_then(Value::as_bool) == Some(true) {
        streamed(&script, Framing::Sse, message.events(&reply), failure)
    } else {
        whole(&script, &message.whole(&reply))
    };
    if let Ok(id) = HeaderValue::try_from(call.id("req_")) {
        response.headers_mut().insert("request-id", id);
    }
    Ok(response)
}

fn failure(status: u16) -> Event {
    let message = format!("the sandbox was told to fail with {status}");
    Event::named("error", &anthropic_error(status, &message))
}

/// Reads a request, which on Bedrock names its model elsewhere.
pub(super) fn read(call: &Call, body: &Value, model: String) -> Result<Ask, Refusal> {
    if body.get("max_tokens").and_then(Value::as_u64).is_none() {
        return Err(call.missing("max_tokens"));
    }
    if !body.get("messages").is_some_and(Value::is_array) {
        return Err(call.missing("messages"));
    }
    let mut ask = Ask::new(model);
    if let Some(system) = body.get("system") {
        ask.hear(Speaker::System, system);
        mark_cached(&mut ask, system);
    }
    for message in items(body, "messages") {
        let content = message.get("content").unwrap_or(&Value::Null);
        ask.hear(speaker(message), content);
        mark_cached(&mut ask, content);
    }
    let choice = body.get("tool_choice").unwrap_or(&Value::Null);
    if choice.get("type").and_then(Value::as_str) != Some("none") {
        let tools = items(body, "tools").filter_map(|tool| Tool::read(tool, "input_schema"));
        ask.offer(tools, choice.get("name").and_then(Value::as_str));
    }
    let thinking = body.get("thinking").and_then(|thinking| thinking.get("type")).and_then(Value::as_str);
    ask.thinks = thinking.is_some_and(|thinking| thinking != "disabled");
    Ok(ask)
}

fn speaker(message: &Value) -> Speaker {
    let is_result = |block: &Value| block.get("type").is_some_and(|kind| kind == "tool_result");
    if message.get("role").and_then(Value::as_str) == Some("assistant") {
        Speaker::Assistant
    } else if items(message, "content").any(is_result) {
        Speaker::Tool
    } else {
        Speaker::User
    }
}

/// Counts the blocks that carry a `cache_control` as written to the cache.
fn mark_cached(ask: &mut Ask, content: &Value) {
    let blocks = content.as_array().into_iter().flatten();
    for block in blocks.filter(|block| block.get("cache_control").is_some_and(Value::is_object)) {
        ask.cached_text.push_str(&texts(block));
    }
}

/// A message, as Anthropic and Bedrock send it.
pub(super) struct Message {
    id: String,
    tool_id: String,
    /// Bedrock sends none.
    pings: bool,
    /// What Bedrock adds to the last event of a stream.
    metrics: Option<Json>,
}

impl Message {
    pub(super) fn of(call: &Call, metrics: Option<Json>) -> Self {
        let (id, tool_id) = match call.provider {
            Provider::Bedrock => ("msg_bdrk_", "toolu_bdrk_"),
            _ => ("msg_", "toolu_"),
        };
        Self {
            id: call.id(id),
            tool_id: call.id(tool_id),
            pings: call.provider != Provider::Bedrock,
            metrics,
        }
    }

    pub(super) fn whole(&self, reply: &Reply) -> Json {
        let thinking = reply
            .thinking
            .as_ref()
            .map(|thinking| object! {"type": "thinking", "thinking": thinking, "signature": SIGNATURE});
        let text = reply.has_text().then(|| object! {"type": "text", "text": reply.text()});
        let call = reply.call.as_ref().map(|call| {
            object! {
                "type": "tool_use", "id": &self.tool_id, "name": &call.name, "input": call.arguments.clone(),
            }
        });
        let content: Vec<Json> = [thinking, text, call].into_iter().flatten().collect();
        let message = self.head(reply, content, Some(reply.ended("end_turn", "tool_use")));
        message.and_some("usage", reply.usage.as_ref().map(|counts| usage(counts, counts.output)))
    }

    pub(super) fn events(&self, reply: &Reply) -> Vec<Event> {
        let head = self.head(reply, Vec::new(), None);
        // One token is what the real service counts before it has said anything.
        let head = head.and_some("usage", reply.usage.as_ref().map(|counts| usage(counts, 1)));
        let mut events = Blocks { pings: self.pings, ..Blocks::default() };
        events.push("message_start", object! {"message": head});
        if let Some(thinking) = &reply.thinking {
            let words = thinking.split_inclusive(' ');
            let deltas = words.map(|word| object! {"type": "thinking_delta", "thinking": word});
            let signed = object! {"type": "signature_delta", "signature": SIGNATURE};
            let start = object! {"type": "thinking", "thinking": "", "signature": ""};
            events.block(start, deltas.chain([signed]));
        }
        if reply.has_text() {
            let deltas = reply.pieces.iter().map(|piece| object! {"type": "text_delta", "text": piece});
            events.block(object! {"type": "text", "text": ""}, deltas);
        }
        if let Some(call) = &reply.call {
            let start = object! {
                "type": "tool_use", "id": &self.tool_id, "name": &call.name, "input": object! {},
            };
            let pieces = [String::new()].into_iter().chain(call.pieces());
            let deltas = pieces.map(|piece| object! {"type": "input_json_delta", "partial_json": piece});
            events.block(start, deltas);
        }
        let reason = reply.ended("end_turn", "tool_use");
        let last = object! {"delta": object! {"stop_reason": reason, "stop_sequence": ()}};
        events.push("message_delta", last.and_some("usage", reply.usage.as_ref().map(final_usage)));
        let metrics = self.metrics.clone();
        events.push("message_stop", object! {}.and_some("amazon-bedrock-invocationMetrics", metrics));
        events.events
    }

    fn head(&self, reply: &Reply, content: Vec<Json>, reason: Option<&str>) -> Json {
        object! {
            "id": &self.id, "type": "message", "role": "assistant", "model": &reply.model, "content": content,
            "stop_reason": reason, "stop_sequence": (),
        }
    }
}

/// The events of a stream, and how many blocks there were.
#[derive(Default)]
struct Blocks {
    events: Vec<Event>,
    index: usize,
    pings: bool,
}

impl Blocks {
    fn block(&mut self, start: Json, deltas: impl Iterator<Item = Json>) {
        let index = self.index;
        self.push("content_block_start", object! {"index": index, "content_block": start});
        if self.pings && index == 0 {
            self.push("ping", object! {});
        }
        for delta in deltas {
            self.push("content_block_delta", object! {"index": index, "delta": delta});
        }
        self.push("content_block_stop", object! {"index": index});
        self.index += 1;
    }

    fn push(&mut self, name: &'static str, rest: Json) {
        let mut fields = vec![("type", name.into())];
        if let Json::Object(rest) = rest {
            fields.extend(rest);
        }
        self.events.push(Event::named(name, &Json::Object(fields)));
    }
}

fn usage(usage: &Usage, output: u64) -> Json {
    object! {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_creation,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": object! {
            "ephemeral_5m_input_tokens": usage.cache_creation,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": output,
        "service_tier": "standard",
    }
}

/// The counts at the end of a stream.
fn final_usage(usage: &Usage) -> Json {
    object! {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_creation,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
    }
}

//! Gemini: `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`; and its other API.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::post;
use serde_json::Value;

use super::answer::{Reply, Thinking, Usage};
use super::ask::{Ask, Speaker, Tool, items};
use super::call::{Answer, Call};
use super::interactions;
use super::json::{Json, list, object};
use super::refusal::{Refusal, gemini_status};
use super::stream::{Event, Framing, streamed, whole};
use crate::server::Shared;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1beta/models/{model_and_method}", post(generate))
        .route("/v1beta/interactions", post(interactions::create))
}

async fn generate(Path(target): Path<String>, call: Call) -> Answer {
    let (model, method) = target.split_once(':').unwrap_or((&target, ""));
    if !matches!(method, "generateContent" | "streamGenerateContent") {
        return Err(call.refuse(404, format!("there is no method {method:?} of models")));
    }
    let body = call.json()?;
    let ask = read(&call, &body, model)?;
    let script = call.script();
    let reply = Reply::to(&ask, &script, Thinking::Apart);
    let config = thinking_config(&body);
    let shows_thoughts = script.answer().thinking.is_some()
        || either(config, "includeThoughts", "include_thoughts").as_bool() == Some(true);
    let answer = Content { id: call.id(""), thoughts: reply.thinking.clone().filter(|_| shows_thoughts) };
    if method == "generateContent" {
        return Ok(whole(&script, &answer.whole(&reply)));
    }
    let as_events = call.parameter("alt") == Some("sse");
    let framing = if as_events { Framing::SseCrLf } else { Framing::JsonList };
    Ok(streamed(&script, framing, answer.chunks(&reply), |status| {
        let message = format!("the sandbox was told to fail with {status}");
        let name = gemini_status(status);
        Event::data(&object! {"error": object! {"code": status, "message": message, "status": name}})
    }))
}

/// A field, which the service takes in both of these spellings.
fn either<'a>(body: &'a Value, camel: &str, snake: &str) -> &'a Value {
    body.get(camel).or_else(|| body.get(snake)).unwrap_or(&Value::Null)
}

fn thinking_config(body: &Value) -> &Value {
    either(either(body, "generationConfig", "generation_config"), "thinkingConfig", "thinking_config")
}

fn read(call: &Call, body: &Value, model: &str) -> Result<Ask, Refusal> {
    if !body.get("contents").is_some_and(Value::is_array) {
        return Err(call.refuse(400, "* GenerateContentRequest.contents: contents is not specified"));
    }
    let mut ask = Ask::new(model);
    ask.hear(Speaker::System, either(body, "systemInstruction", "system_instruction"));
    for content in items(body, "contents") {
        let is_result = |part: &Value| part.get("functionResponse").is_some();
        let speaker = match content.get("role").and_then(Value::as_str) {
            Some("model") => Speaker::Assistant,
            _ if items(content, "parts").any(is_result) => Speaker::Tool,
            _ => Speaker::User,
        };
        ask.hear(speaker, content);
    }
    let config = either(body, "toolConfig", "tool_config");
    let config = either(config, "functionCallingConfig", "function_calling_config");
    if config.get("mode").and_then(Value::as_str) != Some("NONE") {
        let declared = items(body, "tools")
            .filter_map(|tool| tool.get("functionDeclarations").or_else(|| tool.get("function_declarations")))
            .filter_map(Value::as_array)
            .flatten();
        let tools = declared.filter_map(|function| {
            let as_json = function.get("parametersJsonSchema").is_some();
            Tool::read(function, if as_json { "parametersJsonSchema" } else { "parameters" })
        });
        let allowed = items(config, "allowedFunctionNames").next().and_then(Value::as_str);
        ask.offer(tools, allowed);
    }
    let config = thinking_config(body);
    let budget = either(config, "thinkingBudget", "thinking_budget").as_i64();
    ask.thinks = config.is_object() && budget != Some(0);
    Ok(ask)
}

struct Content {
    id: String,
    /// The thoughts that are shown. Those that are not are counted all the same.
    thoughts: Option<String>,
}

impl Content {
    fn whole(&self, reply: &Reply) -> Json {
        let text = reply.has_text().then(|| object! {"text": reply.text()});
        let parts = [self.thought(), text, call_part(reply)];
        let usage = reply.usage.as_ref().map(|counts| usage(counts, counts.output));
        self.answer(reply, parts.into_iter().flatten().collect(), Some("STOP"), usage)
    }

    /// The chunks of a stream, each with the counts so far; the last has the final ones.
    fn chunks(&self, reply: &Reply) -> Vec<Event> {
        let pieces = reply.pieces.iter().map(|piece| object! {"text": piece});
        let parts: Vec<Json> = self.thought().into_iter().chain(pieces).chain(call_part(reply)).collect();
        let last = parts.len().saturating_sub(1);
        let share = |counts: &Usage, place: usize| {
            let place = u64::try_from(place).unwrap_or(u64::MAX);
            // A last chunk has them all, and none has more.
            if place == last as u64 { counts.output } else { counts.output.min(place.saturating_add(1)) }
        };
        let chunks = parts.into_iter().enumerate().map(|(place, part)| {
            let reason = (place == last).then_some("STOP");
            let usage = reply.usage.as_ref().map(|counts| usage(counts, share(counts, place)));
            Event::data(&self.answer(reply, vec![part], reason, usage))
        });
        chunks.collect()
    }

    fn thought(&self) -> Option<Json> {
        self.thoughts.as_ref().map(|text| object! {"text": text, "thought": true})
    }

    fn answer(&self, reply: &Reply, parts: Vec<Json>, reason: Option<&str>, usage: Option<Json>) -> Json {
        let candidate = object! {"content": object! {"parts": parts, "role": "model"}};
        let candidate = candidate.and_some("finishReason", reason).and("index", 0);
        object! {"candidates": list![candidate]}
            .and_some("usageMetadata", usage)
            .and("modelVersion", &reply.model)
            .and("responseId", &self.id)
    }
}

fn call_part(reply: &Reply) -> Option<Json> {
    let call = reply.call.as_ref()?;
    Some(object! {"functionCall": object! {"name": &call.name, "args": call.arguments.clone()}})
}

/// Counts that are 0 are left out, as the real service leaves them out.
fn usage(usage: &Usage, output: u64) -> Json {
    let text = |count: u64| list![object! {"modality": "TEXT", "tokenCount": count}];
    let some = |count: u64| (count > 0).then_some(count);
    let total = usage.input.saturating_add(output).saturating_add(usage.reasoning);
    object! {"promptTokenCount": usage.input, "candidatesTokenCount": output, "totalTokenCount": total}
        .and_some("cachedContentTokenCount", some(usage.cached))
        .and("promptTokensDetails", text(usage.input))
        .and_some("cacheTokensDetails", some(usage.cached).map(text))
        .and_some("thoughtsTokenCount", some(usage.reasoning))
}

//! `POST /model/{id}/converse` and `converse-stream`.

use axum::extract::Path;
use serde_json::Value;

use super::{LATENCY_MS, failure};
use crate::providers::answer::{Reply, Thinking, Usage};
use crate::providers::ask::{Ask, Speaker, Tool, items};
use crate::providers::call::{Answer, Call};
use crate::providers::json::{Json, object};
use crate::providers::refusal::Refusal;
use crate::providers::stream::{Event, Framing, streamed, whole};

pub(super) async fn create(Path(model): Path<String>, call: Call) -> Answer {
    let ask = read(&call, model)?;
    let script = call.script();
    let reply = Reply::to(&ask, &script, Thinking::InOutput);
    let message = object! {"role": "assistant", "content": content(&reply, &call.id("tooluse_"))};
    let answer = object! {
        "output": object! {"message": message},
        "stopReason": reply.ended("end_turn", "tool_use"),
    };
    let answer = answer.and_some("usage", reply.usage.as_ref().map(usage));
    Ok(whole(&script, &answer.and("metrics", object! {"latencyMs": LATENCY_MS})))
}

pub(super) async fn stream(Path(model): Path<String>, call: Call) -> Answer {
    let ask = read(&call, model)?;
    let script = call.script();
    let reply = Reply::to(&ask, &script, Thinking::InOutput);
    let events = events(&reply, &call.id("tooluse_"));
    Ok(streamed(&script, Framing::Aws, events, failure))
}

fn read(call: &Call, model: String) -> Result<Ask, Refusal> {
    let body = call.json()?;
    let mut ask = Ask::new(model);
    for block in items(&body, "system") {
        ask.hear(Speaker::System, block);
    }
    if items(&body, "messages").next().is_none() {
        let message = "1 validation error detected: Value at 'messages' failed to satisfy constraint: \
                       Member must not be empty";
        return Err(call.refuse(400, message));
    }
    for message in items(&body, "messages") {
        let is_result = |block: &Value| block.get("toolResult").is_some();
        let speaker = match message.get("role").and_then(Value::as_str) {
            Some("assistant") => Speaker::Assistant,
            _ if items(message, "content").any(is_result) => Speaker::Tool,
            _ => Speaker::User,
        };
        ask.hear(speaker, message.get("content").unwrap_or(&Value::Null));
    }
    if let Some(config) = body.get("toolConfig") {
        let specs = items(config, "tools").filter_map(|tool| tool.get("toolSpec"));
        let tools = specs.filter_map(|spec| {
            let schema = spec.get("inputSchema").and_then(|schema| schema.get("json")).cloned();
            let tool = Tool::read(spec, "")?;
            Some(Tool { schema: schema.unwrap_or_default(), ..tool })
        });
        let wanted = config.get("toolChoice").and_then(|choice| choice.get("tool")?.get("name")?.as_str());
        ask.offer(tools, wanted);
    }
    let extra = body.get("additionalModelRequestFields");
    let thinking = extra.and_then(|extra| extra.get("thinking")?.get("type")?.as_str());
    ask.thinks = thinking == Some("enabled");
    Ok(ask)
}

fn content(reply: &Reply, tool_id: &str) -> Vec<Json> {
    let thinking = reply.thinking.as_ref().map(|text| {
        let text = object! {"text": text, "signature": "c2FuZGJveA=="};
        object! {"reasoningContent": object! {"reasoningText": text}}
    });
    let text = reply.has_text().then(|| object! {"text": reply.text()});
    let call = reply.call.as_ref().map(|call| {
        object! {"toolUse": object! {
            "toolUseId": tool_id, "name": &call.name, "input": call.arguments.clone(),
        }}
    });
    [thinking, text, call].into_iter().flatten().collect()
}

fn events(reply: &Reply, tool_id: &str) -> Vec<Event> {
    let mut events = vec![Event::named("messageStart", &object! {"role": "assistant"})];
    let mut index = 0;
    let mut block = |deltas: Vec<Json>| {
        let deltas = deltas.into_iter().map(|delta| {
            Event::named("contentBlockDelta", &object! {"contentBlockIndex": index, "delta": delta})
        });
        events.extend(deltas);
        events.push(Event::named("contentBlockStop", &object! {"contentBlockIndex": index}));
        index += 1;
    };
    if let Some(thinking) = &reply.thinking {
        let words = thinking.split_inclusive(' ').map(|word| object! {"text": word});
        let parts = words.chain([object! {"signature": "c2FuZGJveA=="}]);
        block(parts.map(|part| object! {"reasoningContent": part}).collect());
    }
    if reply.has_text() {
        block(reply.pieces.iter().map(|piece| object! {"text": piece}).collect());
    }
    if let Some(call) = &reply.call {
        // Only a tool's block is announced.
        let tool = object! {"toolUseId": tool_id, "name": &call.name};
        let start = object! {"contentBlockIndex": index, "start": object! {"toolUse": tool}};
        events.push(Event::named("contentBlockStart", &start));
        let deltas = call.pieces().into_iter().map(|piece| object! {"toolUse": object! {"input": piece}});
        events.extend(deltas.map(|delta| {
            Event::named("contentBlockDelta", &object! {"contentBlockIndex": index, "delta": delta})
        }));
        events.push(Event::named("contentBlockStop", &object! {"contentBlockIndex": index}));
    }
    let stop = object! {"stopReason": reply.ended("end_turn", "tool_use")};
    events.push(Event::named("messageStop", &stop));
    let metadata = object! {}.and_some("usage", reply.usage.as_ref().map(usage));
    let metadata = metadata.and("metrics", object! {"latencyMs": LATENCY_MS});
    events.push(Event::named("metadata", &metadata));
    events
}

/// Counts of the cache are only there when the cache was used.
fn usage(usage: &Usage) -> Json {
    let parts = [usage.input, usage.output, usage.cached, usage.cache_creation];
    let total = parts.into_iter().fold(0, u64::saturating_add);
    let cached = usage.cached > 0 || usage.cache_creation > 0;
    object! {"inputTokens": usage.input, "outputTokens": usage.output, "totalTokens": total}
        .and_some("cacheReadInputTokens", cached.then_some(usage.cached))
        .and_some("cacheWriteInputTokens", cached.then_some(usage.cache_creation))
}

//! Mistral: chat completions, embeddings and OCR.

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use serde_json::Value;

use super::Provider;
use super::answer::{CREATED, Reply, Thinking, Usage};
use super::call::{Answer, Call};
use super::json::{Json, list, object};
use super::openai::{EmbeddingInput, embedding_inputs, numbers, read_chat};
use super::refusal::Refusal;
use super::stream::{Event, Framing, streamed, whole};
use crate::server::Shared;

/// How many numbers an embedding has.
const DIMENSIONS: u64 = 8;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/embeddings", post(embeddings))
        .route("/v1/ocr", post(ocr))
}

async fn chat(call: Call) -> Answer {
    let body = call.json()?;
    let ask = read_chat(&call, &body, call.required_text(&body, "model")?)?;
    let script = call.script();
    let reply = Reply::to(&ask, &script, Thinking::InOutput);
    let chat = Chat { id: call.id(""), call_id: call.id("") };
    if body.get("stream").and_then(Value::as_bool) != Some(true) {
        return Ok(whole(&script, &chat.whole(&reply)));
    }
    Ok(streamed(&script, Framing::Sse, chat.events(&reply), |status| {
        let message = format!("the sandbox was told to fail with {status}");
        Event::data(&Refusal::new(Provider::Mistral, status, message).json())
    }))
}

struct Chat {
    id: String,
    call_id: String,
}

impl Chat {
    fn whole(&self, reply: &Reply) -> Json {
        let arguments = |call: &super::answer::ToolCall| call.arguments.to_string();
        let message = object! {
            "role": "assistant",
            "tool_calls": reply.call.as_ref().map(|call| self.tool_calls(&call.name, arguments(call))),
            "content": reply.text(),
        };
        let reason = reply.ended("stop", "tool_calls");
        let choice = object! {"index": 0, "finish_reason": reason, "message": message};
        object! {"id": &self.id, "created": CREATED, "model": &reply.model}
            .and_some("usage", reply.usage.as_ref().map(usage))
            .and("object", "chat.completion")
            .and("choices", list![choice])
    }

    fn events(&self, reply: &Reply) -> Vec<Event> {
        let chunk = |delta: Json, reason: Option<&str>, usage: Option<Json>| {
            let choice = object! {"index": 0, "delta": delta, "finish_reason": reason};
            let chunk = object! {
                "id": &self.id, "object": "chat.completion.chunk", "created": CREATED, "model": &reply.model,
                "choices": list![choice],
            };
            Event::data(&chunk.and_some("usage", usage))
        };
        let mut events = vec![chunk(object! {"role": "assistant", "content": ""}, None, None)];
        events.extend(reply.pieces.iter().map(|piece| chunk(object! {"content": piece}, None, None)));
        // A tool call comes whole, in the last chunk.
        let last = match &reply.call {
            None => object! {"content": ""},
            Some(call) => object! {
                "content": "", "tool_calls": self.tool_calls(&call.name, call.arguments.to_string()),
            },
        };
        let reason = reply.ended("stop", "tool_calls");
        events.push(chunk(last, Some(reason), reply.usage.as_ref().map(usage)));
        events.push(Event::done());
        events
    }

    fn tool_calls(&self, name: &str, arguments: String) -> Json {
        let function = object! {"name": name, "arguments": arguments};
        list![object! {"id": &self.call_id, "function": function, "index": 0}]
    }
}

fn usage(usage: &Usage) -> Json {
    let total = usage.input.saturating_add(usage.output);
    object! {"prompt_tokens": usage.input, "total_tokens": total, "completion_tokens": usage.output}
}

async fn embeddings(call: Call) -> Answer {
    let body = call.json()?;
    let model = call.required_text(&body, "model")?;
    let input = body.get("input").or_else(|| body.get("inputs")).ok_or_else(|| call.missing("input"))?;
    let script = call.script();
    let inputs = embedding_inputs(input);
    let counted = inputs.iter().map(EmbeddingInput::tokens).sum();
    let counts = Usage { input: script.given().input.unwrap_or(counted), ..Usage::default() };
    let dimensions = body.get("output_dimension").and_then(Value::as_u64).unwrap_or(DIMENSIONS);
    let data: Vec<Json> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            object! {"object": "embedding", "embedding": numbers(&input.vector(dimensions)), "index": index}
        })
        .collect();
    let model = script.answer().model.clone().unwrap_or(model);
    let usage = (!script.answer().without_usage).then(|| usage(&counts));
    let answer = object! {"id": call.id(""), "object": "list", "data": data, "model": model};
    Ok(whole(&script, &answer.and_some("usage", usage)))
}

/// Answers with the pages that the request names, or one.
async fn ocr(call: Call) -> Answer {
    let body = call.json()?;
    let model = call.required_text(&body, "model")?;
    if !body.get("document").is_some_and(Value::is_object) {
        return Err(call.missing("document"));
    }
    let script = call.script();
    let asked: Vec<u64> = super::ask::items(&body, "pages").filter_map(Value::as_u64).collect();
    let pages: Vec<u64> = match script.given().pages {
        Some(pages) => (0..pages).collect(),
        None if asked.is_empty() => vec![0],
        None => asked,
    };
    let text = script.answer().text.clone();
    let page = |index: &u64| {
        let markdown = text.clone().unwrap_or_else(|| format!("# Page {}", index.saturating_add(1)));
        let dimensions = object! {"dpi": 200, "height": 2200, "width": 1700};
        object! {"index": *index, "markdown": markdown, "images": list![], "dimensions": dimensions}
    };
    let shown: Vec<Json> = pages.iter().map(page).collect();
    let annotated = body.get("document_annotation_format").is_some_and(Value::is_object);
    let usage = object! {"pages_processed": pages.len(), "doc_size_bytes": ()};
    let usage = (!script.answer().without_usage).then_some(usage);
    let answer = object! {
        "pages": shown,
        "model": script.answer().model.clone().unwrap_or(model),
        "document_annotation": annotated.then_some("{}"),
    };
    Ok(whole(&script, &answer.and_some("usage_info", usage)))
}

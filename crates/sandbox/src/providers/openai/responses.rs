//! `POST responses`.

use serde_json::Value;

use super::{cache, model_of, speaker};
use crate::providers::answer::{CREATED, Reply, Thinking, ToolCall, Usage};
use crate::providers::ask::{Ask, Speaker, Tool, items};
use crate::providers::call::{Answer, Call};
use crate::providers::json::{Json, list, object};
use crate::providers::refusal::{Refusal, openai_kind};
use crate::providers::stream::{Event, Framing, streamed, whole};

pub(super) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let ask = read(&call, &body)?;
    let script = call.script();
    let reply = Reply::to(&ask, &script, Thinking::InOutput);
    let ids = Ids {
        response: call.id("resp_"),
        reasoning: call.id("rs_"),
        message: call.id("msg_"),
        function: call.id("fc_"),
        call: call.id("call_"),
    };
    if body.get("stream").and_then(Value::as_bool) != Some(true) {
        return Ok(whole(&script, &ids.response(&body, &reply, "completed")));
    }
    let place = script.delivery().error_after.map_or(0, |(after, _)| after);
    Ok(streamed(&script, Framing::Sse, Events::of(&ids, &body, &reply), |status| {
        let (_, code) = openai_kind(status);
        let message = format!("the sandbox was told to fail with {status}");
        let code = code.unwrap_or("server_error");
        let error = object! {
            "type": "error", "code": code, "message": message, "param": (), "sequence_number": place,
        };
        Event::named("error", &error)
    }))
}

fn read(call: &Call, body: &Value) -> Result<Ask, Refusal> {
    let mut ask = Ask::new(model_of(call, body)?);
    if let Some(instructions) = body.get("instructions") {
        ask.hear(Speaker::System, instructions);
    }
    match body.get("input") {
        Some(Value::Array(inputs)) => {
            for item in inputs {
                let is_result = item.get("type").and_then(Value::as_str) == Some("function_call_output");
                ask.hear(if is_result { Speaker::Tool } else { speaker(item) }, item);
            }
        }
        Some(input) => ask.hear(Speaker::User, input),
        None => return Err(call.missing("input")),
    }
    let choice = body.get("tool_choice").unwrap_or(&Value::Null);
    if choice.as_str() != Some("none") {
        let functions =
            items(body, "tools").filter(|tool| tool.get("type").is_some_and(|kind| kind == "function"));
        let tools = functions.filter_map(|function| Tool::read(function, "parameters"));
        ask.offer(tools, choice.get("name").and_then(Value::as_str));
    }
    let effort = body.get("reasoning").and_then(|reasoning| reasoning.get("effort")).and_then(Value::as_str);
    ask.thinks = effort.is_some_and(|effort| effort != "none");
    Ok(ask)
}

/// The ids of a response and of what it may hold.
struct Ids {
    response: String,
    reasoning: String,
    message: String,
    function: String,
    call: String,
}

impl Ids {
    /// The response: all of it, or while it is in progress only its head.
    fn response(&self, body: &Value, reply: &Reply, status: &'static str) -> Json {
        let asked = |field: &str| body.get(field).cloned().unwrap_or_default();
        let asked_or = |field: &str, usual: Value| match asked(field) {
            Value::Null => usual,
            value => value,
        };
        let done = status == "completed";
        let output = if done { self.output(reply) } else { Vec::new() };
        object! {
            "id": &self.response, "object": "response", "created_at": CREATED, "status": status,
            "background": false, "error": (), "incomplete_details": (),
            "instructions": asked("instructions"),
            "max_output_tokens": asked("max_output_tokens"),
            "model": &reply.model,
            "output": output,
            "parallel_tool_calls": asked_or("parallel_tool_calls", true.into()),
            "previous_response_id": asked("previous_response_id"),
            "reasoning": asked_or("reasoning", serde_json::json!({"effort": null, "summary": null})),
            "service_tier": "default",
            "store": asked_or("store", true.into()),
            "temperature": asked_or("temperature", 1.0.into()),
            "text": asked_or("text", serde_json::json!({"format": {"type": "text"}})),
            "tool_choice": asked_or("tool_choice", "auto".into()),
            "tools": asked_or("tools", Value::Array(Vec::new())),
            "top_p": asked_or("top_p", 1.0.into()),
            "truncation": asked_or("truncation", "disabled".into()),
            "usage": reply.usage.as_ref().filter(|_| done).map(usage),
            "user": asked("user"),
            "metadata": asked_or("metadata", serde_json::json!({})),
        }
    }

    fn output(&self, reply: &Reply) -> Vec<Json> {
        let reasoning = reply.thinking.as_ref().map(|_| self.reasoning_item());
        let message =
            reply.has_text().then(|| self.message_item("completed", list![text_part(&reply.text())]));
        let call =
            reply.call.as_ref().map(|call| self.call_item("completed", call, &call.arguments.to_string()));
        [reasoning, message, call].into_iter().flatten().collect()
    }

    fn reasoning_item(&self) -> Json {
        object! {"id": &self.reasoning, "type": "reasoning", "summary": list![]}
    }

    fn message_item(&self, status: &str, content: Json) -> Json {
        object! {
            "id": &self.message, "type": "message", "status": status, "content": content, "role": "assistant",
        }
    }

    fn call_item(&self, status: &str, call: &ToolCall, arguments: &str) -> Json {
        object! {
            "id": &self.function, "type": "function_call", "status": status, "arguments": arguments,
            "call_id": &self.call, "name": &call.name,
        }
    }
}

fn text_part(text: &str) -> Json {
    object! {"type": "output_text", "annotations": list![], "logprobs": list![], "text": text}
}

/// The events of a stream, numbered as they come.
#[derive(Default)]
struct Events {
    events: Vec<Event>,
    index: usize,
}

impl Events {
    fn of(ids: &Ids, body: &Value, reply: &Reply) -> Vec<Event> {
        let mut events = Self::default();
        let head = |status| object! {"response": ids.response(body, reply, status)};
        events.push("response.created", head("in_progress"));
        events.push("response.in_progress", head("in_progress"));
        if reply.thinking.is_some() {
            events.item("response.output_item.added", ids.reasoning_item());
            events.item("response.output_item.done", ids.reasoning_item());
            events.index += 1;
        }
        if reply.has_text() {
            events.message(ids, reply);
            events.index += 1;
        }
        if let Some(call) = &reply.call {
            events.function_call(ids, call);
        }
        events.push("response.completed", head("completed"));
        events.events
    }

    fn message(&mut self, ids: &Ids, reply: &Reply) {
        let text = reply.text();
        let place = object! {"item_id": &ids.message, "output_index": self.index, "content_index": 0};
        self.item("response.output_item.added", ids.message_item("in_progress", list![]));
        self.push("response.content_part.added", place.clone().and("part", text_part("")));
        for piece in &reply.pieces {
            let delta = place.clone().and("delta", piece).and("logprobs", list![]);
            self.push("response.output_text.delta", delta);
        }
        self.push("response.output_text.done", place.clone().and("text", &text).and("logprobs", list![]));
        self.push("response.content_part.done", place.and("part", text_part(&text)));
        self.item("response.output_item.done", ids.message_item("completed", list![text_part(&text)]));
    }

    fn function_call(&mut self, ids: &Ids, call: &ToolCall) {
        let arguments = call.arguments.to_string();
        let place = object! {"item_id": &ids.function, "output_index": self.index};
        self.item("response.output_item.added", ids.call_item("in_progress", call, ""));
        for piece in call.pieces() {
            self.push("response.function_call_arguments.delta", place.clone().and("delta", piece));
        }
        let done = place.and("name", &call.name).and("arguments", &arguments);
        self.push("response.function_call_arguments.done", done);
        self.item("response.output_item.done", ids.call_item("completed", call, &arguments));
    }

    fn item(&mut self, name: &'static str, item: Json) {
        let index = self.index;
        self.push(name, object! {"output_index": index, "item": item});
    }

    fn push(&mut self, name: &'static str, rest: Json) {
        let mut fields = vec![("type", name.into()), ("sequence_number", self.events.len().into())];
        if let Json::Object(rest) = rest {
            fields.extend(rest);
        }
        self.events.push(Event::named(name, &Json::Object(fields)));
    }
}

fn usage(usage: &Usage) -> Json {
    object! {
        "input_tokens": usage.input,
        "input_tokens_details": cache(usage),
        "output_tokens": usage.output,
        "output_tokens_details": object! {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input.saturating_add(usage.output),
    }
}

//! `POST chat/completions`.

use serde_json::Value;

use super::{cache, model_of, prompt_filter, read_chat, stream_error, unfiltered};
use crate::providers::Provider;
use crate::providers::answer::{CREATED, Reply, Thinking, Usage};
use crate::providers::call::{Answer, Call};
use crate::providers::json::{Json, list, object};
use crate::providers::stream::{Event, Framing, streamed, whole};

pub(super) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let mut ask = read_chat(&call, &body, model_of(&call, &body)?)?;
    let effort = body.get("reasoning_effort").and_then(Value::as_str);
    ask.thinks = effort.is_some_and(|effort| effort != "none");
    let script = call.script();
    let reply = Reply::to(&ask, &script, Thinking::InOutput);
    let chat =
        Chat { id: call.id("chatcmpl-"), call_id: call.id("call_"), azure: call.provider == Provider::Azure };
    if body.get("stream").and_then(Value::as_bool) != Some(true) {
        return Ok(whole(&script, &chat.whole(&reply)));
    }
    let options = body.get("stream_options");
    let include_usage = options.and_then(|options| options.get("include_usage")).and_then(Value::as_bool);
    let events = chat.events(&reply, include_usage == Some(true));
    Ok(streamed(&script, Framing::Sse, events, |status| Event::data(&stream_error(status))))
}

struct Chat {
    id: String,
    call_id: String,
    azure: bool,
}

impl Chat {
    fn whole(&self, reply: &Reply) -> Json {
        let content = reply.has_text().then(|| reply.text());
        let mut message = object! {"role": "assistant", "content": content};
        if let Some(call) = &reply.call {
            let function = object! {"name": &call.name, "arguments": call.arguments.to_string()};
            let tool_call = object! {"id": &self.call_id, "type": "function", "function": function};
            message = message.and("tool_calls", list![tool_call]);
        }
        let message = message.and("refusal", ()).and("annotations", list![]);
        let reason = reply.ended("stop", "tool_calls");
        let mut choice = object! {"index": 0, "message": message, "logprobs": (), "finish_reason": reason};
        if self.azure {
            choice = choice.and("content_filter_results", unfiltered());
        }
        let answer = object! {
            "id": &self.id, "object": "chat.completion", "created": CREATED, "model": &reply.model,
            "choices": list![choice],
        };
        answer
            .and_some("usage", reply.usage.as_ref().map(usage))
            .and("service_tier", "default")
            .and("system_fingerprint", "fp_sandbox")
            .and_some("prompt_filter_results", self.azure.then(prompt_filter))
    }

    fn events(&self, reply: &Reply, include_usage: bool) -> Vec<Event> {
        let chunk = |choices: Json, usage: Json| {
            let chunk = object! {
                "id": &self.id, "object": "chat.completion.chunk", "created": CREATED, "model": &reply.model,
                "service_tier": "default", "system_fingerprint": "fp_sandbox", "choices": choices,
            };
            // The field is there, and null, only for those who asked for a last chunk with the usage.
            Event::data(&if include_usage { chunk.and("usage", usage) } else { chunk })
        };
        let say = |delta: Json, reason: Option<&str>| {
            let choice = object! {"index": 0, "delta": delta, "logprobs": (), "finish_reason": reason};
            chunk(list![choice], ().into())
        };
        let mut events = Vec::new();
        if self.azure {
            // Azure looks at the prompt first, and says so in a chunk without choices.
            events.push(Event::data(&object! {
                "choices": list![], "created": 0, "id": "", "model": "", "object": "",
                "prompt_filter_results": prompt_filter(),
            }));
        }
        let opening = if reply.has_text() { Some("") } else { None };
        events.push(say(object! {"role": "assistant", "content": opening, "refusal": ()}, None));
        events.extend(reply.pieces.iter().map(|piece| say(object! {"content": piece}, None)));
        if let Some(call) = &reply.call {
            let function = object! {"name": &call.name, "arguments": ""};
            let head = object! {"index": 0, "id": &self.call_id, "type": "function", "function": function};
            events.push(say(object! {"tool_calls": list![head]}, None));
            events.extend(call.pieces().iter().map(|piece| {
                let part = object! {"index": 0, "function": object! {"arguments": piece}};
                say(object! {"tool_calls": list![part]}, None)
            }));
        }
        events.push(say(object! {}, Some(reply.ended("stop", "tool_calls"))));
        if let Some(counts) = reply.usage.as_ref().filter(|_| include_usage) {
            events.push(chunk(list![], usage(counts)));
        }
        events.push(Event::done());
        events
    }
}

fn usage(usage: &Usage) -> Json {
    object! {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input.saturating_add(usage.output),
        "prompt_tokens_details": cache(usage).and("audio_tokens", 0),
        "completion_tokens_details": object! {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
}

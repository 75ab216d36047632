//! Gemini's Interactions API: `POST /v1beta/interactions`.

use serde_json::Value;

use super::answer::{Reply, Thinking, Usage};
use super::ask::{Ask, Speaker, Tool, items};
use super::call::{Answer, Call};
use super::json::{Json, list, object};
use super::refusal::{Refusal, gemini_status};
use super::stream::{Event, Framing, streamed, whole};

/// When every interaction was made: answers are the same each time.
const CREATED: &str = "2025-01-01T00:00:00Z";

/// What stands for the signature of a thought.
const SIGNATURE: &str = "c2FuZGJveA==";

pub(super) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let ask = read(&call, &body)?;
    let script = call.script();
    let reply = Reply::to(&ask, &script, Thinking::Apart);
    let is = |field: &str| body.get(field).and_then(Value::as_bool) == Some(true);
    let interaction = Interaction { id: call.id("v1_"), call: call.id("call_"), is_agent: is_agent(&body) };
    if is("stream") {
        return Ok(streamed(&script, Framing::Sse, interaction.events(&reply), |status| {
            let message = format!("the sandbox was told to fail with {status}");
            let code = gemini_status(status).to_ascii_lowercase();
            let error = object! {"error": object! {"message": message, "code": code}, "event_type": "error"};
            Event::named("error", &error)
        }));
    }
    // One in the background is answered before anything is done.
    let answer = if is("background") { interaction.begun(&reply) } else { interaction.whole(&reply) };
    Ok(whole(&script, &answer))
}

fn is_agent(body: &Value) -> bool {
    body.get("agent").is_some_and(Value::is_string)
}

fn read(call: &Call, body: &Value) -> Result<Ask, Refusal> {
    let model = call.required_text(body, if is_agent(body) { "agent" } else { "model" })?;
    let mut ask = Ask::new(model);
    if let Some(instruction) = body.get("system_instruction") {
        ask.hear(Speaker::System, instruction);
    }
    match body.get("input") {
        // Steps, or the content of one.
        Some(Value::Array(inputs)) if inputs.iter().any(is_step) => {
            for step in inputs {
                match kind(step) {
                    "model_output" => ask.hear(Speaker::Assistant, step),
                    "function_result" => ask.hear(Speaker::Tool, step.get("result").unwrap_or(&Value::Null)),
                    "user_input" => ask.hear(Speaker::User, step),
                    _ => {}
                }
            }
        }
        Some(input) => ask.hear(Speaker::User, input),
        None => return Err(call.missing("input")),
    }
    let config = body.get("generation_config").unwrap_or(&Value::Null);
    if config.get("tool_choice").and_then(Value::as_str) != Some("none") {
        let functions = items(body, "tools").filter(|tool| kind(tool) == "function");
        ask.offer(functions.filter_map(|function| Tool::read(function, "parameters")), None);
    }
    ask.thinks = config.get("thinking_level").is_some_and(|level| level.is_string());
    Ok(ask)
}

fn kind(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn is_step(value: &Value) -> bool {
    matches!(kind(value), "user_input" | "model_output" | "function_call" | "function_result" | "thought")
}

/// An interaction, as it is told whole and in events.
struct Interaction {
    id: String,
    call: String,
    is_agent: bool,
}

impl Interaction {
    fn head(&self, reply: &Reply, status: &str) -> Json {
        let made_by = if self.is_agent { "agent" } else { "model" };
        object! {"id": &self.id, "object": "interaction", "status": status}.and(made_by, &reply.model)
    }

    fn whole(&self, reply: &Reply) -> Json {
        let thought = reply.thinking.as_ref().map(|thought| {
            object! {
                "type": "thought", "signature": SIGNATURE,
                "summary": list![object! {"type": "text", "text": thought}],
            }
        });
        let text = reply.has_text().then(|| {
            object! {
                "type": "model_output", "content": list![object! {"type": "text", "text": reply.text()}],
            }
        });
        let call = self.call_step(reply, |arguments| arguments.into());
        let steps: Vec<Json> = [thought, text, call].into_iter().flatten().collect();
        self.head(reply, ended(reply))
            .and("created", CREATED)
            .and("updated", CREATED)
            .and("steps", steps)
            .and_some("usage", reply.usage.as_ref().map(usage))
    }

    /// An interaction that goes on after its answer.
    fn begun(&self, reply: &Reply) -> Json {
        self.head(reply, "in_progress").and("created", CREATED).and("updated", CREATED)
    }

    fn events(&self, reply: &Reply) -> Vec<Event> {
        let mut events = Events::default();
        events.push("interaction.created", object! {"interaction": self.head(reply, "in_progress")});
        let status = object! {"interaction_id": &self.id, "status": "in_progress"};
        events.push("interaction.status_update", status);
        if let Some(thought) = &reply.thinking {
            let words = thought.split_inclusive(' ');
            let summary = words.map(
                |word| object! {"type": "thought_summary", "content": object! {"type": "text", "text": word}},
            );
            let signature = object! {"type": "thought_signature", "signature": SIGNATURE};
            events.step(object! {"type": "thought"}, summary.chain([signature]));
        }
        if reply.has_text() {
            let deltas = reply.pieces.iter().map(|piece| object! {"type": "text", "text": piece});
            events.step(object! {"type": "model_output"}, deltas);
        }
        if let Some(call) = &reply.call {
            let deltas = call.pieces().into_iter();
            let deltas = deltas.map(|piece| object! {"type": "arguments_delta", "arguments": piece});
            let step = self.call_step(reply, |_| object! {});
            events.step(step.unwrap_or_else(|| ().into()), deltas);
        }
        let last = self.head(reply, ended(reply)).and_some("usage", reply.usage.as_ref().map(usage));
        events.push("interaction.completed", object! {"interaction": last});
        events.events.push(Event { kind: "event", name: "done", data: "[DONE]".to_owned() });
        events.events
    }

    fn call_step(&self, reply: &Reply, arguments: impl FnOnce(Value) -> Json) -> Option<Json> {
        let call = reply.call.as_ref()?;
        let arguments = arguments(call.arguments.clone());
        Some(object! {
            "type": "function_call", "id": &self.call, "name": &call.name, "arguments": arguments,
        })
    }
}

/// The events of a stream, and how many steps there were.
#[derive(Default)]
struct Events {
    events: Vec<Event>,
    index: usize,
}

impl Events {
    fn step(&mut self, step: Json, deltas: impl Iterator<Item = Json>) {
        let index = self.index;
        self.push("step.start", object! {"index": index, "step": step});
        for delta in deltas {
            self.push("step.delta", object! {"index": index, "delta": delta});
        }
        self.push("step.stop", object! {"index": index});
        self.index += 1;
    }

    fn push(&mut self, name: &'static str, event: Json) {
        self.events.push(Event::named(name, &event.and("event_type", name)));
    }
}

fn ended(reply: &Reply) -> &'static str {
    reply.ended("completed", "requires_action")
}

fn usage(usage: &Usage) -> Json {
    let total = usage.input.saturating_add(usage.output).saturating_add(usage.reasoning);
    object! {
        "total_tokens": total,
        "total_input_tokens": usage.input,
        "input_tokens_by_modality": list![object! {"modality": "text", "tokens": usage.input}],
        "total_cached_tokens": usage.cached,
        "total_output_tokens": usage.output,
        "total_tool_use_tokens": 0,
        "total_thought_tokens": usage.reasoning,
    }
}

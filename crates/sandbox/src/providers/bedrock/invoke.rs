//! `POST /model/{id}/invoke` and `invoke-with-response-stream`, in the shape of each model's maker.

use axum::extract::Path;
use axum::http::HeaderValue;
use axum::response::Response;
use serde_json::Value;

use super::{LATENCY_MS, failure};
use crate::providers::answer::{Reply, Thinking, Usage};
use crate::providers::anthropic::{self, Message};
use crate::providers::ask::{Ask, Speaker, tokens};
use crate::providers::base64;
use crate::providers::call::{Answer, Call};
use crate::providers::json::{Json, list, object};
use crate::providers::refusal::Refusal;
use crate::providers::script::Script;
use crate::providers::stream::{Event, Framing, half, streamed, whole};

/// How many numbers an embedding has, unless the request says otherwise.
const DIMENSIONS: u64 = 8;

/// Whose body a model speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    Anthropic,
    TitanText,
    TitanEmbedding,
    Llama,
}

impl Maker {
    /// The maker in a model id, which may begin with a region or be the end of an ARN.
    fn of(model: &str) -> Option<Self> {
        if model.contains("anthropic.") {
            Some(Self::Anthropic)
        } else if model.contains("amazon.titan-embed") {
            Some(Self::TitanEmbedding)
        } else if model.contains("amazon.titan") {
            Some(Self::TitanText)
        } else if model.contains("meta.llama") {
            Some(Self::Llama)
        } else {
            None
        }
    }
}

/// A request that is understood, and its answer.
struct Invocation {
    maker: Maker,
    body: Value,
    script: Script,
    reply: Reply,
}

pub(super) async fn create(Path(model): Path<String>, call: Call) -> Answer {
    let Invocation { maker, body, script, reply } = read(&call, model)?;
    let (text, usage) = (reply.text(), reply.usage.as_ref());
    let answer = match maker {
        Maker::Anthropic => Message::of(&call, None).whole(&reply),
        Maker::TitanText => {
            let result = object! {}
                .and_some("tokenCount", usage.map(|counts| counts.output))
                .and("outputText", text)
                .and("completionReason", "FINISH");
            object! {}
                .and_some("inputTextTokenCount", usage.map(|counts| counts.input))
                .and("results", list![result])
        }
        Maker::TitanEmbedding => {
            let dimensions = body.get("dimensions").and_then(Value::as_u64).unwrap_or(DIMENSIONS);
            let input = body.get("inputText").and_then(Value::as_str).unwrap_or_default();
            let axis = tokens(input) % dimensions.max(1);
            let numbers = (0..dimensions).map(|place| if place == axis { 1.0 } else { 0.0 }.into());
            let embedding = Json::List(numbers.collect());
            object! {"embedding": embedding}.and_some("inputTextTokenCount", usage.map(|counts| counts.input))
        }
        Maker::Llama => object! {"generation": text}
            .and_some("prompt_token_count", usage.map(|counts| counts.input))
            .and_some("generation_token_count", usage.map(|counts| counts.output))
            .and("stop_reason", "stop"),
    };
    let mut response = whole(&script, &answer);
    if let Some(counts) = usage {
        add_counts(&mut response, maker, counts);
    }
    Ok(response)
}

pub(super) async fn stream(Path(model): Path<String>, call: Call) -> Answer {
    let Invocation { maker, script, reply, .. } = read(&call, model)?;
    let metrics = reply.usage.as_ref().map(metrics);
    let bodies: Vec<String> = match maker {
        Maker::Anthropic => {
            Message::of(&call, metrics).events(&reply).into_iter().map(|event| event.data).collect()
        }
        Maker::TitanText => titan_chunks(&reply, metrics.as_ref()),
        Maker::Llama => llama_chunks(&reply, metrics.as_ref()),
        Maker::TitanEmbedding => {
            return Err(call.refuse(400, "The model is unsupported for streaming"));
        }
    };
    let malformed = script.malformed();
    let events = bodies
        .iter()
        .enumerate()
        .map(|(place, body)| {
            // What is broken is the model's JSON, in an envelope that is whole.
            let body = if malformed == Some(place) { half(body) } else { body.clone() };
            Event::named("chunk", &object! {"bytes": base64::encode(body.as_bytes())})
        })
        .collect();
    let mut response = streamed(&script.well_formed(), Framing::Aws, events, failure);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert("x-amzn-bedrock-content-type", json);
    Ok(response)
}

fn read(call: &Call, model: String) -> Result<Invocation, Refusal> {
    let invalid = "The provided model identifier is invalid.";
    let maker = Maker::of(&model).ok_or_else(|| call.refuse(400, invalid))?;
    let body = call.json()?;
    let ask = match maker {
        Maker::Anthropic => {
            if body.get("anthropic_version").is_none() {
                return Err(call.refuse(400, "anthropic_version: Field required"));
            }
            anthropic::read(call, &body, named_by_anthropic(&model))?
        }
        Maker::TitanText | Maker::TitanEmbedding => prompt(call, &body, model, "inputText")?,
        Maker::Llama => prompt(call, &body, model, "prompt")?,
    };
    let script = call.script();
    let reply = Reply::to(&ask, &script, Thinking::InOutput);
    Ok(Invocation { maker, body, script, reply })
}

/// The model's name in Anthropic's own answer: `claude-x` of `us.anthropic.claude-x-v1:0`.
fn named_by_anthropic(model: &str) -> String {
    let name = model.rsplit_once("anthropic.").map_or(model, |(_, name)| name);
    let name =
        name.rsplit_once("-v").filter(|(_, version)| version.contains(':')).map_or(name, |(name, _)| name);
    name.to_owned()
}

fn prompt(call: &Call, body: &Value, model: String, field: &str) -> Result<Ask, Refusal> {
    let text = body.get(field).filter(|text| text.is_string()).ok_or_else(|| call.missing(field))?;
    let mut ask = Ask::new(model);
    ask.hear(Speaker::User, text);
    Ok(ask)
}

fn titan_chunks(reply: &Reply, metrics: Option<&Json>) -> Vec<String> {
    let input = reply.usage.as_ref().map(|counts| counts.input);
    let chunk = |text: &str, total: Option<u64>, reason: Option<&str>, input: Option<u64>| {
        object! {
            "outputText": text, "index": 0, "totalOutputTextTokenCount": total, "completionReason": reason,
            "inputTextTokenCount": input,
        }
    };
    let mut chunks: Vec<String> = reply
        .pieces
        .iter()
        .enumerate()
        .map(|(place, piece)| chunk(piece, None, None, input.filter(|_| place == 0)).text())
        .collect();
    let last = chunk("", reply.usage.as_ref().map(|counts| counts.output), Some("FINISH"), None);
    chunks.push(last.and_some("amazon-bedrock-invocationMetrics", metrics.cloned()).text());
    chunks
}

fn llama_chunks(reply: &Reply, metrics: Option<&Json>) -> Vec<String> {
    let input = reply.usage.as_ref().map(|counts| counts.input);
    let chunk = |text: &str, input: Option<u64>, output: Option<u64>, reason: Option<&str>| {
        object! {
            "generation": text, "prompt_token_count": input, "generation_token_count": output,
            "stop_reason": reason,
        }
    };
    let output = reply.usage.as_ref().map(|counts| counts.output);
    let so_far =
        |place: usize| output.map(|all| all.min(u64::try_from(place).unwrap_or(all).saturating_add(1)));
    let mut chunks: Vec<String> = reply
        .pieces
        .iter()
        .enumerate()
        .map(|(place, piece)| chunk(piece, input.filter(|_| place == 0), so_far(place), None).text())
        .collect();
    let last = chunk("", None, output, Some("stop"));
    chunks.push(last.and_some("amazon-bedrock-invocationMetrics", metrics.cloned()).text());
    chunks
}

fn metrics(usage: &Usage) -> Json {
    let some = |count: u64| (count > 0).then_some(count);
    object! {
        "inputTokenCount": usage.input,
        "outputTokenCount": usage.output,
        "invocationLatency": LATENCY_MS,
        "firstByteLatency": LATENCY_MS,
    }
    .and_some("cacheReadInputTokenCount", some(usage.cached))
    .and_some("cacheWriteInputTokenCount", some(usage.cache_creation))
}

/// Puts the counts into headers, where they are for every model.
fn add_counts(response: &mut Response, maker: Maker, usage: &Usage) {
    let output = if maker == Maker::TitanEmbedding { None } else { Some(usage.output) };
    let cache = |count: u64| (count > 0).then_some(count);
    for (name, count) in [
        ("x-amzn-bedrock-invocation-latency", Some(LATENCY_MS)),
        ("x-amzn-bedrock-input-token-count", Some(usage.input)),
        ("x-amzn-bedrock-output-token-count", output),
        ("x-amzn-bedrock-cache-read-input-token-count", cache(usage.cached)),
        ("x-amzn-bedrock-cache-write-input-token-count", cache(usage.cache_creation)),
    ] {
        if let Some(count) = count {
            response.headers_mut().insert(name, count.into());
        }
    }
}

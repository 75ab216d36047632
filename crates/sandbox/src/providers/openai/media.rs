//! `POST images/generations` and `POST audio/transcriptions`.

use serde_json::Value;

use super::model_of;
use crate::providers::answer::CREATED;
use crate::providers::ask::tokens;
use crate::providers::call::{Answer, Call};
use crate::providers::json::{Json, list, object};
use crate::providers::multipart;
use crate::providers::stream::{text, whole};

/// What every image costs.
const TOKENS_PER_IMAGE: u64 = 100;

/// A second of 16-bit mono sound at 16 kHz.
const BYTES_PER_SECOND: f64 = 32_000.0;

/// A PNG of one transparent pixel, in base64.
const PIXEL: &str = "\
    iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR4nGNg\
    AAIAAAUAAXpeqz8AAAAASUVORK5CYII=";

pub(super) async fn generate(call: Call) -> Answer {
    let body = call.json()?;
    let prompt = call.required_text(&body, "prompt")?;
    let model = model_of(&call, &body).or_else(|refusal| match body.get("model") {
        None if call.parameter("api-version").is_none() => Ok("dall-e-2".to_owned()),
        _ => Err(refusal),
    })?;
    let script = call.script();
    let count = body.get("n").and_then(Value::as_u64).unwrap_or(1);
    let asked = |field: &str| body.get(field).and_then(Value::as_str).filter(|value| *value != "auto");
    let older = model.starts_with("dall-e");
    let as_url = older && asked("response_format") != Some("b64_json");
    let image = |number: u64| {
        let image = if as_url {
            object! {"url": format!("https://images.invalid/{}/{number}.png", call.id("img_"))}
        } else {
            object! {"b64_json": PIXEL}
        };
        image.and_some("revised_prompt", (model == "dall-e-3").then_some(&prompt))
    };
    let data: Vec<Json> = (0..count).map(image).collect();
    if older {
        return Ok(whole(&script, &object! {"created": CREATED, "data": data}));
    }
    let given = script.given();
    let input = given.input.unwrap_or_else(|| tokens(&prompt));
    let output = given.output.unwrap_or(count.saturating_mul(TOKENS_PER_IMAGE));
    let usage = object! {
        "input_tokens": input,
        "input_tokens_details": object! {"image_tokens": 0, "text_tokens": input},
        "output_tokens": output,
        "total_tokens": input.saturating_add(output),
    };
    let answer = object! {
        "created": CREATED,
        "background": asked("background").unwrap_or("opaque"),
        "data": data,
        "output_format": asked("output_format").unwrap_or("png"),
        "quality": asked("quality").unwrap_or("high"),
        "size": asked("size").unwrap_or("1024x1024"),
    };
    let usage = (!script.answer().without_usage).then_some(usage);
    Ok(whole(&script, &answer.and_some("usage", usage)))
}

pub(super) async fn transcribe(call: Call) -> Answer {
    let content_type = call.header("content-type").unwrap_or_default();
    let fields = multipart::fields(content_type, &call.body)
        .ok_or_else(|| call.refuse(400, "the body is not multipart/form-data"))?;
    let field = |name: &str| fields.iter().find(|field| field.name == name).map(|field| field.value);
    let text_field = |name: &str| field(name).map(|value| String::from_utf8_lossy(value).into_owned());
    let file = field("file").ok_or_else(|| call.missing("file"))?;
    let model = model_of(&call, &serde_json::json!({"model": text_field("model")}))?;
    let script = call.script();
    let given = script.given();
    let seconds = given.seconds.unwrap_or(file.len() as f64 / BYTES_PER_SECOND);
    let said = script.answer().text.clone();
    let said = said.unwrap_or_else(|| format!("A recording of {} bytes.", file.len()));
    // It is billed by started seconds.
    let duration = || object! {"type": "duration", "seconds": whole_seconds(seconds)};
    let with_usage = !script.answer().without_usage;
    match text_field("response_format").as_deref() {
        Some("text") => Ok(text(&script, "text/plain; charset=utf-8", format!("{said}\n"))),
        Some("srt") => {
            let end = clock(seconds, ',');
            Ok(text(&script, "text/plain; charset=utf-8", format!("1\n00:00:00,000 --> {end}\n{said}\n\n")))
        }
        Some("vtt") => {
            let end = clock(seconds, '.');
            let body = format!("WEBVTT\n\n00:00:00.000 --> {end}\n{said}\n\n");
            Ok(text(&script, "text/vtt; charset=utf-8", body))
        }
        Some("verbose_json") => {
            let answer = object! {
                "task": "transcribe", "language": "english", "duration": seconds, "text": &said,
                "segments": list![segment(&said, seconds)],
            };
            Ok(whole(&script, &answer.and_some("usage", with_usage.then(duration))))
        }
        _ => {
            let usage = if model.starts_with("whisper") {
                duration()
            } else {
                // Ten tokens for each started second of sound.
                let output = given.output.unwrap_or_else(|| tokens(&said));
                token_usage(given.input.unwrap_or_else(|| whole_seconds(seconds).saturating_mul(10)), output)
            };
            Ok(whole(&script, &object! {"text": said}.and_some("usage", with_usage.then_some(usage))))
        }
    }
}

fn token_usage(input: u64, output: u64) -> Json {
    object! {
        "type": "tokens",
        "input_tokens": input,
        "input_token_details": object! {"text_tokens": 0, "audio_tokens": input},
        "output_tokens": output,
        "total_tokens": input.saturating_add(output),
    }
}

fn segment(text: &str, seconds: f64) -> Json {
    object! {
        "id": 0, "seek": 0, "start": 0.0, "end": seconds, "text": text, "tokens": list![], "temperature": 0.0,
        "avg_logprob": -0.25, "compression_ratio": 1.0, "no_speech_prob": 0.01,
    }
}

fn whole_seconds(seconds: f64) -> u64 {
    seconds.ceil() as u64
}

/// A time as subtitles write it.
fn clock(seconds: f64, point: char) -> String {
    let millis = (seconds * 1000.0) as u64;
    let (whole, millis) = (millis / 1000, millis % 1000);
    format!("{:02}:{:02}:{:02}{point}{millis:03}", whole / 3600, whole / 60 % 60, whole % 60)
}

//! What call of an AI provider a request is.

use std::borrow::Cow;

use opentelemetry::KeyValue;
use percent_encoding::percent_decode_str;

use super::ask::ask_for_usage;
use super::providers::{Provider, Providers, Speaks};
use super::request::{self, Body};

/// A request, as far as it tells what it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request<'a> {
    pub method: &'a str,
    /// With its port, if there is one.
    pub host: &'a str,
    /// As it is sent, with or without the query.
    pub path: &'a str,
    /// None if it is not at hand, as with a body that is streamed.
    pub body: Option<&'a [u8]>,
}

/// A call that is counted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recognized {
    /// The span's, without `paid.trace.`.
    pub name: String,
    pub system: Cow<'static, str>,
    pub operation: &'static str,
    pub format: Format,
    /// Whether the answer comes as a stream.
    pub stream: bool,
    /// Attributes that the request tells.
    pub attributes: Vec<KeyValue>,
    /// Those that hold only if it succeeds.
    pub on_success: Vec<KeyValue>,
    /// How long the audio is that is sent.
    pub audio_seconds: Option<f64>,
    /// The model that was asked for, which is told where the answer names none.
    pub model: Option<String>,
    /// The output is told without reasoning, and only the total tells of that.
    pub reasoning_is_untold: bool,
    /// Whether the provider can be asked for the usage of a stream.
    pub(super) can_ask: bool,
}

/// How an answer tells its usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Chat,
    /// As `Chat`; a stream's usage comes with the reason why it finished.
    MistralChat,
    Responses,
    Embeddings,
    Images,
    Transcription,
    /// Audio, whose price is that of the text.
    Speech,
    Messages,
    Gemini,
    Interactions,
    /// Vertex's embeddings.
    Predict,
    Ocr,
    Converse,
    /// Bodies of the model's own, and token counts in headers.
    Invoke,
}

type Row = (&'static str, &'static str, &'static str, Format);

/// The end of the path, the resource and method of the span's name, the operation, and the format.
const OPENAI: [Row; 10] = [
    ("/chat/completions", "chat.completions.create", "chat", Format::Chat),
    ("/completions", "completions.create", "text_completion", Format::Chat),
    ("/responses", "responses.create", "chat", Format::Responses),
    ("/responses/compact", "responses.compact", "chat", Format::Responses),
    ("/embeddings", "embeddings.create", "embeddings", Format::Embeddings),
    ("/images/generations", "images.generate", "image_generation", Format::Images),
    ("/images/edits", "images.edit", "image_generation", Format::Images),
    ("/audio/transcriptions", "audio.transcriptions.create", "transcription", Format::Transcription),
    ("/audio/translations", "audio.translations.create", "transcription", Format::Transcription),
    ("/audio/speech", "audio.speech.create", "speech", Format::Speech),
];
const ANTHROPIC: [Row; 1] = [("/messages", "messages.create", "messages", Format::Messages)];
const MISTRAL: [Row; 7] = [
    ("/chat/completions", "chat.complete", "chat", Format::MistralChat),
    ("/fim/completions", "fim.complete", "text_completion", Format::MistralChat),
    ("/agents/completions", "agents.complete", "chat", Format::MistralChat),
    ("/embeddings", "embeddings.create", "embeddings", Format::Embeddings),
    ("/ocr", "ocr.process", "ocr", Format::Ocr),
    ("/audio/transcriptions", "audio.transcriptions.complete", "transcription", Format::Transcription),
    ("/audio/speech", "audio.speech.complete", "speech", Format::Speech),
];
/// Mistral's models on Vertex.
const MISTRAL_RAW: Row = ("", "chat.complete", "chat", Format::MistralChat);
const PREDICT: Row = ("predict", "models.embed_content", "embeddings", Format::Predict);
/// What comes after the model's name and a colon.
const GEMINI: [Row; 4] = [
    ("generateContent", "models.generate_content", "generate_content", Format::Gemini),
    ("streamGenerateContent", "models.generate_content", "generate_content", Format::Gemini),
    ("embedContent", "models.embed_content", "embeddings", Format::Gemini),
    ("batchEmbedContents", "models.embed_content", "embeddings", Format::Gemini),
];
/// The end of the path, as of the others.
const INTERACTIONS: [Row; 1] =
    [("/interactions", "interactions.create", "generate_content", Format::Interactions)];
/// What comes after the model's id and a slash.
const BEDROCK: [Row; 4] = [
    ("converse", "converse", "converse", Format::Converse),
    ("converse-stream", "converse_stream", "converse_stream", Format::Converse),
    ("invoke", "invoke_model", "invoke_model", Format::Invoke),
    (
        "invoke-with-response-stream",
        "invoke_model_with_response_stream",
        "invoke_model_with_response_stream",
        Format::Invoke,
    ),
];

/// The call that a request is; none if it is none that is counted.
pub(crate) fn recognize(providers: &Providers, request: &Request<'_>) -> Option<Recognized> {
    // Most requests of a shared client are none; that should cost nothing.
    if !request.method.eq_ignore_ascii_case("POST") {
        return None;
    }
    let recognized = recognize_as(&providers.find(request.host, request.path)?, request)?;
    Some(Recognized { can_ask: recognized.can_ask && providers.asks(), ..recognized })
}

/// The same, where it is known what the host speaks. Whether streams are asked for their usage is the adapter's to heed.
pub(crate) fn recognize_as(speaks: &Speaks, request: &Request<'_>) -> Option<Recognized> {
    if !request.method.eq_ignore_ascii_case("POST") {
        return None;
    }
    let (path, query) = request.path.split_once('?').unwrap_or((request.path, ""));
    let route = Route::find(speaks, path.trim_end_matches('/'))?;
    let format = route.row.3;
    let body = match request.body {
        Some(bytes)
            if !matches!(format, Format::Converse | Format::Invoke | Format::Gemini | Format::Predict) =>
        {
            request::read(bytes)
        }
        _ => Body::default(),
    };
    let mut call = route.call(&body, can_ask(query));
    call.reasoning_is_untold = speaks.provider == Provider::Gemini && format == Format::Chat;
    if format == Format::Speech
        && let Some(characters @ 1..) = request.body.and_then(request::characters_of_input)
    {
        let characters = i64::try_from(characters).unwrap_or(i64::MAX);
        call.on_success.push(KeyValue::new("gen_ai.usage.input_characters", characters));
    }
    Some(call)
}

/// A request that has the form of a provider's call, whatever its host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resemblance {
    pub provider: Provider,
    /// The end of its path, as the provider has it.
    pub path: &'static str,
}

/// Ends of paths that only calls of models have, and those that other services have too.
const OWN: [(Provider, &str); 5] = [
    (Provider::OpenAi, "/chat/completions"),
    (Provider::Gemini, ":generateContent"),
    (Provider::Gemini, ":streamGenerateContent"),
    (Provider::Gemini, ":embedContent"),
    (Provider::Gemini, ":batchEmbedContents"),
];
const COMMON: [(Provider, &str); 12] = [
    (Provider::OpenAi, "/v1/completions"),
    (Provider::OpenAi, "/v1/responses"),
    (Provider::OpenAi, "/v1/embeddings"),
    (Provider::OpenAi, "/v1/images/generations"),
    (Provider::OpenAi, "/v1/images/edits"),
    (Provider::OpenAi, "/v1/audio/transcriptions"),
    (Provider::OpenAi, "/v1/audio/translations"),
    (Provider::OpenAi, "/v1/audio/speech"),
    (Provider::Anthropic, "/v1/messages"),
    (Provider::Mistral, "/v1/fim/completions"),
    (Provider::Mistral, "/v1/ocr"),
    (Provider::Gemini, "/v1beta/interactions"),
];

/// Which provider's call a request looks like. Where the path could be another service's, its body has to name a model,
/// if it is at hand.
pub(super) fn resembles(request: &Request<'_>) -> Option<Resemblance> {
    if !request.method.eq_ignore_ascii_case("POST") {
        return None;
    }
    let path = request.path.split_once('?').map_or(request.path, |(path, _)| path).trim_end_matches('/');
    let find = |rows: &[(Provider, &'static str)]| {
        let row = rows.iter().find(|(_, end)| path.ends_with(end))?;
        Some(Resemblance { provider: row.0, path: row.1 })
    };
    let of_row = |provider: Provider, row: &Row| Resemblance { provider, path: row.0 };
    let deployed = || {
        let row = by_end(compatible(path)?, path)?;
        Some(of_row(Provider::OpenAi, row))
    };
    let of_bedrock = || {
        let (_, rest) = path.split_once("/model/")?;
        let (_, action) = rest.rsplit_once('/')?;
        Some(of_row(Provider::Bedrock, BEDROCK.iter().find(|row| row.0 == action)?))
    };
    find(&OWN).or_else(of_bedrock).or_else(deployed).or_else(|| {
        let names_model = request.body.is_none_or(|body| {
            let body = request::read(body);
            body.model.is_some() || body.agent.is_some()
        });
        find(&COMMON).filter(|_| names_model)
    })
}

/// The row that a path ends with: "/chat/completions" is the longer one of two that fit.
fn by_end(rows: &'static [Row], path: &str) -> Option<&'static Row> {
    rows.iter().filter(|row| path.ends_with(row.0)).max_by_key(|row| row.0.len())
}

/// Whether the version of the API, which Azure wants in the query, has `stream_options`.
fn can_ask(query: &str) -> bool {
    let version = query.split('&').find_map(|pair| pair.strip_prefix("api-version="));
    // Dates in the order of their digits; others, such as "preview", are newer.
    version.is_none_or(|version| !version.starts_with("20") || version >= "2024-09-01")
}

struct Route<'a> {
    system: Cow<'static, str>,
    row: &'static Row,
    /// The model, where the path names it.
    in_path: Option<Cow<'a, str>>,
    stream: bool,
}

impl<'a> Route<'a> {
    fn find(speaks: &Speaks, path: &'a str) -> Option<Self> {
        let system = speaks.system.clone();
        let by_end = |rows: &'static [Row]| {
            let row = by_end(rows, path)?;
            Some(Route { system: system.clone(), row, in_path: None, stream: false })
        };
        // The name that a host was given counts for all that it serves.
        let anthropic = |route: Route<'a>| match speaks.is_named {
            true => route,
            false => Route { system: "anthropic".into(), ..route },
        };
        match speaks.provider {
            Provider::OpenAi if path.contains("/anthropic/") => by_end(&ANTHROPIC).map(anthropic),
            Provider::OpenAi => by_end(&OPENAI)
                .map(|route| Route { in_path: deployment(path), ..route })
                .or_else(|| path.ends_with("/v1/messages").then(|| by_end(&ANTHROPIC))?.map(anthropic)),
            // It has a service for OpenAI's clients beside its own.
            Provider::Anthropic => by_end(&ANTHROPIC).or_else(|| by_end(&OPENAI)),
            Provider::Mistral => by_end(&MISTRAL),
            Provider::Gemini => Self::gemini(system.clone(), path)
                .or_else(|| by_end(&INTERACTIONS))
                .or_else(|| by_end(compatible(path)?)),
            // Beside its own API, those of OpenAI and Anthropic.
            Provider::Bedrock => Self::bedrock(system.clone(), path)
                .or_else(|| path.ends_with("/v1/messages").then(|| by_end(&ANTHROPIC))?)
                .or_else(|| {
                    (path.contains("/v1/") || compatible(path).is_some()).then(|| by_end(&OPENAI))?
                }),
        }
    }

    fn gemini(system: Cow<'static, str>, path: &'a str) -> Option<Self> {
        let (before, action) = path.rsplit_once(':')?;
        let (before, model) = before.rsplit_once('/')?;
        // Counting tokens is free.
        if model == "count-tokens" {
            return None;
        }
        let stream = action == "streamRawPredict";
        if before.ends_with("/publishers/mistralai/models") && (stream || action == "rawPredict") {
            return Some(Route {
                system: "mistral".into(),
                row: &MISTRAL_RAW,
                in_path: Some(decoded(model)),
                stream,
            });
        }
        // Other models have the same action, and are not priced by their text.
        if before.ends_with("/publishers/google/models")
            && action == "predict"
            && ["embedding", "gecko"].iter().any(|name| model.contains(name))
        {
            return Some(Route { system, row: &PREDICT, in_path: Some(decoded(model)), stream: false });
        }
        if before.ends_with("/publishers/anthropic/models")
            && matches!(action, "rawPredict" | "streamRawPredict")
        {
            let [row] = &ANTHROPIC;
            return Some(Route { system: "anthropic".into(), row, in_path: Some(decoded(model)), stream });
        }
        let row = GEMINI.iter().find(|row| row.0 == action)?;
        let stream = action == "streamGenerateContent";
        Some(Route { system, row, in_path: Some(decoded(model)), stream })
    }

    fn bedrock(system: Cow<'static, str>, path: &'a str) -> Option<Self> {
        let (_, rest) = path.split_once("/model/")?;
        let (model, action) = rest.rsplit_once('/')?;
        let row = BEDROCK.iter().find(|row| row.0 == action)?;
        let stream = action.ends_with("-stream");
        Some(Route { system, row, in_path: Some(decoded(model)), stream })
    }

    fn call(self, body: &Body, can_ask: bool) -> Recognized {
        let (_, method, operation, format) = *self.row;
        let (mut attributes, mut on_success) = (Vec::new(), Vec::new());
        let model = body.model.clone().or_else(|| self.in_path.as_deref().map(str::to_string));
        match format {
            Format::Images => {
                attributes.push(KeyValue::new("gen_ai.request.model", model.clone().unwrap_or_default()));
                on_success.extend(of_images(body));
            }
            Format::Transcription | Format::Speech => {
                attributes.push(KeyValue::new("gen_ai.request.model", model.clone().unwrap_or_default()));
            }
            Format::Converse | Format::Invoke => {
                let model = self.in_path.as_deref().unwrap_or_default();
                attributes.push(KeyValue::new("gen_ai.request.model", model.to_string()));
            }
            Format::Interactions => {
                if let Some(agent) = &body.agent {
                    attributes.push(KeyValue::new("gen_ai.agent.name", agent.clone()));
                }
            }
            Format::Ocr if body.annotated => {
                attributes.push(KeyValue::new("gen_ai.ocr.annotated", "true"));
            }
            _ => {}
        }
        Recognized {
            name: format!("{}.{method}", self.system),
            system: self.system,
            operation,
            format,
            stream: self.stream || body.stream,
            attributes,
            on_success,
            audio_seconds: body.audio_seconds,
            model,
            reasoning_is_untold: false,
            can_ask: can_ask && format == Format::Chat && !body.has_data_sources,
        }
    }
}

impl Recognized {
    /// As a client that is async names it; OCR alone has two names.
    pub fn of_async_client(mut self) -> Self {
        if self.format == Format::Ocr {
            self.name.push_str("_async");
        }
        self
    }

    /// The request's body with the wish for a stream's usage; none if it can't be added or isn't needed. Where it is
    /// added, [`HideUsage`](super::HideUsage) keeps the answer to it from the caller.
    pub fn ask_for_usage(&self, body: &[u8]) -> Option<Vec<u8>> {
        if self.can_ask && self.stream { ask_for_usage(body) } else { None }
    }
}

/// What is paid for of images that were asked for.
pub(super) fn of_images(body: &Body) -> [KeyValue; 3] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let count = i64::try_from(body.n.unwrap_or(1)).unwrap_or(i64::MAX);
    [
        KeyValue::new("gen_ai.image.count", count),
        KeyValue::new("gen_ai.image.size", text(&body.size)),
        KeyValue::new("gen_ai.image.quality", text(&body.quality)),
    ]
}

/// Other providers' services for OpenAI's clients.
fn compatible(path: &str) -> Option<&'static [Row]> {
    (path.contains("/openai/") || path.contains("/openapi/")).then_some(&OPENAI)
}

fn deployment(path: &str) -> Option<Cow<'_, str>> {
    let (_, rest) = path.split_once("/openai/deployments/")?;
    rest.split('/').next().map(decoded)
}

fn decoded(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment).decode_utf8_lossy()
}

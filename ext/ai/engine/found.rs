//! What the parts of an answer tell: where each provider's JSON has its counts, its ends and its errors.

use super::errors::ProviderError;
use super::json::{Scalar, Visitor};
use super::recognize::Format;
use super::skim;
use super::usage::{Usage, count, seconds};

/// How far an answer has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Progress {
    #[default]
    Reading,
    /// The usage is known, and may yet be told again: by another choice, or by a service that tells it with every part.
    Enough,
    /// Nothing comes after that counts.
    Done,
}

/// How an answer is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// One value.
    Whole,
    /// One value, a list of parts.
    List,
    /// Events, a value each.
    Events,
}

/// What is known of an answer so far.
#[derive(Debug)]
pub(super) struct Found {
    format: Format,
    pub cut: Cut,
    pub(super) usage: Usage,
    /// Of a second source, which counts where the first tells nothing.
    pub beside: Usage,
    pub progress: Progress,
    pub error: Option<ProviderError>,
    /// The call has been answered, and what it asks for goes on.
    pub goes_on: bool,
    pub(super) part: Part,
    /// A choice has finished, in any part.
    finished: bool,
    /// A part has ended.
    begun: bool,
}

/// What one part, such as an event, tells.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub kind: Kind,
    /// Another one than is known. It counts if the part tells anything else.
    model: Option<String>,
    usage: bool,
    /// It counts what the whole call used, in Bedrock's own words.
    metrics: bool,
    choices: bool,
    finished: bool,
    pub error: ProviderError,
    /// At the outermost level, where it is an error only if the event is one.
    pub bare: ProviderError,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Other,
    /// After it, nothing comes.
    Last,
    Error,
}

impl Found {
    pub fn new(format: Format, cut: Cut) -> Self {
        Found {
            format,
            cut,
            usage: Usage::default(),
            beside: Usage::default(),
            progress: Progress::Reading,
            error: None,
            goes_on: false,
            part: Part::default(),
            finished: false,
            begun: false,
        }
    }

    pub fn usage(&self) -> Usage {
        let mut usage = self.usage.clone();
        usage.fill(&self.beside);
        usage
    }

    /// A part has ended; `whole` if it was JSON, `name` if it has one beside.
    pub fn end_of_part(&mut self, name: &[u8], whole: bool) {
        let mut part = std::mem::take(&mut self.part);
        let is_first = !std::mem::replace(&mut self.begun, true);
        if name == b"error" || part.kind == Kind::Error {
            part.error = if part.error.is_told() { part.error } else { part.bare };
            part.kind = Kind::Error;
        }
        if part.error.is_told() || part.kind == Kind::Error {
            self.fail(part.error);
        }
        if !whole {
            return;
        }
        if part.usage || part.metrics || part.finished || part.kind != Kind::Other {
            self.usage.model = part.model.or(self.usage.model.take());
        }
        self.finished |= part.finished;
        let so_far = match self.format {
            // At the start, it is a count of nothing yet.
            Format::Chat if part.usage && !part.choices && !is_first => Progress::Done,
            Format::Chat if part.usage && (self.finished || !part.choices) => Progress::Enough,
            Format::MistralChat if part.usage && self.finished => Progress::Done,
            // Older models say with every part that they stop, and count on.
            Format::Gemini if part.usage && part.finished => Progress::Enough,
            Format::Messages if part.usage && part.finished => Progress::Enough,
            Format::Converse if part.metrics => Progress::Done,
            Format::Invoke if part.metrics => Progress::Done,
            Format::Invoke if part.usage && part.finished => Progress::Enough,
            Format::Responses
            | Format::Messages
            | Format::Interactions
            | Format::Images
            | Format::Transcription
                if part.kind == Kind::Last =>
            {
                Progress::Done
            }
            _ => Progress::Reading,
        };
        self.progress = self.progress.max(so_far);
    }

    /// The stream says that it has ended.
    pub fn end_of_stream(&mut self) {
        self.progress = Progress::Done;
    }

    pub fn fail(&mut self, error: ProviderError) {
        // The first one is the cause.
        self.error.get_or_insert(error);
        self.progress = Progress::Done;
    }

    pub(super) fn count(&mut self, place: fn(&mut Usage) -> &mut Option<u64>, value: Scalar<'_>) {
        if let Some(count) = count(value) {
            *place(&mut self.usage) = Some(count);
            self.part.usage = true;
        }
    }

    /// Whether an event's data changes nothing here, as far as that can be told without reading it.
    pub fn learns_nothing(&self, data: &[u8]) -> bool {
        self.knows_model() && !skim::may_tell(self.format, data)
    }

    fn knows_model(&self) -> bool {
        self.usage.model.as_ref().is_some_and(|model| !model.is_empty())
    }

    pub(super) fn model(&mut self, value: Scalar<'_>) {
        let Scalar::Text(model) = value else { return };
        if !self.knows_model() {
            self.usage.model = Some(model.to_string());
        } else if self.usage.model.as_deref() != Some(model) {
            self.part.model = Some(model.to_string());
        }
    }

    fn finish(&mut self, value: Scalar<'_>) {
        self.part.finished |= matches!(value, Scalar::Text(_) | Scalar::Start(_));
    }

    fn chat(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["model"] => self.model(value),
            // Mistral's error amid a stream.
            ["object"] if value == Scalar::Text("error") => self.part.kind = Kind::Error,
            ["usage", "prompt_tokens"] => self.count(|usage| &mut usage.input, value),
            ["usage", "completion_tokens"] => self.count(|usage| &mut usage.output, value),
            ["usage", "prompt_tokens_details", "cached_tokens"] => {
                self.count(|usage| &mut usage.cached, value)
            }
            ["usage", "completion_tokens_details", "reasoning_tokens"] => {
                self.count(|usage| &mut usage.reasoning, value);
            }
            ["choices", "", "finish_reason"] => {
                self.part.choices = true;
                self.finish(value);
            }
            ["choices", ..] => self.part.choices = true,
            _ => {}
        }
    }

    fn responses(&mut self, path: &[&str], value: Scalar<'_>) {
        let path = match path {
            ["response", rest @ ..] => rest,
            ["type"] => {
                self.part.kind = match value {
                    Scalar::Text("response.completed" | "response.incomplete") => Kind::Last,
                    Scalar::Text("response.failed" | "error") => Kind::Error,
                    _ => Kind::Other,
                };
                return;
            }
            [key @ ("code" | "message")] => return self.part.bare.note(key, value),
            path => path,
        };
        self.part.error.note_in(path, value);
        match path {
            ["model"] => self.model(value),
            // In the background. A stream goes on itself.
            ["status"] if self.cut != Cut::Events => {
                self.goes_on = matches!(value, Scalar::Text("in_progress" | "queued"));
            }
            ["usage", "input_tokens"] => self.count(|usage| &mut usage.input, value),
            ["usage", "output_tokens"] => self.count(|usage| &mut usage.output, value),
            ["usage", "input_tokens_details", "cached_tokens"] => {
                self.count(|usage| &mut usage.cached, value)
            }
            ["usage", "output_tokens_details", "reasoning_tokens"] => {
                self.count(|usage| &mut usage.reasoning, value);
            }
            _ => {}
        }
    }

    fn messages(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["type"] => {
                self.part.kind = match value {
                    Scalar::Text("message_stop") => Kind::Last,
                    Scalar::Text("error") => Kind::Error,
                    _ => Kind::Other,
                };
                // The start of a message counts too, but not what it will have used.
                self.part.finished |= value == Scalar::Text("message_delta");
            }
            ["model"] | ["message", "model"] => self.model(value),
            ["usage", key] | ["message", "usage", key] => match *key {
                "input_tokens" => self.count(|usage| &mut usage.input, value),
                "output_tokens" => self.count(|usage| &mut usage.output, value),
                "cache_read_input_tokens" => self.count(|usage| &mut usage.cached, value),
                "cache_creation_input_tokens" => self.count(|usage| &mut usage.cache_creation, value),
                _ => {}
            },
            _ => {}
        }
    }

    fn gemini(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["modelVersion"] => self.model(value),
            ["usageMetadata", key] => match *key {
                "promptTokenCount" => self.count(|usage| &mut usage.input, value),
                "candidatesTokenCount" => self.count(|usage| &mut usage.output, value),
                "cachedContentTokenCount" => self.count(|usage| &mut usage.cached, value),
                "thoughtsTokenCount" => self.count(|usage| &mut usage.reasoning, value),
                _ => {}
            },
            ["candidates", "", "finishReason"] | ["promptFeedback", "blockReason"] => self.finish(value),
            _ => {}
        }
    }

    fn converse(&mut self, path: &[&str], value: Scalar<'_>) {
        let ["usage", key] = path else { return };
        match *key {
            "inputTokens" => self.count(|usage| &mut usage.input, value),
            "outputTokens" => self.count(|usage| &mut usage.output, value),
            "cacheReadInputTokens" | "cacheReadInputTokenCount" => {
                self.count(|usage| &mut usage.cached, value)
            }
            "cacheWriteInputTokens" | "cacheWriteInputTokenCount" => {
                self.count(|usage| &mut usage.cache_creation, value);
            }
            _ => return,
        }
        self.part.metrics = true;
    }

    /// The models' own bodies: Anthropic's, Nova's, Titan's, Llama's, and those like OpenAI's.
    fn invoke(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["amazon-bedrock-invocationMetrics", key] => {
                let place = match *key {
                    "inputTokenCount" => &mut self.beside.input,
                    "outputTokenCount" => &mut self.beside.output,
                    "cacheReadInputTokenCount" => &mut self.beside.cached,
                    "cacheWriteInputTokenCount" => &mut self.beside.cache_creation,
                    _ => return,
                };
                *place = count(value).or(*place);
                self.part.metrics = true;
            }
            ["inputTextTokenCount"] | ["prompt_token_count"] => self.count(|usage| &mut usage.input, value),
            ["totalOutputTextTokenCount"] | ["generation_token_count"] => {
                self.count(|usage| &mut usage.output, value);
            }
            ["results", "", "tokenCount"] => {
                if let Some(count) = count(value) {
                    let output = self.usage.output.unwrap_or_default();
                    self.usage.output = Some(output.saturating_add(count));
                }
            }
            ["stop_reason"] | ["completionReason"] => self.finish(value),
            ["metadata", rest @ ..] | rest => {
                self.chat(rest, value);
                self.messages(rest, value);
                let metrics = self.part.metrics;
                self.converse(rest, value);
                self.part.metrics = metrics;
            }
        }
    }

    fn ocr(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["model"] => self.model(value),
            ["usage_info", "pages_processed"] => self.count(|usage| &mut usage.pages, value),
            _ => {}
        }
    }

    fn audio(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["type"] if value == Scalar::Text("transcript.text.done") => self.part.kind = Kind::Last,
            // Exact, where the usage is rounded.
            ["duration"] => self.usage.seconds = seconds(value).or(self.usage.seconds),
            ["usage", "seconds"] => self.usage.seconds = self.usage.seconds.or(seconds(value)),
            ["usage", "input_tokens"] => self.count(|usage| &mut usage.input, value),
            ["usage", "output_tokens"] => self.count(|usage| &mut usage.output, value),
            _ => {}
        }
    }
}

impl Visitor for Found {
    fn scalar(&mut self, path: &[&str], value: Scalar<'_>) {
        // In the same piece as the end, which could have been another.
        if self.progress == Progress::Done {
            return;
        }
        let path = match (self.cut, path) {
            (Cut::List, ["", rest @ ..]) => rest,
            (_, path) => path,
        };
        match self.format {
            Format::Responses => return self.responses(path, value),
            Format::Chat | Format::MistralChat | Format::Embeddings => self.chat(path, value),
            Format::Images => {
                if let (["type"], Scalar::Text(kind)) = (path, value) {
                    self.part.kind = if kind.ends_with(".completed") { Kind::Last } else { Kind::Other };
                }
            }
            Format::Transcription => self.audio(path, value),
            Format::Messages => self.messages(path, value),
            Format::Gemini => self.gemini(path, value),
            Format::Interactions => return self.interactions(path, value),
            Format::Ocr => self.ocr(path, value),
            Format::Converse => self.converse(path, value),
            Format::Invoke => self.invoke(path, value),
        }
        self.part.error.note_in(path, value);
        if let ["message" | "code"] = path {
            self.part.bare.note(path.first().copied().unwrap_or_default(), value);
        }
    }

    fn closed(&mut self, levels: usize, in_list: bool) {
        match (self.cut, levels) {
            _ if self.progress == Progress::Done => {}
            (Cut::Whole, 0) => {
                self.end_of_part(b"", true);
                self.progress = Progress::Done;
            }
            (Cut::List, 1) if in_list => self.end_of_part(b"", true),
            (Cut::List, 0) => {
                // An error comes alone, without a list around it.
                self.end_of_part(b"", true);
                self.end_of_stream();
            }
            _ => {}
        }
    }
}

//! What the parts of an answer tell: where each provider's JSON has its counts, its ends and its errors.

use super::errors::ProviderError;
use super::json::{Scalar, Visitor};
use super::recognize::Format;
use super::skim;
use super::usage::{Counts, Place, Usage, count, seconds};

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
    pub beside: Counts,
    /// The sums of the iterations that a call is made of, which count before the rest.
    iterations: Option<Box<Counts>>,
    /// The output is told without reasoning, and only the total tells of that.
    pub reasoning_is_untold: bool,
    pub progress: Progress,
    pub error: Option<ProviderError>,
    /// The call has been answered, and what it asks for goes on.
    pub goes_on: bool,
    pub(super) part: Part,
    /// A part that holds nothing else has told the usage: what breaks after it is none of the call's.
    pub usage_came_alone: bool,
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
    /// Any of its counts is more than zero; those that are not say nothing yet.
    counts: bool,
    /// What is told in several entries of a list, and has to be added up.
    sums: Option<Box<Counts>>,
    iterations: Option<Box<Counts>>,
    /// An entry of a list, as far as it is read: what it counts, and how much.
    entry: (Option<Place>, Option<u64>),
    /// Of a choice, as far as it is read.
    choice: (Option<usize>, Option<String>),
    /// How many choices have told their end.
    ended_choices: usize,
    /// Why the only choice has finished, which counts if the part is one that tells its end.
    reason: Option<String>,
    /// Another tier than is known.
    service_tier: Option<String>,
    /// The model was known before it: it may be passed over, and its id with it.
    follows_model: bool,
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
            beside: Counts::default(),
            iterations: None,
            reasoning_is_untold: false,
            progress: Progress::Reading,
            error: None,
            goes_on: false,
            part: Part::default(),
            usage_came_alone: false,
            finished: false,
            begun: false,
        }
    }

    pub fn usage(&self) -> Usage {
        let mut usage = self.usage.clone();
        let counts = &mut usage.counts;
        if let Some(iterations) = &self.iterations {
            counts.replace_with(**iterations);
        }
        counts.fill(self.beside);
        match self.format {
            Format::Chat | Format::MistralChat | Format::Responses => {
                counts.include_reasoning();
                if self.reasoning_is_untold {
                    counts.include_untold_reasoning();
                }
            }
            Format::Gemini | Format::Interactions => {
                if let Some(tool_use @ 1..) = counts.tool_use {
                    counts.add(|counts| &mut counts.input, tool_use);
                }
            }
            _ => {}
        }
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
        self.part.follows_model = self.knows_model();
        if !whole {
            return;
        }
        let tells = part.usage || part.metrics || part.finished || part.kind != Kind::Other;
        // Other events may have been passed over.
        if tells || !part.follows_model || self.cut != Cut::Events {
            if let Some(sums) = part.sums {
                self.usage.counts.raise_all(*sums);
            }
            if let Some(reason) = part.reason {
                self.reason_of(0, &reason);
            }
            self.usage.service_tier = part.service_tier.or(self.usage.service_tier.take());
        }
        if let Some(iterations) = part.iterations {
            self.iterations.get_or_insert_default().raise_all(*iterations);
        }
        if tells {
            self.usage.model = part.model.or(self.usage.model.take());
        }
        self.finished |= part.finished;
        self.usage_came_alone |= self.format == Format::Chat && part.counts && !part.choices && !is_first;
        let so_far = match self.format {
            // Counts of nothing are no end, and neither are those that come before a choice has finished.
            Format::Chat if part.counts && !part.choices && !is_first && self.finished => Progress::Done,
            Format::Chat if part.counts && (self.finished || !part.choices) => Progress::Enough,
            Format::MistralChat if part.counts && self.finished => Progress::Done,
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
            | Format::Speech
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

    pub(super) fn count(&mut self, place: Place, value: Scalar<'_>) {
        if let Some(count) = count(value) {
            self.usage.counts.raise(place, count);
            self.part.usage = true;
            self.part.counts |= count > 0;
        }
    }

    /// Counts one entry of a list more.
    pub(super) fn sum(&mut self, place: Place, count: u64) {
        self.part.sums.get_or_insert_default().add(place, count);
    }

    /// Half of an entry that tells in one member what it counts, and in another how much.
    pub(super) fn entry_is_of(&mut self, place: Option<Place>) {
        self.part.entry.0 = place;
        self.sum_entry();
    }

    pub(super) fn entry_counts(&mut self, value: Scalar<'_>) {
        self.part.entry.1 = count(value);
        self.sum_entry();
    }

    fn sum_entry(&mut self) {
        if let (Some(place), Some(count)) = self.part.entry {
            self.part.entry = (None, None);
            self.sum(place, count);
        }
    }

    pub(super) fn id(&mut self, value: Scalar<'_>) {
        if let Scalar::Text(id) = value
            && !id.is_empty()
            && self.usage.id.is_none()
            && !self.part.follows_model
        {
            self.usage.id = Some(id.to_string());
        }
    }

    pub(super) fn service_tier(&mut self, value: Scalar<'_>) {
        if let Scalar::Text(tier) = value
            && !tier.is_empty()
            && self.usage.service_tier.as_deref() != Some(tier)
        {
            self.part.service_tier = Some(tier.to_string());
        }
    }

    /// Why the only choice has finished.
    pub(super) fn finish_reason(&mut self, value: Scalar<'_>) {
        if let Scalar::Text(reason) = value {
            self.part.reason = Some(reason.to_string());
        }
    }

    fn reason_of(&mut self, choice: usize, reason: &str) {
        /// More choices than anyone asks for.
        const MOST: usize = 128;
        let reasons = &mut self.usage.finish_reasons;
        if reason.is_empty() || choice >= MOST {
            return;
        }
        if reasons.len() <= choice {
            reasons.resize(choice + 1, None);
        }
        if let Some(known) = reasons.get_mut(choice)
            && known.as_deref() != Some(reason)
        {
            *known = Some(reason.to_string());
        }
    }

    /// A choice has been read.
    fn end_of_choice(&mut self) {
        self.part.entry = (None, None);
        if let (index, Some(reason)) = std::mem::take(&mut self.part.choice) {
            let ordinal = self.part.ended_choices;
            self.part.ended_choices += 1;
            self.reason_of(index.unwrap_or(ordinal), &reason);
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
        // Some services write one of no meaning into every part.
        if let Scalar::Text(reason) = value
            && !matches!(reason, "" | "null")
        {
            self.part.finished = true;
            self.part.choice.1 = Some(reason.to_string());
        }
    }

    fn choice_index(&mut self, value: Scalar<'_>) {
        self.part.choice.0 = count(value).and_then(|index| usize::try_from(index).ok());
    }

    /// What OpenAI's API and those like it count, in the words of all of them: gateways fill in several families.
    fn openai_usage(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["prompt_tokens" | "input_tokens"] => self.count(|counts| &mut counts.input, value),
            ["completion_tokens" | "output_tokens"] => self.count(|counts| &mut counts.output, value),
            ["total_tokens"] => self.count(|counts| &mut counts.total, value),
            // Of DeepSeek, Moonshot, and gateways to Anthropic.
            ["prompt_cache_hit_tokens" | "cached_tokens" | "cache_read_input_tokens"] => {
                self.count(|counts| &mut counts.cached, value);
            }
            ["cache_creation_input_tokens"] => self.count(|counts| &mut counts.cache_creation, value),
            ["cache_creation", "ephemeral_1h_input_tokens"] => {
                self.count(|counts| &mut counts.cache_creation_1h, value);
            }
            // Of Perplexity.
            ["reasoning_tokens"] => self.count(|counts| &mut counts.reasoning, value),
            ["citation_tokens"] => self.count(|counts| &mut counts.citations, value),
            ["num_search_queries"] | ["server_tool_use", "web_search_requests"] => {
                self.count(|counts| &mut counts.searches, value);
            }
            // Of Mistral.
            ["prompt_audio_seconds"] => self.usage.seconds = self.usage.seconds.or(seconds(value)),
            [
                "prompt_tokens_details"
                | "input_tokens_details"
                | "input_token_details"
                | "prompt_token_details",
                key,
            ] => match *key {
                "cached_tokens" => self.count(|counts| &mut counts.cached, value),
                "cache_write_tokens" | "cache_creation_tokens" => {
                    self.count(|counts| &mut counts.cache_creation, value);
                }
                "audio_tokens" => self.count(|counts| &mut counts.audio_input, value),
                "image_tokens" => self.count(|counts| &mut counts.image_input, value),
                _ => {}
            },
            ["completion_tokens_details" | "output_tokens_details" | "output_token_details", key] => {
                match *key {
                    "reasoning_tokens" => self.count(|counts| &mut counts.reasoning, value),
                    "audio_tokens" => self.count(|counts| &mut counts.audio_output, value),
                    "image_tokens" => self.count(|counts| &mut counts.image_output, value),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn chat(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["model"] => self.model(value),
            ["id"] => self.id(value),
            ["service_tier"] => self.service_tier(value),
            // Mistral's error amid a stream.
            ["object"] if value == Scalar::Text("error") => self.part.kind = Kind::Error,
            // Groq tells it in a place of its own, without being asked.
            ["usage", rest @ ..] | ["x_groq", "usage", rest @ ..] => self.openai_usage(rest, value),
            ["choices", "", rest @ ..] => {
                self.part.choices = true;
                match rest {
                    ["finish_reason"] => self.finish(value),
                    ["index"] => self.choice_index(value),
                    // A failure after the head of the answer.
                    ["error"] => self.part.error.note("message", value),
                    ["error", key] => self.part.error.note(key, value),
                    _ => {}
                }
            }
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
            ["id"] => self.id(value),
            ["service_tier"] => self.service_tier(value),
            ["status"] => {
                // In the background. A stream goes on itself.
                if self.cut != Cut::Events {
                    self.goes_on = matches!(value, Scalar::Text("in_progress" | "queued"));
                }
                if value == Scalar::Text("completed") {
                    self.finish_reason(value);
                }
            }
            ["incomplete_details", "reason"] => self.finish_reason(value),
            ["output", "", "type"] if value == Scalar::Text("web_search_call") => {
                self.sum(|counts| &mut counts.searches, 1);
            }
            // What a search found is read for nothing.
            ["output", "", "action", "type"]
                if matches!(value, Scalar::Text("open_page" | "find_in_page" | "find")) =>
            {
                if let Some(searches) = self.part.sums.as_mut().and_then(|sums| sums.searches.as_mut()) {
                    *searches = searches.saturating_sub(1);
                }
            }
            ["usage", rest @ ..] => self.openai_usage(rest, value),
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
            ["id"] | ["message", "id"] => self.id(value),
            ["stop_reason"] | ["delta", "stop_reason"] => self.finish_reason(value),
            ["usage", rest @ ..] | ["message", "usage", rest @ ..] => self.anthropic_usage(rest, value),
            _ => {}
        }
    }

    fn anthropic_usage(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["input_tokens"] => self.count(|counts| &mut counts.input, value),
            ["output_tokens"] => self.count(|counts| &mut counts.output, value),
            ["cache_read_input_tokens"] => self.count(|counts| &mut counts.cached, value),
            ["cache_creation_input_tokens"] => self.count(|counts| &mut counts.cache_creation, value),
            ["cache_creation", "ephemeral_1h_input_tokens"] => {
                self.count(|counts| &mut counts.cache_creation_1h, value);
            }
            ["server_tool_use", "web_search_requests"] => self.count(|counts| &mut counts.searches, value),
            ["service_tier"] => self.service_tier(value),
            // A call that was compacted on its way; the counts beside these are of its last iteration.
            ["iterations", "", rest @ ..] => {
                let place: Place = match rest {
                    ["input_tokens"] => |counts| &mut counts.input,
                    ["output_tokens"] => |counts| &mut counts.output,
                    ["cache_read_input_tokens"] => |counts| &mut counts.cached,
                    ["cache_creation_input_tokens"] => |counts| &mut counts.cache_creation,
                    ["cache_creation", "ephemeral_1h_input_tokens"] => |counts| &mut counts.cache_creation_1h,
                    _ => return,
                };
                if let Some(count) = count(value) {
                    self.part.iterations.get_or_insert_default().add(place, count);
                }
            }
            _ => {}
        }
    }

    fn gemini(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["modelVersion"] => self.model(value),
            ["responseId"] => self.id(value),
            ["usageMetadata", key] => match *key {
                "promptTokenCount" => self.count(|counts| &mut counts.input, value),
                "candidatesTokenCount" => self.count(|counts| &mut counts.output, value),
                "cachedContentTokenCount" => self.count(|counts| &mut counts.cached, value),
                "thoughtsTokenCount" => self.count(|counts| &mut counts.reasoning, value),
                "toolUsePromptTokenCount" => self.count(|counts| &mut counts.tool_use, value),
                "serviceTier" => self.service_tier(value),
                _ => {}
            },
            ["usageMetadata", list @ ("promptTokensDetails" | "candidatesTokensDetails"), "", key] => {
                self.modality(*list == "promptTokensDetails", *key == "tokenCount", value);
            }
            ["candidates", "", "finishReason"] | ["promptFeedback", "blockReason"] => self.finish(value),
            ["candidates", "", "index"] => self.choice_index(value),
            ["candidates", "", "groundingMetadata", "webSearchQueries", ""] => {
                self.sum(|counts| &mut counts.searches, 1);
            }
            _ => {}
        }
    }

    /// A member of an entry that tells how much of the input or the output was audio, or images.
    pub(super) fn modality(&mut self, is_input: bool, is_count: bool, value: Scalar<'_>) {
        if is_count {
            return self.entry_counts(value);
        }
        let Scalar::Text(modality) = value else { return };
        let place: Option<Place> = match (modality.to_ascii_uppercase().as_str(), is_input) {
            ("AUDIO", true) => Some(|counts| &mut counts.audio_input),
            ("AUDIO", false) => Some(|counts| &mut counts.audio_output),
            ("IMAGE", true) => Some(|counts| &mut counts.image_input),
            ("IMAGE", false) => Some(|counts| &mut counts.image_output),
            _ => None,
        };
        self.entry_is_of(place);
    }

    fn converse(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["stopReason"] => return self.finish_reason(value),
            ["serviceTier", "type"] => return self.service_tier(value),
            _ => {}
        }
        let ["usage", rest @ ..] = path else { return };
        match rest {
            ["inputTokens"] => self.count(|counts| &mut counts.input, value),
            ["outputTokens"] => self.count(|counts| &mut counts.output, value),
            ["cacheReadInputTokens" | "cacheReadInputTokenCount"] => {
                self.count(|counts| &mut counts.cached, value);
            }
            ["cacheWriteInputTokens" | "cacheWriteInputTokenCount"] => {
                self.count(|counts| &mut counts.cache_creation, value);
            }
            ["cacheDetails", "", "ttl"] => {
                let is_1h = value == Scalar::Text("1h");
                self.entry_is_of(is_1h.then_some(|counts| &mut counts.cache_creation_1h));
            }
            ["cacheDetails", "", "inputTokens"] => self.entry_counts(value),
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
            ["inputTextTokenCount"] | ["prompt_token_count"] => self.count(|counts| &mut counts.input, value),
            ["totalOutputTextTokenCount"] | ["generation_token_count"] => {
                self.count(|counts| &mut counts.output, value);
            }
            ["results", "", "tokenCount"] => {
                if let Some(count) = count(value) {
                    self.sum(|counts| &mut counts.output, count);
                }
            }
            ["results", "", "completionReason"] => self.part.choice.1 = text(value),
            ["stop_reason"] | ["completionReason"] => {
                self.finish(value);
                self.finish_reason(value);
                self.part.choice.1 = None;
            }
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
            ["usage_info", "pages_processed"] => self.count(|counts| &mut counts.pages, value),
            _ => {}
        }
    }

    fn audio(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["type"] if matches!(value, Scalar::Text("transcript.text.done" | "transcription.done")) => {
                self.part.kind = Kind::Last
            }
            // Exact, where the usage is rounded.
            ["duration"] => self.usage.seconds = seconds(value).or(self.usage.seconds),
            ["usage", "seconds"] => self.usage.seconds = self.usage.seconds.or(seconds(value)),
            ["usage", rest @ ..] => self.openai_usage(rest, value),
            _ => {}
        }
    }

    fn images(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["type"] => {
                let is_image = matches!(value, Scalar::Text(kind) if kind.ends_with(".completed"));
                self.part.kind = if is_image { Kind::Last } else { Kind::Other };
            }
            ["data", "", "b64_json" | "url"] if text(value).is_some() => {
                self.sum(|counts| &mut counts.images, 1);
            }
            ["size"] => self.usage.image_size = text(value).or(self.usage.image_size.take()),
            ["quality"] => self.usage.image_quality = text(value).or(self.usage.image_quality.take()),
            ["usage", rest @ ..] => self.openai_usage(rest, value),
            _ => {}
        }
    }

    /// Vertex's embeddings, each with its count.
    fn predict(&mut self, path: &[&str], value: Scalar<'_>) {
        if let ["predictions", "", "embeddings", "statistics", "token_count"] = path
            && let Some(count) = count(value)
        {
            self.sum(|counts| &mut counts.input, count);
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
            Format::Images => self.images(path, value),
            Format::Predict => self.predict(path, value),
            Format::Speech => {
                if let (["type"], Scalar::Text("speech.audio.done")) = (path, value) {
                    self.part.kind = Kind::Last;
                }
                self.audio(path, value);
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
        if in_list && self.progress != Progress::Done {
            self.end_of_choice();
        }
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

fn text(value: Scalar<'_>) -> Option<String> {
    let (Scalar::Text(text) | Scalar::Start(text)) = value else { return None };
    Some(text).filter(|text| !text.is_empty()).map(|text| text.to_string())
}

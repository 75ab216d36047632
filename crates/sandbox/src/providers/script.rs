//! Scripts: how a provider answers the next request, where it shouldn't just answer as usual.

use std::time::Duration;

use serde_json::Value;

use super::answer::ToolCall;
use crate::pattern;

/// How a provider answers the next requests to a route.
///
/// A script names a route, says how often it applies (once, unless told otherwise) and what is to be different. It is
/// handed to [`Sandbox::provider_script`](crate::Sandbox::provider_script). What HTTP itself can do wrong is a
/// [`Fault`](crate::Fault), which works on these routes, too.
///
/// ```
/// use paid_sandbox::Script;
/// use std::time::Duration;
///
/// // A long stream, read in awkward pieces.
/// let long = Script::on("/v1/chat/completions").chunks(2_000).pieces([7, 1, 500]);
/// // One that breaks off after its third event.
/// let broken = Script::on("/v1/messages").chunk_delay(Duration::from_millis(5)).cut_after(3);
/// // Counts to look for.
/// let counted = Script::on("/v1beta/models/{model}:generateContent").forever().input_tokens(1_000).cached_tokens(900);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a script does nothing until it is handed to Sandbox::provider_script"]
pub struct Script {
    path: String,
    left: Option<u32>,
    answer: AnswerScript,
    usage: GivenUsage,
    delivery: Delivery,
}

#[derive(Debug, Clone, Default)]
pub(super) struct AnswerScript {
    pub(super) model: Option<String>,
    pub(super) text: Option<String>,
    pub(super) thinking: Option<String>,
    pub(super) call: Option<ToolCall>,
    pub(super) chunks: Option<usize>,
    pub(super) without_usage: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct GivenUsage {
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) cached: Option<u64>,
    pub(super) cache_creation: Option<u64>,
    pub(super) reasoning: Option<u64>,
    pub(super) pages: Option<u64>,
    pub(super) seconds: Option<f64>,
}

/// How the bytes of an answer travel.
#[derive(Debug, Clone, Default)]
pub(super) struct Delivery {
    pub(super) delay: Duration,
    pub(super) pieces: Vec<usize>,
    pub(super) cut_after: Option<usize>,
    pub(super) end_after: Option<usize>,
    pub(super) error_after: Option<(usize, u16)>,
    pub(super) malformed_at: Option<usize>,
}

impl Script {
    /// A script for a route: a path as [`Fault::on`](crate::Fault::on) takes it. `/v1/chat/completions` is that of
    /// OpenAI and Mistral alike, `/providers/mistral/v1/chat/completions` that of one, `"*"` any.
    pub fn on(path: impl Into<String>) -> Self {
        Self { path: path.into(), left: Some(1), ..Self::default() }
    }

    /// Applies to this many requests, instead of one.
    pub fn times(mut self, times: u32) -> Self {
        self.left = Some(times);
        self
    }

    /// Applies to every request from now on, until the scripts are cleared.
    pub fn forever(mut self) -> Self {
        self.left = None;
        self
    }

    /// Answers with this text. Without [`tool_call`](Self::tool_call), no tool is called.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.answer.text = Some(text.into());
        self
    }

    /// Thinks this first, where the provider shows thinking. Elsewhere it only counts.
    pub fn thinking(mut self, text: impl Into<String>) -> Self {
        self.answer.thinking = Some(text.into());
        self
    }

    /// Calls this tool with these arguments, whatever the request offers; after the text, if one is given.
    pub fn tool_call(mut self, name: impl Into<String>, arguments: Value) -> Self {
        self.answer.call = Some(ToolCall { name: name.into(), arguments });
        self
    }

    /// Names this model as the one that answers, instead of the one that was asked for.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.answer.model = Some(model.into());
        self
    }

    /// Streams the text in this many chunks, instead of one per word. A text with fewer words is repeated.
    pub fn chunks(mut self, chunks: usize) -> Self {
        self.answer.chunks = Some(chunks);
        self
    }

    /// Reports this many input tokens, in the provider's own way of counting.
    pub fn input_tokens(mut self, tokens: u64) -> Self {
        self.usage.input = Some(tokens);
        self
    }

    /// Reports this many output tokens, in the provider's own way of counting.
    pub fn output_tokens(mut self, tokens: u64) -> Self {
        self.usage.output = Some(tokens);
        self
    }

    /// Reports this many input tokens that were read from the cache.
    pub fn cached_tokens(mut self, tokens: u64) -> Self {
        self.usage.cached = Some(tokens);
        self
    }

    /// Reports this many input tokens that were written to the cache (Anthropic, Bedrock, OpenAI).
    pub fn cache_creation_tokens(mut self, tokens: u64) -> Self {
        self.usage.cache_creation = Some(tokens);
        self
    }

    /// Reports this many tokens of thinking (OpenAI, Gemini).
    pub fn reasoning_tokens(mut self, tokens: u64) -> Self {
        self.usage.reasoning = Some(tokens);
        self
    }

    /// Reports this many pages of a document (Mistral's OCR), and answers with as many.
    pub fn pages(mut self, pages: u64) -> Self {
        self.usage.pages = Some(pages);
        self
    }

    /// Reports that a recording has this many seconds (OpenAI's transcriptions).
    pub fn audio_seconds(mut self, seconds: f64) -> Self {
        self.usage.seconds = Some(seconds);
        self
    }

    /// Reports no usage at all, as some gateways do.
    pub fn without_usage(mut self) -> Self {
        self.answer.without_usage = true;
        self
    }

    /// Waits this long between two chunks. To wait before the first, use [`Fault::delay`](crate::Fault::delay).
    pub fn chunk_delay(mut self, delay: Duration) -> Self {
        self.delivery.delay = delay;
        self
    }

    /// Sends the body in pieces of these many bytes, in turn, wherever that cuts through a line or a character.
    pub fn pieces(mut self, sizes: impl IntoIterator<Item = usize>) -> Self {
        self.delivery.pieces = sizes.into_iter().filter(|size| *size > 0).collect();
        self
    }

    /// Breaks the connection off after this many events of a stream.
    pub fn cut_after(mut self, events: usize) -> Self {
        self.delivery.cut_after = Some(events);
        self
    }

    /// Ends a stream after this many events as if it were whole.
    pub fn end_after(mut self, events: usize) -> Self {
        self.delivery.end_after = Some(events);
        self
    }

    /// Fails within a stream, after this many events, with the error that the provider has for this status.
    pub fn error_after(mut self, events: usize, status: u16) -> Self {
        self.delivery.error_after = Some((events, status));
        self
    }

    /// Breaks the JSON of the stream's event with this number, counted from 0; without a stream, that of the answer.
    pub fn malformed_at(mut self, event: usize) -> Self {
        self.delivery.malformed_at = Some(event);
        self
    }

    pub(super) fn answer(&self) -> &AnswerScript {
        &self.answer
    }

    pub(super) fn given(&self) -> &GivenUsage {
        &self.usage
    }

    pub(super) fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    pub(super) fn malformed(&self) -> Option<usize> {
        self.delivery.malformed_at
    }

    /// The same, for an answer that has been broken already.
    pub(super) fn well_formed(mut self) -> Self {
        self.delivery.malformed_at = None;
        self
    }
}

/// The scripts that wait for their requests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct ScriptQueue {
    scripts: Vec<Script>,
}

impl ScriptQueue {
    pub(crate) fn push(&mut self, script: Script) {
        if script.left != Some(0) {
            self.scripts.push(script);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.scripts.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.scripts.len()
    }

    /// The script for a request to this path, if any; it is used up by that much.
    pub(super) fn take(&mut self, path: &str) -> Option<Script> {
        let found =
            self.scripts.iter().position(|script| pattern::matches("*", &script.path, "POST", path))?;
        match self.scripts.get_mut(found).map(|script| &mut script.left) {
            Some(Some(left)) if *left > 1 => *left -= 1,
            Some(Some(_)) => return Some(self.scripts.remove(found)),
            _ => {}
        }
        self.scripts.get(found).cloned()
    }
}

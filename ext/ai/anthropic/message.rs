//! An answer of the Messages API.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::content::{ContentBlock, ToolUseBlock};

/// An answer. What a provider leaves out is empty, and fields that are not known are in `extra`.
///
/// Its `Debug` shows no content; [`text`](Self::text) does.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Message {
    /// Its id.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// The model that answered.
    #[serde(deserialize_with = "or_default")]
    pub model: String,
    /// What it said.
    #[serde(deserialize_with = "or_default")]
    pub content: Vec<ContentBlock>,
    /// Why it stopped.
    pub stop_reason: Option<StopReason>,
    /// The text at which it stopped, if that is why.
    pub stop_sequence: Option<String>,
    /// What it used.
    #[serde(deserialize_with = "or_default")]
    pub usage: Usage,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
    #[serde(skip)]
    pub(super) request_id: Option<String>,
}

impl Message {
    /// All of its text.
    pub fn text(&self) -> String {
        let texts = self.content.iter().filter_map(|block| match block {
            ContentBlock::Text(block) => Some(block.text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// The tools that it calls.
    pub fn tool_uses(&self) -> impl Iterator<Item = &ToolUseBlock> {
        self.content.iter().filter_map(|block| match block {
            ContentBlock::ToolUse(block) => Some(block),
            _ => None,
        })
    }

    /// The id that Anthropic gave the request, for its support to find it.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("model", &self.model)
            .field("content", &self.content)
            .field("stop_reason", &self.stop_reason)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// It was done.
    EndTurn,
    /// It had said as much as the request or the model allows.
    MaxTokens,
    /// It came to one of the request's stop sequences.
    StopSequence,
    /// It calls tools.
    ToolUse,
    /// A long turn is paused: send the answer back to go on.
    PauseTurn,
    /// It refuses.
    Refusal,
    /// Any other reason.
    #[serde(untagged)]
    Other(String),
}

/// What an answer used, as Anthropic counts: input is without what was read from the cache and written to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of input.
    pub input_tokens: Option<u64>,
    /// Tokens of output.
    pub output_tokens: Option<u64>,
    /// Tokens written to the cache.
    pub cache_creation_input_tokens: Option<u64>,
    /// Tokens read from the cache.
    pub cache_read_input_tokens: Option<u64>,
    /// Other fields, such as `server_tool_use`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Usage {
    /// Takes what a later event tells.
    pub(super) fn update(&mut self, later: &Usage) {
        let take = |known: &mut Option<u64>, told: Option<u64>| *known = told.or(*known);
        take(&mut self.input_tokens, later.input_tokens);
        take(&mut self.output_tokens, later.output_tokens);
        take(&mut self.cache_creation_input_tokens, later.cache_creation_input_tokens);
        take(&mut self.cache_read_input_tokens, later.cache_read_input_tokens);
        self.extra.extend(later.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}

/// A field that may be null.
pub(super) fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    reader: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(reader)?.unwrap_or_default())
}

//! What messages are made of, asked and answered alike.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The content of a message: a text, or blocks.
///
/// ```
/// use paid::ai::anthropic::{Content, ContentBlock};
///
/// let text = Content::from("Hello");
/// let blocks = Content::from(vec![ContentBlock::text("What is this?"), ContentBlock::image_url("https://x/y.png")]);
/// # let _ = (text, blocks);
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Text alone.
    Text(String),
    /// Blocks.
    Blocks(Vec<ContentBlock>),
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Content::Text(text.into())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Content::Text(text)
    }
}

impl From<Vec<ContentBlock>> for Content {
    fn from(blocks: Vec<ContentBlock>) -> Self {
        Content::Blocks(blocks)
    }
}

impl From<ContentBlock> for Content {
    fn from(block: ContentBlock) -> Self {
        Content::Blocks(vec![block])
    }
}

/// A block of a message. What an answer holds can be sent back as it came, unknown blocks and fields included.
///
/// Its `Debug` shows no content.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContentBlock {
    /// Text.
    Text(TextBlock),
    /// An image.
    Image(ImageBlock),
    /// What the model thought.
    Thinking(ThinkingBlock),
    /// The model calls a tool.
    ToolUse(ToolUseBlock),
    /// What the tool said.
    ToolResult(ToolResultBlock),
    /// Any other block, as JSON with its `type`.
    #[serde(untagged)]
    Other(Value),
}

impl ContentBlock {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        ContentBlock::Text(TextBlock { text: text.into(), ..TextBlock::default() })
    }

    /// An image in base64 of this media type, such as `image/png`.
    pub fn image_base64(media_type: impl Into<String>, data: impl Into<String>) -> Self {
        Self::image(ImageSource::Base64 { media_type: media_type.into(), data: data.into() })
    }

    /// An image that Anthropic fetches.
    pub fn image_url(url: impl Into<String>) -> Self {
        Self::image(ImageSource::Url { url: url.into() })
    }

    fn image(source: ImageSource) -> Self {
        ContentBlock::Image(ImageBlock { source, cache_control: None, extra: Map::new() })
    }

    /// What a tool said, in answer to the call with this id.
    pub fn tool_result(tool_use_id: impl Into<String>, content: impl Into<Content>) -> Self {
        ContentBlock::ToolResult(ToolResultBlock {
            tool_use_id: tool_use_id.into(),
            content: Some(content.into()),
            ..ToolResultBlock::default()
        })
    }

    /// The same for a tool that failed.
    pub fn tool_error(tool_use_id: impl Into<String>, content: impl Into<Content>) -> Self {
        ContentBlock::ToolResult(ToolResultBlock {
            tool_use_id: tool_use_id.into(),
            content: Some(content.into()),
            is_error: Some(true),
            ..ToolResultBlock::default()
        })
    }

    /// Caches the prompt up to this block. A thinking block can't be marked and stays as it is.
    #[must_use]
    pub fn cached(mut self, control: CacheControl) -> Self {
        match &mut self {
            ContentBlock::Text(block) => block.cache_control = Some(control),
            ContentBlock::Image(block) => block.cache_control = Some(control),
            ContentBlock::ToolUse(block) => block.cache_control = Some(control),
            ContentBlock::ToolResult(block) => block.cache_control = Some(control),
            ContentBlock::Other(Value::Object(block)) => {
                block.insert("cache_control".into(), serde_json::to_value(control).unwrap_or_default());
            }
            ContentBlock::Thinking(_) | ContentBlock::Other(_) => {}
        }
        self
    }

    /// The value of `type`.
    pub fn kind(&self) -> &str {
        match self {
            ContentBlock::Text(_) => "text",
            ContentBlock::Image(_) => "image",
            ContentBlock::Thinking(_) => "thinking",
            ContentBlock::ToolUse(_) => "tool_use",
            ContentBlock::ToolResult(_) => "tool_result",
            ContentBlock::Other(block) => block.get("type").and_then(Value::as_str).unwrap_or_default(),
        }
    }
}

/// Text.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TextBlock {
    /// The text.
    pub text: String,
    /// Caches the prompt up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
    /// Other fields, such as `citations`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// An image.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageBlock {
    /// Where it comes from.
    pub source: ImageSource,
    /// Caches the prompt up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Where an image comes from.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ImageSource {
    /// The image itself.
    Base64 {
        /// Such as `image/png`.
        media_type: String,
        /// In base64.
        data: String,
    },
    /// A URL that Anthropic fetches.
    Url {
        /// The URL.
        url: String,
    },
    /// Any other source, as JSON with its `type`.
    #[serde(untagged)]
    Other(Value),
}

/// What the model thought. Send it back unchanged, signature included.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ThinkingBlock {
    /// The thoughts.
    pub thinking: String,
    /// Proves that they are the model's own.
    #[serde(default)]
    pub signature: String,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A call of a tool.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolUseBlock {
    /// The id that the result names.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments. Of a stream that stopped amid them, the text so far.
    #[serde(default)]
    pub input: Value,
    /// Caches the prompt up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What a tool said.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolResultBlock {
    /// The id of the call.
    pub tool_use_id: String,
    /// The result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Whether the tool failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_error: Option<bool>,
    /// Caches the prompt up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Marks the end of a part of the prompt that is cached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheControl {
    /// `ephemeral`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How long it is kept: `5m`, which is the default, or `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

impl CacheControl {
    /// For five minutes.
    pub fn ephemeral() -> Self {
        CacheControl { kind: "ephemeral".into(), ttl: None }
    }

    /// For an hour.
    pub fn one_hour() -> Self {
        CacheControl { kind: "ephemeral".into(), ttl: Some("1h".into()) }
    }
}

/// `Debug` of what holds what people wrote and models answered: the type's name alone.
macro_rules! hide_content {
    ($($type:ident),*) => {
        $(impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        })*
    };
}

hide_content!(TextBlock, ImageBlock, ImageSource, ThinkingBlock, ToolUseBlock, ToolResultBlock);

impl fmt::Debug for ContentBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentBlock({})", self.kind())
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Text(_) => f.write_str("Content(text)"),
            Content::Blocks(blocks) => f.debug_list().entries(blocks).finish(),
        }
    }
}

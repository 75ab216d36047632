//! A request of the Messages API.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::content::{CacheControl, Content, ContentBlock};
use super::message::Message;
use crate::error::InvalidRequest;

/// A request for a message.
///
/// What has no method here goes in by [`field`](Self::field), and through as it is. Its `Debug` shows no content.
///
/// ```
/// use paid::ai::anthropic::{CacheControl, ContentBlock, MessageRequest, Tool};
/// use serde_json::json;
///
/// let request = MessageRequest::new("claude-sonnet-4-5", 1024)
///     .system(ContentBlock::text("You are a long manual.").cached(CacheControl::ephemeral()))
///     .tool(Tool::new("weather", "Tells the weather", json!({"type": "object", "properties": {}})))
///     .temperature(0.2)
///     .field("service_tier", json!("auto"))
///     .user("How is the weather?");
/// # let _ = request;
/// ```
#[derive(Clone, PartialEq, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct MessageRequest {
    model: String,
    max_tokens: u64,
    messages: Vec<MessageParam>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<Content>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    #[serde(skip)]
    extra: Map<String, Value>,
}

impl MessageRequest {
    /// A request to a model, for an answer of at most so many tokens.
    pub fn new(model: impl Into<String>, max_tokens: u64) -> Self {
        MessageRequest {
            model: model.into(),
            max_tokens,
            messages: Vec::new(),
            system: None,
            tools: Vec::new(),
            tool_choice: None,
            thinking: None,
            temperature: None,
            top_p: None,
            top_k: None,
            stop_sequences: Vec::new(),
            metadata: None,
            extra: Map::new(),
        }
    }

    /// Adds a message of the user: a text or blocks.
    pub fn user(self, content: impl Into<Content>) -> Self {
        self.message(MessageParam::user(content))
    }

    /// Adds a message of the model's: a text or blocks.
    pub fn assistant(self, content: impl Into<Content>) -> Self {
        self.message(MessageParam::assistant(content))
    }

    /// Adds a message, such as an answer as it came.
    pub fn message(mut self, message: impl Into<MessageParam>) -> Self {
        self.messages.push(message.into());
        self
    }

    /// Adds messages.
    pub fn messages(mut self, messages: impl IntoIterator<Item = MessageParam>) -> Self {
        self.messages.extend(messages);
        self
    }

    /// The system prompt: a text or blocks.
    pub fn system(mut self, system: impl Into<Content>) -> Self {
        self.system = Some(system.into());
        self
    }

    /// Adds a tool.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Which tool is used.
    pub fn tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = Some(choice);
        self
    }

    /// Whether the model thinks first.
    pub fn thinking(mut self, thinking: Thinking) -> Self {
        self.thinking = Some(thinking);
        self
    }

    /// How freely the model chooses its words, from 0 to 1.
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Chooses among the likeliest words that make up this probability.
    pub fn top_p(mut self, top_p: f64) -> Self {
        self.top_p = Some(top_p);
        self
    }

    /// Chooses among so many of the likeliest words.
    pub fn top_k(mut self, top_k: u64) -> Self {
        self.top_k = Some(top_k);
        self
    }

    /// Adds a text at which the model stops.
    pub fn stop_sequence(mut self, text: impl Into<String>) -> Self {
        self.stop_sequences.push(text.into());
        self
    }

    /// About the request.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Any other field of the body, or another value for one: this one is sent. `stream` is the client's alone.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    /// The body.
    pub(super) fn body(&self, stream: bool) -> Result<Vec<u8>, InvalidRequest> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(flatten)]
            request: &'a MessageRequest,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            stream: bool,
        }
        for (name, value) in [("temperature", self.temperature), ("top_p", self.top_p)] {
            if value.is_some_and(|value| !value.is_finite()) {
                return Err(InvalidRequest::new(name, "is NaN or infinite: JSON has finite numbers only"));
            }
        }
        let body = Body { request: self, stream };
        let bytes = if self.extra.is_empty() {
            serde_json::to_vec(&body)
        } else {
            serde_json::to_value(&body).and_then(|mut value| {
                if let Value::Object(fields) = &mut value {
                    let others = self.extra.iter().filter(|(name, _)| *name != "stream");
                    fields.extend(others.map(|(name, value)| (name.clone(), value.clone())));
                }
                serde_json::to_vec(&value)
            })
        };
        bytes.map_err(|error| InvalidRequest::new("body", error.to_string()))
    }
}

impl fmt::Debug for MessageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageRequest")
            .field("model", &self.model)
            .field("max_tokens", &self.max_tokens)
            .field("messages", &self.messages.len())
            .field("tools", &self.tools.len())
            .finish_non_exhaustive()
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// The user, and tools.
    User,
    /// The model.
    Assistant,
    /// The program, amid the conversation.
    System,
}

/// A message of the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageParam {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Content,
}

impl MessageParam {
    /// Of the user.
    pub fn user(content: impl Into<Content>) -> Self {
        MessageParam { role: Role::User, content: content.into() }
    }

    /// Of the model.
    pub fn assistant(content: impl Into<Content>) -> Self {
        MessageParam { role: Role::Assistant, content: content.into() }
    }
}

/// An answer, to be sent back as it came.
impl From<Message> for MessageParam {
    fn from(message: Message) -> Self {
        MessageParam::assistant(message.content)
    }
}

impl From<&Message> for MessageParam {
    fn from(message: &Message) -> Self {
        MessageParam::assistant(message.content.clone())
    }
}

/// What tools say, in one message.
impl From<Vec<ContentBlock>> for MessageParam {
    fn from(blocks: Vec<ContentBlock>) -> Self {
        MessageParam::user(blocks)
    }
}

/// A tool that the model may call.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
    /// Caches the prompt up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Tool {
    /// A tool of yours, with the JSON schema of its arguments.
    pub fn new(
        name: impl Into<String>,
        description: impl Into<String>,
        input_schema: impl Into<Value>,
    ) -> Self {
        Tool {
            name: name.into(),
            description: Some(description.into()),
            input_schema: Some(input_schema.into()),
            cache_control: None,
            extra: Map::new(),
        }
    }

    /// A tool of Anthropic's: its `type`, such as `web_search_20250305`, and its name.
    pub fn builtin(kind: impl Into<String>, name: impl Into<String>) -> Self {
        let extra = Map::from_iter([("type".to_string(), Value::String(kind.into()))]);
        Tool { name: name.into(), description: None, input_schema: None, cache_control: None, extra }
    }

    /// Any other field.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    /// Caches the prompt up to this tool.
    #[must_use]
    pub fn cached(mut self, control: CacheControl) -> Self {
        self.cache_control = Some(control);
        self
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Which tool is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ToolChoice {
    /// As the model likes.
    Auto,
    /// Any of them.
    Any,
    /// This one.
    Tool {
        /// Its name.
        name: String,
    },
    /// None.
    None,
    /// Any other choice, as JSON with its `type`.
    #[serde(untagged)]
    Other(Value),
}

/// Whether the model thinks first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Thinking {
    /// It does, for at most so many tokens.
    Enabled {
        /// At least 1024, and fewer than `max_tokens`.
        budget_tokens: u64,
    },
    /// It does as it sees fit.
    Adaptive,
    /// It does not.
    Disabled,
    /// Anything else, as JSON with its `type`.
    #[serde(untagged)]
    Other(Value),
}

/// About a request.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// An id of the user that tells nothing of who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Metadata {
    /// With the id of a user that tells nothing of who they are.
    pub fn user(id: impl Into<String>) -> Self {
        Metadata { user_id: Some(id.into()), extra: Map::new() }
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata").finish_non_exhaustive()
    }
}

//! The events of a stream, as types.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::content::ContentBlock;
use super::message::{Message, StopReason, Usage, or_default};

/// An event of a stream. Errors within a stream are the stream's errors instead. Its `Debug` shows no content.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StreamEvent {
    /// The message begins: its id, its model, and what it used so far.
    MessageStart {
        /// Without content.
        message: Box<Message>,
    },
    /// A block begins.
    ContentBlockStart {
        /// Its place in the message.
        index: usize,
        /// Without what comes in deltas.
        content_block: Box<ContentBlock>,
    },
    /// A block goes on.
    ContentBlockDelta {
        /// Its place in the message.
        index: usize,
        /// What is added.
        delta: Delta,
    },
    /// A block has ended.
    ContentBlockStop {
        /// Its place in the message.
        index: usize,
    },
    /// The message ends: why, and what it used in all.
    MessageDelta {
        /// Why it stopped.
        delta: MessageDelta,
        /// What it used.
        #[serde(default, deserialize_with = "or_default")]
        usage: Box<Usage>,
    },
    /// Nothing comes after.
    MessageStop,
    /// A sign of life.
    Ping,
    /// Any other event, as JSON.
    #[serde(untagged)]
    Other(Value),
}

/// What is added to a block. Its `Debug` shows no content.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Delta {
    /// To its text.
    TextDelta {
        /// The text.
        text: String,
    },
    /// To its thoughts.
    ThinkingDelta {
        /// The thoughts.
        thinking: String,
    },
    /// The signature of its thoughts.
    SignatureDelta {
        /// The signature.
        signature: String,
    },
    /// To the arguments of a tool's call.
    InputJsonDelta {
        /// A piece of the JSON's text.
        partial_json: String,
    },
    /// To the citations of its text.
    CitationsDelta {
        /// The citation.
        citation: Value,
    },
    /// Anything else, as JSON with its `type`.
    #[serde(untagged)]
    Other(Value),
}

/// How a message ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MessageDelta {
    /// Why it stopped.
    pub stop_reason: Option<StopReason>,
    /// The text at which it stopped, if that is why.
    pub stop_sequence: Option<String>,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl fmt::Debug for StreamEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamEvent::MessageStart { message } => f.debug_tuple("MessageStart").field(message).finish(),
            StreamEvent::ContentBlockStart { index, content_block } => {
                f.debug_tuple("ContentBlockStart").field(index).field(content_block).finish()
            }
            StreamEvent::ContentBlockDelta { index, delta } => {
                f.debug_tuple("ContentBlockDelta").field(index).field(delta).finish()
            }
            StreamEvent::ContentBlockStop { index } => {
                f.debug_tuple("ContentBlockStop").field(index).finish()
            }
            StreamEvent::MessageDelta { delta, usage } => {
                f.debug_tuple("MessageDelta").field(&delta.stop_reason).field(usage).finish()
            }
            StreamEvent::MessageStop => f.write_str("MessageStop"),
            StreamEvent::Ping => f.write_str("Ping"),
            StreamEvent::Other(event) => f.debug_tuple("Other").field(&event.get("type")).finish(),
        }
    }
}

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Delta::TextDelta { .. } => "TextDelta",
            Delta::ThinkingDelta { .. } => "ThinkingDelta",
            Delta::SignatureDelta { .. } => "SignatureDelta",
            Delta::InputJsonDelta { .. } => "InputJsonDelta",
            Delta::CitationsDelta { .. } => "CitationsDelta",
            Delta::Other(_) => "Other",
        })
    }
}

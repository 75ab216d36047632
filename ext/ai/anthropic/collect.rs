//! Puts a message together from the events of its stream.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::content::ContentBlock;
use super::event::{Delta, StreamEvent};
use super::message::Message;

/// Puts a message together from the events of its stream, for who reads them one by one.
///
/// ```no_run
/// use paid::ai::anthropic::{Error, Message, MessageCollector, MessageStream};
///
/// # async fn example(mut stream: MessageStream) -> Result<Option<Message>, Error> {
/// let mut collector = MessageCollector::new();
/// while let Some(event) = stream.next().await {
///     collector.add(&event?);
/// }
/// Ok(collector.into_message())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct MessageCollector {
    message: Option<Message>,
    blocks: BTreeMap<usize, Block>,
}

struct Block {
    block: ContentBlock,
    /// The text of a tool's arguments, as far as it came.
    arguments: String,
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.block.fmt(f)
    }
}

impl MessageCollector {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event. One that doesn't belong to the message changes nothing.
    pub fn add(&mut self, event: &StreamEvent) {
        match event {
            StreamEvent::MessageStart { message } => {
                self.message = Some((**message).clone());
                self.blocks.clear();
            }
            StreamEvent::ContentBlockStart { index, content_block } => {
                let block = Block { block: (**content_block).clone(), arguments: String::new() };
                self.blocks.insert(*index, block);
            }
            StreamEvent::ContentBlockDelta { index, delta } => {
                if let Some(block) = self.blocks.get_mut(index) {
                    block.add(delta);
                }
            }
            StreamEvent::MessageDelta { delta, usage } => {
                if let Some(message) = &mut self.message {
                    message.stop_reason = delta.stop_reason.clone().or_else(|| message.stop_reason.take());
                    message.stop_sequence =
                        delta.stop_sequence.clone().or_else(|| message.stop_sequence.take());
                    message.usage.update(usage);
                }
            }
            _ => {}
        }
    }

    /// The message, as far as it came; none if it has not begun.
    pub fn into_message(self) -> Option<Message> {
        let mut message = self.message?;
        message.content.extend(self.blocks.into_values().map(Block::finish));
        Some(message)
    }
}

impl Block {
    fn add(&mut self, delta: &Delta) {
        match (&mut self.block, delta) {
            (ContentBlock::Text(block), Delta::TextDelta { text }) => block.text.push_str(text),
            (ContentBlock::Text(block), Delta::CitationsDelta { citation }) => {
                let citations = block.extra.entry("citations").or_insert(Value::Null);
                match citations {
                    Value::Array(citations) => citations.push(citation.clone()),
                    other => *other = Value::Array(vec![citation.clone()]),
                }
            }
            (ContentBlock::Thinking(block), Delta::ThinkingDelta { thinking }) => {
                block.thinking.push_str(thinking)
            }
            (ContentBlock::Thinking(block), Delta::SignatureDelta { signature }) => {
                block.signature.clone_from(signature);
            }
            // Calls of Anthropic's own tools are blocks of other types, and come in the same way.
            (_, Delta::InputJsonDelta { partial_json }) => self.arguments.push_str(partial_json),
            _ => {}
        }
    }

    fn finish(mut self) -> ContentBlock {
        if self.arguments.is_empty() {
            return self.block;
        }
        let input = serde_json::from_str(&self.arguments).unwrap_or(Value::String(self.arguments));
        match &mut self.block {
            ContentBlock::ToolUse(block) => block.input = input,
            ContentBlock::Other(Value::Object(block)) => {
                block.insert("input".into(), input);
            }
            _ => {}
        }
        self.block
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_block_is_put_together() {
        let mut collector = MessageCollector::new();
        let mut add = |event: Value| collector.add(&serde_json::from_value(event).unwrap());
        let delta = |index: usize, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
        let start = |index: usize, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
        add(delta(0, json!({"type": "text_delta", "text": "too early"})));
        add(
            json!({"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 5, "output_tokens": 1,
            "cache_read_input_tokens": 2, "service_tier": "standard"}}}),
        );
        add(start(0, json!({"type": "thinking", "thinking": "", "signature": ""})));
        add(delta(0, json!({"type": "thinking_delta", "thinking": "hm"})));
        add(delta(0, json!({"type": "signature_delta", "signature": "s"})));
        add(start(1, json!({"type": "text", "text": ""})));
        add(delta(1, json!({"type": "citations_delta", "citation": {"n": 1}})));
        add(delta(1, json!({"type": "text_delta", "text": "Hel"})));
        add(delta(1, json!({"type": "text_delta", "text": "lo"})));
        add(start(2, json!({"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": "c"})));
        add(delta(2, json!({"type": "input_json_delta", "partial_json": ""})));
        add(delta(2, json!({"type": "input_json_delta", "partial_json": "{\"a\":"})));
        add(delta(2, json!({"type": "input_json_delta", "partial_json": "1}"})));
        add(start(3, json!({"type": "server_tool_use", "id": "w", "name": "web_search", "input": {}})));
        add(delta(3, json!({"type": "input_json_delta", "partial_json": "{\"query\":\"q\"}"})));
        add(start(4, json!({"type": "tool_use", "id": "u", "name": "f", "input": {}})));
        add(start(5, json!({"type": "tool_use", "id": "v", "name": "f", "input": {}})));
        add(delta(5, json!({"type": "input_json_delta", "partial_json": "{\"cut"})));
        add(delta(9, json!({"type": "text_delta", "text": "nowhere"})));
        add(
            json!({"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 9}}),
        );
        let message = serde_json::to_value(collector.into_message().unwrap()).unwrap();
        assert_eq!(
            message["content"],
            json!([
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "Hello", "citations": [{"n": 1}]},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}, "caller": "c"},
                {"type": "server_tool_use", "id": "w", "name": "web_search", "input": {"query": "q"}},
                {"type": "tool_use", "id": "u", "name": "f", "input": {}},
                {"type": "tool_use", "id": "v", "name": "f", "input": "{\"cut"},
            ])
        );
        assert_eq!(message["stop_reason"], "max_tokens");
        let usage = &message["usage"];
        assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(5), &json!(9)));
        assert_eq!(
            (&usage["cache_read_input_tokens"], &usage["service_tier"]),
            (&json!(2), &json!("standard"))
        );
        assert!(MessageCollector::new().into_message().is_none());
    }
}

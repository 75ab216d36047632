//! Reads the events of a stream from its bytes, however they are cut.

use bytes::{Buf, Bytes};
use serde_json::Value;

use super::event::StreamEvent;
use crate::ext::ai::engine::{Piece, Sse};

/// Some gateways end streams of any API with it.
const END_OF_STREAM: &[u8] = b"[DONE]";
/// An event that is larger is none: the memory of a caller is not the provider's.
const LARGEST: usize = 64 << 20;

/// Keeps one event at a time.
#[derive(Debug, Default)]
pub(super) struct Events {
    sse: Sse,
    /// What is not read yet.
    rest: Bytes,
    data: Vec<u8>,
    too_large: bool,
}

/// Why an event can't be read, or is an error itself.
#[derive(Debug)]
pub(super) enum BadEvent {
    /// The provider's error, as it came.
    Failed(Bytes),
    /// It is not JSON.
    Malformed(String),
}

impl Events {
    /// More of the stream; what was given before has been read.
    pub fn push(&mut self, bytes: Bytes) {
        self.rest = bytes;
    }

    /// The next event; none if more of the stream is needed.
    pub fn next(&mut self) -> Option<Result<StreamEvent, BadEvent>> {
        loop {
            let mut bytes = &*self.rest;
            let piece = self.sse.next(&mut bytes);
            let ended = match &piece {
                None => None,
                Some(Piece::Data(data)) => {
                    self.too_large |= self.data.len().saturating_add(data.len()) > LARGEST;
                    if !self.too_large {
                        self.data.extend_from_slice(data);
                    }
                    Some(false)
                }
                Some(Piece::End) => Some(true),
                Some(Piece::Nothing) => Some(false),
            };
            let read = self.rest.len() - bytes.len();
            self.rest.advance(read);
            if ended? && let Some(event) = self.event() {
                return Some(event);
            }
        }
    }

    /// The last event, where the stream ends without ending it.
    pub fn end(&mut self) -> Option<Result<StreamEvent, BadEvent>> {
        if self.sse.end() { self.event() } else { None }
    }

    fn event(&mut self) -> Option<Result<StreamEvent, BadEvent>> {
        // An event without content, as some gateways send to keep the connection.
        if !self.too_large && self.sse.event() != b"error" && self.data.trim_ascii().is_empty() {
            self.data.clear();
            return None;
        }
        let event = self.read();
        self.data.clear();
        event
    }

    fn read(&mut self) -> Option<Result<StreamEvent, BadEvent>> {
        if std::mem::take(&mut self.too_large) {
            return Some(Err(BadEvent::Malformed(format!("it is larger than {LARGEST} bytes"))));
        }
        if self.data == END_OF_STREAM {
            return None;
        }
        let is_error = self.sse.event() == b"error";
        Some(match serde_json::from_slice::<StreamEvent>(&self.data) {
            _ if is_error => Err(self.failed()),
            Ok(StreamEvent::Other(event)) if event.get("type").and_then(Value::as_str) == Some("error") => {
                Err(self.failed())
            }
            Ok(event) => Ok(event),
            Err(error) => Err(BadEvent::Malformed(where_broken(&error))),
        })
    }

    fn failed(&self) -> BadEvent {
        BadEvent::Failed(Bytes::copy_from_slice(&self.data))
    }
}

/// Where JSON is broken, in words without any of it.
pub(super) fn where_broken(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Eof => "the JSON is cut off".to_string(),
        serde_json::error::Category::Syntax => {
            format!("no JSON at line {} column {}", error.line(), error.column())
        }
        _ => format!("it does not fit at line {} column {}", error.line(), error.column()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use crate::ext::ai::anthropic::{ContentBlock, Delta, StopReason};

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let (mut events, mut found) = (Events::default(), Vec::new());
        let note = |event: Result<StreamEvent, BadEvent>| match event {
            Ok(event) => serde_json::to_string(&event).unwrap(),
            Err(error) => format!("{error:?}"),
        };
        for piece in pieces {
            events.push(Bytes::copy_from_slice(piece));
            found.extend(std::iter::from_fn(|| events.next()).map(note));
            assert!(events.rest.is_empty());
        }
        found.extend(events.end().map(note));
        found
    }

    const STREAM: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":\
        {\"input_tokens\":3,\"new_count\":1},\"container\":null}}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n\
        : comment\n\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\
        \"text\":\"\"}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\
        \"text\":\"ü🦀\"}}\n\ndata: {\"type\":\"content_block_delta\",\ndata: \"index\":0,\"delta\":{\"type\":\"x\"}}\n\n\
        data: {\"type\":\"brand_new\",\"a\":[1.5]}\n\ndata: {\"type\":\"content_block_delta\",\"index\":\"wrong\"}\n\n\
        data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"new_reason\"},\"usage\":null}\n\n\
        data: [DONE]\n\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\"}}\n\nevent: error\ndata: oh\n\n\
        data: {\"half\n\ndata: {\"type\":\"message_stop\",\"metrics\":{}}";

    #[test]
    fn any_cut_gives_the_same_events() {
        for line_end in ["\n", "\r\n", "\r"] {
            let stream = STREAM.replace('\n', line_end);
            let bytes = stream.as_bytes();
            let whole = read(&[bytes]);
            assert_eq!(whole.len(), 12, "{whole:#?}");
            for at in 0..=bytes.len() {
                let (one, two) = bytes.split_at(at);
                assert_eq!(read(&[one, two]), whole, "{line_end:?} {at}");
            }
            for seed in 0..500 {
                let mut rng = fastrand::Rng::with_seed(seed);
                let (mut rest, mut pieces) = (bytes, Vec::new());
                while !rest.is_empty() {
                    let most = rest.len().min(1 << rng.u32(0..9));
                    let (piece, after) = rest.split_at(rng.usize(0..=most));
                    pieces.push(piece);
                    rest = after;
                }
                assert_eq!(read(&pieces), whole, "{line_end:?} {seed}");
            }
        }
    }

    #[test]
    fn any_events_are_read_alike_however_they_are_cut() {
        let words = [
            "data: ",
            "event: error",
            "\n",
            "\n\n",
            "{\"type\":\"ping\"}",
            "{\"type\":",
            "\"x\"}",
            "\r",
            "ü",
            "[DONE]",
        ];
        for seed in 0..2000 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let text: String = (0..rng.usize(..30)).map(|_| words[rng.usize(..words.len())]).collect();
            let size = rng.usize(1..6);
            let pieces: Vec<_> = text.as_bytes().chunks(size).collect();
            assert_eq!(read(&pieces), read(&[text.as_bytes()]), "{seed}: {text:?}");
        }
    }

    #[test]
    fn what_is_known_is_typed_and_what_is_not_is_kept() {
        let mut events = Events::default();
        events.push(Bytes::from_static(STREAM.as_bytes()));
        let mut next = || events.next().unwrap();
        let Ok(StreamEvent::MessageStart { message }) = next() else { panic!() };
        assert_eq!((message.id.as_str(), message.usage.input_tokens), ("m", Some(3)));
        assert_eq!(message.usage.extra["new_count"], 1);
        assert!(message.extra["container"].is_null());
        assert_eq!(next().unwrap(), StreamEvent::Ping);
        let Ok(StreamEvent::ContentBlockStart { index: 0, content_block }) = next() else { panic!() };
        assert_eq!(*content_block, ContentBlock::text(""));
        let delta = Delta::TextDelta { text: "ü🦀".into() };
        assert_eq!(next().unwrap(), StreamEvent::ContentBlockDelta { index: 0, delta });
        let delta = Delta::Other(serde_json::json!({"type": "x"}));
        assert_eq!(next().unwrap(), StreamEvent::ContentBlockDelta { index: 0, delta });
        assert!(matches!(next().unwrap(), StreamEvent::Other(event) if event["a"][0] == 1.5));
        assert!(matches!(next().unwrap(), StreamEvent::Other(event) if event["index"] == "wrong"));
        let Ok(StreamEvent::MessageDelta { delta, .. }) = next() else { panic!() };
        assert_eq!(delta.stop_reason, Some(StopReason::Other("new_reason".into())));
        assert!(matches!(next(), Err(BadEvent::Failed(_))));
        assert!(matches!(next(), Err(BadEvent::Failed(event)) if event == "oh"));
        assert!(matches!(next(), Err(BadEvent::Malformed(_))));
        assert!(events.next().is_none());
        assert_eq!(events.end().unwrap().unwrap(), StreamEvent::MessageStop);
    }
}

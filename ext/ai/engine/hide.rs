//! Takes the usage chunk that was only asked for by us out of a chat stream, and nothing else.

use bytes::Bytes;
use serde_json::Value;

use super::json::{Scalar, Scanner, Visitor};
use super::recognize::Format;
use super::skim;
use super::sse::{Piece, Sse};

/// A usage chunk is shorter.
pub(super) const MOST_HELD: usize = 64 * 1024;

/// Hides the usage chunk from the caller.
///
/// The chunk before it, which tells that a choice has finished, is held until the next one is there: a caller that reads
/// no further than that would never get to the usage.
#[derive(Debug, Default)]
pub(crate) struct HideUsage {
    sse: Sse,
    scanner: Scanner,
    chunk: Chunk,
    /// What was read of an event that may be the chunk, and of one that has finished a choice before it.
    held: Vec<u8>,
    /// Where in that the event begins that is read.
    event: usize,
    /// The event isn't the chunk: it passes as it comes.
    passing: bool,
    /// The last event ended with a return; a line feed after it goes where that went.
    after_return: Option<Fate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Passed,
    Hidden,
}

/// What is seen of an event.
#[derive(Debug, Default)]
struct Chunk {
    choices: bool,
    usage: bool,
    finished: bool,
}

impl Visitor for Chunk {
    fn scalar(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["choices", "", "finish_reason"] => {
                self.choices = true;
                self.finished |= matches!(value, Scalar::Text(_) | Scalar::Start(_));
            }
            ["choices", _, ..] => self.choices = true,
            ["usage", _, ..] => self.usage = true,
            _ => {}
        }
    }
}

impl HideUsage {
    /// For an answer of this content type; none if it is no stream of events.
    pub fn new(content_type: &str) -> Option<Self> {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/event-stream").then(HideUsage::default)
    }

    /// What the caller gets of these bytes, which may be nothing yet.
    pub fn filter(&mut self, bytes: Bytes) -> Bytes {
        let passed = if self.held.is_empty() { self.pass(&bytes) } else { 0 };
        if passed == bytes.len() {
            return bytes;
        }
        let before = self.held.len();
        let mut out = std::mem::take(&mut self.held);
        out.extend_from_slice(bytes.get(..passed).unwrap_or_default());
        // Where what is held begins in what goes out, and where the event does, as far as it has not gone out.
        let mut held = passed;
        let mut event = if before == 0 { passed } else { self.event };
        let mut hidden = false;
        let mut rest = bytes.get(passed..).unwrap_or_default();
        loop {
            let from = rest;
            let piece = self.sse.next(&mut rest);
            let mut read = from.get(..from.len() - rest.len()).unwrap_or_default();
            if !read.is_empty()
                && let Some(fate) = self.after_return.take()
                && let Some(after) = read.strip_prefix(b"\n")
            {
                read = after;
                match fate {
                    Fate::Hidden => hidden = true,
                    Fate::Passed => {
                        let goes_out = held == out.len();
                        out.push(b'\n');
                        event += 1;
                        held += usize::from(goes_out);
                    }
                }
            }
            out.extend_from_slice(read);
            let is_event = match piece {
                Some(Piece::Data(data)) => {
                    self.scanner.feed(data, &mut self.chunk);
                    self.passing |= self.chunk.choices;
                    if self.passing {
                        // Of an event that finishes a choice, what is left.
                        held = if self.chunk.finished { held.max(event) } else { out.len() };
                    }
                    continue;
                }
                Some(Piece::End) => true,
                Some(Piece::Nothing) => false,
                None => break,
            };
            let mut fate = Fate::Passed;
            let whole = out.get(event..).unwrap_or_default();
            // One that is too long to be held passes when it comes whole, too.
            let may_be = self.chunk.usage && !self.passing && whole.len() <= MOST_HELD;
            if may_be && is_usage_chunk(whole) {
                out.truncate(event);
                (fate, hidden) = (Fate::Hidden, true);
                held = out.len();
            } else if self.chunk.finished {
                held = held.max(event);
            } else if is_event || held == event {
                held = out.len();
            }
            self.after_return = read.ends_with(b"\r").then_some(fate);
            self.scanner.reset();
            self.chunk = Chunk::default();
            self.passing = false;
            event = out.len();
        }
        let too_long = out.len() - held.max(event) > MOST_HELD;
        self.passing |= too_long;
        if too_long || (self.passing && !self.chunk.finished) {
            held = out.len();
        } else if event.saturating_sub(held) > MOST_HELD {
            held = event;
        }
        self.event = event.saturating_sub(held);
        self.held = out.split_off(held);
        // Most often nothing was held or is hidden, and the bytes go on as they are.
        if before == 0 && !hidden && self.held.is_empty() { bytes } else { out.into() }
    }

    /// How many of these bytes are events that pass, and are seen to do so without being read.
    fn pass(&self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        if self.sse.is_between() && self.after_return.is_none() {
            while let Some(event) = skim::whole_event(rest)
                && !skim::may_tell(Format::Chat, event.data)
            {
                rest = rest.get(event.length..).unwrap_or_default();
            }
        }
        bytes.len() - rest.len()
    }

    /// How much is held back.
    #[cfg(any(test, fuzzing))]
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// What is left when the stream has ended.
    pub fn end(&mut self) -> Bytes {
        std::mem::take(&mut self.held).into()
    }
}

fn is_usage_chunk(event: &[u8]) -> bool {
    let (mut sse, mut data, mut rest) = (Sse::default(), Vec::new(), event);
    while let Some(piece) = sse.next(&mut rest) {
        if let Piece::Data(bytes) = piece {
            data.extend_from_slice(bytes);
        }
    }
    let Ok(chunk) = serde_json::from_slice::<Value>(&data) else { return false };
    let Some(usage) = chunk.get("usage").and_then(Value::as_object) else { return false };
    match chunk.get("choices") {
        Some(Value::Array(choices)) => choices.is_empty(),
        // Some services write its choices as null, or not at all. Other APIs' events have a type.
        None | Some(Value::Null) => {
            let is_null = |key: &str| chunk.get(key).is_none_or(Value::is_null);
            let counts = ["prompt_tokens", "completion_tokens", "total_tokens"];
            is_null("type") && is_null("error") && counts.iter().any(|key| usage.contains_key(*key))
        }
        _ => false,
    }
}

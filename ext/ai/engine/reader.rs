//! Reads an answer's body as it comes: JSON, server-sent events or an AWS event stream.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::errors::ProviderError;
use super::event_stream::{EventStream, Message};
use super::found::{Cut, Found};
use super::json::{Scalar, Scanner, Visitor};
use super::recognize::Format;
use super::skim;
use super::sse::{Piece, Sse};
use super::usage::{Counts, Usage};

pub(crate) use super::found::Progress;

/// Reads the body of one answer.
#[derive(Debug)]
pub(crate) struct Reader {
    found: Found,
    body: Body,
    /// Whether the request asks for a stream.
    stream: bool,
    /// What the answer is by its type, where its first byte does not tell.
    by_type: ByType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ByType {
    Sse,
    Aws,
    Other,
}

#[derive(Debug)]
enum Body {
    /// Its first byte tells what it is.
    Unknown,
    Json(Scanner),
    Sse(Box<Events>),
    Aws(Box<Messages>),
    /// And why.
    Unreadable(&'static str),
}

/// Messages of AWS.
#[derive(Debug, Default)]
struct Messages {
    stream: EventStream,
    scanner: Scanner,
    /// What InvokeModel's messages hold.
    chunk: Vec<u8>,
}

/// Server-sent events of JSON.
#[derive(Debug, Default)]
struct Events {
    sse: Sse,
    scanner: Scanner,
    /// The first bytes of the data, which may not be JSON.
    start: Vec<u8>,
}

const END_OF_STREAM: &[u8] = b"[DONE]";

impl Reader {
    /// For an answer of this content type, which may be empty.
    pub fn new(format: Format, stream: bool, content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let by_type = match kind.as_str() {
            "text/event-stream" => ByType::Sse,
            "application/vnd.amazon.eventstream" => ByType::Aws,
            _ => ByType::Other,
        };
        let mut reader =
            Reader { found: Found::new(format, Cut::Whole), body: Body::Unknown, stream, by_type };
        reader.set_cut();
        reader
    }

    /// For an answer that can't be read.
    pub fn unreadable(format: Format, stream: bool, reason: &'static str) -> Self {
        Reader {
            found: Found::new(format, Cut::Whole),
            body: Body::Unreadable(reason),
            stream,
            by_type: ByType::Other,
        }
    }

    /// The output is told without reasoning, and only the total tells of that.
    pub fn reasoning_is_untold(&mut self, is_untold: bool) {
        self.found.reasoning_is_untold = is_untold;
    }

    /// The tier that is told beside the body.
    pub fn service_tier(&mut self, tier: &str) {
        if !tier.is_empty() {
            self.found.usage.service_tier = Some(tier.to_string());
        }
    }

    /// Counts that are told beside the body.
    pub fn beside(&mut self, counts: Counts) {
        self.found.beside = counts;
    }

    pub fn beside_counts(&self) -> &Counts {
        &self.found.beside
    }

    pub fn progress(&self) -> Progress {
        self.found.progress
    }

    /// Whether an event of its own has told the usage.
    pub fn usage_came_alone(&self) -> bool {
        self.found.usage_came_alone
    }

    pub fn error(&self) -> Option<&ProviderError> {
        self.found.error.as_ref()
    }

    pub fn usage(&self) -> Usage {
        self.found.usage()
    }

    /// Whether the answer is a stream, as far as it can be told.
    pub fn is_stream(&self) -> bool {
        match self.body {
            Body::Unknown => self.stream || self.by_type != ByType::Other,
            Body::Unreadable(_) => self.stream,
            _ => self.found.cut != Cut::Whole,
        }
    }

    /// Whether what was asked for goes on after the answer.
    pub fn goes_on(&self) -> bool {
        self.found.goes_on
    }

    /// Why it can't be read, if it can't.
    pub fn trouble(&self) -> Option<&'static str> {
        match self.body {
            Body::Unreadable(reason) => Some(reason),
            _ => None,
        }
    }

    /// No more of it can be read.
    pub fn give_up(&mut self, reason: &'static str) {
        if self.found.progress != Progress::Done {
            self.body = Body::Unreadable(reason);
        }
    }

    /// Reads on.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.found.progress == Progress::Done || bytes.is_empty() {
            return;
        }
        let mut bytes = bytes;
        if matches!(self.body, Body::Unknown) {
            // Some answers begin with a byte order mark, which may come in pieces.
            let is_blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0xef | 0xbb | 0xbf);
            let blanks = bytes.iter().take_while(|byte| is_blank(byte)).count();
            bytes = bytes.get(blanks..).unwrap_or_default();
            let Some(first) = bytes.first() else { return };
            self.body = match (first, self.by_type) {
                // Some services ignore that a stream is asked for, and answer under its type.
                (b'{' | b'[', _) => Body::Json(Scanner::default()),
                (_, ByType::Sse) => Body::Sse(Box::default()),
                // The length of a message that is not enormous.
                (0, _) | (_, ByType::Aws) => Body::Aws(Box::default()),
                // A comment, or one of the names of fields: no other text that is read begins so.
                (b':' | b'd' | b'e' | b'i' | b'r', _) => Body::Sse(Box::default()),
                _ if self.stream => Body::Sse(Box::default()),
                _ => Body::Unreadable("the answer is not JSON"),
            };
            self.set_cut();
        }
        let trouble = match &mut self.body {
            Body::Json(scanner) => {
                scanner.feed(bytes, &mut self.found);
                scanner.is_broken().then_some("the answer is not JSON")
            }
            Body::Sse(events) => {
                events.feed(bytes, &mut self.found);
                None
            }
            Body::Aws(aws) => {
                aws.feed(bytes, &mut self.found);
                aws.stream.is_broken().then_some("the event stream is broken")
            }
            Body::Unknown | Body::Unreadable(_) => None,
        };
        // What comes after the end is no trouble.
        if let Some(trouble) = trouble
            && self.found.progress != Progress::Done
        {
            self.body = Body::Unreadable(trouble);
        }
    }

    /// Nothing comes after.
    pub fn end(&mut self) {
        let whole = match &mut self.body {
            Body::Sse(events) => {
                events.end(&mut self.found);
                true
            }
            Body::Json(scanner) => scanner.end(&mut self.found),
            Body::Aws(aws) => aws.stream.is_whole(),
            Body::Unknown | Body::Unreadable(_) => true,
        };
        if !whole {
            self.body = Body::Unreadable("the answer was cut off");
        }
    }

    fn set_cut(&mut self) {
        self.found.cut = match self.body {
            Body::Sse(_) | Body::Aws(_) => Cut::Events,
            Body::Json(_) if self.stream => Cut::List,
            _ => Cut::Whole,
        };
    }
}

impl Events {
    fn feed(&mut self, bytes: &[u8], found: &mut Found) {
        let mut rest = bytes;
        while found.progress != Progress::Done {
            if self.sse.is_between()
                && let Some(event) = skim::whole_event(rest)
                && found.learns_nothing(event.data)
            {
                rest = rest.get(event.length..).unwrap_or_default();
                continue;
            }
            let Some(piece) = self.sse.next(&mut rest) else { return };
            match piece {
                Piece::Data(data) => {
                    let room = (END_OF_STREAM.len() + 1).saturating_sub(self.start.len());
                    self.start.extend_from_slice(data.get(..room).unwrap_or(data));
                    self.scanner.feed(data, found);
                }
                Piece::End => self.end_of_event(found),
                Piece::Nothing => {}
            }
        }
    }

    fn end(&mut self, found: &mut Found) {
        if self.sse.end() {
            self.end_of_event(found);
        }
    }

    fn end_of_event(&mut self, found: &mut Found) {
        let whole = self.scanner.end(found);
        if self.start == END_OF_STREAM {
            found.end_of_stream();
        } else {
            found.end_of_part(self.sse.event(), whole);
        }
        self.start.clear();
        self.scanner.reset();
    }
}

impl Messages {
    fn feed(&mut self, bytes: &[u8], found: &mut Found) {
        let mut rest = bytes;
        while found.progress != Progress::Done
            && let Some(message) = self.stream.next(&mut rest)
        {
            read_message(&message, &mut self.scanner, &mut self.chunk, found);
        }
    }
}

fn read_message(message: &Message<'_>, scanner: &mut Scanner, chunk: &mut Vec<u8>, found: &mut Found) {
    match message.kind {
        // Its text begins with the first piece.
        "exception" if message.goes_on => {}
        "error" if message.goes_on => {}
        "exception" => {
            let mut said = Said::default();
            scanner.feed(message.payload, &mut said);
            scanner.reset();
            found.fail(ProviderError::new(message.name, &said.0));
        }
        "error" => found.fail(ProviderError::new(message.name, message.error)),
        // A word of Converse's answer.
        "event" if message.name == "contentBlockDelta" => {}
        // Of a long message, the texts of a guardrail's trace; it tells the usage too.
        _ if message.goes_on => scanner.feed(message.payload, found),
        _ => {
            // InvokeModel's events hold the model's own.
            chunk.clear();
            let is_chunk = message.name == "chunk" && decode(message.payload, chunk).is_some();
            scanner.feed(if is_chunk { chunk } else { message.payload }, found);
            let whole = scanner.end(found);
            scanner.reset();
            found.end_of_part(b"", whole);
        }
    }
}

fn decode(payload: &[u8], into: &mut Vec<u8>) -> Option<()> {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        bytes: Cow<'a, str>,
    }
    let chunk: Chunk<'_> = serde_json::from_slice(payload).ok()?;
    STANDARD.decode_vec(chunk.bytes.as_bytes(), into).ok()
}

/// The text of an exception.
#[derive(Default)]
struct Said(String);

impl Visitor for Said {
    fn scalar(&mut self, path: &[&str], value: Scalar<'_>) {
        if let (["message" | "Message"], Scalar::Text(text) | Scalar::Start(text)) = (path, value) {
            self.0 = text.to_string();
        }
    }
}

//! How answers travel: framed as the provider frames them, in the pieces and at the pace of the script.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::Frame;
use tokio::time::{Sleep, sleep};

use super::eventstream;
use super::json::Json;
use super::script::Script;

/// One event of a stream, before it is framed.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) data: String,
}

impl Event {
    /// An event that has only data.
    pub(super) fn data(data: &Json) -> Self {
        Self::named("", data)
    }

    pub(super) fn named(name: &'static str, data: &Json) -> Self {
        Self { kind: "event", name, data: data.text() }
    }

    /// What OpenAI and Mistral end a stream with.
    pub(super) fn done() -> Self {
        Self { kind: "event", name: "", data: "[DONE]".to_owned() }
    }
}

/// How a provider puts events on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Server-sent events.
    Sse,
    /// Server-sent events with the line ends that Gemini sends.
    SseCrLf,
    /// One JSON list.
    JsonList,
    /// Amazon's binary event stream.
    Aws,
}

impl Framing {
    fn content_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream; charset=utf-8",
            Self::SseCrLf => "text/event-stream",
            Self::JsonList => "application/json; charset=UTF-8",
            Self::Aws => "application/vnd.amazon.eventstream",
        }
    }

    fn frame(self, place: usize, event: &Event) -> Bytes {
        let Event { kind, name, data } = event;
        match self {
            Self::Sse if name.is_empty() => format!("data: {data}\n\n").into(),
            Self::Sse => format!("event: {name}\ndata: {data}\n\n").into(),
            Self::SseCrLf => format!("data: {data}\r\n\r\n").into(),
            Self::JsonList if place == 0 => format!("[{data}").into(),
            Self::JsonList => format!("\n,\r\n{data}").into(),
            Self::Aws => eventstream::message(kind, name, data.as_bytes()).into(),
        }
    }
}

/// A streamed answer. `failure` is the event that tells of an error of this status.
pub(super) fn streamed(
    script: &Script,
    framing: Framing,
    mut events: Vec<Event>,
    failure: impl FnOnce(u16) -> Event,
) -> Response {
    let delivery = script.delivery();
    if let Some((after, status)) = delivery.error_after {
        events.truncate(after);
        events.push(failure(status));
    }
    if let Some(after) = delivery.end_after {
        events.truncate(after);
    }
    if let Some(after) = delivery.cut_after {
        events.truncate(after);
    }
    if let Some(event) = delivery.malformed_at.and_then(|at| events.get_mut(at)) {
        event.data = half(&event.data);
    }
    let mut frames: Vec<Bytes> =
        events.iter().enumerate().map(|(place, event)| framing.frame(place, event)).collect();
    if framing == Framing::JsonList && delivery.cut_after.is_none() {
        frames.push(Bytes::from_static(if events.is_empty() { b"[]" } else { b"\n]\n" }));
    }
    paced(script, framing.content_type(), frames)
}

/// An answer that comes at once.
pub(super) fn whole(script: &Script, body: &Json) -> Response {
    text(script, "application/json", body.text())
}

/// The same of any type.
pub(super) fn text(script: &Script, content_type: &'static str, mut body: String) -> Response {
    if script.delivery().malformed_at.is_some() {
        body = half(&body);
    }
    if !script.delivery().pieces.is_empty() {
        return paced(script, content_type, vec![body.into()]);
    }
    answer(Body::from(body), content_type)
}

fn answer(body: Body, content_type: &'static str) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn paced(script: &Script, content_type: &'static str, frames: Vec<Bytes>) -> Response {
    let delivery = script.delivery();
    let pieces = if delivery.pieces.is_empty() { frames.into() } else { recut(&frames, &delivery.pieces) };
    let cut = delivery.cut_after.is_some();
    let body = PacedBody { pieces, delay: delivery.delay, pause: None, cut, flushed: false };
    answer(Body::new(body), content_type)
}

/// The same bytes in pieces of these sizes.
fn recut(frames: &[Bytes], sizes: &[usize]) -> VecDeque<Bytes> {
    let mut rest = Bytes::from(frames.concat());
    let mut pieces = VecDeque::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        pieces.push_back(rest.split_to((*size).min(rest.len())));
    }
    pieces
}

/// The first half of a text, which is no JSON any more.
pub(super) fn half(text: &str) -> String {
    text.chars().take(text.chars().count() / 2).collect()
}

/// A body whose pieces come one by one.
struct PacedBody {
    pieces: VecDeque<Bytes>,
    delay: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    cut: bool,
    flushed: bool,
}

impl hyper::body::Body for PacedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        if let Some(piece) = self.pieces.pop_front() {
            if !self.delay.is_zero() && !self.pieces.is_empty() {
                self.pause = Some(Box::pin(sleep(self.delay)));
            }
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if !self.cut {
            return Poll::Ready(None);
        }
        if !self.flushed {
            // hyper throws away what it has not flushed when a body fails, and flushes when one is not ready.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::other("cut off"))))
    }
}

//! The events of a message as they come.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http_body::Body;
use tokio::time::{Instant, Sleep, sleep};

use super::collect::MessageCollector;
use super::error::{ApiError, Error, OPERATION, lost};
use super::event::StreamEvent;
use super::events::{BadEvent, Events};
use super::message::Message;
use crate::error::{DecodeError, TimeoutError};
use crate::ext::ai::engine::Watch;
use crate::response::{Headers, Response};

/// How long the end of a body is waited for after the last event, so that its connection can be used again.
const LONGEST_END: Duration = Duration::from_secs(1);

/// The events of a message as they come. It ends after the last one, and after an error.
///
/// Dropped before its usage is told, it is recorded as failed, with what is known by then.
///
/// ```no_run
/// use paid::ai::anthropic::{Delta, Error, MessageRequest, PaidAnthropic, StreamEvent};
///
/// # async fn example(anthropic: PaidAnthropic, request: MessageRequest) -> Result<(), Error> {
/// let mut stream = anthropic.messages().stream(&request).await?;
/// while let Some(event) = stream.next().await {
///     if let StreamEvent::ContentBlockDelta { delta: Delta::TextDelta { text }, .. } = event? {
///         print!("{text}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "events come as they are read"]
pub struct MessageStream {
    status: u16,
    headers: Headers,
    attempts: u32,
    /// None when the stream is over.
    body: Option<reqwest::Body>,
    events: Events,
    watch: Option<Watch>,
    limit: Duration,
    /// When the next piece is late.
    late: Pin<Box<Sleep>>,
    /// Why the model stopped was told.
    told: bool,
    stopped: bool,
}

impl MessageStream {
    pub(super) fn new(
        response: reqwest::Response,
        attempts: u32,
        watch: Option<Watch>,
        limit: Duration,
    ) -> Self {
        let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        MessageStream {
            status: parts.status.as_u16(),
            headers: Headers::new(parts.headers),
            attempts,
            body: Some(body),
            events: Events::default(),
            watch,
            limit,
            late: Box::pin(sleep(limit)),
            told: false,
            stopped: false,
        }
    }

    /// The next event, `None` after the last.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] for an error within the stream, [`Error::Transport`] and [`Error::Timeout`] if it breaks off or
    /// nothing comes for as long as the client's timeout, [`Error::Decode`] for an event that is no JSON, and for a
    /// stream that ends amid the message.
    pub async fn next(&mut self) -> Option<Result<StreamEvent, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Reads all of it, and puts the message together. Events that were read before are missing from it: who reads
    /// some uses a [`MessageCollector`] from the start.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next), and [`Error::Decode`] if the message's start is not there.
    pub async fn final_message(mut self) -> Result<Message, Error> {
        let mut collector = MessageCollector::new();
        while let Some(event) = self.next().await {
            collector.add(&event?);
        }
        let Some(mut message) = collector.into_message() else {
            return Err(self.malformed("the message's start is missing".into()));
        };
        message.request_id = self.request_id().map(str::to_string);
        Ok(message)
    }

    /// The id that Anthropic gave the request, for its support to find it.
    pub fn request_id(&self) -> Option<&str> {
        self.headers.get("request-id")
    }

    /// The headers of the answer, such as those of the rate limits.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    fn malformed(&self, reason: String) -> Error {
        let answer =
            Response { status: self.status, headers: self.headers.clone(), body: Bytes::new(), data: () };
        DecodeError::new(OPERATION, answer, ".".into(), reason, self.attempts).into()
    }

    /// An event as the caller gets it.
    fn pass(&mut self, event: Result<StreamEvent, BadEvent>) -> Result<StreamEvent, Error> {
        match event {
            Ok(event) => {
                match &event {
                    StreamEvent::MessageDelta { delta, .. } => self.told |= delta.stop_reason.is_some(),
                    StreamEvent::MessageStop => {
                        self.stopped = true;
                        self.wait_for(LONGEST_END.min(self.limit));
                    }
                    _ => {}
                }
                Ok(event)
            }
            Err(BadEvent::Failed(event)) => {
                let error = ApiError::in_stream(self.status, self.headers.clone(), event, self.attempts);
                Err(self.fail(error.into()))
            }
            Err(BadEvent::Malformed(reason)) => {
                let error = self.malformed(reason);
                Err(self.fail(error))
            }
        }
    }

    /// Ends the stream and its span with an error; if the watch has seen it already, it keeps its own words.
    fn fail(&mut self, error: Error) -> Error {
        self.body = None;
        if let Some(mut watch) = self.watch.take() {
            watch.fail_as(error.name(), &error.to_string());
        }
        error
    }

    fn finish(&mut self) {
        self.body = None;
        if let Some(mut watch) = self.watch.take() {
            watch.end();
        }
    }

    fn wait_for(&mut self, limit: Duration) {
        // A limit beyond what the clock can hold is none.
        if let Some(end) = Instant::now().checked_add(limit) {
            self.late.as_mut().reset(end);
        }
    }

    /// More of the body, or its end.
    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match Pin::new(body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame.into_data().unwrap_or_default()))),
            Poll::Ready(Some(Err(error))) if error.is_timeout() => Poll::Ready(Some(Err(self.timed_out()))),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(lost(&error, self.attempts)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(self.late.as_mut().poll(context));
                Poll::Ready(Some(Err(self.timed_out())))
            }
        }
    }

    fn timed_out(&self) -> Error {
        TimeoutError::new(OPERATION, self.limit, self.attempts).into()
    }
}

impl Stream for MessageStream {
    type Item = Result<StreamEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if this.body.is_none() {
                return Poll::Ready(None);
            }
            if !this.stopped
                && let Some(event) = this.events.next()
            {
                return Poll::Ready(Some(this.pass(event)));
            }
            match ready!(this.poll_body(context)) {
                // Whatever comes after the last event is nothing to the caller.
                Some(Ok(_)) if this.stopped => {}
                Some(Err(_)) | None if this.stopped => this.finish(),
                Some(Ok(piece)) => {
                    if let Some(watch) = &mut this.watch {
                        watch.feed(&piece);
                    }
                    this.events.push(piece);
                    this.wait_for(this.limit);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(this.fail(error)))),
                None => {
                    let last = this.events.end().map(|event| this.pass(event));
                    if let Some(Err(_)) = last {
                        return Poll::Ready(last);
                    }
                    if !this.told && !this.stopped {
                        let error = this.malformed("the stream ended amid the message".into());
                        return Poll::Ready(Some(Err(this.fail(error))));
                    }
                    this.finish();
                    return Poll::Ready(last);
                }
            }
        }
    }
}

impl fmt::Debug for MessageStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStream")
            .field("request_id", &self.request_id())
            .field("is_over", &self.body.is_none())
            .finish_non_exhaustive()
    }
}

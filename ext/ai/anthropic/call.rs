//! One call: its attempts, its answer, and the watch over it.

use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};

use super::error::{ApiError, Error, OPERATION, lost};
use super::events::where_broken;
use super::message::Message;
use super::request::MessageRequest;
use super::stream::MessageStream;
use crate::error::{DecodeError, InvalidRequest, TimeoutError};
use crate::ext::ai::engine::{Format, Provider, Recognized, Request, UntracedCall, Watch, recognize_as};
use crate::response::{Headers, Response};
use crate::transport::{is_retryable_status, retry_after};

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(8);
/// A server that asks for more is not waited for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);
const LARGEST_ANSWER: usize = 64 << 20;

/// What all calls of a client share.
pub(super) struct Shared {
    pub http: reqwest::Client,
    pub url: reqwest::Url,
    pub headers: HeaderMap,
    pub timeout: Duration,
    pub max_retries: u32,
    pub optional_tracing: bool,
}

/// An answer whose body has not been read.
struct Answer {
    response: reqwest::Response,
    attempts: u32,
}

/// Makes a call and reads its answer.
pub(super) async fn create(shared: &Shared, request: &MessageRequest) -> Result<Message, Error> {
    let (body, mut watch) = start(shared, request, false)?;
    let sent = Watch::inside(watch.as_ref(), send(shared, body, false)).await;
    let read = async {
        let Answer { mut response, attempts } = sent?;
        let whole = read(shared, &mut response, attempts, watch.as_mut()).await?;
        message(whole, attempts)
    };
    let result = read.await;
    end(watch, result.as_ref().err());
    result
}

/// Makes a call and hands its answer over as it comes.
pub(super) async fn stream(shared: &Shared, request: &MessageRequest) -> Result<MessageStream, Error> {
    let (body, mut watch) = start(shared, request, true)?;
    let sent = Watch::inside(watch.as_ref(), send(shared, body, true)).await;
    let opened = async {
        let Answer { mut response, attempts } = sent?;
        if response.status().is_success() {
            if let Some(watch) = &mut watch {
                watch.answered_http(response.status(), response.headers());
            }
            return Ok((response, attempts));
        }
        let whole = read(shared, &mut response, attempts, watch.as_mut()).await?;
        Err(refused(whole, attempts))
    };
    match opened.await {
        Ok((response, attempts)) => Ok(MessageStream::new(response, attempts, watch, shared.timeout)),
        Err(error) => {
            end(watch, Some(&error));
            Err(error)
        }
    }
}

fn start(shared: &Shared, request: &MessageRequest, stream: bool) -> Result<(Bytes, Option<Watch>), Error> {
    let body = request.body(stream)?;
    UntracedCall::check(shared.optional_tracing)?;
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(InvalidRequest::new(
            "runtime",
            "there is no Tokio runtime here: await the call inside one",
        )
        .into());
    }
    let watch = if Watch::is_wanted() { recognized(stream).and_then(Watch::start) } else { None };
    Ok((body.into(), watch))
}

/// The call as it is known without looking at the request.
fn recognized(stream: bool) -> Option<Recognized> {
    let request = Request { method: "POST", path: "/v1/messages", ..Request::default() };
    let mut recognized = recognize_as(&Provider::Anthropic.into(), &request)?;
    debug_assert_eq!((recognized.name.as_str(), recognized.format), (OPERATION, Format::Messages));
    recognized.stream = stream;
    Some(recognized)
}

/// Ends the span. Where an error is the provider's own, the watch has read it, and says it better.
fn end(watch: Option<Watch>, error: Option<&Error>) {
    let Some(mut watch) = watch else { return };
    match error {
        None | Some(Error::Api(_)) => watch.end(),
        Some(error) => watch.fail_as(error.name(), &error.to_string()),
    }
}

/// Sends the request as often as it takes, up to the head of an answer.
async fn send(shared: &Shared, body: Bytes, stream: bool) -> Result<Answer, Error> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let (sent, wait) = match attempt(shared, body.clone(), stream).await {
            Ok(response) => {
                let wait = may_repeat(&response).then(|| wait(attempts, response.headers()));
                (Ok(Answer { response, attempts }), wait.flatten())
            }
            Err(Lost::Late) => {
                let limit = shared.timeout;
                return Err(TimeoutError::new(OPERATION, limit, attempts).into());
            }
            Err(Lost::Broken(error)) => {
                let wait = if error.is_redirect() { None } else { wait(attempts, &HeaderMap::new()) };
                (Err(lost(&error, attempts)), wait)
            }
        };
        match wait {
            Some(wait) if attempts <= shared.max_retries => {
                drop(sent);
                tokio::time::sleep(wait).await;
            }
            _ => return sent,
        }
    }
}

/// Why an attempt has no answer.
enum Lost {
    Late,
    Broken(reqwest::Error),
}

async fn attempt(shared: &Shared, body: Bytes, stream: bool) -> Result<reqwest::Response, Lost> {
    let request = shared.http.post(shared.url.clone()).headers(shared.headers.clone()).body(body);
    let sent = if stream {
        // Here the limit is for the head, and then for every piece.
        tokio::time::timeout(shared.timeout, request.send()).await.map_err(|_| Lost::Late)?
    } else {
        request.timeout(shared.timeout).send().await
    };
    sent.map_err(|error| if error.is_timeout() { Lost::Late } else { Lost::Broken(error) })
}

/// Anthropic knows best; else what may pass is repeated.
fn may_repeat(response: &reqwest::Response) -> bool {
    match response.headers().get("x-should-retry").map(HeaderValue::as_bytes) {
        Some(b"true") => !response.status().is_success(),
        Some(b"false") => false,
        // Anthropic's 409 passes, unlike Paid's.
        _ => matches!(response.status().as_u16(), status if status == 409 || is_retryable_status(status)),
    }
}

/// How long to wait before the attempt after this one; none if it is too long.
fn wait(attempt: u32, headers: &HeaderMap) -> Option<Duration> {
    if let Some(asked) = retry_after(headers, SystemTime::now()) {
        return (asked <= LONGEST_RETRY_AFTER).then_some(asked);
    }
    let doubled = FIRST_DELAY.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    Some(doubled.min(LONGEST_DELAY).mul_f64(1.0 - fastrand::f64() / 4.0))
}

/// Reads a body to its end, and shows it to the watch on the way. An error answer is cut at the limit.
async fn read(
    shared: &Shared,
    response: &mut reqwest::Response,
    attempts: u32,
    mut watch: Option<&mut Watch>,
) -> Result<Response<()>, Error> {
    if let Some(watch) = &mut watch {
        watch.answered_http(response.status(), response.headers());
    }
    let started = Instant::now();
    let status = response.status().as_u16();
    let headers = Headers::new(response.headers().clone());
    let mut body = BytesMut::new();
    loop {
        // The limit of a stream's request does not cover its error answer.
        let left = shared.timeout.saturating_sub(started.elapsed());
        let piece = match tokio::time::timeout(left, response.chunk()).await {
            Ok(Ok(Some(piece))) => piece,
            Ok(Ok(None)) => break,
            Ok(Err(error)) if !error.is_timeout() => return Err(lost(&error, attempts)),
            _ => return Err(TimeoutError::new(OPERATION, shared.timeout, attempts).into()),
        };
        if let Some(watch) = &mut watch {
            watch.feed(&piece);
        }
        if body.len() + piece.len() > LARGEST_ANSWER {
            if status >= 300 {
                break;
            }
            let answer = Response { status, headers, body: Bytes::new(), data: () };
            let reason = format!("it is larger than {LARGEST_ANSWER} bytes");
            return Err(DecodeError::new(OPERATION, answer, ".".into(), reason, attempts).into());
        }
        body.extend_from_slice(&piece);
    }
    Ok(Response { status, headers, body: body.freeze(), data: () })
}

fn refused(answer: Response<()>, attempts: u32) -> Error {
    let asked = retry_after(answer.headers.map(), SystemTime::now());
    ApiError::answered(answer, attempts, asked).into()
}

fn message(answer: Response<()>, attempts: u32) -> Result<Message, Error> {
    if !(200..300).contains(&answer.status) {
        return Err(refused(answer, attempts));
    }
    let reason = match serde_json::from_slice::<Message>(&answer.body) {
        // Every field may be missing, but not all that make it one.
        Ok(message) if message.id.is_empty() && message.content.is_empty() => "it is no message".to_string(),
        Ok(mut message) => {
            message.request_id = answer.headers.get("request-id").map(str::to_string);
            return Ok(message);
        }
        Err(error) => where_broken(&error),
    };
    Err(DecodeError::new(OPERATION, answer, ".".into(), reason, attempts).into())
}

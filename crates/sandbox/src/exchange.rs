//! One request's way through the server: recorded, met by a fault or not, answered or not.

use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, Request, Response, header};
use axum::response::IntoResponse;
use hyper::body::{Body as _, Frame, Incoming};
use tower_service::Service;

use crate::error::ApiError;
use crate::faults::{Effect, Fault};
use crate::host;
use crate::otlp;
use crate::recorder::{Outcome, ReceivedRequest};
use crate::routes::INSPECTION_PATH;
use crate::server::Shared;

/// The connection is to be closed without an answer: hyper closes it when the service
/// answers with an error.
#[derive(Debug)]
pub(crate) struct CutOff;

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was cut off")
    }
}

impl std::error::Error for CutOff {}

/// Answers a request, or fails it in the way that the next fault for it says.
pub(crate) async fn respond(
    shared: Arc<Shared>,
    router: Router,
    request: Request<Incoming>,
) -> Result<Response<Body>, CutOff> {
    let (mut parts, body) = request.into_parts();
    if !host::is_allowed(&parts, shared.hosts()) {
        let error = ApiError::misdirected("the sandbox answers for this machine only");
        let remedy = "call 127.0.0.1 or localhost, or allow the name with Builder::allow_host";
        return Ok(error.details(remedy).into_response());
    }
    // Traces say in a form of their own that they are too large.
    let limit = if parts.uri.path() == otlp::PATH { MAX_TRACES_READ } else { MAX_BODY };
    // The client left before its request was whole.
    let Some(body) = read_up_to(body, limit).await.map_err(|_| CutOff)? else {
        let received = ReceivedRequest::new(&parts, b"");
        shared.record(received.clone());
        let error = ApiError::too_large(format!("the body is larger than {limit} bytes"));
        let response = error.into_response();
        shared.observe(&received, Outcome::Answered(response.status().as_u16()));
        return Ok(response);
    };
    let received = ReceivedRequest::new(&parts, &body);
    if received.path() == INSPECTION_PATH {
        return Ok(process(router, Request::from_parts(parts, Body::from(body))).await);
    }
    parts.extensions.insert(shared.record(received.clone()));
    let answer = process(router, Request::from_parts(parts, Body::from(body)));
    let fault = shared.faults().take(received.method(), received.path());
    #[cfg(feature = "providers")]
    let fault = fault.map(|fault| crate::providers::in_shape(fault, received.path()));
    let answer = match fault {
        None => End::Answer(answer.await),
        Some(fault) => meet(&fault, answer).await,
    };
    match answer {
        End::Answer(response) => {
            let status = response.status().as_u16();
            shared.observe(&received, Outcome::Answered(status));
            Ok(response)
        }
        End::Half(response) => {
            let status = response.status().as_u16();
            shared.observe(&received, Outcome::CutMidway(status));
            Ok(response)
        }
        End::Cut => {
            shared.observe(&received, Outcome::Cut);
            Err(CutOff)
        }
        End::Hang => {
            shared.observe(&received, Outcome::Hung);
            pending().await
        }
    }
}

/// The largest body of a request that is not a trace.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// What is read of a trace request: more than it may have, so that the collector itself refuses it.
const MAX_TRACES_READ: usize = MAX_BODY + 64 * 1024;

/// The whole body; none if it is larger than the limit. The rest of such a body is read and thrown away, so that the
/// client hears the answer.
async fn read_up_to(mut body: Incoming, limit: usize) -> Result<Option<Bytes>, hyper::Error> {
    let mut read = Vec::new();
    let mut is_too_large = false;
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame?.into_data() else { continue };
        is_too_large |= read.len() + data.len() > limit;
        if is_too_large {
            read = Vec::new();
        } else {
            read.extend_from_slice(&data);
        }
    }
    Ok((!is_too_large).then(|| read.into()))
}

/// How an exchange ends.
enum End {
    Answer(Response<Body>),
    Half(Response<Body>),
    Cut,
    Hang,
}

async fn process(mut router: Router, request: Request<Body>) -> Response<Body> {
    match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn meet(fault: &Fault, answer: impl Future<Output = Response<Body>>) -> End {
    let mut answer = std::pin::pin!(answer);
    let processed = if fault.is_after_processing() { Some(answer.as_mut().await) } else { None };
    if !fault.wait().is_zero() {
        tokio::time::sleep(fault.wait()).await;
    }
    match (fault.effect(), processed) {
        (Effect::Pass, Some(processed)) => End::Answer(processed),
        (Effect::Pass, None) => End::Answer(answer.await),
        (Effect::Answer, _) => End::Answer(fault.answer()),
        (Effect::CutMidway, Some(processed)) if !fault.has_answer() => End::Half(half(processed).await),
        (Effect::CutMidway, _) => End::Half(half(fault.answer()).await),
        (Effect::Cut, _) => End::Cut,
        (Effect::Hang, _) => End::Hang,
    }
}

/// The same answer, announced whole but cut off after half its body.
async fn half(answer: Response<Body>) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    // There must be something to announce and not to send.
    let whole = if whole.is_empty() {
        Bytes::from_static(br#"{"sandbox":"this answer is cut midway"}"#)
    } else {
        whole
    };
    let length = HeaderValue::from(whole.len());
    parts.headers.insert(header::CONTENT_LENGTH, length);
    let half = whole.slice(..whole.len() / 2);
    let body = HalfBody { half: Some(half), flushed: false };
    Response::from_parts(parts, Body::new(body))
}

/// A body that breaks off.
struct HalfBody {
    half: Option<Bytes>,
    flushed: bool,
}

impl hyper::body::Body for HalfBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !self.flushed {
            // hyper flushes what it has when a body is not ready, and throws it away
            // when a body fails: without this pause, the half would never be sent.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::other("cut midway"))))
    }
}

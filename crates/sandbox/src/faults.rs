//! Faults: what the sandbox was told to do to requests instead of answering them well.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::Value;

use crate::error::{ApiError, error_body};
use crate::otlp::decode::Encoding;
use crate::pattern;

/// Something that goes wrong, for the next requests to a route.
///
/// A fault names a route, says how often it happens (once, unless told otherwise) and
/// what happens. It is handed to [`Sandbox::fail`](crate::Sandbox::fail).
///
/// ```
/// use paid_sandbox::Fault;
/// use std::time::Duration;
///
/// // Two answers of 503, then all is well.
/// let busy = Fault::on("POST", "/usage/signals/bulk").times(2).status(503).header("retry-after", "1");
/// // Signals are taken, but the client never learns it.
/// let lost = Fault::on("POST", "/usage/signals/bulk").after_processing().cut();
/// // Every request takes a second.
/// let slow = Fault::on("*", "*").forever().delay(Duration::from_secs(1));
/// ```
#[derive(Debug, Clone)]
#[must_use = "a fault does nothing until it is handed to Sandbox::fail"]
pub struct Fault {
    method: String,
    pattern: String,
    skip: u32,
    times: Times,
    delay: Duration,
    after_processing: bool,
    effect: Effect,
    answer: CannedAnswer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Left(u32),
    Forever,
}

/// What happens to the request in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The request is answered as usual: the fault was only a delay.
    Pass,
    /// The fault's own answer is sent.
    Answer,
    /// Nothing is ever sent.
    Hang,
    /// The connection closes before anything is sent.
    Cut,
    /// The connection closes after half the body.
    CutMidway,
}

#[derive(Debug, Clone, Default)]
struct CannedAnswer {
    status: Option<u16>,
    headers: Vec<(String, String)>,
    content_type: Option<String>,
    body: Option<Vec<u8>>,
}

impl Fault {
    /// A fault for a route: a method and a path below the base path, as in
    /// `Fault::on("GET", "/customers/{id}")`.
    ///
    /// A segment in braces stands for any one segment; `"*"` as the method stands for
    /// every method, and as the path for every path. A path that names the base path
    /// too (`/api/v1/customers`) works as well.
    pub fn on(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            pattern: path.into(),
            skip: 0,
            times: Times::Left(1),
            delay: Duration::ZERO,
            after_processing: false,
            effect: Effect::Pass,
            answer: CannedAnswer::default(),
        }
    }

    /// Happens to this many requests, instead of one.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Times::Left(times);
        self
    }

    /// Happens to every request from now on, until the faults are cleared.
    pub fn forever(mut self) -> Self {
        self.times = Times::Forever;
        self
    }

    /// Lets this many matching requests through first. They count for this fault only:
    /// a later fault in the queue may still take them.
    pub fn skip(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// Answers with this status. Without a body of its own, an answer of 400 or more
    /// carries the API's error body.
    pub fn status(mut self, status: u16) -> Self {
        self.answer.status = Some(status);
        self.answering()
    }

    /// Adds a header to the answer. With `status` 302 and `location`, this redirects.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.answer.headers.push((name.into(), value.into()));
        self.answering()
    }

    /// Answers with this JSON as the body.
    pub fn body_json(self, body: Value) -> Self {
        self.body(body.to_string(), "application/json")
    }

    /// Answers with these bytes as the body, under this content type.
    pub fn body(mut self, body: impl Into<Vec<u8>>, content_type: impl Into<String>) -> Self {
        self.answer.body = Some(body.into());
        self.answer.content_type = Some(content_type.into());
        self.answering()
    }

    /// Answers 200 with the partial success of OTLP/HTTP in protobuf: so many spans of the request were rejected, for
    /// this reason. None rejected is a warning.
    ///
    /// As with `status`, the sandbox keeps no span of the request; with `after_processing` it keeps all of them, since
    /// the answer doesn't say which were rejected.
    ///
    /// ```
    /// use paid_sandbox::Fault;
    ///
    /// let partly = Fault::on("POST", "/v1/traces").after_processing().partial_success(2, "too old");
    /// ```
    pub fn partial_success(self, rejected: i64, message: impl Into<String>) -> Self {
        let partial_success =
            ExportTracePartialSuccess { rejected_spans: rejected, error_message: message.into() };
        let answer = ExportTraceServiceResponse { partial_success: Some(partial_success) };
        self.status(200).body(answer.encode_to_vec(), Encoding::Protobuf.media_type())
    }

    /// Waits before anything is sent. On its own, the request is then answered as usual.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Takes the request and never answers it. The connection stays open until the
    /// client gives up or the sandbox stops.
    pub fn hang(mut self) -> Self {
        self.effect = Effect::Hang;
        self
    }

    /// Closes the connection once the request has arrived, before anything is sent.
    pub fn cut(mut self) -> Self {
        self.effect = Effect::Cut;
        self
    }

    /// Sends the status, the headers with the full content length and half the body,
    /// then closes the connection.
    pub fn cut_midway(mut self) -> Self {
        self.effect = Effect::CutMidway;
        self
    }

    /// Carries the request out first, so that what it asks for has happened by the time
    /// the fault does. With `cut_midway` and no answer of its own, it is the real
    /// answer that is cut in half.
    pub fn after_processing(mut self) -> Self {
        self.after_processing = true;
        self
    }

    fn answering(mut self) -> Self {
        if self.effect == Effect::Pass {
            self.effect = Effect::Answer;
        }
        self
    }

    pub(crate) fn wait(&self) -> Duration {
        self.delay
    }

    pub(crate) fn effect(&self) -> Effect {
        self.effect
    }

    pub(crate) fn is_after_processing(&self) -> bool {
        self.after_processing
    }

    /// The error that the fault answers, when it was given no body for it.
    #[cfg(feature = "providers")]
    pub(crate) fn bare_error(&self) -> Option<u16> {
        self.answer.status.filter(|status| *status >= 400 && self.answer.body.is_none())
    }

    /// Whether the fault has an answer of its own to send.
    pub(crate) fn has_answer(&self) -> bool {
        let answer = &self.answer;
        answer.status.is_some() || answer.body.is_some() || !answer.headers.is_empty()
    }

    /// The fault's own answer. One that HTTP can't carry becomes a 500 that says so.
    pub(crate) fn answer(&self) -> Response<Body> {
        self.try_answer().unwrap_or_else(IntoResponse::into_response)
    }

    fn try_answer(&self) -> Result<Response<Body>, ApiError> {
        let number = self.answer.status.unwrap_or(200);
        let status = StatusCode::from_u16(number)
            .ok()
            .filter(|status| !status.is_informational())
            .ok_or_else(|| ApiError::bad_fault(format!("{number} can't be a final status")))?;
        let (body, content_type) = match &self.answer.body {
            Some(body) => (body.clone(), self.answer.content_type.as_deref()),
            None if number >= 400 => {
                let message = format!("the sandbox was told to answer {number}");
                let body = error_body(&message, "SANDBOX_FAULT", None).to_string();
                (body.into_bytes(), Some("application/json"))
            }
            None => (Vec::new(), None),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let content_type =
            content_type.filter(|text| !text.is_empty()).map(|text| (header::CONTENT_TYPE.as_str(), text));
        if let Some((name, value)) = content_type {
            let (name, value) = http_header(name, value)?;
            response.headers_mut().insert(name, value);
        }
        let mut own_content_type = false;
        for (name, value) in &self.answer.headers {
            let (name, value) = http_header(name, value)?;
            // A content type given as a header takes the place of the body's.
            if name == header::CONTENT_TYPE && !own_content_type {
                own_content_type = true;
                response.headers_mut().insert(name, value);
            } else {
                response.headers_mut().append(name, value);
            }
        }
        Ok(response)
    }
}

fn http_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), ApiError> {
    let parsed = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
    parsed.ok_or_else(|| ApiError::bad_fault(format!("{name:?}: {value:?} is not a header")))
}

/// The faults that wait for their requests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue {
    faults: Vec<Fault>,
}

impl FaultQueue {
    pub(crate) fn push(&mut self, fault: Fault) {
        if fault.times != Times::Left(0) {
            self.faults.push(fault);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.faults.len()
    }

    /// The fault that happens to this request, if any; it is used up by that much.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        for (index, fault) in self.faults.iter_mut().enumerate() {
            if !pattern::matches(&fault.method, &fault.pattern, method, path) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            match &mut fault.times {
                Times::Forever => {}
                Times::Left(left) if *left > 1 => *left -= 1,
                Times::Left(_) => return Some(self.faults.remove(index)),
            }
            return Some(fault.clone());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(queue: &mut FaultQueue, requests: usize) -> Vec<Option<u16>> {
        (0..requests)
            .map(|_| queue.take("GET", "/api/v1/agents"))
            .map(|fault| fault.and_then(|fault| fault.answer.status))
            .collect()
    }

    #[test]
    fn faults_apply_in_order_and_run_out() {
        let mut queue = FaultQueue::default();
        queue.push(Fault::on("POST", "/agents").forever().status(400));
        queue.push(Fault::on("GET", "/agents").times(0).status(500));
        queue.push(Fault::on("GET", "/agents").times(2).status(501));
        queue.push(Fault::on("*", "*").status(502));
        let expected = [Some(501), Some(501), Some(502), None];
        assert_eq!(statuses(&mut queue, 4), expected);
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn skipped_requests_may_meet_a_later_fault() {
        let mut queue = FaultQueue::default();
        queue.push(Fault::on("GET", "/agents").skip(2).status(501));
        queue.push(Fault::on("GET", "/agents").status(502));
        let expected = [Some(502), None, Some(501), None];
        assert_eq!(statuses(&mut queue, 4), expected);
    }

    #[test]
    fn an_answer_that_http_cannot_carry_becomes_a_500() {
        let on = || Fault::on("GET", "/agents");
        for fault in [on().status(42), on().status(101), on().header("a b", "c")] {
            assert_eq!(fault.answer().status(), StatusCode::INTERNAL_SERVER_ERROR);
        }
        let plain = on().body("x", "text/plain").header("content-type", "a/b");
        assert_eq!(plain.answer().headers()["content-type"], "a/b");
    }
}

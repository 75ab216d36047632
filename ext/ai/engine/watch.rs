//! A call that is watched: from what an adapter sees of it to its span.

use std::any::type_name;
use std::fmt::Display;

use opentelemetry::Value;

use super::inside::{self, Inside};
use super::measure::{Measure, Verdict};
use super::recognize::Recognized;
use super::request::Body;
use crate::ext::ai::call::AiCall;
use crate::ext::tracing::current_scope;

/// Watches one call. Dropped, it says so in the span, if the call has not ended.
///
/// Nothing it does fails, blocks, or keeps what it is fed.
#[derive(Debug)]
pub(crate) struct Watch {
    call: AiCall,
    measure: Measure,
}

impl Watch {
    /// Whether a call that is made now would be watched: ask before anything is prepared for it.
    pub fn is_wanted() -> bool {
        current_scope().is_some() && !inside::is_counted()
    }

    /// Starts the span. None outside of a scope, where tracing is off, and for a call that a hook above counts.
    pub fn start(recognized: Recognized) -> Option<Watch> {
        if !Watch::is_wanted() {
            return None;
        }
        let measure = Measure::new(&recognized);
        let mut call = AiCall::start(recognized.name, recognized.system, recognized.operation);
        for attribute in recognized.attributes {
            call.tell(attribute);
        }
        Some(Watch { call, measure })
    }

    /// Any other attribute, or a better one: the last one of a key counts.
    pub fn attribute(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.call.attribute(key, value);
    }

    /// What the request tells, where it was read only while it was sent.
    pub fn sent(&mut self, body: &Body) {
        if let Some(model) = &body.model {
            self.call.attribute("gen_ai.request.model", model.clone());
        }
        self.measure.sent(body);
    }

    /// How long the audio is that is sent.
    pub fn audio_seconds(&mut self, seconds: f64) {
        self.measure.audio_seconds(seconds);
    }

    /// The head of the answer, of any status.
    pub fn answered<'h>(&mut self, status: u16, header: impl Fn(&str) -> Option<&'h str>) {
        self.measure.answered(status, header);
    }

    /// The same, from the types of `http`.
    pub fn answered_http(&mut self, status: http::StatusCode, headers: &http::HeaderMap) {
        self.answered(status.as_u16(), |name| headers.get(name)?.to_str().ok());
    }

    /// More of the answer's body, as the caller gets it. The span ends when all that counts is told.
    pub fn feed(&mut self, bytes: &[u8]) {
        let verdict = self.measure.feed(bytes);
        self.end_with(verdict);
    }

    /// The body has ended.
    pub fn end(&mut self) {
        let verdict = self.measure.end();
        self.end_with(verdict);
    }

    /// The call failed before it was answered, or while it was.
    pub fn fail<E: Display + ?Sized>(&mut self, error: &E) {
        self.fail_as(type_name::<E>(), &error.to_string());
    }

    /// The same, for an error whose type is known by another name.
    pub fn fail_as(&mut self, kind: &str, message: &str) {
        let verdict = self.measure.fail(kind, message);
        self.end_with(verdict);
    }

    /// The future that makes the call, up to the head of its answer: hooks below don't count it again.
    pub fn inside<F: Future>(watch: Option<&Watch>, work: F) -> Inside<F> {
        Inside::new(watch.is_some(), work)
    }

    /// The same for a closure.
    #[cfg(feature = "tower")]
    pub fn inside_sync<R>(watch: Option<&Watch>, work: impl FnOnce() -> R) -> R {
        inside::run(watch.is_some(), work)
    }

    fn end_with(&mut self, verdict: Option<Verdict>) {
        let Some(Verdict { attributes, outcome, end_unix_nano }) = verdict else { return };
        for attribute in attributes {
            self.call.tell(attribute);
        }
        self.call.end_at(outcome, end_unix_nano);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let verdict = self.measure.dropped(std::thread::panicking());
        self.end_with(verdict);
    }
}

//! A call of an AI provider, measured by hand.

use std::fmt::{self, Display};
use std::future::Future;
use std::sync::Arc;

use opentelemetry::trace::SpanId;
use opentelemetry::{KeyValue, Value};

use super::content::is_content;
use super::engine::{Inside, run_inside};
use crate::ext::delivery::{Attribute, now_unix_nano};
use crate::ext::tracing::{ActiveScope, Outcome, current_scope, new_span_id};

/// A call of an AI provider in the current scope, from its start to its end: what it used goes into the trace, and
/// Paid computes what it cost.
///
/// It ends when it is finished, fails, or is dropped. Outside of a scope, and where tracing is off, it does nothing.
///
/// Where the client that makes the call is hooked too, the call would be counted twice: make it
/// [`inside`](AiCall::inside) this one. For calls over HTTP that you make yourself, [`watch`](super::watch) reads the
/// usage from the answer.
///
/// ```no_run
/// use paid::ai::AiCall;
/// use paid::tracing::paid_tracing;
///
/// paid_tracing("customer_1").run(|| {
///     let mut call = AiCall::start("openai.chat.completions.create", "openai", "chat");
///     // ...the call...
///     call.usage("input_tokens", 100).usage("output_tokens", 300).attribute("gen_ai.response.model", "gpt-4.1-mini");
///     call.finish();
/// });
/// ```
#[must_use = "the call ends when this is dropped"]
pub struct AiCall(Option<Running>);

struct Running {
    scope: Arc<ActiveScope>,
    span_id: SpanId,
    name: String,
    start_unix_nano: u64,
    attributes: Vec<KeyValue>,
}

impl Running {
    fn tell(&mut self, attribute: KeyValue) {
        // Of two values of one key, the last one counts.
        self.attributes.retain(|known| known.key != attribute.key);
        self.attributes.push(attribute);
    }
}

impl AiCall {
    /// Starts a call: the span's name (exported as `paid.trace.` and this), the provider (`gen_ai.system`), and what is
    /// done (`gen_ai.operation.name`).
    pub fn start(name: impl Into<String>, system: impl Into<String>, operation: impl Into<String>) -> Self {
        let Some(scope) = current_scope() else { return AiCall(None) };
        let name = match name.into() {
            name if name.is_empty() || name.starts_with("paid.trace.") => name,
            name => format!("paid.trace.{name}"),
        };
        let attributes = vec![
            KeyValue::new("gen_ai.system", system.into()),
            KeyValue::new("gen_ai.operation.name", operation.into()),
        ];
        AiCall(Some(Running {
            scope,
            span_id: new_span_id(),
            name,
            start_unix_nano: now_unix_nano(),
            attributes,
        }))
    }

    /// A count of what was used: `gen_ai.usage.` and the name, such as `input_tokens`. Zero is kept.
    pub fn usage(&mut self, name: &str, count: u64) -> &mut Self {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.attribute(format!("gen_ai.usage.{name}"), count)
    }

    /// Any other attribute: text, a number, a boolean, or a list of one of them as `opentelemetry::Array`. What holds
    /// prompts or answers is dropped, unless the scope has `store_prompt`.
    ///
    /// ```no_run
    /// use opentelemetry::{Array, StringValue};
    ///
    /// let mut call = paid::ai::AiCall::start("openai.chat.completions.create", "openai", "chat");
    /// let reasons = vec![StringValue::from("stop")];
    /// call.attribute("gen_ai.response.finish_reasons", opentelemetry::Value::Array(Array::String(reasons)));
    /// ```
    pub fn attribute(&mut self, key: impl Into<String>, value: impl Into<Value>) -> &mut Self {
        let key = key.into();
        if let Some(running) = &mut self.0
            && (running.scope.store_prompt || !is_content(&key))
        {
            running.tell(KeyValue::new(key, value));
        }
        self
    }

    /// An attribute that is known to be no content.
    pub(super) fn tell(&mut self, attribute: KeyValue) {
        if let Some(running) = &mut self.0 {
            running.tell(attribute);
        }
    }

    /// The call succeeded.
    pub fn finish(mut self) {
        self.end(Outcome::DONE);
    }

    /// The call failed: the error's text is the span's status, without the URLs and keys in it, cut to 1,000 characters.
    pub fn fail<E: Display + ?Sized>(mut self, error: &E) {
        self.end(Outcome::of_error(error));
    }

    /// Runs the closure that makes the call: hooks in a client below don't count it again.
    ///
    /// ```no_run
    /// use paid::ai::AiCall;
    ///
    /// let call = AiCall::start("openai.chat.completions.create", "openai", "chat");
    /// let answer = call.inside(|| "an answer from a client that is hooked");
    /// ```
    pub fn inside<R>(&self, work: impl FnOnce() -> R) -> R {
        run_inside(self.0.is_some(), work)
    }

    /// The same for a future, up to its end: what it spawned and leaves behind is counted again.
    pub fn inside_async<F: Future>(&self, work: F) -> Inside<F> {
        Inside::new(self.0.is_some(), work)
    }

    fn end(&mut self, outcome: Outcome) {
        self.end_at(outcome, None);
    }

    /// Ends it now, or at a time before.
    pub(super) fn end_at(&mut self, outcome: Outcome, end_unix_nano: Option<u64>) {
        // A call that was under way at a fork ends in both processes; it is the parent's.
        let Some(running) = self.0.take().filter(|running| running.scope.is_here()) else { return };
        let Running { scope, span_id, name, start_unix_nano, attributes } = running;
        let attributes: Vec<_> =
            attributes.iter().map(|known| Attribute::any(known.key.as_str(), &known.value)).collect();
        // A full queue is counted and reported there; the call has nothing to do about it.
        let end_unix_nano = end_unix_nano.unwrap_or_else(now_unix_nano);
        let _ = scope.record(span_id, &name, start_unix_nano, end_unix_nano, &attributes, outcome);
    }
}

/// Dropped by a panic, the call failed; else it is finished.
impl Drop for AiCall {
    fn drop(&mut self) {
        self.end(match std::thread::panicking() {
            true => Outcome::of_unwinding(),
            false => Outcome::DONE,
        });
    }
}

impl fmt::Debug for AiCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.as_ref().map(|running| running.name.as_str());
        f.debug_struct("AiCall").field("name", &name).finish_non_exhaustive()
    }
}

//! Signals: billable events, recorded in the current scope.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};

use super::outcome::Outcome;
use super::runtime::{self, TracingError};
use super::scope::{self, ActiveScope};
use super::{ids, joined_costs};
use crate::JsonObject;
use crate::ext::delivery::{Attribute, Refused, now_unix_nano};
use crate::ext::log::log;

const NAME: &str = "paid.trace.signal";

/// A signal, to be sent in the current scope. Python: `signal(event_name, data, enable_cost_tracing)`.
///
/// ```no_run
/// use paid::tracing::{paid_tracing, signal};
/// use serde_json::json;
///
/// paid_tracing("customer_1").external_agent_id("agent_1").run(|| {
///     let sent = signal("report_written").data(json!({"pages": 12})).enable_cost_tracing(true).send();
///     if let Err(error) = sent {
///         eprintln!("not recorded: {error}"); // such as: tracing is off
///     }
/// });
/// ```
pub fn signal(event_name: impl Into<String>) -> Signal {
    Signal { event_name: event_name.into(), data: SignalData::default(), enable_cost_tracing: false }
}

/// Made by [`signal()`] or by `signal` on a client.
#[must_use = "a signal is recorded by .send()"]
#[derive(Clone, Debug)]
pub struct Signal {
    event_name: String,
    data: SignalData,
    enable_cost_tracing: bool,
}

/// Why a signal was not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignalError {
    /// The event name is empty or blank.
    EmptyName,
    /// There is no scope here.
    OutsideScope,
    /// The scope has no customer.
    NoCustomer,
    /// The scope has no agent.
    NoAgent,
    /// The data is not an object, or holds a number that JSON has not; the text says which.
    InvalidData(String),
    /// Tracing is off, for this reason.
    TracingOff(String),
    /// Another signal has joined the costs of this trace already, and
    /// [`TracingOptions::strict_cost_tracing`](super::TracingOptions::strict_cost_tracing) is set.
    CostsAlreadyJoined,
    /// The queue is full: the collector does not take what is recorded as fast as it is recorded.
    QueueFull,
    /// The signal alone is larger than the queue can ever hold.
    TooLarge {
        /// What the signal takes, with its scope's ids and metadata.
        bytes: usize,
        /// What the queue holds at most: [`max_queue_bytes`](super::TracingOptions::max_queue_bytes).
        bound: usize,
    },
    /// Tracing was shut down.
    ShutDown,
}

impl fmt::Display for SignalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SignalError::EmptyName => f.write_str("the signal has no event name: give it one"),
            SignalError::OutsideScope => f.write_str(
                "the signal is outside of a scope: send it inside paid_tracing(..), and carry the scope into spawned \
                 tasks with .in_current_scope()",
            ),
            SignalError::NoCustomer => f.write_str("the scope has no customer: give paid_tracing(..) an id"),
            SignalError::NoAgent => {
                f.write_str(
                    "the scope has no agent: call .external_agent_id(..) on this scope, signals are billed by agent, and an \
                     inner scope doesn't inherit the agent of the outer one",
                )
            }
            SignalError::InvalidData(problem) => write!(f, "the signal's data can't be sent: {problem}"),
            SignalError::TracingOff(reason) => write!(f, "tracing is off: {reason}"),
            SignalError::CostsAlreadyJoined => f.write_str(
                "another signal of this trace has enable_cost_tracing already: the costs would count twice, set it on one",
            ),
            SignalError::QueueFull => f.write_str("the queue of spans is full: the collector does not keep up"),
            SignalError::TooLarge { bytes, bound } => write!(
                f,
                "the signal takes {bytes} bytes, and the queue of spans never holds more than {bound}: send less data, or \
                 raise TracingOptions::max_queue_bytes"
            ),
            SignalError::ShutDown => f.write_str("tracing was shut down"),
        }
    }
}

impl std::error::Error for SignalError {}

impl Signal {
    /// What goes with the event: an object, such as `json!({"pages": 12})` or `[("pages", 12)]`.
    pub fn data(mut self, data: impl Into<SignalData>) -> Self {
        self.data = data.into();
        self
    }

    /// Joins the costs of the same trace to this signal. Set it on one signal of a trace: the costs count for each
    /// signal that has it, so a second one is logged once at WARN, or refused with
    /// [`strict_cost_tracing`](super::TracingOptions::strict_cost_tracing).
    pub fn enable_cost_tracing(mut self, enable: bool) -> Self {
        self.enable_cost_tracing = enable;
        self
    }

    /// Records the signal in the current scope, under the scope's account. It does not wait for anything. With
    /// `PAID_ENABLED=false` it does nothing and answers `Ok`.
    ///
    /// # Errors
    ///
    /// [`SignalError`]: nothing was recorded then.
    pub fn send(self) -> Result<(), SignalError> {
        if !runtime::is_enabled() {
            return Ok(());
        }
        if is_blank(&self.event_name) {
            return Err(SignalError::EmptyName);
        }
        let scope = match scope::innermost() {
            Some(Ok(scope)) => scope,
            Some(Err(reason)) => return Err(SignalError::TracingOff(reason.into_owned())),
            None => {
                // With several accounts a scope is missing all the same, and the scope's answer names the default.
                let off =
                    runtime::disabled_reason().filter(|reason| *reason != TracingError::NoDefaultAccount);
                let off = off.map(|reason| SignalError::TracingOff(reason.to_string()));
                return Err(off.unwrap_or(SignalError::OutsideScope));
            }
        };
        let missing = |id: &Option<std::sync::Arc<str>>| id.as_ref().is_none_or(|id| is_blank(id));
        if missing(&scope.owner.customer) {
            return Err(SignalError::NoCustomer);
        }
        if missing(&scope.owner.agent) {
            return Err(SignalError::NoAgent);
        }
        let Signal { event_name, data, enable_cost_tracing } = self;
        let mut data = data.object()?;
        let mut is_first = false;
        if enable_cost_tracing {
            data = enabled(data)?;
            is_first = join_costs(&scope)?;
        }
        let data = if data.is_empty() { None } else { Some(Value::Object(data).to_string()) };
        let name = Attribute::text("event_name", &event_name);
        let cost = Attribute::any("enable_cost_tracing", &opentelemetry::Value::Bool(true));
        let data = data.as_deref().map(|data| Attribute::text("data", data));
        let all: &[Attribute<'_>] = match (enable_cost_tracing, data) {
            (false, None) => &[name],
            (false, Some(data)) => &[name, data],
            (true, None) => &[name, cost],
            (true, Some(data)) => &[name, cost, data],
        };
        let now = now_unix_nano();
        let recorded = scope.record(ids::span_id(), NAME, now, now, all, Outcome::DONE);
        recorded.map_err(|refused| {
            if is_first {
                joined_costs::undo(scope.pipeline.id(), scope.trace_id);
            }
            match refused {
                Refused::Full => SignalError::QueueFull,
                Refused::Closed => SignalError::ShutDown,
                Refused::TooLarge { bytes, bound } => SignalError::TooLarge { bytes, bound },
            }
        })
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Notes that a signal joins the costs of its trace; whether it is the first. The costs count for every signal that does.
fn join_costs(scope: &ActiveScope) -> Result<bool, SignalError> {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if joined_costs::join(scope.pipeline.id(), scope.trace_id) {
        return Ok(true);
    }
    if scope.pipeline.is_strict_about_costs() {
        return Err(SignalError::CostsAlreadyJoined);
    }
    // The host's layer may signal itself: the line is marked as written before it is.
    if !WARNED.swap(true, Ordering::Relaxed) {
        log(|| {
            tracing::warn!(
                target: "paid",
                "two signals of one trace have enable_cost_tracing: the costs of the trace count for both. Set it on one, or \
                 have the second refused with TracingOptions::strict_cost_tracing(true)"
            )
        });
    }
    Ok(false)
}

/// Adds `{"paid": {"enable_cost_tracing": true}}`; what a caller has under `paid` stays beside it.
fn enabled(mut data: Map<String, Value>) -> Result<Map<String, Value>, SignalError> {
    match data.entry("paid").or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(paid) => {
            paid.insert("enable_cost_tracing".into(), true.into());
        }
        _ => {
            let problem = "its `paid` is not an object, where cost tracing is noted: call it something else";
            return Err(SignalError::InvalidData(problem.into()));
        }
    }
    Ok(data)
}

/// What the Python SDK takes for no data, and does not send.
fn is_nothing(data: &Value) -> bool {
    match data {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
    }
}

/// What goes with a signal: a JSON object. Null, `false`, zero, empty text and an empty list stand for no data, as in
/// the Python SDK; any other value is refused by [`send`](Signal::send).
///
/// Made from `json!(..)`, pairs, a [`JsonObject`], a `serde_json::Map`, [`CostData`](crate::cost::CostData), or an
/// `Option` of one. NaN and infinities are refused, but for `json!`: it has made null of them before they come here.
/// [`JsonObject::from_serialize`] refuses them in any type of yours.
#[derive(Clone, Debug)]
pub struct SignalData(Result<Value, String>);

impl Default for SignalData {
    fn default() -> Self {
        SignalData(Ok(Value::Null))
    }
}

impl SignalData {
    fn object(self) -> Result<Map<String, Value>, SignalError> {
        match self.0.map_err(SignalError::InvalidData)? {
            Value::Object(data) => Ok(data),
            nothing if is_nothing(&nothing) => Ok(Map::new()),
            other => match JsonObject::from(other).into_map() {
                Ok(data) => Ok(data),
                Err(problem) => Err(SignalError::InvalidData(problem)),
            },
        }
    }
}

impl<K, V, const N: usize> From<[(K, V); N]> for SignalData
where
    JsonObject: From<[(K, V); N]>,
{
    fn from(pairs: [(K, V); N]) -> Self {
        JsonObject::from(pairs).into()
    }
}

impl From<Value> for SignalData {
    fn from(value: Value) -> Self {
        SignalData(Ok(value))
    }
}

impl From<Map<String, Value>> for SignalData {
    fn from(map: Map<String, Value>) -> Self {
        SignalData(Ok(Value::Object(map)))
    }
}

impl From<JsonObject> for SignalData {
    fn from(object: JsonObject) -> Self {
        SignalData(object.into_map().map(Value::Object))
    }
}

impl<T: Into<SignalData>> From<Option<T>> for SignalData {
    fn from(data: Option<T>) -> Self {
        data.map(Into::into).unwrap_or_default()
    }
}

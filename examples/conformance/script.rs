//! Trace scripts: traced code as data. A script is read as a whole before any of it runs.

use std::sync::Arc;

use opentelemetry::{Array, StringValue};
use paid::JsonObject;
use paid::tracing::{Metadata, SignalData, TracingToken};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::Refusal;
use crate::step::Step;
use crate::values::FreeForm;

/// Steps in their order.
pub type Body = Arc<[Work]>;

/// One step of traced code.
pub enum Work {
    Trace(Trace),
    Signal(Signal),
    /// The code returns an error with this text.
    Fail(String),
    /// The code panics with this text.
    Panic(String),
    /// A call of an AI provider, measured by hand.
    AiCall(AiCall),
    /// Each of these runs in a task or thread of its own that carries the scope; all are waited for.
    Together(Vec<Body>),
}

/// A scope, and what runs in it.
pub struct Trace {
    pub form: Form,
    pub external_customer_id: Option<String>,
    pub external_agent_id: Option<String>,
    pub tracing_token: Option<TracingToken>,
    pub store_prompt: bool,
    pub metadata: Metadata,
    pub body: Body,
}

/// How the scope is written in code.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    Closure,
    Future,
    Guard,
    Macro,
    Client,
}

/// A signal to send.
#[derive(Clone)]
pub struct Signal {
    pub event_name: String,
    pub data: SignalData,
    pub enable_cost_tracing: bool,
}

/// What an AI call is and used.
pub struct AiCall {
    pub name: String,
    pub system: String,
    pub operation: String,
    pub usage: Vec<(String, u64)>,
    pub attributes: Vec<(String, opentelemetry::Value)>,
    pub error: Option<String>,
}

impl AiCall {
    fn read(step: &mut Step) -> Result<Self, Refusal> {
        let given: Option<Map<String, Value>> = step.take_optional("attributes")?;
        let mut attributes = Vec::new();
        for (key, value) in given.unwrap_or_default() {
            let value = attribute(value).ok_or_else(|| {
                Refusal::local("bad_input", format!("attribute {key:?} is not one that spans have"))
            })?;
            attributes.push((key, value));
        }
        let usage: Option<std::collections::BTreeMap<String, u64>> = step.take_optional("usage")?;
        Ok(AiCall {
            name: step.take("name")?,
            system: step.take("system")?,
            operation: step.take("operation")?,
            usage: usage.unwrap_or_default().into_iter().collect(),
            attributes,
            error: step.take_optional("error")?,
        })
    }
}

/// A plain value with its type, or a list of values of one type.
fn attribute(value: Value) -> Option<opentelemetry::Value> {
    match value {
        Value::Bool(value) => Some(value.into()),
        Value::String(text) => Some(text.into()),
        Value::Number(number) => match number.as_i64() {
            Some(value) => Some(value.into()),
            None => number.as_f64().map(Into::into),
        },
        Value::Array(values) => list(&values).map(opentelemetry::Value::Array),
        _ => None,
    }
}

/// A list of one type. Whole numbers among decimals are decimals; an empty list is one of texts.
fn list(values: &[Value]) -> Option<Array> {
    fn all<'a, T>(values: &'a [Value], one: impl Fn(&'a Value) -> Option<T>) -> Option<Vec<T>> {
        values.iter().map(one).collect()
    }
    let texts = || all(values, |value| value.as_str().map(|text| StringValue::from(text.to_string())));
    texts()
        .map(Array::String)
        .or_else(|| all(values, Value::as_bool).map(Array::Bool))
        .or_else(|| all(values, Value::as_i64).map(Array::I64))
        .or_else(|| all(values, Value::as_f64).map(Array::F64))
}

impl Work {
    /// Reads a step of a script.
    fn read(value: Value) -> Result<Self, Refusal> {
        let mut step = Step::deserialize(value).map_err(|error| {
            Refusal::local("bad_input", format!("a step of the trace is not one: {error}"))
        })?;
        let work = match step.op.as_str() {
            "trace" => return Trace::read(step).map(Work::Trace),
            "signal" => return Signal::read(step).map(Work::Signal),
            "fail" => Work::Fail(step.take("message")?),
            "panic" => Work::Panic(step.take("message")?),
            "ai_call" => Work::AiCall(AiCall::read(&mut step)?),
            "spawn" => Work::Together(vec![body(&mut step)?]),
            "join" => {
                let bodies: Vec<Vec<Value>> = step.take("bodies")?;
                Work::Together(bodies.into_iter().map(steps).collect::<Result<_, _>>()?)
            }
            other => {
                return Err(Refusal::local("unknown_op", format!("there is no step {other:?} in a trace")));
            }
        };
        step.nothing_left()?;
        Ok(work)
    }
}

impl Trace {
    /// Reads a trace with all that is in it.
    pub fn read(mut step: Step) -> Result<Self, Refusal> {
        let trace = Trace {
            form: step.take("form")?,
            external_customer_id: step.argument("external_customer_id")?,
            external_agent_id: step.argument("external_agent_id")?,
            tracing_token: match step.argument::<String>("tracing_token")? {
                Some(text) => token("tracing_token", &text)?,
                None => None,
            },
            store_prompt: step.argument("store_prompt")?.unwrap_or_default(),
            metadata: match step.argument::<Map<String, Value>>("metadata")? {
                Some(metadata) => finite("metadata", Value::Object(metadata))?.into(),
                None => Metadata::default(),
            },
            body: body(&mut step)?,
        };
        step.nothing_left()?;
        Ok(trace)
    }
}

impl Signal {
    /// Reads a signal.
    pub fn read(mut step: Step) -> Result<Self, Refusal> {
        let signal = Signal {
            event_name: step.argument("event_name")?.unwrap_or_default(),
            data: step.argument("data")?.map(data).unwrap_or_default(),
            enable_cost_tracing: step.argument("enable_cost_tracing")?.unwrap_or_default(),
        };
        step.nothing_left()?;
        Ok(signal)
    }
}

/// Reads a token. Zero is no token.
pub fn token(name: &str, text: &str) -> Result<Option<TracingToken>, Refusal> {
    match text {
        "0" => Ok(None),
        text => text.parse().map(Some).map_err(|error| Refusal::invalid(name, error)),
    }
}

fn body(step: &mut Step) -> Result<Body, Refusal> {
    steps(step.take("body")?)
}

fn steps(values: Vec<Value>) -> Result<Body, Refusal> {
    values.into_iter().map(Work::read).collect()
}

/// Data as a user's own type would give it. What is wrong with it comes up when the signal is sent.
fn data(given: Value) -> SignalData {
    match given {
        Value::Object(_) => JsonObject::from_serialize(&FreeForm(&given)).into(),
        other => other.into(),
    }
}

/// A value that JSON can hold, special values included.
fn finite(name: &str, given: Value) -> Result<JsonObject, Refusal> {
    let object = JsonObject::from_serialize(&FreeForm(&given));
    match object.problem() {
        Some(problem) => Err(Refusal::invalid(name, problem)),
        None => Ok(object),
    }
}

//! One line of input, and how an operation takes what it needs from it.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::answer::Refusal;
use crate::options::Options;
use crate::values;

/// A call to make. Arguments are taken out of it; what is left over is an error.
#[derive(Deserialize)]
pub struct Step {
    pub op: String,
    #[serde(default)]
    pub raw: bool,
    #[serde(default)]
    args: VecDeque<Value>,
    #[serde(default)]
    kwargs: Map<String, Value>,
    #[serde(default)]
    request_options: Option<Map<String, Value>>,
    /// What stands beside those.
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Step {
    /// Reads a line.
    pub fn read(line: &[u8]) -> Result<Self, Refusal> {
        let line: Map<String, Value> = serde_json::from_slice(line).map_err(|error| {
            Refusal::local("bad_input", format!("the line is not a JSON object: {error}"))
        })?;
        Step::deserialize(Value::Object(line))
            .map_err(|error| Refusal::local("bad_input", format!("the line is not a call: {error}")))
    }

    /// Takes the next argument, which is an id.
    pub fn id(&mut self) -> Result<String, Refusal> {
        match self.args.pop_front() {
            Some(Value::String(id)) => Ok(id),
            Some(other) => Err(Refusal::invalid("args", format!("{other} is not an id: give text"))),
            None => Err(Refusal::invalid("args", format!("{} needs an id", self.op))),
        }
    }

    /// Takes the keyword arguments.
    pub fn kwargs<T: DeserializeOwned>(&mut self) -> Result<T, Refusal> {
        values::read(&self.op, std::mem::take(&mut self.kwargs))
    }

    /// The keyword arguments before they are taken.
    pub fn kwargs_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.kwargs
    }

    /// Takes one keyword argument. Null is the same as nothing.
    pub fn argument<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Refusal> {
        optional(&mut self.kwargs, name)
    }

    /// Takes what stands beside the arguments.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Refusal> {
        let missing = || Refusal::invalid(name, format!("is missing in {}", self.op));
        optional(&mut self.more, name)?.ok_or_else(missing)
    }

    /// Takes what may be missing beside the arguments.
    pub fn take_optional<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Refusal> {
        optional(&mut self.more, name)
    }

    /// Takes a duration that stands beside the arguments.
    pub fn seconds(&mut self, name: &str) -> Result<Option<Duration>, Refusal> {
        let seconds: Option<f64> = optional(&mut self.more, name)?;
        let duration = seconds.map(Duration::try_from_secs_f64).transpose();
        duration.map_err(|error| Refusal::invalid(name, error))
    }

    /// Takes the options of the call.
    pub fn options(&mut self) -> Result<Options, Refusal> {
        Options::read(self.request_options.take().unwrap_or_default())
    }

    /// Refuses what the operation did not take.
    pub fn nothing_left(&self) -> Result<(), Refusal> {
        if let Some(name) = self.kwargs.keys().next() {
            return Err(values::no_such_argument(&self.op, name));
        }
        match self.args.front() {
            Some(extra) => Err(Refusal::invalid("args", format!("{} takes no {extra}", self.op))),
            None => Ok(()),
        }
    }
}

/// Takes a value out, unless it is null or missing.
fn optional<T: DeserializeOwned>(from: &mut Map<String, Value>, name: &str) -> Result<Option<T>, Refusal> {
    let value = from.remove(name).unwrap_or_default();
    serde_json::from_value(value).map_err(|error| Refusal::invalid(name, error))
}

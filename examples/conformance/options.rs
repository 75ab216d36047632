//! The options of a call, as they come and as the SDK's setters take them.

use std::time::Duration;

use paid::JsonObject;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::Refusal;
use crate::values::FreeForm;

/// `request_options`, in Python's names.
#[derive(Deserialize)]
pub struct RequestOptions {
    timeout_in_seconds: Option<f64>,
    max_retries: Option<u32>,
    additional_headers: Option<Map<String, Value>>,
    additional_query_parameters: Option<Value>,
    additional_body_parameters: Option<Value>,
}

/// The same in the SDK's types.
pub struct Options {
    pub timeout: Option<Duration>,
    pub max_retries: Option<u32>,
    pub headers: Vec<(String, String)>,
    pub query: Map<String, Value>,
    pub body: Map<String, Value>,
}

impl RequestOptions {
    pub fn checked(self) -> Result<Options, Refusal> {
        let timeout = self.timeout_in_seconds.map(Duration::try_from_secs_f64).transpose();
        Ok(Options {
            timeout: timeout.map_err(|error| Refusal::invalid("timeout_in_seconds", error))?,
            max_retries: self.max_retries,
            headers: headers(self.additional_headers.unwrap_or_default()),
            query: entries("additional_query_parameters", self.additional_query_parameters)?,
            body: entries("additional_body_parameters", self.additional_body_parameters)?,
        })
    }
}

/// Headers are text; null is no header.
fn headers(given: Map<String, Value>) -> Vec<(String, String)> {
    let text = |value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    given.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect()
}

fn entries(name: &str, given: Option<Value>) -> Result<Map<String, Value>, Refusal> {
    let Some(given) = given else { return Ok(Map::new()) };
    let object = JsonObject::from_serialize(&FreeForm(&given));
    match object.problem() {
        Some(problem) => Err(Refusal::invalid(name, problem)),
        None => Ok(object.as_map().cloned().unwrap_or_default()),
    }
}

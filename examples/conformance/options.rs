//! The options of a call, as they come and as the SDK's setters take them.

use std::time::Duration;

use paid::JsonObject;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::Refusal;
use crate::values::{self, FreeForm};

/// The options of a call in the SDK's types.
pub struct Options {
    pub timeout: Option<Duration>,
    pub max_retries: Option<u32>,
    pub headers: Vec<(String, String)>,
    pub query: Map<String, Value>,
    pub body: Map<String, Value>,
}

impl Options {
    /// Reads `request_options`.
    pub fn read(mut given: Map<String, Value>) -> Result<Self, Refusal> {
        let query = free_form(&mut given, "additional_query_parameters")?;
        let body = free_form(&mut given, "additional_body_parameters")?;
        let simple: Simple = values::read("request_options", given)?;
        let timeout = simple.timeout_in_seconds.map(Duration::try_from_secs_f64).transpose();
        Ok(Options {
            timeout: timeout.map_err(|error| Refusal::invalid("timeout_in_seconds", error))?,
            max_retries: simple.max_retries,
            headers: headers(simple.additional_headers.unwrap_or_default()),
            query,
            body,
        })
    }
}

/// The options that have a type of their own.
#[derive(Deserialize)]
struct Simple {
    timeout_in_seconds: Option<f64>,
    max_retries: Option<u32>,
    additional_headers: Option<Map<String, Value>>,
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

/// Takes an object of any values out.
fn free_form(given: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, Refusal> {
    let Some(value) = given.remove(name).filter(|value| !value.is_null()) else { return Ok(Map::new()) };
    let object = JsonObject::from_serialize(&FreeForm(&value));
    match object.problem() {
        Some(problem) => Err(Refusal::invalid(name, problem)),
        None => Ok(object.as_map().cloned().unwrap_or_default()),
    }
}

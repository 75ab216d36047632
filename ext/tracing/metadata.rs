//! Metadata of a scope, flattened to span attributes.

use std::sync::Arc;

use opentelemetry::{Array, KeyValue, StringValue, Value as Attribute};
use serde_json::{Map, Value};

use crate::JsonObject;
use crate::ext::log::log;

/// Metadata of a scope: any JSON object. Nested objects become `metadata.a.b`; nulls and empty objects vanish.
///
/// ```no_run
/// use paid::tracing::paid_tracing;
/// use serde_json::json;
///
/// paid_tracing("customer_1").metadata(json!({"plan": "pro", "run": {"attempt": 2}})).run(|| ());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Metadata(Option<Arc<[KeyValue]>>);

impl Metadata {
    pub(crate) fn into_attributes(self) -> Option<Arc<[KeyValue]>> {
        self.0
    }
}

impl From<Map<String, Value>> for Metadata {
    fn from(map: Map<String, Value>) -> Self {
        let mut attributes: Vec<KeyValue> = Vec::new();
        flatten("metadata", Value::Object(map), &mut attributes);
        Metadata(Some(attributes.into()))
    }
}

impl From<Value> for Metadata {
    /// A value that is not an object has no names to go by, and is left out with a log line.
    fn from(value: Value) -> Self {
        match value {
            Value::Object(map) => map.into(),
            Value::Null => Metadata::default(),
            _ => {
                log(|| tracing::error!(target: "paid", "metadata is left out: it is not an object"));
                Metadata::default()
            }
        }
    }
}

impl From<JsonObject> for Metadata {
    fn from(object: JsonObject) -> Self {
        match object.as_map() {
            Some(map) => map.clone().into(),
            None => {
                let problem = object.problem().unwrap_or_default();
                log(|| tracing::error!(target: "paid", "metadata is left out: {problem}"));
                Metadata::default()
            }
        }
    }
}

impl<M: Into<Metadata>> From<Option<M>> for Metadata {
    fn from(metadata: Option<M>) -> Self {
        metadata.map(Into::into).unwrap_or_default()
    }
}

impl<K, V, const N: usize> From<[(K, V); N]> for Metadata
where
    JsonObject: From<[(K, V); N]>,
{
    fn from(pairs: [(K, V); N]) -> Self {
        JsonObject::from(pairs).into()
    }
}

fn flatten(key: &str, value: Value, into: &mut Vec<KeyValue>) {
    let attribute = match value {
        Value::Null => return,
        Value::Object(map) => {
            return map.into_iter().for_each(|(part, value)| flatten(&format!("{key}.{part}"), value, into));
        }
        Value::Bool(value) => Attribute::Bool(value),
        Value::Number(number) => scalar(&number),
        Value::String(text) => text.into(),
        Value::Array(values) => list(values),
    };
    // Of two keys that flatten to the same name, the last one counts.
    into.retain(|known| known.key.as_str() != key);
    into.push(KeyValue::new(key.to_string(), attribute));
}

fn scalar(number: &serde_json::Number) -> Attribute {
    match (number.as_i64(), number.as_f64()) {
        (Some(value), _) => Attribute::I64(value),
        (None, Some(value)) => Attribute::F64(value),
        (None, None) => number.to_string().into(),
    }
}

/// A list of one scalar type keeps it; a mixed one becomes text, item by item.
fn list(values: Vec<Value>) -> Attribute {
    if let Some(values) =
        values.iter().map(Value::as_bool).collect::<Option<Vec<bool>>>().filter(|v| !v.is_empty())
    {
        return Attribute::Array(Array::Bool(values));
    }
    if let Some(values) =
        values.iter().map(Value::as_i64).collect::<Option<Vec<i64>>>().filter(|v| !v.is_empty())
    {
        return Attribute::Array(Array::I64(values));
    }
    if let Some(values) =
        values.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>().filter(|v| !v.is_empty())
    {
        return Attribute::Array(Array::F64(values));
    }
    let texts = values.into_iter().map(|value| match value {
        Value::String(text) => StringValue::from(text),
        other => StringValue::from(other.to_string()),
    });
    Attribute::Array(Array::String(texts.collect()))
}

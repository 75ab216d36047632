//! A free-form JSON object, such as the data of a signal.

use std::fmt;
use std::ops::Index;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::{Map, Value};

use super::finite;

/// A free-form JSON object, such as the `data` of a signal.
///
/// It is made from a `serde_json::Map`, from `json!({..})`, from pairs, or from any type that
/// serializes as an object. What is not an object, or holds NaN or an infinity, is refused when
/// the request is sent, with an error that names the field; nothing is sent then.
///
/// Integers are exact from -2⁶³ up to 2⁶⁴-1, and beyond that refused where they are given as an `i128` or `u128`.
/// serde_json's own types have lost by then what they can't hold: `json!` and `serde_json::Value::from` make null of
/// NaN and of infinities, and a larger integer that is read from JSON text becomes a float. Give such a value to
/// `from`, `insert` or [`from_serialize`](Self::from_serialize) as it is instead.
///
/// ```
/// use paid::JsonObject;
/// use serde_json::json;
///
/// let data = JsonObject::from(json!({"tokens": 12}));
/// assert_eq!(data["tokens"], 12);
/// assert!(data["missing"].is_null());
/// assert!(JsonObject::from(json!([1, 2])).problem().is_some());
///
/// let data = JsonObject::from([("score", f64::NAN)]);
/// assert_eq!(data.problem(), Some("`score` is NaN: JSON has finite numbers only"));
/// ```
#[derive(Clone, PartialEq)]
pub struct JsonObject(Result<Map<String, Value>, String>);

impl JsonObject {
    /// An empty object.
    pub fn new() -> Self {
        JsonObject(Ok(Map::new()))
    }

    /// The object that a value serializes as.
    ///
    /// ```
    /// #[derive(serde::Serialize)]
    /// struct Report { pages: u32, score: f64 }
    ///
    /// let data = paid::JsonObject::from_serialize(&Report { pages: 3, score: 0.5 });
    /// assert_eq!(data["pages"], 3);
    /// let data = paid::JsonObject::from_serialize(&Report { pages: 3, score: f64::NAN });
    /// assert_eq!(data.problem(), Some("`score` is NaN: JSON has finite numbers only"));
    /// ```
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Self {
        match finite::to_value(value) {
            Ok(value) => value.into(),
            Err(problem) => JsonObject(Err(problem.to_string())),
        }
    }

    /// The entries; none if the value was not an object.
    pub fn as_map(&self) -> Option<&Map<String, Value>> {
        self.0.as_ref().ok()
    }

    /// What can't be sent, for this reason.
    #[cfg(feature = "cost-tracing")]
    pub(crate) fn refused(problem: String) -> Self {
        JsonObject(Err(problem))
    }

    #[cfg(feature = "cost-tracing")]
    pub(crate) fn into_map(self) -> Result<Map<String, Value>, String> {
        self.0
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// Sets a key. A value that JSON can't hold, such as NaN, is the object's [`problem`](Self::problem).
    pub fn insert(&mut self, key: impl Into<String>, value: impl Serialize) {
        let Ok(map) = &mut self.0 else { return };
        let key = key.into();
        match finite::to_value(&value) {
            Ok(value) => drop(map.insert(key, value)),
            Err(problem) => self.0 = Err(problem.at(key).to_string()),
        }
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.as_map().is_some_and(Map::is_empty)
    }

    /// Why the value can't be sent, if it can't.
    pub fn problem(&self) -> Option<&str> {
        self.0.as_ref().err().map(String::as_str)
    }
}

impl Default for JsonObject {
    fn default() -> Self {
        JsonObject::new()
    }
}

impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(map) => map.fmt(f),
            Err(problem) => write!(f, "<{problem}>"),
        }
    }
}

/// The value of a key, null if it is missing.
impl Index<&str> for JsonObject {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        static NULL: Value = Value::Null;
        self.get(key).unwrap_or(&NULL)
    }
}

impl From<Map<String, Value>> for JsonObject {
    fn from(map: Map<String, Value>) -> Self {
        JsonObject(Ok(map))
    }
}

impl From<Value> for JsonObject {
    fn from(value: Value) -> Self {
        let found = match value {
            Value::Object(map) => return map.into(),
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "an array",
        };
        JsonObject(Err(format!("{found} is not a JSON object: wrap it as {{\"name\": value}}")))
    }
}

impl<K: Into<String>, V: Serialize> FromIterator<(K, V)> for JsonObject {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut object = JsonObject::new();
        entries.into_iter().for_each(|(key, value)| object.insert(key, value));
        object
    }
}

impl<K: Into<String>, V: Serialize, const N: usize> From<[(K, V); N]> for JsonObject {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(map) => map.serialize(serializer),
            Err(problem) => Err(ser::Error::custom(problem)),
        }
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Map::deserialize(deserializer)?.into())
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for JsonObject {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "JsonObject".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "object", "additionalProperties": true})
    }
}

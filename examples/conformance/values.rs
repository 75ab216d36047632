//! From JSON arguments to the SDK's typed models, with the values that JSON has no form for.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::{Serialize, Serializer, forward_to_deserialize_any, ser};
use serde_json::{Error, Map, Value};

use crate::answer::Refusal;

/// The typed form of keyword arguments. An error names the argument.
pub fn read<T: DeserializeOwned>(whose: &str, kwargs: Map<String, Value>) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(Kwargs { whose, kwargs }).map_err(|error| {
        let path = error.path().to_string();
        match path.as_str() {
            "." => Refusal::invalid(whose, error.inner()),
            path => Refusal::invalid(path, error.inner()),
        }
    })
}

/// The error of a keyword argument that is not one.
pub fn no_such_argument(whose: &str, name: &str) -> Refusal {
    Refusal::invalid(name, format!("is not an argument of {whose}"))
}

/// Keyword arguments. Their snake_case names become the wire names that the model reads.
struct Kwargs<'a> {
    whose: &'a str,
    kwargs: Map<String, Value>,
}

impl<'de> Deserializer<'de> for Kwargs<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut entries = Vec::new();
        for (name, value) in self.kwargs {
            let Some(wire) = fields.iter().find(|field| snake_case(field) == name) else {
                return Err(de::Error::custom(format!("`{name}` is not an argument of {}", self.whose)));
            };
            entries.push((*wire, Given(value)));
        }
        visitor.visit_map(MapDeserializer::new(entries.into_iter()))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        Given(Value::Object(self.kwargs)).deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn snake_case(wire: &str) -> String {
    let mut name = String::new();
    for letter in wire.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// A value as it is given, special values included. Models in it have their wire names.
struct Given(Value);

impl<'de> IntoDeserializer<'de, Error> for Given {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Given {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match Special::of(&self.0)? {
            Some(Special::Float(value)) => return visitor.visit_f64(value),
            Some(Special::Time(value)) => return visitor.visit_string(value),
            None => {}
        }
        match self.0 {
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Given))),
            Value::Object(entries) => visitor
                .visit_map(MapDeserializer::new(entries.into_iter().map(|(key, value)| (key, Given(value))))),
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// A model would overlook a field that it doesn't have. Here it is an error.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let unknown =
            self.0.as_object().and_then(|map| map.keys().find(|key| !fields.contains(&key.as_str())));
        match unknown {
            Some(unknown) => Err(de::Error::unknown_field(unknown, fields)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Free-form JSON as a user's own type would write it, NaN and infinities included.
pub struct FreeForm<'a>(pub &'a Value);

impl Serialize for FreeForm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match Special::of(self.0).map_err(ser::Error::custom)? {
            Some(Special::Float(value)) => return serializer.serialize_f64(value),
            Some(Special::Time(value)) => return serializer.serialize_str(&value),
            None => {}
        }
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(FreeForm)),
            Value::Object(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (key, FreeForm(value))))
            }
            plain => plain.serialize(serializer),
        }
    }
}

/// A value that JSON has no form for: `{"$float": "nan"}` or `{"$datetime": ISO}`.
enum Special {
    Float(f64),
    Time(String),
}

impl Special {
    fn of(value: &Value) -> Result<Option<Self>, Error> {
        let Some(object) = value.as_object().filter(|object| object.len() == 1) else { return Ok(None) };
        if let Some(text) = object.get("$float") {
            let float = text.as_str().and_then(|text| text.parse().ok());
            let problem =
                || de::Error::custom(format!("{text} is not a float: give \"nan\", \"inf\" or \"-inf\""));
            return float.map(|float| Some(Special::Float(float))).ok_or_else(problem);
        }
        let Some(text) = object.get("$datetime") else { return Ok(None) };
        let time = text.as_str().map(|text| Special::Time(text.to_string()));
        time.map(Some).ok_or_else(|| de::Error::custom(format!("{text} is not a time: give ISO 8601 text")))
    }
}

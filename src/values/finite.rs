//! Any serializable value as JSON, refusing NaN and infinities instead of writing null.

use std::fmt;

use serde::{Serialize, ser};
use serde_json::{Map, Value};

/// The JSON form of a value, or what in it has none and where.
pub(crate) fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, Problem> {
    value.serialize(Finite)
}

struct Finite;

/// What has no JSON form, and where it is.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Innermost step first.
    steps: Vec<String>,
    what: String,
}

impl Problem {
    fn new(what: impl Into<String>) -> Self {
        Problem { steps: Vec::new(), what: what.into() }
    }

    pub(crate) fn at(mut self, step: impl Into<String>) -> Self {
        self.steps.push(step.into());
        self
    }

    /// The path to it, such as `signals[2].data`; empty for the whole value.
    pub(crate) fn path(&self) -> String {
        let mut path = String::new();
        for step in self.steps.iter().rev() {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path.push_str(step);
        }
        path
    }

    pub(crate) fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path() {
            path if path.is_empty() => f.write_str(&self.what),
            path => write!(f, "`{path}` {}", self.what),
        }
    }
}

impl std::error::Error for Problem {}

impl ser::Error for Problem {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Problem::new(what.to_string())
    }
}

macro_rules! exact {
    ($($method:ident: $ty:ty),*) => {
        $(fn $method(self, value: $ty) -> Result<Value, Problem> { Ok(value.into()) })*
    };
}

impl ser::Serializer for Finite {
    type Ok = Value;
    type Error = Problem;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = Tagged<List>;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Tagged<Entries>;

    exact!(serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64);
    exact!(serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_str: &str);

    fn serialize_i128(self, value: i128) -> Result<Value, Problem> {
        serde_json::to_value(value)
            .map_err(|_| Problem::new(format!("is {value}: JSON numbers here have 64 bits")))
    }

    fn serialize_u128(self, value: u128) -> Result<Value, Problem> {
        serde_json::to_value(value)
            .map_err(|_| Problem::new(format!("is {value}: JSON numbers here have 64 bits")))
    }

    fn serialize_f32(self, value: f32) -> Result<Value, Problem> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Value, Problem> {
        match serde_json::Number::from_f64(value) {
            Some(number) => Ok(Value::Number(number)),
            None => Err(Problem::new(format!("is {value}: JSON has finite numbers only"))),
        }
    }

    fn serialize_char(self, value: char) -> Result<Value, Problem> {
        Ok(value.to_string().into())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, Problem> {
        Ok(value.into())
    }

    fn serialize_none(self) -> Result<Value, Problem> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Problem> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Problem> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Problem> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, Problem> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, Problem> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Problem> {
        let value = value.serialize(Finite).map_err(|problem| problem.at(variant))?;
        Ok(tagged(variant, value))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Problem> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Problem> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, Problem> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Tagged<List>, Problem> {
        Ok(Tagged(variant, List(Vec::new())))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Problem> {
        Ok(Entries { map: Map::new(), key: String::new() })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, Problem> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Tagged<Entries>, Problem> {
        Ok(Tagged(variant, self.serialize_map(None)?))
    }
}

fn tagged(variant: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(variant.to_string(), value)]))
}

pub(crate) struct List(Vec<Value>);

impl List {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        let at = self.0.len();
        self.0.push(value.serialize(Finite).map_err(|problem| problem.at(format!("[{at}]")))?);
        Ok(())
    }
}

pub(crate) struct Entries {
    map: Map<String, Value>,
    key: String,
}

impl Entries {
    fn put<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Problem> {
        let value = value.serialize(Finite).map_err(|problem| problem.at(key))?;
        self.map.insert(key.to_string(), value);
        Ok(())
    }
}

pub(crate) struct Tagged<T>(&'static str, T);

macro_rules! list {
    ($($kind:ident.$method:ident),*) => {
        $(impl ser::$kind for List {
            type Ok = Value;
            type Error = Problem;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
                self.push(value)
            }

            fn end(self) -> Result<Value, Problem> {
                Ok(Value::Array(self.0))
            }
        })*
    };
}

list!(SerializeSeq.serialize_element, SerializeTuple.serialize_element, SerializeTupleStruct.serialize_field);

impl ser::SerializeTupleVariant for Tagged<List> {
    type Ok = Value;
    type Error = Problem;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        self.1.push(value)
    }

    fn end(self) -> Result<Value, Problem> {
        Ok(tagged(self.0, Value::Array(self.1.0)))
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = Problem;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Problem> {
        self.key = match key.serialize(Finite)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            _ => return Err(Problem::new("has a key that is not text")),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        let key = std::mem::take(&mut self.key);
        self.put(&key, value)
    }

    fn end(self) -> Result<Value, Problem> {
        Ok(Value::Object(self.map))
    }
}

impl ser::SerializeStruct for Entries {
    type Ok = Value;
    type Error = Problem;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Problem> {
        self.put(key, value)
    }

    fn end(self) -> Result<Value, Problem> {
        Ok(Value::Object(self.map))
    }
}

impl ser::SerializeStructVariant for Tagged<Entries> {
    type Ok = Value;
    type Error = Problem;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Problem> {
        self.1.put(key, value)
    }

    fn end(self) -> Result<Value, Problem> {
        Ok(tagged(self.0, Value::Object(self.1.map)))
    }
}

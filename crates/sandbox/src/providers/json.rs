//! JSON whose fields stay in the order in which they were written, as the providers document them.

use serde::ser::{Serialize, Serializer};
use serde_json::Value;

/// A JSON value that is only ever written. [`object!`] and [`list!`] make the larger ones.
#[derive(Debug, Clone)]
pub(crate) enum Json {
    Plain(Value),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// The same object with one more field.
    pub(crate) fn and(mut self, key: &'static str, value: impl Into<Json>) -> Self {
        if let Self::Object(fields) = &mut self {
            fields.push((key, value.into()));
        }
        self
    }

    /// The same object with one more field, if there is a value for it.
    pub(crate) fn and_some(self, key: &'static str, value: Option<impl Into<Json>>) -> Self {
        match value {
            Some(value) => self.and(key, value),
            None => self,
        }
    }

    pub(crate) fn text(&self) -> String {
        // All keys are text, so this can't fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(value) => value.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(fields) => serializer.collect_map(fields.iter().map(|(key, value)| (key, value))),
        }
    }
}

macro_rules! plain {
    ($($from:ty),*) => {$(
        impl From<$from> for Json {
            fn from(value: $from) -> Self {
                Self::Plain(value.into())
            }
        }
    )*};
}

plain!((), bool, i32, u16, u64, usize, f64, &str, String, Value);

impl From<&String> for Json {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Vec<Json>> for Json {
    fn from(items: Vec<Json>) -> Self {
        Self::List(items)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| ().into(), Into::into)
    }
}

/// An object: `object! {"id": id, "usage": ()}`, where `()` is null.
macro_rules! object {
    ($($key:literal: $value:expr),* $(,)?) => {
        $crate::providers::json::Json::Object(vec![$(($key, $crate::providers::json::Json::from($value))),*])
    };
}

/// A list: `list![object! {}, 1]`.
macro_rules! list {
    ($($item:expr),* $(,)?) => {
        $crate::providers::json::Json::List(vec![$($crate::providers::json::Json::from($item)),*])
    };
}

pub(crate) use {list, object};

#[cfg(test)]
mod tests {

    #[test]
    fn fields_stay_in_order() {
        let json =
            object! {"z": 1, "a": list!["x", ()], "m": object! {}}.and("b", true).and_some("c", None::<u64>);
        assert_eq!(json.text(), r#"{"z":1,"a":["x",null],"m":{},"b":true}"#);
    }
}

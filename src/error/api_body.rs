//! Message and code of an error body, read without holding the rest of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What an error body says. A body that is cut off says what it said until then.
#[derive(Debug, Default)]
pub(super) struct ErrorBody {
    pub message: Option<String>,
    pub code: Option<String>,
    /// Whether the body is JSON, to its end.
    pub is_json: bool,
}

/// Reads `{"error": {"message", "code"}}`, `{"error": text}`, and `message`, `code`, `detail` at the top.
pub(super) fn read(body: &[u8]) -> ErrorBody {
    let body = body.strip_prefix(crate::values::BYTE_ORDER_MARK).unwrap_or(body);
    let mut top = Fields::default();
    let mut reader = serde_json::Deserializer::from_slice(body);
    let node = Node { fields: Some(&mut top), ..Node::default() };
    let read = node.deserialize(&mut reader);
    let is_json = read.is_ok() && reader.end().is_ok();
    let Fields { inner, message, code, error, detail } = top;
    let (inner_message, inner_code) = inner.map(|inner| (inner.message, inner.code)).unwrap_or_default();
    ErrorBody { message: inner_message.or(message).or(error).or(detail), code: inner_code.or(code), is_json }
}

#[derive(Default)]
struct Fields {
    /// The object under `error`.
    inner: Option<Box<Fields>>,
    message: Option<String>,
    code: Option<String>,
    /// `error`, where it is text.
    error: Option<String>,
    detail: Option<String>,
}

/// A JSON value: where its text goes, and where its fields go. What has no place is read over.
#[derive(Default)]
struct Node<'a> {
    text: Option<&'a mut Option<String>>,
    fields: Option<&'a mut Fields>,
    /// Whether this is the object under `error`.
    is_inner: bool,
}

impl<'a> Node<'a> {
    fn text(into: &'a mut Option<String>) -> Self {
        Node { text: Some(into), ..Node::default() }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! read_over {
    ($($method:ident: $ty:ty),*) => {
        $(fn $method<E>(self, _: $ty) -> Result<(), E> { Ok(()) })*
    };
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some(fields) = self.fields else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "message" => map.next_value_seed(Node::text(&mut fields.message))?,
                "code" => map.next_value_seed(Node::text(&mut fields.code))?,
                "detail" => map.next_value_seed(Node::text(&mut fields.detail))?,
                "error" if !self.is_inner => {
                    let inner = fields.inner.get_or_insert_default();
                    let text = Some(&mut fields.error);
                    map.next_value_seed(Node { text, fields: Some(inner), is_inner: true })?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if let Some(into) = self.text {
            *into = Some(text.to_string());
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    read_over!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);
}

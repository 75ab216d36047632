//! OTLP/JSON: protobuf's JSON mapping, with ids in hex, enums as numbers (names are taken, too) and unknown fields ignored.

use std::fmt;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status,
    span::{Event, SpanKind},
    status::StatusCode,
};
use serde_json::Value;

use crate::validate::{Object, type_of};

/// Reads a body. What is wrong with it is said with the path of the field.
pub(super) fn read(body: &[u8]) -> Result<ExportTraceServiceRequest, String> {
    let body: Value =
        serde_json::from_slice(body).map_err(|error| format!("the body is not valid JSON: {error}"))?;
    request(&body).map_err(|problem| problem.to_string())
}

/// What is wrong, and where.
struct Problem {
    path: String,
    what: String,
}

impl Problem {
    fn new(what: impl Into<String>) -> Self {
        Self { path: String::new(), what: what.into() }
    }

    fn expected(expected: &str, found: &Value) -> Self {
        Self::new(format!("must be {expected}, not {}", type_of(found)))
    }

    fn inside(mut self, outer: &str) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{outer}{separator}{}", self.path);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = if self.path.is_empty() { "the body" } else { &self.path };
        write!(f, "{subject} {}", self.what)
    }
}

type Read<T> = Result<T, Problem>;

fn request(value: &Value) -> Read<ExportTraceServiceRequest> {
    let resource_spans = list(object(value)?, "resourceSpans", resource_spans)?;
    Ok(ExportTraceServiceRequest { resource_spans })
}

fn resource_spans(value: &Value) -> Read<ResourceSpans> {
    let fields = object(value)?;
    Ok(ResourceSpans {
        resource: field(fields, "resource", resource)?,
        scope_spans: list(fields, "scopeSpans", scope_spans)?,
        ..ResourceSpans::default()
    })
}

fn resource(value: &Value) -> Read<Resource> {
    let attributes = list(object(value)?, "attributes", key_value)?;
    Ok(Resource { attributes, ..Resource::default() })
}

fn scope_spans(value: &Value) -> Read<ScopeSpans> {
    let fields = object(value)?;
    Ok(ScopeSpans {
        scope: field(fields, "scope", scope)?,
        spans: list(fields, "spans", span)?,
        ..ScopeSpans::default()
    })
}

fn scope(value: &Value) -> Read<InstrumentationScope> {
    let fields = object(value)?;
    Ok(InstrumentationScope {
        name: get(fields, "name", text)?,
        version: get(fields, "version", text)?,
        ..InstrumentationScope::default()
    })
}

fn span(value: &Value) -> Read<Span> {
    let fields = object(value)?;
    Ok(Span {
        trace_id: get(fields, "traceId", hex)?,
        span_id: get(fields, "spanId", hex)?,
        parent_span_id: get(fields, "parentSpanId", hex)?,
        flags: get(fields, "flags", number)?,
        name: get(fields, "name", text)?,
        kind: get(fields, "kind", |value| {
            choice(value, |name| SpanKind::from_str_name(name).map(|kind| kind as i32))
        })?,
        start_time_unix_nano: get(fields, "startTimeUnixNano", number)?,
        end_time_unix_nano: get(fields, "endTimeUnixNano", number)?,
        attributes: list(fields, "attributes", key_value)?,
        events: list(fields, "events", event)?,
        status: field(fields, "status", status)?,
        ..Span::default()
    })
}

fn event(value: &Value) -> Read<Event> {
    let fields = object(value)?;
    Ok(Event {
        time_unix_nano: get(fields, "timeUnixNano", number)?,
        name: get(fields, "name", text)?,
        attributes: list(fields, "attributes", key_value)?,
        ..Event::default()
    })
}

fn status(value: &Value) -> Read<Status> {
    let fields = object(value)?;
    Ok(Status {
        message: get(fields, "message", text)?,
        code: get(fields, "code", |value| {
            choice(value, |name| StatusCode::from_str_name(name).map(|code| code as i32))
        })?,
    })
}

fn key_value(value: &Value) -> Read<KeyValue> {
    let fields = object(value)?;
    Ok(KeyValue {
        key: get(fields, "key", text)?,
        value: field(fields, "value", any_value)?,
        ..KeyValue::default()
    })
}

/// A value is an object with one field, whose name is the type. Without one, it is empty.
fn any_value(value: &Value) -> Read<AnyValue> {
    let fields = object(value)?;
    let mut found = Vec::new();
    found.extend(field(fields, "stringValue", text)?.map(any_value::Value::StringValue));
    found.extend(field(fields, "boolValue", flag)?.map(any_value::Value::BoolValue));
    found.extend(field(fields, "intValue", number)?.map(any_value::Value::IntValue));
    found.extend(field(fields, "doubleValue", double)?.map(any_value::Value::DoubleValue));
    found.extend(field(fields, "arrayValue", array)?.map(any_value::Value::ArrayValue));
    found.extend(field(fields, "kvlistValue", entries)?.map(any_value::Value::KvlistValue));
    found.extend(field(fields, "bytesValue", base64)?.map(any_value::Value::BytesValue));
    if found.len() > 1 {
        return Err(Problem::new("has more than one type"));
    }
    Ok(AnyValue { value: found.pop() })
}

fn array(value: &Value) -> Read<ArrayValue> {
    let values = list(object(value)?, "values", any_value)?;
    Ok(ArrayValue { values })
}

fn entries(value: &Value) -> Read<KeyValueList> {
    let values = list(object(value)?, "values", key_value)?;
    Ok(KeyValueList { values })
}

fn object(value: &Value) -> Read<&Object> {
    value.as_object().ok_or_else(|| Problem::expected("an object", value))
}

/// A field, or nothing where it is absent or null.
fn field<T>(fields: &Object, name: &str, read: impl FnOnce(&Value) -> Read<T>) -> Read<Option<T>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read(value).map(Some).map_err(|problem| problem.inside(name)),
    }
}

/// A field, or its default where it is absent or null.
fn get<T: Default>(fields: &Object, name: &str, read: impl FnOnce(&Value) -> Read<T>) -> Read<T> {
    Ok(field(fields, name, read)?.unwrap_or_default())
}

fn list<T>(fields: &Object, name: &str, read: impl Fn(&Value) -> Read<T>) -> Read<Vec<T>> {
    let items = |value: &Value| {
        let items = value.as_array().ok_or_else(|| Problem::expected("a list", value))?;
        let items = items.iter().enumerate();
        items
            .map(|(index, item)| read(item).map_err(|problem| problem.inside(&format!("[{index}]"))))
            .collect()
    };
    get(fields, name, items)
}

fn text(value: &Value) -> Read<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| Problem::expected("a string", value))
}

fn flag(value: &Value) -> Read<bool> {
    value.as_bool().ok_or_else(|| Problem::expected("true or false", value))
}

/// An integer, as a number or as text.
fn number<T: TryFrom<i128>>(value: &Value) -> Read<T> {
    let number = match value {
        Value::Number(number) => number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)),
        Value::String(text) => text.parse().ok(),
        other => return Err(Problem::expected("an integer", other)),
    };
    number
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| Problem::new(format!("must be an integer in range, not {value}")))
}

/// A float, as a number or as text. JSON has no number for three of them.
fn double(value: &Value) -> Read<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        // Rust reads the names of those three as protobuf writes them.
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
    .ok_or_else(|| Problem::new(format!("must be a number, not {value}")))
}

/// An enum: a number, or a name.
fn choice(value: &Value, by_name: impl FnOnce(&str) -> Option<i32>) -> Read<i32> {
    match value.as_str() {
        None => number(value),
        Some(name) => by_name(name).ok_or_else(|| Problem::new(format!("can't be {name:?}"))),
    }
}

fn hex(value: &Value) -> Read<Vec<u8>> {
    let digits = text(value)?;
    let wrong = || Problem::new(format!("must be hex digits, not {digits:?}"));
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some((nibble(*high)? << 4) | nibble(*low)?),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(byte).collect::<Option<_>>().ok_or_else(wrong)
}

/// Bytes in base64, of either alphabet, padded or not.
fn base64(value: &Value) -> Read<Vec<u8>> {
    let digits = text(value)?;
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for digit in digits.trim_end_matches('=').bytes() {
        let six = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return Err(Problem::new("must be base64")),
        };
        bits = (bits << 6) | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            let [.., byte] = (bits >> count).to_be_bytes();
            bytes.push(byte);
        }
    }
    if count == 6 { Err(Problem::new("must be base64")) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use any_value::Value as Any;
    use serde_json::json;

    use super::*;

    fn value(json: Value) -> Result<Option<Any>, String> {
        any_value(&json).map(|any| any.value).map_err(|problem| problem.to_string())
    }

    #[test]
    fn values_keep_their_types() {
        assert_eq!(value(json!({"stringValue": "é"})), Ok(Some(Any::StringValue("é".into()))));
        assert_eq!(value(json!({"boolValue": false})), Ok(Some(Any::BoolValue(false))));
        let least = Ok(Some(Any::IntValue(i64::MIN)));
        assert_eq!(value(json!({"intValue": i64::MIN.to_string()})), least);
        assert_eq!(value(json!({"intValue": i64::MIN})), least);
        assert_eq!(value(json!({"doubleValue": 1})), Ok(Some(Any::DoubleValue(1.0))));
        assert_eq!(value(json!({"doubleValue": "-Infinity"})), Ok(Some(Any::DoubleValue(f64::NEG_INFINITY))));
        assert!(
            matches!(value(json!({"doubleValue": "NaN"})), Ok(Some(Any::DoubleValue(nan))) if nan.is_nan())
        );
        for (text, bytes) in
            [("", vec![]), ("+/8=", vec![0xfb, 0xff]), ("-_8", vec![0xfb, 0xff]), ("AAEC", vec![0, 1, 2])]
        {
            assert_eq!(value(json!({"bytesValue": text})), Ok(Some(Any::BytesValue(bytes))));
        }
        let empty = Ok(None);
        for json in [json!({}), json!({"stringValue": null}), json!({"laterValue": [1]})] {
            assert_eq!(value(json), empty);
        }
        let nested = json!({"arrayValue": {"values": [{"kvlistValue": {"values": [{"key": "k"}]}}, {}]}});
        let Ok(Some(Any::ArrayValue(array))) = value(nested) else { panic!() };
        assert_eq!(array.values.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_path() {
        let wrong = |json: Value| read(json.to_string().as_bytes()).unwrap_err();
        let span = |span: Value| wrong(json!({"resourceSpans": [{}, {"scopeSpans": [{"spans": [span]}]}]}));
        let at = "resourceSpans[1].scopeSpans[0].spans[0]";
        assert_eq!(wrong(json!([])), "the body must be an object, not a list");
        assert_eq!(wrong(json!({"resourceSpans": {}})), "resourceSpans must be a list, not an object");
        assert_eq!(span(json!(1)), format!("{at} must be an object, not a number"));
        for (json, problem) in [
            (json!({"traceId": "xy"}), "traceId must be hex digits, not \"xy\""),
            (json!({"traceId": "abc"}), "traceId must be hex digits, not \"abc\""),
            (json!({"traceId": "é0"}), "traceId must be hex digits, not \"é0\""),
            (json!({"kind": "INTERNAL"}), "kind can't be \"INTERNAL\""),
            (json!({"flags": -1}), "flags must be an integer in range, not -1"),
            (json!({"startTimeUnixNano": 1.5}), "startTimeUnixNano must be an integer in range, not 1.5"),
            (json!({"startTimeUnixNano": "x"}), "startTimeUnixNano must be an integer in range, not \"x\""),
            (json!({"status": {"code": true}}), "status.code must be an integer, not a boolean"),
            (
                json!({"attributes": [{"key": "k", "value": {"bytesValue": "a"}}]}),
                "attributes[0].value.bytesValue must be base64",
            ),
            (
                json!({"attributes": [{"value": {"intValue": 1, "boolValue": true}}]}),
                "attributes[0].value has more than one type",
            ),
        ] {
            assert_eq!(span(json), format!("{at}.{problem}"));
        }
        assert!(read(b"{").unwrap_err().contains("not valid JSON"));
        assert!(read(&[b'['; 1000]).unwrap_err().contains("recursion"));
    }
}

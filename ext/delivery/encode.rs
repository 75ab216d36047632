//! OTLP: an `ExportTraceServiceRequest` in protobuf, written field by field.
//!
//! The numbers are those of opentelemetry-proto 1.x, `trace.proto` and `common.proto`; the tests read the
//! bytes with the OpenTelemetry project's own types.

use opentelemetry::{Array, KeyValue, Value};

use super::span::{Span, Status};

const KIND_INTERNAL: u64 = 1;
const STATUS_OK: u64 = 1;
const STATUS_ERROR: u64 = 2;
/// OTLP's flags: the parent's whereabouts are known, and whether it is remote.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// One request with the spans of one account.
pub(crate) fn request(api_key: &str, scope: (&str, &str), spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::with_capacity(spans.len() * 256 + 128);
    message(&mut out, 1, |resource_spans| {
        message(resource_spans, 1, |resource| {
            message(resource, 1, |attribute| {
                text(attribute, 1, "api.key");
                message(attribute, 2, |value| text(value, 1, api_key));
            });
        });
        message(resource_spans, 2, |scope_spans| {
            message(scope_spans, 1, |instrumentation| {
                text(instrumentation, 1, scope.0);
                text(instrumentation, 2, scope.1);
            });
            for span in spans {
                message(scope_spans, 2, |out| write_span(out, span));
            }
        });
    });
    out
}

fn write_span(out: &mut Vec<u8>, span: &Span) {
    bytes(out, 1, &span.trace_id.to_bytes());
    bytes(out, 2, &span.span_id.to_bytes());
    if let Some(parent) = &span.parent {
        bytes(out, 4, &parent.span_id.to_bytes());
    }
    text(out, 5, &span.name);
    number(out, 6, KIND_INTERNAL);
    fixed64(out, 7, span.start_unix_nano);
    fixed64(out, 8, span.end_unix_nano);
    let ids = [("external_customer_id", &span.owner.customer), ("external_agent_id", &span.owner.agent)];
    for (key, id) in ids {
        if let Some(id) = id {
            message(out, 9, |attribute| {
                text(attribute, 1, key);
                message(attribute, 2, |value| text(value, 1, id));
            });
        }
    }
    for attribute in span.owner.metadata.as_deref().unwrap_or_default().iter().chain(&span.attributes) {
        message(out, 9, |out| key_value(out, attribute));
    }
    if let Some(exception) = &span.exception {
        message(out, 11, |event| {
            fixed64(event, 1, span.end_unix_nano);
            text(event, 2, "exception");
            let parts = [
                ("exception.type", exception.kind.as_ref()),
                ("exception.message", exception.message.as_str()),
                ("exception.escaped", "False"),
            ];
            for (key, value) in parts {
                message(event, 3, |attribute| {
                    text(attribute, 1, key);
                    message(attribute, 2, |out| text(out, 1, value));
                });
            }
        });
    }
    match &span.status {
        Status::Unset => {}
        Status::Ok => message(out, 15, |status| number(status, 3, STATUS_OK)),
        Status::Error(reason) => message(out, 15, |status| {
            if !reason.is_empty() {
                text(status, 2, reason);
            }
            number(status, 3, STATUS_ERROR);
        }),
    }
    let remote = span.parent.is_some_and(|parent| parent.remote);
    fixed32(out, 16, if remote { HAS_IS_REMOTE | IS_REMOTE } else { HAS_IS_REMOTE });
}

fn key_value(out: &mut Vec<u8>, attribute: &KeyValue) {
    text(out, 1, attribute.key.as_str());
    message(out, 2, |out| any_value(out, &attribute.value));
}

fn any_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(value) => number(out, 2, u64::from(*value)),
        Value::I64(value) => number(out, 3, *value as u64),
        Value::F64(value) => fixed64(out, 4, value.to_bits()),
        Value::String(value) => text(out, 1, value.as_str()),
        Value::Array(array) => message(out, 5, |out| any_values(out, array)),
        other => text(out, 1, &other.as_str()),
    }
}

fn any_values(out: &mut Vec<u8>, array: &Array) {
    match array {
        Array::Bool(values) => values.iter().for_each(|value| item(out, &Value::Bool(*value))),
        Array::I64(values) => values.iter().for_each(|value| item(out, &Value::I64(*value))),
        Array::F64(values) => values.iter().for_each(|value| item(out, &Value::F64(*value))),
        Array::String(values) => values.iter().for_each(|value| item(out, &Value::String(value.clone()))),
        _ => {}
    }
}

fn item(out: &mut Vec<u8>, value: &Value) {
    message(out, 1, |out| any_value(out, value));
}

/// A length-delimited field. Its length is known only after it is written, so it is moved by as much as the length takes.
fn message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    tag(out, field, 2);
    let start = out.len();
    write(out);
    let mut length = Vec::with_capacity(5);
    varint(&mut length, (out.len() - start) as u64);
    out.splice(start..start, length);
}

fn text(out: &mut Vec<u8>, field: u32, value: &str) {
    bytes(out, field, value.as_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    tag(out, field, 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn number(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, 0);
    varint(out, value);
}

fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, 1);
    out.extend_from_slice(&value.to_le_bytes());
}

fn fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    tag(out, field, 5);
    out.extend_from_slice(&value.to_le_bytes());
}

fn tag(out: &mut Vec<u8>, field: u32, wire_type: u32) {
    varint(out, u64::from(field << 3 | wire_type));
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

//! OTLP: an `ExportTraceServiceRequest` in protobuf, written field by field.
//!
//! A span is encoded once, where it ends: as a *record*, the field of `ScopeSpans` that holds it. Records are what
//! waits in memory and on disk; a request is its head with the account's key, and records. The numbers are those of
//! opentelemetry-proto 1.x, `trace.proto` and `common.proto`; the tests read the bytes with the OpenTelemetry
//! project's own types.

use opentelemetry::{Array, Value};

use super::span::{Attribute, AttributeValue, Owner, Span, Status};

const KIND_INTERNAL: u64 = 1;
const STATUS_OK: u64 = 1;
const STATUS_ERROR: u64 = 2;
/// OTLP's flags: the parent's whereabouts are known, and whether it is remote.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// About what a span takes beside its owner's attributes.
const USUAL: usize = 256;

/// What comes before the records in a request: with it, they are whole. Without a key, it is nobody's.
pub(super) fn head(api_key: Option<&str>, scope: (&str, &str), records: usize) -> Vec<u8> {
    let mut resource = Vec::with_capacity(64);
    if let Some(api_key) = api_key {
        message(&mut resource, 1, |resource| {
            text_attribute(resource, 1, "api.key", api_key);
        });
    }
    let mut instrumentation = Vec::with_capacity(32);
    message(&mut instrumentation, 1, |out| {
        text(out, 1, scope.0);
        text(out, 2, scope.1);
    });
    tag(&mut resource, 2, 2);
    varint(&mut resource, (instrumentation.len() + records) as u64);
    resource.extend_from_slice(&instrumentation);
    let mut head = Vec::with_capacity(resource.len() + 8);
    tag(&mut head, 1, 2);
    varint(&mut head, (resource.len() + records) as u64);
    head.extend_from_slice(&resource);
    head
}

/// A span as a record.
pub(super) fn record(out: &mut Vec<u8>, span: &Span<'_>) {
    out.reserve(USUAL + span.owner.encoded.len());
    sized(out, 2, 2, |out| write_span(out, span));
}

fn write_span(out: &mut Vec<u8>, span: &Span<'_>) {
    bytes(out, 1, &span.trace_id.to_bytes());
    bytes(out, 2, &span.span_id.to_bytes());
    if let Some(parent) = &span.parent {
        bytes(out, 4, &parent.span_id.to_bytes());
    }
    text(out, 5, span.name);
    number(out, 6, KIND_INTERNAL);
    fixed64(out, 7, span.start_unix_nano);
    fixed64(out, 8, span.end_unix_nano);
    out.extend_from_slice(&span.owner.encoded);
    for Attribute { key, value } in span.attributes {
        match value {
            AttributeValue::Text(value) => text_attribute(out, 9, key, value),
            AttributeValue::Any(value) => message(out, 9, |out| key_value(out, key, value)),
        }
    }
    if let Some(exception) = &span.exception {
        message(out, 11, |event| {
            fixed64(event, 1, span.end_unix_nano);
            text(event, 2, "exception");
            text_attribute(event, 3, "exception.type", &exception.kind);
            text_attribute(event, 3, "exception.message", &exception.message);
            text_attribute(event, 3, "exception.escaped", "False");
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

/// The attributes that every span of an owner has.
pub(super) fn owner(owner: &Owner) -> Vec<u8> {
    let ids_take = [&owner.customer, &owner.agent].into_iter().flatten().map(|id| id.len() + 40).sum();
    let mut out = Vec::with_capacity(ids_take);
    let ids = [("external_customer_id", &owner.customer), ("external_agent_id", &owner.agent)];
    for (key, id) in ids {
        if let Some(id) = id {
            text_attribute(&mut out, 9, key, id);
        }
    }
    for attribute in owner.metadata.as_deref().unwrap_or_default() {
        message(&mut out, 9, |out| key_value(out, attribute.key.as_str(), &attribute.value));
    }
    out
}

/// An attribute that is text, as most are: its lengths are known beforehand.
fn text_attribute(out: &mut Vec<u8>, field: u32, key: &str, value: &str) {
    let inner = 1 + length_of_varint(value.len()) + value.len();
    let whole = 1 + length_of_varint(key.len()) + key.len() + 1 + length_of_varint(inner) + inner;
    tag(out, field, 2);
    varint(out, whole as u64);
    text(out, 1, key);
    tag(out, 2, 2);
    varint(out, inner as u64);
    text(out, 1, value);
}

fn key_value(out: &mut Vec<u8>, key: &str, value: &Value) {
    text(out, 1, key);
    message(out, 2, |out| any_value(out, value));
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

/// A length-delimited field.
fn message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    sized(out, field, 1, write);
}

/// A length-delimited field, whose length is known only after it is written: some bytes are left for it, and what
/// follows is moved when it takes more or fewer.
fn sized(out: &mut Vec<u8>, field: u32, guess: usize, write: impl FnOnce(&mut Vec<u8>)) {
    tag(out, field, 2);
    let at = out.len();
    out.resize(at + guess, 0);
    write(out);
    let end = out.len();
    let mut length = end - at - guess;
    let takes = length_of_varint(length);
    if takes > guess {
        out.resize(end + takes - guess, 0);
    }
    if takes != guess {
        out.copy_within(at + guess..end, at + takes);
        out.truncate(end + takes - guess);
    }
    for byte in out.iter_mut().skip(at).take(takes) {
        *byte = (length & 0x7f) as u8 | if length >= 0x80 { 0x80 } else { 0 };
        length >>= 7;
    }
}

fn length_of_varint(value: usize) -> usize {
    let bits = usize::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

#[inline(always)]
fn text(out: &mut Vec<u8>, field: u32, value: &str) {
    bytes(out, field, value.as_bytes());
}

#[inline(always)]
fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    tag(out, field, 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

#[inline(always)]
fn number(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, 0);
    varint(out, value);
}

#[inline(always)]
fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, 1);
    out.extend_from_slice(&value.to_le_bytes());
}

#[inline(always)]
fn fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    tag(out, field, 5);
    out.extend_from_slice(&value.to_le_bytes());
}

#[inline(always)]
fn tag(out: &mut Vec<u8>, field: u32, wire_type: u32) {
    varint(out, u64::from(field << 3 | wire_type));
}

#[inline(always)]
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

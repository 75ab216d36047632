//! Messages as spans: every resource is asked for its key, every id is checked, then all is copied.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{
    Span, Status,
    span::{Event, SpanKind as SentKind},
    status::StatusCode as SentCode,
};

use super::decode::Refusal;
use super::span::{ReceivedSpan, Resource, SpanEvent, SpanKind, SpanStatus, StatusCode};
use super::value::AttributeValue;
use super::{KEY_ATTRIBUTE, hex};

/// The spans of a request, in its order. One wrong key or id refuses them all.
pub(crate) fn spans_of(
    request: ExportTraceServiceRequest,
    expected_key: Option<&str>,
    request_index: usize,
) -> Result<Vec<ReceivedSpan>, Refusal> {
    let mut received = Vec::new();
    for resource_spans in request.resource_spans {
        let resource = Resource::new(attributes(resource_spans.resource.unwrap_or_default().attributes));
        check(resource.key(), expected_key)?;
        let resource = Arc::new(resource);
        for scope_spans in resource_spans.scope_spans {
            let scope = scope_spans.scope.unwrap_or_default();
            for span in scope_spans.spans {
                let mut span = view(span, resource.clone(), request_index)?;
                span.scope_name.clone_from(&scope.name);
                span.scope_version.clone_from(&scope.version);
                received.push(span);
            }
        }
    }
    Ok(received)
}

fn check(sent: Option<&str>, expected: Option<&str>) -> Result<(), Refusal> {
    match (sent, expected) {
        (None, _) => {
            Err(Refusal::unauthorized(format!("a resource lacks the attribute {KEY_ATTRIBUTE} (one text)")))
        }
        (Some(sent), Some(expected)) if sent != expected => {
            Err(Refusal::unauthorized(format!("the resource attribute {KEY_ATTRIBUTE} is not a valid key")))
        }
        _ => Ok(()),
    }
}

fn view(span: Span, resource: Arc<Resource>, request_index: usize) -> Result<ReceivedSpan, Refusal> {
    let (kind, status) = (kind(span.kind), status(span.status));
    Ok(ReceivedSpan {
        trace_id: id(&span.trace_id, 16, "trace_id", &span.name)?,
        span_id: id(&span.span_id, 8, "span_id", &span.name)?,
        parent_span_id: match span.parent_span_id.as_slice() {
            // No id and an id of zeros both say that there is no parent.
            [] | [0, 0, 0, 0, 0, 0, 0, 0] => None,
            parent => Some(id(parent, 8, "parent_span_id", &span.name)?),
        },
        flags: span.flags,
        name: span.name,
        kind,
        start_unix_nano: span.start_time_unix_nano,
        end_unix_nano: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        status,
        scope_name: String::new(),
        scope_version: String::new(),
        request_index,
        resource,
    })
}

fn id(bytes: &[u8], length: usize, field: &str, name: &str) -> Result<String, Refusal> {
    if bytes.len() == length && bytes.iter().any(|byte| *byte != 0) {
        Ok(hex(bytes))
    } else {
        let message = format!("{field} of the span {name:?} must be {length} bytes that are not all zero");
        Err(Refusal::undecodable(message))
    }
}

fn kind(sent: i32) -> SpanKind {
    match SentKind::try_from(sent) {
        Ok(SentKind::Internal) => SpanKind::Internal,
        Ok(SentKind::Server) => SpanKind::Server,
        Ok(SentKind::Client) => SpanKind::Client,
        Ok(SentKind::Producer) => SpanKind::Producer,
        Ok(SentKind::Consumer) => SpanKind::Consumer,
        Ok(SentKind::Unspecified) | Err(_) => SpanKind::Unspecified,
    }
}

fn status(sent: Option<Status>) -> SpanStatus {
    let sent = sent.unwrap_or_default();
    let code = match SentCode::try_from(sent.code) {
        Ok(SentCode::Ok) => StatusCode::Ok,
        Ok(SentCode::Error) => StatusCode::Error,
        Ok(SentCode::Unset) | Err(_) => StatusCode::Unset,
    };
    SpanStatus { code, message: sent.message }
}

fn event(sent: Event) -> SpanEvent {
    SpanEvent {
        name: sent.name,
        time_unix_nano: sent.time_unix_nano,
        attributes: attributes(sent.attributes),
    }
}

fn attributes(sent: Vec<KeyValue>) -> Vec<(String, AttributeValue)> {
    sent.into_iter().map(|entry| (entry.key, entry.value.map_or(AttributeValue::Empty, value))).collect()
}

/// The decoders bound how deep values nest, and with it how deep this goes.
fn value(sent: AnyValue) -> AttributeValue {
    match sent.value {
        // An index into a table that only profiles have.
        None | Some(any_value::Value::StringValueStrindex(_)) => AttributeValue::Empty,
        Some(any_value::Value::StringValue(text)) => AttributeValue::String(text),
        Some(any_value::Value::BoolValue(flag)) => AttributeValue::Bool(flag),
        Some(any_value::Value::IntValue(number)) => AttributeValue::Int(number),
        Some(any_value::Value::DoubleValue(number)) => AttributeValue::Double(number),
        Some(any_value::Value::BytesValue(bytes)) => AttributeValue::Bytes(bytes),
        Some(any_value::Value::ArrayValue(array)) => {
            AttributeValue::Array(array.values.into_iter().map(value).collect())
        }
        Some(any_value::Value::KvlistValue(list)) => AttributeValue::Map(attributes(list.values)),
    }
}

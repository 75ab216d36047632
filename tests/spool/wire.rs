//! What a request holds, read from its bytes, with each span as it was sent.

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// `ExportTraceServiceRequest`, down to the spans, which stay bytes.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(bytes = "vec", repeated, tag = "2")]
    spans: Vec<Vec<u8>>,
}

/// What the programs number: a signal, or a scope by the number in its customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    Signal(u64),
    Scope(u64),
}

#[derive(Clone, Debug)]
pub struct SentSpan {
    pub item: Item,
    pub ids: (Vec<u8>, Vec<u8>),
    pub bytes: Vec<u8>,
}

/// The key and the spans of a request.
pub fn read(content: &[u8]) -> (String, Vec<SentSpan>) {
    let request = Request::decode(content).expect("a request is whole");
    let mut keys: Vec<String> = Vec::new();
    let mut spans = Vec::new();
    for resource in request.resources {
        let attributes = resource.resource.unwrap_or_default().attributes;
        keys.extend(text(&attributes, "api.key"));
        spans.extend(resource.scopes.into_iter().flat_map(|scope| scope.spans).map(span));
    }
    assert_eq!(keys.len(), 1, "a request has one key");
    (keys.remove(0), spans)
}

/// A span is what the programs send and nothing else.
fn span(bytes: Vec<u8>) -> SentSpan {
    let span = Span::decode(bytes.as_slice()).expect("a span is whole");
    let customer = text(&span.attributes, "external_customer_id").expect("a customer");
    let scope = customer.strip_prefix("customer_").and_then(|n| n.parse().ok()).expect("a numbered customer");
    let item = match span.name.as_str() {
        "paid.trace.parent_span" => Item::Scope(scope),
        "paid.trace.signal" => {
            assert_eq!(text(&span.attributes, "event_name").as_deref(), Some("numbered"));
            let data = text(&span.attributes, "data").expect("data");
            let data: serde_json::Value = serde_json::from_str(&data).expect("data is JSON");
            Item::Signal(data["n"].as_u64().expect("a number"))
        }
        other => panic!("nobody sent a {other}"),
    };
    assert!(span.trace_id.len() == 16 && span.span_id.len() == 8 && span.end_time_unix_nano > 0);
    SentSpan { item, ids: (span.trace_id, span.span_id), bytes }
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()?;
    if let Value::StringValue(text) = value { Some(text.clone()) } else { None }
}

//! Requests of a tracer, and a way to send them.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use super::Api;

pub const PROTOBUF: &str = "application/x-protobuf";
pub const TRACES: &str = "/v1/traces";
pub const TRACE: u128 = 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10;

pub fn text(value: &str) -> any_value::Value {
    any_value::Value::StringValue(value.to_owned())
}

pub fn int(value: i64) -> any_value::Value {
    any_value::Value::IntValue(value)
}

pub fn flag(value: bool) -> any_value::Value {
    any_value::Value::BoolValue(value)
}

pub fn list(values: impl IntoIterator<Item = any_value::Value>) -> any_value::Value {
    let values = values.into_iter().map(|value| AnyValue { value: Some(value) }).collect();
    any_value::Value::ArrayValue(ArrayValue { values })
}

pub fn attributes<'a>(attributes: impl IntoIterator<Item = (&'a str, any_value::Value)>) -> Vec<KeyValue> {
    let entry = |(key, value): (&str, _)| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    };
    attributes.into_iter().map(entry).collect()
}

/// A span of a trace. 0 as the parent means none.
pub fn span<'a>(
    trace: u128,
    id: u64,
    parent: u64,
    name: &str,
    more: impl IntoIterator<Item = (&'a str, any_value::Value)>,
) -> Span {
    Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        parent_span_id: if parent == 0 { Vec::new() } else { parent.to_be_bytes().to_vec() },
        name: name.to_owned(),
        kind: 1,
        start_time_unix_nano: 1_735_689_600_000_000_000 + id,
        end_time_unix_nano: 1_735_689_600_000_000_100 + id,
        attributes: attributes(more),
        status: Some(Status { code: 1, message: String::new() }),
        ..Span::default()
    }
}

/// A request with these spans from a resource with this key.
pub fn request(key: &str, spans: impl IntoIterator<Item = Span>) -> ExportTraceServiceRequest {
    let scope = InstrumentationScope {
        name: "paid.rust".to_owned(),
        version: "0.1.0".to_owned(),
        ..InstrumentationScope::default()
    };
    let scope_spans = vec![ScopeSpans {
        scope: Some(scope),
        spans: spans.into_iter().collect(),
        schema_url: String::new(),
    }];
    let resource = Resource { attributes: attributes([("api.key", text(key))]), ..Resource::default() };
    let resource_spans =
        vec![ResourceSpans { resource: Some(resource), scope_spans, schema_url: String::new() }];
    ExportTraceServiceRequest { resource_spans }
}

pub fn zipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("compressed");
    encoder.finish().expect("compressed")
}

impl Api {
    pub fn trace_request(&self, media_type: &str, body: impl Into<Vec<u8>>) -> reqwest::RequestBuilder {
        let endpoint = self.sandbox.collector_endpoint();
        self.http.post(endpoint).header("content-type", media_type).body(body.into())
    }

    /// Sends a body, and returns the status and body of the answer.
    pub async fn send_traces(&self, media_type: &str, body: impl Into<Vec<u8>>) -> (u16, Vec<u8>) {
        let response = self.trace_request(media_type, body).send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.bytes().await.expect("a whole body").to_vec())
    }

    /// Sends spans with the sandbox's key, which must be taken.
    pub async fn spans(&self, spans: impl IntoIterator<Item = Span>) {
        let body = request(self.sandbox.api_key(), spans).encode_to_vec();
        assert_eq!(self.send_traces(PROTOBUF, body).await, (200, Vec::new()));
    }
}

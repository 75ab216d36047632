//! The bytes of spans, beside what OpenTelemetry's own exporter makes of the same spans.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::{Array, Value};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::trace::SimpleSpanProcessor;
use paid::AsyncPaid;
use paid::ai::AiCall;
use paid::tracing::{TracingOptions, delivery, generate_tracing_token};
use paid_sandbox::Sandbox;
use prost::Message;
use serde_json::json;

/// What OpenTelemetry's own exporter makes of the same spans.
#[derive(Clone, Debug, Default)]
struct Capture(Arc<Mutex<Vec<Bytes>>>);

impl HttpClient for Capture {
    fn send_bytes<'client, 'answer>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'answer>>
    where
        'client: 'answer,
        Self: 'answer,
    {
        self.0.lock().unwrap().push(request.into_body());
        Box::pin(std::future::ready(Ok(Response::new(Bytes::new()))))
    }
}

fn spans<'a>(bodies: impl IntoIterator<Item = &'a [u8]>) -> Vec<Span> {
    let requests = bodies.into_iter().map(|body| ExportTraceServiceRequest::decode(body).unwrap());
    let resources = requests.flat_map(|request| request.resource_spans);
    let mut spans: Vec<Span> =
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect();
    spans.sort_by(|one, other| one.span_id.cmp(&other.span_id));
    spans
}

fn any_value(rng: &mut fastrand::Rng) -> Value {
    let text = |rng: &mut fastrand::Rng| {
        let length = [0, 1, 126, 127, 128, 300, 16_383, 17_000][rng.usize(..8)];
        std::iter::repeat_with(|| rng.char(..)).take(length).collect::<String>()
    };
    match rng.u8(..8) {
        0 => rng.bool().into(),
        1 => rng.i64(..).into(),
        2 => f64::from_bits(rng.u64(..)).into(),
        3 => Value::Array(Array::I64((0..rng.usize(..5)).map(|_| rng.i64(..)).collect())),
        4 => Value::Array(Array::F64((0..rng.usize(..5)).map(|_| rng.f64()).collect())),
        5 => Value::Array(Array::Bool((0..rng.usize(..5)).map(|_| rng.bool()).collect())),
        6 => Value::Array(Array::String((0..rng.usize(..5)).map(|_| text(rng).into()).collect())),
        _ => text(rng).into(),
    }
}

#[test]
fn any_span_is_encoded_as_opentelemetrys_own_exporter_does() {
    crate::in_process("encoding::any_span_is_encoded_as_opentelemetrys_own_exporter_does", &[], || {
        let sandbox = Sandbox::builder().api_key("encoded_key").start_blocking().unwrap();
        let client = AsyncPaid::new("encoded_key").unwrap();
        let capture = Capture::default();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(capture.clone())
            .with_endpoint("http://127.0.0.1:9/v1/traces")
            .build()
            .unwrap();
        let options = TracingOptions::new()
            .collector_endpoint(sandbox.collector_endpoint())
            .max_queue_bytes(64 << 20)
            .mirror(SimpleSpanProcessor::new(exporter));
        client.initialize_tracing_with(options).unwrap();
        let mut rng = fastrand::Rng::with_seed(4);
        for number in 0..300 {
            let scope = client
                .paid_tracing(format!("customer_{number}"))
                .external_agent_id((number % 3 > 0).then_some("bot"))
                .tracing_token((number % 2 > 0).then(generate_tracing_token))
                .metadata(json!({"number": number, "list": [1.5, 2]}));
            let ended: Result<(), String> = scope.try_run(|| {
                let mut call = AiCall::start("call", "any", "chat");
                for attribute in 0..rng.usize(..6) {
                    call.attribute(format!("attribute.{attribute}"), any_value(&mut rng));
                }
                if rng.bool() {
                    call.fail("it failed");
                }
                if rng.bool() { Ok(()) } else { Err("x".repeat(rng.usize(..300))) }
            });
            drop(ended);
        }
        assert!(delivery().flush(Duration::from_secs(20)));
        let requests = sandbox.requests();
        let ours: Vec<_> = requests.iter().map(|request| request.content().unwrap()).collect();
        let theirs = capture.0.lock().unwrap();
        let ours = spans(ours.iter().map(|body| &**body));
        let mut theirs = spans(theirs.iter().map(|body| &**body));
        // Theirs say that they were sampled; that is nothing the Python SDK says, nor is it in the contract.
        theirs.iter_mut().for_each(|span| span.flags &= !1);
        assert_eq!(ours.len(), 600);
        for (one, other) in ours.iter().zip(&theirs) {
            // As text: a NaN is not equal to itself.
            assert_eq!(format!("{one:?}"), format!("{other:?}"));
        }
    });
}

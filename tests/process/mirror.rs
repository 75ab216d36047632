//! The mirror: a backend of the user's own sees the spans that Paid sees, without the key.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanExporter};
use paid::AsyncPaid;
use paid::tracing::{TracingOptions, delivery, generate_tracing_token};
use paid_sandbox::Sandbox;
use serde_json::json;

#[derive(Clone, Debug, Default)]
struct Backend(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Backend {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

#[test]
fn a_backend_of_your_own_sees_the_same_spans() {
    crate::in_process("mirror::a_backend_of_your_own_sees_the_same_spans", &[], || {
        let sandbox = Sandbox::builder().api_key("mirrored_key").start_blocking().unwrap();
        let client = AsyncPaid::new("mirrored_key").unwrap();
        let backend = Backend::default();
        let mirror = BatchSpanProcessor::builder(backend.clone()).build();
        let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint()).mirror(mirror);
        client.initialize_tracing_with(options).unwrap();
        let scope = client
            .paid_tracing("acme")
            .external_agent_id("bot")
            .metadata(json!({"plan": "pro", "n": [1, 2]}));
        let failed: Result<(), String> =
            scope.clone().tracing_token(generate_tracing_token()).try_run(|| {
                client.signal("report").data(json!({"pages": 12})).enable_cost_tracing(true).send().unwrap();
                Err("out of paper".into())
            });
        assert!(failed.is_err());
        scope.run(|| ());
        assert!(delivery().flush(Duration::from_secs(10)));
        let ours = sandbox.spans();
        delivery().shutdown(Duration::from_secs(10));
        let theirs = backend.0.lock().unwrap();
        assert_eq!((ours.len(), theirs.len()), (3, 3));
        for span in ours {
            let id = |span: &SpanData| span.span_context.span_id().to_string();
            let copy = theirs.iter().find(|copy| id(copy) == span.span_id).unwrap();
            assert_eq!(copy.name, span.name);
            assert_eq!(copy.span_context.trace_id().to_string(), span.trace_id);
            let keys: Vec<_> = copy.attributes.iter().map(|attribute| attribute.key.to_string()).collect();
            assert_eq!(keys, span.attributes.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>());
            assert_eq!(copy.events.len(), span.events.len());
            let told = format!("{:?}", copy.status);
            assert_eq!(told.contains("out of paper"), span.status.message.contains("out of paper"), "{told}");
            assert!(!format!("{copy:?}").contains("mirrored_key"));
        }
    });
}

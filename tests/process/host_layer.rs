//! Beside a host whose global provider and `tracing` subscriber are OpenTelemetry's, in a process of its own.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use paid::AsyncPaid;
use paid::tracing::TracingOptions;
use paid_sandbox::Sandbox;
use tracing_subscriber::prelude::*;

/// What the host does, with or without a scope around its inner work.
fn host(work: impl Fn(&dyn Fn())) {
    tracing::info_span!("request", route = "/report").in_scope(|| {
        work(&|| {
            tracing::info_span!("query", rows = 3).in_scope(|| tracing::info!("asked"));
        });
    });
}

/// A span without its ids and times.
fn shape(spans: &[SpanData]) -> Vec<String> {
    spans
        .iter()
        .map(|span| {
            let parent = spans.iter().find(|other| other.span_context.span_id() == span.parent_span_id);
            let keys: Vec<String> =
                span.attributes.iter().map(|attribute| attribute.key.to_string()).collect();
            let events: Vec<String> = span.events.iter().map(|event| event.name.to_string()).collect();
            format!("{} under {:?}: {keys:?} {events:?}", span.name, parent.map(|parent| parent.name.clone()))
        })
        .collect()
}

#[test]
fn the_hosts_traces_come_out_as_without_us_and_ours_as_without_the_host() {
    crate::in_process(
        "host_layer::the_hosts_traces_come_out_as_without_us_and_ours_as_without_the_host",
        &[],
        body,
    );
}

fn body() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    opentelemetry::global::set_tracer_provider(provider.clone());
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("host"));
    tracing_subscriber::registry().with(layer).init();

    host(|inner| inner());
    let without = shape(&exporter.get_finished_spans().unwrap());
    exporter.reset();

    let sandbox = Sandbox::start_blocking().unwrap();
    let client = AsyncPaid::new(sandbox.api_key()).unwrap();
    let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
    client.initialize_tracing_with(options).unwrap();
    host(|inner| {
        client.paid_tracing("acme").external_agent_id("bot").run(|| {
            inner();
            client.signal("report").send().unwrap();
        });
    });
    let ours = sandbox.wait_for_spans_blocking(2, Duration::from_secs(10));
    let with = shape(&exporter.get_finished_spans().unwrap());
    assert_eq!(with, without);
    assert_eq!(with.len(), 2, "{with:?}");

    let (signal, scope) = (&ours[0], &ours[1]);
    assert_eq!((ours.len(), scope.parent_span_id.as_ref()), (2, None));
    assert_eq!(signal.parent_span_id.as_ref(), Some(&scope.span_id));
    assert_eq!(scope.resource().len(), 1, "none of the host's resource");
    assert_eq!(scope.attributes.len(), 2, "{:?}", scope.attributes);
}

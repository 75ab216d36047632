//! Beside a host that has an OpenTelemetry set-up of its own.

use opentelemetry::trace::{Span as _, TraceContextExt, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider};

use super::{of, spans, start};

fn provider(sampler: Sampler) -> (SdkTracerProvider, InMemorySpanExporter) {
    let exporter = InMemorySpanExporter::default();
    let provider =
        SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).with_sampler(sampler).build();
    (provider, exporter)
}

#[test]
fn the_hosts_spans_keep_their_parents_and_ours_have_none_of_theirs() {
    let (sandbox, client) = start();
    let (provider, exporter) = provider(Sampler::AlwaysOn);
    let tracer = provider.tracer("host");
    tracer.in_span("request", |_| {
        client.paid_tracing("acme").external_agent_id("bot").run(|| {
            client.signal("inside").send().unwrap();
            tracer.in_span("query", |context| context.span().set_attribute(KeyValue::new("k", "v")));
        });
        assert!(Context::current().span().span_context().is_valid(), "the host's span is current again");
    });
    let host = exporter.get_finished_spans().unwrap();
    assert_eq!(host.iter().map(|span| span.name.as_ref()).collect::<Vec<_>>(), ["query", "request"]);
    assert_eq!(host[0].parent_span_id, host[1].span_context.span_id());
    assert_eq!(host[0].attributes, [KeyValue::new("k", "v")]);
    let ours = spans(&sandbox, 2);
    assert_eq!(of(&ours, "acme").parent_span_id, None);
    assert_ne!(of(&ours, "acme").trace_id, host[0].span_context.trace_id().to_string());
}

#[test]
fn the_hosts_sampling_and_suppression_do_not_touch_ours() {
    let (sandbox, client) = start();
    let (provider, exporter) = provider(Sampler::AlwaysOff);
    let tracer = provider.tracer("host");
    tracer.in_span("unsampled", |_| client.trace("unsampled", || ()));
    let suppressed = Context::enter_telemetry_suppressed_scope();
    client.trace("suppressed", || {
        assert!(Context::is_current_telemetry_suppressed(), "the host's suppression holds inside");
    });
    drop(suppressed);
    let mut span = tracer.start("never");
    span.end();
    let ours = spans(&sandbox, 2);
    assert!(
        of(&ours, "unsampled").parent_span_id.is_none() && of(&ours, "suppressed").parent_span_id.is_none()
    );
    assert!(exporter.get_finished_spans().unwrap().is_empty());
}

//! Spans by OpenTelemetry's SDK, its batch processor and its OTLP exporter, with their defaults.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Compression, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData, SpanExporter};
use serde_json::json;

use crate::variant::{Emitter, Fate, Result};

/// What its queue holds. Beyond, it drops, and tells nobody.
const QUEUE: u64 = 2048;

pub struct WithOtel {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// Its queue is shared by so many threads.
    threads: u64,
    exported: Arc<AtomicU64>,
}

impl WithOtel {
    pub fn start(endpoint: &str, gzip: bool, threads: u64) -> Result<Self> {
        let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().with_endpoint(endpoint);
        let exporter = if gzip { exporter.with_compression(Compression::Gzip) } else { exporter };
        let exported = Arc::new(AtomicU64::new(0));
        let exporter = Counting { exporter: exporter.build()?, exported: exported.clone() };
        let resource =
            Resource::builder_empty().with_attribute(KeyValue::new("api.key", "bench_key")).build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let tracer = provider.tracer("bench");
        Ok(WithOtel { provider, tracer, threads, exported })
    }

    fn ids() -> [KeyValue; 2] {
        [KeyValue::new("external_customer_id", "customer_1"), KeyValue::new("external_agent_id", "agent_1")]
    }
}

impl Emitter for WithOtel {
    fn scope(&self, work: impl FnOnce()) {
        let parent = self
            .tracer
            .span_builder("paid.trace.parent_span")
            .with_kind(SpanKind::Internal)
            .with_attributes(WithOtel::ids())
            .start_with_context(&self.tracer, &Context::new());
        let context = Context::current_with_span(parent);
        let attached = context.clone().attach();
        work();
        drop(attached);
        context.span().set_status(Status::Ok);
        context.span().end();
    }

    fn signal(&self, data: bool) -> bool {
        let event = KeyValue::new("event_name", "report_written");
        let data = data.then(|| KeyValue::new("data", json!({"pages": 12}).to_string()));
        let mut signal = self
            .tracer
            .span_builder("paid.trace.signal")
            .with_kind(SpanKind::Internal)
            .with_attributes(WithOtel::ids().into_iter().chain([event]).chain(data))
            .start(&self.tracer);
        signal.set_status(Status::Ok);
        signal.end();
        true
    }

    fn make_room(&self, spans: u64, used: &mut u64) {
        if *used + spans > QUEUE / self.threads {
            // What it could not export is missing in the count.
            let _ = self.provider.force_flush();
            *used = 0;
        }
        *used += spans;
    }

    fn leave(&self) -> Result<()> {
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        Ok(self.provider.force_flush()?)
    }

    /// It keeps no books. What is neither exported nor in a full queue is lost for certain.
    fn fate(&self, emitted: u64, flushed: bool) -> Fate {
        let acknowledged = self.exported.load(Ordering::Relaxed);
        let held = if flushed { 0 } else { QUEUE };
        Fate { acknowledged, lost: emitted.saturating_sub(acknowledged + held) }
    }
}

/// Counts what the exporter says that it got rid of.
#[derive(Debug)]
struct Counting {
    exporter: opentelemetry_otlp::SpanExporter,
    exported: Arc<AtomicU64>,
}

impl SpanExporter for Counting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        self.exporter.export(batch).await?;
        self.exported.fetch_add(spans, Ordering::Relaxed);
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

//! A copy of every span for a backend of the user's own, as OpenTelemetry's SDK knows spans. The key is not in it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, SpanContext, SpanId, SpanKind, Status as SdkStatus, TraceFlags, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks, SpanProcessor};

use super::span::{AttributeValue, Span, Status};
use crate::ext::log::log;

/// Where the copies go.
#[derive(Clone)]
pub(crate) struct Mirror {
    processor: Arc<dyn SpanProcessor>,
    scope: InstrumentationScope,
}

impl Mirror {
    pub fn new(mut processor: impl SpanProcessor + 'static, scope: (&'static str, &'static str)) -> Self {
        // The user's backend, so the user's name for the service: that of OTEL_SERVICE_NAME, for one.
        processor.set_resource(&Resource::builder().build());
        let scope = InstrumentationScope::builder(scope.0).with_version(scope.1).build();
        Mirror { processor: Arc::new(processor), scope }
    }

    /// Whether it is the very same mirror.
    pub fn is_that_of(&self, other: Option<&Mirror>) -> bool {
        other.is_some_and(|other| Arc::ptr_eq(&self.processor, &other.processor))
    }

    /// A processor that panics is the user's, and so is the thread here: the panic ends here.
    pub(super) fn copy(&self, span: &Span<'_>) {
        if catch_unwind(AssertUnwindSafe(|| self.processor.on_end(self.data(span)))).is_err() {
            log(|| tracing::error!(target: "paid", "the mirror of spans panicked"));
        }
    }

    pub(super) fn end(&self, timeout: Duration) {
        let ended = catch_unwind(AssertUnwindSafe(|| self.processor.shutdown_with_timeout(timeout)));
        let problem = match ended {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked".to_string(),
        };
        log(|| tracing::warn!(target: "paid", "the mirror of spans did not end well: {problem}"));
    }

    fn data(&self, span: &Span<'_>) -> SpanData {
        let context = |span_id: SpanId| {
            SpanContext::new(span.trace_id, span_id, TraceFlags::SAMPLED, false, TraceState::default())
        };
        let mut events = SpanEvents::default();
        events.events.extend(span.exception.as_ref().map(|exception| {
            let attributes = vec![
                KeyValue::new("exception.type", exception.kind.clone()),
                KeyValue::new("exception.message", exception.message.clone()),
                KeyValue::new("exception.escaped", "False"),
            ];
            Event::new("exception", time(span.end_unix_nano), attributes, 0)
        }));
        SpanData {
            span_context: context(span.span_id),
            parent_span_id: span.parent.map_or(SpanId::INVALID, |parent| parent.span_id),
            parent_span_is_remote: span.parent.is_some_and(|parent| parent.remote),
            span_kind: SpanKind::Internal,
            name: span.name.to_string().into(),
            start_time: time(span.start_unix_nano),
            end_time: time(span.end_unix_nano),
            attributes: attributes(span),
            dropped_attributes_count: 0,
            events,
            links: SpanLinks::default(),
            status: match &span.status {
                Status::Unset => SdkStatus::Unset,
                Status::Ok => SdkStatus::Ok,
                Status::Error(reason) => SdkStatus::error(reason.clone()),
            },
            instrumentation_scope: self.scope.clone(),
        }
    }
}

fn attributes(span: &Span<'_>) -> Vec<KeyValue> {
    let ids = [("external_customer_id", &span.owner.customer), ("external_agent_id", &span.owner.agent)];
    let ids = ids.into_iter().filter_map(|(key, id)| Some(KeyValue::new(key, id.clone()?)));
    let metadata = span.owner.metadata.iter().flat_map(|metadata| metadata.iter().cloned());
    let own = span.attributes.iter().map(|attribute| {
        let key = attribute.key.to_string();
        match attribute.value {
            AttributeValue::Text(text) => KeyValue::new(key, text.to_string()),
            AttributeValue::Any(value) => KeyValue::new(key, value.clone()),
        }
    });
    ids.chain(metadata).chain(own).collect()
}

fn time(unix_nano: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_nano)
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mirror")
    }
}

//! The floor: a loop that encodes 512 spans, posts them, and waits for the answer. No queue, no retries, no losses told.

use std::cell::RefCell;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use serde_json::json;

use crate::variant::{Emitter, Fate, Result};

const BATCH: usize = 512;
const INTERNAL: i32 = 1;
const OK: i32 = 1;
const NOT_REMOTE: u32 = 0x100;
/// The level that this SDK has.
const LEVEL: flate2::Compression = flate2::Compression::new(1);

pub struct Bare {
    client: reqwest::blocking::Client,
    endpoint: String,
    gzip: bool,
    acknowledged: AtomicU64,
    lost: AtomicU64,
}

#[derive(Default)]
struct Local {
    trace_id: u128,
    parent: u64,
    spans: Vec<Span>,
}

thread_local! {
    static LOCAL: RefCell<Local> = RefCell::default();
}

impl Bare {
    pub fn start(endpoint: &str, gzip: bool) -> Self {
        Bare {
            client: reqwest::blocking::Client::new(),
            endpoint: endpoint.to_string(),
            gzip,
            acknowledged: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    fn add(&self, span: Span) {
        let full = LOCAL.with_borrow_mut(|local| {
            local.spans.push(span);
            (local.spans.len() >= BATCH).then(|| std::mem::take(&mut local.spans))
        });
        full.into_iter().for_each(|spans| self.post(spans));
    }

    fn post(&self, spans: Vec<Span>) {
        let count = spans.len() as u64;
        let taken = self.request(spans).is_ok();
        let counter = if taken { &self.acknowledged } else { &self.lost };
        counter.fetch_add(count, Ordering::Relaxed);
    }

    fn request(&self, spans: Vec<Span>) -> Result<()> {
        let scope = InstrumentationScope { name: "bench".into(), version: "1".into(), ..Default::default() };
        let resource = Resource { attributes: vec![text("api.key", "bench_key")], ..Default::default() };
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..Default::default() }];
        let resource_spans =
            vec![ResourceSpans { resource: Some(resource), scope_spans, ..Default::default() }];
        let plain = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let request = self.client.post(&self.endpoint).header("content-type", "application/x-protobuf");
        let request = if self.gzip {
            let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), LEVEL);
            encoder.write_all(&plain)?;
            request.header("content-encoding", "gzip").body(encoder.finish()?)
        } else {
            request.body(plain)
        };
        request.send()?.error_for_status()?.bytes()?;
        Ok(())
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_string())) });
    KeyValue { key: key.to_string(), value, ..Default::default() }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

fn span(name: &str, trace_id: u128, parent: Option<u64>, span_id: u64, start: u64) -> Span {
    Span {
        trace_id: trace_id.to_be_bytes().to_vec(),
        span_id: span_id.to_be_bytes().to_vec(),
        parent_span_id: parent.map(|parent| parent.to_be_bytes().to_vec()).unwrap_or_default(),
        name: name.to_string(),
        kind: INTERNAL,
        start_time_unix_nano: start,
        end_time_unix_nano: now(),
        attributes: vec![text("external_customer_id", "customer_1"), text("external_agent_id", "agent_1")],
        status: Some(Status { code: OK, ..Default::default() }),
        flags: NOT_REMOTE,
        ..Default::default()
    }
}

impl Emitter for Bare {
    fn scope(&self, work: impl FnOnce()) {
        let (trace_id, span_id, start) = (fastrand::u128(1..), fastrand::u64(1..), now());
        LOCAL.with_borrow_mut(|local| (local.trace_id, local.parent) = (trace_id, span_id));
        work();
        self.add(span("paid.trace.parent_span", trace_id, None, span_id, start));
    }

    fn signal(&self, data: bool) -> bool {
        let (trace_id, parent) = LOCAL.with_borrow(|local| (local.trace_id, local.parent));
        let mut signal = span("paid.trace.signal", trace_id, Some(parent), fastrand::u64(1..), now());
        signal.attributes.push(text("event_name", "report_written"));
        if data {
            signal.attributes.push(text("data", &json!({"pages": 12}).to_string()));
        }
        self.add(signal);
        true
    }

    fn make_room(&self, _: u64, _: &mut u64) {}

    fn leave(&self) -> Result<()> {
        let rest = LOCAL.with_borrow_mut(|local| std::mem::take(&mut local.spans));
        if !rest.is_empty() {
            self.post(rest);
        }
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        self.leave()
    }

    fn fate(&self, _: u64, _: bool) -> Fate {
        Fate {
            acknowledged: self.acknowledged.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
        }
    }
}

//! What tracing costs the caller: a scope with a signal, beside the same two spans through OpenTelemetry's own SDK.
//!
//! Both send to the same sink on loopback, in turns, in one run. Only the caller's thread is timed. `--serve` only
//! starts the sink, until standard input ends; `--tsv` prints paid's p50 and p99 in nanoseconds, for programs.

#[allow(dead_code, reason = "benches/delivery has it too, and uses more of it")]
mod sink;

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use paid::AsyncPaid;
use paid::tracing::TracingOptions;
use serde_json::json;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Within OpenTelemetry's queue of 2,048 spans, which drops what is beyond.
const CALLS_PER_ROUND: usize = 500;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let given = |name: &str| arguments.iter().any(|argument| argument == name);
    if given("--serve") {
        println!("{}", sink::Sink::start()?.endpoint);
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
        return Ok(());
    }
    let rounds = match (given("--bench"), given("--quick")) {
        (true, false) => 200,
        (true, true) => 20,
        (false, _) => 2,
    };
    if std::env::var_os("PAID_API_KEY").is_some() {
        return Err(
            "PAID_API_KEY is set, and scopes here would be traced under it: run this without it".into()
        );
    }
    // Before anything starts: afterwards there is a default, and tracing is on.
    let off = off();
    let endpoint = sink::Sink::start()?.endpoint;
    let client = AsyncPaid::new("bench_key")?;
    client.initialize_tracing_with(TracingOptions::new().collector_endpoint(&endpoint))?;
    let provider = provider(&endpoint)?;
    let tracer = provider.tracer("bench");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds + 2 {
        let mut turns: [(&mut Vec<u64>, &dyn Fn()); 2] =
            [(&mut ours, &|| with_paid(&client)), (&mut theirs, &|| with_sdk(&tracer))];
        if round % 2 == 1 {
            turns.reverse();
        }
        for (times, call) in turns {
            for _ in 0..CALLS_PER_ROUND {
                let start = Instant::now();
                call();
                let took = start.elapsed();
                // The first rounds warm up connections and caches.
                if round >= 2 {
                    times.push(u64::try_from(took.as_nanos())?);
                }
            }
            paid::tracing::flush(Duration::from_secs(10));
            provider.force_flush()?;
        }
    }
    if given("--tsv") {
        println!("{}\t{}", quantile(&mut ours, 0.5), quantile(&mut ours, 0.99));
        return Ok(());
    }
    println!(
        "| scope + signal, caller's thread | paid | OpenTelemetry SDK, batch processor | ratio | target |"
    );
    println!("|---|---:|---:|---:|---:|");
    for (name, part) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let (paid, sdk) = (quantile(&mut ours, part), quantile(&mut theirs, part));
        println!("| {name} | {paid} ns | {sdk} ns | {:.2} | ≤ 1.00 |", paid as f64 / sdk as f64);
    }
    println!("\nOff (no key): {off:.1} ns per scope, above the same loop without one");
    let stats = paid::tracing::delivery().stats();
    println!("Delivered: {} of {} spans", stats.acknowledged, stats.emitted);
    Ok(())
}

fn with_paid(client: &AsyncPaid) {
    client.paid_tracing("customer_1").external_agent_id("agent_1").run(|| {
        let sent =
            client.signal("report_written").data(json!({"pages": 12})).enable_cost_tracing(true).send();
        black_box(sent).ok();
    });
}

fn with_sdk(tracer: &SdkTracer) {
    let ids = || {
        [KeyValue::new("external_customer_id", "customer_1"), KeyValue::new("external_agent_id", "agent_1")]
    };
    let parent = tracer
        .span_builder("paid.trace.parent_span")
        .with_kind(SpanKind::Internal)
        .with_attributes(ids())
        .start_with_context(tracer, &Context::new());
    let context = Context::current_with_span(parent);
    let attached = context.clone().attach();
    let data = json!({"pages": 12, "paid": {"enable_cost_tracing": true}}).to_string();
    let more = [
        KeyValue::new("event_name", "report_written"),
        KeyValue::new("enable_cost_tracing", true),
        KeyValue::new("data", data),
    ];
    let mut signal = tracer
        .span_builder("paid.trace.signal")
        .with_kind(SpanKind::Internal)
        .with_attributes(ids().into_iter().chain(more))
        .start_with_context(tracer, &context);
    signal.set_status(Status::Ok);
    signal.end();
    drop(attached);
    context.span().set_status(Status::Ok);
    context.span().end();
}

fn provider(endpoint: &str) -> Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().with_endpoint(endpoint).build()?;
    let resource = Resource::builder_empty().with_attribute(KeyValue::new("api.key", "bench_key")).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// Nanoseconds that a scope of the free function adds where tracing is off: the default has no key here.
fn off() -> f64 {
    const CALLS: u32 = 1_000_000;
    let time = |call: &dyn Fn(u32) -> u32| {
        let start = Instant::now();
        for at in 0..CALLS {
            black_box(call(black_box(at)));
        }
        start.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    let scoped =
        |at: u32| paid::tracing::paid_tracing("customer_1").external_agent_id("agent_1").run(|| at + 1);
    let plain = |at: u32| at + 1;
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        best = best.min(time(&scoped) - time(&plain));
    }
    best
}

fn quantile(values: &mut [u64], part: f64) -> u64 {
    values.sort_unstable();
    let at = (values.len().saturating_sub(1) as f64 * part).round() as usize;
    values.get(at).copied().unwrap_or_default()
}

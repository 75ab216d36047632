//! The host: nothing of it changes what is sent, and nothing that is sent changes it or makes it wait.

use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use paid::tracing::{TracingOptions, delivery, initialize_tracing, paid_tracing, signal};

use crate::alone::{alone, child, is_child};
use crate::answer::{Answer, Ending};
use crate::collector::{Collector, event_of};
use crate::{KEY, counts, emit_spans, events, settle, start, start_with, unique, wait_until};

const LONG: &str = "a customer id that is longer than any limit that is set here";

/// Variables of OpenTelemetry that would lose spans, cut them, show them to others, or change how they are sent.
const GROUPS: [&[(&str, &str)]; 6] = [
    &[("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_SAMPLER", "always_off"), ("OTEL_TRACES_EXPORTER", "none")],
    &[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-more=1,authorization=Bearer%20host,content-type=text/plain"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-more=2"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem"),
    ],
    &[
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1"),
    ],
    &[
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "1"),
    ],
    &[
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "0"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "0"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "0"),
    ],
    &[
        ("OTEL_RESOURCE_ATTRIBUTES", "api.key=theirs,host.name=h"),
        ("OTEL_SERVICE_NAME", "service"),
        ("OTEL_PROPAGATORS", "none"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
    ],
];

/// What a collector gets of a program in this environment, without what is different each time.
fn received<F: FnOnce()>(environment: &[(&str, &str)]) -> (Vec<String>, Vec<ResourceSpans>) {
    let collector = Collector::start(|_| {
        std::thread::sleep(Duration::from_millis(50));
        Answer::ok()
    });
    let endpoint = collector.endpoint();
    let ours = [("PAID_OTEL_COLLECTOR_ENDPOINT", endpoint.as_str()), ("PAID_API_KEY", KEY)];
    child::<F>(&[&ours, environment].concat());
    let mut headers = Vec::new();
    let mut all: Vec<ResourceSpans> = Vec::new();
    for request in collector.requests() {
        let changing = |name: &str| ["content-length", "host"].contains(&name);
        for (name, value) in request.headers.iter().filter(|(name, _)| !changing(name)) {
            headers.push(format!("{name}: {value}"));
        }
        for mut of in request.otlp.resource_spans {
            for scope in &mut of.scope_spans {
                for span in &mut scope.spans {
                    (span.trace_id, span.span_id) = Default::default();
                    span.parent_span_id.truncate(1.min(span.parent_span_id.len()));
                    span.parent_span_id.fill(0);
                    (span.start_time_unix_nano, span.end_time_unix_nano) = (0, 0);
                    span.events.iter_mut().for_each(|event| event.time_unix_nano = 0);
                }
            }
            match all.iter_mut().find(|known| known.resource == of.resource) {
                Some(known) => {
                    let more = of.scope_spans.remove(0).spans;
                    known.scope_spans[0].spans.extend(more);
                }
                None => all.push(of),
            }
        }
    }
    headers.sort();
    headers.dedup();
    for of in &mut all {
        of.scope_spans[0].spans.sort_by_key(|span| event_of(span).map(str::to_string));
    }
    (headers, all)
}

#[test]
fn no_variable_of_opentelemetry_changes_a_byte() {
    // Named by the closure: the same test runs in every environment.
    fn run<F: FnOnce()>(emitting: F) {
        if is_child() {
            return emitting();
        }
        let plain = received::<F>(&[]);
        assert!(plain.0.contains(&"content-encoding: gzip".to_string()), "{:?}", plain.0);
        assert_eq!((plain.1.len(), plain.1[0].scope_spans[0].spans.len()), (1, 1201));
        for group in GROUPS {
            let with = received::<F>(group);
            assert_eq!(with.0, plain.0, "{group:?}");
            assert!(with.1 == plain.1, "{group:?}");
        }
    }
    run(|| {
        let failed =
            paid_tracing(LONG).external_agent_id("bot").metadata([("a", 1), ("b", 2)]).try_run(|| {
                for at in 0..1200 {
                    signal(format!("event_{at:04}")).data(serde_json::json!({"pages": at})).send().unwrap();
                }
                Err::<(), _>(std::io::Error::other("the work failed"))
            });
        assert!(failed.is_err());
        assert!(delivery().flush(Duration::from_secs(20)));
    });
}

#[test]
fn the_hosts_global_provider_sees_nothing_of_delivery_and_its_suppression_loses_nothing() {
    alone(|| {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        opentelemetry::global::set_tracer_provider(provider.clone());
        let collector = Collector::start(|_| Answer::status(503));
        let books = start(&collector);
        emit_spans(300);
        collector.wait_for_requests(1);
        {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            emit_spans(300);
        }
        provider.tracer("host").in_span("work", |_| emit_spans(300));
        collector.answers(|_| Answer::ok());
        settle();
        books.close(900, 0, 0);
        let taken = unique(collector.taken());
        assert_eq!((taken.len(), events(&taken).len()), (900, 897));
        let host = exporter.get_finished_spans().unwrap();
        assert_eq!(host.iter().map(|span| span.name.as_ref()).collect::<Vec<_>>(), ["work"]);
    });
}

const SIGNALS: usize = 20_000;
/// What a busy machine may add to a call that waits for nothing.
const LONGEST: Duration = Duration::from_millis(900);

/// The slowest of the signals that this sends, and how many took longer than a call that waits for nothing takes.
struct Pace {
    slowest: Duration,
    slow: usize,
}

impl Pace {
    fn of_signals(count: usize) -> Pace {
        let mut pace = Pace { slowest: Duration::ZERO, slow: 0 };
        for _ in 0..count {
            let begun = Instant::now();
            signal("report_written").send().unwrap();
            let took = begun.elapsed();
            pace.slowest = pace.slowest.max(took);
            pace.slow += usize::from(took > Duration::from_millis(5));
        }
        pace
    }

    fn assert_never_waited(&self, from: &str) {
        assert!(
            self.slowest < LONGEST && self.slow < SIGNALS / 100,
            "{from}: {:?}, {}",
            self.slowest,
            self.slow
        );
    }
}

/// Signals from wherever a host sends them; nowhere do they wait.
fn from_everywhere(collector: &Collector) {
    let books = start_with(collector, |options| options.max_queue_bytes(64 * 1024 * 1024));
    let scope = || paid_tracing("acme").external_agent_id("bot");
    scope().run(|| Pace::of_signals(SIGNALS)).assert_never_waited("a thread");

    let current = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (pace, late) = current.block_on(async {
        let (done, mut ended) = tokio::sync::oneshot::channel::<()>();
        let timer = tokio::spawn(async move {
            let mut late = Duration::ZERO;
            let mut ticks = 0;
            while ended.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Empty) {
                let due = tokio::time::Instant::now() + Duration::from_millis(2);
                tokio::time::sleep_until(due).await;
                late = late.max(due.elapsed());
                ticks += 1;
            }
            (late, ticks)
        });
        let emitting = async {
            let mut whole = Pace { slowest: Duration::ZERO, slow: 0 };
            for _ in 0..SIGNALS / 100 {
                let pace = Pace::of_signals(100);
                whole.slowest = whole.slowest.max(pace.slowest);
                whole.slow += pace.slow;
                tokio::task::yield_now().await;
            }
            whole
        };
        let pace = scope().run_async(emitting).await;
        drop(done);
        (pace, timer.await.unwrap())
    });
    pace.assert_never_waited("a runtime of one thread");
    assert!(late.0 < LONGEST && late.1 > 10, "a timer beside it was {:?} late in {} ticks", late.0, late.1);

    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let tasks: Vec<_> =
        (0..4).map(|_| many.spawn(scope().run_async(async { Pace::of_signals(SIGNALS / 4) }))).collect();
    for task in tasks {
        many.block_on(task).unwrap().assert_never_waited("a runtime of many threads");
    }
    let spans = 3 * SIGNALS as u64 + 6;
    assert_eq!((delivery().stats().emitted, counts()[3]), (spans, 0));
    drop(books);
}

#[test]
fn no_caller_waits_for_a_collector_that_answers() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        from_everywhere(&collector);
        settle();
        assert_eq!(unique(collector.taken()).len(), 3 * SIGNALS + 6);
    });
}

#[test]
fn no_caller_waits_for_a_collector_that_is_down() {
    alone(|| from_everywhere(&Collector::closed(|_| Answer::ok())));
}

#[test]
fn no_caller_waits_for_a_collector_that_hangs() {
    alone(|| from_everywhere(&Collector::start(|_| Answer::ok().taken_then(Ending::Hang))));
}

#[test]
fn flushes_and_shutdowns_may_be_called_on_any_runtime() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let books = start(&collector);
        let current = tokio::runtime::Builder::new_current_thread().build().unwrap();
        current.block_on(async {
            emit_spans(10);
            assert!(delivery().flush(Duration::from_secs(20)));
        });
        // A runtime that ends takes nothing with it.
        current.block_on(async { emit_spans(10) });
        drop(current);
        let many = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let flushed = many.spawn(async {
            emit_spans(10);
            delivery().shutdown(Duration::from_secs(20))
        });
        assert!(many.block_on(flushed).unwrap());
        books.close(30, 0, 0);
        assert_eq!(collector.taken().len(), 30);
    });
}

/// What the process does with signals, as the kernel shows it; the mask of a thread is its own.
#[cfg(target_os = "linux")]
fn dispositions() -> Vec<String> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ours = |line: &&str| ["SigBlk", "SigIgn", "SigCgt"].iter().any(|start| line.starts_with(start));
    status.lines().filter(ours).map(str::to_string).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn the_processs_signals_stay_as_they_are() {
    alone(|| {
        let before = dispositions();
        let directory = std::env::current_dir().unwrap();
        let collector = Collector::start(|_| Answer::ok().taken_then(Ending::Reset));
        let books = start(&collector);
        emit_spans(100);
        collector.wait_for_requests(2);
        assert_eq!(dispositions(), before);
        collector.answers(|_| Answer::ok());
        settle();
        books.close(100, 0, 0);
        delivery().shutdown(Duration::from_secs(5));
        assert_eq!((dispositions(), std::env::current_dir().unwrap()), (before, directory));
    });
}

#[test]
fn a_program_that_starts_tracing_and_records_nothing_asks_nobody() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let options = TracingOptions::new().api_key(KEY).collector_endpoint(collector.endpoint());
        initialize_tracing(options).unwrap();
        assert!(delivery().flush(Duration::from_secs(1)));
        wait_until("it is there", || counts() == [0; 4]);
        assert!(delivery().shutdown(Duration::from_secs(1)));
        assert!(collector.connections().is_empty());
    });
}

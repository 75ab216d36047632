//! Delivery under faults, from outside: what a collector gets when things go wrong, and what the program is told.
//!
//! Every signal is money: one that is lost is lost revenue, one that is counted twice an overcharge.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod alone;
mod answer;
mod answers;
mod bounds;
mod callbacks;
mod collector;
mod ending;
mod environment;
mod faults;
mod host;
mod host_faults;
mod log;
mod outage;
mod refusals;
mod reports;
mod tls;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use paid::tracing::{DeliveryStats, TracingOptions, delivery, initialize_tracing, paid_tracing, signal};

use collector::Collector;

/// The key that every test sends under; it is never to be seen but in requests.
const KEY: &str = "a_key_that_is_nowhere_else";

/// Starts tracing to a collector, and watches the books from then on.
fn start(collector: &Collector) -> Books {
    start_with(collector, |options| options)
}

fn start_with(collector: &Collector, set: impl FnOnce(TracingOptions) -> TracingOptions) -> Books {
    let options = TracingOptions::new().api_key(KEY).collector_endpoint(collector.endpoint());
    initialize_tracing(set(options)).unwrap();
    Books::watch()
}

/// A scope with these signals: one span more than there are names.
fn emit(names: impl IntoIterator<Item = impl Into<String>>) {
    paid_tracing("acme").external_agent_id("bot").run(|| {
        for name in names {
            signal(name).send().unwrap();
        }
    });
}

/// So many spans: a scope and its signals.
fn emit_spans(count: usize) {
    emit((1..count).map(|at| format!("event_{at}")));
}

/// Flushes, again and again as an impatient program does, until nothing is held.
fn settle() {
    let end = Instant::now() + Duration::from_secs(30);
    while !delivery().flush(Duration::from_millis(150)) {
        assert!(Instant::now() < end, "{:?}", state());
    }
    assert_eq!(delivery().stats().held, 0);
}

/// Waits for something that nobody tells of.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "{what}: {:?}", state());
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn state() -> (DeliveryStats, Option<String>) {
    (delivery().stats(), delivery().problem())
}

/// acknowledged, held, dead-lettered, dropped
fn counts() -> [u64; 4] {
    let stats = delivery().stats();
    [stats.acknowledged, stats.held, stats.dead_lettered, stats.dropped]
}

/// Every span that a collector has, once; copies have to be the same to the byte.
fn unique(spans: Vec<Span>) -> Vec<Span> {
    let mut known = HashMap::new();
    let mut unique = Vec::new();
    for span in spans {
        let id = (span.trace_id.clone(), span.span_id.clone());
        assert_eq!((id.0.len(), id.1.len()), (16, 8));
        match known.get(&id) {
            Some(&at) => assert_eq!(unique[at], span, "a copy that differs would be billed beside the other"),
            None => {
                known.insert(id, unique.len());
                unique.push(span);
            }
        }
    }
    unique
}

/// The names of the signals among spans, sorted.
fn events(spans: &[Span]) -> Vec<String> {
    let mut names: Vec<String> =
        spans.iter().filter_map(|span| collector::event_of(span).map(str::to_string)).collect();
    names.sort();
    names
}

/// Looks at the counters all the time: each span is in exactly one of them, and none goes back.
struct Books {
    closed: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

impl Books {
    fn watch() -> Books {
        let closed = Arc::new(AtomicBool::new(false));
        let seen = closed.clone();
        let watcher = std::thread::spawn(move || {
            let mut last = DeliveryStats::default();
            while !seen.load(Ordering::Relaxed) {
                let now = delivery().stats();
                let placed = now.acknowledged + now.held + now.dead_lettered + now.dropped;
                assert_eq!(now.emitted, placed, "{now:?}");
                let grows = |one: fn(&DeliveryStats) -> u64| one(&now) >= one(&last);
                assert!(
                    grows(|stats| stats.emitted)
                        && grows(|stats| stats.acknowledged)
                        && grows(|stats| stats.dead_lettered)
                        && grows(|stats| stats.dropped),
                    "{last:?}, then {now:?}"
                );
                last = now;
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        Books { closed, watcher: Some(watcher) }
    }

    /// In the end, nothing is held: so many were acknowledged, dead-lettered, and dropped.
    #[track_caller]
    fn close(self, acknowledged: usize, dead_lettered: usize, dropped: usize) {
        let expected = [acknowledged, 0, dead_lettered, dropped].map(|count| count as u64);
        assert_eq!(counts(), expected, "acknowledged, held, dead-lettered, dropped");
        assert_eq!(delivery().stats().emitted, expected.iter().sum::<u64>());
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        let watched = self.watcher.take().unwrap().join();
        if !std::thread::panicking() {
            watched.expect("the books are right at any moment");
        }
    }
}

//! Bounds: what waits for a dead collector takes the memory that it may, and what comes beyond is told of, not hidden.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use paid::tracing::{LossCause, SignalError, TracingOptions, delivery, paid_tracing, signal};

use crate::alone::alone;
use crate::answer::{Answer, Ending};
use crate::collector::Collector;
use crate::{counts, log, settle, start_with, unique, wait_until};

const MIB: u64 = 1024 * 1024;
/// What the process takes for it beside the spans that wait: those on their way, compressed, the threads, the heap.
const SLACK: u64 = 12 * MIB;
#[cfg(debug_assertions)]
const MANY: usize = 300_000;
#[cfg(not(debug_assertions))]
const MANY: usize = 1_000_000;

/// The most memory that the process has had, in bytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}

/// Elsewhere only the counters are looked at.
#[cfg(not(target_os = "linux"))]
fn peak() -> u64 {
    0
}

/// How many signals were taken of so many.
fn signals(count: usize) -> usize {
    paid_tracing("acme").external_agent_id("bot").run(|| {
        let sent = (0..count).map(|_| signal("report_written").send());
        sent.filter(|sent| match sent {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(*error, SignalError::QueueFull);
                false
            }
        })
        .count()
    })
}

/// More than fits, while a collector is dead in some way.
fn more_than_fits(collector: &Collector) {
    log::keep();
    let losses = Arc::new(Mutex::new(Vec::new()));
    let told = losses.clone();
    let books = start_with(collector, |options| {
        options.on_loss(move |loss| told.lock().unwrap().push((loss.cause, loss.spans)))
    });
    // What the process takes anyway: the client, TLS, a first request.
    signals(600);
    wait_until("it is asked", || delivery().problem().is_some() || !collector.connections().is_empty());
    let before = peak();
    let taken = 600 + signals(MANY);
    let grown = peak() - before;
    assert!(grown < 8 * MIB + SLACK, "{} KiB", grown / 1024);
    // Both scopes are spans, and the second found no room.
    let stats = delivery().stats();
    assert_eq!(stats.emitted as usize, MANY + 602);
    assert!(taken > 20_000, "8 MiB hold more than {taken}");
    assert_eq!(counts(), [0, taken as u64 + 1, 0, stats.dropped]);
    assert_eq!(stats.dropped as usize, MANY + 600 - taken + 1);

    wait_until("it is told", || !losses.lock().unwrap().is_empty());
    signals(1000);
    assert_eq!(log::lines("spans are lost").len(), 1, "once, not per span");
    assert!(log::lines("spans are lost")[0].contains("full"));
    let told = losses.lock().unwrap().clone();
    assert!(told.len() == 1 && told[0].0 == LossCause::QueueFull && told[0].1 > 0, "{told:?}");

    // What was taken is delivered, and there is room again.
    collector.answers(|_| Answer::ok());
    if collector.connections().is_empty() {
        collector.open();
    }
    settle();
    assert_eq!(signals(10), 10);
    settle();
    books.close(taken + 1 + 11, 0, delivery().stats().dropped as usize);
    assert_eq!(unique(collector.taken()).len(), taken + 1 + 11);
}

#[test]
fn many_signals_for_a_closed_port_take_no_more_memory_than_they_may() {
    alone(|| more_than_fits(&Collector::closed(|_| Answer::ok())));
}

#[test]
fn many_signals_for_a_collector_that_answers_503_take_no_more_memory_than_they_may() {
    alone(|| more_than_fits(&Collector::start(|_| Answer::status(503))));
}

/// Large spans that compression makes no smaller: whatever is kept of a request beside its spans shows.
fn large_signals(set: fn(TracingOptions) -> TracingOptions, answer: Answer) {
    let collector = Collector::start(move |_| answer.clone());
    let books = start_with(&collector, set);
    signals(600);
    collector.wait_for_requests(1);
    let noise: Vec<String> =
        (0..32).map(|_| (0..64 * 1024).map(|_| fastrand::alphanumeric()).collect()).collect();
    let before = peak();
    let mut taken = 0;
    paid_tracing("acme").external_agent_id("bot").run(|| {
        for round in 0..10 {
            for text in &noise {
                let data = serde_json::json!({ "text": text });
                taken += usize::from(signal("large").data(data).send().is_ok());
            }
            if round == 5 {
                // By then, as many requests were tried as it begins.
                delivery().flush(Duration::from_secs(1));
            }
        }
    });
    assert!((80..=128).contains(&taken), "8 MiB hold {taken} of 64 KiB");
    // The collector is in this process, too, and keeps what it was sent.
    let kept: usize = collector.requests().iter().map(|request| 3 * request.raw.len()).sum();
    let grown = (peak() - before).saturating_sub(kept as u64);
    assert!(grown < 8 * MIB + SLACK, "{} KiB", grown / 1024);
    assert!(delivery().stats().dropped > 100);
    drop(books);
}

#[test]
fn large_signals_take_no_more_memory_than_they_may() {
    alone(|| large_signals(|options| options, Answer::status(503)));
}

#[test]
fn large_signals_without_compression_take_no_more_memory_than_they_may() {
    alone(|| large_signals(|options| options.compression(false), Answer::status(503)));
}

#[test]
fn large_signals_for_a_collector_that_hangs_take_no_more_memory_than_they_may() {
    alone(|| large_signals(|options| options, Answer { ending: Ending::Hang, ..Answer::status(503) }));
}

#[test]
fn a_span_that_never_fits_says_so_and_is_dropped_and_the_others_go_out() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let losses = Arc::new(Mutex::new(Vec::new()));
        let told = losses.clone();
        let books = start_with(&collector, |options| {
            options
                .max_queue_bytes(100_000)
                .on_loss(move |loss| told.lock().unwrap().push((loss.cause, loss.spans)))
        });
        paid_tracing("acme").external_agent_id("bot").run(|| {
            let huge = serde_json::json!({"text": "x".repeat(200_000)});
            let error = signal("huge").data(huge).send().unwrap_err();
            let SignalError::TooLarge { bytes, bound } = error else { panic!("{error}") };
            assert!((200_000..201_000).contains(&bytes) && bound == 100_000, "{error}");
            assert!(error.to_string().contains(&bytes.to_string()), "{error}");
            assert!(error.to_string().contains("100000") && error.to_string().contains("max_queue_bytes"));
            signal("small").send().unwrap();
        });
        settle();
        wait_until("the loss is reported", || *losses.lock().unwrap() == [(LossCause::TooLarge, 1)]);
        books.close(2, 0, 1);
        assert_eq!(unique(collector.taken()).len(), 2);
    });
}

#[test]
fn a_span_larger_than_a_request_goes_alone() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let books = start_with(&collector, |options| options);
        let text: String = (0..3 * 1024 * 1024).map(|_| fastrand::alphanumeric()).collect();
        paid_tracing("acme").external_agent_id("bot").run(|| {
            for name in ["before", "huge", "after"] {
                let data =
                    if name == "huge" { serde_json::json!({ "text": text }) } else { serde_json::json!({}) };
                signal(name).data(data).send().unwrap();
            }
        });
        settle();
        books.close(4, 0, 0);
        let requests = collector.requests();
        let huge = requests.iter().find(|request| request.has("huge")).unwrap();
        assert_eq!(huge.spans().count(), 1);
        assert_eq!(unique(collector.taken()).len(), 4);
    });
}

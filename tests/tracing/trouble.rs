//! Collectors that fail: the traced code never feels it, and nothing that can be delivered is lost.

use std::time::{Duration, Instant};

use paid::AsyncPaid;
use paid::tracing::TracingOptions;
use paid_sandbox::{Fault, Sandbox};

use super::{spans, start};

#[test]
fn a_refusal_that_passes_loses_nothing_and_what_is_sent_again_is_the_same() {
    for status in [401, 403, 404, 429, 500, 503] {
        let (sandbox, client) = start();
        sandbox.fail(Fault::on("POST", "/v1/traces").status(status).times(1));
        client.trace("acme", || ());
        spans(&sandbox, 1);
        let requests = sandbox.requests();
        assert_eq!(requests.len(), 2, "{status}");
        assert_eq!(requests[0].body(), requests[1].body(), "{status}");
    }
}

#[test]
fn an_answer_that_never_comes_through_leads_to_identical_copies_only() {
    let (sandbox, client) = start();
    sandbox.fail(Fault::on("POST", "/v1/traces").after_processing().cut().times(1));
    client.trace("acme", || ());
    let copies = spans(&sandbox, 2);
    let ids = |at: usize| (copies[at].trace_id.clone(), copies[at].span_id.clone());
    assert_eq!(ids(0), ids(1));
    let requests = sandbox.requests();
    assert_eq!(requests[0].body(), requests[1].body());
}

#[test]
fn the_traced_code_does_not_wait_for_any_collector() {
    let (hanging, client) = start();
    hanging.fail(Fault::on("POST", "/v1/traces").hang().forever());
    let key = format!("key_{}", paid::tracing::generate_tracing_token());
    let refused = AsyncPaid::builder().token(key).build().unwrap();
    // Nothing listens on the port of a sandbox that is gone.
    let gone = Sandbox::start_blocking().unwrap().collector_endpoint();
    refused.initialize_tracing_with(TracingOptions::new().collector_endpoint(gone)).unwrap();
    for client in [&client, &refused] {
        let started = Instant::now();
        for _ in 0..1000 {
            assert_eq!(client.trace("acme", || 7), 7);
        }
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
}

#[test]
fn a_full_queue_drops_the_newest_and_says_so_to_a_signal() {
    let key = format!("key_{}", paid::tracing::generate_tracing_token());
    let sandbox = Sandbox::builder().api_key(key.as_str()).start_blocking().unwrap();
    sandbox.fail(Fault::on("POST", "/v1/traces").hang().forever());
    let client = AsyncPaid::builder().token(key).build().unwrap();
    let options =
        TracingOptions::new().collector_endpoint(sandbox.collector_endpoint()).max_queue_bytes(4096);
    client.initialize_tracing_with(options).unwrap();
    client.paid_tracing("acme").external_agent_id("bot").run(|| {
        let sent: Vec<_> = (0..100).map(|_| client.signal("e").send()).collect();
        assert_eq!(sent[0], Ok(()));
        assert_eq!(sent[99], Err(paid::tracing::SignalError::QueueFull));
    });
    let stats = paid::tracing::delivery().stats();
    assert!(stats.dropped >= 50, "{stats:?}");
    assert_eq!(stats.emitted, stats.acknowledged + stats.held + stats.dead_lettered + stats.dropped);
}

#[test]
fn an_endpoint_that_is_none_is_an_error_and_the_work_runs() {
    let client = AsyncPaid::new("some_key").unwrap();
    for endpoint in ["", "not a url", "ftp://host/v1/traces"] {
        let options = TracingOptions::new().collector_endpoint(endpoint);
        let error = client.initialize_tracing_with(options).unwrap_err();
        assert!(error.to_string().contains("PAID_OTEL_COLLECTOR_ENDPOINT"), "{error}");
    }
}

#[test]
fn a_flush_during_a_long_pause_tries_again_at_once_but_never_hammers() {
    let (sandbox, client) = start();
    sandbox.fail(Fault::on("POST", "/v1/traces").status(503).forever());
    client.trace("acme", || ());
    let refused = |count: usize| {
        let end = Instant::now() + Duration::from_secs(10);
        while sandbox.requests().len() < count {
            assert!(Instant::now() < end, "{count} attempts");
            std::thread::yield_now();
        }
    };
    // By then the pause is seconds long.
    refused(4);
    let before = sandbox.requests().len();
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(500) {
        paid::tracing::flush(Duration::from_millis(1));
    }
    let more = sandbox.requests().len() - before;
    assert!((1..=10).contains(&more), "{more}");
    sandbox.clear_faults();
    paid::tracing::flush(Duration::from_secs(5));
    assert_eq!(sandbox.spans().len(), 1);
}

#[test]
fn a_key_has_one_collector_until_it_is_shut_down() {
    let (sandbox, client) = start();
    let same = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
    assert_eq!(client.initialize_tracing_with(same), Ok(()));
    assert_eq!(client.initialize_tracing(), Ok(()));
    let other = TracingOptions::new().collector_endpoint("http://127.0.0.1:9/v1/traces");
    let error = client.initialize_tracing_with(other).unwrap_err();
    assert!(error.to_string().contains("127.0.0.1:9"), "{error}");
    client.trace("acme", || ());
    spans(&sandbox, 1);
}

#[test]
fn a_wait_that_makes_no_sense_is_not_heeded() {
    for asked in ["1e19", "9e18", "86401"] {
        let (sandbox, client) = start();
        sandbox.fail(Fault::on("POST", "/v1/traces").status(503).header("retry-after", asked).times(1));
        client.trace("acme", || ());
        spans(&sandbox, 1);
    }
}

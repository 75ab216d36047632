//! Collectors that fail, and surroundings that must not matter: the traced code never waits, and the driver ends.

use std::time::{Duration, Instant};

use paid_sandbox::{Fault, Sandbox};
use serde_json::{Value, json};

use crate::driver::{Driver, Mode};
use crate::traces::{
    FORMS, MODES, assert_key_is_where_it_belongs, finish, signal, start, start_with, trace, trace_id,
};

const TRACES: &str = "/v1/traces";

/// Runs every form, without any wait, and ends the driver: how long that took.
#[track_caller]
fn run_and_end(mut driver: Driver) -> Duration {
    let started = Instant::now();
    for form in FORMS.into_iter().cycle().take(25) {
        trace_id(&driver.ask(&trace(form, "acme", json!([signal("e")]))), 1);
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    let ended = Instant::now();
    assert!(driver.finish().success());
    ended.elapsed()
}

#[test]
fn a_collector_that_is_not_there_costs_a_second_at_the_end() {
    for mode in MODES {
        let gone = Sandbox::start_blocking().unwrap().collector_endpoint();
        let variables = [("PAID_API_KEY", "some_key"), ("PAID_OTEL_COLLECTOR_ENDPOINT", gone.as_str())];
        let took = run_and_end(Driver::with(mode, variables));
        assert!(took < Duration::from_secs(4), "{mode:?} {took:?}");
    }
}

#[test]
fn a_collector_that_refuses_costs_a_second_at_the_end() {
    for mode in MODES {
        let (sandbox, driver) = start(mode);
        sandbox.fail(Fault::on("POST", TRACES).status(503).forever());
        let took = run_and_end(driver);
        assert!(took < Duration::from_secs(4), "{mode:?} {took:?}");
        assert_eq!(sandbox.spans().len(), 0);
    }
}

#[test]
fn a_collector_that_hangs_costs_five_seconds_at_the_end() {
    let ends = MODES.map(|mode| {
        std::thread::spawn(move || {
            let (sandbox, driver) = start(mode);
            sandbox.fail(Fault::on("POST", TRACES).hang().forever());
            run_and_end(driver)
        })
    });
    for end in ends {
        let took = end.join().unwrap();
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
}

#[test]
fn a_slow_collector_still_gets_everything_at_the_end() {
    for mode in MODES {
        let (sandbox, mut driver) = start(mode);
        sandbox.fail(Fault::on("POST", TRACES).delay(Duration::from_millis(1500)));
        trace_id(&driver.ask(&trace("closure", "acme", json!([signal("e")]))), 1);
        finish(&sandbox, driver, 2);
    }
}

#[test]
fn a_lone_span_goes_out_by_itself() {
    for mode in MODES {
        let (sandbox, mut driver) = start(mode);
        trace_id(&driver.ask(&trace("future", "acme", json!([]))), 0);
        let spans = sandbox.wait_for_spans_blocking(1, Duration::from_secs(5));
        assert_eq!(spans.len(), 1, "the driver is still there: {mode:?}");
        finish(&sandbox, driver, 1);
    }
}

#[track_caller]
fn counters(answer: &Value) -> [u64; 5] {
    assert_eq!(answer["ok"].as_object().unwrap().len(), 5, "{answer}");
    let counters = ["emitted", "acknowledged", "held", "dead_lettered", "dropped"]
        .map(|name| answer["ok"][name].as_u64().unwrap());
    assert_eq!(counters[0], counters[1..].iter().sum::<u64>(), "{answer}");
    counters
}

#[test]
fn flush_waits_for_what_was_emitted_and_says_where_it_is() {
    for mode in MODES {
        let (sandbox, mut driver) = start(mode);
        assert_eq!(counters(&driver.ask(&json!({"op": "flush"}))), [0, 0, 0, 0, 0]);
        trace_id(&driver.ask(&trace("closure", "acme", json!([signal("e")]))), 1);
        assert_eq!(counters(&driver.ask(&json!({"op": "flush"}))), [2, 2, 0, 0, 0]);
        assert_eq!(sandbox.spans().len(), 2);

        sandbox.fail(Fault::on("POST", TRACES).status(503).forever());
        trace_id(&driver.ask(&trace("closure", "acme", json!([]))), 0);
        let started = Instant::now();
        let answer = driver.ask(&json!({"op": "flush", "timeout_in_seconds": 0.3}));
        assert_eq!(counters(&answer), [3, 2, 1, 0, 0]);
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(3), "{took:?}");
        for wrong in [json!(-1), json!("1"), json!(1e300)] {
            let answer = driver.ask(&json!({"op": "flush", "timeout_in_seconds": wrong}));
            assert_eq!(answer["error"]["kind"], "invalid_request", "{answer}");
        }

        sandbox.clear_faults();
        assert_eq!(counters(&driver.ask(&json!({"op": "flush"}))), [3, 3, 0, 0, 0]);
        sandbox.fail(Fault::on("POST", TRACES).status(400).times(2));
        trace_id(&driver.ask(&trace("closure", "acme", json!([]))), 0);
        // A request of one span can't be split: it is given up, once it was tried without compression.
        assert_eq!(counters(&driver.ask(&json!({"op": "flush"}))), [4, 3, 0, 1, 0]);
        // As long as a duration goes.
        assert_eq!(
            counters(&driver.ask(&json!({"op": "flush", "timeout_in_seconds": 1e19}))),
            [4, 3, 0, 1, 0]
        );
        finish(&sandbox, driver, 3);
    }
}

#[test]
fn initialize_tracing_may_come_first_or_again() {
    for mode in MODES {
        let (sandbox, mut driver) = start(mode);
        for form in ["client", "closure"] {
            assert_eq!(driver.ask(&json!({"op": "initialize_tracing"})), json!({"ok": null}));
            trace_id(&driver.ask(&trace(form, "acme", json!([]))), 0);
        }
        finish(&sandbox, driver, 2);
        assert_key_is_where_it_belongs(&sandbox);
    }
}

#[test]
fn variables_of_opentelemetry_change_nothing_and_leak_nothing() {
    let surroundings = [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-secret=1"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-secret=1"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_RESOURCE_ATTRIBUTES", "host.secret=1"),
        ("OTEL_SERVICE_NAME", "secret-service"),
    ];
    for mode in MODES {
        let (sandbox, mut driver) = start_with(mode, &surroundings);
        trace_id(&driver.ask(&trace("future", "a long customer id", json!([signal("a long name")]))), 1);
        driver.ask(&trace("closure", "other", json!([{"op": "fail", "message": "boo"}])));
        let spans = finish(&sandbox, driver, 3);
        assert!(spans.iter().any(|span| span.text("event_name") == Some("a long name")));
        assert!(spans.iter().any(|span| span.text("external_customer_id") == Some("a long customer id")));
        assert!(spans.iter().all(|span| span.text("external_agent_id") == Some("bot")));
        assert_eq!(spans.iter().map(|span| span.events.len()).sum::<usize>(), 1);
        for request in sandbox.requests() {
            assert_eq!(request.header("x-secret"), None);
            assert!(!String::from_utf8_lossy(&request.content().unwrap()).contains("secret"));
        }
        assert_key_is_where_it_belongs(&sandbox);
    }
}

#[test]
fn two_drivers_with_a_common_token_share_a_trace() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let endpoint = sandbox.collector_endpoint();
    let variables =
        [("PAID_API_KEY", sandbox.api_key()), ("PAID_OTEL_COLLECTOR_ENDPOINT", endpoint.as_str())];
    let mut drivers = [Driver::with(Mode::Async, variables), Driver::with(Mode::Blocking, variables)];
    let token = drivers[0].ask(&json!({"op": "token.generate_and_set"}))["ok"].clone();
    drivers[1].call("token.set", &[], json!({"token": token}));
    let ids = drivers.each_mut().map(|driver| {
        let answer = driver.ask(&trace("closure", "acme", json!([signal("e")])));
        trace_id(&answer, 1)
    });
    assert_eq!(ids[0], ids[1]);
    assert!(drivers.into_iter().all(|driver| driver.finish().success()));
    assert!(sandbox.spans().iter().all(|span| span.trace_id == ids[0]));
    assert_eq!(sandbox.spans().len(), 4);
}

#[cfg(unix)]
#[test]
fn what_was_answered_before_a_signal_is_sent_and_the_signal_ends_the_driver() {
    use std::os::unix::process::ExitStatusExt;

    for (mode, (name, number)) in
        MODES.into_iter().flat_map(|mode| [("TERM", 15), ("INT", 2)].map(|it| (mode, it)))
    {
        let (sandbox, mut driver) = start(mode);
        trace_id(&driver.ask(&trace("closure", "acme", json!([signal("e")]))), 1);
        let status = driver.kill_by(name);
        assert_eq!((status.signal(), sandbox.spans().len()), (Some(number), 2), "{mode:?} {name}");
    }
}

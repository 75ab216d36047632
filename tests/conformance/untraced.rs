//! Where tracing cannot start, or is switched off: the code runs all the same.

use std::time::{Duration, Instant};

use paid_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::driver::{Driver, Mode};
use crate::traces::{FORMS, MODES, signal, trace};

/// Asserts that every form runs untraced, that signals answer as they should, and that nothing waits for anything.
#[track_caller]
fn assert_untraced(driver: Driver, why: &str) {
    assert_runs(driver, why, |signal| signal["error"]["message"].is_string());
}

#[track_caller]
fn assert_runs(mut driver: Driver, why: &str, is_right: fn(&Value) -> bool) {
    let started = Instant::now();
    for form in FORMS {
        let body =
            json!([signal("a"), {"op": "spawn", "body": [trace(form, "inner", json!([signal("b")]))]}]);
        let answer = driver.ask(&trace(form, "acme", body));
        assert_eq!(answer["ok"]["trace_id"], Value::Null, "{why}: {answer}");
        let signals = answer["ok"]["signals"].as_array().unwrap();
        assert_eq!(signals.len(), 2, "{why}: {answer}");
        for signal in signals {
            assert!(is_right(signal), "{why}: {signal}");
        }
        for (op, kind) in [("fail", "traced"), ("panic", "panic")] {
            let answer = driver.ask(&trace(form, "acme", json!([{"op": op, "message": "boo"}])));
            assert_eq!(answer["error"]["kind"], kind, "{why}: {answer}");
            assert_eq!(answer["error"]["message"], "boo", "{why}: {answer}");
        }
    }
    assert!(is_right(&driver.ask(&signal("e"))));
    assert!(driver.ask(&json!({"op": "token.generate"}))["ok"].is_string());
    let counters = json!({"emitted": 0, "acknowledged": 0, "held": 0, "dead_lettered": 0, "dropped": 0});
    assert_eq!(driver.ask(&json!({"op": "flush"})), json!({"ok": counters}), "{why}");
    assert!(driver.finish().success());
    assert!(started.elapsed() < Duration::from_secs(5), "{why}: {:?}", started.elapsed());
}

#[test]
fn without_a_usable_key() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let endpoint = sandbox.collector_endpoint();
    for (mode, key) in
        MODES.into_iter().flat_map(|mode| [None, Some(""), Some("a key")].map(|key| (mode, key)))
    {
        let variables = [("PAID_OTEL_COLLECTOR_ENDPOINT", endpoint.as_str())];
        let key_variable = key.map(|key| ("PAID_API_KEY", key));
        let start = || Driver::with(mode, variables.into_iter().chain(key_variable));
        assert_untraced(start(), &format!("{mode:?} {key:?}"));
        let mut driver = start();
        let answer = driver.ask(&json!({"op": "initialize_tracing"}));
        let kind = if key == Some("a key") { "invalid" } else { "no_key" };
        assert_eq!(answer["error"]["kind"], kind, "{answer}");
        assert_untraced(driver, &format!("{mode:?} {key:?}, after initialize_tracing"));
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[test]
fn without_a_usable_endpoint() {
    for mode in MODES {
        for endpoint in ["not a url", "ftp://127.0.0.1/v1/traces", "127.0.0.1:4318", "http://"] {
            let variables = [("PAID_API_KEY", "some_key"), ("PAID_OTEL_COLLECTOR_ENDPOINT", endpoint)];
            assert_untraced(Driver::with(mode, variables), endpoint);
            let mut driver = Driver::with(mode, variables);
            let answer = driver.ask(&json!({"op": "initialize_tracing"}));
            assert_eq!(answer["error"]["kind"], "invalid", "{answer}");
            assert!(answer["error"]["message"].as_str().unwrap().contains("PAID_OTEL_COLLECTOR_ENDPOINT"));
            // The reason is the signal's, too, even where only a client tried.
            let mut driver = Driver::with(mode, variables);
            for form in ["client", "closure"] {
                let answer = driver.ask(&trace(form, "acme", json!([signal("e")])));
                let error = &answer["ok"]["signals"][0]["error"];
                assert_eq!(error["kind"], "tracing_off", "{form}: {answer}");
                assert!(
                    error["message"].as_str().unwrap().contains("PAID_OTEL_COLLECTOR_ENDPOINT"),
                    "{answer}"
                );
            }
        }
    }
}

#[test]
fn switched_off() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let endpoint = sandbox.collector_endpoint();
    for mode in MODES {
        let variables = [
            ("PAID_API_KEY", sandbox.api_key()),
            ("PAID_OTEL_COLLECTOR_ENDPOINT", endpoint.as_str()),
            ("PAID_ENABLED", "false"),
        ];
        let mut driver = Driver::with(mode, variables);
        let answer = driver.ask(&json!({"op": "initialize_tracing"}));
        assert_eq!(answer, json!({"ok": null}));
        assert_runs(driver, "PAID_ENABLED=false", |signal| signal.get("ok").is_some());
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[test]
fn the_api_answers_where_tracing_does_not() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let base_url = sandbox.base_url();
    let variables = [
        ("PAID_API_KEY", sandbox.api_key()),
        ("PAID_BASE_URL", base_url.as_str()),
        ("PAID_OTEL_COLLECTOR_ENDPOINT", "not a url"),
    ];
    let mut driver = Driver::with(Mode::Async, variables);
    assert_eq!(driver.ask(&trace("client", "acme", json!([])))["ok"]["trace_id"], Value::Null);
    assert_eq!(driver.call("customers.list", &[], json!({})), json!({"ok": []}));
    assert!(driver.finish().success());
}

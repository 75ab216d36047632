//! The Python SDK itself and this one in one trace, and span by span with the same input.
//!
//! `python_token.py` and `rust_side` do the same; `input.json` is what both are given. It needs `python3` with `venv`
//! and an index that has the packages of `requirements.txt`; where no index can be reached, it says so and is skipped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking

mod compare;
mod python;

use std::fmt;
use std::time::Duration;

use paid::Paid;
use paid::tracing::{TracingOptions, TracingToken, generate_tracing_token, signal};
use paid_sandbox::{ReceivedSpan, Sandbox};
use serde_json::Value;

/// As many as each side sends.
const SPANS: usize = 12;

#[test]
fn python_continues_the_trace_of_a_token_from_here() {
    let Some(python) = python::ready() else { return };
    let sandbox = start();
    let token = generate_tracing_token();
    rust_side(&sandbox, token);
    assert_eq!(python.run(&sandbox, Some(&token.to_string())), token.to_string());
    check(&sandbox, token);
}

#[test]
fn the_trace_of_a_token_from_python_is_continued_here() {
    let Some(python) = python::ready() else { return };
    let sandbox = start();
    let token: TracingToken = python.run(&sandbox, None).parse().expect("a token as Python prints it");
    rust_side(&sandbox, token);
    check(&sandbox, token);
}

/// A collector with a key of its own: what runs at the same time under another key goes elsewhere.
fn start() -> Sandbox {
    Sandbox::builder().api_key(format!("key_{}", generate_tracing_token())).start_blocking().unwrap()
}

fn input() -> Value {
    serde_json::from_str(include_str!("input.json")).unwrap()
}

#[derive(Debug)]
struct WorkError(String);

impl fmt::Display for WorkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What `main` in python_token.py does.
fn rust_side(sandbox: &Sandbox, token: TracingToken) {
    let given = input();
    let text = |name: &str| given[name].as_str().unwrap().to_string();
    let (customer, agent, failure) =
        (text("external_customer_id"), text("external_agent_id"), text("failure"));
    let client = Paid::builder().token(sandbox.api_key()).base_url(sandbox.base_url()).build().unwrap();
    let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
    client.initialize_tracing_with(options).unwrap();

    let scope = client.paid_tracing(customer).external_agent_id(&agent).tracing_token(token);
    scope.metadata(given["metadata"].clone()).run(|| {
        for given in given["signals"].as_array().unwrap() {
            let flag = given["enable_cost_tracing"].as_bool().unwrap_or_default();
            let name = given["event_name"].as_str().unwrap();
            signal(name).data(given["data"].clone()).enable_cost_tracing(flag).send().unwrap();
        }
        client.trace("inner", || client.signal("has no agent").send().unwrap_err());
    });
    let scope = client.paid_tracing("failing").external_agent_id(&agent).tracing_token(token);
    scope
        .try_run(|| {
            client.signal("before the failure").send().unwrap();
            Err::<(), _>(WorkError(failure))
        })
        .unwrap_err();
    drop(client.paid_tracing("").external_agent_id("").tracing_token(token).enter());
    let lists = given["lists_that_python_drops"].clone();
    drop(client.paid_tracing("no token").metadata(lists).enter());
}

/// Compares what both sides sent.
fn check(sandbox: &Sandbox, token: TracingToken) {
    let spans = sandbox.wait_for_spans_blocking(2 * SPANS, Duration::from_secs(20));
    let (python, rust): (Vec<_>, Vec<_>) =
        spans.iter().partition(|span: &&ReceivedSpan| span.scope_name == "paid.python");
    assert!(rust.iter().all(|span| span.scope_name == "paid.rust"), "{rust:#?}");
    assert_eq!((python.len(), rust.len()), (SPANS, SPANS), "{spans:#?}");
    compare::trace_ids(&spans, &token.to_hex());
    for python in &python {
        let role = compare::role(python);
        let same: Vec<_> = rust.iter().filter(|rust| compare::role(rust) == role).collect();
        assert_eq!(same.len(), 1, "{role:?} is there once on either side");
        compare::spans(python, same[0]);
        compare::parents(&spans, python, same[0]);
    }
    // Costs cross the languages: each signal that asks for them has the one of either side.
    let asking: Vec<_> =
        sandbox.traced_signals().into_iter().filter(|signal| signal.enable_cost_tracing).collect();
    assert_eq!(asking.len(), 4);
    for signal in asking {
        assert_eq!(signal.linked.len(), 2, "{signal:#?}");
    }
}

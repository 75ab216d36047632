//! `#[paid_tracing]`: a function behaves as it would without it, and its body runs in the scope.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod arguments;
mod futures;
mod lints;
mod methods;
mod results;
mod surroundings;
mod syncs;
mod traits;

use std::process::Command;
use std::sync::OnceLock;

use paid::tracing::{TracingOptions, TracingToken, current_tracing_token, initialize_tracing};

/// A token to call traced functions with. Tracing goes to a collector that is not there, or is off.
fn token() -> TracingToken {
    is_traced();
    paid::tracing::generate_tracing_token()
}

fn is_traced() -> bool {
    static STARTED: OnceLock<bool> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let options = TracingOptions::new().api_key("key").collector_endpoint("http://127.0.0.1:9/v1/traces");
        initialize_tracing(options).unwrap();
        paid::tracing::paid_tracing("acme").run(|| current_tracing_token().is_some())
    })
}

/// Whether the code here runs in the scope with this token.
fn is_inside(token: TracingToken) -> bool {
    current_tracing_token() == is_traced().then_some(token)
}

#[test]
fn all_of_it_holds_with_tracing_off() {
    if !is_traced() {
        return;
    }
    let output =
        Command::new(std::env::current_exe().unwrap()).env("PAID_ENABLED", "false").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

//! The driver in `examples/conformance/` does what another SDK was recorded to do, with both clients.
//!
//! `rest/*.jsonl` holds the recordings, one step a line: what the caller asked for, the exchanges
//! with the server, and the outcome. Traces are checked at the sandbox's collector.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking

mod collectors;
mod compare;
mod driver;
mod operations;
mod promises;
mod recording;
mod server;
mod tls;
mod traces;
mod untraced;

use driver::{Driver, Mode};
use recording::Step;
use serde_json::json;
use server::Server;

/// The key that the recordings were made with.
const KEY: &str = "tok_test_123";

#[test]
fn the_async_client_repeats_every_recorded_step() {
    replay(Mode::Async);
}

#[test]
fn the_blocking_client_repeats_every_recorded_step() {
    replay(Mode::Blocking);
}

fn replay(mode: Mode) {
    let server = Server::start();
    let mut driver = Driver::start(mode, &server.base_url(), Some(KEY));
    let recordings = recording::all();
    let mut replayed = 0;
    let mut mismatches = Vec::new();
    for step in recordings.iter().flat_map(|recording| &recording.steps) {
        for problem in replay_step(step, &server, &mut driver) {
            mismatches.push(format!("{}: {problem}", step.name));
        }
        replayed += 1;
    }
    assert!(
        mismatches.is_empty(),
        "{} mismatches with {mode:?}:\n{}",
        mismatches.len(),
        mismatches.join("\n")
    );
    assert_eq!(replayed, recordings.iter().map(|recording| recording.lines).sum::<usize>());
    assert!(driver.finish().success());
}

/// Sends the driver a step and says what differs from the recording.
fn replay_step(step: &Step, server: &Server, driver: &mut Driver) -> Vec<String> {
    for exchange in &step.exchanges {
        server.answer(exchange.answer.clone());
    }
    let mut input = step.input.clone();
    if input.get("request_options").is_none() {
        // The recorded client repeats nothing unless asked to.
        input["request_options"] = json!({"max_retries": 0});
    }
    let answer = driver.ask(&input);
    let received = server.take_received();
    server.clear_script();
    let mut problems = compare::outcome(step, &answer);
    if received.len() != step.exchanges.len() {
        problems.push(format!("{} requests instead of {}", received.len(), step.exchanges.len()));
    }
    for (exchange, request) in step.exchanges.iter().zip(&received) {
        problems.extend(compare::request(&exchange.request, request));
        problems.extend(compare::extra_headers(&step.input, request));
    }
    problems
}

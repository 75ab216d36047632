//! What belongs to a whole process: the environment, the default account, the global token, a host's own subscriber.
//! Each test runs in a process of its own, whatever runs the tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod dead_letters;
mod default_account;
mod encoding;
mod hidden_scopes;
mod host_layer;
mod lifecycle;
mod mirror;
mod process_token;
mod reports;
#[cfg(unix)]
mod signals;
mod spool;
mod switched_off;
mod tasks;

use std::process::{Command, Output};
use std::time::Duration;

use paid::AsyncPaid;
use paid::tracing::{SignalError, delivery, paid_tracing, signal};
use paid_sandbox::Sandbox;

/// Set in the process that runs the body of a test.
const CHILD: &str = "PAID_TEST_PROCESS";

/// Runs the body in a process of its own, in which exactly these variables of the SDK are set. It passes where the
/// body does; the output is that of the child.
fn in_process(test: &str, variables: &[(&str, &str)], body: impl FnOnce()) -> Option<Output> {
    if std::env::var_os(CHILD).is_some() {
        body();
        return None;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, "1");
    for name in ["API_KEY", "BASE_URL", "ENABLED", "LOG_LEVEL", "OTEL_COLLECTOR_ENDPOINT", "SPOOL_DIR"] {
        command.env_remove(format!("PAID_{name}"));
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success() && text(&output.stdout).contains("1 passed"),
        "{test}\n{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    Some(output)
}

/// A sandbox, and a client for it that has traced nothing yet.
fn account() -> (Sandbox, AsyncPaid) {
    let sandbox = Sandbox::start_blocking().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    (sandbox, client)
}

/// A signal of the free functions.
fn billed(customer: &str) -> Result<(), SignalError> {
    paid_tracing(customer).external_agent_id("bot").try_run(|| signal("e").send())
}

/// A signal of the attribute.
#[paid::tracing::paid_tracing(customer, external_agent_id = "bot")]
fn billed_by_attribute(customer: &str) -> Result<(), SignalError> {
    signal("e").send()
}

#[paid::tracing::paid_tracing(customer, external_agent_id = "bot")]
async fn billed_by_async_attribute(customer: &str) -> Result<(), SignalError> {
    signal("e").send()
}

/// The customers of the signals that arrived, once all that was recorded has.
fn customers(sandbox: &Sandbox) -> Vec<String> {
    assert!(delivery().flush(Duration::from_secs(10)), "{:?}", delivery().problem());
    let spans = sandbox.spans();
    let signals = spans.iter().filter(|span| span.name == "paid.trace.signal");
    signals.map(|span| span.text("external_customer_id").unwrap().to_string()).collect()
}

fn block_on<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[track_caller]
fn assert_off(result: &Result<(), SignalError>, reason: &str) {
    match result {
        Err(SignalError::TracingOff(text)) if text.contains(reason) => {}
        other => panic!("expected {reason:?}, got {other:?}"),
    }
}

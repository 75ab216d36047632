//! The end of the process: what was recorded before it arrives, and it takes no longer than it may.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use paid_sandbox::{Fault, Sandbox};

fn run(sandbox: &Sandbox, how: &str) -> (Output, Duration) {
    let test = std::env::current_exe().unwrap();
    let example = test.ancestors().nth(2).unwrap().join("examples/ending");
    let started = Instant::now();
    let output = Command::new(example)
        .arg(how)
        .env("PAID_API_KEY", sandbox.api_key())
        .env("PAID_OTEL_COLLECTOR_ENDPOINT", sandbox.collector_endpoint())
        .env_remove("PAID_ENABLED")
        .output()
        .unwrap();
    (output, started.elapsed())
}

#[test]
fn what_was_recorded_arrives_however_the_process_ends() {
    for (how, code) in [("return", 0), ("exit", 3), ("panic", 101), ("thread", 0)] {
        let sandbox = Sandbox::start_blocking().unwrap();
        let (output, _) = run(&sandbox, how);
        assert_eq!(output.status.code(), Some(code), "{how}: {output:?}");
        let customers: Vec<String> = sandbox
            .spans()
            .iter()
            .filter_map(|span| span.text("external_customer_id").map(str::to_string))
            .collect();
        assert_eq!(customers, [format!("customer_{how}")], "{how}");
    }
}

#[test]
fn a_collector_that_does_not_answer_holds_the_end_for_a_bounded_time() {
    let hanging = Sandbox::start_blocking().unwrap();
    hanging.fail(Fault::on("POST", "/v1/traces").hang().forever());
    let (output, took) = run(&hanging, "return");
    assert!(output.status.success() && took < Duration::from_secs(10), "{took:?}");
    let refusing = Sandbox::start_blocking().unwrap();
    refusing.fail(Fault::on("POST", "/v1/traces").status(503).forever());
    let (output, took) = run(&refusing, "return");
    assert!(output.status.success() && took < Duration::from_secs(5), "{took:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("503"), "it says why: {output:?}");
}

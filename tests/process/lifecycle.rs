//! Tracing from its start to its end and again, in a process of its own.

use std::time::Duration;

use paid::tracing::{
    SignalError, TracingError, TracingOptions, delivery, flush, initialize_tracing, paid_tracing, shutdown,
    signal,
};
use paid_sandbox::Sandbox;

fn billed() -> Result<(), SignalError> {
    paid_tracing("acme").external_agent_id("bot").try_run(|| signal("e").send())
}

#[test]
fn tracing_starts_once_ends_once_and_starts_again() {
    crate::in_process("lifecycle::tracing_starts_once_ends_once_and_starts_again", &[], body);
}

fn body() {
    let first = Sandbox::builder().api_key("first").start_blocking().unwrap();
    let second = Sandbox::builder().api_key("second").start_blocking().unwrap();
    let options = |sandbox: &Sandbox| {
        TracingOptions::new().api_key(sandbox.api_key()).collector_endpoint(sandbox.collector_endpoint())
    };

    initialize_tracing(options(&first)).unwrap();
    initialize_tracing(options(&first)).unwrap();
    assert_eq!(initialize_tracing(options(&second)), Err(TracingError::AlreadyInitialized));
    billed().unwrap();
    assert!(flush(Duration::from_secs(10)));
    assert_eq!((first.spans().len(), second.spans().len()), (2, 0));
    assert_eq!(
        (delivery().stats().emitted, delivery().stats().acknowledged, delivery().stats().held),
        (2, 2, 0)
    );

    billed().unwrap();
    assert!(shutdown(Duration::from_secs(10)));
    assert_eq!(first.spans().len(), 4, "a shutdown flushes first");
    let error = billed().unwrap_err();
    assert!(matches!(&error, SignalError::TracingOff(reason) if reason.contains("shut down")), "{error}");
    assert_eq!(paid_tracing("acme").run(|| 7), 7, "the work runs on, untraced");

    let client = paid::AsyncPaid::new("first").unwrap();
    let error = client
        .paid_tracing("acme")
        .external_agent_id("bot")
        .try_run(|| client.signal("e").send())
        .unwrap_err();
    assert!(
        matches!(error, SignalError::TracingOff(_)),
        "a client's scope starts nothing again either: {error}"
    );

    let scope = {
        initialize_tracing(options(&second)).unwrap();
        paid_tracing("late").external_agent_id("bot").enter()
    };
    shutdown(Duration::from_secs(10));
    assert_eq!(signal("late").send(), Err(SignalError::ShutDown));
    drop(scope);

    initialize_tracing(options(&second)).unwrap();
    billed().unwrap();
    assert!(flush(Duration::from_secs(10)));
    assert_eq!((first.spans().len(), second.spans().len()), (4, 2));
}

//! The spool directory as a program sees it: what an ended process left, and a directory that can't be used.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use paid::tracing::{TracingError, TracingOptions, delivery, generate_tracing_token, initialize_tracing};
use paid_sandbox::{Fault, Sandbox};

use crate::{billed, in_process};

const KEY: &str = "the_key_of_the_spool";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("process-spool-{}", generate_tracing_token().to_hex()))
}

fn options(endpoint: &str, dir: &Path) -> TracingOptions {
    TracingOptions::new().api_key(KEY).collector_endpoint(endpoint).spool_dir(dir)
}

/// The scenario of two processes: the first leaves its spans, the second is given the same directory.
fn after_another(test: &str, key: &str, second: impl FnOnce(&Path)) {
    if let Some(dir) = std::env::var_os("PAID_TEST_SPOOL") {
        let dir = PathBuf::from(dir);
        if std::env::var_os("PAID_TEST_FIRST").is_none() {
            return second(&dir);
        }
        initialize_tracing(options("http://127.0.0.1:9/v1/traces", &dir)).unwrap();
        (0..100).for_each(|_| billed("left").unwrap());
        assert!(delivery().flush_to_disk(Duration::from_secs(5)));
        std::process::exit(if delivery().stats().held == 200 { 0 } else { 1 });
    }
    let (dir, sandbox) = (directory(), Sandbox::builder().api_key(key).start_blocking().unwrap());
    let dir_text = dir.to_str().unwrap();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .envs([("PAID_TEST_PROCESS", "1"), ("PAID_TEST_SPOOL", dir_text), ("PAID_TEST_FIRST", "1")])
        .env_remove("PAID_API_KEY")
        .status()
        .unwrap();
    assert!(child.success());
    let endpoint = sandbox.collector_endpoint();
    in_process(test, &[("PAID_TEST_SPOOL", dir_text), ("PAID_TEST_COLLECTOR", endpoint.as_str())], || ());
    let left = sandbox.spans().len();
    assert_eq!(left, if key == KEY { 200 } else { 0 });
    fs::remove_dir_all(dir).unwrap();
}

fn collector() -> String {
    std::env::var("PAID_TEST_COLLECTOR").unwrap()
}

#[test]
fn a_flush_covers_what_an_ended_process_left() {
    after_another("spool::a_flush_covers_what_an_ended_process_left", KEY, |dir| {
        initialize_tracing(options(&collector(), dir)).unwrap();
        assert!(delivery().flush(Duration::from_secs(20)));
        let stats = delivery().stats();
        assert_eq!((stats.held, stats.acknowledged, stats.orphaned_bytes), (0, 200, 0), "{stats:?}");
    });
}

#[test]
fn spans_of_another_key_are_counted_and_never_sent() {
    after_another("spool::spans_of_another_key_are_counted_and_never_sent", "rotated", |dir| {
        initialize_tracing(options(&collector(), dir).api_key("rotated")).unwrap();
        assert!(delivery().flush(Duration::from_secs(10)));
        let stats = delivery().stats();
        assert!(stats.other_keys_bytes > 0 && stats.orphaned_bytes == 0, "{stats:?}");
    });
}

#[test]
fn a_flush_that_leaves_spans_of_an_ended_process_held_is_not_true() {
    after_another("spool::a_flush_that_leaves_spans_of_an_ended_process_held_is_not_true", "down", |dir| {
        initialize_tracing(options("http://127.0.0.1:9/v1/traces", dir)).unwrap();
        assert!(!delivery().flush(Duration::from_secs(1)));
    });
}

#[test]
fn a_directory_that_can_not_be_used_is_a_problem_until_it_can() {
    in_process("spool::a_directory_that_can_not_be_used_is_a_problem_until_it_can", &[], || {
        let sandbox = Sandbox::builder().api_key(KEY).start_blocking().unwrap();
        let base = directory();
        fs::create_dir_all(&base).unwrap();
        // A file where the directory is to be, so that root can't make it either.
        let dir = base.join("spool");
        fs::write(&dir, "a file").unwrap();
        assert!(!delivery().is_durable());
        initialize_tracing(options(&sandbox.collector_endpoint(), &dir)).unwrap();
        assert!(!delivery().is_durable());
        let problem = delivery().problem().unwrap();
        assert!(problem.contains(dir.to_str().unwrap()), "{problem}");
        billed("from memory").unwrap();
        assert!(delivery().flush(Duration::from_secs(10)));
        assert!(delivery().problem().is_some());
        fs::remove_file(&dir).unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while !delivery().is_durable() {
            assert!(Instant::now() < end, "it is tried again: {:?}", delivery().problem());
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(delivery().problem(), None);
        sandbox.fail(Fault::on("POST", "/v1/traces").status(503).forever());
        billed("on disk").unwrap();
        assert!(delivery().flush_to_disk(Duration::from_secs(5)));
        sandbox.clear_faults();
        assert!(delivery().flush(Duration::from_secs(10)));
        fs::remove_dir_all(base).unwrap();
    });
}

#[test]
fn a_required_spool_that_can_not_be_used_is_an_error() {
    in_process("spool::a_required_spool_that_can_not_be_used_is_an_error", &[], || {
        let sandbox = Sandbox::builder().api_key(KEY).start_blocking().unwrap();
        let endpoint = sandbox.collector_endpoint();
        let error =
            initialize_tracing(options(&endpoint, Path::new("/proc/nope")).require_spool()).unwrap_err();
        assert!(
            matches!(error, TracingError::SpoolUnusable(_)) && error.to_string().contains("/proc/nope"),
            "{error}"
        );
        let none = TracingOptions::new().api_key(KEY).collector_endpoint(&endpoint).require_spool();
        let error = initialize_tracing(none).unwrap_err();
        assert!(error.to_string().contains("PAID_SPOOL_DIR"), "{error}");
        let dir = directory();
        initialize_tracing(options(&endpoint, &dir).require_spool()).unwrap();
        assert!(delivery().is_durable());
        billed("acme").unwrap();
        assert_eq!(crate::customers(&sandbox), ["acme"]);
        delivery().shutdown(Duration::from_secs(5));
        fs::remove_dir_all(dir).unwrap();
    });
}

#[test]
fn a_relative_directory_stays_where_it_was_when_tracing_started() {
    in_process("spool::a_relative_directory_stays_where_it_was_when_tracing_started", &[], || {
        let sandbox = Sandbox::builder().api_key(KEY).start_blocking().unwrap();
        let base = directory();
        fs::create_dir_all(base.join("elsewhere")).unwrap();
        std::env::set_current_dir(&base).unwrap();
        initialize_tracing(options(&sandbox.collector_endpoint(), Path::new("spool"))).unwrap();
        std::env::set_current_dir(base.join("elsewhere")).unwrap();
        (0..100).for_each(|_| billed("acme").unwrap());
        assert_eq!(crate::customers(&sandbox).len(), 100);
        assert_eq!(delivery().stats().dropped, 0);
        assert!(base.join("spool").is_dir() && !base.join("elsewhere/spool").exists());
        std::env::set_current_dir("/").unwrap();
        fs::remove_dir_all(base).unwrap();
    });
}

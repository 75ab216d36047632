//! What the system withholds for a time: certificates, file handles; and proxies that are on the way.

use std::fs::File;
use std::time::Duration;

use paid::tracing::{TracingOptions, delivery, initialize_tracing};

use crate::alone::alone_with;
use crate::answer::Answer;
use crate::collector::Collector;
use crate::{Books, KEY, counts, emit_spans, log, settle, start, start_with, unique, wait_until};

/// Nobody listens there.
const DEAD_PROXY: &[(&str, &str)] =
    &[("HTTP_PROXY", "http://127.0.0.1:9"), ("http_proxy", "http://127.0.0.1:9")];
const NO_CERTIFICATES: &[(&str, &str)] = &[("SSL_CERT_FILE", "/nowhere.pem"), ("SSL_CERT_DIR", "/nowhere")];

#[test]
fn a_collector_without_tls_needs_no_certificates() {
    alone_with(NO_CERTIFICATES, || {
        let collector = Collector::start(|_| Answer::ok());
        let books = start(&collector);
        emit_spans(10);
        settle();
        books.close(10, 0, 0);
        assert_eq!(unique(collector.taken()).len(), 10);
    });
}

#[test]
fn without_certificates_spans_wait_and_that_is_told_once() {
    alone_with(NO_CERTIFICATES, || {
        log::keep();
        let collector = Collector::start(|_| Answer::ok());
        let endpoint = collector.https_endpoint();
        initialize_tracing(TracingOptions::new().api_key(KEY).collector_endpoint(endpoint)).unwrap();
        let _books = Books::watch();
        emit_spans(10);
        wait_until("it says why", || delivery().problem().is_some_and(|why| why.contains("certificates")));
        assert!(!delivery().flush(Duration::from_millis(500)));
        emit_spans(10);
        assert_eq!(counts(), [0, 20, 0, 0]);
        assert_eq!(log::lines("held").len(), 1, "{:?}", log::lines(""));
        assert!(log::lines("held")[0].contains("localhost"), "{:?}", log::lines("held"));
        assert!(collector.connections().is_empty());
    });
}

#[test]
fn a_process_without_file_handles_at_the_start_delivers_once_it_has_some() {
    alone_with(&[], || {
        log::keep();
        let collector = Collector::start(|_| Answer::ok());
        let mut taken = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            taken.push(file);
        }
        let books = start(&collector);
        emit_spans(10);
        wait_until("it says why", || delivery().problem().is_some());
        assert_eq!(counts(), [0, 10, 0, 0]);
        drop(taken);
        settle();
        books.close(10, 0, 0);
        assert_eq!(delivery().problem(), None);
    });
}

#[test]
fn a_proxy_of_the_environment_is_heeded_unless_it_is_switched_off() {
    alone_with(DEAD_PROXY, || {
        let collector = Collector::start(|_| Answer::ok());
        let books = start_with(&collector, |options| options.no_proxy());
        emit_spans(10);
        settle();
        books.close(10, 0, 0);
    });
}

#[test]
fn a_proxy_of_the_environment_is_heeded_by_default() {
    alone_with(DEAD_PROXY, || {
        let collector = Collector::start(|_| Answer::ok());
        let _books = start(&collector);
        emit_spans(10);
        wait_until("it says why", || delivery().problem().is_some_and(|why| why.contains("reached")));
        assert!(collector.connections().is_empty());
    });
}

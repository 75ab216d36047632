//! Answers that never come through: what is sent again is the same to the byte, and nothing is missing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use paid_sandbox::{Fault, Sandbox};

use crate::alone::alone;
use crate::answer::{Answer, Ending};
use crate::collector::{Collector, Request};
use crate::{KEY, emit_spans, events, settle, start, start_with, unique, wait_until};

/// The first requests are taken, but that never comes through; all spans have to be there in the end.
fn copies_are_the_same(faulty: usize, answer: impl Fn() -> Answer + Send + Sync + 'static) {
    const SPANS: usize = 700;
    let met = AtomicUsize::new(0);
    let collector = Collector::start(move |_| match met.fetch_add(1, Ordering::SeqCst) {
        early if early < faulty => answer(),
        _ => Answer::ok(),
    });
    let books = start(&collector);
    emit_spans(SPANS);
    settle();
    books.close(SPANS, 0, 0);
    let taken = collector.taken();
    assert!(taken.len() > SPANS, "there were copies");
    assert_eq!(unique(taken).len(), SPANS);
    assert_requests_repeat_exactly(&collector.requests());
}

/// Requests that share a span are one request that was sent several times.
fn assert_requests_repeat_exactly(requests: &[Request]) {
    for request in requests {
        let first = request.spans().next().unwrap();
        let alike = requests.iter().filter(|other| other.spans().any(|span| span.span_id == first.span_id));
        for other in alike {
            assert!(other.raw == request.raw, "sent again, but not the same");
        }
    }
}

#[test]
fn a_reset_after_taking_leads_to_identical_copies_only() {
    alone(|| copies_are_the_same(3, || Answer::ok().taken_then(Ending::Reset)));
}

#[test]
fn a_connection_closed_after_taking_leads_to_identical_copies_only() {
    alone(|| copies_are_the_same(3, || Answer::ok().taken_then(Ending::Close)));
}

#[test]
fn a_503_after_taking_leads_to_identical_copies_only() {
    alone(|| copies_are_the_same(3, || Answer::status(503).taken_then(Ending::Whole)));
}

#[test]
fn an_answer_cut_midway_is_no_answer() {
    // A 200 without its end may have said that spans were rejected.
    alone(|| copies_are_the_same(3, || Answer::ok().body("0123456789").taken_then(Ending::Half)));
}

#[test]
fn an_answer_that_is_no_http_is_no_answer() {
    alone(|| copies_are_the_same(3, || Answer::status(999).header("a b", "\0").taken_then(Ending::Whole)));
}

#[test]
fn a_connection_closed_after_a_while_leads_to_identical_copies_only() {
    let later = Ending::CloseAfter(Duration::from_millis(300));
    alone(move || copies_are_the_same(3, move || Answer::ok().taken_then(later)));
}

#[test]
fn every_request_may_fail_once_or_twice() {
    alone(|| {
        // Every other request fails in one of these ways, whichever spans it has.
        let met = AtomicUsize::new(0);
        let collector = Collector::start(move |_| match met.fetch_add(1, Ordering::SeqCst) {
            at if at > 40 || at % 2 == 1 => Answer::ok(),
            at if at % 6 == 0 => Answer::ok().taken_then(Ending::Reset),
            at if at % 6 == 2 => Answer::status(502).taken_then(Ending::Whole),
            _ => Answer::ok().body("half").taken_then(Ending::Half),
        });
        let books = start(&collector);
        for _ in 0..10 {
            emit_spans(600);
        }
        settle();
        books.close(6000, 0, 0);
        let unique = unique(collector.taken());
        assert_eq!((unique.len(), events(&unique).len()), (6000, 5990));
        assert_requests_repeat_exactly(&collector.requests());
    });
}

#[test]
fn without_compression_copies_are_the_same_too() {
    alone(|| {
        let met = AtomicUsize::new(0);
        let collector = Collector::start(move |_| match met.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Answer::ok().taken_then(Ending::Close),
            _ => Answer::ok(),
        });
        let books = start_with(&collector, |options| options.compression(false));
        emit_spans(700);
        settle();
        books.close(700, 0, 0);
        assert_eq!(unique(collector.taken()).len(), 700);
        assert!(collector.requests().iter().all(|request| !request.is_gzip()));
        assert_requests_repeat_exactly(&collector.requests());
    });
}

#[test]
fn a_fault_of_the_sandbox_after_processing_loses_nothing_and_bills_nothing_twice() {
    alone(|| {
        let sandbox = Sandbox::builder().api_key(KEY).start_blocking().unwrap();
        let on = || Fault::on("POST", "/v1/traces").after_processing();
        sandbox.fail(on().cut());
        sandbox.fail(on().status(503));
        sandbox.fail(on().cut_midway());
        let options = paid::tracing::TracingOptions::new().api_key(KEY);
        let options = options.collector_endpoint(sandbox.collector_endpoint());
        paid::tracing::initialize_tracing(options).unwrap();
        let books = crate::Books::watch();
        emit_spans(300);
        settle();
        books.close(300, 0, 0);
        let mut ids: Vec<_> = sandbox.spans().into_iter().map(|span| (span.trace_id, span.span_id)).collect();
        assert!(ids.len() > 300);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 300);
        for pair in sandbox.requests().windows(2) {
            assert_eq!(pair[0].body(), pair[1].body());
        }
    });
}

#[test]
fn an_attempt_is_given_up_after_30_s_however_slowly_the_answer_comes() {
    alone(|| {
        // One hangs, one drips: both are under way at the same time.
        let (met, begun) = (AtomicUsize::new(0), Instant::now());
        let collector = Collector::start(move |_| match met.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::ok().taken_then(Ending::Hang),
            1 => Answer::ok().body(vec![b' '; 1000]).taken_then(Ending::Drip),
            _ => Answer::ok(),
        });
        let books = start(&collector);
        emit_spans(10);
        collector.wait_for_requests(1);
        emit_spans(20);
        collector.wait_for_requests(2);
        emit_spans(30);
        collector.wait_for_requests(3);
        // Others are not held up meanwhile.
        wait_until("the third is acknowledged", || crate::counts() == [30, 30, 0, 0]);
        while !paid::tracing::flush(Duration::from_millis(500)) {
            assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", crate::state());
        }
        assert!(begun.elapsed() > Duration::from_secs(25), "a slow answer has its time");
        books.close(60, 0, 0);
        assert_eq!(unique(collector.taken()).len(), 60);
        assert_requests_repeat_exactly(&collector.requests());
        for request in &collector.requests()[3..] {
            assert!(request.at - begun < Duration::from_secs(35), "{:?}", request.at - begun);
        }
    });
}

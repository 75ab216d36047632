//! Spans that are refused for good: they alone are buried, and whoever is in the same request is delivered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use paid::tracing::DeadLetter;
use prost::Message;

use crate::alone::alone;
use crate::answer::Answer;
use crate::collector::{Collector, Request, event_of, spans_of};
use crate::{Books, KEY, counts, emit, emit_spans, events, settle, start, start_with, unique};

/// The spans of a dead letter, which never holds the key.
pub fn spans_in(letter: &DeadLetter) -> Vec<Span> {
    let has_key = letter.otlp.windows(KEY.len()).any(|window| window == KEY.as_bytes());
    assert!(!has_key && !format!("{letter:?}").contains(KEY));
    let otlp = ExportTraceServiceRequest::decode(letter.otlp.as_slice()).expect("OTLP");
    spans_of(&otlp).cloned().collect()
}

type Letters = Arc<Mutex<Vec<DeadLetter>>>;

fn start_keeping_letters(collector: &Collector) -> (Books, Letters) {
    let letters = Letters::default();
    let told = letters.clone();
    let books = start_with(collector, |options| {
        options.on_dead_letter(move |letter| told.lock().unwrap().push(letter.clone()))
    });
    (books, letters)
}

fn poisoned(request: &Request) -> bool {
    request.spans().any(|span| event_of(span).is_some_and(|event| event.starts_with("poison")))
}

/// Refuses whatever holds a poison; all but the poisons arrive, once, and those are what is buried.
fn only_the_poisons_are_buried(status: u16, clean: usize, poisons: &[usize]) -> Vec<Request> {
    let collector = Collector::start(move |request| match poisoned(request) {
        true => Answer::refusal(status, "bad event A"),
        false => Answer::ok(),
    });
    let (books, letters) = start_keeping_letters(&collector);
    let name = |at: usize| match poisons.contains(&at) {
        true => format!("poison_{at}"),
        false => format!("clean_{at:05}"),
    };
    emit((0..clean + poisons.len()).map(name));
    settle();
    books.close(clean + 1, poisons.len(), 0);

    let taken = collector.taken();
    assert_eq!(unique(taken.clone()).len(), taken.len(), "nothing that was taken is sent again");
    let mut expected: Vec<String> =
        (0..clean + poisons.len()).filter(|at| !poisons.contains(at)).map(name).collect();
    expected.sort();
    assert_eq!(events(&taken), expected);
    assert_eq!(taken.len(), clean + 1, "and the scope");

    let letters = letters.lock().unwrap();
    let mut buried = Vec::new();
    for letter in letters.iter() {
        assert_eq!((letter.status, letter.refused, letter.spans, &letter.file), (status, 1, 1, &None));
        assert!(letter.reason.contains("bad event A"), "{}", letter.reason);
        buried.extend(spans_in(letter));
    }
    let mut expected: Vec<String> = poisons.iter().map(|at| name(*at)).collect();
    expected.sort();
    assert_eq!(events(&buried), expected);
    // What is buried is what was sent, all of it.
    let requests = collector.requests();
    for span in &buried {
        let sent = requests.iter().flat_map(Request::spans).find(|sent| sent.span_id == span.span_id);
        assert_eq!(sent, Some(span));
    }
    requests
}

#[test]
fn a_poison_span_is_found_in_the_middle_of_its_request() {
    alone(|| {
        let requests = only_the_poisons_are_buried(400, 300, &[137]);
        assert!(requests.len() < 40, "it is found by halves: {}", requests.len());
        // Once plain, then in parts.
        let same = |one: &Request, other: &Request| one.spans().eq(other.spans());
        let refused: Vec<&Request> = requests.iter().filter(|request| poisoned(request)).collect();
        assert!(refused[0].is_gzip() && !refused[1].is_gzip() && same(refused[0], refused[1]));
        for (at, request) in refused.iter().enumerate().skip(2) {
            let times = refused.iter().filter(|other| same(request, other)).count();
            assert!(times <= 2, "the {at}th refused request was sent {times} times");
            assert!(request.spans().count() < refused[1].spans().count());
        }
    });
}

#[test]
fn poison_spans_are_found_at_both_ends_and_side_by_side() {
    alone(|| drop(only_the_poisons_are_buried(400, 40, &[0, 7, 8, 42])));
}

#[test]
fn a_415_for_a_single_span_buries_it() {
    alone(|| drop(only_the_poisons_are_buried(415, 20, &[11])));
}

#[test]
fn a_poison_span_alone_is_tried_plain_and_then_buried() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let (books, letters) = start_keeping_letters(&collector);
        emit_spans(1);
        settle();
        collector.answers(|_| Answer::refusal(400, "no"));
        emit_spans(1);
        settle();
        books.close(1, 1, 0);
        let requests = collector.requests().split_off(1);
        assert!(requests.len() <= 2 && !requests.last().unwrap().is_gzip());
        let letters = letters.lock().unwrap();
        assert_eq!(letters.len(), 1);
        assert_eq!(spans_in(&letters[0])[0].name, "paid.trace.parent_span");
    });
}

#[test]
fn a_413_splits_until_it_fits_and_buries_nothing() {
    alone(|| {
        let collector = Collector::start(|request| match request.spans().count() {
            0..=10 => Answer::ok(),
            _ => Answer::refusal(413, "too large"),
        });
        let (books, letters) = start_keeping_letters(&collector);
        emit_spans(400);
        settle();
        books.close(400, 0, 0);
        let taken = collector.taken();
        assert_eq!((taken.len(), unique(taken).len()), (400, 400));
        assert!(letters.lock().unwrap().is_empty());
        assert!(collector.requests().iter().filter(|request| request.taken).all(Request::is_gzip));
    });
}

#[test]
fn a_413_for_a_single_span_buries_it() {
    alone(|| drop(only_the_poisons_are_buried(413, 30, &[3, 30])));
}

/// A collector that does not know gzip gets everything, and soon nothing compressed any more.
fn gzip_is_refused(status: u16) {
    let collector = Collector::start(move |request| match request.is_gzip() {
        true => Answer::status(status).body("what is this?"),
        false => Answer::ok(),
    });
    let (books, letters) = start_keeping_letters(&collector);
    emit_spans(300);
    settle();
    let learned = collector.requests().len();
    emit_spans(300);
    settle();
    emit_spans(300);
    settle();
    books.close(900, 0, 0);
    let taken = collector.taken();
    assert_eq!((taken.len(), unique(taken).len()), (900, 900));
    assert!(letters.lock().unwrap().is_empty());
    let requests = collector.requests();
    assert!(requests[0].is_gzip());
    assert!(requests[learned..].iter().all(|request| !request.is_gzip()), "it is asked once");
}

#[test]
fn a_collector_without_gzip_that_answers_415_gets_everything() {
    alone(|| gzip_is_refused(415));
}

#[test]
fn a_collector_without_gzip_that_answers_400_gets_everything() {
    alone(|| gzip_is_refused(400));
}

#[test]
fn a_collector_that_refuses_everything_is_told_of_everything_in_dead_letters() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let (books, letters) = start_keeping_letters(&collector);
        emit_spans(1);
        settle();
        // It has acknowledged before, so it is a collector.
        collector.answers(|_| Answer::refusal(400, "no"));
        emit_spans(60);
        settle();
        books.close(1, 60, 0);
        let letters = letters.lock().unwrap();
        let buried: Vec<Span> = letters.iter().flat_map(spans_in).collect();
        assert_eq!((buried.len(), unique(buried).len()), (60, 60));
        // Each span was the whole of a request, at most once.
        let mut alone = HashMap::new();
        for request in collector.requests().iter().skip(1).filter(|request| request.spans().count() == 1) {
            *alone.entry(request.spans().next().unwrap().span_id.clone()).or_insert(0) += 1;
        }
        assert!(alone.values().all(|times| *times == 1), "{alone:?}");
    });
}

#[test]
fn a_bad_span_says_nothing_about_compression() {
    alone(|| {
        let collector = Collector::start(|request| match request.has("poison") {
            true => Answer::refusal(400, "no"),
            false => Answer::ok(),
        });
        let books = start(&collector);
        emit(["a", "poison", "b"]);
        settle();
        let before = collector.requests().len();
        emit_spans(300);
        settle();
        books.close(303, 1, 0);
        assert_eq!(counts(), [303, 0, 1, 0]);
        assert!(
            collector.requests()[before..].iter().all(Request::is_gzip),
            "one bad span says nothing about compression: its request was refused plain, too"
        );
    });
}

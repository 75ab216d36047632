//! What each answer means for the spans: taken, held and sent again, not before, partly taken.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use paid::tracing::delivery;
use prost::Message;

use crate::alone::alone;
use crate::answer::Answer;
use crate::collector::Collector;
use crate::{counts, emit_spans, settle, start, start_with, unique, wait_until};

/// A flush that waits for nothing, but is asked for: a lone span waits for others no longer.
const SHORT: Duration = Duration::from_millis(1);

#[test]
fn any_2xx_acknowledges() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let books = start(&collector);
        // What is in the body is the collector's business, as long as it is no partial success.
        let answers = [
            Answer::status(200),
            Answer::status(202),
            Answer::status(204),
            Answer::status(200).body("{}").header("content-type", "application/json"),
            Answer::status(200).body("<html>thanks</html>"),
            Answer::status(200).body([0xff; 64]),
            Answer::status(299).header("retry-after", "3600"),
        ];
        for (at, answer) in answers.into_iter().enumerate() {
            collector.answers(move |_| answer.clone());
            emit_spans(5);
            settle();
            assert_eq!(counts(), [5 * (at as u64 + 1), 0, 0, 0]);
            assert_eq!(collector.requests().len(), at + 1, "once");
        }
        books.close(35, 0, 0);
    });
}

#[test]
fn any_other_status_is_held_and_sent_again_unchanged_and_a_redirect_is_not_followed() {
    alone(|| {
        let elsewhere = Collector::start(|_| Answer::ok());
        let collector = Collector::start(|_| Answer::ok());
        let books = start(&collector);
        let passing = [
            300, 301, 302, 303, 304, 307, 308, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 421, 422,
            423, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 507, 511, 520, 599,
        ];
        for (round, status) in passing.into_iter().enumerate() {
            let location = elsewhere.endpoint();
            let (met, before) = (AtomicUsize::new(0), collector.requests().len());
            collector.answers(move |_| match met.fetch_add(1, Ordering::SeqCst) {
                0 => Answer::status(status).header("location", location.clone()),
                _ => Answer::ok(),
            });
            emit_spans(3);
            delivery().flush(SHORT);
            collector.wait_for_requests(before + 1);
            if status != 304 {
                wait_until("it says why", || {
                    delivery().problem().is_some_and(|why| why.contains(&status.to_string()))
                        || collector.requests().len() > before + 1
                });
            }
            settle();
            assert_eq!(counts(), [3 * (round as u64 + 1), 0, 0, 0], "{status}");
            let requests = collector.requests().split_off(before);
            assert_eq!(requests.len(), 2, "{status}");
            assert!(requests[0].raw == requests[1].raw, "{status}");
        }
        assert!(elsewhere.connections().is_empty(), "the body holds the key");
        assert_eq!(delivery().problem(), None);
        books.close(3 * passing.len(), 0, 0);
    });
}

/// The time between two attempts while someone flushes all the time, with this Retry-After.
fn paused(status: u16, asked: &dyn Fn() -> String) -> (Duration, SystemTime) {
    let collector = Collector::start(|_| Answer::ok());
    let key = format!("key_{}", paid::tracing::generate_tracing_token());
    let client = paid::AsyncPaid::builder().token(key).build().unwrap();
    let options = paid::tracing::TracingOptions::new().collector_endpoint(collector.endpoint());
    client.initialize_tracing_with(options).unwrap();
    let (met, asked) = (AtomicUsize::new(0), asked());
    collector.answers(move |_| match met.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::status(status).header("retry-after", asked.clone()),
        _ => Answer::ok(),
    });
    client.trace("acme", || ());
    delivery().flush(SHORT);
    collector.wait_for_requests(1);
    while collector.requests().len() < 2 {
        delivery().flush(Duration::from_millis(20));
    }
    let requests = collector.requests();
    assert!(requests[0].raw == requests[1].raw);
    delivery().flush(Duration::from_secs(10));
    (requests[1].at - requests[0].at, requests[1].wall)
}

#[test]
fn a_retry_after_is_heeded_even_when_someone_flushes() {
    alone(|| {
        for (status, asked) in [(503, 1), (302, 1)] {
            let (paused, _) = paused(status, &|| asked.to_string());
            let bounds = Duration::from_secs(asked)..Duration::from_secs(asked + 10);
            assert!(bounds.contains(&paused), "{status}: {paused:?}");
        }
    });
}

#[test]
fn a_retry_after_may_be_a_date() {
    alone(|| {
        let date = DateTime::<Utc>::from(SystemTime::now() + Duration::from_secs(3));
        let text = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let (paused, then) = paused(503, &|| text.clone());
        // The date has no part of a second.
        let earliest = SystemTime::from(DateTime::parse_from_rfc2822(&text).unwrap());
        assert!(then >= earliest && paused < Duration::from_secs(13), "{paused:?}");
        let (paused, _) = self::paused(503, &|| "Sun, 06 Nov 1994 08:49:37 GMT".into());
        assert!(paused < Duration::from_secs(5), "a date that has passed: {paused:?}");
    });
}

#[test]
fn a_retry_after_that_makes_no_sense_is_not_heeded() {
    alone(|| {
        let nonsense = ["soon", "", "-5", "1e19", "NaN", "86401"];
        let dates =
            ["Mon, 99 Foo 2099 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "2099-01-01T00:00:00Z"];
        for asked in nonsense.into_iter().chain(dates) {
            let (paused, _) = paused(503, &|| asked.to_string());
            assert!(paused < Duration::from_secs(5), "{asked:?}: {paused:?}");
        }
    });
}

#[test]
fn a_retry_after_does_not_hold_the_end_of_an_outage_up_for_other_spans_for_longer_than_it_may() {
    alone(|| {
        // An hour for one request; a minute is the most that the others wait for it.
        let met = AtomicUsize::new(0);
        let collector = Collector::start(move |_| match met.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::status(503).header("retry-after", "3600"),
            _ => Answer::ok(),
        });
        let books = start(&collector);
        emit_spans(1);
        wait_until("it is answered", || delivery().problem().is_some());
        emit_spans(1);
        let begun = Instant::now();
        assert!(!delivery().flush(Duration::from_secs(1)));
        assert_eq!((collector.requests().len(), counts()), (1, [0, 2, 0, 0]), "nothing goes before it may");
        // Even then, the end is not held up.
        assert!(!paid::tracing::shutdown(Duration::from_millis(300)));
        assert!(begun.elapsed() < Duration::from_secs(5));
        wait_until("nothing is held", || counts() == [0, 0, 0, 2]);
        books.close(0, 0, 2);
    });
}

fn partial(rejected: i64, message: &str) -> Answer {
    let partial_success =
        Some(ExportTracePartialSuccess { rejected_spans: rejected, error_message: message.into() });
    let body = ExportTraceServiceResponse { partial_success }.encode_to_vec();
    Answer::ok().body(body).header("content-type", "application/x-protobuf")
}

/// Status, reason, refused, spans.
type Letter = (u16, String, u64, u64);

/// What the callback is told, and what is counted, when a request of 10 is answered so and one of 1 is taken.
fn partly(rejected: i64, message: &'static str) -> (Vec<Letter>, [u64; 4]) {
    let collector = Collector::start(move |_| partial(rejected, message));
    let letters = Arc::new(Mutex::new(Vec::new()));
    let told = letters.clone();
    let _books = start_with(&collector, |options| {
        options.on_dead_letter(move |letter| {
            let spans = crate::refusals::spans_in(letter);
            assert_eq!(spans.len() as u64, letter.spans);
            let facts = (letter.status, letter.reason.clone(), letter.refused, letter.spans);
            told.lock().unwrap().push(facts);
        })
    });
    emit_spans(10);
    settle();
    // Nothing that is left over would be sent with it.
    collector.answers(|_| Answer::ok());
    emit_spans(1);
    settle();
    assert_eq!(
        (collector.requests().len(), unique(collector.taken()).len()),
        (2, 11),
        "nothing is sent again"
    );
    let letters = letters.lock().unwrap().clone();
    (letters, counts())
}

#[test]
fn a_partial_success_acknowledges_the_rest_and_buries_what_was_rejected() {
    alone(|| {
        let letter = (200, "three are bad".to_string(), 3, 10);
        assert_eq!(partly(3, "three are bad"), (vec![letter], [8, 0, 3, 0]));
    });
}

#[test]
fn a_partial_success_may_reject_everything_and_no_more_than_that() {
    alone(|| assert_eq!(partly(99, "all"), (vec![(200, "all".to_string(), 10, 10)], [1, 0, 10, 0])));
}

#[test]
fn a_partial_success_that_rejects_nothing_is_a_success() {
    alone(|| assert_eq!(partly(0, "a warning"), (vec![], [11, 0, 0, 0])));
}

#[test]
fn a_partial_success_below_zero_makes_no_sense() {
    alone(|| assert_eq!(partly(-1, "what?"), (vec![], [11, 0, 0, 0])));
}

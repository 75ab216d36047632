//! Flush and shutdown: from anywhere, for any time, and never for longer.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use paid::tracing::{LossCause, SignalError, delivery, paid_tracing, signal};

use crate::alone::alone;
use crate::answer::{Answer, Ending};
use crate::collector::Collector;
use crate::{counts, emit_spans, settle, start, start_with, unique, wait_until};

/// What runs takes at most the time it was given, and what a busy machine adds.
fn bounded<R>(given: Duration, run: impl FnOnce() -> R) -> R {
    let begun = Instant::now();
    let result = run();
    let took = begun.elapsed();
    assert!(took < given + Duration::from_secs(2), "{took:?} instead of {given:?}");
    result
}

#[test]
fn a_flush_waits_for_what_was_recorded_before_it_and_for_nothing_else() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let books = start(&collector);
        assert!(delivery().flush(Duration::ZERO), "there is nothing to wait for");
        for round in 1..=20 {
            emit_spans(10);
            assert!(delivery().flush(Duration::from_secs(20)));
            assert_eq!(collector.taken().len(), 10 * round, "all of it is there");
        }
        assert!(delivery().flush(Duration::ZERO));
        books.close(200, 0, 0);
    });
}

#[test]
fn a_flush_is_not_held_up_by_what_comes_after_it() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let books = start(&collector);
        std::thread::scope(|threads| {
            let (stop, stopped) = std::sync::mpsc::channel::<()>();
            threads.spawn(move || {
                // As long as the test has not ended.
                while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                    emit_spans(5);
                    std::thread::sleep(Duration::from_micros(100));
                }
            });
            for _ in 0..20 {
                emit_spans(1);
                assert!(delivery().flush(Duration::from_secs(20)));
            }
            drop(stop);
        });
        settle();
        let emitted = delivery().stats().emitted as usize;
        books.close(emitted, 0, 0);
        assert_eq!(collector.taken().len(), emitted);
    });
}

#[test]
fn many_threads_flush_at_once() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let books = start(&collector);
        std::thread::scope(|threads| {
            for _ in 0..16 {
                threads.spawn(|| {
                    for _ in 0..20 {
                        emit_spans(3);
                        assert!(delivery().flush(Duration::from_secs(30)));
                    }
                });
            }
        });
        books.close(960, 0, 0);
        let taken = collector.taken();
        assert_eq!((taken.len(), unique(taken).len()), (960, 960));
    });
}

#[test]
fn any_time_is_a_time_to_flush_for() {
    alone(|| {
        let collector = Collector::start(|_| Answer::status(503));
        let books = start(&collector);
        emit_spans(10);
        collector.wait_for_requests(1);
        for given in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(50)] {
            let all: [fn(Duration) -> bool; 3] = [
                |time| delivery().flush(time),
                |time| delivery().flush_to_disk(time),
                |time| delivery().sync(time),
            ];
            for flush in all {
                assert!(!bounded(given, || flush(given)));
            }
        }
        let waiting = std::thread::spawn(|| delivery().flush(Duration::MAX));
        collector.answers(|_| Answer::ok());
        assert!(bounded(Duration::from_secs(10), || waiting.join().unwrap()));
        assert!(delivery().flush_to_disk(Duration::MAX) && delivery().sync(Duration::MAX));
        assert!(delivery().shutdown(Duration::MAX));
        books.close(10, 0, 0);
    });
}

/// During an outage, a shutdown takes the time that it was given, and what is left counts as dropped.
fn shut_down_in_vain(answer: Answer) {
    let collector = Collector::start(move |_| answer.clone());
    let losses = Arc::new(Mutex::new(Vec::new()));
    let told = losses.clone();
    let books = start_with(&collector, |options| {
        options.on_loss(move |loss| told.lock().unwrap().push((loss.cause, loss.spans)))
    });
    // More than goes into the requests that are under way.
    for _ in 0..20 {
        emit_spans(500);
    }
    collector.wait_for_requests(1);
    let scope = paid_tracing("late").external_agent_id("bot").enter();
    let given = Duration::from_millis(400);
    assert!(!bounded(given, || delivery().shutdown(given)));
    assert_eq!(signal("late").send(), Err(SignalError::ShutDown));
    drop(scope);
    assert_eq!(paid_tracing("later").run(|| 7), 7);
    wait_until("nothing is held", || counts()[1] == 0);
    let late = 2;
    books.close(0, 0, 10_000 + late);
    wait_until("it is told", || {
        losses.lock().unwrap().iter().map(|(_, spans)| *spans).sum::<u64>() >= 10_000
    });
    assert!(losses.lock().unwrap().iter().all(|(cause, _)| *cause == LossCause::ShutDown));
    // It is over: again it does nothing.
    bounded(Duration::ZERO, || delivery().shutdown(Duration::from_secs(5)));
    bounded(Duration::ZERO, || delivery().flush(Duration::from_secs(5)));
}

#[test]
fn a_shutdown_while_the_collector_answers_503_is_bounded_and_the_rest_is_dropped() {
    alone(|| shut_down_in_vain(Answer::status(503)));
}

#[test]
fn a_shutdown_while_the_collector_hangs_is_bounded_and_the_rest_is_dropped() {
    alone(|| {
        shut_down_in_vain(Answer { ending: Ending::Hang, ..Answer::status(503) });
    });
}

#[test]
fn what_is_under_way_at_a_shutdown_counts_as_what_becomes_of_it() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        collector.answers(|_| Answer::ok().taken_then(Ending::CloseAfter(Duration::from_millis(700))));
        let books = start(&collector);
        emit_spans(10);
        collector.wait_for_requests(1);
        assert!(!delivery().shutdown(Duration::from_millis(100)));
        // No answer came, so nothing is known of it: it is not sent again, and not counted as acknowledged.
        wait_until("nothing is held", || counts()[1] == 0);
        books.close(0, 0, 10);
        assert_eq!(collector.taken().len(), 10);
    });
}

#[test]
fn a_shutdown_sends_what_waits_for_more() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let books = start(&collector);
        emit_spans(10);
        assert!(bounded(Duration::ZERO, || delivery().shutdown(Duration::from_secs(20))));
        books.close(10, 0, 0);
        assert_eq!(collector.taken().len(), 10);
        // Tracing may begin anew, and the books go on.
        let _again = start(&collector);
        emit_spans(5);
        settle();
        assert_eq!(collector.taken().len(), 15);
    });
}

#[test]
fn a_lone_span_is_sent_soon_without_a_flush() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let books = start(&collector);
        let begun = Instant::now();
        emit_spans(1);
        collector.wait_for_requests(1);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        wait_until("it is acknowledged", || counts() == [1, 0, 0, 0]);
        books.close(1, 0, 0);
    });
}

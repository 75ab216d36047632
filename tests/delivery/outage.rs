//! Outages: few requests while they last, everything after them, and nobody held up by another's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use paid::tracing::delivery;

use crate::alone::alone;
use crate::answer::{Answer, Ending};
use crate::collector::{Collector, Request, event_of};
use crate::{counts, emit, emit_spans, events, log, settle, start, unique, wait_until};

const OUTAGE: Duration = Duration::from_secs(3);
const MOST_REQUESTS: usize = 60;

/// Programs that flush all the time, as one that flushes after each of its own requests does.
struct Impatient {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Impatient {
    fn start() -> Impatient {
        let stop = Arc::new(AtomicBool::new(false));
        let flush = |stop: Arc<AtomicBool>| {
            move || {
                while !stop.load(Ordering::Relaxed) {
                    delivery().flush(Duration::from_millis(5));
                }
            }
        };
        let threads = (0..3).map(|_| std::thread::spawn(flush(stop.clone()))).collect();
        Impatient { stop, threads }
    }
}

impl Drop for Impatient {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// How many attempts there are in the first 3 s of failures, with much to send and someone flushing.
pub fn attempts(collector: &Collector) -> usize {
    for _ in 0..20 {
        emit_spans(300);
    }
    let impatient = Impatient::start();
    wait_until("the first attempt", || !collector.connections().is_empty());
    // What is asked is how much happens in a time.
    std::thread::sleep(OUTAGE);
    drop(impatient);
    let (connections, requests) = (collector.connections(), collector.requests());
    let within = |first: Instant, all: &mut dyn Iterator<Item = Instant>| {
        all.filter(|at| *at - first <= OUTAGE).count()
    };
    let first = connections[0];
    within(first, &mut connections.into_iter())
        .max(within(first, &mut requests.iter().map(|request| request.at)))
}

fn rare_and_lossless(collector: &Collector, recover: impl FnOnce()) {
    let books = start(collector);
    let attempts = attempts(collector);
    assert!((2..=MOST_REQUESTS).contains(&attempts), "{attempts} attempts");
    assert_eq!((counts()[1], delivery().problem().is_some()), (6000, true));
    recover();
    settle();
    books.close(6000, 0, 0);
    assert_eq!(unique(collector.taken()).len(), 6000);
}

#[test]
fn a_collector_that_answers_503_sees_few_requests_and_then_gets_everything() {
    alone(|| {
        log::keep();
        let collector = Collector::start(|_| Answer::status(503));
        rare_and_lossless(&collector, || collector.answers(|_| Answer::ok()));
        // One line when it begins, one when it ends.
        assert_eq!((log::lines("will be sent again").len(), log::lines("go out again").len()), (1, 1));
        assert!(log::lines("will be sent again")[0].contains("503"));
    });
}

#[test]
fn a_collector_that_closes_every_connection_sees_few_of_them_and_then_gets_everything() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        collector.answers(|_| Answer { ending: Ending::Close, taken: false, ..Answer::ok() });
        rare_and_lossless(&collector, || collector.answers(|_| Answer::ok()));
    });
}

/// A collector that acknowledged one span and refuses everything from then on.
#[test]
fn a_collector_that_refuses_everything_with_400_sees_few_requests_at_first() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let books = start(&collector);
        emit_spans(1);
        settle();
        collector.answers(|_| Answer::refusal(400, "no"));
        let attempts = attempts(&collector);
        assert!((2..=MOST_REQUESTS).contains(&attempts), "{attempts} attempts");
        let given_up = counts()[2] as usize;
        let alone = collector.requests().iter().filter(|request| request.spans().count() == 1).count();
        assert!(given_up <= alone, "only what was refused alone is given up");
        collector.answers(|_| Answer::ok());
        settle();
        let lost = counts()[2] as usize;
        books.close(6001 - lost, lost, 0);
        assert_eq!(unique(collector.taken()).len(), 6001 - lost);
    });
}

/// What never acknowledged may be no collector: nothing is given up for it.
fn a_stranger_is_asked_rarely_and_loses_nothing(answer: Answer) {
    let collector = Collector::start(move |_| answer.clone());
    rare_and_lossless(&collector, || collector.answers(|_| Answer::ok()));
}

#[test]
fn what_refuses_everything_in_protobuf_and_never_acknowledged_loses_nothing() {
    alone(|| a_stranger_is_asked_rarely_and_loses_nothing(Answer::refusal(400, "no")));
}

#[test]
fn what_refuses_everything_as_too_large_and_never_acknowledged_loses_nothing() {
    alone(|| a_stranger_is_asked_rarely_and_loses_nothing(Answer::refusal(413, "too large")));
}

#[test]
fn what_refuses_everything_without_words_and_never_acknowledged_loses_nothing() {
    alone(|| a_stranger_is_asked_rarely_and_loses_nothing(Answer::status(400)));
}

#[test]
fn a_page_that_refuses_everything_loses_nothing() {
    alone(|| a_stranger_is_asked_rarely_and_loses_nothing(Answer::page(400)));
}

#[test]
fn a_page_that_answers_200_to_everything_loses_nothing() {
    alone(|| a_stranger_is_asked_rarely_and_loses_nothing(Answer::page(200)));
}

#[test]
fn a_closed_port_that_opens_gets_everything() {
    alone(|| {
        log::keep();
        let collector = Collector::closed(|_| Answer::ok());
        let books = start(&collector);
        emit_spans(300);
        wait_until("it says why", || delivery().problem().is_some_and(|why| why.contains("refused")));
        emit_spans(300);
        assert!(!delivery().flush(Duration::from_millis(700)));
        assert_eq!(counts(), [0, 600, 0, 0]);
        collector.open();
        // Nobody flushes: it finds out by itself.
        wait_until("all is acknowledged", || counts() == [600, 0, 0, 0]);
        assert_eq!(delivery().problem(), None);
        books.close(600, 0, 0);
        let taken = collector.taken();
        assert_eq!((taken.len(), unique(taken).len()), (600, 600));
        assert!(log::lines("will be sent again")[0].contains("refused"));
        assert_eq!(log::lines("").len(), 2, "{:?}", log::lines(""));
    });
}

#[test]
fn a_collector_that_comes_and_goes_gets_everything() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let books = start(&collector);
        let impatient = Impatient::start();
        for round in 0..6 {
            let up = round % 2 == 0;
            collector.answers(move |_| Answer::status(if up { 200 } else { 503 }));
            let before = collector.requests().len();
            emit_spans(200);
            collector.wait_for_requests(before + 1);
        }
        collector.answers(|_| Answer::ok());
        settle();
        drop(impatient);
        books.close(1200, 0, 0);
        assert_eq!(unique(collector.taken()).len(), 1200);
    });
}

fn poisoned(request: &Request) -> bool {
    request.spans().any(|span| event_of(span).is_some_and(|event| event.starts_with("poison")))
}

/// Requests that always fail wait, and everything else goes out meanwhile.
fn others_are_not_held_up(poisons: usize) {
    let collector = Collector::start(|request| match poisoned(request) {
        true => Answer::status(500),
        false => Answer::ok(),
    });
    let books = start(&collector);
    for round in 1..=poisons {
        // The others are in another request.
        let poison = format!("poison_{round}");
        emit([poison.as_str()]);
        collector.wait(&poison, |requests| requests.iter().any(|request| request.has(&poison)));
        emit_spans(100);
        wait_until("the others are acknowledged", || counts()[0] >= 100 * round as u64);
    }
    for _ in 0..4 {
        emit_spans(500);
    }
    let others = 2000 + 100 * poisons;
    wait_until("the others are acknowledged", || counts()[0] >= others as u64);
    // The scopes of the poisons are in the same requests, until those are split.
    let [acknowledged, held, dead, dropped] = counts();
    assert_eq!((acknowledged + held, dead, dropped), ((others + 2 * poisons) as u64, 0, 0));
    assert!(held >= poisons as u64, "{held}");
    assert!(!delivery().flush(Duration::from_millis(10)));
    assert!(delivery().problem().is_none_or(|why| why.contains("500")));
    collector.answers(|_| Answer::ok());
    settle();
    let all = others + 2 * poisons;
    books.close(all, 0, 0);
    let taken = collector.taken();
    assert_eq!((taken.len(), unique(taken.clone()).len()), (all, all));
    assert_eq!(events(&taken).iter().filter(|event| event.starts_with("poison")).count(), poisons);
}

#[test]
fn a_request_that_always_gets_500_does_not_hold_up_others() {
    alone(|| others_are_not_held_up(1));
}

#[test]
fn many_requests_that_always_get_500_do_not_hold_up_others() {
    alone(|| others_are_not_held_up(10));
}

#[test]
fn a_request_that_always_hangs_does_not_hold_up_others() {
    alone(|| {
        let collector = Collector::start(|request| match poisoned(request) {
            true => Answer { ending: Ending::Hang, taken: false, ..Answer::ok() },
            false => Answer::ok(),
        });
        let books = start(&collector);
        emit(["poison"]);
        collector.wait_for_requests(1);
        let begun = Instant::now();
        for round in 1..=5 {
            emit_spans(500);
            wait_until("the others are acknowledged", || counts()[0] >= 500 * round);
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        assert_eq!(counts(), [2500, 2, 0, 0]);
        drop(books);
    });
}

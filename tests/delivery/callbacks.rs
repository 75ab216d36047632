//! Callbacks of the user's: whatever they do, delivery goes on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use paid::tracing::{LossCause, SignalError, delivery, paid_tracing, signal};

use crate::alone::alone;
use crate::answer::Answer;
use crate::collector::Collector;
use crate::{counts, emit, emit_spans, log, settle, start_with, unique, wait_until};

/// Takes everything but signals named `poison`.
fn picky() -> Collector {
    Collector::start(|request| match request.has("poison") {
        true => Answer::refusal(400, "no"),
        false => Answer::ok(),
    })
}

/// Signals until one is dropped; how many were taken, with their scope.
fn fill() -> u64 {
    paid_tracing("acme")
        .external_agent_id("bot")
        .run(|| while signal("e").send() != Err(SignalError::QueueFull) {});
    let stats = delivery().stats();
    stats.emitted - stats.dropped
}

#[test]
fn a_panic_in_on_dead_letter_does_not_end_delivery() {
    alone(|| {
        log::keep();
        let collector = picky();
        let books = start_with(&collector, |options| options.on_dead_letter(|_| panic!("the user's")));
        for _ in 0..3 {
            emit(["a", "poison", "b"]);
            settle();
        }
        books.close(9, 3, 0);
        assert_eq!(unique(collector.taken()).len(), 9);
        assert!(!log::lines("callback").is_empty(), "it says so");
    });
}

#[test]
fn a_panic_in_on_loss_does_not_end_delivery() {
    alone(|| {
        log::keep();
        let collector = Collector::start(|_| Answer::status(503));
        let books = start_with(&collector, |options| {
            options.max_queue_bytes(20_000).on_loss(|_| panic!("the user's"))
        });
        let taken = fill();
        wait_until("it was called", || !log::lines("callback").is_empty());
        collector.answers(|_| Answer::ok());
        settle();
        let dropped = delivery().stats().dropped;
        books.close(taken as usize, 0, dropped as usize);
        assert_eq!(unique(collector.taken()).len() as u64, taken);
    });
}

#[test]
fn a_callback_that_blocks_holds_up_no_caller_and_delivery_goes_on_after_it() {
    alone(|| {
        let collector = picky();
        let (release, released) = mpsc::channel::<()>();
        let (enter, entered) = mpsc::channel();
        let (released, enter) = (Mutex::new(released), Mutex::new(enter));
        let books = start_with(&collector, |options| {
            options.on_dead_letter(move |_| {
                enter.lock().unwrap().send(()).unwrap();
                // Until the test lets go of it.
                released.lock().unwrap().recv().unwrap_err();
            })
        });
        emit(["poison"]);
        entered.recv_timeout(Duration::from_secs(20)).unwrap();
        let begun = Instant::now();
        for _ in 0..10 {
            emit_spans(100);
        }
        assert!(!delivery().flush(Duration::from_millis(100)), "it is bounded all the same");
        assert!(!delivery().flush(Duration::ZERO));
        let _ = (delivery().stats(), delivery().problem());
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        drop(release);
        settle();
        books.close(1001, 1, 0);
        assert_eq!(unique(collector.taken()).len(), 1001);
    });
}

#[test]
fn a_callback_that_never_returns_holds_up_no_end() {
    alone(|| {
        let collector = picky();
        let called = Arc::new(AtomicUsize::new(0));
        let calls = called.clone();
        let _books = start_with(&collector, |options| {
            options.exit_timeout(Duration::from_millis(100)).on_dead_letter(move |_| {
                calls.fetch_add(1, Ordering::SeqCst);
                loop {
                    std::thread::park();
                }
            })
        });
        emit(["poison"]);
        wait_until("it is called", || called.load(Ordering::SeqCst) == 1);
        let begun = Instant::now();
        assert!(!paid::tracing::shutdown(Duration::from_millis(200)));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    });
}

#[test]
fn a_callback_may_use_tracing_itself() {
    alone(|| {
        let collector = picky();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = seen.clone();
        let books = start_with(&collector, |options| {
            options.on_dead_letter(move |letter| {
                // It runs on the thread that all of this waits for.
                let flushed = delivery().flush(Duration::from_millis(50));
                emit(["about_a_dead_letter"]);
                told.lock().unwrap().push((letter.refused, flushed, delivery().stats().emitted));
            })
        });
        emit(["poison"]);
        // The scope, the signal, and what the callback recorded.
        wait_until("all is sent", || counts() == [3, 0, 1, 0]);
        books.close(3, 1, 0);
        assert_eq!(*seen.lock().unwrap(), [(1, false, 4)]);
    });
}

#[test]
fn on_loss_is_called_once_for_a_cause_and_at_the_end_for_the_rest() {
    alone(|| {
        let collector = Collector::start(|_| Answer::status(503));
        let losses = Arc::new(Mutex::new(Vec::new()));
        let told = losses.clone();
        let books = start_with(&collector, |options| {
            options
                .max_queue_bytes(50_000)
                .on_loss(move |loss| told.lock().unwrap().push((loss.cause, loss.spans)))
        });
        let taken = fill();
        wait_until("it is called", || !losses.lock().unwrap().is_empty());
        for _ in 0..5 {
            fill();
        }
        delivery().flush(Duration::from_millis(300));
        assert_eq!(losses.lock().unwrap().len(), 1, "once a minute at most");
        paid::tracing::shutdown(Duration::from_millis(100));
        wait_until("nothing is held", || counts()[1] == 0);
        wait_until("all is told", || {
            let losses = losses.lock().unwrap();
            losses.iter().map(|(_, spans)| spans).sum::<u64>() == delivery().stats().dropped
        });
        let losses = losses.lock().unwrap();
        let of = |cause| losses.iter().filter(|(of, _)| *of == cause).map(|(_, spans)| spans).sum::<u64>();
        assert_eq!(of(LossCause::ShutDown), taken);
        assert_eq!(losses.len(), 3, "{losses:?}");
        books.close(0, 0, (of(LossCause::QueueFull) + taken) as usize);
    });
}

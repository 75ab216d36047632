//! What of the host's goes wrong in the SDK's threads and at the ends of its own: loggers, key functions, destructors.

use std::cell::RefCell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use paid::Token;
use paid::tracing::{SignalError, TracingOptions, delivery, paid_tracing, signal};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::alone::{alone, child, is_child};
use crate::answer::Answer;
use crate::collector::Collector;
use crate::{KEY, counts, emit, emit_spans, settle, start, start_with, unique, wait_until};

/// Calls this for every event.
struct OnEvent<F>(F);

impl<S: Subscriber, F: Fn(&Event<'_>) + 'static> Layer<S> for OnEvent<F> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        (self.0)(event);
    }
}

fn on_event(act: impl Fn(&Event<'_>) + Send + Sync + 'static) {
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(OnEvent(act))).unwrap();
}

/// What is lost, held, refused and delivered while the host's log layer does this.
fn logs_everything(act: impl Fn() + Send + Sync + 'static) {
    static EVENTS: AtomicUsize = AtomicUsize::new(0);
    on_event(move |event| {
        if event.metadata().target() == "paid" {
            EVENTS.fetch_add(1, Ordering::SeqCst);
            act();
        }
    });
    let spool = std::env::temp_dir().join(format!("paid-layer-{}", paid::tracing::generate_tracing_token()));
    let collector = Collector::start(|_| Answer::status(503));
    let books = start_with(&collector, |options| options.spool_dir(&spool).max_queue_bytes(100_000));
    paid_tracing("acme").external_agent_id("bot").run(|| {
        let huge = serde_json::json!({"text": "x".repeat(200_000)});
        assert!(matches!(signal("huge").data(huge).send(), Err(SignalError::TooLarge { .. })));
    });
    emit(["good", "poison"]);
    wait_until("it says why", || delivery().problem().is_some());
    wait_until("it is logged", || EVENTS.load(Ordering::SeqCst) >= 2);
    collector.answers(|request| match request.has("poison") {
        true => Answer::refusal(400, "no"),
        false => Answer::ok(),
    });
    settle();
    books.close(3, 1, 1);
    // A held span, one that is lost, spans that go out again, and a dead letter.
    assert!(EVENTS.load(Ordering::SeqCst) >= 4, "{EVENTS:?}");
    assert!(paid::tracing::shutdown(Duration::from_secs(5)));
    let _ = std::fs::remove_dir_all(&spool);
}

#[test]
fn a_log_layer_that_panics_ends_no_thread() {
    alone(|| logs_everything(|| panic!("the pipe is closed")));
}

#[test]
fn a_log_layer_may_ask_for_the_problem_and_flush() {
    alone(|| {
        logs_everything(|| {
            let _ = (delivery().problem(), delivery().stats());
            delivery().flush(Duration::from_millis(5));
        });
    });
}

/// Everything that reaches the host from the SDK's threads.
struct All;

static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn hear(kind: &str, metadata: &tracing::Metadata<'_>) {
    let thread = std::thread::current().name().unwrap_or_default().to_string();
    if thread.starts_with("paid-") {
        HEARD.lock().unwrap().push(format!("{kind} {} {}", metadata.target(), metadata.name()));
    }
}

impl<S: Subscriber> Layer<S> for All {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        hear("span", attributes.metadata());
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        hear("event", event.metadata());
    }
}

#[test]
fn the_hosts_layers_hear_our_reports_and_nothing_of_our_http() {
    alone(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(All)).unwrap();
        let collector = Collector::start(|_| Answer::status(503));
        let books = start(&collector);
        emit_spans(10);
        wait_until("it says why", || delivery().problem().is_some());
        collector.answers(|_| Answer::ok());
        settle();
        emit_spans(600);
        settle();
        books.close(610, 0, 0);
        wait_until("our own are heard", || HEARD.lock().unwrap().len() >= 2);
        let heard = HEARD.lock().unwrap();
        assert!(heard.iter().all(|line| line.starts_with("event paid ")), "{heard:?}");
    });
}

#[test]
fn the_keys_function_may_block_on_a_runtime_of_its_own() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let key = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async { KEY.to_string() })
        };
        let books = start_with(&collector, |options| options.api_key(Token::from_fn(key)));
        emit_spans(10);
        settle();
        books.close(10, 0, 0);
        assert_eq!(delivery().problem(), None);
    });
}

#[test]
fn a_callback_may_block_on_a_runtime_of_its_own() {
    alone(|| {
        static CALLED: AtomicUsize = AtomicUsize::new(0);
        let collector = Collector::start(|request| match request.has("poison") {
            true => Answer::refusal(400, "no"),
            false => Answer::ok(),
        });
        let books = start_with(&collector, |options| {
            options.on_dead_letter(|_| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async { CALLED.fetch_add(1, Ordering::SeqCst) });
            })
        });
        emit(["good", "poison"]);
        settle();
        books.close(2, 1, 0);
        assert_eq!(CALLED.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn waits_may_be_endless() {
    fn run<F: FnOnce()>(test: F) {
        match is_child() {
            true => test(),
            false => drop(child::<F>(&[])),
        }
    }
    run(|| {
        let collector = Collector::start(|_| Answer::ok());
        start_with(&collector, |options: TracingOptions| options.exit_timeout(Duration::MAX));
        emit_spans(10);
        assert!(delivery().flush(Duration::MAX));
        assert!(delivery().flush_to_disk(Duration::MAX));
        assert!(delivery().sync(Duration::MAX));
        let client = paid::AsyncPaid::new("another_key").unwrap();
        let options = TracingOptions::new().collector_endpoint(collector.endpoint());
        client.initialize_tracing_with(options).unwrap();
        drop(paid::tracing::flush_guard(Duration::MAX));
        emit_spans(10);
        // The end of the process, which flushes.
        std::mem::forget(collector);
    });
}

/// Runs a closure when its thread has ended, among the destructors of thread-locals.
struct AtEnd(Box<dyn FnOnce()>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        std::mem::replace(&mut self.0, Box::new(|| ()))();
    }
}

thread_local! {
    static EARLY: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
    static LATE: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

/// Does everything that a destructor can do with tracing.
fn at_the_end_of_a_thread() {
    let sent = paid_tracing("acme").external_agent_id("bot").run(|| signal("late").send());
    let _ = sent;
    let _ = signal("outside").send();
    let _ = paid::tracing::current_tracing_token();
    let token = paid::tracing::generate_tracing_token();
    paid::tracing::with_tracing_token(token, || signal("with a token").send()).unwrap_err();
    drop(paid_tracing("acme").enter());
    paid::tracing::carry_scope(|| ())();
    use paid::tracing::InCurrentScope;
    let mut future = Box::pin(paid_tracing("acme").run_async(async {}.in_current_scope()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_ready());
}

#[test]
fn destructors_of_thread_locals_may_trace_and_signal() {
    alone(|| {
        let collector = Collector::start(|_| Answer::ok());
        let _books = start(&collector);
        for (early, late, used) in
            [(true, false, true), (false, true, true), (true, true, true), (true, false, false)]
        {
            let thread = std::thread::spawn(move || {
                let set = |slot: &RefCell<Option<AtEnd>>| {
                    *slot.borrow_mut() = Some(AtEnd(Box::new(at_the_end_of_a_thread)));
                };
                if early {
                    EARLY.with(set);
                }
                if used {
                    emit_spans(2);
                }
                if late {
                    LATE.with(set);
                }
            });
            thread.join().unwrap();
        }
        // A scope that ends there, with its guard.
        let thread = std::thread::spawn(|| {
            let scope = paid_tracing("acme").enter();
            EARLY.set(Some(AtEnd(Box::new(move || drop(scope)))));
        });
        thread.join().unwrap();
        settle();
        assert!(counts()[0] >= 6);
        assert_eq!(unique(collector.taken()).len() as u64, counts()[0]);
    });
}

//! The threads of a pipeline: started when the system has one to give, and running to their end even if they panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::report::Reports;

/// How long a thread pauses after a panic, before its body runs again.
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(1);
/// The pause after the system refused a thread, which doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs the body of a thread until it returns. A panic is reported, and the body runs again.
pub(super) fn run_to_end(thread: &str, reports: &Reports, mut body: impl FnMut()) {
    while catch_unwind(AssertUnwindSafe(&mut body)).is_err() {
        reports.holding(&format!("the {thread} thread panicked, and goes on in a moment"));
        std::thread::sleep(PAUSE_AFTER_PANIC);
    }
}

type Start<'a> = dyn FnMut() -> std::io::Result<()> + 'a;

/// Which threads of a pipeline have been started.
#[derive(Debug, Default)]
pub(super) struct Threads {
    complete: AtomicBool,
    attempts: Mutex<Attempts>,
}

#[derive(Debug, Default)]
struct Attempts {
    started: usize,
    failures: u32,
    not_before: Option<Instant>,
}

impl Threads {
    /// Whether all of them have been started.
    #[inline]
    pub fn are_complete(&self) -> bool {
        self.complete.load(Ordering::Relaxed)
    }

    /// Starts those that have not been started, in their order; not more often than the backoff allows, and not while
    /// another caller does.
    pub fn start(&self, now: Instant, all: &mut [&mut Start<'_>]) -> std::io::Result<()> {
        let mut attempts = match self.attempts.try_lock() {
            Ok(attempts) => attempts,
            Err(std::sync::TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
            Err(std::sync::TryLockError::WouldBlock) => return Ok(()),
        };
        if attempts.not_before.is_some_and(|then| now < then) {
            return Ok(());
        }
        for start in all.iter_mut().skip(attempts.started) {
            if let Err(error) = start() {
                let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts.failures));
                attempts.not_before = now.checked_add(pause.min(LONGEST_PAUSE));
                attempts.failures = attempts.failures.saturating_add(1);
                return Err(error);
            }
            attempts.started += 1;
        }
        self.complete.store(true, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_thread_that_the_system_refuses_is_started_later_and_none_is_started_twice() {
        let (threads, now) = (Threads::default(), Instant::now());
        let (first, second, refused) = (Cell::new(0), Cell::new(0), Cell::new(true));
        let start = |now: Instant| {
            let count = |counter: &Cell<u32>| counter.set(counter.get() + 1);
            threads.start(
                now,
                &mut [
                    &mut || {
                        count(&first);
                        Ok(())
                    },
                    &mut || {
                        count(&second);
                        if refused.get() { Err(std::io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
                    },
                ],
            )
        };
        assert!(start(now).is_err());
        start(now).unwrap();
        assert_eq!((first.get(), second.get(), threads.are_complete()), (1, 1, false), "backoff");
        assert!(start(now + FIRST_PAUSE).is_err());
        refused.set(false);
        start(now + 2 * FIRST_PAUSE).unwrap();
        assert!(!threads.are_complete(), "backoff doubles");
        start(now + 4 * FIRST_PAUSE).unwrap();
        assert_eq!((first.get(), second.get(), threads.are_complete()), (1, 3, true));
    }

    #[test]
    fn a_body_that_panics_runs_again_and_that_is_reported() {
        let (reports, mut runs) = (Reports::default(), 0);
        run_to_end("exporter", &reports, || {
            runs += 1;
            assert!(runs > 1, "the first time");
        });
        assert_eq!(runs, 2);
        assert!(reports.problem().unwrap().contains("exporter"));
    }
}

//! Where the recorded spans are, and waiting for them.

use std::time::Duration;

use super::runtime::{self, each};
use crate::ext::delivery::{DeliveryStats, Pipeline};

/// Delivery of everything that this process records, under whatever account.
///
/// ```no_run
/// use std::time::Duration;
///
/// let delivery = paid::tracing::delivery();
/// if !delivery.flush(Duration::from_secs(10)) {
///     let stats = delivery.stats();
///     eprintln!("{} of {} spans wait: {:?}", stats.held, stats.emitted, delivery.problem());
/// }
/// ```
pub fn delivery() -> Delivery {
    Delivery(())
}

/// See [`delivery`].
#[derive(Clone, Copy, Debug)]
pub struct Delivery(());

impl Delivery {
    /// Counts of every span: each is in exactly one place.
    pub fn stats(&self) -> DeliveryStats {
        runtime::stats()
    }

    /// Why spans are held at the moment, such as `the collector gateway:4318 answered 503`; none while they go out. Where
    /// several accounts are at work, it begins with the fingerprint of the account that it is about, as log lines have it.
    pub fn problem(&self) -> Option<String> {
        runtime::problem()
    }

    /// Whether what is recorded now survives the end of this process, even `kill -9`: every account has a spool directory
    /// that can be written. [`problem`](Self::problem) says why not; `false` before tracing starts.
    ///
    /// Just after the start it waits for the directory to be opened, 200 ms at most.
    pub fn is_durable(&self) -> bool {
        runtime::is_durable()
    }

    /// Waits until everything recorded so far is acknowledged or given up, at most `timeout`; whether it was in time.
    /// With a spool directory, that covers what ended processes with the same key left there: true means that nothing of
    /// the account is held.
    ///
    /// It blocks; in async code, call it in `spawn_blocking`.
    pub fn flush(&self, timeout: Duration) -> bool {
        each(timeout, Pipeline::flush)
    }

    /// Waits until everything recorded so far survives the end of this process, even `kill -9`: it is in the spool
    /// directory, or delivered. At most `timeout`; whether it was in time.
    ///
    /// It blocks, as a rule for a few milliseconds. Without a spool directory it is the same as [`flush`](Self::flush).
    pub fn flush_to_disk(&self, timeout: Duration) -> bool {
        each(timeout, Pipeline::flush_to_disk)
    }

    /// Waits until everything recorded so far survives a power loss too; whether it does. At most `timeout` for what is
    /// not written yet, and as long as the disk takes.
    ///
    /// It blocks. Without a spool directory it is the same as [`flush`](Self::flush).
    pub fn sync(&self, timeout: Duration) -> bool {
        each(timeout, Pipeline::sync)
    }

    /// Flushes, at most `timeout`, and ends tracing; whether everything went out. What is left in the spool directory is
    /// delivered by the next process, what is left in memory counts as dropped.
    ///
    /// It blocks. Scopes run untraced from then on, until [`initialize_tracing`](super::initialize_tracing); signals say
    /// that tracing was shut down.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        each(timeout, Pipeline::shutdown)
    }
}

/// The same as [`delivery().flush(timeout)`](Delivery::flush).
pub fn flush(timeout: Duration) -> bool {
    delivery().flush(timeout)
}

/// The same as [`delivery().shutdown(timeout)`](Delivery::shutdown).
pub fn shutdown(timeout: Duration) -> bool {
    delivery().shutdown(timeout)
}

/// The guide's examples are tested with the rest.
#[cfg(doctest)]
#[doc = include_str!("../../docs/delivery.md")]
struct Guide;
